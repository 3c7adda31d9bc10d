/* lookup.c - which records hold these keys, for many rows at once.
 *
 * Call order: keys_gather folds equal keys of all rows into one; queries_pack
 * writes as few queries as fit (IN lists, or OR of ANDs, or LIKE); five at a
 * time go in one API call, and several calls at once; every record that comes back is given to the keys
 * it matches. Invariants: a look-up that fails is an error, never "none"; a
 * record that Salesforce matched but we cannot place is an error too, because
 * reading it as "none" would make a duplicate. Never SOSL: its index lags (F-70). */
#include "connect/salesforce/sf_priv.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

#define KEYS_PER_QUERY 1000
#define SOQL_ROOM                                                                                  \
    60000 /* characters of conditions in one query; it grows by percent signs in the URL */

/* One distinct combination of key values. */
struct key {
    const char **parts;         /* comparable text, match_count of them */
    const struct value *values; /* as given, of the first row that has it */
    struct crm_match *first, *last;
    size_t query; /* the query that asked for it */
};

struct work {
    struct sf *sf;
    const struct crm_lookup *lookup;
    const struct crm_object *object;
    const struct crm_field **fields; /* of match_fields; NULL entries are treated as text */
    struct arena *arena;             /* the caller's: results live here */
    struct arena *scratch;
    struct map *by_text; /* parts joined -> struct key */
    VEC(struct key *) keys;
    VEC(char *) queries;
    const char *tail; /* ... ORDER BY */
    const char *head; /* SELECT ... WHERE */
};

/* ----------------------------------------------------------------- keys */

static const char *joined(struct work *work, const char *const *parts)
{
    struct buf text = BUF_INIT;
    for (size_t i = 0; i < work->lookup->match_count; i++)
        buf_printf(&text, "%s%s", i ? "\x1f" : "", parts[i]);
    const char *out = arena_strndup(work->scratch, buf_text(&text), text.len);
    buf_free(&text);
    return out;
}

static enum crm_normal normal_of(const struct work *work, size_t part)
{
    return work->lookup->normals ? work->lookup->normals[part] : CRM_AS_IS;
}

/* The org can only be asked for more than we want: what it sends is compared again here. */
static bool is_wider(const struct work *work, size_t part)
{
    return work->lookup->contains || normal_of(work, part) == CRM_DOMAIN ||
           normal_of(work, part) == CRM_PHONE;
}

/* Text that is equal for two values that are the same to this look-up; NULL = no value. */
static const char *part_of(struct work *work, size_t part, struct value value)
{
    enum crm_normal normal = normal_of(work, part);
    if (normal != CRM_AS_IS)
        return value.text ? crm_normalise(work->scratch, normal, value) : NULL;
    if (work->lookup->contains) /* LIKE ignores case on every field */
        return value.text ? sf_fold(work->scratch, value.text, value.len) : NULL;
    return soql_comparable(work->scratch, work->fields[part], value);
}

/* The comparable parts of one row's key; false when a part is null, blank or
 * can be no value of its field, so that no record holds it. */
static bool parts_of(struct work *work, const struct value *values, const char **parts)
{
    for (size_t i = 0; i < work->lookup->match_count; i++) {
        if (!soql_comparable(work->scratch, work->fields[i], values[i]) &&
            normal_of(work, i) == CRM_AS_IS)
            return false;
        parts[i] = part_of(work, i, values[i]);
        if (!parts[i] || !*parts[i])
            return false;
    }
    return true;
}

static void keys_gather(struct work *work, struct key **of_row)
{
    const struct crm_lookup *lookup = work->lookup;
    for (size_t row = 0; row < lookup->row_count; row++) {
        const struct value *values = lookup->keys + row * lookup->match_count;
        const char **parts = arena_array(work->scratch, lookup->match_count, sizeof *parts);
        if (!parts_of(work, values, parts))
            continue;
        const char *text = joined(work, parts);
        struct key *key = map_get(work->by_text, text);
        if (!key) {
            key = arena_alloc(work->scratch, sizeof *key);
            key->parts = parts;
            key->values = values;
            map_put(work->by_text, text, key);
            vec_push(&work->keys, key);
        }
        of_row[row] = key;
    }
}

/* -------------------------------------------------------------- queries */

/* Digits with anything between them: how a number is punctuated is everybody's own. */
static void phone_pattern(struct buf *out, const char *digits)
{
    buf_char(out, '\'');
    for (; *digits; digits++)
        buf_printf(out, "%%%c", *digits);
    buf_str(out, "%'");
}

static void literal(struct work *work, struct buf *out, size_t part, const struct key *key)
{
    if (normal_of(work, part) == CRM_PHONE) {
        phone_pattern(out, key->parts[part]);
        return;
    }
    if (normal_of(work, part) == CRM_DOMAIN) {
        soql_contains(out, key->parts[part], strlen(key->parts[part]));
        return;
    }
    if (normal_of(work, part) == CRM_EMAIL && !work->lookup->contains) {
        soql_quote(out, key->parts[part], strlen(key->parts[part]));
        return;
    }
    struct str s = str_trim((struct str){key->values[part].text, key->values[part].len});
    if (work->lookup->contains)
        soql_contains(out, s.p, s.n);
    else
        soql_literal(out, work->scratch, work->fields[part], key->values[part]);
}

static void condition(struct work *work, struct buf *out, const struct key *key)
{
    const struct crm_lookup *lookup = work->lookup;
    if (lookup->match_count > 1)
        buf_char(out, '(');
    for (size_t i = 0; i < lookup->match_count; i++) {
        buf_printf(out, "%s%s %s ", i ? " AND " : "", lookup->match_fields[i],
                   is_wider(work, i) ? "LIKE" : "=");
        literal(work, out, i, key);
    }
    if (lookup->match_count > 1)
        buf_char(out, ')');
}

static void query_end(struct work *work, struct buf *text, bool in_list)
{
    buf_str(text, in_list ? "))" : ")");
    buf_str(text, work->tail);
    vec_push(&work->queries, arena_strndup(work->scratch, text->data, text->len));
    buf_clear(text);
}

static enum status queries_pack(struct work *work, struct err *err)
{
    const struct crm_lookup *lookup = work->lookup;
    bool in_list = lookup->match_count == 1 && !is_wider(work, 0);
    struct buf text = BUF_INIT, one = BUF_INIT;
    size_t in_query = 0;
    for (size_t i = 0; i < work->keys.len; i++) {
        struct key *key = work->keys.at[i];
        buf_clear(&one);
        if (in_list)
            literal(work, &one, 0, key);
        else
            condition(work, &one, key);
        for (size_t part = 0; part < lookup->match_count; part++)
            if (utf8_length(key->values[part].text, key->values[part].len) + 2 > SF_LITERAL_MAX) {
                buf_free(&text);
                buf_free(&one);
                err_set(err, ERR_INVALID, "a look-up value of %s has more than 4,000 characters",
                        lookup->match_fields[part]);
                return FAIL;
            }
        if (in_query && (in_query == KEYS_PER_QUERY || text.len + one.len > SOQL_ROOM)) {
            query_end(work, &text, in_list);
            in_query = 0;
        }
        if (in_query == 0) {
            buf_str(&text, work->head);
            if (in_list)
                buf_printf(&text, "%s IN (", lookup->match_fields[0]);
        } else {
            buf_str(&text, in_list ? "," : " OR ");
        }
        buf_append(&text, one.data, one.len);
        key->query = work->queries.len;
        in_query++;
    }
    if (in_query)
        query_end(work, &text, in_list);
    buf_free(&text);
    buf_free(&one);
    return OK;
}

static bool listed(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (text_eq_nocase(names[i], name))
            return true;
    return false;
}

static void select_add(struct buf *out, const char **seen, size_t *count, const char *name)
{
    if (listed(seen, *count, name))
        return;
    buf_printf(out, "%s%s", *count ? ", " : "", name);
    seen[(*count)++] = name;
}

static void head_build(struct work *work)
{
    const struct crm_lookup *lookup = work->lookup;
    struct buf text = BUF_INIT;
    size_t count = 0;
    const char **seen =
        arena_array(work->scratch, lookup->return_count + lookup->match_count + 3, sizeof *seen);
    buf_str(&text, "SELECT ");
    select_add(&text, seen, &count, "Id");
    if (lookup->all_rows && crm_object_field(work->object, "IsDeleted"))
        select_add(&text, seen, &count, "IsDeleted");
    for (size_t i = 0; i < lookup->match_count; i++)
        select_add(&text, seen, &count, lookup->match_fields[i]);
    for (size_t i = 0; i < lookup->return_count; i++)
        select_add(&text, seen, &count, lookup->return_fields[i]);
    buf_printf(&text, " FROM %s WHERE ", work->object->name);
    if (lookup->and_where)
        buf_printf(&text, "(%s) AND ", lookup->and_where);
    buf_char(&text, '(');
    work->head = arena_strndup(work->scratch, text.data, text.len);
    buf_free(&text);
    const struct crm_field *created = crm_object_field(work->object, "CreatedDate");
    work->tail = created && created->sortable ? " ORDER BY CreatedDate, Id" : " ORDER BY Id";
}

/* -------------------------------------------------------------- answers */

/* A member by path; a null parent gives null. */
static const struct json *member_at(const struct json *record, const char *path)
{
    const char *dot;
    while (record && (dot = strchr(path, '.')) != NULL) {
        char name[256];
        size_t len = (size_t)(dot - path) < 255 ? (size_t)(dot - path) : 255;
        memcpy(name, path, len);
        name[len] = 0;
        record = json_get_nocase(record, name);
        path = dot + 1;
    }
    return json_get_nocase(record, path);
}

/* Writes `wanted` paths of a record as nested objects, attributes left out. */
static void member_write(struct jw *w, const struct json *from, const char *prefix,
                         const struct crm_lookup *lookup)
{
    jw_object(w);
    json_each(member, from) {
        struct buf path = BUF_INIT;
        buf_printf(&path, "%s%s", prefix, member->key);
        bool whole = listed(lookup->return_fields, lookup->return_count, buf_text(&path)) ||
                     (!*prefix && (text_eq(member->key, "Id") ||
                                   (lookup->all_rows && text_eq(member->key, "IsDeleted"))));
        bool parent = false;
        buf_char(&path, '.');
        for (size_t i = 0; !whole && i < lookup->return_count; i++)
            parent =
                parent || strncasecmp(lookup->return_fields[i], buf_text(&path), path.len) == 0;
        if (whole || (parent && !json_is(member, JSON_OBJECT))) {
            jw_key(w, member->key);
            jw_value(w, member);
        } else if (parent) {
            jw_key(w, member->key);
            member_write(w, member, buf_text(&path), lookup);
        }
        buf_free(&path);
    }
    jw_end_object(w);
}

static const char *record_text(struct work *work, const struct json *from)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    member_write(&w, from, "", work->lookup);
    const char *out = arena_strndup(work->arena, text.data, text.len);
    buf_free(&text);
    return out;
}

static void match_add(struct work *work, struct key *key, const struct json *from, const char *id)
{
    struct crm_match *match = arena_alloc(work->arena, sizeof *match);
    match->id = arena_strdup(work->arena, id);
    match->record = record_text(work, from);
    match->deleted = json_get_bool(from, "IsDeleted", false);
    if (key->last)
        key->last->next = match;
    else
        key->first = match;
    key->last = match;
}

static struct value member_value(const struct json *from)
{
    if (json_is(from, JSON_TRUE))
        return (struct value){"true", 4};
    if (json_is(from, JSON_FALSE))
        return (struct value){"false", 5};
    return json_text(from) ? (struct value){from->text, from->len} : VALUE_NULL;
}

static bool loosely(struct work *work, const struct key *key, const struct value *values)
{
    for (size_t i = 0; i < work->lookup->match_count; i++) {
        if (normal_of(work, i) != CRM_AS_IS)
            return false;
        const char *a = sf_fold_loose(work->scratch, key->values[i].text, key->values[i].len);
        const char *b =
            sf_fold_loose(work->scratch, values[i].text ? values[i].text : "", values[i].len);
        if (work->lookup->contains ? !strstr(b, a) : strcmp(a, b) != 0)
            return false;
    }
    return true;
}

/* Gives a record to every key it matches. */
static enum status record_place(struct work *work, const struct json *from, size_t query,
                                struct err *err)
{
    const struct crm_lookup *lookup = work->lookup;
    const char *id = sf_id_dup(work->scratch, json_get_text(from, "Id"));
    struct value *values = arena_array(work->scratch, lookup->match_count, sizeof *values);
    const char **parts = arena_array(work->scratch, lookup->match_count, sizeof *parts);
    bool whole = true, placed = false, wider = false;

    if (!id)
        return err_set(err, ERR_CRM_UNREACHABLE, "a record came without its id");
    for (size_t i = 0; i < lookup->match_count; i++) {
        values[i] = member_value(member_at(from, lookup->match_fields[i]));
        parts[i] = part_of(work, i, values[i]);
        whole = whole && parts[i];
        wider = wider || normal_of(work, i) != CRM_AS_IS;
    }
    if (!lookup->contains) {
        struct key *key = whole ? map_get(work->by_text, joined(work, parts)) : NULL;
        if (key) {
            match_add(work, key, from, id);
            return OK;
        }
    } else {
        for (size_t k = 0; k < work->keys.len; k++) {
            struct key *key = work->keys.at[k];
            bool all = key->query == query;
            for (size_t i = 0; all && i < lookup->match_count; i++)
                all = parts[i] && strstr(parts[i], key->parts[i]) != NULL;
            if (all) {
                match_add(work, key, from, id);
                placed = true;
            }
        }
    }
    for (size_t k = 0; !placed && k < work->keys.len; k++)
        if (work->keys.at[k]->query == query && loosely(work, work->keys.at[k], values)) {
            match_add(work, work->keys.at[k], from, id);
            placed = true;
        }
    if (placed || wider) /* a wider question brings records that are not meant */
        return OK;
    err_set(err, ERR_CRM_REFUSED,
            "Salesforce says that %s %s matches, but none of the keys asked for does",
            work->object->name, id);
    err_cause(err, "Its %s compares equal in Salesforce in a way that Argil does not know.",
              lookup->match_fields[0]);
    err_hint(err, "Nothing was written. Look at the record, and at rows with a similar value.");
    return FAIL;
}

static enum status rows_place(struct work *work, const struct sf_rows *rows, size_t query,
                              struct err *err)
{
    json_each(record, rows->records)
        if (record_place(work, record, query, err) != OK)
            return FAIL;
    return OK;
}

/* One call's worth of queries, and what further pages they have. */
static enum status group_run(struct work *work, struct sf_query *parts, size_t *of, size_t count,
                             struct err *err)
{
    struct sf_rows rows[SF_PARTS_PER_CALL];
    while (count > 0) {
        size_t left = 0;
        if (sf_query_many(work->sf, parts, count, work->object->name, work->scratch, rows, err) !=
            OK)
            return FAIL;
        for (size_t i = 0; i < count; i++) {
            if (rows_place(work, &rows[i], of[i], err) != OK)
                return FAIL;
            if (!rows[i].locator)
                continue;
            of[left] = of[i];
            parts[left++] = (struct sf_query){.locator = rows[i].locator};
        }
        count = left;
    }
    return OK;
}

/* What takes more than one call is asked for with several under way; had[i]: it came at once. */
static enum status ask_ahead(struct work *work, struct sf_query *queries, struct sf_rows *rows,
                             bool *had, struct err *err)
{
    size_t count = work->queries.len;
    if (count <= SF_PARTS_PER_CALL)
        return OK;
    return sf_query_ahead(work->sf, queries, count, work->object->name, work->scratch, rows, had,
                          err);
}

static enum status queries_run(struct work *work, struct err *err)
{
    size_t count = work->queries.len;
    struct sf_query *queries = arena_array(work->scratch, count + 1, sizeof *queries);
    struct sf_rows *rows = arena_array(work->scratch, count + 1, sizeof *rows);
    bool *had = arena_array(work->scratch, count + 1, sizeof *had);
    for (size_t i = 0; i < count; i++)
        queries[i] =
            (struct sf_query){.soql = work->queries.at[i], .all_rows = work->lookup->all_rows};
    if (ask_ahead(work, queries, rows, had, err) != OK)
        return FAIL;
    for (size_t at = 0; at < count; at += SF_PARTS_PER_CALL) {
        struct sf_query parts[SF_PARTS_PER_CALL];
        size_t of[SF_PARTS_PER_CALL], left = 0;
        for (size_t i = at; i < count && i < at + SF_PARTS_PER_CALL; i++) {
            if (had[i] && rows_place(work, &rows[i], i, err) != OK)
                return FAIL;
            if (had[i] && !rows[i].locator)
                continue;
            of[left] = i;
            parts[left++] = had[i] ? (struct sf_query){.locator = rows[i].locator} : queries[i];
        }
        if (group_run(work, parts, of, left, err) != OK)
            return FAIL;
    }
    return OK;
}

/* ------------------------------------------------------------------ door */

static enum status fields_check(struct work *work, struct err *err)
{
    const struct crm_lookup *lookup = work->lookup;
    if (lookup->match_count == 0)
        return err_set(err, ERR_INVALID, "a look-up needs a field to match");
    for (size_t i = 0; i < lookup->return_count; i++) {
        if (soql_name(lookup->return_fields[i], err) != OK)
            return FAIL;
        if (!strchr(lookup->return_fields[i], '.') &&
            !crm_object_field(work->object, lookup->return_fields[i])) {
            sf_field_missing(work->sf, work->object, lookup->return_fields[i], err);
            return FAIL;
        }
    }
    for (size_t i = 0; i < lookup->match_count; i++) {
        const char *name = lookup->match_fields[i];
        if (soql_name(name, err) != OK)
            return FAIL;
        work->fields[i] = sf_field_at(work->sf, work->object, name, err);
        if (!work->fields[i])
            return FAIL;
        bool text = sf_field_kind(work->fields[i]) == SF_TEXT;
        bool like = is_wider(work, i) || normal_of(work, i) != CRM_AS_IS;
        if (work->fields[i]->filterable && (text || !like))
            continue;
        err_set(err, ERR_INVALID, "%s.%s cannot be %s", work->object->name, name,
                work->fields[i]->filterable ? "searched for a part of its value" : "searched");
        err_cause(err, "Salesforce does not filter on fields of type %s%s.", work->fields[i]->type,
                  work->fields[i]->filterable ? " by parts of their text" : "");
        err_hint(err, "Match on another field, such as an e-mail, a name or an External ID.");
        return FAIL;
    }
    return lookup->and_where ? soql_condition(lookup->and_where, err) : OK;
}

enum status sf_lookup(struct crm_session *session, const struct crm_lookup *lookup,
                      struct arena *arena, struct crm_match **results, struct err *err)
{
    struct err local = {0};
    struct work work = {.sf = sf_of(session),
                        .lookup = lookup,
                        .arena = arena,
                        .scratch = arena_new(),
                        .by_text = map_new()};
    struct key **of_row = arena_array(work.scratch, lookup->row_count + 1, sizeof *of_row);
    enum status rc = FAIL;

    err = err ? err : &local;
    for (size_t i = 0; i < lookup->row_count; i++)
        results[i] = NULL;
    work.fields = arena_array(work.scratch, lookup->match_count + 1, sizeof *work.fields);
    work.object = sf_describe(session, lookup->object, err);
    if (!work.object || fields_check(&work, err) != OK)
        goto done;
    keys_gather(&work, of_row);
    head_build(&work);
    if (queries_pack(&work, err) != OK || queries_run(&work, err) != OK)
        goto done;
    work.sf->crm.calls_one_each += lookup->row_count;
    for (size_t i = 0; i < lookup->row_count; i++)
        results[i] = of_row[i] ? of_row[i]->first : NULL;
    rc = OK;
done:
    if (rc != OK)
        err_wrap(err, "looking up %s", lookup->object);
    vec_free(&work.keys);
    vec_free(&work.queries);
    map_free(work.by_text);
    arena_free(work.scratch);
    return rc;
}
