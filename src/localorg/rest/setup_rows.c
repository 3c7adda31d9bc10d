/* setup_rows.c - see setup_rows.h. An Id is made of the number its thing has in
 * grants or policies, so that it is the same in every query. Tokens themselves are
 * never shown: DeleteToken is a word that only revoke understands, as in a real org. */
#include "localorg/rest/setup_rows.h"

#include "localorg/org/access.h"
#include "localorg/rest/gate.h"

#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void number_id(const char *prefix, uint64_t number, char out[19])
{
    char id15[16];
    snprintf(id15, sizeof id15, "%s000%09llu", prefix, (unsigned long long)(number % 1000000000));
    id_to_18(id15, out);
}

static uint64_t id_number_of(const char *id18)
{
    return strtoull(id18 + 6, NULL, 10);
}

/* --- AuthSession --- */

struct listing {
    struct site *site;
    struct jw *w;
};

static void session_row(void *ctx, const struct session *session)
{
    const struct listing *listing = ctx;
    struct jw *w = listing->w;
    char id[19];
    number_id("0Ak", session->number, id);
    jw_object(w);
    jw_kv_text(w, "Id", id);
    jw_kv_text(w, "UsersId", session->user_id);
    jw_kv_int(w, "CreatedDate", session->created_ms / 1000 * 1000);
    jw_kv_int(w, "LastModifiedDate", session->used_ms / 1000 * 1000);
    jw_kv_int(w, "SystemModstamp", session->used_ms / 1000 * 1000);
    jw_kv_int(w, "NumSecondsValid", session->timeout_ms / 1000);
    jw_kv_text(w, "UserType", "Standard");
    jw_kv_text(w, "SourceIp", session->peer);
    jw_kv_text(w, "LoginType", "Remote Access 2.0");
    jw_kv_text(w, "SessionType", "Oauth2");
    jw_kv_text(w, "SessionSecurityLevel", session->high_assurance ? "HIGH_ASSURANCE" : "STANDARD");
    jw_kv_bool(w, "IsCurrent", false);
    jw_end_object(w);
}

static void session_rows(void *ctx, const char *user_id, struct buf *json)
{
    struct site *site = ctx;
    struct jw w;
    struct listing listing = {site, &w};
    jw_init(&w, json);
    jw_array(&w);
    grants_each_session(site->grants, org_now_ms(site->org), session_row, &listing);
    jw_end_array(&w);
}

/* --- OauthToken --- */

static void app_menu_id(struct site *site, const char *client_id, char id[19])
{
    struct app app;
    for (size_t i = 0; policies_app_at(site->policies, i, &app); i++)
        if (strcmp(app.client_id, client_id) == 0 && app.installed)
            number_id("0DS", i + 1, id);
}

/* AppMenuItemId is null for an app that is known but not installed: that is how
 * clients tell (salesforce-auth 1.13). */
static void refresh_row(void *ctx, const struct refresh *refresh)
{
    const struct listing *listing = ctx;
    struct jw *w = listing->w;
    struct app app;
    char id[19], menu[19] = "", word[67];
    bool known = policies_app(listing->site->policies, refresh->client_id, &app);
    number_id("0CQ", refresh->grant, id);
    app_menu_id(listing->site, refresh->client_id, menu);
    refresh_delete_word(refresh, word);
    jw_object(w);
    jw_kv_text(w, "Id", id);
    jw_kv_text(w, "AppName", known ? app.name : refresh->client_id);
    jw_kv_text(w, "AppMenuItemId", *menu ? menu : NULL);
    jw_kv_text(w, "UserId", refresh->user_id);
    jw_kv_int(w, "CreatedDate", refresh->created_ms / 1000 * 1000);
    jw_kv_int(w, "LastUsedDate", refresh->used_ms / 1000 * 1000);
    jw_kv_int(w, "UseCount", refresh->uses);
    jw_kv_text(w, "DeleteToken", word);
    jw_end_object(w);
}

static void refresh_rows(void *ctx, const char *user_id, struct buf *json)
{
    struct site *site = ctx;
    struct jw w;
    struct listing listing = {site, &w};
    jw_init(&w, json);
    jw_array(&w);
    grants_each_refresh(site->grants, refresh_row, &listing);
    jw_end_array(&w);
}

/* --- ConnectedApplication --- */

static const char *validity_metric(const struct app *app)
{
    return strcmp(app->refresh_policy, "zero") == 0         ? "Immediately expire"
           : strcmp(app->refresh_policy, "inactivity") == 0 ? "Inactivity"
           : strcmp(app->refresh_policy, "lifetime") == 0   ? "Lifetime"
                                                            : "Infinite";
}

static void app_row(struct jw *w, const struct app *app, size_t number)
{
    char id[19];
    number_id("0H4", number, id);
    jw_object(w);
    jw_kv_text(w, "Id", id);
    jw_kv_text(w, "Name", app->name);
    jw_kv_int(w, "CreatedDate", app->created_ms / 1000 * 1000);
    jw_kv_int(w, "LastModifiedDate", app->created_ms / 1000 * 1000);
    jw_kv_int(w, "SystemModstamp", app->created_ms / 1000 * 1000);
    jw_kv_bool(w, "OptionsAllowAdminApprovedUsersOnly", strcmp(app->permitted_users, "admin") == 0);
    jw_kv_bool(w, "OptionsHasSessionLevelPolicy", strcmp(app->high_assurance, "off") != 0);
    jw_kv_int(w, "RefreshTokenValidityPeriod", app->refresh_policy_s);
    jw_kv_text(w, "RefreshTokenValidityMetric", validity_metric(app));
    jw_end_object(w);
}

static void app_rows(void *ctx, const char *user_id, struct buf *json)
{
    struct site *site = ctx;
    struct app app;
    struct jw w;
    jw_init(&w, json);
    jw_array(&w);
    for (size_t i = 0; policies_app_at(site->policies, i, &app); i++)
        if (app.installed)
            app_row(&w, &app, i + 1);
    jw_end_array(&w);
}

void setup_rows_register(struct site *site)
{
    org_set_rows(site->org, "AuthSession", session_rows, site);
    org_set_rows(site->org, "OauthToken", refresh_rows, site);
    org_set_rows(site->org, "ConnectedApplication", app_rows, site);
}

/* --- deleting --- */

bool setup_rows_delete(struct call *call, const struct sobject *object, const char *id18)
{
    struct site *site = call->site;
    uint64_t number = id_number_of(id18);
    char owner[19] = "";
    bool session = strcmp(object->name, "AuthSession") == 0, gone = false;
    if (!org_has_rows(site->org, object))
        return false;
    if (!object->deletable) {
        answer_error(call, 400, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
                     "entity type cannot be deleted: %s", object->label);
        return true;
    }
    bool theirs = !org_permitted(site->org, call->session.user_id, PERMIT_MANAGE_USERS);
    if (session)
        gone =
            grants_end_session(site->grants, number, theirs ? call->session.user_id : NULL, owner);
    else
        gone = grants_end_grant(site->grants, number, theirs ? call->session.user_id : NULL, owner);
    if (gone)
        answer_empty(call, 204);
    else if (*owner)
        answer_error(call, 403, "INSUFFICIENT_ACCESS_OR_READONLY",
                     "insufficient access rights on object id");
    else
        answer_not_found(call);
    if (gone)
        site_save(site);
    return true;
}
