/* report_rows.c - all rows of a report, also beyond the 2,000 that a run gives.
 *
 * First the report is run as it is, or as a plain list when it groups dates by
 * month or the like: a group tells its first day, a row should tell its own. When that does not
 * hold all rows (allData false), it is run again and again as a plain list, sorted by one column
 * and cut into parts by filters on it:
 *
 *     column > or >= the last value seen, sorted by column
 *
 * A part that is complete (allData true) is the last one. Of a part that is not,
 * rows that share its last value may be missing, so they are left to the next
 * part, which begins with that value. When a whole part has one value, that value
 * is read by itself, split by the next column. Rows without a value are read
 * first, by themselves, wherever the sort would put them.
 *
 * What the report itself counts is told first (rows.total): should a sort or a
 * filter not do what was thought, the reader's rows will not add up to it. */
#include "connect/salesforce/views_priv.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LEVELS       4 /* columns one inside the other */
#define MOST_FILTERS 20

/* One column by which rows are cut. */
struct level {
    const struct report_column *column;
    size_t at;      /* its place in the list's columns */
    bool nulls;     /* the part without a value is being read */
    char *from;     /* filter value; NULL = from the start */
    bool inclusive; /* >= from */
};

struct report_reading {
    struct report_shape shape; /* the report's own */
    struct report_shape list;  /* as a plain list, with the columns to cut by */
    size_t *columns; /* of the list, for each wanted column; and whether its id is meant */
    bool *ids;
    bool splitting;
    struct level levels[LEVELS];
    size_t depth; /* levels in use */
    const struct report_column *candidates[LEVELS];
    size_t candidate_count;
};

/* ----------------------------------------------------------------- opening */

static enum status find_wanted(struct report_reading *own, const struct report_shape *shape,
                               const struct crm_rows_reader *reader, struct err *err)
{
    const struct crm_rows_read *read = &reader->read;
    own->columns = arena_array(reader->arena, read->column_count + 1, sizeof *own->columns);
    own->ids = arena_array(reader->arena, read->column_count + 1, sizeof *own->ids);
    for (size_t i = 0; i < read->column_count; i++) {
        const char *name = read->columns[i];
        const struct report_column *column = report_column(shape, name);
        size_t len = strlen(name);
        if (!column && len > 3 && text_eq(name + len - 3, ":id")) {
            column = report_column(shape, arena_strndup(reader->arena, name, len - 3));
            own->ids[i] = true;
        }
        if (!column)
            return err_set(err, ERR_NOT_FOUND, "the report has no column `%s` any more", name);
        own->columns[i] = (size_t)(column - shape->columns);
    }
    return OK;
}

static enum status report_open(struct crm_rows_reader *reader, struct err *err)
{
    struct report_reading *own = arena_alloc(reader->arena, sizeof *own);
    reader->own = own;
    if (report_describe(reader->sf, reader->arena, reader->read.id, &own->shape, err) != OK)
        return FAIL;
    return find_wanted(own, &own->shape, reader, err);
}

static void report_close(struct crm_rows_reader *reader)
{
    struct report_reading *own = reader->own;
    for (size_t i = 0; own && i < LEVELS; i++)
        free(own->levels[i].from);
}

/* -------------------------------------------------------------- candidates */

/* The better one cuts finer: ids never repeat much, texts may. -1 = cannot be sorted by. */
static int fineness(const struct report_column *column)
{
    static const char *const types[] = {"id",     "datetime", "date",    "currency",
                                        "double", "int",      "percent", "string",
                                        "email",  "phone",    "picklist"};
    for (int i = 0; i < (int)(sizeof types / sizeof *types); i++)
        if (text_eq(column->type, types[i]))
            return i;
    return -1;
}

static bool is_candidate(const struct report_reading *own, const char *name)
{
    for (size_t i = 0; i < own->candidate_count; i++)
        if (text_eq(own->candidates[i]->name, name))
            return true;
    return false;
}

static const struct report_column *finest(const struct report_reading *own,
                                          const struct report_column *list, size_t count)
{
    const struct report_column *best = NULL;
    for (size_t i = 0; i < count; i++) {
        int fine = fineness(&list[i]);
        if (fine >= 0 && !is_candidate(own, list[i].name) && (!best || fine < fineness(best)))
            best = &list[i];
    }
    return best;
}

/* An id of the report's type first, shown or not; then the finest of those shown. */
static void choose_candidates(struct report_reading *own)
{
    const struct report_shape *shape = &own->shape;
    const struct report_column *best = finest(own, shape->columns, shape->column_count);
    if (!best || fineness(best) > 0)
        for (size_t i = 0; i < shape->choice_count; i++)
            if (text_eq(shape->choices[i].type, "id")) {
                own->candidates[own->candidate_count++] = &shape->choices[i];
                break;
            }
    while (own->candidate_count < LEVELS) {
        const struct report_column *next = finest(own, shape->columns, shape->column_count);
        if (!next)
            break;
        own->candidates[own->candidate_count++] = next;
    }
}

/* ------------------------------------------------------------- the requests */

static void put_texts(struct jw *w, const char *key, const struct report_column *columns,
                      size_t count)
{
    jw_key(w, key);
    jw_array(w);
    for (size_t i = 0; i < count; i++)
        jw_text(w, columns[i].name);
    jw_end_array(w);
}

static void put_filter(struct jw *w, const char *column, const char *operator, const char * value)
{
    jw_object(w);
    jw_kv_text(w, "column", column);
    jw_kv_text(w, "operator", operator);
    jw_kv_text(w, "value", value);
    jw_end_object(w);
}

/* Filters are lists: a comma inside a value wants quotes around it. */
static const char *filter_value(struct arena *arena, const char *text)
{
    return strchr(text, ',') ? arena_printf(arena, "\"%s\"", text) : text;
}

static size_t put_levels(struct jw *w, struct arena *arena, const struct report_reading *own)
{
    size_t count = 0;
    for (size_t i = 0; i < own->depth; i++) {
        const struct level *level = &own->levels[i];
        bool top = i + 1 == own->depth;
        if (level->nulls || (top && !level->from)) {
            put_filter(w, level->column->name, level->nulls ? "equals" : "notEqual", "");
        } else {
            const char *operator= !top ? "equals"
            : level->inclusive         ? "greaterOrEqual"
                                       : "greaterThan";
            put_filter(w, level->column->name, operator, filter_value(arena, level->from));
        }
        count++;
    }
    return count;
}

static void put_filters(struct jw *w, struct arena *arena, const struct report_reading *own)
{
    const struct json *filters = json_get(own->shape.metadata, "reportFilters");
    const char *logic = json_get_text(own->shape.metadata, "reportBooleanFilter");
    size_t before = filters ? filters->len : 0;
    jw_key(w, "reportFilters");
    jw_array(w);
    json_each(filter, filters) {
        jw_value(w, filter);
    }
    size_t added = put_levels(w, arena, own);
    jw_end_array(w);
    if (!logic || !*logic)
        return;
    struct buf text = BUF_INIT;
    buf_printf(&text, "(%s)", logic);
    for (size_t i = 0; i < added; i++)
        buf_printf(&text, " AND %zu", before + i + 1);
    jw_kv_text(w, "reportBooleanFilter", buf_text(&text));
    buf_free(&text);
}

/* The column to sort by: the innermost one that still runs through values. */
static const char *sort_column(const struct report_reading *own)
{
    const struct level *top = &own->levels[own->depth - 1];
    if (top->nulls && own->depth < own->candidate_count)
        return own->candidates[own->depth]->name;
    return top->column->name;
}

static const char *request(struct arena *arena, const struct report_reading *own)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    jw_key(&w, "reportMetadata");
    jw_object(&w);
    jw_kv_text(&w, "reportFormat", "TABULAR");
    put_texts(&w, "detailColumns", own->list.columns, own->list.column_count);
    put_texts(&w, "groupingsDown", NULL, 0);
    put_texts(&w, "groupingsAcross", NULL, 0);
    jw_key(&w, "aggregates");
    jw_array(&w);
    jw_text(&w, "RowCount");
    jw_end_array(&w);
    jw_key(&w, "sortBy");
    jw_array(&w);
    if (own->depth) {
        jw_object(&w);
        jw_kv_text(&w, "sortColumn", sort_column(own));
        jw_kv_text(&w, "sortOrder", "Asc");
        jw_end_object(&w);
    }
    jw_end_array(&w);
    put_filters(&w, arena, own);
    jw_end_object(&w);
    jw_end_object(&w);
    const char *body = arena_strndup(arena, buf_text(&text), text.len);
    buf_free(&text);
    return body;
}

/* ---------------------------------------------------------------- splitting */

static enum status cannot_split(const struct report_reading *own, const char *why, struct err *err)
{
    err_set(err, "report.cannot_split",
            "report \"%s\" has more than the 2,000 rows that one run gives, and %s",
            own->shape.name, why);
    err_hint(err, "Add the record's id as a column, or import the object or a query instead.");
    return FAIL;
}

static void push_level(struct report_reading *own)
{
    const struct report_column *column = own->candidates[own->depth];
    struct level *level = &own->levels[own->depth++];
    free(level->from);
    *level = (struct level){.column = column};
    level->at = (size_t)(report_column(&own->list, column->name) - own->list.columns);
    level->nulls = !text_eq(column->type, "id"); /* an id is never missing */
}

/* The report as a list: its columns and those that rows are cut by. */
static void make_list(struct report_reading *own, struct arena *arena)
{
    const struct report_shape *shape = &own->shape;
    own->list = *shape;
    own->list.grouping_count = 0;
    own->list.columns = arena_array(arena, shape->column_count + LEVELS, sizeof *own->list.columns);
    for (size_t i = 0; i < shape->column_count; i++)
        own->list.columns[i] = shape->columns[i];
    for (size_t i = 0; i < own->candidate_count; i++)
        if (!report_column(&own->list, own->candidates[i]->name))
            own->list.columns[own->list.column_count++] = *own->candidates[i];
}

static enum status begin_split(struct report_reading *own, struct err *err)
{
    const struct json *filters = json_get(own->shape.metadata, "reportFilters");
    const struct json *top = json_get(own->shape.metadata, "topRows");
    if (json_is(top, JSON_OBJECT))
        return cannot_split(own, "a row limit of its own, which every part would have again", err);
    if (!own->candidate_count)
        return cannot_split(own, "no column to sort and cut it by", err);
    if (filters && filters->len + LEVELS > MOST_FILTERS)
        return cannot_split(own, "too many filters to add those that would cut it", err);
    own->splitting = true;
    push_level(own);
    return OK;
}

static const struct report_cell *cell_at(const struct report_reading *own,
                                         const struct report_run *run, size_t row, size_t column)
{
    return &run->cells[row * own->list.column_count + column];
}

/* A cell as a filter names it. */
static const char *value_text(const struct report_reading *own, const struct level *level,
                              const struct report_run *run, size_t row, struct arena *arena)
{
    struct value v = report_value(level->column, cell_at(own, run, row, level->at), false, arena);
    return v.text ? arena_strndup(arena, v.text, v.len) : "";
}

/* The part is through: on to the next one. */
static void finish_part(struct report_reading *own)
{
    while (own->depth) {
        struct level *top = &own->levels[own->depth - 1];
        if (top->nulls) {
            top->nulls = false;
            return;
        }
        own->depth--;
        if (!own->depth)
            return;
        struct level *parent = &own->levels[own->depth - 1];
        if (parent->nulls)
            continue; /* its missing values are through, too */
        parent->inclusive = false;
        return;
    }
}

/* A part that was cut off: how many of its rows are surely whole, and where to go on. */
static enum status cut_part(struct report_reading *own, const struct report_run *run,
                            struct arena *arena, size_t *whole, struct err *err)
{
    struct level *top = &own->levels[own->depth - 1];
    *whole = 0;
    if (!run->count)
        return cannot_split(own, "a run without rows that says there are more", err);
    if (!top->nulls) {
        const char *last = value_text(own, top, run, run->count - 1, arena);
        while (*whole < run->count &&
               strcasecmp(value_text(own, top, run, *whole, arena), last) != 0)
            ++*whole;
        bool moved = *whole > 0;
        free(top->from);
        top->from = mem_strdup(last);
        top->inclusive = true;
        if (moved)
            return OK;
    }
    if (own->depth == own->candidate_count)
        return cannot_split(
            own, arena_printf(arena, "more than 2,000 rows with the same `%s`", top->column->label),
            err);
    push_level(own);
    return OK;
}

/* ------------------------------------------------------------------- pages */

static void take_rows(struct crm_rows_reader *reader, const struct report_shape *shape,
                      const struct report_run *run, size_t count, struct arena *arena,
                      struct crm_rows *out)
{
    struct report_reading *own = reader->own;
    size_t width = reader->read.column_count;
    out->values = arena_array(arena, count * width + 1, sizeof *out->values);
    for (size_t row = 0; row < count; row++)
        for (size_t i = 0; i < width; i++)
            out->values[row * width + i] = report_value(
                &shape->columns[own->columns[i]],
                &run->cells[row * shape->column_count + own->columns[i]], own->ids[i], arena);
    out->count = count;
}

static enum status next_part(struct crm_rows_reader *reader, struct arena *arena,
                             struct crm_rows *out, struct err *err)
{
    struct report_reading *own = reader->own;
    struct report_run run;
    size_t whole;
    if (report_execute(reader->sf, arena, &own->list, request(arena, own), &run, err) != OK)
        return FAIL;
    whole = run.count;
    if (run.all)
        finish_part(own);
    else if (cut_part(own, &run, arena, &whole, err) != OK)
        return FAIL;
    take_rows(reader, &own->list, &run, whole, arena, out);
    out->last = own->depth == 0;
    return OK;
}

/* A report that does not show how many rows it has is asked for that alone. */
static enum status count_rows(struct crm_rows_reader *reader, struct arena *arena, int64_t *total,
                              struct err *err)
{
    struct report_reading *own = reader->own;
    struct report_run run;
    size_t depth = own->depth;
    own->depth = 0;
    const char *body = request(arena, own);
    own->depth = depth;
    if (report_execute(reader->sf, arena, &own->list, body, &run, err) != OK)
        return FAIL;
    *total = run.total;
    return OK;
}

static bool groups_by_span(const struct report_shape *shape)
{
    static const char *const ways[] = {"groupingsDown", "groupingsAcross"};
    for (size_t i = 0; i < 2; i++)
        json_each(group, json_get(shape->metadata, ways[i])) {
            const char *span = json_get_text(group, "dateGranularity");
            if (span && !text_eq_nocase(span, "None") && !text_eq_nocase(span, "Day"))
                return true;
        }
    return false;
}

static enum status report_next(struct crm_rows_reader *reader, struct arena *arena,
                               struct crm_rows *out, struct err *err)
{
    struct report_reading *own = reader->own;
    struct report_run run;
    if (own->splitting)
        return next_part(reader, arena, out, err);
    choose_candidates(own);
    make_list(own, reader->arena);
    bool as_list = groups_by_span(&own->shape);
    const struct report_shape *shape = as_list ? &own->list : &own->shape;
    if (report_execute(reader->sf, arena, shape, as_list ? request(arena, own) : NULL, &run, err) !=
        OK)
        return FAIL;
    out->total = run.total;
    if (run.all) {
        take_rows(reader, shape, &run, run.count, arena, out);
        return OK;
    }
    out->last = false;
    if (begin_split(own, err) != OK)
        return FAIL;
    return run.total < 0 ? count_rows(reader, arena, &out->total, err) : OK;
}

const struct rows_kind sf_report_rows = {
    .open = report_open,
    .next = report_next,
    .close = report_close,
};
