/* read.c - records of an object, a page at a time.
 *
 * The reader keeps the last (SystemModstamp, Id) it handed out. Salesforce's
 * cursor is a convenience: when it is lost, the reader asks again from that
 * place, so nothing is read twice and nothing skipped (F-21, F-22). Record
 * members come in the order of the SELECT, so each record is walked beside the
 * list of wanted fields; only a surprise costs a search. While the caller
 * stores a page, ahead.c fetches the next one. */
#include "connect/salesforce/read_priv.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/when.h"

#include <stdlib.h>
#include <string.h>

#define MOST_RESTARTS 3 /* in a row, without a record between */

/* ------------------------------------------------------------- the plan */

static struct want *want_find(struct want *first, const char *name, size_t len)
{
    for (struct want *w = first; w; w = w->next)
        if (w->len == len && strncasecmp(w->name, name, len) == 0)
            return w;
    return NULL;
}

static struct want *want_add(struct arena *arena, struct want **list, const char *name, size_t len)
{
    struct want *found = want_find(*list, name, len);
    if (found)
        return found;
    while (*list)
        list = &(*list)->next;
    *list = arena_alloc(arena, sizeof **list);
    (*list)->name = arena_strndup(arena, name, len);
    (*list)->len = len;
    return *list;
}

static void want_path(struct arena *arena, struct want **list, const char *path, size_t slot)
{
    struct want *want;
    const char *dot;
    while ((dot = strchr(path, '.')) != NULL) {
        list = &want_add(arena, list, path, (size_t)(dot - path))->kids;
        path = dot + 1;
    }
    want = want_add(arena, list, path, strlen(path));
    size_t *slots = arena_array(arena, want->slot_count + 1, sizeof *slots);
    if (want->slot_count)
        memcpy(slots, want->slots, want->slot_count * sizeof *slots);
    slots[want->slot_count++] = slot;
    want->slots = slots;
}

static void wants_plan(struct crm_reader *reader)
{
    struct want **list = &reader->wants;
    struct arena *arena = reader->arena;
    want_add(arena, list, "Id", 2)->role = WANT_ID;
    if (reader->has_stamp)
        want_add(arena, list, "SystemModstamp", 14)->role = WANT_STAMP;
    if (reader->read.all_rows && reader->has_deleted)
        want_add(arena, list, "IsDeleted", 9)->role = WANT_DELETED;
    if (reader->read.all_rows && reader->has_master)
        want_add(arena, list, "MasterRecordId", 14)->role = WANT_MASTER;
    for (size_t i = 0; i < reader->read.field_count; i++)
        want_path(arena, list, reader->read.fields[i], i);
}

static void select_list(struct buf *out, const struct want *wants, const char *prefix)
{
    for (const struct want *w = wants; w; w = w->next) {
        if (w->kids) {
            struct buf deeper = BUF_INIT;
            buf_printf(&deeper, "%s%s.", prefix, w->name);
            select_list(out, w->kids, buf_text(&deeper));
            buf_free(&deeper);
        }
        if (!w->kids || w->slot_count)
            buf_printf(out, "%s%s%s", out->len > 7 ? ", " : "", prefix, w->name);
    }
}

/* ------------------------------------------------------------- the query */

static void and_if(struct buf *out, bool *any)
{
    buf_str(out, *any ? " AND " : " WHERE ");
    *any = true;
}

static enum status keyset(struct crm_reader *reader, struct buf *out, bool *any, struct err *err)
{
    int64_t ms;
    if (reader->read.by_stamp && reader->last_stamp) {
        if (!when_parse(reader->last_stamp, &ms))
            return err_set(err, ERR_INVALID, "the sync cursor \"%s\" is not a time",
                           reader->last_stamp);
        and_if(out, any);
        if (reader->last_id[0]) {
            buf_str(out, "((SystemModstamp = ");
            soql_when(out, ms);
            buf_printf(out, " AND Id > '%s') OR SystemModstamp > ", reader->last_id);
        } else {
            buf_str(out, "(SystemModstamp >= ");
        }
        soql_when(out, ms);
        buf_char(out, ')');
    } else if (!reader->read.by_stamp) {
        if (reader->last_stamp && when_parse(reader->last_stamp, &ms)) {
            and_if(out, any);
            buf_str(out, "SystemModstamp >= ");
            soql_when(out, ms);
        }
        if (reader->last_id[0]) {
            and_if(out, any);
            buf_printf(out, "Id > '%s'", reader->last_id);
        }
    }
    return OK;
}

enum status read_soql(struct crm_reader *reader, bool ordered, struct buf *out, struct err *err)
{
    const struct crm_read *read = &reader->read;
    bool any = false;
    buf_str(out, "SELECT ");
    select_list(out, reader->wants, "");
    buf_printf(out, " FROM %s", read->object);
    if (read->where) {
        and_if(out, &any);
        buf_printf(out, "(%s)", read->where);
    }
    if (keyset(reader, out, &any, err) != OK)
        return FAIL;
    if (read->until_ms && reader->has_stamp) {
        and_if(out, &any);
        buf_str(out, "SystemModstamp < ");
        soql_when(out, read->until_ms);
    }
    if (read->all_rows && read->deleted_only) {
        and_if(out, &any);
        buf_str(out, "IsDeleted = true");
    }
    if (ordered)
        buf_str(out, read->by_stamp ? " ORDER BY SystemModstamp, Id" : " ORDER BY Id");
    return OK;
}

/* ------------------------------------------------------------- open, close */

static void read_copy(struct crm_reader *reader, const struct crm_read *read)
{
    struct arena *arena = reader->arena;
    const char **fields = arena_array(arena, read->field_count + 1, sizeof *fields);
    reader->read = *read;
    for (size_t i = 0; i < read->field_count; i++)
        fields[i] = arena_strdup(arena, read->fields[i]);
    reader->read.fields = fields;
    reader->read.object = arena_strdup(arena, read->object);
    reader->read.where = text_blank(read->where) ? NULL : arena_strdup(arena, read->where);
    reader->read.place = text_blank(read->place) ? NULL : arena_strdup(arena, read->place);
    reader->last_stamp = text_blank(read->since_stamp) ? NULL : mem_strdup(read->since_stamp);
}

static enum status read_check(struct crm_reader *reader, const struct crm_object *object,
                              struct err *err)
{
    const struct crm_read *read = &reader->read;
    if (!object->queryable) {
        err_set(err, ERR_INVALID, "%s cannot be queried", object->name);
        return FAIL;
    }
    for (size_t i = 0; i < read->field_count; i++) {
        if (soql_name(read->fields[i], err) != OK)
            return FAIL;
        if (!strchr(read->fields[i], '.') && !crm_object_field(object, read->fields[i])) {
            sf_field_missing(reader->sf, object, read->fields[i], err);
            return FAIL;
        }
    }
    if ((read->by_stamp || reader->last_stamp) && !reader->has_stamp) {
        err_set(err, ERR_INVALID, "%s has no SystemModstamp to follow changes by", object->name);
        err_hint(err, "Read it in full each time.");
        return FAIL;
    }
    if (read->deleted_only && (!read->all_rows || !reader->has_deleted))
        return err_set(err, ERR_INVALID, "%s does not say which records are deleted", object->name);
    if (read->since_id && *read->since_id &&
        !sf_id(read->since_id, strlen(read->since_id), reader->last_id))
        return err_set(err, ERR_INVALID, "\"%.30s\" is not a record id", read->since_id);
    return read->where ? soql_condition(read->where, err) : OK;
}

static bool goes_in_bulk(const struct crm_reader *reader, int64_t records)
{
    enum crm_transport transport = reader->read.transport;
    bool wanted =
        transport == CRM_TRANSPORT_BULK || (transport == CRM_TRANSPORT_AUTO && bulk_pays(records));
    return wanted && bulk_can(reader) && !reader->sf->world->alone; /* it takes a thread */
}

struct crm_reader *sf_read_open(struct crm_session *session, const struct crm_read *read,
                                struct err *err)
{
    const struct crm_object *object = sf_describe(session, read->object, err);
    if (!object)
        return NULL;
    struct crm_reader *reader = mem_alloc(sizeof *reader);
    reader->sf = sf_of(session);
    reader->object = object;
    reader->total = -1;
    reader->arena = arena_new();
    read_copy(reader, read);
    const struct crm_field *stamp = crm_object_field(object, "SystemModstamp");
    reader->has_stamp = stamp && stamp->filterable && stamp->sortable;
    reader->has_deleted = crm_object_field(object, "IsDeleted") != NULL;
    reader->has_master = crm_object_field(object, "MasterRecordId") != NULL;
    if (read_check(reader, object, err) != OK) {
        err_wrap(err, "reading %s", read->object);
        sf_read_close(reader);
        return NULL;
    }
    wants_plan(reader);
    if ((reader->read.place || goes_in_bulk(reader, read->expected)) &&
        bulk_read_begin(reader, err) != OK) {
        sf_read_close(reader);
        return NULL;
    }
    return reader;
}

void sf_read_close(struct crm_reader *reader)
{
    if (!reader)
        return;
    bulk_read_end(reader);
    sf_ahead_free(reader->ahead, reader->sf);
    free(reader->locator);
    free(reader->last_stamp);
    arena_free(reader->arena);
    free(reader);
}

/* ------------------------------------------------------------- one record */

static struct value value_of(const struct json *from, struct arena *arena)
{
    struct buf text = BUF_INIT;
    struct jw w;
    switch (from->type) {
    case JSON_NULL:
        return VALUE_NULL;
    case JSON_TRUE:
        return (struct value){"true", 4};
    case JSON_FALSE:
        return (struct value){"false", 5};
    case JSON_STRING:
    case JSON_NUMBER:
        return (struct value){from->text, from->len};
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    jw_init(&w, &text);
    jw_value(&w, from);
    struct value out = {arena_strndup(arena, text.data, text.len), (uint32_t)text.len};
    buf_free(&text);
    return out;
}

static void role_take(const struct want *want, const struct json *from, struct arena *arena,
                      struct crm_record *record)
{
    switch (want->role) {
    case WANT_VALUE:
        break;
    case WANT_ID:
        record->id =
            json_text(from) && from->len == 18 ? from->text : sf_id_dup(arena, json_text(from));
        break;
    case WANT_STAMP:
        record->stamp = json_text(from);
        break;
    case WANT_DELETED:
        record->deleted = json_truth(from, false);
        break;
    case WANT_MASTER:
        record->master_id = sf_id_dup(arena, json_text(from));
        break;
    }
}

static void members_take(struct want *wants, const struct json *from, struct arena *arena,
                         struct crm_record *record)
{
    struct want *expected = wants;
    json_each(member, from) {
        struct want *want = expected;
        if (!want || want->len != member->key_len ||
            memcmp(want->name, member->key, want->len) != 0) {
            if (member->key_len == 10 && memcmp(member->key, "attributes", 10) == 0)
                continue;
            want = want_find(wants, member->key, member->key_len);
            if (!want)
                continue;
        }
        expected = want->next;
        if (want->role != WANT_VALUE)
            role_take(want, member, arena, record);
        if (want->slot_count) {
            struct value value = value_of(member, arena);
            for (size_t i = 0; i < want->slot_count; i++)
                record->values[want->slots[i]] = value;
        }
        if (want->kids && json_is(member, JSON_OBJECT))
            members_take(want->kids, member, arena, record);
    }
}

static enum status records_take(struct crm_reader *reader, const struct json *records,
                                struct arena *arena, struct crm_page *page, struct err *err)
{
    size_t width = reader->read.field_count;
    struct value *values = arena_array(arena, (size_t)records->len * width + 1, sizeof *values);
    page->records = arena_array(arena, (size_t)records->len + 1, sizeof *page->records);
    json_each(from, records) {
        struct crm_record *record = &page->records[page->count];
        record->values = values + page->count * width;
        members_take(reader->wants, from, arena, record);
        if (!record->id || (reader->has_stamp && !record->stamp))
            return err_set(err, ERR_CRM_UNREACHABLE,
                           "reading %s: a record came without its id or time stamp",
                           reader->read.object);
        page->count++;
    }
    return OK;
}

/* --------------------------------------------------------------- one page */

static void place_keep(struct crm_reader *reader, const struct crm_page *page)
{
    if (page->count == 0)
        return;
    const struct crm_record *last = &page->records[page->count - 1];
    memcpy(reader->last_id, last->id, 19);
    if (reader->read.by_stamp) {
        free(reader->last_stamp);
        reader->last_stamp = mem_strdup(last->stamp);
    }
    reader->restarts = 0;
}

static enum status page_fetch(struct crm_reader *reader, struct arena *arena, struct sf_rows *rows,
                              struct err *err)
{
    struct buf soql = BUF_INIT;
    struct sf_query query = {.all_rows = reader->read.all_rows, .locator = reader->locator};
    enum status rc = FAIL;
    if (reader->asked_ahead) {
        reader->asked_ahead = false;
        if (sf_ahead_take(reader->ahead, reader->sf, rows))
            return OK;
    }
    if (!query.locator && read_soql(reader, true, &soql, err) != OK)
        goto done;
    query.soql = buf_text(&soql);
    rc = sf_query(reader->sf, &query, reader->read.object, arena, rows, err);
done:
    buf_free(&soql);
    return rc;
}

static void ask_ahead(struct crm_reader *reader)
{
    if (!reader->ahead)
        reader->ahead = sf_ahead_new(reader->sf);
    if (!reader->ahead)
        return;
    sf_ahead_start(reader->ahead, reader->sf, reader->locator);
    reader->asked_ahead = true;
}

/* The cursor is of no use any more: ask again from the last record. */
static bool restart(struct crm_reader *reader)
{
    free(reader->locator);
    reader->locator = NULL;
    reader->total = -1;
    reader->taken = 0;
    return ++reader->restarts <= MOST_RESTARTS;
}

/* A cursor that hands out the page before once more. */
static bool repeats(struct crm_reader *reader, const struct crm_page *page)
{
    bool again = page->count && reader->locator && text_eq(page->records[0].id, reader->first_id);
    if (page->count)
        memcpy(reader->first_id, page->records[0].id, sizeof reader->first_id);
    return again;
}

/* One page, whatever becomes of cursors. */
static enum status page_take(struct crm_reader *reader, struct arena *arena, struct sf_rows *rows,
                             struct crm_page *page, struct err *err)
{
    for (;;) {
        page->count = 0;
        if (page_fetch(reader, arena, rows, err) != OK) {
            if (!reader->locator || !sf_locator_lost(err) || !restart(reader))
                return FAIL;
            err_clear(err);
            continue;
        }
        if (records_take(reader, rows->records, arena, page, err) != OK)
            return FAIL;
        if (!repeats(reader, page))
            return OK;
        if (!restart(reader))
            return err_set(err, ERR_CRM_SHORT, "Salesforce gives the same page again and again");
    }
}

static enum status pages_next(struct crm_reader *reader, struct arena *arena, struct crm_page *page,
                              struct err *err)
{
    struct sf_rows rows;
    if (page_take(reader, arena, &rows, page, err) != OK)
        return err_wrap(err, "reading %s", reader->read.object);
    reader->sf->crm.calls_one_each += page->count;
    if (!reader->started)
        page->total = rows.total;
    if (reader->total < 0)
        reader->total = rows.total;
    reader->taken += (int64_t)page->count;
    reader->started = true;
    free(reader->locator);
    reader->locator = mem_strdup(rows.locator);
    place_keep(reader, page);
    page->last = reader->finished = rows.locator == NULL;
    if (page->last)
        page->missing = reader->total - reader->taken;
    else if (goes_in_bulk(reader, reader->total - reader->taken))
        return bulk_read_begin(reader, err);
    else
        ask_ahead(reader);
    return OK;
}

enum status sf_read_next(struct crm_reader *reader, struct arena *arena, struct crm_page *page,
                         struct err *err)
{
    struct err local = {0};

    err = err ? err : &local;
    memset(page, 0, sizeof *page);
    page->total = -1;
    if (reader->finished) {
        page->last = true;
        return OK;
    }
    return reader->bulk ? bulk_read_next(reader, arena, page, err)
                        : pages_next(reader, arena, page, err);
}
