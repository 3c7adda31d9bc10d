/* reports.c - saved reports: list, describe, run, create, clone, change, delete.
 *
 * A report is two things: a Report record, which SOQL finds, and a document
 * with its reportMetadata (org/documents.h), which says what it does. Both are
 * written in one transaction. Resources and error texts: Reports and Dashboards
 * REST API Developer Guide. */
#include "localorg/rest/reports.h"

#include "localorg/org/documents.h"
#include "localorg/org/stamps.h"
#include "localorg/rest/control.h"
#include "localorg/rest/records.h"
#include "localorg/rest/report_runs.h"
#include "localorg/rest/resources.h"

#include "base/str.h"

#include <ctype.h>
#include <string.h>

#define UNAVAILABLE "The data you’re trying to access is unavailable."

struct report_context reports_context(struct call *call)
{
    return (struct report_context){.org = call->site->org,
                                   .user_id = call->session.user_id,
                                   .now_ms = call_now(call),
                                   .api_version = call->api_version};
}

void reports_refuse(struct call *call, const struct err *err)
{
    static const struct {
        const char *code;
        int status;
    } statuses[] = {{REPORT_BAD_REQUEST, 400},
                    {REPORT_FORBIDDEN, 403},
                    {REPORT_NOT_FOUND, 404},
                    {REPORT_NOT_BUILT, 501}};
    int status = 500;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (err_is(err, statuses[i].code))
            status = statuses[i].status;
    answer_error(call, status, status == 500 ? "UNKNOWN_EXCEPTION" : err->code, "%s", err->message);
}

/* --- finding --- */

static const char *attributes(struct call *call, const char *id, const char *name)
{
    struct buf out = BUF_INIT;
    struct jw w;
    const char *url =
        arena_printf(call->arena, "%s/analytics/reports/%s", call->base, id ? id : "null");
    jw_init(&w, &out);
    jw_object(&w);
    jw_kv_text(&w, "describeUrl", arena_printf(call->arena, "%s/describe", url));
    jw_kv_text(&w, "instancesUrl", arena_printf(call->arena, "%s/instances", url));
    jw_kv_text(&w, "reportId", id);
    jw_kv_text(&w, "reportName", name);
    jw_kv_text(&w, "type", "Report");
    jw_end_object(&w);
    const char *text = arena_strdup(call->arena, buf_text(&out));
    buf_free(&out);
    return text;
}

bool reports_load(struct call *call, const char *text, struct saved_report *out)
{
    struct err err = {{0}};
    const struct sobject *object = schema_find(org_schema(call->site->org), "Report");
    if (!object || !org_may_object(call->site->org, call->session.user_id, object, ORG_READ) ||
        !id_canonical(text, out->id) || strncmp(out->id, "00O", 3) != 0 ||
        records_state(call, object, out->id, NULL) != RECORD_LIVE) {
        answer_error(call, 404, "NOT_FOUND", "%s", UNAVAILABLE);
        return false;
    }
    out->metadata = org_document_get(call->site->org, "report", out->id, call->arena, &err);
    if (!out->metadata) {
        if (err.code[0])
            answer_error(call, 500, "UNKNOWN_EXCEPTION",
                         "We ran into an error when fetching this report’s metadata. Try to "
                         "re-submit your query. (%s)",
                         err.message);
        else
            answer_error(call, 403, "FORBIDDEN",
                         "The report definition is obsolete. Your administrator has disabled all "
                         "reports for the custom object, or its relationships have changed.");
        return false;
    }
    out->attributes = attributes(call, out->id, json_get_text(out->metadata, "name"));
    return true;
}

/* The body's reportMetadata; *out NULL when there is no body. False after answering. */
static bool body_metadata(struct call *call, bool required, const struct json **out)
{
    const char *type = call_header(call, "Content-Type");
    *out = NULL;
    if (!call->json && call->in->body.len == 0 && !required)
        return true;
    if (!call->nested && type && *type && !strcasestr(type, "json")) {
        answer_error(call, 415, "UNSUPPORTED_MEDIA_TYPE",
                     "The Reports and Dashboards REST API only supports JSON content type in both "
                     "request and response bodies. Specify requests with content type as "
                     "application/json.");
        return false;
    }
    const struct json *body = call_json(call);
    if (!body)
        return false;
    *out = json_get(body, "reportMetadata");
    if (json_is(*out, JSON_OBJECT))
        return true;
    answer_error(call, 400, REPORT_BAD_REQUEST,
                 "The request is invalid because there is no metadata. Specify metadata in the "
                 "request body.");
    return false;
}

struct report *reports_read(struct call *call, const struct saved_report *saved)
{
    struct err err = {{0}};
    const struct json *changes = NULL;
    struct report_context context = reports_context(call);
    if (strcmp(call->method, "GET") != 0 && !body_metadata(call, !saved, &changes))
        return NULL;
    struct report *report =
        report_read(call->arena, &context, saved ? saved->metadata : NULL, changes, &err);
    if (!report)
        reports_refuse(call, &err);
    return report;
}

bool reports_details(struct call *call)
{
    const char *asked = call_param(call, "includeDetails");
    if (asked)
        return text_eq_nocase(asked, "true");
    return json_get_bool(json_get(call->json, "reportMetadata"), "hasDetailRows", false);
}

/* --- list --- */

void reports_list(struct call *call)
{
    struct jw w;
    static const char *const name[] = {"Name"};
    const struct sobject *report = schema_find(org_schema(call->site->org), "Report");
    struct view *views = arena_array(call->arena, VIEWS_PER_OBJECT, sizeof *views);
    size_t count =
        org_views(call->site->org, call->session.user_id, report, views, VIEWS_PER_OBJECT);
    answer_json(call, 200, &w);
    jw_array(&w);
    for (size_t i = 0; i < count; i++) {
        const char *text = NULL;
        const char *id = views[i].id;
        if (records_state(call, report, id, NULL) == RECORD_LIVE)
            records_texts(call, "Report", id, name, 1, &text);
        if (!text)
            continue;
        const char *url = arena_printf(call->arena, "%s/analytics/reports/%s", call->base, id);
        jw_object(&w);
        jw_kv_text(&w, "describeUrl", arena_printf(call->arena, "%s/describe", url));
        jw_kv_text(&w, "id", id);
        jw_kv_text(&w, "instancesUrl", arena_printf(call->arena, "%s/instances", url));
        jw_kv_text(&w, "name", text);
        jw_kv_text(&w, "url", url);
        jw_end_object(&w);
    }
    jw_end_array(&w);
}

/* --- run --- */

void reports_ran(struct call *call, const char *id)
{
    struct err err = {{0}};
    const char(*ids)[19] = (const char(*)[19])id;
    const struct sobject *object = schema_find(org_schema(call->site->org), "Report");
    org_stamp(call->site->org, object, "LastRunDate", ids, 1, call_now(call), &err);
    records_touch(call, id, VIEW_SEEN);
}

static void run(struct call *call, const struct report *report, const char *id,
                const char *attributes_json)
{
    struct err err = {{0}};
    struct limits limits;
    struct jw w;
    struct report_runs *runs = call->site->report_runs;
    struct report_run options = {.details = reports_details(call), .attributes = attributes_json};
    meter_limits(call->site->meter, call_now(call), &limits);
    if (!report_runs_begin(runs, REPORT_SYNC, call_now(call), limits.hourly_sync_reports)) {
        answer_error(call, 403, REPORT_FORBIDDEN,
                     "You can’t run more than %lld reports synchronously every 60 minutes. Try "
                     "again later.",
                     (long long)limits.hourly_sync_reports);
        return;
    }
    if (!report_runs_enter(runs, limits.concurrent_sync_reports)) {
        answer_error(call, 403, REPORT_FORBIDDEN,
                     "Reports and Dashboards REST API can’t process the request because it can "
                     "accept only as many as %lld requests at a time to run reports synchronously.",
                     (long long)limits.concurrent_sync_reports);
        return;
    }
    answer_json(call, 200, &w);
    enum status rc = report_run_json(report, &options, &w, &err);
    report_runs_leave(runs);
    if (rc != OK)
        reports_refuse(call, &err);
    else if (id)
        reports_ran(call, id);
}

void reports_run(struct call *call)
{
    struct saved_report saved;
    struct report *report = NULL;
    if (reports_load(call, call->args[0], &saved) && (report = reports_read(call, &saved)))
        run(call, report, saved.id, saved.attributes);
}

/* A report that is run and not saved. */
void reports_query(struct call *call)
{
    struct report *report = reports_read(call, NULL);
    if (report)
        run(call, report, NULL, attributes(call, NULL, report_name(report)));
}

/* --- describe --- */

static void describe(struct call *call, const struct json *metadata, const char *attributes_json)
{
    struct err err = {{0}};
    struct jw w;
    struct report_context context = reports_context(call);
    const struct report *report = report_read(call->arena, &context, metadata, NULL, &err);
    if (!report) {
        reports_refuse(call, &err);
        return;
    }
    answer_json(call, 200, &w);
    report_describe_json(report, attributes_json, &w);
}

void reports_describe(struct call *call)
{
    struct saved_report saved;
    if (!reports_load(call, call->args[0], &saved))
        return;
    describe(call, saved.metadata, saved.attributes);
    if (call->out->status == 200)
        records_touch(call, saved.id, VIEW_SEEN);
}

void report_types_list(struct call *call)
{
    struct jw w;
    struct report_context context = reports_context(call);
    answer_json(call, 200, &w);
    report_types_json(call->arena, &context, call->base, &w);
}

void report_types_describe(struct call *call)
{
    struct err err = {{0}};
    struct jw w;
    struct report_context context = reports_context(call);
    const struct report *report = report_of_type(call->arena, &context, call->args[0], &err);
    if (!report) {
        reports_refuse(call, &err);
        return;
    }
    answer_json(call, 200, &w);
    report_describe_json(report, NULL, &w);
}

void report_operators(struct call *call)
{
    struct jw w;
    answer_json(call, 200, &w);
    report_operators_json(&w);
}

/* --- saving --- */

/* Where a report lies: a report folder, the org (public, in no folder) or its
 * owner (private). The folder's name, or NULL. */
static const char *folder_name(struct call *call, const char *folder_id)
{
    static const char *const names[] = {"Name", "Type"};
    const char *texts[2] = {NULL, NULL};
    char id[19];
    if (!id_canonical(folder_id, id))
        return NULL;
    if (strcmp(id, org_id18(call->site->org)) == 0)
        return "Unfiled Public Reports";
    if (strcmp(id, call->session.user_id) == 0)
        return "My Personal Custom Reports";
    if (strncmp(id, "00l", 3) == 0)
        records_texts(call, "Folder", id, names, 2, texts);
    return text_eq(texts[1], "Report") ? texts[0] : NULL;
}

static bool name_taken(struct call *call, const char *name)
{
    char ids[1][19];
    const struct sobject *object = schema_find(org_schema(call->site->org), "Report");
    return records_find(call, object, sobject_field(object, "DeveloperName"), name, ids, 1) > 0;
}

/* "Deals: closing!" becomes Deals_closing, with a number when that is taken. */
static const char *developer_name(struct call *call, const char *name)
{
    char *plain = arena_alloc(call->arena, strlen(name) + 2);
    size_t n = 0;
    for (; *name && n < 70; name++)
        if (isalnum((unsigned char)*name))
            plain[n++] = *name;
        else if (n && plain[n - 1] != '_')
            plain[n++] = '_';
    while (n && plain[n - 1] == '_')
        n--;
    plain[n] = '\0';
    const char *base =
        n && isalpha((unsigned char)*plain) ? plain : arena_printf(call->arena, "Report_%s", plain);
    const char *unique = base;
    for (int i = 1; name_taken(call, unique); i++)
        unique = arena_printf(call->arena, "%s_%d", base, i);
    return unique;
}

static const struct json *parsed(struct call *call, struct buf *text)
{
    const struct json *json = json_parse_buf(call->arena, text, NULL);
    buf_free(text);
    return json;
}

/* The members of the definition that the record has, too. */
static const struct json *own_members(struct call *call, const char *id, const char *name,
                                      const char *developer, const char *folder)
{
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    jw_object(&w);
    jw_kv_text(&w, "id", id);
    jw_kv_text(&w, "name", name);
    jw_kv_text(&w, "developerName", developer);
    jw_kv_text(&w, "folderId", folder);
    jw_end_object(&w);
    return parsed(call, &out);
}

static const struct json *record_of(struct call *call, const struct report *report,
                                    const struct json *metadata, const char *folder)
{
    struct buf out = BUF_INIT;
    struct jw w;
    const char *folder_id = json_get_text(metadata, "folderId");
    jw_init(&w, &out);
    jw_object(&w);
    jw_kv_text(&w, "Name", json_get_text(metadata, "name"));
    jw_kv_text(&w, "DeveloperName", json_get_text(metadata, "developerName"));
    jw_kv_text(&w, "Description", json_get_text(metadata, "description"));
    jw_kv_text(&w, "Format", report_format(report));
    jw_kv_text(&w, "OwnerId", folder_id);
    jw_kv_text(&w, "FolderName", folder);
    jw_end_object(&w);
    return parsed(call, &out);
}

static enum status put_document(struct call *call, const struct json *stored,
                                const struct json *changes, const char *id, struct err *err)
{
    struct report_context context = reports_context(call);
    struct buf out = BUF_INIT;
    struct jw w;
    const struct report *report = report_read(call->arena, &context, stored, changes, err);
    if (!report)
        return FAIL;
    jw_init(&w, &out);
    report_metadata_json(report, &w);
    enum status rc = org_document_put(call->site->org, "report", id, &out, 0, err);
    buf_free(&out);
    return rc;
}

/* The definition as it will be kept, without the record's members. */
static const struct json *merged(struct call *call, const struct report *report)
{
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    report_metadata_json(report, &w);
    return parsed(call, &out);
}

static enum status write_record(struct call *call, enum dml_kind kind, const char *id,
                                const struct json *record, struct dml_result *result,
                                struct err *err)
{
    struct dml_options options = {.user_id = call->session.user_id,
                                  .all_or_none = true,
                                  .system = true,
                                  .api_version = call->api_version};
    struct dml_row row = {
        .object = schema_find(org_schema(call->site->org), "Report"), .id = id, .body = record};
    if (org_dml(call->site->org, kind, &options, &row, 1, result, call->arena, err) != OK)
        return FAIL;
    if (result->success)
        return OK;
    return err_set(err, REPORT_BAD_REQUEST, "%s", result->errors->message);
}

const char *reports_save(struct call *call, const struct json *stored, const struct json *changes,
                         struct err *err)
{
    struct report_context context = reports_context(call);
    struct dml_result result = {0};
    const struct report *report = report_read(call->arena, &context, stored, changes, err);
    if (!report)
        return NULL;
    const struct json *metadata = merged(call, report);
    const char *name = json_get_text(metadata, "name");
    const char *folder_id = json_get_text(changes, "folderId");
    const char *developer = json_get_text(changes, "developerName");
    if (text_blank(name)) {
        err_set(err, REPORT_BAD_REQUEST, "The report name can’t be null.");
        return NULL;
    }
    if (!folder_id)
        folder_id = stored ? json_get_text(stored, "folderId") : call->session.user_id;
    const char *folder = folder_id ? folder_name(call, folder_id) : NULL;
    if (!folder) {
        err_set(err, REPORT_BAD_REQUEST, "The report folder ID must be a valid folder ID.");
        return NULL;
    }
    if (!developer || name_taken(call, developer))
        developer = developer_name(call, developer ? developer : name);
    const struct json *named = own_members(call, NULL, name, developer, folder_id);
    const struct json *record = record_of(call, report, named, folder);
    if (write_record(call, DML_INSERT, NULL, record, &result, err) != OK)
        return NULL;
    const char *id = arena_strdup(call->arena, result.id);
    return put_document(call, metadata, own_members(call, id, name, developer, folder_id), id,
                        err) == OK
               ? id
               : NULL;
}

/* Both writes or neither. */
static const char *save_whole(struct call *call, const struct json *stored,
                              const struct json *changes)
{
    struct err err = {{0}};
    if (!records_begin(call))
        return NULL;
    const char *id = reports_save(call, stored, changes, &err);
    if (!records_end(call, id != NULL))
        return NULL;
    if (!id)
        reports_refuse(call, &err);
    return id;
}

void reports_create(struct call *call)
{
    struct saved_report saved = {0};
    const struct json *changes;
    const char *clone = call_param(call, "cloneId");
    if (clone && (text_blank(clone) || !id_canonical(clone, saved.id))) {
        answer_error(call, 400, REPORT_BAD_REQUEST,
                     "The clone request must contain a valid cloneId parameter.");
        return;
    }
    if (!body_metadata(call, true, &changes) || (clone && !reports_load(call, clone, &saved)))
        return;
    if (clone && !json_get_text(changes, "name")) {
        answer_error(call, 400, REPORT_BAD_REQUEST, "The report name can’t be null.");
        return;
    }
    const char *id = save_whole(call, saved.metadata, changes);
    if (!id || !reports_load(call, id, &saved))
        return;
    describe(call, saved.metadata, saved.attributes);
    records_touch(call, id, VIEW_SEEN);
}

static enum status change(struct call *call, const struct saved_report *saved,
                          const struct json *changes, struct err *err)
{
    struct report_context context = reports_context(call);
    struct dml_result result = {0};
    const struct report *report = report_read(call->arena, &context, saved->metadata, changes, err);
    if (!report)
        return FAIL;
    const struct json *metadata = merged(call, report);
    const char *folder_id = json_get_text(metadata, "folderId");
    const char *folder = folder_id ? folder_name(call, folder_id) : NULL;
    if (json_get(changes, "folderId") && !folder)
        return err_set(err, REPORT_BAD_REQUEST,
                       folder_id ? "The report folder ID must be a valid folder ID."
                                 : "The report folder ID can’t be null.");
    if (text_blank(json_get_text(metadata, "name")))
        return err_set(err, REPORT_BAD_REQUEST, "The report name can’t be null.");
    const struct json *record = record_of(call, report, metadata, folder);
    if (write_record(call, DML_UPDATE, saved->id, record, &result, err) != OK)
        return FAIL;
    return put_document(call, metadata, NULL, saved->id, err);
}

void reports_change(struct call *call)
{
    struct err err = {{0}};
    struct saved_report saved;
    const struct json *changes;
    if (!reports_load(call, call->args[0], &saved) || !body_metadata(call, true, &changes) ||
        !records_begin(call))
        return;
    enum status rc = change(call, &saved, changes, &err);
    if (!records_end(call, rc == OK))
        return;
    if (rc != OK)
        reports_refuse(call, &err);
    else if (reports_load(call, saved.id, &saved))
        describe(call, saved.metadata, saved.attributes);
}

void reports_delete(struct call *call)
{
    struct err err = {{0}};
    struct saved_report saved;
    struct dml_result result = {0};
    if (!reports_load(call, call->args[0], &saved))
        return;
    if (write_record(call, DML_DELETE, saved.id, NULL, &result, &err) == OK)
        answer_empty(call, 204);
    else
        reports_refuse(call, &err);
}

/* --- what analytics offers --- */

void analytics_resources(struct call *call)
{
    static const char *const names[] = {"dashboards", "filteroperators", "reportTypes", "reports"};
    struct jw w;
    answer_json(call, 200, &w);
    jw_object(&w);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        jw_kv_text(&w, names[i],
                   arena_printf(call->arena, "%s/analytics/%s", call->base, names[i]));
    jw_end_object(&w);
}

/* There are no dashboards, and nothing makes one: a list is empty, and whoever names one is told
 * that it is not there, as in an org without them. */

void dashboards_list(struct call *call)
{
    struct jw w;
    answer_json(call, 200, &w);
    jw_array(&w);
    jw_end_array(&w);
}

void dashboards_one(struct call *call)
{
    answer_error(call, 404, "NOT_FOUND", "%s", UNAVAILABLE);
}

/* --- the control API --- */

static const struct json *metadata_of(const struct json *entry)
{
    const struct json *inner = json_get(entry, "reportMetadata");
    return inner ? inner : entry;
}

static bool save_all(struct call *call, const struct json *body, struct jw *w, struct err *err)
{
    const struct json *list = json_is(body, JSON_ARRAY) ? body : json_get(body, "reports");
    if (!list) {
        const char *id = reports_save(call, NULL, metadata_of(body), err);
        if (id)
            jw_text(w, id);
        return id != NULL;
    }
    json_each(entry, list) {
        const char *id = reports_save(call, NULL, metadata_of(entry), err);
        if (!id)
            return false;
        jw_text(w, id);
    }
    return true;
}

void control_reports(struct call *call)
{
    struct err err = {{0}};
    struct buf ids = BUF_INIT;
    struct jw w;
    const struct json *body = json_parse_buf(call->arena, &call->in->body, &err);
    if (!body) {
        err_wrap(&err, "the request body");
        answer_refusal(call, 400, &err);
        return;
    }
    if (!control_on_behalf(call) || !records_begin(call))
        return;
    jw_init(&w, &ids);
    jw_array(&w);
    bool good = save_all(call, body, &w, &err);
    jw_end_array(&w);
    if (records_end(call, good) && good) {
        control_answer_ids(call, &ids);
    } else if (!good) {
        err_hint(&err, "the body is a reportMetadata, {\"reportMetadata\":{..}} or a list of them; "
                       "docs/localorg/reports.md");
        answer_refusal(call, 400, &err);
    }
    buf_free(&ids);
}
