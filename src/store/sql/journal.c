/* journal.c - operations: planned, sending, settled, recovered (reliability B.4).
 *
 * An operation and its cell move in one transaction (W6), and every move is
 * "where id and state and epoch are what I believe": a process that was replaced
 * moves nothing, its late news goes to evidence only (W7). SENDING is committed,
 * and synced, before ops_sending returns (W1). Nothing here deletes a row.
 *
 * Four unique indexes do the collapsing (migrations.c): the generation of a cell,
 * one open operation a cell, one open operation a business key, one a record.
 *
 * payload, before and evidence hold personal data, in clear for now: see
 * migrations.c. */
#include "store/sql/sql_priv.h"

#include "base/json.h"

#include <string.h>

_Static_assert(OP_PLANNED == 0 && OP_SENDING == 1 && OP_RETRY_SAFE == 2 && OP_UNKNOWN == 3 &&
                   OP_RECONCILING == 4 && OP_IN_DOUBT == 5 && OP_DONE == 6 && OP_REJECTED == 7 &&
                   OP_CANCELLED == 8,
               "these numbers are in the file");
_Static_assert(CELL_EMPTY == 0 && CELL_DUE == 1 && CELL_QUEUED == 2 && CELL_RUNNING == 3 &&
                   CELL_OK == 4 && CELL_WAITING == 7 && CELL_RETRYING == 8 && CELL_IN_DOUBT == 11,
               "these numbers are in the file: SQ_HELD reads them");

/* One writer a table, for results of several tables in one transaction. */
struct writers {
    struct sq *sq;
    const struct dependents *dependents;
    size_t dependent_count;
    VEC(struct cell_writer) list;
};

static struct cell_writer *writer_for(struct writers *ws, int64_t table_id, struct err *err)
{
    for (size_t i = 0; i < ws->list.len; i++)
        if (ws->list.at[i].table_id == table_id)
            return &ws->list.at[i];
    struct cell_writer w;
    if (cell_writer_open(&w, ws->sq, table_id, ws->dependents, ws->dependent_count, err) != OK)
        return NULL;
    vec_push(&ws->list, w);
    return &ws->list.at[ws->list.len - 1];
}

static enum status writers_finish(struct writers *ws, struct err *err)
{
    for (size_t i = 0; i < ws->list.len; i++)
        if (cell_writer_finish(&ws->list.at[i], err) != OK)
            return FAIL;
    return OK;
}

static void writers_close(struct writers *ws)
{
    for (size_t i = 0; i < ws->list.len; i++)
        cell_writer_close(&ws->list.at[i]);
    vec_free(&ws->list);
}

/* Cells of tables[i]; row_id 0 = none. */
static enum status put_cells(struct writers *ws, const int64_t *tables,
                             const struct cell_result *cells, size_t count, struct err *err)
{
    struct cell_result *of = arena_array(ws->sq->scratch, count + 1, sizeof *of);
    for (size_t at = 0, n = 0; at < count; n = 0) {
        int64_t table_id = tables[at];
        for (; at < count && tables[at] == table_id; at++)
            if (cells[at].row_id)
                of[n++] = cells[at];
        struct cell_writer *w = n ? writer_for(ws, table_id, err) : NULL;
        if (n && (!w || cell_writer_put_many(w, of, n, err) != OK))
            return FAIL;
    }
    return OK;
}

enum status sq_open_ops(struct sq *sq, const char *column, int64_t id, int64_t *count,
                        struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmtf(sq, err, "SELECT count(*) FROM ops WHERE %s=? AND " SQ_OPEN_OPS, column);
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, id);
    return sq_one_int(sq, stmt, 0, count, err);
}

/* ------------------------------------------------------------------- plan */

static void complete_op(struct sq *sq, struct op *op)
{
    if (!op->key[0])
        uuid4(sq->world, op->key);
    if (!op->payload)
        op->payload = "{}";
    sha256_hex(op->payload, strlen(op->payload), op->payload_sha256);
    op->state = OP_PLANNED;
    op->attempt = 0;
    op->epoch = sq->store.epoch;
    if (!op->created_ms)
        op->created_ms = sq_now(sq);
}

static void bind_op(struct sq_stmt *stmt, const struct op *op)
{
    sq_text(stmt, 1, op->key);
    sq_text(stmt, 2, op->org_id ? op->org_id : "");
    sq_int(stmt, 3, op->connection_id);
    sq_int(stmt, 4, op->table_id);
    sq_int(stmt, 5, op->row_id);
    sq_int(stmt, 6, op->column_id);
    sq_int(stmt, 7, op->run_id);
    sq_int(stmt, 8, op->generation);
    sq_int(stmt, 9, op->kind);
    sq_text(stmt, 10, op->object ? op->object : "");
    sq_text(stmt, 11, op->key_field ? op->key_field : "");
    sq_text(stmt, 12, op->key_value);
    sq_text(stmt, 13, op->target_id);
    sq_text(stmt, 14, op->payload);
    sq_text(stmt, 15, op->payload_sha256);
    sq_text(stmt, 16, op->before);
    sq_int(stmt, 17, op->mode);
    sq_int(stmt, 18, op->epoch);
    sq_int(stmt, 19, op->not_before_ms);
    sq_int(stmt, 20, op->created_ms);
    sq_text(stmt, 21, op->base_stamp);
    sq_text(stmt, 22, op->settings);
    sq_int(stmt, 23, op->priority);
}

static enum status insert_op(struct sq *sq, struct op *op, int64_t *inserted, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(
        sq, err,
        "INSERT INTO ops(op_key,org_id,connection_id,table_id,row_id,column_id,run_id,generation,"
        "kind,object,key_field,key_value,target_id,payload,payload_sha256,before,mode,epoch,"
        "not_before_ms,created_ms,base_stamp,settings,priority,state)"
        " VALUES(?,?,?,?,?,?,?,?,?,?,nullif(?,''),?,?,?,?,?,?,?,?,?,?,?,?,0)"
        " ON CONFLICT DO NOTHING");
    if (!stmt)
        return FAIL;
    bind_op(stmt, op);
    if (sq_add(sq, stmt, inserted, err) != OK)
        return FAIL;
    op->id = sq_last_id(sq); /* if it was */
    return OK;
}

/* The operation of this very (row, column, generation); id 0 = none. */
static enum status find_same(struct sq *sq, const struct op *op, int64_t *id, struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "SELECT id FROM ops WHERE row_id=? AND column_id=? AND generation=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, op->row_id);
    sq_int(stmt, 2, op->column_id);
    sq_int(stmt, 3, op->generation);
    return sq_one_int(sq, stmt, 0, id, err);
}

/* The open operation in its way: of the same cell, business key or record. */
static enum status find_rival(struct sq *sq, const struct op *op, int64_t *id, struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "SELECT id FROM ops WHERE row_id=?1 AND column_id=?2 AND " SQ_OPEN_OPS " UNION ALL "
                "SELECT id FROM ops WHERE org_id=?3 AND object=?4 AND key_field=?5 AND key_value=?6"
                " AND key_value IS NOT NULL AND " SQ_OPEN_OPS " UNION ALL "
                "SELECT id FROM ops WHERE org_id=?3 AND target_id=?7 AND target_id IS NOT NULL"
                " AND " SQ_OPEN_OPS " LIMIT 1");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, op->row_id);
    sq_int(stmt, 2, op->column_id);
    sq_text(stmt, 3, op->org_id);
    sq_text(stmt, 4, op->object);
    sq_text(stmt, 5, op->key_field);
    sq_text(stmt, 6, op->key_value);
    sq_text(stmt, 7, op->target_id);
    return sq_one_int(sq, stmt, 0, id, err);
}

static enum status explain_refusal(struct sq *sq, struct op *op, enum plan_result *result,
                                   struct err *err)
{
    int64_t id = 0;
    if (find_same(sq, op, &id, err) != OK)
        return FAIL;
    *result = PLAN_SAME;
    if (!id) {
        *result = PLAN_BUSY;
        if (find_rival(sq, op, &id, err) != OK)
            return FAIL;
    }
    if (!id)
        return err_set(err, ERR_CONFLICT, "operation key %s is already in the journal", op->key);
    op->id = id;
    return OK;
}

/* An operation with this business key that was done since the remote was asked for it: its
 * record is news to whoever plans now. *id 0 = none. */
static enum status find_done_since(struct sq *sq, const struct op *op, int64_t looked_ms,
                                   int64_t *id, struct err *err)
{
    *id = 0;
    if (!looked_ms || !op->key_value)
        return OK;
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "SELECT id FROM ops WHERE org_id=?1 AND object=?2 AND key_field=?3 AND key_value=?4"
                " AND key_value IS NOT NULL AND state=6 AND " SQ_SETTLED_OPS
                " AND done_ms>?5 LIMIT 1");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, op->org_id);
    sq_text(stmt, 2, op->object);
    sq_text(stmt, 3, op->key_field);
    sq_text(stmt, 4, op->key_value);
    sq_int(stmt, 5, looked_ms);
    return sq_one_int(sq, stmt, 0, id, err);
}

/* Which keys of a call have operations that are done since: one question where each would be
 * one of its own. What it names is asked exactly; what it does not name has none. */
struct done_keys {
    struct map *keys; /* NULL: each is asked */
    const struct op *of;
};

static bool same_field(const struct op *a, const struct op *b)
{
    return a->key_value && a->key_field && text_eq(a->org_id, b->org_id) &&
           text_eq(a->object, b->object) && text_eq(a->key_field, b->key_field);
}

static struct sq_stmt *done_keys_stmt(struct sq *sq, const struct op *of, const char *list,
                                      int64_t since, struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "SELECT o.key_value FROM json_each(?5) l CROSS JOIN ops o ON o.key_value=l.value"
                " WHERE o.org_id=?1 AND o.object=?2 AND o.key_field=?3 AND o.key_value IS NOT NULL"
                " AND o.state=6 AND o." SQ_SETTLED_OPS " AND o.done_ms>?4");
    if (!stmt)
        return NULL;
    sq_text(stmt, 1, of->org_id);
    sq_text(stmt, 2, of->object);
    sq_text(stmt, 3, of->key_field);
    sq_int(stmt, 4, since);
    sq_text(stmt, 5, list);
    return stmt;
}

static enum status read_done_keys(struct sq *sq, const struct op *ops, const int64_t *looked_ms,
                                  size_t count, struct done_keys *out, struct err *err)
{
    struct buf list = BUF_INIT;
    struct jw w;
    int64_t since = INT64_MAX;
    bool row = true;
    jw_init(&w, &list);
    jw_array(&w);
    for (size_t i = 0; i < count; i++)
        if (looked_ms[i] && same_field(&ops[i], out->of)) {
            jw_text(&w, ops[i].key_value);
            since = looked_ms[i] < since ? looked_ms[i] : since;
        }
    jw_end_array(&w);
    enum status rc = FAIL;
    struct sq_stmt *stmt = done_keys_stmt(sq, out->of, buf_text(&list), since, err);
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row)
        map_put(out->keys, sq_col_peek(stmt, 0), out->keys);
    buf_free(&list);
    return rc;
}

static enum status know_done_keys(struct sq *sq, const struct op *ops, const int64_t *looked_ms,
                                  size_t count, struct done_keys *out, struct err *err)
{
    *out = (struct done_keys){0};
    if (!sq->engine->far || !looked_ms)
        return OK;
    for (size_t i = 0; i < count && !out->of; i++)
        if (looked_ms[i] && same_field(&ops[i], &ops[i]))
            out->of = &ops[i];
    if (!out->of)
        return OK;
    out->keys = map_new();
    return read_done_keys(sq, ops, looked_ms, count, out, err);
}

static bool none_is_done(const struct done_keys *done, const struct op *op)
{
    return done->keys && same_field(op, done->of) && !map_has(done->keys, op->key_value);
}

/* inserted: -1 = not tried, because its record is news to who plans. */
static enum status plan_one(struct sq *sq, struct op *op, int64_t looked_ms,
                            const struct done_keys *keys, int64_t *inserted, struct err *err)
{
    int64_t done = 0;
    if (op->key_value && !op->key_field)
        return err_set(err, ERR_INVALID, "an operation's key value needs its key field");
    if (!none_is_done(keys, op) && find_done_since(sq, op, looked_ms, &done, err) != OK)
        return FAIL;
    if (!done)
        return insert_op(sq, op, inserted, err);
    op->id = done;
    *inserted = -1;
    return OK;
}

static enum status insert_all(struct sq *sq, struct op *ops, size_t count, const int64_t *looked_ms,
                              int64_t *inserted, struct err *err)
{
    struct done_keys done;
    enum status rc = know_done_keys(sq, ops, looked_ms, count, &done, err);
    for (size_t i = 0; rc == OK && i < count; i++)
        rc = plan_one(sq, &ops[i], looked_ms ? looked_ms[i] : 0, &done, &inserted[i], err);
    map_free(done.keys);
    return rc == OK ? sq_flush(sq, err) : FAIL;
}

/* All are put in one behind the other, and only then it is asked which went in. */
static enum status plan_all(struct writers *ws, struct op *ops, size_t count,
                            enum plan_result *results, const struct cell_result *cells,
                            const int64_t *looked_ms, struct err *err)
{
    struct sq *sq = ws->sq;
    int64_t *inserted = arena_array(sq->scratch, count + 1, sizeof *inserted);
    int64_t *tables = arena_array(sq->scratch, count + 1, sizeof *tables);
    struct cell_result *mine = arena_array(sq->scratch, count + 1, sizeof *mine);
    size_t fresh = 0;
    if (insert_all(sq, ops, count, looked_ms, inserted, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++) {
        results[i] = inserted[i] > 0 ? PLAN_NEW : PLAN_BUSY;
        if (inserted[i] == 0 && explain_refusal(sq, &ops[i], &results[i], err) != OK)
            return FAIL;
        if (results[i] != PLAN_NEW)
            continue;
        sq_note(sq, NOUN_OPERATION, ops[i].table_id, 0);
        tables[fresh] = ops[i].table_id;
        mine[fresh] = cells ? cells[i] : (struct cell_result){0};
        mine[fresh].op_id = mine[fresh].op_id ? mine[fresh].op_id : ops[i].id;
        fresh++;
    }
    return put_cells(ws, tables, mine, fresh, err);
}

enum status sq_ops_plan(struct store *store, struct op *ops, size_t count,
                        enum plan_result *results, const struct cell_result *cells,
                        const int64_t *looked_ms, struct err *err)
{
    struct writers ws = {.sq = sq_of(store)};
    for (size_t i = 0; i < count; i++) /* before others wait for us */
        complete_op(ws.sq, &ops[i]);
    if (sq_begin(ws.sq, err) != OK)
        return FAIL;
    enum status rc = plan_all(&ws, ops, count, results, cells, looked_ms, err);
    if (rc == OK)
        rc = writers_finish(&ws, err);
    writers_close(&ws);
    return sq_end(ws.sq, rc, err);
}

/* ---------------------------------------------------------------- sending */

static enum status send_one(struct sq *sq, const struct op *op, int64_t now, int64_t deadline_ms,
                            int64_t *moved, struct err *err)
{
    *moved = 0;
    if (!op_move_allowed(op->state, OP_SENDING))
        return OK;
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "UPDATE ops SET state=1,attempt=attempt+1,epoch=?1,sent_ms=?2,deadline_ms=?3,"
                "ticket=?7,base_stamp=coalesce(?8,base_stamp) WHERE id=?4 AND state=?5"
                " AND attempt=?6");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, sq->store.epoch);
    sq_int(stmt, 2, now);
    sq_int(stmt, 3, deadline_ms);
    sq_int(stmt, 4, op->id);
    sq_int(stmt, 5, op->state);
    sq_int(stmt, 6, op->attempt);
    sq_text(stmt, 7, op->ticket);
    sq_text(stmt, 8, op->base_stamp);
    return sq_add(sq, stmt, moved, err);
}

/* Asked in the transaction that marks: what is held after it waits for the next one. */
static enum status is_held(struct sq *sq, int64_t connection_id, int64_t *held, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(
        sq, err, "SELECT count(*) FROM holds WHERE connection_id=? AND released_ms=0");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, connection_id);
    return sq_one_int(sq, stmt, 0, held, err);
}

enum status sq_ops_sending(struct store *store, struct op *ops, size_t count, int64_t deadline_ms,
                           struct err *err)
{
    struct sq *sq = sq_of(store);
    enum status rc = OK;
    int64_t now = sq_now(sq);
    bool stopped = false;
    int64_t held = 0;
    if (sq_begin_beside(sq, err) != OK)
        return FAIL;
    int64_t *moved = arena_array(sq->scratch, count + 1, sizeof *moved);
    rc = sq_sending_stopped(sq, &stopped, err);
    for (size_t i = 0; rc == OK && !stopped && i < count; i++) {
        if (i == 0 || ops[i].connection_id != ops[i - 1].connection_id)
            rc = is_held(sq, ops[i].connection_id, &held, err);
        if (rc == OK && !held)
            rc = send_one(sq, &ops[i], now, deadline_ms, &moved[i], err);
    }
    if (rc == OK)
        rc = sq_flush(sq, err);
    if (sq_end(sq, rc, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++) { /* only now is it true on disk */
        if (!moved[i])
            continue;
        ops[i].state = OP_SENDING;
        ops[i].attempt++;
        ops[i].epoch = sq->store.epoch;
        ops[i].sent_ms = now;
        ops[i].deadline_ms = deadline_ms;
    }
    return OK;
}

/* ----------------------------------------------------------------- settle */

#define MOVE_OP(open)                                                                              \
    "UPDATE ops SET " open "state=?1,result_id=coalesce(?2,result_id),"                            \
    "result_stamp=coalesce(?3,result_stamp),"                                                      \
    "evidence=CASE WHEN ?4 IS NULL OR evidence LIKE '%\"late\"%' THEN evidence ELSE ?4 END,"       \
    "error_code=?5,error_message=?6,adopted=max(adopted,?7),not_before_ms=?8,done_ms=?9,"          \
    "base_stamp=coalesce(?13,base_stamp) WHERE id=?10 AND state=?11 AND epoch=?12"

/* What came late stays where it is: settle_moved puts it together with the new evidence. */
static enum status move_op(struct sq *sq, const struct op_settle *s, int64_t *moved,
                           struct err *err)
{
    /* is_open and outcome are not named where they stay: their indexes are not looked at then */
    struct sq_stmt *stmt =
        sq_stmt(sq, err, op_state_final(s->to) ? MOVE_OP("is_open=0,outcome=?1,") : MOVE_OP(""));
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, s->to);
    sq_text(stmt, 2, s->result_id);
    sq_text(stmt, 3, s->result_stamp);
    sq_text(stmt, 4, s->evidence);
    sq_text(stmt, 5, s->error_code);
    sq_text(stmt, 6, s->error_message);
    sq_int(stmt, 7, s->adopted);
    sq_int(stmt, 8, s->not_before_ms);
    sq_int(stmt, 9, op_state_final(s->to) ? sq_now(sq) : 0);
    sq_int(stmt, 10, s->id);
    sq_int(stmt, 11, s->from);
    sq_int(stmt, 12, s->epoch);
    sq_text(stmt, 13, s->base_stamp);
    return sq_add(sq, stmt, moved, err);
}

/* What the operations are now, in the order of their ids: one question for all. id 0: it is gone. */
static enum status read_settled(struct sq *sq, const int64_t *ids, size_t count, struct op *out,
                                struct err *err)
{
    bool row = true;
    enum status rc;
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "SELECT CAST(l.key AS INTEGER),o.org_id,o.table_id,o.payload,o.target_id,o.result_id,"
                "o.result_stamp,o.evidence FROM json_each(?1) l CROSS JOIN ops o"
                " ON o.id=CAST(l.value AS INTEGER)");
    if (!stmt)
        return FAIL;
    sq_list(stmt, 1, sq->scratch, ids, count);
    while ((rc = sq_row(sq, stmt, &row, err)) == OK && row) {
        size_t at = (size_t)sq_col_int(stmt, 0);
        out[at] = (struct op){.id = ids[at],
                              .org_id = sq_col_text(stmt, 1, sq->scratch),
                              .table_id = sq_col_int(stmt, 2),
                              .payload = sq_col_text(stmt, 3, sq->scratch),
                              .target_id = sq_col_text(stmt, 4, sq->scratch),
                              .result_id = sq_col_text(stmt, 5, sq->scratch),
                              .result_stamp = sq_col_text(stmt, 6, sq->scratch),
                              .evidence = sq_col_text(stmt, 7, sq->scratch)};
    }
    return rc;
}

/* A record that was found rather than written holds its own values, not ours;
 * one that reconciling found is what an earlier attempt wrote. */
static bool wrote_it(const struct op_settle *s)
{
    return s->to == OP_DONE && (!s->adopted || s->from == OP_RECONCILING);
}

/* Two operations of one record: what the later wrote counts. */
static enum status after_the_other(struct sq *sq, struct map *records, const char *record,
                                   struct err *err)
{
    if (map_has(records, record))
        return sq_flush(sq, err);
    map_put(records, record, records);
    return OK;
}

static enum status remember_written(struct sq *sq, const struct op *op, struct map *records,
                                    struct err *err)
{
    const char *record = op->result_id ? op->result_id : op->target_id;
    if (!record)
        return OK;
    if (sq->engine->far && after_the_other(sq, records, record, err) != OK)
        return FAIL;
    return written_remember(sq, op, record, op->result_stamp, err);
}

static enum status settle_moved(struct sq *sq, const struct op_settle *s, const struct op *op,
                                struct map *records, struct err *err)
{
    sq_note(sq, NOUN_OPERATION, op->table_id, 0);
    if (s->evidence && !text_eq(s->evidence, op->evidence) &&
        evidence_join(sq, s->id, op->evidence, s->evidence, err) != OK)
        return FAIL;
    if (wrote_it(s) && remember_written(sq, op, records, err) != OK)
        return FAIL;
    if (!s->audit)
        return OK;
    char *detail = arena_printf(sq->scratch, "{\"operation\":%lld,\"state\":\"%s\"}",
                                (long long)s->id, op_state_name(s->to));
    return audit_append(sq, "argil", s->audit, detail, err);
}

/* Those that moved, with their cells; the others are a zombie's, and counted. */
struct settling {
    const struct op_settle **moved;
    int64_t *ids, *tables;
    struct op *ops;
    struct cell_result *cells;
    size_t count, fenced;
};

static enum status move_all(struct sq *sq, const struct op_settle *settles, size_t count,
                            int64_t *changed, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct op_settle *s = &settles[i];
        if (s->to == OP_SENDING || !op_move_allowed(s->from, s->to))
            return err_set(err, ERR_INVALID, "operation %lld may not go from %s to %s",
                           (long long)s->id, op_state_name(s->from), op_state_name(s->to));
        if (move_op(sq, s, &changed[i], err) != OK)
            return FAIL;
    }
    return OK;
}

/* Which of them moved, and what they are now: with one question, which all moves go before. */
static enum status read_moved(struct sq *sq, const struct op_settle *settles, size_t count,
                              const int64_t *changed, struct settling *out, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        out->ids[i] = settles[i].id;
    if (count && (read_settled(sq, out->ids, count, out->ops, err) != OK || sq_flush(sq, err) != OK))
        return FAIL;
    for (size_t i = 0; i < count; i++) {
        if (!changed[i])
            continue;
        if (!out->ops[i].id)
            return err_set(err, ERR_NOT_FOUND, "an operation is gone");
        out->ops[out->count] = out->ops[i];
        out->moved[out->count++] = &settles[i];
    }
    out->fenced = count - out->count;
    return OK;
}

static enum status keep_fenced(struct sq *sq, const struct op_settle *settles, size_t count,
                               const int64_t *changed, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (!changed[i] && evidence_keep_late(sq, &settles[i], err) != OK)
            return FAIL;
    return OK;
}

static enum status settle_all(struct writers *ws, const struct op_settle *settles, size_t count,
                              struct settling *s, struct err *err)
{
    struct sq *sq = ws->sq;
    size_t room = count + 1;
    int64_t *changed = arena_array(sq->scratch, room, sizeof *changed);
    *s = (struct settling){.moved = arena_array(sq->scratch, room, sizeof *s->moved),
                           .ids = arena_array(sq->scratch, room, sizeof *s->ids),
                           .tables = arena_array(sq->scratch, room, sizeof *s->tables),
                           .ops = arena_array(sq->scratch, room, sizeof *s->ops),
                           .cells = arena_array(sq->scratch, room, sizeof *s->cells)};
    if (move_all(sq, settles, count, changed, err) != OK ||
        read_moved(sq, settles, count, changed, s, err) != OK)
        return FAIL;
    if (keep_fenced(sq, settles, count, changed, err) != OK || audit_begin(sq, err) != OK)
        return FAIL;
    struct map *records = map_new();
    enum status rc = OK;
    for (size_t i = 0; rc == OK && i < s->count; i++) {
        rc = settle_moved(sq, s->moved[i], &s->ops[i], records, err);
        s->tables[i] = s->ops[i].table_id;
        s->cells[i] = s->moved[i]->cell;
    }
    map_free(records);
    return rc == OK ? put_cells(ws, s->tables, s->cells, s->count, err) : FAIL;
}

enum status sq_ops_settle(struct store *store, const struct op_settle *settles, size_t count,
                          const struct dependents *dependents, size_t dependent_count,
                          size_t *fenced, struct err *err)
{
    struct writers ws = {
        .sq = sq_of(store), .dependents = dependents, .dependent_count = dependent_count};
    struct settling settling;
    if (sq_begin(ws.sq, err) != OK)
        return FAIL;
    enum status rc = settle_all(&ws, settles, count, &settling, err);
    if (rc == OK)
        rc = writers_finish(&ws, err);
    writers_close(&ws);
    rc = sq_end(ws.sq, rc, err);
    if (fenced)
        *fenced = rc == OK ? settling.fenced : 0;
    return rc;
}

/* ---------------------------------------------------------------- put off */

static enum status put_off(struct sq *sq, const int64_t *ids, size_t count, int64_t not_before_ms,
                           struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err, "UPDATE ops SET not_before_ms=?2 WHERE id=?1");
    if (!stmt)
        return FAIL;
    for (size_t i = 0; i < count; i++) {
        sq_int(stmt, 1, ids[i]);
        sq_int(stmt, 2, not_before_ms);
        if (sq_done(sq, stmt, err) != OK)
            return FAIL;
    }
    return OK;
}

enum status sq_ops_put_off(struct store *store, const int64_t *ids, size_t count,
                           int64_t not_before_ms, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, put_off(sq, ids, count, not_before_ms, err), err);
}

/* ---------------------------------------------------------------- recover */

/* What a process held that is gone is ours to find out about (W4). What it had
 * found doubtful already only changes hands. */
static enum status recover(struct sq *sq, int64_t *moved, struct err *err)
{
    const char *live;
    if (sq->engine->live_epochs(sq, &live, err) != OK)
        return FAIL;
    struct sq_stmt *stmt = sq_stmtf(sq, err,
                                    "UPDATE ops SET state=3,epoch=?1 WHERE state IN (1,4)"
                                    " AND " SQ_OPEN_OPS " AND epoch NOT IN (%s)",
                                    live);
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, sq->store.epoch);
    if (sq_done(sq, stmt, err) != OK)
        return FAIL;
    *moved = sq_changes(sq);
    stmt = sq_stmtf(sq, err,
                    "UPDATE ops SET epoch=?1 WHERE state IN (3,5)"
                    " AND " SQ_OPEN_OPS " AND epoch NOT IN (%s)",
                    live);
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, sq->store.epoch);
    return sq_done(sq, stmt, err);
}

enum status sq_ops_recover(struct store *store, int64_t *moved, struct err *err)
{
    struct sq *sq = sq_of(store);
    int64_t count = 0;
    if (sq_begin(sq, err) != OK)
        return FAIL;
    enum status rc = sq_end(sq, recover(sq, &count, err), err);
    if (moved)
        *moved = rc == OK ? count : 0;
    return rc;
}
