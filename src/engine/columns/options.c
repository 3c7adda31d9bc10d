/* options.c - checks a config against its kind's option table.
 *
 * Knows types, names and ranges, nothing of what an option means: that is the
 * kind's validate. Every error names the path inside the config. */
#include "engine/columns/column_kind.h"
#include "engine/columns/steps.h"

#include "base/str.h"

#include <stdarg.h>
#include <string.h>

static const char *const type_names[] = {
    [OPT_TEXT] = "text",
    [OPT_CONNECTION] = "connection name",
    [OPT_OBJECT] = "object name",
    [OPT_FIELD] = "field name",
    [OPT_TEMPLATE] = "template",
    [OPT_FORMULA] = "formula",
    [OPT_TEMPLATE_MAP] = "mapping of names to templates",
    [OPT_FIELD_MAP] = "mapping of fields to templates",
    [OPT_FIELD_MAPS] = "list of mappings of fields to templates",
    [OPT_QUERY] = "query",
    [OPT_RULE] = "rule",
    [OPT_FIELD_LIST] = "list of fields",
    [OPT_TEXT_LIST] = "list of texts",
    [OPT_FIELD_RULES] = "mapping of fields to rules",
    [OPT_BODY] = "template, mapping or list",
    [OPT_BOOL] = "true or false",
    [OPT_INT] = "whole number",
    [OPT_ENUM] = "one of the allowed words",
    [OPT_RATE] = "rate like 5/s",
    [OPT_INT_LIST] = "list of whole numbers",
    [OPT_STEPS] = "list of steps",
    [OPT_SOURCE_FIELDS] = "list of fields, or all",
};

const char *option_type_name(enum option_type type)
{
    return type_names[type];
}

static struct err *fail(err_list *errors, const char *where, const char *code, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static struct err *fail(err_list *errors, const char *where, const char *code, const char *fmt, ...)
{
    char message[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    struct err err = {0};
    err_set(&err, code, "%s", message);
    err_where(&err, "%s", where);
    vec_push(errors, err);
    return &errors->at[errors->len - 1];
}

struct err *kind_check_fail(struct kind_check *check, const char *where, const char *code,
                            const char *fmt, ...)
{
    char message[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    return fail(check->errors, where, code, "%s", message);
}

static bool is_scalar(const struct json *value)
{
    return value->type != JSON_ARRAY && value->type != JSON_OBJECT;
}

static void expected(const struct kind_option *option, const char *where, err_list *errors)
{
    fail(errors, where, "recipe.wrong_type", "%s wants a %s", option->name,
         option_type_name(option->type));
}

static size_t count_allowed(const struct kind_option *option)
{
    size_t count = 0;
    while (option->allowed && option->allowed[count])
        count++;
    return count;
}

static void check_word(const struct kind_option *option, const char *where,
                       const struct json *value, err_list *errors)
{
    const char *word = json_is(value, JSON_STRING) ? json_text(value) : NULL;
    size_t count = count_allowed(option);
    for (size_t i = 0; word && i < count; i++)
        if (text_eq(word, option->allowed[i]))
            return;
    char list[256] = "";
    for (size_t i = 0; i < count; i++)
        snprintf(list + strlen(list), sizeof list - strlen(list), "%s%s", i ? ", " : "",
                 option->allowed[i]);
    struct err *err =
        fail(errors, where, "recipe.not_allowed", "%s must be one of: %s", option->name, list);
    const char *nearest = word ? text_nearest(word, option->allowed, count) : NULL;
    if (nearest)
        err_hint(err, "did you mean %s?", nearest);
}

static void check_map(const struct kind_option *option, const char *at, const struct json *value,
                      err_list *errors)
{
    if (!json_is(value, JSON_OBJECT) || !value->first) {
        expected(option, at, errors);
        return;
    }
    json_each(member, value) {
        char where[200];
        snprintf(where, sizeof where, "%s/%s", at, member->key);
        if (!is_scalar(member))
            fail(errors, where, "recipe.wrong_type", "%s wants a text with {{Column}} references",
                 where);
    }
}

static void check_maps(const struct kind_option *option, const struct json *value,
                       err_list *errors)
{
    size_t at = 0;
    if (!json_is(value, JSON_ARRAY) || !value->first)
        expected(option, option->name, errors);
    json_each(map, value) {
        char where[200];
        snprintf(where, sizeof where, "%s/%zu", option->name, at++);
        check_map(option, where, map, errors);
    }
}

static void check_list(const struct kind_option *option, const struct json *value,
                       enum json_type of, err_list *errors)
{
    if (value->type == of)
        return;
    bool good = json_is(value, JSON_ARRAY) && value->first;
    json_each(item, value)
        good = good && item->type == of;
    if (!good)
        expected(option, option->name, errors);
}

static void check_rules(const struct kind_option *option, const struct json *value,
                        err_list *errors)
{
    if (!json_is(value, JSON_OBJECT)) {
        check_word(option, option->name, value, errors);
        return;
    }
    json_each(member, value) {
        char where[200];
        snprintf(where, sizeof where, "%s/%s", option->name, member->key);
        check_word(option, where, member, errors);
    }
}

static void check_int(const struct kind_option *option, const struct json *value, err_list *errors)
{
    const char *text = json_is(value, JSON_NUMBER) ? json_text(value) : "";
    bool whole = *text && strspn(text, "-0123456789") == strlen(text);
    if (!whole) {
        expected(option, option->name, errors);
        return;
    }
    int64_t number = json_int(value, 0);
    if (option->max > 0 && (number < option->min || number > option->max))
        fail(errors, option->name, "recipe.out_of_range", "%s must be from %lld to %lld",
             option->name, (long long)option->min, (long long)option->max);
}

static void check_text(const struct kind_option *option, const struct json *value, err_list *errors)
{
    bool template = option->type == OPT_TEMPLATE || option->type == OPT_FORMULA ||
                    option->type == OPT_QUERY || option->type == OPT_RULE;
    bool good =
        template ? is_scalar(value) && !json_is(value, JSON_NULL) : json_is(value, JSON_STRING);
    if (!good)
        expected(option, option->name, errors);
    else if (text_blank(json_text(value)) && json_is(value, JSON_STRING))
        fail(errors, option->name, "recipe.empty", "%s is empty", option->name);
}

static void check_rate(const struct kind_option *option, const struct json *value, err_list *errors)
{
    int requests;
    int64_t per_ms;
    if (!rate_parse(json_text(value), &requests, &per_ms))
        expected(option, option->name, errors);
}

static bool is_source_field(const struct json *item)
{
    const struct json *to = item->first;
    if (!json_is(item, JSON_OBJECT))
        return is_scalar(item) && !json_is(item, JSON_NULL);
    if (!to || to->next || json_is(to, JSON_ARRAY) || json_is(to, JSON_NULL))
        return false;
    json_each(part, to) {
        if (!(text_eq(part->key, "column") || text_eq(part->key, "type")) ||
            !json_is(part, JSON_STRING))
            return false;
    }
    return true;
}

static void check_source_fields(const struct kind_option *option, const struct json *value,
                                err_list *errors)
{
    size_t at = 0;
    if (json_is(value, JSON_STRING) && text_eq(json_text(value), "all"))
        return;
    if (!json_is(value, JSON_ARRAY) || !value->first) {
        expected(option, option->name, errors);
        return;
    }
    json_each(item, value) {
        char where[40];
        snprintf(where, sizeof where, "%s/%zu", option->name, at++);
        if (!is_source_field(item))
            fail(errors, where, "recipe.wrong_type",
                 "a field is a name, {Name: column} or {Name: {column: NAME, type: TYPE}}");
    }
}

static void check_option(const struct kind_option *option, const struct json *value,
                         err_list *errors)
{
    switch (option->type) {
    case OPT_TEXT:
    case OPT_CONNECTION:
    case OPT_OBJECT:
    case OPT_FIELD:
    case OPT_TEMPLATE:
    case OPT_FORMULA:
    case OPT_QUERY:
    case OPT_RULE:
        check_text(option, value, errors);
        break;
    case OPT_TEMPLATE_MAP:
    case OPT_FIELD_MAP:
        check_map(option, option->name, value, errors);
        break;
    case OPT_FIELD_MAPS:
        check_maps(option, value, errors);
        break;
    case OPT_FIELD_LIST:
    case OPT_TEXT_LIST:
        check_list(option, value, JSON_STRING, errors);
        break;
    case OPT_INT_LIST:
        check_list(option, value, JSON_NUMBER, errors);
        break;
    case OPT_FIELD_RULES:
        check_rules(option, value, errors);
        break;
    case OPT_BODY:
        if (json_is(value, JSON_NULL))
            expected(option, option->name, errors);
        break;
    case OPT_BOOL:
        if (!json_is(value, JSON_TRUE) && !json_is(value, JSON_FALSE))
            expected(option, option->name, errors);
        break;
    case OPT_INT:
        check_int(option, value, errors);
        break;
    case OPT_ENUM:
        check_word(option, option->name, value, errors);
        break;
    case OPT_RATE:
        check_rate(option, value, errors);
        break;
    case OPT_STEPS:
        steps_check(option->name, value, errors);
        break;
    case OPT_SOURCE_FIELDS:
        check_source_fields(option, value, errors);
        break;
    }
}

static void unknown_option(const char *kind, const struct kind_option *options, size_t count,
                           const char *name, err_list *errors)
{
    const char *names[64];
    size_t listed = 0;
    for (size_t i = 0; i < count && i < 64; i++)
        names[listed++] = options[i].name;
    struct err *err =
        fail(errors, name, "recipe.unknown_key", "%s has no option \"%s\"", kind, name);
    const char *nearest = text_nearest(name, names, listed);
    if (nearest)
        err_hint(err, "did you mean %s?", nearest);
}

static const struct kind_option *option_named(const struct kind_option *options, size_t count,
                                              const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (text_eq(options[i].name, name))
            return &options[i];
    return NULL;
}

bool options_check(const char *kind, const struct kind_option *options, size_t count,
                   const struct json *config, err_list *errors)
{
    size_t before = errors->len;
    if (!json_is(config, JSON_OBJECT)) {
        fail(errors, "", "recipe.wrong_type", "%s wants a mapping of options", kind);
        return false;
    }
    json_each(member, config) {
        const struct kind_option *option = option_named(options, count, member->key);
        if (option)
            check_option(option, member, errors);
        else
            unknown_option(kind, options, count, member->key, errors);
    }
    for (size_t i = 0; i < count; i++)
        if (options[i].required && !json_get(config, options[i].name))
            fail(errors, "", "recipe.missing_key", "%s needs \"%s\": %s", kind, options[i].name,
                 options[i].help);
    return errors->len == before;
}

bool column_options_check(const struct column_kind *kind, const struct json *config,
                          err_list *errors)
{
    return options_check(kind->name, kind->options, kind->option_count, config, errors);
}

bool rate_parse(const char *text, int *requests, int64_t *per_ms)
{
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"s", 1000}, {"m", 60000}, {"min", 60000}, {"h", 3600000}};
    if (!text)
        return false;
    char *end;
    long count = strtol(text, &end, 10);
    if (end == text || count < 1 || count > 1000000 || *end++ != '/')
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (text_eq(end, units[i].unit)) {
            *requests = (int)count;
            *per_ms = units[i].ms;
            return true;
        }
    return false;
}
