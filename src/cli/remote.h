/* remote.h - a server instead of a data directory: --url or $ARGIL_URL.
 *
 * Commands that only read the store get one that asks the server
 * (remote_store.c); what starts work on the server is here. The token comes from
 * $ARGIL_TOKEN and goes to that server only, and never in clear across a network. */
#ifndef ARGIL_CLI_REMOTE_H
#define ARGIL_CLI_REMOTE_H

#include "cli/cli.h"
#include "store/store_access.h"
#include "store/store_alerts.h"
#include "store/store_dedupe.h"
#include "store/store_history.h"
#include "store/store_versions.h"

#define ERR_SERVER_GONE "server.unreachable" /* no answer, or none of ours */

struct remote;

/* NULL with *err set: no token, an address that is not one. Asks nothing yet. */
struct remote *remote_open(struct cli *cli, struct err *err);
void remote_close(struct remote *remote); /* NULL is fine */

/* One request below /api/v1; `body` is JSON or NULL. OK: *out is the answer (NULL when
 * there is none), on `arena`. FAIL: *err as the server said it; *errors (may be
 * NULL) has its further errors. */
enum status remote_call(struct remote *remote, struct arena *arena, const char *method,
                        const char *path, const char *body, const struct json **out,
                        err_list *errors, struct err *err);
/* A path from words, each escaped: remote_path(arena, "tables", name, "rows", NULL). */
const char *remote_path(struct arena *arena, ...) __attribute__((sentinel));

/* A store whose readings are the server's. Commands marked `far` use no other part. */
struct store *remote_store_open(struct cli *cli, struct err *err);
struct remote *remote_of(struct store *remote_store); /* lent */
extern const struct store_access far_access;          /* access lists and the default */
extern const struct store_alerts far_alerts;          /* remote_alerts.c */
extern const struct store_dedupe far_dedupe;          /* remote_tables.c */
extern const struct store_versions far_versions;
extern const struct store_history far_history;
/* Of a table that is known by its id; lent. NULL with *err set. */
const char *remote_table_name(struct store *remote_store, int64_t table_id, struct err *err);

/* What the server's session on a connection sees; on `arena`. */
enum status remote_identity(struct remote *remote, struct arena *arena, const char *connection,
                            struct crm_identity *out, struct err *err);
enum status remote_objects(struct remote *remote, struct arena *arena, const char *connection,
                           struct crm_access **out, size_t *count, struct err *err);
enum status remote_fields(struct remote *remote, struct arena *arena, const char *connection,
                          const char *object, struct crm_field **out, size_t *count,
                          struct err *err);

/* Orders a job and stays until it ends; fills the report. */
enum status remote_sync(struct cli *cli, const char *table, const char *source /* NULL = all */,
                        bool full, struct sync_report *report, struct err *err);
enum status remote_run(struct cli *cli, const char *table, const struct run_options *options,
                       const char *rows, struct run_report *report, struct err *err);
enum status remote_apply(struct cli *cli, const char *path, bool dry_run, struct apply_plan *plan,
                         err_list *errors, struct err *err);
enum status remote_restore(struct cli *cli, const char *table, int64_t version, bool dry_run,
                           struct apply_plan *plan, err_list *errors, struct err *err);
enum status remote_doctor(struct cli *cli, struct arena *arena, const char *connection,
                          struct crm_findings *out, struct err *err);

#endif
