/* sortkey.h - bytes that compare (memcmp) as the values do that they are made of.
 *
 * A key is one part a column, laid behind one another; descending parts have their
 * bits turned around. Order inside a part: nothing (null or blank), then values,
 * then what is no value of that kind, as text. Numbers are exact decimals of any
 * length: nothing passes through a double. Text ignores case, accents and
 * combining marks of Latin, Greek and Cyrillic, and stops counting after
 * SORT_TEXT_BYTES. The bytes of a key are kept in indexes: change SORT_KEY_VERSION
 * when they change. */
#ifndef ARGIL_BASE_SORTKEY_H
#define ARGIL_BASE_SORTKEY_H

#include "base/buf.h"

#define SORT_KEY_VERSION "1"
#define SORT_TEXT_BYTES  120

enum sort_as { SORT_TEXT, SORT_NUMBER, SORT_TIME, SORT_BOOL };

/* text NULL = null. SORT_TIME takes dates and instants with a zone. */
void sort_key_add(struct buf *key, enum sort_as as, bool descending, const char *text, size_t len);
/* The text as it is compared: case, accents and combining marks gone. */
void text_fold(struct buf *out, const char *text, size_t len);

#endif
