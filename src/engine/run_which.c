/* run_which.c - the rows of a run that is about cells in certain states: "errors" are those rows
 * of which a selected cell failed, and no others.
 *
 * The rows are found before anything is made due, because then the states are gone. In them
 * whatever is due runs, so that columns which waited for the failed one follow. */
#include "engine/run_priv.h"

#include <stdlib.h>
#include <string.h>

#define PAGE 10000

typedef VEC(int64_t) id_list;

static bool wanted(const struct run_job *job, int64_t id)
{
    const struct run_options *o = job->options;
    size_t low = 0, high = o->row_count;
    if (!o->rows)
        return !job->max_row_id || id <= job->max_row_id;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (o->rows[middle] < id)
            low = middle + 1;
        else
            high = middle;
    }
    return low < o->row_count && o->rows[low] == id;
}

/* Rows whose cell is in one of the states; `blank`: only where it has no value. */
static enum status find(struct run_job *job, const struct column *column, uint32_t states,
                        bool blank, id_list *ids, struct err *err)
{
    struct store *store = job->engine->store;
    struct row_query query = {.table_id = job->table->table.id,
                              .slots = &column->slot,
                              .slot_count = blank,
                              .column_id = column->id,
                              .states = states,
                              .limit = PAGE};
    enum status rc = OK;
    for (size_t count = PAGE; rc == OK && count == PAGE;) {
        struct arena *arena = arena_new();
        struct row *rows = NULL;
        rc = store->does->rows(store, arena, &query, &rows, &count, err);
        for (size_t i = 0; rc == OK && i < count; i++) {
            query.after = rows[i].id;
            if (wanted(job, rows[i].id) && !(blank && rows[i].values[0].text))
                vec_push(ids, rows[i].id);
        }
        arena_free(arena);
    }
    return rc;
}

static enum status find_of_column(struct run_job *job, const struct column *column, id_list *ids,
                                  struct err *err)
{
    uint32_t states = job->options->states;
    if (find(job, column, states, false, ids, err) != OK)
        return FAIL;
    /* a row that was never computed is due rather than empty */
    if (states & BIT(CELL_EMPTY) && find(job, column, BIT(CELL_DUE), true, ids, err) != OK)
        return FAIL;
    /* whoever led this run before us made them due already */
    return job->taken_over ? find(job, column, BIT(CELL_DUE), false, ids, err) : OK;
}

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static size_t sort_once(int64_t *ids, size_t count)
{
    size_t kept = 0;
    if (count)
        qsort(ids, count, sizeof *ids, by_number);
    for (size_t i = 0; i < count; i++)
        if (!kept || ids[kept - 1] != ids[i])
            ids[kept++] = ids[i];
    return kept;
}

enum status run_choose_rows(struct run_job *job, struct err *err)
{
    id_list ids = {0};
    enum status rc = OK;
    if (!job->options->states || job->options->all)
        return OK;
    for (size_t i = 0; i < job->table->column_count && rc == OK; i++)
        if (run_selects(job, &job->table->columns[i]))
            rc = find_of_column(job, job->table->columns[i].column, &ids, err);
    struct run_options *options = arena_array(job->arena, 1, sizeof *options);
    int64_t *rows = arena_array(job->arena, ids.len + 1, sizeof *rows);
    *options = *job->options;
    job->by_states = !options->rows && !job->limit_ids;
    options->row_count = sort_once(ids.at, ids.len);
    if (ids.len)
        memcpy(rows, ids.at, options->row_count * sizeof *rows);
    options->rows = rows;
    job->options = options;
    vec_free(&ids);
    return rc;
}
