/* cometd.c - POST /cometd/NN.0: the Streaming API's door.
 *
 * It costs no API call. Refusals are Bayeux messages with HTTP 200, because
 * clients act on their advice (reconnect none, handshake) and would only retry
 * another status; which status real orgs answer is not verified. */
#include "localorg/rest/resources.h"

#include "base/str.h"
#include "localorg/streaming/hub.h"

#include <stdio.h>
#include <string.h>

#define BODY_MAX 32768

static uint64_t park(void *ctx, int64_t at_most_ms);

struct cometd { /* one request */
    struct call *call;
    struct hub_visit visit;
    struct hub_wait wait;
};

static void answer_line(struct call *call, int status, const char *error)
{
    struct jw w;
    answer_json(call, status, &w);
    jw_array(&w);
    jw_object(&w);
    jw_kv_text(&w, "error", error);
    jw_kv_bool(&w, "successful", false);
    jw_end_object(&w);
    jw_end_array(&w);
}

/* The value of a cookie, or "". */
static const char *cookie(struct call *call, const char *name)
{
    const char *header = call_header(call, "Cookie");
    size_t len = strlen(name);
    while (header && *header) {
        header += strspn(header, " ;");
        size_t n = strcspn(header, ";");
        if (n > len && header[len] == '=' && strncmp(header, name, len) == 0)
            return arena_strndup(call->arena, header + len + 1, n - len - 1);
        header += n;
    }
    return "";
}

/* Who asks, as of now. A refusal's text goes into the messages. */
static void admit(struct cometd *cometd)
{
    struct call *call = cometd->call;
    struct hub_visit *visit = &cometd->visit;
    struct org_user user;
    bool admitted = call_admitted(call);
    int status = call->out->status;
    call->out->status = 200;
    call->out->headers = NULL;
    buf_clear(&call->out->body);
    visit->who = (struct listener){.org = call->site->org};
    visit->denied = status == 403 ? "403::API is disabled for this User"
                                  : "401::Authentication invalid";
    if (!admitted || !org_user_by_id(call->site->org, call->session.user_id, &user))
        return;
    visit->who.user_id = call->session.user_id;
    visit->who.view_all = user.system_administrator;
}

/* A browser without the cookie gets one with its handshake. */
static void give_cookie(struct cometd *cometd, const struct json *messages)
{
    char value[33];
    bool handshake = false;
    const struct json *first = json_is(messages, JSON_ARRAY) ? messages->first : messages;
    for (const struct json *message = first; message; message = message->next)
        handshake |= text_eq(json_get_text(message, "channel"), "/meta/handshake");
    cometd->visit.browser = cookie(cometd->call, "BAYEUX_BROWSER");
    if (*cometd->visit.browser || !handshake)
        return;
    dice_text(cometd->call->site->dice, "0123456789abcdefghijklmnopqrstuvwxyz", 32, value);
    cometd->visit.browser = arena_strdup(cometd->call->arena, value);
    answer_header(cometd->call, "Set-Cookie",
                  arena_printf(cometd->call->arena, "BAYEUX_BROWSER=%s; Path=/; HttpOnly", value));
}

static void finish(struct cometd *cometd)
{
    answer_header(cometd->call, "Content-Type", "application/json;charset=UTF-8");
}

static void go_on(struct call *call)
{
    struct cometd *cometd = call->resume_ctx;
    admit(cometd);
    if (hub_resume(call->site->hub, &cometd->visit, &cometd->wait, &call->out->body) ==
        HUB_ANSWERED)
        finish(cometd);
}

static uint64_t park(void *ctx, int64_t at_most_ms)
{
    struct cometd *cometd = ctx;
    return call_later(cometd->call, at_most_ms, go_on, cometd);
}

static bool version_known(const char *text)
{
    int major = 0, used = 0;
    return text && sscanf(text, "%2d.0%n", &major, &used) == 1 && !text[used] && major >= 37 &&
           major <= 68;
}

void cometd_messages(struct call *call)
{
    struct err err = {{0}};
    if (!version_known(call->args[0])) {
        answer_line(call, 400,
                    "400::API version in the URI is mandatory. URI format: '/cometd/66.0'");
        return;
    }
    if (call->in->body.len > BODY_MAX) {
        answer_line(call, 413, "413::Maximum Request Size Exceeded");
        return;
    }
    const struct json *messages = json_parse_buf(call->arena, &call->in->body, &err);
    if (!messages || !(json_is(messages, JSON_ARRAY) || json_is(messages, JSON_OBJECT))) {
        answer_line(call, 400, "400::The request body is not a Bayeux message");
        return;
    }
    struct cometd *cometd = arena_alloc(call->arena, sizeof *cometd);
    cometd->call = call;
    cometd->visit.arena = call->arena;
    cometd->visit.park = park;
    cometd->visit.park_ctx = cometd;
    admit(cometd);
    give_cookie(cometd, messages);
    if (hub_handle(call->site->hub, &cometd->visit, messages, &cometd->wait, &call->out->body) ==
        HUB_ANSWERED)
        finish(cometd);
}
