/* fixture.h - a small org to query: four firms, their people, deals and tasks.
 *
 * The clock stands at Wednesday 2026-11-25 10:00:00 UTC. Records are put in by
 * SQL, so these tests need nothing of DML. Objects come from describes of our
 * own and only look like the standard ones. */
#ifndef TESTS_LOCALORG_SOQL_FIXTURE_H
#define TESTS_LOCALORG_SOQL_FIXTURE_H

#include "localorg/soql/soql.h"

#define NOW_MS 1795600800000 /* 2026-11-25T10:00:00Z */

/* Ids of the records, 18 characters. */
#define ACME    "001000000000001AAA"
#define GLOBEX  "001000000000002AAA"
#define INITECH "001000000000003AAA"
#define HOOLI   "001000000000004AAA"
#define ANN     "005000000000001AAA"
#define BOB     "005000000000002AAA"

struct fixture {
    struct org *org;
    struct world *world;
    struct soql_context context;
    struct arena *arena;
    struct buf out;
    struct err err;
};

struct fixture *fixture_new(void);
void fixture_free(struct fixture *f);

/* The records as JSON without the commas between them being an array; or
 * "CODE: message" when the query was refused. Lent until the next call. */
const char *answer(struct fixture *f, const char *soql);
/* Only the values of the first selected field, separated by spaces. */
const char *values(struct fixture *f, const char *soql);
/* soql_total, or -1. */
int64_t total(struct fixture *f, const char *soql);
/* EXPLAIN QUERY PLAN of the SQL, one step a line. */
const char *query_plan(struct fixture *f, const char *soql);
void sql_run(struct fixture *f, const char *sql);

#endif
