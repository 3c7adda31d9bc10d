/* recents.h - the records a user looked at or wrote last, newest first.
 * In memory, 200 a user; a restart forgets them. Thread-safe. */
#ifndef LOCALORG_REST_RECENTS_H
#define LOCALORG_REST_RECENTS_H

#include <stddef.h>

#define RECENTS_KEPT 200

struct recents;

struct recents *recents_new(void);
void recents_free(struct recents *recents);
void recents_clear(struct recents *recents);
void recents_touch(struct recents *recents, const char *user_id, const char *record_id);
/* Newest first; returns how many were written. */
size_t recents_list(struct recents *recents, const char *user_id, char (*ids)[19], size_t max);

#endif
