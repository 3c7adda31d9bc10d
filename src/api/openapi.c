/* openapi.c - the OpenAPI 3.1 document and a page to read it, both made from the
 * route table and the shapes. Nothing is listed twice, so nothing can differ. */
#include "api/nouns.h"

#include "base/map.h"
#include "base/str.h"

#include <string.h>

static const int statuses[] = ROUTE_STATUSES;

static const struct field error_fields[] = {
    {"code", F_TEXT, F_REQUIRED, "stable; programs branch on it"},
    {"message", F_TEXT, F_REQUIRED, "for people"},
    {"where", F_TEXT, 0, "which field, which line"},
    {"cause", F_TEXT, 0, "what it means in Salesforce terms"},
    {"hint", F_TEXT, 0, "what to do"},
    {"id", F_TEXT, 0, "the server's log says more under it"},
    {0},
};
static const struct shape error_shape = {"Error", NULL, error_fields};
static const struct field failure_fields[] = {
    {"error", F_OBJECT, F_REQUIRED, NULL, .of = &error_shape},
    {"errors", F_LIST, 0, "each mistake of a refused recipe", .of = &error_shape},
    {0},
};
static const struct shape failure_shape = {"Failure", "Every answer that is not a success.",
                                           failure_fields};

static const char *status_text(int status)
{
    switch (status) {
    case 400: return "the request cannot be read";
    case 401: return "nobody is signed in";
    case 403: return "not allowed, or forged";
    case 404: return "there is no such thing";
    case 405: return "this address does not take that method";
    case 409: return "it does not fit what is there";
    case 413: return "the body is too large";
    case 415: return "the body is not application/json";
    case 422: return "it can be read, and is not right";
    case 429: return "too much at once; Retry-After says when";
    case 502: return "the org did not answer, or refused";
    case 503: return "busy or paused; try again";
    default: return "the server's fault";
    }
}

/* ------------------------------------------------------------- components */

static void collect(struct map *shapes, const struct shape *shape)
{
    if (!shape || map_has(shapes, shape->name))
        return;
    map_put(shapes, shape->name, (void *)(uintptr_t)shape);
    for (const struct field *f = shape->fields; f->name; f++)
        collect(shapes, f->of);
}

static void write_components(struct jw *w)
{
    struct map *shapes = map_new();
    size_t at = 0;
    const char *name;
    void *shape;
    collect(shapes, &failure_shape);
    for (size_t i = 0; i < route_count; i++) {
        collect(shapes, routes[i].body);
        collect(shapes, routes[i].answer);
    }
    jw_key(w, "components");
    jw_object(w);
    jw_key(w, "schemas");
    jw_object(w);
    while (map_next(shapes, &at, &name, &shape)) {
        jw_key(w, name);
        shape_write(w, shape);
    }
    jw_end_object(w);
    jw_key(w, "securitySchemes");
    jw_raw(w, "{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"},"
              "\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"argil\"},"
              "\"csrf\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-Argil-CSRF\"}}",
           strlen("{\"token\":{\"type\":\"http\",\"scheme\":\"bearer\"},"
                  "\"session\":{\"type\":\"apiKey\",\"in\":\"cookie\",\"name\":\"argil\"},"
                  "\"csrf\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"X-Argil-CSRF\"}}"));
    jw_end_object(w);
    map_free(shapes);
}

/* ------------------------------------------------------------------ paths */

static void write_parameter(struct jw *w, const char *name, const char *in, bool required,
                            const struct field *field)
{
    jw_object(w);
    jw_kv_text(w, "name", name);
    jw_kv_text(w, "in", in);
    jw_kv_bool(w, "required", required);
    if (field && field->help)
        jw_kv_text(w, "description", field->help);
    jw_key(w, "schema");
    if (field) {
        field_write(w, field);
    } else {
        jw_object(w);
        jw_kv_text(w, "type", "string");
        jw_end_object(w);
    }
    jw_end_object(w);
}

static void write_parameters(struct jw *w, const struct route *route)
{
    if (!route->query && !strchr(route->path, '{'))
        return;
    jw_key(w, "parameters");
    jw_array(w);
    for (const char *at = route->path; (at = strchr(at, '{')); at++) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)strcspn(at + 1, "}"), at + 1);
        write_parameter(w, name, "path", true, NULL);
    }
    for (const struct field *f = route->query; f && f->name; f++)
        write_parameter(w, f->name, "query", f->flags & F_REQUIRED, f);
    jw_end_array(w);
}

static void write_content(struct jw *w, const char *type, const struct shape *shape)
{
    struct field reference = {.name = "", .type = F_OBJECT, .of = shape};
    jw_key(w, "content");
    jw_object(w);
    jw_key(w, type);
    jw_object(w);
    if (shape) {
        jw_key(w, "schema");
        field_write(w, &reference);
    }
    jw_end_object(w);
    jw_end_object(w);
}

static void write_answers(struct jw *w, const struct route *route)
{
    char code[8];
    int success = route->status ? route->status
                                : route->answer || route->flags & (R_PLAIN | R_STREAM) ? 200 : 204;
    jw_key(w, "responses");
    jw_object(w);
    snprintf(code, sizeof code, "%d", success);
    jw_key(w, code);
    jw_object(w);
    jw_kv_text(w, "description", route->summary);
    if (route->answer)
        write_content(w, "application/json", route->answer);
    else if (route->flags & R_STREAM)
        write_content(w, "text/event-stream", NULL);
    jw_end_object(w);
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++) {
        if (!route_may_answer(route, statuses[i]))
            continue;
        snprintf(code, sizeof code, "%d", statuses[i]);
        jw_key(w, code);
        jw_object(w);
        jw_kv_text(w, "description", status_text(statuses[i]));
        write_content(w, "application/json", &failure_shape);
        jw_end_object(w);
    }
    jw_end_object(w);
}

static void write_security(struct jw *w, const struct route *route)
{
    jw_key(w, "security");
    jw_array(w);
    if (route->may != ROLE_NOBODY) {
        jw_raw(w, "{\"token\":[]}", 12);
        if (route->method == M_GET)
            jw_raw(w, "{\"session\":[]}", 14);
        else
            jw_raw(w, "{\"session\":[],\"csrf\":[]}", 24);
    }
    jw_end_array(w);
    jw_kv_text(w, "x-role", role_name(route->may));
    if (route->flags & R_PROVED)
        jw_kv_bool(w, "x-fresh-password", true);
    if (route->flags & R_PERSON)
        jw_kv_bool(w, "x-session-only", true);
}

static void write_operation(struct jw *w, const struct route *route)
{
    char *method = mem_strdup(method_name(route->method));
    for (char *c = method; *c; c++)
        *c = (char)(*c | 0x20);
    jw_key(w, method);
    free(method);
    jw_object(w);
    jw_kv_text(w, "summary", route->summary);
    jw_key(w, "tags");
    jw_array(w);
    jw_text(w, route->tag);
    jw_end_array(w);
    write_security(w, route);
    write_parameters(w, route);
    if (route->body) {
        jw_key(w, "requestBody");
        jw_object(w);
        jw_kv_bool(w, "required", true);
        write_content(w, "application/json", route->body);
        jw_end_object(w);
    }
    if (route->flags & (R_BYTES | R_RAW)) {
        jw_key(w, "requestBody");
        jw_object(w);
        jw_kv_bool(w, "required", true);
        write_content(w, route->flags & R_RAW ? "application/json" : "application/octet-stream",
                      NULL);
        jw_end_object(w);
    }
    write_answers(w, route);
    jw_end_object(w);
}

static bool is_first_of_path(size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (text_eq(routes[i].path, routes[at].path) && !(routes[i].flags & R_HIDDEN))
            return false;
    return true;
}

void openapi_write(struct jw *w, const char *url)
{
    jw_object(w);
    jw_kv_text(w, "openapi", "3.1.0");
    jw_key(w, "info");
    jw_object(w);
    jw_kv_text(w, "title", "Argil");
    jw_kv_text(w, "version", ARGIL_VERSION);
    jw_kv_text(w, "summary", "Live tables over Salesforce");
    jw_end_object(w);
    jw_key(w, "servers");
    jw_array(w);
    jw_object(w);
    jw_kv_text(w, "url", url);
    jw_end_object(w);
    jw_end_array(w);
    jw_key(w, "paths");
    jw_object(w);
    for (size_t i = 0; i < route_count; i++) {
        if (routes[i].flags & R_HIDDEN || !is_first_of_path(i))
            continue;
        jw_key(w, routes[i].path);
        jw_object(w);
        for (size_t k = i; k < route_count; k++)
            if (text_eq(routes[k].path, routes[i].path))
                write_operation(w, &routes[k]);
        jw_end_object(w);
    }
    jw_end_object(w);
    write_components(w);
    jw_end_object(w);
}

enum status api_openapi_show(struct call *call, struct err *err)
{
    openapi_write(&call->w, call->api->url);
    http_out_header(call->in, call->out, "Content-Type", "application/json");
    call->out->status = 200;
    return OK;
}

/* ------------------------------------------------------- reference as a page */

static void html(struct buf *out, const char *text)
{
    for (; text && *text; text++) {
        if (*text == '<')
            buf_str(out, "&lt;");
        else if (*text == '>')
            buf_str(out, "&gt;");
        else if (*text == '&')
            buf_str(out, "&amp;");
        else if (*text == '"')
            buf_str(out, "&quot;");
        else
            buf_char(out, *text);
    }
}

static const char *type_word(const struct field *field)
{
    static const char *const words[] = {
        [F_TEXT] = "text", [F_INT] = "whole number", [F_NUMBER] = "number", [F_BOOL] = "true/false",
        [F_TIME] = "moment", [F_WORD] = "word", [F_OBJECT] = "object", [F_LIST] = "list",
        [F_MAP] = "map", [F_ANY] = "any"};
    return words[field->type];
}

static void page_fields(struct buf *out, const char *title, const struct field *fields)
{
    if (!fields)
        return;
    buf_printf(out, "<h4>%s</h4><table>", title);
    for (const struct field *f = fields; f->name; f++) {
        buf_printf(out, "<tr><td><code>%s</code><td>%s%s<td>", f->name, type_word(f),
                   f->flags & F_REQUIRED ? "" : ", may be left out");
        for (const char *const *word = f->words; word && *word; word++)
            buf_printf(out, "<code>%s</code> ", *word);
        if (f->of)
            buf_printf(out, "of <em>%s</em> ", f->of->name);
        html(out, f->help);
    }
    buf_str(out, "</table>");
}

static void page_route(struct buf *out, const struct route *route)
{
    buf_printf(out, "<details><summary><b>%s</b> <code>%s</code> ", method_name(route->method),
               route->path);
    html(out, route->summary);
    buf_printf(out, "</summary><p>Role: %s%s.</p>",
               route->may ? role_name(route->may) : "none, everyone may",
               route->flags & R_PROVED ? "; wants a fresh password" : "");
    page_fields(out, "Parameters", route->query);
    page_fields(out, "Body", route->body ? route->body->fields : NULL);
    page_fields(out, "Answer", route->answer ? route->answer->fields : NULL);
    buf_str(out, "</details>");
}

enum status api_openapi_page(struct call *call, struct err *err)
{
    struct buf *out = &call->out->body;
    const char *tag = "";
    buf_str(out, "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Argil API</title>"
                 "<h1>Argil API</h1><p>Version " ARGIL_VERSION ". The same as a document: "
                 "<a href=\"" API_ROOT "/openapi.json\">openapi.json</a> (OpenAPI 3.1).</p>");
    for (size_t i = 0; i < route_count; i++) {
        if (routes[i].flags & R_HIDDEN)
            continue;
        if (!text_eq(tag, routes[i].tag)) {
            tag = routes[i].tag;
            buf_str(out, "<h2>");
            html(out, tag);
            buf_str(out, "</h2>");
        }
        page_route(out, &routes[i]);
    }
    http_out_header(call->in, call->out, "Content-Type", "text/html; charset=utf-8");
    call->out->status = 200;
    return OK;
}
