/* http_request.c - templates to a request.
 *
 * Pasted values are escaped for their place: percent-encoded in the URL (but a
 * reference that begins the URL is pasted as it is), JSON-escaped in a JSON
 * body, refused in a header when they hold a line end. Secrets are opened only
 * here and live only as long as the batch. */
#include "engine/columns/http_request.h"

#include "base/str.h"
#include "base/uri.h"

#include <string.h>

/* ---------------------------------------------------------------- secrets */

struct opening {
    struct engine *engine;
    struct arena *arena;
    struct http_secret **list;
};

static enum status open_one(struct opening *o, const char *name, struct err *err)
{
    for (struct http_secret *s = *o->list; s; s = s->next)
        if (text_eq(s->name, name))
            return OK;
    struct http_secret *secret = arena_alloc(o->arena, sizeof *secret);
    secret->name = name;
    secret->next = *o->list;
    *o->list = secret;
    return engine_secret_get(o->engine, name, &secret->value, err);
}

static enum status open_in(struct opening *o, const struct json *value, struct err *err)
{
    struct formula_ref *refs = NULL;
    if (json_is(value, JSON_STRING) &&
        formula_refs(o->arena, json_text(value), &refs, err) != OK)
        return FAIL;
    for (; refs; refs = refs->next)
        if (text_starts(refs->text, "secret:") && open_one(o, refs->text + 7, err) != OK)
            return FAIL;
    json_each(child, value) {
        if (open_in(o, child, err) != OK)
            return FAIL;
    }
    return OK;
}

enum status http_secrets_open(struct engine *engine, struct arena *arena, const struct json *config,
                              struct http_secret **out, struct err *err)
{
    struct opening o = {engine, arena, out};
    *out = NULL;
    return open_in(&o, config, err);
}

void http_secrets_wipe(struct http_secret *secrets)
{
    for (; secrets; secrets = secrets->next)
        secret_wipe(&secrets->value);
}

void http_secrets_hide(const struct http_secret *secrets, char *text, size_t len)
{
    for (; secrets; secrets = secrets->next) {
        const char *hidden = secret_reveal(&secrets->value);
        size_t n = strlen(hidden);
        char *from = text;
        if (n < 4)
            continue;
        while ((from = memmem(from, len - (size_t)(from - text), hidden, n)) != NULL) {
            memset(from, '*', n);
            from += n;
        }
    }
}

/* ---------------------------------------------------------------- filling */

struct fill {
    struct column_batch *batch;
    size_t row;
    const struct http_secret *secrets;
    const struct http_paging *paging;
};

static const char *as_json_string(struct arena *arena, const char *text)
{
    struct buf json = BUF_INIT;
    struct jw w;
    jw_init(&w, &json);
    jw_text(&w, text);
    const char *copy = arena_strdup(arena, buf_text(&json));
    buf_wipe(&json);
    return copy;
}

static const char *lookup(void *ctx, const char *ref)
{
    struct fill *fill = ctx;
    bool known = false;
    if (fill->paging->by != BY_NOTHING && text_starts(ref, HTTP_PAGING_MARK)) {
        const char *place =
            http_place_get(&fill->paging->place, ref + strlen(HTTP_PAGING_MARK), &known);
        return place ? as_json_string(fill->batch->arena, place) : NULL;
    }
    if (!text_starts(ref, "secret:"))
        return batch_ref_json(fill->batch, fill->row, ref);
    for (const struct http_secret *s = fill->secrets; s; s = s->next)
        if (text_eq(s->name, ref + 7))
            return as_json_string(fill->batch->arena, secret_reveal(&s->value));
    return NULL;
}

/* The first page's cursor is nothing, and not a blank that keeps a row from asking. */
static const char *lookup_text(void *ctx, const char *ref)
{
    const struct fill *fill = ctx;
    const char *json = lookup(ctx, ref);
    bool first = fill->paging->by != BY_NOTHING && text_starts(ref, HTTP_PAGING_MARK);
    return !json && first ? "\"\"" : json;
}

static enum status fill_text(struct fill *fill, const char *template, enum formula_slot slot,
                             char **out, const char **missing, struct err *err)
{
    return formula_fill(fill->batch->arena, template, slot, lookup_text, fill, out, missing, err);
}

static enum status fill_url(struct fill *fill, const char *template, struct http_call *call,
                            struct err *err)
{
    struct arena *arena = fill->batch->arena;
    const char *end = text_starts(template, "{{") ? strstr(template, "}}") : NULL;
    char *base = "", *rest = NULL;
    const char *missing = NULL;
    if (end) {
        const char *first = arena_strndup(arena, template, (size_t)(end - template) + 2);
        if (fill_text(fill, first, SLOT_PLAIN, &base, &call->blank, err) != OK)
            return FAIL;
        template = end + 2;
    }
    if (fill_text(fill, template, SLOT_URL, &rest, &missing, err) != OK)
        return FAIL;
    if (!call->blank)
        call->blank = missing;
    call->request.url = arena_printf(arena, "%s%s", base, rest);
    return OK;
}

/* `query`: what is blank is left out, unlike a blank in the URL, which asks nothing. */
static enum status fill_query(struct fill *fill, struct http_call *call, struct err *err)
{
    struct arena *arena = fill->batch->arena;
    json_each(member, json_get(fill->batch->config, "query")) {
        char *value = NULL;
        const char *missing = NULL, *text = json_as_text(arena, member).text;
        if (fill_text(fill, text ? text : "", SLOT_PLAIN, &value, &missing, err) != OK)
            return FAIL;
        if (!*value)
            continue;
        call->request.url = arena_printf(arena, "%s%c%s=%s", call->request.url,
                                         strchr(call->request.url, '?') ? '&' : '?',
                                         uri_encoded(arena, member->key), uri_encoded(arena, value));
    }
    return OK;
}

static enum status go_to_page(struct fill *fill, struct http_call *call, struct err *err)
{
    if (fill->paging->by == BY_NOTHING)
        return OK;
    return http_paging_url(fill->paging, fill->batch->arena, call->request.url, &call->request.url,
                           err);
}

static enum status check_url(const struct column_batch *batch, struct http_call *call,
                             struct err *err)
{
    struct uri uri;
    bool private_allowed = batch->job->engine->allow_private_http ||
                           json_get_bool(batch->config, "allow_private", false);
    if (!uri_parse(batch->arena, call->request.url, &uri))
        return err_set(err, "http.url", "the URL is not a complete http(s) address");
    call->host = uri.host;
    bool plain = text_eq(uri.scheme, "http");
    if (!plain && !text_eq(uri.scheme, "https"))
        return err_set(err, "http.url", "the URL must begin with https://");
    if (plain && !private_allowed && !json_get_bool(batch->config, "allow_http", false)) {
        err_set(err, "http.url", "http:// without encryption is refused");
        err_hint(err, "Use https://, or set allow_http: true on the column.");
        return FAIL;
    }
    call->request.public_only = !private_allowed;
    return OK;
}

static bool has_header(const struct http_header *headers, const char *name)
{
    return http_header_get(headers, name) != NULL;
}

static void add_header(struct fill *fill, struct http_call *call, const char *name,
                       const char *value)
{
    http_header_add(fill->batch->arena, &call->request.headers, name, value);
}

static enum status fill_headers(struct fill *fill, struct http_call *call, struct err *err)
{
    json_each(member, json_get(fill->batch->config, "headers")) {
        char *value = NULL;
        const char *missing = NULL, *text = json_as_text(fill->batch->arena, member).text;
        if (fill_text(fill, text ? text : "", SLOT_PLAIN, &value, &missing, err) != OK)
            return FAIL;
        if (strpbrk(value, "\r\n") || strpbrk(member->key, "\r\n: "))
            return err_set(err, "http.header", "the header %s would hold a line end", member->key);
        if (*value || !missing)
            add_header(fill, call, member->key, value);
    }
    if (!has_header(call->request.headers, "Accept"))
        add_header(fill, call, "Accept", "application/json");
    return OK;
}

/* "{{X}}" alone keeps the type it has in the row. */
static const char *only_ref(struct arena *arena, const char *text)
{
    const char *end = text_starts(text, "{{") ? strstr(text, "}}") : NULL;
    if (!end || end[2])
        return NULL;
    return str_dup(arena, str_trim((struct str){text + 2, (size_t)(end - text) - 2}));
}

static enum status write_body(struct fill *fill, struct jw *w, const struct json *value,
                              struct err *err)
{
    if (value->type == JSON_OBJECT || value->type == JSON_ARRAY) {
        bool object = value->type == JSON_OBJECT;
        object ? jw_object(w) : jw_array(w);
        json_each(child, value) {
            if (object)
                jw_key(w, child->key);
            if (write_body(fill, w, child, err) != OK)
                return FAIL;
        }
        object ? jw_end_object(w) : jw_end_array(w);
        return OK;
    }
    const char *ref =
        json_is(value, JSON_STRING) ? only_ref(fill->batch->arena, json_text(value)) : NULL;
    if (ref) {
        const char *json = lookup(fill, ref);
        jw_raw(w, json ? json : "null", strlen(json ? json : "null"));
    } else if (json_is(value, JSON_STRING)) {
        char *text = NULL;
        const char *missing = NULL;
        if (fill_text(fill, json_text(value), SLOT_PLAIN, &text, &missing, err) != OK)
            return FAIL;
        jw_text(w, text);
    } else {
        jw_value(w, value);
    }
    return OK;
}

static enum status fill_body(struct fill *fill, struct http_call *call, struct err *err)
{
    const struct json *body = json_get(fill->batch->config, "body");
    bool tree = json_is(body, JSON_OBJECT) || json_is(body, JSON_ARRAY);
    if (!body)
        return OK;
    struct str trimmed = str_trim(str_of(tree ? "{" : json_text(body)));
    bool json = trimmed.n && (trimmed.p[0] == '{' || trimmed.p[0] == '[') &&
                !(trimmed.n > 1 && trimmed.p[1] == '{');
    if (tree) {
        struct buf text = BUF_INIT;
        struct jw w;
        jw_init(&w, &text);
        enum status rc = write_body(fill, &w, body, err);
        call->request.body = arena_strndup(fill->batch->arena, buf_text(&text), text.len);
        call->request.body_len = text.len;
        buf_wipe(&text);
        if (rc != OK)
            return FAIL;
    } else {
        char *text = NULL;
        const char *missing = NULL;
        if (fill_text(fill, json_text(body), json ? SLOT_JSON_STRING : SLOT_PLAIN, &text, &missing,
                      err) != OK)
            return FAIL;
        call->request.body = text;
        call->request.body_len = strlen(text);
    }
    if ((tree || json) && !has_header(call->request.headers, "Content-Type"))
        add_header(fill, call, "Content-Type", "application/json");
    return OK;
}

static void put_request(struct buf *text, const struct http_request *request)
{
    buf_str(text, request->method);
    buf_char(text, '\n');
    buf_str(text, request->url);
    buf_char(text, '\n');
    for (const struct http_header *h = request->headers; h; h = h->next) {
        buf_str(text, h->name);
        buf_char(text, ':');
        buf_str(text, h->value);
        buf_char(text, '\n');
    }
    buf_append(text, request->body ? request->body : "", request->body_len);
}

void http_keys_begin(struct http_keys *keys, const struct column_batch *batch)
{
    static const char *const options[] = {"path",       "not_found", "paging",         "next",
                                          "first_page", "parameter", "size_parameter", "page_size",
                                          "max_pages"};
    *keys = (struct http_keys){0};
    buf_printf(&keys->text, "%s\n", batch->job->engine->store->workspace_id);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        const char *value = json_get_text(batch->config, options[i]);
        if (value)
            buf_printf(&keys->text, "%s:%s\n", options[i], value);
    }
    keys->fixed = keys->text.len;
}

void http_keys_of(struct http_keys *keys, const struct http_call *call, char key[HTTP_KEY_ROOM])
{
    keys->text.len = keys->fixed;
    put_request(&keys->text, &call->request);
    digest_hex(keys->text.data, keys->text.len, key);
}

void http_keys_end(struct http_keys *keys)
{
    buf_wipe(&keys->text);
}

bool http_method_idempotent(const char *method)
{
    return !text_eq(method, "POST") && !text_eq(method, "PATCH");
}

bool http_method_safe(const char *method)
{
    return text_eq(method, "GET") || text_eq(method, "HEAD");
}

/* The same row and the same request have the same key, however often it is sent. */
static enum status offer_key(struct fill *fill, struct http_call *call, struct err *err)
{
    const char *header = json_get_text(fill->batch->config, "idempotency_header");
    call->repeatable = header || http_method_idempotent(call->request.method);
    if (!header)
        return OK;
    if (!*header || strpbrk(header, "\r\n: "))
        return err_set(err, "http.header", "\"%s\" is no header name", header);
    struct buf text = BUF_INIT;
    char hash[65];
    put_request(&text, &call->request);
    sha256_hex(buf_text(&text), text.len, hash);
    buf_wipe(&text);
    const char *key = arena_printf(fill->batch->arena, "%.32s-%lld", hash,
                                   (long long)fill->batch->rows[fill->row].id);
    add_header(fill, call, header, key);
    return OK;
}

enum status http_call_make(struct column_batch *batch, size_t row,
                           const struct http_secret *secrets, const struct http_paging *paging,
                           struct http_call *out, struct err *err)
{
    struct fill fill = {batch, row, secrets, paging};
    const struct json *config = batch->config;
    const char *method = json_get_text(config, "method");
    memset(out, 0, sizeof *out);
    out->request.method = method ? method : json_get(config, "body") ? "POST" : "GET";
    out->request.timeout_ms = json_get_int(config, "timeout", 30) * 1000;
    out->request.max_body = (size_t)json_get_int(config, "max_bytes", 1024 * 1024);
    out->request.accept_gzip = true;
    out->request.secret_hint = secrets ? "<secret>" : NULL;
    out->request.fresh_connection = !http_method_idempotent(out->request.method);
    if (fill_url(&fill, json_get_text(config, "url"), out, err) != OK)
        return FAIL;
    if (out->blank)
        return OK;
    if (fill_query(&fill, out, err) != OK || go_to_page(&fill, out, err) != OK ||
        check_url(batch, out, err) != OK || fill_headers(&fill, out, err) != OK ||
        fill_body(&fill, out, err) != OK)
        return FAIL;
    return offer_key(&fill, out, err);
}

enum status http_call_follow(struct column_batch *batch, struct http_call *call, const char *target,
                             struct err *err)
{
    const char *from = call->host;
    enum status rc = http_redirect_follow(batch->arena, &call->request, target, err);
    if (rc == OK && (rc = check_url(batch, call, err)) != OK)
        err_wrap(err, "after a redirect by %s", from);
    return rc;
}
