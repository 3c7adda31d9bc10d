/* flows.c - what an org does by itself when records are saved or deleted: flows that
 * set fields or refuse, and assignment rules that give leads and cases an owner.
 *
 * A before-save flow changes the record being saved; an after-save flow updates
 * that record, its parent or its children as the system, in the same transaction,
 * and their own rules run then. A flow that fails refuses the record that started
 * it. The JSON forms are in docs/localorg/rules.md. */
#include "localorg/org/dml_priv.h"

#include "base/when.h"
#include "localorg/org/formula.h"

#define FLOWS_DEEP 8 /* flows that start flows */

struct setting { /* Field = formula, or a constant */
    const char *field, *formula;
    const struct json *constant;
};

struct entry { /* of an assignment rule: the first that is met names the owner */
    struct condition condition;
    const char *owner;
};

struct flow {
    enum { FLOW_BEFORE, FLOW_AFTER, FLOW_ASSIGN } kind;
    const char *name, *object, *target; /* target NULL: the record itself */
    char id[19];
    bool active, on_create, on_update, on_delete;
    const char *error, *error_field; /* a custom error: the change is refused with it */
    struct condition condition;
    struct setting *settings;
    size_t setting_count;
    struct entry *entries;
    size_t entry_count;
    struct flow *next;
};

/* The values a flow sets, as one statement over record ?1. */
struct flow_sheet {
    const struct flow *flow;
    sqlite3_stmt *statement;
    enum formula_type *types;
    struct flow_sheet *next;
};

/* --- reading --- */

bool flow_is(const struct json *json)
{
    return json_get(json, "flow") || json_get(json, "assignment");
}

static const char *copy_of(struct arena *arena, const struct json *json, const char *key)
{
    return arena_strdup(arena, json_get_text(json, key));
}

/* A tree that outlives the text it came from. */
static const struct json *json_copy(struct arena *arena, const struct json *json)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_value(&w, json);
    const struct json *copy = json_parse(arena, text.data, text.len, NULL);
    buf_free(&text);
    return copy;
}

static size_t count_of(const struct json *list)
{
    size_t count = 0;
    json_each(item, list)
        count++;
    return count;
}

static void read_settings(struct arena *arena, const struct json *json, struct flow *flow)
{
    const struct json *set = json_get(json, "set");
    flow->settings = arena_array(arena, count_of(set) + 1, sizeof *flow->settings);
    json_each(member, set) {
        struct setting *setting = &flow->settings[flow->setting_count++];
        setting->field = arena_strdup(arena, member->key);
        setting->formula = copy_of(arena, member, "formula");
        if (!setting->formula)
            setting->constant = json_copy(arena, member);
    }
}

static void read_entries(struct arena *arena, const struct json *json, struct flow *flow)
{
    const struct json *list = json_get(json, "assignment");
    flow->entries = arena_array(arena, count_of(list) + 1, sizeof *flow->entries);
    json_each(item, list) {
        struct entry *entry = &flow->entries[flow->entry_count++];
        entry->condition = (struct condition){.object = flow->object,
                                              .when = copy_of(arena, item, "when"),
                                              .formula = copy_of(arena, item, "formula")};
        entry->owner = copy_of(arena, item, "owner");
    }
}

static bool list_has(const struct json *list, const char *word)
{
    bool found = json_is_null(list); /* both, unless said */
    json_each(item, list)
        found |= text_eq(json_text(item), word);
    return found;
}

static struct flow *flow_read(struct arena *arena, struct org *org, const struct json *json)
{
    struct flow *flow = arena_alloc(arena, sizeof *flow);
    const char *when = json_get_text(json, "flow");
    flow->kind = json_get(json, "assignment")  ? FLOW_ASSIGN
                 : text_eq(when, "after_save") ? FLOW_AFTER
                                               : FLOW_BEFORE;
    flow->name = copy_of(arena, json, "name");
    flow->object = copy_of(arena, json, "object");
    flow->target = copy_of(arena, json, "target");
    flow->active = json_get_bool(json, "active", true);
    flow->on_create = list_has(json_get(json, "on"), "create");
    flow->on_update = list_has(json_get(json, "on"), "update");
    flow->on_delete = json_get(json, "on") && list_has(json_get(json, "on"), "delete");
    flow->error = copy_of(arena, json, "error");
    flow->error_field = copy_of(arena, json, "error_field");
    flow->condition = (struct condition){.object = flow->object,
                                         .when = copy_of(arena, json, "when"),
                                         .formula = copy_of(arena, json, "formula")};
    if (text_eq(flow->target, "self"))
        flow->target = NULL;
    if (flow->kind == FLOW_ASSIGN) {
        flow->condition.when = flow->condition.formula = NULL;
        read_entries(arena, json, flow);
    } else {
        read_settings(arena, json, flow);
    }
    org_setup_id(org, "01Q", flow->name ? flow->name : "", flow->id);
    return flow;
}

enum status flows_load(struct org *org, struct err *err)
{
    sqlite3_stmt *rows = NULL;
    if (db_prepare(org->db, &rows, "SELECT json FROM localorg_rule ORDER BY name", err) != OK)
        return FAIL;
    struct arena *arena = arena_new(), *reading = arena_new();
    struct flow *first = NULL, **end = &first;
    enum status status = OK;
    while (status == OK && db_next(rows, &status, err)) {
        const char *text = db_text(rows, 0);
        const struct json *json = json_parse(reading, text, strlen(text), err);
        if (!json)
            status = FAIL;
        else if (flow_is(json)) {
            *end = flow_read(arena, org, json);
            end = &(*end)->next;
        }
        arena_reset(reading);
    }
    sqlite3_finalize(rows);
    arena_free(reading);
    struct arena *unused = status == OK ? org->flow_arena : arena;
    if (status == OK) {
        org->flow_arena = arena;
        org->flows = first;
    }
    arena_free(unused);
    return status;
}

/* --- putting one --- */

/* The object whose fields the flow sets. */
static const struct sobject *target_object(struct org *org, const struct flow *flow,
                                           const struct child_relationship **child)
{
    const struct sobject *object = schema_find(org->schema, flow->object);
    *child = NULL;
    if (!flow->target || !object)
        return object;
    size_t len = strlen(flow->target);
    const struct field *parent = sobject_parent(object, flow->target, len);
    if (parent && parent->reference_count)
        return schema_find(org->schema, parent->reference_to[0]);
    *child = sobject_child(object, flow->target, len);
    return *child ? schema_find(org->schema, (*child)->child_sobject) : NULL;
}

static enum status settings_check(struct org *org, const struct flow *flow, struct err *err)
{
    const struct child_relationship *child;
    const struct sobject *object = target_object(org, flow, &child);
    if (!object)
        return err_set(err, ERR_INVALID, "flow %s: %s has no relationship %s", flow->name,
                       flow->object, flow->target);
    if (flow->kind == FLOW_BEFORE && flow->target)
        return err_set(err, ERR_INVALID, "flow %s: a before-save flow sets only its own record",
                       flow->name);
    if (flow->on_delete && (flow->kind != FLOW_BEFORE || !flow->error))
        return err_set(err, ERR_INVALID,
                       "flow %s: on delete a before-save flow can refuse with \"error\", no more",
                       flow->name);
    if (flow->error && (flow->setting_count || flow->target))
        return err_set(err, ERR_INVALID, "flow %s: it refuses or it sets, not both", flow->name);
    if (flow->error_field && !sobject_field(object, flow->error_field))
        return err_set(err, ERR_INVALID, "flow %s: no field %s on %s", flow->name,
                       flow->error_field, object->name);
    if (!flow->setting_count && !flow->error)
        return err_set(err, ERR_INVALID, "flow %s sets nothing", flow->name);
    struct arena *arena = arena_new();
    enum status status = OK;
    for (size_t i = 0; i < flow->setting_count && status == OK; i++) {
        const struct setting *setting = &flow->settings[i];
        const struct field *field = sobject_field(object, setting->field);
        struct formula_options options = {0};
        struct formula_sql compiled;
        if (!field || !field->stored || field->calculated)
            status = err_set(err, ERR_INVALID, "flow %s: no field %s to set on %s", flow->name,
                             setting->field, object->name);
        else if (setting->formula &&
                 formula_compile(arena, org, schema_find(org->schema, flow->object),
                                 setting->formula, &options, "t0", &compiled, err) != OK)
            status = err_wrap(err, "flow %s, %s", flow->name, setting->field);
    }
    arena_free(arena);
    return status;
}

/* A user by name or id, or a queue by name or id. */
static bool owner_id(struct org *org, const char *owner, char id[19])
{
    struct org_user user;
    sqlite3_stmt *row = NULL;
    bool found = false;
    if (owner && id_canonical(owner, id))
        return true;
    if (owner && org_user_by_name(org, owner, &user)) {
        memcpy(id, user.id, sizeof user.id);
        return true;
    }
    if (!schema_find(org->schema, "Group"))
        return false;
    sqlite3 *db = org_reader_take(org);
    if (db && sqlite3_prepare_v2(db,
                                 "SELECT \"Id\" FROM \"Group\" WHERE \"Type\" = 'Queue' AND"
                                 " \"IsDeleted\" = 0 AND (\"Name\" = ?1 OR \"DeveloperName\" = ?1)",
                                 -1, &row, NULL) == SQLITE_OK) {
        sqlite3_bind_text(row, 1, owner, -1, SQLITE_STATIC);
        found = sqlite3_step(row) == SQLITE_ROW;
        if (found)
            snprintf(id, 19, "%s", (const char *)sqlite3_column_text(row, 0));
    }
    sqlite3_finalize(row);
    org_reader_give(org, db);
    return found;
}

static enum status entries_check(struct org *org, const struct flow *flow, struct err *err)
{
    char id[19];
    if (!text_eq_nocase(flow->object, "Lead") && !text_eq_nocase(flow->object, "Case"))
        return err_set(err, ERR_INVALID, "assignment rules are for Lead and Case");
    for (size_t i = 0; i < flow->entry_count; i++) {
        if (!owner_id(org, flow->entries[i].owner, id))
            return err_set(err, ERR_INVALID, "assignment rule %s: nobody is called %s", flow->name,
                           flow->entries[i].owner ? flow->entries[i].owner : "(no owner)");
        if (condition_check(org, &flow->entries[i].condition, err) != OK)
            return err_wrap(err, "assignment rule %s", flow->name);
    }
    return OK;
}

static enum status flow_check(struct org *org, const struct flow *flow, const struct json *json,
                              struct err *err)
{
    const char *when = json_get_text(json, "flow");
    if (!flow->name || !*flow->name)
        return err_set(err, ERR_INVALID, "a rule needs a name");
    if (!flow->object || !schema_find(org->schema, flow->object))
        return err_set(err, ERR_NOT_FOUND, "rule %s: no object %s", flow->name,
                       flow->object ? flow->object : "");
    if (flow->kind == FLOW_ASSIGN)
        return entries_check(org, flow, err);
    if (!text_eq(when, "before_save") && !text_eq(when, "after_save"))
        return err_set(err, ERR_INVALID, "flow %s: \"flow\" is before_save or after_save",
                       flow->name);
    if (settings_check(org, flow, err) != OK)
        return FAIL;
    return condition_check(org, &flow->condition, err) == OK ? OK
                                                             : err_wrap(err, "flow %s", flow->name);
}

/* Clients find the rule they want to name in the AssignmentRule object. */
static enum status rule_row(struct org *org, const struct flow *flow, struct err *err)
{
    const struct sobject *object = schema_find(org->schema, "AssignmentRule");
    struct table *table;
    sqlite3_stmt *put = NULL;
    if (flow->kind != FLOW_ASSIGN || !object)
        return OK;
    if (table_ready(org, object, &table, err) != OK ||
        db_prepare(org->db, &put,
                   "INSERT OR REPLACE INTO \"AssignmentRule\" (\"Id\", \"Name\", \"SobjectType\","
                   " \"Active\", \"CreatedDate\", \"LastModifiedDate\", \"SystemModstamp\")"
                   " VALUES (?1, ?2, ?3, ?4, ?5, ?5, ?5)",
                   err) != OK)
        return FAIL;
    sqlite3_bind_text(put, 1, flow->id, -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 2, flow->name, -1, SQLITE_STATIC);
    sqlite3_bind_text(put, 3, flow->object, -1, SQLITE_STATIC);
    sqlite3_bind_int(put, 4, flow->active);
    sqlite3_bind_int64(put, 5, org_now_ms(org) / 1000 * 1000);
    enum status status = db_run(put, err);
    sqlite3_finalize(put);
    return status;
}

enum status flow_put(struct org *org, const struct json *json, struct err *err)
{
    if (!org_write_begin(org))
        return err_set(err, ERR_IO, "cannot write to the org");
    struct arena *arena = arena_new();
    struct flow *flow = flow_read(arena, org, json);
    enum status status = flow_check(org, flow, json, err);
    if (status == OK)
        status = rule_store(org, flow->name, json, err);
    if (status == OK)
        status = rule_row(org, flow, err);
    org->rules_dirty = true;
    arena_free(arena);
    enum status ended = org_write_end(org, status == OK, status == OK ? err : NULL);
    return status == OK ? ended : status;
}

/* --- which run --- */

bool flows_has(const struct org *org, const struct sobject *object)
{
    for (const struct flow *flow = org->flows; flow; flow = flow->next)
        if (flow->active && text_eq_nocase(flow->object, object->name))
            return true;
    return false;
}

static bool runs(const struct work *work, const struct draft *draft, const struct flow *flow,
                 int kind)
{
    if (work->options->system && !work->options->internal)
        return false; /* loading and seeding */
    return flow->active && (int)flow->kind == kind &&
           text_eq_nocase(flow->object, draft->object->name) &&
           (draft->insert ? flow->on_create : flow->on_update);
}

bool flows_before(struct work *work, struct draft *draft)
{
    for (const struct flow *flow = work->org->flows; flow; flow = flow->next) {
        if (!runs(work, draft, flow, flow->kind))
            continue;
        if (!condition_before(work, draft, &flow->condition))
            return false;
        for (size_t i = 0; i < flow->entry_count; i++)
            if (!condition_before(work, draft, &flow->entries[i].condition))
                return false;
    }
    return true;
}

/* --- the values a flow sets --- */

static struct flow_sheet *sheet_of(struct work *work, const struct flow *flow)
{
    for (struct flow_sheet *sheet = work->sheets; sheet; sheet = sheet->next)
        if (sheet->flow == flow)
            return sheet;
    struct flow_sheet *sheet = arena_alloc(work->call_arena, sizeof *sheet);
    const struct sobject *object = schema_find(work->org->schema, flow->object);
    struct formula_options options = {0};
    struct buf sql = BUF_INIT;
    sheet->flow = flow;
    sheet->types = arena_array(work->call_arena, flow->setting_count + 1, sizeof *sheet->types);
    buf_str(&sql, "SELECT 1");
    for (size_t i = 0; i < flow->setting_count; i++) {
        struct formula_sql compiled = {.sql = "NULL"};
        if (flow->settings[i].formula &&
            formula_compile(work->call_arena, work->org, object, flow->settings[i].formula,
                            &options, "t0", &compiled, work->err) != OK)
            work->broken = true;
        sheet->types[i] = compiled.type;
        buf_printf(&sql, ", %s", compiled.sql);
    }
    buf_printf(&sql, " FROM \"%s\" t0 WHERE t0.\"Id\" = ?1", object->name);
    if (work->broken ||
        db_prepare(work->org->db, &sheet->statement, buf_text(&sql), work->err) != OK)
        work->broken = true;
    buf_free(&sql);
    sheet->next = work->sheets;
    work->sheets = sheet;
    return work->broken ? NULL : sheet;
}

void flows_forget(struct work *work)
{
    for (struct flow_sheet *sheet = work->sheets; sheet; sheet = sheet->next)
        sqlite3_finalize(sheet->statement);
    work->sheets = NULL;
}

static void write_value(struct jw *w, sqlite3_stmt *row, int column, enum formula_type type)
{
    char text[32];
    const char *value = (const char *)sqlite3_column_text(row, column);
    if (!value) {
        jw_null(w);
    } else if (type == FORMULA_BOOLEAN) {
        jw_bool(w, sqlite3_column_int(row, column) != 0);
    } else if (type == FORMULA_DATETIME) {
        when_iso(sqlite3_column_int64(row, column), text);
        jw_text(w, text);
    } else if (type == FORMULA_NUMBER) {
        jw_number(w, value);
    } else {
        jw_text(w, value);
    }
}

/* {"Field": value, ...} for the record; NULL when broken. */
static const struct json *values_for(struct work *work, const struct flow *flow, const char *id)
{
    struct flow_sheet *sheet = sheet_of(work, flow);
    struct buf text = BUF_INIT;
    struct jw w;
    if (!sheet)
        return NULL;
    sqlite3_bind_text(sheet->statement, 1, id, 18, SQLITE_TRANSIENT);
    jw_init(&w, &text);
    jw_object(&w);
    if (next_row(work, sheet->statement))
        for (size_t i = 0; i < flow->setting_count; i++) {
            jw_key(&w, flow->settings[i].field);
            if (flow->settings[i].formula)
                write_value(&w, sheet->statement, (int)i + 1, sheet->types[i]);
            else
                jw_value(&w, flow->settings[i].constant);
        }
    jw_end_object(&w);
    sqlite3_reset(sheet->statement);
    const struct json *values =
        work->broken ? NULL : json_parse(work->scratch, text.data, text.len, work->err);
    buf_free(&text);
    return values;
}

/* --- custom errors --- */

static bool custom_error(struct work *work, struct draft *draft, const struct flow *flow)
{
    return row_error(work, draft->result, "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                     flow->error_field ? &flow->error_field : NULL, flow->error_field ? 1 : 0, "%s",
                     flow->error);
}

bool flows_delete(struct work *work, struct draft *draft)
{
    for (const struct flow *flow = work->org->flows; flow; flow = flow->next) {
        bool met;
        if (!flow->active || !flow->on_delete ||
            (work->options->system && !work->options->internal) ||
            !text_eq_nocase(flow->object, draft->object->name))
            continue;
        if (!condition_before(work, draft, &flow->condition) ||
            !condition_met(work, draft, &flow->condition, &met))
            return false;
        if (met)
            return custom_error(work, draft, flow);
    }
    return true;
}

/* --- before-save --- */

/* Sets fields on the row just written, with what the platform derives from them. */
static bool set_fields(struct work *work, struct draft *draft, const struct json *values)
{
    struct draft change = {
        .row = draft->row, .object = draft->object, .table = draft->table, .result = draft->result};
    struct dml_row row = {.object = draft->object, .body = values, .id = draft->id};
    change.row = &row;
    memcpy(change.id, draft->id, sizeof change.id);
    change.cells = arena_array(work->scratch, draft->object->field_count + 1, sizeof *change.cells);
    json_each(member, values) {
        const struct field *field = sobject_field(draft->object, member->key);
        if (field && !convert_value(work, &change, field, member, draft_cell(&change, field)))
            return false;
    }
    return standard_before(work, &change) && check_required(work, &change) &&
           check_references(work, &change) && write_update(work, &change);
}

bool flows_set(struct work *work, struct draft *draft)
{
    for (const struct flow *flow = work->org->flows; flow; flow = flow->next) {
        bool met;
        if (!runs(work, draft, flow, FLOW_BEFORE))
            continue;
        if (!condition_met(work, draft, &flow->condition, &met))
            return false;
        if (met && flow->error)
            return custom_error(work, draft, flow);
        const struct json *values = met ? values_for(work, flow, draft->id) : NULL;
        if (met && (!values || !set_fields(work, draft, values)))
            return false;
    }
    return true;
}

/* --- assignment --- */

static bool assign_by(struct work *work, struct draft *draft, const struct flow *flow)
{
    char id[19];
    for (size_t i = 0; i < flow->entry_count; i++) {
        bool met;
        if (!condition_met(work, draft, &flow->entries[i].condition, &met))
            return false;
        if (!met)
            continue;
        if (!owner_id(work->org, flow->entries[i].owner, id))
            return true; /* gone since the rule was made: the owner stays */
        const char *text = arena_printf(work->scratch, "{\"OwnerId\":\"%s\"}", id);
        const struct json *values = json_parse(work->scratch, text, strlen(text), work->err);
        return values && set_fields(work, draft, values);
    }
    return true;
}

bool flows_assign(struct work *work, struct draft *draft)
{
    const char *wanted = work->options->assignment;
    for (const struct flow *flow = work->org->flows; wanted && flow; flow = flow->next) {
        if (flow->kind != FLOW_ASSIGN || !text_eq_nocase(flow->object, draft->object->name))
            continue;
        char id[19];
        bool named = *wanted && id_canonical(wanted, id) && strcmp(id, flow->id) == 0;
        if (*wanted ? named : flow->active)
            return assign_by(work, draft, flow);
    }
    return true;
}

/* --- after-save --- */

static bool flow_failed(struct work *work, struct draft *draft, const struct flow *flow,
                        const char *why)
{
    return row_error(work, draft->result, "CANNOT_EXECUTE_FLOW_TRIGGER", NULL, 0,
                     "We can't save this record because the \xe2\x80\x9c%s\xe2\x80\x9d process "
                     "failed. Give your Salesforce admin these details. %s",
                     flow->name, why);
}

/* The records the flow updates. */
static bool targets_of(struct work *work, struct draft *draft, const struct flow *flow,
                       struct children *out)
{
    const struct child_relationship *child;
    const struct sobject *object = target_object(work->org, flow, &child);
    struct table *table;
    struct cell parent;
    if (!object || !flow->target) {
        vec_push(&out->ids, draft->id);
        return true;
    }
    if (table_ready(work->org, object, &table, work->err) != OK)
        return work_broke(work);
    if (child)
        return record_children(work, table, sobject_field(object, child->field), draft->id, out);
    const struct field *via = sobject_parent(draft->object, flow->target, strlen(flow->target));
    if (!stored_value(work, draft->object, via->name, draft->id, &parent))
        return false;
    if (parent.kind == CELL_TEXT)
        vec_push(&out->ids, cell_string(work, &parent));
    return true;
}

static bool update_target(struct work *work, struct draft *draft, const struct flow *flow,
                          const char *id, const struct json *values)
{
    struct dml_options options = *work->options;
    struct dml_result result;
    struct dml_row row = {
        .object = schema_by_prefix(work->org->schema, id), .body = values, .id = id};
    options.system = options.internal = true;
    options.assignment = NULL;
    if (!row.object)
        return true;
    if (org_dml(work->org, DML_UPDATE, &options, &row, 1, &result, work->arena, work->err) != OK)
        return work_broke(work);
    return result.success || flow_failed(work, draft, flow, result.errors->message);
}

static bool run_after(struct work *work, struct draft *draft, const struct flow *flow)
{
    struct children targets = {0};
    const struct json *values = values_for(work, flow, draft->id);
    bool good = values && targets_of(work, draft, flow, &targets);
    work->org->flow_depth++;
    if (good && work->org->flow_depth > FLOWS_DEEP)
        good = flow_failed(work, draft, flow, "Maximum stack depth has been reached.");
    for (size_t i = 0; i < targets.ids.len && good; i++)
        good = update_target(work, draft, flow, targets.ids.at[i], values);
    work->org->flow_depth--;
    vec_free(&targets.ids);
    return good;
}

bool flows_after(struct work *work, struct draft *draft)
{
    for (const struct flow *flow = work->org->flows; flow; flow = flow->next) {
        bool met;
        if (!runs(work, draft, flow, FLOW_AFTER))
            continue;
        if (!condition_met(work, draft, &flow->condition, &met))
            return false;
        if (met && flow->error)
            return custom_error(work, draft, flow);
        if (met && !run_after(work, draft, flow))
            return false;
    }
    return true;
}
