/* access.c - who may build with a connection, which one is meant when none is
 * named, and the audit of its use.
 *
 * Everybody in the workspace uses a connection as its OAuth user; the list says
 * who may make tables and columns that use it. It is asked when those are
 * configured, never when they run. What is configured keeps the name of its
 * connection: another default changes nothing that is there. */
#include "engine/access.h"
#include "engine/run_priv.h"

#include "base/str.h"
#include "store/store_access.h"

#include <string.h>

/* --------------------------------------------------------------- the list */

enum status access_is_builder(struct store *store, int64_t connection_id, const char *who,
                              bool *may, struct err *err)
{
    struct arena *arena = arena_new();
    const char **names;
    size_t count;
    enum status rc =
        store->does->access->builders_get(store, arena, connection_id, &names, &count, err);
    *may = rc == OK && count == 0;
    for (size_t i = 0; rc == OK && i < count; i++)
        *may = *may || text_eq_nocase(names[i], who);
    arena_free(arena);
    return rc;
}

static enum status refuse(struct engine *engine, const struct connection *connection,
                          struct err *err)
{
    struct connection_use use = {.what = "building, refused"};
    if (access_note_use(engine, connection->id, &use, err) != OK)
        return FAIL;
    err_set(err, ERR_NOT_A_BUILDER, "%s may not build with the connection \"%s\"",
            engine_actor(engine), connection->name);
    err_cause(err, "The connection has an access list, and %s is not on it. What is built already "
                   "runs for everybody.", engine_actor(engine));
    err_hint(err, "An admin can add them: argil connection access %s --allow %s",
             connection->name, engine_actor(engine));
    return FAIL;
}

enum status access_may_build(struct engine *engine, const char *name, struct err *err)
{
    struct arena *arena = arena_new();
    struct connection connection = {0};
    bool listed = false;
    enum status rc =
        engine->store->does->connection_get(engine->store, arena, name, &connection, err);
    if (rc == OK)
        rc = access_is_builder(engine->store, connection.id, engine_actor(engine), &listed, err);
    if (rc == OK && !listed)
        rc = refuse(engine, &connection, err);
    arena_free(arena);
    return rc;
}

/* ---------------------------------------------------------------- the audit */

enum status access_note_use(struct engine *engine, int64_t connection_id,
                            const struct connection_use *use, struct err *err)
{
    struct buf detail = BUF_INIT;
    struct jw w;
    jw_init(&w, &detail);
    jw_object(&w);
    jw_kv_int(&w, "connection", connection_id);
    jw_kv_text(&w, "for", use->what);
    if (use->table_id)
        jw_kv_int(&w, "table", use->table_id);
    if (use->run_id)
        jw_kv_int(&w, "run", use->run_id);
    jw_end_object(&w);
    enum status rc = engine->store->does->audit_add(engine->store, engine_actor(engine),
                                                    "connection used", buf_text(&detail), err);
    buf_free(&detail);
    return rc;
}

/* -------------------------------------------------------------- the default */

static enum status none_named(size_t count, struct err *err)
{
    err_set(err, ERR_NO_CONNECTION, "no connection is named, and none is the default");
    if (count)
        err_hint(err, "connection: NAME says which; argil connection default NAME makes one the "
                      "default");
    else
        err_hint(err, "There is no connection yet. Make one: argil connect NAME");
    return FAIL;
}

enum status access_default(struct store *store, struct arena *arena, const char **name,
                           struct err *err)
{
    struct connection *all = NULL;
    size_t count = 0;
    int64_t id = 0;
    if (store->does->access->default_get(store, &id, err) != OK ||
        store->does->connection_list(store, arena, &all, &count, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++)
        if (all[i].id == id || count == 1) {
            *name = all[i].name;
            return OK;
        }
    return none_named(count, err);
}

static bool wants_connection(const struct kind_option *options, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (options[i].type == OPT_CONNECTION && options[i].required)
            return true;
    return false;
}

static const char *written(struct arena *arena, const struct json *value)
{
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    jw_value(&w, value);
    const char *text = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return text;
}

enum status access_fill(struct engine *engine, struct arena *arena,
                        const struct kind_option *options, size_t count,
                        const struct json **config, const char **text, struct err *err)
{
    const char *name;
    if (!json_is(*config, JSON_OBJECT) || !wants_connection(options, count) ||
        json_get(*config, "connection"))
        return OK;
    if (access_default(engine->store, arena, &name, err) != OK)
        return FAIL;
    struct json *filled = arena_alloc(arena, sizeof *filled);
    struct json *member = arena_alloc(arena, sizeof *member);
    *filled = **config;
    *member = (struct json){.type = JSON_STRING,
                            .text = name,
                            .len = (uint32_t)strlen(name),
                            .key = "connection",
                            .key_len = sizeof "connection" - 1,
                            .next = filled->first};
    filled->first = member;
    filled->len++;
    *config = filled;
    if (text)
        *text = written(arena, filled);
    return OK;
}
