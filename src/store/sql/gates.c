/* gates.c - what holds writes back until a person says so. */
#include "store/sql/sql_priv.h"
#include "store/store_gates.h"

const char sq_step_gates[] =
    "CREATE TABLE gates(table_id INTEGER NOT NULL, column_id INTEGER NOT NULL, kind TEXT NOT NULL,"
    " state TEXT NOT NULL, run_id INTEGER NOT NULL DEFAULT 0, detail TEXT, who TEXT,"
    " at_ms INTEGER NOT NULL, PRIMARY KEY(table_id, column_id, kind)) WITHOUT ROWID;";

#define COLUMNS "table_id,column_id,kind,state,run_id,detail,who,at_ms"

static enum status put(struct sq *sq, const struct gate *gate, struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "INSERT INTO gates(" COLUMNS ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8)"
                " ON CONFLICT(table_id,column_id,kind) DO UPDATE SET state=excluded.state,"
                "run_id=excluded.run_id,detail=excluded.detail,who=excluded.who,"
                "at_ms=excluded.at_ms");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, gate->table_id);
    sq_int(stmt, 2, gate->column_id);
    sq_text(stmt, 3, gate->kind);
    sq_text(stmt, 4, gate->state);
    sq_int(stmt, 5, gate->run_id);
    sq_text(stmt, 6, gate->detail);
    sq_text(stmt, 7, gate->who);
    sq_int(stmt, 8, gate->at_ms);
    sq_note(sq, NOUN_TABLE, gate->table_id, 0);
    return sq_done(sq, stmt, err);
}

static enum status gates_put(struct store *store, const struct gate *gate, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, put(sq, gate, err), err);
}

static enum status take_away(struct sq *sq, int64_t table_id, int64_t column_id, const char *kind,
                             struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "DELETE FROM gates WHERE table_id=?1 AND column_id=?2 AND kind=?3");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table_id);
    sq_int(stmt, 2, column_id);
    sq_text(stmt, 3, kind);
    sq_note(sq, NOUN_TABLE, table_id, 0);
    return sq_done(sq, stmt, err);
}

static enum status gates_remove(struct store *store, int64_t table_id, int64_t column_id,
                                const char *kind, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, take_away(sq, table_id, column_id, kind, err), err);
}

static void read_gate(struct sq_stmt *stmt, struct arena *arena, struct gate *gate)
{
    *gate = (struct gate){.table_id = sq_col_int(stmt, 0),
                          .column_id = sq_col_int(stmt, 1),
                          .kind = sq_col_text(stmt, 2, arena),
                          .state = sq_col_text(stmt, 3, arena),
                          .run_id = sq_col_int(stmt, 4),
                          .detail = sq_col_text(stmt, 5, arena),
                          .who = sq_col_text(stmt, 6, arena),
                          .at_ms = sq_col_int(stmt, 7)};
}

static enum status gates_get(struct store *store, struct arena *arena, int64_t table_id,
                             int64_t column_id, const char *kind, struct gate *out, bool *found,
                             struct err *err)
{
    struct sq *sq = sq_of(store);
    *found = false;
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "SELECT " COLUMNS " FROM gates WHERE table_id=?1 AND column_id=?2 AND kind=?3");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table_id);
    sq_int(stmt, 2, column_id);
    sq_text(stmt, 3, kind);
    if (sq_row(sq, stmt, found, err) != OK)
        return FAIL;
    if (*found)
        read_gate(stmt, arena, out);
    sq_reset(stmt);
    return OK;
}

static enum status gates_list(struct store *store, struct arena *arena, int64_t table_id,
                              struct gate **out, size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    VEC(struct gate) list = {0};
    bool row = true;
    enum status rc = FAIL;
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                   "SELECT " COLUMNS " FROM gates WHERE ?1=0 OR table_id=?1"
                                   " ORDER BY at_ms,table_id,column_id,kind");
    if (stmt)
        sq_int(stmt, 1, table_id);
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row) {
        struct gate gate;
        read_gate(stmt, arena, &gate);
        vec_push(&list, gate);
    }
    *count = list.len;
    *out = arena_array(arena, list.len + 1, sizeof **out);
    for (size_t i = 0; i < list.len; i++)
        (*out)[i] = list.at[i];
    vec_free(&list);
    return rc;
}

const struct store_gates sq_gates = {
    .put = gates_put, .remove = gates_remove, .get = gates_get, .list = gates_list};
