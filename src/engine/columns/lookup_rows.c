/* lookup_rows.c - rows of another table (or of this one) that match the present row.
 *
 * One question a row, a batch of them in one call of the store. Rows are found as
 * they are when the column runs: a change in the other table makes nothing due
 * here. A value to match by that is blank asks nothing: blank matches nobody. */
#include "engine/run_priv.h"

#include "base/str.h"
#include "store/store_matches.h"

#include <string.h>

#define MANY_FALLBACK 100

static const char *const finds[] = {"one", "many", NULL};
static const char *const hows[] = {"equals", "contains", NULL};
static const char *const firsts[] = {"oldest", "newest", NULL};

static const struct kind_option options[] = {
    {"table", OPT_TEXT, true, "name of the table to look in", NULL, NULL, 0, 0},
    {"match", OPT_TEMPLATE_MAP, true, "its columns and what they must hold; all must match", NULL,
     NULL, 0, 0},
    {"how", OPT_ENUM, false, "the cell is the value, or has it somewhere in it", "equals", hows, 0,
     0},
    {"ignore_case", OPT_BOOL, false, "case and accents make no difference", "false", NULL, 0, 0},
    {"find", OPT_ENUM, false, "the first row that matches, or a list of them", "one", finds, 0, 0},
    {"first", OPT_ENUM, false, "which rows come first", "oldest", firsts, 0, 0},
    {"limit", OPT_INT, false, "rows in the list at most; `more` says when there are more", "100",
     NULL, 1, 1000},
    {"return", OPT_TEXT_LIST, false, "columns to take over", "all of them", NULL, 0, 0},
};

/* The other table and the columns asked of it. */
struct looking {
    const struct table *table;
    int *match_slots;
    const struct column **match; /* in the order of the option */
    size_t match_count;
    const struct column **take;
    int *take_slots;
    size_t take_count;
};

typedef void refuse_fn(void *ctx, const char *where, const char *name, const struct table *table);

static void take_column(struct looking *l, const struct column *column)
{
    l->take_slots[l->take_count] = column->slot;
    l->take[l->take_count++] = column;
}

static void read_return(struct looking *l, const struct json *wanted, refuse_fn *refuse, void *ctx)
{
    const struct json *single = json_is(wanted, JSON_STRING) ? wanted : NULL;
    size_t at = 0;
    for (size_t i = 0; !wanted && i < l->table->column_count; i++)
        take_column(l, &l->table->columns[i]);
    for (const struct json *name = single ? single : wanted ? wanted->first : NULL; name;
         name = single ? NULL : name->next) {
        char where[40];
        const struct column *column = table_column(l->table, json_text(name));
        snprintf(where, sizeof where, single ? "return" : "return/%zu", at++);
        if (column)
            take_column(l, column);
        else
            refuse(ctx, where, json_text(name), l->table);
    }
}

/* Names to columns; what is not there is told to `refuse`. */
static void look_at(struct looking *l, struct arena *arena, const struct table *table,
                    const struct json *config, refuse_fn *refuse, void *ctx)
{
    const struct json *match = json_get(config, "match"), *wanted = json_get(config, "return");
    size_t most = (match ? match->len : 0) + table->column_count + (wanted ? wanted->len : 0) + 1;
    l->table = table;
    l->match = arena_array(arena, most, sizeof *l->match);
    l->match_slots = arena_array(arena, most, sizeof *l->match_slots);
    l->take = arena_array(arena, most, sizeof *l->take);
    l->take_slots = arena_array(arena, most, sizeof *l->take_slots);
    json_each(member, match) {
        char where[200];
        const struct column *column = table_column(table, member->key);
        snprintf(where, sizeof where, "match/%s", member->key);
        if (!column) {
            refuse(ctx, where, member->key, table);
            continue;
        }
        l->match_slots[l->match_count] = column->slot;
        l->match[l->match_count++] = column;
    }
    read_return(l, wanted, refuse, ctx);
}

/* ---------------------------------------------------------------- checking */

static void refuse_in_check(void *ctx, const char *where, const char *name,
                            const struct table *table)
{
    kind_check_no_column(ctx, where, name, table);
}

static void validate(struct kind_check *check)
{
    struct looking l = {0};
    const struct table *table = kind_check_table(check, json_get_text(check->config, "table"));
    if (table)
        look_at(&l, check->arena, table, check->config, refuse_in_check, check);
}

/* --------------------------------------------------------------- answering */

static void put_row(struct jw *w, const struct looking *l, const struct row *row)
{
    jw_object(w);
    for (size_t i = 0; i < l->take_count; i++) {
        jw_key(w, l->take[i]->name);
        value_to_json(w, l->take[i]->type, row->values[i]);
    }
    jw_end_object(w);
}

static void put_list(struct jw *w, const struct looking *l, const struct match_found *found,
                     size_t limit)
{
    size_t shown = found->count < limit ? found->count : limit;
    jw_object(w);
    jw_kv_int(w, "count", (int64_t)shown);
    jw_kv_bool(w, "more", found->count > limit);
    jw_key(w, "rows");
    jw_array(w);
    for (size_t i = 0; i < shown; i++)
        put_row(w, l, &found->rows[i]);
    jw_end_array(w);
    jw_end_object(w);
}

static void answer(struct column_batch *batch, size_t i, const struct looking *l,
                   const struct match_found *found, size_t many)
{
    struct buf text = BUF_INIT;
    struct jw w;
    struct err err = {0};
    if (!found->count) {
        batch_no_result(batch, i);
        return;
    }
    jw_init(&w, &text);
    if (many)
        put_list(&w, l, found, many);
    else
        put_row(&w, l, &found->rows[0]);
    const struct json *json = json_parse(batch->arena, buf_text(&text), text.len, &err);
    if (json)
        batch_json(batch, i, json);
    else
        batch_error(batch, i, CELL_ERROR, &err);
    buf_free(&text);
}

/* The values a row asks by; false: one is blank, or the template failed (then it is settled). */
static bool ask(struct column_batch *batch, size_t i, const struct template *templates,
                size_t count, const struct looking *l, struct value *wanted)
{
    struct err err = {0};
    for (size_t k = 0; k < count; k++) {
        if (template_fill(batch, i, &templates[k], SLOT_PLAIN, &wanted[k], &err) != OK) {
            batch_error(batch, i, CELL_ERROR, &err);
            return false;
        }
        if (wanted[k].text && wanted[k].len)
            continue;
        batch_no_result(batch, i);
        batch->results[i].code = "lookup.blank_input";
        batch->results[i].message = arena_printf(
            batch->arena, "the value for \"%s\" is blank: nothing was asked", l->match[k]->name);
        return false;
    }
    return true;
}

static enum status find(struct column_batch *batch, const struct looking *l,
                        const struct template *templates, struct err *err)
{
    const struct json *config = batch->config;
    struct store *store = batch->job->engine->store;
    size_t many = text_eq(json_get_text(config, "find"), "many")
                      ? (size_t)json_get_int(config, "limit", MANY_FALLBACK)
                      : 0;
    struct match_query query = {.table_id = l->table->id,
                                .slots = l->match_slots,
                                .slot_count = l->match_count,
                                .contains = text_eq(json_get_text(config, "how"), "contains"),
                                .ignore_case = json_get_bool(config, "ignore_case", false),
                                .last_first = text_eq(json_get_text(config, "first"), "newest"),
                                .values = l->take_slots,
                                .value_count = l->take_count,
                                .limit = many ? many + 1 : 1};
    struct value *wanted = arena_array(batch->arena, batch->count * l->match_count + 1, sizeof *wanted);
    size_t *rows = arena_array(batch->arena, batch->count + 1, sizeof *rows);
    for (size_t i = 0; i < batch->count; i++)
        if (ask(batch, i, templates, l->match_count, l, wanted + query.count * l->match_count))
            rows[query.count++] = i;
    query.wanted = wanted;
    struct match_found *found = arena_array(batch->arena, query.count + 1, sizeof *found);
    if (!query.contains && store->does->matches->prepare(store, query.table_id, query.slots[0],
                                                         query.ignore_case, err) != OK)
        return FAIL;
    if (store->does->matches->find(store, batch->arena, &query, found, err) != OK)
        return FAIL;
    for (size_t i = 0; i < query.count; i++)
        answer(batch, rows[i], l, &found[i], many);
    return OK;
}

struct gone {
    struct err *err;
    bool any;
};

static void refuse_in_run(void *ctx, const char *where, const char *name, const struct table *table)
{
    struct gone *gone = ctx;
    gone->any = true;
    err_set(gone->err, ERR_NOT_FOUND, "table \"%s\" has no column \"%s\" any more", table->name,
            name);
    err_where(gone->err, "%s", where);
}

static enum status execute(struct column_batch *batch, struct err *err)
{
    struct looking l = {0};
    struct gone gone = {err, false};
    size_t count = 0;
    struct table_plan *other = job_table(batch->job, json_get_text(batch->config, "table"), err);
    if (!other)
        return FAIL;
    look_at(&l, batch->arena, &other->table, batch->config, refuse_in_run, &gone);
    if (gone.any)
        return FAIL;
    struct template *templates = arena_array(batch->arena, l.match_count + 1, sizeof *templates);
    json_each(member, json_get(batch->config, "match"))
        if (template_make(batch->arena, member, &templates[count++], err) != OK)
            return FAIL;
    return find(batch, &l, templates, err);
}

const struct column_kind lookup_rows_column = {
    .name = "lookup_rows",
    .title = "Look up rows of a table",
    .help = "Finds the row, or the rows, of another table that match, and takes their values over.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .type = TYPE_JSON,
    .batch_rows = 500,
    .step = true,
    .validate = validate,
    .execute = execute,
};
