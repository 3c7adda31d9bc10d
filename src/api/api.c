/* api.c - opening and closing the server.
 *
 * Opening: handles, doors, hub (the store's changes go there), work, then the
 * listener; what an earlier process left in the journal is put in line, a table
 * each. Closing, in the order that keeps every promise: pages are told good-bye,
 * no new request comes in, jobs stop at their next batch (what they had sent is in
 * the journal), and only then the store's handles go. */
#include "api/api_priv.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "engine/later.h"
#include "store/store_people.h"
#include "store/store_runs.h"
#include "work/live.h"

#include <stdlib.h>
#include <string.h>

#define THREADS         12
#define BODY_MAX        (2 * BODY_LARGE) /* beyond it the answer is not JSON */
#define HEAD_MAX        (64 * KIB)
#define CONNECTIONS_MAX 3000
#define FROM_ONE_PEER   1500 /* connections of one address, unless it is a proxy: an office is one */

/* An address as people type it: scheme and host, no slash at the end. */
static enum status check_public_url(const char *url, struct err *err)
{
    struct arena *arena = arena_new();
    struct uri uri;
    bool good = uri_parse(arena, url, &uri) && !uri.userinfo && !uri.query && !uri.fragment &&
                text_eq(uri.path, "/") && (text_eq(uri.scheme, "http") || text_eq(uri.scheme, "https"));
    arena_free(arena);
    if (good)
        return OK;
    err_set(err, ERR_INVALID, "the public address must be like https://argil.example.com, not %s", url);
    return FAIL;
}

static char *own_url(const struct api_options *o, int port)
{
    bool v6 = strchr(o->host, ':') != NULL;
    return mem_printf("%s://%s%s%s:%d", o->tls_cert ? "https" : "http", v6 ? "[" : "", o->host,
                      v6 ? "]" : "", port);
}

static void take_url(struct api *api)
{
    const char *given = api->options.public_url;
    api->url = given ? mem_strndup(given, strlen(given) - text_ends(given, "/"))
                     : own_url(&api->options, http_server_port(api->server));
    api->secure = text_starts(api->url, "https:");
}

/* While nobody has an account, a link that only who sees our output knows. */
static enum status offer_setup(struct api *api, struct err *err)
{
    struct arena *arena = arena_new();
    struct store *store = api->options.store;
    int64_t users;
    enum status rc = store->does->people->user_count(store, &users, err);
    if (rc == OK && users == 0) {
        api->setup_code = mem_strdup(door_random(arena));
        api->setup_url = mem_printf("%s/setup#%s", api->url, api->setup_code);
    }
    arena_free(arena);
    return rc;
}

/* Its newest run was under way when an earlier process ended: what it left is due now. */
static enum status continue_run(struct store *store, struct arena *arena, const struct table *table,
                                struct err *err)
{
    struct run_query newest = {.table_id = table->id, .limit = 1};
    struct run *runs;
    size_t count;
    if (store->does->runs->find(store, arena, &newest, &runs, &count, err) != OK)
        return FAIL;
    bool cut = count && runs[0].state == RUN_INTERRUPTED;
    return cut && table->auto_update ? later_cells_now(store, table->id, err) : OK;
}

static enum status settle_leftovers(struct api *api, struct err *err)
{
    struct store *store = api->options.store;
    struct arena *arena = arena_new();
    struct table *tables;
    size_t count = 0;
    enum status rc = store->does->table_list(store, arena, &tables, &count, err);
    for (size_t i = 0; rc == OK && i < count; i++) {
        struct job_order order = {.kind = JOB_SETTLE, .table = tables[i].name, .cause = "recovery"};
        int64_t open = 0, none;
        rc = later_open(store, tables[i].id, &open, err);
        if (rc == OK && open)
            rc = work_order(api->work, &order, &none, err);
        if (rc == OK)
            rc = continue_run(store, arena, &tables[i], err);
    }
    arena_free(arena);
    return rc;
}

static enum status listen(struct api *api, struct err *err)
{
    const struct api_options *o = &api->options;
    struct http_server_options options = {.host = o->host,
                                          .port = o->port,
                                          .threads = THREADS,
                                          .max_body = BODY_MAX,
                                          .max_head = HEAD_MAX,
                                          .max_connections = CONNECTIONS_MAX,
                                          .max_per_peer = o->behind_proxy ? 0 : FROM_ONE_PEER,
                                          .tls_cert = o->tls_cert,
                                          .tls_key = o->tls_key,
                                          .gzip = true,
                                          .handler = api_handle,
                                          .ctx = api};
    api->server = http_server_start(&options, err);
    return api->server ? OK : FAIL;
}

/* Pages hear of everything, the watcher of runs: one may have ended badly. */
static void on_change(void *ctx, const struct store_change *change)
{
    struct api *api = ctx;
    api->pages.changed(api->pages.ctx, change);
    if (change->noun == NOUN_RUN || change->noun == NOUN_ANY)
        watcher_wake(api->watcher);
}

static enum status open_parts(struct api *api, struct err *err)
{
    const struct api_options *o = &api->options;
    struct store_watch watch = {on_change, api};
    api->handles = handles_new(o->store);
    api->doors = doors_new(o->world);
    api->signins = signins_new();
    api->uploads = uploads_new(o->data);
    api->hooks = webhook_gate_new(o->world);
    api->hub = hub_new(o->world, err);
    if (!api->hub)
        return FAIL;
    hub_watch(api->hub, &api->pages);
    struct work_options work = {.world = o->world,
                                .store = o->store,
                                .vault = o->vault,
                                .data = o->data,
                                .connectors = o->connectors,
                                .connector_count = o->connector_count,
                                .formula_worker = o->formula_worker,
                                .allow_private_http = o->allow_private_http,
                                .shared = o->shared,
                                .takes_jobs = o->takes_jobs,
                                .jobs_most = 4,
                                .lane_most = o->lane_most,
                                .calls_at_once = o->calls_at_once,
                                .progressed = hub_progress,
                                .ctx = api->hub};
    api->watcher = watcher_start(&work, o->public_url, err);
    if (!api->watcher)
        return FAIL;
    o->store->does->watch(o->store, &watch);
    api->work = work_open(&work, err);
    return api->work ? OK : FAIL;
}

struct api *api_open(const struct api_options *options, struct err *err)
{
    if (options->public_url && check_public_url(options->public_url, err) != OK)
        return NULL;
    struct api *api = mem_alloc(sizeof *api);
    api->options = *options;
    api->started_ms = options->world->now_ms(options->world);
    /* requests that come in before the address is known would be answered wrongly */
    atomic_store(&api->stopping, true);
    if (open_parts(api, err) != OK || listen(api, err) != OK)
        goto failed;
    take_url(api);
    if (offer_setup(api, err) != OK || settle_leftovers(api, err) != OK)
        goto failed;
    api->scheduler = scheduler_start(api->work, options->store, options->world, err);
    if (!api->scheduler)
        goto failed;
    api->live = live_start(api->work, options->store, options->world, err);
    if (!api->live)
        goto failed;
    atomic_store(&api->stopping, false);
    return api;
failed:
    api_close(api, 0);
    return NULL;
}

const char *api_url(const struct api *api)
{
    return api->url;
}

int api_port(const struct api *api)
{
    return http_server_port(api->server);
}

const char *api_setup_url(const struct api *api)
{
    return api->setup_url;
}

bool api_broken(const struct api *api)
{
    return atomic_load(&api->broken) || work_lost(api->work);
}

bool api_close(struct api *api, int64_t grace_ms)
{
    if (!api)
        return true;
    atomic_store(&api->stopping, true);
    hub_close(api->hub);
    live_stop(api->live);
    api->live = NULL;
    scheduler_stop(api->scheduler);
    api->scheduler = NULL;
    if (api->work && !work_close(api->work, grace_ms))
        return false; /* a talk may still answer a request: nothing below may go */
    http_server_stop(api->server, grace_ms);
    api->options.store->does->watch(api->options.store, NULL);
    watcher_stop(api->watcher);
    hub_free(api->hub);
    handles_free(api->handles);
    doors_free(api->doors);
    signins_free(api->signins);
    uploads_free(api->uploads);
    webhook_gate_free(api->hooks);
    free(api->url);
    if (api->setup_code)
        memset(api->setup_code, 0, strlen(api->setup_code));
    free(api->setup_code);
    free(api->setup_url);
    free(api);
    return true;
}
