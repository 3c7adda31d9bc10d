/* deploy.c - from a zip archive to components put and dropped.
 *
 * package.xml says what is deployed; a file that it does not name is an error,
 * and so is a name without a file. Objects come first, permission sets after
 * them, whatever the order of the files: a set may grant a field that comes with
 * the same package. */
#include "localorg/metadata/deploy.h"

#include "localorg/metadata/metadata_priv.h"
#include "localorg/metadata/zip.h"

struct deploy {
    const struct meta *meta;
    const struct deploy_options *options;
    struct deploy_result *result;
    struct deploy_message **last;
    struct zip_file *files;
    size_t file_count;
    const char *root; /* "unpackaged/", or "" */
    const struct json *package;
    struct err *err;
    bool broken;
};

/* --- messages --- */

static struct deploy_message *tell(struct deploy *d, const char *type, const char *full_name,
                                   const char *file)
{
    struct deploy_message *message = arena_alloc(d->meta->arena, sizeof *message);
    message->type = type;
    message->full_name = full_name;
    message->file = file;
    *d->last = message;
    d->last = &message->next;
    return message;
}

static void tell_problem(struct deploy *d, const char *type, const char *full_name,
                         const char *file, const char *problem)
{
    struct deploy_message *message = tell(d, type, full_name, file);
    message->problem = problem;
    d->result->errors++;
    d->result->total++;
}

static void tell_result(struct deploy *d, const char *type, const char *file,
                        const struct meta_result *result)
{
    struct deploy_message *message = tell(d, type, result->full_name, file);
    message->success = result->success;
    message->created = result->success && result->created;
    message->changed = result->success;
    message->problem = result->success ? result->warning : result->message;
    message->warning = result->success && result->warning;
    message->id = result->success ? arena_strdup(d->meta->arena, result->id) : NULL;
    d->result->total++;
    if (result->success)
        d->result->deployed++;
    else
        d->result->errors++;
}

/* --- the package --- */

static const struct zip_file *file_named(const struct deploy *d, const char *name)
{
    for (size_t i = 0; i < d->file_count; i++)
        if (text_starts(d->files[i].name, d->root) &&
            strcmp(d->files[i].name + strlen(d->root), name) == 0)
            return &d->files[i];
    return NULL;
}

/* The archive as a whole is refused. */
static bool refuse_archive(struct deploy *d, const char *fmt, const char *text)
{
    d->result->error_message = arena_printf(d->meta->arena, fmt, text);
    return false;
}

static const struct json *read_xml(struct deploy *d, const struct zip_file *file, const char **why)
{
    struct err err = {{0}};
    const struct json *root = xml_read(d->meta->arena, file->data, file->len, &err);
    if (!root)
        *why = arena_printf(d->meta->arena, "Error parsing file: %s (%s)", err.message, err.where);
    return root;
}

static bool open_package(struct deploy *d)
{
    const struct zip_file *package = file_named(d, "package.xml");
    for (size_t i = 0; !package && i < d->file_count; i++) {
        const char *slash = strchr(d->files[i].name, '/');
        if (slash && strcmp(slash, "/package.xml") == 0) {
            d->root = arena_strndup(d->meta->arena, d->files[i].name,
                                    (size_t)(slash + 1 - d->files[i].name));
            package = &d->files[i];
        }
    }
    if (!package)
        return refuse_archive(d, "No package.xml found%s", "");
    const char *why = NULL;
    d->package = read_xml(d, package, &why);
    if (!d->package)
        return refuse_archive(d, "package.xml: %s", why);
    return true;
}

/* Does this manifest name the component, by itself or by "*"? */
static bool manifest_names(const struct json *manifest, const char *type, const char *full_name)
{
    xml_each(types, manifest, "types") {
        if (!text_eq(meta_text(types, "name"), type))
            continue;
        xml_each(member, types, "members")
            if (text_eq(json_text(member), full_name) || text_eq(json_text(member), "*"))
                return true;
    }
    return false;
}

/* --- components of files --- */

static const struct meta_type *type_of_directory(const char *path, size_t len)
{
    const struct meta_type *type;
    for (size_t i = 0; (type = meta_type_at(i)); i++)
        if (!type->child_of && strlen(type->directory) == len &&
            strncmp(type->directory, path, len) == 0)
            return type;
    return NULL;
}

/* "permissionsets/Argil.permissionset": the type, and "Argil". NULL: not a component. */
static const struct meta_type *type_of_file(struct deploy *d, const char *path, const char **name)
{
    const char *slash = strchr(path, '/');
    const struct meta_type *type = slash ? type_of_directory(path, (size_t)(slash - path)) : NULL;
    if (!type)
        return NULL;
    const char *dot = arena_printf(d->meta->arena, ".%s", type->suffix);
    size_t len = strlen(slash + 1);
    if (!text_ends(slash + 1, dot))
        return NULL;
    *name = arena_strndup(d->meta->arena, slash + 1, len - strlen(dot));
    return type;
}

/* Copies of the members, with this fullName. */
static const struct json *component_of(struct deploy *d, const struct json *root,
                                       const char *full_name)
{
    struct json *component = arena_alloc(d->meta->arena, sizeof *component);
    struct json *name = arena_alloc(d->meta->arena, sizeof *name);
    *component = *root;
    *name = (struct json){.type = JSON_STRING,
                          .text = full_name,
                          .len = (uint32_t)strlen(full_name),
                          .key = "fullName",
                          .key_len = 8};
    component->type = JSON_OBJECT;
    struct json **last = &component->first;
    *last = name;
    last = &name->next;
    json_each(member, root) {
        if (text_eq(member->key, "fullName"))
            continue;
        *last = arena_alloc(d->meta->arena, sizeof **last);
        **last = *member;
        (*last)->next = NULL;
        last = &(*last)->next;
    }
    return component;
}

/* The fields of an object's file get messages of their own. */
static void tell_parts(struct deploy *d, const struct json *root, const struct meta_result *object,
                       const char *file)
{
    const struct meta_type *type;
    for (size_t i = 0; (type = meta_type_at(i)); i++) {
        if (!text_eq(type->child_of, "CustomObject"))
            continue;
        xml_each(part, root, type->tag) {
            struct meta_result result = {.success = true, .changed = true};
            const char *name = meta_text(part, "fullName");
            result.full_name =
                arena_printf(d->meta->arena, "%s.%s", object->full_name, name ? name : "");
            org_setup_id(d->meta->org, type->prefix, result.full_name, result.id);
            tell_result(d, type->name, file, &result);
        }
    }
}

static bool put_file(struct deploy *d, const struct zip_file *file, const struct meta_type *type,
                     const char *full_name)
{
    const char *why = NULL, *path = file->name + strlen(d->root);
    const struct json *root = read_xml(d, file, &why);
    struct meta_result result;
    if (!root) {
        tell_problem(d, type->name, full_name, path, why);
        return true;
    }
    if (!text_eq(root->key, type->name)) {
        tell_problem(d, type->name, full_name, path,
                     arena_printf(d->meta->arena, "Unknown component type %s: expected %s",
                                  root->key, type->name));
        return true;
    }
    if (metadata_put(d->meta, type->name, component_of(d, root, full_name), META_UPSERT, &result,
                     d->err) != OK)
        return false;
    tell_result(d, type->name, path, &result);
    if (result.success && text_eq(type->name, "CustomObject"))
        tell_parts(d, root, &result, path);
    return true;
}

/* A manifest may name parts of a file alone: then only these are put. *found says
 * whether there was one. */
static bool put_parts(struct deploy *d, const struct zip_file *file, const char *owner, bool *found)
{
    const char *why = NULL, *path = file->name + strlen(d->root);
    const struct json *root = read_xml(d, file, &why);
    const struct meta_type *type;
    for (size_t i = 0; (type = meta_type_at(i)); i++) {
        if (!text_eq(type->child_of, "CustomObject"))
            continue;
        xml_each(part, root, type->tag) {
            struct meta_result result;
            const char *name = meta_text(part, "fullName");
            const char *full = arena_printf(d->meta->arena, "%s.%s", owner, name ? name : "");
            if (!manifest_names(d->package, type->name, full))
                continue;
            *found = true;
            if (metadata_put(d->meta, type->name, component_of(d, part, full), META_UPSERT, &result,
                             d->err) != OK)
                return false;
            tell_result(d, type->name, path, &result);
        }
    }
    if (why) {
        tell_problem(d, "CustomObject", owner, path, why);
        *found = true;
    }
    return true;
}

static bool is_manifest(const char *path)
{
    return strcmp(path, "package.xml") == 0 || text_starts(path, "destructiveChanges");
}

/* Files of the types in the order of the type table. */
static bool put_files(struct deploy *d, const struct meta_type *wanted)
{
    for (size_t i = 0; i < d->file_count; i++) {
        const char *path = d->files[i].name + strlen(d->root), *name = NULL;
        if (!text_starts(d->files[i].name, d->root) || is_manifest(path) ||
            type_of_file(d, path, &name) != wanted)
            continue;
        bool found = manifest_names(d->package, wanted->name, name);
        if (found && !put_file(d, &d->files[i], wanted, name))
            return false;
        if (!found && text_eq(wanted->name, "CustomObject") &&
            !put_parts(d, &d->files[i], name, &found))
            return false;
        if (!found)
            tell_problem(d, wanted->name, name, path,
                         arena_printf(d->meta->arena,
                                      "An object '%s' of type %s was found in the zip file, but is "
                                      "not named in package.xml",
                                      name, wanted->name));
    }
    return true;
}

static void tell_foreign_files(struct deploy *d)
{
    for (size_t i = 0; i < d->file_count; i++) {
        const char *path = d->files[i].name + strlen(d->root), *name = NULL;
        if (!text_starts(d->files[i].name, d->root) || is_manifest(path) ||
            type_of_file(d, path, &name))
            continue;
        tell_problem(d, "", path, path,
                     "localorg keeps no components of this directory: it deploys objects, "
                     "permissionsets and platformEventChannelMembers");
    }
}

/* --- what the manifest names --- */

static bool has_file(struct deploy *d, const struct meta_type *type, const char *member)
{
    const char *dot = strchr(member, '.');
    const char *owner =
        type->child_of && dot ? arena_strndup(d->meta->arena, member, (size_t)(dot - member))
                              : member;
    return file_named(d, arena_printf(d->meta->arena, "%s/%s.%s", type->directory, owner,
                                      type->suffix)) != NULL;
}

static void tell_missing_member(struct deploy *d, const char *type_name, const char *member)
{
    const struct meta_type *type = meta_type_find(type_name);
    if (text_eq(member, "*"))
        return;
    if (!type)
        tell_problem(d, type_name, member, "package.xml",
                     meta_type_elsewhere(type_name)
                         ? arena_printf(d->meta->arena,
                                        "localorg keeps no components of type %s", type_name)
                         : arena_printf(d->meta->arena,
                                        "Unknown type name '%s' specified in package.xml",
                                        type_name));
    else if (!d->options->allow_missing_files && !has_file(d, type, member))
        tell_problem(d, type_name, member, "package.xml",
                     arena_printf(d->meta->arena,
                                  "An object '%s' of type %s was named in package.xml, but was not "
                                  "found in zipped directory",
                                  member, type_name));
}

static void tell_missing(struct deploy *d)
{
    xml_each(types, d->package, "types") {
        const char *name = meta_text(types, "name");
        xml_each(member, types, "members")
            tell_missing_member(d, name ? name : "", json_text(member) ? json_text(member) : "");
    }
}

/* --- destructive changes --- */

static bool drop_member(struct deploy *d, const char *type, const char *member, const char *file)
{
    struct meta_result result;
    if (metadata_drop(d->meta, type, member, &result, d->err) != OK)
        return false;
    result.created = false;
    tell_result(d, type, file, &result);
    /* The message is the last one told. */
    struct deploy_message *message = d->result->messages;
    while (message->next)
        message = message->next;
    message->deleted = result.success;
    message->changed = false;
    return true;
}

static bool drop_all(struct deploy *d, const char *file)
{
    const char *why = NULL;
    const struct zip_file *found = file_named(d, file);
    const struct json *manifest = found ? read_xml(d, found, &why) : NULL;
    if (found && !manifest)
        tell_problem(d, "", file, file, why);
    xml_each(types, manifest, "types") {
        const char *name = meta_text(types, "name");
        xml_each(member, types, "members")
            if (!drop_member(d, name ? name : "", json_text(member) ? json_text(member) : "", file))
                return false;
    }
    return true;
}

/* --- the whole --- */

static bool apply(struct deploy *d)
{
    const struct meta_type *type;
    if (!open_package(d))
        return true;
    struct deploy_message *package = tell(d, "", "package.xml", "package.xml");
    package->success = package->changed = true;
    tell_missing(d);
    tell_foreign_files(d);
    if (!drop_all(d, "destructiveChangesPre.xml"))
        return false;
    for (size_t i = 0; (type = meta_type_at(i)); i++)
        if (!type->child_of && !put_files(d, type))
            return false;
    return drop_all(d, "destructiveChanges.xml") && drop_all(d, "destructiveChangesPost.xml");
}

static void conclude(struct deploy *d, bool *keep)
{
    struct deploy_result *result = d->result;
    bool failed = result->errors > 0 || result->error_message;
    result->success = !failed;
    *keep = !d->options->check_only && !(failed && d->options->rollback_on_error) &&
            !result->error_message;
    result->status = !failed                  ? "Succeeded"
                     : *keep && result->deployed ? "SucceededPartial"
                                                 : "Failed";
    if (text_eq(result->status, "SucceededPartial"))
        result->success = true;
    if (failed && !*keep)
        result->deployed = 0;
}

enum status deploy_run(const struct meta *meta, const void *zip, size_t len,
                       const struct deploy_options *options, struct deploy_result *out,
                       struct err *err)
{
    struct deploy d = {
        .meta = meta, .options = options, .result = out, .root = "", .err = err};
    struct err bad = {{0}};
    bool keep = false;
    *out = (struct deploy_result){0};
    d.last = &out->messages;
    if (zip_read(meta->arena, zip, len, &d.files, &d.file_count, &bad) != OK) {
        out->error_message = arena_strdup(meta->arena, bad.message);
        conclude(&d, &keep);
        return OK;
    }
    if (!org_write_begin(meta->org))
        return err_set(err, ERR_IO, "cannot write to the org");
    bool good = apply(&d);
    if (good)
        conclude(&d, &keep);
    enum status ended = org_write_end(meta->org, good && keep, good && keep ? err : NULL);
    return good ? ended : FAIL;
}
