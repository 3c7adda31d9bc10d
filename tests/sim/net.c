/* net.c - see sim.h. What can happen to an exchange, by the moment it happens:
 *
 *   before a byte left    name, connection, TLS
 *   on the way there      lost; late; lost with its sender; doubled by the transport
 *   at the other side     done, or answered by a proxy that never asked it
 *   on the way back       lost; cut in headers or body; garbled; a page instead
 *
 * A request may be doubled only where its sender allowed a kept connection: that is
 * the transport's own doing, and the sender's promise covers it (reliability B.5). */
#include "sim/sim.h"

#include "base/str.h"
#include "base/uri.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum fate {
    FINE,
    NO_NAME,
    NO_CONNECTION,
    NO_TLS,
    LOST_THERE,   /* bytes left, nothing arrived */
    LATE,         /* arrives after the sender gave up */
    TWICE,
    PAGE_BEFORE,  /* 200 and HTML from somebody else; the org never saw it */
    PAGE_AFTER,   /* the org acted, the answer became a page */
    GATEWAY_BEFORE,
    GATEWAY_AFTER,
    UNAVAILABLE,  /* 503 with Salesforce's own body, not executed */
    LIMIT,        /* 403 REQUEST_LIMIT_EXCEEDED */
    ENDED_SESSION,
    LOST_BACK,
    CUT_HEADERS,
    CUT_BODY,
    GARBLED,
    SLOW,
    FATES
};

#define LATE_AT_MOST (25 * 60 * 1000)

static bool is_write(const struct http_request *request)
{
    return request->method && !text_eq(request->method, "GET") && request->body_len &&
           strstr(request->url, "/services/data/") && !strstr(request->url, "/query");
}

/* ------------------------------------------------------------- counting */

struct sent *net_sent(struct sim *sim, const char *marker)
{
    for (size_t i = 0; i < sim->sent.len; i++)
        if (strcmp(sim->sent.at[i].marker, marker) == 0)
            return &sim->sent.at[i];
    return NULL;
}

static void count_marker(struct sim *sim, const char *text, size_t len)
{
    char marker[48];
    snprintf(marker, sizeof marker, "%.*s", (int)len, text);
    struct sent *sent = net_sent(sim, marker);
    if (!sent) {
        vec_push(&sim->sent, ((struct sent){{0}, 0}));
        sent = &sim->sent.at[sim->sent.len - 1];
        memcpy(sent->marker, marker, sizeof sent->marker);
    }
    sent->times++;
}

/* "lead sim12", "seen sim12 v3": what a column writes names the row it is for, in JSON
 * and in CSV. */
static void count_markers(struct sim *sim, const struct http_request *request)
{
    static const char *const kinds[] = {"lead sim", "ref sim", "seen sim"};
    const char *end = request->body + request->body_len;
    for (size_t k = 0; k < 3; k++)
        for (const char *at = request->body;
             (at = memmem(at, (size_t)(end - at), kinds[k], strlen(kinds[k])));) {
            size_t len = 0;
            while (at + len < end && !strchr("\",\r\n", at[len]))
                len++;
            if (at > request->body && strchr("\",\n", at[-1]))
                count_marker(sim, at, len);
            at += len;
        }
}

/* The rows of a Bulk job: nothing comes of them before the job is started, so an upload
 * that was refused may go out again in the same attempt. */
static bool is_upload(const struct http_request *request)
{
    return text_eq(request->method, "PUT") && strstr(request->url, "/jobs/ingest/");
}

/* -------------------------------------------------------------- arriving */

static const char *path_of(struct arena *arena, const char *url, const char **query)
{
    const char *path = strchr(strstr(url, "://") + 3, '/');
    const char *mark = path ? strchr(path, '?') : NULL;
    *query = mark ? mark + 1 : NULL;
    return mark ? arena_strndup(arena, path, (size_t)(mark - path)) : path ? path : "/";
}

static void arrive(struct sim *sim, const struct http_request *request, struct arena *arena,
                   int *status, struct http_header **headers, struct buf *body)
{
    const char *query;
    const char *path = path_of(arena, request->url, &query);
    org_deliver(sim, arena, request->method ? request->method : "GET", path, query,
                request->headers, request->body, request->body_len, status, headers, body);
}

static void ignore_answer(struct sim *sim, const struct http_request *request)
{
    struct arena *arena = arena_new();
    struct buf body = BUF_INIT;
    struct http_header *headers = NULL;
    int status = 0;
    arrive(sim, request, arena, &status, &headers, &body);
    buf_free(&body);
    arena_free(arena);
}

/* ------------------------------------------------------------------ late */

static void keep_for_later(struct sim *sim, const struct http_request *request)
{
    struct buf headers = BUF_INIT;
    const char *query;
    const char *path = path_of(sim->arena, request->url, &query);
    for (const struct http_header *h = request->headers; h; h = h->next)
        buf_printf(&headers, "%s: %s\n", h->name, h->value);
    struct late late = {.due_ms = sim->now_ms + 1000 + sim_below(sim, LATE_AT_MOST),
                        .method = strdup(request->method ? request->method : "GET"),
                        .path = strdup(path),
                        .query = query ? strdup(query) : NULL,
                        .headers = strdup(buf_text(&headers)),
                        .body = malloc(request->body_len + 1),
                        .body_len = request->body_len};
    if (request->body_len)
        memcpy(late.body, request->body, request->body_len);
    buf_free(&headers);
    vec_push(&sim->late, late);
}

static void late_free(struct late *late)
{
    free(late->method);
    free(late->path);
    free(late->query);
    free(late->headers);
    free(late->body);
}

static struct http_header *headers_of(struct arena *arena, const char *lines)
{
    struct http_header *first = NULL;
    for (const char *at = lines; *at; at += strcspn(at, "\n") + 1) {
        size_t name = strcspn(at, ":"), line = strcspn(at, "\n");
        struct http_header *header = arena_alloc(arena, sizeof *header);
        header->name = arena_strndup(arena, at, name);
        header->value = arena_strndup(arena, at + name + 2, line - name - 2);
        header->next = first;
        first = header;
    }
    return first;
}

static void deliver_late(struct sim *sim, struct late *late)
{
    struct arena *arena = arena_new();
    struct buf body = BUF_INIT;
    struct http_header *headers = NULL;
    int status = 0;
    sim_say(sim, "  (late) %s %s arrives", late->method, late->path);
    org_deliver(sim, arena, late->method, late->path, late->query,
                headers_of(arena, late->headers), late->body, late->body_len, &status, &headers,
                &body);
    buf_free(&body);
    arena_free(arena);
}

void net_time(struct sim *sim)
{
    for (size_t i = 0; i < sim->late.len; i++) {
        struct late late = sim->late.at[i];
        if (late.due_ms > sim->now_ms)
            continue;
        sim->late.at[i--] = sim->late.at[--sim->late.len];
        deliver_late(sim, &late);
        late_free(&late);
    }
}

/* -------------------------------------------------------------- exchange */

static enum fate draw(struct sim *sim, const struct http_request *request)
{
    if (!sim_chance(sim, sim->storm))
        return FINE;
    enum fate fate = (enum fate)(1 + sim_below(sim, FATES - 1));
    if (fate == TWICE && request->fresh_connection)
        return LOST_BACK;
    sim->faults++;
    return fate;
}

static enum status early(struct http_response *response, enum http_progress progress,
                         const char *code, const char *why, struct err *err)
{
    response->progress = progress;
    return err_set(err, code, "%s", why);
}

static void say(struct http_response *response, int status, const char *type, const char *text)
{
    struct http_header *header = arena_alloc(response->arena, sizeof *header);
    *header = (struct http_header){"Content-Type", type, response->headers};
    response->headers = header;
    response->status = status;
    response->progress = HTTP_GOT_ALL;
    buf_clear(&response->body);
    buf_str(&response->body, text);
}

#define PAGE "<html><head><title>Maintenance</title></head><body>Back soon.</body></html>"

static enum status before_leaving(enum fate fate, struct http_response *response, struct err *err)
{
    if (fate == NO_NAME)
        return early(response, HTTP_NOT_STARTED, ERR_HTTP_RESOLVE, "no such name", err);
    if (fate == NO_CONNECTION)
        return early(response, HTTP_RESOLVED, ERR_HTTP_CONNECT, "connection refused", err);
    return early(response, HTTP_CONNECTED, ERR_HTTP_TLS, "certificate not trusted", err);
}

/* Somebody else answers; the org never sees the request. */
static enum status instead(enum fate fate, struct http_response *response)
{
    if (fate == PAGE_BEFORE)
        say(response, 200, "text/html", PAGE);
    else if (fate == GATEWAY_BEFORE)
        say(response, 502, "text/html", PAGE);
    else if (fate == UNAVAILABLE)
        say(response, 503, "application/json",
            "[{\"errorCode\":\"SERVER_UNAVAILABLE\",\"message\":\"server unavailable\"}]");
    else if (fate == LIMIT)
        say(response, 403, "application/json",
            "[{\"errorCode\":\"REQUEST_LIMIT_EXCEEDED\",\"message\":\"TotalRequests Limit "
            "exceeded.\"}]");
    else
        say(response, 401, "application/json",
            "[{\"errorCode\":\"INVALID_SESSION_ID\",\"message\":\"Session expired or invalid\"}]");
    return OK;
}

static enum status broken_after(struct sim *sim, enum fate fate, struct http_response *response,
                                struct err *err)
{
    switch (fate) {
    case PAGE_AFTER:
        say(response, 200, "text/html", PAGE);
        return OK;
    case GATEWAY_AFTER:
        say(response, 504, "text/html", PAGE);
        return OK;
    case CUT_HEADERS:
        buf_clear(&response->body);
        response->headers = NULL;
        response->progress = HTTP_GOT_STATUS;
        break;
    case CUT_BODY:
        response->body.len = (size_t)sim_below(sim, (int64_t)response->body.len + 1);
        response->progress = HTTP_GOT_HEADERS;
        break;
    case GARBLED:
        if (response->body.len)
            response->body.data[sim_below(sim, (int64_t)response->body.len)] = '\1';
        return OK;
    default: /* LOST_BACK, and a sender that died */
        response->status = 0;
        response->headers = NULL;
        response->progress = HTTP_SENT_ALL;
        buf_clear(&response->body);
    }
    return err_set(err, ERR_HTTP_BROKEN, "connection reset");
}

static enum status lost_there(struct sim *sim, const struct http_request *request, enum fate fate,
                              struct http_response *response, struct err *err)
{
    if (fate == LATE) {
        keep_for_later(sim, request);
        clock_pass(sim, request->timeout_ms ? request->timeout_ms : 120000);
        return early(response, HTTP_SENT_ALL, ERR_HTTP_TIMEOUT, "no answer in time", err);
    }
    return early(response, sim_chance(sim, 500) ? HTTP_SENT_SOME : HTTP_SENT_ALL, ERR_HTTP_BROKEN,
                 "connection reset", err);
}

static enum status dead_end(struct http_response *response, struct err *err)
{
    return early(response, HTTP_NOT_STARTED, ERR_HTTP_CONNECT, "the process is dead", err);
}

static enum status exchange(struct http_net *net, const struct http_request *request,
                            struct http_response *response, struct err *err)
{
    struct sim *sim = (struct sim *)(void *)((char *)net - offsetof(struct sim, net));
    if (sim_event(sim, "send", (int64_t)request->body_len))
        return dead_end(response, err);
    enum fate fate = draw(sim, request);
    sim->exchanges++;
    sim_say(sim, "  %s %.90s fate %d", request->method ? request->method : "GET",
            strchr(strstr(request->url, "://") + 3, '/'), (int)fate);
    clock_pass(sim, 20 + sim_below(sim, fate == SLOW ? 60000 : 300));
    if (fate >= NO_NAME && fate <= NO_TLS)
        return before_leaving(fate, response, err);
    if (is_write(request) && !is_upload(request))
        count_markers(sim, request);
    if (is_write(request) && sim->troubled)
        sim_fail(sim, "W8: a write left after the disk had failed");
    if (fate == LOST_THERE || fate == LATE)
        return lost_there(sim, request, fate, response, err);
    if (fate == PAGE_BEFORE || fate == GATEWAY_BEFORE ||
        (fate >= UNAVAILABLE && fate <= ENDED_SESSION))
        return instead(fate, response);
    if (sim_event(sim, "leaving", 0) && sim_chance(sim, 500))
        return dead_end(response, err); /* died with the bytes in its own buffers */
    if (fate == TWICE)
        ignore_answer(sim, request);
    arrive(sim, request, response->arena, &response->status, &response->headers, &response->body);
    response->progress = HTTP_GOT_ALL;
    if (is_upload(request) && response->status < 300)
        count_markers(sim, request);
    if (sim_event(sim, "answered", response->status))
        return broken_after(sim, LOST_BACK, response, err);
    if (fate >= LOST_BACK || fate == PAGE_AFTER || fate == GATEWAY_AFTER)
        return fate == SLOW ? OK : broken_after(sim, fate, response, err);
    return OK;
}

void net_begin(struct sim *sim)
{
    sim->net.exchange = exchange;
}

void net_end(struct sim *sim)
{
    for (size_t i = 0; i < sim->late.len; i++)
        late_free(&sim->late.at[i]);
    vec_free(&sim->late);
    vec_free(&sim->sent);
}
