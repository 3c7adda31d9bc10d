/* ast.h - the tree between SOQL text and SQL.
 *
 * parse.c builds it, compile*.c reads it; it knows nothing of schemas. Every
 * node remembers where it stood (`at`, bytes from the start of the text, and
 * `len`), because Salesforce's errors point at the word. Everything lives on
 * the arena given to soql_parse; str slices point into the query text. */
#ifndef LOCALORG_SOQL_AST_H
#define LOCALORG_SOQL_AST_H

#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct ast_query;

/* A path (Account.Owner.Name), a call (SUM(Amount)), or an argument of one. */
enum ast_expr_kind { AST_PATH, AST_CALL, AST_NUMBER, AST_TEXT };
struct ast_expr {
    enum ast_expr_kind kind;
    size_t at, len;
    struct str text;   /* as written; of a call: all of it */
    struct str *parts; /* path: its names */
    size_t part_count;
    struct str name;        /* call: the function */
    struct ast_expr *first; /* call: arguments */
    const char *string;     /* AST_TEXT: unescaped */
    double number;          /* AST_NUMBER */
    struct ast_expr *next;
};

enum ast_value_kind {
    AST_V_STRING,
    AST_V_NUMBER,
    AST_V_BOOLEAN,
    AST_V_NULL,
    AST_V_DATE,     /* yyyy-mm-dd */
    AST_V_DATETIME, /* in `ms` */
    AST_V_TIME,     /* text hh:mm:ss.SSSZ */
    AST_V_RANGE,    /* a date literal: TODAY, LAST_N_DAYS:3 */
    AST_V_CURRENCY  /* USD123.45: the number is in `text` */
};
struct ast_value {
    enum ast_value_kind kind;
    size_t at, len;
    const char *text; /* string: unescaped; LIKE keeps \% and \_; number: its digits */
    bool truth;
    int64_t ms;
    struct str range; /* the literal's name */
    int64_t range_n;  /* -1 = no :n */
    struct ast_value *next;
};

enum ast_op {
    AST_EQ,
    AST_NE,
    AST_LT,
    AST_LE,
    AST_GT,
    AST_GE,
    AST_LIKE,
    AST_IN,
    AST_NOT_IN,
    AST_INCLUDES,
    AST_EXCLUDES
};

enum ast_cond_kind { AST_AND, AST_OR, AST_NOT, AST_COMPARE };
struct ast_cond {
    enum ast_cond_kind kind;
    size_t at, len;
    struct ast_cond *first, *next; /* AND, OR: two or more; NOT: one */
    struct ast_expr *left;
    enum ast_op op;
    size_t op_at, op_len;
    struct ast_value *values; /* one, or the list of IN, INCLUDES, EXCLUDES */
    struct ast_query *query;  /* semi-join */
};

struct ast_when { /* TYPEOF ... WHEN type THEN fields; type.n = 0: ELSE */
    struct str type;
    size_t at;
    struct ast_expr *fields;
    struct ast_when *next;
};

enum ast_item_kind { AST_I_EXPR, AST_I_CHILDREN, AST_I_TYPEOF, AST_I_FIELDS };
struct ast_item {
    enum ast_item_kind kind;
    size_t at, len;
    struct ast_expr *expr; /* AST_I_EXPR; AST_I_TYPEOF: the relationship */
    struct str alias;      /* n = 0: none */
    struct ast_query *query;
    struct ast_when *when;
    struct str group; /* AST_I_FIELDS: ALL, STANDARD or CUSTOM */
    struct ast_item *next;
};

struct ast_from { /* Contact c, c.Account a */
    struct ast_expr *path;
    struct str alias;
    struct ast_from *next;
};

struct ast_order {
    struct ast_expr *expr;
    bool desc, nulls_given, nulls_last;
    struct ast_order *next;
};

enum ast_group_kind { AST_G_PLAIN, AST_G_ROLLUP, AST_G_CUBE };

struct ast_query {
    size_t at;
    bool count_only; /* SELECT COUNT() */
    struct ast_item *items;
    struct ast_from *from;
    struct str scope; /* USING SCOPE; n = 0: none */
    size_t scope_at;
    struct ast_cond *where;
    enum ast_group_kind group_kind;
    struct ast_expr *group;
    struct ast_cond *having;
    struct ast_order *order;
    size_t order_at;
    int64_t limit, offset; /* -1 = not given */
    size_t limit_at, offset_at;
    bool for_view, for_reference;
};

#endif
