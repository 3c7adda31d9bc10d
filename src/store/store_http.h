/* store_http.h - what HTTP columns keep beside their cells: answers by request for a chosen
 * time, and when a host may be asked next, for all processes of the workspace. Reached as
 * store->does->http.
 *
 * A key is a keyed hash of a whole request: who has the store alone cannot even try guesses. */
#ifndef ARGIL_STORE_STORE_HTTP_H
#define ARGIL_STORE_STORE_HTTP_H

#include "store/store.h"

struct kept_answer {
    const char *key;  /* of the request */
    const char *json; /* "" = it was asked, and there was no result */
};

struct kept_bound {
    int64_t most, bytes; /* answers at once, and of all together */
};

struct store_http {
    /* answers[i].json of the request answers[i].key, on the arena; NULL where none is kept that
     * is at most `age_ms` old. */
    enum status (*answers)(struct store *, struct arena *, int64_t age_ms,
                           struct kept_answer *answers, size_t count, struct err *err);
    /* Keeps them for `keep_ms`, in place of what was kept. Those whose time is over go; so do the
     * oldest, a tenth at once, while there are more of them than the bound. */
    enum status (*keep)(struct store *, int64_t keep_ms, const struct kept_bound *bound,
                        const struct kept_answer *answers, size_t count, struct err *err);
    /* Takes `count` turns at a host that bears one each `each_us` (microseconds). *wait_ms: how
     * long until the first of them. Turns of a clock that was put back since do not count. */
    enum status (*turns)(struct store *, const char *host, int64_t count, int64_t each_us,
                         int64_t *wait_ms, struct err *err);
};

#endif
