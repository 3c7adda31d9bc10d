/* org_write.c - opening a write column, and what a row's write consists of.
 *
 * Values come from org_fill.c checked; here they are compared with the live
 * record, become a payload, and a row that needs no write is settled. What is
 * sent is decided in org_send.c. */
#include "engine/columns/org_write.h"
#include "engine/gates.h"

#include "base/str.h"

#include <string.h>
#include <strings.h>

const char *const overwrite_words[] = {"always", "if_blank", "never", NULL};
const char *const if_changed_words[] = {"ask", "ours", "theirs", NULL};

/* ----------------------------------------------------------- recipe check */

static bool writable(const struct crm_field *field, enum op_kind kind)
{
    return kind == OP_CREATE   ? field->createable
           : kind == OP_UPDATE ? field->updateable
                               : field->createable || field->updateable;
}

/* Is the field among `set`, by itself or as the parent's key? */
static bool is_set(const struct crm_field *field, const struct json *set)
{
    size_t len = field->relationship_name ? strlen(field->relationship_name) : 0;
    json_each(member, set) {
        if (text_eq_nocase(member->key, field->name))
            return true;
        if (len && strncasecmp(member->key, field->relationship_name, len) == 0 &&
            member->key[len] == '.')
            return true;
    }
    return false;
}

static void check_required(struct kind_check *check, const struct crm_object *object,
                           const struct json *set)
{
    for (size_t i = 0; i < object->field_count; i++) {
        const struct crm_field *field = &object->fields[i];
        bool required = field->createable && !field->nillable && !field->defaulted_on_create &&
                        !text_eq(field->type, "boolean");
        if (required && !is_set(field, set))
            kind_check_fail(check, "set", "recipe.required_field", "a new %s needs %s (%s)",
                            object->name, field->name, field->label);
    }
}

static void check_access(struct kind_check *check, const struct crm_object *object,
                         enum op_kind kind)
{
    if (kind != OP_UPDATE && !object->createable)
        kind_check_fail(check, "object", "recipe.not_createable",
                        "the connected user may not create %s records", object->name);
    if (kind != OP_CREATE && !object->updateable)
        kind_check_fail(check, "object", "recipe.not_updateable",
                        "the connected user may not change %s records", object->name);
}

static void check_set(struct kind_check *check, const struct crm_object *object,
                      enum op_kind kind, const struct json *set)
{
    char where[200];
    json_each(member, set) {
        const struct crm_field *field = kind_set_field(check, object, member->key);
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
}

static void check_owners(struct kind_check *check, const struct crm_object *object,
                         const struct json *set)
{
    const char *assign = json_get_text(check->config, "auto_assign");
    const struct json *owners = json_get(check->config, "owners");
    bool known = !assign || text_eq(assign, "on") || text_eq(assign, "off") ||
                 strlen(assign) == 15 || strlen(assign) == 18;
    if (!known)
        kind_check_fail(check, "auto_assign", "recipe.not_allowed",
                        "auto_assign is on, off, or the Id of an assignment rule");
    if (owners && !crm_object_field(object, "OwnerId"))
        kind_check_fail(check, "owners", "recipe.no_effect", "%s records have no owner",
                        object->name);
    if (owners && json_get_nocase(set, "OwnerId"))
        kind_check_fail(check, "owners", "recipe.two_ways",
                        "set gives OwnerId already: the owners cannot take turns");
}

/* What a Bulk job cannot do is said when it is asked for, not by going another way. */
static void check_transport(struct kind_check *check)
{
    if (!text_eq(json_get_text(check->config, "transport"), "bulk") ||
        !json_get_bool(check->config, "duplicate_rule_override", false))
        return;
    err_hint(kind_check_fail(check, "transport", "transport.duplicate_rule",
                             "a Bulk job cannot save past a duplicate rule"),
             "Leave transport to auto or collections, or duplicate_rule_override out.");
}

void write_check_fields(struct kind_check *check, const struct crm_object *object,
                        enum op_kind kind)
{
    const struct json *set = json_get(check->config, "set");
    check_access(check, object, kind);
    check_set(check, object, kind, set);
    check_owners(check, object, set);
    check_transport(check);
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

static enum status field_gone(const struct write_column *w, const char *name, struct err *err)
{
    err_set(err, "mode.field_gone", "%s has no field %s any more", w->object->name, name);
    err_cause(err, "It was deleted or renamed, or the connected user may no longer see it.");
    return FAIL;
}

/* "Account.Ext__c": the account whose Ext__c holds the value. */
static enum status open_parent(struct write_column *w, struct write_field *field, struct err *err)
{
    const char *dot = strchr(field->path, '.');
    struct crm_session *session = w->on->session;
    const char *parent = NULL;
    field->field = org_link(w->object, field->path, (size_t)(dot - field->path), &parent);
    if (!field->field)
        return field_gone(w, field->path, err);
    field->relationship = field->field->relationship_name;
    field->parent = session->does->describe(session, parent, err);
    if (!field->parent)
        return FAIL;
    const struct crm_field *key = crm_object_field(field->parent, dot + 1);
    if (!key)
        return field_gone(w, field->path, err);
    struct crm_field *as_value = arena_alloc(w->batch->arena, sizeof *as_value);
    *as_value = *key;
    as_value->createable = as_value->updateable = true;
    field->parent_key = as_value;
    return OK;
}

static enum status open_fields(struct write_column *w, const struct json *set, struct err *err)
{
    struct column_batch *batch = w->batch;
    w->fields = arena_array(batch->arena, (set ? set->len : 0) + 1, sizeof *w->fields);
    json_each(member, set) {
        struct write_field *field = &w->fields[w->field_count++];
        field->path = member->key;
        field->rule = rule_of(batch->config, member->key);
        if (strchr(member->key, '.')) {
            if (open_parent(w, field, err) != OK)
                return FAIL;
        } else {
            field->field = crm_object_field(w->object, member->key);
            if (!field->field)
                return field_gone(w, member->key, err);
        }
        if (template_make(batch->arena, member, &field->template, err) != OK)
            return FAIL;
    }
    return OK;
}

static enum status check_guard(struct write_column *w, struct err *err)
{
    for (size_t i = 0; i < w->field_count; i++)
        if (guard_may_write(w->batch->table, w->object->name, w->fields[i].field->name, err) != OK)
            return FAIL;
    if (w->rotation_count)
        return guard_may_write(w->batch->table, w->object->name, "OwnerId", err);
    return OK;
}

static bool sets_owner(const struct write_column *w)
{
    for (size_t i = 0; i < w->field_count; i++)
        if (text_eq_nocase(w->fields[i].field->name, "OwnerId"))
            return true;
    return w->rotation_count > 0;
}

/* How its operations are sent, as far as it is not the usual way. */
static void open_settings(struct write_column *w)
{
    const char *assign = json_get_text(w->batch->config, "auto_assign");
    struct buf text = BUF_INIT;
    struct jw jw;
    jw_init(&jw, &text);
    jw_object(&jw);
    if (json_get_bool(w->batch->config, "duplicate_rule_override", false))
        jw_kv_bool(&jw, "duplicate_override", true);
    const char *if_changed = json_get_text(w->batch->config, "if_changed");
    if (if_changed && !text_eq(if_changed, "ask"))
        jw_kv_text(&jw, "if_changed", if_changed);
    if (text_eq(assign, "on"))
        jw_kv_text(&jw, "auto_assign", "TRUE");
    else if (text_eq(assign, "off") || (!assign && w->kind != OP_UPDATE && sets_owner(w)))
        jw_kv_text(&jw, "auto_assign", "FALSE"); /* a rule would take the owner away again */
    else if (assign)
        jw_kv_text(&jw, "auto_assign", assign);
    if (w->source)
        jw_kv_text(&jw, "source", w->source);
    jw_end_object(&jw);
    w->settings = text.len > 2 ? arena_strndup(w->batch->arena, text.data, text.len) : NULL;
    buf_free(&text);
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
    return write_open_set(w, batch, kind, json_get(batch->config, "set"), ready, err);
}

enum status write_open_set(struct write_column *w, struct column_batch *batch, enum op_kind kind,
                           const struct json *set, bool *ready, struct err *err)
{
    memset(w, 0, sizeof *w);
    w->batch = batch;
    w->set = set;
    w->kind = kind;
    w->ignore_blank = json_get_bool(batch->config, "ignore_blank_values", true);
    w->any_pair = text_eq(json_get_text(batch->config, "dependent_picklists"), "allow");
    *ready = false;
    w->on = batch_session(batch, err);
    if (!w->on)
        return batch_call_failed(batch, err);
    if (gate_lock_open(batch->job, batch->table, w->on, err) != OK)
        return FAIL;
    if (job_over_budget(batch->job, w->on, 0) || batch->job->stop_writing ||
        batch->job->guard_full || (!batch->job->options->dry_run && gate_quiet(batch->job, batch->table))) {
        put_off(batch);
        return OK;
    }
    w->object = job_describe(w->on, column_object(batch->plan->kind, batch->config),
                             batch->job->engine, err);
    if (!w->object)
        return batch_call_failed(batch, err);
    w->mode = batch->plan->kind->mode(w->object, batch->config);
    w->key_field = w->mode.key_field;
    w->source = json_get_text(batch->config, "source");
    const struct json *as_of = json_get(batch->config, "as_of");
    if (as_of && template_make(batch->arena, as_of, &w->as_of, err) != OK)
        return FAIL;
    if (open_fields(w, w->set, err) != OK ||
        names_rotation(w, err) != OK || check_guard(w, err) != OK || write_contract_open(w, err) != OK)
        return FAIL;
    open_settings(w);
    w->intents = arena_array(batch->arena, batch->count + 1, sizeof *w->intents);
    for (size_t i = 0; i < batch->count; i++) {
        w->intents[i].same_as = i;
        w->intents[i].kind = kind;
    }
    *ready = true;
    return OK;
}

bool write_undecided(const struct write_column *w, size_t i)
{
    return !w->batch->stored[i] && w->batch->results[i].state == CELL_DUE;
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
    struct op op = {.kind = w->intents[i].kind};
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

/* {"Account":{"Ext__c":"A-1"}}; a parent that may be of several objects says which. */
static void put_parent(struct jw *jw, const struct write_field *field, const char *value)
{
    jw_key(jw, field->relationship);
    if (text_eq(value, "null")) { /* clearing is done by the link itself */
        jw_null(jw);
        return;
    }
    jw_object(jw);
    if (field->field->reference_count > 1) {
        jw_key(jw, "attributes");
        jw_object(jw);
        jw_kv_text(jw, "type", field->parent->name);
        jw_end_object(jw);
    }
    jw_key(jw, field->parent_key->name);
    jw_raw(jw, value, strlen(value));
    jw_end_object(jw);
}

/* A key for this row, column and generation, and for no other: should a backup be restored and
 * the write be planned again, the org knows the key and refuses a second record. It begins with
 * the row's number, so that the keys of neighbours lie side by side and an index of them grows
 * at its end; the 90 bits behind it are a digest of everything. */
void write_op_key(struct write_column *w, size_t i)
{
    const struct column_batch *batch = w->batch;
    struct write_intent *intent = &w->intents[i];
    struct buf text = BUF_INIT;
    char hash[65];
    buf_printf(&text, "argil operation 2\n%s\n%lld %lld %lld %lld\n%s",
               batch->job->engine->store->workspace_id, (long long)batch->table->id,
               (long long)batch->table->created_ms, (long long)batch->plan->column->id,
               (long long)(intent->last.id ? intent->last.generation + 1 : 1), batch->rows[i].key);
    sha256_hex(text.data, text.len, hash);
    buf_free(&text);
    /* RFC 9562 version 8: a UUID made from something of one's own */
    snprintf(intent->op_key, sizeof intent->op_key, "%08x-%.4s-8%.3s-%c%.3s-%.12s",
             (unsigned)batch->rows[i].id, hash + 8, hash + 13, "89ab"[hash[16] & 3], hash + 17,
             hash + 20);
}

static void put_payload(struct write_column *w, size_t i)
{
    struct write_intent *intent = &w->intents[i];
    struct buf text = BUF_INIT;
    struct jw jw;
    begin_object(&jw, &text);
    for (size_t j = 0; j < w->field_count; j++) {
        const struct write_field *field = &w->fields[j];
        if (!intent->values[j])
            continue;
        if (field->parent && !text_eq(intent->values[j], "null")) {
            put_parent(&jw, field, intent->values[j]);
            continue;
        }
        jw_key(&jw, field->field->name);
        jw_raw(&jw, intent->values[j], strlen(intent->values[j]));
    }
    if (intent->kind == OP_CREATE && intent->more)
        json_each(member, intent->more) {
            jw_key(&jw, member->key);
            jw_value(&jw, member);
        }
    write_op_key(w, i);
    if (intent->kind == OP_CREATE && w->mode.seal_field)
        jw_kv_text(&jw, w->mode.seal_field, intent->op_key);
    intent->payload = end_object(&jw, w->batch->arena);
    intent->wanted = true;
}

/* A field that a new record needs and this row does not give; NULL = none. */
static const struct crm_field *missing(const struct write_column *w, size_t i)
{
    const struct write_intent *intent = &w->intents[i];
    for (size_t k = 0; k < w->object->field_count; k++) {
        const struct crm_field *field = &w->object->fields[k];
        bool given = !field->createable || field->nillable || field->defaulted_on_create ||
                     text_eq(field->type, "boolean") || text_eq(field->name, w->mode.seal_field) ||
                     json_get_nocase(intent->more, field->name);
        for (size_t j = 0; j < w->field_count && !given; j++)
            given = w->fields[j].field == field && intent->values[j];
        if (!given && !(w->rotation_count && text_eq(field->name, "OwnerId")))
            return field;
    }
    return NULL;
}

void write_create(struct write_column *w, size_t i)
{
    const struct crm_field *field = missing(w, i);
    if (field)
        batch_fail(w->batch, i, CELL_REFUSED, "refused.required",
                   "%s.%s: a new %s needs %s, and this row has no value for it. Add it to set, or "
                   "skip such rows with only_run_if.",
                   w->object->name, field->name, w->object->label ? w->object->label : w->object->name,
                   field->label);
    else if (write_pairs_fit(w, i, NULL))
        put_payload(w, i);
}

void write_delete(struct write_column *w, size_t i, const struct crm_match *live)
{
    struct write_intent *intent = &w->intents[i];
    struct err ignored = {0};
    const struct json *record = json_parse(w->batch->arena, live->record, strlen(live->record),
                                           &ignored);
    intent->target_id = live->id;
    intent->before = live->record;
    intent->base_stamp = json_get_text(record, "SystemModstamp");
    intent->payload = "{}";
    intent->wanted = true;
    write_op_key(w, i);
}

/* ------------------------------------------------------------------ change */

static void add_name(const char **names, size_t *count, const char *name)
{
    for (size_t i = 0; i < *count; i++)
        if (text_eq_nocase(names[i], name))
            return;
    names[(*count)++] = name;
}

const char **write_return_fields(struct write_column *w, size_t *count)
{
    const char **names = arena_array(w->batch->arena, 4 * w->field_count + 2, sizeof *names);
    *count = 0;
    for (size_t j = 0; j < w->field_count; j++) {
        const struct contract_field *entry = w->fields[j].entry;
        add_name(names, count, w->fields[j].path);
        if (w->fields[j].parent)
            add_name(names, count, w->fields[j].field->name);
        if (entry && entry->newer_than)
            add_name(names, count, entry->newer_than);
        if (write_controller(w, &w->fields[j]))
            add_name(names, count, write_controller(w, &w->fields[j]));
    }
    if (crm_object_field(w->object, "SystemModstamp"))
        add_name(names, count, "SystemModstamp");
    return names;
}

static bool is_key(const struct write_column *w, const struct write_field *field)
{
    return w->kind == OP_UPSERT && text_eq_nocase(w->key_field, field->path);
}

static bool live_blank(const struct json *value)
{
    return json_is_null(value) || (json_is(value, JSON_STRING) && value->len == 0);
}

/* What the record holds at "Industry" or "Account.Ext__c". */
static const struct json *live_at(const struct write_field *field, const struct json *live)
{
    if (!field->parent)
        return json_get_nocase(live, field->path);
    return json_get_nocase(json_get_nocase(live, field->relationship), field->parent_key->name);
}

static bool to_be_written(struct write_column *w, const struct write_field *field,
                          const char *wanted, const struct json *live)
{
    struct err ignored = {0};
    if (field->rule == OVERWRITE_NEVER || (field->rule == OVERWRITE_IF_BLANK && !live_blank(live)))
        return false;
    const struct json *value = json_parse(w->batch->arena, wanted, strlen(wanted), &ignored);
    const struct crm_field *kind = field->parent ? field->parent_key : field->field;
    return value && !field_same(kind, value, live);
}

static bool difference(struct write_column *w, size_t i, const struct json *live)
{
    struct write_intent *intent = &w->intents[i];
    struct buf text = BUF_INIT;
    struct jw jw;
    size_t left = 0;
    begin_object(&jw, &text);
    for (size_t j = 0; j < w->field_count; j++) {
        const struct write_field *field = &w->fields[j];
        if (!intent->values[j] || is_key(w, field))
            continue;
        const struct json *held = json_get_nocase(live, field->field->name);
        if (!to_be_written(w, field, intent->values[j], live_at(field, live)) ||
            !write_contract_lets(w, i, field, held, live)) {
            intent->values[j] = NULL;
            continue;
        }
        left++;
        jw_key(&jw, field->field->name);
        if (held)
            jw_value(&jw, held);
        else
            jw_null(&jw);
    }
    intent->before = end_object(&jw, w->batch->arena);
    return left > 0;
}

void write_change(struct write_column *w, size_t i, const struct crm_match *live)
{
    struct err ignored = {0};
    struct arena *arena = w->batch->arena;
    const struct json *record =
        live->record ? json_parse(arena, live->record, strlen(live->record), &ignored) : NULL;
    w->intents[i].target_id = live->id;
    w->intents[i].base_stamp = json_get_text(record, "SystemModstamp");
    if (difference(w, i, record)) {
        if (write_pairs_fit(w, i, record))
            put_payload(w, i);
        return;
    }
    write_settled(w, i, live->id, false);
    w->batch->job->report->unchanged++;
}
