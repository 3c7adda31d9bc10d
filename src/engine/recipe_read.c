/* recipe_read.c - YAML nodes to a draft table: known keys, right shapes.
 *
 * Every mistake is added to the list and reading goes on, so that one look
 * shows them all. Nothing here talks to the org. */
#include "engine/recipe_priv.h"
#include "engine/schedule.h"
#include "model/dedupe.h"
#include "model/tidy.h"

#include "base/str.h"

#include <stdarg.h>
#include <string.h>

struct err *draft_fail(struct draft *draft, const struct ynode *node, bool at_key, const char *code,
                       const char *fmt, ...)
{
    struct err err = {0};
    char message[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    err_set(&err, code, "%s", message);
    if (node)
        err_where(&err, "%s:%d:%d", draft->path, at_key ? node->key_line : node->line,
                  at_key ? node->key_column : node->column);
    else
        err_where(&err, "%s:1:1", draft->path);
    vec_push(draft->errors, err);
    return &draft->errors->at[draft->errors->len - 1];
}

void hint_nearest(struct err *err, const char *given, const char *const *names, size_t count)
{
    const char *near = text_nearest(given, names, count);
    struct buf all = BUF_INIT;
    if (near) {
        err_hint(err, "did you mean `%s`?", near);
    } else if (count && count <= 16) {
        for (size_t i = 0; i < count; i++)
            buf_printf(&all, "%s%s", i ? ", " : "", names[i]);
        err_hint(err, "possible: %s", buf_text(&all));
    }
    buf_free(&all);
}

void draft_keys(struct draft *d, const struct ynode *map, const char *what,
                       const char *const *known, size_t count)
{
    for (const struct ynode *child = map->first; child; child = child->next) {
        bool found = false;
        for (size_t i = 0; i < count && !found; i++)
            found = text_eq(child->key, known[i]);
        if (!found)
            hint_nearest(draft_fail(d, child, true, "recipe.unknown_key",
                                    "unknown key `%s` in %s", child->key, what),
                         child->key, known, count);
    }
}

bool draft_want(struct draft *d, const struct ynode *node, enum ytype type, const char *what)
{
    static const char *const names[] = {"a text", "a mapping (key: value)", "a list ([a, b])"};
    if (!node || node->type == type)
        return node != NULL;
    draft_fail(d, node, false, "recipe.wrong_type", "%s must be %s, not %s", what, names[type],
               names[node->type]);
    return false;
}

const char *draft_text(struct draft *d, const struct ynode *map, const char *key)
{
    const struct ynode *node = ynode_get(map, key);
    if (!node || !draft_want(d, node, Y_SCALAR, key))
        return NULL;
    if (!*node->text) {
        draft_fail(d, node, false, "recipe.empty", "`%s` is empty", key);
        return NULL;
    }
    return node->text;
}

bool draft_bool(struct draft *d, const struct ynode *map, const char *key, bool otherwise)
{
    const struct ynode *node = ynode_get(map, key);
    if (!node)
        return otherwise;
    if (node->type == Y_SCALAR && (text_eq(node->text, "true") || text_eq(node->text, "false")))
        return node->text[0] == 't';
    draft_fail(d, node, false, "recipe.wrong_type", "`%s` must be true or false", key);
    return otherwise;
}

const char *draft_word(struct draft *d, const struct ynode *map, const char *key,
                          const char *const *allowed, size_t count, const char *otherwise)
{
    const char *text = draft_text(d, map, key);
    for (size_t i = 0; text && i < count; i++)
        if (text_eq(text, allowed[i]))
            return text;
    if (text)
        hint_nearest(draft_fail(d, ynode_get(map, key), false, "recipe.wrong_value",
                                "`%s` cannot be `%s`", key, text),
                     text, allowed, count);
    return otherwise;
}

const char *draft_schedule(struct draft *d, const struct ynode *source, const char *otherwise,
                           bool live)
{
    struct schedule schedule;
    struct err err = {0};
    const char *every = draft_text(d, source, "every");
    every = every ? every : otherwise;
    if (schedule_parse(every, &schedule, &err) != OK) {
        struct err *e = draft_fail(d, ynode_get(source, "every"), false, "recipe.wrong_value",
                                   "`every`: %s", err.message);
        err_hint(e, "%s", err.hint);
    } else if (schedule.kind == SCHEDULE_LIVE && !live) {
        struct err *e = draft_fail(d, ynode_get(source, "every"), false, "recipe.wrong_value",
                                   "`every: live` is for objects alone: nothing tells of changes "
                                   "of this source");
        err_hint(e, "use a schedule such as 15m");
    }
    return every;
}

const char *draft_json(struct draft *d, const struct ynode *node, const char *bare)
{
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    if (bare && node->type == Y_SCALAR) {
        jw_object(&w);
        jw_kv_text(&w, bare, node->text);
        jw_end_object(&w);
    } else {
        ynode_json(&w, node);
    }
    const char *text = arena_strndup(d->arena, buf_text(&out), out.len);
    buf_free(&out);
    return text;
}

#define DELAY_MOST_MS ((int64_t)24 * 3600 * 1000)

/* "30s", "10m", "2h"; 0 = it is none. */
static int64_t duration_ms(const char *text)
{
    char *end;
    long long number = strtoll(text, &end, 10);
    int64_t unit = text_eq(end, "s") ? 1000 : text_eq(end, "m") ? 60000 : text_eq(end, "h") ? 3600000 : 0;
    return number > 0 && number <= 86400 ? number * unit : 0;
}

/* The one key of a column's map that names a kind. */
static const struct ynode *find_kind(struct draft *d, const struct ynode *node,
                                     const struct column_kind **kind)
{
    static const char *const keys[] = {"name",     "type",  "only_run_if", "auto_update",
                                       "required", "delay", "schedule"};
    const size_t key_count = sizeof keys / sizeof *keys;
    const struct ynode *found = NULL;
    size_t kind_count = 0;
    const char *const *kinds = column_kind_names(&kind_count);
    for (const struct ynode *child = node->first; child; child = child->next) {
        bool common = false;
        for (size_t i = 0; i < key_count; i++)
            common |= text_eq(child->key, keys[i]);
        const struct column_kind *k = common ? NULL : column_kind_find(child->key);
        if (k && found) {
            draft_fail(d, child, true, "recipe.two_kinds", "a column is either `%s` or `%s`",
                       found->key, child->key);
        } else if (k) {
            found = child;
            *kind = k;
        } else if (!common) {
            const char *all[64];
            size_t n = 0;
            for (size_t i = 0; i < key_count; i++)
                all[n++] = keys[i];
            for (size_t i = 0; i < kind_count && n < 64; i++)
                all[n++] = kinds[i];
            hint_nearest(draft_fail(d, child, true, "recipe.unknown_key",
                                    "unknown key `%s` in a column", child->key),
                         child->key, all, n);
        }
    }
    if (!found)
        hint_nearest(draft_fail(d, node, false, "recipe.missing_key",
                                "this column does not say what it does"),
                     "", kinds, kind_count);
    return found;
}

/* `schedule: 24h`, or with `every` and `rows`: it computes them by itself, changed or not. */
static void read_column_schedule(struct draft *d, const struct ynode *column,
                                 const struct ynode *node, struct jw *w)
{
    static const char *const keys[] = {"every", "rows"};
    static const char *const rows[] = {"all", "due", "empty", "errors"};
    struct schedule schedule;
    struct err err = {0};
    bool bare = node->type == Y_SCALAR;
    if (!bare && !draft_want(d, node, Y_MAP, "`schedule`"))
        return;
    if (!bare)
        draft_keys(d, node, "schedule", keys, 2);
    const struct ynode *place = bare ? node : ynode_get(node, "every");
    const char *every = draft_text(d, bare ? column : node, bare ? "schedule" : "every");
    const char *which = bare ? rows[0] : draft_word(d, node, "rows", rows, 4, rows[0]);
    if (!place)
        err_hint(draft_fail(d, node, false, "recipe.missing_key", "`schedule` needs `every`"),
                 "schedule: { every: 7d, rows: errors }");
    else if (every && schedule_parse(every, &schedule, &err) != OK)
        err_hint(draft_fail(d, place, false, "recipe.wrong_value", "`schedule`: %s", err.message),
                 "%s", err.hint);
    else if (every && schedule.kind == SCHEDULE_LIVE)
        err_hint(draft_fail(d, place, false, "recipe.wrong_value",
                            "a column has no schedule `live`"),
                 "with auto_update it runs whenever what it reads has changed; a schedule is for "
                 "asking again although nothing has");
    jw_key(w, "schedule");
    jw_object(w);
    jw_kv_text(w, "every", every);
    jw_kv_text(w, "rows", which);
    jw_end_object(w);
}

/* When it computes, beside its condition: required: [Name], delay: 10m, schedule: 24h. */
static const char *read_column_rules(struct draft *d, const struct ynode *node)
{
    const struct ynode *required = ynode_get(node, "required");
    const struct ynode *schedule = ynode_get(node, "schedule");
    const char *delay = draft_text(d, node, "delay"), *rules = NULL;
    struct buf text = BUF_INIT;
    struct jw w;
    if (!required && !delay && !schedule)
        return NULL;
    jw_init(&w, &text);
    jw_object(&w);
    if (required && draft_want(d, required, Y_LIST, "`required`")) {
        jw_key(&w, "required");
        jw_array(&w);
        for (const struct ynode *child = required->first; child; child = child->next)
            if (draft_want(d, child, Y_SCALAR, "a required column"))
                jw_text(&w, child->text);
        jw_end_array(&w);
    }
    int64_t ms = delay ? duration_ms(delay) : 0;
    if (delay && (ms < 1000 || ms > DELAY_MOST_MS))
        err_hint(draft_fail(d, ynode_get(node, "delay"), false, "recipe.wrong_value",
                            "`delay` must be a time from 1s to 24h"),
                 "for example 30s, 10m or 2h");
    if (delay)
        jw_kv_int(&w, "delay_ms", ms);
    if (schedule)
        read_column_schedule(d, node, schedule, &w);
    jw_end_object(&w);
    rules = arena_strdup(d->arena, buf_text(&text));
    buf_free(&text);
    return rules;
}

static void read_column(struct draft *d, const struct ynode *node, struct column *column,
                        struct draft_column *draft)
{
    const char *type = draft_text(d, node, "type");
    struct err err = {0};
    draft->node = node;
    column->name = draft_text(d, node, "name");
    column->only_run_if = draft_text(d, node, "only_run_if");
    column->auto_update = draft_bool(d, node, "auto_update", true);
    column->rules = read_column_rules(d, node);
    if (!ynode_get(node, "name"))
        draft_fail(d, node, false, "recipe.missing_key", "a column needs a `name`");
    else if (column->name && strpbrk(column->name, "{}"))
        draft_fail(d, ynode_get(node, "name"), false, "recipe.wrong_value",
                   "a column's name cannot hold { or }");
    draft->kind_node = find_kind(d, node, &draft->kind);
    if (!draft->kind_node)
        return;
    column->kind = draft->kind->name;
    column->type = draft->kind->type;
    if (draft->kind->typed && ynode_get(node, "schedule"))
        draft_fail(d, ynode_get(node, "schedule"), true, "recipe.wrong_value",
                   "`schedule` is for columns that are computed; people type this one");
    if (type && !value_type_parse(type, &column->type)) {
        const char *names[32];
        for (size_t i = 0; i < value_type_count(); i++)
            names[i] = value_type_name((enum value_type)i);
        hint_nearest(draft_fail(d, ynode_get(node, "type"), false, "recipe.wrong_value",
                                "there is no type `%s`", type),
                     type, names, value_type_count());
    }
    if (draft->kind_node->type == Y_SCALAR && !draft->kind->bare) {
        draft_want(d, draft->kind_node, Y_MAP, draft->kind->name);
        return;
    }
    column->config = draft_json(d, draft->kind_node, draft->kind->bare);
    draft->config = json_parse(d->arena, column->config, strlen(column->config), &err);
}

static void read_columns(struct draft *d)
{
    const struct ynode *columns = ynode_get(d->root, "columns");
    size_t count = 0;
    if (columns && draft_want(d, columns, Y_LIST, "`columns`"))
        count = columns->count;
    /* room for source columns in front is made by recipe_check */
    d->table.columns = arena_array(d->arena, count + 1, sizeof *d->table.columns);
    d->drafts = arena_array(d->arena, count + 1, sizeof *d->drafts);
    if (!count)
        return;
    for (const struct ynode *child = columns->first; child; child = child->next) {
        if (!draft_want(d, child, Y_MAP, "a column"))
            continue;
        size_t at = d->table.column_count++;
        read_column(d, child, &d->table.columns[at], &d->drafts[at]);
    }
}

/* When people are to be told: alerts: { failure_rate: 50%, rows: 45000, inactive: 1d }. */
static void read_alerts(struct draft *d, struct jw *w)
{
    static const char *const keys[] = {"failure_rate", "rows", "inactive"};
    const struct ynode *alerts = ynode_get(d->root, "alerts");
    struct schedule every;
    struct err err = {0};
    char *end;
    if (!alerts || !draft_want(d, alerts, Y_MAP, "`alerts`"))
        return;
    draft_keys(d, alerts, "alerts", keys, 3);
    const char *rate = draft_text(d, alerts, "failure_rate"), *rows = draft_text(d, alerts, "rows");
    const char *inactive = draft_text(d, alerts, "inactive");
    jw_key(w, "alerts");
    jw_object(w);
    if (rate) {
        long long percent = strtoll(rate, &end, 10);
        if (percent < 0 || percent > 100 || !text_eq(end, "%"))
            err_hint(draft_fail(d, ynode_get(alerts, "failure_rate"), false, "recipe.wrong_value",
                                "`failure_rate` must be a percentage"),
                     "for example 50%%; 0%% is never");
        jw_kv_int(w, "failure_rate", percent);
    }
    if (rows) {
        long long most = strtoll(rows, &end, 10);
        if (most < 1 || *end)
            draft_fail(d, ynode_get(alerts, "rows"), false, "recipe.wrong_value",
                       "`rows` must be a whole number, 1 or more");
        jw_kv_int(w, "rows", most);
    }
    if (inactive) {
        if (schedule_parse(inactive, &every, &err) != OK || every.kind != SCHEDULE_EVERY)
            err_hint(draft_fail(d, ynode_get(alerts, "inactive"), false, "recipe.wrong_value",
                                "`inactive` must be a length of time"),
                     "for example 12h or 2d");
        else
            jw_kv_int(w, "inactive_ms", every.period_ms);
    }
    jw_end_object(w);
}

/* `auto_dedupe: Domain`, or with `by`, `keep`, `as`. The column is looked for when all are known. */
static void read_dedupe(struct draft *d, struct jw *w)
{
    static const char *const keys[] = {"by", "keep", "as"};
    static const char *const keeps[] = {"oldest", "newest"};
    const struct ynode *node = ynode_get(d->root, "auto_dedupe");
    if (!node)
        return;
    bool bare = node->type == Y_SCALAR;
    if (!bare && !draft_want(d, node, Y_MAP, "`auto_dedupe`"))
        return;
    if (!bare)
        draft_keys(d, node, "auto_dedupe", keys, 3);
    const char *by = draft_text(d, bare ? d->root : node, bare ? "auto_dedupe" : "by");
    const char *keep = bare ? keeps[0] : draft_word(d, node, "keep", keeps, 2, keeps[0]);
    const char *as = bare ? NULL : draft_word(d, node, "as", dedupe_as_names, 4, NULL);
    if (!bare && !ynode_get(node, "by"))
        err_hint(draft_fail(d, node, false, "recipe.missing_key", "`auto_dedupe` needs `by`"),
                 "a column: auto_dedupe: { by: Domain, keep: oldest }");
    jw_key(w, "auto_dedupe");
    jw_object(w);
    jw_kv_text(w, "by", by);
    jw_kv_text(w, "keep", keep);
    if (as)
        jw_kv_text(w, "as", as);
    jw_end_object(w);
}

#define HISTORY_MOST_MS ((int64_t)366 * 24 * 3600 * 1000)

/* `history: 30d`: how long what became of rows and cells is kept; `off` is the default. */
static void read_history(struct draft *d, struct jw *w)
{
    struct schedule keep;
    struct err err = {0};
    const char *text = draft_text(d, d->root, "history");
    if (!text || text_eq(text, "off"))
        return;
    if (schedule_parse(text, &keep, &err) != OK || keep.kind != SCHEDULE_EVERY ||
        keep.period_ms > HISTORY_MOST_MS)
        err_hint(draft_fail(d, ynode_get(d->root, "history"), false, "recipe.wrong_value",
                            "`history` cannot be `%s`", text),
                 "off, or a length of time up to a year, such as 30d");
    else
        jw_kv_int(w, "history_ms", keep.period_ms);
}

#define KEEP_MOST 1000000000

/* `auto_delete: finished`, or with `when`, `after`, `keep`. What `when` asks for is checked
 * when the columns are known. */
static void read_tidy(struct draft *d, struct jw *w)
{
    static const char *const keys[] = {"when", "after", "keep"};
    const struct ynode *node = ynode_get(d->root, "auto_delete");
    struct schedule after = {.period_ms = 0};
    struct err err = {0};
    if (!node)
        return;
    bool bare = node->type == Y_SCALAR;
    if (!bare && !draft_want(d, node, Y_MAP, "`auto_delete`"))
        return;
    if (!bare)
        draft_keys(d, node, "auto_delete", keys, 3);
    const char *when = draft_text(d, bare ? d->root : node, bare ? "auto_delete" : "when");
    const char *text = bare ? NULL : draft_text(d, node, "after");
    const char *keep = bare ? NULL : draft_text(d, node, "keep");
    char *end = NULL;
    long long rows = keep ? strtoll(keep, &end, 10) : TIDY_KEEP_USUAL;
    if (!bare && !ynode_get(node, "when"))
        err_hint(draft_fail(d, node, false, "recipe.missing_key", "`auto_delete` needs `when`"),
                 "finished, or a filter: auto_delete: { when: \"Status = done\", after: 7d }");
    if (text && (schedule_parse(text, &after, &err) != OK || after.kind != SCHEDULE_EVERY))
        err_hint(draft_fail(d, ynode_get(node, "after"), false, "recipe.wrong_value",
                            "`after` must be a length of time"),
                 "for example 12h or 7d");
    if (keep && (rows < 0 || rows > KEEP_MOST || *end || !*keep))
        draft_fail(d, ynode_get(node, "keep"), false, "recipe.wrong_value",
                   "`keep` must be a whole number of rows, 0 or more");
    jw_key(w, "auto_delete");
    jw_object(w);
    jw_kv_text(w, "when", when);
    jw_kv_int(w, "after_ms", after.period_ms);
    jw_kv_int(w, "keep", rows);
    jw_end_object(w);
}

/* What the table does with what comes in, as JSON in struct table. */
static void read_rules(struct draft *d)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    if (draft_bool(d, d->root, "keep_results", false))
        jw_kv_bool(&w, "keep_results", true);
    read_alerts(d, &w);
    read_dedupe(d, &w);
    read_history(d, &w);
    read_tidy(d, &w);
    jw_end_object(&w);
    d->table.rules = arena_strdup(d->arena, buf_text(&text));
    buf_free(&text);
}

enum status recipe_read(struct draft *d, struct err *err)
{
    static const char *const keys[] = {"table",       "source",  "sources", "auto_update",
                                       "keep_results", "auto_dedupe", "history", "auto_delete", "columns", "guard",
                                       "alerts"};
    d->root = yaml_read(d->arena, d->path, &d->text, err);
    if (!d->root)
        return FAIL;
    if (!draft_want(d, d->root, Y_MAP, "a recipe"))
        return OK;
    draft_keys(d, d->root, "the recipe", keys, sizeof keys / sizeof *keys);
    d->table.recipe = d->text;
    d->table.name = draft_text(d, d->root, "table");
    if (!ynode_get(d->root, "table"))
        draft_fail(d, NULL, false, "recipe.missing_key", "the recipe does not name its `table`");
    d->table.auto_update = draft_bool(d, d->root, "auto_update", true);
    read_rules(d);
    recipe_read_sources(d);
    recipe_guard(d);
    read_columns(d);
    return OK;
}
