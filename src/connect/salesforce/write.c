/* write.c - up to 1,000 records in one request.
 *
 * Up to 200 rows are one collection; more are up to five collections inside
 * one composite request, all counted as one API call. One call of sf_write is
 * at most one request on the wire: nothing is repeated here, and the connection
 * is new unless a hidden second request would be harmless (curl/curl#18417).
 * allOrNone is false: each row has its own fate, which classify.c reads.
 *
 * Two rows with the same key never travel together: Salesforce would refuse
 * both. The later one is handed back as not executed. */
#include "connect/salesforce/sf_priv.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

size_t sf_write_cost(enum op_kind kind, size_t count)
{
    (void)kind;
    size_t most = SF_ROWS_PER_CALL * SF_PARTS_PER_CALL;
    return (count + most - 1) / most;
}

/* What travels: the rows that passed the checks, and where they came from. */
struct batch {
    struct sf *sf;
    const struct crm_write_options *options;
    struct arena *arena;
    struct crm_write *writes;
    struct crm_outcome *outcomes;
    size_t *from; /* index in the caller's arrays */
    size_t count;
};

static void outcome_local(struct crm_outcome *outcome, struct arena *arena, enum crm_class class,
                          const char *code, const char *message)
{
    memset(outcome, 0, sizeof *outcome);
    outcome->class = class;
    outcome->code = arena_strdup(arena, code);
    outcome->message = arena_strdup(arena, message);
    outcome->evidence = "{\"progress\":\"not_sent\"}";
}

/* ------------------------------------------------------------ one record */

static bool has_member(const struct json *object, const char *name)
{
    return json_get_nocase(object, name) != NULL;
}

/* The key as a JSON value of its field's type, when describe was read already. */
static void key_json(struct sf *sf, struct arena *arena, const struct crm_write *write,
                     struct buf *out)
{
    const struct crm_object *object = map_get(sf->objects, write->object);
    const struct crm_field *field = crm_object_field(object, write->key_field);
    const char *number = NULL;
    if (sf_field_kind(field) == SF_NUMBER)
        number = sf_decimal(arena, write->key_value, strlen(write->key_value));
    buf_str(out, number ? number : sf_json_text(arena, write->key_value, strlen(write->key_value)));
}

/* {"attributes":{"type":"Lead"},"id":"...", then the payload's own bytes */
static void record_write(struct sf *sf, struct arena *arena, const struct crm_write *write,
                         const struct json *payload, struct buf *out)
{
    const char *open = strchr(write->payload, '{') + 1;
    bool empty = payload->len == 0;
    buf_printf(out, "{\"attributes\":{\"type\":\"%s\"}", write->object);
    if (write->kind == OP_UPDATE)
        buf_printf(out, ",\"id\":\"%s\"", write->id);
    if (write->kind == OP_UPSERT && write->key_value && !has_member(payload, write->key_field)) {
        buf_printf(out, ",\"%s\":", write->key_field);
        key_json(sf, arena, write, out);
    }
    buf_char(out, empty ? '}' : ',');
    if (!empty)
        buf_str(out, open);
}

/* NULL when the row may travel; else why not. */
static const char *row_fault(struct arena *arena, const struct crm_write *write,
                             const struct json **payload)
{
    char id[19];
    struct err ignored = {0};
    *payload =
        write->payload ? json_parse(arena, write->payload, strlen(write->payload), &ignored) : NULL;
    if (soql_name(write->object, &ignored) != OK)
        return "the object's name is not an API name";
    if (!json_is(*payload, JSON_OBJECT))
        return "the payload is not a JSON object";
    if (has_member(*payload, "attributes"))
        return "the payload must not hold attributes";
    if (write->kind != OP_UPSERT && has_member(*payload, "Id"))
        return "the payload must not hold Id";
    bool by_id = write->kind == OP_UPDATE || write->kind == OP_DELETE;
    if (by_id && (!write->id || !sf_id(write->id, strlen(write->id), id)))
        return "the id of the record is not an id";
    if (write->kind == OP_UPSERT && soql_name(write->key_field, &ignored) != OK)
        return "an upsert needs a key field";
    if (write->kind == OP_UPSERT && text_blank(write->key_value))
        return "an upsert needs a key value";
    return NULL;
}

/* Equal for two rows that Salesforce would take for the same record. */
static const char *key_of(struct sf *sf, struct arena *arena, const struct crm_write *write)
{
    if (write->kind == OP_UPDATE || write->kind == OP_DELETE)
        return sf_id_dup(arena, write->id);
    if (!write->key_field || !write->key_value)
        return NULL;
    const struct crm_field *field =
        crm_object_field(map_get(sf->objects, write->object), write->key_field);
    return field && field->case_sensitive
               ? write->key_value
               : sf_fold(arena, write->key_value, strlen(write->key_value));
}

/* --------------------------------------------------------- the request */

/* A deletion names its records in the address: 200 ids of 18 characters fit. */
static const char *deletion_path(const struct batch *batch, size_t first, size_t count)
{
    struct buf path = BUF_INIT;
    buf_str(&path, "/composite/sobjects?allOrNone=false&ids=");
    for (size_t i = first; i < first + count; i++)
        buf_printf(&path, "%s%s", i > first ? "," : "", batch->writes[i].id);
    const char *out = arena_strndup(batch->arena, path.data, path.len);
    buf_free(&path);
    return out;
}

static const char *collection_path(const struct batch *batch, size_t first, size_t count)
{
    const struct crm_write *write = &batch->writes[first];
    if (write->kind == OP_DELETE)
        return deletion_path(batch, first, count);
    return write->kind == OP_UPSERT ? arena_printf(batch->arena, "/composite/sobjects/%s/%s",
                                                   write->object, write->key_field)
                                    : "/composite/sobjects";
}

/* Assignment rules run for new records, as Salesforce does; an update must not
 * hand the record to another owner unless asked to. */
static const char *auto_assign(const struct batch *batch)
{
    const char *wanted = batch->options->auto_assign;
    char id[19];
    if (wanted && sf_id(wanted, strlen(wanted), id))
        return arena_strdup(batch->arena, id);
    bool yes = wanted ? text_eq_nocase(wanted, "TRUE") : batch->writes[0].kind == OP_CREATE;
    return yes ? "TRUE" : "FALSE";
}

static const char *collection_method(enum op_kind kind)
{
    return kind == OP_CREATE ? "POST" : kind == OP_DELETE ? "DELETE" : "PATCH";
}

static void collection_write(const struct batch *batch, size_t first, size_t count, struct buf *out)
{
    buf_str(out, "{\"allOrNone\":false,\"records\":[");
    for (size_t i = first; i < first + count; i++) {
        struct err ignored = {0};
        const struct crm_write *write = &batch->writes[i];
        const struct json *payload =
            json_parse(batch->arena, write->payload, strlen(write->payload), &ignored);
        if (i > first)
            buf_char(out, ',');
        record_write(batch->sf, batch->arena, write, payload, out);
    }
    buf_str(out, "]}");
}

static void composite_write(const struct batch *batch, struct buf *out)
{
    const struct crm_write *first = &batch->writes[0];
    const char *save = batch->options->duplicate_override ? "true" : "false";
    buf_str(out, "{\"allOrNone\":false,\"collateSubrequests\":false,\"compositeRequest\":[");
    for (size_t at = 0, part = 0; at < batch->count; at += SF_ROWS_PER_CALL, part++) {
        size_t count = batch->count - at < SF_ROWS_PER_CALL ? batch->count - at : SF_ROWS_PER_CALL;
        const char *path = sf_path(batch->sf, batch->arena, collection_path(batch, at, count));
        /* A part has its own headers: those of the whole request do not reach it. */
        buf_printf(
            out,
            "%s{\"method\":\"%s\",\"url\":\"%s\",\"referenceId\":\"part%zu\",\"httpHeaders\":{"
            "\"Sforce-Duplicate-Rule-Header\":\"allowSave=%s\",\"Sforce-Auto-Assign\":\"%s\"}",
            part ? "," : "", collection_method(first->kind), path, part, save, auto_assign(batch));
        if (first->kind != OP_DELETE) {
            buf_str(out, ",\"body\":");
            collection_write(batch, at, count, out);
        }
        buf_char(out, '}');
    }
    buf_str(out, "]}");
}

/* -------------------------------------------------------------- the answer */

static const struct json *part_of(const struct json *body, size_t index)
{
    char reference[32];
    snprintf(reference, sizeof reference, "part%zu", index);
    json_each(part, json_get(body, "compositeResponse"))
        if (text_eq(json_get_text(part, "referenceId"), reference))
            return part;
    return NULL;
}

static void answer_read(const struct batch *batch, bool composite, const struct http_response *http,
                        const char *http_error)
{
    struct err parse = {0};
    const struct json *body = NULL;
    const struct json *parts;
    struct sf_exchange whole = {.writes = batch->writes,
                                .outcomes = batch->outcomes,
                                .count = batch->count,
                                .http = http,
                                .http_error = http_error,
                                .user = batch->sf->connection.username,
                                .resend_harmless = batch->options->resend_harmless,
                                .status = http->status};
    if (http->body.len > 0 && !http_error)
        body = json_parse_buf(batch->arena, &http->body, &parse);
    whole.body = body;
    parts = json_get(body, "compositeResponse");
    if (!composite || http_error || http->status < 200 || http->status > 299 || !parts) {
        if (composite && !http_error && !parts && http->status >= 200 && http->status < 300)
            whole.body = NULL; /* a 2xx without parts says nothing of any row */
        sf_classify(&whole, batch->arena);
        return;
    }
    for (size_t at = 0, part = 0; at < batch->count; at += SF_ROWS_PER_CALL, part++) {
        const struct json *answer = part_of(body, part);
        struct sf_exchange one = whole;
        one.writes += at;
        one.outcomes += at;
        one.count = batch->count - at < SF_ROWS_PER_CALL ? batch->count - at : SF_ROWS_PER_CALL;
        one.status = (int)json_get_int(answer, "httpStatusCode", 0);
        one.body = json_get(answer, "body");
        sf_classify(&one, batch->arena);
    }
}

static bool went_stale(const struct batch *batch, const struct http_response *http)
{
    struct err ignored = {0};
    const struct json *body =
        http->body.len ? json_parse_buf(batch->arena, &http->body, &ignored) : NULL;
    return sf_token_stale(http, body);
}

/* Errors before anything was sent: a gone grant or a limit pauses the connection. */
static void not_executed(const struct batch *batch, const struct err *why)
{
    bool pause = err_is(why, ERR_CRM_RECONNECT) || err_is(why, ERR_CRM_LIMIT) ||
                 err_is(why, ERR_CRM_WRONG_ORG);
    for (size_t i = 0; i < batch->count; i++) {
        const char *proof = batch->outcomes[i].evidence;
        outcome_local(&batch->outcomes[i], batch->arena, pause ? CRM_PAUSE : CRM_NOT_EXECUTED,
                      why->code, why->message);
        if (proof)
            batch->outcomes[i].evidence = proof;
    }
}

static void batch_send(const struct batch *batch)
{
    const struct crm_write *first = &batch->writes[0];
    const char *save = batch->options->duplicate_override ? "true" : "false";
    struct http_header assign = {"Sforce-Auto-Assign", auto_assign(batch), NULL};
    struct http_header mru = {"Sforce-Mru", "updateMru=false", &assign};
    struct http_header rule = {"Sforce-Duplicate-Rule-Header",
                               arena_printf(batch->arena, "allowSave=%s", save), &mru};
    bool composite = batch->count > SF_ROWS_PER_CALL;
    struct http_response response;
    struct buf body = BUF_INIT;
    struct err err = {0};

    if (sf_ready(batch->sf, &err) != OK) {
        not_executed(batch, &err);
        return;
    }
    if (composite)
        composite_write(batch, &body);
    else if (first->kind != OP_DELETE)
        collection_write(batch, 0, batch->count, &body);
    struct sf_call call = {.method = composite ? "POST" : collection_method(first->kind),
                           .path = composite ? "/composite"
                                             : collection_path(batch, 0, batch->count),
                           .body = body.data,
                           .body_len = body.len,
                           .headers = &rule,
                           .fresh = !batch->options->resend_harmless,
                           .timeout_ms = batch->options->timeout_ms,
                           .object = first->object};
    enum status sent = sf_send(batch->sf, &call, &response, &err);
    answer_read(batch, composite, &response, sent == OK ? NULL : err.code);
    if (sent == OK && response.status == 401) {
        /* Refused at the door: nothing was executed. Renew the token, so that the
         * caller's next attempt (a new SENDING on disk) can pass. */
        if (!went_stale(batch, &response)) {
            for (size_t i = 0; i < batch->count; i++)
                batch->outcomes[i].class = CRM_PAUSE;
        } else if (sf_refresh(batch->sf, &err) != OK) {
            not_executed(batch, &err);
        }
    }
    http_response_free(&response);
    buf_free(&body);
}

/* ------------------------------------------------------------------ door */

void sf_write(struct crm_session *session, const struct crm_write *writes, size_t count,
              const struct crm_write_options *options, struct arena *arena,
              struct crm_outcome *outcomes)
{
    struct batch batch = {.sf = sf_of(session), .options = options, .arena = arena};
    struct map *keys = map_new();
    batch.writes = arena_array(arena, count + 1, sizeof *batch.writes);
    batch.outcomes = arena_array(arena, count + 1, sizeof *batch.outcomes);
    batch.from = arena_array(arena, count + 1, sizeof *batch.from);

    for (size_t i = 0; i < count; i++) {
        const struct json *payload;
        const char *fault = row_fault(arena, &writes[i], &payload);
        const char *key = fault ? NULL : key_of(batch.sf, arena, &writes[i]);
        if (fault) {
            outcome_local(&outcomes[i], arena, CRM_REJECTED, "connect.bad_write", fault);
        } else if (writes[i].kind != writes[0].kind ||
                   !text_eq_nocase(writes[i].object, writes[0].object) ||
                   (writes[i].kind == OP_UPSERT &&
                    !text_eq_nocase(writes[i].key_field, writes[0].key_field)) ||
                   batch.count == SF_ROWS_PER_CALL * SF_PARTS_PER_CALL) {
            outcome_local(&outcomes[i], arena, CRM_NOT_EXECUTED, "connect.other_batch",
                          "it belongs in another request");
        } else if (key && map_has(keys, key)) {
            outcome_local(&outcomes[i], arena, CRM_NOT_EXECUTED, "connect.same_key",
                          "another row with the same key goes first");
        } else {
            if (key)
                map_put(keys, key, (void *)&writes[i]);
            batch.from[batch.count] = i;
            batch.writes[batch.count++] = writes[i];
        }
    }
    if (batch.count > 0)
        batch_send(&batch);
    for (size_t i = 0; i < batch.count; i++)
        outcomes[batch.from[i]] = batch.outcomes[i];
    batch.sf->crm.calls_one_each += batch.count;
    map_free(keys);
}
