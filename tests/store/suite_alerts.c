/* suite_alerts.c - the same is not said twice, and what was told is known. */
#include "store/store_suite.h"

#include "store/store_alerts.h"

#define HALF_HOUR 1800000

static struct alert given(enum alert_kind kind, int64_t table_id, int64_t number, bool *fresh)
{
    struct alert a = {.kind = kind,
                      .table_id = table_id,
                      .number = number,
                      .subject = "s",
                      .message = "m",
                      .told[WAY_EMAIL].state = TOLD_WAITING};
    CHECK_OK(suite.does->alerts->raise(suite.store, &a, HALF_HOUR, fresh, &suite.err), &suite.err);
    return a;
}

static struct alert *found(struct alert_query query, size_t wanted)
{
    struct alert *list;
    size_t count;
    CHECK_OK(suite.does->alerts->find(suite.store, suite.arena, &query, &list, &count, &suite.err),
             &suite.err);
    CHECK_INT(count, wanted);
    return list;
}

TEST(alerts, a_kind_and_table_are_said_once_in_a_while)
{
    bool fresh;
    struct alert first = given(ALERT_ROWS, 7, 10, &fresh);
    CHECK(fresh);
    suite_reopen();
    struct alert again = given(ALERT_ROWS, 7, 12, &fresh);
    CHECK(!fresh && again.id == first.id && again.times == 2);
    given(ALERT_ROWS, 8, 1, &fresh);
    CHECK(fresh);
    given(ALERT_BUDGET, 7, 1, &fresh);
    CHECK(fresh);
    struct alert *list = found((struct alert_query){.table_id = 7}, 2);
    CHECK_INT(list[1].number, 12);
    CHECK_INT(list[1].times, 2);
    world_fake_advance(suite.world, HALF_HOUR + 1);
    given(ALERT_ROWS, 7, 13, &fresh); /* however often it was meant in between */
    CHECK(fresh);
    found((struct alert_query){.table_id = 7}, 3);
}

TEST(alerts, what_waits_is_found_when_it_may_be_tried)
{
    bool fresh;
    struct alert a = given(ALERT_TEST, 0, 0, &fresh);
    struct told told = {.state = TOLD_WAITING, .tries = 1, .next_ms = 5000, .error = "no"};
    found((struct alert_query){.waiting_ms = 1}, 1);
    CHECK_OK(suite.does->alerts->told(suite.store, a.id, WAY_EMAIL, &told, &suite.err), &suite.err);
    found((struct alert_query){.waiting_ms = 4999}, 0);
    struct alert *list = found((struct alert_query){.waiting_ms = 5000}, 1);
    CHECK_INT(list->told[WAY_EMAIL].tries, 1);
    CHECK_STR(list->told[WAY_EMAIL].error, "no");
    CHECK_INT(list->told[WAY_WEBHOOK].state, TOLD_NOT_ASKED);
    told = (struct told){.state = TOLD_DONE, .tries = 2};
    CHECK_OK(suite.does->alerts->told(suite.store, a.id, WAY_EMAIL, &told, &suite.err), &suite.err);
    found((struct alert_query){.waiting_ms = INT64_MAX}, 0);
}

TEST(alerts, are_seen_by_somebody)
{
    bool fresh;
    struct alert a = given(ALERT_ROWS, 1, 0, &fresh);
    given(ALERT_ROWS, 2, 0, &fresh);
    CHECK_OK(suite.does->alerts->see(suite.store, a.id, "ann", &suite.err), &suite.err);
    found((struct alert_query){.unseen = true}, 1);
    CHECK_STR(found((struct alert_query){.id = a.id}, 1)->seen_by, "ann");
    CHECK_OK(suite.does->alerts->see(suite.store, 0, "bob", &suite.err), &suite.err);
    found((struct alert_query){.unseen = true}, 0);
    CHECK_STR(found((struct alert_query){.id = a.id}, 1)->seen_by, "ann");
}

TEST(alerts, settings_are_kept)
{
    const char *json;
    CHECK_OK(suite.does->alerts->settings_get(suite.store, suite.arena, "x", &json, &suite.err),
             &suite.err);
    CHECK(json == NULL);
    CHECK_OK(suite.does->alerts->settings_put(suite.store, "x", "{}", &suite.err), &suite.err);
    CHECK_OK(suite.does->alerts->settings_put(suite.store, "x", "{\"a\":1}", &suite.err),
             &suite.err);
    suite_reopen();
    CHECK_OK(suite.does->alerts->settings_get(suite.store, suite.arena, "x", &json, &suite.err),
             &suite.err);
    CHECK_STR(json, "{\"a\":1}");
}
