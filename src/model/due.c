/* due.c - the order is told in due.h; here is nothing else. */
#include "model/due.h"

/* There is a result, or one is on its way. */
static bool has_result(enum cell_state state)
{
    switch (state) {
    case CELL_OK:
    case CELL_NO_RESULT:
    case CELL_SKIPPED:
    case CELL_OUTDATED:
    case CELL_QUEUED:
    case CELL_RUNNING:
    case CELL_IN_DOUBT:
        return true;
    case CELL_EMPTY:
    case CELL_DUE:
    case CELL_WAITING:
    case CELL_RETRYING:
    case CELL_ERROR:
    case CELL_REFUSED:
        break;
    }
    return false;
}

enum due_verdict due_decide(const struct due_case *c)
{
    bool done = has_result(c->state);
    if (!c->new_row && !c->update_existing)
        return DUE_LEFT;
    if (c->table_auto && !(c->keep_results && done) && c->column_auto)
        return DUE_RUN;
    return done ? DUE_MARK : DUE_LEFT;
}
