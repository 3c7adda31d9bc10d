/* fuzz_cometd.c - any JSON as CometD messages: the replies are an array of
 * objects with `successful`, or the request waits; nothing else happens. A '@'
 * in a text stands for the id of a client that exists, so that the fuzzer gets
 * behind the handshake. */
#include "localorg/soql/fixture.h"
#include "localorg/streaming/hub.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char hello[] = "[{\"channel\":\"/meta/handshake\",\"supportedConnectionTypes\":"
                            "[\"long-polling\"]}]";
static struct fixture *f;
static struct hub *hub;
static char client[40];
static uint64_t tickets;

static void wake(void *ctx, uint64_t ticket)
{
}

static uint64_t park(void *ctx, int64_t at_most_ms)
{
    return at_most_ms > 0 ? ++tickets : 0;
}

static struct hub_visit visit_of(const char *user)
{
    struct hub_visit visit = {.who = {.org = f->org, .user_id = user, .view_all = true},
                              .denied = "401::Authentication invalid",
                              .browser = "",
                              .arena = f->arena,
                              .park = park};
    return visit;
}

/* Replies are checked the way a client reads them. */
static void exchange(const char *text, size_t len, const char *user)
{
    struct hub_visit visit = visit_of(user);
    struct hub_wait wait = {.id = NULL};
    struct buf out = BUF_INIT;
    const struct json *messages = json_parse(f->arena, text, len, NULL);
    if (!messages || !(json_is(messages, JSON_ARRAY) || json_is(messages, JSON_OBJECT)))
        return;
    enum hub_outcome outcome = hub_handle(hub, &visit, messages, &wait, &out);
    if (outcome == HUB_PARKED)
        outcome = hub_resume(hub, &visit, &wait, &out);
    if (outcome == HUB_ANSWERED) {
        const struct json *replies = json_parse(f->arena, out.data, out.len, NULL);
        if (!json_is(replies, JSON_ARRAY))
            abort();
        json_each(reply, replies)
            if (!json_get(reply, "successful") && !json_get(reply, "data"))
                abort();
        const char *id = json_get_text(json_at(replies, 0), "clientId");
        if (id && !*client)
            snprintf(client, sizeof client, "%s", id);
    }
    buf_free(&out);
}

static void begin(void)
{
    struct hub_limits limits = {.timeout_ms = 10, .lost_ms = 1 << 30, .max_clients = 5,
                                .daily_events = 1 << 30};
    f = fixture_new();
    hub = hub_new(world_real(), 1, wake, NULL);
    hub_set_limits(hub, &limits);
    org_select_member(f->org, STANDARD_CHANNEL, "AccountChangeEvent", NULL, NULL);
    org_publish_gap(f->org, schema_find(org_schema(f->org), "Account"), "GAP_UPDATE", NULL, 0, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!f)
        begin();
    arena_reset(f->arena);
    if (!*client)
        exchange(hello, sizeof hello - 1, ANN);
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < size; i++)
        if (data[i] == '@')
            buf_str(&text, client);
        else
            buf_char(&text, (char)data[i]);
    exchange(buf_text(&text), text.len, ANN);
    exchange(buf_text(&text), text.len, NULL);
    buf_free(&text);
    struct hub_counts counts;
    hub_counts(hub, NOW_MS, &counts);
    if (counts.clients != 1) { /* it said goodbye, or shook hands once more */
        hub_drop_all(hub);
        client[0] = '\0';
    }
    return 0;
}
