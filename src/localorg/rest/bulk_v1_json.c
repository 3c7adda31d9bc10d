/* bulk_v1_json.c - JSON batches become CSV on arrival, so that one loader reads all; their
 * results and the rows of queries are written as JSON at once.
 *
 * That the query results of JSON jobs hold milliseconds since 1970 where CSV has dates is what
 * users of the API report (not verified against a real org). */
#include "localorg/rest/bulk_v1_json.h"

#include "base/str.h"
#include "base/vec.h"
#include "base/when.h"

#include <string.h>

#define ROWS_MAX 10000

/* --- rows in --- */

struct table {
    struct arena *arena;
    VEC(const char *) names;
    const struct json **cells; /* of the row at hand, by column */
    size_t room;
};

/* The column of this name; rows mostly have their members in one order, so `hint` is right. */
static size_t column_of(struct table *t, const char *name, size_t hint)
{
    if (hint < t->names.len && text_eq_nocase(t->names.at[hint], name))
        return hint;
    for (size_t i = 0; i < t->names.len; i++)
        if (text_eq_nocase(t->names.at[i], name))
            return i;
    vec_push(&t->names, name);
    return t->names.len - 1;
}

/* {"attributes":{"type":"Lead"},"Email":"x"}: Lead:Who.Email, and the value. NULL when it is
 * not one key. */
static const struct json *parent_key(struct table *t, const struct json *member, const char **name)
{
    const char *type = json_get_text(json_get(member, "attributes"), "type");
    const struct json *key = NULL;
    size_t keys = 0;
    json_each(inner, member) {
        if (text_eq(inner->key, "attributes"))
            continue;
        key = inner;
        keys++;
    }
    if (keys != 1 || json_is(key, JSON_ARRAY) || json_is(key, JSON_OBJECT))
        return NULL;
    *name = arena_printf(t->arena, "%s%s%s.%s", type ? type : "", type ? ":" : "", member->key,
                         key->key);
    return key;
}

/* Calls column_of for every member of a row, and puts its value there when there is room. */
static enum status read_row(struct table *t, const struct json *row, int64_t number,
                            struct err *err)
{
    size_t hint = 0;
    if (!json_is(row, JSON_OBJECT))
        return err_set(err, "InvalidBatch", "Record %lld is no object", (long long)number);
    json_each(member, row) {
        const char *name = member->key;
        const struct json *value = member;
        if (text_eq(name, "attributes"))
            continue;
        if (json_is(member, JSON_OBJECT))
            value = parent_key(t, member, &name);
        if (!value || json_is(value, JSON_ARRAY))
            return err_set(err, "InvalidBatch",
                           "Record %lld: %s is neither a value nor a parent named by one key",
                           (long long)number, member->key);
        size_t column = column_of(t, name, hint);
        hint = column + 1;
        if (column < t->room)
            t->cells[column] = value;
    }
    return OK;
}

static void write_cell(const struct bulk_job *batch, const struct json *value, bool first,
                       struct buf *csv)
{
    const char *text = !value                       ? ""
                       : json_is(value, JSON_NULL)  ? "#N/A"
                       : json_is(value, JSON_TRUE)  ? "true"
                       : json_is(value, JSON_FALSE) ? "false"
                                                    : json_text(value);
    size_t len = json_is(value, JSON_STRING) ? value->len : strlen(text);
    bulk_cell(csv, batch, text, len, first);
}

static void write_rows(struct table *t, const struct bulk_job *batch, const struct json *rows,
                       struct buf *csv)
{
    for (size_t i = 0; i < t->names.len; i++)
        bulk_cell(csv, batch, t->names.at[i], strlen(t->names.at[i]), i == 0);
    bulk_line_end(csv, batch);
    t->room = t->names.len;
    t->cells = arena_array(t->arena, t->room + 1, sizeof *t->cells);
    json_each(row, rows) {
        memset(t->cells, 0, t->room * sizeof *t->cells);
        read_row(t, row, 0, NULL); /* the first pass found no mistake */
        for (size_t i = 0; i < t->room; i++)
            write_cell(batch, t->cells[i], i == 0, csv);
        bulk_line_end(csv, batch);
    }
}

enum status bulk_v1_json_rows(struct arena *arena, const struct bulk_job *batch,
                              const struct buf *sent, struct buf *csv, struct err *err)
{
    struct table t = {.arena = arena};
    enum status rc = OK;
    int64_t count = 0;
    const struct json *rows = json_parse(arena, buf_text(sent), sent->len, err);
    if (!rows)
        return err_wrap(err, "Failed to parse JSON");
    if (!json_is(rows, JSON_ARRAY))
        return err_set(err, "InvalidBatch", "Failed to parse JSON. A batch is a list of records");
    json_each(row, rows) {
        if (rc == OK)
            rc = read_row(&t, row, ++count, err);
    }
    if (rc == OK && count > ROWS_MAX)
        rc = err_set(err, "InvalidBatch", "Too many records, maximum is %d", ROWS_MAX);
    if (rc == OK && t.names.len)
        write_rows(&t, batch, rows, csv);
    vec_free(&t.names);
    return rc;
}

/* --- results out --- */

void bulk_v1_json_result(const struct dml_result *result, bool first, struct buf *out)
{
    struct jw w;
    if (!first)
        buf_char(out, ',');
    jw_init(&w, out);
    jw_object(&w);
    jw_kv_bool(&w, "success", result->success);
    jw_kv_bool(&w, "created", result->created);
    jw_kv_text(&w, "id", result->success ? result->id : NULL);
    jw_key(&w, "errors");
    jw_array(&w);
    for (const struct dml_error *error = result->errors; error; error = error->next) {
        jw_object(&w);
        jw_kv_text(&w, "statusCode", error->status_code);
        jw_kv_text(&w, "message", error->message);
        jw_key(&w, "fields");
        jw_array(&w);
        for (size_t i = 0; i < error->field_count; i++)
            jw_text(&w, error->fields[i]);
        jw_end_array(&w);
        jw_kv_null(&w, "extendedErrorDetails");
        jw_end_object(&w);
    }
    jw_end_array(&w);
    jw_end_object(&w);
}

static void put_value(struct jw *w, const struct soql_node *node, const struct json *value)
{
    const char *text = json_text(value);
    struct date date;
    int64_t ms;
    if (node->type == FT_DATE && text && date_parse(text, &date))
        jw_int(w, date_to_days(date) * 86400000);
    else if (node->type == FT_DATETIME && text && when_parse(text, &ms))
        jw_int(w, ms);
    else
        jw_value(w, value);
}

static void put_record(struct jw *w, const struct soql_node *nodes, const struct json *record)
{
    if (!json_is(record, JSON_OBJECT)) {
        jw_null(w);
        return;
    }
    jw_object(w);
    if (json_get(record, "attributes")) {
        jw_key(w, "attributes");
        jw_value(w, json_get(record, "attributes"));
    }
    for (const struct soql_node *node = nodes; node; node = node->next) {
        jw_key(w, node->name);
        if (node->kind == SOQL_PARENT)
            put_record(w, node->first, json_get(record, node->name));
        else
            put_value(w, node, json_get(record, node->name));
    }
    jw_end_object(w);
}

void bulk_v1_json_record(const struct soql_node *nodes, const struct json *record, struct buf *out)
{
    struct jw w;
    jw_init(&w, out);
    put_record(&w, nodes, record);
}
