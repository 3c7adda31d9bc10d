/* filter.h - the language of filters and sorts: as JSON (API, web app, stored
 * views) and as short text (command line). Pure: text to structs and back.
 *
 *     {"all": [ {"column": "Industry", "is": "one of", "value": ["Banking", "Energy"]},
 *               {"any": [ {"column": "Employees", "is": "at least", "value": 100},
 *                         {"column": "Website", "is": "not empty"} ]},
 *               {"not": {"column": "Name", "is": "contains", "value": "test"}},
 *               {"column": "Lead", "state": ["refused", "in doubt"]},
 *               {"search": "acme"} ]}
 *
 *     Industry = Banking        Employees >= 100        Name ~ acme
 *     Website is empty          Lead state refused, in doubt
 *     Created between 2026-01-01 and 2026-06-30
 *
 * A column is its name or its id; what is stored has ids, so that a column may be
 * renamed. Every test may be denied ("is not", "not empty", "contains not"). A day
 * compared with an instant is the whole day. */
#ifndef ARGIL_ENGINE_FILTER_H
#define ARGIL_ENGINE_FILTER_H

#include "base/json.h"
#include "model/view.h"

#define ERR_FILTER "filter.refused" /* err.where says which part: "all/1/value" */

/* Lives on the arena, as do the texts. */
enum status filter_read(struct arena *arena, const struct table *table, const struct json *json,
                        struct filter *out, struct err *err);
/* JSON, or the short text of one test. */
enum status filter_read_text(struct arena *arena, const struct table *table, const char *text,
                             struct filter *out, struct err *err);
/* "Name, -Employees": descending with a minus. Or JSON: [{"column", "descending"}]. */
enum status sorts_read_text(struct arena *arena, const struct table *table, const char *text,
                            struct sort **out, size_t *count, struct err *err);

/* How a table is looked at. */
struct look {
    struct filter *filter; /* NULL = all */
    struct sort *sorts;
    size_t sort_count;
    int64_t *hidden; /* column ids */
    size_t hidden_count;
};
/* The config of a view: {"filter", "sorts", "hidden"}. */
enum status look_read(struct arena *arena, const struct table *table, const char *config,
                      struct look *out, struct err *err);
/* The same again, columns by id, or by name when `names`. */
const char *look_write(struct arena *arena, const struct table *table, const struct look *look,
                       bool names);
void filter_write(struct jw *w, const struct table *table, const struct filter *filter, bool names);

#endif
