/* object_sweep.c - is the table complete? The remote's own count says.
 *
 * Equal counts: complete. Otherwise all Ids are read (nothing else) and compared
 * with ours: what we lack is fetched, what is gone is marked deleted, never
 * removed, because "not in the result" may also mean hidden or out of the
 * filter (B.9, F-56). A sweep acts only when it has read every Id, and refuses
 * to mark a suspicious share of the table unless --full confirms it. */
#include "engine/sources/object_pull.h"

#include "base/log.h"
#include "base/str.h"
#include "base/when.h"

#include <string.h>

#define ID_LEN        18
#define FETCH_AT_ONCE 200
#define MARK_AT_ONCE  2000

/* A set of 18-character ids, packed. */
struct id_set {
    char (*at)[ID_LEN];
    bool *used;
    size_t len, cap;
};

static size_t place_of(const struct id_set *set, const char *id, bool *there)
{
    size_t at = text_hash(id, ID_LEN) & (set->cap - 1);
    for (; set->used[at]; at = (at + 1) & (set->cap - 1))
        if (memcmp(set->at[at], id, ID_LEN) == 0) {
            *there = true;
            return at;
        }
    *there = false;
    return at;
}

static void id_set_grow(struct id_set *set)
{
    struct id_set bigger = {.cap = set->cap ? set->cap * 2 : 4096, .len = set->len};
    bool there;
    bigger.at = mem_array(bigger.cap, sizeof *bigger.at);
    bigger.used = mem_array(bigger.cap, sizeof *bigger.used);
    for (size_t i = 0; i < set->cap; i++)
        if (set->used[i]) {
            size_t at = place_of(&bigger, set->at[i], &there);
            memcpy(bigger.at[at], set->at[i], ID_LEN);
            bigger.used[at] = true;
        }
    free(set->at);
    free(set->used);
    *set = bigger;
}

static void id_set_add(struct id_set *set, const char *id)
{
    bool there;
    if (set->len * 4 >= set->cap * 3)
        id_set_grow(set);
    size_t at = place_of(set, id, &there);
    if (there)
        return;
    memcpy(set->at[at], id, ID_LEN);
    set->used[at] = true;
    set->len++;
}

/* Takes the id out; true when it was there. */
static bool id_set_has(const struct id_set *set, const char *id)
{
    bool there = false;
    if (set->cap && strlen(id) == ID_LEN)
        place_of(set, id, &there);
    return there;
}

static void id_set_free(struct id_set *set)
{
    free(set->at);
    free(set->used);
}

/* --------------------------------------------------------------- reading */

static enum status read_ids(struct object_pull *pull, struct id_set *set, struct err *err)
{
    const struct connector *crm = pull->on->session->does;
    struct crm_read read = {.object = pull->object->name,
                            .where = pull->where,
                            .expected = pull->sync->report->remote_count,
                            .transport = pull->transport};
    struct crm_reader *reader = crm->read_open(pull->on->session, &read, err);
    struct arena *arena = arena_new();
    enum status rc = reader ? OK : FAIL;
    struct crm_page page = {0};
    while (rc == OK && !page.last) {
        arena_reset(arena);
        rc = engine_stopping(pull->sync->job.engine) ? err_set(err, ERR_STOPPED, "stopped")
                                                     : crm->read_next(reader, arena, &page, err);
        for (size_t i = 0; rc == OK && i < page.count; i++)
            if (!page.records[i].deleted)
                id_set_add(set, page.records[i].id);
        job_tick(&pull->sync->job, "comparing Ids", (int64_t)set->len,
                 pull->sync->report->remote_count);
    }
    crm->read_close(reader);
    arena_free(arena);
    return rc;
}

/* Our keys that are not in the set: to `gone`. Those that are, leave the rest missing here. */
static enum status compare_keys(struct object_pull *pull, const struct id_set *remote,
                                struct id_set *local, struct id_set *gone, struct err *err)
{
    struct store *store = pull->sync->job.engine->store;
    char after[64] = "";
    for (size_t count = MARK_AT_ONCE; count == MARK_AT_ONCE;) {
        struct arena *arena = arena_new();
        const char **keys = NULL;
        enum status rc = store->does->keys_list(store, arena, pull->sync->table->table.id,
                                                pull->sync->from->slot, *after ? after : NULL,
                                                MARK_AT_ONCE, &keys, &count, err);
        for (size_t i = 0; rc == OK && i < count; i++) {
            id_set_add(local, keys[i]);
            if (!id_set_has(remote, keys[i]))
                id_set_add(gone, keys[i]);
        }
        if (rc == OK && count)
            snprintf(after, sizeof after, "%s", keys[count - 1]);
        arena_free(arena);
        if (rc != OK)
            return FAIL;
    }
    return OK;
}

/* --------------------------------------------------------------- deleting */

static enum status check_share(struct object_pull *pull, size_t gone, size_t rows, struct err *err)
{
    bool large = gone > 500 && gone * 20 > rows;
    bool most = gone >= 10 && gone * 2 > rows;
    if (pull->sync->full || (!large && !most))
        return OK;
    err_set(err, "sync.too_many_gone",
            "%zu of %zu rows are no longer found in %s: nothing was marked as deleted", gone, rows,
            pull->object->name);
    err_cause(err, "The filter, sharing or permissions of the connected user may have changed.");
    err_hint(err, "If the records are really gone, confirm with --full.");
    return FAIL;
}

static enum status mark_gone(struct object_pull *pull, const struct id_set *gone, struct err *err)
{
    struct store *store = pull->sync->job.engine->store;
    char(*texts)[ID_LEN + 1] = mem_array(MARK_AT_ONCE, sizeof *texts);
    const char **keys = mem_array(MARK_AT_ONCE, sizeof *keys);
    size_t count = 0;
    enum status rc = OK;
    enum when_deleted how = pull->sync->when_deleted == DELETED_KEEP ? DELETED_KEEP : DELETED_MARK;
    for (size_t i = 0; i <= gone->cap && rc == OK; i++) {
        if (count == MARK_AT_ONCE || (i == gone->cap && count)) {
            rc = store->does->rows_delete(store, pull->sync->table->table.id,
                                          pull->sync->from->slot, keys, count, how, err);
            count = 0;
        }
        if (i == gone->cap || !gone->used[i])
            continue;
        memcpy(texts[count], gone->at[i], ID_LEN);
        keys[count] = texts[count];
        count++;
    }
    if (rc == OK && how == DELETED_MARK)
        pull->sync->report->counts.deleted += (int64_t)gone->len;
    free(texts);
    free(keys);
    return rc;
}

/* --------------------------------------------------------------- fetching */

static enum status fetch_some(struct object_pull *pull, const char *list, struct err *err)
{
    const struct connector *crm = pull->on->session->does;
    struct arena *arena = arena_new();
    const char *where = pull->where && *pull->where
                            ? arena_printf(arena, "(%s) AND Id IN (%s)", pull->where, list)
                            : arena_printf(arena, "Id IN (%s)", list);
    struct crm_read read = {.object = pull->object->name,
                            .fields = pull->sync->fields,
                            .field_count = pull->sync->field_count,
                            .where = where};
    struct crm_reader *reader = crm->read_open(pull->on->session, &read, err);
    enum status rc = reader ? OK : FAIL;
    struct crm_page page = {0};
    while (rc == OK && !page.last) {
        struct arena *mine = arena_new();
        rc = crm->read_next(reader, mine, &page, err);
        if (rc == OK && page.count)
            rc = object_store_page(pull, &page, mine, err);
        arena_free(mine);
    }
    crm->read_close(reader);
    arena_free(arena);
    return rc;
}

static enum status fetch_missing(struct object_pull *pull, const struct id_set *remote,
                                 const struct id_set *local, struct err *err)
{
    struct buf list = BUF_INIT;
    size_t count = 0;
    enum status rc = OK;
    for (size_t i = 0; i <= remote->cap && rc == OK; i++) {
        char id[ID_LEN + 1] = "";
        if (i < remote->cap && remote->used[i])
            memcpy(id, remote->at[i], ID_LEN);
        if (*id && !id_set_has(local, id)) {
            buf_printf(&list, "%s'%s'", count ? "," : "", id);
            count++;
        }
        if (count == FETCH_AT_ONCE || (i == remote->cap && count)) {
            rc = fetch_some(pull, buf_text(&list), err);
            buf_clear(&list);
            count = 0;
        }
    }
    buf_free(&list);
    return rc;
}

static enum status sweep(struct object_pull *pull, struct err *err)
{
    struct id_set remote = {0}, local = {0}, gone = {0};
    enum status rc = read_ids(pull, &remote, err);
    if (rc == OK)
        rc = compare_keys(pull, &remote, &local, &gone, err);
    if (rc == OK)
        rc = check_share(pull, gone.len, local.len, err);
    if (rc == OK && gone.len)
        rc = mark_gone(pull, &gone, err);
    if (rc == OK)
        rc = fetch_missing(pull, &remote, &local, err);
    if (rc == OK) {
        pull->swept = true;
        pull->sync->report->remote_count = (int64_t)remote.len;
        log_info("sweep of %s: %zu remote, %zu ours, %zu gone", pull->object->name, remote.len,
                 local.len, gone.len);
    }
    id_set_free(&remote);
    id_set_free(&local);
    id_set_free(&gone);
    return rc;
}

/* ---------------------------------------------------------------- compare */

/* Records made after the window ended are counted by the remote, not yet by us. */
static enum status count_newer(struct object_pull *pull, struct err *err)
{
    const struct crm_field *created = crm_object_field(pull->object, "CreatedDate");
    const struct connector *crm = pull->on->session->does;
    char since[32];
    if (!pull->lag_ms || !created || !created->filterable)
        return OK;
    when_iso_seconds(pull->cursor.covered_ms, since);
    const char *where =
        pull->where
            ? arena_printf(pull->sync->job.arena, "(%s) AND CreatedDate >= %s", pull->where, since)
            : arena_printf(pull->sync->job.arena, "CreatedDate >= %s", since);
    return crm->count(pull->on->session, pull->object->name, where, &pull->newer, err);
}

enum status object_compare(struct object_pull *pull, struct err *err)
{
    struct sync_report *report = pull->sync->report;
    const struct connector *crm = pull->on->session->does;
    if (crm->count(pull->on->session, pull->object->name, pull->where, &report->remote_count,
                   err) != OK ||
        sync_rows_now(pull->sync, &report->rows_now, err) != OK)
        return FAIL;
    report->complete = report->rows_now == report->remote_count && !pull->missing;
    if (report->complete)
        return OK;
    if (count_newer(pull, err) != OK)
        return FAIL;
    report->complete = report->rows_now == report->remote_count - pull->newer && !pull->missing;
    if (report->complete)
        return OK;
    pull->newer = 0;
    if (sweep(pull, err) != OK || sync_rows_now(pull->sync, &report->rows_now, err) != OK)
        return FAIL;
    report->complete =
        report->rows_now == report->remote_count ||
        (pull->sync->when_deleted == DELETED_KEEP && report->rows_now >= report->remote_count);
    return OK;
}
