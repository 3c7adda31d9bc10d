/* recipe_yaml.c - libyaml events to a tree that knows its lines.
 *
 * Depth and size are bounded: a recipe is written by people. */
#include "engine/recipe_yaml.h"

#include "base/buf.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>
#include <yaml.h>

#define MAX_DEPTH 32
#define MAX_BYTES (4 * MIB)

struct reader {
    struct arena *arena;
    const char *path;
    yaml_parser_t parser;
    struct err *err;
};

static enum status fail_at(struct reader *r, yaml_mark_t mark, const char *fmt, const char *what)
{
    err_set(r->err, "recipe.yaml", fmt, what);
    err_where(r->err, "%s:%zu:%zu", r->path, mark.line + 1, mark.column + 1);
    return FAIL;
}

static enum status next_event(struct reader *r, yaml_event_t *event)
{
    if (yaml_parser_parse(&r->parser, event))
        return OK;
    fail_at(r, r->parser.problem_mark, "this is not valid YAML: %s",
            r->parser.problem ? r->parser.problem : "unknown problem");
    err_hint(r->err, "check indentation (spaces, no tabs) and quotes; text with {{ }} or : needs quotes");
    return FAIL;
}

static enum status read_node(struct reader *r, yaml_event_t *event, int depth, struct ynode **out);

static enum status read_children(struct reader *r, struct ynode *parent, int depth)
{
    struct ynode **tail = &parent->first;
    yaml_event_type_t end = parent->type == Y_MAP ? YAML_MAPPING_END_EVENT : YAML_SEQUENCE_END_EVENT;
    for (;;) {
        yaml_event_t event;
        const char *key = NULL;
        int key_line = 0, key_column = 0;
        if (next_event(r, &event) != OK)
            return FAIL;
        if (event.type == end) {
            yaml_event_delete(&event);
            return OK;
        }
        if (parent->type == Y_MAP) {
            yaml_mark_t mark = event.start_mark;
            if (event.type != YAML_SCALAR_EVENT) {
                yaml_event_delete(&event);
                return fail_at(r, mark, "%s", "a key must be plain text");
            }
            key = arena_strdup(r->arena, (char *)event.data.scalar.value);
            key_line = (int)mark.line + 1;
            key_column = (int)mark.column + 1;
            yaml_event_delete(&event);
            if (ynode_get(parent, key))
                return fail_at(r, mark, "the key `%s` stands here twice", key);
            if (next_event(r, &event) != OK)
                return FAIL;
        }
        struct ynode *child = NULL;
        if (read_node(r, &event, depth + 1, &child) != OK)
            return FAIL;
        child->key = key;
        child->key_line = key_line ? key_line : child->line;
        child->key_column = key_column ? key_column : child->column;
        *tail = child;
        tail = &child->next;
        parent->count++;
    }
}

/* Takes over the event. */
static enum status read_node(struct reader *r, yaml_event_t *event, int depth, struct ynode **out)
{
    struct ynode *node = arena_alloc(r->arena, sizeof *node);
    yaml_mark_t mark = event->start_mark;
    yaml_event_type_t type = event->type;
    node->line = (int)mark.line + 1;
    node->column = (int)mark.column + 1;
    if (type == YAML_SCALAR_EVENT) {
        node->type = Y_SCALAR;
        node->text = arena_strndup(r->arena, (char *)event->data.scalar.value,
                                   event->data.scalar.length);
        node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    }
    yaml_event_delete(event);
    if (depth > MAX_DEPTH)
        return fail_at(r, mark, "%s", "nested too deeply");
    if (type == YAML_ALIAS_EVENT)
        return fail_at(r, mark, "%s", "anchors and aliases are not used in recipes: write it out");
    *out = node;
    if (type == YAML_SCALAR_EVENT)
        return OK;
    node->type = type == YAML_MAPPING_START_EVENT ? Y_MAP : Y_LIST;
    return read_children(r, node, depth);
}

static enum status read_document(struct reader *r, struct ynode **out)
{
    yaml_event_t event;
    for (;;) {
        if (next_event(r, &event) != OK)
            return FAIL;
        if (event.type == YAML_STREAM_START_EVENT || event.type == YAML_DOCUMENT_START_EVENT) {
            yaml_event_delete(&event);
            continue;
        }
        break;
    }
    if (event.type == YAML_STREAM_END_EVENT) {
        yaml_event_delete(&event);
        return fail_at(r, (yaml_mark_t){0}, "%s", "the recipe is empty");
    }
    if (read_node(r, &event, 0, out) != OK)
        return FAIL;
    for (;;) {
        if (next_event(r, &event) != OK)
            return FAIL;
        yaml_event_type_t type = event.type;
        yaml_mark_t mark = event.start_mark;
        yaml_event_delete(&event);
        if (type == YAML_DOCUMENT_START_EVENT)
            return fail_at(r, mark, "%s", "one recipe a file: a second document starts here");
        if (type == YAML_STREAM_END_EVENT)
            return OK;
    }
}

static enum status read_file(struct arena *arena, const char *path, char **text, size_t *len,
                             struct err *err)
{
    FILE *in = fopen(path, "r");
    if (!in) {
        err_set(err, ERR_IO, "cannot read the recipe %s: %m", path);
        return FAIL;
    }
    struct buf all = BUF_UP_TO(MAX_BYTES);
    char part[16384];
    size_t got;
    while ((got = fread(part, 1, sizeof part, in)) > 0)
        buf_append(&all, part, got);
    bool bad = ferror(in);
    fclose(in);
    *len = all.len;
    *text = arena_strndup(arena, buf_text(&all), all.len);
    bool overflow = all.overflow;
    buf_free(&all);
    if (bad)
        return err_set(err, ERR_IO, "cannot read the recipe %s", path);
    if (overflow)
        return err_set(err, ERR_TOO_LARGE, "%s is larger than 4 MiB: not a recipe", path);
    return OK;
}

struct ynode *yaml_read(struct arena *arena, const char *path, char **text, struct err *err)
{
    struct reader r = {.arena = arena, .path = path, .err = err};
    struct ynode *root = NULL;
    size_t len = *text ? strlen(*text) : 0;
    if (!*text && read_file(arena, path, text, &len, err) != OK)
        return NULL;
    if (!utf8_valid(*text, len) || strlen(*text) != len) {
        err_set(err, "recipe.yaml", "%s is not UTF-8 text", path);
        return NULL;
    }
    if (!yaml_parser_initialize(&r.parser)) {
        err_set(err, ERR_IO, "cannot start the YAML parser");
        return NULL;
    }
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)*text, len);
    enum status rc = read_document(&r, &root);
    yaml_parser_delete(&r.parser);
    return rc == OK ? root : NULL;
}

struct ynode *ynode_get(const struct ynode *map, const char *key)
{
    if (!map || map->type != Y_MAP)
        return NULL;
    for (struct ynode *child = map->first; child; child = child->next)
        if (text_eq(child->key, key))
            return child;
    return NULL;
}

const struct ynode *ynode_path(const struct ynode *node, const char *path)
{
    while (node && path && *path) {
        const struct ynode *child = node->first;
        size_t len = 0, at = 0;
        /* keys may hold '/' themselves: try the longest first */
        if (node->type == Y_MAP) {
            const struct ynode *best = NULL;
            for (; child; child = child->next) {
                size_t n = strlen(child->key);
                if (n >= len && !strncmp(path, child->key, n) && (!path[n] || path[n] == '/')) {
                    best = child;
                    len = n;
                }
            }
            child = best;
        } else if (node->type == Y_LIST) {
            size_t want = strtoul(path, NULL, 10);
            len = strspn(path, "0123456789");
            for (; child && at < want; at++)
                child = child->next;
        }
        if (!child || !len)
            return node;
        node = child;
        path += len + (path[len] == '/');
    }
    return node;
}

static bool looks_like_number(const char *text)
{
    const char *p = text + (*text == '-');
    size_t whole = strspn(p, "0123456789");
    if (!whole || (whole > 1 && *p == '0'))
        return false;
    p += whole;
    if (*p == '.') {
        size_t decimals = strspn(++p, "0123456789");
        if (!decimals)
            return false;
        p += decimals;
    }
    return !*p;
}

static void scalar_json(struct jw *w, const struct ynode *node)
{
    const char *t = node->text;
    if (node->quoted)
        jw_text(w, t);
    else if (!*t || text_eq(t, "~") || text_eq(t, "null"))
        jw_null(w);
    else if (text_eq(t, "true") || text_eq(t, "false"))
        jw_bool(w, *t == 't');
    else if (looks_like_number(t))
        jw_number(w, t);
    else
        jw_text(w, t);
}

void ynode_json(struct jw *w, const struct ynode *node)
{
    if (node->type == Y_SCALAR) {
        scalar_json(w, node);
        return;
    }
    node->type == Y_MAP ? jw_object(w) : jw_array(w);
    for (const struct ynode *child = node->first; child; child = child->next) {
        if (node->type == Y_MAP)
            jw_key(w, child->key);
        ynode_json(w, child);
    }
    node->type == Y_MAP ? jw_end_object(w) : jw_end_array(w);
}
