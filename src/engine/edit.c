/* edit.c - see edit.h. */
#include "engine/edit.h"

#include "engine/run_priv.h"

#include "base/str.h"

#include <string.h>

struct editing {
    struct engine *engine;
    struct arena *arena;
    struct table_plan table;
    struct edit_report *report;
};

static const struct column *typed_column(struct editing *e, int64_t id, struct err *err)
{
    const struct column *column = table_column_by_id(&e->table.table, id);
    const struct column_kind *kind = column ? column_kind_find(column->kind) : NULL;
    if (!column) {
        err_set(err, ERR_NOT_FOUND, "the table has no column %lld", (long long)id);
    } else if (!kind || !kind->typed) {
        err_set(err, ERR_INVALID, "column \"%s\" is not typed by people: %s", column->name,
                kind ? "it is computed" : "its values come from the source");
        err_hint(err, "A column of the kind `input` takes what people type.");
        column = NULL;
    }
    return column;
}

static const struct json *choices_of(struct editing *e, const struct column *column)
{
    struct err ignored = {0};
    const struct json *config =
        column->config ? json_parse(e->arena, column->config, strlen(column->config), &ignored) : NULL;
    return json_get(config, "choices");
}

static bool among(const struct json *choices, struct value value)
{
    if (json_text(choices))
        return str_eq((struct str){value.text, value.len}, str_of(json_text(choices)));
    json_each(choice, choices)
        if (choice->len == value.len && memcmp(choice->text, value.text, value.len) == 0)
            return true;
    return false;
}

/* The value as it is stored; FAIL with *err when it does not fit. */
static enum status fit(struct editing *e, const struct column *column, struct value text,
                       struct value *out, struct err *err)
{
    const struct json *choices = choices_of(e, column);
    if (value_from_text(e->arena, column->type, text, out, err) != OK)
        return FAIL;
    if (out->text && !out->len)
        *out = VALUE_NULL; /* an emptied cell holds nothing */
    if (out->text && choices && !among(choices, *out))
        return err_set(err, "cell.choice", "\"%.*s\" is none of the choices of \"%s\"",
                       (int)utf8_cut(out->text, out->len, 80), out->text, column->name);
    return OK;
}

/* Fills edits with those that fit; *origin tells which cell each is. */
static enum status check_all(struct editing *e, struct typed_cell *cells, size_t count,
                             struct cell_edit *edits, size_t *origin, size_t *fitting,
                             struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct column *column = typed_column(e, cells[i].column_id, err);
        struct err why = {0};
        struct value value;
        if (!column)
            return FAIL;
        if (fit(e, column, cells[i].text, &value, &why) != OK) {
            cells[i].unfit = arena_strdup(e->arena, why.message);
            e->report->unfit++;
            continue;
        }
        origin[*fitting] = i;
        edits[(*fitting)++] = (struct cell_edit){.row_id = cells[i].row_id,
                                                 .column_id = column->id,
                                                 .slot = column->slot,
                                                 .value = value};
    }
    return OK;
}

static void tell(struct editing *e, struct typed_cell *cell, const struct cell_edit *edit)
{
    cell->same = edit->same;
    cell->old = edit->old;
    cell->last_by = edit->last_by;
    cell->last_ms = edit->last_ms;
    cell->crossed = cell->seen_known && !edit->same && !value_equal(cell->seen, edit->old);
    e->report->same += edit->same;
    e->report->saved += !edit->same;
    e->report->crossed += cell->crossed;
}

static enum status store_all(struct editing *e, struct typed_cell *cells, struct cell_edit *edits,
                             const size_t *origin, size_t count, struct err *err)
{
    const struct table *table = &e->table.table;
    struct store *store = e->engine->store;
    struct dependents *dependents = arena_array(e->arena, table->column_count + 1, sizeof *dependents);
    size_t n = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        const struct column_kind *kind = column_kind_find(table->columns[i].kind);
        if (kind && kind->typed)
            dependents[n++] = table_plan_readers(e->arena, &e->table, table->columns[i].id);
    }
    if (store->does->edits->put(store, e->arena, table->id, engine_actor(e->engine), edits, count,
                                dependents, n, &e->report->made_due, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++)
        tell(e, &cells[origin[i]], &edits[i]);
    return OK;
}

enum status cells_edit(struct engine *engine, struct arena *arena, const char *table,
                       struct typed_cell *cells, size_t count, bool leave_unfit, bool dry_run,
                       struct edit_report *report, struct err *err)
{
    struct editing e = {.engine = engine, .arena = arena, .report = report};
    struct cell_edit *edits = arena_array(arena, count + 1, sizeof *edits);
    size_t *origin = arena_array(arena, count + 1, sizeof *origin);
    size_t fitting = 0;
    *report = (struct edit_report){0};
    if (engine->store->does->table_get(engine->store, arena, table, &e.table.table, err) != OK ||
        table_plan_make(arena, &e.table, err) != OK ||
        check_all(&e, cells, count, edits, origin, &fitting, err) != OK)
        return FAIL;
    if (dry_run)
        return OK;
    if (report->unfit && !leave_unfit)
        return err_set(err, ERR_INVALID, "%lld of %zu values do not fit their column",
                       (long long)report->unfit, count);
    return store_all(&e, cells, edits, origin, fitting, err);
}
