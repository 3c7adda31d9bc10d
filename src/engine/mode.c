/* mode.c - how sure a write can be, computed from describe and never hoped for
 * (reliability B.3).
 *
 * Sealed: the object carries our own unique field, named Argil_Key__c or
 * Argil_Op__c by convention. Keyed: the business key's field is unique. Ticketed:
 * new records go as Bulk jobs, whose results are proof; a column asks for it
 * (transport: bulk), and it is what is left where nothing can be found again. Else a
 * create is found again by its values (Findable) or not at all (Blind). */
#include "engine/journal.h"

#include "base/str.h"

#include <string.h>

const struct crm_field *mode_seal_field(const struct crm_object *object)
{
    static const char *const names[] = {"Argil_Key__c", "Argil_Op__c"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct crm_field *field = crm_object_field(object, names[i]);
        if (field && field->createable && field->unique && field->external_id &&
            field->case_sensitive && field->length >= 36 && text_eq(field->type, "string"))
            return field;
    }
    return NULL;
}

bool mode_comparable(const struct crm_field *field)
{
    return field && field->filterable && !text_eq(field->type, "textarea") &&
           !text_eq(field->type, "multipicklist") && !text_eq(field->type, "encryptedstring") &&
           !text_eq(field->type, "base64");
}

static bool findable(const struct crm_object *object)
{
    const struct crm_field *by = crm_object_field(object, "CreatedById");
    const struct crm_field *at = crm_object_field(object, "CreatedDate");
    return object->queryable && by && by->filterable && at && at->filterable;
}

/* May, and should, its new records go as jobs? */
static bool ticketed(const struct crm_object *object, enum op_kind kind, const struct json *config)
{
    const char *transport = json_get_text(config, "transport");
    if (kind != OP_CREATE || !object->ticketed || text_eq(transport, "collections") ||
        json_get_bool(config, "duplicate_rule_override", false))
        return false;
    return text_eq(transport, "bulk") || !findable(object);
}

struct mode mode_choose(const struct crm_object *object, enum op_kind kind, const char *key_field,
                        const struct json *config)
{
    const struct crm_field *seal = mode_seal_field(object);
    const struct crm_field *key = key_field ? crm_object_field(object, key_field) : NULL;
    if (kind == OP_UPDATE) /* by Id: read back and compare */
        return (struct mode){.mode = MODE_KEYED};
    const char *unique = key && key->unique ? key->name : NULL;
    if (kind == OP_CREATE && seal)
        return (struct mode){
            .mode = MODE_SEALED, .seal_field = seal->name, .key_field = unique};
    if (unique)
        return (struct mode){.mode = MODE_KEYED, .key_field = unique};
    if (ticketed(object, kind, config))
        return (struct mode){.mode = MODE_TICKETED};
    return (struct mode){.mode = findable(object) ? MODE_FINDABLE : MODE_BLIND};
}

struct mode mode_by_id(const struct crm_object *object, const struct json *config)
{
    return (struct mode){.mode = MODE_KEYED};
}

const char *mode_unique_match(const struct crm_object *object, const struct json *match,
                              const struct json *set)
{
    const struct json *only = match ? match->first : NULL;
    if (!only || only->next)
        return NULL;
    const struct crm_field *field = crm_object_field(object, only->key);
    bool same = text_eq(json_text(only), json_text(json_get_nocase(set, only->key)));
    return field && field->unique && same ? field->name : NULL;
}

static const struct crm_object *object_of(struct crm_session *session, const struct column *column,
                                          const struct json *config, struct err *err)
{
    return session->does->describe(session, column_object(column_kind_find(column->kind), config),
                                   err);
}

static const char *advice(struct arena *arena, const struct column_promise *promise)
{
    if (promise->mode <= MODE_KEYED)
        return NULL;
    return arena_printf(arena, "argil connection seal %s %s", promise->connection, promise->object);
}

enum status engine_column_promise(struct engine *engine, struct arena *arena, const char *table,
                                  const char *name, struct column_promise *out, struct err *err)
{
    struct table found;
    *out = (struct column_promise){0};
    if (engine->store->does->table_get(engine->store, arena, table, &found, err) != OK)
        return FAIL;
    const struct column *column = table_column(&found, name);
    if (!column)
        return err_set(err, ERR_NOT_FOUND, "table \"%s\" has no column \"%s\"", table, name);
    const struct column_kind *kind = column_kind_find(column->kind);
    const char *text = column->config ? column->config : "{}";
    const struct json *config = json_parse(arena, text, strlen(text), err);
    if (!config)
        return FAIL;
    out->connection = json_get_text(config, "connection");
    out->object = column_object(kind, config);
    out->writes = kind && kind->writes && kind->mode;
    if (!out->writes)
        return OK;
    struct crm_session *session = engine_session(engine, out->connection, err);
    if (!session)
        return FAIL;
    const struct crm_object *object = object_of(session, column, config, err);
    if (object) {
        struct mode mode = kind->mode(object, config);
        out->mode = mode.mode;
        out->key = arena_strdup(arena, mode.seal_field ? mode.seal_field : mode.key_field);
        out->approved_mode = column->approved_mode < 0 ? mode.mode
                                                       : (enum write_mode)column->approved_mode;
        out->dropped = out->mode > out->approved_mode;
        out->advice = advice(arena, out);
    }
    session->does->close(session);
    return object ? OK : FAIL;
}

/* Lower case of one code point of the scripts that have it in plain ranges. */
static uint32_t fold(uint32_t c)
{
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c + 32 : c;
    if ((c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3A9) ||
        (c >= 0x410 && c <= 0x42F))
        return c + 32;
    if (c >= 0x400 && c <= 0x40F)
        return c + 80;
    if ((c >= 0x100 && c <= 0x137) || (c >= 0x14A && c <= 0x177))
        return c | 1;
    if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17E))
        return c + (c & 1);
    return c;
}

/* Two-byte sequences stay two bytes under fold, so the length never changes. */
static void fold_utf8(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char *p = (unsigned char *)text + i;
        if (p[0] < 0x80) {
            p[0] = (unsigned char)fold(p[0]);
        } else if (p[0] >= 0xC3 && p[0] < 0xE0 && i + 1 < len) {
            uint32_t c = fold((uint32_t)(p[0] & 0x1F) << 6 | (p[1] & 0x3F));
            p[0] = (unsigned char)(0xC0 | c >> 6);
            p[1] = (unsigned char)(0x80 | (c & 0x3F));
            i++;
        }
    }
}

const char *mode_key_norm(struct arena *arena, const struct crm_field *field, struct value value)
{
    struct str trimmed = str_trim((struct str){value.text, value.len});
    char *text = str_dup(arena, trimmed);
    if (!field || !field->case_sensitive)
        fold_utf8(text, trimmed.n);
    return text;
}
