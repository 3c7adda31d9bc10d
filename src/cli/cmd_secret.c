/* cmd_secret.c - `argil secret`: what {{secret:name}} stands for. */
#include "cli/cli.h"

#include "base/str.h"

#include <sodium.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* One line from stdin, not echoed when a person types it. */
static size_t read_hidden(char *text, size_t size)
{
    struct termios before, quiet;
    bool person = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
    if (person) {
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
        fputs("Value (not shown): ", stderr);
    }
    size_t len = fgets(text, (int)size, stdin) ? strcspn(text, "\r\n") : 0;
    if (person) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        fputc('\n', stderr);
    }
    text[len] = 0;
    return len;
}

static int set(struct cli *cli, const char *name)
{
    struct err err = {0};
    char text[8192];
    struct secret value = {0};
    struct cli_engine *open = cli_engine_open(cli, true);
    if (!open)
        return cli->failed;
    int rc = EXIT_DONE;
    size_t len = read_hidden(text, sizeof text);
    if (!len) {
        err_set(&err, ERR_INVALID, "an empty secret was given; nothing was stored");
        rc = cli_fail(cli, &err);
    } else {
        secret_set(&value, text, len);
        if (engine_secret_put(&open->engine, name, &value, &err) != OK)
            rc = cli_fail(cli, &err);
        else
            printf("Stored %s, sealed. Use it as {{secret:%s}}.\n", name, name);
    }
    sodium_memzero(text, sizeof text);
    secret_wipe(&value);
    cli_engine_close(open);
    return rc;
}

static int list_or_delete(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    bool list = text_eq(args->words[0], "list");
    struct store *store = cli_store_open(cli, !list);
    if (!store)
        return cli->failed;
    struct arena *arena = arena_new();
    const char **labels = NULL;
    size_t count = 0;
    int rc = EXIT_DONE;
    static const char *const headings[] = {"secret"};
    if (!list) {
        if (store->does->sealed_delete(store, arena_printf(arena, "secret:%s", args->words[1]),
                                       &err) != OK)
            rc = cli_fail(cli, &err);
    } else if (store->does->sealed_list(store, arena, "secret:", &labels, &count, &err) != OK) {
        rc = cli_fail(cli, &err);
    } else {
        struct grid *grid = grid_new(cli, headings, 1);
        for (size_t i = 0; i < count; i++)
            grid_row(grid, (const char *[]){labels[i] + strlen("secret:")});
        grid_print(grid);
    }
    arena_free(arena);
    store->does->close(store);
    return rc;
}

static int run(struct cli *cli, const struct args *args)
{
    const char *verb = args->words[0];
    if (text_eq(verb, "set") && args->word_count == 2)
        return set(cli, args->words[1]);
    if ((text_eq(verb, "list") && args->word_count == 1) ||
        (text_eq(verb, "delete") && args->word_count == 2))
        return list_or_delete(cli, args);
    return cli_usage(cli, &command_secret, "set NAME, list or delete NAME");
}

const struct command command_secret = {
    .name = "secret",
    .summary = "keys of other services, sealed, for {{secret:name}}",
    .words = "set NAME | list | delete NAME",
    .about = "`set` reads the value from the keyboard or stdin, never from the command line.\n"
             "A secret is opened only when a request is sent; no log or export shows it.",
    .min_words = 1,
    .max_words = 2,
    .run = run,
};
