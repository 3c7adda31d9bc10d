/* setup.c - filling the tables of the Tooling API. */
#include "localorg/metadata/setup.h"

#include "localorg/metadata/metadata_priv.h"
#include "localorg/org/events.h"
#include "localorg/org/standard.h"
#include "base/mem.h"
#include "tooling_files.h"

#include <pthread.h>
#include <stdlib.h>

struct setup {
    pthread_mutex_t lock;
    struct org *records;
    const struct org *of;
    uint64_t version;
    bool fresh;
};

struct filling {
    struct meta meta;
    struct org *records;
    sqlite3 *db;
    struct err *err;
    bool failed;
};

struct setup *setup_new(void)
{
    struct setup *setup = mem_alloc(sizeof *setup);
    pthread_mutex_init(&setup->lock, NULL);
    return setup;
}

void setup_free(struct setup *setup)
{
    if (!setup)
        return;
    org_close(setup->records);
    pthread_mutex_destroy(&setup->lock);
    free(setup);
}

void setup_stale(struct setup *setup)
{
    pthread_mutex_lock(&setup->lock);
    setup->fresh = false;
    pthread_mutex_unlock(&setup->lock);
}

/* --- rows --- */

enum { COLUMNS_MAX = 32 };

struct column {
    const char *name;
    const char *text; /* NULL with is_text: null */
    int64_t number;
    bool is_text;
};
#define TEXT(name_, text_) (struct column){.name = (name_), .text = (text_), .is_text = true}
#define NUMBER(name_, number_) (struct column){.name = (name_), .number = (number_)}

static void put_row(struct filling *f, const char *table, const struct column *columns, size_t count)
{
    struct buf sql = BUF_INIT;
    sqlite3_stmt *put = NULL;
    buf_printf(&sql, "INSERT OR REPLACE INTO \"%s\" (", table);
    for (size_t i = 0; i < count; i++)
        buf_printf(&sql, "%s\"%s\"", i ? "," : "", columns[i].name);
    buf_str(&sql, ") VALUES (");
    for (size_t i = 0; i < count; i++)
        buf_str(&sql, i ? ",?" : "?");
    buf_char(&sql, ')');
    bool good = sqlite3_prepare_v2(f->db, buf_text(&sql), -1, &put, NULL) == SQLITE_OK;
    for (size_t i = 0; good && i < count; i++) {
        if (columns[i].is_text)
            sqlite3_bind_text(put, (int)i + 1, columns[i].text, -1, SQLITE_STATIC);
        else
            sqlite3_bind_int64(put, (int)i + 1, columns[i].number);
    }
    good = good && sqlite3_step(put) == SQLITE_DONE;
    if (!good && !f->failed) {
        f->failed = true;
        err_set(f->err, ERR_IO, "setup records of %s: %s", table, sqlite3_errmsg(f->db));
    }
    sqlite3_finalize(put);
    buf_free(&sql);
}

/* The name without __c. */
static const char *developer_name(struct arena *arena, const char *name)
{
    size_t len = strlen(name);
    return text_ends(name, "__c") || text_ends(name, "__e") ? arena_strndup(arena, name, len - 3)
                                                            : name;
}

/* A standard object is called by its name, a custom one by its id. */
static const char *entity_id(const struct filling *f, const struct sobject *object)
{
    char id[19];
    if (!object->custom)
        return object->name;
    org_setup_id(f->meta.org, "01I", object->name, id);
    return arena_strdup(f->meta.arena, id);
}

static void put_object(struct filling *f, const struct sobject *object)
{
    const char *id = entity_id(f, object);
    struct column columns[] = {
        TEXT("Id", id),
        TEXT("DurableId", id),
        TEXT("QualifiedApiName", object->name),
        TEXT("DeveloperName", developer_name(f->meta.arena, object->name)),
        TEXT("MasterLabel", object->label),
        TEXT("Label", object->label),
        TEXT("PluralLabel", object->label_plural),
        TEXT("KeyPrefix", object->key_prefix),
        NUMBER("IsCustomizable", object->custom || object->layoutable),
        NUMBER("IsCustomSetting", object->custom_setting),
        NUMBER("IsQueryable", object->queryable),
        NUMBER("IsRetrieveable", object->retrieveable),
        NUMBER("IsSearchable", object->searchable),
        NUMBER("IsReplicateable", object->replicateable),
        NUMBER("IsTriggerable", object->triggerable),
        NUMBER("IsWorkflowEnabled", object->triggerable),
        NUMBER("IsLayoutable", object->layoutable),
        NUMBER("LastModifiedDate", object->modified_ms)};
    put_row(f, "EntityDefinition", columns, sizeof columns / sizeof *columns);
    if (!object->custom)
        return;
    struct column custom[] = {
        TEXT("Id", id), TEXT("DeveloperName", developer_name(f->meta.arena, object->name)),
        TEXT("ManageableState", "unmanaged"), NUMBER("LastModifiedDate", object->modified_ms)};
    put_row(f, "CustomObject", custom, sizeof custom / sizeof *custom);
}

/* "Text(255)", "Number(18, 2)", "Lookup(Account)": as Setup shows a field's type. */
static const char *data_type(struct arena *arena, const struct field *field)
{
    int whole = field->precision - field->scale;
    switch (field->type) {
    case FT_ID:
        return "Lookup()";
    case FT_STRING:
        return field->auto_number ? "Auto Number" : arena_printf(arena, "Text(%d)", field->length);
    case FT_TEXTAREA:
        return field->length > 255 ? arena_printf(arena, "Long Text Area(%d)", field->length)
                                   : arena_printf(arena, "Text Area(%d)", field->length);
    case FT_REFERENCE:
        return arena_printf(arena, "%s(%s)",
                            field->relationship_order >= 0 ? "Master-Detail" : "Lookup",
                            field->reference_count ? field->reference_to[0] : "");
    case FT_DOUBLE:
        return arena_printf(arena, "Number(%d, %d)", whole, field->scale);
    case FT_INT:
        return arena_printf(arena, "Number(%d, 0)", field->digits);
    case FT_CURRENCY:
        return arena_printf(arena, "Currency(%d, %d)", whole, field->scale);
    case FT_PERCENT:
        return arena_printf(arena, "Percent(%d, %d)", whole, field->scale);
    case FT_BOOLEAN:
        return "Checkbox";
    case FT_PICKLIST:
        return "Picklist";
    case FT_MULTIPICKLIST:
        return "Picklist (Multi-Select)";
    case FT_DATE:
        return "Date";
    case FT_DATETIME:
        return "Date/Time";
    case FT_EMAIL:
        return "Email";
    case FT_PHONE:
        return "Phone";
    case FT_URL:
        return arena_printf(arena, "URL(%d)", field->length);
    case FT_ADDRESS:
        return "Address";
    case FT_LOCATION:
        return "Geolocation";
    default:
        return field_type_name(field->type);
    }
}

static void put_field(struct filling *f, const struct field *field)
{
    struct arena *arena = f->meta.arena;
    const char *object = entity_id(f, field->owner), *name = field->name;
    char id[19], full[200], own[19];
    bool custom = field->custom && text_ends(name, "__c");
    snprintf(full, sizeof full, "%s.%s", field->owner->name, name);
    org_setup_id(f->meta.org, "00N", full, own);
    org_setup_id(f->meta.org, "4fd", full, id);
    struct column columns[] = {
        TEXT("Id", id),
        TEXT("DurableId", arena_printf(arena, "%s.%s", object, custom ? own : name)),
        TEXT("QualifiedApiName", name),
        TEXT("DeveloperName", developer_name(arena, name)),
        TEXT("EntityDefinitionId", object),
        TEXT("MasterLabel", field->label),
        TEXT("Label", field->label),
        TEXT("DataType", field->calculated ? arena_printf(arena, "Formula (%s)",
                                                          data_type(arena, field))
                                           : data_type(arena, field)),
        TEXT("ValueTypeId", field_type_name(field->type)),
        TEXT("ExtraTypeInfo", field->extra_type),
        NUMBER("Length", field->length),
        NUMBER("Precision", field->precision),
        NUMBER("Scale", field->scale),
        TEXT("RelationshipName", field->relationship_name),
        NUMBER("IsCalculated", field->calculated),
        NUMBER("IsCompound", !field->stored),
        NUMBER("IsHighScaleNumber", field->high_scale),
        NUMBER("IsHtmlFormatted", field->html),
        NUMBER("IsIndexed", field->external_id || field->unique || field->type == FT_REFERENCE),
        NUMBER("IsNameField", field->name_field),
        NUMBER("IsNillable", field->nillable),
        NUMBER("IsPolymorphicForeignKey", field->polymorphic),
        NUMBER("IsUnique", field->unique),
        NUMBER("LastModifiedDate", field->owner->modified_ms)};
    put_row(f, "FieldDefinition", columns, sizeof columns / sizeof *columns);
}

/* --- components --- */

/* The component's JSON as Tooling's Metadata has it: without fullName. */
static const char *metadata_text(struct filling *f, const struct meta_item *item)
{
    struct buf text = BUF_INIT, out = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    metadata_read(&f->meta, item->type->name, item->full_name, &w);
    const struct json *component = json_parse(f->meta.arena, buf_text(&text), text.len, NULL);
    jw_init(&w, &out);
    jw_object(&w);
    json_each(member, component) {
        if (text_eq(member->key, "fullName"))
            continue;
        jw_key(&w, member->key);
        jw_value(&w, member);
    }
    jw_end_object(&w);
    const char *copy = arena_strdup(f->meta.arena, buf_text(&out));
    buf_free(&text);
    buf_free(&out);
    return copy;
}

static void put_custom_field(void *ctx, const struct meta_item *item)
{
    struct filling *f = ctx;
    const char *name = NULL;
    const struct sobject *object = meta_parent(&f->meta, item->full_name, &name);
    const struct field *field = sobject_field(object, name);
    struct column columns[] = {
        TEXT("Id", item->id),
        TEXT("DeveloperName", developer_name(f->meta.arena, name)),
        TEXT("FullName", item->full_name),
        TEXT("TableEnumOrId", entity_id(f, object)),
        TEXT("EntityDefinitionId", entity_id(f, object)),
        TEXT("InlineHelpText", field->inline_help),
        NUMBER("Length", field->length),
        NUMBER("Precision", field->precision),
        NUMBER("Scale", field->scale),
        TEXT("ManageableState", "unmanaged"),
        TEXT("Metadata", metadata_text(f, item)),
        NUMBER("LastModifiedDate", object->modified_ms)};
    put_row(f, "CustomField", columns, sizeof columns / sizeof *columns);
}

static void put_member(void *ctx, const struct meta_item *item)
{
    struct filling *f = ctx;
    const char *text = metadata_text(f, item);
    const struct json *body = json_parse(f->meta.arena, text, strlen(text), NULL);
    struct column columns[] = {TEXT("Id", item->id),
                               TEXT("DeveloperName", item->full_name),
                               TEXT("FullName", item->full_name),
                               TEXT("EventChannel", meta_text(body, "eventChannel")),
                               TEXT("SelectedEntity", meta_text(body, "selectedEntity")),
                               TEXT("Metadata", text)};
    put_row(f, "PlatformEventChannelMember", columns, sizeof columns / sizeof *columns);
}

static void put_rule(void *ctx, const struct meta_item *item)
{
    struct filling *f = ctx;
    const char *text = metadata_text(f, item), *name = NULL;
    const struct json *body = json_parse(f->meta.arena, text, strlen(text), NULL);
    const struct sobject *object = meta_parent(&f->meta, item->full_name, &name);
    if (!object)
        return;
    struct column columns[] = {TEXT("Id", item->id),
                               TEXT("ValidationName", name),
                               TEXT("FullName", item->full_name),
                               TEXT("EntityDefinitionId", entity_id(f, object)),
                               NUMBER("Active", meta_truth(body, "active", true)),
                               TEXT("ErrorDisplayField", meta_text(body, "errorDisplayField")),
                               TEXT("ErrorMessage", meta_text(body, "errorMessage")),
                               TEXT("ManageableState", "unmanaged"),
                               TEXT("Metadata", text)};
    put_row(f, "ValidationRule", columns, sizeof columns / sizeof *columns);
}

/* --- the whole --- */

static void put_all(struct filling *f)
{
    const struct schema *schema = org_schema(f->meta.org);
    for (size_t i = 0; i < schema_count(schema); i++) {
        const struct sobject *object = schema_at(schema, i);
        put_object(f, object);
        for (size_t j = 0; j < object->field_count; j++)
            put_field(f, object->fields[j]);
    }
    metadata_list(&f->meta, "CustomField", put_custom_field, f);
    metadata_list(&f->meta, "ValidationRule", put_rule, f);
    metadata_list(&f->meta, "PlatformEventChannelMember", put_member, f);
}

static enum status fill(struct setup *setup, struct org *org, struct err *err)
{
    struct filling f = {.meta = {.org = org, .arena = arena_new(), .api_version = 66.0},
                        .records = setup->records,
                        .err = err};
    f.db = org_write_begin(setup->records);
    f.failed = !f.db;
    if (!f.db)
        err_set(err, ERR_IO, "cannot write setup records");
    for (size_t i = 0; f.db && i < schema_count(org_schema(setup->records)); i++) {
        char sql[120];
        snprintf(sql, sizeof sql, "DELETE FROM \"%s\"",
                 schema_at(org_schema(setup->records), i)->name);
        f.failed |= sqlite3_exec(f.db, sql, NULL, NULL, NULL) != SQLITE_OK;
    }
    if (!f.failed)
        put_all(&f);
    if (f.db && org_write_end(setup->records, !f.failed, f.failed ? NULL : err) != OK)
        f.failed = true;
    arena_free(f.meta.arena);
    return f.failed ? FAIL : OK;
}

static enum status add_object(void *ctx, const struct json *describe, struct err *err)
{
    return org_add_describe(ctx, describe, err);
}

static struct org *records_open(struct org *org, struct err *err)
{
    struct org_options options = {.world = org_world(org), .seed = 1};
    struct org *records = org_open(&options, err);
    for (size_t i = 0; records && i < tooling_files_count; i++) {
        const struct embedded_file *file = &tooling_files[i];
        if (standard_read(file->name, file->text, file->len, add_object, records, err) == OK)
            continue;
        org_close(records);
        return NULL;
    }
    return records;
}

struct org *setup_records(struct setup *setup, struct org *org, struct err *err)
{
    pthread_mutex_lock(&setup->lock);
    uint64_t version = org_schema_version(org);
    bool good = true;
    if (!setup->records)
        setup->records = records_open(org, err);
    if (setup->records &&
        (!setup->fresh || setup->of != org || setup->version != version)) {
        good = fill(setup, org, err) == OK;
        setup->fresh = good;
        setup->of = org;
        setup->version = version;
    }
    struct org *records = good ? setup->records : NULL;
    pthread_mutex_unlock(&setup->lock);
    return records;
}
