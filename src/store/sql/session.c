/* session.c - statements and transactions over whichever engine is below.
 *
 * One transaction at a time: sq_begin, work, sq_end. After an I/O error, a full
 * disk or a damaged file nothing more is attempted (`broken`): what a database
 * says after a failed sync cannot be trusted, the journal can (W8). */
#include "store/sql/sql_priv.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

void sq_open_session(struct sq *sq, const struct store_driver *driver,
                     const struct sq_engine *engine, struct sq_home *home, struct world *world,
                     const char *place, bool read_only)
{
    sq->store.does = driver;
    sq->engine = engine;
    sq->home = home;
    sq->world = world;
    sq->read_only = read_only;
    sq->place = mem_strdup(place);
    sq->scratch = arena_new();
    sq->payload = arena_new();
}

void sq_close_session(struct sq *sq)
{
    home_leave(sq->home);
    sq_drop_notes(sq);
    vec_free(&sq->notes);
    vec_free(&sq->moves);
    arena_free(sq->scratch);
    arena_free(sq->payload);
    free(sq->looked.live);
    free(sq->place);
    free(sq->id);
    free(sq->name);
}

/* ------------------------------------------------------------- statements */

enum status sq_exec(struct sq *sq, const char *sql, struct err *err)
{
    return sq->engine->exec(sq, sql, err);
}

struct sq_stmt *sq_stmt(struct sq *sq, struct err *err, const char *sql)
{
    return sq->engine->stmt(sq, sql, err);
}

struct sq_stmt *sq_stmtf(struct sq *sq, struct err *err, const char *fmt, ...)
{
    struct buf sql = BUF_INIT;
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&sql, fmt, args);
    va_end(args);
    struct sq_stmt *stmt = sq_stmt(sq, err, buf_text(&sql));
    buf_free(&sql);
    return stmt;
}

void sq_forget_statements(struct sq *sq)
{
    sq->engine->forget(sq);
}

void sq_int(struct sq_stmt *stmt, int at, int64_t value)
{
    stmt->engine->bind_int(stmt, at, value);
}

void sq_text(struct sq_stmt *stmt, int at, const char *text)
{
    stmt->engine->bind_text(stmt, at, text, text ? strlen(text) : 0);
}

void sq_value(struct sq_stmt *stmt, int at, struct value value)
{
    stmt->engine->bind_text(stmt, at, value.text, value.len);
}

void sq_bytes(struct sq_stmt *stmt, int at, struct value bytes)
{
    stmt->engine->bind_bytes(stmt, at, bytes.text ? bytes.text : "", bytes.len);
}

void sq_list(struct sq_stmt *stmt, int at, struct arena *arena, const int64_t *items, size_t count)
{
    struct buf text = BUF_INIT;
    buf_char(&text, '[');
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "%s%lld", i ? "," : "", (long long)items[i]);
    buf_char(&text, ']');
    sq_text(stmt, at, arena_strdup(arena, buf_text(&text)));
    buf_free(&text);
}

enum status sq_done(struct sq *sq, struct sq_stmt *stmt, struct err *err)
{
    return sq->engine->done(sq, stmt, err);
}

enum status sq_done_later(struct sq *sq, struct sq_stmt *stmt, int64_t *changed, struct err *err)
{
    if (sq->engine->done_later)
        return sq->engine->done_later(sq, stmt, changed, err);
    if (sq_done(sq, stmt, err) != OK)
        return FAIL;
    *changed = sq_changes(sq);
    return OK;
}

enum status sq_add(struct sq *sq, struct sq_stmt *stmt, int64_t *changed, struct err *err)
{
    if (sq->engine->add)
        return sq->engine->add(sq, stmt, changed, err);
    if (sq_done(sq, stmt, err) != OK)
        return FAIL;
    if (changed)
        *changed = sq_changes(sq);
    return OK;
}

enum status sq_flush(struct sq *sq, struct err *err)
{
    return sq->engine->flush ? sq->engine->flush(sq, err) : OK;
}

enum status sq_row(struct sq *sq, struct sq_stmt *stmt, bool *row, struct err *err)
{
    return sq->engine->row(sq, stmt, row, err);
}

void sq_stream(struct sq_stmt *stmt)
{
    stmt->engine->stream(stmt);
}

void sq_reset(struct sq_stmt *stmt)
{
    stmt->engine->reset(stmt);
}

enum status sq_one_int(struct sq *sq, struct sq_stmt *stmt, int64_t otherwise, int64_t *out,
                       struct err *err)
{
    bool row;
    if (sq_row(sq, stmt, &row, err) != OK)
        return FAIL;
    *out = row ? sq_col_int(stmt, 0) : otherwise;
    sq_reset(stmt);
    return OK;
}

int64_t sq_col_int(struct sq_stmt *stmt, int at)
{
    return stmt->engine->col_int(stmt, at);
}

const char *sq_col_peek(struct sq_stmt *stmt, int at)
{
    return stmt->engine->col_peek(stmt, at);
}

uint32_t sq_col_len(struct sq_stmt *stmt, int at)
{
    return stmt->engine->col_len(stmt, at);
}

struct value sq_col_value(struct sq_stmt *stmt, int at, struct arena *arena)
{
    const char *text = sq_col_peek(stmt, at);
    if (!text)
        return VALUE_NULL;
    uint32_t len = sq_col_len(stmt, at);
    char *copy = arena_alloc(arena, (size_t)len + 1);
    memcpy(copy, text, len);
    return (struct value){copy, len};
}

const char *sq_col_text(struct sq_stmt *stmt, int at, struct arena *arena)
{
    return sq_col_value(stmt, at, arena).text;
}

int64_t sq_changes(struct sq *sq)
{
    return sq->engine->changes(sq);
}

int64_t sq_last_id(struct sq *sq)
{
    return sq->engine->last_id(sq);
}

int64_t sq_now(struct sq *sq)
{
    return sq->world->now_ms(sq->world);
}

/* ------------------------------------------------------------ every sheet */

static enum status list_sheets(struct sq *sq, struct err *err, int64_t **ids, size_t *count)
{
    VEC(int64_t) list = {0};
    enum status rc = FAIL;
    bool row = true;
    struct sq_stmt *stmt = sq_stmt(sq, err, "SELECT id FROM tables");
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row)
        vec_push(&list, sq_col_int(stmt, 0));
    *count = list.len;
    *ids = arena_array(sq->scratch, list.len + 1, sizeof **ids);
    if (list.len)
        memcpy(*ids, list.at, list.len * sizeof **ids);
    vec_free(&list);
    return rc;
}

static enum status each_sheet(struct sq *sq, const char *sql, struct err *err)
{
    int64_t *ids;
    size_t count;
    struct buf text = BUF_INIT;
    if (list_sheets(sq, err, &ids, &count) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++)
        for (const char *p = sql; *p; p++)
            if (*p == '@')
                buf_printf(&text, "%lld", (long long)ids[i]);
            else
                buf_char(&text, *p);
    enum status rc = count ? sq_exec(sq, buf_text(&text), err) : OK;
    buf_free(&text);
    return rc;
}

enum status sq_each_sheet(struct sq *sq, const char *sql, struct err *err)
{
    return sq->engine->each_workspace(sq, each_sheet, sql, err);
}

/* ----------------------------------------------------------- transactions */

static enum status refuse_broken(struct err *err)
{
    err_set(err, ERR_STORE_BROKEN, "an earlier write to the store failed: nothing more is written");
    err_hint(err, "Start argil again: it picks up from the journal.");
    return FAIL;
}

static enum status begin_writing(struct sq *sq, enum status (*begin)(struct sq *, struct err *),
                                 struct err *err)
{
    if (sq->read_only)
        return err_set(err, ERR_INVALID, "the workspace is open for reading only");
    if (atomic_load(&sq->home->broken))
        return refuse_broken(err);
    arena_reset(sq->scratch);
    sq->engine->trim(sq); /* only between transactions: nobody holds a statement then */
    sq->writing = true;
    sq->audit.known = sq->audit.moved = false;
    return begin(sq, err) == OK ? OK : sq_end(sq, FAIL, NULL);
}

static enum status in_turn(struct sq *sq, struct err *err)
{
    return sq->engine->begin(sq, true, err);
}

enum status sq_begin(struct sq *sq, struct err *err)
{
    return begin_writing(sq, in_turn, err);
}

enum status sq_begin_beside(struct sq *sq, struct err *err)
{
    return begin_writing(sq, sq->engine->begin_beside ? sq->engine->begin_beside : in_turn, err);
}

enum status sq_begin_in_line(struct sq *sq, int64_t connection_id, struct err *err)
{
    if (sq_begin_beside(sq, err) != OK)
        return FAIL;
    if (!sq->engine->in_line || sq->engine->in_line(sq, connection_id, err) == OK)
        return OK;
    return sq_end(sq, FAIL, NULL);
}

enum status sq_sound(struct store *store, struct err *err)
{
    return atomic_load(&sq_of(store)->home->broken) ? refuse_broken(err) : OK;
}

enum status sq_begin_read(struct sq *sq, struct err *err)
{
    if (atomic_load(&sq->home->broken))
        return refuse_broken(err);
    sq->engine->trim(sq);
    return sq->engine->begin(sq, false, err);
}

enum status sq_end(struct sq *sq, enum status rc, struct err *err)
{
    if (rc == OK && sq->writing)
        rc = sq_store_moves(sq, err);
    if (rc == OK && sq->writing)
        rc = audit_end(sq, err);
    if (rc == OK)
        rc = sq->engine->commit(sq, err);
    if (rc != OK)
        sq->engine->tell_late(sq, err);
    vec_clear(&sq->moves);
    sq->engine->rollback(sq);
    sq->writing = false;
    if (rc == OK && sq->wakes && sq->engine->notify)
        sq->engine->notify(sq);
    sq->wakes = false;
    if (rc == OK)
        sq_tell_notes(sq);
    else
        sq_drop_notes(sq);
    return rc;
}
