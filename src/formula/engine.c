/* engine.c - the parent's side: starts a worker, sends batches, and takes no
 * harm from what people write.
 *
 * A worker that is silent past the deadline, dies, or answers nonsense is
 * killed and replaced. The batch is then halved until the row at fault stands
 * alone, so that its neighbours still get their values; after MAX_STRIKES rows
 * the rest of the batch is given up with the same message. */
#include "formula/formula.h"
#include "formula/formula_priv.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define BATCH_ROWS 1000
#define BATCH_BYTES (4 * MIB)
#define START_MS 20000
#define MAX_STRIKES 8

struct formula_engine {
    struct world *world;
    char *program;
    pid_t pid; /* 0 = none */
    int fd;
    bool libraries; /* the worker has them, from the first formula on that uses one */
};

struct formula_engine *formula_engine_new(struct world *world, const char *program)
{
    struct formula_engine *engine = mem_alloc(sizeof *engine);
    engine->world = world;
    engine->program = mem_strdup(program ? program : "/proc/self/exe");
    engine->fd = -1;
    return engine;
}

/* True when it had crashed by then: not ended by itself, not killed for its time. */
static bool stop_worker(struct formula_engine *engine)
{
    int status = 0;
    if (engine->fd >= 0)
        close(engine->fd);
    engine->fd = -1;
    if (engine->pid > 0) {
        kill(engine->pid, SIGKILL);
        while (waitpid(engine->pid, &status, 0) < 0 && errno == EINTR)
            ;
    }
    engine->pid = 0;
    return WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL;
}

void formula_engine_free(struct formula_engine *engine)
{
    if (!engine)
        return;
    stop_worker(engine);
    free(engine->program);
    free(engine);
}

/* ---------------------------------------------------------------- frames */

static bool read_exact(struct formula_engine *e, char *to, size_t len, int64_t deadline)
{
    while (len) {
        int64_t left = deadline - e->world->monotonic_ms(e->world);
        struct pollfd poll_fd = {.fd = e->fd, .events = POLLIN};
        if (left <= 0)
            return false;
        int ready = poll(&poll_fd, 1, (int)left);
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return false;
        ssize_t got = recv(e->fd, to, len, MSG_DONTWAIT);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got <= 0)
            return false;
        to += got;
        len -= (size_t)got;
    }
    return true;
}

static bool send_exact(struct formula_engine *e, const char *from, size_t len, int64_t deadline)
{
    while (len) {
        int64_t left = deadline - e->world->monotonic_ms(e->world);
        struct pollfd poll_fd = {.fd = e->fd, .events = POLLOUT};
        if (left <= 0 || (poll(&poll_fd, 1, (int)left) <= 0 && errno != EINTR))
            return false;
        ssize_t put = send(e->fd, from, len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (put < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (put <= 0)
            return false;
        from += put;
        len -= (size_t)put;
    }
    return true;
}

static bool read_frame(struct formula_engine *e, struct buf *reply, int64_t deadline)
{
    uint32_t len;
    buf_clear(reply);
    if (!read_exact(e, (char *)&len, sizeof len, deadline) || len > FRAME_MAX)
        return false;
    char *room = buf_room(reply, len);
    if (!room || !read_exact(e, room, len, deadline))
        return false;
    buf_added(reply, len);
    return true;
}

/* ---------------------------------------------------------------- worker */

/* Malloc=1: JavaScriptCore takes the C library's allocator for its own, whose second thread hands
 * pages back ten times a second; fetching them again was half of a worker's time. */
static void become_worker(const char *program, bool libraries, int fd)
{
    char *const environment[] = {"Malloc=1",
                                 "JSC_useJIT=0",
                                 "JSC_useConcurrentGC=0",
                                 "JSC_numberOfGCMarkers=1",
                                 "TZ=UTC",
                                 "LANG=C.UTF-8",
                                 libraries ? LIBRARIES_VARIABLE "=1" : NULL,
                                 NULL};
    int null = open("/dev/null", O_RDWR);
    dup2(fd, WORKER_FD);
    dup2(null, 0);
    dup2(null, 1);
    dup2(null, 2);
    for (int other = WORKER_FD + 1; other < 1024; other++)
        close(other);
    fcntl(WORKER_FD, F_SETFD, 0);
    execve(program, (char *const[]){"argil", "formula-worker", NULL}, environment);
    _exit(127);
}

static enum status start_worker(struct formula_engine *e, struct err *err)
{
    int pair[2];
    struct buf hello = BUF_UP_TO(16);
    if (e->pid)
        return OK;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
        return err_set(err, ERR_FORMULA_WORKER, "cannot make a socket pair: %m");
    pid_t pid = fork();
    if (pid == 0) {
        /* keep the child's end clear of the numbers that are set up next */
        int fd = fcntl(pair[1], F_DUPFD, 16);
        become_worker(e->program, e->libraries, fd);
    }
    close(pair[1]);
    if (pid < 0) {
        close(pair[0]);
        return err_set(err, ERR_FORMULA_WORKER, "cannot start the formula worker: %m");
    }
    e->pid = pid;
    e->fd = pair[0];
    bool ready = read_frame(e, &hello, e->world->monotonic_ms(e->world) + START_MS);
    buf_free(&hello);
    if (ready)
        return OK;
    int code = 0;
    kill(pid, SIGKILL);
    waitpid(pid, &code, 0);
    e->pid = 0;
    close(e->fd);
    e->fd = -1;
    err_set(err, ERR_FORMULA_WORKER, "the formula worker did not start (%s %d)",
            WIFEXITED(code) ? "exit code" : "signal",
            WIFEXITED(code) ? WEXITSTATUS(code) : WTERMSIG(code));
    if (WIFEXITED(code) && WEXITSTATUS(code) == 2)
        err_hint(err, "JavaScriptCore is missing: apt-get install libjavascriptcoregtk-4.1-0");
    else if (WIFEXITED(code) && WEXITSTATUS(code) == 3)
        err_hint(err, "the kernel refused the seccomp filter; formulas never run outside of it");
    return FAIL;
}

static bool exchange_once(struct formula_engine *e, const struct buf *request, struct buf *reply)
{
    int64_t deadline = e->world->monotonic_ms(e->world) + REPLY_MS;
    uint32_t len = (uint32_t)request->len;
    return send_exact(e, (char *)&len, sizeof len, deadline) &&
           send_exact(e, request->data, request->len, deadline) && read_frame(e, reply, deadline);
}

/* One exchange. FAIL with the worker gone; err says whether it could start. A worker
 * that has served before may crash for no fault of this request (JavaScriptCore lets
 * its collector's thread go after ten idle seconds and wants a new one, which the
 * filter refuses): then a clean one is asked. */
static enum status exchange(struct formula_engine *e, const struct buf *request, struct buf *reply,
                            struct err *err)
{
    for (;;) {
        bool fresh = !e->pid;
        if (start_worker(e, err) != OK)
            return FAIL;
        if (exchange_once(e, request, reply))
            return OK;
        pid_t pid = e->pid;
        bool crashed = stop_worker(e);
        log_debug("formula worker %d %s; replaced", (int)pid,
                  crashed ? "has crashed" : "gave no answer in time");
        if (fresh || !crashed)
            return err_set(err, ERR_TIMEOUT, "the formula ran out of time or memory");
        buf_clear(reply);
    }
}

/* ----------------------------------------------------------- translation */

/* "Company.industry[0]" with names {.., "Company", ..} -> __v[i]?.["industry"]?.[0] */
static enum status translate_ref(struct buf *out, const char *ref, const char *const *names,
                                 size_t count, struct err *err)
{
    size_t best = 0, which = count;
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(names[i]);
        if (len >= best && !strncmp(ref, names[i], len) &&
            (!ref[len] || ref[len] == '.' || ref[len] == '[')) {
            best = len;
            which = i;
        }
    }
    if (which == count)
        return err_set(err, ERR_FORMULA_SYNTAX, "{{%s}} names no column", ref);
    buf_printf(out, "__v[%zu]", which);
    for (const char *p = ref + best; *p;) {
        if (*p == '[') {
            size_t digits = strspn(p + 1, "0123456789");
            if (!digits || p[1 + digits] != ']')
                return err_set(err, ERR_FORMULA_SYNTAX, "{{%s}}: [ ] holds a position, as in [0]", ref);
            buf_printf(out, "?.[%.*s]", (int)digits, p + 1);
            p += digits + 2;
            continue;
        }
        p += *p == '.';
        size_t len = strcspn(p, ".[");
        struct jw w;
        buf_str(out, "?.[");
        jw_init(&w, out);
        jw_text_n(&w, p, len);
        buf_char(out, ']');
        p += len;
    }
    return OK;
}

/* Names NULL: any reference is taken as an unknown value (syntax check). */
static enum status translate(struct buf *out, const char *formula, const char *const *names,
                             size_t count, struct err *err)
{
    struct arena *arena = arena_new();
    enum status rc = OK;
    buf_char(out, ' ');
    while (rc == OK) {
        const char *start = strstr(formula, "{{");
        while (start && start[2] == '{') /* as template.c has it */
            start++;
        const char *stop = start ? strstr(start + 2, "}}") : NULL;
        if (!start) {
            buf_str(out, formula);
            break;
        }
        if (!stop) {
            rc = err_set(err, ERR_FORMULA_SYNTAX, "a {{ is not closed: \"%.40s\"", start);
            break;
        }
        buf_append(out, formula, (size_t)(start - formula));
        struct str name = str_trim((struct str){start + 2, (size_t)(stop - start) - 2});
        if (names)
            rc = translate_ref(out, str_dup(arena, name), names, count, err);
        else
            buf_str(out, "__v[0]");
        buf_char(out, ' ');
        formula = stop + 2;
    }
    arena_free(arena);
    return rc;
}

/* A formula that uses a library gets a worker that has them. */
static enum status want_libraries(struct formula_engine *e, const char *formula, struct err *err)
{
    char name[40];
    if (e->libraries || !formula_library_name(formula, name, sizeof name))
        return OK;
    if (!formula_libraries_len) {
        err_set(err, ERR_FORMULA_LIBRARY, "`%s` is not in this build of argil", name);
        err_hint(err, "_ (lodash), dayjs and the spreadsheet functions come from npm when argil is "
                      "built: python3 tools/build_libraries.py, then build again");
        return FAIL;
    }
    stop_worker(e);
    e->libraries = true;
    return OK;
}

static enum status syntax_error(const struct json *reply, struct err *err)
{
    err_set(err, ERR_FORMULA_SYNTAX, "%s", json_get_text(reply, "syntax"));
    err_hint(err, "a formula is one JavaScript expression, such as {{Name}}?.trim() ?? 'none'");
    return FAIL;
}

/* Asks the worker whether `source` parses. */
static enum status check_source(struct formula_engine *e, const char *source, struct err *err)
{
    struct buf request = BUF_INIT, reply = BUF_UP_TO(FRAME_MAX);
    struct arena *arena = arena_new();
    struct jw w;
    jw_init(&w, &request);
    jw_object(&w);
    jw_kv_text(&w, "f", source);
    jw_end_object(&w);
    enum status rc = exchange(e, &request, &reply, err);
    if (rc == OK) {
        const struct json *answer = json_parse_buf(arena, &reply, err);
        if (!answer)
            rc = FAIL;
        else if (json_get(answer, "syntax"))
            rc = syntax_error(answer, err);
    }
    arena_free(arena);
    buf_free(&request);
    buf_free(&reply);
    return rc;
}

/* An expression must parse in round and in square brackets: text that closes
 * one kind to leave the expression breaks the other. */
enum status formula_check(struct formula_engine *engine, const char *formula, struct err *err)
{
    struct buf source = BUF_INIT, square = BUF_INIT;
    enum status rc = translate(&source, formula, NULL, 0, err);
    if (rc == OK && text_blank(formula))
        rc = err_set(err, ERR_FORMULA_SYNTAX, "the formula is empty");
    if (rc == OK)
        rc = want_libraries(engine, formula, err);
    if (rc == OK)
        rc = check_source(engine, buf_text(&source), err);
    if (rc == OK) {
        buf_printf(&square, "[%s\n]", buf_text(&source));
        rc = check_source(engine, buf_text(&square), err);
    }
    buf_free(&source);
    buf_free(&square);
    return rc;
}

/* ------------------------------------------------------------ evaluation */

struct evaluation {
    struct formula_engine *engine;
    const char *source;
    const char *const *rows;
    struct arena *arena;
    struct formula_result *results;
    int strikes;
};

static void take_result(struct evaluation *ev, const struct json *item, struct formula_result *out)
{
    const struct json *value = json_get(item, "v");
    *out = (struct formula_result){0};
    if (value) {
        struct buf text = BUF_INIT;
        struct jw w;
        jw_init(&w, &text);
        jw_value(&w, value);
        out->state = FORMULA_OK;
        out->json = arena_strndup(ev->arena, buf_text(&text), text.len);
        buf_free(&text);
    } else if (json_get_text(item, "e")) {
        out->state = FORMULA_ERROR;
        out->message = arena_strdup(ev->arena, json_get_text(item, "e"));
    } else {
        out->state = FORMULA_NULL;
    }
}

static void give_up(struct evaluation *ev, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        ev->results[i] = (struct formula_result){
            .state = FORMULA_TIMEOUT, .message = "the formula ran out of time or memory"};
}

static enum status take_reply(struct evaluation *ev, const struct buf *reply, size_t from, size_t to,
                              struct err *err)
{
    struct arena *scratch = arena_new();
    const struct json *answer = json_parse_buf(scratch, reply, err);
    enum status rc = OK;
    if (!answer) {
        rc = FAIL;
    } else if (json_get(answer, "syntax")) {
        rc = syntax_error(answer, err);
    } else if (answer->type != JSON_ARRAY || answer->len != to - from) {
        rc = err_set(err, ERR_TIMEOUT, "the formula worker answered nonsense");
    } else {
        size_t i = from;
        json_each(item, answer)
            take_result(ev, item, &ev->results[i++]);
    }
    arena_free(scratch);
    return rc;
}

/* Rows [from, to); halves the batch when the worker fell over it. */
static enum status evaluate(struct evaluation *ev, size_t from, size_t to, struct err *err)
{
    struct buf request = BUF_INIT, reply = BUF_UP_TO(FRAME_MAX);
    struct jw w;
    jw_init(&w, &request);
    jw_object(&w);
    jw_kv_text(&w, "f", ev->source);
    jw_key(&w, "rows");
    jw_array(&w);
    for (size_t i = from; i < to; i++)
        jw_raw(&w, ev->rows[i], strlen(ev->rows[i]));
    jw_end_array(&w);
    jw_end_object(&w);
    enum status rc = exchange(ev->engine, &request, &reply, err);
    if (rc == OK)
        rc = take_reply(ev, &reply, from, to, err);
    buf_free(&request);
    buf_free(&reply);
    if (rc == OK || !err_is(err, ERR_TIMEOUT))
        return rc;
    stop_worker(ev->engine);
    if (to - from == 1 || ev->strikes >= MAX_STRIKES) {
        ev->strikes++;
        give_up(ev, from, to);
        return OK;
    }
    size_t middle = from + (to - from) / 2;
    return evaluate(ev, from, middle, err) == OK ? evaluate(ev, middle, to, err) : FAIL;
}

enum status formula_eval(struct formula_engine *engine, const char *formula,
                         const char *const *names, size_t name_count, const char *const *rows,
                         size_t row_count, struct arena *arena, struct formula_result *results,
                         struct err *err)
{
    struct buf source = BUF_INIT;
    struct err mine = {0};
    err = err ? err : &mine;
    enum status rc = translate(&source, formula, names ? names : (const char *const[]){""},
                               name_count, err);
    if (rc == OK)
        rc = want_libraries(engine, formula, err);
    struct evaluation ev = {.engine = engine, .source = buf_text(&source), .rows = rows,
                            .arena = arena, .results = results};
    for (size_t from = 0; rc == OK && from < row_count;) {
        size_t to = from, bytes = 0;
        while (to < row_count && to - from < BATCH_ROWS && bytes < BATCH_BYTES)
            bytes += strlen(rows[to++]);
        rc = evaluate(&ev, from, to, err);
        from = to;
    }
    if (rc == OK)
        err_clear(err);
    buf_free(&source);
    return rc;
}
