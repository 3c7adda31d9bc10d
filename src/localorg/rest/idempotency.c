/* idempotency.c - the answer to a write is kept for 30 days under its key.
 *
 * As the User Interface API guide has it: the key is a version 4 UUID, only 2xx
 * answers up to 9 MB are kept, and the same request is then answered without
 * doing anything. That another request may not use the key, nor another user,
 * and the names of these errors are known from Salesforce's own clients; their
 * status is chosen. */
#include "localorg/rest/idempotency.h"

#include "localorg/org/documents.h"
#include "localorg/rest/records.h"

#include "base/str.h"

#include <ctype.h>
#include <string.h>

#define KIND       "idempotency"
#define KEEP_MS    ((int64_t)30 * 24 * 3600 * 1000)
#define ANSWER_MAX (9 * MIB)

static bool is_uuid4(const char *key)
{
    static const char *const shape = "xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx";
    size_t i = 0;
    for (; shape[i] && key[i]; i++) {
        char want = shape[i], got = (char)tolower((unsigned char)key[i]);
        bool fits = want == 'x'   ? isxdigit((unsigned char)got) != 0
                    : want == 'y' ? strchr("89ab", got) != NULL
                                  : got == want;
        if (!fits)
            return false;
    }
    return !shape[i] && !key[i];
}

/* What makes it the same request. */
static const char *fingerprint(struct call *call)
{
    char hex[65];
    const char *head = arena_printf(call->arena, "%s %s?%s\n", call->method, call->path,
                                    call->in->query ? call->in->query : "");
    struct buf all = BUF_INIT;
    buf_str(&all, head);
    buf_append(&all, buf_text(&call->in->body), call->in->body.len);
    sha256_hex(all.data, all.len, hex);
    buf_free(&all);
    return arena_strdup(call->arena, hex);
}

/* True after answering as the first time, or refusing. */
static bool answered_before(struct call *call, const struct idempotency *once)
{
    const struct json *kept = org_document_get(call->site->org, KIND, once->key, call->arena, NULL);
    if (!kept)
        return false;
    if (!text_eq(json_get_text(kept, "user"), call->session.user_id)) {
        answer_error(call, 400, "IDEMPOTENCY_KEY_USED_DIFFERENT_USER",
                     "The Idempotency-Key was used by a different user.");
    } else if (!text_eq(json_get_text(kept, "request"), once->request)) {
        answer_error(call, 400, "IDEMPOTENCY_KEY_ALREADY_USED",
                     "The Idempotency-Key was already used for a different request.");
    } else {
        const char *body = json_get_text(kept, "body"), *location = json_get_text(kept, "location");
        int status = (int)json_get_int(kept, "status", 200);
        if (body && *body)
            answer_text(call, status, "application/json;charset=UTF-8", body);
        else
            answer_empty(call, status);
        if (location)
            answer_header(call, "Location", location);
    }
    return true;
}

bool idempotency_enter(struct call *call, struct idempotency *once)
{
    *once = (struct idempotency){.key = call_header(call, "Idempotency-Key")};
    if (!once->key)
        return true;
    if (!is_uuid4(once->key)) {
        answer_error(call, 400, "IDEMPOTENCY_NOT_SUPPORTED",
                     "The Idempotency-Key header must be a UUID of version 4.");
        return false;
    }
    once->key = text_lower(call->arena, once->key);
    once->request = fingerprint(call);
    if (!records_begin(call))
        return false;
    if (!answered_before(call, once))
        return true;
    records_end(call, true);
    return false;
}

static bool keep(struct call *call, const struct idempotency *once)
{
    struct buf json = BUF_INIT;
    struct jw w;
    struct err err = {{0}};
    jw_init(&w, &json);
    jw_object(&w);
    jw_kv_text(&w, "user", call->session.user_id);
    jw_kv_text(&w, "request", once->request);
    jw_kv_int(&w, "status", call->out->status);
    jw_kv_text(&w, "body", buf_text(&call->out->body));
    jw_kv_text(&w, "location", http_header_get(call->out->headers, "Location"));
    jw_end_object(&w);
    bool good = org_document_put(call->site->org, KIND, once->key, &json, call_now(call) + KEEP_MS,
                                 &err) == OK;
    buf_free(&json);
    if (!good)
        answer_failed(call, &err);
    return good;
}

void idempotency_leave(struct call *call, const struct idempotency *once)
{
    if (!once->key)
        return;
    int status = call->out->status;
    bool done = status >= 200 && status < 300;
    bool kept = done && (call->out->body.len > ANSWER_MAX || keep(call, once));
    records_end(call, kept);
}
