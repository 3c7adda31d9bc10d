/* write.c - what answers of several nouns are written with. */
#include "api/call.h"

#include "base/when.h"

#include <string.h>

void jw_kv_time(struct jw *w, const char *key, int64_t ms)
{
    char iso[32];
    if (ms <= 0) {
        jw_kv_null(w, key);
        return;
    }
    when_iso(ms, iso);
    jw_kv_text(w, key, iso);
}

void jw_kv_next(struct jw *w, int64_t id)
{
    if (id)
        jw_kv_int(w, "next", id);
    else
        jw_kv_null(w, "next");
}

/* Parsed first: what was stored is never pasted into an answer unseen. */
void jw_kv_json(struct jw *w, const char *key, const char *json)
{
    struct arena *arena = arena_new();
    const struct json *value = json ? json_parse(arena, json, strlen(json), NULL) : NULL;
    jw_key(w, key);
    if (value)
        jw_value(w, value);
    else
        jw_null(w);
    arena_free(arena);
}
