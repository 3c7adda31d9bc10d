/* run.c - one SOQL query for each object, over the records its index finds. */
#include "localorg/search/search_priv.h"

#include <string.h>

struct run {
    struct search_index *index;
    const struct search *search;
    const struct search_options *options;
    struct org *org;
    struct arena *arena;
    struct buf *rows;
    int64_t left;
    struct err *err;
};

bool search_can(const struct sobject *object)
{
    return object->searchable && object->queryable && object->key_prefix && object->name_field;
}

size_t search_objects(const struct soql_context *context, const struct sobject **out, size_t max)
{
    const struct schema *schema = org_schema(context->org);
    size_t count = 0;
    for (size_t i = 0; i < schema_count(schema) && count < max; i++) {
        const struct sobject *object = schema_at(schema, i);
        if (search_can(object) && org_may_object(context->org, context->user_id, object, ORG_READ))
            out[count++] = object;
    }
    return count;
}

/* --- which columns --- */

static bool in_scope(enum search_scope scope, const struct field *field)
{
    switch (scope) {
    case SEARCH_NAME:
        return field->name_field;
    case SEARCH_EMAIL:
        return field->type == FT_EMAIL;
    case SEARCH_PHONE:
        return field->type == FT_PHONE;
    case SEARCH_SIDEBAR:
        return field->name_field || field->type == FT_EMAIL || field->type == FT_PHONE;
    default:
        return true;
    }
}

static size_t columns_of(struct run *run, const struct sobject *object, const char **columns)
{
    const struct soql_context *soql = &run->options->soql;
    size_t count = 0;
    for (size_t i = 0; i < object->field_count; i++) {
        const struct field *field = object->fields[i];
        if (index_has(field) && in_scope(run->search->scope, field) &&
            org_may_field(run->org, soql->user_id, field, ORG_READ))
            columns[count++] = index_column(run->arena, field);
    }
    return count;
}

/* --- one object --- */

/* How many the object may give: its own LIMIT, else a share of all. */
static int64_t most(const struct run *run, const struct search_target *target)
{
    int64_t share = SEARCH_OBJECT_MAX;
    if (run->search->target_count > 8)
        share = SEARCH_ROWS_MAX / (int64_t)run->search->target_count;
    int64_t limit = target->limit >= 0               ? target->limit
                    : target->where || target->order ? SEARCH_ROWS_MAX
                                                     : share;
    return limit < run->left ? limit : run->left;
}

static const char *soql_of(struct run *run, const struct search_target *target,
                           const struct sobject *object)
{
    struct buf soql = BUF_INIT;
    buf_printf(&soql, "SELECT %s FROM %s", target->fields, object->name);
    if (target->where)
        buf_printf(&soql, " WHERE %s", target->where);
    buf_printf(&soql, " ORDER BY %s", target->order ? target->order : "Id");
    buf_printf(&soql, " LIMIT %lld", (long long)most(run, target));
    if (target->offset > 0)
        buf_printf(&soql, " OFFSET %lld", (long long)target->offset);
    const char *text = arena_strdup(run->arena, buf_text(&soql));
    buf_free(&soql);
    return text;
}

/* A statement with aggregates or child queries is none of SOSL's. */
static enum status check_plan(const struct soql_plan *plan, struct err *err)
{
    bool children = false;
    for (const struct soql_node *node = plan->nodes; node; node = node->next)
        children |= node->kind == SOQL_CHILDREN;
    if (!plan->aggregate && !plan->count_only && !children)
        return OK;
    return err_set(err, SEARCH_MALFORMED,
                   "aggregates and child queries are not allowed in RETURNING");
}

static enum status write_rows(struct run *run, const struct soql_plan *plan)
{
    size_t written = 0, before = run->rows->len;
    struct soql_cursor *cursor = soql_open(run->org, plan, run->err);
    if (!cursor)
        return FAIL;
    if (before)
        buf_char(run->rows, ',');
    enum status rc = soql_write_json(cursor, run->options->base, (size_t)run->left, run->rows,
                                     &written, run->err);
    if (!written)
        run->rows->len = before;
    soql_close(cursor);
    run->left -= (int64_t)written;
    return rc;
}

/* What SOQL calls a malformed query is a malformed search here. */
static enum status malformed_search(struct err *err)
{
    struct err cause = *err;
    if (err_is(err, "MALFORMED_QUERY"))
        err_set(err, SEARCH_MALFORMED, "%s", cause.message);
    return FAIL;
}

static enum status search_object(struct run *run, const struct search_target *target,
                                 const struct sobject *object)
{
    const char **columns = arena_array(run->arena, object->field_count + 1, sizeof *columns);
    struct soql_context context = run->options->soql;
    size_t count = columns_of(run, object, columns);
    if (index_ready(run->index, object, run->options->lag_ms, run->err) != OK)
        return FAIL;
    context.search_table = index_table(run->arena, object);
    context.search_match =
        match_expression(run->arena, run->org, object, run->search->find, columns, count, run->err);
    if (run->err->code[0])
        return FAIL;
    bool nothing = !context.search_match;
    if (nothing)
        context.search_table = NULL;
    /* Compiled all the same: a wrong field is wrong whether or not a record matches. */
    const struct soql_plan *plan =
        soql_compile(run->arena, &context, soql_of(run, target, object), run->err);
    if (!plan || check_plan(plan, run->err) != OK)
        return malformed_search(run->err);
    return nothing || run->left <= 0 ? OK : write_rows(run, plan);
}

static const struct sobject *target_object(struct run *run, const char *name)
{
    const struct soql_context *soql = &run->options->soql;
    const struct sobject *object = schema_find(org_schema(run->org), name);
    if (!object || !org_may_object(run->org, soql->user_id, object, ORG_READ)) {
        err_set(run->err, "INVALID_TYPE",
                "sObject type '%s' is not supported. If you are attempting to use a custom object, "
                "be sure to append the '__c' after the entity name. Please reference your WSDL or "
                "the describe call for the appropriate names.",
                name);
        return NULL;
    }
    if (!search_can(object)) {
        err_set(run->err, "INVALID_TYPE", "entity type %s does not support search", object->name);
        return NULL;
    }
    return object;
}

/* --- all of them --- */

static enum status search_everything(struct run *run)
{
    const struct sobject *objects[SEARCH_TARGETS_MAX];
    size_t count = search_objects(&run->options->soql, objects, SEARCH_TARGETS_MAX);
    struct search_target target = {.fields = "Id", .limit = -1, .offset = -1};
    enum status rc = OK;
    for (size_t i = 0; i < count && run->left > 0 && rc == OK; i++)
        rc = search_object(run, &target, objects[i]);
    return rc;
}

enum status search_run(struct search_index *index, const struct search *search,
                       const struct search_options *options, struct arena *arena, struct buf *rows,
                       size_t *count, struct err *err)
{
    struct run run = {.index = index,
                      .search = search,
                      .options = options,
                      .org = options->soql.org,
                      .arena = arena,
                      .rows = rows,
                      .left = search->limit,
                      .err = err};
    enum status rc = OK;
    err_clear(err);
    if (!search->target_count)
        rc = search_everything(&run);
    for (size_t i = 0; i < search->target_count && rc == OK; i++) {
        const struct sobject *object = target_object(&run, search->targets[i].object);
        rc = object ? search_object(&run, &search->targets[i], object) : FAIL;
    }
    *count = (size_t)(search->limit - run.left);
    return rc;
}
