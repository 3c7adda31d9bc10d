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

static void refuse_missing(struct write_column *w, size_t i, bool by_id)
{
    if (by_id)
        batch_fail(w->batch, i, CELL_REFUSED, "refused.not_found",
                   "no %s with this Id is visible to the connected user", w->object->name);
    else
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

enum status targets_find(struct write_column *w, struct targets *targets, struct err *err)
{
    struct column_batch *batch = w->batch;
    struct find find;
    bool by_id = json_get(batch->config, "match") == NULL;
    struct crm_match **matches = arena_array(batch->arena, batch->count + 1, sizeof *matches);
    targets->records = arena_array(batch->arena, batch->count + 1, sizeof *targets->records);
    if (find_open(&find, batch, w->on, w->object->name, mapping(w), SEVERAL_REFUSE, err) != OK)
        return FAIL;
    find.lookup.return_fields = targets->fields;
    find.lookup.return_count = targets->field_count;
    skip_blank(w, &find, by_id);
    if (find_run(&find, matches, err) != OK)
        return batch_call_failed(batch, err);
    if (find_choose(&find, matches, targets->records, err) != OK)
        return FAIL;
    for (size_t i = 0; i < batch->count; i++)
        if (!matches[i] && write_undecided(w, i))
            refuse_missing(w, i, by_id);
    return OK;
}
