/* search.h - SOSL: text to what is meant, an index over the org's text fields,
 * and the records found. No HTTP here.
 *
 *     FIND {acme AND wid*} IN NAME FIELDS RETURNING Account(Id, Name WHERE .. LIMIT 5), Lead
 *     WITH METADATA = 'LABELS' LIMIT 100
 *
 * Grammar and limits: SOQL and SOSL Reference. Errors: err.code is Salesforce's
 * errorCode (MALFORMED_SEARCH, INVALID_TYPE, INVALID_FIELD ...). */
#ifndef LOCALORG_SEARCH_SEARCH_H
#define LOCALORG_SEARCH_SEARCH_H

#include "localorg/soql/soql.h"

#define SEARCH_MALFORMED "MALFORMED_SEARCH"
#define SEARCH_NO_TERM   "No search term found. The search term must be enclosed in braces."

enum {
    SEARCH_TARGETS_MAX = 64,
    SEARCH_ROWS_MAX = 2000,      /* of one search */
    SEARCH_OBJECT_MAX = 250,     /* of one object, unless its clause says more */
    SEARCH_TEXT_MAX = 10000,     /* a longer one finds nothing */
    SEARCH_OPERATORS_MAX = 4000, /* in a longer one AND, OR and NOT are words */
    SEARCH_OFFSET_MAX = 2000
};

/* What FIND {..} looks for. */
enum find_kind { FIND_WORD, FIND_PHRASE, FIND_AND, FIND_OR, FIND_NOT };
struct find {
    enum find_kind kind;
    const char *text; /* word, phrase: \* and \? are wildcards, everything else is itself */
    struct find *left, *right; /* FIND_NOT: left, but not right */
};

struct search_target { /* one object of RETURNING */
    const char *object, *fields, *where,
        *order;            /* fields "Id" when none are named; where, order NULL */
    int64_t limit, offset; /* -1 = not given */
};

enum search_scope { SEARCH_ALL, SEARCH_NAME, SEARCH_EMAIL, SEARCH_PHONE, SEARCH_SIDEBAR };

struct search {
    const char *given; /* the text between the braces */
    const struct find *find;
    enum search_scope scope;
    struct search_target targets[SEARCH_TARGETS_MAX];
    size_t target_count; /* 0: every searchable object */
    int64_t limit;
    bool labels; /* WITH METADATA = 'LABELS' */
};

/* A whole SOSL statement. NULL with *err set. */
struct search *search_parse(struct arena *arena, const char *sosl, struct err *err);
/* Only what stands between the braces; sets given and find. */
enum status search_parse_find(struct arena *arena, const char *text, struct search *out,
                              struct err *err);
bool search_scope_parse(const char *name, enum search_scope *out);

/* --- the index ---
 * One full-text table an object, made when the object is first searched and
 * brought up to date before each search, so that writes cost nothing more. */
struct search_index;
struct search_index *search_index_new(struct org *org);
void search_index_free(struct search_index *index); /* NULL is fine */
/* After records came in past DML, or fields were added. */
void search_index_forget(struct search_index *index);

struct search_options {
    struct soql_context soql; /* whose access; search_table and search_match are ours */
    const char *base;         /* "/services/data/v66.0" */
    int64_t lag_ms;           /* a record can be found this long after it was written */
};

/* Appends the records found, as JSON objects with commas between them. */
enum status search_run(struct search_index *index, const struct search *search,
                       const struct search_options *options, struct arena *arena, struct buf *rows,
                       size_t *count, struct err *err);
/* The objects searched when none is named, alphabetically: how many there are. */
size_t search_objects(const struct soql_context *context, const struct sobject **out, size_t max);
bool search_can(const struct sobject *object);

#endif
