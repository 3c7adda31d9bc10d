/* call.h - one request as its handler sees it. */
#ifndef ARGIL_API_CALL_H
#define ARGIL_API_CALL_H

#include "base/json.h"
#include "base/uri.h"
#include "engine/engine.h"
#include "http/server.h"
#include "model/people.h"

#define ROUTE_VALUES_MAX 4

struct api;
struct route;

struct person {
    int64_t user_id; /* 0 = nobody */
    const char *login, *name, *zone;
    enum role role;     /* what this request may: the user's role, or less with a token */
    int64_t session_id; /* 0 = by token */
    int64_t token_id;
    char hash[65];      /* of the session */
    const char *csrf;   /* the session's token against forged requests */
    int64_t proved_ms;  /* when the password was last given */
};

struct call {
    struct api *api;
    const struct route *route;
    struct http_in *in;
    struct http_out *out;
    struct arena *arena; /* lives as long as the request */
    const char *values[ROUTE_VALUES_MAX]; /* of the path's braces, in order */
    const struct uri_pair *query;
    const struct json *body; /* checked against the route's shape; NULL = none */
    struct person person;
    const char *peer;
    struct store *store;   /* lent for the call; writes only with R_WRITES */
    struct engine *engine; /* R_ORG only */
    struct jw w;           /* writes to out->body */
    const err_list *errors; /* further errors to answer with; lent until the answer is written */
    int64_t began_ms;
    int64_t place; /* whose place among the requests under way this one takes */
};

const char *call_query(const struct call *call, const char *name); /* NULL = not given */
int64_t call_query_int(const struct call *call, const char *name, int64_t otherwise);
bool call_query_bool(const struct call *call, const char *name, bool otherwise);
/* A path value that is a number; FAIL with ERR_NOT_FOUND when it is not one. */
enum status call_id(const struct call *call, size_t at, int64_t *out, struct err *err);
/* Who is named in runs and the audit. */
const char *call_who(const struct call *call);
int64_t call_now(const struct call *call);
/* The id of the table that the parameter `table` names; 0 when it is not given. */
enum status call_query_table(struct call *call, int64_t *id, struct err *err);
/* A part of a request that takes more than its route does; `what` begins the sentence. */
enum status call_needs(const struct call *call, enum role role, const char *what, struct err *err);
enum status call_audit(struct call *call, const char *what, const char *detail_json, struct err *err);

/* Writing: a moment as ISO text, null for 0; a text or null. */
void jw_kv_time(struct jw *w, const char *key, int64_t ms);
void jw_kv_next(struct jw *w, int64_t id); /* where the next page begins; 0 = this was the last */
void jw_kv_json(struct jw *w, const char *key, const char *json); /* null when NULL or broken */

#endif
