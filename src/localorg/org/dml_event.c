/* dml_event.c - publishing a platform event: checked like a record, kept as an
 * event, never stored. The answer carries a receipt, OPERATION_ENQUEUED with
 * the event's uuid, as a successful row does nowhere else. It is published when
 * the transaction commits. */
#include "localorg/org/events_priv.h"

#include "base/when.h"

struct publishing {
    struct work *work;
    const struct draft *draft;
    const char *schema_id, *uuid;
};

static void write_payload(struct jw *w, const struct publishing *p)
{
    char created[32];
    when_iso(p->work->now_ms, created);
    jw_object(w);
    jw_kv_text(w, "CreatedDate", created);
    jw_kv_text(w, "CreatedById", p->work->user);
    for (size_t i = 0; i < p->draft->object->field_count; i++) {
        const struct field *field = p->draft->object->fields[i];
        if (!field->custom || !field->stored)
            continue;
        jw_key(w, field->name);
        change_value(w, field, &p->draft->cells[i]);
    }
    jw_end_object(w);
}

static void event_write(struct jw *w, int64_t replay_id, void *ctx)
{
    const struct publishing *p = ctx;
    jw_object(w);
    jw_kv_text(w, "schema", p->schema_id);
    jw_key(w, "payload");
    write_payload(w, p);
    jw_key(w, "event");
    jw_object(w);
    if (p->work->options->api_version >= 52)
        jw_kv_text(w, "EventUuid", p->uuid);
    jw_kv_int(w, "replayId", replay_id);
    jw_end_object(w);
    jw_end_object(w);
}

bool row_publish(struct work *work, struct draft *draft)
{
    char uuid[37], schema_id[24];
    if (!may_make(work, draft))
        return row_error(work, draft->result, "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", NULL, 0,
                         "entity type cannot be inserted: %s", draft->object->label);
    if (!body_read(work, draft) || !fill_insert(work, draft) || !check_required(work, draft))
        return false;
    uuid4(org_world(work->org), uuid);
    org_event_schema_id(draft->object, false, schema_id);
    struct publishing publishing = {work, draft, schema_id, uuid};
    if (org_event_publish(work->org, EVENT_PLATFORM, draft->object->name, event_write, &publishing,
                          work->err) != OK ||
        org_next_id(work->org, draft->object, draft->id, work->err) != OK)
        return work_broke(work);
    row_error(work, draft->result, "OPERATION_ENQUEUED", NULL, 0, "%s", uuid);
    return true;
}
