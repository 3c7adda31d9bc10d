/* merge.c - columns put together into one text: "{{First name}} {{Last name}}".
 *
 * What is missing leaves a gap; unless it is told to keep them, gaps are closed:
 * white space in a row becomes one blank, and none is left at the ends. A row of
 * which nothing is there has no result. No JavaScript is asked. */
#include "engine/run_priv.h"

#include "base/str.h"

#include <ctype.h>
#include <string.h>

static const char *const blanks[] = {"skip", "no_result", NULL};

static const struct kind_option options[] = {
    {"text", OPT_TEMPLATE, true, "text with {{Column}} and {{Column.path}} in it", NULL, NULL, 0,
     0},
    {"when_blank", OPT_ENUM, false,
     "what a value that is missing means: it is left out, or the whole has no result", "skip",
     blanks, 0, 0},
    {"keep_spaces", OPT_BOOL, false, "leaves white space as it is", "false", NULL, 0, 0},
};

struct merging {
    struct column_batch *batch;
    size_t row;
    size_t there, missing; /* references that had a value, and those that had none */
};

static bool is_blank(const char *json)
{
    return text_eq(json, "null") || text_eq(json, "\"\"");
}

static const char *look_up(void *ctx, const char *ref)
{
    struct merging *m = ctx;
    const char *json = batch_ref_json(m->batch, m->row, ref);
    if (is_blank(json))
        m->missing++;
    else
        m->there++;
    return json;
}

/* White space to single blanks, none at the ends; in place. */
static void close_gaps(char *text)
{
    char *to = text;
    for (const char *from = text; *from; from++) {
        if (!isspace((unsigned char)*from))
            *to++ = *from;
        else if (to > text && to[-1] != ' ')
            *to++ = ' ';
    }
    while (to > text && to[-1] == ' ')
        to--;
    *to = 0;
}

static void merge_row(struct column_batch *batch, size_t i, const char *text, bool whole,
                      bool keep_spaces)
{
    struct merging m = {.batch = batch, .row = i};
    struct err err = {0};
    char *merged = NULL;
    if (formula_fill(batch->arena, text, SLOT_PLAIN, look_up, &m, &merged, NULL, &err) != OK) {
        batch_error(batch, i, CELL_ERROR, &err);
        return;
    }
    if (!keep_spaces)
        close_gaps(merged);
    bool nothing = m.missing && (whole || !m.there);
    if (nothing || !*merged)
        batch_no_result(batch, i);
    else
        batch_json(batch, i, json_of_text(batch->arena, merged, strlen(merged)));
}

static enum status execute(struct column_batch *batch, struct err *err)
{
    (void)err;
    const char *text = json_get_text(batch->config, "text");
    bool whole = text_eq(json_get_text(batch->config, "when_blank"), "no_result");
    bool keep_spaces = json_get_bool(batch->config, "keep_spaces", false);
    for (size_t i = 0; i < batch->count; i++)
        merge_row(batch, i, text, whole, keep_spaces);
    return OK;
}

const struct column_kind merge_column = {
    .name = "merge",
    .title = "Merge columns",
    .help = "Puts values of the row together into one text.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .bare = "text",
    .type = TYPE_TEXT,
    .batch_rows = 1000,
    .step = true,
    .execute = execute,
};
