/* edits.c - what people type into cells, one or a pasted block, and its history. */
#include "api/nouns.h"

#include "engine/edit.h"
#include "store/store_edits.h"

#include <string.h>

#define CELLS_MOST   20000
#define HISTORY_MOST 200

static const struct field typed_fields[] = {
    {"row_id", F_INT, F_REQUIRED, NULL},
    {"column_id", F_INT, F_REQUIRED, NULL},
    {"value", F_TEXT, F_REQUIRED | F_NULL, "as typed; null or \"\" empties the cell", .min = 0, .max = 1024 * 1024},
    {"seen", F_TEXT, F_NULL, "what the cell showed when typing began: else nobody is told of a crossing", .min = 0, .max = 1024 * 1024},
    {0},
};
static const struct shape typed_shape = {"TypedCell", NULL, typed_fields};
static const struct field body_fields[] = {
    {"cells", F_LIST, F_REQUIRED, "of columns of the kind input", .of = &typed_shape, .max = CELLS_MOST},
    {"leave_unfit", F_BOOL, 0, "leave out what does not fit its column; else nothing is stored when something does not"},
    {"dry_run", F_BOOL, 0, "only say what does not fit"},
    {0},
};
const struct shape cells_body = {"CellEdits", NULL, body_fields};

static const struct field unfit_fields[] = {
    {"row_id", F_INT, F_REQUIRED, NULL},
    {"column_id", F_INT, F_REQUIRED, NULL},
    {"message", F_TEXT, F_REQUIRED, NULL},
    {0},
};
static const struct shape unfit_shape = {"UnfitCell", NULL, unfit_fields};
static const struct field crossed_fields[] = {
    {"row_id", F_INT, F_REQUIRED, NULL},
    {"column_id", F_INT, F_REQUIRED, NULL},
    {"value", F_TEXT, F_REQUIRED | F_NULL, "what was overwritten"},
    {"who", F_TEXT, F_REQUIRED | F_NULL, "who had typed it"},
    {"at", F_TIME, F_REQUIRED | F_NULL, NULL},
    {0},
};
static const struct shape crossed_shape = {"CrossedCell", "Somebody else's value that was there meanwhile.", crossed_fields};
static const struct field result_fields[] = {
    {"saved", F_INT, F_REQUIRED, NULL},
    {"same", F_INT, F_REQUIRED, "held that already"},
    {"unfit", F_LIST, F_REQUIRED, NULL, .of = &unfit_shape},
    {"crossed", F_LIST, F_REQUIRED, NULL, .of = &crossed_shape},
    {0},
};
const struct shape cells_result_shape = {"CellEditResult", NULL, result_fields};

static const struct field line_fields[] = {
    {"id", F_INT, F_REQUIRED, NULL},
    {"at", F_TIME, F_REQUIRED | F_NULL, NULL},
    {"who", F_TEXT, F_REQUIRED, NULL},
    {"old", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"new", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {0},
};
static const struct shape line_shape = {"CellEdit", NULL, line_fields};
static const struct field history_fields[] = {
    {"edits", F_LIST, F_REQUIRED, "newest first", .of = &line_shape},
    {"more", F_BOOL, F_REQUIRED, "older ones are left out"},
    {0},
};
const struct shape cell_history_shape = {"CellHistory", NULL, history_fields};

static struct value value_of_json(const struct json *json)
{
    return json && json_text(json) ? (struct value){json->text, json->len} : VALUE_NULL;
}

static struct typed_cell *read_cells(struct call *call, size_t *count)
{
    const struct json *list = json_get(call->body, "cells");
    struct typed_cell *cells = arena_array(call->arena, list->len + 1, sizeof *cells);
    *count = 0;
    json_each(cell, list) {
        const struct json *seen = json_get(cell, "seen");
        cells[(*count)++] = (struct typed_cell){.row_id = json_get_int(cell, "row_id", 0),
                                                .column_id = json_get_int(cell, "column_id", 0),
                                                .text = value_of_json(json_get(cell, "value")),
                                                .seen = value_of_json(seen),
                                                .seen_known = seen != NULL};
    }
    return cells;
}

static void kv_value(struct jw *w, const char *key, struct value value)
{
    jw_key(w, key);
    if (value.text)
        jw_text_n(w, value.text, value.len);
    else
        jw_null(w);
}

static void result_write(struct jw *w, const struct edit_report *report,
                         const struct typed_cell *cells, size_t count)
{
    jw_object(w);
    jw_kv_int(w, "saved", report->saved);
    jw_kv_int(w, "same", report->same);
    jw_key(w, "unfit");
    jw_array(w);
    for (size_t i = 0; i < count; i++) {
        if (!cells[i].unfit)
            continue;
        jw_object(w);
        jw_kv_int(w, "row_id", cells[i].row_id);
        jw_kv_int(w, "column_id", cells[i].column_id);
        jw_kv_text(w, "message", cells[i].unfit);
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_key(w, "crossed");
    jw_array(w);
    for (size_t i = 0; i < count; i++) {
        if (!cells[i].crossed)
            continue;
        jw_object(w);
        jw_kv_int(w, "row_id", cells[i].row_id);
        jw_kv_int(w, "column_id", cells[i].column_id);
        kv_value(w, "value", cells[i].old);
        jw_kv_text(w, "who", cells[i].last_by);
        jw_kv_time(w, "at", cells[i].last_ms);
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_end_object(w);
}

/* Each value that does not fit, as an error at its place. */
static void keep_unfit(struct call *call, const struct typed_cell *cells, size_t count)
{
    err_list errors = {0};
    for (size_t i = 0; i < count && errors.len < 100; i++) {
        struct err err = {0};
        if (!cells[i].unfit)
            continue;
        err_set(&err, "cell.type", "%s", cells[i].unfit);
        err_where(&err, "cells/%zu", i);
        vec_push(&errors, err);
    }
    call_keep_errors(call, &errors);
    vec_free(&errors);
}

enum status api_cells_put(struct call *call, struct err *err)
{
    struct engine engine = {.world = call->api->options.world,
                            .store = call->store,
                            .actor = call_who(call)};
    struct edit_report report;
    struct table table;
    size_t count;
    struct typed_cell *cells = read_cells(call, &count);
    if (call_table(call, &table, err) != OK)
        return FAIL;
    if (cells_edit(&engine, call->arena, table.name, cells, count,
                   json_get_bool(call->body, "leave_unfit", false),
                   json_get_bool(call->body, "dry_run", false), &report, err) != OK) {
        keep_unfit(call, cells, count);
        return FAIL;
    }
    if (report.made_due && table.auto_update)
        work_run_due(call->api->work, table.name);
    result_write(&call->w, &report, cells, count);
    return OK;
}

enum status api_cell_history(struct call *call, struct err *err)
{
    struct table table;
    struct edit_line *lines;
    int64_t row_id, column_id;
    size_t count;
    struct jw *w = &call->w;
    if (call_table(call, &table, err) != OK || call_id(call, 1, &row_id, err) != OK ||
        call_id(call, 2, &column_id, err) != OK)
        return FAIL;
    if (!table_column_by_id(&table, column_id))
        return err_set(err, ERR_NOT_FOUND, "table \"%s\" has no column %lld", table.name,
                       (long long)column_id);
    if (call->store->does->edits->of_cell(call->store, call->arena, column_id, row_id,
                                          HISTORY_MOST + 1, &lines, &count, err) != OK)
        return FAIL;
    jw_object(w);
    jw_key(w, "edits");
    jw_array(w);
    for (size_t i = 0; i < count && i < HISTORY_MOST; i++) {
        jw_object(w);
        jw_kv_int(w, "id", lines[i].id);
        jw_kv_time(w, "at", lines[i].at_ms);
        jw_kv_text(w, "who", lines[i].who);
        kv_value(w, "old", lines[i].old);
        kv_value(w, "new", lines[i].new);
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_kv_bool(w, "more", count > HISTORY_MOST);
    jw_end_object(w);
    return OK;
}
