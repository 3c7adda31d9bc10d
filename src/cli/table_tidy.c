/* table_tidy.c - `argil table tidy NAME`: what auto_delete takes away, now. */
#include "cli/remote.h"
#include "cli/table_priv.h"

#include "engine/tidy.h"

static enum status tidy_there(struct store *store, struct arena *arena, const struct table *table,
                              bool dry_run, struct tidied *out, struct err *err)
{
    const struct json *answer;
    if (remote_call(remote_of(store), arena, "POST",
                    remote_path(arena, "tables", table->name, "tidy", NULL),
                    dry_run ? "{\"dry_run\":true}" : "{}", &answer, NULL, err) != OK)
        return FAIL;
    *out = (struct tidied){.removed = json_get_int(answer, "removed", 0),
                           .merged = json_get_int(answer, "merged", 0),
                           .kept = json_get_int(answer, "kept", 0)};
    return OK;
}

int table_tidy(struct cli *cli, struct store *store, struct arena *arena, const struct args *args)
{
    struct err err = {0};
    struct table table;
    struct tidy_rule rule;
    struct tidied out = {0};
    bool dry_run = args_has(args, "dry-run");
    struct engine engine = {.world = world_real(), .store = store, .stop = &cli->stop};
    if (store->does->table_get(store, arena, args->words[1], &table, &err) != OK)
        return cli_fail(cli, &err);
    tidy_rule_read(arena, &table, &rule);
    if (rule.when &&
        (store->does->tidy ? tidy_table(&engine, &table, dry_run, &out, &err)
                           : tidy_there(store, arena, &table, dry_run, &out, &err)) != OK)
        return cli_fail(cli, &err);
    if (cli->json) {
        printf("{\"removed\":%lld,\"merged\":%lld,\"kept\":%lld,\"dry_run\":%s}\n",
               (long long)out.removed, (long long)out.merged, (long long)out.kept,
               dry_run ? "true" : "false");
        return EXIT_DONE;
    }
    if (!rule.when) {
        printf("%s has no auto_delete: its rows stay.\n", table.name);
        return EXIT_DONE;
    }
    printf("%s: %s.\n", table.name, tidy_rule_text(arena, &rule));
    printf("%s rows %s", thousands(out.removed), dry_run ? "would go" : "are gone");
    if (out.merged)
        printf(", and %s that were merged into them", thousands(out.merged));
    printf(". %s more that the rule means stay for now: too young, or not done with.\n",
           thousands(out.kept));
    return EXIT_DONE;
}
