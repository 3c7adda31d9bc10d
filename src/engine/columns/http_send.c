/* http_send.c - the requests of a batch, a few at a time, at the asked rates. See http_batch.h.
 *
 * In rounds: first the first page of every row, then the next page (or the address of a redirect)
 * of those that have one, and so on. The rate of the column is kept over all rounds; the rate of a
 * host is kept in the store, because other columns and other processes ask there, too. */
#include "engine/columns/http_batch.h"

#include "base/str.h"
#include "store/store_http.h"

#include <stdlib.h>
#include <string.h>

struct rate {
    int requests; /* 0 = no limit */
    int64_t per_ms;
};

struct sending {
    struct column_batch *batch;
    struct rate column, host;
    size_t parallel;
    int64_t began; /* monotonic */
    size_t sent;   /* since */
};

static struct rate rate_of(const struct column_batch *batch, const char *option)
{
    struct rate rate = {0};
    if (!rate_parse(json_get_text(batch->config, option), &rate.requests, &rate.per_ms))
        rate.requests = 0;
    return rate;
}

static size_t at_most(size_t n, struct rate rate)
{
    return rate.requests && (size_t)rate.requests < n ? (size_t)rate.requests : n;
}

static void sending_begin(struct sending *s, struct column_batch *batch)
{
    struct world *world = batch->job->engine->world;
    *s = (struct sending){.batch = batch,
                          .column = rate_of(batch, "rate_limit"),
                          .host = rate_of(batch, "host_rate_limit"),
                          .began = world->monotonic_ms(world)};
    size_t parallel = (size_t)json_get_int(batch->config, "concurrency", 8);
    s->parallel = at_most(at_most(parallel, s->column), s->host);
}

/* -------------------------------------------------------------------- a lot */

struct lot {
    struct column_batch *batch;
    struct http_asked **asked;
    size_t parallel;
    bool stopped;
};

static bool leaving(void *ctx, size_t i)
{
    struct lot *lot = ctx;
    lot->stopped = lot->stopped || engine_stopping(lot->batch->job->engine);
    lot->batch->stored[lot->asked[i]->row] = lot->stopped; /* stays due */
    lot->batch->job->report->http_requests += !lot->stopped;
    return !lot->stopped;
}

static size_t parallel(void *ctx)
{
    const struct lot *lot = ctx;
    return lot->parallel;
}

static void landed(void *ctx, size_t i, struct http_response *response, struct err *err)
{
    struct lot *lot = ctx;
    struct http_asked *asked = lot->asked[i];
    struct cell_cost *cost = &lot->batch->results[asked->row].cost;
    asked->more = false;
    if (!lot->batch->stored[asked->row]) {
        cost->took_us += response->took_ms * 1000;
        cost->calls_milli += 1000;
        http_judge(asked, response, err);
        if (!asked->more)
            run_landed(lot->batch->job, 1);
    }
}

/* The next begins when one has landed: a slow answer holds up nobody else. */
static void send_lot(struct sending *s, struct http_asked **asked, size_t count)
{
    struct arena *arena = s->batch->arena;
    struct http_request *requests = arena_raw(arena, count * sizeof *requests);
    struct lot lot = {.batch = s->batch, .asked = asked, .parallel = s->parallel};
    struct http_watch watch = {
        .ctx = &lot, .leaving = leaving, .quick = true, .landed = landed, .parallel = parallel};
    for (size_t i = 0; i < count; i++)
        requests[i] = asked[i]->call.request;
    http_send_watched(s->batch->job->engine->http, requests, NULL, NULL, count, &watch);
    s->sent += count;
}

/* -------------------------------------------------------------------- rates */

/* How many of these go together: those of one host, where hosts are counted. */
static size_t next_lot(const struct sending *s, struct http_asked **asked, size_t count)
{
    size_t n = 1;
    if (!s->column.requests && !s->host.requests)
        return count;
    count = count < s->parallel ? count : s->parallel;
    if (!s->host.requests)
        return count;
    while (n < count && text_eq(asked[n]->call.host, asked[0]->call.host))
        n++;
    return n;
}

/* Waits until these may go. *go = false when the run was stopped meanwhile. */
static enum status wait_turn(struct sending *s, const char *host, size_t count, bool *go,
                             struct err *err)
{
    struct run_job *job = s->batch->job;
    struct world *world = job->engine->world;
    struct store *store = job->engine->store;
    int64_t wait = 0;
    *go = !engine_stopping(job->engine);
    if (s->column.requests) {
        int64_t due = s->began + (int64_t)s->sent * s->column.per_ms / s->column.requests;
        *go = *go && job_sleep(job, due - world->monotonic_ms(world));
    }
    if (!*go || !s->host.requests)
        return OK;
    if (store->does->http->turns(store, host, (int64_t)count,
                                 s->host.per_ms * 1000 / s->host.requests, &wait, err) != OK)
        return FAIL;
    *go = job_sleep(job, wait);
    return OK;
}

static int by_host(const void *a, const void *b)
{
    const struct http_asked *one = *(struct http_asked *const *)a;
    const struct http_asked *two = *(struct http_asked *const *)b;
    int order = strcmp(one->call.host, two->call.host);
    return order ? order : (one->row > two->row) - (one->row < two->row);
}

static enum status send_round(struct sending *s, struct http_asked **asked, size_t count,
                              struct err *err)
{
    enum status rc = OK;
    bool go = true;
    size_t at = 0;
    if (s->host.requests)
        qsort(asked, count, sizeof *asked, by_host);
    while (at < count) {
        size_t n = next_lot(s, asked + at, count - at);
        rc = wait_turn(s, asked[at]->call.host, n, &go, err);
        if (rc != OK || !go)
            break;
        send_lot(s, asked + at, n);
        at += n;
    }
    for (; at < count; at++) { /* stopped: stays due */
        s->batch->stored[asked[at]->row] = true;
        asked[at]->more = false;
    }
    return rc;
}

/* ------------------------------------------------------------------- rounds */

static enum status make_next(struct http_asked *one, struct err *err)
{
    const char *to = one->sent_on;
    one->sent_on = NULL;
    if (to) {
        one->followed++;
        return http_call_follow(one->batch, &one->call, to, err);
    }
    one->followed = 0;
    return http_call_make(one->batch, one->row, one->secrets, &one->paging, &one->call, err);
}

/* Those with more to ask for, their requests made. */
static size_t go_on(struct http_asked **asked, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        struct http_asked *one = asked[i];
        struct err err = {0};
        if (!one->more)
            continue;
        if (make_next(one, &err) == OK)
            asked[kept++] = one;
        else
            batch_error(one->batch, one->row, CELL_ERROR, &err);
    }
    return kept;
}

enum status http_send_all(struct column_batch *batch, struct http_asked *asked, size_t count,
                          struct err *err)
{
    struct http_asked **open = arena_array(batch->arena, count + 1, sizeof(struct http_asked *));
    struct sending s;
    enum status rc = OK;
    sending_begin(&s, batch);
    for (size_t i = 0; i < count; i++)
        open[i] = &asked[i];
    while (count && rc == OK) {
        rc = send_round(&s, open, count, err);
        count = go_on(open, count);
    }
    return rc;
}
