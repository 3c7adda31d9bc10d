/* script_child.h - one run of somebody's program: fed, read, and ended in time.
 * Private to script.c. */
#ifndef ARGIL_ENGINE_COLUMNS_SCRIPT_CHILD_H
#define ARGIL_ENGINE_COLUMNS_SCRIPT_CHILD_H

#include "base/buf.h"
#include "base/err.h"
#include "base/world.h"

#include <stdatomic.h>

struct script_child {
    const char *program;     /* absolute path */
    char *const *argv;       /* NULL-terminated; argv[0] is its name */
    char *const *environment; /* NULL-terminated; nothing else is inherited */
    const char *directory;   /* where it runs */
    const char *input;       /* all of its stdin */
    size_t input_len;
    int64_t timeout_ms;
    size_t most_output;
    atomic_bool *stop; /* checked while waiting; may be NULL */
    /* out */
    struct buf output; /* stdout; yours to free */
    char complaint[400]; /* the end of stderr, for messages */
    int exit_code;       /* when it ended by itself; else -1 */
};

/* Blocks until it ended or was ended; a real process is timed by the real clock. FAIL: it could not start, took too long
 * ("script.timeout"), said too much ("script.too_large"), was killed ("script.failed") or we are
 * asked to stop (ERR_STOPPED); what it had said by then stays in output. Its whole process group
 * is ended in every case. */
enum status script_child_run(struct script_child *child, struct err *err);

#endif
