/* report_instances.c - reports run on the side: begin, list, fetch, delete.
 *
 * A run is done while the request that asks for it is answered, on the records
 * of that moment, and kept for 24 hours; the policy report_polls says how many
 * polls still see it New or Running. Handle and result are two documents, so
 * that a list does not read results. */
#include "localorg/rest/reports.h"

#include "localorg/org/documents.h"
#include "localorg/rest/records.h"
#include "localorg/rest/report_runs.h"
#include "localorg/rest/resources.h"

#include "base/str.h"
#include "base/when.h"

#include <string.h>

enum { KEPT_MS = 24 * 3600 * 1000, LISTED_MAX = 2000 };

#define HANDLES "report_instance"
#define RESULTS "report_result"

struct instance {
    const char *id, *report, *owner, *requested, *completed, *error;
    bool details;
    int64_t polls; /* that still find it unfinished */
};

static bool read_instance(const char *id, const struct json *json, struct instance *out)
{
    *out = (struct instance){.id = id,
                             .report = json_get_text(json, "report"),
                             .owner = json_get_text(json, "owner"),
                             .requested = json_get_text(json, "requested"),
                             .completed = json_get_text(json, "completed"),
                             .error = json_get_text(json, "error"),
                             .details = json_get_bool(json, "details", false),
                             .polls = json_get_int(json, "polls", 0)};
    return out->report && out->owner && out->requested;
}

static enum status write_instance(struct call *call, const struct instance *instance,
                                  int64_t until_ms, struct err *err)
{
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    jw_object(&w);
    jw_kv_text(&w, "report", instance->report);
    jw_kv_text(&w, "owner", instance->owner);
    jw_kv_text(&w, "requested", instance->requested);
    jw_kv_text(&w, "completed", instance->completed);
    jw_kv_text(&w, "error", instance->error);
    jw_kv_bool(&w, "details", instance->details);
    jw_kv_int(&w, "polls", instance->polls);
    jw_kv_int(&w, "until", until_ms);
    jw_end_object(&w);
    enum status rc = org_document_put(call->site->org, HANDLES, instance->id, &out, until_ms, err);
    buf_free(&out);
    return rc;
}

static const char *status_of(const struct instance *instance, bool fresh)
{
    if (instance->polls > 0 || fresh)
        return fresh ? "New" : "Running";
    return instance->error ? "Error" : "Success";
}

/* --- handles --- */

static void handle_json(struct call *call, const struct instance *instance, bool fresh,
                        struct jw *w)
{
    bool done = !fresh && instance->polls <= 0;
    jw_object(w);
    jw_kv_text(w, "completionDate", done ? instance->completed : NULL);
    jw_kv_bool(w, "hasDetailRows", instance->details);
    jw_kv_text(w, "id", instance->id);
    jw_kv_text(w, "ownerId", instance->owner);
    jw_kv_bool(w, "queryable", false);
    jw_kv_text(w, "requestDate", instance->requested);
    jw_kv_text(w, "status", status_of(instance, fresh));
    jw_kv_text(w, "url",
               arena_printf(call->arena, "%s/analytics/reports/%s/instances/%s", call->base,
                            instance->report, instance->id));
    jw_end_object(w);
}

struct listing {
    struct call *call;
    struct jw *w;
    const char *report;
    size_t count;
};

static bool list_one(void *ctx, const char *id, const struct json *json)
{
    struct listing *listing = ctx;
    struct instance instance;
    if (read_instance(id, json, &instance) && text_eq(instance.report, listing->report)) {
        handle_json(listing->call, &instance, false, listing->w);
        listing->count++;
    }
    return listing->count < LISTED_MAX;
}

void report_instances_list(struct call *call)
{
    struct err err = {{0}};
    struct jw w;
    struct saved_report saved;
    if (!reports_load(call, call->args[0], &saved))
        return;
    struct listing listing = {.call = call, .w = &w, .report = saved.id};
    answer_json(call, 200, &w);
    jw_array(&w);
    if (org_document_each(call->site->org, HANDLES, call->arena, list_one, &listing, &err) != OK)
        answer_failed(call, &err);
    else
        jw_end_array(&w);
}

/* --- a new one --- */

static void next_id(struct call *call, char id[19])
{
    char short_id[16] = "0LG00";
    dice_text(call->site->dice, DICE_BASE62, 10, short_id + 5);
    id_to_18(short_id, id);
}

/* Runs it now; an error of the report is one of the instance. */
static enum status run_and_keep(struct call *call, struct instance *instance,
                                const struct report *report, int64_t until_ms, struct err *err)
{
    struct buf out = BUF_INIT;
    struct jw w;
    struct err failed = {{0}};
    struct report_run options = {.details = instance->details, .attributes = "null"};
    jw_init(&w, &out);
    if (report_run_json(report, &options, &w, &failed) != OK) {
        instance->error = arena_strdup(call->arena, failed.message);
        buf_clear(&out);
        buf_str(&out, "{}");
    }
    enum status rc = org_document_put(call->site->org, RESULTS, instance->id, &out, until_ms, err);
    if (rc == OK)
        rc = write_instance(call, instance, until_ms, err);
    buf_free(&out);
    return rc;
}

void report_instances_create(struct call *call)
{
    struct err err = {{0}};
    struct jw w;
    struct saved_report saved;
    struct limits limits;
    struct org_policy policy;
    char id[19], now[32];
    struct report *report = NULL;
    if (!reports_load(call, call->args[0], &saved) || !(report = reports_read(call, &saved)))
        return;
    meter_limits(call->site->meter, call_now(call), &limits);
    policies_org(call->site->policies, &policy);
    if (!report_runs_begin(call->site->report_runs, REPORT_ASYNC, call_now(call),
                           limits.hourly_async_reports)) {
        answer_error(call, 403, REPORT_FORBIDDEN,
                     "You can’t run more than %lld reports asynchronously every 60 minutes. Try "
                     "again later.",
                     (long long)limits.hourly_async_reports);
        return;
    }
    when_iso_seconds(call_now(call), now);
    next_id(call, id);
    struct instance instance = {.id = id,
                                .report = saved.id,
                                .owner = call->session.user_id,
                                .requested = now,
                                .completed = now,
                                .details = reports_details(call),
                                .polls = policy.report_polls};
    org_document_expire(call->site->org, HANDLES, NULL);
    org_document_expire(call->site->org, RESULTS, NULL);
    if (run_and_keep(call, &instance, report, call_now(call) + KEPT_MS, &err) != OK) {
        answer_failed(call, &err);
        return;
    }
    reports_ran(call, saved.id);
    answer_json(call, 200, &w);
    handle_json(call, &instance, true, &w);
}

/* --- its result --- */

static void attributes_json(struct call *call, const struct instance *instance,
                            const struct saved_report *saved, struct jw *w)
{
    bool done = instance->polls <= 0;
    jw_object(w);
    jw_kv_text(w, "completionDate", done ? instance->completed : NULL);
    jw_kv_text(w, "id", instance->id);
    jw_kv_text(w, "ownerId", instance->owner);
    jw_kv_bool(w, "queryable", false);
    jw_kv_text(w, "reportId", saved->id);
    jw_kv_text(w, "reportName", json_get_text(saved->metadata, "name"));
    jw_kv_text(w, "requestDate", instance->requested);
    jw_kv_text(w, "status", status_of(instance, false));
    jw_kv_text(w, "type", "ReportInstance");
    jw_end_object(w);
}

/* The kept result with the instance's attributes; while it runs, nulls. */
static void instance_json(struct call *call, const struct instance *instance,
                          const struct saved_report *saved, const struct json *result)
{
    static const char *const members[] = {
        "allData",       "factMap",        "groupingsAcross",        "groupingsDown",
        "hasDetailRows", "picklistColors", "reportExtendedMetadata", "reportMetadata"};
    struct jw w;
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_key(&w, "attributes");
    attributes_json(call, instance, saved, &w);
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        const struct json *member = json_get(result, members[i]);
        jw_key(&w, members[i]);
        if (member)
            jw_value(&w, member);
        else
            jw_null(&w);
    }
    jw_end_object(&w);
}

/* The instance of the path. False after answering 404. */
static bool load_instance(struct call *call, const struct saved_report *saved,
                          struct instance *instance, int64_t *until_ms)
{
    struct err err = {{0}};
    char id[19];
    const struct json *json = NULL;
    if (id_canonical(call->args[1], id))
        json = org_document_get(call->site->org, HANDLES, id, call->arena, &err);
    if (json && read_instance(arena_strdup(call->arena, id), json, instance) &&
        text_eq(instance->report, saved->id)) {
        *until_ms = json_get_int(json, "until", 0);
        return true;
    }
    answer_error(call, 404, "NOT_FOUND", "The data you’re trying to access is unavailable.");
    return false;
}

void report_instances_get(struct call *call)
{
    struct err err = {{0}};
    struct saved_report saved;
    struct instance instance;
    int64_t until_ms;
    if (!reports_load(call, call->args[0], &saved) ||
        !load_instance(call, &saved, &instance, &until_ms))
        return;
    if (instance.polls > 0 || instance.error) {
        instance_json(call, &instance, &saved, NULL);
        if (instance.polls-- > 0)
            write_instance(call, &instance, until_ms, NULL);
        return;
    }
    const struct json *result =
        org_document_get(call->site->org, RESULTS, instance.id, call->arena, &err);
    if (result)
        instance_json(call, &instance, &saved, result);
    else
        answer_failed(call, &err);
}

void report_instances_delete(struct call *call)
{
    struct err err = {{0}};
    struct saved_report saved;
    struct instance instance;
    int64_t until_ms;
    if (!reports_load(call, call->args[0], &saved) ||
        !load_instance(call, &saved, &instance, &until_ms))
        return;
    if (org_document_drop(call->site->org, HANDLES, instance.id, &err) == OK &&
        org_document_drop(call->site->org, RESULTS, instance.id, &err) == OK)
        answer_empty(call, 204);
    else
        answer_failed(call, &err);
}
