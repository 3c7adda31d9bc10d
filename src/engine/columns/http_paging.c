/* http_paging.c - see http_paging.h.
 *
 * A next page's address comes from the answer: it is asked with the request's headers, and with
 * them its secrets, only on the host that the recipe names. */
#include "engine/columns/http_paging.h"

#include "base/buf.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

const char *const http_pagings[] = {"none", "next_link", "page", "offset", "cursor", NULL};

static enum paging paging_of(const struct json *config)
{
    const char *word = json_get_text(config, "paging");
    for (int i = 0; word && http_pagings[i]; i++)
        if (text_eq(word, http_pagings[i]))
            return (enum paging)i;
    return BY_NOTHING;
}

const char *http_paging_wrong(const struct json *config, const char **where, const char **hint)
{
    *hint = NULL;
    *where = "paging";
    if (paging_of(config) == BY_CURSOR && !json_get(config, "next")) {
        *hint = "the path in the answer where the next cursor is, like meta.next_cursor";
        return "paging by cursor needs `next`";
    }
    *where = "size_parameter";
    if (json_get(config, "size_parameter") && !json_get(config, "page_size"))
        return "`size_parameter` needs `page_size`";
    return NULL;
}

/* ------------------------------------------------------------------- place */

const char *http_place_get(const struct http_place *place, const char *word, bool *known)
{
    const struct {
        const char *name, *value;
    } places[] = {{"page", place->page},
                  {"offset", place->offset},
                  {"cursor", place->cursor},
                  {"page_size", place->size}};
    *known = false;
    for (size_t i = 0; i < sizeof places / sizeof *places && !*known; i++) {
        *known = text_eq(word, places[i].name);
        if (*known)
            return places[i].value;
    }
    return NULL;
}

static const char *number(struct arena *arena, int64_t n)
{
    return arena_printf(arena, "%lld", (long long)n);
}

void http_paging_begin(struct http_paging *paging, struct arena *arena)
{
    paging->by = paging_of(paging->config);
    paging->page_size = json_get_int(paging->config, "page_size", 0);
    if (paging->by == BY_PAGE)
        paging->place.page = number(arena, json_get_int(paging->config, "first_page", 1));
    if (paging->by == BY_OFFSET)
        paging->place.offset = "0";
    if (paging->page_size)
        paging->place.size = number(arena, paging->page_size);
}

/* ----------------------------------------------------------------- address */

static bool holds(const struct json *value, const char *mark)
{
    if (json_is(value, JSON_STRING))
        return strstr(json_text(value), mark) != NULL;
    json_each(child, value) {
        if (holds(child, mark))
            return true;
    }
    return false;
}

static bool template_holds(const struct http_paging *paging, const char *word)
{
    char mark[64];
    snprintf(mark, sizeof mark, "{{%s%s}}", paging->mark, word);
    return holds(json_get(paging->config, "url"), mark) ||
           holds(json_get(paging->config, "body"), mark);
}

/* What is added to the address: the place, unless the templates hold it. */
static const char *query_of(const struct http_paging *paging, struct arena *arena)
{
    const char *word = http_pagings[paging->by], *size = NULL;
    const char *name = json_get_text(paging->config, "parameter");
    struct buf query = BUF_INIT;
    bool known;
    const char *value = http_place_get(&paging->place, word, &known);
    if (value && !template_holds(paging, word))
        uri_pair_add(&query, name ? name : word, value);
    size = json_get_text(paging->config, "size_parameter");
    if (size && paging->place.size)
        uri_pair_add(&query, size, paging->place.size);
    const char *text = arena_strdup(arena, buf_text(&query));
    buf_free(&query);
    return text;
}

/* A link of the answer must stay where the secrets may go. */
static enum status check_same_host(const struct http_paging *paging, const struct uri *base,
                                   const struct uri *next, struct err *err)
{
    if (text_eq(base->scheme, next->scheme) && text_eq(base->host, next->host) &&
        base->port == next->port)
        return OK;
    err_set(err, "http.other_host", "the next page is said to be on %s, not on %s", next->host,
            paging->host);
    err_hint(err, "The request's headers are only sent where the recipe says.");
    return FAIL;
}

/* The address without what follows its path, for links that begin with a slash. */
static const char *resolve(struct arena *arena, const struct uri *base, const char *link)
{
    if (link[0] != '/' || link[1] == '/')
        return link;
    return arena_printf(arena, "%s://%s:%d%s", base->scheme, base->host, base->port, link);
}

enum status http_paging_url(const struct http_paging *paging, struct arena *arena, const char *url,
                            const char **out, struct err *err)
{
    struct uri base, uri;
    const char *query = query_of(paging, arena);
    if (!uri_parse(arena, url, &base))
        return err_set(err, "http.url", "the URL is not a complete http(s) address");
    if (*query)
        url = arena_printf(arena, "%s%s%s", url, strchr(url, '?') ? "&" : "?", query);
    *out = paging->place.link ? resolve(arena, &base, paging->place.link) : url;
    if (!uri_parse(arena, *out, &uri))
        return err_set(err, "http.url", "the next page's address is none: %.100s", *out);
    return paging->place.link ? check_same_host(paging, &base, &uri, err) : OK;
}

/* Link: <https://...>; rel="next" */
const char *http_paging_link(struct arena *arena, const struct http_response *response)
{
    const char *header = http_header_get(response->headers, "Link");
    for (const char *p = header; p && (p = strchr(p, '<')) != NULL; p++) {
        const char *end = strchr(p, '>'), *next = end ? strchr(end, '<') : NULL;
        const char *rel = end ? strstr(end, "rel=") : NULL;
        if (rel && (!next || rel < next) &&
            (text_starts(rel, "rel=\"next\"") || text_starts(rel, "rel=next")))
            return arena_strndup(arena, p + 1, (size_t)(end - p) - 1);
    }
    return NULL;
}

/* ------------------------------------------------------------------- pages */

static enum status check_repeat(struct http_paging *paging, const struct json *list,
                                struct err *err)
{
    struct buf text = BUF_INIT;
    struct jw w;
    char hash[65];
    jw_init(&w, &text);
    jw_value(&w, list);
    sha256_hex(buf_text(&text), text.len, hash);
    buf_free(&text);
    bool same = list->len && text_eq(hash, paging->last_page);
    memcpy(paging->last_page, hash, sizeof hash);
    if (!same)
        return OK;
    err_set(err, "http.page_repeats", "%s gave the same page twice: page %lld", paging->host,
            (long long)paging->pages);
    err_hint(err, "Look at `paging` and `parameter`: the API may not know that parameter.");
    return FAIL;
}

enum status http_paging_list(struct http_paging *paging, const struct json *body,
                             const struct json **list, struct err *err)
{
    const char *path = paging->list;
    paging->pages++;
    *list = path ? json_path(body, path) : body;
    if (json_is(*list, JSON_ARRAY))
        return check_repeat(paging, *list, err);
    err_set(err, "http.no_rows", "%s answered without a list%s%s", paging->host,
            path ? " at " : "", path ? path : "");
    err_hint(err, "`%s` names the path of the list in the answer, like data.items.",
             paging->option);
    return FAIL;
}

/* True when the answer names one; *again when it is the one that this answer was asked with. */
static bool go_to(const char **place, const char *next, struct arena *arena, bool *again)
{
    *again = next && text_eq(next, *place);
    *place = next && *next ? arena_strdup(arena, next) : NULL;
    return *place != NULL;
}

enum status http_paging_next(struct http_paging *paging, struct arena *arena,
                             const struct json *body, const struct json *list, const char *link,
                             bool *more, struct err *err)
{
    const char *path = json_get_text(paging->config, "next");
    const char *next = path ? json_text(json_path(body, path)) : link;
    struct http_place *place = &paging->place;
    bool full = list->len && (!paging->page_size || (int64_t)list->len >= paging->page_size);
    bool again = false;
    *more = false;
    switch (paging->by) {
    case BY_NOTHING:
        return OK;
    case BY_LINK:
        *more = go_to(&place->link, next, arena, &again);
        break;
    case BY_CURSOR:
        *more = go_to(&place->cursor, next, arena, &again);
        break;
    case BY_PAGE:
        place->page = number(arena, strtoll(place->page, NULL, 10) + 1);
        *more = full;
        break;
    case BY_OFFSET:
        place->offset =
            number(arena, strtoll(place->offset, NULL, 10) + (int64_t)list->len);
        *more = full;
        break;
    }
    if (again)
        return err_set(err, "http.page_repeats", "%s names page %lld as the one behind itself",
                       paging->host, (long long)paging->pages);
    return OK;
}
