/* fuzz_news.c - any text as what another process says by NOTIFY: it is taken apart or refused, and
 * no row is read that the text does not hold. */
#include "store/postgres/news_text.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int64_t sum;

static void take(const struct store_change *change, size_t len)
{
    if (change->row_count > len || change->noun > NOUN_ANY || change->table_id < 0 || change->id < 0)
        abort();
    for (size_t i = 0; i < change->row_count; i++)
        sum ^= change->rows[i]; /* the sanitizer sees where that is */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct arena *arena = arena_new();
    struct store_change change;
    int64_t epoch;
    char *text = mem_strndup((const char *)data, len);
    const char *at = text;
    bool good = news_sender(&at, &epoch);
    while (good && *at) {
        const char *before = at;
        good = news_next(arena, &at, &change);
        if (good && at <= before)
            abort(); /* it would go on for ever */
        if (good)
            take(&change, len);
    }
    free(text);
    arena_free(arena);
    return 0;
}
