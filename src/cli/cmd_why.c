/* cmd_why.c - `argil why`: why does this record have this value? */
#include "cli/cli.h"

#include "base/str.h"
#include "engine/why.h"

#include <string.h>

static const char *write_what(struct arena *arena, const struct why_write *write)
{
    if (write->undoes)
        return arena_printf(arena, "undo of operation %lld", (long long)write->undoes);
    return op_kind_name(write->op.kind);
}

static const char *write_where(struct arena *arena, const struct why_write *write)
{
    return arena_printf(arena, "%s.%s", write->table ? write->table : "(table gone)",
                        write->column ? write->column : "(column gone)");
}

static void put_write(struct grid *grid, struct arena *arena, const struct why_write *write)
{
    const struct op *op = &write->op;
    const char *id = arena_printf(arena, "%lld", (long long)op->id);
    const char *run = arena_printf(arena, "%lld", (long long)op->run_id);
    grid_row(grid, (const char *[]){when_text(op->done_ms ? op->done_ms : op->created_ms),
                                    op_state_name(op->state), write_what(arena, write),
                                    write->field, write->before, write->wrote,
                                    write_where(arena, write), write->row_key, run, write->who,
                                    id});
}

static void print_verdict(const struct why *why, const char *field)
{
    const char *on = why->modified ? why->modified : "";
    const char *by = why->modified_by ? why->modified_by : "somebody";
    switch (why->verdict) {
    case WHY_NOT_ASKED:
        if (why->refused)
            printf("The org was not asked: %s.\n", why->refused);
        break;
    case WHY_OURS:
        printf("%s is %s now: it holds what the newest write above put there.\n", field, why->now);
        break;
    case WHY_CHANGED:
        printf("%s is %s now, which is not what Argil wrote last: it was changed since.\n"
               "The record was last modified by %s, %s.\n",
               field, why->now ? why->now : "null", by, on);
        break;
    case WHY_NEVER:
        printf("%s is %s now, and nothing here ever wrote it. The record was last modified by %s, "
               "%s.\n",
               field, why->now ? why->now : "null", by, on);
        break;
    case WHY_GONE:
        puts("The record or the field is deleted in the org, or out of the connected user's sight.");
        break;
    }
}

static void print_why(struct cli *cli, struct arena *arena, const struct why *why,
                      const char *field)
{
    static const char *const headings[] = {"when", "state", "what", "field", "before", "wrote",
                                           "column", "row", "run", "who", "op"};
    struct grid *grid = grid_new(cli, headings, 11);
    for (size_t i = 0; i < why->count; i++)
        put_write(grid, arena, &why->writes[i]);
    grid_print(grid);
    if (cli->json)
        return;
    if (!why->count)
        printf("Nothing in this workspace ever wrote %s%s%s.\n", why->record_id, field ? "." : "",
               field ? field : "");
    if (why->more)
        puts("Older writes are not shown; name a field to see its own.");
    if (field)
        print_verdict(why, field);
    else if (why->modified)
        printf("Last modified in the org: %s, by %s\n", why->modified,
               why->modified_by ? why->modified_by : "?");
}

static int run(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    struct why why;
    const char *field = args->word_count > 1 ? args->words[1] : NULL;
    struct cli_engine *open = cli_engine_open(cli, !args_has(args, "offline"));
    if (!open)
        return cli->failed;
    enum status rc = engine_why(&open->engine, open->arena, args->words[0], field,
                                args_get(args, "connection"), !args_has(args, "offline"), &why,
                                &err);
    progress_end(cli);
    if (rc == OK)
        print_why(cli, open->arena, &why, field);
    int code = rc == OK ? EXIT_DONE : cli_fail(cli, &err);
    cli_engine_close(open);
    return code;
}

static const struct cli_option options[] = {
    {"offline", 0, NULL, "only what the journal knows; the org is not asked"},
    {"connection", 0, "NAME", "which connection to ask (usually the one that wrote)"},
    {0},
};

const struct command command_why = {
    .name = "why",
    .summary = "why does this record have this value?",
    .words = "RECORD [FIELD]",
    .about =
        "Every write of this workspace to the record, newest first: when, from which table,\n"
        "column and row, in which run, on whose behalf, what was there before; then what the\n"
        "org says now, and whether it is still ours.\n\n"
        "  argil why 0015e00000ABCdeAAD Industry",
    .min_words = 1,
    .max_words = 2,
    .options = options,
    .run = run,
};
