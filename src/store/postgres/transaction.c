/* transaction.c - one writer a workspace at a time, fenced; and what a lost commit was.
 *
 * A writing transaction first locks the workspace's row, which everybody who
 * writes to that workspace waits for in turn, and then looks whether this process
 * is still a member (W7): one that was given up may not write any more. Reading
 * ones see one moment of the database and wait for nobody. A claim writes beside them:
 * it takes only rows that nobody else has locked, and holds on to its membership instead,
 * so that whoever gives this process up waits for the claim to end. So does who lets operations
 * go to the org: they are its own; and who asks for its share of a connection, one behind the other by
 * a lock of that connection. `alone` waits for all of those. Who settles them
 * takes its turn first, though they are its own: whoever has the turn and plans the next operation
 * of a record waits in its index until the one before is settled.
 *
 * What is asked first, the turn and the membership, travels with the first statement, and COMMIT with
 * the last; it never leaves before this process is known to be a member.
 *
 * Whoever has its turn gives it on before its commit is on disk: COMMIT does not wait for that,
 * a second transaction behind it, which holds nothing, does (the log is written in order). Only
 * then is the first told as done. So writers do not wait for each other's disk.
 *
 * When the connection goes while a commit is under way, the server is asked
 * afterwards what became of it: each handle numbers its commits, and the number of the
 * last one is a row that is written with it (argil_commits). Done is done, and told so. The
 * server's own word (pg_xact_status) only says whether it still goes on: after a crash
 * it gives out again the ids of transactions of which nothing was on disk, and what is
 * "committed" then is somebody else's. Only when it cannot be found out is the store
 * broken for this process. */
#include "store/postgres/postgres_priv.h"

#include <stdlib.h>
#include <string.h>

int pg_member_ms(void)
{
    const char *given = getenv("ARGIL_MEMBER_MS");
    char *end = NULL;
    long long ms = given ? strtoll(given, &end, 10) : 0;
    return given && !*end && ms >= 4000 && ms <= 3600000 ? (int)ms : 30000;
}

/* ---------------------------------------------------------------- begin */

static enum status fenced(struct postgres *pg, struct err *err)
{
    err_set(err, ERR_STORE_LOCKED,
            "the others gave this argil up (epoch %lld): it was not heard of for too long",
            (long long)pg->sq.store.epoch);
    err_hint(err, "Start it again: it picks up from the journal.");
    return FAIL;
}

static enum status lock_workspace(struct postgres *pg, struct err *err)
{
    char sql[120];
    snprintf(sql, sizeof sql, "SELECT 1 FROM argil_workspaces WHERE ws=%lld FOR UPDATE",
             (long long)pg->ws);
    return pg_send(pg, sql, err);
}

/* `how`: locks the membership, or "". The answer comes with what is asked next. */
static enum status ask_membership(struct postgres *pg, const char *how, struct err *err)
{
    char sql[320];
    snprintf(sql, sizeof sql,
             "SELECT pg_current_xact_id(), until_ms-" PG_NOW_MS
             " FROM argil_members WHERE ws=%lld AND epoch=%lld%s",
             (long long)pg->ws, (long long)pg->sq.store.epoch, how);
    if (pg_send(pg, sql, err) != OK)
        return FAIL;
    pg->asked_member = pg->pending;
    return OK;
}

enum status pg_is_member(struct postgres *pg, const PGresult *result, struct err *err)
{
    pg->asked_member = 0;
    if (PQntuples(result) != 1)
        return fenced(pg, err);
    snprintf(pg->xid, sizeof pg->xid, "%s", PQgetvalue(result, 0, 0));
    pg->prolongs = strtoll(PQgetvalue(result, 0, 1), NULL, 10) <= PG_MEMBER_MS / 2;
    return OK;
}

/* Before a commit; who writes beside leaves it to others. */
static enum status prolong(struct postgres *pg, struct err *err)
{
    char sql[200];
    if (pg->asked_member && pg_drain(pg, NULL, "beginning to write", err) != OK)
        return FAIL;
    if (!pg->prolongs || !pg->early)
        return OK;
    pg->prolongs = false;
    snprintf(sql, sizeof sql,
             "UPDATE argil_members SET until_ms=" PG_NOW_MS "+%d WHERE ws=%lld AND epoch=%lld",
             PG_MEMBER_MS, (long long)pg->ws, (long long)pg->sq.store.epoch);
    return pg_send(pg, sql, err);
}

static enum status begin_as(struct postgres *pg, const char *sql, struct err *err)
{
    if (pg_be_connected(pg, err) != OK)
        return FAIL;
    pg->xid[0] = '\0';
    pg->wrote = false;
    if (pg_drain(pg, NULL, "asking the store", err) != OK) /* or it would begin with those */
        return FAIL;
    pg->in_transaction = true;
    pg->by_indexes = pg->early = pg->prolongs = false;
    pg->asked_member = 0;
    return pg_send(pg, sql, err);
}

enum status pg_begin(struct sq *sq, bool write, struct err *err)
{
    struct postgres *pg = pg_of(sq);
    if (!write) {
        enum status rc = begin_as(pg, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", err);
        pg->in_transaction = rc == OK;
        return rc;
    }
    if (begin_as(pg, "BEGIN", err) != OK ||
        pg_send(pg, "SET LOCAL synchronous_commit=off", err) != OK || lock_workspace(pg, err) != OK)
        return FAIL;
    pg->early = true;
    return ask_membership(pg, "", err);
}

enum status pg_begin_beside(struct sq *sq, struct err *err)
{
    struct postgres *pg = pg_of(sq);
    return begin_as(pg, "BEGIN", err) == OK ? ask_membership(pg, " FOR KEY SHARE", err) : FAIL;
}

enum status pg_in_line(struct sq *sq, int64_t number, struct err *err)
{
    char sql[80];
    snprintf(sql, sizeof sql, "SELECT pg_advisory_xact_lock(%d,%d)", (int)(int32_t)pg_of(sq)->ws,
             (int)(int32_t)number);
    return pg_send(pg_of(sq), sql, err);
}

enum status pg_alone(struct sq *sq, struct err *err)
{
    char sql[120];
    snprintf(sql, sizeof sql, "SELECT 1 FROM argil_members WHERE ws=%lld ORDER BY epoch FOR UPDATE",
             (long long)pg_of(sq)->ws);
    return pg_send(pg_of(sq), sql, err);
}

/* ------------------------------------------------------------------ ids */

enum status pg_next_id(struct postgres *pg, const char *table, int64_t *id, struct err *err)
{
    struct pg_ids *ids = map_get(pg->ids, table);
    const char *text;
    if (!ids->next) {
        char sql[320];
        snprintf(sql, sizeof sql,
                 "SELECT greatest((SELECT next FROM argil_ids WHERE ws=%lld AND noun='%s'),"
                 "(SELECT max(id)+1 FROM %s WHERE ws=%lld),1)",
                 (long long)pg->ws, table, table, (long long)pg->ws);
        if (pg_ask(pg, sql, &text, err) != OK)
            return FAIL;
        ids->next = text ? strtoll(text, NULL, 10) : 1;
    }
    *id = ids->next++;
    ids->changed = true;
    return OK;
}

static enum status store_ids(struct postgres *pg, struct err *err)
{
    size_t at = 0;
    const char *table;
    void *found;
    char sql[320];
    while (map_next(pg->ids, &at, &table, &found)) {
        struct pg_ids *ids = found;
        if (!ids->changed)
            continue;
        snprintf(sql, sizeof sql,
                 "INSERT INTO argil_ids(ws,noun,next) VALUES(%lld,'%s',%lld)"
                 " ON CONFLICT(ws,noun) DO UPDATE SET next=excluded.next",
                 (long long)pg->ws, table, (long long)ids->next);
        if (pg_send(pg, sql, err) != OK)
            return FAIL;
    }
    return OK;
}

static void forget_ids(struct postgres *pg)
{
    size_t at = 0;
    const char *table;
    void *found;
    while (map_next(pg->ids, &at, &table, &found)) {
        struct pg_ids *ids = found;
        ids->next = 0;
        ids->changed = false;
    }
}

/* ----------------------------------------------------------------- commit */

/* A transaction of its own, whose commit is on disk, and with it all before. It must say something
 * in the log: the commit of one that has only a number is not waited for. */
#define ON_DISK "SELECT pg_logical_emit_message(true,'argil','')"

/* The commit's number, where there is something to tell it from those before. */
static enum status number_commit(struct postgres *pg, struct err *err)
{
    char sql[320];
    if (!pg->wrote || !pg->xid[0])
        return OK;
    pg->commit = atomic_fetch_add(&pg->link->commits, 1) + 1;
    snprintf(sql, sizeof sql,
             "INSERT INTO argil_commits(ws,epoch,seat,number) VALUES(%lld,%lld,%d,%lld)"
             " ON CONFLICT(ws,epoch,seat) DO UPDATE SET number=excluded.number",
             (long long)pg->ws, (long long)pg->sq.store.epoch, pg->seat, (long long)pg->commit);
    return pg_send(pg, sql, err);
}

enum status pg_forget_commits(struct postgres *pg, int64_t epoch, struct err *err)
{
    char sql[280];
    if (epoch)
        snprintf(sql, sizeof sql, "DELETE FROM argil_commits WHERE ws=%lld AND epoch=%lld",
                 (long long)pg->ws, (long long)epoch);
    else
        snprintf(sql, sizeof sql,
                 "DELETE FROM argil_commits c WHERE ws=%lld AND NOT EXISTS"
                 "(SELECT 1 FROM argil_members m WHERE m.ws=c.ws AND m.epoch=c.epoch)",
                 (long long)pg->ws);
    return pg_send(pg, sql, err);
}

enum became { GOES_ON, WAS_STORED, WAS_NOT, NOBODY_SAYS };

/* First whether it goes on, then what it left. */
static enum became ask_once(struct postgres *pg, struct err *err)
{
    const char *state = NULL, *number = NULL;
    char sql[200];
    snprintf(sql, sizeof sql,
             "SELECT CASE WHEN '%s'::xid8<pg_snapshot_xmax(pg_current_snapshot())"
             " THEN pg_xact_status('%s'::xid8) END",
             pg->xid, pg->xid);
    if (pg_be_connected(pg, err) != OK || pg_ask(pg, sql, &state, err) != OK)
        return NOBODY_SAYS;
    snprintf(sql, sizeof sql,
             "SELECT number FROM argil_commits WHERE ws=%lld AND epoch=%lld AND seat=%d",
             (long long)pg->ws, (long long)pg->sq.store.epoch, pg->seat);
    bool goes_on = state && strcmp(state, "in progress") == 0;
    if (pg_ask(pg, sql, &number, err) != OK)
        return NOBODY_SAYS;
    if (number && strtoll(number, NULL, 10) == pg->commit)
        return pg_ask(pg, ON_DISK, &number, err) == OK ? WAS_STORED : NOBODY_SAYS;
    return goes_on ? GOES_ON : WAS_NOT;
}

/* The connection went while COMMIT was under way: was it done? */
static enum status ask_what_became(struct postgres *pg, struct err *err)
{
    pg->in_transaction = false;
    for (int i = 0; i < 20; i++) {
        enum became became = pg->wrote ? ask_once(pg, err) : WAS_NOT;
        if (became == WAS_STORED)
            return OK;
        if (became == WAS_NOT)
            return err_set(err, ERR_STORE_LOST,
                           "the connection to %s was lost: nothing of the change was stored",
                           pg->link->place);
        if (became == GOES_ON)
            world_real()->sleep_ms(world_real(), 250);
    }
    atomic_store(&pg->sq.home->broken, true);
    err_set(err, ERR_STORE_BROKEN,
            "the connection to %s was lost while storing, and whether it was stored is not known",
            pg->link->place);
    err_hint(err, "Start argil again: it picks up from the journal.");
    return FAIL;
}

static enum status check_commit(struct postgres *pg, struct err *err)
{
    return pg->committed ? OK
                         : err_set(err, ERR_STORE_BROKEN, "a transaction on %s was rolled back",
                                   pg->link->place);
}

enum status pg_commit(struct sq *sq, struct err *err)
{
    struct postgres *pg = pg_of(sq);
    if (pg->failed || prolong(pg, err) != OK || pg_note_growth(pg, err) != OK ||
        store_ids(pg, err) != OK || pg_send_news(pg, err) != OK || number_commit(pg, err) != OK)
        return FAIL;
    /* Together with what was sent before and not answered yet: of that, one that fails ends all
     * behind it, COMMIT too. */
    struct err why = {0};
    bool early = pg->early;
    pg->committed = pg->early = false;
    if (pg_send(pg, "COMMIT", &why) == OK && (!early || pg_send(pg, ON_DISK, &why) == OK) &&
        pg_drain(pg, NULL, "storing", &why) == OK) {
        pg->in_transaction = false;
        return check_commit(pg, err);
    }
    if (err_is(&why, ERR_STORE_LOST) && pg->xid[0])
        return ask_what_became(pg, err);
    if (err)
        *err = why;
    return FAIL;
}

void pg_rollback(struct sq *sq)
{
    struct postgres *pg = pg_of(sq);
    pg_drop_added(pg);
    if (pg->in_transaction && pg->conn && PQstatus(pg->conn) == CONNECTION_OK) {
        struct err ignored = {0};
        pg_drain(pg, NULL, "", &ignored);
        if (pg_send(pg, "ROLLBACK", &ignored) == OK)
            pg_drain(pg, NULL, "", &ignored);
    }
    pg->in_transaction = false;
    forget_ids(pg);
}

/* ---------------------------------------------------------------- members */

enum status pg_live_epochs(struct sq *sq, const char **out, struct err *err)
{
    struct postgres *pg = pg_of(sq);
    char sql[400];
    snprintf(sql, sizeof sql, "DELETE FROM argil_members WHERE ws=%lld AND epoch<>%lld AND " PG_IS_GONE,
             (long long)pg->ws, (long long)sq->store.epoch);
    if (pg_send(pg, sql, err) != OK || pg_forget_commits(pg, 0, err) != OK)
        return FAIL;
    snprintf(sql, sizeof sql,
             "SELECT string_agg(epoch::text,',' ORDER BY epoch) FROM argil_members WHERE ws=%lld",
             (long long)pg->ws);
    if (pg_ask(pg, sql, out, err) != OK)
        return FAIL;
    if (!*out)
        *out = "0";
    return OK;
}

bool pg_same_members(struct sq *sq, const char *live)
{
    struct postgres *pg = pg_of(sq);
    struct err ignored = {0};
    const char *now;
    char sql[400];
    snprintf(sql, sizeof sql,
             "SELECT string_agg(epoch::text,',' ORDER BY epoch) FROM argil_members WHERE ws=%lld"
             " AND NOT (epoch<>%lld AND " PG_IS_GONE ")",
             (long long)pg->ws, (long long)sq->store.epoch);
    return pg_ask(pg, sql, &now, &ignored) == OK && now && strcmp(now, live) == 0;
}

#define IDS_SKIPPED 1000

/* A history that is lost may have given out ids, and its processes are no members. */
enum status pg_new_line(struct sq *sq, struct err *err)
{
    struct postgres *pg = pg_of(sq);
    size_t at = 0;
    const char *table;
    void *found;
    int64_t id, old = sq->store.epoch;
    while (map_next(pg->ids, &at, &table, &found)) {
        if (pg_next_id(pg, table, &id, err) != OK)
            return FAIL;
        ((struct pg_ids *)found)->next += IDS_SKIPPED;
    }
    if (sq_exec(sq,
                "UPDATE meta SET value=CAST(CAST(value AS INTEGER)+1000000 AS TEXT)"
                " WHERE name='epoch'",
                err) != OK)
        return FAIL;
    struct sq_stmt *get = sq_stmt(sq, err, "SELECT value FROM meta WHERE name='epoch'");
    if (!get || sq_one_int(sq, get, 0, &sq->store.epoch, err) != OK)
        return FAIL;
    atomic_store(&pg->link->epoch, sq->store.epoch);
    char *sql = arena_printf(sq->scratch,
                             "UPDATE argil_members SET epoch=%lld WHERE ws=%lld AND epoch=%lld",
                             (long long)sq->store.epoch, (long long)pg->ws, (long long)old);
    if (pg_send(pg, sql, err) != OK)
        return FAIL;
    sql = arena_printf(sq->scratch, "DELETE FROM argil_members WHERE ws=%lld AND epoch<>%lld",
                       (long long)pg->ws, (long long)sq->store.epoch);
    return pg_send(pg, sql, err) == OK ? pg_forget_commits(pg, 0, err) : FAIL;
}
