/* tags.h - elements of a small XML answer, found by their names.
 *
 * For answers whose shape is known (a SOAP result), not for documents: no attributes,
 * no CDATA, and an element never holds another of its own name. A prefix before the name
 * does not matter. Works in place; nothing is read past `len`. */
#ifndef ARGIL_BASE_TAGS_H
#define ARGIL_BASE_TAGS_H

#include "base/arena.h"
#include "base/str.h"

/* What is inside the first element of that name at or behind *at; *at moves behind it.
 * Start with *at = 0. False: there is none, or it has no end. */
bool tags_next(struct str xml, size_t *at, const char *name, struct str *inside);
/* The text of the first element of that name, entities resolved; NULL when there is none or
 * it is empty. */
const char *tags_text(struct arena *arena, struct str xml, const char *name);
/* Appends text with the characters that XML keeps for itself replaced. */
struct buf;
void tags_escape(struct buf *out, const char *text);

#endif
