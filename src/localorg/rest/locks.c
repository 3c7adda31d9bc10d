/* locks.c - records that cannot be locked: GET, POST, DELETE /localorg/locks.
 *
 * A lock on a parent also refuses its children, as contention on a busy parent
 * does: UNABLE_TO_LOCK_ROW names the record that is held. */
#include "localorg/rest/resources.h"

#include "base/str.h"

#include <string.h>

void control_locks_get(struct call *call)
{
    struct jw w;
    answer_json(call, 200, &w);
    org_locks_json(call->site->org, &w);
}

/* {"id","times"} or {"id","for_ms"}; id "*" is any record. */
static bool lock_read(struct call *call, const struct json *body, struct org_row_lock *out,
                      struct err *err)
{
    const char *id = json_get_text(body, "id");
    *out = (struct org_row_lock){.times = (int)json_get_int(body, "times", 0)};
    int64_t for_ms = json_get_int(body, "for_ms", 0);
    bool any = id && strcmp(id, "*") == 0;
    if (id && (any || id_canonical(id, out->id)) && (out->times > 0 || for_ms > 0)) {
        if (for_ms > 0)
            out->until_ms = call_now(call) + for_ms;
        return true;
    }
    err_set(err, ERR_INVALID, "a lock wants \"id\" and either \"times\" or \"for_ms\"");
    err_hint(err, "{\"id\":\"001...\",\"times\":3}: the next three writes; \"for_ms\": all writes of so "
                  "long; id * is any record");
    return false;
}

void control_locks(struct call *call)
{
    struct err err = {{0}};
    struct org_row_lock lock;
    const struct json *body = json_parse_buf(call->arena, &call->in->body, &err);
    const struct json *one = json_is(body, JSON_ARRAY) ? body->first : body;
    for (; one && !err.code[0]; one = json_is(body, JSON_ARRAY) ? one->next : NULL)
        if (lock_read(call, one, &lock, &err))
            org_lock_row(call->site->org, &lock);
    if (err.code[0])
        answer_refusal(call, 400, &err);
    else
        control_locks_get(call);
}

void control_locks_delete(struct call *call)
{
    const char *id = call_param(call, "id");
    struct org_row_lock lock = {{0}};
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    org_locks_json(call->site->org, &w);
    const struct json *all = json_parse(call->arena, text.data, text.len, NULL);
    buf_free(&text);
    json_each(held, all) {
        const char *other = json_get_text(held, "id");
        if (id && !(other && (strcmp(other, id) == 0 || (!*other && strcmp(id, "*") == 0))))
            continue;
        snprintf(lock.id, sizeof lock.id, "%s", other ? other : "");
        org_lock_row(call->site->org, &lock);
    }
    control_locks_get(call);
}
