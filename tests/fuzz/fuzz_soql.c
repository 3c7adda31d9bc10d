/* fuzz_soql.c - any text: the compiler refuses it with a code of Salesforce, or
 * makes SQL that SQLite accepts and that runs. */
#include "localorg/soql/fixture.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void run_plan(struct fixture *f, const struct soql_plan *plan, const char *text)
{
    struct buf out = BUF_UP_TO(MIB);
    size_t written = 0;
    struct soql_cursor *cursor = soql_open(f->org, plan, &f->err);
    bool ran = cursor &&
               (soql_write_json(cursor, "/v", 20, &out, &written, &f->err) == OK ||
                err_is(&f->err, ERR_TOO_LARGE)) &&
               soql_total(cursor, &f->err) >= 0;
    if (!ran) {
        fprintf(stderr, "%s\n%s\n%s\n", text, plan->sql, f->err.message);
        abort();
    }
    soql_close(cursor);
    soql_write_columns(plan, &out);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fixture *f;
    if (!f)
        f = fixture_new();
    char *text = mem_strndup((const char *)data, size);
    arena_reset(f->arena);
    err_clear(&f->err);
    struct soql_plan *plan = soql_compile(f->arena, &f->context, text, &f->err);
    if (plan)
        run_plan(f, plan, text);
    else if (!f->err.code[0] || !f->err.message[0])
        abort();
    free(text);
    return 0;
}
