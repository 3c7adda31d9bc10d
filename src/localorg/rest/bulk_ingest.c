/* bulk_ingest.c - /jobs/ingest: create, upload once, close, poll, results.
 *
 * What clients see is the Bulk API 2.0 guide's; what the rows become is
 * bulk_load.c's business. */
#include "localorg/rest/bulk_answer.h"
#include "localorg/rest/multipart.h"
#include "localorg/rest/resources.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

/* --- create --- */

static bool good_key(struct call *call, const struct sobject *object, const char *key)
{
    const struct field *field = key ? sobject_field(object, key) : NULL;
    if (!key) {
        answer_error(call, 400, "INVALIDJOB",
                     "InvalidJob : External ID was blank for %s. An External ID must be specified "
                     "for upsert.",
                     object->name);
        return false;
    }
    if (field && (field->external_id || field->id_lookup || field->type == FT_ID))
        return true;
    answer_error(call, 400, "INVALIDJOB",
                 "InvalidJob : Field name provided, %s does not match an External ID, Salesforce "
                 "Id, or indexed field for %s",
                 key, object->name);
    return false;
}

/* The job the body asks for. NULL after answering. */
static struct bulk_job *read_job(struct call *call, const struct json *body)
{
    enum bulk_operation operation;
    const char *asked = json_get_text(body, "operation");
    const char *key = json_get_text(body, "externalIdFieldName");
    const char *rule = json_get_text(body, "assignmentRuleId");
    if (!bulk_operation_parse(asked, false, &operation)) {
        answer_error(call, 400, "INVALIDOPERATION",
                     "InvalidOperation : %s is not an operation of "
                     "ingest jobs",
                     asked ? asked : "null");
        return NULL;
    }
    const struct sobject *object = bulk_object(call, json_get_text(body, "object"));
    if (!object || (operation == BULK_UPSERT && !good_key(call, object, key)))
        return NULL;
    struct bulk_job *job = bulk_job_asked(call, body, BULK_INGEST);
    if (!job)
        return NULL;
    job->operation = operation;
    snprintf(job->object, sizeof job->object, "%.80s", object->name);
    if (operation == BULK_UPSERT)
        snprintf(job->key, sizeof job->key, "%.80s", sobject_field(object, key)->name);
    if (rule)
        snprintf(job->assignment_rule, sizeof job->assignment_rule, "%.18s", rule);
    return job;
}

static bool keep_data(struct call *call, struct bulk_job *job, const char *bytes, size_t len)
{
    struct err err = {{0}};
    FILE *file = bulk_open(call->site->bulk, job, BULK_DATA, "wbe");
    bool good = file && fwrite(bytes, 1, len, file) == len;
    if (file)
        good = fclose(file) == 0 && good;
    if (good) {
        bulk_lock(call->site->bulk);
        job->uploaded = true;
        bulk_unlock(call->site->bulk);
    } else {
        err_set(&err, ERR_IO, "the upload could not be kept on disk");
        answer_failed(call, &err);
    }
    return good;
}

/* --- multipart: the job and its data in one request --- */

static void create_multipart(struct call *call)
{
    struct err err = {{0}};
    struct multipart_part asked = {0}, data = {0};
    bool both = multipart_part(call, "job", &asked) && multipart_part(call, "content", &data);
    const struct json *body = both ? json_parse(call->arena, asked.data, asked.len, &err) : NULL;
    if (!body) {
        answer_error(call, 400, "INVALIDJOB",
                     "InvalidJob : a multipart request needs a part \"job\" with JSON and a part "
                     "\"content\" with CSV");
        return;
    }
    if (utf16_length(data.data, data.len) > 100000) {
        answer_error(call, 400, "CLIENTINPUTERROR",
                     "ClientInputError : a multipart request holds at most 100,000 characters of "
                     "CSV");
        return;
    }
    struct bulk_job *job = read_job(call, body);
    if (!job)
        return;
    bulk_job_faults(call, job);
    bulk_add(call->site->bulk, job, call_now(call));
    if (keep_data(call, job, data.data, data.len)) {
        bulk_start(call->site->bulk, job, call_now(call));
        answer_job(call, job, BULK_CREATED);
    }
    bulk_give(call->site->bulk, job);
}

void bulk_ingest_jobs(struct call *call)
{
    if (strcmp(call->method, "POST") != 0) {
        answer_job_list(call, BULK_INGEST, "V2Ingest");
        return;
    }
    if (multipart_is(call)) {
        create_multipart(call);
        return;
    }
    const struct json *body = call_json(call);
    struct bulk_job *job = body ? read_job(call, body) : NULL;
    if (!job)
        return;
    bulk_add(call->site->bulk, job, call_now(call));
    answer_job(call, job, BULK_CREATED);
    bulk_give(call->site->bulk, job);
}

/* --- upload --- */

void bulk_ingest_upload(struct call *call)
{
    struct bulk_job *job = bulk_job_named(call, BULK_INGEST);
    if (!job)
        return;
    bulk_lock(call->site->bulk);
    bool open = job->state == BULK_OPEN, uploaded = job->uploaded;
    bulk_unlock(call->site->bulk);
    if (!open)
        answer_error(call, 400, "INVALIDJOBSTATE", "Job is not Open: it cannot take data any more");
    else if (uploaded)
        answer_error(call, 400, "CLIENTINPUTERROR",
                     "ClientInputError : Found multiple contents for job: <%s>, please 'Close' / "
                     "'Abort' / 'Delete' the current Job then create a new Job and make sure you "
                     "only do 'PUT' once on a given Job.",
                     job->id);
    else if (keep_data(call, job, buf_text(&call->in->body), call->in->body.len))
        answer_empty(call, 201);
    bulk_give(call->site->bulk, job);
}

/* --- one job --- */

static void close_job(struct call *call, struct bulk_job *job)
{
    bulk_lock(call->site->bulk);
    enum bulk_state state = job->state;
    bool uploaded = job->uploaded;
    bulk_unlock(call->site->bulk);
    if (state != BULK_OPEN) {
        answer_error(call, 400, "INVALIDJOBSTATE", "Closing already %s Job not allowed",
                     state == BULK_ABORTED  ? "Aborted"
                     : state == BULK_FAILED ? "Failed"
                     : state == BULK_DONE   ? "Completed"
                                            : "Closed");
        return;
    }
    if (!uploaded && !keep_data(call, job, "", 0))
        return;
    bulk_job_faults(call, job);
    bulk_start(call->site->bulk, job, call_now(call));
    /* what the client is told is the state it asked for */
    answer_job(call, job, BULK_CHANGED);
}

static void change_job(struct call *call, struct bulk_job *job)
{
    const struct json *body = call_json(call);
    const char *state = json_get_text(body, "state");
    if (!body)
        return;
    if (state && strcmp(state, "Aborted") == 0)
        answer_job_abort(call, job);
    else if (state && strcmp(state, "UploadComplete") == 0)
        close_job(call, job);
    else
        answer_error(call, 400, "INVALIDJOBSTATE",
                     "InvalidJobState : a job can be changed to UploadComplete or Aborted, not %s",
                     state ? state : "null");
}

void bulk_ingest_job(struct call *call)
{
    struct bulk_job *job = bulk_job_named(call, BULK_INGEST);
    if (!job)
        return;
    if (strcmp(call->method, "PATCH") == 0) {
        change_job(call, job);
    } else if (strcmp(call->method, "DELETE") == 0) {
        answer_job_delete(call, job);
    } else {
        bulk_poll(call->site->bulk, job, call_now(call));
        answer_job(call, job, BULK_FULL);
    }
    bulk_give(call->site->bulk, job);
}

/* --- results --- */

static bool results_named(const char *name, enum bulk_file *which)
{
    *which = text_eq_nocase(name, "successfulResults")    ? BULK_SUCCESSFUL
             : text_eq_nocase(name, "failedResults")      ? BULK_FAILED_ROWS
             : text_eq_nocase(name, "unprocessedrecords") ? BULK_UNPROCESSED
                                                          : BULK_FILES;
    return *which != BULK_FILES;
}

void bulk_ingest_results(struct call *call)
{
    enum bulk_file which;
    struct bulk_job *job = bulk_job_named(call, BULK_INGEST);
    if (!job)
        return;
    bulk_lock(call->site->bulk);
    bool over = job->state >= BULK_DONE;
    bulk_unlock(call->site->bulk);
    if (!results_named(call->args[1], &which))
        answer_not_found(call);
    else if (!over || !bulk_settled(call->site->bulk, job))
        answer_error(call, 400, "INVALIDJOBSTATE",
                     "Job is not completed: its results can be read when its state is JobComplete, "
                     "Failed or Aborted");
    else
        answer_job_file(call, job, which);
    bulk_give(call->site->bulk, job);
}
