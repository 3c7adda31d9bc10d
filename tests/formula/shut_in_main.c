/* shut_in_main.c - what the sandbox is for: shut in, this program tries one way out,
 * named by its word, and exits with 0 only when it came through.
 *
 * A formula has no words for these; they stand for code that breaks out of the
 * engine. */
#include "formula/formula_priv.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static bool try_way(const char *way)
{
    if (!strcmp(way, "read a file"))
        return open("/etc/passwd", O_RDONLY) >= 0;
    if (!strcmp(way, "write a file"))
        return open("/tmp/argil-was-here", O_WRONLY | O_CREAT, 0600) >= 0;
    if (!strcmp(way, "open a socket"))
        return socket(AF_INET, SOCK_STREAM, 0) >= 0;
    if (!strcmp(way, "fork"))
        return fork() >= 0;
    if (!strcmp(way, "run a program"))
        return execl("/bin/true", "true", (char *)NULL) == 0;
    if (!strcmp(way, "make code"))
        return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                    0) != MAP_FAILED;
    if (!strcmp(way, "lift a limit"))
        return setrlimit(RLIMIT_AS, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}) == 0;
    if (!strcmp(way, "look at another process"))
        return kill(getppid(), 0) == 0;
    return !strcmp(way, "nothing"); /* so that a program that cannot even begin is noticed */
}

int main(int argc, char **argv)
{
    if (argc != 2 || !worker_shut_in())
        return 3;
    _exit(try_way(argv[1]) ? 0 : 1);
}
