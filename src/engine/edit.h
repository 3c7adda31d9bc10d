/* edit.h - what people type into cells of a column of the kind `input`: checked by the
 * column's type and choices, stored with who, when and the old value, and what reads
 * the column becomes due. The last writer wins; whoever is overwritten is named. */
#ifndef ARGIL_ENGINE_EDIT_H
#define ARGIL_ENGINE_EDIT_H

#include "engine/engine.h"
#include "store/store_edits.h"

struct typed_cell {
    int64_t row_id, column_id;
    struct value text;       /* as typed; NULL = emptied */
    struct value seen;       /* what the cell showed when typing began */
    bool seen_known;
    /* Told back: */
    const char *unfit;       /* why it does not fit, or NULL */
    bool same, crossed;      /* crossed: it did not hold `seen` any more */
    struct value old;
    const char *last_by;
    int64_t last_ms;
};
struct edit_report {
    int64_t saved, same, unfit, crossed, made_due;
};

/* `leave_unfit`: cells whose text does not fit are left as they are and told; else any of them
 * is ERR_INVALID and nothing is stored. `dry_run`: only checks. Texts on `arena`. */
enum status cells_edit(struct engine *engine, struct arena *arena, const char *table,
                       struct typed_cell *cells, size_t count, bool leave_unfit, bool dry_run,
                       struct edit_report *report, struct err *err);

#endif
