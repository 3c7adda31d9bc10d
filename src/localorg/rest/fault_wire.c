/* fault_wire.c - broken bytes, slow bytes, bytes in chunks.
 *
 * A slow answer is a stream fed piece by piece from the waiting room: no thread is
 * held. Without a server (the simulation) it goes out at once. */
#include "localorg/rest/fault_wire.h"

#include "base/vec.h"
#include "base/when.h"
#include "localorg/rest/waiting.h"

#include <stdlib.h>
#include <string.h>

#define STREAM_LIMIT (256 * MIB)
#define PIECES_A_S   10

/* Bytes at random places become other bytes; repeatable with --rng-seed. */
static void garble(struct call *call, int64_t count)
{
    struct buf *body = &call->out->body;
    for (int64_t i = 0; i < count && body->len; i++)
        body->data[dice_below(call->site->dice, body->len)] ^=
            (char)(1 + dice_below(call->site->dice, 255));
}

/* The end of the CSV record that starts at `at`: past its line end. */
static size_t record_end(const struct buf *csv, size_t at)
{
    bool quoted = false;
    for (; at < csv->len; at++) {
        quoted ^= csv->data[at] == '"';
        if (csv->data[at] == '\n' && !quoted)
            return at + 1;
    }
    return csv->len;
}

/* The records of a CSV answer in reverse, the header where it was. */
static void shuffle_csv(struct buf *csv)
{
    struct buf out = BUF_INIT;
    VEC(size_t) starts = {0};
    size_t body = record_end(csv, 0);
    for (size_t at = body; at < csv->len; at = record_end(csv, at))
        vec_push(&starts, at);
    buf_append(&out, csv->data, body);
    for (size_t i = starts.len; i-- > 0;) {
        size_t end = i + 1 < starts.len ? starts.at[i + 1] : csv->len;
        buf_append(&out, csv->data + starts.at[i], end - starts.at[i]);
        if (csv->data[end - 1] != '\n')
            buf_char(&out, '\n');
    }
    vec_free(&starts);
    buf_free(csv);
    *csv = out;
}

struct drip {
    struct site *site;
    struct http_stream *stream;
    char *bytes;
    size_t len, at, piece;
};

static void drip_free(struct drip *drip)
{
    http_stream_close(drip->stream);
    free(drip->bytes);
    free(drip);
}

static void drip_more(void *ctx)
{
    struct drip *drip = ctx;
    size_t left = drip->len - drip->at, piece = left < drip->piece ? left : drip->piece;
    bool read = http_stream_send(drip->stream, drip->bytes + drip->at, piece);
    drip->at += piece;
    uint64_t ticket =
        read && drip->at < drip->len ? waiting_reserve(drip->site->waiting, 1000 / PIECES_A_S) : 0;
    if (ticket) {
        waiting_enter(drip->site->waiting, ticket, drip_more, drip);
        return;
    }
    if (drip->at < drip->len)
        http_stream_abort(drip->stream); /* the room closed, or nobody reads */
    drip_free(drip);
}

static void send_stream(struct call *call, int64_t bytes_per_s)
{
    struct buf *body = &call->out->body;
    if (!call->in->exchange || !body->len)
        return;
    struct drip *drip = mem_alloc(sizeof *drip);
    drip->site = call->site;
    drip->len = body->len;
    drip->bytes = buf_take(body);
    drip->piece = bytes_per_s > 0 ? (size_t)(bytes_per_s + PIECES_A_S - 1) / PIECES_A_S : 64;
    drip->stream = http_stream_new(call->in, call->out, STREAM_LIMIT);
    if (bytes_per_s > 0) {
        drip_more(drip);
        return;
    }
    for (; drip->at < drip->len; drip->at += drip->piece) {
        size_t left = drip->len - drip->at;
        http_stream_send(drip->stream, drip->bytes + drip->at,
                         left < drip->piece ? left : drip->piece);
    }
    drip_free(drip);
}

static void skew_date(struct call *call, int64_t skew_ms)
{
    char date[32];
    when_http(call_now(call) + skew_ms, date);
    for (struct http_header *h = call->out->headers; h; h = h->next)
        if (strcmp(h->name, "Date") == 0)
            h->value = arena_strdup(call->arena, date);
}

void fault_wire(struct call *call)
{
    const struct fault_plan *plan = call->plan;
    struct buf *body = &call->out->body;
    if (plan->skew_ms)
        skew_date(call, plan->skew_ms);
    const char *type = http_header_get(call->out->headers, "Content-Type");
    if (plan->shuffle && body->len && type && strstr(type, "text/csv"))
        shuffle_csv(body);
    if (plan->garble)
        garble(call, plan->garble);
    if (plan->truncate && body->len)
        body->len /= 2;
    if (plan->drop_after || plan->dead)
        call->out->broken = HTTP_BREAK_BEFORE;
    else if (plan->cut)
        call->out->broken = HTTP_BREAK_MIDDLE;
    else if (plan->slow_bytes_per_s > 0 || plan->chunked)
        send_stream(call, plan->slow_bytes_per_s);
}
