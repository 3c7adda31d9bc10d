/* http.c - a column that asks an HTTP API once a row.
 *
 * Order of a batch: open the secrets, make every row's request, answer from the
 * run's cache what was asked before, send the distinct rest a few at a time at
 * the asked rate, judge each answer. Rows with the same request share one call.
 * A request that may have acted and cannot be repeated safely (POST without an
 * answer) is left in doubt and never sent again by itself. */
#include "engine/columns/http_request.h"

#include "base/map.h"
#include "base/str.h"
#include "base/when.h"
#include "engine/columns/http_cache.h"

#include <string.h>

static const char *const methods[] = {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", NULL};
static const char *const not_found[] = {"no_result", "error", NULL};

static const struct kind_option options[] = {
    {"url", OPT_TEMPLATE, true, "address to ask; values are percent-encoded", NULL, NULL, 0, 0},
    {"method", OPT_ENUM, false, "request method", "GET, or POST with a body", methods, 0, 0},
    {"headers", OPT_TEMPLATE_MAP, false, "request headers; {{secret:name}} reads the vault", NULL,
     NULL, 0, 0},
    {"query", OPT_TEMPLATE_MAP, false,
     "parameters put behind the address, percent-encoded; blank ones are left out", NULL, NULL, 0,
     0},
    {"idempotency_header", OPT_TEXT, false,
     "header that gets a key, the same for the same row and request: a lost answer is asked again",
     "none: a lost answer of a POST is in doubt", NULL, 0, 0},
    {"body", OPT_BODY, false, "request body: text, or a mapping sent as JSON", NULL, NULL, 0, 0},
    {"path", OPT_TEXT, false, "part of the answer to keep, like data.items[0]", "all of it", NULL,
     0, 0},
    {"rate_limit", OPT_RATE, false, "most requests in a time", "none", NULL, 0, 0},
    {"concurrency", OPT_INT, false, "requests at the same time", "8", NULL, 1, 64},
    {"timeout", OPT_INT, false, "seconds for one request", "30", NULL, 1, 120},
    {"retries", OPT_INT, false, "further tries after a failure that may pass", "3", NULL, 0, 10},
    {"max_bytes", OPT_INT, false, "longest answer in bytes", "1048576", NULL, 1, 16777216},
    {"not_found", OPT_ENUM, false, "what a 404 means", "no_result", not_found, 0, 0},
    {"allow_private", OPT_BOOL, false, "may reach private addresses", "false", NULL, 0, 0},
    {"allow_http", OPT_BOOL, false, "may use http:// without encryption", "false", NULL, 0, 0},
};

static void validate(struct kind_check *check)
{
    const char *url = json_get_text(check->config, "url");
    if (url && !text_starts(url, "{{") && !text_starts(url, "https://") &&
        !text_starts(url, "http://"))
        kind_check_fail(check, "url", "recipe.url", "url must begin with https://");
    json_each(header, json_get(check->config, "headers")) {
        char where[200];
        snprintf(where, sizeof where, "headers/%s", header->key);
        if (strpbrk(header->key, " :\r\n\t") || !*header->key)
            kind_check_fail(check, where, "recipe.header", "\"%s\" is no header name", header->key);
    }
}

/* ----------------------------------------------------------- one answer */

struct asked {
    struct column_batch *batch;
    const struct http_secret *secrets;
    struct http_call *call;
    size_t row;
    int tries;
};

static int64_t retry_after(struct column_batch *batch, const struct http_response *response)
{
    const char *given = http_header_get(response->headers, "Retry-After");
    int64_t at, now = engine_now(batch->job->engine);
    if (!given)
        return 0;
    if (when_parse_http(given, &at))
        return at > now ? at - now : 0;
    int64_t seconds = strtoll(given, NULL, 10);
    return seconds > 0 && seconds < 86400 ? seconds * 1000 : 0;
}

static void judge_failure(struct asked *asked, const struct http_response *response,
                          struct err *err)
{
    struct column_batch *batch = asked->batch;
    bool acted = response->progress >= HTTP_SENT_SOME;
    http_secrets_hide(asked->secrets, err->message, strlen(err->message));
    err_wrap(err, "%s", asked->call->host);
    if (err_is(err, ERR_HTTP_REFUSED_ADDRESS) || err_is(err, ERR_HTTP_TOO_LARGE))
        batch_error(batch, asked->row, CELL_ERROR, err);
    else if (acted && !asked->call->repeatable)
        batch_fail(batch, asked->row, CELL_IN_DOUBT, "http.outcome_unknown",
                   "%s. The request may have been carried out; it is not sent again by itself.",
                   err->message);
    else
        batch_retry(batch, asked->row, 0, asked->tries, err);
}

static const struct json *body_tree(struct asked *asked, struct http_response *response)
{
    struct arena *arena = asked->batch->arena;
    struct err ignored = {0};
    const struct json *tree =
        json_parse(arena, buf_text(&response->body), response->body.len, &ignored);
    if (tree)
        return tree;
    return json_of_text(arena, buf_text(&response->body), response->body.len);
}

static void remember(struct asked *asked, const struct json *tree)
{
    struct buf text = BUF_INIT;
    struct jw w;
    if (!http_method_idempotent(asked->call->request.method))
        return;
    jw_init(&w, &text);
    if (tree)
        jw_value(&w, tree);
    http_cache_put(asked->batch->job->http_cache, asked->call->key, buf_text(&text));
    buf_free(&text);
}

static void judge_success(struct asked *asked, struct http_response *response)
{
    const char *path = json_get_text(asked->batch->config, "path");
    const struct json *tree = response->body.len ? body_tree(asked, response) : NULL;
    if (tree && path)
        tree = json_path(tree, path);
    remember(asked, tree);
    batch_json(asked->batch, asked->row, tree);
}

static void judge_status(struct asked *asked, struct http_response *response)
{
    struct column_batch *batch = asked->batch;
    int status = response->status;
    bool retry = status == 429 || status == 503 || status == 408 || status == 425;
    bool idempotent = asked->call->repeatable;
    const char *meaning = json_get_text(batch->config, "not_found");
    struct err err = {0};
    char code[40];
    snprintf(code, sizeof code, "http.status_%d", status);
    const char *body = buf_text(&response->body);
    int shown = (int)utf8_cut(body, response->body.len, 200);
    err_set(&err, code, "%s answered %d%s%.*s", asked->call->host, status, shown ? ": " : "", shown,
            body);
    if (status == 404 && !text_eq(meaning, "error")) {
        remember(asked, NULL);
        batch_no_result(batch, asked->row);
    } else if (status == 429 || (retry && idempotent) || (status >= 500 && idempotent)) {
        batch_retry(batch, asked->row, retry_after(batch, response), asked->tries, &err);
    } else {
        batch_error(batch, asked->row, CELL_ERROR, &err);
    }
}

static void judge(struct asked *asked, struct http_response *response, struct err *err)
{
    if (response->body.data)
        http_secrets_hide(asked->secrets, response->body.data, response->body.len);
    if (*err->code)
        judge_failure(asked, response, err);
    else if (response->status >= 200 && response->status < 300)
        judge_success(asked, response);
    else
        judge_status(asked, response);
}

/* --------------------------------------------------------------- sending */

/* Waits until `sent` requests are allowed since `began`. False when stopped. */
static bool keep_rate(struct column_batch *batch, int64_t began, size_t sent)
{
    int requests;
    int64_t per_ms;
    struct world *world = batch->job->engine->world;
    if (!rate_parse(json_get_text(batch->config, "rate_limit"), &requests, &per_ms))
        return !engine_stopping(batch->job->engine);
    int64_t due = began + (int64_t)sent * per_ms / requests;
    return job_sleep(batch->job, due - world->monotonic_ms(world));
}

static size_t parallel_of(const struct column_batch *batch)
{
    int requests;
    int64_t per_ms;
    size_t parallel = (size_t)json_get_int(batch->config, "concurrency", 8);
    if (rate_parse(json_get_text(batch->config, "rate_limit"), &requests, &per_ms) &&
        (size_t)requests < parallel)
        parallel = (size_t)requests;
    return parallel ? parallel : 1;
}

struct asking {
    struct column_batch *batch;
    struct asked *asked;
    struct http_response *responses;
    struct err *errs;
    size_t parallel;
    bool stopped;
};

static bool leaving(void *ctx, size_t i)
{
    struct asking *a = ctx;
    a->stopped = a->stopped || engine_stopping(a->batch->job->engine);
    a->batch->stored[a->asked[i].row] = a->stopped; /* stays due */
    a->batch->job->report->http_requests += !a->stopped;
    return !a->stopped;
}

static size_t parallel(void *ctx)
{
    const struct asking *a = ctx;
    return a->parallel;
}

static void landed(void *ctx, size_t i)
{
    struct asking *a = ctx;
    struct cell_cost *cost = &a->batch->results[a->asked[i].row].cost;
    cost->took_us = a->responses[i].took_ms * 1000;
    cost->calls_milli = 1000;
    if (!a->batch->stored[a->asked[i].row])
        judge(&a->asked[i], &a->responses[i], &a->errs[i]);
    http_response_free(&a->responses[i]);
}

/* The next begins when one has landed: a slow answer holds up nobody else. */
static void send_slice(struct column_batch *batch, struct asked *asked, size_t count,
                       size_t at_once)
{
    struct http_request *requests = arena_array(batch->arena, count, sizeof *requests);
    struct asking a = {.batch = batch,
                       .asked = asked,
                       .responses = arena_array(batch->arena, count, sizeof *a.responses),
                       .errs = arena_array(batch->arena, count, sizeof *a.errs),
                       .parallel = at_once};
    struct http_watch watch = {.ctx = &a, .leaving = leaving, .quick = true, .landed = landed, .parallel = parallel};
    for (size_t i = 0; i < count; i++)
        requests[i] = asked[i].call->request;
    http_send_watched(batch->job->engine->http, requests, a.responses, a.errs, count, &watch);
}

/* At a rate: so many at a time, each lot at its moment. Else all in one go. */
static void send_all(struct column_batch *batch, struct asked *asked, size_t count)
{
    struct world *world = batch->job->engine->world;
    int64_t began = world->monotonic_ms(world);
    size_t parallel = parallel_of(batch), at = 0;
    size_t slice = json_get(batch->config, "rate_limit") ? parallel : count;
    while (at < count && keep_rate(batch, began, at)) {
        size_t n = count - at < slice ? count - at : slice;
        send_slice(batch, asked + at, n, parallel);
        at += n;
    }
    for (; at < count; at++) /* stopped: stays due */
        batch->stored[asked[at].row] = true;
}

/* ---------------------------------------------------------------- batch */

static void take_cached(struct column_batch *batch, size_t i, const char *json)
{
    struct err err = {0};
    if (!*json)
        batch_no_result(batch, i);
    else
        batch_json(batch, i, json_parse(batch->arena, json, strlen(json), &err));
}

/* True when the row still has to be asked. */
static bool prepare(struct column_batch *batch, size_t i, const struct http_secret *secrets,
                    struct http_call *call)
{
    struct err err = {0};
    if (http_call_make(batch, i, secrets, call, &err) != OK) {
        batch_error(batch, i, CELL_ERROR, &err);
        return false;
    }
    if (call->blank) {
        batch_no_result(batch, i);
        batch->results[i].code = "http.blank_input";
        batch->results[i].message =
            arena_printf(batch->arena, "{{%s}} is blank: nothing was asked", call->blank);
        return false;
    }
    const char *known = http_cache_get(batch->job->http_cache, call->key);
    if (known)
        take_cached(batch, i, known);
    return !known;
}

static void copy_result(struct column_batch *batch, size_t from, size_t to)
{
    struct cell_result *result = &batch->results[to];
    int64_t row_id = result->row_id;
    *result = batch->results[from];
    result->row_id = row_id;
    result->cost = (struct cell_cost){0}; /* that row's answer was had for nothing */
    batch->stored[to] = batch->stored[from];
}

static void ask(struct column_batch *batch, const struct http_secret *secrets)
{
    struct http_call *calls = arena_array(batch->arena, batch->count, sizeof *calls);
    struct asked *asked = arena_array(batch->arena, batch->count, sizeof *asked);
    size_t *same_as = arena_array(batch->arena, batch->count, sizeof *same_as);
    int tries = (int)json_get_int(batch->config, "retries", 3) + 1;
    struct map *first = map_new();
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++) {
        same_as[i] = i;
        if (!prepare(batch, i, secrets, &calls[i]))
            continue;
        struct asked *known =
            http_method_idempotent(calls[i].request.method) ? map_get(first, calls[i].key) : NULL;
        if (known) {
            same_as[i] = known->row;
            continue;
        }
        asked[count] = (struct asked){batch, secrets, &calls[i], i, tries};
        map_put(first, calls[i].key, &asked[count++]);
    }
    map_free(first);
    send_all(batch, asked, count);
    for (size_t i = 0; i < batch->count; i++)
        if (same_as[i] != i)
            copy_result(batch, same_as[i], i);
}

static bool acts(const struct column_batch *batch)
{
    const char *method = json_get_text(batch->config, "method");
    bool get = !method && !json_get(batch->config, "body");
    return !get && !text_eq(method, "GET") && !text_eq(method, "HEAD");
}

static enum status execute(struct column_batch *batch, struct err *err)
{
    struct http_secret *secrets = NULL;
    if (batch->job->options->dry_run && acts(batch)) {
        for (size_t i = 0; i < batch->count; i++)
            batch->stored[i] = true;
        batch->job->report->planned += (int64_t)batch->count;
        return OK;
    }
    enum status rc = http_secrets_open(batch->job->engine, batch->arena, batch->config, &secrets, err);
    if (rc == OK)
        ask(batch, secrets);
    http_secrets_wipe(secrets);
    return rc;
}

const struct column_kind http_column = {
    .name = "http",
    .title = "HTTP API",
    .help = "Asks an HTTP API for each row and keeps its JSON answer.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .bare = "url",
    .type = TYPE_JSON,
    .costs = true,
    .batch_rows = 500,
    .whole_run = true,
    .step = true,
    .validate = validate,
    .execute = execute,
};
