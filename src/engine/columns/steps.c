/* steps.c - see steps.h. */
#include "engine/columns/steps.h"

#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool common(const char *key)
{
    return text_eq(key, "name") || text_eq(key, "accept");
}

/* The member that names a kind. */
static const struct json *kind_member(const struct json *item)
{
    json_each(member, item)
        if (!common(member->key))
            return member;
    return NULL;
}

/* {"formula": "1"} for formula: "1". */
static const struct json *config_of(struct arena *arena, const struct column_kind *kind,
                                    const struct json *given)
{
    if (!json_is(given, JSON_STRING) || !kind->bare)
        return given;
    struct json *map = arena_alloc(arena, sizeof *map), *member = arena_alloc(arena, sizeof *member);
    *member = (struct json){.type = JSON_STRING,
                            .text = given->text,
                            .len = given->len,
                            .key = kind->bare,
                            .key_len = (uint32_t)strlen(kind->bare)};
    *map = (struct json){.type = JSON_OBJECT, .len = 1, .first = member};
    return map;
}

struct step *steps_read(struct arena *arena, const struct json *list, size_t *count)
{
    struct step *steps = arena_array(arena, (list ? list->len : 0) + 1, sizeof *steps);
    *count = 0;
    json_each(item, list) {
        const struct json *member = kind_member(item);
        const struct column_kind *kind = member ? column_kind_find(member->key) : NULL;
        const char *name = json_get_text(item, "name");
        if (!kind)
            continue;
        steps[*count] = (struct step){
            .name = name ? name : arena_printf(arena, "step %zu", *count + 1),
            .kind = kind,
            .config = config_of(arena, kind, member),
            .accept = json_get_text(item, "accept"),
        };
        ++*count;
    }
    return steps;
}

/* ---------------------------------------------------------------- checking */

static struct err *add(err_list *errors, const char *code, const char *where, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static struct err *add(err_list *errors, const char *code, const char *where, const char *fmt, ...)
{
    char message[512];
    struct err err = {0};
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    err_set(&err, code, "%s", message);
    err_where(&err, "%s", where);
    vec_push(errors, err);
    return &errors->at[errors->len - 1];
}

void steps_place(err_list *errors, size_t from, size_t at, const char *option,
                 const struct step *step)
{
    for (size_t i = from; i < errors->len; i++) {
        struct err *err = &errors->at[i];
        char rest[sizeof err->where];
        snprintf(rest, sizeof rest, "%s", err->where);
        err_where(err, "%s/%zu/%s%s%s", option, at, step->kind->name, *rest ? "/" : "", rest);
    }
}

static void list_kinds(char *out, size_t size)
{
    *out = 0;
    for (size_t i = 0; column_kinds[i]; i++)
        if (column_kinds[i]->step)
            snprintf(out + strlen(out), size - strlen(out), "%s%s", *out ? ", " : "",
                     column_kinds[i]->name);
}

static void check_kind(const char *where, const struct json *item, err_list *errors)
{
    const struct json *found = NULL;
    char kinds[256];
    list_kinds(kinds, sizeof kinds);
    json_each(member, item) {
        if (common(member->key))
            continue;
        const struct column_kind *kind = column_kind_find(member->key);
        if (!kind || !kind->step)
            err_hint(add(errors, "recipe.unknown_key", where, "`%s` cannot be a step%s",
                         member->key, kind ? ": it writes, or holds steps itself" : ""),
                     "a step is one of: %s", kinds);
        else if (found)
            add(errors, "recipe.two_kinds", where, "a step is either `%s` or `%s`", found->key,
                member->key);
        found = member;
    }
    if (!found)
        err_hint(add(errors, "recipe.missing_key", where, "this step does not say what it does"),
                 "a step is one of: %s", kinds);
}

static void check_words(const char *where, const struct json *item, err_list *errors)
{
    static const char *const words[] = {"name", "accept"};
    for (size_t i = 0; i < 2; i++) {
        const struct json *given = json_get(item, words[i]);
        if (given && (!json_is(given, JSON_STRING) || text_blank(json_text(given))))
            add(errors, "recipe.wrong_type", where, "`%s` must be a text", words[i]);
    }
}

static void check_step(const char *at, size_t number, const struct json *item, err_list *errors)
{
    struct arena *arena = arena_new();
    char where[80];
    size_t from = errors->len;
    snprintf(where, sizeof where, "%s/%zu", at, number);
    if (!json_is(item, JSON_OBJECT)) {
        add(errors, "recipe.wrong_type", where, "a step is a mapping, such as {http: {url: ...}}");
    } else {
        check_words(where, item, errors);
        check_kind(where, item, errors);
    }
    if (errors->len == from) {
        const struct json *member = kind_member(item);
        struct step step = {.kind = column_kind_find(member->key)};
        column_options_check(step.kind, config_of(arena, step.kind, member), errors);
        steps_place(errors, from, number, at, &step);
    }
    arena_free(arena);
}

void steps_check(const char *at, const struct json *list, err_list *errors)
{
    size_t number = 0;
    if (!json_is(list, JSON_ARRAY) || !list->first || list->len > STEPS_MOST) {
        add(errors, "recipe.wrong_type", at, "%s wants a list of 1 to %d steps", at, STEPS_MOST);
        return;
    }
    json_each(item, list)
        check_step(at, number++, item, errors);
}
