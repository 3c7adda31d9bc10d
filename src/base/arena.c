/* arena.c - a list of blocks, filled from the front.
 *
 * Blocks double from 4 KiB to 1 MiB, so a request costs one small block and a
 * page of 2,000 records a handful of large ones. What is larger than a quarter
 * of the next block gets a block of its own behind the current one, so the room left in
 * the current block is not lost.
 *
 * A reset keeps up to 8 MiB of the largest blocks as spares: a loop that resets
 * once a page would otherwise give its memory back and get it anew each time,
 * which costs more than parsing the page. (Not under ASan, where memory that is
 * used after a reset must be seen to be gone.)
 *
 * Invariant: `head` is the block being filled; memory from `used` on in any
 * block was never handed out since the last reset. */
#include "base/arena.h"
#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT   16
#define FIRST_BLOCK ((size_t)4096)
#define LAST_BLOCK  ((size_t)1024 * 1024)
#ifdef __SANITIZE_ADDRESS__
#define MOST_SPARES 0
#else
#define MOST_SPARES 8
#endif

struct block {
    struct block *next;
    size_t room, used;
    _Alignas(ALIGNMENT) char bytes[];
};

struct arena {
    struct block *head, *spares; /* spares: LAST_BLOCK each */
    size_t spare_count;
    size_t next_block;
    size_t handed_out;
};

struct arena *arena_new(void)
{
    struct arena *arena = mem_alloc(sizeof *arena);
    arena->next_block = FIRST_BLOCK;
    return arena;
}

static void block_free_list(struct block *block)
{
    while (block) {
        struct block *next = block->next;
        free(block);
        block = next;
    }
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    block_free_list(arena->head);
    block_free_list(arena->spares);
    free(arena);
}

static void block_put_by(struct arena *arena, struct block *block)
{
    if (block->room != LAST_BLOCK || arena->spare_count == MOST_SPARES) {
        free(block);
        return;
    }
    block->next = arena->spares;
    block->used = 0;
    arena->spares = block;
    arena->spare_count++;
}

void arena_reset(struct arena *arena)
{
    if (arena->head) {
        for (struct block *block = arena->head->next, *next; block; block = next) {
            next = block->next;
            block_put_by(arena, block);
        }
        arena->head->next = NULL;
        arena->head->used = 0;
    }
    arena->handed_out = 0;
}

size_t arena_used(const struct arena *arena)
{
    return arena->handed_out;
}

static struct block *block_new(size_t room)
{
    size_t bytes;
    if (__builtin_add_overflow(room, sizeof(struct block), &bytes))
        bytes = SIZE_MAX; /* mem_resize says that there is no such memory */
    struct block *block = mem_resize(NULL, bytes);
    block->next = NULL;
    block->room = room;
    block->used = 0;
    return block;
}

/* A block with at least `bytes` free, in the list. */
static struct block *arena_grow(struct arena *arena, size_t bytes)
{
    if (arena->head && bytes > arena->next_block / 4) {
        struct block *own = block_new(bytes);
        own->next = arena->head->next;
        arena->head->next = own;
        return own;
    }
    struct block *block = arena->spares;
    if (block && bytes <= block->room) {
        arena->spares = block->next;
        arena->spare_count--;
    } else {
        block = block_new(bytes > arena->next_block ? bytes : arena->next_block);
    }
    if (arena->next_block < LAST_BLOCK)
        arena->next_block *= 2;
    block->next = arena->head;
    arena->head = block;
    return block;
}

void *arena_raw(struct arena *arena, size_t bytes)
{
    struct block *block = arena->head;
    size_t start = block ? (block->used + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1) : 0;
    if (!block || start > block->room || block->room - start < bytes) {
        block = arena_grow(arena, bytes ? bytes : 1);
        start = 0;
    }
    block->used = start + bytes;
    arena->handed_out += bytes;
    return block->bytes + start;
}

void *arena_alloc(struct arena *arena, size_t bytes)
{
    return memset(arena_raw(arena, bytes), 0, bytes);
}

void *arena_array(struct arena *arena, size_t count, size_t each)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, each, &bytes))
        bytes = SIZE_MAX;
    return arena_alloc(arena, bytes);
}

char *arena_strdup(struct arena *arena, const char *text)
{
    return text ? arena_strndup(arena, text, strlen(text)) : NULL;
}

char *arena_strndup(struct arena *arena, const char *text, size_t len)
{
    char *copy = arena_raw(arena, len + 1);
    if (len)
        memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *arena_printf(struct arena *arena, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    char *text = arena_vprintf(arena, fmt, args);
    va_end(args);
    return text;
}

char *arena_vprintf(struct arena *arena, const char *fmt, va_list args)
{
    char small[256];
    va_list again;
    va_copy(again, args);
    int len = vsnprintf(small, sizeof small, fmt, again);
    va_end(again);
    if (len < 0)
        return arena_strndup(arena, "", 0);
    if ((size_t)len < sizeof small)
        return arena_strndup(arena, small, (size_t)len);
    char *text = arena_raw(arena, (size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, fmt, args);
    return text;
}
