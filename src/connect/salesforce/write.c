/* write.c - records written, several exchanges at a time.
 *
 * One exchange is at most one request on the wire: nothing is repeated here,
 * and the connection is new unless a hidden second request would be harmless
 * (curl/curl#18417). allOrNone is false: each row has its own fate, which
 * classify.c reads.
 *
 * Two rows with the same key never travel together: Salesforce would refuse
 * both. The later one is handed back as not executed. */
#include "connect/salesforce/write_priv.h"

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

static void outcome_local(struct crm_outcome *outcome, struct arena *arena, enum crm_class class,
                          const char *code, const char *message)
{
    memset(outcome, 0, sizeof *outcome);
    outcome->class = class;
    outcome->code = arena_strdup(arena, code);
    outcome->message = arena_strdup(arena, message);
    outcome->evidence = "{\"progress\":\"not_sent\"}";
}

/* ------------------------------------------------------- who may travel */

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
    if (json_get_nocase(*payload, "attributes"))
        return "the payload must not hold attributes";
    if (write->kind != OP_UPSERT && json_get_nocase(*payload, "Id"))
        return "the payload must not hold Id";
    bool by_id = write->kind == OP_UPDATE || write->kind == OP_DELETE || write->kind == OP_CONVERT;
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
    if (write->kind == OP_UPDATE || write->kind == OP_DELETE || write->kind == OP_CONVERT)
        return sf_id_dup(arena, write->id);
    if (!write->key_field || !write->key_value)
        return NULL;
    const struct crm_field *field =
        crm_object_field(map_get(sf->objects, write->object), write->key_field);
    return field && field->case_sensitive
               ? write->key_value
               : sf_fold(arena, write->key_value, strlen(write->key_value));
}

static bool belongs(const struct crm_write *a, const struct crm_write *b)
{
    return a->kind == b->kind && text_eq_nocase(a->object, b->object) &&
           (a->kind != OP_UPSERT || text_eq_nocase(a->key_field, b->key_field));
}

static size_t most_rows(const struct crm_write_options *options, enum op_kind kind)
{
    if (kind == OP_CONVERT)
        return CRM_CONVERT_MOST;
    return options->alone ? CRM_ALONE_MOST : SF_ROWS_PER_CALL * SF_PARTS_PER_CALL;
}

static void batch_take(struct batch *batch, size_t i, struct map *keys)
{
    const struct crm_write *write = &batch->exchange->writes[i];
    struct crm_outcome *outcome = &batch->exchange->outcomes[i];
    const struct json *payload;
    const char *fault = row_fault(batch->arena, write, &payload);
    const char *key = fault ? NULL : key_of(batch->sf, batch->arena, write);
    if (fault) {
        outcome_local(outcome, batch->arena, CRM_REJECTED, "connect.bad_write", fault);
    } else if (!belongs(write, &batch->exchange->writes[0]) ||
               batch->count == most_rows(batch->options, write->kind)) {
        outcome_local(outcome, batch->arena, CRM_NOT_EXECUTED, "connect.other_batch",
                      "it belongs in another request");
    } else if (key && map_has(keys, key)) {
        outcome_local(outcome, batch->arena, CRM_NOT_EXECUTED, "connect.same_key",
                      "another row with the same key goes first");
    } else {
        if (key)
            map_put(keys, key, (void *)write);
        batch->from[batch->count] = i;
        batch->payloads[batch->count] = payload;
        batch->writes[batch->count++] = *write;
    }
}

static void batch_open(struct batch *batch, struct sf *sf, struct crm_exchange *exchange)
{
    size_t count = exchange->count;
    struct arena *arena = exchange->arena;
    *batch = (struct batch){
        .sf = sf, .options = &exchange->options, .arena = arena, .exchange = exchange};
    if (count && (exchange->writes[0].kind == OP_UPSERT || exchange->writes[0].kind == OP_CONVERT))
        exchange->options.alone = false; /* its key would stand in the address (F-62) */
    batch->writes = arena_array(arena, count + 1, sizeof *batch->writes);
    batch->payloads = arena_array(arena, count + 1, sizeof *batch->payloads);
    batch->outcomes = arena_array(arena, count + 1, sizeof *batch->outcomes);
    batch->from = arena_array(arena, count + 1, sizeof *batch->from);
    struct map *keys = map_new();
    for (size_t i = 0; i < count; i++)
        batch_take(batch, i, keys);
    map_free(keys);
}

/* ---------------------------------------------------------- the answers */

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

/* Refused at the door: nothing was executed. Renews the token, so that the caller's
 * next attempt (a new SENDING on disk) can pass; of several that carried the same
 * token the first does it for all. */
static void renew(struct batch *batch, const struct http_response *response, const char *carried)
{
    struct err err = {0};
    if (!batch->stale && !went_stale(batch, response)) {
        for (size_t i = 0; i < batch->count; i++)
            batch->outcomes[i].class = CRM_PAUSE;
    } else if (text_eq(carried, secret_hint(&batch->sf->access)) &&
               sf_refresh(batch->sf, &err) != OK) {
        not_executed(batch, &err);
    }
}

static void batch_close(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        batch->exchange->outcomes[batch->from[i]] = batch->outcomes[i];
    batch->sf->crm.calls_one_each += batch->count;
    buf_wipe(&batch->body); /* a SOAP body holds the session */
}

/* ------------------------------------------------------- several at once */

struct sending {
    struct sf *sf;
    struct crm_exchange *list;
    const struct crm_watch *watch;
    struct batch *batches;
    struct http_request *requests;
    bool *away; /* turned away before it left */
    struct err unready;
};

static bool leaving(void *ctx, size_t i)
{
    struct sending *s = ctx;
    struct batch *batch = &s->batches[i];
    s->away[i] = s->watch->leaving && !s->watch->leaving(s->watch->ctx, i);
    if (s->away[i])
        return false;
    batch_open(batch, s->sf, &s->list[i]);
    if (s->unready.code[0])
        not_executed(batch, &s->unready);
    if (s->unready.code[0] || !batch->count)
        return false; /* has its outcomes already */
    if (batch->writes[0].kind == OP_CONVERT)
        convert_request(batch);
    else
        batch_request(batch);
    sf_prepare(s->sf, &batch->call, &batch->posted, &s->requests[i]);
    return true;
}

static void landed(void *ctx, size_t i, struct http_response *response, struct err *err)
{
    struct sending *s = ctx;
    struct batch *batch = &s->batches[i];
    char carried[sizeof batch->posted.token];
    if (!s->away[i] && batch->posted.arena) {
        memcpy(carried, batch->posted.token, sizeof carried);
        const char *failed = err->code[0] ? err->code : NULL;
        if (batch->writes[0].kind == OP_CONVERT)
            convert_answer(batch, response, failed);
        else
            batch_answer(batch, response, failed);
        sf_took(s->sf, &batch->call, &batch->posted, response);
        if (!failed && (response->status == 401 || batch->stale))
            renew(batch, response, carried);
    }
    if (s->away[i])
        return;
    batch_close(batch);
    if (s->watch->landed)
        s->watch->landed(s->watch->ctx, i);
}

static size_t parallel(void *ctx)
{
    const struct sending *s = ctx;
    return s->watch->parallel ? s->watch->parallel(s->watch->ctx) : 1;
}

void sf_write_many(struct crm_session *session, struct crm_exchange *list, size_t count,
                   const struct crm_watch *watch)
{
    struct sending s = {.sf = sf_of(session), .list = list, .watch = watch};
    struct http_watch under = {.ctx = &s, .leaving = leaving, .landed = landed,
                               .parallel = parallel};
    s.batches = mem_array(count + 1, sizeof *s.batches);
    s.requests = mem_array(count + 1, sizeof *s.requests);
    s.away = mem_array(count + 1, sizeof *s.away);
    if (sf_ready(s.sf, &s.unready) == OK)
        err_clear(&s.unready);
    http_send_watched(s.sf->http, s.requests, NULL, NULL, count, &under);
    free(s.batches);
    free(s.requests);
    free(s.away);
}

void sf_write(struct crm_session *session, const struct crm_write *writes, size_t count,
              const struct crm_write_options *options, struct arena *arena,
              struct crm_outcome *outcomes)
{
    struct crm_exchange one = {.writes = writes,
                               .count = count,
                               .options = *options,
                               .arena = arena,
                               .outcomes = outcomes};
    static const struct crm_watch nobody;
    sf_write_many(session, &one, 1, &nobody);
}
