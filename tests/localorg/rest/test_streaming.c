/* test_streaming.c - CometD as a client sees it: handshake, subscriptions, long
 * polls, replay, refusals. Guards cometd.c, topics.c, event_routes.c, waiting.c
 * of src/localorg/rest and src/localorg/streaming. */
#include "localorg/rest/fixture.h"

#include "base/mem.h"
#include "base/str.h"
#include "http/client.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

EACH_REST_TEST

#define V "/services/data/v66.0"
#define C "/cometd/66.0"

static const char *client_id;

static struct reply post(const char *messages)
{
    struct reply reply = ask("POST", C, messages);
    CHECK_INT(reply.status, 200);
    return reply;
}

static void shake_hands(void)
{
    struct reply reply = post("[{\"channel\":\"/meta/handshake\",\"version\":\"1.0\",\"id\":\"1\","
                              "\"supportedConnectionTypes\":[\"websocket\",\"long-polling\"],"
                              "\"ext\":{\"replay\":true}}]");
    CHECK(json_is(json_path(reply.json, "[0].successful"), JSON_TRUE));
    CHECK(json_is(json_path(reply.json, "[0].ext.replay"), JSON_TRUE));
    CHECK_STR(json_text(json_path(reply.json, "[0].id")), "1");
    CHECK_CONTAINS(reply_header(&reply, "Set-Cookie"), "BAYEUX_BROWSER=");
    client_id = json_text(json_path(reply.json, "[0].clientId"));
    CHECK(client_id && strlen(client_id) > 20);
}

/* The error of a subscription, "" when it stands. */
static const char *subscribe(const char *channel, const char *replay)
{
    const char *ext = replay ? text_f(",\"ext\":{\"replay\":{\"%s\":%s}}", channel, replay) : "";
    struct reply reply = post(text_f("[{\"channel\":\"/meta/subscribe\",\"clientId\":\"%s\",\"id\":"
                                     "\"2\",\"subscription\":\"%s\"%s}]",
                                     client_id, channel, ext));
    const char *error = json_text(json_path(reply.json, "[0].error"));
    CHECK(json_is(json_path(reply.json, "[0].successful"), error ? JSON_FALSE : JSON_TRUE));
    CHECK_STR(json_text(json_path(reply.json, "[0].subscription")), channel);
    return error ? error : "";
}

static const char *connect_text(int timeout_ms)
{
    return text_f("[{\"channel\":\"/meta/connect\",\"clientId\":\"%s\",\"id\":\"3\","
                  "\"connectionType\":\"long-polling\",\"advice\":{\"timeout\":%d}}]",
                  client_id, timeout_ms);
}

/* What has happened by now, without waiting. */
static struct reply poll(void)
{
    return post(connect_text(0));
}

static void control(const char *json)
{
    struct reply reply = ask("POST", "/localorg/events", json);
    if (reply.status != 200)
        fprintf(stderr, "%s\n", reply.text);
    CHECK_INT(reply.status, 200);
}

static void listen_to(const char *channel)
{
    shake_hands();
    CHECK_STR(subscribe(channel, NULL), "");
    struct reply reply = poll(); /* the first connect brings advice */
    CHECK_STR(json_text(json_path(reply.json, "[0].advice.reconnect")), "retry");
    CHECK_STR(json_text(json_path(reply.json, "[0].advice.timeout")), "110000");
}

static const char *at(const struct reply *reply, const char *path)
{
    const char *text = json_text(json_path(reply->json, path));
    return text ? text : "";
}

/* --- a poll in the background --- */

struct waiter {
    pthread_t thread;
    char *url, *token, *body, *answer;
};

static void *waiter_main(void *ctx)
{
    struct waiter *waiter = ctx;
    struct http_client *own = http_client_new(world_real(), "waiter");
    struct http_header type = {"Content-Type", "application/json", NULL};
    struct http_header token = {"Authorization", waiter->token, &type};
    struct http_request request = {.method = "POST",
                                   .url = waiter->url,
                                   .headers = &token,
                                   .body = waiter->body,
                                   .body_len = strlen(waiter->body),
                                   .timeout_ms = 20000};
    struct http_response response = {0};
    if (http_send(own, &request, &response, NULL) == OK)
        waiter->answer = mem_strdup(buf_text(&response.body));
    http_response_free(&response);
    http_client_free(own);
    return NULL;
}

static size_t waiting(void)
{
    struct reply reply = ask("GET", "/localorg/events", NULL);
    size_t count = 0;
    json_each(client, json_get(reply.json, "clients"))
        count += json_get_bool(client, "waiting", false);
    return count;
}

static void poll_in_background(struct waiter *waiter, int timeout_ms)
{
    waiter->url = mem_printf("%s" C, site->url);
    waiter->token = mem_printf("Bearer %s", admin_token);
    waiter->body = mem_strdup(connect_text(timeout_ms));
    waiter->answer = NULL;
    pthread_create(&waiter->thread, NULL, waiter_main, waiter);
}

/* Comes back when it is seen to wait: for times that do not end before. */
static void wait_in_background(struct waiter *waiter, int timeout_ms)
{
    poll_in_background(waiter, timeout_ms);
    for (int i = 0; i < 5000 && waiting() == 0; i++)
        usleep(2000);
    CHECK_INT(waiting(), 1);
}

static struct reply answer_of(struct waiter *waiter)
{
    struct reply reply = {0};
    pthread_join(waiter->thread, NULL);
    CHECK(waiter->answer != NULL);
    reply.text = text_f("%s", waiter->answer);
    static struct arena *kept;
    if (!kept)
        kept = arena_new();
    arena_reset(kept);
    reply.json = json_parse(kept, reply.text, strlen(reply.text), NULL);
    free(waiter->url);
    free(waiter->token);
    free(waiter->body);
    free(waiter->answer);
    return reply;
}

/* --- stories --- */

TEST(streaming, changes_arrive_on_their_channels)
{
    control("{\"select\":[\"Account\",\"Contact\"]}");
    listen_to("/data/AccountChangeEvent");
    given("Contact", "{\"LastName\":\"Lee\"}");
    struct reply reply = ask_as(text_f("Bearer %s", admin_token), "POST", V "/sobjects/Account",
                                "{\"Name\":\"Acme\"}", "Sforce-Call-Options", "client=argil");
    const char *id = text_f("%s", json_get_text(reply.json, "id"));
    reply = poll();
    CHECK_INT(reply.json->len, 2); /* the event, then the connect */
    CHECK_STR(at(&reply, "[0].channel"), "/data/AccountChangeEvent");
    CHECK_STR(at(&reply, "[0].data.payload.Name"), "Acme");
    CHECK_STR(at(&reply, "[0].data.payload.ChangeEventHeader.recordIds[0]"), id);
    CHECK_STR(at(&reply, "[0].data.payload.ChangeEventHeader.changeOrigin"),
              "com/salesforce/api/rest/66.0;client=argil");
    CHECK_STR(at(&reply, "[1].channel"), "/meta/connect");
    CHECK(json_is(json_path(reply.json, "[1].successful"), JSON_TRUE));
    CHECK_INT(poll().json->len, 1); /* told once */
    CHECK_STR(subscribe("/data/ChangeEvents", NULL), "");
    given("Contact", "{\"LastName\":\"Ray\"}");
    given("Account", "{\"Name\":\"Bolt\"}");
    reply = poll();
    CHECK_INT(reply.json->len, 4); /* the Account on both channels */
    CHECK_STR(at(&reply, "[0].data.payload.ChangeEventHeader.entityName"), "Contact");
    reply = post(text_f("[{\"channel\":\"/meta/unsubscribe\",\"clientId\":\"%s\",\"id\":\"9\","
                        "\"subscription\":\"/data/ChangeEvents\"}]",
                        client_id));
    CHECK(json_is(json_path(reply.json, "[0].successful"), JSON_TRUE));
    given("Contact", "{\"LastName\":\"Unheard\"}");
    CHECK_INT(poll().json->len, 1);
}

TEST(streaming, a_long_poll_waits_for_what_happens)
{
    struct waiter waiter;
    control("{\"select\":[\"Account\",\"Contact\"]}");
    listen_to("/data/AccountChangeEvent");
    wait_in_background(&waiter, 15000);
    given("Contact", "{\"LastName\":\"Lee\"}"); /* wakes it, and it waits again */
    CHECK_INT(waiting(), 1);
    given("Account", "{\"Name\":\"Acme\"}");
    struct reply reply = answer_of(&waiter);
    CHECK_STR(at(&reply, "[0].data.payload.Name"), "Acme");
    CHECK_STR(at(&reply, "[1].id"), "3");
    CHECK(json_path(reply.json, "[1].advice") == NULL);
    poll_in_background(&waiter, 50); /* its time is up */
    reply = answer_of(&waiter);
    CHECK_INT(reply.json->len, 1);
    CHECK(json_is(json_path(reply.json, "[0].successful"), JSON_TRUE));
}

TEST(streaming, a_poll_ends_with_its_client_its_session_or_a_newer_poll)
{
    struct waiter first, second;
    listen_to("/data/AccountChangeEvent");
    wait_in_background(&first, 15000);
    wait_in_background(&second, 15000); /* takes the place of the first */
    struct reply reply = answer_of(&first);
    CHECK(json_is(json_path(reply.json, "[0].successful"), JSON_TRUE));
    reply = post(text_f("[{\"channel\":\"/meta/disconnect\",\"clientId\":\"%s\"}]", client_id));
    CHECK(json_is(json_path(reply.json, "[0].successful"), JSON_TRUE));
    reply = answer_of(&second);
    CHECK_STR(at(&reply, "[0].error"), "403::Unknown client");

    listen_to("/data/AccountChangeEvent");
    wait_in_background(&first, 15000);
    control("{\"disconnect\":true}");
    reply = answer_of(&first);
    CHECK_STR(at(&reply, "[0].error"), "403::Unknown client");
    CHECK_STR(at(&reply, "[0].advice.reconnect"), "handshake");

    control("{\"select\":[\"Account\"]}");
    listen_to("/data/AccountChangeEvent");
    wait_in_background(&first, 15000);
    const char *old = admin_token;
    reply = ask("POST", "/localorg/expire", "{}");
    reply = ask("POST", "/localorg/token", NULL);
    admin_token = text_f("%s", json_get_text(reply.json, "access_token"));
    given("Account", "{\"Name\":\"Acme\"}"); /* the old session hears nothing of it */
    reply = answer_of(&first);
    CHECK_INT(reply.json->len, 1);
    CHECK_STR(at(&reply, "[0].error"), "401::Authentication invalid");
    CHECK_STR(at(&reply, "[0].advice.reconnect"), "none");
    reply = ask_as(text_f("Bearer %s", old), "POST", C, connect_text(0), NULL, NULL);
    CHECK_STR(at(&reply, "[0].error"), "401::Authentication invalid");
}

TEST(streaming, replay_starts_where_it_is_asked_to)
{
    control("{\"select\":[\"Account\"]}");
    for (int i = 0; i < 4; i++)
        given("Account", text_f("{\"Name\":\"A%d\"}", i));
    shake_hands();
    CHECK_STR(subscribe("/data/AccountChangeEvent", "-2"), "");
    struct reply reply = poll();
    CHECK_INT(reply.json->len, 5);
    int64_t second = json_int(json_path(reply.json, "[1].data.event.replayId"), 0);
    CHECK_STR(subscribe("/data/AccountChangeEvent", text_f("%lld", (long long)second)), "");
    reply = poll();
    CHECK_INT(reply.json->len, 3);
    CHECK_STR(at(&reply, "[0].data.payload.Name"), "A2");
    CHECK_STR(subscribe("/data/AccountChangeEvent", "-1"), "");
    CHECK_INT(poll().json->len, 1);

    CHECK_STR(subscribe("/data/AccountChangeEvent", "999999999999"),
              "400::The replayId {999999999999} you provided was invalid. Please provide a valid "
              "ID, -2 to replay all events, or -1 to replay only new events.");
    ask("POST", "/localorg/clock", "{\"shift_s\":270000}"); /* three days and three hours */
    reply = ask("POST", "/localorg/token", NULL);
    admin_token = text_f("%s", json_get_text(reply.json, "access_token"));
    CHECK_CONTAINS(subscribe("/data/AccountChangeEvent", text_f("%lld", (long long)second)),
                   "you provided was invalid");
    CHECK_STR(subscribe("/data/AccountChangeEvent", "-2"), "");
    CHECK_INT(poll().json->len, 1);
}

TEST(streaming, refusals_say_what_clients_act_on)
{
    struct reply reply = ask("POST", "/cometd", "[]");
    CHECK_INT(reply.status, 400);
    CHECK_STR(at(&reply, "[0].error"),
              "400::API version in the URI is mandatory. URI format: '/cometd/66.0'");
    reply = ask("POST", "/cometd/12.0", "[]");
    CHECK_INT(reply.status, 400);
    CHECK_INT(ask("POST", C, "[{\"channel\":").status, 400);
    CHECK_INT(ask("POST", C, "17").status, 400);
    char *large = mem_alloc(40000);
    memset(large, ' ', 39999);
    CHECK_INT(ask("POST", C, large).status, 413);
    free(large);
    reply = ask_as("Bearer nobody", "POST", C,
                   "[{\"channel\":\"/meta/handshake\",\"supportedConnectionTypes\":"
                   "[\"long-polling\"]}]",
                   NULL, NULL);
    CHECK_STR(at(&reply, "[0].error"), "403::Handshake denied");
    CHECK_STR(at(&reply, "[0].ext.sfdc.failureReason"), "401::Authentication invalid");
    CHECK_STR(at(&reply, "[0].advice.reconnect"), "none");
    client_id = "gone";
    reply = poll();
    CHECK_STR(at(&reply, "[0].error"), "403::Unknown client");
    shake_hands();
    CHECK_STR(subscribe("/topic/Nothing", NULL),
              "400::The channel you requested to subscribe to doesn't exist {/topic/Nothing}");
    CHECK_CONTAINS(subscribe("/data/accountChangeEvent", NULL), "doesn't exist");
    CHECK_CONTAINS(subscribe("/data/Nobody__chn", NULL), "doesn't exist");
    CHECK_CONTAINS(subscribe("/event/Nothing__e", NULL), "doesn't exist");
    reply = post(text_f("{\"channel\":\"/topic/X\",\"clientId\":\"%s\",\"data\":{}}", client_id));
    CHECK_STR(at(&reply, "[0].error"), "403::Publish denied");
    reply = post(text_f("{\"channel\":\"/meta/what\",\"clientId\":\"%s\"}", client_id));
    CHECK_STR(at(&reply, "[0].error"), "404::Unknown meta channel");
    reply = post("[{\"id\":\"7\"}]");
    CHECK_STR(at(&reply, "[0].error"), "400::Channel missing");
    control("{\"max_clients\":1}");
    reply = post("[{\"channel\":\"/meta/handshake\",\"supportedConnectionTypes\":"
                 "[\"long-polling\"]}]");
    CHECK_STR(at(&reply, "[0].ext.sfdc.failureReason"),
              "403::Organization concurrent user limit exceeded");
    control("{\"max_clients\":5,\"daily_events\":0}");
    CHECK_STR(subscribe("/data/AccountChangeEvent", NULL),
              "403::Organization total events daily limit exceeded");
}

TEST(streaming, clients_that_stay_away_are_forgotten)
{
    listen_to("/data/AccountChangeEvent");
    control("{\"lost_ms\":1}");
    usleep(5000);
    struct reply reply = poll();
    CHECK_STR(at(&reply, "[0].error"), "403::Unknown client");
    CHECK_STR(at(&reply, "[0].advice.reconnect"), "handshake");
}

TEST(streaming, people_see_only_what_they_may)
{
    struct reply reply =
        ask("POST", "/localorg/users",
            "{\"username\":\"eve@localorg.example\",\"name\":\"Eve\",\"email\":\"e@x.example\","
            "\"password\":\"pw123456\",\"profile\":\"Standard User\",\"deny\":[{\"object\":\"Lead\"},"
            "{\"object\":\"Account\",\"field\":\"Phone\",\"access\":[\"read\"]},"
            "{\"object\":\"Account\",\"field\":\"BillingCity\",\"access\":[\"read\"]}]}");
    CHECK_INT(reply.status, 200);
    control("{\"select\":[\"Account\",\"Lead\"]}");
    const char *admin = admin_token;
    reply = ask("POST", "/localorg/token", "{\"username\":\"eve@localorg.example\"}");
    const char *eve = text_f("%s", json_get_text(reply.json, "access_token"));
    admin_token = eve;
    shake_hands();
    CHECK_STR(subscribe("/data/ChangeEvents", NULL),
              "403::User not allowed to subscribe CDC without View All Data permissions");
    CHECK_CONTAINS(subscribe("/data/LeadChangeEvent", NULL), "403::");
    CHECK_STR(subscribe("/data/AccountChangeEvent", NULL), "");
    admin_token = admin;
    const char *id = given("Account", "{\"Name\":\"Acme\",\"Phone\":\"1\",\"BillingCity\":\"Bern\","
                                      "\"BillingCountry\":\"CH\"}");
    ask("POST", "/localorg/clock", "{\"shift_s\":2}");
    ask("PATCH", text_f(V "/sobjects/Account/%s", id), "{\"Phone\":\"2\",\"Site\":\"x\"}");
    admin_token = eve;
    reply = poll();
    CHECK_INT(reply.json->len, 3);
    CHECK_LACKS(reply.text, "Bern");
    CHECK_LACKS(reply.text, "Phone");
    CHECK_STR(at(&reply, "[0].data.payload.BillingAddress.Country"), "CH");
    CHECK_STR(at(&reply, "[1].data.payload.Site"), "x");
}

TEST(streaming, push_topics_tell_what_their_query_shows)
{
    given("PushTopic", "{\"Name\":\"Hot\",\"ApiVersion\":66.0,\"Query\":\"SELECT Id, Name, Rating "
                       "FROM Account WHERE Rating = 'Hot'\"}");
    listen_to("/topic/Hot");
    given("Account", "{\"Name\":\"Cold one\",\"Rating\":\"Cold\"}");
    const char *id = given("Account", "{\"Name\":\"Acme\",\"Rating\":\"Hot\",\"Phone\":\"1\"}");
    struct reply reply = poll();
    CHECK_INT(reply.json->len, 2);
    CHECK_STR(at(&reply, "[0].channel"), "/topic/Hot");
    CHECK_STR(at(&reply, "[0].data.event.type"), "created");
    CHECK_STR(at(&reply, "[0].data.sobject.Id"), id);
    CHECK_STR(at(&reply, "[0].data.sobject.Name"), "Acme");
    CHECK_LACKS(reply.text, "attributes");
    ask("PATCH", text_f(V "/sobjects/Account/%s", id), "{\"Phone\":\"2\"}"); /* not referenced */
    CHECK_INT(poll().json->len, 1);
    ask("PATCH", text_f(V "/sobjects/Account/%s", id), "{\"Name\":\"Acme 2\"}");
    ask("PATCH", text_f(V "/sobjects/Account/%s", id), "{\"Rating\":\"Cold\"}"); /* no match */
    ask("PATCH", text_f(V "/sobjects/Account/%s", id), "{\"Rating\":\"Hot\"}");
    ask("DELETE", text_f(V "/sobjects/Account/%s", id), NULL);
    reply = poll();
    CHECK_INT(reply.json->len, 4);
    CHECK_STR(at(&reply, "[0].data.event.type"), "updated");
    CHECK_STR(at(&reply, "[0].data.sobject.Name"), "Acme 2");
    CHECK_STR(at(&reply, "[2].data.event.type"), "deleted");
    CHECK(json_path(reply.json, "[2].data.sobject.Name") == NULL);
    const char *topic = soql_one("SELECT Id FROM PushTopic", "Id");
    ask("PATCH", text_f(V "/sobjects/PushTopic/%s", topic), "{\"IsActive\":false}");
    given("Account", "{\"Name\":\"Unheard\",\"Rating\":\"Hot\"}");
    CHECK_INT(poll().json->len, 1);
    reply = ask("POST", V "/sobjects/PushTopic",
                "{\"Name\":\"Bad\",\"ApiVersion\":66.0,\"Query\":\"SELECT Id, Nope FROM Account\"}");
    CHECK_INT(reply.status, 400);
    CHECK_STR(error_code(&reply), "INVALID_FIELD");
}

TEST(streaming, platform_events_and_generic_channels)
{
    ask("POST", "/localorg/schema",
        "{\"name\":\"Order_Event__e\",\"label\":\"Order Event\",\"fields\":[{\"name\":"
        "\"Number__c\",\"type\":\"string\",\"length\":20}]}");
    const char *channel = given("StreamingChannel", "{\"Name\":\"/u/notices\"}");
    shake_hands();
    CHECK_STR(subscribe("/event/Order_Event__e", NULL), "");
    CHECK_STR(subscribe("/u/notices", NULL), "");
    struct reply reply = ask("POST", V "/sobjects/Order_Event__e", "{\"Number__c\":\"O-1\"}");
    CHECK_INT(reply.status, 201);
    CHECK_STR(at(&reply, "errors[0].statusCode"), "OPERATION_ENQUEUED");
    reply = ask("POST", text_f(V "/sobjects/StreamingChannel/%s/push", channel),
                "{\"pushEvents\":[{\"payload\":\"hello\",\"userIds\":[]}]}");
    CHECK_INT(reply.status, 200);
    CHECK_STR(at(&reply, "[0].fanoutCount"), "-1");
    reply = poll();
    CHECK_INT(reply.json->len, 3);
    CHECK_STR(at(&reply, "[0].data.payload.Number__c"), "O-1");
    CHECK_STR(at(&reply, "[1].channel"), "/u/notices");
    CHECK_STR(at(&reply, "[1].data.payload"), "hello");
}

TEST(streaming, gaps_schemas_and_selection_by_the_control_api)
{
    struct reply reply = ask("POST", "/localorg/events", "{\"select\":[\"Profile\"]}");
    CHECK_INT(reply.status, 404);
    reply = ask("POST", "/localorg/events", "{\"selct\":[]}");
    CHECK_INT(reply.status, 400);
    control("{\"select\":[\"Account\",\"LeadChangeEvent\"]}");
    control("{\"select\":[\"Account\"],\"deselect\":[\"Lead\"]}");
    reply = ask("GET", "/localorg/events", NULL);
    CHECK_INT(json_get(reply.json, "selected")->len, 1);
    listen_to("/data/ChangeEvents");
    control("{\"gap\":{\"object\":\"Account\",\"type\":\"GAP_UPDATE\",\"ids\":[\"001x\"]}}");
    reply = poll();
    CHECK_STR(at(&reply, "[0].data.payload.ChangeEventHeader.changeType"), "GAP_UPDATE");
    const char *schema = text_f("%s", at(&reply, "[0].data.schema"));
    reply = ask("GET", text_f(V "/event/eventSchema/%s?payloadFormat=COMPACT", schema), NULL);
    CHECK_INT(reply.status, 200);
    CHECK_STR(json_get_text(reply.json, "name"), "AccountChangeEvent");
    reply = ask("GET", V "/sobjects/AccountChangeEvent/eventSchema", NULL);
    CHECK_STR(json_get_text(reply.json, "uuid"), schema);
    CHECK_STR(json_get_text(reply.json, "type"), "expanded-record");
    CHECK_INT(ask("GET", V "/sobjects/NobodyChangeEvent/eventSchema", NULL).status, 404);
}

TEST(streaming, stopping_answers_those_who_wait)
{
    struct waiter waiter;
    listen_to("/data/AccountChangeEvent");
    wait_in_background(&waiter, 20000);
    int64_t started = world_real()->monotonic_ms(world_real());
    rest_restart(NULL);
    CHECK(world_real()->monotonic_ms(world_real()) - started < 15000);
    struct reply reply = answer_of(&waiter);
    CHECK(json_is(json_path(reply.json, "[0].successful"), JSON_TRUE));
}
