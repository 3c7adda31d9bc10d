/* graph.c - see graph.h. What a column reads is stored with it (depends); a circle
 * cannot be there, recipes with one are refused. */
#include "engine/graph.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

static size_t level_of(const struct table *table, const struct column *column, size_t *levels,
                       size_t depth)
{
    size_t at = (size_t)(column - table->columns);
    if (levels[at] || text_eq(column->kind, "source") || depth > table->column_count)
        return levels[at];
    size_t highest = 0;
    for (size_t i = 0; i < column->depend_count; i++) {
        const struct column *read = table_column_by_id(table, column->depends[i]);
        size_t level = read ? level_of(table, read, levels, depth + 1) : 0;
        highest = level > highest ? level : highest;
    }
    return levels[at] = highest + 1;
}

static void find_other(struct arena *arena, const struct column *column, struct graph_node *node)
{
    struct err ignored = {0};
    bool sends = text_eq(column->kind, "send_rows");
    if (!column->config || (!sends && !text_eq(column->kind, "lookup_rows")))
        return;
    const struct json *config =
        json_parse(arena, column->config, strlen(column->config), &ignored);
    node->other = json_get_text(config, "table");
    node->feeds = sends;
}

static struct graph_node node_of(struct arena *arena, const struct table *table,
                                 const struct column *column, size_t level)
{
    struct graph_node node = {.column = column, .level = level};
    node.reads = arena_array(arena, column->depend_count + 1, sizeof *node.reads);
    for (size_t i = 0; i < column->depend_count; i++) {
        const struct column *read = table_column_by_id(table, column->depends[i]);
        if (read)
            node.reads[node.read_count++] = read;
    }
    find_other(arena, column, &node);
    return node;
}

static int by_level(const void *a, const void *b)
{
    const struct graph_node *x = a, *y = b;
    if (x->level != y->level)
        return x->level < y->level ? -1 : 1;
    return (x->column > y->column) - (x->column < y->column);
}

void graph_make(struct arena *arena, const struct table *table, struct graph *out)
{
    size_t *levels = arena_array(arena, table->column_count + 1, sizeof *levels);
    *out = (struct graph){.table = table, .count = table->column_count};
    out->nodes = arena_array(arena, table->column_count + 1, sizeof *out->nodes);
    for (size_t i = 0; i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        size_t level = level_of(table, column, levels, 0);
        out->nodes[i] = node_of(arena, table, column, level);
        out->levels = level > out->levels ? level : out->levels;
    }
    qsort(out->nodes, out->count, sizeof *out->nodes, by_level);
}

static void write_node(struct jw *w, const struct graph_node *node)
{
    jw_object(w);
    jw_kv_text(w, "column", node->column->name);
    jw_kv_text(w, "kind", node->column->kind);
    jw_kv_text(w, "type", value_type_name(node->column->type));
    jw_kv_int(w, "level", (int64_t)node->level);
    jw_kv_bool(w, "auto_update", node->column->auto_update);
    jw_key(w, "reads");
    jw_array(w);
    for (size_t i = 0; i < node->read_count; i++)
        jw_text(w, node->reads[i]->name);
    jw_end_array(w);
    jw_kv_text(w, "looks_in", node->feeds ? NULL : node->other);
    jw_kv_text(w, "sends_to", node->feeds ? node->other : NULL);
    jw_end_object(w);
}

void graph_write(struct jw *w, const struct graph *graph)
{
    jw_object(w);
    jw_kv_text(w, "table", graph->table->name);
    jw_kv_int(w, "levels", (int64_t)graph->levels);
    jw_key(w, "columns");
    jw_array(w);
    for (size_t i = 0; i < graph->count; i++)
        write_node(w, &graph->nodes[i]);
    jw_end_array(w);
    jw_end_object(w);
}

/* A name as Graphviz quotes it. */
static void put_name(struct buf *out, const char *name)
{
    buf_char(out, '"');
    for (; *name; name++) {
        if (*name == '"' || *name == '\\')
            buf_char(out, '\\');
        buf_char(out, *name);
    }
    buf_char(out, '"');
}

static void put_edge(struct buf *out, const char *from, const char *to, const char *more)
{
    buf_str(out, "  ");
    put_name(out, from);
    buf_str(out, " -> ");
    put_name(out, to);
    buf_printf(out, "%s;\n", more);
}

static void put_other(struct buf *out, struct arena *arena, const struct graph_node *node)
{
    const char *table = arena_printf(arena, "table %s", node->other);
    buf_str(out, "  ");
    put_name(out, table);
    buf_str(out, " [shape=cylinder];\n");
    if (node->feeds)
        put_edge(out, node->column->name, table, " [style=dashed]");
    else
        put_edge(out, table, node->column->name, " [style=dashed]");
}

char *graph_dot(struct arena *arena, const struct graph *graph)
{
    struct buf out = BUF_INIT;
    buf_str(&out, "digraph ");
    put_name(&out, graph->table->name);
    buf_str(&out, " {\n  rankdir=LR;\n  node [shape=box];\n");
    for (size_t i = 0; i < graph->count; i++) {
        const struct graph_node *node = &graph->nodes[i];
        buf_str(&out, "  ");
        put_name(&out, node->column->name);
        buf_printf(&out, "%s;\n", node->level ? "" : " [style=filled,fillcolor=lightgrey]");
        for (size_t k = 0; k < node->read_count; k++)
            put_edge(&out, node->reads[k]->name, node->column->name, "");
        if (node->other)
            put_other(&out, arena, node);
    }
    buf_str(&out, "}\n");
    char *text = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return text;
}
