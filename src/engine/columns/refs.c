/* refs.c - which columns a column reads.
 *
 * The {{references}} are collected by the option table, so that a new kind
 * needs no code for it. Dependency order, recipe checks and the inputs a run
 * loads all come from here. */
#include "engine/columns/column_kind.h"
#include "engine/columns/steps.h"

#include "base/str.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

struct collect {
    struct arena *arena;
    const char *option;
    const char *item; /* what stands for an item of a list, and for no column; or NULL */
    struct column_ref *first, **last;
    struct err *err;
    enum status rc;
};

/* "item", "item.name", "item[0]" for `item`. */
static bool ref_is(const char *ref, const char *item)
{
    size_t len = strlen(item);
    return strncmp(ref, item, len) == 0 && (!ref[len] || ref[len] == '.' || ref[len] == '[');
}

static void collect_text(struct collect *c, const char *where, const struct json *value)
{
    if (c->rc != OK || !json_is(value, JSON_STRING))
        return;
    struct formula_ref *refs = NULL;
    c->rc = formula_refs(c->arena, json_text(value), &refs, c->err);
    if (c->rc != OK) {
        err_where(c->err, "%s", where);
        return;
    }
    for (; refs; refs = refs->next) {
        if (text_starts(refs->text, "secret:") || (c->item && ref_is(refs->text, c->item)))
            continue;
        struct column_ref *ref = arena_alloc(c->arena, sizeof *ref);
        ref->text = refs->text;
        ref->where = arena_strdup(c->arena, where);
        ref->option = c->option;
        *c->last = ref;
        c->last = &ref->next;
    }
}

static void collect_options(struct collect *c, const struct column_kind *kind,
                            const struct json *config, const char *prefix);

/* A step's own references, by its kind's option table, and those of its `accept`. */
static void collect_steps(struct collect *c, const char *where, const struct json *list)
{
    size_t count;
    struct step *steps = steps_read(c->arena, list, &count);
    for (size_t i = 0; i < count; i++) {
        struct json accept = {.type = JSON_STRING, .text = steps[i].accept};
        collect_options(c, steps[i].kind, steps[i].config,
                        arena_printf(c->arena, "%s/%zu/%s/", where, i, steps[i].kind->name));
        c->item = STEP_ANSWER;
        if (steps[i].accept)
            collect_text(c, arena_printf(c->arena, "%s/%zu/accept", where, i), &accept);
        c->item = NULL;
    }
}

static void collect_tree(struct collect *c, const char *where, const struct json *value)
{
    collect_text(c, where, value);
    size_t at = 0;
    json_each(child, value) {
        char path[256];
        if (child->key)
            snprintf(path, sizeof path, "%s/%s", where, child->key);
        else
            snprintf(path, sizeof path, "%s/%zu", where, at);
        collect_tree(c, path, child);
        at++;
    }
}

static bool holds_references(enum option_type type)
{
    return type == OPT_TEMPLATE || type == OPT_FORMULA || type == OPT_TEMPLATE_MAP ||
           type == OPT_FIELD_MAP || type == OPT_FIELD_MAPS || type == OPT_QUERY || type == OPT_BODY;
}

static void collect_options(struct collect *c, const struct column_kind *kind,
                            const struct json *config, const char *prefix)
{
    for (size_t i = 0; i < kind->option_count; i++) {
        const struct kind_option *option = &kind->options[i];
        const struct json *value = json_get(config, option->name);
        const char *where = arena_printf(c->arena, "%s%s", prefix, option->name);
        if (!*prefix)
            c->option = option->name;
        c->item = !kind->item_if || json_get(config, kind->item_if) ? kind->item : NULL;
        if (value && option->type == OPT_STEPS)
            collect_steps(c, where, value);
        else if (value && holds_references(option->type))
            collect_tree(c, where, value);
    }
    c->item = NULL;
}

enum status column_refs(struct arena *arena, const struct column_kind *kind,
                        const struct json *config, const char *only_run_if,
                        struct column_ref **refs, struct err *err)
{
    struct collect c = {.arena = arena, .err = err};
    c.last = &c.first;
    collect_options(&c, kind, config, "");
    c.option = "only_run_if";
    struct json condition = {.type = JSON_STRING, .text = only_run_if};
    if (only_run_if)
        collect_text(&c, "only_run_if", &condition);
    *refs = c.first;
    return c.rc;
}

static bool names_column(const char *ref, const char *name, size_t len)
{
    if (strncasecmp(ref, name, len) != 0)
        return false;
    return ref[len] == 0 || ref[len] == '.' || ref[len] == '[';
}

const struct column *column_ref_resolve(const struct table *table, const char *ref,
                                        const char **path)
{
    const struct column *best = NULL;
    size_t best_len = 0;
    bool best_exact = false;
    while (isspace((unsigned char)*ref))
        ref++;
    for (size_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        size_t len = strlen(column->name);
        bool exact = strncmp(ref, column->name, len) == 0;
        if (!names_column(ref, column->name, len))
            continue;
        if (best && (len < best_len || (len == best_len && (best_exact || !exact))))
            continue;
        best = column;
        best_len = len;
        best_exact = exact;
    }
    if (best && path)
        *path = ref[best_len] == '.' ? ref + best_len + 1 : ref + best_len;
    return best;
}
