/* look.h - the options with which people say what they want to see of a table:
 * shared by `rows`, `export` and `view`. */
#ifndef ARGIL_CLI_LOOK_H
#define ARGIL_CLI_LOOK_H

#include "cli/cli.h"
#include "engine/filter.h"
#include "store/store_views.h"

#define LOOK_OPTIONS                                                                               \
    {"view", 0, "NAME", "as this view shows it; what follows is added to it"},                     \
        {"filter", 'f', "FILTER",                                                                  \
         "only rows that pass, such as 'Employees >= 100' or JSON; several: all of them"},         \
        {"search", 0, "TEXT", "only rows with this text in any column"},                           \
    {                                                                                              \
        "sort", 's', "COLUMNS", "by these columns, such as 'Industry, -Employees'"                 \
    }

/* Reads the options over the view they name. On the arena. */
enum status look_of(const struct args *args, struct store *store, struct arena *arena,
                    const struct table *table, struct look *out, struct err *err);
/* The columns that are shown, in order: those of --columns, else all that are not hidden. */
enum status look_columns(const struct args *args, struct arena *arena, const struct table *table,
                         const struct look *look, const struct column ***out, size_t *count,
                         struct err *err);

#endif
