/* stream.c - answers without an end: server-sent events, long exports.
 *
 * A publisher appends bytes; an I/O thread of libmicrohttpd takes them away and
 * suspends the connection when there are none, so an idle stream costs no
 * thread and no wake-up. Two references: the publisher's and the exchange's.
 *
 * Invariant: `connection` may be used while `suspended` is set, under the lock:
 * MHD never completes a suspended connection. A client that left is noticed at
 * the next byte that is sent to it, which is why publishers send a line now and
 * then. */
#include "http/server_priv.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define PIECE (4 * KIB) /* what MHD asks for at a time; held by every open stream */

struct http_stream {
    pthread_mutex_t lock;
    pthread_cond_t drained;
    struct http_server *server;
    struct MHD_Connection *connection;
    struct buf pending;
    size_t at;    /* of pending, already taken */
    size_t limit; /* most that may be pending */
    bool suspended, closed, gone, full;
    int references;
    struct http_stream *next, **self; /* the server's list */
};

static void list_add(struct http_stream *stream)
{
    struct http_server *server = stream->server;
    pthread_mutex_lock(&server->lock);
    stream->next = server->streams;
    stream->self = &server->streams;
    if (stream->next)
        stream->next->self = &stream->next;
    server->streams = stream;
    pthread_mutex_unlock(&server->lock);
}

static void list_remove(struct http_stream *stream)
{
    struct http_server *server = stream->server;
    pthread_mutex_lock(&server->lock);
    *stream->self = stream->next;
    if (stream->next)
        stream->next->self = stream->self;
    pthread_mutex_unlock(&server->lock);
}

struct http_stream *http_stream_new(struct http_in *in, struct http_out *out, size_t limit)
{
    struct http_stream *stream = mem_alloc(sizeof *stream);
    pthread_mutex_init(&stream->lock, NULL);
    pthread_cond_init(&stream->drained, NULL);
    stream->server = in->exchange->server;
    stream->connection = in->exchange->connection;
    stream->limit = limit;
    stream->references = 2;
    out->stream = stream;
    list_add(stream);
    return stream;
}

static void release(struct http_stream *stream) /* unlocks */
{
    bool last = --stream->references == 0;
    pthread_mutex_unlock(&stream->lock);
    if (!last)
        return;
    buf_free(&stream->pending);
    pthread_mutex_destroy(&stream->lock);
    pthread_cond_destroy(&stream->drained);
    free(stream);
}

/* Wakes the I/O thread; with the lock held. */
static void wake(struct http_stream *stream)
{
    if (!stream->suspended)
        return;
    stream->suspended = false;
    MHD_resume_connection(stream->connection);
}

static void append(struct http_stream *stream, const char *bytes, size_t len)
{
    if (stream->at == stream->pending.len) {
        buf_clear(&stream->pending);
        stream->at = 0;
    }
    buf_append(&stream->pending, bytes, len);
    wake(stream);
}

bool http_stream_send(struct http_stream *stream, const char *bytes, size_t len)
{
    pthread_mutex_lock(&stream->lock);
    bool open = !stream->gone && !stream->closed;
    if (open && stream->pending.len - stream->at + len > stream->limit) {
        /* a client that does not read: what it misses it can ask for again */
        stream->full = stream->closed = true;
        open = false;
        wake(stream);
    }
    if (open)
        append(stream, bytes, len);
    pthread_mutex_unlock(&stream->lock);
    return open;
}

bool http_stream_write(struct http_stream *stream, const char *bytes, size_t len)
{
    pthread_mutex_lock(&stream->lock);
    while (!stream->gone && !stream->closed && stream->pending.len > stream->at &&
           stream->pending.len - stream->at + len > stream->limit)
        pthread_cond_wait(&stream->drained, &stream->lock);
    bool open = !stream->gone && !stream->closed;
    if (open)
        append(stream, bytes, len);
    pthread_mutex_unlock(&stream->lock);
    return open;
}

bool http_stream_is_open(struct http_stream *stream)
{
    pthread_mutex_lock(&stream->lock);
    bool open = !stream->gone && !stream->closed;
    pthread_mutex_unlock(&stream->lock);
    return open;
}

/* The end is marked; what is pending still goes out. */
static void end(struct http_stream *stream)
{
    stream->closed = true;
    pthread_cond_broadcast(&stream->drained);
    wake(stream);
}

void http_stream_close(struct http_stream *stream)
{
    if (!stream)
        return;
    pthread_mutex_lock(&stream->lock);
    end(stream);
    release(stream);
}

void http_stream_abort(struct http_stream *stream)
{
    if (!stream)
        return;
    pthread_mutex_lock(&stream->lock);
    stream->full = true;
    end(stream);
    release(stream);
}

/* ---- the server's side */

static ssize_t stream_read(void *ctx, uint64_t at, char *to, size_t max)
{
    struct http_stream *stream = ctx;
    pthread_mutex_lock(&stream->lock);
    size_t n = stream->full ? 0 : stream->pending.len - stream->at;
    ssize_t result = 0;
    if (n > 0) {
        n = n < max ? n : max;
        memcpy(to, stream->pending.data + stream->at, n);
        stream->at += n;
        result = (ssize_t)n;
        if (stream->at == stream->pending.len)
            buf_free(&stream->pending), stream->at = 0;
        pthread_cond_broadcast(&stream->drained);
    } else if (stream->full) {
        result = MHD_CONTENT_READER_END_WITH_ERROR;
    } else if (stream->closed) {
        result = MHD_CONTENT_READER_END_OF_STREAM;
    } else {
        stream->suspended = true;
        MHD_suspend_connection(stream->connection);
    }
    pthread_mutex_unlock(&stream->lock);
    return result;
}

struct MHD_Response *stream_response(struct http_stream *stream)
{
    return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, PIECE, stream_read, stream, NULL);
}

void stream_gone(struct http_stream *stream)
{
    list_remove(stream);
    pthread_mutex_lock(&stream->lock);
    stream->gone = true;
    pthread_cond_broadcast(&stream->drained);
    release(stream);
}

void streams_close_all(struct http_server *server)
{
    pthread_mutex_lock(&server->lock);
    for (struct http_stream *s = server->streams; s; s = s->next) {
        pthread_mutex_lock(&s->lock);
        end(s);
        pthread_mutex_unlock(&s->lock);
    }
    pthread_mutex_unlock(&server->lock);
}
