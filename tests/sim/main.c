/* main.c - the simulation's command line.
 *
 *   sim [--seeds N] [--from SEED] [--replay SEED] [--twice] [--first]
 *
 * Seeds run one after the other; a failing one is printed with the oracle that broke
 * and how to see it again. --replay tells a seed step by step. --twice runs each seed
 * two times and compares the traces: a story that depends on anything but its seed
 * cannot be replayed. --first ends with the first failure. Ends with `N passed, N failed`. */
#include "sim/sim.h"

#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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

static void one(struct tally *tally, uint64_t seed, bool talk, bool twice)
{
    static struct sim sim;
    story_run(&sim, seed, talk);
    uint64_t trace = sim.trace;
    if (twice && !sim.failure[0]) {
        story_run(&sim, seed, false);
        if (sim.trace != trace)
            snprintf(sim.failure, sizeof sim.failure, "two runs of it differ");
    }
    count(tally, &sim);
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

static void tidy(void)
{
    char path[100];
    for (int mode = 0; mode < SIM_MODES; mode++) {
        snprintf(path, sizeof path, "/dev/shm/argil-sim-org-%ld-%d.db", (long)getpid(), mode);
        unlink(path);
    }
    snprintf(path, sizeof path, "rm -rf /dev/shm/argil-sim-new-%ld", (long)getpid());
    if (system(path) != 0)
        printf("%s: it did not\n", path);
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
    uint64_t replay = number(argc, argv, "--replay", 0), from = number(argc, argv, "--from", 1);
    uint64_t seeds = replay ? 1 : number(argc, argv, "--seeds", 100);
    for (uint64_t i = 0; i < seeds && !(tally.failed && has(argc, argv, "--first")); i++)
        one(&tally, replay ? replay : from + i, replay != 0, has(argc, argv, "--twice"));
    tidy();
    printf("%lld seeds: %lld lives, %lld deaths, %lld exchanges, %lld faults; sealed %lld, keyed "
           "%lld, findable %lld; in bulk %lld\n",
           (long long)seeds, (long long)tally.lives, (long long)tally.deaths,
           (long long)tally.exchanges, (long long)tally.faults, (long long)tally.modes[SIM_SEALED],
           (long long)tally.modes[SIM_KEYED], (long long)tally.modes[SIM_FINDABLE],
           (long long)tally.bulk);
    printf("%lld passed, %lld failed\n", (long long)tally.passed, (long long)tally.failed);
    return tally.failed ? 1 : 0;
}
