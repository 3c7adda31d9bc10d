/* names.c - a hash table of names that readers use while one writer adds.
 *
 * Open addressing. A slot's name is stored last, with release order, so a
 * reader sees a whole slot or none. Growing builds a second table and
 * publishes it; the old one stays on the arena for readers still in it. */
#include "localorg/org/schema_priv.h"

#include "base/str.h"

#include <string.h>
#include <strings.h>

struct name_slot {
    _Atomic(const char *) name;
    size_t len;
    uint32_t hash;
    _Atomic(void *) value;
};

struct name_table {
    size_t mask, used;
    struct name_slot slots[];
};

static uint32_t name_hash(const char *name, size_t len, bool nocase)
{
    uint32_t h = 2166136261u;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)name[i];
        if (nocase && c >= 'A' && c <= 'Z')
            c |= 0x20;
        h = (h ^ c) * 16777619u;
    }
    return h;
}

static struct name_table *table_new(struct arena *arena, size_t slots)
{
    struct name_table *table = arena_alloc(arena, sizeof *table + slots * sizeof(struct name_slot));
    table->mask = slots - 1;
    return table;
}

void names_init(struct names *names, struct arena *arena, bool nocase)
{
    names->arena = arena;
    names->nocase = nocase;
    atomic_store(&names->table, table_new(arena, 16));
}

static bool same(const struct names *names, const char *a, const char *b, size_t len)
{
    return names->nocase ? strncasecmp(a, b, len) == 0 : memcmp(a, b, len) == 0;
}

static struct name_slot *slot_find(const struct names *names, struct name_table *table,
                                   const char *name, size_t len, uint32_t hash)
{
    for (size_t at = hash & table->mask;; at = (at + 1) & table->mask) {
        struct name_slot *slot = &table->slots[at];
        const char *there = atomic_load_explicit(&slot->name, memory_order_acquire);
        if (!there)
            return slot;
        if (slot->hash == hash && slot->len == len && same(names, there, name, len))
            return slot;
    }
}

static void table_put(const struct names *names, struct name_table *table, const char *name,
                      size_t len, uint32_t hash, void *value)
{
    struct name_slot *slot = slot_find(names, table, name, len, hash);
    atomic_store_explicit(&slot->value, value, memory_order_release);
    if (atomic_load_explicit(&slot->name, memory_order_relaxed))
        return;
    slot->len = len;
    slot->hash = hash;
    atomic_store_explicit(&slot->name, name, memory_order_release);
    table->used++;
}

void names_put(struct names *names, const char *name, void *value)
{
    struct name_table *table = atomic_load(&names->table);
    if ((table->used + 1) * 2 > table->mask) {
        struct name_table *bigger = table_new(names->arena, (table->mask + 1) * 2);
        for (size_t i = 0; i <= table->mask; i++) {
            struct name_slot *slot = &table->slots[i];
            const char *there = atomic_load_explicit(&slot->name, memory_order_relaxed);
            if (there)
                table_put(names, bigger, there, slot->len, slot->hash, atomic_load(&slot->value));
        }
        atomic_store_explicit(&names->table, bigger, memory_order_release);
        table = bigger;
    }
    size_t len = strlen(name);
    table_put(names, table, name, len, name_hash(name, len, names->nocase), value);
}

void *names_get(const struct names *names, const char *name, size_t len)
{
    struct name_table *table = atomic_load_explicit(&names->table, memory_order_acquire);
    struct name_slot *slot =
        slot_find(names, table, name, len, name_hash(name, len, names->nocase));
    if (!atomic_load_explicit(&slot->name, memory_order_acquire))
        return NULL;
    return atomic_load_explicit(&slot->value, memory_order_acquire);
}

struct name_table *names_draft(struct names *names, size_t count)
{
    size_t slots = 16;
    while (slots < count * 3)
        slots *= 2;
    return table_new(names->arena, slots);
}

void names_draft_put(struct names *names, struct name_table *draft, const char *name, void *value)
{
    size_t len = strlen(name);
    table_put(names, draft, name, len, name_hash(name, len, names->nocase), value);
}

void names_publish(struct names *names, struct name_table *draft)
{
    atomic_store_explicit(&names->table, draft, memory_order_release);
}
