/* modes.c - the write mode that a column was approved with. */
#include "store/sql/sql_priv.h"
#include "store/store_modes.h"

_Static_assert(MODE_SEALED == 0 && MODE_KEYED == 1 && MODE_TICKETED == 2 && MODE_FINDABLE == 3 &&
                   MODE_BLIND == 4,
               "these numbers are in the file");

const char sq_step_modes[] =
    "ALTER TABLE columns ADD COLUMN approved_mode INTEGER NOT NULL DEFAULT -1;";

static enum status put(struct sq *sq, int64_t column_id, enum write_mode mode, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err, "UPDATE columns SET approved_mode=?2 WHERE id=?1");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, column_id);
    sq_int(stmt, 2, mode);
    if (sq_done(sq, stmt, err) != OK)
        return FAIL;
    if (!sq_changes(sq))
        return err_set(err, ERR_NOT_FOUND, "there is no column %lld", (long long)column_id);
    return OK;
}

static enum status modes_put(struct store *store, int64_t column_id, enum write_mode mode,
                             struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, put(sq, column_id, mode, err), err);
}

const struct store_modes sq_modes = {.put = modes_put};
