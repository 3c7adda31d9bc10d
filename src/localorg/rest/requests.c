/* requests.c - a ring of the last requests and a row of counters per route. */
#include "localorg/rest/requests.h"

#include "base/mem.h"
#include "base/when.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct endpoint {
    uint64_t count, errors, api_calls, bytes_out;
    int64_t took_us, slowest_us;
};

struct requests {
    pthread_mutex_t lock;
    struct request_entry *ring;
    uint64_t count; /* ever */
    uint64_t errors;
    struct endpoint endpoints[ROUTES_MAX];
    uint64_t records[5];
};

struct requests *requests_new(void)
{
    struct requests *requests = mem_alloc(sizeof *requests);
    pthread_mutex_init(&requests->lock, NULL);
    requests->ring = mem_array(REQUESTS_KEPT, sizeof *requests->ring);
    return requests;
}

void requests_free(struct requests *requests)
{
    if (!requests)
        return;
    pthread_mutex_destroy(&requests->lock);
    free(requests->ring);
    free(requests);
}

void requests_clear(struct requests *requests)
{
    pthread_mutex_lock(&requests->lock);
    requests->count = requests->errors = 0;
    memset(requests->endpoints, 0, sizeof requests->endpoints);
    memset(requests->records, 0, sizeof requests->records);
    pthread_mutex_unlock(&requests->lock);
}

void requests_add(struct requests *requests, struct request_entry *entry)
{
    bool failed = entry->status >= 400 || entry->status == 0;
    pthread_mutex_lock(&requests->lock);
    entry->number = ++requests->count;
    requests->ring[(entry->number - 1) % REQUESTS_KEPT] = *entry;
    requests->errors += failed;
    if (entry->route >= 0 && entry->route < ROUTES_MAX) {
        struct endpoint *endpoint = &requests->endpoints[entry->route];
        endpoint->count++;
        endpoint->errors += failed;
        endpoint->api_calls += (uint64_t)entry->api_calls;
        endpoint->bytes_out += entry->bytes_out;
        endpoint->took_us += entry->took_us;
        if (entry->took_us > endpoint->slowest_us)
            endpoint->slowest_us = entry->took_us;
    }
    pthread_mutex_unlock(&requests->lock);
}

void requests_records(struct requests *requests, enum record_count which, uint64_t count)
{
    pthread_mutex_lock(&requests->lock);
    requests->records[which] += count;
    pthread_mutex_unlock(&requests->lock);
}

static void write_entry(const struct request_entry *entry, struct jw *w)
{
    char at[32];
    when_iso(entry->at_ms, at);
    jw_object(w);
    jw_kv_int(w, "number", (int64_t)entry->number);
    jw_kv_text(w, "time", at);
    jw_kv_text(w, "method", entry->method);
    jw_kv_text(w, "path", entry->path);
    jw_kv_int(w, "status", entry->status);
    jw_key(w, "ms");
    jw_double(w, (double)entry->took_us / 1000.0);
    jw_kv_int(w, "api_calls", entry->api_calls);
    jw_kv_int(w, "bytes_in", (int64_t)entry->bytes_in);
    jw_kv_int(w, "bytes_out", (int64_t)entry->bytes_out);
    jw_kv_text(w, "user", entry->user[0] ? entry->user : NULL);
    jw_kv_text(w, "client", entry->agent[0] ? entry->agent : NULL);
    jw_kv_text(w, "fault", entry->fault[0] ? entry->fault : NULL);
    jw_end_object(w);
}

void requests_write(struct requests *requests, size_t limit, uint64_t since, const char *path,
                    struct jw *w)
{
    pthread_mutex_lock(&requests->lock);
    uint64_t last = requests->count, first = last > REQUESTS_KEPT ? last - REQUESTS_KEPT : 0;
    if (since > first)
        first = since;
    size_t matching = 0;
    for (uint64_t n = first; n < last; n++)
        matching += !path || strstr(requests->ring[n % REQUESTS_KEPT].path, path) != NULL;
    jw_object(w);
    jw_kv_int(w, "last", (int64_t)last);
    jw_key(w, "requests");
    jw_array(w);
    for (uint64_t n = first; n < last; n++) {
        const struct request_entry *entry = &requests->ring[n % REQUESTS_KEPT];
        if (path && !strstr(entry->path, path))
            continue;
        if (matching-- <= limit)
            write_entry(entry, w);
    }
    jw_end_array(w);
    jw_end_object(w);
    pthread_mutex_unlock(&requests->lock);
}

void requests_write_stats(struct requests *requests, const char *(*route_name)(int route),
                          struct jw *w)
{
    static const char *const names[] = {"created", "updated", "deleted", "refused", "read"};
    pthread_mutex_lock(&requests->lock);
    jw_kv_int(w, "requests", (int64_t)requests->count);
    jw_kv_int(w, "errors", (int64_t)requests->errors);
    jw_key(w, "records");
    jw_object(w);
    for (int i = 0; i < 5; i++)
        jw_kv_int(w, names[i], (int64_t)requests->records[i]);
    jw_end_object(w);
    jw_key(w, "endpoints");
    jw_array(w);
    for (int i = 0; i < ROUTES_MAX; i++) {
        const struct endpoint *endpoint = &requests->endpoints[i];
        if (!endpoint->count)
            continue;
        jw_object(w);
        jw_kv_text(w, "endpoint", route_name(i));
        jw_kv_int(w, "count", (int64_t)endpoint->count);
        jw_kv_int(w, "errors", (int64_t)endpoint->errors);
        jw_kv_int(w, "api_calls", (int64_t)endpoint->api_calls);
        jw_kv_int(w, "bytes_out", (int64_t)endpoint->bytes_out);
        jw_key(w, "mean_ms");
        jw_double(w, (double)(endpoint->took_us / (int64_t)endpoint->count) / 1000.0);
        jw_key(w, "slowest_ms");
        jw_double(w, (double)endpoint->slowest_us / 1000.0);
        jw_end_object(w);
    }
    jw_end_array(w);
    pthread_mutex_unlock(&requests->lock);
}
