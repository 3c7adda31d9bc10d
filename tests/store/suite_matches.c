/* suite_matches.c - rows are found by what is in them. */
#include "store/store_suite.h"

#include "store/store_matches.h"

#include "base/buf.h"

static struct match_query query(const char *name)
{
    static int slot, industry;
    static struct value wanted;
    slot = column_slot(NAME);
    industry = column_slot(INDUSTRY);
    wanted = text_value(name);
    return (struct match_query){.table_id = suite.table.id,
                                .slots = &slot,
                                .slot_count = 1,
                                .wanted = &wanted,
                                .count = 1,
                                .values = &industry,
                                .value_count = 1,
                                .limit = 10};
}

/* What is found, "key=industry key=industry". */
static const char *found(const struct match_query *q)
{
    struct match_found out = {0};
    struct buf text = BUF_INIT;
    CHECK_OK(suite.does->matches->find(suite.store, suite.arena, q, &out, &suite.err), &suite.err);
    for (size_t i = 0; i < out.count; i++)
        buf_printf(&text, "%s%s=%s", i ? " " : "", out.rows[i].key,
                   out.rows[i].values[0].text ? out.rows[i].values[0].text : "-");
    const char *kept = arena_strdup(suite.arena, buf_text(&text));
    buf_free(&text);
    return kept;
}

static void given(void)
{
    GIVEN_ACCOUNTS({"1", NULL, "Acme", "Banking"}, {"2", NULL, "acme", NULL},
                   {"3", NULL, "Acme East", "Energy"}, {"4", NULL, "Bolt", NULL},
                   {"5", NULL, "Acme", "Media"}, {"6", NULL, NULL, "Nobody"});
}

TEST(matches, are_equal_byte_by_byte)
{
    given();
    struct match_query q = query("Acme");
    CHECK_STR(found(&q), "1=Banking 5=Media");
    CHECK_OK(suite.does->matches->prepare(suite.store, q.table_id, q.slots[0], false, &suite.err),
             &suite.err);
    CHECK_STR(found(&q), "1=Banking 5=Media"); /* by the index as well */
    CHECK_OK(suite.does->matches->prepare(suite.store, q.table_id, q.slots[0], false, &suite.err),
             &suite.err);
    q.last_first = true;
    CHECK_STR(found(&q), "5=Media 1=Banking");
    q.limit = 1;
    CHECK_STR(found(&q), "5=Media");
    q = query("acme ");
    CHECK_STR(found(&q), "");
}

TEST(matches, may_ignore_case)
{
    given();
    struct match_query q = query("ACME");
    q.ignore_case = true;
    CHECK_STR(found(&q), "1=Banking 2=- 5=Media");
    CHECK_OK(suite.does->matches->prepare(suite.store, q.table_id, q.slots[0], true, &suite.err),
             &suite.err);
    CHECK_STR(found(&q), "1=Banking 2=- 5=Media");
}

TEST(matches, may_be_a_part)
{
    given();
    struct match_query q = query("East");
    q.contains = true;
    CHECK_STR(found(&q), "3=Energy");
    q = query("east");
    q.contains = true;
    CHECK_STR(found(&q), "");
    q.ignore_case = true;
    CHECK_STR(found(&q), "3=Energy");
    q = query("%");
    q.contains = true;
    CHECK_STR(found(&q), ""); /* no pattern */
}

TEST(matches, want_all_columns_and_live_rows)
{
    given();
    int slots[] = {column_slot(NAME), column_slot(INDUSTRY)};
    struct value wanted[] = {text_value("Acme"), text_value("Media"), text_value("Acme"),
                             text_value("Energy")};
    struct match_found out[2];
    struct match_query q = query("Acme");
    q.slots = slots;
    q.slot_count = 2;
    q.wanted = wanted;
    q.count = 2;
    CHECK_OK(suite.does->matches->find(suite.store, suite.arena, &q, out, &suite.err), &suite.err);
    CHECK_INT(out[0].count, 1);
    CHECK_STR(out[0].rows[0].key, "5");
    CHECK_INT(out[1].count, 0);
    GIVEN_ACCOUNTS({"5", NULL, "Acme", "Media", true});
    q = query("Acme");
    CHECK_STR(found(&q), "1=Banking");
}

TEST(matches, indexes_go_with_their_table)
{
    given();
    struct match_query q = query("Acme");
    CHECK_OK(suite.does->matches->prepare(suite.store, q.table_id, q.slots[0], false, &suite.err),
             &suite.err);
    CHECK_OK(suite.does->table_delete(suite.store, "Accounts", &suite.err), &suite.err);
}
