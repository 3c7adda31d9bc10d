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

/* The callback's port when none is given: the app lists the exact address, so it must
 * not change from one sign-in to the next. */
#define CONNECT_PORT 8461

/* The exact callback URL for a port, on `arena`. */
const char *connect_callback(struct arena *arena, int port);

/* A sign-in in the browser (connect_browser.c): start listens and begins, invite
 * opens or prints the page, wait blocks until the answer is exchanged, end tells
 * the page how it went (*err "" or NULL = connected) and stops. */
struct connect_wish;
struct connect_browser;
struct connect_browser *connect_browser_start(struct cli *cli, const struct crm_signin *signin,
                                              const struct connect_wish *wish, int port,
                                              struct err *err);
void connect_browser_invite(struct connect_browser *browser, bool open);
enum status connect_browser_wait(struct connect_browser *browser, int64_t wait_ms,
                                 struct arena *arena, struct connection *connection,
                                 struct crm_tokens *tokens, struct err *err);
void connect_browser_end(struct connect_browser *browser, const struct err *err,
                         const struct connection *connection, const char *scopes_missing);

#endif
