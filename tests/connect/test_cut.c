/* test_cut.c - one attempt is one request on the wire (oracle O6), whichever byte
 * is the last that gets through, and in whatever way it is written: a record, a
 * collection, a composite of either, a conversion, the upload and the start of a
 * Bulk job. A bare server counts requests and cuts the connection after every byte
 * of the request and of the answer, once on a new connection and once on a kept one,
 * where libcurl would send again by itself.
 * Guards http/client.c, connect/salesforce/write.c, load.c and classify.c. */
#include "connect/connect_bulk.h"
#include "connect/salesforce/sf_priv.h"
#include "support/check.h"

#include "base/mem.h"
#include "base/str.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ID      "00QD000000IqhSL"
#define RESULT  "{\"id\":\"" ID "\",\"success\":true,\"errors\":[]}"
#define RESULTS "[" RESULT "," RESULT "]"
#define PART(n, body)                                                                              \
    "{\"body\":" body ",\"httpHeaders\":{},\"httpStatusCode\":201,\"referenceId\":\"part" n "\"}"
#define MOST 201 /* writes of one exchange: a collection holds 200 */

enum bulk { NO_BULK, UPLOAD, START };

/* What is written, and what the org says to it. */
static const struct way {
    enum op_kind kind;
    bool alone;
    size_t count;
    enum bulk bulk;
    const char *status, *body; /* body NULL: none */
    bool by_status;            /* the status line is proof that it was executed */
    size_t stride;             /* every so many bytes of the request; 0 = each */
} record = {OP_CREATE, true, 1, NO_BULK, "201 Created", RESULT, true, 0},
  change = {OP_UPDATE, true, 1, NO_BULK, "204 No Content", NULL, true, 0},
  collection = {OP_CREATE, false, 2, NO_BULK, "200 OK", RESULTS, false, 0},
  changes = {OP_UPDATE, false, 2, NO_BULK, "200 OK", RESULTS, false, 0},
  upserts = {OP_UPSERT, false, 2, NO_BULK, "200 OK", RESULTS, false, 0},
  deletions = {OP_DELETE, false, 2, NO_BULK, "200 OK", RESULTS, false, 0},
  parts = {OP_CREATE, true,
           2,         NO_BULK,
           "200 OK",  "{\"compositeResponse\":[" PART("0", RESULT) "," PART("1", RESULT) "]}",
           false,     0},
  collections = {OP_CREATE, false, MOST, NO_BULK, "200 OK", NULL, false, 61},
  conversion = {OP_CONVERT, false, 1, NO_BULK, "500 Server Error", NULL, false, 0},
  upload = {OP_CREATE, false, 0, UPLOAD, "201 Created", NULL, true, 0},
  start = {OP_CREATE, false, 0, START, "200 OK", "{\"id\":\"750D000000IqhSLIAZ\"}", true, 0};

static const struct way *way = &record;
static char answer[1024];

/* ------------------------------------------------------------- the server */

static int listener;
static char base_url[64];
static atomic_int requests;                           /* that sent at least one byte */
static atomic_size_t request_size;                    /* of the last whole one */
static atomic_long cut_request = -1, cut_answer = -1; /* -1 = do not cut */
static atomic_int cut_after; /* so many whole exchanges on a connection come first */

static void answer_for(const struct way *now)
{
    way = now;
    if (!way->body && way->by_status)
        snprintf(answer, sizeof answer, "HTTP/1.1 %s\r\n%s\r\n", way->status,
                 strncmp(way->status, "204", 3) == 0 ? "" : "Content-Length: 0\r\n");
    else
        snprintf(answer, sizeof answer,
                 "HTTP/1.1 %s\r\nContent-Type: application/json;charset=UTF-8\r\n"
                 "Content-Length: %zu\r\n\r\n%s",
                 way->status, way->body ? strlen(way->body) : 0, way->body ? way->body : "");
}

static size_t status_line(void)
{
    return (size_t)(strstr(answer, "\r\n") + 2 - answer);
}

static size_t wanted_length(const char *head, size_t len)
{
    const char *end = memmem(head, len, "\r\n\r\n", 4);
    const char *body = end ? strcasestr(head, "content-length:") : NULL;
    if (!end)
        return 0;
    return (size_t)(end + 4 - head) + (body && body < end ? strtoul(body + 15, NULL, 10) : 0);
}

static void drop(int fd)
{
    struct linger hard = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard); /* a reset, not a farewell */
    close(fd);
}

/* One exchange; false when the connection is over. */
static bool serve_one(int fd, bool may_cut)
{
    char data[64 << 10];
    size_t len = 0, whole = 0;
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    poll(&waiting, 1, -1); /* the order to cut is given before the request comes, not sooner */
    long stop = may_cut ? atomic_load(&cut_request) : -1;
    while (!whole || len < whole) {
        if (stop >= 0 && len >= (size_t)stop && (len || !stop)) {
            if (len)
                atomic_fetch_add(&requests, 1);
            drop(fd);
            return false;
        }
        size_t room = stop >= 0 ? (size_t)stop - len : sizeof data - 1 - len;
        ssize_t got = recv(fd, data + len, room ? room : 1, 0);
        if (got <= 0) {
            close(fd);
            return false;
        }
        len += (size_t)got;
        data[len] = 0;
        whole = wanted_length(data, len);
    }
    atomic_fetch_add(&requests, 1);
    atomic_store(&request_size, whole);
    stop = may_cut ? atomic_load(&cut_answer) : -1;
    size_t sent = stop >= 0 ? (size_t)stop : strlen(answer);
    if (send(fd, answer, sent, MSG_NOSIGNAL) < 0 || stop >= 0) {
        shutdown(fd, SHUT_WR); /* what was sent arrives, then nothing */
        close(fd);
        return false;
    }
    return true;
}

static void *serve(void *arg)
{
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0)
            return NULL;
        int served = 0;
        while (serve_one(fd, served >= atomic_load(&cut_after)))
            served++;
    }
}

static void server_start(void)
{
    static pthread_t thread;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_INT(bind(listener, (struct sockaddr *)&at, len), 0);
    CHECK_INT(listen(listener, 16), 0);
    CHECK_INT(getsockname(listener, (struct sockaddr *)&at, &len), 0);
    snprintf(base_url, sizeof base_url, "http://127.0.0.1:%d", ntohs(at.sin_port));
    CHECK_INT(pthread_create(&thread, NULL, serve, NULL), 0);
    CHECK_INT(pthread_detach(thread), 0);
}

/* ------------------------------------------------------------ the session */

static struct arena *arena;
static struct err err;
static struct crm_session *session;

static enum status load(void *ctx, struct arena *into, struct crm_tokens *out, struct err *e)
{
    secret_set(&out->access, "token", 5);
    out->instance_url = base_url;
    return OK;
}

static enum status save(void *ctx, const struct crm_tokens *tokens, struct err *e)
{
    return OK;
}

static void open_session(void)
{
    static const struct crm_token_store store = {NULL, load, save};
    struct connection connection = {.name = "cut", .login_url = base_url, .environment = "local"};
    session = salesforce_connector.open(world_real(), &connection, &store, &err);
    CHECK_GOT(session, &err);
    struct sf *sf = sf_of(session);
    snprintf(sf->version, sizeof sf->version, "v66.0"); /* nothing but writes on the wire */
}

static void begin(void)
{
    if (!listener)
        server_start();
    arena = arena_new();
    answer_for(&record);
    open_session();
    atomic_store(&requests, 0);
    atomic_store(&cut_request, -1);
    atomic_store(&cut_answer, -1);
    atomic_store(&cut_after, 0);
}

static void end(void)
{
    salesforce_connector.close(session);
    arena_free(arena);
}

EACH_TEST(begin, end)

static struct crm_outcome attempt_job(void)
{
    static const struct crm_job job = {.id = "750D000000IqhSLIAZ"};
    struct crm_outcome outcome = {.class = CRM_EXECUTED};
    struct buf csv = BUF_INIT;
    buf_str(&csv, "LastName\nNg\n");
    err_clear(&err);
    enum status rc = way->bulk == UPLOAD
                         ? salesforce_connector.bulk->upload(session, &job, &csv, &err)
                         : salesforce_connector.bulk->start(session, &job, &err);
    if (rc != OK) /* that it may have arrived is what the caller takes from any failure */
        outcome.class = CRM_UNKNOWN;
    buf_free(&csv);
    return outcome;
}

static struct crm_outcome attempt(bool harmless)
{
    struct crm_write writes[MOST];
    struct crm_outcome outcomes[MOST];
    struct crm_write_options options = {
        .alone = way->alone, .resend_harmless = harmless, .timeout_ms = 3000};
    if (way->bulk)
        return attempt_job();
    for (size_t i = 0; i < way->count; i++)
        writes[i] = (struct crm_write){
            .kind = way->kind,
            .object = "Lead",
            .id = way->kind == OP_CREATE || way->kind == OP_UPSERT
                      ? NULL
                      : arena_printf(arena, i ? "00QD000000IqhSM" : ID),
            .key_field = way->kind == OP_UPSERT ? "Key__c" : NULL,
            .key_value = way->kind == OP_UPSERT ? arena_printf(arena, "k%zu", i) : NULL,
            .payload = way->kind == OP_CONVERT ? "{\"convertedStatus\":\"Done\"}"
                       : way->kind == OP_UPSERT
                           ? arena_printf(arena, "{\"Key__c\":\"k%zu\",\"LastName\":\"Ng\"}", i)
                           : "{\"LastName\":\"Ng\"}"};
    salesforce_connector.write(session, writes, way->count, &options, arena, outcomes);
    for (size_t i = 1; i < way->count; i++)
        if (outcomes[i].class != outcomes[0].class)
            outcomes[0].class = CRM_SEVERAL; /* never: they went in one request */
    return outcomes[0];
}

/* Requests of one attempt that is cut; a kept connection has one whole exchange before it. */
static int requests_of(bool kept, struct crm_outcome *outcome)
{
    salesforce_connector.close(session); /* no connection of the attempt before */
    open_session();
    atomic_store(&cut_after, kept);
    if (kept) {
        long request = atomic_exchange(&cut_request, -1), cut = atomic_exchange(&cut_answer, -1);
        attempt(true);
        atomic_store(&cut_request, request);
        atomic_store(&cut_answer, cut);
    }
    int before = atomic_load(&requests);
    *outcome = attempt(kept);
    return atomic_load(&requests) - before;
}

static void cut_every_byte_of_the_request(const struct way *now, bool kept)
{
    answer_for(now);
    attempt(false);
    size_t size = atomic_load(&request_size);
    CHECK(size > 150);
    for (size_t at = 0; at < size; at += now->stride ? now->stride : 1) {
        struct crm_outcome outcome;
        atomic_store(&cut_request, (long)at);
        int sent = requests_of(kept, &outcome);
        CHECK(sent <= 1);
        CHECK(outcome.class == CRM_UNKNOWN || (outcome.class == CRM_NOT_EXECUTED && !sent));
    }
    atomic_store(&cut_request, -1);
}

static void cut_every_byte_of_the_answer(const struct way *now, bool kept)
{
    answer_for(now);
    CHECK_INT(attempt(false).class, CRM_EXECUTED);
    size_t end = strlen(answer), proof = now->by_status && !now->bulk ? status_line() : end;
    for (size_t at = 0; at < end; at++) {
        struct crm_outcome outcome;
        atomic_store(&cut_answer, (long)at);
        CHECK_INT(requests_of(kept, &outcome), 1);
        /* of one record the status line proves it; of several only the whole answer */
        CHECK_INT(outcome.class, at < proof ? CRM_UNKNOWN : CRM_EXECUTED);
    }
    atomic_store(&cut_answer, -1);
}

static void cut_everywhere(const struct way *now)
{
    cut_every_byte_of_the_request(now, false);
    cut_every_byte_of_the_answer(now, false);
}

TEST(cut, every_byte_of_the_request_on_a_new_connection)
{
    cut_every_byte_of_the_request(&record, false);
}

TEST(cut, every_byte_of_the_request_on_a_kept_connection)
{
    cut_every_byte_of_the_request(&record, true);
    cut_every_byte_of_the_request(&change, true);
    cut_every_byte_of_the_request(&upserts, true);
}

TEST(cut, every_byte_of_the_answer_on_a_new_connection)
{
    cut_every_byte_of_the_answer(&record, false);
}

TEST(cut, every_byte_of_the_answer_on_a_kept_connection)
{
    cut_every_byte_of_the_answer(&record, true);
    cut_every_byte_of_the_answer(&change, true);
    cut_every_byte_of_the_answer(&upserts, true);
}

TEST(cut, every_byte_of_a_change)
{
    cut_everywhere(&change);
}

TEST(cut, every_byte_of_a_collection)
{
    cut_everywhere(&collection);
    cut_everywhere(&changes);
    cut_everywhere(&upserts);
    cut_everywhere(&deletions);
}

TEST(cut, every_byte_of_a_composite)
{
    cut_everywhere(&parts);
    cut_every_byte_of_the_request(&collections, false);
}

TEST(cut, every_byte_of_a_conversion)
{
    cut_every_byte_of_the_request(&conversion, false);
}

TEST(cut, every_byte_of_a_bulk_upload_and_its_start)
{
    cut_everywhere(&upload);
    cut_everywhere(&start);
}
