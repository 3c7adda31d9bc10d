/* store_audit.h - reading the audit; reached as store->does->audit. Writing is
 * audit_add in store.h and every call that says so; lines are never changed. */
#ifndef ARGIL_STORE_STORE_AUDIT_H
#define ARGIL_STORE_STORE_AUDIT_H

#include "store/store.h"

struct audit_line {
    int64_t id; /* from 1, without gaps */
    int64_t at_ms;
    const char *who, *what;
    const char *detail; /* JSON or NULL */
    const char *hash;   /* of this line and the one before it */
};

struct audit_query {
    const char *who;   /* NULL = anybody; letter case does not matter */
    int64_t before_id; /* older than this line; 0 = from the newest */
    size_t limit;      /* 0 = all */
};

struct store_audit {
    enum status (*list)(struct store *, struct arena *, const struct audit_query *query,
                        struct audit_line **out, size_t *count, struct err *); /* newest first */
};

#endif
