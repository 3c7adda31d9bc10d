/* needs.c - what the tables of a workspace need of their org.
 *
 * Read from the stored tables, resolved against describe: a source needs to
 * read its fields and those in its condition, a path (Owner.Name) also the
 * parent; a lookup reads, a write column edits. The same list makes the
 * permission set and tells the doctor what to look at. */
#include "engine/access.h"
#include "engine/run_priv.h"

#include "base/str.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

struct gather {
    struct engine *engine;
    struct arena *arena;
    struct crm_session *session; /* NULL: names are taken as they stand */
    const char *connection;
    const char *because;
    struct crm_need *needs;
    size_t count, room;
};

/* --------------------------------------------------------- the list */

static struct crm_need *need_of(struct gather *g, const char *object)
{
    for (size_t i = 0; i < g->count; i++)
        if (text_eq_nocase(g->needs[i].object, object))
            return &g->needs[i];
    if (g->count == g->room) {
        size_t room = g->room ? g->room * 2 : 16;
        struct crm_need *bigger = arena_array(g->arena, room, sizeof *bigger);
        if (g->count)
            memcpy(bigger, g->needs, g->count * sizeof *bigger);
        g->needs = bigger;
        g->room = room;
    }
    g->needs[g->count] = (struct crm_need){.object = arena_strdup(g->arena, object)};
    return &g->needs[g->count++];
}

static void add_field(struct gather *g, const char *object, const char *name, bool edit)
{
    struct crm_need *need = need_of(g, object);
    for (size_t i = 0; i < need->field_count; i++)
        if (text_eq_nocase(need->fields[i].name, name)) {
            need->fields[i].edit |= edit;
            return;
        }
    if (need->field_count % 16 == 0) {
        struct crm_need_field *bigger =
            arena_array(g->arena, need->field_count + 16, sizeof *bigger);
        if (need->field_count)
            memcpy(bigger, need->fields, need->field_count * sizeof *bigger);
        need->fields = bigger;
    }
    need->fields[need->field_count++] = (struct crm_need_field){arena_strdup(g->arena, name), edit,
                                                                arena_strdup(g->arena, g->because)};
}

static const struct crm_object *describe(struct gather *g, const char *object)
{
    struct err err = {0};
    if (!g->session)
        return NULL;
    const struct crm_object *found = g->session->does->describe(g->session, object, &err);
    if (!found && !err_is(&err, ERR_NOT_FOUND)) { /* no answer now: do not wait for each object */
        g->session->does->close(g->session);
        g->session = NULL;
    }
    return found;
}

static const struct crm_field *link_named(const struct crm_object *object, const char *name,
                                          size_t len)
{
    for (size_t i = 0; object && i < object->field_count; i++) {
        const char *relation = object->fields[i].relationship_name;
        if (relation && strlen(relation) == len && strncasecmp(relation, name, len) == 0)
            return &object->fields[i];
    }
    return NULL;
}

/* "Owner.Profile.Name": each link of the way, then the field at its end. */
static void add_path(struct gather *g, const char *object, const char *path, bool edit)
{
    const char *dot;
    while (g->session && (dot = strchr(path, '.')) != NULL) {
        const struct crm_object *from = describe(g, object);
        const struct crm_field *link = link_named(from, path, (size_t)(dot - path));
        if (!link || !link->reference_count)
            return; /* a name that is nothing here: apply has refused it or the org changed */
        add_field(g, object, link->name, false);
        const char *parent = link->reference_to[0];
        for (size_t i = 0; i < link->reference_count; i++)
            if (text_eq(link->reference_to[i], "User"))
                parent = "User";
        object = parent;
        path = dot + 1;
        if (link->reference_count > 1 && text_eq_nocase(path, "Type"))
            return; /* which of the objects it points to: no field of theirs */
    }
    const struct crm_object *at = describe(g, object);
    const struct crm_field *field = at ? crm_object_field(at, path) : NULL;
    add_field(g, object, field ? field->name : path, edit);
}

/* Names in a condition that are fields of the object; texts in quotes are not. */
static void add_condition(struct gather *g, const char *object, const char *where)
{
    const struct crm_object *at = describe(g, object);
    for (const char *p = where; p && *p && at;) {
        if (*p == '\'') {
            for (p++; *p && *p != '\''; p++)
                p += *p == '\\' && p[1];
            p += *p != 0;
        } else if (isalpha((unsigned char)*p)) {
            size_t n =
                strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");
            char *name = arena_strndup(g->arena, p, n);
            const char *dot = strchr(name, '.');
            if (dot ? link_named(at, name, (size_t)(dot - name)) != NULL
                    : crm_object_field(at, name) != NULL)
                add_path(g, object, name, false);
            p += n;
        } else {
            p++;
        }
    }
}

/* ---------------------------------------------- what tables and columns say */

static void add_list(struct gather *g, const char *object, const struct json *list)
{
    if (json_is(list, JSON_STRING))
        add_path(g, object, json_text(list), false);
    json_each(name, list) {
        if (json_text(name))
            add_path(g, object, json_text(name), false);
    }
}

static void add_keys(struct gather *g, const char *object, const struct json *map, bool edit)
{
    json_each(member, map) {
        add_path(g, object, member->key, edit);
    }
}

static void add_source(struct gather *g, const struct source *from, const struct json *source)
{
    if (!from->object)
        return;
    need_of(g, from->object);
    const struct json *fields = json_get(source, "fields");
    if (json_is(fields, JSON_ARRAY))
        add_list(g, from->object, fields);
    add_condition(g, from->object, json_get_text(source, "where"));
}

/* Fields to edit; "Account.Ext__c" edits the link and reads the parent's key. */
static void add_set(struct gather *g, const char *object, const struct json *set)
{
    json_each(member, set) {
        const char *dot = strchr(member->key, '.');
        const struct crm_field *link =
            dot ? link_named(describe(g, object), member->key, (size_t)(dot - member->key)) : NULL;
        add_path(g, object, member->key, !dot);
        if (link)
            add_field(g, object, link->name, true);
    }
}

/* Who is in which campaign with which status. */
static void add_campaign(struct gather *g, const char *object)
{
    static const char *const fields[] = {"CampaignId", "LeadId", "ContactId", "Status"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        add_field(g, object, fields[i], true);
    add_field(g, "Campaign", "Name", false);
    add_field(g, "CampaignMemberStatus", "Label", false);
}

static void add_column(struct gather *g, const struct column *column, const struct json *config)
{
    const struct column_kind *kind = column_kind_find(column->kind);
    const char *object = column_object(kind, config);
    if (!kind || !object)
        return;
    need_of(g, object);
    if (kind == &salesforce_create_column || kind == &salesforce_upsert_column ||
        kind == &salesforce_campaign_column)
        need_of(g, object)->create = true;
    if (kind == &salesforce_update_column || kind == &salesforce_upsert_column ||
        kind == &salesforce_campaign_column)
        need_of(g, object)->update = true;
    if (kind == &salesforce_delete_column)
        need_of(g, object)->remove = true;
    if (kind == &salesforce_campaign_column)
        add_campaign(g, object);
    add_keys(g, object, json_get(config, "match"), false);
    json_each(map, json_get(config, "match_any"))
        add_keys(g, object, map, false);
    add_keys(g, object, json_get(config, "unless_found"), false);
    add_list(g, object, json_get(config, "return"));
    add_list(g, object, json_get(config, "external_id"));
    add_condition(g, object, json_get_text(config, "where"));
    add_set(g, object, json_get(config, "set"));
    if (json_get(config, "owners"))
        add_field(g, object, "OwnerId", true);
}

static const struct json *config_of(struct gather *g, const char *text)
{
    struct err ignored = {0};
    return text ? json_parse(g->arena, text, strlen(text), &ignored) : NULL;
}

static void add_table(struct gather *g, const struct table *table)
{
    g->because = table->name;
    for (size_t i = 0; i < table->source_count; i++)
        if (text_eq(table->sources[i].connection, g->connection))
            add_source(g, &table->sources[i], config_of(g, table->sources[i].config));
    for (size_t i = 0; i < table->column_count; i++) {
        const struct json *config = config_of(g, table->columns[i].config);
        if (text_eq(json_get_text(config, "connection"), g->connection)) {
            g->because =
                arena_printf(g->arena, "%s, column %s", table->name, table->columns[i].name);
            add_column(g, &table->columns[i], config);
        }
    }
}

/* -------------------------------------------------------- which tables */

static enum status tables_of(struct gather *g, const char *const *names, size_t count,
                             struct table **out, size_t *out_count, struct err *err)
{
    const struct store_driver *does = g->engine->store->does;
    if (!names)
        return does->table_list(g->engine->store, g->arena, out, out_count, err);
    *out = arena_array(g->arena, count + 1, sizeof **out);
    *out_count = count;
    for (size_t i = 0; i < count; i++)
        if (does->table_get(g->engine->store, g->arena, names[i], &(*out)[i], err) != OK)
            return FAIL;
    return OK;
}

static enum status one_connection(const char **first, const char *name, struct err *err)
{
    if (!name || text_eq(*first, name))
        return OK;
    if (*first) {
        err_set(err, ERR_CONFLICT, "these tables use several connections: \"%s\" and \"%s\"",
                *first, name);
        err_hint(err, "Choose one with --connection.");
        return FAIL;
    }
    *first = name;
    return OK;
}

static enum status connection_find(struct gather *g, const struct table *tables, size_t count,
                                   struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t s = 0; s < tables[i].source_count; s++)
            if (one_connection(&g->connection, tables[i].sources[s].connection, err) != OK)
                return FAIL;
        for (size_t c = 0; c < tables[i].column_count; c++) {
            const struct json *config = config_of(g, tables[i].columns[c].config);
            if (one_connection(&g->connection, json_get_text(config, "connection"), err) != OK)
                return FAIL;
        }
    }
    return g->connection ? OK : err_set(err, ERR_NOT_FOUND, "no table here uses a connection yet");
}

enum status engine_needs(struct engine *engine, struct arena *arena, const char *const *names,
                         size_t count, bool ask, const char **connection, struct crm_need **needs,
                         size_t *need_count, struct err *err)
{
    struct gather g = {.engine = engine, .arena = arena, .connection = *connection};
    struct table *tables = NULL;
    size_t table_count = 0;
    if (tables_of(&g, names, count, &tables, &table_count, err) != OK)
        return FAIL;
    if (!g.connection && connection_find(&g, tables, table_count, err) != OK)
        return FAIL;
    if (ask && access_may_build(engine, g.connection, err) != OK)
        return FAIL;
    struct err why = {0};
    g.session = ask ? engine_session(engine, g.connection, &why) : NULL;
    for (size_t i = 0; i < table_count; i++)
        add_table(&g, &tables[i]);
    if (g.session)
        g.session->does->close(g.session);
    *connection = g.connection;
    *needs = g.needs;
    *need_count = g.count;
    return OK;
}
