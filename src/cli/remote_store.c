/* remote_store.c - the store seam over HTTP, for commands that read.
 *
 * Only what those commands ask for is here; the rest of the driver is NULL, and
 * open.c opens it for commands marked `far` alone. Texts live on the arena of the
 * caller, as with any driver. */
#include "cli/remote.h"

#include "base/str.h"
#include "base/uri.h"
#include "base/vec.h"
#include "base/when.h"
#include "store/store_runs.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW 1000 /* rows */
#define PAGE   500  /* runs, operations */

struct remote_store {
    struct store store; /* first */
    struct remote *remote;
    struct arena *names; /* table ids to names, for calls by id */
    struct table *tables;
    size_t table_count;
};

static struct remote_store *of(struct store *store)
{
    return (struct remote_store *)store;
}

struct remote *remote_of(struct store *store)
{
    return of(store)->remote;
}

static enum status get(struct store *store, struct arena *arena, const char *path,
                       const struct json **out, struct err *err)
{
    return remote_call(of(store)->remote, arena, "GET", path, NULL, out, NULL, err);
}

static void far_close(struct store *store)
{
    if (!store)
        return;
    remote_close(of(store)->remote);
    arena_free(of(store)->names);
    free(store);
}

/* ---------------------------------------------------------------- reading */

static int64_t when_of(const struct json *object, const char *key)
{
    const char *text = json_get_text(object, key);
    int64_t ms = 0;
    return text && when_parse(text, &ms) ? ms : 0;
}

/* A member as JSON text again; NULL for null. */
static const char *raw_of(struct arena *arena, const struct json *object, const char *key)
{
    const struct json *value = json_get(object, key);
    struct buf text = BUF_INIT;
    struct jw w;
    if (json_is_null(value))
        return NULL;
    jw_init(&w, &text);
    jw_value(&w, value);
    const char *copy = arena_strdup(arena, buf_text(&text));
    buf_free(&text);
    return copy;
}

static size_t find_word(const char *(*name)(int), int count, const char *text)
{
    for (int i = 0; i < count; i++)
        if (text_eq(name(i), text))
            return (size_t)i;
    return 0;
}

static const char *mode_name(int mode)
{
    return write_mode_name((enum write_mode)mode);
}

static const char *kind_name(int kind)
{
    return op_kind_name((enum op_kind)kind);
}

static int approved_mode(const struct json *json)
{
    const char *name = json_get_text(json, "approved_mode");
    return name ? (int)find_word(mode_name, MODE_BLIND + 1, name) : -1;
}

static void read_column(struct arena *arena, const struct json *json, struct column *out)
{
    *out = (struct column){.id = json_get_int(json, "id", 0),
                           .name = json_get_text(json, "name"),
                           .kind = json_get_text(json, "kind"),
                           .config = raw_of(arena, json, "config"),
                           .only_run_if = json_get_text(json, "only_run_if"),
                           .source_field = json_get_text(json, "source_field"),
                           .auto_update = json_get_bool(json, "auto_update", false),
                           .rules = raw_of(arena, json, "rules"),
                           .approved_ms = when_of(json, "approved"),
                           .approved_mode = approved_mode(json)};
    value_type_parse(json_get_text(json, "type"), &out->type);
    out->slot = (int)out->id; /* the window is asked for by id */
}

static void read_source(struct arena *arena, const struct json *json, struct source *out)
{
    *out = (struct source){.id = json_get_int(json, "id", 0),
                           .name = json_get_text(json, "name"),
                           .kind = json_get_text(json, "kind"),
                           .connection = json_get_text(json, "connection"),
                           .object = json_get_text(json, "object"),
                           .config = raw_of(arena, json, "config"),
                           .row_count = json_get_int(json, "row_count", 0)};
}

static void read_table(struct arena *arena, const struct json *json, struct table *out)
{
    const struct json *columns = json_get(json, "columns"), *sources = json_get(json, "sources");
    *out = (struct table){.id = json_get_int(json, "id", 0),
                          .name = json_get_text(json, "name"),
                          .connection = json_get_text(json, "connection"),
                          .object = json_get_text(json, "object"),
                          .guard = raw_of(arena, json, "guard"),
                          .rules = raw_of(arena, json, "rules"),
                          .auto_update = json_get_bool(json, "auto_update", false),
                          .row_count = json_get_int(json, "row_count", 0),
                          .created_ms = when_of(json, "created"),
                          .changed_ms = when_of(json, "changed"),
                          .next_sync_ms = when_of(json, "next_sync")};
    out->columns = arena_array(arena, (columns ? columns->len : 0) + 1, sizeof *out->columns);
    out->sources = arena_array(arena, (sources ? sources->len : 0) + 1, sizeof *out->sources);
    json_each(child, columns) read_column(arena, child, &out->columns[out->column_count++]);
    json_each(child, sources) read_source(arena, child, &out->sources[out->source_count++]);
}

static enum status far_table_list(struct store *store, struct arena *arena, struct table **out,
                                  size_t *count, struct err *err)
{
    const struct json *answer;
    if (get(store, arena, "/tables", &answer, err) != OK)
        return FAIL;
    const struct json *list = json_get(answer, "tables");
    *count = 0;
    *out = arena_array(arena, (list ? list->len : 0) + 1, sizeof **out);
    json_each(child, list) read_table(arena, child, &(*out)[(*count)++]);
    return OK;
}

static enum status far_table_get(struct store *store, struct arena *arena, const char *name,
                                 struct table *out, struct err *err)
{
    const struct json *answer, *recipe;
    if (get(store, arena, remote_path(arena, "tables", name, NULL), &answer, err) != OK ||
        get(store, arena, remote_path(arena, "tables", name, "recipe", NULL), &recipe, err) != OK)
        return FAIL;
    read_table(arena, answer, out);
    out->recipe = json_get_text(recipe, "recipe");
    return OK;
}

/* The name of a table that is known by its id. */
static const char *name_of(struct store *store, int64_t table_id, struct err *err)
{
    struct remote_store *far = of(store);
    if (!far->tables &&
        far_table_list(store, far->names, &far->tables, &far->table_count, err) != OK)
        return NULL;
    for (size_t i = 0; i < far->table_count; i++)
        if (far->tables[i].id == table_id)
            return far->tables[i].name;
    err_set(err, ERR_NOT_FOUND, "there is no table %lld", (long long)table_id);
    return NULL;
}

const char *remote_table_name(struct store *store, int64_t table_id, struct err *err)
{
    return name_of(store, table_id, err);
}

static enum status far_auto_update(struct store *store, int64_t table_id, bool on, struct err *err)
{
    struct arena *arena = arena_new();
    const char *name = name_of(store, table_id, err);
    enum status rc = FAIL;
    if (name)
        rc = remote_call(of(store)->remote, arena, "PUT",
                         remote_path(arena, "tables", name, "auto-update", NULL),
                         on ? "{\"on\":true}" : "{\"on\":false}", NULL, NULL, err);
    arena_free(arena);
    return rc;
}

static enum status far_table_delete(struct store *store, const char *name, struct err *err)
{
    struct arena *arena = arena_new();
    enum status rc = remote_call(of(store)->remote, arena, "DELETE",
                                 remote_path(arena, "tables", name, NULL), NULL, NULL, NULL, err);
    arena_free(arena);
    return rc;
}

static void read_row(struct arena *arena, const struct json *json, size_t slots, struct row *out)
{
    const char *key = json_get_text(json, "key");
    size_t at = 0;
    *out = (struct row){.id = json_get_int(json, "id", 0), .key = key ? key : ""};
    out->values = arena_array(arena, slots + 1, sizeof *out->values);
    json_each(cell, json_get(json, "cells"))
    {
        const struct json *v = json_is(cell, JSON_OBJECT) ? json_get(cell, "v") : cell;
        if (at < slots && json_is(v, JSON_STRING))
            out->values[at] = (struct value){v->text, v->len};
        at++;
    }
}

/* One window of rows with whole values; query->slots are column ids here. */
static enum status window(struct store *store, struct arena *arena, const char *name,
                          const struct row_query *query, int64_t after, size_t limit,
                          const struct json **out, struct err *err)
{
    struct buf path = BUF_INIT;
    buf_printf(&path, "%s?whole=true&after=%lld&limit=%zu&columns=",
               remote_path(arena, "tables", name, "rows", NULL), (long long)after, limit);
    for (size_t i = 0; i < query->slot_count; i++)
        buf_printf(&path, "%s%d", i ? "," : "", query->slots[i]);
    enum status rc = get(store, arena, buf_text(&path), out, err);
    buf_free(&path);
    return rc;
}

/* Rows by id, for their keys; one that is gone is left out. Their values are not read. */
static enum status named_rows(struct store *store, struct arena *arena, const char *name,
                              const struct row_query *query, struct row **out, size_t *count,
                              struct err *err)
{
    *count = 0;
    *out = arena_array(arena, query->id_count + 1, sizeof **out);
    for (size_t i = 0; i < query->id_count; i++) {
        const struct json *answer;
        const char *id = arena_printf(arena, "%lld", (long long)query->ids[i]);
        if (get(store, arena, remote_path(arena, "tables", name, "rows", id, NULL), &answer, err) == OK)
            read_row(arena, answer, 0, &(*out)[(*count)++]);
        else if (err_is(err, ERR_NOT_FOUND))
            err_clear(err);
        else
            return FAIL;
    }
    return OK;
}

/* Window after window, until there are as many as were asked for. */
static enum status far_rows(struct store *store, struct arena *arena, const struct row_query *query,
                            struct row **out, size_t *count, struct err *err)
{
    VEC(struct row) rows = {0};
    const struct json *answer;
    int64_t after = query->after;
    const char *name = name_of(store, query->table_id, err);
    enum status rc = name ? OK : FAIL;
    bool more = true;
    if (rc == OK && query->id_count && !query->slot_count)
        return named_rows(store, arena, name, query, out, count, err);
    while (rc == OK && more && (!query->limit || rows.len < query->limit)) {
        size_t left = query->limit ? query->limit - rows.len : WINDOW;
        rc = window(store, arena, name, query, after, left < WINDOW ? left : WINDOW, &answer, err);
        if (rc != OK)
            break;
        json_each(child, json_get(answer, "rows"))
        {
            struct row row;
            read_row(arena, child, query->slot_count, &row);
            vec_push(&rows, row);
        }
        after = json_get_int(answer, "next", 0);
        more = after > 0;
    }
    *count = rows.len;
    *out = arena_array(arena, rows.len + 1, sizeof **out);
    for (size_t i = 0; i < rows.len; i++)
        (*out)[i] = rows.at[i];
    vec_free(&rows);
    return rc;
}

static enum status far_cells_count(struct store *store, int64_t table_id, int64_t column_id,
                                   int64_t by_state[CELL_STATES], struct err *err)
{
    struct arena *arena = arena_new();
    const struct json *answer;
    const char *name = name_of(store, table_id, err);
    enum status rc = FAIL;
    memset(by_state, 0, (CELL_STATES) * sizeof *by_state);
    if (name)
        rc = get(store, arena,
                 arena_printf(arena, "%s?all=true",
                              remote_path(arena, "tables", name, "states", NULL)),
                 &answer, err);
    if (rc == OK)
        json_each(column, json_get(answer, "columns"))
        {
            if (json_get_int(column, "column_id", 0) != column_id)
                continue;
            for (int state = 0; state < CELL_STATES; state++)
                by_state[state] = json_get_int(json_get(column, "states"),
                                               cell_state_name((enum cell_state)state), 0);
        }
    arena_free(arena);
    return rc;
}

/* ------------------------------------------------------------ connections */

static void read_connection(const struct json *json, struct connection *out)
{
    *out = (struct connection){.id = json_get_int(json, "id", 0),
                               .name = json_get_text(json, "name"),
                               .connector = json_get_text(json, "connector"),
                               .environment = json_get_text(json, "environment"),
                               .login_url = json_get_text(json, "login_url"),
                               .instance_url = json_get_text(json, "instance_url"),
                               .client_id = json_get_text(json, "client_id"),
                               .org_id = json_get_text(json, "org_id"),
                               .username = json_get_text(json, "username"),
                               .org_name = json_get_text(json, "org_name"),
                               .scopes = json_get_text(json, "scopes"),
                               .status = json_get_text(json, "status"),
                               .connected_ms = when_of(json, "connected"),
                               .last_used_ms = when_of(json, "last_used"),
                               .daily_call_budget = json_get_int(json, "daily_call_budget", 0)};
}

static enum status far_connection_list(struct store *store, struct arena *arena,
                                       struct connection **out, size_t *count, struct err *err)
{
    const struct json *answer;
    if (get(store, arena, "/connections", &answer, err) != OK)
        return FAIL;
    const struct json *list = json_get(answer, "connections");
    *count = 0;
    *out = arena_array(arena, (list ? list->len : 0) + 1, sizeof **out);
    json_each(child, list) read_connection(child, &(*out)[(*count)++]);
    return OK;
}

static enum status far_connection_get(struct store *store, struct arena *arena, const char *name,
                                      struct connection *out, struct err *err)
{
    const struct json *answer;
    if (get(store, arena, remote_path(arena, "connections", name, NULL), &answer, err) != OK)
        return FAIL;
    read_connection(answer, out);
    return OK;
}

/* -------------------------------------------------------- runs and journal */

static void read_run(struct arena *arena, const struct json *json, struct run *out)
{
    *out = (struct run){.id = json_get_int(json, "id", 0),
                        .table_id = json_get_int(json, "table_id", 0),
                        .kind = json_get_text(json, "kind"),
                        .cause = json_get_text(json, "cause"),
                        .who = json_get_text(json, "who"),
                        .scope = raw_of(arena, json, "scope"),
                        .queued_ms = when_of(json, "queued"),
                        .started_ms = when_of(json, "started"),
                        .ended_ms = when_of(json, "ended"),
                        .report = raw_of(arena, json, "report"),
                        .error = json_get_text(json, "error")};
    run_state_parse(json_get_text(json, "state"), &out->state);
}

/* Pages of a list: the path gets "&after=" or "&before=" with what the page before
 * said is next. Gives each item to `take`; stops at `limit` (0 = all). */
static enum status pages(struct store *store, struct arena *arena, const char *path,
                         const char *from, int64_t next, const char *list, size_t limit,
                         void (*take)(void *ctx, struct arena *, const struct json *), void *ctx,
                         struct err *err)
{
    const struct json *answer;
    size_t taken = 0;
    do {
        size_t left = limit ? limit - taken : PAGE;
        const char *page = arena_printf(arena, "%s%climit=%zu", path, strchr(path, '?') ? '&' : '?',
                            left < PAGE ? left : PAGE);
        if (next || text_eq(from, "after"))
            page = arena_printf(arena, "%s&%s=%lld", page, from, (long long)next);
        if (get(store, arena, page, &answer, err) != OK)
            return FAIL;
        json_each(item, json_get(answer, list))
        {
            take(ctx, arena, item);
            taken++;
        }
        next = json_get_int(answer, "next", 0);
    } while (next && (!limit || taken < limit));
    return OK;
}

struct run_list {
    VEC(struct run) runs;
};

static void take_run(void *ctx, struct arena *arena, const struct json *item)
{
    struct run_list *list = ctx;
    struct run run;
    read_run(arena, item, &run);
    vec_push(&list->runs, run);
}

static enum status far_run_list(struct store *store, struct arena *arena, int64_t table_id,
                                size_t limit, struct run **out, size_t *count, struct err *err)
{
    struct run_list list = {0};
    const char *name = table_id ? name_of(store, table_id, err) : "";
    if (!name)
        return FAIL;
    const char *path =
        *name ? arena_printf(arena, "/runs?table=%s", uri_encoded(arena, name)) : "/runs";
    enum status rc =
        pages(store, arena, path, "before", 0, "runs", limit, take_run, &list, err);
    *count = list.runs.len;
    *out = arena_array(arena, *count + 1, sizeof **out);
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = list.runs.at[i];
    vec_free(&list.runs);
    return rc;
}

static enum status far_run_get(struct store *store, struct arena *arena, int64_t run_id,
                               struct run *out, struct err *err)
{
    const struct json *answer;
    if (get(store, arena, arena_printf(arena, "/runs/%lld", (long long)run_id), &answer, err) != OK)
        return FAIL;
    read_run(arena, answer, out);
    return OK;
}

static void read_op(struct arena *arena, const struct json *json, struct op *out)
{
    const char *key = json_get_text(json, "key");
    *out = (struct op){.id = json_get_int(json, "id", 0),
                       .connection_id = json_get_int(json, "connection_id", 0),
                       .table_id = json_get_int(json, "table_id", 0),
                       .row_id = json_get_int(json, "row_id", 0),
                       .column_id = json_get_int(json, "column_id", 0),
                       .run_id = json_get_int(json, "run_id", 0),
                       .object = json_get_text(json, "object"),
                       .target_id = json_get_text(json, "target_id"),
                       .key_field = json_get_text(json, "key_field"),
                       .result_id = json_get_text(json, "record_id"),
                       .payload = raw_of(arena, json, "values"),
                       .before = raw_of(arena, json, "before"),
                       .evidence = raw_of(arena, json, "evidence"),
                       .adopted = json_get_bool(json, "adopted", false),
                       .attempt = (int)json_get_int(json, "attempt", 0),
                       .error_code = json_get_text(json, "code"),
                       .error_message = json_get_text(json, "message"),
                       .created_ms = when_of(json, "created"),
                       .sent_ms = when_of(json, "sent"),
                       .done_ms = when_of(json, "done"),
                       .not_before_ms = when_of(json, "not_before")};
    snprintf(out->key, sizeof out->key, "%s", key ? key : "");
    op_state_parse(json_get_text(json, "state"), &out->state);
    out->kind = (enum op_kind)find_word(kind_name, OP_CONVERT + 1, json_get_text(json, "kind"));
    out->mode = (enum write_mode)find_word(mode_name, MODE_BLIND + 1, json_get_text(json, "mode"));
}

struct op_list {
    VEC(struct op) ops;
};

static void take_op(void *ctx, struct arena *arena, const struct json *item)
{
    struct op_list *list = ctx;
    struct op op;
    read_op(arena, item, &op);
    vec_push(&list->ops, op);
}

static int by_id(const void *a, const void *b)
{
    const struct op *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

/* One state at a time is what the server takes; "" = any. */
static enum status ops_of_state(struct store *store, struct arena *arena,
                                const struct op_query *query, const char *table, const char *state,
                                struct op_list *list, struct err *err)
{
    const char *path =
        arena_printf(arena, "/journal?%s%s%s%s%s", *state ? "state=" : "", uri_encoded(arena, state),
                     *state && *table ? "&" : "", *table ? "table=" : "", uri_encoded(arena, table));
    if (text_ends(path, "?"))
        path = "/journal";
    return pages(store, arena, path, "after", query->after_id, "operations", query->limit, take_op,
                 list, err);
}

static enum status far_ops_list(struct store *store, struct arena *arena,
                                const struct op_query *query, struct op **out, size_t *count,
                                struct err *err)
{
    struct op_list list = {0};
    const char *table = query->table_id ? name_of(store, query->table_id, err) : "";
    enum status rc = table ? OK : FAIL;
    if (rc == OK && !query->states)
        rc = ops_of_state(store, arena, query, table, "", &list, err);
    for (int state = 0; rc == OK && query->states && state <= OP_CANCELLED; state++)
        if (query->states & 1u << state)
            rc = ops_of_state(store, arena, query, table, op_state_name((enum op_state)state),
                              &list, err);
    if (list.ops.len)
        qsort(list.ops.at, list.ops.len, sizeof *list.ops.at, by_id);
    *count = query->limit && list.ops.len > query->limit ? query->limit : list.ops.len;
    *out = arena_array(arena, *count + 1, sizeof **out);
    for (size_t i = 0; i < *count; i++)
        (*out)[i] = list.ops.at[i];
    vec_free(&list.ops);
    return rc;
}

static enum status far_ops_count(struct store *store, int64_t table_id, struct op_counts *out,
                                 struct err *err)
{
    struct arena *arena = arena_new();
    const struct json *answer;
    enum status rc = get(store, arena, "/journal/counts", &answer, err);
    (void)table_id; /* the commands that are far ask for all */
    memset(out, 0, sizeof *out);
    for (int state = 0; rc == OK && state <= OP_CANCELLED; state++)
        out->by_state[state] =
            json_get_int(json_get(answer, "states"), op_state_name((enum op_state)state), 0);
    if (rc == OK)
        out->total = json_get_int(answer, "total", 0);
    arena_free(arena);
    return rc;
}

static enum status far_audit_verify(struct store *store, int64_t *lines, struct err *err)
{
    struct arena *arena = arena_new();
    const struct json *answer;
    enum status rc = get(store, arena, "/audit/check", &answer, err);
    if (rc == OK)
        *lines = json_get_int(answer, "lines", 0);
    arena_free(arena);
    return rc;
}

/* ---------------------------------------------------------------- opening */

static const struct store_runs far_runs = {.get = far_run_get};

static const struct store_driver far_driver = {
    .name = "server",
    .close = far_close,
    .runs = &far_runs,
    .access = &far_access,
    .connection_get = far_connection_get,
    .connection_list = far_connection_list,
    .table_get = far_table_get,
    .table_list = far_table_list,
    .table_set_auto_update = far_auto_update,
    .table_delete = far_table_delete,
    .rows = far_rows,
    .cells_count = far_cells_count,
    .ops_list = far_ops_list,
    .ops_count = far_ops_count,
    .run_list = far_run_list,
    .audit_verify = far_audit_verify,
    .dedupe = &far_dedupe,
    .alerts = &far_alerts,
    .versions = &far_versions,
    .history = &far_history,
};

struct store *remote_store_open(struct cli *cli, struct err *err)
{
    struct remote *remote = remote_open(cli, err);
    if (!remote)
        return NULL;
    struct remote_store *far = mem_alloc(sizeof *far);
    far->store.does = &far_driver;
    far->remote = remote;
    far->names = arena_new();
    return &far->store;
}
