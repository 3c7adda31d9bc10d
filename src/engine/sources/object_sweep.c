/* object_sweep.c - is the table complete? The remote's own count says; and now and
 * then, all Ids.
 *
 * Equal counts: complete. Otherwise, or when the last comparison is older than
 * `sweep`, all Ids are read (nothing else) and met with ours: what we lack is
 * fetched, what is gone is marked deleted, never removed, because "not in the
 * result" may also mean hidden or out of the filter (B.9, F-56).
 *
 * Deleting wants all of this: every Id was read, the remote counts as many, the
 * connected user is the one of the last time, and the share of rows that would go
 * is not suspicious (or --full confirms it). Killed before the end, nothing was
 * deleted (K17). Memory is a bit a row. */
#include "engine/sources/object_pull.h"

#include "base/log.h"
#include "base/str.h"
#include "base/when.h"
#include "store/store_sources.h"

#include <string.h>

#define ID_LEN        18
#define FETCH_AT_ONCE 400   /* Ids in one condition: 8,400 characters of a URL */
#define MISSING_MOST  20000 /* more are read anew: as many calls, and simpler */
#define LOOK_AT       20000 /* rows a transaction, when what is gone is marked */

struct sweep {
    struct object_pull *pull;
    struct bits seen;
    int64_t met;       /* live Ids of the remote */
    VEC(char) missing; /* ID_LEN bytes each: Ids we do not hold */
    int64_t missing_count;
};

/* ----------------------------------------------------------------- reading */

static enum status meet(struct sweep *sweep, const struct crm_page *page, struct arena *arena,
                        struct err *err)
{
    struct object_pull *pull = sweep->pull;
    struct store *store = pull->sync->job.engine->store;
    const char **keys = arena_array(arena, page->count + 1, sizeof *keys);
    size_t *unknown = arena_array(arena, page->count + 1, sizeof *unknown);
    size_t count = 0, unknown_count;
    for (size_t i = 0; i < page->count; i++)
        if (!page->records[i].deleted)
            keys[count++] = page->records[i].id;
    if (store->does->sources->met(store, pull->sync->table->table.id, pull->sync->from->slot, keys,
                                  count, &sweep->seen, unknown, &unknown_count, err) != OK)
        return FAIL;
    sweep->met += (int64_t)count;
    for (size_t i = 0; i < unknown_count; i++, sweep->missing_count++)
        for (size_t k = 0; k < ID_LEN && sweep->missing_count < MISSING_MOST; k++)
            vec_push(&sweep->missing, keys[unknown[i]][k]);
    return OK;
}

static enum status read_ids(struct sweep *sweep, struct err *err)
{
    struct object_pull *pull = sweep->pull;
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
        if (rc == OK && page.count)
            rc = meet(sweep, &page, arena, err);
        job_tick(&pull->sync->job, "comparing Ids", sweep->met, pull->sync->report->remote_count);
    }
    crm->read_close(reader);
    arena_free(arena);
    return rc;
}

/* --------------------------------------------------------------- deleting */

static enum status check_share(struct object_pull *pull, int64_t gone, int64_t rows,
                               struct err *err)
{
    bool large = gone > 500 && gone * 20 > rows;
    bool most = gone >= 10 && gone * 2 > rows;
    if (pull->sync->full || (!large && !most))
        return OK;
    err_set(err, "sync.too_many_gone",
            "%lld of %lld rows are no longer found in %s: nothing was marked as deleted",
            (long long)gone, (long long)rows, pull->object->name);
    err_cause(err, "The filter, sharing or permissions of the connected user may have changed.");
    err_hint(err, "If the records are really gone, confirm with --full.");
    return FAIL;
}

/* Another user may see less: what is missing now may only be hidden from this one. */
static bool is_another_user(const struct object_pull *pull)
{
    const char *before = pull->cursor.user_id, *now = pull->on->connection.user_id;
    return before && now && !text_eq(before, now) && !pull->sync->full;
}

/* The remote counts more than it gave Ids: the reading was short, whatever it said. */
static enum status check_met(struct sweep *sweep, bool *enough, struct err *err)
{
    struct object_pull *pull = sweep->pull;
    const struct connector *crm = pull->on->session->does;
    int64_t count;
    *enough = sweep->met >= pull->sync->report->remote_count;
    if (*enough)
        return OK;
    if (crm->count(pull->on->session, pull->object->name, pull->where, &count, err) != OK)
        return FAIL;
    *enough = sweep->met >= count;
    pull->sync->report->remote_count = count;
    return OK;
}

static enum status mark_gone(struct sweep *sweep, struct err *err)
{
    struct sync *sync = sweep->pull->sync;
    struct store *store = sync->job.engine->store;
    struct gone_query query = {.table_id = sync->table->table.id,
                               .source = sync->from->slot,
                               .seen = &sweep->seen,
                               .how =
                                   sync->when_deleted == DELETED_KEEP ? DELETED_KEEP : DELETED_MARK,
                               .limit = LOOK_AT};
    int64_t next = 0;
    crash_point(sync->job.engine, "K17");
    do {
        if (store->does->sources->gone(store, &query, &next, &sync->report->counts.deleted, err) !=
            OK)
            return FAIL;
        query.after = next;
    } while (next);
    return OK;
}

static enum status delete_gone(struct sweep *sweep, struct err *err)
{
    struct object_pull *pull = sweep->pull;
    int64_t held;
    bool enough;
    if (sync_rows_now(pull->sync, &held, err) != OK)
        return FAIL;
    int64_t gone = held - sweep->seen.count;
    if (gone <= 0)
        return OK;
    if (check_met(sweep, &enough, err) != OK)
        return FAIL;
    if (!enough) {
        buf_printf(&pull->sync->notes,
                   "; the org counts %lld records and gave %lld Ids: nothing was marked as deleted",
                   (long long)pull->sync->report->remote_count, (long long)sweep->met);
        return OK;
    }
    if (is_another_user(pull)) {
        buf_printf(&pull->sync->notes,
                   "; the connected user changed: %lld rows that are not found were not marked as "
                   "deleted this time",
                   (long long)gone);
        return OK;
    }
    return check_share(pull, gone, held, err) == OK ? mark_gone(sweep, err) : FAIL;
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
                            .where = where,
                            .transport = CRM_TRANSPORT_PAGES};
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

static enum status fetch_missing(struct sweep *sweep, struct err *err)
{
    size_t count = sweep->missing.len / ID_LEN;
    enum status rc = OK;
    if (sweep->missing_count > MISSING_MOST) {
        log_info("%s lacks %lld records: all are read again", sweep->pull->object->name,
                 (long long)sweep->missing_count);
        return object_load_again(sweep->pull, err);
    }
    for (size_t from = 0; rc == OK && from < count; from += FETCH_AT_ONCE) {
        struct buf list = BUF_INIT;
        for (size_t i = from; i < count && i < from + FETCH_AT_ONCE; i++)
            buf_printf(&list, "%s'%.*s'", i > from ? "," : "", ID_LEN,
                       sweep->missing.at + i * ID_LEN);
        rc = engine_stopping(sweep->pull->sync->job.engine)
                 ? err_set(err, ERR_STOPPED, "stopped")
                 : fetch_some(sweep->pull, buf_text(&list), err);
        buf_free(&list);
    }
    return rc;
}

static enum status sweep_ids(struct object_pull *pull, struct err *err)
{
    struct sweep sweep = {.pull = pull};
    enum status rc = read_ids(&sweep, err);
    if (rc == OK)
        rc = delete_gone(&sweep, err);
    if (rc == OK)
        rc = fetch_missing(&sweep, err);
    if (rc == OK) {
        pull->swept = true;
        pull->cursor.swept_ms = object_server_now(pull);
        pull->cursor.user_id = pull->on->connection.user_id;
        if (sweep.met > pull->sync->report->remote_count)
            pull->sync->report->remote_count = sweep.met;
        rc = object_store_cursor(pull, err);
        log_info("sweep of %s: %lld remote, %lld missing", pull->object->name, (long long)sweep.met,
                 (long long)sweep.missing_count);
    }
    bits_free(&sweep.seen);
    vec_free(&sweep.missing);
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

/* After a load into rows that were there, equal counts may be one record deleted and another
 * one new: all Ids are compared once. */
static bool sweep_is_due(const struct object_pull *pull)
{
    if (!pull->cursor.swept_ms)
        return true;
    return pull->sweep_every_ms &&
           object_server_now(pull) - pull->cursor.swept_ms >= pull->sweep_every_ms;
}

/* Do the counts agree? *sure: nothing more needs to be asked. */
static enum status compare_counts(struct object_pull *pull, bool *sure, struct err *err)
{
    struct sync_report *report = pull->sync->report;
    const struct connector *crm = pull->on->session->does;
    bool trusted = !pull->missing && !sweep_is_due(pull);
    *sure = false;
    if (crm->count(pull->on->session, pull->object->name, pull->where, &report->remote_count,
                   err) != OK ||
        sync_rows_now(pull->sync, &report->rows_now, err) != OK)
        return FAIL;
    *sure = trusted && report->rows_now == report->remote_count;
    if (*sure || !trusted)
        return OK;
    if (count_newer(pull, err) != OK)
        return FAIL;
    *sure = report->rows_now == report->remote_count - pull->newer;
    return OK;
}

enum status object_compare(struct object_pull *pull, struct err *err)
{
    struct sync_report *report = pull->sync->report;
    bool sure;
    if (compare_counts(pull, &sure, err) != OK)
        return FAIL;
    report->complete = sure;
    if (sure)
        return OK;
    pull->newer = 0;
    if (sweep_ids(pull, err) != OK || sync_rows_now(pull->sync, &report->rows_now, err) != OK)
        return FAIL;
    report->complete =
        report->rows_now == report->remote_count ||
        (pull->sync->when_deleted == DELETED_KEEP && report->rows_now >= report->remote_count);
    return OK;
}
