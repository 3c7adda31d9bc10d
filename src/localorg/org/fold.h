/* fold.h - text without its case, as Salesforce compares it: the collation NOCASE
 * and LIKE of every connection, beyond ASCII. */
#ifndef LOCALORG_ORG_FOLD_H
#define LOCALORG_ORG_FOLD_H

#include "base/err.h"

#include <sqlite3.h>

/* Replaces NOCASE, like(2) and like(3) of this connection. */
enum status fold_register(sqlite3 *db, struct err *err);

/* What NOCASE does: by folded code points. */
int fold_compare(const char *a, size_t a_len, const char *b, size_t b_len);
/* % any run, _ one character, `escape` before either takes them literally (0: none). */
bool fold_like(const char *pattern, size_t pattern_len, const char *text, size_t text_len,
               char escape);

#endif
