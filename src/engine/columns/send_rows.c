/* send_rows.c - the row, or a row for each item of a list in it, goes to another table.
 *
 * The other table has a source of the kind `sent`. A row that is sent again when
 * its inputs change is updated there, so a process may die between the two stores:
 * the next one sends the same rows under the same keys. Rows of items that are no
 * longer in the list stay there. Tables that would feed each other in a circle are
 * refused when the recipe is applied. */
#include "engine/columns/column_kind.h"
#include "engine/run_priv.h"
#include "engine/sources/sent.h"

#include "base/str.h"

#include <string.h>

#define ITEM         "item"
#define FIELDS_SHOWN 512 /* for "did you mean" */

static const struct kind_option options[] = {
    {"table", OPT_TEXT, true, "name of the other table; it has a source `sent`", NULL, NULL, 0, 0},
    {"source", OPT_TEXT, false, "that source's name, when there are several", "the only one", NULL,
     0, 0},
    {"set", OPT_TEMPLATE_MAP, true,
     "its fields and what they get; with `list` also {{item}}, {{item.name}}", NULL, NULL, 0, 0},
    {"list", OPT_TEMPLATE, false, "a list, {{Company.people}}: a row for each of its items",
     "one row", NULL, 0, 0},
    {"most_items", OPT_INT, false, "a list that is longer is refused", "1000", NULL, 1, 10000},
};

/* ---------------------------------------------------------------- checking */

struct feeding {
    struct kind_check *check;
    const struct table *all;
    size_t count;
};

static const struct table *table_named(const struct feeding *f, const char *name)
{
    for (size_t i = 0; i < f->count; i++)
        if (text_eq_nocase(f->all[i].name, name))
            return &f->all[i];
    return NULL;
}

/* The table that a source or a column of `table` leads to: what it sends to. */
static const char *leads_to(struct feeding *f, const char *kind, const char *config)
{
    struct err ignored = {0};
    if (!text_eq(kind, "send_rows") || !config)
        return NULL;
    return json_get_text(json_parse(f->check->arena, config, strlen(config), &ignored), "table");
}

static bool reads_from(struct feeding *f, const struct table *table, const char *from)
{
    struct err ignored = {0};
    for (size_t i = 0; i < table->source_count; i++) {
        const struct source *s = &table->sources[i];
        const struct json *config =
            json_parse(f->check->arena, s->config, strlen(s->config), &ignored);
        if (text_eq(s->kind, "table") && text_eq_nocase(json_get_text(config, "table"), from))
            return true;
    }
    return false;
}

/* Do rows of `name` come to `wanted`, over any number of tables? */
static bool flows(struct feeding *f, const char *name, const char *wanted, size_t depth)
{
    const struct table *table = table_named(f, name);
    if (text_eq_nocase(name, wanted))
        return true;
    if (!table || depth > f->count)
        return false;
    for (size_t i = 0; i < table->column_count; i++) {
        const char *to = leads_to(f, table->columns[i].kind, table->columns[i].config);
        if (to && flows(f, to, wanted, depth + 1))
            return true;
    }
    for (size_t i = 0; i < f->count; i++)
        if (reads_from(f, &f->all[i], name) && flows(f, f->all[i].name, wanted, depth + 1))
            return true;
    return false;
}

static void check_circle(struct kind_check *check, const char *to)
{
    struct feeding f = {.check = check};
    struct err err = {0};
    struct table *all = NULL;
    struct store *store = check->engine->store;
    if (store->does->table_list(store, check->arena, &all, &f.count, &err) != OK) {
        kind_check_fail(check, "table", err.code, "%s", err.message);
        return;
    }
    f.all = all;
    if (flows(&f, to, check->table->name, 0))
        err_hint(kind_check_fail(check, "table", "recipe.cycle",
                                 "the tables `%s` and `%s` would feed each other",
                                 check->table->name, to),
                 "rows would go round for ever; send them to a third table");
}

/* The names that the source takes: its map leads from columns to them. */
static bool takes_field(struct kind_check *check, const struct source *source, const char *name,
                        const char **names, size_t *count)
{
    struct err ignored = {0};
    const struct json *config =
        json_parse(check->arena, source->config, strlen(source->config), &ignored);
    bool found = false;
    *count = 0;
    json_each(field, json_get(config, "map")) {
        found |= text_eq(json_text(field), name);
        if (*count < FIELDS_SHOWN)
            names[(*count)++] = json_text(field);
    }
    return found;
}

static void check_fields(struct kind_check *check, const struct table *table,
                         const struct source *source)
{
    const char *names[FIELDS_SHOWN];
    size_t count;
    json_each(member, json_get(check->config, "set")) {
        char where[200];
        if (takes_field(check, source, member->key, names, &count))
            continue;
        snprintf(where, sizeof where, "set/%s", member->key);
        const char *nearest = text_nearest(member->key, names, count);
        struct err *err =
            kind_check_fail(check, where, "recipe.unknown_field",
                            "source \"%s\" of table \"%s\" takes no field `%s`", source->name,
                            table->name, member->key);
        if (nearest)
            err_hint(err, "did you mean `%s`?", nearest);
    }
}

static void validate(struct kind_check *check)
{
    struct err err = {0};
    struct template list = {0};
    const struct json *of = json_get(check->config, "list");
    const char *name = json_get_text(check->config, "table");
    const struct table *table = kind_check_table(check, name);
    if (of && (template_make(check->arena, of, &list, &err) != OK || !list.whole))
        err_hint(kind_check_fail(check, "list", "recipe.send",
                                 "`list` is one reference and nothing else"),
                 "list: \"{{Company.people}}\"");
    if (!table)
        return;
    check_circle(check, name);
    const struct source *source =
        table == check->table ? NULL
                              : sent_source(table, json_get_text(check->config, "source"), &err);
    if (source)
        check_fields(check, table, source);
    else if (table != check->table)
        err_hint(kind_check_fail(check, "table", err.code, "%s", err.message), "%s", err.hint);
}

/* ----------------------------------------------------------------- sending */

struct sending {
    struct column_batch *batch;
    const struct json *set;
    const char *list; /* reference, or NULL */
    VEC(struct sent_row) rows;
    VEC(size_t) from; /* the batch's row of each */
    size_t row;       /* the present one */
    const struct json *item;
};

static const char *item_json(struct sending *s, const char *ref)
{
    const char *path = ref + strlen(ITEM);
    const struct json *at = s->item;
    struct buf text = BUF_INIT;
    struct jw w;
    if (*path)
        at = json_path(at, *path == '.' ? path + 1 : path);
    jw_init(&w, &text);
    if (at)
        jw_value(&w, at);
    else
        jw_null(&w);
    const char *json = arena_strndup(s->batch->arena, buf_text(&text), text.len);
    buf_free(&text);
    return json;
}

static bool is_item(const char *ref)
{
    size_t len = strlen(ITEM);
    return !strncmp(ref, ITEM, len) && (!ref[len] || ref[len] == '.' || ref[len] == '[');
}

static const char *look_up(void *ctx, const char *ref)
{
    struct sending *s = ctx;
    return s->item && is_item(ref) ? item_json(s, ref) : batch_ref_json(s->batch, s->row, ref);
}

/* One field: a whole reference keeps its type, anything else is text. */
static enum status put_field(struct sending *s, struct jw *w, const struct json *value,
                             struct err *err)
{
    struct template t;
    char *text = NULL;
    jw_key(w, value->key);
    if (template_make(s->batch->arena, value, &t, err) != OK)
        return FAIL;
    if (t.constant) {
        jw_value(w, value);
        return OK;
    }
    if (t.whole) {
        const char *json = look_up(s, t.whole);
        jw_raw(w, json, strlen(json));
        return OK;
    }
    if (formula_fill(s->batch->arena, t.text, SLOT_PLAIN, look_up, s, &text, NULL, err) != OK)
        return FAIL;
    jw_text(w, text);
    return OK;
}

static enum status add_row(struct sending *s, int64_t number, struct err *err)
{
    struct column_batch *batch = s->batch;
    struct buf text = BUF_INIT;
    struct jw w;
    enum status rc = OK;
    jw_init(&w, &text);
    jw_object(&w);
    for (const struct json *value = s->set->first; value && rc == OK; value = value->next)
        rc = put_field(s, &w, value, err);
    jw_end_object(&w);
    struct sent_row row = {.key = arena_printf(batch->arena, "%lld:%lld:%s",
                                               (long long)batch->table->id,
                                               (long long)batch->plan->column->id,
                                               batch->rows[s->row].key)};
    if (number)
        row.key = arena_printf(batch->arena, "%s#%lld", row.key, (long long)number);
    if (rc == OK) {
        row.object = json_parse(batch->arena, buf_text(&text), text.len, err);
        rc = row.object ? OK : FAIL;
    }
    buf_free(&text);
    if (rc == OK) {
        vec_push(&s->rows, row);
        vec_push(&s->from, s->row);
    }
    return rc;
}

/* A row for each item. False: the row is settled. */
static bool add_items(struct sending *s, struct err *err)
{
    struct column_batch *batch = s->batch;
    const char *text = batch_ref_json(batch, s->row, s->list);
    const struct json *list = json_parse(batch->arena, text, strlen(text), err);
    int64_t most = json_get_int(batch->config, "most_items", 1000), number = 0;
    if (json_is_null(list)) {
        batch_no_result(batch, s->row);
    } else if (!json_is(list, JSON_ARRAY)) {
        batch_fail(batch, s->row, CELL_ERROR, "send.no_list", "{{%s}} is no list", s->list);
    } else if (list->len > most) {
        batch_fail(batch, s->row, CELL_ERROR, "send.too_many",
                   "the list has %u items, and most_items is %lld: none was sent", list->len,
                   (long long)most);
    } else {
        for (s->item = list->first; s->item; s->item = s->item->next)
            if (add_row(s, ++number, err) != OK) {
                batch_error(batch, s->row, CELL_ERROR, err);
                break;
            }
        s->item = NULL;
    }
    return batch->results[s->row].state == CELL_DUE;
}

static void make_rows(struct sending *s)
{
    struct column_batch *batch = s->batch;
    for (s->row = 0; s->row < batch->count; s->row++) {
        struct err err = {0};
        size_t before = s->rows.len;
        if (s->list ? !add_items(s, &err) : add_row(s, 0, &err) != OK) {
            if (!s->list)
                batch_error(batch, s->row, CELL_ERROR, &err);
            s->rows.len = s->from.len = before; /* all of a row's items, or none */
        }
    }
}

/* What became of a row: how many of its items were taken, or why the first was not. */
static void settle(struct sending *s, const char *table)
{
    struct column_batch *batch = s->batch;
    int64_t *taken = arena_array(batch->arena, batch->count + 1, sizeof *taken);
    for (size_t i = 0; i < s->rows.len; i++) {
        size_t row = s->from.at[i];
        if (!*s->rows.at[i].err.code)
            taken[row]++;
        else if (batch->results[row].state == CELL_DUE)
            batch_error(batch, row, CELL_ERROR, &s->rows.at[i].err);
    }
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->results[i].state != CELL_DUE)
            continue;
        struct buf text = BUF_INIT;
        struct jw w;
        jw_init(&w, &text);
        jw_object(&w);
        jw_kv_text(&w, "table", table);
        jw_kv_int(&w, "rows", taken[i]);
        jw_end_object(&w);
        batch_json(batch, i, json_parse(batch->arena, buf_text(&text), text.len, NULL));
        buf_free(&text);
    }
}

static void note_table(struct run_report *report, const struct sent_receipt *receipt,
                       const char *table)
{
    size_t most = sizeof report->sent_to / sizeof *report->sent_to;
    report->rows_sent += receipt->added + receipt->changed;
    for (size_t i = 0; i < report->sent_to_count; i++)
        if (text_eq(report->sent_to[i], table))
            return;
    if (receipt->made_due && report->sent_to_count < most)
        snprintf(report->sent_to[report->sent_to_count++], sizeof *report->sent_to, "%s", table);
}

static enum status send_rows(struct sending *s, const char *table, struct err *err)
{
    struct column_batch *batch = s->batch;
    struct sent_receipt receipt = {0};
    struct table_plan *other = job_table(batch->job, table, err);
    const struct source *source =
        other ? sent_source(&other->table, json_get_text(batch->config, "source"), err) : NULL;
    if (!source)
        return FAIL;
    make_rows(s);
    if (s->rows.len && sent_accept(batch->job->engine, table, source->name, s->rows.at, s->rows.len,
                                   &receipt, err) != OK)
        return FAIL;
    note_table(batch->job->report, &receipt, other->table.name);
    settle(s, other->table.name);
    return OK;
}

static enum status execute(struct column_batch *batch, struct err *err)
{
    struct template list = {0};
    const struct json *of = json_get(batch->config, "list");
    if (batch->job->options->dry_run) {
        for (size_t i = 0; i < batch->count; i++)
            batch->stored[i] = true;
        batch->job->report->planned += (int64_t)batch->count;
        return OK;
    }
    if (of && template_make(batch->arena, of, &list, err) != OK)
        return FAIL;
    struct sending s = {
        .batch = batch, .set = json_get(batch->config, "set"), .list = list.whole};
    enum status rc = send_rows(&s, json_get_text(batch->config, "table"), err);
    vec_free(&s.rows);
    vec_free(&s.from);
    return rc;
}

const struct column_kind send_rows_column = {
    .name = "send_rows",
    .title = "Send rows to a table",
    .help = "Sends the row, or a row for each item of a list in it, to another table. Sent again, "
            "a row is updated there.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .type = TYPE_JSON,
    .batch_rows = 500,
    .whole_run = true,
    .item = ITEM,
    .validate = validate,
    .execute = execute,
};
