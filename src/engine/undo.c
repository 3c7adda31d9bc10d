/* undo.c - see undo.h. Order: the run's operations -> one entry a record, with what
 * each field held before the first and after the last of them -> the records as they
 * are now -> a verdict for every field -> operations, sent like any other.
 *
 * Guards: an operation of an undo names the one it takes back in its settings
 * ("undo"); its cell is then skipped, not written, and a row whose record was taken
 * back has none (columns/salesforce_create.c). */
#include "engine/undo.h"

#include "engine/journal.h"

#include "base/str.h"
#include "store/store_runs.h"

#include <string.h>

#define PAGE       2000
#define PATIENCE_MS 20000

static const char *const verdict_names[] = {"restore", "delete",  "already so", "changed since",
                                            "kept",    "gone",    "cannot"};

const char *undo_verdict_name(enum undo_verdict verdict)
{
    return verdict_names[verdict];
}

struct undo_field {
    const char *name;
    const struct json *before, *written; /* written NULL: not known by this name */
    bool restore;
    struct undo_field *next;
};

struct undo_record {
    const char *id, *object;
    const struct op *last;   /* the run's newest operation on it */
    bool created, adopted;
    const char *cannot;      /* why not, or NULL */
    struct undo_field *fields, **end;
    const struct json *now;  /* as it is; NULL = gone */
    size_t restores;
    bool delete;
    struct undo_record *next;
};

struct undoing {
    struct run_job job;
    struct arena *arena;
    const struct undo_options *options;
    struct undo_report *report;
    struct map *by_id; /* record id -> struct undo_record */
    struct undo_record *first, **end;
};

/* ---------------------------------------------------------------- the run */

static struct undo_record *record_of(struct undoing *u, const struct op *op)
{
    struct undo_record *record = map_get(u->by_id, op->result_id);
    if (record)
        return record;
    record = arena_alloc(u->arena, sizeof *record);
    *record = (struct undo_record){.id = op->result_id, .object = op->object};
    record->end = &record->fields;
    map_put(u->by_id, op->result_id, record);
    *u->end = record;
    u->end = &record->next;
    u->report->records++;
    return record;
}

static struct undo_field *field_of(struct undo_record *record, const char *name)
{
    for (struct undo_field *f = record->fields; f; f = f->next)
        if (text_eq_nocase(f->name, name))
            return f;
    return NULL;
}

static void add_field(struct undoing *u, struct undo_record *record, const char *name,
                      const struct json *before, const struct json *written)
{
    struct undo_field *field = field_of(record, name);
    if (!field) {
        field = arena_alloc(u->arena, sizeof *field);
        *field = (struct undo_field){.name = name, .before = before};
        *record->end = field;
        record->end = &field->next;
    }
    field->written = written;
}

static const struct json *tree(struct undoing *u, const char *text)
{
    struct err ignored = {0};
    return text ? json_parse(u->arena, text, strlen(text), &ignored) : NULL;
}

static void take_op(struct undoing *u, const struct op *op)
{
    struct undo_record *record = record_of(u, op);
    const struct json *payload = tree(u, op->payload), *before = tree(u, op->before);
    record->last = op;
    switch (op->kind) {
    case OP_CREATE:
        record->created = true;
        record->adopted = op->adopted;
        break;
    case OP_UPSERT:
        record->created = record->created || !before;
        break;
    case OP_UPDATE:
        break;
    case OP_DELETE:
        record->cannot = "it was deleted: take it out of Salesforce's recycle bin (15 days), no "
                         "API of ours can";
        break;
    case OP_CONVERT:
        record->cannot = "Salesforce cannot turn a converted lead back";
        break;
    }
    if (record->created) {
        json_each(member, payload) {
            add_field(u, record, member->key, NULL, member);
        }
        return;
    }
    json_each(member, before) {
        add_field(u, record, member->key, member, json_get_nocase(payload, member->key));
    }
}

static enum status read_ops(struct undoing *u, int64_t run_id, struct err *err)
{
    struct store *store = u->job.engine->store;
    struct op_query query = {.run_id = run_id, .states = BIT(OP_DONE), .limit = PAGE};
    for (size_t count = PAGE; count == PAGE;) {
        struct op *ops = NULL;
        if (store->does->ops_list(store, u->arena, &query, &ops, &count, err) != OK)
            return FAIL;
        for (size_t i = 0; i < count; i++)
            if (ops[i].result_id)
                take_op(u, &ops[i]);
        u->report->operations += (int64_t)count;
        if (count)
            query.after_id = ops[count - 1].id;
    }
    if (u->report->operations)
        return OK;
    err_set(err, ERR_INVALID, "run %lld wrote nothing: there is nothing to take back",
            (long long)run_id);
    err_hint(err, "`argil runs` lists what each run did.");
    return FAIL;
}

/* -------------------------------------------------------- as they are now */

static bool same_place(const struct undo_record *a, const struct undo_record *b)
{
    return a->last->connection_id == b->last->connection_id && text_eq_nocase(a->object, b->object);
}

static const char **names_of(struct undoing *u, const struct crm_object *object,
                             struct undo_record **list, size_t count, size_t *name_count)
{
    static const char *const also[] = {"SystemModstamp", "CreatedById", "LastModifiedById"};
    struct map *names = map_new_nocase();
    for (size_t i = 0; i < sizeof also / sizeof *also; i++)
        if (crm_object_field(object, also[i]))
            map_put(names, also[i], (void *)also[i]);
    for (size_t i = 0; i < count; i++)
        for (const struct undo_field *f = list[i]->fields; f; f = f->next)
            if (crm_object_field(object, f->name))
                map_put(names, f->name, (void *)f->name);
    const char **out = arena_array(u->arena, map_count(names) + 1, sizeof *out);
    void *value;
    *name_count = 0;
    for (size_t at = 0; map_next(names, &at, NULL, &value);)
        out[(*name_count)++] = value;
    map_free(names);
    return out;
}

static enum status look(struct undoing *u, struct job_session *on, const struct crm_object *object,
                        struct undo_record **list, size_t count, struct err *err)
{
    static const char *const by_id[] = {"Id"};
    struct value *keys = arena_array(u->arena, count + 1, sizeof *keys);
    struct crm_match **matches = arena_array(u->arena, count + 1, sizeof *matches);
    struct crm_lookup lookup = {.object = object->name,
                                .match_fields = by_id,
                                .match_count = 1,
                                .keys = keys,
                                .row_count = count};
    lookup.return_fields = names_of(u, object, list, count, &lookup.return_count);
    for (size_t i = 0; i < count; i++)
        keys[i] = value_of(list[i]->id);
    if (on->session->does->lookup(on->session, &lookup, u->arena, matches, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++)
        list[i]->now = matches[i] ? tree(u, matches[i]->record) : NULL;
    return OK;
}

/* ---------------------------------------------------------------- verdicts */

static const char *text_of(struct undoing *u, const struct json *value)
{
    struct buf text = BUF_INIT;
    struct jw w;
    if (!value)
        return NULL;
    jw_init(&w, &text);
    jw_value(&w, value);
    const char *copy = arena_strdup(u->arena, buf_text(&text));
    buf_free(&text);
    return copy;
}

static void tell(struct undoing *u, const struct undo_record *record,
                 const struct undo_field *field, enum undo_verdict verdict, const char *reason)
{
    struct undo_line line = {.verdict = verdict,
                             .object = record->object,
                             .record_id = record->id,
                             .reason = reason};
    if (field) {
        line.field = field->name;
        line.before = text_of(u, field->before);
        line.written = text_of(u, field->written);
        line.now = text_of(u, json_get_nocase(record->now, field->name));
    }
    u->report->by_verdict[verdict]++;
    if (u->options->line)
        u->options->line(u->options->ctx, &line);
}

static void judge_field(struct undoing *u, const struct crm_object *object,
                        struct undo_record *record, struct undo_field *field)
{
    const struct crm_field *known = crm_object_field(object, field->name);
    const struct json *now = json_get_nocase(record->now, field->name);
    if (!known)
        tell(u, record, field, UNDO_CANNOT, "the field is gone, or out of sight");
    else if (field_same(known, field->before, now))
        tell(u, record, field, UNDO_ALREADY, NULL);
    else if (!field->written)
        tell(u, record, field, UNDO_CHANGED,
             "it was set through the parent's key: whether it was changed since cannot be told");
    else if (!field_same(known, field->written, now))
        tell(u, record, field, UNDO_CHANGED, NULL);
    else if (!known->updateable)
        tell(u, record, field, UNDO_CANNOT, "the connected user may not change this field");
    else {
        field->restore = true;
        record->restores++;
        tell(u, record, field, UNDO_RESTORE, NULL);
    }
}

/* Nobody else made it or touched it, and it holds what we gave it. NULL, or why it stays. */
static const char *not_ours(struct undoing *u, const struct crm_object *object,
                            const struct undo_record *record, struct job_session *on)
{
    static const char *const whose[] = {"CreatedById", "LastModifiedById"};
    if (record->adopted)
        return "it was found, not made, by this run";
    for (size_t i = 0; i < 2; i++)
        if (!text_eq(json_get_text(record->now, whose[i]), on->connection.user_id))
            return i ? "somebody else has changed the record since"
                     : "another user made the record";
    for (const struct undo_field *f = record->fields; f; f = f->next) {
        const struct crm_field *known = crm_object_field(object, f->name);
        if (known && !field_same(known, f->written, json_get_nocase(record->now, f->name)))
            return arena_printf(u->arena, "its %s was changed since", f->name);
    }
    return NULL;
}

static void judge(struct undoing *u, const struct crm_object *object, struct undo_record *record,
                  struct job_session *on)
{
    const char *why;
    if (record->cannot)
        tell(u, record, NULL, UNDO_CANNOT, record->cannot);
    else if (!record->now)
        tell(u, record, NULL, UNDO_GONE, NULL);
    else if (!record->created)
        for (struct undo_field *f = record->fields; f; f = f->next)
            judge_field(u, object, record, f);
    else if (!u->options->delete_created)
        tell(u, record, NULL, UNDO_KEPT, "the run made it; --delete-created takes it back");
    else if ((why = not_ours(u, object, record, on)))
        tell(u, record, NULL, UNDO_CHANGED, why);
    else {
        record->delete = true;
        tell(u, record, NULL, UNDO_DELETE, NULL);
    }
}

/* Records of one connection and object, as many as one look-up takes. */
static enum status judge_group(struct undoing *u, struct undo_record **list, size_t count,
                               struct err *err)
{
    struct job_session *on = job_session_by_id(&u->job, list[0]->last->connection_id, err);
    if (!on)
        return FAIL;
    if (!text_eq(list[0]->last->org_id, on->connection.org_id))
        return err_set(err, ERR_CRM_WRONG_ORG, "the run wrote to org %s; connection \"%s\" is org %s",
                       list[0]->last->org_id, on->name, on->connection.org_id);
    const struct crm_object *object = job_describe(on, list[0]->object, u->job.engine, err);
    if (!object || look(u, on, object, list, count, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++)
        judge(u, object, list[i], on);
    return OK;
}

static enum status judge_all(struct undoing *u, struct err *err)
{
    struct undo_record **group = arena_array(u->arena, PAGE + 1, sizeof *group);
    size_t count = 0;
    for (struct undo_record *r = u->first; r; r = r->next) {
        if (count && (count == PAGE || !same_place(group[0], r))) {
            if (judge_group(u, group, count, err) != OK)
                return FAIL;
            count = 0;
        }
        group[count++] = r;
    }
    return count ? judge_group(u, group, count, err) : OK;
}

/* -------------------------------------------------------------- operations */

static void put_fields(struct undoing *u, const struct undo_record *record, struct op *op)
{
    struct buf payload = BUF_INIT, before = BUF_INIT;
    struct jw set, held;
    jw_init(&set, &payload);
    jw_init(&held, &before);
    jw_object(&set);
    jw_object(&held);
    for (const struct undo_field *f = record->fields; f; f = f->next) {
        if (!f->restore)
            continue;
        jw_key(&set, f->name);
        jw_value(&set, f->before);
        jw_key(&held, f->name);
        jw_value(&held, json_get_nocase(record->now, f->name));
    }
    jw_end_object(&set);
    jw_end_object(&held);
    op->payload = arena_strdup(u->arena, buf_text(&payload));
    op->before = arena_strdup(u->arena, buf_text(&before));
    buf_free(&payload);
    buf_free(&before);
}

static void fill_op(struct undoing *u, const struct undo_record *record, int64_t generation,
                    struct op *op)
{
    const struct op *of = record->last;
    *op = (struct op){.org_id = of->org_id,
                      .connection_id = of->connection_id,
                      .table_id = of->table_id,
                      .row_id = of->row_id,
                      .column_id = of->column_id,
                      .run_id = u->job.run_id,
                      .generation = generation,
                      .kind = record->delete ? OP_DELETE : OP_UPDATE,
                      .object = of->object,
                      .target_id = record->id,
                      .base_stamp = json_get_text(record->now, "SystemModstamp"),
                      .mode = MODE_KEYED,
                      .state = OP_PLANNED,
                      .created_ms = engine_now(u->job.engine)};
    op->settings =
        arena_printf(u->arena, "{\"if_changed\":\"theirs\",\"undo\":%lld}", (long long)of->id);
    if (record->delete) {
        op->payload = "{}";
        op->before = text_of(u, record->now);
    } else {
        put_fields(u, record, op);
    }
    uuid4(u->job.engine->world, op->key);
    sha256_hex(op->payload, strlen(op->payload), op->payload_sha256);
}

/* The cell's newest operation must have ended: another one under way goes first. */
static enum status next_generation(struct undoing *u, const struct op *of, int64_t *out,
                                   struct err *err)
{
    struct store *store = u->job.engine->store;
    struct op newest = {0};
    if (store->does->ops_last(store, u->arena, of->table_id, of->column_id, &of->row_id, 1, &newest,
                              err) != OK)
        return FAIL;
    *out = newest.id && op_state_final(newest.state) ? newest.generation + 1 : 0;
    return OK;
}

struct batch {
    struct op *ops;
    struct cell_result *cells;
    enum plan_result *results;
    size_t count;
};

/* Operations of one column. */
static enum status send(struct undoing *u, const struct op_target *target, struct batch *batch,
                        struct err *err)
{
    struct store *store = u->job.engine->store;
    size_t kept = 0;
    if (!batch->count)
        return OK;
    if (store->does->ops_plan(store, batch->ops, batch->count, batch->results, batch->cells, NULL,
                              err) != OK)
        return err_wrap(err, "planning %zu operations", batch->count);
    for (size_t i = 0; i < batch->count; i++) {
        if (batch->results[i] == PLAN_NEW)
            batch->ops[kept++] = batch->ops[i];
        else
            report_refusal(&u->report->run, "write.busy",
                           "another write to the same record is under way; undo again when it ended");
    }
    batch->count = 0;
    u->report->planned += (int64_t)kept;
    return kept ? journal_send(&u->job, target, batch->ops, kept, err) : OK;
}

static enum status add_to(struct undoing *u, struct batch *batch, const struct op_target *target,
                          const struct undo_record *record, struct err *err)
{
    int64_t generation;
    if (next_generation(u, record->last, &generation, err) != OK)
        return FAIL;
    if (!generation) {
        report_refusal(&u->report->run, "write.busy",
                       "another write of the same cell is under way; undo again when it ended");
        return OK;
    }
    const struct column *column = target->plan->column;
    fill_op(u, record, generation, &batch->ops[batch->count]);
    batch->cells[batch->count++] = (struct cell_result){.row_id = record->last->row_id,
                                                        .column_id = column->id,
                                                        .slot = column->slot,
                                                        .state = CELL_QUEUED};
    return OK;
}

static bool wanted(const struct undo_record *record)
{
    return record->delete || record->restores;
}

/* Column by column, since each has its own place for outcomes. */
static enum status send_column(struct undoing *u, struct undo_record *from, struct err *err)
{
    struct op_target target;
    struct batch batch = {.ops = arena_array(u->arena, PAGE, sizeof *batch.ops),
                          .cells = arena_array(u->arena, PAGE, sizeof *batch.cells),
                          .results = arena_array(u->arena, PAGE, sizeof *batch.results)};
    const struct op *of = from->last;
    int64_t column_id = of->column_id, connection_id = of->connection_id;
    if (journal_target(&u->job, of, &target, err) != OK)
        return FAIL;
    for (struct undo_record *r = from; r; r = r->next) {
        if (!wanted(r) || r->last->column_id != column_id || r->last->connection_id != connection_id)
            continue;
        if (!target.plan)
            tell(u, r, NULL, UNDO_CANNOT, "its column is gone from the table");
        else if (add_to(u, &batch, &target, r, err) != OK)
            return FAIL;
        r->delete = false;
        r->restores = 0; /* taken */
        if (batch.count == PAGE && send(u, &target, &batch, err) != OK)
            return FAIL;
    }
    return send(u, &target, &batch, err);
}

static enum status send_all(struct undoing *u, int64_t table_id, struct err *err)
{
    for (struct undo_record *r = u->first; r; r = r->next)
        if (wanted(r) && send_column(u, r, err) != OK)
            return FAIL;
    return journal_drain(&u->job, table_id, PATIENCE_MS, err);
}

/* -------------------------------------------------------------------- run */

static enum status end(struct undoing *u, enum status rc, struct err *err)
{
    struct store *store = u->job.engine->store;
    struct world *world = u->job.engine->world;
    struct err late = {0};
    u->report->run.took_ms = world->monotonic_ms(world) - u->job.started_ms;
    job_sum_calls(&u->job);
    if (store->does->run_end(store, u->job.run_id, rc == OK ? RUN_DONE : RUN_FAILED,
                             run_report_json(u->arena, &u->report->run), rc == OK ? NULL : err->message,
                             &late) == OK)
        return rc;
    if (rc == OK)
        *err = late;
    return FAIL;
}

static enum status write_back(struct undoing *u, int64_t table_id, int64_t undone, struct err *err)
{
    struct store *store = u->job.engine->store;
    struct arena *arena = u->arena;
    if (job_begin_run(&u->job, table_id, "undo", err) != OK)
        return FAIL;
    u->report->run_id = u->report->run.run_id = u->job.run_id;
    enum status rc = store->does->audit_add(
        store, engine_actor(u->job.engine), "undo",
        arena_printf(arena, "{\"run\":%lld,\"undoes\":%lld}", (long long)u->job.run_id,
                     (long long)undone),
        err);
    if (rc == OK)
        rc = send_all(u, table_id, err);
    return end(u, rc, err);
}

enum status engine_undo(struct engine *engine, int64_t run_id, const struct undo_options *options,
                        struct undo_report *report, struct err *err)
{
    struct undoing u = {.options = options, .report = report};
    struct run_options none = {0};
    struct run of = {0};
    memset(report, 0, sizeof *report);
    if (run_job_open(&u.job, engine, &report->run, &none, err) != OK)
        return FAIL;
    u.arena = u.job.arena;
    u.by_id = map_new();
    u.end = &u.first;
    struct store *store = engine->store;
    enum status rc = store->does->runs->get(store, u.arena, run_id, &of, err);
    if (rc == OK && !options->dry_run)
        rc = journal_recover_job(&u.job, of.table_id, err);
    if (rc == OK)
        rc = read_ops(&u, run_id, err);
    if (rc == OK)
        rc = judge_all(&u, err);
    if (rc == OK && !options->dry_run)
        rc = write_back(&u, of.table_id, run_id, err);
    job_sum_calls(&u.job);
    map_free(u.by_id);
    run_job_close(&u.job);
    return rc;
}
