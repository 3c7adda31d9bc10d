/* news.c - what the other processes of a workspace changed, for those who watch (store.h).
 *
 * What a transaction changed goes out in it, by NOTIFY on a channel of the workspace: it is
 * told if, and only if, the change is stored, and costs no exchange of its own. A process that
 * watches has a thread with a connection that listens. It passes over what its own process
 * said, whose watch heard it already. When that connection is lost it listens again, and says
 * that anything may have changed: NOUN_ANY.
 *
 * What a text is: news_text.h. A server without NOTIFY (some distributed ones) is found out when
 * a process joins; then pages hear of their own process alone. */
#include "store/postgres/news_text.h"
#include "store/postgres/postgres_priv.h"

#include "base/mem.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define TEXT_MOST 7900 /* PostgreSQL takes less than 8000 bytes */
#define ROWS_TEXT 6000 /* of one note; more rows than fit are many */
#define AGAIN_MS  1000

struct pg_ear {
    pthread_t thread;
    atomic_bool stop;
    int bell; /* ends the wait; an eventfd */
    struct pg_link *link;
    int64_t ws;
    struct store_watch watch;
    PGconn *conn;
};

/* ----------------------------------------------------------------- telling */

static void put_rows(struct buf *out, const struct sq_note *note)
{
    struct buf rows = BUF_INIT;
    for (size_t i = 0; i < note->rows.len && !note->many && rows.len <= ROWS_TEXT; i++)
        buf_printf(&rows, "%s%lld", i ? "," : "", (long long)note->rows.at[i]);
    buf_printf(out, ":%s", note->many || rows.len > ROWS_TEXT ? "*" : buf_text(&rows));
    buf_free(&rows);
}

static enum status send_text(struct postgres *pg, const struct buf *notes, struct err *err)
{
    struct buf sql = BUF_INIT;
    buf_printf(&sql, "NOTIFY argil_news_%lld, '%lld%s'", (long long)pg->ws,
               (long long)pg->sq.store.epoch, buf_text(notes));
    enum status rc = pg_send(pg, buf_text(&sql), err);
    buf_free(&sql);
    return rc;
}

enum status pg_send_news(struct postgres *pg, struct err *err)
{
    struct buf notes = BUF_INIT, one = BUF_INIT;
    enum status rc = OK;
    for (size_t i = 0; rc == OK && i < pg->sq.notes.len && pg->link->spreads; i++) {
        const struct sq_note *note = &pg->sq.notes.at[i];
        buf_clear(&one);
        buf_printf(&one, " %d:%lld:%lld", (int)note->noun, (long long)note->table_id,
                   (long long)note->id);
        if (note->noun == NOUN_ROWS)
            put_rows(&one, note);
        if (notes.len + one.len > TEXT_MOST - 24) {
            rc = send_text(pg, &notes, err);
            buf_clear(&notes);
        }
        buf_append(&notes, one.data, one.len);
    }
    if (rc == OK && notes.len)
        rc = send_text(pg, &notes, err);
    buf_free(&notes);
    buf_free(&one);
    return rc;
}

/* ----------------------------------------------------------------- hearing */

static void say_anything(struct pg_ear *ear)
{
    struct store_change any = {.noun = NOUN_ANY};
    ear->watch.changed(ear->watch.ctx, &any);
}

static void pass_on(struct pg_ear *ear, const char *text)
{
    struct arena *arena = arena_new();
    struct store_change change;
    int64_t epoch;
    bool good = news_sender(&text, &epoch);
    bool ours = good && epoch == atomic_load(&ear->link->epoch);
    while (good && !ours && *text == ' ') {
        good = news_next(arena, &text, &change);
        if (good)
            ear->watch.changed(ear->watch.ctx, &change);
    }
    if (!good || (!ours && *text))
        say_anything(ear); /* of a newer argil, say */
    arena_free(arena);
}

static bool listen_now(struct pg_ear *ear)
{
    char sql[64];
    snprintf(sql, sizeof sql, "LISTEN argil_news_%lld", (long long)ear->ws);
    PQfinish(ear->conn);
    ear->conn = pg_dial(ear->link);
    PGresult *result = PQstatus(ear->conn) == CONNECTION_OK ? PQexec(ear->conn, sql) : NULL;
    bool good = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    return good;
}

static void wait_for_any(struct pg_ear *ear, int most_ms)
{
    struct pollfd both[] = {{.fd = ear->bell, .events = POLLIN},
                            {.fd = most_ms < 0 ? PQsocket(ear->conn) : -1, .events = POLLIN}};
    (void)poll(both, 2, most_ms);
}

/* Until it is lost, or to stop. */
static void hear(struct pg_ear *ear)
{
    PGnotify *one;
    while (!atomic_load(&ear->stop) && PQconsumeInput(ear->conn)) {
        while ((one = PQnotifies(ear->conn))) {
            pass_on(ear, one->extra);
            PQfreemem(one);
        }
        wait_for_any(ear, -1);
    }
}

static void *ear_main(void *ctx)
{
    struct pg_ear *ear = ctx;
    if (PQstatus(ear->conn) == CONNECTION_OK)
        hear(ear);
    while (!atomic_load(&ear->stop)) {
        if (listen_now(ear)) {
            say_anything(ear);
            hear(ear);
        } else {
            wait_for_any(ear, AGAIN_MS);
        }
    }
    return NULL;
}

/* ------------------------------------------------------- starting, ending */

static void ear_free(struct pg_ear *ear)
{
    PQfinish(ear->conn);
    close(ear->bell);
    free(ear);
}

void pg_hear(struct sq *sq, const struct store_watch *watch)
{
    struct pg_link *link = pg_of(sq)->link;
    struct pg_ear *ear = link->ear;
    link->ear = NULL;
    if (ear) {
        uint64_t ring = 1;
        atomic_store(&ear->stop, true);
        if (write(ear->bell, &ring, sizeof ring) < 0)
            ring = 0; /* cannot be full: it is rung once */
        pthread_join(ear->thread, NULL);
        ear_free(ear);
    }
    if (!watch || !link->spreads)
        return;
    ear = mem_alloc(sizeof *ear);
    *ear = (struct pg_ear){.link = link, .ws = pg_of(sq)->ws, .watch = *watch, .bell = eventfd(0, EFD_CLOEXEC)};
    (void)listen_now(ear); /* before anybody can ask for what it would tell of; else the thread tries */
    if (ear->bell >= 0 && pthread_create(&ear->thread, NULL, ear_main, ear) == 0)
        link->ear = ear;
    else
        ear_free(ear);
}

/* A command of one transaction that says nothing to nobody. */
bool pg_can_spread(struct postgres *pg)
{
    PQexitPipelineMode(pg->conn);
    PGresult *result = PQexec(pg->conn, "NOTIFY argil_none");
    bool can = PQresultStatus(result) == PGRES_COMMAND_OK;
    PQclear(result);
    PQenterPipelineMode(pg->conn);
    return can;
}
