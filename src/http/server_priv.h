/* server_priv.h - one request on its way through the server, shared by
 * server.c (reading, queueing, answering) and stream.c (answers without end). */
#ifndef ARGIL_HTTP_SERVER_PRIV_H
#define ARGIL_HTTP_SERVER_PRIV_H

#include "http/server.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

enum exchange_state { READING, QUEUED, RUNNING, ANSWERED, DROPPED };

struct exchange {
    struct http_server *server;
    struct MHD_Connection *connection;
    enum exchange_state state;
    bool begun; /* the head has been taken over */
    bool too_large;
    int refused; /* status: the head was not acceptable */
    size_t received;
    int64_t began_ms; /* monotonic: when the head was there */
    const char *uri;  /* as sent */
    bool *away;       /* the worker's: set when the handler will answer later */
    struct http_in in;
    struct http_out out;
    struct exchange *next;
};

struct http_server {
    struct http_server_options options;
    struct MHD_Daemon *daemon;
    int listener;
    int port;
    pthread_t *workers;
    int worker_count;

    pthread_mutex_t lock; /* everything below */
    pthread_cond_t work;  /* the queue or `closing` changed */
    pthread_cond_t quiet; /* `open` or `away` went down */
    struct exchange *first, **last;
    struct http_stream *streams;
    size_t open;   /* requests begun and not completed */
    size_t away;   /* answered later, and not yet */
    atomic_bool full; /* stopping: nobody new is let in */
    bool dropping; /* the grace is over: nothing is queued any more, and what is queued not run */
    bool closing;  /* workers leave once the queue is empty */
};

/* ---- stream.c */
struct MHD_Response *stream_response(struct http_stream *stream);
/* The connection is gone: nothing is read any more. Gives up the server's reference. */
void stream_gone(struct http_stream *stream);
/* Ends every stream after what is pending. */
void streams_close_all(struct http_server *server);

#endif
