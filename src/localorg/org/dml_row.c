/* dml_row.c - one insert or update, step by step. */
#include "localorg/org/dml_priv.h"

static bool is_locked(struct work *work, struct draft *draft, const char *id)
{
    if (!row_lock_hits(work->org, id))
        return false;
    row_error(work, draft->result, "UNABLE_TO_LOCK_ROW", NULL, 0,
              "unable to obtain exclusive access to this record or 1 records: %.15s", id);
    return true;
}

bool row_locked(struct work *work, struct draft *draft)
{
    return is_locked(work, draft, draft->id);
}

/* A row also needs the rows it points at. */
static bool parents_locked(struct work *work, struct draft *draft)
{
    if (atomic_load(&work->org->row_lock_count) == 0)
        return false;
    for (size_t i = 0; i < draft->object->field_count; i++) {
        const struct cell *cell = &draft->cells[i];
        if (draft->object->fields[i]->type == FT_REFERENCE && cell->kind == CELL_TEXT &&
            cell->text != work->user && is_locked(work, draft, cell_string(work, cell)))
            return true;
    }
    return false;
}

/* Rows of an object with flows or validation rules are written first and judged
 * then: a rule sees the record as it will be. In the documented order: before-save
 * flows, validation, duplicates, assignment, after-save flows. */
static bool write_and_judge(struct work *work, struct draft *draft,
                            bool (*write)(struct work *, struct draft *))
{
    bool flows = flows_has(work->org, draft->object);
    if (!flows && !rules_has_validation(work->org, draft->object))
        return rules_duplicates(work, draft) && check_unique(work, draft) && write(work, draft) &&
               standard_after(work, draft);
    if (!org_write_begin(work->org)) {
        db_fail(work->org->db, "savepoint", work->err);
        return work_broke(work);
    }
    bool good = rules_before(work, draft) && flows_before(work, draft) && write(work, draft) &&
                flows_set(work, draft) && standard_after(work, draft) &&
                rules_validate(work, draft) && rules_duplicates(work, draft) &&
                check_unique(work, draft) && flows_assign(work, draft) && flows_after(work, draft);
    if (org_write_end(work->org, good, work->err) != OK)
        return work_broke(work);
    return good;
}

/* --- insert --- */

static bool may_insert(struct work *work, struct draft *draft)
{
    /* A load may bring the ids of objects that have no prefix of their own. */
    bool has_ids = draft->object->key_prefix != NULL;
    if (work->options->system && (has_ids || json_get_nocase(draft->row->body, "Id")))
        return true;
    if (draft->object->createable && has_ids && may_make(work, draft))
        return storage_has_room(work->org, draft->object) ||
               row_error(work, draft->result, "STORAGE_LIMIT_EXCEEDED", NULL, 0,
                         "storage limit exceeded");
    return row_error(work, draft->result, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", NULL, 0,
                     "entity type cannot be inserted: %s", draft->object->label);
}

static bool write_new(struct work *work, struct draft *draft)
{
    return fill_last(work, draft) && write_insert(work, draft);
}

/* A loaded record that brings its own id may be there already. */
static bool id_is_free(struct work *work, struct draft *draft)
{
    if (!*draft->id)
        return true;
    enum found found = record_find(work, draft->table, draft->id);
    if (found == FOUND_NOT)
        return true;
    if (found == FOUND_BROKEN)
        return work_broke(work);
    return row_error(work, draft->result, "DUPLICATE_VALUE", NULL, 0,
                     "duplicate value found: Id duplicates value on record with id: %.15s",
                     draft->id);
}

bool row_insert(struct work *work, struct draft *draft)
{
    if (org_is_platform_event(draft->object))
        return row_publish(work, draft);
    if (row_locked(work, draft) || !may_insert(work, draft) || !body_read(work, draft) ||
        !id_is_free(work, draft) || !fill_insert(work, draft) || !standard_before(work, draft))
        return false;
    return check_required(work, draft) && check_references(work, draft) &&
           !parents_locked(work, draft) && write_and_judge(work, draft, write_new);
}

/* --- update --- */

static bool may_update(struct work *work, struct draft *draft)
{
    if (work->options->system)
        return true;
    if (!draft->object->updateable)
        return row_error(work, draft->result, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", NULL, 0,
                         "entity type cannot be updated: %s", draft->object->label);
    return may_touch(work, draft, ORG_UPDATE, SHARING_EDIT);
}

/* The target's id, from the call or from the body. */
static const char *target_text(const struct draft *draft)
{
    const char *text = draft->row->id;
    if (!text)
        text = json_text(json_get_nocase(draft->row->body, "id"));
    return text;
}

static bool update_target(struct work *work, struct draft *draft)
{
    static const char *const id_field[] = {"Id"};
    const char *text = *draft->id ? draft->id : target_text(draft);
    if (!text || !*text)
        return row_error(work, draft->result, "MISSING_ARGUMENT", id_field, 1,
                         "Id not specified in an update call");
    const struct field *field = sobject_field(draft->object, "Id");
    const char *label = field ? field->label : "Record ID";
    const struct sobject *meant = NULL;
    if (id_canonical(text, draft->id))
        meant = schema_by_prefix(work->org->schema, draft->id);
    if (meant != draft->object && !(draft->object->key_prefix == NULL && *draft->id))
        return row_error(work, draft->result, "MALFORMED_ID", id_field, 1,
                         "%s: id value of incorrect type: %s", label, text);
    switch (record_find(work, draft->table, draft->id)) {
    case FOUND_LIVE:
        return true;
    case FOUND_DELETED:
        return row_error(work, draft->result, "ENTITY_IS_DELETED", NULL, 0, "entity is deleted");
    case FOUND_NOT:
        return row_error(work, draft->result, "INVALID_CROSS_REFERENCE_KEY", NULL, 0,
                         "invalid cross reference id");
    case FOUND_BROKEN:
        break;
    }
    return work_broke(work);
}

bool row_update(struct work *work, struct draft *draft)
{
    if (!update_target(work, draft) || row_locked(work, draft) || !may_update(work, draft) ||
        !body_read(work, draft) || !fill_update(work, draft) || !standard_before(work, draft))
        return false;
    return check_required(work, draft) && check_references(work, draft) &&
           may_transfer(work, draft) && !parents_locked(work, draft) &&
           write_and_judge(work, draft, write_update);
}
