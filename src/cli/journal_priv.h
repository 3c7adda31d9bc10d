/* journal_priv.h - the parts of `argil journal` that are about one operation:
 * cmd_journal_doubt.c. */
#ifndef ARGIL_CLI_JOURNAL_PRIV_H
#define ARGIL_CLI_JOURNAL_PRIV_H

#include "cli/cli.h"

int journal_show(struct cli *cli, const struct args *args);
int journal_doubts_list(struct cli *cli, const struct args *args);
int journal_resolve_ops(struct cli *cli, const struct args *args);

#endif
