/* formula.c - a column computed by a JavaScript expression. */
#include "engine/run_priv.h"

#include "base/str.h"

#include <string.h>

static const struct kind_option options[] = {
    {"formula", OPT_FORMULA, true,
     "JavaScript expression; {{Column}} and {{Column.path}} stand for values", NULL, NULL, 0, 0},
};

static void validate(struct kind_check *check)
{
    struct err err = {0};
    const char *formula = json_get_text(check->config, "formula");
    if (!check->engine->formula || formula_check(check->engine->formula, formula, &err) == OK)
        return;
    struct err *added = kind_check_fail(check, "formula", err.code, "%s", err.message);
    err_cause(added, "%s", err.cause);
    err_hint(added, "%s", *err.hint ? err.hint : err.where);
}

static void take(struct column_batch *batch, size_t i, const struct formula_result *result)
{
    struct err err = {0};
    const struct json *json;
    switch (result->state) {
    case FORMULA_OK:
        json = json_parse(batch->arena, result->json, strlen(result->json), &err);
        if (json)
            batch_json(batch, i, json);
        else
            batch_error(batch, i, CELL_ERROR, &err);
        break;
    case FORMULA_NULL:
        batch_no_result(batch, i);
        break;
    case FORMULA_ERROR:
        batch_fail(batch, i, CELL_ERROR, "formula.error", "%s",
                   result->message ? result->message : "the formula failed");
        break;
    case FORMULA_TIMEOUT:
        batch_fail(batch, i, CELL_ERROR, "formula.timeout", "the formula took too long");
        break;
    }
}

static enum status execute(struct column_batch *batch, struct err *err)
{
    const char *formula = json_get_text(batch->config, "formula");
    struct formula_result *results = arena_array(batch->arena, batch->count, sizeof *results);
    if (formula_eval(batch->job->engine->formula, formula, batch_formula_names(batch),
                     batch->plan->input_count, batch_formula_rows(batch), batch->count,
                     batch->arena, results, err) != OK)
        return FAIL;
    for (size_t i = 0; i < batch->count; i++)
        take(batch, i, &results[i]);
    return OK;
}

const struct column_kind formula_column = {
    .name = "formula",
    .title = "Formula",
    .help = "Computes a value from other columns of the row.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .bare = "formula",
    .type = TYPE_TEXT,
    .batch_rows = 1000,
    .step = true,
    .validate = validate,
    .execute = execute,
};
