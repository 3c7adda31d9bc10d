/* tokens.h - SQL text as tokens, for the rewriting of one dialect to the other. */
#ifndef ARGIL_STORE_POSTGRES_TOKENS_H
#define ARGIL_STORE_POSTGRES_TOKENS_H

#include "base/arena.h"
#include "base/buf.h"

enum token_kind {
    TOKEN_END,    /* of the statement, or of the text */
    TOKEN_WORD,   /* a keyword or a name */
    TOKEN_NUMBER, /* and every literal but text */
    TOKEN_TEXT,   /* '..' */
    TOKEN_BYTES,  /* x'..' */
    TOKEN_PARAM,  /* ? or ?NNN */
    TOKEN_MARK,   /* punctuation, one or two characters */
};

struct token {
    enum token_kind kind;
    const char *at;
    size_t len;
    int param; /* TOKEN_PARAM: its number */
};

/* The statement at *sql, which moves behind it and its `;`. Lives as long as the
 * arena; ends in a TOKEN_END. *params = the highest number of a parameter. */
struct token *tokens_of(struct arena *arena, const char **sql, size_t *count, int *params);
/* A keyword or name, letter case ignored; a mark. */
bool token_is(const struct token *token, const char *text);
/* Position of the `)` that closes the `(` at `open`; of the end without one. */
size_t tokens_closing(const struct token *tokens, size_t open);
void token_put(struct buf *out, const struct token *token);

#endif
