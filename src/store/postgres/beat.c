/* beat.c - a process that is there says so, also while it has nothing to write.
 *
 * One thread a process, with a connection of its own. That connection holds a lock
 * with the process's epoch as its number: when the process dies, the server lets the
 * lock go, and the others know at once. And every quarter of PG_MEMBER_MS the thread
 * prolongs the membership: when the process is only halted, or cut off, that stops,
 * and the others may give it up. */
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
    PGconn *conn;
    int64_t ws, locked; /* the epoch that conn has the lock of */
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
static void prolong(struct pg_beat *beat)
{
    char sql[240];
    int64_t epoch = atomic_load(&beat->link->epoch);
    if (PQstatus(beat->conn) != CONNECTION_OK) {
        PQfinish(beat->conn);
        beat->conn = pg_dial(beat->link);
        beat->locked = 0;
    }
    if (beat->locked != epoch) {
        snprintf(sql, sizeof sql, "SELECT pg_try_advisory_lock(%lld)",
                 (long long)(beat->ws * PG_LOCK_OF_WS + epoch));
        PQclear(PQexec(beat->conn, sql));
        beat->locked = epoch;
    }
    snprintf(sql, sizeof sql,
             "UPDATE argil.argil_members SET until_ms=" PG_NOW_MS "+%d WHERE ws=%lld AND epoch=%lld",
             PG_MEMBER_MS, (long long)beat->ws, (long long)epoch);
    PQclear(PQexec(beat->conn, sql));
}

static void *run(void *ctx)
{
    struct pg_beat *beat = ctx;
    while (!wait_a_while(beat))
        prolong(beat);
    return NULL;
}

struct pg_beat *pg_beat_start(struct pg_link *link, int64_t ws)
{
    struct pg_beat *beat = mem_alloc(sizeof *beat);
    pthread_condattr_t monotonic;
    *beat = (struct pg_beat){.link = link, .ws = ws};
    beat->conn = pg_dial(link);
    prolong(beat); /* it has the lock before anybody can see the member */
    pthread_mutex_init(&beat->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&beat->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&beat->thread, NULL, run, beat) == 0)
        return beat;
    PQfinish(beat->conn);
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
    PQfinish(beat->conn);
    pthread_cond_destroy(&beat->wake);
    pthread_mutex_destroy(&beat->lock);
    free(beat);
}
