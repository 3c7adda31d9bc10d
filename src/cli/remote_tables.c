/* remote_tables.c - what a server keeps of a table beside its rows, for far commands. */
#include "cli/remote.h"

#include "base/str.h"
#include "base/when.h"

#include <string.h>

static enum status get(struct store *store, struct arena *arena, const char *path,
                       const struct json **out, struct err *err)
{
    return remote_call(remote_of(store), arena, "GET", path, NULL, out, NULL, err);
}

static int64_t time_of(const struct json *object, const char *key)
{
    const char *text = json_get_text(object, key);
    int64_t ms = 0;
    return text && when_parse(text, &ms) ? ms : 0;
}

/* ------------------------------------------------------------- merged rows */

static enum status far_merged_list(struct store *store, struct arena *arena, int64_t table_id,
                                   int64_t after, size_t limit, struct merged_row **out,
                                   size_t *count, struct err *err)
{
    const struct json *answer;
    const char *name = remote_table_name(store, table_id, err);
    *count = 0;
    if (!name || get(store, arena,
                     arena_printf(arena, "%s?after=%lld&limit=%zu",
                                  remote_path(arena, "tables", name, "merged", NULL),
                                  (long long)after, limit),
                     &answer, err) != OK)
        return FAIL;
    const struct json *rows = json_get(answer, "rows");
    *out = arena_array(arena, (rows ? rows->len : 0) + 1, sizeof **out);
    json_each(row, rows)
        (*out)[(*count)++] = (struct merged_row){.row_id = json_get_int(row, "row", 0),
                                                 .row_key = json_get_text(row, "key"),
                                                 .into = json_get_int(row, "into", 0),
                                                 .into_key = json_get_text(row, "into_key"),
                                                 .value = json_get_text(row, "same"),
                                                 .at_ms = time_of(row, "at"),
                                                 .restored = json_get_bool(row, "restored", false)};
    return OK;
}

static enum status far_merged_count(struct store *store, int64_t table_id, int64_t *merged,
                                    struct err *err)
{
    struct arena *arena = arena_new();
    const struct json *answer;
    const char *name = remote_table_name(store, table_id, err);
    enum status rc = name ? get(store, arena,
                                arena_printf(arena, "%s?limit=1",
                                             remote_path(arena, "tables", name, "merged", NULL)),
                                &answer, err)
                          : FAIL;
    *merged = rc == OK ? json_get_int(answer, "merged", 0) : 0;
    arena_free(arena);
    return rc;
}

static enum status far_merged_restore(struct store *store, int64_t table_id, int64_t row_id,
                                      const char *who, int64_t *restored, struct err *err)
{
    struct arena *arena = arena_new();
    const struct json *answer;
    const char *name = remote_table_name(store, table_id, err);
    const char *row = arena_printf(arena, "%lld", (long long)row_id);
    (void)who; /* the server knows who asks */
    enum status rc =
        name ? remote_call(remote_of(store), arena, "POST",
                           row_id ? remote_path(arena, "tables", name, "merged", row, "restore", NULL)
                                  : remote_path(arena, "tables", name, "merged", "restore", NULL),
                           NULL, &answer, NULL, err)
             : FAIL;
    *restored = rc == OK ? json_get_int(answer, "restored", 0) : 0;
    arena_free(arena);
    return rc;
}

const struct store_dedupe far_dedupe = {
    .list = far_merged_list, .count = far_merged_count, .restore = far_merged_restore};

/* ---------------------------------------------------------------- versions */

static struct table_version read_version(const struct json *v)
{
    return (struct table_version){.number = json_get_int(v, "number", 0),
                                  .at_ms = time_of(v, "at"),
                                  .who = json_get_text(v, "who"),
                                  .note = json_get_text(v, "note"),
                                  .recipe = json_get_text(v, "recipe"),
                                  .auto_update = json_get_bool(v, "auto_update", false)};
}

static enum status far_version_list(struct store *store, struct arena *arena, int64_t table_id,
                                    int64_t before, size_t limit, struct table_version **out,
                                    size_t *count, struct err *err)
{
    const struct json *answer;
    const char *name = remote_table_name(store, table_id, err);
    *count = 0;
    if (!name)
        return FAIL;
    const char *path = arena_printf(arena, "%s?limit=%zu",
                                    remote_path(arena, "tables", name, "versions", NULL), limit);
    if (before)
        path = arena_printf(arena, "%s&before=%lld", path, (long long)before);
    if (get(store, arena, path, &answer, err) != OK)
        return FAIL;
    const struct json *list = json_get(answer, "versions");
    *out = arena_array(arena, (list ? list->len : 0) + 1, sizeof **out);
    json_each(v, list)
        (*out)[(*count)++] = read_version(v);
    return OK;
}

static enum status far_version_get(struct store *store, struct arena *arena, int64_t table_id,
                                   int64_t number, struct table_version *out, struct err *err)
{
    const struct json *answer;
    const char *name = remote_table_name(store, table_id, err);
    const char *text = arena_printf(arena, "%lld", (long long)number);
    if (!name || get(store, arena, remote_path(arena, "tables", name, "versions", text, NULL),
                     &answer, err) != OK)
        return FAIL;
    *out = read_version(answer);
    return OK;
}

const struct store_versions far_versions = {.list = far_version_list, .get = far_version_get};

/* ----------------------------------------------------------------- history */

static int word_at(const char *const *words, const char *word)
{
    for (int i = 0; word && words[i]; i++)
        if (text_eq(words[i], word))
            return i;
    return 0;
}

static struct value value_of_text(const struct json *object, const char *key)
{
    const char *text = json_get_text(object, key);
    return (struct value){text, text ? (uint32_t)strlen(text) : 0};
}

static struct history_line read_line(const struct json *l, int64_t row_id)
{
    static const char *const what[] = HISTORY_WHAT_NAMES, *const by[] = HISTORY_BY_NAMES;
    return (struct history_line){
        .id = json_get_int(l, "id", 0),
        .row_id = row_id,
        .at_ms = time_of(l, "at"),
        .what = (enum history_what)word_at(what, json_get_text(l, "what")),
        .by = (enum history_by)word_at(by, json_get_text(l, "by")),
        .column_id = json_get_int(l, "column_id", 0),
        .run_id = json_get_int(l, "run_id", 0),
        .old = value_of_text(l, "old"),
        .new = value_of_text(l, "new")};
}

static enum status far_history_list(struct store *store, struct arena *arena,
                                    const struct history_query *q, struct history_line **out,
                                    size_t *count, struct err *err)
{
    const struct json *answer;
    const char *name = remote_table_name(store, q->table_id, err);
    const char *row = arena_printf(arena, "%lld", (long long)q->row_id);
    *count = 0;
    if (!name)
        return FAIL;
    const char *path =
        arena_printf(arena, "%s?limit=%zu",
                     remote_path(arena, "tables", name, "rows", row, "history", NULL), q->limit);
    if (q->before)
        path = arena_printf(arena, "%s&before=%lld", path, (long long)q->before);
    if (q->column_id)
        path = arena_printf(arena, "%s&column=%lld", path, (long long)q->column_id);
    if (get(store, arena, path, &answer, err) != OK)
        return FAIL;
    const struct json *list = json_get(answer, "lines");
    *out = arena_array(arena, (list ? list->len : 0) + 1, sizeof **out);
    json_each(l, list)
        (*out)[(*count)++] = read_line(l, q->row_id);
    return OK;
}

const struct store_history far_history = {.list = far_history_list};
