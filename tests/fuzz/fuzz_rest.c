/* fuzz_rest.c - any request of a client to a running site, as the administrator: its first line
 * is "METHOD path?query", the rest is the body. The method BULK stands for a whole Bulk API 2.0
 * job ("BULK upsert Account Id"), whose file is the rest. '@' in a path is the id of a record.
 * The answer is never a 500, and what calls itself JSON is JSON.
 *
 * The control API is left out (it reads files of this machine), and CometD, whose polls wait and
 * which has a target of its own. */
#include "base/json.h"
#include "base/str.h"
#include "localorg/rest/routes.h"
#include "localorg/rest/site.h"
#include "localorg/seed/seed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define V         "/services/data/v66.0"
#define START_NEW 5000 /* inputs after which the org is made anew: it grows */

static struct site *site;
static char bearer[256], record[19];
static unsigned inputs;

static const struct json *ask(struct arena *arena, const char *method, const char *url,
                              const char *type, const char *body, size_t len)
{
    struct http_header kind_of = {"Content-Type", type, NULL},
                       headers = {"Authorization", bearer, &kind_of};
    const char *query = strchr(url, '?');
    struct http_in in = {.method = method,
                         .path = query ? arena_strndup(arena, url, (size_t)(query - url)) : url,
                         .query = query ? query + 1 : NULL,
                         .headers = &headers,
                         .peer = "127.0.0.1",
                         .arena = arena};
    struct http_out out = {.status = 200};
    struct err err = {{0}};
    buf_append(&in.body, body, len);
    routes_handle(site, &in, &out);
    const char *kind = http_header_get(out.headers, "Content-Type");
    bool is_json = kind && text_starts(kind, "application/json") && out.body.len;
    const struct json *json = NULL;
    if (is_json)
        json = json_parse(arena, buf_text(&out.body), out.body.len, &err);
    if (out.status < 200 || (out.status >= 500 && out.status != 501) || (is_json && !json)) {
        fprintf(stderr, "%s %s: %d %s\n", method, url, out.status, buf_text(&out.body));
        abort();
    }
    buf_free(&in.body);
    buf_free(&out.body);
    return json;
}

static void begin(void)
{
    struct err err = {{0}};
    struct session session;
    struct site_options options = {
        .host = "127.0.0.1", .seed = "empty", .scale = 1, .rng_seed = 7, .threads = 1};
    struct arena *arena = arena_new();
    site = site_start(&options, &err);
    if (!site || !site_token(site, SEED_ADMIN_USERNAME, &session)) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
    snprintf(bearer, sizeof bearer, "Bearer %s", session.token);
    routes_control(site, arena, "POST", "/localorg/limits", "{\"daily_max\":1000000000}", NULL);
    const char *body = "{\"Name\":\"First\"}";
    const struct json *made =
        ask(arena, "POST", V "/sobjects/Account", "application/json", body, strlen(body));
    snprintf(record, sizeof record, "%s", json_get_text(made, "id"));
    arena_free(arena);
}

static void run_job(struct arena *arena, char *words, const char *file, size_t len)
{
    char *at = NULL, *operation = strtok_r(words, " ", &at), *object = strtok_r(NULL, " ", &at),
         *key = strtok_r(NULL, " ", &at);
    struct buf body = BUF_INIT;
    struct jw w;
    jw_init(&w, &body);
    jw_object(&w);
    jw_kv_text(&w, "operation", operation ? operation : "insert");
    jw_kv_text(&w, "object", object ? object : "Account");
    jw_kv_text(&w, "lineEnding", memchr(file, '\r', len) ? "CRLF" : "LF");
    if (key)
        jw_kv_text(&w, "externalIdFieldName", key);
    jw_end_object(&w);
    const struct json *job =
        ask(arena, "POST", V "/jobs/ingest", "application/json", buf_text(&body), body.len);
    buf_free(&body);
    const char *id = json_get_text(job, "id");
    if (!id)
        return;
    const char *url = arena_printf(arena, V "/jobs/ingest/%s", id), *state = "";
    static const char closed[] = "{\"state\":\"UploadComplete\"}";
    static const char *const results[] = {"successfulResults", "failedResults",
                                          "unprocessedrecords"};
    ask(arena, "PUT", arena_printf(arena, "%s/batches", url), "text/csv", file, len);
    ask(arena, "PATCH", url, "application/json", closed, strlen(closed));
    for (int i = 0; i < 1000 && !text_eq(state, "JobComplete") && !text_eq(state, "Failed") &&
                    !text_eq(state, "Open");
         i++) {
        state = json_get_text(ask(arena, "GET", url, "", "", 0), "state");
        state = state ? state : "Open";
    }
    for (size_t i = 0; i < 3; i++)
        ask(arena, "GET", arena_printf(arena, "%s/%s", url, results[i]), "", "", 0);
    ask(arena, "DELETE", url, "", "", 0);
}

/* What a client could send as its path: the server itself refuses the rest. */
static const char *path_of(struct arena *arena, const char *text)
{
    struct buf out = BUF_INIT;
    for (; *text; text++)
        if (*text == '@')
            buf_str(&out, record);
        else if ((unsigned char)*text <= ' ' || *text == '#' || (unsigned char)*text >= 0x7F)
            buf_printf(&out, "%%%02X", (unsigned char)*text);
        else
            buf_char(&out, *text);
    const char *path = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return path;
}

static bool left_out(const char *path)
{
    return path[0] != '/' || strstr(path, "ocalorg") || strstr(path, "ometd");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (site && inputs++ % START_NEW == START_NEW - 1) {
        site_stop(site);
        site = NULL;
    }
    if (!site)
        begin();
    struct arena *arena = arena_new();
    const uint8_t *end = memchr(data, '\n', size);
    size_t head = end ? (size_t)(end - data) : size;
    char *line = arena_strndup(arena, (const char *)data, head);
    const char *body = end ? (const char *)end + 1 : "";
    size_t len = end ? size - head - 1 : 0;
    char *space = strchr(line, ' ');
    if (space && text_starts(line, "BULK ")) {
        run_job(arena, space + 1, body, len);
    } else if (space) {
        *space = '\0';
        const char *path = path_of(arena, space + 1);
        if (!left_out(path))
            ask(arena, line, path,
                strstr(path, "oauth2") ? "application/x-www-form-urlencoded"
                : len && *body == '<'  ? "application/xml"
                                       : "application/json",
                body, len);
    }
    arena_free(arena);
    return 0;
}
