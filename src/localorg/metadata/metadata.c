/* metadata.c - the types, and what is the same for all of them: is it there,
 * may it be, keep what was said of it. */
#include "localorg/metadata/metadata_priv.h"

#include <stdarg.h>
#include <stdlib.h>

static const struct meta_kind *const kinds[] = {&object_kind, &field_kind, &permset_kind, &rule_kind,
                                                &member_kind};
#define KINDS (sizeof kinds / sizeof *kinds)

static const struct meta_kind *kind_find(const char *name)
{
    for (size_t i = 0; i < KINDS; i++)
        if (text_eq(kinds[i]->type.name, name))
            return kinds[i];
    return NULL;
}

const struct meta_type *meta_type_find(const char *name)
{
    const struct meta_kind *kind = kind_find(name);
    return kind ? &kind->type : NULL;
}

const struct meta_type *meta_type_at(size_t index)
{
    return index < KINDS ? &kinds[index]->type : NULL;
}

bool meta_type_elsewhere(const char *name)
{
    static const char *const known[] = {
        "ApexClass",      "ApexComponent",  "ApexPage",         "ApexTrigger",
        "AssignmentRules", "AuraDefinitionBundle", "ConnectedApp", "CustomApplication",
        "CustomLabels",   "CustomMetadata", "CustomPermission", "CustomSite",
        "CustomTab",      "Dashboard",      "DuplicateRule",    "EmailTemplate",
        "FlexiPage",      "Flow",           "GlobalValueSet",   "Group",
        "Layout",         "LightningComponentBundle", "ListView", "MatchingRules",
        "NamedCredential", "PermissionSetGroup", "PlatformEventChannel", "Profile",
        "Queue",          "RecordType",     "RemoteSiteSetting", "Report",
        "Role",           "Settings",       "SharingRules",     "StaticResource",
        "Translations",   "Workflow"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (text_eq(known[i], name))
            return true;
    return false;
}

/* --- small things --- */

bool meta_refuse(struct meta_change *change, const char *code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    change->result->code = code;
    change->result->message = arena_vprintf(change->meta->arena, fmt, args);
    va_end(args);
    return false;
}

bool meta_broke(struct meta_change *change)
{
    change->broken = true;
    return false;
}

void meta_warn(struct meta_change *change, const char *what)
{
    const char *before = change->result->warning;
    change->result->warning =
        before ? arena_printf(change->meta->arena, "%s, %s", before, what)
               : arena_printf(change->meta->arena, "kept without effect in localorg: %s", what);
}

void meta_warn_unknown(struct meta_change *change, const char *const *known, size_t count)
{
    json_each(member, change->component) {
        bool found = *member->key == '@';
        for (size_t i = 0; i < count && !found; i++)
            found = text_eq(member->key, known[i]);
        if (!found && !(change->result->warning && strstr(change->result->warning, member->key)))
            meta_warn(change, member->key);
    }
}

const char *meta_text(const struct json *object, const char *key)
{
    const struct json *value = json_get(object, key);
    if (json_is(value, JSON_TRUE) || json_is(value, JSON_FALSE))
        return json_is(value, JSON_TRUE) ? "true" : "false";
    return json_text(value);
}

bool meta_truth(const struct json *object, const char *key, bool otherwise)
{
    const char *text = meta_text(object, key);
    return text ? text_eq_nocase(text, "true") : otherwise;
}

int64_t meta_int(const struct json *object, const char *key, int64_t otherwise)
{
    const char *text = meta_text(object, key);
    return text && *text ? (int64_t)strtod(text, NULL) : otherwise;
}

struct sobject *meta_parent(const struct meta *meta, const char *full_name, const char **rest)
{
    const char *dot = strchr(full_name, '.');
    if (!dot)
        return NULL;
    *rest = dot + 1;
    return schema_find_n(org_schema(meta->org), full_name, (size_t)(dot - full_name));
}

/* --- what was said of a component --- */

static enum status keep_run(const struct meta *meta, const char *sql, const char *type,
                            const char *name, const char *json, struct err *err)
{
    sqlite3_stmt *run = NULL;
    sqlite3 *db = org_write_begin(meta->org);
    if (!db)
        return err_set(err, ERR_IO, "cannot write to the org");
    bool good = sqlite3_prepare_v2(db, sql, -1, &run, NULL) == SQLITE_OK;
    if (good) {
        sqlite3_bind_text(run, 1, type, -1, SQLITE_STATIC);
        sqlite3_bind_text(run, 2, name, -1, SQLITE_STATIC);
        if (json)
            sqlite3_bind_text(run, 3, json, -1, SQLITE_STATIC);
        good = sqlite3_step(run) == SQLITE_DONE;
    }
    if (!good)
        err_set(err, ERR_IO, "keeping %s: %s", name, sqlite3_errmsg(db));
    sqlite3_finalize(run);
    enum status ended = org_write_end(meta->org, good, good ? err : NULL);
    return good ? ended : FAIL;
}

static void write_members(struct jw *w, const struct json *component)
{
    json_each(member, component) {
        if (*member->key == '@' || text_eq(member->key, "fullName"))
            continue;
        jw_key(w, member->key);
        jw_value(w, member);
    }
}

static bool keep(struct meta_change *change)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "fullName", change->full_name);
    write_members(&w, change->component);
    jw_end_object(&w);
    enum status status =
        keep_run(change->meta, "INSERT OR REPLACE INTO localorg_component VALUES (?, ?, ?)",
                 change->type->name, change->full_name, buf_text(&text), change->err);
    buf_free(&text);
    return status == OK || meta_broke(change);
}

static bool forget(struct meta_change *change)
{
    return keep_run(change->meta, "DELETE FROM localorg_component WHERE type = ? AND name = ?",
                    change->type->name, change->full_name, NULL, change->err) == OK ||
           meta_broke(change);
}

const char *meta_kept(const struct meta *meta, const char *type, const char *name)
{
    const char *found = NULL;
    sqlite3_stmt *row = NULL;
    sqlite3 *db = org_reader_take(meta->org);
    if (db && sqlite3_prepare_v2(db,
                                 "SELECT json FROM localorg_component WHERE type = ? AND name = ?",
                                 -1, &row, NULL) == SQLITE_OK) {
        sqlite3_bind_text(row, 1, type, -1, SQLITE_STATIC);
        sqlite3_bind_text(row, 2, name, -1, SQLITE_STATIC);
        if (sqlite3_step(row) == SQLITE_ROW)
            found = arena_strdup(meta->arena, (const char *)sqlite3_column_text(row, 0));
    }
    sqlite3_finalize(row);
    org_reader_give(meta->org, db);
    return found;
}

/* --- changing --- */

static bool already_there(struct meta_change *change)
{
    const char *dot = strchr(change->full_name, '.');
    if (text_eq(change->type->name, "CustomField") && dot)
        return meta_refuse(change, "DUPLICATE_DEVELOPER_NAME",
                           "There is already a field named %.*s on %.*s.",
                           (int)(text_ends(dot, "__c") ? strlen(dot + 1) - 3 : strlen(dot + 1)),
                           dot + 1, (int)(dot - change->full_name), change->full_name);
    return meta_refuse(change, "DUPLICATE_DEVELOPER_NAME", "This name is already in use: %s",
                       change->full_name);
}

static bool not_there(struct meta_change *change)
{
    return meta_refuse(change, "INVALID_CROSS_REFERENCE_KEY",
                       "Entity Of type '%s' named '%s' cannot be found", change->type->name,
                       change->full_name);
}

static bool put_one(struct meta_change *change, const struct meta_kind *kind)
{
    if (text_blank(change->full_name) || strlen(change->full_name) > 190)
        return meta_refuse(change, "REQUIRED_FIELD_MISSING", "Required field is missing: fullName");
    change->exists = kind->exists(change->meta, change->full_name);
    if (change->exists && change->op == META_CREATE)
        return already_there(change);
    if (!change->exists && change->op == META_UPDATE)
        return not_there(change);
    return kind->put(change) && (kind->generated || keep(change));
}

static bool drop_one(struct meta_change *change, const struct meta_kind *kind)
{
    if (!kind->exists(change->meta, change->full_name))
        return meta_refuse(change, "INVALID_CROSS_REFERENCE_KEY",
                           "No %s named: %s found", change->type->name, change->full_name);
    if (!kind->drop)
        return meta_refuse(change, "INSUFFICIENT_ACCESS_OR_READONLY",
                           "localorg does not delete a %s", change->type->name);
    return kind->drop(change) && forget(change);
}

/* One step in a transaction of its own. */
static enum status in_transaction(struct meta_change *change, const struct meta_kind *kind,
                                  bool (*step)(struct meta_change *, const struct meta_kind *))
{
    const struct meta *meta = change->meta;
    change->type = &kind->type;
    change->result->full_name = change->full_name;
    if (!org_write_begin(meta->org))
        return err_set(change->err, ERR_IO, "cannot write to the org");
    bool good = step(change, kind);
    enum status ended = org_write_end(meta->org, good, good ? change->err : NULL);
    if (change->broken || ended != OK)
        return FAIL;
    change->result->success = good;
    if (good) {
        change->result->created = !change->exists;
        change->result->changed = change->exists;
        if (!change->result->id[0])
            org_setup_id(meta->org, kind->type.prefix, change->full_name, change->result->id);
    }
    return OK;
}

static enum status unknown_type(struct meta_result *out, struct arena *arena, const char *type)
{
    out->code = "INVALID_TYPE";
    out->message =
        meta_type_elsewhere(type)
            ? arena_printf(arena, "localorg keeps no components of type %s", type)
            : arena_printf(arena, "Unknown type: %s", type ? type : "");
    return OK;
}

enum status metadata_put(const struct meta *meta, const char *type, const struct json *component,
                     enum meta_op op, struct meta_result *out, struct err *err)
{
    const struct meta_kind *kind = kind_find(type);
    const char *name = meta_text(component, "fullName");
    *out = (struct meta_result){.full_name = name ? name : ""};
    if (!kind)
        return unknown_type(out, meta->arena, type);
    struct meta_change change = {.meta = meta,
                                 .component = component,
                                 .full_name = out->full_name,
                                 .op = op,
                                 .result = out,
                                 .err = err};
    return in_transaction(&change, kind, put_one);
}

enum status metadata_drop(const struct meta *meta, const char *type, const char *full_name,
                      struct meta_result *out, struct err *err)
{
    const struct meta_kind *kind = kind_find(type);
    *out = (struct meta_result){.full_name = full_name};
    if (!kind)
        return unknown_type(out, meta->arena, type);
    struct meta_change change = {
        .meta = meta, .full_name = full_name, .exists = true, .result = out, .err = err};
    return in_transaction(&change, kind, drop_one);
}

/* --- reading --- */

bool metadata_read(const struct meta *meta, const char *type, const char *full_name, struct jw *w)
{
    const struct meta_kind *kind = kind_find(type);
    if (!kind || !kind->exists(meta, full_name))
        return false;
    const char *text = kind->generated ? NULL : meta_kept(meta, type, full_name);
    if (text)
        jw_raw(w, text, strlen(text));
    else
        kind->write(meta, full_name, w);
    return true;
}

void metadata_list(const struct meta *meta, const char *type, meta_item_fn *fn, void *ctx)
{
    const struct meta_kind *kind = kind_find(type);
    if (kind)
        kind->list(meta, &kind->type, fn, ctx);
}
