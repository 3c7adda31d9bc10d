/* why.h - why does this record hold this value? What the journal knows of a record's
 * field, beside what the org says of it now. */
#ifndef ARGIL_ENGINE_WHY_H
#define ARGIL_ENGINE_WHY_H

#include "engine/engine.h"

/* One operation that wrote the field, or is about to. Texts NULL where it is gone or unknown. */
struct why_write {
    struct op op;
    const char *table, *column, *row_key, *connection;
    const char *field;           /* as the payload spells it */
    const char *before, *wrote;  /* JSON texts */
    const char *who, *cause;     /* of the run: who asked, "person" or "schedule" */
    const char *run_kind;        /* "run", "undo" */
    int64_t undoes;              /* the operation that this one took back; 0 = none */
};

enum why_now {
    WHY_NOT_ASKED,
    WHY_OURS,    /* it holds what our last write put there */
    WHY_CHANGED, /* it holds something else: somebody changed it after us */
    WHY_NEVER,   /* none of our writes touched it */
    WHY_GONE     /* the record or the field is deleted, or out of sight */
};

struct why {
    const char *record_id, *object;
    struct why_write *writes; /* newest first */
    size_t count;
    bool more;                /* older ones are not in `writes` */
    enum why_now verdict;
    const char *refused;                   /* why the org was not asked; NULL = it was, or nobody wanted */
    const char *now;                       /* JSON text, or NULL */
    const char *modified, *modified_by;    /* LastModifiedDate, name of LastModifiedBy; NULL */
};
/* record_id: 15 or 18 characters. field NULL: every field. `ask`: look at the org, too (with
 * the connection of the newest write, or `connection` where we wrote nothing). On `arena`. */
enum status engine_why(struct engine *engine, struct arena *arena, const char *record_id,
                       const char *field, const char *connection, bool ask, struct why *out,
                       struct err *err);

#endif
