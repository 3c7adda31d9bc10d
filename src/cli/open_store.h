/* open_store.h - which store a command works on, and opening it. */
#ifndef ARGIL_CLI_OPEN_STORE_H
#define ARGIL_CLI_OPEN_STORE_H

#include "cli/cli.h"

/* NULL = SQLite in the data directory; else a URL. Lent. */
const char *cli_store_address(const struct cli *cli);
/* Opens the store at an address; NULL = SQLite in options->data. */
enum status cli_store_at(const char *address, const struct store_open *options, struct store **out,
                         struct err *err);
/* A URL with a password in it must not be kept in a file, nor be seen in a list of processes. */
bool cli_store_has_password(const char *address);
/* DATA/store.url: from now on commands on this data directory work on that store. */
enum status cli_store_keep_address(const char *data, const char *address, struct err *err);

#endif
