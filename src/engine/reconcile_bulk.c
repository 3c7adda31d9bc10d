/* reconcile_bulk.c - operations that were under way in a Bulk job (reliability B.6).
 *
 * The job's id is their ticket. A job that is still open was never started: it is
 * given up, which fences a request that may yet arrive, and its operations are sent
 * again. One that works is waited for. One that is over says of each row what became
 * of it. One that is gone says nothing: then the mode decides. Reads, but for giving
 * up; so it may be killed and repeated anywhere. */
#include "engine/journal_send_priv.h"
#include "engine/restore.h"

#include "base/map.h"
#include "base/str.h"

#include <string.h>

#define AT_ONCE     2000
#define AGAIN_FIRST ((int64_t)1000)
#define AGAIN_MOST  ((int64_t)60 * 1000)

struct asking {
    struct run_job *job;
    const struct op_target *target;
    struct arena *arena;
    const struct crm_object *object;
    struct crm_job remote;
    struct crm_write_options options;
    struct crm_job_ask ask;
    struct op **ops; /* of this ticket */
    bool **left;
    size_t count;
};

/* ------------------------------------------------------------------- settling */

static enum status begin(struct asking *a, struct op **ops, size_t count, struct err *err)
{
    struct settlement *moves = arena_array(a->arena, count + 1, sizeof *moves);
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        if (ops[i]->state != OP_UNKNOWN)
            continue;
        settlement_begin(&moves[n], ops[i], OP_RECONCILING);
        moves[n].settle.error_code = ops[i]->error_code;
        moves[n++].settle.error_message = ops[i]->error_message;
    }
    enum status rc = journal_settle(a->job, a->target, moves, n, err);
    crash_point(a->job->engine, "K13");
    return rc;
}

/* What the outcome proves; the rest is looked for in the way of its mode. */
static bool proves(const struct run_job *job, const struct op *op,
                   const struct crm_outcome *outcome)
{
    if (restore_unsure(op) && outcome->class != CRM_EXECUTED)
        return false; /* a later job, of a history that is lost, may have */
    switch (outcome->class) {
    case CRM_EXECUTED:
        return outcome->id != NULL;
    case CRM_NOT_EXECUTED:
        return !journal_gives_up(job, op);
    case CRM_REJECTED: /* a duplicate rule may have met our own record: the key tells */
        return op->kind != OP_CREATE || !text_eq(outcome->code, CODE_DUPLICATE_RULE) ||
               op->mode == MODE_TICKETED || op->mode == MODE_FINDABLE;
    case CRM_UNKNOWN:
    case CRM_EXISTS:
    case CRM_SEVERAL:
    case CRM_CHANGED:
    case CRM_PAUSE:
        break;
    }
    return false;
}

static void leave(struct asking *a, size_t i, const struct crm_outcome *outcome)
{
    struct op *op = a->ops[i];
    *a->left[i] = true;
    if (restore_unsure(op))
        return;
    if (outcome->class == CRM_NOT_EXECUTED)
        op->error_code = "journal.gave_up";
    else if (outcome->class == CRM_EXECUTED)
        op->error_code = "answer.cut";
    else if (outcome->class == CRM_EXISTS)
        op->error_code = "DUPLICATE_VALUE";
    else if (outcome->class == CRM_REJECTED)
        op->error_code = arena_strdup(a->job->arena, outcome->code);
    op->error_message = arena_strdup(a->job->arena, outcome->message);
}

static enum status settle(struct asking *a, const struct crm_outcome *outcomes, struct err *err)
{
    for (size_t at = 0; at < a->count; at += AT_ONCE) {
        size_t most = a->count - at < AT_ONCE ? a->count - at : AT_ONCE, n = 0;
        struct settlement *list = arena_array(a->arena, most + 1, sizeof *list);
        if (begin(a, a->ops + at, most, err) != OK)
            return FAIL;
        for (size_t i = at; i < at + most; i++) {
            if (!proves(a->job, a->ops[i], &outcomes[i])) {
                leave(a, i, &outcomes[i]);
                continue;
            }
            settlement_begin(&list[n], a->ops[i], OP_DONE);
            settle_outcome(a->job, a->arena, &list[n++], a->target, &outcomes[i]);
        }
        if (journal_settle(a->job, a->target, list, n, err) != OK)
            return FAIL;
        for (size_t i = at; i < at + most; i++) {
            a->ops[i]->result_id = arena_strdup(a->job->arena, a->ops[i]->result_id);
            a->ops[i]->error_code = arena_strdup(a->job->arena, a->ops[i]->error_code);
            a->ops[i]->error_message = arena_strdup(a->job->arena, a->ops[i]->error_message);
        }
        crash_point(a->job->engine, "B6");
    }
    return OK;
}

/* ------------------------------------------------------------------ the job */

static enum status none_executed(struct asking *a, struct err *err)
{
    struct crm_outcome *outcomes = arena_array(a->arena, a->count + 1, sizeof *outcomes);
    for (size_t i = 0; i < a->count; i++)
        outcomes[i] = (struct crm_outcome){
            .class = CRM_NOT_EXECUTED,
            .code = "bulk.not_started",
            .message = "its Bulk job was never started; it is sent again",
            .evidence = arena_printf(a->arena, "{\"bulk_job\":\"%s\",\"result\":\"given up\"}",
                                     a->remote.id)};
    return settle(a, outcomes, err);
}

static enum status ask_later(struct asking *a, struct err *err)
{
    struct store *store = a->job->engine->store;
    int64_t now = engine_now(a->job->engine), wait = (now - a->ops[0]->sent_ms) / 4;
    int64_t *ids = arena_array(a->arena, a->count + 1, sizeof *ids);
    wait = wait < AGAIN_FIRST ? AGAIN_FIRST : wait > AGAIN_MOST ? AGAIN_MOST : wait;
    for (size_t i = 0; i < a->count; i++) {
        ids[i] = a->ops[i]->id;
        a->ops[i]->not_before_ms = now + wait;
    }
    return store->does->ops_put_off(store, ids, a->count, now + wait, err);
}

/* All operations of the ticket as the journal has them: results of rows that look alike are
 * shared out among all of them, and those settled already have theirs. */
static enum status all_rows(struct asking *a, struct crm_job_row **rows, size_t **mine,
                            size_t *count, struct err *err)
{
    struct store *store = a->job->engine->store;
    struct op_query query = {.ticket = a->ops[0]->ticket};
    struct op *ops = NULL;
    struct map *here = map_new();
    if (store->does->ops_list(store, a->arena, &query, &ops, count, err) != OK) {
        map_free(here);
        return FAIL;
    }
    for (size_t i = 0; i < a->count; i++)
        map_put(here, a->ops[i]->key, a->ops[i]);
    *rows = arena_array(a->arena, *count + 1, sizeof **rows);
    *mine = arena_array(a->arena, *count + 1, sizeof **mine);
    for (size_t i = 0; i < *count; i++) {
        struct op *op = &ops[i];
        op_to_write(a->object, op, &(*rows)[i].write);
        (*rows)[i].taken = op->state == OP_DONE ? op->result_id : NULL;
        (*rows)[i].refused = op->state == OP_REJECTED;
        (*mine)[i] = map_get(here, op->key) ? 1 : 0;
    }
    map_free(here);
    return OK;
}

/* An aborted job whose results name no row at all did nothing: it never had rows, or never
 * began. (Its count of processed rows may lag behind what is being written.) */
static enum status read_results(struct asking *a, struct err *err)
{
    struct crm_session *session = a->target->on->session;
    struct crm_job_row *rows;
    size_t *mine, count, n = 0;
    if (all_rows(a, &rows, &mine, &count, err) != OK)
        return FAIL;
    struct crm_outcome *all = arena_array(a->arena, count + 1, sizeof *all);
    struct crm_outcome *outcomes = arena_array(a->arena, a->count + 1, sizeof *outcomes);
    if (session->does->bulk->results(session, &a->remote, &a->ask, rows, count, a->arena, all,
                                     err) != OK)
        return FAIL;
    bool any = false;
    for (size_t i = 0; i < count; i++)
        any = any || rows[i].taken || rows[i].refused || !text_eq(all[i].code, "bulk.no_result");
    if (!any && a->remote.state == CRM_JOB_ABORTED)
        return none_executed(a, err);
    for (size_t i = 0; i < count && n < a->count; i++) /* both by the operations' ids */
        if (mine[i])
            outcomes[n++] = all[i];
    if (n != a->count)
        return err_set(err, ERR_CONFLICT, "operations of Bulk job %s moved meanwhile", a->remote.id);
    return settle(a, outcomes, err);
}

/* Never started: given up, so that no late request can start it. */
static enum status give_up(struct asking *a, struct err *err)
{
    struct crm_session *session = a->target->on->session;
    const struct crm_bulk *bulk = session->does->bulk;
    struct err ignored = {0};
    bulk->abort(session, &a->remote, &ignored); /* whether it worked, the job says */
    if (bulk->poll(session, a->arena, &a->remote, err) != OK)
        return FAIL;
    if (a->remote.state == CRM_JOB_ABORTED)
        return read_results(a, err); /* none, unless a late request started it in between */
    return ask_later(a, err); /* still open, or started after all */
}

static enum status ask_job(struct asking *a, struct err *err)
{
    struct crm_session *session = a->target->on->session;
    snprintf(a->remote.id, sizeof a->remote.id, "%s", a->ops[0]->ticket);
    if (session->does->bulk->poll(session, a->arena, &a->remote, err) != OK)
        return FAIL;
    switch (a->remote.state) {
    case CRM_JOB_OPEN:
        if (!restore_unsure(a->ops[0])) /* else it may be another copy's: nothing is changed */
            return give_up(a, err);
        break;
    case CRM_JOB_RUNNING:
        return ask_later(a, err);
    case CRM_JOB_GONE:
        break;
    case CRM_JOB_ABORTED:
    case CRM_JOB_DONE:
    case CRM_JOB_FAILED:
        return read_results(a, err);
    }
    for (size_t i = 0; i < a->count; i++)
        *a->left[i] = true;
    return OK;
}

/* ------------------------------------------------------------------ all of them */

static enum status ask_ticket(struct asking *a, struct err *err)
{
    const struct op *op = a->ops[0];
    a->object = job_describe(a->target->on, op->object, a->job->engine, err);
    if (!a->object)
        return FAIL;
    a->arena = arena_new();
    a->options = sending_options(a->arena, op);
    a->ask = (struct crm_job_ask){.kind = op->kind,
                                  .object = op->object,
                                  .key_field = op->kind == OP_UPSERT ? op->key_field : NULL,
                                  .options = &a->options};
    enum status rc = ask_job(a, err);
    arena_free(a->arena);
    return rc;
}

enum status bulk_reconcile(struct run_job *job, const struct op_target *target, struct op *ops,
                           size_t count, bool *left, struct err *err)
{
    struct asking a = {.job = job, .target = target};
    bool bulk = target->on->session->does->bulk != NULL;
    enum status rc = OK;
    a.ops = mem_array(count + 1, sizeof *a.ops);
    a.left = mem_array(count + 1, sizeof *a.left);
    bool *done = mem_array(count + 1, sizeof *done);
    for (size_t i = 0; i < count && rc == OK; i++) {
        if (!ops[i].ticket || !bulk)
            left[i] = done[i] = true;
        if (done[i])
            continue;
        a.count = 0;
        for (size_t j = i; j < count; j++)
            if (!done[j] && text_eq(ops[j].ticket, ops[i].ticket)) {
                a.left[a.count] = &left[j];
                a.ops[a.count++] = &ops[j];
                done[j] = true;
            }
        rc = ask_ticket(&a, err);
    }
    free(a.ops);
    free(a.left);
    free(done);
    return rc;
}
