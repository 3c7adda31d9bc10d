/* recipe_check.c - a draft held against the live org.
 *
 * Source first (connection, object, every field), then the columns: options by
 * the kind's table, references to other columns, the kind's own checks, and
 * last the order of computation, where a cycle is refused by name. */
#include "engine/access.h"
#include "engine/filter.h"
#include "engine/recipe_priv.h"

#include "base/str.h"
#include "model/tidy.h"

#include <string.h>

struct crm_session *draft_session(void *ctx, const char *connection, struct err *err)
{
    struct draft *d = ctx;
    for (size_t i = 0; i < d->session_count; i++)
        if (text_eq(d->sessions[i].connection, connection))
            return d->sessions[i].session;
    if (d->session_count == 16) {
        err_set(err, ERR_TOO_LARGE, "a recipe can use 16 connections at most");
        return NULL;
    }
    if (d->refused && text_eq(d->refused, connection)) {
        *err = d->why_refused;
        return NULL;
    }
    if (access_may_build(d->engine, connection, err) != OK) {
        d->refused = arena_strdup(d->arena, connection);
        d->why_refused = *err;
        return NULL;
    }
    struct crm_session *session = engine_session(d->engine, connection, err);
    if (session) {
        d->sessions[d->session_count].connection = arena_strdup(d->arena, connection);
        d->sessions[d->session_count++].session = session;
    }
    return session;
}

void draft_close(struct draft *d)
{
    for (size_t i = 0; i < d->session_count; i++)
        d->sessions[i].session->does->close(d->sessions[i].session);
    d->session_count = 0;
    vec_free(&d->sources);
}

/* --------------------------------------------------------------- columns */

static void check_names(struct draft *d)
{
    for (size_t i = 0; i < d->table.column_count; i++) {
        struct column *c = &d->table.columns[i];
        c->position = (int)i;
        for (size_t j = 0; j < i && c->name; j++) {
            if (!text_eq_nocase(c->name, d->table.columns[j].name))
                continue;
            const struct ynode *name = d->drafts[i].kind ? ynode_get(d->drafts[i].node, "name") : d->drafts[i].node;
            struct err *e = draft_fail(d, name, false, "recipe.duplicate_column",
                                       "there are two columns named `%s`", c->name);
            err_hint(e, "names differ by more than case; rename one. A source field can be renamed: "
                        "{%s: another name}", c->source_field ? c->source_field : "Field");
            break;
        }
    }
}

/* Errors that a kind added carry a path inside the config: give them places. */
void draft_place_errors(struct draft *d, size_t from, const struct ynode *owner,
                        const struct ynode *config)
{
    for (size_t i = from; i < d->errors->len; i++) {
        struct err *e = &d->errors->at[i];
        const struct ynode *node = NULL;
        bool at_key = false;
        if (text_starts(e->where, d->path))
            continue;
        if (text_eq(e->where, "only_run_if")) {
            node = ynode_get(owner, "only_run_if");
        } else {
            node = ynode_path(config, e->where);
            at_key = err_is(e, "recipe.unknown_key") || err_is(e, "recipe.unknown_option") ||
                     err_is(e, "recipe.unknown_field");
        }
        node = node ? node : owner;
        err_where(e, "%s:%d:%d", d->path, at_key && node->key ? node->key_line : node->line,
                  at_key && node->key ? node->key_column : node->column);
    }
}

static bool add_dependency(struct column *column, struct arena *arena, int64_t position)
{
    for (size_t i = 0; i < column->depend_count; i++)
        if (column->depends[i] == position)
            return false;
    int64_t *grown = arena_array(arena, column->depend_count + 1, sizeof *grown);
    if (column->depend_count)
        memcpy(grown, column->depends, column->depend_count * sizeof *grown);
    grown[column->depend_count++] = position;
    column->depends = grown;
    return true;
}

/* `required` may name columns that the column does not read otherwise. */
static void check_required(struct draft *d, struct column *column, struct draft_column *draft,
                           const char **names, size_t count)
{
    const struct ynode *required = ynode_get(draft->node, "required");
    for (const struct ynode *child = required ? required->first : NULL; child; child = child->next) {
        const struct column *target = child->text ? table_column(&d->table, child->text) : NULL;
        if (target)
            add_dependency(column, d->arena, target - d->table.columns);
        else if (child->text)
            hint_nearest(draft_fail(d, child, false, "recipe.unknown_column",
                                    "there is no column `%s`", child->text),
                         child->text, names, count);
    }
}

static void check_references(struct draft *d, struct column *column, struct draft_column *draft)
{
    struct column_ref *refs = NULL;
    struct err err = {0};
    size_t from = d->errors->len;
    if (column_refs(d->arena, draft->kind, draft->config, column->only_run_if, &refs, &err) != OK)
        vec_push(d->errors, err);
    const char **names = arena_array(d->arena, d->table.column_count + 1, sizeof *names);
    size_t count = 0;
    for (size_t i = 0; i < d->table.column_count; i++)
        if (d->table.columns[i].name)
            names[count++] = d->table.columns[i].name;
    check_required(d, column, draft, names, count);
    for (struct column_ref *ref = refs; ref; ref = ref->next) {
        const char *path = NULL;
        const struct column *target = column_ref_resolve(&d->table, ref->text, &path);
        if (target) {
            add_dependency(column, d->arena, target - d->table.columns);
            continue;
        }
        struct err unknown = {0};
        err_set(&unknown, "recipe.unknown_column", "there is no column `%s`", ref->text);
        err_where(&unknown, "%s", ref->where);
        hint_nearest(&unknown, ref->text, names, count);
        if (!unknown.hint[0])
            err_hint(&unknown, "{{Name}} stands for a column of this table; list it under "
                               "the fields of a source to use it");
        vec_push(d->errors, unknown);
    }
    draft_place_errors(d, from, draft->node, draft->kind_node);
}

static void check_condition(struct draft *d, struct column *column, struct draft_column *draft)
{
    struct err err = {0};
    if (!column->only_run_if || formula_check(d->engine->formula, column->only_run_if, &err) == OK)
        return;
    struct err *e = draft_fail(d, ynode_get(draft->node, "only_run_if"), false, err.code,
                               "only_run_if: %s", err.message);
    err_hint(e, "%s", err.hint[0] ? err.hint : "a JavaScript expression, such as {{Domain}} && !{{Industry}}");
}

/* A recipe that names no connection means the default one, as it is now: the name is
 * stored with the table. */
void draft_fill_connection(struct draft *d, const struct kind_option *options, size_t count,
                           const struct json **config, const char **text)
{
    struct err err = {0};
    if (access_fill(d->engine, d->arena, options, count, config, text, &err) == OK)
        return;
    err_where(&err, "connection");
    vec_push(d->errors, err);
}

static void check_column(struct draft *d, struct column *column, struct draft_column *draft)
{
    size_t from = d->errors->len;
    if (!draft->kind || !draft->config)
        return;
    draft_fill_connection(d, draft->kind->options, draft->kind->option_count, &draft->config,
                          &column->config);
    if (d->errors->len == from && column_options_check(draft->kind, draft->config, d->errors)) {
        check_references(d, column, draft);
        struct kind_check check = {
            .engine = d->engine, .arena = d->arena, .table = &d->table, .column = column,
            .config = draft->config, .session = draft_session, .session_ctx = d,
            .errors = d->errors,
        };
        if (draft->kind->validate)
            draft->kind->validate(&check);
        check_condition(d, column, draft);
    }
    draft_place_errors(d, from, draft->node, draft->kind_node);
}

/* ---------------------------------------------------------------- cycles */

/* Depth first; marks 1 = on the way, 2 = done. Names the loop. */
static bool find_cycle(struct draft *d, size_t at, unsigned char *marks, struct buf *loop)
{
    struct column *column = &d->table.columns[at];
    if (marks[at] == 2)
        return false;
    if (marks[at] == 1) {
        buf_printf(loop, "`%s`", column->name);
        return true;
    }
    marks[at] = 1;
    for (size_t i = 0; i < column->depend_count; i++) {
        if (find_cycle(d, (size_t)column->depends[i], marks, loop)) {
            buf_printf(loop, " is needed by `%s`", column->name);
            if (d->drafts[at].kind_node) {
                draft_fail(d, d->drafts[at].node, false, "recipe.cycle",
                           "columns feed each other in a circle: %s", buf_text(loop));
                err_hint(&d->errors->at[d->errors->len - 1],
                         "no column can be computed first; take one of these references out");
            }
            buf_clear(loop);
            return false;
        }
    }
    marks[at] = 2;
    return false;
}

static void check_cycles(struct draft *d)
{
    unsigned char *marks = arena_alloc(d->arena, d->table.column_count + 1);
    struct buf loop = BUF_INIT;
    for (size_t i = 0; i < d->table.column_count; i++)
        find_cycle(d, i, marks, &loop);
    buf_free(&loop);
}

/* The column of auto_dedupe; an e-mail column's values are compared as addresses unless the
 * recipe says how. */
static void check_dedupe(struct draft *d)
{
    const struct ynode *node = ynode_get(d->root, "auto_dedupe");
    const struct ynode *by = node && node->type == Y_MAP ? ynode_get(node, "by") : node;
    if (!by || by->type != Y_SCALAR)
        return;
    const struct column *column = table_column(&d->table, by->text);
    const char **names = arena_array(d->arena, d->table.column_count + 1, sizeof *names);
    for (size_t i = 0; i < d->table.column_count; i++)
        names[i] = d->table.columns[i].name;
    if (!column)
        hint_nearest(draft_fail(d, by, false, "recipe.unknown_column",
                                "`auto_dedupe`: the table has no column `%s`", by->text),
                     by->text, names, d->table.column_count);
    else if (column->type == TYPE_JSON)
        err_hint(draft_fail(d, by, false, "recipe.wrong_value",
                            "`auto_dedupe`: `%s` holds structured values", column->name),
                 "a formula column can take the text out of it");
}

/* Rows of Salesforce live as long as their records; `finished` needs something to finish. */
static void check_tidy(struct draft *d)
{
    const struct ynode *node = ynode_get(d->root, "auto_delete");
    struct tidy_rule rule;
    struct filter filter;
    struct err err = {0};
    bool computes = false;
    if (!node)
        return;
    tidy_rule_read(d->arena, &d->table, &rule);
    for (size_t i = 0; i < d->table.source_count; i++)
        if (text_starts(d->table.sources[i].kind, "salesforce"))
            err_hint(draft_fail(d, node, false, "recipe.wrong_value",
                                "`auto_delete` is not for rows of Salesforce (source `%s`)",
                                d->table.sources[i].name),
                     "they stay as long as their records: `when_deleted` of the source says what then");
    for (size_t i = 0; i < d->table.column_count; i++)
        computes = computes || column_is_computed(&d->table.columns[i]);
    if (text_eq(rule.when, TIDY_FINISHED) && !computes)
        err_hint(draft_fail(d, node, false, "recipe.wrong_value",
                            "`auto_delete: finished` needs a column that is computed"),
                 "or say which rows by a filter: { when: \"Status = done\" }");
    else if (rule.when && !text_eq(rule.when, TIDY_FINISHED) &&
             filter_read_text(d->arena, &d->table, rule.when, &filter, &err) != OK)
        err_hint(draft_fail(d, node, false, "recipe.wrong_value", "`auto_delete`: %s", err.message),
                 "finished, or a filter such as \"Status = done\" (docs/reference/filters.md)");
}

void recipe_check(struct draft *d)
{
    recipe_check_sources(d);
    check_names(d);
    for (size_t i = 0; i < d->table.column_count; i++)
        check_column(d, &d->table.columns[i], &d->drafts[i]);
    check_cycles(d);
    check_dedupe(d);
    check_tidy(d);
}
