/* formula.c - the formula engine alone, for ./dev bench columns: rows a second
 * through the sandbox and back, and what a worker costs to start.
 *
 *     formula WORKER ROWS FORMULA     {"rows":..,"wall_s":..,"cpu_s":..,"start_ms":..,"peak_mb":..}
 *
 * Three inputs (text, number, text) a row, batches of a thousand as a column has
 * them; cpu_s and peak_mb are of this process and the worker together. */
#include "formula/formula.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define BATCH 1000

static double cpu_s(int who)
{
    struct rusage u;
    getrusage(who, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double peak_mb(int who)
{
    struct rusage u;
    getrusage(who, &u);
    return (double)u.ru_maxrss / 1024;
}

static void one_batch(struct formula_engine *engine, const char *formula, long long from,
                      long long *good)
{
    static const char *const names[] = {"Name", "Employees", "Rating"};
    struct arena *arena = arena_new();
    const char **rows = arena_array(arena, BATCH, sizeof *rows);
    struct formula_result *results = arena_array(arena, BATCH, sizeof *results);
    struct err err = {0};
    for (long long i = 0; i < BATCH; i++)
        rows[i] = arena_printf(arena, "[\" Company %lld \",%lld,%s]", from + i, (from + i) % 5000,
                               (from + i) % 3 ? "\"Hot\"" : "null");
    if (formula_eval(engine, formula, names, 3, rows, BATCH, arena, results, &err) != OK) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
    for (size_t i = 0; i < BATCH; i++)
        *good += results[i].state == FORMULA_OK;
    arena_free(arena);
}

int main(int argc, char **argv)
{
    struct world *world = world_real();
    struct err err = {0};
    long long good = 0;
    if (argc != 4)
        return 2;
    long long rows = strtoll(argv[2], NULL, 10);
    struct formula_engine *engine = formula_engine_new(world, argv[1]);
    int64_t began = world->monotonic_ms(world);
    if (formula_check(engine, argv[3], &err) != OK) {
        fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    int64_t ready = world->monotonic_ms(world);
    for (long long at = 0; at < rows; at += BATCH)
        one_batch(engine, argv[3], at, &good);
    double wall = (double)(world->monotonic_ms(world) - ready) / 1000;
    formula_engine_free(engine); /* waits for the worker: its usage is counted from then on */
    printf("{\"rows\":%lld,\"good\":%lld,\"wall_s\":%.3f,\"cpu_s\":%.3f,\"start_ms\":%lld,"
           "\"worker_cpu_s\":%.3f,\"peak_mb\":%.1f,\"worker_mb\":%.1f}\n",
           rows, good, wall, cpu_s(RUSAGE_SELF) + cpu_s(RUSAGE_CHILDREN),
           (long long)(ready - began), cpu_s(RUSAGE_CHILDREN), peak_mb(RUSAGE_SELF), peak_mb(RUSAGE_CHILDREN));
    return good == rows ? 0 : 1;
}
