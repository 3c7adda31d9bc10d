/* main.c - the simulation's command line.
 *
 *   sim [--seeds N] [--from SEED] [--replay SEED] [--twice] [--first] [--log]
 *
 * Seeds run one after the other, each in a child of a process that has an unused org and
 * workspace ready, so one that crashes ends nothing but itself; a failing one is printed with the oracle that broke
 * and how to see it again. --replay tells a seed step by step. --twice runs each seed
 * two times and compares the traces: a story that depends on anything but its seed
 * cannot be replayed. --first ends with the first failure. Ends with `N passed, N failed`. */
#include "sim/sim.h"

#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct tally {
    int64_t passed, failed, deaths, lives, exchanges, faults, modes[SIM_MODES], bulk;
};

static void count(struct tally *tally, const struct sim *sim)
{
    tally->failed += sim->failure[0] != '\0';
    tally->passed += sim->failure[0] == '\0';
    tally->deaths += sim->deaths;
    tally->lives += sim->lives;
    tally->exchanges += sim->exchanges;
    tally->faults += sim->faults;
    tally->modes[sim->mode]++;
    tally->bulk += sim->bulk;
    if (sim->failure[0])
        printf("seed %llu: %s\n  again with: ./dev sim --replay %llu\n",
               (unsigned long long)sim->seed, sim->failure, (unsigned long long)sim->seed);
}

static struct sim sim;  /* the orgs that are ready know its clock */
static struct sim told; /* by a child, of its story: only numbers and texts mean something */

/* A story in a child. */
static void run_apart(uint64_t seed)
{
    static struct sim *shared;
    int status = 0;
    if (!shared)
        shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        abort();
    memset(shared, 0, sizeof *shared);
    fflush(stdout);
    pid_t child = fork();
    if (child < 0)
        abort();
    if (child == 0) {
        story_run(&sim, seed, false);
        memcpy(shared, &sim, sizeof sim);
        fflush(stdout);
        _exit(0);
    }
    if (waitpid(child, &status, 0) != child)
        abort();
    memcpy(&told, shared, sizeof told);
    if (status) {
        told.seed = seed;
        snprintf(told.failure, sizeof told.failure, "its process ended with status %d", status);
    }
}

static void one(struct tally *tally, uint64_t seed, bool twice)
{
    run_apart(seed);
    if (twice && !told.failure[0]) {
        uint64_t trace = told.trace;
        run_apart(seed);
        if (told.trace != trace)
            snprintf(told.failure, sizeof told.failure, "two runs of it differ");
    }
    count(tally, &told);
}

static uint64_t number(int argc, char **argv, const char *name, uint64_t otherwise)
{
    for (int i = 1; i + 1 < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return strtoull(argv[i + 1], NULL, 10);
    return otherwise;
}

static bool has(int argc, char **argv, const char *name)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], name) == 0)
            return true;
    return false;
}

static void remove_keys(const char *folder)
{
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0)
        printf("%s: it did not\n", command);
}

int main(int argc, char **argv)
{
    struct tally tally = {0};
    char keys[64];
    snprintf(keys, sizeof keys, "/dev/shm/argil-sim-keys-%ld", (long)getpid());
    setenv("XDG_CONFIG_HOME", keys, 1);
    unsetenv("ARGIL_KEY_FILE");
    unsetenv("ARGIL_CRASH_AT");
    setenv("TMPDIR", "/dev/shm", 1); /* of the org's Bulk jobs */
    if (!has(argc, argv, "--log"))
        log_set_level(LOG_NONE);
    disk_begin();
    mem_keep_freed();
    if (!story_prepare(&sim)) {
        printf("%s\n0 passed, 1 failed\n", sim.failure);
        return 1;
    }
    uint64_t replay = number(argc, argv, "--replay", 0), from = number(argc, argv, "--from", 1);
    uint64_t seeds = replay ? 1 : number(argc, argv, "--seeds", 100);
    for (uint64_t i = 0; i < seeds && !(tally.failed && has(argc, argv, "--first")); i++)
        if (replay) { /* here, where a debugger is */
            story_run(&sim, replay, true);
            count(&tally, &sim);
        } else
            one(&tally, from + i, has(argc, argv, "--twice"));
    story_put_away();
    remove_keys(keys);
    printf("seen: %lld lives, %lld deaths, %lld exchanges, %lld faults, %lld sealed, %lld keyed, "
           "%lld findable, %lld in bulk\n",
           (long long)tally.lives, (long long)tally.deaths,
           (long long)tally.exchanges, (long long)tally.faults, (long long)tally.modes[SIM_SEALED],
           (long long)tally.modes[SIM_KEYED], (long long)tally.modes[SIM_FINDABLE],
           (long long)tally.bulk);
    printf("%lld passed, %lld failed\n", (long long)tally.passed, (long long)tally.failed);
    return tally.failed ? 1 : 0;
}
