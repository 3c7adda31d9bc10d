/* bulk_v1.c - Bulk API 1: /services/async. Jobs in XML, batches of CSV.
 *
 * As much of it as jsforce's bulk, Query#update and Query#destroy, Data Loader
 * and CumulusCI ask for: insert, update, upsert, delete, hardDelete, query and
 * queryAll, results in input order. A job here is a folder; each batch is a job
 * of bulk.h that points to it and starts when it arrives. XML and ZIP batches
 * and JSON jobs are refused. Errors are written as everywhere else and turned
 * into XML by bulk_v1_speak. */
#include "localorg/rest/bulk_answer.h"
#include "localorg/rest/bulk_export.h"
#include "localorg/rest/resources.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/when.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAMESPACE "http://www.force.com/2009/06/asyncapi/dataload"
#define XML_TYPE  "application/xml"
#define BATCH_MAX 10000000 /* bytes */

/* --- reading XML: flat elements with text --- */

static const struct {
    const char *entity, *text;
} entities[] = {{"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&apos;", "'"}};

static const char *xml_plain(struct arena *arena, const char *text, size_t len)
{
    struct buf out = BUF_INIT;
    for (const char *at = text, *end = text + len; at < end;) {
        size_t i = 0, count = sizeof entities / sizeof *entities;
        while (i < count && strncmp(at, entities[i].entity, strlen(entities[i].entity)) != 0)
            i++;
        buf_char(&out, i < count ? entities[i].text[0] : *at);
        at += i < count ? strlen(entities[i].entity) : 1;
    }
    const char *plain = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return plain;
}

/* The text of <name>...</name>, or NULL. */
static const char *xml_text(struct call *call, const char *name)
{
    const char *body = buf_text(&call->in->body);
    const char *open = arena_printf(call->arena, "<%s>", name);
    const char *at = strstr(body, open);
    const char *end = at ? strstr(at, arena_printf(call->arena, "</%s>", name)) : NULL;
    if (!end)
        return NULL;
    at += strlen(open);
    return xml_plain(call->arena, at, (size_t)(end - at));
}

/* --- writing XML --- */

static void xml_escaped(struct buf *out, const char *text)
{
    for (; *text; text++) {
        size_t i = 0, count = sizeof entities / sizeof *entities;
        while (i < count && entities[i].text[0] != *text)
            i++;
        if (i < count)
            buf_str(out, entities[i].entity);
        else
            buf_char(out, *text);
    }
}

static void element(struct buf *out, const char *name, const char *text)
{
    buf_printf(out, " <%s>", name);
    xml_escaped(out, text);
    buf_printf(out, "</%s>\n", name);
}

static void element_int(struct buf *out, const char *name, int64_t value)
{
    buf_printf(out, " <%s>%lld</%s>\n", name, (long long)value, name);
}

static void element_when(struct buf *out, const char *name, int64_t ms)
{
    char text[32];
    when_iso(ms / 1000 * 1000, text);
    element(out, name, text);
}

static struct buf *answer_xml(struct call *call, int status, const char *root)
{
    answer_text(call, status, XML_TYPE, "");
    buf_printf(&call->out->body,
               "<?xml version=\"1.0\" encoding=\"UTF-8\"?><%s\n   xmlns=\"" NAMESPACE "\">\n",
               root);
    return &call->out->body;
}

/* --- jobs and batches as XML --- */

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
    struct buf *out = answer_xml(call, status, "jobInfo");
    element(out, "id", folder->id);
    element(out, "operation", bulk_operation_name(folder->operation));
    element(out, "object", folder->object);
    element(out, "createdById", folder->session.user_id);
    element_when(out, "createdDate", folder->created_ms);
    element_when(out, "systemModstamp", folder->changed_ms);
    element(out, "state",
            state == BULK_OPEN      ? "Open"
            : state == BULK_ABORTED ? "Aborted"
                                    : "Closed");
    if (folder->key[0])
        element(out, "externalIdFieldName", folder->key);
    element(out, "concurrencyMode", "Parallel");
    element(out, "contentType", "CSV");
    element_int(out, "numberBatchesQueued", sums.queued);
    element_int(out, "numberBatchesInProgress", sums.running);
    element_int(out, "numberBatchesCompleted", sums.done);
    element_int(out, "numberBatchesFailed", sums.failed);
    element_int(out, "numberBatchesTotal", sums.total);
    element_int(out, "numberRecordsProcessed", sums.records);
    element_int(out, "numberRetries", 0);
    buf_printf(out, " <apiVersion>%.1f</apiVersion>\n", folder->api_version);
    element_int(out, "numberRecordsFailed", sums.refused);
    element_int(out, "totalProcessingTime", sums.took_ms);
    element_int(out, "apiActiveProcessingTime", sums.took_ms);
    element_int(out, "apexProcessingTime", 0);
    buf_str(out, "</jobInfo>");
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
static void batch_elements(struct buf *out, const struct bulk_job *batch, bool fresh)
{
    element(out, "id", batch->id);
    element(out, "jobId", batch->parent);
    element(out, "state", fresh ? "Queued" : batch_state(batch));
    if (batch->error[0] && !fresh)
        element(out, "stateMessage", batch->error);
    element_when(out, "createdDate", batch->created_ms);
    element_when(out, "systemModstamp", batch->changed_ms);
    element_int(out, "numberRecordsProcessed", fresh ? 0 : batch->processed);
    element_int(out, "numberRecordsFailed", fresh ? 0 : batch->failed);
    element_int(out, "totalProcessingTime", fresh ? 0 : batch->took_ms);
    element_int(out, "apiActiveProcessingTime", fresh ? 0 : batch->took_ms);
    element_int(out, "apexProcessingTime", 0);
}

static void answer_batch(struct call *call, const struct bulk_job *batch, int status, bool fresh)
{
    struct buf *out = answer_xml(call, status, "batchInfo");
    bulk_lock(call->site->bulk);
    batch_elements(out, batch, fresh);
    bulk_unlock(call->site->bulk);
    buf_str(out, "</batchInfo>");
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

static bool read_operation(struct call *call, struct bulk_job *folder)
{
    const char *asked = xml_text(call, "operation"), *content = xml_text(call, "contentType");
    if (content && strcmp(content, "CSV") != 0) {
        answer_error(call, 400, "InvalidJob", "localorg takes batches of CSV, not of %s", content);
        return false;
    }
    if (bulk_operation_parse(asked, false, &folder->operation) ||
        bulk_operation_parse(asked, true, &folder->operation))
        return true;
    answer_error(call, 400, "InvalidJob",
                 asked ? "the operation %s is not known"
                       : "localorg reads jobs of Bulk API 1 as XML: <operation> is missing%s",
                 asked ? asked : "");
    return false;
}

static bool read_object(struct call *call, struct bulk_job *folder)
{
    const char *key = xml_text(call, "externalIdFieldName");
    const struct sobject *object = bulk_object(call, xml_text(call, "object"));
    const struct field *field = object && key ? sobject_field(object, key) : NULL;
    if (!object)
        return false;
    snprintf(folder->object, sizeof folder->object, "%.80s", object->name);
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
    if (read_operation(call, folder) && read_object(call, folder)) {
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
    const char *asked = xml_text(call, "state");
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

static bool keep_batch(struct call *call, struct bulk_job *batch)
{
    struct err err = {{0}};
    const struct buf *body = &call->in->body;
    FILE *file = bulk_open(call->site->bulk, batch, BULK_DATA, "wbe");
    bool good = file && fwrite(buf_text(body), 1, body->len, file) == body->len;
    if (file)
        good = fclose(file) == 0 && good;
    batch->uploaded = true; /* nobody else knows it yet */
    if (good)
        return true;
    err_set(&err, ERR_IO, "the batch could not be kept on disk");
    answer_failed(call, &err);
    return false;
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
    bool query = batch->operation == BULK_READ || batch->operation == BULK_READ_ALL;
    if ((!query || query_good(call, batch)) && keep_batch(call, batch)) {
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
    struct buf *out = answer_xml(call, 200, "batchInfoList");
    bulk_lock(call->site->bulk);
    for (size_t i = 0; i < count; i++) {
        buf_str(out, " <batchInfo>\n");
        batch_elements(out, batches[i], false);
        buf_str(out, " </batchInfo>\n");
    }
    bulk_unlock(call->site->bulk);
    buf_str(out, "</batchInfoList>");
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
    if (batch->operation != BULK_READ && batch->operation != BULK_READ_ALL) {
        answer_job_file(call, batch, BULK_ORDERED);
        return;
    }
    struct buf *out = answer_xml(call, 200, "result-list");
    buf_printf(out, "<result>%s</result></result-list>", result_id(call, batch));
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
    answer_job_file(call, batch, BULK_DATA);
    bulk_give(call->site->bulk, batch);
}

/* --- errors --- */

/* REST's code as Bulk API 1 spells it. */
static const char *own_code(const char *code)
{
    static const char *const names[][2] = {
        {"INVALID_SESSION_ID", "InvalidSessionId"},      {"INVALIDENTITY", "InvalidEntity"},
        {"REQUEST_LIMIT_EXCEEDED", "ExceededQuota"},     {"UNKNOWN_EXCEPTION", "Unknown"},
        {"API_CURRENTLY_DISABLED", "FeatureNotEnabled"},
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i][0], code) == 0)
            return names[i][1];
    return code;
}

void bulk_v1_speak(struct call *call)
{
    const char *type = http_header_get(call->out->headers, "Content-Type");
    if (!text_starts(call->path, "/services/async/") || call->out->status < 400 || !type ||
        !text_starts(type, "application/json"))
        return;
    const struct json *body = json_parse_buf(call->arena, &call->out->body, NULL);
    const char *code = json_get_text(json_at(body, 0), "errorCode");
    const char *message = json_get_text(json_at(body, 0), "message");
    if (!code || !message)
        return;
    const char *own = own_code(code);
    bool session = strcmp(own, "InvalidSessionId") == 0;
    struct buf *out = answer_xml(call, call->out->status == 401 ? 400 : call->out->status, "error");
    element(out, "exceptionCode", own);
    element(out, "exceptionMessage", session ? "Invalid session id" : message);
    buf_str(out, "</error>");
}
