/* report.c - a report: what columns it has, and one run of it, taken apart.
 *
 * A run answers with a fact map: one entry a crossing of groups, each with its
 * detail rows. The rows of all entries are laid out flat, the labels of their
 * groups in front. Cells have a label (what a person sees) and a value; a record's
 * name has the record's id as its value. */
#include "connect/salesforce/views_priv.h"

#include "base/str.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- finding */

static enum status query_report(struct sf *sf, struct arena *arena, const char *ref,
                                const char **id, struct err *err)
{
    struct buf soql = BUF_INIT;
    struct sf_rows rows;
    buf_str(&soql, "SELECT Id, Name FROM Report WHERE DeveloperName = ");
    soql_quote(&soql, ref, strlen(ref));
    buf_str(&soql, " OR Name = ");
    soql_quote(&soql, ref, strlen(ref));
    buf_str(&soql, " LIMIT 3");
    struct sf_query query = {.soql = buf_text(&soql)};
    enum status rc = sf_query(sf, &query, "Report", arena, &rows, err);
    buf_free(&soql);
    if (rc != OK)
        return FAIL;
    if (rows.records->len == 0) {
        err_set(err, ERR_NOT_FOUND, "there is no report `%s` that the OAuth user can see", ref);
        err_hint(err,
                 "A report is named by its id, its API name or its name; the user needs access "
                 "to its folder.");
        return FAIL;
    }
    if (rows.records->len > 1) {
        err_set(err, ERR_CONFLICT, "several reports are called `%s`", ref);
        err_hint(err, "name it by its id, the 00O... in its address");
        return FAIL;
    }
    *id = sf_id_dup(arena, json_get_text(json_at(rows.records, 0), "Id"));
    return *id ? OK : err_set(err, ERR_CRM_UNREACHABLE, "Salesforce gave a report without id");
}

static enum status report_id(struct sf *sf, struct arena *arena, const char *ref, const char **id,
                             struct err *err)
{
    *id = text_starts(ref, "00O") ? sf_id_dup(arena, ref) : NULL;
    return *id ? OK : query_report(sf, arena, ref, id, err);
}

/* ------------------------------------------------------------- describing */

static void add_column(struct report_shape *shape, const char *name, const struct json *info,
                       bool grouping)
{
    const char *label = json_get_text(info, "label"), *type = json_get_text(info, "dataType");
    for (size_t i = 0; i < shape->column_count; i++)
        if (text_eq(shape->columns[i].name, name))
            return;
    shape->columns[shape->column_count++] =
        (struct report_column){name, label ? label : name, type ? type : "string", grouping};
}

static void add_groups(struct report_shape *shape, const char *which, const struct json *infos)
{
    json_each(group, json_get(shape->metadata, which)) {
        const char *name = json_get_text(group, "name");
        if (name)
            add_column(shape, name, json_get(infos, name), true);
    }
}

static void take_columns(struct arena *arena, const struct json *body, struct report_shape *shape)
{
    const struct json *extended = json_get(body, "reportExtendedMetadata");
    const struct json *details = json_get(shape->metadata, "detailColumns");
    shape->columns = arena_array(arena, details ? details->len + 16 : 16, sizeof *shape->columns);
    add_groups(shape, "groupingsDown", json_get(extended, "groupingColumnInfo"));
    add_groups(shape, "groupingsAcross", json_get(extended, "groupingColumnInfo"));
    shape->grouping_count = shape->column_count;
    const struct json *infos = json_get(extended, "detailColumnInfo");
    json_each(detail, details) {
        if (json_text(detail))
            add_column(shape, json_text(detail), json_get(infos, json_text(detail)), false);
    }
}

static void take_choices(struct arena *arena, const struct json *body, struct report_shape *shape)
{
    const struct json *categories = json_get(json_get(body, "reportTypeMetadata"), "categories");
    size_t room = 0;
    json_each(category, categories) {
        room += json_get(category, "columns") ? json_get(category, "columns")->len : 0;
    }
    shape->choices = arena_array(arena, room + 1, sizeof *shape->choices);
    json_each(category, categories) {
        json_each(column, json_get(category, "columns")) {
            const char *type = json_get_text(column, "dataType");
            if (json_get_bool(column, "filterable", true))
                shape->choices[shape->choice_count++] = (struct report_column){
                    column->key, json_get_text(column, "label"), type ? type : "string", false};
        }
    }
}

enum status report_describe(struct sf *sf, struct arena *arena, const char *id,
                            struct report_shape *out, struct err *err)
{
    const struct json *body = NULL;
    struct sf_call call = {.path = arena_printf(arena, "/analytics/reports/%s/describe", id)};
    *out = (struct report_shape){.id = id};
    if (sf_read(sf, &call, arena, &body, err) != OK)
        return FAIL;
    out->metadata = json_get(body, "reportMetadata");
    out->name = json_get_text(out->metadata, "name");
    out->format = json_get_text(out->metadata, "reportFormat");
    if (!out->format)
        return err_set(err, ERR_CRM_UNREACHABLE,
                       "Salesforce described the report with something else");
    if (text_eq(out->format, "MULTI_BLOCK")) {
        err_set(err, "report.joined",
                "report \"%s\" joins several blocks, which have no common rows",
                out->name ? out->name : id);
        err_hint(err, "Import a tabular, summary or matrix report, or a query.");
        return FAIL;
    }
    take_columns(arena, body, out);
    take_choices(arena, body, out);
    return OK;
}

const struct report_column *report_column(const struct report_shape *shape, const char *name)
{
    for (size_t i = 0; i < shape->column_count; i++)
        if (text_eq(shape->columns[i].name, name))
            return &shape->columns[i];
    return NULL;
}

/* Types of reports are those of describe, but for a record's name. */
static void list_columns(struct arena *arena, const struct report_shape *shape,
                         struct crm_report *out)
{
    out->columns = arena_array(arena, shape->column_count * 2 + 1, sizeof *out->columns);
    for (size_t i = 0; i < shape->column_count; i++) {
        const struct report_column *c = &shape->columns[i];
        out->columns[out->column_count++] =
            (struct crm_view_column){c->name, c->label, c->type, NULL};
    }
    for (size_t i = 0; i < shape->column_count; i++) {
        const struct report_column *c = &shape->columns[i];
        if (!text_eq(c->type, "string") && !text_eq(c->type, "reference"))
            continue;
        out->columns[out->column_count++] =
            (struct crm_view_column){arena_printf(arena, "%s:id", c->name),
                                     arena_printf(arena, "%s: id", c->label), "id", NULL};
    }
}

enum status sf_report(struct crm_session *session, struct arena *arena, const char *ref,
                      struct crm_report *out, struct err *err)
{
    struct sf *sf = sf_of(session);
    struct report_shape shape;
    *out = (struct crm_report){0};
    if (report_id(sf, arena, ref, &out->id, err) != OK ||
        report_describe(sf, arena, out->id, &shape, err) != OK)
        return err_wrap(err, "report `%s`", ref);
    out->name = shape.name;
    out->format = shape.format;
    list_columns(arena, &shape, out);
    return OK;
}

/* ---------------------------------------------------------------- one run */

/* The group "1_0" among the children of the one before it. */
static const struct json *group_of(const struct json *list, const char *key, size_t len)
{
    json_each(group, list) {
        const char *name = json_get_text(group, "key");
        if (name && strlen(name) == len && memcmp(name, key, len) == 0)
            return group;
    }
    return NULL;
}

struct laying {
    struct arena *arena;
    const struct report_shape *shape;
    const struct json *body;
    struct report_run *out;
    VEC(struct report_cell) cells;
};

/* The cells of a key's groups, at their columns: "1_0" is group 1, and in it 1_0. */
static void put_groups(struct laying *l, const char *which, const char *key, size_t len,
                       size_t column, struct report_cell *row)
{
    const struct json *list = json_get(json_get(l->body, which), "groupings");
    for (size_t end = 0; end < len && key[0] != 'T'; end++) {
        end += strcspn(key + end, "_!");
        const struct json *group = group_of(list, key, end < len ? end : len);
        if (!group || column >= l->shape->grouping_count)
            return;
        row[column++] =
            (struct report_cell){json_get(group, "value"), json_get_text(group, "label")};
        list = json_get(group, "groupings");
    }
}

static size_t down_count(const struct report_shape *shape)
{
    const struct json *down = json_get(shape->metadata, "groupingsDown");
    return down ? down->len : 0;
}

static void put_row(struct laying *l, const char *key, const struct json *data_row)
{
    size_t width = l->shape->column_count, at = l->shape->grouping_count;
    struct report_cell *row = arena_array(l->arena, width + 1, sizeof *row);
    const char *across = strchr(key, '!');
    put_groups(l, "groupingsDown", key, across ? (size_t)(across - key) : strlen(key), 0, row);
    if (across)
        put_groups(l, "groupingsAcross", across + 1, strlen(across + 1), down_count(l->shape), row);
    json_each(cell, json_get(data_row, "dataCells")) {
        if (at < width)
            row[at++] = (struct report_cell){json_get(cell, "value"), json_get_text(cell, "label")};
    }
    for (size_t i = 0; i < width; i++)
        vec_push(&l->cells, row[i]);
    l->out->count++;
}

/* RowCount among the aggregates of the whole. */
static int64_t row_count(const struct report_shape *shape, const struct json *body)
{
    const struct json *names = json_get(json_get(body, "reportMetadata"), "aggregates");
    const struct json *values = json_get(json_get(json_get(body, "factMap"), "T!T"), "aggregates");
    size_t at = 0;
    json_each(name, names ? names : json_get(shape->metadata, "aggregates")) {
        if (text_eq(json_text(name), "RowCount"))
            return json_get_int(json_at(values, at), "value", -1);
        at++;
    }
    return -1;
}

enum status report_execute(struct sf *sf, struct arena *arena, const struct report_shape *shape,
                           const char *body, struct report_run *out, struct err *err)
{
    struct laying l = {.arena = arena, .shape = shape, .out = out};
    struct sf_call call = {
        .method = body ? "POST" : NULL,
        .path = arena_printf(arena, "/analytics/reports/%s?includeDetails=true", shape->id),
        .body = body,
        .body_len = body ? strlen(body) : 0};
    *out = (struct report_run){.total = -1};
    if (sf_read(sf, &call, arena, &l.body, err) != OK)
        return FAIL;
    const struct json *facts = json_get(l.body, "factMap");
    if (!json_is(facts, JSON_OBJECT) || !json_get(l.body, "allData"))
        return err_set(err, ERR_CRM_UNREACHABLE,
                       "Salesforce answered the report with something else");
    json_each(fact, facts) {
        json_each(row, json_get(fact, "rows"))
            put_row(&l, fact->key, row);
    }
    out->all = json_get_bool(l.body, "allData", false);
    out->total = row_count(shape, l.body);
    out->cells = arena_array(arena, l.cells.len + 1, sizeof *out->cells);
    if (l.cells.len)
        memcpy(out->cells, l.cells.at, l.cells.len * sizeof *out->cells);
    vec_free(&l.cells);
    return OK;
}

/* ------------------------------------------------------------------ cells */

static struct value text_value(const char *text)
{
    return text ? (struct value){text, (uint32_t)strlen(text)} : VALUE_NULL;
}

struct value report_value(const struct report_column *column, const struct report_cell *cell,
                          bool id, struct arena *arena)
{
    char id18[19];
    const char *text = json_text(cell->value);
    bool is_id = text && json_is(cell->value, JSON_STRING) && sf_id(text, strlen(text), id18);
    if (id)
        return is_id ? text_value(arena_strdup(arena, id18)) : VALUE_NULL;
    if (json_is_null(cell->value))
        return VALUE_NULL;
    if (json_is(cell->value, JSON_OBJECT)) { /* {"amount","currency"} */
        const struct json *amount = json_get(cell->value, "amount");
        return amount ? sf_cell(amount, arena) : sf_cell(cell->value, arena);
    }
    bool shown = cell->label && strncmp(cell->label, text ? text : "", 15) == 0;
    if (is_id && (text_eq(column->type, "id") || shown))
        return text_value(arena_strdup(arena, id18));
    if (is_id && cell->label)
        return text_value(cell->label); /* a record's name */
    return sf_cell(cell->value, arena);
}
