/* site.c - opening, seeding, resetting and closing one localorg.
 *
 * Call order of a start: org_open, org_set_soql, org_add_standard, seed_org
 * (only into an org without people), what an earlier run kept, the server. */
#include "localorg/rest/site.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/server.h"
#include "localorg/metadata/setup.h"
#include "localorg/org/views.h"
#include "localorg/rest/bulk.h"
#include "localorg/rest/late.h"
#include "localorg/rest/report_runs.h"
#include "localorg/rest/deploys.h"
#include "localorg/rest/routes.h"
#include "localorg/rest/scenario.h"
#include "localorg/rest/setup_rows.h"
#include "localorg/rest/topics.h"
#include "localorg/rest/turnstile.h"
#include "localorg/search/search.h"
#include "localorg/seed/seed.h"
#include "localorg/soql/soql.h"
#include "localorg/streaming/hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEVELOPER_CALLS   15000
#define ENTERPRISE_CALLS  300000 /* 100,000 and 200 licences of 1,000 */
#define THREADS           16
#define THREADS_WHEN_SLOW 96 /* a waiting request holds a thread */

/* Made-up companies live in an Enterprise Edition org, others in a Developer Edition. */
static bool big_org(const char *seed)
{
    return strcmp(seed, "demo") == 0 || strcmp(seed, "accounts") == 0;
}

static int64_t daily_calls(const char *seed)
{
    return big_org(seed) ? ENTERPRISE_CALLS : DEVELOPER_CALLS;
}

static bool known_seed(const char *seed, struct err *err)
{
    if (seed_name(seed))
        return true;
    err_set(err, ERR_INVALID, "there is no seed \"%s\"", seed);
    err_hint(err, SEED_NAMES);
    return false;
}

/* --- what is kept beside the records in a --data file --- */

static const char state_table[] =
    "CREATE TABLE IF NOT EXISTS localorg_rest (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID";

static enum status state_put(sqlite3 *db, const char *key, const struct buf *value)
{
    sqlite3_stmt *put = NULL;
    enum status rc = FAIL;
    if (sqlite3_prepare_v2(db, "INSERT OR REPLACE INTO localorg_rest VALUES (?1, ?2)", -1, &put,
                           NULL) == SQLITE_OK) {
        sqlite3_bind_text(put, 1, key, -1, SQLITE_STATIC);
        sqlite3_bind_text(put, 2, value->data, (int)value->len, SQLITE_STATIC);
        rc = sqlite3_step(put) == SQLITE_DONE ? OK : FAIL;
    }
    sqlite3_finalize(put);
    return rc;
}

void site_save(struct site *site)
{
    struct buf grants = BUF_INIT, policies = BUF_INIT;
    struct jw w;
    struct err err = {{0}};
    if (!site->options.data)
        return;
    jw_init(&w, &grants);
    grants_save(site->grants, &w);
    jw_init(&w, &policies);
    policies_write(site->policies, &w);
    sqlite3 *db = org_write_begin(site->org);
    if (db) {
        bool ok = sqlite3_exec(db, state_table, NULL, NULL, NULL) == SQLITE_OK &&
                  state_put(db, "grants", &grants) == OK &&
                  state_put(db, "policies", &policies) == OK;
        if (org_write_end(site->org, ok, &err) != OK || !ok)
            log_warn("refresh tokens and policies could not be kept: %s", err.message);
    }
    buf_free(&grants);
    buf_free(&policies);
}

static const struct json *state_get(struct site *site, struct arena *arena, const char *key)
{
    sqlite3_stmt *row = NULL;
    const struct json *value = NULL;
    sqlite3 *db = org_reader_take(site->org);
    if (sqlite3_prepare_v2(db, "SELECT value FROM localorg_rest WHERE key=?1", -1, &row, NULL) ==
        SQLITE_OK) {
        sqlite3_bind_text(row, 1, key, -1, SQLITE_STATIC);
        if (sqlite3_step(row) == SQLITE_ROW)
            value = json_parse(arena, (const char *)sqlite3_column_text(row, 0),
                               (size_t)sqlite3_column_bytes(row, 0), NULL);
    }
    sqlite3_finalize(row);
    org_reader_give(site->org, db);
    return value;
}

static void state_load(struct site *site)
{
    struct arena *arena = arena_new();
    struct err err = {{0}};
    const struct json *grants = state_get(site, arena, "grants");
    const struct json *policies = state_get(site, arena, "policies");
    if (grants)
        grants_load(site->grants, grants);
    if (policies) {
        policies_set_org(site->policies, json_get(policies, "org"), &err);
        json_each(app, json_get(policies, "apps"))
            policies_set_app(site->policies, app, 0, NULL, &err);
        json_each(profile, json_get(policies, "profiles"))
            policies_set_profile(site->policies, profile->key, profile, &err);
        json_each(user, json_get(policies, "users"))
            policies_set_user(site->policies, user->key, user, &err);
    }
    if (err.code[0])
        log_warn("some policies kept in the file were not understood: %s", err.message);
    arena_free(arena);
}

/* --- the org --- */

/* *made: the org is new (NULL: who asks knows). */
static struct org *open_org(const struct site_options *options, struct world *world, bool *made,
                            struct err *err)
{
    struct org_user admin;
    uint64_t seed = options->rng_seed ? options->rng_seed : 1;
    struct org *org =
        org_open(&(struct org_options){.path = options->data, .world = world, .seed = seed}, err);
    if (!org)
        return NULL;
    org_set_soql(org, soql_compile);
    bool fresh = !org_user_by_name(org, SEED_ADMIN_USERNAME, &admin);
    if (made)
        *made = fresh;
    if (org_add_standard(org, options->without, err) == OK &&
        (!fresh || seed_org(org, options->seed, options->scale, seed, err) == OK))
        return org;
    err_wrap(err, "filling the org");
    org_close(org);
    return NULL;
}

/* A database file and what SQLite puts beside it. */
static void remove_database(const char *path)
{
    static const char *const tails[] = {"", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        char *name = mem_printf("%s%s", path, tails[i]);
        unlink(name);
        free(name);
    }
}

/* --- streaming --- */

static void wake_one(void *ctx, uint64_t ticket)
{
    struct site *site = ctx;
    waiting_wake(site->waiting, ticket);
}

static void published(void *ctx)
{
    struct site *site = ctx;
    hub_published(site->hub);
}

/* What a freshly opened org has to know of those who listen. */
static void listen_to_org(struct site *site)
{
    struct err err = {{0}};
    org_on_events(site->org, published, site);
    org_serve_views(site->org);
    topics_free(site->topics);
    site->topics = topics_new(site->org, &err);
    if (err.code[0])
        log_warn("PushTopics could not be read: %s", err.message);
}

static void streaming_limits(struct site *site)
{
    bool demo = big_org(site->options.seed);
    struct hub_limits limits = {.timeout_ms = 110000,
                                .lost_ms = 40000,
                                .max_clients = demo ? 1000 : 20,
                                .daily_events = demo ? 25000 : 10000};
    hub_set_limits(site->hub, &limits);
}

enum status site_reset(struct site *site, const char *seed, int scale, struct err *err)
{
    if (seed && !known_seed(seed, err))
        return FAIL;
    struct site_options *options = &site->options;
    if (seed)
        options->seed = seed_name(seed);
    if (scale > 0)
        options->scale = scale;
    cursors_clear(site->cursors);
    bulk_clear(site->bulk);
    search_index_free(site->search);
    site->search = NULL;
    org_close(site->org);
    if (options->data)
        remove_database(options->data);
    site->org = open_org(options, site->world, NULL, err);
    if (site->org)
        setup_rows_register(site);
    if (!site->org) { /* a server without an org cannot answer anything */
        log_error("reset failed: %s", err->message);
        exit(1);
    }
    site->search = search_index_new(site->org);
    hub_drop_all(site->hub);
    setup_stale(site->setup);
    streaming_limits(site);
    listen_to_org(site);
    grants_clear(site->grants);
    report_runs_clear(site->report_runs);
    requests_clear(site->requests);
    faults_remove(site->faults, NULL);
    late_clear(site->late);
    policies_free(site->policies);
    site->policies = policies_new();
    meter_free(site->meter);
    site->meter = meter_new(daily_calls(options->seed));
    turnstile_free(site->turnstile);
    site->turnstile = turnstile_new();
    return OK;
}

bool site_token(struct site *site, const char *username, struct session *out)
{
    struct org_user user;
    struct app app;
    struct org_policy org;
    if (!org_user_by_name(site->org, username, &user))
        return false;
    policies_app(site->policies, DEMO_CLIENT_ID, &app);
    policies_org(site->policies, &org);
    *out = (struct session){.created_ms = org_now_ms(site->org),
                            .used_ms = org_now_ms(site->org),
                            .timeout_ms = org.session_timeout_s * 1000,
                            .peer = "127.0.0.1"};
    memcpy(out->user_id, user.id, sizeof out->user_id);
    memcpy(out->username, user.username, sizeof out->username);
    snprintf(out->client_id, sizeof out->client_id, "%s", app.client_id);
    snprintf(out->scopes, sizeof out->scopes, "%s", app.scopes);
    grants_open_session(site->grants, org_id15(site->org), out);
    return true;
}

/* --- start and stop --- */

static void site_locks(struct site *site)
{
    pthread_rwlockattr_t attributes;
    pthread_rwlockattr_init(&attributes);
    pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
    pthread_rwlock_init(&site->org_lock, &attributes);
    pthread_rwlockattr_destroy(&attributes);
}

static enum status start_server(struct site *site, struct err *err)
{
    const struct site_options *options = &site->options;
    if (options->no_server) {
        snprintf(site->url, sizeof site->url, "http://%s:%d", options->host, options->port);
        return OK;
    }
    struct http_server_options server = {.host = options->host,
                                         .port = options->port,
                                         .threads = options->threads      ? options->threads
                                                    : options->latency_ms ? THREADS_WHEN_SLOW
                                                                          : THREADS,
                                         .gzip = !options->no_gzip,
                                         .unpack = true,
                                         .max_body = 160 * MIB, /* Bulk takes 150 MB of CSV */
                                         .handler = routes_handle,
                                         .ctx = site};
    site->server = http_server_start(&server, err);
    if (!site->server)
        return FAIL;
    bool six = strchr(options->host, ':') != NULL;
    snprintf(site->url, sizeof site->url, "http://%s%s%s:%d", six ? "[" : "", options->host,
             six ? "]" : "", http_server_port(site->server));
    return OK;
}

static enum status play(struct site *site, struct err *err)
{
    return scenario_file(site, site->options.scenario, site->fresh, err);
}

struct site *site_start(const struct site_options *options, struct err *err)
{
    if (!known_seed(options->seed, err))
        return NULL;
    struct site *site = mem_alloc(sizeof *site);
    site->options = *options;
    site->world = options->world ? options->world : world_real();
    site->latency_ms = options->latency_ms;
    site->started_ms = site->world->now_ms(site->world);
    site_locks(site);
    site->dice = dice_new(site->world, options->rng_seed);
    site->policies = policies_new();
    site->grants = grants_new(site->dice);
    site->signer = signer_new();
    site->meter = meter_new(daily_calls(options->seed));
    site->faults = faults_new();
    site->requests = requests_new();
    site->cursors = cursors_new(site->dice);
    site->waiting = waiting_new();
    site->setup = setup_new();
    site->deploys = deploys_new();
    site->hub = hub_new(site->world, options->rng_seed, wake_one, site);
    streaming_limits(site);
    site->report_runs = report_runs_new();
    site->turnstile = turnstile_new();
    site->late = late_new();
    site->org = open_org(options, site->world, &site->fresh, err);
    if (site->org) {
        setup_rows_register(site);
        site->search = search_index_new(site->org);
        listen_to_org(site);
        state_load(site);
        site->bulk = bulk_new(site);
        if (start_server(site, err) == OK && (!options->scenario || play(site, err) == OK))
            return site;
    }
    site_stop(site);
    return NULL;
}

void site_stop(struct site *site)
{
    if (!site)
        return;
    waiting_close(site->waiting);
    if (site->server)
        http_server_stop(site->server, 5000);
    bulk_free(site->bulk);
    if (site->org)
        site_save(site);
    cursors_free(site->cursors);
    report_runs_free(site->report_runs);
    late_free(site->late);
    turnstile_free(site->turnstile);
    requests_free(site->requests);
    faults_free(site->faults);
    meter_free(site->meter);
    signer_free(site->signer);
    grants_free(site->grants);
    policies_free(site->policies);
    dice_free(site->dice);
    search_index_free(site->search);
    org_close(site->org);
    topics_free(site->topics);
    hub_free(site->hub);
    setup_free(site->setup);
    deploys_free(site->deploys);
    waiting_free(site->waiting);
    pthread_rwlock_destroy(&site->org_lock);
    free(site);
}
