/* org_write.c - opening a write column, filling and checking its values.
 *
 * A value that Salesforce would turn down is turned down here, before a call is
 * spent, with the reason in the cell. What is sent is decided in org_send.c. */
#include "engine/columns/org_write.h"

#include "base/str.h"

#include <string.h>

const char *const overwrite_words[] = {"always", "if_blank", "never", NULL};

/* ----------------------------------------------------------- recipe check */

static bool writable(const struct crm_field *field, enum op_kind kind)
{
    return kind == OP_CREATE   ? field->createable
           : kind == OP_UPDATE ? field->updateable
                               : field->createable || field->updateable;
}

static void check_required(struct kind_check *check, const struct crm_object *object,
                           const struct json *set)
{
    for (size_t i = 0; i < object->field_count; i++) {
        const struct crm_field *field = &object->fields[i];
        bool required = field->createable && !field->nillable && !field->defaulted_on_create &&
                        !text_eq(field->type, "boolean");
        if (required && !json_get_nocase(set, field->name))
            kind_check_fail(check, "set", "recipe.required_field", "a new %s needs %s (%s)",
                            object->name, field->name, field->label);
    }
}

void write_check_fields(struct kind_check *check, const struct crm_object *object,
                        enum op_kind kind)
{
    const struct json *set = json_get(check->config, "set");
    char where[200];
    if (kind != OP_UPDATE && !object->createable)
        kind_check_fail(check, "object", "recipe.not_createable",
                        "the connected user may not create %s records", object->name);
    if (kind != OP_CREATE && !object->updateable)
        kind_check_fail(check, "object", "recipe.not_updateable",
                        "the connected user may not change %s records", object->name);
    json_each(member, set) {
        const struct crm_field *field = kind_field(check, object, "set", member->key);
        snprintf(where, sizeof where, "set/%s", member->key);
        if (!field || writable(field, kind))
            continue;
        struct err *err = kind_check_fail(check, where, "recipe.read_only_field",
                                          "%s.%s cannot be written", object->name, field->name);
        err_cause(err, field->calculated
                           ? "It is a formula or roll-up field."
                           : "It is read-only, or the connected user lacks Edit on it.");
    }
    json_each(member, json_get(check->config, "overwrite")) {
        snprintf(where, sizeof where, "overwrite/%s", member->key);
        if (!json_get_nocase(set, member->key))
            kind_check_fail(check, where, "recipe.unknown_field",
                            "overwrite names %s, which is not in set", member->key);
    }
    if (kind == OP_CREATE)
        check_required(check, object, set);
}

/* ------------------------------------------------------------------- open */

static enum overwrite rule_of(const struct json *config, const char *field)
{
    const struct json *rules = json_get(config, "overwrite");
    const char *word =
        json_is(rules, JSON_STRING) ? json_text(rules) : json_text(json_get_nocase(rules, field));
    for (int i = 0; word && overwrite_words[i]; i++)
        if (text_eq(word, overwrite_words[i]))
            return (enum overwrite)i;
    return OVERWRITE_ALWAYS;
}

static enum status open_fields(struct write_column *w, const struct json *set, struct err *err)
{
    struct column_batch *batch = w->batch;
    w->fields = arena_array(batch->arena, (set ? set->len : 0) + 1, sizeof *w->fields);
    json_each(member, set) {
        struct write_field *field = &w->fields[w->field_count++];
        field->field = crm_object_field(w->object, member->key);
        field->rule = rule_of(batch->config, member->key);
        if (!field->field) {
            err_set(err, "mode.field_gone", "%s has no field %s any more", w->object->name,
                    member->key);
            err_cause(err,
                      "It was deleted or renamed, or the connected user may no longer see it.");
            return FAIL;
        }
        if (template_make(batch->arena, member, &field->template, err) != OK)
            return FAIL;
    }
    return OK;
}

static void put_off(struct column_batch *batch)
{
    batch->job->stop_column = true;
    for (size_t i = 0; i < batch->count; i++)
        batch->stored[i] = true;
}

enum status write_open(struct write_column *w, struct column_batch *batch, enum op_kind kind,
                       bool *ready, struct err *err)
{
    memset(w, 0, sizeof *w);
    w->batch = batch;
    w->kind = kind;
    w->ignore_blank = json_get_bool(batch->config, "ignore_blank_values", true);
    *ready = false;
    const struct json *set = json_get(batch->config, "set");
    const char *object = json_get_text(batch->config, "object");
    w->on = batch_session(batch, err);
    if (!w->on)
        return batch_call_failed(batch, err);
    if (job_over_budget(batch->job, w->on) || batch->job->stop_writing || batch->job->guard_full) {
        put_off(batch);
        return OK;
    }
    w->object = job_describe(w->on, object, batch->job->engine, err);
    if (!w->object)
        return batch_call_failed(batch, err);
    if (guard_may_write(batch->table, w->object->name, set, err) != OK ||
        open_fields(w, set, err) != OK)
        return FAIL;
    w->intents = arena_array(batch->arena, batch->count, sizeof *w->intents);
    for (size_t i = 0; i < batch->count; i++)
        w->intents[i].same_as = i;
    *ready = true;
    return OK;
}

bool write_undecided(const struct write_column *w, size_t i)
{
    return !w->batch->stored[i] && w->batch->results[i].state == CELL_DUE;
}

/* ------------------------------------------------------------------ values */

static bool blank(struct value value)
{
    return !value.text || str_trim((struct str){value.text, value.len}).n == 0;
}

/* A blank is left out, cleared or refused. True when it is decided. */
static bool handle_blank(struct write_column *w, size_t row, const struct write_field *field,
                         const char **out)
{
    if (field->template.null) {
        *out = "null";
        return true;
    }
    bool required =
        w->kind == OP_CREATE && !field->field->nillable && !field->field->defaulted_on_create;
    if (required)
        batch_fail(w->batch, row, CELL_REFUSED, "refused.required", "%s.%s is required and blank",
                   w->object->name, field->field->name);
    else if (w->kind != OP_CREATE && !w->ignore_blank)
        *out = "null";
    return true;
}

static enum status fill_value(struct write_column *w, size_t row, size_t at, struct err *err)
{
    struct column_batch *batch = w->batch;
    const struct write_field *field = &w->fields[at];
    const char **out = &w->intents[row].values[at];
    struct value value;
    struct err refused = {0};
    if (template_fill(batch, row, &field->template, SLOT_PLAIN, &value, err) != OK)
        return FAIL;
    if (blank(value)) {
        handle_blank(w, row, field, out);
        return OK;
    }
    struct crm_session *session = w->on->session;
    if (session->does->check(session, w->object, field->field, w->kind, value, batch->arena, out,
                             &refused) == CRM_CHECK_REFUSED)
        batch_error(batch, row, CELL_REFUSED, &refused);
    return OK;
}

enum status write_fill(struct write_column *w, struct err *err)
{
    for (size_t i = 0; i < w->batch->count; i++) {
        w->intents[i].values =
            arena_array(w->batch->arena, w->field_count + 1, sizeof *w->intents[i].values);
        for (size_t j = 0; j < w->field_count && write_undecided(w, i); j++)
            if (fill_value(w, i, j, err) != OK)
                return FAIL;
    }
    return OK;
}

/* ----------------------------------------------------------------- history */

enum status write_history(struct write_column *w, struct err *err)
{
    struct column_batch *batch = w->batch;
    struct store *store = batch->job->engine->store;
    int64_t *ids = arena_array(batch->arena, batch->count, sizeof *ids);
    struct op *last = arena_array(batch->arena, batch->count, sizeof *last);
    for (size_t i = 0; i < batch->count; i++)
        ids[i] = batch->rows[i].id;
    if (store->does->ops_last(store, batch->arena, batch->table->id, batch->plan->column->id, ids,
                              batch->count, last, err) != OK)
        return FAIL;
    for (size_t i = 0; i < batch->count; i++) {
        w->intents[i].last = last[i];
        /* one under way: its own outcome comes first, this change queues behind it */
        if (last[i].id && !op_state_final(last[i].state))
            batch->stored[i] = true;
    }
    return OK;
}

void write_settled(struct write_column *w, size_t i, const char *id, bool created)
{
    struct op op = {.kind = w->kind};
    batch_value(w->batch, i, value_of(write_cell(w->batch->arena, &op, id, created)));
}

/* ----------------------------------------------------------------- payload */

static void begin_object(struct jw *w, struct buf *text)
{
    jw_init(w, text);
    jw_object(w);
}

static const char *end_object(struct jw *w, struct arena *arena)
{
    jw_end_object(w);
    const char *json = arena_strndup(arena, buf_text(w->out), w->out->len);
    buf_free(w->out);
    return json;
}

void write_payload(struct write_column *w, size_t i)
{
    struct write_intent *intent = &w->intents[i];
    struct buf text = BUF_INIT;
    struct jw jw;
    begin_object(&jw, &text);
    for (size_t j = 0; j < w->field_count; j++) {
        if (!intent->values[j])
            continue;
        jw_key(&jw, w->fields[j].field->name);
        jw_raw(&jw, intent->values[j], strlen(intent->values[j]));
    }
    uuid4(w->batch->job->engine->world, intent->op_key);
    if (w->mode.seal_field)
        jw_kv_text(&jw, w->mode.seal_field, intent->op_key);
    intent->payload = end_object(&jw, w->batch->arena);
    intent->wanted = true;
}

static bool is_key(const struct write_column *w, const struct write_field *field)
{
    return w->kind == OP_UPSERT && text_eq_nocase(w->key_field, field->field->name);
}

static bool live_blank(const struct json *value)
{
    return json_is_null(value) || (json_is(value, JSON_STRING) && value->len == 0);
}

static bool to_be_written(struct write_column *w, const struct write_field *field,
                          const char *wanted, const struct json *live)
{
    struct err ignored = {0};
    if (field->rule == OVERWRITE_NEVER || (field->rule == OVERWRITE_IF_BLANK && !live_blank(live)))
        return false;
    const struct json *value = json_parse(w->batch->arena, wanted, strlen(wanted), &ignored);
    return value && !field_same(field->field, value, live);
}

bool write_difference(struct write_column *w, size_t i, const struct json *live)
{
    struct write_intent *intent = &w->intents[i];
    struct buf text = BUF_INIT;
    struct jw jw;
    size_t left = 0;
    begin_object(&jw, &text);
    for (size_t j = 0; j < w->field_count; j++) {
        const struct write_field *field = &w->fields[j];
        const struct json *now = json_get_nocase(live, field->field->name);
        if (!intent->values[j] || is_key(w, field))
            continue;
        if (!to_be_written(w, field, intent->values[j], now)) {
            intent->values[j] = NULL;
            continue;
        }
        left++;
        jw_key(&jw, field->field->name);
        if (now)
            jw_value(&jw, now);
        else
            jw_null(&jw);
    }
    intent->before = end_object(&jw, w->batch->arena);
    if (left)
        write_payload(w, i);
    return left > 0;
}
