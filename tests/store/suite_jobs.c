/* suite_jobs.c - jobs that any process of a workspace may take. One process has the store
 * open here; what several do is tests/cluster's. */
#include "store/store_jobs.h"
#include "store/store_runs.h"
#include "store/store_suite.h"

#include "base/str.h"

static int64_t queue(int64_t table_id, const char *lane, const char *text)
{
    struct run run = {.table_id = table_id, .kind = "run", .cause = "person", .who = "ann"};
    CHECK_OK(suite.does->jobs->queue(suite.store, &run, lane, text, &suite.err), &suite.err);
    return run.id;
}

static struct store_job claim(int64_t lane_most)
{
    struct store_job job;
    CHECK_OK(suite.does->jobs->claim(suite.store, suite.arena, lane_most, &job, &suite.err), &suite.err);
    return job;
}

static enum run_state state_of(int64_t run_id)
{
    struct run run;
    CHECK_OK(suite.does->runs->get(suite.store, suite.arena, run_id, &run, &suite.err), &suite.err);
    return run.state;
}

static void check_counts(int64_t waiting, int64_t held)
{
    int64_t w, h;
    CHECK_OK(suite.does->jobs->count(suite.store, 0, &w, &h, &suite.err), &suite.err);
    CHECK_INT(w, waiting);
    CHECK_INT(h, held);
}

TEST(jobs, are_claimed_oldest_first_and_one_a_table)
{
    int64_t first = queue(1, "prod", "a"), second = queue(1, "prod", "b"), other = queue(2, "prod", "c");
    CHECK_INT(state_of(first), RUN_QUEUED);
    struct store_job job = claim(8);
    CHECK_INT(job.run_id, first);
    CHECK_STR(job.text, "a");
    CHECK_STR(job.lane, "prod");
    CHECK_INT(claim(8).run_id, other);
    CHECK_INT(claim(8).run_id, 0); /* the table of the second is busy */
    check_counts(1, 2);
    CHECK_OK(suite.does->jobs->done(suite.store, first, &suite.err), &suite.err);
    CHECK_INT(claim(8).run_id, second);
}

TEST(jobs, of_one_connection_are_only_so_many_at_once)
{
    int64_t first = queue(1, "prod", "a"), free = queue(3, "", "c");
    queue(2, "prod", "b");
    CHECK_INT(claim(1).run_id, first);
    CHECK_INT(claim(1).run_id, free); /* without a connection there is no limit */
    CHECK_INT(claim(1).run_id, 0);
    CHECK(claim(2).run_id != 0);
}

TEST(jobs, the_same_order_waits_once)
{
    struct run again = {.table_id = 1, .kind = "run"};
    int64_t first = queue(1, "prod", "a");
    CHECK_FAIL(suite.does->jobs->queue(suite.store, &again, "prod", "a", &suite.err), &suite.err,
               ERR_JOB_TWIN);
    CHECK_INT(claim(8).run_id, first);
    queue(1, "prod", "a"); /* the first runs: what changed since then is its business */
    check_counts(1, 1);
}

TEST(jobs, that_are_given_back_wait_again_with_their_run)
{
    int64_t first = queue(1, "prod", "a");
    CHECK_INT(claim(8).run_id, first);
    CHECK_OK(suite.does->runs->start(suite.store, first, &suite.err), &suite.err);
    CHECK_OK(suite.does->jobs->give_back(suite.store, first, &suite.err), &suite.err);
    CHECK_INT(state_of(first), RUN_QUEUED);
    CHECK_INT(claim(8).run_id, first);
}

TEST(jobs, are_stopped_while_they_wait_and_asked_while_they_run)
{
    int64_t first = queue(1, "prod", "a"), second = queue(2, "prod", "b"), *ids;
    size_t count;
    CHECK_OK(suite.does->jobs->stop(suite.store, second, &suite.err), &suite.err);
    CHECK_INT(state_of(second), RUN_STOPPED);
    CHECK_INT(claim(8).run_id, first);
    CHECK_OK(suite.does->jobs->stop(suite.store, first, &suite.err), &suite.err);
    CHECK_OK(suite.does->jobs->stops(suite.store, suite.arena, &ids, &count, &suite.err), &suite.err);
    CHECK_INT(count, 1);
    CHECK_INT(ids[0], first);
    CHECK_OK(suite.does->jobs->done(suite.store, first, &suite.err), &suite.err);
    CHECK_FAIL(suite.does->jobs->stop(suite.store, first, &suite.err), &suite.err, ERR_NOT_FOUND);
}

/* A process that is gone: its job waits again, a run that was no job is interrupted. */
TEST(jobs, of_a_process_that_is_gone_are_freed)
{
    int64_t freed, job = queue(1, "prod", "a"), waiting = queue(2, "prod", "b");
    CHECK_INT(claim(8).run_id, job);
    CHECK_OK(suite.does->runs->start(suite.store, job, &suite.err), &suite.err);
    CHECK_OK(suite.does->jobs->beat(suite.store, &freed, &suite.err), &suite.err);
    CHECK_INT(freed, 0);
    suite_reopen();
    CHECK_OK(suite.does->jobs->beat(suite.store, &freed, &suite.err), &suite.err);
    CHECK(freed >= 1);
    CHECK_INT(state_of(job), RUN_QUEUED);
    CHECK_INT(state_of(waiting), RUN_QUEUED);
    check_counts(2, 0);
    CHECK_OK(suite.does->jobs->beat(suite.store, &freed, &suite.err), &suite.err);
    CHECK_INT(freed, 0);
}
