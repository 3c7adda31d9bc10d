/* inputs.c - what a row's templates and formulas see.
 *
 * A reference is resolved to one of the column's inputs and a path into it.
 * JSON cells are parsed at most once a batch. */
#include "engine/run_priv.h"

#include "base/str.h"

#include <string.h>

int batch_input(const struct column_batch *batch, const char *ref, const char **path)
{
    const struct column *column = column_ref_resolve(batch->table, ref, path);
    for (size_t i = 0; column && i < batch->plan->input_count; i++)
        if (batch->plan->inputs[i]->id == column->id)
            return (int)i;
    return -1;
}

static const struct json *scalar_tree(struct arena *arena, enum value_type type, struct value value)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    value_to_json(&w, type, value);
    struct err ignored = {0};
    const struct json *tree = json_parse(arena, buf_text(&text), text.len, &ignored);
    buf_free(&text);
    return tree;
}

static bool looks_structured(struct value value)
{
    struct str text = str_trim((struct str){value.text, value.len});
    return text.n > 1 && (text.p[0] == '{' || text.p[0] == '[');
}

const struct json *batch_tree(struct column_batch *batch, size_t row, int input)
{
    if (input < 0)
        return NULL;
    size_t inputs = batch->plan->input_count;
    if (!batch->trees)
        batch->trees = arena_array(batch->arena, batch->count, sizeof *batch->trees);
    if (!batch->trees[row])
        batch->trees[row] = arena_array(batch->arena, inputs, sizeof **batch->trees);
    const struct json **slot = &batch->trees[row][input];
    struct value value = batch->rows[row].values[input];
    if (*slot || !value.text)
        return *slot;
    enum value_type type = batch->plan->inputs[input]->type;
    struct err ignored = {0};
    if (type == TYPE_JSON || looks_structured(value))
        *slot = json_parse(batch->arena, value.text, value.len, &ignored);
    if (!*slot)
        *slot = scalar_tree(batch->arena, type == TYPE_JSON ? TYPE_TEXT : type, value);
    return *slot;
}

static const struct json *ref_tree(struct column_batch *batch, size_t row, int input,
                                   const char *path)
{
    const struct json *tree = batch_tree(batch, row, input);
    return tree && *path ? json_path(tree, path) : tree;
}

const char *batch_ref_json(struct column_batch *batch, size_t row, const char *ref)
{
    const char *path = "";
    int input = batch_input(batch, ref, &path);
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    if (input >= 0 && !*path)
        value_to_json(&w, batch->plan->inputs[input]->type, batch->rows[row].values[input]);
    else {
        const struct json *tree = ref_tree(batch, row, input, path);
        if (tree)
            jw_value(&w, tree);
        else
            jw_null(&w);
    }
    const char *json = arena_strndup(batch->arena, buf_text(&text), text.len);
    buf_free(&text);
    return json;
}

struct value batch_ref_value(struct column_batch *batch, size_t row, const char *ref)
{
    const char *path = "";
    int input = batch_input(batch, ref, &path);
    if (input < 0)
        return VALUE_NULL;
    if (!*path)
        return batch->rows[row].values[input];
    return json_as_text(batch->arena, ref_tree(batch, row, input, path));
}

const char **batch_formula_names(struct column_batch *batch)
{
    const char **names = arena_array(batch->arena, batch->plan->input_count + 1, sizeof *names);
    for (size_t i = 0; i < batch->plan->input_count; i++)
        names[i] = batch->plan->inputs[i]->name;
    return names;
}

const char **batch_formula_rows(struct column_batch *batch)
{
    const char **rows = arena_array(batch->arena, batch->count + 1, sizeof *rows);
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < batch->count; i++) {
        struct jw w;
        buf_clear(&text);
        jw_init(&w, &text);
        jw_array(&w);
        for (size_t j = 0; j < batch->plan->input_count; j++)
            value_to_json(&w, batch->plan->inputs[j]->type, batch->rows[i].values[j]);
        jw_end_array(&w);
        rows[i] = arena_strndup(batch->arena, buf_text(&text), text.len);
    }
    buf_free(&text);
    return rows;
}

/* ------------------------------------------------------------- templates */

/* "{{X}}" and nothing else: its reference, else NULL. */
static const char *only_reference(struct arena *arena, const char *text,
                                  const struct formula_ref *refs)
{
    if (!refs || refs->next || refs->offset != 0)
        return NULL;
    const char *end = strstr(text, "}}");
    if (!end || end[2] != 0)
        return NULL;
    struct str inside = str_trim((struct str){text + 2, (size_t)(end - text) - 2});
    return str_dup(arena, inside);
}

enum status template_make(struct arena *arena, const struct json *config, struct template *out,
                          struct err *err)
{
    memset(out, 0, sizeof *out);
    if (json_is_null(config)) {
        out->null = out->constant = true;
        return OK;
    }
    out->text = json_as_text(arena, config).text;
    struct formula_ref *refs = NULL;
    if (json_is(config, JSON_STRING) && formula_refs(arena, out->text, &refs, err) != OK)
        return FAIL;
    out->constant = !refs;
    out->whole = only_reference(arena, out->text, refs);
    return OK;
}

struct fill_context {
    struct column_batch *batch;
    size_t row;
};

static const char *fill_lookup(void *ctx, const char *ref)
{
    struct fill_context *fill = ctx;
    return batch_ref_json(fill->batch, fill->row, ref);
}

enum status template_fill(struct column_batch *batch, size_t row, const struct template *t,
                          enum formula_slot slot, struct value *out, struct err *err)
{
    *out = VALUE_NULL;
    if (t->null)
        return OK;
    if (t->constant || (t->whole && slot == SLOT_PLAIN)) {
        *out = t->constant ? value_of(t->text) : batch_ref_value(batch, row, t->whole);
        return OK;
    }
    struct fill_context fill = {batch, row};
    char *text = NULL;
    const char *missing = NULL;
    if (formula_fill(batch->arena, t->text, slot, fill_lookup, &fill, &text, &missing, err) != OK)
        return FAIL;
    *out = value_of(text);
    return OK;
}
