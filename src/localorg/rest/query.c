/* query.c - /query, /queryAll and the pages after the first.
 *
 * Rows are written straight into the answer's body; the envelope is put in
 * front afterwards, when it is known whether the first page was all. Only a
 * full page asks for the total, and only a query with more to come keeps a
 * cursor. */
#include "localorg/rest/query.h"

#include "localorg/rest/listviews.h"
#include "localorg/rest/records.h"
#include "localorg/rest/resources.h"

#include "base/str.h"
#include "localorg/soql/soql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_MIN 200

static void answer_soql_error(struct call *call, const struct err *err)
{
    bool failed = !err->code[0] || strcspn(err->code, ".") != strlen(err->code) ||
                  strcmp(err->code, ERR_IO) == 0;
    if (failed)
        answer_failed(call, err);
    else
        answer_error(call, 400, err->code, "%s", err->message);
}

/* Sforce-Query-Options: batchSize=200..2000, the org's limit, and the faults. */
static int64_t page_size(struct call *call)
{
    struct limits limits;
    const char *header = call_header(call, "Sforce-Query-Options");
    const char *asked = header ? strcasestr(header, "batchSize=") : NULL;
    meter_limits(call->site->meter, call_now(call), &limits);
    int64_t size = 2000;
    if (asked)
        size = atoll(asked + 10);
    if (size < PAGE_MIN)
        size = PAGE_MIN;
    if (size > limits.page_size)
        size = limits.page_size;
    if (call->plan && call->plan->page_size && call->plan->page_size < size)
        size = call->plan->page_size;
    return size;
}

/* Records with two and more long texts come 200 a page (salesforce-data 1.3). */
static int64_t page_for(struct call *call, const struct soql_plan *plan)
{
    int64_t size = page_size(call), long_texts = 0;
    for (const struct soql_node *node = plan->nodes; node; node = node->next)
        long_texts += node->kind == SOQL_FIELD && node->field && node->type == FT_TEXTAREA &&
                      node->field->length > 255;
    return long_texts >= 2 && size > PAGE_MIN ? PAGE_MIN : size;
}

/* Puts {"totalSize":..,"done":..,["nextRecordsUrl":..,]"records":[ in front of
 * the rows and closes them. */
static void wrap_rows(struct call *call, int64_t total, const char *next_url)
{
    struct buf *body = &call->out->body;
    char head[256];
    int len = next_url
                  ? snprintf(head, sizeof head,
                             "{\"totalSize\":%lld,\"done\":false,\"nextRecordsUrl\":\"%s\","
                             "\"records\":[",
                             (long long)total, next_url)
                  : snprintf(head, sizeof head, "{\"totalSize\":%lld,\"done\":true,\"records\":[",
                             (long long)total);
    size_t rows = body->len;
    if (!buf_room(body, (size_t)len + 2))
        return;
    memmove(body->data + len, body->data, rows);
    memcpy(body->data, head, (size_t)len);
    buf_added(body, (size_t)len);
    buf_append(body, "]}", 2);
}

static const char *next_url(struct call *call, const char *locator, int64_t at)
{
    return arena_printf(call->arena, "%s/query/%s-%lld", call->base, locator, (long long)at);
}

/* FOR VIEW, FOR REFERENCE: these rows were looked at. */
static void note_views(struct call *call, const struct soql_plan *plan, int64_t skip, size_t count)
{
    struct err err = {{0}};
    sqlite3_stmt *row;
    if ((!plan->for_view && !plan->for_reference) || plan->id_column < 0 || !count)
        return;
    struct soql_cursor *cursor = soql_open(call->site->org, plan, &err);
    if (cursor && soql_skip(cursor, skip, &err) == OK)
        while (count-- && (row = soql_next(cursor, &err)))
            records_touch(call, (const char *)sqlite3_column_text(row, plan->id_column),
                          plan->for_view ? VIEW_SEEN : VIEW_REFERENCED);
    soql_close(cursor);
}

/* --- child lists that are cut --- */

struct cut {
    struct call *call;
    const char *soql;
    bool all_rows;
};

/* Keeps the rest of a list; the url of its next page. */
static const char *keep_children(void *ctx, const struct soql_node *node, const char *parent_id,
                                 int64_t at, int64_t total)
{
    const struct cut *cut = ctx;
    struct call *call = cut->call;
    char locator[19];
    struct cursor fresh = {.arena = arena_new(),
                           .all_rows = cut->all_rows,
                           .api_version = call->api_version,
                           .child = node->ordinal,
                           .total = total,
                           .at = at,
                           .page = page_size(call)};
    fresh.soql = arena_strdup(fresh.arena, cut->soql);
    snprintf(fresh.parent_id, sizeof fresh.parent_id, "%s", parent_id);
    memcpy(fresh.user_id, call->session.user_id, sizeof fresh.user_id);
    cursors_keep(call->site->cursors, &fresh, call_now(call), 0, locator);
    return next_url(call, locator, at);
}

/* Pages with children end when parents and children together are as many as a page holds. */
static void page_children(struct call *call, struct soql_cursor *rows, struct cut *cut,
                          int64_t page)
{
    if (rows)
        soql_page_children(rows, (size_t)page, keep_children, cut);
}

/* The rows of a cut list, opened when they are asked for. */
static struct soql_cursor *open_children(struct org *org, struct cursor *cursor, int64_t now_ms,
                                         struct err *err)
{
    struct soql_context context = {.org = org,
                                   .user_id = cursor->user_id,
                                   .all_rows = cursor->all_rows,
                                   .now_ms = now_ms,
                                   .api_version = cursor->api_version};
    if (!cursor->plan) {
        struct soql_plan *whole = soql_compile(cursor->arena, &context, cursor->soql, err);
        cursor->plan = whole ? (struct soql_plan *)(uintptr_t)soql_child_plan(whole, cursor->child)
                             : NULL;
    }
    return cursor->plan ? soql_open_child(org, cursor->plan, cursor->parent_id, err) : NULL;
}

/* The first page. Takes over arena, plan and rows: kept in a cursor or freed. */
static void first_page(struct call *call, struct cursor *fresh, struct cut *cut)
{
    struct jw w;
    struct err err = {{0}};
    struct limits limits;
    char locator[19];
    size_t written = 0;
    bool kept = false;
    const struct soql_plan *plan = fresh->plan;
    fresh->page = page_for(call, plan);
    page_children(call, fresh->rows, cut, fresh->page);
    answer_json(call, 200, &w);
    if (plan->count_only) {
        int64_t total = soql_total(fresh->rows, &err);
        if (total < 0)
            goto failed;
        wrap_rows(call, total, NULL);
        goto done;
    }
    if (soql_write_json(fresh->rows, call->base, (size_t)fresh->page, &call->out->body, &written,
                        &err) != OK)
        goto failed;
    requests_records(call->site->requests, COUNT_READ, written);
    note_views(call, plan, 0, written);
    fresh->at = fresh->total = (int64_t)written;
    if (!soql_at_end(fresh->rows))
        fresh->total = soql_total(fresh->rows, &err);
    if (fresh->total < 0)
        goto failed;
    if (fresh->total <= fresh->at) {
        wrap_rows(call, fresh->at, NULL);
        goto done;
    }
    if (plan->aggregate) {
        answer_error(call, 400, "EXCEEDED_ID_LIMIT",
                     "Aggregate query does not support queryMore(), use LIMIT to restrict the "
                     "results to a single batch");
        goto done;
    }
    meter_limits(call->site->meter, call_now(call), &limits);
    int64_t total = fresh->total, at = fresh->at;
    if (call->transaction) { /* a snapshot of uncommitted rows must not outlive them */
        soql_close(fresh->rows);
        fresh->rows = NULL;
    }
    cursors_keep(call->site->cursors, fresh, call_now(call), limits.open_cursors, locator);
    kept = true;
    wrap_rows(call, total, next_url(call, locator, at));
    goto done;
failed:
    answer_soql_error(call, &err);
done:
    if (!kept) {
        soql_close(fresh->rows);
        arena_free(fresh->arena);
    }
}

void query_answer(struct call *call, const char *soql, bool all_rows)
{
    struct err err = {{0}};
    struct cursor fresh = {
        .arena = arena_new(), .all_rows = all_rows, .api_version = call->api_version};
    struct soql_context context = {.org = call->site->org,
                                   .user_id = call->session.user_id,
                                   .all_rows = all_rows,
                                   .shuffle = call->plan && call->plan->shuffle,
                                   .now_ms = call_now(call),
                                   .api_version = call->api_version};
    memcpy(fresh.user_id, call->session.user_id, sizeof fresh.user_id);
    fresh.soql = arena_strdup(fresh.arena, soql);
    fresh.plan = soql_compile(fresh.arena, &context, soql, &err);
    const char *columns = call_param(call, "columns");
    if (fresh.plan && columns && strcmp(columns, "true") == 0) {
        struct jw w;
        answer_json(call, 200, &w);
        soql_write_columns(fresh.plan, &call->out->body);
        arena_free(fresh.arena);
        return;
    }
    if (fresh.plan)
        fresh.rows = soql_open(call->site->org, fresh.plan, &err);
    if (!fresh.rows) {
        answer_soql_error(call, &err);
        arena_free(fresh.arena);
        return;
    }
    struct cut cut = {call, fresh.soql, all_rows};
    first_page(call, &fresh, &cut);
}

/* --- further pages --- */

static void answer_bad_locator(struct call *call, const char *code)
{
    answer_error(call, 400, code, "invalid query locator");
}

/* Moves the cursor to row `at`: usually it is there already. */
static enum status go_to(struct call *call, struct cursor *cursor, int64_t at, struct err *err)
{
    struct org *org = call->site->org;
    if (!cursor->rows) {
        cursor->rows = cursor->child ? open_children(org, cursor, call_now(call), err)
                                     : soql_open(org, cursor->plan, err);
        cursor->at = 0;
    }
    if (!cursor->rows)
        return FAIL;
    if (cursor->at == at)
        return OK;
    if (at < cursor->at) {
        if (soql_rewind(cursor->rows, err) != OK)
            return FAIL;
        cursor->at = 0;
    }
    if (soql_skip(cursor->rows, at - cursor->at, err) != OK)
        return FAIL;
    cursor->at = at;
    return OK;
}

static void next_page(struct call *call, struct cursor *cursor, int64_t at)
{
    struct jw w;
    struct err err = {{0}};
    size_t written = 0;
    int64_t size = page_size(call);
    if (size > cursor->page)
        size = cursor->page;
    struct cut cut = {call, cursor->soql, cursor->all_rows};
    answer_json(call, 200, &w);
    enum status there = go_to(call, cursor, at, &err);
    page_children(call, cursor->rows, &cut, size);
    if (there != OK ||
        soql_write_json(cursor->rows, call->base, (size_t)size, &call->out->body, &written, &err) !=
            OK) {
        cursor->at = INT64_MAX; /* nobody knows where it stands: rewind next time */
        answer_soql_error(call, &err);
        return;
    }
    requests_records(call->site->requests, COUNT_READ, written);
    note_views(call, cursor->plan, at, written);
    cursor->at = at + (int64_t)written;
    bool more = written > 0 && cursor->at < cursor->total;
    wrap_rows(call, cursor->total, more ? next_url(call, cursor->locator, cursor->at) : NULL);
}

void query_more(struct call *call)
{
    struct limits limits;
    bool theirs;
    const char *dash = strrchr(call->args[0], '-');
    char *end = NULL;
    int64_t at = dash ? strtoll(dash + 1, &end, 10) : -1;
    size_t len = dash ? (size_t)(dash - call->args[0]) : 0;
    if (at < 0 || !end || *end || (len != 15 && len != 18)) {
        answer_bad_locator(call, "INVALID_QUERY_LOCATOR");
        return;
    }
    meter_limits(call->site->meter, call_now(call), &limits);
    struct cursor *cursor = cursors_take(
        call->site->cursors, arena_strndup(call->arena, call->args[0], len), call->session.user_id,
        call_now(call), limits.cursor_lifetime_s * 1000, &theirs);
    if (!cursor) {
        answer_bad_locator(call, theirs ? "UNAUTHORIZED_USER_FOR_CURSOR" : "INVALID_QUERY_LOCATOR");
        return;
    }
    if (at >= cursor->total)
        answer_error(call, 400, "LOCATOR_LOCATION_EXCEEDS_SIZE", "invalid query locator");
    else
        next_page(call, cursor, at);
    cursors_give(call->site->cursors, cursor, call_now(call));
}

/* --- the routes --- */

static void answer_explain(struct call *call, const char *soql)
{
    struct err err = {{0}};
    struct jw w;
    struct soql_context context = {.org = call->site->org,
                                   .user_id = call->session.user_id,
                                   .now_ms = call_now(call),
                                   .api_version = call->api_version};
    answer_json(call, 200, &w);
    if (soql_explain(call->arena, &context, soql, &w, &err) != OK)
        answer_soql_error(call, &err);
}

static void run(struct call *call, bool all_rows)
{
    const char *soql = call_param(call, "q"), *explain = call_param(call, "explain");
    if (explain)
        answer_explain(call, listviews_soql(call, explain)); /* a list view's id, too */
    else if (text_blank(soql))
        answer_error(call, 400, "MALFORMED_QUERY", "A query string has to be specified");
    else
        query_answer(call, soql, all_rows);
}

void query_run(struct call *call)
{
    run(call, false);
}

void query_all(struct call *call)
{
    run(call, true);
}
