/* org_write.h - the one way a column writes to an org.
 *
 * The write kinds differ in how they find what is there and what is left to
 * write; the rest is the same for all:
 *
 *   write_open      session, describe, guard, fields with their templates
 *   (kind)          keys, ids, look-ups: settles rows that need no write,
 *                   fills an intent for those that do
 *   write_intents   approval, guard, plan, send, settle
 *
 * org_fill.c turns templates into checked values, org_names.c owners and record
 * types given by name into Ids, org_send.c intents into operations. */
#ifndef ARGIL_ENGINE_COLUMNS_ORG_WRITE_H
#define ARGIL_ENGINE_COLUMNS_ORG_WRITE_H

#include "engine/columns/org_find.h"
#include "engine/journal.h"

enum overwrite { OVERWRITE_ALWAYS, OVERWRITE_IF_BLANK, OVERWRITE_NEVER };
extern const char *const overwrite_words[], *const if_changed_words[],
    *const transport_words[], *const dependent_words[]; /* NULL-terminated */

/* One member of `set`: a field, or a parent named by its own key ("Account.Ext__c"). */
struct write_field {
    const struct crm_field *field; /* what is written: Industry, or AccountId of that parent */
    const char *path;              /* as it is read back: "Industry", "Account.Ext__c" */
    const char *relationship;      /* the parent's name in the payload, or NULL */
    const struct crm_object *parent;
    const struct crm_field *parent_key; /* written as if we might write it: it is only compared */
    struct template template;
    enum overwrite rule;
    const struct contract_field *entry; /* of the contract; NULL = none holds */
};

/* What one row wants written. */
struct write_intent {
    enum op_kind kind;
    const char **values; /* checked JSON text for each field; NULL = leave it alone */
    const char *payload, *before;
    const char *base_stamp; /* of the record as it was read; NULL = it was not */
    const char *target_id; /* 18 characters; NULL for creates */
    const char *key_field; /* of the business key, where it is not the column's; NULL = it is */
    const char *key_value; /* business key, normalised; NULL = none */
    const struct json *more; /* further members of a new record's payload, or NULL */
    int64_t looked_ms;     /* when the org was asked for that key; 0 = it was not */
    struct op last;        /* the cell's newest operation; id 0 = none */
    size_t same_as;        /* index of an earlier row with the same key; own index = none */
    bool wanted;           /* an operation is to be planned */
    char op_key[37];
};

struct write_column {
    struct column_batch *batch;
    struct job_session *on;
    const struct crm_object *object;
    enum op_kind kind; /* of intents, unless the column's kind says otherwise for a row */
    struct write_field *fields;
    size_t field_count;
    const struct json *set;
    const struct contract *contract; /* of the connection, or NULL */
    bool ignore_blank;
    bool any_pair; /* dependent picklists take what the API takes */
    const char *key_field; /* business key; may be several names joined by '+' */
    struct mode mode;      /* of what it creates; changes by Id are always keyed */
    const char *source;    /* of its values, for ranked sources; NULL = not said */
    struct template as_of; /* text NULL = not said */
    const char *settings;  /* op.settings of all its operations, or NULL */
    const char **rotation; /* Ids of owners that take turns */
    size_t rotation_count;
    struct write_intent *intents; /* one for each row of the batch */
};

/* Rows of a kind's option table. */
#define WRITE_OVERWRITE                                                                            \
    {"overwrite", OPT_FIELD_RULES, false, "when a field that holds something is written",          \
     "always", overwrite_words, 0, 0}
#define WRITE_BLANKS                                                                               \
    {"ignore_blank_values", OPT_BOOL, false, "a blank value leaves the field alone", "true", NULL, \
     0, 0}
#define WRITE_DUPLICATES                                                                           \
    {"duplicate_rule_override", OPT_BOOL, false, "save although a duplicate rule warns", "false",  \
     NULL, 0, 0}
#define WRITE_DEPENDENT                                                                            \
    {"dependent_picklists", OPT_ENUM, false,                                                       \
     "a value that its controlling field does not allow: refuse it, or allow it as the API does",  \
     "refuse", dependent_words, 0, 0}
#define WRITE_IF_CHANGED                                                                           \
    {"if_changed", OPT_ENUM, false,                                                                \
     "when somebody changed the same field since it was read", "ask", if_changed_words, 0, 0}
#define WRITE_ASSIGN                                                                               \
    {"auto_assign", OPT_TEXT, false,                                                               \
     "assignment rules: on, off, or a rule's Id; usually on for new records without an owner",     \
     NULL, NULL, 0, 0}
#define WRITE_SOURCE                                                                               \
    {"source", OPT_TEXT, false,                                                                    \
     "where the values come from, for the contract's ranked sources", NULL, NULL, 0, 0}
#define WRITE_AS_OF                                                                                \
    {"as_of", OPT_TEMPLATE, false,                                                                 \
     "when the values were true (a date, or a datetime with zone), for the contract's if_newer",   \
     NULL, NULL, 0, 0}
#define WRITE_TRANSPORT                                                                            \
    {"transport", OPT_ENUM, false,                                                                 \
     "how writes travel: auto (by cost), collections, or bulk (one job, slow to begin, its results " \
     "are proof)",                                                                                 \
     "auto", transport_words, 0, 0}
#define WRITE_OWNERS                                                                               \
    {"owners", OPT_TEXT_LIST, false,                                                               \
     "users (e-mail, username or name) or queues who take turns as owner of new records", NULL,    \
     NULL, 0, 0}

/* Recipe check of `set`: fields exist and may be written; and of auto_assign and owners. */
void write_check_fields(struct kind_check *check, const struct crm_object *object,
                        enum op_kind kind);

/* FAIL: the column cannot run at all. *ready = false: the batch was put off. */
enum status write_open(struct write_column *w, struct column_batch *batch, enum op_kind kind,
                       bool *ready, struct err *err);
/* The same with fields that are not the option `set`. */
enum status write_open_set(struct write_column *w, struct column_batch *batch, enum op_kind kind,
                           const struct json *set, bool *ready, struct err *err);
/* Fills templates and checks values; refused rows get their result. */
enum status write_fill(struct write_column *w, struct err *err);
/* org_names.c: raw[i] given as a name becomes an Id; rows whose name means nobody, or several,
 * get their result. Only for references to users, queues and record types. */
bool names_apply(const struct write_field *field);
enum status names_resolve(struct write_column *w, const struct write_field *field,
                          struct value *raw, struct err *err);
/* Fills w->rotation. FAIL when an owner is not to be found. */
enum status names_rotation(struct write_column *w, struct err *err);
/* Names of all fields as they are read back, and what a change is compared with. */
const char **write_return_fields(struct write_column *w, size_t *count);
/* Loads each cell's newest operation; rows with one under way are left to the journal. */
enum status write_history(struct write_column *w, struct err *err);
/* Still to be decided: no result, not left to the journal. */
bool write_undecided(const struct write_column *w, size_t i);
/* Nothing to write: the cell shows the record. */
void write_settled(struct write_column *w, size_t i, const char *id, bool created);
/* The row changes this live record: keeps of values what differs and may be overwritten. When
 * nothing is left the row is settled, else it wants an update. */
void write_change(struct write_column *w, size_t i, const struct crm_match *live);
/* The row makes a new record of all its values, with the seal when there is one; refused when
 * a required field has none. */
void write_create(struct write_column *w, size_t i);
/* The row deletes this live record; what was read of it is the before-image. */
void write_delete(struct write_column *w, size_t i, const struct crm_match *live);
/* The key of the operation that this row's next write will be: the same after a restored backup. */
void write_op_key(struct write_column *w, size_t i);
/* Rows with a key of an earlier row of the batch follow it. */
void write_fold(struct write_column *w);
/* org_depend.c: a dependent picklist's value must be one that its controlling field allows, be
 * that written with it or held by the live record (NULL = a new one); else the row is refused
 * and the answer false. controller: the name of the field it depends on, to be read with the
 * record; NULL = on none, or any pair is allowed. */
bool write_pairs_fit(struct write_column *w, size_t i, const struct json *live);
const char *write_controller(const struct write_column *w, const struct write_field *field);
/* org_rules.c: the contract's rules that look further than the field itself. */
bool write_newer(struct write_column *w, size_t i, const struct contract_field *entry,
                 const struct json *record);
bool write_outranks(struct write_column *w, size_t i, const struct write_field *field,
                    bool ours);
/* org_contract.c. open: FAIL where the contract lets it not write at all. lets: does the field's
 * rule let this live value be written over? guards: rows whose record does not meet a guard
 * are refused; asks the org. */
enum status write_contract_open(struct write_column *w, struct err *err);
bool write_contract_lets(struct write_column *w, size_t i, const struct write_field *field,
                         const struct json *live, const struct json *record);
enum status write_contract_guards(struct write_column *w, struct err *err);
/* org_plan.c: with a plan in the run's options, only what it holds stays wanted. */
enum status write_keep_to_plan(struct write_column *w, struct err *err);
/* Plans and sends what is wanted. */
enum status write_intents(struct write_column *w, struct err *err);

#endif
