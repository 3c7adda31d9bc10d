/* dml_upsert.c - which record an upsert means.
 *
 * The key is Id, an External ID or an idLookup field. No record with its value:
 * insert; one: update; several: refused, with their ids. Two rows of one call
 * with the same value are both refused, as nobody could say which comes first. */
#include "localorg/org/dml_priv.h"

static const struct json *key_member(const struct dml_row *row)
{
    return row->key ? json_get_nocase(row->body, row->key->name) : NULL;
}

static const char *key_text(const struct dml_row *row)
{
    if (row->key_value)
        return row->key_value;
    return json_text(key_member(row));
}

static bool key_usable(const struct field *key)
{
    return key && (key->type == FT_ID || key->external_id || key->id_lookup);
}

void upsert_refuse_doubles(struct work *work, const struct dml_row *rows, size_t count,
                           struct dml_result *results)
{
    if (count < 2)
        return;
    struct map *nocase = map_new_nocase(), *exact = map_new();
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < count; i++) {
            const struct field *key = rows[i].key;
            const char *text = key_text(&rows[i]);
            if (!key || key->type == FT_ID || text_blank(text))
                continue;
            struct map *seen = key->case_sensitive ? exact : nocase;
            char *name = mem_printf("%s.%s", rows[i].object->name, text);
            uintptr_t times = (uintptr_t)map_get(seen, name);
            if (pass == 0)
                map_put(seen, name, (void *)(times + 1));
            else if (times > 1)
                row_error(work, &results[i], "DUPLICATE_VALUE", &key->name, 1,
                          "Duplicate external id specified: %s", text);
            free(name);
        }
    }
    map_free(nocase);
    map_free(exact);
}

static bool resolve_id(struct work *work, struct draft *draft)
{
    const char *text = key_text(draft->row);
    draft->insert = text_blank(text);
    if (draft->insert)
        return true;
    if (id_canonical(text, draft->id))
        return true;
    static const char *const id_field[] = {"Id"};
    return row_error(work, draft->result, "MALFORMED_ID", id_field, 1,
                     "%s: id value of incorrect type: %s", draft->row->key->label, text);
}

static bool tell_several(struct work *work, struct draft *draft, const char **ids, size_t count)
{
    struct buf list = BUF_INIT;
    for (size_t i = 0; i < count; i++)
        buf_printf(&list, "%s%.15s", i ? ", " : "", ids[i]);
    draft->result->several = ids;
    draft->result->several_count = count;
    row_error(work, draft->result, "DUPLICATE_EXTERNAL_ID", &draft->row->key->name, 1,
              "%s: more than one record found for external id field: [%s]", draft->row->key->label,
              buf_text(&list));
    buf_free(&list);
    return false;
}

/* The live records whose key field has the wanted value. */
static bool matches(struct work *work, struct draft *draft, const struct cell *wanted,
                    const char ***out, size_t *count)
{
    sqlite3_stmt *find = table_finder(work, draft->table, draft->row->key);
    if (!find)
        return false;
    bind_cell(find, 1, wanted);
    VEC(const char *) ids = {0};
    while (next_row(work, find))
        if (!sqlite3_column_int(find, 1))
            vec_push(&ids, arena_strdup(work->arena, db_text(find, 0)));
    sqlite3_reset(find);
    *out = arena_array(work->arena, ids.len + 1, sizeof **out);
    if (ids.len)
        memcpy(*out, ids.at, ids.len * sizeof *ids.at);
    *count = ids.len;
    vec_free(&ids);
    return !work->broken;
}

static bool resolve_key(struct work *work, struct draft *draft)
{
    const struct field *key = draft->row->key;
    const char *text = key_text(draft->row);
    if (text_blank(text))
        return row_error(work, draft->result, "MISSING_ARGUMENT", &key->name, 1, "%s not specified",
                         key->name);
    struct json value = {.type = JSON_STRING, .text = text, .len = (uint32_t)strlen(text)};
    struct cell wanted = {0};
    const char **ids;
    size_t count;
    if (!convert_value(work, draft, key, &value, &wanted) ||
        !matches(work, draft, &wanted, &ids, &count))
        return false;
    if (count > 1)
        return tell_several(work, draft, ids, count);
    draft->insert = count == 0;
    if (count == 1)
        memcpy(draft->id, ids[0], sizeof draft->id);
    else if (key->createable || work->options->system)
        draft->cells[key->index] = wanted;
    return true;
}

bool upsert_resolve(struct work *work, struct draft *draft)
{
    const struct field *key = draft->row->key;
    if (!key_usable(key))
        return row_error(work, draft->result, "INVALID_FIELD", NULL, 0,
                         "Field name provided, %s does not match an External ID, Salesforce Id, "
                         "or indexed field for %s",
                         key ? key->name : "null", draft->object->name);
    if (!(key->type == FT_ID ? resolve_id(work, draft) : resolve_key(work, draft)))
        return false;
    if (draft->insert && work->options->update_only)
        return row_error(work, draft->result, "NOT_FOUND", NULL, 0,
                         "The requested resource does not exist");
    return true;
}
