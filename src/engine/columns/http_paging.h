/* http_paging.h - how the pages of a list follow each other at an HTTP API. Shared by the HTTP
 * column and the HTTP source: their options, where the next page is, and what ends the reading.
 *
 *   none        one answer has it all
 *   next_link   each answer (or its Link header) names the address of the next
 *   page        ?page=1, 2, 3 ... until a page has no rows
 *   offset      ?offset=0, 100, 200 ... likewise
 *   cursor      each answer holds what to send for the next
 *
 * A page that repeats the one before, or names itself as the next, is an error: nothing else would
 * ever end it. */
#ifndef ARGIL_ENGINE_COLUMNS_HTTP_PAGING_H
#define ARGIL_ENGINE_COLUMNS_HTTP_PAGING_H

#include "base/arena.h"
#include "base/json.h"
#include "base/uri.h"
#include "http/client.h"

extern const char *const http_pagings[]; /* NULL-terminated, in the order of enum paging */
enum paging { BY_NOTHING, BY_LINK, BY_PAGE, BY_OFFSET, BY_CURSOR };

/* Rows of an option table (struct kind_option). */
#define HTTP_PAGING_OPTIONS                                                                        \
    {"paging", OPT_ENUM, false, "how further pages are asked for", "none", http_pagings, 0, 0},    \
    {"next", OPT_TEXT, false, "path of the next page's link or cursor in the answer",              \
     "the Link header", NULL, 0, 0},                                                               \
    {"parameter", OPT_TEXT, false, "query parameter for page, offset or cursor",                   \
     "the word itself", NULL, 0, 0},                                                               \
    {"first_page", OPT_INT, false, "number of the first page", "1", NULL, 0, 1000000},             \
    {"page_size", OPT_INT, false, "rows a page; fewer end the reading", "not known", NULL, 1,      \
     100000},                                                                                      \
    {"size_parameter", OPT_TEXT, false, "query parameter that page_size is sent as", "none", NULL, \
     0, 0}

/* What is wrong with these options together: a sentence; NULL when nothing is. *where is the
 * option, *hint may be set. */
const char *http_paging_wrong(const struct json *config, const char **where, const char **hint);

/* Where the page is that is to be asked for. */
struct http_place {
    const char *link; /* a whole address, taken as it is; else the template is filled */
    const char *page, *offset, *cursor; /* as text; NULL = the first one has none */
    const char *size;
};
/* The place's value by its word: "page", "offset", "cursor", "page_size"; NULL = it has none.
 * *known: it is one of these words. */
const char *http_place_get(const struct http_place *place, const char *word, bool *known);

struct http_paging {
    const struct json *config;
    const char *list;   /* path of the list in an answer; NULL = the answer is it */
    const char *option; /* that says so, for the hint */
    const char *mark;   /* what templates put before a word: "" or "paging." */
    const char *host;   /* for messages */
    enum paging by;
    struct http_place place; /* of the page to be asked for */
    int64_t pages, page_size;
    char last_page[65]; /* hash, to notice one that repeats */
};
/* Fills by, place and page_size from the config. */
void http_paging_begin(struct http_paging *paging, struct arena *arena);
/* The address of the page: the link, on the host of `url` only, or `url` with the place behind it,
 * unless the config's url or body holds it. */
enum status http_paging_url(const struct http_paging *paging, struct arena *arena, const char *url,
                            const char **out, struct err *err);
/* The answer's list; a page that was there before is an error. Counts the page. */
enum status http_paging_list(struct http_paging *paging, const struct json *body,
                             const struct json **list, struct err *err);
/* Goes on to the page behind this one; *more = false when there is none. `link` is that of the
 * Link header, or NULL. The place is kept on `arena`. */
enum status http_paging_next(struct http_paging *paging, struct arena *arena,
                             const struct json *body, const struct json *list, const char *link,
                             bool *more, struct err *err);
/* The rel=next of the answer's Link header, on `arena`; NULL = none. */
const char *http_paging_link(struct arena *arena, const struct http_response *response);

#endif
