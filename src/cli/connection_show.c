/* connection_show.c - `argil connection show`: who a connection is and what it may do.
 *
 * The same words whether the org is asked from here or by a server. */
#include "cli/connection_priv.h"
#include "cli/remote.h"

#include "base/str.h"
#include "engine/access.h"

static const char *yes_no(bool truth)
{
    return truth ? "yes" : "no";
}

static const char *joined(struct arena *arena, const char *const *names, size_t count,
                          const char *none)
{
    const char *all = NULL;
    for (size_t i = 0; i < count; i++)
        all = all ? arena_printf(arena, "%s, %s", all, names[i]) : names[i];
    return all ? all : none;
}

/* What is stored here, or on the server. */
static enum status show_stored(struct grid *grid, struct store *store, struct arena *arena,
                               const struct connection *c, struct err *err)
{
    const struct store_access *access = store->does->access;
    const char **names;
    size_t count;
    int64_t usual;
    if (access->default_get(store, &usual, err) != OK ||
        access->builders_get(store, arena, c->id, &names, &count, err) != OK)
        return FAIL;
    const char *const rows[][2] = {
        {"name", c->name},
        {"environment", c->environment},
        {"organization", c->org_id},
        {"organization name", c->org_name},
        {"OAuth user", c->username},
        {"instance", c->instance_url},
        {"login host", c->login_url},
        {"scopes", c->scopes},
        {"status", c->status},
        {"connected", when_text(c->connected_ms)},
        {"last used", when_text(c->last_used_ms)},
        {"default", yes_no(usual == c->id)},
        {"may build with it", joined(arena, names, count, "everybody who may build")},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        grid_row(grid, rows[i]);
    return OK;
}

static const char *permission_sets(struct arena *arena, const struct crm_identity *who)
{
    return who->permission_sets_known
               ? joined(arena, who->permission_sets, who->permission_set_count, "none")
               : "not told to this user";
}

static void show_identity(struct grid *grid, struct arena *arena, const struct crm_identity *who)
{
    const char *const rows[][2] = {
        {"display name", who->display_name},
        {"e-mail", who->email},
        {"user active", yes_no(who->active)},
        {"profile", who->profile ? who->profile : "not told to this user"},
        {"licence", who->licence ? who->licence : "not told to this user"},
        {"integration user", yes_no(who->integration_user)},
        {"permission sets", permission_sets(arena, who)},
        {"sandbox", yes_no(who->sandbox)},
        {"edition", who->edition},
        {"app installed", yes_no(who->app_installed)},
        {"scopes asked", who->scopes_asked},
        {"scopes not granted", who->scopes_missing ? who->scopes_missing : "none"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        grid_row(grid, rows[i]);
}

/* ------------------------------------------------------------ what it may do */

/* Whom to ask: the org, or the server that asks it. */
struct asked {
    struct arena *arena;
    const char *name;
    struct remote *remote;       /* or */
    struct crm_session *session;
};

static enum status ask_identity(const struct asked *asked, struct crm_identity *who,
                                struct err *err)
{
    return asked->remote
               ? remote_identity(asked->remote, asked->arena, asked->name, who, err)
               : asked->session->does->identity(asked->session, asked->arena, who, err);
}

static enum status ask_objects(const struct asked *asked, struct crm_access **all, size_t *count,
                               struct err *err)
{
    return asked->remote
               ? remote_objects(asked->remote, asked->arena, asked->name, all, count, err)
               : asked->session->does->access(asked->session, asked->arena, all, count, err);
}

static enum status ask_fields(const struct asked *asked, const char *name,
                              struct crm_field **fields, size_t *count, struct err *err)
{
    if (asked->remote)
        return remote_fields(asked->remote, asked->arena, asked->name, name, fields, count, err);
    const struct crm_object *object = asked->session->does->describe(asked->session, name, err);
    if (!object)
        return FAIL;
    *fields = object->fields;
    *count = object->field_count;
    return OK;
}

static enum status show_counts(struct grid *grid, const struct asked *asked, struct err *err)
{
    struct crm_access *all = NULL;
    size_t count = 0, readable = 0, creatable = 0, updatable = 0;
    if (ask_objects(asked, &all, &count, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++) {
        readable += all[i].queryable;
        creatable += all[i].createable;
        updatable += all[i].updateable;
    }
    struct arena *arena = asked->arena;
    grid_row(grid, (const char *[]){"objects readable", arena_printf(arena, "%zu", readable)});
    grid_row(grid, (const char *[]){"objects creatable", arena_printf(arena, "%zu", creatable)});
    grid_row(grid, (const char *[]){"objects updatable", arena_printf(arena, "%zu", updatable)});
    return OK;
}

static enum status show_objects(struct cli *cli, const struct asked *asked, struct err *err)
{
    static const char *const headings[] = {"object",    "label",     "readable",
                                           "creatable", "updatable", "deletable"};
    struct crm_access *all = NULL;
    size_t count = 0;
    if (ask_objects(asked, &all, &count, err) != OK)
        return FAIL;
    struct grid *grid = grid_new(cli, headings, 6);
    for (size_t i = 0; i < count; i++)
        grid_row(grid, (const char *[]){all[i].name, all[i].label, yes_no(all[i].queryable),
                                        yes_no(all[i].createable), yes_no(all[i].updateable),
                                        yes_no(all[i].deletable)});
    grid_print(grid);
    return OK;
}

/* Describe leaves out what the user may not read: each field here is readable. */
static enum status show_fields(struct cli *cli, const struct asked *asked, const char *name,
                               struct err *err)
{
    static const char *const headings[] = {"field",     "label",     "type",  "readable",
                                           "creatable", "updatable", "needed"};
    struct crm_field *fields = NULL;
    size_t count = 0;
    if (ask_fields(asked, name, &fields, &count, err) != OK)
        return FAIL;
    struct grid *grid = grid_new(cli, headings, 7);
    for (size_t i = 0; i < count; i++) {
        const struct crm_field *f = &fields[i];
        bool needed = f->createable && !f->nillable && !f->defaulted_on_create;
        grid_row(grid, (const char *[]){f->name, f->label, f->type, "yes", yes_no(f->createable),
                                        yes_no(f->updateable), yes_no(needed)});
    }
    grid_print(grid);
    return OK;
}

/* Stored facts, then what the org says now. */
static enum status show_whole(struct cli *cli, struct store *store, const struct asked *asked,
                              const struct connection *c, struct err *err)
{
    static const char *const headings[] = {"what", "value"};
    struct crm_identity who;
    struct grid *grid = grid_new(cli, headings, 2);
    enum status rc = show_stored(grid, store, asked->arena, c, err);
    if (rc == OK && (rc = ask_identity(asked, &who, err)) == OK) {
        show_identity(grid, asked->arena, &who);
        rc = show_counts(grid, asked, err);
    }
    progress_end(cli);
    grid_print(grid);
    return rc;
}

static enum status show_asked(struct cli *cli, const struct args *args, struct store *store,
                              const struct asked *asked, const struct connection *c,
                              struct err *err)
{
    if (args_has(args, "fields"))
        return show_fields(cli, asked, args_get(args, "fields"), err);
    if (args_has(args, "objects"))
        return show_objects(cli, asked, err);
    return show_whole(cli, store, asked, c, err);
}

/* ------------------------------------------------------------------ three ways */

static enum status pick(struct store *store, struct arena *arena, const char *name,
                        struct connection *c, struct err *err)
{
    if (!name && access_default(store, arena, &name, err) != OK)
        return FAIL;
    return store->does->connection_get(store, arena, name, c, err);
}

/* A session may renew its token, so it needs the workspace's lock. */
static int show_here(struct cli *cli, const struct args *args, const char *name)
{
    struct err err = {0};
    struct connection c;
    struct connection_use use = {.what = "looking"};
    struct cli_engine *open = cli_engine_open(cli, true);
    if (!open)
        return cli->failed;
    struct store *store = open->engine.store;
    struct asked asked = {.arena = open->arena};
    enum status rc = pick(store, open->arena, name, &c, &err);
    if (rc == OK)
        rc = access_note_use(&open->engine, c.id, &use, &err);
    if (rc == OK) {
        asked.name = c.name;
        asked.session = engine_session(&open->engine, c.name, &err);
        rc = asked.session ? show_asked(cli, args, store, &asked, &c, &err) : FAIL;
    }
    if (asked.session)
        asked.session->does->close(asked.session);
    int code = rc == OK ? EXIT_DONE : cli_fail(cli, &err);
    cli_engine_close(open);
    return code;
}

/* On a server, or only what is stored. */
static int show_stored_or_far(struct cli *cli, const struct args *args, const char *name)
{
    static const char *const headings[] = {"what", "value"};
    struct err err = {0};
    struct connection c;
    struct store *store = cli_store_open(cli, false);
    if (!store)
        return cli->failed;
    struct asked asked = {.arena = arena_new(), .remote = cli->url ? remote_of(store) : NULL};
    enum status rc = pick(store, asked.arena, name, &c, &err);
    asked.name = c.name;
    if (rc == OK && cli->url && !args_has(args, "offline")) {
        rc = show_asked(cli, args, store, &asked, &c, &err);
    } else if (rc == OK) {
        struct grid *grid = grid_new(cli, headings, 2);
        rc = show_stored(grid, store, asked.arena, &c, &err);
        grid_print(grid);
    }
    arena_free(asked.arena);
    int code = rc == OK ? EXIT_DONE : cli_fail(cli, &err);
    store->does->close(store);
    return code;
}

int connection_show(struct cli *cli, const struct args *args)
{
    const char *name = args->word_count > 1 ? args->words[1] : NULL;
    return cli->url || args_has(args, "offline") ? show_stored_or_far(cli, args, name)
                                                 : show_here(cli, args, name);
}
