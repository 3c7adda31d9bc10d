/* sandbox.c - the system calls that a formula worker may still make.
 *
 * Everything else ends the process. Memory may be mapped but never made
 * executable, which is possible because JIT is off. */
#include "formula/formula_priv.h"

#include <errno.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>

static bool allow(scmp_filter_ctx filter)
{
    static const int calls[] = {
        SCMP_SYS(read),       SCMP_SYS(write),       SCMP_SYS(pread64),   SCMP_SYS(poll),
        SCMP_SYS(ppoll),      SCMP_SYS(futex),       SCMP_SYS(madvise),   SCMP_SYS(munmap),
        SCMP_SYS(mremap),     SCMP_SYS(brk),         SCMP_SYS(exit),      SCMP_SYS(exit_group),
        SCMP_SYS(tgkill),     SCMP_SYS(gettid),      SCMP_SYS(getpid),    SCMP_SYS(sched_yield),
        SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigreturn),
        SCMP_SYS(rt_sigsuspend), SCMP_SYS(sigaltstack), SCMP_SYS(clock_gettime),
        SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep), SCMP_SYS(gettimeofday),
        SCMP_SYS(time),       SCMP_SYS(getrandom),   SCMP_SYS(getrusage), SCMP_SYS(sysinfo),
        SCMP_SYS(close),      SCMP_SYS(restart_syscall), SCMP_SYS(set_robust_list),
        SCMP_SYS(rseq),       SCMP_SYS(sched_getaffinity), SCMP_SYS(membarrier),
        SCMP_SYS(timer_settime), SCMP_SYS(getuid), SCMP_SYS(geteuid),
    };
    /* asked for by libraries that live with a refusal */
    static const int refused[] = {
        SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(clone), SCMP_SYS(clone3), SCMP_SYS(access),
        SCMP_SYS(faccessat), SCMP_SYS(stat), SCMP_SYS(newfstatat), SCMP_SYS(fstat),
        SCMP_SYS(readlink), SCMP_SYS(prctl), SCMP_SYS(uname), SCMP_SYS(lseek), SCMP_SYS(ioctl),
        SCMP_SYS(sched_setscheduler), SCMP_SYS(setpriority),
    };
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0))
            return false;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        if (seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), refused[i], 0))
            return false;
    return !seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) &&
           !seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

bool worker_shut_in(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    bool done = filter && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && allow(filter) &&
                !seccomp_load(filter);
    if (filter)
        seccomp_release(filter);
    return done;
}
