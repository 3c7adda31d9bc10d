/* tidy.h - which rows of a table go by themselves: the rule of auto_delete.
 *
 * In a table's rules, as JSON:
 *
 *     "auto_delete": {"when": "finished", "after_ms": 604800000, "keep": 100}
 *
 * Pure; nothing blocks. */
#ifndef ARGIL_MODEL_TIDY_H
#define ARGIL_MODEL_TIDY_H

#include "model/model.h"

#define TIDY_FINISHED   "finished" /* every computed cell is ok, no result or skipped */
#define TIDY_KEEP_USUAL 100

struct tidy_rule {
    const char *when; /* TIDY_FINISHED, or a filter as text (engine/filter.h); NULL = no rule */
    int64_t after_ms; /* since the row came */
    int64_t keep;     /* so many of the newest rows stay in any case */
};
/* The rule in a table's rules; out->when NULL when there is none, or it cannot be read. */
void tidy_rule_read(struct arena *arena, const struct table *table, struct tidy_rule *out);

#endif
