/* dedupe.h - when two values of a column are the same: the rule of auto_dedupe.
 *
 * In a table's rules, as JSON:
 *
 *     "auto_dedupe": {"by": "Domain", "keep": "oldest", "as": "domain"}
 *
 * Pure; nothing blocks. */
#ifndef ARGIL_MODEL_DEDUPE_H
#define ARGIL_MODEL_DEDUPE_H

#include "model/model.h"

enum dedupe_as {
    SAME_TEXT,   /* case, accents, and white space around and between words aside */
    SAME_EMAIL,  /* base/normal.h: the address alone */
    SAME_DOMAIN, /* the host without www. */
    SAME_PHONE   /* the digits that count */
};
extern const char *const dedupe_as_names[]; /* by enum dedupe_as; NULL at the end */

struct dedupe_rule {
    const char *by; /* a column's name; NULL = no rule */
    const struct column *column; /* of that name; NULL = the table has none */
    bool keep_newest;
    enum dedupe_as as; /* when the rule does not say: e-mail columns by address, others as text */
};
/* The rule in a table's rules; out->by NULL when there is none, or it cannot be read. */
void dedupe_rule_read(struct arena *arena, const struct table *table, struct dedupe_rule *out);
/* The key of a value; NULL: blank, or none of its kind, which is the same as nothing. */
const char *dedupe_key(struct arena *arena, enum dedupe_as as, struct value value);

#endif
