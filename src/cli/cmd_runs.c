/* cmd_runs.c - `argil runs`: what syncs and runs did. */
#include "cli/cli.h"

#include "base/str.h"

#include <string.h>

static const char *summary(struct arena *arena, const struct run *run)
{
    if (run->error)
        return run->error;
    const struct json *report =
        run->report ? json_parse(arena, run->report, strlen(run->report), NULL) : NULL;
    const char *statement = json_get_text(report, "statement");
    if (statement)
        return statement;
    static const char *const counts[] = {"computed", "created",  "adopted", "updated", "upserted",
                                         "refused",  "rejected", "error",   "in_doubt"};
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        int64_t n = json_get_int(report, counts[i], 0);
        if (n) {
            buf_printf(&out, "%s%s ", out.len ? ", " : "", thousands(n));
            for (const char *c = counts[i]; *c; c++)
                buf_char(&out, *c == '_' ? ' ' : *c);
        }
    }
    const char *text = arena_strdup(arena, out.len ? buf_text(&out) : "nothing was due");
    buf_free(&out);
    return text;
}

static int run(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    struct table table = {0};
    struct run *runs = NULL;
    size_t count = 0;
    int64_t limit = 20;
    if (!cli_number(cli, args, "limit", &limit))
        return EXIT_USAGE;
    struct store *store = cli_store_open(cli, false);
    if (!store)
        return cli->failed;
    struct arena *arena = arena_new();
    int rc = EXIT_DONE;
    static const char *const headings[] = {"run", "table", "kind", "state", "started", "took",
                                           "calls", "what happened"};
    struct table *all = NULL;
    size_t table_count = 0;
    if ((args->word_count &&
         store->does->table_get(store, arena, args->words[0], &table, &err) != OK) ||
        store->does->table_list(store, arena, &all, &table_count, &err) != OK ||
        store->does->run_list(store, arena, table.id, (size_t)limit, &runs, &count, &err) != OK) {
        rc = cli_fail(cli, &err);
        goto done;
    }
    struct grid *grid = grid_new(cli, headings, 8);
    for (size_t i = 0; i < count; i++) {
        const char *name = "?";
        for (size_t t = 0; t < table_count; t++)
            if (all[t].id == runs[i].table_id)
                name = all[t].name;
        const struct json *report = runs[i].report
            ? json_parse(arena, runs[i].report, strlen(runs[i].report), NULL) : NULL;
        char id[32];
        snprintf(id, sizeof id, "%lld", (long long)runs[i].id);
        grid_row(grid, (const char *[]){
                           id, name, runs[i].kind, run_state_name(runs[i].state),
                           when_text(runs[i].started_ms),
                           runs[i].ended_ms ? took(runs[i].ended_ms - runs[i].started_ms) : "",
                           thousands(json_get_int(report, "calls", json_get_int(report, "api_calls", 0))),
                           summary(arena, &runs[i])});
    }
    grid_print(grid);
done:
    arena_free(arena);
    store->does->close(store);
    return rc;
}

static const struct cli_option options[] = {
    {"limit", 0, "N", "how many, newest first (default 20)"},
    {0},
};

const struct command command_runs = {
    .name = "runs",
    .summary = "what syncs and runs did, newest first",
    .words = "[TABLE]",
    .max_words = 1,
    .options = options,
    .far = true,
    .run = run,
};
