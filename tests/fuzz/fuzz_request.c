/* fuzz_request.c - what a request says before any handler sees it: path, query,
 * JSON body, against every route and its shapes.
 *
 * Input: method, path, query and body with newlines between the first three. What
 * must hold: a body that passes a shape passes it again after it was written and
 * read anew, and values of a path hold no NUL and are no dots. */
#include "api/route.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static char *line(struct arena *arena, const uint8_t **at, size_t *left)
{
    const uint8_t *end = memchr(*at, '\n', *left);
    size_t len = end ? (size_t)(end - *at) : *left;
    char *text = arena_strndup(arena, (const char *)*at, len);
    *at += len + (end != NULL);
    *left -= len + (end != NULL);
    return text;
}

static void check_again(struct arena *arena, const struct shape *shape, const struct json *body)
{
    struct buf text = BUF_INIT;
    struct jw w;
    struct err err = {0};
    jw_init(&w, &text);
    jw_value(&w, body);
    const struct json *again = json_parse_buf(arena, &text, &err);
    require(again && shape_check(shape, again, &err) == OK);
    buf_free(&text);
}

static void check_body(struct arena *arena, const struct shape *shape, const uint8_t *bytes,
                       size_t len)
{
    struct err err = {0};
    struct buf body = BUF_INIT;
    buf_append(&body, bytes, len);
    const struct json *json = json_parse_buf(arena, &body, &err);
    if (json && shape_check(shape, json, &err) == OK)
        check_again(arena, shape, json);
    else
        require(err.code[0] != '\0');
    buf_free(&body);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct arena *arena = arena_new();
    const char *values[ROUTE_VALUES_MAX] = {0};
    const char *method = line(arena, &data, &len), *path = line(arena, &data, &len);
    char *query = line(arena, &data, &len);
    unsigned others;
    struct err err = {0};
    const struct route *route = route_find(method, path, arena, values, &others);
    if (route) {
        size_t n = 0;
        for (const char *at = route->path; (at = strchr(at, '{')); at++, n++)
            require(*values[n] && !text_eq(values[n], ".."));
        struct uri_pair *pairs = uri_pairs(arena, query, strlen(query));
        if (shape_check_query(route->query, pairs, &err) != OK)
            require(err.code[0] != '\0');
        if (route->body)
            check_body(arena, route->body, data, len);
    }
    arena_free(arena);
    return 0;
}
