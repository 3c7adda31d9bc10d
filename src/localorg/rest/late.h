/* late.h - requests that are delivered after their client has given up.
 *
 * They are kept whole and run when their time, by the org's clock, has come: at
 * the next request of anybody, or when the machine's clock has got there. Nobody
 * gets their answer. What they write is stamped with the time they were due, so
 * that it does not matter who looked first. Thread-safe. */
#ifndef LOCALORG_REST_LATE_H
#define LOCALORG_REST_LATE_H

#include "http/server.h"

#include <stdint.h>

struct late;
struct site;

struct late *late_new(void);
void late_free(struct late *late);  /* NULL is fine; those not yet due are lost */
void late_clear(struct late *late); /* a new org has never heard of them */
/* Copies the request; due `delay_ms` from now. */
void late_add(struct site *site, const struct http_in *in, int64_t delay_ms);
/* Delivers those that are due. Not under org_lock. */
void late_run(struct site *site);
size_t late_count(struct late *late);

#endif
