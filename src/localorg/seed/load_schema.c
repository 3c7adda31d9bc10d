/* load_schema.c - making the org fit for what is loaded.
 *
 * A describe wins over what the org has: its attributes replace ours field by
 * field, what it does not mention stays. So an old describe with fewer
 * attributes loses nothing, and a real org's picklists and custom fields
 * arrive. Without a describe, custom objects and fields are guessed from their
 * values, and the report says so. */
#include "localorg/seed/load_priv.h"

#include "base/json.h"
#include "base/when.h"
#include "localorg/org/describe.h"
#include "localorg/seed/seed.h"
#include "localorg/seed/sheet.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* --- names --- */

/* "billing_city" as "billingcity"; "score_c" as "score__c" when it is custom. */
static bool same_without_underscores(const char *name, const char *key)
{
    while (*name && *key) {
        if (*key == '_' || *name == '_') {
            name += *name == '_';
            key += *key == '_';
            continue;
        }
        if (tolower((unsigned char)*name) != tolower((unsigned char)*key))
            return false;
        name++;
        key++;
    }
    return !*name && !*key;
}

const struct field *load_field(const struct sobject *object, const char *key)
{
    const struct field *field = sobject_field(object, key);
    if (field || !strchr(key, '_'))
        return field;
    for (size_t i = 0; i < object->field_count; i++)
        if (same_without_underscores(object->fields[i]->name, key))
            return object->fields[i];
    return NULL;
}

/* --- describes --- */

/* `ours` with every member of `theirs` in its place; an object of JSON text. */
static void write_overlaid(struct jw *w, const struct json *ours, const struct json *theirs,
                           const char *const *skip, size_t skip_count)
{
    jw_object(w);
    json_each(member, ours) {
        const struct json *other = json_get(theirs, member->key);
        bool apart = false;
        for (size_t i = 0; i < skip_count; i++)
            apart |= text_eq(skip[i], member->key);
        if (apart)
            continue;
        jw_key(w, member->key);
        jw_value(w, other ? other : member);
    }
    json_each(member, theirs) {
        bool apart = json_get(ours, member->key) != NULL;
        for (size_t i = 0; i < skip_count; i++)
            apart |= text_eq(skip[i], member->key);
        if (apart)
            continue;
        jw_key(w, member->key);
        jw_value(w, member);
    }
    if (!skip_count)
        jw_end_object(w);
}

static const struct json *named(const struct json *list, const char *name)
{
    json_each(item, list) {
        if (text_eq_nocase(json_get_text(item, "name"), name))
            return item;
    }
    return NULL;
}

static void write_merged_fields(struct loader *l, struct jw *w, const struct json *ours,
                                const struct json *theirs)
{
    jw_key(w, "fields");
    jw_array(w);
    json_each(field, json_get(ours, "fields")) {
        const struct json *other = named(json_get(theirs, "fields"), json_get_text(field, "name"));
        if (other)
            write_overlaid(w, field, other, NULL, 0);
        else
            jw_value(w, field);
    }
    json_each(field, json_get(theirs, "fields")) {
        if (named(json_get(ours, "fields"), json_get_text(field, "name")))
            continue;
        jw_value(w, field);
        l->report->fields_added++;
    }
    jw_end_array(w);
}

static bool child_listed(const struct json *list, const struct json *child)
{
    json_each(item, list) {
        if (text_eq(json_get_text(item, "childSObject"), json_get_text(child, "childSObject")) &&
            text_eq(json_get_text(item, "field"), json_get_text(child, "field")))
            return true;
    }
    return false;
}

static void write_merged_children(struct jw *w, const struct json *ours, const struct json *theirs)
{
    jw_key(w, "childRelationships");
    jw_array(w);
    const struct json *list = json_get(theirs, "childRelationships");
    json_each(child, list) {
        jw_value(w, child);
    }
    json_each(child, json_get(ours, "childRelationships")) {
        if (!child_listed(list, child))
            jw_value(w, child);
    }
    jw_end_array(w);
}

static const struct json *parse(struct loader *l, struct buf *text, struct err *err)
{
    const struct json *json = json_parse(l->arena, buf_text(text), text->len, err);
    buf_free(text);
    return json;
}

static const struct json *our_describe(struct loader *l, const struct sobject *object,
                                       struct err *err)
{
    struct buf text = BUF_INIT;
    struct jw w;
    struct describe_options options = {.version = "60.0"};
    jw_init(&w, &text);
    schema_describe_json(&w, object, &options);
    return parse(l, &text, err);
}

static const struct json *merge(struct loader *l, const struct sobject *object,
                                const struct json *theirs, struct err *err)
{
    static const char *const apart[] = {"fields", "childRelationships"};
    const struct json *ours = our_describe(l, object, err);
    struct buf text = BUF_INIT;
    struct jw w;
    if (!ours)
        return NULL;
    jw_init(&w, &text);
    write_overlaid(&w, ours, theirs, apart, 2);
    write_merged_fields(l, &w, ours, theirs);
    write_merged_children(&w, ours, theirs);
    jw_end_object(&w);
    return parse(l, &text, err);
}

static size_t children_of(const struct json *list)
{
    size_t count = 0;
    json_each(item, list) {
        (void)item;
        count++;
    }
    return count;
}

static enum status put_record_type_row(struct loader *l, const struct sobject *object,
                                       const char *name, const char *developer_name, char id[19],
                                       struct err *err);

static bool in_record_type_table(struct loader *l, const char *id)
{
    sqlite3 *db = org_reader_take(l->org);
    sqlite3_stmt *get = NULL;
    bool found = false;
    if (sqlite3_prepare_v2(db, "SELECT 1 FROM RecordType WHERE Id = ?", -1, &get, NULL) ==
        SQLITE_OK) {
        sqlite3_bind_text(get, 1, id, -1, SQLITE_STATIC);
        found = sqlite3_step(get) == SQLITE_ROW;
    }
    sqlite3_finalize(get);
    org_reader_give(l->org, db);
    return found;
}

/* The record types a describe lists, as rows of RecordType. */
static enum status record_type_rows(struct loader *l, const char *name, struct err *err)
{
    const struct sobject *object = schema_find(org_schema(l->org), name);
    enum status rc = OK;
    for (size_t i = 0; i < object->record_type_count && rc == OK; i++) {
        const struct record_type *type = &object->record_types[i];
        char id[19];
        if (type->master || !id_canonical(type->id18, id) || in_record_type_table(l, id))
            continue;
        rc = put_record_type_row(l, object, type->name, type->developer_name, id, err);
    }
    return rc;
}

enum status load_schema(struct loader *l, struct err *err)
{
    for (size_t i = 0; i < l->describes.len; i++) {
        const struct json *describe = l->describes.at[i];
        const char *name = json_get_text(describe, "name"), *file = l->describe_files.at[i];
        struct sobject *known = schema_find(org_schema(l->org), name);
        struct err local = {{0}};
        uint64_t fields_before = l->report->fields_added;
        if (known && !(describe = merge(l, known, describe, err)))
            return FAIL;
        if (org_add_describe(l->org, describe, &local) != OK) {
            l->report->fields_added = fields_before;
            load_note(l, file, 1, "describe of %s refused: %s", name, local.message);
            continue;
        }
        if (known) {
            load_note(l, file, 1, "%s: %llu fields added, the others took what the file says", name,
                      (unsigned long long)(l->report->fields_added - fields_before));
        } else {
            size_t count = children_of(json_get(describe, "fields"));
            l->report->objects_added++;
            l->report->fields_added += count;
            load_note(l, file, 1, "%s: added with %zu fields", name, count);
        }
        if (record_type_rows(l, name, err) != OK)
            return FAIL;
        load_say(l, "schema of %s", name);
    }
    return OK;
}

/* --- guessing --- */

struct guess { /* what all values of one key have in common */
    const char *key;
    size_t values;
    size_t booleans, numbers, dates, datetimes, emails, urls, references;
    int longest, decimals, digits;
    const char *target; /* object all references so far point to */
    bool several_targets;
};

static bool looks_number(const char *text, int *digits, int *decimals)
{
    const char *p = text + (*text == '-');
    const char *start = p;
    while (isdigit((unsigned char)*p))
        p++;
    int whole = (int)(p - start), fraction = 0;
    if (*p == '.')
        for (p++; isdigit((unsigned char)*p); p++)
            fraction++;
    if (!whole || *p)
        return false;
    *digits = whole > *digits ? whole : *digits;
    *decimals = fraction > *decimals ? fraction : *decimals;
    /* 01742 is a postal code */
    return !(whole > 1 && *start == '0');
}

static bool looks_email(const char *text)
{
    const char *at = strchr(text, '@');
    return at && at > text && strchr(at, '.') && !strpbrk(text, " \t,;");
}

/* "npe01__Opportunity__c" -> "opportunity" */
static void bare_name(const char *name, char *out, size_t size)
{
    size_t len = strlen(name), n = 0;
    if (load_is_custom_name(name))
        len -= 3;
    const char *end = name + len;
    for (const char *p = name; p + 2 < end; p++)
        if (p[0] == '_' && p[1] == '_') {
            name = p + 2;
            break;
        }
    for (; name < end && n + 1 < size; name++)
        if (isalnum((unsigned char)*name))
            out[n++] = (char)tolower((unsigned char)*name);
    out[n] = '\0';
}

/* An object whose short ids fill the column and whose name ends the column's:
 * household_account__c with 17 means Account 17 of the same folder. */
static const char *short_target(struct loader *l, const struct load_row *row, const char *key,
                                const char *value)
{
    char wanted[80], object[80];
    bare_name(key, wanted, sizeof wanted);
    for (size_t i = 0; i < l->buckets.len; i++) {
        const struct bucket *bucket = l->buckets.at[i];
        bare_name(bucket->name, object, sizeof object);
        if (*object && text_ends(wanted, object) &&
            map_has(l->by_id, load_id_key(l, row->folder, bucket->name, value)))
            return bucket->name;
    }
    return NULL;
}

/* The object a value points to, or NULL when it is no reference. */
static const char *target_of(struct loader *l, const struct load_row *row, const char *key,
                             const char *value)
{
    char id[19];
    if (*value == '@') {
        const struct load_row *to = load_find_ref(l, row, value + 1);
        return to ? to->bucket->name : NULL;
    }
    if (id_canonical(value, id)) {
        const struct load_row *to = map_get(l->by_id, id);
        const struct sobject *object = schema_by_prefix(org_schema(l->org), id);
        return to ? to->bucket->name : object ? object->name : NULL;
    }
    return short_target(l, row, key, value);
}

static void guess_target(struct guess *guess, const char *target)
{
    guess->references++;
    if (guess->target && !text_eq_nocase(guess->target, target))
        guess->several_targets = true;
    guess->target = target;
}

static void guess_value(struct loader *l, const struct load_row *row, const struct json *value,
                        struct guess *guess)
{
    const char *text = json_text(value);
    struct date date;
    int64_t ms;
    if (value->type == JSON_TRUE || value->type == JSON_FALSE) {
        guess->values++;
        guess->booleans++;
        return;
    }
    if (!text || !*text)
        return;
    guess->values++;
    int length = (int)utf16_length(text, strlen(text));
    guess->longest = length > guess->longest ? length : guess->longest;
    /* JSON says itself what is text: "2657" is a serial number there. */
    if (row->untyped || value->type == JSON_NUMBER)
        guess->numbers += looks_number(text, &guess->digits, &guess->decimals);
    if (row->untyped)
        guess->booleans += text_eq_nocase(text, "true") || text_eq_nocase(text, "false");
    guess->dates += date_parse(text, &date);
    guess->datetimes += when_parse(text, &ms);
    guess->emails += looks_email(text);
    guess->urls += text_starts(text, "http://") || text_starts(text, "https://");
    const char *target = target_of(l, row, guess->key, text);
    if (target)
        guess_target(guess, target);
}

static const char *guess_type(const struct guess *g)
{
    size_t all = g->values;
    if (!all)
        return "string";
    if (g->references == all && !g->several_targets)
        return "reference";
    if (g->booleans == all)
        return "boolean";
    if (g->numbers == all)
        return "double";
    if (g->dates == all)
        return "date";
    if (g->datetimes == all)
        return "datetime";
    if (g->emails == all && g->longest <= 80)
        return "email";
    if (g->urls == all && g->longest <= 255)
        return "url";
    return g->longest > 255 ? "textarea" : "string";
}

/* The relationship a lookup named Broker__c gets: Broker__r. */
static void write_lookup(struct jw *w, const struct guess *guess)
{
    jw_key(w, "referenceTo");
    jw_array(w);
    jw_text(w, guess->target);
    jw_end_array(w);
    jw_key(w, "relationshipName");
    struct buf name = BUF_INIT;
    buf_append(&name, guess->key, strlen(guess->key) - 3);
    buf_str(&name, "__r");
    jw_text(w, buf_text(&name));
    buf_free(&name);
}

/* "Location__Latitude__s" is a part of Location__c. */
static void location_name(const char *part, char *out, size_t size)
{
    const char *stop = strstr(part, "__");
    snprintf(out, size, "%.*s__c", stop ? (int)(stop - part) : 0, part);
}

static void write_guess(struct jw *w, const struct guess *guess, const char *name)
{
    const char *type = guess_type(guess);
    int length = text_eq(type, "textarea")                         ? 32768
                 : text_eq(type, "string") || text_eq(type, "url") ? 255
                 : text_eq(type, "email")                          ? 80
                 : text_eq(type, "reference")                      ? 18
                                                                   : 0;
    jw_object(w);
    jw_kv_text(w, "name", name);
    jw_kv_text(w, "type", type);
    jw_kv_bool(w, "custom", true);
    if (length) {
        jw_kv_int(w, "length", length);
        jw_kv_int(w, "byteLength", text_eq(type, "reference") ? 18 : length * 3);
    }
    if (text_eq(type, "double")) {
        jw_kv_int(w, "precision", 18);
        jw_kv_int(w, "scale", guess->decimals > 15 ? 15 : guess->decimals);
    }
    if (text_eq(type, "textarea"))
        jw_kv_text(w, "extraTypeInfo", "plaintextarea");
    if (text_eq(type, "reference"))
        write_lookup(w, guess);
    if (text_ends(name, "__s")) {
        char compound[100];
        location_name(name, compound, sizeof compound);
        jw_kv_text(w, "compoundFieldName", compound);
    }
    jw_end_object(w);
}

/* Keys that would be fields of their own: not nested records, not system keys. */
static bool is_field_key(const struct json *member)
{
    return member->type != JSON_OBJECT && member->type != JSON_ARRAY && member->key &&
           !text_eq(member->key, "attributes");
}

static bool may_be_custom_field(const char *key)
{
    return load_is_custom_name(key) || text_ends(key, "__s");
}

typedef VEC(struct guess *) guess_list;

static void guess_rows(struct loader *l, const struct bucket *bucket, guess_list *out,
                       struct map *by_key)
{
    for (size_t i = 0; i < bucket->rows.len; i++) {
        const struct load_row *row = bucket->rows.at[i];
        json_each(member, row->body) {
            if (!is_field_key(member) || !may_be_custom_field(member->key) ||
                (bucket->object && load_field(bucket->object, member->key)))
                continue;
            struct guess *guess = map_get(by_key, member->key);
            if (!guess) {
                guess = mem_alloc(sizeof *guess);
                guess->key = member->key;
                map_put(by_key, member->key, guess);
                vec_push(out, guess);
            }
            guess_value(l, row, member, guess);
        }
    }
}

/* The geolocation field whose parts were found, with its first part. */
static enum status add_location(struct loader *l, struct bucket *bucket, const char *part,
                                struct err *err)
{
    char name[100];
    location_name(part, name, sizeof name);
    if (sobject_field(bucket->object, name))
        return OK;
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "name", name);
    jw_kv_text(&w, "type", "location");
    jw_kv_bool(&w, "custom", true);
    jw_end_object(&w);
    const struct json *field = parse(l, &text, err);
    return field ? org_add_field(l->org, bucket->name, field, err) : FAIL;
}

static enum status add_guess(struct loader *l, struct bucket *bucket, const struct guess *guess,
                             struct err *err)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    write_guess(&w, guess, guess->key);
    const struct json *field = parse(l, &text, err);
    if (!field || org_add_field(l->org, bucket->name, field, err) != OK)
        return FAIL;
    if (text_ends(guess->key, "__s") && add_location(l, bucket, guess->key, err) != OK)
        return FAIL;
    l->report->fields_added++;
    const char *type = guess_type(guess);
    bool lookup = text_eq(type, "reference");
    load_note(l, bucket->rows.at[0]->file, 1, "%s.%s made up from its values: %s%s%s", bucket->name,
              guess->key, type, lookup ? " to " : "", lookup ? guess->target : "");
    return OK;
}

/* The three letters all old ids of the bucket start with, if they are free. */
static const char *old_prefix(struct loader *l, const struct bucket *bucket)
{
    char prefix[4] = "", id[19];
    for (size_t i = 0; i < bucket->rows.len; i++) {
        const char *text = json_text(json_get_nocase(bucket->rows.at[i]->body, "Id"));
        if (!text)
            continue;
        if (!id_canonical(text, id) || (*prefix && memcmp(prefix, id, 3) != 0))
            return NULL;
        memcpy(prefix, id, 3);
    }
    if (!*prefix || schema_by_prefix(org_schema(l->org), prefix))
        return NULL;
    return arena_strdup(l->arena, prefix);
}

static enum status make_object(struct loader *l, struct bucket *bucket, struct err *err)
{
    struct buf text = BUF_INIT;
    struct jw w;
    const char *prefix = old_prefix(l, bucket);
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "name", bucket->name);
    jw_kv_bool(&w, "custom", true);
    if (prefix)
        jw_kv_text(&w, "keyPrefix", prefix);
    jw_key(&w, "fields");
    jw_array(&w);
    jw_end_array(&w);
    jw_end_object(&w);
    const struct json *describe = parse(l, &text, err);
    if (!describe || org_add_describe(l->org, describe, err) != OK)
        return FAIL;
    bucket->object = schema_find(org_schema(l->org), bucket->name);
    l->report->objects_added++;
    load_note(l, bucket->rows.at[0]->file, 1,
              "%s made up from its records: load its describe to have it as it is", bucket->name);
    return OK;
}

static enum status infer_fields(struct loader *l, struct bucket *bucket, struct err *err)
{
    guess_list guesses = {0};
    struct map *by_key = map_new_nocase();
    enum status rc = OK;
    guess_rows(l, bucket, &guesses, by_key);
    for (size_t i = 0; i < guesses.len; i++) {
        if (rc == OK)
            rc = add_guess(l, bucket, guesses.at[i], err);
        free(guesses.at[i]);
    }
    vec_free(&guesses);
    map_free(by_key);
    return rc;
}

enum status load_infer(struct loader *l, struct err *err)
{
    /* Objects first: a lookup may point to one made up later. */
    for (size_t i = 0; i < l->buckets.len; i++) {
        struct bucket *bucket = l->buckets.at[i];
        bucket->object = schema_find(org_schema(l->org), bucket->name);
        if (!bucket->object && load_is_custom_name(bucket->name) && bucket->rows.len &&
            make_object(l, bucket, err) != OK)
            return FAIL;
    }
    for (size_t i = 0; i < l->buckets.len; i++)
        if (l->buckets.at[i]->object && infer_fields(l, l->buckets.at[i], err) != OK)
            return FAIL;
    return OK;
}

/* --- record types --- */

static bool has_record_type(const struct sobject *object, const char *developer_name)
{
    for (size_t i = 0; i < object->record_type_count; i++)
        if (text_eq_nocase(object->record_types[i].developer_name, developer_name))
            return true;
    return false;
}

/* One row of RecordType. `id` is the one it shall have, or "" for a new one. */
static enum status put_record_type_row(struct loader *l, const struct sobject *object,
                                       const char *name, const char *developer_name, char id[19],
                                       struct err *err)
{
    static const char *const columns[] = {"Name", "DeveloperName", "SobjectType", "IsActive"};
    sqlite3 *db = org_write_begin(l->org);
    struct sheet *sheet = db ? sheet_open(l->org, db, "RecordType", columns, 4, err) : NULL;
    struct org_user admin = {0};
    org_user_by_name(l->org, SEED_ADMIN_USERNAME, &admin);
    enum status rc = FAIL;
    if (sheet) {
        int64_t now = org_now_ms(l->org);
        sheet_people(sheet, admin.id, admin.id);
        sheet_id(sheet, id);
        sheet_text(sheet, 0, name);
        sheet_text(sheet, 1, developer_name);
        sheet_text(sheet, 2, object->name);
        sheet_int(sheet, 3, 1);
        rc = sheet_add(sheet, (struct sheet_times){now, now}, id, err);
    }
    sheet_close(sheet);
    if (db && org_write_end(l->org, rc == OK, rc == OK ? err : NULL) != OK)
        rc = FAIL;
    return rc;
}

static void write_record_types(struct jw *w, const struct sobject *object, const char *id,
                               const char *name)
{
    jw_array(w);
    for (size_t i = 0; i < object->record_type_count; i++) {
        const struct record_type *type = &object->record_types[i];
        jw_object(w);
        jw_kv_bool(w, "active", type->active);
        jw_kv_bool(w, "available", type->available);
        jw_kv_bool(w, "defaultRecordTypeMapping", type->is_default);
        jw_kv_text(w, "developerName", type->developer_name);
        jw_kv_bool(w, "master", type->master);
        jw_kv_text(w, "name", type->name);
        jw_kv_text(w, "recordTypeId", type->id18);
        jw_end_object(w);
    }
    jw_object(w);
    jw_kv_bool(w, "active", true);
    jw_kv_bool(w, "available", true);
    jw_kv_text(w, "developerName", name);
    jw_kv_text(w, "name", name);
    jw_kv_text(w, "recordTypeId", id);
    jw_end_object(w);
    jw_end_array(w);
}

static enum status add_record_type(struct loader *l, struct sobject *object, const char *id,
                                   const char *name, struct err *err)
{
    static const char *const apart[] = {"recordTypeInfos"};
    const struct json *ours = our_describe(l, object, err);
    struct buf text = BUF_INIT;
    struct jw w;
    if (!ours)
        return FAIL;
    jw_init(&w, &text);
    write_overlaid(&w, ours, NULL, apart, 1);
    jw_key(&w, "recordTypeInfos");
    write_record_types(&w, object, id, name);
    jw_end_object(&w);
    const struct json *describe = parse(l, &text, err);
    return describe ? org_add_describe(l->org, describe, err) : FAIL;
}

static const char *record_type_id(const struct sobject *object, const char *developer_name)
{
    for (size_t i = 0; i < object->record_type_count; i++)
        if (text_eq_nocase(object->record_types[i].developer_name, developer_name))
            return object->record_types[i].id18;
    return NULL;
}

enum status load_record_types(struct loader *l, struct err *err)
{
    for (size_t i = 0; i + 2 < l->record_type_files.len; i += 3) {
        const char *const *entry = &l->record_type_files.at[i];
        struct sobject *object = schema_find(org_schema(l->org), entry[0]);
        char id[19] = "";
        if (!object || !sobject_field(object, "RecordTypeId")) {
            load_note(l, entry[0], 1, "record type %s left out: %s has no RecordTypeId", entry[2],
                      entry[0]);
            continue;
        }
        if (!has_record_type(object, entry[2])) {
            if (put_record_type_row(l, object, entry[2], entry[2], id, err) != OK ||
                add_record_type(l, object, id, entry[2], err) != OK)
                return FAIL;
            load_note(l, entry[0], 1, "record type %s.%s added", object->name, entry[2]);
        }
        char old[19];
        if (id_canonical(entry[1], old))
            map_put(l->record_types, old, (void *)(uintptr_t)record_type_id(object, entry[2]));
    }
    return OK;
}
