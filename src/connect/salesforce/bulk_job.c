/* bulk_job.c - Bulk API 2.0 query jobs: made, asked after, given up.
 *
 * Facts: POST /jobs/query {"operation","query","contentType","columnDelimiter",
 * "lineEnding"} starts at once; states UploadComplete, InProgress, then
 * JobComplete, Failed or Aborted; results stay 7 days. Each request is one API
 * call. A job that was made twice (its first answer got lost) harms nobody: its
 * results are never fetched. */
#include "connect/salesforce/read_priv.h"

#include "base/log.h"
#include "base/str.h"

#include <string.h>

static enum bulk_state state_of(const char *text)
{
    if (text_eq(text, "JobComplete"))
        return BULK_DONE;
    if (text_eq(text, "Failed"))
        return BULK_FAILED;
    return text_eq(text, "Aborted") ? BULK_GONE : BULK_RUNNING;
}

static enum status job_take(const struct json *body, struct arena *arena, struct bulk_job *job,
                            struct err *err)
{
    const char *id = json_get_text(body, "id"), *state = json_get_text(body, "state");
    if (!id || !state || !sf_id(id, strlen(id), job->id))
        return err_set(err, ERR_CRM_UNREACHABLE,
                       "Salesforce answered about a Bulk job with something else");
    job->state = state_of(state);
    job->records = json_get_int(body, "numberRecordsProcessed", 0);
    const char *why = json_get_text(body, "errorMessage");
    job->why = arena_strdup(arena, why && *why ? why : "no reason given");
    return OK;
}

enum status bulk_job_create(struct sf *sf, const char *soql, bool all_rows, const char *object,
                            struct bulk_job *job, struct err *err)
{
    struct arena *arena = arena_new();
    struct buf text = BUF_INIT;
    const struct json *body = NULL;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "operation", all_rows ? "queryAll" : "query");
    jw_kv_text(&w, "query", soql);
    jw_kv_text(&w, "contentType", "CSV");
    jw_kv_text(&w, "columnDelimiter", "COMMA");
    jw_kv_text(&w, "lineEnding", "LF");
    jw_end_object(&w);
    struct sf_call call = {.method = "POST",
                           .path = "/jobs/query",
                           .body = text.data,
                           .body_len = text.len,
                           .object = object,
                           .what = "starting a Bulk query"};
    enum status rc = sf_read(sf, &call, arena, &body, err);
    if (rc == OK)
        rc = job_take(body, arena, job, err);
    job->why = NULL;
    buf_free(&text);
    arena_free(arena);
    return rc;
}

enum status bulk_job_poll(struct sf *sf, struct arena *arena, struct bulk_job *job, struct err *err)
{
    const struct json *body = NULL;
    struct sf_call call = {.path = arena_printf(arena, "/jobs/query/%s", job->id),
                           .what = "asking after a Bulk query"};
    if (sf_read(sf, &call, arena, &body, err) == OK)
        return job_take(body, arena, job, err);
    if (!err_is(err, "sf.NOT_FOUND") && !err_is(err, "sf.INVALIDJOB"))
        return FAIL;
    job->state = BULK_GONE; /* deleted, or older than its 7 days */
    err_clear(err);
    return OK;
}

void bulk_job_abort(struct sf *sf, const struct bulk_job *job)
{
    static const char aborted[] = "{\"state\":\"Aborted\"}";
    struct arena *arena = arena_new();
    struct http_response response;
    struct err err = {0};
    struct sf_call call = {.method = "PATCH",
                           .path = arena_printf(arena, "/jobs/query/%s", job->id),
                           .body = aborted,
                           .body_len = sizeof aborted - 1,
                           .timeout_ms = 10000};
    if (sf_send(sf, &call, &response, &err) != OK || response.status != 200)
        log_info("Bulk job %s was not aborted (%d); it ends by itself", job->id, response.status);
    http_response_free(&response);
    arena_free(arena);
}
