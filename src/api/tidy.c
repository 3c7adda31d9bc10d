/* tidy.c - auto_delete, asked for now. */
#include "api/api_priv.h"
#include "api/nouns.h"

#include "engine/tidy.h"

static const struct field tidy_body_fields[] = {
    {"dry_run", F_BOOL, 0, "only count: nothing is removed"},
    {0},
};
const struct shape tidy_body = {"TidyWish", NULL, tidy_body_fields};
static const struct field tidied_fields[] = {
    {"rule", F_TEXT, F_REQUIRED | F_NULL, "the rule as a sentence; null: the table has none"},
    {"removed", F_INT, F_REQUIRED, "rows that are gone, or would go"},
    {"merged", F_INT, F_REQUIRED, "rows that were merged into them, gone along"},
    {"kept", F_INT, F_REQUIRED,
     "rows that the rule means and that stay for now: too young, or not done with"},
    {0},
};
const struct shape tidied_shape = {"Tidied", "What auto_delete took away.", tidied_fields};

enum status api_table_tidy(struct call *call, struct err *err)
{
    struct table table;
    struct tidy_rule rule;
    struct tidied out;
    struct engine engine = {.world = call->api->options.world, .store = call->store};
    bool dry_run = json_get_bool(call->body, "dry_run", false);
    if (call_table(call, &table, err) != OK ||
        tidy_table(&engine, &table, dry_run, &out, err) != OK)
        return FAIL;
    tidy_rule_read(call->arena, &table, &rule);
    jw_object(&call->w);
    jw_kv_text(&call->w, "rule", rule.when ? tidy_rule_text(call->arena, &rule) : NULL);
    jw_kv_int(&call->w, "removed", out.removed);
    jw_kv_int(&call->w, "merged", out.merged);
    jw_kv_int(&call->w, "kept", out.kept);
    jw_end_object(&call->w);
    return OK;
}
