/* meter.h - the daily API allowance: a rolling 24 hours in hourly buckets.
 * Thread-safe. */
#ifndef LOCALORG_REST_METER_H
#define LOCALORG_REST_METER_H

#include "localorg/rest/settings.h"

#include <stdint.h>

struct meter;

struct limits { /* what the control API may set */
    int64_t daily_max, daily_used;
    int64_t page_size;    /* records a query page holds at most */
    int64_t open_cursors; /* query cursors a user may hold */
    int64_t cursor_lifetime_s;
    int64_t concurrent_long_requests, long_request_ms;
    int64_t data_storage_mb; /* 0: not enforced */
    int64_t bulk_daily_batches, bulk_daily_query_jobs;
    int64_t hourly_sync_reports, hourly_async_reports, concurrent_sync_reports;
};
extern const struct setting limit_settings[];
extern const size_t limit_setting_count;

struct meter *meter_new(int64_t daily_max);
void meter_free(struct meter *meter);
void meter_limits(struct meter *meter, int64_t now_ms, struct limits *out);
enum status meter_set(struct meter *meter, int64_t now_ms, const struct json *settings,
                      struct err *err);
/* The same for one app with an allowance of its own: counted beside the org's. */
bool meter_app_use(struct meter *meter, const char *client_id, int64_t now_ms, int64_t calls,
                   int64_t max, int64_t *used);

/* Requests on their way. meter_begin answers a number for meter_end, or -1 when as many
 * long ones (long_request_ms and more) run already as the org may have. */
int meter_begin(struct meter *meter, int64_t monotonic_ms);
void meter_end(struct meter *meter, int slot);

/* Counts `calls`. False when the allowance was used up already (nothing counted). */
bool meter_use(struct meter *meter, int64_t now_ms, int64_t calls, int64_t *used, int64_t *max);
int64_t meter_total(struct meter *meter); /* calls since the start, whatever the window */

#endif
