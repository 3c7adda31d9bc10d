/* formula.h - Salesforce formulas as SQL over the org's tables: formula fields,
 * roll-up summaries, validation rules, default values.
 *
 * Nothing is stored: a formula field is worked out whenever it is read, so a
 * change of what it depends on moves no stamp (which is why a formula field does
 * not show up in incremental reads). Errors are worded as Setup words them
 * ("Field Nope__c does not exist. Check spelling."). Source: Formula operators
 * and functions, Salesforce Help; functions named in docs/localorg/rules.md. */
#ifndef LOCALORG_ORG_FORMULA_H
#define LOCALORG_ORG_FORMULA_H

#include "base/buf.h"
#include "localorg/org/org.h"

#define ERR_FORMULA "FIELD_INTEGRITY_EXCEPTION"

enum formula_type {
    FORMULA_TEXT,     /* TEXT; blank is NULL or '' */
    FORMULA_NUMBER,
    FORMULA_BOOLEAN,  /* 0 or 1, never NULL */
    FORMULA_DATE,     /* TEXT yyyy-mm-dd */
    FORMULA_DATETIME, /* INTEGER ms */
    FORMULA_TIME,     /* TEXT hh:mm:ss.SSSZ */
    FORMULA_NULL
};

/* A value before this write, for PRIORVALUE and ISCHANGED: stands as ?number. */
struct formula_prior {
    const struct field *field;
    int number;
    struct formula_prior *next;
};

struct formula_options {
    bool blank_as_zero; /* numbers without a value count as 0 */
    /* In rules only: the first placeholder that is free for prior values, and for
     * ISNEW (bound 0 or 1); 0 refuses these functions. */
    int first_prior, is_new;
};

struct formula_sql {
    const char *sql; /* an expression over the row called `alias` */
    enum formula_type type;
    struct formula_prior *priors;
};

/* FAIL with err.code ERR_FORMULA when the formula is wrong. Everything on the arena. */
enum status formula_compile(struct arena *arena, struct org *org, const struct sobject *object,
                            const char *text, const struct formula_options *options,
                            const char *alias, struct formula_sql *out, struct err *err);

/* The expression of a formula field or roll-up of the row called `alias`, of the
 * field's own type. NULL: it is neither, or its formula is beyond us (then what was
 * loaded stands in its column). */
const char *field_computed_sql(struct arena *arena, struct org *org, const struct field *field,
                               const char *alias);
/* Would field_computed_sql work, and is its type the field's? For those who make fields. */
enum status field_computed_check(struct org *org, const struct field *field, struct err *err);

#endif
