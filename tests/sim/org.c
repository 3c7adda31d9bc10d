/* org.c - see sim.h. One localorg without a server, made once for each mode and
 * copied for each seed; and the people who work in it. */
#include "sim/sim.h"

#include "base/str.h"
#include "base/uri.h"
#include "http/server.h"
#include "localorg/rest/routes.h"
#include "localorg/rest/site.h"
#include "localorg/seed/seed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
        answer.json = json_parse(sim->arena, arena_strndup(sim->arena, text.data, text.len),
                                 text.len, NULL);
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
    if (json_get_text(answer.json, "nextRecordsUrl"))
        sim_fail(sim, "the oracle's query does not fit a page: %s", soql);
    return json_get(answer.json, "records");
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

static const char *template_path(struct sim *sim)
{
    return arena_printf(sim->arena, "/dev/shm/argil-sim-org-%ld-%d.db", (long)getpid(),
                        (int)sim->mode);
}

/* One RSA key for all orgs: making one takes longer than most stories. */
static struct signer *shared_signer;

static void lend_signer(struct site *site)
{
    if (!shared_signer)
        shared_signer = signer_new();
    signer_free(site->signer);
    site->signer = shared_signer;
}

static void stop(struct sim *sim)
{
    if (sim->site)
        sim->site->signer = signer_new();
    site_stop(sim->site);
    sim->site = NULL;
}

static struct site *start(struct sim *sim, const char *path, uint64_t seed)
{
    struct err err = {0};
    struct site_options options = {.host = HOST,
                                   .port = PORT,
                                   .seed = "empty",
                                   .scale = 1,
                                   .rng_seed = seed,
                                   .data = path,
                                   .world = &sim->org_world,
                                   .no_server = true};
    struct site *site = site_start(&options, &err);
    if (site)
        lend_signer(site);
    else
        sim_fail(sim, "localorg does not start: %s", err.message);
    return site;
}

/* The schema of this mode, in a file that every seed copies. */
static bool make_template(struct sim *sim)
{
    const char *path = template_path(sim);
    if (access(path, F_OK) == 0)
        return true;
    sim->site = start(sim, path, 1);
    if (!sim->site)
        return false;
    refresh_token(sim);
    bool good = add_field(sim, "Contact", "Sim_Ref__c", 40, false) &&
                (sim->mode != SIM_SEALED || add_field(sim, "Lead", "Argil_Key__c", 36, true)) &&
                (sim->mode != SIM_KEYED || add_field(sim, "Lead", "Sim_Key__c", 60, false));
    if (!good)
        sim_fail(sim, "the org's fields could not be made");
    stop(sim);
    return good;
}

static bool copy_file(const char *from, const char *to)
{
    char block[65536];
    size_t n;
    FILE *in = fopen(from, "rb"), *out = fopen(to, "wb");
    while (in && out && (n = fread(block, 1, sizeof block, in)) > 0)
        fwrite(block, 1, n, out);
    bool good = in && out;
    if (in)
        fclose(in);
    if (out && fclose(out) != 0)
        good = false;
    return good;
}

bool org_begin(struct sim *sim)
{
    const char *path = arena_printf(sim->arena, "%s-org.db", sim->home);
    sim->url = "http://" HOST ":8460";
    if (!make_template(sim) || !copy_file(template_path(sim), path))
        return false;
    sim->site = start(sim, path, sim->seed ^ 0x5eed);
    if (!sim->site)
        return false;
    refresh_token(sim);
    for (int i = 0; i < 6; i++)
        org_new_account(sim);
    return true;
}

void org_end(struct sim *sim)
{
    static const char *const tails[] = {"", "-wal", "-shm"};
    stop(sim);
    for (size_t i = 0; i < 3; i++)
        unlink(arena_printf(sim->arena, "%s-org.db%s", sim->home, tails[i]));
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

void org_human(struct sim *sim)
{
    static const char accounts[] = "SELECT Id FROM Account ORDER BY Id";
    static const char leads[] = "SELECT Id FROM Lead ORDER BY Id";
    refresh_token(sim);
    const char *id;
    switch (sim_below(sim, 7)) {
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
        patch(sim, "Account", some(sim, accounts),
              arena_printf(sim->arena, "{\"Phone\":\"555-%lld\"}", (long long)sim_below(sim, 9999)));
        break;
    case 4:
        if ((id = some(sim, accounts))) {
            sim_say(sim, "people: account %s is deleted", id);
            org_ask(sim, "DELETE", arena_printf(sim->arena, V "/sobjects/Account/%s", id), NULL);
        }
        break;
    case 5:
        sim_say(sim, "people: a lead is worked on");
        patch(sim, "Lead", some(sim, leads), "{\"Status\":\"Working - Contacted\"}");
        break;
    default:
        sim_say(sim, "people: the description of an account is written over");
        patch(sim, "Account", some(sim, accounts), "{\"Description\":\"by hand\"}");
    }
}
