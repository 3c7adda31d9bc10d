/* sent.h - the door for rows that a column sends to another table. */
#ifndef ARGIL_ENGINE_SOURCES_SENT_H
#define ARGIL_ENGINE_SOURCES_SENT_H

#include "engine/sources/source_kind.h"

struct sent_row {
    const char *key;           /* what tells it apart where the source has no unique_by */
    const struct json *object; /* field -> value */
    struct err err;            /* out: why this row was not taken; code "" = it was */
};
struct sent_receipt {
    int64_t added, changed, made_due; /* added to */
};

/* The named source that takes rows, or the only one of the table. NULL with *err set. */
const struct source *sent_source(const struct table *table, const char *name, struct err *err);
/* Rows that fit are stored in one transaction; the others have their err set. */
enum status sent_accept(struct engine *engine, const char *table, const char *source,
                        struct sent_row *rows, size_t count, struct sent_receipt *receipt,
                        struct err *err);

#endif
