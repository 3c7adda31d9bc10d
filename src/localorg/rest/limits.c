/* limits.c - what is left of the org's allowances, how many records there are,
 * and what a user looked at last. */
#include "localorg/rest/bulk.h"
#include "localorg/rest/records.h"
#include "localorg/rest/report_runs.h"
#include "localorg/rest/resources.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

enum { RECENT_MAX = 200 };

/* Those that never move here: name and allowance. Alphabetical, as answered. */
static const struct {
    const char *name;
    int64_t max;
} fixed[] = {
    {"ActiveScratchOrgs", 3},
    {"AnalyticsExternalDataSizeMB", 40960},
    {"ConcurrentAsyncGetReportInstances", 200},
    {"ConcurrentSyncReportRuns", 20},
    {"DailyAnalyticsDataflowJobExecutions", 60},
    {"DailyAnalyticsUploadedFilesSizeMB", 51200},
    {"DailyApiRequests", 0}, /* counted */
    {"DailyAsyncApexExecutions", 250000},
    {"DailyAsyncApexTests", 500},
    {"DailyBulkApiBatches", 0}, /* counted */
    {"DailyBulkV2QueryFileStorageMB", 976562},
    {"DailyBulkV2QueryJobs", 0}, /* counted */
    {"DailyDeliveredPlatformEvents", 10000},
    {"DailyDurableGenericStreamingApiEvents", 10000},
    {"DailyDurableStreamingApiEvents", 10000},
    {"DailyFunctionsApiCallLimit", 235000},
    {"DailyGenericStreamingApiEvents", 10000},
    {"DailyScratchOrgs", 6},
    {"DailyStandardVolumePlatformEvents", 10000},
    {"DailyStreamingApiEvents", 10000},
    {"DailyWorkflowEmails", 1005},
    {"DataStorageMB", 10240},
    {"DurableStreamingApiConcurrentClients", 20},
    {"FileStorageMB", 10240},
    {"HourlyAsyncReportRuns", 0}, /* counted */
    {"HourlyDashboardRefreshes", 200},
    {"HourlyDashboardResults", 5000},
    {"HourlyDashboardStatuses", 999999999},
    {"HourlyLongTermIdMapping", 100000},
    {"HourlyManagedContentPublicRequests", 50000},
    {"HourlyODataCallout", 20000},
    {"HourlyPublishedPlatformEvents", 50000},
    {"HourlyPublishedStandardVolumePlatformEvents", 1000},
    {"HourlyShortTermIdMapping", 100000},
    {"HourlySyncReportRuns", 0}, /* counted */
    {"HourlyTimeBasedWorkflow", 1000},
    {"MassEmail", 5000},
    {"MonthlyPlatformEventsUsageEntitlement", 0},
    {"Package2VersionCreates", 6},
    {"Package2VersionCreatesWithoutValidation", 500},
    {"PermissionSets", 1500},
    {"PlatformEventTriggersWithParallelProcessing", 5},
    {"PrivateConnectOutboundCalloutHourlyLimitMB", 0},
    {"SingleEmail", 5000},
    {"StreamingApiConcurrentClients", 20},
};

/* Report runs have allowances of an hour. */
static void report_allowance(struct call *call, const struct limits *limits, const char *name,
                             int64_t *max, int64_t *left)
{
    int kind = strcmp(name, "HourlySyncReportRuns") == 0    ? REPORT_SYNC
               : strcmp(name, "HourlyAsyncReportRuns") == 0 ? REPORT_ASYNC
                                                            : -1;
    if (kind < 0)
        return;
    int64_t used =
        report_runs_used(call->site->report_runs, (enum report_run_kind)kind, call_now(call));
    *max = kind == REPORT_SYNC ? limits->hourly_sync_reports : limits->hourly_async_reports;
    *left = *max > used ? *max - used : 0;
}

void limits_list(struct call *call)
{
    struct limits limits;
    struct jw w;
    int64_t batches, query_jobs;
    meter_limits(call->site->meter, call_now(call), &limits);
    bulk_used(call->site->bulk, call_now(call), &batches, &query_jobs);
    answer_json(call, 200, &w);
    jw_object(&w);
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        const char *name = fixed[i].name;
        int64_t max = fixed[i].max, left = max;
        if (strcmp(name, "DailyApiRequests") == 0) {
            max = limits.daily_max;
            left = max > limits.daily_used ? max - limits.daily_used : 0;
        } else if (strcmp(name, "DailyBulkApiBatches") == 0) {
            max = limits.bulk_daily_batches;
            left = max > batches ? max - batches : 0;
        } else if (strcmp(name, "DataStorageMB") == 0) {
            max = limits.data_storage_mb ? limits.data_storage_mb : max;
            left = max - org_storage_used_kb(call->site->org) / 1024;
            left = left > 0 ? left : 0;
        } else if (strcmp(name, "DailyBulkV2QueryJobs") == 0) {
            max = limits.bulk_daily_query_jobs;
            left = max > query_jobs ? max - query_jobs : 0;
        }
        report_allowance(call, &limits, name, &max, &left);
        jw_key(&w, name);
        jw_object(&w);
        jw_kv_int(&w, "Max", max);
        jw_kv_int(&w, "Remaining", left);
        jw_end_object(&w);
    }
    jw_end_object(&w);
}

static int64_t live_rows(sqlite3 *db, struct arena *arena, const struct sobject *object)
{
    int64_t count = 0;
    sqlite3_stmt *row = NULL;
    char *sql =
        arena_printf(arena, "SELECT COUNT(*) FROM \"%s\" WHERE \"IsDeleted\"=0", object->name);
    if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW)
        count = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    return count;
}

/* Unknown objects are dropped without a word; empty ones are left out. */
void limits_record_count(struct call *call)
{
    struct jw w;
    const char *asked = call_param(call, "sObjects");
    const struct schema *schema = org_schema(call->site->org);
    sqlite3 *db = org_reader_take(call->site->org);
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_key(&w, "sObjects");
    jw_array(&w);
    for (size_t i = 0; i < schema_count(schema); i++) {
        const struct sobject *object = schema_at(schema, i);
        bool wanted = !asked;
        const char *list = asked, *word;
        size_t len;
        while (!wanted && (word = words_next(&list, &len)))
            wanted = str_eq_nocase((struct str){word, len}, str_of(object->name));
        if (!wanted || !org_may_object(call->site->org, call->session.user_id, object, ORG_READ))
            continue;
        int64_t count = live_rows(db, call->arena, object);
        if (!count)
            continue;
        jw_object(&w);
        jw_kv_int(&w, "count", count);
        jw_kv_text(&w, "name", object->name);
        jw_end_object(&w);
    }
    jw_end_array(&w);
    jw_end_object(&w);
    org_reader_give(call->site->org, db);
}

void recent_items(struct call *call)
{
    struct jw w;
    const char *limit = call_param(call, "limit");
    long long most = limit ? strtoll(limit, NULL, 10) : RECENT_MAX;
    if (most < 1 || most > RECENT_MAX)
        most = RECENT_MAX;
    struct view *views = arena_array(call->arena, 10 * RECENT_MAX, sizeof *views);
    size_t count = org_views(call->site->org, call->session.user_id, NULL, views, 10 * RECENT_MAX);
    answer_json(call, 200, &w);
    jw_array(&w);
    for (size_t i = 0; i < count && most > 0; i++) {
        struct buf record = BUF_INIT;
        const struct sobject *object = schema_by_prefix(org_schema(call->site->org), views[i].id);
        const char *fields = object && object->name_field
                                 ? arena_printf(call->arena, "Id,%s", object->name_field->name)
                                 : "Id";
        if (object && records_json(call, object, fields, views[i].id, &record, NULL)) {
            jw_raw(&w, record.data, record.len);
            most--;
        }
        buf_free(&record);
    }
    jw_end_array(&w);
}
