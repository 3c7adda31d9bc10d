/* classify.c - what the answer to a write means for each of its rows.
 *
 * reliability B.7, as a procedure: first how far the exchange got, then the
 * status of the collection, then each row's own result. A row ends as executed
 * or not only by proof; everything else is UNKNOWN and will be looked up. The
 * per-code classes are in explain.c. */
#include "connect/salesforce/sf_priv.h"

#include "base/str.h"

#include <ctype.h>
#include <string.h>

const char *sf_progress_name(enum http_progress progress)
{
    static const char *const names[] = {
        [HTTP_NOT_STARTED] = "not_started", [HTTP_RESOLVED] = "resolved",
        [HTTP_CONNECTED] = "connected",     [HTTP_TLS_DONE] = "tls_done",
        [HTTP_SENT_SOME] = "sent_some",     [HTTP_SENT_ALL] = "sent_all",
        [HTTP_GOT_STATUS] = "got_status",   [HTTP_GOT_HEADERS] = "got_headers",
        [HTTP_GOT_ALL] = "got_all",
    };
    return (size_t)progress < sizeof names / sizeof *names ? names[progress] : "?";
}

/* -------------------------------------------------------------- evidence */

static const char *evidence(const struct sf_exchange *x, const struct json *errors,
                            struct arena *arena)
{
    const char *date = http_header_get(x->http->headers, "Date");
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_int(&w, "http", x->http->status);
    if (x->status != x->http->status)
        jw_kv_int(&w, "part", x->status);
    jw_kv_text(&w, "progress", sf_progress_name(x->http->progress));
    if (x->http_error)
        jw_kv_text(&w, "error", x->http_error);
    if (x->http->body_cut)
        jw_kv_bool(&w, "cut", true);
    jw_kv_int(&w, "took_ms", x->http->took_ms);
    if (date)
        jw_kv_text(&w, "date", date);
    if (json_is(errors, JSON_ARRAY) && errors->len > 0) {
        jw_key(&w, "codes");
        jw_array(&w);
        json_each(error, errors) {
            const char *code = json_get_text(error, "statusCode");
            jw_text(&w, code ? code : json_get_text(error, "errorCode"));
        }
        jw_end_array(&w);
    }
    jw_end_object(&w);
    const char *out = arena_strndup(arena, text.data, text.len);
    buf_free(&text);
    return out;
}

static void every(const struct sf_exchange *x, enum crm_class class, const char *code,
                  const char *message, const struct json *errors, struct arena *arena)
{
    const char *proof = evidence(x, errors, arena);
    for (size_t i = 0; i < x->count; i++) {
        struct crm_outcome *outcome = &x->outcomes[i];
        memset(outcome, 0, sizeof *outcome);
        outcome->class = class;
        outcome->code = arena_strdup(arena, code);
        outcome->message = arena_strdup(arena, message);
        outcome->evidence = proof;
    }
}

/* --------------------------------------------------------------- one row */

/* The last word of a message that is a record id, canonical; NULL when none. */
static const char *id_in(const char *message, struct arena *arena)
{
    const char *found = NULL;
    char id[19];
    for (const char *at = message; at && *at;) {
        size_t n = 0;
        while (isalnum((unsigned char)at[n]))
            n++;
        /* a long word is no id: ids hold digits */
        if ((n == 15 || n == 18) && sf_id(at, n, id) && strcspn(at, "0123456789") < n)
            found = arena_strndup(arena, id, 18);
        at += n ? n : 1;
    }
    return found;
}

static bool names_word(const char *text, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = text; at && (at = strcasestr(at, word)) != NULL; at += len) {
        bool before = at == text || !(isalnum((unsigned char)at[-1]) || at[-1] == '_');
        bool after = !(isalnum((unsigned char)at[len]) || at[len] == '_');
        if (before && after)
            return true;
    }
    return false;
}

static const char *fields_text(const struct json *fields, struct arena *arena)
{
    const char *out = NULL;
    json_each(field, fields)
        if (json_text(field))
            out = out ? arena_printf(arena, "%s,%s", out, json_text(field)) : json_text(field);
    return out;
}

/* DUPLICATE_VALUE: on our own key it is an earlier attempt of ours, or a rival. */
static enum crm_class duplicate_class(const struct crm_write *write,
                                      const struct crm_outcome *outcome)
{
    const char *message = outcome->message ? outcome->message : "";
    if (strstr(message, "Duplicate external id specified"))
        return CRM_NOT_EXECUTED; /* the same key twice in one request: every such row is refused */
    if (!write->key_field)
        return CRM_REJECTED;
    if (text_eq_nocase(write->object, "CampaignMember"))
        return CRM_EXISTS; /* "Already a campaign member.": the pair is unique, no field is named */
    if (names_word(message, write->key_field) ||
        (outcome->fields && names_word(outcome->fields, write->key_field)))
        return CRM_EXISTS;
    /* "<unknown>": the other record is hidden from us, and may be ours all the same. */
    return strstr(message, "<unknown>") ? CRM_EXISTS : CRM_REJECTED;
}

static enum crm_class code_class(const struct sf_exchange *x, const struct crm_write *write,
                                 const struct crm_outcome *outcome)
{
    const struct sf_code *row = sf_code_find(outcome->code);
    const char *message = outcome->message ? outcome->message : "";
    if (text_eq(outcome->code, "DUPLICATE_VALUE"))
        return duplicate_class(write, outcome);
    if (write->kind == OP_DELETE && text_eq(outcome->code, "ENTITY_IS_DELETED"))
        return CRM_EXECUTED; /* it is gone, which is what was wanted */
    if (strstr(message, "Too many batch retries"))
        return CRM_UNKNOWN;
    if (text_eq(outcome->code, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY") &&
        strstr(message, "UNABLE_TO_LOCK_ROW"))
        return CRM_NOT_EXECUTED;
    if ((x->status == 429 || x->status == 503) && (!row || row->class == CRM_UNKNOWN))
        return x->resend_harmless && write->key_field && write->kind != OP_UPDATE ? CRM_NOT_EXECUTED
                                                                                  : CRM_UNKNOWN;
    return row ? row->class : CRM_UNKNOWN;
}

static void explain(const struct sf_exchange *x, const char *object, struct crm_outcome *outcome,
                    struct arena *arena)
{
    struct err why = {0};
    sf_explain(&why, outcome->code, outcome->message, object, x->user);
    outcome->cause = why.cause[0] ? arena_strdup(arena, why.cause) : NULL;
    outcome->hint = why.hint[0] ? arena_strdup(arena, why.hint) : NULL;
}

/* Takes the first error of a list that Salesforce gave for one row or for all. */
static void refused(const struct sf_exchange *x, const struct crm_write *write,
                    const struct json *errors, struct crm_outcome *outcome, struct arena *arena)
{
    const struct json *error = json_at(errors, 0);
    const char *code = json_get_text(error, "statusCode");
    memset(outcome, 0, sizeof *outcome);
    outcome->code = code ? code : json_get_text(error, "errorCode");
    outcome->message = json_get_text(error, "message");
    outcome->fields = fields_text(json_get(error, "fields"), arena);
    outcome->evidence = evidence(x, errors, arena);
    outcome->class = code_class(x, write, outcome);
    if (outcome->class == CRM_EXECUTED)
        outcome->id = sf_id_dup(arena, write->id);
    if (text_eq(outcome->code, "DUPLICATE_VALUE") ||
        text_eq(outcome->code, "DUPLICATE_EXTERNAL_ID"))
        outcome->other_id = id_in(outcome->message, arena);
    explain(x, write->object, outcome, arena);
}

static void executed(const struct sf_exchange *x, const struct crm_write *write,
                     const struct json *result, struct crm_outcome *outcome, struct arena *arena)
{
    memset(outcome, 0, sizeof *outcome);
    outcome->class = CRM_EXECUTED;
    outcome->id = sf_id_dup(arena, json_get_text(result, "id"));
    if (!outcome->id && (write->kind == OP_UPDATE || write->kind == OP_DELETE))
        outcome->id = sf_id_dup(arena, write->id);
    outcome->created = write->kind == OP_CREATE ||
                       (write->kind == OP_UPSERT && json_get_bool(result, "created", false));
    outcome->evidence = evidence(x, NULL, arena);
}

static void row_result(const struct sf_exchange *x, size_t i, const struct json *result,
                       struct arena *arena)
{
    const struct json *success = json_get(result, "success");
    const struct json *errors = json_get(result, "errors");
    if (json_is(success, JSON_TRUE)) {
        executed(x, &x->writes[i], result, &x->outcomes[i], arena);
    } else if (json_is(success, JSON_FALSE) && json_at(errors, 0)) {
        refused(x, &x->writes[i], errors, &x->outcomes[i], arena);
    } else {
        struct sf_exchange one = *x;
        one.outcomes = &x->outcomes[i];
        one.count = 1;
        every(&one, CRM_UNKNOWN, "connect.strange_answer",
              "Salesforce's answer for the row makes no sense", NULL, arena);
    }
}

/* -------------------------------------------------------- the collection */

static bool is_html(const struct http_response *http)
{
    const char *type = http_header_get(http->headers, "Content-Type");
    return type && strcasestr(type, "text/html");
}

/* A refusal of the whole collection in Salesforce's own words. */
static bool speaks(const struct json *body)
{
    const struct json *error = json_is(body, JSON_ARRAY) ? json_at(body, 0) : NULL;
    return json_get_text(error, "errorCode") || json_get_text(error, "statusCode");
}

static void classify_broken(const struct sf_exchange *x, struct arena *arena)
{
    if (x->http->progress < HTTP_SENT_SOME)
        every(x, CRM_NOT_EXECUTED, x->http_error, "the request did not leave", NULL, arena);
    else
        every(x, CRM_UNKNOWN, x->http_error,
              x->http->status ? "the answer was cut" : "the answer did not come", NULL, arena);
}

static void classify_success(const struct sf_exchange *x, struct arena *arena)
{
    if (!json_is(x->body, JSON_ARRAY)) {
        every(x, CRM_UNKNOWN, "connect.strange_answer", "Salesforce's answer cannot be read", NULL,
              arena);
        return;
    }
    if (x->body->len != x->count) {
        every(x, CRM_UNKNOWN, "connect.wrong_count",
              "Salesforce answered with another number of results than rows were sent", NULL,
              arena);
        return;
    }
    size_t i = 0;
    json_each(result, x->body)
        row_result(x, i++, result, arena);
}

/* Too many at once, or rows held by somebody: fewer exchanges would fare better. */
static bool wants_fewer(const struct sf_exchange *x, const struct crm_outcome *outcome)
{
    static const char *const codes[] = {"UNABLE_TO_LOCK_ROW", "TOO_MANY_APEX_REQUESTS",
                                        "SERVER_UNAVAILABLE"};
    const char *message = outcome->message ? outcome->message : "";
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (text_eq(outcome->code, codes[i]))
            return true;
    return x->status == 429 || strstr(message, "UNABLE_TO_LOCK_ROW") ||
           (text_eq(outcome->code, "REQUEST_LIMIT_EXCEEDED") && strstr(message, "Concurrent"));
}

static void classify_refused(const struct sf_exchange *x, struct arena *arena)
{
    for (size_t i = 0; i < x->count; i++) {
        refused(x, &x->writes[i], x->body, &x->outcomes[i], arena);
        /* A refusal is believed with its 4xx; a server that fails may have saved before. */
        if (x->status >= 500 && x->outcomes[i].class == CRM_REJECTED)
            x->outcomes[i].class = CRM_UNKNOWN;
        x->outcomes[i].whole = x->count > 1 && x->status == 400;
    }
}

/* What needs no look into the rows. False when it does. */
static bool classify_status(const struct sf_exchange *x, struct arena *arena)
{
    if (x->http_error) {
        classify_broken(x, arena);
    } else if (x->status == 413 || x->status == 414 || x->status == 431) {
        every(x, CRM_REJECTED, "connect.too_large",
              "the request was larger than Salesforce accepts", NULL, arena);
        for (size_t i = 0; i < x->count; i++)
            x->outcomes[i].whole = x->count > 1;
    } else if (is_html(x->http)) {
        every(x, CRM_UNKNOWN, "connect.page", "a page came in place of an answer", NULL, arena);
    } else if (x->status == 401) {
        every(x, CRM_NOT_EXECUTED, "INVALID_SESSION_ID", "the session had ended", x->body, arena);
    } else if (x->status == 300) {
        every(x, CRM_SEVERAL, "MULTIPLE_CHOICES", "the key matches several records", NULL, arena);
    } else if (x->status == 412) {
        every(x, CRM_CHANGED, "PRECONDITION_FAILED", "the record was changed in between", NULL,
              arena);
    } else {
        return false;
    }
    return true;
}

static void note_busy(const struct sf_exchange *x)
{
    for (size_t i = 0; i < x->count; i++)
        x->outcomes[i].busy = x->outcomes[i].code && wants_fewer(x, &x->outcomes[i]);
}

static void classify_rest(const struct sf_exchange *x, struct arena *arena)
{
    if (speaks(x->body))
        classify_refused(x, arena);
    else
        every(x, CRM_UNKNOWN, "connect.no_answer", "the answer does not say what happened", NULL,
              arena);
}

void sf_classify(const struct sf_exchange *x, struct arena *arena)
{
    if (classify_status(x, arena))
        return;
    if (x->status >= 200 && x->status < 300)
        classify_success(x, arena);
    else
        classify_rest(x, arena);
    note_busy(x);
}

/* ------------------------------------------------------------ one by itself */

/* The records that a duplicate rule found, "00Q..., 003..."; both spellings of the key are seen. */
static const char *matched_records(const struct json *error, struct arena *arena)
{
    const struct json *found = json_get(error, "duplicateResut");
    const char *ids = NULL;
    size_t count = 0;
    found = found ? found : json_get(error, "duplicateResult");
    json_each(result, json_get(found, "matchResults"))
        json_each(match, json_get(result, "matchRecords")) {
            const char *id = sf_id_dup(arena, json_get_text(json_get(match, "record"), "Id"));
            if (id && count++ < 10)
                ids = ids ? arena_printf(arena, "%s, %s", ids, id) : id;
        }
    return ids;
}

/* 201 {"id":..}, 200 or 204: the status line is proof, the id may have to be found. */
static void alone_executed(const struct sf_exchange *x, struct arena *arena)
{
    if (json_is(json_get(x->body, "success"), JSON_FALSE)) {
        every(x, CRM_UNKNOWN, "connect.strange_answer",
              "Salesforce's answer for the row makes no sense", NULL, arena);
        return;
    }
    executed(x, x->writes, x->body, x->outcomes, arena);
}

void sf_classify_alone(const struct sf_exchange *x, struct arena *arena)
{
    bool saved = x->http->status == 201 || x->http->status == 204;
    if (x->http_error && saved && !is_html(x->http)) {
        executed(x, x->writes, NULL, x->outcomes, arena); /* only the rest of the answer is lost */
        return;
    }
    if (classify_status(x, arena))
        return;
    if (x->status >= 200 && x->status < 300) {
        alone_executed(x, arena);
        return;
    }
    classify_rest(x, arena);
    if (text_eq(x->outcomes->code, "DUPLICATES_DETECTED"))
        x->outcomes->other_id = matched_records(json_at(x->body, 0), arena);
    note_busy(x);
}

/* ------------------------------------------------------------ a job's failed row */

void sf_classify_failed(const struct crm_write *write, const char *user, const char *code,
                        const char *message, const char *fields, struct arena *arena,
                        struct crm_outcome *outcome)
{
    const struct sf_exchange x = {.writes = write, .count = 1, .user = user, .status = 200};
    memset(outcome, 0, sizeof *outcome);
    outcome->code = code;
    outcome->message = message;
    outcome->fields = fields;
    outcome->class = code_class(&x, write, outcome);
    if (outcome->class == CRM_EXECUTED)
        outcome->id = sf_id_dup(arena, write->id);
    else if (outcome->class == CRM_UNKNOWN)
        outcome->class = CRM_REJECTED; /* it is among the failed ones: nothing is left to find out */
    else if (outcome->class == CRM_PAUSE)
        outcome->class = CRM_NOT_EXECUTED;
    if (text_eq(code, "DUPLICATE_VALUE") || text_eq(code, "DUPLICATE_EXTERNAL_ID"))
        outcome->other_id = id_in(message, arena);
    explain(&x, write->object, outcome, arena);
}
