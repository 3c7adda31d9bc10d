/* fixture.c - the small org of fixture.h. */
#include "fixture.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct spec {
    const char *name, *type, *extra; /* extra attributes, JSON members */
};

#define USABLE                                                                                     \
    "\"filterable\":true,\"sortable\":true,\"groupable\":true,\"aggregatable\":true,"              \
    "\"nillable\":true,\"createable\":true,\"updateable\":true"

#define LOOKUP(object, relationship)                                                               \
    "\"referenceTo\":[\"" object "\"],\"relationshipName\":\"" relationship "\""

#define SYSTEM                                                                                     \
    {"Id", "id", "\"nillable\":false"}, {"IsDeleted", "boolean", "\"nillable\":false"},            \
        {"CreatedDate", "datetime", "\"nillable\":false"},                                         \
        {"LastModifiedDate", "datetime", "\"nillable\":false"},                                    \
        {"CreatedById", "reference", LOOKUP("User", "CreatedBy")},                                 \
        {"LastModifiedById", "reference", LOOKUP("User", "LastModifiedBy")},                       \
    {                                                                                              \
        "SystemModstamp", "datetime", "\"nillable\":false"                                         \
    }

static const struct spec user_fields[] = {SYSTEM,
                                          {"Name", "string", "\"nameField\":true"},
                                          {"FirstName", "string", NULL},
                                          {"LastName", "string", NULL},
                                          {"Username", "string", NULL},
                                          {"Email", "email", NULL},
                                          {"IsActive", "boolean", "\"nillable\":false"},
                                          {"ProfileId", "reference", LOOKUP("Profile", "Profile")},
                                          {0}};

static const struct spec profile_fields[] = {SYSTEM, {"Name", "string", "\"nameField\":true"}, {0}};

static const struct spec group_fields[] = {
    SYSTEM, {"Name", "string", "\"nameField\":true"}, {"Type", "picklist", NULL}, {0}};

static const struct spec account_fields[] = {
    SYSTEM,
    {"Name", "string", "\"nameField\":true,\"nillable\":false,\"length\":255"},
    {"OwnerId", "reference", LOOKUP("User", "Owner")},
    {"ParentId", "reference", LOOKUP("Account", "Parent")},
    {"Industry", "picklist",
     "\"picklistValues\":[{\"value\":\"Energy\",\"label\":\"Power\",\"active\":true},"
     "{\"value\":\"Banking\",\"label\":\"Banks\",\"active\":true},"
     "{\"value\":\"Apparel\",\"label\":\"Clothes\",\"active\":true}]"},
    {"Description", "textarea", "\"filterable\":false,\"sortable\":false,\"groupable\":false"},
    {"AnnualRevenue", "currency", "\"scale\":2"},
    {"NumberOfEmployees", "int", NULL},
    {"Active__c", "boolean", "\"custom\":true,\"nillable\":false"},
    {"Founded__c", "date", "\"custom\":true"},
    {"Opens__c", "time", "\"custom\":true"},
    {"Rating__c", "double", "\"custom\":true,\"scale\":3"},
    {"Secret__c", "string", "\"custom\":true"},
    {"Code__c", "string", "\"custom\":true,\"caseSensitive\":true,\"unique\":true"},
    {"Topics__c", "multipicklist", "\"custom\":true"},
    {"BillingAddress", "address", "\"sortable\":false,\"groupable\":false"},
    {"BillingStreet", "textarea", "\"compoundFieldName\":\"BillingAddress\""},
    {"BillingCity", "string", "\"compoundFieldName\":\"BillingAddress\""},
    {"BillingState", "string", "\"compoundFieldName\":\"BillingAddress\""},
    {"BillingPostalCode", "string", "\"compoundFieldName\":\"BillingAddress\""},
    {"BillingCountry", "string", "\"compoundFieldName\":\"BillingAddress\""},
    {"BillingLatitude", "double", "\"compoundFieldName\":\"BillingAddress\""},
    {"BillingLongitude", "double", "\"compoundFieldName\":\"BillingAddress\""},
    {"BillingGeocodeAccuracy", "picklist", "\"compoundFieldName\":\"BillingAddress\""},
    {0}};

static const struct spec contact_fields[] = {
    SYSTEM,
    {"Name", "string", "\"nameField\":true"},
    {"LastName", "string", "\"nillable\":false"},
    {"FirstName", "string", NULL},
    {"Email", "email", NULL},
    {"AccountId", "reference", LOOKUP("Account", "Account")},
    {"ReportsToId", "reference", LOOKUP("Contact", "ReportsTo")},
    {0}};

static const struct spec opportunity_fields[] = {
    SYSTEM,
    {"Name", "string", "\"nameField\":true"},
    {"AccountId", "reference", LOOKUP("Account", "Account")},
    {"StageName", "picklist",
     "\"picklistValues\":[{\"value\":\"Prospecting\",\"label\":\"Prospecting\",\"active\":true},"
     "{\"value\":\"Won\",\"label\":\"Closed Won\",\"active\":true},"
     "{\"value\":\"Lost\",\"label\":\"Closed Lost\",\"active\":true}]"},
    {"Amount", "currency", "\"scale\":2"},
    {"CloseDate", "date", NULL},
    {"IsWon", "boolean", "\"nillable\":false"},
    {0}};

static const struct spec task_fields[] = {
    SYSTEM,
    {"Subject", "combobox", NULL},
    {"WhoId", "reference",
     "\"referenceTo\":[\"Contact\",\"User\"],\"relationshipName\":\"Who\",\"namePointing\":true,"
     "\"polymorphicForeignKey\":true"},
    {"WhatId", "reference",
     "\"referenceTo\":[\"Account\",\"Opportunity\"],\"relationshipName\":\"What\","
     "\"namePointing\":true,\"polymorphicForeignKey\":true"},
    {"OwnerId", "reference",
     "\"referenceTo\":[\"Group\",\"User\"],\"relationshipName\":\"Owner\",\"namePointing\":true,"
     "\"polymorphicForeignKey\":true"},
    {"ActivityDate", "date", NULL},
    {0}};

static const struct object_spec {
    const char *name, *prefix, *children;
    const struct spec *fields;
} objects[] = {
    {"User", "005", "", user_fields},
    {"Profile", "00e", "", profile_fields},
    {"Group", "00G", "", group_fields},
    {"Account", "001",
     "{\"childSObject\":\"Contact\",\"field\":\"AccountId\",\"relationshipName\":\"Contacts\"},"
     "{\"childSObject\":\"Opportunity\",\"field\":\"AccountId\",\"relationshipName\":"
     "\"Opportunities\"},"
     "{\"childSObject\":\"Account\",\"field\":\"ParentId\",\"relationshipName\":\"ChildAccounts\"}",
     account_fields},
    {"Contact", "003",
     "{\"childSObject\":\"Task\",\"field\":\"WhoId\",\"relationshipName\":\"Tasks\"}",
     contact_fields},
    {"Opportunity", "006", "", opportunity_fields},
    {"Task", "00T", "", task_fields},
};

static void add_object(struct fixture *f, const struct object_spec *spec)
{
    struct buf json = BUF_INIT;
    buf_printf(&json,
               "{\"name\":\"%s\",\"label\":\"%s\",\"keyPrefix\":\"%s\",\"queryable\":true,"
               "\"createable\":true,\"childRelationships\":[%s],\"fields\":[",
               spec->name, spec->name, spec->prefix, spec->children);
    for (const struct spec *field = spec->fields; field->name; field++)
        buf_printf(&json, "%s{\"name\":\"%s\",\"label\":\"%s\",\"type\":\"%s\"," USABLE "%s%s}",
                   field == spec->fields ? "" : ",", field->name, field->name, field->type,
                   field->extra ? "," : "", field->extra ? field->extra : "");
    buf_str(&json, "]}");
    const struct json *describe = json_parse_buf(f->arena, &json, &f->err);
    if (!describe || org_add_describe(f->org, describe, &f->err) != OK) {
        fprintf(stderr, "describe of %s: %s\n", spec->name, f->err.message);
        abort();
    }
    buf_free(&json);
}

void sql_run(struct fixture *f, const char *sql)
{
    char *message = NULL;
    sqlite3 *db = org_write_begin(f->org);
    if (sqlite3_exec(db, sql, NULL, NULL, &message) != SQLITE_OK) {
        fprintf(stderr, "%s\nin %s\n", message, sql);
        abort();
    }
    org_write_end(f->org, true, &f->err);
}

static const char records[] =
    "INSERT INTO \"Profile\" (Id,IsDeleted,Name) VALUES ('00e000000000001AAA',0,'Admin');"
    "INSERT INTO \"User\" (Id,IsDeleted,Name,FirstName,LastName,Username,IsActive,ProfileId) VALUES"
    " ('" ANN "',0,'Ann Adams','Ann','Adams','ann@x.test',1,'00e000000000001AAA'),"
    " ('" BOB "',0,'Bob Brown','Bob','Brown','bob@x.test',0,NULL);"
    "INSERT INTO \"Group\" (Id,IsDeleted,Name,Type) VALUES ('00G000000000001AAA',0,'Line','Queue');"
    "INSERT INTO \"Account\" "
    "(Id,IsDeleted,Name,OwnerId,ParentId,Industry,Description,AnnualRevenue,"
    " NumberOfEmployees,Active__c,Founded__c,Opens__c,Rating__c,Secret__c,Code__c,Topics__c,"
    " BillingCity,BillingLatitude,BillingLongitude,CreatedDate,SystemModstamp) VALUES"
    " ('" ACME "',0,'Acme','" ANN "',NULL,'Banking','says \"hi\"',1250.5,10,1,'2020-02-29',"
    "  '09:30:00.000Z',1.125,'s1','Ab','red;blue','Paris',48.85,2.35,1795600800000,1795600800000),"
    " ('" GLOBEX "',0,'globex','" BOB "','" ACME "','Energy',NULL,139000000,NULL,0,'2026-11-24',"
    "  NULL,NULL,'s2','aB','blue','London',51.5,-0.12,1795514400000,1795514400000),"
    " ('" INITECH "',0,'Initech 100%','" ANN "','" GLOBEX "',NULL,'x',NULL,250,0,NULL,NULL,NULL,"
    "  NULL,'c_d',NULL,NULL,NULL,NULL,1790000000000,1790000000000),"
    " ('" HOOLI "',1,'Hooli','" ANN "',NULL,'Apparel',NULL,5,1,1,'2026-12-01',NULL,NULL,NULL,NULL,"
    "  NULL,NULL,NULL,NULL,1795600800000,1795600800000);"
    "INSERT INTO \"Contact\" (Id,IsDeleted,Name,FirstName,LastName,Email,AccountId,ReportsToId,"
    " CreatedDate,SystemModstamp) VALUES"
    " ('003000000000001AAA',0,'Jo Stone','Jo','Stone','jo@acme.test','" ACME "',NULL,1,1),"
    " ('003000000000002AAA',0,'Li Wood','Li','Wood','LI@acme.test','" ACME "','003000000000001AAA',"
    "  2,2),"
    " ('003000000000003AAA',0,'O''Dell',NULL,'O''Dell',NULL,'" GLOBEX "','003000000000002AAA',3,3),"
    " ('003000000000004AAA',0,'Nobody','','Nobody','n@n.test',NULL,NULL,4,4);"
    "INSERT INTO \"Opportunity\" (Id,IsDeleted,Name,AccountId,StageName,Amount,CloseDate,IsWon,"
    " CreatedDate) VALUES"
    " ('006000000000001AAA',0,'One','" ACME "','Won',100,'2026-01-15',1,1795600800000),"
    " ('006000000000002AAA',0,'Two','" ACME "','Prospecting',50.25,'2026-04-01',0,1795600800000),"
    " ('006000000000003AAA',0,'Three','" GLOBEX "','Won',NULL,'2025-12-31',1,1795600800000),"
    " ('006000000000004AAA',0,'Four',NULL,'Lost',10,NULL,0,1795600800000);"
    "INSERT INTO \"Task\" (Id,IsDeleted,Subject,WhoId,WhatId,OwnerId,ActivityDate) VALUES"
    " ('00T000000000001AAA',0,'Call','003000000000001AAA','" ACME "','" ANN "','2026-11-25'),"
    " ('00T000000000002AAA',0,'Mail','" BOB "','006000000000001AAA','00G000000000001AAA',"
    "  '2026-11-26'),"
    " ('00T000000000003AAA',0,'Rest',NULL,NULL,'" BOB "',NULL);";

static void add_user(struct fixture *f, const char *id, const char *name)
{
    struct org_user user = {.active = true};
    snprintf(user.id, sizeof user.id, "%s", id);
    snprintf(user.username, sizeof user.username, "%s", name);
    if (org_put_user(f->org, &user, &f->err) != OK) {
        fprintf(stderr, "user %s: %s\n", name, f->err.message);
        abort();
    }
}

struct fixture *fixture_new(void)
{
    struct fixture *f = mem_alloc(sizeof *f);
    f->world = world_fake(NOW_MS, 1);
    f->arena = arena_new();
    struct org_options options = {.world = f->world, .seed = 1};
    f->org = org_open(&options, &f->err);
    if (!f->org) {
        fprintf(stderr, "org_open: %s\n", f->err.message);
        abort();
    }
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++)
        add_object(f, &objects[i]);
    sql_run(f, records);
    add_user(f, ANN, "ann@x.test");
    add_user(f, BOB, "bob@x.test");
    f->context =
        (struct soql_context){.org = f->org, .user_id = ANN, .now_ms = NOW_MS, .api_version = 66};
    return f;
}

void fixture_free(struct fixture *f)
{
    org_close(f->org);
    arena_free(f->arena);
    buf_free(&f->out);
    free(f->world);
    free(f);
}

static const char *refused(struct fixture *f)
{
    buf_clear(&f->out);
    buf_printf(&f->out, "%s: %s", f->err.code, f->err.message);
    return buf_text(&f->out);
}

const char *answer(struct fixture *f, const char *soql)
{
    size_t written = 0;
    err_clear(&f->err);
    struct soql_plan *plan = soql_compile(f->arena, &f->context, soql, &f->err);
    if (!plan)
        return refused(f);
    struct soql_cursor *cursor = soql_open(f->org, plan, &f->err);
    if (!cursor)
        return refused(f);
    buf_clear(&f->out);
    enum status rc = soql_write_json(cursor, "/v", 10000, &f->out, &written, &f->err);
    int64_t counted = soql_total(cursor, &f->err);
    soql_close(cursor);
    if (rc != OK)
        return refused(f);
    if (counted != (int64_t)written && !plan->count_only) {
        buf_clear(&f->out);
        buf_printf(&f->out, "total %lld but %zu rows", (long long)counted, written);
    }
    return buf_text(&f->out);
}

const char *values(struct fixture *f, const char *soql)
{
    const char *json = answer(f, soql);
    struct buf array = BUF_INIT, text = BUF_INIT;
    if (f->err.code[0])
        return json;
    buf_printf(&array, "[%s]", json);
    const struct json *rows = json_parse_buf(f->arena, &array, &f->err);
    json_each(row, rows)
    {
        const struct json *value = row->first ? row->first->next : NULL;
        if (row != rows->first)
            buf_char(&text, ' ');
        if (json_is(value, JSON_TRUE) || json_is(value, JSON_FALSE))
            buf_str(&text, json_truth(value, false) ? "true" : "false");
        else
            buf_str(&text, json_text(value) ? json_text(value) : "null");
    }
    buf_clear(&f->out);
    buf_append(&f->out, buf_text(&text), text.len);
    buf_free(&array);
    buf_free(&text);
    return buf_text(&f->out);
}

int64_t total(struct fixture *f, const char *soql)
{
    int64_t counted = -1;
    err_clear(&f->err);
    struct soql_plan *plan = soql_compile(f->arena, &f->context, soql, &f->err);
    struct soql_cursor *cursor = plan ? soql_open(f->org, plan, &f->err) : NULL;
    if (cursor)
        counted = soql_total(cursor, &f->err);
    soql_close(cursor);
    return counted;
}

const char *query_plan(struct fixture *f, const char *soql)
{
    sqlite3_stmt *stmt = NULL;
    struct soql_plan *plan = soql_compile(f->arena, &f->context, soql, &f->err);
    if (!plan)
        return refused(f);
    sqlite3 *db = org_reader_take(f->org);
    char *sql = mem_printf("EXPLAIN QUERY PLAN %s", plan->sql);
    buf_clear(&f->out);
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK)
        while (sqlite3_step(stmt) == SQLITE_ROW)
            buf_printf(&f->out, "%s\n", (const char *)sqlite3_column_text(stmt, 3));
    else
        buf_printf(&f->out, "%s\n%s", sqlite3_errmsg(db), plan->sql);
    sqlite3_finalize(stmt);
    org_reader_give(f->org, db);
    free(sql);
    return buf_text(&f->out);
}
