/* store_copy.c - `argil store copy FROM TO`: a workspace into another store. */
#include "cli/store_copy.h"
#include "cli/open_store.h"

#include "store/store_copy.h"

static enum status open_one(struct cli *cli, const char *where, bool create, struct store **out,
                            struct err *err)
{
    bool url = strstr(where, "://") != NULL;
    struct store_open options = {.data = where, .create = create, .world = cli->world};
    return cli_store_at(url ? where : NULL, &options, out, err);
}

static void say(void *ctx, const char *table, int64_t rows)
{
    struct cli *cli = ctx;
    if (!cli->quiet && !cli->json && cli->terminal_err)
        fprintf(stderr, "  %-20s %s rows, the same on both sides\n", table, thousands(rows));
}

static void report(struct cli *cli, const struct store *from, const char *to,
                   const struct store_copy *copy)
{
    if (cli->json) {
        printf("{\"workspace\":\"%s\",\"tables\":%lld,\"rows\":%lld,\"already_there\":%lld}\n",
               from->workspace_id, (long long)copy->tables, (long long)copy->rows,
               (long long)copy->kept);
        return;
    }
    printf("Workspace \"%s\" is in %s: %s tables, %s rows, each the same on both sides.\n",
           from->workspace_name, to, thousands(copy->tables), thousands(copy->rows));
    printf("Work with one of the two only: what both send is sent twice. The old one is as it was;\n"
           "take it away. The key of the vault stays where it is, it opens the copy as well.\n");
}

int store_copy_command(struct cli *cli, const char *from, const char *to)
{
    struct store *source = NULL, *target = NULL;
    struct store_copy copy = {.table_done = say, .ctx = cli, .stop = &cli->stop};
    struct err err = {0};
    enum status rc = open_one(cli, from, false, &source, &err);
    if (rc == OK)
        rc = open_one(cli, to, true, &target, &err);
    if (rc == OK)
        rc = store_copy(source, target, &copy, &err);
    if (rc == OK)
        report(cli, source, to, &copy);
    if (target)
        target->does->close(target);
    if (source)
        source->does->close(source);
    return rc == OK ? EXIT_DONE : cli_fail(cli, &err);
}
