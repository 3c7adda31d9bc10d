/* http_answer.c - an answer, or none, to a cell. See http_batch.h.
 *
 * A request that may have acted and cannot be repeated safely (POST without an answer) is left in
 * doubt and never sent again by itself. Pages of a list are put together here; one that fails
 * fails the cell, and the next try begins with the first page. */
#include "engine/columns/http_batch.h"

#include "base/str.h"
#include "base/when.h"
#include "engine/columns/http_cache.h"

#include <stdlib.h>
#include <string.h>

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

static void judge_failure(struct http_asked *asked, const struct http_response *response,
                          struct err *err)
{
    struct column_batch *batch = asked->batch;
    bool acted = response->progress >= HTTP_SENT_SOME;
    http_secrets_hide(asked->secrets, err->message, strlen(err->message));
    err_wrap(err, asked->followed ? "%s, after a redirect" : "%s", asked->call.host);
    if (err_is(err, ERR_HTTP_REFUSED_ADDRESS) || err_is(err, ERR_HTTP_TOO_LARGE))
        batch_error(batch, asked->row, CELL_ERROR, err);
    else if (acted && !asked->call.repeatable)
        batch_fail(batch, asked->row, CELL_IN_DOUBT, "http.outcome_unknown",
                   "%s. The request may have been carried out; it is not sent again by itself.",
                   err->message);
    else
        batch_retry(batch, asked->row, 0, asked->tries, err);
}

static const struct json *body_tree(struct http_asked *asked, struct http_response *response)
{
    struct arena *arena = asked->batch->arena;
    struct err ignored = {0};
    const struct json *tree =
        json_parse(arena, buf_text(&response->body), response->body.len, &ignored);
    if (tree)
        return tree;
    return json_of_text(arena, buf_text(&response->body), response->body.len);
}

static void remember(struct http_asked *asked, const struct json *tree)
{
    struct buf text = BUF_INIT;
    struct jw w;
    if (!asked->shared)
        return;
    jw_init(&w, &text);
    if (tree)
        jw_value(&w, tree);
    http_cache_put(asked->batch->job->http_cache, asked->key, buf_text(&text));
    asked->kept = arena_strdup(asked->batch->arena, buf_text(&text));
    buf_free(&text);
}

/* What is kept of the answer is the cell's text, where that is JSON. */
static void give(struct http_asked *asked, const struct json *tree)
{
    struct column_batch *batch = asked->batch;
    const char *kept = asked->kept;
    if (kept && !json_is_null(tree) && batch->plan->column->type == TYPE_JSON)
        batch_value(batch, asked->row, (struct value){kept, (uint32_t)strlen(kept)});
    else
        batch_json(batch, asked->row, tree);
}

static void judge_success(struct http_asked *asked, struct http_response *response)
{
    const char *path = json_get_text(asked->batch->config, "path");
    const struct json *tree = response->body.len ? body_tree(asked, response) : NULL;
    if (tree && path)
        tree = json_path(tree, path);
    remember(asked, tree);
    give(asked, tree);
}

/* ------------------------------------------------------------------- pages */

static enum status add_items(struct http_asked *asked, const struct json *list, struct err *err)
{
    size_t most = asked->call.request.max_body;
    json_each(item, list) {
        struct jw w;
        buf_char(&asked->items, asked->items.len ? ',' : '[');
        jw_init(&w, &asked->items);
        jw_value(&w, item);
    }
    if (asked->items.len <= most)
        return OK;
    err_set(err, ERR_HTTP_TOO_LARGE, "%lld pages of %s are more than %zu bytes",
            (long long)asked->paging.pages, asked->call.host, most);
    err_hint(err, "Raise max_bytes, or ask for less.");
    return FAIL;
}

static enum status check_pages(const struct http_asked *asked, struct err *err)
{
    int64_t most = json_get_int(asked->batch->config, "max_pages", HTTP_COLUMN_PAGES);
    if (asked->paging.pages < most)
        return OK;
    err_set(err, "http.max_pages", "%s has more than max_pages: %lld", asked->call.host,
            (long long)most);
    err_hint(err, "Raise max_pages, or ask for less: a part of the list would look like all of it.");
    return FAIL;
}

/* Of an arena of its own: the answer's tree goes when its items are kept. */
static enum status take_page(struct http_asked *asked, struct arena *arena,
                             const struct http_response *response, struct err *err)
{
    const struct json *list = NULL;
    const struct json *body =
        json_parse(arena, buf_text(&response->body), response->body.len, err);
    if (!body)
        return err_set(err, "http.not_json", "%s answered with something else than JSON",
                       asked->call.host);
    if (http_paging_list(&asked->paging, body, &list, err) != OK ||
        add_items(asked, list, err) != OK ||
        http_paging_next(&asked->paging, asked->batch->arena, body, list,
                         http_paging_link(arena, response), &asked->more, err) != OK)
        return FAIL;
    return asked->more ? check_pages(asked, err) : OK;
}

static void judge_page(struct http_asked *asked, const struct http_response *response)
{
    struct column_batch *batch = asked->batch;
    struct arena *arena = arena_new();
    struct err err = {0};
    const struct json *all = NULL;
    enum status rc = take_page(asked, arena, response, &err);
    if (rc == OK && !asked->more) {
        buf_str(&asked->items, asked->items.len ? "]" : "[]");
        all = json_parse(batch->arena, buf_text(&asked->items), asked->items.len, &err);
        rc = all ? OK : FAIL;
    }
    if (rc != OK) {
        asked->more = false;
        batch_error(batch, asked->row, CELL_ERROR, &err);
    } else if (all) {
        remember(asked, all);
        give(asked, all);
    }
    arena_free(arena);
}

/* ------------------------------------------------------------------ verdict */

static void judge_status(struct http_asked *asked, struct http_response *response)
{
    struct column_batch *batch = asked->batch;
    int status = response->status;
    bool retry = status == 429 || status == 503 || status == 408 || status == 425;
    bool idempotent = asked->call.repeatable;
    const char *meaning = json_get_text(batch->config, "not_found");
    struct err err = {0};
    char code[40];
    snprintf(code, sizeof code, "http.status_%d", status);
    const char *body = buf_text(&response->body);
    int shown = (int)utf8_cut(body, response->body.len, 200);
    err_set(&err, code, "%s answered %d%s%.*s", asked->call.host, status, shown ? ": " : "", shown,
            body);
    if (status == 404 && !text_eq(meaning, "error") && asked->paging.pages == 0) {
        remember(asked, NULL);
        batch_no_result(batch, asked->row);
    } else if (status == 429 || (retry && idempotent) || (status >= 500 && idempotent)) {
        batch_retry(batch, asked->row, retry_after(batch, response), asked->tries, &err);
    } else {
        batch_error(batch, asked->row, CELL_ERROR, &err);
    }
}

/* True = a redirect: it is followed, or the row has its result. */
static bool judge_redirect(struct http_asked *asked, const struct http_response *response)
{
    struct column_batch *batch = asked->batch;
    const struct http_request *request = &asked->call.request;
    struct err err = {0};
    const char *to = http_redirect_target(batch->arena, request, response);
    if (!to)
        return false;
    if (http_redirect_allowed(request) &&
        asked->followed < json_get_int(batch->config, "redirects", HTTP_REDIRECTS)) {
        asked->sent_on = to;
        asked->more = true;
        return true;
    }
    http_redirect_refuse(request, asked->call.host, response->status, to, asked->followed, &err);
    http_secrets_hide(asked->secrets, err.message, strlen(err.message));
    batch_error(batch, asked->row, CELL_ERROR, &err);
    return true;
}

void http_judge(struct http_asked *asked, struct http_response *response, struct err *err)
{
    asked->more = false;
    if (response->body.data)
        http_secrets_hide(asked->secrets, response->body.data, response->body.len);
    if (*err->code)
        judge_failure(asked, response, err);
    else if (judge_redirect(asked, response))
        return;
    else if (response->status < 200 || response->status >= 300)
        judge_status(asked, response);
    else if (asked->paging.by != BY_NOTHING)
        judge_page(asked, response);
    else
        judge_success(asked, response);
}
