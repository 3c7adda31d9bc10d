/* shape.h - what a JSON object looks like, as rows.
 *
 * One shape is used three times: to check a request before its handler sees it,
 * to describe requests and answers in the OpenAPI document, and by the tests,
 * which hold every answer against it. Query parameters are fields, too. */
#ifndef ARGIL_API_SHAPE_H
#define ARGIL_API_SHAPE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/uri.h"

enum field_type {
    F_TEXT,   /* min and max count bytes */
    F_INT,    /* within min..max when they differ */
    F_NUMBER, /* any JSON number */
    F_BOOL,
    F_TIME,   /* ISO 8601 with zone, UTC when we write it */
    F_WORD,   /* one of `words` */
    F_OBJECT, /* of shape `of` */
    F_LIST,   /* of objects of shape `of`, or of `item` */
    F_MAP,    /* names to values of type `item` */
    F_ANY     /* any JSON */
};

enum field_flags {
    F_REQUIRED = 1, /* in a request: must be there; in an answer: always is */
    F_NULL = 2,     /* may be null */
    F_SECRET = 4    /* never logged, never answered */
};

struct shape;

struct field {
    const char *name;
    enum field_type type;
    unsigned flags;
    const char *help;
    const struct shape *of;
    enum field_type item;     /* of F_LIST without `of`, of F_MAP */
    const char *const *words; /* NULL-terminated */
    int64_t min, max;
};

struct shape {
    const char *name; /* in the document: "Table" */
    const char *help;
    const struct field *fields; /* ends with a row without a name */
};

/* Everything the shape says: unknown names (with the nearest known one), missing
 * ones, types, ranges. FAIL with ERR_INVALID, err.where = the path ("rows/3"). */
enum status shape_check(const struct shape *shape, const struct json *value, struct err *err);
/* Query parameters against their rows: the same, for texts. */
enum status shape_check_query(const struct field *fields, const struct uri_pair *query,
                              struct err *err);

/* The shape as JSON Schema (2020-12), other shapes by reference. */
void shape_write(struct jw *w, const struct shape *shape);
void field_write(struct jw *w, const struct field *field); /* the schema of one field */

#endif
