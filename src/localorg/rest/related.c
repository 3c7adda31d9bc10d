/* related.c - where a path goes on behind a record: /sobjects/Contact/<id>/Account/Owner
 * is the owner of its account, .../Account/<id>/Contacts its contacts,
 * .../Attachment/<id>/Body its file.
 *
 * Up to five steps go up, as in SOQL; children and files end the way. */
#include "localorg/rest/blobs.h"
#include "localorg/rest/query.h"
#include "localorg/rest/resources.h"
#include "localorg/rest/rows.h"

#include "base/str.h"

#include <string.h>

#define STEPS_UP 5

struct place {
    const struct sobject *object;
    char id[19];
};

static bool reads(const struct call *call)
{
    return strcmp(call->method, "GET") == 0 || strcmp(call->method, "HEAD") == 0;
}

/* To the record the lookup names. False when there is none the user may see. */
static bool step_up(struct call *call, const struct field *lookup, struct place *at)
{
    const char *name = lookup->name, *parent_id = NULL;
    if (call_may_field(call, lookup, ORG_READ))
        records_texts(call, at->object->name, at->id, &name, 1, &parent_id);
    const struct sobject *parent =
        parent_id ? schema_by_prefix(org_schema(call->site->org), parent_id) : NULL;
    if (!parent || !id_canonical(parent_id, at->id))
        return false;
    at->object = parent;
    return org_may_object(call->site->org, call->session.user_id, parent, ORG_READ) &&
           records_state(call, parent, at->id, NULL) == RECORD_LIVE;
}

static void answer_record(struct call *call, const struct place *at)
{
    if (reads(call))
        answer_row(call, at->object, at->id);
    else if (strcmp(call->method, "DELETE") == 0)
        answer_written(call, DML_DELETE, at->object, at->id, NULL);
    else if (rows_body(call))
        answer_written(call, DML_UPDATE, at->object, at->id, rows_body(call));
}

static void answer_children(struct call *call, const struct child_relationship *children,
                            const struct place *at)
{
    const char *asked = call_param(call, "fields");
    const struct sobject *child = call_object(call, children->child_sobject);
    if (!child)
        return;
    query_answer(call,
                 arena_printf(call->arena, "SELECT %s FROM %s WHERE %s = '%s'",
                              asked && *asked ? asked : records_fields(call, child), child->name,
                              children->field, at->id),
                 false);
}

/* What ends the way: a file, or children. */
static bool answer_end(struct call *call, const struct place *at, const char *name, size_t len)
{
    const struct field *field = sobject_field_n(at->object, name, len);
    const struct child_relationship *children = sobject_child(at->object, name, len);
    if (!reads(call))
        return false;
    if (field && field->type == FT_BASE64 && call_may_field(call, field, ORG_READ))
        blobs_answer(call, field, at->id);
    else if (children)
        answer_children(call, children, at);
    else
        return false;
    return true;
}

static void follow(struct call *call, struct place *at, const char *path)
{
    for (int up = 0; *path; up++) {
        size_t len = strcspn(path, "/");
        bool last = path[len] == '\0';
        const struct field *lookup = sobject_parent(at->object, path, len);
        if (last && answer_end(call, at, path, len))
            return;
        if (!lookup || up == STEPS_UP || !step_up(call, lookup, at)) {
            answer_not_found(call);
            return;
        }
        path += len + !last;
    }
    answer_record(call, at);
}

bool related_answer(struct call *call, const struct sobject *object)
{
    struct place at = {.object = object};
    if (!id_canonical(call->args[1], at.id) || !object->key_prefix ||
        strncmp(at.id, object->key_prefix, 3) != 0)
        return false;
    if (rows_id(call, object, at.id, at.id))
        follow(call, &at, call->args[2]);
    return true;
}

void rows_related(struct call *call)
{
    const struct sobject *object = call_object(call, call->args[0]);
    if (object && !related_answer(call, object))
        answer_not_found(call);
}
