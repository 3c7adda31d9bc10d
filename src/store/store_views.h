/* store_views.h - windows of a table by any sort and filter, and views that are
 * kept; reached as store->does->views. May be called on a reading handle, except
 * where it says that it writes.
 *
 * A window never counts from the start: it goes on behind (or before) an anchor,
 * whatever the number of rows. A sort on an index costs the same for the first
 * row as for the ten-millionth; without one every window looks at every row, so
 * make the index (index_make) before people scroll. */
#ifndef ARGIL_STORE_VIEWS_H
#define ARGIL_STORE_VIEWS_H

#include "model/view.h"
#include "store/store.h"

enum window_from {
    WINDOW_START,
    WINDOW_INDEX,  /* from row number `index` (0 = the first) of the whole view */
    WINDOW_AFTER,  /* behind `anchor` */
    WINDOW_BEFORE, /* the rows before `anchor`, in the view's order all the same */
};

struct window_query {
    int64_t table_id;
    const struct sort *sorts; /* none: in the order of arrival */
    size_t sort_count;
    const struct filter *filter; /* NULL = all live rows */
    const int *slots;            /* the values to give */
    size_t slot_count;
    enum window_from from;
    int64_t index;
    const char *anchor; /* of an earlier window with the same sorts */
    size_t limit;
    int64_t look_at; /* rows to look at before giving up (filters); 0 = any number */
};

struct window {
    struct row *rows;
    size_t count;
    const char *first, *last; /* anchors of the first and the last row; of where looking stopped
                                 when it was cut */
    bool cut;     /* gave up after look_at rows: more may follow, go on from the anchor */
    bool indexed; /* walked an index, or the order of arrival */
    int64_t index;       /* row number of the first row; -1 = not known */
    int64_t index_error; /* it may be off by so many; 0 = exact */
    int64_t total;       /* rows of the view; -1 = not known: ask count */
};

struct view_index {
    int64_t table_id;
    const char *what; /* the sort, as text of the driver's own */
    int64_t made_ms, used_ms;
    int64_t drift; /* changes of rows since its samples were taken */
};

struct store_views {
    enum status (*window)(struct store *, struct arena *, const struct window_query *query,
                          struct window *out, struct err *err);
    /* Counts rows of a filter, look_at at a time: *count is added to; *next = where to go on
     * (an anchor), NULL at the end. Start with query->from = WINDOW_START. */
    enum status (*count)(struct store *, struct arena *, const struct window_query *query,
                         int64_t *count, const char **next, struct err *err);

    /* Writes. Makes the index of a sort, or notes that it was used; takes samples again, so
     * that row numbers stay near the truth, when more than a hundredth of the rows changed.
     * *made = it had to be made (2 to 4 s a million rows). */
    enum status (*index_make)(struct store *, int64_t table_id, const struct sort *sorts,
                              size_t sort_count, bool *made, struct err *err);
    enum status (*index_list)(struct store *, struct arena *, struct view_index **out,
                              size_t *count, struct err *err);
    /* Writes. Drops those that nobody used since. */
    enum status (*index_drop)(struct store *, int64_t unused_since_ms, size_t *dropped,
                              struct err *err);

    /* Views that are kept. put: a new one, or in place of the one with its name; sets id. */
    enum status (*put)(struct store *, struct view *view, struct err *err);
    enum status (*list)(struct store *, struct arena *, int64_t table_id, struct view **out,
                        size_t *count, struct err *err);
    enum status (*forget)(struct store *, int64_t table_id, const char *name, struct err *err);
};

#endif
