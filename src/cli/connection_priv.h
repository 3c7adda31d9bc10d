/* connection_priv.h - the verbs of `argil connection`, one file a group. */
#ifndef ARGIL_CLI_CONNECTION_PRIV_H
#define ARGIL_CLI_CONNECTION_PRIV_H

#include "cli/cli.h"

/* connection_show.c */
int connection_show(struct cli *cli, const struct args *args);

/* connection_seal.c */
int connection_seal(struct cli *cli, const struct args *args);

/* connection_access.c */
int connection_default(struct cli *cli, struct store *store, const struct args *args);
int connection_access(struct cli *cli, struct store *store, const struct args *args);
int connection_callback_url(struct cli *cli, const struct args *args);

#endif
