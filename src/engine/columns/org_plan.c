/* org_plan.c - keeps a run to the plan that a person approved: what is in it goes, what
 * differs from it or is not in it is held back and named. */
#include "engine/columns/org_write.h"

#include "base/str.h"
#include "store/store_plans.h"

#include <string.h>

static bool as_planned(const struct write_intent *intent, const struct plan_line *line)
{
    return intent->kind == line->kind && text_eq(intent->target_id, line->target_id) &&
           text_eq(intent->payload, line->payload) && text_eq(intent->before, line->before);
}

static void hold_back(struct write_column *w, size_t i, const char *code, const char *why)
{
    w->intents[i].wanted = false;
    batch_fail(w->batch, i, CELL_WAITING, code, "%s", why);
    report_refusal(w->batch->job->report, code, why);
}

static void keep_to(struct write_column *w, size_t i, const struct plan_line *line)
{
    struct write_intent *intent = &w->intents[i];
    if (!line->row_id) {
        hold_back(w, i, "plan.not_in_it", "held back: the plan does not know this write; make a new plan");
    } else if (line->state == LINE_REJECTED) {
        intent->wanted = false;
        batch_fail(w->batch, i, CELL_REFUSED, "plan.rejected", "rejected by %s: %s",
                   line->decided_by ? line->decided_by : "a person",
                   line->reason ? line->reason : "no reason given");
    } else if (line->state == LINE_BLOCKED || !as_planned(intent, line)) {
        hold_back(w, i, "plan.changed",
                  "held back: the record or the row changed since the plan was made; make a new plan");
    } else if (line->state == LINE_EDITED) {
        intent->payload = line->edited;
    }
}

enum status write_keep_to_plan(struct write_column *w, struct err *err)
{
    struct column_batch *batch = w->batch;
    struct store *store = batch->job->engine->store;
    int64_t plan_id = batch->job->options->plan_id;
    if (!plan_id)
        return OK;
    int64_t *rows = arena_array(batch->arena, batch->count + 1, sizeof *rows);
    struct plan_line *lines = arena_array(batch->arena, batch->count + 1, sizeof *lines);
    for (size_t i = 0; i < batch->count; i++)
        rows[i] = batch->rows[i].id;
    if (store->does->plans->lines_of(store, batch->arena, plan_id, batch->plan->column->id, rows,
                                     batch->count, lines, err) != OK)
        return FAIL;
    for (size_t i = 0; i < batch->count; i++)
        if (w->intents[i].wanted)
            keep_to(w, i, &lines[i]);
    return OK;
}
