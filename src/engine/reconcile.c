/* reconcile.c - what became of a write whose answer was lost (reliability B.6).
 *
 * Reads only, so it may be killed and repeated anywhere. By mode: a sealed or
 * keyed create is looked for by its key, deleted records included; an update is
 * read back and compared with what was sent and what was there; a findable
 * create is looked for by its values once a late execution can no longer
 * happen; a blind one is asked about at once. An operation is sent again only
 * where a second execution cannot make a second record. */
#include "engine/journal_send_priv.h"
#include "engine/restore.h"

#include "base/log.h"
#include "base/map.h"
#include "base/str.h"
#include "base/when.h"

#include <string.h>

#define FINGERPRINT_BEFORE_MS ((int64_t)2 * 60 * 1000)

/* What was found out about one operation. */
struct finding {
    enum op_state to; /* OP_RECONCILING = nothing yet */
    const char *id, *code, *message;
    const char *cell;       /* what the cell shows, when it is more than the id */
    const char *base_stamp; /* of the record as it was read now */
    const struct crm_match *matches; /* what was found, for a person */
    bool made_by_us;
    int64_t not_before_ms;
};

struct reconciling {
    struct run_job *job;
    const struct op_target *target;
    const struct crm_object *object;
    struct arena *arena;
    struct op **ops;
    struct finding *findings;
    size_t count;
};

static bool find_by_values(const struct op *op)
{
    bool so = op->mode == MODE_FINDABLE || (op->mode == MODE_TICKETED && restore_unsure(op));
    return (op->kind == OP_CREATE || op->kind == OP_UPSERT) && so;
}

static bool gave_up(const struct op *op)
{
    return text_eq(op->error_code, "journal.gave_up");
}

int64_t reconcile_ready_at(const struct run_job *job, const struct op *op)
{
    if (restore_unsure(op))
        return restore_ready_at(job, op);
    if (op->ticket)
        return op->not_before_ms; /* its job tells, at any time */
    if (!find_by_values(op) || text_eq(op->error_code, "answer.cut") || gave_up(op))
        return 0;
    if (op->not_before_ms > op->sent_ms && op->sent_ms)
        return op->not_before_ms;
    /* the process that sent it is gone, and with it the connection */
    int64_t ended = op->deadline_ms < job->opened_ms ? op->deadline_ms : job->opened_ms;
    if (op->deadline_ms > job->opened_ms && op->deadline_ms <= engine_now(job->engine))
        ended = op->deadline_ms;
    return ended + engine_settle_ms(job->engine);
}

/* -------------------------------------------------------------- findings */

static void found(struct finding *f, const char *id, bool made_by_us)
{
    *f = (struct finding){.to = OP_DONE, .id = id, .made_by_us = made_by_us};
}

static void doubt(struct finding *f, const char *code, const char *message)
{
    *f = (struct finding){.to = OP_IN_DOUBT, .code = code, .message = message};
}

static void again(const struct reconciling *r, struct finding *f, const struct op *op,
                  int64_t not_before_ms)
{
    if (op->attempt >= ATTEMPTS_MAX)
        doubt(f, "journal.gave_up", "not executed after many attempts");
    else if (op->attempt >= 2 && !not_before_ms)
        again(r, f, op, engine_now(r->job->engine) + ((int64_t)1000 << op->attempt));
    else
        *f = (struct finding){.to = OP_RETRY_SAFE,
                              .code = "outcome.not_executed",
                              .message = "it was not executed; it is sent again",
                              .not_before_ms = not_before_ms};
    crash_point(r->job->engine, "K14");
}

struct matches {
    const struct crm_match *live; /* the first */
    size_t live_count, deleted_count;
};

static struct matches sum_up(const struct crm_match *match)
{
    struct matches sum = {0};
    for (; match; match = match->next) {
        if (match->deleted)
            sum.deleted_count++;
        else if (!sum.live_count++)
            sum.live = match;
    }
    return sum;
}

static const struct json *record_of(struct reconciling *r, const struct crm_match *match)
{
    struct err ignored = {0};
    return match && match->record
               ? json_parse(r->arena, match->record, strlen(match->record), &ignored)
               : NULL;
}

static const struct json *payload_of(struct reconciling *r, const struct op *op)
{
    struct err ignored = {0};
    return json_parse(r->arena, op->payload, strlen(op->payload), &ignored);
}

/* ------------------------------------------------------------ one lookup */

/* Names of all payload fields of these ops, each once. */
static const char **payload_fields(struct reconciling *r, struct op **ops, size_t count,
                                   const char *also, size_t *field_count)
{
    static const char *const conversion[] = {"IsConverted", "ConvertedContactId",
                                             "ConvertedAccountId", "ConvertedOpportunityId"};
    struct map *seen = map_new_nocase();
    for (size_t i = 0; i < 4 && ops[0]->kind == OP_CONVERT; i++) /* its payload names no fields */
        map_put(seen, conversion[i], seen);
    for (size_t i = 0; i < count && ops[0]->kind != OP_CONVERT; i++)
        json_each(member, payload_of(r, ops[i])) {
            if (!json_is(member, JSON_OBJECT))
                map_put(seen, member->key, seen);
            json_each(key, json_is(member, JSON_OBJECT) ? member : NULL)
                if (!text_eq(key->key, "attributes"))
                    map_put(seen, arena_printf(r->arena, "%s.%s", member->key, key->key), seen);
        }
    if (also)
        map_put(seen, also, seen);
    const char **fields = arena_array(r->arena, map_count(seen) + 1, sizeof *fields);
    size_t at = 0;
    const char *name;
    void *value;
    for (*field_count = 0; map_next(seen, &at, &name, &value);)
        fields[(*field_count)++] = arena_strdup(r->arena, name);
    map_free(seen);
    return fields;
}

static enum status look_up(struct reconciling *r, struct op **ops, size_t count,
                           struct crm_lookup *lookup, struct crm_match **results, struct err *err)
{
    struct crm_session *session = r->target->on->session;
    lookup->object = r->object->name;
    lookup->row_count = count;
    lookup->all_rows = true;
    bool stamped = crm_object_field(r->object, "SystemModstamp") != NULL;
    if (!lookup->return_fields)
        lookup->return_fields = payload_fields(r, ops, count, stamped ? "SystemModstamp" : NULL,
                                               &lookup->return_count);
    return session->does->lookup(session, lookup, r->arena, results, err);
}

/* The parts of a key over several fields: "a\x1f" "b" under "CampaignId+LeadId". */
static size_t split_key(struct reconciling *r, const char *text, char by, const char **parts,
                        size_t most)
{
    size_t count = 0;
    for (; text && count < most; count++) {
        const char *end = strchr(text, by);
        parts[count] = end ? arena_strndup(r->arena, text, (size_t)(end - text)) : text;
        text = end ? end + 1 : NULL;
    }
    return count;
}

/* Ops with one key each: seal, business key or record id. */
static enum status look_up_keys(struct reconciling *r, struct op **ops, size_t count,
                                const char *field, const char *(*key)(const struct op *),
                                struct crm_match **results, struct err *err)
{
    const char *fields[16], *parts[16];
    size_t n = split_key(r, field, '+', fields, 16);
    struct value *keys = arena_array(r->arena, count * n, sizeof *keys);
    for (size_t i = 0; i < count; i++) {
        size_t got = split_key(r, key(ops[i]), '\x1f', parts, n);
        for (size_t k = 0; k < got; k++)
            keys[i * n + k] = value_of(parts[k]);
    }
    struct crm_lookup lookup = {.match_fields = fields, .match_count = n, .keys = keys};
    return look_up(r, ops, count, &lookup, results, err);
}

static const char *seal_key(const struct op *op)
{
    return op->key;
}
static const char *business_key(const struct op *op)
{
    return op->key_value;
}
static const char *record_key(const struct op *op)
{
    return op->target_id;
}

/* -------------------------------------------------------------- by kind */

static void judge_create(struct reconciling *r, const struct op *op, const struct crm_match *match,
                         struct finding *f)
{
    struct matches sum = sum_up(match);
    if (sum.live_count == 1)
        found(f, sum.live->id, op->mode == MODE_SEALED);
    else if (sum.live_count > 1) {
        r->job->stop_writing = true;
        doubt(f, "outcome.several",
              "several records hold this key: the field is not really unique");
    } else if (sum.deleted_count)
        doubt(f, "outcome.deleted", "the record was created and then deleted or merged");
    else if (text_eq(op->error_code, "DUPLICATE_VALUE"))
        doubt(f, "outcome.hidden", "the record exists but is not visible to the connected user");
    else if (text_eq(op->error_code, "answer.cut"))
        doubt(f, "outcome.hidden", "it was executed, but the record is not visible to us");
    else if (text_eq(op->error_code, CODE_DUPLICATE_RULE)) /* it was somebody else's record */
        *f = (struct finding){
            .to = OP_REJECTED, .code = op->error_code, .message = op->error_message};
    else
        again(r, f, op, 0);
}

static void judge_upsert(struct reconciling *r, const struct op *op, const struct crm_match *match,
                         struct finding *f)
{
    struct matches sum = sum_up(match);
    if (sum.live_count > 1)
        doubt(f, "outcome.several", "several records hold this key");
    else if (sum.live_count && record_holds(r->object, payload_of(r, op), record_of(r, sum.live)))
        found(f, sum.live->id, false);
    else if (restore_unsure(op) && (sum.live_count || sum.deleted_count))
        doubt(f, OP_UNSURE, "a record with this key has other values, which may be newer");
    else if (sum.live_count || op->mode == MODE_KEYED)
        again(r, f, op, 0); /* same key, same values: harmless */
    else
        doubt(f, "outcome.unknown", "no record holds this key, but one may still appear");
}

static const struct json *before_of(struct reconciling *r, const struct op *op)
{
    struct err ignored = {0};
    return op->before ? json_parse(r->arena, op->before, strlen(op->before), &ignored) : NULL;
}

/* "Industry is "Energy" now, was "Retail", ours is "Banking"" of the fields that differ. */
static const char *both_values(struct reconciling *r, const struct op *op,
                               const struct json *record)
{
    const struct json *before = before_of(r, op), *payload = payload_of(r, op);
    struct buf text = BUF_UP_TO(1500);
    buf_str(&text, "somebody else changed the record meanwhile:");
    json_each(member, payload) {
        const struct json *now = json_get_nocase(record, member->key);
        const struct json *was = json_get_nocase(before, member->key);
        const struct crm_field *field = crm_object_field(r->object, member->key);
        if (json_is(member, JSON_OBJECT) || (before && field_same(field, now, was)))
            continue;
        struct value theirs = json_as_text(r->arena, now), old = json_as_text(r->arena, was),
                     ours = json_as_text(r->arena, member);
        buf_printf(&text, " %s is \"%.*s\" now, was \"%.*s\", ours is \"%.*s\".", member->key,
                   (int)theirs.len, theirs.text ? theirs.text : "", (int)old.len,
                   old.text ? old.text : "", (int)ours.len, ours.text ? ours.text : "");
    }
    const char *out = arena_strdup(r->arena, buf_text(&text));
    buf_free(&text);
    return out;
}

/* What the column says about a record that somebody else changed: ours, theirs, or ask. */
static void judge_conflict(struct reconciling *r, const struct op *op, const struct json *record,
                           int64_t not_before_ms, struct finding *f)
{
    struct err ignored = {0};
    const struct json *settings =
        op->settings ? json_parse(r->arena, op->settings, strlen(op->settings), &ignored) : NULL;
    const char *rule = json_get_text(settings, "if_changed");
    if (restore_unsure(op)) /* theirs may be ours, and newer */
        doubt(f, OP_UNSURE, both_values(r, op, record));
    else if (text_eq(rule, "ours"))
        again(r, f, op, not_before_ms);
    else if (text_eq(rule, "theirs"))
        *f = (struct finding){
            .to = OP_REJECTED, .code = "conflict.theirs", .message = both_values(r, op, record)};
    else
        doubt(f, "outcome.conflict", both_values(r, op, record));
}

static void judge_update(struct reconciling *r, const struct op *op, const struct crm_match *match,
                         struct finding *f)
{
    struct matches sum = sum_up(match);
    const struct json *record = record_of(r, sum.live), *before = before_of(r, op);
    /* refused by its condition: certainly not executed, so nothing late can come */
    int64_t later = text_eq(op->error_code, OUTCOME_CHANGED)
                        ? 0
                        : engine_now(r->job->engine) + engine_settle_ms(r->job->engine);
    if (!sum.live)
        *f = (struct finding){.to = OP_REJECTED,
                              .code = "sf.ENTITY_IS_DELETED",
                              .message = "the record is deleted or no longer visible"};
    else if (record_holds(r->object, payload_of(r, op), record))
        found(f, op->target_id, true);
    else if (before && record_holds(r->object, before, record) &&
             restore_untouched(op, json_get_text(record, "SystemModstamp")))
        again(r, f, op, later);
    else
        judge_conflict(r, op, record, later, f);
    f->base_stamp = json_get_text(record, "SystemModstamp");
}

static void judge_delete(struct reconciling *r, const struct op *op, const struct crm_match *match,
                         struct finding *f)
{
    struct matches sum = sum_up(match);
    const struct json *record = record_of(r, sum.live), *before = before_of(r, op);
    const char *stamp = json_get_text(record, "SystemModstamp");
    if (!sum.live)
        found(f, op->target_id, true); /* it is gone: that is what was wanted */
    else if (text_eq(stamp, json_get_text(before, "SystemModstamp")))
        again(r, f, op, engine_now(r->job->engine) + engine_settle_ms(r->job->engine));
    else
        doubt(f, "outcome.conflict", "somebody else changed the record meanwhile");
}

/* A lead is converted once, so that sending again is harmless. */
static void judge_convert(struct reconciling *r, const struct op *op,
                          const struct crm_match *match, struct finding *f)
{
    struct matches sum = sum_up(match);
    const struct json *record = record_of(r, sum.live);
    if (!sum.live)
        *f = (struct finding){.to = OP_REJECTED,
                              .code = "sf.ENTITY_IS_DELETED",
                              .message = "the lead is deleted or no longer visible"};
    else if (json_get_bool(record, "IsConverted", false))
        *f = (struct finding){
            .to = OP_DONE, .id = op->target_id, .cell = convert_cell(r->arena, op->target_id, record)};
    else
        again(r, f, op, 0);
}

/* ----------------------------------------------------------- fingerprint */

/* Names of the payload's fields that a query can compare, joined; the ops of
 * one lookup share them. "" = nothing to go by. */
static const char *signature(struct reconciling *r, const struct op *op)
{
    struct buf text = BUF_INIT;
    json_each(member, payload_of(r, op)) {
        bool given = !json_is_null(member) && !(json_is(member, JSON_STRING) && !member->len);
        if (given && mode_comparable(crm_object_field(r->object, member->key)))
            buf_printf(&text, "%s%s", text.len ? "," : "", member->key);
    }
    const char *copy = arena_strdup(r->arena, buf_text(&text));
    buf_free(&text);
    return copy;
}

static int64_t earliest_creation(const struct reconciling *r, const struct op *op)
{
    int64_t first = op->sent_ms ? op->sent_ms : op->created_ms, lost = r->target->on->hold.from_ms;
    if (restore_unsure(op) && lost && lost < first)
        first = lost;
    return first + r->target->on->skew_ms - FINGERPRINT_BEFORE_MS;
}

/* Already the result of another operation of ours? */
static enum status is_taken(struct reconciling *r, const struct op *op, const char *id, bool *taken,
                            struct err *err)
{
    struct store *store = r->job->engine->store;
    const struct json *payload = payload_of(r, op);
    struct value ignored;
    *taken = false;
    json_each(member, payload) {
        if (!*taken && store->does->written_get(store, r->arena, op->org_id, id, member->key,
                                                &ignored, taken, err) != OK)
            return FAIL;
    }
    return OK;
}

static bool fits(struct reconciling *r, const struct op *op, const struct crm_match *match)
{
    const struct json *record = record_of(r, match);
    int64_t created = 0;
    const char *stamp = json_text(json_get_nocase(record, "CreatedDate"));
    if (!stamp || !when_parse(stamp, &created) || created < earliest_creation(r, op))
        return false;
    return record_holds(r->object, payload_of(r, op), record);
}

static enum status judge_fingerprint(struct reconciling *r, const struct op *op,
                                     const struct crm_match *match, struct finding *f,
                                     struct err *err)
{
    const struct crm_match *candidate = NULL;
    size_t candidates = 0;
    for (; match; match = match->next) {
        bool taken = false;
        if (!fits(r, op, match))
            continue;
        if (is_taken(r, op, match->id, &taken, err) != OK)
            return FAIL;
        if (!taken && !candidates++)
            candidate = match;
    }
    bool complete =
        r->target->plan && json_get_bool(r->target->plan->config, "prefer_completeness", false);
    if (candidates > 1)
        doubt(f, "outcome.several", "several new records look like this one");
    else if (candidates && candidate->deleted)
        doubt(f, "outcome.deleted", "the record was created and then deleted");
    else if (candidates)
        found(f, candidate->id, true);
    else if (complete && !text_eq(op->error_code, "answer.cut"))
        again(r, f, op, 0);
    else if (restore_unsure(op) && restore_planned_since(r->target->on, op))
        again(r, f, op, 0);
    else
        doubt(f, "outcome.unknown", "no such record was found; it may not have been created");
    return OK;
}

/* One record cannot be the result of two operations. */
static void refuse_shared(struct reconciling *r)
{
    for (size_t i = 0; i < r->count; i++) {
        bool shared = false;
        if (r->findings[i].to != OP_DONE || !find_by_values(r->ops[i]))
            continue;
        for (size_t j = i + 1; j < r->count; j++) {
            if (r->findings[j].to != OP_DONE || !text_eq(r->findings[i].id, r->findings[j].id))
                continue;
            doubt(&r->findings[j], "outcome.several", "two rows match the same new record");
            shared = true;
        }
        if (shared)
            doubt(&r->findings[i], "outcome.several", "two rows match the same new record");
    }
}

static enum status look_up_values(struct reconciling *r, struct op **ops, size_t count,
                                  const char *sign, struct crm_match **results, struct err *err)
{
    const char *fields[64];
    size_t field_count = 0;
    char *list = arena_strdup(r->arena, sign), *rest = NULL;
    for (char *name = strtok_r(list, ",", &rest); name && field_count < 64;
         name = strtok_r(NULL, ",", &rest))
        fields[field_count++] = name;
    struct value *keys = arena_array(r->arena, count * field_count, sizeof *keys);
    int64_t since = INT64_MAX;
    for (size_t i = 0; i < count; i++) {
        const struct json *payload = payload_of(r, ops[i]);
        for (size_t j = 0; j < field_count; j++)
            keys[i * field_count + j] = json_as_text(r->arena, json_get(payload, fields[j]));
        if (earliest_creation(r, ops[i]) < since)
            since = earliest_creation(r, ops[i]);
    }
    char when[32];
    when_iso_seconds(since, when);
    struct crm_lookup lookup = {.match_fields = fields, .match_count = field_count, .keys = keys};
    lookup.return_fields = payload_fields(r, ops, count, "CreatedDate", &lookup.return_count);
    const char *user = r->target->on->connection.user_id;
    lookup.and_where =
        user && *user
            ? arena_printf(r->arena, "CreatedById = '%s' AND CreatedDate >= %s", user, when)
            : arena_printf(r->arena, "CreatedDate >= %s", when);
    return look_up(r, ops, count, &lookup, results, err);
}

static enum status reconcile_values(struct reconciling *r, struct err *err)
{
    struct op **group = arena_array(r->arena, r->count, sizeof *group);
    size_t *places = arena_array(r->arena, r->count, sizeof *places);
    const char **signs = arena_array(r->arena, r->count, sizeof *signs);
    for (size_t i = 0; i < r->count; i++)
        signs[i] = find_by_values(r->ops[i]) && r->ops[i]->kind == OP_CREATE
                       ? signature(r, r->ops[i])
                       : NULL;
    for (size_t i = 0; i < r->count; i++) {
        size_t n = 0;
        if (!signs[i] || r->findings[i].to != OP_RECONCILING)
            continue;
        for (size_t j = i; j < r->count; j++)
            if (signs[j] && text_eq(signs[i], signs[j]) && r->findings[j].to == OP_RECONCILING) {
                places[n] = j;
                group[n++] = r->ops[j];
            }
        if (!*signs[i]) {
            for (size_t k = 0; k < n; k++)
                doubt(&r->findings[places[k]], "outcome.unknown", "nothing to look for it by");
            continue;
        }
        struct crm_match **results = arena_array(r->arena, n, sizeof *results);
        if (look_up_values(r, group, n, signs[i], results, err) != OK)
            return FAIL;
        for (size_t k = 0; k < n; k++)
        {
            if (judge_fingerprint(r, group[k], results[k], &r->findings[places[k]], err) != OK)
                return FAIL;
            r->findings[places[k]].matches = results[k];
        }
    }
    refuse_shared(r);
    return OK;
}

/* -------------------------------------------------------------- by keys */

typedef void judge_fn(struct reconciling *r, const struct op *op, const struct crm_match *match,
                      struct finding *f);

static void judge_one(struct reconciling *r, const struct op *op, const struct crm_match *matches,
                      judge_fn *judge, struct finding *f)
{
    judge(r, op, matches, f);
    f->matches = matches;
}

static enum status
reconcile_keys(struct reconciling *r, bool (*mine)(const struct op *),
               const char *(*field)(const struct reconciling *, const struct op *),
               const char *(*key)(const struct op *), judge_fn *judge, struct err *err)
{
    struct op **group = arena_array(r->arena, r->count, sizeof *group);
    size_t *places = arena_array(r->arena, r->count, sizeof *places);
    for (size_t i = 0; i < r->count; i++) {
        size_t n = 0;
        if (!mine(r->ops[i]) || r->findings[i].to != OP_RECONCILING)
            continue;
        const char *by = field(r, r->ops[i]);
        for (size_t j = i; j < r->count; j++)
            if (mine(r->ops[j]) && r->findings[j].to == OP_RECONCILING &&
                text_eq(field(r, r->ops[j]), by)) {
                places[n] = j;
                group[n++] = r->ops[j];
            }
        if (!by) {
            for (size_t k = 0; k < n; k++)
                doubt(&r->findings[places[k]], "mode.seal_lost", "the key field is gone");
            continue;
        }
        struct crm_match **results = arena_array(r->arena, n, sizeof *results);
        if (look_up_keys(r, group, n, by, key, results, err) != OK)
            return FAIL;
        for (size_t k = 0; k < n; k++)
            judge_one(r, group[k], results[k], judge, &r->findings[places[k]]);
    }
    return OK;
}

static bool is_sealed(const struct op *op)
{
    return op->kind == OP_CREATE && op->mode == MODE_SEALED;
}
static bool is_keyed_create(const struct op *op)
{
    return op->kind == OP_CREATE && op->mode == MODE_KEYED;
}
static bool is_upsert(const struct op *op)
{
    return op->kind == OP_UPSERT;
}
static bool is_update(const struct op *op)
{
    return op->kind == OP_UPDATE;
}
static bool is_delete(const struct op *op)
{
    return op->kind == OP_DELETE;
}
static bool is_convert(const struct op *op)
{
    return op->kind == OP_CONVERT;
}
static const char *seal_name(const struct reconciling *r, const struct op *op)
{
    const struct crm_field *seal = mode_seal_field(r->object);
    return seal ? seal->name : NULL;
}
static const char *key_name(const struct reconciling *r, const struct op *op)
{
    return op->key_field;
}
static const char *id_name(const struct reconciling *r, const struct op *op)
{
    return "Id";
}

/* ------------------------------------------------------------------ all */

static void judge_without_looking(struct reconciling *r)
{
    int64_t now = engine_now(r->job->engine);
    for (size_t i = 0; i < r->count; i++) {
        const struct op *op = r->ops[i];
        struct finding *f = &r->findings[i];
        f->to = OP_RECONCILING;
        if (gave_up(op))
            doubt(f, "journal.gave_up", "not executed after many attempts");
        else if (restore_first_sent(op) &&
                 now - restore_first_sent(op) > UNKNOWN_KEPT_MS)
            doubt(f, "journal.too_old", "its outcome stayed unknown for more than 14 days");
        else if (op->kind == OP_CREATE && op->mode == MODE_BLIND)
            doubt(f, "outcome.unknown", "sent once; nothing can tell whether it was executed");
        else if (op->kind == OP_CREATE && op->mode == MODE_TICKETED && !restore_unsure(op))
            doubt(f, "outcome.unknown",
                  "its Bulk job is gone, or its results do not name this row");
    }
}

static enum status begin_reconciling(struct reconciling *r, struct err *err)
{
    struct settlement *moves = arena_array(r->arena, r->count, sizeof *moves);
    size_t count = 0;
    for (size_t i = 0; i < r->count; i++) {
        if (r->ops[i]->state != OP_UNKNOWN)
            continue;
        settlement_begin(&moves[count], r->ops[i], OP_RECONCILING);
        moves[count].settle.error_code = r->ops[i]->error_code;
        moves[count++].settle.error_message = r->ops[i]->error_message;
    }
    enum status rc = journal_settle(r->job, r->target, moves, count, err);
    crash_point(r->job->engine, "K13");
    return rc;
}

static void settle_finding(struct reconciling *r, struct settlement *s, struct op *op,
                           const struct finding *f)
{
    settlement_begin(s, op, f->to);
    s->settle.error_code = f->code;
    s->settle.error_message = f->message;
    s->settle.not_before_ms = f->not_before_ms;
    s->settle.base_stamp = f->base_stamp;
    if (f->to == OP_IN_DOUBT)
        s->settle.evidence = doubt_evidence(r->arena, engine_now(r->job->engine), op, f->matches);
    if (f->to == OP_DONE) {
        s->settle.result_id = f->id;
        s->settle.adopted = true;
        settlement_cell_value(s, r->target,
                              f->cell ? f->cell : write_cell(r->arena, op, f->id, f->made_by_us));
    } else if (f->to == OP_RETRY_SAFE) {
        settlement_cell(s, r->target, CELL_RETRYING, f->code, f->message);
    } else {
        settlement_cell(s, r->target, f->to == OP_REJECTED ? CELL_REFUSED : CELL_IN_DOUBT, f->code,
                        f->message);
    }
    s->settle.audit =
        arena_printf(r->arena, "%s %s %s: %s after reconciliation%s%s", op_kind_name(op->kind),
                     op->object, f->id ? f->id : op->key, op_state_name(f->to),
                     f->message ? ": " : "", f->message ? f->message : "");
}

static enum status settle_findings(struct reconciling *r, struct err *err)
{
    struct settlement *settlements = arena_array(r->arena, r->count, sizeof *settlements);
    size_t count = 0;
    for (size_t i = 0; i < r->count; i++)
        if (r->findings[i].to != OP_RECONCILING)
            settle_finding(r, &settlements[count++], r->ops[i], &r->findings[i]);
    enum status rc = journal_settle(r->job, r->target, settlements, count, err);
    for (size_t i = 0; i < r->count; i++) {
        r->ops[i]->result_id = arena_strdup(r->job->arena, r->ops[i]->result_id);
        r->ops[i]->error_code = arena_strdup(r->job->arena, r->ops[i]->error_code);
        r->ops[i]->error_message = arena_strdup(r->job->arena, r->ops[i]->error_message);
    }
    return rc;
}

static enum status find_out(struct reconciling *r, struct err *err)
{
    judge_without_looking(r);
    if (reconcile_keys(r, is_sealed, seal_name, seal_key, judge_create, err) != OK ||
        reconcile_keys(r, is_keyed_create, key_name, business_key, judge_create, err) != OK ||
        reconcile_keys(r, is_upsert, key_name, business_key, judge_upsert, err) != OK ||
        reconcile_keys(r, is_update, id_name, record_key, judge_update, err) != OK ||
        reconcile_keys(r, is_delete, id_name, record_key, judge_delete, err) != OK ||
        reconcile_keys(r, is_convert, id_name, record_key, judge_convert, err) != OK)
        return FAIL;
    return reconcile_values(r, err);
}

/* Ops of one object. */
static enum status reconcile_object(struct run_job *job, const struct op_target *target,
                                    struct op **ops, size_t count, struct err *err)
{
    struct reconciling r = {.job = job, .target = target, .ops = ops, .count = count};
    r.object = job_describe(target->on, ops[0]->object, job->engine, err);
    if (!r.object || restore_hold_read(job, target->on, err) != OK)
        return FAIL;
    r.arena = arena_new();
    r.findings = arena_array(r.arena, count, sizeof *r.findings);
    enum status rc = begin_reconciling(&r, err);
    if (rc == OK)
        rc = find_out(&r, err);
    if (rc == OK)
        rc = settle_findings(&r, err);
    arena_free(r.arena);
    return rc;
}

enum status journal_reconcile(struct run_job *job, const struct op_target *target, struct op *ops,
                              size_t count, struct err *err)
{
    struct op **group = mem_array(count + 1, sizeof *group);
    bool *done = mem_array(count + 1, sizeof *done), *left = mem_array(count + 1, sizeof *left);
    enum status rc = bulk_reconcile(job, target, ops, count, left, err);
    for (size_t i = 0; i < count; i++)
        done[i] = !left[i];
    for (size_t i = 0; i < count && rc == OK; i++) {
        size_t n = 0;
        if (done[i])
            continue;
        for (size_t j = i + 1; j < count; j++)
            if (!done[j] && text_eq(ops[j].object, ops[i].object)) {
                group[n++] = &ops[j];
                done[j] = true;
            }
        done[i] = true;
        group[n++] = &ops[i];
        rc = reconcile_object(job, target, group, n, err);
    }
    free(group);
    free(done);
    free(left);
    return rc == OK ? OK : err_wrap(err, "finding out what became of %zu writes", count);
}

/* What a look-up finds for one operation, whatever its state; nothing moves. */
enum status reconcile_look(struct run_job *job, const struct op_target *target, struct op *op,
                           struct arena *arena, const struct crm_match **out, struct err *err)
{
    struct reconciling r = {.job = job, .target = target, .ops = &op, .count = 1, .arena = arena};
    struct crm_match *matches = NULL;
    *out = NULL;
    r.object = job_describe(target->on, op->object, job->engine, err);
    if (!r.object)
        return FAIL;
    const char *by_key = is_sealed(op)                          ? seal_name(&r, op)
                         : is_keyed_create(op) || is_upsert(op) ? op->key_field
                         : op->target_id                        ? "Id"
                                                                : NULL;
    const char *sign = by_key ? NULL : signature(&r, op);
    enum status rc = OK;
    if (by_key)
        rc = look_up_keys(&r, &op, 1, by_key,
                          is_sealed(op)   ? seal_key
                          : op->target_id ? record_key
                                          : business_key,
                          &matches, err);
    else if (*sign)
        rc = look_up_values(&r, &op, 1, sign, &matches, err);
    *out = matches;
    return rc;
}
