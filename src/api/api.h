/* api.h - the server: REST under /api/v1, server-sent events, the web app's files.
 *
 * api_open starts listening at once; everything runs on its threads until
 * api_close. Routes are rows in routes.c; who may call what is decided there and
 * checked in dispatch.c, nowhere else. */
#ifndef ARGIL_API_API_H
#define ARGIL_API_API_H

#include "engine/engine.h"

#include <stdatomic.h>

struct api;

struct api_options {
    struct world *world;
    struct store *store; /* a writing handle, lent until closed; nobody else uses it */
    struct vault *vault; /* lent */
    const struct connector *const *connectors;
    size_t connector_count;
    const char *formula_worker;
    const char *data; /* data directory, for uploads; NULL = none are taken */
    bool allow_private_http;
    bool shared, takes_jobs; /* several processes have the store open: as in work.h */
    int64_t lane_most, calls_at_once;
    const char *host; /* where to listen */
    int port;
    const char *public_url; /* "https://argil.example.com": what people type; NULL = where we listen */
    const char *tls_cert, *tls_key; /* PEM text; wipe the key after api_open */
    bool behind_proxy;              /* the last X-Forwarded-For is the peer */
    const char *insecure_host;      /* loopback host of localorgs that may be connected; NULL = none */
};

/* NULL with *err set. */
struct api *api_open(const struct api_options *options, struct err *err);
const char *api_url(const struct api *api); /* the public address, no slash at the end */
int api_port(const struct api *api);       /* where it listens */
/* The one-time link that makes the first account, or NULL when there are users. */
const char *api_setup_url(const struct api *api);
/* True when the store failed: the process has to leave (W8). */
bool api_broken(const struct api *api);
/* Streams end with a word of farewell, requests and jobs get grace_ms to finish.
 * False when something did not: leave the process without freeing more. */
bool api_close(struct api *api, int64_t grace_ms);

#endif
