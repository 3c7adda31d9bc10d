/* journal_bulk.c - operations that travel as Bulk jobs.
 *
 * Order for each job: pack the rows -> make the job -> SENDING with the job's id on
 * disk (W1: before a row leaves) -> upload -> start -> ask after it -> settle each
 * operation by the job's results. The process may die anywhere between: a job that
 * was not started did nothing, and one that was is asked again by its id
 * (reconcile_bulk.c). Crash points: B1 the job is made, B2 its id is on disk, B3 it
 * is filled, B4 it is started, B5 it is over, B6 some of its rows are settled.
 *
 * Writes of a column go in bulk when that costs clearly fewer calls, when the column
 * says so, or when their mode is Ticketed, which is nothing but this. For that they
 * are planned first, all of them, and sent at the column's end (bulk_hold). Changes
 * are compared once more with the records' stamps before the job is made: a job knows
 * no conditions. Those that changed meanwhile go by themselves, on condition. */
#include "engine/journal_send_priv.h"

#include "base/log.h"
#include "base/map.h"
#include "base/str.h"
#include "base/when.h"

#include <string.h>

#define SETTLED_AT_ONCE   2000
#define ASK_FIRST_MS      250
#define ASK_MOST_MS       30000
#define PATIENCE_MS       ((int64_t)10 * 60 * 1000) /* with no row more */
#define ASK_FAILURES_MOST 5
#define LOOK_AGAIN_MS     30000
#define MANY              1000000 /* writes: if a job does not pay for these, it never does */

const char *const transport_words[] = {"auto", "collections", "bulk", NULL};

/* ------------------------------------------------------------------ whether */

enum transport { TRANSPORT_AUTO, TRANSPORT_COLLECTIONS, TRANSPORT_BULK };

static enum transport transport_of(const struct column_plan *plan)
{
    const char *word = plan ? json_get_text(plan->config, "transport") : NULL;
    return text_eq(word, "bulk")          ? TRANSPORT_BULK
           : text_eq(word, "collections") ? TRANSPORT_COLLECTIONS
                                          : TRANSPORT_AUTO;
}

static bool pays(const struct crm_session *session, enum op_kind kind, size_t count)
{
    return session->does->write_cost(kind, count) > 2 * session->does->bulk->cost(count);
}

static bool wanted(const struct crm_session *session, const struct column_plan *plan,
                   enum op_kind kind, enum write_mode mode, size_t count)
{
    if (!session->does->bulk || kind > OP_DELETE)
        return false;
    if (kind == OP_CREATE && mode == MODE_TICKETED)
        return true;
    enum transport transport = transport_of(plan);
    return transport == TRANSPORT_BULK ||
           (transport == TRANSPORT_AUTO && pays(session, kind, count));
}

bool bulk_may_pay(const struct column_plan *plan)
{
    return plan->kind->writes && transport_of(plan) != TRANSPORT_COLLECTIONS;
}

bool bulk_wanted(struct sending *s, const struct op *first, size_t count)
{
    return wanted(s->target->on->session, s->target->plan, first->kind, first->mode, count);
}

/* What a job left behind, or a person or the record's history is asked about, goes by itself. */
bool bulk_may(const struct op *op)
{
    if (op->kind == OP_CREATE && op->mode == MODE_TICKETED)
        return true;
    return !text_eq(op->error_code, OUTCOME_CHANGED) &&
           !text_eq(op->error_code, CODE_DUPLICATE_RULE) &&
           !(op->error_code && text_starts(op->error_code, "bulk."));
}

bool bulk_hold(struct run_job *job, const struct op_target *target, enum op_kind kind,
               enum write_mode mode)
{
    struct store *store = job->engine->store;
    int64_t by_state[CELL_STATES] = {0};
    struct err ignored = {0};
    if (!target->on->session->does->bulk)
        return false;
    if (job->holds == target->plan)
        return job->holding;
    if (!wanted(target->on->session, target->plan, kind, mode, MANY)) {
        job->holds = target->plan; /* not for any number of rows: they need not be counted */
        job->holding = false;
        return false;
    }
    if (store->does->cells_count(store, target->table->table.id, target->plan->column->id, by_state,
                                 &ignored) != OK)
        return false;
    int64_t rows = by_state[CELL_DUE] + by_state[CELL_WAITING] + by_state[CELL_RETRYING] +
                   by_state[CELL_QUEUED];
    job->holds = target->plan;
    job->holding = wanted(target->on->session, target->plan, kind, mode, (size_t)rows);
    return job->holding;
}

void bulk_expect(struct run_job *job, struct job_session *on, const struct column_plan *plan,
                 enum op_kind kind, enum write_mode mode, int64_t writes)
{
    const struct connector *does = on->session->does;
    bool bulk = wanted(on->session, plan, kind, mode, (size_t)writes);
    struct run_report *report = job->report;
    *(bulk ? &report->sent_bulk : &report->sent_collections) += writes;
    report->write_calls +=
        (int64_t)(bulk ? does->bulk->cost((size_t)writes) : does->write_cost(kind, (size_t)writes));
}

/* --------------------------------------------------------- changed meanwhile */

struct load {
    struct sending *s;
    const struct crm_bulk *bulk;
    struct crm_session *session;
    struct arena *arena, *kept; /* kept: of the operations, which outlive the load */
    const struct crm_object *object;
    struct crm_write_options options;
    struct crm_job_ask ask;
    struct op **ops;
    bool *left, *gone; /* gone: stays where it is */
    size_t count;
};

static bool compares(const struct op *op)
{
    return op->base_stamp && op->target_id && (op->kind == OP_UPDATE || op->kind == OP_DELETE);
}

static const struct json *record_in(struct arena *arena, const char *text)
{
    struct err ignored = {0};
    return text ? json_parse(arena, text, strlen(text), &ignored) : NULL;
}

/* Salesforce's stamps have whole seconds: within one, only the values tell. */
static bool still_as_read(struct load *l, const struct op *op, const struct crm_match *match)
{
    const struct json *record = record_in(l->arena, match ? match->record : NULL);
    if (!record || !text_eq(json_get_text(record, "SystemModstamp"), op->base_stamp))
        return false;
    json_each(was, op->kind == OP_UPDATE ? record_in(l->arena, op->before) : NULL) {
        const struct json *is = json_get_nocase(record, was->key);
        if (is && !field_same(crm_object_field(l->object, was->key), was, is))
            return false;
    }
    return true;
}

/* A condition that a change in the second of `stamp` fails, too. */
static const char *second_before(struct arena *arena, const char *stamp)
{
    char text[32];
    int64_t ms;
    if (!when_parse(stamp, &ms))
        return stamp;
    when_salesforce(ms - 1000, text);
    return arena_strdup(arena, text);
}

/* The stamp, and what updates held before, each name once. */
static const char **compared_fields(struct load *l, size_t *count)
{
    struct map *seen = map_new_nocase();
    map_put(seen, "SystemModstamp", seen);
    for (size_t i = 0; i < l->count; i++)
        json_each(was, compares(l->ops[i]) && l->ops[i]->kind == OP_UPDATE
                           ? record_in(l->arena, l->ops[i]->before)
                           : NULL)
            if (crm_object_field(l->object, was->key))
                map_put(seen, was->key, seen);
    const char **names = arena_array(l->arena, map_count(seen), sizeof *names), *name;
    size_t at = 0;
    void *value;
    for (*count = 0; map_next(seen, &at, &name, &value);)
        names[(*count)++] = arena_strdup(l->arena, name);
    map_free(seen);
    return names;
}

static enum status leave_changed(struct load *l, struct err *err)
{
    static const char *const by_id[] = {"Id"};
    struct value *keys = arena_array(l->arena, l->count + 1, sizeof *keys);
    struct crm_match **found = arena_array(l->arena, l->count + 1, sizeof *found);
    bool any = false;
    for (size_t i = 0; i < l->count; i++) {
        bool asked = compares(l->ops[i]);
        keys[i] = asked ? value_of(l->ops[i]->target_id) : VALUE_NULL;
        any = any || asked;
    }
    struct crm_lookup lookup = {.object = l->object->name,
                                .match_fields = by_id,
                                .match_count = 1,
                                .keys = keys,
                                .row_count = l->count};
    if (any)
        lookup.return_fields = compared_fields(l, &lookup.return_count);
    if (any && l->session->does->lookup(l->session, &lookup, l->arena, found, err) != OK)
        return FAIL;
    for (size_t i = 0; i < l->count; i++) {
        if (!compares(l->ops[i]) || still_as_read(l, l->ops[i], found[i]))
            continue;
        l->left[i] = true;
        l->ops[i]->error_code = OUTCOME_CHANGED; /* in memory: it travels alone, on condition */
        l->ops[i]->base_stamp = second_before(l->kept, l->ops[i]->base_stamp);
    }
    return OK;
}

/* ---------------------------------------------------------------- settlements */

static struct chunk part_of(struct chunk *whole, size_t at, size_t most)
{
    struct chunk part = *whole;
    part.ops = whole->ops + at;
    part.count = whole->count - at < most ? whole->count - at : most;
    part.arena = arena_new();
    return part;
}

static enum status settle_all(struct sending *s, struct chunk *chunk,
                              const struct crm_outcome *outcomes)
{
    for (size_t at = 0; at < chunk->count && s->rc == OK; at += SETTLED_AT_ONCE) {
        struct chunk part = part_of(chunk, at, SETTLED_AT_ONCE);
        sending_settle(s, &part, outcomes + at);
        arena_free(part.arena);
        crash_point(s->job->engine, "B6");
    }
    return s->rc;
}

/* All of them are to be asked about: the job's id is in the journal. */
static enum status unsure(struct sending *s, struct chunk *chunk, const struct err *why,
                          int64_t not_before_ms)
{
    struct settlement *list = arena_array(chunk->arena, chunk->count + 1, sizeof *list);
    for (size_t i = 0; i < chunk->count; i++) {
        chunk->ops[i]->ticket = chunk->ticket;
        settlement_begin(&list[i], chunk->ops[i], OP_UNKNOWN);
        list[i].settle.error_code = why->code;
        list[i].settle.error_message = why->message;
        list[i].settle.not_before_ms = not_before_ms;
        settlement_cell(&list[i], s->target, CELL_QUEUED, why->code, why->message);
    }
    log_warn("Bulk job %s: %s", chunk->ticket, why->message);
    s->rc = journal_settle(s->job, s->target, list, chunk->count, s->err);
    for (size_t i = 0; i < chunk->count; i++) {
        chunk->ops[i]->error_code = arena_strdup(s->job->arena, why->code);
        chunk->ops[i]->error_message = arena_strdup(s->job->arena, why->message);
        chunk->ops[i]->ticket = arena_strdup(s->job->arena, chunk->ticket);
    }
    return s->rc;
}

/* A Ticketed row that a job cannot carry has no other way. */
static enum status refuse(struct load *l, struct op *op, const char *why)
{
    struct chunk chunk = {.ops = &op, .count = 1, .arena = l->arena};
    struct crm_outcome outcome = {.class = CRM_REJECTED,
                                  .code = "bulk.cannot_carry",
                                  .message = why,
                                  .evidence = "{\"progress\":\"not_sent\"}"};
    if (sending_mark(l->s, &chunk) != OK)
        return l->s->rc = FAIL;
    return chunk.count ? sending_settle(l->s, &chunk, &outcome) : OK;
}

/* ------------------------------------------------------------------ one job */

/* Until the job is over. FAIL: it is not, and is left to itself. */
static enum status wait_for(struct sending *s, struct crm_job *job, struct arena *arena,
                            struct err *why)
{
    struct crm_session *session = s->target->on->session;
    struct world *world = s->job->engine->world;
    int64_t wait = ASK_FIRST_MS, quiet_since = world->monotonic_ms(world), before = 0;
    for (int failures = 0; failures < ASK_FAILURES_MOST;) {
        if (!job_sleep(s->job, wait))
            return err_set(why, "bulk.working", "stopped while Bulk job %s is at work", job->id);
        wait = wait * 3 / 2 < ASK_MOST_MS ? wait * 3 / 2 : ASK_MOST_MS;
        if (session->does->bulk->poll(session, arena, job, why) != OK) {
            failures++;
            continue;
        }
        failures = 0;
        if (job->state != CRM_JOB_RUNNING && job->state != CRM_JOB_OPEN)
            return OK;
        job_tick(s->job, "writing in bulk", job->processed, 0);
        if (job->processed != before)
            quiet_since = world->monotonic_ms(world);
        before = job->processed;
        if (world->monotonic_ms(world) - quiet_since > PATIENCE_MS)
            return err_set(why, "bulk.working",
                           "Bulk job %s is still at work; a later run asks again", job->id);
    }
    return FAIL;
}

static enum status settle_results(struct load *l, struct chunk *chunk, struct crm_job *job,
                                  struct err *why)
{
    struct crm_job_row *rows = arena_array(chunk->arena, chunk->count + 1, sizeof *rows);
    struct crm_outcome *outcomes = arena_array(chunk->arena, chunk->count + 1, sizeof *outcomes);
    for (size_t i = 0; i < chunk->count; i++)
        op_to_write(l->object, chunk->ops[i], &rows[i].write);
    if (l->bulk->results(l->session, job, &l->ask, rows, chunk->count, chunk->arena, outcomes,
                         why) != OK)
        return FAIL;
    if (job->state == CRM_JOB_FAILED)
        report_refusal(l->s->job->report, "bulk.job_failed", job->why);
    settle_all(l->s, chunk, outcomes);
    return OK;
}

/* The job is made and known on disk: its rows go, and come back. */
static enum status run_job(struct load *l, struct chunk *chunk, struct crm_job *job,
                           const struct crm_pack *pack)
{
    struct sending *s = l->s;
    struct engine *engine = s->job->engine;
    struct err why = {0};
    crash_point(engine, "B2");
    if (l->bulk->upload(l->session, job, &pack->csv, &why) != OK)
        return unsure(s, chunk, &why, 0);
    crash_point(engine, "B3");
    if (l->bulk->start(l->session, job, &why) != OK)
        return unsure(s, chunk, &why, 0);
    crash_point(engine, "B4");
    if (wait_for(s, job, chunk->arena, &why) != OK) {
        s->job->report->paused = true;
        return unsure(s, chunk, &why, engine_now(engine) + LOOK_AGAIN_MS);
    }
    crash_point(engine, "B5");
    if (job->state == CRM_JOB_GONE)
        err_set(&why, "bulk.gone", "somebody deleted Bulk job %s", job->id);
    else if (settle_results(l, chunk, job, &why) == OK)
        return s->rc;
    return unsure(s, chunk, &why,
                  job->state == CRM_JOB_GONE ? 0 : engine_now(engine) + LOOK_AGAIN_MS);
}

/* There is no job: the others' rows may go in another way, Ticketed ones wait. */
static enum status no_job(struct load *l, size_t at, const struct err *why)
{
    struct run_job *job = l->s->job;
    bool pause = err_is(why, ERR_CRM_LIMIT) || err_is(why, ERR_CRM_RECONNECT);
    bool ticketed = l->ops[0]->kind == OP_CREATE && l->ops[0]->mode == MODE_TICKETED;
    if (pause || ticketed) {
        report_refusal(job->report, why->code, why->message);
        job->report->paused = true;
        job->stop_column = true;
        job->stop_writing = job->stop_writing || pause;
        return OK;
    }
    log_info("%s is written by collections, not in bulk: %s", l->object->name, why->message);
    for (size_t i = at; i < l->count; i++)
        l->left[i] = l->left[i] || !l->gone[i];
    return OK;
}

static enum status pack_again(struct load *l, struct chunk *chunk, struct crm_pack *pack)
{
    struct crm_write *writes = arena_array(chunk->arena, chunk->count + 1, sizeof *writes);
    for (size_t i = 0; i < chunk->count; i++)
        op_to_write(l->object, chunk->ops[i], &writes[i]);
    buf_free(&pack->csv);
    return l->bulk->pack(l->session, &l->ask, writes, chunk->count, chunk->arena, pack, l->s->err);
}

static enum status one_job(struct load *l, struct chunk *chunk, struct crm_pack *pack, size_t at)
{
    struct sending *s = l->s;
    struct crm_job job = {0};
    struct err why = {0};
    size_t packed = chunk->count;
    if (l->bulk->create(l->session, &l->ask, chunk->arena, &job, &why) != OK)
        return no_job(l, at, &why);
    crash_point(s->job->engine, "B1");
    chunk->ticket = job.id;
    s->rc = sending_mark(s, chunk);
    if (s->rc == OK && chunk->count && chunk->count != packed)
        s->rc = pack_again(l, chunk, pack); /* some are another's by now */
    if (s->rc != OK)
        return s->rc; /* W8: nothing more leaves; the empty job does nothing */
    if (!chunk->count) {
        l->bulk->abort(l->session, &job, &why);
        return OK;
    }
    s->job->report->bulk_jobs++;
    s->job->report->sent_bulk += (int64_t)chunk->count;
    return run_job(l, chunk, &job, pack);
}

/* The next operations that fit into one job; *at moves behind them. */
static enum status next_job(struct load *l, size_t *at)
{
    struct chunk chunk = {.arena = arena_new(), .object = l->object};
    struct crm_pack pack = {0};
    size_t n = 0, from = *at;
    struct crm_write *writes = arena_array(chunk.arena, l->count - from + 1, sizeof *writes);
    size_t *place = arena_array(chunk.arena, l->count - from + 1, sizeof *place);
    chunk.ops = arena_array(chunk.arena, l->count - from + 1, sizeof *chunk.ops);
    for (size_t i = from; i < l->count && n < l->bulk->rows_most(); i++) {
        if (l->left[i])
            continue;
        place[n] = i;
        op_to_write(l->object, l->ops[i], &writes[n++]);
    }
    *at = l->count;
    l->s->rc = l->bulk->pack(l->session, &l->ask, writes, n, chunk.arena, &pack, l->s->err);
    for (size_t k = 0; l->s->rc == OK && k < pack.taken; k++) {
        size_t i = place[k];
        *at = i + 1;
        if (!pack.unfit[k])
            chunk.ops[chunk.count++] = l->ops[i];
        else if (l->ops[i]->mode != MODE_TICKETED || l->ops[i]->kind != OP_CREATE)
            l->left[i] = true;
        else
            refuse(l, l->ops[i], pack.unfit[k]);
        l->gone[i] = pack.unfit[k] != NULL;
    }
    if (l->s->rc == OK && chunk.count)
        one_job(l, &chunk, &pack, from);
    buf_free(&pack.csv);
    arena_free(chunk.arena);
    return l->s->rc;
}

enum status bulk_send(struct sending *s, struct chunk *chunk, bool *left)
{
    struct crm_session *session = s->target->on->session;
    const struct op *first = chunk->ops[0];
    struct load l = {.s = s,
                     .bulk = session->does->bulk,
                     .session = session,
                     .arena = arena_new(),
                     .kept = chunk->arena,
                     .ops = chunk->ops,
                     .left = left,
                     .count = chunk->count};
    l.gone = arena_array(l.arena, l.count + 1, sizeof *l.gone);
    l.options = sending_options(l.arena, first);
    l.ask = (struct crm_job_ask){.kind = first->kind,
                                 .object = first->object,
                                 .key_field = first->kind == OP_UPSERT ? first->key_field : NULL,
                                 .options = &l.options};
    l.object = sending_object(s, first);
    if (!l.object)
        s->rc = FAIL;
    const char *why_not = l.object ? l.bulk->refuses(session, &l.ask, l.arena) : NULL;
    if (why_not) {
        struct err why = {0};
        err_set(&why, "bulk.refused", "%s", why_not);
        no_job(&l, 0, &why);
    } else if (s->rc == OK) {
        s->rc = leave_changed(&l, s->err);
        for (size_t at = 0; at < l.count && s->rc == OK && sending_may_go_on(s);)
            next_job(&l, &at);
    }
    arena_free(l.arena);
    return s->rc;
}
