/* bulk_query.c - /jobs/query: a query that runs by itself, read page by page.
 *
 * A locator is the number of the row a page begins with, in base64, so it stays
 * good as long as the job. The last page says Sforce-Locator: null. */
#include "localorg/rest/bulk_answer.h"
#include "localorg/rest/bulk_export.h"
#include "localorg/rest/resources.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_ROWS   100000 /* when maxRecords says nothing */
#define PAGES_SHOWN 5

/* --- create --- */

/* The org itself failing is not the client's mistake. */
static void answer_soql_error(struct call *call, const struct err *err)
{
    if (!err->code[0] || strchr(err->code, '.') || strcmp(err->code, ERR_IO) == 0)
        answer_failed(call, err);
    else
        answer_error(call, 400, err->code, "%s", err->message);
}

static bool query_good(struct call *call, struct bulk_job *job)
{
    struct err err = {{0}};
    const struct soql_plan *plan = bulk_export_plan(call->arena, call->site->org, job, &err);
    const char *refused = plan ? bulk_export_refuses(plan) : NULL;
    if (!plan) {
        answer_soql_error(call, &err);
        return false;
    }
    if (refused) {
        answer_error(call, 400, "FEATURENOTENABLED", "FeatureNotEnabled : %s", refused);
        return false;
    }
    if (!bulk_object(call, plan->object->name))
        return false;
    snprintf(job->object, sizeof job->object, "%.80s", plan->object->name);
    return true;
}

static bool within_quota(struct call *call)
{
    struct limits limits;
    int64_t batches, jobs;
    meter_limits(call->site->meter, call_now(call), &limits);
    bulk_used(call->site->bulk, call_now(call), &batches, &jobs);
    if (jobs < limits.bulk_daily_query_jobs)
        return true;
    answer_error(call, 400, "EXCEEDEDQUOTA",
                 "ExceededQuota : the daily limit of Bulk query jobs is used up");
    return false;
}

static void create(struct call *call)
{
    enum bulk_operation operation;
    const struct json *body = call_json(call);
    if (!body || !within_quota(call))
        return;
    const char *asked = json_get_text(body, "operation"), *soql = json_get_text(body, "query");
    if (!bulk_operation_parse(asked, true, &operation)) {
        answer_error(call, 400, "INVALIDOPERATION",
                     "InvalidOperation : %s is not an operation of query jobs",
                     asked ? asked : "null");
        return;
    }
    if (text_blank(soql)) {
        answer_error(call, 400, "INVALIDJOB", "InvalidJob : a query job needs a query");
        return;
    }
    struct bulk_job *job = bulk_job_asked(call, body, BULK_QUERY);
    if (!job)
        return;
    job->operation = operation;
    job->soql = mem_strdup(soql);
    if (query_good(call, job)) {
        bulk_add(call->site->bulk, job, call_now(call));
        bulk_start(call->site->bulk, job, call_now(call));
        answer_job(call, job, BULK_CREATED);
    }
    bulk_give(call->site->bulk, job);
}

void bulk_query_jobs(struct call *call)
{
    if (strcmp(call->method, "POST") == 0)
        create(call);
    else
        answer_job_list(call, BULK_QUERY, "V2Query");
}

/* --- one job --- */

static void change(struct call *call, struct bulk_job *job)
{
    const struct json *body = call_json(call);
    const char *state = json_get_text(body, "state");
    if (!body)
        return;
    if (state && strcmp(state, "Aborted") == 0)
        answer_job_abort(call, job);
    else
        answer_error(call, 400, "INVALIDJOBSTATE",
                     "InvalidJobState : a query job can be changed to Aborted, not %s",
                     state ? state : "null");
}

void bulk_query_job(struct call *call)
{
    struct bulk_job *job = bulk_job_named(call, BULK_QUERY);
    if (!job)
        return;
    if (strcmp(call->method, "PATCH") == 0) {
        change(call, job);
    } else if (strcmp(call->method, "DELETE") == 0) {
        answer_job_delete(call, job);
    } else {
        bulk_poll(call->site->bulk, job, call_now(call));
        answer_job(call, job, BULK_FULL);
    }
    bulk_give(call->site->bulk, job);
}

/* --- pages --- */

/* "MTAwMDA" is "10000", the number of a row. */
static const char *locator_of(struct call *call, int64_t row)
{
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)row);
    return base64url_encode(call->arena, text, strlen(text));
}

static bool read_locator(struct call *call, int64_t total, int64_t *row)
{
    const char *given = call_param(call, "locator");
    size_t len = 0;
    char *end = NULL;
    *row = 0;
    if (!given)
        return true;
    char *bytes = base64_decode(call->arena, given, strlen(given), &len);
    char *text = bytes && len ? arena_strndup(call->arena, bytes, len) : NULL;
    *row = text ? strtoll(text, &end, 10) : -1;
    if (text && !*end && *row > 0 && *row < total)
        return true;
    answer_error(call, 400, "INVALIDLOCATOR", "InvalidLocator : the locator %s is not valid",
                 given);
    return false;
}

static bool read_page_size(struct call *call, int64_t *rows)
{
    const char *given = call_param(call, "maxRecords");
    char *end = NULL;
    *rows = given ? strtoll(given, &end, 10) : PAGE_ROWS;
    if (*rows > 0 && (!given || !*end)) {
        if (*rows > 10 * PAGE_ROWS)
            *rows = 10 * PAGE_ROWS;
        return true;
    }
    answer_error(call, 400, "INVALIDPARAMETER", "maxRecords is a number from 1 on, not %s", given);
    return false;
}

static void answer_page(struct call *call, struct bulk_job *job, int64_t total)
{
    struct err err = {{0}};
    int64_t from, rows;
    if (!read_locator(call, total, &from) || !read_page_size(call, &rows))
        return;
    int64_t here = total - from < rows ? total - from : rows;
    answer_text(call, 200, "text/csv", "");
    answer_header(call, "Sforce-NumberOfRecords",
                  arena_printf(call->arena, "%lld", (long long)here));
    answer_header(call, "Sforce-Locator",
                  from + here < total ? locator_of(call, from + here) : "null");
    if (bulk_export_page(call->site->bulk, job, from, rows, &call->out->body, &err) != OK)
        answer_failed(call, &err);
}

/* Up to five urls that may be fetched at the same time. */
static void answer_page_list(struct call *call, struct bulk_job *job, int64_t total)
{
    struct jw w;
    int64_t from, rows;
    if (!read_locator(call, total, &from) || !read_page_size(call, &rows))
        return;
    const char *sized = call_param(call, "maxRecords")
                            ? arena_printf(call->arena, "&maxRecords=%lld", (long long)rows)
                            : "";
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_key(&w, "resultPages");
    jw_array(&w);
    for (int i = 0; i < PAGES_SHOWN && (from < total || (from == 0 && i == 0)); i++, from += rows) {
        const char *query =
            from     ? arena_printf(call->arena, "?locator=%s%s", locator_of(call, from), sized)
            : *sized ? arena_printf(call->arena, "?%s", sized + 1)
                     : "";
        jw_object(&w);
        jw_kv_text(
            &w, "resultUrl",
            arena_printf(call->arena, "%s/jobs/query/%s/results%s", call->base, job->id, query));
        jw_end_object(&w);
    }
    jw_end_array(&w);
    jw_kv_text(&w, "nextRecordsUrl",
               from < total ? arena_printf(call->arena, "%s/jobs/query/%s/resultPages?locator=%s%s",
                                           call->base, job->id, locator_of(call, from), sized)
                            : NULL);
    jw_kv_bool(&w, "done", from >= total);
    jw_end_object(&w);
}

void bulk_query_results(struct call *call)
{
    struct bulk_job *job = bulk_job_named(call, BULK_QUERY);
    bool list = text_eq_nocase(call->args[1], "resultPages");
    if (!job)
        return;
    bulk_lock(call->site->bulk);
    bool done = job->state == BULK_DONE;
    int64_t total = job->processed;
    bulk_unlock(call->site->bulk);
    if (!list && !text_eq_nocase(call->args[1], "results"))
        answer_not_found(call);
    else if (!done || !bulk_settled(call->site->bulk, job))
        answer_error(call, 400, "INVALIDJOBSTATE",
                     "InvalidJobState : the results can be read when the job is JobComplete");
    else if (job->api_version != call->api_version)
        answer_error(call, 409, "API_VERSION_MISMATCH",
                     "The job was made with API version %.1f, its results cannot be read with "
                     "%.1f",
                     job->api_version, call->api_version);
    else if (list)
        answer_page_list(call, job, total);
    else
        answer_page(call, job, total);
    bulk_give(call->site->bulk, job);
}
