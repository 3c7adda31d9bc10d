/* bulk_rows.c - the records of a finished Bulk query job, while they come.
 *
 * A thread of its own fetches result page after result page and takes the CSV
 * apart as the bytes arrive (csv.h); records collect in one of a few batches,
 * which wait for the caller. So the network, inflating and splitting run beside
 * the caller's writing, and memory does not grow with the result: when all
 * batches are full the thread stops reading and the org waits.
 *
 * Facts: results come as quoted CSV with a header row on every page; the header
 * Sforce-Locator names the next page and is the text "null" on the last one;
 * Sforce-NumberOfRecords counts the page's records; nulls are empty cells.
 *
 * A page that breaks off is asked for again with the records already taken left
 * out: the results of a job do not change. Invariant: place.skip of the thread
 * counts the records of the present page that are in batches. */
#include "connect/salesforce/read_priv.h"

#include "base/csv.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/uri.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BATCHES      3
#define BATCH_ROWS   ((size_t)5000)
#define BATCH_BYTES  (4 * MIB) /* of text, and of values: wide records make smaller batches */
#define PAGE_RECORDS 100000    /* of a result page: ten calls a million */
#define STALL_MS     60000
#define ATTEMPTS     6 /* without a record between */
#define BACKOFF_MS   500

#define ERR_DAMAGED "connect.damaged" /* not the CSV that was asked for */

struct batch {
    struct arena *arena;
    struct bulk_batch out;
    size_t bytes;
};

struct bulk_rows {
    struct sf *sf;
    const struct bulk_column *columns;
    size_t column_count, width, batch_rows;
    struct bulk_place taken; /* behind the last batch the caller got */
    bool ended;              /* the caller got the last batch */
    int attempts;

    pthread_t thread;
    bool running;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t full;    /* under the lock: batches that are ready or lent */
    bool stopped;   /* under the lock: the thread is done */
    bool refreshed; /* since the last batch: a second ended session is the end */
    size_t first;   /* the caller's: the oldest ready batch */
    bool lent;      /* the caller has batches[first] */
    atomic_bool cancel;
    struct batch batches[BATCHES];

    /* the thread's own, the caller's again after a join */
    struct sf *side;
    struct csv_reader *csv;
    size_t fill; /* the batch at hand */
    struct bulk_place place;
    int64_t left_out, seen; /* of the present page: still to be skipped; records that came */
    bool header_seen;
    enum status sent;
    struct err why;
    struct http_response response;
};

/* ------------------------------------------------------------ the batches */

static void batch_clear(struct bulk_rows *rows, struct batch *batch)
{
    arena_reset(batch->arena);
    batch->out = (struct bulk_batch){0};
    batch->out.records = arena_raw(batch->arena, rows->batch_rows * sizeof *batch->out.records);
    batch->bytes = 0;
}

/* The batch at hand is ready; waits until there is another one to fill. */
static enum status batch_hand_over(struct bulk_rows *rows, bool last, struct err *err)
{
    struct batch *batch = &rows->batches[rows->fill];
    batch->out.behind = rows->place;
    batch->out.last = last;
    pthread_mutex_lock(&rows->lock);
    rows->full++;
    pthread_cond_broadcast(&rows->changed);
    while (!last && rows->full == BATCHES && !atomic_load(&rows->cancel))
        pthread_cond_wait(&rows->changed, &rows->lock);
    pthread_mutex_unlock(&rows->lock);
    if (last)
        return OK;
    if (atomic_load(&rows->cancel))
        return err_set(err, ERR_HTTP_CANCELLED, "given up");
    rows->fill = (rows->fill + 1) % BATCHES;
    batch_clear(rows, &rows->batches[rows->fill]);
    return OK;
}

/* ------------------------------------------------------------- one record */

/* 2011-07-07T00:37:00.000Z as REST prints it: ...000+0000. `text` has room. */
static uint32_t as_rest_prints(char *text, uint32_t len)
{
    if (len != 24 || text[23] != 'Z')
        return len;
    memcpy(text + 23, "+0000", 6);
    return 28;
}

static void role_take(enum want_role role, const char *text, uint32_t len, struct arena *arena,
                      struct crm_record *record)
{
    char id[19];
    switch (role) {
    case WANT_VALUE:
        break;
    case WANT_ID:
        record->id = sf_id(text, len, id) ? arena_strdup(arena, id) : NULL;
        break;
    case WANT_STAMP:
        record->stamp = len ? text : NULL;
        break;
    case WANT_DELETED:
        record->deleted = text_eq_nocase(text, "true");
        break;
    case WANT_MASTER:
        record->master_id = sf_id(text, len, id) ? arena_strdup(arena, id) : NULL;
        break;
    }
}

/* Copies the fields behind one another, each with a NUL, and deals them out. */
static enum status record_take(struct bulk_rows *rows, struct batch *batch,
                               const struct str *fields, struct err *err)
{
    size_t bytes = 0, width = rows->width;
    for (size_t i = 0; i < rows->column_count; i++)
        bytes += fields[i].n + 1 + 5 * rows->columns[i].datetime;
    struct crm_record *record = &batch->out.records[batch->out.count];
    *record = (struct crm_record){0};
    struct value *values = arena_raw(batch->arena, width * sizeof *values + bytes);
    char *at = (char *)(values + width);
    memset(values, 0, width * sizeof *values);
    record->values = values;
    for (size_t i = 0; i < rows->column_count; i++) {
        const struct bulk_column *column = &rows->columns[i];
        uint32_t len = (uint32_t)fields[i].n;
        memcpy(at, fields[i].p, len);
        at[len] = '\0';
        if (column->datetime)
            len = as_rest_prints(at, len);
        for (size_t k = 0; len && k < column->slot_count; k++)
            values[column->slots[k]] = (struct value){at, len};
        if (column->role != WANT_VALUE)
            role_take(column->role, at, len, batch->arena, record);
        at += len + 1;
    }
    if (!record->id)
        return err_set(err, ERR_DAMAGED, "a record of the Bulk result came without its id");
    batch->out.count++;
    batch->bytes += bytes;
    return OK;
}

static enum status header_check(struct bulk_rows *rows, const struct str *fields, size_t count,
                                struct err *err)
{
    bool same = count == rows->column_count;
    for (size_t i = 0; same && i < count; i++)
        same = str_eq_nocase(fields[i], str_of(rows->columns[i].name));
    rows->header_seen = true;
    return same
               ? OK
               : err_set(err, ERR_DAMAGED, "the Bulk result has other columns than were asked for");
}

static enum status on_record(void *ctx, const struct str *fields, const bool *quoted, size_t count,
                             uint64_t line, struct err *err)
{
    struct bulk_rows *rows = ctx;
    if (!rows->header_seen)
        return header_check(rows, fields, count, err);
    rows->seen++;
    if (rows->left_out > 0) {
        rows->left_out--;
        return OK;
    }
    if (count != rows->column_count)
        return err_set(err, ERR_DAMAGED, "a record of the Bulk result has %zu cells instead of %zu",
                       count, rows->column_count);
    struct batch *batch = &rows->batches[rows->fill];
    if (record_take(rows, batch, fields, err) != OK)
        return FAIL;
    rows->place.skip++;
    rows->place.done++;
    if (batch->out.count < rows->batch_rows && batch->bytes < BATCH_BYTES)
        return OK;
    return batch_hand_over(rows, false, err);
}

static enum status on_bytes(void *ctx, const char *bytes, size_t len, struct err *err)
{
    struct bulk_rows *rows = ctx;
    return csv_feed(rows->csv, bytes, len, err);
}

/* --------------------------------------------------------------- one page */

static const char *page_path(const struct bulk_rows *rows, struct arena *arena)
{
    const struct bulk_place *place = &rows->place;
    if (!place->locator[0])
        return arena_printf(arena, "/jobs/query/%s/results?maxRecords=%d", place->job,
                            PAGE_RECORDS);
    return arena_printf(arena, "/jobs/query/%s/results?maxRecords=%d&locator=%s", place->job,
                        PAGE_RECORDS, uri_encoded(arena, place->locator));
}

/* The page is whole: where does the next one begin? */
static enum status page_end(struct bulk_rows *rows, bool *last, struct err *err)
{
    const struct http_header *headers = rows->response.headers;
    const char *locator = http_header_get(headers, "Sforce-Locator");
    const char *count = http_header_get(headers, "Sforce-NumberOfRecords");
    if (csv_finish(rows->csv, err) != OK)
        return FAIL;
    if (!rows->header_seen)
        return err_set(err, ERR_DAMAGED, "a page of the Bulk result has no header row");
    if (!count || strtoll(count, NULL, 10) != rows->seen || rows->left_out > 0)
        return err_set(err, ERR_DAMAGED,
                       "a page of the Bulk result has %lld records, its head says %s",
                       (long long)rows->seen, count ? count : "nothing");
    *last = !locator || !*locator || text_eq(locator, "null");
    if (*last)
        return OK;
    if (strlen(locator) >= sizeof rows->place.locator || text_eq(locator, rows->place.locator))
        return err_set(err, ERR_DAMAGED, "the Bulk result leads nowhere (locator %.40s)", locator);
    snprintf(rows->place.locator, sizeof rows->place.locator, "%s", locator);
    rows->place.skip = 0;
    return OK;
}

static enum status page_fetch(struct bulk_rows *rows, bool *last, struct err *err)
{
    struct arena *arena = arena_new();
    struct sf_call call = {.path = page_path(rows, arena),
                           .accept = "text/csv",
                           .take = on_bytes,
                           .take_ctx = rows,
                           .stall_ms = STALL_MS,
                           .cancel = &rows->cancel};
    csv_reader_free(rows->csv);
    rows->csv = csv_reader_new(NULL, on_record, rows);
    rows->header_seen = false;
    rows->left_out = rows->place.skip;
    rows->seen = 0;
    http_response_free(&rows->response);
    enum status rc = sf_send(rows->side, &call, &rows->response, err);
    if (rc == OK && rows->response.status != 200)
        rc = err_set(err, ERR_CRM_REFUSED, "status %d", rows->response.status);
    else if (rc == OK)
        rc = page_end(rows, last, err);
    arena_free(arena);
    return rc;
}

static void *fetch_all(void *arg)
{
    struct bulk_rows *rows = arg;
    bool last = false;
    rows->sent = OK;
    while (rows->sent == OK && !last)
        rows->sent = page_fetch(rows, &last, &rows->why);
    if (rows->sent == OK)
        rows->sent = batch_hand_over(rows, true, &rows->why);
    pthread_mutex_lock(&rows->lock);
    rows->stopped = true;
    pthread_cond_broadcast(&rows->changed);
    pthread_mutex_unlock(&rows->lock);
    return NULL;
}

/* ------------------------------------------------------ the caller's side */

static enum status thread_start(struct bulk_rows *rows, struct err *err)
{
    sigset_t all, before;
    sf_side_ready(rows->side, rows->sf);
    rows->place = rows->taken;
    rows->first = rows->fill = rows->full = 0;
    rows->lent = rows->stopped = false;
    err_clear(&rows->why);
    batch_clear(rows, &rows->batches[0]);
    sigfillset(&all); /* signals are the main thread's business */
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int rc = pthread_create(&rows->thread, NULL, fetch_all, rows);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    rows->running = rc == 0;
    return rc == 0 ? OK : err_set(err, ERR_IO, "starting a thread: %s", strerror(rc));
}

static void thread_join(struct bulk_rows *rows)
{
    if (rows->running)
        pthread_join(rows->thread, NULL);
    rows->running = false;
    sf_side_done(rows->side, rows->sf);
}

/* Gives the lent batch back and waits a while for the next one. */
static struct batch *batch_wait(struct bulk_rows *rows, bool *over)
{
    struct batch *batch = NULL;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec++;
    pthread_mutex_lock(&rows->lock);
    if (rows->lent) {
        rows->first = (rows->first + 1) % BATCHES;
        rows->full--;
        rows->lent = false;
        pthread_cond_broadcast(&rows->changed);
    }
    int rc = 0;
    while (rows->full == 0 && !rows->stopped && rc == 0)
        rc = pthread_cond_timedwait(&rows->changed, &rows->lock, &until);
    *over = rows->full == 0 && rows->stopped;
    if (rows->full > 0) {
        batch = &rows->batches[rows->first];
        rows->lent = true;
    }
    pthread_mutex_unlock(&rows->lock);
    return batch;
}

static bool results_gone(const struct err *err)
{
    static const char *const gone[] = {"sf.NOT_FOUND",       "sf.INVALIDJOB",
                                       "sf.INVALIDJOBSTATE", "sf.INVALIDLOCATOR",
                                       "sf.INVALID_LOCATOR", "sf.API_VERSION_MISMATCH"};
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        if (err_is(err, gone[i]))
            return true;
    return false;
}

/* The thread ended in failure: OK when asking again may help. */
static enum status judge(struct bulk_rows *rows, struct arena *arena, struct err *err)
{
    struct http_response *response = &rows->response;
    struct err unread = {0};
    struct sf_call call = {.what = "fetching a Bulk result"};
    if (response->status == 0 || (response->status >= 200 && response->status < 300)) {
        err_set(err, err_is(&rows->why, ERR_DAMAGED) ? ERR_CRM_SHORT : ERR_CRM_UNREACHABLE,
                "fetching a Bulk result: %s", rows->why.message);
        return OK; /* the network, or a page that is not whole */
    }
    const struct json *body = json_parse_buf(arena, &response->body, &unread);
    sf_fail(rows->sf, &call, response->status, body, &response->body, err);
    if (sf_token_stale(response, body) && !rows->refreshed) {
        rows->refreshed = true;
        return sf_refresh(rows->sf, err);
    }
    if (sf_passing(response->status, body))
        return OK;
    if (!results_gone(err))
        return FAIL;
    err_set(err, ERR_CRM_PLACE_LOST, "the results of Bulk job %s are gone", rows->taken.job);
    err_cause(err, "Salesforce keeps them for seven days, or until the job is deleted.");
    return FAIL;
}

static enum status try_again(struct bulk_rows *rows, struct err *err)
{
    struct arena *arena = arena_new();
    enum status rc = judge(rows, arena, err);
    arena_free(arena);
    if (rc != OK || ++rows->attempts >= ATTEMPTS)
        return FAIL;
    sf_backoff(rows->sf->world, rows->attempts - 1, BACKOFF_MS);
    err_clear(err);
    return thread_start(rows, err);
}

enum status bulk_rows_next(struct bulk_rows *rows, struct bulk_batch *batch, struct err *err)
{
    memset(batch, 0, sizeof *batch);
    batch->behind = rows->taken;
    batch->last = rows->ended;
    if (rows->ended)
        return OK;
    bool over;
    struct batch *ready = batch_wait(rows, &over);
    if (ready) {
        *batch = ready->out;
        rows->taken = batch->behind;
        rows->ended = batch->last;
        rows->attempts = 0;
        rows->refreshed = false;
    }
    if (!over)
        return OK;
    thread_join(rows);
    return try_again(rows, err);
}

struct bulk_rows *bulk_rows_open(struct sf *sf, const struct bulk_column *columns, size_t count,
                                 size_t width, const struct bulk_place *from, struct err *err)
{
    struct sf *side = sf_side_new(sf, err);
    if (!side)
        return NULL;
    struct bulk_rows *rows = mem_alloc(sizeof *rows);
    size_t fit = BATCH_BYTES / ((width + 1) * sizeof(struct value));
    rows->sf = sf;
    rows->side = side;
    rows->columns = columns;
    rows->column_count = count;
    rows->width = width;
    rows->batch_rows = fit < 1 ? 1 : fit < BATCH_ROWS ? fit : BATCH_ROWS;
    rows->taken = *from;
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&rows->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&rows->lock, NULL);
    for (size_t i = 0; i < BATCHES; i++)
        rows->batches[i].arena = arena_new();
    if (thread_start(rows, err) == OK)
        return rows;
    bulk_rows_close(rows);
    return NULL;
}

void bulk_rows_close(struct bulk_rows *rows)
{
    if (!rows)
        return;
    pthread_mutex_lock(&rows->lock);
    atomic_store(&rows->cancel, true);
    pthread_cond_broadcast(&rows->changed);
    pthread_mutex_unlock(&rows->lock);
    thread_join(rows);
    csv_reader_free(rows->csv);
    http_response_free(&rows->response);
    for (size_t i = 0; i < BATCHES; i++)
        arena_free(rows->batches[i].arena);
    pthread_cond_destroy(&rows->changed);
    pthread_mutex_destroy(&rows->lock);
    sf_free(rows->side);
    free(rows);
}
