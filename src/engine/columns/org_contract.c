/* org_contract.c - the field contract where a column's writes are planned: whether it may
 * write its fields at all, the rules against the live record, and the guards, which the org
 * itself is asked. The last word is journal_send.c's, with the contract as it is then. */
#include "engine/columns/org_write.h"

#include "base/str.h"

#include <string.h>

enum status write_contract_open(struct write_column *w, struct err *err)
{
    struct contract *contract = NULL;
    if (job_contract(w->batch->job, w->on, &contract, err) != OK ||
        contract_may(contract, w->kind, w->object->name, NULL, err) != OK)
        return FAIL;
    w->contract = contract;
    for (size_t i = 0; contract && i < w->field_count; i++) {
        struct write_field *field = &w->fields[i];
        if (contract_may(contract, w->kind, w->object->name, field->field->name, err) != OK)
            return FAIL;
        field->entry = contract_entry(contract, w->object->name, field->field->name);
    }
    return w->rotation_count ? contract_may(contract, w->kind, w->object->name, "OwnerId", err) : OK;
}

/* ------------------------------------------------------------------- rules */

static bool blank(const struct json *value)
{
    return json_is_null(value) || (json_is(value, JSON_STRING) && value->len == 0);
}

/* What we wrote there last. *out NULL: nothing. */
static enum status ours(struct write_column *w, size_t i, const struct write_field *field,
                        const struct json **out, struct err *err)
{
    struct column_batch *batch = w->batch;
    struct store *store = batch->job->engine->store;
    struct value value = VALUE_NULL;
    bool found = false;
    *out = NULL;
    if (store->does->written_get(store, batch->arena, w->on->connection.org_id,
                                 w->intents[i].target_id, field->field->name, &value, &found,
                                 err) != OK)
        return FAIL;
    if (!found)
        return OK;
    struct json *text = arena_alloc(batch->arena, sizeof *text);
    *text = (struct json){.type = value.text ? JSON_STRING : JSON_NULL,
                          .text = value.text ? arena_strndup(batch->arena, value.text, value.len) : "",
                          .len = value.len};
    *out = text;
    return OK;
}

static bool lets(struct write_column *w, size_t i, const struct write_field *field,
                 const struct json *live, const struct json *record)
{
    struct err err = {0};
    const struct json *written = NULL;
    switch (field->entry->rule) {
    case RULE_ALWAYS:
        return true;
    case RULE_NEVER:
        return false;
    case RULE_IF_BLANK:
        return blank(live);
    case RULE_IF_OURS:
        if (blank(live))
            return true;
        return ours(w, i, field, &written, &err) == OK && written &&
               field_same(field->field, written, live);
    case RULE_SET_ONCE:
        return blank(live) && ours(w, i, field, &written, &err) == OK &&
               (!written || json_is_null(written));
    case RULE_IF_NEWER:
        return blank(live) || write_newer(w, i, field->entry, record);
    case RULE_RANKED:
        return blank(live) ||
               (ours(w, i, field, &written, &err) == OK &&
                write_outranks(w, i, field, written && field_same(field->field, written, live)));
    }
    return false;
}

bool write_contract_lets(struct write_column *w, size_t i, const struct write_field *field,
                         const struct json *live, const struct json *record)
{
    char message[256];
    if (!field->entry || lets(w, i, field, live, record))
        return true;
    snprintf(message, sizeof message, "%s.%s left as it is: the contract's rule is %s",
             w->object->name, field->field->name, contract_rule_name(field->entry->rule));
    report_refusal(w->batch->job->report, "contract.rule", message);
    return false;
}

/* ------------------------------------------------------------------ guards */

static bool writes_under(const struct write_column *w, size_t i, const char *guard)
{
    if (!w->intents[i].wanted || !w->intents[i].target_id)
        return false;
    for (size_t j = 0; j < w->field_count; j++)
        if (w->fields[j].entry && w->intents[i].values && w->intents[i].values[j] &&
            text_eq(w->fields[j].entry->when, guard))
            return true;
    return false;
}

static enum status ask(struct write_column *w, const char *guard, const char *condition,
                       struct err *err)
{
    static const char *const by_id[] = {"Id"};
    struct column_batch *batch = w->batch;
    struct value *keys = arena_array(batch->arena, batch->count + 1, sizeof *keys);
    struct crm_match **found = arena_array(batch->arena, batch->count + 1, sizeof *found);
    bool any = false;
    for (size_t i = 0; i < batch->count; i++) {
        bool under = writes_under(w, i, guard);
        keys[i] = under ? value_of(w->intents[i].target_id) : VALUE_NULL;
        any = any || under;
    }
    if (!any)
        return OK;
    struct crm_lookup lookup = {.object = w->object->name,
                                .match_fields = by_id,
                                .match_count = 1,
                                .return_fields = by_id,
                                .return_count = 1,
                                .keys = keys,
                                .row_count = batch->count,
                                .and_where = condition};
    if (w->on->session->does->lookup(w->on->session, &lookup, batch->arena, found, err) != OK)
        return FAIL;
    for (size_t i = 0; i < batch->count; i++) {
        if (!writes_under(w, i, guard) || found[i])
            continue;
        w->intents[i].wanted = false;
        batch_fail(batch, i, CELL_REFUSED, "contract.guard",
                   "%s %s does not meet the contract's guard \"%s\" (%s); nothing was written",
                   w->object->name, w->intents[i].target_id, guard, condition);
    }
    return OK;
}

enum status write_contract_guards(struct write_column *w, struct err *err)
{
    for (size_t g = 0; w->contract && g < w->contract->guard_count; g++)
        if (ask(w, w->contract->guards[g].name, w->contract->guards[g].condition, err) != OK)
            return FAIL;
    return OK;
}
