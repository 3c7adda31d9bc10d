/* object_cursor.c - where a pull is, as JSON beside the table. */
#include "engine/sources/object_pull.h"

#include "base/str.h"

#include <string.h>

static const char *const phases[] = {"none", "load", "window", "gone", "idle", "refresh"};

const char *object_cursor_write(struct arena *arena, const struct object_cursor *cursor)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "phase", phases[cursor->phase]);
    jw_kv_bool(&w, "first_load", cursor->first_load);
    jw_kv_text(&w, "shape", cursor->shape);
    jw_kv_text(&w, "org_id", cursor->org_id);
    jw_kv_text(&w, "stamp", cursor->stamp);
    jw_kv_text(&w, "id", cursor->id);
    jw_kv_text(&w, "place", cursor->place);
    jw_kv_int(&w, "started", cursor->started_ms);
    jw_kv_int(&w, "from", cursor->from_ms);
    jw_kv_int(&w, "until", cursor->until_ms);
    jw_kv_int(&w, "covered", cursor->covered_ms);
    jw_kv_text(&w, "user_id", cursor->user_id);
    jw_kv_int(&w, "swept", cursor->swept_ms);
    jw_kv_int(&w, "formulas", cursor->formulas_ms);
    jw_kv_int(&w, "refresh", cursor->refresh_ms);
    jw_end_object(&w);
    const char *json = arena_strdup(arena, buf_text(&text));
    buf_free(&text);
    return json;
}

enum status object_cursor_read(struct arena *arena, const char *json, struct object_cursor *out,
                               struct err *err)
{
    memset(out, 0, sizeof *out);
    if (!json || !*json)
        return OK;
    const struct json *cursor = json_parse(arena, json, strlen(json), err);
    if (!cursor)
        return err_wrap(err, "reading the sync cursor");
    const char *phase = json_get_text(cursor, "phase");
    for (int i = 0; i <= PULL_REFRESH; i++)
        if (text_eq(phase, phases[i]))
            out->phase = (enum object_phase)i;
    out->first_load = json_get_bool(cursor, "first_load", false);
    out->shape = json_get_text(cursor, "shape");
    out->org_id = json_get_text(cursor, "org_id");
    out->stamp = json_get_text(cursor, "stamp");
    out->id = json_get_text(cursor, "id");
    out->place = json_get_text(cursor, "place");
    out->started_ms = json_get_int(cursor, "started", 0);
    out->from_ms = json_get_int(cursor, "from", 0);
    out->until_ms = json_get_int(cursor, "until", 0);
    out->covered_ms = json_get_int(cursor, "covered", 0);
    out->user_id = json_get_text(cursor, "user_id");
    out->swept_ms = json_get_int(cursor, "swept", 0);
    out->formulas_ms = json_get_int(cursor, "formulas", 0);
    out->refresh_ms = json_get_int(cursor, "refresh", 0);
    return OK;
}
