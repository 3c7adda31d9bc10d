/* http_request.h - one row's request, filled from its templates. Private to the
 * HTTP column; the HTTP source shares its secrets. */
#ifndef ARGIL_ENGINE_COLUMNS_HTTP_REQUEST_H
#define ARGIL_ENGINE_COLUMNS_HTTP_REQUEST_H

#include "engine/columns/http_paging.h"
#include "engine/run_priv.h"
#include "http/redirect.h"

/* Secrets a batch or a pull needs, opened once and wiped at its end. */
struct http_secret {
    const char *name;
    struct secret value;
    struct http_secret *next;
};

struct http_call {
    struct http_request request; /* texts on the batch's arena; may hold secrets */
    bool repeatable;             /* sent twice it acts once: by its method, or by a key it carries */
    const char *host;            /* for messages */
    const char *blank;           /* a reference of the URL that was blank: nothing is asked */
};

/* Every {{secret:name}} in a config. */
enum status http_secrets_open(struct engine *engine, struct arena *arena, const struct json *config,
                              struct http_secret **out, struct err *err);
void http_secrets_wipe(struct http_secret *secrets);
/* Overwrites every secret in a text that came back or will be shown. */
void http_secrets_hide(const struct http_secret *secrets, char *text, size_t len);
/* In a column's url and body {{paging.cursor}} is the place of the page that is asked for. */
#define HTTP_PAGING_WORD "paging"
#define HTTP_PAGING_MARK HTTP_PAGING_WORD "."

/* The request for the page that `paging` is at. FAIL: this row's request cannot be made. */
enum status http_call_make(struct column_batch *batch, size_t row,
                           const struct http_secret *secrets, const struct http_paging *paging,
                           struct http_call *out, struct err *err);

/* Makes of a call the one that follows its redirect to `target`, which it borrows. FAIL: not there
 * (ERR_HTTP_REDIRECT), or not without encryption. */
enum status http_call_follow(struct column_batch *batch, struct http_call *call, const char *target,
                             struct err *err);

/* Keys of what the column makes of an answer: of the request, the workspace, and what the column
 * keeps of an answer. Made for a batch; may hold secrets. */
#define HTTP_KEY_ROOM 41
struct http_keys {
    struct buf text;
    size_t fixed; /* what all rows have in common */
};
void http_keys_begin(struct http_keys *keys, const struct column_batch *batch);
void http_keys_of(struct http_keys *keys, const struct http_call *call, char key[HTTP_KEY_ROOM]);
void http_keys_end(struct http_keys *keys);
bool http_method_idempotent(const char *method);
bool http_method_safe(const char *method); /* it only reads: rows with the same request may share one */

#endif
