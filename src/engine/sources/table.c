/* table.c - rows from another table of the workspace: its rows, those that a
 * formula lets through, or the items of a list in one of its columns.
 *
 * A row keeps its key; the items of a row have its key and their number. Tables
 * that feed each other in a circle are refused when the recipe is applied. */
#include "engine/sources/json_rows.h"
#include "engine/sources/snapshot.h"

#include "base/str.h"

#include <string.h>

#define PAGE 1000
#define ITEM "item"

static const struct kind_option options[] = {
    {"table", OPT_TEXT, true, "name of the other table", NULL, NULL, 0, 0},
    {"fields", OPT_SOURCE_FIELDS, false,
     "its columns or parts of them (Company.name); with `list` also item, item.name", "all", NULL,
     0, 0},
    {"only_if", OPT_FORMULA, false, "rows for which it is true, such as {{Amount}} > 100",
     "every row", NULL, 0, 0},
    {"list", OPT_TEXT, false, "column, or part of one, that holds a list: a row for each item",
     "one row for each row", NULL, 0, 0},
};

/* ------------------------------------------------------------------ fields */

/* "Company.industry" -> the column, and the path in it. */
static const struct column *column_at(const struct table *table, const char *name,
                                      const char **path)
{
    const struct column *exact = table_column(table, name);
    *path = "";
    return exact ? exact : column_ref_resolve(table, name, path);
}

/* "item" or "item.name": the path in the item, or NULL. */
static const char *item_path(const char *field)
{
    if (text_eq(field, ITEM))
        return "$";
    return text_starts(field, ITEM ".") ? field + strlen(ITEM ".") : NULL;
}

/* --------------------------------------------------------------- checking */

struct checked {
    struct table table;
    bool found, has_list;
};

/* Does `name` get rows from `wanted`, over any number of tables? */
static bool feeds(struct source_check *check, const char *name, const char *wanted, int depth)
{
    struct table table;
    struct store *store = check->engine->store;
    if (text_eq_nocase(name, wanted))
        return true;
    if (depth == 16 || store->does->table_get(store, check->arena, name, &table, NULL) != OK)
        return false;
    for (size_t i = 0; i < table.source_count; i++) {
        const char *text = table.sources[i].config;
        const struct json *config = json_parse(check->arena, text, strlen(text), NULL);
        const char *from = json_get_text(config, "table");
        if (text_eq(table.sources[i].kind, "table") && from &&
            feeds(check, from, wanted, depth + 1))
            return true;
    }
    return false;
}

static void check_formula(struct source_check *check)
{
    struct err err = {0};
    const char *formula = json_get_text(check->config, "only_if");
    struct formula_ref *refs = NULL;
    const struct checked *own = check->own;
    const char *path;
    if (!formula)
        return;
    if (formula_check(check->engine->formula, formula, &err) != OK ||
        formula_refs(check->arena, formula, &refs, &err) != OK)
        source_check_add(check, "only_if", &err);
    for (; refs; refs = refs->next)
        if (!column_at(&own->table, refs->text, &path))
            source_check_fail(check, "only_if", "recipe.unknown_column",
                              "table \"%s\" has no column `%s`", own->table.name, refs->text);
}

static void list_columns(struct source_check *check, const struct table *table)
{
    check->fields = arena_array(check->arena, table->column_count + 1, sizeof *check->fields);
    for (size_t i = 0; i < table->column_count; i++)
        check->fields[check->field_count++] =
            (struct source_field){.name = table->columns[i].name, .type = table->columns[i].type};
}

static void check_table(struct source_check *check)
{
    struct checked *own = arena_alloc(check->arena, sizeof *own);
    struct err err = {0};
    const char *name = json_get_text(check->config, "table"), *path;
    const char *list = json_get_text(check->config, "list");
    struct store *store = check->engine->store;
    check->own = own;
    if (store->does->table_get(store, check->arena, name, &own->table, &err) != OK) {
        source_check_add(check, "table", &err);
        return;
    }
    own->found = true;
    own->has_list = list != NULL;
    list_columns(check, &own->table);
    if (check->table && feeds(check, name, check->table, 0))
        err_hint(source_check_fail(check, "table", "recipe.cycle",
                                   "the tables `%s` and `%s` would feed each other", check->table,
                                   name),
                 "take one of the two sources out");
    if (list && !column_at(&own->table, list, &path))
        source_check_fail(check, "list", "recipe.unknown_column", "table \"%s\" has no column `%s`",
                          name, list);
    check_formula(check);
}

static bool find_field(struct source_check *check, const char *name, const char *where,
                       struct source_field *out)
{
    const struct checked *own = check->own;
    const char *path = "";
    *out = (struct source_field){.name = name, .type = TYPE_TEXT};
    if (!own->found || (own->has_list && item_path(name)))
        return true;
    const struct column *column = column_at(&own->table, name, &path);
    if (!column) {
        source_check_fail(check, where, "recipe.unknown_field", "table \"%s\" has no column `%s`",
                          own->table.name, name);
        return false;
    }
    if (!*path)
        out->type = column->type;
    return true;
}

/* ---------------------------------------------------------------- pulling */

struct table_pull {
    struct sync *sync;
    struct table table; /* the other one */
    struct snapshot *snap;
    const char *only_if, *list;
    int *slots; /* all of its columns */
    const char **names;
    int64_t after, row_count;
    bool by_key; /* rows are told apart by the other table's keys */
};

/* A row's column, or a part of it, as JSON on the arena. */
static const struct json *value_at(struct table_pull *pull, const struct row *row,
                                   const char *field, struct arena *arena)
{
    const char *path;
    const struct column *column = column_at(&pull->table, field, &path);
    struct buf text = BUF_INIT;
    struct jw w;
    if (!column)
        return NULL;
    jw_init(&w, &text);
    value_to_json(&w, column->type, row->values[column - pull->table.columns]);
    const struct json *json = json_parse(arena, buf_text(&text), text.len, NULL);
    buf_free(&text);
    return *path && json ? json_path(json, *path == '.' ? path + 1 : path) : json;
}

static enum status put_row(struct table_pull *pull, const struct row *row, const struct json *item,
                           int64_t number, struct err *err)
{
    struct sync *sync = pull->sync;
    struct arena *arena = snapshot_arena(pull->snap);
    struct value *values = snapshot_row(pull->snap);
    int64_t at = ++pull->row_count;
    for (size_t i = 0; i < sync->field_count; i++) {
        const char *of_item = item ? item_path(sync->fields[i]) : NULL;
        const struct json *json =
            of_item ? json_rows_at(item, of_item) : value_at(pull, row, sync->fields[i], arena);
        if (snapshot_put_json(pull->snap, values, i, json, at, err) != OK)
            return FAIL;
    }
    const char *key = NULL;
    if (pull->by_key)
        key = item ? arena_printf(arena, "%s#%lld", row->key, (long long)number)
                   : arena_strdup(arena, row->key);
    return snapshot_add(pull->snap, values, key, NULL, at, err);
}

static enum status put_items(struct table_pull *pull, const struct row *row, struct err *err)
{
    int64_t number = 0;
    struct arena *arena = arena_new();
    const struct json *list = value_at(pull, row, pull->list, arena);
    enum status rc = OK;
    if (json_is(list, JSON_ARRAY)) {
        for (const struct json *item = list->first; item && rc == OK; item = item->next) {
            struct buf text = BUF_INIT;
            struct jw w;
            jw_init(&w, &text);
            jw_value(&w, item);
            const struct json *kept =
                json_parse(snapshot_arena(pull->snap), buf_text(&text), text.len, err);
            buf_free(&text);
            rc = kept ? put_row(pull, row, kept, ++number, err) : FAIL;
        }
    }
    arena_free(arena);
    return rc;
}

static const char *row_json(struct table_pull *pull, const struct row *row, struct arena *arena)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_array(&w);
    for (size_t i = 0; i < pull->table.column_count; i++)
        value_to_json(&w, pull->table.columns[i].type, row->values[i]);
    jw_end_array(&w);
    const char *json = arena_strndup(arena, buf_text(&text), text.len);
    buf_free(&text);
    return json;
}

/* Which rows the formula lets through; a formula that fails on a row refuses that row. */
static enum status let_through(struct table_pull *pull, const struct row *rows, size_t count,
                               bool *through, struct arena *arena, struct err *err)
{
    struct formula_result *results = arena_array(arena, count + 1, sizeof *results);
    const char **texts = arena_array(arena, count + 1, sizeof *texts);
    for (size_t i = 0; i < count; i++) {
        through[i] = true;
        texts[i] = pull->only_if ? row_json(pull, &rows[i], arena) : NULL;
    }
    if (!pull->only_if || !count)
        return OK;
    if (formula_eval(pull->sync->job.engine->formula, pull->only_if, pull->names,
                     pull->table.column_count, texts, count, arena, results, err) != OK)
        return err_wrap(err, "only_if");
    for (size_t i = 0; i < count; i++) {
        through[i] = results[i].state == FORMULA_OK && json_text_true(results[i].json);
        bool failed = results[i].state == FORMULA_ERROR || results[i].state == FORMULA_TIMEOUT;
        if (failed &&
            snapshot_refuse(pull->snap, rows[i].id, "source.condition", err, "only_if: %s",
                            results[i].message ? results[i].message : "took too long") != OK)
            return FAIL;
    }
    return OK;
}

static enum status one_page(struct table_pull *pull, struct arena *arena, bool *more,
                            struct err *err)
{
    struct store *store = pull->sync->job.engine->store;
    struct row *rows = NULL;
    size_t count = 0;
    struct row_query query = {.table_id = pull->table.id,
                              .slots = pull->slots,
                              .slot_count = pull->table.column_count,
                              .after = pull->after,
                              .limit = PAGE};
    if (store->does->rows(store, arena, &query, &rows, &count, err) != OK)
        return FAIL;
    bool *through = arena_array(arena, count + 1, sizeof *through);
    if (let_through(pull, rows, count, through, arena, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++) {
        if (!through[i])
            continue;
        enum status rc =
            pull->list ? put_items(pull, &rows[i], err) : put_row(pull, &rows[i], NULL, 0, err);
        if (rc != OK)
            return FAIL;
    }
    if (count)
        pull->after = rows[count - 1].id;
    *more = count == PAGE;
    return OK;
}

static bool is_there(void *ctx, const char *field)
{
    const struct table_pull *pull = ctx;
    const char *path;
    return (pull->list && item_path(field)) || column_at(&pull->table, field, &path);
}

static enum status read_rows(struct table_pull *pull, struct err *err)
{
    struct arena *arena = arena_new();
    enum status rc = OK;
    for (bool more = true; rc == OK && more;) {
        arena_reset(arena);
        rc = one_page(pull, arena, &more, err);
        job_tick(&pull->sync->job, "reading the other table", pull->row_count,
                 pull->table.row_count);
    }
    arena_free(arena);
    return rc == OK ? snapshot_finish(pull->snap, err) : FAIL;
}

static void name_columns(struct table_pull *pull)
{
    struct arena *arena = pull->sync->job.arena;
    pull->slots = arena_array(arena, pull->table.column_count + 1, sizeof *pull->slots);
    pull->names = arena_array(arena, pull->table.column_count + 1, sizeof *pull->names);
    for (size_t i = 0; i < pull->table.column_count; i++) {
        pull->slots[i] = pull->table.columns[i].slot;
        pull->names[i] = pull->table.columns[i].name;
    }
}

static enum status pull_table(struct sync *sync, struct err *err)
{
    struct table_pull pull = {.sync = sync,
                              .only_if = json_get_text(sync->source, "only_if"),
                              .list = json_get_text(sync->source, "list"),
                              .by_key = !json_get(sync->source, "unique_by")};
    struct store *store = sync->job.engine->store;
    const char *name = json_get_text(sync->source, "table");
    if (store->does->table_get(store, sync->job.arena, name, &pull.table, err) != OK)
        return FAIL;
    sync->subject = arena_printf(sync->job.arena, "table \"%s\"", pull.table.name);
    sync->counted_by = "there are";
    name_columns(&pull);
    sync_choose_fields(sync, is_there, &pull);
    pull.snap = snapshot_new(sync, err);
    enum status rc = pull.snap ? read_rows(&pull, err) : FAIL;
    snapshot_free(pull.snap);
    return rc;
}

const struct source_kind table_source_kind = {
    .name = "table",
    .key = "table",
    .title = "Another table",
    .help = "The rows of another table of the workspace, those that a formula lets through, or "
            "the items of a list in one of its columns.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .bare = "table",
    .key_rule = KEY_CHOICE,
    .every = "1h",
    .when_deleted = "mark",
    .check = check_table,
    .field = find_field,
    .pull = pull_table,
};
