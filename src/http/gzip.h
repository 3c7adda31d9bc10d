/* gzip.h - packing an answer, unpacking a request. Not for other rooms. */
#ifndef ARGIL_HTTP_GZIP_H
#define ARGIL_HTTP_GZIP_H

#include "base/buf.h"

/* Does an Accept-Encoding header (may be NULL) take gzip? */
bool gzip_accepted(const char *accept_encoding);
/* Packs with the quickest level. False when it failed or did not get smaller. */
bool gzip_pack(const struct buf *plain, struct buf *packed);
/* Appends what gzip or zlib packed, as many members as there are. False when it is
 * broken or ends early; plain->overflow when there is no room. */
bool gzip_unpack(const struct buf *packed, struct buf *plain);

#endif
