/* suite_sources.c - several sources feed one table; a row knows which hold it. */
#include "store/store_suite.h"

#include "store/store_sources.h"

#include <string.h>

#define CRM  0
#define LIST 1

#define LEAD_A "00Q000000000001AAA"

/* The suite's table with a second source beside the first. */
static void given_two(void)
{
    struct source sources[] = {suite.table.sources[0],
                               {.name = "list", .kind = "csv", .config = "{\"file\":\"a.csv\"}"}};
    suite.table.sources = sources;
    suite.table.source_count = 2;
    for (size_t i = 0; i < suite.table.column_count; i++)
        suite.table.columns[i].depend_count = 0;
    CHECK_OK(suite.does->table_apply(suite.store, &suite.table, &suite.err), &suite.err);
    CHECK_OK(suite.does->table_get(suite.store, suite.arena, "Accounts", &suite.table, &suite.err),
             &suite.err);
    CHECK_INT(suite.table.source_count, 2);
}

static struct import_counts import_from(int source, const char *const *keys, size_t count,
                                        const char *name, bool deleted, struct bits *seen)
{
    struct import_counts counts = {0};
    int slots[] = {column_slot(NAME)};
    struct value values[] = {text_value(name)};
    struct row_in rows[8];
    for (size_t i = 0; i < count; i++)
        rows[i] = (struct row_in){keys[i], NULL, deleted, values};
    struct import_page page = {.table_id = suite.table.id,
                               .source = source,
                               .slots = slots,
                               .slot_count = 1,
                               .rows = rows,
                               .row_count = count,
                               .update_existing = true,
                               .seen = seen};
    CHECK_OK(suite.does->import_page(suite.store, &page, &counts, &suite.err), &suite.err);
    return counts;
}
#define IMPORT(source, name, deleted, seen, ...)                                                   \
    import_from(source, (const char *const[]){__VA_ARGS__},                                        \
                sizeof((const char *const[]){__VA_ARGS__}) / sizeof(char *), name, deleted, seen)

static int64_t held(int source)
{
    struct table table;
    CHECK_OK(suite.does->table_get(suite.store, suite.arena, "Accounts", &table, &suite.err),
             &suite.err);
    return table.sources[source].row_count;
}

static uint64_t holders(const char *key)
{
    struct row *rows;
    size_t count;
    int64_t id = row_id_of(key);
    struct row_query query = {
        .table_id = suite.table.id, .ids = &id, .id_count = 1, .deleted_too = true};
    CHECK_OK(suite.does->rows(suite.store, suite.arena, &query, &rows, &count, &suite.err),
             &suite.err);
    return count ? rows[0].sources : 0;
}

static int64_t gone(int source, const struct bits *seen, enum when_deleted how)
{
    int64_t next = 0, count = 0;
    struct gone_query query = {suite.table.id, source, seen, how, 0, 2};
    do {
        CHECK_OK(suite.does->sources->gone(suite.store, &query, &next, &count, &suite.err),
                 &suite.err);
        query.after = next;
    } while (next);
    return count;
}

TEST(sources, keep_their_slot_and_their_place)
{
    given_two();
    int64_t id = suite.table.sources[1].id;
    CHECK_STR(suite.table.sources[0].name, "source");
    CHECK_STR(suite.table.sources[1].kind, "csv");
    CHECK_INT(suite.table.sources[1].slot, 1);
    CHECK_STR(suite.table.connection, "prod"); /* the first one's */
    struct source both[] = {suite.table.sources[1], suite.table.sources[0]};
    suite.table.sources = &both[1]; /* the list leaves */
    suite.table.source_count = 1;
    for (int i = 0; i < 2; i++) {
        CHECK_OK(suite.does->table_apply(suite.store, &suite.table, &suite.err), &suite.err);
        suite.table.sources = both; /* and returns, first now */
        suite.table.source_count = 2;
        both[0].id = both[0].slot = 0;
    }
    CHECK_OK(suite.does->table_get(suite.store, suite.arena, "Accounts", &suite.table, &suite.err),
             &suite.err);
    CHECK_INT(suite.table.sources[0].id, id);
    CHECK_INT(suite.table.sources[0].slot, LIST);
    CHECK_INT(suite.table.sources[1].slot, CRM);
}

TEST(sources, of_one_name_are_refused)
{
    struct source sources[] = {{.name = "a"}, {.name = "A"}};
    struct table table = suite.table;
    table.sources = sources;
    table.source_count = 2;
    CHECK_FAIL(suite.does->table_apply(suite.store, &table, &suite.err), &suite.err, ERR_INVALID);
}

TEST(sources, a_row_knows_which_hold_it)
{
    given_two();
    IMPORT(CRM, "Acme", false, NULL, "a", "b");
    struct import_counts n = IMPORT(LIST, "Acme", false, NULL, "b", "c");
    CHECK_INT(n.added, 1);
    CHECK_INT(n.unchanged, 1);
    CHECK_INT(row_count(), 3);
    CHECK_INT(held(CRM), 2);
    CHECK_INT(held(LIST), 2);
    CHECK_INT(holders("a"), 1);
    CHECK_INT(holders("b"), 3);
    CHECK_INT(holders("c"), 2);
}

TEST(sources, a_row_is_deleted_when_the_last_one_leaves_it)
{
    given_two();
    IMPORT(CRM, "Acme", false, NULL, "a", "b");
    IMPORT(LIST, "Other", false, NULL, "b");
    struct import_counts n = IMPORT(CRM, NULL, true, NULL, "b");
    CHECK_INT(n.deleted, 1);
    CHECK_INT(row_count(), 2); /* the list still has it */
    CHECK_INT(held(CRM), 1);
    CHECK_INT(holders("b"), 2);
    CHECK_STR(cell_text("b", NAME), "Other");
    n = IMPORT(CRM, NULL, true, NULL, "b");
    CHECK_INT(n.unchanged, 1);
    const char *gone_keys[] = {"b", "a"};
    CHECK_OK(suite.does->rows_delete(suite.store, suite.table.id, LIST, gone_keys, 2, DELETED_MARK,
                                     &suite.err),
             &suite.err);
    CHECK_INT(row_count(), 1); /* "a" was never the list's to delete */
    CHECK_INT(held(LIST), 0);
    CHECK_INT(held(CRM), 1);
    n = IMPORT(LIST, "Other", false, NULL, "b");
    CHECK_INT(n.revived, 1);
    CHECK_INT(holders("b"), 2);
    CHECK_INT(held(LIST), 1);
}

TEST(sources, what_a_whole_reading_did_not_meet_is_gone)
{
    given_two();
    struct bits seen = {0};
    IMPORT(CRM, "Acme", false, NULL, "a");
    IMPORT(LIST, "Acme", false, NULL, "a", "b", "c", "d", "e");
    struct import_counts n = IMPORT(LIST, "Acme", false, &seen, "b", "e", "b");
    CHECK_INT(n.repeats, 1);
    CHECK_INT(n.unchanged, 3);
    n = IMPORT(LIST, "Other", false, &seen, "e"); /* the first one stands */
    CHECK_INT(n.repeats, 1);
    CHECK_STR(cell_text("e", NAME), "Acme");
    CHECK_INT(seen.count, 2);
    CHECK_INT(gone(LIST, &seen, DELETED_KEEP), 0);
    CHECK_INT(gone(LIST, &seen, DELETED_MARK), 3);
    CHECK_INT(row_count(), 3); /* a (the CRM's), b, e */
    CHECK_INT(held(LIST), 2);
    CHECK_INT(holders("a"), 1);
    CHECK_INT(gone(LIST, &seen, DELETED_MARK), 0);
    IMPORT(LIST, "Acme", false, &seen, "f");
    CHECK_INT(gone(LIST, &seen, DELETED_REMOVE), 0);
    bits_free(&seen);
    CHECK_INT(gone(LIST, &seen, DELETED_REMOVE), 3);
    CHECK_INT(row_count(), 1);
    CHECK_INT(row_id_of("b"), 0);
}

TEST(sources, keys_are_met_where_the_source_holds_a_live_row)
{
    static const char *const keys[] = {"a", "b", "c", "nobody"};
    struct bits seen = {0};
    size_t unknown[4], count;
    given_two();
    IMPORT(CRM, "x", false, NULL, "a", "b");
    IMPORT(LIST, "x", false, NULL, "c");
    IMPORT(CRM, "x", true, NULL, "b");
    CHECK_OK(suite.does->sources->met(suite.store, suite.table.id, CRM, keys, 4, &seen, unknown,
                                      &count, &suite.err),
             &suite.err);
    CHECK_INT(seen.count, 1);
    CHECK(bits_has(&seen, row_id_of("a")));
    CHECK_INT(count, 3);
    CHECK(unknown[0] == 1 && unknown[1] == 2 && unknown[2] == 3);
    bits_free(&seen);
}

TEST(sources, some_fields_of_known_rows_add_and_revive_nothing)
{
    struct import_counts counts = {0};
    int slots[] = {column_slot(NAME)};
    struct value value[] = {text_value("new")};
    struct row_in rows[] = {
        {"a", NULL, false, value}, {"gone", NULL, false, value}, {"unknown", NULL, false, value}};
    IMPORT(0, "old", false, NULL, "a", "gone");
    IMPORT(0, "old", true, NULL, "gone");
    struct import_page page = {.table_id = suite.table.id,
                               .slots = slots,
                               .slot_count = 1,
                               .rows = rows,
                               .row_count = 3,
                               .known_only = true,
                               .update_existing = true};
    CHECK_OK(suite.does->import_page(suite.store, &page, &counts, &suite.err), &suite.err);
    CHECK(counts.changed == 1 && counts.unchanged == 2 && counts.added == 0 && counts.revived == 0);
    CHECK_STR(cell_text("a", NAME), "new");
    CHECK_INT(row_count(), 1);
}

TEST(sources, a_stale_row_is_held_all_the_same)
{
    given_two();
    GIVEN_ACCOUNTS({"001A", "2026-01-01T10:00:02.000Z", "Acme", "Steel"});
    struct import_counts counts = {0};
    int slots[] = {column_slot(NAME)};
    struct value values[] = {text_value("Old")};
    struct row_in row = {"001A", "2026-01-01T10:00:00.000Z", false, values};
    struct import_page page = {.table_id = suite.table.id,
                               .source = LIST,
                               .slots = slots,
                               .slot_count = 1,
                               .rows = &row,
                               .row_count = 1,
                               .update_existing = true};
    CHECK_OK(suite.does->import_page(suite.store, &page, &counts, &suite.err), &suite.err);
    CHECK_INT(counts.stale, 1);
    CHECK_INT(holders("001A"), 3);
    CHECK_INT(held(LIST), 1);
    CHECK_STR(cell_text("001A", NAME), "Acme");
}

TEST(sources, cursors_are_apart)
{
    given_two();
    const char *cursor;
    struct import_page page = {.table_id = suite.table.id, .source = LIST, .cursor = "{\"at\":7}"};
    CHECK_OK(suite.does->import_page(suite.store, &page, NULL, &suite.err), &suite.err);
    CHECK_OK(
        suite.does->cursor_get(suite.store, suite.arena, suite.table.id, CRM, &cursor, &suite.err),
        &suite.err);
    CHECK(cursor == NULL);
    suite_reopen();
    CHECK_OK(
        suite.does->cursor_get(suite.store, suite.arena, suite.table.id, LIST, &cursor, &suite.err),
        &suite.err);
    CHECK_STR(cursor, "{\"at\":7}");
    page.source = 9;
    CHECK_FAIL(suite.does->import_page(suite.store, &page, NULL, &suite.err), &suite.err,
               ERR_NOT_FOUND);
}

TEST(sources, what_could_not_be_taken_is_listed)
{
    given_two();
    struct reject first[] = {{7, "csv.long_row", "Line 7 is too long."}, {9, "a", "b"}};
    struct reject *list;
    size_t count;
    int64_t kept;
    const struct store_sources *does = suite.does->sources;
    int64_t id = suite.table.id;
    CHECK_OK(does->rejects_add(suite.store, id, LIST, true, first, 2, &kept, &suite.err),
             &suite.err);
    CHECK_OK(does->rejects_add(suite.store, id, LIST, false, first, 1, &kept, &suite.err),
             &suite.err);
    CHECK_INT(kept, 3);
    CHECK_OK(does->rejects_list(suite.store, suite.arena, id, CRM, &list, &count, &suite.err),
             &suite.err);
    CHECK_INT(count, 0);
    CHECK_OK(does->rejects_list(suite.store, suite.arena, id, LIST, &list, &count, &suite.err),
             &suite.err);
    CHECK_INT(count, 3);
    CHECK_INT(list[1].at, 9);
    CHECK_STR(list[2].code, "csv.long_row");
    CHECK_OK(does->rejects_add(suite.store, id, LIST, true, NULL, 0, &kept, &suite.err),
             &suite.err);
    CHECK_INT(kept, 0);
}

/* ------------------------------------------------------------------ echoes */

/* A row of a report: its key is a text, the record's Id stands beside it. */
static struct import_counts report_row(const char *field, const char *industry, const char *record)
{
    struct import_counts counts = {0};
    int slots[] = {column_slot(INDUSTRY)};
    struct value values[] = {text_value(industry)};
    struct row_in row = {"Acme of Paris", NULL, false, values, record};
    struct due_rule rule = {slots[0], column_id(LEAD)};
    struct import_page page = {.table_id = suite.table.id,
                               .slots = slots,
                               .slot_count = 1,
                               .fields = &field,
                               .rows = &row,
                               .row_count = 1,
                               .update_existing = true,
                               .due_for_change = &rule,
                               .due_for_change_count = 1};
    CHECK_OK(suite.does->import_page(suite.store, &page, &counts, &suite.err), &suite.err);
    return counts;
}

TEST(sources, our_write_is_known_by_its_record_whatever_the_key)
{
    report_row("Industry", NULL, LEAD_A);
    done_op("Acme of Paris", 1, "{\"Industry\":\"Steel\"}", LEAD_A);
    struct import_counts n = report_row("Industry", "Steel", LEAD_A);
    CHECK_INT(n.changed, 1);
    CHECK_INT(n.echoes, 1);
    CHECK_INT(n.made_due, 0);
    n = report_row("Industry", "Food", LEAD_A);
    CHECK_INT(n.made_due, 1);
}

TEST(sources, our_write_is_known_where_the_field_is_not_told)
{
    report_row("*", NULL, LEAD_A);
    done_op("Acme of Paris", 1, "{\"Rating\":\"Hot\",\"Industry\":\"Steel\"}", LEAD_A);
    struct import_counts n = report_row("*", "Steel", LEAD_A);
    CHECK_INT(n.echoes, 1);
    CHECK_INT(n.made_due, 0);
    n = report_row("*", "Food", LEAD_A);
    CHECK_INT(n.echoes, 0);
    CHECK_INT(n.made_due, 1);
    n = report_row("*", "Steel", LEAD_A); /* it came back already: this is a person's choice */
    CHECK_INT(n.echoes, 0);
    done_op("Acme of Paris", 2, "{\"Industry\":\"Glass\"}", LEAD_A);
    n = report_row("*", "Glass", NULL); /* of which record? nobody knows */
    CHECK_INT(n.echoes, 0);
}

TEST(sources, what_has_drifted_is_kept_until_forgotten)
{
    const char *drift = "{\"gone\":[{\"field\":\"Fax\"}]}";
    CHECK_OK(suite.does->sources->drift_put(suite.store, suite.table.id, 0, drift, &suite.err),
             &suite.err);
    suite_reopen();
    struct table table;
    CHECK_OK(suite.does->table_get(suite.store, suite.arena, "Accounts", &table, &suite.err),
             &suite.err);
    CHECK_STR(table.sources[0].drift, drift);
    CHECK_OK(suite.does->sources->drift_put(suite.store, suite.table.id, 0, NULL, &suite.err),
             &suite.err);
    CHECK_OK(suite.does->table_get(suite.store, suite.arena, "Accounts", &table, &suite.err),
             &suite.err);
    CHECK(table.sources[0].drift == NULL);
}
