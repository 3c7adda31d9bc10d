/* contract.h - the field contract of a connection: what may be written to its org.
 *
 * Without a contract the guards of the tables rule alone. With one, what is not listed
 * is not written (default: deny), by no table, column, run or undo:
 *
 *   connection: prod
 *   default: deny                 # or allow
 *   objects: { Lead: [create, update] }   # usual: create and update; delete only where named
 *   fields:
 *     - { field: Account.Industry, direction: write, status: active, rule: if_blank, ticket: OPS-112 }
 *     - { field: Lead.Phone, status: pending, rule: if_ours, when: contactable }
 *     - { field: Lead.Title, rule: if_newer, newer_than: Title_Seen__c }
 *     - { field: Lead.Industry, rule: ranked, sources: [person, registry, enricher] }
 *     - { field: "Contact.*", direction: read, sensitivity: personal }
 *   guards:
 *     contactable: "HasOptedOutOfEmail = false"    # SOQL condition; unknown counts as false
 *
 * The most specific entry holds: Lead.Phone before Lead.* before *. It is checked twice:
 * when a write is planned (rules against the live record), and at the last step before
 * the wire, against the contract as it is then. */
#ifndef ARGIL_ENGINE_CONTRACT_H
#define ARGIL_ENGINE_CONTRACT_H

#include "engine/engine.h"
#include "store/store_contracts.h"

enum contract_rule {
    RULE_ALWAYS,
    RULE_IF_BLANK, /* only where the record holds nothing */
    RULE_IF_OURS,  /* only over blanks and values that we wrote */
    RULE_SET_ONCE, /* only over blanks, and only when we never wrote it before */
    RULE_NEVER,
    RULE_IF_NEWER, /* over blanks, and where the column's as_of is later than the record's stamp */
    RULE_RANKED    /* over blanks, and over what came from a source of no better rank */
};
#define SOURCE_PERSON "person" /* in a ranked entry: a value that Argil did not write */
const char *contract_rule_name(enum contract_rule rule);

struct contract_field {
    const char *object, *field; /* "*" = any */
    bool reads, writes;         /* direction */
    bool active;                /* false: pending, configurable but inert */
    enum contract_rule rule;
    const char *when;        /* name of a guard, or NULL */
    const char *newer_than;  /* RULE_IF_NEWER: the date field that tells; NULL = SystemModstamp */
    const char **sources;    /* RULE_RANKED: best first */
    size_t source_count;
    const char *ticket, *sensitivity, *note; /* NULL = not given */
    int line;
};

struct contract {
    int64_t version; /* 0 = not stored */
    const char *connection;
    bool allow; /* what is not listed may be written */
    int64_t approve_above; /* runs with more writes want an approved plan; -1 = none do */
    struct contract_field *fields;
    size_t field_count;
    struct contract_object {
        const char *name;
        bool create, update, remove;
    } *objects;
    size_t object_count;
    struct contract_guard {
        const char *name, *condition;
    } *guards;
    size_t guard_count;
};

/* Reads a contract's YAML; `path` names it in errors. Every mistake is put into *errors with
 * its place; FAIL with ERR_RECIPE when there are any. On `arena`. */
enum status contract_parse(struct arena *arena, const char *path, const char *text,
                           struct contract *out, err_list *errors, struct err *err);
/* As CSV (field,direction,status,rule,when,ticket,sensitivity,note,newer_than,sources), and fields of such a CSV put
 * in place of those of the contract `text`: the new YAML. *out on `arena`. */
const char *contract_csv(struct arena *arena, const struct contract *contract);
enum status contract_from_csv(struct arena *arena, const char *path, const char *csv, size_t len,
                              const struct contract *old, const char **out, struct err *err);

/* The sources of a ranked entry as one text, "person, registry"; NULL = none. */
const char *contract_sources(struct arena *arena, const struct contract_field *field);
/* A source's place in the list, best = 0; -1 = it is not in it. */
int contract_rank(const struct contract_field *field, const char *source);
/* The entry that holds for a field; NULL = none. */
const struct contract_field *contract_entry(const struct contract *contract, const char *object,
                                            const char *field);
/* May this kind of operation touch this field at all (rules apart)? FAIL says why not:
 * "contract.denied", "contract.pending", "contract.operation". field NULL: only the operation. */
enum status contract_may(const struct contract *contract, enum op_kind kind, const char *object,
                         const char *field, struct err *err);
const char *contract_guard_of(const struct contract *contract, const char *name);

/* ------------------------------------------------------------ stored ones */

/* The newest contract of a connection. *out NULL: it has none. On `arena`. */
enum status contract_load(struct engine *engine, struct arena *arena, int64_t connection_id,
                          struct contract **out, struct err *err);

struct contract_change { /* of one entry, or (field NULL) of the rest */
    const char *field, *was, *is; /* NULL = not there */
};
struct contract_plan {
    struct contract contract;
    int64_t connection_id;
    int64_t version; /* the one it became; 0 for a dry run, or when nothing changed */
    struct contract_change *changes;
    size_t change_count;
};
/* Checks a contract against the org (objects, fields, guards) and stores it as the next version.
 * `check_org` false: the org is not asked. On `arena`; see contract_parse for errors. */
enum status contract_apply(struct engine *engine, struct arena *arena, const char *path,
                           const char *text, const char *ticket, const char *note, bool check_org,
                           bool dry_run, struct contract_plan *out, err_list *errors,
                           struct err *err);

/* For the auditor: every field that a column writes or the contract lists. */
struct contract_use {
    const char *object, *field;
    const struct contract_field *entry; /* NULL: none holds */
    const char *verdict;                /* "written", "listed, not used", "denied", "pending" */
    const char *writers;                /* "accounts.Write back, leads.New lead"; NULL = none */
};
enum status contract_report(struct engine *engine, struct arena *arena, const char *connection,
                            struct contract *contract, struct contract_use **out, size_t *count,
                            struct err *err);

#endif
