/* check_choice.c - picklists, multi-select picklists and checkboxes.
 *
 * A choice is meant by its API value or by its label, in any case, as long as
 * that is unambiguous; what is sent is always the API value. Only a restricted
 * picklist refuses what it does not list. */
#include "connect/salesforce/sf_priv.h"

#include "base/str.h"

#include <string.h>

#define MOST_CHOICES 100 /* of a multi-select picklist */
#define OPEN_LENGTH  255 /* of a value that is not in the list */

/* The one choice that passes `same`, or NULL when none or several values do. */
static const struct crm_choice *only(const struct crm_field *field, const char *text, bool label,
                                     bool (*same)(const char *, const char *))
{
    const struct crm_choice *found = NULL;
    for (size_t i = 0; i < field->choice_count; i++) {
        const struct crm_choice *choice = &field->choices[i];
        if (!choice->active || !same(label ? choice->label : choice->value, text))
            continue;
        if (found && !text_eq(found->value, choice->value))
            return NULL;
        found = choice;
    }
    return found;
}

static const struct crm_choice *choice_meant(const struct crm_field *field, const char *text)
{
    const struct crm_choice *found = only(field, text, false, text_eq);
    if (!found)
        found = only(field, text, true, text_eq);
    if (!found)
        found = only(field, text, false, text_eq_nocase);
    if (!found)
        found = only(field, text, true, text_eq_nocase);
    return found;
}

static bool inactive(const struct crm_field *field, const char *text)
{
    for (size_t i = 0; i < field->choice_count; i++)
        if (!field->choices[i].active && text_eq_nocase(field->choices[i].value, text))
            return true;
    return false;
}

static enum crm_check refuse_choice(const struct sf_checking *c, const char *text)
{
    const struct crm_field *f = c->field;
    const char **values = arena_array(c->arena, f->choice_count + 1, sizeof *values);
    struct buf hint = BUF_UP_TO(400);
    struct sf_checking one = *c;
    size_t count = 0;

    for (size_t i = 0; i < f->choice_count; i++)
        if (f->choices[i].active)
            values[count++] = f->choices[i].value;
    const char *near = text_nearest(text, values, count);
    if (near)
        buf_printf(&hint, "Did you mean \"%.80s\"? ", near);
    buf_str(&hint, count ? "Allowed are: " : "It has no active values.");
    for (size_t i = 0; i < count && hint.len < 300; i++)
        buf_printf(&hint, "%s%.60s", i ? ", " : "", values[i]);
    if (count > 0 && hint.len >= 300)
        buf_str(&hint, ", …");
    one.text = text;
    one.len = strlen(text);
    enum crm_check out =
        sf_refuse(&one, "refused.bad_picklist",
                  inactive(f, text) ? "is a value that was switched off in the picklist"
                                    : "is not in the restricted picklist",
                  buf_text(&hint));
    buf_free(&hint);
    return out;
}

enum crm_check sf_check_choice(const struct sf_checking *c, const char **out)
{
    const struct crm_choice *choice = choice_meant(c->field, c->text);
    if (choice) {
        *out = sf_json_text(c->arena, choice->value, strlen(choice->value));
        return text_eq(choice->value, c->text) ? CRM_CHECK_OK : CRM_CHECK_REPAIRED;
    }
    if (c->field->restricted_picklist)
        return refuse_choice(c, c->text);
    size_t most = c->field->length > 0 ? (size_t)c->field->length : OPEN_LENGTH;
    if (!utf8_valid(c->text, c->len))
        return sf_refuse(c, "refused.bad_text", "holds bytes that are not text", NULL);
    if (utf16_length(c->text, c->len) > most)
        return sf_refuse(c, "refused.too_long", "is too long for a picklist value",
                         "Use one of the values of the picklist.");
    *out = sf_json_text(c->arena, c->text, c->len);
    return CRM_CHECK_OK;
}

/* ----------------------------------------------------------- multi-select */

/* The parts: a JSON array, or text cut at ';' (at ',' when that makes all parts
 * known choices and ';' does not occur). */
static size_t parts_cut(const struct sf_checking *c, char separator, const char **parts,
                        size_t most)
{
    size_t count = 0;
    for (const char *at = c->text; at;) {
        const char *end = strchr(at, separator);
        struct str part = str_trim((struct str){at, end ? (size_t)(end - at) : strlen(at)});
        if (part.n > 0 && count < most)
            parts[count++] = str_dup(c->arena, part);
        at = end ? end + 1 : NULL;
    }
    return count;
}

static size_t parts_of(const struct sf_checking *c, const char **parts, size_t most)
{
    struct err ignored = {0};
    size_t count = 0;
    if (c->text[0] == '[') {
        const struct json *list = json_parse(c->arena, c->text, c->len, &ignored);
        if (json_is(list, JSON_ARRAY)) {
            json_each(item, list)
                if (json_text(item) && *json_text(item) && count < most)
                    parts[count++] = json_text(item);
            return count;
        }
    }
    if (!strchr(c->text, ';') && strchr(c->text, ',') && !choice_meant(c->field, c->text)) {
        bool known = true;
        count = parts_cut(c, ',', parts, most);
        for (size_t i = 0; i < count; i++)
            known = known && choice_meant(c->field, parts[i]);
        if (known && count > 0)
            return count;
    }
    return parts_cut(c, ';', parts, most);
}

enum crm_check sf_check_choices(const struct sf_checking *c, const char **out)
{
    const char *parts[MOST_CHOICES + 1];
    struct buf text = BUF_INIT;
    size_t count = parts_of(c, parts, MOST_CHOICES + 1), kept = 0;

    if (count > MOST_CHOICES)
        return sf_refuse(c, "refused.bad_picklist", "has more than 100 values",
                         "A multi-select picklist holds at most 100 values.");
    for (size_t i = 0; i < count; i++) {
        const struct crm_choice *choice = choice_meant(c->field, parts[i]);
        if (!choice && c->field->restricted_picklist) {
            buf_free(&text);
            return refuse_choice(c, parts[i]);
        }
        parts[i] = choice ? choice->value : parts[i];
        bool again = false;
        for (size_t k = 0; k < i; k++)
            again = again || text_eq(parts[k], parts[i]);
        if (!again)
            buf_printf(&text, "%s%s", kept++ ? ";" : "", parts[i]);
    }
    const char *joined = arena_strndup(c->arena, buf_text(&text), text.len);
    buf_free(&text);
    if (c->field->length > 0 && utf16_length(joined, strlen(joined)) > (size_t)c->field->length)
        return sf_refuse(c, "refused.too_long", "is longer than the field holds",
                         "Choose fewer values.");
    *out = *joined ? sf_json_text(c->arena, joined, strlen(joined)) : "null";
    return text_eq(joined, c->text) ? CRM_CHECK_OK : CRM_CHECK_REPAIRED;
}

/* ------------------------------------------------------------- checkboxes */

enum crm_check sf_check_boolean(const struct sf_checking *c, const char **out)
{
    struct value value = {c->text, (uint32_t)c->len};
    const char *truth = soql_comparable(c->arena, c->field, value);
    if (!truth)
        return sf_refuse(c, "refused.bad_boolean", "is neither true nor false",
                         "Give true or false (yes, no, 1 and 0 are understood too).");
    *out = truth;
    return text_eq(truth, c->text) ? CRM_CHECK_OK : CRM_CHECK_REPAIRED;
}
