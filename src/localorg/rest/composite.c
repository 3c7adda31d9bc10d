/* composite.c - /composite and /composite/graph: several requests in one call,
 * later ones built from the answers of earlier ones.
 *
 * With allOrNone everything runs between records_begin and records_end, so
 * that later subrequests see what earlier ones wrote and one failure undoes
 * all (salesforce-data 4.1). Answers are parsed only when somebody refers to
 * them. The HTTP status of the whole is 200 whatever happened inside. */
#include "localorg/rest/records.h"
#include "localorg/rest/resources.h"
#include "localorg/rest/settings.h"

#include "base/str.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define PARTS_MAX  25
#define HEAVY_MAX  5
#define GRAPHS_MAX 75
#define NODES_MAX  500
#define KINDS_MAX  15 /* of nodes: version, method and object */
#define DEPTH_MAX  15 /* nodes that build on one another */
#define FAILED_MAX 14 /* graphs; after one more the rest is halted */

#define HALTED                                                                                     \
    "The transaction was rolled back since another operation in the same transaction failed."

#define HALTED_GRAPHS "The graph was not processed since too many graphs of the request failed."

struct part {
    const struct json *asked;
    const char *reference;
    struct nested answer;
    const struct json *parsed; /* of the answer's body, once asked for */
    bool done, failed;
};

struct composite {
    struct call *call;
    struct part *parts;
    size_t count;
    bool all_or_none;
    bool references; /* "@{" occurs somewhere in the request */
};

/* --- references --- */

static const struct json *parsed_answer(struct composite *c, struct part *part)
{
    if (!part->parsed && part->answer.body.len)
        part->parsed =
            json_parse(c->call->arena, part->answer.body.data, part->answer.body.len, NULL);
    return part->parsed;
}

/* One step, ".name" or "[3]". */
static const struct json *step(const struct json *value, const char **path, struct arena *arena)
{
    const char *p = *path;
    if (*p == '[') {
        size_t index = strtoul(p + 1, (char **)path, 10);
        if (**path == ']')
            ++*path;
        return json_at(value, index);
    }
    p += *p == '.';
    size_t len = strcspn(p, ".[");
    *path = p + len;
    return json_get(value, arena_strndup(arena, p, len));
}

/* The value of "ref.records[0].Id". NULL when there is none. */
static const struct json *refer(struct composite *c, const char *expression, const char **name)
{
    size_t len = strcspn(expression, ".[");
    *name = arena_strndup(c->call->arena, expression, len);
    for (size_t i = 0; i < c->count; i++) {
        struct part *part = &c->parts[i];
        if (!part->done || part->failed || !text_eq(part->reference, *name))
            continue;
        const struct json *value = parsed_answer(c, part);
        const char *path = expression + len;
        while (value && *path)
            value = step(value, &path, c->call->arena);
        return value;
    }
    return NULL;
}

struct resolution {
    struct composite *c;
    bool for_url;
    const char *missing; /* "ref.id" that has no value */
    const char *missing_in;
};

static const char *value_text(struct arena *arena, const struct json *value, bool for_url)
{
    const char *text = json_text(value);
    if (!text)
        text = json_is(value, JSON_TRUE) ? "true" : json_is(value, JSON_FALSE) ? "false" : "";
    return for_url ? uri_encoded(arena, text) : text;
}

/* The text with every @{...} replaced. */
static const char *resolve_text(struct resolution *r, const char *text)
{
    struct arena *arena = r->c->call->arena;
    struct buf out = BUF_INIT;
    const char *open;
    while (!r->missing && (open = strstr(text, "@{"))) {
        const char *close = strchr(open, '}');
        if (!close)
            break;
        char *expression = arena_strndup(arena, open + 2, (size_t)(close - open) - 2);
        const struct json *value = refer(r->c, expression, &r->missing_in);
        if (!value)
            r->missing = expression;
        buf_append(&out, text, (size_t)(open - text));
        buf_str(&out, value_text(arena, value, r->for_url));
        text = close + 1;
    }
    buf_str(&out, text);
    const char *resolved = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return resolved;
}

/* A copy of the tree with references resolved. A member that is nothing but a
 * reference takes the value itself, null included. */
static struct json *resolve_tree(struct resolution *r, const struct json *from)
{
    struct arena *arena = r->c->call->arena;
    struct json *to = arena_alloc(arena, sizeof *to), **last;
    *to = *from;
    to->next = NULL;
    if (from->type == JSON_STRING && strstr(from->text, "@{")) {
        size_t len = strlen(from->text);
        bool whole =
            text_starts(from->text, "@{") && strchr(from->text, '}') == from->text + len - 1;
        const char *name;
        const struct json *value =
            whole ? refer(r->c, arena_strndup(arena, from->text + 2, len - 3), &name) : NULL;
        to->text = resolve_text(r, from->text);
        to->len = (uint32_t)strlen(to->text);
        if (value && json_is(value, JSON_NULL))
            to->type = JSON_NULL;
    }
    last = &to->first;
    *last = NULL;
    json_each(child, from) {
        *last = resolve_tree(r, child);
        last = &(*last)->next;
    }
    return to;
}

/* --- one part --- */

static void part_error(struct composite *c, struct part *part, int status, const char *code,
                       const char *message)
{
    struct jw w;
    buf_free(&part->answer.body);
    part->answer = (struct nested){.status = status};
    jw_init(&w, &part->answer.body);
    jw_array(&w);
    jw_object(&w);
    jw_kv_text(&w, "errorCode", code);
    jw_kv_text(&w, "message", message);
    jw_end_object(&w);
    jw_end_array(&w);
    part->done = part->failed = true;
    part->parsed = NULL;
}

static const struct http_header *part_headers(struct arena *arena, const struct json *asked)
{
    struct http_header *headers = NULL;
    json_each(header, json_get(asked, "httpHeaders")) {
        struct http_header *h = arena_alloc(arena, sizeof *h);
        h->name = header->key;
        h->value = json_text(header) ? json_text(header) : "";
        h->next = headers;
        headers = h;
    }
    return headers;
}

/* Did any row of a collection fail? */
static bool rows_failed(struct composite *c, struct part *part)
{
    const struct json *rows = parsed_answer(c, part);
    if (!json_is(rows, JSON_ARRAY))
        return false;
    json_each(row, rows)
        if (json_is(json_get(row, "success"), JSON_FALSE))
            return true;
    return false;
}

static void run_part(struct composite *c, struct part *part)
{
    struct resolution r = {.c = c, .for_url = true};
    struct arena *arena = c->call->arena;
    const char *method = json_get_text(part->asked, "method");
    const char *url = json_get_text(part->asked, "url");
    const struct json *body = json_get(part->asked, "body");
    if (c->references && url)
        url = resolve_text(&r, url);
    r.for_url = false;
    if (c->references && body)
        body = resolve_tree(&r, body);
    if (r.missing) {
        part_error(c, part, 400, "PROCESSING_HALTED",
                   arena_printf(arena, "Invalid reference specified. No value for %s found in %s.",
                                r.missing, r.missing_in));
        return;
    }
    bool data = url && text_starts(url, "/services/data/");
    if (!method || !data || strstr(url, "/composite/batch") || strstr(url, "/composite/tree") ||
        text_ends(url, "/composite") || text_ends(url, "/composite/")) {
        part_error(c, part, 400, "INVALID_REQUEST",
                   arena_printf(arena,
                                "The url of a subrequest starts with /services/data/vNN.0/ "
                                "and is no composite request itself: %s",
                                url ? url : "(no url)"));
        return;
    }
    call_nested(c->call, method, url, part_headers(arena, part->asked),
                json_is(body, JSON_NULL) ? NULL : body, &part->answer);
    part->done = true;
    part->failed = part->answer.status >= 400;
    if (c->all_or_none && !part->failed && strstr(url, "/composite/sobjects") &&
        rows_failed(c, part)) {
        part->failed = true;
        part->answer.status = 400;
    }
}

/* True when all was well (or nobody asked for all or none). */
static bool run_parts(struct composite *c)
{
    struct call *call = c->call;
    uint64_t counts[5] = {0};
    size_t bad = c->count;
    if (c->all_or_none) {
        if (!records_begin(call))
            return false;
        call->transaction = call->all_or_none = true;
        call->counts = counts;
    }
    for (size_t i = 0; i < c->count && bad == c->count; i++) {
        run_part(c, &c->parts[i]);
        if (c->all_or_none && c->parts[i].failed)
            bad = i;
    }
    if (!c->all_or_none)
        return true;
    call->transaction = call->all_or_none = false;
    call->counts = NULL;
    bool kept = records_end(call, bad == c->count) && bad == c->count;
    for (size_t i = 0; i < c->count && !kept; i++)
        if (i != bad)
            part_error(c, &c->parts[i], 400, "PROCESSING_HALTED", HALTED);
    if (kept)
        records_count(call, counts);
    return kept;
}

/* --- what is asked --- */

static bool reference_ok(const char *reference)
{
    if (!reference || !isalnum((unsigned char)*reference))
        return false;
    for (const char *p = reference; *p; p++)
        if (!isalnum((unsigned char)*p) && *p != '_')
            return false;
    return true;
}

static bool forbidden_header(const struct json *asked)
{
    json_each(header, json_get(asked, "httpHeaders"))
        if (text_eq_nocase(header->key, "Accept") || text_eq_nocase(header->key, "Authorization") ||
            text_eq_nocase(header->key, "Content-Type"))
            return true;
    return false;
}

static bool is_heavy(const char *url)
{
    return url && (strstr(url, "/composite/sobjects") || strstr(url, "/query"));
}

/* NULL, or why the whole request is refused. */
static const char *wrong_parts(struct arena *arena, const struct composite *c)
{
    size_t heavy = 0;
    for (size_t i = 0; i < c->count; i++) {
        const struct part *part = &c->parts[i];
        if (!reference_ok(part->reference))
            return arena_printf(arena,
                                "Invalid reference id: %s. A referenceId starts with a letter or "
                                "digit and holds only letters, digits and underscores.",
                                part->reference ? part->reference : "null");
        for (size_t j = 0; j < i; j++)
            if (strcmp(part->reference, c->parts[j].reference) == 0)
                return arena_printf(arena, "Duplicate referenceId: %s", part->reference);
        if (forbidden_header(part->asked))
            return "httpHeaders of a subrequest may not hold Accept, Authorization or "
                   "Content-Type.";
        heavy += is_heavy(json_get_text(part->asked, "url"));
    }
    return heavy > HEAVY_MAX ? "The request can’t contain more than 5 query or sObject "
                               "Collections operations."
                             : NULL;
}

static void composite_read(struct composite *c, struct call *call, const struct json *list,
                           bool all_or_none)
{
    size_t i = 0;
    const struct buf *body = &call->in->body;
    c->call = call;
    c->all_or_none = all_or_none;
    c->count = list->len;
    c->parts = arena_array(call->arena, list->len + 1, sizeof *c->parts);
    c->references = call->nested || (body->len && memmem(body->data, body->len, "@{", 2) != NULL);
    json_each(asked, list) {
        c->parts[i].asked = asked;
        c->parts[i++].reference = json_get_text(asked, "referenceId");
    }
}

/* --- what is answered --- */

static void write_headers(struct jw *w, const struct http_header *headers)
{
    static const char *const shown[] = {"ETag", "Last-Modified", "Location"};
    jw_key(w, "httpHeaders");
    jw_object(w);
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        const char *value = http_header_get(headers, shown[i]);
        if (value)
            jw_kv_text(w, shown[i], value);
    }
    jw_end_object(w);
}

static void write_parts(struct composite *c, struct jw *w)
{
    jw_key(w, "compositeResponse");
    jw_array(w);
    for (size_t i = 0; i < c->count; i++) {
        struct part *part = &c->parts[i];
        jw_object(w);
        jw_key(w, "body");
        if (part->answer.body.len)
            jw_raw(w, part->answer.body.data, part->answer.body.len);
        else
            jw_null(w);
        write_headers(w, part->answer.headers);
        jw_kv_int(w, "httpStatusCode", part->answer.status);
        jw_kv_text(w, "referenceId", part->reference);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void composite_free(struct composite *c)
{
    for (size_t i = 0; i < c->count; i++)
        buf_free(&c->parts[i].answer.body);
}

void composite_resources(struct call *call)
{
    static const char *const names[] = {"tree", "batch", "sobjects", "graph"};
    struct jw w;
    answer_json(call, 200, &w);
    jw_object(&w);
    for (size_t i = 0; i < 4; i++)
        jw_kv_text(&w, names[i],
                   arena_printf(call->arena, "%s/composite/%s", call->base, names[i]));
    jw_end_object(&w);
}

static void answer_too_many(struct call *call)
{
    struct jw w;
    answer_json(call, 400, &w);
    jw_object(&w);
    jw_key(&w, "compositeResponse");
    jw_array(&w);
    jw_object(&w);
    jw_key(&w, "body");
    jw_array(&w);
    jw_object(&w);
    jw_kv_text(&w, "errorCode", "LIMIT_EXCEEDED");
    jw_kv_text(&w, "message", "The request can’t contain more than 25 operations.");
    jw_end_object(&w);
    jw_end_array(&w);
    jw_key(&w, "httpHeaders");
    jw_object(&w);
    jw_end_object(&w);
    jw_kv_int(&w, "httpStatusCode", 400);
    jw_kv_null(&w, "referenceId");
    jw_end_object(&w);
    jw_end_array(&w);
    jw_end_object(&w);
}

void composite_run(struct call *call)
{
    struct composite c;
    struct jw w;
    const struct json *body = call_json(call);
    const struct json *list = json_get(body, "compositeRequest");
    if (!body)
        return;
    if (!json_is(list, JSON_ARRAY) || list->len == 0) {
        answer_error(call, 400, "INVALID_REQUEST", "The request needs a compositeRequest list.");
        return;
    }
    if (list->len > PARTS_MAX) {
        answer_too_many(call);
        return;
    }
    composite_read(&c, call, list, json_get_bool(body, "allOrNone", false));
    const char *wrong = wrong_parts(call->arena, &c);
    if (wrong) {
        answer_error(call, 400, "INVALID_REQUEST", "%s", wrong);
        return;
    }
    run_parts(&c);
    answer_json(call, 200, &w);
    jw_object(&w);
    write_parts(&c, &w);
    jw_end_object(&w);
    composite_free(&c);
}

/* --- graphs: each one all or none, none knows the others --- */

/* "X" of /services/data/vNN.0/sobjects/X, X/ID or X/FIELD/VALUE with a method that may be there. */
static bool graph_node_ok(const struct json *asked, struct str *version, struct str *object)
{
    static const char *const methods[] = {"POST", "DELETE GET PATCH", "DELETE GET PATCH POST"};
    static const char lead[] = "/services/data/v", middle[] = "/sobjects/";
    const char *url = json_get_text(asked, "url"), *method = json_get_text(asked, "method");
    const char *at = url && text_starts(url, lead) ? strstr(url, middle) : NULL;
    if (!at || !method)
        return false;
    *version = (struct str){url + strlen(lead), (size_t)(at - url) - strlen(lead)};
    at += strlen(middle);
    *object = (struct str){at, strcspn(at, "/?")};
    size_t len = strcspn(at, "?"), deeper = 0;
    while (len && at[len - 1] == '/')
        len--;
    for (size_t i = 0; i < len; i++)
        deeper += at[i] == '/';
    return object->n && deeper < 3 && words_have(methods[deeper], method);
}

static size_t most(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* The depth of the deepest earlier part that this value refers to. */
static size_t depth_under(const struct composite *c, const struct json *value, size_t count,
                          const size_t *depths)
{
    size_t depth = 0;
    const char *text = json_is(value, JSON_STRING) ? value->text : "";
    while ((text = strstr(text, "@{"))) {
        size_t len = strcspn(text += 2, ".[}");
        for (size_t i = 0; i < count; i++)
            if (strlen(c->parts[i].reference) == len &&
                memcmp(c->parts[i].reference, text, len) == 0)
                depth = most(depth, depths[i]);
    }
    json_each(child, value)
        depth = most(depth, depth_under(c, child, count, depths));
    return depth;
}

static size_t graph_depth(const struct composite *c)
{
    size_t deepest = 0;
    size_t *depths = arena_array(c->call->arena, c->count + 1, sizeof *depths);
    for (size_t i = 0; i < c->count; i++) {
        depths[i] = 1 + depth_under(c, c->parts[i].asked, i, depths);
        deepest = most(deepest, depths[i]);
    }
    return deepest;
}

static const char *wrong_graph(struct composite *c)
{
    struct str version, object;
    const char *wrong = wrong_parts(c->call->arena, c);
    for (size_t i = 0; i < c->count && !wrong; i++)
        if (!graph_node_ok(c->parts[i].asked, &version, &object))
            wrong = "A graph holds POST /sobjects/X, DELETE, GET and PATCH of /sobjects/X/ID, and "
                    "these and POST of /sobjects/X/FIELD/VALUE.";
    if (!wrong && graph_depth(c) > DEPTH_MAX)
        wrong = arena_printf(c->call->arena, "The maximum depth of a graph is %d.", DEPTH_MAX);
    return wrong;
}

/* False when the graph failed. `halted`: it is not tried. */
static bool run_graph(struct call *call, const struct json *graph, bool halted, struct jw *w)
{
    struct composite c;
    composite_read(&c, call, json_get(graph, "compositeRequest"), true);
    const char *wrong = halted ? HALTED_GRAPHS : wrong_graph(&c);
    for (size_t i = 0; i < c.count && wrong; i++)
        part_error(&c, &c.parts[i], 400, halted ? "PROCESSING_HALTED" : "INVALID_REQUEST", wrong);
    bool successful = !wrong && run_parts(&c);
    jw_object(w);
    jw_kv_text(w, "graphId", json_get_text(graph, "graphId"));
    jw_key(w, "graphResponse");
    jw_object(w);
    write_parts(&c, w);
    jw_end_object(w);
    jw_kv_bool(w, "isSuccessful", successful);
    jw_end_object(w);
    composite_free(&c);
    return successful;
}

static bool graph_id_ok(const char *id)
{
    return id && isalnum((unsigned char)*id) && strlen(id) < 40 && !strchr(id, '.');
}

/* How many kinds of nodes there are; counting stops past the limit. */
static size_t node_kinds(const struct json *graphs)
{
    struct kind {
        struct str version, object;
        const char *method;
    } kinds[KINDS_MAX + 1], *k;
    size_t count = 0;
    json_each(graph, graphs) {
        json_each(asked, json_get(graph, "compositeRequest")) {
            struct kind kind = {.method = json_get_text(asked, "method")};
            if (!graph_node_ok(asked, &kind.version, &kind.object))
                continue; /* its graph is refused */
            for (k = kinds; k < kinds + count; k++)
                if (str_eq(k->version, kind.version) && str_eq_nocase(k->object, kind.object) &&
                    text_eq(k->method, kind.method))
                    break;
            if (k == kinds + count && count <= KINDS_MAX)
                kinds[count++] = kind;
        }
    }
    return count;
}

/* NULL, or why the whole request is refused; *code says how. */
static const char *wrong_graphs(struct call *call, const struct json *graphs, const char **code)
{
    size_t nodes = 0;
    *code = "INVALID_REQUEST";
    json_each(graph, graphs) {
        const struct json *list = json_get(graph, "compositeRequest");
        const char *id = json_get_text(graph, "graphId");
        if (!json_is(list, JSON_ARRAY) || !id)
            return "Each graph needs a graphId and a compositeRequest list.";
        if (!graph_id_ok(id))
            return arena_printf(call->arena,
                                "Invalid graphId: %s. It starts with a letter or digit, is shorter "
                                "than 40 characters and holds no period.",
                                id);
        for (const struct json *other = graphs->first; other != graph; other = other->next)
            if (text_eq(json_get_text(other, "graphId"), id))
                return arena_printf(call->arena, "Duplicate graphId: %s", id);
        nodes += list->len;
    }
    *code = "LIMIT_EXCEEDED";
    if (!json_is(graphs, JSON_ARRAY) || graphs->len > GRAPHS_MAX || nodes > NODES_MAX)
        return arena_printf(call->arena, "A request holds 1 to %d graphs with %d nodes together.",
                            GRAPHS_MAX, NODES_MAX);
    if (node_kinds(graphs) > KINDS_MAX)
        return arena_printf(call->arena,
                            "A request holds at most %d different nodes: version, method, object.",
                            KINDS_MAX);
    return NULL;
}

void graph_run(struct call *call)
{
    struct jw w;
    size_t failed = 0;
    const char *code;
    const struct json *body = call_json(call), *graphs = json_get(body, "graphs");
    if (!body)
        return;
    const char *wrong = wrong_graphs(call, graphs, &code);
    if (wrong) {
        answer_error(call, 400, code, "%s", wrong);
        return;
    }
    struct buf out = BUF_INIT; /* not the answer's own: a failing graph may write one there */
    jw_init(&w, &out);
    jw_object(&w);
    jw_key(&w, "graphs");
    jw_array(&w);
    json_each(graph, graphs)
        failed += !run_graph(call, graph, failed > FAILED_MAX, &w);
    jw_end_array(&w);
    jw_end_object(&w);
    answer_json(call, 200, &w);
    buf_free(&call->out->body);
    call->out->body = out;
}
