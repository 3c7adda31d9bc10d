/* parse.h - SOQL text to a tree (ast.h). Names are not checked here. */
#ifndef LOCALORG_SOQL_PARSE_H
#define LOCALORG_SOQL_PARSE_H

#include "localorg/soql/ast.h"
#include "localorg/soql/lex.h"

/* NULL with MALFORMED_QUERY in *err. The tree points into `text`. */
struct ast_query *soql_parse(struct arena *arena, struct str text, struct err *err);
/* Only a condition, as after WHERE. */
struct ast_cond *soql_parse_condition(struct arena *arena, struct str text, struct err *err);

#endif
