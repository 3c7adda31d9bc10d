/* http.c - rows from an HTTP API, page by page.
 *
 * How pages follow each other is columns/http_paging.h. Reaching a limit is said, and
 * the sync is not complete. */
#include "engine/sources/http_ask.h"
#include "engine/sources/json_rows.h"
#include "engine/sources/snapshot.h"

#include "base/str.h"

static const char *const methods[] = {"GET", "POST", NULL};

static const struct kind_option options[] = {
    {"url", OPT_TEXT, true, "address; {{secret:name}}, {{page}}, {{offset}}, {{cursor}} are filled",
     NULL, NULL, 0, 0},
    {"fields", OPT_SOURCE_FIELDS, true, "paths in an item: [id, {company.name: Company}]; $ is all",
     NULL, NULL, 0, 0},
    {"rows", OPT_TEXT, false, "path of the list in the answer, like data.items", "the answer is it",
     NULL, 0, 0},
    HTTP_PAGING_OPTIONS,
    {"max_pages", OPT_INT, false, "pages after which the reading ends, incomplete", "10000", NULL,
     1, 1000000},
    {"method", OPT_ENUM, false, "request method", "GET, or POST with a body", methods, 0, 0},
    {"headers", OPT_TEMPLATE_MAP, false, "request headers; {{secret:name}} reads the vault", NULL,
     NULL, 0, 0},
    {"body", OPT_BODY, false, "request body: text, or a mapping sent as JSON", NULL, NULL, 0, 0},
    {"rate_limit", OPT_RATE, false, "most requests in a time", "none", NULL, 0, 0},
    {"host_rate_limit", OPT_RATE, false,
     "most requests to the host in a time, of all columns and HTTP sources that say so, in all processes",
     "none", NULL, 0, 0},
    {"timeout", OPT_INT, false, "seconds for one request", "60", NULL, 1, 600},
    {"retries", OPT_INT, false, "further tries after a failure that may pass", "3", NULL, 0, 10},
    {"max_bytes", OPT_INT, false, "longest answer in bytes", "16777216", NULL, 1, 268435456},
    {"redirects", OPT_INT, false, "redirects of a GET that are followed", "5", NULL, 0, 20},
    {"allow_private", OPT_BOOL, false, "may reach private addresses", "false", NULL, 0, 0},
    {"allow_http", OPT_BOOL, false, "may use http:// without encryption", "false", NULL, 0, 0},
};

/* --------------------------------------------------------------- checking */

static void check_http(struct source_check *check)
{
    const char *url = json_get_text(check->config, "url");
    check->open = true;
    if (!text_starts(url, "https://") && !text_starts(url, "http://"))
        source_check_fail(check, "url", "recipe.url", "url must begin with https://");
    const char *where, *hint, *wrong = http_paging_wrong(check->config, &where, &hint);
    struct err *said = wrong ? source_check_fail(check, where, "recipe.missing_key", "%s", wrong) : NULL;
    if (said && hint)
        err_hint(said, "%s", hint);
}

/* ---------------------------------------------------------------- pulling */

struct http_pull {
    struct sync *sync;
    struct http_ask ask;
    struct json_rows rows;
    struct snapshot *snap;
    struct http_paging paging;
    int64_t row_count;
};

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

static enum status one_page(struct http_pull *pull, struct arena *arena, bool *more,
                            struct err *err)
{
    const struct json *body = NULL, *list = NULL;
    const char *link = NULL;
    if (http_ask_page(&pull->ask, &pull->paging, arena, &body, &link, err) != OK ||
        http_paging_list(&pull->paging, body, &list, err) != OK ||
        take_list(pull, list, err) != OK)
        return FAIL;
    return http_paging_next(&pull->paging, pull->sync->job.arena, body, list, link, more, err);
}

static enum status all_pages(struct http_pull *pull, struct err *err)
{
    int64_t most = json_get_int(pull->sync->source, "max_pages", 10000);
    struct arena *arena = arena_new();
    enum status rc = OK;
    for (bool more = true; rc == OK && more;) {
        if (pull->paging.pages == most) {
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
    struct http_pull pull = {.sync = sync};
    enum status rc = http_ask_open(&pull.ask, sync, err);
    sync->subject = pull.ask.host;
    sync->counted_by = "the API gave";
    pull.paging = (struct http_paging){.config = sync->source,
                                       .list = json_get_text(sync->source, "rows"),
                                       .option = "rows",
                                       .mark = "",
                                       .host = pull.ask.host};
    http_paging_begin(&pull.paging, sync->job.arena);
    if (rc == OK)
        rc = read_pages(&pull, err);
    if (rc != OK && pull.paging.pages)
        err_wrap(err, "after %lld pages", (long long)pull.paging.pages);
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
