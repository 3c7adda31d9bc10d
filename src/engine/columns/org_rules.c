/* org_rules.c - the contract's rules that look further than the field: how old the present
 * value is, and who wrote it.
 *
 * if_newer compares the column's as_of with a date field of the record, or with the
 * record's last change. A date counts from its first moment, UTC. What cannot be read is
 * not newer. ranked asks the journal which source wrote the value that is there: the
 * newest write of the field, whose settings say it; a value that Argil did not write is a
 * person's. A source that the list does not name has no rank: it writes over nothing,
 * and everybody in the list over it. */
#include "engine/columns/org_write.h"

#include "base/str.h"
#include "base/when.h"

#include <string.h>

#define LOOKED_BACK 200 /* writes of one record */

static bool moment_of(const char *text, int64_t *ms)
{
    struct date date;
    if (!text)
        return false;
    if (when_parse(text, ms))
        return true;
    if (!date_parse(text, &date))
        return false;
    *ms = date_to_days(date) * 24 * 3600 * 1000;
    return true;
}

bool write_newer(struct write_column *w, size_t i, const struct contract_field *entry,
                 const struct json *record)
{
    struct value given = VALUE_NULL;
    struct err err = {0};
    int64_t ours, theirs;
    const char *stamp = entry->newer_than ? entry->newer_than : "SystemModstamp";
    const struct json *held = json_get_nocase(record, stamp);
    if (!w->as_of.text || template_fill(w->batch, i, &w->as_of, SLOT_PLAIN, &given, &err) != OK ||
        !given.text ||
        !moment_of(arena_strndup(w->batch->arena, given.text, given.len), &ours))
        return false;
    if (json_is_null(held))
        return entry->newer_than != NULL; /* nobody ever said how old it is */
    return moment_of(json_text(held), &theirs) && ours > theirs;
}

static const char *source_of(struct write_column *w, const struct op *op)
{
    struct err ignored = {0};
    const struct json *settings =
        op->settings ? json_parse(w->batch->arena, op->settings, strlen(op->settings), &ignored)
                     : NULL;
    return json_get_text(settings, "source");
}

/* The source of the newest write of ours to the field; NULL = it had none. */
static const char *writer(struct write_column *w, size_t i, const char *field)
{
    struct store *store = w->batch->job->engine->store;
    struct op_query query = {.record = w->intents[i].target_id, .states = BIT(OP_DONE),
                             .before_id = INT64_MAX, .limit = LOOKED_BACK};
    struct op *ops = NULL;
    size_t count = 0;
    struct err ignored = {0};
    if (store->does->ops_list(store, w->batch->arena, &query, &ops, &count, &ignored) != OK)
        return NULL;
    for (size_t k = 0; k < count; k++) {
        const struct json *payload =
            json_parse(w->batch->arena, ops[k].payload, strlen(ops[k].payload), &ignored);
        if (json_get_nocase(payload, field))
            return source_of(w, &ops[k]);
    }
    return NULL;
}

bool write_outranks(struct write_column *w, size_t i, const struct write_field *field, bool ours)
{
    const struct contract_field *entry = field->entry;
    int mine = contract_rank(entry, w->source);
    if (mine < 0)
        return false;
    int theirs = contract_rank(entry, ours ? writer(w, i, field->field->name) : SOURCE_PERSON);
    if (!ours && theirs < 0)
        return false; /* a person's value stands unless the list places people */
    return theirs < 0 || mine <= theirs;
}
