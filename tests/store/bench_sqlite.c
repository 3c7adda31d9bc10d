/* bench_sqlite.c - how fast the SQLite store is, one line a figure.
 *
 *     bench_store_sqlite [rows] [page]     1,000,000 and 2,000 when not given
 *
 * 20 text columns, the shape of stack.md section 3. */
#include "store/store.h"

#include "base/mem.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COLUMNS 20

static struct err err;
static struct store *store;
static struct table table;
static struct arena *arena, *kept; /* kept: the table's own */

static void must(enum status rc)
{
    if (rc == OK)
        return;
    err_print(stderr, &err, false);
    exit(1);
}

/* Of this process: other work on the machine does not change it much. */
static double cpu_seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double seconds(void)
{
    return (double)world_real()->monotonic_ms(world_real()) / 1000;
}

static struct {
    double wall, cpu;
} began;

static void begin(void)
{
    began.wall = seconds();
    began.cpu = cpu_seconds();
}

/* `besides`: CPU seconds of making up the data. */
static void report(const char *what, double count, double besides)
{
    double wall = seconds() - began.wall - besides, cpu = cpu_seconds() - began.cpu - besides;
    printf("%-46s %9.0f /s  %9.0f /CPU-s\n", what, count / (wall > 0 ? wall : 1e-9),
           count / (cpu > 0 ? cpu : 1e-9));
    fflush(stdout);
}

static void given_table(void)
{
    struct column columns[COLUMNS + 2] = {0};
    char names[COLUMNS][16];
    for (int i = 0; i < COLUMNS; i++) {
        snprintf(names[i], sizeof names[i], "F%d", i);
        columns[i] = (struct column){.name = names[i], .kind = "source", .source_field = names[i]};
    }
    columns[COLUMNS] = (struct column){.name = "Formula", .kind = "formula"};
    columns[COLUMNS + 1] = (struct column){.name = "Write", .kind = "salesforce_update"};
    table = (struct table){
        .name = "Bench", .source = "{}", .columns = columns, .column_count = COLUMNS + 2};
    must(store->does->table_apply(store, &table, &err));
    must(store->does->table_get(store, kept, "Bench", &table, &err));
}

/* Values of 4 to 24 bytes, as CRM records have; every 97th row differs between versions. */
static void fill_row(struct row_in *row, char *text, size_t size, int64_t number, int version)
{
    struct value *values = (struct value *)row->values;
    size_t used = (size_t)snprintf(text, size, "001%012lldAAA", (long long)number) + 1;
    row->key = text;
    row->stamp = version ? "2026-02-01T00:00:00.000+0000" : "2026-01-01T00:00:00.000+0000";
    row->deleted = false;
    for (int i = 0; i < COLUMNS; i++) {
        int len = snprintf(text + used, size - used, "%.*s%lld-%d", 2 + i % 12, "Acme Holdings Ltd",
                           (long long)number, i == 3 && number % 97 == 0 ? version : 0);
        values[i] = (struct value){text + used, (uint32_t)len};
        used += (size_t)len + 1;
    }
}

static void import_all(int64_t rows, size_t page_rows, bool first, int version, bool due,
                       struct import_counts *counts, double *filling)
{
    enum { TEXT = 1024 };
    struct row_in *in = mem_array(page_rows, sizeof *in);
    char *text = mem_array(page_rows, TEXT);
    int slots[COLUMNS];
    int64_t due_new[] = {table.columns[COLUMNS].id};
    for (int i = 0; i < COLUMNS; i++)
        slots[i] = table.columns[i].slot;
    for (size_t i = 0; i < page_rows; i++)
        in[i].values = mem_array(COLUMNS, sizeof *in[i].values);
    for (int64_t at = 0; at < rows; at += (int64_t)page_rows) {
        double before = cpu_seconds();
        size_t n = rows - at < (int64_t)page_rows ? (size_t)(rows - at) : page_rows;
        for (size_t i = 0; i < n; i++)
            fill_row(&in[i], text + i * TEXT, TEXT, at + (int64_t)i, version);
        *filling += cpu_seconds() - before;
        struct import_page page = {.table_id = table.id,
                                   .slots = slots,
                                   .slot_count = COLUMNS,
                                   .rows = in,
                                   .row_count = n,
                                   .cursor = "{}",
                                   .update_existing = true,
                                   .first_load = first,
                                   .due_for_new = due_new,
                                   .due_for_new_count = due};
        must(store->does->import_page(store, &page, counts, &err));
    }
    if (first)
        must(store->does->import_finish(store, table.id, &err));
    for (size_t i = 0; i < page_rows; i++)
        free((void *)in[i].values);
    free(in);
    free(text);
}

static void bench_import(int64_t rows, size_t page_rows)
{
    struct import_counts counts = {0};
    double filling = 0;
    begin();
    import_all(rows, page_rows, true, 0, true, &counts, &filling);
    report("first load, 20 columns, 1 made due, + index", (double)rows, filling);
    filling = 0;
    begin();
    import_all(rows, page_rows, false, 0, true, &counts, &filling);
    report("full refresh, nothing changed", (double)rows, filling);
    filling = 0;
    begin();
    import_all(rows, page_rows, false, 1, true, &counts, &filling);
    report("full refresh, new stamps, 1 row in 97 changed", (double)rows, filling);
    printf("  added %lld changed %lld unchanged %lld due %lld\n", (long long)counts.added,
           (long long)counts.changed, (long long)counts.unchanged, (long long)counts.made_due);
}

/* What a worker does before it computes: due cells become its own, 1,000 at a time. */
static void bench_claims(void)
{
    struct row_query query = {.table_id = table.id,
                              .limit = 1000,
                              .column_id = table.columns[COLUMNS].id,
                              .states = 1u << CELL_DUE};
    int64_t done = 0;
    size_t count = 1;
    begin();
    while (count) {
        struct row *in;
        must(store->does->rows(store, arena, &query, &in, &count, &err));
        struct cell_result *out = arena_array(arena, count + 1, sizeof *out);
        for (size_t i = 0; i < count; i++)
            out[i] = (struct cell_result){
                .row_id = in[i].id, .column_id = query.column_id, .state = CELL_RUNNING};
        must(store->does->cells_put(store, table.id, out, count, NULL, 0, &err));
        done += (int64_t)count;
        arena_reset(arena);
    }
    report("claim due cells, 1,000 a batch", (double)done, 0);
}

static void bench_cells(int64_t rows)
{
    int slots[COLUMNS];
    for (int i = 0; i < COLUMNS; i++)
        slots[i] = table.columns[i].slot;
    struct row_query query = {.table_id = table.id,
                              .slots = slots,
                              .slot_count = 3,
                              .limit = 2000,
                              .column_id = table.columns[COLUMNS].id,
                              .states = 1u << CELL_DUE};
    begin();
    size_t count = 1;
    int64_t done = 0;
    while (count) {
        struct row *in;
        must(store->does->rows(store, arena, &query, &in, &count, &err));
        struct cell_result *out = arena_array(arena, count + 1, sizeof *out);
        for (size_t i = 0; i < count; i++)
            out[i] = (struct cell_result){.row_id = in[i].id,
                                          .column_id = query.column_id,
                                          .slot = table.columns[COLUMNS].slot,
                                          .state = CELL_OK,
                                          .value = in[i].values[0],
                                          .set_value = true};
        must(store->does->cells_put(store, table.id, out, count, NULL, 0, &err));
        if (count)
            query.after = in[count - 1].id;
        done += (int64_t)count;
        arena_reset(arena);
    }
    report("formula column: read due, store result", (double)done, 0);
    begin();
    int64_t made;
    must(store->does->cells_make_due(store, table.id, query.column_id, 0, NULL, 0, &made, &err));
    report("make a whole column due", (double)made, 0);
    begin();
    int64_t by_state[CELL_STATES];
    must(store->does->cells_count(store, table.id, query.column_id, by_state, &err));
    report("count a column's states", (double)rows, 0);
}

/* Since forget_peak. */
static double peak_mb(void)
{
    char line[200];
    long kb = 0;
    FILE *status = fopen("/proc/self/status", "r");
    while (status && fgets(line, sizeof line, status))
        if (sscanf(line, "VmHWM: %ld", &kb) == 1)
            break;
    if (status)
        fclose(status);
    return (double)kb / 1024;
}

/* As if the process had only begun (Linux: proc(5), clear_refs). */
static void forget_peak(void)
{
    FILE *refs = fopen("/proc/self/clear_refs", "w");
    malloc_trim(0);
    if (!refs || fputs("5", refs) < 0 || fclose(refs) != 0)
        fprintf(stderr, "the peak of memory is that of the whole bench\n");
}

static void bench_ops(int64_t total)
{
    enum { BATCH = 1000 };
    static struct op ops[BATCH];
    static enum plan_result results[BATCH];
    static struct cell_result cells[BATCH];
    static struct op_settle settles[BATCH];
    double planning = 0, sending = 0, settling = 0;
    for (int64_t at = 0; at < total; at += BATCH) {
        for (int i = 0; i < BATCH; i++) {
            ops[i] =
                (struct op){.org_id = "00D000000000001AAA",
                            .table_id = table.id,
                            .row_id = at + i + 1,
                            .column_id = table.columns[COLUMNS + 1].id,
                            .generation = 1,
                            .kind = OP_UPDATE,
                            .object = "Account",
                            .target_id = arena_printf(arena, "001%012lldAAA", (long long)at + i),
                            .payload = "{\"Industry\":\"Steel\",\"Rating\":\"Hot\"}",
                            .before = "{\"Industry\":null,\"Rating\":null}"};
            /* as org_write.c makes them: the row's number, then something that no other has */
            snprintf(ops[i].key, sizeof ops[i].key, "%08x-5eed-8000-8000-%012x", (unsigned)(at + i),
                     (unsigned)(at + i) * 2654435761u);
            cells[i] = (struct cell_result){.row_id = ops[i].row_id,
                                            .column_id = ops[i].column_id,
                                            .slot = table.columns[COLUMNS + 1].slot,
                                            .state = CELL_QUEUED};
        }
        double t0 = cpu_seconds();
        must(store->does->ops_plan(store, ops, BATCH, results, cells, NULL, &err));
        double t1 = cpu_seconds();
        must(store->does->ops_sending(store, ops, BATCH, 1, &err));
        double t2 = cpu_seconds();
        for (int i = 0; i < BATCH; i++) {
            settles[i] = (struct op_settle){.id = ops[i].id,
                                            .epoch = ops[i].epoch,
                                            .from = OP_SENDING,
                                            .to = OP_DONE,
                                            .result_id = ops[i].target_id,
                                            .evidence = "{\"status\":200}",
                                            .cell = cells[i],
                                            .audit = "update Account: done"};
            settles[i].cell.state = CELL_OK;
            settles[i].cell.set_value = true;
            settles[i].cell.value = (struct value){ops[i].target_id, 18};
        }
        double t3 = cpu_seconds();
        must(store->does->ops_settle(store, settles, BATCH, NULL, 0, NULL, &err));
        settling += cpu_seconds() - t3;
        sending += t2 - t1;
        planning += t1 - t0;
        arena_reset(arena);
    }
    printf("operations, 1,000 a batch: plan %.0f /CPU-s, sending %.0f /CPU-s, settle %.0f /CPU-s, "
           "peak %.1f MB\n",
           (double)total / planning, (double)total / sending, (double)total / settling, peak_mb());
}

static enum status open_store(const struct store_open *options)
{
    const char *url = getenv("ARGIL_BENCH_STORE"); /* of a PostgreSQL database of its own */
    return url ? postgres_store_open(url, options, &store, &err)
               : sqlite_store_open(options, &store, &err);
}

int main(int argc, char **argv)
{
    int64_t rows = argc > 1 ? strtoll(argv[1], NULL, 10) : 1000000;
    size_t page = argc > 2 ? (size_t)strtoll(argv[2], NULL, 10) : 2000;
    char data[64], command[128];
    snprintf(data, sizeof data, "/tmp/argil-bench-%ld", (long)getpid());
    snprintf(command, sizeof command, "rm -rf %s", data);
    struct store_open options = {
        .data = data, .name = "bench", .create = true, .world = world_real()};
    must(open_store(&options));
    printf("on %s\n", store->does->name);
    arena = arena_new();
    kept = arena_new();
    given_table();
    bench_import(rows, page);
    bench_cells(rows);
    bench_claims();
    store->does->close(store);
    must(open_store(&options));
    forget_peak();
    bench_ops(rows / 1000 * 1000);
    store->does->close(store);
    arena_free(arena);
    arena_free(kept);
    return system(command) != 0;
}
