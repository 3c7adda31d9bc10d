/* edits.c - what people typed into cells, and what was there before. */
#include "store/sql/sql_priv.h"
#include "store/store_edits.h"

/* Ids of columns are never used twice, so (column, row) names a cell. */
const char sq_step_edits[] =
    "CREATE TABLE edits("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, table_id INTEGER NOT NULL, column_id INTEGER NOT NULL,"
    " row_id INTEGER NOT NULL, at_ms INTEGER NOT NULL, who TEXT NOT NULL, old TEXT, new TEXT);"
    "CREATE INDEX edits_cell ON edits(column_id, row_id, id);"
    "CREATE INDEX edits_table ON edits(table_id);";

static enum status read_old(struct sq *sq, struct arena *arena, int64_t table_id,
                            struct cell_edit *edit, struct err *err)
{
    bool row = false;
    struct sq_stmt *stmt = sq_stmtf(sq, err, "SELECT c%d FROM t%lld WHERE rid=?1 AND deleted=0",
                                    edit->slot, (long long)table_id);
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, edit->row_id);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    if (!row)
        return err_set(err, ERR_NOT_FOUND, "row %lld is not there any more", (long long)edit->row_id);
    edit->old = sq_col_value(stmt, 0, arena);
    sq_reset(stmt);
    return OK;
}

static enum status read_last(struct sq *sq, struct arena *arena, struct cell_edit *edit,
                             struct err *err)
{
    bool row = false;
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                   "SELECT who,at_ms FROM edits WHERE column_id=?1 AND row_id=?2"
                                   " ORDER BY id DESC LIMIT 1");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, edit->column_id);
    sq_int(stmt, 2, edit->row_id);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    edit->last_by = row ? sq_col_text(stmt, 0, arena) : NULL;
    edit->last_ms = row ? sq_col_int(stmt, 1) : 0;
    if (row)
        sq_reset(stmt);
    return OK;
}

static enum status add_line(struct sq *sq, int64_t table_id, const char *who,
                            const struct cell_edit *edit, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                   "INSERT INTO edits(table_id,column_id,row_id,at_ms,who,old,new)"
                                   " VALUES(?,?,?,?,?,?,?)");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table_id);
    sq_int(stmt, 2, edit->column_id);
    sq_int(stmt, 3, edit->row_id);
    sq_int(stmt, 4, sq_now(sq));
    sq_text(stmt, 5, who);
    sq_value(stmt, 6, edit->old);
    sq_value(stmt, 7, edit->value);
    return sq_done(sq, stmt, err);
}

static enum status put_one(struct sq *sq, struct arena *arena, int64_t table_id, const char *who,
                           struct cell_writer *w, struct cell_edit *edit, struct err *err)
{
    if (read_old(sq, arena, table_id, edit, err) != OK || read_last(sq, arena, edit, err) != OK)
        return FAIL;
    edit->same = value_equal(edit->old, edit->value);
    if (edit->same)
        return OK;
    struct cell_result result = {.row_id = edit->row_id,
                                 .column_id = edit->column_id,
                                 .slot = edit->slot,
                                 .state = edit->value.text ? CELL_OK : CELL_EMPTY,
                                 .value = edit->value,
                                 .set_value = true};
    if (cell_writer_put(w, &result, err) != OK)
        return FAIL;
    return add_line(sq, table_id, who, edit, err);
}

static enum status edits_put(struct store *store, struct arena *arena, int64_t table_id,
                             const char *who, struct cell_edit *edits, size_t count,
                             const struct dependents *dependents, size_t dependent_count,
                             int64_t *made_due, struct err *err)
{
    struct sq *sq = sq_of(store);
    struct cell_writer w;
    if (sq_begin(sq, err) != OK)
        return FAIL;
    enum status rc = cell_writer_open(&w, sq, table_id, dependents, dependent_count, err);
    w.history.by = HISTORY_BY_PERSON;
    for (size_t i = 0; rc == OK && i < count; i++)
        rc = put_one(sq, arena, table_id, who, &w, &edits[i], err);
    if (rc == OK)
        rc = cell_writer_finish(&w, err);
    *made_due = w.made_due + w.due_again;
    cell_writer_close(&w);
    return sq_end(sq, rc, err);
}

static enum status edits_of_cell(struct store *store, struct arena *arena, int64_t column_id,
                                 int64_t row_id, size_t limit, struct edit_line **out,
                                 size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    VEC(struct edit_line) list = {0};
    enum status rc = FAIL;
    bool row = true;
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                   "SELECT id,at_ms,who,old,new FROM edits WHERE column_id=?1 AND"
                                   " row_id=?2 ORDER BY id DESC LIMIT ?3");
    if (stmt) {
        sq_int(stmt, 1, column_id);
        sq_int(stmt, 2, row_id);
        sq_int(stmt, 3, limit ? (int64_t)limit : -1);
    }
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row) {
        struct edit_line line = {.id = sq_col_int(stmt, 0),
                                 .at_ms = sq_col_int(stmt, 1),
                                 .who = sq_col_text(stmt, 2, arena),
                                 .old = sq_col_value(stmt, 3, arena),
                                 .new = sq_col_value(stmt, 4, arena)};
        vec_push(&list, line);
    }
    *count = list.len;
    *out = arena_array(arena, list.len + 1, sizeof **out);
    for (size_t i = 0; i < list.len; i++)
        (*out)[i] = list.at[i];
    vec_free(&list);
    return rc;
}

const struct store_edits sq_edits = {.put = edits_put, .of_cell = edits_of_cell};
