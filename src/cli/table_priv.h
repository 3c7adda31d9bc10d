/* table_priv.h - the verbs of `argil table` that have a file of their own. */
#ifndef ARGIL_CLI_TABLE_PRIV_H
#define ARGIL_CLI_TABLE_PRIV_H

#include "cli/cli.h"

typedef int table_verb(struct cli *cli, struct store *store, struct arena *arena,
                       const struct args *args);
table_verb table_dedupe, table_versions, table_history, table_tidy;
/* Opens an engine of its own: the recipe is checked against the org. */
int table_restore(struct cli *cli, const struct args *args);

/* cmd_apply.c: what applying a recipe does, or would do. */
void apply_print(struct cli *cli, const struct apply_plan *plan, bool dry_run);

#endif
