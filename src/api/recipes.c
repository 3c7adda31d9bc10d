/* recipes.c - tables as text: reading a table's recipe, checking one, applying one.
 *
 * Applying checks the recipe against the live org, so it runs in the lane of the
 * table's connection. A refused recipe lists every mistake with its line. */
#include "api/nouns.h"

#include "base/str.h"

#include <string.h>

static const struct field recipe_fields[] = {
    {"recipe", F_TEXT, F_REQUIRED, "YAML, as it was applied"},
    {0},
};
const struct shape recipe_shape = {"Recipe", NULL, recipe_fields};

static const struct field recipe_body_fields[] = {
    {"recipe", F_TEXT, F_REQUIRED, "YAML", .min = 1, .max = 4 * 1024 * 1024},
    {"dry_run", F_BOOL, 0, "only say what would change"},
    {"connection", F_TEXT, 0, "whose org is asked; tells requests of one org apart", .min = 0, .max = 200},
    {0},
};
const struct shape recipe_body = {"RecipeChange", NULL, recipe_body_fields};

static const struct field recipe_result_fields[] = {
    {"table", F_TEXT, F_REQUIRED, "its name"},
    {"creates", F_BOOL, F_REQUIRED, "there was no such table"},
    {"changes", F_LIST, F_REQUIRED, "a line each; empty: nothing to do", .item = F_TEXT},
    {"applied", F_BOOL, F_REQUIRED, "false for a dry run"},
    {0},
};
const struct shape recipe_result_shape = {"RecipeResult", NULL, recipe_result_fields};

enum status api_table_recipe(struct call *call, struct err *err)
{
    struct table table;
    if (call_table(call, &table, err) != OK)
        return FAIL;
    jw_object(&call->w);
    jw_kv_text(&call->w, "recipe", table.recipe);
    jw_end_object(&call->w);
    return OK;
}

void recipe_result_write(struct jw *w, const struct apply_plan *plan, bool dry_run)
{
    jw_object(w);
    jw_kv_text(w, "table", plan->table_name);
    jw_kv_bool(w, "creates", plan->creates);
    jw_key(w, "changes");
    jw_array(w);
    for (size_t i = 0; i < plan->lines.len; i++)
        jw_text(w, plan->lines.at[i]);
    jw_end_array(w);
    jw_kv_bool(w, "applied", !dry_run);
    jw_end_object(w);
}

void call_keep_errors(struct call *call, const err_list *errors)
{
    if (!errors->len)
        return;
    err_list *kept = arena_alloc(call->arena, sizeof *kept);
    kept->at = arena_array(call->arena, errors->len + 1, sizeof *kept->at);
    kept->len = errors->len;
    memcpy(kept->at, errors->at, errors->len * sizeof *kept->at);
    call->errors = kept;
}

enum status api_recipe_put(struct call *call, struct err *err)
{
    struct apply_plan plan = {0};
    err_list errors = {0};
    bool dry_run = json_get_bool(call->body, "dry_run", false);
    enum status rc = recipe_apply_text(call->engine, "recipe", json_get_text(call->body, "recipe"),
                                       dry_run, &plan, &errors, err);
    if (rc == OK)
        recipe_result_write(&call->w, &plan, dry_run);
    else
        call_keep_errors(call, &errors);
    apply_plan_free(&plan);
    vec_free(&errors);
    return rc;
}
