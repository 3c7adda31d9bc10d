/* session.c - coming in: the first account, signing in and out, links, one's own
 * account. What a cookie is worth is decided in doors.c. */
#include "api/nouns.h"

#include "base/log.h"
#include "base/str.h"
#include "store/store_people.h"

#include <string.h>

#define PASSWORD_LEAST 12
#define PASSWORD_MOST  1024

static const char *const roles[] = {"viewer", "runner", "builder", "admin", NULL};

/* ----------------------------------------------------------------- shapes */

static const struct field person_fields[] = {
    {"id", F_INT, F_REQUIRED, "of the user"},
    {"login", F_TEXT, F_REQUIRED, "what one signs in with"},
    {"name", F_TEXT, F_REQUIRED | F_NULL, "as shown"},
    {"zone", F_TEXT, F_REQUIRED | F_NULL, "IANA time zone"},
    {"role", F_WORD, F_REQUIRED, "what this session or token may do", .words = roles},
    {0},
};
static const struct shape person_shape = {"Person", "Who is signed in.", person_fields};

static const struct field session_fields[] = {
    {"person", F_OBJECT, F_REQUIRED, "who is signed in", .of = &person_shape},
    {"csrf", F_TEXT, F_REQUIRED | F_NULL,
     "send it as X-Argil-CSRF with every request that changes something; null with a token"},
    {"proved_until", F_TIME, F_REQUIRED | F_NULL,
     "until then what needs a fresh password is allowed"},
    {"workspace", F_TEXT, F_REQUIRED, "its name"},
    {"version", F_TEXT, F_REQUIRED, "of the server"},
    {0},
};
const struct shape session_shape = {"Session", "A sign-in and what belongs to it.", session_fields};

static const struct field sign_in_fields[] = {
    {"login", F_TEXT, F_REQUIRED, "e-mail address or name", .min = 1, .max = 200},
    {"password", F_TEXT, F_REQUIRED | F_SECRET, "the password", .min = 1, .max = PASSWORD_MOST},
    {0},
};
const struct shape sign_in_body = {"SignIn", NULL, sign_in_fields};

static const struct field setup_body_fields[] = {
    {"code", F_TEXT, F_REQUIRED | F_SECRET, "from the link that the server printed", .min = 1, .max = 200},
    {"login", F_TEXT, F_REQUIRED, "e-mail address or name", .min = 1, .max = 200},
    {"name", F_TEXT, 0, "as shown", .min = 0, .max = 200},
    {"zone", F_TEXT, 0, "IANA time zone", .min = 0, .max = 64},
    {"password", F_TEXT, F_REQUIRED | F_SECRET, "12 characters or more", .min = 1, .max = PASSWORD_MOST},
    {0},
};
const struct shape setup_body = {"Setup", "The first account, an admin.", setup_body_fields};

static const struct field setup_fields[] = {
    {"needed", F_BOOL, F_REQUIRED, "the workspace has no users yet"},
    {0},
};
const struct shape setup_shape = {"SetupState", NULL, setup_fields};

static const struct field proof_fields[] = {
    {"password", F_TEXT, F_REQUIRED | F_SECRET, "the person's own", .min = 1, .max = PASSWORD_MOST},
    {0},
};
const struct shape proof_body = {"Proof", NULL, proof_fields};

static const struct field link_fields[] = {
    {"code", F_TEXT, F_REQUIRED | F_SECRET, "from the link", .min = 1, .max = 200},
    {"password", F_TEXT, F_REQUIRED | F_SECRET, "the new one, 12 characters or more", .min = 1, .max = PASSWORD_MOST},
    {0},
};
const struct shape link_body = {"LinkUse", NULL, link_fields};

static const struct field account_fields[] = {
    {"name", F_TEXT, 0, "as shown", .min = 0, .max = 200},
    {"zone", F_TEXT, 0, "IANA time zone", .min = 0, .max = 64},
    {0},
};
const struct shape account_body = {"AccountChange", NULL, account_fields};

static const struct field password_fields[] = {
    {"password", F_TEXT, F_REQUIRED | F_SECRET, "the present one", .min = 1, .max = PASSWORD_MOST},
    {"new_password", F_TEXT, F_REQUIRED | F_SECRET, "12 characters or more", .min = 1, .max = PASSWORD_MOST},
    {0},
};
const struct shape password_body = {"PasswordChange", NULL, password_fields};

static const struct field listed_session_fields[] = {
    {"id", F_INT, F_REQUIRED, "to end it by"},
    {"peer", F_TEXT, F_REQUIRED | F_NULL, "address at sign-in"},
    {"agent", F_TEXT, F_REQUIRED | F_NULL, "browser at sign-in"},
    {"created", F_TIME, F_REQUIRED, "signed in"},
    {"seen", F_TIME, F_REQUIRED, "last request, to the minute"},
    {"own", F_BOOL, F_REQUIRED, "the one that asks"},
    {0},
};
static const struct shape listed_session_shape = {"OpenSession", NULL, listed_session_fields};
static const struct field session_list_fields[] = {
    {"sessions", F_LIST, F_REQUIRED, "newest first", .of = &listed_session_shape},
    {0},
};
const struct shape session_list_shape = {"OpenSessions", NULL, session_list_fields};

/* ---------------------------------------------------------------- helpers */

static const char *body_text(const struct call *call, const char *name)
{
    return json_get_text(call->body, name);
}

static enum status check_password(const char *password, const char *login, struct err *err)
{
    if (utf8_length(password, strlen(password)) < PASSWORD_LEAST) {
        err_set(err, ERR_INVALID, "a password has %d characters or more", PASSWORD_LEAST);
        err_where(err, "password");
        err_hint(err, "A few words in a row are easy to remember.");
        return FAIL;
    }
    if (!text_eq_nocase(password, login))
        return OK;
    err_set(err, ERR_INVALID, "the password is the login");
    err_where(err, "password");
    return FAIL;
}

static void write_session(struct call *call)
{
    struct jw *w = &call->w;
    const struct person *p = &call->person;
    jw_object(w);
    jw_key(w, "person");
    jw_object(w);
    jw_kv_int(w, "id", p->user_id);
    jw_kv_text(w, "login", p->login);
    jw_kv_text(w, "name", p->name);
    jw_kv_text(w, "zone", p->zone);
    jw_kv_text(w, "role", role_name(p->role));
    jw_end_object(w);
    jw_kv_text(w, "csrf", p->csrf);
    jw_kv_time(w, "proved_until", p->session_id ? p->proved_ms + PROVED_FOR_MS : 0);
    jw_kv_text(w, "workspace", call->store->workspace_name);
    jw_kv_text(w, "version", ARGIL_VERSION);
    jw_end_object(w);
}

/* ---------------------------------------------------------- in and out */

enum status api_session_show(struct call *call, struct err *err)
{
    write_session(call);
    return OK;
}

enum status api_session_open(struct call *call, struct err *err)
{
    const struct store_people *people = call->store->does->people;
    const char *login = body_text(call, "login"), *password = body_text(call, "password");
    struct user user = {0};
    struct err none = {0};
    if (door_may_try(call, login, err) != OK)
        return FAIL;
    if (people->user_by_login(call->store, call->arena, login, &user, &none) != OK &&
        !err_is(&none, ERR_NOT_FOUND)) {
        *err = none;
        return FAIL;
    }
    const char *hash = user.disabled ? NULL : user.password_hash;
    if (door_check(call, hash, password, err) != OK) {
        if (err_is(err, ERR_AUTH_WRONG)) {
            door_tried(call, login, false);
            log_warn("a sign-in failed from %s", call->peer);
        }
        return FAIL;
    }
    door_tried(call, login, true);
    if (door_enter(call, &user, err) != OK)
        return FAIL;
    write_session(call);
    return OK;
}

enum status api_session_close(struct call *call, struct err *err)
{
    const struct store_people *people = call->store->does->people;
    if (call->person.session_id &&
        people->session_delete(call->store, call->person.session_id, call_who(call), err) != OK)
        return FAIL;
    hub_part(call->api->hub, call->person.user_id, call->person.session_id);
    door_leave(call);
    return OK;
}

static enum status own_user(struct call *call, struct user *user, struct err *err)
{
    const struct store_people *people = call->store->does->people;
    return people->user_get(call->store, call->arena, call->person.user_id, user, err);
}

/* The person's own password, with the same patience as a sign-in. */
static enum status prove(struct call *call, struct user *user, struct err *err)
{
    if (own_user(call, user, err) != OK || door_may_try(call, user->login, err) != OK)
        return FAIL;
    enum status rc = door_check(call, user->password_hash, body_text(call, "password"), err);
    if (rc == OK || err_is(err, ERR_AUTH_WRONG))
        door_tried(call, user->login, rc == OK);
    if (rc != OK && err_is(err, ERR_AUTH_WRONG)) /* the session is fine: not a 401 */
        err_set(err, "auth.password", "the password is wrong");
    return rc;
}

enum status api_session_prove(struct call *call, struct err *err)
{
    const struct store_people *people = call->store->does->people;
    struct user user;
    if (prove(call, &user, err) != OK)
        return FAIL;
    call->person.proved_ms = call_now(call);
    if (people->session_seen(call->store, call->person.session_id, call->person.proved_ms,
                             call->person.proved_ms, err) != OK)
        return FAIL;
    write_session(call);
    return OK;
}

/* ------------------------------------------------------- setup and links */

enum status api_setup_show(struct call *call, struct err *err)
{
    const struct store_people *people = call->store->does->people;
    int64_t count;
    if (people->user_count(call->store, &count, err) != OK)
        return FAIL;
    jw_object(&call->w);
    jw_kv_bool(&call->w, "needed", count == 0);
    jw_end_object(&call->w);
    return OK;
}

enum status api_setup_do(struct call *call, struct err *err)
{
    const struct store_people *people = call->store->does->people;
    const char *password = body_text(call, "password");
    struct user user = {.login = text_trim(call->arena, body_text(call, "login")),
                        .name = body_text(call, "name"),
                        .zone = body_text(call, "zone"),
                        .password_ms = call_now(call)};
    if (door_may_try(call, "setup", err) != OK)
        return FAIL;
    if (!door_same(call->api->setup_code, body_text(call, "code"))) {
        door_tried(call, "setup", false);
        err_set(err, ERR_PEOPLE_LINK, "this setup link is not the one that the server printed");
        err_hint(err, "Each start prints a new one while there are no users.");
        return FAIL;
    }
    if (text_blank(user.login))
        return err_set(err, ERR_INVALID, "a login is more than spaces");
    if (check_password(password, user.login, err) != OK ||
        door_hash(call, password, &user.password_hash, err) != OK ||
        people->user_first(call->store, &user, err) != OK || door_enter(call, &user, err) != OK)
        return FAIL;
    write_session(call);
    return OK;
}

enum status api_link_accept(struct call *call, struct err *err)
{
    const struct store_people *people = call->store->does->people;
    const char *password = body_text(call, "password"), *hash;
    struct user user;
    char digest[65];
    door_digest(body_text(call, "code"), digest);
    if (door_may_try(call, "link", err) != OK || check_password(password, NULL, err) != OK ||
        door_hash(call, password, &hash, err) != OK)
        return FAIL;
    enum status rc =
        people->link_take(call->store, call->arena, digest, hash, call_now(call), &user, err);
    door_tried(call, "link", rc == OK);
    if (rc != OK)
        return FAIL;
    hub_part(call->api->hub, user.id, 0);
    if (door_enter(call, &user, err) != OK)
        return FAIL;
    write_session(call);
    return OK;
}

/* ------------------------------------------------------------ own account */

enum status api_account_change(struct call *call, struct err *err)
{
    const struct store_people *people = call->store->does->people;
    struct user user;
    if (own_user(call, &user, err) != OK)
        return FAIL;
    if (json_get(call->body, "name"))
        user.name = body_text(call, "name");
    if (json_get(call->body, "zone"))
        user.zone = body_text(call, "zone");
    if (people->user_put(call->store, &user, call->person.hash, call_who(call), err) != OK)
        return FAIL;
    call->person.name = user.name;
    call->person.zone = user.zone;
    write_session(call);
    return OK;
}

enum status api_password_change(struct call *call, struct err *err)
{
    const struct store_people *people = call->store->does->people;
    struct user user;
    const char *new = body_text(call, "new_password");
    if (prove(call, &user, err) != OK || check_password(new, user.login, err) != OK ||
        door_hash(call, new, &user.password_hash, err) != OK)
        return FAIL;
    user.password_ms = call_now(call);
    if (people->user_put(call->store, &user, call->person.hash, call_who(call), err) != OK)
        return FAIL;
    hub_part(call->api->hub, user.id, 0); /* open pages come back; the others' sessions are gone */
    return OK;
}

enum status api_session_list(struct call *call, struct err *err)
{
    const struct store_people *people = call->store->does->people;
    struct session *list;
    size_t count;
    struct jw *w = &call->w;
    if (people->session_list(call->store, call->arena, call->person.user_id, &list, &count, err) !=
        OK)
        return FAIL;
    jw_object(w);
    jw_key(w, "sessions");
    jw_array(w);
    for (size_t i = 0; i < count; i++) {
        jw_object(w);
        jw_kv_int(w, "id", list[i].id);
        jw_kv_text(w, "peer", list[i].peer);
        jw_kv_text(w, "agent", list[i].agent);
        jw_kv_time(w, "created", list[i].created_ms);
        jw_kv_time(w, "seen", list[i].seen_ms);
        jw_kv_bool(w, "own", list[i].id == call->person.session_id);
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_end_object(w);
    return OK;
}

/* One's own, or anybody's for an admin. */
enum status api_session_end(struct call *call, struct err *err)
{
    const struct store_people *people = call->store->does->people;
    struct session *list;
    size_t count, at = 0;
    int64_t id, whose = call->person.role >= ROLE_ADMIN ? 0 : call->person.user_id;
    if (call_id(call, 0, &id, err) != OK ||
        people->session_list(call->store, call->arena, whose, &list, &count, err) != OK)
        return FAIL;
    while (at < count && list[at].id != id)
        at++;
    if (at == count)
        return err_set(err, ERR_NOT_FOUND, "there is no session %lld", (long long)id);
    if (people->session_delete(call->store, id, call_who(call), err) != OK)
        return FAIL;
    hub_part(call->api->hub, list[at].user_id, id);
    return OK;
}

enum status api_session_end_others(struct call *call, struct err *err)
{
    const struct store_people *people = call->store->does->people;
    if (people->sessions_delete(call->store, call->person.user_id, call->person.hash,
                                call_who(call), NULL, err) != OK)
        return FAIL;
    hub_part(call->api->hub, call->person.user_id, 0);
    return OK;
}
