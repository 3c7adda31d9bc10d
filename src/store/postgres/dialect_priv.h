/* dialect_priv.h - what the rewriting of queries and of the schema share. */
#ifndef ARGIL_STORE_POSTGRES_DIALECT_PRIV_H
#define ARGIL_STORE_POSTGRES_DIALECT_PRIV_H

#include "store/postgres/dialect.h"
#include "store/postgres/tokens.h"

struct rewriting {
    const struct dialect *d;
    struct dialect_out *out;
    const struct token *t;
    size_t i;
};

/* A name of ours as it is in the database: t12_key is t7_12_key. */
const char *dialect_name(const struct dialect *d, const struct token *token);
/* Tokens up to `end`, rewritten; of an expression or a query. */
void dialect_put(struct rewriting *r, size_t end);
/* CREATE, ALTER, DROP: ddl.c. */
void dialect_put_ddl(struct rewriting *r, size_t end);

#endif
