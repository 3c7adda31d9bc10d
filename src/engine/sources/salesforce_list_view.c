/* salesforce_list_view.c - the rows of a list view, with its columns.
 *
 * What the view shows is asked at every sync: a filter that was changed in
 * Salesforce counts from then on. A view that SOQL can say is read as records of
 * its object under the view's condition: any number, changes only. Others are read
 * as a whole through the view. */
#include "engine/sources/object_fields.h"
#include "engine/sources/object_pull.h"
#include "engine/sources/rows_pull.h"

#include "base/str.h"

#include <string.h>

static const struct kind_option options[] = {
    {"connection", OPT_CONNECTION, true, "connection to the org", NULL, NULL, 0, 0},
    {"object", OPT_OBJECT, true, "API name of the object that the view shows", NULL, NULL, 0, 0},
    {"list_view", OPT_TEXT, true, "id (00B...), API name or label of the list view", NULL, NULL, 0,
     0},
    {"fields", OPT_SOURCE_FIELDS, false, "fields of the object or its parents",
     "all: the columns of the view and the Id", NULL, 0, 0},
};

/* --------------------------------------------------------------- checking */

struct checked {
    const struct crm_object *object;
    const char *id; /* of the view */
    bool soql;
};

/* Columns of the view, with the types of the fields behind them. */
static void list_fields(struct source_check *check, struct crm_session *session,
                        const struct crm_object *object, const struct crm_list_view *view)
{
    struct source_field *fields = arena_array(check->arena, view->column_count + 1, sizeof *fields);
    size_t count = 0;
    for (size_t i = 0; i < view->column_count; i++) {
        err_list ignored = {0};
        struct source_check quiet = *check;
        quiet.errors = &ignored;
        if (object_field_find(&quiet, session, object, view->columns[i].name, "", &fields[count]))
            count++;
        vec_free(&ignored);
    }
    check->fields = fields;
    check->field_count = count;
}

static void check_list_view(struct source_check *check)
{
    struct err err = {0};
    struct crm_list_view view;
    struct checked *own = arena_alloc(check->arena, sizeof *own);
    struct crm_session *session = object_session(check);
    const struct crm_views *views = rows_views(session, &err);
    check->own = own;
    if (!session)
        return;
    if (!views) {
        source_check_add(check, "connection", &err);
        return;
    }
    own->object =
        object_described(check, session, json_get_text(check->config, "object"), "object");
    if (!own->object)
        return;
    if (views->list_view(session, check->arena, own->object->name,
                         json_get_text(check->config, "list_view"), &view, &err) != OK) {
        source_check_add(check, "list_view", &err);
        own->object = NULL;
        return;
    }
    own->soql = view.soql;
    own->id = view.id;
    list_fields(check, session, own->object, &view);
}

static void peek_list_view(struct source_check *check, struct crm_rows_read *out)
{
    const struct checked *own = check->own;
    *out = (struct crm_rows_read){
        .from = CRM_ROWS_LIST_VIEW, .id = own->id, .object = own->object->name};
}

static bool find_field(struct source_check *check, const char *name, const char *where,
                       struct source_field *out)
{
    const struct checked *own = check->own;
    struct err err = {0};
    *out = (struct source_field){.name = name, .type = TYPE_TEXT};
    if (!own->object)
        return true; /* why there is none was said */
    if (!own->soql)
        return rows_field(check, name, where, out);
    struct crm_session *session = check->session(check->session_ctx, check->connection, &err);
    return object_field_find(check, session, own->object, name, where, out);
}

/* ---------------------------------------------------------------- pulling */

/* `mine` as a condition; NULL when SOQL has no word for the scope but itself. */
static const char *scope_condition(struct sync *sync, const struct job_session *on,
                                   const struct crm_list_view *view)
{
    const char *user = on->connection.user_id;
    if (!text_eq_nocase(view->scope, "mine") || !user)
        return NULL;
    return arena_printf(sync->job.arena, "OwnerId = '%s'", user);
}

static enum status pull_records(struct sync *sync, const struct job_session *on,
                                const struct crm_list_view *view, struct err *err)
{
    const char *where = view->where;
    if (view->scope) {
        const char *mine = scope_condition(sync, on, view);
        where = where ? arena_printf(sync->job.arena, "%s AND (%s)", mine, where) : mine;
    }
    return object_pull_records(sync, view->object, where, sync->subject, err);
}

/* Another scope: the view's query, with the scope where SOQL wants it. */
static const char *scope_query(struct sync *sync, const struct crm_list_view *view)
{
    struct buf soql = BUF_INIT;
    buf_str(&soql, "SELECT Id");
    for (size_t i = 0; i < view->column_count; i++)
        if (!text_eq_nocase(view->columns[i].name, "Id"))
            buf_printf(&soql, ", %s", view->columns[i].name);
    buf_printf(&soql, " FROM %s USING SCOPE %s", view->object, view->scope);
    if (view->where)
        buf_printf(&soql, " WHERE %s", view->where);
    const char *text = arena_strdup(sync->job.arena, buf_text(&soql));
    buf_free(&soql);
    return text;
}

static enum status pull_view(struct sync *sync, struct job_session *on,
                             const struct crm_list_view *view, struct err *err)
{
    if (view->soql && (!view->scope || scope_condition(sync, on, view)))
        return pull_records(sync, on, view, err);
    struct rows_pull pull = {.sync = sync,
                             .on = on,
                             .columns = view->columns,
                             .column_count = view->column_count,
                             .id = "Id",
                             .key_by_id = true};
    pull.read =
        (struct crm_rows_read){.from = CRM_ROWS_LIST_VIEW, .id = view->id, .object = view->object};
    if (view->soql) {
        pull.read.from = CRM_ROWS_QUERY;
        pull.read.text = scope_query(sync, view);
    }
    return rows_pull(&pull, err);
}

static enum status pull_list_view(struct sync *sync, struct err *err)
{
    struct crm_list_view view;
    struct job_session *on = job_session(&sync->job, sync->from->connection, err);
    const struct crm_views *views = on ? rows_views(on->session, err) : NULL;
    if (!views || views->list_view(on->session, sync->job.arena, sync->from->object,
                                   json_get_text(sync->source, "list_view"), &view, err) != OK)
        return FAIL;
    sync->subject =
        arena_printf(sync->job.arena, "list view \"%s\" of %s", view.label, view.object);
    return pull_view(sync, on, &view, err);
}

const struct source_kind salesforce_list_view_source = {
    .name = "salesforce_list_view",
    .key = "salesforce",
    .chosen_by = "list_view",
    .title = "Records of a Salesforce list view",
    .help = "The view's columns, those of parents too, and its filter as it is at each sync. A "
            "view that SOQL can express is read without a limit, changes only.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .key_rule = KEY_RECORD,
    .every = "24h",
    .when_deleted = "mark",
    .check = check_list_view,
    .field = find_field,
    .peek = peek_list_view,
    .pull = pull_list_view,
};
