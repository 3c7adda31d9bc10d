/* cell_writer.c - the one place where a cell's value and state change.
 *
 * A state row exists only for cells that are not plain: CELL_OK and CELL_EMPTY
 * delete it. A cell that is held (queued, running, in doubt, ...) keeps its state
 * when it is made due: `again` remembers it, and the result that ends the hold
 * turns the cell due instead of what it says. So a row that changes while its
 * write is under way is never forgotten, and never written twice at once. A held
 * cell that is marked out of date is marked when the hold ends (again=2).
 *
 * A due cell that is made due once more shows a later `changed`; a result that was computed
 * from inputs read before that takes its place and leaves the cell due.
 *
 * Dependents: when a value really changes, the columns that read it become due.
 * When it only becomes ready (no change), those that were waiting for it do. */
#include "store/sql/sql_priv.h"

/* The cell was made due after its inputs were read, at `read` (0 = nobody tells). */
#define MADE_DUE_SINCE(read) "(" read "<>0 AND x.state=1 AND x.changed<>" read ")"

static bool holds(const struct cell_result *r)
{
    return r->state == CELL_QUEUED || r->state == CELL_RUNNING || r->state == CELL_IN_DOUBT ||
           (r->state == CELL_RETRYING && r->op_id);
}

static bool is_ready(enum cell_state state)
{
    return state == CELL_OK || state == CELL_EMPTY || state == CELL_NO_RESULT ||
           state == CELL_SKIPPED;
}

enum status cell_writer_open(struct cell_writer *w, struct sq *sq, int64_t table_id,
                             const struct dependents *dependents, size_t count, struct err *err)
{
    long long id = table_id;
    *w = (struct cell_writer){.sq = sq,
                              .table_id = table_id,
                              .now = sq_now(sq),
                              .dependents = dependents,
                              .dependent_count = count};
    w->due = sq_stmtf(sq, err,
                      "INSERT INTO s%lld AS x(cid,rid,state,changed) VALUES(?1,?2,1,?3)"
                      " ON CONFLICT(cid,rid) DO UPDATE SET " SQ_SET_DUE " WHERE " SQ_NOT_DUE_YET,
                      id);
    w->put = sq_stmtf(
        sq, err,
        "INSERT INTO s%lld AS x(cid,rid,state,op_id,attempt,not_before,changed,code,message,epoch)"
        " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?12) ON CONFLICT(cid,rid) DO UPDATE SET"
        " state=CASE WHEN ?10<>0 THEN excluded.state WHEN x.again=1 OR " MADE_DUE_SINCE("?11")
        " THEN 1 WHEN x.again=2 THEN 12 ELSE excluded.state END,"
        " again=CASE WHEN ?10=0 THEN 0 WHEN " MADE_DUE_SINCE("?11")
        " THEN 1 ELSE x.again END, op_id=excluded.op_id, attempt=excluded.attempt,"
        " not_before=excluded.not_before, changed=excluded.changed, code=excluded.code,"
        " message=excluded.message, epoch=excluded.epoch",
        id);
    w->drop = sq_stmtf(sq, err,
                       "DELETE FROM s%lld AS x WHERE cid=?1 AND rid=?2 AND again=0"
                       " AND NOT " MADE_DUE_SINCE("?3"),
                       id);
    w->once_more = sq_stmtf(sq, err,
                            "UPDATE s%lld SET changed=max(?3,changed+1) WHERE cid=?1 AND rid=?2"
                            " AND state=1",
                            id);
    w->settle = sq_stmtf(sq, err,
                         "UPDATE s%lld SET state=CASE WHEN again=2 THEN 12 ELSE 1 END,again=0,"
                         "op_id=0,attempt=0,not_before=0,code=NULL,message=NULL,changed=?3"
                         " WHERE cid=?1 AND rid=?2",
                         id);
    w->wake = sq_stmtf(
        sq, err, "UPDATE s%lld SET state=1,changed=?3 WHERE cid=?1 AND rid=?2 AND state=7", id);
    w->mark = sq_stmtf(sq, err,
                       "INSERT INTO s%lld AS x(cid,rid,state,changed) VALUES(?1,?2,12,?3)"
                       " ON CONFLICT(cid,rid) DO UPDATE SET "
                       "again=CASE WHEN " SQ_HELD " AND x.again=0 THEN 2 ELSE x.again END,"
                       "state=CASE WHEN " SQ_HELD " THEN x.state ELSE 12 END",
                       id);
    if (!w->due || !w->put || !w->drop || !w->settle || !w->wake || !w->mark || !w->once_more)
        return FAIL;
    if (historian_open(&w->history, sq, table_id, HISTORY_BY_RESULT, 0, err) != OK)
        return FAIL;
    return deduper_open(&w->dedupe, sq, table_id, err);
}

enum status cell_writer_finish(struct cell_writer *w, struct err *err)
{
    return deduper_finish(&w->dedupe, err) == OK ? historian_finish(&w->history, err) : FAIL;
}

void cell_writer_close(struct cell_writer *w)
{
    vec_free(&w->by_slot);
}

/* The statement that sets a slot's value where it differs. */
static struct sq_stmt *value_stmt(struct cell_writer *w, int slot, struct err *err)
{
    while (w->by_slot.len <= (size_t)slot)
        vec_push(&w->by_slot, NULL);
    if (!w->by_slot.at[slot])
        w->by_slot.at[slot] = sq_stmtf(
            w->sq, err, "UPDATE t%lld SET c%d=?1 WHERE rid=?2 AND c%d IS NOT ?1 AND deleted NOT IN (2,4)",
            (long long)w->table_id, slot, slot);
    return w->by_slot.at[slot];
}

/* Rows that are deleted have no key to take. */
static enum status take_key(struct cell_writer *w, const struct cell_result *r, struct err *err)
{
    int64_t deleted;
    struct sq_stmt *stmt =
        sq_stmtf(w->sq, err, "SELECT deleted FROM t%lld WHERE rid=?", (long long)w->table_id);
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, r->row_id);
    if (sq_one_int(w->sq, stmt, 1, &deleted, err) != OK)
        return FAIL;
    return deleted == 0 || deleted == SQ_MERGED ? deduper_take(&w->dedupe, r->row_id, r->value, err)
                                                : OK;
}

static enum status set_value(struct cell_writer *w, const struct cell_result *r, int64_t *changed,
                             struct err *err)
{
    if (r->slot <= 0)
        return err_set(err, ERR_INVALID, "column %lld has no slot", (long long)r->column_id);
    struct sq_stmt *stmt = value_stmt(w, r->slot, err);
    if (!stmt || historian_cell(&w->history, r->row_id, r->slot, r->value, err) != OK)
        return FAIL;
    sq_value(stmt, 1, r->value);
    sq_int(stmt, 2, r->row_id);
    return sq_add(w->sq, stmt, changed, err);
}

static enum status value_changed(struct cell_writer *w, const struct cell_result *r,
                                 struct err *err)
{
    sq_moved(w->sq, w->table_id, 1);
    return r->slot == w->dedupe.slot ? take_key(w, r, err) : OK;
}

/* One of the statements over (cid, rid, now). */
static enum status touch(struct cell_writer *w, struct sq_stmt *stmt, int64_t column_id,
                         int64_t row_id, struct err *err)
{
    sq_int(stmt, 1, column_id);
    sq_int(stmt, 2, row_id);
    sq_int(stmt, 3, w->now);
    return sq_done(w->sq, stmt, err);
}

enum status cell_writer_due(struct cell_writer *w, int64_t column_id, int64_t row_id,
                            struct err *err)
{
    if (touch(w, w->due, column_id, row_id, err) != OK)
        return FAIL;
    if (sq_changes(w->sq)) {
        sq_note_row(w->sq, w->table_id, row_id);
        w->made_due++;
        return OK;
    }
    if (touch(w, w->once_more, column_id, row_id, err) != OK)
        return FAIL;
    w->due_again += sq_changes(w->sq);
    return OK;
}

enum status cell_writer_due_first(struct cell_writer *w, int64_t column_id, int64_t row_id,
                                  struct err *err)
{
    sq_note_row(w->sq, w->table_id, row_id);
    w->made_due++;
    return touch(w, w->due, column_id, row_id, err);
}

/* The cell's state, plain ones included. */
static enum status state_of(struct cell_writer *w, int64_t column_id, int64_t row_id,
                            enum cell_state *out, struct err *err)
{
    int slot;
    int64_t state = CELL_EMPTY;
    if (sq_column_slot(w->sq, column_id, &slot, err) != OK)
        return FAIL;
    struct sq_stmt *stmt = sq_stmtf(w->sq, err,
                                  "SELECT coalesce(s.state,CASE WHEN t.c%d IS NULL THEN 0 ELSE 4 END)"
                                  " FROM t%lld t LEFT JOIN s%lld s ON s.cid=?1 AND s.rid=t.rid"
                                  " WHERE t.rid=?2",
                                  slot, (long long)w->table_id, (long long)w->table_id);
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, column_id);
    sq_int(stmt, 2, row_id);
    if (sq_one_int(w->sq, stmt, CELL_EMPTY, &state, err) != OK)
        return FAIL;
    *out = (enum cell_state)state;
    return OK;
}

enum status cell_writer_refuse(struct cell_writer *w, int64_t column_id, int64_t row_id,
                               const char *code, const char *message, struct err *err)
{
    struct sq_stmt *stmt = sq_stmtf(w->sq, err,
                                  "INSERT INTO s%lld AS x(cid,rid,state,changed,code,message)"
                                  " VALUES(?1,?2,%d,?3,?4,?5) ON CONFLICT(cid,rid) DO UPDATE SET"
                                  " state=excluded.state,changed=excluded.changed,"
                                  "code=excluded.code,message=excluded.message WHERE NOT " SQ_HELD,
                                  (long long)w->table_id, CELL_REFUSED);
    if (!stmt)
        return FAIL;
    sq_text(stmt, 4, code);
    sq_text(stmt, 5, message);
    sq_note_row(w->sq, w->table_id, row_id);
    return touch(w, stmt, column_id, row_id, err);
}

enum status cell_writer_decide(struct cell_writer *w, int64_t column_id, int64_t row_id,
                               struct due_case *c, struct err *err)
{
    c->state = CELL_EMPTY;
    if (due_decide(c) == DUE_RUN && !c->keep_results)
        return cell_writer_due(w, column_id, row_id, err); /* whatever its state */
    if (state_of(w, column_id, row_id, &c->state, err) != OK)
        return FAIL;
    switch (due_decide(c)) {
    case DUE_RUN:
        return cell_writer_due(w, column_id, row_id, err);
    case DUE_MARK:
        sq_note_row(w->sq, w->table_id, row_id);
        return touch(w, w->mark, column_id, row_id, err);
    case DUE_LEFT:
        break;
    }
    return OK;
}

static enum status clear_state(struct cell_writer *w, const struct cell_result *r, struct err *err)
{
    sq_int(w->drop, 1, r->column_id);
    sq_int(w->drop, 2, r->row_id);
    sq_int(w->drop, 3, r->read_ms);
    if (sq_add(w->sq, w->drop, NULL, err) != OK)
        return FAIL;
    if (!w->sq->engine->far && sq_changes(w->sq))
        return OK;
    /* where it went there is nothing to settle: to say so twice costs less than to ask */
    sq_int(w->settle, 1, r->column_id);
    sq_int(w->settle, 2, r->row_id);
    sq_int(w->settle, 3, w->now);
    return sq_add(w->sq, w->settle, NULL, err);
}

static enum status set_state(struct cell_writer *w, const struct cell_result *r, struct err *err)
{
    if (r->state == CELL_OK || r->state == CELL_EMPTY)
        return clear_state(w, r, err);
    sq_int(w->put, 1, r->column_id);
    sq_int(w->put, 2, r->row_id);
    sq_int(w->put, 3, r->state);
    sq_int(w->put, 4, r->op_id);
    sq_int(w->put, 5, r->attempt);
    sq_int(w->put, 6, r->not_before_ms);
    sq_int(w->put, 7, w->now);
    sq_text(w->put, 8, r->code);
    sq_text(w->put, 9, r->message);
    sq_int(w->put, 10, holds(r));
    sq_int(w->put, 11, r->read_ms);
    sq_int(w->put, 12, w->sq->store.epoch);
    return sq_add(w->sq, w->put, NULL, err);
}

static enum status tell_dependents(struct cell_writer *w, const struct cell_result *r, bool changed,
                                   struct err *err)
{
    for (size_t i = 0; i < w->dependent_count; i++) {
        const struct dependents *d = &w->dependents[i];
        if (d->column_id != r->column_id)
            continue;
        for (size_t k = 0; k < d->due_count; k++) {
            struct due_case c = {.update_existing = true,
                                 .table_auto = !d->table_off,
                                 .keep_results = d->keep_results,
                                 .column_auto = !(d->off && d->off[k])};
            enum status rc = changed ? cell_writer_decide(w, d->due[k], r->row_id, &c, err)
                                     : touch(w, w->wake, d->due[k], r->row_id, err);
            if (rc != OK)
                return FAIL;
        }
    }
    return OK;
}

static enum status keep_cost(struct cell_writer *w, const struct cell_result *result,
                             struct err *err)
{
    if (!w->cost)
        w->cost = sq_cost_stmt(w->sq, err);
    return w->cost ? sq_keep_cost(w->sq, w->cost, w->table_id, result, err) : FAIL;
}

static enum status put_state(struct cell_writer *w, const struct cell_result *result, bool changed,
                             struct err *err)
{
    if (changed && value_changed(w, result, err) != OK)
        return FAIL;
    if (set_state(w, result, err) != OK)
        return FAIL;
    sq_note_row(w->sq, w->table_id, result->row_id);
    return result->cost.run_id ? keep_cost(w, result, err) : OK;
}

enum status cell_writer_put_many(struct cell_writer *w, const struct cell_result *results,
                                 size_t count, struct err *err)
{
    int64_t *changed = arena_array(w->sq->scratch, count + 1, sizeof *changed);
    for (size_t i = 0; i < count; i++) {
        changed[i] = 0;
        if (results[i].set_value && set_value(w, &results[i], &changed[i], err) != OK)
            return FAIL;
    }
    if (sq_flush(w->sq, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++)
        if (put_state(w, &results[i], changed[i] > 0, err) != OK)
            return FAIL;
    for (size_t i = 0; i < count; i++)
        if ((changed[i] > 0 || is_ready(results[i].state)) &&
            tell_dependents(w, &results[i], changed[i] > 0, err) != OK)
            return FAIL;
    return OK;
}

enum status cell_writer_put(struct cell_writer *w, const struct cell_result *result,
                            struct err *err)
{
    return cell_writer_put_many(w, result, 1, err);
}
