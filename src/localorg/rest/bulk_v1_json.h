/* bulk_v1_json.h - batches of Bulk API 1 in JSON: rows in, results and rows out. */
#ifndef LOCALORG_REST_BULK_V1_JSON_H
#define LOCALORG_REST_BULK_V1_JSON_H

#include "localorg/org/dml.h"
#include "localorg/rest/bulk.h"
#include "localorg/soql/soql.h"

/* A batch, [{"Name":"A","Owner":{"Ext__c":"x"}}, ..], as the CSV that the loader reads: a column
 * for every member that any row has, in the order of their first appearance. Null is #N/A; what
 * a row does not have says nothing. FAIL with *err set when it is no list of flat records, or
 * longer than 10,000. */
enum status bulk_v1_json_rows(struct arena *arena, const struct bulk_job *batch,
                              const struct buf *sent, struct buf *csv, struct err *err);
/* One entry of a batch's result. */
void bulk_v1_json_result(const struct dml_result *result, bool first, struct buf *out);
/* One row of a query, from how REST prints it: dates and datetimes become milliseconds. */
void bulk_v1_json_record(const struct soql_node *nodes, const struct json *record, struct buf *out);

#endif
