/* sync.c - one sync of a table: run, rules, pages, statement.
 *
 * Where the rows are is the source kind's business (sources/...). Here is what
 * every kind shares: which columns become due, how a page and the place behind it
 * are stored, and what is said at the end. A sync that is not complete says so. */
#include "engine/sync_priv.h"

#include "base/str.h"
#include "base/when.h"
#include "model/dedupe.h"
#include "model/due.h"
#include "store/store_dedupe.h"

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
    struct dedupe_rule rule;
    dedupe_rule_read(sync->job.arena, table, &rule);
    sync->same_by = rule.column ? rule.column->name : NULL;
    return OK;
}

/* The field of this source that fills a column; NULL = none does. Tables made before
 * there was a map have one source, whose fields stand with the columns. */
static const char *field_of(const struct json *map, const struct column *column)
{
    if (!text_eq(column->kind, "source"))
        return NULL;
    return map ? json_text(json_get_nocase(map, column->name)) : column->source_field;
}

const char *sync_field_of(const struct sync *sync, const struct column *column)
{
    return field_of(json_get(sync->source, "map"), column);
}

/* A field that the source no longer shows is not read; its values stay (F-53). */
void sync_choose_fields(struct sync *sync, bool (*there)(void *ctx, const char *field), void *ctx)
{
    const struct table *table = &sync->table->table;
    struct arena *arena = sync->job.arena;
    const struct json *map = json_get(sync->source, "map");
    struct buf frozen = BUF_INIT;
    sync->fields = arena_array(arena, table->column_count + 1, sizeof *sync->fields);
    sync->columns = arena_array(arena, table->column_count + 1, sizeof *sync->columns);
    sync->slots = arena_array(arena, table->column_count + 1, sizeof *sync->slots);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        const char *field = field_of(map, column);
        if (!field)
            continue;
        if (!there(ctx, field)) {
            buf_printf(&frozen, "%s%s", frozen.len ? ", " : "", field);
            sync->frozen_count++;
            continue;
        }
        sync->fields[sync->field_count] = field;
        sync->columns[sync->field_count] = column;
        sync->slots[sync->field_count++] = column->slot;
    }
    sync->frozen = arena_strdup(arena, buf_text(&frozen));
    buf_free(&frozen);
}

static void add_rules(struct sync *sync, const struct column_plan *plan)
{
    struct due_case c = {.new_row = true,
                         .table_auto = sync->auto_update,
                         .column_auto = plan->column->auto_update,
                         .state = CELL_EMPTY};
    if (due_decide(&c) == DUE_RUN)
        sync->due_for_new[sync->due_for_new_count++] = plan->column->id;
    for (size_t i = 0; i < plan->input_count; i++)
        if (text_eq(plan->inputs[i]->kind, "source"))
            sync->due_for_change[sync->due_for_change_count++] = (struct due_rule){
                plan->inputs[i]->slot, plan->column->id, !plan->column->auto_update};
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
    sync->due_for_new_count = sync->due_for_change_count = 0;
    for (size_t i = 0; i < table->column_count; i++)
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
                               .fields = sync->echo_fields ? sync->echo_fields : sync->fields,
                               .slot_count = sync->field_count,
                               .rows = rows,
                               .row_count = count,
                               .seen = sync->seen,
                               .repeated = sync->repeated,
                               .cursor = cursor,
                               .heard = sync->heard,
                               .update_existing = sync->update_existing,
                               .known_only = sync->known_only,
                               .first_load = first_load,
                               .when_deleted = sync->when_deleted,
                               .due_for_new = sync->due_for_new,
                               .due_for_new_count = sync->due_for_new_count,
                               .due_for_change = sync->due_for_change,
                               .due_for_change_count = sync->due_for_change_count,
                               .table_off = !sync->auto_update,
                               .keep_results = sync->table->keep_results};
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
        buf_printf(out, ", %s %lld", sync->counted_by ? sync->counted_by : "the count query said",
                   (long long)r->remote_count);
    buf_printf(out, "; added %lld, changed %lld, unchanged %lld, deleted %lld",
               (long long)r->counts.added, (long long)(r->counts.changed + r->counts.revived),
               (long long)r->counts.unchanged, (long long)r->counts.deleted);
    if (sync->formula_as_of)
        buf_printf(out, "; formula fields as of %s", sync->formula_as_of);
    buf_printf(out, "; %llu calls used", (unsigned long long)r->calls);
}

/* One line for a source; its name before it when there are several. */
static void write_statement(struct sync *sync, struct buf *out)
{
    struct sync_report *r = sync->report;
    char as_of[32];
    when_iso_seconds(r->as_of_ms, as_of);
    if (sync->table->table.source_count > 1)
        buf_printf(out, "%s%s: ", out->len ? "\n" : "", sync->from->name);
    buf_printf(out, "%s as of %s for %s, %zu fields; ", r->complete ? "complete" : "NOT complete",
               as_of, sync->subject, sync->field_count);
    add_counts(sync, out);
    buf_str(out, buf_text(&sync->notes));
    if (sync->frozen_count)
        buf_printf(out, "; no longer readable, values kept as they were: %s", sync->frozen);
    if (r->counts.merged || sync->merged_now)
        buf_printf(out, "; %lld rows were merged into others of the same %s, %lld of the table are",
                   (long long)r->counts.merged, sync->same_by, (long long)sync->merged_now);
    if (r->counts.loops)
        buf_printf(out, "; %lld rows have columns that feed each other: their cells say which",
                   (long long)r->counts.loops);
    if (!sync->auto_update)
        buf_printf(out, "; auto-update is off: %lld rows wait for a run",
                   (long long)(r->counts.added + r->counts.changed + r->counts.revived));
}

/* ---------------------------------------------------------------- the whole */

struct whole {
    struct sync sync;
    struct sync_report *report; /* of all sources */
    const char *only;           /* the source asked for; NULL = all */
    struct buf statement, parts;
    struct jw parts_writer; /* a JSON list, an object a source */
    size_t pulled;
};

static void write_counts(struct jw *w, const struct sync_report *r)
{
    jw_kv_bool(w, "full", r->full);
    jw_kv_bool(w, "complete", r->complete);
    jw_kv_int(w, "rows_read", r->rows_read);
    jw_kv_int(w, "remote_count", r->remote_count);
    jw_kv_int(w, "rows_now", r->rows_now);
    jw_kv_int(w, "added", r->counts.added);
    jw_kv_int(w, "changed", r->counts.changed);
    jw_kv_int(w, "unchanged", r->counts.unchanged);
    jw_kv_int(w, "deleted", r->counts.deleted);
    jw_kv_int(w, "revived", r->counts.revived);
    jw_kv_int(w, "echoes", r->counts.echoes);
    jw_kv_int(w, "made_due", r->counts.made_due);
    jw_kv_int(w, "repeats", r->counts.repeats);
    jw_kv_int(w, "merged", r->counts.merged);
    jw_kv_int(w, "loops", r->counts.loops);
    jw_kv_int(w, "refused", r->refused);
    jw_kv_int(w, "calls", (int64_t)r->calls);
    jw_kv_int(w, "calls_one_each", (int64_t)r->calls_one_each);
    jw_kv_int(w, "as_of_ms", r->as_of_ms);
    jw_kv_int(w, "took_ms", r->took_ms);
}

static const char *report_json(struct whole *whole)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "statement", buf_text(&whole->statement));
    write_counts(&w, whole->report);
    jw_key(&w, "sources");
    jw_raw(&w, buf_text(&whole->parts), whole->parts.len);
    jw_end_object(&w);
    const char *json = arena_strdup(whole->sync.job.arena, buf_text(&text));
    buf_free(&text);
    return json;
}

static enum status begin(struct whole *whole, struct err *err)
{
    if (job_begin_run(&whole->sync.job, whole->sync.table->table.id, "sync", err) != OK)
        return FAIL;
    whole->report->run_id = whole->sync.job.run_id;
    return OK;
}

static enum status end(struct whole *whole, enum status rc, struct err *err)
{
    struct store *store = whole->sync.job.engine->store;
    struct err late = {0};
    enum run_state state = rc == OK                   ? RUN_DONE
                           : err_is(err, ERR_STOPPED) ? RUN_STOPPED
                                                      : RUN_FAILED;
    if (rc != OK)
        whole->report->complete = false;
    if (store->does->run_end(store, whole->sync.job.run_id, state, report_json(whole),
                             rc == OK ? NULL : err->message, &late) == OK)
        return rc;
    if (rc == OK)
        *err = late;
    return FAIL;
}

/* ------------------------------------------------------------- one source */

static void begin_source(struct sync *sync, const struct source *from, struct sync_report *part)
{
    *part = (struct sync_report){.remote_count = -1};
    sync->from = from;
    sync->report = part;
    sync->kind = NULL;
    sync->field_count = sync->frozen_count = 0;
    sync->subject = sync->formula_as_of = sync->counted_by = NULL;
    sync->echo_fields = NULL;
    sync->seen = NULL;
    sync->merged_now = 0;
    sync->heard = 0;
    sync->repeated = NULL;
    buf_clear(&sync->notes);
}

static void add_up(struct sync_report *all, const struct sync_report *part, bool first)
{
    all->full = all->full || part->full;
    all->complete = (first || all->complete) && part->complete;
    all->rows_read += part->rows_read;
    all->rows_now += part->rows_now;
    all->refused += part->refused;
    all->calls += part->calls;
    all->calls_one_each += part->calls_one_each;
    all->took_ms += part->took_ms;
    all->remote_count = first ? part->remote_count
                        : all->remote_count < 0 || part->remote_count < 0
                            ? -1
                            : all->remote_count + part->remote_count;
    if (first || part->as_of_ms < all->as_of_ms)
        all->as_of_ms = part->as_of_ms;
    import_counts_add(&all->counts, &part->counts);
}

static void end_source(struct whole *whole, int64_t began, uint64_t calls, uint64_t one_each)
{
    struct sync *sync = &whole->sync;
    struct sync_report *part = sync->report;
    struct world *world = sync->job.engine->world;
    job_sum_calls(&sync->job);
    part->calls = sync->job.report->calls - calls;
    part->calls_one_each = sync->job.report->calls_one_each - one_each;
    part->took_ms = world->monotonic_ms(world) - began;
    if (sync->subject)
        write_statement(sync, &whole->statement);
    jw_object(&whole->parts_writer);
    jw_kv_text(&whole->parts_writer, "name", sync->from->name);
    jw_kv_text(&whole->parts_writer, "kind", sync->from->kind);
    write_counts(&whole->parts_writer, part);
    jw_end_object(&whole->parts_writer);
    add_up(whole->report, part, whole->pulled++ == 0);
}

enum status sync_open(struct sync *sync, struct engine *engine, const char *table,
                      const char *source, struct run_report *unused, struct sync_report *part,
                      struct err *err)
{
    *sync = (struct sync){0};
    if (run_job_open(&sync->job, engine, unused, NULL, err) != OK)
        return FAIL;
    sync->table = job_table(&sync->job, table, err);
    if (!sync->table)
        return FAIL;
    const struct source *from = table_source(&sync->table->table, source);
    if (!from)
        return err_set(err, ERR_NOT_FOUND, "table \"%s\" has no source \"%s\"", table, source);
    begin_source(sync, from, part);
    if (read_source(sync, err) != OK)
        return FAIL;
    make_rules(sync);
    return OK;
}

void sync_close(struct sync *sync)
{
    buf_free(&sync->notes);
    run_job_close(&sync->job);
}

static enum status pull_source(struct whole *whole, const struct source *from, struct err *err)
{
    struct sync *sync = &whole->sync;
    struct store *store = sync->job.engine->store;
    struct sync_report part;
    struct world *world = sync->job.engine->world;
    int64_t began = world->monotonic_ms(world);
    job_sum_calls(&sync->job);
    uint64_t calls = sync->job.report->calls, one_each = sync->job.report->calls_one_each;
    begin_source(sync, from, &part);
    if (read_source(sync, err) != OK)
        return FAIL;
    if (!sync->kind->pull)
        return OK;
    make_rules(sync);
    enum status rc = sync->kind->pull(sync, err);
    if (rc == OK && sync->same_by)
        rc = store->does->dedupe->count(store, sync->table->table.id, &sync->merged_now, err);
    if (rc != OK)
        part.complete = false;
    if (rc != OK && sync->table->table.source_count > 1)
        err_wrap(err, "source \"%s\"", from->name);
    end_source(whole, began, calls, one_each);
    return rc;
}

/* A source that fails does not hold back the next; the first error is told. */
static enum status pull_all(struct whole *whole, struct err *err)
{
    const struct table *table = &whole->sync.table->table;
    enum status rc = OK;
    for (size_t i = 0; i < table->source_count; i++) {
        struct err mine = {0};
        if (whole->only && !text_eq_nocase(table->sources[i].name, whole->only))
            continue;
        if (pull_source(whole, &table->sources[i], &mine) == OK)
            continue;
        if (rc == OK)
            *err = mine;
        rc = FAIL;
        if (err_is(&mine, ERR_STOPPED) || store_failed(&mine))
            break;
    }
    if (!whole->pulled)
        whole->report->complete = rc == OK;
    return rc;
}

static enum status find_source(struct whole *whole, struct err *err)
{
    const struct table *table = &whole->sync.table->table;
    if (!whole->only || table_source(table, whole->only))
        return OK;
    return err_set(err, ERR_NOT_FOUND, "table \"%s\" has no source \"%s\"", table->name,
                   whole->only);
}

static void put_statement(struct whole *whole)
{
    struct sync_report *r = whole->report;
    int n = snprintf(r->statement, sizeof r->statement, "%s", buf_text(&whole->statement));
    if (n >= (int)sizeof r->statement) /* the run's report has all of it */
        memcpy(r->statement + sizeof r->statement - 5, " ...", 5);
}

enum status sync_source(struct engine *engine, const char *table, const char *source, bool full,
                        struct sync_report *report, struct err *err)
{
    struct err ignored = {0};
    struct run_report unused = {0};
    struct whole whole = {.report = report, .only = source, .sync = {.full = full}};
    struct sync *sync = &whole.sync;
    err = err ? err : &ignored;
    memset(report, 0, sizeof *report);
    report->remote_count = -1;
    if (run_job_open(&sync->job, engine, &unused, NULL, err) != OK)
        return FAIL;
    jw_init(&whole.parts_writer, &whole.parts);
    jw_array(&whole.parts_writer);
    enum status rc = FAIL;
    sync->table = job_table(&sync->job, table, err);
    if (sync->table && find_source(&whole, err) == OK && begin(&whole, err) == OK) {
        rc = pull_all(&whole, err);
        jw_end_array(&whole.parts_writer);
        put_statement(&whole);
        rc = end(&whole, rc, err);
    }
    if (rc != OK && sync->table)
        err_wrap(err, "sync of table \"%s\"", table);
    buf_free(&sync->notes);
    buf_free(&whole.statement);
    buf_free(&whole.parts);
    run_job_close(&sync->job);
    return rc;
}

enum status sync_table(struct engine *engine, const char *table, bool full,
                       struct sync_report *report, struct err *err)
{
    return sync_source(engine, table, NULL, full, report, err);
}
