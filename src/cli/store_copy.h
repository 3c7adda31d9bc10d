/* store_copy.h - the verb `copy` of `argil store`. */
#ifndef ARGIL_CLI_STORE_COPY_H
#define ARGIL_CLI_STORE_COPY_H

#include "cli/cli.h"

/* Each is a data directory or a URL; returns the exit code. */
int store_copy_command(struct cli *cli, const char *from, const char *to);

#endif
