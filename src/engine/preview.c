/* preview.c - a draft column over a few rows, as a form shows it while it is filled
 * in. The very code of a run computes it; only what would be stored is shown, and
 * what would be written is told as a dry run tells it. */
#include "engine/access.h"
#include "engine/run_priv.h"

#include "base/str.h"

#include <string.h>

#define ROWS_MAX 50

struct previewing {
    struct run_job job;
    struct arena *arena; /* the caller's */
    struct preview *out;
    const char **keys; /* of out->rows */
};

static struct preview_row *row_of(struct previewing *p, int64_t row_id)
{
    for (size_t i = 0; i < p->out->count; i++)
        if (p->out->rows[i].row_id == row_id)
            return &p->out->rows[i];
    return NULL;
}

static void show(void *ctx, const struct cell_result *result)
{
    struct previewing *p = ctx;
    struct preview_row *row = row_of(p, result->row_id);
    if (!row)
        return;
    row->state = result->state;
    row->code = arena_strdup(p->arena, result->code);
    row->message = arena_strdup(p->arena, result->message);
    if (result->set_value && result->value.text)
        row->value = (struct value){
            arena_strndup(p->arena, result->value.text, result->value.len), result->value.len};
}

static void planned(void *ctx, const struct planned_write *write)
{
    struct previewing *p = ctx;
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "kind", op_kind_name(write->kind));
    jw_kv_text(&w, "object", write->object);
    jw_kv_text(&w, "target", write->target_id);
    jw_key(&w, "set");
    jw_raw(&w, write->payload, strlen(write->payload));
    jw_key(&w, "before");
    if (write->before)
        jw_raw(&w, write->before, strlen(write->before));
    else
        jw_null(&w);
    jw_end_object(&w);
    for (size_t i = 0; i < p->out->count; i++)
        if (text_eq(p->keys[i], write->row_key)) {
            p->out->rows[i].state = CELL_QUEUED;
            p->out->rows[i].write = arena_strdup(p->arena, buf_text(&text));
        }
    buf_free(&text);
}

/* ----------------------------------------------------------------- checks */

static struct crm_session *session(void *ctx, const char *connection, struct err *err)
{
    struct previewing *p = ctx;
    if (access_may_build(p->job.engine, connection, err) != OK)
        return NULL;
    struct job_session *on = job_session(&p->job, connection, err);
    return on ? on->session : NULL;
}

static enum status refuse(err_list *errors, struct err *err)
{
    return err_set(err, ERR_RECIPE, "the column has %zu thing%s to mend", errors->len,
                   errors->len == 1 ? "" : "s");
}

static enum status check(struct previewing *p, const struct table *table,
                         const struct column *draft, const struct column_plan *plan,
                         err_list *errors, struct err *err)
{
    struct kind_check check = {.engine = p->job.engine,
                               .arena = p->job.arena,
                               .table = table,
                               .column = draft,
                               .config = plan->config,
                               .session = session,
                               .session_ctx = p,
                               .errors = errors};
    if (plan->kind->validate)
        plan->kind->validate(&check);
    return errors->len ? refuse(errors, err) : OK;
}

static enum status check_config(struct previewing *p, struct column *draft,
                                err_list *errors, struct err *err)
{
    size_t count;
    const struct column_kind *kind = column_kind_find(draft->kind);
    if (!kind) {
        const char *const *names = column_kind_names(&count);
        const char *nearest = text_nearest(draft->kind, names, count);
        err_set(err, ERR_INVALID, "there is no column kind \"%s\"", draft->kind);
        if (nearest)
            err_hint(err, "Did you mean \"%s\"?", nearest);
        return FAIL;
    }
    if (kind->typed)
        return err_set(err, ERR_INVALID, "a column that people type has nothing to preview");
    const struct json *config =
        json_parse(p->job.arena, draft->config, strlen(draft->config), err);
    if (!config || access_fill(p->job.engine, p->job.arena, kind->options, kind->option_count,
                               &config, &draft->config, err) != OK)
        return FAIL;
    return column_options_check(kind, config, errors) ? OK : refuse(errors, err);
}

/* ------------------------------------------------------------------- rows */

static enum status read_keys(struct previewing *p, const struct table *table, const int64_t *ids,
                             size_t count, struct err *err)
{
    struct store *store = p->job.engine->store;
    struct row_query query = {.table_id = table->id, .ids = ids, .id_count = count};
    struct row *rows;
    size_t found;
    if (store->does->rows(store, p->job.arena, &query, &rows, &found, err) != OK)
        return FAIL;
    p->out->rows = arena_array(p->arena, found + 1, sizeof *p->out->rows);
    p->keys = arena_array(p->job.arena, found + 1, sizeof *p->keys);
    p->out->count = found;
    for (size_t i = 0; i < found; i++) {
        p->out->rows[i] = (struct preview_row){.row_id = rows[i].id, .state = CELL_EMPTY};
        p->keys[i] = rows[i].key;
    }
    return OK;
}

static enum status compute(struct previewing *p, const char *name, struct column *draft,
                           const int64_t *ids, size_t count, err_list *errors, struct err *err)
{
    struct column_plan plan = {0};
    struct table_plan *table = job_table(&p->job, name, err);
    if (!table || check_config(p, draft, errors, err) != OK ||
        column_plan_make(p->job.arena, &table->table, draft, &plan, err) != OK ||
        check(p, &table->table, draft, &plan, errors, err) != OK ||
        read_keys(p, &table->table, ids, count, err) != OK)
        return FAIL;
    p->job.table = table;
    return run_batch_shown(&p->job, table, &plan, ids, count, err);
}

enum status column_preview(struct engine *engine, struct arena *arena, const char *table,
                           const struct column *draft, const int64_t *rows, size_t count,
                           struct preview *out, err_list *errors, struct err *err)
{
    struct previewing p = {.arena = arena, .out = out};
    struct run_report report = {0};
    struct run_options options = {.dry_run = true, .planned = planned, .planned_ctx = &p};
    memset(out, 0, sizeof *out);
    if (count > ROWS_MAX)
        return err_set(err, ERR_INVALID, "a preview takes at most %d rows", ROWS_MAX);
    if (run_job_open(&p.job, engine, &report, &options, err) != OK)
        return FAIL;
    p.job.show = show;
    p.job.show_ctx = &p;
    struct column named = *draft;
    enum status rc = compute(&p, table, &named, rows, count, errors, err);
    job_sum_calls(&p.job);
    out->calls = report.calls;
    run_job_close(&p.job);
    return rc;
}
