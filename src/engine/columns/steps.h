/* steps.h - a list of columns within a column: the providers of a waterfall.
 *
 *     steps:
 *       - name: Provider A                 # or "step 1"
 *         http: { url: "https://a.example/{{Domain}}" }
 *         accept: "{{answer.size}} > 0"    # or: anything that is not blank
 *       - formula: "{{Domain}}.split('.')[0]"
 *
 * Private to engine/columns. */
#ifndef ARGIL_ENGINE_COLUMNS_STEPS_H
#define ARGIL_ENGINE_COLUMNS_STEPS_H

#include "engine/columns/column_kind.h"

#define STEPS_MOST 20
#define STEP_ANSWER "answer" /* what `accept` calls what the step gave */

struct step {
    const char *name;
    const struct column_kind *kind;
    const struct json *config; /* a bare text was made a mapping */
    const char *accept;        /* formula, or NULL */
};

/* Reads what steps_check let through. *count of them, on the arena. */
struct step *steps_read(struct arena *arena, const struct json *list, size_t *count);
/* Shape, kinds and every step's own options; adds errors at "AT/0/http/url". */
void steps_check(const char *at, const struct json *list, err_list *errors);
/* Prefixes the places of the errors from `from` on: "url" -> "steps/0/http/url". */
void steps_place(err_list *errors, size_t from, size_t at, const char *option,
                 const struct step *step);

#endif
