/* audit.c - who did what, and whether the record of it is whole. */
#include "api/nouns.h"

#include "store/store_audit.h"

const struct field audit_query[] = {
    {"who", F_TEXT, 0, "a login", .min = 1, .max = 200},
    {"before", F_INT, 0, "lines older than this id"},
    {"limit", F_INT, 0, "lines at most (100)", .min = 1, .max = 1000},
    {0},
};

static const struct field line_fields[] = {
    {"id", F_INT, F_REQUIRED, "from 1, without gaps"},
    {"at", F_TIME, F_REQUIRED | F_NULL, NULL},
    {"who", F_TEXT, F_REQUIRED, "a login, \"cli\" or \"argil\""},
    {"what", F_TEXT, F_REQUIRED, NULL},
    {"detail", F_ANY, F_REQUIRED | F_NULL, "of what"},
    {"hash", F_TEXT, F_REQUIRED, "of this line and the one before it"},
    {0},
};
static const struct shape line_shape = {"AuditLine", NULL, line_fields};
static const struct field list_fields[] = {
    {"lines", F_LIST, F_REQUIRED, "newest first", .of = &line_shape},
    {"next", F_INT, F_REQUIRED | F_NULL, "ask with before = next for more; null = the end"},
    {0},
};
const struct shape audit_list_shape = {"Audit", NULL, list_fields};

static const struct field check_fields[] = {
    {"lines", F_INT, F_REQUIRED, "how many were checked; the chain holds"},
    {0},
};
const struct shape audit_check_shape = {"AuditCheck", NULL, check_fields};

static void write_line(struct jw *w, const struct audit_line *line)
{
    jw_object(w);
    jw_kv_int(w, "id", line->id);
    jw_kv_time(w, "at", line->at_ms);
    jw_kv_text(w, "who", line->who);
    jw_kv_text(w, "what", line->what);
    jw_kv_json(w, "detail", line->detail);
    jw_kv_text(w, "hash", line->hash);
    jw_end_object(w);
}

enum status api_audit_list(struct call *call, struct err *err)
{
    size_t limit = (size_t)call_query_int(call, "limit", 100), count;
    struct audit_query query = {.who = call_query(call, "who"),
                                .before_id = call_query_int(call, "before", 0),
                                .limit = limit + 1};
    struct audit_line *lines;
    struct jw *w = &call->w;
    if (call->store->does->audit->list(call->store, call->arena, &query, &lines, &count, err) != OK)
        return FAIL;
    bool more = count > limit;
    if (more)
        count = limit;
    jw_object(w);
    jw_key(w, "lines");
    jw_array(w);
    for (size_t i = 0; i < count; i++)
        write_line(w, &lines[i]);
    jw_end_array(w);
    jw_kv_next(w, more ? lines[count - 1].id : 0);
    jw_end_object(w);
    return OK;
}

enum status api_audit_check(struct call *call, struct err *err)
{
    int64_t lines;
    if (call->store->does->audit_verify(call->store, &lines, err) != OK)
        return FAIL;
    jw_object(&call->w);
    jw_kv_int(&call->w, "lines", lines);
    jw_end_object(&call->w);
    return OK;
}
