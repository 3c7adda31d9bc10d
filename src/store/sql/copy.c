/* copy.c - see store_copy.h.
 *
 * Table by table: its rows are read once, written in pages, and read back; the
 * digest is the sum of the rows' SHA-256, so that the order, in which databases
 * differ, does not matter. `meta` of the copy says which tables are done; one that
 * was begun is emptied and brought anew. Every column but `ws` is copied as text. */
#include "store/store_copy.h"
#include "store/sql/sql_priv.h"

#include "base/mem.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_ROWS 500

struct digest {
    int64_t rows;
    uint64_t sum[4];
};

struct copying {
    struct sq *from, *to;
    struct store_copy *copy;
    struct arena *arena;
    const char **tables;
    size_t count;
};

static bool same_digest(const struct digest *a, const struct digest *b)
{
    return a->rows == b->rows && memcmp(a->sum, b->sum, sizeof a->sum) == 0;
}

static bool is_sheet(const char *name)
{
    return (name[0] == 't' || name[0] == 's') && name[1] >= '0' && name[1] <= '9';
}

static bool is_left_out(const char *name)
{
    static const char *const names[] = {"view_indexes", "view_samples", "moves", "match_indexes",
                                        "leases", "meta", "http_turns"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_eq(name, names[i]))
            return true;
    return false;
}

/* ------------------------------------------------------------------ digest */

static void add_row(struct digest *d, struct sq_stmt *stmt, size_t columns, struct buf *row)
{
    char hex[65];
    buf_clear(row);
    for (size_t i = 0; i < columns; i++) {
        const char *text = sq_col_peek(stmt, (int)i);
        uint32_t len = text ? sq_col_len(stmt, (int)i) : 0;
        buf_printf(row, text ? "%u:" : "-", len);
        buf_append(row, text ? text : "", len);
    }
    sha256_hex(row->data, row->len, hex);
    for (int i = 0; i < 4; i++) {
        char part[17] = {0};
        memcpy(part, hex + 16 * i, 16);
        d->sum[i] += strtoull(part, NULL, 16);
    }
    d->rows++;
}

/* ------------------------------------------------------------------- tables */

struct shape {
    const char *table;
    struct sq_column *columns;
    size_t count;
};

static void put_names(struct buf *sql, const struct shape *shape)
{
    for (size_t i = 0; i < shape->count; i++)
        buf_printf(sql, "%s%s", i ? "," : "", shape->columns[i].name);
}

static struct sq_stmt *select_stmt(struct sq *sq, const struct shape *shape, struct err *err)
{
    struct buf sql = BUF_INIT;
    buf_str(&sql, "SELECT ");
    put_names(&sql, shape);
    buf_printf(&sql, " FROM %s", shape->table);
    struct sq_stmt *stmt = sq_stmt(sq, err, buf_text(&sql));
    buf_free(&sql);
    if (stmt)
        sq_stream(stmt);
    return stmt;
}

static struct sq_stmt *insert_stmt(struct sq *sq, const struct shape *shape, struct err *err)
{
    struct buf sql = BUF_INIT;
    buf_printf(&sql, "INSERT INTO %s(", shape->table);
    put_names(&sql, shape);
    buf_str(&sql, ") VALUES(");
    for (size_t i = 0; i < shape->count; i++)
        buf_printf(&sql, "%s%s", i ? "," : "",
                   shape->columns[i].number ? "CAST(? AS INTEGER)" : "?");
    buf_char(&sql, ')');
    struct sq_stmt *stmt = sq_stmt(sq, err, buf_text(&sql));
    buf_free(&sql);
    return stmt;
}

static enum status digest_of(struct sq *sq, const struct shape *shape, struct digest *out,
                             struct err *err)
{
    bool row = true;
    struct buf text = BUF_INIT;
    *out = (struct digest){0};
    enum status rc = sq_begin_read(sq, err);
    struct sq_stmt *stmt = rc == OK ? select_stmt(sq, shape, err) : NULL;
    if (rc == OK && !stmt)
        rc = FAIL;
    while (rc == OK && (rc = sq_row(sq, stmt, &row, err)) == OK && row)
        add_row(out, stmt, shape->count, &text);
    buf_free(&text);
    return sq_end(sq, rc, err);
}

static enum status write_row(struct sq *to, struct sq_stmt *from, const struct shape *shape,
                             struct err *err)
{
    struct sq_stmt *insert = insert_stmt(to, shape, err);
    if (!insert)
        return FAIL;
    for (size_t i = 0; i < shape->count; i++)
        sq_value(insert, (int)i + 1, sq_col_value(from, (int)i, to->scratch));
    return sq_done(to, insert, err);
}

/* Up to PAGE_ROWS rows in one transaction. */
static enum status copy_page(struct copying *c, struct sq_stmt *from, const struct shape *shape,
                             bool *more, struct err *err)
{
    enum status rc = sq_begin(c->to, err);
    if (rc != OK)
        return FAIL;
    for (int i = 0; rc == OK && i < PAGE_ROWS; i++) {
        rc = sq_row(c->from, from, more, err);
        if (rc != OK || !*more)
            break;
        rc = write_row(c->to, from, shape, err);
    }
    return sq_end(c->to, rc, err);
}

static enum status copy_rows(struct copying *c, const struct shape *shape, struct err *err)
{
    bool more = true;
    enum status rc = sq_begin_read(c->from, err);
    struct sq_stmt *stmt = rc == OK ? select_stmt(c->from, shape, err) : NULL;
    if (!stmt)
        rc = FAIL;
    while (rc == OK && more) {
        rc = copy_page(c, stmt, shape, &more, err);
        if (rc == OK && c->copy->stop && atomic_load(c->copy->stop))
            rc = err_set(err, ERR_CONFLICT, "stopped; the same command goes on from here");
    }
    return sq_end(c->from, rc, err);
}

/* --------------------------------------------------------------------- meta */

static enum status meta_set(struct sq *sq, const char *name, const char *value, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                   "INSERT INTO meta(name,value) VALUES(?1,?2) ON CONFLICT(name)"
                                   " DO UPDATE SET value=excluded.value");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, name);
    sq_text(stmt, 2, value);
    return sq_done(sq, stmt, err);
}

static enum status meta_of(struct sq *sq, struct arena *arena, const char *name, const char **out,
                           struct err *err)
{
    bool row;
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT value FROM meta WHERE name=?");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, name);
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    *out = row ? sq_col_text(stmt, 0, arena) : NULL;
    sq_reset(stmt);
    return OK;
}

static enum status note(struct copying *c, const char *name, const char *value, struct err *err)
{
    if (sq_begin(c->to, err) != OK)
        return FAIL;
    return sq_end(c->to, meta_set(c->to, name, value, err), err);
}

/* The copy's own marks, and what is of the file or database rather than of the workspace. */
static bool is_own_meta(const char *name)
{
    static const char *const names[] = {"epoch", "home", "open_number", "workspace_id",
                                        "workspace_name", "copy_of"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_eq(name, names[i]))
            return true;
    return text_starts(name, "copied ");
}

static enum status copy_meta(struct copying *c, struct err *err)
{
    bool row = true;
    struct sq_stmt *stmt = sq_stmt(c->from, err, "SELECT name,value FROM meta");
    while (stmt) {
        if (sq_row(c->from, stmt, &row, err) != OK)
            return FAIL;
        if (!row)
            return OK;
        const char *name = sq_col_text(stmt, 0, c->arena);
        if (!is_own_meta(name) &&
            meta_set(c->to, name, sq_col_text(stmt, 1, c->arena), err) != OK)
            return FAIL;
    }
    return FAIL;
}

/* ------------------------------------------------------------------- sheets */

static enum status make_sheet(struct copying *c, int64_t id, struct err *err)
{
    struct sq_column *columns;
    size_t count;
    char *name = arena_printf(c->arena, "t%lld", (long long)id);
    if (c->from->engine->list_columns(c->from, c->arena, name, &columns, &count, err) != OK ||
        sq_make_sheet(c->to, id, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++) {
        const char *column = columns[i].name;
        if (column[0] != 'c' || column[1] < '0' || column[1] > '9')
            continue;
        if (sq_exec(c->to,
                    arena_printf(c->arena, "ALTER TABLE t%lld ADD COLUMN %s TEXT", (long long)id,
                                 column),
                    err) != OK)
            return FAIL;
    }
    return OK;
}

static bool is_there(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (text_eq(names[i], name))
            return true;
    return false;
}

static enum status make_sheets(struct copying *c, struct err *err)
{
    const char **there;
    size_t count;
    enum status rc = c->to->engine->list_tables(c->to, c->arena, &there, &count, err);
    if (rc != OK || sq_begin(c->to, err) != OK)
        return FAIL;
    for (size_t i = 0; rc == OK && i < c->count; i++)
        if (c->tables[i][0] == 't' && is_sheet(c->tables[i]) &&
            !is_there(there, count, c->tables[i]))
            rc = make_sheet(c, strtoll(c->tables[i] + 1, NULL, 10), err);
    return sq_end(c->to, rc, err);
}

/* ---------------------------------------------------------------- one table */

static enum status empty_table(struct copying *c, const char *table, struct err *err)
{
    if (sq_begin(c->to, err) != OK)
        return FAIL;
    return sq_end(c->to, sq_exec(c->to, arena_printf(c->arena, "DELETE FROM %s", table), err), err);
}

static enum status raise_ids(struct copying *c, const char *table, struct err *err)
{
    int64_t next = 0;
    if (is_sheet(table))
        return OK;
    if (c->from->engine->next_id(c->from, table, &next, err) != OK || sq_begin(c->to, err) != OK)
        return FAIL;
    return sq_end(c->to, c->to->engine->raise_id(c->to, table, next, err), err);
}

static enum status differs(const struct shape *shape, const struct digest *a,
                           const struct digest *b, struct err *err)
{
    err_set(err, ERR_COPY_DIFFERS, "table %s arrived as %" PRId64 " rows of %" PRId64 "%s",
            shape->table, b->rows, a->rows, a->rows == b->rows ? ", and not the same ones" : "");
    err_hint(err, "Somebody writes to one of the two, or a disk fails. Nothing uses the copy yet: "
                  "run the same command again.");
    return FAIL;
}

static enum status copy_table(struct copying *c, const char *table, struct err *err)
{
    struct shape shape = {.table = table};
    struct digest before, after;
    const char *done = NULL;
    char *mark = arena_printf(c->arena, "copied %s", table);
    if (c->from->engine->list_columns(c->from, c->arena, table, &shape.columns, &shape.count,
                                      err) != OK ||
        digest_of(c->from, &shape, &before, err) != OK ||
        meta_of(c->to, c->arena, mark, &done, err) != OK)
        return FAIL;
    if (!done && (empty_table(c, table, err) != OK || copy_rows(c, &shape, err) != OK))
        return FAIL;
    if (digest_of(c->to, &shape, &after, err) != OK)
        return FAIL;
    if (!same_digest(&before, &after)) {
        struct err ignored = {0};
        if (done) /* so that the next try brings it anew */
            note(c, mark, NULL, &ignored);
        return differs(&shape, &before, &after, err);
    }
    c->copy->tables++;
    c->copy->rows += after.rows;
    c->copy->kept += done != NULL;
    if (c->copy->table_done)
        c->copy->table_done(c->copy->ctx, table, after.rows);
    if (raise_ids(c, table, err) != OK)
        return FAIL;
    return done ? OK : note(c, mark, "yes", err);
}

/* ------------------------------------------------------------ begin and end */

static enum status check_target(struct copying *c, struct err *err)
{
    const char *of = NULL, *id = c->from->store.workspace_id;
    int64_t tables = 0, connections = 0;
    if (meta_of(c->to, c->arena, "copy_of", &of, err) != OK)
        return FAIL;
    if (of)
        return text_eq(of, id)
                   ? OK
                   : err_set(err, ERR_CONFLICT, "there is the beginning of a copy of another "
                                                "workspace");
    struct sq_stmt *stmt = sq_stmt(c->to, err, "SELECT count(*) FROM tables");
    if (!stmt || sq_one_int(c->to, stmt, 0, &tables, err) != OK)
        return FAIL;
    stmt = sq_stmt(c->to, err, "SELECT count(*) FROM connections");
    if (!stmt || sq_one_int(c->to, stmt, 0, &connections, err) != OK)
        return FAIL;
    if (tables || connections)
        return err_set(err, ERR_CONFLICT, "the store to copy to is not empty");
    return note(c, "copy_of", id, err);
}

/* The unique index on the key of a sheet that has one. */
static enum status make_keys(struct copying *c, struct err *err)
{
    VEC(int64_t) ids = {0};
    bool row = true;
    enum status rc = FAIL;
    struct sq_stmt *stmt = sq_stmt(c->to, err, "SELECT id FROM tables WHERE keyed<>0");
    while (stmt && (rc = sq_row(c->to, stmt, &row, err)) == OK && row)
        vec_push(&ids, sq_col_int(stmt, 0));
    for (size_t i = 0; rc == OK && i < ids.len; i++)
        rc = sq_make_key_index(c->to, ids.at[i], err);
    vec_free(&ids);
    return rc;
}

/* From here on it is the workspace: its names, and an epoch behind all that were. */
static enum status take_over(struct copying *c, struct err *err)
{
    const char *epoch = NULL;
    int64_t of_from = c->from->store.epoch, of_to = c->to->store.epoch;
    if (make_keys(c, err) != OK || copy_meta(c, err) != OK)
        return FAIL;
    epoch = arena_printf(c->arena, "%" PRId64, of_from > of_to ? of_from : of_to);
    if (meta_set(c->to, "epoch", epoch, err) != OK ||
        meta_set(c->to, "workspace_id", c->from->store.workspace_id, err) != OK ||
        meta_set(c->to, "workspace_name", c->from->store.workspace_name, err) != OK ||
        c->to->engine->rename(c->to, c->from->store.workspace_id, c->from->store.workspace_name,
                              err) != OK)
        return FAIL;
    return sq_exec(c->to, "DELETE FROM meta WHERE name='copy_of' OR name LIKE 'copied %'", err);
}

static enum status copy_all(struct copying *c, struct err *err)
{
    if (check_target(c, err) != OK ||
        c->from->engine->list_tables(c->from, c->arena, &c->tables, &c->count, err) != OK ||
        make_sheets(c, err) != OK)
        return FAIL;
    for (size_t i = 0; i < c->count; i++)
        if (!is_left_out(c->tables[i]) && copy_table(c, c->tables[i], err) != OK)
            return FAIL;
    if (sq_begin(c->to, err) != OK)
        return FAIL;
    return sq_end(c->to, take_over(c, err), err);
}

enum status store_copy(struct store *from, struct store *to, struct store_copy *copy,
                       struct err *err)
{
    struct copying c = {
        .from = sq_of(from), .to = sq_of(to), .copy = copy, .arena = arena_new()};
    copy->tables = copy->rows = copy->kept = 0;
    enum status rc = copy_all(&c, err);
    arena_free(c.arena);
    return rc;
}
