/* views_priv.h - what the files over list views, reports and queries share.
 *
 * rows.c is the door: it opens a reader of one of the three kinds. soql_shape.c
 * is pure. */
#ifndef ARGIL_CONNECT_SALESFORCE_VIEWS_PRIV_H
#define ARGIL_CONNECT_SALESFORCE_VIEWS_PRIV_H

#include "connect/connect_views.h"
#include "connect/salesforce/sf_priv.h"

struct rows_kind {
    enum status (*open)(struct crm_rows_reader *reader, struct err *err); /* sets reader->own */
    enum status (*next)(struct crm_rows_reader *reader, struct arena *arena, struct crm_rows *out,
                        struct err *err);
    void (*close)(struct crm_rows_reader *reader); /* may be NULL */
};

struct crm_rows_reader {
    struct sf *sf;
    struct arena *arena; /* until close */
    struct crm_rows_read read;
    const struct rows_kind *kind;
    void *own;
    bool finished;
};
extern const struct rows_kind sf_query_rows, sf_report_rows, sf_list_view_rows;

/* A JSON value as a cell's text. */
struct value sf_cell(const struct json *json, struct arena *arena);

/* soql_shape.c */
enum status sf_query_shape(struct arena *arena, const char *soql, struct crm_query_shape *out,
                           struct err *err);
/* The condition behind WHERE at the query's own level, NULL = none; on the arena. */
const char *soql_where_of(struct arena *arena, const char *soql);

/* list_view.c */
enum status sf_list_view(struct crm_session *session, struct arena *arena, const char *object,
                         const char *ref, struct crm_list_view *out, struct err *err);

/* report.c */
enum status sf_report(struct crm_session *session, struct arena *arena, const char *ref,
                      struct crm_report *out, struct err *err);

/* A report as describe gives it, and one run of it, taken apart. */
struct report_column {
    const char *name, *label, *type;
    bool grouping;
};
struct report_shape {
    const char *id, *name, *format;
    const struct json *metadata;   /* reportMetadata */
    struct report_column *columns; /* groupings down, across, then details */
    size_t column_count, grouping_count;
    struct report_column *choices; /* every column of its type that a filter may name */
    size_t choice_count;
};
enum status report_describe(struct sf *sf, struct arena *arena, const char *id,
                            struct report_shape *out, struct err *err);
const struct report_column *report_column(const struct report_shape *shape, const char *name);

struct report_cell {
    const struct json *value;
    const char *label;
};
struct report_run {
    bool all;                  /* allData */
    int64_t total;             /* RowCount over everything, -1 = not told */
    struct report_cell *cells; /* count x shape->column_count */
    size_t count;
};
/* body NULL: as it is kept. Otherwise changes of reportMetadata, and the shape that they make. */
enum status report_execute(struct sf *sf, struct arena *arena, const struct report_shape *shape,
                           const char *body, struct report_run *out, struct err *err);
/* A cell as text; `id`: the id of the record whose name it shows. */
struct value report_value(const struct report_column *column, const struct report_cell *cell,
                          bool id, struct arena *arena);

extern const struct crm_views salesforce_views;

#endif
