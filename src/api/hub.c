/* hub.c - what changed, told to every open page.
 *
 * The store and the workers report changes from any thread; they are collected
 * and, a tenth of a second after the first, told as events by a thread of ours.
 * So two hundred changed cells are one event with two hundred row numbers, and
 * nobody who writes waits for somebody who reads. Events name things; a page asks
 * for what it shows of them, and its rights are checked there.
 *
 * An event's id is "<boot>-<number>". The last RING events are kept, as far as
 * RING_BYTES allow: a stream that comes back with a Last-Event-ID gets what it
 * missed, or, when that is gone (or from before a restart), the event "reset": ask
 * for everything again; likewise when the store has lost the thread of what other processes
 * change. Streams end after STREAM_MS and come back, so that who
 * reads is asked again who they are. */
#include "api/nouns.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#define RING            4096
#define RING_BYTES      (4 * MIB)
#define STREAM_BYTES    (256 * KIB) /* more waiting than this: the stream is ended */
#define STREAMS_MAX     2000
#define STREAMS_EACH    20 /* of one person */
#define TOGETHER_MS     100
#define ALIVE_MS        15000
#define STREAM_MS       ((int64_t)3600 * 1000)
#define ROWS_NAMED_MAX  1000

struct dirty_rows {
    int64_t table_id;
    bool many;
    VEC(int64_t) rows;
};
struct dirty_run {
    int64_t run_id, table_id;
    bool has_progress;
    struct work_progress progress;
};

struct seat_at {
    struct http_stream *stream;
    int64_t user_id, session_id, opened_ms; /* monotonic */
};

struct hub {
    struct world *world;
    pthread_mutex_t lock;
    pthread_cond_t news;
    pthread_t thread;
    bool closing, any; /* any: something waits to be told */
    bool missed;       /* it may be anything */
    char boot[16];
    uint64_t first, last; /* numbers of the oldest and newest event kept; last < first: none */
    size_t bytes;
    char *ring[RING];
    VEC(struct seat_at) streams;
    VEC(struct dirty_rows) rows;
    VEC(struct dirty_run) runs;
    VEC(int64_t) tables, connections, journals, plans, alerts; /* ids, each once */
};

/* ------------------------------------------------------------- collecting */

#define ADD_ONCE(list, id)                                                                         \
    do {                                                                                           \
        size_t at_ = 0;                                                                            \
        while (at_ < (list)->len && (list)->at[at_] != (id))                                       \
            at_++;                                                                                 \
        if (at_ == (list)->len)                                                                    \
            vec_push((list), (id));                                                                \
    } while (0)

static void add_rows(struct hub *hub, const struct store_change *change)
{
    struct dirty_rows *dirty = NULL;
    for (size_t i = 0; i < hub->rows.len && !dirty; i++)
        if (hub->rows.at[i].table_id == change->table_id)
            dirty = &hub->rows.at[i];
    if (!dirty) {
        vec_push(&hub->rows, ((struct dirty_rows){.table_id = change->table_id}));
        dirty = &hub->rows.at[hub->rows.len - 1];
    }
    dirty->many |= change->many || dirty->rows.len + change->row_count > ROWS_NAMED_MAX;
    for (size_t i = 0; i < change->row_count && !dirty->many; i++)
        ADD_ONCE(&dirty->rows, change->rows[i]);
}

static struct dirty_run *run_of(struct hub *hub, int64_t run_id, int64_t table_id)
{
    for (size_t i = 0; i < hub->runs.len; i++)
        if (hub->runs.at[i].run_id == run_id)
            return &hub->runs.at[i];
    vec_push(&hub->runs, ((struct dirty_run){.run_id = run_id, .table_id = table_id}));
    return &hub->runs.at[hub->runs.len - 1];
}

static void wake(struct hub *hub)
{
    hub->any = true;
    pthread_cond_signal(&hub->news);
}

static void drop_stream(struct hub *hub, size_t at)
{
    http_stream_close(hub->streams.at[at].stream);
    hub->streams.at[at] = hub->streams.at[--hub->streams.len];
}

static void end_streams(struct hub *hub, int64_t user_id, int64_t session_id)
{
    for (size_t i = hub->streams.len; i-- > 0;) {
        const struct seat_at *at = &hub->streams.at[i];
        if ((!user_id || at->user_id == user_id) && (!session_id || at->session_id == session_id))
            drop_stream(hub, i);
    }
}

static void on_change(void *ctx, const struct store_change *change)
{
    struct hub *hub = ctx;
    pthread_mutex_lock(&hub->lock);
    switch (change->noun) {
    case NOUN_ROWS:
        add_rows(hub, change);
        break;
    case NOUN_TABLE:
        ADD_ONCE(&hub->tables, change->table_id);
        break;
    case NOUN_RUN:
        run_of(hub, change->id, change->table_id);
        break;
    case NOUN_CONNECTION:
        ADD_ONCE(&hub->connections, change->id);
        break;
    case NOUN_OPERATION:
        ADD_ONCE(&hub->journals, change->table_id);
        break;
    case NOUN_PLAN:
        ADD_ONCE(&hub->plans, change->id);
        break;
    case NOUN_ALERT:
        ADD_ONCE(&hub->alerts, change->id);
        break;
    case NOUN_ACCESS: /* whoever may still come in comes back */
        end_streams(hub, change->id, change->table_id);
        break;
    case NOUN_ANY:
        hub->missed = true;
        break;
    }
    wake(hub);
    pthread_mutex_unlock(&hub->lock);
}

void hub_watch(struct hub *hub, struct store_watch *watch)
{
    *watch = (struct store_watch){on_change, hub};
}

void hub_progress(void *ctx, int64_t run_id, int64_t table_id, const struct work_progress *at)
{
    struct hub *hub = ctx;
    pthread_mutex_lock(&hub->lock);
    struct dirty_run *run = run_of(hub, run_id, table_id);
    run->has_progress = true;
    run->progress = *at;
    wake(hub);
    pthread_mutex_unlock(&hub->lock);
}

/* ----------------------------------------------------------------- telling */

static void broadcast(struct hub *hub, const char *text, size_t len)
{
    for (size_t i = hub->streams.len; i-- > 0;)
        if (!http_stream_send(hub->streams.at[i].stream, text, len))
            drop_stream(hub, i);
}

static void forget_oldest(struct hub *hub)
{
    char **slot = &hub->ring[hub->first++ % RING];
    hub->bytes -= strlen(*slot);
    free(*slot);
    *slot = NULL;
}

/* Keeps the event and tells it; `data` is JSON on one line. */
static void tell(struct hub *hub, const char *type, const struct buf *data)
{
    uint64_t number = ++hub->last;
    char *text = mem_printf("id: %s-%llu\nevent: %s\ndata: %s\n\n", hub->boot,
                            (unsigned long long)number, type, buf_text(data));
    size_t len = strlen(text);
    while (hub->first < number && (number - hub->first >= RING || hub->bytes + len > RING_BYTES))
        forget_oldest(hub);
    hub->ring[number % RING] = text;
    hub->bytes += len;
    broadcast(hub, text, len);
}

static void tell_rows(struct hub *hub, struct buf *data)
{
    for (size_t i = 0; i < hub->rows.len; i++) {
        struct dirty_rows *dirty = &hub->rows.at[i];
        struct jw w;
        buf_clear(data);
        jw_init(&w, data);
        jw_object(&w);
        jw_kv_int(&w, "table_id", dirty->table_id);
        jw_kv_bool(&w, "many", dirty->many);
        jw_key(&w, "rows");
        jw_array(&w);
        for (size_t k = 0; k < dirty->rows.len && !dirty->many; k++)
            jw_int(&w, dirty->rows.at[k]);
        jw_end_array(&w);
        jw_end_object(&w);
        vec_free(&dirty->rows);
        tell(hub, "rows", data);
    }
    vec_clear(&hub->rows);
}

static void tell_runs(struct hub *hub, struct buf *data)
{
    for (size_t i = 0; i < hub->runs.len; i++) {
        const struct dirty_run *run = &hub->runs.at[i];
        struct jw w;
        buf_clear(data);
        jw_init(&w, data);
        jw_object(&w);
        jw_kv_int(&w, "run_id", run->run_id);
        jw_kv_int(&w, "table_id", run->table_id);
        jw_key(&w, "progress");
        if (run->has_progress)
            progress_write(&w, &run->progress);
        else
            jw_null(&w);
        jw_end_object(&w);
        tell(hub, "run", data);
    }
    vec_clear(&hub->runs);
}

static void tell_ids(struct hub *hub, const char *type, const char *key, const int64_t *ids,
                     size_t count, struct buf *data)
{
    for (size_t i = 0; i < count; i++) {
        struct jw w;
        buf_clear(data);
        jw_init(&w, data);
        jw_object(&w);
        jw_kv_int(&w, key, ids[i]);
        jw_end_object(&w);
        tell(hub, type, data);
    }
}

static void tell_missed(struct hub *hub, struct buf *data)
{
    buf_clear(data);
    buf_printf(data, "{\"boot\":\"%s\"}", hub->boot);
    tell(hub, "reset", data);
    end_streams(hub, 0, 0); /* that somebody was signed out may have been missed, too */
    hub->missed = false;
}

static void tell_all(struct hub *hub)
{
    struct buf data = BUF_INIT;
    hub->any = false;
    tell_ids(hub, "table", "table_id", hub->tables.at, hub->tables.len, &data);
    tell_rows(hub, &data);
    tell_runs(hub, &data);
    tell_ids(hub, "connection", "connection_id", hub->connections.at, hub->connections.len, &data);
    tell_ids(hub, "journal", "table_id", hub->journals.at, hub->journals.len, &data);
    tell_ids(hub, "plan", "plan_id", hub->plans.at, hub->plans.len, &data);
    tell_ids(hub, "alert", "alert_id", hub->alerts.at, hub->alerts.len, &data);
    if (hub->missed)
        tell_missed(hub, &data);
    vec_clear(&hub->alerts);
    vec_clear(&hub->tables);
    vec_clear(&hub->connections);
    vec_clear(&hub->journals);
    vec_clear(&hub->plans);
    buf_free(&data);
}

static struct timespec in_ms(int64_t ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_nsec += ms * 1000000;
    at.tv_sec += at.tv_nsec / 1000000000;
    at.tv_nsec %= 1000000000;
    return at;
}

/* With the lock held, which waiting gives up meanwhile. */
static void wait_until(struct hub *hub, const struct timespec *until, bool for_news)
{
    while (!hub->closing && !(for_news && hub->any) &&
           pthread_cond_timedwait(&hub->news, &hub->lock, until) == 0)
        ;
}

static void end_old_streams(struct hub *hub)
{
    int64_t since = hub->world->monotonic_ms(hub->world) - STREAM_MS;
    for (size_t i = hub->streams.len; i-- > 0;)
        if (hub->streams.at[i].opened_ms < since)
            drop_stream(hub, i);
}

static void *hub_main(void *ctx)
{
    struct hub *hub = ctx;
    pthread_mutex_lock(&hub->lock);
    struct timespec alive = in_ms(ALIVE_MS);
    while (!hub->closing) {
        wait_until(hub, &alive, true);
        if (hub->closing)
            break;
        if (!hub->any) {
            end_old_streams(hub);
            broadcast(hub, ": alive\n\n", 9);
            alive = in_ms(ALIVE_MS);
            continue;
        }
        struct timespec together = in_ms(TOGETHER_MS);
        wait_until(hub, &together, false);
        tell_all(hub);
    }
    pthread_mutex_unlock(&hub->lock);
    return NULL;
}

/* ----------------------------------------------------------------- streams */

/* Sends what came after `last_id`; false when that cannot be known any more. */
static bool catch_up(struct hub *hub, struct http_stream *stream, const char *last_id)
{
    size_t len = strlen(hub->boot);
    if (strncmp(last_id, hub->boot, len) != 0 || last_id[len] != '-' ||
        strspn(last_id + len + 1, "0123456789") - 1 > 18) /* none, or too many */
        return false;
    char *end;
    uint64_t seen = strtoull(last_id + len + 1, &end, 10);
    if (*end || seen > hub->last || seen + 1 < hub->first)
        return false;
    for (uint64_t n = seen + 1; n <= hub->last; n++) {
        const char *text = hub->ring[n % RING];
        if (!http_stream_send(stream, text, strlen(text)))
            return true;
    }
    return true;
}

/* The first words: how long to wait before coming back, where the stream stands. */
static void greet(struct hub *hub, struct http_stream *stream, const char *last_id)
{
    char text[256];
    bool caught = last_id && catch_up(hub, stream, last_id);
    int len = snprintf(text, sizeof text, "retry: 2000\nid: %s-%llu\nevent: %s\ndata: {\"boot\":\"%s\"}\n\n",
                       hub->boot, (unsigned long long)hub->last,
                       last_id && !caught ? "reset" : "hello", hub->boot);
    http_stream_send(stream, text, (size_t)len);
}

static enum status room_for(struct hub *hub, int64_t user_id, struct err *err)
{
    size_t own = 0;
    for (size_t i = hub->streams.len; i-- > 0;)
        if (!http_stream_is_open(hub->streams.at[i].stream))
            drop_stream(hub, i);
    for (size_t i = 0; i < hub->streams.len; i++)
        own += hub->streams.at[i].user_id == user_id;
    if (hub->closing)
        return err_set(err, ERR_WORK_CLOSED, "the server is stopping");
    if (own < STREAMS_EACH && hub->streams.len < STREAMS_MAX)
        return OK;
    return err_set(err, ERR_TOO_MANY, "%zu event streams are open already",
                   own < STREAMS_EACH ? hub->streams.len : own);
}

enum status hub_join(struct hub *hub, struct call *call, const char *last_id, struct err *err)
{
    pthread_mutex_lock(&hub->lock);
    enum status rc = room_for(hub, call->person.user_id, err);
    if (rc == OK) {
        struct http_stream *stream = http_stream_new(call->in, call->out, STREAM_BYTES);
        greet(hub, stream, last_id);
        vec_push(&hub->streams,
                 ((struct seat_at){stream, call->person.user_id, call->person.session_id,
                                   hub->world->monotonic_ms(hub->world)}));
    }
    pthread_mutex_unlock(&hub->lock);
    return rc;
}

void hub_place(struct hub *hub, char out[HUB_PLACE_ROOM])
{
    pthread_mutex_lock(&hub->lock);
    snprintf(out, HUB_PLACE_ROOM, "%s-%llu", hub->boot, (unsigned long long)hub->last);
    pthread_mutex_unlock(&hub->lock);
}

void hub_part(struct hub *hub, int64_t user_id, int64_t session_id)
{
    pthread_mutex_lock(&hub->lock);
    end_streams(hub, user_id, session_id);
    pthread_mutex_unlock(&hub->lock);
}

size_t hub_count(struct hub *hub)
{
    pthread_mutex_lock(&hub->lock);
    size_t count = hub->streams.len;
    pthread_mutex_unlock(&hub->lock);
    return count;
}

/* ------------------------------------------------------- opening, closing */

struct hub *hub_new(struct world *world, struct err *err)
{
    struct hub *hub = mem_alloc(sizeof *hub);
    pthread_condattr_t monotonic;
    uint32_t dice;
    hub->world = world;
    hub->first = 1;
    world->random(world, &dice, sizeof dice);
    snprintf(hub->boot, sizeof hub->boot, "%08x", dice);
    pthread_mutex_init(&hub->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&hub->news, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&hub->thread, NULL, hub_main, hub) == 0)
        return hub;
    err_set(err, ERR_IO, "cannot start the thread for events");
    hub_free(hub);
    return NULL;
}

void hub_close(struct hub *hub)
{
    static const char farewell[] = "event: bye\ndata: {}\n\n";
    if (!hub)
        return;
    pthread_mutex_lock(&hub->lock);
    hub->closing = true;
    pthread_cond_signal(&hub->news);
    pthread_mutex_unlock(&hub->lock);
    pthread_join(hub->thread, NULL);
    pthread_mutex_lock(&hub->lock);
    broadcast(hub, farewell, sizeof farewell - 1);
    while (hub->streams.len)
        drop_stream(hub, hub->streams.len - 1);
    pthread_mutex_unlock(&hub->lock);
}

void hub_free(struct hub *hub)
{
    if (!hub)
        return;
    for (size_t i = 0; i < RING; i++)
        free(hub->ring[i]);
    for (size_t i = 0; i < hub->rows.len; i++)
        vec_free(&hub->rows.at[i].rows);
    vec_free(&hub->rows);
    vec_free(&hub->runs);
    vec_free(&hub->tables);
    vec_free(&hub->connections);
    vec_free(&hub->journals);
    vec_free(&hub->plans);
    vec_free(&hub->alerts);
    vec_free(&hub->streams);
    pthread_mutex_destroy(&hub->lock);
    pthread_cond_destroy(&hub->news);
    free(hub);
}
