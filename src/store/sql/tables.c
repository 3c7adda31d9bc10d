/* tables.c - the catalog of tables, and reading it back.
 *
 * Applying one is table_apply.c. Hidden columns stay in the catalog with their
 * id and slot: what was done for their rows must be remembered when they return. */
#include "store/sql/sql_priv.h"

#include <stdlib.h>
#include <string.h>

#define TABLE_COLUMNS                                                                              \
    "id,name,recipe,guard,auto_update,row_count,created_ms,changed_ms,next_sync_ms,rules"

static void read_table(struct sq_stmt *stmt, struct arena *arena, struct table *t)
{
    *t = (struct table){0};
    t->id = sq_col_int(stmt, 0);
    t->name = sq_col_text(stmt, 1, arena);
    t->recipe = sq_col_text(stmt, 2, arena);
    t->guard = sq_col_text(stmt, 3, arena);
    t->auto_update = (int)sq_col_int(stmt, 4) != 0;
    t->row_count = sq_col_int(stmt, 5);
    t->created_ms = sq_col_int(stmt, 6);
    t->changed_ms = sq_col_int(stmt, 7);
    t->next_sync_ms = sq_col_int(stmt, 8);
    const char *rules = sq_col_text(stmt, 9, arena);
    t->rules = rules ? rules : "{}";
}

/* "3,5,9" */
static void read_depends(struct column *c, const char *text, struct arena *arena)
{
    size_t count = text && *text ? 1 : 0;
    for (const char *p = text; p && *p; p++)
        count += *p == ',';
    c->depends = arena_array(arena, count + 1, sizeof *c->depends);
    for (const char *p = text; c->depend_count < count; p++) {
        c->depends[c->depend_count++] = strtoll(p, NULL, 10);
        p += strcspn(p, ",");
        if (!*p)
            break;
    }
}

static void read_column(struct sq_stmt *stmt, struct arena *arena, struct column *c)
{
    *c = (struct column){0};
    c->id = sq_col_int(stmt, 0);
    c->name = sq_col_text(stmt, 1, arena);
    const char *type = sq_col_peek(stmt, 2);
    if (!type || !value_type_parse(type, &c->type))
        c->type = TYPE_TEXT;
    c->kind = sq_col_text(stmt, 3, arena);
    c->config = sq_col_text(stmt, 4, arena);
    c->only_run_if = sq_col_text(stmt, 5, arena);
    c->source_field = sq_col_text(stmt, 6, arena);
    c->slot = (int)sq_col_int(stmt, 7);
    c->position = (int)sq_col_int(stmt, 8);
    c->auto_update = (int)sq_col_int(stmt, 9) != 0;
    c->approved_ms = sq_col_int(stmt, 10);
    read_depends(c, sq_col_peek(stmt, 11), arena);
    c->approved_mode = (int)sq_col_int(stmt, 12);
    c->rules = sq_col_text(stmt, 13, arena);
}

static enum status read_columns(struct sq *sq, struct arena *arena, struct table *t,
                                struct err *err)
{
    VEC(struct column) list = {0};
    enum status rc = FAIL;
    bool row = true;
    struct sq_stmt *stmt = sq_stmt(
        sq, err,
        "SELECT id,name,type,kind,config,only_run_if,source_field,slot,position,auto_update,"
        "approved_ms,depends,approved_mode,rules FROM columns WHERE table_id=? AND hidden=0 ORDER BY position,id");
    if (stmt)
        sq_int(stmt, 1, t->id);
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row) {
        struct column c;
        read_column(stmt, arena, &c);
        vec_push(&list, c);
    }
    t->column_count = list.len;
    t->columns = arena_array(arena, list.len + 1, sizeof *t->columns);
    if (list.len)
        memcpy(t->columns, list.at, list.len * sizeof *t->columns);
    vec_free(&list);
    return rc == OK ? sq_read_sources(sq, arena, t, err) : FAIL;
}

static enum status get_table(struct sq *sq, struct arena *arena, const char *name,
                             struct table *out, struct err *err)
{
    bool row;
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT " TABLE_COLUMNS " FROM tables WHERE name=?");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, name);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    if (!row)
        return err_set(err, ERR_NOT_FOUND, "there is no table \"%s\"", name);
    read_table(stmt, arena, out);
    sq_reset(stmt);
    return read_columns(sq, arena, out, err);
}

enum status sq_table_get(struct store *store, struct arena *arena, const char *name,
                         struct table *out, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin_read(sq, err) != OK)
        return FAIL;
    return sq_end(sq, get_table(sq, arena, name, out, err), err);
}

static enum status list_tables(struct sq *sq, struct arena *arena, struct table **out,
                               size_t *count, struct err *err)
{
    VEC(struct table) list = {0};
    enum status rc = FAIL;
    bool row = true;
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT " TABLE_COLUMNS " FROM tables ORDER BY name");
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row) {
        struct table t;
        read_table(stmt, arena, &t);
        vec_push(&list, t);
    }
    *count = list.len;
    *out = arena_array(arena, list.len + 1, sizeof **out);
    for (size_t i = 0; rc == OK && i < list.len; i++) {
        (*out)[i] = list.at[i];
        rc = read_columns(sq, arena, &(*out)[i], err);
    }
    vec_free(&list);
    return rc;
}

enum status sq_table_list(struct store *store, struct arena *arena, struct table **out,
                          size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin_read(sq, err) != OK)
        return FAIL;
    return sq_end(sq, list_tables(sq, arena, out, count, err), err);
}

/* ------------------------------------------------------ small changes */

/* UPDATE of one row by id: `value` is ?1, the id is ?2; gives the table's id. */
static enum status set_one(struct sq *sq, const char *sql, int64_t value, int64_t id,
                           const char *what, struct err *err)
{
    int64_t table_id;
    struct sq_stmt *stmt = sq_stmt(sq, err, sql);
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, value);
    sq_int(stmt, 2, id);
    if (sq_one_int(sq, stmt, 0, &table_id, err) != OK)
        return FAIL;
    if (!table_id)
        return err_set(err, ERR_NOT_FOUND, "there is no %s %lld", what, (long long)id);
    sq_note(sq, NOUN_TABLE, table_id, 0);
    return OK;
}

static enum status update_one(struct store *store, const char *sql, int64_t value, int64_t id,
                              const char *what, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, set_one(sq, sql, value, id, what, err), err);
}

enum status sq_table_set_auto_update(struct store *store, int64_t table_id, bool on,
                                     struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    enum status rc = sq_first_version(sq, table_id, err);
    if (rc == OK)
        rc = set_one(sq, "UPDATE tables SET auto_update=? WHERE id=? RETURNING id", on, table_id,
                     "table", err);
    if (rc == OK)
        rc = sq_add_version(sq, table_id, NULL, on ? "auto-update on" : "auto-update off", err);
    return sq_end(sq, rc, err);
}

enum status sq_table_set_next_sync(struct store *store, int64_t table_id, int64_t at_ms,
                                   struct err *err)
{
    return update_one(store, "UPDATE tables SET next_sync_ms=? WHERE id=? RETURNING id", at_ms, table_id,
                      "table", err);
}

enum status sq_column_approve(struct store *store, int64_t column_id, int64_t at_ms,
                              struct err *err)
{
    return update_one(store, "UPDATE columns SET approved_ms=? WHERE id=? RETURNING table_id", at_ms, column_id,
                      "column", err);
}

/* ------------------------------------------------------------- deletion */

/* What is kept of a table beside its sheet, each with a column table_id. */
static const char *const kept_beside[] = {
    "choices",
    "columns",
    "sources",
    "rejects",
    "schedules",
    "views",
    "view_indexes",
    "moves",
    "match_indexes",
    "edits",
    "table_versions",
    "history",
    "history_rules",
    "dedupe",
    "dedupe_keys",
    "merged_rows",
    "laters",
    "cell_costs",
    "column_schedules",
};

static enum status drop_table(struct sq *sq, int64_t id, struct err *err)
{
    sq_note(sq, NOUN_TABLE, id, 0);
    sq_forget_statements(sq); /* a cached statement would keep the sheet's tables busy */
    if (sq_exec(sq,
                arena_printf(sq->scratch,
                             "DELETE FROM view_samples WHERE index_id IN"
                             " (SELECT id FROM view_indexes WHERE table_id=%lld)",
                             (long long)id),
                err) != OK)
        return FAIL;
    for (size_t i = 0; i < sizeof kept_beside / sizeof *kept_beside; i++)
        if (sq_exec(sq,
                    arena_printf(sq->scratch, "DELETE FROM %s WHERE table_id=%lld", kept_beside[i],
                                 (long long)id),
                    err) != OK)
            return FAIL;
    return sq_exec(sq,
                   arena_printf(sq->scratch,
                                "DROP TABLE t%lld; DROP TABLE s%lld;"
                                "DELETE FROM tables WHERE id=%lld;",
                                (long long)id, (long long)id, (long long)id),
                   err);
}

static enum status delete_table(struct sq *sq, const char *name, struct err *err)
{
    int64_t id, open;
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT id FROM tables WHERE name=?");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, name);
    if (sq_one_int(sq, stmt, 0, &id, err) != OK)
        return FAIL;
    if (!id)
        return err_set(err, ERR_NOT_FOUND, "there is no table \"%s\"", name);
    if (sq_open_ops(sq, "table_id", id, &open, err) != OK)
        return FAIL;
    if (open) {
        err_set(err, ERR_CONFLICT, "table \"%s\" has %lld open operations", name, (long long)open);
        err_hint(err, "Let them finish or settle them first: argil journal list.");
        return FAIL;
    }
    return drop_table(sq, id, err);
}

enum status sq_table_delete(struct store *store, const char *name, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, delete_table(sq, name, err), err);
}

/* ------------------------------------------------ for the other files */

enum status sq_sheet_info(struct sq *sq, int64_t table_id, struct sheet_info *out, struct err *err)
{
    bool row;
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT next_rid,row_count,keyed FROM tables WHERE id=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table_id);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    if (!row)
        return err_set(err, ERR_NOT_FOUND, "there is no table %lld", (long long)table_id);
    out->next_rid = sq_col_int(stmt, 0);
    out->row_count = sq_col_int(stmt, 1);
    out->keyed = (int)sq_col_int(stmt, 2) != 0;
    sq_reset(stmt);
    return OK;
}

enum status sq_count_rows(struct sq *sq, int64_t table_id, int64_t more, struct err *err)
{
    if (more == 0)
        return OK;
    sq_moved(sq, table_id, more < 0 ? -more : more);
    struct sq_stmt *stmt = sq_stmt(sq, err, "UPDATE tables SET row_count=row_count+? WHERE id=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, more);
    sq_int(stmt, 2, table_id);
    return sq_done(sq, stmt, err);
}

enum status sq_column_slot(struct sq *sq, int64_t column_id, int *slot, struct err *err)
{
    int64_t found;
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT slot FROM columns WHERE id=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, column_id);
    if (sq_one_int(sq, stmt, 0, &found, err) != OK)
        return FAIL;
    *slot = (int)found;
    return found ? OK
                 : err_set(err, ERR_NOT_FOUND, "there is no column %lld", (long long)column_id);
}
