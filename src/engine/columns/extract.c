/* extract.c - a part of a structured cell as a column of its own: the `industry`
 * of {"company": {"industry": ...}}, the first of a list, how many it has. */
#include "engine/run_priv.h"

#include "base/str.h"

#include <string.h>

static const char *const takes[] = {"value", "count", "joined", NULL};

static const struct kind_option options[] = {
    {"from", OPT_TEMPLATE, true, "the part: {{Company.industry}}, {{People[0].name}}", NULL, NULL,
     0, 0},
    {"take", OPT_ENUM, false,
     "the value itself, how many items a list has, or its items as one text", "value", takes, 0, 0},
    {"separator", OPT_TEXT, false, "between items that are joined", ", ", NULL, 0, 0},
};

static const char *reference_of(struct arena *arena, const struct json *config)
{
    struct template t;
    struct err ignored = {0};
    const struct json *from = json_get(config, "from");
    return template_make(arena, from, &t, &ignored) == OK ? t.whole : NULL;
}

static void validate(struct kind_check *check)
{
    if (reference_of(check->arena, check->config))
        return;
    struct err *err = kind_check_fail(check, "from", "recipe.extract",
                                      "`from` is one reference and nothing else");
    err_hint(err, "extract: \"{{Company.industry}}\"; `merge` puts several together");
}

static const struct json *joined(struct arena *arena, const struct json *list,
                                 const char *separator)
{
    struct buf text = BUF_INIT;
    bool first = true;
    json_each(item, list) {
        struct value value = json_as_text(arena, item);
        if (!value.text)
            continue;
        buf_str(&text, first ? "" : separator);
        buf_append(&text, value.text, value.len);
        first = false;
    }
    const struct json *json = json_of_text(arena, buf_text(&text), text.len);
    buf_free(&text);
    return first ? NULL : json;
}

static void extract_row(struct column_batch *batch, size_t i, const char *ref, const char *take,
                        const char *separator)
{
    struct err err = {0};
    const char *text = batch_ref_json(batch, i, ref);
    const struct json *json = json_parse(batch->arena, text, strlen(text), &err);
    bool list = json_is(json, JSON_ARRAY);
    if (!json)
        batch_error(batch, i, CELL_ERROR, &err);
    else if (json_is_null(json))
        batch_no_result(batch, i);
    else if (text_eq(take, "count") && list)
        batch_json(batch, i, json_of_int(batch->arena, json->len));
    else if (text_eq(take, "count"))
        batch_fail(batch, i, CELL_ERROR, "extract.no_list", "{{%s}} is no list", ref);
    else if (text_eq(take, "joined") && list)
        batch_json(batch, i, joined(batch->arena, json, separator));
    else
        batch_json(batch, i, json);
}

static enum status execute(struct column_batch *batch, struct err *err)
{
    const char *ref = reference_of(batch->arena, batch->config);
    const char *take = json_get_text(batch->config, "take");
    const char *separator = json_get_text(batch->config, "separator");
    if (!ref)
        return err_set(err, ERR_INVALID, "`from` is one reference and nothing else");
    for (size_t i = 0; i < batch->count; i++)
        extract_row(batch, i, ref, take, separator ? separator : ", ");
    return OK;
}

const struct column_kind extract_column = {
    .name = "extract",
    .title = "Extract a part",
    .help = "Makes a column of a part of a structured cell.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .bare = "from",
    .type = TYPE_TEXT,
    .batch_rows = 1000,
    .step = true,
    .validate = validate,
    .execute = execute,
};
