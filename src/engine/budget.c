/* budget.c - how many calls of an org a job may use.
 *
 * A connection with a budget of its own (calls a day, UTC) has one for all processes: the
 * store counts, a session takes a few calls at a time before it makes them, and gives back
 * what it did not use. Without one it is half of what the org had left when the session
 * began, by the org's own counter, which sees everybody's calls. Reaching it pauses the job;
 * it never fails it. */
#include "engine/run_priv.h"

#include "base/log.h"
#include "store/store_shares.h"

#define TAKEN_AT_ONCE 20
#define DAY_MS        ((int64_t)24 * 60 * 60 * 1000)

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

void job_settle_budget(struct run_job *job, struct job_session *on)
{
    struct store *store = job->engine->store;
    struct err err = {0};
    int64_t all, left = on->taken - (int64_t)on->session->calls;
    if (on->connection.daily_call_budget <= 0 || !left)
        return;
    int64_t day = on->day ? on->day : engine_now(job->engine) / DAY_MS;
    enum status rc =
        left > 0 ? store->does->shares->calls_back(store, on->connection_id, day, left, &err)
                 : store->does->shares->calls(store, on->connection_id, day, -left,
                                              CALLS_WITHOUT_END, &all, &err);
    if (rc != OK)
        log_debug("calls of \"%s\": %s", on->name, err.message);
    on->taken -= left;
}

/* Of the connection's own budget; true also when the store cannot say. */
static bool day_is_over(struct run_job *job, struct job_session *on, int64_t used)
{
    struct store *store = job->engine->store;
    struct err err = {0};
    int64_t more = 0, day = engine_now(job->engine) / DAY_MS;
    if (on->day && on->day != day)
        job_settle_budget(job, on);
    on->day = day;
    if (used < on->taken)
        return false;
    int64_t wanted = used + 1 - on->taken;
    if (store->does->shares->calls(store, on->connection_id, day,
                                   wanted > TAKEN_AT_ONCE ? wanted : TAKEN_AT_ONCE,
                                   on->connection.daily_call_budget, &more, &err) != OK)
        log_warn("calls of \"%s\": %s", on->name, err.message);
    on->taken += more;
    return used >= on->taken;
}

/* Half of what the org had left: by our own calls, or by its counter if that is ahead. */
static bool half_is_used(struct job_session *on, int64_t under_way)
{
    const struct crm_session *session = on->session;
    if (!on->budget && session->limit_max > 0 && session->limit_used >= 0) {
        on->used_before = session->limit_used;
        on->org_left = session->limit_max - session->limit_used;
        on->budget = (uint64_t)on->org_left / 2 + session->calls + 1;
    }
    if (!on->budget)
        return false;
    return session->calls + (uint64_t)under_way >= on->budget ||
           session->limit_used - on->used_before + under_way > smaller(on->org_left / 2 + 1, on->org_left);
}

bool job_over_budget(struct run_job *job, struct job_session *on, size_t under_way)
{
    bool over = on->connection.daily_call_budget > 0
                    ? day_is_over(job, on, (int64_t)(on->session->calls + under_way))
                    : half_is_used(on, (int64_t)under_way);
    if (!over)
        return false;
    job->report->paused = true;
    job->stop_writing = true;
    report_refusal(job->report, "budget",
                   "the connection's call budget is used up; the rest waits for the next run");
    return true;
}
