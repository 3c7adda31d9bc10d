/* test_renew.c - a new token for an old one, when answers are lost: nothing that
 * may be used up is presented before Salesforce has said that it is alive. */
#include "connect/canned.h"

#include <string.h>

#define TOKEN      "POST /services/oauth2/token"
#define INTROSPECT "POST /services/oauth2/introspect"
#define ROWS       "{\"totalSize\":1,\"done\":true,\"records\":[]}"
#define GONE                                                                                       \
    "{\"error\":\"invalid_grant\",\"error_description\":\"expired access/refresh token\"}"
#define BUSY                                                                                       \
    "{\"error\":\"invalid_grant\",\"error_description\":\"token request is already being "         \
    "processed\"}"

/* An org whose session has ended, until somebody has a second token. */
static void given_ended_session(void)
{
    can("GET /services/data/v66.0/query", 401, STALE);
    cans[0].auth = "Bearer first";
    can("GET /services/data/v66.0/query", 200, ROWS);
}

/* The first answers of the token endpoint never arrive; the request did. */
static void given_lost_answers(int times)
{
    can_times(TOKEN, 200, "", times);
    cans[2].broken = HTTP_BREAK_BEFORE;
}

static enum status ask(void)
{
    int64_t count = 0;
    can_usual();
    enum status rc = salesforce_connector.count(session, "Lead", NULL, &count, &err);
    CHECK_INT(held, 0);
    return rc;
}

TEST(renew, a_lost_answer_is_asked_about_and_then_asked_for_again)
{
    given_ended_session();
    given_lost_answers(1);
    can(TOKEN, 200, grant("second", "rotated"));
    can(INTROSPECT, 200, "{\"active\":true}");
    CHECK_OK(ask(), &err);
    CHECK_INT(seen_with(TOKEN), 2);
    CHECK_INT(seen_with(INTROSPECT), 1);
    CHECK_CONTAINS(seen_nth(INTROSPECT, 0), "token=fresh&token_type_hint=refresh_token");
    CHECK_INT(vault.renewing_ms, 0);
    CHECK(vault.rotates);
}

TEST(renew, a_used_up_token_is_never_presented_again)
{
    given_ended_session();
    given_lost_answers(1);
    can(TOKEN, 400, GONE); /* a real org would end the whole grant here */
    can(INTROSPECT, 200, "{\"active\":false}");
    CHECK_FAIL(ask(), &err, ERR_CRM_RECONNECT);
    CHECK_INT(seen_with(TOKEN), 1);
    CHECK_INT(gone, 1);
    CHECK_CONTAINS(err.message, "answer to an earlier renewal was lost");
    CHECK_CONTAINS(err.hint, "argil connect c");
    CHECK(vault.renewing_ms != 0); /* whoever comes next must not present it either */
}

TEST(renew, where_salesforce_does_not_say_a_rotating_token_is_given_up)
{
    given_ended_session();
    given_lost_answers(1);
    vault.rotates = true;
    can(TOKEN, 200, grant("second", NULL));
    can(INTROSPECT, 400, "{\"error\":\"invalid_client\"}");
    CHECK_FAIL(ask(), &err, ERR_CRM_RECONNECT);
    CHECK_INT(seen_with(TOKEN), 1);
}

TEST(renew, where_salesforce_does_not_say_another_token_is_tried_once)
{
    given_ended_session();
    given_lost_answers(3);
    can(TOKEN, 200, grant("second", NULL));
    can(INTROSPECT, 404, "");
    CHECK_FAIL(ask(), &err, ERR_CRM_RECONNECT);
    CHECK_INT(seen_with(TOKEN), 2);
}

TEST(renew, while_nobody_answers_nothing_is_presented_and_work_waits)
{
    given_ended_session();
    given_lost_answers(1);
    can(TOKEN, 200, grant("second", NULL));
    can(INTROSPECT, 503, "<html>maintenance</html>");
    CHECK_FAIL(ask(), &err, ERR_CRM_UNREACHABLE);
    CHECK_INT(seen_with(TOKEN), 1);
    CHECK_INT(seen_with(INTROSPECT), 3);
    CHECK_INT(gone, 0);
    cans_clear(); /* back again: the note on disk still makes it ask first */
    given_ended_session();
    can(TOKEN, 200, grant("second", NULL));
    can(INTROSPECT, 200, "{\"active\":true}");
    CHECK_OK(ask(), &err);
    CHECK_INT(seen_with(INTROSPECT), 4);
    CHECK_INT(seen_with(TOKEN), 2);
}

TEST(renew, a_process_that_died_in_between_left_a_note)
{
    given_ended_session();
    vault.renewing_ms = 1;
    can(TOKEN, 200, grant("second", NULL));
    can(INTROSPECT, 200, "{\"active\":false}");
    CHECK_FAIL(ask(), &err, ERR_CRM_RECONNECT);
    CHECK_INT(seen_with(TOKEN), 0);
}

TEST(renew, what_never_left_is_simply_sent_again)
{
    given_ended_session();
    can(TOKEN, 200, grant("second", NULL));
    CHECK_OK(ask(), &err); /* the plain case: one request, no questions */
    CHECK_INT(seen_with(INTROSPECT), 0);
    CHECK_INT(seen_with(TOKEN), 1);
}

TEST(renew, a_maintenance_page_may_hide_a_new_token)
{
    given_ended_session();
    can_times(TOKEN, 503, "<html>Down for maintenance</html>", 1);
    cans[2].type = "text/html";
    can(TOKEN, 200, grant("second", NULL));
    can(INTROSPECT, 200, "{\"active\":true}");
    CHECK_OK(ask(), &err);
    CHECK_INT(seen_with(INTROSPECT), 1);
}

TEST(renew, anothers_renewal_of_a_rotating_token_is_waited_for)
{
    given_ended_session();
    vault.rotates = true;
    can_times(TOKEN, 400, BUSY, 1);
    can(TOKEN, 400, GONE);
    can(INTROSPECT, 200, "{\"active\":false}");
    CHECK_FAIL(ask(), &err, ERR_CRM_RECONNECT);
    CHECK_INT(seen_with(TOKEN), 1);
}

TEST(renew, a_fresh_token_that_is_refused_ends_it)
{
    can("GET /services/data/v66.0/query", 401, STALE);
    can(TOKEN, 200, grant("second", NULL));
    CHECK_FAIL(ask(), &err, ERR_CRM_RECONNECT);
    CHECK_INT(seen_with("/query?q="), 2);
    CHECK_INT(seen_with(TOKEN), 1);
    CHECK_CONTAINS(err.cause, "locked to the IP");
    CHECK_INT(gone, 0); /* the grant is good */
}

TEST(renew, refusals_that_pass_do_not_give_the_connection_up)
{
    given_ended_session();
    can(TOKEN, 400, "{\"error\":\"invalid_grant\",\"error_description\":\"ip restricted\"}");
    CHECK_FAIL(ask(), &err, ERR_CRM_RECONNECT);
    CHECK_INT(gone, 0);
    CHECK_INT(vault.renewing_ms, 0); /* refused for sure: nothing was used up */
    CHECK_CONTAINS(err.hint, "Relax IP restrictions");
}

TEST(renew, an_app_that_is_blocked_wants_a_person_and_keeps_the_grant)
{
    given_ended_session();
    can(TOKEN, 400, "{\"error\":\"app_blocked\",\"error_description\":\"blocked by admin\"}");
    CHECK_FAIL(ask(), &err, ERR_CRM_RECONNECT);
    CHECK_INT(gone, 0);
    CHECK_CONTAINS(err.hint, "Connected Apps OAuth Usage");
}

TEST(renew, answers_that_are_no_answers_are_refused_with_their_kind)
{
    char *large = arena_alloc(arena, 2 * MIB);
    memset(large, 'x', 2 * MIB - 1);
    given_ended_session();
    can(TOKEN, 200, large);
    can(INTROSPECT, 200, "{\"active\":true}");
    CHECK_FAIL(ask(), &err, ERR_TOO_LARGE);
    CHECK_CONTAINS(err.cause, "few kilobytes");
    cans_clear();
    given_ended_session();
    can(TOKEN, 200, "<html>Log in</html>");
    cans[2].type = "text/html";
    can(INTROSPECT, 200, "{\"active\":true}");
    CHECK_FAIL(ask(), &err, ERR_CRM_UNREACHABLE);
    CHECK_CONTAINS(err.message, "a page instead of a token");
    CHECK(!strstr(err.message, "Log in"));
}
