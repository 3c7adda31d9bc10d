/* driver.c - store.h's table of functions: the same nouns, whichever engine is below. */
#include "store/sql/sql_priv.h"

static void close_store(struct store *store)
{
    if (store)
        sq_of(store)->engine->close(sq_of(store));
}

static enum status open_another(struct store *store, bool read_only, struct store **out,
                                struct err *err)
{
    struct sq *first = sq_of(store);
    *out = NULL;
    if (first->read_only && !read_only)
        return err_set(err, ERR_INVALID, "the workspace is open for reading only");
    return first->engine->open_another(first, read_only, out, err);
}

/* clang-format off */
#define DRIVER(called) {\
    .name = called,                                     \
    .close = close_store,                               \
    .open_another = open_another,                       \
    .sound = sq_sound,                                  \
    .choices = &sq_choices,                             \
    .counters = &sq_counters,                           \
    .modes = &sq_modes,                                 \
    .gates = &sq_gates,                                 \
    .tidy = &sq_row_tidy,                               \
    .contracts = &sq_contracts,                         \
    .plans = &sq_plans,                                 \
    .matches = &sq_matches,                             \
    .alerts = &sq_alerts,                               \
    .holds = &sq_holds,                                 \
    .jobs = &sq_jobs,                                   \
    .parts = &sq_parts,                                 \
    .shares = &sq_shares,                               \
    .edits = &sq_edits,                                 \
    .laters = &sq_laters,                               \
    .costs = &sq_costs,                                 \
    .http = &sq_http,                                   \
    .dedupe = &sq_dedupe,                               \
    .versions = &sq_versions,                           \
    .history = &sq_history,                             \
    .watch = sq_watch,                                  \
    .leases = &sq_leases,                               \
    .access = &sq_access,                               \
    .describes = &sq_describes,                         \
    .people = &sq_people,                               \
    .runs = &sq_runs,                                   \
    .audit = &sq_audit,                                 \
    .connection_put = sq_connection_put,                \
    .connection_get = sq_connection_get,                \
    .connection_list = sq_connection_list,              \
    .connection_delete = sq_connection_delete,          \
    .sealed_put = sq_sealed_put,                        \
    .sealed_get = sq_sealed_get,                        \
    .sealed_delete = sq_sealed_delete,                  \
    .sealed_replace = sq_sealed_replace,                \
    .sealed_list = sq_sealed_list,                      \
    .table_apply = sq_table_apply,                      \
    .table_get = sq_table_get,                          \
    .table_list = sq_table_list,                        \
    .table_set_auto_update = sq_table_set_auto_update,  \
    .table_set_next_sync = sq_table_set_next_sync,      \
    .column_approve = sq_column_approve,                \
    .table_delete = sq_table_delete,                    \
    .import_page = sq_import_page,                      \
    .import_finish = sq_import_finish,                  \
    .sources = &sq_sources,                             \
    .schedules = &sq_schedules,                         \
    .views = &sq_views,                                 \
    .cursor_get = sq_cursor_get,                        \
    .keys_list = sq_keys_list,                          \
    .rows_delete = sq_rows_delete,                      \
    .rows = sq_rows,                                    \
    .cells = sq_cells,                                  \
    .cells_put = sq_cells_put,                          \
    .cells_make_due = sq_cells_make_due,                \
    .cells_count = sq_cells_count,                      \
    .cells_in = sq_cells_in,                            \
    .ops_plan = sq_ops_plan,                            \
    .ops_sending = sq_ops_sending,                      \
    .ops_settle = sq_ops_settle,                        \
    .ops_put_off = sq_ops_put_off,                      \
    .ops_list = sq_ops_list,                            \
    .ops_last = sq_ops_last,                            \
    .ops_count = sq_ops_count,                          \
    .ops_recover = sq_ops_recover,                      \
    .written_get = sq_written_get,                      \
    .run_begin = sq_run_begin,                          \
    .run_report = sq_run_report,                        \
    .run_end = sq_run_end,                              \
    .run_list = sq_run_list,                            \
    .audit_add = sq_audit_add,                          \
    .audit_verify = sq_audit_verify,                    \
}
/* clang-format on */

const struct store_driver sq_sqlite_driver = DRIVER("sqlite");
const struct store_driver sq_postgres_driver = DRIVER("postgres");
