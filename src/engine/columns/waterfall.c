/* waterfall.c - steps that are tried in order until one answers.
 *
 * A batch goes through the steps as a whole: each step computes the rows that
 * nobody has answered yet, by the very code of its kind. What it gave counts as
 * an answer when `accept` is true of it (without `accept`: when it is not blank).
 * A step that fails for good leaves the row to the next, unless on_error says
 * stop; one that fails for now keeps the row, which begins again later: requests
 * that were answered before in the same run come from its cache. A request that
 * may have acted ends the row at once: nobody may act a second time. */
#include "engine/columns/steps.h"
#include "engine/run_priv.h"

#include "base/str.h"

#include <string.h>

static const char *const on_errors[] = {"next", "stop", NULL};

static const struct kind_option options[] = {
    {"steps", OPT_STEPS, true,
     "columns to try in order: [{name, http | formula | lookup_rows | ...: ..., accept: formula}]", NULL,
     NULL, 0, 0},
    {"on_error", OPT_ENUM, false, "after a step that failed: the next one, or none", "next",
     on_errors, 0, 0},
};

struct falling {
    struct column_batch *batch;
    size_t *open; /* rows nobody has answered yet */
    size_t open_count;
    struct buf *notes; /* of each row: what became of the steps before */
    bool *failed;      /* a step of the row failed */
    bool stop_on_error;
};

/* ---------------------------------------------------------------- checking */

static void check_accept(struct kind_check *check, const struct step *step, size_t at)
{
    struct err err = {0};
    char where[40];
    if (!step->accept || !check->engine->formula ||
        formula_check(check->engine->formula, step->accept, &err) == OK)
        return;
    snprintf(where, sizeof where, "steps/%zu/accept", at);
    err_hint(kind_check_fail(check, where, err.code, "accept: %s", err.message), "%s", err.hint);
}

static void validate(struct kind_check *check)
{
    size_t count;
    struct step *steps = steps_read(check->arena, json_get(check->config, "steps"), &count);
    for (size_t i = 0; i < count; i++) {
        struct kind_check inner = *check;
        size_t from = check->errors->len;
        inner.config = steps[i].config;
        if (steps[i].kind->validate)
            steps[i].kind->validate(&inner);
        steps_place(check->errors, from, i, "steps", &steps[i]);
        check_accept(check, &steps[i], i);
    }
}

/* ------------------------------------------------------------------ a step */

/* The rows that are open, as a batch of the step's own kind. */
static struct column_batch batch_of(const struct falling *f, const struct step *step,
                                    struct column_plan *plan, struct column *column)
{
    const struct column_batch *all = f->batch;
    struct arena *arena = all->arena;
    *column = *all->plan->column;
    column->type = TYPE_JSON;
    *plan = *all->plan;
    plan->kind = step->kind;
    plan->config = step->config;
    plan->column = column;
    struct column_batch part = *all;
    size_t n = f->open_count;
    part.plan = plan;
    part.config = step->config;
    part.count = n;
    part.trees = NULL;
    part.rows = arena_array(arena, n + 1, sizeof *part.rows);
    part.cells = arena_array(arena, n + 1, sizeof *part.cells);
    part.results = arena_array(arena, n + 1, sizeof *part.results);
    part.stored = arena_array(arena, n + 1, sizeof *part.stored);
    for (size_t i = 0; i < n; i++) {
        part.rows[i] = all->rows[f->open[i]];
        part.cells[i] = all->cells[f->open[i]];
        part.results[i] = all->results[f->open[i]];
    }
    return part;
}

static bool not_blank(struct value value)
{
    return value.text && value.len && !(value.len == 2 && memcmp(value.text, "\"\"", 2) == 0) &&
           !(value.len == 4 && memcmp(value.text, "null", 4) == 0);
}

/* Which answers `accept` lets through; the formula sees the row's columns and `answer`. */
static enum status judge(struct column_batch *part, const struct step *step, bool *accepted,
                         struct formula_result *verdicts, struct err *err)
{
    size_t inputs = part->plan->input_count;
    for (size_t i = 0; i < part->count; i++)
        accepted[i] = part->results[i].state == CELL_OK && not_blank(part->results[i].value);
    if (!step->accept)
        return OK;
    const char **names = arena_array(part->arena, inputs + 2, sizeof *names);
    memcpy(names, batch_formula_names(part), inputs * sizeof *names);
    names[inputs] = STEP_ANSWER;
    const char **rows = batch_formula_rows(part);
    for (size_t i = 0; i < part->count; i++) {
        struct value value = accepted[i] ? part->results[i].value : (struct value){"null", 4};
        size_t len = strlen(rows[i]) - 1; /* without the ] */
        rows[i] = arena_printf(part->arena, "%.*s%s%.*s]", (int)len, rows[i], inputs ? "," : "",
                               (int)value.len, value.text);
    }
    if (formula_eval(part->job->engine->formula, step->accept, names, inputs + 1, rows, part->count,
                     part->arena, verdicts, err) != OK)
        return err_wrap(err, "accept of %s", step->name);
    for (size_t i = 0; i < part->count; i++)
        accepted[i] = accepted[i] && verdicts[i].state == FORMULA_OK &&
                      json_text_true(verdicts[i].json);
    return OK;
}

static void take_answer(const struct falling *f, size_t row, const struct step *step,
                        struct value answer)
{
    struct column_batch *batch = f->batch;
    struct buf text = BUF_INIT;
    struct jw w;
    struct err err = {0};
    bool structured = batch->plan->column->type == TYPE_JSON;
    jw_init(&w, &text);
    if (structured) {
        jw_object(&w);
        jw_kv_text(&w, "by", step->name);
        jw_key(&w, "value");
    }
    jw_raw(&w, answer.text, answer.len);
    if (structured)
        jw_end_object(&w);
    const struct json *json = json_parse(batch->arena, buf_text(&text), text.len, &err);
    if (json)
        batch_json(batch, row, json);
    else
        batch_error(batch, row, CELL_ERROR, &err);
    buf_free(&text);
}

static void note(struct falling *f, size_t row, const char *name, const char *what)
{
    buf_printf(&f->notes[row], "%s%s: %s", f->notes[row].len ? "; " : "", name, what);
}

/* What the step says of a row for which it has no answer. True when the row stays open. */
static bool go_on(struct falling *f, const struct column_batch *part, size_t i,
                  const struct step *step, const struct formula_result *verdict)
{
    size_t row = f->open[i];
    const struct cell_result *result = &part->results[i];
    switch (result->state) {
    case CELL_OK:
        if (verdict->state == FORMULA_ERROR || verdict->state == FORMULA_TIMEOUT) {
            f->failed[row] = true;
            note(f, row, step->name, "accept failed: ");
            buf_str(&f->notes[row], verdict->message ? verdict->message : "took too long");
        } else {
            note(f, row, step->name, "answer not accepted");
        }
        return true;
    case CELL_NO_RESULT:
        note(f, row, step->name, "no result");
        return true;
    case CELL_ERROR:
        f->failed[row] = true;
        note(f, row, step->name, result->message ? result->message : "failed");
        if (!f->stop_on_error)
            return true;
        break;
    default: /* retrying, in doubt, due: the row is the step's */
        break;
    }
    f->batch->results[row] = *result;
    f->batch->stored[row] = part->stored[i];
    if (result->message)
        f->batch->results[row].message =
            arena_printf(f->batch->arena, "%s: %s", step->name, result->message);
    return false;
}

static enum status one_step(struct falling *f, const struct step *step, struct err *err)
{
    struct column_plan plan;
    struct column column;
    struct column_batch part = batch_of(f, step, &plan, &column);
    if (step->kind->execute(&part, err) != OK)
        return err_wrap(err, "%s", step->name);
    struct formula_result *verdicts = arena_array(part.arena, part.count + 1, sizeof *verdicts);
    bool *accepted = arena_array(part.arena, part.count + 1, sizeof *accepted);
    if (judge(&part, step, accepted, verdicts, err) != OK)
        return FAIL;
    size_t kept = 0;
    for (size_t i = 0; i < part.count; i++) {
        if (accepted[i] && !part.stored[i])
            take_answer(f, f->open[i], step, part.results[i].value);
        else if (go_on(f, &part, i, step, &verdicts[i]))
            f->open[kept++] = f->open[i];
    }
    f->open_count = kept;
    return OK;
}

/* ------------------------------------------------------------------- batch */

static void nobody_answered(struct falling *f)
{
    for (size_t i = 0; i < f->open_count; i++) {
        size_t row = f->open[i];
        struct cell_result *result = &f->batch->results[row];
        if (f->failed[row]) {
            batch_fail(f->batch, row, CELL_ERROR, "waterfall.failed", "no step answered. %s",
                       buf_text(&f->notes[row]));
            continue;
        }
        batch_no_result(f->batch, row);
        result->code = "waterfall.no_answer";
        result->message = arena_strdup(f->batch->arena, buf_text(&f->notes[row]));
    }
}

static enum status execute(struct column_batch *batch, struct err *err)
{
    size_t count, n = batch->count;
    struct step *steps = steps_read(batch->arena, json_get(batch->config, "steps"), &count);
    struct falling f = {.batch = batch,
                        .open = arena_array(batch->arena, n + 1, sizeof *f.open),
                        .open_count = n,
                        .notes = arena_array(batch->arena, n + 1, sizeof *f.notes),
                        .failed = arena_array(batch->arena, n + 1, sizeof *f.failed),
                        .stop_on_error =
                            text_eq(json_get_text(batch->config, "on_error"), "stop")};
    enum status rc = OK;
    for (size_t i = 0; i < n; i++) {
        f.open[i] = i;
        f.notes[i] = (struct buf)BUF_INIT;
    }
    for (size_t i = 0; i < count && rc == OK && f.open_count; i++)
        rc = one_step(&f, &steps[i], err);
    if (rc == OK)
        nobody_answered(&f);
    for (size_t i = 0; i < n; i++)
        buf_free(&f.notes[i]);
    return rc;
}

const struct column_kind waterfall_column = {
    .name = "waterfall",
    .title = "Waterfall",
    .help = "Tries providers in order until one answers. A column of the type json holds "
            "{by, value}; one of another type holds the value alone.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .type = TYPE_JSON,
    .costs = true,
    .batch_rows = 500,
    .whole_run = true,
    .validate = validate,
    .execute = execute,
};
