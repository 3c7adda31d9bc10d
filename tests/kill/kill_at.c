/* kill_at.c - runs a program and kills it before its K-th system call that can
 * reach disk or network.
 *
 *   kill_at K LOG COMMAND [ARGUMENT...]     K = 0: kill nothing, write them all to LOG
 *
 * Counted are the calls of the program itself, in all its threads, that write,
 * sync, rename, cut or remove a file, connect, send or receive. Its child processes
 * (a formula worker) run on under the same tracer and are not counted. A seccomp
 * filter stops the tracee at these calls alone, so that a run is not much slower
 * than without. The call itself is never made: what was written before it is the
 * whole state that is left. LOG gets one line a call: number and name.
 *
 * Exit code: the program's own, or 137 when it was killed; 2 = it could not be run. */
#include <errno.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

static const int calls[] = {
    SCMP_SYS(write),    SCMP_SYS(pwrite64), SCMP_SYS(writev),   SCMP_SYS(pwritev),
    SCMP_SYS(fsync),    SCMP_SYS(fdatasync), SCMP_SYS(rename),  SCMP_SYS(renameat),
    SCMP_SYS(renameat2), SCMP_SYS(unlink),  SCMP_SYS(unlinkat), SCMP_SYS(ftruncate),
    SCMP_SYS(connect),  SCMP_SYS(sendto),   SCMP_SYS(sendmsg),  SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
};
enum { CALLS = sizeof calls / sizeof calls[0] };

static const char *name_of(unsigned which, char **own)
{
    *own = which < CALLS ? seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, calls[which]) : NULL;
    return *own ? *own : "?";
}

static void fail(const char *what)
{
    fprintf(stderr, "kill_at: %s: %s\n", what, strerror(errno));
    _exit(2);
}

/* In the child: stop at the calls of the list, then become the program. */
static void become(char **command)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (!filter || ptrace(PTRACE_TRACEME, 0, NULL, NULL) || raise(SIGSTOP))
        fail("trace");
    for (unsigned i = 0; i < CALLS; i++) {
        int rule = seccomp_rule_add(filter, SCMP_ACT_TRACE(i), calls[i], 0);
        if (rule < 0 && rule != -EDOM && rule != -EFAULT) /* a call this machine does not have */
            fail("filter rule");
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || seccomp_load(filter))
        fail("filter");
    seccomp_release(filter);
    execvp(command[0], command);
    fail(command[0]);
}

/* Whether this thread belongs to the program and not to a child of it. */
static bool belongs(pid_t thread, pid_t program)
{
    char path[64], line[128];
    snprintf(path, sizeof path, "/proc/%d/status", (int)thread);
    FILE *status = fopen(path, "re");
    int group = -1;
    while (status && group < 0 && fgets(line, sizeof line, status))
        sscanf(line, "Tgid: %d", &group);
    if (status)
        fclose(status);
    return group == (int)program;
}

struct count {
    pid_t program;
    long at, seen;
    FILE *log;
    bool killed;
};

static void count_call(struct count *count, pid_t thread)
{
    unsigned long which = CALLS;
    char *own;
    if (count->killed || !belongs(thread, count->program))
        return;
    ptrace(PTRACE_GETEVENTMSG, thread, NULL, &which);
    fprintf(count->log, "%ld %s\n", ++count->seen, name_of((unsigned)which, &own));
    free(own);
    if (count->seen == count->at) {
        count->killed = true;
        kill(count->program, SIGKILL);
    }
}

/* The signal a stopped thread is to get when it goes on: none for the tracer's own stops. */
static int signal_of(int status)
{
    int signal = WSTOPSIG(status);
    bool event = status >> 16 || signal == SIGSTOP || signal == SIGTRAP;
    return event ? 0 : signal;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "kill_at K LOG COMMAND [ARGUMENT...]\n");
        return 2;
    }
    struct count count = {.at = atol(argv[1]), .log = fopen(argv[2], "we")};
    if (!count.log)
        fail(argv[2]);
    count.program = fork();
    if (count.program == 0)
        become(argv + 3);
    int status, left = 2;
    if (count.program < 0 || waitpid(count.program, &status, 0) < 0 || !WIFSTOPPED(status))
        fail("start");
    ptrace(PTRACE_SETOPTIONS, count.program, NULL,
           PTRACE_O_EXITKILL | PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
               PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC);
    ptrace(PTRACE_CONT, count.program, NULL, NULL);
    for (pid_t thread; (thread = waitpid(-1, &status, __WALL)) > 0;) {
        if (WIFEXITED(status) || WIFSIGNALED(status)) {
            if (thread == count.program) {
                left = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
                break;
            }
            continue;
        }
        if (WIFSTOPPED(status) && status >> 8 == (SIGTRAP | (PTRACE_EVENT_SECCOMP << 8)))
            count_call(&count, thread);
        ptrace(PTRACE_CONT, thread, NULL, (void *)(long)signal_of(status));
    }
    fclose(count.log);
    return left;
}
