/* composite.c - /composite and /composite/graph: several requests in one call,
 * later ones built from the answers of earlier ones.
 *
 * With allOrNone everything runs between records_begin and records_end, so
 * that later subrequests see what earlier ones wrote and one failure undoes
 * all (salesforce-data 4.1). Answers are parsed only when somebody refers to
 * them. The HTTP status of the whole is 200 whatever happened inside. */
#include "localorg/rest/records.h"
#include "localorg/rest/resources.h"

#include "base/str.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define PARTS_MAX  25
#define HEAVY_MAX  5
#define GRAPHS_MAX 75
#define NODES_MAX  500

#define HALTED                                                                                     \
    "The transaction was rolled back since another operation in the same transaction failed."

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

static bool graph_url_ok(const struct json *asked)
{
    const char *url = json_get_text(asked, "url");
    const char *at = url ? strstr(url, "/sobjects/") : NULL;
    return at && !strstr(url, "/composite");
}

static void run_graph(struct call *call, const struct json *graph, struct jw *w)
{
    struct composite c;
    bool successful = true;
    composite_read(&c, call, json_get(graph, "compositeRequest"), true);
    const char *wrong = wrong_parts(call->arena, &c);
    for (size_t i = 0; i < c.count && !wrong; i++)
        if (!graph_url_ok(c.parts[i].asked))
            wrong = "A graph holds requests to /sobjects/ only.";
    for (size_t i = 0; i < c.count && wrong; i++)
        part_error(&c, &c.parts[i], 400, "INVALID_REQUEST", wrong);
    successful = !wrong && run_parts(&c);
    jw_object(w);
    jw_kv_text(w, "graphId", json_get_text(graph, "graphId"));
    jw_key(w, "graphResponse");
    jw_object(w);
    write_parts(&c, w);
    jw_end_object(w);
    jw_kv_bool(w, "isSuccessful", successful);
    jw_end_object(w);
    composite_free(&c);
}

void graph_run(struct call *call)
{
    struct jw w;
    size_t nodes = 0;
    const struct json *body = call_json(call), *graphs = json_get(body, "graphs");
    if (!body)
        return;
    json_each(graph, graphs) {
        const struct json *list = json_get(graph, "compositeRequest");
        if (!json_is(list, JSON_ARRAY) || !json_get_text(graph, "graphId")) {
            answer_error(call, 400, "INVALID_REQUEST",
                         "Each graph needs a graphId and a compositeRequest list.");
            return;
        }
        nodes += list->len;
    }
    if (!json_is(graphs, JSON_ARRAY) || graphs->len > GRAPHS_MAX || nodes > NODES_MAX) {
        answer_error(call, 400, "LIMIT_EXCEEDED",
                     "A request holds 1 to %d graphs with %d nodes together.", GRAPHS_MAX,
                     NODES_MAX);
        return;
    }
    struct buf out = BUF_INIT; /* not the answer's own: a failing graph may write one there */
    jw_init(&w, &out);
    jw_object(&w);
    jw_key(&w, "graphs");
    jw_array(&w);
    json_each(graph, graphs)
        run_graph(call, graph, &w);
    jw_end_array(&w);
    jw_end_object(&w);
    answer_json(call, 200, &w);
    buf_free(&call->out->body);
    call->out->body = out;
}
