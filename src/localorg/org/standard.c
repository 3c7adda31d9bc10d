/* standard.c - the text form of objects, and the standard objects in it.
 *
 * A file is a header, a blank line, and one line a field:
 *
 *     object    Account
 *     label     Account
 *     plural    Accounts
 *     prefix    001
 *     flags     +feedEnabled +mergeable
 *     scope     everything All accounts
 *     child     Contact.AccountId   Contacts   cascade
 *
 *     Name      string(255)         "Account Name"   required name
 *     Type      picklist(40)        "Account Type"
 *         | Prospect | *Customer - Direct | Other = Any other
 *     ParentId  reference(Account)  "Parent Account ID"
 *     use address Billing
 *
 * Children without a name, and those the fields of other objects imply, are
 * left out. A field says only what differs from its type:
 *
 *   every type   createable, updateable, nillable, permissionable, filterable, sortable,
 *                groupable, aggregatable; byteLength three times the length
 *   id           length 18, not writable, not nillable, defaultedOnCreate, idLookup
 *   reference    length 18; relationshipName is the name without Id; with several
 *                targets namePointing and polymorphicForeignKey
 *   boolean      not nillable, not aggregatable, defaultedOnCreate, default false
 *   int(digits), double/currency/percent(precision,scale): all but int not groupable
 *   datetime, time, combobox: not groupable
 *   textarea     extraTypeInfo plaintextarea; above 255 characters not filterable,
 *                sortable, groupable or aggregatable
 *   multipicklist not sortable, groupable, aggregatable; base64 and encryptedstring nothing at all
 *   address, location: not writable, only filterable, queryByDistance
 *   a picklist value marked * is also the defaultValue; ! is inactive; "a = b" has label b
 *
 * Words: readonly (not createable, updateable, permissionable), computed (not
 * createable, updateable), createonly, always (not permissionable: field-level
 * security cannot hide it), nonnull (not nillable), required (always nonnull), system
 * (readonly nonnull defaulted), defaulted (defaultedOnCreate), name (nameField), restricted
 * (restrictedPicklist), bit (one bit of a mask: not sortable, not groupable), as NAME
 * (relationshipName; nothing = null), values LIST, +attribute, -attribute, attribute=value.
 *
 * values.sobject holds the lists and the groups of fields that `use` puts in place. */
#include "localorg/org/standard.h"

#include "base/map.h"
#include "base/str.h"
#include "base/vec.h"
#include "localorg/org/describe.h"
#include "standard_files.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define ATTRIBUTES_MAX 64

struct value_list {
    const char *json, *default_json; /* picklistValues, and the value marked *, or NULL */
};

struct group {
    VEC(const char *) lines;
};

struct library {
    struct arena *arena;
    struct map *lists, *groups;
};

struct draft { /* one field on its way to JSON */
    const char *name, *type;
    struct {
        const char *key, *json;
    } at[ATTRIBUTES_MAX];
    size_t count;
};

struct reader {
    const struct library *library;
    struct arena *arena;
    const char *name, *text, *end; /* file, rest of it */
    size_t line;
    struct jw w;
    struct buf out;
    struct draft field;
    bool in_fields;
    struct buf children, scopes; /* comma-separated JSON objects */
    struct buf values;           /* the picklist lines of the field at hand */
};

static enum status fail_at(const struct reader *r, struct err *err, const char *what,
                           const char *word)
{
    err_set(err, ERR_INVALID, "%s: %s", what, word);
    err_where(err, "%s:%zu", r->name, r->line);
    return FAIL;
}

/* --- lines and words --- */

static char *next_line(struct reader *r)
{
    if (r->text >= r->end)
        return NULL;
    const char *stop = memchr(r->text, '\n', (size_t)(r->end - r->text));
    size_t len = (size_t)((stop ? stop : r->end) - r->text);
    char *line = arena_strndup(r->arena, r->text, len);
    r->text += len + (stop ? 1 : 0);
    r->line++;
    while (len && isspace((unsigned char)line[len - 1]))
        line[--len] = '\0';
    return line;
}

static char *skip(char *at)
{
    while (*at == ' ' || *at == '\t')
        at++;
    return at;
}

/* The next word, cut off at *at; quoted parts keep their spaces and quotes. */
static char *word(char **at)
{
    char *start = skip(*at), *p = start;
    bool quoted = false;
    for (; *p && (quoted || (*p != ' ' && *p != '\t')); p++) {
        if (*p == '\\' && quoted && p[1])
            p++;
        else if (*p == '"')
            quoted = !quoted;
    }
    if (*p)
        *p++ = '\0';
    *at = p;
    return *start ? start : NULL;
}

static const char *quoted_json(struct arena *arena, const char *text)
{
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    jw_text(&w, text);
    const char *json = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return json;
}

/* --- picklist values --- */

/* "a | *b | !c = d" appended to `out` as JSON objects; returns the default as JSON, or NULL. */
static const char *values_add(struct arena *arena, struct buf *out, char *items)
{
    const char *star = NULL;
    while (items) {
        char *next = strstr(items, " | ");
        if (next) {
            *next = '\0';
            next += 3;
        }
        items = skip(items);
        bool active = true, is_default = false;
        for (; *items == '*' || *items == '!'; items++) {
            is_default |= *items == '*';
            active &= *items != '!';
        }
        char *label = strstr(items, " = ");
        if (label) {
            *label = '\0';
            label += 3;
        }
        struct buf one = BUF_INIT;
        struct jw w;
        jw_init(&w, &one);
        jw_object(&w);
        jw_kv_bool(&w, "active", active);
        jw_kv_bool(&w, "defaultValue", is_default);
        jw_kv_text(&w, "label", label ? label : items);
        jw_kv_null(&w, "validFor");
        jw_kv_text(&w, "value", items);
        jw_end_object(&w);
        if (out->len)
            buf_char(out, ',');
        buf_append(out, one.data, one.len);
        buf_free(&one);
        if (is_default)
            star = quoted_json(arena, items);
        items = next;
    }
    return star;
}

/* --- fields --- */

static void set(struct draft *field, const char *key, const char *json)
{
    for (size_t i = 0; i < field->count; i++)
        if (text_eq(field->at[i].key, key)) {
            field->at[i].json = json;
            return;
        }
    if (field->count < ATTRIBUTES_MAX) {
        field->at[field->count].key = key;
        field->at[field->count++].json = json;
    }
}

/* "+a -b +c", attributes turned on and off */
static void switches(struct draft *field, const char *list)
{
    static const char *known[] = {
        "aggregatable",
        "createable",
        "defaultedOnCreate",
        "filterable",
        "groupable",
        "idLookup",
        "nameField",
        "namePointing",
        "nillable",
        "permissionable",
        "polymorphicForeignKey",
        "queryByDistance",
        "restrictedPicklist",
        "sortable",
        "updateable",
    };
    for (const char *p = list; *p;) {
        bool on = *p++ == '+';
        size_t len = strcspn(p, " ");
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            if (strlen(known[i]) == len && strncmp(known[i], p, len) == 0)
                set(field, known[i], on ? "true" : "false");
        p += len;
        p += *p == ' ';
    }
}

struct word_rule {
    const char *word, *switches;
};

static const struct word_rule type_rules[] = {
    {"id", "-createable -updateable -permissionable -nillable +defaultedOnCreate +idLookup"},
    {"boolean", "-nillable -aggregatable +defaultedOnCreate"},
    {"double", "-groupable"},
    {"currency", "-groupable"},
    {"percent", "-groupable"},
    {"datetime", "-groupable"},
    {"time", "-groupable"},
    {"combobox", "-groupable"},
    {"address", "-aggregatable -groupable -sortable -createable -updateable +queryByDistance"},
    {"location", "-aggregatable -groupable -sortable -createable -updateable +queryByDistance"},
    {"multipicklist", "-aggregatable -groupable -sortable"},
    {"base64", "-aggregatable -filterable -groupable -sortable"},
    {"encryptedstring", "-aggregatable -filterable -groupable -sortable"},
};

static const struct word_rule word_rules[] = {
    {"readonly", "-createable -updateable -permissionable"},
    {"computed", "-createable -updateable"},
    {"createonly", "-updateable"},
    {"always", "-permissionable"},
    {"nonnull", "-nillable"},
    {"required", "-nillable -permissionable"},
    {"system", "-createable -updateable -permissionable -nillable +defaultedOnCreate"},
    {"defaulted", "+defaultedOnCreate"},
    {"name", "+nameField"},
    {"restricted", "+restrictedPicklist"},
    {"bit", "-sortable -groupable"},
};

static bool apply_rule(struct draft *field, const struct word_rule *rules, size_t count,
                       const char *text)
{
    for (size_t i = 0; i < count; i++)
        if (text_eq(rules[i].word, text)) {
            switches(field, rules[i].switches);
            return true;
        }
    return false;
}

static void set_number(struct reader *r, const char *key, long value)
{
    set(&r->field, key, arena_printf(r->arena, "%ld", value));
}

/* reference(A,B): the targets, and what follows from their number */
static void set_targets(struct reader *r, const char *list)
{
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    jw_array(&w);
    size_t count = 0;
    for (const char *p = list; *p; count++) {
        size_t len = strcspn(p, ",");
        jw_text_n(&w, p, len);
        p += len;
        p += *p == ',';
    }
    jw_end_array(&w);
    set(&r->field, "referenceTo", arena_strdup(r->arena, buf_text(&out)));
    buf_free(&out);
    if (count > 1)
        switches(&r->field, "+namePointing +polymorphicForeignKey");
    if (text_ends(r->field.name, "Id"))
        set(&r->field, "relationshipName",
            arena_printf(r->arena, "\"%.*s\"", (int)strlen(r->field.name) - 2, r->field.name));
}

/* type(arguments) and all that follows from it */
static enum status set_type(struct reader *r, char *type, struct err *err)
{
    char *open = strchr(type, '('), *arguments = NULL;
    if (open) {
        *open = '\0';
        arguments = open + 1;
        char *close = strrchr(arguments, ')');
        if (!close || close[1])
            return fail_at(r, err, "a parenthesis is missing", type);
        *close = '\0';
    }
    enum field_type known;
    if (!field_type_parse(type, &known))
        return fail_at(r, err, "no such field type", type);
    struct draft *field = &r->field;
    field->type = type;
    switches(field, "+createable +updateable +nillable +permissionable +filterable +sortable "
                    "+groupable +aggregatable");
    long length = 0;
    if (known == FT_REFERENCE || known == FT_ID) {
        length = 18;
        if (known == FT_REFERENCE)
            set_targets(r, arguments ? arguments : "");
    } else if (known == FT_INT) {
        set_number(r, "digits", arguments ? atol(arguments) : 9);
    } else if (known == FT_DOUBLE || known == FT_CURRENCY || known == FT_PERCENT) {
        const char *comma = arguments ? strchr(arguments, ',') : NULL;
        set_number(r, "precision", arguments ? atol(arguments) : 18);
        set_number(r, "scale", comma ? atol(comma + 1) : 0);
    } else if (arguments) {
        length = atol(arguments);
    }
    set_number(r, "length", length);
    set_number(r, "byteLength", known == FT_REFERENCE || known == FT_ID ? length : length * 3);
    apply_rule(field, type_rules, sizeof type_rules / sizeof *type_rules, type);
    if (known == FT_BOOLEAN)
        set(field, "defaultValue", "false");
    if (known == FT_TEXTAREA) {
        set(field, "extraTypeInfo", "\"plaintextarea\"");
        if (length > 255)
            switches(field, "-aggregatable -filterable -groupable -sortable");
    }
    return OK;
}

static const char *value_json(struct reader *r, const char *text)
{
    bool number = *text && strspn(text, "0123456789.-") == strlen(text);
    bool plain = text_eq(text, "null") || text_eq(text, "true") || text_eq(text, "false");
    if (*text == '"' || plain || number)
        return text;
    return quoted_json(r->arena, text);
}

static enum status field_word(struct reader *r, char *text, char **rest, struct err *err)
{
    struct draft *field = &r->field;
    char *equals = strchr(text, '=');
    if (*text == '+' || *text == '-') {
        if (!describe_attribute(text + 1))
            return fail_at(r, err, "no such attribute", text);
        set(field, text + 1, *text == '+' ? "true" : "false");
    } else if (equals) {
        *equals = '\0';
        if (!describe_attribute(text))
            return fail_at(r, err, "no such attribute", text);
        set(field, text, value_json(r, equals + 1));
    } else if (text_eq(text, "as")) {
        const char *name = word(rest);
        set(field, "relationshipName",
            !name || text_eq(name, "nothing") ? "null" : quoted_json(r->arena, name));
    } else if (text_eq(text, "values")) {
        const char *name = word(rest);
        const struct value_list *list = name ? map_get(r->library->lists, name) : NULL;
        if (!list)
            return fail_at(r, err, "no such list of values", name ? name : "");
        set(field, "picklistValues", list->json);
        if (list->default_json)
            set(field, "defaultValue", list->default_json);
    } else if (!apply_rule(field, word_rules, sizeof word_rules / sizeof *word_rules, text)) {
        return fail_at(r, err, "no such word", text);
    }
    return OK;
}

static void field_finish(struct reader *r)
{
    struct draft *field = &r->field;
    if (!field->name)
        return;
    if (r->values.len)
        set(field, "picklistValues", arena_printf(r->arena, "[%s]", buf_text(&r->values)));
    jw_object(&r->w);
    jw_kv_text(&r->w, "name", field->name);
    jw_kv_text(&r->w, "type", field->type);
    for (size_t i = 0; i < field->count; i++) {
        jw_key(&r->w, field->at[i].key);
        jw_raw(&r->w, field->at[i].json, strlen(field->at[i].json));
    }
    jw_end_object(&r->w);
    *field = (struct draft){0};
    buf_clear(&r->values);
}

static enum status field_line(struct reader *r, char *line, struct err *err);

/* `use GROUP [Prefix ["label"]]` */
static enum status use_line(struct reader *r, char *rest, struct err *err)
{
    const char *name = word(&rest), *prefix = word(&rest);
    const struct group *group = name ? map_get(r->library->groups, name) : NULL;
    if (!group)
        return fail_at(r, err, "no such group of fields", name ? name : "");
    for (size_t i = 0; i < group->lines.len; i++) {
        struct buf line = BUF_INIT;
        for (const char *p = group->lines.at[i]; *p; p++) {
            if (*p != '$')
                buf_char(&line, *p);
            else if (prefix)
                buf_str(&line, prefix);
            else if (p[1] == ' ')
                p++; /* "$ Street" without a prefix is "Street" */
        }
        char *copy = arena_strdup(r->arena, buf_text(&line));
        buf_free(&line);
        if (field_line(r, copy, err) != OK)
            return FAIL;
    }
    return OK;
}

static enum status field_line(struct reader *r, char *line, struct err *err)
{
    char *rest = line;
    if (isspace((unsigned char)*line)) {
        char *items = skip(line);
        if (*items != '|' || !r->field.name)
            return fail_at(r, err, "expected | and picklist values", items);
        const char *star = values_add(r->arena, &r->values, items + 1);
        if (star)
            set(&r->field, "defaultValue", star);
        return OK;
    }
    field_finish(r);
    char *name = word(&rest);
    if (text_eq(name, "use"))
        return use_line(r, rest, err);
    char *type = word(&rest), *label = word(&rest);
    if (!label || *label != '"')
        return fail_at(r, err, "a field needs a name, a type and a label in quotes", name);
    r->field.name = name;
    if (set_type(r, type, err) != OK)
        return FAIL;
    set(&r->field, "label", label);
    for (char *text; (text = word(&rest));)
        if (field_word(r, text, &rest, err) != OK)
            return FAIL;
    return OK;
}

/* --- the header --- */

static enum status flags_line(struct reader *r, char *rest, struct err *err)
{
    for (char *text; (text = word(&rest));) {
        if (*text != '+' && *text != '-')
            return fail_at(r, err, "a flag starts with + or -", text);
        jw_kv_bool(&r->w, text + 1, *text == '+');
    }
    return OK;
}

static void scope_line(struct reader *r, char *rest)
{
    struct jw w;
    struct buf one = BUF_INIT;
    jw_init(&w, &one);
    jw_object(&w);
    jw_kv_text(&w, "name", word(&rest));
    jw_kv_text(&w, "label", skip(rest));
    jw_end_object(&w);
    buf_str(&r->scopes, r->scopes.len ? "," : "");
    buf_append(&r->scopes, one.data, one.len);
    buf_free(&one);
}

static enum status child_line(struct reader *r, char *rest, struct err *err)
{
    char *path = word(&rest), *name = word(&rest);
    char *dot = path ? strchr(path, '.') : NULL;
    if (!dot || !name)
        return fail_at(r, err, "a child needs Object.Field and a name or -", path ? path : "");
    *dot = '\0';
    struct jw w;
    struct buf one = BUF_INIT;
    jw_init(&w, &one);
    jw_object(&w);
    jw_kv_text(&w, "childSObject", path);
    jw_kv_text(&w, "field", dot + 1);
    jw_kv_text(&w, "relationshipName", text_eq(name, "-") ? NULL : name);
    for (char *text; (text = word(&rest));) {
        const char *key = text_eq(text, "cascade")      ? "cascadeDelete"
                          : text_eq(text, "restrict")   ? "restrictedDelete"
                          : text_eq(text, "deprecated") ? "deprecatedAndHidden"
                                                        : NULL;
        if (!key) {
            buf_free(&one);
            return fail_at(r, err, "no such word for a child", text);
        }
        jw_kv_bool(&w, key, true);
    }
    jw_end_object(&w);
    buf_str(&r->children, r->children.len ? "," : "");
    buf_append(&r->children, one.data, one.len);
    buf_free(&one);
    return OK;
}

static enum status header_line(struct reader *r, char *line, struct err *err)
{
    char *rest = line, *key = word(&rest);
    rest = skip(rest);
    if (text_eq(key, "object"))
        jw_kv_text(&r->w, "name", rest);
    else if (text_eq(key, "label"))
        jw_kv_text(&r->w, "label", rest);
    else if (text_eq(key, "plural"))
        jw_kv_text(&r->w, "labelPlural", rest);
    else if (text_eq(key, "prefix"))
        jw_kv_text(&r->w, "keyPrefix", rest);
    else if (text_eq(key, "flags"))
        return flags_line(r, rest, err);
    else if (text_eq(key, "scope"))
        scope_line(r, rest);
    else if (text_eq(key, "child"))
        return child_line(r, rest, err);
    else
        return fail_at(r, err, "no such header line", key);
    return OK;
}

/* What an ordinary business object can do; `flags` says otherwise. */
static void usual_flags(struct jw *w)
{
    static const char *on[] = {
        "compactLayoutable", "createable",    "deletable",    "layoutable",       "mruEnabled",
        "queryable",         "replicateable", "retrieveable", "searchLayoutable", "searchable",
        "triggerable",       "undeletable",   "updateable",
    };
    for (size_t i = 0; i < sizeof on / sizeof *on; i++)
        jw_kv_bool(w, on[i], true);
}

/* --- whole files --- */

static bool is_comment(const char *line)
{
    return *line == '#';
}

static enum status object_lines(struct reader *r, struct err *err)
{
    jw_object(&r->w);
    usual_flags(&r->w);
    for (char *line; (line = next_line(r));) {
        if (is_comment(line))
            continue;
        if (!*line && !r->in_fields) {
            jw_key(&r->w, "fields");
            jw_array(&r->w);
            r->in_fields = true;
        } else if (*line) {
            if ((r->in_fields ? field_line(r, line, err) : header_line(r, line, err)) != OK)
                return FAIL;
        }
    }
    if (!r->in_fields)
        return fail_at(r, err, "no fields", r->name);
    field_finish(r);
    jw_end_array(&r->w);
    jw_key(&r->w, "childRelationships");
    char *list = arena_printf(r->arena, "[%s]", buf_text(&r->children));
    jw_raw(&r->w, list, strlen(list));
    jw_key(&r->w, "supportedScopes");
    list = arena_printf(r->arena, "[%s]", buf_text(&r->scopes));
    jw_raw(&r->w, list, strlen(list));
    jw_end_object(&r->w);
    return OK;
}

static enum status object_read(const struct library *library, const char *name, const char *text,
                               size_t len, standard_fn *fn, void *ctx, struct err *err)
{
    struct reader r = {.library = library, .name = name, .text = text, .end = text + len};
    r.arena = arena_new();
    jw_init(&r.w, &r.out);
    const struct json *describe = NULL;
    enum status rc = object_lines(&r, err);
    if (rc == OK && !(describe = json_parse_buf(r.arena, &r.out, err)))
        rc = err_wrap(err, "%s", name);
    if (rc == OK)
        rc = fn(ctx, describe, err);
    buf_free(&r.out);
    buf_free(&r.children);
    buf_free(&r.scopes);
    buf_free(&r.values);
    arena_free(r.arena);
    return rc;
}

static void library_finish_list(struct library *library, const char *name, struct buf *values,
                                const char *star)
{
    if (!name)
        return;
    struct value_list *list = arena_alloc(library->arena, sizeof *list);
    list->json = arena_printf(library->arena, "[%s]", buf_text(values));
    list->default_json = star;
    map_put(library->lists, name, list);
    buf_clear(values);
}

/* values.sobject: `group NAME` and `values NAME`, each followed by its lines. */
static void library_read(struct library *library, const char *text, size_t len)
{
    struct reader r = {
        .name = "values.sobject", .text = text, .end = text + len, .arena = library->arena};
    const char *list = NULL, *star = NULL;
    struct group *group = NULL;
    struct buf values = BUF_INIT;
    for (char *line; (line = next_line(&r));) {
        if (text_starts(line, "values ") || text_starts(line, "group ")) {
            library_finish_list(library, list, &values, star);
            list = NULL;
            star = NULL;
            group = NULL;
            char *rest = line;
            bool is_list = text_eq(word(&rest), "values");
            if (is_list) {
                list = skip(rest);
            } else {
                group = mem_alloc(sizeof *group);
                map_put(library->groups, skip(rest), group);
            }
        } else if (list && *skip(line) == '|') {
            const char *found = values_add(library->arena, &values, skip(line) + 1);
            star = found ? found : star;
        } else if (group && *line && !is_comment(line)) {
            vec_push(&group->lines, (const char *)line);
        }
    }
    library_finish_list(library, list, &values, star);
    buf_free(&values);
}

static void library_open(struct library *library)
{
    library->arena = arena_new();
    library->lists = map_new();
    library->groups = map_new();
    for (size_t i = 0; i < standard_files_count; i++)
        if (text_eq(standard_files[i].name, "values.sobject"))
            library_read(library, standard_files[i].text, standard_files[i].len);
}

static void library_close(struct library *library)
{
    const char *key;
    void *value;
    for (size_t at = 0; map_next(library->groups, &at, &key, &value);) {
        struct group *group = value;
        vec_free(&group->lines);
        free(group);
    }
    map_free(library->groups);
    map_free(library->lists);
    arena_free(library->arena);
}

/* What stands behind `object` in the header: the line after the opening comment. */
static void object_named(const struct embedded_file *file, char name[64])
{
    const char *at = strstr(file->text, "\nobject ");
    *name = '\0';
    if (at)
        sscanf(at, " object %63s", name);
}

static bool is_wanted(standard_wanted_fn *wanted, void *ctx, const struct embedded_file *file)
{
    char name[64];
    if (text_eq(file->name, "values.sobject"))
        return false;
    object_named(file, name);
    return !wanted || !*name || wanted(ctx, name);
}

enum status standard_each(standard_wanted_fn *wanted, standard_fn *fn, void *ctx, struct err *err)
{
    struct library library = {0};
    enum status rc = OK;
    for (size_t i = 0; i < standard_files_count && rc == OK; i++) {
        const struct embedded_file *file = &standard_files[i];
        if (!is_wanted(wanted, ctx, file))
            continue;
        if (!library.arena)
            library_open(&library);
        rc = object_read(&library, file->name, file->text, file->len, fn, ctx, err);
    }
    if (library.arena)
        library_close(&library);
    return rc;
}

enum status standard_read(const char *name, const char *text, size_t len, standard_fn *fn,
                          void *ctx, struct err *err)
{
    struct library library;
    library_open(&library);
    enum status rc = object_read(&library, name, text, len, fn, ctx, err);
    library_close(&library);
    return rc;
}

static enum status add_to_schema(void *ctx, const struct json *describe, struct err *err)
{
    return schema_add_describe(ctx, describe, NULL, err);
}

enum status schema_add_standard(struct schema *schema, struct err *err)
{
    return standard_each(NULL, add_to_schema, schema, err);
}
