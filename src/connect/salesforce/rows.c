/* rows.c - rows of list views, reports and queries, a page at a time; and those of
 * a query.
 *
 * A query's cursor is all there is to go on from: a query of the user's own has no
 * key to ask again by. When it is lost the reading fails, and says so. */
#include "connect/salesforce/views_priv.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------------------------- door */

static void copy_read(struct crm_rows_reader *reader, const struct crm_rows_read *read)
{
    struct arena *arena = reader->arena;
    const char **columns = arena_array(arena, read->column_count + 1, sizeof *columns);
    for (size_t i = 0; i < read->column_count; i++)
        columns[i] = arena_strdup(arena, read->columns[i]);
    reader->read = *read;
    reader->read.columns = columns;
    reader->read.text = arena_strdup(arena, read->text);
    reader->read.id = arena_strdup(arena, read->id);
    reader->read.object = arena_strdup(arena, read->object);
}

static void rows_close(struct crm_rows_reader *reader)
{
    if (!reader)
        return;
    if (reader->kind->close)
        reader->kind->close(reader);
    arena_free(reader->arena);
    free(reader);
}

static struct crm_rows_reader *rows_open(struct crm_session *session,
                                         const struct crm_rows_read *read, struct err *err)
{
    static const struct rows_kind *const kinds[] = {[CRM_ROWS_QUERY] = &sf_query_rows,
                                                    [CRM_ROWS_REPORT] = &sf_report_rows,
                                                    [CRM_ROWS_LIST_VIEW] = &sf_list_view_rows};
    struct crm_rows_reader *reader = mem_alloc(sizeof *reader);
    reader->sf = sf_of(session);
    reader->arena = arena_new();
    reader->kind = kinds[read->from];
    copy_read(reader, read);
    if (!reader->kind->open || reader->kind->open(reader, err) == OK)
        return reader;
    rows_close(reader);
    return NULL;
}

static enum status rows_next(struct crm_rows_reader *reader, struct arena *arena,
                             struct crm_rows *out, struct err *err)
{
    *out = (struct crm_rows){.total = -1, .last = true};
    if (reader->finished)
        return OK;
    enum status rc = reader->kind->next(reader, arena, out, err);
    reader->finished = rc == OK && out->last;
    reader->sf->crm.calls_one_each += out->count;
    return rc;
}

const struct crm_views salesforce_views = {
    .list_view = sf_list_view,
    .report = sf_report,
    .query_shape = sf_query_shape,
    .open = rows_open,
    .next = rows_next,
    .close = rows_close,
};

/* ----------------------------------------------------------------- values */

/* Without the "attributes" that the API puts into every record. */
static void write_clean(struct jw *w, const struct json *json)
{
    if (json->type != JSON_OBJECT && json->type != JSON_ARRAY) {
        jw_value(w, json);
        return;
    }
    bool object = json->type == JSON_OBJECT;
    object ? jw_object(w) : jw_array(w);
    json_each(child, json) {
        if (object && text_eq(child->key, "attributes"))
            continue;
        if (object)
            jw_key(w, child->key);
        write_clean(w, child);
    }
    object ? jw_end_object(w) : jw_end_array(w);
}

static struct value as_json(const struct json *json, struct arena *arena)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    write_clean(&w, json);
    struct value out = {arena_strndup(arena, buf_text(&text), text.len), (uint32_t)text.len};
    buf_free(&text);
    return out;
}

struct value sf_cell(const struct json *json, struct arena *arena)
{
    if (json_is_null(json))
        return VALUE_NULL;
    if (json->type == JSON_TRUE)
        return (struct value){"true", 4};
    if (json->type == JSON_FALSE)
        return (struct value){"false", 5};
    if (json->type == JSON_STRING || json->type == JSON_NUMBER)
        return (struct value){json->text, json->len};
    return as_json(json, arena);
}

/* ---------------------------------------------------------------- queries */

struct query_reading {
    char *locator;
    bool started;
    int64_t rows;
};

/* A long list of children comes in pages of its own. */
static enum status take_children(struct sf *sf, const struct json *list, struct arena *arena,
                                 struct value *out, struct err *err)
{
    struct buf text = BUF_INIT;
    struct jw w;
    struct sf_rows rows;
    enum status rc = sf_rows_take(list, arena, &rows, err);
    jw_init(&w, &text);
    jw_array(&w);
    while (rc == OK) {
        json_each(record, rows.records) {
            write_clean(&w, record);
        }
        if (!rows.locator)
            break;
        struct sf_query query = {.locator = rows.locator};
        rc = sf_query(sf, &query, NULL, arena, &rows, err);
    }
    jw_end_array(&w);
    *out = (struct value){arena_strndup(arena, buf_text(&text), text.len), (uint32_t)text.len};
    buf_free(&text);
    return rc;
}

static bool is_children(const struct json *json)
{
    return json_is(json, JSON_OBJECT) && json_is(json_get(json, "records"), JSON_ARRAY) &&
           json_get(json, "totalSize");
}

/* "Owner.Profile.Name"; in a row of an aggregate a path has become one key. */
static const struct json *at_path(const struct json *record, const char *path)
{
    const struct json *whole = json_get_nocase(record, path);
    while (!whole && record) {
        size_t len = strcspn(path, ".");
        char step[256];
        if (len >= sizeof step)
            return NULL;
        memcpy(step, path, len);
        step[len] = '\0';
        record = json_get_nocase(record, step);
        if (!path[len])
            return record;
        path += len + 1;
    }
    return whole;
}

static enum status take_record(struct crm_rows_reader *reader, const struct json *record,
                               struct arena *arena, struct value *values, struct err *err)
{
    for (size_t i = 0; i < reader->read.column_count; i++) {
        const struct json *value = at_path(record, reader->read.columns[i]);
        if (!is_children(value))
            values[i] = sf_cell(value, arena);
        else if (take_children(reader->sf, value, arena, &values[i], err) != OK)
            return FAIL;
    }
    return OK;
}

static enum status query_open(struct crm_rows_reader *reader, struct err *err)
{
    reader->own = mem_alloc(sizeof(struct query_reading));
    return OK;
}

static void query_close(struct crm_rows_reader *reader)
{
    struct query_reading *own = reader->own;
    if (own)
        free(own->locator);
    free(own);
}

static enum status lost_cursor(const struct query_reading *own, struct err *err)
{
    if (!own->started || !sf_locator_lost(err))
        return FAIL;
    err_wrap(err, "the query's cursor was lost after %lld rows", (long long)own->rows);
    err_hint(err, "The next sync reads the query again from its beginning; what is stored stays.");
    return FAIL;
}

static enum status query_next(struct crm_rows_reader *reader, struct arena *arena,
                              struct crm_rows *out, struct err *err)
{
    struct query_reading *own = reader->own;
    struct sf_query query = {.soql = reader->read.text, .locator = own->locator};
    size_t width = reader->read.column_count;
    struct sf_rows rows;
    if (sf_query(reader->sf, &query, NULL, arena, &rows, err) != OK)
        return lost_cursor(own, err);
    out->values = arena_array(arena, (size_t)rows.records->len * width + 1, sizeof *out->values);
    json_each(record, rows.records) {
        if (take_record(reader, record, arena, out->values + out->count * width, err) != OK)
            return FAIL;
        out->count++;
    }
    out->total = own->started ? -1 : rows.total;
    own->started = true;
    own->rows += (int64_t)out->count;
    free(own->locator);
    own->locator = mem_strdup(rows.locator);
    out->last = !rows.locator;
    return OK;
}

const struct rows_kind sf_query_rows = {
    .open = query_open,
    .next = query_next,
    .close = query_close,
};
