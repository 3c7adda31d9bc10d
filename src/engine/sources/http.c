/* http.c - rows from an HTTP API, page by page.
 *
 *   none        one answer has it all
 *   next_link   each answer (or its Link header) names the address of the next
 *   page        ?page=1, 2, 3 ... until a page has no rows
 *   offset      ?offset=0, 100, 200 ... likewise
 *   cursor      each answer holds what to send for the next
 *
 * A page that repeats the one before, or names itself as the next, ends the pull
 * with an error: nothing else would ever end it. Reaching a limit is said, and the
 * sync is not complete. */
#include "engine/sources/http_ask.h"
#include "engine/sources/json_rows.h"
#include "engine/sources/snapshot.h"

#include "base/str.h"
#include "base/uri.h"

#include <stdlib.h>
#include <string.h>

static const char *const methods[] = {"GET", "POST", NULL};
static const char *const pagings[] = {"none", "next_link", "page", "offset", "cursor", NULL};

static const struct kind_option options[] = {
    {"url", OPT_TEXT, true, "address; {{secret:name}}, {{page}}, {{offset}}, {{cursor}} are filled",
     NULL, NULL, 0, 0},
    {"fields", OPT_SOURCE_FIELDS, true, "paths in an item: [id, {company.name: Company}]; $ is all",
     NULL, NULL, 0, 0},
    {"rows", OPT_TEXT, false, "path of the list in the answer, like data.items", "the answer is it",
     NULL, 0, 0},
    {"paging", OPT_ENUM, false, "how further pages are asked for", "none", pagings, 0, 0},
    {"next", OPT_TEXT, false, "path of the next page's link or cursor in the answer",
     "the Link header", NULL, 0, 0},
    {"parameter", OPT_TEXT, false, "query parameter for page, offset or cursor", "the word itself",
     NULL, 0, 0},
    {"first_page", OPT_INT, false, "number of the first page", "1", NULL, 0, 1000000},
    {"page_size", OPT_INT, false, "rows a page; fewer end the reading", "not known", NULL, 1,
     100000},
    {"size_parameter", OPT_TEXT, false, "query parameter that page_size is sent as", "none", NULL,
     0, 0},
    {"max_pages", OPT_INT, false, "pages after which the reading ends, incomplete", "10000", NULL,
     1, 1000000},
    {"method", OPT_ENUM, false, "request method", "GET, or POST with a body", methods, 0, 0},
    {"headers", OPT_TEMPLATE_MAP, false, "request headers; {{secret:name}} reads the vault", NULL,
     NULL, 0, 0},
    {"body", OPT_BODY, false, "request body: text, or a mapping sent as JSON", NULL, NULL, 0, 0},
    {"rate_limit", OPT_RATE, false, "most requests in a time", "none", NULL, 0, 0},
    {"timeout", OPT_INT, false, "seconds for one request", "60", NULL, 1, 600},
    {"retries", OPT_INT, false, "further tries after a failure that may pass", "3", NULL, 0, 10},
    {"max_bytes", OPT_INT, false, "longest answer in bytes", "16777216", NULL, 1, 268435456},
    {"allow_private", OPT_BOOL, false, "may reach private addresses", "false", NULL, 0, 0},
    {"allow_http", OPT_BOOL, false, "may use http:// without encryption", "false", NULL, 0, 0},
};

/* --------------------------------------------------------------- checking */

static void check_http(struct source_check *check)
{
    const char *url = json_get_text(check->config, "url");
    const char *paging = json_get_text(check->config, "paging");
    check->open = true;
    if (!text_starts(url, "https://") && !text_starts(url, "http://"))
        source_check_fail(check, "url", "recipe.url", "url must begin with https://");
    if (text_eq(paging, "cursor") && !json_get(check->config, "next"))
        err_hint(source_check_fail(check, "paging", "recipe.missing_key",
                                   "paging by cursor needs `next`"),
                 "the path in the answer where the next cursor is, like meta.next_cursor");
    if (json_get(check->config, "size_parameter") && !json_get(check->config, "page_size"))
        source_check_fail(check, "size_parameter", "recipe.missing_key",
                          "`size_parameter` needs `page_size`");
}

/* ---------------------------------------------------------------- pulling */

enum paging { BY_NOTHING, BY_LINK, BY_PAGE, BY_OFFSET, BY_CURSOR };

struct http_pull {
    struct sync *sync;
    struct http_ask ask;
    struct json_rows rows;
    struct snapshot *snap;
    enum paging paging;
    struct http_place place; /* of the page to be asked for; texts on the job's arena */
    int64_t pages, row_count, page_size;
    char last_page[65]; /* hash, to notice one that repeats */
};

static enum paging paging_of(const struct json *config)
{
    const char *word = json_get_text(config, "paging");
    for (int i = 0; word && pagings[i]; i++)
        if (text_eq(word, pagings[i]))
            return (enum paging)i;
    return BY_NOTHING;
}

static const char *number(struct http_pull *pull, int64_t n)
{
    return arena_printf(pull->sync->job.arena, "%lld", (long long)n);
}

static void first_place(struct http_pull *pull)
{
    const struct json *config = pull->sync->source;
    if (pull->paging == BY_PAGE)
        pull->place.page = number(pull, json_get_int(config, "first_page", 1));
    if (pull->paging == BY_OFFSET)
        pull->place.offset = "0";
    if (pull->page_size)
        pull->place.size = number(pull, pull->page_size);
}

/* What is added to the address: the place, unless the address or body holds it. */
static const char *query_of(struct http_pull *pull, struct arena *arena)
{
    const struct json *config = pull->sync->source;
    const char *word = pagings[pull->paging], *name = json_get_text(config, "parameter");
    const char *value = pull->paging == BY_PAGE     ? pull->place.page
                        : pull->paging == BY_OFFSET ? pull->place.offset
                        : pull->paging == BY_CURSOR ? pull->place.cursor
                                                    : NULL;
    const char *size = json_get_text(config, "size_parameter");
    struct buf query = BUF_INIT;
    if (value && !http_ask_holds(&pull->ask, word))
        uri_pair_add(&query, name ? name : word, value);
    if (size)
        uri_pair_add(&query, size, pull->place.size);
    const char *text = arena_strdup(arena, buf_text(&query));
    buf_free(&query);
    return text;
}

static const struct json *list_in(struct http_pull *pull, const struct json *body, struct err *err)
{
    const char *path = json_get_text(pull->sync->source, "rows");
    const struct json *list = path ? json_path(body, path) : body;
    if (json_is(list, JSON_ARRAY))
        return list;
    err_set(err, "http.no_rows", "%s answered without a list%s%s", pull->ask.host,
            path ? " at " : "", path ? path : "");
    err_hint(err, "`rows` names the path of the list in the answer, like data.items.");
    return NULL;
}

static enum status check_repeat(struct http_pull *pull, const struct json *list, struct err *err)
{
    struct buf text = BUF_INIT;
    struct jw w;
    char hash[65];
    jw_init(&w, &text);
    jw_value(&w, list);
    sha256_hex(buf_text(&text), text.len, hash);
    buf_free(&text);
    bool same = list->len && text_eq(hash, pull->last_page);
    memcpy(pull->last_page, hash, sizeof hash);
    if (!same)
        return OK;
    err_set(err, "http.page_repeats", "%s gave the same page twice: page %lld", pull->ask.host,
            (long long)pull->pages);
    err_hint(err, "Look at `paging` and `parameter`: the API may not know that parameter.");
    return FAIL;
}

static enum status take_item(struct http_pull *pull, const struct json *item, struct err *err)
{
    struct sync *sync = pull->sync;
    struct value *values = snapshot_row(pull->snap);
    int64_t at = ++pull->row_count;
    for (size_t i = 0; i < sync->field_count; i++)
        if (snapshot_put_json(pull->snap, values, i, json_rows_at(item, sync->fields[i]), at,
                              err) != OK)
            return FAIL;
    return snapshot_add(pull->snap, values, NULL, NULL, at, err);
}

/* Values point into the answer, which goes with the page's arena: they are copied first. */
static enum status take_list(struct http_pull *pull, const struct json *list, struct err *err)
{
    json_each(item, list) {
        struct buf text = BUF_INIT;
        struct jw w;
        jw_init(&w, &text);
        jw_value(&w, item);
        const struct json *kept =
            json_parse(snapshot_arena(pull->snap), buf_text(&text), text.len, err);
        buf_free(&text);
        if (!kept || take_item(pull, kept, err) != OK)
            return FAIL;
    }
    return OK;
}

/* Where the page behind this one is; false when there is none. */
static bool next_place(struct http_pull *pull, const struct json *body, const struct json *list,
                       const char *link, bool *again)
{
    const char *path = json_get_text(pull->sync->source, "next");
    const char *next = path ? json_text(json_path(body, path)) : link;
    struct arena *arena = pull->sync->job.arena;
    bool full = list->len && (!pull->page_size || list->len >= pull->page_size);
    *again = false;
    switch (pull->paging) {
    case BY_NOTHING:
        return false;
    case BY_LINK:
        *again = next && text_eq(next, pull->place.link);
        pull->place.link = next && *next ? arena_strdup(arena, next) : NULL;
        return pull->place.link != NULL;
    case BY_CURSOR:
        *again = next && text_eq(next, pull->place.cursor);
        pull->place.cursor = next && *next ? arena_strdup(arena, next) : NULL;
        return pull->place.cursor != NULL;
    case BY_PAGE:
        pull->place.page = number(pull, strtoll(pull->place.page, NULL, 10) + 1);
        return full;
    case BY_OFFSET:
        pull->place.offset =
            number(pull, strtoll(pull->place.offset, NULL, 10) + (int64_t)list->len);
        return full;
    }
    return false;
}

static enum status one_page(struct http_pull *pull, struct arena *arena, bool *more,
                            struct err *err)
{
    const struct json *body = NULL;
    const char *link = NULL;
    bool again;
    if (http_ask_page(&pull->ask, &pull->place, query_of(pull, arena), arena, &body, &link, err) !=
        OK)
        return FAIL;
    pull->pages++;
    const struct json *list = list_in(pull, body, err);
    if (!list || check_repeat(pull, list, err) != OK || take_list(pull, list, err) != OK)
        return FAIL;
    *more = next_place(pull, body, list, link, &again);
    if (again)
        return err_set(err, "http.page_repeats", "%s names page %lld as the one behind itself",
                       pull->ask.host, (long long)pull->pages);
    return OK;
}

static enum status all_pages(struct http_pull *pull, struct err *err)
{
    int64_t most = json_get_int(pull->sync->source, "max_pages", 10000);
    struct arena *arena = arena_new();
    enum status rc = OK;
    for (bool more = true; rc == OK && more;) {
        if (pull->pages == most) {
            snapshot_cut(pull->snap,
                         arena_printf(pull->sync->job.arena,
                                      "ended at max_pages: %lld, there is more", (long long)most));
            break;
        }
        arena_reset(arena);
        rc = one_page(pull, arena, &more, err);
        job_tick(&pull->sync->job, "reading pages", pull->row_count, 0);
    }
    arena_free(arena);
    return rc;
}

static enum status read_pages(struct http_pull *pull, struct err *err)
{
    if (json_rows_open(&pull->rows, pull->sync, err) != OK)
        return FAIL;
    pull->snap = snapshot_new(pull->sync, err);
    if (!pull->snap || all_pages(pull, err) != OK)
        return FAIL;
    return snapshot_finish(pull->snap, err);
}

static enum status pull_http(struct sync *sync, struct err *err)
{
    struct http_pull pull = {.sync = sync,
                             .paging = paging_of(sync->source),
                             .page_size = json_get_int(sync->source, "page_size", 0)};
    enum status rc = http_ask_open(&pull.ask, sync, err);
    sync->subject = pull.ask.host;
    sync->counted_by = "the API gave";
    first_place(&pull);
    if (rc == OK)
        rc = read_pages(&pull, err);
    if (rc != OK && pull.pages)
        err_wrap(err, "after %lld pages", (long long)pull.pages);
    snapshot_free(pull.snap);
    http_ask_close(&pull.ask);
    return rc;
}

const struct source_kind http_source = {
    .name = "http",
    .key = "http",
    .title = "HTTP API",
    .help = "Asks an API for a list, page by page, and makes each item a row. Private addresses "
            "and plain http are refused unless the recipe allows them.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .key_rule = KEY_NEEDED,
    .every = "24h",
    .when_deleted = "mark",
    .check = check_http,
    .pull = pull_http,
};
