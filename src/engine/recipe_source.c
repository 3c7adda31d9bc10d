/* recipe_source.c - the sources of a recipe: read, checked, their fields made
 * columns.
 *
 * `source:` is one, `sources:` a list. A field of any source goes to a column:
 * its own name, or the one given. Two sources that name the same column fill the
 * same column. Source columns stand before the computed ones, in the order in
 * which the sources name them. */
#include "engine/recipe_priv.h"

#include "base/str.h"

#include <string.h>

/* One field of one source on its way to a column. */
struct placed {
    const char *field, *column;
    enum value_type type;
    const struct ynode *node;
};
typedef VEC(struct placed) placed_list;

/* ---------------------------------------------------------------- reading */

static const char *const rules[] = {"name",      "every",        "update_existing",
                                    "unique_by", "when_deleted", NULL};
#define RULE_COUNT (sizeof rules / sizeof *rules - 1)

static bool is_rule(const char *key)
{
    for (size_t i = 0; i < RULE_COUNT; i++)
        if (text_eq(rules[i], key))
            return true;
    return false;
}

static void unknown_source(struct draft *d, const struct ynode *child)
{
    size_t count;
    const char *const *keys = source_kind_keys(&count);
    const char **all = arena_array(d->arena, count + RULE_COUNT, sizeof *all);
    memcpy(all, keys, count * sizeof *all);
    memcpy(all + count, rules, RULE_COUNT * sizeof *all);
    hint_nearest(
        draft_fail(d, child, true, "recipe.unknown_key", "unknown key `%s` in source", child->key),
        child->key, all, count + RULE_COUNT);
}

/* The one key of a source's map that names a kind; its options become JSON. */
static void find_kind(struct draft *d, struct draft_source *s)
{
    struct err err = {0};
    for (const struct ynode *child = s->node->first; child; child = child->next) {
        if (is_rule(child->key))
            continue;
        const struct source_kind *kind = source_kind_find(child->key, NULL);
        if (!kind) {
            unknown_source(d, child);
        } else if (s->kind_node) {
            draft_fail(d, child, true, "recipe.two_kinds", "a source is either `%s` or `%s`",
                       s->kind_node->key, child->key);
        } else if (child->type == Y_MAP || kind->bare) {
            const char *text = draft_json(d, child, kind->bare);
            s->kind_node = child;
            s->config = json_parse(d->arena, text, strlen(text), &err);
            s->kind = source_kind_find(child->key, s->config);
        } else {
            draft_want(d, child, Y_MAP, child->key);
            s->kind_node = child;
        }
    }
}

static void no_kind(struct draft *d, const struct ynode *node)
{
    err_hint(draft_fail(d, node, true, "recipe.missing_key", "`source` names no source"),
             "salesforce: {connection: NAME, object: Account, fields: [Id, Name]}; see "
             "`argil source kinds`");
}

static void read_one(struct draft *d, const struct ynode *node, const char *name)
{
    static const char *const deleted[] = {"mark", "remove", "keep"};
    struct draft_source s = {.node = node};
    if (!draft_want(d, node, Y_MAP, "`source`"))
        return;
    find_kind(d, &s);
    if (!s.kind_node)
        no_kind(d, node);
    s.name = draft_text(d, node, "name");
    s.name = s.name ? s.name : name ? name : s.kind_node ? s.kind_node->key : "source";
    s.every = draft_schedule(d, node, s.kind ? s.kind->every : "24h", s.kind && s.kind->live);
    s.update_existing = draft_bool(d, node, "update_existing", true);
    s.when_deleted =
        draft_word(d, node, "when_deleted", deleted, 3, s.kind ? s.kind->when_deleted : "mark");
    for (size_t i = 0; i < d->sources.len; i++)
        if (text_eq_nocase(d->sources.at[i].name, s.name))
            err_hint(draft_fail(d, node, false, "recipe.duplicate_source",
                                "there are two sources named `%s`", s.name),
                     "give one of them a `name`");
    if (s.kind)
        vec_push(&d->sources, s);
}

void recipe_read_sources(struct draft *d)
{
    const struct ynode *one = ynode_get(d->root, "source"), *list = ynode_get(d->root, "sources");
    if (one && list)
        draft_fail(d, list, true, "recipe.two_kinds", "a recipe has either `source` or `sources`");
    else if (!one && !list)
        draft_fail(d, NULL, false, "recipe.missing_key", "the recipe has no `source`");
    if (one)
        read_one(d, one, "source");
    else if (list && draft_want(d, list, Y_LIST, "`sources`"))
        for (const struct ynode *child = list->first; child; child = child->next)
            read_one(d, child, NULL);
    if (d->sources.len > SOURCE_SLOTS)
        draft_fail(d, list, true, ERR_TOO_LARGE, "a table can have %d sources", SOURCE_SLOTS);
}

/* ----------------------------------------------------------------- fields */

static bool field_known(struct source_check *check, const char *name, const char *where,
                        struct source_field *out)
{
    const char **names = arena_array(check->arena, check->field_count + 1, sizeof *names);
    for (size_t i = 0; i < check->field_count; i++) {
        names[i] = check->fields[i].name;
        if (text_eq(names[i], name)) {
            *out = check->fields[i];
            return true;
        }
    }
    *out = (struct source_field){.name = name, .type = TYPE_TEXT};
    if (check->open || !check->field_count)
        return true;
    struct err *e = source_check_fail(check, where, "recipe.unknown_field",
                                      "the source has no field `%s`", name);
    hint_nearest(e, name, names, check->field_count);
    return false;
}

static enum value_type type_named(struct source_check *check, const char *name, const char *where,
                                  enum value_type otherwise)
{
    const char *names[32];
    enum value_type type = otherwise;
    if (!name || value_type_parse(name, &type))
        return type;
    for (size_t i = 0; i < value_type_count() && i < 32; i++)
        names[i] = value_type_name((enum value_type)i);
    hint_nearest(
        source_check_fail(check, where, "recipe.wrong_value", "there is no type `%s`", name), name,
        names, value_type_count());
    return otherwise;
}

/* "Name", {Name: Column} or {Name: {column: Column, type: number}} */
static void take_field(struct source_check *check, const struct source_kind *kind,
                       const struct json *item, size_t at, const struct ynode *config,
                       placed_list *placed)
{
    char where[40];
    const struct json *to = json_is(item, JSON_OBJECT) ? item->first : NULL;
    const char *name = to ? to->key : json_text(item), *column = NULL, *type = NULL;
    struct source_field field = {.name = name};
    snprintf(where, sizeof where, "fields/%zu", at);
    bool found = (kind->field ? kind->field : field_known)(check, name, where, &field);
    if (json_is(to, JSON_OBJECT)) {
        column = json_get_text(to, "column");
        type = json_get_text(to, "type");
    } else if (to) {
        column = json_text(to);
    }
    if (!found)
        field = (struct source_field){.name = name, .type = TYPE_TEXT};
    struct placed p = {.field = field.name,
                       .column = column         ? column
                                 : field.column ? field.column
                                                : field.name,
                       .type = type_named(check, type, where, field.type),
                       .node = ynode_path(config, where)};
    if (strpbrk(p.column, "{}"))
        source_check_fail(check, where, "recipe.wrong_value",
                          "a column's name cannot hold { or }: give `%s` another one", name);
    vec_push(placed, p);
}

static void take_fields(struct source_check *check, const struct draft_source *s,
                        placed_list *placed)
{
    const struct json *fields = json_get(check->config, "fields");
    size_t at = 0;
    if (!json_is(fields, JSON_ARRAY)) {
        const struct ynode *node = ynode_path(s->kind_node, "fields");
        for (size_t i = 0; i < check->field_count; i++) {
            const struct source_field *f = &check->fields[i];
            if (f->aside)
                continue;
            struct placed p = {f->name, f->column ? f->column : f->name, f->type, node};
            vec_push(placed, p);
        }
        if (!check->field_count && check->open)
            source_check_fail(check, "fields", "recipe.missing_key",
                              "`%s` needs a list of `fields`: which there are is not known before "
                              "the first rows",
                              s->kind->key);
        return;
    }
    json_each(item, fields) {
        take_field(check, s->kind, item, at++, s->kind_node, placed);
    }
}

static void check_twice(struct draft *d, const placed_list *placed)
{
    for (size_t i = 0; i < placed->len; i++)
        for (size_t j = 0; j < i; j++)
            if (text_eq_nocase(placed->at[i].column, placed->at[j].column)) {
                struct err *e = draft_fail(d, placed->at[i].node, false, "recipe.duplicate_column",
                                           "two fields of one source go to the column `%s`",
                                           placed->at[i].column);
                err_hint(e, "names differ by more than case; rename one: {%s: another name}",
                         placed->at[i].field);
                break;
            }
}

/* ---------------------------------------------------------------- columns */

static bool is_source(const struct column *column)
{
    return text_eq(column->kind, "source");
}

static void add_columns(struct draft *d, const placed_list *placed, size_t *filled)
{
    for (size_t i = 0; i < placed->len; i++) {
        const struct placed *p = &placed->at[i];
        bool there = false;
        for (size_t c = 0; c < *filled && !there; c++)
            there = is_source(&d->table.columns[c]) &&
                    text_eq_nocase(d->table.columns[c].name, p->column);
        if (there)
            continue;
        d->table.columns[*filled] = (struct column){.name = p->column,
                                                    .kind = "source",
                                                    .type = p->type,
                                                    .source_field = p->field,
                                                    .config = "{}",
                                                    .auto_update = true};
        d->drafts[*filled].node = d->drafts[*filled].kind_node = p->node;
        ++*filled;
    }
}

/* Source columns in front of the computed ones. */
static void place_columns(struct draft *d, const placed_list *placed, size_t sources)
{
    size_t computed = d->table.column_count, most = computed, filled = 0;
    struct column *columns = d->table.columns;
    struct draft_column *drafts = d->drafts;
    for (size_t i = 0; i < sources; i++)
        most += placed[i].len;
    d->table.columns = arena_array(d->arena, most + 1, sizeof *d->table.columns);
    d->drafts = arena_array(d->arena, most + 1, sizeof *d->drafts);
    for (size_t i = 0; i < sources; i++)
        add_columns(d, &placed[i], &filled);
    if (computed) {
        memcpy(d->table.columns + filled, columns, computed * sizeof *columns);
        memcpy(d->drafts + filled, drafts, computed * sizeof *drafts);
    }
    d->table.column_count = filled + computed;
}

/* --------------------------------------------------------------- unique_by */

static const char *unique_column(struct draft *d, const struct ynode *node,
                                 const placed_list *placed)
{
    const char **names = arena_array(d->arena, placed->len + 1, sizeof *names);
    for (size_t i = 0; i < placed->len; i++) {
        names[i] = placed->at[i].column;
        if (text_eq(node->text, placed->at[i].column))
            return placed->at[i].column;
    }
    for (size_t i = 0; i < placed->len; i++)
        if (text_eq(node->text, placed->at[i].field))
            return placed->at[i].column;
    hint_nearest(draft_fail(d, node, false, "recipe.unknown_field",
                            "`unique_by`: the source fills no column `%s`", node->text),
                 node->text, names, placed->len);
    return NULL;
}

static void record_key(struct draft *d, const struct ynode *node, const char *column)
{
    if (!column || text_eq_nocase(column, "Id"))
        return;
    err_hint(draft_fail(d, node, false, "recipe.wrong_value",
                        "rows of this source are told apart by their Id, not by `%s`", column),
             "leave `unique_by` out; a source from soql may use other fields");
}

/* Column names, written as a JSON list. */
static void write_unique(struct draft *d, const struct draft_source *s, const placed_list *placed,
                         struct jw *w)
{
    const struct ynode *by = ynode_get(s->node, "unique_by");
    bool list = by && by->type == Y_LIST;
    if (!by && s->kind->key_rule == KEY_NEEDED)
        err_hint(draft_fail(d, s->node, true, "recipe.missing_key",
                            "a source from `%s` needs `unique_by`", s->kind->key),
                 "the fields that tell its rows apart, such as unique_by: [Email]; they have no Id "
                 "that does");
    if (!by || (!list && !draft_want(d, by, Y_SCALAR, "`unique_by`")))
        return;
    jw_key(w, "unique_by");
    jw_array(w);
    for (const struct ynode *n = list ? by->first : by; n; n = list ? n->next : NULL) {
        if (!draft_want(d, n, Y_SCALAR, "a field of `unique_by`"))
            continue;
        const char *column = unique_column(d, n, placed);
        if (s->kind->key_rule == KEY_RECORD)
            record_key(d, n, column);
        jw_text(w, column);
    }
    jw_end_array(w);
}

/* ------------------------------------------------------------------ config */

static void write_fields(const placed_list *placed, struct jw *w)
{
    jw_key(w, "fields");
    jw_array(w);
    for (size_t i = 0; i < placed->len; i++)
        jw_text(w, placed->at[i].field);
    jw_end_array(w);
    jw_key(w, "map");
    jw_object(w);
    for (size_t i = 0; i < placed->len; i++)
        jw_kv_text(w, placed->at[i].column, placed->at[i].field);
    jw_end_object(w);
}

static const char *config_of(struct draft *d, const struct draft_source *s,
                             const struct json *options, const placed_list *placed)
{
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    jw_object(&w);
    json_each(option, options) {
        if (text_eq(option->key, "fields"))
            continue;
        jw_key(&w, option->key);
        jw_value(&w, option);
    }
    write_fields(placed, &w);
    write_unique(d, s, placed, &w);
    jw_kv_text(&w, "every", s->every);
    jw_kv_bool(&w, "update_existing", s->update_existing);
    jw_kv_text(&w, "when_deleted", s->when_deleted);
    jw_end_object(&w);
    const char *text = arena_strndup(d->arena, buf_text(&out), out.len);
    buf_free(&out);
    return text;
}

static void check_one(struct draft *d, const struct draft_source *s, struct source *out,
                      placed_list *placed)
{
    size_t from = d->errors->len;
    struct source_check check = {.engine = d->engine,
                                 .arena = d->arena,
                                 .table = d->table.name,
                                 .source = s->name,
                                 .recipe = d->path,
                                 .config = s->config,
                                 .session = draft_session,
                                 .session_ctx = d,
                                 .errors = d->errors};
    *out = (struct source){.name = s->name, .kind = s->kind->name};
    if (s->config)
        draft_fill_connection(d, s->kind->options, s->kind->option_count, &check.config,
                              NULL);
    if (s->config && d->errors->len == from && source_options_check(s->kind, check.config, d->errors)) {
        s->kind->check(&check);
        take_fields(&check, s, placed);
    }
    draft_place_errors(d, from, s->node, s->kind_node);
    check_twice(d, placed);
    out->connection = check.connection;
    out->object = check.object;
    out->config = config_of(d, s, check.config, placed);
}

void recipe_check_sources(struct draft *d)
{
    size_t count = d->sources.len;
    placed_list *placed = arena_array(d->arena, count + 1, sizeof *placed);
    d->table.sources = arena_array(d->arena, count + 1, sizeof *d->table.sources);
    d->table.source_count = count;
    for (size_t i = 0; i < count; i++)
        check_one(d, &d->sources.at[i], &d->table.sources[i], &placed[i]);
    place_columns(d, placed, count);
    for (size_t i = 0; i < count; i++)
        vec_free(&placed[i]);
    d->table.source = d->table.sources[0].config;
    d->table.connection = d->table.sources[0].connection;
    d->table.object = d->table.sources[0].object;
}
