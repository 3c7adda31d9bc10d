/* deploys.c - running deployments, keeping their results, and the REST form:
 * POST /metadata/deployRequest (multipart: JSON with deployOptions, and the zip),
 * GET /metadata/deployRequest/ID?includeDetails=true. */
#include "localorg/rest/deploys.h"

#include "localorg/rest/multipart.h"
#include "localorg/rest/resources.h"

#include "base/str.h"
#include "base/vec.h"
#include "base/when.h"
#include "localorg/metadata/setup.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define KEPT 100

struct kept {
    char id[19];
    char *plain, *detailed; /* DeployResult as JSON */
};

struct deploys {
    pthread_mutex_t lock;
    VEC(struct kept) list; /* oldest first */
    uint64_t number;
};

struct deploys *deploys_new(void)
{
    struct deploys *deploys = mem_alloc(sizeof *deploys);
    pthread_mutex_init(&deploys->lock, NULL);
    return deploys;
}

static void kept_free(struct kept *kept)
{
    free(kept->plain);
    free(kept->detailed);
}

void deploys_free(struct deploys *deploys)
{
    if (!deploys)
        return;
    for (size_t i = 0; i < deploys->list.len; i++)
        kept_free(&deploys->list.at[i]);
    vec_free(&deploys->list);
    pthread_mutex_destroy(&deploys->lock);
    free(deploys);
}

/* --- the result as JSON --- */

static void write_message(struct jw *w, const struct deploy_message *message, const char *now)
{
    jw_object(w);
    jw_kv_bool(w, "changed", message->changed);
    jw_kv_text(w, "componentType", message->type);
    jw_kv_bool(w, "created", message->created);
    jw_kv_text(w, "createdDate", now);
    jw_kv_bool(w, "deleted", message->deleted);
    jw_kv_text(w, "fileName", message->file);
    jw_kv_text(w, "fullName", message->full_name);
    if (message->id)
        jw_kv_text(w, "id", message->id);
    if (message->problem) {
        jw_kv_text(w, "problem", message->problem);
        jw_kv_text(w, "problemType", message->warning ? "Warning" : "Error");
    }
    jw_kv_bool(w, "success", message->success);
    jw_kv_bool(w, "warning", message->warning);
    jw_end_object(w);
}

/* Successes with a warning count as successes, and are listed so. */
static void write_messages(struct jw *w, const struct deploy_result *result, bool success,
                           const char *now)
{
    jw_key(w, success ? "componentSuccesses" : "componentFailures");
    jw_array(w);
    for (const struct deploy_message *message = result->messages; message; message = message->next)
        if (message->success == success)
            write_message(w, message, now);
    jw_end_array(w);
}

static void write_details(struct jw *w, const struct deploy_result *result, const char *now)
{
    jw_key(w, "details");
    jw_object(w);
    write_messages(w, result, false, now);
    write_messages(w, result, true, now);
    jw_key(w, "runTestResult");
    jw_object(w);
    jw_kv_int(w, "numFailures", 0);
    jw_kv_int(w, "numTestsRun", 0);
    jw_kv_text(w, "totalTime", "0.0");
    jw_end_object(w);
    jw_end_object(w);
}

static char *result_text(struct call *call, const char *id, const struct deploy_options *options,
                         const struct deploy_result *result, bool details)
{
    struct buf text = BUF_INIT;
    struct jw w;
    struct org_user user = {{0}};
    char now[32];
    when_iso(call_now(call), now);
    org_user_by_id(call->site->org, call->session.user_id, &user);
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_bool(&w, "checkOnly", options->check_only);
    jw_kv_text(&w, "completedDate", now);
    jw_kv_text(&w, "createdBy", user.id);
    jw_kv_text(&w, "createdByName", user.name);
    jw_kv_text(&w, "createdDate", now);
    if (details)
        write_details(&w, result, now);
    jw_kv_bool(&w, "done", true);
    if (result->error_message) {
        jw_kv_text(&w, "errorMessage", result->error_message);
        jw_kv_text(&w, "errorStatusCode", "UNKNOWN_EXCEPTION");
    }
    jw_kv_text(&w, "id", id);
    jw_kv_bool(&w, "ignoreWarnings", options->ignore_warnings);
    jw_kv_text(&w, "lastModifiedDate", now);
    jw_kv_int(&w, "numberComponentErrors", (int64_t)result->errors);
    jw_kv_int(&w, "numberComponentsDeployed", (int64_t)result->deployed);
    jw_kv_int(&w, "numberComponentsTotal", (int64_t)result->total);
    jw_kv_int(&w, "numberTestErrors", 0);
    jw_kv_int(&w, "numberTestsCompleted", 0);
    jw_kv_int(&w, "numberTestsTotal", 0);
    jw_kv_bool(&w, "rollbackOnError", options->rollback_on_error);
    jw_kv_bool(&w, "runTestsEnabled", false);
    jw_kv_text(&w, "startDate", now);
    jw_kv_text(&w, "status", result->status);
    jw_kv_bool(&w, "success", result->success);
    jw_end_object(&w);
    return buf_take(&text);
}

/* --- running --- */

static void keep(struct deploys *deploys, const struct kept *kept)
{
    pthread_mutex_lock(&deploys->lock);
    vec_push(&deploys->list, *kept);
    if (deploys->list.len > KEPT) {
        kept_free(&deploys->list.at[0]);
        memmove(deploys->list.at, deploys->list.at + 1, KEPT * sizeof *deploys->list.at);
        deploys->list.len = KEPT;
    }
    pthread_mutex_unlock(&deploys->lock);
}

enum status deploys_run(struct call *call, const void *zip, size_t len,
                        const struct deploy_options *options, char id[19], struct err *err)
{
    struct deploys *deploys = call->site->deploys;
    struct deploy_result result;
    struct meta meta = {.org = call->site->org,
                        .user_id = call->session.user_id,
                        .arena = call->arena,
                        .api_version = call->api_version};
    if (deploy_run(&meta, zip, len, options, &result, err) != OK)
        return FAIL;
    setup_stale(call->site->setup);
    pthread_mutex_lock(&deploys->lock);
    uint64_t number = ++deploys->number;
    pthread_mutex_unlock(&deploys->lock);
    org_setup_id(call->site->org, "0Af",
                 arena_printf(call->arena, "deploy %llu", (unsigned long long)number), id);
    struct kept kept = {.plain = result_text(call, id, options, &result, false),
                        .detailed = result_text(call, id, options, &result, true)};
    memcpy(kept.id, id, sizeof kept.id);
    keep(deploys, &kept);
    return OK;
}

const struct json *deploys_result(struct call *call, const char *id, bool details)
{
    struct deploys *deploys = call->site->deploys;
    const struct json *found = NULL;
    char id18[19];
    if (!id_canonical(id, id18))
        return NULL;
    pthread_mutex_lock(&deploys->lock);
    for (size_t i = 0; i < deploys->list.len && !found; i++)
        if (strcmp(deploys->list.at[i].id, id18) == 0) {
            const char *text = details ? deploys->list.at[i].detailed : deploys->list.at[i].plain;
            found = json_parse(call->arena, text, strlen(text), NULL);
        }
    pthread_mutex_unlock(&deploys->lock);
    return found;
}

/* --- REST --- */

static bool may_deploy(struct call *call)
{
    struct org_user user;
    if (org_user_by_id(call->site->org, call->session.user_id, &user) && user.system_administrator)
        return true;
    answer_error(call, 403, "INSUFFICIENT_ACCESS",
                 "use of the Metadata API requires a user with the ModifyAllData or "
                 "ModifyMetadata permissions");
    return false;
}

static void answer_request(struct call *call, int status, const char *id, bool details)
{
    struct jw w;
    const struct json *result = deploys_result(call, id, details);
    if (!result) {
        answer_error(call, 404, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id");
        return;
    }
    answer_json(call, status, &w);
    jw_object(&w);
    jw_kv_text(&w, "id", json_get_text(result, "id"));
    jw_key(&w, "deployResult");
    jw_value(&w, result);
    jw_end_object(&w);
}

void deploy_request(struct call *call)
{
    struct err err = {{0}};
    struct multipart_part json = {0}, file = {0};
    char id[19];
    if (!may_deploy(call))
        return;
    if (!multipart_part(call, "json", &json))
        multipart_part(call, "entity_content", &json);
    if (!multipart_part(call, "file", &file) || !json.data) {
        answer_error(call, 400, "INVALID_MULTIPART_REQUEST",
                     "a deployment is multipart: a part \"json\" with deployOptions and a part "
                     "\"file\" with the zip archive");
        return;
    }
    const struct json *options =
        json_get(json_parse(call->arena, json.data, json.len, NULL), "deployOptions");
    struct deploy_options wanted = {
        .check_only = json_get_bool(options, "checkOnly", false),
        .rollback_on_error = json_get_bool(options, "rollbackOnError", true),
        .ignore_warnings = json_get_bool(options, "ignoreWarnings", false),
        .allow_missing_files = json_get_bool(options, "allowMissingFiles", false)};
    if (deploys_run(call, file.data, file.len, &wanted, id, &err) != OK)
        answer_failed(call, &err);
    else
        answer_request(call, 201, id, false);
}

void deploy_request_status(struct call *call)
{
    if (strcmp(call->method, "PATCH") == 0) {
        answer_error(call, 400, "INVALID_OPERATION", "Deployment is already complete");
        return;
    }
    const char *details = call_param(call, "includeDetails");
    answer_request(call, 200, call->args[0], details && strcmp(details, "true") == 0);
}
