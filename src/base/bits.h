/* bits.h - a growing set of small numbers, one bit each.
 *
 *     struct bits seen = {0};
 *     if (!bits_put(&seen, row_id)) repeated++;
 *     bits_free(&seen);
 *
 * Ten million row ids are 1.25 MB. Numbers from 0; memory grows to the largest. */
#ifndef ARGIL_BASE_BITS_H
#define ARGIL_BASE_BITS_H

#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct bits {
    uint64_t *at;
    size_t words;
    int64_t count; /* how many are in */
};

static inline bool bits_has(const struct bits *bits, int64_t n)
{
    size_t word = (size_t)n / 64;
    return n >= 0 && word < bits->words && (bits->at[word] >> (n % 64) & 1);
}

/* True when it is new. Negative numbers are never in. */
static inline bool bits_put(struct bits *bits, int64_t n)
{
    size_t word = (size_t)n / 64;
    if (n < 0 || bits_has(bits, n))
        return false;
    if (word >= bits->words) {
        size_t words = bits->words ? bits->words : 64;
        while (words <= word)
            words *= 2;
        bits->at = mem_resize_array(bits->at, words, sizeof *bits->at);
        memset(bits->at + bits->words, 0, (words - bits->words) * sizeof *bits->at);
        bits->words = words;
    }
    bits->at[word] |= (uint64_t)1 << (n % 64);
    bits->count++;
    return true;
}

static inline void bits_free(struct bits *bits)
{
    free(bits->at);
    memset(bits, 0, sizeof *bits);
}

#endif
