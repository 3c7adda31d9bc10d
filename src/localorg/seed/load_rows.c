/* load_rows.c - writing rows so that every reference finds its record.
 *
 * Objects go in an order in which those that need others come after them. A
 * reference to a row that is not written yet is left empty and filled by an
 * update once all rows are in: that is how circles and self-references close.
 * Old 15 or 18 character ids are kept where they fit the object's prefix, so
 * what an outside tool remembers stays true. */
#include "localorg/seed/load_priv.h"

#include "base/json.h"
#include "base/when.h"
#include "localorg/org/dml.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 1000

enum goes { /* where a key of the file goes */
            GO_FIELD,
            GO_PARENT, /* {"Owner": {"Email": ..}}: resolved by DML through a key field */
            GO_NESTED, /* child records, rows of their own */
            GO_NOWHERE,
};

struct column {
    enum goes goes;
    const struct field *field;
    const char *name;      /* the key DML wants */
    const char *key_field; /* GO_PARENT from "Owner.Email": the field of the parent */
    const char *why;       /* GO_NOWHERE */
};

struct deferred {
    struct load_row *row, *target;
    const struct field *field;
};

struct writing {
    struct loader *l;
    const char *user;
    struct arena *chunk; /* bodies of the rows at hand */
    struct map *exists;  /* ids looked up in the org: "+" or "-" */
    VEC(struct deferred) later;
};

void load_columns_free(struct bucket *bucket)
{
    const char *key;
    void *value;
    if (!bucket->columns)
        return;
    for (size_t at = 0; map_next(bucket->columns, &at, &key, &value);)
        free(value);
    map_free(bucket->columns);
    bucket->columns = NULL;
}

/* --- columns --- */

static bool is_id_key(const char *key)
{
    return text_eq_nocase(key, "Id") || text_eq_nocase(key, "sf_id") ||
           text_eq_nocase(key, "salesforce_id");
}

/* "Account.Key__c", "Owner:Email": the parent by one of its key fields. */
static bool dotted_column(struct loader *l, const struct sobject *object, const char *key,
                          struct column *column)
{
    size_t len = strcspn(key, ".:");
    if (!key[len])
        return false;
    const struct field *field = sobject_parent(object, key, len);
    if (!field || !field->reference_count)
        return false;
    const struct sobject *parent =
        schema_find(org_schema(l->org), field->reference_to[field->reference_count - 1]);
    const struct field *by = parent ? load_field(parent, key + len + 1) : NULL;
    if (!by || !(by->external_id || by->id_lookup))
        return false;
    column->goes = GO_PARENT;
    column->field = field;
    column->name = arena_strndup(l->arena, key, len);
    column->key_field = by->name;
    return true;
}

static void column_find(struct loader *l, const struct bucket *bucket, const struct json *member,
                        struct column *column)
{
    const struct sobject *object = bucket->object;
    const char *key = member->key;
    const struct field *field = load_field(object, key);
    column->goes = GO_NOWHERE;
    if (text_eq(key, "attributes") || is_id_key(key)) {
        column->why = NULL;
    } else if (json_get(member, "records")) {
        column->goes = GO_NESTED;
    } else if (field && field->stored) {
        column->goes = GO_FIELD;
        column->field = field;
        column->name = field->name;
    } else if (field) {
        column->why = "compound fields, whose parts are loaded where the file has them";
    } else if (member->type == JSON_OBJECT && sobject_parent(object, key, strlen(key))) {
        column->goes = GO_PARENT;
        column->field = sobject_parent(object, key, strlen(key));
        column->name = column->field->relationship_name;
    } else if (!dotted_column(l, object, key, column)) {
        column->why = "the object has no such fields";
    }
}

static struct column *column_of(struct loader *l, struct load_row *row, const struct json *member)
{
    struct bucket *bucket = row->bucket;
    if (!bucket->columns)
        bucket->columns = map_new();
    struct column *column = map_get(bucket->columns, member->key);
    /* {"Parent": null} says nothing of what "Parent" is */
    if (column && !(column->why && member->type == JSON_OBJECT))
        return column;
    if (!column) {
        column = mem_alloc(sizeof *column);
        map_put(bucket->columns, member->key, column);
    }
    column_find(l, bucket, member, column);
    if (column->goes == GO_NOWHERE && column->why && member->type != JSON_NULL)
        l->report->columns_skipped++;
    return column;
}

/* --- values --- */

static struct json *text_node(struct arena *arena, const char *key, const char *text)
{
    struct json *node = arena_alloc(arena, sizeof *node);
    *node = (struct json){.type = JSON_STRING,
                          .len = (uint32_t)strlen(text),
                          .text = text,
                          .key = key,
                          .key_len = (uint32_t)strlen(key)};
    return node;
}

static void add_member(struct json *body, struct json *node)
{
    struct json **next = &body->first;
    while (*next)
        next = &(*next)->next;
    *next = node;
    body->len++;
}

/* The forms dates have in exports, as DML wants them; the text itself if it is none. */
static const char *iso_date(struct arena *arena, const char *text)
{
    int a, b, c;
    struct date date;
    if (strlen(text) > 10 && (text[10] == ' ' || text[10] == 'T')) {
        char *day = arena_strndup(arena, text, 10);
        if (date_parse(day, &date))
            return day;
    }
    if (sscanf(text, "%2d/%2d/%4d", &a, &b, &c) == 3 && c > 1000)
        return arena_printf(arena, "%04d-%02d-%02d", c, a, b);
    return text;
}

static const char *iso_datetime(struct arena *arena, const char *text)
{
    size_t len = strlen(text);
    if (len >= 19 && text[10] == ' ') { /* 2019-11-11 17:23:34 */
        char *copy = arena_printf(arena, "%sZ", text);
        copy[10] = 'T';
        return copy;
    }
    if (len > 5 && (text[len - 5] == '+' || text[len - 5] == '-') && strchr(text, 'T'))
        return arena_printf(arena, "%.*s:%s", (int)len - 2, text, text + len - 2); /* +0000 */
    if (len == 19 && text[10] == 'T')
        return arena_printf(arena, "%sZ", text);
    return text;
}

static struct json *converted(struct arena *arena, const struct field *field, const char *text)
{
    struct json *node = text_node(arena, field->name, text);
    if (field->type == FT_BOOLEAN) {
        bool yes = text_eq_nocase(text, "true") || text_eq(text, "1") ||
                   text_eq_nocase(text, "yes") || text_eq_nocase(text, "t");
        bool no = text_eq_nocase(text, "false") || text_eq(text, "0") ||
                  text_eq_nocase(text, "no") || text_eq_nocase(text, "f");
        node->type = yes ? JSON_TRUE : no ? JSON_FALSE : JSON_STRING;
    } else if (field->type == FT_DATE) {
        node = text_node(arena, field->name, iso_date(arena, text));
    } else if (field->type == FT_DATETIME) {
        node = text_node(arena, field->name, iso_datetime(arena, text));
    }
    return node;
}

/* --- references --- */

static bool in_org(struct writing *w, const char *id)
{
    const char *known = map_get(w->exists, id);
    if (known)
        return *known == '+';
    const struct sobject *object = schema_by_prefix(org_schema(w->l->org), id);
    struct org_user user;
    bool found = object && text_eq(object->name, "User") && org_user_by_id(w->l->org, id, &user);
    if (object && !found) {
        sqlite3 *db = org_reader_take(w->l->org);
        sqlite3_stmt *get = NULL;
        char *sql = mem_printf("SELECT 1 FROM \"%s\" WHERE Id = ?", object->name);
        if (sqlite3_prepare_v2(db, sql, -1, &get, NULL) == SQLITE_OK) {
            sqlite3_bind_text(get, 1, id, -1, SQLITE_STATIC);
            found = sqlite3_step(get) == SQLITE_ROW;
        }
        sqlite3_finalize(get);
        free(sql);
        org_reader_give(w->l->org, db);
    }
    map_put(w->exists, id, found ? "+" : "-");
    return found;
}

static struct load_row *row_by_id(struct writing *w, const struct load_row *row,
                                  const struct field *field, const char *text)
{
    char id[19];
    if (id_canonical(text, id))
        return map_get(w->l->by_id, id);
    for (size_t i = 0; i < field->reference_count; i++) {
        const char *key = load_id_key(w->l, row->folder, field->reference_to[i], text);
        struct load_row *target = key ? map_get(w->l->by_id, key) : NULL;
        if (target)
            return target;
    }
    return NULL;
}

/* Puts a reference to another row into the body, or off until that row is in. */
static void refer_to_row(struct writing *w, struct load_row *row, const struct field *field,
                         struct load_row *target, struct json *body)
{
    if (*target->id)
        add_member(body, text_node(w->chunk, field->name, arena_strdup(w->chunk, target->id)));
    else
        vec_push(&w->later, ((struct deferred){row, target, field}));
}

/* False when the row cannot be loaded: it names a reference nobody has. */
static bool add_reference(struct writing *w, struct load_row *row, const struct field *field,
                          const char *text, struct json *body)
{
    struct loader *l = w->l;
    char id[19];
    const char *type = id_canonical(text, id) ? map_get(l->record_types, id) : NULL;
    struct load_row *target =
        *text == '@' ? load_find_ref(l, row, text + 1) : row_by_id(w, row, field, text);
    if (*text == '@' && !target) {
        load_refuse(l, row, arena_printf(w->chunk, "ref|%s", field->name),
                    arena_printf(l->arena, "%s names %s, which no file has", field->name, text));
        return false;
    }
    if (type)
        add_member(body, text_node(w->chunk, field->name, type));
    else if (target)
        refer_to_row(w, row, field, target, body);
    else if (id_canonical(text, id) && in_org(w, id))
        add_member(body, text_node(w->chunk, field->name, arena_strdup(w->chunk, id)));
    else
        load_note(l, row->file, 1,
                  "%s.%s %s: it names a record that is neither in the files nor in"
                  " the org",
                  row->bucket->name, field->name,
                  field->defaulted_on_create ? "put down to the loading user" : "left empty");
    return true;
}

/* {"RecordType": {"Name": "food"}} and the like: the one value that names the parent. */
static const struct json *parent_key(const struct json *parent)
{
    const struct json *only = NULL;
    json_each(member, parent) {
        if (text_eq(member->key, "attributes") || !json_text(member))
            continue;
        if (only)
            return NULL;
        only = member;
    }
    return only;
}

static const char *record_type_named(const struct sobject *object, const char *name)
{
    for (size_t i = 0; i < object->record_type_count; i++)
        if (text_eq_nocase(object->record_types[i].name, name) ||
            text_eq_nocase(object->record_types[i].developer_name, name))
            return object->record_types[i].id18;
    return NULL;
}

static void skip_parent(struct writing *w, struct load_row *row, const struct column *column)
{
    load_note(w->l, row->file, 1, "%s.%s left empty: no key field tells which record is meant",
              row->bucket->name, column->field->name);
}

static bool key_field_of(struct loader *l, const struct field *field, const char *name)
{
    for (size_t i = 0; i < field->reference_count; i++) {
        const struct sobject *object = schema_find(org_schema(l->org), field->reference_to[i]);
        const struct field *key = object ? sobject_field(object, name) : NULL;
        if (key && (key->external_id || key->id_lookup) && key->type != FT_ID)
            return true;
    }
    return false;
}

static bool add_parent(struct writing *w, struct load_row *row, const struct column *column,
                       const struct json *member, struct json *body)
{
    const char *id = json_text(json_get_nocase(member, "Id"));
    if (id)
        return add_reference(w, row, column->field, id, body);
    const struct json *key = column->key_field ? member : parent_key(member);
    if (key && text_eq(column->field->name, "RecordTypeId")) {
        const char *type = record_type_named(row->bucket->object, json_text(key));
        if (type)
            add_member(body, text_node(w->chunk, "RecordTypeId", type));
        else
            load_note(w->l, row->file, 1, "%s has no record type %s: left empty", row->bucket->name,
                      json_text(key));
        return true;
    }
    const char *key_name = column->key_field ? column->key_field : key ? key->key : NULL;
    if (!key || !key_field_of(w->l, column->field, key_name)) {
        skip_parent(w, row, column);
        return true;
    }
    struct json *parent = arena_alloc(w->chunk, sizeof *parent);
    *parent = (struct json){
        .type = JSON_OBJECT, .key = column->name, .key_len = (uint32_t)strlen(column->name)};
    add_member(parent, text_node(w->chunk, key_name, json_text(key)));
    add_member(body, parent);
    return true;
}

/* --- one row --- */

static bool add_field(struct writing *w, struct load_row *row, const struct field *field,
                      const struct json *member, struct json *body)
{
    if (member->type == JSON_NULL)
        return true;
    if (text_eq(field->name, "IsDeleted")) {
        row->deleted = member->type == JSON_TRUE || text_eq_nocase(json_text(member), "true");
        return true;
    }
    const char *text = json_text(member);
    if (field->type == FT_REFERENCE && text)
        return !*text || add_reference(w, row, field, text, body);
    struct json *node;
    if (member->type == JSON_STRING) {
        node = converted(w->chunk, field, text);
    } else {
        node = arena_alloc(w->chunk, sizeof *node);
        *node = *member;
        node->key = field->name;
        node->key_len = (uint32_t)strlen(field->name);
        node->next = NULL;
    }
    add_member(body, node);
    return true;
}

static bool add_key(struct writing *w, struct load_row *row, const struct json *member,
                    struct json *body)
{
    const struct column *column = column_of(w->l, row, member);
    switch (column->goes) {
    case GO_FIELD:
        return add_field(w, row, column->field, member, body);
    case GO_PARENT:
        return member->type == JSON_NULL || add_parent(w, row, column, member, body);
    case GO_NESTED:
        return true;
    case GO_NOWHERE:
        if (column->why && member->type != JSON_NULL)
            load_skip(w->l, row, member->key, column->why);
        return true;
    }
    return true;
}

/* The lookup through which a nested record hangs on its parent. */
static const struct field *parent_field(const struct load_row *row)
{
    const struct sobject *parent = row->parent->bucket->object;
    const struct child_relationship *child =
        parent ? sobject_child(parent, row->relationship, strlen(row->relationship)) : NULL;
    return child ? sobject_field(row->bucket->object, child->field) : NULL;
}

/* An old id that can stay: it has the object's prefix and nobody has it. */
static void add_old_id(struct writing *w, struct load_row *row, struct json *body)
{
    const char *prefix = row->bucket->object->key_prefix;
    json_each(member, row->body) {
        char id[19];
        if (!is_id_key(member->key) || !json_text(member) || !id_canonical(json_text(member), id) ||
            !prefix || memcmp(id, prefix, 3) != 0)
            continue;
        add_member(body, text_node(w->chunk, "Id", arena_strdup(w->chunk, id)));
        return;
    }
}

/* The body DML gets, or NULL when the row is refused. */
static struct json *row_body(struct writing *w, struct load_row *row)
{
    struct json *body = arena_alloc(w->chunk, sizeof *body);
    body->type = JSON_OBJECT;
    add_old_id(w, row, body);
    if (row->parent) {
        const struct field *field = parent_field(row);
        if (!field || row->parent->refused) {
            const char *why = field ? "its parent record was refused"
                                    : "the parent object has no such child relationship";
            load_refuse(w->l, row, why,
                        arena_printf(w->l->arena, "nested under %s: %s", row->relationship, why));
            return NULL;
        }
        refer_to_row(w, row, field, row->parent, body);
    }
    json_each(member, row->body) {
        if (!add_key(w, row, member, body))
            return NULL;
    }
    return body;
}

/* --- DML --- */

static const char *result_text(struct arena *arena, const struct dml_result *result,
                               const char **key)
{
    const struct dml_error *error = result->errors;
    if (!error) {
        *key = "unknown";
        return "refused without a reason";
    }
    struct buf fields = BUF_INIT;
    for (size_t i = 0; i < error->field_count; i++)
        buf_printf(&fields, "|%s", error->fields[i]);
    *key = arena_printf(arena, "%s%s", error->status_code, buf_text(&fields));
    buf_free(&fields);
    return arena_printf(arena, "%s: %s", error->status_code, error->message);
}

static enum status run_dml(struct writing *w, enum dml_kind kind, const struct dml_row *rows,
                           struct load_row *const *from, size_t count, struct err *err)
{
    struct dml_options options = {.user_id = w->user, .system = true, .api_version = 60.0};
    struct dml_result *results = arena_array(w->chunk, count + 1, sizeof *results);
    if (org_dml(w->l->org, kind, &options, rows, count, results, w->chunk, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++) {
        struct load_row *row = from[i];
        if (results[i].success && kind == DML_INSERT) {
            memcpy(row->id, results[i].id, sizeof row->id);
            row->done = true;
            row->bucket->loaded++;
        } else if (!results[i].success && kind == DML_INSERT) {
            const char *key, *text = result_text(w->chunk, &results[i], &key);
            load_refuse(w->l, row, key, text);
        } else if (!results[i].success) {
            const char *key, *text = result_text(w->chunk, &results[i], &key);
            load_note(w->l, row->file, 1, "%s loaded, but not %s: %s", row->bucket->name,
                      kind == DML_DELETE ? "moved to the recycle bin" : "its later references",
                      text);
        }
    }
    return OK;
}

/* An org has one Organization row: a loaded one says what is in it. */
static enum status write_organization(struct writing *w, struct bucket *bucket, struct err *err)
{
    enum status rc = OK;
    for (size_t i = 0; i < bucket->rows.len && rc == OK; i++) {
        struct load_row *row = bucket->rows.at[i];
        struct json *body = row_body(w, row);
        if (!body)
            continue;
        while (body->first && text_eq(body->first->key, "Id"))
            body->first = body->first->next;
        memcpy(row->id, org_id18(w->l->org), sizeof row->id);
        struct dml_row target = {.object = bucket->object, .body = body, .id = row->id};
        rc = run_dml(w, DML_UPDATE, &target, &row, 1, err);
        row->done = true;
        bucket->loaded++;
        load_note(w->l, row->file, 1, "Organization: the org's own row took what the file says");
        arena_reset(w->chunk);
    }
    return rc;
}

static enum status write_chunk(struct writing *w, struct bucket *bucket, size_t at, size_t count,
                               struct err *err)
{
    struct dml_row *rows = arena_array(w->chunk, count + 1, sizeof *rows);
    struct load_row **from = arena_array(w->chunk, count + 1, sizeof *from);
    size_t n = 0;
    for (size_t i = at; i < at + count; i++) {
        struct json *body = row_body(w, bucket->rows.at[i]);
        if (!body)
            continue;
        rows[n] = (struct dml_row){.object = bucket->object, .body = body};
        from[n++] = bucket->rows.at[i];
    }
    enum status rc = n ? run_dml(w, DML_INSERT, rows, from, n, err) : OK;
    arena_reset(w->chunk);
    return rc;
}

static enum status write_bucket(struct writing *w, struct bucket *bucket, struct err *err)
{
    bucket->written = true;
    if (text_eq(bucket->name, "Organization"))
        return write_organization(w, bucket, err);
    for (size_t at = 0; at < bucket->rows.len; at += CHUNK) {
        size_t count = bucket->rows.len - at < CHUNK ? bucket->rows.len - at : CHUNK;
        if (write_chunk(w, bucket, at, count, err) != OK)
            return FAIL;
        if (bucket->rows.len > CHUNK && (at / CHUNK) % 10 == 9)
            load_say(w->l, "%s: %zu of %zu", bucket->name, at + count, bucket->rows.len);
    }
    if (bucket->rows.len)
        load_say(w->l, "%s: %llu loaded, %llu refused", bucket->name,
                 (unsigned long long)bucket->loaded, (unsigned long long)bucket->refused);
    return OK;
}

/* --- the order of objects --- */

/* How a bucket depends on others that are not written yet: hard where a row
 * cannot come without, soft where an update can fill it in. */
static void count_needs(struct loader *l, const struct bucket *bucket, size_t *hard, size_t *soft)
{
    *hard = *soft = 0;
    for (size_t i = 0; i < bucket->object->field_count; i++) {
        const struct field *field = bucket->object->fields[i];
        for (size_t t = 0; t < field->reference_count; t++) {
            struct bucket *other = map_get(l->bucket_by_name, field->reference_to[t]);
            if (!other || other == bucket || other->written || !other->object)
                continue;
            bool required = !field->nillable && !field->defaulted_on_create;
            if (required || (field->createable && !field->updateable))
                (*hard)++;
            else
                (*soft)++;
        }
    }
}

static struct bucket *next_bucket(struct loader *l)
{
    struct bucket *best = NULL;
    size_t best_hard = 0, best_soft = 0;
    for (size_t i = 0; i < l->buckets.len; i++) {
        struct bucket *bucket = l->buckets.at[i];
        size_t hard, soft;
        if (bucket->written || !bucket->object)
            continue;
        count_needs(l, bucket, &hard, &soft);
        if (!best || hard < best_hard || (hard == best_hard && soft < best_soft)) {
            best = bucket;
            best_hard = hard;
            best_soft = soft;
        }
    }
    return best;
}

static void refuse_unknown(struct loader *l)
{
    for (size_t i = 0; i < l->buckets.len; i++) {
        struct bucket *bucket = l->buckets.at[i];
        for (size_t r = 0; !bucket->object && r < bucket->rows.len; r++)
            load_refuse(l, bucket->rows.at[r], "unknown object",
                        "no such object in this org: load its describe first");
    }
}

/* --- what had to wait --- */

static enum status write_later(struct writing *w, struct err *err)
{
    size_t done = 0;
    while (done < w->later.len) {
        struct dml_row *rows = arena_array(w->chunk, CHUNK + 1, sizeof *rows);
        struct load_row **from = arena_array(w->chunk, CHUNK + 1, sizeof *from);
        size_t n = 0;
        for (; done < w->later.len && n < CHUNK; done++) {
            const struct deferred *d = &w->later.at[done];
            if (!d->row->done)
                continue; /* refused itself */
            if (!d->target->done) {
                load_note(w->l, d->row->file, 1, "%s.%s left empty: the %s it names was refused",
                          d->row->bucket->name, d->field->name, d->target->bucket->name);
                continue;
            }
            struct json *body = arena_alloc(w->chunk, sizeof *body);
            body->type = JSON_OBJECT;
            add_member(body, text_node(w->chunk, d->field->name, d->target->id));
            rows[n] =
                (struct dml_row){.object = d->row->bucket->object, .body = body, .id = d->row->id};
            from[n++] = d->row;
        }
        if (n && run_dml(w, DML_UPDATE, rows, from, n, err) != OK)
            return FAIL;
        arena_reset(w->chunk);
    }
    return OK;
}

static enum status delete_deleted(struct writing *w, struct err *err)
{
    for (size_t b = 0; b < w->l->buckets.len; b++) {
        struct bucket *bucket = w->l->buckets.at[b];
        for (size_t i = 0; i < bucket->rows.len; i++) {
            struct load_row *row = bucket->rows.at[i];
            if (!row->deleted || !row->done)
                continue;
            struct dml_row target = {.object = bucket->object, .id = row->id};
            if (run_dml(w, DML_DELETE, &target, &row, 1, err) != OK)
                return FAIL;
            arena_reset(w->chunk);
        }
    }
    return OK;
}

enum status load_rows(struct loader *l, struct err *err)
{
    struct writing w = {.l = l, .chunk = arena_new(), .exists = map_new()};
    enum status rc = OK;
    refuse_unknown(l);
    for (struct bucket *bucket; rc == OK && (bucket = next_bucket(l));)
        rc = write_bucket(&w, bucket, err);
    if (rc == OK)
        rc = write_later(&w, err);
    if (rc == OK)
        rc = delete_deleted(&w, err);
    vec_free(&w.later);
    map_free(w.exists);
    arena_free(w.chunk);
    return rc;
}
