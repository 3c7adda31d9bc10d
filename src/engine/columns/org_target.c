/* org_target.c - see org_target.h. */
#include "engine/columns/org_target.h"

#include "base/str.h"

#include <string.h>

void target_check(struct kind_check *check, const struct crm_object *object)
{
    const struct json *match = json_get(check->config, "match");
    bool id = json_get(check->config, "id") != NULL;
    if (id == (match != NULL))
        kind_check_fail(check, "", id ? "recipe.two_ways" : "recipe.missing_key",
                        "which record is meant? Give one of id and match");
    find_check(check, object, "match", match);
}

/* The mapping that a look-up goes by: `match`, or {"Id": the template of `id`}. */
static const struct json *mapping(struct write_column *w)
{
    const struct json *match = json_get(w->batch->config, "match");
    const struct json *id = json_get(w->batch->config, "id");
    if (match)
        return match;
    struct json *map = arena_alloc(w->batch->arena, sizeof *map);
    struct json *member = arena_alloc(w->batch->arena, sizeof *member);
    *member = *id;
    member->key = "Id";
    member->key_len = 2;
    member->next = NULL;
    *map = (struct json){.type = JSON_OBJECT, .len = 1, .first = member};
    return map;
}

/* `gone`: the record as the recycle bin has it, or NULL. */
static void refuse_missing_id(struct write_column *w, size_t i, const struct crm_match *gone)
{
    struct err ignored = {0};
    const struct json *record =
        gone && gone->record
            ? json_parse(w->batch->arena, gone->record, strlen(gone->record), &ignored)
            : NULL;
    const char *master = json_get_text(record, "MasterRecordId");
    if (master)
        batch_fail(w->batch, i, CELL_REFUSED, "refused.merged",
                   "the %s was merged into %s. Write to that one, if it is meant: argil does not "
                   "follow by itself.",
                   w->object->name, master);
    else if (gone && gone->deleted)
        batch_fail(w->batch, i, CELL_REFUSED, "refused.deleted",
                   "the %s was deleted and lies in the recycle bin. Restore it there, or let the "
                   "row go with the next sync.",
                   w->object->name);
    else
        batch_fail(w->batch, i, CELL_REFUSED, "refused.not_found",
                   "no %s with this Id is visible to the connected user", w->object->name);
}

static void refuse_missing_values(struct write_column *w, size_t i)
{
    batch_fail(w->batch, i, CELL_REFUSED, "refused.not_found",
               "no %s record holds these values. An update never creates one: use an upsert "
               "column with match for that.",
               w->object->name);
}

static void skip_blank(struct write_column *w, struct find *find, bool by_id)
{
    for (size_t i = 0; i < w->batch->count; i++) {
        if (write_undecided(w, i) && find_has_key(find, i))
            continue;
        if (write_undecided(w, i))
            batch_fail(w->batch, i, CELL_REFUSED, by_id ? "refused.no_id" : "refused.blank_key",
                       by_id ? "there is no record Id to write to"
                             : "a field of match is blank: it would match anything");
        find_skip(find, i);
    }
}

/* What became of the records that are not there: one more look-up, for those alone. */
static enum status refuse_gone(struct write_column *w, struct crm_match *const *matches,
                               struct err *err)
{
    struct column_batch *batch = w->batch;
    struct find find;
    const char *master = "MasterRecordId";
    struct crm_match **gone = arena_array(batch->arena, batch->count + 1, sizeof *gone);
    if (find_open(&find, batch, w->on, w->object->name, mapping(w), SEVERAL_REFUSE, err) != OK)
        return FAIL;
    find.lookup.all_rows = true;
    find.lookup.return_fields = &master;
    find.lookup.return_count = crm_object_field(w->object, master) != NULL;
    for (size_t i = 0; i < batch->count; i++)
        if (matches[i] || !write_undecided(w, i))
            find_skip(&find, i);
    if (find_run(&find, gone, err) != OK)
        return batch_call_failed(batch, err);
    for (size_t i = 0; i < batch->count; i++)
        if (!matches[i] && write_undecided(w, i))
            refuse_missing_id(w, i, gone[i]);
    return OK;
}

/* A converted lead is read-only: the org would refuse the write, and not say where it went. */
static const char **with_conversion(struct write_column *w, const struct targets *targets,
                                    size_t *count)
{
    static const char *const more[] = {"IsConverted", "ConvertedContactId", "ConvertedAccountId"};
    const char **fields = arena_array(w->batch->arena, targets->field_count + 4, sizeof *fields);
    *count = targets->field_count;
    memcpy(fields, targets->fields, *count * sizeof *fields);
    for (size_t i = 0; i < 3 && text_eq_nocase(w->object->name, "Lead"); i++)
        if (crm_object_field(w->object, more[i]))
            fields[(*count)++] = more[i];
    return fields;
}

static void refuse_converted(struct write_column *w, size_t i, const struct crm_match *live)
{
    struct err ignored = {0};
    const struct json *record =
        json_parse(w->batch->arena, live->record, strlen(live->record), &ignored);
    const char *contact = json_get_text(record, "ConvertedContactId");
    const char *account = json_get_text(record, "ConvertedAccountId");
    if (json_get_bool(record, "IsConverted", false))
        batch_fail(w->batch, i, CELL_REFUSED, "refused.converted",
                   "the lead was converted and is read-only; it is contact %s of account %s now",
                   contact ? contact : "(not visible)", account ? account : "(not visible)");
}

enum status targets_find(struct write_column *w, struct targets *targets, struct err *err)
{
    struct column_batch *batch = w->batch;
    struct find find;
    bool by_id = json_get(batch->config, "match") == NULL;
    struct crm_match **matches = arena_array(batch->arena, batch->count + 1, sizeof *matches);
    targets->records = arena_array(batch->arena, batch->count + 1, sizeof *targets->records);
    if (find_open(&find, batch, w->on, w->object->name, mapping(w), SEVERAL_REFUSE, err) != OK)
        return FAIL;
    find.lookup.return_fields = with_conversion(w, targets, &find.lookup.return_count);
    skip_blank(w, &find, by_id);
    if (find_run(&find, matches, err) != OK)
        return batch_call_failed(batch, err);
    if (find_choose(&find, matches, targets->records, err) != OK)
        return FAIL;
    size_t missing = 0;
    for (size_t i = 0; i < batch->count; i++) {
        if (!matches[i] && write_undecided(w, i) && !by_id)
            refuse_missing_values(w, i);
        else if (targets->records[i] && w->kind == OP_UPDATE && write_undecided(w, i))
            refuse_converted(w, i, targets->records[i]);
        missing += !matches[i] && write_undecided(w, i);
    }
    return missing ? refuse_gone(w, matches, err) : OK;
}
