/* salesforce_soql.c - rows of a query of the user's own: parents, aggregates, child
 * queries, whatever SOQL can say. It has no key that all its rows have, so
 * `unique_by` says what tells them apart. */
#include "engine/sources/object_fields.h"
#include "engine/sources/rows_pull.h"

#include "base/str.h"

#include <string.h>

static const struct kind_option options[] = {
    {"connection", OPT_CONNECTION, true, "connection to the org", NULL, NULL, 0, 0},
    {"soql", OPT_TEXT, true, "the query: SELECT fields FROM object ...", NULL, NULL, 0, 0},
    {"fields", OPT_SOURCE_FIELDS, false, "what of the SELECT list the table has", "all", NULL, 0,
     0},
};

/* Types come from the object's fields where the query shows one. */
static void find_types(struct source_check *check, struct crm_session *session,
                       struct crm_query_shape *shape)
{
    struct err ignored = {0};
    const struct crm_object *object = session->does->describe(session, shape->object, &ignored);
    for (size_t i = 0; i < shape->column_count && object; i++) {
        struct crm_view_column *column = &shape->columns[i];
        const struct crm_field *field =
            column->field && !column->type ? crm_object_field(object, column->field) : NULL;
        if (field)
            column->type = arena_strdup(check->arena, field->type);
    }
}

/* A first row shows whether Salesforce takes the query. */
static void try_query(struct source_check *check, struct crm_session *session,
                      const struct crm_views *views, const char *soql)
{
    struct err err = {0};
    struct crm_rows rows;
    struct crm_rows_read read = {.from = CRM_ROWS_QUERY, .text = soql};
    struct crm_rows_reader *reader = views->open(session, &read, &err);
    if (!reader || views->next(reader, check->arena, &rows, &err) != OK)
        source_check_add(check, "soql", &err);
    views->close(reader);
}

static void check_soql(struct source_check *check)
{
    struct err err = {0};
    struct crm_query_shape shape;
    const char *soql = json_get_text(check->config, "soql");
    struct crm_session *session = object_session(check);
    const struct crm_views *views = rows_views(session, &err);
    if (!session)
        return;
    if (!views) {
        source_check_add(check, "connection", &err);
        return;
    }
    if (views->query_shape(check->arena, soql, &shape, &err) != OK) {
        source_check_add(check, "soql", &err);
        return;
    }
    find_types(check, session, &shape);
    rows_fields(check, shape.columns, shape.column_count, false);
    check->object = NULL;
    try_query(check, session, views, soql);
}

static void peek_soql(struct source_check *check, struct crm_rows_read *out)
{
    *out = (struct crm_rows_read){.from = CRM_ROWS_QUERY,
                                  .text = json_get_text(check->config, "soql")};
}

static const char *id_column(const struct crm_query_shape *shape)
{
    for (size_t i = 0; i < shape->column_count && !shape->aggregate; i++)
        if (text_eq_nocase(shape->columns[i].field, "Id"))
            return shape->columns[i].name;
    return NULL;
}

static enum status pull_soql(struct sync *sync, struct err *err)
{
    struct rows_pull pull = {.sync = sync};
    struct crm_query_shape shape;
    const char *soql = json_get_text(sync->source, "soql");
    pull.on = job_session(&sync->job, sync->from->connection, err);
    const struct crm_views *views = pull.on ? rows_views(pull.on->session, err) : NULL;
    if (!views || views->query_shape(sync->job.arena, soql, &shape, err) != OK)
        return FAIL;
    sync->subject = arena_printf(sync->job.arena, "the query over %s", shape.object);
    pull.read = (struct crm_rows_read){.from = CRM_ROWS_QUERY, .text = soql};
    pull.columns = shape.columns;
    pull.column_count = shape.column_count;
    pull.id = id_column(&shape);
    return rows_pull(&pull, err);
}

const struct source_kind salesforce_soql_source = {
    .name = "salesforce_soql",
    .key = "salesforce",
    .chosen_by = "soql",
    .title = "Rows of a SOQL query",
    .help = "Any query: parents by path, aggregates and GROUP BY, child queries (a JSON column "
            "each). It is read as a whole each time; rows that it no longer gives are gone.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .key_rule = KEY_NEEDED,
    .every = "24h",
    .when_deleted = "mark",
    .check = check_soql,
    .field = rows_field,
    .peek = peek_soql,
    .pull = pull_soql,
};
