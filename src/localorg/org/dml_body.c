/* dml_body.c - the record as sent: which field each member means, whether the
 * user may write it, and parents named by their external id. */
#include "localorg/org/access_priv.h"
#include "localorg/org/dml_priv.h"

static bool no_such_column(struct work *work, struct draft *draft, const char *name)
{
    return row_error(work, draft->result, "INVALID_FIELD", NULL, 0,
                     "No such column '%s' on sobject of type %s", name, draft->object->name);
}

static bool should_not_be_there(struct work *work, struct draft *draft, const char *name)
{
    return row_error(work, draft->result, "INVALID_FIELD", NULL, 0,
                     "The %s field should not be specified in the sobject data.", name);
}

/* --- parents by external id --- */

static const struct json *only_key(const struct json *parent)
{
    const struct json *key = NULL;
    json_each(member, parent) {
        if (text_eq_nocase(member->key, "attributes"))
            continue;
        if (key)
            return NULL;
        key = member;
    }
    return key;
}

static struct sobject *parent_object(struct work *work, const struct field *field,
                                     const struct json *parent)
{
    const char *type = json_get_text(json_get(parent, "attributes"), "type");
    if (!type && field->reference_count)
        type = field->reference_to[0];
    return schema_find(work->org->schema, type);
}

static bool parent_id(struct work *work, struct draft *draft, const struct field *field,
                      struct sobject *object, const struct field *key, const struct json *value,
                      struct cell *out)
{
    struct table *table;
    if (table_ready(work->org, object, &table, work->err) != OK)
        return work_broke(work);
    struct cell wanted = {0};
    if (!convert_value(work, draft, key, value, &wanted))
        return false;
    sqlite3_stmt *find = table_finder(work, table, key);
    if (!find)
        return false;
    bind_cell(find, 1, &wanted);
    size_t count = 0;
    while (next_row(work, find)) {
        if (sqlite3_column_int(find, 1))
            continue;
        if (count++ == 0)
            cell_text(out, arena_strdup(work->scratch, db_text(find, 0)));
    }
    sqlite3_reset(find);
    const char *text = json_text(value);
    if (work->broken)
        return false;
    if (count == 0)
        return row_error(work, draft->result, "INVALID_FIELD", NULL, 0,
                         "Foreign key external ID: %s not found for field %s in entity %s",
                         text ? text : "null", key->name, object->name);
    if (count > 1)
        return row_error(work, draft->result, "DUPLICATE_EXTERNAL_ID", &field->name, 1,
                         "Foreign key external ID: %s is not unique for field %s in entity %s",
                         text ? text : "null", key->name, object->name);
    return true;
}

static bool read_parent(struct work *work, struct draft *draft, const struct field *field,
                        const struct json *parent, struct cell *out)
{
    if (parent->type == JSON_NULL) {
        out->kind = CELL_NULL;
        return true;
    }
    struct sobject *object = parent_object(work, field, parent);
    const struct json *key_json = only_key(parent);
    if (!object || !key_json)
        return row_error(work, draft->result, "INVALID_FIELD", NULL, 0,
                         "More than 1 field provided in an external foreign key reference in "
                         "entity: %s",
                         draft->object->name);
    const struct field *key = sobject_field(object, key_json->key);
    if (!key || !(key->external_id || key->id_lookup))
        return row_error(work, draft->result, "INVALID_FIELD", NULL, 0,
                         "Field name provided, %s does not match an External ID, Salesforce Id, "
                         "or indexed field for %s",
                         key_json->key, object->name);
    return parent_id(work, draft, field, object, key, key_json, out);
}

/* --- members --- */

struct refused { /* fields the user may not write, told all at once */
    VEC(const char *) names;
};

/* The Id member: refused on insert, tolerated on update when it is the row's own. */
static bool read_id(struct work *work, struct draft *draft, const struct json *member)
{
    char id[19];
    if (work->kind == DML_UPSERT && draft->row->key && draft->row->key->type == FT_ID &&
        !draft->row->key_value)
        return true; /* the key itself, already used */
    if (draft->insert && work->options->system) {
        if (member->type == JSON_NULL || !json_text(member) || !*json_text(member))
            return true;
        if (!id_canonical(json_text(member), draft->id))
            return row_error(work, draft->result, "MALFORMED_ID", NULL, 0, "malformed id %s",
                             json_text(member));
        return true;
    }
    if (!draft->insert && json_text(member) && id_canonical(json_text(member), id) &&
        strcmp(id, draft->id) == 0)
        return true;
    return should_not_be_there(work, draft, "Id");
}

static bool may_write(struct work *work, const struct draft *draft, const struct field *field)
{
    if (work->options->system)
        return field->stored;
    if (!(draft->insert ? field->createable : field->updateable) || !field->stored)
        return false;
    uint8_t bits = access_field(work->access, field);
    return (bits & ORG_READ) && (bits & (draft->insert ? ORG_CREATE : ORG_UPDATE));
}

static bool may_see(struct work *work, const struct field *field)
{
    return access_field(work->access, field) & ORG_READ;
}

static bool read_member(struct work *work, struct draft *draft, const struct json *member,
                        struct refused *refused)
{
    const struct field *field = sobject_field_n(draft->object, member->key, member->key_len);
    bool by_parent = false;
    if (!field && (member->type == JSON_OBJECT || member->type == JSON_NULL)) {
        field = sobject_parent(draft->object, member->key, member->key_len);
        by_parent = field != NULL;
    }
    if (!field || !may_see(work, field)) {
        if (text_eq_nocase(member->key, "attributes"))
            return true;
        return no_such_column(work, draft, member->key);
    }
    if (field->type == FT_ID)
        return read_id(work, draft, member);
    if (draft->row->key == field && draft->row->key_value && work->kind == DML_UPSERT)
        return should_not_be_there(work, draft, field->name);
    if (!may_write(work, draft, field)) {
        if (work->kind == DML_UPSERT && draft->row->key == field)
            return true;
        vec_push(&refused->names, field->name);
        return true;
    }
    struct cell cell = {0};
    if (!(by_parent ? read_parent(work, draft, field, member, &cell)
                    : convert_value(work, draft, field, member, &cell)))
        return false;
    draft->cells[field->index] = cell;
    return true;
}

static bool tell_refused(struct work *work, struct draft *draft, struct refused *refused)
{
    struct buf list = BUF_INIT;
    for (size_t i = 0; i < refused->names.len; i++)
        buf_printf(&list, "%s%s", i ? ", " : "", refused->names.at[i]);
    row_error(work, draft->result, "INVALID_FIELD_FOR_INSERT_UPDATE", refused->names.at,
              refused->names.len,
              "Unable to create/update fields: %s. Please check the security settings of this "
              "field and verify that it is read/write for your profile or permission set.",
              buf_text(&list));
    buf_free(&list);
    return false;
}

bool body_read(struct work *work, struct draft *draft)
{
    struct refused refused = {0};
    bool good = true;
    for (const struct json *member = draft->row->body ? draft->row->body->first : NULL;
         member && good; member = member->next)
        good = read_member(work, draft, member, &refused);
    if (good && refused.names.len)
        good = tell_refused(work, draft, &refused);
    vec_free(&refused.names);
    return good;
}
