/* org.c - see sim.h. A localorg without a server for each mode, made once a process and
 * used up by one seed in a child of it; and the people who work in it. */
#include "sim/sim.h"

#include "base/str.h"
#include "base/uri.h"
#include "http/server.h"
#include "localorg/org/dml.h"
#include "localorg/rest/bulk.h"
#include "localorg/rest/routes.h"
#include "localorg/rest/sign.h"
#include "localorg/rest/site.h"
#include "localorg/seed/seed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define V    "/services/data/v66.0"
#define HOST "127.0.0.1"
#define PORT 8460

/* ------------------------------------------------------------- exchanges */

void org_deliver(struct sim *sim, struct arena *arena, const char *method, const char *path,
                 const char *query, const struct http_header *headers, const char *body,
                 size_t body_len, int *status, struct http_header **out_headers, struct buf *out)
{
    struct http_header host = {"Host", HOST ":8460", (struct http_header *)(void *)headers};
    struct http_in in = {.method = method,
                         .path = path,
                         .query = query,
                         .headers = &host,
                         .peer = HOST,
                         .arena = arena};
    struct http_out answer = {0};
    buf_append(&in.body, body ? body : "", body_len);
    routes_handle(sim->site, &in, &answer);
    buf_free(&in.body);
    *status = answer.status;
    *out_headers = answer.headers;
    if (answer.lent)
        buf_append(out, answer.lent, answer.lent_len);
    else
        buf_append(out, buf_text(&answer.body), answer.body.len);
    buf_free(&answer.body);
}

struct org_answer org_ask(struct sim *sim, const char *method, const char *path, const char *body)
{
    struct http_header type = {"Content-Type", "application/json", NULL};
    struct http_header auth = {"Authorization",
                               arena_printf(sim->arena, "Bearer %s", sim->token ? sim->token : ""),
                               body ? &type : NULL};
    struct org_answer answer = {0};
    struct http_header *headers = NULL;
    struct buf text = BUF_INIT;
    const char *mark = strchr(path, '?');
    org_deliver(sim, sim->arena, method,
                mark ? arena_strndup(sim->arena, path, (size_t)(mark - path)) : path,
                mark ? mark + 1 : NULL, &auth, body, body ? strlen(body) : 0, &answer.status,
                &headers, &text);
    if (text.len)
        answer.json =
            json_parse(sim->arena, arena_strndup(sim->arena, text.data, text.len), text.len, NULL);
    if (answer.status >= 400)
        sim_say(sim, "  org: %s %s: %d %.200s", method, path, answer.status, buf_text(&text));
    buf_free(&text);
    return answer;
}

static void refresh_token(struct sim *sim)
{
    struct session session;
    if (!site_token(sim->site, SEED_ADMIN_USERNAME, &session))
        abort();
    sim->token = arena_strdup(sim->arena, session.token);
}

/* Hangs the children of `more` behind those of `all`: both live on one arena. */
static void join(struct json *all, const struct json *more)
{
    struct json *last = all->first;
    while (last && last->next)
        last = last->next;
    if (last && more) {
        last->next = more->first;
        all->len += more->len;
    }
}

const struct json *org_query(struct sim *sim, bool all, const char *soql)
{
    refresh_token(sim); /* people's sessions end, too */
    struct org_answer answer =
        org_ask(sim, "GET",
                arena_printf(sim->arena, V "/%s?q=%s", all ? "queryAll" : "query",
                             uri_encoded(sim->arena, soql)),
                NULL);
    if (answer.status != 200) {
        sim_fail(sim, "the oracle's own query failed: %s", soql);
        return NULL;
    }
    struct json *records = (struct json *)(void *)json_get(answer.json, "records");
    const char *next;
    while ((next = json_get_text(answer.json, "nextRecordsUrl"))) {
        answer = org_ask(sim, "GET", next, NULL);
        join(records, json_get(answer.json, "records"));
    }
    return records;
}

/* ------------------------------------------------------------- beginning */

static const char field_form[] =
    "{\"object\":\"%s\",\"fields\":[{\"name\":\"%s\",\"label\":\"%s\",\"type\":\"string\","
    "\"length\":%d,\"externalId\":true,\"unique\":%s,\"caseSensitive\":%s,\"idLookup\":true}]}";

static bool add_field(struct sim *sim, const char *object, const char *name, int length,
                      bool case_sensitive)
{
    struct org_answer answer =
        org_ask(sim, "POST", "/localorg/schema",
                arena_printf(sim->arena, field_form, object, name, name, length, "true",
                             case_sensitive ? "true" : "false"));
    return answer.status == 200;
}

/* Nobody in these stories uses them, and an org starts faster without. */
static const char *const without[] = {"AccountContactRelation",
                                      "AccountContactRole",
                                      "Asset",
                                      "Attachment",
                                      "CampaignMember",
                                      "CampaignMemberStatus",
                                      "CaseComment",
                                      "ContentDocument",
                                      "ContentDocumentLink",
                                      "ContentVersion",
                                      "Contract",
                                      "Dashboard",
                                      "Document",
                                      "Event",
                                      "Individual",
                                      "Note",
                                      "OpportunityContactRole",
                                      "OpportunityHistory",
                                      "OpportunityLineItem",
                                      "Order",
                                      "OrderItem",
                                      "PricebookEntry",
                                      "Product2",
                                      "PushTopic",
                                      "RecentlyViewed",
                                      "Report",
                                      "Solution",
                                      "StreamingChannel",
                                      "Topic",
                                      "TopicAssignment",
                                      NULL};

static struct site *ready[SIM_MODES];

/* One RSA key for all orgs, made before there are children: making one takes longer than
 * most stories. */
static bool share_signer(struct sim *sim)
{
    struct err err = {0};
    struct site *site = sim->site, *first = ready[0];
    if (site != first) {
        signer_free(site->signer);
        site->signer = first->signer;
    }
    return signer_jwt(site->signer, sim->arena, "{}", &err) != NULL;
}

static struct site *start(struct sim *sim, const char *path)
{
    struct err err = {0};
    struct site_options options = {.host = HOST,
                                   .port = PORT,
                                   .seed = "empty",
                                   .scale = 1,
                                   .without = without,
                                   .data = path,
                                   .world = &sim->org_world,
                                   .no_server = true};
    struct site *site = site_start(&options, &err);
    if (!site)
        sim_fail(sim, "localorg does not start: %s", err.message);
    return site;
}

/* The schema of a mode. */
static bool add_fields(struct sim *sim, enum sim_mode mode)
{
    bool good = add_field(sim, "Contact", "Sim_Ref__c", 40, false) &&
                (mode != SIM_SEALED || add_field(sim, "Lead", "Argil_Key__c", 36, true)) &&
                (mode != SIM_KEYED || add_field(sim, "Lead", "Sim_Key__c", 60, false));
    if (!good)
        sim_fail(sim, "the org's fields could not be made");
    return good;
}

/* Every query whose pages are not read to the end holds one. */
#define READERS 6

static bool open_readers(struct org *org)
{
    sqlite3 *readers[READERS];
    bool good = true;
    for (int i = 0; i < READERS; i++) {
        readers[i] = org_reader_take(org);
        good = good && readers[i] &&
               sqlite3_exec(readers[i], "SELECT 1 FROM sqlite_master", NULL, NULL, NULL) == SQLITE_OK;
    }
    for (int i = 0; i < READERS; i++)
        org_reader_give(org, readers[i]);
    return good;
}

/* What first exchanges make: readers of the database, what the user may see. */
static bool warm_up(struct sim *sim)
{
    if (!open_readers(sim->site->org))
        return false;
    static const char *const objects[] = {"Account", "Lead", "Contact"};
    for (size_t i = 0; i < 3; i++) {
        const char *describe = arena_printf(sim->arena, V "/sobjects/%s/describe", objects[i]);
        if (!org_query(sim, false, arena_printf(sim->arena, "SELECT Id FROM %s", objects[i])) ||
            org_ask(sim, "GET", describe, NULL).status != 200)
            return false;
    }
    return true;
}

bool org_prepare(struct sim *sim)
{
    static const char *const paths[SIM_MODES] = {"/sim/org-0.db", "/sim/org-1.db",
                                                 "/sim/org-2.db"};
    for (int mode = 0; mode < SIM_MODES; mode++) {
        sim->site = ready[mode] = start(sim, paths[mode]);
        if (!sim->site)
            return false;
        refresh_token(sim);
        if (!share_signer(sim) || !add_fields(sim, (enum sim_mode)mode) || !warm_up(sim))
            return false;
    }
    return true;
}

void org_put_away(void)
{
    for (int mode = SIM_MODES - 1; mode >= 0; mode--) {
        if (mode > 0)
            ready[mode]->signer = NULL;
        site_stop(ready[mode]);
    }
}

/* How strict and how slow this org is: small pages, rules, rotation. */
static void set_up(struct sim *sim)
{
    static const int pages[] = {2, 3, 7, 2000};
    sim->duplicate_rules = sim_chance(sim, 400);
    sim->rotates = sim_chance(sim, 500);
    org_ask(sim, "POST", "/localorg/limits",
            arena_printf(sim->arena, "{\"page_size\":%d,\"daily_max\":1000000}",
                         pages[sim_below(sim, 4)]));
    if (!sim->duplicate_rules)
        org_ask(sim, "POST", "/localorg/rules",
                "{\"name\":\"Standard_Lead_Duplicate_Rule\",\"object\":\"Lead\","
                "\"fields\":[\"Email\"],\"active\":false}");
    org_ask(sim, "POST", "/localorg/policies",
            arena_printf(sim->arena,
                         "{\"app\":{\"client_id\":\"%s\",\"rotation\":%s},"
                         "\"org\":{\"bulk_polls\":%lld,\"bulk_fail_after\":%lld}}",
                         DEMO_CLIENT_ID, sim->rotates ? "true" : "false",
                         (long long)(sim->bulk ? sim_below(sim, 4) : 0),
                         (long long)(sim->bulk && sim_chance(sim, 150) ? 2 : 0)));
}

const char *org_refresh_token(struct sim *sim)
{
    struct org_user user;
    struct app app;
    struct refresh refresh = {.created_ms = sim->now_ms, .used_ms = sim->now_ms};
    if (!org_user_by_name(sim->site->org, SEED_ADMIN_USERNAME, &user))
        abort();
    policies_app(sim->site->policies, DEMO_CLIENT_ID, &app);
    memcpy(refresh.user_id, user.id, sizeof refresh.user_id);
    memcpy(refresh.username, user.username, sizeof refresh.username);
    snprintf(refresh.client_id, sizeof refresh.client_id, "%s", app.client_id);
    snprintf(refresh.scopes, sizeof refresh.scopes, "%s", app.scopes);
    grants_open_refresh(sim->site->grants, &refresh, 5);
    return arena_strdup(sim->arena, refresh.token);
}

void org_locks(struct sim *sim, int per_mille)
{
    org_ask(sim, "DELETE", "/localorg/faults", NULL);
    if (per_mille)
        org_ask(sim, "POST", "/localorg/faults",
                arena_printf(sim->arena,
                             "{\"effect\":\"lock_rows\",\"path\":\"/composite\","
                             "\"probability\":0.%03d}",
                             per_mille));
}

bool org_begin(struct sim *sim)
{
    sim->url = "http://" HOST ":8460";
    sim->site = ready[sim->mode];
    org_seed(sim->site->org, sim->seed ^ 0x5eed);
    refresh_token(sim);
    set_up(sim);
    for (int i = 0; i < 6; i++)
        org_new_account(sim);
    return !sim->failure[0];
}

void org_end(struct sim *sim)
{
    if (sim->site)
        bulk_clear(sim->site->bulk); /* their files are the parent's to keep */
}

/* ---------------------------------------------------------------- people */

void org_new_account(struct sim *sim)
{
    int number = ++sim->accounts;
    org_ask(sim, "POST", V "/sobjects/Account",
            arena_printf(sim->arena,
                         "{\"Name\":\"sim%d\",\"Website\":\"w%d.example\",\"Site\":\"v0\"}", number,
                         number));
}

/* The id of a record drawn from the dice, or NULL. */
static const char *some(struct sim *sim, const char *soql)
{
    const struct json *records = org_query(sim, false, soql);
    size_t count = (records ? records->len : 0);
    if (!count)
        return NULL;
    return json_get_text(json_at(records, (size_t)sim_below(sim, (int64_t)count)), "Id");
}

static void patch(struct sim *sim, const char *object, const char *id, const char *body)
{
    if (id)
        org_ask(sim, "PATCH", arena_printf(sim->arena, V "/sobjects/%s/%s", object, id), body);
}

/* Somebody enters the lead that a row is about to make (matrix row 59); people may do
 * so twice, so each has a name of its own. */
static void org_rival(struct sim *sim)
{
    int number = 1 + (int)sim_below(sim, sim->accounts);
    sim_say(sim, "people: a lead like that of sim%d is entered by hand", number);
    org_ask(sim, "POST", V "/sobjects/Lead",
            arena_printf(sim->arena,
                         "{\"LastName\":\"rival %d sim%d\",\"Company\":\"sim%d\","
                         "\"Email\":\"sim%d@x.example\"%s}",
                         ++sim->rivals, number, number, number,
                         sim->mode == SIM_KEYED
                             ? arena_printf(sim->arena, ",\"Sim_Key__c\":\"sim%d\"", number)
                             : ""));
}

/* A deleted account comes back out of the recycle bin. */
static void org_revive(struct sim *sim)
{
    const struct json *gone =
        org_query(sim, true, "SELECT Id FROM Account WHERE IsDeleted = true ORDER BY Id");
    const char *id = json_get_text(json_at(gone, 0), "Id");
    if (!id)
        return;
    sim_say(sim, "people: account %s is undeleted", id);
    struct err err = {0};
    struct dml_row row = {.object = schema_find(org_schema(sim->site->org), "Account"), .id = id};
    struct dml_result result = {0};
    struct dml_options options = {0};
    if (org_dml(sim->site->org, DML_UNDELETE, &options, &row, 1, &result, sim->arena, &err) != OK)
        sim_fail(sim, "undelete: %s", err.message);
}

void org_human(struct sim *sim)
{
    static const char accounts[] = "SELECT Id FROM Account ORDER BY Id";
    static const char leads[] = "SELECT Id FROM Lead ORDER BY Id";
    refresh_token(sim);
    const char *id;
    switch (sim_below(sim, 10)) {
    case 0:
    case 1:
        sim_say(sim, "people: a new account");
        org_new_account(sim);
        break;
    case 2:
        sim_say(sim, "people: an account is moved");
        patch(sim, "Account", some(sim, accounts),
              arena_printf(sim->arena, "{\"Site\":\"v%lld\"}", (long long)sim_below(sim, 1000)));
        break;
    case 3:
        sim_say(sim, "people: an account gets a phone number");
        patch(
            sim, "Account", some(sim, accounts),
            arena_printf(sim->arena, "{\"Phone\":\"555-%lld\"}", (long long)sim_below(sim, 9999)));
        break;
    case 4:
        if ((id = some(sim, accounts))) {
            sim_say(sim, "people: account %s is deleted", id);
            org_ask(sim, "DELETE", arena_printf(sim->arena, V "/sobjects/Account/%s", id), NULL);
        }
        break;
    case 5:
        org_rival(sim);
        break;
    case 6:
        org_revive(sim);
        break;
    case 7:
        sim_say(sim, "people: every session is ended");
        org_ask(sim, "POST", "/localorg/expire", "{}");
        break;
    case 8:
        sim_say(sim, "people: a lead is worked on");
        patch(sim, "Lead", some(sim, leads), "{\"Status\":\"Working - Contacted\"}");
        break;
    default:
        sim_say(sim, "people: the description of an account is written over");
        patch(sim, "Account", some(sim, accounts), "{\"Description\":\"by hand\"}");
    }
}
