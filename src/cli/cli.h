/* cli.h - what every command shares: its row, its arguments, its output.
 *
 * One file a command: a row (`struct command`), then its function. The row
 * gives parsing, --help, shell completion and the man page. Results go to
 * stdout, progress and errors to stderr. */
#ifndef ARGIL_CLI_CLI_H
#define ARGIL_CLI_CLI_H

#include "engine/engine.h"

/* Exit codes, documented in `argil help exit-codes`. */
enum exit_code {
    EXIT_DONE = 0,
    EXIT_FAILED = 1,    /* it did not work; the message says why */
    EXIT_USAGE = 2,     /* wrong words on the command line, or a refused recipe */
    EXIT_ATTENTION = 3, /* it ran to the end, and some rows need a person */
    EXIT_LATER = 4,     /* paused by a limit, or the org cannot be reached; nothing is lost */
    EXIT_SIGN_IN = 5,   /* reconnect or approval is needed */
    EXIT_INTERRUPTED = 130
};

struct cli {
    struct world *world;
    const char *data; /* data directory */
    const char *store; /* --store or ARGIL_STORE: a URL; NULL = as the data directory says */
    const char *url;  /* of a server that is asked instead; NULL = none */
    const struct command *command; /* the one that runs */
    bool json, quiet, colour_out, colour_err, terminal_err;
    atomic_bool stop;
    int failed; /* exit code of the last error that cli_fail printed */
};

struct cli_option {
    const char *name;  /* "data", used as --data */
    char letter;       /* 0 = none */
    const char *value; /* what the value is called in help, "DIR"; NULL = a flag */
    const char *help;
};

struct args {
    char *words[64]; /* positional */
    size_t word_count;
    const struct cli_option *set[64]; /* options as given, in order */
    const char *values[64];
    size_t set_count;
};
bool args_has(const struct args *args, const char *name);
const char *args_get(const struct args *args, const char *name); /* last value, or NULL */
/* The option, else the variable of the environment, else NULL; blank counts as nothing. */
const char *cli_option_or(const struct args *args, const char *name, const char *variable);

struct command {
    const char *name;
    const char *summary;  /* one line */
    const char *words;    /* positional part of the usage line, "TABLE" */
    const char *about;    /* a paragraph or two, with an example */
    size_t min_words, max_words;
    const struct cli_option *options; /* ends with a row without a name */
    bool far; /* works through a server, too: what it needs of the store is in remote_store.c */
    int (*run)(struct cli *cli, const struct args *args);
};

extern const struct command *const commands[]; /* NULL-terminated, in the order of help */
const struct command *command_find(const char *name);
extern const struct cli_option global_options[];

/* The whole program: parses, runs, returns the exit code. */
int cli_main(int argc, char **argv);

void help_all(FILE *out, bool colour);
void help_command(FILE *out, const struct command *command, bool colour);
/* Words in lines of 80 columns: the cursor is at column `at`, further lines are indented. */
void help_wrapped(FILE *out, const char *text, int at, int indent);

/* --- opening things --- */

/* An engine on the data directory, everything set up, or NULL with the error
 * already printed: leave with cli->failed. `write` takes the lock. */
struct cli_engine {
    struct engine engine;
    struct arena *arena;
};
struct cli_engine *cli_engine_open(struct cli *cli, bool write);
void cli_engine_close(struct cli_engine *engine);
/* Who runs argil on this machine: the account's name, for runs, the audit and access
 * lists; "cli" when it has none. */
const char *cli_account(void);
/* The same for commands that only read the store. */
struct store *cli_store_open(struct cli *cli, bool write);
/* Do several processes have such a store open at once? */
bool cli_shared(const struct store *store);
#define CLI_LANE_MOST 8 /* jobs of one connection at once, over all processes */
#define CLI_CALLS_MOST 25 /* exchanges of one connection under way, over all processes */
/* The workspace of the command line. A copy that held its connections is told on stderr. */
enum status cli_workspace_open(struct cli *cli, bool write, bool create, const char *name,
                               struct store **out, struct err *err);

/* Prints the error and returns the exit code that fits it. */
int cli_fail(struct cli *cli, const struct err *err);
int cli_usage(struct cli *cli, const struct command *command, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* True when a number was given and is one; prints the usage error otherwise. */
bool cli_number(struct cli *cli, const struct args *args, const char *name, int64_t *out);

/* What a sync did; gives the exit code. */
int sync_print(struct cli *cli, const char *table, const struct sync_report *report);

/* --- output --- */

/* A table of text cells, aligned, cut to the terminal; --json prints an array
 * of objects with the headings as keys. */
struct grid;
struct grid *grid_new(struct cli *cli, const char *const *headings, size_t columns);
void grid_row(struct grid *grid, const char *const *cells);   /* copies */
void grid_print(struct grid *grid); /* prints and frees */

/* "12 s ago", "2026-11-23 10:11 UTC"; buffers of the calling thread. */
const char *ago(struct cli *cli, int64_t ms);
const char *when_text(int64_t ms);
const char *thousands(int64_t number);
/* "Test Env (sandbox)" and so on, in the environment's colour where colours show. */
const char *environment_text(const struct cli *cli, const char *environment);
const char *took(int64_t ms);
void progress_begin(struct cli *cli, struct progress *progress);
void progress_end(struct cli *cli); /* wipes the line */

extern const struct command
    command_init,
    command_connect,
    command_connection,
    command_apply,
    command_table,
    command_source,
    command_sync,
    command_run,
    command_runs,
    command_schedule,
    command_export,
    command_rows,
    command_view,
    command_column,
    command_journal,
    command_contract,
    command_plan,
    command_gate,
    command_undo,
    command_why,
    command_sending,
    command_alert,
    command_audit,
    command_secret,
    command_serve,
    command_worker,
    command_doctor,
    command_permset,
    command_vault,
    command_store,
    command_completion,
    command_version,
    command_help;

#endif
