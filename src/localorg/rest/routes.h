/* routes.h - the table of everything localorg answers, and the dispatcher. */
#ifndef LOCALORG_REST_ROUTES_H
#define LOCALORG_REST_ROUTES_H

#include "localorg/rest/call.h"

typedef void route_fn(struct call *call);

enum route_kind {
    ROUTE_OPEN,    /* anyone, not counted: OAuth, pages, the version list */
    ROUTE_API,     /* a session with scope api; one API call */
    ROUTE_CONTROL, /* /localorg/: loopback only, never faulted, delayed or logged */
    ROUTE_FREE,    /* the same, under no lock of the org: it takes its own */
    ROUTE_ALONE    /* the same, with no other request in flight */
};

struct route {
    const char *method;  /* words: "GET", "GET POST" */
    const char *pattern; /* "/services/data/:v/sobjects/:object" ; a last "*" takes the rest */
    route_fn *run;
    enum route_kind kind;
    const char *help; /* what it answers, for docs and the home page */
    bool alone;       /* changes the schema: with no other request in flight */
};

extern const struct route routes[];
extern const size_t route_count;

/* The handler of the HTTP server; ctx is the site. */
void routes_handle(void *site, struct http_in *in, struct http_out *out);
/* Processes a request whose client has gone; its answer is thrown away. */
void routes_deliver(struct site *site, struct http_in *in);
/* A control request of our own: scenarios, faults of effect "control". `body` is JSON text or
 * NULL. The status; what was answered is put into *answer (free it), which may be NULL. */
int routes_control(struct site *site, struct arena *arena, const char *method, const char *path,
                   const char *body, struct buf *answer);
/* "GET /services/data/:v/query" */
const char *route_name(int index);

#endif
