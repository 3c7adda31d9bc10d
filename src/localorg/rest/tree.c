/* tree.c - /composite/tree/X: records with their children, all or none.
 *
 * The tree is laid flat level by level; each level is written in one call with
 * the ids of the level above put into its lookups. Answers list the records in
 * that same order: all roots, then their children (salesforce-data 4.4). */
#include "localorg/rest/records.h"
#include "localorg/rest/resources.h"

#include "base/str.h"

#include <string.h>

#define RECORDS_MAX 200
#define LEVELS_MAX  5

struct twig { /* one record */
    const struct json *body;
    const struct sobject *object;
    const char *reference;
    size_t parent; /* index; SIZE_MAX for roots */
    const char *parent_field;
    struct dml_result result;
};

struct tree {
    struct call *call;
    struct twig twigs[RECORDS_MAX];
    size_t count;
    size_t level_start[LEVELS_MAX + 1];
    size_t levels;
    const char *wrong_code, *wrong; /* the whole request is refused */
    const char *wrong_reference;
};

static void tree_wrong(struct tree *tree, const char *reference, const char *code,
                       const char *message)
{
    if (tree->wrong)
        return;
    tree->wrong_reference = reference;
    tree->wrong_code = code;
    tree->wrong = message;
}

static void add_twig(struct tree *tree, const struct json *record, const struct sobject *object,
                     size_t parent, const char *parent_field)
{
    const struct json *attributes = json_get(record, "attributes");
    const char *reference = json_get_text(attributes, "referenceId");
    const char *type = json_get_text(attributes, "type");
    if (tree->count == RECORDS_MAX) {
        tree_wrong(tree, reference, "INVALID_INPUT",
                   "A request can hold up to 200 records in all trees.");
        return;
    }
    if (!reference) {
        tree_wrong(tree, "", "INVALID_INPUT",
                   "Include a reference ID for each record in the request.");
        return;
    }
    for (size_t i = 0; i < tree->count; i++)
        if (strcmp(tree->twigs[i].reference, reference) == 0)
            tree_wrong(tree, reference, "INVALID_INPUT",
                       "Duplicate ReferenceId provided in the request.");
    if (!type || !text_eq_nocase(type, object->name))
        tree_wrong(tree, reference, "INVALID_INPUT",
                   "Sobject type in the request does not match the type of the record.");
    tree->twigs[tree->count++] = (struct twig){.body = record,
                                               .object = object,
                                               .reference = reference,
                                               .parent = parent,
                                               .parent_field = parent_field};
}

/* A member {"records":[..]} that is a child relationship of the object. */
static const struct child_relationship *children_of(const struct sobject *object,
                                                    const struct json *member)
{
    if (!json_is(member, JSON_OBJECT) || !json_is(json_get(member, "records"), JSON_ARRAY))
        return NULL;
    return sobject_child(object, member->key, strlen(member->key));
}

static void read_children(struct tree *tree, size_t parent)
{
    const struct twig *twig = &tree->twigs[parent];
    json_each(member, twig->body) {
        const struct child_relationship *children = children_of(twig->object, member);
        const struct sobject *object =
            children ? schema_find(org_schema(tree->call->site->org), children->child_sobject)
                     : NULL;
        if (!object)
            continue;
        json_each(record, json_get(member, "records"))
            add_twig(tree, record, object, parent, children->field);
    }
}

static void read_levels(struct tree *tree, const struct json *records, const struct sobject *object)
{
    json_each(record, records)
        add_twig(tree, record, object, SIZE_MAX, NULL);
    for (tree->levels = 1; !tree->wrong; tree->levels++) {
        size_t start = tree->level_start[tree->levels - 1], end = tree->count;
        if (start == end) {
            tree->levels--;
            return;
        }
        for (size_t i = start; i < end; i++)
            read_children(tree, i);
        tree->level_start[tree->levels] = end;
        if (tree->levels == LEVELS_MAX && tree->count > end) {
            tree_wrong(tree, "", "INVALID_INPUT", "Trees can be up to five levels deep.");
            return;
        }
        if (tree->levels == LEVELS_MAX)
            return;
    }
}

/* The record without its children, with the id of its parent. */
static const struct json *own_body(struct tree *tree, const struct twig *twig)
{
    struct arena *arena = tree->call->arena;
    struct json *body = arena_alloc(arena, sizeof *body), **last = &body->first;
    *body = *twig->body;
    body->next = NULL;
    body->len = 0;
    if (twig->parent != SIZE_MAX) {
        struct json *lookup = arena_alloc(arena, sizeof *lookup);
        *lookup = (struct json){.type = JSON_STRING,
                                .len = 18,
                                .text = tree->twigs[twig->parent].result.id,
                                .key = twig->parent_field,
                                .key_len = (uint32_t)strlen(twig->parent_field)};
        *last = lookup;
        last = &lookup->next;
        body->len++;
    }
    json_each(member, twig->body) {
        if (children_of(twig->object, member))
            continue;
        struct json *copy = arena_alloc(arena, sizeof *copy);
        *copy = *member;
        copy->next = NULL;
        *last = copy;
        last = &copy->next;
        body->len++;
    }
    *last = NULL;
    return body;
}

/* False when a record was refused or the org failed (then *answered). */
static bool write_level(struct tree *tree, size_t start, size_t end, bool *answered)
{
    struct call *call = tree->call;
    struct dml_options options = write_options(call, false);
    size_t count = end - start;
    struct dml_row *rows = arena_array(call->arena, count, sizeof *rows);
    struct dml_result *results = arena_array(call->arena, count, sizeof *results);
    bool ok = true;
    for (size_t i = 0; i < count; i++)
        rows[i] = (struct dml_row){.object = tree->twigs[start + i].object,
                                   .body = own_body(tree, &tree->twigs[start + i])};
    if (!records_write(call, DML_INSERT, &options, rows, count, results)) {
        *answered = true;
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        tree->twigs[start + i].result = results[i];
        ok = ok && results[i].success;
    }
    return ok;
}

static void write_twig_error(struct jw *w, const char *reference, const struct dml_error *errors)
{
    jw_object(w);
    jw_kv_text(w, "referenceId", reference);
    jw_key(w, "errors");
    jw_array(w);
    for (const struct dml_error *error = errors; error; error = error->next) {
        jw_object(w);
        jw_kv_text(w, "statusCode", error->status_code);
        jw_kv_text(w, "message", error->message);
        jw_key(w, "fields");
        jw_array(w);
        for (size_t i = 0; i < error->field_count; i++)
            jw_text(w, error->fields[i]);
        jw_end_array(w);
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_end_object(w);
}

static void answer_tree(struct tree *tree, bool ok)
{
    struct jw w;
    answer_json(tree->call, ok ? 201 : 400, &w);
    jw_object(&w);
    jw_kv_bool(&w, "hasErrors", !ok);
    jw_key(&w, "results");
    jw_array(&w);
    if (tree->wrong) {
        struct dml_error error = {.status_code = tree->wrong_code, .message = tree->wrong};
        write_twig_error(&w, tree->wrong_reference, &error);
    }
    for (size_t i = 0; i < tree->count && !tree->wrong; i++) {
        const struct twig *twig = &tree->twigs[i];
        if (ok) {
            jw_object(&w);
            jw_kv_text(&w, "referenceId", twig->reference);
            jw_kv_text(&w, "id", twig->result.id);
            jw_end_object(&w);
        } else if (twig->result.errors) {
            write_twig_error(&w, twig->reference, twig->result.errors);
        }
    }
    jw_end_array(&w);
    jw_end_object(&w);
}

void tree_create(struct call *call)
{
    struct tree *tree = arena_alloc(call->arena, sizeof *tree);
    uint64_t counts[5] = {0};
    bool ok = true, answered = false;
    const struct sobject *object = call_object(call, call->args[0]);
    const struct json *body = object ? call_json(call) : NULL;
    const struct json *records = json_get(body, "records");
    if (!body)
        return;
    tree->call = call;
    if (!json_is(records, JSON_ARRAY) || records->len == 0) {
        answer_error(call, 400, "INVALID_INPUT", "The request needs a list of records.");
        return;
    }
    read_levels(tree, records, object);
    if (tree->wrong) {
        answer_tree(tree, false);
        return;
    }
    if (!records_begin(call))
        return;
    call->counts = counts;
    for (size_t i = 0; i < tree->levels && ok; i++) {
        size_t start = tree->level_start[i];
        size_t end = i + 1 < tree->levels ? tree->level_start[i + 1] : tree->count;
        ok = write_level(tree, start, end, &answered);
    }
    call->counts = NULL;
    if (!records_end(call, ok) || answered)
        return;
    if (ok)
        records_count(call, counts);
    answer_tree(tree, ok);
}
