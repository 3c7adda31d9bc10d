/* recipe_check.c - a draft held against the live org.
 *
 * Source first (connection, object, every field), then the columns: options by
 * the kind's table, references to other columns, the kind's own checks, and
 * last the order of computation, where a cycle is refused by name. */
#include "engine/recipe_priv.h"

#include "base/str.h"

#include <string.h>

struct crm_session *draft_session(void *ctx, const char *connection, struct err *err)
{
    struct draft *d = ctx;
    for (size_t i = 0; i < d->session_count; i++)
        if (text_eq(d->sessions[i].connection, connection))
            return d->sessions[i].session;
    if (d->session_count == 16) {
        err_set(err, ERR_TOO_LARGE, "a recipe can use 16 connections at most");
        return NULL;
    }
    struct crm_session *session = engine_session(d->engine, connection, err);
    if (session) {
        d->sessions[d->session_count].connection = arena_strdup(d->arena, connection);
        d->sessions[d->session_count++].session = session;
    }
    return session;
}

void draft_close(struct draft *d)
{
    for (size_t i = 0; i < d->session_count; i++)
        d->sessions[i].session->does->close(d->sessions[i].session);
    d->session_count = 0;
    vec_free(&d->field_nodes);
}

/* Puts another room's error at a place of the recipe. */
static void fail_with(struct draft *d, const struct ynode *node, const struct err *cause)
{
    struct err *e = draft_fail(d, node, false, cause->code, "%s", cause->message);
    if (cause->cause[0])
        err_cause(e, "%s", cause->cause);
    if (cause->hint[0])
        err_hint(e, "%s", cause->hint);
}

/* ---------------------------------------------------------------- source */

static enum value_type type_of(const struct crm_field *field)
{
    static const struct {
        const char *salesforce;
        enum value_type type;
    } types[] = {
        {"url", TYPE_URL},           {"email", TYPE_EMAIL},       {"int", TYPE_NUMBER},
        {"double", TYPE_NUMBER},     {"percent", TYPE_NUMBER},    {"currency", TYPE_CURRENCY},
        {"date", TYPE_DATE},         {"datetime", TYPE_DATETIME}, {"boolean", TYPE_CHECKBOX},
        {"picklist", TYPE_SELECT},   {"multipicklist", TYPE_MULTISELECT},
        {"address", TYPE_JSON},      {"location", TYPE_JSON},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (text_eq(field->type, types[i].salesforce))
            return types[i].type;
    return TYPE_TEXT;
}

static void unknown_field(struct draft *d, const struct ynode *node,
                          const struct crm_object *object, const char *name)
{
    const char **names = arena_array(d->arena, object->field_count + 1, sizeof *names);
    for (size_t i = 0; i < object->field_count; i++)
        names[i] = object->fields[i].name;
    struct err *e = draft_fail(d, node, false, "recipe.unknown_field",
                               "%s has no field `%s` that the OAuth user can see", object->name, name);
    err_cause(e, "Salesforce hides a field from describe when the user's profile or permission sets "
                 "give no Read access to it (field-level security), so a hidden field and a "
                 "missing one look alike");
    const char *near = text_nearest(name, names, object->field_count);
    if (near)
        err_hint(e, "did you mean `%s`? If the field exists: Setup > Object Manager > %s > Fields > %s > "
                    "Set Field-Level Security, or a permission set with Read access", near,
                 object->label ? object->label : object->name, name);
    else
        err_hint(e, "if it exists: Setup > Object Manager > %s > Fields > %s > Set Field-Level "
                    "Security, or a permission set with Read access",
                 object->label ? object->label : object->name, name);
}

/* Follows "Owner.Name" along its relationships. NULL when an error was added. */
static const struct crm_field *walk_path(struct draft *d, struct crm_session *session,
                                         const struct ynode *node, const struct crm_object *object,
                                         const char *path)
{
    struct err err = {0};
    for (int depth = 0;; depth++) {
        size_t len = strcspn(path, ".");
        char *step = arena_strndup(d->arena, path, len);
        if (!path[len]) {
            const struct crm_field *field = crm_object_field(object, step);
            if (!field)
                unknown_field(d, node, object, step);
            return field;
        }
        const struct crm_field *through = NULL;
        const char **names = arena_array(d->arena, object->field_count + 1, sizeof *names);
        size_t count = 0;
        for (size_t i = 0; i < object->field_count; i++) {
            const struct crm_field *f = &object->fields[i];
            if (!f->relationship_name)
                continue;
            names[count++] = f->relationship_name;
            if (text_eq_nocase(f->relationship_name, step))
                through = f;
        }
        if (!through || !through->reference_count || depth == 5) {
            hint_nearest(draft_fail(d, node, false, "recipe.unknown_field",
                                    depth == 5 ? "`%s`: a path may follow five parents at most, %s"
                                               : "`%s` is no parent relationship of %s",
                                    step, object->name),
                         step, names, count);
            return NULL;
        }
        object = session->does->describe(session, through->reference_to[0], &err);
        if (!object) {
            fail_with(d, node, &err);
            return NULL;
        }
        path += len + 1;
    }
}

static bool readable_source_field(const struct crm_field *field)
{
    return !text_eq(field->type, "base64") && !text_eq(field->type, "address") &&
           !text_eq(field->type, "location");
}

/* Puts `count` source columns in front of the computed ones. */
static void make_room(struct draft *d, size_t count)
{
    size_t total = d->table.column_count + count;
    struct column *columns = arena_array(d->arena, total + 1, sizeof *columns);
    struct draft_column *drafts = arena_array(d->arena, total + 1, sizeof *drafts);
    memcpy(columns + count, d->table.columns, d->table.column_count * sizeof *columns);
    memcpy(drafts + count, d->drafts, d->table.column_count * sizeof *drafts);
    d->table.columns = columns;
    d->drafts = drafts;
    d->table.column_count = total;
}

static void put_source_column(struct draft *d, size_t at, const struct ynode *node,
                              const char *name, const char *path, enum value_type type)
{
    d->table.columns[at] = (struct column){.name = name, .kind = "source", .type = type,
                                           .source_field = path, .config = "{}",
                                           .auto_update = true};
    d->drafts[at].node = d->drafts[at].kind_node = node;
}

static void check_source(struct draft *d)
{
    struct err err = {0};
    const struct ynode *sf = d->source_node;
    if (!sf || !d->table.connection || !d->table.object)
        return;
    struct crm_session *session = draft_session(d, d->table.connection, &err);
    if (!session) {
        fail_with(d, ynode_get(sf, "connection"), &err);
        return;
    }
    const struct crm_object *object = session->does->describe(session, d->table.object, &err);
    if (!object) {
        fail_with(d, ynode_get(sf, "object"), &err);
        return;
    }
    d->table.object = arena_strdup(d->arena, object->name);
    if (d->all_fields) {
        size_t count = 0, at = 0;
        for (size_t i = 0; i < object->field_count; i++)
            count += readable_source_field(&object->fields[i]);
        make_room(d, count);
        for (size_t i = 0; i < object->field_count; i++) {
            const struct crm_field *f = &object->fields[i];
            const char *name = arena_strdup(d->arena, f->name);
            if (readable_source_field(f))
                put_source_column(d, at++, ynode_get(sf, "fields"), name, name, type_of(f));
        }
        return;
    }
    make_room(d, d->field_nodes.len);
    for (size_t i = 0; i < d->field_nodes.len; i++) {
        const struct ynode *node = d->field_nodes.at[i];
        const char *path = node->type == Y_MAP ? node->first->key : node->text;
        const struct crm_field *field = walk_path(d, session, node, object, path);
        bool same = field && text_eq_nocase(field->name, path);
        const char *spelled = same ? arena_strdup(d->arena, field->name) : path;
        put_source_column(d, i, node, node->type == Y_MAP ? node->first->text : spelled, spelled,
                          field ? type_of(field) : TYPE_TEXT);
        if (field && text_eq(field->type, "base64"))
            draft_fail(d, node, false, "recipe.unsupported_field",
                       "`%s` holds file contents, which a table does not import", path);
    }
}

/* A `where` that Salesforce refuses is found before anything is applied. */
static void check_where(struct draft *d)
{
    struct err err = {0};
    int64_t count;
    if (!d->where || d->errors->len)
        return;
    struct crm_session *session = draft_session(d, d->table.connection, &err);
    if (!session || session->does->count(session, d->table.object, d->where, &count, &err) == OK)
        return;
    fail_with(d, ynode_get(d->source_node, "where"), &err);
}

static void build_source_json(struct draft *d)
{
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    jw_object(&w);
    jw_kv_text(&w, "type", "salesforce");
    jw_kv_text(&w, "connection", d->table.connection);
    jw_kv_text(&w, "object", d->table.object);
    jw_key(&w, "fields");
    jw_array(&w);
    for (size_t i = 0; i < d->table.column_count; i++)
        if (text_eq(d->table.columns[i].kind, "source"))
            jw_text(&w, d->table.columns[i].source_field);
    jw_end_array(&w);
    jw_kv_text(&w, "where", d->where);
    jw_kv_text(&w, "every", d->every);
    jw_kv_bool(&w, "update_existing", d->update_existing);
    jw_kv_text(&w, "when_deleted", d->when_deleted);
    jw_end_object(&w);
    d->table.source = arena_strndup(d->arena, buf_text(&out), out.len);
    buf_free(&out);
}

/* --------------------------------------------------------------- columns */

static void check_names(struct draft *d)
{
    for (size_t i = 0; i < d->table.column_count; i++) {
        struct column *c = &d->table.columns[i];
        c->position = (int)i;
        for (size_t j = 0; j < i && c->name; j++) {
            if (!text_eq_nocase(c->name, d->table.columns[j].name))
                continue;
            const struct ynode *name = d->drafts[i].kind ? ynode_get(d->drafts[i].node, "name") : d->drafts[i].node;
            struct err *e = draft_fail(d, name, false, "recipe.duplicate_column",
                                       "there are two columns named `%s`", c->name);
            err_hint(e, "names differ by more than case; rename one. A source field can be renamed: "
                        "{%s: another name}", c->source_field ? c->source_field : "Field");
            break;
        }
    }
}

/* Errors that a kind added carry a path inside the config: give them places. */
static void place_errors(struct draft *d, size_t from, const struct draft_column *draft)
{
    for (size_t i = from; i < d->errors->len; i++) {
        struct err *e = &d->errors->at[i];
        const struct ynode *node = NULL;
        bool at_key = false;
        if (text_starts(e->where, d->path))
            continue;
        if (text_eq(e->where, "only_run_if")) {
            node = ynode_get(draft->node, "only_run_if");
        } else {
            node = ynode_path(draft->kind_node, e->where);
            at_key = err_is(e, "recipe.unknown_key") || err_is(e, "recipe.unknown_option") ||
                     err_is(e, "recipe.unknown_field");
        }
        node = node ? node : draft->node;
        err_where(e, "%s:%d:%d", d->path, at_key && node->key ? node->key_line : node->line,
                  at_key && node->key ? node->key_column : node->column);
    }
}

static bool add_dependency(struct column *column, struct arena *arena, int64_t position)
{
    for (size_t i = 0; i < column->depend_count; i++)
        if (column->depends[i] == position)
            return false;
    int64_t *grown = arena_array(arena, column->depend_count + 1, sizeof *grown);
    if (column->depend_count)
        memcpy(grown, column->depends, column->depend_count * sizeof *grown);
    grown[column->depend_count++] = position;
    column->depends = grown;
    return true;
}

static void check_references(struct draft *d, struct column *column, struct draft_column *draft)
{
    struct column_ref *refs = NULL;
    struct err err = {0};
    size_t from = d->errors->len;
    if (column_refs(d->arena, draft->kind, draft->config, column->only_run_if, &refs, &err) != OK)
        vec_push(d->errors, err);
    const char **names = arena_array(d->arena, d->table.column_count + 1, sizeof *names);
    size_t count = 0;
    for (size_t i = 0; i < d->table.column_count; i++)
        if (d->table.columns[i].name)
            names[count++] = d->table.columns[i].name;
    for (struct column_ref *ref = refs; ref; ref = ref->next) {
        const char *path = NULL;
        const struct column *target = column_ref_resolve(&d->table, ref->text, &path);
        if (target) {
            add_dependency(column, d->arena, target - d->table.columns);
            continue;
        }
        struct err unknown = {0};
        err_set(&unknown, "recipe.unknown_column", "there is no column `%s`", ref->text);
        err_where(&unknown, "%s", ref->where);
        hint_nearest(&unknown, ref->text, names, count);
        if (!unknown.hint[0])
            err_hint(&unknown, "{{Name}} stands for a column of this table; list a source field under "
                               "source/salesforce/fields to use it");
        vec_push(d->errors, unknown);
    }
    place_errors(d, from, draft);
}

static void check_condition(struct draft *d, struct column *column, struct draft_column *draft)
{
    struct err err = {0};
    if (!column->only_run_if || formula_check(d->engine->formula, column->only_run_if, &err) == OK)
        return;
    struct err *e = draft_fail(d, ynode_get(draft->node, "only_run_if"), false, err.code,
                               "only_run_if: %s", err.message);
    err_hint(e, "%s", err.hint[0] ? err.hint : "a JavaScript expression, such as {{Domain}} && !{{Industry}}");
}

static void check_column(struct draft *d, struct column *column, struct draft_column *draft)
{
    size_t from = d->errors->len;
    if (!draft->kind || !draft->config)
        return;
    if (column_options_check(draft->kind, draft->config, d->errors)) {
        check_references(d, column, draft);
        struct kind_check check = {
            .engine = d->engine, .arena = d->arena, .table = &d->table, .column = column,
            .config = draft->config, .session = draft_session, .session_ctx = d,
            .errors = d->errors,
        };
        if (draft->kind->validate)
            draft->kind->validate(&check);
        check_condition(d, column, draft);
    }
    place_errors(d, from, draft);
}

/* ---------------------------------------------------------------- cycles */

/* Depth first; marks 1 = on the way, 2 = done. Names the loop. */
static bool find_cycle(struct draft *d, size_t at, unsigned char *marks, struct buf *loop)
{
    struct column *column = &d->table.columns[at];
    if (marks[at] == 2)
        return false;
    if (marks[at] == 1) {
        buf_printf(loop, "`%s`", column->name);
        return true;
    }
    marks[at] = 1;
    for (size_t i = 0; i < column->depend_count; i++) {
        if (find_cycle(d, (size_t)column->depends[i], marks, loop)) {
            buf_printf(loop, " is needed by `%s`", column->name);
            if (d->drafts[at].kind_node) {
                draft_fail(d, d->drafts[at].node, false, "recipe.cycle",
                           "columns feed each other in a circle: %s", buf_text(loop));
                err_hint(&d->errors->at[d->errors->len - 1],
                         "no column can be computed first; take one of these references out");
            }
            buf_clear(loop);
            return false;
        }
    }
    marks[at] = 2;
    return false;
}

static void check_cycles(struct draft *d)
{
    unsigned char *marks = arena_alloc(d->arena, d->table.column_count + 1);
    struct buf loop = BUF_INIT;
    for (size_t i = 0; i < d->table.column_count; i++)
        find_cycle(d, i, marks, &loop);
    buf_free(&loop);
}

void recipe_check(struct draft *d)
{
    check_source(d);
    check_where(d);
    check_names(d);
    for (size_t i = 0; i < d->table.column_count; i++)
        check_column(d, &d->table.columns[i], &d->drafts[i]);
    check_cycles(d);
    build_source_json(d);
}
