/* test_parts.c - a run in parts: by who leads it, by who helps, by who takes it over. Guards
 * engine/run_parts.c, budget.c, places.c. Processes at once are tests/cluster's; here one
 * does what another left. */
#include "engine/given.h"

#include "store/store_jobs.h"
#include "store/store_parts.h"
#include "store/store_runs.h"
#include "store/store_shares.h"

#include <stdlib.h>
#include <string.h>

static void begin(void)
{
    setenv("ARGIL_PART_ROWS", "5", 1);
    given_begin();
}

static void end(void)
{
    given_end();
    unsetenv("ARGIL_PART_ROWS");
}

EACH_TEST(begin, end)

#define CREATE                                                                                     \
    "{\"connection\":\"prod\",\"object\":\"Lead\",\"set\":{\"LastName\":\"{{LastName}}\","         \
    "\"Company\":\"{{Company}}\",\"Email\":\"{{Email}}\"},\"unless_found\":{\"Email\":\"{{Email}}\"}}"

static int64_t run_id;

/* A job of the store, and its run: the engine has it in hand. */
static void given_led(void)
{
    int64_t freed;
    struct store_job job;
    CHECK_OK(g.store->does->jobs->beat(g.store, &freed, &g.err), &g.err);
    CHECK_OK(g.store->does->jobs->claim(g.store, g.arena, 8, &job, &g.err), &g.err);
    CHECK_INT(job.run_id, run_id);
    g.engine.calls_at_once = 4;
    g.engine.queued_run = run_id;
}

static int64_t given_queued(void)
{
    struct table table;
    CHECK_OK(g.store->does->table_get(g.store, g.arena, "people", &table, &g.err), &g.err);
    struct run job = {.table_id = table.id, .kind = "run", .cause = "person", .who = "ann"};
    CHECK_OK(g.store->does->jobs->queue(g.store, &job, "prod", "order", &g.err), &g.err);
    run_id = job.id;
    return table.id;
}

static void given_job(const char *guard, int contacts)
{
    struct given_column column = {"New lead", "salesforce_create", CREATE, NULL, TYPE_JSON};
    given_org("", contacts);
    given_table(&column, 1, guard);
    given_synced();
    given_queued();
    given_led();
}

static struct parts_count parts(void)
{
    struct parts_count count;
    CHECK_OK(g.store->does->parts->count(g.store, run_id, &count, &g.err), &g.err);
    return count;
}

TEST(parts, of_a_run_add_up_to_it)
{
    given_job(NULL, 22);
    run_ok();
    CHECK_INT(parts().done, 5);
    CHECK_INT(parts().waiting + parts().held, 0);
    CHECK_INT(g.report.created, 22);
    CHECK_INT(leads(), 22);
    CHECK_INT(ops().by_state[OP_DONE], 22);
    CHECK_INT(cell_state("New lead", 22), CELL_OK);
}

/* Of 650 rows 500 are planned and sent, then the others. */
TEST(parts, that_are_planned_in_pieces_leave_no_row_out)
{
    setenv("ARGIL_PART_ROWS", "650", 1);
    setenv("ARGIL_WRITE_BATCH", "100", 1);
    given_job(NULL, 1300);
    run_ok();
    unsetenv("ARGIL_WRITE_BATCH");
    CHECK_INT(parts().done, 2);
    CHECK_INT(g.report.created, 1300);
    CHECK_INT(leads(), 1300);
    CHECK_INT(ops().by_state[OP_DONE], 1300);
}

TEST(parts, are_not_made_of_what_counts_over_the_whole_run)
{
    given_job("{\"max_writes_per_run\":10}", 22);
    run_ok();
    CHECK_INT(parts().done, 0);
    CHECK_INT(g.report.created, 10);
}

/* Who led it made the failed cells due and died: no state says any more which they were. */
TEST(parts, a_run_over_what_failed_is_finished_by_the_next)
{
    struct given_column column = {"Site", "merge", "{\"text\":\"{{Email}}\"}", NULL, TYPE_NUMBER};
    int64_t made;
    given_org("", 7);
    given_table(&column, 1, NULL);
    given_synced();
    run_ok();
    CHECK_INT(cell_state("Site", 7), CELL_ERROR);
    int64_t table = given_queued();
    given_led();
    CHECK_OK(g.store->does->runs->start(g.store, run_id, &g.err), &g.err);
    CHECK_OK(g.store->does->cells_make_due(g.store, table, column_id("Site"), 1u << CELL_ERROR,
                                           NULL, 0, &made, &g.err),
             &g.err);
    CHECK_INT(made, 7);
    given_reborn();
    given_led();
    g.options.states = 1u << CELL_ERROR;
    run_ok();
    CHECK_INT(g.report.cells_error, 7); /* each was computed again */
    CHECK_INT(cell_state("Site", 7), CELL_ERROR);
}

TEST(parts, stay_one_run_where_nobody_shares)
{
    given_job(NULL, 22);
    g.engine.calls_at_once = 0;
    run_ok();
    CHECK_INT(parts().done, 0);
    CHECK_INT(g.report.created, 22);
}

/* The leader dies with a part in its hands and its exchange answered by nobody. */
static void given_dead_leader(void)
{
    given_job(NULL, 22);
    die_at("written", 2);
    run();
    CHECK(g.dead);
    given_reborn();
    CHECK_INT(parts().done, 1);
    CHECK_INT(parts().waiting, 4);
}

TEST(parts, of_a_leader_that_died_are_done_by_the_next)
{
    given_dead_leader();
    given_led();
    run_ok();
    CHECK_INT(parts().done, 5);
    CHECK_INT(leads(), 22); /* none twice, though the answer of five was lost */
    CHECK_INT(ops().by_state[OP_DONE], 22);
    CHECK_INT(g.report.created + g.report.adopted, 22);
}

TEST(parts, are_done_by_who_helps_and_added_up_by_who_leads)
{
    given_dead_leader();
    g.engine.calls_at_once = 4;
    CHECK_OK(run_help(&g.engine, "people", &g.options, run_id, &g.err), &g.err);
    CHECK_INT(parts().done, 5);
    CHECK(leads() >= 17);
    given_led();
    run_ok();
    CHECK_INT(leads(), 22);
    CHECK_INT(ops().by_state[OP_DONE], 22);
    CHECK_INT(g.report.created + g.report.adopted, 22);
}

/* Two rows with one key, in two parts: one record. */
TEST(parts, do_not_write_one_business_key_twice)
{
    struct given_column column = {"New lead", "salesforce_create",
                                  "{\"connection\":\"prod\",\"object\":\"Lead\",\"set\":{\"LastName\":\"x\","
                                  "\"Company\":\"y\",\"Email\":\"one@x.org\"},"
                                  "\"unless_found\":{\"Email\":\"one@x.org\"}}",
                                  NULL, TYPE_JSON};
    given_job(NULL, 22);
    given_table(&column, 1, NULL);
    run_ok();
    CHECK_INT(leads(), 1);
}

TEST(parts, of_a_stopped_run_wait)
{
    given_job(NULL, 22);
    atomic_store(&g.stop, true);
    run();
    CHECK(err_is(&g.err, ERR_STOPPED));
    CHECK_INT(parts().held, 0);
    CHECK_INT(leads(), 0);
}

/* ------------------------------------------------------------------- shares */

TEST(shares, a_days_budget_is_one_for_all_runs)
{
    int64_t left;
    given_job(NULL, 22);
    struct connection connection;
    CHECK_OK(g.store->does->connection_get(g.store, g.arena, "prod", &connection, &g.err), &g.err);
    connection.daily_call_budget = 40;
    CHECK_OK(g.store->does->connection_put(g.store, &connection, &g.err), &g.err);
    /* another process has used nearly all of it */
    int64_t day = g.world->now_ms(g.world) / (24 * 60 * 60 * 1000);
    CHECK_OK(g.store->does->shares->calls(g.store, connection.id, day, 40, 40, &left, &g.err), &g.err);
    CHECK_INT(left, 40);
    run();
    CHECK_INT(leads(), 0);
    CHECK(g.report.paused);
    CHECK_STR(g.report.refusals[0].code, "budget");
}

TEST(shares, the_switch_in_the_store_stops_every_process)
{
    given_job(NULL, 22);
    CHECK_OK(g.store->does->shares->stop_sending(g.store, true, "wrong list", &g.err), &g.err);
    run();
    CHECK_INT(leads(), 0);
    CHECK_INT(g.exchanges, 0);
    CHECK_OK(g.store->does->shares->stop_sending(g.store, false, NULL, &g.err), &g.err);
    run_ok(); /* the next one */
    CHECK_INT(leads(), 22);
}
