/* registry.c - the list of source kinds. A new kind is a file beside this one
 * and a line here. */
#include "engine/sources/source_kind.h"

#include "base/str.h"

#include <stdarg.h>

const struct source_kind *const source_kinds[] = {
    &salesforce_list_view_source, /* before object: it has that, too */
    &salesforce_report_source,
    &salesforce_soql_source,
    &salesforce_object_source,
    &csv_source,
    &webhook_source,
    &http_source,
    &table_source_kind,
    &sent_source_kind,
    NULL,
};

#define KIND_COUNT (sizeof source_kinds / sizeof *source_kinds - 1)

const struct source_kind *source_kind_of(const struct source *source, struct err *err)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (text_eq(source_kinds[i]->name, source->kind))
            return source_kinds[i];
    err_set(err, ERR_NOT_BUILT, "there is no source of the kind \"%s\"", source->kind);
    return NULL;
}

const struct source_kind *source_kind_find(const char *key, const struct json *config)
{
    const struct source_kind *first = NULL;
    for (size_t i = 0; i < KIND_COUNT; i++) {
        const struct source_kind *kind = source_kinds[i];
        if (!text_eq(kind->key, key))
            continue;
        if (!kind->chosen_by || json_get(config, kind->chosen_by))
            return kind;
        first = first ? first : kind;
    }
    return first;
}

const char *const *source_kind_keys(size_t *count)
{
    static const char *keys[KIND_COUNT];
    *count = 0;
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (i == 0 || !text_eq(source_kinds[i]->key, source_kinds[i - 1]->key))
            keys[(*count)++] = source_kinds[i]->key;
    return keys;
}

bool source_options_check(const struct source_kind *kind, const struct json *config,
                          err_list *errors)
{
    return options_check(kind->name, kind->options, kind->option_count, config, errors);
}

struct err *source_check_fail(struct source_check *check, const char *where, const char *code,
                              const char *fmt, ...)
{
    struct err err = {0};
    char message[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    err_set(&err, code, "%s", message);
    err_where(&err, "%s", where);
    vec_push(check->errors, err);
    return &check->errors->at[check->errors->len - 1];
}

void source_check_add(struct source_check *check, const char *where, const struct err *cause)
{
    struct err *e = source_check_fail(check, where, cause->code, "%s", cause->message);
    if (cause->cause[0])
        err_cause(e, "%s", cause->cause);
    if (cause->hint[0])
        err_hint(e, "%s", cause->hint);
}
