/* contract.c - see contract.h: reading a contract, and what it says of a field. */
#include "engine/contract.h"

#include "engine/recipe_yaml.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const rule_names[] = {"always", "if_blank", "if_ours", "set_once", "never",
                                         "if_newer", "ranked"};
#define RULES (sizeof rule_names / sizeof *rule_names)

const char *contract_rule_name(enum contract_rule rule)
{
    return rule_names[rule];
}

/* ------------------------------------------------------------------ reading */

struct reading {
    struct arena *arena;
    const char *path;
    struct contract *out;
    err_list *errors;
};

static struct err *fail(struct reading *r, const struct ynode *node, const char *code,
                        const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static struct err *fail(struct reading *r, const struct ynode *node, const char *code,
                        const char *fmt, ...)
{
    char message[600];
    struct err err = {0};
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    err_set(&err, code, "%s", message);
    err_where(&err, "%s:%d:%d", r->path, node->key_line ? node->key_line : node->line,
              node->key_line ? node->key_column : node->column);
    vec_push(r->errors, err);
    return &r->errors->at[r->errors->len - 1];
}

static void check_keys(struct reading *r, const struct ynode *map, const char *const *known,
                       size_t count, const char *what)
{
    for (const struct ynode *child = map->first; child; child = child->next) {
        bool found = false;
        for (size_t i = 0; i < count && !found; i++)
            found = text_eq(known[i], child->key);
        if (found)
            continue;
        struct err *err =
            fail(r, child, "contract.unknown_key", "%s has no key \"%s\"", what, child->key);
        const char *nearest = text_nearest(child->key, known, count);
        if (nearest)
            err_hint(err, "Did you mean \"%s\"?", nearest);
    }
}

/* A scalar's text; NULL when it is not there, with an error when it is none. */
static const char *text_at(struct reading *r, const struct ynode *map, const char *key)
{
    const struct ynode *node = ynode_get(map, key);
    if (!node)
        return NULL;
    if (node->type == Y_SCALAR)
        return *node->text ? node->text : NULL;
    fail(r, node, "contract.wrong_type", "%s is a text", key);
    return NULL;
}

/* One of `words`; its place, or `otherwise`. */
static size_t word_at(struct reading *r, const struct ynode *map, const char *key,
                      const char *const *words, size_t count, size_t otherwise)
{
    const char *text = text_at(r, map, key);
    if (!text)
        return otherwise;
    for (size_t i = 0; i < count; i++)
        if (text_eq(words[i], text))
            return i;
    struct err *err =
        fail(r, ynode_get(map, key), "contract.not_allowed", "%s cannot be \"%s\"", key, text);
    const char *nearest = text_nearest(text, words, count);
    if (nearest)
        err_hint(err, "Did you mean \"%s\"?", nearest);
    return otherwise;
}

static void add_source(struct reading *r, const struct ynode *at, struct contract_field *out,
                       struct str name)
{
    const char *text = str_dup(r->arena, str_trim(name));
    if (!*text || contract_rank(out, text) >= 0)
        fail(r, at, "contract.not_allowed", "sources names \"%s\" %s", text,
             *text ? "twice" : "without a name");
    else
        out->sources[out->source_count++] = text;
}

/* [person, registry], or one text with commas (a sheet has no lists). */
static void read_sources(struct reading *r, const struct ynode *entry, struct contract_field *out)
{
    const struct ynode *list = ynode_get(entry, "sources");
    bool ranked = out->rule == RULE_RANKED;
    if (list && list->type == Y_MAP)
        fail(r, list, "contract.wrong_type", "sources is a list of names, best first");
    if ((list && list->type != Y_MAP) != ranked)
        fail(r, list ? list : entry, "contract.no_effect", ranked
             ? "the rule ranked wants sources: [person, registry, ...], best first"
             : "sources go with the rule ranked");
    if (out->newer_than && out->rule != RULE_IF_NEWER)
        fail(r, entry, "contract.no_effect", "newer_than goes with the rule if_newer");
    if (!list || list->type == Y_MAP)
        return;
    if (list->type == Y_LIST) {
        out->sources = arena_array(r->arena, list->count + 1, sizeof *out->sources);
        for (const struct ynode *child = list->first; child; child = child->next)
            add_source(r, child, out,
                       child->type == Y_SCALAR ? str_of(child->text) : (struct str){0});
        return;
    }
    out->sources = arena_array(r->arena, strlen(list->text) + 1, sizeof *out->sources);
    for (const char *at = list->text; *at;) {
        size_t len = strcspn(at, ",");
        add_source(r, list, out, (struct str){(char *)at, len});
        at += len + (at[len] == ',');
    }
}

static void read_field(struct reading *r, const struct ynode *node, struct contract_field *out)
{
    static const char *const keys[] = {"field",  "direction",   "status", "rule",
                                       "when",   "ticket",      "sensitivity", "note",
                                       "newer_than", "sources"};
    static const char *const directions[] = {"write", "read", "both"};
    static const char *const statuses[] = {"active", "pending"};
    if (node->type != Y_MAP) {
        fail(r, node, "contract.wrong_type", "an entry of fields is a map with \"field\"");
        return;
    }
    check_keys(r, node, keys, sizeof keys / sizeof *keys, "an entry of fields");
    const char *name = text_at(r, node, "field");
    const char *dot = name ? strchr(name, '.') : NULL;
    size_t direction = word_at(r, node, "direction", directions, 3, 0);
    *out = (struct contract_field){.object = "*",
                                   .field = "*",
                                   .reads = direction != 0,
                                   .writes = direction != 1,
                                   .active = word_at(r, node, "status", statuses, 2, 0) == 0,
                                   .rule = (enum contract_rule)word_at(r, node, "rule", rule_names,
                                                                       RULES, RULE_ALWAYS),
                                   .when = text_at(r, node, "when"),
                                   .ticket = text_at(r, node, "ticket"),
                                   .sensitivity = text_at(r, node, "sensitivity"),
                                   .note = text_at(r, node, "note"),
                                   .newer_than = text_at(r, node, "newer_than"),
                                   .line = node->line};
    read_sources(r, node, out);
    if (!name)
        fail(r, node, "contract.no_field", "an entry of fields names its field: Account.Industry");
    else if (!text_eq(name, "*") && (!dot || dot == name || !dot[1]))
        fail(r, node, "contract.no_field", "\"%s\" is no field: write Object.Field or Object.*",
             name);
    else if (dot) {
        out->object = arena_strndup(r->arena, name, (size_t)(dot - name));
        out->field = arena_strdup(r->arena, dot + 1);
    }
    if (out->when && !out->writes)
        fail(r, node, "contract.no_effect", "when says when a field is written; this one is read");
}

static void read_fields(struct reading *r, const struct ynode *list)
{
    struct contract *c = r->out;
    if (list && list->type != Y_LIST) {
        fail(r, list, "contract.wrong_type", "fields is a list");
        return;
    }
    c->fields = arena_array(r->arena, (list ? list->count : 0) + 1, sizeof *c->fields);
    for (const struct ynode *child = list ? list->first : NULL; child; child = child->next) {
        struct contract_field *field = &c->fields[c->field_count++];
        read_field(r, child, field);
        for (size_t i = 0; i + 1 < c->field_count; i++)
            if (text_eq_nocase(c->fields[i].object, field->object) &&
                text_eq_nocase(c->fields[i].field, field->field))
                fail(r, child, "contract.twice", "%s.%s is in line %d already", field->object,
                     field->field, c->fields[i].line);
    }
}

static void read_object(struct reading *r, const struct ynode *node, struct contract_object *out)
{
    static const char *const words[] = {"create", "update", "delete"};
    *out = (struct contract_object){.name = node->key};
    bool *const flags[] = {&out->create, &out->update, &out->remove};
    if (node->type != Y_LIST) {
        fail(r, node, "contract.wrong_type", "%s takes a list of create, update, delete", node->key);
        return;
    }
    for (const struct ynode *child = node->first; child; child = child->next) {
        size_t at = 0;
        while (at < 3 && !(child->type == Y_SCALAR && text_eq(words[at], child->text)))
            at++;
        if (at < 3)
            *flags[at] = true;
        else
            fail(r, child, "contract.not_allowed", "an operation is create, update or delete");
    }
}

static void read_maps(struct reading *r, const struct ynode *root)
{
    struct contract *c = r->out;
    const struct ynode *objects = ynode_get(root, "objects"), *guards = ynode_get(root, "guards");
    if (objects && objects->type != Y_MAP)
        fail(r, objects, "contract.wrong_type", "objects is a map: { Lead: [create, update] }");
    if (guards && guards->type != Y_MAP)
        fail(r, guards, "contract.wrong_type", "guards is a map: { name: \"SOQL condition\" }");
    c->objects = arena_array(r->arena, (objects ? objects->count : 0) + 1, sizeof *c->objects);
    c->guards = arena_array(r->arena, (guards ? guards->count : 0) + 1, sizeof *c->guards);
    if (objects && objects->type == Y_MAP)
        for (const struct ynode *n = objects->first; n; n = n->next)
            read_object(r, n, &c->objects[c->object_count++]);
    if (!guards || guards->type != Y_MAP)
        return;
    for (const struct ynode *n = guards->first; n; n = n->next) {
        if (n->type != Y_SCALAR || text_blank(n->text)) {
            fail(r, n, "contract.wrong_type", "a guard is a SOQL condition");
            continue;
        }
        c->guards[c->guard_count++] = (struct contract_guard){n->key, n->text};
    }
}

static void check_guards(struct reading *r, const struct ynode *root)
{
    const struct ynode *fields = ynode_get(root, "fields");
    size_t at = 0;
    for (const struct ynode *n = fields ? fields->first : NULL; n; n = n->next, at++) {
        const char *name = at < r->out->field_count ? r->out->fields[at].when : NULL;
        if (name && !contract_guard_of(r->out, name))
            fail(r, n, "contract.no_guard", "there is no guard \"%s\" under guards", name);
    }
}

static void read_threshold(struct reading *r, const struct ynode *root)
{
    char *end;
    const char *text = text_at(r, root, "approve_above");
    r->out->approve_above = text ? strtoll(text, &end, 10) : -1;
    if (text && (*end || r->out->approve_above < 0))
        fail(r, ynode_get(root, "approve_above"), "contract.wrong_type",
             "approve_above is a number of writes");
}

enum status contract_parse(struct arena *arena, const char *path, const char *text,
                           struct contract *out, err_list *errors, struct err *err)
{
    static const char *const keys[] = {"connection", "default",  "fields",
                                       "objects",    "guards", "approve_above"};
    static const char *const defaults[] = {"deny", "allow"};
    struct reading r = {arena, path, out, errors};
    char *copy = arena_strdup(arena, text);
    *out = (struct contract){0};
    struct ynode *root = yaml_read(arena, path, &copy, err);
    if (!root)
        return FAIL;
    if (root->type != Y_MAP)
        return err_set(err, ERR_INVALID, "%s: a contract is a map with connection and fields", path);
    check_keys(&r, root, keys, sizeof keys / sizeof *keys, "a contract");
    out->connection = text_at(&r, root, "connection");
    if (!out->connection)
        fail(&r, root, "contract.no_connection", "a contract names its connection");
    out->allow = word_at(&r, root, "default", defaults, 2, 0) == 1;
    read_threshold(&r, root);
    read_fields(&r, ynode_get(root, "fields"));
    read_maps(&r, root);
    check_guards(&r, root);
    if (!errors->len)
        return OK;
    return err_set(err, ERR_RECIPE, "the contract has %zu thing%s to mend", errors->len,
                   errors->len == 1 ? "" : "s");
}

/* --------------------------------------------------------------- what it says */

int contract_rank(const struct contract_field *field, const char *source)
{
    for (size_t i = 0; source && i < field->source_count; i++)
        if (text_eq_nocase(field->sources[i], source))
            return (int)i;
    return -1;
}

const char *contract_sources(struct arena *arena, const struct contract_field *field)
{
    const char *out = NULL;
    for (size_t i = 0; i < field->source_count; i++)
        out = out ? arena_printf(arena, "%s, %s", out, field->sources[i]) : field->sources[i];
    return out;
}

static int closeness(const struct contract_field *entry, const char *object, const char *field)
{
    bool any_object = text_eq(entry->object, "*"), any_field = text_eq(entry->field, "*");
    if (!any_object && !text_eq_nocase(entry->object, object))
        return 0;
    if (!any_field && !text_eq_nocase(entry->field, field))
        return 0;
    return 1 + (any_object ? 0 : 1) + (any_field ? 0 : 2);
}

const struct contract_field *contract_entry(const struct contract *contract, const char *object,
                                            const char *field)
{
    const struct contract_field *best = NULL;
    int most = 0;
    for (size_t i = 0; i < contract->field_count; i++) {
        int close = closeness(&contract->fields[i], object, field);
        if (close > most) {
            most = close;
            best = &contract->fields[i];
        }
    }
    return best;
}

const char *contract_guard_of(const struct contract *contract, const char *name)
{
    for (size_t i = 0; i < contract->guard_count; i++)
        if (text_eq(contract->guards[i].name, name))
            return contract->guards[i].condition;
    return NULL;
}

static bool may_operate(const struct contract *contract, enum op_kind kind, const char *object)
{
    const struct contract_object *of = NULL;
    for (size_t i = 0; i < contract->object_count && !of; i++)
        if (text_eq_nocase(contract->objects[i].name, object))
            of = &contract->objects[i];
    switch (kind) {
    case OP_CREATE:
        return !of || of->create;
    case OP_UPDATE:
    case OP_CONVERT:
        return !of || of->update;
    case OP_UPSERT:
        return !of || (of->create && of->update);
    case OP_DELETE:
        return of ? of->remove : contract->allow;
    }
    return false;
}

static enum status denied(const struct contract *contract, struct err *err, const char *code,
                          const char *object, const char *field, const char *why)
{
    err_set(err, code, "the contract of connection \"%s\" does not let Argil write %s.%s: %s",
            contract->connection, object, field, why);
    err_hint(err, "Who keeps the contract (argil contract history %s) can list it: argil contract "
                  "apply FILE",
             contract->connection);
    return FAIL;
}

enum status contract_may(const struct contract *contract, enum op_kind kind, const char *object,
                         const char *field, struct err *err)
{
    if (!contract)
        return OK;
    if (!may_operate(contract, kind, object)) {
        err_set(err, "contract.operation", "the contract of connection \"%s\" does not let Argil %s %s "
                                           "records",
                contract->connection, op_kind_name(kind), object);
        err_hint(err, "It lists what may be done under objects: { %s: [...] }", object);
        return FAIL;
    }
    if (!field)
        return OK;
    const struct contract_field *entry = contract_entry(contract, object, field);
    if (!entry)
        return contract->allow ? OK
                               : denied(contract, err, "contract.denied", object, field,
                                        "it is not listed");
    if (!entry->writes)
        return denied(contract, err, "contract.denied", object, field, "it is listed to be read");
    if (entry->rule == RULE_NEVER)
        return denied(contract, err, "contract.denied", object, field, "its rule is never");
    if (!entry->active)
        return denied(contract, err, "contract.pending", object, field,
                      "it is pending, not active yet");
    return OK;
}
