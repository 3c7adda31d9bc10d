/* ask_server.c - see ask_server.h. */
#include "store/ask_server.h"

#include "support/check.h"

#include <libpq-fe.h>
#include <stdlib.h>

const char *server_url(void)
{
    const char *given = getenv("ARGIL_TEST_POSTGRES");
    CHECK(given != NULL); /* run by with_postgres.py */
    return given;
}

const char *ask_server(struct arena *arena, const char *sql)
{
    PGconn *conn = PQconnectdb(server_url());
    PQclear(PQexec(conn, "SET search_path=argil; SET client_min_messages=error"));
    PGresult *result = PQexec(conn, sql);
    CHECK_STR(PQerrorMessage(conn), "");
    const char *text = PQntuples(result) ? arena_strdup(arena, PQgetvalue(result, 0, 0)) : "";
    PQclear(result);
    PQfinish(conn);
    return text;
}
