/* look.c - see look.h. */
#include "cli/look.h"

#include "base/str.h"

#include <string.h>

static enum status read_view(struct store *store, struct arena *arena, const struct table *table,
                             const char *name, struct look *out, struct err *err)
{
    struct view *views;
    size_t count;
    if (store->does->views->list(store, arena, table->id, &views, &count, err) != OK)
        return FAIL;
    const char **names = arena_array(arena, count + 1, sizeof *names);
    for (size_t i = 0; i < count; i++) {
        names[i] = views[i].name;
        if (text_eq_nocase(views[i].name, name))
            return look_read(arena, table, views[i].config, out, err) == OK
                       ? OK
                       : err_wrap(err, "view \"%s\"", views[i].name);
    }
    const char *near = text_nearest(name, names, count);
    err_set(err, ERR_NOT_FOUND, "table \"%s\" has no view \"%s\"", table->name, name);
    if (near)
        err_hint(err, "Did you mean \"%s\"?", near);
    else
        err_hint(err, "See: argil view list %s", table->name);
    return FAIL;
}

static const char *search_json(struct arena *arena, const char *text)
{
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    jw_object(&w);
    jw_kv_text(&w, "search", text);
    jw_end_object(&w);
    const char *json = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return json;
}

/* The view's own filter, each --filter and --search: all of them must pass. */
static enum status add_filters(const struct args *args, struct arena *arena,
                               const struct table *table, struct look *look, struct err *err)
{
    struct filter *all = arena_array(arena, 1, sizeof *all);
    *all = (struct filter){.kind = FILTER_ALL};
    all->kids = arena_array(arena, args->set_count + 1, sizeof *all->kids);
    if (look->filter)
        all->kids[all->kid_count++] = *look->filter;
    for (size_t i = 0; i < args->set_count; i++) {
        const char *name = args->set[i]->name, *text = args->values[i];
        if (text_eq(name, "search"))
            text = search_json(arena, text);
        else if (!text_eq(name, "filter"))
            continue;
        if (filter_read_text(arena, table, text, &all->kids[all->kid_count++], err) != OK)
            return FAIL;
    }
    look->filter = all->kid_count == 0 ? NULL : all->kid_count == 1 ? &all->kids[0] : all;
    return OK;
}

enum status look_of(const struct args *args, struct store *store, struct arena *arena,
                    const struct table *table, struct look *out, struct err *err)
{
    const char *view = args_get(args, "view"), *sort = args_get(args, "sort");
    *out = (struct look){0};
    if (!store->does->views)
        return err_set(err, ERR_NOT_BUILT, "views and filters do not go through --url yet");
    if (view && read_view(store, arena, table, view, out, err) != OK)
        return FAIL;
    if (sort && sorts_read_text(arena, table, sort, &out->sorts, &out->sort_count, err) != OK)
        return FAIL;
    return add_filters(args, arena, table, out, err);
}

static bool is_hidden(const struct look *look, int64_t column_id)
{
    for (size_t i = 0; i < look->hidden_count; i++)
        if (look->hidden[i] == column_id)
            return true;
    return false;
}

enum status look_columns(const struct args *args, struct arena *arena, const struct table *table,
                         const struct look *look, const struct column ***out, size_t *count,
                         struct err *err)
{
    const char *names = args_get(args, "columns");
    struct sort *list; /* the same syntax: names with commas between them */
    size_t named = 0;
    *out = arena_array(arena, table->column_count + 1, sizeof **out);
    *count = 0;
    if (names) {
        if (sorts_read_text(arena, table, names, &list, &named, err) != OK)
            return FAIL;
        for (size_t i = 0; i < named; i++)
            (*out)[(*count)++] = table_column_by_id(table, list[i].column_id);
        return OK;
    }
    for (size_t i = 0; i < table->column_count; i++)
        if (!is_hidden(look, table->columns[i].id))
            (*out)[(*count)++] = &table->columns[i];
    return OK;
}
