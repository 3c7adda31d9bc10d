/* fuzz_tags.c - XML answers cut and bent: what is found lies inside them. */
#include "base/tags.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1); /* its end is guarded */
    memcpy(copy, data, size);
    struct str xml = {copy, size}, inside;
    struct arena *arena = arena_new();
    size_t at = 0, last = 0;
    while (tags_next(xml, &at, "result", &inside)) {
        if (inside.p < copy || inside.p + inside.n > copy + size || at <= last)
            abort();
        last = at;
        tags_text(arena, inside, "message");
    }
    arena_free(arena);
    free(copy);
    return 0;
}
