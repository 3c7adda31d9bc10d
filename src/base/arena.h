/* arena.h - memory that lives as long as one request, page or batch.
 *
 * Allocate freely, free once. Nothing taken from an arena is freed by itself.
 * Not safe to share between threads without a lock. */
#ifndef ARGIL_BASE_ARENA_H
#define ARGIL_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *arena);         /* NULL is fine */
void arena_reset(struct arena *arena);        /* keeps some blocks for reuse */
size_t arena_used(const struct arena *arena); /* bytes handed out since the last reset */

void *arena_alloc(struct arena *arena, size_t bytes); /* zeroed, aligned to 16 */
void *arena_raw(struct arena *arena, size_t bytes);   /* the same, with whatever was there */
void *arena_array(struct arena *arena, size_t count, size_t each);      /* overflow-checked */
char *arena_strdup(struct arena *arena, const char *text);              /* NULL gives NULL */
char *arena_strndup(struct arena *arena, const char *text, size_t len); /* adds the NUL */
char *arena_printf(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *fmt, va_list args);

#endif
