/* load_read.c - one file to describes, plans and rows.
 *
 * A file is told by what is in it: an object with `fields` is a describe, one
 * with `records` holds records (a tree file, or what a query printed), an array
 * whose members have `files` is a plan. sf wraps its answers in {"result": ...}.
 * CSV says nothing of its object but in its name. */
#include "localorg/seed/load_priv.h"

#include "base/csv.h"
#include "base/json.h"
#include "localorg/org/standard.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#define MAX_FILE GIB

const char *load_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

bool load_is_custom_name(const char *name)
{
    return text_ends(name, "__c") || text_ends(name, "__C");
}

const char *load_real_path(struct loader *l, const char *path)
{
    char *real = realpath(path, NULL);
    const char *kept = arena_strdup(l->arena, real ? real : path);
    free(real);
    return kept;
}

static const char *folder_of(struct loader *l, const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? arena_strndup(l->arena, path, (size_t)(slash - path)) : ".";
}

/* --- rows --- */

struct bucket *load_bucket(struct loader *l, const char *object)
{
    struct bucket *bucket = map_get(l->bucket_by_name, object);
    if (bucket)
        return bucket;
    bucket = mem_alloc(sizeof *bucket);
    bucket->object = schema_find(org_schema(l->org), object);
    bucket->name = bucket->object ? bucket->object->name : arena_strdup(l->arena, object);
    vec_push(&l->buckets, bucket);
    map_put(l->bucket_by_name, object, bucket);
    return bucket;
}

const char *load_id_key(struct loader *l, const char *folder, const char *object, const char *text)
{
    char id[19];
    if (text_blank(text))
        return NULL;
    if (id_canonical(text, id))
        return arena_strdup(l->arena, id);
    return text_lower(l->arena, arena_printf(l->arena, "%s|%s|%s", folder, object, text));
}

static const char *ref_key(struct loader *l, const char *scope, const char *name)
{
    return arena_printf(l->arena, "%s@%s", scope, name);
}

struct load_row *load_find_ref(struct loader *l, const struct load_row *from, const char *name)
{
    struct load_row *row = map_get(l->by_ref, ref_key(l, from->scope, name));
    return row ? row : map_get(l->by_ref, ref_key(l, "", name));
}

static bool is_id_key(const char *key)
{
    return text_eq_nocase(key, "Id") || text_eq_nocase(key, "sf_id") ||
           text_eq_nocase(key, "salesforce_id");
}

/* What names the row for others: its reference id and its old Id. */
static void register_row(struct loader *l, struct load_row *row)
{
    const char *ref = json_get_text(json_get(row->body, "attributes"), "referenceId");
    if (ref) {
        map_put(l->by_ref, ref_key(l, row->scope, ref), row);
        if (!map_has(l->by_ref, ref_key(l, "", ref)))
            map_put(l->by_ref, ref_key(l, "", ref), row);
    }
    json_each(member, row->body) {
        if (!is_id_key(member->key) || !json_text(member))
            continue;
        const char *key = load_id_key(l, row->folder, row->bucket->name, json_text(member));
        if (key && !map_has(l->by_id, key))
            map_put(l->by_id, key, row);
    }
}

struct origin {                                 /* where the records at hand come from */
    const char *file, *folder, *scope, *object; /* object: what the plan or file name says */
    struct load_row *parent;
    const char *relationship;
    bool untyped;
};

static void add_row(struct loader *l, const struct origin *from, const struct json *body);

/* "Contacts": {"records": [...]} inside a record */
static void add_nested(struct loader *l, struct load_row *row)
{
    json_each(member, row->body) {
        const struct json *records = json_get(member, "records");
        if (!json_is(records, JSON_ARRAY))
            continue;
        struct origin from = {.file = row->file,
                              .folder = row->folder,
                              .scope = row->scope,
                              .parent = row,
                              .relationship = member->key};
        json_each(record, records) {
            add_row(l, &from, record);
        }
    }
}

static void add_row(struct loader *l, const struct origin *from, const struct json *body)
{
    const char *type = json_get_text(json_get(body, "attributes"), "type");
    if (!type)
        type = from->object;
    if (!json_is(body, JSON_OBJECT) || !type) {
        load_note(l, from->file, 1, "a record that does not say what object it is of");
        return;
    }
    struct load_row *row = arena_alloc(l->arena, sizeof *row);
    *row = (struct load_row){.bucket = load_bucket(l, type),
                             .body = body,
                             .file = from->file,
                             .folder = from->folder,
                             .scope = from->scope,
                             .parent = from->parent,
                             .relationship = from->relationship,
                             .untyped = from->untyped};
    vec_push(&row->bucket->rows, row);
    register_row(l, row);
    add_nested(l, row);
}

static void add_records(struct loader *l, const struct origin *from, const struct json *records)
{
    json_each(record, records) {
        add_row(l, from, record);
    }
    l->report->files++;
}

/* --- CSV --- */

struct csv_load {
    struct loader *l;
    struct origin from;
    const char **header;
    size_t columns;
};

/* A string node; empty cells are simply not there. */
static struct json *cell_node(struct arena *arena, const char *key, struct str text)
{
    struct json *node = arena_alloc(arena, sizeof *node);
    *node = (struct json){.type = JSON_STRING,
                          .len = (uint32_t)text.n,
                          .text = str_dup(arena, text),
                          .key = key,
                          .key_len = (uint32_t)strlen(key)};
    return node;
}

static const char *object_of_csv(struct loader *l, const char *path);

static enum status csv_record(void *ctx, const struct str *fields, const bool *quoted, size_t count,
                              uint64_t line, struct err *err)
{
    struct csv_load *csv = ctx;
    struct arena *arena = csv->l->arena;
    if (!csv->header) {
        csv->header = arena_array(arena, count + 1, sizeof *csv->header);
        for (size_t i = 0; i < count; i++)
            csv->header[i] = str_dup(arena, str_trim(fields[i]));
        csv->columns = count;
        return OK;
    }
    if (count == 1 && !fields[0].n)
        return OK; /* an empty line */
    struct json *body = arena_alloc(arena, sizeof *body), **next = &body->first;
    body->type = JSON_OBJECT;
    for (size_t i = 0; i < count && i < csv->columns; i++) {
        if (!fields[i].n)
            continue;
        *next = cell_node(arena, csv->header[i], fields[i]);
        next = &(*next)->next;
        body->len++;
    }
    if (count > csv->columns)
        load_note(csv->l, csv->from.file, 1, "a line has more cells than the header");
    add_row(csv->l, &csv->from, body);
    return OK;
}

/* CumulusCI writes beside Account.csv which record type ids it means. */
static bool is_record_type_file(const char *path)
{
    return text_ends(path, "_rt_mapping.csv");
}

static enum status record_type_record(void *ctx, const struct str *fields, const bool *quoted,
                                      size_t count, uint64_t line, struct err *err)
{
    struct csv_load *csv = ctx;
    if (line == 1 || count < 2)
        return OK;
    vec_push(&csv->l->record_type_files, csv->from.object);
    vec_push(&csv->l->record_type_files, (const char *)str_dup(csv->l->arena, fields[0]));
    vec_push(&csv->l->record_type_files, (const char *)str_dup(csv->l->arena, fields[1]));
    return OK;
}

static void read_csv(struct loader *l, const char *path, const struct buf *text)
{
    struct err err = {{0}};
    struct csv_load csv = {.l = l};
    csv.from = (struct origin){.file = path,
                               .folder = folder_of(l, path),
                               .scope = path,
                               .object = object_of_csv(l, path),
                               .untyped = true};
    if (!csv.from.object) {
        load_note(l, path, 1, "not loaded: the file's name tells no object of this org");
        return;
    }
    const char *eol = text->len ? memchr(text->data, '\n', text->len) : NULL;
    struct csv_options options = {
        .delimiter =
            csv_detect_delimiter(buf_text(text), eol ? (size_t)(eol - text->data) : text->len)};
    struct csv_reader *reader =
        csv_reader_new(&options, is_record_type_file(path) ? record_type_record : csv_record, &csv);
    if (csv_feed(reader, buf_text(text), text->len, &err) != OK || csv_finish(reader, &err) != OK)
        load_note(l, path, 1, "read only in part: %s", err.message);
    csv_reader_free(reader);
    l->report->files++;
}

/* --- what object a CSV file is of --- */

/* "sf_opportunity_line_item_data" is OpportunityLineItem: words that say how
 * the file came about are no part of the name. */
static bool is_noise(const char *word, size_t len)
{
    static const char *const noise[] = {
        "sf",    "insert", "upsert", "update", "data",    "csv",      "bulk",  "bulk1",
        "bulk2", "test",   "export", "import", "extract", "template", "small", "all"};
    bool digits = true;
    for (size_t i = 0; i < len; i++)
        digits &= isdigit((unsigned char)word[i]) != 0;
    for (size_t i = 0; i < sizeof noise / sizeof *noise; i++)
        if (strlen(noise[i]) == len && strncasecmp(noise[i], word, len) == 0)
            return true;
    return digits && len > 1;
}

/* The words of a file name, noise taken off both ends, joined. */
static char *plain_name(struct arena *arena, const char *base)
{
    struct str words[32];
    size_t count = 0;
    for (const char *p = base; *p && count < 32;) {
        while (*p && !isalnum((unsigned char)*p))
            p++;
        const char *start = p;
        while (isalnum((unsigned char)*p) &&
               (p == start || !isupper((unsigned char)*p) || isupper((unsigned char)p[-1])))
            p++;
        if (p > start)
            words[count++] = (struct str){start, (size_t)(p - start)};
    }
    size_t from = 0;
    while (from < count && is_noise(words[from].p, words[from].n))
        from++;
    while (count > from && is_noise(words[count - 1].p, words[count - 1].n))
        count--;
    struct buf joined = BUF_INIT;
    for (size_t i = from; i < count; i++)
        buf_append(&joined, words[i].p, words[i].n);
    char *name = arena_strdup(arena, buf_text(&joined));
    buf_free(&joined);
    return name;
}

static const char *object_of_csv(struct loader *l, const char *path)
{
    const struct schema *schema = org_schema(l->org);
    const char *name = load_file_name(path);
    size_t len = strlen(name) - strlen(".csv");
    if (is_record_type_file(path))
        len = strlen(name) - strlen("_rt_mapping.csv");
    char *base = arena_strndup(l->arena, name, len);
    if (schema_find(schema, base) || load_is_custom_name(base))
        return base;
    if (len > 1 && tolower((unsigned char)base[len - 1]) == 's') { /* Accounts, Thing__cs */
        char *one = arena_strndup(l->arena, base, len - 1);
        if (schema_find(schema, one) || load_is_custom_name(one))
            return one;
    }
    char *plain = plain_name(l->arena, base);
    const struct sobject *object = schema_find(schema, plain);
    if (!object && text_ends(plain, "s"))
        object = schema_find_n(schema, plain, strlen(plain) - 1);
    return object ? object->name : NULL;
}

/* --- plans --- */

static void read_json(struct loader *l, const char *path, const struct json *json,
                      const struct origin *planned);

/* The file a plan names. Copies of sf projects are often flattened, folders
 * turned into a prefix that plan and file share. */
static const char *planned_path(struct loader *l, const char *plan, const char *file)
{
    struct stat is;
    const char *folder = folder_of(l, plan), *name = load_file_name(plan);
    const char *path = arena_printf(l->arena, "%s/%s", folder, file);
    if (stat(path, &is) == 0)
        return path;
    for (size_t i = strlen(name); i > 0; i--) {
        if (name[i - 1] != '_')
            continue;
        path = arena_printf(l->arena, "%s/%.*s%s", folder, (int)i, name, file);
        if (stat(path, &is) == 0)
            return path;
    }
    return NULL;
}

static bool slurp(const char *path, struct buf *out, struct loader *l);

static void read_planned_file(struct loader *l, const char *plan, const char *object,
                              const char *file)
{
    const char *path = planned_path(l, plan, file);
    if (!path) {
        load_note(l, plan, 1, "the plan names %s, which is not there", file);
        return;
    }
    map_put(l->planned, load_real_path(l, path), l);
    struct buf text = BUF_UP_TO(MAX_FILE);
    struct err err = {{0}};
    const struct json *json = NULL;
    if (slurp(path, &text, l) && !(json = json_parse_buf(l->arena, &text, &err)))
        load_note(l, path, 1, "not loaded: %s (%s)", err.message, err.where);
    struct origin from = {
        .file = path, .folder = folder_of(l, path), .scope = plan, .object = object};
    if (json)
        read_json(l, path, json, &from);
    buf_free(&text);
}

static void read_plan(struct loader *l, const char *path, const struct json *plan)
{
    json_each(step, plan) {
        const char *object = json_get_text(step, "sobject");
        json_each(file, json_get(step, "files")) {
            const char *name =
                json_is(file, JSON_STRING) ? json_text(file) : json_get_text(file, "file");
            if (name)
                read_planned_file(l, path, object, name);
        }
    }
    l->report->files++;
}

/* --- JSON of any kind --- */

static void add_describe(struct loader *l, const char *path, const struct json *describe)
{
    vec_push(&l->describes, describe);
    vec_push(&l->describe_files, path);
    l->report->files++;
}

static bool holds_records(const struct json *array)
{
    const struct json *first = json_at(array, 0);
    return json_get_text(json_get(first, "attributes"), "type") != NULL;
}

/* "Accounts.json" says Account, should the records not say it themselves. */
static const char *object_of_json(struct loader *l, const char *path)
{
    const char *name = load_file_name(path);
    size_t len = strcspn(name, ".");
    const struct schema *schema = org_schema(l->org);
    const struct sobject *object = schema_find_n(schema, name, len);
    if (!object && len > 1)
        object = schema_find_n(schema, name, len - 1);
    return object ? object->name : NULL;
}

static void read_json(struct loader *l, const char *path, const struct json *json,
                      const struct origin *planned)
{
    struct origin from = {.file = path,
                          .folder = folder_of(l, path),
                          .scope = path,
                          .object = object_of_json(l, path)};
    if (planned)
        from = *planned;
    if (json_is(json_get(json, "result"), JSON_OBJECT))
        json = json_get(json, "result");
    const struct json *first = json_at(json, 0);
    if (json_get_text(json, "name") && json_is(json_get(json, "fields"), JSON_ARRAY))
        add_describe(l, path, json);
    else if (json_is(json_get(json, "records"), JSON_ARRAY))
        add_records(l, &from, json_get(json, "records"));
    else if (json_is(json_get(json, "sobjects"), JSON_ARRAY))
        load_note(l, path, 1, "a describe of all objects: nothing in it to load");
    else if (json_is(json, JSON_ARRAY) && json_is(json_get(first, "files"), JSON_ARRAY) && !planned)
        read_plan(l, path, json);
    else if (json_is(json, JSON_ARRAY) && holds_records(json))
        add_records(l, &from, json);
    else if (json_get_text(json_get(json, "attributes"), "type")) {
        add_row(l, &from, json);
        l->report->files++;
    } else
        load_note(l, path, 1, "not loaded: neither describe, plan nor records");
}

/* --- .sobject --- */

static enum status add_text_describe(void *ctx, const struct json *describe, struct err *err)
{
    struct loader *l = ctx;
    struct buf text = BUF_INIT; /* the tree dies with the call: keep a copy */
    struct jw w;
    jw_init(&w, &text);
    jw_value(&w, describe);
    const struct json *copy = json_parse_buf(l->arena, &text, err);
    buf_free(&text);
    if (!copy)
        return FAIL;
    add_describe(l, "", copy);
    return OK;
}

static void read_sobject(struct loader *l, const char *path, const struct buf *text)
{
    struct err err = {{0}};
    if (standard_read(load_file_name(path), buf_text(text), text->len, add_text_describe, l,
                      &err) != OK)
        load_note(l, path, 1, "not loaded: %s (%s)", err.message, err.where);
}

/* --- bytes --- */

static void put_code_point(struct buf *out, uint32_t c)
{
    char bytes[4];
    size_t n = 0;
    if (c < 0x80) {
        bytes[n++] = (char)c;
    } else if (c < 0x800) {
        bytes[n++] = (char)(0xC0 | c >> 6);
        bytes[n++] = (char)(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        bytes[n++] = (char)(0xE0 | c >> 12);
        bytes[n++] = (char)(0x80 | (c >> 6 & 0x3F));
        bytes[n++] = (char)(0x80 | (c & 0x3F));
    } else {
        bytes[n++] = (char)(0xF0 | (c >> 18 & 7));
        bytes[n++] = (char)(0x80 | (c >> 12 & 0x3F));
        bytes[n++] = (char)(0x80 | (c >> 6 & 0x3F));
        bytes[n++] = (char)(0x80 | (c & 0x3F));
    }
    buf_append(out, bytes, n);
}

static uint32_t unit_at(const unsigned char *p, size_t width, bool big)
{
    uint32_t unit = 0;
    for (size_t i = 0; i < width; i++)
        unit |= (uint32_t)p[i] << 8 * (big ? width - 1 - i : i);
    return unit;
}

/* UTF-16 and UTF-32 with a byte-order mark become UTF-8. */
static void to_utf8(struct buf *text)
{
    const unsigned char *p = (const unsigned char *)buf_text(text);
    size_t width = 0;
    bool big = false;
    if (text->len >= 4 && memcmp(p, "\xFF\xFE\0\0", 4) == 0)
        width = 4;
    else if (text->len >= 4 && memcmp(p, "\0\0\xFE\xFF", 4) == 0)
        width = 4, big = true;
    else if (text->len >= 2 && memcmp(p, "\xFF\xFE", 2) == 0)
        width = 2;
    else if (text->len >= 2 && memcmp(p, "\xFE\xFF", 2) == 0)
        width = 2, big = true;
    if (!width)
        return;
    struct buf out = BUF_UP_TO(MAX_FILE);
    for (size_t i = width; i + width <= text->len; i += width) {
        uint32_t c = unit_at(p + i, width, big);
        if (width == 2 && c >= 0xD800 && c < 0xDC00 && i + 4 <= text->len) {
            uint32_t low = unit_at(p + i + 2, width, big);
            c = 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
            i += 2;
        }
        put_code_point(&out, c);
    }
    buf_free(text);
    *text = out;
}

/* What spreadsheets on Windows write when nobody asks for UTF-8. */
static void from_windows_1252(struct buf *text)
{
    static const uint16_t high[32] = {
        0x20AC, 0x81,   0x201A, 0x192,  0x201E, 0x2026, 0x2020, 0x2021, 0x2C6,  0x2030, 0x160,
        0x2039, 0x152,  0x8D,   0x17D,  0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
        0x2013, 0x2014, 0x2DC,  0x2122, 0x161,  0x203A, 0x153,  0x9D,   0x17E,  0x178};
    struct buf out = BUF_UP_TO(MAX_FILE);
    for (size_t i = 0; i < text->len; i++) {
        unsigned char c = (unsigned char)text->data[i];
        put_code_point(&out, c >= 0x80 && c < 0xA0 ? high[c - 0x80] : c);
    }
    buf_free(text);
    *text = out;
}

static bool slurp(const char *path, struct buf *out, struct loader *l)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        load_note(l, path, 1, "cannot be read: %s", strerror(errno));
        return false;
    }
    for (;;) {
        char *room = buf_room(out, 256 * KIB);
        size_t n = room ? fread(room, 1, 256 * KIB, file) : 0;
        if (!n)
            break;
        buf_added(out, n);
    }
    fclose(file);
    if (out->overflow)
        load_note(l, path, 1, "not loaded: larger than 1 GiB");
    to_utf8(out);
    if (!utf8_valid(buf_text(out), out->len)) {
        from_windows_1252(out);
        load_note(l, path, 1, "not UTF-8: read as Windows-1252");
    }
    return !out->overflow;
}

void load_read_csv_files(struct loader *l)
{
    for (size_t i = 0; i < l->csv.len; i++) {
        struct buf text = BUF_UP_TO(MAX_FILE);
        load_say(l, "reading %s", l->csv.at[i]);
        if (slurp(l->csv.at[i], &text, l))
            read_csv(l, l->csv.at[i], &text);
        buf_free(&text);
    }
}

static void read_json_file(struct loader *l, const char *path)
{
    struct buf text = BUF_UP_TO(MAX_FILE);
    struct err err = {{0}};
    const struct json *json = NULL;
    load_say(l, "reading %s", path);
    if (slurp(path, &text, l) && !(json = json_parse_buf(l->arena, &text, &err)))
        load_note(l, path, 1, "not loaded: %s (%s)", err.message, err.where);
    if (json)
        read_json(l, path, json, NULL);
    buf_free(&text);
}

static void read_sobject_file(struct loader *l, const char *path)
{
    struct buf text = BUF_UP_TO(MAX_FILE);
    if (slurp(path, &text, l))
        read_sobject(l, path, &text);
    buf_free(&text);
}

void load_read_file(struct loader *l, const char *path)
{
    const char *real = load_real_path(l, path);
    if (map_has(l->planned, real) || map_has(l->seen, real))
        return;
    map_put(l->seen, real, l);
    if (text_ends(path, ".csv") || text_ends(path, ".CSV"))
        vec_push(&l->csv, path);
    else if (text_ends(path, ".json"))
        read_json_file(l, path);
    else if (text_ends(path, ".sobject"))
        read_sobject_file(l, path);
    else
        load_note(l, path, 1, "left alone: not .json, .csv or .sobject");
}
