/* test_disk.c - failure is rehearsed: every write and sync of a whole story fails once.
 *
 * The story: apply a table, import two pages, plan, send and settle operations,
 * add to the audit. For each n, the n-th write to the disk fails, and all after
 * it. Then: the store says it is broken and stays so; opened again on a healed
 * disk, everything acknowledged is there, and nothing is half there. */
#include "store/failing_vfs.h"
#include "store/store_suite.h"

#include <stdio.h>
#include <string.h>

#define T1 "2026-01-01T10:00:00.000+0000"

/* How far the story came, as acknowledged. */
struct told {
    int pages, planned, sending, settled, lines;
};

static enum status import(int page_number, struct err *err)
{
    char keys[30][8];
    struct row_in rows[30];
    struct value values[30];
    int slot = column_slot(NAME);
    int64_t due = column_id(DOMAIN);
    for (int i = 0; i < 30; i++) {
        snprintf(keys[i], sizeof keys[i], "001%03d", page_number * 30 + i);
        values[i] = (struct value){keys[i], 6};
        rows[i] = (struct row_in){keys[i], T1, false, &values[i]};
    }
    struct import_page page = {.table_id = suite.table.id,
                               .slots = &slot,
                               .slot_count = 1,
                               .rows = rows,
                               .row_count = 30,
                               .cursor = page_number ? "2" : "1",
                               .update_existing = true,
                               .due_for_new = &due,
                               .due_for_new_count = 1};
    return suite.does->import_page(suite.store, &page, NULL, err);
}

static enum status write_op(int64_t row, struct told *told, struct err *err)
{
    struct op op = {.org_id = ORG,
                    .table_id = suite.table.id,
                    .row_id = row,
                    .column_id = column_id(LEAD),
                    .generation = 1,
                    .object = "Lead",
                    .payload = "{\"LastName\":\"Ng\"}"};
    struct cell_result cell = {
        .row_id = row, .column_id = op.column_id, .slot = column_slot(LEAD), .state = CELL_QUEUED};
    enum plan_result result;
    if (suite.does->ops_plan(suite.store, &op, 1, &result, &cell, NULL, err) != OK)
        return FAIL;
    told->planned++;
    enum status rc = suite.does->ops_sending(suite.store, &op, 1, 1, err);
    CHECK_INT(op.state, rc == OK ? OP_SENDING : OP_PLANNED); /* W1: failed is not to be sent */
    if (rc != OK)
        return FAIL;
    told->sending++;
    struct op_settle settle = {.id = op.id,
                               .epoch = op.epoch,
                               .from = OP_SENDING,
                               .to = OP_DONE,
                               .result_id = "00Q",
                               .cell = cell,
                               .audit = "create Lead"};
    settle.cell.state = CELL_OK;
    settle.cell.set_value = true;
    settle.cell.value = text_value("00Q");
    if (suite.does->ops_settle(suite.store, &settle, 1, NULL, 0, NULL, err) != OK)
        return FAIL;
    told->settled++;
    told->lines++;
    return OK;
}

static enum status tell_story(struct told *told, struct err *err)
{
    for (int page = 0; page < 2; page++) {
        if (import(page, err) != OK)
            return FAIL;
        told->pages++;
    }
    for (int64_t row = 1; row <= 2; row++)
        if (write_op(row, told, err) != OK)
            return FAIL;
    if (suite.does->audit_add(suite.store, "ann", "looked", NULL, err) != OK)
        return FAIL;
    told->lines++;
    return OK;
}

/* At least what was told; at most the one step under way. */
static void check_at_least(int64_t found, int told)
{
    CHECK(found == told || found == told + 1);
}

static void check_left(const struct told *told)
{
    struct op_counts ops;
    int64_t lines, by_state[CELL_STATES], rows = row_count();
    const char *cursor;
    CHECK_INT(rows % 30, 0);
    check_at_least(rows / 30, told->pages);
    CHECK_INT(count_due(DOMAIN), rows);
    CHECK_OK(suite.does->cursor_get(suite.store, suite.arena, suite.table.id, 0, &cursor, &suite.err),
             &suite.err);
    CHECK_INT(cursor ? cursor[0] - '0' : 0, rows / 30);
    CHECK_OK(suite.does->ops_count(suite.store, 0, &ops, &suite.err), &suite.err);
    check_at_least(ops.total, told->planned);
    check_at_least(ops.total - ops.by_state[OP_PLANNED], told->sending);
    check_at_least(ops.by_state[OP_DONE], told->settled);
    CHECK_OK(
        suite.does->cells_count(suite.store, suite.table.id, column_id(LEAD), by_state, &suite.err),
        &suite.err);
    CHECK_INT(by_state[CELL_OK], ops.by_state[OP_DONE]);
    CHECK_INT(by_state[CELL_QUEUED], ops.total - ops.by_state[OP_DONE]);
    CHECK_OK(suite.does->audit_verify(suite.store, &lines, &suite.err), &suite.err);
    check_at_least(lines, told->lines);
}

/* The stage again, on a disk that works. */
static void begin_anew(void)
{
    suite_end();
    suite_begin();
}

static bool story_with_failure_at(int call, enum disk_failure how)
{
    struct told told = {0};
    struct err err = {0};
    failing_vfs_fail_at(call, how);
    enum status rc = tell_story(&told, &err);
    if (rc != OK) {
        CHECK(failing_vfs_failed());
        CHECK_STR(err.code, ERR_STORE_BROKEN);
        CHECK(err.hint[0]);
        failing_vfs_heal();
        CHECK_FAIL(import(0, &err), &err, ERR_STORE_BROKEN); /* healed or not: leave */
    }
    suite.does->close(suite.store); /* merges the log into the file: may fail too */
    bool failed = rc != OK || failing_vfs_failed();
    failing_vfs_heal();
    CHECK_OK(store_factory.open(suite.world, false, &suite.store, &suite.err), &suite.err);
    check_left(&told);
    begin_anew();
    return failed;
}

static void fail_each(enum disk_failure how)
{
    int call = 1;
    failing_vfs_install();
    begin_anew(); /* on our disk */
    while (story_with_failure_at(call, how))
        call++;
    printf("%d writes and syncs failed, one after another\n", call - 1);
    CHECK(call > 20);
}

TEST(disk, every_write_fails_once)
{
    fail_each(DISK_ERROR);
}

TEST(disk, is_full_at_every_write_once)
{
    fail_each(DISK_FULL);
}

TEST(disk, every_acknowledged_step_was_synced)
{
    struct told told = {0};
    failing_vfs_install();
    begin_anew();
    int before = failing_vfs_syncs();
    CHECK_OK(tell_story(&told, &suite.err), &suite.err);
    int steps = told.pages + told.planned + told.sending + told.settled + 1;
    CHECK(failing_vfs_syncs() - before >= steps);
}
