/* query.c - SOQL over the wire.
 *
 * One query is a GET; one too long for a URL, or several at once, go inside a
 * composite POST, which Salesforce counts as one API call. A next page is
 * asked for by the last segment of nextRecordsUrl only: what a server sends
 * never decides which host or path gets the token. */
#include "connect/salesforce/sf_priv.h"

#include "base/str.h"
#include "base/uri.h"

#include <string.h>

#define PART_ATTEMPTS 3 /* of a composite with a part that met a passing fault */

static bool locator_of(const char *url, struct arena *arena, const char **out)
{
    const char *last = url ? strrchr(url, '/') : NULL;
    *out = NULL;
    if (!url)
        return true;
    last = last ? last + 1 : url;
    size_t len = strspn(last, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");
    if (len == 0 || len > 200 || last[len])
        return false;
    *out = arena_strdup(arena, last);
    return true;
}

/* A query result: totalSize, done, records, and nextRecordsUrl unless done. */
enum status sf_rows_take(const struct json *body, struct arena *arena, struct sf_rows *rows,
                         struct err *err)
{
    rows->records = json_get(body, "records");
    rows->total = json_int(json_get(body, "totalSize"), -1);
    rows->locator = NULL;
    const struct json *done = json_get(body, "done");
    if (!json_is(rows->records, JSON_ARRAY) || rows->total < 0 ||
        !(json_is(done, JSON_TRUE) || json_is(done, JSON_FALSE)))
        return err_set(err, ERR_CRM_UNREACHABLE, "Salesforce answered a query with something else");
    if (json_is(done, JSON_TRUE))
        return OK;
    if (!locator_of(json_get_text(body, "nextRecordsUrl"), arena, &rows->locator) || !rows->locator)
        return err_set(err, ERR_CRM_UNREACHABLE,
                       "Salesforce says that there are more records, but not where");
    return OK;
}

static const char *query_path(struct sf *sf, struct arena *arena, const struct sf_query *query)
{
    struct buf path = BUF_INIT;
    buf_str(&path, query->locator ? "/query/" : query->all_rows ? "/queryAll?q=" : "/query?q=");
    uri_encode(&path, query->locator ? query->locator : query->soql,
               strlen(query->locator ? query->locator : query->soql));
    const char *out = arena_strndup(arena, path.data, path.len);
    buf_free(&path);
    return out;
}

static enum status queries_check(const struct sf_query *queries, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++)
        if (!queries[i].locator &&
            utf8_length(queries[i].soql, strlen(queries[i].soql)) > SF_SOQL_MAX)
            return err_set(err, "sf.MALFORMED_QUERY",
                           "the query has more than 100,000 characters, which Salesforce refuses");
    return OK;
}

static enum status query_alone(struct sf *sf, const char *path, const char *object,
                               struct arena *arena, struct sf_rows *rows, struct err *err)
{
    static const struct http_header batch = {"Sforce-Query-Options", "batchSize=2000", NULL};
    struct sf_call call = {.path = path, .headers = &batch, .object = object};
    const struct json *body = NULL;
    if (sf_read(sf, &call, arena, &body, err) != OK)
        return FAIL;
    return sf_rows_take(body, arena, rows, err);
}

static void composite_body(struct sf *sf, struct arena *arena, const char *const *paths,
                           size_t count, struct buf *out)
{
    struct jw w;
    jw_init(&w, out);
    jw_object(&w);
    jw_kv_bool(&w, "allOrNone", false);
    jw_kv_bool(&w, "collateSubrequests", false);
    jw_key(&w, "compositeRequest");
    jw_array(&w);
    for (size_t i = 0; i < count; i++) {
        jw_object(&w);
        jw_kv_text(&w, "method", "GET");
        jw_kv_text(&w, "url", sf_path(sf, arena, paths[i]));
        jw_kv_text(&w, "referenceId", arena_printf(arena, "q%zu", i));
        jw_end_object(&w);
    }
    jw_end_array(&w);
    jw_end_object(&w);
}

static const struct json *part_of(const struct json *body, const char *reference)
{
    json_each(part, json_get(body, "compositeResponse"))
        if (text_eq(json_get_text(part, "referenceId"), reference))
            return part;
    return NULL;
}

/* The parts of a composite answer; *again when asking once more may help. */
static enum status parts_take(struct sf *sf, const struct sf_call *call, const struct json *body,
                              size_t count, struct arena *arena, struct sf_rows *rows, bool *again,
                              struct err *err)
{
    *again = false;
    for (size_t i = 0; i < count; i++) {
        const struct json *part = part_of(body, arena_printf(arena, "q%zu", i));
        const struct json *answer = json_get(part, "body");
        int status = (int)json_get_int(part, "httpStatusCode", 0);
        if (status != 200) {
            *again = sf_passing(status, answer);
            return sf_fail(sf, call, status, answer, NULL, err);
        }
        if (sf_rows_take(answer, arena, &rows[i], err) != OK)
            return FAIL;
    }
    return OK;
}

/* Authorization and the other headers share the limit with the URL. */
static bool fits_url(const struct sf *sf, const char *path)
{
    size_t headers = strlen(secret_reveal(&sf->access)) + 400;
    return strlen(sf->instance) + strlen(path) + headers < SF_URL_MAX;
}

static enum status query_together(struct sf *sf, const char *const *paths, size_t count,
                                  const char *object, struct arena *arena, struct sf_rows *rows,
                                  struct err *err)
{
    struct buf text = BUF_INIT;
    const struct json *body = NULL;
    enum status rc;
    bool again;

    composite_body(sf, arena, paths, count, &text);
    struct sf_call call = {.method = "POST",
                           .path = "/composite",
                           .body = text.data,
                           .body_len = text.len,
                           .object = object};
    for (int attempt = 0;; attempt++) {
        again = false;
        rc = sf_read(sf, &call, arena, &body, err);
        if (rc == OK)
            rc = parts_take(sf, &call, body, count, arena, rows, &again, err);
        if (rc == OK || !again || attempt == PART_ATTEMPTS)
            break;
        sf_backoff(sf->world, attempt, 400);
    }
    buf_free(&text);
    return rc;
}

enum status sf_query_many(struct sf *sf, const struct sf_query *queries, size_t count,
                          const char *object, struct arena *arena, struct sf_rows *rows,
                          struct err *err)
{
    const char *paths[SF_PARTS_PER_CALL];
    if (count > SF_PARTS_PER_CALL)
        return err_set(err, ERR_INVALID, "more than %d queries in one call", SF_PARTS_PER_CALL);
    if (queries_check(queries, count, err) != OK || sf_ready(sf, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++)
        paths[i] = query_path(sf, arena, &queries[i]);
    if (count == 1 && fits_url(sf, paths[0]))
        return query_alone(sf, paths[0], object, arena, rows, err);
    return query_together(sf, paths, count, object, arena, rows, err);
}

/* The bodies of as many composites as the queries need. */
static struct sf_call *calls_of(struct sf *sf, struct arena *arena, const struct sf_query *queries,
                                size_t count, const char *object, struct buf *bodies)
{
    struct sf_call *calls = arena_array(arena, count + 1, sizeof *calls);
    for (size_t at = 0, n = 0; at < count; at += SF_PARTS_PER_CALL, n++) {
        const char *paths[SF_PARTS_PER_CALL];
        size_t parts = count - at < SF_PARTS_PER_CALL ? count - at : SF_PARTS_PER_CALL;
        for (size_t i = 0; i < parts; i++)
            paths[i] = query_path(sf, arena, &queries[at + i]);
        composite_body(sf, arena, paths, parts, &bodies[n]);
        calls[n] = (struct sf_call){.method = "POST",
                                    .path = "/composite",
                                    .body = bodies[n].data,
                                    .body_len = bodies[n].len,
                                    .object = object};
    }
    return calls;
}

enum status sf_query_ahead(struct sf *sf, const struct sf_query *queries, size_t count,
                           const char *object, struct arena *arena, struct sf_rows *rows,
                           bool *had, struct err *err)
{
    size_t call_count = (count + SF_PARTS_PER_CALL - 1) / SF_PARTS_PER_CALL;
    struct buf *bodies = arena_array(arena, call_count + 1, sizeof *bodies);
    const struct json **answers = arena_array(arena, call_count + 1, sizeof *answers);
    if (queries_check(queries, count, err) != OK || sf_ready(sf, err) != OK)
        return FAIL;
    struct sf_call *calls = calls_of(sf, arena, queries, count, object, bodies);
    sf_read_many(sf, calls, call_count, SF_READS_AT_ONCE, arena, answers);
    for (size_t n = 0; n < call_count; n++) {
        struct err later = {0}; /* told by whoever asks once more */
        bool again;
        size_t at = n * SF_PARTS_PER_CALL;
        size_t parts = count - at < SF_PARTS_PER_CALL ? count - at : SF_PARTS_PER_CALL;
        bool good = answers[n] && parts_take(sf, &calls[n], answers[n], parts, arena, &rows[at],
                                             &again, &later) == OK;
        for (size_t i = 0; i < parts; i++)
            had[at + i] = good;
        buf_free(&bodies[n]);
    }
    return OK;
}

enum status sf_query(struct sf *sf, const struct sf_query *query, const char *object,
                     struct arena *arena, struct sf_rows *rows, struct err *err)
{
    return sf_query_many(sf, query, 1, object, arena, rows, err);
}

bool sf_locator_lost(const struct err *err)
{
    static const char *const lost[] = {
        "sf.INVALID_QUERY_LOCATOR",
        "sf.QUERY_LOCATOR_EXPIRED",
        "sf.QUERY_LOCATOR_NOT_FOUND",
        "sf.INVALID_QUERY_LOCATOR_FORMAT",
        "sf.LOCATOR_LOCATION_EXCEEDS_SIZE",
        "sf.UNAUTHORIZED_USER_FOR_CURSOR",
        "sf.NOT_FOUND",
        "sf.TEMPORARY_QUERY_MORE_FAILURE",
    };
    for (size_t i = 0; i < sizeof lost / sizeof *lost; i++)
        if (err_is(err, lost[i]))
            return true;
    return false;
}

enum status sf_count(struct crm_session *session, const char *object, const char *where,
                     int64_t *out, struct err *err)
{
    struct sf *sf = sf_of(session);
    struct arena *arena = arena_new();
    struct buf soql = BUF_INIT;
    struct sf_rows rows;
    enum status rc = FAIL;

    if (soql_name(object, err) != OK || (where && soql_condition(where, err) != OK))
        goto done;
    buf_printf(&soql, "SELECT COUNT() FROM %s", object);
    if (where)
        buf_printf(&soql, " WHERE (%s)", where);
    struct sf_query query = {.soql = buf_text(&soql)};
    if (sf_query(sf, &query, object, arena, &rows, err) != OK) {
        err_wrap(err, "counting %s", object);
        goto done;
    }
    sf->crm.calls_one_each++;
    *out = rows.total;
    rc = OK;
done:
    buf_free(&soql);
    arena_free(arena);
    return rc;
}
