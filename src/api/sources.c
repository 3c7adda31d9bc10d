/* sources.c - where the rows of a table come from: what each source brought and could
 * not take, when it is due, and the one address that strangers may send to.
 *
 * A webhook is guarded by its own key, not by a session: whoever has it may add rows
 * to that one table and do nothing else. */
#include "api/nouns.h"

#include "base/str.h"
#include "base/uri.h"
#include "store/store_sources.h"
#include "work/scheduler.h"

#include <string.h>
#include <strings.h>

static const struct source *call_source(struct call *call, struct table *table, struct err *err)
{
    if (call_table(call, table, err) != OK)
        return NULL;
    const struct source *source = table_source(table, call->values[1]);
    if (!source)
        err_set(err, ERR_NOT_FOUND, "table \"%s\" has no source \"%s\"", table->name,
                call->values[1]);
    return source;
}

/* ------------------------------------------------- rejects and schedules */

static const struct field reject_fields[] = {
    {"at", F_INT, F_REQUIRED, "its number or line in the source"},
    {"code", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"message", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {0},
};
static const struct shape reject_shape = {"Reject", NULL, reject_fields};
static const struct field rejects_fields[] = {
    {"rejects", F_LIST, F_REQUIRED, "in their order; the first ten thousand are kept", .of = &reject_shape},
    {0},
};
const struct shape rejects_shape = {"Rejects", "Rows of the last reading that were not taken, or only in part.",
                                    rejects_fields};

static const struct field scheduled_fields[] = {
    {"table_id", F_INT, F_REQUIRED, NULL},
    {"table", F_TEXT, F_REQUIRED, NULL},
    {"source", F_TEXT, F_REQUIRED | F_NULL, "its name; null: it is a column"},
    {"column", F_TEXT, F_REQUIRED | F_NULL, "its name; null: it is a source"},
    {"column_id", F_INT, F_REQUIRED | F_NULL, NULL},
    {"rows", F_TEXT, F_REQUIRED | F_NULL, "of a column: which cells, \"all\", \"due\", ..."},
    {"kind", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"connection", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"every", F_TEXT, F_REQUIRED | F_NULL, "as in the recipe"},
    {"next", F_TIME, F_REQUIRED | F_NULL, "null: never by itself"},
    {"last", F_TIME, F_REQUIRED | F_NULL, "the last start by schedule"},
    {"run_id", F_INT, F_REQUIRED | F_NULL, "of that start"},
    {"missed", F_INT, F_REQUIRED, "times nobody was there for"},
    {"skipped", F_INT, F_REQUIRED, "times the sync, or the column's scheduled run, before was still going"},
    {"running", F_BOOL, F_REQUIRED, NULL},
    {"paused", F_BOOL, F_REQUIRED, "a column: its times pass by, the auto-update of its table is off"},
    {"problem", F_TEXT, F_REQUIRED | F_NULL, "why the schedule cannot be understood"},
    {0},
};
static const struct shape scheduled_shape = {"Scheduled", NULL, scheduled_fields};
static const struct field schedules_fields[] = {
    {"schedules", F_LIST, F_REQUIRED, "of every source, and every column with a schedule, of every table", .of = &scheduled_shape},
    {0},
};
const struct shape schedules_shape = {"Schedules", NULL, schedules_fields};

enum status api_reject_list(struct call *call, struct err *err)
{
    struct table table;
    struct reject *list;
    size_t count;
    struct jw *w = &call->w;
    const struct source *source = call_source(call, &table, err);
    if (!source)
        return FAIL;
    if (call->store->does->sources->rejects_list(call->store, call->arena, table.id, source->slot,
                                                 &list, &count, err) != OK)
        return FAIL;
    jw_object(w);
    jw_key(w, "rejects");
    jw_array(w);
    for (size_t i = 0; i < count; i++) {
        jw_object(w);
        jw_kv_int(w, "at", list[i].at);
        jw_kv_text(w, "code", list[i].code);
        jw_kv_text(w, "message", list[i].message);
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_end_object(w);
    return OK;
}

static void write_scheduled(struct jw *w, const struct scheduled *s)
{
    jw_object(w);
    jw_kv_int(w, "table_id", s->table_id);
    jw_kv_text(w, "table", s->table);
    jw_kv_text(w, "source", s->source_name);
    jw_kv_text(w, "column", s->column);
    if (s->column_id)
        jw_kv_int(w, "column_id", s->column_id);
    else
        jw_kv_null(w, "column_id");
    jw_kv_text(w, "rows", s->rows);
    jw_kv_text(w, "kind", s->kind);
    jw_kv_text(w, "connection", s->connection);
    jw_kv_text(w, "every", s->every);
    jw_kv_time(w, "next", s->next_ms);
    jw_kv_time(w, "last", s->due_ms);
    if (s->run_id)
        jw_kv_int(w, "run_id", s->run_id);
    else
        jw_kv_null(w, "run_id");
    jw_kv_int(w, "missed", s->missed);
    jw_kv_int(w, "skipped", s->skipped);
    jw_kv_bool(w, "running", s->running);
    jw_kv_bool(w, "paused", s->paused);
    jw_kv_text(w, "problem", s->problem);
    jw_end_object(w);
}

enum status api_schedule_list(struct call *call, struct err *err)
{
    struct scheduled *list;
    size_t count;
    struct jw *w = &call->w;
    if (schedules_list(call->store, call->api->options.world, call->arena, &list, &count, err) != OK)
        return FAIL;
    jw_object(w);
    jw_key(w, "schedules");
    jw_array(w);
    for (size_t i = 0; i < count; i++)
        write_scheduled(w, &list[i]);
    jw_end_array(w);
    jw_end_object(w);
    return OK;
}

/* --------------------------------------------------------------- webhooks */

static struct engine small_engine(struct call *call)
{
    return (struct engine){.world = call->api->options.world,
                           .store = call->store,
                           .vault = call->api->options.vault,
                           .data = call->api->options.data,
                           .actor = call_who(call)};
}

static const struct field key_fields[] = {
    {"key", F_TEXT, F_REQUIRED, "shown this once; the one before has ended"},
    {"path", F_TEXT, F_REQUIRED, "where to POST JSON with Authorization: Bearer KEY"},
    {0},
};
const struct shape source_key_shape = {"WebhookKey", NULL, key_fields};

enum status api_source_key(struct call *call, struct err *err)
{
    struct table table;
    struct secret key = {0};
    struct engine engine = small_engine(call);
    const struct source *source = call_source(call, &table, err);
    if (!source || source_webhook_key(&engine, table.name, source->name, &key, err) != OK)
        return FAIL;
    jw_object(&call->w);
    jw_kv_text(&call->w, "key", secret_reveal(&key));
    jw_kv_text(&call->w, "path",
               arena_printf(call->arena, API_ROOT "/hooks/%s/%s",
                            uri_encoded(call->arena, table.name),
                            uri_encoded(call->arena, source->name)));
    jw_end_object(&call->w);
    secret_wipe(&key);
    return call_audit(call, "webhook key made",
                      arena_printf(call->arena, "{\"source\":%lld}", (long long)source->id), err);
}

static const struct field receipt_fields[] = {
    {"rows", F_INT, F_REQUIRED, "objects taken; they are on disk"},
    {"added", F_INT, F_REQUIRED, NULL},
    {"changed", F_INT, F_REQUIRED, NULL},
    {0},
};
const struct shape hook_receipt_shape = {"WebhookReceipt", NULL, receipt_fields};

static void take_key(struct call *call, struct secret *key)
{
    const char *given = http_header_get(call->in->headers, "Authorization");
    if (given && strncasecmp(given, "Bearer ", 7) == 0)
        secret_set(key, given + 7, strlen(given + 7));
}

enum status api_hook_post(struct call *call, struct err *err)
{
    struct engine engine = small_engine(call);
    struct webhook_receipt receipt;
    struct webhook_post post = {.table = call->values[0],
                                .source = call->values[1],
                                .idempotency =
                                    http_header_get(call->in->headers, "Idempotency-Key"),
                                .body = buf_text(&call->in->body),
                                .len = call->in->body.len};
    take_key(call, &post.key);
    enum status rc = source_webhook_accept(&engine, call->api->hooks, &post, &receipt, err);
    secret_wipe(&post.key);
    if (receipt.retry_after_ms)
        http_out_header(
            call->in, call->out, "Retry-After",
            arena_printf(call->arena, "%lld", (long long)(receipt.retry_after_ms + 999) / 1000));
    if (rc != OK)
        return FAIL;
    if (receipt.made_due)
        work_run_due(call->api->work, post.table);
    jw_object(&call->w);
    jw_kv_int(&call->w, "rows", receipt.rows);
    jw_kv_int(&call->w, "added", receipt.added);
    jw_kv_int(&call->w, "changed", receipt.changed);
    jw_end_object(&call->w);
    return OK;
}
