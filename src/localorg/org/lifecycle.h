/* lifecycle.h - what happens to records beyond create, update and delete:
 * merging duplicates, converting leads.
 *
 * Each request is one transaction: it is done whole or not at all. Sources: SOAP
 * API guide, merge() and convertLead(). */
#ifndef LOCALORG_ORG_LIFECYCLE_H
#define LOCALORG_ORG_LIFECYCLE_H

#include "localorg/org/dml.h"

#define MERGE_MAX 2 /* losers of one merge */

struct merge_request {
    const struct sobject *object;
    const char *master_id;
    const struct json *body; /* values the master takes; may be NULL */
    const char *ids[MERGE_MAX];
    size_t count;
};

struct merge_result {
    bool success;
    char id[19];
    struct dml_error *errors;
    char merged[MERGE_MAX][19];
    size_t merged_count;
    const char **related; /* records that now point at the master */
    size_t related_count;
};

/* Account, Contact, Lead (and Case): what points at the losers points at the
 * master, the losers go to the recycle bin with MasterRecordId. FAIL only when the
 * org itself failed. */
enum status org_merge(struct org *org, const struct dml_options *options,
                      const struct merge_request *request, struct merge_result *result,
                      struct arena *arena, struct err *err);

struct convert_request {
    const char *lead_id, *converted_status; /* required */
    const char *account_id, *contact_id, *opportunity_id, *opportunity_name, *owner_id; /* or NULL */
    bool no_opportunity, overwrite_lead_source;
};

struct convert_result {
    bool success;
    char lead_id[19], account_id[19], contact_id[19], opportunity_id[19];
    struct dml_error *errors;
};

enum status org_convert_lead(struct org *org, const struct dml_options *options,
                             const struct convert_request *request, struct convert_result *result,
                             struct arena *arena, struct err *err);

#endif
