/* write_priv.h - one exchange of writes, between its files: write.c opens and
 * closes it, write_body.c says what travels, write_answer.c what came back. */
#ifndef ARGIL_CONNECT_SF_WRITE_PRIV_H
#define ARGIL_CONNECT_SF_WRITE_PRIV_H

#include "connect/salesforce/sf_priv.h"

/* What travels: the rows that passed the checks, and where they came from. */
struct batch {
    struct sf *sf;
    const struct crm_write_options *options;
    struct arena *arena;
    struct crm_write *writes;
    const struct json **payloads; /* parsed, to see their members */
    struct crm_outcome *outcomes;
    size_t *from; /* index in the caller's arrays */
    size_t count;
    bool composite;
    bool stale; /* a SOAP fault said that the session ended */
    /* while it is under way */
    struct crm_exchange *exchange;
    struct http_header rule, mru, assign, unmodified;
    struct sf_call call;
    struct sf_posted posted;
    struct buf body;
};

/* write_convert.c: the same for leads to be converted, by SOAP. */
void convert_request(struct batch *batch);
void convert_answer(struct batch *batch, const struct http_response *response,
                    const char *http_error);

/* Fills call and body. */
void batch_request(struct batch *batch);
/* The part of a composite request that write i is in. */
size_t batch_part_rows(const struct batch *batch);
void batch_answer(struct batch *batch, const struct http_response *response,
                  const char *http_error);

#endif
