/* connect_pages.h - the pages that `argil connect` shows in the browser.
 *
 * Each fills a reply with a whole page: no script but its own, nothing loaded
 * from elsewhere, every text escaped. The environment has its colour on all. */
#ifndef ARGIL_CLI_CONNECT_PAGES_H
#define ARGIL_CLI_CONNECT_PAGES_H

#include "connect/connect.h"
#include "http/server.h"

/* What the start page tells. */
struct connect_wish {
    const char *name;        /* of the connection */
    const char *host;        /* "https://acme.my.salesforce.com" */
    const char *environment; /* asked for: "production", "sandbox", "local" */
    const char *callback;    /* the exact callback URL */
    const char *scopes;      /* asked for */
    bool again;              /* the connection is there already */
};

/* The page that starts the sign-in and waits for it. `generic`: why a page of
 * Salesforce's own may be the end of the way, most likely cause first. */
void page_start(struct http_in *in, struct http_out *out, const struct connect_wish *wish,
                const struct crm_findings *generic, const char *script_nonce);
void page_connected(struct http_in *in, struct http_out *out, const struct connection *connection,
                    const char *scopes_missing);
/* `causes` may be empty: then cause and hint of *err stand alone. */
void page_refused(struct http_in *in, struct http_out *out, int status, const struct err *err,
                  const struct crm_findings *causes, const char *environment);
/* What a pasted error or address means. */
void page_explained(struct http_in *in, struct http_out *out, const struct crm_findings *causes,
                    const char *environment);

#endif
