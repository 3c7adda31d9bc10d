/* bulk_v1.c - Bulk API 1: /services/async. Jobs in XML or JSON, batches of CSV or JSON.
 *
 * As much of it as jsforce's bulk, Query#update and Query#destroy, Data Loader,
 * CumulusCI and simple-salesforce ask for: insert, update, upsert, delete,
 * hardDelete, query and queryAll, results in input order. A job here is a
 * folder; each batch is a job of bulk.h that points to it and starts when it
 * arrives. XML and ZIP batches are refused. What is said in which language is
 * bulk_v1_speech's business. */
#include "localorg/rest/bulk_answer.h"
#include "localorg/rest/bulk_export.h"
#include "localorg/rest/bulk_v1_json.h"
#include "localorg/rest/bulk_v1_speech.h"
#include "localorg/rest/resources.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_MAX 10000000 /* bytes */

/* --- jobs and batches, told --- */

struct folder_sums {
    int64_t queued, running, done, failed, total, records, refused, took_ms;
};

static struct folder_sums folder_sum(struct call *call, const struct bulk_job *folder)
{
    struct folder_sums sums = {0};
    struct bulk_job **batches;
    size_t count = bulk_list(call->site->bulk, call->arena, BULK_BATCH, folder->id, &batches);
    bulk_lock(call->site->bulk);
    for (size_t i = 0; i < count; i++) {
        const struct bulk_job *batch = batches[i];
        sums.queued += batch->state == BULK_UPLOADED;
        sums.running += batch->state == BULK_RUNNING;
        sums.done += batch->state == BULK_DONE;
        sums.failed += batch->state == BULK_FAILED;
        sums.records += batch->processed;
        sums.refused += batch->failed;
        sums.took_ms += batch->took_ms;
    }
    bulk_unlock(call->site->bulk);
    sums.total = (int64_t)count;
    for (size_t i = 0; i < count; i++)
        bulk_give(call->site->bulk, batches[i]);
    return sums;
}

static enum bulk_state folder_state(struct call *call, const struct bulk_job *folder)
{
    bulk_lock(call->site->bulk);
    enum bulk_state state = folder->state;
    bulk_unlock(call->site->bulk);
    return state;
}

static void answer_folder(struct call *call, const struct bulk_job *folder, int status)
{
    struct folder_sums sums = folder_sum(call, folder);
    enum bulk_state state = folder_state(call, folder);
    struct speech s;
    speech_begin(&s, call, folder->json, status, "jobInfo");
    speech_text(&s, "id", folder->id);
    speech_text(&s, "operation", bulk_operation_name(folder->operation));
    speech_text(&s, "object", folder->object);
    speech_text(&s, "createdById", folder->session.user_id);
    speech_when(&s, "createdDate", folder->created_ms);
    speech_when(&s, "systemModstamp", folder->changed_ms);
    speech_text(&s, "state",
                state == BULK_OPEN      ? "Open"
                : state == BULK_ABORTED ? "Aborted"
                                        : "Closed");
    if (folder->key[0])
        speech_text(&s, "externalIdFieldName", folder->key);
    else
        speech_null(&s, "externalIdFieldName");
    if (folder->assignment_rule[0])
        speech_text(&s, "assignmentRuleId", folder->assignment_rule);
    else
        speech_null(&s, "assignmentRuleId");
    speech_text(&s, "concurrencyMode", folder->serial ? "Serial" : "Parallel");
    speech_text(&s, "contentType", folder->json ? "JSON" : "CSV");
    speech_int(&s, "numberBatchesQueued", sums.queued);
    speech_int(&s, "numberBatchesInProgress", sums.running);
    speech_int(&s, "numberBatchesCompleted", sums.done);
    speech_int(&s, "numberBatchesFailed", sums.failed);
    speech_int(&s, "numberBatchesTotal", sums.total);
    speech_int(&s, "numberRecordsProcessed", sums.records);
    speech_int(&s, "numberRetries", 0);
    speech_number(&s, "apiVersion", arena_printf(call->arena, "%.1f", folder->api_version));
    speech_int(&s, "numberRecordsFailed", sums.refused);
    speech_int(&s, "totalProcessingTime", sums.took_ms);
    speech_int(&s, "apiActiveProcessingTime", sums.took_ms);
    speech_int(&s, "apexProcessingTime", 0);
    speech_end(&s, "jobInfo");
}

static const char *batch_state(const struct bulk_job *batch)
{
    static const char *const names[] = {
        [BULK_OPEN] = "Queued",    [BULK_UPLOADED] = "Queued", [BULK_RUNNING] = "InProgress",
        [BULK_DONE] = "Completed", [BULK_FAILED] = "Failed",   [BULK_ABORTED] = "Not Processed",
    };
    return names[batch->state];
}

/* Under the lock. A batch just made is Queued, however fast the worker is. */
static void batch_elements(struct speech *s, const struct bulk_job *batch, bool fresh)
{
    speech_text(s, "id", batch->id);
    speech_text(s, "jobId", batch->parent);
    speech_text(s, "state", fresh ? "Queued" : batch_state(batch));
    if (batch->error[0] && !fresh)
        speech_text(s, "stateMessage", batch->error);
    else
        speech_null(s, "stateMessage");
    speech_when(s, "createdDate", batch->created_ms);
    speech_when(s, "systemModstamp", batch->changed_ms);
    speech_int(s, "numberRecordsProcessed", fresh ? 0 : batch->processed);
    speech_int(s, "numberRecordsFailed", fresh ? 0 : batch->failed);
    speech_int(s, "totalProcessingTime", fresh ? 0 : batch->took_ms);
    speech_int(s, "apiActiveProcessingTime", fresh ? 0 : batch->took_ms);
    speech_int(s, "apexProcessingTime", 0);
}

static void answer_batch(struct call *call, const struct bulk_job *batch, int status, bool fresh)
{
    struct speech s;
    speech_begin(&s, call, batch->json, status, "batchInfo");
    bulk_lock(call->site->bulk);
    batch_elements(&s, batch, fresh);
    bulk_unlock(call->site->bulk);
    speech_end(&s, "batchInfo");
}

/* --- the request --- */

/* "64.0" of the path. False after answering. */
static bool read_version(struct call *call)
{
    char *end;
    call->api_version = strtod(call->args[0], &end);
    if (!*end && call->api_version >= 31 && call->api_version <= 68)
        return true;
    answer_error(call, 400, "InvalidVersion", "Api version %s is not supported", call->args[0]);
    return false;
}

static struct bulk_job *named(struct call *call, const char *id, enum bulk_kind kind)
{
    struct bulk_job *job = bulk_take(call->site->bulk, id, kind);
    if (job && bulk_job_visible(call, job))
        return job;
    if (job)
        bulk_give(call->site->bulk, job);
    answer_error(call, 400, kind == BULK_BATCH ? "InvalidBatch" : "InvalidJob",
                 "Unable to find %s with id: %s", kind == BULK_BATCH ? "batch" : "job", id);
    return NULL;
}

/* --- jobs --- */

static bool no_chunking(struct call *call)
{
    const char *chunking = call_header(call, "Sforce-Enable-PKChunking");
    if (!chunking || text_eq_nocase(chunking, "false"))
        return true;
    answer_error(call, 400, "FeatureNotEnabled",
                 "PK chunking is not offered by localorg: without the header one batch reads all");
    return false;
}

/* The language of the batches, and whether they wait for each other (they always do here). */
static bool read_content(struct call *call, struct bulk_job *folder)
{
    const char *content, *mode;
    if (!speech_asked(call, "contentType", &content) ||
        !speech_asked(call, "concurrencyMode", &mode))
        return false;
    folder->json = content && strcmp(content, "JSON") == 0;
    folder->serial = mode && strcmp(mode, "Serial") == 0;
    if (!content || folder->json || strcmp(content, "CSV") == 0)
        return true;
    answer_error(call, 400, "InvalidJob", "localorg takes batches of CSV and JSON, not of %s",
                 content);
    return false;
}

static bool read_operation(struct call *call, struct bulk_job *folder)
{
    const char *asked;
    if (!speech_asked(call, "operation", &asked))
        return false;
    if (bulk_operation_parse(asked, false, &folder->operation) ||
        bulk_operation_parse(asked, true, &folder->operation))
        return true;
    answer_error(call, 400, "InvalidJob",
                 asked ? "the operation %s is not known"
                       : "the job, as XML or JSON, names no operation%s",
                 asked ? asked : "");
    return false;
}

static bool read_object(struct call *call, struct bulk_job *folder)
{
    const char *key, *name, *rule;
    if (!speech_asked(call, "externalIdFieldName", &key) || !speech_asked(call, "object", &name) ||
        !speech_asked(call, "assignmentRuleId", &rule))
        return false;
    const struct sobject *object = bulk_object(call, name);
    const struct field *field = object && key ? sobject_field(object, key) : NULL;
    if (!object)
        return false;
    snprintf(folder->object, sizeof folder->object, "%.80s", object->name);
    snprintf(folder->assignment_rule, sizeof folder->assignment_rule, "%.18s", rule ? rule : "");
    if (folder->operation != BULK_UPSERT)
        return true;
    if (!field || !(field->external_id || field->id_lookup || field->type == FT_ID)) {
        answer_error(call, 400, "InvalidJob",
                     "External ID was blank for %s. An External ID must be specified for upsert.",
                     object->name);
        return false;
    }
    snprintf(folder->key, sizeof folder->key, "%.80s", field->name);
    return true;
}

void bulk_v1_jobs(struct call *call)
{
    if (!read_version(call))
        return;
    struct bulk_job *folder = bulk_job_new(call->site->bulk, BULK_FOLDER);
    bulk_job_caller(call, folder);
    if (no_chunking(call) && read_content(call, folder) && read_operation(call, folder) &&
        read_object(call, folder)) {
        bulk_add(call->site->bulk, folder, call_now(call));
        answer_folder(call, folder, 201);
    }
    bulk_give(call->site->bulk, folder);
}

static void abort_batches(struct call *call, const struct bulk_job *folder)
{
    struct bulk_job **batches;
    size_t count = bulk_list(call->site->bulk, call->arena, BULK_BATCH, folder->id, &batches);
    for (size_t i = 0; i < count; i++) {
        bulk_abort(call->site->bulk, batches[i], call_now(call));
        bulk_give(call->site->bulk, batches[i]);
    }
}

static void change_job(struct call *call, struct bulk_job *folder)
{
    const char *asked;
    if (!speech_asked(call, "state", &asked))
        return;
    bool abort = asked && strcmp(asked, "Aborted") == 0;
    enum bulk_state state = folder_state(call, folder);
    if (!abort && !(asked && strcmp(asked, "Closed") == 0)) {
        answer_error(call, 400, "InvalidJob", "a job's state can be changed to Closed or Aborted");
        return;
    }
    if (state != BULK_OPEN && !(abort && state == BULK_UPLOADED)) {
        answer_error(call, 400, "InvalidJobState", "%s already %s Job not allowed",
                     abort ? "Aborting" : "Closing",
                     state == BULK_ABORTED ? "Aborted" : "Completed");
        return;
    }
    if (abort) {
        bulk_abort(call->site->bulk, folder, call_now(call));
        abort_batches(call, folder);
    } else {
        bulk_close(call->site->bulk, folder, call_now(call));
    }
    answer_folder(call, folder, 200);
}

void bulk_v1_job(struct call *call)
{
    struct bulk_job *folder = read_version(call) ? named(call, call->args[1], BULK_FOLDER) : NULL;
    if (!folder)
        return;
    if (strcmp(call->method, "POST") == 0)
        change_job(call, folder);
    else
        answer_folder(call, folder, 200);
    bulk_give(call->site->bulk, folder);
}

/* --- batches --- */

static bool keep_bytes(struct call *call, const struct bulk_job *batch, enum bulk_file which,
                       const struct buf *bytes)
{
    struct err err = {{0}};
    FILE *file = bulk_open(call->site->bulk, batch, which, "wbe");
    bool good = file && fwrite(buf_text(bytes), 1, bytes->len, file) == bytes->len;
    if (file)
        good = fclose(file) == 0 && good;
    if (good)
        return true;
    err_set(&err, ERR_IO, "the batch could not be kept on disk");
    answer_failed(call, &err);
    return false;
}

static bool is_query(const struct bulk_job *batch)
{
    return batch->operation == BULK_READ || batch->operation == BULK_READ_ALL;
}

static bool keep_batch(struct call *call, struct bulk_job *batch)
{
    struct err err = {{0}};
    struct buf csv = BUF_INIT;
    bool as_sent = !batch->json || is_query(batch);
    bool good = as_sent || bulk_v1_json_rows(call->arena, batch, &call->in->body, &csv, &err) == OK;
    batch->uploaded = true; /* nobody else knows it yet */
    if (!good)
        answer_error(call, 400, "InvalidBatch", "%s", err.message);
    else
        good = keep_bytes(call, batch, BULK_DATA, as_sent ? &call->in->body : &csv) &&
               (as_sent || keep_bytes(call, batch, BULK_SENT, &call->in->body));
    buf_free(&csv);
    return good;
}

/* The body of a query's batch is its SOQL. */
static bool query_good(struct call *call, struct bulk_job *batch)
{
    struct err err = {{0}};
    batch->soql = mem_strdup(buf_text(&call->in->body));
    const struct soql_plan *plan = bulk_export_plan(call->arena, call->site->org, batch, &err);
    const char *refused = plan ? bulk_export_refuses(plan) : NULL;
    if (!plan)
        answer_error(call, 400, "InvalidBatch", "%s", err.message);
    else if (refused)
        answer_error(call, 400, "FeatureNotEnabled", "%s", refused);
    return plan && !refused;
}

static void add_batch(struct call *call, const struct bulk_job *folder)
{
    if (folder_state(call, folder) != BULK_OPEN) {
        answer_error(call, 400, "InvalidJobState", "the job is not open: it takes no more batches");
        return;
    }
    if (call->in->body.len > BATCH_MAX) {
        answer_error(call, 400, "ClientInputError",
                     "Failed to read request. Exceeded max size limit of %d", BATCH_MAX);
        return;
    }
    struct bulk_job *batch = bulk_job_new(call->site->bulk, BULK_BATCH);
    bulk_job_caller(call, batch);
    bulk_job_faults(call, batch);
    batch->operation = folder->operation;
    batch->api_version = folder->api_version;
    memcpy(batch->parent, folder->id, sizeof batch->parent);
    memcpy(batch->object, folder->object, sizeof batch->object);
    memcpy(batch->key, folder->key, sizeof batch->key);
    memcpy(batch->assignment_rule, folder->assignment_rule, sizeof batch->assignment_rule);
    batch->json = folder->json;
    if ((!is_query(batch) || query_good(call, batch)) && keep_batch(call, batch)) {
        bulk_add(call->site->bulk, batch, call_now(call));
        bulk_start(call->site->bulk, batch, call_now(call));
        answer_batch(call, batch, 201, true);
    }
    bulk_give(call->site->bulk, batch);
}

static void answer_batches(struct call *call, const struct bulk_job *folder)
{
    struct bulk_job **batches;
    size_t count = bulk_list(call->site->bulk, call->arena, BULK_BATCH, folder->id, &batches);
    struct speech s;
    speech_begin(&s, call, folder->json, 200, "batchInfoList");
    if (s.json) {
        jw_key(&s.w, "batchInfo");
        jw_array(&s.w);
    }
    bulk_lock(call->site->bulk);
    for (size_t i = 0; i < count; i++) {
        speech_item(&s, "batchInfo");
        batch_elements(&s, batches[i], false);
        speech_item_end(&s, "batchInfo");
    }
    bulk_unlock(call->site->bulk);
    if (s.json)
        jw_end_array(&s.w);
    speech_end(&s, "batchInfoList");
    for (size_t i = 0; i < count; i++)
        bulk_give(call->site->bulk, batches[i]);
}

void bulk_v1_batches(struct call *call)
{
    struct bulk_job *folder = read_version(call) ? named(call, call->args[1], BULK_FOLDER) : NULL;
    if (!folder)
        return;
    if (strcmp(call->method, "POST") == 0)
        add_batch(call, folder);
    else
        answer_batches(call, folder);
    bulk_give(call->site->bulk, folder);
}

static struct bulk_job *named_batch(struct call *call)
{
    struct bulk_job *batch = read_version(call) ? named(call, call->args[2], BULK_BATCH) : NULL;
    if (!batch || strncmp(batch->parent, call->args[1], 15) == 0)
        return batch;
    bulk_give(call->site->bulk, batch);
    answer_error(call, 400, "InvalidBatch", "Unable to find batch with id: %s", call->args[2]);
    return NULL;
}

void bulk_v1_batch(struct call *call)
{
    struct bulk_job *batch = named_batch(call);
    if (!batch)
        return;
    bulk_poll(call->site->bulk, batch, call_now(call));
    answer_batch(call, batch, 200, false);
    bulk_give(call->site->bulk, batch);
}

/* --- results --- */

/* A query has one result; its id is the batch's number as a 752. */
static const char *result_id(struct call *call, const struct bulk_job *batch)
{
    char id[19];
    id_to_18(arena_printf(call->arena, "752%.12s", batch->id + 3), id);
    return arena_strdup(call->arena, id);
}

static void answer_result(struct call *call, struct bulk_job *batch)
{
    struct speech s;
    if (!is_query(batch)) {
        answer_job_file(call, batch, BULK_ORDERED);
    } else if (batch->json) {
        answer_json(call, 200, &s.w);
        jw_array(&s.w);
        jw_text(&s.w, result_id(call, batch));
        jw_end_array(&s.w);
    } else {
        speech_begin(&s, call, false, 200, "result-list");
        buf_printf(s.out, "<result>%s</result></result-list>", result_id(call, batch));
    }
}

void bulk_v1_result(struct call *call)
{
    struct bulk_job *batch = named_batch(call);
    if (!batch)
        return;
    bulk_lock(call->site->bulk);
    bool over = batch->state == BULK_DONE || batch->state == BULK_FAILED;
    bulk_unlock(call->site->bulk);
    if (over && bulk_settled(call->site->bulk, batch))
        answer_result(call, batch);
    else
        answer_error(call, 400, "InvalidBatch", "Batch not completed");
    bulk_give(call->site->bulk, batch);
}

void bulk_v1_rows(struct call *call)
{
    struct bulk_job *batch = named_batch(call);
    if (!batch)
        return;
    if (bulk_settled(call->site->bulk, batch))
        answer_job_file(call, batch, BULK_ROWS);
    else
        answer_error(call, 400, "InvalidBatch", "Batch not completed");
    bulk_give(call->site->bulk, batch);
}

void bulk_v1_request(struct call *call)
{
    struct bulk_job *batch = named_batch(call);
    if (!batch)
        return;
    answer_job_file(call, batch, batch->json && !is_query(batch) ? BULK_SENT : BULK_DATA);
    bulk_give(call->site->bulk, batch);
}
