/* test_postgres.c - what only the PostgreSQL driver must do: its catalogue can be sharded, and
 * a connection that is cut anywhere leaves the truth behind.
 *
 * Between the store and the server stands a proxy on a socket of its own, which cuts every
 * connection when the text that a test waits for passes by: before it reaches the server, or
 * after, so that the answer is lost. */
#include "store/sql/sql_priv.h"
#include "store/store.h"
#include "store/store_holds.h"
#include "store/store_jobs.h"
#include "store/store_parts.h"
#include "store/store_runs.h"
#include "store/ask_server.h"
#include "support/check.h"

#include <libpq-fe.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define PIECE 65536

static struct err err;
static struct arena *arena;
static char workspace[40];

static const char *ask(const char *sql)
{
    return ask_server(arena, sql);
}

static void before(void)
{
    static int tests;
    arena = arena_new();
    err = (struct err){0};
    if (!tests)
        ask("DROP SCHEMA IF EXISTS argil CASCADE");
    snprintf(workspace, sizeof workspace, "alone%d", ++tests);
}

static void after(void)
{
    arena_free(arena);
}

EACH_TEST(before, after)

static struct store *given_store(const char *url)
{
    struct store *store = NULL;
    struct store_open options = {.create = true, .world = world_real()};
    char *address = arena_printf(arena, "%s&workspace=%s", url, workspace);
    CHECK_OK(postgres_store_open(address, &options, &store, &err), &err);
    return store;
}

static void close_store(struct store *store)
{
    store->does->close(store);
}

static void given_table(struct store *store, struct table *out)
{
    struct column columns[] = {{.name = "Name", .kind = "source", .source_field = "Name"},
                               {.name = "Lead", .kind = "salesforce_create", .config = "{}"}};
    struct table table = {.name = "Accounts", .source = "{}", .columns = columns, .column_count = 2};
    CHECK_OK(store->does->table_apply(store, &table, &err), &err);
    CHECK_OK(store->does->table_get(store, arena, "Accounts", out, &err), &err);
}

/* ---------------------------------------------------------------- catalogue */

/* Every table but those of all workspaces, with sheets and their sort indexes made, too. */
TEST(catalogue, every_key_and_index_begins_with_the_workspace)
{
    struct table table;
    struct store *store = given_store(server_url());
    given_table(store, &table);
    const char *bad = ask(
        "SELECT string_agg(i.indexrelid::regclass::text, ', ') FROM pg_index i"
        " JOIN pg_class c ON c.oid=i.indrelid JOIN pg_namespace n ON n.oid=c.relnamespace"
        " JOIN pg_attribute a ON a.attrelid=c.oid AND a.attnum=i.indkey[0]"
        " WHERE n.nspname='argil' AND a.attname<>'ws'");
    CHECK_STR(bad, "");
    bad = ask("SELECT string_agg(c.relname, ', ') FROM pg_class c"
              " JOIN pg_namespace n ON n.oid=c.relnamespace WHERE n.nspname='argil' AND c.relkind IN ('r','p')"
              " AND NOT EXISTS(SELECT 1 FROM pg_index i WHERE i.indrelid=c.oid AND i.indisprimary)");
    CHECK_STR(bad, "");
    CHECK(atoi(ask("SELECT count(*) FROM pg_tables WHERE schemaname='argil'")) > 30);
    close_store(store);
}

/* Nothing that a distributed PostgreSQL does not have. */
TEST(catalogue, has_no_triggers_sequences_or_foreign_keys)
{
    struct store *store = given_store(server_url());
    CHECK_STR(ask("SELECT count(*) FROM pg_trigger t JOIN pg_class c ON c.oid=t.tgrelid"
                  " JOIN pg_namespace n ON n.oid=c.relnamespace WHERE n.nspname='argil'"),
              "0");
    CHECK_STR(ask("SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid=c.relnamespace"
                  " WHERE n.nspname='argil' AND c.relkind='S'"),
              "0");
    CHECK_STR(ask("SELECT count(*) FROM pg_constraint k JOIN pg_namespace n ON n.oid=k.connamespace"
                  " WHERE n.nspname='argil' AND k.contype='f'"),
              "0");
    close_store(store);
}

TEST(catalogue, a_newer_schema_is_refused_and_left_alone)
{
    struct store *store = given_store(server_url()), *again = NULL;
    struct store_open options = {.world = world_real()};
    char *address = arena_printf(arena, "%s&workspace=%s", server_url(), workspace);
    close_store(store);
    const char *version = ask("SELECT version FROM argil_schema");
    ask("UPDATE argil_schema SET version=version+1 RETURNING version");
    CHECK_FAIL(postgres_store_open(address, &options, &again, &err), &err, ERR_STORE_NEWER);
    CHECK(atoi(ask("SELECT version FROM argil_schema")) == atoi(version) + 1);
    ask("UPDATE argil_schema SET version=version-1 RETURNING version");
    CHECK_OK(postgres_store_open(address, &options, &again, &err), &err);
    close_store(again);
}

/* -------------------------------------------------------------------- proxy */

struct proxy {
    char folder[64], server[200]; /* the folders of both sockets */
    int listener;
    pthread_t thread;
    atomic_bool stop;
    const char *_Atomic cut_at; /* in what the store sends; NULL = never */
    atomic_bool pass_on;        /* the server still gets it, its answer is lost */
    atomic_bool crash;          /* and instead of getting it, the server crashes */
    atomic_int cuts;
};

/* The socket of PostgreSQL in a folder. */
static struct sockaddr_un socket_in(const char *folder)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%.90s/.s.PGSQL.5432", folder);
    return address;
}

static bool holds_text(const char *bytes, size_t len, const char *text)
{
    return text && memmem(bytes, len, text, strlen(text)) != NULL;
}

/* One piece from one side to the other; false: this connection is over. */
static bool move(struct proxy *p, int from, int to, bool from_store)
{
    char bytes[PIECE];
    ssize_t got = recv(from, bytes, sizeof bytes, 0);
    if (got <= 0)
        return false;
    bool cut = from_store && holds_text(bytes, (size_t)got, atomic_load(&p->cut_at));
    if (cut) {
        atomic_store(&p->cut_at, NULL);
        atomic_fetch_add(&p->cuts, 1);
    }
    if (!cut || atomic_load(&p->pass_on))
        for (ssize_t at = 0, n; at < got; at += n)
            if ((n = send(to, bytes + at, (size_t)(got - at), MSG_NOSIGNAL)) <= 0)
                return false;
    return !cut;
}

static PGconn *dial(void)
{
    PGconn *conn = PQconnectdb(server_url());
    for (int i = 0; i < 600 && PQstatus(conn) != CONNECTION_OK; i++) {
        usleep(100 * 1000);
        PQfinish(conn);
        conn = PQconnectdb(server_url());
    }
    return conn;
}

static void last_checkpoint(PGconn *conn, char out[40])
{
    PGresult *result = PQexec(conn, "SELECT checkpoint_lsn FROM pg_control_checkpoint()");
    snprintf(out, 40, "%s", PQntuples(result) ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
}

/* A backend that is killed takes the whole server with it, and what it had not yet written to
 * disk. Started again, it gives out the same ids of transactions: to those that run here. */
static void crash_server(void)
{
    char before[40], now[40];
    PGconn *conn = dial();
    last_checkpoint(conn, before);
    kill(PQbackendPID(conn), SIGKILL);
    do { /* the end of the recovery is one */
        usleep(50 * 1000);
        PQfinish(conn);
        conn = dial();
        last_checkpoint(conn, now);
    } while (!*now || strcmp(before, now) == 0);
    for (int i = 0; i < 100; i++)
        PQclear(PQexec(conn, "SELECT pg_current_xact_id()"));
    PQfinish(conn);
}

/* The server has to have done it, before its client is gone: it answers, and nobody hears. */
static void hear_the_server_out(int server)
{
    char bytes[PIECE];
    struct pollfd one = {.fd = server, .events = POLLIN};
    if (poll(&one, 1, 20000) > 0)
        (void)recv(server, bytes, sizeof bytes, 0);
}

struct link {
    struct proxy *proxy;
    int store, server;
};

static void *serve_link(void *ctx)
{
    struct link *link = ctx;
    struct proxy *p = link->proxy;
    struct pollfd both[] = {{.fd = link->store, .events = POLLIN}, {.fd = link->server, .events = POLLIN}};
    bool open = true;
    int cuts = atomic_load(&p->cuts);
    while (open && !atomic_load(&p->stop)) {
        if (poll(both, 2, 100) <= 0)
            continue;
        if (both[0].revents)
            open = move(p, link->store, link->server, true);
        if (open && both[1].revents)
            open = move(p, link->server, link->store, false);
    }
    if (atomic_load(&p->cuts) > cuts && atomic_exchange(&p->crash, false)) /* other links end with it */
        crash_server();
    else if (atomic_load(&p->cuts) > cuts && atomic_load(&p->pass_on))
        hear_the_server_out(link->server);
    close(link->store);
    close(link->server);
    free(link);
    return NULL;
}

static void *proxy_main(void *ctx)
{
    struct proxy *p = ctx;
    struct pollfd one = {.fd = p->listener, .events = POLLIN};
    while (!atomic_load(&p->stop)) {
        pthread_t thread;
        if (poll(&one, 1, 100) <= 0)
            continue;
        struct sockaddr_un to = socket_in(p->server);
        struct link *link = calloc(1, sizeof *link);
        *link = (struct link){p, accept(p->listener, NULL, NULL), socket(AF_UNIX, SOCK_STREAM, 0)};
        if (connect(link->server, (struct sockaddr *)&to, sizeof to) != 0 ||
            pthread_create(&thread, NULL, serve_link, link) != 0)
            abort();
        pthread_detach(thread);
    }
    return NULL;
}

static void proxy_start(struct proxy *p)
{
    const char *host = strstr(server_url(), "host=");
    *p = (struct proxy){0};
    CHECK(host != NULL);
    snprintf(p->server, sizeof p->server, "%.*s", (int)strcspn(host + 5, "&"), host + 5);
    snprintf(p->folder, sizeof p->folder, "/tmp/argil-cut-%ld", (long)getpid());
    mkdir(p->folder, 0700);
    struct sockaddr_un at = socket_in(p->folder);
    unlink(at.sun_path);
    p->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_INT(bind(p->listener, (struct sockaddr *)&at, sizeof at), 0);
    CHECK_INT(listen(p->listener, 8), 0);
    CHECK_INT(pthread_create(&p->thread, NULL, proxy_main, p), 0);
}

static void proxy_stop(struct proxy *p)
{
    struct sockaddr_un at = socket_in(p->folder);
    atomic_store(&p->stop, true);
    pthread_join(p->thread, NULL);
    close(p->listener);
    unlink(at.sun_path);
    rmdir(p->folder);
}

static const char *proxy_url(const struct proxy *p)
{
    return arena_printf(arena, "postgresql://argil@/postgres?host=%s", p->folder);
}

static void cut_when(struct proxy *p, const char *text, bool pass_on)
{
    atomic_store(&p->pass_on, pass_on);
    atomic_store(&p->cut_at, text);
}

/* ------------------------------------------------------------- connections cut */

static const char *audit_lines(const char *what)
{
    return ask(arena_printf(arena, "SELECT count(*) FROM audit WHERE what='%s'", what));
}

/* COMMIT reached the server, its answer did not reach us: the server is asked, and it is done. */
/* A writer gives its turn on before its commit is on disk, but is not told as done before. Others
 * (the server's own snapshots) may write to the log just then: most of the commits count. */
TEST(disk, what_is_told_as_stored_is_in_the_log_on_disk)
{
    struct store *store = given_store(server_url());
    int flushed = 0;
    for (int i = 0; i < 20; i++) {
        CHECK_OK(store->does->audit_add(store, "ann", "said something", NULL, &err), &err);
        flushed += *ask("SELECT CASE WHEN pg_current_wal_insert_lsn()<=pg_current_wal_flush_lsn()"
                        " THEN 'y' ELSE 'n' END") == 'y';
    }
    CHECK(flushed >= 15);
    close_store(store);
}

TEST(cut, a_commit_whose_answer_is_lost_is_done_once)
{
    static struct proxy proxy;
    proxy_start(&proxy);
    struct store *store = given_store(proxy_url(&proxy));
    cut_when(&proxy, "COMMIT", true);
    CHECK_OK(store->does->audit_add(store, "ann", "lost answer", "{}", &err), &err);
    CHECK_INT(atomic_load(&proxy.cuts), 1);
    CHECK_STR(audit_lines("lost answer"), "1");
    CHECK_OK(store->does->audit_add(store, "ann", "afterwards", "{}", &err), &err);
    CHECK_STR(audit_lines("afterwards"), "1");
    close_store(store);
    proxy_stop(&proxy);
}

/* COMMIT never reached the server: nothing is stored, and that is what is told. */
TEST(cut, a_commit_that_never_arrived_stored_nothing_and_says_so)
{
    static struct proxy proxy;
    proxy_start(&proxy);
    struct store *store = given_store(proxy_url(&proxy));
    cut_when(&proxy, "COMMIT", false);
    CHECK_FAIL(store->does->audit_add(store, "ann", "never arrived", "{}", &err), &err, ERR_STORE_LOST);
    CHECK_INT(atomic_load(&proxy.cuts), 1);
    CHECK_STR(audit_lines("never arrived"), "0");
    err = (struct err){0};
    CHECK_OK(store->does->audit_add(store, "ann", "after that", "{}", &err), &err);
    CHECK_STR(audit_lines("after that"), "1");
    close_store(store);
    proxy_stop(&proxy);
}

/* Nothing of it was on disk when the server crashed, and its id is that of another by now. */
TEST(cut, a_commit_that_a_crash_swallowed_is_not_taken_for_another_one)
{
    static struct proxy proxy;
    proxy_start(&proxy);
    struct store *store = given_store(proxy_url(&proxy));
    CHECK_OK(store->does->audit_add(store, "ann", "before", "{}", &err), &err);
    atomic_store(&proxy.crash, true);
    cut_when(&proxy, "COMMIT", false);
    CHECK_FAIL(store->does->audit_add(store, "ann", "swallowed", "{}", &err), &err, ERR_STORE_LOST);
    CHECK_STR(audit_lines("swallowed"), "0");
    err = (struct err){0};
    CHECK_OK(store->does->audit_add(store, "ann", "after the crash", "{}", &err), &err);
    CHECK_STR(audit_lines("after the crash"), "1");
    close_store(store);
    proxy_stop(&proxy);
}

TEST(cut, the_numbers_of_commits_go_with_their_process)
{
    struct store *store = given_store(server_url());
    CHECK_OK(store->does->audit_add(store, "ann", "numbered", "{}", &err), &err);
    const char *rows = "SELECT count(*) FROM argil_commits WHERE ws=(SELECT max(ws) FROM argil_workspaces)";
    CHECK_STR(ask(rows), "1");
    CHECK_OK(store->does->audit_add(store, "ann", "numbered", "{}", &err), &err);
    CHECK_STR(ask(rows), "1");
    close_store(store);
    CHECK_STR(ask(rows), "0");
}

/* A store behind the proxy, and a run of a table of it that is not queued yet. */
static struct store *given_run(struct proxy *proxy, struct run *out)
{
    struct table table;
    proxy_start(proxy);
    struct store *store = given_store(proxy_url(proxy));
    given_table(store, &table);
    *out = (struct run){.table_id = table.id, .kind = "run", .cause = "person", .who = "ann"};
    return store;
}

TEST(cut, in_the_middle_of_a_transaction_nothing_of_it_is_stored)
{
    static struct proxy proxy;
    struct run run;
    struct store *store = given_run(&proxy, &run);
    cut_when(&proxy, "INSERT INTO jobs", false); /* the run is written by then */
    CHECK_FAIL(store->does->jobs->queue(store, &run, "prod", "order", &err), &err, ERR_STORE_LOST);
    CHECK_STR(ask("SELECT count(*) FROM runs r JOIN tables t ON t.ws=r.ws AND t.id=r.table_id"), "0");
    CHECK_STR(ask("SELECT count(*) FROM jobs"), "0");
    err = (struct err){0};
    CHECK_OK(store->does->jobs->queue(store, &run, "prod", "order", &err), &err);
    CHECK_STR(ask("SELECT count(*) FROM jobs"), "1");
    close_store(store);
    proxy_stop(&proxy);
}

/* COMMIT travels with the last that is written: where that arrived and its answer is lost, what was
 * stored is found out as for a lost answer to COMMIT. */
TEST(cut, when_the_last_of_a_transaction_arrived_it_is_stored_and_told_so)
{
    static struct proxy proxy;
    struct run run;
    struct store *store = given_run(&proxy, &run);
    cut_when(&proxy, "INSERT INTO jobs", true);
    CHECK_OK(store->does->jobs->queue(store, &run, "prod", "arrived", &err), &err);
    CHECK_INT(atomic_load(&proxy.cuts), 1);
    CHECK_STR(ask("SELECT count(*) FROM jobs WHERE text='arrived'"), "1");
    close_store(store);
    proxy_stop(&proxy);
}

/* A claim whose answer is lost is ours, or nobody's; never half. */
TEST(cut, a_claim_whose_answer_is_lost_is_ours)
{
    static struct proxy proxy;
    struct run run;
    struct store_job job = {0};
    struct store *store = given_run(&proxy, &run);
    CHECK_OK(store->does->jobs->queue(store, &run, "prod", "a claim", &err), &err);
    cut_when(&proxy, "COMMIT", true);
    CHECK_OK(store->does->jobs->claim(store, arena, 8, &job, &err), &err);
    CHECK_INT(atomic_load(&proxy.cuts), 1);
    CHECK_INT(job.run_id, run.id);
    CHECK_STR(ask("SELECT count(*) FROM jobs WHERE epoch<>0 AND text='a claim'"), "1");
    close_store(store);
    proxy_stop(&proxy);
}

/* -------------------------------------------------------------------- news */

/* True: news came. A wait that nobody ends would be an hour. */
static bool hears(struct store *store, int64_t most_ms)
{
    struct store_await wait = {.most_ms = most_ms, .deaf_ms = 1, .bell = -1};
    bool look = false;
    CHECK_OK(store->does->jobs->await(store, &wait, &look, &err), &err);
    return look;
}

static int64_t given_job(struct store *store, const struct table *table, const char *text)
{
    struct run run = {.table_id = table->id, .kind = "run", .cause = "person", .who = "ann"};
    CHECK_OK(store->does->jobs->queue(store, &run, "prod", text, &err), &err);
    return run.id;
}

#define HOUR_MS 3600000

TEST(news, what_makes_work_for_others_is_heard_by_them)
{
    struct table table;
    struct store_job job;
    struct store *store = given_store(server_url()), *other = NULL;
    given_table(store, &table);
    CHECK_OK(store->does->open_another(store, false, &other, &err), &err);
    CHECK(hears(other, HOUR_MS)); /* from here on; what was before is to be looked for */
    CHECK(!hears(other, 1));
    int64_t first = given_job(store, &table, "a");
    CHECK(hears(other, HOUR_MS));
    CHECK_OK(other->does->jobs->claim(other, arena, 8, &job, &err), &err);
    CHECK_INT(job.run_id, first);
    CHECK(!hears(other, 1)); /* a claim leaves less to do */
    CHECK_OK(store->does->jobs->stop(store, first, &err), &err);
    CHECK(hears(other, HOUR_MS));
    CHECK_OK(store->does->jobs->give_back(store, first, &err), &err);
    CHECK(hears(other, HOUR_MS));
    CHECK_OK(store->does->jobs->done(store, first, &err), &err); /* the table is free for others */
    CHECK(hears(other, HOUR_MS));
    CHECK(!hears(other, 1));
    close_store(other);
    close_store(store);
}

static void *queue_one(void *ctx)
{
    struct store *store = ctx;
    struct run run = {.table_id = 1, .kind = "run", .cause = "person", .who = "ann"};
    struct err ignored = {0};
    (void)store->does->jobs->queue(store, &run, "prod", "while it waits", &ignored);
    return NULL;
}

TEST(news, ends_a_wait_that_is_under_way)
{
    pthread_t thread;
    struct store *store = given_store(server_url()), *other = NULL;
    CHECK_OK(store->does->open_another(store, false, &other, &err), &err);
    CHECK(hears(other, HOUR_MS));
    CHECK_INT(pthread_create(&thread, NULL, queue_one, store), 0);
    CHECK(hears(other, HOUR_MS));
    pthread_join(thread, NULL);
    CHECK_STR(ask("SELECT count(*) FROM jobs WHERE text='while it waits'"), "1");
    close_store(other);
    close_store(store);
}

/* Its connection went: it says look, for news may have been missed, and listens on the new one. */
TEST(news, whose_connection_was_lost_looks_and_listens_again)
{
    struct table table;
    struct store_job job;
    static struct proxy proxy;
    proxy_start(&proxy);
    struct store *store = given_store(server_url()), *other = NULL;
    given_table(store, &table);
    struct store_open options = {.world = world_real()};
    char *address = arena_printf(arena, "%s&workspace=%s", proxy_url(&proxy), workspace);
    CHECK_OK(postgres_store_open(address, &options, &other, &err), &err);
    CHECK(hears(other, HOUR_MS));
    cut_when(&proxy, "FROM jobs", false);
    CHECK_FAIL(other->does->jobs->claim(other, arena, 8, &job, &err), &err, ERR_STORE_LOST);
    err = (struct err){0};
    int64_t missed = given_job(store, &table, "missed");
    CHECK(hears(other, HOUR_MS));
    CHECK_OK(other->does->jobs->claim(other, arena, 8, &job, &err), &err);
    CHECK_INT(job.run_id, missed);
    CHECK_OK(store->does->jobs->stop(store, missed, &err), &err);
    CHECK(hears(other, HOUR_MS));
    close_store(other);
    close_store(store);
    proxy_stop(&proxy);
}

/* A job that nobody told of is found by looking. */
TEST(news, that_never_came_loses_no_job)
{
    struct table table;
    struct store_job job;
    struct store *store = given_store(server_url());
    given_table(store, &table);
    CHECK(hears(store, HOUR_MS));
    int64_t run = given_job(store, &table, "a");
    CHECK(hears(store, HOUR_MS));
    ask(arena_printf(arena, "UPDATE jobs SET text='b' WHERE run_id=%lld", (long long)run));
    CHECK(!hears(store, 1));
    CHECK_OK(store->does->jobs->claim(store, arena, 8, &job, &err), &err);
    CHECK_STR(job.text, "b");
    close_store(store);
}

/* ------------------------------------------------------------------ watching */

static struct watched {
    pthread_mutex_t lock;
    pthread_cond_t news;
    int tables, runs, rows, many, any;
    int64_t table_id, run_id, last_row;
} watched = {.lock = PTHREAD_MUTEX_INITIALIZER, .news = PTHREAD_COND_INITIALIZER};

static void see(void *ctx, const struct store_change *change)
{
    struct watched *w = ctx;
    pthread_mutex_lock(&w->lock);
    w->tables += change->noun == NOUN_TABLE;
    w->runs += change->noun == NOUN_RUN;
    w->rows += (int)change->row_count;
    w->many += change->many;
    w->any += change->noun == NOUN_ANY;
    w->table_id = change->table_id;
    if (change->noun == NOUN_RUN)
        w->run_id = change->id;
    if (change->row_count)
        w->last_row = change->rows[change->row_count - 1];
    pthread_cond_broadcast(&w->news);
    pthread_mutex_unlock(&w->lock);
}

static void watch_from(struct store *store)
{
    watched.tables = watched.runs = watched.rows = watched.many = watched.any = 0;
    store->does->watch(store, &(struct store_watch){see, &watched});
}

/* Until it has come so often. */
static void wait_until(const int *count, int times)
{
    pthread_mutex_lock(&watched.lock);
    while (*count < times)
        pthread_cond_wait(&watched.news, &watched.lock);
    pthread_mutex_unlock(&watched.lock);
}

static void import_rows(struct store *store, const struct table *table, int from, int count)
{
    struct import_counts counts = {0};
    struct row_in *rows = arena_array(arena, (size_t)count, sizeof *rows);
    struct value *name = arena_array(arena, (size_t)count, sizeof *name);
    for (int i = 0; i < count; i++) {
        const char *text = arena_printf(arena, "Row %d", from + i);
        name[i] = (struct value){text, (uint32_t)strlen(text)};
        rows[i] = (struct row_in){.key = text, .stamp = "1", .values = &name[i]};
    }
    struct import_page page = {.table_id = table->id,
                               .slots = (const int[]){table->columns[0].slot},
                               .slot_count = 1,
                               .rows = rows,
                               .row_count = (size_t)count,
                               .update_existing = true};
    CHECK_OK(store->does->import_page(store, &page, &counts, &err), &err);
    CHECK_INT(counts.added, count);
}

TEST(watch, of_one_process_hears_what_another_changed)
{
    struct table table;
    struct store *here = given_store(server_url()), *there = given_store(server_url());
    given_table(here, &table);
    watch_from(here);
    struct run run = {.table_id = table.id, .kind = "run", .cause = "person", .who = "ann"};
    CHECK_OK(there->does->run_begin(there, &run, &err), &err);
    wait_until(&watched.runs, 1);
    CHECK_INT(watched.run_id, run.id);
    CHECK_INT(watched.table_id, table.id);
    import_rows(there, &table, 0, 3);
    wait_until(&watched.rows, 3);
    CHECK_INT(watched.last_row, 3);
    CHECK_INT(watched.many, 0);
    import_rows(there, &table, 3, 600); /* more than are named */
    wait_until(&watched.many, 1);
    CHECK_INT(watched.rows, 3);
    CHECK_INT(watched.any, 0);
    here->does->watch(here, NULL);
    close_store(there);
    close_store(here);
}

/* And what was rolled back nobody hears. */
TEST(watch, hears_of_its_own_process_once)
{
    struct table table;
    struct store *here = given_store(server_url()), *there = given_store(server_url());
    given_table(here, &table);
    watch_from(here);
    CHECK_OK(here->does->table_set_auto_update(here, table.id, false, &err), &err);
    CHECK_INT(watched.tables, 1); /* at once, by this thread */
    CHECK_FAIL(there->does->run_end(there, 99999, RUN_DONE, "{}", NULL, &err), &err, ERR_NOT_FOUND);
    err = (struct err){0};
    CHECK_OK(there->does->table_set_auto_update(there, table.id, true, &err), &err);
    wait_until(&watched.tables, 2);
    import_rows(there, &table, 0, 1);
    wait_until(&watched.rows, 1); /* what was said before has come by now */
    CHECK_INT(watched.tables, 2);
    CHECK_INT(watched.runs, 0);
    close_store(there);
    close_store(here); /* while it watches */
}

TEST(watch, that_lost_its_connection_says_so_and_goes_on)
{
    struct table table;
    struct store *here = given_store(server_url()), *there = given_store(server_url());
    given_table(here, &table);
    watch_from(here);
    CHECK(atoi(ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                   " WHERE query LIKE 'LISTEN argil_news%'")) == 1);
    wait_until(&watched.any, 1);
    CHECK_OK(there->does->table_set_auto_update(there, table.id, false, &err), &err);
    wait_until(&watched.tables, 1);
    ask("SELECT pg_notify('argil_news_' || ws, '999 no such thing') FROM argil_workspaces ORDER BY ws DESC LIMIT 1");
    wait_until(&watched.any, 2); /* what it cannot read may be anything */
    here->does->watch(here, NULL);
    close_store(there);
    close_store(here);
}

/* ------------------------------------------------------------------ put back */

static void shell(const char *command)
{
    CHECK_INT(system(command), 0);
}

/* pg_dump of what is ours, the schema dropped, and psql. */
TEST(lineage, tables_put_back_from_a_dump_hold_every_connection)
{
    struct store_hold hold;
    struct connection connection = {.name = "prod",
                                    .connector = "salesforce",
                                    .environment = "local",
                                    .org_id = "00D000000000001EAA",
                                    .status = "connected"};
    const char *host = strstr(server_url(), "host=") + 5;
    const char *at = arena_printf(arena, "-h '%.*s' -U argil", (int)strcspn(host, "&"), host);
    const char *dump = arena_printf(arena, "/tmp/argil-dump-%ld.sql", (long)getpid());
    struct store *store = given_store(server_url());
    CHECK_OK(store->does->connection_put(store, &connection, &err), &err);
    int64_t epoch = store->epoch;
    CHECK(!store->found_copy);
    close_store(store);
    store = given_store(server_url());
    CHECK(!store->found_copy);
    CHECK_INT(store->epoch, epoch + 1);
    shell(arena_printf(arena, "pg_dump %s -n argil -f %s postgres", at, dump)); /* it is a member in there */
    close_store(store);
    ask("DROP SCHEMA argil CASCADE");
    shell(arena_printf(arena, "psql %s -q -v ON_ERROR_STOP=1 -f %s postgres >/dev/null", at, dump));
    remove(dump);
    store = given_store(server_url());
    CHECK(store->found_copy != NULL);
    CHECK(store->epoch > epoch + 1000000);
    CHECK_OK(store->does->holds->get(store, arena, connection.id, &hold, &err), &err);
    CHECK_INT(hold.connection_id, connection.id);
    CHECK_INT(hold.released_ms, 0);
    CHECK_STR(hold.why, store->found_copy);
    CHECK_STR(audit_lines("connections held"), "1");
    CHECK_STR(ask("SELECT count(*) FROM argil_members WHERE ws=(SELECT max(ws) FROM argil_workspaces)"), "1");
    epoch = store->epoch;
    close_store(store);
    store = given_store(server_url()); /* once is enough */
    CHECK(!store->found_copy);
    CHECK_INT(store->epoch, epoch + 1);
    close_store(store);
}

/* ---------------------------------------------------------------- statements */

TEST(statements, as_one_text_that_add_to_a_counting_table_are_refused_clearly)
{
    struct store *store = given_store(server_url());
    struct sq *sq = sq_of(store);
    CHECK_OK(sq_begin(sq, &err), &err);
    enum status rc = sq_exec(sq, "INSERT INTO runs(table_id,kind,cause) VALUES(1,'run','person')", &err);
    CHECK_FAIL(sq_end(sq, rc, &err), &err, ERR_INVALID);
    CHECK(strstr(err.message, "runs") != NULL);
    err = (struct err){0};
    CHECK_OK(store->does->audit_add(store, "ann", "after a refusal", "{}", &err), &err);
    CHECK_STR(audit_lines("after a refusal"), "1");
    close_store(store);
}

/* The schema goes forward whole or not at all. */
TEST(cut, a_migration_in_the_middle_is_done_again)
{
    static struct proxy proxy;
    struct store *store = NULL;
    proxy_start(&proxy);
    ask("DROP SCHEMA IF EXISTS argil CASCADE");
    struct store_open options = {.create = true, .schema = 2, .world = world_real()};
    char *address = arena_printf(arena, "%s&workspace=%s", proxy_url(&proxy), workspace);
    CHECK_OK(postgres_store_open(address, &options, &store, &err), &err);
    close_store(store);
    options.schema = 0;
    cut_when(&proxy, "CREATE TABLE sources", true); /* steps before it are done by then */
    CHECK_FAIL(postgres_store_open(address, &options, &store, &err), &err, ERR_STORE_LOST);
    CHECK_INT(atomic_load(&proxy.cuts), 1);
    CHECK_STR(ask("SELECT version FROM argil_schema"), "2");
    CHECK_STR(ask("SELECT coalesce(to_regclass('argil.users')::text,'none')"), "none");
    err = (struct err){0};
    CHECK_OK(postgres_store_open(address, &options, &store, &err), &err);
    CHECK(atoi(ask("SELECT version FROM argil_schema")) > 2);
    close_store(store);
    proxy_stop(&proxy);
}
