/* bulk_columns.h - the header line of an upload, understood: which field each
 * column fills, and a row of cells as the record that org_dml reads. */
#ifndef LOCALORG_REST_BULK_COLUMNS_H
#define LOCALORG_REST_BULK_COLUMNS_H

#include "base/str.h"
#include "localorg/org/dml.h"
#include "localorg/rest/bulk.h"

struct bulk_column {
    const char *name;          /* as the header spells it */
    const struct field *field; /* what it fills; the lookup, for a relationship column */
    const char *relationship;  /* "Owner" of Owner.Ext__c, or NULL */
    const char *parent_type;   /* the object the relationship points to */
    const struct field *parent_key;
};

struct bulk_columns {
    struct bulk_column *at;
    size_t count;
    int id; /* the column that names the record, or -1 */
    const struct sobject *object;
    const struct field *key; /* of an upsert */
};

/* Lives on the arena. NULL with *err set (InvalidBatch) when a column is none
 * that this job may have. */
struct bulk_columns *bulk_columns_read(struct arena *arena, struct org *org,
                                       const struct bulk_job *job, const struct str *names,
                                       size_t count, struct err *err);
/* One row: false with its refusal in *result when a cell cannot be a value of
 * its field. */
bool bulk_columns_row(struct arena *arena, const struct bulk_columns *columns,
                      const struct bulk_job *job, const struct str *cells, size_t count,
                      struct dml_row *row, struct dml_result *result);

#endif
