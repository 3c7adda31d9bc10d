/* check_table.c - a column that names another table: is it there, and its columns? */
#include "engine/columns/column_kind.h"

#include "base/str.h"

void kind_check_no_column(struct kind_check *check, const char *where, const char *name,
                          const struct table *table)
{
    const char **names = arena_array(check->arena, table->column_count + 1, sizeof *names);
    for (size_t i = 0; i < table->column_count; i++)
        names[i] = table->columns[i].name;
    const char *nearest = text_nearest(name, names, table->column_count);
    struct err *err = kind_check_fail(check, where, "recipe.unknown_column",
                                      "table \"%s\" has no column `%s`", table->name, name);
    if (nearest)
        err_hint(err, "did you mean `%s`?", nearest);
}

const struct table *kind_check_table(struct kind_check *check, const char *name)
{
    struct err err = {0};
    struct store *store = check->engine->store;
    struct table *table = arena_alloc(check->arena, sizeof *table);
    if (text_eq_nocase(name, check->table->name))
        return check->table; /* the draft: its own columns may be new */
    if (store->does->table_get(store, check->arena, name, table, &err) == OK)
        return table;
    struct err *added = kind_check_fail(check, "table", err.code, "%s", err.message);
    err_hint(added, "%s", err.hint);
    return NULL;
}
