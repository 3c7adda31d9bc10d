/* object_refresh.c - fields whose values change without a new SystemModstamp.
 *
 * Formulas change with the day and with other records, roll-ups with their
 * children, a parent's fields with the parent (F-30). Every `refresh` they are read
 * again, and only they, for the records that the window has covered: younger ones
 * come whole with the next window. Rows that are not there are left to the sweep. */
#include "engine/sources/object_pull.h"

#include "base/str.h"

#include <string.h>

static bool leaves_no_stamp(const struct object_pull *pull, const char *field)
{
    const struct crm_field *f;
    if (strchr(field, '.'))
        return true;
    f = crm_object_field(pull->object, field);
    /* roll-ups are not marked as calculated everywhere [V]: nobody can write them */
    return f && (f->calculated || (f->custom && !f->createable && !f->updateable));
}

/* The sync's own fields, put aside while only some of them are read. */
struct fields {
    const char **fields;
    int *slots;
    const struct column **columns;
    size_t count;
};

static struct fields fields_of(const struct sync *sync)
{
    return (struct fields){sync->fields, sync->slots, sync->columns, sync->field_count};
}

static void use_fields(struct sync *sync, const struct fields *f)
{
    sync->fields = f->fields;
    sync->slots = f->slots;
    sync->columns = f->columns;
    sync->field_count = f->count;
}

static struct fields silent_fields(const struct object_pull *pull)
{
    const struct sync *sync = pull->sync;
    struct arena *arena = sync->job.arena;
    struct fields out = {.count = 0};
    out.fields = arena_array(arena, sync->field_count + 1, sizeof *out.fields);
    out.slots = arena_array(arena, sync->field_count + 1, sizeof *out.slots);
    out.columns = arena_array(arena, sync->field_count + 1, sizeof *out.columns);
    for (size_t i = 0; i < sync->field_count; i++) {
        if (!leaves_no_stamp(pull, sync->fields[i]))
            continue;
        out.fields[out.count] = sync->fields[i];
        out.slots[out.count] = sync->slots[i];
        out.columns[out.count++] = sync->columns[i];
    }
    return out;
}

static bool is_due(const struct object_pull *pull)
{
    return pull->refresh_every_ms &&
           object_server_now(pull) - pull->cursor.formulas_ms >= pull->refresh_every_ms;
}

static enum status read_silent(struct object_pull *pull, struct err *err)
{
    struct sync *sync = pull->sync;
    struct crm_read read = {.object = pull->object->name,
                            .fields = sync->fields,
                            .field_count = sync->field_count,
                            .where = pull->where,
                            .since_id = pull->cursor.id,
                            .place = pull->cursor.place,
                            .until_ms = pull->has_stamp ? pull->cursor.covered_ms : 0,
                            .expected = sync->report->remote_count,
                            .transport = pull->transport};
    int64_t changed = sync->report->counts.changed;
    sync->known_only = true;
    enum status rc = object_read_pages(pull, &read, "reading formula fields again",
                                       sync->report->remote_count, err);
    sync->known_only = false;
    pull->refreshed += sync->report->counts.changed - changed;
    return rc;
}

enum status object_refresh(struct object_pull *pull, struct err *err)
{
    struct sync *sync = pull->sync;
    struct fields whole = fields_of(sync), silent = silent_fields(pull);
    if (!silent.count || (pull->cursor.phase != PULL_REFRESH && !is_due(pull)))
        return OK;
    if (pull->cursor.phase != PULL_REFRESH) {
        pull->cursor.phase = PULL_REFRESH;
        pull->cursor.refresh_ms = object_server_now(pull);
        if (object_store_cursor(pull, err) != OK)
            return FAIL;
    }
    use_fields(sync, &silent);
    enum status rc = read_silent(pull, err);
    use_fields(sync, &whole);
    if (rc != OK)
        return FAIL;
    pull->cursor.phase = PULL_IDLE;
    pull->cursor.id = pull->cursor.stamp = pull->cursor.place = NULL;
    pull->cursor.formulas_ms = pull->cursor.refresh_ms;
    return object_store_cursor(pull, err);
}
