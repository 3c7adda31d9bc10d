/* cmd_store.c - `argil store`: a copy of the workspace, putting one back, and what holds
 * connections afterwards. */
#include "cli/store_copy.h"
#include "cli/cli.h"

#include "base/str.h"
#include "base/when.h"
#include "engine/restore.h"
#include "store/store_backup.h"

#include <string.h>
#include <sys/stat.h>

/* ------------------------------------------------------------------ backup */

/* A folder gets a file named after workspace and time. */
static const char *file_in(struct cli *cli, struct arena *arena, const char *path)
{
    struct stat st;
    char when[32];
    size_t len = strlen(path);
    bool folder = (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) || (len && path[len - 1] == '/');
    if (!folder)
        return path;
    when_iso_seconds(cli->world->now_ms(cli->world), when);
    for (char *c = when; *c; c++)
        if (*c == ':')
            *c = '-';
    return arena_printf(arena, "%s%sargil-%s.db", path, len && path[len - 1] == '/' ? "" : "/",
                        when);
}

static void backup_json(const struct store_backup *b, const char *key)
{
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    jw_object(&w);
    jw_kv_text(&w, "file", b->file);
    jw_kv_text(&w, "manifest", b->manifest);
    jw_kv_text(&w, "sha256", b->sha256);
    jw_kv_int(&w, "bytes", b->bytes);
    jw_kv_text(&w, "workspace", b->workspace_id);
    jw_kv_int(&w, "schema", b->schema);
    jw_kv_int(&w, "taken_ms", b->taken_ms);
    jw_kv_int(&w, "tables", b->tables);
    jw_kv_int(&w, "rows", b->rows);
    jw_kv_int(&w, "operations", b->operations);
    jw_kv_int(&w, "open_operations", b->open_operations);
    jw_kv_text(&w, "key", key);
    jw_end_object(&w);
    puts(buf_text(&out));
    buf_free(&out);
}

static void backup_print(const struct store_backup *b)
{
    printf("%s\n  of workspace \"%s\", taken %s\n", b->file,
           b->workspace_name ? b->workspace_name : "", when_text(b->taken_ms));
    printf("  %s tables, %s rows, ", thousands(b->tables), thousands(b->rows));
    printf("%s operations, ", thousands(b->operations));
    printf("%s of them open\n", thousands(b->open_operations));
    printf("  %s bytes, SHA-256 %s\n", thousands(b->bytes), b->sha256);
}

static int backup(struct cli *cli, const char *path, bool with_key)
{
    struct arena *arena = arena_new();
    struct err err = {0};
    struct store_backup made;
    const char *key = NULL;
    const char *file = file_in(cli, arena, path);
    enum status rc = sqlite_store_backup(cli->data, file, cli->world, arena, &made, &err);
    if (rc == OK && with_key) {
        key = arena_printf(arena, "%s.key", file);
        rc = vault_key_copy(made.workspace_id, key, &err);
    }
    if (rc != OK) {
        cli_fail(cli, &err);
    } else if (cli->json) {
        backup_json(&made, key);
    } else {
        backup_print(&made);
        if (key)
            printf("The key is in %s: whoever has both can use the stored sign-ins.\n"
                   "Keep them apart.\n", key);
        else
            puts("The key of the vault is NOT in it: without the key the stored sign-ins and\n"
                 "secrets stay closed (argil vault where). Tables and journal can be read by\n"
                 "whoever has the file.");
    }
    arena_free(arena);
    return rc == OK ? EXIT_DONE : cli->failed;
}

static int verify(struct cli *cli, const char *file)
{
    struct arena *arena = arena_new();
    struct err err = {0};
    struct store_backup found;
    enum status rc = sqlite_store_backup_check(file, arena, &found, &err);
    if (rc != OK)
        cli_fail(cli, &err);
    else if (cli->json)
        backup_json(&found, NULL);
    else
        backup_print(&found);
    arena_free(arena);
    return rc == OK ? EXIT_DONE : cli->failed;
}

/* ------------------------------------------------------------------- holds */

static const char *connection_name(const struct connection *connections, size_t count, int64_t id)
{
    for (size_t i = 0; i < count; i++)
        if (connections[i].id == id)
            return connections[i].name;
    return "?";
}

static enum status print_holds(struct cli *cli, struct store *store, struct arena *arena,
                               size_t *held, struct err *err)
{
    static const char *const headings[] = {"connection", "state", "since",    "lost_from", "operations",
                                           "adopted",    "to_send", "in_doubt", "unsure"};
    struct store_hold *holds;
    struct connection *connections;
    size_t count, known;
    *held = 0;
    if (store->does->holds->list(store, arena, &holds, &count, err) != OK ||
        store->does->connection_list(store, arena, &connections, &known, err) != OK)
        return FAIL;
    struct grid *grid = grid_new(cli, headings, 9);
    enum status rc = OK;
    for (size_t i = 0; i < count && rc == OK; i++) {
        struct restore_report sum;
        rc = restore_counts(store, &holds[i], &sum, err);
        const char *cells[] = {connection_name(connections, known, holds[i].connection_id),
                               holds[i].released_ms ? "released" : "HELD",
                               arena_strdup(arena, when_text(holds[i].since_ms)),
                               holds[i].from_ms ? arena_strdup(arena, when_text(holds[i].from_ms)) : "",
                               arena_printf(arena, "%lld", (long long)sum.operations),
                               arena_printf(arena, "%lld", (long long)sum.adopted),
                               arena_printf(arena, "%lld", (long long)sum.to_send),
                               arena_printf(arena, "%lld", (long long)sum.in_doubt),
                               arena_printf(arena, "%lld", (long long)sum.unsure)};
        grid_row(grid, cells);
        *held += !holds[i].released_ms;
    }
    grid_print(grid);
    return rc;
}

static int status(struct cli *cli)
{
    struct err err = {0};
    struct arena *arena = arena_new();
    struct store *store = cli_store_open(cli, false);
    size_t held = 0;
    if (store && print_holds(cli, store, arena, &held, &err) != OK)
        cli_fail(cli, &err);
    else if (store && !cli->json)
        puts(held ? "Nothing is sent through held connections. `argil journal recover` asks the org what\n"
                    "became of open operations; `argil store release CONNECTION` lets it write again."
                  : "No connection is held.");
    if (store)
        store->does->close(store);
    arena_free(arena);
    return err.code[0] || !store ? cli->failed : held ? EXIT_ATTENTION : EXIT_DONE;
}

static void say_next(struct cli *cli, struct store *store, struct arena *arena)
{
    size_t held;
    struct err err = {0};
    if (print_holds(cli, store, arena, &held, &err) != OK)
        cli_fail(cli, &err);
    if (!cli->json)
        puts("Every connection is held: nothing is sent. Next:\n"
             "  argil journal recover      ask the orgs what became of open operations (reads only)\n"
             "  argil store status         what was found\n"
             "  argil sync TABLE           read what changed since\n"
             "  argil store release NAME   let a connection write again\n"
             "Make sure that no other copy of this workspace runs anywhere: it cannot be told\n"
             "from here.");
}

/* The first writing open holds the connections: the file knows that it is a backup. */
static int open_restored(struct cli *cli, const struct store_backup *from, struct arena *arena)
{
    struct err err = {0};
    struct store *store = NULL;
    if (cli_workspace_open(cli, true, false, NULL, &store, &err) != OK)
        return cli_fail(cli, &err);
    struct buf detail = BUF_INIT;
    struct jw w;
    jw_init(&w, &detail);
    jw_object(&w);
    jw_kv_text(&w, "sha256", from->sha256);
    jw_kv_int(&w, "taken_ms", from->taken_ms);
    jw_end_object(&w);
    int rc = EXIT_DONE;
    if (store->does->audit_add(store, cli_account(), "workspace restored", buf_text(&detail), &err) != OK)
        rc = cli_fail(cli, &err);
    else
        say_next(cli, store, arena);
    buf_free(&detail);
    struct vault *vault = rc == EXIT_DONE ? vault_open(store->workspace_id, false, &err) : NULL;
    if (rc == EXIT_DONE && !vault)
        fprintf(stderr, "The vault's key is not on this machine (%s).\n"
                        "Put it there, or connect each connection again.\n", err.message);
    vault_close(vault);
    store->does->close(store);
    return rc;
}

static int restore(struct cli *cli, const char *file, bool replace)
{
    struct arena *arena = arena_new();
    struct err err = {0};
    struct store_backup from;
    const char *kept = NULL;
    int rc;
    if (sqlite_store_restore(file, cli->data, replace, cli->world, arena, &from, &kept, &err) != OK) {
        rc = cli_fail(cli, &err);
    } else {
        if (!cli->json && !cli->quiet)
            backup_print(&from);
        if (kept && !cli->quiet)
            fprintf(stderr, "What was there is in %s\n", kept);
        rc = open_restored(cli, &from, arena);
    }
    arena_free(arena);
    return rc;
}

/* ------------------------------------------------------- hold and release */

static int hold(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    struct store *store = NULL;
    int64_t from_ms = 0, ops = 0;
    const char *since = args_get(args, "since"), *reason = args_get(args, "reason");
    if (since && !when_parse(since, &from_ms))
        return cli_usage(cli, &command_store, "--since wants a time, for example 2026-11-28T09:00:00Z");
    if (!(store = cli_store_open(cli, true)))
        return cli->failed;
    int rc = EXIT_DONE;
    if (store->does->holds->hold_all(store, cli_account(), reason ? reason : "a person said so",
                                     from_ms, &ops, &err) != OK)
        rc = cli_fail(cli, &err);
    else if (cli->json)
        printf("{\"unsure\":%lld}\n", (long long)ops);
    else
        printf("Every connection is held; %s operations are looked for before anything is sent.\n",
               thousands(ops));
    store->does->close(store);
    return rc;
}

static enum status release_one(struct store *store, const struct connection *c, bool forget,
                               struct arena *arena, size_t *released, struct err *err)
{
    struct store_hold hold;
    if (store->does->holds->get(store, arena, c->id, &hold, err) != OK)
        return FAIL;
    if (!hold.connection_id || hold.released_ms)
        return OK;
    if (store->does->holds->release(store, c->id, cli_account(), forget, err) != OK)
        return err_wrap(err, "connection \"%s\" stays held", c->name);
    ++*released;
    return OK;
}

static int release(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    struct arena *arena = arena_new();
    const char *name = args->word_count > 1 ? args->words[1] : NULL;
    struct connection *list;
    size_t count = 0, released = 0;
    struct store *store = cli_store_open(cli, true);
    if (!store) {
        arena_free(arena);
        return cli->failed;
    }
    bool known = !name;
    enum status rc = store->does->connection_list(store, arena, &list, &count, &err);
    for (size_t i = 0; i < count && rc == OK; i++)
        if (!name || text_eq_nocase(list[i].name, name)) {
            known = true;
            rc = release_one(store, &list[i], args_has(args, "forget"), arena, &released, &err);
        }
    if (rc == OK && !known)
        rc = err_set(&err, ERR_NOT_FOUND, "there is no connection \"%s\"", name);
    if (rc != OK)
        cli_fail(cli, &err);
    else if (cli->json)
        printf("{\"released\":%zu}\n", released);
    else
        printf("%zu connection%s released.\n", released, released == 1 ? "" : "s");
    store->does->close(store);
    arena_free(arena);
    return rc == OK ? EXIT_DONE : cli->failed;
}

/* ------------------------------------------------------------------- verbs */

static int run(struct cli *cli, const struct args *args)
{
    const char *verb = args->words[0], *word = args->word_count > 1 ? args->words[1] : NULL;
    if (cli->url)
        return cli_usage(cli, &command_store, "it works on the data directory: leave --url out");
    if (text_eq(verb, "backup") && word)
        return backup(cli, word, args_has(args, "with-key"));
    if (text_eq(verb, "verify") && word)
        return verify(cli, word);
    if (text_eq(verb, "restore") && word)
        return restore(cli, word, args_has(args, "replace"));
    if (text_eq(verb, "copy") && args->word_count == 3)
        return store_copy_command(cli, word, args->words[2]);
    if (text_eq(verb, "status") && !word)
        return status(cli);
    if (text_eq(verb, "hold") && !word)
        return hold(cli, args);
    if (text_eq(verb, "release") && (word || args_has(args, "all")))
        return release(cli, args);
    return cli_usage(cli, &command_store,
                     "backup FILE|DIR, verify FILE, restore FILE, copy FROM TO, status, hold, "
                     "release NAME|--all");
}

static const struct cli_option options[] = {
    {"with-key", 0, NULL, "with backup: a copy of the vault's key as FILE.key"},
    {"replace", 0, NULL, "with restore: move the workspace that is there aside"},
    {"since", 0, "TIME", "with hold: what was written since then may be unknown here"},
    {"reason", 0, "TEXT", "with hold: why"},
    {"all", 0, NULL, "with release: every connection"},
    {"forget", 0, NULL, "with release: new records are not looked for in the lost time"},
    {0},
};

const struct command command_store = {
    .name = "store",
    .summary = "back the workspace up, restore it, and let connections write again",
    .words = "backup FILE|DIR | verify FILE | restore FILE | copy FROM TO | status | hold |"
             " release NAME",
    .about =
        "`backup` copies the workspace as it is at one moment, also while `argil serve` runs, and\n"
        "writes FILE.manifest.json with its SHA-256 beside it. The vault's key is not in it\n"
        "unless --with-key.\n\n"
        "`restore` puts a backup in place. Since it was taken, Argil may have written to the org\n"
        "what this copy knows nothing of. So every connection is held: open operations are\n"
        "looked for in the org first (argil journal recover), and nothing is sent until somebody\n"
        "says so with `release`. The same happens by itself when a workspace turns out to be a\n"
        "copy: on another machine, put back by other means, or older than it was. `hold` is for\n"
        "what cannot be noticed, such as a machine that was put back as a whole.\n\n"
        "`copy` brings the workspace into another store, each a data directory or a URL; every\n"
        "table is counted and compared on both sides, and a copy that was stopped goes on.\n\n"
        "  argil store copy /var/lib/argil postgresql://argil@db.acme.com/argil\n"
        "  argil store backup /backups/\n"
        "  argil store restore /backups/argil-2026-11-28T09-00-00Z.db --replace\n"
        "  argil journal recover && argil store status && argil store release --all",
    .min_words = 1,
    .max_words = 3,
    .options = options,
    .run = run,
};
