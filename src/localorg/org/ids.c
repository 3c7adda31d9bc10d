/* ids.c - record ids: 15 characters, the 3 letters that make them case-safe,
 * and the numbers they are made from.
 *
 * An id is the object's key prefix (3), the org's pod (2), a reserved 0, and a
 * record number of 9 base62 digits whose ASCII order is creation order. The
 * next number of every object is kept in memory and written to
 * localorg_number in the transaction that used it; a rolled back transaction
 * leaves a gap, never a second use. */
#include "localorg/org/org_priv.h"

#include "base/str.h"

#include <string.h>

static const char base62[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static bool is_base62(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

static int base62_digit(char c)
{
    return c <= '9' ? c - '0' : c <= 'Z' ? c - 'A' + 10 : c - 'a' + 36;
}

static char checksum(const char *five)
{
    unsigned bits = 0;
    for (int i = 0; i < 5; i++)
        if (five[i] >= 'A' && five[i] <= 'Z')
            bits |= 1u << i;
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[bits];
}

void id_to_18(const char *id15, char out[19])
{
    memmove(out, id15, 15);
    out[15] = checksum(out);
    out[16] = checksum(out + 5);
    out[17] = checksum(out + 10);
    out[18] = 0;
}

bool id_canonical(const char *text, char out[19])
{
    size_t len = text ? strnlen(text, 20) : 0;
    if (len != 15 && len != 18)
        return false;
    for (size_t i = 0; i < len; i++)
        if (!is_base62(text[i]))
            return false;
    char full[19];
    id_to_18(text, full);
    if (len == 18 && memcmp(full + 15, text + 15, 3) != 0)
        return false;
    memcpy(out, full, 19);
    return true;
}

void id_make(const char *prefix, const char *pod, uint64_t number, char out[19])
{
    char id[15];
    memcpy(id, prefix, 3);
    memcpy(id + 3, pod, 2);
    id[5] = '0';
    for (int i = 14; i > 5; i--) {
        id[i] = base62[number % 62];
        number /= 62;
    }
    id_to_18(id, out);
}

bool id_number(const char *id, const char *pod, uint64_t *number)
{
    if (memcmp(id + 3, pod, 2) != 0 || id[5] != '0')
        return false;
    uint64_t n = 0;
    for (int i = 6; i < 15; i++)
        n = n * 62 + (uint64_t)base62_digit(id[i]);
    *number = n;
    return true;
}

/* Where an object's numbers start: far enough up to look lived in, and
 * different for each object, so that a mixed-up id is noticed. */
uint64_t id_first_number(const struct org *org, const struct sobject *object)
{
    struct rng rng = {org->seed ^ text_hash(object->name, strlen(object->name))};
    return 62 * 62 * 62 + rng_below(&rng, 62 * 62 * 62 * 62ull);
}

void org_setup_id(const struct org *org, const char *prefix, const char *name, char out[19])
{
    struct arena *arena = arena_new();
    const char *folded = text_lower(arena, name);
    id_make(prefix, org->pod, 1000000 + text_hash(folded, strlen(folded)) % 1000000000000ull, out);
    arena_free(arena);
}

enum status org_next_id(struct org *org, const struct sobject *object, char out[19],
                        struct err *err)
{
    struct table *table;
    if (table_ready(org, object, &table, err) != OK)
        return FAIL;
    if (!object->key_prefix)
        return err_set(err, ERR_INVALID, "records of %s have no id of their own", object->name);
    id_make(object->key_prefix, org->pod, table->next_number++, out);
    table->numbers_dirty = true;
    return OK;
}
