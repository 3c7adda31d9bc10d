/* dml.c - one call: a transaction around its rows, and their results.
 *
 * A refused row leaves nothing behind; with all_or_none any refused row undoes
 * the whole call, and the others say so. */
#include "localorg/org/access_priv.h"
#include "localorg/org/dml_priv.h"

#include <stdarg.h>

/* --- errors of a row --- */

static bool add_error(struct work *work, struct dml_result *result, const char *code,
                      const char *const *fields, size_t field_count, const char *message)
{
    struct dml_error *error = arena_alloc(work->arena, sizeof *error);
    error->status_code = code;
    error->message = message;
    error->fields = arena_array(work->arena, field_count + 1, sizeof *error->fields);
    for (size_t i = 0; i < field_count; i++)
        error->fields[i] = fields[i];
    error->field_count = field_count;
    struct dml_error **end = &result->errors;
    while (*end)
        end = &(*end)->next;
    *end = error;
    result->success = false;
    return false;
}

bool row_error(struct work *work, struct dml_result *result, const char *code,
               const char *const *fields, size_t field_count, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const char *message = arena_vprintf(work->arena, fmt, args);
    va_end(args);
    return add_error(work, result, code, fields, field_count, message);
}

bool field_error(struct work *work, struct draft *draft, const struct field *field,
                 const char *code, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const char *message = arena_vprintf(work->arena, fmt, args);
    va_end(args);
    return add_error(work, draft->result, code, &field->name, 1, message);
}

bool work_broke(struct work *work)
{
    work->broken = true;
    return false;
}

const char *cell_string(struct work *work, const struct cell *cell)
{
    return cell->kind == CELL_TEXT ? arena_strndup(work->scratch, cell->text, cell->len) : NULL;
}

/* --- one row --- */

static bool draft_open(struct work *work, struct draft *draft)
{
    if (table_ready(work->org, draft->object, &draft->table, work->err) != OK)
        return work_broke(work);
    size_t count = draft->object->field_count;
    if (count > work->cell_count) {
        work->cells = mem_resize_array(work->cells, count, sizeof *work->cells);
        work->cell_count = count;
    }
    memset(work->cells, 0, count * sizeof *work->cells);
    draft->cells = work->cells;
    return true;
}

static bool row_run(struct work *work, struct draft *draft)
{
    if (!draft_open(work, draft))
        return false;
    switch (work->kind) {
    case DML_INSERT:
        return row_insert(work, draft);
    case DML_UPDATE:
        return row_update(work, draft);
    case DML_UPSERT:
        if (!upsert_resolve(work, draft))
            return false;
        return draft->insert ? row_insert(work, draft) : row_update(work, draft);
    case DML_DELETE:
        return row_delete(work, draft);
    case DML_UNDELETE:
        return row_undelete(work, draft);
    case DML_PURGE:
        return row_purge(work, draft);
    }
    return false;
}

static void result_of(struct work *work, const struct draft *draft, bool done)
{
    struct dml_result *result = draft->result;
    result->success = done;
    if (!done)
        return;
    memcpy(result->id, draft->id, sizeof result->id);
    result->created = draft->insert;
    atomic_fetch_add(&draft->table->changes, 1);
    work->org->access_dirty |= draft->table->decides_access;
    if (draft->insert || work->kind == DML_UNDELETE)
        storage_moved(work->org, draft->object, 1);
    else if (work->kind == DML_DELETE)
        storage_moved(work->org, draft->object, -1);
    if (!work->options->system && rules_has_duplicates(work->org, draft->object)) {
        if (!work->fresh)
            work->fresh = map_new();
        map_put(work->fresh, draft->id, work);
    }
}

static void roll_back_all(struct work *work, const struct dml_row *rows, struct dml_result *results,
                          size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct dml_result *result = &results[i];
        if (result->errors && !result->success)
            continue;
        result->errors = NULL; /* a platform event's receipt */
        row_error(work, result, "ALL_OR_NONE_OPERATION_ROLLED_BACK", NULL, 0,
                  "Record rolled back because not all records were valid and the request was "
                  "using AllOrNone header");
        if (result->created) {
            result->id[0] = 0;
            storage_moved(work->org, rows[i].object, -1);
        }
        result->created = false;
    }
}

/* --- the call --- */

void work_open(struct work *work)
{
    const struct dml_options *options = work->options;
    work->now_ms = org_stamp_now(work->org);
    work->scratch = arena_new();
    work->call_arena = arena_new();
    if (!options->system &&
        access_hold(work->org, options->user_id, &work->access, work->err) != OK)
        work->broken = true;
    if (!options->user_id || !id_canonical(options->user_id, work->user))
        people_default_user(work->org, work->user);
    if (!options->system || options->internal)
        capture_open(work);
}

void work_close(struct work *work)
{
    judges_free(work);
    access_drop(work->access);
    arena_free(work->scratch);
    arena_free(work->call_arena);
    map_free(work->fresh);
    free(work->cells);
}

static bool rows_run(struct work *work, const struct dml_row *rows, size_t count,
                     struct dml_result *results)
{
    bool all_good = true;
    if (work->kind == DML_UPSERT)
        upsert_refuse_doubles(work, rows, count, results);
    for (size_t i = 0; i < count && !work->broken; i++) {
        if (!results[i].errors) { /* refused doubles are done already */
            struct draft draft = {.row = &rows[i],
                                  .object = rows[i].object,
                                  .result = &results[i],
                                  .insert = work->kind == DML_INSERT};
            result_of(work, &draft, row_run(work, &draft));
            arena_reset(work->scratch);
        }
        all_good &= results[i].success;
    }
    return all_good;
}

enum status org_dml(struct org *org, enum dml_kind kind, const struct dml_options *options,
                    const struct dml_row *rows, size_t count, struct dml_result *results,
                    struct arena *arena, struct err *err)
{
    struct err local = {0};
    struct work work = {
        .org = org, .options = options, .kind = kind, .arena = arena, .err = err ? err : &local};
    memset(results, 0, count * sizeof *results);
    if (!org_write_begin(org))
        return err_set(err, ERR_IO, "cannot write to the org");
    work_open(&work);
    bool all_good = rows_run(&work, rows, count, results);
    rules_forget(&work);
    conditions_forget(&work);
    flows_forget(&work);
    bool keep = !work.broken && (all_good || !options->all_or_none);
    enum status status = org_write_end(org, keep, work.broken ? NULL : work.err);
    if (!keep)
        roll_back_all(&work, rows, results, count);
    bool broken = work.broken;
    work_close(&work);
    return broken ? FAIL : status;
}
