/* org_find.h - which record of the org a row means.
 *
 *   find_open     keys of every row from a mapping field -> template
 *   find_skip     rows that are decided already are not asked for
 *   find_run      one look-up for the batch
 *   find_choose   of several matches the one that the column's policy takes
 *
 * A look-up that fails is an error, never "nothing found". */
#ifndef ARGIL_ENGINE_COLUMNS_ORG_FIND_H
#define ARGIL_ENGINE_COLUMNS_ORG_FIND_H

#include "engine/columns/org_fields.h"

/* How many rows a column that asks an org takes at once: as many as two calls look up, which are
 * under way together, and as eight exchanges write. Changes take more: a row of them is small. */
#define ORG_ROWS        10000
#define ORG_ROWS_CHANGE 20000

enum if_several { SEVERAL_OLDEST, SEVERAL_NEWEST, SEVERAL_REFUSE, SEVERAL_ASK, SEVERAL_RULE };
extern const char *const several_words[], *const normal_words[]; /* NULL-terminated */

/* Rows of a kind's option table. */
#define FIND_NORMALISE                                                                             \
    {"normalise", OPT_FIELD_RULES, false,                                                          \
     "fields compared as domain, phone or email: both sides are brought to that form first", NULL, \
     normal_words, 0, 0}
#define FIND_SEVERAL(usual)                                                                        \
    {"if_several", OPT_ENUM, false, "what is done when several records match", usual,              \
     several_words, 0, 0}
#define FIND_RULE                                                                                  \
    {"rule", OPT_RULE, false,                                                                      \
     "with if_several: rule; a JavaScript expression over {{match}}, the highest number wins",     \
     NULL, NULL, 0, 0}

/* Checks a mapping of fields to match, `normalise`, `if_several` and `rule`. */
void find_check(struct kind_check *check, const struct crm_object *object, const char *option,
                const struct json *match);

/* Only the fields of one such mapping. */
void find_check_match(struct kind_check *check, const struct crm_object *object,
                      const char *option, const struct json *match);

struct find {
    struct column_batch *batch;
    struct job_session *on;
    struct crm_lookup lookup; /* and_where, contains and return_fields are the caller's to set */
    enum if_several several;
    const char *rule;
    int64_t looked_ms; /* when the org was asked */
};

enum status find_open(struct find *find, struct column_batch *batch, struct job_session *on,
                      const char *object, const struct json *match, enum if_several usual,
                      struct err *err);
/* Reads if_several and rule of the column: for records found in another way. */
void find_policy(struct find *find, enum if_several usual);
/* True when the row's key has a value for every field. */
bool find_has_key(const struct find *find, size_t row);
void find_skip(struct find *find, size_t row);
enum status find_run(struct find *find, struct crm_match **matches, struct err *err);
/* chosen[i] = the record of row i, or NULL: none was found, or several and the row got its
 * result (refused, with the records named). */
enum status find_choose(struct find *find, struct crm_match *const *matches,
                        const struct crm_match **chosen, struct err *err);
/* The business key of a row, so that equal keys are equal texts; NULL when a part is blank.
 * *field is set to the names of its fields, in one order for all columns. */
const char *find_business_key(const struct find *find, const struct crm_object *object, size_t row,
                              const char **field);

#endif
