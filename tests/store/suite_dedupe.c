/* suite_dedupe.c - auto_dedupe: each key once among live rows, whoever writes the value. */
#include "store/store_suite.h"

#include "model/dedupe.h"
#include "store/store_dedupe.h"
#include "store/store_sources.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define T1 "2026-01-01T10:00:00.000+0000"
#define T2 "2026-01-01T11:00:00.000+0000"
#define T3 "2026-01-01T12:00:00.000+0000"

static void given_rule(const char *rules)
{
    suite.table.rules = rules;
    for (size_t i = 0; i < suite.table.column_count; i++)
        suite.table.columns[i].depend_count = 0;
    CHECK_OK(suite.does->table_apply(suite.store, &suite.table, &suite.err), &suite.err);
    CHECK_OK(suite.does->table_get(suite.store, suite.arena, "Accounts", &suite.table, &suite.err),
             &suite.err);
}

#define BY_NAME  "{\"auto_dedupe\":{\"by\":\"Name\",\"keep\":\"oldest\"}}"
#define NEWEST   "{\"auto_dedupe\":{\"by\":\"Name\",\"keep\":\"newest\"}}"
#define BY_DOMAIN "{\"auto_dedupe\":{\"by\":\"Domain\",\"keep\":\"oldest\",\"as\":\"domain\"}}"

/* Keys of the live rows, in order: "a b". */
static const char *live(void)
{
    struct row *rows;
    size_t count;
    struct row_query query = {.table_id = suite.table.id};
    char *text = "";
    CHECK_OK(suite.does->rows(suite.store, suite.arena, &query, &rows, &count, &suite.err),
             &suite.err);
    for (size_t i = 0; i < count; i++)
        text = arena_printf(suite.arena, "%s%s%s", text, i ? " " : "", rows[i].key);
    CHECK_INT(row_count(), count);
    return text;
}

/* "b>a c>a": which row is merged into which; "!" behind one that was restored. */
static const char *merged(void)
{
    struct merged_row *rows;
    size_t count;
    int64_t number;
    char *text = "";
    size_t away = 0;
    CHECK_OK(suite.does->dedupe->list(suite.store, suite.arena, suite.table.id, 0, 100, &rows,
                                      &count, &suite.err),
             &suite.err);
    for (size_t i = 0; i < count; i++) {
        text = arena_printf(suite.arena, "%s%s%s>%s%s", text, i ? " " : "", rows[i].row_key,
                            rows[i].into_key, rows[i].restored ? "!" : "");
        away += !rows[i].restored;
    }
    CHECK_OK(suite.does->dedupe->count(suite.store, suite.table.id, &number, &suite.err), &suite.err);
    CHECK_INT(number, away);
    return text;
}

static int64_t held_by_source(void)
{
    struct table table;
    CHECK_OK(suite.does->table_get(suite.store, suite.arena, "Accounts", &table, &suite.err),
             &suite.err);
    return table.sources[0].row_count;
}

static int64_t merged_id(const char *key)
{
    struct merged_row *rows;
    size_t count;
    CHECK_OK(suite.does->dedupe->list(suite.store, suite.arena, suite.table.id, 0, 100, &rows,
                                      &count, &suite.err),
             &suite.err);
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].row_key, key) == 0)
            return rows[i].row_id;
    return 0;
}

TEST(dedupe, the_oldest_stays_and_the_source_still_holds_all)
{
    given_rule(BY_NAME);
    struct import_counts counts =
        GIVEN_ACCOUNTS({"a", T1, "Acme", "x"}, {"b", T1, "  acme ", "y"}, {"c", T1, "Bolt", "z"},
                       {"d", T1, NULL, "z"}, {"e", T1, " ", "z"}, {"f", T1, "ACMÉ", "z"});
    CHECK_INT(counts.added, 6);
    CHECK_INT(counts.merged, 2);
    CHECK_STR(live(), "a c d e");
    CHECK_STR(merged(), "b>a f>a");
    CHECK_INT(held_by_source(), 6);
    counts = GIVEN_ACCOUNTS({"a", T1, "Acme", "x"}, {"b", T1, "  acme ", "y"}, {"f", T1, "ACMÉ", "z"});
    CHECK_INT(counts.unchanged, 3);
    CHECK_INT(counts.merged, 0);
    CHECK_STR(live(), "a c d e");
}

TEST(dedupe, the_newest_stays)
{
    given_rule(NEWEST);
    GIVEN_ACCOUNTS({"a", T1, "Acme", "x"}, {"b", T1, "Acme", "y"});
    CHECK_STR(live(), "b");
    CHECK_STR(merged(), "a>b");
    GIVEN_ACCOUNTS({"c", T1, "acme", "y"});
    CHECK_STR(live(), "c");
    CHECK_STR(merged(), "a>c b>c");
}

/* "rows blank groups merged: a+2 c+1" of a rule that does not hold yet. */
static const char *preview(const char *rules, size_t limit)
{
    struct dedupe_rule rule;
    struct same_report found;
    struct table table = suite.table;
    table.rules = rules;
    dedupe_rule_read(suite.arena, &table, &rule);
    CHECK_OK(suite.does->dedupe->preview(suite.store, suite.arena, table.id, &rule, limit, &found,
                                         &suite.err),
             &suite.err);
    char *text = arena_printf(suite.arena, "%d %d %d %d:", (int)found.rows, (int)found.blank,
                              (int)found.groups, (int)found.merged);
    for (size_t i = 0; i < found.count; i++)
        text = arena_printf(suite.arena, "%s %s+%d", text, found.first[i].row_key,
                            (int)found.first[i].others);
    return text;
}

TEST(dedupe, a_preview_tells_what_a_rule_would_do_and_does_nothing)
{
    GIVEN_ACCOUNTS({"a", T1, "Acme", "x"}, {"b", T1, "Bolt", "y"}, {"c", T1, " acme", "z"},
                   {"d", T1, NULL, "z"}, {"e", T1, "bolt", "z"}, {"f", T1, "ACMÉ", "z"},
                   {"g", T1, "Cog", "z"});
    CHECK_STR(preview(BY_NAME, 10), "7 1 3 3: a+2 b+1");
    CHECK_STR(preview(NEWEST, 1), "7 1 3 3: e+1");
    CHECK_STR(live(), "a b c d e f g");
    given_rule(BY_NAME); /* does what it said, and says the same of what it has merged */
    CHECK_STR(merged(), "c>a e>b f>a");
    CHECK_STR(preview(BY_NAME, 10), "7 1 3 3: a+2 b+1");
}

TEST(dedupe, a_first_load_is_deduped_too)
{
    given_rule(BY_NAME);
    struct account accounts[] = {{"a", T1, "Acme", "x"}, {"b", T1, "Acme", "y"}};
    given_page(accounts, 2, true, "1", DELETED_MARK);
    CHECK_OK(suite.does->import_finish(suite.store, suite.table.id, &suite.err), &suite.err);
    CHECK_STR(live(), "a");
}

TEST(dedupe, a_value_that_changes_moves_its_row)
{
    given_rule(BY_NAME);
    GIVEN_ACCOUNTS({"a", T1, "Acme", "x"}, {"b", T1, "Acme", "y"}, {"c", T1, "Acme", "y"});
    CHECK_STR(merged(), "b>a c>a");
    GIVEN_ACCOUNTS({"b", T2, "Bolt", "y"}); /* a merged row goes its own way */
    CHECK_STR(live(), "a b");
    CHECK_STR(merged(), "c>a");
    GIVEN_ACCOUNTS({"a", T2, "Cobalt", "x"}); /* the one that stood for others leaves: the next does */
    CHECK_STR(live(), "a b c");
    CHECK_STR(merged(), "");
    GIVEN_ACCOUNTS({"a", T3, "bolt", "x"}); /* and is the oldest again elsewhere */
    CHECK_STR(live(), "a c");
    CHECK_STR(merged(), "b>a");
    CHECK_INT(held_by_source(), 3);
}

TEST(dedupe, a_merged_row_is_kept_up_to_date)
{
    given_rule(BY_NAME);
    GIVEN_ACCOUNTS({"a", T1, "Acme", "x"}, {"b", T1, "Acme", "y"});
    struct import_counts counts = GIVEN_ACCOUNTS({"b", T2, "Acme", "new"});
    CHECK_INT(counts.changed, 1);
    CHECK_INT(counts.revived, 0);
    CHECK_STR(live(), "a");
    int64_t restored;
    CHECK_OK(suite.does->dedupe->restore(suite.store, suite.table.id, merged_id("b"), "ann",
                                         &restored, &suite.err),
             &suite.err);
    CHECK_INT(restored, 1);
    CHECK_STR(live(), "a b");
    CHECK_STR(cell_text("b", INDUSTRY), "new");
}

TEST(dedupe, what_was_restored_stands_apart_until_its_value_changes)
{
    int64_t restored;
    given_rule(BY_NAME);
    GIVEN_ACCOUNTS({"a", T1, "Acme", "x"}, {"b", T1, "Acme", "y"}, {"c", T1, "Acme", "y"});
    CHECK_OK(suite.does->dedupe->restore(suite.store, suite.table.id, merged_id("b"), "ann",
                                         &restored, &suite.err),
             &suite.err);
    GIVEN_ACCOUNTS({"b", T2, "acme", "y"});
    CHECK_STR(live(), "a b");
    CHECK_STR(merged(), "b>a! c>a");
    GIVEN_ACCOUNTS({"b", T3, "Bolt", "y"});
    CHECK_STR(merged(), "c>a");
    CHECK_OK(
        suite.does->dedupe->restore(suite.store, suite.table.id, 0, "ann", &restored, &suite.err),
        &suite.err);
    CHECK_INT(restored, 1);
    CHECK_STR(live(), "a b c");
    CHECK_FAIL(suite.does->dedupe->restore(suite.store, suite.table.id, row_id_of("a"), "ann",
                                           &restored, &suite.err),
               &suite.err, ERR_NOT_FOUND);
}

TEST(dedupe, a_row_that_is_deleted_frees_its_key)
{
    given_rule(BY_NAME);
    GIVEN_ACCOUNTS({"a", T1, "Acme", "x"}, {"b", T1, "Acme", "y"}, {"c", T1, "Acme", "z"});
    GIVEN_ACCOUNTS({"a", T2, "Acme", "x", true});
    CHECK_STR(live(), "b");
    CHECK_STR(merged(), "c>b");
    CHECK_INT(held_by_source(), 2);
    GIVEN_ACCOUNTS({"c", T2, "Acme", "z", true}); /* a merged one goes for good */
    CHECK_STR(merged(), "");
    CHECK_INT(held_by_source(), 1);
    GIVEN_ACCOUNTS({"a", T3, "Acme", "x"}); /* it is back, and older than b */
    CHECK_STR(live(), "a");
    CHECK_STR(merged(), "b>a");
    CHECK_INT(held_by_source(), 2);
}

TEST(dedupe, a_sweep_meets_merged_rows_and_loses_those_that_are_gone)
{
    struct bits seen = {0};
    size_t unknown[4], unknown_count;
    int64_t next, gone = 0;
    given_rule(BY_NAME);
    GIVEN_ACCOUNTS({"a", T1, "Acme", "x"}, {"b", T1, "Acme", "y"}, {"c", T1, "Acme", "z"});
    const char *keys[] = {"b"};
    CHECK_OK(suite.does->sources->met(suite.store, suite.table.id, 0, keys, 1, &seen, unknown,
                                      &unknown_count, &suite.err),
             &suite.err);
    CHECK_INT(unknown_count, 0);
    struct gone_query query = {suite.table.id, 0, &seen, DELETED_MARK, 0, 100};
    CHECK_OK(suite.does->sources->gone(suite.store, &query, &next, &gone, &suite.err), &suite.err);
    CHECK_INT(gone, 2);
    CHECK_STR(live(), "b");
    CHECK_STR(merged(), "");
    CHECK_INT(held_by_source(), 1);
    bits_free(&seen);
}

TEST(dedupe, a_computed_value_merges_as_well)
{
    given_rule(BY_DOMAIN);
    GIVEN_ACCOUNTS({"a", T1, "Acme", "x"}, {"b", T1, "Acme Inc", "y"}, {"c", T1, "Bolt", "z"});
    CHECK_STR(live(), "a b c");
    put_cell("a", DOMAIN, CELL_OK, "https://www.acme.com/about");
    put_cell("b", DOMAIN, CELL_OK, "acme.com");
    put_cell("c", DOMAIN, CELL_OK, "bolt.com");
    CHECK_STR(live(), "a c");
    CHECK_STR(merged(), "b>a");
    put_cell("c", DOMAIN, CELL_OK, "ACME.COM");
    CHECK_STR(live(), "a");
    put_cell("a", DOMAIN, CELL_EMPTY, NULL);
    CHECK_STR(live(), "a b");
    CHECK_STR(merged(), "c>b");
    GIVEN_ACCOUNTS({"b", T2, "Acme Inc", "y", true});
    GIVEN_ACCOUNTS({"b", T3, "Acme Inc", "y"}); /* comes back with the value it had, and is older */
    CHECK_STR(live(), "a b");
    CHECK_STR(merged(), "c>b");
}

TEST(dedupe, another_rule_begins_anew_and_none_leaves_things_as_they_are)
{
    GIVEN_ACCOUNTS({"a", T1, "Acme", "x"}, {"b", T1, "Acme", "y"}, {"c", T1, "Bolt", "z"});
    CHECK_STR(live(), "a b c");
    given_rule(BY_NAME); /* rows that are there already */
    CHECK_STR(live(), "a c");
    given_rule(NEWEST);
    CHECK_STR(live(), "b c");
    given_rule("{}");
    CHECK_STR(live(), "b c");
    CHECK_STR(merged(), "a>b");
    GIVEN_ACCOUNTS({"a", T2, "Acme", "other"}, {"d", T1, "Bolt", "z"});
    CHECK_STR(live(), "b c d");
    GIVEN_ACCOUNTS({"a", T3, "Acme", "x", true});
    CHECK_STR(merged(), "");
    CHECK_INT(held_by_source(), 3);
}

TEST(dedupe, e_mail_columns_are_compared_as_addresses)
{
    suite.table.columns[NAME].type = TYPE_EMAIL;
    given_rule("{\"auto_dedupe\":{\"by\":\"Name\"}}");
    GIVEN_ACCOUNTS({"a", T1, "Ann <ANN@x.org>", "x"}, {"b", T1, "mailto:ann@x.org", "y"},
                   {"c", T1, "no address", "y"}, {"d", T1, "no address", "y"});
    CHECK_STR(live(), "a c d");
}

TEST(dedupe, long_values_are_whole_values)
{
    char one[3000], other[3000];
    memset(one, 'x', sizeof one);
    one[2999] = '\0';
    memcpy(other, one, sizeof one);
    other[2998] = 'y';
    given_rule(BY_NAME);
    GIVEN_ACCOUNTS({"a", T1, one, "x"}, {"b", T1, other, "y"}, {"c", T1, one, "y"});
    CHECK_STR(live(), "a b");
}

TEST(dedupe, goes_with_its_table)
{
    given_rule(BY_NAME);
    GIVEN_ACCOUNTS({"a", T1, "Acme", "x"}, {"b", T1, "Acme", "y"});
    CHECK_OK(suite.does->table_delete(suite.store, "Accounts", &suite.err), &suite.err);
    suite.table.id = 0;
    given_rule(BY_NAME);
    GIVEN_ACCOUNTS({"a", T1, "Acme", "x"});
    CHECK_STR(live(), "a");
    CHECK_STR(merged(), "");
}

/* ------------------------------------------------------- no race is possible */

#define WRITERS 4
#define EACH    60

struct writer {
    struct store *store;
    int number;
    struct err err;
    enum status rc;
};

static void *write_rows(void *ctx)
{
    struct writer *w = ctx;
    int slot = column_slot(NAME);
    for (int i = 0; i < EACH && w->rc == OK; i++) {
        char key[16], name[16];
        snprintf(key, sizeof key, "%d-%03d", w->number, i);
        snprintf(name, sizeof name, "Firm %d", i); /* the same names as all other writers */
        struct value value = text_value(name);
        struct row_in row = {key, T1, false, &value};
        struct import_page page = {.table_id = suite.table.id,
                                   .slots = &slot,
                                   .slot_count = 1,
                                   .rows = &row,
                                   .row_count = 1,
                                   .update_existing = true};
        w->rc = suite.does->import_page(w->store, &page, NULL, &w->err);
    }
    return NULL;
}

TEST(dedupe, rows_that_come_at_the_same_instant_are_one)
{
    struct writer writers[WRITERS] = {{0}};
    pthread_t threads[WRITERS];
    given_rule(BY_NAME);
    for (int i = 0; i < WRITERS; i++) {
        writers[i].number = i;
        CHECK_OK(suite.does->open_another(suite.store, false, &writers[i].store, &suite.err),
                 &suite.err);
    }
    for (int i = 0; i < WRITERS; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, write_rows, &writers[i]), 0);
    for (int i = 0; i < WRITERS; i++) {
        pthread_join(threads[i], NULL);
        CHECK_OK(writers[i].rc, &writers[i].err);
        suite.does->close(writers[i].store);
    }
    CHECK_INT(row_count(), EACH);
    CHECK_INT(held_by_source(), EACH * WRITERS);
}
