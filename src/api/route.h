/* route.h - one row a route: method, path, who may, what it takes and gives.
 *
 * The row is the single description: dispatch.c matches, checks and guards by it,
 * openapi.c prints it, the tests walk it. A path segment in braces is a value:
 * "/api/v1/tables/{table}/rows". */
#ifndef ARGIL_API_ROUTE_H
#define ARGIL_API_ROUTE_H

#include "api/call.h"
#include "api/shape.h"
#include "model/people.h"

enum method { M_GET, M_POST, M_PUT, M_PATCH, M_DELETE };
const char *method_name(enum method method);

enum route_flags {
    R_WRITES = 1,  /* call->store may write */
    R_ORG = 2,     /* runs on a thread of its connection's lane, with call->engine */
    R_PROVED = 4,  /* a session must have given its password lately */
    R_PLAIN = 8,   /* answers something else than JSON */
    R_STREAM = 16, /* answers without an end */
    R_HIDDEN = 32, /* not in the document: no part of the API */
    R_LAX = 512,    /* parameters that are not known are left alone: somebody else makes them up */
    R_BYTES = 1024, /* the body is bytes, application/octet-stream, BODY_LARGE at most */
    R_RAW = 2048,   /* the body is the handler's own business: of any type, BODY_LARGE at most */
    R_PERSON = 256, /* for a signed-in person, not for a token */
    R_LARGE = 128, /* takes a body of BODY_LARGE bytes, not of BODY_USUAL */
    R_OPEN = 64    /* a POST that needs no session: still not from another site's page */
};

/* Fills call->out (call->w for JSON); FAIL with *err becomes the answer. */
typedef enum status route_fn(struct call *call, struct err *err);

struct route {
    enum method method;
    const char *path;
    route_fn *run;
    enum role may; /* ROLE_NOBODY: everyone */
    unsigned flags;
    const char *tag, *summary;
    const struct field *query;  /* NULL = takes none */
    const struct shape *body;   /* NULL = takes none */
    const struct shape *answer; /* NULL = none, 204, or R_PLAIN */
    int status;                 /* of success; 0 = 200, or 204 without an answer */
    const char *errors;         /* statuses beside the usual ones: "404 409" */
    const char *(*lane)(struct call *call); /* R_ORG: NULL = the connection or table of the path */
};

extern const struct route routes[];
extern const size_t route_count;

/* The route for a method and raw path. Values are decoded onto the arena. When
 * the path is known but not with this method, *others has a bit for each method
 * that is. */
const struct route *route_find(const char *method, const char *path, struct arena *arena,
                               const char *values[ROUTE_VALUES_MAX], unsigned *others);
/* The usual errors of a route, and its own: bit i of *mask = statuses[i]. */
#define ROUTE_STATUSES                                                                             \
    {                                                                                              \
        400, 401, 403, 404, 405, 409, 413, 415, 422, 429, 500, 502, 503                            \
    }
bool route_may_answer(const struct route *route, int status);

#endif
