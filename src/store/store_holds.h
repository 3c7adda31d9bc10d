/* store_holds.h - connections that may not write, because the org may have seen more
 * than this store remembers (reliability B.8, K21). Reached as store->does->holds.
 *
 * That is so after a restore from a backup, and when the store finds that it is a copy,
 * or older than it was when it was open last. What was sent since the copy was taken is
 * not in its journal: sent again, it would be there twice. So nothing is sent until
 * every open operation was looked for in the org, and a person said to go on.
 *
 * A hold that was released stays: what is made new, without a key that the org guards,
 * is still looked for among the records of the lost time. */
#ifndef ARGIL_STORE_STORE_HOLDS_H
#define ARGIL_STORE_STORE_HOLDS_H

#include "store/store.h"

/* error_code of an operation that may have been sent by a history that is lost. */
#define OP_UNSURE "restore.unsure"

struct store_hold {
    int64_t connection_id; /* 0 = there is none */
    const char *why;       /* a sentence */
    int64_t since_ms;      /* when it began: what was planned earlier may have been sent */
    int64_t from_ms;       /* the lost time begins here; 0 = nobody looks for its records any more */
    int64_t released_ms;   /* 0 = nothing is sent */
    const char *released_by;
    bool old_sign_in;      /* its tokens are those of the copy: they may be used up */
};

/* What hold_all does beside holding, in one transaction:
 *   - PLANNED, SENDING, RETRY_SAFE, UNKNOWN and RECONCILING operations become UNKNOWN with
 *     the code OP_UNSURE, their deadline is not before now;
 *   - the epoch jumps, so that no process of the lost history owns anything here;
 *   - ids that the lost history may have given out are skipped;
 *   - a line in the audit.
 * Where a connection is held already, the earlier from_ms stays. */
struct store_holds {
    /* from_ms 0 = the last time that anything was stored. *ops (may be NULL): how many became
     * unsure. This handle has the new epoch; further handles of the process are over. */
    enum status (*hold_all)(struct store *, const char *who, const char *why, int64_t from_ms,
                            int64_t *ops, struct err *err);
    enum status (*get)(struct store *, struct arena *, int64_t connection_id,
                       struct store_hold *out, struct err *err);
    /* By connection; released ones, too. */
    enum status (*list)(struct store *, struct arena *, struct store_hold **out, size_t *count,
                        struct err *err);
    /* Lets the connection write again. ERR_CONFLICT while operations of it are OP_UNSURE and
     * nobody has found out about them, ERR_NOT_FOUND when it is not held. `forget`: new records
     * are not looked for in the lost time. */
    enum status (*release)(struct store *, int64_t connection_id, const char *who, bool forget,
                           struct err *err);
    /* Somebody signed in anew. */
    enum status (*signed_in)(struct store *, int64_t connection_id, struct err *err);
};

#endif
