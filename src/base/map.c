/* map.c - entries in insertion order, found through a table of their numbers.
 *
 * `entries` holds what was put, in order; a removed one keeps its place with a
 * NULL key until the next rebuild. `slots` is an open-addressed table of entry
 * numbers plus one, 0 = free; a slot whose entry was removed stays, as a
 * tombstone, so that later probes go on. Rebuilding drops both.
 *
 * Invariant: entry_count <= slot_count / 2, so every probe ends. */
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FIRST_SLOTS 16

struct entry {
    char *key; /* NULL = removed */
    size_t key_len;
    uint64_t hash;
    void *value;
};

struct map {
    struct entry *entries;
    uint32_t *slots;
    size_t entry_count; /* removed ones included */
    size_t slot_count;  /* a power of two, or 0 */
    size_t live;
    bool nocase;
};

struct map *map_new(void)
{
    return mem_alloc(sizeof(struct map));
}

struct map *map_new_nocase(void)
{
    struct map *map = map_new();
    map->nocase = true;
    return map;
}

void map_free(struct map *map)
{
    if (!map)
        return;
    for (size_t i = 0; i < map->entry_count; i++)
        free(map->entries[i].key);
    free(map->entries);
    free(map->slots);
    free(map);
}

size_t map_count(const struct map *map)
{
    return map ? map->live : 0;
}

static uint64_t hash_nocase(const char *key, size_t len)
{
    uint64_t hash = text_hash("", 0);
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)key[i];
        hash = (hash ^ (c >= 'A' && c <= 'Z' ? c + 32u : c)) * 1099511628211u;
    }
    return hash;
}

/* Eight bytes a step: a key may be the text of a long statement. */
static uint64_t hash_exact(const char *key, size_t len)
{
    uint64_t hash = text_hash("", 0) ^ len, word;
    for (; len >= sizeof word; key += sizeof word, len -= sizeof word) {
        memcpy(&word, key, sizeof word);
        hash = (hash ^ word) * 0x9E3779B97F4A7C15u;
        hash ^= hash >> 32;
    }
    for (; len; key++, len--)
        hash = (hash ^ (unsigned char)*key) * 1099511628211u;
    return hash;
}

static uint64_t map_hash(const struct map *map, const char *key, size_t len)
{
    uint64_t hash = map->nocase ? hash_nocase(key, len) : hash_exact(key, len);
    return hash ^ (hash >> 29); /* the low bits choose the slot: let the high ones speak too */
}

static bool entry_matches(const struct map *map, const struct entry *entry, const char *key,
                          size_t len, uint64_t hash)
{
    if (!entry->key || entry->hash != hash || entry->key_len != len)
        return false;
    struct str a = {entry->key, len}, b = {key, len};
    return map->nocase ? str_eq_nocase(a, b) : str_eq(a, b);
}

static struct entry *map_find(const struct map *map, const char *key, size_t len)
{
    if (!map || map->live == 0)
        return NULL;
    uint64_t hash = map_hash(map, key, len);
    size_t mask = map->slot_count - 1;
    for (size_t slot = hash & mask; map->slots[slot]; slot = (slot + 1) & mask) {
        struct entry *entry = &map->entries[map->slots[slot] - 1];
        if (entry_matches(map, entry, key, len, hash))
            return entry;
    }
    return NULL;
}

static void map_place(struct map *map, size_t number)
{
    size_t mask = map->slot_count - 1;
    size_t slot = map->entries[number].hash & mask;
    while (map->slots[slot])
        slot = (slot + 1) & mask;
    map->slots[slot] = (uint32_t)number + 1;
}

/* Drops removed entries and makes room for at least one more. */
static void map_rebuild(struct map *map)
{
    size_t kept = 0;
    for (size_t i = 0; i < map->entry_count; i++)
        if (map->entries[i].key)
            map->entries[kept++] = map->entries[i];
    map->entry_count = kept;
    size_t slots = FIRST_SLOTS;
    while (slots < kept * 4)
        slots *= 2;
    free(map->slots);
    map->slots = mem_array(slots, sizeof *map->slots);
    map->slot_count = slots;
    map->entries = mem_resize_array(map->entries, slots / 2, sizeof *map->entries);
    for (size_t i = 0; i < kept; i++)
        map_place(map, i);
}

void map_put(struct map *map, const char *key, void *value)
{
    size_t len = strlen(key);
    struct entry *entry = map_find(map, key, len);
    if (entry) {
        entry->value = value;
        return;
    }
    if (map->entry_count == map->slot_count / 2)
        map_rebuild(map);
    map->entries[map->entry_count] =
        (struct entry){mem_strndup(key, len), len, map_hash(map, key, len), value};
    map_place(map, map->entry_count);
    map->entry_count++;
    map->live++;
}

void *map_get(const struct map *map, const char *key)
{
    return key ? map_get_n(map, key, strlen(key)) : NULL;
}

void *map_get_n(const struct map *map, const char *key, size_t len)
{
    const struct entry *entry = map_find(map, key, len);
    return entry ? entry->value : NULL;
}

bool map_has(const struct map *map, const char *key)
{
    return key && map_find(map, key, strlen(key)) != NULL;
}

void *map_remove(struct map *map, const char *key)
{
    struct entry *entry = map_find(map, key, strlen(key));
    if (!entry)
        return NULL;
    void *value = entry->value;
    free(entry->key);
    entry->key = NULL;
    map->live--;
    return value;
}

bool map_next(const struct map *map, size_t *at, const char **key, void **value)
{
    while (map && *at < map->entry_count) {
        const struct entry *entry = &map->entries[(*at)++];
        if (!entry->key)
            continue;
        if (key)
            *key = entry->key;
        if (value)
            *value = entry->value;
        return true;
    }
    return false;
}
