/* http_batch.h - what the files of the HTTP column share: the requests of one batch.
 *
 *   http.c          options; which rows ask, which share or know an answer
 *   http_request.c  templates to a request
 *   http_send.c     rounds of requests at the asked rates
 *   http_answer.c   what an answer means for its cell, page by page
 *   http_cache.c    answers of this run; those kept for longer are in the store */
#ifndef ARGIL_ENGINE_COLUMNS_HTTP_BATCH_H
#define ARGIL_ENGINE_COLUMNS_HTTP_BATCH_H

#include "engine/columns/http_request.h"

#define HTTP_COLUMN_PAGES 100 /* max_pages, when nothing is said */

struct http_asked {
    struct column_batch *batch;
    const struct http_secret *secrets;
    struct http_call call; /* of the page that is asked for now */
    size_t row;
    int tries;
    char key[HTTP_KEY_ROOM]; /* of the answer, in the cache of the run */
    const char *kept_as; /* its key in the store: nobody can tell the request from it */
    bool shared;   /* equal requests share the answer */
    const char *kept; /* the answer as JSON text, once there is one that may be shared; "" = none */
    struct http_paging paging;
    struct buf items; /* with paging: those of the pages so far */
    bool more;        /* another page, or the address of a redirect, is to be asked for */
    const char *sent_on; /* that address; NULL = a page */
    int followed;        /* redirects of the page that is asked for now */
};

/* Judges what came; sets the row's result, or `more`. */
void http_judge(struct http_asked *asked, struct http_response *response, struct err *err);
/* Sends them, and the further pages of each, until every row has its result or stays due. */
enum status http_send_all(struct column_batch *batch, struct http_asked *asked, size_t count,
                          struct err *err);

#endif
