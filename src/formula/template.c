/* template.c - finding and filling {{references}}, without JavaScript.
 *
 * A reference runs from {{ to the next }}; white space around it is dropped.
 * Nothing is nested: "{{a {{b}}" is one reference named "a {{b". */
#include "formula/formula.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/str.h"
#include "base/uri.h"

#include <string.h>

/* The next reference at or after `at`. False at the end; FAIL through *open. */
static bool next_ref(const char *text, size_t at, size_t *begin, size_t *end, bool *open)
{
    const char *start = strstr(text + at, "{{");
    *open = false;
    if (!start)
        return false;
    while (start[2] == '{') /* `${{{Name}}}`: no name begins with a brace */
        start++;
    const char *stop = strstr(start + 2, "}}");
    if (!stop) {
        *begin = (size_t)(start - text);
        *open = true;
        return false;
    }
    *begin = (size_t)(start - text);
    *end = (size_t)(stop - text) + 2;
    return true;
}

static enum status unclosed(const char *text, size_t at, struct err *err)
{
    err_set(err, ERR_FORMULA_SYNTAX, "a {{ is not closed: \"%.40s\"", text + at);
    err_where(err, "character %zu", at + 1);
    err_hint(err, "write {{Column name}} or {{Column name.path}}");
    return FAIL;
}

static char *ref_text(struct arena *arena, const char *text, size_t begin, size_t end)
{
    struct str name = str_trim((struct str){text + begin + 2, end - begin - 4});
    return str_dup(arena, name);
}

enum status formula_refs(struct arena *arena, const char *text, struct formula_ref **refs,
                         struct err *err)
{
    struct formula_ref **tail = refs;
    size_t at = 0, begin = 0, end = 0;
    bool open = false;
    *refs = NULL;
    while (next_ref(text, at, &begin, &end, &open)) {
        char *name = ref_text(arena, text, begin, end);
        bool known = false;
        if (!*name) {
            err_set(err, ERR_FORMULA_SYNTAX, "an empty {{}} names nothing");
            err_where(err, "character %zu", begin + 1);
            return FAIL;
        }
        for (struct formula_ref *r = *refs; r && !known; r = r->next)
            known = text_eq(r->text, name);
        if (!known) {
            struct formula_ref *ref = arena_alloc(arena, sizeof *ref);
            ref->text = name;
            ref->offset = begin;
            *tail = ref;
            tail = &ref->next;
        }
        at = end;
    }
    return open ? unclosed(text, begin, err) : OK;
}

/* What a person expects to read for a JSON value; NULL for null. */
static const char *plain_text(struct arena *arena, const char *json, size_t *len)
{
    if (!json || text_eq(json, "null"))
        return NULL;
    if (*json == '"') {
        const struct json *value = json_parse(arena, json, strlen(json), NULL);
        *len = value ? value->len : 0;
        return value ? value->text : NULL;
    }
    *len = strlen(json);
    return json;
}

static void paste(struct buf *out, enum formula_slot slot, const char *text, size_t len)
{
    if (slot == SLOT_URL) {
        uri_encode(out, text, len);
    } else if (slot == SLOT_JSON_STRING) {
        struct buf quoted = BUF_INIT;
        struct jw w;
        jw_init(&w, &quoted);
        jw_text_n(&w, text, len);
        buf_append(out, quoted.data + 1, quoted.len - 2);
        buf_free(&quoted);
    } else {
        buf_append(out, text, len);
    }
}

enum status formula_fill(struct arena *arena, const char *text, enum formula_slot slot,
                         const char *(*lookup)(void *ctx, const char *ref), void *ctx, char **out,
                         const char **missing, struct err *err)
{
    struct buf filled = BUF_INIT;
    size_t at = 0, begin = 0, end = 0;
    bool open = false;
    if (missing)
        *missing = NULL;
    while (next_ref(text, at, &begin, &end, &open)) {
        char *name = ref_text(arena, text, begin, end);
        size_t len = 0;
        const char *value = plain_text(arena, lookup(ctx, name), &len);
        buf_append(&filled, text + at, begin - at);
        if (value)
            paste(&filled, slot, value, len);
        else if (missing && !*missing)
            *missing = name;
        at = end;
    }
    if (open) {
        buf_free(&filled);
        return unclosed(text, begin, err);
    }
    buf_str(&filled, text + at);
    *out = arena_strndup(arena, buf_text(&filled), filled.len);
    buf_wipe(&filled);
    return OK;
}
