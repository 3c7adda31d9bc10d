/* parse_priv.h - what parse.c and parse_where.c share: the place in the text
 * and the token under it. */
#ifndef LOCALORG_SOQL_PARSE_PRIV_H
#define LOCALORG_SOQL_PARSE_PRIV_H

#include "localorg/soql/parse.h"

#define PARSE_MAX_DEPTH 100

struct parser {
    struct arena *arena;
    struct str text;
    struct token token; /* under the hand, not yet taken */
    int depth;          /* open parentheses and NOTs */
    struct err *err;
};

void parser_start(struct parser *p, struct arena *arena, struct str text, struct err *err);
void parser_step(struct parser *p);               /* takes the token */
struct token parser_peek(const struct parser *p); /* the one after */
bool parser_at(const struct parser *p, const char *word);
bool parser_take(struct parser *p, const char *word); /* steps when it is there */
enum status parser_need(struct parser *p, const char *word);
enum status parser_unexpected(struct parser *p); /* FAIL: unexpected token */
enum status parser_name(struct parser *p, struct str *out);
enum status parser_deeper(struct parser *p); /* FAIL when nested too deep */

struct ast_expr *parse_path(struct parser *p);
struct ast_expr *parse_expr(struct parser *p); /* a path or a call; NULL on error */
struct ast_cond *parse_cond(struct parser *p);
struct ast_query *parse_query(struct parser *p);

#endif
