/* bulk_load.c - an upload becomes records, 200 rows at a time.
 *
 * Two passes over the file. The first judges it as a whole (line ends, shape,
 * header) and counts its rows, so that a job that fails for its file has
 * written nothing. The second collects rows; every 200 are one org_dml call
 * under the org lock, as Salesforce runs them, and each row goes to the file of
 * its fate. Rows after an abort or a failure go to the unprocessed ones. */
#include "localorg/rest/bulk_columns.h"
#include "localorg/rest/bulk_v1_json.h"

#include "base/csv.h"
#include "localorg/rest/records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK      200
#define BATCH_ROWS 10000 /* what Salesforce counts as one batch */
#define WINDOW     (256 * KIB)

struct row { /* cells live on the load's arena */
    struct str *cells;
    size_t count;
};

struct load {
    struct bulk *bulk;
    struct bulk_job *job;
    struct arena *header_arena, *arena; /* the job's; the chunk's */
    struct str *names;                  /* the header line as it came */
    size_t name_count;
    int64_t rows, done, ordered;
    struct row chunk[CHUNK];
    size_t filled;
    bool stopped;        /* what is left is not processed */
    struct err *failure; /* where to say why the job stops */
    FILE *files[BULK_FILES];
    struct buf line;
};

/* --- the file, in windows --- */

typedef bool window_fn(void *ctx, const char *bytes, size_t len, struct err *err);

static bool each_window(struct load *load, window_fn *fn, void *ctx, struct err *err)
{
    FILE *data = bulk_open(load->bulk, load->job, BULK_DATA, "rbe");
    char *window = mem_alloc(WINDOW);
    size_t len;
    bool good = true;
    if (!data && errno != ENOENT)
        good = err_set(err, "Unknown", "the upload: %s", strerror(errno)) == OK;
    while (data && good && (len = fread(window, 1, WINDOW, data)) > 0)
        good = fn(ctx, window, len, err);
    if (data)
        fclose(data);
    free(window);
    return good;
}

static bool feed(void *reader, const char *bytes, size_t len, struct err *err)
{
    return csv_feed(reader, bytes, len, err) == OK;
}

static bool each_record(struct load *load, csv_record_fn *fn, struct err *err)
{
    struct csv_options options = {.delimiter = load->job->delimiter};
    struct csv_reader *reader = csv_reader_new(&options, fn, load);
    bool good = each_window(load, feed, reader, err) && csv_finish(reader, err) == OK;
    csv_reader_free(reader);
    return good;
}

/* --- first pass: is the file what the job said --- */

struct line_ends {
    bool crlf, bad;
    char last;
};

static bool check_line_ends(void *ctx, const char *bytes, size_t len, struct err *err)
{
    struct line_ends *ends = ctx;
    for (const char *at = bytes, *end = bytes + len; at < end && !ends->bad; at++) {
        at = memchr(at, '\n', (size_t)(end - at));
        if (!at)
            break;
        char before = at > bytes ? at[-1] : ends->last;
        ends->bad = (before == '\r') != ends->crlf;
    }
    ends->last = bytes[len - 1];
    return true;
}

static bool line_ends_good(struct load *load, struct err *err)
{
    struct line_ends ends = {.crlf = load->job->crlf};
    if (load->job->kind == BULK_BATCH)
        return true; /* Bulk API 1 takes both */
    if (!each_window(load, check_line_ends, &ends, err))
        return false;
    if (!ends.bad)
        return true;
    err_set(err, "ClientInputError",
            "LineEnding is invalid on user data. Current LineEnding setting is %s",
            ends.crlf ? "CRLF" : "LF");
    return false;
}

static struct str keep(struct arena *arena, struct str text)
{
    return (struct str){arena_strndup(arena, text.p, text.n), text.n};
}

static enum status judge_record(void *ctx, const struct str *fields, const bool *quoted,
                                size_t count, uint64_t line, struct err *err)
{
    struct load *load = ctx;
    if (!load->names) {
        load->names = arena_array(load->header_arena, count + 1, sizeof *load->names);
        for (size_t i = 0; i < count; i++)
            load->names[i] = keep(load->header_arena, fields[i]);
        load->name_count = count;
        return OK;
    }
    load->rows++;
    if (count == load->name_count)
        return OK;
    return err_set(err, "InvalidBatch", "Row %llu has %zu columns, the header has %zu",
                   (unsigned long long)load->rows, count, load->name_count);
}

/* A byte-order mark makes the first name an unknown one. */
static bool no_mark(struct load *load, struct err *err)
{
    char mark[3] = "";
    FILE *data = bulk_open(load->bulk, load->job, BULK_DATA, "rbe");
    size_t len = data ? fread(mark, 1, sizeof mark, data) : 0;
    if (data)
        fclose(data);
    if (len < 3 || memcmp(mark, "\xef\xbb\xbf", 3) != 0 || load->job->kind == BULK_BATCH)
        return true;
    err_set(err, "InvalidBatch", "Field name not found : \xef\xbb\xbf" STR_FMT,
            STR_ARG(load->names[0]));
    return false;
}

static bool judge_file(struct load *load, struct err *err)
{
    if (!each_record(load, judge_record, err)) {
        if (err && strncmp(err->code, "csv.", 4) == 0) {
            char said[500];
            snprintf(said, sizeof said, "Failed to parse CSV. %.300s (%.100s)", err->message,
                     err->where);
            err_set(err, "InvalidBatch", "%s", said);
        }
        return false;
    }
    if (!load->names) {
        err_set(err, "InvalidBatch", "the upload is empty");
        return false;
    }
    return no_mark(load, err);
}

/* --- result lines --- */

static void put_bytes(struct load *load, enum bulk_file which)
{
    if (load->files[which])
        fwrite(buf_text(&load->line), 1, load->line.len, load->files[which]);
    buf_clear(&load->line);
}

static void put_line(struct load *load, enum bulk_file which)
{
    bulk_line_end(&load->line, load->job);
    put_bytes(load, which);
}

static void put_cells(struct load *load, const struct str *cells, size_t count, bool first)
{
    for (size_t i = 0; i < count; i++)
        bulk_cell(&load->line, load->job, cells[i].p, cells[i].n, first && i == 0);
}

static void put_text(struct load *load, const char *text, bool first)
{
    bulk_cell(&load->line, load->job, text, strlen(text), first);
}

static void put_header(struct load *load, enum bulk_file which, const char *one, const char *two)
{
    if (one) {
        put_text(load, one, true);
        put_text(load, two, false);
    }
    put_cells(load, load->names, load->name_count, !one);
    put_line(load, which);
}

/* CODE:message:field, field -- */
static void error_text(struct buf *out, const struct dml_error *error)
{
    for (; error; error = error->next) {
        buf_printf(out, "%s:%s:", error->status_code, error->message);
        for (size_t i = 0; i < error->field_count; i++)
            buf_printf(out, "%s%s", i ? ", " : "", error->fields[i]);
        buf_str(out, error->field_count ? " --" : "--");
        if (error->next)
            buf_char(out, ';');
    }
}

static void put_ordered(struct load *load, const struct dml_result *result, const char *error)
{
    put_text(load, result->success ? result->id : "", true);
    put_text(load, result->success ? "true" : "false", false);
    put_text(load, result->created ? "true" : "false", false);
    put_text(load, error, false);
    put_line(load, BULK_ORDERED);
}

/* The id of a refused row is told where the row itself named one. */
static const char *failed_id(const struct bulk_job *job, const struct dml_row *row,
                             const struct dml_result *result)
{
    if (job->api_version < 53 || job->operation == BULK_INSERT)
        return "";
    return result->id[0] ? result->id : row->id ? row->id : "";
}

static void put_result(struct load *load, const struct row *row, const struct dml_row *dml,
                       const struct dml_result *result)
{
    struct buf error = BUF_INIT;
    error_text(&error, result->errors);
    if (load->job->json) {
        bulk_v1_json_result(result, load->ordered++ == 0, &load->line);
        put_bytes(load, BULK_ORDERED);
    } else if (load->job->kind == BULK_BATCH) {
        put_ordered(load, result, buf_text(&error));
    } else if (result->success) {
        put_text(load, result->id, true);
        put_text(load, result->created ? "true" : "false", false);
        put_cells(load, row->cells, row->count, false);
        put_line(load, BULK_SUCCESSFUL);
    } else {
        put_text(load, failed_id(load->job, dml, result), true);
        put_text(load, buf_text(&error), false);
        put_cells(load, row->cells, row->count, false);
        put_line(load, BULK_FAILED_ROWS);
    }
    buf_free(&error);
}

static void put_unprocessed(struct load *load, const struct str *cells, size_t count)
{
    put_cells(load, cells, count, true);
    put_line(load, BULK_UNPROCESSED);
}

static bool open_results(struct load *load, struct err *err)
{
    bool ordered = load->job->kind == BULK_BATCH, good = true;
    for (int i = BULK_SUCCESSFUL; i <= BULK_ORDERED; i++)
        if ((i == BULK_ORDERED) == ordered) {
            load->files[i] = bulk_open(load->bulk, load->job, (enum bulk_file)i, "wbe");
            good = good && load->files[i];
        }
    if (!good)
        return err_set(err, "Unknown", "the results cannot be written: %s", strerror(errno)) == OK;
    if (load->job->json) {
        buf_char(&load->line, '[');
        put_bytes(load, BULK_ORDERED);
        return true;
    }
    if (ordered) {
        put_text(load, "Id", true);
        put_text(load, "Success", false);
        put_text(load, "Created", false);
        put_text(load, "Error", false);
        put_line(load, BULK_ORDERED);
        return true;
    }
    put_header(load, BULK_SUCCESSFUL, "sf__Id", "sf__Created");
    put_header(load, BULK_FAILED_ROWS, "sf__Id", "sf__Error");
    put_header(load, BULK_UNPROCESSED, NULL, NULL);
    return true;
}

static bool close_results(struct load *load)
{
    bool good = true;
    if (load->job->json) {
        buf_char(&load->line, ']');
        put_bytes(load, BULK_ORDERED);
    }
    for (int i = 0; i < BULK_FILES; i++)
        if (load->files[i]) {
            good = good && !ferror(load->files[i]);
            good = fclose(load->files[i]) == 0 && good;
        }
    return good;
}

/* --- second pass: 200 rows at a time --- */

static enum dml_kind dml_kind_of(enum bulk_operation operation)
{
    switch (operation) {
    case BULK_UPDATE:
        return DML_UPDATE;
    case BULK_UPSERT:
        return DML_UPSERT;
    case BULK_DELETE:
    case BULK_HARD_DELETE:
        return DML_DELETE;
    default:
        return DML_INSERT;
    }
}

/* Deleted rows do not even stay in the recycle bin. */
static enum status purge(struct org *org, const struct sobject *object,
                         const struct dml_result *results, size_t count, struct err *err)
{
    sqlite3_stmt *drop = NULL;
    sqlite3 *db = org_write_begin(org);
    char *sql =
        sqlite3_mprintf("DELETE FROM \"%w\" WHERE \"Id\"=?1 AND \"IsDeleted\"=1", object->name);
    bool good = db && sqlite3_prepare_v2(db, sql, -1, &drop, NULL) == SQLITE_OK;
    for (size_t i = 0; i < count && good; i++) {
        if (!results[i].success)
            continue;
        sqlite3_bind_text(drop, 1, results[i].id, -1, SQLITE_STATIC);
        good = sqlite3_step(drop) == SQLITE_DONE;
        sqlite3_reset(drop);
    }
    if (!good)
        err_set(err, "Unknown", "deleting for good: %s", db ? sqlite3_errmsg(db) : "no database");
    sqlite3_finalize(drop);
    sqlite3_free(sql);
    enum status rc = db ? org_write_end(org, good, err) : FAIL;
    return good ? rc : FAIL;
}

/* The call that the rows are written in: the job's user, without a request. */
static void pretend_call(struct load *load, struct call *call, struct http_in *in,
                         struct http_out *out)
{
    static const struct http_header quiet = {"Sforce-Mru", "updateMru=false", NULL};
    *in = (struct http_in){.arena = load->arena, .headers = &quiet};
    *out = (struct http_out){0};
    *call = (struct call){.site = bulk_site(load->bulk),
                          .in = in,
                          .out = out,
                          .arena = load->arena,
                          .headers = &quiet,
                          .api_version = load->job->api_version,
                          .origin = load->job->origin,
                          .session = load->job->session,
                          .api = arena_printf(load->arena, "bulkapi/%.1f", load->job->api_version),
                          .plan = &load->job->faults};
}

/* Writes those of the chunk that were not refused already; `slots` says which
 * row each of them is. */
static bool write_rows(struct load *load, const struct dml_row *rows, size_t count,
                       const size_t *slots, struct dml_result *results, struct err *err)
{
    struct call call;
    struct http_in in;
    struct http_out out;
    struct bulk_job *job = load->job;
    struct dml_result *written = arena_array(load->arena, CHUNK, sizeof *written);
    pretend_call(load, &call, &in, &out);
    struct dml_options options = write_options(&call, false);
    options.assignment = job->assignment_rule[0] ? job->assignment_rule : NULL;
    bool good = records_write(&call, dml_kind_of(job->operation), &options, rows, count, written);
    if (!good)
        err_set(err, "Unknown", "%.400s", buf_text(&out.body));
    if (good && job->operation == BULK_HARD_DELETE)
        good = purge(call.site->org, rows[0].object, written, count, err) == OK;
    buf_free(&out.body);
    for (size_t i = 0; i < count && good; i++)
        results[slots[i]] = written[i];
    return good;
}

/* The org lock is held. False: the job fails. */
static bool write_chunk(struct load *load, struct err *err)
{
    struct bulk_job *job = load->job;
    struct site *site = bulk_site(load->bulk);
    struct dml_row *given = arena_array(load->arena, CHUNK, sizeof *given);
    struct dml_row *rows = arena_array(load->arena, CHUNK, sizeof *rows);
    struct dml_result *results = arena_array(load->arena, CHUNK, sizeof *results);
    size_t slots[CHUNK], count = 0, failed = 0;
    const struct bulk_columns *columns =
        bulk_columns_read(load->arena, site->org, job, load->names, load->name_count, err);
    if (!columns)
        return false;
    for (size_t i = 0; i < load->filled; i++) {
        if (!bulk_columns_row(load->arena, columns, job, load->chunk[i].cells, load->chunk[i].count,
                              &given[i], &results[i]))
            continue;
        slots[count] = i;
        rows[count++] = given[i];
    }
    if (count && !write_rows(load, rows, count, slots, results, err))
        return false;
    for (size_t i = 0; i < load->filled; i++) {
        put_result(load, &load->chunk[i], &given[i], &results[i]);
        failed += !results[i].success;
    }
    load->done += (int64_t)load->filled;
    bulk_progress(load->bulk, job, (int64_t)load->filled, (int64_t)failed);
    return true;
}

/* Is the job to stop before the next chunk? */
static bool must_stop(struct load *load, struct err *err)
{
    struct bulk_job *job = load->job;
    if (bulk_stopped(load->bulk, job))
        return true;
    if (job->fail_after && load->done >= job->fail_after) {
        err_set(err, "Timeout", "the job was stopped after %lld records (policy bulk_fail_after)",
                (long long)load->done);
        return true;
    }
    if (load->done % BATCH_ROWS == 0 && !bulk_count_batches(load->bulk, job, 1)) {
        err_set(err, "ExceededQuota", "the daily limit of Bulk batches is used up");
        return true;
    }
    return false;
}

static void end_chunk(struct load *load)
{
    pthread_rwlock_t *lock = &bulk_site(load->bulk)->org_lock;
    if (load->filled == 0)
        return;
    if (!load->stopped) {
        pthread_rwlock_rdlock(lock);
        load->stopped = must_stop(load, load->failure) || !write_chunk(load, load->failure);
        pthread_rwlock_unlock(lock);
    }
    for (size_t i = 0; i < load->filled && load->stopped; i++)
        put_unprocessed(load, load->chunk[i].cells, load->chunk[i].count);
    load->filled = 0;
    arena_reset(load->arena);
}

static enum status take_record(void *ctx, const struct str *fields, const bool *quoted,
                               size_t count, uint64_t line, struct err *err)
{
    struct load *load = ctx;
    if (load->rows++ == 0)
        return OK; /* the header is known */
    struct row *row = &load->chunk[load->filled++];
    row->cells = arena_array(load->arena, count + 1, sizeof *row->cells);
    row->count = count;
    for (size_t i = 0; i < count; i++)
        row->cells[i] = keep(load->arena, fields[i]);
    if (load->filled == CHUNK)
        end_chunk(load);
    return OK;
}

/* --- the job --- */

static void run_rows(struct load *load, struct err *err)
{
    load->rows = 0;
    load->failure = err;
    each_record(load, take_record, NULL); /* the first pass found no mistake */
    end_chunk(load);
}

static bool header_good(struct load *load, struct err *err)
{
    struct site *site = bulk_site(load->bulk);
    pthread_rwlock_rdlock(&site->org_lock);
    bool gone = bulk_stopped(load->bulk, load->job);
    bool good = gone || bulk_columns_read(load->header_arena, site->org, load->job, load->names,
                                          load->name_count, err);
    pthread_rwlock_unlock(&site->org_lock);
    return good;
}

static void load_begin(struct load *load, struct bulk *bulk, struct bulk_job *job)
{
    *load =
        (struct load){.bulk = bulk, .job = job, .header_arena = arena_new(), .arena = arena_new()};
}

static bool load_end(struct load *load)
{
    bool good = close_results(load);
    arena_free(load->arena);
    arena_free(load->header_arena);
    buf_free(&load->line);
    return good;
}

bool bulk_load_run(struct bulk *bulk, struct bulk_job *job, struct err *err)
{
    struct load load;
    load_begin(&load, bulk, job);
    bool good = line_ends_good(&load, err);
    good = judge_file(&load, good ? err : NULL) && good && header_good(&load, err);
    load.stopped = !good;
    if (load.names && open_results(&load, good ? err : NULL))
        run_rows(&load, err);
    bool closed = load_end(&load);
    if (!closed && !err->code[0])
        err_set(err, "Unknown", "the results could not be written");
    return !err->code[0];
}

void bulk_load_nothing(struct bulk *bulk, struct bulk_job *job)
{
    struct load load;
    struct err err = {{0}};
    load_begin(&load, bulk, job);
    load.stopped = true;
    if ((judge_file(&load, &err) || load.names) && open_results(&load, &err))
        run_rows(&load, &err);
    load_end(&load);
}
