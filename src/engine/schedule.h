/* schedule.h - when something is due: text to times, nothing else. Pure.
 *
 *     manual                              only when asked
 *     live                                by change events, and now and then a sync
 *     15m  1h  24h  7d  2w                every so often
 *     hourly at :15
 *     daily at 06:00 Europe/Berlin        an hour of a wall clock; UTC unless a zone is named
 *     weekdays at 06:00, mon,thu at 18:30
 *     cron "0 6 * * 1-5" Europe/Berlin    minute hour day month weekday
 *
 * Wall clocks and the nights they change: a time that is skipped is due when the
 * clock jumps; a time that comes twice is due the first time only, unless the hour
 * is free (hourly, cron with * for the hour). So "daily" is once a day, always. */
#ifndef ARGIL_ENGINE_SCHEDULE_H
#define ARGIL_ENGINE_SCHEDULE_H

#include "base/err.h"

#include <stdint.h>

#define ERR_SCHEDULE "schedule.refused" /* not a schedule, or one that is never due */

enum schedule_kind { SCHEDULE_MANUAL, SCHEDULE_LIVE, SCHEDULE_EVERY, SCHEDULE_WALL };

struct schedule {
    enum schedule_kind kind;
    int64_t period_ms; /* EVERY */
    /* WALL: a bit for each minute, hour, day of the month, month, weekday (0 = Sunday) */
    uint64_t minutes;
    uint32_t hours, days, months, weekdays;
    bool any_hour;                 /* the hour was left free */
    bool days_free, weekdays_free; /* both narrowed: either will do, as cron has it */
    char zone[64];                 /* "" = UTC */
};

/* FAIL says what is wrong with the text, and shows what would be right. */
enum status schedule_parse(const char *text, struct schedule *out, struct err *err);
/* Canonical text that parses to the same: "24h" is "1d", cron "0 6 * * *" is "daily at 06:00". */
#define SCHEDULE_TEXT 600
void schedule_print(const struct schedule *schedule, char out[SCHEDULE_TEXT]);
/* The first time after `after_ms` that it is due; 0 when never (manual, live).
 * `anchor_ms` is where the counting of EVERY begins. */
enum status schedule_next(const struct schedule *schedule, int64_t anchor_ms, int64_t after_ms,
                          int64_t *out, struct err *err);
/* How often it is due, roughly, for who must decide whether it is late. 0 = never. */
int64_t schedule_period(const struct schedule *schedule);

/* What to do with a schedule at `now_ms`, when `next_ms` was stored as its next
 * time. Missed times count as one. */
enum due { DUE_NOT, DUE_RUN, DUE_SKIP /* the run before is still going */ };
struct due_step {
    enum due what;
    int64_t missed;  /* times before this one that passed without a run */
    int64_t next_ms; /* to be stored */
};
enum status schedule_step(const struct schedule *schedule, int64_t anchor_ms, int64_t next_ms,
                          int64_t now_ms, bool running, struct due_step *out, struct err *err);

#endif
