/* identity.c - who signed in: identity URL, userinfo, discovery, keys.
 *
 * Key order and the members that are null rather than absent follow
 * salesforce-auth 1.6 and 1.7. Refusals are one plain word, not JSON. */
#include "localorg/rest/oauth.h"
#include "localorg/rest/records.h"
#include "localorg/rest/resources.h"

#include "base/str.h"
#include "base/when.h"

#include <stdio.h>
#include <string.h>

/* --- what the user's record says --- */

enum {
    F_FIRST,
    F_LAST,
    F_NICK,
    F_STREET,
    F_CITY,
    F_STATE,
    F_COUNTRY,
    F_ZIP,
    F_MOBILE,
    F_TYPE,
    F_LANGUAGE,
    F_LOCALE,
    F_PHONE,
    F_COUNT
};
static const char *const field_names[F_COUNT] = {
    "FirstName",   "LastName", "CommunityNickname", "Street",
    "City",        "State",    "Country",           "PostalCode",
    "MobilePhone", "UserType", "LanguageLocaleKey", "LocaleSidKey",
    "Phone"};

static const char *or_else(const char *text, const char *otherwise)
{
    return text ? text : otherwise;
}

/* --- who asks --- */

/* The session behind the request's token. False after answering. */
static bool token_owner(struct call *call, struct session *session, struct org_user *user)
{
    const char *token = call_param(call, "oauth_token");
    *session = call->session;
    if (!session->token[0] && !token)
        token = form_get(call, "access_token");
    if (!session->token[0] && token)
        grants_session(call->site->grants, token, call_now(call), true, session);
    if (session->token[0] && org_user_by_id(call->site->org, session->user_id, user))
        return true;
    answer_text(call, 403, "text/plain;charset=UTF-8",
                session->token[0] || token || call_header(call, "Authorization")
                    ? "Bad_OAuth_Token"
                    : "Missing_OAuth_Token");
    return false;
}

/* --- shared members --- */

static const struct {
    const char *name, *path;
} url_rows[] = {
    {"enterprise", "/services/Soap/c/{version}/%s"},
    {"metadata", "/services/Soap/m/{version}/%s"},
    {"partner", "/services/Soap/u/{version}/%s"},
    {"rest", "/services/data/v{version}/"},
    {"sobjects", "/services/data/v{version}/sobjects/"},
    {"search", "/services/data/v{version}/search/"},
    {"query", "/services/data/v{version}/query/"},
    {"recent", "/services/data/v{version}/recent/"},
    {"tooling_soap", "/services/Soap/T/{version}/%s"},
    {"tooling_rest", "/services/data/v{version}/tooling/"},
    {"profile", "/%s"},
    {"feeds", "/services/data/v{version}/chatter/feeds"},
    {"groups", "/services/data/v{version}/chatter/groups"},
    {"users", "/services/data/v{version}/chatter/users"},
    {"feed_items", "/services/data/v{version}/chatter/feed-items"},
    {"feed_elements", "/services/data/v{version}/chatter/feed-elements"},
    {"custom_domain", ""},
};

/* {version} stays as it is unless the client asked for one. */
static void write_urls(struct call *call, const char *user_id, struct jw *w)
{
    const char *version = call_param(call, "version");
    if (version && strcmp(version, "latest") == 0)
        version = "68.0";
    jw_key(w, "urls");
    jw_object(w);
    for (size_t i = 0; i < sizeof url_rows / sizeof *url_rows; i++) {
        struct buf url = BUF_INIT;
        const char *id =
            strcmp(url_rows[i].name, "profile") == 0 ? user_id : org_id15(call->site->org);
        buf_str(&url, call_instance(call));
        for (const char *p = url_rows[i].path; *p;) {
            if (version && strncmp(p, "{version}", 9) == 0) {
                buf_str(&url, version);
                p += 9;
            } else if (strncmp(p, "%s", 2) == 0) {
                buf_str(&url, id);
                p += 2;
            } else {
                buf_char(&url, *p++);
            }
        }
        jw_kv_text(w, url_rows[i].name, buf_text(&url));
        buf_free(&url);
    }
    jw_end_object(w);
}

static void write_photos(struct call *call, struct jw *w)
{
    jw_key(w, "photos");
    jw_object(w);
    jw_kv_text(w, "picture", arena_printf(call->arena, "%s/profilephoto/005/F", call->origin));
    jw_kv_text(w, "thumbnail", arena_printf(call->arena, "%s/profilephoto/005/T", call->origin));
    jw_end_object(w);
}

/* Only the zones people use here; 0 for the others (docs/localorg/fidelity.md). */
static int64_t utc_offset(const char *zone)
{
    static const struct {
        const char *zone;
        int64_t hours;
    } known[] = {{"America/Los_Angeles", -8}, {"America/New_York", -5}, {"Europe/London", 0},
                 {"Europe/Berlin", 1},        {"Europe/Paris", 1},      {"Asia/Tokyo", 9}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(zone, known[i].zone) == 0)
            return known[i].hours * 3600 * 1000;
    return 0;
}

static const char *identity_url(struct call *call, const char *user_id)
{
    return arena_printf(call->arena, "%s/id/%s/%s", call->origin, org_id18(call->site->org),
                        user_id);
}

static bool app_installed(struct call *call, const char *client_id)
{
    struct app app;
    return policies_app(call->site->policies, client_id, &app) && app.installed;
}

/* --- GET /id/ORG/USER --- */

static void write_identity(struct call *call, const struct session *session,
                           const struct org_user *user, struct jw *w)
{
    const char *row[F_COUNT] = {NULL};
    records_texts(call, "User", user->id, field_names, F_COUNT, row);
    jw_object(w);
    jw_kv_text(w, "id", identity_url(call, user->id));
    jw_kv_bool(w, "asserted_user", strcmp(user->id, session->user_id) == 0);
    jw_kv_text(w, "user_id", user->id);
    jw_kv_text(w, "organization_id", org_id18(call->site->org));
    jw_kv_text(w, "username", user->username);
    jw_kv_text(w, "nick_name", or_else(row[F_NICK], user->name));
    jw_kv_text(w, "display_name", user->name);
    jw_kv_text(w, "email", user->email);
    jw_kv_bool(w, "email_verified", true);
    jw_kv_text(w, "first_name", row[F_FIRST]);
    jw_kv_text(w, "last_name", row[F_LAST]);
    jw_kv_text(w, "timezone", user->timezone);
    write_photos(call, w);
    jw_kv_text(w, "addr_street", row[F_STREET]);
    jw_kv_text(w, "addr_city", row[F_CITY]);
    jw_kv_text(w, "addr_state", row[F_STATE]);
    jw_kv_text(w, "addr_country", row[F_COUNTRY]);
    jw_kv_text(w, "addr_zip", row[F_ZIP]);
    jw_kv_text(w, "mobile_phone", row[F_MOBILE]);
    jw_kv_bool(w, "mobile_phone_verified", false);
    jw_kv_bool(w, "is_lightning_login_user", false);
    jw_key(w, "status");
    jw_object(w);
    jw_kv_null(w, "created_date");
    jw_kv_null(w, "body");
    jw_end_object(w);
    write_urls(call, user->id, w);
    jw_kv_bool(w, "active", user->active);
    jw_kv_text(w, "user_type", or_else(row[F_TYPE], "STANDARD"));
    jw_kv_text(w, "language", or_else(row[F_LANGUAGE], "en_US"));
    jw_kv_text(w, "locale", or_else(row[F_LOCALE], "en_US"));
    jw_kv_int(w, "utcOffset", utc_offset(user->timezone));
    char modified[32];
    when_iso_seconds(call->site->started_ms, modified);
    jw_kv_text(w, "last_modified_date", modified);
    jw_kv_bool(w, "is_app_installed", app_installed(call, session->client_id));
    jw_end_object(w);
}

void identity(struct call *call)
{
    struct session session;
    struct org_user asker, user;
    struct jw w;
    char org[19], id[19];
    if (!token_owner(call, &session, &asker))
        return;
    if (!id_canonical(call->args[0], org) || strcmp(org, org_id18(call->site->org)) != 0) {
        answer_text(call, 403, "text/plain;charset=UTF-8", "Wrong_Org");
        return;
    }
    if (!id_canonical(call->args[1], id) || !org_user_by_id(call->site->org, id, &user)) {
        answer_text(call, 404, "text/plain;charset=UTF-8", "Bad_Id");
        return;
    }
    if (strcmp(user.id, asker.id) != 0 && !scope_covers(session.scopes, "api")) {
        answer_text(call, 404, "text/plain;charset=UTF-8", "No_Access");
        return;
    }
    answer_json(call, 200, &w);
    write_identity(call, &session, &user, &w);
}

/* --- userinfo --- */

void oauth_userinfo(struct call *call)
{
    struct session session;
    struct org_user user;
    struct person person;
    struct jw w;
    const char *row[F_COUNT] = {NULL};
    char updated[32];
    if (!token_owner(call, &session, &user))
        return;
    records_texts(call, "User", user.id, field_names, F_COUNT, row);
    gate_person(call->site, &user, &person);
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_kv_text(&w, "sub", identity_url(call, user.id));
    jw_kv_text(&w, "user_id", user.id);
    jw_kv_text(&w, "organization_id", org_id18(call->site->org));
    jw_kv_text(&w, "preferred_username", user.username);
    jw_kv_text(&w, "nickname", or_else(row[F_NICK], user.name));
    jw_kv_text(&w, "name", user.name);
    jw_kv_text(&w, "email", user.email);
    jw_kv_bool(&w, "email_verified", true);
    jw_kv_text(&w, "given_name", row[F_FIRST]);
    jw_kv_text(&w, "family_name", row[F_LAST]);
    jw_kv_text(&w, "zoneinfo", user.timezone);
    write_photos(call, &w);
    jw_kv_text(&w, "profile", arena_printf(call->arena, "%s/%s", call->origin, user.id));
    jw_kv_text(&w, "picture", arena_printf(call->arena, "%s/profilephoto/005/F", call->origin));
    if (scope_covers(session.scopes, "phone")) {
        jw_kv_text(&w, "phone_number", row[F_PHONE]);
        jw_kv_bool(&w, "phone_number_verified", false);
    }
    jw_key(&w, "address");
    jw_object(&w);
    if (row[F_COUNTRY])
        jw_kv_text(&w, "country", row[F_COUNTRY]);
    jw_end_object(&w);
    jw_kv_bool(&w, "is_salesforce_integration_user", person.policy.integration_licence);
    write_urls(call, user.id, &w);
    jw_kv_bool(&w, "active", user.active);
    jw_kv_text(&w, "user_type", or_else(row[F_TYPE], "STANDARD"));
    jw_kv_text(&w, "language", or_else(row[F_LANGUAGE], "en_US"));
    jw_kv_text(&w, "locale", or_else(row[F_LOCALE], "en_US"));
    jw_kv_int(&w, "utcOffset", utc_offset(user.timezone));
    when_iso_seconds(call->site->started_ms, updated);
    jw_kv_text(&w, "updated_at", updated);
    jw_kv_bool(&w, "is_app_installed", app_installed(call, session.client_id));
    jw_end_object(&w);
}

/* --- discovery --- */

static void write_words(struct jw *w, const char *key, const char *words)
{
    size_t len;
    const char *word;
    jw_key(w, key);
    jw_array(w);
    while ((word = words_next(&words, &len)))
        jw_text_n(w, word, len);
    jw_end_array(w);
}

void oauth_discovery(struct call *call)
{
    static const char *const endpoints[][2] = {
        {"authorization_endpoint", "/services/oauth2/authorize"},
        {"token_endpoint", "/services/oauth2/token"},
        {"revocation_endpoint", "/services/oauth2/revoke"},
        {"userinfo_endpoint", "/services/oauth2/userinfo"},
        {"jwks_uri", "/id/keys"},
        {"introspection_endpoint", "/services/oauth2/introspect"},
    };
    struct jw w;
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_kv_text(&w, "issuer", call->origin);
    for (size_t i = 0; i < sizeof endpoints / sizeof *endpoints; i++)
        jw_kv_text(&w, endpoints[i][0],
                   arena_printf(call->arena, "%s%s", call->origin, endpoints[i][1]));
    write_words(&w, "scopes_supported",
                "cdp_ingest_api custom_permissions cdp_profile_api web cdp_query_api chatter_api "
                "eclair_api openid wave_api profile email address phone api id full visualforce "
                "refresh_token offline_access");
    jw_key(&w, "response_types_supported");
    jw_array(&w);
    jw_text(&w, "code");
    jw_text(&w, "token");
    jw_text(&w, "token id_token");
    jw_end_array(&w);
    write_words(&w, "subject_types_supported", "public");
    write_words(&w, "id_token_signing_alg_values_supported", "RS256");
    write_words(&w, "display_values_supported", "page popup touch");
    write_words(&w, "token_endpoint_auth_methods_supported",
                "client_secret_post client_secret_basic private_key_jwt");
    write_words(&w, "code_challenge_methods_supported", "S256");
    write_words(&w, "claims_supported",
                "active address email email_verified family_name given_name is_app_installed "
                "language locale name nickname organization_id phone_number "
                "phone_number_verified photos picture preferred_username profile sub updated_at "
                "urls user_id user_type zoneinfo");
    jw_end_object(&w);
}

void oauth_keys(struct call *call)
{
    struct jw w;
    struct err err = {{0}};
    answer_json(call, 200, &w);
    if (signer_keys(call->site->signer, call->arena, &w, &err) != OK)
        answer_failed(call, &err);
}
