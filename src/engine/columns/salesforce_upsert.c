/* salesforce_upsert.c - creates or changes the record with a key.
 *
 * The live records are read by key first, so that equal values cost nothing and
 * the overwrite rules see what is there. By `external_id` the write itself goes
 * by key: should a record appear in between, Salesforce updates it instead of
 * making a second. By `match`, any one or several fields, what is found is
 * changed by its Id and what is not is created, both under the key's single
 * flight: of two rows, tables or workers with the same key one goes first, and
 * the other finds its record. */
#include "engine/columns/org_write.h"

#include "base/str.h"

#include <string.h>

static const struct kind_option options[] = {
    {"connection", OPT_CONNECTION, true, "connection to write to", NULL, NULL, 0, 0},
    {"object", OPT_OBJECT, true, "object to write", NULL, NULL, 0, 0},
    {"external_id", OPT_FIELD, false, "External ID field; its value stands in set", NULL, NULL, 0,
     0},
    {"match", OPT_FIELD_MAP, false,
     "instead of external_id: any fields and the values that make a record the one meant", NULL,
     NULL, 0, 0},
    FIND_NORMALISE,
    FIND_SEVERAL("refuse"),
    FIND_RULE,
    {"set", OPT_FIELD_MAP, true,
     "fields and their values, the External ID among them; Parent.Key__c names a parent by its key",
     NULL, NULL, 0, 0},
    WRITE_OVERWRITE,
    WRITE_BLANKS,
    WRITE_DEPENDENT,
    WRITE_IF_CHANGED,
    WRITE_OWNERS,
    WRITE_ASSIGN,
    WRITE_DUPLICATES,
    {"prefer_completeness", OPT_BOOL, false,
     "send again when nothing tells whether a lost request was executed", "false", NULL, 0, 0},
    WRITE_TRANSPORT,
    WRITE_SOURCE,
    WRITE_AS_OF,
};

/* ----------------------------------------------------------- recipe check */

static void check_external_id(struct kind_check *check, const struct crm_object *object,
                              const char *name)
{
    const struct crm_field *field = crm_object_field(object, name);
    if (!field)
        kind_check_fail(check, "external_id", "recipe.unknown_field", "%s has no field \"%s\"",
                        object->name, name);
    else if (!field->external_id && !field->id_lookup)
        err_hint(kind_check_fail(check, "external_id", "recipe.not_external_id",
                                 "%s.%s is not an External ID field", object->name, field->name),
                 "Use `match: {%s: ...}`: it works with any fields.", field->name);
    if (!json_get_nocase(json_get(check->config, "set"), name))
        kind_check_fail(check, "set", "recipe.no_key", "set must hold the External ID %s", name);
}

static void validate(struct kind_check *check)
{
    const struct crm_object *object = kind_object(check);
    const char *name = json_get_text(check->config, "external_id");
    const struct json *match = json_get(check->config, "match");
    if (!object)
        return;
    if ((name != NULL) == (match != NULL))
        kind_check_fail(check, "", name ? "recipe.two_ways" : "recipe.missing_key",
                        "which record is meant? Give one of external_id and match");
    write_check_fields(check, object, OP_UPSERT);
    if (name)
        check_external_id(check, object, name);
    find_check(check, object, "match", match);
}

/* ----------------------------------------------------------- by External ID */

static int key_place(const struct write_column *w)
{
    for (size_t j = 0; j < w->field_count; j++)
        if (text_eq_nocase(w->fields[j].path, w->key_field))
            return (int)j;
    return -1;
}

static void take_keys(struct write_column *w, int place, struct value *keys)
{
    struct arena *arena = w->batch->arena;
    for (size_t i = 0; i < w->batch->count; i++) {
        struct err ignored = {0};
        const char *json = place >= 0 ? w->intents[i].values[place] : NULL;
        if (!write_undecided(w, i))
            continue;
        if (json)
            keys[i] = json_as_text(arena, json_parse(arena, json, strlen(json), &ignored));
        if (!keys[i].text || !keys[i].len) {
            keys[i] = VALUE_NULL;
            batch_fail(w->batch, i, CELL_REFUSED, "refused.blank_key",
                       "the External ID %s is blank", w->key_field);
            continue;
        }
        w->intents[i].key_value = mode_key_norm(arena, w->fields[place].field, keys[i]);
    }
}

static void compare(struct write_column *w, size_t i, const struct crm_match *match)
{
    if (!match)
        write_create(w, i);
    else if (match->next)
        batch_fail(w->batch, i, CELL_REFUSED, "refused.several",
                   "several %s records hold this External ID: %s, %s%s. Merge them in Salesforce.",
                   w->object->name, match->id, match->next->id, match->next->next ? ", ..." : "");
    else
        write_change(w, i, match);
}

static enum status by_external_id(struct write_column *w, struct err *err)
{
    struct column_batch *batch = w->batch;
    struct value *keys = arena_array(batch->arena, batch->count + 1, sizeof *keys);
    struct crm_match **matches = arena_array(batch->arena, batch->count + 1, sizeof *matches);
    take_keys(w, key_place(w), keys);
    struct crm_lookup lookup = {.object = w->object->name,
                                .match_fields = &w->key_field,
                                .match_count = 1,
                                .keys = keys,
                                .row_count = batch->count};
    lookup.return_fields = write_return_fields(w, &lookup.return_count);
    if (w->on->session->does->lookup(w->on->session, &lookup, batch->arena, matches, err) != OK)
        return batch_call_failed(batch, err);
    for (size_t i = 0; i < batch->count; i++)
        if (write_undecided(w, i))
            compare(w, i, matches[i]);
    return OK;
}

/* ------------------------------------------------------------------ by match */

static void take_business_keys(struct write_column *w, struct find *find)
{
    for (size_t i = 0; i < w->batch->count; i++) {
        const char *names = NULL;
        if (!write_undecided(w, i)) {
            find_skip(find, i);
            continue;
        }
        w->intents[i].key_value = find_business_key(find, w->object, i, &names);
        if (!w->intents[i].key_value)
            batch_fail(w->batch, i, CELL_REFUSED, "refused.blank_key",
                       "a field of match is blank: without it a duplicate cannot be ruled out");
        else if (!w->key_field)
            w->key_field = names;
    }
}

static struct mode upsert_mode(const struct crm_object *object, const struct json *config)
{
    const struct json *match = json_get(config, "match");
    if (!match)
        return mode_choose(object, OP_UPSERT, json_get_text(config, "external_id"), config);
    return mode_choose(object, OP_CREATE,
                       mode_unique_match(object, match, json_get(config, "set")), config);
}

static enum status by_match(struct write_column *w, const struct json *match, struct err *err)
{
    struct column_batch *batch = w->batch;
    struct find find;
    struct crm_match **matches = arena_array(batch->arena, batch->count + 1, sizeof *matches);
    const struct crm_match **chosen = arena_array(batch->arena, batch->count + 1, sizeof *chosen);
    if (find_open(&find, batch, w->on, w->object->name, match, SEVERAL_REFUSE, err) != OK)
        return FAIL;
    find.lookup.return_fields = write_return_fields(w, &find.lookup.return_count);
    take_business_keys(w, &find);
    if (find_run(&find, matches, err) != OK)
        return batch_call_failed(batch, err);
    if (find_choose(&find, matches, chosen, err) != OK)
        return FAIL;
    for (size_t i = 0; i < batch->count; i++) {
        w->intents[i].looked_ms = find.looked_ms;
        w->intents[i].kind = chosen[i] ? OP_UPDATE : OP_CREATE;
        if (!write_undecided(w, i))
            continue;
        if (chosen[i])
            write_change(w, i, chosen[i]);
        else
            write_create(w, i);
    }
    return OK;
}

static enum status execute(struct column_batch *batch, struct err *err)
{
    struct write_column w;
    bool ready;
    const struct json *match = json_get(batch->config, "match");
    if (write_open(&w, batch, OP_UPSERT, &ready, err) != OK)
        return FAIL;
    if (!ready)
        return OK;
    if (!match)
        w.key_field = json_get_text(batch->config, "external_id");
    if (write_history(&w, err) != OK || write_fill(&w, err) != OK)
        return FAIL;
    if ((match ? by_match(&w, match, err) : by_external_id(&w, err)) != OK)
        return FAIL;
    write_fold(&w);
    return write_intents(&w, err);
}

const struct column_kind salesforce_upsert_column = {
    .name = "salesforce_upsert",
    .title = "Upsert a Salesforce record",
    .help = "Creates the record with a key, or changes it when it is there. The key is an External "
            "ID, or any fields.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .writes = true,
    .type = TYPE_JSON,
    .mode = upsert_mode,
    .batch_rows = ORG_ROWS,
    .validate = validate,
    .execute = execute,
};
