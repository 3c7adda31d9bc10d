/* json_fault.h - what is wrong with a JSON body, in the words of Salesforce's parser. */
#ifndef LOCALORG_REST_JSON_FAULT_H
#define LOCALORG_REST_JSON_FAULT_H

#include "base/buf.h"
#include "base/err.h"

/* Appends the message for a text that json_parse refused with this error (its reason and
 * place). Blocking: no. */
void json_fault_write(const char *text, size_t len, const struct err *refusal, struct buf *out);

#endif
