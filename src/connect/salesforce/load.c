/* load.c - Bulk API 2.0 ingest jobs: made, filled, started, asked after, given up.
 *
 * Facts: POST /jobs/ingest {"object","operation","contentType","lineEnding",
 * "columnDelimiter","externalIdFieldName","assignmentRuleId"}; PUT .../batches once,
 * 201; PATCH {"state":"UploadComplete"} begins; states Open, UploadComplete,
 * InProgress, JobComplete, Failed, Aborted; JobComplete says nothing of the rows.
 * Duplicate rules cannot be overridden by a job, an assignment rule is named by its
 * id or does not run. A job that was made and never started does nothing and is
 * gone after a week; so making one may be repeated. Filling and starting are one
 * request each, repeated only when it was refused at the door. */
#include "connect/salesforce/load_priv.h"

#include "base/log.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define UPLOAD_MS   ((int64_t)20 * 60 * 1000)
#define CALLS_A_JOB 14 /* made, filled, started, about eight questions, three results */

static const char *const operations[] = {[OP_CREATE] = "insert",
                                         [OP_UPDATE] = "update",
                                         [OP_UPSERT] = "upsert",
                                         [OP_DELETE] = "delete"};

/* ------------------------------------------------------------------ may it */

/* [Bulk API 2.0 guide: objects that are not supported; the error is INVALIDENTITY] */
bool load_can(const struct crm_object *object)
{
    static const char *const refused[] = {
        "CaseStatus",  "ContractStatus", "OrderStatus",      "PartnerRole", "RecentlyViewed",
        "SolutionStatus", "TaskPriority", "TaskStatus", "UserRecordAccess"};
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (text_eq_nocase(object->name, refused[i]))
            return false;
    for (size_t i = 0; i < object->field_count; i++)
        if (text_eq(object->fields[i].type, "base64") && object->fields[i].createable)
            return false; /* files want a zip and the older API */
    return object->createable;
}

/* Smaller jobs, for careful people and tests. */
static size_t rows_most(void)
{
    const char *given = getenv("ARGIL_BULK_ROWS");
    long rows = given ? strtol(given, NULL, 10) : 0;
    return rows > 0 && rows < LOAD_ROWS_MOST ? (size_t)rows : LOAD_ROWS_MOST;
}

static size_t load_cost(size_t count)
{
    return (count + LOAD_ROWS_MOST - 1) / LOAD_ROWS_MOST * CALLS_A_JOB;
}

/* The rule that would run for a record made by REST: a job runs it only by its id. */
static const char *active_rule(struct sf *sf, struct crm_job_ask *ask, struct arena *arena)
{
    struct err err = {0};
    struct sf_rows rows = {0};
    struct sf_query query = {
        .soql = arena_printf(arena,
                             "SELECT Id FROM AssignmentRule WHERE SobjectType = '%s' AND "
                             "Active = true",
                             ask->object)};
    if (sf_query(sf, &query, "AssignmentRule", arena, &rows, &err) != OK)
        return arena_printf(arena, "the assignment rule that is to run cannot be found: %s",
                            err.message);
    const char *id = json_get_text(json_at(rows.records, 0), "Id");
    ask->assignment_rule = arena_strdup(arena, id); /* none is active: none runs by REST either */
    return NULL;
}

static const char *load_refuses(struct crm_session *session, struct crm_job_ask *ask,
                                struct arena *arena)
{
    const char *assign = ask->options->auto_assign;
    char id[19];
    bool rules = text_eq_nocase(ask->object, "Lead") || text_eq_nocase(ask->object, "Case");
    ask->assignment_rule = NULL;
    if (ask->kind > OP_DELETE)
        return "leads are converted one request each";
    if (ask->options->duplicate_override && ask->kind != OP_DELETE)
        return "a Bulk job cannot save past a duplicate rule";
    if (!rules || ask->kind == OP_DELETE)
        return NULL;
    if (assign && sf_id(assign, strlen(assign), id)) {
        ask->assignment_rule = arena_strdup(arena, id);
        return NULL;
    }
    bool runs = assign ? text_eq_nocase(assign, "TRUE") : ask->kind == OP_CREATE;
    return runs ? active_rule(sf_of(session), ask, arena) : NULL;
}

/* ------------------------------------------------------------------- a job */

static enum crm_job_state state_of(const char *text)
{
    static const struct {
        const char *name;
        enum crm_job_state state;
    } names[] = {{"Open", CRM_JOB_OPEN},
                 {"JobComplete", CRM_JOB_DONE},
                 {"Failed", CRM_JOB_FAILED},
                 {"Aborted", CRM_JOB_ABORTED}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_eq(text, names[i].name))
            return names[i].state;
    return CRM_JOB_RUNNING;
}

static enum status job_take(const struct json *body, struct arena *arena, struct crm_job *job,
                            struct err *err)
{
    const char *id = json_get_text(body, "id"), *state = json_get_text(body, "state");
    if (!id || !state || !sf_id(id, strlen(id), job->id))
        return err_set(err, ERR_CRM_UNREACHABLE,
                       "Salesforce answered about a Bulk job with something else");
    job->state = state_of(state);
    job->processed = json_get_int(body, "numberRecordsProcessed", 0);
    job->failed = json_get_int(body, "numberRecordsFailed", 0);
    const char *why = json_get_text(body, "errorMessage");
    job->why = arena_strdup(arena, why && *why ? why : "no reason given");
    return OK;
}

/* An upsert that ran as an insert has been seen (F-51): the job is read back before it has rows. */
static enum status job_as_asked(const struct json *body, const struct crm_job_ask *ask,
                                struct err *err)
{
    bool same = text_eq_nocase(json_get_text(body, "operation"), operations[ask->kind]) &&
                text_eq_nocase(json_get_text(body, "object"), ask->object);
    if (same && ask->kind == OP_UPSERT)
        same = text_eq_nocase(json_get_text(body, "externalIdFieldName"), ask->key_field);
    return same ? OK
                : err_set(err, "connect.bulk_other_job",
                          "Salesforce made another Bulk job than the one that was asked for");
}

static void job_wish(const struct crm_job_ask *ask, struct buf *text)
{
    struct jw w;
    jw_init(&w, text);
    jw_object(&w);
    jw_kv_text(&w, "object", ask->object);
    jw_kv_text(&w, "operation", operations[ask->kind]);
    jw_kv_text(&w, "contentType", "CSV");
    jw_kv_text(&w, "columnDelimiter", "COMMA");
    jw_kv_text(&w, "lineEnding", "LF");
    if (ask->kind == OP_UPSERT)
        jw_kv_text(&w, "externalIdFieldName", ask->key_field);
    if (ask->assignment_rule)
        jw_kv_text(&w, "assignmentRuleId", ask->assignment_rule);
    jw_end_object(&w);
}

static enum status load_create(struct crm_session *session, const struct crm_job_ask *ask,
                               struct arena *arena, struct crm_job *job, struct err *err)
{
    struct buf text = BUF_INIT;
    const struct json *body = NULL;
    job_wish(ask, &text);
    struct sf_call call = {.method = "POST",
                           .path = "/jobs/ingest",
                           .body = text.data,
                           .body_len = text.len,
                           .fresh = true, /* libcurl never sends it again by itself */
                           .object = ask->object,
                           .what = "making a Bulk job"};
    enum status rc = sf_read(sf_of(session), &call, arena, &body, err);
    if (rc == OK)
        rc = job_take(body, arena, job, err);
    if (rc == OK)
        rc = job_as_asked(body, ask, err);
    buf_free(&text);
    return rc;
}

/* One request; once more after a 401, which is given before anything is done. */
static enum status tell(struct sf *sf, const struct sf_call *call, int wanted, struct err *err)
{
    for (int attempt = 0;; attempt++) {
        struct http_response response;
        struct arena *arena = arena_new();
        struct err ignored = {0};
        enum status rc = sf_ready(sf, err);
        if (rc != OK) {
            arena_free(arena);
            return FAIL;
        }
        rc = sf_send(sf, call, &response, err);
        int status = response.status;
        const struct json *body = rc == OK && response.body.len
                                      ? json_parse_buf(arena, &response.body, &ignored)
                                      : NULL;
        bool stale = rc == OK && status == 401 && sf_token_stale(&response, body);
        if (rc == OK && status != wanted && !stale)
            rc = sf_fail(sf, call, status, body, &response.body, err);
        http_response_free(&response);
        arena_free(arena);
        if (!stale)
            return rc;
        if (attempt || sf_refresh(sf, err) != OK)
            return attempt ? err_set(err, ERR_CRM_RECONNECT, "the session ended, and again") : FAIL;
    }
}

static enum status load_upload(struct crm_session *session, const struct crm_job *job,
                               const struct buf *csv, struct err *err)
{
    struct arena *arena = arena_new();
    struct sf_call call = {.method = "PUT",
                           .path = arena_printf(arena, "/jobs/ingest/%s/batches", job->id),
                           .body = csv->data,
                           .body_len = csv->len,
                           .content_type = "text/csv; charset=UTF-8",
                           .fresh = true,
                           .timeout_ms = UPLOAD_MS,
                           .what = "filling a Bulk job"};
    enum status rc = tell(sf_of(session), &call, 201, err);
    arena_free(arena);
    return rc;
}

static enum status change(struct crm_session *session, const struct crm_job *job,
                          const char *body, const char *what, struct err *err)
{
    struct arena *arena = arena_new();
    struct sf_call call = {.method = "PATCH",
                           .path = arena_printf(arena, "/jobs/ingest/%s", job->id),
                           .body = body,
                           .body_len = strlen(body),
                           .fresh = true,
                           .what = what};
    enum status rc = tell(sf_of(session), &call, 200, err);
    arena_free(arena);
    return rc;
}

static enum status load_start(struct crm_session *session, const struct crm_job *job,
                              struct err *err)
{
    return change(session, job, "{\"state\":\"UploadComplete\"}", "starting a Bulk job", err);
}

static enum status load_abort(struct crm_session *session, const struct crm_job *job,
                              struct err *err)
{
    return change(session, job, "{\"state\":\"Aborted\"}", "giving up a Bulk job", err);
}

static enum status load_poll(struct crm_session *session, struct arena *arena,
                             struct crm_job *job, struct err *err)
{
    const struct json *body = NULL;
    struct sf_call call = {.path = arena_printf(arena, "/jobs/ingest/%s", job->id),
                           .what = "asking after a Bulk job"};
    if (sf_read(sf_of(session), &call, arena, &body, err) == OK)
        return job_take(body, arena, job, err);
    if (!err_is(err, "sf.NOT_FOUND") && !err_is(err, "sf.INVALIDJOB"))
        return FAIL;
    job->state = CRM_JOB_GONE; /* deleted, or older than its seven days */
    err_clear(err);
    return OK;
}

const struct crm_bulk salesforce_bulk = {
    .rows_most = rows_most,
    .cost = load_cost,
    .refuses = load_refuses,
    .pack = load_pack,
    .create = load_create,
    .upload = load_upload,
    .start = load_start,
    .abort = load_abort,
    .poll = load_poll,
    .results = load_results,
};
