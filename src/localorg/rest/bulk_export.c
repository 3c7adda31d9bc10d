/* bulk_export.c - a query becomes a file of CSV.
 *
 * Which SOQL the Bulk API refuses is judged when the job is made
 * (bulk_export_refuses). The worker writes the header line, then the rows, a
 * few hundred at a time: soql_write_json prints them, and the plan's tree says
 * which value of the JSON belongs in which column. The org lock is held from
 * the first to the last row, as the cursor must not outlive the org; where row
 * 0, 1000, 2000 ... begins is remembered, so that a page is found at once. */
#include "localorg/rest/bulk_export.h"
#include "localorg/rest/bulk_v1_json.h"

#include "base/json.h"
#include "base/str.h"

#include <string.h>

#define ROWS_AT_ONCE 500

/* --- what the Bulk API refuses --- */

static const char *refused_node(const struct soql_node *node)
{
    for (; node; node = node->next) {
        const char *inner = node->kind == SOQL_PARENT ? refused_node(node->first) : NULL;
        if (inner)
            return inner;
        if (node->kind == SOQL_CHILDREN)
            return "Aggregate Relationships not supported in Bulk Query";
        if (node->kind == SOQL_AGGREGATE)
            return "Aggregate functions not supported in Bulk Query";
        if (node->kind == SOQL_COMPOUND)
            return "Selecting compound data not supported in Bulk Query";
        if (node->kind == SOQL_TYPEOF)
            return "TYPEOF not supported in Bulk Query";
        if (node->kind == SOQL_FIELD && node->type == FT_BASE64)
            return "Binary fields not supported in Bulk Query";
    }
    return NULL;
}

const char *bulk_export_refuses(const struct soql_plan *plan)
{
    if (plan->aggregate || plan->count_only)
        return "Aggregate functions and GROUP BY not supported in Bulk Query";
    if (plan->offset > 0)
        return "OFFSET not supported in Bulk Query";
    return refused_node(plan->nodes);
}

/* --- writing --- */

struct export
{
    struct bulk *bulk;
    struct bulk_job *job;
    struct arena *arena; /* of the rows at hand */
    FILE *file;
    int64_t rows, bytes;
    struct buf line;
};

/* "Account.Name" */
static void header_cells(struct export *export, const struct soql_node *node, const char *path,
                         size_t *cells)
{
    for (; node; node = node->next) {
        const char *name = arena_printf(export->arena, "%s%s", path, node->name);
        if (node->kind == SOQL_PARENT)
            header_cells(export, node->first, arena_printf(export->arena, "%s.", name), cells);
        else
            bulk_cell(&export->line, export->job, name, strlen(name), (*cells)++ == 0);
    }
}

/* REST's +0000 is Bulk's Z. */
static void value_cell(struct export *export, const struct soql_node *node,
                       const struct json *value, size_t *cells)
{
    const char *text = json_is(value, JSON_TRUE)    ? "true"
                       : json_is(value, JSON_FALSE) ? "false"
                                                    : json_text(value);
    size_t len = text ? strlen(text) : 0;
    if (node->type == FT_DATETIME && len > 5 && strcmp(text + len - 5, "+0000") == 0) {
        text = arena_printf(export->arena, "%.*sZ", (int)len - 5, text);
        len -= 4;
    }
    bulk_cell(&export->line, export->job, text, len, (*cells)++ == 0);
}

/* A parent that is null leaves all its cells empty. */
static void row_cells(struct export *export, const struct soql_node *node,
                      const struct json *record, size_t *cells)
{
    for (; node; node = node->next) {
        const struct json *value = json_get(record, node->name);
        if (node->kind == SOQL_PARENT)
            row_cells(export, node->first, value, cells);
        else
            value_cell(export, node, value, cells);
    }
}

static void put_bytes(struct export *export)
{
    fwrite(export->line.data, 1, export->line.len, export->file);
    export->bytes += (int64_t) export->line.len;
    buf_clear(&export->line);
}

static void put_line(struct export *export)
{
    bulk_line_end(&export->line, export->job);
    put_bytes(export);
}

static void put_row(struct export *export, const struct soql_plan *plan, const struct json *record)
{
    size_t cells = 0;
    if (export->rows++ % BULK_PAGE_INDEX == 0) {
        bulk_lock(export->bulk);
        vec_push(&export->job->places, export->bytes);
        bulk_unlock(export->bulk);
    }
    if (export->job->json) {
        buf_str(&export->line, export->rows > 1 ? "," : "[");
        bulk_v1_json_record(plan->nodes, record, &export->line);
        put_bytes(export);
        return;
    }
    row_cells(export, plan->nodes, record, &cells);
    put_line(export);
}

/* The next rows. *more is false after the last ones. */
static enum status put_rows(struct export *export, const struct soql_plan *plan,
                            struct soql_cursor *cursor, bool *more, struct err *err)
{
    struct buf rows = BUF_INIT;
    size_t written = 0;
    buf_char(&rows, '[');
    const char *base =
        arena_printf(export->arena, "/services/data/v%.1f", export->job->api_version);
    enum status rc = soql_write_json(cursor, base, ROWS_AT_ONCE, &rows, &written, err);
    buf_char(&rows, ']');
    const struct json *list = rc == OK ? json_parse_buf(export->arena, &rows, err) : NULL;
    buf_free(&rows);
    json_each(record, list)
        put_row(export, plan, record);
    arena_reset(export->arena);
    bulk_progress(export->bulk, export->job, (int64_t)written, 0);
    *more = written == ROWS_AT_ONCE;
    return list ? OK : FAIL;
}

struct soql_plan *bulk_export_plan(struct arena *arena, struct org *org, const struct bulk_job *job,
                                   struct err *err)
{
    struct soql_context context = {.org = org,
                                   .user_id = job->session.user_id,
                                   .all_rows = job->operation == BULK_READ_ALL,
                                   .now_ms = org_now_ms(org),
                                   .api_version = job->api_version};
    return soql_compile(arena, &context, job->soql, err);
}

static enum status run_query(struct export *export, struct err *err)
{
    struct site *site = bulk_site(export->bulk);
    struct arena *plan_arena = arena_new();
    struct soql_plan *plan = bulk_export_plan(plan_arena, site->org, export->job, err);
    struct soql_cursor *cursor = plan ? soql_open(site->org, plan, err) : NULL;
    enum status rc = cursor ? OK : FAIL;
    bool more = true;
    size_t cells = 0;
    if (rc == OK && !export->job->json) {
        header_cells(export, plan->nodes, "", &cells);
        put_line(export);
    }
    while (rc == OK && more && !bulk_stopped(export->bulk, export->job))
        rc = put_rows(export, plan, cursor, &more, err);
    if (export->job->json) {
        buf_str(&export->line, export->rows ? "]" : "[]");
        put_bytes(export);
    }
    soql_close(cursor);
    arena_free(plan_arena);
    requests_records(site->requests, COUNT_READ, (uint64_t) export->rows);
    return rc;
}

bool bulk_export_run(struct bulk *bulk, struct bulk_job *job, struct err *err)
{
    struct export export = {.bulk = bulk, .job = job};
    struct site *site = bulk_site(bulk);
    export.file = bulk_open(bulk, job, BULK_ROWS, "wbe");
    if (!export.file)
        return err_set(err, "Unknown", "the results cannot be written") == OK;
    export.arena = arena_new();
    pthread_rwlock_rdlock(&site->org_lock);
    enum status rc = bulk_stopped(bulk, job) ? OK : run_query(&export, err);
    pthread_rwlock_unlock(&site->org_lock);
    arena_free(export.arena);
    buf_free(&export.line);
    bool bad = ferror(export.file) != 0;
    if ((fclose(export.file) != 0 || bad) && rc == OK)
        rc = err_set(err, "Unknown", "the results could not be written");
    return rc == OK;
}

/* --- a page of the file --- */

/* Where the row after `rows` more begins; every cell is quoted, so a line ends
 * at an LF outside quotes. */
static size_t skip_rows(const struct buf *text, size_t at, int64_t rows)
{
    bool quoted = false;
    for (; at < text->len && rows > 0; at++) {
        if (text->data[at] == '"')
            quoted = !quoted;
        else if (text->data[at] == '\n' && !quoted)
            rows--;
    }
    return at;
}

/* Bytes of the file where rows from/to begin, for the index: the place before
 * `from`, and the first place not before `to`. */
static void page_bytes(struct bulk *bulk, struct bulk_job *job, int64_t from, int64_t to,
                       int64_t *begin, int64_t *end)
{
    size_t first = (size_t)(from / BULK_PAGE_INDEX);
    size_t last = (size_t)((to + BULK_PAGE_INDEX - 1) / BULK_PAGE_INDEX);
    bulk_lock(bulk);
    *begin = first < job->places.len ? job->places.at[first] : -1;
    *end = last < job->places.len ? job->places.at[last] : -1;
    bulk_unlock(bulk);
}

enum status bulk_export_page(struct bulk *bulk, struct bulk_job *job, int64_t from, int64_t rows,
                             struct buf *out, struct err *err)
{
    int64_t begin, end;
    page_bytes(bulk, job, from, from + rows, &begin, &end);
    /* the header line, which no row's place comes before */
    if (bulk_read(bulk, job, BULK_ROWS, 0, job->places.len ? job->places.at[0] : -1, out, err) !=
        OK)
        return FAIL;
    if (begin < 0)
        return OK;
    size_t head = out->len;
    if (bulk_read(bulk, job, BULK_ROWS, begin, end, out, err) != OK)
        return FAIL;
    size_t start = skip_rows(out, head, from % BULK_PAGE_INDEX);
    size_t stop = skip_rows(out, start, rows);
    memmove(out->data + head, out->data + start, stop - start);
    out->len = head + stop - start;
    out->data[out->len] = '\0';
    return OK;
}
