/* report_priv.h - what the files of this room share.
 *
 *   types.c       report types, and the columns standard ones have always had
 *   columns.c     a column's name to a path through the schema
 *   definition.c  reportMetadata to struct report and back
 *   filters.c     filters, filter logic, dates and scope to a SOQL condition
 *   groups.c      groups and their sums
 *   run.c         the query, and rows into groups
 *   labels.c      values as an en_US user reads them
 *   facts.c       the answer of a run
 *   describe.c    the answer of a describe */
#ifndef LOCALORG_REPORT_REPORT_PRIV_H
#define LOCALORG_REPORT_REPORT_PRIV_H

#include "base/str.h"
#include "localorg/report/report.h"
#include "localorg/soql/soql.h"
#include "localorg/soql/zone.h"

enum { GROUPINGS_MAX = 3, COLUMNS_MAX = 100, FILTERS_MAX = 20 };

enum column_type { /* dataType, in the order of column_type_name */
                   COLUMN_STRING,
                   COLUMN_TEXTAREA,
                   COLUMN_PICKLIST,
                   COLUMN_MULTIPICKLIST,
                   COLUMN_BOOLEAN,
                   COLUMN_INT,
                   COLUMN_DOUBLE,
                   COLUMN_CURRENCY,
                   COLUMN_PERCENT,
                   COLUMN_DATE,
                   COLUMN_DATETIME,
                   COLUMN_TIME,
                   COLUMN_PHONE,
                   COLUMN_EMAIL,
                   COLUMN_URL,
                   COLUMN_ID,
                   COLUMN_HTML
};

struct report_column {
    const char *name;    /* "ACCOUNT.NAME", "Account.Rating__c" */
    const char *path;    /* SOQL: "Account.Name" */
    const char *id_path; /* of a record's name: where its id is; NULL */
    const char *label;
    const struct field *field;
    enum column_type type;
    bool date_only; /* a datetime that is shown and filtered as its day */
    bool lookup;    /* the name of a parent */
};

struct report_type {
    const char *name, *label;
    const struct sobject *object;
};

/* A column name that does not follow from the schema. */
struct old_column {
    const char *type, *name, *path;
    const char *label; /* NULL: the field's */
    bool date_only;
};
extern const struct old_column old_columns[];
extern const size_t old_column_count;

enum granularity {
    BY_VALUE,
    BY_DAY,
    BY_WEEK,
    BY_MONTH,
    BY_QUARTER,
    BY_YEAR,
    BY_FISCAL_QUARTER,
    BY_FISCAL_YEAR,
    BY_MONTH_IN_YEAR,
    BY_DAY_IN_MONTH
};

struct report_grouping {
    const struct report_column *column;
    enum granularity granularity;
    bool descending;
    int sort_aggregate; /* index into aggregates; -1: by the group's own value */
};

enum aggregate_kind { ROW_COUNT, SUM, AVERAGE, MINIMUM, MAXIMUM, UNIQUE };

struct report_aggregate {
    const char *name; /* "s!AMOUNT" */
    enum aggregate_kind kind;
    const struct report_column *column; /* NULL for ROW_COUNT */
};

struct report_filter {
    const char *operator, * value;
    const struct report_column *column;
    const struct json *json; /* as it came */
};

struct date_filter { /* inclusive; days since 1970, INT64_MIN / MAX when open */
    const struct report_column *column;
    const char *duration;
    int64_t start, end;
};

enum report_format { TABULAR, SUMMARY, MATRIX };

struct report {
    struct arena *arena;
    struct report_context context;
    const struct json *stored, *changes;
    struct report_type type;
    enum report_format format;
    const struct report_column *columns[COLUMNS_MAX];
    size_t column_count;
    struct report_grouping down[GROUPINGS_MAX], across[GROUPINGS_MAX];
    size_t down_count, across_count;
    struct report_aggregate aggregates[COLUMNS_MAX];
    size_t aggregate_count;
    struct report_filter filters[FILTERS_MAX];
    size_t filter_count;
    const char *boolean_filter, *scope;
    struct date_filter date;
    const struct report_column *sort_column;
    bool sort_descending;
    int64_t row_limit; /* topRows; 0 = none */
    const struct zone *zone;
    int64_t today; /* days since 1970, in the user's zone */
};

/* --- types.c --- */
bool type_find(const struct report_context *context, const char *name, struct arena *arena,
               struct report_type *out);

/* --- columns.c --- */
const char *column_type_name(enum column_type type);
bool column_type_is_number(enum column_type type);
bool column_type_is_date(enum column_type type);
/* NULL when there is no such column, or the user may not read it. */
const struct report_column *column_find(struct arena *arena, const struct report_context *context,
                                        const struct report_type *type, const char *name);
/* The column of this SOQL path, by its old name when it has one. */
const struct report_column *column_of_path(struct arena *arena,
                                           const struct report_context *context,
                                           const struct report_type *type, const char *path);

/* --- definition.c --- */
/* A member of the definition: the change's, or the stored one. */
const struct json *report_member(const struct report *report, const char *name);
const char *granularity_name(enum granularity granularity);

/* --- filters.c --- */
bool operator_known(enum column_type type, const char *name);
/* Reads a standard date filter's duration; false when unknown. */
bool duration_range(const char *duration, int64_t today, int64_t *start, int64_t *end);
/* Appends the condition, without WHERE; nothing when there is none. */
enum status filters_write(const struct report *report, struct buf *soql, struct err *err);

/* --- groups.c --- */
struct total { /* one aggregate of one group */
    double sum, min, max;
    int64_t count; /* values that are not null; rows for ROW_COUNT; distinct ones for UNIQUE */
};

struct group {
    struct group *parent, *first, *next;
    const char *label;
    const char *value; /* a finished JSON value */
    const char *id;    /* what makes it the same group */
    double order;      /* sorts before `text`; nulls are -infinity */
    const char *text;
    const char *key; /* "0_1", set by groups_sort */
    size_t number;   /* 0 is the grand total */
    size_t depth;
};

struct fact {
    size_t down, across;
    struct total *totals;
    struct buf rows; /* finished JSON, of the innermost groups */
    struct fact *next;
};

struct groups {
    struct arena *arena;
    struct group down, across; /* the grand totals, roots of both trees */
    size_t down_count, across_count;
    struct map *index, *facts, *seen;
    struct fact *first, *last;
};

void groups_open(struct groups *groups, struct arena *arena);
void groups_close(struct groups *groups);
struct fact *groups_fact(struct groups *groups, const struct report *report,
                         const struct group *down, const struct group *across, bool make);
/* The child of `parent` with this identity, made when new (*fresh). */
struct group *groups_child(struct groups *groups, bool across, struct group *parent, const char *id,
                           bool *fresh);
void total_add(struct groups *groups, struct fact *fact, const struct report *report, size_t i,
               const char *text, double number, bool is_null);
/* Orders both trees and gives every group its key. */
void groups_sort(struct groups *groups, const struct report *report);
double total_value(const struct report_aggregate *aggregate, const struct total *total,
                   bool *is_null);

/* --- labels.c --- */
/* A value of a result row, from column `at`. */
struct cell {
    sqlite3_value *value, *id; /* id NULL unless the column is a record's name */
};
const char *cell_label(const struct report *report, const struct report_column *column,
                       struct arena *arena, sqlite3_value *value);
/* {"label","value"} of a detail row. */
void cell_json(const struct report *report, const struct report_column *column, struct arena *arena,
               const struct cell *cell, struct jw *w);
void total_json(const struct report *report, const struct report_aggregate *aggregate,
                const struct total *total, struct jw *w);
/* Label, value, id and order of the group a cell belongs to. */
void group_describe(const struct report *report, const struct report_grouping *grouping,
                    struct arena *arena, const struct cell *cell, struct group *group);
/* The day of a date or datetime value in the user's zone. */
int64_t cell_day(const struct report *report, const struct report_column *column,
                 sqlite3_value *value);
const char *day_text(struct arena *arena, int64_t day); /* 2026-01-31 */

/* --- run.c --- */
struct run {
    const struct report *report;
    struct arena *arena;
    struct groups groups;
    int64_t rows; /* that the filters let through */
    size_t shown; /* detail rows kept */
    bool all_data;
};
enum status run_rows(struct run *run, bool details, struct err *err);

/* --- describe.c --- */
void extended_metadata_json(const struct report *report, struct jw *w);

#endif
