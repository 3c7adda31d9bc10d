/* object_drift.c - what of an object differs from what its recipe was made for.
 *
 * Kept with the source: the fields as they were when the recipe was applied
 * ("known"), and what was found since: gone, retyped, new. A field that is gone, or of
 * another type than its column, is not read: its column alone keeps its values, and
 * is filled again when the field is back, because other fields mean a full read.
 * Applying the recipe again begins anew: what it takes is known then. */
#include "engine/sources/object_drift.h"

#include "base/str.h"
#include "engine/sources/object_fields.h"
#include "store/store_sources.h"

#include <string.h>

struct drift {
    struct object_pull *pull;
    const struct json *known; /* {"Name":"string"}; NULL = nothing was known: no drift */
    struct jw w;
    struct buf text, said;
    size_t new_count;
};

static void read_known(struct drift *d)
{
    struct sync *sync = d->pull->sync;
    struct err ignored = {0};
    const char *text = sync->from->drift;
    const struct json *kept =
        text ? json_parse(sync->job.arena, text, strlen(text), &ignored) : NULL;
    if (kept && json_get_int(kept, "recipe_ms", 0) == sync->table->table.changed_ms)
        d->known = json_get(kept, "known");
}

/* Each field of this source, paths through parents too, as describe shows it now. */
static enum status look_up(struct object_pull *pull, struct err *err)
{
    const struct table *table = &pull->sync->table->table;
    pull->now =
        arena_array(pull->sync->job.arena, table->column_count + 1, sizeof(struct crm_field *));
    for (size_t i = 0; i < table->column_count; i++) {
        const char *field = sync_field_of(pull->sync, &table->columns[i]);
        if (field && object_field_resolve(pull->on->session, pull->object, field, &pull->now[i],
                                          err) != OK)
            return FAIL;
    }
    return OK;
}

/* What the column's field was when the recipe was applied; NULL = not known. */
static const char *type_known(const struct object_pull *pull, size_t column, const char *field)
{
    const struct crm_field *now = pull->now[column];
    return json_get_text(pull->known, strchr(field, '.') || !now ? field : now->name);
}

/* Of another type than when the recipe was applied, which its column does not fit. */
static bool retyped(const struct object_pull *pull, size_t column, const char *field)
{
    const struct crm_field *now = pull->now[column];
    const char *was = type_known(pull, column, field);
    return now && was && !text_eq(was, now->type) &&
           source_type_of(now) != pull->sync->table->table.columns[column].type;
}

bool object_drift_readable(const struct object_pull *pull, const char *field)
{
    const struct table *table = &pull->sync->table->table;
    for (size_t i = 0; i < table->column_count; i++)
        if (text_eq(sync_field_of(pull->sync, &table->columns[i]), field))
            return pull->now[i] && !retyped(pull, i, field);
    return false;
}

/* "Owner.Name": only what the table reads. */
static void write_known_paths(struct drift *d)
{
    const struct table *table = &d->pull->sync->table->table;
    for (size_t i = 0; i < table->column_count; i++) {
        const char *field = sync_field_of(d->pull->sync, &table->columns[i]);
        if (field && strchr(field, '.') && d->pull->now[i])
            jw_kv_text(&d->w, field, d->pull->now[i]->type);
    }
}

static void write_known(struct drift *d)
{
    const struct crm_object *object = d->pull->object;
    jw_key(&d->w, "known");
    if (d->known) {
        jw_value(&d->w, d->known);
        return;
    }
    jw_object(&d->w);
    for (size_t i = 0; i < object->field_count; i++)
        jw_kv_text(&d->w, object->fields[i].name, object->fields[i].type);
    write_known_paths(d);
    jw_end_object(&d->w);
}

static void write_gone(struct drift *d)
{
    const struct table *table = &d->pull->sync->table->table;
    jw_key(&d->w, "gone");
    jw_array(&d->w);
    for (size_t i = 0; i < table->column_count; i++) {
        const char *field = sync_field_of(d->pull->sync, &table->columns[i]);
        if (field && !d->pull->now[i])
            jw_text(&d->w, field);
    }
    jw_end_array(&d->w);
}

static void write_retyped(struct drift *d)
{
    const struct table *table = &d->pull->sync->table->table;
    jw_key(&d->w, "retyped");
    jw_array(&d->w);
    for (size_t i = 0; i < table->column_count; i++) {
        const char *field = sync_field_of(d->pull->sync, &table->columns[i]);
        if (!field || !retyped(d->pull, i, field))
            continue;
        const char *was = type_known(d->pull, i, field);
        const char *is = d->pull->now[i]->type;
        jw_object(&d->w);
        jw_kv_text(&d->w, "field", field);
        jw_kv_text(&d->w, "was", was);
        jw_kv_text(&d->w, "now", is);
        jw_end_object(&d->w);
        buf_printf(&d->said, "; %s was %s and is %s: apply the recipe again to take it", field, was,
                   is);
    }
    jw_end_array(&d->w);
}

#define NEW_NAMED 5

static void write_new(struct drift *d)
{
    const struct crm_object *object = d->pull->object;
    jw_key(&d->w, "new");
    jw_array(&d->w);
    for (size_t i = 0; d->known && i < object->field_count; i++) {
        const char *name = object->fields[i].name;
        if (json_get(d->known, name))
            continue;
        jw_text(&d->w, name);
        if (d->new_count++ < NEW_NAMED)
            buf_printf(&d->said, "%s%s", d->new_count == 1 ? "; new fields: " : ", ", name);
    }
    jw_end_array(&d->w);
    if (d->new_count > NEW_NAMED)
        buf_printf(&d->said, " and %zu more", d->new_count - NEW_NAMED);
}

enum status object_drift_look(struct object_pull *pull, struct err *err)
{
    struct sync *sync = pull->sync;
    struct store *store = sync->job.engine->store;
    struct drift d = {.pull = pull};
    if (look_up(pull, err) != OK)
        return FAIL;
    read_known(&d);
    pull->known = d.known;
    jw_init(&d.w, &d.text);
    jw_object(&d.w);
    jw_kv_int(&d.w, "recipe_ms", sync->table->table.changed_ms);
    write_known(&d);
    write_gone(&d);
    write_retyped(&d);
    write_new(&d);
    jw_end_object(&d.w);
    buf_str(&sync->notes, buf_text(&d.said));
    enum status rc = OK;
    if (!text_eq(buf_text(&d.text), sync->from->drift))
        rc = store->does->sources->drift_put(store, sync->table->table.id, sync->from->slot,
                                             buf_text(&d.text), err);
    buf_free(&d.text);
    buf_free(&d.said);
    return rc;
}
