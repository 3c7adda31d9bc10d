/* doubt.c - operations in doubt: the card a person sees, and what they decide.
 *
 * Four answers (reliability B.10): this is it, it does not exist, give up, ask
 * again later. "This is it" is checked with the org first: a typing error must
 * not link a row to nothing. All of it is in the audit. */
#include "engine/journal.h"

#include "base/str.h"

#include <string.h>

#define OVERDUE_MS ((int64_t)24 * 3600 * 1000)

static enum status read_op(struct engine *engine, struct arena *arena, int64_t op_id,
                           struct op *out, struct err *err)
{
    struct op_query query = {.after_id = op_id - 1, .limit = 1};
    struct op *ops = NULL;
    size_t count = 0;
    if (engine->store->does->ops_list(engine->store, arena, &query, &ops, &count, err) != OK)
        return FAIL;
    if (!count || ops[0].id != op_id)
        return err_set(err, ERR_NOT_FOUND, "there is no operation %lld", (long long)op_id);
    *out = ops[0];
    return OK;
}

static enum status read_doubt(struct engine *engine, struct arena *arena, int64_t op_id,
                              struct op *out, struct err *err)
{
    if (read_op(engine, arena, op_id, out, err) != OK)
        return FAIL;
    if (out->state != OP_IN_DOUBT)
        return err_set(err, ERR_CONFLICT, "operation %lld is %s, not in doubt", (long long)op_id,
                       op_state_name(out->state));
    return OK;
}

/* -------------------------------------------------------------- what is known */

#define CANDIDATES_MOST 10

/* What was known of the exchange, and the records that may be meant: a person decides by it. */
const char *doubt_evidence(struct arena *arena, int64_t now_ms, const struct op *op,
                           const struct crm_match *matches)
{
    struct err ignored = {0};
    const struct json *known =
        op->evidence ? json_parse(arena, op->evidence, strlen(op->evidence), &ignored) : NULL;
    struct buf text = BUF_INIT;
    struct jw w;
    size_t count = 0;
    jw_init(&w, &text);
    jw_object(&w);
    json_each(member, known)
        if (!text_eq(member->key, "candidates") && !text_eq(member->key, "looked_ms")) {
            jw_key(&w, member->key);
            jw_value(&w, member);
        }
    jw_kv_int(&w, "looked_ms", now_ms);
    jw_key(&w, "candidates");
    jw_array(&w);
    for (; matches && count < CANDIDATES_MOST; matches = matches->next, count++) {
        jw_object(&w);
        jw_kv_text(&w, "id", matches->id);
        jw_kv_bool(&w, "deleted", matches->deleted);
        jw_key(&w, "record");
        jw_raw(&w, matches->record ? matches->record : "{}",
               strlen(matches->record ? matches->record : "{}"));
        jw_end_object(&w);
    }
    jw_end_array(&w);
    if (matches)
        jw_kv_bool(&w, "more_candidates", true);
    jw_end_object(&w);
    const char *out = arena_strndup(arena, text.data, text.len);
    buf_free(&text);
    return out;
}

/* ----------------------------------------------------------------- verdicts */

/* The record is there, live and of the right object; its Id as the org spells it. */
static enum status check_record(struct run_job *job, const struct op *op, const char **record_id,
                                struct err *err)
{
    static const char *const by_id[] = {"Id"};
    struct op_target target;
    struct crm_match *match = NULL;
    struct value key = value_of(*record_id);
    if (journal_target(job, op, &target, err) != OK)
        return FAIL;
    struct crm_lookup lookup = {.object = op->object,
                                .match_fields = by_id,
                                .match_count = 1,
                                .keys = &key,
                                .row_count = 1};
    struct crm_session *session = target.on->session;
    if (session->does->lookup(session, &lookup, job->arena, &match, err) != OK)
        return FAIL;
    if (!match) {
        err_set(err, ERR_NOT_FOUND, "there is no %s %s that the connected user can see", op->object,
                *record_id);
        err_hint(err, "Copy the Id from the record's address in Salesforce.");
        return FAIL;
    }
    *record_id = match->id;
    return OK;
}

static void fill_verdict(struct run_job *job, const struct op_target *target, struct settlement *s,
                         struct op *op, enum journal_verdict verdict, const char *record_id)
{
    static const enum op_state to[] = {[VERDICT_THIS_IS_IT] = OP_DONE,
                                       [VERDICT_SEND_AGAIN] = OP_PLANNED,
                                       [VERDICT_GIVE_UP] = OP_CANCELLED};
    settlement_begin(s, op, to[verdict]);
    if (verdict == VERDICT_THIS_IS_IT) {
        s->settle.result_id = record_id;
        s->settle.adopted = true;
        settlement_cell_value(s, target, write_cell(job->arena, op, record_id, false));
    } else if (verdict == VERDICT_SEND_AGAIN) {
        settlement_cell(s, target, CELL_QUEUED, NULL, NULL);
    } else {
        settlement_cell(s, target, CELL_REFUSED, "journal.given_up", "given up by a person");
    }
    s->settle.audit = arena_printf(job->arena, "operation %lld in doubt: a person decided %s%s%s",
                                   (long long)op->id, op_state_name(to[verdict]),
                                   record_id ? ", record " : "", record_id ? record_id : "");
}

static enum status settle(struct run_job *job, struct op *op, enum journal_verdict verdict,
                          const char *record_id, struct err *err)
{
    struct op_target target = {0};
    struct settlement settlement;
    struct err ignored = {0};
    if (verdict == VERDICT_THIS_IS_IT && check_record(job, op, &record_id, err) != OK)
        return FAIL;
    target.table = job_table_by_id(job, op->table_id, &ignored);
    target.plan = target.table ? table_plan_column(target.table, op->column_id) : NULL;
    fill_verdict(job, &target, &settlement, op, verdict, record_id);
    return journal_settle(job, &target, &settlement, 1, err);
}

enum status journal_resolve(struct engine *engine, int64_t op_id, enum journal_verdict verdict,
                            const char *record_id, struct err *err)
{
    struct run_job job;
    struct run_report report = {0};
    struct op op = {0};
    if (verdict == VERDICT_THIS_IS_IT && text_blank(record_id))
        return err_set(err, ERR_INVALID, "which record is it? Give its Id.");
    if (verdict != VERDICT_THIS_IS_IT)
        record_id = NULL;
    if (run_job_open(&job, engine, &report, NULL, err) != OK)
        return FAIL;
    enum status rc = read_doubt(engine, job.arena, op_id, &op, err);
    if (rc == OK)
        rc = settle(&job, &op, verdict, record_id, err);
    run_job_close(&job);
    return rc;
}

enum status journal_ask_later(struct engine *engine, int64_t op_id, int64_t until_ms,
                              struct err *err)
{
    struct store *store = engine->store;
    struct arena *arena = arena_new();
    struct op op = {0};
    enum status rc = read_doubt(engine, arena, op_id, &op, err);
    if (rc == OK)
        rc = store->does->ops_put_off(store, &op_id, 1, until_ms, err);
    arena_free(arena);
    return rc;
}

/* -------------------------------------------------------------------- cards */

/* How far the last exchange got, in words. */
static const char *how_far(const struct json *evidence)
{
    static const struct {
        const char *progress, *words;
    } steps[] = {
        {"not_sent", "it was never sent"},
        {"not_started", "no connection was made"},
        {"resolved", "the org's address was found, no connection was made"},
        {"connected", "a connection was made, nothing was sent"},
        {"tls_done", "a secure connection was made, nothing was sent"},
        {"sent_some", "a part of the request left, no answer came"},
        {"sent_all", "the whole request left, no answer came"},
        {"got_status", "the status line of an answer came, and then nothing more"},
        {"got_headers", "the answer began and broke off"},
        {"got_all", "an answer came, and does not say what happened"},
    };
    const char *progress = json_get_text(evidence, "progress");
    for (size_t i = 0; progress && i < sizeof steps / sizeof *steps; i++)
        if (text_eq(steps[i].progress, progress))
            return steps[i].words;
    return "the process that sent it ended before it could note how far it got";
}

static void add_candidate(struct arena *arena, struct doubt_card *card, const char *id,
                          const char *record, bool deleted)
{
    struct doubt_candidate *to = &card->candidates[card->candidate_count++];
    to->id = id;
    to->record = record;
    to->deleted = deleted;
    if (card->instance_url && id)
        to->url = arena_printf(arena, "%s/%s", card->instance_url, id);
}

static void take_evidence(struct arena *arena, struct doubt_card *card)
{
    const struct op *op = &card->op;
    struct err ignored = {0};
    const struct json *evidence =
        op->evidence ? json_parse(arena, op->evidence, strlen(op->evidence), &ignored) : NULL;
    const struct json *list = json_get(evidence, "candidates");
    card->how_far = how_far(evidence);
    card->status = (int)json_get_int(evidence, "http", 0);
    card->looked_ms = json_get_int(evidence, "looked_ms", 0);
    card->more_candidates = json_get_bool(evidence, "more_candidates", false);
    card->candidates = arena_array(arena, (list ? list->len : 0) + 1, sizeof *card->candidates);
    json_each(item, list)
        add_candidate(arena, card, json_get_text(item, "id"),
                      json_as_text(arena, json_get(item, "record")).text,
                      json_get_bool(item, "deleted", false));
}

/* Names of what the operation belongs to; what is gone stays NULL. */
static enum status take_names(struct engine *engine, struct arena *arena, struct doubt_card *card,
                              struct err *err)
{
    struct store *store = engine->store;
    struct table *tables = NULL;
    struct connection *connections = NULL;
    struct row *rows = NULL;
    size_t count = 0;
    if (store->does->table_list(store, arena, &tables, &count, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++)
        if (tables[i].id == card->op.table_id) {
            const struct column *column = table_column_by_id(&tables[i], card->op.column_id);
            card->table = tables[i].name;
            card->column = column ? column->name : NULL;
        }
    if (store->does->connection_list(store, arena, &connections, &count, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++)
        if (connections[i].id == card->op.connection_id) {
            card->connection = connections[i].name;
            card->instance_url = connections[i].instance_url;
        }
    struct row_query query = {
        .table_id = card->op.table_id, .ids = &card->op.row_id, .id_count = 1, .deleted_too = true};
    if (!card->table)
        return OK;
    if (store->does->rows(store, arena, &query, &rows, &count, err) != OK)
        return FAIL;
    card->row_key = count ? rows[0].key : NULL;
    return OK;
}

static enum status look_now(struct engine *engine, struct arena *arena, struct doubt_card *card,
                            struct err *err)
{
    struct run_job job;
    struct run_report report = {0};
    struct op_target target;
    const struct crm_match *matches = NULL;
    size_t count = 0;
    if (run_job_open(&job, engine, &report, NULL, err) != OK)
        return FAIL;
    enum status rc = journal_target(&job, &card->op, &target, err);
    if (rc == OK)
        rc = reconcile_look(&job, &target, &card->op, job.arena, &matches, err);
    for (const struct crm_match *m = matches; m; m = m->next)
        count++;
    card->candidates = arena_array(arena, count + 1, sizeof *card->candidates);
    card->candidate_count = 0;
    card->more_candidates = false;
    for (const struct crm_match *m = matches; rc == OK && m; m = m->next)
        add_candidate(arena, card, arena_strdup(arena, m->id), arena_strdup(arena, m->record),
                      m->deleted);
    if (rc == OK)
        card->looked_ms = engine_now(engine);
    run_job_close(&job);
    return rc;
}

enum status journal_card(struct engine *engine, struct arena *arena, int64_t op_id, bool look,
                         struct doubt_card *out, struct err *err)
{
    memset(out, 0, sizeof *out);
    if (read_op(engine, arena, op_id, &out->op, err) != OK ||
        take_names(engine, arena, out, err) != OK)
        return FAIL;
    take_evidence(arena, out);
    int64_t since = out->op.not_before_ms > out->op.sent_ms ? out->op.not_before_ms
                                                            : out->op.sent_ms;
    out->overdue = out->op.state == OP_IN_DOUBT && since && engine_now(engine) - since > OVERDUE_MS;
    return look ? look_now(engine, arena, out, err) : OK;
}

enum status journal_doubts(struct engine *engine, struct arena *arena, int64_t table_id,
                           struct op **out, size_t *count, struct err *err)
{
    struct op_query query = {.table_id = table_id,
                             .states = BIT(OP_IN_DOUBT),
                             .ready_at_ms = engine_now(engine)};
    return engine->store->does->ops_list(engine->store, arena, &query, out, count, err);
}
