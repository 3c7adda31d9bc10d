/* table_history.c - `argil table history NAME ROW`: what became of a row and its cells. */
#include "cli/table_priv.h"

#include "base/str.h"
#include "store/store_history.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 500

static const char *const what_names[] = HISTORY_WHAT_NAMES;
static const char *const by_names[] = HISTORY_BY_NAMES;

static const char *column_of(const struct table *table, int64_t id)
{
    const struct column *column = id ? table_column_by_id(table, id) : NULL;
    return column ? column->name : id ? "(hidden)" : "";
}

static const char *text_of(struct arena *arena, struct value value)
{
    return value.text ? arena_strndup(arena, value.text, value.len) : NULL;
}

/* The row's number, or its key. 0 with the error printed. */
static int64_t find_row(struct cli *cli, struct store *store, struct arena *arena,
                        const struct table *table, const char *which)
{
    char *end;
    struct err err = {0};
    struct row *rows;
    size_t count = 0;
    long long number = strtoll(which, &end, 10);
    struct row_query query = {.table_id = table->id, .key = which, .limit = 1, .deleted_too = true};
    if (!*end && number > 0)
        return number;
    if (store->does->rows(store, arena, &query, &rows, &count, &err) == OK && !count)
        err_set(&err, ERR_NOT_FOUND, "table \"%s\" has no row with the key %s", table->name, which);
    if (count)
        return rows[0].id;
    cli_fail(cli, &err);
    return 0;
}

static void add_line(struct grid *grid, struct arena *arena, const struct table *table,
                     const struct history_line *line)
{
    grid_row(grid, (const char *[]){when_text(line->at_ms), what_names[line->what],
                                    column_of(table, line->column_id), text_of(arena, line->old),
                                    text_of(arena, line->new), by_names[line->by]});
}

static int list(struct cli *cli, struct store *store, struct arena *arena, const struct table *table,
                struct history_query *query)
{
    static const char *const headings[] = {"when", "what", "column", "old", "new", "by"};
    struct err err = {0};
    struct history_line *lines;
    size_t count, i;
    struct grid *grid = grid_new(cli, headings, 6);
    query->limit = PAGE;
    do {
        if (store->does->history->list(store, arena, query, &lines, &count, &err) != OK)
            return cli_fail(cli, &err);
        for (i = 0; i < count; i++)
            add_line(grid, arena, table, &lines[i]);
        query->before = count ? lines[count - 1].id : 0;
    } while (count == PAGE);
    grid_print(grid);
    return EXIT_DONE;
}

int table_history(struct cli *cli, struct store *store, struct arena *arena, const struct args *args)
{
    struct err err = {0};
    struct table table;
    const char *name = args_get(args, "column");
    if (store->does->table_get(store, arena, args->words[1], &table, &err) != OK)
        return cli_fail(cli, &err);
    const struct column *column = name ? table_column(&table, name) : NULL;
    if (name && !column) {
        err_set(&err, ERR_NOT_FOUND, "table \"%s\" has no column \"%s\"", table.name, name);
        return cli_fail(cli, &err);
    }
    if (!cli->json && (!table.rules || !strstr(table.rules, "history_ms")))
        printf("%s keeps no history; `history: 30d` in its recipe does.\n", table.name);
    struct history_query query = {.table_id = table.id, .column_id = column ? column->id : 0};
    query.row_id = find_row(cli, store, arena, &table, args->words[2]);
    return query.row_id ? list(cli, store, arena, &table, &query) : EXIT_FAILED;
}
