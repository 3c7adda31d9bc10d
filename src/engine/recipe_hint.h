/* recipe_hint.h - "did you mean", for whoever finds a wrong name in a recipe. */
#ifndef ARGIL_ENGINE_RECIPE_HINT_H
#define ARGIL_ENGINE_RECIPE_HINT_H

#include "base/err.h"

#include <stddef.h>

/* Hints the nearest right name, or lists the possible ones when they are few. */
void hint_nearest(struct err *err, const char *given, const char *const *names, size_t count);

#endif
