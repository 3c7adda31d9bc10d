/* cmd_sending.c - `argil sending`: the switch that stops every write to every org.
 *
 * In a data directory of its own it is a file there. Where the workspace is in a database
 * that several processes share, it is in that database, and holds for all of them; the file
 * then only says the same for the processes on this directory. */
#include "cli/open_store.h"

#include "base/str.h"
#include "engine/levers.h"
#include "store/store_shares.h"

#include <unistd.h>

static enum status look(struct cli *cli, struct arena *arena, bool *stopped, const char **reason,
                        struct err *err)
{
    struct store *store = NULL;
    *stopped = lever_stopped(cli->data, arena, reason);
    if (*stopped || !cli_store_address(cli))
        return OK;
    if (cli_workspace_open(cli, false, false, NULL, &store, err) != OK)
        return FAIL;
    enum status rc = store->does->shares->sending_stopped(store, arena, stopped, reason, err);
    store->does->close(store);
    return rc;
}

static int show(struct cli *cli)
{
    struct arena *arena = arena_new();
    const char *reason = NULL;
    bool stopped = false;
    struct err err = {0};
    if (look(cli, arena, &stopped, &reason, &err) != OK) {
        arena_free(arena);
        return cli_fail(cli, &err);
    }
    if (cli->json) {
        struct buf out = BUF_INIT;
        struct jw w;
        jw_init(&w, &out);
        jw_object(&w);
        jw_kv_bool(&w, "stopped", stopped);
        jw_kv_text(&w, "reason", reason);
        jw_end_object(&w);
        puts(buf_text(&out));
        buf_free(&out);
    } else if (stopped) {
        printf("Sending is STOPPED%s%s.\nWhat was planned is kept; `argil sending resume` lets it "
               "go.\n",
               reason ? ": " : "", reason ? reason : "");
    } else {
        puts("Sending is on.");
    }
    arena_free(arena);
    return stopped ? EXIT_ATTENTION : EXIT_DONE;
}

/* A directory of its own: the switch holds already, and when another argil has the workspace,
 * its audit cannot be written. A shared one: the switch is thrown here. */
static int note(struct cli *cli, bool stopped, const char *reason)
{
    struct err err = {0};
    struct store *store = NULL;
    enum status rc = cli_workspace_open(cli, true, false, NULL, &store, &err);
    if (rc == OK && cli_shared(store))
        rc = store->does->shares->stop_sending(store, stopped, reason, &err);
    if (rc == OK)
        rc = lever_note(store, cli_account(), stopped, reason, &err);
    if (store)
        store->does->close(store);
    if (rc == OK)
        return EXIT_DONE;
    if (!err_is(&err, ERR_STORE_LOCKED))
        return cli_fail(cli, &err);
    fprintf(stderr, "The switch is thrown; another argil works here, so the audit has no line of "
                    "it.\n");
    return EXIT_DONE;
}

static int run(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    const char *verb = args->words[0], *reason = args_get(args, "reason");
    bool stop = text_eq(verb, "stop");
    if (!stop && !text_eq(verb, "resume") && !text_eq(verb, "status"))
        return cli_usage(cli, &command_sending, "stop, resume or status");
    if (cli->url)
        return cli_usage(cli, &command_sending, "the switch is thrown on the server's own machine");
    if (text_eq(verb, "status"))
        return show(cli);
    bool elsewhere = cli_store_address(cli) && access(cli->data, F_OK) != 0; /* no file to be had */
    if (!elsewhere &&
        (stop ? lever_stop(cli->data, reason, &err) : lever_resume(cli->data, &err)) != OK)
        return cli_fail(cli, &err);
    int rc = note(cli, stop, reason);
    if (rc == EXIT_DONE && !cli->json && !cli->quiet)
        puts(stop ? "Sending is stopped, for every table and connection." : "Sending is on again.");
    return rc;
}

static const struct cli_option options[] = {
    {"reason", 0, "TEXT", "with stop: kept with the switch and in the audit"},
    {0},
};

const struct command command_sending = {
    .name = "sending",
    .summary = "stop every write to every org, or let them go again",
    .words = "stop | resume | status",
    .about =
        "For bad days: while sending is stopped nothing that changes an org leaves, by no table,\n"
        "run or schedule. What was planned stays in the journal; syncs and formulas go on.\n"
        "The switch is the file STOP-SENDING in the data directory, so it can also be thrown\n"
        "while `argil serve` runs there or hangs:\n\n"
        "  touch ~/.local/share/argil/STOP-SENDING\n\n"
        "Where several servers and workers share a database, the switch is in the database, too,\n"
        "and holds for all of them. It is looked at before each exchange and holds across\n"
        "restarts.",
    .min_words = 1,
    .max_words = 1,
    .options = options,
    .run = run,
};
