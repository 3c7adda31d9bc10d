/* source_kind.h - where rows come from: one row per kind, one file per kind.
 *
 * sync.c never asks which kind it is. It calls pull, which reads what is new,
 * changed and gone, hands rows over with sync_store (engine/sync_priv.h), and
 * says in the report whether the table is complete. */
#ifndef ARGIL_ENGINE_SOURCES_SOURCE_KIND_H
#define ARGIL_ENGINE_SOURCES_SOURCE_KIND_H

#include "engine/engine.h"

struct sync; /* engine/sync_priv.h */

struct source_kind {
    const char *name; /* "salesforce_object" */
    /* Brings the table up to date. Sets sync->subject as soon as it is known, report->complete,
     * as_of_ms, remote_count and rows_now. What was stored before a failure stays stored. */
    enum status (*pull)(struct sync *sync, struct err *err);
};

extern const struct source_kind salesforce_object_source;

/* The kind of a stored source; NULL with *err set when there is none of its name. */
const struct source_kind *source_kind_of(const struct source *source, struct err *err);

#endif
