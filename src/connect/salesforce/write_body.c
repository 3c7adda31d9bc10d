/* write_body.c - what a batch of writes looks like on the wire.
 *
 * Up to 200 rows are one collection; more are up to five collections inside one
 * composite request, all counted as one API call. Alone, each row is a request
 * of its own: one by itself, several (25 at most) as parts of a composite; then
 * a duplicate rule names the records it found, and a row can carry a condition
 * (If-Unmodified-Since). A payload's own bytes travel as they are. */
#include "connect/salesforce/write_priv.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/uri.h"
#include "base/when.h"

#include <string.h>

static bool has_member(const struct json *object, const char *name)
{
    return json_get_nocase(object, name) != NULL;
}

/* The key as a JSON value of its field's type, when describe was read already. */
static void key_json(const struct batch *batch, const struct crm_write *write, struct buf *out)
{
    const struct crm_object *object = map_get(batch->sf->objects, write->object);
    const struct crm_field *field = crm_object_field(object, write->key_field);
    const char *number = NULL;
    size_t len = strlen(write->key_value);
    if (sf_field_kind(field) == SF_NUMBER)
        number = sf_decimal(batch->arena, write->key_value, len);
    buf_str(out, number ? number : sf_json_text(batch->arena, write->key_value, len));
}

/* {"attributes":{"type":"Lead"},"id":"...", then the payload's own bytes */
static void record_write(const struct batch *batch, size_t i, struct buf *out)
{
    const struct crm_write *write = &batch->writes[i];
    const struct json *payload = batch->payloads[i];
    bool empty = payload->len == 0;
    buf_printf(out, "{\"attributes\":{\"type\":\"%s\"}", write->object);
    if (write->kind == OP_UPDATE)
        buf_printf(out, ",\"id\":\"%s\"", write->id);
    if (write->kind == OP_UPSERT && write->key_value && !has_member(payload, write->key_field)) {
        buf_printf(out, ",\"%s\":", write->key_field);
        key_json(batch, write, out);
    }
    buf_char(out, empty ? '}' : ',');
    if (!empty)
        buf_str(out, strchr(write->payload, '{') + 1);
}

/* Assignment rules run for new records, as Salesforce does; an update must not
 * hand the record to another owner unless asked to. */
static const char *auto_assign(const struct batch *batch)
{
    const char *wanted = batch->options->auto_assign;
    char id[19];
    if (wanted && sf_id(wanted, strlen(wanted), id))
        return arena_strdup(batch->arena, id);
    bool yes = wanted ? text_eq_nocase(wanted, "TRUE") : batch->writes[0].kind == OP_CREATE;
    return yes ? "TRUE" : "FALSE";
}

static const char *allow_save(const struct batch *batch)
{
    return batch->options->duplicate_override ? "allowSave=true" : "allowSave=false";
}

static const char *method_of(enum op_kind kind)
{
    return kind == OP_CREATE ? "POST" : kind == OP_DELETE ? "DELETE" : "PATCH";
}

/* ------------------------------------------------------------- collections */

/* A deletion names its records in the address: 200 ids of 18 characters fit. */
static const char *deletion_path(const struct batch *batch, size_t first, size_t count)
{
    struct buf path = BUF_INIT;
    buf_str(&path, "/composite/sobjects?allOrNone=false&ids=");
    for (size_t i = first; i < first + count; i++)
        buf_printf(&path, "%s%s", i > first ? "," : "", batch->writes[i].id);
    const char *out = arena_strndup(batch->arena, path.data, path.len);
    buf_free(&path);
    return out;
}

static const char *collection_path(const struct batch *batch, size_t first, size_t count)
{
    const struct crm_write *write = &batch->writes[first];
    if (write->kind == OP_DELETE)
        return deletion_path(batch, first, count);
    return write->kind == OP_UPSERT ? arena_printf(batch->arena, "/composite/sobjects/%s/%s",
                                                   write->object, write->key_field)
                                    : "/composite/sobjects";
}

static void collection_write(const struct batch *batch, size_t first, size_t count, struct buf *out)
{
    buf_str(out, "{\"allOrNone\":false,\"records\":[");
    for (size_t i = first; i < first + count; i++) {
        if (i > first)
            buf_char(out, ',');
        record_write(batch, i, out);
    }
    buf_str(out, "]}");
}

/* ------------------------------------------------------------- one by itself */

static const char *alone_path(const struct batch *batch, size_t i)
{
    const struct crm_write *write = &batch->writes[i];
    if (write->kind == OP_CREATE)
        return arena_printf(batch->arena, "/sobjects/%s", write->object);
    return arena_printf(batch->arena, "/sobjects/%s/%s", write->object, write->id);
}

/* The second after the stamp: what was saved within the second that was read is not a change. */
static const char *http_date(const struct batch *batch, const char *stamp)
{
    char date[32];
    int64_t ms;
    if (!stamp || !when_parse(stamp, &ms))
        return NULL;
    when_http((ms + 999) / 1000 * 1000, date);
    return arena_strdup(batch->arena, date);
}

/* --------------------------------------------------------------- composite */

size_t batch_part_rows(const struct batch *batch)
{
    return batch->options->alone ? 1 : SF_ROWS_PER_CALL;
}

static void part_headers(const struct batch *batch, size_t first, struct buf *out)
{
    const char *date = batch->options->alone
                           ? http_date(batch, batch->writes[first].unmodified_since)
                           : NULL;
    /* A part has its own headers: those of the whole request do not reach it. */
    buf_printf(out,
               "\"httpHeaders\":{\"Sforce-Duplicate-Rule-Header\":\"%s\","
               "\"Sforce-Auto-Assign\":\"%s\"",
               allow_save(batch), auto_assign(batch));
    if (date)
        buf_printf(out, ",\"If-Unmodified-Since\":\"%s\"", date);
    buf_char(out, '}');
}

static void part_write(const struct batch *batch, size_t part, size_t first, size_t count,
                       struct buf *out)
{
    bool alone = batch->options->alone;
    enum op_kind kind = batch->writes[0].kind;
    const char *below = alone ? alone_path(batch, first) : collection_path(batch, first, count);
    buf_printf(out, "%s{\"method\":\"%s\",\"url\":\"%s\",\"referenceId\":\"part%zu\",",
               part ? "," : "", method_of(kind), sf_path(batch->sf, batch->arena, below), part);
    part_headers(batch, first, out);
    if (kind != OP_DELETE) {
        buf_str(out, ",\"body\":");
        if (alone)
            buf_str(out, batch->writes[first].payload);
        else
            collection_write(batch, first, count, out);
    }
    buf_char(out, '}');
}

static void composite_write(const struct batch *batch, struct buf *out)
{
    size_t rows = batch_part_rows(batch);
    buf_str(out, "{\"allOrNone\":false,\"collateSubrequests\":false,\"compositeRequest\":[");
    for (size_t at = 0, part = 0; at < batch->count; at += rows, part++)
        part_write(batch, part, at, batch->count - at < rows ? batch->count - at : rows, out);
    buf_str(out, "]}");
}

/* -------------------------------------------------------------- the request */

static void request_headers(struct batch *batch)
{
    batch->assign = (struct http_header){"Sforce-Auto-Assign", auto_assign(batch), NULL};
    batch->mru = (struct http_header){"Sforce-Mru", "updateMru=false", &batch->assign};
    batch->rule =
        (struct http_header){"Sforce-Duplicate-Rule-Header", allow_save(batch), &batch->mru};
    const char *date = batch->options->alone && batch->count == 1
                           ? http_date(batch, batch->writes[0].unmodified_since)
                           : NULL;
    if (date) {
        batch->unmodified = (struct http_header){"If-Unmodified-Since", date, NULL};
        batch->assign.next = &batch->unmodified;
    }
}

void batch_request(struct batch *batch)
{
    const struct crm_write *first = &batch->writes[0];
    const char *path = "/composite", *method = "POST";
    batch->composite = batch->count > batch_part_rows(batch);
    if (batch->composite) {
        composite_write(batch, &batch->body);
    } else {
        method = method_of(first->kind);
        path = batch->options->alone ? alone_path(batch, 0)
                                     : collection_path(batch, 0, batch->count);
        if (first->kind != OP_DELETE && batch->options->alone)
            buf_str(&batch->body, first->payload);
        else if (first->kind != OP_DELETE)
            collection_write(batch, 0, batch->count, &batch->body);
    }
    request_headers(batch);
    batch->call = (struct sf_call){.method = method,
                                   .path = path,
                                   .body = batch->body.data,
                                   .body_len = batch->body.len,
                                   .headers = &batch->rule,
                                   .fresh = !batch->options->resend_harmless,
                                   .timeout_ms = batch->options->timeout_ms,
                                   .object = first->object};
}
