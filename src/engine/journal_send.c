/* journal_send.c - operations on their way to the org.
 *
 * Order: sort into exchanges -> for each, SENDING on disk (W1), its bytes leave,
 * its outcomes are settled as soon as they are there. Several exchanges are
 * under way at once; how many follows what the org bears: one more for each that
 * goes well until the first trouble, then one more a round; half as many when rows
 * were locked or it asked for less (the way TCP does it).
 *
 * What travels together: operations of one kind, object and way of sending;
 * with the same parent side by side, because rows under one parent lock each
 * other when two exchanges write them. A few changes of records that were read
 * travel as requests of their own, on condition that nobody changed the record
 * since; so does every change that is sent again. What was refused as a whole
 * comes back in fifths until the row at fault is alone. So many that a Bulk job
 * costs clearly fewer calls go as one (journal_bulk.c). */
#include "engine/gates.h"
#include "engine/journal_send_priv.h"
#include "engine/levers.h"
#include "engine/restore.h"

#include "base/log.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW_FIRST 4.0
#define WINDOW_MOST  8.0

/* ------------------------------------------------------------- one operation */

static bool harmless(const struct op *op)
{
    return op->kind != OP_CREATE || op->mode == MODE_SEALED || op->mode == MODE_KEYED;
}

void op_to_write(const struct crm_object *object, const struct op *op, struct crm_write *write)
{
    const struct crm_field *seal =
        op->mode == MODE_SEALED && object ? mode_seal_field(object) : NULL;
    *write = (struct crm_write){.kind = op->kind,
                                .object = op->object,
                                .id = op->target_id && op->kind != OP_UPSERT ? op->target_id : NULL,
                                .payload = op->payload,
                                .unmodified_since = op->base_stamp};
    if (seal) {
        write->key_field = seal->name;
        write->key_value = op->key;
    } else if (op->kind == OP_UPSERT || op->mode == MODE_KEYED) {
        bool by_id = op->kind != OP_UPSERT && op->target_id;
        write->key_field = by_id ? NULL : op->key_field;
        write->key_value = by_id ? NULL : op->key_value;
    }
}

/* The seal must still be unique: without it a resend could make a second record. */
static bool seal_lost(const struct op *op, const struct crm_object *object)
{
    return op->mode == MODE_SEALED && object && !mode_seal_field(object);
}

static const struct json *settings_of(struct arena *arena, const struct op *op)
{
    struct err ignored = {0};
    return op->settings ? json_parse(arena, op->settings, strlen(op->settings), &ignored) : NULL;
}

static bool by_id(const struct op *op)
{
    return op->kind == OP_UPDATE || op->kind == OP_DELETE;
}

/* Is it a request of its own inside its exchange? `few`: there are no more than fit into one. */
static bool goes_alone(const struct op *op, bool few)
{
    if (op->kind == OP_UPSERT || op->kind == OP_CONVERT)
        return false;
    if (op->kind == OP_CREATE)
        return few || text_eq(op->error_code, "DUPLICATES_DETECTED");
    return op->base_stamp && (few || op->attempt > 0 || text_eq(op->error_code, OUTCOME_CHANGED));
}

/* ----------------------------------------------------------- into exchanges */

/* What its record belongs to, as far as the payload tells: the first reference of it. */
static const char *parent_of(struct arena *arena, const struct op *op)
{
    struct err ignored = {0};
    if (op->kind == OP_DELETE || op->kind == OP_CONVERT)
        return "";
    const struct json *payload = json_parse(arena, op->payload, strlen(op->payload), &ignored);
    json_each(member, payload) {
        size_t len = member->key_len;
        bool link = len > 2 && text_ends(member->key, "Id") && !text_eq(member->key, "OwnerId") &&
                    !text_eq(member->key, "RecordTypeId");
        if (link && json_text(member))
            return json_text(member);
    }
    return "";
}

struct sorted {
    struct op *op;
    const char *parent;
    bool alone;
    size_t at;
    size_t refused_together; /* how many of these were refused as a whole */
};

static int order(const void *a, const void *b)
{
    const struct sorted *x = a, *y = b;
    if (x->op->priority != y->op->priority)
        return x->op->priority - y->op->priority;
    if (x->op->kind != y->op->kind)
        return (int)x->op->kind - (int)y->op->kind;
    if (x->alone != y->alone)
        return x->alone - y->alone;
    int by_parent = strcmp(x->parent, y->parent);
    return by_parent ? by_parent : (x->at > y->at) - (x->at < y->at);
}

static bool same_chunk(const struct sorted *a, const struct sorted *b)
{
    return a->op->priority == b->op->priority && a->op->kind == b->op->kind &&
           text_eq(a->op->object, b->op->object) &&
           harmless(a->op) == harmless(b->op) && a->alone == b->alone &&
           text_eq(a->op->settings, b->op->settings) &&
           text_eq(a->op->kind == OP_UPSERT ? a->op->key_field : NULL,
                   b->op->kind == OP_UPSERT ? b->op->key_field : NULL);
}

/* Smaller exchanges, for careful people and tests. */
static size_t asked_for(size_t most)
{
    const char *given = getenv("ARGIL_WRITE_BATCH");
    long wanted = given ? strtol(given, NULL, 10) : 0;
    return wanted > 0 && (size_t)wanted < most ? (size_t)wanted : most;
}

#define PLANNED_LEAST 500 /* a turn at writing for fewer costs more than it gains */

size_t journal_send_most(const struct run_job *job, const struct op_target *target)
{
    const struct connector *connector = target->on->session->does;
    size_t each = asked_for(connector->write_batch ? connector->write_batch : 1);
    size_t most = (size_t)(job->engine->calls_at_once < (int64_t)WINDOW_MOST ? job->engine->calls_at_once
                                                                    : (int64_t)WINDOW_MOST);
    size_t least = (PLANNED_LEAST + each - 1) / each;
    return each * (most > least ? most : least);
}

static size_t chunk_limit(const struct sorted *row, const struct connector *connector)
{
    const struct op *op = row->op;
    size_t most = asked_for(connector->write_batch ? connector->write_batch : 1);
    if (op->mode == MODE_BLIND && op->kind == OP_CREATE)
        return 1; /* a lost answer must leave one row in doubt, not a thousand */
    if (op->kind == OP_CONVERT && most > CRM_CONVERT_MOST)
        most = CRM_CONVERT_MOST;
    if (row->alone && most > CRM_ALONE_MOST)
        most = CRM_ALONE_MOST;
    if (!text_eq(op->error_code, WHOLE_REFUSED))
        return most;
    for (int i = 0; i < op->attempt; i++)
        most = most > 5 ? most / 5 : 1;
    size_t fifth = row->refused_together > 5 ? row->refused_together / 5 : 1;
    return fifth < most ? fifth : most;
}

/* Where the exchange that begins at `at` ends: not within the rows of one parent, when that
 * can be had for a fifth of its room. */
static size_t chunk_end(const struct sorted *rows, size_t count, size_t at, size_t limit)
{
    size_t end = at + 1;
    while (end < count && end - at < limit && same_chunk(&rows[at], &rows[end]))
        end++;
    if (end == count || end - at < limit || !*rows[end].parent)
        return end;
    size_t back = end;
    while (back > at + limit - limit / 5 && text_eq(rows[back - 1].parent, rows[end].parent))
        back--;
    return text_eq(rows[back - 1].parent, rows[end].parent) ? end : back;
}

static void cut_chunks(struct sending *s, struct arena *arena, const struct sorted *rows,
                       size_t count)
{
    s->chunks = arena_array(arena, count + 1, sizeof *s->chunks);
    for (size_t at = 0; at < count;) {
        size_t end = chunk_end(rows, count, at, chunk_limit(&rows[at], s->target->on->session->does));
        struct chunk *chunk = &s->chunks[s->count++];
        chunk->alone = rows[at].alone;
        chunk->ops = arena_array(arena, end - at, sizeof *chunk->ops);
        while (at < end)
            chunk->ops[chunk->count++] = rows[at++].op;
    }
}

/* Those that are not held; *count becomes their number. */
static struct sorted *sort_ops(struct arena *arena, struct op *ops, const bool *held,
                               size_t *count)
{
    struct sorted *rows = arena_array(arena, *count + 1, sizeof *rows);
    size_t by_kind[OP_CONVERT + 1] = {0}, together = 0, kept = 0;
    for (size_t i = 0; i < *count; i++) {
        if (held[i])
            continue;
        by_kind[ops[i].kind]++;
        together += text_eq(ops[i].error_code, WHOLE_REFUSED);
    }
    for (size_t i = 0; i < *count; i++) {
        size_t few = by_id(&ops[i]) ? CRM_ALONE_MOST : 1;
        if (held[i])
            continue;
        rows[kept++] = (struct sorted){.op = &ops[i],
                                  .parent = parent_of(arena, &ops[i]),
                                  .alone = goes_alone(&ops[i], by_kind[ops[i].kind] <= few),
                                  .at = i,
                                  .refused_together = together};
    }
    *count = kept;
    qsort(rows, kept, sizeof *rows, order);
    return rows;
}

/* ---------------------------------------------------------------- leaving */

static bool stopped_by_switch(struct run_job *job)
{
    if (!lever_stopped_anywhere(job->engine->data, job->engine->store, NULL, NULL))
        return false;
    report_refusal(job->report, "sending.stopped",
                   "sending is stopped (argil sending status); what was planned is kept");
    job->report->paused = job->stop_writing = true;
    return true;
}

bool sending_may_go_on(struct sending *s)
{
    struct run_job *job = s->job;
    if (s->rc != OK || engine_stopping(job->engine) || job->stop_writing || job->stop_column)
        return false;
    if (job_over_budget(job, s->target->on, s->under_way))
        return false;
    if (stopped_by_switch(job))
        return false;
    if (s->target->table && gate_quiet(job, &s->target->table->table))
        return false;
    return !(s->target->table && guard_error_rate(job, &s->target->table->table));
}

static size_t keep_sending(struct op **ops, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++)
        if (ops[i]->state == OP_SENDING)
            ops[kept++] = ops[i];
    return kept;
}

enum status sending_mark(struct sending *s, struct chunk *chunk)
{
    struct run_job *job = s->job;
    struct store *store = job->engine->store;
    struct op *copies = arena_array(chunk->arena, chunk->count + 1, sizeof *copies);
    for (size_t i = 0; i < chunk->count; i++) {
        copies[i] = *chunk->ops[i];
        copies[i].ticket = chunk->ticket;
    }
    crash_point(job->engine, "K3");
    if (store->does->ops_sending(store, copies, chunk->count,
                                 engine_now(job->engine) + SEND_TIMEOUT_MS, s->err) != OK)
        return err_wrap(s->err, "storing %zu operations before sending", chunk->count);
    for (size_t i = 0; i < chunk->count; i++)
        *chunk->ops[i] = copies[i];
    chunk->count = keep_sending(chunk->ops, chunk->count);
    crash_point(job->engine, "K4");
    return OK;
}

struct crm_write_options sending_options(struct arena *arena, const struct op *op)
{
    const struct json *settings = settings_of(arena, op);
    return (struct crm_write_options){
        .duplicate_override = json_get_bool(settings, "duplicate_override", false),
        .auto_assign = json_get_text(settings, "auto_assign"),
        .resend_harmless = harmless(op),
        .timeout_ms = SEND_TIMEOUT_MS};
}

static void fill_exchange(struct sending *s, struct chunk *chunk, struct crm_exchange *exchange)
{
    struct crm_write *writes = arena_array(chunk->arena, chunk->count, sizeof *writes);
    for (size_t i = 0; i < chunk->count; i++)
        op_to_write(chunk->object, chunk->ops[i], &writes[i]);
    *exchange = (struct crm_exchange){
        .writes = writes,
        .count = chunk->count,
        .arena = chunk->arena,
        .outcomes = arena_array(chunk->arena, chunk->count, sizeof *exchange->outcomes),
        .options = sending_options(chunk->arena, chunk->ops[0])};
    exchange->options.alone = chunk->alone;
}

static bool leaving(void *ctx, size_t i)
{
    struct sending *s = ctx;
    struct chunk *chunk = &s->chunks[i];
    if (!sending_may_go_on(s))
        return false;
    chunk->arena = arena_new();
    s->rc = sending_mark(s, chunk);
    if (s->rc != OK || !chunk->count)
        return false;
    fill_exchange(s, chunk, &s->list[i]);
    s->under_way++;
    return true;
}

/* ----------------------------------------------------------------- landed */

static double window_of(struct job_session *on)
{
    if (on->window <= 0)
        on->window = WINDOW_FIRST;
    return on->window;
}

static void adapt(struct job_session *on, const struct crm_exchange *exchange)
{
    double window = window_of(on);
    bool busy = false;
    for (size_t i = 0; i < exchange->count && !busy; i++)
        busy = exchange->outcomes[i].busy;
    window = busy ? window / 2 : window + (on->braked ? 1 / window : 1);
    on->braked |= busy;
    on->window = window < 1 ? 1 : window > WINDOW_MOST ? WINDOW_MOST : window;
}

static size_t parallel(void *ctx)
{
    const struct sending *s = ctx;
    size_t window = (size_t)window_of(s->target->on);
    int64_t places = job_places(s->job, s->target->on, s->under_way);
    return places < (int64_t)window ? (size_t)places : window;
}

/* Texts of outcomes are lent to the arena of the exchange: what the caller sees lives on. */
static void keep_texts(struct run_job *job, struct op *op)
{
    op->result_id = arena_strdup(job->arena, op->result_id);
    op->error_code = arena_strdup(job->arena, op->error_code);
    op->error_message = arena_strdup(job->arena, op->error_message);
}

/* What was held back for a larger transport counts as sent from now on. */
static void count_sent(struct run_job *job, int64_t count)
{
    job->writes_sent += count;
    job->writes_held -= count < job->writes_held ? count : job->writes_held;
}

enum status sending_settle(struct sending *s, struct chunk *chunk,
                           const struct crm_outcome *outcomes)
{
    struct settlement *settlements =
        arena_array(chunk->arena, chunk->count, sizeof *settlements);
    count_sent(s->job, (int64_t)chunk->count);
    for (size_t k = 0; k < chunk->count; k++) {
        settlement_begin(&settlements[k], chunk->ops[k], OP_UNKNOWN);
        settle_outcome(s->job, chunk->arena, &settlements[k], s->target, &outcomes[k]);
    }
    struct err err = {0};
    if (journal_settle(s->job, s->target, settlements, chunk->count, &err) != OK && s->rc == OK) {
        *s->err = err;
        s->rc = FAIL;
    }
    for (size_t k = 0; k < chunk->count; k++)
        keep_texts(s->job, chunk->ops[k]);
    return s->rc;
}

static void landed(void *ctx, size_t i)
{
    struct sending *s = ctx;
    struct chunk *chunk = &s->chunks[i];
    int64_t *sent = chunk->alone ? &s->job->report->sent_single : &s->job->report->sent_collections;
    crash_point(s->job->engine, "K9");
    s->under_way--;
    *sent += (int64_t)chunk->count;
    adapt(s->target->on, &s->list[i]);
    sending_settle(s, chunk, s->list[i].outcomes);
    arena_free(chunk->arena);
    chunk->arena = NULL;
    crash_point(s->job->engine, "K11");
    job_tick(s->job, "writing", (int64_t)i + 1, (int64_t)s->count);
}

const struct crm_object *sending_object(struct sending *s, const struct op *op)
{
    const struct crm_object *object =
        job_describe(s->target->on, op->object, s->job->engine, s->err);
    if (object && seal_lost(op, object)) {
        err_set(s->err, "mode.seal_lost", "%s lost its unique Argil key field: writing stopped",
                op->object);
        return NULL;
    }
    return object;
}

/* Looks every object up once, so that nothing has to be asked while exchanges are under way. */
static enum status check_objects(struct sending *s)
{
    for (size_t i = 0; i < s->count; i++) {
        struct chunk *chunk = &s->chunks[i];
        const struct op *op = chunk->ops[0];
        chunk->object = sending_object(s, op);
        if (!chunk->object)
            return FAIL;
    }
    return OK;
}

/* ---------------------------------------------------------------- contract */

/* The field that a member of a payload writes: by its name, or through its relationship. */
static const char *field_of(const struct crm_object *object, const struct json *member)
{
    if (!json_is(member, JSON_OBJECT))
        return member->key;
    for (size_t i = 0; i < object->field_count; i++)
        if (text_eq_nocase(object->fields[i].relationship_name, member->key))
            return object->fields[i].name;
    return member->key;
}

/* The last step before the wire: the contract as it is now, whatever was planned when. */
static bool contract_lets(const struct contract *contract, const struct crm_object *object,
                          const struct op *op, struct arena *arena, struct err *why)
{
    struct err ignored = {0};
    const struct crm_field *seal = mode_seal_field(object);
    const struct json *payload = json_parse(arena, op->payload, strlen(op->payload), &ignored);
    if (contract_may(contract, op->kind, op->object, NULL, why) != OK)
        return false;
    if (op->kind == OP_DELETE || op->kind == OP_CONVERT)
        return true;
    json_each(member, payload) {
        const char *field = field_of(object, member);
        bool sealing = seal && text_eq(seal->name, field);
        if (!sealing && contract_may(contract, op->kind, op->object, field, why) != OK)
            return false;
    }
    return true;
}

/* Which of the operations may not leave: they stay planned and are named in the report. */
static enum status mark_held(struct sending *s, struct arena *arena, const struct op *ops,
                             size_t count, bool *held)
{
    struct contract *contract = NULL;
    if (job_contract(s->job, s->target->on, &contract, s->err) != OK)
        return FAIL;
    for (size_t i = 0; contract && i < count; i++) {
        struct err why = {0};
        const struct crm_object *object =
            job_describe(s->target->on, ops[i].object, s->job->engine, s->err);
        if (!object)
            return FAIL;
        held[i] = !contract_lets(contract, object, &ops[i], arena, &why);
        if (held[i])
            report_refusal(s->job->report, "contract.held", why.message);
    }
    return OK;
}

/* -------------------------------------------------------------------- bulk */

/* Rows [at, end) as one chunk for Bulk jobs; those that are left stay in `rows`. */
static size_t send_group(struct sending *s, struct arena *arena, struct sorted *rows, size_t at,
                         size_t end, size_t kept)
{
    struct chunk chunk = {.ops = arena_array(arena, end - at, sizeof *chunk.ops), .arena = arena};
    struct sorted *given = arena_array(arena, end - at, sizeof *given); /* their places fill again */
    bool *left = arena_array(arena, end - at, sizeof *left);
    for (size_t i = at; i < end; i++) {
        if (bulk_may(rows[i].op)) {
            given[chunk.count] = rows[i];
            chunk.ops[chunk.count++] = rows[i].op;
        } else {
            rows[kept++] = rows[i];
        }
    }
    size_t count = chunk.count; /* the chunk may shrink */
    if (count)
        s->rc = bulk_send(s, &chunk, left);
    for (size_t i = 0; i < count; i++)
        if (left[i]) {
            given[i].alone = goes_alone(given[i].op, false);
            rows[kept++] = given[i];
        }
    return kept;
}

/* Groups that had better go as Bulk jobs go now; *count becomes the number of the others. */
static enum status send_in_bulk(struct sending *s, struct arena *arena, struct sorted *rows,
                                size_t *count)
{
    size_t kept = 0;
    for (size_t at = 0, end; at < *count && s->rc == OK; at = end) {
        for (end = at + 1; end < *count && same_chunk(&rows[at], &rows[end]);)
            end++;
        if (bulk_wanted(s, rows[at].op, end - at)) {
            kept = send_group(s, arena, rows, at, end, kept);
            continue;
        }
        for (size_t i = at; i < end; i++)
            rows[kept++] = rows[i];
    }
    *count = kept;
    qsort(rows, kept, sizeof *rows, order);
    return s->rc;
}

enum status journal_send(struct run_job *job, const struct op_target *target, struct op *ops,
                         size_t count, struct err *err)
{
    struct arena *arena = arena_new();
    struct sending s = {.job = job, .target = target, .rc = OK, .err = err};
    struct crm_watch watch = {&s, leaving, landed, parallel};
    struct crm_session *session = target->on->session;
    bool *held = arena_array(arena, count + 1, sizeof *held);
    if (mark_held(&s, arena, ops, count, held) != OK ||
        restore_gate(job, target, ops, count, held, err) != OK) {
        arena_free(arena);
        return FAIL;
    }
    struct sorted *rows = sort_ops(arena, ops, held, &count);
    if (send_in_bulk(&s, arena, rows, &count) != OK) {
        arena_free(arena);
        return FAIL;
    }
    cut_chunks(&s, arena, rows, count);
    s.list = arena_array(arena, s.count + 1, sizeof *s.list);
    s.rc = check_objects(&s);
    if (s.rc == OK && s.count && job_wait_for_place(job, target->on)) {
        session->does->write_many(session, s.list, s.count, &watch);
        job_give_places_back(job, target->on);
    }
    for (size_t i = 0; i < s.count; i++)
        arena_free(s.chunks[i].arena); /* of what was marked and could not leave */
    arena_free(arena);
    return s.rc;
}
