/* run_print.h - what a run did, as `argil run` and `argil plan apply` print it. */
#ifndef ARGIL_CLI_RUN_PRINT_H
#define ARGIL_CLI_RUN_PRINT_H

#include "cli/cli.h"

/* `what`: the table's name, or what ran instead. */
void run_print(struct cli *cli, const char *what, const struct run_report *report);
int run_exit_code(const struct run_report *report);

#endif
