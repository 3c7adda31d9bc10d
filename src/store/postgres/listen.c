/* listen.c - the processes of a workspace wake each other: LISTEN and NOTIFY on a channel of it.
 *
 * A notification only says "look": what there is to do is in the tables, and whoever listens
 * looks by itself now and then. So it is sent behind the commit, and nothing is said where it
 * fails: a server that has no LISTEN (some distributed ones), or a pooler in between, cost
 * time and no work. The session that listens is the one that looks; when its connection is
 * lost it listens again, and then looks at once: it may have missed some. */
#include "store/postgres/postgres_priv.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

/* A command outside of a transaction, whose failure is nobody's. */
static bool try_command(struct postgres *pg, const char *sql)
{
    bool good = false;
    PGresult *result;
    if (pg->in_transaction || pg->pending || !pg->conn || PQstatus(pg->conn) != CONNECTION_OK ||
        !PQsendQueryParams(pg->conn, sql, 0, NULL, NULL, NULL, NULL, 0) || !PQpipelineSync(pg->conn))
        return false;
    while ((result = PQgetResult(pg->conn))) {
        ExecStatusType status = PQresultStatus(result);
        good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
        PQclear(result);
    }
    if (PQstatus(pg->conn) == CONNECTION_OK && (result = PQgetResult(pg->conn)))
        PQclear(result); /* of the sync */
    return good;
}

void pg_notify(struct sq *sq)
{
    char sql[64];
    snprintf(sql, sizeof sql, "NOTIFY argil_%lld", (long long)pg_of(sq)->ws);
    (void)try_command(pg_of(sq), sql);
}

static bool take_notifications(struct postgres *pg)
{
    bool any = false;
    PGnotify *one;
    (void)PQconsumeInput(pg->conn); /* a loss is found by the next who asks something */
    while ((one = PQnotifies(pg->conn))) {
        any = true;
        PQfreemem(one);
    }
    return any;
}

/* The bell is rung: true, and it is silent again. */
static bool take_bell(const struct pollfd *bell)
{
    uint64_t rung;
    return bell->fd >= 0 && bell->revents && read(bell->fd, &rung, sizeof rung) > 0;
}

static bool wait_for(struct postgres *pg, int64_t most_ms, int bell)
{
    struct world *world = world_real(); /* the network is the machine's */
    int64_t until = world->monotonic_ms(world) + most_ms, left = most_ms;
    struct pollfd both[] = {{.fd = bell, .events = POLLIN},
                            {.fd = pg->listens ? PQsocket(pg->conn) : -1, .events = POLLIN}};
    for (; left > 0; left = until - world->monotonic_ms(world)) {
        int ready = poll(both, 2, (int)left);
        if (ready < 0 && errno != EINTR)
            return true;
        if (ready > 0 && take_bell(&both[0]))
            return true;
        if (ready > 0 && both[1].revents &&
            (take_notifications(pg) || PQstatus(pg->conn) != CONNECTION_OK))
            return true;
    }
    return false;
}

enum status pg_await(struct sq *sq, const struct store_await *wait, bool *look, struct err *err)
{
    struct postgres *pg = pg_of(sq);
    char sql[64];
    *look = true;
    if (pg_be_connected(pg, err) != OK)
        return FAIL;
    if (!pg->listens) {
        snprintf(sql, sizeof sql, "LISTEN argil_%lld", (long long)pg->ws);
        pg->listens = try_command(pg, sql);
        if (!pg->listens)
            (void)wait_for(pg, wait->deaf_ms, wait->bell);
        return OK;
    }
    *look = take_notifications(pg) || wait_for(pg, wait->most_ms, wait->bell);
    return OK;
}
