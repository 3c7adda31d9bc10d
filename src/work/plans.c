/* plans.c - what dry runs would write, kept in memory for whoever asked: the last
 * PLANS_KEPT of them, of each the first WRITES_KEPT writes; all are counted. */
#include "work/work_priv.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define PLANS_KEPT  16
#define WRITES_KEPT 5000

struct kept_plan {
    int64_t run_id, shown, total;
    struct buf writes; /* JSON array, open until the run has ended */
    struct kept_plan *next;
};

struct kept_plan *plan_new(int64_t run_id)
{
    struct kept_plan *plan = mem_alloc(sizeof *plan);
    plan->run_id = run_id;
    buf_char(&plan->writes, '[');
    return plan;
}

static void plan_free(struct kept_plan *plan)
{
    buf_free(&plan->writes);
    free(plan);
}

static void put_json(struct jw *w, const char *key, const char *json)
{
    jw_key(w, key);
    if (json)
        jw_raw(w, json, strlen(json));
    else
        jw_null(w);
}

void plan_collect(void *ctx, const struct planned_write *write)
{
    struct kept_plan *plan = ctx;
    struct jw w;
    if (plan->total++ >= WRITES_KEPT)
        return;
    if (plan->shown++)
        buf_char(&plan->writes, ',');
    jw_init(&w, &plan->writes);
    jw_object(&w);
    jw_kv_text(&w, "column", write->column);
    jw_kv_text(&w, "row_key", write->row_key);
    jw_kv_text(&w, "kind", op_kind_name(write->kind));
    jw_kv_text(&w, "mode", write_mode_name(write->mode));
    jw_kv_text(&w, "object", write->object);
    jw_kv_text(&w, "target", write->target_id);
    put_json(&w, "set", write->payload);
    put_json(&w, "before", write->before);
    jw_end_object(&w);
}

void plan_keep(struct work *work, struct kept_plan *plan)
{
    size_t count = 0;
    buf_char(&plan->writes, ']');
    pthread_mutex_lock(&work->lock);
    plan->next = work->plans;
    work->plans = plan;
    for (struct kept_plan **at = &work->plans; *at;) {
        struct kept_plan *old = *at;
        if (++count <= PLANS_KEPT) {
            at = &old->next;
            continue;
        }
        *at = old->next;
        plan_free(old);
    }
    pthread_mutex_unlock(&work->lock);
}

void plans_free(struct work *work)
{
    while (work->plans) {
        struct kept_plan *plan = work->plans;
        work->plans = plan->next;
        plan_free(plan);
    }
}

bool work_plan_of(struct work *work, int64_t run_id, struct arena *arena, struct work_plan *out)
{
    pthread_mutex_lock(&work->lock);
    const struct kept_plan *plan = work->plans;
    while (plan && plan->run_id != run_id)
        plan = plan->next;
    if (plan)
        *out = (struct work_plan){.writes = arena_strdup(arena, buf_text(&plan->writes)),
                                  .shown = plan->shown,
                                  .total = plan->total};
    pthread_mutex_unlock(&work->lock);
    return plan != NULL;
}
