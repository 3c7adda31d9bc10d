/* ask_server.h - the test's own word with the PostgreSQL server, past the store. */
#ifndef ARGIL_TESTS_STORE_ASK_SERVER_H
#define ARGIL_TESTS_STORE_ASK_SERVER_H

#include "base/arena.h"

/* Of the server that with_postgres.py started. */
const char *server_url(void);
/* The first value that the statement gives, on the arena; "" = null, or no row. Fails the test
 * when the server refuses it. */
const char *ask_server(struct arena *arena, const char *sql);

#endif
