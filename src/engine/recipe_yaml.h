/* recipe_yaml.h - YAML with the place of every node, private to recipes. */
#ifndef ARGIL_ENGINE_RECIPE_YAML_H
#define ARGIL_ENGINE_RECIPE_YAML_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"

enum ytype { Y_SCALAR, Y_MAP, Y_LIST };

struct ynode {
    enum ytype type;
    const char *key;  /* inside a map */
    const char *text; /* scalar */
    bool quoted;      /* scalar: a text even when it looks like a number */
    int line, column; /* of the value, from 1 */
    int key_line, key_column;
    size_t count;
    struct ynode *first, *next;
};

/* One document: *text, or what the file `path` holds when *text is NULL. `path` names
 * it in errors. Anchors, tags and a second document are refused; so are
 * duplicate keys. NULL with *err (err.where = "file:line:column"). */
struct ynode *yaml_read(struct arena *arena, const char *path, char **text, struct err *err);

struct ynode *ynode_get(const struct ynode *map, const char *key);
/* "set/Industry", "return/0": follows keys and list positions as far as they go. */
const struct ynode *ynode_path(const struct ynode *node, const char *path);
/* Plain true, false, null and numbers become JSON values of their kind. */
void ynode_json(struct jw *w, const struct ynode *node);

#endif
