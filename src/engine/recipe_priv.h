/* recipe_priv.h - a recipe on its way from text to table, private to recipes.
 *
 *   recipe_yaml   text -> nodes with places
 *   recipe_read   nodes -> draft (keys, words and shapes checked)
 *   recipe_check  draft against the live org (objects, fields, kinds, cycles)
 *   recipe_apply  difference to what is stored, then one transaction */
#ifndef ARGIL_ENGINE_RECIPE_PRIV_H
#define ARGIL_ENGINE_RECIPE_PRIV_H

#include "engine/columns/column_kind.h"
#include "engine/recipe_yaml.h"

struct draft_column {
    const struct ynode *node;      /* the column's map; NULL for source columns */
    const struct ynode *kind_node; /* value of the kind's key; a source field's node */
    const struct column_kind *kind; /* NULL for source columns */
    const struct json *config;
};

struct draft {
    struct arena *arena;
    struct engine *engine;
    const char *path;
    const struct ynode *root;
    char *text;
    err_list *errors;

    struct table table;          /* columns with ids 0; depends hold positions */
    struct draft_column *drafts; /* one for each table.columns */

    const struct ynode *source_node; /* value of source/salesforce */
    bool all_fields;
    VEC(const struct ynode *) field_nodes;
    const char *where, *every, *when_deleted;
    bool update_existing;

    struct {
        const char *connection;
        struct crm_session *session;
    } sessions[16];
    size_t session_count;
};

/* Adds an error at a node ("file:line:column") and returns it for hint and cause. */
struct err *draft_fail(struct draft *draft, const struct ynode *node, bool at_key, const char *code,
                       const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Hints the nearest right name, or lists the possible ones when they are few. */
void hint_nearest(struct err *err, const char *given, const char *const *names, size_t count);

enum status recipe_read(struct draft *draft, struct err *err);
void recipe_check(struct draft *draft);
struct crm_session *draft_session(void *draft, const char *connection, struct err *err);
void draft_close(struct draft *draft);

#endif
