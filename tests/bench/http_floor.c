/* http_floor.c - the least a program can do to ask a server many times with
 * libcurl: the baseline of ./dev bench columns for the HTTP API column.
 *
 *     http_floor URL REQUESTS      {"requests":..,"wall_s":..,"cpu_s":..}
 *
 * URL/site?slug=N, 64 at once over kept connections, one epoll; only the
 * address of a handle changes from one request to the next, and an answer is
 * counted and dropped. Any other status than 200 ends it. */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>

#define AT_ONCE 64
#define MAX_FD  1024

static const char *base_url;
static long requests, sent, done;
static CURLM *multi;
static int epoll;
static unsigned watched[MAX_FD]; /* a kept connection's socket stays watched */
static double due = -1;          /* libcurl's timer */

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *of_socket)
{
    unsigned events = what == CURL_POLL_REMOVE ? 0
                      : (what & CURL_POLL_IN ? (unsigned)EPOLLIN : 0) |
                            (what & CURL_POLL_OUT ? (unsigned)EPOLLOUT : 0);
    struct epoll_event event = {.events = events, .data.fd = fd};
    (void)easy;
    (void)ctx;
    (void)of_socket;
    if (fd >= MAX_FD)
        exit(1);
    if (!events || watched[fd] == events)
        return 0;
    if (!watched[fd] || epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event))
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    watched[fd] = events;
    return 0;
}

static int on_timer(CURLM *of, long ms, void *ctx)
{
    (void)of;
    (void)ctx;
    due = ms < 0 ? -1 : now_s() + (double)ms / 1000;
    return 0;
}

static size_t drop(char *bytes, size_t each, size_t count, void *ctx)
{
    (void)bytes;
    (void)ctx;
    return each * count;
}

static void ask(CURL *easy)
{
    char url[300];
    snprintf(url, sizeof url, "%s/site?slug=%ld", base_url, sent++);
    curl_easy_setopt(easy, CURLOPT_URL, url);
    curl_multi_add_handle(multi, easy);
}

static void begin(struct curl_slist *headers)
{
    CURL *easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy, CURLOPT_ACCEPT_ENCODING, "gzip");
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 30000L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, drop);
    ask(easy);
}

static void collect(void)
{
    CURLMsg *message;
    int left;
    while ((message = curl_multi_info_read(multi, &left))) {
        CURL *easy = message->easy_handle;
        long status = 0;
        curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
        if (message->data.result != CURLE_OK || status != 200) {
            fprintf(stderr, "http_floor: %s, status %ld\n", curl_easy_strerror(message->data.result), status);
            exit(1);
        }
        done++;
        curl_multi_remove_handle(multi, easy);
        if (sent < requests)
            ask(easy);
    }
}

static void turn(void)
{
    struct epoll_event events[AT_ONCE];
    int running;
    double wait = due < 0 ? 1 : due - now_s();
    int count = epoll_wait(epoll, events, AT_ONCE, wait <= 0 ? 0 : wait > 1 ? 1000 : (int)(wait * 1000) + 1);
    for (int i = 0; i < count; i++)
        curl_multi_socket_action(multi, events[i].data.fd,
                                 (events[i].events & EPOLLIN ? CURL_CSELECT_IN : 0) |
                                     (events[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0), &running);
    if (due >= 0 && due <= now_s()) {
        due = -1;
        curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    collect();
}

int main(int argc, char **argv)
{
    struct rusage used;
    double began = now_s();
    if (argc != 3)
        return 2;
    base_url = argv[1];
    requests = strtol(argv[2], NULL, 10);
    curl_global_init(CURL_GLOBAL_DEFAULT);
    epoll = epoll_create1(EPOLL_CLOEXEC);
    multi = curl_multi_init();
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)AT_ONCE);
    struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json");
    for (int i = 0; i < AT_ONCE && sent < requests; i++)
        begin(headers);
    while (done < requests)
        turn();
    getrusage(RUSAGE_SELF, &used);
    printf("{\"requests\":%ld,\"wall_s\":%.3f,\"cpu_s\":%.3f}\n", done, now_s() - began,
           (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
               (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
    return 0;
}
