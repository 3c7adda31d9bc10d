/* meter.c - hourly buckets of API calls.
 *
 * Salesforce counts the last 24 hours, not the calendar day. 25 buckets of an
 * hour each are close enough and cost nothing. */
#include "localorg/rest/meter.h"

#include "base/map.h"
#include "base/mem.h"

#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

#define HOURS   25
#define HOUR_MS (3600 * 1000)

const struct setting limit_settings[] = {
    SETTING(limits, daily_max, SET_INT, NULL, "API calls allowed in 24 hours"),
    SETTING(limits, daily_used, SET_INT, NULL, "API calls used in the last 24 hours"),
    SETTING(limits, page_size, SET_INT, NULL, "records on a query page at most (2000)"),
    SETTING(limits, open_cursors, SET_INT, NULL,
            "query cursors a user may hold; one more closes the oldest"),
    SETTING(limits, cursor_lifetime_s, SET_INT, NULL, "seconds a query locator stays valid"),
    SETTING(limits, concurrent_long_requests, SET_INT, NULL,
            "requests running for long_request_ms or more at the same time (25; 5 in Developer "
            "Edition)"),
    SETTING(limits, long_request_ms, SET_INT, NULL, "from when on a request is long (20000)"),
    SETTING(limits, data_storage_mb, SET_INT, NULL,
            "data storage, 2 KB a record; 0 = the edition's, not enforced"),
    SETTING(limits, bulk_daily_batches, SET_INT, NULL, "Bulk batches allowed in 24 hours"),
    SETTING(limits, bulk_daily_query_jobs, SET_INT, NULL, "Bulk query jobs allowed in 24 hours"),
    SETTING(limits, hourly_sync_reports, SET_INT, NULL, "reports run in 60 minutes (500)"),
    SETTING(limits, hourly_async_reports, SET_INT, NULL,
            "reports run asynchronously in 60 minutes (1200)"),
    SETTING(limits, concurrent_sync_reports, SET_INT, NULL, "reports run at the same time (20)"),
};
const size_t limit_setting_count = sizeof limit_settings / sizeof *limit_settings;

#define RUNNING_MAX 512

struct hours {
    int64_t hour[HOURS], calls[HOURS];
};

struct meter {
    pthread_mutex_t lock;
    struct limits limits; /* daily_used is not kept here */
    struct hours all;
    struct map *apps;             /* client id -> struct hours, yours */
    int64_t running[RUNNING_MAX]; /* when it began; 0 = free */
    int64_t total;
};

struct meter *meter_new(int64_t daily_max)
{
    struct meter *meter = mem_alloc(sizeof *meter);
    pthread_mutex_init(&meter->lock, NULL);
    meter->apps = map_new();
    meter->limits = (struct limits){.daily_max = daily_max,
                                    .page_size = 2000,
                                    .open_cursors = 10,
                                    .cursor_lifetime_s = 2 * 24 * 3600,
                                    .concurrent_long_requests = 25,
                                    .long_request_ms = 20000,
                                    .bulk_daily_batches = 15000,
                                    .bulk_daily_query_jobs = 10000,
                                    .hourly_sync_reports = 500,
                                    .hourly_async_reports = 1200,
                                    .concurrent_sync_reports = 20};
    return meter;
}

void meter_free(struct meter *meter)
{
    size_t at = 0;
    void *hours;
    if (!meter)
        return;
    while (map_next(meter->apps, &at, &(const char *){NULL}, &hours))
        free(hours);
    map_free(meter->apps);
    pthread_mutex_destroy(&meter->lock);
    free(meter);
}

static int64_t used_at(const struct hours *hours, int64_t hour)
{
    int64_t used = 0;
    for (int i = 0; i < HOURS; i++)
        if (hours->hour[i] > hour - 24 && hours->hour[i] <= hour)
            used += hours->calls[i];
    return used;
}

static void add_at(struct hours *hours, int64_t hour, int64_t calls)
{
    int slot = (int)(hour % HOURS);
    if (hours->hour[slot] != hour) {
        hours->hour[slot] = hour;
        hours->calls[slot] = 0;
    }
    hours->calls[slot] += calls;
}

void meter_limits(struct meter *meter, int64_t now_ms, struct limits *out)
{
    pthread_mutex_lock(&meter->lock);
    *out = meter->limits;
    out->daily_used = used_at(&meter->all, now_ms / HOUR_MS);
    pthread_mutex_unlock(&meter->lock);
}

enum status meter_set(struct meter *meter, int64_t now_ms, const struct json *settings,
                      struct err *err)
{
    struct limits changed;
    meter_limits(meter, now_ms, &changed);
    int64_t used_before = changed.daily_used;
    if (settings_read(limit_settings, limit_setting_count, NULL, &changed, settings, err) != OK)
        return FAIL;
    if (changed.page_size < 1 || changed.page_size > 2000)
        return err_set(err, "localorg.setting", "page_size is between 1 and 2000");
    pthread_mutex_lock(&meter->lock);
    meter->limits = changed;
    if (changed.daily_used != used_before) {
        for (int i = 0; i < HOURS; i++)
            meter->all.calls[i] = 0;
        add_at(&meter->all, now_ms / HOUR_MS, changed.daily_used);
    }
    pthread_mutex_unlock(&meter->lock);
    return OK;
}

bool meter_use(struct meter *meter, int64_t now_ms, int64_t calls, int64_t *used, int64_t *max)
{
    int64_t hour = now_ms / HOUR_MS;
    pthread_mutex_lock(&meter->lock);
    *used = used_at(&meter->all, hour);
    *max = meter->limits.daily_max;
    bool ok = calls == 0 || *used < *max;
    if (ok) {
        add_at(&meter->all, hour, calls);
        meter->total += calls;
        *used += calls;
    }
    pthread_mutex_unlock(&meter->lock);
    return ok;
}

bool meter_app_use(struct meter *meter, const char *client_id, int64_t now_ms, int64_t calls,
                   int64_t max, int64_t *used)
{
    int64_t hour = now_ms / HOUR_MS;
    pthread_mutex_lock(&meter->lock);
    struct hours *hours = map_get(meter->apps, client_id);
    if (!hours) {
        hours = mem_alloc(sizeof *hours);
        map_put(meter->apps, client_id, hours);
    }
    *used = used_at(hours, hour);
    bool ok = calls == 0 || *used < max;
    if (ok) {
        add_at(hours, hour, calls);
        *used += calls;
    }
    pthread_mutex_unlock(&meter->lock);
    return ok;
}

int meter_begin(struct meter *meter, int64_t monotonic_ms)
{
    int free_slot = -1;
    int64_t running_long = 0;
    pthread_mutex_lock(&meter->lock);
    for (int i = 0; i < RUNNING_MAX; i++) {
        if (meter->running[i] == 0 && free_slot < 0)
            free_slot = i;
        running_long += meter->running[i] != 0 &&
                        monotonic_ms - meter->running[i] >= meter->limits.long_request_ms;
    }
    if (running_long >= meter->limits.concurrent_long_requests)
        free_slot = -1;
    else if (free_slot >= 0)
        meter->running[free_slot] = monotonic_ms ? monotonic_ms : 1;
    else
        free_slot = RUNNING_MAX; /* more than anybody measures: let it through unseen */
    pthread_mutex_unlock(&meter->lock);
    return free_slot;
}

void meter_end(struct meter *meter, int slot)
{
    if (slot < 0 || slot >= RUNNING_MAX)
        return;
    pthread_mutex_lock(&meter->lock);
    meter->running[slot] = 0;
    pthread_mutex_unlock(&meter->lock);
}

int64_t meter_total(struct meter *meter)
{
    pthread_mutex_lock(&meter->lock);
    int64_t total = meter->total;
    pthread_mutex_unlock(&meter->lock);
    return total;
}
