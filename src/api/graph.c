/* graph.c - which column reads which. */
#include "api/nouns.h"

#include "engine/graph.h"

static const struct field node_fields[] = {
    {"column", F_TEXT, F_REQUIRED, NULL},
    {"kind", F_TEXT, F_REQUIRED, NULL},
    {"type", F_TEXT, F_REQUIRED, NULL},
    {"level", F_INT, F_REQUIRED, "0 = filled by a source; else one more than the highest it reads"},
    {"auto_update", F_BOOL, F_REQUIRED, NULL},
    {"reads", F_LIST, F_REQUIRED, "columns", .item = F_TEXT},
    {"looks_in", F_TEXT, F_REQUIRED | F_NULL, "another table whose rows it looks up"},
    {"sends_to", F_TEXT, F_REQUIRED | F_NULL, "another table that it sends rows to"},
    {0},
};
static const struct shape node_shape = {"GraphColumn", NULL, node_fields};
static const struct field graph_fields[] = {
    {"table", F_TEXT, F_REQUIRED, NULL},
    {"levels", F_INT, F_REQUIRED, "the highest"},
    {"columns", F_LIST, F_REQUIRED, "by level", .of = &node_shape},
    {0},
};
const struct shape graph_shape = {"Graph", "Who reads whom.", graph_fields};

enum status api_table_graph(struct call *call, struct err *err)
{
    struct table table;
    struct graph graph;
    if (call_table(call, &table, err) != OK)
        return FAIL;
    graph_make(call->arena, &table, &graph);
    graph_write(&call->w, &graph);
    return OK;
}
