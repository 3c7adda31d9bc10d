/* cmd_source.c - `argil source`: the kinds of sources and what each takes; files
 * for a table, and what of them could not be taken. */
#include "cli/cli.h"

#include "base/str.h"
#include "engine/sources/propose.h"
#include "engine/sources/source_kind.h"
#include "store/store_sources.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* ------------------------------------------------------------------ kinds */

static void json_option(struct jw *w, const struct kind_option *o)
{
    jw_object(w);
    jw_kv_text(w, "name", o->name);
    jw_kv_text(w, "type", option_type_name(o->type));
    jw_kv_bool(w, "required", o->required);
    jw_kv_text(w, "help", o->help);
    jw_kv_text(w, "default", o->fallback);
    jw_key(w, "allowed");
    jw_array(w);
    for (size_t i = 0; o->allowed && o->allowed[i]; i++)
        jw_text(w, o->allowed[i]);
    jw_end_array(w);
    jw_end_object(w);
}

static void json_kind(struct jw *w, const struct source_kind *kind)
{
    jw_object(w);
    jw_kv_text(w, "name", kind->name);
    jw_kv_text(w, "key", kind->key);
    jw_kv_text(w, "chosen_by", kind->chosen_by);
    jw_kv_text(w, "title", kind->title);
    jw_kv_text(w, "help", kind->help);
    jw_kv_text(w, "every", kind->every);
    jw_kv_text(w, "when_deleted", kind->when_deleted);
    jw_kv_bool(w, "unique_by_needed", kind->key_rule == KEY_NEEDED);
    jw_key(w, "options");
    jw_array(w);
    for (size_t i = 0; i < kind->option_count; i++)
        json_option(w, &kind->options[i]);
    jw_end_array(w);
    jw_end_object(w);
}

static void print_option(const struct kind_option *o)
{
    char text[512];
    snprintf(text, sizeof text, "%s%s%s%s", o->help, o->required ? " (needed)" : "",
             o->fallback ? "; default: " : "", o->fallback ? o->fallback : "");
    printf("    %-15s ", o->name);
    help_wrapped(stdout, text, 20, 20);
}

static void print_kind(const struct source_kind *kind, bool options)
{
    char key[64];
    snprintf(key, sizeof key, "%s%s%s", kind->key, kind->chosen_by ? "/" : "",
             kind->chosen_by ? kind->chosen_by : "");
    printf("%-24s %s\n", key, kind->title);
    if (!options)
        return;
    printf("  ");
    help_wrapped(stdout, kind->help, 2, 2);
    for (size_t i = 0; i < kind->option_count; i++)
        print_option(&kind->options[i]);
    printf("  unless the recipe says otherwise: every: %s, when_deleted: %s\n", kind->every,
           kind->when_deleted);
    if (kind->key_rule == KEY_NEEDED)
        puts("  needs unique_by: the fields that tell its rows apart");
    puts("");
}

static bool asked_for(const struct source_kind *kind, const char *word)
{
    return !word || text_eq(kind->key, word) || text_eq(kind->name, word) ||
           (kind->chosen_by && text_eq(kind->chosen_by, word));
}

static int kinds(struct cli *cli, const struct args *args)
{
    const char *word = args->word_count > 1 ? args->words[1] : NULL;
    struct buf out = BUF_INIT;
    struct jw w;
    size_t shown = 0;
    jw_init(&w, &out);
    w.pretty = true;
    jw_array(&w);
    for (size_t i = 0; source_kinds[i]; i++) {
        if (!asked_for(source_kinds[i], word))
            continue;
        shown++;
        if (cli->json)
            json_kind(&w, source_kinds[i]);
        else
            print_kind(source_kinds[i], word != NULL);
    }
    jw_end_array(&w);
    if (cli->json)
        puts(buf_text(&out));
    buf_free(&out);
    if (!shown)
        return cli_usage(cli, &command_source, "there is no source of the kind \"%s\"", word);
    return EXIT_DONE;
}

/* ---------------------------------------------------------------- propose */

static const char *name_of_file(struct arena *arena, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    return arena_strndup(arena, name, strcspn(name, "."));
}

static void json_proposal(const struct proposal *proposal)
{
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    w.pretty = true;
    jw_object(&w);
    jw_kv_text(&w, "form", proposal->form);
    jw_kv_int(&w, "rows", proposal->rows);
    jw_key(&w, "columns");
    jw_array(&w);
    for (size_t i = 0; i < proposal->count; i++) {
        jw_object(&w);
        jw_kv_text(&w, "name", proposal->columns[i].name);
        jw_kv_text(&w, "type", value_type_name(proposal->columns[i].type));
        jw_kv_int(&w, "filled", proposal->columns[i].filled);
        jw_kv_bool(&w, "unique", proposal->columns[i].unique);
        jw_end_object(&w);
    }
    jw_end_array(&w);
    jw_end_object(&w);
    puts(buf_text(&out));
    buf_free(&out);
}

static int propose(struct cli *cli, const struct args *args)
{
    struct arena *arena = arena_new();
    struct proposal proposal;
    struct err err = {0};
    const char *path = args->words[1];
    int rc = EXIT_DONE;
    if (source_propose(arena, path, &proposal, &err) != OK)
        rc = cli_fail(cli, &err);
    else if (cli->json)
        json_proposal(&proposal);
    else
        fputs(proposal_recipe(arena, &proposal, name_of_file(arena, path), path), stdout);
    arena_free(arena);
    return rc;
}

/* ----------------------------------------------------------------- upload */

static ssize_t read_fd(void *ctx, char *bytes, size_t room, struct err *err)
{
    int *fd = ctx;
    for (;;) {
        ssize_t n = read(*fd, bytes, room);
        if (n >= 0)
            return n;
        if (errno == EINTR)
            continue;
        err_set(err, ERR_INVALID, "cannot read the upload: %s", strerror(errno));
        return -1;
    }
}

static int upload(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    struct sync_report report = {0};
    const char *path = args->words[2];
    bool from_stdin = text_eq(path, "-");
    int fd = from_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC), rc;
    if (fd < 0) {
        err_set(&err, ERR_NOT_FOUND, "cannot read %s: %s", path, strerror(errno));
        return cli_fail(cli, &err);
    }
    struct upload what = {from_stdin ? "the upload" : path, read_fd, &fd};
    struct cli_engine *opened = cli_engine_open(cli, true);
    if (!opened)
        rc = cli->failed;
    else if (source_upload(&opened->engine, args->words[1], args_get(args, "source"), &what,
                           &report, &err) != OK)
        rc = cli_fail(cli, &err);
    else
        rc = sync_print(cli, args->words[1], &report);
    cli_engine_close(opened);
    if (!from_stdin)
        close(fd);
    return rc;
}

/* --------------------------------------------------------------- webhooks */

/* All of a file, or of the standard input. False when the error was printed. */
static bool read_whole(struct cli *cli, const char *path, struct buf *out)
{
    struct err err = {0};
    bool from_stdin = text_eq(path, "-");
    int fd = from_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : 1;
    if (fd < 0)
        err_set(&err, ERR_NOT_FOUND, "cannot read %s: %s", path, strerror(errno));
    while (n > 0) {
        char *room = buf_room(out, 65536);
        n = room ? read_fd(&fd, room, 65536, &err) : -1;
        if (n > 0)
            buf_added(out, (size_t)n);
        else if (!room)
            err_set(&err, ERR_TOO_LARGE, "%s is too large for one delivery", path);
    }
    if (fd >= 0 && !from_stdin)
        close(fd);
    if (n < 0)
        cli_fail(cli, &err);
    return n == 0;
}

static void print_receipt(struct cli *cli, const struct webhook_receipt *r)
{
    if (!cli->json) {
        printf("%s rows taken: %s added, %s changed, %s cells due\n", thousands(r->rows),
               thousands(r->added), thousands(r->changed), thousands(r->made_due));
        return;
    }
    printf("{\"rows\":%lld,\"added\":%lld,\"changed\":%lld,\"cells_made_due\":%lld}\n",
           (long long)r->rows, (long long)r->added, (long long)r->changed, (long long)r->made_due);
}

static int post(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    struct buf body = BUF_UP_TO((size_t)8 << 20);
    struct webhook_receipt receipt;
    struct cli_engine *opened = NULL;
    int rc = EXIT_DONE;
    if (!read_whole(cli, args->words[2], &body) || !(opened = cli_engine_open(cli, true))) {
        buf_free(&body);
        return cli->failed;
    }
    struct webhook_post what = {.table = args->words[1],
                                .source = args_get(args, "source"),
                                .trusted = true,
                                .idempotency = args_get(args, "delivery"),
                                .body = buf_text(&body),
                                .len = body.len};
    if (source_webhook_accept(&opened->engine, NULL, &what, &receipt, &err) == OK)
        print_receipt(cli, &receipt);
    else
        rc = cli_fail(cli, &err);
    cli_engine_close(opened);
    buf_free(&body);
    return rc;
}

static int new_key(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    struct secret key = {0};
    const char *table = args->words[1], *source = args_get(args, "source");
    struct cli_engine *opened = cli_engine_open(cli, true);
    if (!opened)
        return cli->failed;
    int rc = EXIT_DONE;
    if (source_webhook_key(&opened->engine, table, source, &key, &err) != OK)
        rc = cli_fail(cli, &err);
    else if (cli->json)
        printf("{\"key\":\"%s\"}\n", secret_reveal(&key));
    else
        printf("Key: %s\n"
               "  It is shown this once; the one before has ended. Send JSON with it:\n"
               "  POST /api/v1/hooks/%s%s%s\n"
               "  Authorization: Bearer KEY\n",
               secret_reveal(&key), table, source ? "/" : "", source ? source : "");
    secret_wipe(&key);
    cli_engine_close(opened);
    return rc;
}

/* --------------------------------------------------------------- problems */

static enum status list_problems(struct store *store, struct arena *arena,
                                 const struct table *table, const char *only, struct grid *grid,
                                 struct err *err)
{
    for (size_t s = 0; s < table->source_count; s++) {
        struct reject *list;
        size_t count;
        const struct source *source = &table->sources[s];
        if (only && !text_eq_nocase(source->name, only))
            continue;
        if (store->does->sources->rejects_list(store, arena, table->id, source->slot, &list, &count,
                                               err) != OK)
            return FAIL;
        for (size_t i = 0; i < count; i++)
            grid_row(grid, (const char *[]){source->name,
                                            arena_printf(arena, "%lld", (long long)list[i].at),
                                            list[i].code, list[i].message});
    }
    return OK;
}

static int problems(struct cli *cli, const struct args *args)
{
    static const char *const headings[] = {"source", "row", "code", "problem"};
    struct err err = {0};
    struct table table;
    struct store *store = cli_store_open(cli, false);
    if (!store)
        return cli->failed;
    struct arena *arena = arena_new();
    struct grid *grid = grid_new(cli, headings, 4);
    enum status rc = store->does->table_get(store, arena, args->words[1], &table, &err);
    if (rc == OK)
        rc = list_problems(store, arena, &table, args_get(args, "source"), grid, &err);
    grid_print(grid);
    arena_free(arena);
    store->does->close(store);
    return rc == OK ? EXIT_DONE : cli_fail(cli, &err);
}

static int run(struct cli *cli, const struct args *args)
{
    const char *verb = args->words[0];
    if (text_eq(verb, "kinds") && args->word_count <= 2)
        return kinds(cli, args);
    if (text_eq(verb, "propose") && args->word_count == 2)
        return propose(cli, args);
    if (text_eq(verb, "upload") && args->word_count == 3)
        return upload(cli, args);
    if (text_eq(verb, "post") && args->word_count == 3)
        return post(cli, args);
    if (text_eq(verb, "webhook") && args->word_count == 2)
        return new_key(cli, args);
    if (text_eq(verb, "problems") && args->word_count == 2)
        return problems(cli, args);
    return cli_usage(cli, &command_source, "what about sources?");
}

static const struct cli_option options[] = {
    {"source", 0, "NAME", "which source of the table, when it has several"},
    {"delivery", 0, "KEY", "with post: the same KEY twice is the same rows"},
    {0},
};

const struct command command_source = {
    .name = "source",
    .summary = "what rows can come from",
    .words = "kinds [KIND] | propose FILE | upload TABLE FILE|- | post TABLE FILE|- |"
             " webhook TABLE | problems TABLE",
    .about = "`kinds` lists where rows can come from; with a KIND, the options it takes in a\n"
             "recipe. `propose` reads a CSV file and prints a recipe for it, with the types\n"
             "that all values of a column fit. `upload` brings a file (- is the standard\n"
             "input) into a table whose recipe has a csv source without `file`. `post` hands\n"
             "JSON to a webhook as its senders do; `webhook` makes the key they need.\n"
             "`problems` lists the rows that the last reading could not take, or only in part.\n\n"
             "    argil source propose leads.csv > leads.yaml\n"
             "    argil apply leads.yaml && argil sync leads",
    .min_words = 1,
    .max_words = 3,
    .options = options,
    .run = run,
};
