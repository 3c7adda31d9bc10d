/* canned.c - an org of canned answers. See canned.h. */
#include "connect/canned.h"

#include "base/mem.h"
#include "base/str.h"
#include "http/server.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* ------------------------------------------------- a server with a script */

struct canned cans[32];
static int can_count;
static char *seen[256]; /* "METHOD /path?query\nAuthorization\nbody" */
static atomic_int seen_count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
struct http_server *server;
char base_url[64];

void can(const char *path, int status, const char *body)
{
    pthread_mutex_lock(&lock);
    cans[can_count++] = (struct canned){.path = path, .status = status, .body = body};
    pthread_mutex_unlock(&lock);
}
void can_csv(const char *path, const char *csv, const char *records, const char *locator)
{
    pthread_mutex_lock(&lock);
    cans[can_count++] = (struct canned){.path = path,
                                        .status = 200,
                                        .body = csv,
                                        .type = "text/csv",
                                        .records = records,
                                        .locator = locator};
    pthread_mutex_unlock(&lock);
}
struct canned *can_last(void)
{
    return &cans[can_count - 1];
}
void cans_clear(void)
{
    pthread_mutex_lock(&lock);
    can_count = 0;
    pthread_mutex_unlock(&lock);
}
void can_times(const char *path, int status, const char *body, int times)
{
    pthread_mutex_lock(&lock);
    cans[can_count++] =
        (struct canned){.path = path, .status = status, .body = body, .times = times};
    pthread_mutex_unlock(&lock);
}

static void serve(void *ctx, struct http_in *in, struct http_out *out)
{
    pthread_mutex_lock(&lock);
    char *line = mem_printf("%s %s%s%s", in->method, in->path, in->query ? "?" : "",
                            in->query ? in->query : "");
    const char *auth = http_header_get(in->headers, "Authorization");
    const char *rule = http_header_get(in->headers, "Sforce-Duplicate-Rule-Header");
    const char *since = http_header_get(in->headers, "If-Unmodified-Since");
    int n = atomic_load(&seen_count);
    seen[n] =
        mem_printf("%s\n%s\n%s\n%s\n%s", line, auth ? auth : "", rule ? rule : "",
                   since ? since : "", buf_text(&in->body));
    atomic_store(&seen_count, n + 1);
    out->status = 404;
    for (int i = 0; i < can_count; i++) {
        struct canned *c = &cans[i];
        if (!text_starts(line, c->path) || c->times < 0 || (c->auth && !text_eq(auth, c->auth)))
            continue;
        out->status = c->status;
        out->broken = c->broken;
        buf_str(&out->body, c->body);
        http_out_header(in, out, "Content-Type",
                        c->type ? c->type : "application/json;charset=UTF-8");
        http_out_header(in, out, "Sforce-Limit-Info",
                        "api-usage=25/15000; per-app-api-usage=17/250(appName=x)");
        if (c->records)
            http_out_header(in, out, "Sforce-NumberOfRecords", c->records);
        if (c->locator)
            http_out_header(in, out, "Sforce-Locator", c->locator);
        if (c->times > 0 && --c->times == 0)
            c->times = -1;
        break;
    }
    if (out->status == 404 && out->body.len == 0)
        buf_str(&out->body, "[{\"errorCode\":\"NOT_FOUND\",\"message\":\"The requested resource "
                            "does not exist\"}]");
    free(line);
    pthread_mutex_unlock(&lock);
}

int seen_with(const char *part)
{
    int count = 0;
    for (int i = 0; i < atomic_load(&seen_count); i++)
        count += strstr(seen[i], part) != NULL;
    return count;
}
const char *seen_nth(const char *part, int nth)
{
    for (int i = 0; i < atomic_load(&seen_count); i++)
        if (strstr(seen[i], part) && nth-- == 0)
            return seen[i];
    return "";
}

/* ------------------------------------------------ a session on that server */

struct world world;
int sleeps;
struct arena *arena;
struct err err;
struct crm_session *session;
struct crm_tokens vault;
int saves, gone, held;

static void no_sleep(struct world *w, int64_t ms)
{
    sleeps++;
}

static enum status load(void *ctx, struct arena *a, struct crm_tokens *out, struct err *e)
{
    crm_tokens_copy(out, &vault);
    out->instance_url = base_url;
    return OK;
}
static enum status save(void *ctx, const struct crm_tokens *tokens, struct err *e)
{
    saves += !secret_equal(&vault.access, &tokens->access);
    crm_tokens_copy(&vault, tokens);
    vault.instance_url = NULL;
    return OK;
}
static enum status lock_hook(void *ctx, struct err *e)
{
    held++;
    return OK;
}
static void unlock_hook(void *ctx)
{
    held--;
}
static void gone_hook(void *ctx, const struct err *why)
{
    gone++;
}

const struct crm_token_store store = {
    .load = load, .save = save, .lock = lock_hook, .unlock = unlock_hook, .gone = gone_hook};

const char lead_describe[] =
    "{\"name\":\"Lead\",\"label\":\"Lead\",\"keyPrefix\":\"00Q\",\"queryable\":true,\"createable\":"
    "true,"
    "\"updateable\":true,\"fields\":["
    "{\"name\":\"Id\",\"type\":\"id\",\"length\":18,\"filterable\":true,\"sortable\":true},"
    "{\"name\":\"SystemModstamp\",\"type\":\"datetime\",\"filterable\":true,\"sortable\":true},"
    "{\"name\":\"CreatedDate\",\"type\":\"datetime\",\"filterable\":true,\"sortable\":true},"
    "{\"name\":\"IsDeleted\",\"type\":\"boolean\",\"filterable\":true},"
    "{\"name\":\"Email\",\"type\":\"email\",\"length\":80,\"filterable\":true},"
    "{\"name\":\"Company\",\"type\":\"string\",\"length\":255,\"filterable\":true},"
    "{\"name\":\"Amount__c\",\"type\":\"currency\",\"precision\":18,\"scale\":2,\"filterable\":"
    "true},"
    "{\"name\":\"Address\",\"type\":\"address\"},"
    "{\"name\":\"Key__c\",\"type\":\"string\",\"length\":36,\"unique\":true,\"externalId\":true,"
    "\"filterable\":true},"
    "{\"name\":\"Notes\",\"type\":\"textarea\",\"length\":32000,\"filterable\":false},"
    "{\"name\":\"OwnerId\",\"type\":\"reference\",\"referenceTo\":[\"Group\",\"User\"],"
    "\"relationshipName\":\"Owner\","
    "\"filterable\":true}]}";

static void start(void)
{
    struct http_server_options options = {.host = "127.0.0.1", .handler = serve, .threads = 2};
    struct connection connection = {.name = "c",
                                    .org_id = "00D000000000062EAA",
                                    .client_id = "3MVG9",
                                    .user_id = "005000000000001AAA",
                                    .username = "ann@acme.com"};
    world = *world_real();
    world.sleep_ms = no_sleep;
    sleeps = saves = gone = held = can_count = 0;
    vault.renewing_ms = 0;
    vault.rotates = false;
    arena = arena_new();
    err_clear(&err);
    server = http_server_start(&options, &err);
    CHECK_GOT(server, &err);
    snprintf(base_url, sizeof base_url, "http://127.0.0.1:%d", http_server_port(server));
    connection.login_url = connection.instance_url = base_url;
    secret_set(&vault.access, "first", 5);
    secret_set(&vault.refresh, "fresh", 5);
    can("GET /services/data/ ", 200, "");
    can_count = 0;
    session = salesforce_connector.open(&world, &connection, &store, &err);
    CHECK_GOT(session, &err);
}

static void stop(void)
{
    salesforce_connector.close(session);
    http_server_stop(server, 1000);
    for (int i = 0; i < atomic_load(&seen_count); i++)
        free(seen[i]);
    atomic_store(&seen_count, 0);
    secret_wipe(&vault.access);
    secret_wipe(&vault.refresh);
    arena_free(arena);
}
EACH_TEST(start, stop)

/* What every org answers. Put after the cans of the test: the first that fits wins. */
void can_usual(void)
{
    can("GET /services/data/v66.0/sobjects/Lead/describe", 200, lead_describe);
    can("GET /services/data/v66.0/sobjects/lead/describe", 200, lead_describe);
    can("GET /services/data/v66.0/sobjects/Acount", 404, "");
    can("GET /services/data/v66.0/sobjects/", 200,
        "{\"sobjects\":[{\"name\":\"Account\",\"keyPrefix\":\"001\"},{\"name\":\"Lead\","
        "\"keyPrefix\":\"00Q\"}]}");
    can("GET /services/data/v", 404, "");
    can("GET /services/data/", 200,
        "[{\"version\":\"31.0\"},{\"version\":\"67.0\"},{\"version\":\"69.0\"}]");
}

const char *grant(const char *access, const char *refresh)
{
    return arena_printf(
        arena,
        "{\"access_token\":\"%s\",%s%s%s\"instance_url\":\"%s\",\"id\":"
        "\"%s/id/00D000000000062EAA/005000000000001AAA\",\"token_type\":\"Bearer\"}",
        access, refresh ? "\"refresh_token\":\"" : "", refresh ? refresh : "", refresh ? "\"," : "",
        base_url, base_url);
}
