/* signin.h - one sign-in in a browser, from the page that starts it to the answer
 * that comes back.
 *
 * It belongs to the browser that started it (a cookie) and to nobody else's
 * request (state): both have 256 bits, are compared in constant time, are good
 * once and for ten minutes, and live in memory alone. What comes to the callback
 * address without them changes nothing: whoever waits goes on waiting. Call
 * order: new; the start page sets the cookie and sends the browser to
 * signin_flow_url; signin_flow_answer for each request to the callback address;
 * after SIGNIN_CODE signin_flow_finish, once. Safe to call from several threads. */
#ifndef ARGIL_ENGINE_SIGNIN_H
#define ARGIL_ENGINE_SIGNIN_H

#include "base/uri.h"
#include "connect/connect.h"

#define SIGNIN_MS ((int64_t)10 * 60 * 1000)

struct signin_flow;

/* Copies the wish, secrets too. NULL with *err when its address or app is refused. */
struct signin_flow *signin_flow_new(struct world *world, const struct connector *connector,
                                    const struct crm_signin *wish, struct err *err);
void signin_flow_free(struct signin_flow *flow); /* NULL is fine */

const char *signin_flow_url(const struct signin_flow *flow);    /* Salesforce's page; no secret in it */
const char *signin_flow_cookie(const struct signin_flow *flow); /* the value */
/* Did this browser start it? `cookie` is what it sent, or NULL. */
bool signin_flow_knows(const struct signin_flow *flow, const char *cookie);

enum signin_answer {
    SIGNIN_CODE,          /* ours: finish it */
    SIGNIN_REFUSED,       /* ours, and the org said no: *err says why and what to do */
    SIGNIN_NOT_OURS,      /* no state, or another's */
    SIGNIN_OTHER_BROWSER, /* the state is right, the browser is not the one that started it */
    SIGNIN_USED,          /* an answer has come before */
    SIGNIN_LATE,          /* older than ten minutes */
    SIGNIN_MALFORMED      /* a parameter twice, or longer than any of Salesforce's */
};
/* `query` is that of the request to the callback address. *err is set unless
 * SIGNIN_CODE; its code is "connect.signin_refused" or "connect.callback". */
enum signin_answer signin_flow_answer(struct signin_flow *flow, const char *cookie,
                                      const struct uri_pair *query, struct err *err);
/* Exchanges the code: blocks. Results on `arena`. */
enum status signin_flow_finish(struct signin_flow *flow, struct arena *arena,
                               struct connection *connection, struct crm_tokens *tokens,
                               struct err *err);

#endif
