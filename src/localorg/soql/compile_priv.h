/* compile_priv.h - what the compile files share.
 *
 *   compile.c          the whole: FROM, pieces put together, the plan
 *   compile_names.c    paths to columns; joins; the Name pseudo-object
 *   compile_select.c   the SELECT list: columns, and the tree of the result
 *   compile_where.c    conditions and values
 *   compile_group.c    aggregates, GROUP BY, ROLLUP, ORDER BY
 *   compile_func.c     functions
 *   compile_rows.c     objects without a table
 *
 * One struct compiler makes one SQL statement. A semi-join is another scope of
 * the same statement; a child query is a compiler and a statement of its own,
 * whose ?1 is the parent's id. SQL text is put together from quoted schema
 * names and placeholders only; no text of the query reaches SQL unbound. */
#ifndef LOCALORG_SOQL_COMPILE_PRIV_H
#define LOCALORG_SOQL_COMPILE_PRIV_H

#include "base/vec.h"
#include "localorg/soql/ast.h"
#include "localorg/soql/lex.h"
#include "localorg/soql/soql.h"
#include "localorg/soql/zone.h"

enum {
    SOQL_MAX_LEVELS = 5,   /* parents of parents */
    SOQL_MAX_PARENTS = 55, /* relationships in one query; SQLite joins 64 tables */
    SOQL_MAX_CHILDREN = 20,
    SOQL_MAX_OFFSET = 2000,
    SOQL_MAX_GROUPINGS = 3, /* fields of ROLLUP and CUBE */
    SOQL_MAX_FIELDS_LIMIT = 200
};

/* One SQL table of a statement, named t<number>. */
struct source {
    const struct sobject *object; /* NULL: Name, the stand-in of a polymorphic lookup */
    const struct field *via;      /* the lookup that leads here; NULL for the root */
    struct source *parent;
    const char *key_sql;   /* the lookup's value; Id = key_sql joins it */
    const char *table_sql; /* what stands in FROM; NULL: the object's table */
    const char *reach;     /* and this: a parent the user cannot see is null */
    int number, level;
    bool in_where;          /* conditions need it, so counting does too */
    struct soql_node *node; /* where its fields are printed; NULL: not yet, or the root */
    struct source *first, *next;
};

struct alias {
    struct str name;
    struct source *source;
    struct alias *next;
};

/* A FROM clause: the main query's, or a semi-join's. */
struct scope {
    struct source *root;
    struct alias *aliases;
    size_t parents;
};

struct compiler {
    struct arena *arena;
    const struct soql_context *context;
    struct schema *schema;
    struct str text;
    struct err *err;
    struct scope *scope;
    struct soql_plan *plan;
    VEC(struct soql_bind) binds;
    int first_bind;            /* number of binds.at[0]'s placeholder */
    int tables;                /* numbers given out */
    VEC(const char *) columns; /* the SQL select list */
    bool in_where;             /* what is resolved now is part of a condition */
    bool in_having;
    bool scalar_parents;       /* no joins: parents as scalar subqueries */
    bool aggregate;
    bool totals; /* GROUP BY ROLLUP or CUBE */
    size_t semi_joins;
    int levels;               /* child queries around this one */
    int *children;            /* child queries in the whole query so far */
    const struct zone *zone;  /* the user's; NULL: not asked yet */
    struct fiscal {
        int start_month; /* 1 to 12; 0: not asked yet */
        bool named_by_start;
    } fiscal;
    VEC(const char *) groups; /* GROUP BY expressions, as resolved */
    int next_expr;            /* of expr0, expr1 ... */
};

/* What a path or function comes to. */
struct resolved {
    const char *sql;
    enum field_type type;
    const struct field *field; /* NULL for Name.Type, COUNT and such */
    struct source *source;
    const char *name; /* how it is printed */
    bool plain;       /* a column as it is: has its own collation and index */
    bool aggregate;
    bool formatted; /* FORMAT() */
    bool function;  /* prints as exprN when it has no alias */
    bool date_part; /* CALENDAR_YEAR() and the like */
    bool distance;
};

/* compile_names.c */
struct source *source_root(struct compiler *c, const struct sobject *object);
bool field_readable(const struct compiler *c, const struct field *field);
bool object_readable(const struct compiler *c, const struct sobject *object);
enum status no_such_column(struct compiler *c, size_t at, size_t len, struct str field,
                           const char *entity);
struct source *source_step(struct compiler *c, struct source *from, const struct ast_expr *path,
                           struct str relationship);
/* The source a path starts from; *part is the first name that belongs to it. */
struct source *path_start(struct compiler *c, const struct ast_expr *path, size_t *part);
const char *column_sql(struct compiler *c, struct source *source, const char *column);
enum status resolve_in(struct compiler *c, struct source *source, const struct ast_expr *path,
                       struct str name, struct resolved *out);
enum status resolve_path(struct compiler *c, const struct ast_expr *path, struct resolved *out);
const char *name_column_sql(struct compiler *c, const struct source *source, const char *column);
void joins_sql(const struct source *source, bool only_where, struct buf *out);

/* compile_func.c */
/* The stored part of an address or location whose name ends so ("Latitude"). */
const struct field *compound_part(const struct field *compound, const char *suffix);
bool field_is_part(const struct field *part, const struct field *compound, const char *suffix);
enum status resolve_expr(struct compiler *c, const struct ast_expr *expr, struct resolved *out);
bool is_aggregate_call(const struct ast_expr *expr);
bool is_grouping_call(const struct ast_expr *expr); /* a function that makes the query aggregate */
const char *picklist_order_sql(struct compiler *c, const struct resolved *value);
const char *sql_quote(struct arena *arena, const char *text);

/* compile_where.c */
int bind_text(struct compiler *c, const char *text);
int bind_int(struct compiler *c, int64_t value);
enum status where_sql(struct compiler *c, const struct ast_cond *cond, struct buf *out);

/* compile_select.c */
int add_column(struct compiler *c, const char *sql);
enum status compile_items(struct compiler *c, const struct ast_query *query);

/* compile_group.c */
bool is_grouped(const struct compiler *c, const char *sql);
enum status compile_groups(struct compiler *c, const struct ast_query *query);
enum status order_sql(struct compiler *c, const struct ast_query *query, struct buf *out);
/* The whole statement but LIMIT: SELECT columns, from_where, GROUP BY, HAVING, ORDER BY. */
enum status grouped_sql(struct compiler *c, const struct ast_query *query, const char *from_where,
                        struct buf *out);

/* compile_rows.c */
/* Gives the root its table_sql when its object has no table of its own. */
enum status compile_rows(struct compiler *c, const struct ast_query *query, struct source *root);

/* compile.c */
const char *source_table(struct compiler *c, const struct source *source); /* "Account" t0 */
enum status compile_from(struct compiler *c, const struct ast_query *query);
enum status compile_children(struct compiler *outer, const struct ast_query *query,
                             struct soql_node *node);
/* " AND ..." where sharing keeps some of the source's records from the user, else "". */
const char *source_reach(struct compiler *c, const struct source *source);
const struct zone *user_zone(struct compiler *c);
const struct fiscal *org_fiscal(struct compiler *c); /* as Organization has it */
const char *buf_to_arena(struct arena *arena, struct buf *buf); /* and frees it */
void compiler_free(struct compiler *c);

#define fail_at(c, code, at, len, ...)                                                             \
    lex_fail((c)->err, (code), (c)->text, (at), (len), __VA_ARGS__)

#endif
