/* views_priv.h - what the files of views share: sorts and filters as SQL
 * (sort_sql.c), indexes with samples (view_index.c), windows (window.c). */
#ifndef ARGIL_STORE_SQL_VIEWS_PRIV_H
#define ARGIL_STORE_SQL_VIEWS_PRIV_H

#include "store/sql/sql_priv.h"
#include "store/store_views.h"

/* ---- sort_sql.c */

struct filter_param {
    const char *bytes;
    int len;
    bool blob;
};

/* A filter as an expression over the sheet (alias t), and what its ? stand for. */
struct filter_sql {
    struct arena *arena;
    int64_t table_id;
    struct buf sql;
    VEC(struct filter_param) params;
};
void filter_put(struct filter_sql *f, const struct filter *filter);
/* Binds from parameter `at` on; returns the next free one. */
int filter_bind(const struct filter_sql *f, struct sq_stmt *stmt, int at);
void filter_sql_free(struct filter_sql *f);
/* The key of a sort; NULL = none, the order of arrival. */
const char *sort_expr(struct arena *arena, const struct sort *sorts, size_t count);

/* ---- view_index.c */

struct index_info {
    int64_t id; /* 0 = there is none */
    int64_t moved, used_ms;
};
enum status index_find(struct sq *sq, int64_t table_id, const char *expr, struct index_info *out,
                       struct err *err);
enum status index_make(struct sq *sq, int64_t table_id, const char *expr, bool *made,
                       struct err *err);
/* Changes of rows of an indexed sheet, ever; 0 when it has no index. */
enum status sheet_moved(struct sq *sq, int64_t table_id, int64_t *moved, struct err *err);

/* The nearest sample at or before a row number; *position 0 and *found false: the start. */
struct index_sample {
    bool found;
    int64_t position, rid;
    struct value key; /* on the arena */
};
enum status index_sample(struct sq *sq, struct arena *arena, int64_t index_id, int64_t row_number,
                         struct index_sample *out, struct err *err);

enum status sq_view_index_make(struct store *, int64_t, const struct sort *, size_t, bool *,
                               struct err *);
enum status sq_view_index_list(struct store *, struct arena *, struct view_index **, size_t *,
                               struct err *);
enum status sq_view_index_drop(struct store *, int64_t, size_t *, struct err *);

/* ---- window.c */
enum status sq_window(struct store *, struct arena *, const struct window_query *, struct window *,
                      struct err *);
enum status sq_window_count(struct store *, struct arena *, const struct window_query *, int64_t *,
                            const char **, struct err *);

#endif
