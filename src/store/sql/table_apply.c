/* table_apply.c - a table and all its columns become what was asked, or nothing does.
 *
 * Order, in one transaction: the catalog row; every column gets its id and slot
 * (an old one by its name, hidden ones too, else a new one); columns not named
 * are hidden; then the columns' settings are written, when all ids are known.
 *
 * `depends` comes in as positions in table->columns and is stored as ids.
 * A write column whose kind or settings changed loses its approval: what a
 * person approved was another write. */
#include "store/sql/sql_priv.h"

#include <string.h>

#define SLOTS_MAX 1900 /* SQLite's limit is 2,000 columns */

struct known {
    int64_t id;
    int slot;
    const char *name, *kind, *config;
    bool hidden, taken;
};

struct apply {
    struct sq *sq;
    struct table *table;
    struct known *known;
    size_t known_count;
    int64_t next_slot;
    bool is_new;
};

static const char *or_empty(const char *text, const char *otherwise)
{
    return text && *text ? text : otherwise;
}

/* ---------------------------------------------------------- catalog row */

static void bind_table(struct sq_stmt *stmt, const struct table *t)
{
    sq_text(stmt, 1, t->name);
    sq_text(stmt, 2, t->recipe);
    sq_text(stmt, 3, or_empty(t->guard, "{}"));
    sq_int(stmt, 4, t->auto_update);
    sq_int(stmt, 5, t->changed_ms);
    sq_text(stmt, 6, or_empty(t->rules, "{}"));
}

static enum status insert_table(struct apply *a, struct err *err)
{
    struct table *t = a->table;
    struct sq_stmt *stmt = sq_stmt(
        a->sq, err,
        "INSERT INTO tables(name,recipe,guard,auto_update,changed_ms,created_ms,rules,next_sync_ms)"
        " VALUES(?1,?2,?3,?4,?5,?5,?6,?7)");
    if (!stmt)
        return FAIL;
    bind_table(stmt, t);
    sq_int(stmt, 7, t->next_sync_ms);
    if (sq_done(a->sq, stmt, err) != OK)
        return FAIL;
    t->id = sq_last_id(a->sq);
    t->created_ms = t->changed_ms;
    t->row_count = 0;
    a->next_slot = 1;
    return sq_make_sheet(a->sq, t->id, err);
}

enum status sq_make_sheet(struct sq *sq, int64_t table_id, struct err *err)
{
    long long id = table_id;
    char *sql = arena_printf(
        sq->scratch,
        "CREATE TABLE t%lld(rid INTEGER PRIMARY KEY, key TEXT NOT NULL, stamp TEXT,"
        " deleted INTEGER NOT NULL DEFAULT 0, run INTEGER, src INTEGER NOT NULL DEFAULT 0,"
        " made INTEGER NOT NULL DEFAULT 0);"
        "CREATE TABLE s%lld(cid INTEGER NOT NULL, rid INTEGER NOT NULL, state INTEGER NOT NULL,"
        " again INTEGER NOT NULL DEFAULT 0, op_id INTEGER NOT NULL DEFAULT 0,"
        " attempt INTEGER NOT NULL DEFAULT 0, not_before INTEGER NOT NULL DEFAULT 0,"
        " changed INTEGER, code TEXT, message TEXT, epoch INTEGER NOT NULL DEFAULT 0,"
        " PRIMARY KEY(cid, rid)) WITHOUT ROWID;"
        "CREATE INDEX s%lld_running ON s%lld(rid) WHERE state=%d;",
        id, id, id, id, CELL_RUNNING);
    return sq_exec(sq, sql, err);
}

static enum status update_table(struct apply *a, struct err *err)
{
    struct table *t = a->table;
    struct sq_stmt *stmt = sq_stmt(
        a->sq, err,
        "UPDATE tables SET name=?1,recipe=?2,guard=?3,auto_update=?4,changed_ms=?5,rules=?6"
        " WHERE id=?7");
    if (!stmt)
        return FAIL;
    bind_table(stmt, t);
    sq_int(stmt, 7, t->id);
    return sq_done(a->sq, stmt, err);
}

/* By name; a table that carries an id is that table under another name. */
static enum status find_table(struct apply *a, struct err *err)
{
    bool row;
    struct table *t = a->table;
    struct sq_stmt *stmt = sq_stmt(a->sq, err,
                                 "SELECT id,next_slot,row_count,created_ms,next_sync_ms FROM tables"
                                 " WHERE name=?1 OR id=?2 ORDER BY name=?1 DESC LIMIT 1");
    if (!stmt)
        return FAIL;
    sq_text(stmt, 1, t->name);
    sq_int(stmt, 2, t->id);
    if (sq_row(a->sq, stmt, &row, err) != OK)
        return FAIL;
    a->is_new = !row;
    if (!row)
        return OK;
    t->id = sq_col_int(stmt, 0);
    a->next_slot = sq_col_int(stmt, 1);
    t->row_count = sq_col_int(stmt, 2);
    t->created_ms = sq_col_int(stmt, 3);
    t->next_sync_ms = sq_col_int(stmt, 4);
    sq_reset(stmt);
    return OK;
}

/* -------------------------------------------------------------- columns */

static enum status load_known(struct apply *a, struct err *err)
{
    VEC(struct known) list = {0};
    enum status rc = FAIL;
    bool row = true;
    struct sq_stmt *stmt = sq_stmt(a->sq, err,
                                 "SELECT id,slot,name,kind,config,hidden FROM columns WHERE table_id=?"
                                 " ORDER BY hidden,id");
    if (stmt)
        sq_int(stmt, 1, a->table->id);
    while (stmt && (rc = sq_row(a->sq, stmt, &row, err)) == OK && row) {
        struct known k = {.id = sq_col_int(stmt, 0),
                          .slot = (int)sq_col_int(stmt, 1),
                          .name = sq_col_text(stmt, 2, a->sq->scratch),
                          .kind = sq_col_text(stmt, 3, a->sq->scratch),
                          .config = sq_col_text(stmt, 4, a->sq->scratch),
                          .hidden = sq_col_int(stmt, 5) != 0};
        vec_push(&list, k);
    }
    a->known_count = list.len;
    a->known = arena_array(a->sq->scratch, list.len + 1, sizeof *a->known);
    if (list.len)
        memcpy(a->known, list.at, list.len * sizeof *a->known);
    vec_free(&list);
    return rc;
}

static struct known *match(struct apply *a, const struct column *column)
{
    struct known *near = NULL;
    for (size_t i = 0; i < a->known_count; i++) {
        struct known *k = &a->known[i];
        if (!k->taken && text_eq(k->name, column->name))
            return k;
        if (!k->taken && !near && text_eq_nocase(k->name, column->name))
            near = k;
    }
    return near;
}

static enum status add_column(struct apply *a, struct column *column, struct err *err)
{
    if (a->next_slot > SLOTS_MAX) {
        err_set(err, ERR_TOO_LARGE,
                "table \"%s\" cannot have more than %d columns, hidden ones"
                " included",
                a->table->name, SLOTS_MAX);
        return FAIL;
    }
    column->slot = (int)a->next_slot++;
    struct sq_stmt *stmt =
        sq_stmt(a->sq, err, "INSERT INTO columns(table_id,name,slot) VALUES(?,?,?)");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, a->table->id);
    sq_text(stmt, 2, column->name);
    sq_int(stmt, 3, column->slot);
    if (sq_done(a->sq, stmt, err) != OK)
        return FAIL;
    column->id = sq_last_id(a->sq);
    column->approved_ms = 0;
    char *sql = arena_printf(a->sq->scratch, "ALTER TABLE t%lld ADD COLUMN c%d TEXT",
                             (long long)a->table->id, column->slot);
    return sq_exec(a->sq, sql, err);
}

static bool is_twice(const struct table *table, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (text_eq_nocase(table->columns[i].name, table->columns[at].name))
            return true;
    return false;
}

static enum status place_columns(struct apply *a, struct err *err)
{
    for (size_t i = 0; i < a->table->column_count; i++) {
        struct column *column = &a->table->columns[i];
        if (is_twice(a->table, i))
            return err_set(err, ERR_INVALID, "table \"%s\" has two columns named \"%s\"",
                           a->table->name, column->name);
        struct known *k = match(a, column);
        if (k) {
            k->taken = true;
            column->id = k->id;
            column->slot = k->slot;
        } else if (add_column(a, column, err) != OK) {
            return FAIL;
        }
    }
    return OK;
}

/* What it was writing has to end first: nobody would see the answers (reliability row 119). */
static enum status refuse_open(struct apply *a, const struct known *column, struct err *err)
{
    int64_t open;
    if (sq_open_ops(a->sq, "column_id", column->id, &open, err) != OK)
        return FAIL;
    if (!open)
        return OK;
    err_set(err, ERR_CONFLICT, "column \"%s\" has %lld operations that are not settled",
            column->name, (long long)open);
    err_hint(err, "Let them finish (argil run) or decide them (argil journal list, argil journal "
                  "resolve); then remove the column.");
    return FAIL;
}

static enum status hide_others(struct apply *a, struct err *err)
{
    for (size_t i = 0; i < a->known_count; i++) {
        if (a->known[i].taken || a->known[i].hidden)
            continue;
        if (refuse_open(a, &a->known[i], err) != OK)
            return FAIL;
        struct sq_stmt *stmt = sq_stmt(a->sq, err, "UPDATE columns SET hidden=1 WHERE id=?");
        if (!stmt)
            return FAIL;
        sq_int(stmt, 1, a->known[i].id);
        if (sq_done(a->sq, stmt, err) != OK)
            return FAIL;
    }
    return OK;
}

static enum status depends_text(struct apply *a, const struct column *column, const char **out,
                                struct err *err)
{
    char *text = "";
    for (size_t i = 0; i < column->depend_count; i++) {
        int64_t at = column->depends[i];
        if (at < 0 || (size_t)at >= a->table->column_count)
            return err_set(err, ERR_INVALID, "column \"%s\" depends on column number %lld",
                           column->name, (long long)at);
        text = arena_printf(a->sq->scratch, "%s%s%lld", text, i ? "," : "",
                            (long long)a->table->columns[at].id);
    }
    *out = text;
    return OK;
}

static enum status write_column(struct apply *a, struct column *c, int position, struct err *err)
{
    const char *depends = "";
    if (depends_text(a, c, &depends, err) != OK)
        return FAIL;
    struct sq_stmt *stmt = sq_stmt(
        a->sq, err,
        "UPDATE columns SET name=?1,type=?2,"
        "approved_ms=CASE WHEN kind IS ?3 AND config IS ?4 THEN approved_ms ELSE 0 END,"
        "kind=?3,config=?4,only_run_if=?5,source_field=?6,position=?7,auto_update=?8,depends=?9,"
        "rules=?11,hidden=0 WHERE id=?10 RETURNING approved_ms");
    if (!stmt)
        return FAIL;
    c->position = position;
    sq_text(stmt, 1, c->name);
    sq_text(stmt, 2, value_type_name(c->type));
    sq_text(stmt, 3, or_empty(c->kind, "source"));
    sq_text(stmt, 4, or_empty(c->config, "{}"));
    sq_text(stmt, 5, c->only_run_if);
    sq_text(stmt, 6, c->source_field);
    sq_int(stmt, 7, position);
    sq_int(stmt, 8, c->auto_update);
    sq_text(stmt, 9, depends);
    sq_int(stmt, 10, c->id);
    sq_text(stmt, 11, c->rules);
    return sq_one_int(a->sq, stmt, 0, &c->approved_ms, err);
}

static enum status write_next_slot(struct apply *a, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(a->sq, err, "UPDATE tables SET next_slot=? WHERE id=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, a->next_slot);
    sq_int(stmt, 2, a->table->id);
    return sq_done(a->sq, stmt, err);
}

static enum status apply(struct apply *a, struct err *err)
{
    a->table->changed_ms = sq_now(a->sq);
    if (find_table(a, err) != OK)
        return FAIL;
    if (!a->is_new && sq_first_version(a->sq, a->table->id, err) != OK)
        return FAIL;
    enum status rc = a->is_new ? insert_table(a, err) : update_table(a, err);
    if (rc != OK || load_known(a, err) != OK || place_columns(a, err) != OK ||
        hide_others(a, err) != OK || sq_place_sources(a->sq, a->table, err) != OK)
        return FAIL;
    for (size_t i = 0; i < a->table->column_count; i++)
        if (write_column(a, &a->table->columns[i], (int)i, err) != OK)
            return FAIL;
    sq_note(a->sq, NOUN_TABLE, a->table->id, 0);
    if (sq_place_dedupe(a->sq, a->table, err) != OK ||
        sq_place_history(a->sq, a->table, err) != OK ||
        sq_add_version(a->sq, a->table->id, a->table->changed_by, a->table->change_note, err) != OK)
        return FAIL;
    return write_next_slot(a, err);
}

enum status sq_table_apply(struct store *store, struct table *table, struct err *err)
{
    struct apply a = {.sq = sq_of(store), .table = table};
    if (!table->name || !*table->name)
        return err_set(err, ERR_INVALID, "a table needs a name");
    if (sq_begin(a.sq, err) != OK)
        return FAIL;
    return sq_end(a.sq, apply(&a, err), err);
}
