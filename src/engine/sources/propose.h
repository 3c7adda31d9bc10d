/* propose.h - a recipe for a file that nobody has described yet. */
#ifndef ARGIL_ENGINE_SOURCES_PROPOSE_H
#define ARGIL_ENGINE_SOURCES_PROPOSE_H

#include "engine/engine.h"

struct proposal {
    const char *form; /* "utf-8, comma" */
    int64_t rows;
    struct proposed_column {
        const char *name;
        enum value_type type; /* what every value in it fits; text when in doubt */
        int64_t filled;       /* rows that have something there */
        bool unique;          /* filled everywhere, and no value twice */
    } * columns;
    size_t count;
};

/* Reads all of a CSV file. On the arena. */
enum status source_propose(struct arena *arena, const char *path, struct proposal *out,
                           struct err *err);
/* The recipe, as YAML. */
const char *proposal_recipe(struct arena *arena, const struct proposal *proposal, const char *table,
                            const char *file);

#endif
