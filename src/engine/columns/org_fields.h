/* org_fields.h - what the Salesforce kinds share: objects, fields, keys. */
#ifndef ARGIL_ENGINE_COLUMNS_ORG_FIELDS_H
#define ARGIL_ENGINE_COLUMNS_ORG_FIELDS_H

#include "engine/run_priv.h"

/* Recipe checks: NULL when an error was added. */
const struct crm_object *kind_object(struct kind_check *check);
/* `option` is the option the name stands in; the error's path is "option/name". */
const struct crm_field *kind_field(struct kind_check *check, const struct crm_object *object,
                                   const char *option, const char *name);

/* A member of `set`: a field, or "Account.Ext__c", a parent by a key of its own; then the
 * lookup field (AccountId). The parent's key must be an External ID or findable by Id. */
const struct crm_field *kind_set_field(struct kind_check *check, const struct crm_object *object,
                                       const char *name);
/* The lookup field behind a relationship's name; *parent = the object it leads to (of several
 * kinds of parent the user). NULL when there is none. */
const struct crm_field *org_link(const struct crm_object *object, const char *name, size_t len,
                                 const char **parent);

/* The session of the column's `connection`. */
struct job_session *batch_session(struct column_batch *batch, struct err *err);
/* match_fields and keys of a look-up from a mapping field -> template. */
enum status batch_lookup_keys(struct column_batch *batch, const struct json *match,
                              struct crm_lookup *lookup, struct err *err);

#endif
