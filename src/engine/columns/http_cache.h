/* http_cache.h - answers of this run by request, so that 500 rows of one
 * company ask once. Lives as long as the job; bounded; never on disk. */
#ifndef ARGIL_ENGINE_COLUMNS_HTTP_CACHE_H
#define ARGIL_ENGINE_COLUMNS_HTTP_CACHE_H

struct http_cache;
struct http_cache *http_cache_new(void);
void http_cache_free(struct http_cache *cache); /* NULL is fine */
/* The answer's JSON text, lent; NULL when not known. "" = no result. */
const char *http_cache_get(const struct http_cache *cache, const char *key);
void http_cache_put(struct http_cache *cache, const char *key, const char *json);

#endif
