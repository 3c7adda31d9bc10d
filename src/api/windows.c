/* windows.c - a table as people look at it: a window by any sort and filter, how
 * many rows pass, the views that are kept.
 *
 * A window begins at a row number, or behind the anchor of an earlier one; the
 * second costs the same anywhere. With a filter a row number is found by walking
 * from the start, so pages ask by anchor where they can. A sort is quick once its
 * index is there: ask for it (POST .../sorts) before people scroll. */
#include "api/rows_priv.h"

#include "base/str.h"
#include "engine/filter.h"
#include "store/store_views.h"

#define WINDOW_MOST 1000
#define COUNT_STEP  200000 /* rows that one request looks at */

#define LOOK_FIELDS                                                                                \
    {"view", F_TEXT, 0, "a kept view's filter and sort", .min = 1, .max = 200},                    \
    {"filter", F_TEXT, 0, "JSON, or the short text of one test; beside the view's",                \
     .min = 1, .max = 6000},                                                                       \
    {"search", F_TEXT, 0, "the text occurs in any column", .min = 1, .max = 400}

const struct field window_query[] = {
    LOOK_FIELDS,
    {"sort", F_TEXT, 0, "\"Industry, -Employees\", or JSON; in place of the view's", .min = 1, .max = 2000},
    {"columns", F_TEXT, 0, "column ids by comma; without it all, in order", .min = 0, .max = 4000},
    {"at", F_INT, 0, "begin with this row number, from 0", .min = 0, .max = 1000000000000},
    {"behind", F_TEXT, 0, "begin behind this anchor: `last` of an earlier window", .min = 1, .max = 4000},
    {"limit", F_INT, 0, "rows at most (200)", .min = 1, .max = WINDOW_MOST},
    {0},
};
static const struct field window_fields[] = {
    {"columns", F_LIST, F_REQUIRED, "column ids, as the cells are ordered", .item = F_INT},
    {"rows", F_LIST, F_REQUIRED, "in the order of the sort", .of = &window_row_shape},
    {"at", F_INT, F_REQUIRED | F_NULL, "row number of the first row; null = not known"},
    {"at_error", F_INT, F_REQUIRED, "it may be off by so many; 0 = exact"},
    {"last", F_TEXT, F_REQUIRED | F_NULL, "anchor of the last row; null when there is none"},
    {"total", F_INT, F_REQUIRED | F_NULL, "rows in all; null = not known: GET .../count"},
    {"indexed", F_BOOL, F_REQUIRED, "false: every window of this sort looks at every row; POST .../sorts"},
    {0},
};
const struct shape window_shape = {"SortedWindow", "Some rows of a table by sort and filter.", window_fields};

const struct field count_query[] = {
    LOOK_FIELDS,
    {"behind", F_TEXT, 0, "go on where the count before stopped: its `next`", .min = 1, .max = 4000},
    {0},
};
static const struct field count_fields[] = {
    {"count", F_INT, F_REQUIRED, "rows that pass, among those looked at"},
    {"next", F_TEXT, F_REQUIRED | F_NULL, "ask with behind = next and add; null = the end"},
    {0},
};
const struct shape count_shape = {"RowCount", NULL, count_fields};

static const struct field sort_body_fields[] = {
    {"sort", F_TEXT, F_REQUIRED, "as in a window", .min = 1, .max = 2000},
    {0},
};
const struct shape sort_body = {"SortOrder", NULL, sort_body_fields};
static const struct field sort_made_fields[] = {
    {"made", F_BOOL, F_REQUIRED, "false: it was there"},
    {0},
};
const struct shape sort_made_shape = {"SortMade", NULL, sort_made_fields};

static const struct field view_fields[] = {
    {"name", F_TEXT, F_REQUIRED, "unique in its table"},
    {"config", F_ANY, F_REQUIRED | F_NULL, "filter, sorts, hidden: columns by name"},
    {"changed", F_TIME, F_REQUIRED | F_NULL, NULL},
    {"problem", F_TEXT, F_REQUIRED | F_NULL, "why it cannot be used: a column is gone"},
    {0},
};
static const struct shape view_shape = {"View", NULL, view_fields};
static const struct field view_list_fields[] = {
    {"views", F_LIST, F_REQUIRED, "in order", .of = &view_shape},
    {0},
};
const struct shape view_list_shape = {"Views", NULL, view_list_fields};
static const struct field view_body_fields[] = {
    {"config", F_OBJECT, F_REQUIRED, "filter, sorts, hidden (docs/reference/filters.md)"},
    {0},
};
const struct shape view_body = {"ViewChange", NULL, view_body_fields};

/* ------------------------------------------------------------- how to look */

static enum status take_view(struct call *call, const struct table *table, struct look *look, struct err *err)
{
    const char *name = call_query(call, "view");
    struct view *views;
    size_t count;
    if (!name)
        return OK;
    if (call->store->does->views->list(call->store, call->arena, table->id, &views, &count, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++)
        if (text_eq_nocase(views[i].name, name))
            return look_read(call->arena, table, views[i].config, look, err);
    return err_set(err, ERR_NOT_FOUND, "table \"%s\" has no view \"%s\"", table->name, name);
}

static const char *search_json(struct arena *arena, const char *text)
{
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    jw_object(&w);
    jw_kv_text(&w, "search", text);
    jw_end_object(&w);
    const char *json = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return json;
}

/* The view's own filter, `filter` and `search`: all of them must pass. */
static enum status take_filters(struct call *call, const struct table *table, struct look *look, struct err *err)
{
    const char *filter = call_query(call, "filter"), *search = call_query(call, "search");
    const char *texts[] = {filter, search ? search_json(call->arena, search) : NULL};
    struct filter *all = arena_alloc(call->arena, sizeof *all);
    *all = (struct filter){.kind = FILTER_ALL};
    all->kids = arena_array(call->arena, 3, sizeof *all->kids);
    if (look->filter)
        all->kids[all->kid_count++] = *look->filter;
    for (size_t i = 0; i < 2; i++)
        if (texts[i] &&
            filter_read_text(call->arena, table, texts[i], &all->kids[all->kid_count++], err) != OK)
            return FAIL;
    look->filter = all->kid_count ? all : NULL;
    return OK;
}

static enum status take_look(struct call *call, const struct table *table, struct look *look, struct err *err)
{
    *look = (struct look){0};
    if (take_view(call, table, look, err) != OK)
        return FAIL;
    return take_filters(call, table, look, err);
}

/* ------------------------------------------------------------------ window */

static void write_window(struct row_window *win, const struct window *found)
{
    struct jw *w = &win->call->w;
    jw_object(w);
    row_window_write(win);
    if (found->index >= 0)
        jw_kv_int(w, "at", found->index);
    else
        jw_kv_null(w, "at");
    jw_kv_int(w, "at_error", found->index_error);
    jw_kv_text(w, "last", found->count ? found->last : NULL);
    if (found->total >= 0)
        jw_kv_int(w, "total", found->total);
    else
        jw_kv_null(w, "total");
    jw_kv_bool(w, "indexed", found->indexed);
    jw_end_object(w);
}

static enum status find_window(struct row_window *win, const struct look *look, struct window *found,
                               struct err *err)
{
    struct call *call = win->call;
    const char *behind = call_query(call, "behind");
    int64_t at = call_query_int(call, "at", 0);
    struct window_query query = {.table_id = win->table.id,
                                 .sorts = look->sorts,
                                 .sort_count = look->sort_count,
                                 .filter = look->filter,
                                 .slots = row_window_slots(win),
                                 .slot_count = win->column_count,
                                 .from = behind ? WINDOW_AFTER : at ? WINDOW_INDEX : WINDOW_START,
                                 .index = at,
                                 .anchor = behind,
                                 .limit = (size_t)call_query_int(call, "limit", 200)};
    return call->store->does->views->window(call->store, call->arena, &query, found, err);
}

enum status api_window(struct call *call, struct err *err)
{
    struct row_window win = {.call = call};
    struct look look;
    struct window found;
    const char *sort = call_query(call, "sort");
    if (call_table(call, &win.table, err) != OK || row_window_columns(&win, err) != OK ||
        take_look(call, &win.table, &look, err) != OK)
        return FAIL;
    if (sort && sorts_read_text(call->arena, &win.table, sort, &look.sorts, &look.sort_count, err) != OK)
        return FAIL;
    if (find_window(&win, &look, &found, err) != OK)
        return FAIL;
    win.rows = found.rows;
    win.row_count = found.count;
    if (row_window_cells(&win, err) != OK)
        return FAIL;
    write_window(&win, &found);
    return OK;
}

/* ------------------------------------------------------------------- count */

enum status api_row_count(struct call *call, struct err *err)
{
    struct table table;
    struct look look;
    const char *behind = call_query(call, "behind"), *next = NULL;
    int64_t count = 0;
    if (call_table(call, &table, err) != OK || take_look(call, &table, &look, err) != OK)
        return FAIL;
    struct window_query query = {.table_id = table.id,
                                 .filter = look.filter,
                                 .from = behind ? WINDOW_AFTER : WINDOW_START,
                                 .anchor = behind,
                                 .look_at = COUNT_STEP};
    if (!look.filter)
        count = table.row_count;
    else if (call->store->does->views->count(call->store, call->arena, &query, &count, &next, err) != OK)
        return FAIL;
    jw_object(&call->w);
    jw_kv_int(&call->w, "count", count);
    jw_kv_text(&call->w, "next", next);
    jw_end_object(&call->w);
    return OK;
}

enum status api_sort_make(struct call *call, struct err *err)
{
    struct table table;
    struct sort *sorts;
    size_t count;
    bool made = false;
    if (call_table(call, &table, err) != OK ||
        sorts_read_text(call->arena, &table, json_get_text(call->body, "sort"), &sorts, &count, err) != OK ||
        call->store->does->views->index_make(call->store, table.id, sorts, count, &made, err) != OK)
        return FAIL;
    jw_object(&call->w);
    jw_kv_bool(&call->w, "made", made);
    jw_end_object(&call->w);
    return OK;
}

/* ------------------------------------------------------------------- views */

static void write_view(struct call *call, const struct table *table, const struct view *view)
{
    struct jw *w = &call->w;
    struct look look;
    struct err problem = {0};
    bool fine = look_read(call->arena, table, view->config, &look, &problem) == OK;
    jw_object(w);
    jw_kv_text(w, "name", view->name);
    jw_kv_json(w, "config", fine ? look_write(call->arena, table, &look, true) : NULL);
    jw_kv_time(w, "changed", view->changed_ms);
    jw_kv_text(w, "problem", fine ? NULL : problem.message);
    jw_end_object(w);
}

enum status api_view_list(struct call *call, struct err *err)
{
    struct table table;
    struct view *views;
    size_t count;
    if (call_table(call, &table, err) != OK ||
        call->store->does->views->list(call->store, call->arena, table.id, &views, &count, err) != OK)
        return FAIL;
    jw_object(&call->w);
    jw_key(&call->w, "views");
    jw_array(&call->w);
    for (size_t i = 0; i < count; i++)
        write_view(call, &table, &views[i]);
    jw_end_array(&call->w);
    jw_end_object(&call->w);
    return OK;
}

/* Read and written again, so that what is kept has ids. */
enum status api_view_put(struct call *call, struct err *err)
{
    struct table table;
    struct look look;
    struct buf text = BUF_INIT;
    struct jw w;
    if (call_table(call, &table, err) != OK)
        return FAIL;
    jw_init(&w, &text);
    jw_value(&w, json_get(call->body, "config"));
    enum status rc = look_read(call->arena, &table, buf_text(&text), &look, err);
    buf_free(&text);
    struct view view = {.table_id = table.id, .name = call->values[1]};
    if (rc != OK)
        return FAIL;
    view.config = look_write(call->arena, &table, &look, false);
    if (call->store->does->views->put(call->store, &view, err) != OK)
        return FAIL;
    return api_view_list(call, err);
}

enum status api_view_forget(struct call *call, struct err *err)
{
    struct table table;
    if (call_table(call, &table, err) != OK)
        return FAIL;
    return call->store->does->views->forget(call->store, table.id, call->values[1], err);
}
