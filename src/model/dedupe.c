/* dedupe.c - see dedupe.h. */
#include "model/dedupe.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/normal.h"
#include "base/sortkey.h"
#include "base/str.h"

#include <string.h>

#define KEY_BYTES 200 /* longer ones are kept as their hash */

const char *const dedupe_as_names[] = {"text", "email", "domain", "phone", NULL};

void dedupe_rule_read(struct arena *arena, const struct table *table, struct dedupe_rule *out)
{
    const char *rules = table->rules;
    *out = (struct dedupe_rule){.by = NULL};
    if (!rules || !strstr(rules, "auto_dedupe"))
        return;
    struct err ignored = {0};
    const struct json *rule =
        json_get(json_parse(arena, rules, strlen(rules), &ignored), "auto_dedupe");
    const char *as = json_get_text(rule, "as");
    out->by = json_get_text(rule, "by");
    out->keep_newest = text_eq(json_get_text(rule, "keep"), "newest");
    out->column = out->by ? table_column(table, out->by) : NULL;
    out->as = out->column && out->column->type == TYPE_EMAIL ? SAME_EMAIL : SAME_TEXT;
    for (int i = 0; as && dedupe_as_names[i]; i++)
        if (text_eq(as, dedupe_as_names[i]))
            out->as = (enum dedupe_as)i;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Folded, with single blanks between words; NULL when nothing is left. */
static const char *text_key(struct arena *arena, struct value value)
{
    struct buf folded = BUF_INIT, out = BUF_INIT;
    text_fold(&folded, value.text, value.len);
    for (size_t i = 0; i < folded.len; i++) {
        if (is_space(folded.data[i]))
            continue;
        if (out.len && is_space(folded.data[i - 1]))
            buf_char(&out, ' ');
        buf_char(&out, folded.data[i]);
    }
    const char *key = out.len ? arena_strndup(arena, out.data, out.len) : NULL;
    buf_free(&folded);
    buf_free(&out);
    return key;
}

const char *dedupe_key(struct arena *arena, enum dedupe_as as, struct value value)
{
    const char *key = NULL;
    char hash[65];
    if (!value.text || !value.len || memchr(value.text, '\0', value.len))
        return NULL;
    switch (as) {
    case SAME_TEXT:
        key = text_key(arena, value);
        break;
    case SAME_EMAIL:
        key = normal_email(arena, value.text, value.len);
        break;
    case SAME_DOMAIN:
        key = normal_domain(arena, value.text, value.len);
        break;
    case SAME_PHONE:
        key = normal_phone(arena, value.text, value.len);
        break;
    }
    if (!key || strlen(key) <= KEY_BYTES)
        return key;
    sha256_hex(key, strlen(key), hash);
    return arena_printf(arena, "sha256:%s", hash);
}
