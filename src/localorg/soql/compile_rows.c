/* compile_rows.c - objects without a table: their rows are made when a query is
 * compiled, and stand in FROM as a JSON array that SQLite takes apart.
 *
 * UserRecordAccess is asked here, since its rows depend on the condition; the
 * others (org_set_rows) come from whoever knows them. */
#include "localorg/soql/compile_priv.h"

#include "localorg/org/access.h"

#include <string.h>

enum { RECORDS_MAX = 200 };

/* --- UserRecordAccess --- */

struct wanted {
    const char *user;
    const struct ast_value *records;
    size_t count;
};

/* The values of UserId = .. and RecordId = .. or IN (..), at the top of the condition. */
static void find_wanted(const struct ast_cond *cond, struct wanted *wanted)
{
    if (!cond)
        return;
    if (cond->kind == AST_AND) {
        for (const struct ast_cond *one = cond->first; one; one = one->next)
            find_wanted(one, wanted);
        return;
    }
    if (cond->kind != AST_COMPARE || cond->query || cond->left->kind != AST_PATH ||
        (cond->op != AST_EQ && cond->op != AST_IN))
        return;
    struct str name = cond->left->parts[cond->left->part_count - 1];
    if (str_eq_nocase(name, STR("UserId")) && cond->values->kind == AST_V_STRING)
        wanted->user = cond->values->text;
    if (!str_eq_nocase(name, STR("RecordId")))
        return;
    wanted->records = cond->values;
    wanted->count = 0;
    for (const struct ast_value *value = cond->values; value; value = value->next)
        wanted->count++;
}

static enum status write_rights(struct compiler *c, const char *user, const char *record,
                                struct jw *w)
{
    struct record_rights rights = {0};
    const struct sobject *object = schema_by_prefix(c->schema, record);
    if (object && org_record_rights(c->context->org, user, object, record, &rights, c->err) != OK)
        return FAIL;
    jw_object(w);
    jw_kv_text(w, "Id", record);
    jw_kv_text(w, "UserId", user);
    jw_kv_text(w, "RecordId", record);
    jw_kv_bool(w, "HasReadAccess", rights.read);
    jw_kv_bool(w, "HasEditAccess", rights.edit);
    jw_kv_bool(w, "HasDeleteAccess", rights.remove);
    jw_kv_bool(w, "HasTransferAccess", rights.transfer);
    jw_kv_bool(w, "HasAllAccess", rights.all);
    jw_kv_text(w, "MaxAccessLevel",
               rights.all        ? "All"
               : rights.transfer ? "Transfer"
               : rights.remove   ? "Delete"
               : rights.edit     ? "Edit"
               : rights.read     ? "Read"
                                 : "None");
    jw_end_object(w);
    return OK;
}

static enum status access_rows(struct compiler *c, const struct ast_query *query, struct buf *json)
{
    struct wanted wanted = {0};
    struct jw w;
    char user[19], record[19];
    find_wanted(query->where, &wanted);
    if (!wanted.user || !wanted.count || !id_canonical(wanted.user, user))
        return fail_at(c, SOQL_MALFORMED, query->from->path->at, query->from->path->len,
                       "Implementation restriction: UserRecordAccess requires a filter by UserId "
                       "and RecordId");
    if (wanted.count > RECORDS_MAX)
        return err_set(c->err, "EXCEEDED_ID_LIMIT",
                       "record limit reached. cannot submit more than 200 records into this call");
    jw_init(&w, json);
    jw_array(&w);
    for (const struct ast_value *value = wanted.records; value; value = value->next)
        if (value->kind == AST_V_STRING && id_canonical(value->text, record) &&
            write_rights(c, user, record, &w) != OK)
            return FAIL;
    jw_end_array(&w);
    return OK;
}

/* --- all of them --- */

/* (SELECT value ->> '$.Id' AS "Id", .. FROM json_each(?n)) */
static const char *rows_sql(struct compiler *c, const struct sobject *object, const char *json)
{
    struct buf sql = BUF_INIT;
    int bind = bind_text(c, json);
    buf_str(&sql, "(SELECT 0 AS \"IsDeleted\"");
    for (size_t i = 0; i < object->field_count; i++) {
        const struct field *field = object->fields[i];
        if (field->stored && strcmp(field->name, "IsDeleted") != 0)
            buf_printf(&sql, ", value ->> '$.%s' AS \"%s\"", field->name, field->name);
    }
    buf_printf(&sql, " FROM json_each(?%d))", bind);
    return buf_to_arena(c->arena, &sql);
}

enum status compile_rows(struct compiler *c, const struct ast_query *query, struct source *root)
{
    struct buf json = BUF_INIT;
    enum status status = OK;
    bool made = false;
    if (strcmp(root->object->name, "UserRecordAccess") == 0) {
        made = true;
        status = access_rows(c, query, &json);
    } else {
        made = org_rows(c->context->org, root->object, c->context->user_id, &json);
    }
    if (made && status == OK)
        root->table_sql = rows_sql(c, root->object, arena_strndup(c->arena, json.data, json.len));
    buf_free(&json);
    return status;
}
