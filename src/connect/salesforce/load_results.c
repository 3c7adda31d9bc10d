/* load_results.c - what became of each row of a Bulk job.
 *
 * Facts: three CSV files, in no particular order: successfulResults (sf__Id,
 * sf__Created, then the columns that were sent), failedResults (sf__Id, sf__Error,
 * ...), unprocessedrecords (the columns alone). sf__Error is CODE:message:fields --;
 * the message may hold colons. An empty file may come as 204.
 *
 * A line finds its row by the key that only this row has (our own key, the
 * record's Id), else by all its cells: rows that look alike share their results,
 * each result once. Never by its place (F-47). The files do not change once the
 * job is over, so a read that broke off is repeated from its start. */
#include "connect/salesforce/load_priv.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

#define ATTEMPTS   4
#define BACKOFF_MS 500
#define STALL_MS   60000

enum fate { SUCCESSFUL, FAILED, UNPROCESSED };

static const struct {
    const char *file, *name;
} fates[] = {[SUCCESSFUL] = {"successfulResults", "successful"},
             [FAILED] = {"failedResults", "failed"},
             [UNPROCESSED] = {"unprocessedrecords", "unprocessed"}};

/* Rows that look alike, in the order of their operations. */
struct alike {
    size_t first; /* whose result is not known */
    size_t refused; /* so many are known to have been refused */
};

struct reading {
    struct sf *sf;
    const struct crm_job *job;
    const struct crm_job_ask *ask;
    const struct crm_job_row *rows;
    size_t count;
    struct crm_outcome *outcomes;
    struct arena *arena;
    struct map *keys;  /* of a row -> struct alike */
    struct map *taken; /* ids of results that are known */
    size_t *next;      /* the following row that looks like this one; count = none */
    const char *key;   /* column that tells rows apart, or NULL */
    /* of the file at hand */
    enum fate fate;
    char **names;
    size_t name_count;
    bool strange; /* a header without sf__ columns: not a result file */
};

/* ------------------------------------------------------------- keys of rows */

struct cell {
    const char *name, *text;
    size_t len;
};

struct row_key {
    struct arena *arena;
    const char *only; /* the column that is the key, or NULL = all */
    struct cell cells[512];
    size_t count;
};

static void key_cell(void *ctx, const char *name, const char *text, size_t len)
{
    struct row_key *key = ctx;
    if (len && key->count < 512 && (!key->only || text_eq_nocase(name, key->only)))
        key->cells[key->count++] = (struct cell){name, text, len};
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct cell *)a)->name, ((const struct cell *)b)->name);
}

/* The same text for a write and for the line that it became, whatever the order of columns. */
static const char *key_text(struct row_key *key)
{
    struct buf text = BUF_INIT;
    qsort(key->cells, key->count, sizeof *key->cells, by_name);
    for (size_t i = 0; i < key->count; i++) {
        if (!key->only)
            buf_printf(&text, "%s\x1f", key->cells[i].name);
        buf_append(&text, key->cells[i].text, key->cells[i].len);
        buf_char(&text, '\x1e');
    }
    const char *out = arena_strndup(key->arena, buf_text(&text), text.len);
    buf_free(&text);
    return out;
}

static void index_row(struct reading *r, size_t i, struct arena *scratch)
{
    const struct crm_job_row *row = &r->rows[i];
    struct row_key key = {.arena = scratch, .only = r->key};
    load_cells(scratch, r->ask, &row->write, key_cell, &key);
    const char *text = key_text(&key);
    struct alike *alike = map_get(r->keys, text);
    if (!alike) {
        alike = arena_alloc(r->arena, sizeof *alike);
        alike->first = r->count;
        map_put(r->keys, text, alike);
    }
    if (row->taken) {
        map_put(r->taken, row->taken, alike);
    } else if (row->refused) {
        alike->refused++;
    } else {
        r->next[i] = alike->first; /* turned round below */
        alike->first = i;
    }
}

static void index_rows(struct reading *r)
{
    struct arena *scratch = arena_new();
    for (size_t i = r->count; i-- > 0;) { /* backwards: the first of those alike ends up in front */
        r->next[i] = r->count;
        index_row(r, i, scratch);
        arena_reset(scratch);
    }
    arena_free(scratch);
}

/* ------------------------------------------------------------------- outcomes */

static const char *evidence(const struct reading *r)
{
    return arena_printf(r->arena, "{\"bulk_job\":\"%s\",\"result\":\"%s\"}", r->job->id,
                        fates[r->fate].name);
}

/* "CODE:message:Field, Other --" */
static void failed_row(const struct reading *r, const struct crm_write *write, struct str error,
                       struct crm_outcome *outcome)
{
    char *text = str_dup(r->arena, error);
    char *message = strchr(text, ':'), *fields = NULL;
    size_t len = strlen(text);
    if (message)
        *message++ = 0;
    if (message && len > 2 && text_ends(message, "--")) {
        message[strlen(message) - 2] = 0;
        fields = strrchr(message, ':');
    }
    if (fields)
        *fields++ = 0;
    while (fields && *fields && fields[strlen(fields) - 1] == ' ')
        fields[strlen(fields) - 1] = 0;
    sf_classify_failed(write, r->sf->connection.username, text, message ? message : text,
                       fields && *fields ? fields : NULL, r->arena, outcome);
}

static void set_outcome(const struct reading *r, size_t i, struct str id, struct str second)
{
    const struct crm_write *write = &r->rows[i].write;
    struct crm_outcome *outcome = &r->outcomes[i];
    char id18[19];
    switch (r->fate) {
    case SUCCESSFUL:
        *outcome = (struct crm_outcome){.class = CRM_EXECUTED};
        outcome->id = sf_id(id.p, id.n, id18) ? arena_strdup(r->arena, id18) : NULL;
        outcome->created = str_eq_nocase(second, STR("true"));
        break;
    case FAILED:
        failed_row(r, write, second, outcome);
        break;
    case UNPROCESSED:
        *outcome = (struct crm_outcome){.class = CRM_NOT_EXECUTED,
                                        .code = "bulk.unprocessed",
                                        .message = "the Bulk job ended before this row"};
        break;
    }
    outcome->evidence = evidence(r);
}

/* ---------------------------------------------------------------------- lines */

static void take_header(struct reading *r, const struct str *fields, size_t count)
{
    r->names = arena_array(r->arena, count + 1, sizeof *r->names);
    for (size_t i = 0; i < count; i++)
        r->names[i] = str_dup(r->arena, fields[i]);
    r->name_count = count;
    bool results = count >= 2 && text_eq(r->names[0], "sf__Id");
    r->strange = (r->fate != UNPROCESSED) != results;
}

static enum status take_line(void *ctx, const struct str *fields, const bool *quoted, size_t count,
                             uint64_t line, struct err *err)
{
    struct reading *r = ctx;
    size_t from = r->fate == UNPROCESSED ? 0 : 2;
    char id[19] = "";
    if (!r->names) {
        take_header(r, fields, count);
        return OK;
    }
    if (r->strange || count != r->name_count)
        return err_set(err, ERR_CRM_SHORT, "a result of Bulk job %s cannot be read", r->job->id);
    struct arena *scratch = arena_new();
    struct row_key key = {.arena = scratch, .only = r->key};
    for (size_t i = from; i < count; i++)
        key_cell(&key, r->names[i], fields[i].p, fields[i].n);
    struct alike *alike = map_get(r->keys, key_text(&key));
    arena_free(scratch);
    if (r->fate == SUCCESSFUL && sf_id(fields[0].p, fields[0].n, id) && map_has(r->taken, id))
        return OK; /* settled before */
    if (!alike)
        return OK; /* nobody's: its row stays without a result, and is looked for */
    if (r->fate == FAILED && alike->refused) {
        alike->refused--;
        return OK;
    }
    if (alike->first == r->count)
        return OK;
    size_t i = alike->first;
    alike->first = r->next[i];
    set_outcome(r, i, from ? fields[0] : (struct str){0}, from ? fields[1] : (struct str){0});
    return OK;
}

/* --------------------------------------------------------------------- files */

static enum status keep(void *ctx, const char *bytes, size_t len, struct err *err)
{
    struct buf *buf = ctx;
    buf_append(buf, bytes, len);
    return buf->overflow ? err_set(err, ERR_CRM_SHORT, "a Bulk result is larger than its upload")
                         : OK;
}

/* The whole file, asked for again while it does not come well. */
static enum status fetch(const struct reading *r, struct buf *out, struct err *err)
{
    struct arena *arena = arena_new();
    enum status rc = FAIL;
    bool refreshed = false;
    struct sf_call call = {
        .path = arena_printf(arena, "/jobs/ingest/%s/%s", r->job->id, fates[r->fate].file),
        .accept = "text/csv",
        .take = keep,
        .take_ctx = out,
        .stall_ms = STALL_MS,
        .what = "reading a Bulk job's results"};
    for (int attempt = 0; attempt < ATTEMPTS && rc != OK; attempt++) {
        struct http_response response;
        struct err ignored = {0};
        err_clear(err);
        buf_clear(out);
        rc = sf_ready(r->sf, err);
        if (rc != OK)
            break;
        rc = sf_send(r->sf, &call, &response, err);
        const struct json *body = rc == OK && response.body.len
                                      ? json_parse_buf(arena, &response.body, &ignored)
                                      : NULL;
        bool good = response.status == 200 || response.status == 204;
        bool stale = rc == OK && response.status == 401 && sf_token_stale(&response, body);
        if (rc == OK && !good)
            rc = sf_fail(r->sf, &call, response.status, body, &response.body, err);
        http_response_free(&response);
        if (stale && !refreshed) {
            refreshed = true;
            if (sf_refresh(r->sf, err) != OK)
                break;
        } else if (rc != OK) {
            sf_backoff(r->sf->world, attempt, BACKOFF_MS);
        }
    }
    arena_free(arena);
    return rc;
}

static enum status read_file(struct reading *r, enum fate fate, struct err *err)
{
    struct buf text = BUF_UP_TO(2 * LOAD_BYTES_MOST);
    struct csv_options options = {.max_field = LOAD_RECORD_MOST};
    r->fate = fate;
    r->names = NULL;
    r->strange = false;
    enum status rc = fetch(r, &text, err);
    struct csv_reader *reader = csv_reader_new(&options, take_line, r);
    if (rc == OK)
        rc = csv_feed(reader, buf_text(&text), text.len, err);
    if (rc == OK)
        rc = csv_finish(reader, err);
    csv_reader_free(reader);
    buf_free(&text);
    return rc;
}

/* What no line was found for: nothing is claimed. */
static void begin_outcomes(struct reading *r)
{
    const char *proof = arena_printf(r->arena, "{\"bulk_job\":\"%s\",\"result\":\"none\"}", r->job->id);
    for (size_t i = 0; i < r->count; i++)
        r->outcomes[i] = (struct crm_outcome){.class = CRM_UNKNOWN,
                                              .code = "bulk.no_result",
                                              .message = "the Bulk job's results do not name this row",
                                              .evidence = proof};
}

enum status load_results(struct crm_session *session, const struct crm_job *job,
                         const struct crm_job_ask *ask, const struct crm_job_row *rows,
                         size_t count, struct arena *arena, struct crm_outcome *outcomes,
                         struct err *err)
{
    struct reading r = {.sf = sf_of(session),
                        .job = job,
                        .ask = ask,
                        .rows = rows,
                        .count = count,
                        .outcomes = outcomes,
                        .arena = arena,
                        .keys = map_new(),
                        .taken = map_new(),
                        .next = mem_array(count + 1, sizeof *r.next)};
    r.key = count ? load_key(ask, &rows[0].write) : NULL;
    begin_outcomes(&r);
    index_rows(&r);
    enum status rc = OK;
    for (enum fate fate = SUCCESSFUL; rc == OK && fate <= UNPROCESSED; fate++)
        rc = read_file(&r, fate, err);
    r.sf->crm.calls_one_each += rc == OK ? count : 0;
    map_free(r.keys);
    map_free(r.taken);
    free(r.next);
    return rc;
}
