/* plan.c - a table made ready to run: who reads whom, and in which order.
 *
 * Everything follows from the references in the columns' configs, so it cannot
 * disagree with what the templates will ask for. */
#include "engine/run_priv.h"

#include "base/str.h"

#include <string.h>

static void add_input(struct column_plan *plan, const struct column *input)
{
    for (size_t i = 0; i < plan->input_count; i++)
        if (plan->inputs[i]->id == input->id)
            return;
    plan->inputs[plan->input_count++] = input;
}

static enum status find_inputs(struct arena *arena, const struct table *table,
                               struct column_plan *plan, struct err *err)
{
    struct column_ref *refs = NULL;
    if (column_refs(arena, plan->kind, plan->config, plan->column->only_run_if, &refs, err) != OK)
        return FAIL;
    plan->inputs = arena_array(arena, table->column_count, sizeof *plan->inputs);
    for (; refs; refs = refs->next) {
        const struct column *input = column_ref_resolve(table, refs->text, NULL);
        if (!input)
            return err_set(err, ERR_INVALID, "{{%s}} names no column of table \"%s\"", refs->text,
                           table->name);
        add_input(plan, input);
    }
    return OK;
}

/* What the column's rules say; what they require is an input. */
static enum status read_rules(struct arena *arena, const struct table *table,
                              struct column_plan *plan, struct err *err)
{
    const char *text = plan->column->rules;
    const struct json *rules = text ? json_parse(arena, text, strlen(text), err) : NULL;
    if (text && !rules)
        return FAIL;
    const struct json *required = json_get(rules, "required");
    plan->delay_ms = json_get_int(rules, "delay_ms", 0);
    plan->required = arena_array(arena, (required ? required->len : 0) + 1, sizeof *plan->required);
    json_each(name, required) {
        const struct column *input = table_column(table, json_text(name));
        if (!input)
            return err_set(err, ERR_INVALID, "required: \"%s\" is no column of table \"%s\"",
                           json_text(name), table->name);
        add_input(plan, input);
        size_t at = 0;
        while (plan->inputs[at]->id != input->id)
            at++;
        plan->required[plan->required_count++] = at;
    }
    return OK;
}

enum status column_plan_make(struct arena *arena, const struct table *table,
                             const struct column *column, struct column_plan *plan,
                             struct err *err)
{
    plan->column = column;
    plan->kind = column_kind_find(column->kind);
    if (!plan->kind)
        return err_set(err, ERR_NOT_BUILT, "unknown column kind \"%s\"", column->kind);
    const char *config = column->config ? column->config : "{}";
    plan->config = json_parse(arena, config, strlen(config), err);
    return plan->config && find_inputs(arena, table, plan, err) == OK
               ? read_rules(arena, table, plan, err)
               : FAIL;
}

static bool reads(const struct column_plan *plan, int64_t column_id)
{
    for (size_t i = 0; i < plan->input_count; i++)
        if (plan->inputs[i]->id == column_id)
            return true;
    return false;
}

static bool ready_among(const struct column_plan *plan, const struct column_plan *done,
                        size_t done_count)
{
    for (size_t i = 0; i < plan->input_count; i++) {
        bool found = !column_is_computed(plan->inputs[i]);
        for (size_t j = 0; j < done_count && !found; j++)
            found = done[j].column->id == plan->inputs[i]->id;
        if (!found)
            return false;
    }
    return true;
}

/* Inputs first; columns that do not depend on each other stay in table order. */
static enum status sort_plans(struct arena *arena, struct table_plan *table, struct err *err)
{
    struct column_plan *sorted = arena_array(arena, table->column_count, sizeof *sorted);
    bool *taken = arena_array(arena, table->column_count, sizeof *taken);
    size_t done = 0;
    for (bool moved = true; moved && done < table->column_count;) {
        moved = false;
        for (size_t i = 0; i < table->column_count; i++) {
            if (taken[i] || !ready_among(&table->columns[i], sorted, done))
                continue;
            sorted[done++] = table->columns[i];
            taken[i] = moved = true;
        }
    }
    if (done < table->column_count)
        return err_set(err, ERR_INVALID,
                       "the columns of table \"%s\" depend on each other in a circle",
                       table->table.name);
    table->columns = sorted;
    return OK;
}

/* Which columns read this one, and whether each runs by itself. */
static size_t find_readers(struct arena *arena, const struct table_plan *table, int64_t column_id,
                           int64_t **ids, bool **off)
{
    size_t count = 0;
    *ids = arena_array(arena, table->column_count + 1, sizeof **ids);
    *off = arena_array(arena, table->column_count + 1, sizeof **off);
    for (size_t j = 0; j < table->column_count; j++) {
        const struct column *other = table->columns[j].column;
        if (!reads(&table->columns[j], column_id))
            continue;
        (*off)[count] = !other->auto_update;
        (*ids)[count++] = other->id;
    }
    return count;
}

static void find_dependents(struct arena *arena, struct table_plan *table)
{
    for (size_t i = 0; i < table->column_count; i++) {
        struct column_plan *plan = &table->columns[i];
        plan->dependent_count = find_readers(arena, table, plan->column->id, &plan->dependents,
                                             &plan->dependents_off);
    }
}

enum status table_plan_make(struct arena *arena, struct table_plan *plan, struct err *err)
{
    const struct table *table = &plan->table;
    const char *text = table->rules ? table->rules : "{}";
    const struct json *rules = json_parse(arena, text, strlen(text), err);
    if (!rules)
        return err_wrap(err, "the rules of table \"%s\"", table->name);
    plan->keep_results = json_get_bool(rules, "keep_results", false);
    plan->columns = arena_array(arena, table->column_count + 1, sizeof *plan->columns);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        if (!column_is_computed(column))
            continue;
        if (column_plan_make(arena, table, column, &plan->columns[plan->column_count++], err) != OK)
            return err_wrap(err, "column \"%s\"", column->name);
    }
    if (sort_plans(arena, plan, err) != OK)
        return FAIL;
    find_dependents(arena, plan);
    return OK;
}

struct dependents table_plan_dependents(const struct table_plan *table,
                                        const struct column_plan *plan)
{
    return (struct dependents){.column_id = plan->column->id,
                               .due = plan->dependents,
                               .due_count = plan->dependent_count,
                               .off = plan->dependents_off,
                               .table_off = !table->table.auto_update,
                               .keep_results = table->keep_results};
}

struct dependents table_plan_readers(struct arena *arena, const struct table_plan *table,
                                     int64_t column_id)
{
    int64_t *ids;
    bool *off;
    size_t count = find_readers(arena, table, column_id, &ids, &off);
    return (struct dependents){.column_id = column_id,
                               .due = ids,
                               .due_count = count,
                               .off = off,
                               .table_off = !table->table.auto_update,
                               .keep_results = table->keep_results};
}

struct column_plan *table_plan_column(struct table_plan *plan, int64_t column_id)
{
    for (size_t i = 0; i < plan->column_count; i++)
        if (plan->columns[i].column->id == column_id)
            return &plan->columns[i];
    return NULL;
}
