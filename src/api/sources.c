/* sources.c - what a source of a table could not take, and when each is due. */
#include "api/nouns.h"

#include "base/str.h"
#include "store/store_sources.h"
#include "work/scheduler.h"

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
    {"source", F_TEXT, F_REQUIRED, "its name"},
    {"kind", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"connection", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"every", F_TEXT, F_REQUIRED | F_NULL, "as in the recipe"},
    {"next", F_TIME, F_REQUIRED | F_NULL, "null: never by itself"},
    {"last", F_TIME, F_REQUIRED | F_NULL, "the last start by schedule"},
    {"run_id", F_INT, F_REQUIRED | F_NULL, "of that start"},
    {"missed", F_INT, F_REQUIRED, "times nobody was there for"},
    {"skipped", F_INT, F_REQUIRED, "times the sync before was still going"},
    {"running", F_BOOL, F_REQUIRED, NULL},
    {"problem", F_TEXT, F_REQUIRED | F_NULL, "why the schedule cannot be understood"},
    {0},
};
static const struct shape scheduled_shape = {"Scheduled", NULL, scheduled_fields};
static const struct field schedules_fields[] = {
    {"schedules", F_LIST, F_REQUIRED, "of every source of every table", .of = &scheduled_shape},
    {0},
};
const struct shape schedules_shape = {"Schedules", NULL, schedules_fields};

enum status api_reject_list(struct call *call, struct err *err)
{
    struct table table;
    struct reject *list;
    size_t count;
    struct jw *w = &call->w;
    if (call_table(call, &table, err) != OK)
        return FAIL;
    const struct source *source = table_source(&table, call->values[1]);
    if (!source)
        return err_set(err, ERR_NOT_FOUND, "table \"%s\" has no source \"%s\"", table.name,
                       call->values[1]);
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
