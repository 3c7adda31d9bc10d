/* sync.c - one sync of a table: run, rules, pages, statement.
 *
 * Where the rows are is the source kind's business (sources/...). Here is what
 * every kind shares: which columns become due, how a page and the place behind it
 * are stored, and what is said at the end. A sync that is not complete says so. */
#include "engine/sync_priv.h"

#include "base/str.h"
#include "base/when.h"

#include <string.h>

/* ------------------------------------------------------------------ setup */

static enum status read_source(struct sync *sync, struct err *err)
{
    const struct table *table = &sync->table->table;
    const char *text = sync->from->config;
    sync->source = json_parse(sync->job.arena, text, strlen(text), err);
    if (sync->source)
        sync->kind = source_kind_of(sync->from, err);
    if (!sync->kind)
        return err_wrap(err, "source \"%s\" of table \"%s\"", sync->from->name, table->name);
    const char *deleted = json_get_text(sync->source, "when_deleted");
    sync->when_deleted = text_eq(deleted, "remove") ? DELETED_REMOVE
                         : text_eq(deleted, "keep") ? DELETED_KEEP
                                                    : DELETED_MARK;
    sync->update_existing = json_get_bool(sync->source, "update_existing", true);
    sync->auto_update = table->auto_update;
    sync->rows_before = sync->from->row_count;
    return OK;
}

/* A field that the source no longer shows is not read; its values stay (F-53). */
void sync_choose_fields(struct sync *sync, bool (*there)(void *ctx, const char *field), void *ctx)
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
        if (!there(ctx, column->source_field)) {
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

/* ------------------------------------------------------------------- pages */

enum status sync_store(struct sync *sync, const struct row_in *rows, size_t count,
                       const char *cursor, bool first_load, struct err *err)
{
    struct store *store = sync->job.engine->store;
    struct import_page page = {.table_id = sync->table->table.id,
                               .run_id = sync->job.run_id,
                               .source = sync->from->slot,
                               .slots = sync->slots,
                               .fields = sync->fields,
                               .slot_count = sync->field_count,
                               .rows = rows,
                               .row_count = count,
                               .cursor = cursor,
                               .update_existing = sync->update_existing,
                               .first_load = first_load,
                               .when_deleted = sync->when_deleted,
                               .due_for_new = sync->due_for_new,
                               .due_for_new_count = sync->due_for_new_count,
                               .due_for_change = sync->due_for_change,
                               .due_for_change_count = sync->due_for_change_count};
    if (store->does->import_page(store, &page, &sync->report->counts, err) != OK)
        return FAIL;
    sync->report->rows_read += (int64_t)count;
    return OK;
}

enum status sync_cursor_get(struct sync *sync, const char **json, struct err *err)
{
    struct store *store = sync->job.engine->store;
    return store->does->cursor_get(store, sync->job.arena, sync->table->table.id, sync->from->slot,
                                   json, err);
}

enum status sync_rows_now(struct sync *sync, int64_t *out, struct err *err)
{
    struct store *store = sync->job.engine->store;
    struct arena *arena = arena_new();
    struct table table = {0};
    enum status rc = store->does->table_get(store, arena, sync->table->table.name, &table, err);
    const struct source *from = rc == OK ? table_source(&table, sync->from->name) : NULL;
    *out = from ? from->row_count : 0;
    arena_free(arena);
    return rc;
}

/* --------------------------------------------------------------- statement */

static void add_counts(struct sync *sync, struct buf *out)
{
    const struct sync_report *r = sync->report;
    buf_printf(out, "%lld rows", (long long)r->rows_now);
    if (r->remote_count >= 0)
        buf_printf(out, ", the count query said %lld", (long long)r->remote_count);
    buf_printf(out, "; added %lld, changed %lld, unchanged %lld, deleted %lld",
               (long long)r->counts.added, (long long)(r->counts.changed + r->counts.revived),
               (long long)r->counts.unchanged, (long long)r->counts.deleted);
    if (sync->formula_as_of)
        buf_printf(out, "; formula fields as of %s", sync->formula_as_of);
    buf_printf(out, "; %llu calls used", (unsigned long long)r->calls);
}

static void write_statement(struct sync *sync)
{
    struct sync_report *r = sync->report;
    struct buf out = BUF_INIT;
    char as_of[32];
    when_iso_seconds(r->as_of_ms, as_of);
    buf_printf(&out, "%s as of %s for %s, %zu fields; ", r->complete ? "complete" : "NOT complete",
               as_of, sync->subject, sync->field_count);
    add_counts(sync, &out);
    buf_str(&out, buf_text(&sync->notes));
    if (sync->frozen_count)
        buf_printf(&out, "; no longer readable, values kept as they were: %s", sync->frozen);
    if (!sync->auto_update)
        buf_printf(&out, "; auto-update is off: %lld rows wait for a run",
                   (long long)(r->counts.added + r->counts.changed + r->counts.revived));
    snprintf(r->statement, sizeof r->statement, "%s", buf_text(&out));
    buf_free(&out);
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
    if (job_begin_run(&sync->job, sync->table->table.id, "sync", err) != OK)
        return FAIL;
    sync->report->run_id = sync->job.run_id;
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
    if (sync->subject)
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

enum status sync_table(struct engine *engine, const char *table, bool full,
                       struct sync_report *report, struct err *err)
{
    struct err ignored = {0};
    struct run_report unused = {0};
    struct sync sync = {.full = full, .report = report, .notes = BUF_INIT};
    err = err ? err : &ignored;
    memset(report, 0, sizeof *report);
    report->remote_count = -1;
    if (run_job_open(&sync.job, engine, &unused, NULL, err) != OK)
        return FAIL;
    enum status rc = FAIL;
    sync.table = job_table(&sync.job, table, err);
    sync.from = sync.table ? &sync.table->table.sources[0] : NULL;
    if (sync.table && read_source(&sync, err) == OK && begin(&sync, err) == OK) {
        make_rules(&sync);
        rc = end(&sync, sync.kind->pull(&sync, err), err);
    }
    if (rc != OK && sync.table)
        err_wrap(err, "sync of table \"%s\"", table);
    buf_free(&sync.notes);
    run_job_close(&sync.job);
    return rc;
}
