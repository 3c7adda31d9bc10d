/* undo.c - what a run wrote, taken back: first looked at, then as a run of its own. */
#include "api/nouns.h"

#include "base/str.h"
#include "engine/undo.h"
#include "store/store_runs.h"

#define LINES_USUAL 500

static const char *const verdicts[] = {"restore", "delete", "already so", "changed since",
                                       "kept",    "gone",   "cannot",     NULL};

const struct field undo_query[] = {
    {"delete_created", F_BOOL, 0, "records that the run created go, too"},
    {"limit", F_INT, 0, "lines at most (500); all are counted", .min = 1, .max = 5000},
    {0},
};

static const struct field line_fields[] = {
    {"verdict", F_WORD, F_REQUIRED, NULL, .words = verdicts},
    {"object", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"record_id", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"field", F_TEXT, F_REQUIRED | F_NULL, "null: the record as a whole"},
    {"before", F_ANY, F_REQUIRED | F_NULL, "what it held before the run"},
    {"written", F_ANY, F_REQUIRED | F_NULL, "what the run wrote"},
    {"now", F_ANY, F_REQUIRED | F_NULL, "what it holds now"},
    {"reason", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {0},
};
static const struct shape line_shape = {"UndoLine", NULL, line_fields};
static const struct field preview_fields[] = {
    {"operations", F_INT, F_REQUIRED, "of the run that were looked at"},
    {"records", F_INT, F_REQUIRED, "that they touched"},
    {"counts", F_MAP, F_REQUIRED, "verdict to fields and records", .item = F_INT},
    {"lines", F_LIST, F_REQUIRED, NULL, .of = &line_shape},
    {"more", F_BOOL, F_REQUIRED, "not every line is listed"},
    {0},
};
const struct shape undo_preview_shape = {"UndoPreview", "What taking back a run's writes would do.",
                                         preview_fields};

static const struct field body_fields[] = {
    {"delete_created", F_BOOL, 0, "records that the run created go, too"},
    {0},
};
const struct shape undo_body = {"UndoOrder", NULL, body_fields};

struct telling {
    struct jw *w;
    int64_t told, limit;
};

static void tell(void *ctx, const struct undo_line *line)
{
    struct telling *t = ctx;
    if (t->told++ >= t->limit)
        return;
    jw_object(t->w);
    jw_kv_text(t->w, "verdict", undo_verdict_name(line->verdict));
    jw_kv_text(t->w, "object", line->object);
    jw_kv_text(t->w, "record_id", line->record_id);
    jw_kv_text(t->w, "field", line->field);
    jw_kv_json(t->w, "before", line->before);
    jw_kv_json(t->w, "written", line->written);
    jw_kv_json(t->w, "now", line->now);
    jw_kv_text(t->w, "reason", line->reason);
    jw_end_object(t->w);
}

enum status api_undo_preview(struct call *call, struct err *err)
{
    struct jw *w = &call->w;
    struct telling telling = {w, 0, call_query_int(call, "limit", LINES_USUAL)};
    struct undo_options options = {.dry_run = true,
                                   .delete_created = call_query_bool(call, "delete_created", false),
                                   .line = tell,
                                   .ctx = &telling};
    struct undo_report report;
    int64_t run_id;
    if (call_id(call, 0, &run_id, err) != OK)
        return FAIL;
    jw_object(w);
    jw_key(w, "lines");
    jw_array(w);
    if (engine_undo(call->engine, run_id, &options, &report, err) != OK)
        return FAIL;
    jw_end_array(w);
    jw_kv_int(w, "operations", report.operations);
    jw_kv_int(w, "records", report.records);
    jw_key(w, "counts");
    jw_object(w);
    for (int v = 0; v < UNDO_VERDICTS; v++)
        if (report.by_verdict[v])
            jw_kv_int(w, undo_verdict_name((enum undo_verdict)v), report.by_verdict[v]);
    jw_end_object(w);
    jw_kv_bool(w, "more", telling.told > telling.limit);
    jw_end_object(w);
    return OK;
}

static enum status find_table(struct call *call, int64_t table_id, const char **name,
                              struct err *err)
{
    struct table *tables;
    size_t count;
    if (call->store->does->table_list(call->store, call->arena, &tables, &count, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++)
        if (tables[i].id == table_id) {
            *name = tables[i].name;
            return OK;
        }
    return err_set(err, ERR_NOT_FOUND, "the table of the run is gone");
}

enum status api_undo_start(struct call *call, struct err *err)
{
    struct run run;
    struct job_order job = {.kind = JOB_UNDO,
                            .delete_created = json_get_bool(call->body, "delete_created", false)};
    int64_t id;
    if (call_id(call, 0, &id, err) != OK ||
        call->store->does->runs->get(call->store, call->arena, id, &run, err) != OK ||
        find_table(call, run.table_id, &job.table, err) != OK)
        return FAIL;
    if (text_eq(run.kind, "sync") || run.state == RUN_QUEUED || run.state == RUN_RUNNING)
        return err_set(err, ERR_CONFLICT, text_eq(run.kind, "sync")
                                              ? "run %lld is a sync: it wrote nothing to the org"
                                              : "run %lld is still under way: stop it first",
                       (long long)id);
    job.undo_run = id;
    job.scope = arena_printf(call->arena, "{\"undoes\":%lld,\"delete_created\":%s}", (long long)id,
                             job.delete_created ? "true" : "false");
    return call_order(call, &job, err);
}
