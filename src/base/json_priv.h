/* json_priv.h - what json.c, json.cc and json_check.c share. Not for other rooms. */
#ifndef ARGIL_BASE_JSON_PRIV_H
#define ARGIL_BASE_JSON_PRIV_H

#include "base/json.h"

#define JSON_MAX_DEPTH 64

/* json.cc: builds the tree, or returns NULL with *why set (a static sentence).
 * `text` is followed by BUF_PADDING readable bytes and has no byte-order mark. */
const struct json *json_build(struct arena *arena, const char *text, size_t len, const char **why);

/* json_check.c: true when the text is one valid document. Otherwise *at is the
 * first byte that cannot stand where it stands, and *why says what was wrong. */
bool json_check(const char *text, size_t len, size_t *at, const char **why);

#endif
