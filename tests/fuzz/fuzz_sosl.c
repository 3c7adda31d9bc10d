/* fuzz_sosl.c - any text: a search is refused with a code of Salesforce, or runs
 * through the full-text index without it complaining. */
#include "localorg/search/search.h"
#include "localorg/soql/fixture.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run(struct fixture *f, struct search_index *index, const struct search *search,
                const char *text)
{
    struct buf rows = BUF_UP_TO(MIB);
    struct search_options options = {.soql = f->context, .base = "/v"};
    size_t count = 0;
    if (search_run(index, search, &options, f->arena, &rows, &count, &f->err) != OK &&
        (!f->err.code[0] || strcmp(f->err.code, "UNKNOWN_EXCEPTION") == 0)) {
        fprintf(stderr, "%s\n%s %s\n", text, f->err.code, f->err.message);
        abort();
    }
    buf_free(&rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fixture *f;
    static struct search_index *index;
    static const char *const objects[] = {"Account", "Contact", "Lead"};
    if (!f) {
        f = fixture_new();
        index = search_index_new(f->org);
        for (size_t i = 0; i < 3; i++) {
            struct sobject *object = schema_find(org_schema(f->org), objects[i]);
            if (object)
                object->searchable = object->queryable = true;
        }
    }
    char *text = mem_strndup((const char *)data, size);
    arena_reset(f->arena);
    err_clear(&f->err);
    const struct search *search = search_parse(f->arena, text, &f->err);
    if (search)
        run(f, index, search, text);
    else if (!f->err.code[0] || !f->err.message[0])
        abort();
    free(text);
    return 0;
}
