/* store_describes.h - what an org said of its objects, kept between processes.
 *
 * A text by connection, user and name ("Lead"; "" = the list of all objects),
 * with the moment the org says it last changed (Last-Modified), to be asked for
 * again with If-Modified-Since. What one user may see is not what another may:
 * the user belongs to the key. Reached as store->does->describes. */
#ifndef ARGIL_STORE_STORE_DESCRIBES_H
#define ARGIL_STORE_STORE_DESCRIBES_H

#include "store/store.h"

struct store_describe {
    const char *modified; /* as the org printed it; NULL = it did not */
    const char *body;
    int64_t kept_ms;      /* when it was put */
};

struct store_describes {
    enum status (*get)(struct store *, struct arena *, int64_t connection_id, const char *user_id,
                       const char *name, struct store_describe *out, struct err *); /* ERR_NOT_FOUND */
    enum status (*put)(struct store *, int64_t connection_id, const char *user_id,
                       const char *name, const char *modified, const char *body, struct err *);
    enum status (*forget)(struct store *, int64_t connection_id, struct err *);
};

#endif
