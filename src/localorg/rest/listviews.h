/* listviews.h - list views: what one shows, as columns, a condition and a query.
 *
 * A list view is a ListView record and, when a person made it, a document with
 * its definition (docs/localorg/listviews.md). One without a definition follows
 * its DeveloperName, as those Salesforce ships: All..., My..., NewThisWeek...,
 * RecentlyViewed.... */
#ifndef LOCALORG_REST_LISTVIEWS_H
#define LOCALORG_REST_LISTVIEWS_H

#include "localorg/rest/call.h"

#define LISTVIEW_COLUMNS_MAX 40
#define LISTVIEW_SORTS_MAX   3

struct listview { /* the record */
    char id[19];
    const char *name, *developer_name;
    bool soql;
};

struct listview_column {
    const char *path; /* "Owner.Alias" */
    const char *label;
    const char *selected; /* "toLabel(Type)" */
    const struct field *field;
    bool hidden;
};

enum listview_joint { LISTVIEW_ONE, LISTVIEW_AND, LISTVIEW_OR, LISTVIEW_NOT };
struct listview_condition {
    enum listview_joint joint;
    const char *field, *operator; /* LISTVIEW_ONE: "equals" */
    const char *values[50];       /* as SOQL writes them */
    size_t value_count;
    struct listview_condition *first, *next; /* of the others: what is joined */
};

struct listview_sort {
    const char *path;
    bool descending, nulls_last;
};

struct listview_shape { /* a view, understood */
    const struct sobject *object;
    struct listview_column columns[LISTVIEW_COLUMNS_MAX];
    size_t column_count;
    const char *scope; /* "mine", or NULL */
    const struct listview_condition *condition;
    struct listview_sort sorts[LISTVIEW_SORTS_MAX];
    size_t sort_count;
};

/* Reads a definition, as the session's user may see the object. NULL definition:
 * what the developer name says. A column the user may not read is left out; when
 * `strict`, it is an error, as is everything else that is not understood. */
enum status listview_read(struct call *call, const struct sobject *object,
                          const struct json *definition, const char *developer_name, bool strict,
                          struct listview_shape *out, struct err *err);
/* The view's query: with labels in place of picklist values, or without. */
const char *listview_soql(struct call *call, const struct listview_shape *shape, bool labels);
void listview_condition_json(const struct listview_condition *condition, struct jw *w);

/* The SOQL of the list view with this id; the text itself when it is none. */
const char *listviews_soql(struct call *call, const char *id_or_soql);

#endif
