/* secrets.c - secrets go in and never come out: names can be listed, values not. */
#include "api/nouns.h"

#include "base/str.h"

#include <string.h>

#define PREFIX "secret:"

static const struct field secret_list_fields[] = {
    {"secrets", F_LIST, F_REQUIRED, "names", .item = F_TEXT},
    {0},
};
const struct shape secret_list_shape = {"Secrets", "Used as {{secret:name}}.", secret_list_fields};

static const struct field secret_fields[] = {
    {"value", F_TEXT, F_REQUIRED | F_SECRET, "sealed before it touches the disk", .min = 1, .max = 65536},
    {0},
};
const struct shape secret_body = {"Secret", NULL, secret_fields};

enum status api_secret_list(struct call *call, struct err *err)
{
    const char **labels;
    size_t count;
    struct jw *w = &call->w;
    if (call->store->does->sealed_list(call->store, call->arena, PREFIX, &labels, &count, err) != OK)
        return FAIL;
    jw_object(w);
    jw_key(w, "secrets");
    jw_array(w);
    for (size_t i = 0; i < count; i++)
        jw_text(w, labels[i] + strlen(PREFIX));
    jw_end_array(w);
    jw_end_object(w);
    return OK;
}

static enum status audit_name(struct call *call, const char *what, struct err *err)
{
    struct buf detail = BUF_INIT;
    struct jw w;
    jw_init(&w, &detail);
    jw_object(&w);
    jw_kv_text(&w, "secret", call->values[0]);
    jw_end_object(&w);
    enum status rc = call_audit(call, what, buf_text(&detail), err);
    buf_free(&detail);
    return rc;
}

enum status api_secret_put(struct call *call, struct err *err)
{
    const struct json *text = json_get(call->body, "value");
    struct secret value = {0};
    struct engine engine = {.world = call->api->options.world,
                            .store = call->store,
                            .vault = call->api->options.vault};
    secret_set(&value, text->text, text->len);
    enum status rc = engine_secret_put(&engine, call->values[0], &value, err);
    secret_wipe(&value);
    return rc == OK ? audit_name(call, "secret stored", err) : FAIL;
}

enum status api_secret_delete(struct call *call, struct err *err)
{
    const char *label = arena_printf(call->arena, PREFIX "%s", call->values[0]), *sealed;
    if (call->store->does->sealed_get(call->store, call->arena, label, &sealed, err) != OK)
        return err_is(err, ERR_NOT_FOUND)
                   ? err_set(err, ERR_NOT_FOUND, "there is no secret \"%s\"", call->values[0])
                   : FAIL;
    if (call->store->does->sealed_delete(call->store, label, err) != OK)
        return FAIL;
    return audit_name(call, "secret deleted", err);
}
