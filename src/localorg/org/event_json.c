/* event_json.c - what change events and their schemas look like.
 *
 * Fields made of parts come as one object, "BillingAddress":{"City":..}; in
 * changedFields its parts are dotted. nulledFields and diffFields belong to
 * Pub/Sub API and Apex, so they are absent here (change_data_capture guide; the
 * dotted form is not verified). */
#include "localorg/org/events_priv.h"

#include "base/when.h"

/* System fields and those the platform works out never travel. */
bool org_event_field(const struct field *field)
{
    static const char *const never[] = {
        "Id",             "IsDeleted",          "SystemModstamp", "LastActivityDate",
        "LastViewedDate", "LastReferencedDate", "PhotoUrl",       "MasterRecordId"};
    if (field->type == FT_ADDRESS || field->type == FT_LOCATION || field->type == FT_BASE64)
        return false; /* compounds come as their parts */
    for (size_t i = 0; i < sizeof never / sizeof *never; i++)
        if (text_eq(field->name, never[i]))
            return false;
    return field->stored;
}

/* --- fields made of parts --- */

/* The compound this field is a part of. NULL: it stands for itself. */
static const char *compound_of(const struct field *field)
{
    const char *whole = field->compound_field;
    return whole && !text_eq(whole, field->name) ? whole : NULL;
}

/* A Name that others are the parts of. */
static bool is_whole(const struct field *field)
{
    const struct sobject *object = field->owner;
    for (size_t i = 0; object && i < object->field_count; i++)
        if (object->fields[i] != field && text_eq(compound_of(object->fields[i]), field->name))
            return true;
    return false;
}

/* "BillingCity" in BillingAddress is City, Place__Latitude__s in Place__c is Latitude. */
static struct str part_name(const struct field *field)
{
    struct str name = str_of(field->name), whole = str_of(compound_of(field));
    struct str stem = whole;
    if (text_ends(whole.p, "Address"))
        stem.n -= 7;
    else if (text_ends(whole.p, "__c"))
        stem.n -= 1; /* Place__ */
    if (text_ends(whole.p, "__c") && text_ends(field->name, "__s"))
        name.n -= 3;
    if (stem.n && stem.n < name.n && memcmp(stem.p, name.p, stem.n) == 0)
        return (struct str){name.p + stem.n, name.n - stem.n};
    return name;
}

/* --- values --- */

void change_value(struct jw *w, const struct field *field, const struct cell *cell)
{
    char text[40];
    bool decimal =
        field->type == FT_DOUBLE || field->type == FT_CURRENCY || field->type == FT_PERCENT;
    switch (cell->kind) {
    case CELL_INT:
        if (field->type == FT_BOOLEAN) {
            jw_bool(w, cell->integer != 0);
        } else if (field->type == FT_DATETIME) {
            when_iso(cell->integer, text);
            jw_text(w, text);
        } else {
            snprintf(text, sizeof text, "%lld%s", (long long)cell->integer, decimal ? ".0" : "");
            jw_number(w, text);
        }
        break;
    case CELL_REAL:
        jw_double(w, cell->real);
        break;
    case CELL_TEXT:
        jw_text_n(w, cell->text, cell->len);
        break;
    default:
        jw_null(w);
    }
}

struct payload {
    struct buf *out;
    const struct sobject *object;
    const struct cell *after;
    const bool *changed;
};

static bool travels(const struct payload *payload, size_t i)
{
    const struct field *field = payload->object->fields[i];
    if (!org_event_field(field) || (field->name_field && is_whole(field)))
        return false;
    return payload->changed ? payload->changed[i] : cell_has(&payload->after[i]);
}

static void put_compound(const struct payload *payload, const char *whole)
{
    struct jw w;
    struct arena *arena = arena_new();
    jw_init(&w, payload->out);
    jw_object(&w);
    for (size_t i = 0; i < payload->object->field_count; i++) {
        const struct field *field = payload->object->fields[i];
        if (!text_eq(compound_of(field), whole) || !travels(payload, i))
            continue;
        jw_key(&w, str_dup(arena, part_name(field)));
        change_value(&w, field, &payload->after[i]);
    }
    jw_end_object(&w);
    arena_free(arena);
}

/* Is this the first part of its compound that travels? */
static bool first_part(const struct payload *payload, size_t at)
{
    const char *whole = compound_of(payload->object->fields[at]);
    for (size_t i = 0; i < at; i++)
        if (text_eq(compound_of(payload->object->fields[i]), whole) && travels(payload, i))
            return false;
    return true;
}

void change_payload(struct buf *out, const struct sobject *object, const struct cell *after,
                    const bool *changed)
{
    struct payload payload = {out, object, after, changed};
    for (size_t i = 0; i < object->field_count; i++) {
        const struct field *field = object->fields[i];
        const char *whole = compound_of(field);
        if (!travels(&payload, i) || (whole && !first_part(&payload, i)))
            continue;
        buf_printf(out, "\"%s\":", whole ? whole : field->name);
        if (whole) {
            put_compound(&payload, whole);
        } else {
            struct jw w;
            jw_init(&w, out);
            change_value(&w, field, &after[i]);
        }
        buf_char(out, ',');
    }
}

void change_names(struct buf *out, const struct sobject *object, const bool *changed)
{
    struct payload payload = {out, object, NULL, changed};
    const char *comma = "";
    buf_char(out, '[');
    for (size_t i = 0; changed && i < object->field_count; i++) {
        const struct field *field = object->fields[i];
        if (!travels(&payload, i))
            continue;
        const char *whole = compound_of(field);
        if (whole)
            buf_printf(out, "%s\"%s." STR_FMT "\"", comma, whole, STR_ARG(part_name(field)));
        else
            buf_printf(out, "%s\"%s\"", comma, field->name);
        comma = ",";
    }
    buf_char(out, ']');
}

/* --- the message --- */

static void write_header(struct jw *w, const struct change_message *m)
{
    jw_object(w);
    jw_kv_int(w, "commitNumber", m->commit_number);
    jw_kv_text(w, "commitUser", m->user);
    jw_kv_int(w, "sequenceNumber", m->sequence);
    jw_kv_text(w, "entityName", m->object->name);
    jw_kv_text(w, "changeType", m->kind);
    jw_key(w, "changedFields");
    jw_raw(w, m->changed, strlen(m->changed));
    jw_kv_text(w, "changeOrigin", m->origin);
    jw_kv_text(w, "transactionKey", m->key);
    jw_kv_int(w, "commitTimestamp", m->commit_ms);
    jw_key(w, "recordIds");
    jw_array(w);
    for (size_t i = 0; i < m->id_count; i++)
        jw_text(w, m->ids[i]);
    jw_end_array(w);
    jw_end_object(w);
}

void change_message_write(struct jw *w, int64_t replay_id, void *ctx)
{
    const struct change_message *m = ctx;
    jw_object(w);
    jw_kv_text(w, "schema", m->schema_id);
    jw_key(w, "payload");
    struct buf header = BUF_INIT, payload = BUF_INIT;
    struct jw inner;
    jw_init(&inner, &header);
    write_header(&inner, m);
    buf_printf(&payload, "{%s\"ChangeEventHeader\":%s}", m->payload, buf_text(&header));
    jw_raw(w, payload.data, payload.len);
    buf_free(&header);
    buf_free(&payload);
    jw_key(w, "event");
    jw_object(w);
    jw_kv_int(w, "replayId", replay_id);
    jw_end_object(w);
    jw_end_object(w);
}

/* --- what a user may see of it --- */

/* The field behind "Phone", or behind the part "City" of "BillingAddress". */
static const struct field *field_behind(const struct sobject *object, const char *name,
                                        const char *part, size_t part_len)
{
    for (size_t i = 0; part && i < object->field_count; i++)
        if (text_eq(compound_of(object->fields[i]), name) &&
            str_eq(part_name(object->fields[i]), (struct str){part, part_len}))
            return object->fields[i];
    return part ? NULL : sobject_field(object, name);
}

struct viewer {
    struct org *org;
    const char *user_id;
    const struct sobject *object;
};

static bool hidden(const struct viewer *viewer, const struct field *field)
{
    return field && !org_may_field(viewer->org, viewer->user_id, field, ORG_READ);
}

static void write_visible_names(struct jw *w, const struct viewer *viewer, const struct json *names)
{
    jw_array(w);
    json_each(name, names) {
        char whole[100];
        const char *dot = strchr(name->text, '.');
        snprintf(whole, sizeof whole, "%.*s",
                 dot ? (int)(dot - name->text) : (int)strlen(name->text), name->text);
        const struct field *field = field_behind(viewer->object, whole, dot ? dot + 1 : NULL,
                                                 dot ? strlen(dot + 1) : 0);
        if (!hidden(viewer, field))
            jw_text(w, name->text);
    }
    jw_end_array(w);
}

static void write_visible_header(struct jw *w, const struct viewer *viewer,
                                 const struct json *header)
{
    jw_object(w);
    json_each(member, header) {
        jw_key(w, member->key);
        if (text_eq(member->key, "changedFields"))
            write_visible_names(w, viewer, member);
        else
            jw_value(w, member);
    }
    jw_end_object(w);
}

static void write_visible_parts(struct jw *w, const struct viewer *viewer,
                                const struct json *compound)
{
    jw_object(w);
    json_each(part, compound) {
        if (hidden(viewer, field_behind(viewer->object, compound->key, part->key, part->key_len)))
            continue;
        jw_key(w, part->key);
        jw_value(w, part);
    }
    jw_end_object(w);
}

static void write_visible_payload(struct jw *w, const struct viewer *viewer,
                                  const struct json *payload)
{
    jw_object(w);
    json_each(member, payload) {
        bool header = text_eq(member->key, "ChangeEventHeader");
        bool compound = !header && member->type == JSON_OBJECT;
        if (!header && !compound && hidden(viewer, sobject_field(viewer->object, member->key)))
            continue;
        jw_key(w, member->key);
        if (header)
            write_visible_header(w, viewer, member);
        else if (compound)
            write_visible_parts(w, viewer, member);
        else
            jw_value(w, member);
    }
    jw_end_object(w);
}

void org_event_write_visible(struct jw *w, struct org *org, const char *user_id,
                             const struct sobject *object, const char *data)
{
    struct viewer viewer = {org, user_id, object};
    struct arena *arena = arena_new();
    const struct json *event = json_parse(arena, data, strlen(data), NULL);
    jw_object(w);
    json_each(member, event) {
        jw_key(w, member->key);
        if (text_eq(member->key, "payload"))
            write_visible_payload(w, &viewer, member);
        else
            jw_value(w, member);
    }
    jw_end_object(w);
    arena_free(arena);
}

/* --- schemas --- */

/* Avro's type, and Salesforce's words for it in `doc`. */
static const char *avro_type(enum field_type type, bool expanded)
{
    switch (type) {
    case FT_BOOLEAN:
        return "boolean";
    case FT_INT:
        return "int";
    case FT_DOUBLE:
    case FT_CURRENCY:
    case FT_PERCENT:
        return "double";
    case FT_DATETIME:
        return expanded ? "string" : "long";
    default:
        return "string";
    }
}

static const char *doc_type(const struct field *field)
{
    switch (field->type) {
    case FT_REFERENCE:
        return "EntityId";
    case FT_BOOLEAN:
        return "Boolean";
    case FT_INT:
    case FT_DOUBLE:
    case FT_PERCENT:
        return "Double";
    case FT_CURRENCY:
        return "Currency";
    case FT_DATE:
        return "DateOnly";
    case FT_DATETIME:
        return "DateTime";
    case FT_PICKLIST:
        return "DynamicEnum";
    case FT_PHONE:
        return "Phone";
    case FT_URL:
        return "Url";
    case FT_EMAIL:
        return "Email";
    default:
        return "Text";
    }
}

static void write_avro_field(struct jw *w, const char *name, const char *type, const char *doc,
                             bool nullable)
{
    jw_object(w);
    jw_kv_text(w, "name", name);
    jw_key(w, "type");
    if (nullable)
        jw_array(w), jw_text(w, "null");
    jw_text(w, type);
    if (nullable)
        jw_end_array(w);
    if (doc)
        jw_kv_text(w, "doc", doc);
    if (nullable)
        jw_kv_null(w, "default");
    jw_end_object(w);
}

static void write_payload_field(struct jw *w, const struct field *field, bool nullable,
                                bool expanded)
{
    char doc[200];
    bool audit = text_eq(field->name, "CreatedDate") || text_eq(field->name, "CreatedById");
    snprintf(doc, sizeof doc, "%s:%s:%.80s", audit ? "CreatedBy" : "Data", doc_type(field),
             field->name);
    write_avro_field(w, field->name, avro_type(field->type, expanded), doc, nullable && !audit);
}

static void write_header_schema(struct jw *w)
{
    static const struct {
        const char *name, *type;
    } fields[] = {{"entityName", "string"},      {"recordIds", "array"},
                  {"changeType", "string"},      {"changeOrigin", "string"},
                  {"transactionKey", "string"},  {"sequenceNumber", "int"},
                  {"commitTimestamp", "long"},   {"commitNumber", "long"},
                  {"commitUser", "string"},      {"changedFields", "array"}};
    jw_object(w);
    jw_kv_text(w, "name", "ChangeEventHeader");
    jw_key(w, "type");
    jw_object(w);
    jw_kv_text(w, "type", "record");
    jw_kv_text(w, "name", "ChangeEventHeader");
    jw_key(w, "fields");
    jw_array(w);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (!text_eq(fields[i].type, "array")) {
            write_avro_field(w, fields[i].name, fields[i].type, NULL, false);
            continue;
        }
        jw_object(w);
        jw_kv_text(w, "name", fields[i].name);
        jw_key(w, "type");
        jw_object(w);
        jw_kv_text(w, "type", "array");
        jw_kv_text(w, "items", "string");
        jw_end_object(w);
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_end_object(w);
    jw_end_object(w);
}

/* The fields of the payload; parts of compounds by their own names. */
static void write_payload_fields(struct jw *w, const struct sobject *object, bool change,
                                 bool expanded)
{
    jw_array(w);
    if (change)
        write_header_schema(w);
    for (size_t i = 0; i < object->field_count; i++) {
        const struct field *field = object->fields[i];
        if (change ? org_event_field(field)
                   : field->stored && !text_eq(field->name, "ReplayId") &&
                         !text_eq(field->name, "EventUuid") && org_event_field(field))
            write_payload_field(w, field, change || field->nillable, expanded);
    }
    jw_end_array(w);
}

static void write_expanded(struct jw *w, const struct sobject *object, bool change)
{
    jw_array(w);
    jw_object(w);
    jw_kv_text(w, "name", "data");
    jw_key(w, "type");
    jw_object(w);
    jw_kv_text(w, "type", "record");
    jw_kv_text(w, "name", "Data");
    jw_kv_text(w, "namespace", "");
    jw_key(w, "fields");
    jw_array(w);
    write_avro_field(w, "schema", "string", NULL, false);
    jw_object(w);
    jw_kv_text(w, "name", "payload");
    jw_key(w, "type");
    jw_object(w);
    jw_kv_text(w, "type", "record");
    jw_kv_text(w, "name", "Payload");
    jw_key(w, "fields");
    write_payload_fields(w, object, change, true);
    jw_end_object(w);
    jw_end_object(w);
    jw_end_array(w);
    jw_end_object(w);
    jw_end_object(w);
    write_avro_field(w, "channel", "string", NULL, false);
    jw_end_array(w);
}

void org_event_schema_json(struct jw *w, const struct sobject *object, bool change, bool expanded)
{
    char name[100], id[24];
    if (change)
        org_change_event_name(object, name);
    else
        snprintf(name, sizeof name, "%s", object->name);
    org_event_schema_id(object, change, id);
    jw_object(w);
    jw_kv_text(w, "name", name);
    jw_kv_text(w, "namespace", "com.sforce.eventbus");
    jw_kv_text(w, "type", expanded ? "expanded-record" : "record");
    jw_key(w, "fields");
    if (expanded)
        write_expanded(w, object, change);
    else
        write_payload_fields(w, object, change, false);
    jw_kv_text(w, "uuid", id);
    jw_end_object(w);
}

void org_event_schema_id(const struct sobject *object, bool change, char out[24])
{
    struct buf text = BUF_INIT;
    struct jw w;
    char hex[65];
    unsigned char bytes[16];
    struct arena *arena = arena_new();
    buf_str(&text, object->name);
    jw_init(&w, &text);
    write_payload_fields(&w, object, change, false);
    sha256_hex(text.data, text.len, hex);
    for (size_t i = 0; i < sizeof bytes; i++) {
        unsigned byte = 0;
        sscanf(hex + 2 * i, "%2x", &byte);
        bytes[i] = (unsigned char)byte;
    }
    snprintf(out, 24, "%s", base64url_encode(arena, bytes, sizeof bytes));
    arena_free(arena);
    buf_free(&text);
}
