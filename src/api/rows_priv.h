/* rows_priv.h - rows with their cells on the way into an answer: shared by the
 * routes that give rows by id (rows.c) and by a sort and a filter (windows.c).
 *
 * Call order: row_window_columns, then the rows into rows and row_count,
 * row_window_cells, row_window_write. */
#ifndef ARGIL_API_ROWS_PRIV_H
#define ARGIL_API_ROWS_PRIV_H

#include "api/nouns.h"

struct row_window {
    struct call *call;
    struct table table;
    const struct column **columns;
    size_t column_count;
    struct row *rows;
    size_t row_count;
    struct cell **cells; /* of each column; NULL where every cell is plain */
    bool whole;          /* nothing is cut */
};

/* The columns that the query's `columns` names, or all. */
enum status row_window_columns(struct row_window *win, struct err *err);
int *row_window_slots(const struct row_window *win); /* of those columns, on the arena */
enum status row_window_cells(struct row_window *win, struct err *err);
/* "columns" and "rows" of an object that the caller has begun. */
void row_window_write(struct row_window *win);
extern const struct shape window_row_shape;

#endif
