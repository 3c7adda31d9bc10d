/* holds.c - connections that may not write since the workspace was restored, and letting
 * one write again. */
#include "api/nouns.h"

#include "base/str.h"
#include "engine/restore.h"

static const struct field hold_fields[] = {
    {"connection", F_TEXT, F_REQUIRED, NULL},
    {"held", F_BOOL, F_REQUIRED, "nothing is sent through it"},
    {"why", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"since", F_TIME, F_REQUIRED, NULL},
    {"lost_from", F_TIME, F_REQUIRED | F_NULL, "where the time begins that this workspace does not remember"},
    {"released", F_TIME, F_REQUIRED | F_NULL, NULL},
    {"released_by", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"old_sign_in", F_BOOL, F_REQUIRED, "its tokens are those of the copy: they may be used up"},
    {"operations", F_INT, F_REQUIRED, "that the lost history may have sent"},
    {"unsure", F_INT, F_REQUIRED, "of them: still to be looked for in the org"},
    {"adopted", F_INT, F_REQUIRED, "of them: found, they had been made"},
    {"to_send", F_INT, F_REQUIRED, "of them: not made, sent once it is released"},
    {"in_doubt", F_INT, F_REQUIRED, "of them: a person has to say"},
    {0},
};
static const struct shape hold_shape = {"Hold", "A connection that may not write.", hold_fields};
static const struct field list_fields[] = {
    {"holds", F_LIST, F_REQUIRED, "released ones, too", .of = &hold_shape},
    {0},
};
const struct shape hold_list_shape = {"Holds", NULL, list_fields};
static const struct field release_fields[] = {
    {"forget", F_BOOL, 0, "new records are not looked for in the lost time"},
    {0},
};
const struct shape release_body = {"Release", NULL, release_fields};

static const char *name_of(const struct connection *list, size_t count, int64_t id)
{
    for (size_t i = 0; i < count; i++)
        if (list[i].id == id)
            return list[i].name;
    return "?";
}

static void write_hold(struct jw *w, const struct store_hold *hold, const char *connection,
                       const struct restore_report *sum)
{
    jw_object(w);
    jw_kv_text(w, "connection", connection);
    jw_kv_bool(w, "held", !hold->released_ms);
    jw_kv_text(w, "why", hold->why);
    jw_kv_time(w, "since", hold->since_ms);
    jw_kv_time(w, "lost_from", hold->from_ms);
    jw_kv_time(w, "released", hold->released_ms);
    jw_kv_text(w, "released_by", hold->released_ms ? hold->released_by : NULL);
    jw_kv_bool(w, "old_sign_in", hold->old_sign_in);
    jw_kv_int(w, "operations", sum->operations);
    jw_kv_int(w, "unsure", sum->unsure);
    jw_kv_int(w, "adopted", sum->adopted);
    jw_kv_int(w, "to_send", sum->to_send);
    jw_kv_int(w, "in_doubt", sum->in_doubt);
    jw_end_object(w);
}

enum status api_hold_list(struct call *call, struct err *err)
{
    struct store_hold *holds;
    struct connection *connections;
    struct restore_report sum;
    size_t count, known;
    if (call->store->does->holds->list(call->store, call->arena, &holds, &count, err) != OK ||
        call->store->does->connection_list(call->store, call->arena, &connections, &known, err) != OK)
        return FAIL;
    jw_object(&call->w);
    jw_key(&call->w, "holds");
    jw_array(&call->w);
    for (size_t i = 0; i < count; i++) {
        if (restore_counts(call->store, &holds[i], &sum, err) != OK)
            return FAIL;
        write_hold(&call->w, &holds[i], name_of(connections, known, holds[i].connection_id), &sum);
    }
    jw_end_array(&call->w);
    jw_end_object(&call->w);
    return OK;
}

enum status api_hold_release(struct call *call, struct err *err)
{
    struct connection connection;
    bool forget = json_get_bool(call->body, "forget", false);
    if (call_connection(call, &connection, err) != OK ||
        call->store->does->holds->release(call->store, connection.id, call_who(call), forget, err) != OK)
        return FAIL;
    return api_hold_list(call, err);
}
