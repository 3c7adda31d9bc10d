/* rows_pull.c - rows of a list view, report or query to a snapshot.
 *
 * Values stay as the remote prints them, as those of an object do: one field has
 * one text whichever way it comes in. */
#include "engine/sources/rows_pull.h"

#include "base/str.h"
#include "engine/recipe_hint.h"

#include <string.h>

const struct crm_views *rows_views(struct crm_session *session, struct err *err)
{
    if (session && !session->does->views)
        err_set(err, ERR_NOT_BUILT, "%s has no list views, reports or queries",
                session->does->name);
    return session ? session->does->views : NULL;
}

/* --------------------------------------------------------------- checking */

static enum value_type type_of(const struct crm_view_column *column)
{
    struct crm_field field = {.type = column->type ? column->type : "string"};
    return text_eq(column->type, "json") ? TYPE_JSON : source_type_of(&field);
}

static bool column_taken(const struct source_check *check, const char *name)
{
    for (size_t i = 0; i < check->field_count; i++)
        if (text_eq_nocase(
                check->fields[i].column ? check->fields[i].column : check->fields[i].name, name))
            return true;
    return false;
}

void rows_fields(struct source_check *check, const struct crm_view_column *columns, size_t count,
                 bool labels)
{
    check->fields = arena_array(check->arena, count + 1, sizeof *check->fields);
    for (size_t i = 0; i < count; i++) {
        const char *column = NULL;
        if (labels && columns[i].label && !column_taken(check, columns[i].label))
            column = columns[i].label;
        check->fields[check->field_count++] =
            (struct source_field){columns[i].name, columns[i].label, type_of(&columns[i]),
                                  text_ends(columns[i].name, ":id"), column};
    }
}

/* By name, by label, by name in another case: in this order. */
static const struct source_field *field_called(const struct source_check *check, const char *name)
{
    const struct source_field *near = NULL, *label = NULL;
    for (size_t i = 0; i < check->field_count; i++) {
        const struct source_field *field = &check->fields[i];
        if (text_eq(field->name, name))
            return field;
        if (!label && text_eq(field->label, name))
            label = field;
        if (!near && text_eq_nocase(field->name, name))
            near = field;
    }
    return label ? label : near;
}

bool rows_field(struct source_check *check, const char *name, const char *where,
                struct source_field *out)
{
    const char **names = arena_array(check->arena, check->field_count * 2 + 1, sizeof *names);
    size_t count = 0;
    *out = (struct source_field){.name = name, .type = TYPE_TEXT};
    if (!check->field_count)
        return true; /* why nothing is known was said */
    for (size_t i = 0; i < check->field_count; i++) {
        const struct source_field *field = &check->fields[i];
        names[count++] = field->name;
        if (field->label && !text_eq(field->label, field->name))
            names[count++] = field->label;
    }
    const struct source_field *found = field_called(check, name);
    if (found) {
        *out = *found;
        out->column = text_eq(found->name, name) ? NULL : name;
        return true;
    }
    hint_nearest(
        source_check_fail(check, where, "recipe.unknown_field", "it has no column `%s`", name),
        name, names, count);
    return false;
}

/* ---------------------------------------------------------------- pulling */

static const struct crm_view_column *column_named(const struct rows_pull *pull, const char *name)
{
    for (size_t i = 0; i < pull->column_count; i++)
        if (text_eq_nocase(pull->columns[i].name, name))
            return &pull->columns[i];
    return NULL;
}

static bool is_there(void *ctx, const char *field)
{
    return column_named(ctx, field) != NULL;
}

/* The columns to ask for: those of the table, and the Id behind them. */
static void ask_for(struct rows_pull *pull)
{
    struct sync *sync = pull->sync;
    struct arena *arena = sync->job.arena;
    const char **names = arena_array(arena, sync->field_count + 2, sizeof *names);
    const char **fields = arena_array(arena, sync->field_count + 1, sizeof *fields);
    for (size_t i = 0; i < sync->field_count; i++) {
        names[i] = column_named(pull, sync->fields[i])->name;
        fields[i] = pull->any_field ? "*" : column_named(pull, sync->fields[i])->field;
    }
    if (pull->id)
        names[sync->field_count] = pull->id;
    sync->echo_fields = fields;
    pull->read.columns = names;
    pull->read.column_count = sync->field_count + (pull->id != NULL);
}

static const char *record_of(const struct rows_pull *pull, const struct value *values)
{
    const struct value *id = &values[pull->sync->field_count];
    return pull->id && id->text && id->len == 18 ? id->text : NULL;
}

/* The page's values live on the reader's arena: they are copied to the snapshot's. */
static enum status add_row(struct rows_pull *pull, struct snapshot *snap, const struct value *from,
                           struct err *err)
{
    struct arena *arena = snapshot_arena(snap);
    struct value *values = snapshot_row(snap);
    int64_t at = ++pull->row_count;
    for (size_t i = 0; i < pull->sync->field_count; i++)
        values[i] = from[i].text ? (struct value){arena_strndup(arena, from[i].text, from[i].len),
                                                  from[i].len}
                                 : VALUE_NULL;
    const char *record = record_of(pull, from);
    record = record ? arena_strndup(arena, record, 18) : NULL;
    if (pull->key_by_id && !record)
        return snapshot_refuse(snap, at, "source.no_id", err, "the row shows no record's Id");
    return snapshot_add(snap, values, pull->key_by_id ? record : NULL, record, at, err);
}

static enum status add_page(struct rows_pull *pull, struct snapshot *snap,
                            const struct crm_rows *rows, struct err *err)
{
    for (size_t i = 0; i < rows->count; i++)
        if (add_row(pull, snap, rows->values + i * pull->read.column_count, err) != OK)
            return FAIL;
    return OK;
}

static enum status read_pages(struct rows_pull *pull, struct snapshot *snap, int64_t *total,
                              struct err *err)
{
    const struct crm_views *views = pull->on->session->does->views;
    struct crm_rows_reader *reader = views->open(pull->on->session, &pull->read, err);
    struct arena *arena = arena_new();
    struct crm_rows rows = {0};
    enum status rc = reader ? OK : FAIL;
    *total = -1;
    while (rc == OK && !rows.last) {
        arena_reset(arena);
        rc = engine_stopping(pull->sync->job.engine)
                 ? err_set(err, ERR_STOPPED, "stopped; the next sync reads the source again")
                 : views->next(reader, arena, &rows, err);
        if (rc == OK && rows.total >= 0)
            *total = rows.total;
        if (rc == OK)
            rc = add_page(pull, snap, &rows, err);
        job_tick(&pull->sync->job, "reading rows", pull->row_count, *total);
    }
    views->close(reader);
    arena_free(arena);
    return rc;
}

static enum status read_all(struct rows_pull *pull, struct snapshot *snap, struct err *err)
{
    int64_t total;
    if (read_pages(pull, snap, &total, err) != OK)
        return FAIL;
    if (total >= 0 && total != pull->row_count)
        snapshot_cut(snap, arena_printf(pull->sync->job.arena,
                                        "Salesforce counts %lld rows and gave %lld",
                                        (long long)total, (long long)pull->row_count));
    return snapshot_finish(snap, err);
}

enum status rows_pull(struct rows_pull *pull, struct err *err)
{
    struct sync *sync = pull->sync;
    sync->counted_by = "there are";
    sync_choose_fields(sync, is_there, pull);
    ask_for(pull);
    struct snapshot *snap = snapshot_new(sync, err);
    if (snap)
        snapshot_allow_null_keys(snap);
    enum status rc = snap ? read_all(pull, snap, err) : FAIL;
    snapshot_free(snap);
    return rc;
}
