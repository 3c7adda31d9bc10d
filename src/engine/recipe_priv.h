/* recipe_priv.h - a recipe on its way from text to table, private to recipes.
 *
 *   recipe_yaml   text -> nodes with places
 *   recipe_read   nodes -> draft (keys, words and shapes checked)
 *   recipe_source the sources: read, checked, their fields made columns
 *   recipe_check  draft against the live org (objects, fields, kinds, cycles)
 *   recipe_apply  difference to what is stored, then one transaction */
#ifndef ARGIL_ENGINE_RECIPE_PRIV_H
#define ARGIL_ENGINE_RECIPE_PRIV_H

#include "engine/columns/column_kind.h"
#include "engine/recipe_hint.h"
#include "engine/recipe_yaml.h"
#include "engine/sources/source_kind.h"

struct draft_column {
    const struct ynode *node;      /* the column's map; NULL for source columns */
    const struct ynode *kind_node; /* value of the kind's key; a source field's node */
    const struct column_kind *kind; /* NULL for source columns */
    const struct json *config;
};

struct draft_source {
    const struct ynode *node;      /* the source's map */
    const struct ynode *kind_node; /* value of the kind's key */
    const struct source_kind *kind;
    const char *name;
    const struct json *config; /* the kind's options; NULL when they could not be read */
    const char *every, *when_deleted;
    bool update_existing;
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

    VEC(struct draft_source) sources;

    struct {
        const char *connection;
        struct crm_session *session;
    } sessions[16];
    size_t session_count;
    const char *refused; /* a connection that the actor may not build with: noted once */
    struct err why_refused;
};

/* Adds an error at a node ("file:line:column") and returns it for hint and cause. */
struct err *draft_fail(struct draft *draft, const struct ynode *node, bool at_key, const char *code,
                       const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Reading nodes: each adds its error and goes on. */
void draft_keys(struct draft *draft, const struct ynode *map, const char *what,
                const char *const *known, size_t count);
bool draft_want(struct draft *draft, const struct ynode *node, enum ytype type, const char *what);
const char *draft_text(struct draft *draft, const struct ynode *map, const char *key);
bool draft_bool(struct draft *draft, const struct ynode *map, const char *key, bool otherwise);
const char *draft_word(struct draft *draft, const struct ynode *map, const char *key,
                       const char *const *allowed, size_t count, const char *otherwise);
/* A node as JSON; `bare`: the option that a bare text stands for, or NULL. */
const char *draft_json(struct draft *draft, const struct ynode *node, const char *bare);
/* recipe_guard.c: reads and checks `guard` into the table. */
void recipe_guard(struct draft *draft);
const char *draft_schedule(struct draft *draft, const struct ynode *source, const char *otherwise, bool live);
/* Gives errors from `from` on, which carry a path inside `config`, their places. */
void draft_place_errors(struct draft *draft, size_t from, const struct ynode *owner,
                        const struct ynode *config);

enum status recipe_read(struct draft *draft, struct err *err);
void recipe_read_sources(struct draft *draft);
void recipe_check_sources(struct draft *draft);
void recipe_check(struct draft *draft);
void draft_fill_connection(struct draft *draft, const struct kind_option *options, size_t count,
                           const struct json **config, const char **text);
struct crm_session *draft_session(void *draft, const char *connection, struct err *err);
void draft_close(struct draft *draft);

#endif
