/* dml_delete.c - into the recycle bin and out again.
 *
 * A deleted record stays in its table with IsDeleted 1. Its cascade children
 * go with it; other lookups to it are emptied. localorg_bin remembers both for
 * the record that was deleted first (its root), so that undelete brings the
 * whole family back: field "" is a child deleted along, any other a lookup
 * that was emptied. */
#include "localorg/org/dml_priv.h"

#define DEPTH_MAX 12

static void write_touch(struct buf *sql, const struct table *table, const char *set)
{
    buf_str(sql, "UPDATE ");
    quote_name(sql, table->object->name);
    buf_printf(sql, " SET %s", set);
    uint16_t stamps[] = {table->modified_date, table->modstamp};
    for (size_t i = 0; i < 2; i++)
        if (stamps[i] != NO_FIELD)
            buf_printf(sql, ", \"%s\" = ?2", table->object->fields[stamps[i]]->name);
    if (table->modified_by != NO_FIELD)
        buf_str(sql, ", \"LastModifiedById\" = ?3");
    buf_str(sql, " WHERE \"Id\" = ?1");
}

static bool run_touch(struct work *work, struct table *table, sqlite3_stmt *update, const char *id)
{
    if (!capture(work, table, id, false))
        return false;
    sqlite3_bind_text(update, 1, id, -1, SQLITE_STATIC);
    sqlite3_bind_int64(update, 2, work->now_ms);
    sqlite3_bind_text(update, 3, work->user, -1, SQLITE_STATIC);
    if (db_run(update, work->err) != OK)
        return work_broke(work);
    atomic_fetch_add(&table->changes, 1);
    return true;
}

/* Sets something on one record and moves its stamps. */
bool record_touch(struct work *work, struct table *table, const char *id, const char *set)
{
    struct buf sql = BUF_INIT;
    sqlite3_stmt *update = NULL;
    write_touch(&sql, table, set);
    enum status status = db_prepare(work->org->db, &update, buf_text(&sql), work->err);
    bool good = status == OK ? run_touch(work, table, update, id) : work_broke(work);
    sqlite3_finalize(update);
    buf_free(&sql);
    return good;
}

/* The same for IsDeleted, with a statement that is kept. */
bool record_mark(struct work *work, struct table *table, const char *id, bool is_deleted)
{
    if (!table->mark) {
        struct buf sql = BUF_INIT;
        write_touch(&sql, table, "\"IsDeleted\" = ?4");
        enum status status = db_prepare(work->org->db, &table->mark, buf_text(&sql), work->err);
        buf_free(&sql);
        if (status != OK)
            return work_broke(work);
    }
    sqlite3_bind_int(table->mark, 4, is_deleted);
    return run_touch(work, table, table->mark, id);
}

static bool remember(struct work *work, const char *root, const char *id, const char *field)
{
    sqlite3_stmt *put = NULL;
    if (db_prepare(work->org->db, &put, "INSERT OR REPLACE INTO localorg_bin VALUES (?, ?, ?)",
                   work->err) != OK)
        return work_broke(work);
    sqlite3_bind_text(put, 1, root, -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 2, id, -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 3, field, -1, SQLITE_STATIC);
    enum status status = db_run(put, work->err);
    sqlite3_finalize(put);
    return status == OK || work_broke(work);
}

/* --- children --- */

bool record_children(struct work *work, struct table *table, const struct field *field,
                        const char *parent, struct children *out)
{
    struct cell wanted;
    cell_text(&wanted, parent);
    sqlite3_stmt *find = table_finder(work, table, field);
    if (!find)
        return false;
    bind_cell(find, 1, &wanted);
    while (next_row(work, find))
        if (!sqlite3_column_int(find, 1))
            vec_push(&out->ids, arena_strdup(work->scratch, db_text(find, 0)));
    sqlite3_reset(find);
    return !work->broken;
}

static bool is_restricted(const struct sobject *object, const struct child_relationship *child)
{
    if (child->cascade_delete)
        return false;
    /* Cases hold on to their account and contact although describe does not say so. */
    bool by_case = text_eq(child->child_sobject, "Case") &&
                   (text_eq(object->name, "Account") || text_eq(object->name, "Contact")) &&
                   (text_eq(child->field, "AccountId") || text_eq(child->field, "ContactId"));
    return child->restricted_delete || by_case;
}

static bool tell_restricted(struct work *work, struct draft *draft, const struct sobject *object,
                            const char *id, const struct sobject *child,
                            const struct children *found)
{
    struct buf list = BUF_INIT;
    struct cell name = {.kind = CELL_NULL};
    for (size_t i = 0; i < found->ids.len && i < 10; i++) {
        const char *field = child->name_field ? child->name_field->name : "Id";
        if (!stored_value(work, child, field, found->ids.at[i], &name))
            break;
        const char *text = cell_string(work, &name);
        buf_printf(&list, "%s%s", i ? ", " : "", text ? text : found->ids.at[i]);
    }
    if (!work->broken &&
        stored_value(work, object, object->name_field ? object->name_field->name : "Id", id, &name))
        row_error(work, draft->result, "DELETE_FAILED", NULL, 0,
                  "Your attempt to delete %s could not be completed because it is associated "
                  "with the following %s.: %s",
                  name.kind == CELL_TEXT ? cell_string(work, &name) : id,
                  text_lower(work->scratch, child->label_plural), buf_text(&list));
    buf_free(&list);
    return false;
}

static bool delete_one(struct work *work, struct draft *draft, struct table *table, const char *id,
                       int depth);

static bool let_go(struct work *work, struct draft *draft, const struct table *table,
                   const char *id, const struct child_relationship *child, int depth)
{
    const struct sobject *object = schema_find(work->org->schema, child->child_sobject);
    const struct field *field = object ? sobject_field(object, child->field) : NULL;
    struct table *children_table;
    if (!field || !field->stored || field->type != FT_REFERENCE ||
        text_eq(field->name, "CreatedById") || text_eq(field->name, "LastModifiedById") ||
        text_eq(field->name, "OwnerId"))
        return true;
    if (table_ready(work->org, object, &children_table, work->err) != OK)
        return work_broke(work);
    struct children found = {0};
    bool good = record_children(work, children_table, field, id, &found);
    if (good && found.ids.len && is_restricted(table->object, child))
        good = tell_restricted(work, draft, table->object, id, object, &found);
    for (size_t i = 0; i < found.ids.len && good; i++) {
        const char *child_id = found.ids.at[i];
        if (child->cascade_delete) {
            good = remember(work, draft->id, child_id, "") &&
                   delete_one(work, draft, children_table, child_id, depth + 1);
        } else if (field->nillable) {
            const char *set = arena_printf(work->scratch, "\"%s\" = NULL", field->name);
            good = remember(work, draft->id, child_id,
                            arena_printf(work->scratch, "%s=%s", field->name, id)) &&
                   record_touch(work, children_table, child_id, set);
        }
    }
    vec_free(&found.ids);
    return good;
}

static bool delete_one(struct work *work, struct draft *draft, struct table *table, const char *id,
                       int depth)
{
    if (depth > DEPTH_MAX)
        return true;
    /* First itself: a family that points at itself then ends. */
    if (!record_mark(work, table, id, true))
        return false;
    const struct sobject *object = table->object;
    work->cascading = true;
    bool good = true;
    for (size_t i = 0; i < object->child_count && good; i++)
        good = let_go(work, draft, table, id, &object->children[i], depth);
    work->cascading = depth > 0;
    return good;
}

/* --- rows --- */

static bool delete_target(struct work *work, struct draft *draft)
{
    const char *text = draft->row->id ? draft->row->id : "";
    if (!id_canonical(text, draft->id) ||
        schema_by_prefix(work->org->schema, draft->id) != draft->object)
        return row_error(work, draft->result, "MALFORMED_ID", NULL, 0, "malformed id %s", text);
    return true;
}

static bool may_delete(struct work *work, struct draft *draft)
{
    if (work->options->system)
        return true;
    if (!draft->object->deletable)
        return row_error(work, draft->result, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", NULL, 0,
                         "entity type cannot be deleted: %s", draft->object->label);
    return may_touch(work, draft, ORG_DELETE, SHARING_FULL);
}

static bool in_savepoint(struct work *work, struct draft *draft,
                         bool (*step)(struct work *, struct draft *))
{
    if (!org_write_begin(work->org)) {
        db_fail(work->org->db, "savepoint", work->err);
        return work_broke(work);
    }
    bool good = step(work, draft);
    if (org_write_end(work->org, good, work->err) != OK)
        return work_broke(work);
    return good;
}

static bool delete_family(struct work *work, struct draft *draft)
{
    return delete_one(work, draft, draft->table, draft->id, 0) && standard_after(work, draft);
}

bool row_delete(struct work *work, struct draft *draft)
{
    if (!delete_target(work, draft))
        return false;
    switch (record_find(work, draft->table, draft->id)) {
    case FOUND_NOT:
        return row_error(work, draft->result, "INVALID_CROSS_REFERENCE_KEY", NULL, 0,
                         "invalid cross reference id");
    case FOUND_DELETED:
        return row_error(work, draft->result, "ENTITY_IS_DELETED", NULL, 0, "entity is deleted");
    case FOUND_BROKEN:
        return work_broke(work);
    case FOUND_LIVE:
        break;
    }
    return !row_locked(work, draft) && may_delete(work, draft) && flows_delete(work, draft) &&
           in_savepoint(work, draft, delete_family);
}

/* --- undelete --- */

static bool restore_one(struct work *work, const char *id, const char *field)
{
    const struct sobject *object = schema_by_prefix(work->org->schema, id);
    struct table *table;
    if (!object)
        return true;
    if (table_ready(work->org, object, &table, work->err) != OK)
        return work_broke(work);
    if (!*field)
        return record_mark(work, table, id, false);
    const char *equals = strchr(field, '=');
    const char *name = arena_strndup(work->scratch, field, (size_t)(equals - field));
    struct cell now;
    if (!stored_value(work, object, name, id, &now))
        return false;
    if (cell_has(&now)) /* someone gave it another parent meanwhile */
        return true;
    return record_touch(work, table, id,
                 arena_printf(work->scratch, "\"%s\" = '%.18s'", name, equals + 1));
}

static bool restore_family(struct work *work, struct draft *draft)
{
    sqlite3_stmt *get = NULL;
    if (!record_mark(work, draft->table, draft->id, false))
        return false;
    if (db_prepare(work->org->db, &get, "SELECT id, field FROM localorg_bin WHERE root = ?",
                   work->err) != OK)
        return work_broke(work);
    sqlite3_bind_text(get, 1, draft->id, -1, SQLITE_STATIC);
    VEC(const char *) pairs = {0};
    while (next_row(work, get)) {
        vec_push(&pairs, arena_strdup(work->scratch, db_text(get, 0)));
        vec_push(&pairs, arena_strdup(work->scratch, db_text(get, 1)));
    }
    sqlite3_finalize(get);
    bool good = !work->broken;
    for (size_t i = 0; i < pairs.len && good; i += 2)
        good = restore_one(work, pairs.at[i], pairs.at[i + 1]);
    vec_free(&pairs);
    get = NULL;
    if (!good ||
        db_prepare(work->org->db, &get, "DELETE FROM localorg_bin WHERE root = ?", work->err) != OK)
        return good ? work_broke(work) : false;
    sqlite3_bind_text(get, 1, draft->id, -1, SQLITE_STATIC);
    good = db_run(get, work->err) == OK;
    sqlite3_finalize(get);
    return good ? standard_after(work, draft) : work_broke(work);
}

/* The stored values of unique fields, for the check that they are still free. */
static bool load_uniques(struct work *work, struct draft *draft)
{
    for (size_t i = 0; i < draft->table->unique_count; i++) {
        const struct field *field = draft->object->fields[draft->table->uniques[i]];
        if (!stored_value(work, draft->object, field->name, draft->id, draft_cell(draft, field)))
            return false;
    }
    return true;
}

bool row_undelete(struct work *work, struct draft *draft)
{
    if (!delete_target(work, draft))
        return false;
    enum found found = record_find(work, draft->table, draft->id);
    if (found == FOUND_BROKEN)
        return work_broke(work);
    if (found != FOUND_DELETED)
        return row_error(work, draft->result, "UNDELETE_FAILED", NULL, 0,
                         "Entity is not in the recycle bin");
    return !row_locked(work, draft) && may_delete(work, draft) && load_uniques(work, draft) &&
           check_unique(work, draft) && in_savepoint(work, draft, restore_family);
}
