/* pull_floor.c - the least a program can do to bring records into SQLite: the
 * baseline of ./dev bench pull.
 *
 *     pull_floor URL TOKEN SOQL FILE [json]
 *
 * It asks a Bulk 2.0 query job for the records (or pages of JSON), takes the
 * bytes apart and upserts them by Id into one table of the shape argil gives a
 * table: rid, key, stamp, deleted, run, c1 .. cN, a unique index on key, WAL,
 * synchronous=FULL, 10,000 rows a transaction. Nothing else: no cursor, no
 * comparison, no due cells, no statement; any error ends it. The first two
 * columns of SOQL must be Id and SystemModstamp. Prints one line of JSON. */
#include "base/buf.h"
#include "base/csv.h"
#include "base/json.h"

#include <curl/curl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define TXN_ROWS 10000

static sqlite3 *db;
static sqlite3_stmt *upsert;
static int width; /* columns of the query */
static long long rows;
static const char *base_url;
static struct curl_slist *headers;
static CURL *curl;

static void die(const char *what, const char *why)
{
    fprintf(stderr, "pull_floor: %s: %s\n", what, why);
    exit(1);
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ------------------------------------------------------------- the table */

static void run_sql(const char *sql)
{
    char *why = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        die(sql, why);
}

static void table_open(const char *file)
{
    struct buf make = BUF_INIT, put = BUF_INIT;
    if (sqlite3_open(file, &db) != SQLITE_OK)
        die(file, sqlite3_errmsg(db));
    run_sql("PRAGMA page_size=8192; PRAGMA cache_size=-16384; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
            "PRAGMA wal_autocheckpoint=2000");
    buf_str(&make, "CREATE TABLE t(rid INTEGER PRIMARY KEY, key TEXT NOT NULL, stamp TEXT,"
                   " deleted INTEGER NOT NULL DEFAULT 0, run INTEGER");
    buf_str(&put, "INSERT INTO t(key,stamp,run");
    for (int i = 1; i <= width; i++) {
        buf_printf(&make, ",c%d TEXT", i);
        buf_printf(&put, ",c%d", i);
    }
    buf_str(&make, "); CREATE UNIQUE INDEX t_key ON t(key)");
    buf_str(&put, ") VALUES(?1,?2,1");
    for (int i = 1; i <= width; i++)
        buf_printf(&put, ",?%d", i);
    buf_str(&put, ") ON CONFLICT(key) DO UPDATE SET stamp=excluded.stamp");
    for (int i = 1; i <= width; i++)
        buf_printf(&put, ",c%d=excluded.c%d", i, i);
    run_sql(buf_text(&make));
    if (sqlite3_prepare_v2(db, buf_text(&put), -1, &upsert, NULL) != SQLITE_OK)
        die("preparing", sqlite3_errmsg(db));
    run_sql("BEGIN");
    buf_free(&make);
    buf_free(&put);
}

static void put_cell(int at, const char *text, size_t len)
{
    if (len)
        sqlite3_bind_text(upsert, at, text, (int)len, SQLITE_STATIC);
    else
        sqlite3_bind_null(upsert, at);
}

static void put_row(void)
{
    if (sqlite3_step(upsert) != SQLITE_DONE)
        die("upserting", sqlite3_errmsg(db));
    sqlite3_reset(upsert);
    if (++rows % TXN_ROWS == 0)
        run_sql("COMMIT; BEGIN");
}

/* ------------------------------------------------------------- the wire */

static size_t gather(char *bytes, size_t each, size_t count, void *ctx)
{
    buf_append(ctx, bytes, each * count);
    return each * count;
}

static void ask(const char *path, const char *body, curl_write_callback take, void *ctx,
                curl_write_callback header)
{
    char url[65536];
    long status = 0;
    snprintf(url, sizeof url, "%s%s", base_url, path);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    if (body)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    else
        curl_easy_setopt(curl, CURLOPT_HTTPGET, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, ctx);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, header);
    CURLcode rc = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    if (rc != CURLE_OK || status != 200)
        die(path, rc != CURLE_OK ? curl_easy_strerror(rc) : "not 200");
}

/* ----------------------------------------------------------- Bulk and CSV */

static char locator[256];
static bool header_row;

static enum status on_record(void *ctx, const struct str *fields, const bool *quoted, size_t count,
                             uint64_t line, struct err *err)
{
    (void)ctx, (void)quoted, (void)line, (void)err;
    if (header_row) {
        header_row = false;
        return OK;
    }
    if ((int)count != width)
        die("a record", "other columns");
    for (size_t i = 0; i < count; i++)
        put_cell((int)i + 1, fields[i].p, fields[i].n);
    put_row();
    return OK;
}

static size_t split(char *bytes, size_t each, size_t count, void *ctx)
{
    struct err err = {0};
    return csv_feed(ctx, bytes, each * count, &err) == OK ? each * count : 0;
}

static size_t note_locator(char *line, size_t each, size_t count, void *ctx)
{
    (void)ctx;
    size_t len = each * count;
    if (len > 16 && len < 250 && strncasecmp(line, "Sforce-Locator: ", 16) == 0) {
        memcpy(locator, line + 16, len - 16);
        locator[len - 16] = '\0';
        locator[strcspn(locator, "\r\n")] = '\0';
    }
    return len;
}

static size_t no_header(char *line, size_t each, size_t count, void *ctx)
{
    (void)line, (void)ctx;
    return each * count;
}

static void make_job(const char *soql, char id[32])
{
    struct buf body = BUF_INIT, answer = BUF_INIT;
    struct arena *arena = arena_new();
    struct err err = {0};
    struct jw w;
    jw_init(&w, &body);
    jw_object(&w);
    jw_kv_text(&w, "operation", "query");
    jw_kv_text(&w, "query", soql);
    jw_end_object(&w);
    ask("/services/data/v66.0/jobs/query", buf_text(&body), gather, &answer, no_header);
    snprintf(id, 32, "%s", json_get_text(json_parse_buf(arena, &answer, &err), "id"));
    buf_free(&body);
    buf_free(&answer);
    arena_free(arena);
}

static bool job_done(const char *id)
{
    char path[128];
    struct buf answer = BUF_INIT;
    snprintf(path, sizeof path, "/services/data/v66.0/jobs/query/%s", id);
    ask(path, NULL, gather, &answer, no_header);
    bool done = strstr(buf_text(&answer), "JobComplete") != NULL;
    if (strstr(buf_text(&answer), "Failed"))
        die("the job", buf_text(&answer));
    buf_free(&answer);
    return done;
}

static void pull_bulk(const char *soql, double *ready)
{
    char id[32], path[512];
    struct err err = {0};
    make_job(soql, id);
    while (!job_done(id))
        usleep(100000);
    *ready = now_s();
    do {
        snprintf(path, sizeof path,
                 "/services/data/v66.0/jobs/query/%s/results?maxRecords=100000%s%s", id,
                 *locator ? "&locator=" : "", locator);
        struct csv_reader *csv = csv_reader_new(NULL, on_record, NULL);
        header_row = true;
        ask(path, NULL, split, csv, note_locator);
        if (csv_finish(csv, &err) != OK)
            die("a page", err.message);
        csv_reader_free(csv);
    } while (strcmp(locator, "null") != 0);
}

/* ----------------------------------------------------------------- JSON */

static void put_record(const struct json *record)
{
    int at = 1;
    json_each(member, record) {
        if (strcmp(member->key, "attributes") == 0)
            continue;
        const char *text = member->type == JSON_TRUE    ? "true"
                           : member->type == JSON_FALSE ? "false"
                                                        : json_text(member);
        put_cell(at++, text, text ? strlen(text) : 0);
    }
    put_row();
}

static void pull_json(const char *soql)
{
    struct buf answer = BUF_INIT, path = BUF_INIT;
    struct arena *arena = arena_new();
    struct err err = {0};
    char *quoted = curl_easy_escape(curl, soql, 0);
    buf_printf(&path, "/services/data/v66.0/query?q=%s", quoted);
    while (path.len) {
        arena_reset(arena);
        buf_clear(&answer);
        ask(buf_text(&path), NULL, gather, &answer, no_header);
        const struct json *page = json_parse_buf(arena, &answer, &err);
        json_each(record, json_get(page, "records"))
            put_record(record);
        const char *next = json_get_text(page, "nextRecordsUrl");
        buf_clear(&path);
        buf_str(&path, next ? next : "");
    }
    curl_free(quoted);
    arena_free(arena);
    buf_free(&answer);
    buf_free(&path);
}

/* ----------------------------------------------------------------- main */

static int columns_of(const char *soql)
{
    int count = 1;
    const char *from = strstr(soql, " FROM ");
    for (const char *p = soql; p < from; p++)
        count += *p == ',';
    return count;
}

int main(int argc, char **argv)
{
    if (argc < 5)
        die("usage", "pull_floor URL TOKEN SOQL FILE [json]");
    char auth[4096];
    double began = now_s(), ready = began;
    struct rusage used;
    base_url = argv[1];
    width = columns_of(argv[3]);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    curl = curl_easy_init();
    snprintf(auth, sizeof auth, "Authorization: Bearer %s", argv[2]);
    headers = curl_slist_append(headers, auth);
    headers = curl_slist_append(headers, "Content-Type: application/json");
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 256L * 1024);
    table_open(argv[4]);
    if (argc > 5)
        pull_json(argv[3]);
    else
        pull_bulk(argv[3], &ready);
    run_sql("COMMIT");
    sqlite3_finalize(upsert);
    sqlite3_close(db);
    getrusage(RUSAGE_SELF, &used);
    printf("{\"rows\":%lld,\"wall\":%.3f,\"waited\":%.3f,\"cpu\":%.3f,\"mb\":%.1f}\n", rows,
           now_s() - began, ready - began,
           (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
               (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6,
           (double)used.ru_maxrss / 1024);
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return 0;
}
