/* cmd_rows.c - `argil rows`: some rows of a table, filtered and sorted. */
#include "cli/look.h"

#include "base/str.h"

#include <string.h>

#define MOST_ROWS 1000

static void print_json(const struct window *win, const struct column **columns, size_t count)
{
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    jw_object(&w);
    jw_key(&w, "rows");
    jw_array(&w);
    for (size_t i = 0; i < win->count; i++) {
        jw_object(&w);
        jw_kv_int(&w, "row_id", win->rows[i].id);
        jw_kv_text(&w, "row_key", win->rows[i].key);
        for (size_t c = 0; c < count; c++) {
            struct value v = win->rows[i].values[c];
            jw_key(&w, columns[c]->name);
            if (v.text)
                jw_text_n(&w, v.text, v.len);
            else
                jw_null(&w);
        }
        jw_end_object(&w);
    }
    jw_end_array(&w);
    jw_kv_int(&w, "from", win->index);
    if (win->total >= 0)
        jw_kv_int(&w, "total", win->total);
    jw_end_object(&w);
    puts(buf_text(&out));
    buf_free(&out);
}

static void print_grid(struct cli *cli, struct arena *arena, const struct window *win,
                       const struct column **columns, size_t count)
{
    const char **cells = arena_array(arena, count + 2, sizeof *cells);
    cells[0] = "row_key";
    for (size_t c = 0; c < count; c++)
        cells[c + 1] = columns[c]->name;
    struct grid *grid = grid_new(cli, cells, count + 1);
    for (size_t i = 0; i < win->count; i++) {
        cells[0] = win->rows[i].key;
        for (size_t c = 0; c < count; c++) {
            struct value v = win->rows[i].values[c];
            cells[c + 1] = v.text ? arena_strndup(arena, v.text, v.len) : "";
        }
        grid_row(grid, cells);
    }
    grid_print(grid);
    if (!win->count)
        puts("No row passes.");
    else if (win->total >= 0)
        printf("%s to %s of %s rows\n", thousands(win->index + 1),
               thousands(win->index + (int64_t)win->count), thousands(win->total));
    else
        printf("%s to %s\n", thousands(win->index + 1),
               thousands(win->index + (int64_t)win->count));
}

static enum status ask(struct store *store, struct arena *arena, const struct table *table,
                       const struct look *look, const struct column **columns, size_t count,
                       int64_t from, int64_t limit, struct window *out, struct err *err)
{
    int *slots = arena_array(arena, count + 1, sizeof *slots);
    for (size_t c = 0; c < count; c++)
        slots[c] = columns[c]->slot;
    struct window_query query = {.table_id = table->id,
                                 .sorts = look->sorts,
                                 .sort_count = look->sort_count,
                                 .filter = look->filter,
                                 .slots = slots,
                                 .slot_count = count,
                                 .from = from > 1 ? WINDOW_INDEX : WINDOW_START,
                                 .index = from - 1,
                                 .limit = (size_t)limit};
    return store->does->views->window(store, arena, &query, out, err);
}

static int run(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    struct table table;
    struct look look;
    struct window win;
    const struct column **columns;
    size_t count;
    int64_t from = 1, limit = 20;
    if (!cli_number(cli, args, "from", &from) || !cli_number(cli, args, "limit", &limit))
        return EXIT_USAGE;
    if (from < 1 || limit < 1 || limit > MOST_ROWS)
        return cli_usage(cli, &command_rows, "--from is 1 or more, --limit 1 to %d", MOST_ROWS);
    struct store *store = cli_store_open(cli, false);
    if (!store)
        return cli->failed;
    struct arena *arena = arena_new();
    int rc = EXIT_DONE;
    if (store->does->table_get(store, arena, args->words[0], &table, &err) != OK ||
        look_of(args, store, arena, &table, &look, &err) != OK ||
        look_columns(args, arena, &table, &look, &columns, &count, &err) != OK ||
        ask(store, arena, &table, &look, columns, count, from, limit, &win, &err) != OK)
        rc = cli_fail(cli, &err);
    else if (cli->json)
        print_json(&win, columns, count);
    else
        print_grid(cli, arena, &win, columns, count);
    arena_free(arena);
    store->does->close(store);
    return rc;
}

static const struct cli_option options[] = {
    LOOK_OPTIONS,
    {"columns", 0, "NAMES", "these columns, with commas between them"},
    {"from", 0, "N", "begin with the n-th row (default 1)"},
    {"limit", 0, "N", "rows at most (default 20)"},
    {0},
};

const struct command command_rows = {
    .name = "rows",
    .summary = "some rows of a table, filtered and sorted",
    .words = "TABLE",
    .about = "Filters compare by the kind of the column: numbers as decimals, dates as dates,\n"
             "text without case and accents. = != < <= > >= ~ (contains), is empty, is not empty,\n"
             "starts with, ends with, one of A, B, between A and B, state refused: see\n"
             "docs/reference/filters.md. `export` takes the same options for all rows.\n\n"
             "    argil rows accounts --filter 'Employees >= 100' --filter 'Name ~ bank' \\\n"
             "        --sort 'Industry, -Employees'",
    .min_words = 1,
    .max_words = 1,
    .options = options,
    .run = run,
};
