/* places.c - how many exchanges of ours a connection may have under way, of those that it
 * bears from all processes together. Where nobody shares the store, as many as the org takes
 * (the window of journal_send.c). */
#include "engine/run_priv.h"

#include "base/log.h"
#include "store/store_shares.h"

#define PLACES_WANTED 8   /* the widest window */
#define ASK_EACH_MS   500 /* newcomers wait so long for theirs */
#define WAIT_MS       100

static const char *holder_of(const struct run_job *job, const struct job_session *on, char *out,
                             size_t size)
{
    snprintf(out, size, "%lld.%lld.%p", (long long)job->engine->store->epoch,
             (long long)job->run_id, (const void *)on);
    return out;
}

static void ask(struct run_job *job, struct job_session *on, size_t under_way)
{
    char holder[80];
    struct err err = {0};
    int64_t granted = on->places;
    struct store *store = job->engine->store;
    if (store->does->shares->places(store, on->connection_id, holder_of(job, on, holder, sizeof holder),
                                    PLACES_WANTED, (int64_t)under_way, job->engine->calls_at_once,
                                    &granted, &err) != OK) {
        log_warn("places of \"%s\": %s", on->name, err.message);
        granted = on->places;
    }
    on->places = granted;
    on->asked_ms = job->engine->world->monotonic_ms(job->engine->world);
}

int64_t job_places(struct run_job *job, struct job_session *on, size_t under_way)
{
    if (!job->engine->calls_at_once)
        return INT64_MAX;
    if (job->engine->world->monotonic_ms(job->engine->world) - on->asked_ms >= ASK_EACH_MS)
        ask(job, on, under_way);
    return on->places;
}

bool job_wait_for_place(struct run_job *job, struct job_session *on)
{
    if (!job->engine->calls_at_once)
        return true;
    for (ask(job, on, 0); on->places < 1; ask(job, on, 0))
        if (!job_sleep(job, WAIT_MS))
            break;
    return on->places > 0;
}

void job_give_places_back(struct run_job *job, struct job_session *on)
{
    char holder[80];
    struct err err = {0};
    struct store *store = job->engine->store;
    if (!job->engine->calls_at_once)
        return;
    on->places = 0;
    if (store->does->shares->places_back(store, on->connection_id,
                                         holder_of(job, on, holder, sizeof holder), &err) != OK)
        log_debug("places of \"%s\": %s", on->name, err.message); /* they go with our epoch */
}
