/* snapshot.c - pages, keys and the end of a whole reading. */
#include "engine/sources/snapshot.h"

#include "base/log.h"
#include "base/str.h"
#include "store/store_sources.h"

#include <stdarg.h>
#include <string.h>

#define PAGE_ROWS   1000
#define PAGE_BYTES  ((size_t)4 << 20)
#define LONGEST_KEY 200
#define LOOK_AT     20000 /* rows a transaction, when what is gone is taken away */
#define MANY_ROWS   10

struct snapshot {
    struct sync *sync;
    struct arena *arena; /* of the page */
    struct row_in rows[PAGE_ROWS];
    int64_t at[PAGE_ROWS]; /* their numbers or lines */
    bool repeated[PAGE_ROWS];
    size_t count, bytes;
    VEC(struct reject) rejects;
    struct bits seen;
    size_t *key_at; /* positions of unique_by in the fields */
    size_t key_count;
    int64_t rows_added, refused, kept;
    bool fresh; /* earlier rejects are not yet forgotten */
    bool cut, null_keys;
};

/* ------------------------------------------------------------------- keys */

static bool is_blank(struct value v)
{
    return !v.text || !str_trim((struct str){v.text, v.len}).n;
}

static void write_key(struct buf *out, const struct value *values, const size_t *columns,
                      size_t count)
{
    struct jw w;
    if (count == 1 && values[columns[0]].text) {
        buf_append(out, values[columns[0]].text, values[columns[0]].len);
        return;
    }
    jw_init(&w, out);
    jw_array(&w);
    for (size_t i = 0; i < count; i++) {
        struct value v = values[columns[i]];
        v.text ? jw_text_n(&w, v.text, v.len) : jw_null(&w);
    }
    jw_end_array(&w);
}

const char *source_key(struct arena *arena, const struct value *values, const size_t *columns,
                       size_t count, bool null_keys)
{
    struct buf text = BUF_INIT;
    char hash[65];
    for (size_t i = 0; i < count && !null_keys; i++)
        if (is_blank(values[columns[i]]))
            return NULL;
    write_key(&text, values, columns, count);
    const char *key = arena_strndup(arena, buf_text(&text), text.len);
    if (text.len > LONGEST_KEY || strlen(key) != text.len) {
        sha256_hex(buf_text(&text), text.len, hash);
        key = arena_printf(arena, "sha256:%s", hash);
    }
    buf_free(&text);
    return key;
}

enum status source_key_columns(struct sync *sync, size_t **columns, size_t *count, struct err *err)
{
    const struct json *by = json_get(sync->source, "unique_by");
    *columns = arena_array(sync->job.arena, by ? by->len + 1 : 1, sizeof **columns);
    *count = 0;
    json_each(name, by) {
        size_t at = 0;
        while (at < sync->field_count && !text_eq_nocase(sync->columns[at]->name, json_text(name)))
            at++;
        if (at == sync->field_count) {
            err_set(err, "sync.key_gone",
                    "the source no longer has what fills `%s`, by which its rows are told apart",
                    json_text(name));
            err_hint(err, "Bring the field back, or change `unique_by` in the recipe. Nothing was "
                          "changed.");
            return FAIL;
        }
        (*columns)[(*count)++] = at;
    }
    return OK;
}

/* ------------------------------------------------------------------- pages */

struct snapshot *snapshot_new(struct sync *sync, struct err *err)
{
    struct snapshot *snap = mem_alloc(sizeof *snap);
    snap->sync = sync;
    snap->arena = arena_new();
    snap->fresh = true;
    if (source_key_columns(sync, &snap->key_at, &snap->key_count, err) == OK)
        return snap;
    snapshot_free(snap);
    return NULL;
}

void snapshot_free(struct snapshot *snap)
{
    if (!snap)
        return;
    arena_free(snap->arena);
    vec_free(&snap->rejects);
    bits_free(&snap->seen);
    free(snap);
}

void snapshot_allow_null_keys(struct snapshot *snap)
{
    snap->null_keys = true;
}

struct arena *snapshot_arena(struct snapshot *snap)
{
    return snap->arena;
}

struct value *snapshot_row(struct snapshot *snap)
{
    return arena_array(snap->arena, snap->sync->field_count + 1, sizeof(struct value));
}

static enum status store_rejects(struct snapshot *snap, struct err *err)
{
    struct sync *sync = snap->sync;
    struct store *store = sync->job.engine->store;
    if (!snap->rejects.len && !snap->fresh)
        return OK;
    if (store->does->sources->rejects_add(store, sync->table->table.id, sync->from->slot,
                                          snap->fresh, snap->rejects.at, snap->rejects.len,
                                          &snap->kept, err) != OK)
        return FAIL;
    snap->fresh = false;
    vec_clear(&snap->rejects);
    return OK;
}

static void reject(struct snapshot *snap, int64_t at, const char *code, const char *message)
{
    struct reject one = {at, arena_strdup(snap->arena, code), arena_strdup(snap->arena, message)};
    snap->refused++;
    vec_push(&snap->rejects, one);
}

/* Of several rows with one key the first stands: else each sync would change it to and fro. */
static void tell_repeats(struct snapshot *snap)
{
    for (size_t i = 0; i < snap->count; i++)
        if (snap->repeated[i])
            reject(snap, snap->at[i], "source.repeated_key",
                   arena_printf(snap->arena,
                                "its key %.100s was there before: the first row with "
                                "it stands, this one was not taken",
                                snap->rows[i].key));
}

static enum status store_rows(struct snapshot *snap, struct err *err)
{
    struct sync *sync = snap->sync;
    if (!snap->count)
        return OK;
    crash_point(sync->job.engine, "K16");
    memset(snap->repeated, 0, sizeof snap->repeated);
    sync->seen = &snap->seen;
    sync->repeated = snap->repeated;
    if (sync_store(sync, snap->rows, snap->count, NULL, false, err) != OK)
        return FAIL;
    tell_repeats(snap);
    return OK;
}

static enum status store_page(struct snapshot *snap, struct err *err)
{
    if (engine_stopping(snap->sync->job.engine))
        return err_set(err, ERR_STOPPED, "stopped; the next sync reads the source again");
    if (store_rows(snap, err) != OK || store_rejects(snap, err) != OK)
        return FAIL;
    arena_reset(snap->arena);
    snap->count = snap->bytes = 0;
    return OK;
}

/* ------------------------------------------------------------------- rows */

enum status snapshot_refuse(struct snapshot *snap, int64_t at, const char *code, struct err *err,
                            const char *fmt, ...)
{
    char message[512];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    message[utf8_cut(message, strlen(message), sizeof message - 1)] = '\0';
    reject(snap, at, code, message);
    return snap->rejects.len >= PAGE_ROWS ? store_page(snap, err) : OK;
}

static enum status tell_misfit(struct snapshot *snap, size_t i, struct value *value, int64_t at,
                               const struct err *why, struct err *err)
{
    *value = VALUE_NULL;
    return snapshot_refuse(snap, at, why->code, err, "column %s: %s; the cell is left empty",
                           snap->sync->columns[i]->name, why->message);
}

enum status snapshot_put_text(struct snapshot *snap, struct value *values, size_t i,
                              struct value text, int64_t at, struct err *err)
{
    struct err why = {0};
    if (value_from_text(snap->arena, snap->sync->columns[i]->type, text, &values[i], &why) == OK)
        return OK;
    return tell_misfit(snap, i, &values[i], at, &why, err);
}

enum status snapshot_put_json(struct snapshot *snap, struct value *values, size_t i,
                              const struct json *json, int64_t at, struct err *err)
{
    struct err why = {0};
    if (value_from_json(snap->arena, snap->sync->columns[i]->type, json, &values[i], &why) == OK)
        return OK;
    return tell_misfit(snap, i, &values[i], at, &why, err);
}

enum status snapshot_add(struct snapshot *snap, struct value *values, const char *key,
                         const char *record, int64_t at, struct err *err)
{
    if (!key && snap->key_count) {
        key = source_key(snap->arena, values, snap->key_at, snap->key_count, snap->null_keys);
        if (!key)
            return snapshot_refuse(snap, at, "source.blank_key", err,
                                   "a field of unique_by is blank: nothing tells the row apart");
    }
    for (size_t i = 0; i < snap->sync->field_count; i++)
        snap->bytes += values[i].len;
    snap->at[snap->count] = at;
    snap->rows[snap->count++] = (struct row_in){key, NULL, false, values, record};
    snap->rows_added++;
    if (snap->count < PAGE_ROWS && snap->bytes < PAGE_BYTES)
        return OK;
    return store_page(snap, err);
}

void snapshot_cut(struct snapshot *snap, const char *why)
{
    snap->cut = true;
    buf_printf(&snap->sync->notes, "; %s", why);
}

/* -------------------------------------------------------------------- end */

static enum status check_loss(struct snapshot *snap, int64_t gone, int64_t held, struct err *err)
{
    struct sync *sync = snap->sync;
    bool large = gone > 500 && gone * 20 > held, most = gone >= MANY_ROWS && gone * 2 > held;
    if (sync->full || (!large && !most))
        return OK;
    if (!snap->rows_added)
        err_set(err, "sync.empty", "%s now gives no row; the table has %lld of it", sync->subject,
                (long long)held);
    else
        err_set(err, "sync.too_many_gone",
                "%lld of %lld rows are no longer in %s: nothing was marked as deleted",
                (long long)gone, (long long)held, sync->subject);
    err_cause(err, "The source may be cut or filtered otherwise than before.");
    err_hint(err, "If the rows are really gone, confirm with --full.");
    return FAIL;
}

static enum status take_away(struct snapshot *snap, struct err *err)
{
    struct sync *sync = snap->sync;
    struct store *store = sync->job.engine->store;
    struct gone_query query = {.table_id = sync->table->table.id,
                               .source = sync->from->slot,
                               .seen = &snap->seen,
                               .how = sync->when_deleted,
                               .limit = LOOK_AT};
    int64_t next = 0;
    do {
        if (engine_stopping(sync->job.engine))
            return err_set(err, ERR_STOPPED, "stopped; the next sync reads the source again");
        if (store->does->sources->gone(store, &query, &next, &sync->report->counts.deleted, err) !=
            OK)
            return FAIL;
        query.after = next;
    } while (next);
    return OK;
}

static enum status mirror(struct snapshot *snap, struct err *err)
{
    struct sync *sync = snap->sync;
    struct sync_report *report = sync->report;
    if (sync_rows_now(sync, &report->rows_now, err) != OK)
        return FAIL;
    int64_t gone = report->rows_now - snap->seen.count;
    if (snap->cut || gone <= 0 || sync->when_deleted == DELETED_KEEP)
        return OK;
    if (check_loss(snap, gone, report->rows_now, err) != OK || take_away(snap, err) != OK)
        return FAIL;
    return sync_rows_now(sync, &report->rows_now, err);
}

static void say(struct snapshot *snap)
{
    struct sync *sync = snap->sync;
    struct sync_report *report = sync->report;
    bool keeps = sync->when_deleted == DELETED_KEEP;
    report->refused = snap->refused;
    report->remote_count = snap->seen.count;
    report->full = true;
    report->as_of_ms = engine_now(sync->job.engine);
    report->complete =
        !snap->cut && !snap->refused &&
        (report->rows_now == snap->seen.count || (keeps && report->rows_now >= snap->seen.count));
    if (snap->refused)
        buf_printf(&sync->notes, "; problems: %lld, see: argil source problems %s",
                   (long long)snap->refused, sync->table->table.name);
    if (snap->refused > snap->kept)
        buf_printf(&sync->notes, " (the first %lld of them)", (long long)snap->kept);
}

enum status snapshot_finish(struct snapshot *snap, struct err *err)
{
    if (store_page(snap, err) != OK || mirror(snap, err) != OK)
        return FAIL;
    say(snap);
    return OK;
}
