/* input.c - a column that people type: nothing computes it, every change of a cell is
 * kept with who, when and what was there before (engine/edit.h). */
#include "engine/columns/column_kind.h"

static const struct kind_option options[] = {
    {"choices", OPT_TEXT_LIST, false, "What may be typed; nothing else fits.", NULL, NULL, 0, 0},
    {"hint", OPT_TEXT, false, "One sentence for whoever types.", NULL, NULL, 0, 0},
};

static void validate(struct kind_check *check)
{
    if (check->column->only_run_if)
        err_hint(kind_check_fail(check, "", "recipe.wrong_value",
                                 "a column that people type does not run"),
                 "Take only_run_if away; a formula column can judge what was typed.");
}

const struct column_kind input_column = {
    .name = "input",
    .title = "Typed by people",
    .help = "A cell holds what somebody typed or pasted; its history says who and when.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .typed = true,
    .type = TYPE_TEXT,
    .validate = validate,
};
