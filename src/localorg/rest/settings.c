/* settings.c - reading and printing structs by their table of settings. */
#include "localorg/rest/settings.h"

#include "base/str.h"

#include <string.h>
#include <strings.h>

#define ERR_SETTING "localorg.setting"

const char *words_next(const char **at, size_t *len)
{
    const char *p = *at ? *at : "";
    while (*p == ' ' || *p == ',' || *p == '\n')
        p++;
    if (!*p)
        return NULL;
    *len = strcspn(p, " ,\n");
    *at = p + *len;
    return p;
}

bool words_have_n(const char *list, const char *word, size_t word_len)
{
    size_t len;
    const char *found;
    while ((found = words_next(&list, &len)))
        if (len == word_len && memcmp(found, word, len) == 0)
            return true;
    return false;
}

bool words_have(const char *list, const char *word)
{
    return words_have_n(list, word, strlen(word));
}

bool names_have(const char *list, const char *name)
{
    size_t wanted = strlen(name);
    while (list && *list) {
        size_t len = strcspn(list, "\n");
        if (len == wanted && strncasecmp(list, name, len) == 0)
            return true;
        list += len + (list[len] == '\n');
    }
    return false;
}

static const struct setting *find(const struct setting *rows, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].name, name) == 0)
            return &rows[i];
    return NULL;
}

static enum status unknown(const struct setting *rows, size_t count, const char *name,
                           struct err *err)
{
    const char *names[96];
    size_t n = 0;
    for (size_t i = 0; i < count && n < 96; i++)
        names[n++] = rows[i].name;
    err_set(err, ERR_SETTING, "there is no setting \"%s\" here", name);
    const char *near = text_nearest(name, names, n);
    if (near)
        err_hint(err, "did you mean \"%s\"?", near);
    else
        err_hint(err, "GET /localorg/policies lists all of them with their values");
    return FAIL;
}

/* Every word as the row wants it. */
static enum status check_words(const struct setting *row, const char *list, struct err *err)
{
    size_t len;
    const char *word;
    while (row->check && (word = words_next(&list, &len)))
        if (!row->check(word, len)) {
            err_set(err, ERR_SETTING, "%s: \"%.*s\" is not understood", row->name, (int)len, word);
            err_hint(err, "%s", row->words);
            return FAIL;
        }
    return OK;
}

/* A list arrives as ["a","b"] or as "a b". */
static enum status read_list(const struct setting *row, char *place, const struct json *value,
                             struct err *err)
{
    size_t used = 0;
    if (json_is(value, JSON_STRING)) {
        if (value->len >= row->size)
            return err_set(err, ERR_SETTING, "%s is longer than %zu characters", row->name,
                           row->size - 1);
        if (check_words(row, value->text, err) != OK)
            return FAIL;
        if (place)
            memcpy(place, value->text, value->len + 1);
        return OK;
    }
    if (!json_is(value, JSON_ARRAY))
        return err_set(err, ERR_SETTING, "%s wants a list of texts, such as [\"a\", \"b\"]",
                       row->name);
    if (place)
        place[0] = '\0';
    json_each(word, value) {
        if (!json_is(word, JSON_STRING))
            return err_set(err, ERR_SETTING, "%s wants a list of texts", row->name);
        if (used + word->len + 2 > row->size)
            return err_set(err, ERR_SETTING, "%s: the list is longer than %zu characters",
                           row->name, row->size - 1);
        if (check_words(row, word->text, err) != OK)
            return FAIL;
        if (place) {
            if (used)
                place[used] = row->kind == SET_NAMES ? '\n' : ' ';
            memcpy(place + used + (used ? 1 : 0), word->text, word->len + 1);
        }
        used += word->len + (used ? 1 : 0);
    }
    return OK;
}

static enum status read_text(const struct setting *row, char *place, const struct json *value,
                             struct err *err)
{
    bool null = json_is(value, JSON_NULL);
    if (!null && !json_is(value, JSON_STRING))
        return err_set(err, ERR_SETTING, "%s wants a text", row->name);
    if (!null && value->len >= row->size)
        return err_set(err, ERR_SETTING, "%s is longer than %zu characters", row->name,
                       row->size - 1);
    if (!null && row->kind == SET_WORD && !words_have(row->words, value->text))
        return err_set(err, ERR_SETTING, "%s cannot be \"%s\"; it is one of: %s", row->name,
                       value->text, row->words);
    if (place)
        memcpy(place, null ? "" : value->text, null ? 1 : value->len + 1);
    return OK;
}

static enum status read_json(const struct setting *row, char *place, const struct json *value,
                             struct err *err)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_value(&w, value);
    bool fits = text.len < row->size;
    if (fits && place)
        memcpy(place, buf_text(&text), text.len + 1);
    buf_free(&text);
    return fits ? OK
                : err_set(err, ERR_SETTING, "%s is longer than %zu characters", row->name,
                          row->size - 1);
}

/* Stores when place is not NULL, else only checks. */
static enum status read_one(const struct setting *row, char *place, const struct json *value,
                            struct err *err)
{
    switch (row->kind) {
    case SET_BOOL:
        if (!json_is(value, JSON_TRUE) && !json_is(value, JSON_FALSE))
            return err_set(err, ERR_SETTING, "%s wants true or false", row->name);
        if (place)
            *(bool *)(void *)place = json_is(value, JSON_TRUE);
        return OK;
    case SET_INT:
        if (!json_is(value, JSON_NUMBER))
            return err_set(err, ERR_SETTING, "%s wants a whole number", row->name);
        if (place)
            *(int64_t *)(void *)place = json_int(value, 0);
        return OK;
    case SET_LIST:
    case SET_NAMES:
        return read_list(row, place, value, err);
    case SET_JSON:
        return read_json(row, place, value, err);
    case SET_TEXT:
    case SET_WORD:
        return read_text(row, place, value, err);
    }
    return OK;
}

enum status settings_read_given(const struct setting *rows, size_t count, const char *skip,
                                void *object, uint64_t *given, const struct json *from,
                                struct err *err)
{
    if (!json_is(from, JSON_OBJECT))
        return err_set(err, ERR_SETTING, "settings come as a JSON object");
    for (int store = 0; store < 2; store++) {
        json_each(value, from) {
            if (skip && words_have(skip, value->key))
                continue;
            const struct setting *row = find(rows, count, value->key);
            if (!row)
                return unknown(rows, count, value->key, err);
            if (read_one(row, store ? (char *)object + row->offset : NULL, value, err) != OK)
                return FAIL;
            *given |= store ? 1ull << (row - rows) : 0;
        }
    }
    return OK;
}

enum status settings_read(const struct setting *rows, size_t count, const char *skip, void *object,
                          const struct json *from, struct err *err)
{
    uint64_t given = 0;
    return settings_read_given(rows, count, skip, object, &given, from, err);
}

void settings_apply(const struct setting *rows, size_t count, uint64_t given, const void *from,
                    void *to)
{
    for (size_t i = 0; i < count; i++)
        if (given >> i & 1)
            memcpy((char *)to + rows[i].offset, (const char *)from + rows[i].offset, rows[i].size);
}

static void write_list(const char *list, struct jw *w)
{
    size_t len;
    const char *word;
    jw_array(w);
    while ((word = words_next(&list, &len)))
        jw_text_n(w, word, len);
    jw_end_array(w);
}

static void write_names(const char *list, struct jw *w)
{
    jw_array(w);
    while (*list) {
        size_t len = strcspn(list, "\n");
        jw_text_n(w, list, len);
        list += len + (list[len] == '\n');
    }
    jw_end_array(w);
}

void settings_write_given(const struct setting *rows, size_t count, uint64_t given,
                          const void *object, struct jw *w)
{
    for (size_t i = 0; i < count; i++) {
        const char *place = (const char *)object + rows[i].offset;
        if (!(given >> i & 1))
            continue;
        jw_key(w, rows[i].name);
        if (rows[i].hidden && *place)
            jw_text(w, "***");
        else if (rows[i].kind == SET_BOOL)
            jw_bool(w, *(const bool *)(const void *)place);
        else if (rows[i].kind == SET_INT)
            jw_int(w, *(const int64_t *)(const void *)place);
        else if (rows[i].kind == SET_LIST)
            write_list(place, w);
        else if (rows[i].kind == SET_NAMES)
            write_names(place, w);
        else if (rows[i].kind == SET_JSON && *place)
            jw_raw(w, place, strlen(place));
        else
            jw_text(w, place);
    }
}

void settings_write(const struct setting *rows, size_t count, const void *object, struct jw *w)
{
    settings_write_given(rows, count, ~0ull, object, w);
}
