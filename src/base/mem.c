/* mem.c - allocation that ends the process instead of returning NULL.
 *
 * Nothing here may allocate or lock on the way out: the line is written with
 * write(2) and the process leaves with _exit, so no destructor runs on
 * half-built objects. */
#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#define EXIT_NO_MEMORY 70
#define KEPT           (16 << 20)

static void __attribute__((noreturn)) mem_exhausted(void)
{
    static const char line[] =
        "argil: out of memory, stopping at once (nothing half-done is kept)\n";
    ssize_t ignored = write(STDERR_FILENO, line, sizeof line - 1);
    (void)ignored;
    _exit(EXIT_NO_MEMORY);
}

void mem_keep_freed(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 2 * KEPT); /* pages of records grow within the heap */
    mallopt(M_TRIM_THRESHOLD, KEPT);
#endif
}

static size_t mem_product(size_t count, size_t each)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, each, &bytes) || bytes > PTRDIFF_MAX)
        mem_exhausted();
    return bytes;
}

void *mem_alloc(size_t bytes)
{
    return mem_array(bytes, 1);
}

void *mem_array(size_t count, size_t each)
{
    size_t bytes = mem_product(count, each);
    void *memory = calloc(bytes ? bytes : 1, 1);
    if (!memory)
        mem_exhausted();
    return memory;
}

void *mem_got(void *memory)
{
    if (!memory)
        mem_exhausted();
    return memory;
}

void *mem_resize(void *old, size_t bytes)
{
    return mem_resize_array(old, bytes, 1);
}

void *mem_resize_array(void *old, size_t count, size_t each)
{
    size_t bytes = mem_product(count, each);
    void *memory = realloc(old, bytes ? bytes : 1);
    if (!memory)
        mem_exhausted();
    return memory;
}

char *mem_strdup(const char *text)
{
    return text ? mem_strndup(text, strlen(text)) : NULL;
}

char *mem_strndup(const char *text, size_t len)
{
    if (len >= PTRDIFF_MAX)
        mem_exhausted();
    char *copy = mem_resize(NULL, len + 1);
    if (len)
        memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

char *mem_printf(const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    int len = vasprintf(&text, fmt, args);
    va_end(args);
    if (len < 0)
        mem_exhausted();
    return text;
}
