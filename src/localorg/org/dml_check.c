/* dml_check.c - what must hold before a row is written: required fields are
 * there, references lead somewhere, unique values are unique. */
#include "localorg/org/dml_priv.h"

/* --- required --- */

static bool tell_missing(struct work *work, struct draft *draft, const char **names, size_t count)
{
    struct buf list = BUF_INIT;
    for (size_t i = 0; i < count; i++)
        buf_printf(&list, "%s%s", i ? ", " : "", names[i]);
    row_error(work, draft->result, "REQUIRED_FIELD_MISSING", names, count,
              "Required fields are missing: [%s]", buf_text(&list));
    buf_free(&list);
    return false;
}

bool check_required(struct work *work, struct draft *draft)
{
    const struct sobject *object = draft->object;
    const char **names = arena_array(work->scratch, object->field_count + 1, sizeof *names);
    size_t count = 0;
    if (draft->insert) {
        for (size_t i = 0; i < draft->table->required_count; i++) {
            uint16_t at = draft->table->required[i];
            if (!cell_has(&draft->cells[at]))
                names[count++] = object->fields[at]->name;
        }
    } else {
        for (size_t i = 0; i < object->field_count; i++) {
            const struct field *field = object->fields[i];
            if (draft->cells[i].kind == CELL_NULL && !field->nillable && field->updateable)
                names[count++] = field->name;
        }
    }
    return count ? tell_missing(work, draft, names, count) : true;
}

/* --- references --- */

static bool is_verified(const struct work *work, const struct field *field, const char *id)
{
    for (size_t i = 0; i < sizeof work->verified / sizeof *work->verified; i++)
        if (work->verified[i].field == field && memcmp(work->verified[i].id, id, 18) == 0)
            return true;
    return false;
}

static void set_verified(struct work *work, const struct field *field, const char *id)
{
    struct verified *slot =
        &work->verified[work->verified_next++ % (sizeof work->verified / sizeof *work->verified)];
    slot->field = field;
    memcpy(slot->id, id, 18);
}

void check_trust(struct work *work, const struct field *field, const char *id18)
{
    set_verified(work, field, id18);
}

static bool may_point_at(const struct field *field, const struct sobject *object)
{
    if (!field->reference_count)
        return true;
    for (size_t i = 0; i < field->reference_count; i++)
        if (text_eq_nocase(field->reference_to[i], object->name))
            return true;
    return false;
}

static bool bad_reference(struct work *work, struct draft *draft)
{
    return row_error(work, draft->result, "INVALID_CROSS_REFERENCE_KEY", NULL, 0,
                     "invalid cross reference id");
}

static bool check_record_type(struct work *work, struct draft *draft, const struct field *field,
                              const char *id)
{
    for (size_t i = 0; i < draft->object->record_type_count; i++) {
        const struct record_type *type = &draft->object->record_types[i];
        char id18[19];
        if (id_canonical(type->id18, id18) && memcmp(id18, id, 18) == 0 && type->active)
            return true;
    }
    return field_error(work, draft, field, "INVALID_CROSS_REFERENCE_KEY",
                       "Record Type ID: this ID value isn't valid for the user: %s", id);
}

static bool check_owner(struct work *work, struct draft *draft, const struct field *field,
                        const char *id)
{
    struct org_user user;
    if (work->options->system || !org_user_by_id(work->org, id, &user) || user.active)
        return true;
    return field_error(work, draft, field, "INACTIVE_OWNER_OR_USER",
                       "operation performed with inactive user [%.15s] as owner of %s", id,
                       text_lower(work->arena, draft->object->label));
}

static bool check_target(struct work *work, struct draft *draft, const struct field *field,
                         const char *id, const struct sobject *target)
{
    struct table *table;
    if (table_ready(work->org, target, &table, work->err) != OK)
        return work_broke(work);
    switch (record_find(work, table, id)) {
    case FOUND_LIVE:
        return may_point(work, draft, field, target, id);
    case FOUND_DELETED:
        if (work->options->system)
            return true;
        return row_error(work, draft->result, "ENTITY_IS_DELETED", NULL, 0, "entity is deleted");
    case FOUND_NOT:
        /* The org's own people need no User record. */
        if (text_eq(target->name, "User") &&
            (org_user_by_id(work->org, id, NULL) || strcmp(id, work->user) == 0))
            return true;
        return bad_reference(work, draft);
    case FOUND_BROKEN:
        break;
    }
    return work_broke(work);
}

static bool check_reference(struct work *work, struct draft *draft, const struct field *field,
                            const char *id)
{
    if (text_eq(field->name, "RecordTypeId") && draft->object->record_type_count)
        return check_record_type(work, draft, field, id);
    const struct sobject *target = schema_by_prefix(work->org->schema, id);
    if (!target) {
        /* Some referenced objects have no table here (their prefix is unknown). */
        bool known = field->reference_count == 0;
        for (size_t i = 0; i < field->reference_count && !known; i++)
            known = schema_find(work->org->schema, field->reference_to[i]) == NULL;
        return known || bad_reference(work, draft);
    }
    if (!may_point_at(field, target))
        return field_error(work, draft, field, "FIELD_INTEGRITY_EXCEPTION",
                           "%s: id value of incorrect type: %s", field->label, id);
    if (!check_target(work, draft, field, id, target))
        return false;
    if (draft->table->owner == field->index && !check_owner(work, draft, field, id))
        return false;
    return true;
}

bool check_references(struct work *work, struct draft *draft)
{
    for (size_t i = 0; i < draft->object->field_count; i++) {
        const struct cell *cell = &draft->cells[i];
        const struct field *field = draft->object->fields[i];
        if (field->type != FT_REFERENCE || cell->kind != CELL_TEXT || cell->text == work->user ||
            is_verified(work, field, cell->text))
            continue;
        char id[19];
        memcpy(id, cell->text, 18);
        id[18] = 0;
        if (!check_reference(work, draft, field, id))
            return false;
        set_verified(work, field, id);
    }
    return true;
}

/* --- unique --- */

static bool check_unique_field(struct work *work, struct draft *draft, const struct field *field)
{
    sqlite3_stmt *find = table_finder(work, draft->table, field);
    if (!find)
        return false;
    bind_cell(find, 1, draft_cell(draft, field));
    char other[19] = "";
    while (!*other && next_row(work, find))
        if (!sqlite3_column_int(find, 1) && strcmp(db_text(find, 0), draft->id) != 0)
            snprintf(other, sizeof other, "%s", db_text(find, 0));
    sqlite3_reset(find);
    if (!*other)
        return !work->broken;
    if (!row_within(work, draft->object, other, SHARING_READ))
        return work->broken ? false
                            : row_error(work, draft->result, "DUPLICATE_VALUE", NULL, 0,
                                        "duplicate value found: <unknown> duplicates value on "
                                        "record with id: <unknown>");
    return row_error(work, draft->result, "DUPLICATE_VALUE", NULL, 0,
                     "duplicate value found: %s duplicates value on record with id: %.15s",
                     field->name, other);
}

bool check_unique(struct work *work, struct draft *draft)
{
    for (size_t i = 0; i < draft->table->unique_count; i++) {
        uint16_t at = draft->table->uniques[i];
        if (cell_has(&draft->cells[at]) &&
            !check_unique_field(work, draft, draft->object->fields[at]))
            return false;
    }
    return standard_unique(work, draft);
}
