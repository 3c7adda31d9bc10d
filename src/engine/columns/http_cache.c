/* http_cache.c - a map with a ceiling; when full it stops taking. */
#include "engine/columns/http_cache.h"

#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define CACHE_BYTES (16 * MIB)

struct http_cache {
    struct map *answers;
    size_t bytes;
};

struct http_cache *http_cache_new(void)
{
    struct http_cache *cache = mem_alloc(sizeof *cache);
    cache->answers = map_new();
    return cache;
}

void http_cache_free(struct http_cache *cache)
{
    size_t at = 0;
    const char *key;
    void *value;
    if (!cache)
        return;
    while (map_next(cache->answers, &at, &key, &value))
        free(value);
    map_free(cache->answers);
    free(cache);
}

const char *http_cache_get(const struct http_cache *cache, const char *key)
{
    return map_get(cache->answers, key);
}

void http_cache_put(struct http_cache *cache, const char *key, const char *json)
{
    size_t bytes = strlen(key) + strlen(json) + 64;
    if (cache->bytes + bytes > CACHE_BYTES || map_has(cache->answers, key))
        return;
    cache->bytes += bytes;
    map_put(cache->answers, key, mem_strdup(json));
}
