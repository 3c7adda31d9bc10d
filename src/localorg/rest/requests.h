/* requests.h - what was asked of this org: the last requests one by one, and
 * counts per endpoint since the start. Thread-safe. */
#ifndef LOCALORG_REST_REQUESTS_H
#define LOCALORG_REST_REQUESTS_H

#include "base/json.h"

#include <stdint.h>

#define REQUESTS_KEPT 5000
#define ROUTES_MAX    320

struct request_entry {
    uint64_t number; /* 1, 2, 3 ... */
    int64_t at_ms, took_us;
    int status, api_calls;
    int route; /* index in the route table; -1 = none matched */
    size_t bytes_in, bytes_out;
    char method[8], path[320], user[64], agent[48], fault[64];
};

enum record_count { COUNT_CREATED, COUNT_UPDATED, COUNT_DELETED, COUNT_REFUSED, COUNT_READ };

struct requests;

struct requests *requests_new(void);
void requests_free(struct requests *requests);
void requests_clear(struct requests *requests);
void requests_add(struct requests *requests, struct request_entry *entry); /* sets number */
void requests_records(struct requests *requests, enum record_count which, uint64_t count);

/* {"requests":[...]} newest last; `path` a substring or NULL; after `since`. */
void requests_write(struct requests *requests, size_t limit, uint64_t since, const char *path,
                    struct jw *w);
/* Members "requests", "errors", "records", "endpoints" of an open object;
 * route_name gives each route's "METHOD pattern". */
void requests_write_stats(struct requests *requests, const char *(*route_name)(int route),
                          struct jw *w);

#endif
