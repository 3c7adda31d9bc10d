/* http.c - a column that asks an HTTP API once a row.
 *
 * Order of a batch: open the secrets, make every row's request, answer from the
 * run's cache and the store's what was asked before, send the distinct rest
 * (http_send.c), judge each answer (http_answer.c), keep what may be kept. Rows
 * with the same request share one call. */
#include "engine/columns/http_batch.h"

#include "base/map.h"
#include "base/str.h"
#include "engine/columns/http_cache.h"
#include "engine/schedule.h"
#include "store/store_http.h"

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
    HTTP_PAGING_OPTIONS,
    {"max_pages", OPT_INT, false, "pages of one row; more is an error, not a part of the list", "100",
     NULL, 1, 10000},
    {"cache", OPT_TEXT, false,
     "how long the answer to the same request is used again, like 7d; a POST's, too",
     "within a run, of requests that only read", NULL, 0, 0},
    {"rate_limit", OPT_RATE, false, "most requests in a time", "none", NULL, 0, 0},
    {"host_rate_limit", OPT_RATE, false,
     "most requests to one host in a time, of all columns and HTTP sources that say so, in all processes", "none",
     NULL, 0, 0},
    {"concurrency", OPT_INT, false, "requests at the same time", "8", NULL, 1, 64},
    {"timeout", OPT_INT, false, "seconds for one request", "30", NULL, 1, 120},
    {"retries", OPT_INT, false, "further tries after a failure that may pass", "3", NULL, 0, 10},
    {"max_bytes", OPT_INT, false, "longest answer in bytes, its pages together", "1048576", NULL, 1, 16777216},
    {"redirects", OPT_INT, false, "redirects of a GET or HEAD that are followed", "5", NULL, 0, 20},
    {"not_found", OPT_ENUM, false, "what a 404 means", "no_result", not_found, 0, 0},
    {"allow_private", OPT_BOOL, false, "may reach private addresses", "false", NULL, 0, 0},
    {"allow_http", OPT_BOOL, false, "may use http:// without encryption", "false", NULL, 0, 0},
};

/* How long answers are kept; 0 = for the run. */
static enum status cache_time(const struct json *config, int64_t *ms, struct err *err)
{
    const char *text = json_get_text(config, "cache");
    struct schedule every = {0};
    *ms = 0;
    if (!text)
        return OK;
    if (schedule_parse(text, &every, err) != OK || every.kind != SCHEDULE_EVERY) {
        err_set(err, "recipe.wrong_value", "`cache` must be a time like 15m, 6h, 7d or 2w");
        return FAIL;
    }
    *ms = every.period_ms;
    return OK;
}

static const char *method_of(const struct json *config)
{
    const char *method = json_get_text(config, "method");
    return method ? method : json_get(config, "body") ? "POST" : "GET";
}

static bool reads(const char *method)
{
    return text_eq(method, "GET") || text_eq(method, "HEAD") || text_eq(method, "POST");
}

static void validate_answer(struct kind_check *check)
{
    const char *method = method_of(check->config), *where, *hint;
    const char *wrong = http_paging_wrong(check->config, &where, &hint);
    const char *paging = json_get_text(check->config, "paging");
    struct err err = {0};
    int64_t ms;
    struct err *said =
        wrong ? kind_check_fail(check, where, "recipe.missing_key", "%s", wrong) : NULL;
    if (said && hint)
        err_hint(said, "%s", hint);
    if (paging && !text_eq(paging, "none") && (!reads(method) || text_eq(method, "HEAD")))
        kind_check_fail(check, "paging", "recipe.wrong_value",
                        "a %s request has no further pages: GET or POST", method);
    if (cache_time(check->config, &ms, &err) != OK)
        kind_check_fail(check, "cache", err.code, "%s", err.message);
    else if (ms && !reads(method))
        kind_check_fail(check, "cache", "recipe.wrong_value",
                        "a %s request changes something: its answer is not used again", method);
}

static void validate(struct kind_check *check)
{
    validate_answer(check);
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
static bool prepare(struct http_asked *asked, struct http_keys *keys)
{
    struct column_batch *batch = asked->batch;
    struct err err = {0};
    size_t i = asked->row;
    asked->paging = (struct http_paging){.config = batch->config,
                                         .list = json_get_text(batch->config, "path"),
                                         .option = "path",
                                         .mark = HTTP_PAGING_MARK,
                                         .host = "the API"};
    http_paging_begin(&asked->paging, batch->arena);
    if (http_call_make(batch, i, asked->secrets, &asked->paging, &asked->call, &err) != OK) {
        batch_error(batch, i, CELL_ERROR, &err);
        return false;
    }
    if (asked->call.blank) {
        batch_no_result(batch, i);
        batch->results[i].code = "http.blank_input";
        batch->results[i].message =
            arena_printf(batch->arena, "{{%s}} is blank: nothing was asked", asked->call.blank);
        return false;
    }
    asked->paging.host = asked->call.host;
    asked->shared |= http_method_safe(asked->call.request.method);
    http_keys_of(keys, &asked->call, asked->key);
    const char *known = asked->shared ? http_cache_get(batch->job->http_cache, asked->key) : NULL;
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

/* Of a workspace; more are not worth the room. */
static const struct kept_bound answers_most = {.most = 100000, .bytes = (int64_t)256 << 20};
#define KEY_LABEL "http-answers" /* a sealed key: what is kept tells nothing of the requests */

/* The workspace's key, made when it is first needed. Two who make it at once disagree for a
 * batch: that costs requests, no more. */
static enum status answers_key(struct engine *engine, struct secret *key, struct err *err)
{
    char fresh[37];
    if (engine_unseal(engine, KEY_LABEL, key, err) == OK)
        return OK;
    if (!err_is(err, ERR_NOT_FOUND))
        return FAIL;
    err_clear(err);
    uuid4(engine->world, fresh);
    secret_set(key, fresh, strlen(fresh));
    return engine_seal(engine, KEY_LABEL, key, err);
}

static enum status name_kept(struct column_batch *batch, struct http_asked *asked, size_t count,
                             struct err *err)
{
    struct secret key = {0};
    enum status rc = answers_key(batch->job->engine, &key, err);
    for (size_t i = 0; rc == OK && i < count; i++) {
        char *name = arena_alloc(batch->arena, 65);
        vault_keyed_hash(&key, asked[i].key, strlen(asked[i].key), name);
        asked[i].kept_as = name;
    }
    secret_wipe(&key);
    return rc;
}

/* Takes from the store what is young enough. *count of them are left. */
static enum status take_kept(struct column_batch *batch, struct http_asked *asked, size_t *count,
                             int64_t age_ms, struct err *err)
{
    struct store *store = batch->job->engine->store;
    struct kept_answer *kept = arena_array(batch->arena, *count + 1, sizeof *kept);
    size_t left = 0;
    for (size_t i = 0; i < *count; i++)
        kept[i].key = asked[i].kept_as;
    if (store->does->http->answers(store, batch->arena, age_ms, kept, *count, err) != OK)
        return FAIL;
    for (size_t i = 0; i < *count; i++) {
        if (kept[i].json)
            take_cached(batch, asked[i].row, kept[i].json);
        else
            asked[left++] = asked[i];
    }
    *count = left;
    return OK;
}

static enum status keep(struct column_batch *batch, const struct http_asked *asked, size_t count,
                        int64_t keep_ms, struct err *err)
{
    struct store *store = batch->job->engine->store;
    struct kept_answer *kept = arena_array(batch->arena, count + 1, sizeof *kept);
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (asked[i].kept)
            kept[n++] = (struct kept_answer){asked[i].kept_as, asked[i].kept};
    return n ? store->does->http->keep(store, keep_ms, &answers_most, kept, n, err) : OK;
}

/* The rows that ask; same_as[i] is the row whose answer row i shares, or i. */
static size_t choose(struct column_batch *batch, const struct http_secret *secrets, bool shared,
                     struct http_asked *asked, size_t *same_as)
{
    int tries = (int)json_get_int(batch->config, "retries", 3) + 1;
    struct map *first = map_new();
    struct http_keys keys;
    size_t count = 0;
    http_keys_begin(&keys, batch);
    for (size_t i = 0; i < batch->count; i++) {
        same_as[i] = i;
        asked[count] = (struct http_asked){.batch = batch,
                                           .secrets = secrets,
                                           .row = i,
                                           .tries = tries,
                                           .shared = shared,
                                           .items = BUF_INIT};
        if (!prepare(&asked[count], &keys))
            continue;
        const struct http_asked *known = asked[count].shared ? map_get(first, asked[count].key) : NULL;
        if (known) {
            same_as[i] = known->row;
            continue;
        }
        map_put(first, asked[count].key, &asked[count]);
        count++;
    }
    map_free(first);
    http_keys_end(&keys);
    return count;
}

static enum status ask(struct column_batch *batch, const struct http_secret *secrets,
                       struct err *err)
{
    struct http_asked *asked = arena_array(batch->arena, batch->count + 1, sizeof *asked);
    size_t *same_as = arena_array(batch->arena, batch->count + 1, sizeof *same_as);
    int64_t keep_ms;
    enum status rc = cache_time(batch->config, &keep_ms, err);
    size_t count = rc == OK ? choose(batch, secrets, keep_ms > 0, asked, same_as) : 0;
    if (rc == OK && keep_ms)
        rc = name_kept(batch, asked, count, err);
    if (rc == OK && keep_ms && !batch->job->options->fresh)
        rc = take_kept(batch, asked, &count, keep_ms, err);
    if (rc == OK)
        rc = http_send_all(batch, asked, count, err);
    if (rc == OK && keep_ms)
        rc = keep(batch, asked, count, keep_ms, err);
    for (size_t i = 0; i < batch->count && rc == OK; i++)
        if (same_as[i] != i)
            copy_result(batch, same_as[i], i);
    for (size_t i = 0; i < count; i++)
        buf_free(&asked[i].items);
    return rc;
}

static bool acts(const struct column_batch *batch)
{
    const char *method = method_of(batch->config);
    return !text_eq(method, "GET") && !text_eq(method, "HEAD");
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
        rc = ask(batch, secrets, err);
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
    .item = HTTP_PAGING_WORD,
    .item_if = "paging",
    .whole_run = true,
    .step = true,
    .validate = validate,
    .execute = execute,
};
