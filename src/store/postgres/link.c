/* link.c - connecting to PostgreSQL by a URL, and again when the connection was lost.
 *
 * The URL is libpq's (https://www.postgresql.org/docs/current/libpq-connect.html),
 * with one parameter of ours, `workspace`. Its password is taken out at once and
 * kept as a secret; what is printed is scheme, host, port and database only. */
#include "store/postgres/postgres_priv.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define LOST_TRIES   40
#define LOST_WAIT_MS 500

/* --------------------------------------------------------------------- url */

/* The URL without `workspace=..`, which goes to *workspace. Yours to free. */
static char *take_workspace(const char *url, char **workspace)
{
    const char *at = strchr(url, '?');
    while (at && strncmp(at + 1, "workspace=", 10) != 0)
        at = strchr(at + 1, '&');
    if (!at)
        return mem_strdup(url);
    const char *value = at + 11;
    size_t len = strcspn(value, "&");
    *workspace = mem_printf("%.*s", (int)len, value);
    if (!value[len])
        return mem_printf("%.*s", (int)(at - url), url);
    return mem_printf("%.*s%s", (int)(at + 1 - url), url, value + len + 1);
}

static const char *setting(const struct pg_link *link, const char *name)
{
    for (size_t i = 0; link->names[i]; i++)
        if (strcmp(link->names[i], name) == 0)
            return link->values[i];
    return NULL;
}

static void keep_settings(struct pg_link *link, const PQconninfoOption *options)
{
    size_t count = 0, kept = 0;
    while (options[count].keyword)
        count++;
    link->names = mem_alloc((count + 1) * sizeof *link->names);
    link->values = mem_alloc((count + 1) * sizeof *link->values);
    for (size_t i = 0; i < count; i++) {
        const PQconninfoOption *option = &options[i];
        if (!option->val)
            continue;
        if (strcmp(option->keyword, "password") == 0) {
            secret_set(&link->password, option->val, strlen(option->val));
            explicit_bzero(option->val, strlen(option->val));
            continue;
        }
        link->names[kept] = mem_strdup(option->keyword);
        link->values[kept++] = mem_strdup(option->val);
    }
}

struct pg_link *pg_link_open(const char *url, struct err *err)
{
    struct pg_link *link = mem_alloc(sizeof *link);
    char *rest = take_workspace(url, &link->workspace);
    /* its message would repeat the URL, password and all */
    PQconninfoOption *options = PQconninfoParse(rest, NULL);
    explicit_bzero(rest, strlen(rest));
    free(rest);
    if (!options) {
        free(link->workspace);
        free(link);
        err_set(err, ERR_INVALID, "the address of the store is not a PostgreSQL URL");
        err_hint(err, "It looks like postgresql://user@host:5432/database; the password is better "
                      "kept in ~/.pgpass or PGPASSWORD.");
        return NULL;
    }
    atomic_store(&link->users, 1);
    keep_settings(link, options);
    PQconninfoFree(options);
    const char *host = setting(link, "host"), *port = setting(link, "port"),
               *database = setting(link, "dbname");
    link->place = mem_printf("postgresql://%s%s%s/%s", host ? host : "", port ? ":" : "",
                             port ? port : "", database ? database : "");
    return link;
}

struct pg_link *pg_link_join(struct pg_link *link)
{
    atomic_fetch_add(&link->users, 1);
    return link;
}

void pg_link_leave(struct pg_link *link)
{
    if (!link || atomic_fetch_sub(&link->users, 1) > 1)
        return;
    for (size_t i = 0; link->names[i]; i++) {
        free(link->names[i]);
        free(link->values[i]);
    }
    free(link->names);
    free(link->values);
    secret_wipe(&link->password);
    free(link->workspace);
    free(link->place);
    free(link);
}

#define SEATS 64

int pg_take_seat(struct pg_link *link)
{
    uint64_t taken = atomic_load(&link->seats);
    while (~taken) {
        int seat = __builtin_ctzll(~taken);
        if (atomic_compare_exchange_weak(&link->seats, &taken, taken | UINT64_C(1) << seat))
            return seat;
    }
    return SEATS + atomic_fetch_add(&link->more_seats, 1);
}

void pg_leave_seat(struct pg_link *link, int seat)
{
    if (seat < SEATS)
        atomic_fetch_and(&link->seats, ~(UINT64_C(1) << seat));
}

/* -------------------------------------------------------------- connecting */

static void say_nothing(void *ctx, const char *message)
{
    (void)ctx;
    (void)message; /* "relation exists, skipping" */
}

PGconn *pg_dial(const struct pg_link *link)
{
    size_t count = 0;
    while (link->names[count])
        count++;
    const char **names = mem_alloc((count + 10) * sizeof *names);
    const char **values = mem_alloc((count + 10) * sizeof *values);
    memcpy(names, link->names, count * sizeof *names);
    memcpy(values, link->values, count * sizeof *values);
    const char *ours[][2] = {{"application_name", "argil"},
                             {"client_encoding", "UTF8"},
                             {"connect_timeout", "10"},
                             {"keepalives_idle", "10"}, /* a host that is gone says nothing */
                             {"keepalives_interval", "3"},
                             {"keepalives_count", "3"},
                             {"tcp_user_timeout", "20000"},
                             {secret_is_set(&link->password) ? "password" : NULL,
                              secret_reveal(&link->password)}};
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (ours[i][0] && !setting(link, ours[i][0])) {
            names[count] = ours[i][0];
            values[count++] = ours[i][1];
        }
    PGconn *conn = PQconnectdbParams(names, values, 0);
    PQsetNoticeProcessor(conn, say_nothing, NULL);
    free(names);
    free(values);
    return conn;
}

/* Commits are synced (W1). Who holds the workspace's lock and hangs, or whose host is gone
 * without a word, does not hold others for ever: the server ends it. */
static const char settings[] =
    "SET search_path=argil; SET synchronous_commit=on; SET lock_timeout='60s';"
    "SET idle_in_transaction_session_timeout=%d; SET client_min_messages=warning;"
    "SET tcp_keepalives_idle=5; SET tcp_keepalives_interval=2; SET tcp_keepalives_count=3;"
    "SET standard_conforming_strings=on; SET jit=off; SET TimeZone='UTC'; SET DateStyle='ISO'";
#define HANGS_MS_MOST 60000 /* those who wait have lock_timeout */

static enum status lost(struct postgres *pg, const char *why, struct err *err)
{
    err_set(err, ERR_STORE_LOST, "connecting to %s: %.*s", pg->link->place,
            (int)strcspn(why, "\n"), why);
    err_hint(err, "Is PostgreSQL running there, and may this user connect? Try: psql with the same "
                  "address.");
    return FAIL;
}

void pg_disconnect(struct postgres *pg)
{
    pg_forget_statements(pg);
    PQfinish(pg->conn);
    pg->conn = NULL;
    pg->listens = false;
    pg_forget_pending(pg);
    pg->in_transaction = false;
}

enum status pg_connect(struct postgres *pg, struct err *err)
{
    pg_disconnect(pg);
    pg->conn = pg_dial(pg->link);
    if (PQstatus(pg->conn) != CONNECTION_OK)
        return lost(pg, PQerrorMessage(pg->conn), err);
    if (PQserverVersion(pg->conn) < 130000)
        return err_set(err, ERR_INVALID, "%s is PostgreSQL %d: argil needs 13 or later",
                       pg->link->place, PQserverVersion(pg->conn) / 10000);
    char set[sizeof settings + 16];
    snprintf(set, sizeof set, settings, PG_MEMBER_MS < HANGS_MS_MOST ? PG_MEMBER_MS : HANGS_MS_MOST);
    PGresult *result = PQexec(pg->conn, set);
    enum status rc = PQresultStatus(result) == PGRES_COMMAND_OK
                         ? OK
                         : pg_fail(pg, result, "preparing the connection", err);
    PQclear(result);
    if (rc == OK && !PQenterPipelineMode(pg->conn))
        return lost(pg, PQerrorMessage(pg->conn), err);
    return rc;
}

/* A server that closed an idle connection is only noticed by looking. */
static bool is_there(struct postgres *pg)
{
    char byte;
    if (!pg->conn || PQstatus(pg->conn) != CONNECTION_OK)
        return false;
    return PQsslInUse(pg->conn) || recv(PQsocket(pg->conn), &byte, 1, MSG_PEEK | MSG_DONTWAIT) != 0;
}

enum status pg_be_connected(struct postgres *pg, struct err *err)
{
    if (pg->in_transaction || is_there(pg))
        return OK;
    for (int i = 1; pg_connect(pg, err) != OK; i++) {
        if (i == LOST_TRIES || !err || !err_is(err, ERR_STORE_LOST))
            return FAIL;
        world_real()->sleep_ms(world_real(), LOST_WAIT_MS); /* the network is the machine's */
    }
    if (err)
        *err = (struct err){0};
    return OK;
}
