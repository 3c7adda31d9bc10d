/* test_copy.c - a workspace from SQLite to PostgreSQL and back, whole, or gone on with. */
#include "store/store_copy.h"
#include "store/store_suite.h"

#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

static char address[400];

static struct store *open_target(void)
{
    struct store *out = NULL;
    struct store_open options = {.create = true, .world = suite.world};
    CHECK_OK(postgres_store_open(address, &options, &out, &suite.err), &suite.err);
    return out;
}

static void run_sql(const char *sql)
{
    PGconn *conn = PQconnectdb(getenv("ARGIL_TEST_POSTGRES"));
    PQclear(PQexec(conn, "SET client_min_messages=error"));
    PQclear(PQexec(conn, sql));
    CHECK_STR(PQerrorMessage(conn), "");
    PQfinish(conn);
}

/* Rows, cells, an operation that is done, one that is open, a secret, an audit. */
static void given_workspace(void)
{
    static int tests;
    snprintf(address, sizeof address, "%s&workspace=copy%d", getenv("ARGIL_TEST_POSTGRES"),
             ++tests);
    given_accounts((struct account[]){{"a", "1", "Northwind", "Retail", false},
                                      {"b", "2", "Cont\xc3\xb3so", NULL, false},
                                      {"c", "3", "", "\xEE\x80\x80", false}},
                   3);
    put_cell("a", DOMAIN, CELL_OK, "nw.com");
    done_op("a", 1, "{\"LastName\":\"Ng\"}", "00Q000000000001AAA");
    struct op open = given_op("b", 1, "k", NULL);
    CHECK_INT(plan_op(&open), PLAN_NEW);
    CHECK_OK(suite.does->sealed_put(suite.store, "token:1", "sealed", &suite.err), &suite.err);
    CHECK_OK(suite.does->audit_add(suite.store, "ann", "did", NULL, &suite.err), &suite.err);
}

static void count_table(void *ctx, const char *table, int64_t rows)
{
    struct store_copy *copy = ctx;
    if (text_eq(table, "ops")) {
        CHECK_INT(rows, 2);
        if (copy->stop) /* the next table is begun, and stopped */
            atomic_store((atomic_bool *)copy->stop, true);
    }
}

/* The suite goes on in the copy. */
static void move_into(struct store *copy)
{
    suite.does->close(suite.store);
    suite.store = copy;
    suite.does = copy->does;
}

static void check_workspace(void)
{
    struct op_counts counts;
    const char *sealed;
    int64_t lines;
    CHECK_STR(cell_text("a", DOMAIN), "nw.com");
    CHECK_STR(cell_text("c", INDUSTRY), "\xEE\x80\x80");
    CHECK(cell_text("b", INDUSTRY) == NULL);
    CHECK_STR(cell_text("c", NAME), "");
    CHECK_INT(cell_of("b", LEAD).state, CELL_QUEUED);
    CHECK_INT(row_count(), 3);
    CHECK_OK(suite.does->ops_count(suite.store, 0, &counts, &suite.err), &suite.err);
    CHECK_INT(counts.by_state[OP_DONE], 1);
    CHECK_INT(counts.by_state[OP_PLANNED], 1);
    CHECK_OK(suite.does->sealed_get(suite.store, suite.arena, "token:1", &sealed, &suite.err),
             &suite.err);
    CHECK_STR(sealed, "sealed");
    CHECK_OK(suite.does->audit_verify(suite.store, &lines, &suite.err), &suite.err);
    CHECK_INT(lines, 2);
}

TEST(copy, to_postgres_is_the_same_workspace)
{
    struct store_copy copy = {.table_done = count_table, .ctx = &copy};
    given_workspace();
    char *id = arena_strdup(suite.arena, suite.store->workspace_id);
    struct store *target = open_target();
    CHECK_OK(store_copy(suite.store, target, &copy, &suite.err), &suite.err);
    CHECK_INT(copy.kept, 0);
    CHECK(copy.rows > 10);
    target->does->close(target);
    move_into(open_target());
    CHECK_STR(suite.store->workspace_id, id);
    check_workspace();
    given_accounts((struct account[]){{"a", "4", "Northwind", "Trade", false},
                                      {"d", "4", "New", NULL, false}},
                   2); /* it goes on: the key is known, the next row id is free */
    CHECK_INT(row_count(), 4);
}

TEST(copy, and_back_is_the_same_workspace_too)
{
    struct store_copy copy = {0};
    char data[] = "/tmp/argil-copy-XXXXXX";
    given_workspace();
    struct store *target = open_target(), *back = NULL;
    CHECK_OK(store_copy(suite.store, target, &copy, &suite.err), &suite.err);
    target->does->close(target);
    target = open_target();
    CHECK(mkdtemp(data) != NULL);
    struct store_open options = {.data = data, .create = true, .world = suite.world};
    CHECK_OK(sqlite_store_open(&options, &back, &suite.err), &suite.err);
    CHECK_OK(store_copy(target, back, &copy, &suite.err), &suite.err);
    target->does->close(target);
    back->does->close(back);
    CHECK_OK(sqlite_store_open(&options, &back, &suite.err), &suite.err);
    move_into(back);
    check_workspace();
}

TEST(copy, that_was_stopped_goes_on)
{
    atomic_bool stop = false;
    struct store_copy copy = {.table_done = count_table, .ctx = &copy, .stop = &stop};
    given_workspace();
    struct store *target = open_target();
    CHECK_FAIL(store_copy(suite.store, target, &copy, &suite.err), &suite.err, ERR_CONFLICT);
    CHECK(strcmp(target->workspace_id, suite.store->workspace_id) != 0);
    target->does->close(target);
    target = open_target();
    copy = (struct store_copy){0};
    CHECK_OK(store_copy(suite.store, target, &copy, &suite.err), &suite.err);
    CHECK(copy.kept > 0 && copy.kept < copy.tables);
    target->does->close(target);
    move_into(open_target());
    check_workspace();
}

TEST(copy, what_was_changed_meanwhile_is_noticed)
{
    atomic_bool stop = false;
    struct store_copy copy = {.table_done = count_table, .ctx = &copy, .stop = &stop};
    given_workspace();
    struct store *target = open_target();
    CHECK_FAIL(store_copy(suite.store, target, &copy, &suite.err), &suite.err, ERR_CONFLICT);
    run_sql("UPDATE argil.ops SET object='Contact'");
    copy = (struct store_copy){0};
    CHECK_FAIL(store_copy(suite.store, target, &copy, &suite.err), &suite.err, ERR_COPY_DIFFERS);
    CHECK_OK(store_copy(suite.store, target, &copy, &suite.err), &suite.err);
    target->does->close(target);
}

TEST(copy, into_a_workspace_is_refused)
{
    struct store_copy copy = {0};
    given_workspace();
    struct store *target = open_target();
    CHECK_OK(target->does->connection_put(target, &suite.connection, &suite.err), &suite.err);
    CHECK_FAIL(store_copy(suite.store, target, &copy, &suite.err), &suite.err, ERR_CONFLICT);
    target->does->close(target);
}
