/* explain.c - the plans a query could run by, cheapest first, as the REST
 * resource query?explain tells them.
 *
 * Each filter at the top of the condition whose field has an index is a plan of its
 * own: how many records it leaves, against the number up to which Salesforce calls
 * such an index selective (standard index: 30 % of the first million records and
 * 15 % of the rest, at most a million; custom index: 10 %, 5 %, 333,333). The scan
 * of the whole table is always one. Filters without an index get a note.
 * Source: REST API guide, Query Plan; "Make SOQL query selective" (Help). */
#include "localorg/soql/soql.h"

#include "localorg/org/access.h"
#include "localorg/soql/lex.h"
#include "localorg/soql/parse.h"

#include <string.h>

#define PLANS_MAX 32
#define MILLION   1000000

struct candidate {
    const char *operation; /* Index, Sharing, TableScan */
    const struct field *field;
    int64_t cardinality;
    double cost;
};

struct explainer {
    struct arena *arena;
    const struct soql_context *context;
    const struct sobject *object;
    struct str text;
    int64_t total;
    struct candidate plans[PLANS_MAX];
    size_t count;
    const struct field *unindexed[PLANS_MAX];
    size_t unindexed_count;
    struct err *err;
};

static int64_t count_of(struct explainer *x, const char *soql)
{
    struct soql_plan *plan = soql_compile(x->arena, x->context, soql, x->err);
    struct soql_cursor *rows = plan ? soql_open(x->context->org, plan, x->err) : NULL;
    int64_t total = rows ? soql_total(rows, x->err) : -1;
    soql_close(rows);
    return total;
}

static double selective_up_to(const struct field *field, int64_t total)
{
    bool custom = field->custom;
    double first = custom ? 0.10 : 0.30, rest = custom ? 0.05 : 0.15,
           most = custom ? 333333 : MILLION;
    double limit = total <= MILLION ? first * (double)total
                                    : first * MILLION + rest * (double)(total - MILLION);
    return limit < 1 ? 1 : limit > most ? most : limit;
}

static void add_plan(struct explainer *x, struct candidate plan)
{
    size_t at = x->count;
    if (x->count == PLANS_MAX)
        return;
    for (; at > 0 && x->plans[at - 1].cost > plan.cost; at--)
        x->plans[at] = x->plans[at - 1];
    x->plans[at] = plan;
    x->count++;
}

/* Operators an index cannot answer: what is not, and patterns without a start. */
static bool walks_index(const struct ast_cond *cond)
{
    if (cond->op == AST_NE || cond->op == AST_NOT_IN || cond->op == AST_EXCLUDES)
        return false;
    return cond->op != AST_LIKE ||
           (cond->values->text && cond->values->text[0] != '%' && cond->values->text[0] != '_');
}

static enum status one_filter(struct explainer *x, const struct ast_cond *cond)
{
    if (cond->kind != AST_COMPARE || cond->left->kind != AST_PATH || cond->left->part_count != 1)
        return OK;
    const struct field *field =
        sobject_field_n(x->object, cond->left->parts[0].p, cond->left->parts[0].n);
    if (!field)
        return OK;
    if (!field_has_index(field) || !walks_index(cond)) {
        if (x->unindexed_count < PLANS_MAX)
            x->unindexed[x->unindexed_count++] = field;
        return OK;
    }
    int64_t left = count_of(x, arena_printf(x->arena, "SELECT COUNT() FROM %s WHERE " STR_FMT,
                                            x->object->name, (int)cond->len, x->text.p + cond->at));
    if (left < 0)
        return FAIL;
    add_plan(x, (struct candidate){.operation = "Index",
                                   .field = field,
                                   .cardinality = left,
                                   .cost = (double)left / selective_up_to(field, x->total)});
    return OK;
}

static enum status filters(struct explainer *x, const struct ast_cond *cond)
{
    if (!cond || cond->kind != AST_AND)
        return cond ? one_filter(x, cond) : OK;
    for (const struct ast_cond *one = cond->first; one; one = one->next)
        if (one_filter(x, one) != OK)
            return FAIL;
    return OK;
}

static void add_sharing(struct explainer *x)
{
    struct buf reach = BUF_INIT;
    if (x->context->user_id &&
        org_sharing_sql(x->context->org, x->context->user_id, x->object, "t", SHARING_READ, &reach))
        add_plan(x, (struct candidate){"Sharing", NULL, x->total, 1.0});
    buf_free(&reach);
}

/* --- telling --- */

static void write_note(struct explainer *x, struct jw *w, const char *field)
{
    jw_object(w);
    jw_kv_text(w, "description", "Not considering filter for optimization because unindexed");
    jw_key(w, "fields");
    jw_array(w);
    jw_text(w, field);
    jw_end_array(w);
    jw_kv_text(w, "tableEnumOrId", x->object->name);
    jw_end_object(w);
}

static void write_plan(struct explainer *x, struct jw *w, const struct candidate *plan)
{
    jw_object(w);
    jw_kv_int(w, "cardinality", plan->cardinality);
    jw_key(w, "fields");
    jw_array(w);
    if (plan->field)
        jw_text(w, plan->field->name);
    jw_end_array(w);
    jw_kv_text(w, "leadingOperationType", plan->operation);
    jw_key(w, "notes");
    jw_array(w);
    if (sobject_field(x->object, "IsDeleted"))
        write_note(x, w, "IsDeleted");
    for (size_t i = 0; i < x->unindexed_count; i++)
        write_note(x, w, x->unindexed[i]->name);
    jw_end_array(w);
    jw_key(w, "relativeCost");
    jw_double(w, plan->cost);
    jw_kv_int(w, "sobjectCardinality", x->total);
    jw_kv_text(w, "sobjectType", x->object->name);
    jw_end_object(w);
}

enum status soql_explain(struct arena *arena, const struct soql_context *context, const char *soql,
                         struct jw *w, struct err *err)
{
    struct explainer x = {.arena = arena, .context = context, .err = err};
    struct soql_plan *plan = soql_compile(arena, context, soql, err);
    if (!plan)
        return FAIL;
    x.object = plan->object;
    x.text = str_of(arena_strdup(arena, soql));
    const struct ast_query *query = soql_parse(arena, x.text, err);
    x.total =
        query ? count_of(&x, arena_printf(arena, "SELECT COUNT() FROM %s", x.object->name)) : -1;
    int64_t matching = x.total < 0 || plan->aggregate ? x.total : count_of(&x, soql);
    if (x.total < 0 || matching < 0 || filters(&x, query->where) != OK)
        return FAIL;
    add_sharing(&x);
    /* a scan is never selective; how costly it is grows with the table */
    add_plan(&x, (struct candidate){"TableScan", NULL, matching,
                                    1.0 + (double)x.total / (double)MILLION});
    jw_object(w);
    jw_key(w, "plans");
    jw_array(w);
    for (size_t i = 0; i < x.count; i++)
        write_plan(&x, w, &x.plans[i]);
    jw_end_array(w);
    jw_kv_text(w, "sourceQuery", soql);
    jw_end_object(w);
    return OK;
}
