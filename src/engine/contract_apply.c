/* contract_apply.c - see contract.h: a contract checked against the org and stored as the
 * next version; loaded again; and laid beside what the columns really write. */
#include "engine/access.h"
#include "engine/contract.h"

#include "engine/columns/column_kind.h"
#include "engine/run_priv.h"

#include "base/str.h"

#include <string.h>

#define PATH_STORED "the stored contract"

/* ------------------------------------------------------------------- stored */

static enum status newest(struct engine *engine, struct arena *arena, int64_t connection_id,
                          struct contract_version *version, bool *found, struct err *err)
{
    struct store *store = engine->store;
    *found = store->does->contracts->get(store, arena, connection_id, 0, version, err) == OK;
    if (*found)
        return OK;
    if (!err_is(err, ERR_NOT_FOUND))
        return FAIL;
    err_clear(err);
    return OK;
}

enum status contract_load(struct engine *engine, struct arena *arena, int64_t connection_id,
                          struct contract **out, struct err *err)
{
    struct contract_version version;
    err_list errors = {0};
    bool found;
    *out = NULL;
    if (newest(engine, arena, connection_id, &version, &found, err) != OK)
        return FAIL;
    if (!found)
        return OK;
    struct contract *contract = arena_alloc(arena, sizeof *contract);
    enum status rc = contract_parse(arena, PATH_STORED, version.text, contract, &errors, err);
    if (rc != OK && errors.len) /* cannot be read: nothing is written by guess */
        err_wrap(err, "%s (%s)", errors.at[0].message, PATH_STORED);
    vec_free(&errors);
    contract->version = version.version;
    *out = contract;
    return rc;
}

/* -------------------------------------------------------------------- check */

struct checking {
    struct arena *arena;
    const char *path;
    struct crm_session *session;
    const struct contract *contract;
    err_list *errors;
};

static struct err *wrong(struct checking *c, const struct contract_field *field, const char *code,
                         const char *message)
{
    struct err err = {0};
    err_set(&err, code, "%s", message);
    err_where(&err, "%s:%d", c->path, field ? field->line : 1);
    vec_push(c->errors, err);
    return &c->errors->at[c->errors->len - 1];
}

static const char **field_names(struct checking *c, const struct crm_object *object)
{
    const char **names = arena_array(c->arena, object->field_count + 1, sizeof *names);
    for (size_t i = 0; i < object->field_count; i++)
        names[i] = object->fields[i].name;
    return names;
}

static void check_when(struct checking *c, const struct contract_field *field)
{
    struct err said = {0};
    int64_t count;
    const char *condition = field->when ? contract_guard_of(c->contract, field->when) : NULL;
    if (!condition || text_eq(field->object, "*"))
        return;
    if (c->session->does->count(c->session, field->object, condition, &count, &said) != OK)
        err_hint(wrong(c, field, "contract.bad_guard",
                       arena_printf(c->arena, "the guard \"%s\" cannot be asked of %s: %s",
                                    field->when, field->object, said.message)),
                 "It is the part of a SOQL query behind WHERE, for each object that uses it.");
}

/* The field that tells how old the present value is must be a date that can be read. */
static void check_newer(struct checking *c, const struct contract_field *field,
                        const struct crm_object *object)
{
    const struct crm_field *by =
        field->newer_than ? crm_object_field(object, field->newer_than) : NULL;
    if (!field->newer_than || (by && (text_eq(by->type, "date") || text_eq(by->type, "datetime"))))
        return;
    err_hint(wrong(c, field, "contract.no_such_field",
                   arena_printf(c->arena, "%s.%s is no date field that the connected user can see",
                                object->name, field->newer_than)),
             "newer_than names the date or datetime at which the field was last known to be right; "
             "without it the record's last change counts.");
}

static void check_field(struct checking *c, const struct contract_field *field)
{
    struct err said = {0};
    if (text_eq(field->object, "*"))
        return;
    const struct crm_object *object = c->session->does->describe(c->session, field->object, &said);
    if (!object) {
        err_hint(wrong(c, field, "contract.no_object",
                       arena_printf(c->arena, "%s: %s", field->object, said.message)),
                 "It does not exist, or the connected user may not see it. --offline leaves the org "
                 "out of the check.");
        return;
    }
    if (!text_eq(field->field, "*") && !crm_object_field(object, field->field)) {
        struct err *err = wrong(c, field, "contract.no_such_field",
                                arena_printf(c->arena, "%s has no field %s that the connected user can see",
                                             object->name, field->field));
        const char *nearest =
            text_nearest(field->field, field_names(c, object), object->field_count);
        if (nearest)
            err_hint(err, "Did you mean %s.%s?", object->name, nearest);
    }
    check_newer(c, field, object);
    check_when(c, field);
}

static enum status check(struct engine *engine, struct arena *arena, const char *path,
                         const struct contract *contract, err_list *errors, struct err *err)
{
    struct crm_session *session = engine_session(engine, contract->connection, err);
    if (!session)
        return FAIL;
    struct checking c = {arena, path, session, contract, errors};
    for (size_t i = 0; i < contract->field_count; i++)
        check_field(&c, &contract->fields[i]);
    session->does->close(session);
    if (!errors->len)
        return OK;
    return err_set(err, ERR_RECIPE, "the contract has %zu thing%s to mend", errors->len,
                   errors->len == 1 ? "" : "s");
}

/* ------------------------------------------------------------------ changes */

static const char *entry_text(struct arena *arena, const struct contract_field *f)
{
    if (!f)
        return NULL;
    const char *sources = contract_sources(arena, f);
    return arena_printf(arena, "%s %s %s%s%s%s%s%s%s%s%s", f->reads && f->writes ? "both" : f->reads ? "read" : "write",
                        f->active ? "active" : "pending", contract_rule_name(f->rule),
                        f->newer_than ? " than " : "", f->newer_than ? f->newer_than : "",
                        sources ? " of " : "", sources ? sources : "",
                        f->when ? " when " : "", f->when ? f->when : "", f->ticket ? " " : "",
                        f->ticket ? f->ticket : "");
}

static const struct contract_field *same_entry(const struct contract *c, const struct contract_field *f)
{
    for (size_t i = 0; c && i < c->field_count; i++)
        if (text_eq_nocase(c->fields[i].object, f->object) &&
            text_eq_nocase(c->fields[i].field, f->field))
            return &c->fields[i];
    return NULL;
}

static void add_change(struct arena *arena, struct contract_plan *out,
                       const struct contract_field *was, const struct contract_field *is)
{
    const char *old = entry_text(arena, was), *new = entry_text(arena, is);
    const struct contract_field *of = is ? is : was;
    if (!text_eq(old, new))
        out->changes[out->change_count++] = (struct contract_change){
            arena_printf(arena, "%s.%s", of->object, of->field), old, new};
}

static void compare(struct arena *arena, const struct contract *old, struct contract_plan *out)
{
    const struct contract *new = &out->contract;
    size_t most = new->field_count + (old ? old->field_count : 0) + 2;
    out->changes = arena_array(arena, most, sizeof *out->changes);
    for (size_t i = 0; i < new->field_count; i++)
        add_change(arena, out, same_entry(old, &new->fields[i]), &new->fields[i]);
    for (size_t i = 0; old && i < old->field_count; i++)
        if (!same_entry(new, &old->fields[i]))
            add_change(arena, out, &old->fields[i], NULL);
    if (!old || old->allow != new->allow)
        out->changes[out->change_count++] =
            (struct contract_change){"default", !old ? NULL : old->allow ? "allow" : "deny",
                                     new->allow ? "allow" : "deny"};
}

static enum status keep(struct engine *engine, const char *text, const char *ticket,
                        const char *note, struct contract_plan *out, struct err *err)
{
    struct store *store = engine->store;
    struct contract_version version = {
        .who = engine_actor(engine), .ticket = ticket, .note = note, .text = text};
    if (store->does->contracts->put(store, out->connection_id, &version, err) != OK)
        return FAIL;
    out->version = version.version;
    return OK;
}

enum status contract_apply(struct engine *engine, struct arena *arena, const char *path,
                           const char *text, const char *ticket, const char *note, bool check_org,
                           bool dry_run, struct contract_plan *out, err_list *errors,
                           struct err *err)
{
    struct store *store = engine->store;
    struct connection connection = {0};
    struct contract_version was = {0};
    struct contract old = {0};
    err_list ignored = {0};
    struct err unread = {0};
    bool found;
    *out = (struct contract_plan){0};
    if (contract_parse(arena, path, text, &out->contract, errors, err) != OK ||
        store->does->connection_get(store, arena, out->contract.connection, &connection, err) != OK)
        return FAIL;
    out->connection_id = connection.id;
    if (access_may_build(engine, connection.name, err) != OK)
        return FAIL;
    if (check_org && check(engine, arena, path, &out->contract, errors, err) != OK)
        return FAIL;
    if (newest(engine, arena, connection.id, &was, &found, err) != OK)
        return FAIL;
    bool readable =
        found && contract_parse(arena, PATH_STORED, was.text, &old, &ignored, &unread) == OK;
    vec_free(&ignored);
    compare(arena, readable ? &old : NULL, out);
    if (dry_run || (found && text_eq(was.text, text)))
        return OK;
    return keep(engine, text, ticket, note, out, err);
}

/* -------------------------------------------------------------------- report */

struct reporting {
    struct arena *arena;
    struct contract *contract;
    struct map *by_field; /* "Account.Industry" -> struct contract_use */
    struct contract_use *first;
    VEC(struct contract_use *) list;
};

static struct contract_use *use_of(struct reporting *r, const char *object, const char *field)
{
    const char *name = arena_printf(r->arena, "%s.%s", object, field);
    struct contract_use *use = map_get(r->by_field, name);
    if (use)
        return use;
    use = arena_alloc(r->arena, sizeof *use);
    *use = (struct contract_use){.object = object, .field = field};
    map_put(r->by_field, name, use);
    vec_push(&r->list, use);
    return use;
}

static void add_writer(struct reporting *r, const char *object, const char *field,
                       const struct table *table, const struct column *column)
{
    struct contract_use *use = use_of(r, object, field);
    use->writers = use->writers ? arena_printf(r->arena, "%s, %s.%s", use->writers, table->name,
                                               column->name)
                                : arena_printf(r->arena, "%s.%s", table->name, column->name);
}

/* "Account.Ext__c" writes AccountId, "Plan__r.Code__c" writes Plan__c. */
static const char *link_field(struct arena *arena, const char *path)
{
    const char *dot = strchr(path, '.');
    if (!dot)
        return path;
    int len = (int)(dot - path);
    if (len > 3 && strncmp(dot - 3, "__r", 3) == 0)
        return arena_printf(arena, "%.*s__c", len - 3, path);
    return arena_printf(arena, "%.*sId", len, path);
}

static void take_column(struct reporting *r, const char *connection, const struct table *table,
                        const struct column *column)
{
    struct err ignored = {0};
    const struct column_kind *kind = column_kind_find(column->kind);
    const struct json *config =
        column->config ? json_parse(r->arena, column->config, strlen(column->config), &ignored) : NULL;
    if (!kind || !kind->writes || !text_eq_nocase(json_get_text(config, "connection"), connection))
        return;
    const char *object = column_object(kind, config);
    json_each(member, json_get(config, "set")) {
        add_writer(r, object, link_field(r->arena, member->key), table, column);
    }
}

static void judge(struct reporting *r, struct contract_use *use)
{
    struct err why = {0};
    use->entry = r->contract ? contract_entry(r->contract, use->object, use->field) : NULL;
    if (!use->writers)
        use->verdict = !use->entry || use->entry->writes ? "listed, not used" : "read only";
    else if (contract_may(r->contract, OP_UPDATE, use->object, use->field, &why) == OK)
        use->verdict = r->contract ? "written" : "written, no contract";
    else
        use->verdict = err_is(&why, "contract.pending") ? "pending" : "denied";
}

enum status contract_report(struct engine *engine, struct arena *arena, const char *connection,
                            struct contract *contract, struct contract_use **out, size_t *count,
                            struct err *err)
{
    struct store *store = engine->store;
    struct reporting r = {.arena = arena, .contract = contract, .by_field = map_new_nocase()};
    struct table *tables = NULL;
    size_t table_count = 0;
    enum status rc = store->does->table_list(store, arena, &tables, &table_count, err);
    for (size_t i = 0; i < table_count; i++)
        for (size_t k = 0; k < tables[i].column_count; k++)
            take_column(&r, connection, &tables[i], &tables[i].columns[k]);
    for (size_t i = 0; contract && i < contract->field_count; i++)
        use_of(&r, contract->fields[i].object, contract->fields[i].field);
    *count = r.list.len;
    *out = arena_array(arena, r.list.len + 1, sizeof **out);
    for (size_t i = 0; i < r.list.len; i++) {
        judge(&r, r.list.at[i]);
        (*out)[i] = *r.list.at[i];
    }
    vec_free(&r.list);
    map_free(r.by_field);
    return rc;
}
