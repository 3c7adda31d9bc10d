/* postgres_factory.c - the suite on PostgreSQL: one database of the server that
 * ARGIL_TEST_POSTGRES names (support/with_postgres.py). It is emptied once; each test
 * has a workspace of its own, beside those of the tests before it. */
#include "store/store_suite.h"

#include <libpq-fe.h>
#include <stdlib.h>

static const char *url(void)
{
    const char *given = getenv("ARGIL_TEST_POSTGRES");
    CHECK(given != NULL); /* run by with_postgres.py */
    return given;
}

static void run(const char *sql)
{
    PGconn *conn = PQconnectdb(url());
    PGresult *result = PQexec(conn, "SET client_min_messages=error");
    PQclear(result);
    result = PQexec(conn, sql);
    CHECK_STR(PQerrorMessage(conn), "");
    PQclear(result);
    PQfinish(conn);
}

static char address[400];

static void clean(void)
{
    static int tests;
    if (!tests)
        run("DROP SCHEMA IF EXISTS argil CASCADE");
    snprintf(address, sizeof address, "%s&workspace=test%d", url(), ++tests);
}

static enum status open_postgres(struct world *world, bool read_only, struct store **out,
                                 struct err *err)
{
    struct store_open options = {.create = !read_only, .read_only = read_only, .world = world};
    return postgres_store_open(address, &options, out, err);
}

static void damage(const char *sql)
{
    char text[1000];
    snprintf(text, sizeof text, "SET search_path=argil; %s", sql);
    run(text);
}

const struct store_factory store_factory = {"postgres", clean, open_postgres, damage, true};
