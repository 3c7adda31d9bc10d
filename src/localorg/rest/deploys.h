/* deploys.h - deployments of a site and their results. A deployment is done when
 * deploys_run returns; its result is kept in memory, the newest hundred of them. */
#ifndef LOCALORG_REST_DEPLOYS_H
#define LOCALORG_REST_DEPLOYS_H

#include "localorg/metadata/deploy.h"
#include "localorg/rest/call.h"

struct deploys;
struct deploys *deploys_new(void);
void deploys_free(struct deploys *deploys); /* NULL is fine */

/* The caller has the org for itself. */
enum status deploys_run(struct call *call, const void *zip, size_t len,
                        const struct deploy_options *options, char id[19], struct err *err);
/* DeployResult as a tree on the call's arena; without `details` no messages. NULL:
 * no such deployment. */
const struct json *deploys_result(struct call *call, const char *id, bool details);

#endif
