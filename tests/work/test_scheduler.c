/* test_scheduler.c - what is due, a source or a column, is started once, over restarts,
 * clock jumps and syncs that take too long. Names hold the row of the fault matrix. Guards
 * work/scheduler.c. The starts themselves are noted, not done. */
#include "work/scheduler.h"

#include "base/str.h"
#include "base/when.h"
#include "store/store_runs.h"
#include "store/store_schedules.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MINUTE ((int64_t)60000)
#define HOUR   (60 * MINUTE)

static char home[256];
static struct world *world;
static struct store *store;
static struct arena *arena;
static struct err err;
static char started[1024]; /* "hourly hourly daily" */
static bool busy;          /* starting anything is refused for now */
static int64_t last_run;

static void open_store(void)
{
    struct store_open options = {.data = home, .name = "Acme", .create = true, .world = world};
    CHECK_OK(sqlite_store_open(&options, &store, &err), &err);
}

static void remove_home(void)
{
    char command[320];
    snprintf(command, sizeof command, "rm -rf '%s'", home);
    if (system(command) != 0)
        abort();
}

static void before(void)
{
    const char *temp = getenv("TMPDIR");
    snprintf(home, sizeof home, "%s/argil-scheduler-%ld", temp ? temp : "/tmp", (long)getpid());
    remove_home();
    world = world_fake(1795392600000, 7); /* 2026-11-23 00:10 */
    arena = arena_new();
    started[0] = '\0';
    busy = false;
    open_store();
}

static void after(void)
{
    store->does->close(store);
    arena_free(arena);
    free(world);
    remove_home();
}

EACH_TEST(before, after)

static void given(const char *name, const char *every)
{
    char config[256];
    snprintf(config, sizeof config,
             "{\"connection\":\"prod\",\"object\":\"Account\",\"every\":\"%s\"}", every);
    struct table table = {.name = name,
                          .recipe = "table: x",
                          .source = config,
                          .connection = "prod",
                          .object = "Account",
                          .guard = "{}"};
    CHECK_OK(store->does->table_apply(store, &table, &err), &err);
}

static enum status start(void *ctx, const struct scheduled *item, int64_t *run_id, struct err *e)
{
    struct run run = {.table_id = item->table_id,
                      .kind = item->column ? "run" : "sync",
                      .cause = "schedule"};
    if (busy)
        return err_set(e, ERR_WORK_BUSY, "full");
    CHECK_OK(store->does->runs->queue(store, &run, e), e);
    last_run = *run_id = run.id;
    snprintf(started + strlen(started), sizeof started - strlen(started), "%s%s",
             *started ? " " : "", item->column ? item->column : item->table);
    return OK;
}

static void end_run(void)
{
    CHECK_OK(store->does->run_end(store, last_run, RUN_DONE, NULL, NULL, &err), &err);
}

static struct tick tick(void)
{
    struct tick out;
    CHECK_OK(scheduler_tick(store, world, start, NULL, &out, &err), &err);
    return out;
}

static struct scheduled item_of(const char *table)
{
    struct scheduled *items;
    size_t count;
    CHECK_OK(schedules_list(store, world, arena, &items, &count, &err), &err);
    for (size_t i = 0; i < count; i++)
        if (text_eq(items[i].table, table))
            return items[i];
    CHECK_STR(table, "listed");
    return items[0];
}

TEST(due, is_started_when_its_time_has_come)
{
    given("hourly", "1h");
    given("asked", "manual");
    CHECK(tick().next_ms == world->now_ms(world) + HOUR);
    CHECK_STR(started, "");
    world_fake_advance(world, HOUR - 1);
    tick();
    CHECK_STR(started, "");
    world_fake_advance(world, 1);
    CHECK_INT(tick().started, 1);
    CHECK_STR(started, "hourly");
    end_run();
    tick();
    CHECK_STR(started, "hourly");
    CHECK(item_of("hourly").next_ms == world->now_ms(world) + HOUR);
    CHECK(item_of("asked").next_ms == 0);
}

TEST(due, row_113_what_was_missed_while_nobody_was_there_is_started_once)
{
    given("hourly", "1h");
    tick();
    store->does->close(store);
    world_fake_advance(world, 5 * HOUR + MINUTE);
    open_store();
    CHECK_INT(tick().started, 1);
    end_run();
    CHECK_INT(tick().started, 0);
    CHECK_STR(started, "hourly");
    CHECK_INT(item_of("hourly").missed, 4);
}

TEST(due, row_114_is_skipped_and_told_while_the_one_before_still_goes)
{
    int64_t lines_before, lines;
    given("hourly", "1h");
    tick();
    world_fake_advance(world, HOUR);
    tick();
    CHECK_OK(store->does->audit_verify(store, &lines_before, &err), &err);
    world_fake_advance(world, HOUR);
    CHECK(item_of("hourly").running);
    struct tick t = tick();
    CHECK(t.started == 0 && t.skipped == 1);
    CHECK_OK(store->does->audit_verify(store, &lines, &err), &err);
    CHECK_INT(lines, lines_before + 1);
    CHECK_INT(item_of("hourly").skipped, 1);
    end_run();
    CHECK_INT(tick().started, 0); /* the skipped time does not come again */
    world_fake_advance(world, HOUR);
    CHECK_INT(tick().started, 1);
    CHECK_STR(started, "hourly hourly");
}

TEST(due, row_25_clocks_that_jump_make_no_storm_and_no_standstill)
{
    given("hourly", "1h");
    tick();
    world_fake_advance(world, 24 * HOUR);
    CHECK_INT(tick().started, 1);
    end_run();
    CHECK_INT(tick().started, 0);
    world_fake_advance(world, -24 * HOUR);
    CHECK_INT(tick().started, 0);
    CHECK(item_of("hourly").next_ms <= world->now_ms(world) + HOUR);
    world_fake_advance(world, HOUR);
    CHECK_INT(tick().started, 1);
}

TEST(due, a_start_that_was_not_stored_is_started_again)
{
    given("hourly", "1h");
    tick();
    world_fake_advance(world, HOUR);
    /* ordered, then killed before its times were stored */
    struct scheduled item = item_of("hourly");
    int64_t run_id;
    CHECK_OK(start(NULL, &item, &run_id, &err), &err);
    store->does->close(store);
    open_store();
    CHECK_INT(tick().started, 1);
    struct run run;
    CHECK_OK(store->does->runs->get(store, arena, run_id, &run, &err), &err);
    CHECK_INT(run.state, RUN_INTERRUPTED);
}

TEST(due, stays_due_while_nothing_can_be_started)
{
    given("hourly", "1h");
    given("also", "1h");
    tick();
    world_fake_advance(world, HOUR);
    busy = true;
    CHECK_INT(tick().failed, 2);
    busy = false;
    CHECK_INT(tick().started, 2);
    CHECK_INT(item_of("also").missed, 0);
}

TEST(change, of_the_schedule_counts_from_then_on)
{
    given("t", "24h");
    tick();
    world_fake_advance(world, HOUR);
    given("t", "15m");
    CHECK(item_of("t").next_ms == world->now_ms(world) + 15 * MINUTE);
    CHECK(tick().next_ms == world->now_ms(world) + 15 * MINUTE);
    given("t", "manual");
    tick();
    world_fake_advance(world, 48 * HOUR);
    tick();
    CHECK_STR(started, "");
}

TEST(run_now, moves_nothing)
{
    given("hourly", "1h");
    int64_t next = tick().next_ms;
    world_fake_advance(world, 30 * MINUTE);
    struct scheduled item = item_of("hourly");
    struct run run = {.table_id = item.table_id, .kind = "sync", .cause = "person"};
    CHECK_OK(store->does->run_begin(store, &run, &err), &err);
    CHECK_OK(store->does->run_end(store, run.id, RUN_DONE, NULL, NULL, &err), &err);
    tick();
    CHECK(item_of("hourly").next_ms == next);
}

TEST(wall, clock_of_a_zone)
{
    given("berlin", "daily at 06:00 Europe/Berlin");
    tick();
    world_fake_advance(world, 4 * HOUR + 50 * MINUTE); /* 05:00 UTC is 06:00 there */
    CHECK_INT(tick().started, 1);
    CHECK_STR(started, "berlin");
}

/* ---------------------------------------------------------------- columns */

/* A table that nobody syncs, with a column that has a schedule; NULL = none. */
static void given_column(const char *every, const char *rows, bool table_auto)
{
    char rules[256];
    snprintf(rules, sizeof rules, "{\"schedule\":{\"every\":\"%s\",\"rows\":\"%s\"}}", every, rows);
    struct column column = {.name = "Price",
                            .kind = "http",
                            .config = "{}",
                            .rules = *every ? rules : NULL};
    struct table table = {.name = "goods",
                          .recipe = "table: x",
                          .source = "{\"every\":\"manual\"}",
                          .connection = "prod",
                          .object = "Account",
                          .guard = "{}",
                          .auto_update = table_auto,
                          .columns = &column,
                          .column_count = 1};
    CHECK_OK(store->does->table_apply(store, &table, &err), &err);
    CHECK_OK(store->does->table_set_auto_update(store, table.id, table_auto, &err), &err);
}

static struct scheduled column_item(size_t wanted)
{
    struct scheduled *items, found = {0};
    size_t count, columns = 0;
    CHECK_OK(schedules_list(store, world, arena, &items, &count, &err), &err);
    for (size_t i = 0; i < count; i++)
        if (items[i].column) {
            found = items[i];
            columns++;
        }
    CHECK_INT(columns, wanted);
    return found;
}

static size_t stored_times(void)
{
    struct schedule_times *times;
    size_t count;
    CHECK_OK(store->does->schedules->list(store, arena, &times, &count, &err), &err);
    return count;
}

TEST(column, is_started_when_its_time_has_come)
{
    given_column("1h", "errors", true);
    CHECK(tick().next_ms == world->now_ms(world) + HOUR);
    struct scheduled item = column_item(1);
    CHECK(item.next_ms == world->now_ms(world) + HOUR && !item.source_name);
    struct job_order order = scheduled_order(&item);
    CHECK(order.kind == JOB_RUN && order.run.scheduled && !order.run.all && !order.run.yes);
    CHECK_INT(order.run.states, 1 << CELL_ERROR | 1 << CELL_RETRYING);
    CHECK_STR(order.run.column, "Price");
    CHECK_STR(order.scope, "{\"column\":\"Price\",\"rows\":\"errors\"}");
    world_fake_advance(world, HOUR);
    CHECK_INT(tick().started, 1);
    end_run();
    CHECK_INT(tick().started, 0);
    CHECK_STR(started, "Price");
    CHECK(column_item(1).run_id == last_run && column_item(1).next_ms == world->now_ms(world) + HOUR);
}

TEST(column, row_113_what_was_missed_is_made_up_for_once)
{
    given_column("daily at 06:00", "all", true);
    tick();
    store->does->close(store);
    world_fake_advance(world, 75 * HOUR);
    open_store();
    CHECK_INT(tick().started, 1);
    end_run();
    CHECK_INT(tick().started, 0);
    CHECK_INT(column_item(1).missed, 2);
    struct scheduled item = column_item(1);
    CHECK(scheduled_order(&item).run.all);
}

TEST(column, row_114_is_skipped_while_its_run_before_still_goes_not_while_others_do)
{
    given_column("1h", "all", true);
    tick();
    world_fake_advance(world, HOUR);
    tick();
    world_fake_advance(world, HOUR);
    CHECK(column_item(1).running);
    struct tick t = tick();
    CHECK(t.started == 0 && t.skipped == 1 && column_item(1).skipped == 1);
    end_run();
    /* what a person, or a sync, does meanwhile is no overlap: the order waits its turn */
    struct run other = {.table_id = column_item(1).table_id, .kind = "sync", .cause = "person"};
    CHECK_OK(store->does->run_begin(store, &other, &err), &err);
    world_fake_advance(world, HOUR);
    CHECK_INT(tick().started, 1);
    CHECK_INT(column_item(1).skipped, 1);
}

TEST(column, passes_its_times_by_while_the_table_is_switched_off)
{
    given_column("1h", "all", true);
    tick();
    given_column("1h", "all", false);
    world_fake_advance(world, 3 * HOUR);
    struct tick t = tick();
    CHECK(t.started == 0 && t.skipped == 0 && column_item(1).paused);
    CHECK(column_item(1).missed == 0 && column_item(1).next_ms == world->now_ms(world) + HOUR);
    given_column("1h", "all", true);
    CHECK_INT(tick().started, 0); /* nothing is made up for */
    world_fake_advance(world, HOUR);
    CHECK_INT(tick().started, 1);
}

TEST(column, that_loses_its_schedule_is_forgotten)
{
    given_column("1h", "all", true);
    tick();
    size_t before_it = stored_times();
    given_column("", "", true);
    column_item(0);
    tick();
    CHECK_INT(stored_times(), before_it - 1);
    world_fake_advance(world, 48 * HOUR);
    given_column("1h", "all", true);
    CHECK_INT(tick().started, 0); /* counted from now on, not from then */
}

TEST(column, run_by_a_person_moves_nothing)
{
    given_column("1h", "all", true);
    int64_t next = tick().next_ms;
    world_fake_advance(world, 30 * MINUTE);
    struct run run = {.table_id = column_item(1).table_id, .kind = "run", .cause = "person"};
    CHECK_OK(store->does->run_begin(store, &run, &err), &err);
    CHECK_OK(store->does->run_end(store, run.id, RUN_DONE, NULL, NULL, &err), &err);
    tick();
    CHECK(column_item(1).next_ms == next);
}

TEST(bad, schedule_holds_up_no_other)
{
    given("bad", "daily at 06:00 Mars/Olympus");
    given("hourly", "1h");
    CHECK_INT(tick().failed, 1);
    CHECK_CONTAINS(item_of("bad").problem, "Mars/Olympus");
    world_fake_advance(world, HOUR);
    CHECK_INT(tick().started, 1);
    CHECK_STR(started, "hourly");
}
