/* records.c - finding records, writing them, saying how it went.
 *
 * Invariant: every write of records by a request goes through records_write,
 * so lock faults, counts and recent items see all of them; a check that must
 * hold when the write happens stands between records_begin and records_end. */
#include "localorg/rest/records.h"

#include "base/str.h"
#include "localorg/org/access.h"
#include "localorg/soql/soql.h"

#include <stdio.h>
#include <string.h>

/* --- reading --- */

void records_texts(struct call *call, const char *object_name, const char *id18,
                   const char *const *names, size_t count, const char **out)
{
    const struct sobject *object = schema_find(org_schema(call->site->org), object_name);
    struct buf sql = BUF_INIT;
    sqlite3_stmt *row = NULL;
    if (!object)
        return;
    for (size_t i = 0; i < count; i++) {
        const struct field *field = sobject_field(object, names[i]);
        buf_str(&sql, i ? "," : "SELECT ");
        if (field && field->stored)
            buf_printf(&sql, "\"%s\"", field->name);
        else
            buf_str(&sql, "NULL");
    }
    buf_printf(&sql, " FROM \"%s\" WHERE \"Id\"=?1", object->name);
    sqlite3 *db = org_reader_take(call->site->org);
    if (sqlite3_prepare_v2(db, buf_text(&sql), -1, &row, NULL) == SQLITE_OK) {
        sqlite3_bind_text(row, 1, id18, -1, SQLITE_STATIC);
        if (sqlite3_step(row) == SQLITE_ROW)
            for (size_t i = 0; i < count; i++)
                out[i] = arena_strdup(call->arena, (const char *)sqlite3_column_text(row, (int)i));
    }
    sqlite3_finalize(row);
    org_reader_give(call->site->org, db);
    buf_free(&sql);
}

const char *records_reach(struct call *call, const struct sobject *object)
{
    struct buf reach = BUF_INIT;
    const char *user = call->session.user_id;
    buf_str(&reach, " AND ");
    bool bounded =
        *user && org_sharing_sql(call->site->org, user, object, "t", SHARING_READ, &reach);
    const char *sql = bounded ? arena_strdup(call->arena, buf_text(&reach)) : "";
    buf_free(&reach);
    return sql;
}

/* When a record last changed: LastModifiedDate, or SystemModstamp without one. */
static const char *modified_column(const struct sobject *object)
{
    if (sobject_field(object, "LastModifiedDate"))
        return "LastModifiedDate";
    return sobject_field(object, "SystemModstamp") ? "SystemModstamp" : NULL;
}

enum record_state records_state(struct call *call, const struct sobject *object, const char *id18,
                                int64_t *modified_ms)
{
    enum record_state state = RECORD_MISSING;
    if (org_has_rows(call->site->org, object))
        return RECORD_LIVE; /* made when asked for: the query will tell */
    const char *modified = modified_column(object);
    sqlite3_stmt *row = NULL;
    char *sql =
        arena_printf(call->arena, "SELECT \"IsDeleted\",%s%s%s FROM \"%s\" t WHERE \"Id\"=?1%s",
                     modified ? "\"" : "", modified ? modified : "0", modified ? "\"" : "",
                     object->name, records_reach(call, object));
    sqlite3 *db = org_reader_take(call->site->org);
    if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK) {
        sqlite3_bind_text(row, 1, id18, -1, SQLITE_STATIC);
        if (sqlite3_step(row) == SQLITE_ROW) {
            state = sqlite3_column_int(row, 0) ? RECORD_DELETED : RECORD_LIVE;
            if (modified_ms)
                *modified_ms = sqlite3_column_int64(row, 1);
        }
    }
    sqlite3_finalize(row);
    org_reader_give(call->site->org, db);
    return state;
}

size_t records_find(struct call *call, const struct sobject *object, const struct field *field,
                    const char *value, char (*ids)[19], size_t max)
{
    size_t count = 0;
    sqlite3_stmt *row = NULL;
    char *sql = arena_printf(call->arena,
                             "SELECT \"Id\" FROM \"%s\" t WHERE \"%s\"=?1 AND \"IsDeleted\"=0%s "
                             "ORDER BY \"Id\" LIMIT %zu",
                             object->name, field->name, records_reach(call, object), max);
    sqlite3 *db = org_reader_take(call->site->org);
    if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK) {
        sqlite3_bind_text(row, 1, value, -1, SQLITE_STATIC);
        while (count < max && sqlite3_step(row) == SQLITE_ROW)
            snprintf(ids[count++], 19, "%s", (const char *)sqlite3_column_text(row, 0));
    }
    sqlite3_finalize(row);
    org_reader_give(call->site->org, db);
    return count;
}

const char *records_fields(struct call *call, const struct sobject *object)
{
    struct buf names = BUF_INIT;
    for (size_t i = 0; i < object->field_count; i++) {
        const struct field *field = object->fields[i];
        if (!call_may_field(call, field, ORG_READ))
            continue;
        if (names.len)
            buf_char(&names, ',');
        buf_str(&names, field->name);
    }
    const char *list = arena_strdup(call->arena, buf_text(&names));
    buf_free(&names);
    return list;
}

bool records_json(struct call *call, const struct sobject *object, const char *fields,
                  const char *id18, struct buf *out, struct err *err)
{
    struct soql_context context = {.org = call->site->org,
                                   .user_id = call->session.user_id,
                                   .now_ms = call_now(call),
                                   .api_version = call->api_version};
    const char *soql =
        arena_printf(call->arena, "SELECT %s FROM %s WHERE Id = '%s'", fields, object->name, id18);
    struct soql_plan *plan = soql_compile(call->arena, &context, soql, err);
    struct soql_cursor *cursor = plan ? soql_open(call->site->org, plan, err) : NULL;
    size_t written = 0;
    if (cursor && soql_write_json(cursor, call->base, 1, out, &written, err) == OK && written)
        requests_records(call->site->requests, COUNT_READ, 1);
    soql_close(cursor);
    return written == 1;
}

void records_touch(struct call *call, const char *id18, enum view_kind kind)
{
    const char *mru = call_header(call, "Sforce-Mru");
    if (!mru || !strcasestr(mru, "updateMru=false"))
        org_view(call->site->org, call->session.user_id, id18, kind);
}

/* --- writing --- */

static bool header_says(const char *header, const char *name)
{
    const char *at = header ? strcasestr(header, name) : NULL;
    if (!at)
        return false;
    at += strlen(name);
    at += strspn(at, " =");
    return strncasecmp(at, "true", 4) == 0;
}

/* As change events name where a change came from. */
static const char *origin_of(struct call *call)
{
    const char *options = call_header(call, "Sforce-Call-Options");
    const char *client = options ? strcasestr(options, "client=") : NULL;
    const char *api = call->api ? call->api : arena_printf(call->arena, "rest/%s", call->version);
    if (!client)
        return arena_printf(call->arena, "com/salesforce/api/%s", api);
    client += strlen("client=");
    return arena_printf(call->arena, "com/salesforce/api/%s;client=%.*s", api,
                        (int)strcspn(client, ",; "), client);
}

/* Sforce-Auto-Assign: the active rule unless it says FALSE, or a rule's id. A call
 * without headers of its own (Bulk) has no assignment. */
static const char *assignment_of(struct call *call)
{
    const char *header = call_header(call, "Sforce-Auto-Assign");
    if (!header)
        return call->api && text_starts(call->api, "bulkapi") ? NULL : "";
    if (text_eq_nocase(header, "FALSE"))
        return NULL;
    return text_eq_nocase(header, "TRUE") ? "" : header;
}

struct dml_options write_options(struct call *call, bool all_or_none)
{
    const char *duplicates = call_header(call, "Sforce-Duplicate-Rule-Header");
    return (struct dml_options){.user_id = call->session.user_id,
                                .all_or_none = all_or_none,
                                .duplicate_allow_save = header_says(duplicates, "allowSave"),
                                .duplicate_record_details =
                                    header_says(duplicates, "includeRecordDetails"),
                                .api_version = call->api_version,
                                .assignment = assignment_of(call),
                                .origin = origin_of(call)};
}

void result_refuse(struct arena *arena, struct dml_result *result, const char *code,
                   const char *message, const char *field)
{
    struct dml_error *error = arena_alloc(arena, sizeof *error);
    error->status_code = code;
    error->message = message;
    if (field) {
        error->fields = arena_array(arena, 1, sizeof *error->fields);
        error->fields[0] = field;
        error->field_count = 1;
    }
    result->success = false;
    result->errors = error;
}

/* Is this row one that a lock_rows fault holds? */
static bool row_locked(struct call *call, const struct dml_row *row)
{
    const struct fault_plan *plan = call->plan;
    char id[19];
    if (!plan || !plan->names[0])
        return false;
    if (plan->lock_probability > 0)
        return dice_chance(call->site->dice, plan->lock_probability);
    return plan->lock_ids && row->id && id_canonical(row->id, id) &&
           (words_have(plan->lock_ids, id) || words_have_n(plan->lock_ids, id, 15));
}

#define ROLLED_BACK                                                                                \
    "Record rolled back because not all records were valid and the request was using AllOrNone "   \
    "header"

/* Splits the rows into locked ones, answered here, and the others. Returns how
 * many are locked. */
static size_t refuse_locked(struct call *call, const struct dml_row *rows, size_t count,
                            struct dml_result *results)
{
    size_t locked = 0;
    if (!call->plan || (!call->plan->lock_ids && call->plan->lock_probability <= 0))
        return 0;
    for (size_t i = 0; i < count; i++) {
        if (!row_locked(call, &rows[i]))
            continue;
        locked++;
        result_refuse(call->arena, &results[i], "UNABLE_TO_LOCK_ROW",
                      arena_printf(call->arena,
                                   "unable to obtain exclusive access to this record or 1 records: "
                                   "%s",
                                   rows[i].id ? rows[i].id : "0010000000000AB"),
                      NULL);
    }
    return locked;
}

/* Fault "partial": the first rows are written and kept, then the server is gone. All or
 * none keeps none. */
static enum status write_until_death(struct call *call, enum dml_kind kind,
                                     const struct dml_options *options, const struct dml_row *rows,
                                     size_t count, struct dml_result *results, struct err *err)
{
    struct fault_plan *plan = call->plan;
    size_t left = (size_t)(plan->partial_rows - plan->partial_done);
    bool dies = plan->dead || count > left;
    size_t lives = plan->dead || (dies && options->all_or_none) ? 0 : count < left ? count : left;
    plan->dead |= dies;
    plan->partial_done += (int64_t)lives;
    for (size_t i = lives; i < count; i++)
        result_refuse(call->arena, &results[i], "UNKNOWN_EXCEPTION", "the server is gone", NULL);
    return lives ? org_dml(call->site->org, kind, options, rows, lives, results, call->arena, err)
                 : OK;
}

static enum status write_some(struct call *call, enum dml_kind kind,
                              const struct dml_options *options, const struct dml_row *rows,
                              size_t count, struct dml_result *results, struct err *err)
{
    if (call->plan && call->plan->partial_rows > 0)
        return write_until_death(call, kind, options, rows, count, results, err);
    size_t locked = refuse_locked(call, rows, count, results), n = 0;
    if (locked == 0)
        return org_dml(call->site->org, kind, options, rows, count, results, call->arena, err);
    if (options->all_or_none) {
        for (size_t i = 0; i < count; i++)
            if (!results[i].errors)
                result_refuse(call->arena, &results[i], "ALL_OR_NONE_OPERATION_ROLLED_BACK",
                              ROLLED_BACK, NULL);
        return OK;
    }
    struct dml_row *free_rows = arena_array(call->arena, count, sizeof *free_rows);
    struct dml_result *free_results = arena_array(call->arena, count, sizeof *free_results);
    for (size_t i = 0; i < count; i++)
        if (!results[i].errors)
            free_rows[n++] = rows[i];
    if (n &&
        org_dml(call->site->org, kind, options, free_rows, n, free_results, call->arena, err) != OK)
        return FAIL;
    n = 0;
    for (size_t i = 0; i < count; i++)
        if (!results[i].errors)
            results[i] = free_results[n++];
    return OK;
}

void records_count(struct call *call, const uint64_t counts[5])
{
    for (int i = 0; i < 5; i++)
        if (counts[i])
            requests_records(call->site->requests, (enum record_count)i, counts[i]);
}

static void count_results(struct call *call, enum dml_kind kind, const struct dml_result *results,
                          size_t count)
{
    uint64_t here[5] = {0}, *counts = call->counts ? call->counts : here;
    for (size_t i = 0; i < count; i++) {
        enum record_count which = kind == DML_DELETE   ? COUNT_DELETED
                                  : kind == DML_INSERT ? COUNT_CREATED
                                  : results[i].created ? COUNT_CREATED
                                                       : COUNT_UPDATED;
        counts[results[i].success ? which : COUNT_REFUSED]++;
    }
    records_count(call, here);
}

bool records_begin(struct call *call)
{
    struct err err = {{0}};
    if (org_write_begin(call->site->org))
        return true;
    err_set(&err, ERR_IO, "the org's database cannot be written");
    answer_failed(call, &err);
    return false;
}

bool records_end(struct call *call, bool commit)
{
    struct err err = {{0}};
    if (org_write_end(call->site->org, commit, &err) == OK)
        return true;
    answer_failed(call, &err);
    return false;
}

bool records_write(struct call *call, enum dml_kind kind, const struct dml_options *options,
                   const struct dml_row *rows, size_t count, struct dml_result *results)
{
    struct err err = {{0}};
    if (write_some(call, kind, options, rows, count, results, &err) != OK) {
        answer_failed(call, &err);
        return false;
    }
    count_results(call, kind, results, count);
    if (count == 1 && results[0].success && kind != DML_DELETE)
        records_touch(call, results[0].id, VIEW_SEEN);
    return true;
}

/* --- saying how it went --- */

static void error_json(struct jw *w, const struct dml_error *error, const char *code_key)
{
    jw_object(w);
    if (strcmp(code_key, "statusCode") == 0)
        jw_kv_text(w, code_key, error->status_code);
    jw_kv_text(w, "message", error->message);
    if (strcmp(code_key, "statusCode") != 0)
        jw_kv_text(w, code_key, error->status_code);
    jw_key(w, "fields");
    jw_array(w);
    for (size_t i = 0; i < error->field_count; i++)
        jw_text(w, error->fields[i]);
    jw_end_array(w);
    jw_end_object(w);
}

void result_json(struct jw *w, const struct dml_result *result, bool upsert)
{
    jw_object(w);
    if (result->id[0])
        jw_kv_text(w, "id", result->id);
    jw_kv_bool(w, "success", result->success);
    jw_key(w, "errors");
    jw_array(w);
    for (const struct dml_error *error = result->errors; error; error = error->next)
        error_json(w, error, "statusCode");
    jw_end_array(w);
    if (upsert && result->success)
        jw_kv_bool(w, "created", result->created);
    jw_end_object(w);
}

/* HTTP status of a refused single row, by code (salesforce-data 2.6). */
static int refused_status(const char *code)
{
    if (strcmp(code, "ENTITY_IS_DELETED") == 0 || strcmp(code, "NOT_FOUND") == 0)
        return 404;
    if (strcmp(code, "INSUFFICIENT_ACCESS_OR_READONLY") == 0 ||
        strcmp(code, "INSUFFICIENT_ACCESS") == 0 || strcmp(code, "STORAGE_LIMIT_EXCEEDED") == 0)
        return 403;
    return 400;
}

static void match_json(struct call *call, struct jw *w, const struct dml_match *match)
{
    jw_object(w);
    jw_key(w, "additionalInformation");
    jw_array(w);
    jw_end_array(w);
    jw_key(w, "fieldDiffs");
    jw_array(w);
    jw_end_array(w);
    jw_key(w, "matchConfidence");
    jw_number(w, "100.0");
    jw_key(w, "record");
    if (match->record_json) {
        jw_raw(w, match->record_json, strlen(match->record_json));
    } else {
        jw_object(w);
        jw_key(w, "attributes");
        jw_object(w);
        jw_kv_text(w, "type", match->object);
        jw_kv_text(
            w, "url",
            arena_printf(call->arena, "%s/sobjects/%s/%s", call->base, match->object, match->id18));
        jw_end_object(w);
        jw_kv_text(w, "Id", match->id18);
        jw_end_object(w);
    }
    jw_end_object(w);
}

/* The full body of a duplicate rule's refusal, misspelt key and all (1.6). */
static void duplicate_json(struct call *call, struct jw *w, const struct sobject *object,
                           const struct dml_result *result)
{
    struct org_policy org;
    size_t size = 0;
    policies_org(call->site->policies, &org);
    for (const struct dml_match *match = result->matches; match; match = match->next)
        size++;
    jw_key(w, call->api_version <= 56 ? "duplicateResut" : org.duplicate_key);
    jw_object(w);
    jw_kv_bool(w, "allowSave", result->duplicate_may_save);
    jw_kv_text(w, "duplicateRule", result->duplicate_rule);
    jw_kv_text(w, "duplicateRuleEntityType",
               result->duplicate_entity ? result->duplicate_entity : object->name);
    jw_kv_text(w, "errorMessage", result->errors->message);
    jw_key(w, "matchResults");
    jw_array(w);
    jw_object(w);
    jw_kv_text(w, "entityType", result->matches ? result->matches->object : object->name);
    jw_key(w, "errors");
    jw_array(w);
    jw_end_array(w);
    jw_kv_text(w, "matchEngine", result->match_engine ? result->match_engine : "FuzzyMatchEngine");
    jw_key(w, "matchRecords");
    jw_array(w);
    for (const struct dml_match *match = result->matches; match; match = match->next)
        match_json(call, w, match);
    jw_end_array(w);
    jw_kv_text(w, "rule", result->matching_rule);
    jw_kv_int(w, "size", (int64_t)size);
    jw_kv_bool(w, "success", true);
    jw_end_object(w);
    jw_end_array(w);
    jw_end_object(w);
}

void answer_refused(struct call *call, const struct sobject *object,
                    const struct dml_result *result)
{
    struct jw w;
    const struct dml_error *first = result->errors;
    if (!first) {
        answer_error(call, 500, "UNKNOWN_EXCEPTION", "the write failed without a reason");
        return;
    }
    answer_json(call, refused_status(first->status_code), &w);
    jw_array(&w);
    if (strcmp(first->status_code, "DUPLICATES_DETECTED") == 0 && result->duplicate_rule) {
        jw_object(&w);
        duplicate_json(call, &w, object, result);
        jw_kv_text(&w, "errorCode", first->status_code);
        jw_kv_text(&w, "message", first->message);
        jw_end_object(&w);
    } else {
        for (const struct dml_error *error = first; error; error = error->next)
            error_json(&w, error, "errorCode");
    }
    jw_end_array(&w);
}
