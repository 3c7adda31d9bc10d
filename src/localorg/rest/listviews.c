/* listviews.c - the resources of list views: the list, what each shows, its rows,
 * and making them.
 *
 * Everything answered comes from the view's query, so that a client may run it
 * itself. What a view shows is listview_shape.c's business. */
#include "localorg/rest/listviews.h"

#include "base/str.h"
#include "base/when.h"
#include "localorg/org/documents.h"
#include "localorg/rest/control.h"
#include "localorg/rest/records.h"
#include "localorg/rest/resources.h"
#include "localorg/soql/soql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VIEWS_MAX  500
#define ROWS_MAX   2000
#define ROWS_USUAL 25
#define KIND       "listview"

/* --- which views there are --- */

static size_t find_views(struct call *call, const char *object, const char *id,
                         struct listview views[VIEWS_MAX])
{
    static const char sql[] = "SELECT \"Id\",\"Name\",\"DeveloperName\",\"IsSoqlCompatible\" FROM "
                              "\"ListView\" WHERE \"SobjectType\"=?1 AND \"IsDeleted\"=0 AND "
                              "(?2 IS NULL OR \"Id\"=?2) ORDER BY \"Name\" LIMIT 500";
    size_t count = 0;
    sqlite3_stmt *row = NULL;
    sqlite3 *db = org_reader_take(call->site->org);
    if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK) {
        sqlite3_bind_text(row, 1, object, -1, SQLITE_STATIC);
        sqlite3_bind_text(row, 2, id, -1, SQLITE_STATIC);
        while (count < VIEWS_MAX && sqlite3_step(row) == SQLITE_ROW) {
            struct listview *view = &views[count++];
            snprintf(view->id, sizeof view->id, "%s", (const char *)sqlite3_column_text(row, 0));
            view->name = arena_strdup(call->arena, (const char *)sqlite3_column_text(row, 1));
            view->developer_name =
                arena_strdup(call->arena, (const char *)sqlite3_column_text(row, 2));
            view->soql = sqlite3_column_int(row, 3) != 0;
        }
    }
    sqlite3_finalize(row);
    org_reader_give(call->site->org, db);
    return count;
}

/* The view args[1] names, of the object args[0]. False after answering 404. */
static bool named_view(struct call *call, const struct sobject *object, struct listview *view)
{
    char id[19];
    struct listview *views = arena_array(call->arena, VIEWS_MAX, sizeof *views);
    if (id_canonical(call->args[1], id) && find_views(call, object->name, id, views) == 1) {
        *view = views[0];
        return true;
    }
    answer_not_found(call);
    return false;
}

static enum status shape_of(struct call *call, const struct sobject *object,
                            const struct listview *view, struct listview_shape *out,
                            struct err *err)
{
    const struct json *definition =
        org_document_get(call->site->org, KIND, view->id, call->arena, err);
    if (!definition && err->code[0])
        return FAIL;
    return listview_read(call, object, definition, view->developer_name, false, out, err);
}

/* The view of the path, understood; the user looked at it. False after answering. */
static bool shape_named(struct call *call, const struct sobject *object, struct listview *view,
                        struct listview_shape *out)
{
    struct err err = {{0}};
    if (!named_view(call, object, view))
        return false;
    if (shape_of(call, object, view, out, &err) != OK) {
        answer_error(call, 403, "INSUFFICIENT_ACCESS",
                     "the list view filters by something you may not see (%s)", err.message);
        return false;
    }
    records_touch(call, view->id, VIEW_SEEN);
    return true;
}

const char *listviews_soql(struct call *call, const char *id_or_soql)
{
    static const char *const names[] = {"SobjectType", "DeveloperName"};
    const char *texts[2] = {0};
    struct err err = {{0}};
    struct listview view = {.name = ""};
    struct listview_shape shape;
    if (!id_canonical(id_or_soql, view.id) || strncmp(view.id, "00B", 3) != 0)
        return id_or_soql;
    records_texts(call, "ListView", view.id, names, 2, texts);
    view.developer_name = texts[1] ? texts[1] : "";
    const struct sobject *object =
        texts[0] ? schema_find(org_schema(call->site->org), texts[0]) : NULL;
    if (!object || shape_of(call, object, &view, &shape, &err) != OK)
        return id_or_soql;
    return listview_soql(call, &shape, true);
}

/* --- the list --- */

static void view_json(struct call *call, struct jw *w, const struct sobject *object,
                      const struct listview *view)
{
    const char *url = arena_printf(call->arena, "%s/sobjects/%s/listviews/%s", call->base,
                                   object->name, view->id);
    jw_object(w);
    jw_kv_text(w, "describeUrl", arena_printf(call->arena, "%s/describe", url));
    jw_kv_text(w, "developerName", view->developer_name);
    jw_kv_text(w, "id", view->id);
    jw_kv_text(w, "label", view->name);
    jw_kv_text(w, "resultsUrl", arena_printf(call->arena, "%s/results", url));
    jw_kv_bool(w, "soqlCompatible", view->soql);
    jw_kv_text(w, "url", url);
    jw_end_object(w);
}

static void answer_views(struct call *call, const struct sobject *object,
                         const struct listview *views, size_t count)
{
    struct jw w;
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_kv_bool(&w, "done", true);
    jw_key(&w, "listviews");
    jw_array(&w);
    for (size_t i = 0; i < count; i++)
        view_json(call, &w, object, &views[i]);
    jw_end_array(&w);
    jw_kv_null(&w, "nextRecordsUrl");
    jw_kv_int(&w, "size", (int64_t)count);
    jw_kv_text(&w, "sobjectType", object->name);
    jw_end_object(&w);
}

void listviews_list(struct call *call)
{
    const struct sobject *object = call_object(call, call->args[0]);
    struct listview *views = arena_array(call->arena, VIEWS_MAX, sizeof *views);
    if (object)
        answer_views(call, object, views, find_views(call, object->name, NULL, views));
}

/* Those the user looked at last. */
static void answer_recent(struct call *call, const struct sobject *object)
{
    const struct sobject *record = schema_find(org_schema(call->site->org), "ListView");
    struct view *seen = arena_array(call->arena, VIEWS_PER_OBJECT, sizeof *seen);
    struct listview *views = arena_array(call->arena, VIEWS_MAX, sizeof *views);
    struct listview *recent = arena_array(call->arena, VIEWS_PER_OBJECT, sizeof *recent);
    size_t count = 0, seen_count = org_views(call->site->org, call->session.user_id, record, seen,
                                             VIEWS_PER_OBJECT);
    for (size_t i = 0; i < seen_count; i++)
        if (find_views(call, object->name, seen[i].id, views) == 1)
            recent[count++] = views[0];
    answer_views(call, object, recent, count);
}

void listviews_one(struct call *call)
{
    struct jw w;
    struct listview view;
    const struct sobject *object = call_object(call, call->args[0]);
    if (!object)
        return;
    if (text_eq_nocase(call->args[1], "recent")) {
        answer_recent(call, object);
        return;
    }
    if (!named_view(call, object, &view))
        return;
    answer_json(call, 200, &w);
    view_json(call, &w, object, &view);
}

/* --- describe --- */

static bool is_text(const struct field *field)
{
    return field->type != FT_BOOLEAN && field->type != FT_INT && field->type != FT_DOUBLE &&
           field->type != FT_CURRENCY && field->type != FT_PERCENT && field->type != FT_DATE &&
           field->type != FT_DATETIME;
}

static void column_json(struct jw *w, const struct listview_shape *shown,
                        const struct listview_column *column)
{
    const struct listview_sort *sort = &shown->sorts[0];
    bool first = strcmp(column->path, sort->path) == 0;
    bool letters = !column->hidden && is_text(column->field);
    jw_object(w);
    jw_kv_text(w, "ascendingLabel", letters ? "Z-A" : NULL); /* as recorded: the other way round */
    jw_kv_text(w, "descendingLabel", letters ? "A-Z" : NULL);
    jw_kv_text(w, "fieldNameOrPath", column->path);
    jw_kv_bool(w, "hidden", column->hidden);
    jw_kv_text(w, "label", column->label);
    jw_kv_text(w, "selectListItem", column->selected);
    jw_kv_text(w, "sortDirection", !first ? NULL : sort->descending ? "descending" : "ascending");
    jw_key(w, "sortIndex");
    if (first)
        jw_int(w, 0);
    else
        jw_null(w);
    jw_kv_bool(w, "sortable", column->field->sortable);
    jw_kv_text(w, "type", field_type_name(column->field->type));
    jw_end_object(w);
}

static void columns_json(struct jw *w, const struct listview_shape *shown)
{
    jw_key(w, "columns");
    jw_array(w);
    for (size_t i = 0; i < shown->column_count; i++)
        column_json(w, shown, &shown->columns[i]);
    jw_end_array(w);
}

static void orders_json(struct jw *w, const struct listview_shape *shown)
{
    jw_key(w, "orderBy");
    jw_array(w);
    for (size_t i = 0; i < shown->sort_count; i++) {
        const struct listview_sort *sort = &shown->sorts[i];
        jw_object(w);
        jw_kv_text(w, "fieldNameOrPath", sort->path);
        jw_kv_text(w, "nullsPosition", sort->nulls_last || sort->descending ? "last" : "first");
        jw_kv_text(w, "sortDirection", sort->descending ? "descending" : "ascending");
        jw_end_object(w);
    }
    jw_end_array(w);
}

void listviews_describe(struct call *call)
{
    struct jw w;
    struct listview view;
    struct listview_shape shown;
    const struct sobject *object = call_object(call, call->args[0]);
    if (!object || !shape_named(call, object, &view, &shown))
        return;
    answer_json(call, 200, &w);
    jw_object(&w);
    columns_json(&w, &shown);
    jw_kv_text(&w, "id", arena_strndup(call->arena, view.id, 15));
    orders_json(&w, &shown);
    jw_kv_text(&w, "query", listview_soql(call, &shown, true));
    jw_kv_text(&w, "scope", shown.scope);
    jw_kv_text(&w, "sobjectType", object->name);
    jw_key(&w, "whereCondition");
    if (shown.condition)
        listview_condition_json(shown.condition, &w);
    else
        jw_null(&w);
    jw_end_object(&w);
}

/* --- results --- */

/* Fri Aug 01 21:15:46 GMT 2014, as Java prints a date. */
static const char *java_date(struct arena *arena, const char *text)
{
    int64_t ms;
    int of_day;
    char http[32]; /* Sun, 06 Nov 1994 08:49:37 GMT */
    if (!when_parse(text, &ms))
        return text;
    struct date date = when_date(ms, &of_day);
    when_http(ms, http);
    return arena_printf(arena, "%.3s %.3s %02d %02d:%02d:%02d GMT %d", http, http + 8, date.day,
                        of_day / 3600000, of_day / 60000 % 60, of_day / 1000 % 60, date.year);
}

static const char *cell_text(struct arena *arena, const struct listview_column *column,
                             const struct json *record)
{
    const struct json *value = json_path(record, column->path);
    if (json_is(value, JSON_TRUE) || json_is(value, JSON_FALSE))
        return json_is(value, JSON_TRUE) ? "true" : "false";
    const char *text = json_text(value);
    return text && column->field->type == FT_DATETIME ? java_date(arena, text) : text;
}

static void records_json_of(struct call *call, struct jw *w, const struct listview_shape *shown,
                            const struct json *records)
{
    jw_key(w, "records");
    jw_array(w);
    json_each(record, records) {
        jw_object(w);
        jw_key(w, "columns");
        jw_array(w);
        for (size_t i = 0; i < shown->column_count; i++) {
            jw_object(w);
            jw_kv_text(w, "fieldNameOrPath", shown->columns[i].path);
            jw_kv_text(w, "value", cell_text(call->arena, &shown->columns[i], record));
            jw_end_object(w);
        }
        jw_end_array(w);
        jw_end_object(w);
    }
    jw_end_array(w);
}

/* The rows of the view from `offset`; one more than `limit` shows there are more. */
static const struct json *view_rows(struct call *call, const struct listview_shape *shown,
                                    int64_t limit, int64_t offset, struct err *err)
{
    struct buf rows = BUF_INIT;
    size_t written = 0;
    struct soql_context context = {.org = call->site->org,
                                   .user_id = call->session.user_id,
                                   .now_ms = call_now(call),
                                   .api_version = call->api_version};
    struct soql_plan *plan =
        soql_compile(call->arena, &context, listview_soql(call, shown, false), err);
    struct soql_cursor *cursor = plan ? soql_open(call->site->org, plan, err) : NULL;
    const struct json *list = NULL;
    buf_char(&rows, '[');
    if (cursor && soql_skip(cursor, offset, err) == OK &&
        soql_write_json(cursor, call->base, (size_t)limit + 1, &rows, &written, err) == OK) {
        buf_char(&rows, ']');
        list = json_parse_buf(call->arena, &rows, err);
    }
    soql_close(cursor);
    buf_free(&rows);
    return list;
}

static bool read_number(struct call *call, const char *name, int64_t min, int64_t max,
                        int64_t otherwise, int64_t *out)
{
    const char *text = call_param(call, name);
    char *end = NULL;
    *out = text ? strtoll(text, &end, 10) : otherwise;
    if (*out >= min && *out <= max && (!text || (*text && !*end)))
        return true;
    answer_error(call, 400, "INVALID_QUERY_FILTER_OPERATOR",
                 "%s is a number from %lld to %lld, not %s", name, (long long)min, (long long)max,
                 text ? text : "");
    return false;
}

void listviews_results(struct call *call)
{
    struct jw w;
    struct err err = {{0}};
    struct listview view;
    struct listview_shape shown;
    int64_t limit, offset;
    const struct sobject *object = call_object(call, call->args[0]);
    if (!object || !shape_named(call, object, &view, &shown) ||
        !read_number(call, "limit", 1, ROWS_MAX, ROWS_USUAL, &limit) ||
        !read_number(call, "offset", 0, INT32_MAX, 0, &offset))
        return;
    struct json *rows = (struct json *)view_rows(call, &shown, limit, offset, &err);
    if (!rows) {
        answer_failed(call, &err);
        return;
    }
    bool done = rows->len <= limit;
    struct json **at = &rows->first;
    for (int64_t i = 0; i < limit && *at; i++)
        at = &(*at)->next;
    *at = NULL; /* the one that only shows there are more */
    answer_json(call, 200, &w);
    jw_object(&w);
    columns_json(&w, &shown);
    jw_kv_text(&w, "developerName", view.developer_name);
    jw_kv_bool(&w, "done", done);
    jw_kv_text(&w, "id", view.id);
    jw_kv_text(&w, "label", view.name);
    records_json_of(call, &w, &shown, rows);
    jw_kv_int(&w, "size", done ? rows->len : limit);
    jw_end_object(&w);
    requests_records(call->site->requests, COUNT_READ, done ? rows->len : (uint64_t)limit);
}

/* --- making them: the control API --- */

/* The view this definition names, made when new. NULL with *err set. */
static const char *put_record(struct call *call, const struct sobject *object,
                              const struct json *json, struct err *err)
{
    static const char sql[] = "SELECT \"Id\" FROM \"ListView\" WHERE \"SobjectType\"=?1 AND "
                              "\"DeveloperName\"=?2 AND \"IsDeleted\"=0";
    const char *name = json_get_text(json, "name"),
               *developer = json_get_text(json, "developerName");
    struct dml_options options = {
        .user_id = call->session.user_id, .all_or_none = true, .system = true};
    struct dml_result result = {0};
    struct buf body = BUF_INIT;
    struct jw w;
    char id[19] = "";
    sqlite3_stmt *row = NULL;
    sqlite3 *db = org_reader_take(call->site->org);
    if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK) {
        sqlite3_bind_text(row, 1, object->name, -1, SQLITE_STATIC);
        sqlite3_bind_text(row, 2, developer, -1, SQLITE_STATIC);
        if (sqlite3_step(row) == SQLITE_ROW)
            snprintf(id, sizeof id, "%s", (const char *)sqlite3_column_text(row, 0));
    }
    sqlite3_finalize(row);
    org_reader_give(call->site->org, db);
    jw_init(&w, &body);
    jw_object(&w);
    jw_kv_text(&w, "Name", name);
    jw_kv_text(&w, "DeveloperName", developer);
    jw_kv_text(&w, "SobjectType", object->name);
    jw_kv_bool(&w, "IsSoqlCompatible", true);
    jw_end_object(&w);
    struct dml_row record = {.object = schema_find(org_schema(call->site->org), "ListView"),
                             .id = *id ? id : NULL,
                             .body = json_parse_buf(call->arena, &body, err)};
    buf_free(&body);
    if (org_dml(call->site->org, *id ? DML_UPDATE : DML_INSERT, &options, &record, 1, &result,
                call->arena, err) != OK)
        return NULL;
    if (result.success)
        return arena_strdup(call->arena, result.id);
    err_set(err, "localorg.listview", "%s", result.errors->message);
    return NULL;
}

/* A definition that no query can come of is refused now. */
static enum status check_definition(struct call *call, const struct sobject *object,
                                    const struct json *json, struct err *err)
{
    struct listview_shape shape;
    struct soql_context context = {.org = call->site->org,
                                   .user_id = call->session.user_id,
                                   .now_ms = call_now(call),
                                   .api_version = 66};
    if (listview_read(call, object, json, "", true, &shape, err) != OK)
        return FAIL;
    return soql_compile(call->arena, &context, listview_soql(call, &shape, true), err) ? OK : FAIL;
}

static const char *put_view(struct call *call, const struct json *json, struct err *err)
{
    struct buf text = BUF_INIT;
    struct jw w;
    const char *name = json_get_text(json, "object");
    const struct sobject *object = name ? schema_find(org_schema(call->site->org), name) : NULL;
    if (!object || text_blank(json_get_text(json, "name")) ||
        text_blank(json_get_text(json, "developerName"))) {
        err_set(err, "localorg.listview",
                "a list view has an object of this org, a name and a developerName");
        return NULL;
    }
    if (check_definition(call, object, json, err) != OK)
        return NULL;
    const char *id = put_record(call, object, json, err);
    if (!id)
        return NULL;
    jw_init(&w, &text);
    jw_value(&w, json);
    enum status rc = org_document_put(call->site->org, KIND, id, &text, 0, err);
    buf_free(&text);
    return rc == OK ? id : NULL;
}

static bool put_all(struct call *call, const struct json *body, struct jw *w, struct err *err)
{
    const struct json *list = json_is(body, JSON_ARRAY) ? body : json_get(body, "listviews");
    const struct json *only = list ? NULL : body;
    for (const struct json *json = only ? only : list->first; json;
         json = only ? NULL : json->next) {
        const char *id = put_view(call, json, err);
        if (!id)
            return false;
        jw_text(w, id);
    }
    return true;
}

void control_listviews(struct call *call)
{
    struct err err = {{0}};
    struct buf ids = BUF_INIT;
    struct jw w;
    const struct json *body = json_parse_buf(call->arena, &call->in->body, &err);
    if (!body) {
        err_wrap(&err, "the request body");
        answer_refusal(call, 400, &err);
        return;
    }
    if (!control_on_behalf(call) || !records_begin(call))
        return;
    jw_init(&w, &ids);
    jw_array(&w);
    bool good = put_all(call, body, &w, &err);
    jw_end_array(&w);
    bool kept = records_end(call, good) && good;
    if (kept)
        control_answer_ids(call, &ids);
    else if (!good)
        answer_refusal(call, 400, &err);
    buf_free(&ids);
}
