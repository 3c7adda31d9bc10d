/* alerts.h - telling people what they would want to know, by themselves.
 *
 * alerts_look finds what is to be said since the last look and stores it; each kind
 * and table is said at most once in ALERT_QUIET_MS, also over a restart.
 * alerts_deliver hands over what waits, by e-mail and webhook, and notes what became
 * of it. Both may be called by a server's thread or by `argil alert check`. */
#ifndef ARGIL_ENGINE_ALERTS_H
#define ARGIL_ENGINE_ALERTS_H

#include "engine/engine.h"
#include "store/store_alerts.h"

#define ALERT_QUIET_MS  ((int64_t)30 * 60 * 1000)
#define ALERT_LASTING_MS ((int64_t)24 * 3600 * 1000) /* what goes on is said again after a day */
#define ALERT_TRIES     6
#define ALERT_CELLS_LEAST 20 /* a rate over fewer cells says nothing */

const char *alert_kind_name(enum alert_kind kind); /* "failure_rate", "in_doubt", ... */
const char *told_state_name(enum told_state state); /* "not set up", "waiting", "sent", "failed" */

/* How alerts are sent. Stored as JSON; secrets are names in the vault. */
struct alert_settings {
    const char **email; /* addresses */
    size_t email_count;
    const char *from, *server, *user, *password_secret, *ca_file;
    const char *webhook;       /* URL that gets a JSON object by POST; {{secret:name}} is opened */
    const char *authorization; /* its header Authorization, likewise; or NULL */
    bool webhook_private;      /* may be a private address, and http:// */
    int64_t failure_rate;      /* percent, for tables whose recipe names none; 0 = never */
};
enum status alert_settings_load(struct store *store, struct arena *arena,
                                struct alert_settings *out, struct err *err);
/* Checks all of it, then stores it. ERR_INVALID says which is no good. */
enum status alert_settings_store(struct store *store, const struct alert_settings *settings,
                                 struct err *err);
bool alert_settings_email(const struct alert_settings *settings);
bool alert_settings_webhook(const struct alert_settings *settings);
void alert_settings_write(struct jw *w, const struct alert_settings *settings);

struct alerts_looked {
    int64_t raised, repeated; /* new ones; those that were said within the quiet time */
};
enum status alerts_look(struct engine *engine, struct alerts_looked *out, struct err *err);
/* A test alert, by the ways that are set up. */
enum status alerts_test(struct engine *engine, struct alert *out, struct err *err);

struct alerts_delivered {
    int64_t sent, failed /* given up */, waiting /* will be tried again */;
};
/* `url`: the address of the web app for links, or NULL. A way that fails is tried again later. */
enum status alerts_deliver(struct engine *engine, const char *url, struct alerts_delivered *out,
                           struct err *err);

#endif
