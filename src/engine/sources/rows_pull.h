/* rows_pull.h - a list view, report or query of the connector, read as a whole.
 * Private to the salesforce_* sources. */
#ifndef ARGIL_ENGINE_SOURCES_ROWS_PULL_H
#define ARGIL_ENGINE_SOURCES_ROWS_PULL_H

#include "connect/connect_views.h"
#include "engine/sources/snapshot.h"

/* What a session offers; an error is set (or added at "connection") when it has none. */
const struct crm_views *rows_views(struct crm_session *session, struct err *err);
/* Lists columns as fields of the check; `labels`: table columns are called by their labels. */
void rows_fields(struct source_check *check, const struct crm_view_column *columns, size_t count,
                 bool labels);
/* One field by its name or label among check->fields. */
bool rows_field(struct source_check *check, const char *name, const char *where,
                struct source_field *out);

/* Reads everything. `columns` are those there are now; `id` is the one that holds the Id of the
 * row's record, NULL = none; `key_by_id`: rows are told apart by it. sync->subject is set. */
struct rows_pull {
    struct sync *sync;
    struct job_session *on;
    struct crm_rows_read read; /* columns are filled in here */
    const struct crm_view_column *columns;
    size_t column_count;
    const char *id;
    bool key_by_id;
    bool any_field;    /* the columns do not tell which field they show */
    int64_t row_count; /* out: rows that came */
};
enum status rows_pull(struct rows_pull *pull, struct err *err);

#endif
