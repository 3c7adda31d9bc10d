/* push_cost.c - one write run, with the journal or without it. For ./dev bench push.
 *
 *     push_cost DATA TABLE with|without
 *
 * Runs TABLE of the workspace DATA as `argil run TABLE --yes` would: the real engine, the real
 * store, a real org. "without" replaces the driver's journal functions by ones that keep
 * nothing: planning and marking as sent touch no disk, settling stores the cells alone, in a
 * transaction of its own for each exchange. A kill of that run would lose what was under way;
 * what it also goes without is the memory of what was written, by which our own changes are
 * known again when they come back. One line of JSON: CPU seconds of the process, and what was
 * written. */
#include "connect/connect.h"
#include "engine/engine.h"
#include "formula/formula.h"
#include "http/client.h"
#include "store/store.h"
#include "vault/vault.h"

#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

static struct store_driver real, bare;
static int64_t next_op = 1, table_id;

static enum status plan(struct store *store, struct op *ops, size_t count,
                        enum plan_result *results, const struct cell_result *cells,
                        const int64_t *looked_ms, struct err *err)
{
    (void)cells, (void)looked_ms, (void)err;
    for (size_t i = 0; i < count; i++) {
        ops[i].id = next_op++;
        ops[i].state = OP_PLANNED;
        ops[i].epoch = store->epoch;
        ops[i].payload = ops[i].payload ? ops[i].payload : "{}";
        table_id = ops[i].table_id;
        results[i] = PLAN_NEW;
    }
    return OK;
}

static enum status sending(struct store *store, struct op *ops, size_t count, int64_t deadline_ms,
                           struct err *err)
{
    (void)deadline_ms, (void)err;
    for (size_t i = 0; i < count; i++) {
        ops[i].state = OP_SENDING;
        ops[i].attempt++;
        ops[i].epoch = store->epoch;
    }
    return OK;
}

static enum status settle(struct store *store, const struct op_settle *settles, size_t count,
                          const struct dependents *dependents, size_t dependent_count,
                          size_t *fenced, struct err *err)
{
    struct arena *arena = arena_new();
    struct cell_result *cells = arena_array(arena, count + 1, sizeof *cells);
    for (size_t i = 0; i < count; i++)
        cells[i] = settles[i].cell;
    enum status rc =
        real.cells_put(store, table_id, cells, count, dependents, dependent_count, err);
    arena_free(arena);
    if (fenced)
        *fenced = 0;
    return rc;
}

static void leave_the_journal(struct store *store)
{
    bare = real;
    bare.ops_plan = plan;
    bare.ops_sending = sending;
    bare.ops_settle = settle;
    store->does = &bare;
}

static void must(bool ok, const struct err *err)
{
    if (ok)
        return;
    err_print(stderr, err, false);
    exit(1);
}

int main(int argc, char **argv)
{
    static const struct connector *const connectors[] = {&salesforce_connector};
    static atomic_bool stop;
    struct err err = {0};
    struct store *store = NULL;
    struct run_report report = {0};
    struct rusage usage;
    if (argc != 4) {
        fprintf(stderr, "push_cost DATA TABLE with|without\n");
        return 2;
    }
    struct store_open options = {.data = argv[1], .world = world_real()};
    must(sqlite_store_open(&options, &store, &err) == OK, &err);
    struct vault *vault = vault_open(store->workspace_id, false, &err);
    must(vault != NULL, &err);
    struct engine engine = {.world = world_real(),
                            .store = store,
                            .vault = vault,
                            .http = http_client_new(world_real(), "argil-bench"),
                            .formula = formula_engine_new(world_real(),
                                                          getenv("ARGIL_FORMULA_WORKER")),
                            .connectors = connectors,
                            .connector_count = 1,
                            .stop = &stop,
                            .actor = "bench",
                            .data = argv[1]};
    real = *store->does;
    if (strcmp(argv[3], "without") == 0)
        leave_the_journal(store);
    struct run_options run = {.yes = true};
    must(run_table(&engine, argv[2], &run, &report, &err) == OK, &err);
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("{\"cpu\":%.3f,\"created\":%lld,\"updated\":%lld,\"calls\":%llu}\n", cpu,
           (long long)report.created, (long long)report.updated, (unsigned long long)report.calls);
    engine_release(&engine);
    formula_engine_free(engine.formula);
    http_client_free(engine.http);
    vault_close(vault);
    real.close(store);
    return 0;
}
