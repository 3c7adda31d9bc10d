/* formula_priv.h - what the formula files share.
 *
 *   formula_parse.c   text to tree
 *   formula.c         names to columns, operators, roll-ups
 *   formula_calls.c   the table of functions
 *   formula_sql.c     functions that SQLite lacks, put on every connection */
#ifndef LOCALORG_ORG_FORMULA_PRIV_H
#define LOCALORG_ORG_FORMULA_PRIV_H

#include "base/str.h"
#include "localorg/org/formula.h"
#include "localorg/org/org_priv.h"

enum formula_kind { F_NUMBER, F_TEXT, F_TRUTH, F_NULL, F_FIELD, F_CALL, F_OPERATOR };

struct formula_node {
    enum formula_kind kind;
    const char *text; /* number as written, string, path, function or operator ("<=") */
    struct formula_node *first, *next; /* arguments */
    size_t count;
};

struct formula_node *formula_parse(struct arena *arena, const char *text, struct err *err);

struct value {
    const char *sql; /* numbers: blank counts as the options say */
    const char *raw; /* the same, blank being NULL */
    enum formula_type type;
    bool picklist;
};

struct emitter {
    struct arena *arena;
    struct org *org;
    const struct sobject *object;
    const struct formula_options *options;
    const char *alias;
    struct formula_sql *out;
    struct err *err;
    int *aliases; /* numbers given to tables of parents */
    int depth;    /* of formulas inside formulas */
    bool broken;
};

/* All return a value with sql "NULL" and set broken when refused. */
struct value formula_emit(struct emitter *e, const struct formula_node *node);
struct value formula_call(struct emitter *e, const struct formula_node *node);
struct value formula_refuse(struct emitter *e, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
struct value sql_value(const char *sql, enum formula_type type);
/* Of the wanted type, or refused: "Incorrect parameter type for ..." */
bool value_fits(struct emitter *e, const struct value *value, enum formula_type wanted,
                const char *where);
const char *text_sql(struct emitter *e, const struct value *value);  /* blank is '' */
const char *blank_sql(struct emitter *e, const struct value *value); /* 0 or 1 */
const char *equal_sql(struct emitter *e, const struct value *a, const struct value *b);
const char *quote_text(struct arena *arena, const char *text);
struct value field_value(struct emitter *e, const char *path);
const char *type_word(enum formula_type type);

/* Puts sf_now(), sf_regex() and the others on a connection. */
enum status formula_functions(struct org *org, sqlite3 *db, struct err *err);

#endif
