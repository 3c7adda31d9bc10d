/* turnstile.h - wrong passwords in a row, and sign-ins in an hour, per user.
 * Thread-safe. */
#ifndef LOCALORG_REST_TURNSTILE_H
#define LOCALORG_REST_TURNSTILE_H

#include <stdbool.h>
#include <stdint.h>

struct turnstile;

struct turnstile *turnstile_new(void);
void turnstile_free(struct turnstile *turnstile); /* NULL is fine */
void turnstile_wrong(struct turnstile *turnstile, const char *user_id, int64_t now_ms);
/* Somebody came in; a right password forgives the wrong ones before. */
void turnstile_pass(struct turnstile *turnstile, const char *user_id, int64_t now_ms,
                    bool with_password);
bool turnstile_locked(struct turnstile *turnstile, const char *user_id, int64_t now_ms,
                      int64_t attempts, int64_t lockout_s);
/* Has the user signed in `most` times in this hour already? */
bool turnstile_busy(struct turnstile *turnstile, const char *user_id, int64_t now_ms, int64_t most);

#endif
