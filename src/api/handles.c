/* handles.c - store handles for threads that answer requests: one thread uses a
 * handle at a time, a few are kept open. */
#include "api/api_priv.h"

#include "base/mem.h"

#include <stdlib.h>

#define KEPT 12

struct handles {
    pthread_mutex_t lock;
    struct store *first;
    struct store *readers[KEPT], *writers[KEPT];
    size_t reader_count, writer_count;
};

struct handles *handles_new(struct store *first)
{
    struct handles *handles = mem_alloc(sizeof *handles);
    pthread_mutex_init(&handles->lock, NULL);
    handles->first = first;
    return handles;
}

void handles_free(struct handles *handles)
{
    if (!handles)
        return;
    for (size_t i = 0; i < handles->reader_count; i++)
        handles->readers[i]->does->close(handles->readers[i]);
    for (size_t i = 0; i < handles->writer_count; i++)
        handles->writers[i]->does->close(handles->writers[i]);
    pthread_mutex_destroy(&handles->lock);
    free(handles);
}

struct store *handle_get(struct handles *handles, bool writes, struct err *err)
{
    struct store *store = NULL;
    pthread_mutex_lock(&handles->lock);
    if (writes && handles->writer_count)
        store = handles->writers[--handles->writer_count];
    else if (!writes && handles->reader_count)
        store = handles->readers[--handles->reader_count];
    pthread_mutex_unlock(&handles->lock);
    if (store)
        return store;
    struct store *first = handles->first;
    return first->does->open_another(first, !writes, &store, err) == OK ? store : NULL;
}

void handle_give(struct handles *handles, struct store *store, bool writes)
{
    if (!store)
        return;
    struct store **list = writes ? handles->writers : handles->readers;
    size_t *count = writes ? &handles->writer_count : &handles->reader_count;
    pthread_mutex_lock(&handles->lock);
    bool keep = *count < KEPT;
    if (keep)
        list[(*count)++] = store;
    pthread_mutex_unlock(&handles->lock);
    if (!keep)
        store->does->close(store);
}
