/* open.c - a workspace in a PostgreSQL database: made, found, joined and left.
 *
 * Everything of ours is in the schema `argil`. Order of a writing open: connect,
 * set up what is of no workspace, migrate the schema, find or make the workspace,
 * join it under the next epoch, free what processes had that are gone. Any number
 * of processes may be members at once. One that died (beat.c), or was not heard of for
 * PG_MEMBER_MS, is gone: what it held is freed, and should it be there after all, it
 * may not write any more. Clocks of hosts do not matter: the server's is asked. */
#include "store/postgres/postgres_priv.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ----------------------------------------------------------------- schema */

enum status pg_get_version(struct sq *sq, int64_t *version, struct err *err)
{
    struct postgres *pg = pg_of(sq);
    const char *there, *text = NULL;
    if (pg_ask(pg, "SELECT to_regclass('argil.argil_schema')", &there, err) != OK)
        return FAIL;
    if (there && pg_ask(pg, "SELECT version FROM argil_schema WHERE ws=0", &text, err) != OK)
        return FAIL;
    *version = text ? strtoll(text, NULL, 10) : 0;
    return OK;
}

/* Texts of several statements, not ours to rewrite. */
static enum status run_plain(struct postgres *pg, const char *sql, struct err *err)
{
    PQexitPipelineMode(pg->conn);
    PGresult *result = PQexec(pg->conn, sql);
    enum status rc = PQresultStatus(result) == PGRES_COMMAND_OK ||
                             PQresultStatus(result) == PGRES_TUPLES_OK
                         ? OK
                         : pg_fail(pg, result, "preparing the store", err);
    PQclear(result);
    PQenterPipelineMode(pg->conn);
    return rc;
}

enum status pg_begin_schema(struct sq *sq, struct err *err)
{
    struct postgres *pg = pg_of(sq);
    pg->in_transaction = true;
    return run_plain(pg, "BEGIN; SELECT pg_advisory_xact_lock(8020122)", err) == OK
               ? run_plain(pg, pg_setup, err)
               : FAIL;
}

enum status pg_set_version(struct sq *sq, int64_t version, struct err *err)
{
    struct postgres *pg = pg_of(sq);
    char sql[160];
    snprintf(sql, sizeof sql,
             "INSERT INTO argil_schema(ws,version) VALUES(0,%lld)"
             " ON CONFLICT(ws) DO UPDATE SET version=excluded.version",
             (long long)version);
    if (pg_drain(pg, NULL, "preparing the store", err) != OK ||
        run_plain(pg, pg_functions(sq->scratch), err) != OK)
        return FAIL;
    return pg_send(pg, sql, err);
}

/* -------------------------------------------------------------- workspace */

static enum status read_counting(struct postgres *pg, struct err *err)
{
    PGresult *result = NULL;
    if (pg_send(pg, "SELECT noun FROM argil_ids WHERE ws=0", err) != OK ||
        pg_drain(pg, &result, "opening the workspace", err) != OK)
        return FAIL;
    for (int i = 0; i < PQntuples(result); i++) {
        const char *table = PQgetvalue(result, i, 0);
        if (!map_has(pg->ids, table))
            map_put(pg->ids, table, mem_alloc(sizeof(struct pg_ids)));
    }
    PQclear(result);
    return OK;
}

static enum status no_workspace(struct postgres *pg, struct err *err)
{
    if (pg->link->workspace)
        err_set(err, ERR_STORE_NONE, "there is no workspace \"%s\" in %s", pg->link->workspace,
                pg->link->place);
    else
        err_set(err, ERR_STORE_NONE, "there is no workspace in %s", pg->link->place);
    err_hint(err, "Make one with: argil init --store URL --name NAME");
    return FAIL;
}

static enum status several(struct postgres *pg, const PGresult *result, struct err *err)
{
    struct buf names = BUF_INIT;
    for (int i = 0; i < PQntuples(result); i++)
        buf_printf(&names, "%s%s", i ? ", " : "", PQgetvalue(result, i, 1));
    err_set(err, ERR_INVALID, "%s holds several workspaces: %s", pg->link->place, buf_text(&names));
    err_hint(err, "Name one in the address: ...?workspace=NAME");
    buf_free(&names);
    return FAIL;
}

/* Sets pg->ws; 0 = there is none. `name` NULL: the only one. */
static enum status find_workspace(struct postgres *pg, const char *name, struct err *err)
{
    PGresult *result = NULL;
    struct buf sql = BUF_INIT;
    buf_str(&sql, "SELECT ws,name FROM argil_workspaces");
    if (name) {
        buf_str(&sql, " WHERE lower(name)=lower(");
        pg_quote(&sql, name);
        buf_str(&sql, ") OR id=");
        pg_quote(&sql, name);
    }
    buf_str(&sql, " ORDER BY ws");
    enum status rc = pg_send(pg, buf_text(&sql), err);
    buf_free(&sql);
    if (rc != OK || pg_drain(pg, &result, "opening the workspace", err) != OK)
        return FAIL;
    if (PQntuples(result) > 1)
        rc = several(pg, result, err);
    else
        pg->ws = PQntuples(result) ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : 0;
    PQclear(result);
    return rc;
}

static enum status make_workspace(struct postgres *pg, const char *name, struct err *err)
{
    struct buf sql = BUF_INIT;
    const char *ws = NULL;
    char id[37];
    uuid4(pg->sq.world, id);
    buf_printf(&sql,
               "INSERT INTO argil_workspaces(ws,id,name) SELECT coalesce(max(ws),0)+1,'%s',", id);
    pg_quote(&sql, name);
    buf_str(&sql, " FROM argil_workspaces RETURNING ws");
    enum status rc = pg_ask(pg, buf_text(&sql), &ws, err);
    buf_free(&sql);
    if (rc != OK)
        return FAIL;
    pg->ws = strtoll(ws, NULL, 10);
    return sq_exec(&pg->sq,
                   arena_printf(pg->sq.scratch,
                                "INSERT INTO meta(name,value) VALUES('workspace_id','%s')", id),
                   err);
}

static enum status find_or_make(struct postgres *pg, const struct store_open *options,
                                struct err *err)
{
    const char *name = pg->link->workspace ? pg->link->workspace
                       : options->create   ? options->name
                                           : NULL;
    if (find_workspace(pg, name, err) != OK)
        return FAIL;
    if (pg->ws)
        return OK;
    if (!options->create)
        return no_workspace(pg, err);
    return make_workspace(pg, name && *name ? name : "workspace", err);
}

/* ---------------------------------------------------------------- members */

static void own_process(char *out, size_t size)
{
    char host[64] = "";
    gethostname(host, sizeof host - 1);
    snprintf(out, size, "%s:%ld", host, (long)getpid());
    for (char *p = out; *p; p++)
        if (*p == '\'' || *p == '\\')
            *p = '_';
}

static enum status join(struct postgres *pg, struct err *err)
{
    char process[96];
    own_process(process, sizeof process);
    char *sql = arena_printf(
        pg->sq.scratch,
        "INSERT INTO argil_members(ws,epoch,host,process,since_ms,until_ms) VALUES(%lld,%lld,"
        "coalesce(host(inet_client_addr()),'local'),'%s'," PG_NOW_MS "," PG_NOW_MS "+%d)",
        (long long)pg->ws, (long long)pg->sq.store.epoch, process, PG_MEMBER_MS);
    return pg_send(pg, sql, err);
}

/* The last commit of each handle of a member: transaction.c. Of no schema's version, because
 * nothing in it outlives its process. */
#define COMMITS                                                                                    \
    "CREATE TABLE IF NOT EXISTS argil.argil_commits(ws bigint, epoch bigint, seat int,"            \
    " number bigint NOT NULL, PRIMARY KEY(ws, epoch, seat))"

/* Under the advisory lock of begin_schema: two that are made at once are two. */
static enum status enter(struct postgres *pg, const struct store_open *options, struct err *err)
{
    struct sq *sq = &pg->sq;
    if (read_counting(pg, err) != OK || find_or_make(pg, options, err) != OK)
        return FAIL;
    char *lock = arena_printf(sq->scratch, "SELECT 1 FROM argil_workspaces WHERE ws=%lld FOR UPDATE",
                              (long long)pg->ws);
    const char *name = pg->link->workspace ? pg->link->workspace : options->name;
    if (pg_send(pg, lock, err) != OK || sq_next_epoch(sq, name, err) != OK)
        return FAIL;
    atomic_store(&pg->link->epoch, sq->store.epoch);
    if (!sq->schema && pg_lineage_check(pg, err) != OK) /* an earlier schema may not have what it holds */
        return FAIL;
    pg->link->beat = pg_beat_start(pg->link, pg->ws);
    return join(pg, err) == OK ? sq_tidy(sq, err) : FAIL;
}

static enum status enter_to_write(struct postgres *pg, const struct store_open *options,
                                  struct err *err)
{
    if (sq_migrate(&pg->sq, err) != OK)
        return FAIL;
    pg->in_transaction = true;
    if (run_plain(pg, "BEGIN; SELECT pg_advisory_xact_lock(8020122);" COMMITS, err) != OK)
        return sq_end(&pg->sq, FAIL, err);
    return sq_end(&pg->sq, enter(pg, options, err), err);
}

static enum status enter_to_read(struct postgres *pg, const struct store_open *options,
                                 struct err *err)
{
    int64_t version;
    if (pg_get_version(&pg->sq, &version, err) != OK)
        return FAIL;
    if (!version)
        return no_workspace(pg, err);
    if (sq_migrate(&pg->sq, err) != OK) /* only looks: reading sessions change nothing */
        return FAIL;
    return read_counting(pg, err) == OK ? find_or_make(pg, options, err) : FAIL;
}

/* ------------------------------------------------------------- the session */

static void free_ids(struct map *ids)
{
    size_t at = 0;
    const char *table;
    void *found;
    while (map_next(ids, &at, &table, &found))
        free(found);
    map_free(ids);
}

/* The last handle of a process that wrote takes its leave. */
static void leave(struct postgres *pg)
{
    struct err ignored = {0};
    if (!home_is_last(pg->sq.home))
        return;
    pg_hear(&pg->sq, NULL);
    pg_beat_stop(pg->link->beat);
    pg->link->beat = NULL;
    int64_t epoch = atomic_load(&pg->link->epoch);
    if (!epoch || !pg->conn || PQstatus(pg->conn) != CONNECTION_OK)
        return;
    char *sql =
        arena_printf(pg->sq.scratch, "DELETE FROM argil_members WHERE ws=%lld AND epoch=%lld",
                     (long long)pg->ws, (long long)epoch);
    if (pg_send(pg, sql, &ignored) == OK && pg_forget_commits(pg, epoch, &ignored) == OK)
        pg_drain(pg, NULL, "leaving", &ignored);
}

void pg_close_store(struct sq *sq)
{
    struct postgres *pg = pg_of(sq);
    leave(pg);
    pg_disconnect(pg);
    map_free(pg->statements);
    free_ids(pg->ids);
    arena_free(pg->sending);
    pg_leave_seat(pg->link, pg->seat);
    vec_free(&pg->added);
    pg_free_growth(pg);
    pg_link_leave(pg->link);
    sq_close_session(sq);
    free(pg);
}

static struct postgres *open_session(struct sq_home *home, struct pg_link *link,
                                     struct world *world, bool read_only)
{
    struct postgres *pg = mem_alloc(sizeof *pg);
    sq_open_session(&pg->sq, &sq_postgres_driver, &postgres_engine, home, world, link->place,
                    read_only);
    pg->link = link;
    pg->seat = pg_take_seat(link);
    pg->ids = map_new();
    pg->sending = arena_new();
    return pg;
}

enum status pg_open_another(struct sq *first, bool read_only, struct store **out, struct err *err)
{
    struct postgres *old = pg_of(first);
    struct postgres *pg =
        open_session(home_join(first->home), pg_link_join(old->link), first->world, read_only);
    pg->ws = old->ws;
    pg->sq.store.epoch = first->store.epoch;
    if (pg_connect(pg, err) != OK || read_counting(pg, err) != OK ||
        sq_read_names(&pg->sq, err) != OK) {
        pg_close_store(&pg->sq);
        return FAIL;
    }
    *out = &pg->sq.store;
    return OK;
}

enum status postgres_store_open(const char *url, const struct store_open *options,
                                struct store **out, struct err *err)
{
    struct pg_link *link = pg_link_open(url, err);
    *out = NULL;
    if (!link)
        return FAIL;
    struct postgres *pg = open_session(home_new(), link, options->world, options->read_only);
    pg->sq.schema = options->schema;
    enum status rc = pg_connect(pg, err);
    if (rc == OK)
        rc = options->read_only ? enter_to_read(pg, options, err)
                                : enter_to_write(pg, options, err);
    if (rc == OK)
        rc = sq_read_names(&pg->sq, err);
    if (rc != OK) {
        pg_close_store(&pg->sq);
        return FAIL;
    }
    link->spreads = !options->read_only && pg_can_spread(pg);
    *out = &pg->sq.store;
    return OK;
}
