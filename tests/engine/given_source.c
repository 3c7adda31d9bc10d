/* given_source.c - recipes, files and looking at rows. */
#include "engine/given_source.h"

#include "store/store_sources.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *given_file(const char *name, const void *bytes, size_t len)
{
    const char *path = arena_printf(g.arena, "%s/%s", given_home(), name);
    FILE *file = fopen(path, "wb");
    CHECK(file != NULL);
    CHECK_INT(fwrite(bytes, 1, len, file), len);
    CHECK_INT(fclose(file), 0);
    return path;
}

static const char *text_of(const char *fmt, va_list args)
{
    char *text = NULL;
    CHECK(vasprintf(&text, fmt, args) >= 0);
    const char *kept = arena_strdup(g.arena, text);
    free(text);
    return kept;
}

static const char *apply(const char *text)
{
    struct apply_plan plan = {0};
    err_list errors = {0};
    struct buf said = BUF_INIT;
    err_clear(&g.err);
    enum status rc =
        recipe_apply_text(&g.engine, "people.yaml", text, false, &plan, &errors, &g.err);
    for (size_t i = 0; i < errors.len; i++)
        buf_printf(&said, "%s %s %s | %s\n", errors.at[i].where, errors.at[i].code,
                   errors.at[i].message, errors.at[i].hint);
    if (rc != OK && !errors.len)
        buf_printf(&said, "%s: %s\n", g.err.code, g.err.message);
    const char *kept = rc == OK ? NULL : arena_strdup(g.arena, buf_text(&said));
    buf_free(&said);
    vec_free(&errors);
    apply_plan_free(&plan);
    return kept;
}

void given_recipe(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const char *said = apply(text_of(fmt, args));
    va_end(args);
    if (said)
        CHECK_STR(said, "");
}

const char *refused_recipe(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const char *said = apply(text_of(fmt, args));
    va_end(args);
    CHECK(said != NULL);
    return said;
}

enum status sync_people(bool full)
{
    err_clear(&g.err);
    return sync_table(&g.engine, "people", full, &g.sync, &g.err);
}

void sync_fine(void)
{
    CHECK_OK(sync_people(false), &g.err);
    if (!g.sync.complete)
        CHECK_STR(g.sync.statement, "complete");
}

struct table people_now(void)
{
    struct table table;
    CHECK_OK(g.store->does->table_get(g.store, g.arena, "people", &table, &g.err), &g.err);
    return table;
}

static void put_row(struct buf *out, const struct row *row, size_t count)
{
    buf_printf(out, "%s:", row->key);
    for (size_t i = 0; i < count; i++) {
        buf_str(out, i ? " | " : " ");
        if (row->values[i].text)
            buf_append(out, row->values[i].text, row->values[i].len);
        else
            buf_str(out, "-");
    }
    buf_str(out, "\n");
}

const char *rows_now(void)
{
    struct table table = people_now();
    struct row *rows = NULL;
    size_t count = 0, slots = 0;
    int at[64];
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < table.column_count && slots < 64; i++)
        if (strcmp(table.columns[i].kind, "source") == 0)
            at[slots++] = table.columns[i].slot;
    struct row_query query = {
        .table_id = table.id, .slots = at, .slot_count = slots, .limit = 1000};
    CHECK_OK(g.store->does->rows(g.store, g.arena, &query, &rows, &count, &g.err), &g.err);
    for (size_t i = 0; i < count; i++)
        put_row(&out, &rows[i], slots);
    const char *text = arena_strndup(g.arena, buf_text(&out), out.len);
    buf_free(&out);
    return text;
}

const char *problems(const char *source)
{
    struct table table = people_now();
    struct reject *list;
    size_t count;
    struct buf out = BUF_INIT;
    const struct source *from = table_source(&table, source);
    CHECK(from != NULL);
    CHECK_OK(g.store->does->sources->rejects_list(g.store, g.arena, table.id, from->slot, &list,
                                                  &count, &g.err),
             &g.err);
    for (size_t i = 0; i < count; i++)
        buf_printf(&out, "%lld %s %s\n", (long long)list[i].at, list[i].code, list[i].message);
    const char *text = arena_strdup(g.arena, buf_text(&out));
    buf_free(&out);
    return text;
}
