/* err.h - an error is a stable code plus a sentence.
 *
 * Callers branch on the code; people read the sentence. Each layer adds what
 * it knew with err_wrap. Libraries return errors, programs print them.
 * Every function here accepts a NULL err. No function here blocks. */
#ifndef ARGIL_BASE_ERR_H
#define ARGIL_BASE_ERR_H

#include <stdbool.h>
#include <stdio.h>

enum status { OK = 0, FAIL = 1 };

struct err {
    char code[80];      /* stable and dotted, "recipe.unknown_key"; "" = no error */
    char message[2048]; /* what happened, outermost context first */
    char where[256];    /* "accounts.yaml:12:5", "Lead.Email"; may be "" */
    char cause[512];    /* what it means in Salesforce terms; may be "" */
    char hint[512];     /* what to do next; may be "" */
};

/* Codes that several rooms branch on. A room's own codes live in its header. */
#define ERR_NOT_FOUND "not_found"
#define ERR_CONFLICT  "conflict"
#define ERR_INVALID   "invalid"
#define ERR_IO        "io"
#define ERR_TOO_LARGE "too_large"
#define ERR_TIMEOUT   "timeout"
#define ERR_NOT_BUILT "not_built" /* the program says so when something is not built yet */

/* Sets the error, forgetting any earlier one. Always returns FAIL, so that
 * `return err_set(err, ERR_IO, "...")` reads as one step. Long text is cut at
 * a character border and ends in an ellipsis. */
enum status err_set(struct err *err, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts context in front of the message: "context: message". Returns FAIL. */
enum status err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void err_where(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void err_cause(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void err_hint(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* True when err carries exactly this code. */
bool err_is(const struct err *err, const char *code);
void err_clear(struct err *err);

/* Prints "where: message", then cause and hint on their own lines and the
 * code last. `colour` only when the stream is a terminal. */
void err_print(FILE *out, const struct err *err, bool colour);

#endif
