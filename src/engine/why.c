/* why.c - see why.h. The journal is asked by record; tables, columns and runs are
 * looked up for their names, once each; the org is asked last, with one look-up. */
#include "engine/why.h"

#include "engine/access.h"

#include "engine/journal.h"

#include "base/str.h"
#include "store/store_runs.h"

#include <string.h>

#define WRITES_MOST 200

struct asking {
    struct engine *engine;
    struct arena *arena;
    const char *field;
    struct table *tables;
    size_t table_count;
    struct connection *connections;
    size_t connection_count;
    struct why *out;
};

static const struct json *tree(struct asking *a, const char *text)
{
    struct err ignored = {0};
    return text ? json_parse(a->arena, text, strlen(text), &ignored) : NULL;
}

static const char *json_of(struct asking *a, const struct json *value)
{
    struct buf text = BUF_INIT;
    struct jw w;
    if (!value)
        return NULL;
    jw_init(&w, &text);
    jw_value(&w, value);
    const char *copy = arena_strdup(a->arena, buf_text(&text));
    buf_free(&text);
    return copy;
}

/* ------------------------------------------------------------------- names */

static void name_place(struct asking *a, struct why_write *write)
{
    for (size_t i = 0; i < a->table_count; i++) {
        if (a->tables[i].id != write->op.table_id)
            continue;
        const struct column *column = table_column_by_id(&a->tables[i], write->op.column_id);
        write->table = a->tables[i].name;
        write->column = column ? column->name : NULL;
    }
    for (size_t i = 0; i < a->connection_count; i++)
        if (a->connections[i].id == write->op.connection_id)
            write->connection = a->connections[i].name;
}

static enum status name_run(struct asking *a, struct why_write *write, struct err *err)
{
    struct store *store = a->engine->store;
    struct run run = {0};
    struct row_query query = {.table_id = write->op.table_id,
                              .ids = &write->op.row_id,
                              .id_count = 1,
                              .deleted_too = true};
    struct row *rows = NULL;
    size_t count = 0;
    if (write->op.run_id && store->does->runs->get(store, a->arena, write->op.run_id, &run, err) == OK) {
        write->who = run.who;
        write->cause = run.cause;
        write->run_kind = run.kind;
    } else if (store_failed(err)) {
        return FAIL;
    }
    err_clear(err);
    if (write->table && store->does->rows(store, a->arena, &query, &rows, &count, err) != OK)
        return FAIL;
    write->row_key = count ? rows[0].key : NULL;
    return OK;
}

/* ------------------------------------------------------------------ journal */

/* One entry for each field that was asked for. */
static enum status take_op(struct asking *a, const struct op *op, struct err *err)
{
    const struct json *payload = tree(a, op->payload), *before = tree(a, op->before);
    const struct json *undoes = json_get(tree(a, op->settings), "undo");
    if (op->kind == OP_DELETE && !a->field)
        payload = tree(a, "{\"(the record)\":\"deleted\"}");
    json_each(member, payload) {
        struct why_write *write = &a->out->writes[a->out->count];
        if (a->field && !text_eq_nocase(member->key, a->field))
            continue;
        if (a->out->count == WRITES_MOST) {
            a->out->more = true;
            return OK;
        }
        *write = (struct why_write){.op = *op,
                                    .field = member->key,
                                    .wrote = json_of(a, member),
                                    .before = json_of(a, json_get_nocase(before, member->key)),
                                    .undoes = undoes ? json_get_int(tree(a, op->settings), "undo", 0)
                                                     : 0};
        name_place(a, write);
        if (name_run(a, write, err) != OK)
            return FAIL;
        a->out->count++;
    }
    return OK;
}

static enum status read_writes(struct asking *a, const char *record_id, struct err *err)
{
    struct store *store = a->engine->store;
    struct op_query query = {.record = record_id, .before_id = INT64_MAX, .limit = 500};
    struct op *ops = NULL;
    size_t count = 0;
    a->out->writes = arena_array(a->arena, WRITES_MOST + 1, sizeof *a->out->writes);
    if (store->does->ops_list(store, a->arena, &query, &ops, &count, err) != OK)
        return FAIL;
    a->out->more = count == query.limit;
    for (size_t i = 0; i < count; i++)
        if (take_op(a, &ops[i], err) != OK)
            return FAIL;
    if (count) {
        a->out->object = ops[0].object;
        if (ops[0].result_id || ops[0].target_id)
            a->out->record_id = ops[0].result_id ? ops[0].result_id : ops[0].target_id;
    }
    return OK;
}

/* -------------------------------------------------------------------- now */

static const struct why_write *newest_done(const struct why *why)
{
    for (size_t i = 0; i < why->count; i++)
        if (why->writes[i].op.state == OP_DONE)
            return &why->writes[i];
    return NULL;
}

static void compare(struct asking *a, const struct crm_object *object, const struct json *record)
{
    const struct why_write *last = newest_done(a->out);
    const struct json *by = json_get_nocase(record, "LastModifiedBy");
    a->out->modified = json_get_text(record, "LastModifiedDate");
    a->out->modified_by = json_get_text(by, "Name");
    if (!a->field)
        return;
    const struct crm_field *field = crm_object_field(object, a->field);
    const struct json *now = json_get_nocase(record, a->field);
    a->out->now = json_of(a, now);
    if (!last)
        a->out->verdict = WHY_NEVER;
    else
        a->out->verdict = field_same(field, tree(a, last->wrote), now) ? WHY_OURS : WHY_CHANGED;
}

static enum status look(struct asking *a, struct crm_session *session, struct err *err)
{
    static const char *const by_id[] = {"Id"};
    const char *fields[4];
    size_t count = 0;
    const struct crm_object *object = session->does->describe(session, a->out->object, err);
    if (!object)
        return FAIL;
    if (a->field && !crm_object_field(object, a->field)) {
        a->out->verdict = WHY_GONE;
        return OK;
    }
    if (crm_object_field(object, "LastModifiedDate"))
        fields[count++] = "LastModifiedDate";
    if (crm_object_field(object, "LastModifiedById"))
        fields[count++] = "LastModifiedBy.Name";
    if (a->field)
        fields[count++] = crm_object_field(object, a->field)->name;
    struct value key = value_of(a->out->record_id);
    struct crm_match *match = NULL;
    struct crm_lookup lookup = {.object = object->name,
                                .match_fields = by_id,
                                .match_count = 1,
                                .keys = &key,
                                .row_count = 1,
                                .return_fields = fields,
                                .return_count = count};
    if (session->does->lookup(session, &lookup, a->arena, &match, err) != OK)
        return FAIL;
    if (match)
        compare(a, object, tree(a, match->record));
    else
        a->out->verdict = WHY_GONE;
    return OK;
}

static enum status ask_org(struct asking *a, const char *connection, struct err *err)
{
    for (size_t i = 0; i < a->out->count && !connection; i++)
        connection = a->out->writes[i].connection;
    if (!connection || !a->out->object)
        return OK; /* we never wrote to it: nobody knows which org it is in */
    if (access_may_build(a->engine, connection, err) != OK) {
        if (!err_is(err, ERR_NOT_A_BUILDER))
            return FAIL;
        a->out->refused = arena_strdup(a->arena, err->message); /* the journal is for everybody */
        err_clear(err);
        return OK;
    }
    struct crm_session *session = engine_session(a->engine, connection, err);
    if (!session)
        return FAIL;
    enum status rc = look(a, session, err);
    session->does->close(session);
    return rc;
}

static enum status check_id(const char *id, struct err *err)
{
    size_t len = strlen(id);
    if ((len == 15 || len == 18) &&
        strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == len)
        return OK;
    err_set(err, ERR_INVALID, "\"%s\" is no record Id: 15 or 18 letters and digits", id);
    err_hint(err, "Copy it from the record's address in Salesforce.");
    return FAIL;
}

enum status engine_why(struct engine *engine, struct arena *arena, const char *record_id,
                       const char *field, const char *connection, bool ask, struct why *out,
                       struct err *err)
{
    struct asking a = {.engine = engine, .arena = arena, .field = field, .out = out};
    struct store *store = engine->store;
    *out = (struct why){.record_id = record_id};
    if (check_id(record_id, err) != OK ||
        store->does->table_list(store, arena, &a.tables, &a.table_count, err) != OK ||
        store->does->connection_list(store, arena, &a.connections, &a.connection_count, err) != OK ||
        read_writes(&a, record_id, err) != OK)
        return FAIL;
    return ask ? ask_org(&a, connection, err) : OK;
}
