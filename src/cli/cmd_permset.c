/* cmd_permset.c - `argil permset`: the smallest permission set the tables need. */
#include "cli/cli.h"

#include "base/str.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

/* "Argil leads 2" -> "Argil_leads_2": an API name. */
static const char *api_name(struct arena *arena, const char *label)
{
    char *name = arena_strdup(arena, label);
    char *to = name;
    for (const char *from = label; *from; from++)
        if (isalnum((unsigned char)*from))
            *to++ = *from;
        else if (to > name && to[-1] != '_')
            *to++ = '_';
    while (to > name && to[-1] == '_')
        to--;
    *to = 0;
    return isalpha((unsigned char)*name) ? name : arena_printf(arena, "Argil_%s", name);
}

static enum status write_file(struct arena *arena, const char *folder, const char *name,
                              const char *text, const char **path, struct err *err)
{
    const char *below = arena_printf(arena, "%s/permissionsets", folder);
    *path = arena_printf(arena, "%s/%s.permissionset-meta.xml", below, name);
    if ((mkdir(folder, 0777) != 0 && errno != EEXIST) ||
        (mkdir(below, 0777) != 0 && errno != EEXIST))
        return err_set(err, ERR_IO, "making %s: %s", below, strerror(errno));
    FILE *out = fopen(*path, "w");
    bool bad = !out || fputs(text, out) < 0;
    if (out)
        bad |= fclose(out) != 0;
    return bad ? err_set(err, ERR_IO, "writing %s: %s", *path, strerror(errno)) : OK;
}

static enum status make(struct cli *cli, const struct args *args, struct cli_engine *open,
                        struct err *err)
{
    struct arena *arena = open->arena;
    const char *connection = args_get(args, "connection"), *label = args_get(args, "label");
    const char *folder = args_get(args, "output"), *path = NULL;
    struct crm_need *needs = NULL;
    size_t count = 0;
    if (engine_needs(&open->engine, arena,
                     args->word_count ? (const char *const *)args->words : NULL, args->word_count,
                     true, &connection, &needs, &count, err) != OK)
        return FAIL;
    if (!label)
        label = args->word_count == 1 ? arena_printf(arena, "Argil %s", args->words[0])
                                      : arena_printf(arena, "Argil %s", connection);
    struct crm_session *session = engine_session(&open->engine, connection, err);
    if (!session)
        return FAIL;
    enum status rc = OK;
    for (size_t i = 0; i < count && rc == OK; i++) /* an org that does not answer is an error */
        if (!session->does->describe(session, needs[i].object, err) && !err_is(err, ERR_NOT_FOUND))
            rc = FAIL;
    if (rc == OK) {
        const char *xml =
            permset_xml(arena, label,
                        "What Argil's tables read and write, and nothing else. Made by "
                        "argil permset.",
                        session, needs, count);
        if (!folder)
            fputs(xml, stdout);
        else if ((rc = write_file(arena, folder, api_name(arena, label), xml, &path, err)) == OK &&
                 !cli->quiet)
            fprintf(stderr,
                    "Wrote %s\nDeploy it:  sf project deploy start --source-dir %s\n"
                    "Assign it:  sf org assign permset --name %s --on-behalf-of USER\n",
                    path, folder, api_name(arena, label));
    }
    session->does->close(session);
    return rc;
}

static int run(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    struct cli_engine *open = cli_engine_open(cli, true);
    if (!open)
        return cli->failed;
    int rc = make(cli, args, open, &err) == OK ? EXIT_DONE : cli_fail(cli, &err);
    cli_engine_close(open);
    return rc;
}

static const struct cli_option options[] = {
    {"output", 'o', "DIR",
     "write DIR/permissionsets/NAME.permissionset-meta.xml instead of stdout"},
    {"label", 0, "TEXT", "what the set is called (default: Argil and the table)"},
    {"connection", 0, "NAME", "of tables that use several, this connection's part"},
    {0},
};

const struct command command_permset = {
    .name = "permset",
    .summary = "print the smallest permission set that tables need",
    .words = "[TABLE...]",
    .about =
        "Metadata XML: API Enabled, Read, Create and Edit on the objects in use, and each field\n"
        "that a source, a condition, a lookup or a write names; nothing else, so sensitive\n"
        "fields stay out of reach. Without TABLE: all tables.\n\n"
        "  argil permset leads --output force-app/main/default\n"
        "  sf project deploy start --source-dir force-app/main/default",
    .max_words = 63,
    .options = options,
    .run = run,
};
