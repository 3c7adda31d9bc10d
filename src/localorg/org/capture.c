/* capture.c - from written rows to change events.
 *
 * The first time a transaction touches a record of a captured or watched
 * object, the record is kept as it was. Just before the commit it is read
 * again: the difference is the change. So a transaction tells one change a
 * record, whatever steps led to it, and a step that was rolled back tells
 * nothing. Equal changes of one object are merged into one event. */
#include "localorg/org/events_priv.h"

#include "localorg/org/formula.h"

#include <stdio.h>
#include <stdlib.h>

#define EVENT_MAX     (1 * MIB) /* a larger one becomes a gap event */
#define OVERFLOW_FROM 100000

struct before {
    struct table *table;
    char id[19];
    bool there;   /* a live or deleted record stood under this id */
    bool cascaded;
    struct cell *cells; /* count of them */
    size_t count;
    bool deleted;
};

/* One event to be: equal changes share it. */
struct pending {
    const struct sobject *object;
    const char *kind, *payload, *changed, *schema_id;
    VEC(const char *) ids;
};

struct capture {
    struct arena *arena;
    struct map *seen; /* id to struct before */
    VEC(struct before *) list;
    VEC(struct pending *) pending;
    struct map *same; /* what makes changes equal, to struct pending */
    bool overflown;
    VEC(const struct sobject *) touched; /* once overflown: only which objects */
    char user[19], origin[160];
    bool bulk;
};

static struct capture *capture_of(struct org *org)
{
    if (!org->capture) {
        org->capture = mem_alloc(sizeof *org->capture);
        org->capture->arena = arena_new();
    }
    return org->capture;
}

void capture_clear(struct org *org)
{
    struct capture *capture = org->capture;
    if (!capture || (!capture->list.len && !capture->touched.len && !*capture->user))
        return;
    map_free(capture->seen);
    map_free(capture->same);
    for (size_t i = 0; i < capture->pending.len; i++)
        vec_free(&capture->pending.at[i]->ids);
    capture->seen = capture->same = NULL;
    vec_clear(&capture->list);
    vec_clear(&capture->pending);
    vec_clear(&capture->touched);
    capture->overflown = capture->bulk = false;
    capture->user[0] = '\0';
    arena_reset(capture->arena);
}

void capture_free(struct capture *capture)
{
    if (!capture)
        return;
    map_free(capture->seen);
    map_free(capture->same);
    for (size_t i = 0; i < capture->pending.len; i++)
        vec_free(&capture->pending.at[i]->ids);
    vec_free(&capture->list);
    vec_free(&capture->pending);
    vec_free(&capture->touched);
    arena_free(capture->arena);
    free(capture);
}

/* --- reading a record --- */

static bool snapshot_prepare(struct org *org, struct table *table, struct err *err)
{
    struct buf sql = BUF_INIT;
    const char *alias = arena_printf(org->capture->arena, "\"%s\"", table->object->name);
    buf_str(&sql, "SELECT \"IsDeleted\"");
    for (size_t i = 0; i < table->object->field_count; i++) {
        const struct field *field = table->object->fields[i];
        const char *computed = field_computed_sql(org->capture->arena, org, field, alias);
        buf_str(&sql, ", ");
        if (computed)
            buf_str(&sql, computed);
        else if (field->stored && field->type != FT_BASE64)
            quote_name(&sql, field->name);
        else
            buf_str(&sql, "NULL");
    }
    buf_str(&sql, " FROM ");
    quote_name(&sql, table->object->name);
    buf_str(&sql, " WHERE \"Id\" = ?1");
    enum status status = db_prepare(org->db, &table->snapshot, buf_text(&sql), err);
    buf_free(&sql);
    return status == OK;
}

static void cell_read(struct arena *arena, sqlite3_stmt *row, int column, struct cell *out)
{
    switch (sqlite3_column_type(row, column)) {
    case SQLITE_INTEGER:
        cell_int(out, sqlite3_column_int64(row, column));
        break;
    case SQLITE_FLOAT:
        out->kind = CELL_REAL;
        out->real = sqlite3_column_double(row, column);
        break;
    case SQLITE_TEXT:
        cell_text(out, arena_strdup(arena, db_text(row, column)));
        break;
    default:
        out->kind = CELL_NULL;
    }
}

/* The record as it is now; *there says whether there is one. */
static enum status snapshot(struct org *org, struct table *table, const char *id,
                            struct before *out, struct err *err)
{
    size_t count = table->object->field_count;
    struct arena *arena = org->capture->arena;
    enum status status = OK;
    out->there = false;
    if (!table->snapshot && !snapshot_prepare(org, table, err))
        return FAIL;
    sqlite3_bind_text(table->snapshot, 1, id, 18, SQLITE_STATIC);
    if (db_next(table->snapshot, &status, err)) {
        out->there = true;
        out->deleted = sqlite3_column_int(table->snapshot, 0) != 0;
        out->count = count;
        out->cells = arena_array(arena, count + 1, sizeof *out->cells);
        for (size_t i = 0; i < count; i++)
            cell_read(arena, table->snapshot, (int)i + 1, &out->cells[i]);
    }
    sqlite3_reset(table->snapshot);
    return status;
}

/* --- while writing --- */

void capture_open(struct work *work)
{
    struct capture *capture = capture_of(work->org);
    const struct dml_options *options = work->options;
    if (*capture->user)
        return; /* the transaction has begun before */
    memcpy(capture->user, work->user, sizeof capture->user);
    snprintf(capture->origin, sizeof capture->origin, "%s",
             options->origin ? options->origin : "com/salesforce/api/rest");
    capture->bulk = strstr(capture->origin, "/bulkapi") != NULL;
}

static void capture_overflow(struct capture *capture)
{
    capture->overflown = true;
    for (size_t i = 0; i < capture->list.len; i++) {
        const struct sobject *object = capture->list.at[i]->table->object;
        bool known = false;
        for (size_t j = 0; j < capture->touched.len && !known; j++)
            known = capture->touched.at[j] == object;
        if (!known)
            vec_push(&capture->touched, object);
    }
    map_free(capture->seen);
    capture->seen = NULL;
    vec_clear(&capture->list);
    arena_reset(capture->arena);
}

static void capture_touched(struct capture *capture, const struct sobject *object)
{
    for (size_t i = 0; i < capture->touched.len; i++)
        if (capture->touched.at[i] == object)
            return;
    vec_push(&capture->touched, object);
}

bool capture_record(struct work *work, struct table *table, const char *id, bool insert,
                    bool cascaded)
{
    struct capture *capture = capture_of(work->org);
    if (work->options->system && !work->options->internal)
        return true; /* loading and seeding */
    if (capture->overflown) {
        capture_touched(capture, table->object);
        return true;
    }
    if (!capture->seen)
        capture->seen = map_new();
    if (map_has(capture->seen, id))
        return true;
    struct before *before = arena_alloc(capture->arena, sizeof *before);
    before->table = table;
    before->cascaded = cascaded;
    snprintf(before->id, sizeof before->id, "%s", id);
    if (!insert && snapshot(work->org, table, id, before, work->err) != OK)
        return work_broke(work);
    map_put(capture->seen, id, before);
    vec_push(&capture->list, before);
    if ((int64_t)capture->list.len > work->org->overflow_after)
        capture_overflow(capture);
    return true;
}

/* --- before the commit --- */

static bool same_cell(const struct cell *a, const struct cell *b)
{
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case CELL_INT:
        return a->integer == b->integer;
    case CELL_REAL:
        return !(a->real < b->real) && !(a->real > b->real);
    case CELL_TEXT:
        return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
    default:
        return true;
    }
}

/* What happened to it; -1 for nothing anybody would see. */
static int kind_of(const struct before *was, const struct before *is)
{
    bool before = was->there && !was->deleted, after = is->there && !is->deleted;
    if (before && after)
        return CHANGE_UPDATE;
    if (before)
        return CHANGE_DELETE;
    if (after)
        return was->there ? CHANGE_UNDELETE : CHANGE_CREATE;
    return -1;
}

static bool *fields_changed(struct arena *arena, const struct before *was, const struct before *is)
{
    size_t count = was->table->object->field_count;
    bool *changed = arena_array(arena, count + 1, sizeof *changed);
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        const struct field *field = was->table->object->fields[i];
        if (was->there && i < was->count && i < is->count)
            changed[i] = !same_cell(&was->cells[i], &is->cells[i]);
        else
            changed[i] = i < is->count && cell_has(&is->cells[i]);
        any |= changed[i] && org_event_field(field);
    }
    for (size_t i = 0; any && i < count; i++) /* always told with a change */
        changed[i] |= text_eq(was->table->object->fields[i]->name, "LastModifiedDate");
    return any ? changed : NULL;
}

static const char *const kinds[] = {"CREATE", "UPDATE", "DELETE", "UNDELETE"};
static const char *const gaps[] = {"GAP_CREATE", "GAP_UPDATE", "GAP_DELETE", "GAP_UNDELETE"};

static struct pending *pending_for(struct org *org, const struct table *table, const char *kind,
                                   const char *payload, const char *changed)
{
    struct capture *capture = org->capture;
    char hash[65];
    if (!capture->same)
        capture->same = map_new();
    sha256_hex(payload, strlen(payload), hash);
    const char *key =
        arena_printf(capture->arena, "%s %s %s %s", table->object->name, kind, changed, hash);
    struct pending *pending = map_get(capture->same, key);
    if (pending)
        return pending;
    pending = arena_alloc(capture->arena, sizeof *pending);
    pending->object = table->object;
    pending->kind = kind;
    pending->payload = arena_strdup(capture->arena, payload);
    pending->changed = arena_strdup(capture->arena, changed);
    pending->schema_id = table->schema_id;
    map_put(capture->same, key, pending);
    vec_push(&capture->pending, pending);
    return pending;
}

static void pend(struct org *org, const struct before *was, const struct before *is, int kind,
                 const bool *changed)
{
    struct buf payload = BUF_INIT, names = BUF_INIT;
    const struct sobject *object = was->table->object;
    const char *name = kinds[kind];
    if (kind != CHANGE_DELETE)
        change_payload(&payload, object, is->cells, kind == CHANGE_UPDATE ? changed : NULL);
    change_names(&names, object, kind == CHANGE_UPDATE ? changed : NULL);
    if (payload.len > EVENT_MAX) {
        buf_clear(&payload);
        name = gaps[kind];
    }
    struct pending *pending =
        pending_for(org, was->table, name, buf_text(&payload), buf_text(&names));
    vec_push(&pending->ids, was->id);
    buf_free(&payload);
    buf_free(&names);
}

static enum status tell_watcher(struct org *org, const struct before *was, int kind,
                                const bool *changed, struct err *err)
{
    struct org_change change = {.object = was->table->object,
                                .id18 = was->id,
                                .changed = changed,
                                .cascaded = was->cascaded,
                                .bulk = org->capture->bulk};
    change.kind = kind;
    return org->on_change(org->on_change_ctx, &change, err);
}

static enum status judge(struct org *org, const struct before *was, struct err *err)
{
    struct before is = {.table = was->table};
    if (snapshot(org, was->table, was->id, &is, err) != OK)
        return FAIL;
    int kind = kind_of(was, &is);
    const bool *changed = kind < 0 ? NULL : fields_changed(org->capture->arena, was, &is);
    if (kind < 0 || (kind == CHANGE_UPDATE && !changed))
        return OK;
    if (was->table->captured)
        pend(org, was, &is, kind, changed);
    if (was->table->watched && org->on_change)
        return tell_watcher(org, was, kind, changed, err);
    return OK;
}

static void transaction_key(struct org *org, int64_t number, char out[40])
{
    struct rng rng = {org->seed ^ (uint64_t)number};
    uint64_t high = rng_next(&rng), low = rng_next(&rng);
    snprintf(out, 40, "%08x-%04x-%04x-%04x-%012llx", (unsigned)(high >> 32) & 0x00ffffff,
             (unsigned)(high >> 16) & 0xffff, (unsigned)high & 0xffff,
             (unsigned)(low >> 48) & 0xffff, (unsigned long long)(low & 0xffffffffffffull));
}

/* Numbers grow with every transaction: they come from the replay ids. */
static struct change_message message_of(struct org *org, char key[40])
{
    const struct capture *capture = org->capture;
    struct change_message message = {.user = capture->user,
                                     .origin = capture->origin,
                                     .key = key,
                                     .commit_ms = org_now_ms(org),
                                     .commit_number = 1080000000000 + org->replay_last * 7,
                                     .payload = "",
                                     .changed = "[]"};
    transaction_key(org, message.commit_number, key);
    return message;
}

static enum status publish_pending(struct org *org, struct err *err)
{
    struct capture *capture = org->capture;
    char key[40], topic[100];
    struct change_message message = message_of(org, key);
    for (size_t i = 0; i < capture->pending.len; i++) {
        const struct pending *pending = capture->pending.at[i];
        message.object = pending->object;
        message.kind = pending->kind;
        message.payload = pending->payload;
        message.changed = pending->changed;
        message.schema_id = pending->schema_id;
        message.ids = pending->ids.at;
        message.id_count = pending->ids.len;
        message.sequence = (int64_t)i + 1;
        org_change_event_name(pending->object, topic);
        if (org_event_publish(org, EVENT_CHANGE, topic, change_message_write, &message, err) != OK)
            return FAIL;
    }
    return OK;
}

static enum status publish_overflow(struct org *org, struct err *err)
{
    struct capture *capture = org->capture;
    char key[40], topic[100];
    struct change_message message = message_of(org, key);
    for (size_t i = 0; i < capture->touched.len; i++) {
        struct table *table;
        if (table_ready(org, capture->touched.at[i], &table, err) != OK)
            return FAIL;
        if (!table->captured)
            continue;
        message.object = table->object;
        message.kind = "GAP_OVERFLOW";
        message.schema_id = table->schema_id;
        message.sequence++;
        org_change_event_name(table->object, topic);
        if (org_event_publish(org, EVENT_CHANGE, topic, change_message_write, &message, err) != OK)
            return FAIL;
    }
    return OK;
}

enum status capture_commit(struct org *org, struct err *err)
{
    struct capture *capture = org->capture;
    if (!capture)
        return OK;
    if (capture->overflown)
        return publish_overflow(org, err);
    for (size_t i = 0; i < capture->list.len; i++)
        if (judge(org, capture->list.at[i], err) != OK)
            return FAIL;
    return publish_pending(org, err);
}

/* --- gaps on order --- */

enum status org_publish_gap(struct org *org, const struct sobject *object, const char *kind,
                            const char *const *ids, size_t count, struct err *err)
{
    char key[40], topic[100];
    struct table *table;
    if (!org_write_begin(org))
        return err_set(err, ERR_IO, "cannot write to the org");
    struct capture *capture = capture_of(org);
    if (!*capture->user)
        people_default_user(org, capture->user);
    enum status status = table_ready(org, object, &table, err);
    if (status == OK) {
        struct change_message message = message_of(org, key);
        message.object = object;
        message.kind = kind;
        message.schema_id = table->schema_id;
        message.ids = ids;
        message.id_count = count;
        message.sequence = 1;
        org_change_event_name(object, topic);
        status = org_event_publish(org, EVENT_CHANGE, topic, change_message_write, &message, err);
    }
    enum status ended = org_write_end(org, status == OK, status == OK ? err : NULL);
    return status == OK ? ended : status;
}

void org_set_overflow(struct org *org, int64_t changes)
{
    org->overflow_after = changes > 0 ? changes : OVERFLOW_FROM;
}
