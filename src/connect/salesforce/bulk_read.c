/* bulk_read.c - a reader's way through a Bulk query job.
 *
 *     no job      the query is sent; the job's id is the first place, on an empty
 *                 page, so that whoever stores it finds the job again after a kill
 *     running     each call waits a little and asks once: an empty page
 *     done        batches of records, each with the place behind it
 *
 * A job costs one call to make, one each time it is asked after and one for
 * 100,000 records; pages cost one for 2,000. The query goes without ORDER BY, which
 * would keep Salesforce from splitting the work [documented for PK chunking].
 * Whatever the org has against a job (compound fields, an object or a condition
 * it refuses, quotas) sends the reader back to pages, which say it better. */
#include "connect/salesforce/read_priv.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_WAIT_MS   200
#define NAP_MS          ((int64_t)500) /* between two chances to be stopped */
#define MOST_WAIT_MS    30000
#define PATIENCE_MS     ((int64_t)6 * 3600 * 1000) /* with no record more */
#define CALLS_BESIDES   10                         /* to make a job, to ask after it */
#define RECORDS_PER_HIT 100000

struct bulk_read {
    struct bulk_job job;
    struct bulk_place from;
    struct bulk_rows *rows; /* once the job is done */
    struct bulk_column *columns;
    size_t column_count;
    bool known;   /* the job was made, now or by an earlier reader */
    bool resumed; /* ... by an earlier one */
    bool keep;    /* whoever comes next may still want it */
    bool total_said;
    int64_t wait_ms, waited_ms; /* between two questions; of which so much is over */
    int64_t quiet_since;
};

/* Types the Bulk API refuses outright; what else it refuses, it says itself. */
bool bulk_can(const struct crm_reader *reader)
{
    static const char *const refused[] = {"address", "location", "base64", "complexvalue"};
    for (const struct want *w = reader->wants; w; w = w->next) {
        const struct crm_field *field = crm_object_field(reader->object, w->name);
        for (size_t i = 0; field && i < sizeof refused / sizeof *refused; i++)
            if (text_eq(field->type, refused[i]))
                return false;
    }
    return true;
}

bool bulk_pays(int64_t records)
{
    int64_t pages = (records + SF_PAGE - 1) / SF_PAGE;
    int64_t calls = CALLS_BESIDES + (records + RECORDS_PER_HIT - 1) / RECORDS_PER_HIT;
    return pages > 2 * calls;
}

/* ----------------------------------------------------------------- columns */

static bool is_datetime(struct crm_reader *reader, const char *path)
{
    struct err ignored = {0};
    const struct crm_field *field = sf_field_at(reader->sf, reader->object, path, &ignored);
    return field && text_eq(field->type, "datetime");
}

static size_t columns_count(const struct want *wants)
{
    size_t count = 0;
    for (const struct want *w = wants; w; w = w->next)
        count += columns_count(w->kids) + (!w->kids || w->slot_count);
    return count;
}

/* In the order of the SELECT: the kids of a parent before itself. */
static void columns_fill(struct crm_reader *reader, const struct want *wants, const char *prefix)
{
    struct bulk_read *bulk = reader->bulk;
    for (const struct want *w = wants; w; w = w->next) {
        const char *name = arena_printf(reader->arena, "%s%s", prefix, w->name);
        if (w->kids)
            columns_fill(reader, w->kids, arena_printf(reader->arena, "%s.", name));
        if (w->kids && !w->slot_count)
            continue;
        bulk->columns[bulk->column_count++] =
            (struct bulk_column){.name = name,
                                 .slots = w->slots,
                                 .slot_count = w->slot_count,
                                 .role = w->role,
                                 .datetime = is_datetime(reader, name)};
    }
}

/* ------------------------------------------------------------------ places */

/* "750... LOCATOR SKIP DONE", "-" for the first page. */
static const char *place_write(struct arena *arena, const struct bulk_place *place)
{
    return arena_printf(arena, "%s %s %lld %lld", place->job,
                        place->locator[0] ? place->locator : "-", (long long)place->skip,
                        (long long)place->done);
}

static enum status place_read(const char *text, struct bulk_place *place, struct err *err)
{
    char job[32], locator[256];
    long long skip, done;
    int end = 0;
    memset(place, 0, sizeof *place);
    if (sscanf(text, "%31s %255s %lld %lld%n", job, locator, &skip, &done, &end) != 4 ||
        text[end] || skip < 0 || done < skip || !sf_id(job, strlen(job), place->job)) {
        err_set(err, ERR_CRM_PLACE_LOST, "\"%.60s\" is not a place in a Bulk result", text);
        return FAIL;
    }
    if (!text_eq(locator, "-"))
        snprintf(place->locator, sizeof place->locator, "%s", locator);
    place->skip = skip;
    place->done = done;
    return OK;
}

/* ------------------------------------------------------------------- steps */

static int64_t now(const struct crm_reader *reader)
{
    return reader->sf->world->monotonic_ms(reader->sf->world);
}

/* Pages tell the same trouble better, or have none. Not when the org cannot be reached at all. */
static bool pages_may_do(const struct err *err)
{
    return !err_is(err, ERR_CRM_UNREACHABLE) && !err_is(err, ERR_CRM_LIMIT) &&
           !err_is(err, ERR_CRM_RECONNECT);
}

static void back_to_pages(struct crm_reader *reader, const char *why)
{
    log_info("%s is read by pages, not in bulk: %s", reader->read.object, why);
    bulk_read_end(reader);
}

static enum status job_make(struct crm_reader *reader, struct err *err)
{
    struct bulk_read *bulk = reader->bulk;
    struct buf soql = BUF_INIT;
    enum status rc = read_soql(reader, false, &soql, err);
    if (rc == OK)
        rc = bulk_job_create(reader->sf, buf_text(&soql), reader->read.all_rows,
                             reader->read.object, &bulk->job, err);
    buf_free(&soql);
    if (rc == OK) {
        bulk->known = true;
        memcpy(bulk->from.job, bulk->job.id, sizeof bulk->from.job);
        bulk->quiet_since = now(reader);
        bulk->wait_ms = FIRST_WAIT_MS;
    } else if (pages_may_do(err)) {
        back_to_pages(reader, err->message);
        err_clear(err);
        return OK;
    }
    return rc;
}

static enum status job_lost(const struct bulk_read *bulk, struct err *err)
{
    err_set(err, ERR_CRM_PLACE_LOST, "Bulk job %s is gone", bulk->job.id);
    err_cause(err, "It was aborted or deleted, or it is older than the seven days Salesforce keeps "
                   "its results.");
    return FAIL;
}

static enum status job_failed(struct crm_reader *reader, struct err *err)
{
    struct bulk_read *bulk = reader->bulk;
    if (bulk->resumed) /* somebody must know that what follows comes in another order */
        return job_lost(bulk, err);
    back_to_pages(reader, bulk->job.why);
    return OK;
}

/* True when it is time to ask. */
static bool wait_over(struct crm_reader *reader)
{
    struct bulk_read *bulk = reader->bulk;
    struct world *world = reader->sf->world;
    int64_t left = bulk->wait_ms - bulk->waited_ms;
    int64_t nap = left < NAP_MS ? left : NAP_MS;
    if (nap > 0)
        world->sleep_ms(world, nap);
    bulk->waited_ms += nap;
    if (bulk->waited_ms < bulk->wait_ms)
        return false;
    bulk->waited_ms = 0;
    bulk->wait_ms = bulk->wait_ms ? bulk->wait_ms * 3 / 2 : FIRST_WAIT_MS;
    if (bulk->wait_ms > MOST_WAIT_MS)
        bulk->wait_ms = MOST_WAIT_MS;
    return true;
}

static enum status job_ask(struct crm_reader *reader, struct arena *arena, struct err *err)
{
    struct bulk_read *bulk = reader->bulk;
    int64_t before = bulk->job.records;
    if (!wait_over(reader))
        return OK;
    if (bulk_job_poll(reader->sf, arena, &bulk->job, err) != OK) {
        bulk->keep = true;
        return FAIL;
    }
    if (bulk->job.records != before)
        bulk->quiet_since = now(reader);
    switch (bulk->job.state) {
    case BULK_FAILED:
        return job_failed(reader, err);
    case BULK_GONE:
        return job_lost(bulk, err);
    case BULK_DONE:
        bulk->rows = bulk_rows_open(reader->sf, bulk->columns, bulk->column_count,
                                    reader->read.field_count, &bulk->from, err);
        return bulk->rows ? OK : FAIL;
    case BULK_RUNNING:
        break;
    }
    if (now(reader) - bulk->quiet_since < PATIENCE_MS)
        return OK;
    return err_set(err, ERR_CRM_UNREACHABLE, "Bulk job %s has made no progress for six hours",
                   bulk->job.id);
}

static enum status records_next(struct crm_reader *reader, struct arena *arena,
                                struct crm_page *page, struct err *err)
{
    struct bulk_read *bulk = reader->bulk;
    struct bulk_batch batch;
    if (bulk_rows_next(bulk->rows, &batch, err) != OK)
        return FAIL;
    page->records = batch.records;
    page->count = batch.count;
    page->place = place_write(arena, &batch.behind);
    page->last = reader->finished = batch.last;
    reader->sf->crm.calls_one_each += batch.count;
    if (batch.last)
        page->missing = bulk->job.records - batch.behind.done;
    return OK;
}

enum status bulk_read_next(struct crm_reader *reader, struct arena *arena, struct crm_page *page,
                           struct err *err)
{
    struct bulk_read *bulk = reader->bulk;
    enum status rc;
    if (bulk->rows) {
        rc = records_next(reader, arena, page, err);
    } else {
        rc = bulk->known ? job_ask(reader, arena, err) : job_make(reader, err);
        if (rc == OK && reader->bulk)
            page->place = place_write(arena, &bulk->from);
    }
    if (rc == OK && reader->bulk && bulk->rows && !bulk->total_said) {
        page->total = bulk->job.records;
        bulk->total_said = true;
    }
    return rc == OK ? OK : err_wrap(err, "reading %s", reader->read.object);
}

enum status bulk_read_begin(struct crm_reader *reader, struct err *err)
{
    struct bulk_read *bulk = mem_alloc(sizeof *bulk);
    reader->bulk = bulk;
    if (reader->read.place) {
        if (place_read(reader->read.place, &bulk->from, err) != OK)
            return FAIL;
        memcpy(bulk->job.id, bulk->from.job, sizeof bulk->job.id);
        bulk->known = bulk->resumed = true;
        bulk->quiet_since = now(reader);
    }
    bulk->columns =
        arena_array(reader->arena, columns_count(reader->wants) + 1, sizeof *bulk->columns);
    columns_fill(reader, reader->wants, "");
    return OK;
}

void bulk_read_end(struct crm_reader *reader)
{
    struct bulk_read *bulk = reader->bulk;
    if (!bulk)
        return;
    if (bulk->known && !bulk->keep && !bulk->rows && bulk->job.state == BULK_RUNNING)
        bulk_job_abort(reader->sf, &bulk->job);
    bulk_rows_close(bulk->rows);
    free(bulk);
    reader->bulk = NULL;
}
