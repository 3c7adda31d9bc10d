/* test_schedule.c - tables of schedules and times: what a text means, when it is
 * due, what becomes of missed times, and the nights in which clocks change.
 * Names hold the row of the fault matrix they guard. Guards engine/schedule.c. */
#include "engine/schedule.h"

#include "base/str.h"
#include "base/when.h"
#include "base/world.h"
#include "support/check.h"

#include <string.h>

static struct err err;

static int64_t at(const char *text)
{
    int64_t ms = 0;
    CHECK(when_parse(text, &ms));
    return ms;
}

static struct schedule given(const char *text)
{
    struct schedule schedule;
    CHECK_OK(schedule_parse(text, &schedule, &err), &err);
    return schedule;
}

/* The next `count` times after `after`, as one text. */
static const char *times(const char *text, const char *after, int count)
{
    static char out[1024];
    struct schedule schedule = given(text);
    int64_t ms = at(after);
    out[0] = '\0';
    for (int i = 0; i < count; i++) {
        char one[32];
        CHECK_OK(schedule_next(&schedule, 0, ms, &ms, &err), &err);
        when_iso_seconds(ms, one);
        one[16] = '\0';
        snprintf(out + strlen(out), sizeof out - strlen(out), "%s%s", i ? " " : "", one);
    }
    return out;
}

TEST(text, is_understood_or_refused_with_examples)
{
    static const char *const good[] = {"manual", "live", "1m", "15m", "1h", "24h", "7d", "2w", "LIVE",
                                       "cron 0 6 * * 1-5", "cron \"*/15 * * * *\"",
                                       "cron \"0 0 1,15 jan-mar mon\"", "cron \"59 23 31 12 7\"",
                                       "cron \"5-10/2 */6 * * *\" Europe/Berlin",
                                       "daily at 06:00", "daily at 6:05 Europe/Berlin", "hourly at :15",
                                       "weekdays at 06:00 America/New_York", "mon,thu at 18:30",
                                       "Sunday at 00:00", "weekends at 23:59"};
    static const char *const bad[] = {"", "often", "0m", "15", "m", "1y", "-5m", "1.5h", "999999m",
                                      "cron", "cron * * * *", "cron * * * * * *", "cron 60 * * * *",
                                      "cron * 24 * * *", "cron * * 0 * *", "cron * * * 13 *",
                                      "cron * * * * 8", "cron 5-1 * * * *", "cron */0 * * * *",
                                      "cron 1,,2 * * * *", "cron 1- * * * *", "cron a * * * *",
                                      "cron \"0 6 * * *", "cron \"0 6 * * *\" Mars/Olympus",
                                      "cron \"0 0 30 2 *\"", "daily", "daily at", "daily at 25:00",
                                      "daily at 06:60", "daily at 6", "daily at 06:00 Nowhere/City",
                                      "daily at 06:00 Europe/Berlin now", "someday at 06:00",
                                      "mon,,tue at 06:00", "hourly at 06:15"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        given(good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct schedule schedule;
        err_clear(&err);
        if (schedule_parse(bad[i], &schedule, &err) == OK)
            CHECK_STR(bad[i], "refused");
        CHECK(err.message[0] && err.hint[0]);
    }
}

TEST(text, prints_to_what_parses_the_same)
{
    static const char *const pairs[][2] = {
        {"24h", "1d"}, {"90m", "90m"}, {"14d", "2w"}, {"48h", "2d"}, {"manual", "manual"},
        {"cron 0 6 * * *", "daily at 06:00"}, {"cron \"0 6 * * 1-5\" Europe/Berlin", "weekdays at 06:00 Europe/Berlin"},
        {"cron 15 * * * *", "hourly at :15"}, {"thursday,mon at 18:30", "mon,thu at 18:30"},
        {"cron */20 0,12 1 1-3,6 0", "cron \"0,20,40 0,12 1 1-3,6 0\""},
        {"cron 5 * 1 * *", "cron \"5 * 1 * *\""}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        struct schedule schedule = given(pairs[i][0]), again;
        char text[SCHEDULE_TEXT], twice[SCHEDULE_TEXT];
        schedule_print(&schedule, text);
        CHECK_STR(text, pairs[i][1]);
        CHECK_OK(schedule_parse(text, &again, &err), &err);
        schedule_print(&again, twice);
        CHECK_STR(twice, text);
        int64_t a, b;
        CHECK_OK(schedule_next(&schedule, 0, at("2026-11-23T10:00:00Z"), &a, &err), &err);
        CHECK_OK(schedule_next(&again, 0, at("2026-11-23T10:00:00Z"), &b, &err), &err);
        CHECK(a == b);
    }
}

TEST(next, by_the_table)
{
    static const struct {
        const char *text, *after, *times;
    } rows[] = {
        {"cron 0 6 * * *", "2026-11-23T06:00:00Z", "2026-11-24T06:00 2026-11-25T06:00"},
        {"cron 0 6 * * *", "2026-11-23T05:59:59Z", "2026-11-23T06:00 2026-11-24T06:00"},
        {"weekdays at 06:00", "2026-11-27T07:00:00Z", "2026-11-30T06:00 2026-12-01T06:00"},
        {"cron */15 * * * *", "2026-12-31T23:40:00Z", "2026-12-31T23:45 2027-01-01T00:00"},
        {"cron 0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00 2032-02-29T00:00"},
        /* both narrowed: the 13th, and every Friday */
        {"cron 0 0 13 * 5", "2026-11-12T00:00:00Z", "2026-11-13T00:00 2026-11-20T00:00"},
        {"daily at 06:00 Europe/Berlin", "2026-11-23T04:00:00Z", "2026-11-23T05:00 2026-11-24T05:00"},
        {"daily at 00:30 Asia/Kathmandu", "2026-11-23T00:00:00Z", "2026-11-23T18:45 2026-11-24T18:45"},
        {"sun at 12:00 Pacific/Apia", "2026-11-23T00:00:00Z", "2026-11-28T23:00 2026-12-05T23:00"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        CHECK_STR(times(rows[i].text, rows[i].after, 2), rows[i].times);
}

TEST(next, counts_periods_from_the_anchor)
{
    struct schedule schedule = given("15m");
    int64_t next, anchor = at("2026-11-23T10:07:00Z");
    CHECK_OK(schedule_next(&schedule, anchor, at("2026-11-23T12:00:00Z"), &next, &err), &err);
    CHECK(next == at("2026-11-23T12:07:00Z"));
    CHECK_OK(schedule_next(&schedule, anchor, next, &next, &err), &err);
    CHECK(next == at("2026-11-23T12:22:00Z"));
    CHECK_OK(schedule_next(&schedule, anchor, at("2026-11-23T09:00:00Z"), &next, &err), &err);
    CHECK(next == at("2026-11-23T09:07:00Z")); /* the clock went back behind the anchor */
    schedule = given("manual");
    CHECK_OK(schedule_next(&schedule, anchor, 0, &next, &err), &err);
    CHECK(next == 0);
}

/* 2026: Berlin goes forward 29 March 02:00 -> 03:00, back 25 October 03:00 -> 02:00. */
TEST(clocks, row_26_a_skipped_time_is_due_when_the_clock_jumps)
{
    CHECK_STR(times("daily at 02:30 Europe/Berlin", "2026-03-27T12:00:00Z", 3),
              "2026-03-28T01:30 2026-03-29T01:00 2026-03-30T00:30");
    CHECK_STR(times("cron \"0,20,40 2 * * *\" Europe/Berlin", "2026-03-28T12:00:00Z", 2),
              "2026-03-29T01:00 2026-03-30T00:00");
}

TEST(clocks, row_26_a_time_that_comes_twice_is_due_once)
{
    CHECK_STR(times("daily at 02:30 Europe/Berlin", "2026-10-24T12:00:00Z", 2),
              "2026-10-25T00:30 2026-10-26T01:30");
    CHECK_STR(times("hourly at :30 Europe/Berlin", "2026-10-24T23:45:00Z", 4),
              "2026-10-25T00:30 2026-10-25T01:30 2026-10-25T02:30 2026-10-25T03:30");
}

/* Every zone with its own nights, every minute of a year: exactly one run a day. */
TEST(clocks, row_26_daily_is_once_a_day_in_every_zone)
{
    static const char *const zones[] = {"Europe/Berlin", "America/New_York", "Australia/Lord_Howe",
                                        "America/Santiago", "Africa/Cairo", "America/Havana"};
    static const char *const hours[] = {"00:00", "00:30", "01:59", "02:15", "23:59"};
    for (size_t z = 0; z < sizeof zones / sizeof *zones; z++)
        for (size_t h = 0; h < sizeof hours / sizeof *hours; h++) {
            char text[80];
            snprintf(text, sizeof text, "daily at %s %s", hours[h], zones[z]);
            struct schedule schedule = given(text);
            int64_t ms = at("2026-01-01T12:00:00Z"), last = ms, end = at("2027-01-01T12:00:00Z");
            int runs = 0;
            for (;; runs++) {
                CHECK_OK(schedule_next(&schedule, 0, ms, &ms, &err), &err);
                if (ms > end)
                    break;
                CHECK(ms - last >= 22 * 3600000 || !runs);
                CHECK(ms - last <= 26 * 3600000);
                last = ms;
            }
            CHECK_INT(runs, 365);
        }
}

static struct due_step step(const char *text, const char *next, const char *now, bool running)
{
    struct schedule schedule = given(text);
    struct due_step out;
    CHECK_OK(schedule_step(&schedule, 0, next ? at(next) : 0, at(now), running, &out, &err), &err);
    return out;
}

TEST(step, row_113_missed_times_are_caught_up_once)
{
    struct due_step s = step("1h", "2026-11-23T10:00:00Z", "2026-11-23T15:20:00Z", false);
    CHECK_INT(s.what, DUE_RUN);
    CHECK_INT(s.missed, 5); /* 11:00 to 15:00 */
    CHECK(s.next_ms == at("2026-11-23T16:00:00Z"));
    s = step("1h", "2026-11-23T16:00:00Z", "2026-11-23T15:59:59Z", false);
    CHECK_INT(s.what, DUE_NOT);
    CHECK(s.next_ms == at("2026-11-23T16:00:00Z"));
}

TEST(step, row_114_a_run_that_is_still_going_is_not_joined_by_another)
{
    struct due_step s = step("15m", "2026-11-23T10:00:00Z", "2026-11-23T10:00:01Z", true);
    CHECK_INT(s.what, DUE_SKIP);
    CHECK(s.next_ms == at("2026-11-23T10:15:00Z"));
}

TEST(step, row_25_a_clock_that_jumps_makes_neither_storm_nor_standstill)
{
    /* a day forward: one run, then as usual */
    struct due_step s = step("15m", "2026-11-23T10:00:00Z", "2026-11-24T10:01:00Z", false);
    CHECK_INT(s.what, DUE_RUN);
    CHECK_INT(s.missed, 96);
    CHECK(s.next_ms == at("2026-11-24T10:15:00Z"));
    /* a day back: due within a quarter of an hour, not in a day */
    s = step("15m", "2026-11-24T10:15:00Z", "2026-11-23T10:01:00Z", false);
    CHECK_INT(s.what, DUE_NOT);
    CHECK(s.next_ms == at("2026-11-23T10:15:00Z"));
}

TEST(step, begins_with_the_first_time_after_now)
{
    struct due_step s = step("daily at 06:00", NULL, "2026-11-23T10:00:00Z", false);
    CHECK_INT(s.what, DUE_NOT);
    CHECK(s.next_ms == at("2026-11-24T06:00:00Z"));
    s = step("manual", NULL, "2026-11-23T10:00:00Z", false);
    CHECK(s.what == DUE_NOT && s.next_ms == 0);
}
