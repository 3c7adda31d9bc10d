/* map.h - text keys to pointers. Keys are copied; values stay the caller's.
 * Iteration is in insertion order. Not safe to share between threads. */
#ifndef ARGIL_BASE_MAP_H
#define ARGIL_BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>

struct map;

struct map *map_new(void);
struct map *map_new_nocase(void); /* ASCII case of keys ignored */
void map_free(struct map *map);   /* NULL is fine; values are not freed */
size_t map_count(const struct map *map);
void map_put(struct map *map, const char *key, void *value); /* replaces */
void *map_get(const struct map *map, const char *key);       /* NULL when absent */
void *map_get_n(const struct map *map, const char *key, size_t len);
bool map_has(const struct map *map, const char *key);
void *map_remove(struct map *map, const char *key); /* the value that was there, or NULL */
/* Start with *at = 0; false at the end. Do not change the map meanwhile. */
bool map_next(const struct map *map, size_t *at, const char **key, void **value);

#endif
