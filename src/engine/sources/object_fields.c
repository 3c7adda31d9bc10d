/* object_fields.c - the fields of a Salesforce object, as a recipe may name them.
 *
 * Paths go through parents ("Owner.Name") by their relationships. A field that
 * the user may not read and one that is not there look alike: Salesforce leaves
 * both out of describe. */
#include "engine/sources/object_fields.h"

#include "base/str.h"
#include "engine/recipe_hint.h"

#include <string.h>
#include <strings.h>

#define PARENTS 5

enum value_type source_type_of(const struct crm_field *field)
{
    static const struct {
        const char *salesforce;
        enum value_type type;
    } types[] = {
        {"url", TYPE_URL},
        {"email", TYPE_EMAIL},
        {"int", TYPE_NUMBER},
        {"double", TYPE_NUMBER},
        {"percent", TYPE_NUMBER},
        {"currency", TYPE_CURRENCY},
        {"date", TYPE_DATE},
        {"datetime", TYPE_DATETIME},
        {"boolean", TYPE_CHECKBOX},
        {"picklist", TYPE_SELECT},
        {"multipicklist", TYPE_MULTISELECT},
        {"address", TYPE_JSON},
        {"location", TYPE_JSON},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (text_eq(field->type, types[i].salesforce))
            return types[i].type;
    return TYPE_TEXT;
}

struct crm_session *object_session(struct source_check *check)
{
    struct err err = {0};
    const char *name = json_get_text(check->config, "connection");
    check->connection = name;
    struct crm_session *session = check->session(check->session_ctx, name, &err);
    if (!session)
        source_check_add(check, "connection", &err);
    return session;
}

const struct crm_object *object_described(struct source_check *check, struct crm_session *session,
                                          const char *name, const char *where)
{
    struct err err = {0};
    const struct crm_object *object = session->does->describe(session, name, &err);
    if (!object)
        source_check_add(check, where, &err);
    else
        check->object = arena_strdup(check->arena, object->name);
    return object;
}

static bool importable(const struct crm_field *field)
{
    return !text_eq(field->type, "base64") && !text_eq(field->type, "address") &&
           !text_eq(field->type, "location");
}

void object_fields_list(struct source_check *check, const struct crm_object *object)
{
    check->fields = arena_array(check->arena, object->field_count + 1, sizeof *check->fields);
    for (size_t i = 0; i < object->field_count; i++) {
        const struct crm_field *f = &object->fields[i];
        if (importable(f))
            check->fields[check->field_count++] =
                (struct source_field){arena_strdup(check->arena, f->name),
                                      arena_strdup(check->arena, f->label), source_type_of(f)};
    }
}

static void unknown_field(struct source_check *check, const struct crm_object *object,
                          const char *name, const char *where)
{
    const char **names = arena_array(check->arena, object->field_count + 1, sizeof *names);
    for (size_t i = 0; i < object->field_count; i++)
        names[i] = object->fields[i].name;
    struct err *e =
        source_check_fail(check, where, "recipe.unknown_field",
                          "%s has no field `%s` that the OAuth user can see", object->name, name);
    err_cause(e,
              "Salesforce hides a field from describe when the user's profile or permission sets "
              "give no Read access to it (field-level security), so a hidden field and a "
              "missing one look alike");
    const char *near = text_nearest(name, names, object->field_count);
    const char *label = object->label ? object->label : object->name;
    if (near)
        err_hint(
            e,
            "did you mean `%s`? If the field exists: Setup > Object Manager > %s > Fields > %s > "
            "Set Field-Level Security, or a permission set with Read access",
            near, label, name);
    else
        err_hint(e,
                 "if it exists: Setup > Object Manager > %s > Fields > %s > Set Field-Level "
                 "Security, or a permission set with Read access",
                 label, name);
}

static const struct crm_field *parent_of(struct source_check *check,
                                         const struct crm_object *object, const char *step,
                                         int depth, const char *where)
{
    const struct crm_field *through = NULL;
    const char **names = arena_array(check->arena, object->field_count + 1, sizeof *names);
    size_t count = 0;
    for (size_t i = 0; i < object->field_count; i++) {
        const struct crm_field *f = &object->fields[i];
        if (!f->relationship_name)
            continue;
        names[count++] = f->relationship_name;
        if (text_eq_nocase(f->relationship_name, step))
            through = f;
    }
    if (through && through->reference_count && depth < PARENTS)
        return through;
    hint_nearest(source_check_fail(check, where, "recipe.unknown_field",
                                   depth == PARENTS
                                       ? "`%s`: a path may follow five parents at most, %s"
                                       : "`%s` is no parent relationship of %s",
                                   step, object->name),
                 step, names, count);
    return NULL;
}

/* A lookup that may point to several objects shows what all of them have in common, and which
 * of them it is: Who.Name, Who.Type. No describe lists the latter. */
static const struct crm_field type_of_parent = {.name = "Type", .label = "Type", .type = "string"};

static const struct crm_field *common_field(const struct crm_field *through, const char *name)
{
    return through->reference_count > 1 && text_eq_nocase(name, "Type") ? &type_of_parent : NULL;
}

/* The first object that a lookup may point to which has what comes next of the path. */
static const struct crm_object *parent_with(struct crm_session *session,
                                            const struct crm_field *through, const char *next,
                                            struct err *err)
{
    const struct crm_object *first = NULL;
    for (size_t i = 0; i < through->reference_count; i++) {
        struct err mine = {0};
        const struct crm_object *parent =
            session->does->describe(session, through->reference_to[i], &mine);
        if (parent && (strchr(next, '.') || crm_object_field(parent, next)))
            return parent;
        if (!parent && (i == 0 || !err_is(&mine, ERR_NOT_FOUND)))
            *err = mine;
        first = first ? first : parent;
    }
    return first;
}

static bool field_take(struct source_check *check, const struct crm_field *field, const char *path,
                       const char *where, struct source_field *out)
{
    const char *dot = strrchr(path, '.');
    const char *name = dot ? path : arena_strdup(check->arena, field->name);
    *out = (struct source_field){name, arena_strdup(check->arena, field->label),
                                 source_type_of(field)};
    if (!text_eq(field->type, "base64"))
        return true;
    source_check_fail(check, where, "recipe.unsupported_field",
                      "`%s` holds file contents, which a table does not import", path);
    return false;
}

bool object_field_find(struct source_check *check, struct crm_session *session,
                       const struct crm_object *object, const char *path, const char *where,
                       struct source_field *out)
{
    struct err err = {0};
    const char *rest = path;
    for (int depth = 0;; depth++) {
        size_t len = strcspn(rest, ".");
        char *step = arena_strndup(check->arena, rest, len);
        if (!rest[len]) {
            const struct crm_field *field = crm_object_field(object, step);
            if (field)
                return field_take(check, field, path, where, out);
            unknown_field(check, object, step, where);
            return false;
        }
        const struct crm_field *through = parent_of(check, object, step, depth, where);
        if (!through)
            return false;
        rest += len + 1;
        const struct crm_field *common = common_field(through, rest);
        if (common)
            return field_take(check, common, path, where, out);
        object = parent_with(session, through, rest, &err);
        if (!object) {
            source_check_add(check, where, &err);
            return false;
        }
    }
}

/* ---------------------------------------------------------- a path, as it is now */

static const struct crm_field *relationship_of(const struct crm_object *object, const char *name,
                                               size_t len)
{
    for (size_t i = 0; i < object->field_count; i++) {
        const char *found = object->fields[i].relationship_name;
        if (found && strlen(found) == len && strncasecmp(found, name, len) == 0)
            return &object->fields[i];
    }
    return NULL;
}

enum status object_field_resolve(struct crm_session *session, const struct crm_object *object,
                                 const char *path, const struct crm_field **out, struct err *err)
{
    size_t len = strcspn(path, ".");
    *out = path[len] ? NULL : crm_object_field(object, path);
    const struct crm_field *through = path[len] ? relationship_of(object, path, len) : NULL;
    if (through)
        *out = common_field(through, path + len + 1);
    for (size_t i = 0; through && !*out && i < through->reference_count; i++) {
        struct err mine = {0};
        const struct crm_object *parent =
            session->does->describe(session, through->reference_to[i], &mine);
        if (!parent && err_is(&mine, ERR_NOT_FOUND))
            continue; /* hidden from the user as a whole */
        if (!parent) {
            *err = mine;
            return FAIL;
        }
        if (object_field_resolve(session, parent, path + len + 1, out, err) != OK)
            return FAIL;
    }
    return OK;
}
