/* rows.c - rows and cells: a window of a table, one row, one cell with what it
 * was made from.
 *
 * A cell in a window is its text, or null, when its state is plain (ok or empty);
 * else an object with "v" (text or null), "s" (state), "m" (why) and "op" (the
 * operation it belongs to). Long texts are cut at CUT bytes and say so with "len".
 * Values are texts as stored: numbers keep their digits, JSON columns hold JSON. */
#include "api/rows_priv.h"

#include "base/str.h"
#include "engine/columns/column_kind.h"
#include "store/store_costs.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW_MAX 1000
#define CUT        4096
#define IDS_MAX    1000

const struct field row_list_query[] = {
    {"columns", F_TEXT, 0, "column ids by comma; without it all, in order", .min = 0, .max = 4000},
    {"after", F_INT, 0, "rows after this row id"},
    {"ids", F_TEXT, 0, "exactly these row ids, by comma; for what an event named", .min = 1, .max = 8000},
    {"limit", F_INT, 0, "rows at most (200)", .min = 1, .max = WINDOW_MAX},
    {"whole", F_BOOL, 0, "long texts are not cut"},
    {0},
};

static const struct field row_fields[] = {
    {"id", F_INT, F_REQUIRED, "for life"},
    {"key", F_TEXT, F_REQUIRED | F_NULL, "the record's Id, or what the source is unique by"},
    {"cells", F_LIST, F_REQUIRED, "in the order of columns: text, null, or an object when the "
                                  "state is not plain or the text was cut", .item = F_ANY},
    {"deleted", F_BOOL, 0, "the source does not have it any more"},
    {0},
};
const struct shape window_row_shape = {"WindowRow", NULL, row_fields};
static const struct field row_list_fields[] = {
    {"columns", F_LIST, F_REQUIRED, "column ids, as the cells are ordered", .item = F_INT},
    {"rows", F_LIST, F_REQUIRED, "by row id", .of = &window_row_shape},
    {"next", F_INT, F_REQUIRED | F_NULL, "ask with after = next for more; null = the end"},
    {"total", F_INT, F_REQUIRED, "live rows of the table"},
    {0},
};
const struct shape row_list_shape = {"Window", "Some rows of a table.", row_list_fields};

static const struct field full_cell_fields[] = {
    {"column_id", F_INT, F_REQUIRED, NULL},
    {"value", F_TEXT, F_REQUIRED | F_NULL, "the whole text"},
    {"state", F_TEXT, F_REQUIRED, "\"ok\", \"due\", \"refused\", ..."},
    {"code", F_TEXT, F_REQUIRED | F_NULL, "stable code of an error or refusal"},
    {"message", F_TEXT, F_REQUIRED | F_NULL, "why, for people"},
    {"operation_id", F_INT, F_REQUIRED | F_NULL, "in the journal"},
    {"attempt", F_INT, F_REQUIRED, NULL},
    {"not_before", F_TIME, F_REQUIRED | F_NULL, "a retry's next try"},
    {"changed", F_TIME, F_REQUIRED | F_NULL, "the state, when it is not plain"},
    {0},
};
static const struct shape full_cell_shape = {"Cell", NULL, full_cell_fields};
static const struct field full_row_fields[] = {
    {"id", F_INT, F_REQUIRED, NULL},
    {"key", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"deleted", F_BOOL, F_REQUIRED, NULL},
    {"cells", F_LIST, F_REQUIRED, "of every column", .of = &full_cell_shape},
    {0},
};
const struct shape row_shape = {"Row", "One row, uncut.", full_row_fields};

static const struct field cost_fields[] = {
    {"run_id", F_INT, F_REQUIRED, "the run that computed it"},
    {"at", F_TIME, F_REQUIRED, NULL},
    {"duration_ms", F_NUMBER, F_REQUIRED, "its own exchange, or its share of what its batch took"},
    {"calls", F_NUMBER, F_REQUIRED, "API calls and requests; a share where rows travelled together"},
    {"attempts", F_INT, F_REQUIRED, "the last one included"},
    {0},
};
static const struct shape cost_shape = {"CellCost", "What the last computing of a cell cost.", cost_fields};
static const struct field cell_detail_fields[] = {
    {"cell", F_OBJECT, F_REQUIRED, NULL, .of = &full_cell_shape},
    {"inputs", F_LIST, F_REQUIRED, "cells of the columns it reads", .of = &full_cell_shape},
    {"operation", F_OBJECT, F_REQUIRED | F_NULL, "the newest of this cell", .of = &operation_shape},
    {"cost", F_OBJECT, F_REQUIRED | F_NULL, "of columns that ask somebody", .of = &cost_shape},
    {0},
};
const struct shape cell_shape = {"CellDetails", "A cell, what it was made from, what it wrote.",
                                 cell_detail_fields};

/* ----------------------------------------------------------------- window */

/* "12,7,40" -> numbers. */
static enum status read_ids(struct call *call, const char *name, const char *text, size_t most,
                            int64_t **out, size_t *count, struct err *err)
{
    *count = 0;
    *out = arena_array(call->arena, strlen(text) / 2 + 2, sizeof **out);
    while (*text) {
        size_t len = strcspn(text, ",");
        if (!len || len > 18 || strspn(text, "0123456789") != len || *count == most)
            goto bad;
        (*out)[(*count)++] = strtoll(text, NULL, 10);
        text += len;
        if (*text == ',' && !*++text)
            goto bad;
    }
    return OK;
bad:
    err_set(err, ERR_REQUEST, "`%s` must be numbers with commas between them, at most %zu", name,
            most);
    err_where(err, "%s", name);
    return FAIL;
}

enum status row_window_columns(struct row_window *win, struct err *err)
{
    struct call *call = win->call;
    const char *text = call_query(call, "columns");
    int64_t *ids = NULL;
    size_t count = win->table.column_count;
    if (text && read_ids(call, "columns", text, 2000, &ids, &count, err) != OK)
        return FAIL;
    win->columns = arena_array(call->arena, count + 1, sizeof *win->columns);
    for (size_t i = 0; i < count; i++) {
        win->columns[i] = text ? table_column_by_id(&win->table, ids[i]) : &win->table.columns[i];
        if (!win->columns[i])
            return err_set(err, ERR_NOT_FOUND, "table \"%s\" has no column %lld", win->table.name,
                           (long long)ids[i]);
    }
    win->column_count = count;
    return OK;
}

int *row_window_slots(const struct row_window *win)
{
    int *slots = arena_array(win->call->arena, win->column_count + 1, sizeof *slots);
    for (size_t i = 0; i < win->column_count; i++)
        slots[i] = win->columns[i]->slot;
    return slots;
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static enum status read_rows(struct row_window *win, size_t limit, struct err *err)
{
    struct call *call = win->call;
    const char *ids = call_query(call, "ids");
    struct row_query query = {.table_id = win->table.id,
                              .slots = row_window_slots(win),
                              .slot_count = win->column_count,
                              .after = call_query_int(call, "after", 0),
                              .limit = limit + 1}; /* one more tells whether there is more */
    int64_t *wanted;
    if (ids) {
        if (read_ids(call, "ids", ids, IDS_MAX, &wanted, &query.id_count, err) != OK)
            return FAIL;
        qsort(wanted, query.id_count, sizeof *wanted, by_number);
        query.ids = wanted;
        query.deleted_too = true;
    }
    return call->store->does->rows(call->store, call->arena, &query, &win->rows, &win->row_count,
                                   err);
}

enum status row_window_cells(struct row_window *win, struct err *err)
{
    struct call *call = win->call;
    int64_t *ids = arena_array(call->arena, win->row_count + 1, sizeof *ids);
    for (size_t i = 0; i < win->row_count; i++)
        ids[i] = win->rows[i].id;
    win->cells = arena_array(call->arena, win->column_count + 1, sizeof *win->cells);
    for (size_t c = 0; c < win->column_count; c++) {
        if (!column_is_computed(win->columns[c]))
            continue;
        win->cells[c] = arena_array(call->arena, win->row_count + 1, sizeof *win->cells[c]);
        if (call->store->does->cells(call->store, call->arena, win->table.id, win->columns[c]->id,
                                     ids, win->row_count, win->cells[c], err) != OK)
            return FAIL;
    }
    return OK;
}

static void write_value(struct jw *w, struct value value)
{
    if (value.text)
        jw_text_n(w, value.text, value.len);
    else
        jw_null(w);
}

static void write_cell(struct jw *w, struct value value, const struct cell *cell, bool whole)
{
    bool plain = !cell || cell->state == CELL_OK || cell->state == CELL_EMPTY;
    bool cut = !whole && value.text && value.len > CUT;
    if (plain && !cut) {
        write_value(w, value);
        return;
    }
    jw_object(w);
    jw_key(w, "v");
    if (cut)
        jw_text_n(w, value.text, utf8_cut(value.text, value.len, CUT));
    else
        write_value(w, value);
    if (cut)
        jw_kv_int(w, "len", value.len);
    if (!plain) {
        jw_kv_text(w, "s", cell_state_name(cell->state));
        if (cell->message)
            jw_kv_text(w, "m", cell->message);
        if (cell->op_id)
            jw_kv_int(w, "op", cell->op_id);
    }
    jw_end_object(w);
}

static void write_row(struct row_window *win, size_t at)
{
    struct jw *w = &win->call->w;
    const struct row *row = &win->rows[at];
    jw_object(w);
    jw_kv_int(w, "id", row->id);
    jw_kv_text(w, "key", row->key);
    jw_key(w, "cells");
    jw_array(w);
    for (size_t c = 0; c < win->column_count; c++)
        write_cell(w, row->values[c], win->cells[c] ? &win->cells[c][at] : NULL, win->whole);
    jw_end_array(w);
    if (row->deleted)
        jw_kv_bool(w, "deleted", true);
    jw_end_object(w);
}

void row_window_write(struct row_window *win)
{
    struct jw *w = &win->call->w;
    jw_key(w, "columns");
    jw_array(w);
    for (size_t i = 0; i < win->column_count; i++)
        jw_int(w, win->columns[i]->id);
    jw_end_array(w);
    jw_key(w, "rows");
    jw_array(w);
    for (size_t i = 0; i < win->row_count; i++)
        write_row(win, i);
    jw_end_array(w);
}

static void write_window(struct row_window *win, bool more)
{
    struct jw *w = &win->call->w;
    jw_object(w);
    row_window_write(win);
    jw_kv_next(w, more ? win->rows[win->row_count - 1].id : 0);
    jw_kv_int(w, "total", win->table.row_count);
    jw_end_object(w);
}

enum status api_row_list(struct call *call, struct err *err)
{
    struct row_window win = {.call = call, .whole = call_query_bool(call, "whole", false)};
    size_t limit = (size_t)call_query_int(call, "limit", 200);
    if (call_table(call, &win.table, err) != OK || row_window_columns(&win, err) != OK ||
        read_rows(&win, limit, err) != OK)
        return FAIL;
    bool more = !call_query(call, "ids") && win.row_count > limit;
    if (more)
        win.row_count = limit;
    if (row_window_cells(&win, err) != OK)
        return FAIL;
    write_window(&win, more);
    return OK;
}

/* ---------------------------------------------------------- row and cell */

/* One row with every column, or ERR_NOT_FOUND. */
static enum status read_row(struct row_window *win, struct err *err)
{
    struct call *call = win->call;
    int64_t id;
    if (call_table(call, &win->table, err) != OK || call_id(call, 1, &id, err) != OK ||
        row_window_columns(win, err) != OK)
        return FAIL;
    struct row_query query = {.table_id = win->table.id,
                              .slots = row_window_slots(win),
                              .slot_count = win->column_count,
                              .ids = &id,
                              .id_count = 1,
                              .deleted_too = true};
    if (call->store->does->rows(call->store, call->arena, &query, &win->rows, &win->row_count,
                                err) != OK)
        return FAIL;
    if (!win->row_count)
        return err_set(err, ERR_NOT_FOUND, "table \"%s\" has no row %lld", win->table.name,
                       (long long)id);
    return row_window_cells(win, err);
}

static void write_full_cell(struct row_window *win, size_t c)
{
    struct jw *w = &win->call->w;
    struct value value = win->rows[0].values[c];
    struct cell plain = {.state = value.text ? CELL_OK : CELL_EMPTY};
    const struct cell *cell = win->cells[c] ? &win->cells[c][0] : &plain;
    jw_object(w);
    jw_kv_int(w, "column_id", win->columns[c]->id);
    jw_key(w, "value");
    write_value(w, value);
    jw_kv_text(w, "state", cell_state_name(cell->state));
    jw_kv_text(w, "code", cell->code);
    jw_kv_text(w, "message", cell->message);
    if (cell->op_id)
        jw_kv_int(w, "operation_id", cell->op_id);
    else
        jw_kv_null(w, "operation_id");
    jw_kv_int(w, "attempt", cell->attempt);
    jw_kv_time(w, "not_before", cell->not_before_ms);
    jw_kv_time(w, "changed", cell->changed_ms);
    jw_end_object(w);
}

enum status api_row_show(struct call *call, struct err *err)
{
    struct row_window win = {.call = call};
    struct jw *w = &call->w;
    if (read_row(&win, err) != OK)
        return FAIL;
    jw_object(w);
    jw_kv_int(w, "id", win.rows[0].id);
    jw_kv_text(w, "key", win.rows[0].key);
    jw_kv_bool(w, "deleted", win.rows[0].deleted);
    jw_key(w, "cells");
    jw_array(w);
    for (size_t c = 0; c < win.column_count; c++)
        write_full_cell(&win, c);
    jw_end_array(w);
    jw_end_object(w);
    return OK;
}

static void write_inputs(struct row_window *win, const struct column *column)
{
    struct jw *w = &win->call->w;
    jw_key(w, "inputs");
    jw_array(w);
    for (size_t d = 0; d < column->depend_count; d++)
        for (size_t c = 0; c < win->column_count; c++)
            if (win->columns[c]->id == column->depends[d])
                write_full_cell(win, c);
    jw_end_array(w);
}

static void write_cost(struct jw *w, const struct cell_cost *cost)
{
    jw_key(w, "cost");
    if (!cost->run_id) {
        jw_null(w);
        return;
    }
    jw_object(w);
    jw_kv_int(w, "run_id", cost->run_id);
    jw_kv_time(w, "at", cost->at_ms);
    jw_key(w, "duration_ms");
    jw_double(w, (double)cost->took_us / 1000);
    jw_key(w, "calls");
    jw_double(w, (double)cost->calls_milli / 1000);
    jw_kv_int(w, "attempts", cost->attempts);
    jw_end_object(w);
}

enum status api_cell_show(struct call *call, struct err *err)
{
    struct row_window win = {.call = call};
    struct op op = {0};
    struct cell_cost cost;
    struct jw *w = &call->w;
    int64_t column_id;
    size_t at = 0;
    if (read_row(&win, err) != OK || call_id(call, 2, &column_id, err) != OK)
        return FAIL;
    while (at < win.column_count && win.columns[at]->id != column_id)
        at++;
    if (at == win.column_count)
        return err_set(err, ERR_NOT_FOUND, "table \"%s\" has no column %lld", win.table.name,
                       (long long)column_id);
    if (call->store->does->ops_last(call->store, call->arena, win.table.id, column_id,
                                    &win.rows[0].id, 1, &op, err) != OK ||
        call->store->does->costs->get(call->store, win.table.id, column_id, win.rows[0].id, &cost,
                                      err) != OK)
        return FAIL;
    jw_object(w);
    jw_key(w, "cell");
    write_full_cell(&win, at);
    write_inputs(&win, win.columns[at]);
    jw_key(w, "operation");
    if (op.id)
        operation_write(w, &op);
    else
        jw_null(w);
    write_cost(w, &cost);
    jw_end_object(w);
    return OK;
}
