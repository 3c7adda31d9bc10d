/* report_runs.c - minute by minute: sixty buckets for each kind of run. */
#include "localorg/rest/report_runs.h"

#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MINUTES = 60, MINUTE_MS = 60000 };

struct report_runs {
    pthread_mutex_t lock;
    int64_t minute[REPORT_RUN_KINDS][MINUTES], count[REPORT_RUN_KINDS][MINUTES];
    int64_t running;
};

struct report_runs *report_runs_new(void)
{
    struct report_runs *runs = mem_alloc(sizeof *runs);
    pthread_mutex_init(&runs->lock, NULL);
    return runs;
}

void report_runs_free(struct report_runs *runs)
{
    if (!runs)
        return;
    pthread_mutex_destroy(&runs->lock);
    free(runs);
}

void report_runs_clear(struct report_runs *runs)
{
    pthread_mutex_lock(&runs->lock);
    memset(runs->count, 0, sizeof runs->count);
    pthread_mutex_unlock(&runs->lock);
}

static int64_t used_at(const struct report_runs *runs, enum report_run_kind kind, int64_t minute)
{
    int64_t used = 0;
    for (int i = 0; i < MINUTES; i++)
        if (runs->minute[kind][i] > minute - MINUTES && runs->minute[kind][i] <= minute)
            used += runs->count[kind][i];
    return used;
}

bool report_runs_begin(struct report_runs *runs, enum report_run_kind kind, int64_t now_ms,
                       int64_t max)
{
    int64_t minute = now_ms / MINUTE_MS, slot = minute % MINUTES;
    pthread_mutex_lock(&runs->lock);
    bool ok = used_at(runs, kind, minute) < max;
    if (ok && runs->minute[kind][slot] != minute) {
        runs->minute[kind][slot] = minute;
        runs->count[kind][slot] = 0;
    }
    runs->count[kind][slot] += ok;
    pthread_mutex_unlock(&runs->lock);
    return ok;
}

int64_t report_runs_used(struct report_runs *runs, enum report_run_kind kind, int64_t now_ms)
{
    pthread_mutex_lock(&runs->lock);
    int64_t used = used_at(runs, kind, now_ms / MINUTE_MS);
    pthread_mutex_unlock(&runs->lock);
    return used;
}

bool report_runs_enter(struct report_runs *runs, int64_t max)
{
    pthread_mutex_lock(&runs->lock);
    bool ok = runs->running < max;
    runs->running += ok;
    pthread_mutex_unlock(&runs->lock);
    return ok;
}

void report_runs_leave(struct report_runs *runs)
{
    pthread_mutex_lock(&runs->lock);
    runs->running--;
    pthread_mutex_unlock(&runs->lock);
}
