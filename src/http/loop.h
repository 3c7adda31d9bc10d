/* loop.h - waits for the sockets of a libcurl multi handle, and works on those alone that are ready.
 *
 * curl_multi_perform asks every exchange each time something has come for one; with 64 under way
 * that was more work than the exchanges themselves. Used by one thread at a time, like its client. */
#ifndef ARGIL_HTTP_LOOP_H
#define ARGIL_HTTP_LOOP_H

#include <curl/curl.h>
#include <stdint.h>

struct http_loop;

/* Sets the multi handle's socket and timer functions. Free the loop after the multi handle:
 * libcurl closes kept connections then. */
struct http_loop *http_loop_new(CURLM *multi);
void http_loop_free(struct http_loop *loop);

/* Waits until a socket is ready or one of libcurl's timers has run out, at most wait_ms, and lets
 * libcurl work on that. Exchanges that have ended are left for curl_multi_info_read. under_way: how
 * many the multi handle has; when one of them ends as it begins, nothing is waited for. */
void http_loop_turn(struct http_loop *loop, size_t under_way, int wait_ms);

/* A socket for libcurl, CURL_SOCKET_BAD when there is none: stays watched while its connection is
 * kept, so that the next exchange over it costs no call for that. */
curl_socket_t http_loop_socket(struct http_loop *loop, int family, int type, int protocol);
/* CURLOPT_CLOSESOCKETFUNCTION, with the loop as its data. */
int http_loop_close(void *loop, curl_socket_t fd);

#endif
