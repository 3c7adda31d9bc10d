/* lex.h - SOQL text to words, and the error block that points at one. */
#ifndef LOCALORG_SOQL_LEX_H
#define LOCALORG_SOQL_LEX_H

#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

#define SOQL_MAX_CHARS  100000
#define SOQL_MAX_STRING 4000

/* Salesforce's error codes, as the room uses them. */
#define SOQL_MALFORMED        "MALFORMED_QUERY"
#define SOQL_INVALID_FIELD    "INVALID_FIELD"
#define SOQL_INVALID_TYPE     "INVALID_TYPE"
#define SOQL_INVALID_OPERATOR "INVALID_QUERY_FILTER_OPERATOR"

enum token_kind {
    TOKEN_END,
    TOKEN_NAME,
    TOKEN_STRING, /* with its quotes, still escaped */
    TOKEN_NUMBER,
    TOKEN_DATE,
    TOKEN_DATETIME,
    TOKEN_TIME,
    TOKEN_SIGN,  /* ( ) , . : = != <> < <= > >= */
    TOKEN_BROKEN /* an open string or a stray character */
};
struct token {
    enum token_kind kind;
    size_t at, len;
    struct str text;
};

/* The token at or after `at`; never fails. */
struct token lex_next(struct str text, size_t at);
bool token_is(const struct token *token, const char *sign_or_keyword); /* case ignored */

/* Takes quotes and escapes off a string token. With `like`, \% and \_ (and \\)
 * stay escaped for the pattern; elsewhere they are an error. NULL with the
 * offending offset in *bad when an escape is unknown. */
const char *lex_unescape(struct arena *arena, struct str token, bool like, size_t *bad);

/* Fails with Salesforce's block: a window of the query, a caret under `at`,
 * "ERROR at Row:r:Column:c", then the sentence. Returns FAIL. */
enum status lex_fail(struct err *err, const char *code, struct str text, size_t at, size_t len,
                     const char *fmt, ...) __attribute__((format(printf, 6, 7)));

#endif
