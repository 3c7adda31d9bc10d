/* suite_runs.c - runs that wait for a worker, and finding them again. */
#include "store/store_runs.h"
#include "store/store_suite.h"

static struct run queued(const char *kind)
{
    struct run run = {.table_id = suite.table.id,
                      .kind = kind,
                      .cause = "person",
                      .who = "ann",
                      .scope = "{\"rows\":\"all\"}"};
    CHECK_OK(suite.does->runs->queue(suite.store, &run, &suite.err), &suite.err);
    return run;
}

static struct run run_now(int64_t id)
{
    struct run run;
    CHECK_OK(suite.does->runs->get(suite.store, suite.arena, id, &run, &suite.err), &suite.err);
    return run;
}

TEST(runs, wait_start_once_and_remember_who_asked)
{
    struct run made = queued("run");
    struct run run = run_now(made.id);
    CHECK_STR(run_state_name(run.state), "queued");
    CHECK_INT(run.queued_ms, suite.world->now_ms(suite.world));
    CHECK_INT(run.started_ms, 0);
    CHECK_STR(run.who, "ann");
    CHECK_STR(run.scope, "{\"rows\":\"all\"}");
    world_fake_advance(suite.world, 5000);
    CHECK_OK(suite.does->runs->start(suite.store, made.id, &suite.err), &suite.err);
    run = run_now(made.id);
    CHECK_STR(run_state_name(run.state), "running");
    CHECK_INT(run.started_ms - run.queued_ms, 5000);
    CHECK_FAIL(suite.does->runs->start(suite.store, made.id, &suite.err), &suite.err, ERR_CONFLICT);
}

TEST(runs, that_waited_when_the_process_died_are_interrupted)
{
    struct run made = queued("sync");
    suite_reopen();
    CHECK_STR(run_state_name(run_now(made.id).state), "interrupted");
    CHECK_STR(run_state_name(run_now(suite.run_id).state), "interrupted");
    CHECK_FAIL(suite.does->runs->start(suite.store, made.id, &suite.err), &suite.err, ERR_CONFLICT);
}

TEST(runs, are_found_by_table_kind_state_and_page)
{
    struct run *list;
    size_t count;
    struct run first = queued("run"), second = queued("sync"), third = queued("run");
    struct run_query query = {.table_id = suite.table.id, .kind = "run"};
    CHECK_OK(suite.does->runs->find(suite.store, suite.arena, &query, &list, &count, &suite.err),
             &suite.err);
    CHECK_INT(count, 2);
    CHECK_INT(list[0].id, third.id);
    CHECK_INT(list[1].id, first.id);
    query = (struct run_query){.states = 1u << RUN_QUEUED, .before_id = third.id, .limit = 1};
    CHECK_OK(suite.does->runs->find(suite.store, suite.arena, &query, &list, &count, &suite.err),
             &suite.err);
    CHECK_INT(count, 1);
    CHECK_INT(list[0].id, second.id);
    query = (struct run_query){.table_id = suite.table.id + 1};
    CHECK_OK(suite.does->runs->find(suite.store, suite.arena, &query, &list, &count, &suite.err),
             &suite.err);
    CHECK_INT(count, 0);
    CHECK_FAIL(suite.does->runs->get(suite.store, suite.arena, 9999, &first, &suite.err),
               &suite.err, ERR_NOT_FOUND);
}
