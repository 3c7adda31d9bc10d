/* connect_views.h - what people keep in an org to look at records: list views,
 * reports, queries of their own.
 *
 * A connector without such things leaves connector.views NULL. Rows of all three
 * are read alike: columns are asked for by name, values come as text. Calls block
 * and are counted in session->calls; results live on the given arena. */
#ifndef ARGIL_CONNECT_VIEWS_H
#define ARGIL_CONNECT_VIEWS_H

#include "connect/connect.h"

struct crm_view_column {
    const char *name;  /* "Owner.Alias", "ACCOUNT.NAME", "expr0" */
    const char *label; /* "Account Name"; NULL = the name says it */
    const char *type;  /* a Salesforce type: "string", "currency", "id"; NULL = not told */
    const char *field; /* path from the object, when the column is a field of it; else NULL */
};

struct crm_list_view {
    const char *id, *name, *label, *object; /* name: DeveloperName */
    bool soql;                              /* `where` and `scope` say what it shows */
    const char *where;                      /* SOQL condition, NULL = every record */
    const char *scope;                      /* "mine", ...; NULL = everything */
    struct crm_view_column *columns;        /* as shown, Id last when it is not shown */
    size_t column_count;
};

struct crm_report {
    const char *id, *name, *format; /* "TABULAR", "SUMMARY", "MATRIX", ... */
    /* Groupings first, then details. A name of a record is its label; its id is the column
     * "NAME:id" beside it. */
    struct crm_view_column *columns;
    size_t column_count;
};

struct crm_query_shape {
    const char *object; /* after FROM */
    bool aggregate;
    struct crm_view_column *columns; /* in the order of the SELECT */
    size_t column_count;
};

enum crm_rows_from { CRM_ROWS_QUERY, CRM_ROWS_REPORT, CRM_ROWS_LIST_VIEW };
struct crm_rows_read {
    enum crm_rows_from from;
    const char *text;           /* the query */
    const char *id;             /* of the report or list view */
    const char *object;         /* of the list view */
    const char *const *columns; /* names */
    size_t column_count;
};
struct crm_rows {
    struct value *values; /* count x column_count */
    size_t count;
    int64_t total; /* rows that the remote says there are, else -1 */
    bool last;
};
struct crm_rows_reader;

struct crm_views {
    /* `ref` is an id, a developer name or a label. ERR_NOT_FOUND hints the nearest. */
    enum status (*list_view)(struct crm_session *, struct arena *, const char *object,
                             const char *ref, struct crm_list_view *out, struct err *);
    enum status (*report)(struct crm_session *, struct arena *, const char *ref,
                          struct crm_report *out, struct err *);
    /* From the text alone; what the remote thinks of it shows when it is read. */
    enum status (*query_shape)(struct arena *, const char *soql, struct crm_query_shape *out,
                               struct err *);
    struct crm_rows_reader *(*open)(struct crm_session *, const struct crm_rows_read *,
                                    struct err *);
    enum status (*next)(struct crm_rows_reader *, struct arena *, struct crm_rows *out,
                        struct err *);
    void (*close)(struct crm_rows_reader *); /* NULL is fine */
};

#endif
