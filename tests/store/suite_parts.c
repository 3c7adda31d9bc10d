/* suite_parts.c - a run in parts, and what all processes share towards the orgs. Several
 * processes at once are tests/cluster's; a process that is gone is an epoch that is gone. */
#include "store/store_jobs.h"
#include "store/store_parts.h"
#include "store/store_runs.h"
#include "store/store_shares.h"
#include "store/store_suite.h"

#include "base/str.h"

#include <pthread.h>

static int64_t queue(const char *text)
{
    struct run run = {.table_id = suite.table.id, .kind = "run", .cause = "person", .who = "ann"};
    CHECK_OK(suite.does->jobs->queue(suite.store, &run, "prod", text, &suite.err), &suite.err);
    return run.id;
}

static void given_rows(int count)
{
    static char keys[40][24];
    static struct account rows[40];
    for (int i = 0; i < count; i++) {
        snprintf(keys[i], sizeof keys[i], "001%012dAAA", i);
        rows[i] = (struct account){keys[i], "2026-01-01T00:00:00.000+0000", "Acme", "Steel", false};
    }
    given_accounts(rows, (size_t)count);
}

/* A run over `rows` due rows, cut by `each`. */
static int64_t given_cut(int rows, int64_t each, int64_t wanted)
{
    int64_t count = -1, made, run = queue("order");
    given_rows(rows);
    CHECK_OK(suite.does->cells_make_due(suite.store, suite.table.id, column_id(LEAD), 0, NULL, 0, &made,
                                        &suite.err),
             &suite.err);
    CHECK_OK(suite.does->parts->cut(suite.store, run, suite.table.id, each, each, &count, &suite.err), &suite.err);
    CHECK_INT(count, wanted);
    return run;
}

static struct store_part claim(int64_t run)
{
    struct store_part part;
    CHECK_OK(suite.does->parts->claim(suite.store, run, &part, &suite.err), &suite.err);
    return part;
}

static void done(const struct store_part *part, const char *error)
{
    struct part_end end = {"{\"created\":1}", error};
    CHECK_OK(suite.does->parts->done(suite.store, part, &end, &suite.err), &suite.err);
}

static void check_counts(int64_t run, int64_t waiting, int64_t held, int64_t ended)
{
    struct parts_count count;
    CHECK_OK(suite.does->parts->count(suite.store, run, &count, &suite.err), &suite.err);
    CHECK_INT(count.waiting, waiting);
    CHECK_INT(count.held, held);
    CHECK_INT(count.done, ended);
}

TEST(parts, are_ranges_that_are_the_whole_table)
{
    int64_t after = 0, run = given_cut(25, 10, 3);
    for (int i = 1; i <= 3; i++) {
        struct store_part part = claim(run);
        CHECK_INT(part.number, i);
        CHECK_INT(part.table_id, suite.table.id);
        CHECK_INT(part.after_row, after);
        CHECK(part.last_row > part.after_row);
        after = part.last_row;
    }
    CHECK(after == INT64_MAX); /* rows that come meanwhile are the last one's */
    CHECK_INT(claim(run).number, 0);
    check_counts(run, 0, 3, 0);
}

TEST(parts, are_two_at_least)
{
    int64_t run = given_cut(19, 10, 0);
    CHECK_OK(suite.does->jobs->done(suite.store, run, &suite.err), &suite.err);
    given_cut(20, 10, 2);
}

TEST(parts, are_as_large_as_asked_for_and_some_for_everybody)
{
    int64_t count = 0, run = given_cut(40, 100, 0);
    CHECK_OK(suite.does->parts->cut(suite.store, run, suite.table.id, 1, 100, &count, &suite.err),
             &suite.err);
    CHECK_INT(
        count,
        30); /* ten of two rows, then, so that nobody waits long for the last, twenty of one */
}

TEST(parts, of_a_run_are_cut_once)
{
    int64_t count, run = given_cut(20, 10, 2);
    CHECK_FAIL(suite.does->parts->cut(suite.store, run, suite.table.id, 10, 10, &count, &suite.err), &suite.err,
               ERR_CONFLICT);
    check_counts(run, 2, 0, 0);
}

TEST(parts, tell_how_they_ended_in_row_order)
{
    int64_t run = given_cut(20, 10, 2);
    struct store_part first = claim(run), second = claim(run);
    struct part_end *ends;
    size_t count;
    done(&second, "no connection");
    done(&first, NULL);
    check_counts(run, 0, 0, 2);
    CHECK_OK(suite.does->parts->ends(suite.store, suite.arena, run, &ends, &count, &suite.err), &suite.err);
    CHECK_INT(count, 2);
    CHECK_STR(ends[0].report, "{\"created\":1}");
    CHECK(ends[0].error == NULL);
    CHECK_STR(ends[1].error, "no connection");
}

TEST(parts, that_are_given_back_wait_again)
{
    int64_t run = given_cut(20, 10, 2);
    struct store_part part = claim(run);
    CHECK_OK(suite.does->parts->give_back(suite.store, &part, &suite.err), &suite.err);
    check_counts(run, 2, 0, 0);
    CHECK_INT(claim(run).number, 1);
}

/* A process that is gone: its part waits again, and what it says later is not taken (W7). */
TEST(parts, of_a_process_that_is_gone_are_freed)
{
    int64_t freed, run = given_cut(20, 10, 2);
    struct store_part stale = claim(run);
    suite_reopen();
    CHECK_OK(suite.does->jobs->beat(suite.store, &freed, &suite.err), &suite.err);
    check_counts(run, 2, 0, 0);
    done(&stale, NULL); /* not ours any more, though nobody else has it */
    check_counts(run, 2, 0, 0);
    CHECK_INT(claim(run).number, 1);
}

TEST(parts, that_wait_are_wanted_until_the_run_is_stopped)
{
    struct parts_wanted *wanted;
    size_t count;
    int64_t run = given_cut(20, 10, 2), *ids;
    struct store_job job;
    CHECK_OK(suite.does->jobs->claim(suite.store, suite.arena, 8, &job, &suite.err), &suite.err);
    CHECK_OK(suite.does->parts->wanted(suite.store, suite.arena, &wanted, &count, &suite.err), &suite.err);
    CHECK_INT(count, 1);
    CHECK_INT(wanted[0].run_id, run);
    CHECK_STR(wanted[0].text, "order");
    claim(run);
    CHECK_OK(suite.does->jobs->stop(suite.store, run, &suite.err), &suite.err);
    CHECK_OK(suite.does->parts->wanted(suite.store, suite.arena, &wanted, &count, &suite.err), &suite.err);
    CHECK_INT(count, 0);
    CHECK_OK(suite.does->jobs->stops(suite.store, suite.arena, &ids, &count, &suite.err), &suite.err);
    CHECK_INT(count, 1); /* whoever has a part is asked to stop, too */
    CHECK_OK(suite.does->jobs->done(suite.store, run, &suite.err), &suite.err);
    check_counts(run, 0, 0, 0);
}

TEST(parts, count_together_what_their_writes_came_to)
{
    int64_t outcomes, failures, run = given_cut(20, 10, 2);
    struct store_part first = claim(run), second = claim(run);
    CHECK_OK(suite.does->parts->tally(suite.store, &first, 10, 1, &outcomes, &failures, &suite.err), &suite.err);
    CHECK_OK(suite.does->parts->tally(suite.store, &second, 30, 4, &outcomes, &failures, &suite.err), &suite.err);
    CHECK_INT(outcomes, 40);
    CHECK_INT(failures, 5);
}

/* ---- several handles at once: no part twice, none left out */

struct claimer {
    struct store *store;
    int64_t run;
    int claimed[64];
};

static void *claim_all(void *ctx)
{
    struct claimer *c = ctx;
    struct store_part part;
    struct err err = {0};
    while (c->store->does->parts->claim(c->store, c->run, &part, &err) == OK && part.number)
        c->claimed[part.number]++;
    return err.code[0] ? c : NULL;
}

TEST(parts, are_claimed_by_one_of_those_who_ask_at_once)
{
    enum { WHO = 3, PARTS = 20 };
    static struct claimer claimers[WHO];
    pthread_t threads[WHO];
    int64_t run = given_cut(40, 2, PARTS);
    for (int i = 0; i < WHO; i++) {
        claimers[i] = (struct claimer){.run = run};
        CHECK_OK(suite.does->open_another(suite.store, false, &claimers[i].store, &suite.err), &suite.err);
    }
    for (int i = 0; i < WHO; i++)
        CHECK_INT(pthread_create(&threads[i], NULL, claim_all, &claimers[i]), 0);
    for (int i = 0; i < WHO; i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        CHECK(failed == NULL);
        suite.does->close(claimers[i].store);
    }
    for (int number = 1; number <= PARTS; number++) {
        int sum = 0;
        for (int i = 0; i < WHO; i++)
            sum += claimers[i].claimed[number];
        CHECK_INT(sum, 1);
    }
}

/* ------------------------------------------------------------------- shares */

static int64_t places(const char *holder, int64_t wanted, int64_t busy)
{
    int64_t granted;
    CHECK_OK(suite.does->shares->places(suite.store, 1, holder, wanted, busy, 10, &granted, &suite.err),
             &suite.err);
    return granted;
}

TEST(shares, places_are_never_more_than_the_connection_bears)
{
    CHECK_INT(places("a", 8, 0), 8);
    CHECK_INT(places("b", 8, 0), 2);
    CHECK_INT(places("c", 8, 0), 0); /* waits */
    CHECK_INT(places("a", 8, 6), 6); /* what is under way stays, the rest is for others */
    CHECK_INT(places("c", 8, 0), 2);
    CHECK_INT(places("a", 8, 0), 3); /* a fair third */
    CHECK_INT(places("c", 8, 2), 3);
    CHECK_OK(suite.does->shares->places_back(suite.store, 1, "c", &suite.err), &suite.err);
    CHECK_INT(places("b", 8, 2), 5);
}

TEST(shares, places_of_a_process_that_is_gone_are_free)
{
    int64_t freed;
    CHECK_INT(places("a", 10, 0), 10);
    suite_reopen();
    CHECK_OK(suite.does->jobs->beat(suite.store, &freed, &suite.err), &suite.err);
    CHECK_INT(places("b", 8, 0), 8);
}

static int64_t calls(int64_t day, int64_t wanted, int64_t budget)
{
    int64_t granted;
    CHECK_OK(suite.does->shares->calls(suite.store, 1, day, wanted, budget, &granted, &suite.err), &suite.err);
    return granted;
}

TEST(shares, a_days_calls_are_given_out_once)
{
    CHECK_INT(calls(100, 20, 50), 20);
    CHECK_INT(calls(100, 20, 50), 20);
    CHECK_INT(calls(100, 20, 50), 10);
    CHECK_INT(calls(100, 20, 50), 0);
    CHECK_OK(suite.does->shares->calls_back(suite.store, 1, 100, 3, &suite.err), &suite.err);
    CHECK_INT(calls(100, 20, 50), 3);
    CHECK_INT(calls(100, 7, CALLS_WITHOUT_END), 7); /* they were made, whatever the budget */
    CHECK_INT(calls(100, 1, 56), 0);
    CHECK_INT(calls(101, 20, 50), 20); /* another day */
}

TEST(shares, while_sending_is_stopped_nothing_becomes_sending)
{
    bool stopped = true;
    const char *reason = "";
    given_rows(2);
    struct op op = given_op("001000000000001AAA", 1, NULL, NULL);
    CHECK_INT(plan_op(&op), PLAN_NEW);
    CHECK_OK(suite.does->shares->sending_stopped(suite.store, suite.arena, &stopped, &reason, &suite.err),
             &suite.err);
    CHECK(!stopped);
    CHECK_OK(suite.does->shares->stop_sending(suite.store, true, "wrong list", &suite.err), &suite.err);
    CHECK_OK(suite.does->ops_sending(suite.store, &op, 1, 1000, &suite.err), &suite.err);
    CHECK_INT(op.state, OP_PLANNED);
    suite_reopen();
    CHECK_OK(suite.does->shares->sending_stopped(suite.store, suite.arena, &stopped, &reason, &suite.err),
             &suite.err);
    CHECK(stopped);
    CHECK_STR(reason, "wrong list");
    CHECK_OK(suite.does->shares->stop_sending(suite.store, false, NULL, &suite.err), &suite.err);
    send_op(&op);
    CHECK_INT(op_now(op.id).state, OP_SENDING);
}
