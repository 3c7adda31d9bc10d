/* dedupe.c - each key once among a table's live rows, whoever writes the value.
 *
 * dedupe_keys has the row that stays for each key; its primary key is what makes two
 * writers take turns. merged_rows has the others: out of sight (deleted = SQ_MERGED),
 * still held by their sources. A row that a person restored keeps its line there, and
 * is left alone as long as its key is the one it was merged by.
 *
 * Row ids only grow, so the lowest is the oldest. */
#include "store/sql/sql_priv.h"

#include "base/mem.h"
#include "base/str.h"
#include "model/dedupe.h"

#include <stdlib.h>
#include <string.h>

const char sq_step_dedupe[] =
    "CREATE TABLE dedupe(table_id INTEGER PRIMARY KEY, column_id INTEGER NOT NULL,"
    " slot INTEGER NOT NULL, newest INTEGER NOT NULL, same INTEGER NOT NULL);"
    "CREATE TABLE dedupe_keys(table_id INTEGER NOT NULL, same_key TEXT NOT NULL,"
    " row_id INTEGER NOT NULL, PRIMARY KEY(table_id, same_key)) WITHOUT ROWID;"
    "CREATE UNIQUE INDEX dedupe_keys_row ON dedupe_keys(table_id, row_id);"
    "CREATE TABLE merged_rows(table_id INTEGER NOT NULL, row_id INTEGER NOT NULL,"
    " into_id INTEGER NOT NULL, same_key TEXT NOT NULL, at_ms INTEGER NOT NULL,"
    " restored INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(table_id, row_id)) WITHOUT ROWID;"
    "CREATE INDEX merged_rows_into ON merged_rows(table_id, into_id, row_id);";

enum status deduper_open(struct deduper *d, struct sq *sq, int64_t table_id, struct err *err)
{
    bool row;
    *d = (struct deduper){.sq = sq, .table_id = table_id};
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "SELECT column_id,slot,newest,same FROM dedupe WHERE table_id=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table_id);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    if (!row)
        return OK;
    d->on = true;
    d->column_id = sq_col_int(stmt, 0);
    d->slot = (int)sq_col_int(stmt, 1);
    d->newest = sq_col_int(stmt, 2) != 0;
    d->as = (int)sq_col_int(stmt, 3);
    sq_reset(stmt);
    return OK;
}

/* ------------------------------------------------------------ statements */

/* One of the statements over (table, number, ...); the caller binds what follows. */
static struct sq_stmt *about(struct deduper *d, const char *sql, int64_t number, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(d->sq, err, sql);
    if (!stmt)
        return NULL;
    sq_int(stmt, 1, d->table_id);
    sq_int(stmt, 2, number);
    return stmt;
}

static enum status run_about(struct deduper *d, const char *sql, int64_t number, struct err *err)
{
    struct sq_stmt *stmt = about(d, sql, number, err);
    return stmt ? sq_done(d->sq, stmt, err) : FAIL;
}

/* The key that a row stands for; NULL = none. On the scratch arena. */
static enum status key_of(struct deduper *d, int64_t row_id, const char **key, struct err *err)
{
    bool row;
    struct sq_stmt *stmt = about(
        d, "SELECT same_key FROM dedupe_keys WHERE table_id=? AND row_id=?", row_id, err);
    *key = NULL;
    if (!stmt || sq_row(d->sq, stmt, &row, err) != OK)
        return FAIL;
    if (row) {
        *key = sq_col_text(stmt, 0, d->sq->scratch);
        sq_reset(stmt);
    }
    return OK;
}

/* The key by which a row was merged; NULL = it was not. */
static enum status merged_by(struct deduper *d, int64_t row_id, const char **key, bool *restored,
                             struct err *err)
{
    bool row;
    struct sq_stmt *stmt =
        about(d, "SELECT same_key,restored FROM merged_rows WHERE table_id=? AND row_id=?", row_id,
              err);
    *key = NULL;
    *restored = false;
    if (!stmt || sq_row(d->sq, stmt, &row, err) != OK)
        return FAIL;
    if (row) {
        *key = sq_col_text(stmt, 0, d->sq->scratch);
        *restored = sq_col_int(stmt, 1) != 0;
        sq_reset(stmt);
    }
    return OK;
}

static enum status holder_of(struct deduper *d, const char *key, int64_t *row_id, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(
        d->sq, err, "SELECT row_id FROM dedupe_keys WHERE table_id=? AND same_key=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, d->table_id);
    sq_text(stmt, 2, key);
    return sq_one_int(d->sq, stmt, 0, row_id, err);
}

/* One of the two statements that give a key to a row; *done when it has it. */
static enum status give_key(struct deduper *d, const char *sql, const char *key, int64_t row_id,
                            bool *done, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(d->sq, err, sql);
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, d->table_id);
    sq_text(stmt, 2, key);
    sq_int(stmt, 3, row_id);
    enum status rc = sq_done(d->sq, stmt, err);
    *done = rc == OK && sq_changes(d->sq) > 0;
    return rc;
}

/* A key that nobody has; another writer may have been first. */
static enum status add_holder(struct deduper *d, const char *key, int64_t row_id, bool *done,
                              struct err *err)
{
    return give_key(d,
                    "INSERT INTO dedupe_keys(table_id,same_key,row_id) VALUES(?1,?2,?3)"
                    " ON CONFLICT(table_id,same_key) DO NOTHING",
                    key, row_id, done, err);
}

static enum status set_holder(struct deduper *d, const char *key, int64_t row_id, struct err *err)
{
    bool done;
    return give_key(d, "UPDATE dedupe_keys SET row_id=?3 WHERE table_id=?1 AND same_key=?2", key,
                    row_id, &done, err);
}

static enum status move_merged(struct deduper *d, int64_t from, int64_t to, struct err *err)
{
    struct sq_stmt *stmt = about(
        d, "UPDATE merged_rows SET into_id=?3 WHERE table_id=?1 AND into_id=?2", from, err);
    if (!stmt)
        return FAIL;
    sq_int(stmt, 3, to);
    return sq_done(d->sq, stmt, err);
}

/* Out of sight, or back; what is deleted stays so. */
static enum status show(struct deduper *d, int64_t row_id, bool live, struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmtf(d->sq, err, "UPDATE t%lld SET deleted=?1 WHERE rid=?2 AND deleted=?3",
                 (long long)d->table_id);
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, live ? 0 : SQ_MERGED);
    sq_int(stmt, 2, row_id);
    sq_int(stmt, 3, live ? SQ_MERGED : 0);
    if (sq_done(d->sq, stmt, err) != OK)
        return FAIL;
    d->live += sq_changes(d->sq) * (live ? 1 : -1);
    sq_note_row(d->sq, d->table_id, row_id);
    sq_moved(d->sq, d->table_id, 1);
    return OK;
}

/* -------------------------------------------------------- merge and return */

static enum status merge(struct deduper *d, int64_t row_id, int64_t into, const char *key,
                         struct err *err)
{
    struct sq_stmt *stmt =
        about(d,
              "INSERT INTO merged_rows(table_id,row_id,into_id,same_key,at_ms)"
              " VALUES(?,?,?,?,?)",
              row_id, err);
    if (!stmt)
        return FAIL;
    sq_int(stmt, 3, into);
    sq_text(stmt, 4, key);
    sq_int(stmt, 5, sq_now(d->sq));
    d->merged++;
    return sq_done(d->sq, stmt, err) == OK ? show(d, row_id, false, err) : FAIL;
}

static enum status forget_merged(struct deduper *d, int64_t row_id, struct err *err)
{
    return run_about(d, "DELETE FROM merged_rows WHERE table_id=? AND row_id=?", row_id, err);
}

static enum status unmerge(struct deduper *d, int64_t row_id, struct err *err)
{
    d->returned++;
    return forget_merged(d, row_id, err) == OK ? show(d, row_id, true, err) : FAIL;
}

static enum status next_merged(struct deduper *d, int64_t into, int64_t *row_id, struct err *err)
{
    struct sq_stmt *stmt = about(
        d,
        d->newest ? "SELECT row_id FROM merged_rows WHERE table_id=? AND into_id=? AND restored=0"
                    " ORDER BY row_id DESC LIMIT 1"
                  : "SELECT row_id FROM merged_rows WHERE table_id=? AND into_id=? AND restored=0"
                    " ORDER BY row_id LIMIT 1",
        into, err);
    return stmt ? sq_one_int(d->sq, stmt, 0, row_id, err) : FAIL;
}

/* A row gives up its key: the next of those merged into it stands for it. */
static enum status give_up(struct deduper *d, int64_t row_id, const char *key, struct err *err)
{
    int64_t next;
    if (next_merged(d, row_id, &next, err) != OK)
        return FAIL;
    if (!next)
        return run_about(d, "DELETE FROM dedupe_keys WHERE table_id=? AND row_id=?", row_id, err);
    if (unmerge(d, next, err) != OK || set_holder(d, key, next, err) != OK)
        return FAIL;
    return move_merged(d, row_id, next, err);
}

static enum status claim(struct deduper *d, int64_t row_id, const char *key, struct err *err)
{
    int64_t holder;
    bool done;
    if (add_holder(d, key, row_id, &done, err) != OK)
        return FAIL;
    if (done)
        return OK;
    if (holder_of(d, key, &holder, err) != OK)
        return FAIL;
    if (d->newest == (holder > row_id))
        return merge(d, row_id, holder, key, err);
    if (set_holder(d, key, row_id, err) != OK || move_merged(d, holder, row_id, err) != OK)
        return FAIL;
    return merge(d, holder, row_id, key, err);
}

enum status deduper_take(struct deduper *d, int64_t row_id, struct value value, struct err *err)
{
    const char *key, *had, *merged;
    bool restored;
    if (!d->on)
        return OK;
    key = dedupe_key(d->sq->scratch, (enum dedupe_as)d->as, value);
    if (key_of(d, row_id, &had, err) != OK || merged_by(d, row_id, &merged, &restored, err) != OK)
        return FAIL;
    if (key && (text_eq(key, had) || text_eq(key, merged)))
        return OK;
    if (had && give_up(d, row_id, had, err) != OK)
        return FAIL;
    if (merged && (restored ? forget_merged(d, row_id, err) : unmerge(d, row_id, err)) != OK)
        return FAIL;
    return key ? claim(d, row_id, key, err) : OK;
}

enum status deduper_drop(struct deduper *d, int64_t row_id, struct err *err)
{
    const char *had;
    if (key_of(d, row_id, &had, err) != OK)
        return FAIL;
    if (had && give_up(d, row_id, had, err) != OK)
        return FAIL;
    return forget_merged(d, row_id, err);
}

enum status deduper_finish(struct deduper *d, struct err *err)
{
    if (d->live && sq_count_rows(d->sq, d->table_id, d->live, err) != OK)
        return FAIL;
    if (!d->merged)
        return OK;
    return audit_append(d->sq, "auto-dedupe", "rows merged",
                        arena_printf(d->sq->scratch, "{\"table\":%lld,\"merged\":%lld,\"returned\":%lld}",
                                     (long long)d->table_id, (long long)d->merged,
                                     (long long)d->returned),
                        err);
}

/* ---------------------------------------------------------------- the rule */

#define ROWS_AT_ONCE 5000

struct held {
    int64_t row_id;
    struct value value;
};

/* The next rows that are live or merged, with their values, on `arena`. */
static enum status read_held(struct deduper *d, int64_t after, struct arena *arena,
                             struct held *out, size_t *count, struct err *err)
{
    bool row = true;
    struct sq_stmt *stmt = sq_stmtf(d->sq, err,
                                    "SELECT rid,c%d FROM t%lld WHERE rid>? AND deleted IN (0,%d)"
                                    " ORDER BY rid LIMIT %d",
                                    d->slot, (long long)d->table_id, SQ_MERGED, ROWS_AT_ONCE);
    *count = 0;
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, after);
    for (;;) {
        if (sq_row(d->sq, stmt, &row, err) != OK)
            return FAIL;
        if (!row)
            return OK;
        out[(*count)++] = (struct held){sq_col_int(stmt, 0), sq_col_value(stmt, 1, arena)};
    }
}

static enum status take_all(struct deduper *d, struct err *err)
{
    struct arena *arena = arena_new();
    struct held *held = mem_array(ROWS_AT_ONCE, sizeof *held);
    int64_t after = 0;
    size_t count = 0;
    enum status rc;
    do {
        arena_reset(arena);
        rc = read_held(d, after, arena, held, &count, err);
        for (size_t i = 0; rc == OK && i < count; i++)
            rc = deduper_take(d, held[i].row_id, held[i].value, err);
        after = count ? held[count - 1].row_id : after;
    } while (rc == OK && count == ROWS_AT_ONCE);
    free(held);
    arena_free(arena);
    return rc;
}

/* Another rule: everything that was merged by the old one is back, keys are taken anew. */
static enum status begin_anew(struct deduper *d, struct err *err)
{
    long long id = d->table_id;
    struct sq_stmt *stmt =
        sq_stmtf(d->sq, err, "UPDATE t%lld SET deleted=0 WHERE deleted=%d", id, SQ_MERGED);
    if (!stmt || sq_done(d->sq, stmt, err) != OK)
        return FAIL;
    d->live += sq_changes(d->sq);
    return sq_exec(d->sq,
                   arena_printf(d->sq->scratch,
                                "DELETE FROM dedupe_keys WHERE table_id=%lld;"
                                "DELETE FROM merged_rows WHERE table_id=%lld;"
                                "DELETE FROM dedupe WHERE table_id=%lld;",
                                id, id, id),
                   err);
}

static enum status store_rule(struct deduper *d, const struct column *by,
                              const struct dedupe_rule *rule, struct err *err)
{
    struct sq_stmt *stmt = about(
        d, "INSERT INTO dedupe(table_id,column_id,slot,newest,same) VALUES(?,?,?,?,?)", by->id, err);
    if (!stmt)
        return FAIL;
    sq_int(stmt, 3, by->slot);
    sq_int(stmt, 4, rule->keep_newest);
    sq_int(stmt, 5, rule->as);
    return sq_done(d->sq, stmt, err);
}

/* No rule any more: what is merged stays merged, nothing new is. */
static enum status stop(struct deduper *d, struct err *err)
{
    long long id = d->table_id;
    return sq_exec(d->sq,
                   arena_printf(d->sq->scratch,
                                "DELETE FROM dedupe_keys WHERE table_id=%lld;"
                                "DELETE FROM dedupe WHERE table_id=%lld;",
                                id, id),
                   err);
}

static enum status begin_rule(struct deduper *d, const struct column *by,
                              const struct dedupe_rule *rule, struct err *err)
{
    struct sheet_info info;
    if (sq_sheet_info(d->sq, d->table_id, &info, err) != OK)
        return FAIL;
    /* a load that is half done may hold a record twice: they are one row before they are taken */
    if (!info.keyed && sq_make_key_index(d->sq, d->table_id, err) != OK)
        return FAIL;
    if (begin_anew(d, err) != OK || store_rule(d, by, rule, err) != OK)
        return FAIL;
    struct deduper fresh;
    if (deduper_open(&fresh, d->sq, d->table_id, err) != OK)
        return FAIL;
    fresh.live = d->live;
    if (take_all(&fresh, err) != OK)
        return FAIL;
    sq_note_many(d->sq, d->table_id);
    return deduper_finish(&fresh, err);
}

enum status sq_place_dedupe(struct sq *sq, const struct table *table, struct err *err)
{
    struct dedupe_rule rule;
    struct deduper d;
    dedupe_rule_read(sq->scratch, table, &rule);
    if (deduper_open(&d, sq, table->id, err) != OK)
        return FAIL;
    const struct column *by = rule.column;
    if (rule.by && !by)
        return err_set(err, ERR_INVALID, "table \"%s\" has no column \"%s\" to find the same rows by",
                       table->name, rule.by);
    if (!by)
        return d.on ? stop(&d, err) : OK;
    if (d.on && d.column_id == by->id && d.newest == rule.keep_newest && d.as == (int)rule.as)
        return OK;
    return begin_rule(&d, by, &rule, err);
}

/* ------------------------------------------------------ looking, restoring */

static enum status list_merged(struct sq *sq, struct arena *arena, int64_t table_id, int64_t after,
                               size_t limit, struct merged_row **out, size_t *count,
                               struct err *err)
{
    VEC(struct merged_row) list = {0};
    enum status rc = FAIL;
    bool row = true;
    long long id = table_id;
    struct sq_stmt *stmt =
        sq_stmtf(sq, err,
                 "SELECT m.row_id,m.into_id,a.key,b.key,m.same_key,m.at_ms,m.restored"
                 " FROM merged_rows m LEFT JOIN t%lld a ON a.rid=m.row_id"
                 " LEFT JOIN t%lld b ON b.rid=m.into_id"
                 " WHERE m.table_id=? AND m.row_id>? ORDER BY m.row_id LIMIT ?",
                 id, id);
    if (stmt) {
        sq_int(stmt, 1, table_id);
        sq_int(stmt, 2, after);
        sq_int(stmt, 3, (int64_t)limit);
    }
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row) {
        struct merged_row one = {.row_id = sq_col_int(stmt, 0),
                                 .into = sq_col_int(stmt, 1),
                                 .row_key = sq_col_text(stmt, 2, arena),
                                 .into_key = sq_col_text(stmt, 3, arena),
                                 .value = sq_col_text(stmt, 4, arena),
                                 .at_ms = sq_col_int(stmt, 5),
                                 .restored = sq_col_int(stmt, 6) != 0};
        vec_push(&list, one);
    }
    *count = list.len;
    *out = arena_array(arena, list.len + 1, sizeof **out);
    if (list.len)
        memcpy(*out, list.at, list.len * sizeof **out);
    vec_free(&list);
    return rc;
}

static enum status sq_merged_list(struct store *store, struct arena *arena, int64_t table_id,
                                  int64_t after, size_t limit, struct merged_row **out,
                                  size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    *count = 0;
    if (sq_begin_read(sq, err) != OK)
        return FAIL;
    return sq_end(sq, list_merged(sq, arena, table_id, after, limit, out, count, err), err);
}

static enum status sq_merged_count(struct store *store, int64_t table_id, int64_t *merged,
                                   struct err *err)
{
    struct sq *sq = sq_of(store);
    *merged = 0;
    if (sq_begin_read(sq, err) != OK)
        return FAIL;
    struct sq_stmt *stmt = sq_stmt(
        sq, err, "SELECT count(*) FROM merged_rows WHERE table_id=? AND restored=0");
    if (stmt)
        sq_int(stmt, 1, table_id);
    return sq_end(sq, stmt ? sq_one_int(sq, stmt, 0, merged, err) : FAIL, err);
}

static enum status restore_row(struct deduper *d, int64_t row_id, struct err *err)
{
    const char *key;
    bool restored;
    if (merged_by(d, row_id, &key, &restored, err) != OK)
        return FAIL;
    if (!key || restored)
        return err_set(err, ERR_NOT_FOUND, "row %lld is not merged into another", (long long)row_id);
    return run_about(d, "UPDATE merged_rows SET restored=1 WHERE table_id=? AND row_id=?", row_id,
                     err) == OK
               ? show(d, row_id, true, err)
               : FAIL;
}

static enum status restore_all(struct deduper *d, struct err *err)
{
    struct merged_row *list;
    size_t count, i;
    int64_t after = 0;
    do {
        if (list_merged(d->sq, d->sq->scratch, d->table_id, after, ROWS_AT_ONCE, &list, &count,
                        err) != OK)
            return FAIL;
        for (i = 0; i < count; i++)
            if (!list[i].restored && restore_row(d, list[i].row_id, err) != OK)
                return FAIL;
        after = count ? list[count - 1].row_id : after;
    } while (count == ROWS_AT_ONCE);
    return OK;
}

static enum status restore(struct deduper *d, int64_t row_id, const char *who, struct err *err)
{
    if ((row_id ? restore_row(d, row_id, err) : restore_all(d, err)) != OK ||
        sq_count_rows(d->sq, d->table_id, d->live, err) != OK)
        return FAIL;
    return audit_append(d->sq, who, "merged rows restored",
                        arena_printf(d->sq->scratch, "{\"table\":%lld,\"row\":%lld,\"rows\":%lld}",
                                     (long long)d->table_id, (long long)row_id, (long long)d->live),
                        err);
}

static enum status sq_merged_restore(struct store *store, int64_t table_id, int64_t row_id,
                                     const char *who, int64_t *restored, struct err *err)
{
    struct sq *sq = sq_of(store);
    struct deduper d = {.sq = sq, .table_id = table_id};
    *restored = 0;
    if (sq_begin(sq, err) != OK)
        return FAIL;
    enum status rc = sq_end(sq, restore(&d, row_id, who, err), err);
    *restored = rc == OK ? d.live : 0;
    return rc;
}

const struct store_dedupe sq_dedupe = {.list = sq_merged_list,
                                       .count = sq_merged_count,
                                       .restore = sq_merged_restore,
                                       .preview = sq_dedupe_preview};
