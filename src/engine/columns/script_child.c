/* script_child.c - see script_child.h. The child has a process group of its own,
 * three pipes, the environment it is given, and nothing else that is open here. */
#include "engine/columns/script_child.h"

#include "base/bits.h"
#include "base/str.h"
#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define STEP_MS 100

struct pipes {
    int in[2], out[2], errs[2];
};

struct talk {
    struct script_child *child;
    int in, out, errs; /* ours; -1 = closed */
    size_t written;
    struct buf said; /* stderr, its end */
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static bool pipes_make(struct pipes *p)
{
    *p = (struct pipes){{-1, -1}, {-1, -1}, {-1, -1}};
    return !pipe2(p->in, O_CLOEXEC) && !pipe2(p->out, O_CLOEXEC) && !pipe2(p->errs, O_CLOEXEC);
}

static void pipes_close(struct pipes *p)
{
    close_fd(&p->in[0]), close_fd(&p->in[1]);
    close_fd(&p->out[0]), close_fd(&p->out[1]);
    close_fd(&p->errs[0]), close_fd(&p->errs[1]);
}

/* After fork, before exec: only what may be called there. */
static void become(const struct script_child *child, const struct pipes *p)
{
    struct rlimit none = {0, 0};
    setpgid(0, 0);
    setrlimit(RLIMIT_CORE, &none);
    if (dup2(p->in[0], 0) < 0 || dup2(p->out[1], 1) < 0 || dup2(p->errs[1], 2) < 0 ||
        chdir(child->directory))
        _exit(126);
    for (int fd = 3; fd < 1024; fd++)
        close(fd);
    signal(SIGPIPE, SIG_DFL);
    execve(child->program, child->argv, child->environment);
    _exit(127);
}

static void feed(struct talk *t)
{
    const struct script_child *child = t->child;
    ssize_t put = write(t->in, child->input + t->written, child->input_len - t->written);
    if (put > 0)
        t->written += (size_t)put;
    bool over = put < 0 && errno != EAGAIN && errno != EINTR; /* it does not read on: its choice */
    if (over || t->written == child->input_len)
        close_fd(&t->in);
}

/* False: it says more than it may. */
static bool hear(struct talk *t)
{
    char bytes[65536];
    ssize_t got = read(t->out, bytes, sizeof bytes);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return true;
    if (got <= 0) {
        close_fd(&t->out);
        return true;
    }
    if (t->child->output.len + (size_t)got > t->child->most_output)
        return false;
    buf_append(&t->child->output, bytes, (size_t)got);
    return true;
}

static void hear_complaint(struct talk *t)
{
    char bytes[4096];
    ssize_t got = read(t->errs, bytes, sizeof bytes);
    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        close_fd(&t->errs);
        return;
    }
    buf_append(&t->said, bytes, (size_t)got);
    size_t keep = sizeof t->child->complaint - 1;
    if (t->said.len > keep) {
        memmove(t->said.data, t->said.data + t->said.len - keep, keep);
        t->said.len = keep;
    }
}

static enum status look(struct talk *t, struct err *err)
{
    struct pollfd fds[3] = {
        {.fd = t->out, .events = POLLIN}, {.fd = t->errs, .events = POLLIN},
        {.fd = t->in, .events = POLLOUT}};
    if (poll(fds, 3, STEP_MS) < 0)
        return errno == EINTR ? OK : err_set(err, ERR_IO, "waiting for the script failed: %m");
    if (fds[2].revents)
        feed(t);
    if (fds[1].revents)
        hear_complaint(t);
    if (fds[0].revents && !hear(t))
        return err_set(err, "script.too_large", "the script's output has more than %zu bytes",
                       t->child->most_output);
    return OK;
}

/* Until it closed its output. */
static enum status converse(struct talk *t, struct err *err)
{
    struct script_child *child = t->child;
    struct world *world = world_real();
    int64_t deadline = world->monotonic_ms(world) + child->timeout_ms;
    while (t->out >= 0) {
        if (child->stop && atomic_load(child->stop))
            return err_set(err, ERR_STOPPED, "stopped; everything done so far is stored");
        if (world->monotonic_ms(world) > deadline)
            return err_set(err, "script.timeout", "the script took more than %lld s",
                           (long long)child->timeout_ms / 1000);
        if (look(t, err) != OK)
            return FAIL;
    }
    return OK;
}

/* It has closed its output; a moment to leave by itself, then it is made to. */
static void end_child(struct script_child *child, pid_t pid, bool at_once)
{
    struct world *world = world_real();
    int code = 0;
    pid_t gone = 0;
    for (int i = 0; i < 50 && !at_once && !gone; i++) {
        gone = waitpid(pid, &code, WNOHANG);
        if (!gone)
            world->sleep_ms(world, 20);
    }
    kill(-pid, SIGKILL);
    while (!gone && (gone = waitpid(pid, &code, 0)) < 0 && errno == EINTR)
        gone = 0;
    child->exit_code = gone > 0 && WIFEXITED(code) ? WEXITSTATUS(code) : -1;
}

static void keep_complaint(struct talk *t)
{
    struct str text = str_trim((struct str){buf_text(&t->said), t->said.len});
    size_t keep = utf8_cut(text.p, text.n, sizeof t->child->complaint - 1);
    memcpy(t->child->complaint, text.p, keep);
    t->child->complaint[keep] = 0;
    buf_free(&t->said);
}

static void nonblocking(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

enum status script_child_run(struct script_child *child, struct err *err)
{
    struct pipes p;
    child->exit_code = -1;
    if (!pipes_make(&p)) {
        pipes_close(&p);
        return err_set(err, ERR_IO, "cannot make pipes for the script: %m");
    }
    pid_t pid = fork();
    if (pid == 0)
        become(child, &p);
    struct talk t = {.child = child, .in = p.in[1], .out = p.out[0], .errs = p.errs[0]};
    p.in[1] = p.out[0] = p.errs[0] = -1;
    pipes_close(&p);
    enum status rc = pid < 0 ? err_set(err, ERR_IO, "cannot start the script: %m") : OK;
    nonblocking(t.in), nonblocking(t.out), nonblocking(t.errs);
    if (rc == OK)
        rc = converse(&t, err);
    if (pid > 0) {
        setpgid(pid, pid); /* lest it was not there yet to do so itself */
        end_child(child, pid, rc != OK);
    }
    close_fd(&t.in), close_fd(&t.out), close_fd(&t.errs);
    keep_complaint(&t);
    if (rc == OK && child->exit_code == 127)
        rc = err_set(err, "script.failed", "%s cannot be run: %s", child->argv[0],
                     *child->complaint ? child->complaint : "is it a program, or has it a #! line?");
    else if (rc == OK && child->exit_code < 0)
        rc = err_set(err, "script.failed", "%s was killed by a signal%s%s", child->argv[0],
                     *child->complaint ? ": " : "", child->complaint);
    return rc;
}
