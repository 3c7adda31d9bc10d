/* deploy.h - a deployment: a zip with package.xml, applied whole or not at all.
 *
 * Files in Metadata API form (objects/X.object, permissionsets/X.permissionset,
 * ...), destructiveChanges*.xml too. With rollback_on_error, and always with
 * check_only, one refused component undoes everything. Source: Metadata API
 * guide, deploy(), DeployResult, DeployMessage. */
#ifndef LOCALORG_METADATA_DEPLOY_H
#define LOCALORG_METADATA_DEPLOY_H

#include "localorg/metadata/metadata.h"

struct deploy_options {
    bool check_only, rollback_on_error, ignore_warnings, allow_missing_files;
};

struct deploy_message {
    const char *type, *full_name, *file, *id; /* id NULL when refused */
    const char *problem;                      /* NULL when all is well */
    bool success, created, changed, deleted, warning;
    struct deploy_message *next;
};

struct deploy_result {
    bool success;
    const char *status;        /* "Succeeded", "SucceededPartial", "Failed" */
    const char *error_message; /* the archive itself was refused */
    size_t total, deployed, errors;
    struct deploy_message *messages; /* in order of the files */
};

/* Everything lives on meta->arena. FAIL only when the org itself failed. */
enum status deploy_run(const struct meta *meta, const void *zip, size_t len,
                       const struct deploy_options *options, struct deploy_result *out,
                       struct err *err);

#endif
