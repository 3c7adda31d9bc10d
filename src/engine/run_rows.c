/* run_rows.c - the words for which cells a run is about, the same in recipes, API and CLI. */
#include "engine/engine.h"

#include "base/str.h"

#include <string.h>

static const struct {
    const char *word;
    uint32_t states;
} words[] = {
    {"due", 0},
    {"empty", 1u << CELL_EMPTY | 1u << CELL_NO_RESULT},
    {"errors", 1u << CELL_ERROR | 1u << CELL_RETRYING},
    {"refused", 1u << CELL_REFUSED},
    {"skipped", 1u << CELL_SKIPPED},
    {"waiting", 1u << CELL_WAITING},
};

static bool take_word(struct run_options *options, struct str word)
{
    if (str_eq(word, STR("all"))) {
        options->all = true;
        return true;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_eq(word, str_of(words[i].word))) {
            options->states |= words[i].states;
            return true;
        }
    return false;
}

bool run_options_rows(struct run_options *options, const char *text)
{
    while (text && *text) {
        size_t len = strcspn(text, ",");
        if (!take_word(options, (struct str){text, len}))
            return false;
        text += len + (text[len] == ',');
    }
    return true;
}
