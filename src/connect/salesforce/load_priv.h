/* load_priv.h - writes by Bulk API 2.0 ingest jobs, between its files: load.c talks
 * about the job, load_csv.c packs rows, load_results.c finds them in the results. */
#ifndef ARGIL_CONNECT_SF_LOAD_PRIV_H
#define ARGIL_CONNECT_SF_LOAD_PRIV_H

#include "base/csv.h"
#include "connect/connect_bulk.h"
#include "connect/salesforce/sf_priv.h"

#define LOAD_ROWS_MOST   50000              /* of one job: five batches of Salesforce's */
#define LOAD_BYTES_MOST  ((size_t)95 << 20) /* 100 MB is the limit of an upload */
#define LOAD_FIELD_MOST  131072             /* characters */
#define LOAD_RECORD_MOST 400000

extern const struct crm_bulk salesforce_bulk;

/* Objects that the Bulk API refuses are few, and describe does not name them. */
bool load_can(const struct crm_object *object);

/* The column that tells the rows of a job apart, "Id" or a key; NULL = whole rows do. */
const char *load_key(const struct crm_job_ask *ask, const struct crm_write *write);

/* The cells of a write by column name: put(ctx, name, text, len). NULL, or why it cannot
 * travel as a row. */
typedef void load_cell_fn(void *ctx, const char *name, const char *text, size_t len);
const char *load_cells(struct arena *arena, const struct crm_job_ask *ask,
                       const struct crm_write *write, load_cell_fn *put, void *ctx);

enum status load_pack(struct crm_session *session, const struct crm_job_ask *ask,
                      const struct crm_write *writes, size_t count, struct arena *arena,
                      struct crm_pack *out, struct err *err);
enum status load_results(struct crm_session *session, const struct crm_job *job,
                         const struct crm_job_ask *ask, const struct crm_job_row *rows,
                         size_t count, struct arena *arena, struct crm_outcome *outcomes,
                         struct err *err);

#endif
