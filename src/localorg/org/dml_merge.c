/* dml_merge.c - merging duplicates into one record, and emptying the recycle bin. */
#include "localorg/org/dml_priv.h"

#include "localorg/org/lifecycle.h"

/* --- purging --- */

static bool purge_one(struct work *work, const struct sobject *object, const char *id)
{
    struct buf sql = BUF_INIT;
    sqlite3_stmt *drop = NULL;
    buf_str(&sql, "DELETE FROM ");
    quote_name(&sql, object->name);
    buf_str(&sql, " WHERE \"Id\" = ?1 AND \"IsDeleted\" = 1");
    bool good = db_prepare(work->org->db, &drop, buf_text(&sql), work->err) == OK;
    buf_free(&sql);
    if (good) {
        sqlite3_bind_text(drop, 1, id, -1, SQLITE_STATIC);
        good = db_run(drop, work->err) == OK;
    }
    sqlite3_finalize(drop);
    return good || work_broke(work);
}

/* Children that went into the bin along with it go with it for good. */
static bool purge_family(struct work *work, const char *root)
{
    sqlite3_stmt *rows = NULL;
    VEC(const char *) ids = {0};
    if (db_prepare(work->org->db, &rows, "SELECT id FROM localorg_bin WHERE root = ? AND field = ''",
                   work->err) != OK)
        return work_broke(work);
    sqlite3_bind_text(rows, 1, root, -1, SQLITE_STATIC);
    while (next_row(work, rows))
        vec_push(&ids, arena_strdup(work->scratch, db_text(rows, 0)));
    sqlite3_finalize(rows);
    bool good = !work->broken;
    for (size_t i = 0; i < ids.len && good; i++) {
        const struct sobject *object = schema_by_prefix(work->org->schema, ids.at[i]);
        good = !object || purge_one(work, object, ids.at[i]);
    }
    vec_free(&ids);
    rows = NULL;
    if (good &&
        db_prepare(work->org->db, &rows, "DELETE FROM localorg_bin WHERE root = ?", work->err) == OK) {
        sqlite3_bind_text(rows, 1, root, -1, SQLITE_STATIC);
        good = db_run(rows, work->err) == OK;
    }
    sqlite3_finalize(rows);
    return good || work_broke(work);
}

bool row_purge(struct work *work, struct draft *draft)
{
    const char *text = draft->row->id ? draft->row->id : "";
    if (!id_canonical(text, draft->id))
        return row_error(work, draft->result, "MALFORMED_ID", NULL, 0, "malformed id %s", text);
    switch (record_find(work, draft->table, draft->id)) {
    case FOUND_DELETED:
        return purge_one(work, draft->object, draft->id) && purge_family(work, draft->id);
    case FOUND_BROKEN:
        return work_broke(work);
    default:
        return row_error(work, draft->result, "INVALID_ID_FIELD", NULL, 0,
                         "Entity is not in the recycle bin");
    }
}

/* --- merging --- */

struct merge {
    struct work *work;
    const struct merge_request *request;
    struct merge_result *result;
    struct draft *draft; /* the master, for errors */
    struct table *table;
    char master[19];
    VEC(const char *) related;
};

static bool merge_refuse(struct merge *m, const char *code, const char *message)
{
    return row_error(m->work, m->draft->result, code, NULL, 0, "%s", message);
}

/* A record of the right object that is live. */
static bool merge_target(struct merge *m, const char *text, char id[19])
{
    const struct sobject *object = m->request->object;
    if (!text || !id_canonical(text, id) || schema_by_prefix(m->work->org->schema, id) != object)
        return row_error(m->work, m->draft->result, "INVALID_ID_FIELD", NULL, 0,
                         "invalid %s id: %s", object->name, text ? text : "");
    switch (record_find(m->work, m->table, id)) {
    case FOUND_LIVE:
        return true;
    case FOUND_DELETED:
        return merge_refuse(m, "ENTITY_IS_DELETED", "entity is deleted");
    case FOUND_NOT:
        return merge_refuse(m, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id");
    case FOUND_BROKEN:
        break;
    }
    return work_broke(m->work);
}

static bool is_system_lookup(const struct field *field)
{
    return text_eq(field->name, "CreatedById") || text_eq(field->name, "LastModifiedById") ||
           text_eq(field->name, "MasterRecordId") || text_eq(field->name, "OwnerId");
}

/* Is there a member of this campaign for the master already? */
static bool member_twice(struct merge *m, const struct sobject *object, const struct field *field,
                         const char *id, bool *twice)
{
    struct cell campaign, master, other;
    struct table *table;
    *twice = false;
    if (!text_eq(object->name, "CampaignMember"))
        return true;
    if (table_ready(m->work->org, object, &table, m->work->err) != OK)
        return work_broke(m->work);
    if (!stored_value(m->work, object, "CampaignId", id, &campaign))
        return false;
    struct children found = {0};
    cell_text(&master, m->master);
    bool good = record_children(m->work, table, field, m->master, &found);
    for (size_t i = 0; i < found.ids.len && good && !*twice; i++) {
        good = stored_value(m->work, object, "CampaignId", found.ids.at[i], &other);
        *twice = good && cell_has(&campaign) && cell_is(&other, cell_string(m->work, &campaign));
    }
    vec_free(&found.ids);
    return good;
}

static bool move_child(struct merge *m, struct table *table, const struct field *field,
                       const char *id)
{
    bool twice;
    if (!member_twice(m, table->object, field, id, &twice))
        return false;
    if (twice)
        return record_mark(m->work, table, id, true);
    vec_push(&m->related, arena_strdup(m->work->arena, id));
    return record_touch(m->work, table, id,
                        arena_printf(m->work->scratch, "\"%s\" = '%s'", field->name, m->master));
}

static bool move_children(struct merge *m, const struct child_relationship *child,
                          const char *loser)
{
    const struct sobject *object = schema_find(m->work->org->schema, child->child_sobject);
    const struct field *field = object ? sobject_field(object, child->field) : NULL;
    struct table *table;
    if (!field || !field->stored || field->type != FT_REFERENCE || is_system_lookup(field))
        return true;
    if (table_ready(m->work->org, object, &table, m->work->err) != OK)
        return work_broke(m->work);
    struct children found = {0};
    bool good = record_children(m->work, table, field, loser, &found);
    for (size_t i = 0; i < found.ids.len && good; i++)
        good = strcmp(found.ids.at[i], m->master) == 0 || /* a parent does not become its own */
               move_child(m, table, field, found.ids.at[i]);
    vec_free(&found.ids);
    return good;
}

static bool merge_loser(struct merge *m, const char *text)
{
    char id[19];
    if (!merge_target(m, text, id))
        return false;
    if (strcmp(id, m->master) == 0)
        return merge_refuse(m, "INVALID_ID_FIELD",
                            "the master record cannot be merged with itself");
    struct draft loser = {.object = m->request->object, .result = m->draft->result, .table = m->table};
    memcpy(loser.id, id, sizeof id);
    if (!may_touch(m->work, &loser, ORG_DELETE, SHARING_FULL))
        return false;
    for (size_t i = 0; i < m->request->object->child_count; i++)
        if (!move_children(m, &m->request->object->children[i], id))
            return false;
    if (sobject_field(m->request->object, "MasterRecordId") &&
        !record_touch(m->work, m->table, id,
                      arena_printf(m->work->scratch, "\"MasterRecordId\" = '%s'", m->master)))
        return false;
    memcpy(m->result->merged[m->result->merged_count++], id, sizeof id);
    return record_mark(m->work, m->table, id, true);
}

/* The master takes the values given, as an update of its own would. */
static bool merge_master(struct merge *m)
{
    struct work *work = m->work;
    struct dml_result result;
    struct dml_row row = {
        .object = m->request->object, .body = m->request->body, .id = m->master};
    if (org_dml(work->org, DML_UPDATE, work->options, &row, 1, &result, work->arena, work->err) !=
        OK)
        return work_broke(work);
    m->draft->result->errors = result.errors;
    return result.success;
}

static bool can_merge(const struct sobject *object)
{
    return text_eq(object->name, "Account") || text_eq(object->name, "Contact") ||
           text_eq(object->name, "Lead") || text_eq(object->name, "Case");
}

static bool merge_all(struct merge *m)
{
    const struct merge_request *request = m->request;
    if (!can_merge(request->object))
        return merge_refuse(m, "INVALID_TYPE",
                            arena_printf(m->work->arena, "%s records cannot be merged",
                                         request->object->name));
    if (!request->count || request->count > MERGE_MAX)
        return merge_refuse(m, "INVALID_ID_FIELD", "one or two records can be merged with a master");
    if (!merge_target(m, request->master_id, m->master) || !merge_master(m))
        return false;
    for (size_t i = 0; i < request->count; i++)
        if (!merge_loser(m, request->ids[i]))
            return false;
    return true;
}

static void merge_report(struct merge *m, bool good, struct arena *arena)
{
    struct merge_result *result = m->result;
    result->success = good;
    result->errors = good ? NULL : m->draft->result->errors;
    if (!good) {
        result->merged_count = 0;
        return;
    }
    memcpy(result->id, m->master, sizeof result->id);
    result->related = arena_array(arena, m->related.len + 1, sizeof *result->related);
    for (size_t i = 0; i < m->related.len; i++)
        result->related[result->related_count++] = m->related.at[i];
}

enum status org_merge(struct org *org, const struct dml_options *options,
                      const struct merge_request *request, struct merge_result *result,
                      struct arena *arena, struct err *err)
{
    struct err local = {{0}};
    struct work work = {
        .org = org, .options = options, .kind = DML_UPDATE, .arena = arena, .err = err ? err : &local};
    struct dml_result row = {0};
    struct draft draft = {.object = request->object, .result = &row};
    struct merge merge = {.work = &work, .request = request, .result = result, .draft = &draft};
    memset(result, 0, sizeof *result);
    if (!org_write_begin(org))
        return err_set(err, ERR_IO, "cannot write to the org");
    work_open(&work);
    bool good = table_ready(org, request->object, &merge.table, work.err) == OK
                    ? merge_all(&merge)
                    : work_broke(&work);
    enum status ended = org_write_end(org, good, good ? work.err : NULL);
    merge_report(&merge, good, arena);
    vec_free(&merge.related);
    bool broken = work.broken || ended != OK;
    work_close(&work);
    return broken ? FAIL : OK;
}
