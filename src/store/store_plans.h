/* store_plans.h - plans of writes that wait for a person; reached as store->does->plans.
 * A plan is made by a dry run, decided on by people, and applied at most once. Every
 * decision is in the audit, in the same transaction. */
#ifndef ARGIL_STORE_STORE_PLANS_H
#define ARGIL_STORE_STORE_PLANS_H

#include "store/store.h"

/* Stored as numbers: add at the end. */
enum plan_state { PLAN_MAKING, PLAN_WAITING, PLAN_APPROVED, PLAN_REJECTED, PLAN_APPLIED };
enum plan_line_state { LINE_PLANNED, LINE_REJECTED, LINE_EDITED, LINE_BLOCKED };

struct write_plan {
    int64_t id, table_id, run_id; /* run_id: of the dry run that made it */
    enum plan_state state;
    int64_t at_ms, decided_ms, applied_run; /* 0 = not yet */
    const char *who, *decided_by, *reason;  /* NULL = not yet, not given */
    const char *scope;   /* JSON object: what the run was asked for */
    const char *report;  /* JSON object: the dry run's counts */
    int64_t lines[LINE_BLOCKED + 1]; /* how many in each state */
};

struct plan_line {
    int64_t column_id, row_id;
    enum plan_line_state state;
    enum op_kind kind;
    const char *row_key, *object, *target_id; /* target NULL for creates */
    const char *payload, *before;             /* JSON objects; before NULL for creates */
    const char *edited;                       /* payload that a person put in its place, or NULL */
    const char *reason, *decided_by;          /* of a rejection or an edit; of a block */
};

struct store_plans {
    /* MAKING; sets id and at_ms. run_id where the dry run has its number already. */
    enum status (*begin)(struct store *, struct write_plan *plan, struct err *);
    enum status (*add)(struct store *, int64_t plan_id, const struct plan_line *lines, size_t count, struct err *);
    /* MAKING -> WAITING, with the dry run's number and counts. */
    enum status (*ready)(struct store *, int64_t plan_id, int64_t run_id, const char *report, struct err *);
    enum status (*get)(struct store *, struct arena *, int64_t plan_id, struct write_plan *out, struct err *); /* ERR_NOT_FOUND */
    /* The one that this dry run made; ERR_NOT_FOUND. */
    enum status (*of_run)(struct store *, struct arena *, int64_t run_id, struct write_plan *out, struct err *);
    /* Newest first; table_id 0 = any; states: bits 1 << enum plan_state, 0 = any. */
    enum status (*list)(struct store *, struct arena *, int64_t table_id, uint32_t states, size_t limit,
                        struct write_plan **out, size_t *count, struct err *);
    /* In the order of column and row, behind (column, row). */
    enum status (*lines)(struct store *, struct arena *, int64_t plan_id, int64_t after_column, int64_t after_row,
                         size_t limit, struct plan_line **out, size_t *count, struct err *);
    /* Of one column; out[i].row_id 0 where the plan has no line for row_ids[i]. */
    enum status (*lines_of)(struct store *, struct arena *, int64_t plan_id, int64_t column_id, const int64_t *row_ids,
                            size_t count, struct plan_line *out, struct err *);
    /* While WAITING: REJECTED with a reason, EDITED with another payload, or PLANNED again. Else
     * ERR_CONFLICT; BLOCKED lines stay as they are. */
    enum status (*decide_line)(struct store *, int64_t plan_id, const struct plan_line *line, struct err *);
    /* WAITING -> APPROVED or REJECTED; APPROVED -> APPLIED with run_id. Else ERR_CONFLICT. */
    enum status (*decide)(struct store *, int64_t plan_id, enum plan_state to, const char *who, const char *reason,
                          int64_t run_id, struct err *);
    /* The run that applies it has its number now. */
    enum status (*applied_by)(struct store *, int64_t plan_id, int64_t run_id, struct err *);
};

#endif
