/* views.c - views that are kept. */
#include "store/sql/views_priv.h"

#include <string.h>

static enum status put_view(struct sq *sq, struct view *view, struct err *err)
{
    struct sheet_info info;
    if (sq_sheet_info(sq, view->table_id, &info, err) != OK)
        return FAIL;
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "INSERT INTO views(table_id,name,config,position,changed_ms) VALUES(?,?,?,?,?)"
                " ON CONFLICT(table_id,name) DO UPDATE SET name=excluded.name,"
                "config=excluded.config,position=excluded.position,changed_ms=excluded.changed_ms"
                " RETURNING id");
    if (!stmt)
        return FAIL;
    view->changed_ms = sq_now(sq);
    sq_int(stmt, 1, view->table_id);
    sq_text(stmt, 2, view->name);
    sq_text(stmt, 3, view->config);
    sq_int(stmt, 4, view->position);
    sq_int(stmt, 5, view->changed_ms);
    if (sq_one_int(sq, stmt, 0, &view->id, err) != OK)
        return FAIL;
    sq_note(sq, NOUN_TABLE, view->table_id, 0);
    return OK;
}

static enum status put(struct store *store, struct view *view, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (!view->name || !*view->name)
        return err_set(err, ERR_INVALID, "a view needs a name");
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, put_view(sq, view, err), err);
}

static enum status list(struct store *store, struct arena *arena, int64_t table_id,
                        struct view **out, size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    VEC(struct view) rows = {0};
    enum status rc = FAIL;
    bool row = true;
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "SELECT id,name,config,position,changed_ms FROM views"
                                 " WHERE table_id=? ORDER BY position,id");
    if (stmt)
        sq_int(stmt, 1, table_id);
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row) {
        struct view view = {.id = sq_col_int(stmt, 0),
                            .table_id = table_id,
                            .name = sq_col_text(stmt, 1, arena),
                            .config = sq_col_text(stmt, 2, arena),
                            .position = (int)sq_col_int(stmt, 3),
                            .changed_ms = sq_col_int(stmt, 4)};
        vec_push(&rows, view);
    }
    *count = rows.len;
    *out = arena_array(arena, rows.len + 1, sizeof **out);
    if (rows.len)
        memcpy(*out, rows.at, rows.len * sizeof **out);
    vec_free(&rows);
    return rc;
}

static enum status forget(struct store *store, int64_t table_id, const char *name, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    enum status rc = FAIL;
    struct sq_stmt *stmt = sq_stmt(sq, err, "DELETE FROM views WHERE table_id=? AND name=?");
    if (stmt) {
        sq_int(stmt, 1, table_id);
        sq_text(stmt, 2, name);
        rc = sq_done(sq, stmt, err);
        if (rc == OK && !sq_changes(sq))
            rc = err_set(err, ERR_NOT_FOUND, "there is no view \"%s\"", name);
        sq_note(sq, NOUN_TABLE, table_id, 0);
    }
    return sq_end(sq, rc, err);
}

const struct store_views sq_views = {
    .window = sq_window,
    .count = sq_window_count,
    .index_make = sq_view_index_make,
    .index_list = sq_view_index_list,
    .index_drop = sq_view_index_drop,
    .put = put,
    .list = list,
    .forget = forget,
};
