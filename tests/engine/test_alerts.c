/* test_alerts.c - what is said, when, and how often; and what becomes of mail that
 * cannot be sent. Guards engine/alert_{look,send,settings}.c. */
#include "engine/given.h"

#include "base/str.h"
#include "engine/alerts.h"
#include "formula/formula.h"

static void begin(void)
{
    given_begin();
    g.engine.store = g.store; /* nobody dies here */
    g.engine.http = http_client_new(g.world, "argil-test");
    g.engine.formula = formula_engine_new(world_real(), WORKER);
}
EACH_TEST(begin, given_end)

static struct alerts_looked look(void)
{
    struct alerts_looked looked;
    CHECK_OK(alerts_look(&g.engine, &looked, &g.err), &g.err);
    return looked;
}

static struct alert *alerts(size_t wanted)
{
    struct alert_query query = {0};
    struct alert *list;
    size_t count;
    CHECK_OK(g.store->does->alerts->find(g.store, g.arena, &query, &list, &count, &g.err), &g.err);
    CHECK_INT(count, wanted);
    return list;
}

/* "people" of so many rows; the formula fails in the first `bad` of them. */
static void given_failing(int rows, int bad)
{
    const char *formula = arena_printf(
        g.arena, "{\"formula\":\"Number({{LastName}}.slice(7)) <= %d ? null.x : 1\"}", bad);
    struct given_column column = {"F", "formula", formula, NULL, TYPE_NUMBER};
    given_org("", rows);
    given_table(&column, 1, NULL);
    given_synced();
    look(); /* what was before is not news */
}

static void set_rules(const char *rules)
{
    struct table table;
    CHECK_OK(g.store->does->table_get(g.store, g.arena, "people", &table, &g.err), &g.err);
    table.rules = rules;
    for (size_t i = 0; i < table.column_count; i++) /* ids to positions, as apply wants them */
        for (size_t k = 0; k < table.columns[i].depend_count; k++)
            for (size_t j = 0; j < table.column_count; j++)
                if (table.columns[j].id == table.columns[i].depends[k])
                    table.columns[i].depends[k] = (int64_t)j;
    CHECK_OK(g.store->does->table_apply(g.store, &table, &g.err), &g.err);
}

static void end_run(enum run_state state, const char *report, const char *error)
{
    struct run run = {.table_id = 1, .kind = "run", .cause = "person"};
    CHECK_OK(g.store->does->run_begin(g.store, &run, &g.err), &g.err);
    CHECK_OK(g.store->does->run_end(g.store, run.id, state, report, error, &g.err), &g.err);
}

TEST(failure_rate, is_told_at_the_limit)
{
    given_failing(40, 29);
    run_ok();
    CHECK_INT(look().raised, 0); /* 72 %: the limit is 75 */
    set_rules("{\"alerts\":{\"failure_rate\":72}}");
    g.options.all = true;
    run_ok();
    CHECK_INT(look().raised, 1);
    CHECK_INT(look().raised, 0); /* a run is looked at once */
    struct alert *a = alerts(1);
    CHECK_INT(a->kind, ALERT_FAILURE_RATE);
    CHECK_INT(a->number, 72);
    CHECK_INT(a->run_id, g.report.run_id);
    CHECK_CONTAINS(a->message, "29 of 40 cells failed");
}

TEST(failure_rate, over_a_few_cells_says_nothing)
{
    given_failing(19, 19);
    run_ok();
    CHECK_INT(look().raised, 0);
    end_run(RUN_FAILED, NULL, "the disk is full");
    CHECK_INT(look().raised, 1);
    CHECK_STR(alerts(1)->message, "the disk is full");
}

TEST(quiet, is_half_an_hour_a_kind_and_table)
{
    given_failing(1, 0);
    for (int i = 0; i < 3; i++) {
        end_run(RUN_FAILED, NULL, "no");
        world_fake_advance(g.world, 60000);
        look();
    }
    CHECK_INT(alerts(1)->times, 3);
    end_run(RUN_DONE, "{\"paused\":true}", NULL);
    CHECK_INT(look().raised, 1); /* another kind */
    CHECK_INT(alerts(2)->kind, ALERT_BUDGET);
    world_fake_advance(g.world, ALERT_QUIET_MS);
    end_run(RUN_FAILED, NULL, "no");
    CHECK_INT(look().raised, 1);
    alerts(3);
}

TEST(lasting, is_told_again_after_a_day)
{
    given_failing(5, 0);
    set_rules("{\"alerts\":{\"rows\":4,\"inactive_ms\":7200000}}");
    CHECK_INT(look().raised, 1);
    CHECK_INT(alerts(1)->kind, ALERT_ROWS);
    CHECK_INT(alerts(1)->number, 5);
    world_fake_advance(g.world, 7200001);
    CHECK_INT(look().raised, 1);
    CHECK_INT(alerts(2)->kind, ALERT_INACTIVE);
    world_fake_advance(g.world, ALERT_QUIET_MS * 2);
    CHECK_INT(look().raised, 0); /* it goes on, and was told */
    end_run(RUN_DONE, "{}", NULL);
    world_fake_advance(g.world, ALERT_LASTING_MS - 7200001);
    CHECK_INT(look().raised, 1); /* rows again; inactivity began anew less than a day ago */
    set_rules("{\"alerts\":{\"rows\":5}}");
    world_fake_advance(g.world, ALERT_LASTING_MS);
    CHECK_INT(look().raised, 0);
}

TEST(connection, that_wants_a_sign_in_is_told)
{
    struct connection c;
    given_failing(1, 0);
    CHECK_OK(g.store->does->connection_get(g.store, g.arena, "prod", &c, &g.err), &g.err);
    c.status = "reconnect needed";
    CHECK_OK(g.store->does->connection_put(g.store, &c, &g.err), &g.err);
    CHECK_INT(look().raised, 1);
    struct alert *a = alerts(1);
    CHECK_INT(a->kind, ALERT_RECONNECT);
    CHECK_INT(a->connection_id, c.id);
    CHECK_STR(a->subject, "prod: sign in again");
    CHECK_INT(look().raised, 0);
}

TEST(in_doubt, more_than_before_is_news)
{
    given_failing(1, 0);
    end_run(RUN_DONE, "{\"in_doubt\":2}", NULL);
    CHECK_INT(look().raised, 1);
    CHECK_INT(alerts(1)->kind, ALERT_IN_DOUBT);
    CHECK_INT(alerts(1)->number, 2);
}

TEST(sending, is_tried_again_and_given_up)
{
    struct alert a;
    const char *to[] = {"ann@example.com"};
    struct alert_settings s = {
        .email = to, .email_count = 1, .from = "a@example.com", .server = "smtp://127.0.0.1:1"};
    struct alerts_delivered sent;
    CHECK_INT(alerts_test(&g.engine, &a, &g.err), FAIL); /* no way is set up */
    CHECK_OK(alert_settings_store(g.store, &s, &g.err), &g.err);
    CHECK_OK(alerts_test(&g.engine, &a, &g.err), &g.err);
    int tries = 0;
    for (int64_t waited = 0; waited < 7 * 24 * 60; waited++) {
        CHECK_OK(alerts_deliver(&g.engine, NULL, &sent, &g.err), &g.err);
        tries += (int)(sent.waiting + sent.failed);
        world_fake_advance(g.world, 60000);
    }
    CHECK_INT(tries, ALERT_TRIES);
    CHECK_INT(alerts(1)->told[WAY_EMAIL].state, TOLD_FAILED);
    CHECK_CONTAINS(alerts(1)->told[WAY_EMAIL].error, "could not be given the mail");
    CHECK_INT(alerts(1)->told[WAY_WEBHOOK].state, TOLD_NOT_ASKED);
}

TEST(webhook, does_not_reach_private_addresses_by_itself)
{
    struct alert a;
    struct alerts_delivered sent;
    struct alert_settings s = {.webhook = "https://127.0.0.1:1/x"};
    CHECK_OK(alert_settings_store(g.store, &s, &g.err), &g.err);
    CHECK_OK(alerts_test(&g.engine, &a, &g.err), &g.err);
    CHECK_OK(alerts_deliver(&g.engine, NULL, &sent, &g.err), &g.err);
    CHECK_INT(sent.failed, 1);
    CHECK_CONTAINS(alerts(1)->told[WAY_WEBHOOK].error, "127.0.0.1");
}
