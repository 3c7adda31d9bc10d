/* control_org.c - changing the org itself: its schema, people, rules, policies
 * and files. Every refusal says what was expected. */
#include "localorg/org/access.h"
#include "localorg/rest/gate.h"
#include "localorg/rest/records.h"
#include "localorg/rest/resources.h"
#include "localorg/rest/scenario.h"

#include "base/str.h"
#include "localorg/search/search.h"
#include "localorg/seed/load.h"
#include "localorg/seed/seed.h"

#include <stdio.h>
#include <string.h>

/* The body, whatever its type. NULL after answering. */
static const struct json *org_body(struct call *call)
{
    struct err err = {{0}};
    const struct json *body = json_parse_buf(call->arena, &call->in->body, &err);
    if (!body) {
        err_wrap(&err, "the request body");
        answer_refusal(call, 400, &err);
    }
    return body;
}

static void refuse(struct call *call, const struct err *err)
{
    answer_refusal(call, err_is(err, ERR_NOT_FOUND) ? 404 : err_is(err, ERR_IO) ? 500 : 400, err);
}

static void answer_done(struct call *call, const char *key, int64_t count)
{
    struct jw w;
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_kv_bool(&w, "ok", true);
    jw_kv_int(&w, key, count);
    jw_end_object(&w);
}

/* --- reset and load --- */

void control_reset(struct call *call)
{
    struct err err = {{0}};
    const char *seed = NULL;
    int64_t scale = 0;
    if (call->in->body.len) {
        const struct json *body = org_body(call);
        if (!body)
            return;
        seed = json_get_text(body, "seed");
        scale = json_get_int(body, "scale", 0);
    }
    if (site_reset(call->site, seed, (int)scale, &err) != OK) {
        refuse(call, &err);
        return;
    }
    struct session session;
    struct jw w;
    bool ok = site_token(call->site, SEED_ADMIN_USERNAME, &session);
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_kv_bool(&w, "ok", true);
    jw_kv_text(&w, "organization_id", org_id18(call->site->org));
    jw_kv_text(&w, "access_token", ok ? session.token : NULL);
    jw_end_object(&w);
}

/* --- scenarios --- */

void control_scenario(struct call *call)
{
    struct err err = {{0}};
    const struct json *body = org_body(call);
    if (!body)
        return;
    if (scenario_apply(call->site, call->arena, body, true, &err) != OK)
        refuse(call, &err);
    else
        answer_done(call, "faults", faults_count(call->site->faults));
}

/* After a reset: the scenario the program was started with, once more. */
void control_replay(struct call *call)
{
    struct err err = {{0}};
    const char *path = call->site->options.scenario;
    if (path && scenario_file(call->site, path, true, &err) != OK)
        refuse(call, &err);
}

void control_sandbox_refresh(struct call *call)
{
    struct err err = {{0}};
    struct session session;
    struct jw w;
    if (org_renew(call->site->org, &err) != OK) {
        refuse(call, &err);
        return;
    }
    grants_clear(call->site->grants);
    site_save(call->site);
    bool ok = site_token(call->site, SEED_ADMIN_USERNAME, &session);
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_kv_bool(&w, "ok", true);
    jw_kv_text(&w, "organization_id", org_id18(call->site->org));
    jw_kv_text(&w, "access_token", ok ? session.token : NULL);
    jw_end_object(&w);
}

void control_load(struct call *call)
{
    struct err err = {{0}};
    struct jw w;
    struct load_report report = {0};
    const char *path = call_param(call, "path");
    if (text_blank(path)) {
        err_set(&err, ERR_INVALID, "load wants ?path= with a file or directory of this machine");
        refuse(call, &err);
        return;
    }
    search_index_forget(call->site->search);
    if (load_path(call->site->org, path, NULL, &report, &err) != OK) {
        refuse(call, &err);
    } else {
        answer_json(call, 200, &w);
        load_report_json(&w, &report);
    }
    load_report_free(&report);
}

/* --- schema --- */

void control_schema_get(struct call *call)
{
    struct jw w;
    const struct schema *schema = org_schema(call->site->org);
    answer_json(call, 200, &w);
    jw_array(&w);
    for (size_t i = 0; i < schema_count(schema); i++) {
        const struct sobject *object = schema_at(schema, i);
        jw_object(&w);
        jw_kv_text(&w, "name", object->name);
        jw_kv_text(&w, "keyPrefix", object->key_prefix);
        jw_kv_bool(&w, "custom", object->custom);
        jw_kv_int(&w, "fields", (int64_t)object->field_count);
        jw_end_object(&w);
    }
    jw_end_array(&w);
}

/* One entry of the body: a whole describe, or fields for an object there is. */
static enum status add_schema(struct org *org, const struct json *entry, struct err *err)
{
    const char *object = json_get_text(entry, "object");
    const struct json *fields = json_get(entry, "fields");
    if (!object && json_get_text(entry, "name"))
        return org_add_describe(org, entry, err);
    if (!object || !json_is(fields, JSON_ARRAY)) {
        err_set(err, ERR_INVALID, "schema wants describe JSON, or {\"object\", \"fields\": [..]}");
        err_hint(err, "a field is an entry of a describe's fields, such as {\"name\": \"Key__c\", "
                      "\"type\": \"string\", \"length\": 80, \"externalId\": true, \"unique\": "
                      "true}");
        return FAIL;
    }
    json_each(field, fields)
        if (org_add_field(org, object, field, err) != OK)
            return FAIL;
    return OK;
}

void control_schema(struct call *call)
{
    struct err err = {{0}};
    const struct json *body = org_body(call);
    const struct json *list = json_is(body, JSON_ARRAY) ? body : json_get(body, "objects");
    int64_t count = 0;
    enum status rc = OK;
    if (!body || !records_begin(call))
        return;
    if (json_is(list, JSON_ARRAY)) {
        json_each(entry, list) {
            if ((rc = add_schema(call->site->org, entry, &err)) != OK)
                break;
            count++;
        }
    } else {
        rc = add_schema(call->site->org, body, &err);
        count = 1;
    }
    if (!records_end(call, rc == OK))
        return;
    if (rc != OK)
        refuse(call, &err);
    else
        answer_done(call, "objects", count);
}

/* --- people --- */

void control_users_get(struct call *call)
{
    struct jw w;
    sqlite3_stmt *row = NULL;
    sqlite3 *db = org_reader_take(call->site->org);
    answer_json(call, 200, &w);
    jw_array(&w);
    if (sqlite3_prepare_v2(db, "SELECT \"Id\" FROM \"User\" ORDER BY \"Id\"", -1, &row, NULL) ==
        SQLITE_OK) {
        while (sqlite3_step(row) == SQLITE_ROW) {
            struct org_user user;
            if (!org_user_by_id(call->site->org, (const char *)sqlite3_column_text(row, 0), &user))
                continue;
            struct person person;
            gate_person(call->site, &user, &person);
            jw_object(&w);
            jw_kv_text(&w, "id", user.id);
            jw_kv_text(&w, "username", user.username);
            jw_kv_text(&w, "name", user.name);
            jw_kv_text(&w, "email", user.email);
            jw_kv_bool(&w, "active", user.active);
            jw_kv_bool(&w, "system_administrator", user.system_administrator);
            jw_key(&w, "policy");
            jw_object(&w);
            settings_write(user_settings, user_setting_count, &person.policy, &w);
            jw_end_object(&w);
            jw_end_object(&w);
        }
    }
    jw_end_array(&w);
    sqlite3_finalize(row);
    org_reader_give(call->site->org, db);
}

static enum status profile_id(struct call *call, const char *name, char id[19], struct err *err)
{
    char ids[1][19];
    const struct sobject *profile = schema_find(org_schema(call->site->org), "Profile");
    const struct field *field = profile ? sobject_field(profile, "Name") : NULL;
    if (!field || records_find(call, profile, field, name, ids, 1) == 0) {
        err_set(err, ERR_NOT_FOUND, "no profile \"%s\"", name);
        err_hint(err, "such as \"Standard User\" or \"System Administrator\"");
        return FAIL;
    }
    memcpy(id, ids[0], 19);
    return OK;
}

/* The User record for the body, as the API would write it. */
static const struct json *user_record(struct call *call, const struct json *body,
                                      const char *username, bool fresh, struct err *err)
{
    struct buf out = BUF_INIT;
    struct jw w;
    char profile[19];
    const char *name = json_get_text(body, "name"), *email = json_get_text(body, "email");
    const char *profile_name = json_get_text(body, "profile");
    const struct json *record = NULL;
    if (!profile_name && fresh)
        profile_name = "Standard User";
    if (profile_name && profile_id(call, profile_name, profile, err) != OK)
        return NULL;
    if (!name && fresh)
        name = username;
    const char *space = name ? strrchr(name, ' ') : NULL;
    jw_init(&w, &out);
    jw_object(&w);
    if (name)
        jw_kv_text(&w, "LastName", space ? space + 1 : name);
    if (space)
        jw_kv_text(&w, "FirstName", arena_strndup(call->arena, name, (size_t)(space - name)));
    if (email || fresh)
        jw_kv_text(&w, "Email", email ? email : username);
    if (profile_name)
        jw_kv_text(&w, "ProfileId", profile);
    if (json_get(body, "active") || fresh)
        jw_kv_bool(&w, "IsActive", json_get_bool(body, "active", true));
    if (fresh) {
        jw_kv_text(&w, "Username", username);
        jw_kv_text(
            &w, "Alias",
            arena_strndup(call->arena, username, strlen(username) < 8 ? strlen(username) : 8));
        jw_kv_text(
            &w, "CommunityNickname",
            arena_strndup(call->arena, username, strlen(username) < 40 ? strlen(username) : 40));
        jw_kv_text(&w, "TimeZoneSidKey", "America/Los_Angeles");
        jw_kv_text(&w, "LocaleSidKey", "en_US");
        jw_kv_text(&w, "EmailEncodingKey", "UTF-8");
        jw_kv_text(&w, "LanguageLocaleKey", "en_US");
    }
    jw_end_object(&w);
    record = json_parse(call->arena, out.data, out.len, err);
    buf_free(&out);
    return record;
}

static enum status write_user(struct call *call, const struct json *body, const char *username,
                              struct err *err)
{
    struct org_user user;
    bool fresh = !org_user_by_name(call->site->org, username, &user);
    const struct json *record = user_record(call, body, username, fresh, err);
    struct dml_options options = {.system = true, .all_or_none = true, .api_version = 66};
    struct dml_row row = {.object = schema_find(org_schema(call->site->org), "User"),
                          .body = record,
                          .id = fresh ? NULL : user.id};
    struct dml_result result = {0};
    if (!record)
        return FAIL;
    if (!record->first)
        return OK;
    if (org_dml(call->site->org, fresh ? DML_INSERT : DML_UPDATE, &options, &row, 1, &result,
                call->arena, err) != OK)
        return FAIL;
    if (!result.success)
        return err_set(err, ERR_INVALID, "the user was refused: %s: %s", result.errors->status_code,
                       result.errors->message);
    return OK;
}

static int access_bits(const struct json *words)
{
    int bits = 0;
    if (!words)
        return ORG_READ | ORG_CREATE | ORG_UPDATE | ORG_DELETE;
    json_each(word, words) {
        const char *text = json_text(word) ? json_text(word) : "";
        bits |= strcmp(text, "read") == 0     ? ORG_READ
                : strcmp(text, "create") == 0 ? ORG_CREATE
                : strcmp(text, "update") == 0 ? ORG_UPDATE
                : strcmp(text, "delete") == 0 ? ORG_DELETE
                                              : 0;
    }
    return bits;
}

static enum status deny_all(struct call *call, const struct json *list, const char *user_id,
                            bool give_back, struct err *err)
{
    json_each(entry, list) {
        const char *object = json_get_text(entry, "object");
        if (!object)
            return err_set(err, ERR_INVALID,
                           "deny and allow hold {\"object\", \"field\", \"access\": [\"read\", "
                           "\"create\", \"update\", \"delete\"]}");
        if (org_deny(call->site->org, user_id, object, json_get_text(entry, "field"),
                     give_back ? 0 : access_bits(json_get(entry, "access")), err) != OK)
            return FAIL;
    }
    return OK;
}

static enum status put_user(struct call *call, const struct json *body, struct err *err)
{
    struct org_user user;
    const char *username = json_get_text(body, "username");
    const char *password = json_get_text(body, "password");
    if (text_blank(username)) {
        err_set(err, ERR_INVALID, "a user needs a \"username\"");
        err_hint(err, "{\"username\", \"name\", \"email\", \"password\", \"profile\", \"active\", "
                      "\"deny\": [..], \"allow\": [..], \"policy\": {..}}");
        return FAIL;
    }
    if (write_user(call, body, username, err) != OK ||
        !org_user_by_name(call->site->org, username, &user))
        return FAIL;
    if (password && org_user_set_password(call->site->org, username, password, err) != OK)
        return FAIL;
    if (deny_all(call, json_get(body, "deny"), user.id, false, err) != OK ||
        deny_all(call, json_get(body, "allow"), user.id, true, err) != OK)
        return FAIL;
    if (json_get(body, "policy") &&
        policies_set_user(call->site->policies, username, json_get(body, "policy"), err) != OK)
        return FAIL;
    if (!user.active)
        grants_revoke(call->site->grants, username, NULL);
    return OK;
}

void control_users(struct call *call)
{
    struct err err = {{0}};
    const struct json *body = org_body(call);
    const struct json *list = json_is(body, JSON_ARRAY) ? body : json_get(body, "users");
    int64_t count = 0;
    enum status rc = OK;
    if (!body)
        return;
    if (json_is(list, JSON_ARRAY)) {
        json_each(user, list) {
            if ((rc = put_user(call, user, &err)) != OK)
                break;
            count++;
        }
    } else {
        rc = put_user(call, body, &err);
        count = 1;
    }
    if (rc != OK)
        refuse(call, &err);
    else
        answer_done(call, "users", count);
}

/* --- rules --- */

void control_rules(struct call *call)
{
    struct err err = {{0}};
    const struct json *body = org_body(call);
    const struct json *list = json_is(body, JSON_ARRAY) ? body : json_get(body, "rules");
    int64_t count = 0;
    enum status rc = OK;
    if (!body)
        return;
    if (json_is(list, JSON_ARRAY)) {
        json_each(rule, list) {
            if ((rc = org_put_rule(call->site->org, rule, &err)) != OK)
                break;
            count++;
        }
    } else {
        rc = org_put_rule(call->site->org, body, &err);
        count = 1;
    }
    if (rc != OK)
        refuse(call, &err);
    else
        answer_done(call, "rules", count);
}

/* --- sharing --- */

void control_sharing_get(struct call *call)
{
    struct jw w;
    answer_json(call, 200, &w);
    org_sharing_json(call->site->org, &w);
}

void control_sharing(struct call *call)
{
    struct err err = {{0}};
    const struct json *body = org_body(call);
    const struct json *list = json_is(body, JSON_ARRAY) ? body : json_get(body, "sharing");
    enum status rc = OK;
    if (!body || !records_begin(call))
        return;
    if (json_is(list, JSON_ARRAY)) {
        json_each(one, list)
            if (rc == OK)
                rc = org_sharing_put(call->site->org, one, &err);
    } else {
        rc = org_sharing_put(call->site->org, body, &err);
    }
    if (!records_end(call, rc == OK))
        return;
    if (rc != OK)
        refuse(call, &err);
    else
        control_sharing_get(call);
}

/* --- policies --- */

void control_policies_get(struct call *call)
{
    struct jw w;
    answer_json(call, 200, &w);
    policies_write(call->site->policies, &w);
}

static enum status put_user_policy(struct call *call, const struct json *body, struct err *err)
{
    struct org_user user;
    const char *username = json_get_text(body, "username");
    if (!username || !org_user_by_name(call->site->org, username, &user))
        return err_set(err, ERR_NOT_FOUND, "no user \"%s\"", username ? username : "");
    if (policies_set_user(call->site->policies, username, body, err) != OK)
        return FAIL;
    struct user_policy policy = {0};
    policies_user(call->site->policies, username, &policy);
    if (policy.frozen)
        grants_revoke(call->site->grants, username, NULL);
    return OK;
}

static enum status put_profile_policy(struct call *call, const struct json *body, struct err *err)
{
    char id[19];
    const char *name = json_get_text(body, "profile");
    if (!name || profile_id(call, name, id, err) != OK) {
        if (!name)
            err_set(err, ERR_INVALID, "a profile's policy names its \"profile\"");
        return FAIL;
    }
    return policies_set_profile(call->site->policies, name, body, err);
}

static enum status put_org_policy(struct site *site, const struct json *body, struct err *err)
{
    struct org_policy org;
    if (policies_set_org(site->policies, body, err) != OK)
        return FAIL;
    policies_org(site->policies, &org);
    return json_get(body, "sandbox") ? org_set_sandbox(site->org, org.sandbox, err) : OK;
}

/* {"org":{}, "app":{}, "profile":{}, "user":{}} and their lists, in any mix. */
static enum status put_policies(struct call *call, const struct json *body, struct err *err)
{
    struct site *site = call->site;
    json_each(member, body) {
        if (strcmp(member->key, "org") == 0) {
            if (put_org_policy(site, member, err) != OK)
                return FAIL;
        } else if (strcmp(member->key, "app") == 0) {
            if (policies_set_app(site->policies, member, call_now(call), NULL, err) != OK)
                return FAIL;
        } else if (strcmp(member->key, "profile") == 0) {
            if (put_profile_policy(call, member, err) != OK)
                return FAIL;
        } else if (strcmp(member->key, "profiles") == 0) {
            json_each(profile, member)
                if (put_profile_policy(call, profile, err) != OK)
                    return FAIL;
        } else if (strcmp(member->key, "user") == 0) {
            if (put_user_policy(call, member, err) != OK)
                return FAIL;
        } else if (strcmp(member->key, "apps") == 0) {
            json_each(app, member)
                if (policies_set_app(site->policies, app, call_now(call), NULL, err) != OK)
                    return FAIL;
        } else if (strcmp(member->key, "users") == 0) {
            json_each(user, member)
                if (put_user_policy(call, user, err) != OK)
                    return FAIL;
        } else {
            err_set(err, ERR_INVALID, "policies know no \"%s\"", member->key);
            err_hint(err, "org, app, apps, profile, profiles, user, users");
            return FAIL;
        }
    }
    return OK;
}

void control_policies_delete(struct call *call)
{
    policies_reset(call->site->policies);
    site_save(call->site);
    control_policies_get(call);
}

void control_policies(struct call *call)
{
    struct err err = {{0}};
    const struct json *body = org_body(call);
    if (!body)
        return;
    if (!json_is(body, JSON_OBJECT))
        err_set(&err, ERR_INVALID, "policies want a JSON object");
    else if (put_policies(call, body, &err) == OK) {
        site_save(call->site);
        control_policies_get(call);
        return;
    }
    refuse(call, &err);
}
