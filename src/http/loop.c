/* loop.c - epoll under a libcurl multi handle.
 *
 * libcurl says through on_socket what it waits for, and through on_timer when it wants to be called
 * in any case. Invariant: places[fd].watched is what epoll knows of the fd. A kept connection's
 * socket stays watched though nobody waits for it; when something does come then (mostly its end),
 * it is let go. The world's clock has no say here: libcurl's timers run by the machine's. */
#include "http/loop.h"

#include "base/mem.h"
#include "base/world.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MANY     64 /* events taken at once */
#define RETRY_MS 20

/* Answers that come one by one, close together, while many are under way: each would cost a turn
 * and a wake-up of its own. So a turn waits a moment first and finds several, for as long as it
 * does. */
#define MANY_AWAY 16
#define FEW       2
#define CLOSE_US  250
#define MOMENT_US 300

struct place {
    uint32_t watched; /* 0 = epoll does not know the fd */
    uint32_t wanted;  /* 0 = nobody waits */
    bool own;         /* opened here, so its end is seen here */
};

struct http_loop {
    CURLM *multi;
    int epoll;      /* -1 = the process had no descriptor left for it, so far */
    int64_t due_ms; /* libcurl's timer; -1 = none */
    struct place *places;
    size_t room;
    size_t away; /* places where somebody waits */
    bool gather;
};

static int64_t machine_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t machine_ms(void)
{
    struct world *world = world_real();
    return world->monotonic_ms(world);
}

static struct place *place_of(struct http_loop *loop, curl_socket_t fd)
{
    size_t at = (size_t)fd, room = loop->room ? loop->room : 64;
    while (room <= at)
        room *= 2;
    if (room > loop->room) {
        loop->places = mem_resize_array(loop->places, room, sizeof *loop->places);
        for (size_t i = loop->room; i < room; i++)
            loop->places[i] = (struct place){0};
        loop->room = room;
    }
    return &loop->places[at];
}

static void watch(struct http_loop *loop, curl_socket_t fd, struct place *place, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.fd = fd};
    if (place->watched == events)
        return;
    if (!events)
        epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, &event);
    else if (epoll_ctl(loop->epoll, place->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event))
        epoll_ctl(loop->epoll, errno == EEXIST ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &event);
    place->watched = events;
}

static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *of_socket)
{
    struct http_loop *loop = ctx;
    struct place *place = place_of(loop, fd);
    (void)easy;
    (void)of_socket;
    bool waited = place->wanted != 0;
    place->wanted = what == CURL_POLL_REMOVE ? 0
                    : (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
    loop->away += (size_t)(place->wanted != 0) - (size_t)waited;
    if (place->wanted || !place->own)
        watch(loop, fd, place, place->wanted);
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *ctx)
{
    struct http_loop *loop = ctx;
    (void)multi;
    loop->due_ms = timeout_ms < 0 ? -1 : timeout_ms ? machine_ms() + timeout_ms : 0;
    return 0;
}

struct http_loop *http_loop_new(CURLM *multi)
{
    struct http_loop *loop = mem_alloc(sizeof *loop);
    loop->multi = multi;
    loop->due_ms = -1;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, loop);
    curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer);
    curl_multi_setopt(multi, CURLMOPT_TIMERDATA, loop);
    return loop;
}

void http_loop_free(struct http_loop *loop)
{
    if (!loop)
        return;
    if (loop->epoll >= 0)
        close(loop->epoll);
    free(loop->places);
    free(loop);
}

curl_socket_t http_loop_socket(struct http_loop *loop, int family, int type, int protocol)
{
    curl_socket_t fd = socket(family, type | SOCK_CLOEXEC, protocol);
    if (fd == CURL_SOCKET_BAD)
        return fd;
    *place_of(loop, fd) = (struct place){.own = true};
    return fd;
}

int http_loop_close(void *ctx, curl_socket_t fd)
{
    struct http_loop *loop = ctx;
    struct place *place = place_of(loop, fd);
    watch(loop, fd, place, 0);
    loop->away -= place->wanted != 0;
    *place = (struct place){0};
    return close(fd);
}

/* ------------------------------------------------------------------- turns */

/* How many exchanges are left. */
static size_t run_timers(struct http_loop *loop)
{
    int running = 0;
    loop->due_ms = -1; /* libcurl says anew when it wants to be called next */
    curl_multi_socket_action(loop->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    return (size_t)running;
}

static void on_ready(struct http_loop *loop, const struct epoll_event *event)
{
    curl_socket_t fd = event->data.fd;
    struct place *place = place_of(loop, fd);
    int running = 0, what = (event->events & (EPOLLIN | EPOLLHUP) ? CURL_CSELECT_IN : 0) |
                            (event->events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                            (event->events & EPOLLERR ? CURL_CSELECT_ERR : 0);
    if (!place->wanted)
        watch(loop, fd, place, 0); /* libcurl finds it closed when it wants to use it again */
    else
        curl_multi_socket_action(loop->multi, fd, what, &running);
}

static int time_to_wait(const struct http_loop *loop, int wait_ms)
{
    if (loop->due_ms < 0)
        return wait_ms;
    int64_t left = loop->due_ms ? loop->due_ms - machine_ms() : 0;
    return left < 0 ? 0 : left < wait_ms ? (int)left : wait_ms;
}

/* False: still no descriptor. The exchanges' own time limits go on counting. */
static bool have_epoll(struct http_loop *loop)
{
    if (loop->epoll >= 0)
        return true;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (size_t fd = 0; loop->epoll >= 0 && fd < loop->room; fd++) {
        loop->places[fd].watched = 0;
        watch(loop, (curl_socket_t)fd, &loop->places[fd], loop->places[fd].wanted);
    }
    return loop->epoll >= 0;
}

/* Waits for events and takes them. */
static int take_events(struct http_loop *loop, struct epoll_event *events, int wait_ms)
{
    bool many = loop->away >= MANY_AWAY && wait_ms > 0;
    if (!many || !loop->gather) {
        int64_t began = many ? machine_us() : 0;
        int count = epoll_wait(loop->epoll, events, MANY, wait_ms);
        loop->gather = many && count > 0 && count <= FEW && machine_us() - began < CLOSE_US;
        return count;
    }
    struct timespec moment = {.tv_nsec = MOMENT_US * 1000};
    ppoll(NULL, 0, &moment, NULL);
    int count = epoll_wait(loop->epoll, events, MANY, wait_ms);
    loop->gather = count > FEW;
    return count;
}

void http_loop_turn(struct http_loop *loop, size_t under_way, int wait_ms)
{
    struct epoll_event events[MANY];
    /* An answer may be there before its request has wholly left. */
    if (loop->due_ms == 0 && run_timers(loop) < under_way)
        wait_ms = 0;
    if (!have_epoll(loop))
        poll(NULL, 0, time_to_wait(loop, RETRY_MS));
    int count = take_events(loop, events, time_to_wait(loop, wait_ms));
    for (int i = 0; i < count; i++)
        on_ready(loop, &events[i]);
    if (loop->due_ms >= 0 && loop->due_ms <= machine_ms())
        run_timers(loop);
}
