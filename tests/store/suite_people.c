/* suite_people.c - users, sessions, tokens, links: what every driver must keep. */
#include "store/store_people.h"
#include "store/store_suite.h"

#include "base/str.h"

#include <string.h>

static const struct store_people *people(void)
{
    return suite.does->people;
}

static struct user given_user(const char *login, enum role role)
{
    struct user user = {
        .login = login, .name = login, .role = role, .password_hash = "$argon2id$x"};
    CHECK_OK(people()->user_put(suite.store, &user, NULL, "ann", &suite.err), &suite.err);
    return user;
}

static struct user given_ann(void)
{
    struct user ann = {.login = "ann@example.com", .name = "Ann", .password_hash = "$argon2id$a"};
    CHECK_OK(people()->user_first(suite.store, &ann, &suite.err), &suite.err);
    return ann;
}

static struct user user_now(int64_t id)
{
    struct user user;
    CHECK_OK(people()->user_get(suite.store, suite.arena, id, &user, &suite.err), &suite.err);
    return user;
}

static struct session given_session(const struct user *user, char letter)
{
    struct session session = {.user_id = user->id,
                              .peer = "127.0.0.1",
                              .agent = "test",
                              .created_ms = 1000,
                              .seen_ms = 1000,
                              .proved_ms = 1000};
    memset(session.hash, letter, 64);
    CHECK_OK(people()->session_put(suite.store, &session, user->login, &suite.err), &suite.err);
    return session;
}

static bool has_session(char letter)
{
    char hash[65] = "";
    struct session session;
    struct user user;
    struct err err = {0};
    memset(hash, letter, 64);
    return people()->session_get(suite.store, suite.arena, hash, &session, &user, &err) == OK;
}

static int64_t audit_lines(void)
{
    int64_t lines;
    CHECK_OK(suite.does->audit_verify(suite.store, &lines, &suite.err), &suite.err);
    return lines;
}

/* ------------------------------------------------------------------ users */

TEST(people, the_first_user_is_an_admin_and_there_is_only_one_first)
{
    struct user ann = given_ann(), rival = {.login = "eve", .password_hash = "$argon2id$e"};
    int64_t count;
    CHECK_STR(role_name(user_now(ann.id).role), "admin");
    CHECK_FAIL(people()->user_first(suite.store, &rival, &suite.err), &suite.err, ERR_CONFLICT);
    CHECK_OK(people()->user_count(suite.store, &count, &suite.err), &suite.err);
    CHECK_INT(count, 1);
}

TEST(people, are_kept_with_everything_they_are)
{
    given_ann();
    struct user bob = {.login = "Bob@Example.com",
                       .name = "Bob \xe2\x9c\x93",
                       .zone = "Europe/Oslo",
                       .role = ROLE_RUNNER};
    CHECK_OK(people()->user_put(suite.store, &bob, NULL, "ann", &suite.err), &suite.err);
    suite_reopen();
    struct user found;
    CHECK_OK(people()->user_by_login(suite.store, suite.arena, "bob@EXAMPLE.com", &found, &suite.err),
             &suite.err);
    CHECK_INT(found.id, bob.id);
    CHECK_STR(found.login, "Bob@Example.com");
    CHECK_STR(found.name, "Bob \xe2\x9c\x93");
    CHECK_STR(found.zone, "Europe/Oslo");
    CHECK_STR(role_name(found.role), "runner");
    CHECK(found.password_hash == NULL);
    CHECK(!found.disabled);
    CHECK_INT(found.created_ms, 1800000000000);
}

TEST(people, a_login_is_one_persons_whatever_its_case)
{
    given_ann();
    struct user twin = {.login = "ANN@example.com", .role = ROLE_VIEWER};
    CHECK_FAIL(people()->user_put(suite.store, &twin, NULL, "ann", &suite.err), &suite.err,
               ERR_PEOPLE_TAKEN);
    struct user bob = given_user("bob", ROLE_VIEWER);
    bob.login = "ann@example.com";
    CHECK_FAIL(people()->user_put(suite.store, &bob, NULL, "ann", &suite.err), &suite.err,
               ERR_PEOPLE_TAKEN);
    CHECK_STR(user_now(bob.id).login, "bob");
}

TEST(people, the_last_admin_stays)
{
    struct user ann = given_ann();
    int64_t lines = audit_lines();
    ann.role = ROLE_BUILDER;
    CHECK_FAIL(people()->user_put(suite.store, &ann, NULL, "ann", &suite.err), &suite.err,
               ERR_PEOPLE_LAST_ADMIN);
    ann.role = ROLE_ADMIN;
    ann.disabled = true;
    CHECK_FAIL(people()->user_put(suite.store, &ann, NULL, "ann", &suite.err), &suite.err,
               ERR_PEOPLE_LAST_ADMIN);
    struct user invited = {.login = "new", .role = ROLE_ADMIN};
    CHECK_OK(people()->user_put(suite.store, &invited, NULL, "ann", &suite.err), &suite.err);
    CHECK_FAIL(people()->user_delete(suite.store, ann.id, "ann", &suite.err), &suite.err,
               ERR_PEOPLE_LAST_ADMIN);
    CHECK_STR(role_name(user_now(ann.id).role), "admin");
    CHECK_INT(audit_lines(), lines + 1);
    given_user("second", ROLE_ADMIN);
    CHECK_OK(people()->user_delete(suite.store, ann.id, "second", &suite.err), &suite.err);
    CHECK_FAIL(people()->user_delete(suite.store, ann.id, "second", &suite.err), &suite.err,
               ERR_NOT_FOUND);
}

TEST(people, are_listed_by_login)
{
    given_ann();
    given_user("zoe", ROLE_VIEWER);
    given_user("Bob", ROLE_RUNNER);
    struct user *list;
    size_t count;
    CHECK_OK(people()->user_list(suite.store, suite.arena, &list, &count, &suite.err), &suite.err);
    CHECK_INT(count, 3);
    CHECK_STR(list[0].login, "ann@example.com");
    CHECK_STR(list[1].login, "Bob");
    CHECK_STR(list[2].login, "zoe");
}

/* --------------------------------------------------------------- sessions */

TEST(sessions, give_their_user_and_end_when_ended)
{
    struct user ann = given_ann();
    struct session made = given_session(&ann, 'a'), found;
    struct user user;
    CHECK_OK(people()->session_get(suite.store, suite.arena, made.hash, &found, &user, &suite.err),
             &suite.err);
    CHECK_INT(found.id, made.id);
    CHECK_STR(found.peer, "127.0.0.1");
    CHECK_STR(user.login, "ann@example.com");
    CHECK_INT(user.seen_ms, 1000);
    CHECK_OK(people()->session_seen(suite.store, made.id, 5000, 0, &suite.err), &suite.err);
    CHECK_OK(people()->session_get(suite.store, suite.arena, made.hash, &found, &user, &suite.err),
             &suite.err);
    CHECK_INT(found.seen_ms, 5000);
    CHECK_INT(found.proved_ms, 1000);
    CHECK_OK(people()->session_delete(suite.store, made.id, "ann", &suite.err), &suite.err);
    CHECK(!has_session('a'));
    CHECK_FAIL(people()->session_delete(suite.store, made.id, "ann", &suite.err), &suite.err,
               ERR_NOT_FOUND);
}

TEST(sessions, end_with_a_lower_role_a_new_password_or_a_disabled_user)
{
    given_ann();
    struct user bob = given_user("bob", ROLE_BUILDER);
    given_session(&bob, 'a');
    bob.role = ROLE_ADMIN;
    CHECK_OK(people()->user_put(suite.store, &bob, NULL, "ann", &suite.err), &suite.err);
    CHECK(has_session('a'));
    bob.role = ROLE_VIEWER;
    CHECK_OK(people()->user_put(suite.store, &bob, NULL, "ann", &suite.err), &suite.err);
    CHECK(!has_session('a'));
    struct session kept = given_session(&bob, 'b');
    given_session(&bob, 'c');
    bob.password_hash = "$argon2id$new";
    CHECK_OK(people()->user_put(suite.store, &bob, kept.hash, "bob", &suite.err), &suite.err);
    CHECK(has_session('b'));
    CHECK(!has_session('c'));
    bob.disabled = true;
    CHECK_OK(people()->user_put(suite.store, &bob, kept.hash, "ann", &suite.err), &suite.err);
    CHECK(!has_session('b'));
}

TEST(sessions, of_one_or_of_all_can_be_ended_at_once)
{
    struct user ann = given_ann(), bob = given_user("bob", ROLE_VIEWER);
    struct session mine = given_session(&ann, 'a');
    int64_t ended;
    given_session(&ann, 'b');
    given_session(&bob, 'c');
    CHECK_OK(people()->sessions_delete(suite.store, ann.id, mine.hash, "ann", &ended, &suite.err),
             &suite.err);
    CHECK_INT(ended, 1);
    CHECK(has_session('a') && !has_session('b') && has_session('c'));
    CHECK_OK(people()->sessions_delete(suite.store, 0, mine.hash, "ann", &ended, &suite.err),
             &suite.err);
    CHECK(has_session('a') && !has_session('c'));
}

TEST(sessions, that_are_old_or_forgotten_are_tidied_away)
{
    struct user ann = given_ann();
    struct session fresh = given_session(&ann, 'a');
    given_session(&ann, 'b');
    CHECK_OK(people()->session_seen(suite.store, fresh.id, 9000, 0, &suite.err), &suite.err);
    CHECK_OK(people()->sessions_tidy(suite.store, 5000, 0, &suite.err), &suite.err);
    CHECK(has_session('a') && !has_session('b'));
    CHECK_OK(people()->sessions_tidy(suite.store, 0, 2000, &suite.err), &suite.err);
    CHECK(!has_session('a'));
}

/* ------------------------------------------------------------------ tokens */

TEST(tokens, come_with_their_user_and_go_with_them)
{
    given_ann();
    struct user bob = given_user("bob", ROLE_BUILDER), user;
    struct api_token token = {.user_id = bob.id,
                              .name = "nightly",
                              .hint = "argil_abc",
                              .scope = ROLE_RUNNER,
                              .expires_ms = 7000},
                     found;
    memset(token.hash, 't', 64);
    CHECK_OK(people()->token_put(suite.store, &token, "bob", &suite.err), &suite.err);
    CHECK_OK(people()->token_used(suite.store, token.id, 4000, &suite.err), &suite.err);
    CHECK_OK(people()->token_get(suite.store, suite.arena, token.hash, &found, &user, &suite.err),
             &suite.err);
    CHECK_STR(found.name, "nightly");
    CHECK_STR(role_name(found.scope), "runner");
    CHECK_INT(found.used_ms, 4000);
    CHECK_INT(found.expires_ms, 7000);
    CHECK_STR(user.login, "bob");
    CHECK_OK(people()->user_delete(suite.store, bob.id, "ann", &suite.err), &suite.err);
    CHECK_FAIL(people()->token_get(suite.store, suite.arena, token.hash, &found, &user, &suite.err),
               &suite.err, ERR_NOT_FOUND);
}

TEST(tokens, end_with_a_disabled_user_or_by_themselves)
{
    given_ann();
    struct user bob = given_user("bob", ROLE_BUILDER);
    struct api_token one = {.user_id = bob.id, .name = "1", .scope = ROLE_VIEWER}, two = one, *list;
    size_t count;
    memset(one.hash, '1', 64);
    memset(two.hash, '2', 64);
    CHECK_OK(people()->token_put(suite.store, &one, "bob", &suite.err), &suite.err);
    CHECK_OK(people()->token_put(suite.store, &two, "bob", &suite.err), &suite.err);
    CHECK_OK(people()->token_delete(suite.store, one.id, "bob", &suite.err), &suite.err);
    CHECK_OK(people()->token_list(suite.store, suite.arena, bob.id, &list, &count, &suite.err),
             &suite.err);
    CHECK_INT(count, 1);
    CHECK_STR(list[0].hash, two.hash);
    bob.disabled = true;
    CHECK_OK(people()->user_put(suite.store, &bob, NULL, "ann", &suite.err), &suite.err);
    CHECK_OK(people()->token_list(suite.store, suite.arena, 0, &list, &count, &suite.err),
             &suite.err);
    CHECK_INT(count, 0);
}

/* ------------------------------------------------------------------- links */

static struct link given_link(const struct user *user, char letter)
{
    struct link link = {.user_id = user->id, .created_ms = 1000, .expires_ms = 9000};
    memset(link.hash, letter, 64);
    CHECK_OK(people()->link_put(suite.store, &link, "ann", &suite.err), &suite.err);
    return link;
}

static enum status take(const struct link *link, int64_t now_ms)
{
    struct user user;
    return people()->link_take(suite.store, suite.arena, link->hash, "$argon2id$set", now_ms, &user,
                               &suite.err);
}

TEST(links, set_a_password_once)
{
    given_ann();
    struct user bob = {.login = "bob", .role = ROLE_VIEWER};
    CHECK_OK(people()->user_put(suite.store, &bob, NULL, "ann", &suite.err), &suite.err);
    struct link link = given_link(&bob, 'l');
    given_session(&bob, 'a');
    CHECK_OK(take(&link, 2000), &suite.err);
    CHECK_STR(user_now(bob.id).password_hash, "$argon2id$set");
    CHECK(!has_session('a'));
    CHECK_FAIL(take(&link, 2000), &suite.err, ERR_PEOPLE_LINK);
}

TEST(links, that_are_late_replaced_or_of_a_disabled_user_do_nothing)
{
    given_ann();
    struct user bob = given_user("bob", ROLE_VIEWER);
    struct link old = given_link(&bob, '1'), late = given_link(&bob, '2');
    CHECK_FAIL(take(&old, 2000), &suite.err, ERR_PEOPLE_LINK);
    CHECK_FAIL(take(&late, 9000), &suite.err, ERR_PEOPLE_LINK);
    bob.disabled = true;
    CHECK_OK(people()->user_put(suite.store, &bob, NULL, "ann", &suite.err), &suite.err);
    struct link link = given_link(&bob, '3');
    CHECK_FAIL(take(&link, 2000), &suite.err, ERR_PEOPLE_LINK);
    CHECK_STR(user_now(bob.id).password_hash, "$argon2id$x");
}

TEST(people, each_change_leaves_a_line_in_the_audit)
{
    int64_t lines = audit_lines();
    struct user ann = given_ann();
    struct session session = given_session(&ann, 'a');
    given_link(&ann, 'l');
    CHECK_OK(people()->session_delete(suite.store, session.id, "ann", &suite.err), &suite.err);
    CHECK_INT(audit_lines(), lines + 4);
}
