/* rule_rows.c - duplicate rules as the objects in which clients look them up: DuplicateRule,
 * MatchingRule and its items. They are written when a rule is put and read as any object;
 * their Ids follow from the names. A matching rule stays when its duplicate rule goes, as
 * several may use it. */
#include "localorg/org/org_priv.h"

#include "base/str.h"

static enum status ready(struct org *org)
{
    static const char *const objects[] = {"DuplicateRule", "MatchingRule", "MatchingRuleItem"};
    struct table *table;
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        const struct sobject *object = schema_find(org->schema, objects[i]);
        if (!object || table_ready(org, object, &table, NULL) != OK)
            return FAIL;
    }
    return OK;
}

/* ?1 is the id, ?2 the instant, then the texts and, last, the number; a statement uses what it
 * needs of them. */
static enum status run(struct org *org, const char *sql, const char *id, const char *const *texts,
                       size_t count, int number, struct err *err)
{
    sqlite3_stmt *put = NULL;
    if (db_prepare(org->db, &put, sql, err) != OK)
        return FAIL;
    sqlite3_bind_text(put, 1, id, -1, SQLITE_STATIC);
    sqlite3_bind_int64(put, 2, org_now_ms(org) / 1000 * 1000);
    for (size_t i = 0; i < count; i++)
        sqlite3_bind_text(put, (int)i + 3, texts[i], -1, SQLITE_STATIC);
    sqlite3_bind_int(put, (int)count + 3, number);
    enum status status = db_run(put, err);
    sqlite3_finalize(put);
    return status;
}

#define STAMPS "\"IsDeleted\", \"CreatedDate\", \"LastModifiedDate\", \"SystemModstamp\""

static enum status put_items(struct org *org, const char *rule, const char *const *fields,
                             size_t count, struct err *err)
{
    enum status status = run(org, "DELETE FROM \"MatchingRuleItem\" WHERE \"MatchingRuleId\" = ?1",
                             rule, NULL, 0, 0, err);
    for (size_t i = 0; i < count && status == OK; i++) {
        char id[19], *name = mem_printf("%s.%zu", rule, i);
        const char *texts[] = {rule, fields[i]};
        org_setup_id(org, "0JE", name, id);
        status = run(org,
                     "INSERT OR REPLACE INTO \"MatchingRuleItem\" (\"Id\", " STAMPS
                     ", \"MatchingRuleId\", \"Field\", \"SortOrder\", \"MatchingMethod\","
                     " \"BlankValueBehavior\")"
                     " VALUES (?1, 0, ?2, ?2, ?2, ?3, ?4, ?5, 'Exact', 'NullNotAllowed')",
                     id, texts, 2, (int)i + 1, err);
        free(name);
    }
    return status;
}

enum status rule_rows_drop(struct org *org, const char *name, struct err *err)
{
    if (ready(org) != OK)
        return err_set(err, ERR_IO, "the objects of duplicate rules cannot be written");
    return run(org, "DELETE FROM \"DuplicateRule\" WHERE \"DeveloperName\" = ?1 COLLATE NOCASE",
               name, NULL, 0, 0, err);
}

enum status rule_rows_put(struct org *org, const struct rule_rows *rows, struct err *err)
{
    char rule[19], matching[19];
    const char *rule_texts[] = {rows->name, rows->object};
    const char *matching_texts[] = {rows->matching_rule, rows->match_object, rows->engine};
    if (rule_rows_drop(org, rows->name, err) != OK) /* whatever its case */
        return FAIL;
    org_setup_id(org, "0Bm", rows->name, rule);
    org_setup_id(org, "0JD", rows->matching_rule, matching);
    if (run(org,
            "INSERT OR REPLACE INTO \"DuplicateRule\" (\"Id\", " STAMPS
            ", \"DeveloperName\", \"MasterLabel\", \"SobjectType\", \"IsActive\", \"Language\","
            " \"SobjectSubtype\") VALUES (?1, 0, ?2, ?2, ?2, ?3, ?3, ?4, ?5, 'en_US', 'None')",
            rule, rule_texts, 2, rows->active, err) != OK ||
        run(org,
            "INSERT OR REPLACE INTO \"MatchingRule\" (\"Id\", " STAMPS
            ", \"DeveloperName\", \"MasterLabel\", \"SobjectType\", \"MatchEngine\", "
            "\"RuleStatus\","
            " \"Language\", \"SobjectSubtype\") VALUES (?1, 0, ?2, ?2, ?2, ?3, ?3, ?4, ?5,"
            " iif(?6, 'Active', 'Inactive'), 'en_US', 'None')",
            matching, matching_texts, 3, 1, err) != OK)
        return FAIL;
    return put_items(org, matching, rows->match_fields, rows->field_count, err);
}
