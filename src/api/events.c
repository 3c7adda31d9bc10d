/* events.c - the stream of events; what is in it is hub.c's business. */
#include "api/nouns.h"

const struct field events_query[] = {
    {"last_id", F_TEXT, 0, "as the header Last-Event-ID, for clients that cannot set it", .min = 1, .max = 64},
    {0},
};

enum status api_events_open(struct call *call, struct err *err)
{
    const char *last = http_header_get(call->in->headers, "Last-Event-ID");
    if (!last)
        last = call_query(call, "last_id");
    http_out_header(call->in, call->out, "Content-Type", "text/event-stream");
    http_out_header(call->in, call->out, "X-Accel-Buffering", "no"); /* nginx must not collect */
    call->out->status = 200;
    return hub_join(call->api->hub, call, last, err);
}
