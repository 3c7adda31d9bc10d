/* migrations.c - the schema, one step a version.
 *
 * A store of a newer version is refused, an older one is brought forward inside
 * one transaction. A step that was released is never edited: add the next one.
 * Steps are in the dialect that both databases speak (sql_priv.h): the PostgreSQL
 * engine puts the workspace in front of every key.
 *
 * Beside these tables every sheet has two of its own, made by tables.c:
 *   t<ID>  (rid, key, stamp, deleted, run, src, made, c1 .. cN)  one row a record
 *   s<ID>  (cid, rid, state, ...)                     only cells that are not plain
 * deleted: 0 live, 1 marked, 3 merged into another row (dedupe.c), 2 removed (values
 * gone; the row id, and with it the journal's memory of what was done for it, stays: a
 * record that comes back must not be acted on as if it were new), 4 removed by auto_delete
 * (tidy.c). src: the sources that hold the row, a bit a slot. made: when it came.
 *
 * What is in clear: cells, and operations' payload, before-image and evidence,
 * hold personal data and are NOT encrypted by this driver yet. Sealed texts
 * (tokens, secrets) are ciphertext before they get here. Reliability T22 asks for
 * payloads sealed like tokens; until then the data directory (0700) and the
 * disk's own encryption guard them. */
#include "store/sql/sql_priv.h"

static const char first[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"

    "CREATE TABLE connections("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE COLLATE NOCASE,"
    " connector TEXT, environment TEXT, login_url TEXT, instance_url TEXT, client_id TEXT,"
    " org_id TEXT, user_id TEXT, username TEXT, org_name TEXT, scopes TEXT, status TEXT,"
    " connected_ms INTEGER, last_used_ms INTEGER, daily_call_budget INTEGER);"

    "CREATE TABLE sealed(label TEXT PRIMARY KEY, sealed TEXT NOT NULL, changed_ms INTEGER)"
    " WITHOUT ROWID;"

    "CREATE TABLE tables("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE COLLATE NOCASE,"
    " recipe TEXT, source TEXT, connection TEXT, object TEXT, guard TEXT,"
    " auto_update INTEGER NOT NULL, row_count INTEGER NOT NULL DEFAULT 0,"
    " created_ms INTEGER, changed_ms INTEGER, next_sync_ms INTEGER NOT NULL DEFAULT 0,"
    " cursor TEXT, keyed INTEGER NOT NULL DEFAULT 0,"
    " next_slot INTEGER NOT NULL DEFAULT 1, next_rid INTEGER NOT NULL DEFAULT 1);"

    "CREATE TABLE columns("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, table_id INTEGER NOT NULL, name TEXT NOT NULL,"
    " type TEXT, kind TEXT, config TEXT, only_run_if TEXT, source_field TEXT,"
    " slot INTEGER NOT NULL, position INTEGER, auto_update INTEGER, approved_ms INTEGER NOT NULL"
    " DEFAULT 0, depends TEXT, hidden INTEGER NOT NULL DEFAULT 0);"
    "CREATE INDEX columns_table ON columns(table_id, position);"

    "CREATE TABLE runs("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, table_id INTEGER NOT NULL, kind TEXT, cause TEXT,"
    " state INTEGER NOT NULL, started_ms INTEGER, ended_ms INTEGER NOT NULL DEFAULT 0,"
    " report TEXT, error TEXT);"
    "CREATE INDEX runs_table ON runs(table_id, id);"
    "CREATE INDEX runs_running ON runs(id) WHERE state=0;"

    /* The journal. Column ids are never used twice, so (row, column) names a cell. */
    "CREATE TABLE ops("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, op_key TEXT NOT NULL UNIQUE, org_id TEXT NOT NULL,"
    " connection_id INTEGER NOT NULL, table_id INTEGER NOT NULL, row_id INTEGER NOT NULL,"
    " column_id INTEGER NOT NULL, run_id INTEGER, generation INTEGER NOT NULL,"
    " kind INTEGER NOT NULL, object TEXT NOT NULL COLLATE NOCASE, key_field TEXT COLLATE NOCASE,"
    " key_value TEXT, target_id TEXT, payload TEXT NOT NULL, payload_sha256 TEXT NOT NULL,"
    " before TEXT, mode INTEGER NOT NULL, state INTEGER NOT NULL,"
    " attempt INTEGER NOT NULL DEFAULT 0, epoch INTEGER NOT NULL, sent_ms INTEGER NOT NULL"
    " DEFAULT 0, deadline_ms INTEGER NOT NULL DEFAULT 0, not_before_ms INTEGER NOT NULL DEFAULT 0,"
    " evidence TEXT, result_id TEXT, result_stamp TEXT, adopted INTEGER NOT NULL DEFAULT 0,"
    " error_code TEXT, error_message TEXT, created_ms INTEGER, done_ms INTEGER NOT NULL DEFAULT 0);"
    "CREATE UNIQUE INDEX ops_generation ON ops(row_id, column_id, generation);"
    "CREATE UNIQUE INDEX ops_cell_flight ON ops(row_id, column_id) WHERE state<6;"
    "CREATE UNIQUE INDEX ops_key_flight ON ops(org_id, object, key_field, key_value)"
    " WHERE key_value IS NOT NULL AND state<6;"
    "CREATE UNIQUE INDEX ops_record_flight ON ops(org_id, target_id)"
    " WHERE target_id IS NOT NULL AND state<6;"
    "CREATE INDEX ops_open ON ops(state, id) WHERE state<6;"
    "CREATE INDEX ops_table ON ops(table_id, state);"

    "CREATE TABLE written("
    " org_id TEXT NOT NULL, record_id TEXT NOT NULL, field TEXT NOT NULL COLLATE NOCASE,"
    " value TEXT, number INTEGER NOT NULL, op_id INTEGER NOT NULL, stamp TEXT,"
    " seen INTEGER NOT NULL DEFAULT 0,"
    " PRIMARY KEY(org_id, record_id, field)) WITHOUT ROWID;"

    "CREATE TABLE audit("
    " id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL,"
    " detail TEXT, prev TEXT NOT NULL, hash TEXT NOT NULL);";

/* Either may be NULL; the text runs first. */
static const struct {
    const char *sql;
    enum status (*run)(struct sq *sq, struct err *err);
} steps[] = {
    {first, NULL},
    {sq_step_push, NULL},
    {sq_step_connections, NULL},
    {sq_step_people, NULL},
    {NULL, sq_step_sources},
    {sq_step_rejects, NULL},
    {sq_step_runs, NULL},
    {sq_step_choices, NULL},
    {sq_step_counters, NULL},
    {sq_step_schedules, NULL},
    {sq_step_views, NULL},
    {sq_step_modes, NULL},
    {sq_step_history, NULL},
    {sq_step_describes, NULL},
    {sq_step_pull, NULL},
    {sq_step_contracts, NULL},
    {sq_step_plans, NULL},
    {sq_step_live, NULL},
    {sq_step_matches, NULL},
    {sq_step_alerts, NULL},
    {sq_step_holds, NULL},
    {sq_step_gates, NULL},
    {sq_step_edits, NULL},
    {sq_step_dedupe, NULL},
    {sq_step_versions, NULL},
    {NULL, sq_step_epochs},
    {sq_step_kept_history, NULL},
    {sq_step_jobs, NULL},
    {NULL, sq_step_tidy},
    {sq_step_columns, NULL},
    {sq_step_laters, NULL},
    {sq_step_parts, NULL},
    {sq_step_shares, NULL},
    {sq_step_costs, NULL},
    {sq_step_http, NULL},
    {sq_step_column_schedules, NULL},
    {sq_step_http_bound, NULL},
    {sq_step_open_ops, NULL},
    {sq_step_settled, NULL},
};

int sq_schema_version(void)
{
    return (int)(sizeof steps / sizeof *steps);
}

static enum status check_version(struct sq *sq, int64_t version, struct err *err)
{
    if (version > sq_schema_version()) {
        err_set(err, ERR_STORE_NEWER,
                "the workspace in %s was written by a newer argil (schema %lld; this one knows %d)",
                sq->place, (long long)version, sq_schema_version());
        err_hint(err, "Use that argil, or a newer one. Nothing was changed.");
        return FAIL;
    }
    if (sq->read_only && version < sq_schema_version()) {
        err_set(err, ERR_INVALID, "the workspace in %s has an older schema (%lld)", sq->place,
                (long long)version);
        err_hint(err, "Any command that writes brings it forward.");
        return FAIL;
    }
    return OK;
}

static int wanted(const struct sq *sq)
{
    return sq->schema ? sq->schema : sq_schema_version();
}

static enum status run_steps(struct sq *sq, int64_t version, struct err *err)
{
    for (int i = (int)version; i < wanted(sq); i++)
        if ((steps[i].sql && sq_exec(sq, steps[i].sql, err) != OK) ||
            (steps[i].run && steps[i].run(sq, err) != OK))
            return FAIL;
    return sq->engine->set_version(sq, wanted(sq), err);
}

static enum status migrate(struct sq *sq, struct err *err)
{
    int64_t version; /* again: another may have been quicker */
    if (sq->engine->get_version(sq, &version, err) != OK || check_version(sq, version, err) != OK)
        return FAIL;
    return version >= wanted(sq) ? OK : run_steps(sq, version, err);
}

enum status sq_migrate(struct sq *sq, struct err *err)
{
    int64_t version;
    if (sq->engine->get_version(sq, &version, err) != OK || check_version(sq, version, err) != OK)
        return FAIL;
    if (version >= wanted(sq))
        return OK;
    if (sq->engine->begin_schema(sq, err) != OK)
        return FAIL;
    return sq_end(sq, migrate(sq, err), err);
}
