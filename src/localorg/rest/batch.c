/* batch.c - /composite/batch: independent requests, one after the other, each
 * kept by itself and each counted as an API call. */
#include "localorg/rest/resources.h"

#include "base/str.h"

#include <string.h>

#define PARTS_MAX 25

/* "v66.0/sobjects/..." or the whole path. */
static const char *whole_url(struct call *call, const char *url)
{
    if (text_starts(url, "/services/data/"))
        return url;
    return arena_printf(call->arena, "/services/data/%s", url + (*url == '/'));
}

static void write_result(struct jw *w, int status, const char *json, size_t len)
{
    jw_object(w);
    jw_kv_int(w, "statusCode", status);
    jw_key(w, "result");
    if (len)
        jw_raw(w, json, len);
    else
        jw_null(w);
    jw_end_object(w);
}

/* True when the part failed. */
static bool run_part(struct call *call, const struct json *asked, struct jw *w)
{
    static const char bad[] =
        "[{\"errorCode\":\"INVALID_REQUEST\",\"message\":\"each request needs a method and a url "
        "such as v66.0/sobjects/Account\"}]";
    struct nested answer;
    const char *method = json_get_text(asked, "method"), *url = json_get_text(asked, "url");
    const struct json *input = json_get(asked, "richInput");
    if (!method || !url || strstr(url, "composite/batch")) {
        write_result(w, 400, bad, sizeof bad - 1);
        return true;
    }
    call_nested(call, method, whole_url(call, url), NULL, json_is(input, JSON_NULL) ? NULL : input,
                &answer);
    write_result(w, answer.status, answer.body.data, answer.body.len);
    buf_free(&answer.body);
    return answer.status >= 400;
}

void batch_run(struct call *call)
{
    static const char halted[] =
        "[{\"errorCode\":\"BATCH_PROCESSING_HALTED\",\"message\":\"Batch processing halted per "
        "request\"}]";
    struct jw w;
    struct buf results = BUF_INIT;
    bool errors = false;
    const struct json *body = call_json(call), *list = json_get(body, "batchRequests");
    if (!body)
        return;
    if (!json_is(list, JSON_ARRAY) || list->len == 0 || list->len > PARTS_MAX) {
        answer_error(call, 400, "LIMIT_EXCEEDED", "A batch holds 1 to %d batchRequests.",
                     PARTS_MAX);
        return;
    }
    bool halt = json_get_bool(body, "haltOnError", false);
    call->api_calls = (int)list->len;
    jw_init(&w, &results);
    jw_array(&w);
    json_each(asked, list) {
        if (errors && halt)
            write_result(&w, 412, halted, sizeof halted - 1);
        else
            errors |= run_part(call, asked, &w);
    }
    jw_end_array(&w);
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_kv_bool(&w, "hasErrors", errors);
    jw_key(&w, "results");
    jw_raw(&w, results.data, results.len);
    jw_end_object(&w);
    buf_free(&results);
}
