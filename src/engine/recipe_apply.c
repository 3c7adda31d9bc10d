/* recipe_apply.c - the difference between a draft and what is stored, and the
 * one transaction that closes it. */
#include "engine/gates.h"
#include "engine/access.h"
#include "engine/recipe_priv.h"
#include "engine/run_priv.h"
#include "store/store_versions.h"

#include "base/str.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

void apply_plan_free(struct apply_plan *plan)
{
    for (size_t i = 0; i < plan->lines.len; i++)
        free(plan->lines.at[i]);
    vec_free(&plan->lines);
    free(plan->table_name);
    plan->table_name = NULL;
}

static void plan_line(struct apply_plan *plan, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void plan_line(struct apply_plan *plan, const char *fmt, ...)
{
    struct buf line = BUF_INIT;
    va_list args;
    va_start(args, fmt);
    buf_vprintf(&line, fmt, args);
    va_end(args);
    vec_push(&plan->lines, buf_take(&line));
}

static const char *what(const struct column *column)
{
    return text_eq(column->kind, "source") ? column->source_field : column->kind;
}

/* True when cells of the column have to be computed again. */
static bool column_differs(struct apply_plan *plan, const struct column *old,
                           const struct column *new)
{
    bool again = false;
    if (!text_eq(old->kind, new->kind) || !text_eq(old->source_field, new->source_field)) {
        plan_line(plan, "~ column %s: %s instead of %s", new->name, what(new), what(old));
        again = true;
    } else if (!text_eq(old->config, new->config)) {
        plan_line(plan, "~ column %s: other settings", new->name);
        again = true;
    }
    if (!text_eq(old->only_run_if, new->only_run_if)) {
        plan_line(plan, "~ column %s: only_run_if", new->name);
        again = true;
    }
    if (old->type != new->type) {
        plan_line(plan, "~ column %s: type %s instead of %s", new->name, value_type_name(new->type),
                  value_type_name(old->type));
        again = true;
    }
    if (old->auto_update != new->auto_update)
        plan_line(plan, "~ column %s: auto_update %s", new->name, new->auto_update ? "on" : "off");
    if (!text_eq(old->rules, new->rules))
        plan_line(plan, "~ column %s: rules %s", new->name, new->rules ? new->rules : "taken away");
    return again;
}

static const char *kind_title(struct arena *arena, const struct source *source)
{
    const struct source_kind *kind = source_kind_of(source, NULL);
    if (!kind)
        return source->kind;
    char *title = arena_strdup(arena, kind->title);
    if (islower((unsigned char)title[1]))
        title[0] = (char)tolower((unsigned char)title[0]);
    return title;
}

/* "Account of \"prod\"", or what the kind is called. */
static const char *origin(struct arena *arena, const struct source *source)
{
    return source->object ? arena_printf(arena, "%s of \"%s\"", source->object, source->connection)
                          : kind_title(arena, source);
}

static void compare_sources(struct apply_plan *plan, struct arena *arena, const struct table *old,
                            const struct table *new)
{
    for (size_t i = 0; i < new->source_count; i++) {
        const struct source *s = &new->sources[i], *was = table_source(old, s->name);
        if (!was)
            plan_line(plan, "+ source %s: %s", s->name, origin(arena, s));
        else if (!text_eq(was->kind, s->kind) || !text_eq(was->connection, s->connection) ||
                 !text_eq(was->object, s->object))
            plan_line(plan, "~ source %s: %s instead of %s", s->name, origin(arena, s),
                      origin(arena, was));
        else if (!text_eq(was->config, s->config))
            plan_line(plan, "~ source %s: other settings", s->name);
    }
    for (size_t i = 0; i < old->source_count; i++)
        if (!table_source(new, old->sources[i].name))
            plan_line(plan, "- source %s (its rows stay as they are)", old->sources[i].name);
}

static void compare_table(struct apply_plan *plan, struct arena *arena, const struct table *old,
                          const struct table *new)
{
    compare_sources(plan, arena, old, new);
    if (!text_eq(old->guard, new->guard))
        plan_line(plan, "~ guard");
    if (old->auto_update != new->auto_update)
        plan_line(plan, "~ auto_update %s", new->auto_update ? "on" : "off");
    if (!text_eq(old->rules, new->rules))
        plan_line(plan, "~ rules of the table: %s", new->rules);
    for (size_t i = 0; i < old->column_count; i++)
        if (!table_column(new, old->columns[i].name))
            plan_line(plan, "- column %s (hidden; its data is kept)", old->columns[i].name);
    if (!plan->lines.len && !text_eq(old->recipe, new->recipe))
        plan_line(plan, "~ wording of the recipe only");
}

/* Positions in `again` are columns whose cells become due. */
static void compare(struct draft *d, const struct table *old, struct apply_plan *plan, bool *again)
{
    for (size_t i = 0; i < d->table.column_count; i++) {
        const struct column *new = &d->table.columns[i];
        const struct column *was = old ? table_column(old, new->name) : NULL;
        if (!was) {
            plan_line(plan, "+ column %s (%s)", new->name, what(new));
            again[i] = true;
        } else {
            again[i] = column_differs(plan, was, new);
        }
    }
    if (old)
        compare_table(plan, d->arena, old, &d->table);
}

/* Makes one column's cells due, when the recipe lets it run by itself. */
static enum status make_due(struct draft *d, int64_t table_id, int64_t column_id,
                            const struct column *column, struct err *err)
{
    struct store *store = d->engine->store;
    int64_t made;
    if (!column_is_computed(column) || !column->auto_update || !d->table.auto_update)
        return OK;
    return store->does->cells_make_due(store, table_id, column_id, 0, NULL, 0, &made, err);
}

static enum status note_connections(struct draft *d, struct err *err)
{
    struct store *store = d->engine->store;
    struct connection_use use = {.what = "building", .table_id = d->table.id};
    for (size_t i = 0; i < d->session_count; i++) {
        struct connection c = {0};
        if (store->does->connection_get(store, d->arena, d->sessions[i].connection, &c, err) !=
                OK ||
            access_note_use(d->engine, c.id, &use, err) != OK)
            return FAIL;
    }
    return OK;
}

/* Changed columns become due before the table changes: dying in between leaves
 * cells to compute once more, never a new formula over old results. New columns
 * come after; a run takes up what was never computed anyway. */
static enum status store_draft(struct draft *d, const struct table *old, const bool *again,
                               struct err *err)
{
    struct store *store = d->engine->store;
    for (size_t i = 0; old && i < d->table.column_count; i++) {
        const struct column *was = table_column(old, d->table.columns[i].name);
        if (again[i] && was && make_due(d, old->id, was->id, &d->table.columns[i], err) != OK)
            return FAIL;
    }
    d->table.changed_by = engine_actor(d->engine);
    if (store->does->table_apply(store, &d->table, err) != OK)
        return FAIL;
    for (size_t i = 0; old && i < d->table.column_count; i++) {
        const struct column *c = &d->table.columns[i];
        if (again[i] && !table_column(old, c->name) &&
            make_due(d, d->table.id, c->id, c, err) != OK)
            return FAIL;
    }
    if (store->does->audit_add(store, engine_actor(d->engine), old ? "table changed" : "table made",
                               arena_printf(d->arena, "{\"table\":%lld}", (long long)d->table.id),
                               err) != OK)
        return FAIL;
    if ((old && gate_note_test(d->engine, d->arena, old, err) != OK) ||
        gate_note_test(d->engine, d->arena, &d->table, err) != OK)
        return FAIL;
    return note_connections(d, err);
}

static const char *origins(struct draft *d)
{
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < d->table.source_count; i++)
        buf_printf(&text, "%s%s", i ? ", " : "", origin(d->arena, &d->table.sources[i]));
    const char *out = arena_strdup(d->arena, buf_text(&text));
    buf_free(&text);
    return out;
}

/* Records of one object are never mixed up with those of another. */
static enum status check_objects(const struct table *old, const struct table *new, struct err *err)
{
    for (size_t i = 0; i < new->source_count; i++) {
        const struct source *s = &new->sources[i], *was = table_source(old, s->name);
        if (!was || !was->object || !s->object || text_eq(was->object, s->object))
            continue;
        err_set(err, ERR_CONFLICT, "table \"%s\" holds %s records; the recipe says %s", old->name,
                was->object, s->object);
        err_hint(err, "give the recipe another table name, or delete the table first");
        return FAIL;
    }
    return OK;
}

static enum status compare_and_store(struct draft *d, bool dry_run, struct apply_plan *plan,
                                     struct err *err)
{
    struct store *store = d->engine->store;
    struct table old;
    struct err none = {0};
    bool existed = store->does->table_get(store, d->arena, d->table.name, &old, &none) == OK;
    if (!existed && !err_is(&none, ERR_NOT_FOUND)) {
        *err = none;
        return FAIL;
    }
    bool *again = arena_array(d->arena, d->table.column_count + 1, sizeof *again);
    plan->table_name = mem_strdup(d->table.name);
    plan->creates = !existed;
    if (!existed)
        plan_line(plan, "+ table %s from %s", d->table.name, origins(d));
    if (existed && check_objects(&old, &d->table, err) != OK)
        return FAIL;
    compare(d, existed ? &old : NULL, plan, again);
    plan->changes = existed && plan->lines.len > 0;
    if (dry_run || (!plan->creates && !plan->changes))
        return OK;
    return store_draft(d, existed ? &old : NULL, again, err);
}

static enum status apply(struct engine *engine, const char *path, const char *text,
                         const char *note, bool dry_run, struct apply_plan *plan, err_list *errors,
                         struct err *err)
{
    struct draft d = {.arena = arena_new(), .engine = engine, .path = path, .errors = errors};
    d.table.change_note = note;
    d.text = arena_strdup(d.arena, text);
    enum status rc = recipe_read(&d, err);
    if (rc == OK && d.root->type == Y_MAP)
        recipe_check(&d);
    if (rc == OK && errors->len) {
        rc = err_set(err, ERR_RECIPE, "%s is refused: %zu thing%s to mend; nothing was changed", path,
                     errors->len, errors->len == 1 ? "" : "s");
    } else if (rc == OK) {
        rc = compare_and_store(&d, dry_run, plan, err);
    }
    draft_close(&d);
    arena_free(d.arena);
    return rc;
}

enum status recipe_apply(struct engine *engine, const char *path, bool dry_run,
                         struct apply_plan *plan, err_list *errors, struct err *err)
{
    return apply(engine, path, NULL, NULL, dry_run, plan, errors, err);
}

enum status recipe_apply_text(struct engine *engine, const char *name, const char *text,
                              bool dry_run, struct apply_plan *plan, err_list *errors,
                              struct err *err)
{
    return apply(engine, name, text, NULL, dry_run, plan, errors, err);
}

/* The recipe does not say how the switch stood. */
static enum status restore_switch(struct engine *engine, const char *table,
                                  const struct table_version *version, bool dry_run,
                                  struct apply_plan *plan, struct err *err)
{
    struct store *store = engine->store;
    struct arena *arena = arena_new();
    struct table now;
    enum status rc = store->does->table_get(store, arena, table, &now, err);
    if (rc == OK && now.auto_update != version->auto_update && !dry_run) {
        plan_line(plan, "~ auto_update %s, as it was then", version->auto_update ? "on" : "off");
        rc = store->does->table_set_auto_update(store, now.id, version->auto_update, err);
    }
    arena_free(arena);
    return rc;
}

enum status recipe_restore(struct engine *engine, const char *table, int64_t number, bool dry_run,
                           struct apply_plan *plan, err_list *errors, struct err *err)
{
    struct store *store = engine->store;
    struct arena *arena = arena_new();
    struct table now;
    struct table_version version = {0};
    enum status rc = store->does->table_get(store, arena, table, &now, err);
    if (rc == OK)
        rc = store->does->versions->get(store, arena, now.id, number, &version, err);
    if (rc == OK)
        rc = apply(engine, arena_printf(arena, "%s, version %lld", now.name, (long long)number),
                   version.recipe, arena_printf(arena, "version %lld restored", (long long)number),
                   dry_run, plan, errors, err);
    if (rc == OK)
        rc = restore_switch(engine, now.name, &version, dry_run, plan, err);
    arena_free(arena);
    return rc;
}
