/* rules.c - duplicate and validation rules, kept as the JSON they came in.
 *
 * Rules are read into memory when the org opens and after each change; only
 * the writer uses them. A duplicate rule finds live records that equal the row
 * in every one of its fields, case ignored, and were there before this call. A
 * validation rule is a condition (conditions.c): the row is refused when the
 * record, as just written, meets it. Flows and assignment rules are kept in the
 * same table and belong to flows.c. */
#include "localorg/org/dml_priv.h"

#include "localorg/soql/soql.h"

struct rule {
    enum { RULE_DUPLICATE, RULE_VALIDATION } kind;
    bool active, block;
    const char *name, *object, *message;
    /* duplicate */
    const char *matching_rule, *engine, *match_object;
    const char **fields, **match_fields;
    size_t field_count;
    /* validation */
    struct condition condition;
    const char *field;
    struct rule *next;
};

/* A duplicate rule as a statement, prepared once for each call: the records that
 * match the row. */
struct question {
    const struct rule *rule;
    sqlite3_stmt *statement;
    struct question *next;
};

#define STANDARD_MESSAGE "Use one of these records?"

/* --- reading --- */

static const char *text_or(struct arena *arena, const struct json *json, const char *key,
                           const char *otherwise)
{
    const char *text = json_get_text(json, key);
    return text ? arena_strdup(arena, text) : otherwise;
}

static const char **names_of(struct arena *arena, const struct json *list, size_t *count)
{
    size_t total = 0;
    json_each(item, list)
        total++;
    const char **names = arena_array(arena, total + 1, sizeof *names);
    *count = 0;
    json_each(item, list) {
        if (json_is(item, JSON_STRING))
            names[(*count)++] = arena_strdup(arena, item->text);
    }
    return names;
}

static struct rule *rule_read(struct arena *arena, const struct json *json)
{
    struct rule *rule = arena_alloc(arena, sizeof *rule);
    bool condition = json_get_text(json, "when") || json_get_text(json, "formula");
    rule->kind = condition ? RULE_VALIDATION : RULE_DUPLICATE;
    rule->name = text_or(arena, json, "name", "");
    rule->object = text_or(arena, json, "object", "");
    rule->active = json_get_bool(json, "active", true);
    rule->block = !text_eq(json_get_text(json, "action"), "alert");
    rule->message = text_or(arena, json, "message", STANDARD_MESSAGE);
    rule->matching_rule = text_or(arena, json, "matching_rule", rule->name);
    rule->engine = text_or(arena, json, "match_engine", "ExactMatchEngine");
    rule->match_object = text_or(arena, json, "match_object", rule->object);
    rule->fields = names_of(arena, json_get(json, "fields"), &rule->field_count);
    size_t matched;
    rule->match_fields = names_of(arena, json_get(json, "match_fields"), &matched);
    if (matched != rule->field_count)
        rule->match_fields = rule->fields;
    rule->condition = (struct condition){.object = rule->object,
                                         .when = text_or(arena, json, "when", NULL),
                                         .formula = text_or(arena, json, "formula", NULL)};
    rule->field = text_or(arena, json, "field", NULL);
    return rule;
}

enum status rules_load(struct org *org, struct err *err)
{
    sqlite3_stmt *rows = NULL;
    if (db_prepare(org->db, &rows, "SELECT json FROM localorg_rule ORDER BY name", err) != OK)
        return FAIL;
    struct arena *arena = arena_new();
    struct rule *first = NULL, **end = &first;
    enum status status = OK;
    while (status == OK && db_next(rows, &status, err)) {
        const char *text = db_text(rows, 0);
        const struct json *json = json_parse(arena, text, strlen(text), err);
        if (!json) {
            status = FAIL;
            break;
        }
        if (flow_is(json))
            continue; /* flows_load has it */
        *end = rule_read(arena, json);
        end = &(*end)->next;
    }
    sqlite3_finalize(rows);
    struct arena *unused = status == OK ? org->rule_arena : arena;
    if (status == OK) {
        org->rule_arena = arena;
        org->rules = first;
    }
    arena_free(unused);
    return status;
}

/* --- putting one --- */

static enum status fields_known(const struct sobject *object, const char *const *names,
                                size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct field *field = sobject_field(object, names[i]);
        if (!field || !field->stored)
            return err_set(err, ERR_INVALID, "no field %s on %s", names[i], object->name);
    }
    return OK;
}

/* Matching must not read the whole table for each row. */
static enum status duplicate_index(struct org *org, const struct sobject *object,
                                   const struct rule *rule, struct err *err)
{
    char *name = mem_printf("dup_%s_%s", object->name, rule->name);
    struct buf sql = BUF_INIT;
    buf_str(&sql, "DROP INDEX IF EXISTS ");
    quote_name(&sql, name);
    buf_str(&sql, "; CREATE INDEX ");
    quote_name(&sql, name);
    buf_str(&sql, " ON ");
    quote_name(&sql, object->name);
    for (size_t i = 0; i < rule->field_count; i++) {
        buf_str(&sql, i ? ", " : "(");
        quote_name(&sql, rule->match_fields[i]);
        buf_str(&sql, " COLLATE NOCASE");
    }
    buf_char(&sql, ')');
    enum status status = db_exec(org->db, err, buf_text(&sql));
    buf_free(&sql);
    free(name);
    return status;
}

static enum status duplicate_check(struct org *org, const struct rule *rule, struct err *err)
{
    const struct sobject *object = schema_find(org->schema, rule->object);
    const struct sobject *matched = schema_find(org->schema, rule->match_object);
    struct table *table;
    if (!matched)
        return err_set(err, ERR_NOT_FOUND, "no object %s", rule->match_object);
    if (!rule->field_count)
        return err_set(err, ERR_INVALID, "duplicate rule %s names no fields", rule->name);
    if (fields_known(object, rule->fields, rule->field_count, err) != OK ||
        fields_known(matched, rule->match_fields, rule->field_count, err) != OK ||
        table_ready(org, matched, &table, err) != OK)
        return FAIL;
    return duplicate_index(org, matched, rule, err);
}

static enum status validation_check(struct org *org, const struct rule *rule, struct err *err)
{
    const struct sobject *object = schema_find(org->schema, rule->object);
    if (rule->field && !sobject_field(object, rule->field))
        return err_set(err, ERR_INVALID, "no field %s on %s", rule->field, object->name);
    return condition_check(org, &rule->condition, err) == OK
               ? OK
               : err_wrap(err, "validation rule %s", rule->name);
}

enum status rule_store(struct org *org, const char *name, const struct json *json, struct err *err)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_value(&w, json);
    sqlite3_stmt *put = NULL;
    enum status status =
        db_prepare(org->db, &put, "INSERT OR REPLACE INTO localorg_rule VALUES (?, ?)", err);
    if (status == OK) {
        sqlite3_bind_text(put, 1, name, -1, SQLITE_STATIC);
        sqlite3_bind_text(put, 2, buf_text(&text), (int)text.len, SQLITE_STATIC);
        status = db_run(put, err);
    }
    sqlite3_finalize(put);
    buf_free(&text);
    return status;
}

enum status org_put_rule(struct org *org, const struct json *json, struct err *err)
{
    if (flow_is(json))
        return flow_put(org, json, err);
    struct arena *arena = arena_new();
    struct rule *rule = rule_read(arena, json);
    enum status status = OK;
    if (!*rule->name)
        status = err_set(err, ERR_INVALID, "a rule needs a name");
    else if (!schema_find(org->schema, rule->object))
        status = err_set(err, ERR_NOT_FOUND, "rule %s: no object %s", rule->name, rule->object);
    if (status == OK && !org_write_begin(org))
        status = err_set(err, ERR_IO, "cannot write to the org");
    if (status != OK) {
        arena_free(arena);
        return status;
    }
    status = rule->kind == RULE_DUPLICATE ? duplicate_check(org, rule, err)
                                          : validation_check(org, rule, err);
    if (status == OK)
        status = rule_store(org, rule->name, json, err);
    if (status == OK && rule->kind == RULE_DUPLICATE)
        status = rule_rows_put(org,
                               &(struct rule_rows){.name = rule->name,
                                                   .object = rule->object,
                                                   .matching_rule = rule->matching_rule,
                                                   .engine = rule->engine,
                                                   .match_object = rule->match_object,
                                                   .match_fields = rule->match_fields,
                                                   .field_count = rule->field_count,
                                                   .active = rule->active},
                               err);
    org->rules_dirty = true;
    enum status ended = org_write_end(org, status == OK, status == OK ? err : NULL);
    arena_free(arena);
    return status == OK ? ended : status;
}

enum status org_drop_rule(struct org *org, const char *name, struct err *err)
{
    if (!org_write_begin(org))
        return err_set(err, ERR_IO, "cannot write to the org");
    sqlite3_stmt *drop = NULL;
    enum status status =
        db_prepare(org->db, &drop, "DELETE FROM localorg_rule WHERE name = ?", err);
    if (status == OK) {
        sqlite3_bind_text(drop, 1, name, -1, SQLITE_STATIC);
        status = db_run(drop, err);
        if (status == OK && sqlite3_changes(org->db) == 0)
            status = err_set(err, ERR_NOT_FOUND, "no rule %s", name);
    }
    sqlite3_finalize(drop);
    if (status == OK)
        status = rule_rows_drop(org, name, err);
    org->rules_dirty = true;
    enum status ended = org_write_end(org, status == OK, status == OK ? err : NULL);
    return status == OK ? ended : status;
}

void org_rules_json(struct org *org, struct jw *w)
{
    sqlite3 *db = org_reader_take(org);
    sqlite3_stmt *rows = NULL;
    jw_array(w);
    if (db && db_prepare(db, &rows, "SELECT json FROM localorg_rule ORDER BY name", NULL) == OK)
        while (sqlite3_step(rows) == SQLITE_ROW)
            jw_raw(w, db_text(rows, 0), strlen(db_text(rows, 0)));
    jw_end_array(w);
    sqlite3_finalize(rows);
    org_reader_give(org, db);
}

/* --- duplicates --- */

static sqlite3_stmt *match_query(struct work *work, const struct rule *rule,
                                 const struct sobject *object)
{
    struct buf sql = BUF_INIT;
    buf_str(&sql, "SELECT \"Id\" FROM ");
    quote_name(&sql, object->name);
    buf_str(&sql, " WHERE \"IsDeleted\" = 0");
    for (size_t i = 0; i < rule->field_count; i++) {
        buf_str(&sql, " AND ");
        quote_name(&sql, rule->match_fields[i]);
        buf_printf(&sql, " = ?%zu COLLATE NOCASE", i + 1);
    }
    buf_str(&sql, " LIMIT 50");
    sqlite3_stmt *query = NULL;
    if (db_prepare(work->org->db, &query, buf_text(&sql), work->err) != OK)
        work_broke(work);
    buf_free(&sql);
    return query;
}

/* The row's values of the rule's fields. False when one is empty, or an update
 * leaves all of them as they were. */
static bool rule_values(struct work *work, struct draft *draft, const struct rule *rule,
                        struct cell *values)
{
    bool changed = draft->insert;
    for (size_t i = 0; i < rule->field_count; i++) {
        const struct field *field = sobject_field(draft->object, rule->fields[i]);
        if (!field || !draft_value(work, draft, field, &values[i]) || !cell_has(&values[i]))
            return false;
        changed |= draft->cells[field->index].kind != CELL_UNSET;
    }
    return changed;
}

static const char *record_json(struct work *work, const struct rule *rule,
                               const struct sobject *object, const char *id)
{
    struct buf text = BUF_INIT;
    struct jw w;
    char url[128];
    jw_init(&w, &text);
    jw_object(&w);
    jw_key(&w, "attributes");
    jw_object(&w);
    jw_kv_text(&w, "type", object->name);
    snprintf(url, sizeof url, "/services/data/v%.1f/sobjects/%s/%s", work->options->api_version,
             object->name, id);
    jw_kv_text(&w, "url", url);
    jw_end_object(&w);
    jw_kv_text(&w, "Id", id);
    for (size_t i = 0; i <= rule->field_count; i++) {
        const struct field *field =
            i ? sobject_field(object, rule->match_fields[i - 1]) : object->name_field;
        struct cell cell;
        if (!field || (i && field == object->name_field) ||
            !stored_value(work, object, field->name, id, &cell))
            continue;
        if (cell.kind == CELL_INT && field->type != FT_BOOLEAN)
            jw_kv_int(&w, field->name, cell.integer);
        else if (cell.kind == CELL_INT)
            jw_kv_bool(&w, field->name, cell.integer != 0);
        else if (cell.kind == CELL_REAL)
            jw_key(&w, field->name), jw_double(&w, cell.real);
        else
            jw_kv_text(&w, field->name, cell_string(work, &cell));
    }
    jw_end_object(&w);
    const char *json = arena_strdup(work->arena, buf_text(&text));
    buf_free(&text);
    return json;
}

/* The rule's query, prepared once for the call. */
static sqlite3_stmt *query_of(struct work *work, const struct rule *rule)
{
    for (struct question *asked = work->questions; asked; asked = asked->next)
        if (asked->rule == rule)
            return asked->statement;
    const struct sobject *object = schema_find(work->org->schema, rule->match_object);
    struct table *table;
    if (!object)
        return NULL;
    if (table_ready(work->org, object, &table, work->err) != OK)
        return work_broke(work), NULL;
    struct question *question = arena_alloc(work->call_arena, sizeof *question);
    question->rule = rule;
    question->statement = match_query(work, rule, object);
    question->next = work->questions;
    work->questions = question;
    return question->statement;
}

static struct dml_match *matches_of(struct work *work, struct draft *draft, const struct rule *rule,
                                    const struct cell *values)
{
    sqlite3_stmt *query = query_of(work, rule);
    if (!query)
        return NULL;
    const struct sobject *object = schema_find(work->org->schema, rule->match_object);
    for (size_t i = 0; i < rule->field_count; i++)
        bind_cell(query, (int)i + 1, &values[i]);
    struct dml_match *first = NULL, **end = &first;
    while (next_row(work, query)) {
        const char *id = db_text(query, 0);
        if (strcmp(id, draft->id) == 0 || (work->fresh && map_has(work->fresh, id)))
            continue;
        *end = arena_alloc(work->arena, sizeof **end);
        (*end)->id18 = arena_strdup(work->arena, id);
        (*end)->object = object->name;
        end = &(*end)->next;
    }
    sqlite3_reset(query);
    if (work->options->duplicate_record_details)
        for (struct dml_match *match = first; match; match = match->next)
            match->record_json = record_json(work, rule, object, match->id18);
    return first;
}

static bool rule_hit(struct work *work, struct draft *draft, const struct rule *rule)
{
    struct cell *values = arena_array(work->scratch, rule->field_count, sizeof *values);
    if (!rule_values(work, draft, rule, values))
        return !work->broken;
    struct dml_match *matches = matches_of(work, draft, rule, values);
    if (work->broken || !matches || (!rule->block && work->options->duplicate_allow_save))
        return !work->broken;
    struct dml_result *result = draft->result;
    result->duplicate_rule = arena_strdup(work->arena, rule->name);
    result->matching_rule = arena_strdup(work->arena, rule->matching_rule);
    result->match_engine = arena_strdup(work->arena, rule->engine);
    result->duplicate_entity = draft->object->name;
    result->duplicate_may_save = !rule->block;
    result->matches = matches;
    return row_error(work, result, "DUPLICATES_DETECTED", NULL, 0, "%s", rule->message);
}

static bool is_for(const struct rule *rule, int kind, const struct sobject *object)
{
    return rule->active && (int)rule->kind == kind && text_eq_nocase(rule->object, object->name);
}

bool rules_duplicates(struct work *work, struct draft *draft)
{
    if (work->options->system)
        return true;
    for (const struct rule *rule = work->org->rules; rule; rule = rule->next) {
        if (!is_for(rule, RULE_DUPLICATE, draft->object))
            continue;
        if (!rule_hit(work, draft, rule))
            return false;
    }
    return true;
}

/* --- validation --- */

bool rules_has_validation(const struct org *org, const struct sobject *object)
{
    for (const struct rule *rule = org->rules; rule; rule = rule->next)
        if (is_for(rule, RULE_VALIDATION, object))
            return true;
    return false;
}

bool rules_has_duplicates(const struct org *org, const struct sobject *object)
{
    for (const struct rule *rule = org->rules; rule; rule = rule->next)
        if (is_for(rule, RULE_DUPLICATE, object))
            return true;
    return false;
}

bool plan_bind(sqlite3_stmt *statement, const struct soql_plan *plan)
{
    for (size_t i = 0; i < plan->bind_count; i++) {
        const struct soql_bind *bind = &plan->binds[i];
        int at = (int)i + 1, rc;
        if (bind->kind == SOQL_TEXT)
            rc = sqlite3_bind_text(statement, at, bind->text, -1, SQLITE_TRANSIENT);
        else if (bind->kind == SOQL_INT)
            rc = sqlite3_bind_int64(statement, at, bind->integer);
        else if (bind->kind == SOQL_REAL)
            rc = sqlite3_bind_double(statement, at, bind->real);
        else
            rc = sqlite3_bind_null(statement, at);
        if (rc != SQLITE_OK)
            return false;
    }
    return true;
}

void rules_forget(struct work *work)
{
    for (struct question *asked = work->questions; asked; asked = asked->next)
        sqlite3_finalize(asked->statement);
    work->questions = NULL;
}

bool rules_before(struct work *work, struct draft *draft)
{
    for (const struct rule *rule = work->org->rules; rule; rule = rule->next)
        if (is_for(rule, RULE_VALIDATION, draft->object) &&
            !condition_before(work, draft, &rule->condition))
            return false;
    return true;
}

bool rules_validate(struct work *work, struct draft *draft)
{
    for (const struct rule *rule = work->org->rules; rule; rule = rule->next) {
        bool met;
        if (!is_for(rule, RULE_VALIDATION, draft->object))
            continue;
        if (!condition_met(work, draft, &rule->condition, &met))
            return false;
        if (met)
            row_error(work, draft->result, "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                      rule->field ? &rule->field : NULL, rule->field ? 1 : 0, "%s", rule->message);
    }
    return draft->result->errors == NULL;
}
