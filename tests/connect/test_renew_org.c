/* test_renew_org.c - thirty at once, in threads and in processes, against the real
 * localorg with rotating tokens: one renewal, and a grant that stays. */
#include "base/str.h"
#include "connect/real_org.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

/* Tokens in a file that several processes share, and a lock beside it. The
 * engine's own keeper uses a lease of the store: tests/engine/test_tokens.c. */
struct shared {
    char tokens[64], lock[72];
    int fd;
};

static enum status shared_save(void *ctx, const struct crm_tokens *t, struct err *e)
{
    struct shared *shared = ctx;
    char next[80];
    snprintf(next, sizeof next, "%s.%d", shared->tokens, (int)getpid());
    FILE *out = fopen(next, "w");
    fprintf(out, "%s\n%s\n%s\n%lld\n%d\n", secret_reveal(&t->access), secret_reveal(&t->refresh),
            secret_reveal(&t->client_secret), (long long)t->renewing_ms, t->rotates);
    fclose(out);
    return rename(next, shared->tokens) == 0 ? OK : FAIL;
}

static enum status shared_load(void *ctx, struct arena *a, struct crm_tokens *t, struct err *e)
{
    struct shared *shared = ctx;
    char line[5][256] = {{0}};
    FILE *in = fopen(shared->tokens, "r");
    for (int i = 0; i < 5 && fgets(line[i], sizeof line[i], in); i++)
        line[i][strcspn(line[i], "\n")] = 0;
    fclose(in);
    secret_set(&t->access, line[0], strlen(line[0]));
    secret_set(&t->refresh, line[1], strlen(line[1]));
    secret_set(&t->client_secret, line[2], strlen(line[2]));
    t->renewing_ms = strtoll(line[3], NULL, 10);
    t->rotates = line[4][0] == '1';
    t->instance_url = connection.instance_url;
    return OK;
}

static enum status shared_lock(void *ctx, struct err *e)
{
    struct shared *shared = ctx;
    shared->fd = open(shared->lock, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    return shared->fd >= 0 && flock(shared->fd, LOCK_EX) == 0 ? OK : FAIL;
}

static void shared_unlock(void *ctx)
{
    close(((struct shared *)ctx)->fd);
}

static struct shared shared;

static struct crm_session *session_on(struct shared *on)
{
    struct crm_token_store store = {.ctx = on,
                                    .load = shared_load,
                                    .save = shared_save,
                                    .lock = shared_lock,
                                    .unlock = shared_unlock};
    return salesforce_connector.open(world_real(), &connection, &store, &err);
}

static void app(const char *members)
{
    org_control("POST", "/localorg/policies",
                arena_printf(arena, "{\"app\":{\"client_id\":\"%s\",%s}}",
                             json_get_text(org_ready, "client_id"), members));
}

static void start(void)
{
    arena = arena_new();
    err_clear(&err);
    org_start();
    app("\"rotation\":true");
    if (!connection.org_id)
        org_connect();
    snprintf(shared.tokens, sizeof shared.tokens, "/tmp/argil-renew-%d", (int)getpid());
    snprintf(shared.lock, sizeof shared.lock, "%s.lock", shared.tokens);
    CHECK_OK(shared_save(&shared, &vault, &err), &err);
}

static void stop(void)
{
    org_faults_end();
    shared_load(&shared, arena, &vault, &err); /* the next test goes on from here */
    unlink(shared.tokens);
    unlink(shared.lock);
    arena_free(arena);
}
EACH_TEST(start, stop)

/* Since the session was made to end: requests to a path. */
static int asked(const char *path)
{
    const struct json *list =
        org_control("GET", arena_printf(arena, "/localorg/requests?path=%s", path), NULL);
    return (int)json_get(list, "requests")->len;
}

static void sessions_end(void)
{
    org_control("DELETE", "/localorg/requests", NULL);
    org_control("POST", "/localorg/expire", "{}");
}

static bool counts(struct crm_session *session)
{
    struct err mine = {0};
    int64_t count = 0;
    bool ok = salesforce_connector.count(session, "Account", NULL, &count, &mine) == OK;
    if (!ok)
        fprintf(stderr, "%s: %s\n", mine.code, mine.message);
    return ok;
}

static void *count_in_thread(void *arg)
{
    struct shared mine = shared;
    struct crm_session *session = session_on(&mine);
    bool ok = session && counts(session);
    salesforce_connector.close(session);
    *(bool *)arg = ok;
    return NULL;
}

static bool many_threads(int count)
{
    pthread_t threads[32];
    bool ok[32] = {false}, all = true;
    for (int i = 0; i < count; i++)
        pthread_create(&threads[i], NULL, count_in_thread, &ok[i]);
    for (int i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
        all = all && ok[i];
    }
    return all;
}

TEST(renew_org, thirty_threads_make_one_renewal)
{
    sessions_end();
    org_fault("{\"path\":\"/oauth2/token\",\"effect\":\"delay\",\"delay_ms\":100}"); /* all meet */
    CHECK(many_threads(30));
    CHECK_INT(asked("/oauth2/token"), 1);
}

TEST(renew_org, six_processes_of_five_threads_make_one_renewal)
{
    pid_t children[6];
    sessions_end();
    org_fault("{\"path\":\"/oauth2/token\",\"effect\":\"delay\","
              "\"delay_after_ms\":100}");
    for (int i = 0; i < 6; i++) {
        children[i] = fork();
        if (children[i] == 0)
            _exit(many_threads(5) ? 0 : 1);
    }
    for (int i = 0; i < 6; i++) {
        int status = -1;
        waitpid(children[i], &status, 0);
        CHECK_INT(status, 0);
    }
    CHECK_INT(asked("/oauth2/token"), 1);
}

TEST(renew_org, a_request_that_never_arrived_is_sent_again)
{
    sessions_end();
    org_fault("{\"path\":\"/oauth2/token\",\"effect\":\"drop_before\",\"times\":1}");
    CHECK(many_threads(3));
    CHECK_INT(asked("/oauth2/token"), 2);
    CHECK_INT(asked("/oauth2/introspect"), 1); /* had it arrived? */
}

TEST(renew_org, a_lost_rotation_leaves_the_grant_alone)
{
    struct crm_session *session;
    sessions_end();
    org_fault("{\"path\":\"/oauth2/token\",\"effect\":\"drop_after\",\"times\":1}");
    int64_t before = json_get_int(org_control("GET", "/localorg/stats", NULL), "refresh_tokens", -1);
    session = session_on(&shared);
    CHECK(!counts(session));
    CHECK_INT(asked("/oauth2/token"), 1); /* the used-up token was not shown a second time */
    CHECK_INT(json_get_int(org_control("GET", "/localorg/stats", NULL), "refresh_tokens", -1),
              before); /* and so the grant lives: nobody's tokens were revoked */
    CHECK(!counts(session));
    CHECK_INT(asked("/oauth2/token"), 1);
    salesforce_connector.close(session);
    connection.org_id = NULL; /* the next test signs in again */
}

TEST(renew_org, without_rotation_a_lost_answer_costs_a_question)
{
    struct crm_session *session;
    app("\"rotation\":false");
    org_connect();
    CHECK_OK(shared_save(&shared, &vault, &err), &err);
    sessions_end();
    org_fault("{\"path\":\"/oauth2/token\",\"effect\":\"drop_after\",\"times\":1}");
    session = session_on(&shared);
    CHECK(counts(session));
    CHECK_INT(asked("/oauth2/token"), 2);
    CHECK_INT(asked("/oauth2/introspect"), 1);
    salesforce_connector.close(session);
}
