/* oauth.h - what the parts of sign-in share: form fields, refusals, tokens. */
#ifndef LOCALORG_REST_OAUTH_H
#define LOCALORG_REST_OAUTH_H

#include "localorg/rest/gate.h"

/* A field of the form body, else of the query string; NULL when absent or "". */
const char *form_get(struct call *call, const char *name);
/* Appends name=value; spaces as '+', as redirects carry them. */
void form_add(struct buf *out, const char *name, const char *value);

/* T: the token endpoint's {"error","error_description"}, 400. */
void answer_oauth_error(struct call *call, const char *error, const char *description);
/* B: the same pair as a form-encoded line with %20, 400, no content type. */
void answer_oauth_plain(struct call *call, const char *error, const char *description);

/* Unknown word: false with *unknown set. Word the app lacks: false with it NULL. */
bool oauth_scopes_ok(struct arena *arena, const struct app *app, const char *scopes,
                     const char **unknown);

/* The client of a token request: id and secret from body or Basic, or a signed
 * client assertion. False after answering. */
struct client {
    struct app app;
    bool proved; /* a right secret or assertion came with it */
};
bool oauth_client(struct call *call, struct client *out);

struct token_wish {
    const struct app *app;
    const struct person *person;
    const char *scopes;
    const char *nonce;
    bool refresh;                  /* open a refresh grant when the scopes allow */
    uint64_t grant;                /* an existing one */
    const char *new_refresh_token; /* rotation */
};
struct token_pair {
    const char *name, *value;
};
#define TOKEN_PAIRS 12
/* Opens the session and lists the members of the token answer. */
size_t oauth_issue(struct call *call, const struct token_wish *wish,
                   struct token_pair pairs[TOKEN_PAIRS]);
/* The pairs as JSON, XML or form text, by `format` or Accept. */
void answer_pairs(struct call *call, int status, const struct token_pair *pairs, size_t count);

#endif
