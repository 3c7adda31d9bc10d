/* query.h - running SOQL for an answer. */
#ifndef LOCALORG_REST_QUERY_H
#define LOCALORG_REST_QUERY_H

#include "localorg/rest/call.h"

/* Answers with a query result: the first page, and a locator when there is more. */
void query_answer(struct call *call, const char *soql, bool all_rows);

#endif
