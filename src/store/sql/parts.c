/* parts.c - see store_parts.h. A claim takes the first part that nobody holds, passing over
 * those that another process is just taking: it waits for nobody. */
#include "store/sql/sql_priv.h"
#include "store/store_parts.h"

_Static_assert(CELL_DUE == 1 && CELL_WAITING == 7 && CELL_RETRYING == 8, "SQ_TO_DO reads them");

const char sq_step_parts[] =
    "CREATE TABLE parts("
    " run_id INTEGER NOT NULL, number INTEGER NOT NULL, table_id INTEGER NOT NULL,"
    " after_row INTEGER NOT NULL, last_row INTEGER NOT NULL,"
    " epoch INTEGER NOT NULL DEFAULT 0, done INTEGER NOT NULL DEFAULT 0,"
    " outcomes INTEGER NOT NULL DEFAULT 0, failures INTEGER NOT NULL DEFAULT 0,"
    " report TEXT, error TEXT, PRIMARY KEY(run_id, number)) WITHOUT ROWID;";

/* ------------------------------------------------------------------ cutting */

static enum status refuse_twice(struct sq *sq, int64_t run_id, struct err *err)
{
    int64_t there;
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT count(*) FROM parts WHERE run_id=?1");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, run_id);
    if (sq_one_int(sq, stmt, 0, &there, err) != OK)
        return FAIL;
    return there ? err_set(err, ERR_CONFLICT, "run %lld is cut already", (long long)run_id) : OK;
}

#define PARTS_WANTED 20 /* of what is left: nobody waits long for the last ones */

#define SQ_TO_DO "FROM s%lld WHERE state IN (1,7,8)" /* due, waiting, retrying */

struct cutter {
    VEC(int64_t) ends; /* the last row of each part */
    int64_t least, most;
    int64_t left;    /* rows that have something to do and are in no part yet */
    int64_t in_part; /* of the present one, so far */
};

static enum status count_rows(struct sq *sq, int64_t table_id, int64_t *rows, struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmtf(sq, err, "SELECT count(DISTINCT rid) " SQ_TO_DO, (long long)table_id);
    return stmt ? sq_one_int(sq, stmt, 0, rows, err) : FAIL;
}

/* A multiple of `least`, so that exchanges are as full as they would be otherwise. */
static int64_t rows_of_part(const struct cutter *c)
{
    int64_t share = (c->left + PARTS_WANTED - 1) / PARTS_WANTED;
    int64_t each = (share + c->least - 1) / c->least * c->least;
    return each < c->least ? c->least : each > c->most ? c->most : each;
}

static enum status find_ends(struct sq *sq, int64_t table_id, struct cutter *c, struct err *err)
{
    bool row = true;
    int64_t each = rows_of_part(c);
    enum status rc = FAIL;
    struct sq_stmt *stmt = sq_stmtf(sq, err, "SELECT rid " SQ_TO_DO " GROUP BY rid ORDER BY rid",
                                    (long long)table_id);
    if (stmt)
        sq_stream(stmt);
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row) {
        if (++c->in_part < each || c->left == c->in_part)
            continue; /* the last part is the open one */
        vec_push(&c->ends, sq_col_int(stmt, 0));
        c->left -= c->in_part;
        c->in_part = 0;
        each = rows_of_part(c);
    }
    return rc;
}

static enum status add_part(struct sq *sq, const struct store_part *part, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(
        sq, err,
        "INSERT INTO parts(run_id,number,table_id,after_row,last_row) VALUES(?1,?2,?3,?4,?5)");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, part->run_id);
    sq_int(stmt, 2, part->number);
    sq_int(stmt, 3, part->table_id);
    sq_int(stmt, 4, part->after_row);
    sq_int(stmt, 5, part->last_row);
    return sq_done(sq, stmt, err);
}

static enum status cut(struct sq *sq, int64_t run_id, int64_t table_id, int64_t least,
                       int64_t most, int64_t *count, struct err *err)
{
    struct cutter c = {.least = least, .most = most};
    enum status rc = refuse_twice(sq, run_id, err);
    if (rc == OK)
        rc = count_rows(sq, table_id, &c.left, err);
    if (rc == OK && c.left >= 2 * least)
        rc = find_ends(sq, table_id, &c, err);
    if (rc == OK && c.ends.len)
        *count = (int64_t)c.ends.len + 1;
    for (int64_t i = 0; rc == OK && i < *count; i++) {
        struct store_part part = {.run_id = run_id,
                                  .table_id = table_id,
                                  .number = i + 1,
                                  .after_row = i ? c.ends.at[i - 1] : 0,
                                  .last_row = i + 1 < *count ? c.ends.at[i] : INT64_MAX};
        rc = add_part(sq, &part, err);
    }
    vec_free(&c.ends);
    return rc;
}

static enum status parts_cut(struct store *store, int64_t run_id, int64_t table_id, int64_t least,
                             int64_t most, int64_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    *count = 0;
    if (least < 1)
        return err_set(err, ERR_INVALID, "a part has at least one row");
    if (sq_begin(sq, err) != OK)
        return FAIL;
    sq->wakes = true;
    enum status rc = sq_end(sq, cut(sq, run_id, table_id, least, most, count, err), err);
    if (rc != OK)
        *count = 0;
    return rc;
}

/* ----------------------------------------------------------------- claiming */

static enum status first_free(struct sq *sq, int64_t run_id, struct store_part *out,
                              struct err *err)
{
    bool row;
    struct sq_stmt *stmt =
        sq_stmtf(sq, err,
                 "SELECT number,table_id,after_row,last_row FROM parts WHERE run_id=?1 AND epoch=0"
                 " AND done=0 ORDER BY number LIMIT 1%s",
                 sq->engine->skip_locked);
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, run_id);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    if (!row)
        return OK;
    *out = (struct store_part){.run_id = run_id,
                               .number = sq_col_int(stmt, 0),
                               .table_id = sq_col_int(stmt, 1),
                               .after_row = sq_col_int(stmt, 2),
                               .last_row = sq_col_int(stmt, 3)};
    sq_reset(stmt);
    return OK;
}

/* One that is in hand `from` is from now on in hand `to`. */
static enum status hand_over(struct sq *sq, const struct store_part *part, int64_t from, int64_t to,
                             struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(
        sq, err, "UPDATE parts SET epoch=?4 WHERE run_id=?1 AND number=?2 AND epoch=?3 AND done=0");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, part->run_id);
    sq_int(stmt, 2, part->number);
    sq_int(stmt, 3, from);
    sq_int(stmt, 4, to);
    return sq_done(sq, stmt, err);
}

static enum status parts_claim(struct store *store, int64_t run_id, struct store_part *out,
                               struct err *err)
{
    struct sq *sq = sq_of(store);
    struct store_part part = {0};
    *out = part;
    if (sq_begin_beside(sq, err) != OK)
        return FAIL;
    enum status rc = first_free(sq, run_id, &part, err);
    if (rc == OK && part.number)
        rc = hand_over(sq, &part, 0, sq->store.epoch, err);
    rc = sq_end(sq, rc, err);
    if (rc == OK)
        *out = part;
    return rc;
}

static enum status parts_give_back(struct store *store, const struct store_part *part,
                                   struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    sq->wakes = true;
    return sq_end(sq, hand_over(sq, part, sq->store.epoch, 0, err), err);
}

/* ------------------------------------------------------------------- ending */

static enum status set_done(struct sq *sq, const struct store_part *part,
                            const struct part_end *end, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                   "UPDATE parts SET done=1,report=?4,error=?5 WHERE run_id=?1 AND"
                                   " number=?2 AND epoch=?3 AND done=0");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, part->run_id);
    sq_int(stmt, 2, part->number);
    sq_int(stmt, 3, sq->store.epoch);
    sq_text(stmt, 4, end->report);
    sq_text(stmt, 5, end->error);
    return sq_done(sq, stmt, err);
}

static enum status parts_done(struct store *store, const struct store_part *part,
                              const struct part_end *end, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin_beside(sq, err) != OK)
        return FAIL;
    return sq_end(sq, set_done(sq, part, end, err), err);
}

/* ------------------------------------------------------------------- asking */

static enum status parts_count(struct store *store, int64_t run_id, struct parts_count *out,
                               struct err *err)
{
    bool row;
    struct sq *sq = sq_of(store);
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "SELECT sum(CASE WHEN done=0 AND epoch=0 THEN 1 ELSE 0 END),"
                "sum(CASE WHEN done=0 AND epoch<>0 THEN 1 ELSE 0 END),"
                "sum(CASE WHEN done<>0 THEN 1 ELSE 0 END) FROM parts WHERE run_id=?1");
    *out = (struct parts_count){0};
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, run_id);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    if (!row)
        return OK;
    *out = (struct parts_count){
        .waiting = sq_col_int(stmt, 0), .held = sq_col_int(stmt, 1), .done = sq_col_int(stmt, 2)};
    sq_reset(stmt);
    return OK;
}

static enum status parts_wanted(struct store *store, struct arena *arena, struct parts_wanted **out,
                                size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    VEC(struct parts_wanted) list = {0};
    bool row = true;
    enum status rc = FAIL;
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "SELECT j.run_id,j.table_id,j.lane,j.text FROM jobs j WHERE j.stop=0 AND EXISTS("
                "SELECT 1 FROM parts p WHERE p.run_id=j.run_id AND p.epoch=0 AND p.done=0)"
                " ORDER BY j.run_id");
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row) {
        struct parts_wanted wanted = {.run_id = sq_col_int(stmt, 0),
                                      .table_id = sq_col_int(stmt, 1),
                                      .lane = sq_col_text(stmt, 2, arena),
                                      .text = sq_col_text(stmt, 3, arena)};
        vec_push(&list, wanted);
    }
    *count = rc == OK ? list.len : 0;
    *out = arena_array(arena, list.len + 1, sizeof **out);
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = list.at[i];
    vec_free(&list);
    return rc;
}

static enum status parts_ends(struct store *store, struct arena *arena, int64_t run_id,
                              struct part_end **out, size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    VEC(struct part_end) list = {0};
    bool row = true;
    enum status rc = FAIL;
    struct sq_stmt *stmt =
        sq_stmt(sq, err,
                "SELECT report,error FROM parts WHERE run_id=?1 AND done<>0 ORDER BY number");
    if (stmt)
        sq_int(stmt, 1, run_id);
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row) {
        struct part_end end = {sq_col_text(stmt, 0, arena), sq_col_text(stmt, 1, arena)};
        vec_push(&list, end);
    }
    *count = rc == OK ? list.len : 0;
    *out = arena_array(arena, list.len + 1, sizeof **out);
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = list.at[i];
    vec_free(&list);
    return rc;
}

/* ------------------------------------------------------------------ tallying */

static enum status add_tally(struct sq *sq, const struct store_part *part, int64_t outcomes,
                             int64_t failures, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                   "UPDATE parts SET outcomes=outcomes+?4,failures=failures+?5"
                                   " WHERE run_id=?1 AND number=?2 AND epoch=?3");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, part->run_id);
    sq_int(stmt, 2, part->number);
    sq_int(stmt, 3, sq->store.epoch);
    sq_int(stmt, 4, outcomes);
    sq_int(stmt, 5, failures);
    return sq_done(sq, stmt, err);
}

static enum status sum_tally(struct sq *sq, int64_t run_id, int64_t *outcomes, int64_t *failures,
                             struct err *err)
{
    bool row;
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "SELECT sum(outcomes),sum(failures) FROM parts WHERE run_id=?1");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, run_id);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    *outcomes = row ? sq_col_int(stmt, 0) : 0;
    *failures = row ? sq_col_int(stmt, 1) : 0;
    sq_reset(stmt);
    return OK;
}

static enum status parts_tally(struct store *store, const struct store_part *part, int64_t outcomes,
                               int64_t failures, int64_t *all_outcomes, int64_t *all_failures,
                               struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin_beside(sq, err) != OK) /* one's own; of the others', what has been stored */
        return FAIL;
    enum status rc = add_tally(sq, part, outcomes, failures, err);
    if (rc == OK)
        rc = sum_tally(sq, part->run_id, all_outcomes, all_failures, err);
    return sq_end(sq, rc, err);
}

const struct store_parts sq_parts = {.cut = parts_cut,
                                     .claim = parts_claim,
                                     .done = parts_done,
                                     .give_back = parts_give_back,
                                     .count = parts_count,
                                     .wanted = parts_wanted,
                                     .ends = parts_ends,
                                     .tally = parts_tally};
