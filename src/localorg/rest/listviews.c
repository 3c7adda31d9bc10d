/* listviews.c - saved filters: the list of them, what each shows, its rows.
 *
 * The views themselves are ListView records. Which rows a view wants is in its
 * DeveloperName, as Salesforce ships them: All..., My..., RecentlyViewed...,
 * NewThisWeek...; a view of another name shows all. Columns are those of the
 * standard layouts, as far as the object has them. Everything answered comes
 * from the view's query, so that a client may run it itself. */
#include "localorg/rest/listviews.h"

#include "base/str.h"
#include "base/when.h"
#include "localorg/rest/records.h"
#include "localorg/rest/resources.h"
#include "localorg/soql/soql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COLUMNS_MAX 16
#define VIEWS_MAX   500
#define ROWS_MAX    2000
#define ROWS_USUAL  25

struct view {
    char id[19];
    const char *name, *developer_name;
    bool soql;
};

struct column {
    const char *path; /* "Owner.Alias" */
    const char *label;
    const char *selected; /* "toLabel(Type)" */
    const struct field *field;
    bool hidden;
};

struct shown { /* a view, understood */
    const struct sobject *object;
    struct column columns[COLUMNS_MAX];
    size_t count;
    const char *scope;                     /* "mine", or NULL */
    const char *field, *operator, * value; /* the condition, or NULL */
    const char *soql_condition;
    const char *order; /* the field rows are sorted by */
};

static const struct {
    const char *object, *columns;
} layouts[] = {
    {"Account", "Name Site BillingState Phone Type Owner.Alias"},
    {"Contact", "Name Account.Name Title Phone Email Owner.Alias"},
    {"Lead", "Name Company State Email Status CreatedDate Owner.Alias"},
    {"Opportunity", "Name Account.Name Amount CloseDate StageName Owner.Alias"},
    {"Case", "CaseNumber Contact.Name Subject Status Priority CreatedDate Owner.Alias"},
    {"Campaign", "Name Type Status StartDate EndDate Owner.Alias"},
};

/* --- which views there are --- */

static size_t find_views(struct call *call, const char *object, const char *id,
                         struct view views[VIEWS_MAX])
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
            struct view *view = &views[count++];
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
static bool named_view(struct call *call, const struct sobject *object, struct view *view)
{
    char id[19];
    struct view *views = arena_array(call->arena, VIEWS_MAX, sizeof *views);
    if (id_canonical(call->args[1], id) && find_views(call, object->name, id, views) == 1) {
        *view = views[0];
        return true;
    }
    answer_not_found(call);
    return false;
}

/* --- columns --- */

/* The field a path leads to, over one relationship at most. NULL when there is none to see. */
static const struct field *path_field(struct call *call, const struct sobject *object,
                                      const char *path, const struct field **lookup)
{
    const char *dot = strchr(path, '.');
    *lookup = dot ? sobject_parent(object, path, (size_t)(dot - path)) : NULL;
    if (dot && (!*lookup || !(*lookup)->reference_count))
        return NULL;
    bool person = dot && strcmp(dot + 1, "Alias") == 0; /* an owner is a user or a queue */
    const struct sobject *target =
        dot ? schema_find(org_schema(call->site->org), person ? "User" : (*lookup)->reference_to[0])
            : object;
    const struct field *field = target ? sobject_field(target, dot ? dot + 1 : path) : NULL;
    return field && call_may_field(call, field, ORG_READ) ? field : NULL;
}

static void add_column(struct call *call, struct shown *shown, const char *path, bool hidden)
{
    const struct field *lookup, *field = path_field(call, shown->object, path, &lookup);
    if (!field || shown->count == COLUMNS_MAX)
        return;
    for (size_t i = 0; i < shown->count; i++)
        if (strcmp(shown->columns[i].path, path) == 0)
            return;
    struct column *column = &shown->columns[shown->count++];
    bool owner = lookup && strcmp(lookup->name, "OwnerId") == 0;
    column->path = path;
    column->field = field;
    column->hidden = hidden;
    column->label =
        owner ? arena_printf(call->arena, "%s Owner %s", shown->object->label, field->label)
              : field->label;
    column->selected = !lookup && field->type == FT_PICKLIST
                           ? arena_printf(call->arena, "toLabel(%s)", path)
                           : path;
}

static void add_columns(struct call *call, struct shown *shown)
{
    static const char *const last[] = {"Id", "CreatedDate", "LastModifiedDate", "SystemModstamp"};
    const struct field *name = shown->object->name_field;
    const char *layout =
        arena_printf(call->arena, "%s CreatedDate Owner.Alias", name ? name->name : "Id");
    const char *word;
    size_t len;
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++)
        if (strcmp(layouts[i].object, shown->object->name) == 0)
            layout = layouts[i].columns;
    while ((word = words_next(&layout, &len)))
        add_column(call, shown, arena_strndup(call->arena, word, len), false);
    for (size_t i = 0; i < sizeof last / sizeof *last; i++)
        add_column(call, shown, last[i], true);
}

/* What the view's name says about its rows. */
static void read_filter(struct shown *shown, const char *developer_name)
{
    if (text_starts(developer_name, "My") && sobject_field(shown->object, "OwnerId"))
        shown->scope = "mine";
    if (text_starts(developer_name, "NewThisWeek")) {
        shown->field = "CreatedDate";
        shown->operator= "equals";
        shown->value = "THIS_WEEK";
        shown->soql_condition = "CreatedDate = THIS_WEEK";
    }
    if (text_starts(developer_name, "RecentlyViewed") &&
        sobject_field(shown->object, "LastViewedDate")) {
        shown->field = "LastViewedDate";
        shown->operator= "notEqual";
        shown->value = "null";
        shown->soql_condition = "LastViewedDate != null";
    }
}

static void show(struct call *call, const struct sobject *object, const struct view *view,
                 struct shown *shown)
{
    *shown = (struct shown){.object = object};
    add_columns(call, shown);
    read_filter(shown, view->developer_name);
    shown->order =
        object->name_field && object->name_field->sortable ? object->name_field->name : "Id";
}

static const char *view_soql(struct call *call, const struct shown *shown, bool labels)
{
    struct buf soql = BUF_INIT;
    for (size_t i = 0; i < shown->count; i++)
        buf_printf(&soql, "%s%s", i ? ", " : "SELECT ",
                   labels ? shown->columns[i].selected : shown->columns[i].path);
    buf_printf(&soql, " FROM %s", shown->object->name);
    if (shown->scope)
        buf_printf(&soql, " USING SCOPE %s", shown->scope);
    if (shown->soql_condition)
        buf_printf(&soql, " WHERE %s", shown->soql_condition);
    buf_printf(&soql, " ORDER BY %s ASC NULLS FIRST", shown->order);
    if (strcmp(shown->order, "Id") != 0)
        buf_str(&soql, ", Id ASC NULLS FIRST");
    const char *text = arena_strdup(call->arena, buf_text(&soql));
    buf_free(&soql);
    return text;
}

const char *listviews_soql(struct call *call, const char *id_or_soql)
{
    static const char *const names[] = {"SobjectType", "DeveloperName"};
    const char *texts[2] = {0};
    char id[19];
    struct shown shown;
    if (!id_canonical(id_or_soql, id) || strncmp(id, "00B", 3) != 0)
        return id_or_soql;
    records_texts(call, "ListView", id, names, 2, texts);
    const struct sobject *object =
        texts[0] ? schema_find(org_schema(call->site->org), texts[0]) : NULL;
    if (!object)
        return id_or_soql;
    show(call, object, &(struct view){.developer_name = texts[1] ? texts[1] : ""}, &shown);
    return view_soql(call, &shown, true);
}

/* --- the list --- */

static void view_json(struct call *call, struct jw *w, const struct sobject *object,
                      const struct view *view)
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

static void answer_views(struct call *call, const struct sobject *object, const struct view *views,
                         size_t count)
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
    struct view *views = arena_array(call->arena, VIEWS_MAX, sizeof *views);
    if (object)
        answer_views(call, object, views, find_views(call, object->name, NULL, views));
}

void listviews_one(struct call *call)
{
    struct jw w;
    struct view view;
    const struct sobject *object = call_object(call, call->args[0]);
    if (!object)
        return;
    if (text_eq_nocase(call->args[1], "recent")) { /* views are not opened here */
        answer_views(call, object, NULL, 0);
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

static void column_json(struct jw *w, const struct shown *shown, const struct column *column)
{
    bool first = strcmp(column->path, shown->order) == 0;
    bool letters = !column->hidden && is_text(column->field);
    jw_object(w);
    jw_kv_text(w, "ascendingLabel", letters ? "Z-A" : NULL); /* as recorded: the other way round */
    jw_kv_text(w, "descendingLabel", letters ? "A-Z" : NULL);
    jw_kv_text(w, "fieldNameOrPath", column->path);
    jw_kv_bool(w, "hidden", column->hidden);
    jw_kv_text(w, "label", column->label);
    jw_kv_text(w, "selectListItem", column->selected);
    jw_kv_text(w, "sortDirection", first ? "ascending" : NULL);
    jw_key(w, "sortIndex");
    if (first)
        jw_int(w, 0);
    else
        jw_null(w);
    jw_kv_bool(w, "sortable", column->field->sortable);
    jw_kv_text(w, "type", field_type_name(column->field->type));
    jw_end_object(w);
}

static void columns_json(struct jw *w, const struct shown *shown)
{
    jw_key(w, "columns");
    jw_array(w);
    for (size_t i = 0; i < shown->count; i++)
        column_json(w, shown, &shown->columns[i]);
    jw_end_array(w);
}

static void order_json(struct jw *w, const char *field)
{
    jw_object(w);
    jw_kv_text(w, "fieldNameOrPath", field);
    jw_kv_text(w, "nullsPosition", "first");
    jw_kv_text(w, "sortDirection", "ascending");
    jw_end_object(w);
}

static void condition_json(struct jw *w, const struct shown *shown)
{
    jw_key(w, "whereCondition");
    if (!shown->field) {
        jw_null(w);
        return;
    }
    jw_object(w);
    jw_kv_text(w, "field", shown->field);
    jw_kv_text(w, "operator", shown->operator);
    jw_key(w, "values");
    jw_array(w);
    jw_text(w, shown->value);
    jw_end_array(w);
    jw_end_object(w);
}

void listviews_describe(struct call *call)
{
    struct jw w;
    struct view view;
    struct shown shown;
    const struct sobject *object = call_object(call, call->args[0]);
    if (!object || !named_view(call, object, &view))
        return;
    show(call, object, &view, &shown);
    answer_json(call, 200, &w);
    jw_object(&w);
    columns_json(&w, &shown);
    jw_kv_text(&w, "id", arena_strndup(call->arena, view.id, 15));
    jw_key(&w, "orderBy");
    jw_array(&w);
    order_json(&w, shown.order);
    if (strcmp(shown.order, "Id") != 0)
        order_json(&w, "Id");
    jw_end_array(&w);
    jw_kv_text(&w, "query", view_soql(call, &shown, true));
    jw_kv_text(&w, "scope", shown.scope);
    jw_kv_text(&w, "sobjectType", object->name);
    condition_json(&w, &shown);
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

static const char *cell_text(struct arena *arena, const struct column *column,
                             const struct json *record)
{
    const char *dot = strchr(column->path, '.');
    if (dot)
        record = json_get(record, arena_strndup(arena, column->path, (size_t)(dot - column->path)));
    const struct json *value = json_get(record, dot ? dot + 1 : column->path);
    if (json_is(value, JSON_TRUE) || json_is(value, JSON_FALSE))
        return json_is(value, JSON_TRUE) ? "true" : "false";
    const char *text = json_text(value);
    return text && column->field->type == FT_DATETIME ? java_date(arena, text) : text;
}

static void records_json_of(struct call *call, struct jw *w, const struct shown *shown,
                            const struct json *records)
{
    jw_key(w, "records");
    jw_array(w);
    json_each(record, records) {
        jw_object(w);
        jw_key(w, "columns");
        jw_array(w);
        for (size_t i = 0; i < shown->count; i++) {
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
static const struct json *view_rows(struct call *call, const struct shown *shown, int64_t limit,
                                    int64_t offset, struct err *err)
{
    struct buf rows = BUF_INIT;
    size_t written = 0;
    struct soql_context context = {.org = call->site->org,
                                   .user_id = call->session.user_id,
                                   .now_ms = call_now(call),
                                   .api_version = call->api_version};
    struct soql_plan *plan =
        soql_compile(call->arena, &context, view_soql(call, shown, false), err);
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
    struct view view;
    struct shown shown;
    int64_t limit, offset;
    const struct sobject *object = call_object(call, call->args[0]);
    if (!object || !named_view(call, object, &view) ||
        !read_number(call, "limit", 1, ROWS_MAX, ROWS_USUAL, &limit) ||
        !read_number(call, "offset", 0, INT32_MAX, 0, &offset))
        return;
    show(call, object, &view, &shown);
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
