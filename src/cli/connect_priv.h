/* connect_priv.h - what the files of `argil connect` share. */
#ifndef ARGIL_CLI_CONNECT_PRIV_H
#define ARGIL_CLI_CONNECT_PRIV_H

#include "cli/cli.h"

/* A secret from a file ("-" = stdin), else from the environment (variable may
 * be NULL), never from the command line, where every user of the machine could
 * read it. Leaves *out unset when neither is given. */
enum status connect_secret(const char *file, const char *variable, struct secret *out,
                           struct err *err);

/* The way in that the options ask for; CRM_GRANT_CODE = the browser. */
enum crm_grant connect_way(const struct args *args);
/* Wrong words for a way without a browser, or EXIT_DONE. */
int connect_machine_check(struct cli *cli, const struct args *args, enum crm_grant way);
/* Fills what the way needs beside client id, secret and login URL. */
enum status connect_machine_fill(const struct args *args, enum crm_grant way, struct arena *arena,
                                 struct crm_signin *signin, struct err *err);
void connect_signin_wipe(struct crm_signin *signin);

#endif
