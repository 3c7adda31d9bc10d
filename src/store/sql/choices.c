/* choices.c - which of several records a person chose for a cell. */
#include "store/sql/sql_priv.h"
#include "store/store_choices.h"

const char sq_step_choices[] =
    "CREATE TABLE choices(column_id INTEGER NOT NULL, row_id INTEGER NOT NULL,"
    " table_id INTEGER NOT NULL, record_id TEXT NOT NULL, PRIMARY KEY(column_id, row_id))"
    " WITHOUT ROWID;";

static enum status put(struct sq *sq, int64_t table_id, int64_t column_id, int64_t row_id,
                       const char *record_id, const char *who, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(
        sq, err,
        record_id
            ? "INSERT INTO choices(column_id,row_id,table_id,record_id) VALUES(?1,?2,?3,?4)"
              " ON CONFLICT(column_id,row_id) DO UPDATE SET record_id=excluded.record_id"
            : "DELETE FROM choices WHERE column_id=?1 AND row_id=?2");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, column_id);
    sq_int(stmt, 2, row_id);
    if (record_id) {
        sq_int(stmt, 3, table_id);
        sq_text(stmt, 4, record_id);
    }
    if (sq_done(sq, stmt, err) != OK)
        return FAIL;
    char *detail = arena_printf(sq->scratch, "{\"table\":%lld,\"column\":%lld,\"row\":%lld}",
                                (long long)table_id, (long long)column_id, (long long)row_id);
    return audit_append(sq, who,
                        record_id ? arena_printf(sq->scratch, "chose record %s", record_id)
                                  : "took a choice back",
                        detail, err);
}

static enum status choices_put(struct store *store, int64_t table_id, int64_t column_id,
                               int64_t row_id, const char *record_id, const char *who,
                               struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, put(sq, table_id, column_id, row_id, record_id, who, err), err);
}

static enum status get(struct sq *sq, struct arena *arena, int64_t column_id,
                       const int64_t *row_ids, size_t count, const char **out, struct err *err)
{
    bool row;
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "SELECT record_id FROM choices WHERE column_id=? AND row_id=?");
    if (!stmt)
        return FAIL;
    for (size_t i = 0; i < count; i++) {
        sq_int(stmt, 1, column_id);
        sq_int(stmt, 2, row_ids[i]);
        if (sq_row(sq, stmt, &row, err) != OK)
            return FAIL;
        out[i] = row ? sq_col_text(stmt, 0, arena) : NULL;
        sq_reset(stmt);
    }
    return OK;
}

static enum status choices_get(struct store *store, struct arena *arena, int64_t column_id,
                               const int64_t *row_ids, size_t count, const char **out,
                               struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin_read(sq, err) != OK)
        return FAIL;
    return sq_end(sq, get(sq, arena, column_id, row_ids, count, out, err), err);
}

const struct store_choices sq_choices = {.put = choices_put, .get = choices_get};
