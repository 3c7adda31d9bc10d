/* engine.c - statements on PostgreSQL, and what its SQLSTATEs mean to us.
 *
 * The connection is always in pipeline mode: a statement that gives no rows is
 * sent and its result read later, together with those of others, at the latest
 * before the commit; one that gives rows waits for them. So a page of a thousand
 * rows costs a few round trips, not thousands.
 *
 * A statement is rewritten (dialect.h) and prepared when it first runs, when the
 * types of its parameters are known by how they were bound. One over the items of a list is
 * not, unless plans go by indexes (together.c): a plan that was made while a table was small
 * goes through all of it later. */
#include "store/postgres/postgres_priv.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define STATEMENTS_MAX 400
#define STREAM_ROWS    500
#define SLOTS          (PG_PENDING_MAX + 2)

enum { OID_BYTEA = 17, OID_INT8 = 20, OID_TEXT = 25 };
static const Oid oids[] = {[VALUE_TEXT] = OID_TEXT, [VALUE_INT] = OID_INT8, [VALUE_BYTES] = OID_BYTEA};

static struct pg_statement *of(struct sq_stmt *stmt)
{
    return (struct pg_statement *)stmt;
}

/* ---------------------------------------------------------------- failures */

static enum status lost(struct postgres *pg, const char *doing, struct err *err)
{
    err_set(err, ERR_STORE_LOST, "%s: the connection to %s was lost", doing, pg->link->place);
    err_hint(err, "Nothing of it was stored. Once PostgreSQL answers again, so does argil.");
    return FAIL;
}

static enum status broken(struct postgres *pg, const char *doing, const char *text,
                          const char *state, struct err *err)
{
    atomic_store(&pg->sq.home->broken, true);
    err_set(err, ERR_STORE_BROKEN, "%s: %s (PostgreSQL %s) in %s", doing, text, state,
            pg->link->place);
    if (strncmp(state, "53", 2) == 0)
        err_hint(err, "The database server is out of disk, memory or connections. Make room, then "
                      "start argil again: nothing accepted is lost.");
    else
        err_hint(err, "Look into PostgreSQL's log, then start argil again: it picks up from the "
                      "journal.");
    return FAIL;
}

/* The primary message only: details hold people's values. */
enum status pg_fail(struct postgres *pg, const PGresult *result, const char *doing, struct err *err)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *text = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    if (!state || PQstatus(pg->conn) != CONNECTION_OK || strncmp(state, "08", 2) == 0 ||
        strncmp(state, "57P", 3) == 0 || strcmp(state, "25P03") == 0)
        return lost(pg, doing, err);
    text = text ? text : "";
    if (strncmp(state, "23", 2) == 0)
        return err_set(err, ERR_CONFLICT, "%s: %s", doing, text);
    if (strcmp(state, "42P01") == 0)
        return err_set(err, ERR_NOT_FOUND, "%s: the table was deleted meanwhile", doing);
    if (strncmp(state, "54", 2) == 0)
        return err_set(err, ERR_TOO_LARGE, "%s: a value is too large", doing);
    if (strcmp(state, "22021") == 0 || strcmp(state, "22P05") == 0)
        return err_set(err, ERR_INVALID, "%s: a text holds a byte that PostgreSQL cannot store",
                       doing);
    if (strcmp(state, "55P03") == 0 || strncmp(state, "40", 2) == 0) {
        err_set(err, ERR_STORE_LOCKED, "%s: another program keeps %s busy", doing, pg->link->place);
        err_hint(err, "Try again; pg_stat_activity tells who it is.");
        return FAIL;
    }
    return broken(pg, doing, text, state, err);
}

/* ---------------------------------------------------------------- pipeline */

enum status pg_sent(struct postgres *pg, int ok, struct err *err)
{
    if (!ok)
        return lost(pg, "asking the store", err);
    if (pg->pending < SLOTS)
        pg->counts[pg->pending] = NULL, pg->told[pg->pending] = NULL;
    pg->pending++;
    return OK;
}

/* What stays when it is committed. */
static bool leaves_something(const char *sql)
{
    static const char *const words[] = {"INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP"};
    sql += strspn(sql, " ");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strncmp(sql, words[i], strlen(words[i])) == 0)
            return true;
    return false;
}

enum status pg_send(struct postgres *pg, const char *sql, struct err *err)
{
    pg->wrote |= leaves_something(sql);
    if (pg_send_added(pg, err) != OK)
        return FAIL;
    return pg_sent(pg, PQsendQueryParams(pg->conn, sql, 0, NULL, NULL, NULL, NULL, 0), err);
}

static bool is_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

/* The results of one command. The first failure is the one that counts. */
static void read_command(struct postgres *pg, PGresult **kept, const char *doing, enum status *rc,
                         struct err *err)
{
    PGresult *result;
    while ((result = PQgetResult(pg->conn))) {
        if (is_good(result)) {
            pg->committed |= strcmp(PQcmdStatus(result), "COMMIT") == 0;
            if (*PQcmdTuples(result))
                pg->changes = strtoll(PQcmdTuples(result), NULL, 10);
            PQclear(*kept);
            *kept = result;
            continue;
        }
        if (*rc == OK && PQresultStatus(result) != PGRES_PIPELINE_ABORTED)
            *rc = pg_fail(pg, result, doing, err);
        PQclear(result);
    }
}

/* One pending command's, the first of `at`. */
static void read_pending(struct postgres *pg, size_t at, PGresult **kept, const char *doing,
                         enum status *rc, struct err *err)
{
    bool known = at < SLOTS;
    enum status before = *rc;
    read_command(pg, kept, doing, rc, err);
    if (*rc == OK && at + 1 == pg->asked_member && PQstatus(pg->conn) == CONNECTION_OK)
        *rc = pg_is_member(pg, *kept, err);
    if (before == OK && *rc == OK && known && pg->counts[at])
        *pg->counts[at] = pg->changes;
    if (known && pg->told[at])
        pg_told_read(pg->told[at], before == OK && *rc == OK ? *kept : NULL);
    if (known)
        pg->told[at] = NULL;
}

/* All results of what was sent. The first failure passes over the rest. */
static enum status read_all(struct postgres *pg, PGresult **last, const char *doing,
                            struct err *err)
{
    enum status rc = OK;
    PGresult *kept = NULL, *sync;
    size_t count = pg->pending, at = 0;
    if (!count)
        return OK;
    if (!PQpipelineSync(pg->conn))
        rc = lost(pg, doing, err);
    for (; at < count && PQstatus(pg->conn) == CONNECTION_OK; at++)
        read_pending(pg, at, &kept, doing, &rc, err);
    if (PQstatus(pg->conn) != CONNECTION_OK && rc == OK)
        rc = lost(pg, doing, err);
    for (; at < count && at < SLOTS; at++)
        pg_told_read(pg->told[at], NULL);
    pg->pending = pg->asked_member = 0;
    if (PQstatus(pg->conn) == CONNECTION_OK && (sync = PQgetResult(pg->conn)))
        PQclear(sync);
    pg->stale |= rc != OK;
    if (rc == OK && last)
        *last = kept;
    else
        PQclear(kept);
    return rc;
}

void pg_forget_pending(struct postgres *pg)
{
    for (size_t i = 0; i < pg->pending && i < SLOTS; i++)
        pg_told_read(pg->told[i], NULL);
    pg->pending = pg->asked_member = 0;
}

enum status pg_drain(struct postgres *pg, PGresult **last, const char *doing, struct err *err)
{
    return pg_send_added(pg, err) == OK ? read_all(pg, last, doing, err) : FAIL;
}

enum status pg_make_room(struct postgres *pg, size_t commands, struct err *err)
{
    return pg->pending + commands > PG_PENDING_MAX ? read_all(pg, NULL, "writing to the store", err)
                                                   : OK;
}

enum status pg_ask(struct postgres *pg, const char *sql, const char **out, struct err *err)
{
    PGresult *result = NULL;
    *out = NULL;
    if (pg_send(pg, sql, err) != OK || pg_drain(pg, &result, "asking the store", err) != OK)
        return FAIL;
    if (PQntuples(result) && !PQgetisnull(result, 0, 0))
        *out = arena_strdup(pg->sq.scratch, PQgetvalue(result, 0, 0));
    PQclear(result);
    return OK;
}

/* -------------------------------------------------------------- statements */

static bool counts_ids(void *ctx, const char *table)
{
    return map_has(((struct postgres *)ctx)->ids, table);
}

struct dialect pg_dialect_of(struct postgres *pg, struct arena *arena)
{
    return (struct dialect){.arena = arena, .ws = pg->ws, .counts_ids = counts_ids, .ctx = pg};
}

static void free_statement(struct pg_statement *s)
{
    PQclear(s->result);
    pg_batch_free(s->batch);
    buf_free(&s->shown);
    free(s->param);
    free(s->sql);
    free(s->ours);
    free(s->id_of);
    free(s);
}

void pg_forget_statements(struct postgres *pg)
{
    size_t at = 0;
    const char *sql;
    void *found;
    pg_drop_added(pg); /* outside of transactions, and in migrations, there are none */
    while (pg->statements && map_next(pg->statements, &at, &sql, &found))
        free_statement(found);
    map_free(pg->statements);
    pg->statements = map_new();
}

static void forget(struct sq *sq)
{
    struct postgres *pg = pg_of(sq);
    struct err ignored = {0};
    if (pg->conn && PQstatus(pg->conn) == CONNECTION_OK && map_count(pg->statements))
        pg_send(pg, "DEALLOCATE ALL", &ignored);
    pg_forget_statements(pg);
    pg->stale = false;
}

static void trim(struct sq *sq)
{
    if (pg_of(sq)->stale || map_count(pg_of(sq)->statements) > STATEMENTS_MAX)
        forget(sq);
}

static struct pg_statement *make_statement(struct postgres *pg, const char *sql)
{
    struct arena *arena = arena_new();
    struct dialect dialect = pg_dialect_of(pg, arena);
    struct dialect_out out;
    const char *rest = sql;
    struct pg_statement *s = mem_alloc(sizeof *s);
    dialect_next(&dialect, &rest, &out);
    *s = (struct pg_statement){.stmt = {&postgres_engine},
                               .pg = pg,
                               .params = out.params,
                               .reads = out.reads,
                               .lists = out.lists,
                               .id_of = out.id_of ? mem_strdup(out.id_of) : NULL,
                               .sql = mem_strdup(buf_text(&out.sql)),
                               .ours = mem_strdup(sql)};
    s->param = mem_alloc((size_t)(s->params + 1) * sizeof *s->param);
    buf_free(&out.sql);
    arena_free(arena);
    return s;
}

static void stream(struct sq_stmt *stmt)
{
    of(stmt)->stream = of(stmt)->pg->in_transaction;
}

/* The cursor's rows are not wanted any more. */
static void close_cursor(struct pg_statement *s)
{
    char sql[64];
    struct err ignored = {0};
    if (!s->cursor)
        return;
    s->cursor = false;
    snprintf(sql, sizeof sql, "CLOSE %s", s->name);
    s->name[0] = '\0';
    if (s->pg->in_transaction)
        pg_send(s->pg, sql, &ignored);
}

static void reset(struct sq_stmt *stmt)
{
    struct pg_statement *s = of(stmt);
    PQclear(s->result);
    s->result = NULL;
    close_cursor(s);
}

static struct sq_stmt *stmt(struct sq *sq, const char *sql, struct err *err)
{
    struct postgres *pg = pg_of(sq);
    if (pg_be_connected(pg, err) != OK)
        return NULL;
    if (pg->stale && !pg->in_transaction)
        forget(sq);
    struct pg_statement *s = map_get(pg->statements, sql);
    if (!s) {
        s = make_statement(pg, sql);
        map_put(pg->statements, sql, s);
    }
    reset(&s->stmt);
    s->stream = false;
    for (int i = 0; i <= s->params; i++)
        s->param[i].text = NULL;
    return &s->stmt;
}

/* Another type than when it was prepared: it is prepared anew. Null fits any. */
static struct pg_param *param_of(struct sq_stmt *stmt, int at, enum value_kind kind)
{
    struct pg_statement *s = of(stmt);
    if (at < 1 || at > s->params)
        return NULL;
    struct pg_param *param = &s->param[at - 1];
    s->prepared = s->prepared && param->kind == kind;
    param->kind = kind;
    return param;
}

static void bind_int(struct sq_stmt *stmt, int at, int64_t value)
{
    struct pg_param *param = param_of(stmt, at, VALUE_INT);
    if (!param)
        return;
    param->value = value;
    param->len = snprintf(param->number, sizeof param->number, "%lld", (long long)value);
    param->text = param->number;
}

static void bind_text(struct sq_stmt *stmt, int at, const char *text, size_t len)
{
    struct pg_param *param = param_of(stmt, at, VALUE_TEXT);
    if (!param)
        return;
    param->text = text;
    param->len = (int)len;
}

static void bind_bytes(struct sq_stmt *stmt, int at, const char *bytes, size_t len)
{
    struct pg_param *param = param_of(stmt, at, VALUE_BYTES);
    if (!param)
        return;
    param->text = bytes;
    param->len = (int)len;
}

/* ----------------------------------------------------------------- running */

/* What PQsend.. wants, on scratch-like memory of the call. */
struct sending {
    int count;
    const char **values;
    int *lens, *formats;
    Oid *types;
};

static void make_sending(struct pg_statement *s, struct sending *out)
{
    struct arena *arena = s->pg->sending;
    out->count = s->params + (s->id_of != NULL);
    size_t room = (size_t)out->count + 1;
    out->values = arena_array(arena, room, sizeof *out->values);
    out->lens = arena_array(arena, room, sizeof *out->lens);
    out->formats = arena_array(arena, room, sizeof *out->formats);
    out->types = arena_array(arena, room, sizeof *out->types);
    for (int i = 0; i < out->count; i++) {
        out->values[i] = s->param[i].text;
        out->lens[i] = s->param[i].len;
        out->formats[i] = s->param[i].kind != VALUE_INT; /* bytes as they are */
        out->types[i] = oids[s->param[i].kind];
        if (s->param[i].kind == VALUE_TEXT && s->param[i].text &&
            zero_needs(s->param[i].text, (size_t)s->param[i].len))
            out->values[i] = zero_hide(arena, s->param[i].text, (size_t)s->param[i].len,
                                       &out->lens[i]);
    }
}

enum status pg_give_id(struct pg_statement *s, struct err *err)
{
    struct pg_param *param = &s->param[s->params];
    if (pg_next_id(s->pg, s->id_of, &s->pg->last_id, err) != OK)
        return FAIL;
    param->kind = VALUE_INT;
    param->value = s->pg->last_id;
    snprintf(param->number, sizeof param->number, "%lld", (long long)s->pg->last_id);
    param->text = param->number;
    return OK;
}

/* Sends the statement with what is bound. */
static enum status run(struct pg_statement *s, struct err *err)
{
    struct postgres *pg = s->pg;
    struct sending sending;
    pg->wrote |= !s->reads;
    if (pg_send_added(pg, err) != OK || (s->id_of && pg_give_id(s, err) != OK))
        return FAIL;
    make_sending(s, &sending);
    if (s->lists && !pg->by_indexes)
        return pg_sent(pg,
                       PQsendQueryParams(pg->conn, s->sql, sending.count, sending.types,
                                         sending.values, sending.lens, sending.formats, 0),
                       err);
    if (!s->prepared) {
        snprintf(s->name, sizeof s->name, "s%lld", (long long)++pg->numbered);
        if (pg_sent(pg, PQsendPrepare(pg->conn, s->name, s->sql, sending.count, sending.types),
                    err) != OK)
            return FAIL;
        s->prepared = true;
    }
    return pg_sent(pg,
                   PQsendQueryPrepared(pg->conn, s->name, sending.count, sending.values,
                                       sending.lens, sending.formats, 0),
                   err);
}

/* A statement whose preparation failed is not there. */
static enum status judge(struct pg_statement *s, enum status rc)
{
    if (rc != OK)
        s->prepared = false;
    return rc;
}

static enum status done(struct sq *sq, struct sq_stmt *stmt, struct err *err)
{
    struct postgres *pg = pg_of(sq);
    struct pg_statement *s = of(stmt);
    arena_reset(pg->sending);
    if (run(s, err) != OK)
        return FAIL;
    if (pg->in_transaction && pg->pending < PG_PENDING_MAX)
        return OK;
    return judge(s, pg_drain(pg, NULL, "writing to the store", err));
}

static enum status flush(struct sq *sq, struct err *err)
{
    return pg_drain(pg_of(sq), NULL, "writing to the store", err);
}

static enum status done_later(struct sq *sq, struct sq_stmt *stmt, int64_t *changed,
                              struct err *err)
{
    struct postgres *pg = pg_of(sq);
    if (pg_send_added(pg, err) != OK || pg_make_room(pg, 2, err) != OK) /* to prepare, and to run */
        return FAIL;
    arena_reset(pg->sending);
    if (run(of(stmt), err) != OK)
        return FAIL;
    pg->counts[pg->pending - 1] = changed;
    return OK;
}

static enum status declare(struct pg_statement *s, struct err *err)
{
    struct sending sending;
    char *sql = NULL;
    snprintf(s->name, sizeof s->name, "c%lld", (long long)++s->pg->numbered);
    sql = mem_printf("DECLARE %s NO SCROLL CURSOR FOR %s", s->name, s->sql);
    make_sending(s, &sending);
    s->prepared = false;
    s->cursor = true;
    if (pg_send_added(s->pg, err) != OK) {
        free(sql);
        return FAIL;
    }
    enum status rc = pg_sent(s->pg,
                             PQsendQueryParams(s->pg->conn, sql, sending.count, sending.types,
                                               sending.values, sending.lens, sending.formats, 0),
                             err);
    free(sql);
    return rc;
}

/* The first rows, or the next ones of a cursor. */
static enum status fetch(struct pg_statement *s, struct err *err)
{
    struct postgres *pg = s->pg;
    enum status rc;
    PQclear(s->result);
    s->result = NULL;
    arena_reset(pg->sending);
    if (s->stream) {
        char sql[80];
        if (!s->cursor && declare(s, err) != OK)
            return FAIL;
        snprintf(sql, sizeof sql, "FETCH %d FROM %s", STREAM_ROWS, s->name);
        rc = pg_send(pg, sql, err);
    } else {
        rc = run(s, err);
    }
    if (rc == OK)
        rc = judge(s, pg_drain(pg, &s->result, "reading from the store", err));
    s->row = -1;
    s->rows = rc == OK ? PQntuples(s->result) : 0;
    return rc;
}

static enum status row(struct sq *sq, struct sq_stmt *stmt, bool *row, struct err *err)
{
    struct pg_statement *s = of(stmt);
    *row = false;
    if (!s->result && fetch(s, err) != OK)
        return FAIL;
    if (++s->row == STREAM_ROWS && s->cursor) {
        if (fetch(s, err) != OK)
            return FAIL;
        s->row = 0;
    }
    *row = s->row < s->rows;
    if (!*row)
        reset(stmt);
    (void)sq;
    return OK;
}

static int64_t col_int(struct sq_stmt *stmt, int at)
{
    struct pg_statement *s = of(stmt);
    return strtoll(PQgetvalue(s->result, s->row, at), NULL, 10);
}

static void show_bytes(struct pg_statement *s, const char *text)
{
    for (const char *p = text + 2; p[0] && p[1]; p += 2) { /* behind "\x" */
        char pair[3] = {p[0], p[1], 0};
        buf_char(&s->shown, (char)strtol(pair, NULL, 16));
    }
}

/* As it was bound: bytes from their hexadecimal digits, zero bytes from behind their mark. */
static struct value show(struct pg_statement *s, int at)
{
    struct value text = {PQgetvalue(s->result, s->row, at),
                         (uint32_t)PQgetlength(s->result, s->row, at)};
    bool bytes = PQftype(s->result, at) == OID_BYTEA;
    if (!bytes && !zero_is_hidden(text.text, text.len))
        return text;
    buf_clear(&s->shown);
    if (bytes)
        show_bytes(s, text.text);
    else
        zero_show(&s->shown, text.text, text.len);
    return (struct value){buf_text(&s->shown), (uint32_t)s->shown.len};
}

static const char *col_peek(struct sq_stmt *stmt, int at)
{
    struct pg_statement *s = of(stmt);
    return PQgetisnull(s->result, s->row, at) ? NULL : show(s, at).text;
}

static uint32_t col_len(struct sq_stmt *stmt, int at)
{
    return show(of(stmt), at).len;
}

static int64_t changes(struct sq *sq)
{
    struct postgres *pg = pg_of(sq);
    if (pg_drain(pg, NULL, "writing to the store", &pg->late) == OK)
        return pg->changes;
    pg->failed = true;
    return 0;
}

/* The failure itself says more than what followed from it. */
static void tell_late(struct sq *sq, struct err *err)
{
    struct postgres *pg = pg_of(sq);
    if (pg->failed && err)
        *err = pg->late;
    pg->failed = false;
    pg->late = (struct err){0};
}

static int64_t last_id(struct sq *sq)
{
    return pg_of(sq)->last_id;
}

/* -------------------------------------------------------------------- exec */

static enum status exec_one(struct postgres *pg, struct dialect_out *out, struct err *err)
{
    if (out->id_of) /* its parameter would be missing */
        return err_set(err, ERR_INVALID,
                       "adding to %s: its ids are counted, which takes a statement of its own", out->id_of);
    enum status rc = pg_send(pg, buf_text(&out->sql), err);
    if (rc == OK)
        rc = pg_drain(pg, NULL, "preparing the store", err);
    return rc;
}

/* A table that counts its ids says so in argil_ids, as workspace 0. */
static enum status note_counting(struct postgres *pg, const char *table, struct err *err)
{
    char sql[200];
    struct pg_ids *ids = mem_alloc(sizeof *ids);
    map_put(pg->ids, table, ids);
    snprintf(sql, sizeof sql,
             "INSERT INTO argil_ids(ws,noun,next) VALUES(0,'%s',0) ON CONFLICT DO NOTHING", table);
    return pg_send(pg, sql, err) == OK ? pg_drain(pg, NULL, "preparing the store", err) : FAIL;
}

/* The workspaces that a migration is of. */
static enum status all_workspaces(struct postgres *pg, struct arena *arena, int64_t **out,
                                  int *count, struct err *err)
{
    PGresult *result = NULL;
    if (pg_send(pg, "SELECT ws FROM argil_workspaces ORDER BY ws", err) != OK ||
        pg_drain(pg, &result, "preparing the store", err) != OK)
        return FAIL;
    *count = PQntuples(result);
    *out = arena_array(arena, (size_t)*count + 1, sizeof **out);
    for (int i = 0; i < *count; i++)
        (*out)[i] = strtoll(PQgetvalue(result, i, 0), NULL, 10);
    PQclear(result);
    return OK;
}

static enum status each_workspace(struct sq *sq,
                                  enum status (*each)(struct sq *, const char *, struct err *),
                                  const char *sql, struct err *err)
{
    struct postgres *pg = pg_of(sq);
    int64_t *list;
    int count = 0;
    if (pg->ws)
        return each(sq, sql, err);
    struct arena *arena = arena_new();
    enum status rc = all_workspaces(pg, arena, &list, &count, err);
    for (int i = 0; rc == OK && i < count; i++) {
        pg->ws = list[i];
        rc = each(sq, sql, err);
        pg_forget_statements(pg); /* they are of one workspace */
    }
    pg->ws = 0;
    arena_free(arena);
    return rc;
}

/* One statement, its workspace in it. */
static enum status exec_here(struct sq *sq, const char *sql, struct err *err)
{
    struct postgres *pg = pg_of(sq);
    struct arena *arena = arena_new();
    struct dialect dialect = pg_dialect_of(pg, arena);
    struct dialect_out out;
    enum status rc = OK;
    if (dialect_next(&dialect, &sql, &out)) {
        rc = exec_one(pg, &out, err);
        if (rc == OK && out.made_counting)
            rc = note_counting(pg, out.made_counting, err);
        buf_free(&out.sql);
    }
    arena_free(arena);
    return rc;
}

/* A migration changes the schema once, and rows in every workspace. */
static enum status exec_next(struct postgres *pg, const char **sql, struct err *err)
{
    struct arena *arena = arena_new();
    struct dialect dialect = pg_dialect_of(pg, arena);
    struct dialect_out out;
    const char *start = *sql;
    bool more = dialect_next(&dialect, sql, &out), ddl = out.ddl;
    char *one = arena_strndup(arena, start, (size_t)(*sql - start));
    enum status rc = OK;
    buf_free(&out.sql);
    if (more)
        rc = !pg->ws && !ddl ? each_workspace(&pg->sq, exec_here, one, err)
                                              : exec_here(&pg->sq, one, err);
    arena_free(arena);
    return rc;
}

static enum status exec(struct sq *sq, const char *sql, struct err *err)
{
    struct postgres *pg = pg_of(sq);
    if (pg_be_connected(pg, err) != OK)
        return FAIL;
    enum status rc = pg_drain(pg, NULL, "writing to the store", err);
    while (rc == OK && *sql)
        rc = exec_next(pg, &sql, err);
    return rc;
}

static enum status scrub(struct sq *sq, bool on, bool log_too, struct err *err)
{
    (void)sq, (void)on, (void)log_too, (void)err; /* VACUUM and the log's recycling take the old texts away */
    return OK;
}

/* Plans made while a sheet was empty go through it from one end to the other, once a row. */
static enum status sheet_grew(struct sq *sq, int64_t table_id, struct err *err)
{
    struct postgres *pg = pg_of(sq);
    long long ws = pg->ws, id = table_id;
    char sql[120];
    snprintf(sql, sizeof sql, "ANALYZE t%lld_%lld, s%lld_%lld", ws, id, ws, id);
    return pg_send(pg, sql, err);
}

const struct sq_engine postgres_engine = {
    .far = true,
    .close = pg_close_store,
    .open_another = pg_open_another,
    .stmt = stmt,
    .trim = trim,
    .forget = forget,
    .bind_int = bind_int,
    .bind_text = bind_text,
    .bind_bytes = bind_bytes,
    .done = done,
    .done_later = done_later,
    .add = pg_add,
    .flush = flush,
    .row = row,
    .stream = stream,
    .reset = reset,
    .col_int = col_int,
    .col_peek = col_peek,
    .col_len = col_len,
    .changes = changes,
    .last_id = last_id,
    .exec = exec,
    .begin = pg_begin,
    .begin_beside = pg_begin_beside,
    .in_line = pg_in_line,
    .alone = pg_alone,
    .skip_locked = " FOR UPDATE SKIP LOCKED",
    .commit = pg_commit,
    .rollback = pg_rollback,
    .live_epochs = pg_live_epochs,
    .same_members = pg_same_members,
    .notify = pg_notify,
    .await = pg_await,
    .hear = pg_hear,
    .sheet_grew = sheet_grew,
    .scrub = scrub,
    .new_line = pg_new_line,
    .list_tables = pg_list_tables,
    .list_columns = pg_list_columns,
    .next_id = pg_id_of,
    .raise_id = pg_raise_id,
    .rename = pg_rename,
    .each_workspace = each_workspace,
    .tell_late = tell_late,
    .begin_schema = pg_begin_schema,
    .get_version = pg_get_version,
    .set_version = pg_set_version,
};
