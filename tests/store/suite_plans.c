/* suite_plans.c - plans of writes: made once, decided while they wait, applied once. */
#include "store/store_plans.h"
#include "store/store_suite.h"

static int64_t given_plan(void)
{
    struct write_plan plan = {.table_id = suite.table.id, .who = "ann", .scope = "{}"};
    struct plan_line lines[] = {
        {.column_id = 7, .row_id = 1, .kind = OP_UPDATE, .row_key = "a", .payload = "{\"T\":1}", .before = "{\"T\":0}"},
        {.column_id = 7, .row_id = 2, .kind = OP_CREATE, .row_key = "b", .payload = "{\"T\":2}"},
        {.column_id = 7, .row_id = 3, .kind = OP_CREATE, .row_key = "c", .state = LINE_BLOCKED, .reason = "no"}};
    CHECK_OK(suite.does->plans->begin(suite.store, &plan, &suite.err), &suite.err);
    CHECK_OK(suite.does->plans->add(suite.store, plan.id, lines, 3, &suite.err), &suite.err);
    return plan.id;
}

static void make_ready(int64_t plan)
{
    CHECK_OK(suite.does->plans->ready(suite.store, plan, 5, "{\"planned\":2}", &suite.err), &suite.err);
}

static struct write_plan get(int64_t id)
{
    struct write_plan plan = {0};
    CHECK_OK(suite.does->plans->get(suite.store, suite.arena, id, &plan, &suite.err), &suite.err);
    return plan;
}

static enum status decide(int64_t plan, enum plan_state to)
{
    return suite.does->plans->decide(suite.store, plan, to, "bob", "why", 9, &suite.err);
}

static enum status decide_line(int64_t plan, int64_t row, enum plan_line_state state)
{
    struct plan_line line = {.column_id = 7, .row_id = row, .state = state, .reason = "r",
                             .edited = state == LINE_EDITED ? "{\"T\":3}" : NULL, .decided_by = "bob"};
    return suite.does->plans->decide_line(suite.store, plan, &line, &suite.err);
}

TEST(plans, keep_every_line)
{
    struct plan_line *lines, of[2];
    int64_t id = given_plan(), rows[] = {2, 99};
    size_t count;
    make_ready(id);
    suite_reopen();
    struct write_plan plan = get(id);
    CHECK_INT(plan.state, PLAN_WAITING);
    CHECK_INT(plan.run_id, 5);
    CHECK_INT(plan.lines[LINE_PLANNED], 2);
    CHECK_INT(plan.lines[LINE_BLOCKED], 1);
    CHECK_OK(suite.does->plans->of_run(suite.store, suite.arena, 5, &plan, &suite.err), &suite.err);
    CHECK_INT(plan.id, id);
    CHECK_FAIL(suite.does->plans->of_run(suite.store, suite.arena, 6, &plan, &suite.err), &suite.err,
               ERR_NOT_FOUND);
    CHECK_OK(suite.does->plans->lines(suite.store, suite.arena, id, 7, 1, 10, &lines, &count, &suite.err),
             &suite.err);
    CHECK_INT(count, 2);
    CHECK_STR(lines[0].payload, "{\"T\":2}");
    CHECK_STR(lines[1].reason, "no");
    CHECK_OK(suite.does->plans->lines_of(suite.store, suite.arena, id, 7, rows, 2, of, &suite.err),
             &suite.err);
    CHECK_STR(of[0].row_key, "b");
    CHECK_INT(of[1].row_id, 0);
}

TEST(plans, lines_are_decided_while_the_plan_waits)
{
    int64_t id = given_plan();
    CHECK_FAIL(decide_line(id, 1, LINE_REJECTED), &suite.err, ERR_CONFLICT); /* still being made */
    make_ready(id);
    CHECK_OK(decide_line(id, 1, LINE_REJECTED), &suite.err);
    CHECK_OK(decide_line(id, 2, LINE_EDITED), &suite.err);
    CHECK_FAIL(decide_line(id, 3, LINE_PLANNED), &suite.err, ERR_CONFLICT); /* blocked stays blocked */
    CHECK_FAIL(decide_line(id, 4, LINE_REJECTED), &suite.err, ERR_CONFLICT);
    CHECK_INT(get(id).lines[LINE_REJECTED], 1);
    CHECK_INT(get(id).lines[LINE_EDITED], 1);
    CHECK_OK(decide(id, PLAN_APPROVED), &suite.err);
    CHECK_FAIL(decide_line(id, 1, LINE_PLANNED), &suite.err, ERR_CONFLICT);
}

TEST(plans, are_approved_before_and_applied_once)
{
    int64_t id = given_plan(), before = 0, after = 0;
    make_ready(id);
    CHECK_FAIL(suite.does->plans->ready(suite.store, id, 6, "{}", &suite.err), &suite.err, ERR_CONFLICT);
    CHECK_FAIL(decide(id, PLAN_APPLIED), &suite.err, ERR_CONFLICT);
    CHECK_OK(suite.does->audit_verify(suite.store, &before, &suite.err), &suite.err);
    CHECK_OK(decide(id, PLAN_APPROVED), &suite.err);
    CHECK_FAIL(decide(id, PLAN_REJECTED), &suite.err, ERR_CONFLICT);
    CHECK_OK(decide(id, PLAN_APPLIED), &suite.err);
    CHECK_FAIL(decide(id, PLAN_APPLIED), &suite.err, ERR_CONFLICT);
    CHECK_OK(suite.does->audit_verify(suite.store, &after, &suite.err), &suite.err);
    CHECK_INT(after, before + 2);
    CHECK_STR(get(id).decided_by, "bob");
    CHECK_INT(get(id).applied_run, 9);
    CHECK_OK(suite.does->plans->applied_by(suite.store, id, 12, &suite.err), &suite.err);
    CHECK_INT(get(id).applied_run, 12);
    CHECK_FAIL(suite.does->plans->applied_by(suite.store, given_plan(), 12, &suite.err), &suite.err,
               ERR_CONFLICT);
}

TEST(plans, are_found_by_table_and_state)
{
    struct write_plan *list;
    size_t count;
    int64_t first = given_plan(), second = given_plan();
    make_ready(second);
    CHECK_OK(suite.does->plans->list(suite.store, suite.arena, suite.table.id, 1u << PLAN_WAITING, 0, &list,
                                     &count, &suite.err),
             &suite.err);
    CHECK_INT(count, 1);
    CHECK_INT(list[0].id, second);
    CHECK_OK(suite.does->plans->list(suite.store, suite.arena, 0, 0, 0, &list, &count, &suite.err), &suite.err);
    CHECK_INT(list[1].id, first);
}
