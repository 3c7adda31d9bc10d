/* windows.c - how long a window of a large table takes: part of ./dev bench pull.
 *
 *     windows DIR ROWS COLUMNS
 *
 * Fills a table in DIR through the store's own import, makes the indexes of three
 * sorts (text with few ties, numbers, a picklist with eight values), then asks for
 * 100-row windows at random: by anchor, by row number, forwards and backwards, as a
 * grid does that is scrolled and dragged. One line of JSON for each: wall time, and
 * CPU time, which a busy machine does not stretch. */
#include "base/mem.h"
#include "store/store_views.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define PAGE    10000
#define WINDOWS 2000
#define SHOWN   20

static struct store *store;
static struct table table;
static struct err err;
static struct rng dice = {42};

static double clock_ms(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double now_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

static void must(enum status rc)
{
    if (rc == OK)
        return;
    fprintf(stderr, "windows: %s\n", err.message);
    exit(1);
}

/* ---------------------------------------------------------------- filling */

static void make_table(struct arena *arena, size_t columns)
{
    table = (struct table){.name = "big",
                           .recipe = "table: big",
                           .source = "{\"connection\":\"c\",\"object\":\"Account\"}",
                           .connection = "c",
                           .object = "Account",
                           .guard = "{}"};
    table.column_count = columns;
    table.columns = arena_array(arena, columns, sizeof *table.columns);
    for (size_t i = 0; i < columns; i++)
        table.columns[i] = (struct column){.name = arena_printf(arena, "Column %zu", i),
                                           .kind = "source",
                                           .type = i == 1 ? TYPE_NUMBER : TYPE_TEXT,
                                           .source_field = arena_printf(arena, "F%zu", i)};
    must(store->does->table_apply(store, &table, &err));
}

static struct value text_of(struct arena *arena, size_t column, int64_t row)
{
    static const char *const stages[] = {"Banking", "Energy", "Retail", "Media",
                                         "Travel",  "Health", "Legal",  "Other"};
    static const char *const syllables[] = {"an", "bel", "cor", "dun", "el", "far", "gor", "hal"};
    const char *text;
    if (column == 0)
        text = arena_printf(arena, "%s%s%s %lld", syllables[rng_below(&dice, 8)],
                            syllables[rng_below(&dice, 8)], syllables[rng_below(&dice, 8)],
                            (long long)row);
    else if (column == 1)
        text = arena_printf(arena, "%llu.%02llu", (unsigned long long)rng_below(&dice, 10000000),
                            (unsigned long long)rng_below(&dice, 100));
    else if (column == 2)
        text = stages[rng_below(&dice, 8)];
    else if (column % 4 == 3)
        return VALUE_NULL;
    else
        text = arena_printf(arena, "value %zu of %lld", column, (long long)row);
    return (struct value){text, (uint32_t)strlen(text)};
}

static void fill(int64_t rows, size_t columns)
{
    int *slots = mem_array(columns, sizeof *slots);
    struct arena *arena = arena_new();
    struct import_counts counts = {0};
    for (size_t i = 0; i < columns; i++)
        slots[i] = table.columns[i].slot;
    for (int64_t done = 0; done < rows; done += PAGE) {
        arena_reset(arena);
        size_t count = rows - done < PAGE ? (size_t)(rows - done) : PAGE;
        struct row_in *in = arena_array(arena, count, sizeof *in);
        for (size_t i = 0; i < count; i++) {
            struct value *values = arena_array(arena, columns, sizeof *values);
            for (size_t c = 0; c < columns; c++)
                values[c] = text_of(arena, c, done + (int64_t)i);
            in[i] =
                (struct row_in){arena_printf(arena, "001%015lld", (long long)done + (long long)i),
                                "2026-11-23T10:00:00.000+0000", false, values};
        }
        struct import_page page = {.table_id = table.id,
                                   .slots = slots,
                                   .slot_count = columns,
                                   .rows = in,
                                   .row_count = count,
                                   .first_load = true};
        must(store->does->import_page(store, &page, &counts, &err));
    }
    must(store->does->import_finish(store, table.id, &err));
    arena_free(arena);
    free(slots);
}

/* --------------------------------------------------------------- measuring */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct times {
    double wall[WINDOWS], cpu[WINDOWS];
    size_t count;
};

static void ask(struct arena *arena, const struct window_query *query, struct window *out,
                struct times *times)
{
    double began = now_ms(), cpu = clock_ms(CLOCK_THREAD_CPUTIME_ID);
    must(store->does->views->window(store, arena, query, out, &err));
    times->wall[times->count] = now_ms() - began;
    times->cpu[times->count++] = clock_ms(CLOCK_THREAD_CPUTIME_ID) - cpu;
}

static void report(const char *what, struct times *times, double made_ms)
{
    size_t count = times->count;
    qsort(times->wall, count, sizeof *times->wall, by_size);
    qsort(times->cpu, count, sizeof *times->cpu, by_size);
    printf("{\"what\":\"%s\",\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f,\"cpu_p50\":%.3f,"
           "\"cpu_p99\":%.3f,\"index_ms\":%.0f}\n",
           what, times->wall[count / 2], times->wall[count * 99 / 100], times->wall[count - 1],
           times->cpu[count / 2], times->cpu[count * 99 / 100], made_ms);
    fflush(stdout);
    times->count = 0;
}

static void measure(const char *what, struct sort *sort, int64_t rows)
{
    static struct times scrolled, dragged;
    int slots[SHOWN];
    size_t shown = table.column_count < SHOWN ? table.column_count : SHOWN;
    struct arena *arena = arena_new();
    struct window win;
    bool made;
    char name[80];
    double began = now_ms();
    must(store->does->views->index_make(store, table.id, sort, sort ? 1 : 0, &made, &err));
    double made_ms = now_ms() - began;
    for (size_t i = 0; i < shown; i++)
        slots[i] = table.columns[i].slot;
    struct window_query query = {.table_id = table.id,
                                 .sorts = sort,
                                 .sort_count = sort ? 1 : 0,
                                 .slots = slots,
                                 .slot_count = shown,
                                 .limit = 100};
    for (size_t i = 0; i < WINDOWS; i++) {
        arena_reset(arena);
        query.from = WINDOW_INDEX;
        query.index = (int64_t)rng_below(&dice, (uint64_t)rows);
        ask(arena, &query, &win, &dragged);
        query.from = i % 2 ? WINDOW_AFTER : WINDOW_BEFORE;
        query.anchor = i % 2 ? win.last : win.first;
        ask(arena, &query, &win, &scrolled);
    }
    snprintf(name, sizeof name, "%s, dragged to a row number", what);
    report(name, &dragged, made_ms);
    snprintf(name, sizeof name, "%s, scrolled on", what);
    report(name, &scrolled, 0);
    arena_free(arena);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: windows DIR ROWS COLUMNS\n");
        return 2;
    }
    int64_t rows = strtoll(argv[2], NULL, 10);
    size_t columns = (size_t)strtoll(argv[3], NULL, 10);
    struct arena *arena = arena_new();
    struct store_open options = {
        .data = argv[1], .name = "bench", .create = true, .world = world_real()};
    must(sqlite_store_open(&options, &store, &err));
    make_table(arena, columns < 4 ? 4 : columns);
    double began = now_ms();
    fill(rows, table.column_count);
    printf("{\"what\":\"filled\",\"seconds\":%.1f}\n", (now_ms() - began) / 1e3);
    struct sort text = {.slot = table.columns[0].slot, .type = TYPE_TEXT};
    struct sort number = {.slot = table.columns[1].slot, .type = TYPE_NUMBER, .descending = true};
    struct sort choice = {.slot = table.columns[2].slot, .type = TYPE_TEXT};
    measure("order of arrival", NULL, rows);
    measure("sorted by text", &text, rows);
    measure("sorted by numbers", &number, rows);
    measure("sorted by a picklist", &choice, rows);
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    printf("{\"what\":\"memory\",\"mb\":%.0f}\n", (double)used.ru_maxrss / 1024);
    store->does->close(store);
    arena_free(arena);
    return 0;
}
