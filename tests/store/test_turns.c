/* test_turns.c - what waits for no turn at writing on PostgreSQL, and what all the same goes one
 * behind the other: the places and calls of a connection. */
#include "store/ask_server.h"
#include "store/store.h"
#include "store/store_shares.h"
#include "support/check.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define CONNECTION 7
#define OTHERS     4
#define ROUNDS     40

static struct err err;
static struct arena *arena;
static struct store *store;

static void before(void)
{
    static int tests;
    struct store_open options = {.create = true, .world = world_real()};
    arena = arena_new();
    err = (struct err){0};
    char *address = arena_printf(arena, "%s&workspace=turns%d", server_url(), ++tests);
    CHECK_OK(postgres_store_open(address, &options, &store, &err), &err);
}

static void after(void)
{
    store->does->close(store);
    arena_free(arena);
}

EACH_TEST(before, after)

/* Whoever has the turn keeps it; a store that waits for it gives up after a minute. */
static PGconn *take_the_turn(void)
{
    PGconn *conn = PQconnectdb(server_url());
    PQclear(PQexec(conn, "BEGIN"));
    PGresult *result = PQexec(conn, "SELECT ws FROM argil.argil_workspaces FOR UPDATE");
    CHECK(PQntuples(result) > 0);
    PQclear(result);
    return conn;
}

TEST(turns, are_not_waited_for_to_share_a_connection)
{
    int64_t granted = 0;
    const struct store_shares *shares = store->does->shares;
    PGconn *conn = take_the_turn();
    CHECK_OK(shares->places(store, CONNECTION, "a", 8, 0, 5, &granted, &err), &err);
    CHECK_INT(granted, 5);
    CHECK_OK(shares->places_back(store, CONNECTION, "a", &err), &err);
    CHECK_OK(shares->calls(store, CONNECTION, 20000, 30, 20, &granted, &err), &err);
    CHECK_INT(granted, 20);
    CHECK_OK(shares->calls_back(store, CONNECTION, 20000, 3, &err), &err);
    CHECK_OK(shares->calls(store, CONNECTION, 20000, 30, 20, &granted, &err), &err);
    CHECK_INT(granted, 3);
    PQfinish(conn);
}

/* ------------------------------------------------------------------ several */

static struct {
    atomic_llong calls, failures;
} seen;

static long long held_by_all(PGconn *conn)
{
    PGresult *result = PQexec(conn, "SELECT coalesce(sum(held),0) FROM argil.places WHERE connection_id=7"
                                    " AND ws=(SELECT max(ws) FROM argil.argil_workspaces)");
    long long held = PQntuples(result) ? strtoll(PQgetvalue(result, 0, 0), NULL, 10) : -1;
    PQclear(result);
    return held;
}

static void *share(void *name)
{
    struct err mine = {0};
    struct store *own = NULL;
    PGconn *conn = PQconnectdb(server_url());
    if (store->does->open_another(store, false, &own, &mine) != OK) {
        atomic_fetch_add(&seen.failures, 1);
        return NULL;
    }
    const struct store_shares *shares = own->does->shares;
    for (int i = 0; i < ROUNDS; i++) {
        int64_t granted = 0;
        bool good = shares->places(own, CONNECTION, name, 3, 0, 5, &granted, &mine) == OK;
        long long held = held_by_all(conn);
        good = good && held >= 0 && held <= 5;
        good = good && (i % 3 || shares->places_back(own, CONNECTION, name, &mine) == OK);
        good = good && shares->calls(own, CONNECTION, 20000, 2, 111, &granted, &mine) == OK;
        atomic_fetch_add(&seen.calls, granted);
        atomic_fetch_add(&seen.failures, !good);
    }
    own->does->close(own);
    PQfinish(conn);
    return NULL;
}

TEST(turns, of_one_connection_never_give_more_than_it_bears)
{
    char names[OTHERS][4];
    pthread_t threads[OTHERS];
    for (int i = 0; i < OTHERS; i++) {
        snprintf(names[i], sizeof names[i], "h%d", i);
        CHECK(pthread_create(&threads[i], NULL, share, names[i]) == 0);
    }
    for (int i = 0; i < OTHERS; i++)
        pthread_join(threads[i], NULL);
    CHECK_INT(atomic_load(&seen.failures), 0);
    CHECK_INT(atomic_load(&seen.calls), 111); /* all were wanted, and one budget is for all */
}
