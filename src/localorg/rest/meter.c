/* meter.c - hourly buckets of API calls.
 *
 * Salesforce counts the last 24 hours, not the calendar day. 25 buckets of an
 * hour each are close enough and cost nothing. */
#include "localorg/rest/meter.h"

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
    SETTING(limits, bulk_daily_batches, SET_INT, NULL, "Bulk batches allowed in 24 hours"),
    SETTING(limits, bulk_daily_query_jobs, SET_INT, NULL, "Bulk query jobs allowed in 24 hours"),
    SETTING(limits, hourly_sync_reports, SET_INT, NULL, "reports run in 60 minutes (500)"),
    SETTING(limits, hourly_async_reports, SET_INT, NULL,
            "reports run asynchronously in 60 minutes (1200)"),
    SETTING(limits, concurrent_sync_reports, SET_INT, NULL, "reports run at the same time (20)"),
};
const size_t limit_setting_count = sizeof limit_settings / sizeof *limit_settings;

struct meter {
    pthread_mutex_t lock;
    struct limits limits; /* daily_used is not kept here */
    int64_t hour[HOURS], calls[HOURS];
    int64_t total;
};

struct meter *meter_new(int64_t daily_max)
{
    struct meter *meter = mem_alloc(sizeof *meter);
    pthread_mutex_init(&meter->lock, NULL);
    meter->limits = (struct limits){.daily_max = daily_max,
                                    .page_size = 2000,
                                    .open_cursors = 10,
                                    .cursor_lifetime_s = 2 * 24 * 3600,
                                    .bulk_daily_batches = 15000,
                                    .bulk_daily_query_jobs = 10000,
                                    .hourly_sync_reports = 500,
                                    .hourly_async_reports = 1200,
                                    .concurrent_sync_reports = 20};
    return meter;
}

void meter_free(struct meter *meter)
{
    if (!meter)
        return;
    pthread_mutex_destroy(&meter->lock);
    free(meter);
}

static int64_t used_at(const struct meter *meter, int64_t hour)
{
    int64_t used = 0;
    for (int i = 0; i < HOURS; i++)
        if (meter->hour[i] > hour - 24 && meter->hour[i] <= hour)
            used += meter->calls[i];
    return used;
}

static void add_at(struct meter *meter, int64_t hour, int64_t calls)
{
    int slot = (int)(hour % HOURS);
    if (meter->hour[slot] != hour) {
        meter->hour[slot] = hour;
        meter->calls[slot] = 0;
    }
    meter->calls[slot] += calls;
}

void meter_limits(struct meter *meter, int64_t now_ms, struct limits *out)
{
    pthread_mutex_lock(&meter->lock);
    *out = meter->limits;
    out->daily_used = used_at(meter, now_ms / HOUR_MS);
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
            meter->calls[i] = 0;
        add_at(meter, now_ms / HOUR_MS, changed.daily_used);
    }
    pthread_mutex_unlock(&meter->lock);
    return OK;
}

bool meter_use(struct meter *meter, int64_t now_ms, int64_t calls, int64_t *used, int64_t *max)
{
    int64_t hour = now_ms / HOUR_MS;
    pthread_mutex_lock(&meter->lock);
    *used = used_at(meter, hour);
    *max = meter->limits.daily_max;
    bool ok = calls == 0 || *used < *max;
    if (ok) {
        add_at(meter, hour, calls);
        meter->total += calls;
        *used += calls;
    }
    pthread_mutex_unlock(&meter->lock);
    return ok;
}

int64_t meter_total(struct meter *meter)
{
    pthread_mutex_lock(&meter->lock);
    int64_t total = meter->total;
    pthread_mutex_unlock(&meter->lock);
    return total;
}
