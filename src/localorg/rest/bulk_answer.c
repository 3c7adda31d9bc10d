/* bulk_answer.c - Bulk API 2.0 jobs as JSON, and what both kinds have in common.
 *
 * Shapes and field order follow the Bulk API 2.0 guide's samples; apiVersion is
 * a number, contentUrl has no leading slash. Error codes are the upper-case
 * ones of the REST surface (INVALIDJOBSTATE). */
#include "localorg/rest/bulk_answer.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/when.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_MAX 1000

/* --- a job as JSON --- */

static void when_json(struct jw *w, const char *key, int64_t ms)
{
    char text[32];
    when_salesforce(ms / 1000 * 1000, text);
    jw_kv_text(w, key, text);
}

static void numbers_json(struct jw *w, const struct bulk_job *job)
{
    jw_kv_int(w, "numberRecordsProcessed", job->processed);
    if (job->kind == BULK_INGEST)
        jw_kv_int(w, "numberRecordsFailed", job->failed);
    jw_kv_int(w, "retries", 0);
    jw_kv_int(w, "totalProcessingTime", job->took_ms);
    if (job->kind == BULK_INGEST) {
        jw_kv_int(w, "apiActiveProcessingTime", job->took_ms);
        jw_kv_int(w, "apexProcessingTime", 0);
    } else {
        jw_kv_bool(w, "isPkChunkingSupported", true);
    }
    if (job->error[0])
        jw_kv_text(w, "errorMessage", job->error);
}

static void job_json(struct call *call, struct jw *w, const struct bulk_job *job,
                     enum bulk_detail detail)
{
    jw_object(w);
    jw_kv_text(w, "id", job->id);
    jw_kv_text(w, "operation", bulk_operation_name(job->operation));
    jw_kv_text(w, "object", job->object);
    jw_kv_text(w, "createdById", job->session.user_id);
    when_json(w, "createdDate", job->created_ms);
    when_json(w, "systemModstamp", job->changed_ms);
    /* what a request did: how far the worker got since is for a poll to tell */
    bool begun = detail < BULK_LISTED && job->state > BULK_UPLOADED && job->state != BULK_ABORTED;
    jw_kv_text(w, "state", begun ? "UploadComplete" : bulk_state_name(job));
    if (job->key[0])
        jw_kv_text(w, "externalIdFieldName", job->key);
    if (job->assignment_rule[0])
        jw_kv_text(w, "assignmentRuleId", job->assignment_rule);
    jw_kv_text(w, "concurrencyMode", "Parallel");
    jw_kv_text(w, "contentType", "CSV");
    jw_key(w, "apiVersion");
    jw_number(w, arena_printf(call->arena, "%.1f", job->api_version));
    if (detail >= BULK_LISTED)
        jw_kv_text(w, "jobType", job->kind == BULK_QUERY ? "V2Query" : "V2Ingest");
    if (detail >= BULK_CREATED && job->kind == BULK_INGEST)
        jw_kv_text(w, "contentUrl",
                   arena_printf(call->arena, "services/data/v%.1f/jobs/ingest/%s/batches",
                                job->api_version, job->id));
    if (detail >= BULK_CREATED) {
        jw_kv_text(w, "lineEnding", job->crlf ? "CRLF" : "LF");
        jw_kv_text(w, "columnDelimiter", bulk_delimiter_name(job->delimiter));
    }
    if (detail == BULK_FULL)
        numbers_json(w, job);
    jw_end_object(w);
}

void answer_job(struct call *call, struct bulk_job *job, enum bulk_detail detail)
{
    struct jw w;
    answer_json(call, 200, &w);
    bulk_lock(call->site->bulk);
    job_json(call, &w, job, detail);
    bulk_unlock(call->site->bulk);
}

/* --- making a job --- */

static bool read_delimiter(struct call *call, const char *name, char *out)
{
    static const char delimiters[] = ",`^|;\t";
    for (const char *at = delimiters; *at; at++)
        if (!name || strcmp(bulk_delimiter_name(*at), name) == 0) {
            *out = *at;
            return true;
        }
    answer_error(call, 400, "INVALIDJOB", "InvalidJob : Unsupported columnDelimiter %s", name);
    return false;
}

static bool read_line_ending(struct call *call, const char *name, bool *crlf)
{
    *crlf = name && strcmp(name, "CRLF") == 0;
    if (!name || *crlf || strcmp(name, "LF") == 0)
        return true;
    answer_error(call, 400, "INVALIDJOB", "InvalidJob : Unsupported lineEnding %s", name);
    return false;
}

void bulk_job_caller(struct call *call, struct bulk_job *job)
{
    struct org_policy org;
    policies_org(call->site->policies, &org);
    job->session = call->session;
    job->api_version = call->api_version;
    job->hold_polls = org.bulk_polls;
    job->fail_after = org.bulk_fail_after;
    snprintf(job->origin, sizeof job->origin, "%s", call->origin);
}

/* Texts of a plan live on its request: what the rows ask of it is copied. */
void bulk_job_faults(struct call *call, struct bulk_job *job)
{
    const struct fault_plan *plan = call->plan;
    if (!plan || !plan->names[0] || job->lock_ids)
        return;
    job->lock_ids = mem_strdup(plan->lock_ids);
    job->faults = (struct fault_plan){
        .names = "bulk", .lock_ids = job->lock_ids, .lock_probability = plan->lock_probability};
}

struct bulk_job *bulk_job_asked(struct call *call, const struct json *body, enum bulk_kind kind)
{
    const char *content = json_get_text(body, "contentType");
    bool crlf;
    char delimiter;
    if (!json_is(body, JSON_OBJECT) || (content && strcmp(content, "CSV") != 0)) {
        answer_error(call, 400, "INVALIDJOB", "InvalidJob : Unsupported contentType %s",
                     content ? content : "");
        return NULL;
    }
    if (!read_delimiter(call, json_get_text(body, "columnDelimiter"), &delimiter) ||
        !read_line_ending(call, json_get_text(body, "lineEnding"), &crlf))
        return NULL;
    struct bulk_job *job = bulk_job_new(call->site->bulk, kind);
    job->delimiter = delimiter;
    job->crlf = crlf;
    bulk_job_caller(call, job);
    return job;
}

/* Setup objects of picklists and the like have no Bulk API. */
const struct sobject *bulk_object(struct call *call, const char *name)
{
    static const char refused[] =
        "CaseStatus ContractStatus OrderStatus PartnerRole RecentlyViewed "
        "SolutionStatus TaskPriority TaskStatus UserRecordAccess";
    const struct sobject *object = schema_find(org_schema(call->site->org), name ? name : "");
    if (object && !words_have(refused, object->name) &&
        org_may_object(call->site->org, call->session.user_id, object, ORG_READ))
        return object;
    answer_error(call, 400, "INVALIDENTITY",
                 "InvalidEntity : Entity '%s' is not supported by the Bulk API.", name ? name : "");
    return NULL;
}

/* --- finding and listing --- */

bool bulk_job_visible(struct call *call, const struct bulk_job *job)
{
    struct org_user user;
    if (strcmp(job->session.user_id, call->session.user_id) == 0)
        return true;
    return org_user_by_id(call->site->org, call->session.user_id, &user) &&
           user.system_administrator;
}

struct bulk_job *bulk_job_named(struct call *call, enum bulk_kind kind)
{
    struct bulk_job *job = bulk_take(call->site->bulk, call->args[0], kind);
    if (job && bulk_job_visible(call, job))
        return job;
    if (job)
        bulk_give(call->site->bulk, job);
    answer_not_found(call);
    return NULL;
}

/* "01g...-2000": where the next page of the list begins. */
static size_t list_start(struct call *call)
{
    const char *locator = call_param(call, "queryLocator");
    const char *dash = locator ? strrchr(locator, '-') : NULL;
    return dash ? (size_t)strtoull(dash + 1, NULL, 10) : 0;
}

void answer_job_list(struct call *call, enum bulk_kind kind, const char *job_type)
{
    struct jw w;
    struct bulk_job **jobs;
    const char *wanted = call_param(call, "jobType");
    bool other = wanted && !text_eq_nocase(wanted, job_type);
    size_t count = bulk_list(call->site->bulk, call->arena, kind, NULL, &jobs);
    size_t start = list_start(call), seen = 0, shown = 0;
    bool done = true;
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_key(&w, "records");
    jw_array(&w);
    bulk_lock(call->site->bulk);
    for (size_t i = 0; i < count && !other; i++) {
        if (!bulk_job_visible(call, jobs[i]) || seen++ < start)
            continue;
        if (shown == LIST_MAX) {
            done = false;
            break;
        }
        shown++;
        job_json(call, &w, jobs[i], BULK_LISTED);
    }
    bulk_unlock(call->site->bulk);
    jw_end_array(&w);
    jw_kv_bool(&w, "done", done);
    jw_kv_text(&w, "nextRecordsUrl",
               done ? NULL
                    : arena_printf(call->arena, "%s/jobs/%s?queryLocator=01gLd0000000001AAA-%zu",
                                   call->base, kind == BULK_QUERY ? "query" : "ingest",
                                   start + shown));
    jw_end_object(&w);
    for (size_t i = 0; i < count; i++)
        bulk_give(call->site->bulk, jobs[i]);
}

/* --- aborting, deleting, reading --- */

static enum bulk_state state_of(struct call *call, struct bulk_job *job)
{
    bulk_lock(call->site->bulk);
    enum bulk_state state = job->state;
    bulk_unlock(call->site->bulk);
    return state;
}

void answer_job_abort(struct call *call, struct bulk_job *job)
{
    enum bulk_state state = state_of(call, job);
    if (state == BULK_DONE || state == BULK_FAILED || state == BULK_ABORTED) {
        answer_error(call, 400, "INVALIDJOBSTATE", "Aborting already %s Job not allowed",
                     state == BULK_DONE     ? "Completed"
                     : state == BULK_FAILED ? "Failed"
                                            : "Aborted");
        return;
    }
    bulk_abort(call->site->bulk, job, call_now(call));
    answer_job(call, job, BULK_CHANGED);
}

void answer_job_delete(struct call *call, struct bulk_job *job)
{
    enum bulk_state state = state_of(call, job);
    if (state == BULK_OPEN || state == BULK_RUNNING) {
        answer_error(call, 400, "INVALIDJOBSTATE", "Deleting not %s Job not allowed",
                     state == BULK_OPEN ? "Closed" : "Completed");
        return;
    }
    bulk_delete(call->site->bulk, job);
    answer_empty(call, 204);
}

void answer_job_file(struct call *call, struct bulk_job *job, enum bulk_file which)
{
    struct err err = {{0}};
    answer_text(call, 200, job->json ? "application/json;charset=UTF-8" : "text/csv", "");
    if (bulk_read(call->site->bulk, job, which, 0, -1, &call->out->body, &err) != OK)
        answer_failed(call, &err);
}
