/* soql.h - SOQL text to one SQL statement over the org's tables.
 *
 * parse: text to tree, errors as Salesforce words them (MALFORMED_QUERY ...).
 * compile: names checked against the schema and the user's access
 * (INVALID_FIELD, INVALID_TYPE with row, column and caret), then SQL with bound
 * values, and the shape of a result row. No HTTP here; the statement is run by
 * the caller on a reader connection. Errors: err.code is Salesforce's errorCode,
 * err.message its full message. */
#ifndef LOCALORG_SOQL_SOQL_H
#define LOCALORG_SOQL_SOQL_H

#include "base/buf.h"
#include "localorg/org/org.h"

struct soql_bind {
    enum { SOQL_TEXT, SOQL_INT, SOQL_REAL, SOQL_NULL } kind;
    const char *text;
    int64_t integer;
    double real;
};

/* A result row's shape: the tree that JSON follows. */
enum soql_node_kind {
    SOQL_FIELD,     /* one SQL column */
    SOQL_PARENT,    /* nested object; null when its id column is null */
    SOQL_CHILDREN,  /* subquery: run `child` with the parent's id bound first */
    SOQL_AGGREGATE, /* expr0, alias */
    SOQL_COMPOUND,  /* address or location put together from columns */
    SOQL_TYPEOF     /* children are SOQL_PARENTs: the one whose object the id belongs to is
                     * printed under this name; object NULL takes every other type */
};
struct soql_node {
    enum soql_node_kind kind;
    const char *name;             /* as printed: the schema's spelling, or the alias */
    const struct field *field;    /* SOQL_FIELD: for the type; may be NULL for functions */
    enum field_type type;         /* how to print the column */
    int column;                   /* SQL result column; SOQL_PARENT: of the parent's Id */
    bool formatted;               /* FORMAT(): printed as localised text */
    const char *display;          /* SOQL_AGGREGATE: "avg(Amount)", for columns=true */
    const struct sobject *object; /* SOQL_PARENT, SOQL_CHILDREN; a SOQL_PARENT without one is the
                                   * Name of a polymorphic lookup */
    struct soql_node *first, *next;
    struct soql_plan *child;
    int ordinal; /* SOQL_CHILDREN: 1, 2, 3 .. in the whole query */
};

struct soql_plan {
    const struct sobject *object;
    const char *sql;       /* SELECT ... ; placeholders ?1.. in the order of binds */
    const char *count_sql; /* SELECT COUNT(*) with the same conditions, LIMIT and OFFSET honoured */
    struct soql_bind *binds;
    size_t bind_count;
    struct soql_node *nodes; /* in SELECT order */
    int id_column;   /* SQL column with the record's Id, for attributes.url; -1 for aggregates */
    bool count_only; /* SELECT COUNT(): totalSize only */
    bool aggregate;  /* rows are AggregateResult */
    int64_t limit, offset; /* -1 = not given */
    bool for_view, for_reference; /* the caller's to do: the rows count as looked at */
};

struct soql_context {
    struct org *org;
    const char *user_id; /* whose access and time zone; NULL: the system, who may everything */
    bool all_rows;       /* queryAll: deleted rows too */
    int64_t now_ms;      /* for date literals */
    double api_version;
    bool shuffle; /* rows that no ORDER BY orders come in another order than usual */
    /* Only records that this full-text table finds with this expression; the
     * rowids are those of the object's table. NULL: all. */
    const char *search_table, *search_match;
};

struct soql_plan *soql_compile(struct arena *arena, const struct soql_context *context,
                               const char *text, struct err *err);

/* Only a condition (as after WHERE), for rules: appends SQL over the object's
 * table, which the caller names t0. binds[i] belongs to placeholder ?(first+i).
 * Parents are read by scalar subqueries, so no joins are needed. Field access is
 * not asked: rules see everything. TODAY and the like are taken when compiled. */
enum status soql_condition_sql(struct arena *arena, struct org *org, const struct sobject *object,
                               const char *condition, int first, struct buf *out,
                               struct soql_bind **binds, size_t *bind_count, struct err *err);
/* Binds values from placeholder ?first on. */
void soql_bind_all(sqlite3_stmt *stmt, const struct soql_bind *binds, size_t count, int first);

/* {"plans":[..],"sourceQuery"}: the answer to query?explain=. */
enum status soql_explain(struct arena *arena, const struct soql_context *context, const char *soql,
                         struct jw *w, struct err *err);

/* {"columnMetadata":[...],"entityName":...}: the answer to query?columns=true. */
void soql_write_columns(const struct soql_plan *plan, struct buf *out);

/* Binds and writes rows. A cursor is a statement being stepped on a reader
 * connection it owns until closed; it sees one snapshot all that time. The plan
 * and its arena must outlive it. One thread at a time. */
struct soql_cursor;
struct soql_cursor *soql_open(struct org *org, const struct soql_plan *plan, struct err *err);
int64_t soql_total(struct soql_cursor *cursor,
                   struct err *err); /* runs count_sql once, in the same snapshot; -1 on error */
/* Appends up to `max` records as JSON objects separated by commas, REST form
 * ("attributes" first, select order, datetimes +0000). *written is how many;
 * fewer than max means the end. `base` is "/services/data/v66.0". */
enum status soql_write_json(struct soql_cursor *cursor, const char *base, size_t max,
                            struct buf *out, size_t *written, struct err *err);
/* One row further, for those who want its values and not JSON: NULL at the end,
 * or on failure with *err set. Its columns are those of the plan's nodes; lent
 * until the next step. */
sqlite3_stmt *soql_next(struct soql_cursor *cursor, struct err *err);
/* Child lists longer than `most` are cut: `more` keeps the rest and answers the url of the
 * next page; `total` is how many children there are. Children count as rows of a page, then:
 * soql_write_json may write fewer parents than asked although there are more (soql_at_end
 * tells). Without it child lists are whole. */
typedef const char *soql_more_fn(void *ctx, const struct soql_node *node, const char *parent_id,
                                 int64_t at, int64_t total);
void soql_page_children(struct soql_cursor *cursor, size_t most, soql_more_fn *more, void *ctx);
bool soql_at_end(const struct soql_cursor *cursor); /* false when it is not known yet */
/* The child query of this ordinal in a plan; NULL. And a cursor over one parent's children. */
const struct soql_plan *soql_child_plan(const struct soql_plan *plan, int ordinal);
struct soql_cursor *soql_open_child(struct org *org, const struct soql_plan *child,
                                    const char *parent_id, struct err *err);

/* Skips forward; for re-reading a page: soql_rewind then soql_skip. Same snapshot. */
enum status soql_rewind(struct soql_cursor *cursor, struct err *err);
enum status soql_skip(struct soql_cursor *cursor, int64_t rows, struct err *err);
void soql_close(struct soql_cursor *cursor);

/* One value of a stored column as REST JSON, by type. Shared with record retrieve. */
void soql_write_value(struct buf *out, sqlite3_stmt *row, int column, enum field_type type,
                      int scale);

#endif
