/* write_answer.c - from the answer of an exchange to the outcome of each row.
 *
 * classify.c judges one collection, or one row that was alone; here an answer
 * is cut into those. A part of a composite that is missing says nothing of its
 * rows, which classify.c then calls unknown. */
#include "connect/salesforce/write_priv.h"

#include "base/str.h"

#include <string.h>

static const struct json *part_of(const struct json *body, size_t index)
{
    char reference[32];
    snprintf(reference, sizeof reference, "part%zu", index);
    json_each(part, json_get(body, "compositeResponse"))
        if (text_eq(json_get_text(part, "referenceId"), reference))
            return part;
    return NULL;
}

static void classify(const struct batch *batch, const struct sf_exchange *x)
{
    if (batch->options->alone)
        sf_classify_alone(x, batch->arena);
    else
        sf_classify(x, batch->arena);
}

static bool succeeded(int status)
{
    return status >= 200 && status < 300;
}

/* The parts come in the order of the request: looking on from the last one is enough. */
static const struct json *next_part(const struct json *last, const struct json *body, size_t index)
{
    char reference[32];
    const struct json *next = last ? last->next : json_at(json_get(body, "compositeResponse"), 0);
    snprintf(reference, sizeof reference, "part%zu", index);
    return next && text_eq(json_get_text(next, "referenceId"), reference) ? next
                                                                          : part_of(body, index);
}

static void classify_parts(const struct batch *batch, const struct sf_exchange *whole)
{
    size_t rows = batch_part_rows(batch);
    const struct json *answer = NULL;
    for (size_t at = 0, part = 0; at < batch->count; at += rows, part++) {
        answer = next_part(answer, whole->body, part);
        struct sf_exchange one = *whole;
        one.writes += at;
        one.outcomes += at;
        one.count = batch->count - at < rows ? batch->count - at : rows;
        one.status = (int)json_get_int(answer, "httpStatusCode", 0);
        one.body = json_get(answer, "body");
        classify(batch, &one);
    }
}

void batch_answer(struct batch *batch, const struct http_response *http, const char *http_error)
{
    struct err parse = {0};
    struct sf_exchange whole = {.writes = batch->writes,
                                .outcomes = batch->outcomes,
                                .count = batch->count,
                                .http = http,
                                .http_error = http_error,
                                .user = batch->sf->connection.username,
                                .resend_harmless = batch->options->resend_harmless,
                                .status = http->status};
    if (http->body.len > 0 && !http_error)
        whole.body = json_parse_buf(batch->arena, &http->body, &parse);
    bool parts = json_get(whole.body, "compositeResponse") != NULL;
    if (batch->composite && !http_error && succeeded(http->status) && parts) {
        classify_parts(batch, &whole);
        return;
    }
    if (batch->composite && !http_error && succeeded(http->status))
        whole.body = NULL; /* a 2xx without parts says nothing of any row */
    if (batch->composite)
        sf_classify(&whole, batch->arena);
    else
        classify(batch, &whole);
}
