/* load_csv.c - writes as rows of a Bulk job's CSV.
 *
 * Facts: UTF-8 without a mark, API names in the header, LF as the job says (a CRLF
 * inside a quoted value trips the same check); an empty cell leaves a field alone,
 * #N/A clears it; "Account.Ext__c" names a parent by its key, "Lead:Who.Email" one
 * that may be of several objects. What cannot be said so is told and left to others. */
#include "connect/salesforce/load_priv.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define CLEARED "#N/A"

const char *load_key(const struct crm_job_ask *ask, const struct crm_write *write)
{
    if (ask->kind == OP_UPDATE || ask->kind == OP_DELETE)
        return "Id";
    return ask->kind == OP_UPSERT ? ask->key_field : write->key_field;
}

/* ------------------------------------------------------------------- cells */

struct cells {
    struct arena *arena;
    load_cell_fn *put;
    void *ctx;
    size_t bytes;
};

static const char *put_text(struct cells *c, const char *name, const struct json *value)
{
    if (value->len > LOAD_FIELD_MOST)
        return "a value is longer than a Bulk job takes";
    if (memchr(value->text, 0, value->len))
        return "a value holds a NUL character";
    if (memchr(value->text, '\r', value->len))
        return "a value holds a carriage return, which a Bulk job would change";
    if (text_eq(value->text, CLEARED))
        return "the value #N/A would clear the field in a Bulk job";
    c->bytes += value->len;
    c->put(c->ctx, name, value->len ? value->text : CLEARED,
           value->len ? value->len : sizeof CLEARED - 1);
    return NULL;
}

static const char *put_value(struct cells *c, const char *name, const struct json *value)
{
    switch (value->type) {
    case JSON_NULL:
        c->put(c->ctx, name, CLEARED, sizeof CLEARED - 1);
        return NULL;
    case JSON_TRUE:
        c->put(c->ctx, name, "true", 4);
        return NULL;
    case JSON_FALSE:
        c->put(c->ctx, name, "false", 5);
        return NULL;
    case JSON_NUMBER:
    case JSON_STRING:
        return put_text(c, name, value);
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return "a value is no single value";
}

/* {"Account":{"Ext__c":"A-1"}}, with attributes.type where it may be of several objects */
static const char *put_parent(struct cells *c, const struct json *parent)
{
    const char *type = json_get_text(json_get(parent, "attributes"), "type");
    const char *fault = NULL;
    json_each(key, parent) {
        if (fault || text_eq(key->key, "attributes"))
            continue;
        fault = put_value(c,
                          type ? arena_printf(c->arena, "%s:%s.%s", type, parent->key, key->key)
                               : arena_printf(c->arena, "%s.%s", parent->key, key->key),
                          key);
    }
    return fault;
}

const char *load_cells(struct arena *arena, const struct crm_job_ask *ask,
                       const struct crm_write *write, load_cell_fn *put, void *ctx)
{
    struct cells c = {.arena = arena, .put = put, .ctx = ctx};
    struct err ignored = {0};
    const char *fault = NULL;
    char id[19];
    if (ask->kind == OP_UPDATE || ask->kind == OP_DELETE) {
        if (!write->id || !sf_id(write->id, strlen(write->id), id))
            return "the id of the record is not an id";
        put(ctx, "Id", arena_strdup(arena, id), 18);
    }
    if (ask->kind == OP_DELETE)
        return NULL;
    const struct json *payload =
        write->payload ? json_parse(arena, write->payload, strlen(write->payload), &ignored) : NULL;
    if (!json_is(payload, JSON_OBJECT))
        return "the payload is not a JSON object";
    if (ask->kind == OP_UPSERT && text_blank(write->key_value))
        return "an upsert needs a key value";
    if (ask->kind == OP_UPSERT && !json_get_nocase(payload, ask->key_field))
        put(ctx, ask->key_field, write->key_value, strlen(write->key_value));
    json_each(member, payload)
        if (!fault)
            fault = json_is(member, JSON_OBJECT) ? put_parent(&c, member)
                                                 : put_value(&c, member->key, member);
    return fault ? fault : c.bytes > LOAD_RECORD_MOST ? "the record is longer than a Bulk job takes"
                                                      : NULL;
}

/* -------------------------------------------------------------------- pack */

struct csv_column {
    const char *text; /* of the row at hand; NULL = leave it alone */
    size_t len;
};

struct packing {
    struct map *columns; /* name -> struct csv_column, in the order they came up */
    struct arena *arena; /* of the columns */
};

static void note_column(void *ctx, const char *name, const char *text, size_t len)
{
    struct packing *p = ctx;
    struct csv_column *column = map_get(p->columns, name);
    if (!column) {
        column = arena_alloc(p->arena, sizeof *column);
        map_put(p->columns, name, column);
    }
    column->text = text;
    column->len = len;
}

static void write_header(const struct packing *p, struct buf *csv)
{
    size_t at = 0;
    const char *name;
    void *value;
    for (bool first = true; map_next(p->columns, &at, &name, &value); first = false)
        csv_field(csv, name, strlen(name), first, false);
    csv_end(csv);
}

static void write_row(const struct packing *p, struct buf *csv)
{
    size_t at = 0;
    const char *name;
    void *value;
    for (bool first = true; map_next(p->columns, &at, &name, &value); first = false) {
        struct csv_column *column = value;
        csv_field(csv, column->text ? column->text : "", column->text ? column->len : 0, first,
                  false);
        column->text = NULL;
    }
    csv_end(csv);
}

static void forget_row(const struct packing *p)
{
    size_t at = 0;
    const char *name;
    void *value;
    while (map_next(p->columns, &at, &name, &value))
        ((struct csv_column *)value)->text = NULL;
}

static size_t bytes_most(void)
{
    const char *given = getenv("ARGIL_BULK_BYTES");
    long bytes = given ? strtol(given, NULL, 10) : 0;
    return bytes > 0 && (size_t)bytes < LOAD_BYTES_MOST ? (size_t)bytes : LOAD_BYTES_MOST;
}

/* Columns first, because the header names them all; then the rows, until the upload is full. */
static void pack_rows(struct packing *p, const struct crm_job_ask *ask,
                      const struct crm_write *writes, size_t count, struct crm_pack *out)
{
    struct arena *row = arena_new();
    for (size_t i = 0; i < count; i++) {
        out->unfit[i] = load_cells(row, ask, &writes[i], note_column, p);
        forget_row(p);
        arena_reset(row);
    }
    write_header(p, &out->csv);
    for (out->taken = 0; out->taken < count; out->taken++) {
        size_t before = out->csv.len;
        if (out->unfit[out->taken])
            continue;
        load_cells(row, ask, &writes[out->taken], note_column, p);
        write_row(p, &out->csv);
        arena_reset(row);
        if (out->csv.len > bytes_most() && out->taken > 0) {
            out->csv.len = before;
            break;
        }
    }
    arena_free(row);
}

enum status load_pack(struct crm_session *session, const struct crm_job_ask *ask,
                      const struct crm_write *writes, size_t count, struct arena *arena,
                      struct crm_pack *out, struct err *err)
{
    struct packing p = {.columns = map_new(), .arena = arena};
    size_t most = salesforce_bulk.rows_most();
    (void)session;
    *out = (struct crm_pack){0};
    if (count > most)
        count = most;
    out->unfit = arena_array(arena, count + 1, sizeof *out->unfit);
    pack_rows(&p, ask, writes, count, out);
    map_free(p.columns);
    if (out->csv.len <= LOAD_BYTES_MOST)
        return OK;
    buf_free(&out->csv);
    return err_set(err, "connect.too_large", "a single row is larger than a Bulk upload may be");
}
