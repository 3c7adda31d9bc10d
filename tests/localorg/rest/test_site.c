/* test_site.c - an org in a file outlives its server. */
#include "localorg/rest/fixture.h"

#include "base/str.h"
#include "localorg/seed/seed.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

EACH_REST_TEST

#define V "/services/data/v66.0"

static const char *new_file(void)
{
    char path[] = "/tmp/localorg-test-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    close(fd);
    unlink(path);
    return text_f("%s", path);
}

static void remove_file(const char *path)
{
    unlink(path);
    unlink(text_f("%s-wal", path));
    unlink(text_f("%s-shm", path));
}

/* A refresh token of the demo app, got without pages: the user-agent flow. */
static const char *refresh_token(void)
{
    struct refresh refresh = {.client_id = DEMO_CLIENT_ID, .scopes = "api refresh_token"};
    struct org_user user;
    CHECK(org_user_by_name(site->org, SEED_ADMIN_USERNAME, &user));
    memcpy(refresh.user_id, user.id, sizeof refresh.user_id);
    memcpy(refresh.username, user.username, sizeof refresh.username);
    refresh.created_ms = refresh.used_ms = org_now_ms(site->org);
    grants_open_refresh(site->grants, &refresh, 5);
    return text_f("%s", refresh.token);
}

static struct reply refresh(const char *token)
{
    return post_form("/services/oauth2/token",
                     text_f("grant_type=refresh_token&client_id=%s&client_secret=%s&"
                            "refresh_token=%s",
                            DEMO_CLIENT_ID, DEMO_CLIENT_SECRET, token));
}

TEST(site, keeps_records_tokens_and_policies_in_its_file)
{
    const char *file = new_file();
    rest_restart(file);
    const char *org = text_f("%s", org_id18(site->org));
    const char *id = given("Account", "{\"Name\":\"stays\"}");
    const char *token = refresh_token();
    struct reply reply = ask("POST", "/localorg/policies",
                             "{\"org\":{\"sandbox\":true},\"app\":{\"client_id\":\"mine\","
                             "\"callbacks\":[\"https://a.example/cb\"]},\"user\":{\"username\":"
                             "\"" SEED_SALES_USERNAME "\",\"api_enabled\":false}}");
    CHECK_INT(reply.status, 200);
    const char *old_token = admin_token;
    rest_restart(file);
    CHECK_STR(org_id18(site->org), org);
    CHECK_STR(soql_one("SELECT Id FROM Account WHERE Name = 'stays'", "Id"), id);
    reply = refresh(token);
    CHECK_INT(reply.status, 200);
    reply = ask("GET", "/localorg/policies", NULL);
    CHECK(json_is(json_path(reply.json, "org.sandbox"), JSON_TRUE));
    CHECK_CONTAINS(reply.text, "https://a.example/cb");
    CHECK_CONTAINS(reply.text, "\"" SEED_SALES_USERNAME "\":{");
    /* sessions do not survive, as after a real outage of the session store */
    if (strcmp(old_token, admin_token) != 0) {
        reply = ask_as(text_f("Bearer %s", old_token), "GET", V, NULL, NULL, NULL);
        CHECK_INT(reply.status, 401);
    }
    remove_file(file);
}

TEST(site, a_seed_makes_runs_repeat)
{
    const char *first = admin_token;
    const char *id = given("Account", "{\"Name\":\"a\"}");
    rest_restart(NULL);
    CHECK_STR(admin_token, first);
    CHECK_STR(given("Account", "{\"Name\":\"a\"}"), id);
}
