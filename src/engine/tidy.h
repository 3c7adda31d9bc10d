/* tidy.h - auto_delete: rows whose work is done go by themselves.
 *
 * The rule (model/tidy.h) says which: those that are finished, or that pass a filter;
 * after how long; how many of the newest stay. A row with an open operation or a cell
 * under way never goes (store_tidy.h). Looked at when a run ends, and by the server now
 * and then. Tables that import from Salesforce have no such rule: their rows live as
 * long as the records (when_deleted). */
#ifndef ARGIL_ENGINE_TIDY_H
#define ARGIL_ENGINE_TIDY_H

#include "engine/engine.h"
#include "model/tidy.h"
#include "store/store_tidy.h"

/* Does what the table's rule says, or with dry_run only counts; nothing without a rule.
 * Blocks for as long as it takes to look at every row that may go. */
enum status tidy_table(struct engine *engine, const struct table *table, bool dry_run,
                       struct tidied *out, struct err *err);
/* Every table that has a rule. A table that fails is told in the log and does not hold
 * back the others. *removed is added to. */
enum status tidy_all(struct engine *engine, int64_t *removed, struct err *err);
/* The rule as a sentence; on the arena. */
const char *tidy_rule_text(struct arena *arena, const struct tidy_rule *rule);

#endif
