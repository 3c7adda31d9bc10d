/* search_priv.h - what the files of this room share.
 *
 *   sosl.c    the statement: FIND, IN, RETURNING, WITH, LIMIT
 *   find.c    what stands between the braces, to a tree
 *   index.c   full-text tables: made, brought up to date
 *   match.c   the tree to an expression of FTS5
 *   run.c     one SOQL query for each object */
#ifndef LOCALORG_SEARCH_SEARCH_PRIV_H
#define LOCALORG_SEARCH_SEARCH_PRIV_H

#include "base/str.h"
#include "localorg/search/search.h"

/* --- index.c --- */
/* Makes the table, or brings it up to date. Takes the write lock when there is work. */
enum status index_ready(struct search_index *index, const struct sobject *object, int64_t lag_ms,
                        struct err *err);
const char *index_table(struct arena *arena, const struct sobject *object);
const char *index_column(struct arena *arena, const struct field *field);
/* A field whose words are indexed. */
bool index_has(const struct field *field);

/* --- match.c --- */
/* The expression over these columns, or NULL: without *err set, nothing can match. */
const char *match_expression(struct arena *arena, struct org *org, const struct sobject *object,
                             const struct find *find, const char *const *columns, size_t count,
                             struct err *err);

#endif
