/* registry.c - the list of column kinds. A new kind is a file beside this one
 * and a line here. */
#include "engine/columns/column_kind.h"

#include "base/str.h"

const struct column_kind *const column_kinds[] = {
    &formula_column,
    &http_column,
    &salesforce_lookup_column,
    &salesforce_create_column,
    &salesforce_update_column,
    &salesforce_upsert_column,
    &salesforce_delete_column,
    &salesforce_campaign_column,
    &salesforce_convert_column,
    &merge_column,
    &extract_column,
    &lookup_rows_column,
    &waterfall_column,
    &send_rows_column,
    &script_column,
    &input_column,
    NULL,
};

#define KIND_COUNT (sizeof column_kinds / sizeof *column_kinds - 1)

const struct column_kind *column_kind_find(const char *name)
{
    for (size_t i = 0; i < KIND_COUNT; i++)
        if (text_eq(column_kinds[i]->name, name))
            return column_kinds[i];
    return NULL;
}

bool column_is_computed(const struct column *column)
{
    const struct column_kind *kind = column_kind_find(column->kind);
    return !text_eq(column->kind, "source") && !(kind && kind->typed);
}

const char *const *column_kind_names(size_t *count)
{
    static const char *names[KIND_COUNT];
    for (size_t i = 0; i < KIND_COUNT; i++)
        names[i] = column_kinds[i]->name;
    *count = KIND_COUNT;
    return names;
}

const char *column_object(const struct column_kind *kind, const struct json *config)
{
    return kind && kind->object ? kind->object : json_get_text(config, "object");
}

const struct kind_option *column_kind_option(const struct column_kind *kind, const char *name)
{
    for (size_t i = 0; i < kind->option_count; i++)
        if (text_eq(kind->options[i].name, name))
            return &kind->options[i];
    return NULL;
}
