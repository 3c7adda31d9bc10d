/* org_fill.c - a row's templates become checked values.
 *
 * A value that Salesforce would turn down is turned down here, before a call is
 * spent, with field, rule and fix in the cell. What is repaired without doubt
 * (an owner's name to an Id, a picklist's label to its value) is counted and
 * shown in the run's report. */
#include "engine/columns/org_write.h"

#include "base/str.h"

#include <string.h>

static bool blank(struct value value)
{
    return !value.text || str_trim((struct str){value.text, value.len}).n == 0;
}

/* A blank is left out, cleared or refused. */
static void handle_blank(struct write_column *w, size_t row, const struct write_field *field,
                         const char **out)
{
    const struct crm_field *f = field->field;
    bool required = w->kind == OP_CREATE && !f->nillable && !f->defaulted_on_create;
    if (field->template.null)
        *out = "null";
    else if (required)
        batch_fail(w->batch, row, CELL_REFUSED, "refused.required", "%s.%s is required and blank",
                   w->object->name, f->name);
    else if (w->kind != OP_CREATE && !w->ignore_blank)
        *out = "null";
}

static void check_value(struct write_column *w, size_t row, const struct write_field *field,
                        struct value value, const char **out)
{
    struct column_batch *batch = w->batch;
    struct crm_session *session = w->on->session;
    const struct crm_object *object = field->parent ? field->parent : w->object;
    const struct crm_field *as = field->parent ? field->parent_key : field->field;
    struct err refused = {0};
    enum crm_check verdict = session->does->check(session, object, as, w->kind, value,
                                                  batch->arena, out, &refused);
    if (verdict == CRM_CHECK_REFUSED)
        batch_error(batch, row, CELL_REFUSED, &refused);
    else if (verdict == CRM_CHECK_REPAIRED)
        report_repair(batch->job->report, object->name, as->name, value, *out);
}

static enum status fill_field(struct write_column *w, size_t at, struct err *err)
{
    struct column_batch *batch = w->batch;
    const struct write_field *field = &w->fields[at];
    struct value *raw = arena_array(batch->arena, batch->count + 1, sizeof *raw);
    for (size_t i = 0; i < batch->count; i++)
        if (write_undecided(w, i) &&
            template_fill(batch, i, &field->template, SLOT_PLAIN, &raw[i], err) != OK)
            return FAIL;
    if (names_apply(field) && names_resolve(w, field, raw, err) != OK)
        return FAIL;
    for (size_t i = 0; i < batch->count; i++) {
        if (!write_undecided(w, i))
            continue;
        if (blank(raw[i]))
            handle_blank(w, i, field, &w->intents[i].values[at]);
        else
            check_value(w, i, field, raw[i], &w->intents[i].values[at]);
    }
    return OK;
}

enum status write_fill(struct write_column *w, struct err *err)
{
    for (size_t i = 0; i < w->batch->count; i++)
        w->intents[i].values =
            arena_array(w->batch->arena, w->field_count + 1, sizeof *w->intents[i].values);
    for (size_t j = 0; j < w->field_count; j++)
        if (fill_field(w, j, err) != OK)
            return FAIL;
    return OK;
}
