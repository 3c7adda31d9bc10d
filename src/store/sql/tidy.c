/* tidy.c - rows that auto_delete takes away: see store_tidy.h. */
#include "store/sql/sql_priv.h"
#include "store/store_tidy.h"

/* Rows that were there before the time of arrival was kept count as come now. */
enum status sq_step_tidy(struct sq *sq, struct err *err)
{
    return sq_each_sheet(
        sq,
        arena_printf(sq->scratch, "ALTER TABLE t@ ADD COLUMN made INTEGER NOT NULL DEFAULT %lld;",
                     (long long)sq_now(sq)),
        err);
}

struct tidying {
    struct sq *sq;
    const struct tidy_query *query;
    struct tidied *out;
    struct sq_stmt *may, *mark, *merged, *forget;
    struct row_remover remover;
    struct deduper dedupe;
    struct historian history;
};

/* A row that may go: live, old enough, nothing of it under way. */
static struct sq_stmt *may_stmt(struct tidying *t, struct err *err)
{
    const struct tidy_query *q = t->query;
    long long id = q->table_id;
    struct buf sql = BUF_INIT;
    buf_printf(
        &sql,
        "SELECT count(*) FROM t%lld t WHERE t.rid=?1 AND t.deleted=0 AND t.made<=?2"
        " AND NOT EXISTS(SELECT 1 FROM ops WHERE row_id=?1 AND table_id=%lld AND " SQ_OPEN_OPS ")",
        id, id);
    for (size_t i = 0; i < q->column_count; i++) {
        buf_printf(&sql,
                   " AND coalesce((SELECT state FROM s%lld WHERE cid=%lld AND rid=?1),"
                   "CASE WHEN t.c%d IS NULL THEN %d ELSE %d END)",
                   id, (long long)q->columns[i].id, q->columns[i].slot, CELL_EMPTY, CELL_OK);
        if (q->finished)
            buf_printf(&sql, " IN (%d,%d,%d)", CELL_OK, CELL_NO_RESULT, CELL_SKIPPED);
        else
            buf_printf(&sql, " NOT IN (%d,%d,%d,%d)", CELL_QUEUED, CELL_RUNNING, CELL_RETRYING,
                       CELL_IN_DOUBT);
    }
    struct sq_stmt *stmt = sq_stmt(t->sq, err, buf_text(&sql));
    buf_free(&sql);
    return stmt;
}

static enum status tidying_open(struct tidying *t, struct err *err)
{
    long long id = t->query->table_id;
    t->may = may_stmt(t, err);
    t->mark = sq_stmtf(t->sq, err, "UPDATE t%lld SET deleted=%d WHERE rid=?", id, SQ_TIDIED);
    t->merged = sq_stmt(
        t->sq, err, "SELECT row_id FROM merged_rows WHERE table_id=? AND into_id=? AND restored=0");
    t->forget = sq_stmt(t->sq, err, "DELETE FROM merged_rows WHERE table_id=? AND into_id=?");
    if (!t->may || !t->mark || !t->merged || !t->forget ||
        deduper_open(&t->dedupe, t->sq, id, err) != OK ||
        historian_open(&t->history, t->sq, id, HISTORY_BY_IMPORT, 0, err) != OK)
        return FAIL;
    return row_remover_open(&t->remover, t->sq, id, err);
}

static enum status take_away(struct tidying *t, int64_t row_id, struct err *err)
{
    sq_note_row(t->sq, t->query->table_id, row_id);
    if (historian_forget(&t->history, row_id, err) != OK ||
        row_remove(&t->remover, row_id, err) != OK)
        return FAIL;
    sq_int(t->mark, 1, row_id);
    return sq_done(t->sq, t->mark, err);
}

/* What was merged into it goes along: else the next of those would come to light. */
static enum status take_merged(struct tidying *t, int64_t row_id, struct err *err)
{
    VEC(int64_t) ids = {0};
    bool row = true;
    enum status rc = OK;
    sq_int(t->merged, 1, t->query->table_id);
    sq_int(t->merged, 2, row_id);
    while ((rc = sq_row(t->sq, t->merged, &row, err)) == OK && row)
        vec_push(&ids, sq_col_int(t->merged, 0));
    for (size_t i = 0; rc == OK && i < ids.len; i++)
        rc = take_away(t, ids.at[i], err);
    t->out->merged += (int64_t)ids.len;
    vec_free(&ids);
    sq_int(t->forget, 1, t->query->table_id);
    sq_int(t->forget, 2, row_id);
    return rc == OK ? sq_done(t->sq, t->forget, err) : FAIL;
}

static enum status tidy_row(struct tidying *t, int64_t row_id, struct err *err)
{
    int64_t may = 0;
    sq_int(t->may, 1, row_id);
    sq_int(t->may, 2, t->query->made_before_ms);
    if (sq_one_int(t->sq, t->may, 0, &may, err) != OK)
        return FAIL;
    t->out->removed += may;
    t->out->kept += !may;
    if (!may || t->query->dry_run)
        return OK;
    if (t->dedupe.on && take_merged(t, row_id, err) != OK)
        return FAIL;
    return take_away(t, row_id, err) == OK ? deduper_drop(&t->dedupe, row_id, err) : FAIL;
}

static enum status tidying_end(struct tidying *t, int64_t removed, int64_t merged, struct err *err)
{
    if (!removed || t->query->dry_run)
        return OK;
    if (deduper_finish(&t->dedupe, err) != OK || historian_finish(&t->history, err) != OK ||
        sq_count_rows(t->sq, t->query->table_id, -removed, err) != OK)
        return FAIL;
    return audit_append(
        t->sq, t->query->who, "rows tidied",
        arena_printf(t->sq->scratch, "{\"table\":%lld,\"rows\":%lld,\"merged\":%lld}",
                     (long long)t->query->table_id, (long long)removed, (long long)merged),
        err);
}

static enum status tidy(struct tidying *t, struct err *err)
{
    struct tidied was = *t->out;
    enum status rc = tidying_open(t, err);
    for (size_t i = 0; rc == OK && i < t->query->row_count; i++)
        rc = tidy_row(t, t->query->row_ids[i], err);
    if (rc == OK)
        rc = tidying_end(t, t->out->removed - was.removed, t->out->merged - was.merged, err);
    row_remover_close(&t->remover);
    return rc;
}

static enum status sq_tidy_rows(struct store *store, const struct tidy_query *query,
                                struct tidied *out, struct err *err)
{
    struct tidied sum = *out;
    struct tidying t = {.sq = sq_of(store), .query = query, .out = &sum};
    if ((query->dry_run ? sq_begin_read(t.sq, err) : sq_begin(t.sq, err)) != OK)
        return FAIL;
    if (sq_end(t.sq, tidy(&t, err), err) != OK)
        return FAIL;
    *out = sum;
    return OK;
}

static enum status kept_from(struct sq *sq, int64_t table_id, int64_t keep, int64_t *row_id,
                             struct err *err)
{
    struct sq_stmt *stmt = sq_stmtf(
        sq, err, "SELECT rid FROM t%lld WHERE deleted=0 ORDER BY rid DESC LIMIT 1 OFFSET ?1",
        (long long)table_id);
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, keep - 1);
    return sq_one_int(sq, stmt, 0, row_id, err);
}

static enum status sq_tidy_kept_from(struct store *store, int64_t table_id, int64_t keep,
                                     int64_t *row_id, struct err *err)
{
    struct sq *sq = sq_of(store);
    *row_id = INT64_MAX;
    if (keep <= 0)
        return OK;
    if (sq_begin_read(sq, err) != OK)
        return FAIL;
    return sq_end(sq, kept_from(sq, table_id, keep, row_id, err), err);
}

const struct store_tidy sq_row_tidy = {.rows = sq_tidy_rows, .kept_from = sq_tidy_kept_from};
