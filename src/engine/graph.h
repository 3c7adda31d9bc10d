/* graph.h - who reads whom in a table, and which other tables it is joined to. */
#ifndef ARGIL_ENGINE_GRAPH_H
#define ARGIL_ENGINE_GRAPH_H

#include "base/json.h"
#include "model/model.h"

struct graph_node {
    const struct column *column;
    size_t level;             /* 0 = filled by a source; else one more than the highest it reads */
    const struct column **reads;
    size_t read_count;
    const char *other;        /* another table it reads or feeds, or NULL */
    bool feeds;               /* it sends rows there; false: it looks rows up there */
};

struct graph {
    const struct table *table;
    struct graph_node *nodes; /* by level, then as in the table */
    size_t count, levels;
};

/* On the arena; lends the table. */
void graph_make(struct arena *arena, const struct table *table, struct graph *out);
void graph_write(struct jw *w, const struct graph *graph); /* as JSON */
char *graph_dot(struct arena *arena, const struct graph *graph); /* for Graphviz */

#endif
