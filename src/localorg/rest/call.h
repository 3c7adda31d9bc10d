/* call.h - one request on its way: what was asked, who asks, the answer so far.
 *
 * A route function reads the call, fills the answer with one of the answer_
 * functions, and returns. Subrequests of composite and batch are calls too,
 * with `nested` set, made by call_nested. Everything handed out here lives on
 * the request's arena. */
#ifndef LOCALORG_REST_CALL_H
#define LOCALORG_REST_CALL_H

#include "base/json.h"
#include "http/server.h"
#include "localorg/rest/site.h"

#define CALL_ARGS 6

struct route;

struct call {
    struct site *site;
    struct http_in *in;
    struct http_out *out;
    struct arena *arena;
    const char *method; /* after _HttpMethod */
    const char *path;   /* slashes collapsed, none at the end, still escaped */
    const struct uri_pair *query;
    const struct http_header *headers;
    const char *version; /* "66.0" */
    double api_version;
    const char *base;            /* "/services/data/v66.0" */
    const char *origin;          /* "http://127.0.0.1:8460", as the client sees us */
    const char *args[CALL_ARGS]; /* the :names of the pattern, decoded, in order */
    const struct route *route;
    struct session session; /* empty token when not signed in */
    struct fault_plan *plan;
    const struct json *json; /* the body once call_json has read it */
    bool xml;    /* the answer is to be XML */
    bool nested;
    bool alone;       /* nested in a request that has the org for itself */
    bool transaction; /* between org_write_begin and _end: reads see the writes */
    bool all_or_none; /* a subrequest whose every row must succeed */
    uint64_t *counts; /* where records written are counted until the transaction is kept */
    int running;      /* its place among the requests on their way; -1: one too many */
    int api_calls;    /* what this request costs; a route may add */
    const char *api;  /* for change events: "soap/66.0"; NULL: REST */
    bool malformed;   /* its Authorization header cannot be read */
    int64_t started_us;
    uint64_t ticket;               /* not 0: the answer comes later, */
    void (*resume)(struct call *); /* from here */
    void *resume_ctx;
};

/* A parameter of the query string, or NULL. */
const char *call_param(const struct call *call, const char *name);
const char *call_header(const struct call *call, const char *name);
/* The body as JSON. NULL after answering 400 JSON_PARSER_ERROR. */
const struct json *call_json(struct call *call);
/* Now, by the org's clock. */
int64_t call_now(const struct call *call);
/* May the session use the API, now? Looks it up again; false after answering why not. */
bool call_admitted(struct call *call);
/* The same for a session id that came in the body, and one API call counted. */
bool call_admitted_as(struct call *call, const char *token);
/* The route's last act: the answer is left to `resume`, called once when
 * waiting_wake names the ticket, after at_most_ms or when the site closes. It
 * holds the org's read lock as a route does, and answers or calls this again.
 * Returns the ticket; 0: answer now. Only for ROUTE_OPEN requests of their own. */
uint64_t call_later(struct call *call, int64_t at_most_ms, void (*resume)(struct call *),
                    void *ctx);

/* --- answers --- */
/* Starts a JSON answer; write one value with w. */
void answer_json(struct call *call, int status, struct jw *w);
void answer_empty(struct call *call, int status);
void answer_text(struct call *call, int status, const char *content_type, const char *text);
void answer_redirect(struct call *call, const char *location);
void answer_header(struct call *call, const char *name, const char *value);
/* [{"message","errorCode"}] */
void answer_error(struct call *call, int status, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void answer_not_found(struct call *call);
/* The org itself failed (disk, SQLite): 500 with what it said. */
void answer_failed(struct call *call, const struct err *err);
/* A control request that cannot be done: {"error":{code,message,hint}}. */
void answer_refusal(struct call *call, int status, const struct err *err);

/* A JSON text as Salesforce prints it with X-PrettyPrint: 1. */
void json_pretty(const struct buf *from, struct buf *to);

/* --- the object and fields a call is about --- */
/* The SObject of this name that the user may see. NULL after answering 404. */
struct sobject *call_object(struct call *call, const char *name);
bool call_may_field(const struct call *call, const struct field *field, enum org_access access);

/* --- inside a call --- */
struct nested {
    int status;
    struct http_header *headers;
    struct buf body; /* free it */
};
/* Runs the route for this url ("/services/data/...") with the caller's session
 * and no API call counted. `json` is the body, NULL for none. */
void call_nested(struct call *parent, const char *method, const char *url,
                 const struct http_header *headers, const struct json *json, struct nested *out);

#endif
