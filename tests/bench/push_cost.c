/* push_cost.c - what the journal costs a run: the CPU time spent in it, inside the
 * real engine with the real store against a real org. For ./dev bench push.
 *
 *     push_cost DATA TABLE
 *
 * Runs TABLE of the workspace DATA as `argil run TABLE --yes` would. The driver's
 * journal functions (plan, sending, settle, put off, list, last) are replaced by ones
 * that take the thread's CPU time around them. Settling writes the cells in
 * the same transaction, which a program without a journal would have to do as well, so
 * what is printed is more than the journal's own share. One line of JSON: CPU seconds of
 * the process, of its journal, and what was written. */
#include "connect/connect.h"
#include "engine/engine.h"
#include "formula/formula.h"
#include "http/client.h"
#include "store/store.h"
#include "vault/vault.h"

#include "base/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

static struct store_driver real, timed;
static double in_journal;

static double thread_cpu(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

#define TIMED(call)                                                                                \
    do {                                                                                           \
        double began = thread_cpu();                                                               \
        enum status rc = (call);                                                                   \
        in_journal += thread_cpu() - began;                                                        \
        return rc;                                                                                 \
    } while (0)

static enum status plan(struct store *store, struct op *ops, size_t count,
                        enum plan_result *results, const struct cell_result *cells,
                        const int64_t *looked_ms, struct err *err)
{
    TIMED(real.ops_plan(store, ops, count, results, cells, looked_ms, err));
}

static enum status sending(struct store *store, struct op *ops, size_t count, int64_t deadline_ms,
                           struct err *err)
{
    TIMED(real.ops_sending(store, ops, count, deadline_ms, err));
}

static enum status settle(struct store *store, const struct op_settle *settles, size_t count,
                          const struct dependents *dependents, size_t dependent_count,
                          size_t *fenced, struct err *err)
{
    TIMED(real.ops_settle(store, settles, count, dependents, dependent_count, fenced, err));
}

static enum status put_off(struct store *store, const int64_t *ids, size_t count,
                           int64_t not_before_ms, struct err *err)
{
    TIMED(real.ops_put_off(store, ids, count, not_before_ms, err));
}

static enum status list(struct store *store, struct arena *arena, const struct op_query *query,
                        struct op **out, size_t *count, struct err *err)
{
    TIMED(real.ops_list(store, arena, query, out, count, err));
}

static enum status last(struct store *store, struct arena *arena, int64_t table_id,
                        int64_t column_id, const int64_t *row_ids, size_t count, struct op *out,
                        struct err *err)
{
    TIMED(real.ops_last(store, arena, table_id, column_id, row_ids, count, out, err));
}

static void watch_the_journal(struct store *store)
{
    real = timed = *store->does;
    timed.ops_plan = plan;
    timed.ops_sending = sending;
    timed.ops_settle = settle;
    timed.ops_put_off = put_off;
    timed.ops_list = list;
    timed.ops_last = last;
    store->does = &timed;
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
    if (argc != 3) {
        fprintf(stderr, "push_cost DATA TABLE\n");
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
    watch_the_journal(store);
    struct run_options run = {.yes = true};
    must(run_table(&engine, argv[2], &run, &report, &err) == OK, &err);
    getrusage(RUSAGE_SELF, &usage);
    double cpu = (double)usage.ru_utime.tv_sec + (double)usage.ru_stime.tv_sec +
                 (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
    printf("{\"cpu\":%.3f,\"journal\":%.3f,\"created\":%lld,\"updated\":%lld,\"calls\":%llu}\n", cpu,
           in_journal, (long long)report.created, (long long)report.updated,
           (unsigned long long)report.calls);
    engine_release(&engine);
    formula_engine_free(engine.formula);
    http_client_free(engine.http);
    vault_close(vault);
    store->does = &real;
    real.close(store);
    return 0;
}
