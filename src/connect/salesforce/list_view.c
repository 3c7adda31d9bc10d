/* list_view.c - list views: finding one, what it shows, its rows.
 *
 * A view that is "soqlCompatible" is read as records of its object, by the
 * condition of its query: any number of them, changes only. The others give their
 * rows through /results: texts as a person sees them, a page of 2,000 at a time. */
#include "connect/salesforce/views_priv.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"
#include "base/when.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 2000 /* most that one answer holds */

/* ---------------------------------------------------------------- finding */

struct finding {
    struct sf *sf;
    struct arena *arena;
    const char *object, *ref;
    char id[19]; /* `ref` as an id; "" when it is none */
    VEC(const char *) names;
};

static bool is_meant(const struct finding *f, const struct json *view)
{
    char id[19];
    const char *given = json_get_text(view, "id");
    if (f->id[0] && given && sf_id(given, strlen(given), id))
        return text_eq(id, f->id);
    return text_eq_nocase(json_get_text(view, "developerName"), f->ref) ||
           text_eq(json_get_text(view, "label"), f->ref);
}

/* The next page's path: only ever below /services/data. */
static const char *next_page(const struct json *body)
{
    const char *next = json_get_text(body, "nextRecordsUrl");
    return next && text_starts(next, "/services/data/") ? next : NULL;
}

static enum status find_view(struct finding *f, const struct json **out, struct err *err)
{
    const char *path = arena_printf(f->arena, "/sobjects/%s/listviews", f->object);
    *out = NULL;
    while (path) {
        const struct json *body = NULL;
        struct sf_call call = {.path = path, .object = f->object};
        if (sf_read(f->sf, &call, f->arena, &body, err) != OK)
            return FAIL;
        json_each(view, json_get(body, "listviews")) {
            if (json_get_text(view, "developerName"))
                vec_push(&f->names, json_get_text(view, "developerName"));
            if (!*out && is_meant(f, view))
                *out = view;
        }
        path = *out ? NULL : next_page(body);
    }
    return OK;
}

static enum status not_found(struct finding *f, struct err *err)
{
    err_set(err, ERR_NOT_FOUND, "%s has no list view `%s` that the OAuth user can see", f->object,
            f->ref);
    const char *near = text_nearest(f->ref, f->names.at, f->names.len);
    if (near)
        err_hint(err, "did you mean `%s`?", near);
    else
        err_hint(err, "A list view is named by its id, its API name or its label; one that is "
                      "private to somebody else is not seen.");
    return FAIL;
}

/* ------------------------------------------------------------- describing */

static void take_columns(struct arena *arena, const struct json *list, struct crm_list_view *out)
{
    bool has_id = false;
    out->columns = arena_array(arena, list ? list->len + 2 : 2, sizeof *out->columns);
    json_each(column, list) {
        const char *path = json_get_text(column, "fieldNameOrPath");
        bool is_id = text_eq_nocase(path, "Id");
        if (!path || (json_get_bool(column, "hidden", false) && !is_id))
            continue;
        has_id = has_id || is_id;
        out->columns[out->column_count++] = (struct crm_view_column){
            path, json_get_text(column, "label"), json_get_text(column, "type"), path};
    }
    if (!has_id)
        out->columns[out->column_count++] = (struct crm_view_column){"Id", "Id", "id", "Id"};
}

static enum status describe_view(struct sf *sf, struct arena *arena, struct crm_list_view *out,
                                 struct err *err)
{
    const struct json *body = NULL;
    struct sf_call call = {
        .path = arena_printf(arena, "/sobjects/%s/listviews/%s/describe", out->object, out->id),
        .object = out->object};
    if (sf_read(sf, &call, arena, &body, err) != OK)
        return FAIL;
    if (!json_is(json_get(body, "columns"), JSON_ARRAY))
        return err_set(err, ERR_CRM_UNREACHABLE,
                       "Salesforce described the list view with something else");
    take_columns(arena, json_get(body, "columns"), out);
    const char *query = json_get_text(body, "query"), *scope = json_get_text(body, "scope");
    out->soql = out->soql && query;
    out->where = out->soql ? soql_where_of(arena, query) : NULL;
    out->scope = scope && !text_eq_nocase(scope, "everything") ? scope : NULL;
    return OK;
}

enum status sf_list_view(struct crm_session *session, struct arena *arena, const char *object,
                         const char *ref, struct crm_list_view *out, struct err *err)
{
    struct finding f = {.sf = sf_of(session), .arena = arena, .object = object, .ref = ref};
    const struct json *view = NULL;
    *out = (struct crm_list_view){.object = object};
    sf_id(ref, strlen(ref), f.id);
    if (!text_starts(f.id, "00B"))
        f.id[0] = '\0';
    enum status rc = soql_name(object, err);
    if (rc == OK)
        rc = find_view(&f, &view, err);
    if (rc == OK && !view)
        rc = not_found(&f, err);
    if (rc == OK) {
        out->id = sf_id_dup(arena, json_get_text(view, "id"));
        out->name = json_get_text(view, "developerName");
        out->label = json_get_text(view, "label");
        out->soql = json_get_bool(view, "soqlCompatible", false);
        rc = out->id ? describe_view(f.sf, arena, out, err)
                     : err_set(err, ERR_CRM_UNREACHABLE, "Salesforce gave a list view without id");
    }
    vec_free(&f.names);
    return rc == OK ? OK : err_wrap(err, "list view `%s` of %s", ref, object);
}

/* ------------------------------------------------------------------- rows */

struct results {
    int64_t offset;
    char *first; /* id or first cell of the page before, to notice one that repeats */
};

/* Dates come as Java prints them: "Fri Aug 01 21:15:46 GMT 2014". */
static bool java_date(const char *text, int64_t *ms)
{
    static const char *const months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char day[4], month[4], zone[8], iso[40];
    int date, hour, minute, second, year;
    if (sscanf(text, "%3s %3s %2d %2d:%2d:%2d %7s %4d", day, month, &date, &hour, &minute, &second,
               zone, &year) != 8 ||
        (!text_eq(zone, "GMT") && !text_eq(zone, "UTC")))
        return false;
    const char *at = strlen(month) == 3 ? strstr(months, month) : NULL;
    if (!at || (at - months) % 3)
        return false;
    snprintf(iso, sizeof iso, "%04d-%02d-%02dT%02d:%02d:%02dZ", year, (int)(at - months) / 3 + 1,
             date, hour, minute, second);
    return when_parse(iso, ms);
}

static struct value result_cell(const struct json *value, struct arena *arena)
{
    const char *text = json_text(value);
    int64_t ms;
    char iso[32];
    if (!text || !java_date(text, &ms))
        return sf_cell(value, arena);
    when_iso(ms, iso);
    return (struct value){arena_strdup(arena, iso), (uint32_t)strlen(iso)};
}

static void take_result(const struct crm_rows_read *read, const struct json *record,
                        struct arena *arena, struct value *values)
{
    json_each(cell, json_get(record, "columns")) {
        const char *name = json_get_text(cell, "fieldNameOrPath");
        for (size_t i = 0; i < read->column_count; i++)
            if (text_eq_nocase(read->columns[i], name))
                values[i] = result_cell(json_get(cell, "value"), arena);
    }
}

static enum status results_open(struct crm_rows_reader *reader, struct err *err)
{
    reader->own = mem_alloc(sizeof(struct results));
    return soql_name(reader->read.object, err);
}

static void results_close(struct crm_rows_reader *reader)
{
    struct results *own = reader->own;
    if (own)
        free(own->first);
    free(own);
}

static const char *mark_of(const struct json *records, struct arena *arena)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    if (records && records->first)
        jw_value(&w, records->first);
    const char *mark = arena_strdup(arena, buf_text(&text));
    buf_free(&text);
    return mark;
}

static enum status results_next(struct crm_rows_reader *reader, struct arena *arena,
                                struct crm_rows *out, struct err *err)
{
    struct results *own = reader->own;
    const struct crm_rows_read *read = &reader->read;
    const struct json *body = NULL;
    struct sf_call call = {
        .path = arena_printf(arena, "/sobjects/%s/listviews/%s/results?limit=%d&offset=%lld",
                             read->object, read->id, PAGE, (long long)own->offset),
        .object = read->object};
    if (sf_read(reader->sf, &call, arena, &body, err) != OK)
        return FAIL;
    const struct json *records = json_get(body, "records");
    if (!json_is(records, JSON_ARRAY))
        return err_set(err, ERR_CRM_UNREACHABLE, "Salesforce gave something else than rows");
    const char *mark = mark_of(records, arena);
    if (records->len && text_eq(own->first, mark))
        return err_set(err, ERR_CRM_UNREACHABLE, "Salesforce gave the same page of rows twice");
    free(own->first);
    own->first = mem_strdup(mark);
    out->values =
        arena_array(arena, (size_t)records->len * read->column_count + 1, sizeof *out->values);
    json_each(record, records)
        take_result(read, record, arena, out->values + out->count++ * read->column_count);
    own->offset += (int64_t)out->count;
    out->last = out->count == 0 || json_get_bool(body, "done", out->count < PAGE);
    return OK;
}

const struct rows_kind sf_list_view_rows = {
    .open = results_open,
    .next = results_next,
    .close = results_close,
};
