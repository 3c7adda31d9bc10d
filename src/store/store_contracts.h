/* store_contracts.h - field contracts: what may be written to an org, version by
 * version; reached as store->does->contracts. A version is never changed; the newest
 * one holds. Every new one is in the audit, in the same transaction. */
#ifndef ARGIL_STORE_STORE_CONTRACTS_H
#define ARGIL_STORE_STORE_CONTRACTS_H

#include "store/store.h"

struct contract_version {
    int64_t version; /* 1, 2, ... in each connection */
    int64_t at_ms;
    const char *who, *ticket, *note; /* ticket and note may be NULL */
    const char *text;                /* as it was applied, YAML */
};

struct store_contracts {
    /* Adds the next version: sets version and at_ms. */
    enum status (*put)(struct store *, int64_t connection_id, struct contract_version *version, struct err *);
    /* version 0 = the newest. ERR_NOT_FOUND: there is none. */
    enum status (*get)(struct store *, struct arena *, int64_t connection_id, int64_t version,
                       struct contract_version *out, struct err *);
    /* Newest first, without their texts (text NULL). */
    enum status (*list)(struct store *, struct arena *, int64_t connection_id,
                        struct contract_version **out, size_t *count, struct err *);
};

#endif
