/* ui_fields.c - records as /ui-api shows them.
 *
 * Everything comes out of one SOQL query, so that access and sharing are those of
 * queries: each path, what is displayed of it as FORMAT() or toLabel(), and the
 * system fields of each record on the way. */
#include "localorg/rest/ui_fields.h"

#include "localorg/org/paths.h"
#include "localorg/rest/defaults.h"
#include "localorg/rest/layouts.h"
#include "localorg/rest/records.h"

#include "base/str.h"
#include "base/when.h"

#include <stdlib.h>
#include <string.h>

#define HIGHLIGHTS_MAX 8

const char *ui_etag(struct call *call, const char *text, size_t len)
{
    char hex[65];
    sha256_hex(text, len, hex);
    return arena_strndup(call->arena, hex, 32);
}

/* --- which fields --- */

static bool is_compound(const struct field *field)
{
    return field->type == FT_ADDRESS || field->type == FT_LOCATION;
}

/* How the query asks for what is displayed; NULL: nothing but the value. */
static const char *display_function(const struct field *field)
{
    switch (field->type) {
    case FT_PICKLIST:
    case FT_MULTIPICKLIST:
    case FT_COMBOBOX:
        return "toLabel";
    case FT_CURRENCY:
    case FT_PERCENT:
    case FT_DOUBLE:
    case FT_INT:
    case FT_DATE:
    case FT_DATETIME:
        return "FORMAT";
    default:
        return NULL;
    }
}

static bool has_path(const struct ui_fields *fields, const char *text)
{
    for (size_t i = 0; i < fields->count; i++)
        if (strcmp(fields->paths[i].text, text) == 0)
            return true;
    return false;
}

bool ui_fields_add(struct call *call, struct ui_fields *fields, const char *text)
{
    struct path path;
    if (!path_walk(call->arena, call->site->org, call->session.user_id, fields->object, text,
                   &path) ||
        path.field->type == FT_BASE64 || is_compound(path.field))
        return false;
    if (has_path(fields, path.text))
        return true;
    if (fields->count == fields->room) {
        size_t room = fields->room ? 2 * fields->room : 64;
        struct ui_path *more = arena_array(call->arena, room, sizeof *more);
        if (fields->count)
            memcpy(more, fields->paths, fields->count * sizeof *more);
        fields->paths = more;
        fields->room = room;
    }
    bool shown = display_function(path.field) != NULL;
    fields->paths[fields->count] = (struct ui_path){
        .text = path.text,
        .field = path.field,
        .shown = shown ? arena_printf(call->arena, "shown%zu", fields->count) : NULL};
    fields->count++;
    return true;
}

void ui_fields_layout(struct call *call, struct ui_fields *fields, bool compact)
{
    const struct sobject *object = fields->object;
    const struct field *highlights[HIGHLIGHTS_MAX];
    size_t count =
        compact ? layout_highlights(call, object, highlights, HIGHLIGHTS_MAX) : object->field_count;
    for (size_t i = 0; i < count; i++) {
        const struct field *field = compact ? highlights[i] : object->fields[i];
        ui_fields_add(call, fields, field->name);
        if (field->type == FT_REFERENCE && field->relationship_name && !field->polymorphic) {
            ui_fields_add(call, fields,
                          arena_printf(call->arena, "%s.Name", field->relationship_name));
            ui_fields_add(call, fields,
                          arena_printf(call->arena, "%s.Id", field->relationship_name));
        }
    }
}

/* "Account.Owner.Name", qualified by the object. False after answering 400. */
static bool add_list(struct call *call, struct ui_fields *fields, const char *list, bool must)
{
    size_t len, own = strlen(fields->object->name);
    const char *word;
    while ((word = words_next(&list, &len))) {
        const char *name = arena_strndup(call->arena, word, len);
        bool qualified =
            len > own + 1 && strncasecmp(name, fields->object->name, own) == 0 && name[own] == '.';
        if ((!qualified || !ui_fields_add(call, fields, name + own + 1)) && must) {
            answer_error(
                call, 400, "INVALID_FIELD",
                "No such column '%s' on entity '%s'. If you are attempting to use a custom "
                "field, be sure to append the '__c' after the custom field name.",
                name, fields->object->name);
            return false;
        }
    }
    return true;
}

bool ui_fields_asked(struct call *call, struct ui_fields *fields)
{
    const char *list = call_param(call, "fields"), *optional = call_param(call, "optionalFields");
    const char *layouts = call_param(call, "layoutTypes");
    if (!list && !optional && !layouts) {
        answer_error(call, 400, "INVALID_INPUT_COMBINATION",
                     "Must provide either 'fields' or 'layoutTypes'.");
        return false;
    }
    if (layouts)
        ui_fields_layout(call, fields, strcasestr(layouts, "Full") == NULL);
    return add_list(call, fields, list, true) && add_list(call, fields, optional, false);
}

/* --- the query --- */

static const char *const system_fields[] = {"Id", "LastModifiedById", "LastModifiedDate",
                                            "SystemModstamp", "RecordTypeId"};

static void select_path(struct buf *out, const char *path)
{
    buf_printf(out, "%s%s", out->len ? "," : "", path);
}

/* The system fields of one record on the way. */
static void select_system(struct call *call, struct ui_fields *fields, struct buf *out,
                          const char *prefix)
{
    for (size_t i = 0; i < sizeof system_fields / sizeof *system_fields; i++) {
        struct path path;
        const char *text = arena_printf(call->arena, "%s%s", prefix, system_fields[i]);
        if (!has_path(fields, text) &&
            path_walk(call->arena, call->site->org, call->session.user_id, fields->object, text,
                      &path))
            select_path(out, path.text);
    }
}

/* Does an earlier path go through here, too? */
static bool passed_before(const struct ui_fields *fields, size_t path, size_t len)
{
    const char *text = fields->paths[path].text;
    for (size_t i = 0; i < path; i++)
        if (strncmp(fields->paths[i].text, text, len) == 0)
            return true;
    return false;
}

/* Those of every record a path passes: "Owner." and "Owner.Manager.". */
static void select_ways(struct call *call, struct ui_fields *fields, struct buf *out, size_t path)
{
    const char *text = fields->paths[path].text;
    for (const char *dot = strchr(text, '.'); dot; dot = strchr(dot + 1, '.')) {
        size_t len = (size_t)(dot - text) + 1;
        if (!passed_before(fields, path, len))
            select_system(call, fields, out, arena_strndup(call->arena, text, len));
    }
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct ui_path *)a)->text, ((const struct ui_path *)b)->text);
}

static const char *select_list(struct call *call, struct ui_fields *fields)
{
    struct buf out = BUF_INIT;
    qsort(fields->paths, fields->count, sizeof *fields->paths, by_text);
    select_system(call, fields, &out, "");
    for (size_t i = 0; i < fields->count; i++) {
        const struct ui_path *path = &fields->paths[i];
        select_ways(call, fields, &out, i);
        select_path(&out, path->text);
        if (path->shown)
            buf_printf(&out, ",%s(%s) %s", display_function(path->field), path->text, path->shown);
    }
    const char *list = arena_strdup(call->arena, buf_text(&out));
    buf_free(&out);
    return list;
}

/* --- the answer --- */

struct showing {
    struct call *call;
    struct jw *w;
    const struct ui_fields *fields;
    const struct json *root; /* the row: what is displayed is in it by name */
};

/* "+0000" at the end is "Z" here. */
static const char *instant(struct call *call, const char *text)
{
    if (!text || !text_ends(text, "+0000"))
        return text;
    return arena_printf(call->arena, "%.*sZ", (int)strlen(text) - 5, text);
}

static void write_value(struct showing *s, const struct ui_path *path, const struct json *value)
{
    struct jw *w = s->w;
    const char *shown =
        path->shown && !json_is_null(value) ? json_get_text(s->root, path->shown) : NULL;
    jw_object(w);
    jw_kv_text(w, "displayValue", shown);
    jw_key(w, "value");
    if (path->field->type == FT_DATETIME && json_text(value))
        jw_text(w, instant(s->call, json_text(value)));
    else if (value)
        jw_value(w, value);
    else
        jw_null(w);
    jw_end_object(w);
}

static void write_record(struct showing *s, const struct json *record, size_t from, size_t to,
                         size_t depth);

/* Paths `from`..`to` share their first `depth` characters and the next step. */
static void write_parent(struct showing *s, const struct json *record, size_t from, size_t to,
                         size_t depth, size_t len)
{
    struct jw *w = s->w;
    const char *step = arena_strndup(s->call->arena, s->fields->paths[from].text + depth, len);
    const struct json *parent = json_get(record, step);
    jw_key(w, step);
    jw_object(w);
    jw_kv_text(w, "displayValue",
               json_is(parent, JSON_OBJECT) ? json_get_text(parent, "Name") : NULL);
    jw_key(w, "value");
    if (json_is(parent, JSON_OBJECT))
        write_record(s, parent, from, to, depth + len + 1);
    else
        jw_null(w);
    jw_end_object(w);
}

static void write_fields(struct showing *s, const struct json *record, size_t from, size_t to,
                         size_t depth)
{
    jw_object(s->w);
    for (size_t i = from; i < to;) {
        const char *rest = s->fields->paths[i].text + depth;
        size_t len = strcspn(rest, "."), end = i + 1;
        if (!rest[len]) {
            jw_key(s->w, rest);
            write_value(s, &s->fields->paths[i], json_get(record, rest));
        } else {
            while (end < to && strncmp(s->fields->paths[end].text + depth, rest, len + 1) == 0)
                end++;
            write_parent(s, record, i, end, depth, len);
        }
        i = end;
    }
    jw_end_object(s->w);
}

static void write_type(struct showing *s, const char *object, const char *id)
{
    const struct sobject *of = schema_find(org_schema(s->call->site->org), object);
    struct jw *w = s->w;
    jw_key(w, "recordTypeInfo");
    for (size_t i = 0; of && id && i < of->record_type_count; i++) {
        const struct record_type *type = &of->record_types[i];
        if (type->master || strcmp(type->id18, id) != 0)
            continue;
        jw_object(w);
        jw_kv_bool(w, "available", type->available);
        jw_kv_bool(w, "defaultRecordTypeMapping", type->is_default);
        jw_kv_bool(w, "master", false);
        jw_kv_text(w, "name", type->name);
        jw_kv_text(w, "recordTypeId", id);
        jw_end_object(w);
        return;
    }
    jw_null(w);
}

static void write_record(struct showing *s, const struct json *record, size_t from, size_t to,
                         size_t depth)
{
    struct jw *w = s->w;
    int64_t stamp_ms = 0;
    const char *object = json_get_text(json_get(record, "attributes"), "type");
    const char *id = json_get_text(record, "Id"), *type = json_get_text(record, "RecordTypeId");
    const char *stamp = json_get_text(record, "SystemModstamp");
    const char *key = arena_printf(s->call->arena, "%s %s", id ? id : "", stamp ? stamp : "");
    jw_object(w);
    jw_kv_text(w, "apiName", object);
    jw_key(w, "childRelationships");
    jw_object(w);
    jw_end_object(w);
    jw_kv_text(w, "eTag", ui_etag(s->call, key, strlen(key)));
    jw_key(w, "fields");
    write_fields(s, record, from, to, depth);
    jw_kv_text(w, "id", id);
    jw_kv_text(w, "lastModifiedById", json_get_text(record, "LastModifiedById"));
    jw_kv_text(w, "lastModifiedDate", instant(s->call, json_get_text(record, "LastModifiedDate")));
    jw_kv_text(w, "recordTypeId", type ? type : MASTER_RECORD_TYPE);
    write_type(s, object ? object : "", type);
    jw_kv_text(w, "systemModstamp", instant(s->call, stamp));
    jw_kv_int(w, "weakEtag", stamp && when_parse(stamp, &stamp_ms) ? stamp_ms : 0);
    jw_end_object(w);
}

bool ui_record_write(struct call *call, struct jw *w, struct ui_fields *fields, const char *id18)
{
    struct buf row = BUF_INIT;
    bool found = records_json(call, fields->object, select_list(call, fields), id18, &row, NULL);
    const struct json *record = found ? json_parse(call->arena, row.data, row.len, NULL) : NULL;

    buf_free(&row);
    if (!record)
        return false;
    struct showing s = {.call = call, .w = w, .fields = fields, .root = record};
    write_record(&s, record, 0, fields->count, 0);
    return true;
}

void ui_record_write_new(struct call *call, struct jw *w, const struct sobject *object)
{
    jw_object(w);
    jw_kv_text(w, "apiName", object->name);
    jw_key(w, "childRelationships");
    jw_object(w);
    jw_end_object(w);
    jw_key(w, "fields");
    jw_object(w);
    for (size_t i = 0; i < object->field_count; i++) {
        const struct field *field = object->fields[i];
        if (!field->createable || is_compound(field) || field->type == FT_BASE64 ||
            !call_may_field(call, field, ORG_CREATE))
            continue;
        jw_key(w, field->name);
        jw_object(w);
        jw_kv_text(w, "displayValue", NULL);
        jw_key(w, "value");
        default_write(call, w, field);
        jw_end_object(w);
    }
    jw_end_object(w);
    jw_kv_text(w, "id", NULL);
    jw_kv_text(w, "lastModifiedById", NULL);
    jw_kv_text(w, "lastModifiedDate", NULL);
    jw_kv_text(w, "recordTypeId", MASTER_RECORD_TYPE);
    jw_kv_text(w, "recordTypeInfo", NULL);
    jw_kv_text(w, "systemModstamp", NULL);
    jw_end_object(w);
}
