/* dml.h - creating, changing and deleting records as Salesforce does it: field
 * access, types, lengths, picklists, required fields, references, unique
 * fields, validation and duplicate rules, defaults, audit fields.
 *
 * Every call is one transaction. With all_or_none one bad row undoes all;
 * without, good rows stay. Results come in input order. */
#ifndef LOCALORG_ORG_DML_H
#define LOCALORG_ORG_DML_H

#include "localorg/org/org.h"

enum dml_kind { DML_INSERT, DML_UPDATE, DML_UPSERT, DML_DELETE, DML_UNDELETE, DML_PURGE };

struct dml_options {
    const char *user_id; /* who writes: audit fields, access */
    bool all_or_none;
    bool duplicate_allow_save;     /* Sforce-Duplicate-Rule-Header: allowSave=true */
    bool duplicate_record_details; /* includeRecordDetails=true */
    bool system;      /* load and seed: may set audit fields, skips access checks and duplicate rules */
    bool internal;    /* beside system: part of somebody's change, told as one */
    bool update_only; /* upsert that never inserts */
    double api_version;
    const char *assignment; /* lead and case assignment: NULL = no, "" = the active rule, or an id */
    const char *origin; /* for change events: "com/salesforce/api/rest/66.0;client=X"; may be NULL */
};

struct dml_row {
    const struct sobject *object;
    const struct json *body; /* the record as sent; "attributes" ignored; nested {Rel__r:{Ext__c:v}} resolves parents */
    const char *id;          /* update, delete: the target, 15 or 18 characters */
    const struct field *key; /* upsert: the key field (Id, external id or idLookup) */
    const char *key_value;   /* upsert: its value when not in the body */
};

struct dml_error {
    const char *status_code; /* "REQUIRED_FIELD_MISSING" */
    const char *message;     /* Salesforce's own words (salesforce-data 2.6) */
    const char **fields;
    size_t field_count;
    struct dml_error *next;
};

struct dml_match { /* one record a duplicate rule matched */
    const char *id18, *object, *record_json; /* record_json only with includeRecordDetails */
    struct dml_match *next;
};

struct dml_result {
    bool success, created;
    char id[19];
    struct dml_error *errors;
    /* duplicate rule hit (DUPLICATES_DETECTED): for the single-row error body */
    const char *duplicate_rule, *matching_rule, *match_engine, *duplicate_entity;
    bool duplicate_may_save; /* alert rule: allowSave can override */
    struct dml_match *matches;
    /* upsert found several: ids, for HTTP 300 */
    const char **several;
    size_t several_count;
};

/* Results live on the arena. FAIL only when the org itself failed (disk,
 * SQLite); a refused row is a result. */
enum status org_dml(struct org *org, enum dml_kind kind, const struct dml_options *options,
                    const struct dml_row *rows, size_t count, struct dml_result *results,
                    struct arena *arena, struct err *err);

/* Rules, replaced as a whole by name. JSON forms are documented in docs/localorg/rules.md:
 *   duplicate: {"name","object","fields":[..],"action":"block"|"alert","message","matching_rule","active"}
 *   validation: {"name","object","when":"<SOQL condition that makes it invalid>","message","field"} */
enum status org_put_rule(struct org *org, const struct json *rule, struct err *err);
enum status org_drop_rule(struct org *org, const char *name, struct err *err); /* ERR_NOT_FOUND */
void org_rules_json(struct org *org, struct jw *w); /* an array of all of them */

#endif
