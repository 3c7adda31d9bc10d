/* report_runs.h - how many reports were run in the last 60 minutes, and how
 * many run now. Thread-safe. */
#ifndef LOCALORG_REST_REPORT_RUNS_H
#define LOCALORG_REST_REPORT_RUNS_H

#include <stdbool.h>
#include <stdint.h>

enum report_run_kind { REPORT_SYNC, REPORT_ASYNC, REPORT_RUN_KINDS };

struct report_runs;

struct report_runs *report_runs_new(void);
void report_runs_free(struct report_runs *runs); /* NULL is fine */
void report_runs_clear(struct report_runs *runs);
/* Counts one run. False when `max` were begun in the 60 minutes before now. */
bool report_runs_begin(struct report_runs *runs, enum report_run_kind kind, int64_t now_ms,
                       int64_t max);
int64_t report_runs_used(struct report_runs *runs, enum report_run_kind kind, int64_t now_ms);
/* Takes one of `max` places for a run; give it back. False when all are taken. */
bool report_runs_enter(struct report_runs *runs, int64_t max);
void report_runs_leave(struct report_runs *runs);

#endif
