/* bulk_export.h - query jobs: what may be asked, and pages of the answer. */
#ifndef LOCALORG_REST_BULK_EXPORT_H
#define LOCALORG_REST_BULK_EXPORT_H

#include "localorg/rest/bulk.h"
#include "localorg/soql/soql.h"

/* The plan of the job's SOQL, as its user sees the org now. NULL with *err set. */
struct soql_plan *bulk_export_plan(struct arena *arena, struct org *org, const struct bulk_job *job,
                                   struct err *err);
/* Why the Bulk API does not take this query, or NULL. */
const char *bulk_export_refuses(const struct soql_plan *plan);
/* The header line and rows [from, from + rows) of a finished job. */
enum status bulk_export_page(struct bulk *bulk, struct bulk_job *job, int64_t from, int64_t rows,
                             struct buf *out, struct err *err);

#endif
