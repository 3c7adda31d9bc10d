/* sync.c - rows of a table from their source, and a statement that is true.
 *
 *   nothing yet, another shape, --full:  LOAD, ORDER BY Id
 *   otherwise:                            WINDOW [covered - overlap, server now - lag)
 *                                         by (SystemModstamp, Id), then GONE:
 *                                         what was deleted in that window
 *   always:                               count compare, sweep where it differs
 *
 * Invariant: a page and the cursor behind it are one transaction, so a sync may
 * be killed anywhere and goes on at the next page. A sync that is not complete
 * says so. Memory does not grow with rows: one page lives at a time. */
#include "engine/sync_priv.h"

#include "base/log.h"
#include "base/str.h"
#include "base/when.h"

#include <string.h>

#define OVERLAP_MS  ((int64_t)15 * 60 * 1000)
#define LAG_MS      ((int64_t)5 * 60 * 1000)
#define CATCH_UP_MS ((int64_t)60 * 1000)
#define MANY_ROWS   10

/* ------------------------------------------------------------------ setup */

static enum status read_source(struct sync *sync, struct err *err)
{
    const struct table *table = &sync->table->table;
    const char *text = table->source ? table->source : "{}";
    sync->source = json_parse(sync->job.arena, text, strlen(text), err);
    if (!sync->source)
        return err_wrap(err, "source of table \"%s\"", table->name);
    if (!table->connection || !table->object)
        return err_set(err, ERR_NOT_BUILT, "table \"%s\" has no object to import from",
                       table->name);
    const char *deleted = json_get_text(sync->source, "when_deleted");
    sync->when_deleted = text_eq(deleted, "remove") ? DELETED_REMOVE
                         : text_eq(deleted, "keep") ? DELETED_KEEP
                                                    : DELETED_MARK;
    sync->update_existing = json_get_bool(sync->source, "update_existing", true);
    sync->where = json_get_text(sync->source, "where");
    if (text_blank(sync->where))
        sync->where = NULL;
    sync->auto_update = table->auto_update;
    sync->rows_before = table->row_count;
    return OK;
}

static enum status open_org(struct sync *sync, struct err *err)
{
    const struct table *table = &sync->table->table;
    sync->on = job_session(&sync->job, table->connection, err);
    if (!sync->on)
        return FAIL;
    sync->object = job_describe(sync->on, table->object, sync->job.engine, err);
    if (!sync->object)
        return FAIL;
    sync->lag_ms = text_eq(sync->on->connection.environment, "local") ? 0 : LAG_MS;
    const struct crm_field *stamp = crm_object_field(sync->object, "SystemModstamp");
    sync->has_stamp = stamp && stamp->filterable;
    return OK;
}

/* A field that describe no longer shows is dropped from the query; its values stay (F-53). */
static void choose_fields(struct sync *sync)
{
    const struct table *table = &sync->table->table;
    struct arena *arena = sync->job.arena;
    struct buf frozen = BUF_INIT;
    sync->fields = arena_array(arena, table->column_count + 1, sizeof *sync->fields);
    sync->slots = arena_array(arena, table->column_count + 1, sizeof *sync->slots);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        if (!text_eq(column->kind, "source") || !column->source_field)
            continue;
        if (!strchr(column->source_field, '.') &&
            !crm_object_field(sync->object, column->source_field)) {
            buf_printf(&frozen, "%s%s", frozen.len ? ", " : "", column->source_field);
            sync->frozen_count++;
            continue;
        }
        sync->fields[sync->field_count] = column->source_field;
        sync->slots[sync->field_count++] = column->slot;
    }
    sync->frozen = arena_strdup(arena, buf_text(&frozen));
    buf_free(&frozen);
}

static void add_rules(struct sync *sync, const struct column_plan *plan)
{
    sync->due_for_new[sync->due_for_new_count++] = plan->column->id;
    for (size_t i = 0; i < plan->input_count; i++)
        if (text_eq(plan->inputs[i]->kind, "source"))
            sync->due_for_change[sync->due_for_change_count++] =
                (struct due_rule){plan->inputs[i]->slot, plan->column->id};
}

static void make_rules(struct sync *sync)
{
    struct table_plan *table = sync->table;
    struct arena *arena = sync->job.arena;
    size_t rules = 1;
    for (size_t i = 0; i < table->column_count; i++)
        rules += table->columns[i].input_count;
    sync->due_for_new = arena_array(arena, table->column_count + 1, sizeof *sync->due_for_new);
    sync->due_for_change = arena_array(arena, rules, sizeof *sync->due_for_change);
    for (size_t i = 0; i < table->column_count && sync->auto_update; i++)
        if (table->columns[i].column->auto_update)
            add_rules(sync, &table->columns[i]);
}

/* What the cursor is good for: the same org, object, fields and filter. */
static const char *shape_of(struct sync *sync)
{
    struct buf text = BUF_INIT;
    char hash[65];
    buf_printf(&text, "%s\n%s\n", sync->table->table.object, sync->where ? sync->where : "");
    for (size_t i = 0; i < sync->field_count; i++)
        buf_printf(&text, "%s=%d\n", sync->fields[i], sync->slots[i]);
    sha256_hex(buf_text(&text), text.len, hash);
    buf_free(&text);
    return arena_strndup(sync->job.arena, hash, 32);
}

static enum status load_cursor(struct sync *sync, struct err *err)
{
    struct store *store = sync->job.engine->store;
    const char *json = NULL, *org = sync->on->connection.org_id;
    if (store->does->cursor_get(store, sync->job.arena, sync->table->table.id, &json, err) != OK ||
        sync_cursor_read(sync->job.arena, json, &sync->cursor, err) != OK)
        return FAIL;
    if (sync->cursor.org_id && org && !text_eq(sync->cursor.org_id, org))
        return err_set(err, ERR_CRM_WRONG_ORG,
                       "table \"%s\" was filled from org %s, connection \"%s\" is now org %s",
                       sync->table->table.name, sync->cursor.org_id, sync->on->name, org);
    sync->cursor.org_id = org;
    return OK;
}

/* ------------------------------------------------------------------- pages */

enum status sync_store_page(struct sync *sync, const struct crm_page *page, struct arena *arena,
                            struct err *err)
{
    struct store *store = sync->job.engine->store;
    struct row_in *rows = arena_array(arena, page->count + 1, sizeof *rows);
    for (size_t i = 0; i < page->count; i++)
        rows[i] = (struct row_in){page->records[i].id, page->records[i].stamp,
                                  page->records[i].deleted, page->records[i].values};
    struct import_page import = {.table_id = sync->table->table.id,
                                 .run_id = sync->job.run_id,
                                 .slots = sync->slots,
                                 .slot_count = sync->field_count,
                                 .rows = rows,
                                 .row_count = page->count,
                                 .cursor = sync_cursor_write(arena, &sync->cursor),
                                 .update_existing = sync->update_existing,
                                 .first_load =
                                     sync->cursor.phase == SYNC_LOAD && sync->cursor.first_load,
                                 .when_deleted = sync->when_deleted,
                                 .due_for_new = sync->due_for_new,
                                 .due_for_new_count = sync->due_for_new_count,
                                 .due_for_change = sync->due_for_change,
                                 .due_for_change_count = sync->due_for_change_count};
    crash_point(sync->job.engine, "K16");
    if (store->does->import_page(store, &import, &sync->report->counts, err) != OK)
        return FAIL;
    sync->report->rows_read += (int64_t)page->count;
    return OK;
}

/* The place behind the page: what the next process would read from. */
static void move_cursor(struct sync *sync, const struct crm_page *page)
{
    struct sync_cursor *cursor = &sync->cursor;
    if (!page->count)
        return;
    const struct crm_record *last = &page->records[page->count - 1];
    cursor->id = last->id; /* lent by the page; copied when the page goes */
    cursor->stamp = last->stamp;
}

static void keep_cursor(struct sync *sync, char id[32], char stamp[64])
{
    struct sync_cursor *cursor = &sync->cursor;
    snprintf(id, 32, "%s", cursor->id ? cursor->id : "");
    snprintf(stamp, 64, "%s", cursor->stamp ? cursor->stamp : "");
    cursor->id = cursor->id ? id : NULL;
    cursor->stamp = cursor->stamp ? stamp : NULL;
}

/* A cursor lives longer than this call. */
static void own_cursor(struct sync *sync)
{
    sync->cursor.id = arena_strdup(sync->job.arena, sync->cursor.id);
    sync->cursor.stamp = arena_strdup(sync->job.arena, sync->cursor.stamp);
}

static enum status read_pages(struct sync *sync, const struct crm_read *read, const char *what,
                              int64_t total, struct err *err)
{
    const struct connector *crm = sync->on->session->does;
    struct crm_reader *reader = crm->read_open(sync->on->session, read, err);
    struct arena *arena = arena_new();
    struct crm_page page = {0};
    char id[32], stamp[64];
    int64_t done = 0;
    enum status rc = reader ? OK : FAIL;
    while (rc == OK && !page.last) {
        arena_reset(arena);
        if (engine_stopping(sync->job.engine)) {
            rc = err_set(err, ERR_STOPPED, "stopped; the next sync goes on where this one was");
            break;
        }
        rc = crm->read_next(reader, arena, &page, err);
        if (rc != OK || !page.count)
            continue;
        if (page.total > total)
            total = page.total;
        move_cursor(sync, &page);
        rc = sync_store_page(sync, &page, arena, err);
        keep_cursor(sync, id, stamp);
        done += (int64_t)page.count;
        job_tick(&sync->job, what, done, total);
    }
    own_cursor(sync);
    crm->read_close(reader);
    arena_free(arena);
    return rc;
}

/* Stores the cursor alone: a phase began or ended. */
static enum status store_cursor(struct sync *sync, struct err *err)
{
    struct arena *arena = arena_new();
    struct crm_page none = {0};
    enum status rc = sync_store_page(sync, &none, arena, err);
    arena_free(arena);
    return rc;
}

/* ------------------------------------------------------------------ phases */

static int64_t server_now(const struct sync *sync)
{
    int64_t now = engine_now(sync->job.engine) + sync->on->skew_ms;
    return now - now % 1000; /* the server's Date has no fractions */
}

static enum status load(struct sync *sync, struct err *err)
{
    struct store *store = sync->job.engine->store;
    char what[128];
    struct crm_read read = {.object = sync->object->name,
                            .fields = sync->fields,
                            .field_count = sync->field_count,
                            .where = sync->where,
                            .since_id = sync->cursor.id};
    snprintf(what, sizeof what, "importing %s", sync->object->name);
    sync->report->full = true;
    if (read_pages(sync, &read, what, sync->report->remote_count, err) != OK ||
        store->does->import_finish(store, sync->table->table.id, err) != OK)
        return FAIL;
    sync->cursor.phase = SYNC_IDLE;
    sync->cursor.id = sync->cursor.stamp = NULL;
    sync->cursor.covered_ms = sync->cursor.started_ms - sync->lag_ms;
    return store_cursor(sync, err);
}

static enum status begin_load(struct sync *sync, struct err *err)
{
    sync->cursor = (struct sync_cursor){.phase = SYNC_LOAD,
                                        .first_load = sync->table->table.row_count == 0,
                                        .shape = sync->cursor.shape,
                                        .org_id = sync->cursor.org_id,
                                        .started_ms = server_now(sync)};
    return store_cursor(sync, err);
}

static enum status read_window(struct sync *sync, bool deleted, struct err *err)
{
    struct sync_cursor *cursor = &sync->cursor;
    char from[32];
    when_iso(cursor->from_ms, from);
    struct crm_read read = {.object = sync->object->name,
                            .fields = sync->fields,
                            .field_count = sync->field_count,
                            .where = sync->where,
                            .since_stamp = cursor->stamp ? cursor->stamp : from,
                            .since_id = cursor->stamp ? cursor->id : NULL,
                            .until_ms = cursor->until_ms,
                            .all_rows = deleted,
                            .deleted_only = deleted,
                            .by_stamp = true};
    return read_pages(sync, &read, deleted ? "looking for deleted records" : "reading changes", 0,
                      err);
}

static enum status next_phase(struct sync *sync, enum sync_phase phase, struct err *err)
{
    sync->cursor.phase = phase;
    sync->cursor.id = sync->cursor.stamp = NULL;
    if (phase == SYNC_IDLE)
        sync->cursor.covered_ms = sync->cursor.until_ms;
    return store_cursor(sync, err);
}

static enum status window(struct sync *sync, struct err *err)
{
    if (sync->cursor.phase == SYNC_IDLE) {
        sync->cursor.from_ms = sync->cursor.covered_ms - OVERLAP_MS;
        /* with no lag the present second still counts: it is read again next time */
        sync->cursor.until_ms = server_now(sync) - sync->lag_ms + (sync->lag_ms ? 0 : 1000);
        if (sync->cursor.until_ms <= sync->cursor.covered_ms)
            sync->cursor.until_ms = sync->cursor.covered_ms;
        if (next_phase(sync, SYNC_WINDOW, err) != OK)
            return FAIL;
    }
    if (sync->cursor.phase == SYNC_WINDOW) {
        if (read_window(sync, false, err) != OK || next_phase(sync, SYNC_GONE, err) != OK)
            return FAIL;
    }
    if (crm_object_field(sync->object, "IsDeleted") && read_window(sync, true, err) != OK)
        return FAIL;
    return next_phase(sync, SYNC_IDLE, err);
}

/* ------------------------------------------------------------- the whole */

static enum status check_not_empty(struct sync *sync, struct err *err)
{
    const struct connector *crm = sync->on->session->does;
    if (crm->count(sync->on->session, sync->object->name, sync->where, &sync->report->remote_count,
                   err) != OK)
        return FAIL;
    if (sync->report->remote_count > 0 || sync->rows_before < MANY_ROWS || sync->full)
        return OK;
    err_set(err, "sync.empty",
            "%s now has no record that the filter finds; the table has %lld rows",
            sync->object->name, (long long)sync->rows_before);
    err_cause(err, "The connected user may have lost access, or the filter may be wrong.");
    err_hint(err, "If the records are really gone, confirm with --full.");
    return FAIL;
}

static bool must_load(const struct sync *sync, const char *shape)
{
    return sync->full || sync->cursor.phase == SYNC_NONE || !sync->has_stamp ||
           !text_eq(sync->cursor.shape, shape);
}

static enum status read_all(struct sync *sync, struct err *err)
{
    const char *shape = shape_of(sync);
    bool resume = sync->cursor.phase == SYNC_LOAD && text_eq(sync->cursor.shape, shape);
    int64_t began = sync->job.engine->world->monotonic_ms(sync->job.engine->world);
    if (!resume && must_load(sync, shape)) {
        sync->cursor.shape = shape;
        if (begin_load(sync, err) != OK)
            return FAIL;
    }
    if (sync->cursor.phase != SYNC_LOAD)
        return window(sync, err);
    if (load(sync, err) != OK)
        return FAIL;
    int64_t took = sync->job.engine->world->monotonic_ms(sync->job.engine->world) - began;
    /* a long load is followed by what changed meanwhile */
    return sync->has_stamp && (took > CATCH_UP_MS || resume) ? window(sync, err) : OK;
}

static void write_statement(struct sync *sync)
{
    struct sync_report *r = sync->report;
    char as_of[32];
    int64_t covered = sync->cursor.covered_ms;
    if (!sync->lag_ms && covered > server_now(sync))
        covered = server_now(sync);
    r->as_of_ms = covered;
    when_iso_seconds(covered, as_of);
    int n = snprintf(
        r->statement, sizeof r->statement,
        "%s as of %s for %s%s%s, %zu fields; %lld rows, the count query said %lld; added %lld, "
        "changed %lld, unchanged %lld, deleted %lld; formula fields as of %s; %llu calls used",
        r->complete ? "complete" : "NOT complete", as_of, sync->object->name,
        sync->where ? " where " : "", sync->where ? sync->where : "", sync->field_count,
        (long long)r->rows_now, (long long)r->remote_count, (long long)r->counts.added,
        (long long)(r->counts.changed + r->counts.revived), (long long)r->counts.unchanged,
        (long long)r->counts.deleted, r->full ? as_of : "the last full read",
        (unsigned long long)r->calls);
    if (n > 0 && (size_t)n < sizeof r->statement && sync->newer)
        n += snprintf(r->statement + n, sizeof r->statement - (size_t)n,
                      "; %lld of the counted records are newer than that", (long long)sync->newer);
    if (n > 0 && (size_t)n < sizeof r->statement && sync->frozen_count)
        n += snprintf(r->statement + n, sizeof r->statement - (size_t)n,
                      "; no longer readable, values kept as they were: %s", sync->frozen);
    if (n > 0 && (size_t)n < sizeof r->statement && !sync->auto_update)
        snprintf(r->statement + n, sizeof r->statement - (size_t)n,
                 "; auto-update is off: %lld rows wait for a run",
                 (long long)(r->counts.added + r->counts.changed + r->counts.revived));
}

static const char *report_json(struct sync *sync)
{
    const struct sync_report *r = sync->report;
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "statement", r->statement);
    jw_kv_bool(&w, "full", r->full);
    jw_kv_bool(&w, "complete", r->complete);
    jw_kv_int(&w, "rows_read", r->rows_read);
    jw_kv_int(&w, "remote_count", r->remote_count);
    jw_kv_int(&w, "rows_now", r->rows_now);
    jw_kv_int(&w, "added", r->counts.added);
    jw_kv_int(&w, "changed", r->counts.changed);
    jw_kv_int(&w, "unchanged", r->counts.unchanged);
    jw_kv_int(&w, "deleted", r->counts.deleted);
    jw_kv_int(&w, "revived", r->counts.revived);
    jw_kv_int(&w, "echoes", r->counts.echoes);
    jw_kv_int(&w, "made_due", r->counts.made_due);
    jw_kv_int(&w, "calls", (int64_t)r->calls);
    jw_kv_int(&w, "calls_one_each", (int64_t)r->calls_one_each);
    jw_kv_int(&w, "as_of_ms", r->as_of_ms);
    jw_kv_int(&w, "took_ms", r->took_ms);
    jw_end_object(&w);
    const char *json = arena_strdup(sync->job.arena, buf_text(&text));
    buf_free(&text);
    return json;
}

static enum status begin(struct sync *sync, struct err *err)
{
    struct store *store = sync->job.engine->store;
    struct run run = {.table_id = sync->table->table.id,
                      .kind = "sync",
                      .cause = "person",
                      .started_ms = engine_now(sync->job.engine)};
    if (store->does->run_begin(store, &run, err) != OK)
        return FAIL;
    sync->job.run_id = sync->report->run_id = run.id;
    return OK;
}

static void sum_up(struct sync *sync)
{
    struct world *world = sync->job.engine->world;
    job_sum_calls(&sync->job);
    sync->report->calls = sync->job.report->calls;
    sync->report->calls_one_each = sync->job.report->calls_one_each;
    sync->report->took_ms = world->monotonic_ms(world) - sync->job.started_ms;
}

static enum status end(struct sync *sync, enum status rc, struct err *err)
{
    struct store *store = sync->job.engine->store;
    struct err late = {0};
    sum_up(sync);
    if (sync->object)
        write_statement(sync);
    if (rc != OK)
        sync->report->complete = false;
    enum run_state state = rc == OK                   ? RUN_DONE
                           : err_is(err, ERR_STOPPED) ? RUN_STOPPED
                                                      : RUN_FAILED;
    if (store->does->run_end(store, sync->job.run_id, state, report_json(sync),
                             rc == OK ? NULL : err->message, &late) == OK)
        return rc;
    if (rc == OK)
        *err = late;
    return FAIL;
}

static enum status run(struct sync *sync, struct err *err)
{
    if (open_org(sync, err) != OK)
        return FAIL;
    choose_fields(sync);
    make_rules(sync);
    if (load_cursor(sync, err) != OK || check_not_empty(sync, err) != OK)
        return FAIL;
    if (read_all(sync, err) != OK)
        return FAIL;
    return sync_compare(sync, err);
}

enum status sync_table(struct engine *engine, const char *table, bool full,
                       struct sync_report *report, struct err *err)
{
    struct err ignored = {0};
    struct run_report unused = {0};
    struct sync sync = {.full = full, .report = report};
    err = err ? err : &ignored;
    memset(report, 0, sizeof *report);
    report->remote_count = -1;
    if (run_job_open(&sync.job, engine, &unused, NULL, err) != OK)
        return FAIL;
    enum status rc = FAIL;
    sync.table = job_table(&sync.job, table, err);
    if (sync.table && read_source(&sync, err) == OK && begin(&sync, err) == OK)
        rc = end(&sync, run(&sync, err), err);
    if (rc != OK && sync.table)
        err_wrap(err, "sync of table \"%s\"", table);
    run_job_close(&sync.job);
    return rc;
}
