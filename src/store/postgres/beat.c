/* beat.c - a process that is there says so, also while it has nothing to write.
 *
 * One thread a process, with a connection of its own: every quarter of
 * PG_MEMBER_MS it prolongs the membership. It stops with the process, be that
 * killed or only halted, and then the others may give the process up. */
#include "store/postgres/postgres_priv.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct pg_beat {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
    struct pg_link *link;
    int64_t ws;
};

/* True when it is to stop. */
static bool wait_a_while(struct pg_beat *beat)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PG_MEMBER_MS / 4000;
    pthread_mutex_lock(&beat->lock);
    while (!beat->stop && pthread_cond_timedwait(&beat->wake, &beat->lock, &until) == 0)
        continue;
    bool stop = beat->stop;
    pthread_mutex_unlock(&beat->lock);
    return stop;
}

/* A beat that is missed is made up by the next: four fit into the time. */
static void prolong(struct pg_beat *beat, PGconn **conn)
{
    char sql[240];
    if (!*conn || PQstatus(*conn) != CONNECTION_OK) {
        PQfinish(*conn);
        *conn = pg_dial(beat->link);
    }
    snprintf(sql, sizeof sql,
             "UPDATE argil.argil_members SET until_ms=" PG_NOW_MS "+%d WHERE ws=%lld AND epoch=%lld",
             PG_MEMBER_MS, (long long)beat->ws, (long long)atomic_load(&beat->link->epoch));
    PQclear(PQexec(*conn, sql));
}

static void *run(void *ctx)
{
    struct pg_beat *beat = ctx;
    PGconn *conn = NULL;
    while (!wait_a_while(beat))
        prolong(beat, &conn);
    PQfinish(conn);
    return NULL;
}

struct pg_beat *pg_beat_start(struct pg_link *link, int64_t ws)
{
    struct pg_beat *beat = mem_alloc(sizeof *beat);
    pthread_condattr_t monotonic;
    *beat = (struct pg_beat){.link = link, .ws = ws};
    pthread_mutex_init(&beat->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&beat->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&beat->thread, NULL, run, beat) == 0)
        return beat;
    pthread_cond_destroy(&beat->wake);
    pthread_mutex_destroy(&beat->lock);
    free(beat);
    return NULL; /* then whoever writes rarely may be given up: safe, and said so */
}

void pg_beat_stop(struct pg_beat *beat)
{
    if (!beat)
        return;
    pthread_mutex_lock(&beat->lock);
    beat->stop = true;
    pthread_cond_signal(&beat->wake);
    pthread_mutex_unlock(&beat->lock);
    pthread_join(beat->thread, NULL);
    pthread_cond_destroy(&beat->wake);
    pthread_mutex_destroy(&beat->lock);
    free(beat);
}
