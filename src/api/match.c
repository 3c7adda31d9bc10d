/* match.c - which route a request is for, and which answers a route may give.
 *
 * Paths are compared segment by segment as they were sent; a value is decoded
 * after that, so an escaped slash is part of a name and never a border. Empty
 * segments and dots match nothing. */
#include "api/route.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

static const char *const method_names[] = {
    [M_GET] = "GET", [M_POST] = "POST", [M_PUT] = "PUT", [M_PATCH] = "PATCH", [M_DELETE] = "DELETE"};

const char *method_name(enum method method)
{
    return method_names[method];
}

/* The part of a path up to the next slash; *path moves behind it. */
static struct str next_segment(const char **path)
{
    const char *from = *path + 1;
    size_t len = strcspn(from, "/");
    *path = from + len;
    return (struct str){from, len};
}

static bool take_value(struct arena *arena, struct str given, const char **out)
{
    size_t len;
    char *value = uri_decode(arena, given.p, given.n, false, &len);
    if (!value || !len || strlen(value) != len || !utf8_valid(value, len) || text_eq(value, ".") ||
        text_eq(value, ".."))
        return false;
    *out = value;
    return true;
}

static bool path_matches(const char *pattern, const char *path, struct arena *arena,
                         const char *values[ROUTE_VALUES_MAX])
{
    size_t n = 0;
    while (*pattern == '/' && *path == '/') {
        struct str want = next_segment(&pattern), given = next_segment(&path);
        if (want.n && want.p[0] == '{') {
            if (n == ROUTE_VALUES_MAX || !take_value(arena, given, &values[n++]))
                return false;
        } else if (!str_eq(want, given)) {
            return false;
        }
    }
    return !*pattern && !*path;
}

const struct route *route_find(const char *method, const char *path, struct arena *arena,
                               const char *values[ROUTE_VALUES_MAX], unsigned *others)
{
    *others = 0;
    for (size_t i = 0; i < route_count; i++) {
        const struct route *route = &routes[i];
        if (!path_matches(route->path, path, arena, values))
            continue;
        if (text_eq(method_name(route->method), method))
            return route;
        *others |= 1u << route->method;
    }
    return NULL;
}

bool route_may_answer(const struct route *route, int status)
{
    char text[16];
    bool changes = route->method != M_GET, somebody = route->may != ROLE_NOBODY;
    snprintf(text, sizeof text, "%d", status);
    if (route->errors && strstr(route->errors, text))
        return true;
    switch (status) {
    case 400: /* what cannot be read, unknown parameters, another host */
    case 405:
    case 429:
    case 500:
        return true;
    case 401:
        return somebody;
    case 403:
        return somebody || changes;
    case 404:
        return strchr(route->path, '{') != NULL;
    case 413:
        return route->body || route->flags & (R_BYTES | R_RAW);
    case 415:
        return route->body || route->flags & R_BYTES;
    case 422:
        return route->body != NULL;
    case 502:
    case 503:
        return route->flags & R_ORG;
    default:
        return false;
    }
}
