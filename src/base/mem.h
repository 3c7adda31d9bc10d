/* mem.h - allocation that never returns NULL.
 *
 * Running out of memory ends the process with a clear line and exit code 70:
 * the journal makes that safe, half-built objects would not. Free with free(). */
#ifndef ARGIL_BASE_MEM_H
#define ARGIL_BASE_MEM_H

#include <stddef.h>

/* For a process that goes on for days: from now on it keeps up to 16 MiB that were freed instead of
 * giving them back to the system and getting them anew for the next run. Before there are threads. */
void mem_keep_freed(void);

void *mem_alloc(size_t bytes);              /* zeroed */
void *mem_array(size_t count, size_t each); /* zeroed, overflow-checked */
void *mem_resize(void *old, size_t bytes);
void *mem_got(void *memory); /* what a library made: NULL ends the process like any of these */
void *mem_resize_array(void *old, size_t count, size_t each);
char *mem_strdup(const char *text); /* NULL gives NULL */
char *mem_strndup(const char *text, size_t len);
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
