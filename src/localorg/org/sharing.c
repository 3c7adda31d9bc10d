/* sharing.c - org-wide defaults and sharing rules.
 *
 * Kept as the JSON they came in, one row an object in localorg_sharing; read
 * only when somebody's rights are worked out (access.c), which happens once
 * after each change. Objects without a row have the default of a new org. An
 * object that is not open to everyone gets its share object (AccountShare,
 * Thing__Share), as in a real org.
 *
 * Not modelled: territories, teams, guest and portal users. Owner rows are not
 * listed in share objects: the owner's access needs none here. */
#include "localorg/org/access_priv.h"

#include "base/str.h"
#include "localorg/soql/soql.h"

#include <string.h>

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* --- models --- */

static const struct {
    const char *name, *organization; /* as given; as Organization.Default...Access says it */
} models[] = {
    [MODEL_PRIVATE] = {"Private", "None"},
    [MODEL_READ] = {"Read", "Read"},
    [MODEL_READ_WRITE] = {"ReadWrite", "Edit"},
    [MODEL_READ_WRITE_TRANSFER] = {"ReadWriteTransfer", "ReadEditTransfer"},
    [MODEL_FULL] = {"FullAccess", "All"},
    [MODEL_BY_PARENT] = {"ControlledByParent", "ControlledByParent"},
};

static bool model_parse(const char *name, enum sharing_model *out)
{
    for (size_t i = 0; name && i < COUNT(models); i++)
        if (text_eq_nocase(models[i].name, name)) {
            *out = (enum sharing_model)i;
            return true;
        }
    return false;
}

static bool is_detail(const struct sobject *object)
{
    if (!object->custom || sobject_field(object, "OwnerId"))
        return false;
    for (size_t i = 0; i < object->field_count; i++)
        if (object->fields[i]->type == FT_REFERENCE && object->fields[i]->cascade_delete)
            return true;
    return false;
}

static enum sharing_model usual_model(const struct sobject *object)
{
    static const struct {
        const char *object;
        enum sharing_model model;
    } usual[] = {
        {"Contact", MODEL_BY_PARENT},
        {"Asset", MODEL_BY_PARENT},
        {"OpportunityLineItem", MODEL_BY_PARENT},
        {"OpportunityContactRole", MODEL_BY_PARENT},
        {"OpportunityHistory", MODEL_BY_PARENT},
        {"AccountContactRole", MODEL_BY_PARENT},
        {"AccountContactRelation", MODEL_BY_PARENT},
        {"CaseComment", MODEL_BY_PARENT},
        {"CampaignMember", MODEL_BY_PARENT},
        {"OrderItem", MODEL_BY_PARENT},
        {"Attachment", MODEL_BY_PARENT},
        {"Note", MODEL_BY_PARENT},
        {"Task", MODEL_BY_PARENT},
        {"Event", MODEL_BY_PARENT},
        {"Lead", MODEL_READ_WRITE_TRANSFER},
        {"Case", MODEL_READ_WRITE_TRANSFER},
        {"Campaign", MODEL_FULL},
    };
    for (size_t i = 0; i < COUNT(usual); i++)
        if (text_eq(object->name, usual[i].object))
            return usual[i].model;
    if (is_detail(object))
        return MODEL_BY_PARENT;
    /* Setup objects and those without an owner: sharing has no say. */
    return sobject_field(object, "OwnerId") && permits_governor(object).kind == GOVERNED_BY_ROWS
               ? MODEL_READ_WRITE
               : MODEL_FULL;
}

/* --- share objects --- */

const struct sobject *sharing_rows(const struct org *org, const struct sobject *object,
                                   const struct field **record, const struct field **level)
{
    char name[100], field[100];
    bool custom = text_ends(object->name, "__c");
    int base = (int)strlen(object->name) - (custom ? 3 : 0);
    snprintf(name, sizeof name, "%.*s%sShare", base, object->name, custom ? "__" : "");
    const struct sobject *share = schema_find(org->schema, name);
    if (!share)
        return NULL;
    snprintf(field, sizeof field, "%sId", custom ? "Parent" : object->name);
    *record = sobject_field(share, field);
    snprintf(field, sizeof field, "%sAccessLevel", custom ? "" : object->name);
    *level = sobject_field(share, field);
    return *record && *level ? share : NULL;
}

static void write_field(struct jw *w, const char *name, const char *type, const char *to,
                        bool change)
{
    jw_object(w);
    jw_kv_text(w, "name", name);
    jw_kv_text(w, "label", name);
    jw_kv_text(w, "type", type);
    jw_kv_int(w, "length", text_eq(type, "reference") ? 18 : text_eq(type, "picklist") ? 40 : 0);
    jw_kv_bool(w, "createable", to != NULL || change);
    jw_kv_bool(w, "updateable", change);
    jw_kv_bool(w, "filterable", true);
    jw_kv_bool(w, "sortable", true);
    jw_kv_bool(w, "groupable", !text_eq(type, "datetime"));
    if (to) {
        jw_key(w, "referenceTo");
        jw_array(w);
        for (const char *part = to; *part;) {
            size_t len = strcspn(part, " ");
            jw_text_n(w, part, len);
            part += len + strspn(part + len, " ");
        }
        jw_end_array(w);
        size_t len = strlen(name) - (text_ends(name, "Id") ? 2 : 0);
        jw_key(w, "relationshipName");
        jw_text_n(w, name, len);
        jw_kv_bool(w, "cascadeDelete", text_eq(to, "User Group") ? false : change);
    }
    jw_end_object(w);
}

static void write_cause(struct jw *w)
{
    static const char *const causes[] = {"Owner",         "Manual",         "Rule",
                                         "ImplicitChild", "ImplicitParent", "Team"};
    jw_object(w);
    jw_kv_text(w, "name", "RowCause");
    jw_kv_text(w, "label", "Row Cause");
    jw_kv_text(w, "type", "picklist");
    jw_kv_int(w, "length", 40);
    jw_kv_bool(w, "createable", true);
    jw_kv_bool(w, "nillable", true);
    jw_kv_bool(w, "filterable", true);
    jw_kv_bool(w, "groupable", true);
    jw_kv_bool(w, "sortable", true);
    jw_kv_text(w, "defaultValue", "Manual");
    jw_key(w, "picklistValues");
    jw_array(w);
    for (size_t i = 0; i < COUNT(causes); i++) {
        jw_object(w);
        jw_kv_text(w, "value", causes[i]);
        jw_kv_text(w, "label", causes[i]);
        jw_kv_bool(w, "active", true);
        jw_kv_bool(w, "defaultValue", text_eq(causes[i], "Manual"));
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_end_object(w);
}

/* "AccountShare": who may do what with which account beside its owner. */
static void share_describe(struct buf *out, const struct sobject *object)
{
    static const struct {
        const char *object, *prefix;
    } prefixes[] = {{"Account", "00r"}, {"Opportunity", "00t"}, {"Case", "01n"},
                    {"Lead", "01o"},    {"Contact", "03s"},     {"Campaign", "08s"}};
    bool custom = text_ends(object->name, "__c");
    int base = (int)strlen(object->name) - (custom ? 3 : 0);
    char name[100], record[100], level[100];
    struct jw w;
    snprintf(name, sizeof name, "%.*s%sShare", base, object->name, custom ? "__" : "");
    snprintf(record, sizeof record, "%sId", custom ? "Parent" : object->name);
    snprintf(level, sizeof level, "%sAccessLevel", custom ? "" : object->name);
    jw_init(&w, out);
    jw_object(&w);
    jw_kv_text(&w, "name", name);
    jw_kv_text(&w, "label", name);
    jw_kv_text(&w, "labelPlural", name);
    jw_kv_text(&w, "associateEntityType", "Share");
    jw_kv_text(&w, "associateParentEntity", object->name);
    for (size_t i = 0; i < COUNT(prefixes); i++)
        if (text_eq(prefixes[i].object, object->name))
            jw_kv_text(&w, "keyPrefix", prefixes[i].prefix);
    static const char *const flags[] = {"createable", "updateable", "deletable", "queryable",
                                        "retrieveable"};
    for (size_t i = 0; i < COUNT(flags); i++)
        jw_kv_bool(&w, flags[i], true);
    jw_kv_bool(&w, "custom", custom);
    jw_key(&w, "fields");
    jw_array(&w);
    write_field(&w, record, "reference", object->name, false);
    write_field(&w, "UserOrGroupId", "reference", "User Group", false);
    write_field(&w, level, "picklist", NULL, true);
    write_cause(&w);
    jw_end_array(&w);
    jw_end_object(&w);
}

static enum status share_ensure(struct org *org, const struct sobject *object, struct err *err)
{
    const struct field *record, *level;
    if (sharing_rows(org, object, &record, &level))
        return OK;
    struct arena *arena = arena_new();
    struct buf text = BUF_INIT;
    share_describe(&text, object);
    const struct json *describe = json_parse(arena, text.data, text.len, err);
    enum status status = describe ? org_add_describe(org, describe, err) : FAIL;
    buf_free(&text);
    arena_free(arena);
    return status;
}

/* --- whom a rule means --- */

static void role_sql(struct buf *out, const char *quoted)
{
    buf_printf(out,
               "SELECT r.\"Id\" FROM \"UserRole\" r WHERE r.\"Name\" = %s OR r.\"DeveloperName\" ="
               " %s OR r.\"Id\" = %s",
               quoted, quoted, quoted);
}

/* A subselect of the Ids of these people (and of queues among them). */
static enum status people_sql(struct arena *arena, const struct json *people, struct buf *out,
                              struct err *err)
{
    const struct json *who = json_is(people, JSON_OBJECT) ? people->first : NULL;
    const char *text = json_text(who) ? json_text(who) : "";
    char *literal = sqlite3_mprintf("%Q", text);
    const char *quoted = arena_strdup(arena, literal);
    sqlite3_free(literal);
    if (who && text_eq(who->key, "role")) {
        buf_str(out, "SELECT u.\"Id\" AS id FROM \"User\" u WHERE u.\"UserRoleId\" IN (");
        role_sql(out, quoted);
        buf_char(out, ')');
    } else if (who && text_eq(who->key, "role_and_subordinates")) {
        buf_str(out, "WITH RECURSIVE below(id) AS (");
        role_sql(out, quoted);
        buf_str(out,
                " UNION SELECT r.\"Id\" FROM \"UserRole\" r JOIN below ON r.\"ParentRoleId\" ="
                " below.id) SELECT u.\"Id\" AS id FROM \"User\" u WHERE u.\"UserRoleId\" IN (SELECT"
                " id FROM below)");
    } else if (who && text_eq(who->key, "group")) {
        buf_printf(out,
                   "WITH RECURSIVE m(id) AS (SELECT g.\"Id\" FROM \"Group\" g WHERE g.\"Name\" = %s"
                   " OR g.\"DeveloperName\" = %s OR g.\"Id\" = %s UNION SELECT x.\"UserOrGroupId\""
                   " FROM \"GroupMember\" x JOIN m ON x.\"GroupId\" = m.id WHERE x.\"IsDeleted\" ="
                   " 0) SELECT id FROM m",
                   quoted, quoted, quoted);
    } else if (who && text_eq(who->key, "user")) {
        buf_printf(out, "SELECT u.\"Id\" AS id FROM \"User\" u WHERE u.\"Username\" = %s", quoted);
    } else if (who && text_eq(who->key, "all_internal_users")) {
        buf_str(out, "SELECT u.\"Id\" AS id FROM \"User\" u");
    } else {
        err_set(err, ERR_INVALID, "a sharing rule's people are not understood");
        err_hint(err,
                 "{\"role\":\"CEO\"}, {\"role_and_subordinates\":\"CEO\"}, {\"group\":\"Name\"},"
                 " {\"user\":\"username\"} or {\"all_internal_users\":true}");
        return FAIL;
    }
    return OK;
}

/* The records a rule shares: by owner, or by a SOQL condition. */
static enum status rule_records(struct org *org, sqlite3 *db, struct arena *arena,
                                const struct sobject *object, const struct json *rule,
                                const char **column, const char **sql, struct err *err)
{
    const char *where = json_get_text(rule, "where");
    struct buf text = BUF_INIT;
    enum status status = OK;
    if (!where) {
        *column = "OwnerId";
        status = people_sql(arena, json_get(rule, "from"), &text, err);
        *sql = arena_strdup(arena, buf_text(&text));
        buf_free(&text);
        return status;
    }
    if (!org->soql)
        return err_set(err, ERR_NOT_BUILT, "this org has no SQL compiler for sharing rules");
    struct soql_context context = {
        .org = org, .all_rows = true, .now_ms = org_now_ms(org), .api_version = 66.0};
    struct soql_plan *plan =
        org->soql(arena, &context,
                  arena_printf(arena, "SELECT Id FROM %s WHERE (%s)", object->name, where), err);
    sqlite3_stmt *statement = NULL;
    if (!plan)
        return FAIL;
    *column = "Id";
    if (sqlite3_prepare_v2(db, plan->sql, -1, &statement, NULL) != SQLITE_OK)
        return db_fail(db, "a sharing rule's condition", err);
    if (!plan_bind(statement, plan)) {
        sqlite3_finalize(statement);
        return db_fail(db, "a sharing rule's condition", err);
    }
    char *expanded = sqlite3_expanded_sql(statement);
    *sql = arena_strdup(arena, expanded);
    sqlite3_free(expanded);
    sqlite3_finalize(statement);
    return OK;
}

/* Are any of these people the user, or below them where hierarchies count? */
static bool rule_reaches(sqlite3 *db, const struct access *access, bool hierarchies,
                         const char *people)
{
    sqlite3_stmt *row = NULL;
    char *sql = sqlite3_mprintf("SELECT 1 FROM (%s) WHERE id IN (%s,%s)", people,
                                hierarchies ? access->owners : access->self, access->groups);
    bool reaches =
        sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW;
    sqlite3_finalize(row);
    sqlite3_free(sql);
    return reaches;
}

/* --- kept --- */

enum status sharing_load(struct org *org, struct err *err)
{
    sqlite3_stmt *rows = NULL;
    struct arena *arena = arena_new();
    struct map *fresh = map_new_nocase();
    enum status status =
        db_prepare(org->db, &rows, "SELECT object, json FROM localorg_sharing", err);
    while (status == OK && db_next(rows, &status, err)) {
        const char *text = db_text(rows, 1);
        const struct json *json = json_parse(arena, text, strlen(text), err);
        if (json)
            map_put(fresh, db_text(rows, 0), (void *)(uintptr_t)json);
        else
            status = FAIL;
    }
    sqlite3_finalize(rows);
    pthread_rwlock_wrlock(&org->people_lock);
    struct arena *old_arena = org->sharing_arena;
    struct map *old = org->sharing;
    org->sharing_arena = arena;
    org->sharing = fresh;
    pthread_rwlock_unlock(&org->people_lock);
    map_free(old);
    arena_free(old_arena);
    return status;
}

void sharing_free(struct org *org)
{
    map_free(org->sharing);
    arena_free(org->sharing_arena);
}

static enum status read_rules(struct org *org, sqlite3 *db, struct access *access,
                              const struct sobject *object, const struct json *rules,
                              struct err *err)
{
    struct reach *reach = &access->reach[object->ordinal];
    reach->rules = arena_array(access->arena, json_is(rules, JSON_ARRAY) ? rules->len + 1 : 1,
                               sizeof *reach->rules);
    json_each(rule, rules) {
        struct reach_rule one = {.edit = text_eq_nocase(json_get_text(rule, "access"), "Edit")};
        struct buf to = BUF_INIT;
        enum status status = people_sql(access->arena, json_get(rule, "to"), &to, err);
        bool reaches = status == OK && rule_reaches(db, access, reach->hierarchies, buf_text(&to));
        buf_free(&to);
        if (reaches)
            status = rule_records(org, db, access->arena, object, rule, &one.column, &one.sql, err);
        if (status != OK)
            return err_wrap(err, "sharing of %s", object->name);
        if (reaches)
            reach->rules[reach->rule_count++] = one;
    }
    return OK;
}

enum status sharing_reach(struct org *org, sqlite3 *db, struct access *access, struct err *err)
{
    enum status status = OK;
    pthread_rwlock_rdlock(&org->people_lock);
    for (size_t i = 0; i < schema_count(org->schema) && status == OK; i++) {
        const struct sobject *object = schema_at(org->schema, i);
        struct reach *reach = &access->reach[object->ordinal];
        const struct json *json = org->sharing ? map_get(org->sharing, object->name) : NULL;
        if (!model_parse(json_get_text(json, "default"), &reach->model))
            reach->model = usual_model(object);
        reach->hierarchies = json_get_bool(json, "hierarchies", true);
        status = read_rules(org, db, access, object, json_get(json, "rules"), err);
    }
    pthread_rwlock_unlock(&org->people_lock);
    return status;
}

/* --- changing --- */

static enum status check_rules(struct org *org, const struct sobject *object,
                               const struct json *rules, struct err *err)
{
    struct arena *arena = arena_new();
    enum status status = OK;
    if (rules && !json_is(rules, JSON_ARRAY))
        status = err_set(err, ERR_INVALID, "rules come as an array");
    json_each(rule, rules) {
        struct buf to = BUF_INIT;
        const char *column, *sql, *level = json_get_text(rule, "access");
        if (status == OK)
            status = people_sql(arena, json_get(rule, "to"), &to, err);
        if (status == OK)
            status = rule_records(org, org->db, arena, object, rule, &column, &sql, err);
        if (status == OK && !text_eq_nocase(level, "Read") && !text_eq_nocase(level, "Edit"))
            status = err_set(err, ERR_INVALID, "a sharing rule's access is Read or Edit");
        buf_free(&to);
    }
    arena_free(arena);
    return status;
}

/* The new JSON: members given, and those kept from before. */
static void merged_json(struct buf *out, const struct sobject *object, const struct json *old,
                        const struct json *fresh)
{
    static const char *const members[] = {"default", "hierarchies", "rules"};
    struct jw w;
    jw_init(&w, out);
    jw_object(&w);
    jw_kv_text(&w, "object", object->name);
    for (size_t i = 0; i < COUNT(members); i++) {
        const struct json *value = json_get(fresh, members[i]);
        if (!value)
            value = json_get(old, members[i]);
        if (!value)
            continue;
        jw_key(&w, members[i]);
        jw_value(&w, value);
    }
    jw_end_object(&w);
}

/* Organization says the defaults of the objects everyone knows. */
static enum status tell_organization(struct org *org, const struct sobject *object,
                                     enum sharing_model model, struct err *err)
{
    char name[120];
    struct table *table;
    snprintf(name, sizeof name, "Default%sAccess", object->name);
    const struct sobject *organization = schema_find(org->schema, "Organization");
    if (!organization || !sobject_field(organization, name))
        return OK;
    if (table_ready(org, organization, &table, err) != OK)
        return FAIL;
    char *sql = sqlite3_mprintf("UPDATE \"Organization\" SET \"%w\" = %Q", name,
                                models[model].organization);
    enum status status = db_exec(org->db, err, sql);
    sqlite3_free(sql);
    return status;
}

static enum status store(struct org *org, const struct sobject *object, const struct buf *json,
                         struct err *err)
{
    sqlite3_stmt *put = NULL;
    enum status status =
        db_prepare(org->db, &put, "INSERT OR REPLACE INTO localorg_sharing VALUES (?, ?)", err);
    if (status == OK) {
        sqlite3_bind_text(put, 1, object->name, -1, SQLITE_STATIC);
        sqlite3_bind_text(put, 2, buf_text(json), (int)json->len, SQLITE_STATIC);
        status = db_run(put, err);
    }
    sqlite3_finalize(put);
    org->access_dirty = org->sharing_dirty = true;
    return status;
}

static enum status check_members(const struct json *sharing, struct err *err)
{
    json_each(member, sharing)
        if (!text_eq(member->key, "object") && !text_eq(member->key, "default") &&
            !text_eq(member->key, "hierarchies") && !text_eq(member->key, "rules")) {
            err_set(err, ERR_INVALID, "sharing knows no \"%s\"", member->key);
            err_hint(err, "object, default, hierarchies, rules");
            return FAIL;
        }
    return OK;
}

enum status org_sharing_put(struct org *org, const struct json *sharing, struct err *err)
{
    const char *name = json_get_text(sharing, "object"), *word = json_get_text(sharing, "default");
    const struct sobject *object = schema_find(org->schema, name);
    enum sharing_model model;
    if (!object)
        return err_set(err, ERR_NOT_FOUND, "sharing: no object \"%s\"", name ? name : "");
    model = usual_model(object);
    if (check_members(sharing, err) != OK)
        return FAIL;
    if (word && !model_parse(word, &model)) {
        err_set(err, ERR_INVALID, "no org-wide default \"%s\"", word);
        err_hint(err,
                 "Private, Read, ReadWrite, ReadWriteTransfer, FullAccess, ControlledByParent");
        return FAIL;
    }
    if (!org_write_begin(org))
        return err_set(err, ERR_IO, "cannot write to the org");
    struct buf json = BUF_INIT;
    enum status status = share_ensure(org, object, err);
    if (status == OK)
        status = check_rules(org, object, json_get(sharing, "rules"), err);
    if (status == OK) {
        merged_json(&json, object, org->sharing ? map_get(org->sharing, object->name) : NULL,
                    sharing);
        status = store(org, object, &json, err);
    }
    if (status == OK && word)
        status = tell_organization(org, object, model, err);
    buf_free(&json);
    enum status ended = org_write_end(org, status == OK, status == OK ? err : NULL);
    return status == OK ? ended : status;
}

void org_sharing_json(struct org *org, struct jw *w)
{
    pthread_rwlock_rdlock(&org->people_lock);
    jw_array(w);
    for (size_t i = 0; i < schema_count(org->schema); i++) {
        const struct sobject *object = schema_at(org->schema, i);
        const struct json *json = org->sharing ? map_get(org->sharing, object->name) : NULL;
        if (!object->custom && !json && !sobject_field(object, "OwnerId"))
            continue;
        jw_object(w);
        jw_kv_text(w, "object", object->name);
        const char *word = json_get_text(json, "default");
        jw_kv_text(w, "default", word ? word : models[usual_model(object)].name);
        jw_kv_bool(w, "hierarchies", json_get_bool(json, "hierarchies", true));
        jw_key(w, "rules");
        if (json_get(json, "rules"))
            jw_value(w, json_get(json, "rules"));
        else
            jw_raw(w, "[]", 2);
        jw_end_object(w);
    }
    jw_end_array(w);
    pthread_rwlock_unlock(&org->people_lock);
}
