/* users.c - who may use the workspace, and the tokens of their programs. */
#include "api/nouns.h"

#include "base/str.h"
#include "store/store_people.h"

#include <string.h>

#define LINK_FOR_MS ((int64_t)7 * 24 * 3600 * 1000)
#define DAY_MS      ((int64_t)24 * 3600 * 1000)

static const char *const roles[] = {"viewer", "runner", "builder", "admin", NULL};

static const struct field user_fields[] = {
    {"id", F_INT, F_REQUIRED, NULL},
    {"login", F_TEXT, F_REQUIRED, NULL},
    {"name", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"role", F_WORD, F_REQUIRED, NULL, .words = roles},
    {"disabled", F_BOOL, F_REQUIRED, "may not come in"},
    {"invited", F_BOOL, F_REQUIRED, "has not set a password yet"},
    {"created", F_TIME, F_REQUIRED | F_NULL, NULL},
    {"signed_in", F_TIME, F_REQUIRED | F_NULL, "last time"},
    {0},
};
const struct shape user_shape = {"User", NULL, user_fields};
static const struct field user_list_fields[] = {
    {"users", F_LIST, F_REQUIRED, "by login", .of = &user_shape},
    {0},
};
const struct shape user_list_shape = {"Users", NULL, user_list_fields};

static const struct field user_body_fields[] = {
    {"login", F_TEXT, F_REQUIRED, "e-mail address or name", .min = 1, .max = 200},
    {"name", F_TEXT, 0, "as shown", .min = 0, .max = 200},
    {"role", F_WORD, F_REQUIRED, NULL, .words = roles},
    {0},
};
const struct shape user_body = {"UserNew", NULL, user_body_fields};

static const struct field user_added_fields[] = {
    {"user", F_OBJECT, F_REQUIRED, NULL, .of = &user_shape},
    {"link", F_TEXT, F_REQUIRED, "hand it over: it sets a password, once, within a week"},
    {"expires", F_TIME, F_REQUIRED, NULL},
    {0},
};
const struct shape user_added_shape = {"UserLink", "Shown once.", user_added_fields};

static const struct field user_change_fields[] = {
    {"login", F_TEXT, 0, NULL, .min = 1, .max = 200},
    {"name", F_TEXT, 0, NULL, .min = 0, .max = 200},
    {"role", F_WORD, 0, "a lower one ends the user's sessions", .words = roles},
    {"disabled", F_BOOL, 0, "ends sessions and tokens"},
    {0},
};
const struct shape user_change_body = {"UserChange", NULL, user_change_fields};

static const struct field token_fields[] = {
    {"id", F_INT, F_REQUIRED, NULL},
    {"name", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"hint", F_TEXT, F_REQUIRED | F_NULL, "its first characters"},
    {"scope", F_WORD, F_REQUIRED, "does at most what this role may", .words = roles},
    {"created", F_TIME, F_REQUIRED | F_NULL, NULL},
    {"used", F_TIME, F_REQUIRED | F_NULL, "to the minute"},
    {"expires", F_TIME, F_REQUIRED | F_NULL, NULL},
    {0},
};
static const struct shape token_shape = {"Token", NULL, token_fields};
static const struct field token_list_fields[] = {
    {"tokens", F_LIST, F_REQUIRED, "one's own, newest first", .of = &token_shape},
    {0},
};
const struct shape token_list_shape = {"Tokens", NULL, token_list_fields};

static const struct field token_body_fields[] = {
    {"name", F_TEXT, F_REQUIRED, "what it is for", .min = 1, .max = 200},
    {"scope", F_WORD, F_REQUIRED, "does at most what this role may", .words = roles},
    {"days", F_INT, 0, "until it expires; without it, it does not", .min = 1, .max = 3650},
    {0},
};
const struct shape token_body = {"TokenNew", NULL, token_body_fields};
static const struct field token_added_fields[] = {
    {"token", F_OBJECT, F_REQUIRED, NULL, .of = &token_shape},
    {"text", F_TEXT, F_REQUIRED, "the token itself: Authorization: Bearer ..."},
    {0},
};
const struct shape token_added_shape = {"TokenText", "Shown once.", token_added_fields};

/* ---------------------------------------------------------------- writing */

static void user_write(struct jw *w, const struct user *user)
{
    jw_object(w);
    jw_kv_int(w, "id", user->id);
    jw_kv_text(w, "login", user->login);
    jw_kv_text(w, "name", user->name);
    jw_kv_text(w, "role", role_name(user->role));
    jw_kv_bool(w, "disabled", user->disabled);
    jw_kv_bool(w, "invited", user->password_hash == NULL);
    jw_kv_time(w, "created", user->created_ms);
    jw_kv_time(w, "signed_in", user->seen_ms);
    jw_end_object(w);
}

static void token_write(struct jw *w, const struct api_token *token)
{
    jw_object(w);
    jw_kv_int(w, "id", token->id);
    jw_kv_text(w, "name", token->name);
    jw_kv_text(w, "hint", token->hint);
    jw_kv_text(w, "scope", role_name(token->scope));
    jw_kv_time(w, "created", token->created_ms);
    jw_kv_time(w, "used", token->used_ms);
    jw_kv_time(w, "expires", token->expires_ms);
    jw_end_object(w);
}

/* ------------------------------------------------------------------ users */

enum status api_user_list(struct call *call, struct err *err)
{
    struct user *list;
    size_t count;
    struct jw *w = &call->w;
    if (call->store->does->people->user_list(call->store, call->arena, &list, &count, err) != OK)
        return FAIL;
    jw_object(w);
    jw_key(w, "users");
    jw_array(w);
    for (size_t i = 0; i < count; i++)
        user_write(w, &list[i]);
    jw_end_array(w);
    jw_end_object(w);
    return OK;
}

/* A link for the user; its secret sits behind '#', which browsers keep to themselves. */
static enum status write_link(struct call *call, const struct user *user, struct err *err)
{
    const struct store_people *people = call->store->does->people;
    const char *code = door_random(call->arena);
    struct link link = {.user_id = user->id, .created_ms = call_now(call)};
    struct jw *w = &call->w;
    link.expires_ms = link.created_ms + LINK_FOR_MS;
    door_digest(code, link.hash);
    if (people->link_put(call->store, &link, call_who(call), err) != OK)
        return FAIL;
    jw_object(w);
    jw_key(w, "user");
    user_write(w, user);
    jw_kv_text(w, "link", arena_printf(call->arena, "%s/link#%s", call->api->url, code));
    jw_kv_time(w, "expires", link.expires_ms);
    jw_end_object(w);
    return OK;
}

enum status api_user_add(struct call *call, struct err *err)
{
    struct user user = {.login = text_trim(call->arena, json_get_text(call->body, "login")),
                        .name = json_get_text(call->body, "name")};
    role_parse(json_get_text(call->body, "role"), &user.role);
    if (text_blank(user.login))
        return err_set(err, ERR_INVALID, "a login is more than spaces");
    if (call->store->does->people->user_put(call->store, &user, NULL, call_who(call), err) != OK)
        return FAIL;
    return write_link(call, &user, err);
}

static enum status read_user(struct call *call, struct user *out, struct err *err)
{
    int64_t id;
    if (call_id(call, 0, &id, err) != OK)
        return FAIL;
    return call->store->does->people->user_get(call->store, call->arena, id, out, err);
}

enum status api_user_change(struct call *call, struct err *err)
{
    struct user user;
    if (read_user(call, &user, err) != OK)
        return FAIL;
    if (json_get(call->body, "login"))
        user.login = text_trim(call->arena, json_get_text(call->body, "login"));
    if (json_get(call->body, "name"))
        user.name = json_get_text(call->body, "name");
    if (json_get(call->body, "role"))
        role_parse(json_get_text(call->body, "role"), &user.role);
    user.disabled = json_get_bool(call->body, "disabled", user.disabled);
    if (text_blank(user.login))
        return err_set(err, ERR_INVALID, "a login is more than spaces");
    if (call->store->does->people->user_put(call->store, &user, NULL, call_who(call), err) != OK)
        return FAIL;
    hub_part(call->api->hub, user.id, 0); /* open pages come back with what they may now */
    user_write(&call->w, &user);
    return OK;
}

enum status api_user_delete(struct call *call, struct err *err)
{
    struct user user;
    if (read_user(call, &user, err) != OK ||
        call->store->does->people->user_delete(call->store, user.id, call_who(call), err) != OK)
        return FAIL;
    hub_part(call->api->hub, user.id, 0);
    return OK;
}

enum status api_user_link(struct call *call, struct err *err)
{
    struct user user;
    if (read_user(call, &user, err) != OK)
        return FAIL;
    if (user.disabled)
        return err_set(err, ERR_CONFLICT, "this user is disabled");
    return write_link(call, &user, err);
}

enum status api_user_sessions_end(struct call *call, struct err *err)
{
    struct user user;
    const char *keep = call->person.hash[0] ? call->person.hash : NULL;
    if (read_user(call, &user, err) != OK ||
        call->store->does->people->sessions_delete(call->store, user.id, keep, call_who(call), NULL,
                                                   err) != OK)
        return FAIL;
    hub_part(call->api->hub, user.id, 0);
    return OK;
}

/* Everybody's but the one that asks: when a cookie may have been stolen. */
enum status api_sessions_end_all(struct call *call, struct err *err)
{
    const char *keep = call->person.hash[0] ? call->person.hash : NULL;
    if (call->store->does->people->sessions_delete(call->store, 0, keep, call_who(call), NULL,
                                                   err) != OK)
        return FAIL;
    hub_part(call->api->hub, 0, 0);
    return OK;
}

/* ----------------------------------------------------------------- tokens */

enum status api_token_list(struct call *call, struct err *err)
{
    struct api_token *list;
    size_t count;
    struct jw *w = &call->w;
    if (call->store->does->people->token_list(call->store, call->arena, call->person.user_id, &list,
                                              &count, err) != OK)
        return FAIL;
    jw_object(w);
    jw_key(w, "tokens");
    jw_array(w);
    for (size_t i = 0; i < count; i++)
        token_write(w, &list[i]);
    jw_end_array(w);
    jw_end_object(w);
    return OK;
}

enum status api_token_add(struct call *call, struct err *err)
{
    const char *text = arena_printf(call->arena, "argil_%s", door_random(call->arena));
    int64_t days = json_get_int(call->body, "days", 0), now = call_now(call);
    struct api_token token = {.user_id = call->person.user_id,
                              .name = json_get_text(call->body, "name"),
                              .hint = arena_strndup(call->arena, text, 10),
                              .created_ms = now,
                              .expires_ms = days ? now + days * DAY_MS : 0};
    struct jw *w = &call->w;
    role_parse(json_get_text(call->body, "scope"), &token.scope);
    if (token.scope > call->person.role)
        return err_set(err, ERR_AUTH_ROLE, "a token cannot do more than you: %s",
                       role_name(call->person.role));
    door_digest(text, token.hash);
    if (call->store->does->people->token_put(call->store, &token, call_who(call), err) != OK)
        return FAIL;
    jw_object(w);
    jw_key(w, "token");
    token_write(w, &token);
    jw_kv_text(w, "text", text);
    jw_end_object(w);
    return OK;
}

/* One's own, or anybody's for an admin. */
enum status api_token_delete(struct call *call, struct err *err)
{
    const struct store_people *people = call->store->does->people;
    struct api_token *list;
    size_t count, at = 0;
    int64_t id, whose = call->person.role >= ROLE_ADMIN ? 0 : call->person.user_id;
    if (call_id(call, 0, &id, err) != OK ||
        people->token_list(call->store, call->arena, whose, &list, &count, err) != OK)
        return FAIL;
    while (at < count && list[at].id != id)
        at++;
    if (at == count)
        return err_set(err, ERR_NOT_FOUND, "there is no token %lld", (long long)id);
    return people->token_delete(call->store, id, call_who(call), err);
}
