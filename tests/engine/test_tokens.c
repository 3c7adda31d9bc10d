/* test_tokens.c - the engine's keeper of tokens: SQLite, the vault, the lease and
 * the real localorg with rotating tokens. */
#include "connect/real_org.h"
#include "engine/engine.h"
#include "engine/tokens.h"
#include "store/store_leases.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char home[64];
static struct store *store;
static struct vault *vault_of_test;
static const struct connector *const connectors[] = {&salesforce_connector};

static struct engine engine_on(struct store *on)
{
    return (struct engine){.world = world_real(),
                           .store = on,
                           .vault = vault_of_test,
                           .connectors = connectors,
                           .connector_count = 1};
}

static void app(const char *members)
{
    org_control("POST", "/localorg/policies",
                arena_printf(arena, "{\"app\":{\"client_id\":\"%s\",%s}}",
                             json_get_text(org_ready, "client_id"), members));
}

static void start(void)
{
    struct store_open options = {.create = true, .world = world_real()};
    arena = arena_new();
    err_clear(&err);
    org_start();
    app("\"rotation\":true");
    org_connect();
    snprintf(home, sizeof home, "/tmp/argil-tokens-%d", (int)getpid());
    setenv("XDG_CONFIG_HOME", arena_printf(arena, "%s/config", home), 1);
    options.data = arena_printf(arena, "%s/data", home);
    CHECK_OK(sqlite_store_open(&options, &store, &err), &err);
    vault_of_test = vault_open(store->workspace_id, true, &err);
    CHECK_GOT(vault_of_test, &err);
    struct engine engine = engine_on(store);
    connection.name = "prod";
    CHECK_OK(engine_connect(&engine, &connection, &vault, &err), &err);
    engine_release(&engine);
}

static void stop(void)
{
    org_faults_end();
    store->does->close(store);
    vault_close(vault_of_test);
    const char *rm[] = {"rm", "-rf", home, NULL};
    pid_t child = fork();
    if (child == 0) {
        execvp("rm", (char *const *)rm);
        _exit(127);
    }
    waitpid(child, NULL, 0); /* the next test uses the same folder */
    arena_free(arena);
}
EACH_TEST(start, stop)

static int asked(const char *path)
{
    const struct json *list =
        org_control("GET", arena_printf(arena, "/localorg/requests?path=%s", path), NULL);
    return (int)json_get(list, "requests")->len;
}

/* One thread: a store handle, an engine and a session of its own. */
struct worker {
    struct store *store;
    bool ok;
};

static void *work(void *arg)
{
    struct worker *worker = arg;
    struct engine engine = engine_on(worker->store);
    struct err mine = {0};
    struct crm_session *session = engine_session(&engine, "prod", &mine);
    int64_t count = 0;
    worker->ok = session && session->does->count(session, "Account", NULL, &count, &mine) == OK;
    if (!worker->ok)
        fprintf(stderr, "%s: %s\n", mine.code, mine.message);
    if (session)
        session->does->close(session);
    engine_release(&engine);
    return NULL;
}

TEST(tokens, thirty_threads_of_a_server_make_one_renewal)
{
    struct worker workers[30];
    pthread_t threads[30];
    org_control("DELETE", "/localorg/requests", NULL);
    org_control("POST", "/localorg/expire", "{}");
    org_fault("{\"path\":\"/oauth2/token\",\"effect\":\"delay\",\"delay_ms\":100}");
    for (int i = 0; i < 30; i++)
        CHECK_OK(store->does->open_another(store, false, &workers[i].store, &err), &err);
    for (int i = 0; i < 30; i++)
        pthread_create(&threads[i], NULL, work, &workers[i]);
    for (int i = 0; i < 30; i++) {
        pthread_join(threads[i], NULL);
        CHECK(workers[i].ok);
        store->does->close(workers[i].store);
    }
    CHECK_INT(asked("/oauth2/token"), 1);
}

TEST(tokens, another_process_that_holds_the_lease_is_waited_for)
{
    struct worker worker = {.store = store};
    struct store_lease holder;
    bool taken;
    org_control("POST", "/localorg/expire", "{}");
    char name[32];
    snprintf(name, sizeof name, "renew:%d", (int)connection.id);
    CHECK_OK(store->does->leases->take(store, arena, name, "another", 300, &taken, &holder, &err),
             &err);
    CHECK(taken);
    work(&worker); /* it died: its deadline of 300 ms passes */
    CHECK(worker.ok);
    CHECK_OK(store->does->leases->take(store, arena, name, "third", 300, &taken, &holder, &err),
             &err);
    CHECK(taken); /* given back */
}

TEST(tokens, of_another_org_do_not_open)
{
    struct engine engine = engine_on(store);
    struct connection other = connection;
    struct crm_tokens tokens = {0};
    other.org_id = "00D000000000099EAA"; /* the row was changed behind our back */
    CHECK_FAIL(tokens_get(&engine, &other, arena, &tokens, &err), &err, ERR_CRM_WRONG_ORG);
    CHECK(!secret_is_set(&tokens.access));
    CHECK_OK(tokens_get(&engine, &connection, arena, &tokens, &err), &err);
    CHECK(secret_is_set(&tokens.refresh));
    crm_tokens_wipe(&tokens);
    engine_release(&engine);
}

TEST(tokens, a_lost_grant_marks_the_connection_and_is_not_asked_for_again)
{
    struct worker worker = {.store = store};
    struct connection stored;
    org_control("POST", "/localorg/revoke", "{}");
    org_control("DELETE", "/localorg/requests", NULL);
    work(&worker);
    CHECK(!worker.ok);
    CHECK_OK(store->does->connection_get(store, arena, "prod", &stored, &err), &err);
    CHECK_STR(stored.status, STATUS_RECONNECT);
    work(&worker);
    CHECK(!worker.ok);
    CHECK_INT(asked("/oauth2/token"), 1);
    org_connect(); /* a person signs in again: the same org, the same name */
    struct engine engine = engine_on(store);
    connection.name = "prod";
    connection.status = NULL;
    CHECK_OK(engine_connect(&engine, &connection, &vault, &err), &err);
    engine_release(&engine);
    work(&worker);
    CHECK(worker.ok);
}
