/* matches.c - finding rows by what is in them, through an index of its own.
 *
 * An index m<TABLE>_<SLOT>[n] (n: folded, argil_fold of functions.c) is over the
 * beginning of one column of the live rows: as much of a long text as both databases
 * take into an index. It is made when a column first asks by it and goes with its
 * table; match_indexes knows which there are. */
#include "store/sql/sql_priv.h"
#include "store/store_matches.h"

#include "base/normal.h"
#include "base/sortkey.h"

const char sq_step_matches[] =
    "CREATE TABLE match_indexes(table_id INTEGER NOT NULL, slot INTEGER NOT NULL,"
    " folded INTEGER NOT NULL, PRIMARY KEY(table_id, slot, folded)) WITHOUT ROWID;";

#define BEGINNING 200 /* characters of a value that the index holds */

/* The column as it is compared: "c5", "argil_fold(c5)". */
static const char *side(struct sq *sq, int slot, bool folded)
{
    return arena_printf(sq->scratch, folded ? "argil_fold(c%d)" : "c%d", slot);
}

static enum status is_there(struct sq *sq, int64_t table_id, int slot, bool folded, bool *there,
                            struct err *err)
{
    int64_t found;
    struct sq_stmt *stmt = sq_stmt(
        sq, err, "SELECT 1 FROM match_indexes WHERE table_id=? AND slot=? AND folded=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table_id);
    sq_int(stmt, 2, slot);
    sq_int(stmt, 3, folded);
    if (sq_one_int(sq, stmt, 0, &found, err) != OK)
        return FAIL;
    *there = found != 0;
    return OK;
}

static enum status make_index(struct sq *sq, int64_t table_id, int slot, bool folded,
                              struct err *err)
{
    bool there;
    if (is_there(sq, table_id, slot, folded, &there, err) != OK || there)
        return there ? OK : FAIL;
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "INSERT INTO match_indexes(table_id,slot,folded) VALUES(?,?,?)");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table_id);
    sq_int(stmt, 2, slot);
    sq_int(stmt, 3, folded);
    if (sq_done(sq, stmt, err) != OK)
        return FAIL;
    return sq_exec(sq,
                   arena_printf(sq->scratch,
                                "CREATE INDEX m%lld_%d%s ON t%lld(substr(%s,1,%d)) WHERE deleted=0",
                                (long long)table_id, slot, folded ? "n" : "", (long long)table_id,
                                side(sq, slot, folded), BEGINNING),
                   err);
}

static enum status matches_prepare(struct store *store, int64_t table_id, int slot,
                                   bool ignore_case, struct err *err)
{
    struct sq *sq = sq_of(store);
    bool there = false;
    if (sq_begin_read(sq, err) != OK ||
        sq_end(sq, is_there(sq, table_id, slot, ignore_case, &there, err), err) != OK)
        return FAIL;
    if (there)
        return OK;
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, make_index(sq, table_id, slot, ignore_case, err), err);
}

static void put_condition(struct sq *sq, struct buf *sql, const struct match_query *q, size_t i)
{
    const char *ours = side(sq, q->slots[i], q->ignore_case);
    if (q->contains)
        buf_printf(sql, " AND coalesce(instr(%s,?%zu),0)>0", ours, i + 1);
    else
        buf_printf(sql, " AND substr(%s,1,%d)=substr(?%zu,1,%d) AND %s=?%zu", ours, BEGINNING,
                   i + 1, BEGINNING, ours, i + 1);
}

static struct sq_stmt *find_stmt(struct sq *sq, const struct match_query *q, struct err *err)
{
    struct buf sql = BUF_INIT;
    buf_str(&sql, "SELECT rid,key,src");
    for (size_t i = 0; i < q->value_count; i++)
        buf_printf(&sql, ",c%d", q->values[i]);
    buf_printf(&sql, " FROM t%lld WHERE deleted=0", (long long)q->table_id);
    for (size_t i = 0; i < q->slot_count; i++)
        put_condition(sq, &sql, q, i);
    buf_printf(&sql, " ORDER BY rid %s LIMIT ?%zu", q->last_first ? "DESC" : "ASC",
               q->slot_count + 1);
    struct sq_stmt *stmt = sq_stmt(sq, err, buf_text(&sql));
    buf_free(&sql);
    return stmt;
}

static struct row read_row(struct sq_stmt *stmt, struct arena *arena, size_t values)
{
    struct row row = {.id = sq_col_int(stmt, 0),
                      .key = sq_col_text(stmt, 1, arena),
                      .sources = (uint64_t)sq_col_int(stmt, 2)};
    row.values = arena_array(arena, values + 1, sizeof *row.values);
    for (size_t i = 0; i < values; i++)
        row.values[i] = sq_col_value(stmt, (int)i + 3, arena);
    return row;
}

static struct value folded(struct arena *arena, struct value value)
{
    struct buf text = BUF_INIT;
    text_fold(&text, value.text, value.len);
    value.text = arena_strndup(arena, buf_text(&text), text.len);
    value.len = (uint32_t)text.len;
    buf_free(&text);
    return value;
}

static enum status find_one(struct sq *sq, struct sq_stmt *stmt, struct arena *arena,
                            const struct match_query *q, size_t question, struct match_found *out,
                            struct err *err)
{
    VEC(struct row) rows = {0};
    bool more = true;
    enum status rc = OK;
    for (size_t i = 0; i < q->slot_count; i++) {
        struct value wanted = q->wanted[question * q->slot_count + i];
        sq_value(stmt, (int)i + 1, q->ignore_case ? folded(arena, wanted) : wanted);
    }
    sq_int(stmt, (int)q->slot_count + 1, (int64_t)q->limit);
    while (rc == OK && more) {
        rc = sq_row(sq, stmt, &more, err);
        if (rc == OK && more)
            vec_push(&rows, read_row(stmt, arena, q->value_count));
    }
    out->count = rows.len;
    out->rows = arena_array(arena, rows.len + 1, sizeof *out->rows);
    for (size_t i = 0; i < rows.len; i++)
        out->rows[i] = rows.at[i];
    vec_free(&rows);
    return rc;
}

static enum status find_all(struct sq *sq, struct arena *arena, const struct match_query *q,
                            struct match_found *out, struct err *err)
{
    struct sq_stmt *stmt = find_stmt(sq, q, err);
    if (!stmt)
        return FAIL;
    for (size_t i = 0; i < q->count; i++)
        if (find_one(sq, stmt, arena, q, i, &out[i], err) != OK)
            return FAIL;
    return OK;
}

static enum status matches_find(struct store *store, struct arena *arena,
                                const struct match_query *query, struct match_found *out,
                                struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin_read(sq, err) != OK)
        return FAIL;
    return sq_end(sq, find_all(sq, arena, query, out, err), err);
}

const struct store_matches sq_matches = {.prepare = matches_prepare, .find = matches_find};
