/* access.h - who may build with a connection, which one is meant when none is
 * named, and the audit of its use. Nothing here asks an org. */
#ifndef ARGIL_ENGINE_ACCESS_H
#define ARGIL_ENGINE_ACCESS_H

#include "engine/columns/column_kind.h"

#define ERR_NOT_A_BUILDER "connection.not_a_builder" /* its access list does not name the actor */
#define ERR_NO_CONNECTION "connection.none_named"    /* none named, and no default */

/* Whether the access list lets somebody build with it; an empty one lets everybody. */
enum status access_is_builder(struct store *store, int64_t connection_id, const char *who,
                              bool *may, struct err *err);
/* The same for engine->actor, as an error: ERR_NOT_A_BUILDER. A refusal goes to the audit. */
enum status access_may_build(struct engine *engine, const char *connection, struct err *err);

/* A line in the audit, "connection used": by engine->actor, for what. */
struct connection_use {
    const char *what;          /* "sync", "run", "building", "looking", ... */
    int64_t table_id, run_id;  /* 0 = none */
};
enum status access_note_use(struct engine *engine, int64_t connection_id,
                            const struct connection_use *use, struct err *err);

/* The connection that is meant when none is named: the default, else the only one
 * there is; ERR_NO_CONNECTION. Its name on `arena`. */
enum status access_default(struct store *store, struct arena *arena, const char **name,
                           struct err *err);
/* Names it in a config that needs a connection and names none, and in its text (may be
 * NULL); else both stay. */
enum status access_fill(struct engine *engine, struct arena *arena,
                        const struct kind_option *options, size_t count,
                        const struct json **config, const char **text, struct err *err);

#endif
