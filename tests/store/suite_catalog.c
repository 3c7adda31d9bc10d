/* suite_catalog.c - connections, sealed texts, tables and columns, runs, audit. */
#include "store/store_suite.h"

#include <string.h>

#define S suite.store, suite.arena

TEST(catalog, a_connection_keeps_its_id_when_it_is_stored_again)
{
    struct connection again = {.name = "prod", .org_id = ORG, .username = "ann@acme.example"};
    struct connection *list;
    size_t count;
    CHECK_OK(suite.does->connection_put(suite.store, &again, &suite.err), &suite.err);
    CHECK_INT(again.id, suite.connection.id);
    CHECK_OK(suite.does->connection_list(S, &list, &count, &suite.err), &suite.err);
    CHECK_INT(count, 1);
    CHECK_STR(list[0].username, "ann@acme.example");
    CHECK_FAIL(suite.does->connection_get(S, "test", &again, &suite.err), &suite.err,
               ERR_NOT_FOUND);
}

TEST(catalog, a_connection_with_open_operations_stays)
{
    GIVEN_ACCOUNTS({"001A", "2026-01-01T00:00:00.000Z", "Acme", NULL});
    struct op op = given_op("001A", 1, NULL, NULL);
    CHECK_INT(plan_op(&op), PLAN_NEW);
    CHECK_FAIL(suite.does->connection_delete(suite.store, "prod", &suite.err), &suite.err,
               ERR_CONFLICT);
    CHECK_FAIL(suite.does->table_delete(suite.store, "Accounts", &suite.err), &suite.err,
               ERR_CONFLICT);
    send_op(&op);
    settle_op(&op, OP_DONE, "00Q000000000001AAA");
    CHECK_OK(suite.does->connection_delete(suite.store, "prod", &suite.err), &suite.err);
    CHECK_OK(suite.does->table_delete(suite.store, "Accounts", &suite.err), &suite.err);
    struct op_counts counts;
    CHECK_OK(suite.does->ops_count(suite.store, 0, &counts, &suite.err), &suite.err);
    CHECK_INT(counts.total, 1); /* the journal outlives its table */
}

/* Row 119: what a column was writing has to end before it may go. */
TEST(catalog, a_column_with_open_operations_stays)
{
    GIVEN_ACCOUNTS({"001A", "2026-01-01T00:00:00.000Z", "Acme", NULL});
    struct op op = given_op("001A", 1, NULL, NULL);
    struct table table = suite.table;
    CHECK_INT(plan_op(&op), PLAN_NEW);
    table.column_count = LEAD; /* LEAD is the last one */
    CHECK_FAIL(suite.does->table_apply(suite.store, &table, &suite.err), &suite.err, ERR_CONFLICT);
    CHECK_CONTAINS(suite.err.message, "1 operations that are not settled");
    send_op(&op);
    settle_op(&op, OP_DONE, "00Q000000000001AAA");
    CHECK_OK(suite.does->table_apply(suite.store, &table, &suite.err), &suite.err);
    CHECK_OK(suite.does->table_apply(suite.store, &table, &suite.err), &suite.err); /* hidden already */
}

TEST(catalog, sealed_texts_are_found_by_label_and_prefix)
{
    const char *text, **labels;
    size_t count;
    CHECK_OK(suite.does->sealed_put(suite.store, "token:1", "v1:a", &suite.err), &suite.err);
    CHECK_OK(suite.does->sealed_put(suite.store, "token:1", "v1:b", &suite.err), &suite.err);
    CHECK_OK(suite.does->sealed_put(suite.store, "secret:api", "v1:c", &suite.err), &suite.err);
    CHECK_OK(suite.does->sealed_get(S, "token:1", &text, &suite.err), &suite.err);
    CHECK_STR(text, "v1:b");
    CHECK_OK(suite.does->sealed_list(S, "secret:", &labels, &count, &suite.err), &suite.err);
    CHECK_INT(count, 1);
    CHECK_STR(labels[0], "secret:api");
    CHECK_OK(suite.does->sealed_delete(suite.store, "token:1", &suite.err), &suite.err);
    CHECK_FAIL(suite.does->sealed_get(S, "token:1", &text, &suite.err), &suite.err, ERR_NOT_FOUND);
}

TEST(catalog, sealed_texts_are_replaced_together)
{
    const char *labels[] = {"token:1", "secret:api", "token:9"}, *text;
    const char *new[] = {"v1:x", "v1:y", "v1:z"};
    CHECK_OK(suite.does->sealed_put(suite.store, "token:1", "v1:a", &suite.err), &suite.err);
    CHECK_OK(suite.does->sealed_put(suite.store, "secret:api", "v1:b", &suite.err), &suite.err);
    CHECK_OK(suite.does->sealed_replace(suite.store, labels, new, 3, &suite.err), &suite.err);
    CHECK_OK(suite.does->sealed_get(S, "token:1", &text, &suite.err), &suite.err);
    CHECK_STR(text, "v1:x");
    CHECK_OK(suite.does->sealed_get(S, "secret:api", &text, &suite.err), &suite.err);
    CHECK_STR(text, "v1:y");
    CHECK_FAIL(suite.does->sealed_get(S, "token:9", &text, &suite.err), &suite.err,
               ERR_NOT_FOUND); /* nothing new comes into being */
}

TEST(catalog, a_table_reads_back_as_it_was_applied)
{
    CHECK_INT(suite.table.column_count, COLUMNS);
    CHECK_STR(suite.table.columns[LEAD].kind, "salesforce_create");
    CHECK_STR(suite.table.columns[NAME].source_field, "Name");
    CHECK_STR(suite.table.guard, "{}");
    CHECK_INT(suite.table.columns[LEAD].depend_count, 2);
    CHECK_INT(suite.table.columns[LEAD].depends[0], column_id(DOMAIN));
    CHECK_INT(suite.table.columns[LEAD].depends[1], column_id(INDUSTRY));
    CHECK_FAIL(suite.does->table_get(S, "Leads", &suite.table, &suite.err), &suite.err,
               ERR_NOT_FOUND);
}

/* Applies the table with only some of its columns; depends are dropped. */
static struct table apply_columns(const int *positions, size_t count)
{
    struct table table = suite.table;
    struct column columns[COLUMNS];
    for (size_t i = 0; i < count; i++) {
        columns[i] = suite.table.columns[positions[i]];
        columns[i].id = 0;
        columns[i].depend_count = 0;
    }
    table.columns = columns;
    table.column_count = count;
    CHECK_OK(suite.does->table_apply(suite.store, &table, &suite.err), &suite.err);
    CHECK_OK(suite.does->table_get(S, "accounts", &table, &suite.err), &suite.err);
    return table;
}

TEST(catalog, a_column_that_returns_has_its_id_and_its_data)
{
    GIVEN_ACCOUNTS({"001A", "2026-01-01T00:00:00.000Z", "Acme", "Steel"});
    put_cell("001A", DOMAIN, CELL_OK, "acme.example");
    struct table table = apply_columns((int[]){NAME, INDUSTRY}, 2);
    CHECK_INT(table.column_count, 2);
    table = apply_columns((int[]){NAME, DOMAIN, INDUSTRY, LEAD}, 4);
    CHECK_INT(table.column_count, 4);
    CHECK_STR(table.columns[1].name, "Domain");
    CHECK_INT(table.columns[1].id, column_id(DOMAIN));
    CHECK_STR(cell_text("001A", DOMAIN), "acme.example");
}

TEST(catalog, two_columns_of_one_name_change_nothing)
{
    struct table table = suite.table;
    struct column columns[2] = {{.name = "New"}, {.name = "NEW"}};
    table.columns = columns;
    table.column_count = 2;
    CHECK_FAIL(suite.does->table_apply(suite.store, &table, &suite.err), &suite.err, ERR_INVALID);
    CHECK_OK(suite.does->table_get(S, "Accounts", &table, &suite.err), &suite.err);
    CHECK_INT(table.column_count, COLUMNS);
}

TEST(catalog, a_changed_write_loses_its_approval)
{
    struct column columns[COLUMNS];
    struct table table;
    CHECK_OK(suite.does->column_approve(suite.store, column_id(LEAD), 42, &suite.err), &suite.err);
    table = apply_columns((int[]){NAME, INDUSTRY, DOMAIN, LEAD}, 4);
    CHECK_INT(table.columns[LEAD].approved_ms, 42);
    memcpy(columns, table.columns, sizeof columns);
    columns[LEAD].config = "{\"object\":\"Contact\"}";
    for (int i = 0; i < COLUMNS; i++)
        columns[i].depend_count = 0;
    table.columns = columns;
    CHECK_OK(suite.does->table_apply(suite.store, &table, &suite.err), &suite.err);
    CHECK_INT(columns[LEAD].approved_ms, 0);
}

TEST(catalog, another_source_forgets_the_cursor)
{
    const char *cursor;
    given_page(NULL, 0, false, "{\"at\":1}", DELETED_MARK);
    CHECK_OK(suite.does->cursor_get(S, suite.table.id, 0, &cursor, &suite.err), &suite.err);
    CHECK_STR(cursor, "{\"at\":1}");
    apply_columns((int[]){NAME, INDUSTRY, DOMAIN, LEAD}, 4);
    CHECK_OK(suite.does->cursor_get(S, suite.table.id, 0, &cursor, &suite.err), &suite.err);
    CHECK_STR(cursor, "{\"at\":1}");
    suite.table.sources[0].config = "{\"every\":\"1h\"}"; /* a rule only */
    apply_columns((int[]){NAME, INDUSTRY, DOMAIN, LEAD}, 4);
    CHECK_OK(suite.does->cursor_get(S, suite.table.id, 0, &cursor, &suite.err), &suite.err);
    CHECK_STR(cursor, "{\"at\":1}");
    suite.table.sources[0].object = "Lead";
    apply_columns((int[]){NAME, INDUSTRY, DOMAIN, LEAD}, 4);
    CHECK_OK(suite.does->cursor_get(S, suite.table.id, 0, &cursor, &suite.err), &suite.err);
    CHECK(cursor == NULL);
}

TEST(catalog, small_settings_are_kept)
{
    struct table table;
    CHECK_OK(suite.does->table_set_auto_update(suite.store, suite.table.id, false, &suite.err),
             &suite.err);
    CHECK_OK(suite.does->table_set_next_sync(suite.store, suite.table.id, 99, &suite.err),
             &suite.err);
    CHECK_OK(suite.does->table_get(S, "Accounts", &table, &suite.err), &suite.err);
    CHECK(!table.auto_update);
    CHECK_INT(table.next_sync_ms, 99);
    CHECK_FAIL(suite.does->table_set_next_sync(suite.store, 12345, 1, &suite.err), &suite.err,
               ERR_NOT_FOUND);
}

TEST(runs, end_as_told_and_the_newest_comes_first)
{
    struct run run = {.table_id = suite.table.id, .kind = "run", .cause = "schedule"}, *runs;
    size_t count;
    CHECK_OK(suite.does->run_begin(suite.store, &run, &suite.err), &suite.err);
    CHECK_OK(suite.does->run_report(suite.store, run.id, "{\"cells\":1}", &suite.err), &suite.err);
    CHECK_OK(suite.does->run_end(suite.store, run.id, RUN_FAILED, NULL, "no", &suite.err),
             &suite.err);
    CHECK_OK(suite.does->run_list(S, suite.table.id, 10, &runs, &count, &suite.err), &suite.err);
    CHECK_INT(count, 2);
    CHECK_INT(runs[0].id, run.id);
    CHECK_INT(runs[0].state, RUN_FAILED);
    CHECK_STR(runs[0].report, "{\"cells\":1}");
    CHECK_STR(runs[0].error, "no");
    CHECK_STR(runs[0].cause, "schedule");
}

TEST(runs, of_a_process_that_died_are_interrupted)
{
    struct run *runs;
    size_t count;
    suite_reopen();
    CHECK_OK(suite.does->run_list(S, 0, 0, &runs, &count, &suite.err), &suite.err);
    CHECK_INT(count, 1);
    CHECK_INT(runs[0].state, RUN_INTERRUPTED);
    CHECK(runs[0].ended_ms > 0);
}

static void add_lines(int count)
{
    for (int i = 0; i < count; i++)
        CHECK_OK(suite.does->audit_add(suite.store, "ann", "did", "{\"n\":1}", &suite.err),
                 &suite.err);
}

TEST(audit, holds_as_written)
{
    int64_t lines;
    CHECK_OK(suite.does->audit_verify(suite.store, &lines, &suite.err), &suite.err);
    CHECK_INT(lines, 0);
    add_lines(5);
    suite_reopen();
    add_lines(1);
    CHECK_OK(suite.does->audit_verify(suite.store, &lines, &suite.err), &suite.err);
    CHECK_INT(lines, 6);
}

static void check_tampered(const char *sql, const char *how)
{
    int64_t lines;
    add_lines(5);
    suite.does->close(suite.store);
    store_factory.damage(sql);
    CHECK_OK(store_factory.open(suite.world, false, &suite.store, &suite.err), &suite.err);
    CHECK_FAIL(suite.does->audit_verify(suite.store, &lines, &suite.err), &suite.err,
               ERR_AUDIT_TAMPERED);
    CHECK_CONTAINS(suite.err.message, how);
}

TEST(audit, shows_a_changed_line)
{
    check_tampered("UPDATE audit SET who='bob' WHERE id=3", "line 3 was changed");
}

TEST(audit, shows_a_line_cut_out)
{
    check_tampered("DELETE FROM audit WHERE id=3", "line 3 follows");
}

TEST(audit, shows_lines_cut_off_the_end)
{
    check_tampered("DELETE FROM audit WHERE id>3", "line 4 is missing");
}

TEST(audit, shows_lines_in_another_order)
{
    check_tampered("UPDATE audit SET at_ms=at_ms+1 WHERE id=1", "line 1 was changed");
}
