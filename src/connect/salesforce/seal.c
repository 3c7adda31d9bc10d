/* seal.c - gives an object the field that holds our keys.
 *
 * Facts: POST /tooling/sobjects/CustomField {"FullName":"Lead.Argil_Key__c","Metadata":
 * {...}} makes a field and wants Customize Application; a new field is seen by nobody
 * until field-level security allows it, which a FieldPermissions record on a permission
 * set does (wants Manage Profiles and Permission Sets), and the set is assigned by a
 * PermissionSetAssignment. Fields of tasks and events belong to Activity, which takes no
 * unique External ID field [V].
 *
 * Every step looks first: repeated after a failure it does only what is missing. */
#include "connect/salesforce/sf_priv.h"

#include "base/str.h"

#include <string.h>

#define FIELD "Argil_Key__c"
#define BARE  "Argil_Key" /* as the Tooling API names it */
#define SET   "Argil_Keys"

struct sealing {
    struct sf *sf;
    struct arena *arena;
    struct crm_seal *out;
    bool dry_run;
    struct err *err;
    char set_id[19];
};

static void step(struct sealing *s, const char *what)
{
    if (s->out->step_count < sizeof s->out->steps / sizeof *s->out->steps)
        s->out->steps[s->out->step_count++] = arena_strdup(s->arena, what);
}

static void click(struct sealing *s, const char *what)
{
    if (s->out->click_count < sizeof s->out->clicks / sizeof *s->out->clicks)
        s->out->clicks[s->out->click_count++] = arena_strdup(s->arena, what);
}

/* ------------------------------------------------------------------- the wire */

/* The first record's text of a query, on data or setup objects; *found NULL = there is none. */
static enum status look(struct sealing *s, const char *path, const char *soql, const char *field,
                        const char **found)
{
    const struct json *body = NULL;
    struct buf text = BUF_INIT;
    buf_printf(&text, "%s?q=", path);
    for (const char *p = soql; *p; p++) {
        if (*p == ' ')
            buf_char(&text, '+');
        else if (*p == '\'' || *p == '=')
            buf_printf(&text, "%%%02X", (unsigned char)*p);
        else
            buf_char(&text, *p);
    }
    struct sf_call call = {.path = arena_strdup(s->arena, buf_text(&text)),
                           .what = "looking at the org's setup"};
    buf_free(&text);
    *found = NULL;
    if (sf_read(s->sf, &call, s->arena, &body, s->err) != OK)
        return FAIL;
    *found = json_get_text(json_at(json_get(body, "records"), 0), field);
    return OK;
}

/* A record of setup is made: one request. A refusal is OK with *id empty: clicks follow. */
static enum status make(struct sealing *s, const char *path, const struct buf *body,
                        const char *what, char id[19])
{
    struct http_response response;
    struct err ignored = {0};
    struct sf_call call = {.method = "POST", .path = path, .body = body->data,
                           .body_len = body->len, .what = what, .fresh = true,
                           .timeout_ms = 60000};
    id[0] = 0;
    if (sf_send(s->sf, &call, &response, s->err) != OK) {
        http_response_free(&response);
        return err_wrap(s->err, "%s; run the command again, it goes on where it was", what);
    }
    const struct json *answer =
        response.body.len ? json_parse_buf(s->arena, &response.body, &ignored) : NULL;
    const char *made = json_get_text(answer, "id");
    if (response.status / 100 == 2 && made) {
        snprintf(id, 19, "%s", made);
    } else {
        struct err why = {0};
        sf_fail(s->sf, &call, response.status, answer, &response.body, &why);
        s->out->why = arena_printf(s->arena, "%s", why.message);
    }
    http_response_free(&response);
    return OK;
}

/* ------------------------------------------------------------------- the field */

static void field_clicks(struct sealing *s)
{
    click(s, arena_printf(s->arena, "Setup, Object Manager, %s, Fields & Relationships, New",
                          s->out->object));
    click(s, "Data type Text; label \"Argil Key\", length 36, name Argil_Key");
    click(s, "Tick Unique, \"treat ABC and abc as different values\", and External ID");
    click(s, "Field-level security: visible to the connected user's profile or permission set, not "
             "read-only; no page layout");
}

static void field_body(const struct sealing *s, struct buf *text)
{
    struct jw w;
    jw_init(&w, text);
    jw_object(&w);
    jw_kv_text(&w, "FullName", arena_printf(s->arena, "%s." FIELD, s->out->object));
    jw_key(&w, "Metadata");
    jw_object(&w);
    jw_kv_text(&w, "label", "Argil Key");
    jw_kv_text(&w, "type", "Text");
    jw_kv_int(&w, "length", 36);
    jw_kv_bool(&w, "unique", true);
    jw_kv_bool(&w, "caseSensitive", true);
    jw_kv_bool(&w, "externalId", true);
    jw_kv_bool(&w, "required", false);
    jw_kv_text(&w, "description",
               "Holds the key of the write that made this record, so that it is never made twice. "
               "Keep it unique.");
    jw_end_object(&w);
    jw_end_object(&w);
}

/* It may be there and hidden: then only the permission is missing. */
static enum status field_made(struct sealing *s)
{
    const char *there = NULL;
    struct err unseen = {0};
    struct sealing quiet = *s;
    quiet.err = &unseen;
    if (look(&quiet, "/tooling/query",
             arena_printf(s->arena,
                          "SELECT Id FROM CustomField WHERE DeveloperName = '" BARE
                          "' AND TableEnumOrId = '%s'",
                          s->out->object),
             "Id", &there) == OK && there)
        return OK;
    step(s, arena_printf(s->arena, "field %s." FIELD ": Text(36), unique, case-sensitive, External ID",
                         s->out->object));
    if (s->dry_run)
        return OK;
    struct buf body = BUF_INIT;
    char id[19];
    field_body(s, &body);
    enum status rc = make(s, "/tooling/sobjects/CustomField", &body, "making the key field", id);
    buf_free(&body);
    if (rc == OK && !id[0]) {
        s->out->step_count--;
        field_clicks(s);
    }
    return rc;
}

/* ---------------------------------------------------------------- the permission */

static void permission_clicks(struct sealing *s)
{
    click(s, "Setup, Permission Sets, one that is assigned to the connected user (or a new one)");
    click(s, arena_printf(s->arena,
                          "Object Settings, %s, Edit: tick Read Access and Edit Access of Argil Key",
                          s->out->object));
    click(s, arena_printf(s->arena, "Manage Assignments: %s",
                          s->sf->connection.username ? s->sf->connection.username
                                                     : "the connected user"));
}

static enum status set_made(struct sealing *s)
{
    const char *id = NULL;
    if (look(s, "/query", "SELECT Id FROM PermissionSet WHERE Name = '" SET "'", "Id", &id) != OK)
        return FAIL;
    if (id) {
        snprintf(s->set_id, sizeof s->set_id, "%s", id);
        return OK;
    }
    step(s, "permission set " SET);
    if (s->dry_run)
        return OK;
    struct buf body = BUF_INIT;
    buf_str(&body, "{\"Name\":\"" SET "\",\"Label\":\"Argil keys\",\"Description\":"
                   "\"Read and edit the fields that keep records from being made twice.\"}");
    enum status rc =
        make(s, "/sobjects/PermissionSet", &body, "making the permission set", s->set_id);
    buf_free(&body);
    return rc;
}

static enum status field_allowed(struct sealing *s)
{
    const char *edit = NULL;
    const char *field = arena_printf(s->arena, "%s." FIELD, s->out->object);
    if (s->set_id[0] &&
        look(s, "/query",
             arena_printf(s->arena,
                          "SELECT Id FROM FieldPermissions WHERE ParentId = '%s' AND Field = '%s' "
                          "AND PermissionsEdit = true",
                          s->set_id, field),
             "Id", &edit) != OK)
        return FAIL;
    if (edit)
        return OK;
    step(s, arena_printf(s->arena, "%s may be read and edited by " SET, field));
    if (s->dry_run)
        return OK;
    struct buf body = BUF_INIT;
    char id[19];
    buf_printf(&body,
               "{\"ParentId\":\"%s\",\"SobjectType\":\"%s\",\"Field\":\"%s\","
               "\"PermissionsRead\":true,\"PermissionsEdit\":true}",
               s->set_id, s->out->object, field);
    enum status rc = make(s, "/sobjects/FieldPermissions", &body, "allowing the key field", id);
    buf_free(&body);
    if (rc == OK && !id[0])
        s->set_id[0] = 0;
    return rc;
}

static enum status set_assigned(struct sealing *s)
{
    const char *there = NULL, *user = s->sf->connection.user_id;
    if (s->set_id[0] &&
        look(s, "/query",
             arena_printf(s->arena,
                          "SELECT Id FROM PermissionSetAssignment WHERE PermissionSetId = '%s' AND "
                          "AssigneeId = '%s'",
                          s->set_id, user),
             "Id", &there) != OK)
        return FAIL;
    if (there)
        return OK;
    step(s, arena_printf(s->arena, SET " is assigned to %s",
                         s->sf->connection.username ? s->sf->connection.username : user));
    if (s->dry_run)
        return OK;
    struct buf body = BUF_INIT;
    char id[19];
    buf_printf(&body, "{\"PermissionSetId\":\"%s\",\"AssigneeId\":\"%s\"}", s->set_id, user);
    enum status rc =
        make(s, "/sobjects/PermissionSetAssignment", &body, "assigning the permission set", id);
    buf_free(&body);
    if (rc == OK && !id[0])
        s->set_id[0] = 0;
    return rc;
}

static enum status permission_given(struct sealing *s)
{
    size_t told = s->out->step_count;
    enum status rc = set_made(s);
    if (rc == OK && (s->set_id[0] || s->dry_run)) {
        told = s->out->step_count;
        rc = field_allowed(s);
    }
    if (rc == OK && (s->set_id[0] || s->dry_run)) {
        told = s->out->step_count;
        rc = set_assigned(s);
    }
    if (rc != OK || s->dry_run || s->set_id[0])
        return rc;
    s->out->step_count = told; /* the last one was refused */
    permission_clicks(s);
    return OK;
}

/* --------------------------------------------------------------------- all of it */

static bool usable(const struct crm_field *field)
{
    return field->createable && field->unique && field->external_id && field->case_sensitive &&
           field->length >= 36 && text_eq(field->type, "string");
}

/* There, but not what it must be: somebody made it by hand, or took Unique away. */
static void mend_clicks(struct sealing *s, const struct crm_field *field)
{
    s->out->why = field->createable
                      ? FIELD " is there, but not Text(36), unique, case-sensitive and External ID"
                      : FIELD " is there, but the connected user may not edit it";
    if (!field->createable) {
        permission_clicks(s);
        return;
    }
    click(s, arena_printf(s->arena, "Setup, Object Manager, %s, Fields & Relationships, Argil Key, Edit",
                          s->out->object));
    click(s, "Tick Unique, \"treat ABC and abc as different values\", and External ID; length 36");
}

enum status sf_seal(struct crm_session *session, struct arena *arena, const char *name,
                    bool dry_run, struct crm_seal *out, struct err *err)
{
    struct sealing s = {.sf = sf_of(session), .arena = arena, .out = out, .dry_run = dry_run,
                        .err = err};
    const struct crm_object *object = sf_describe(session, name, err);
    *out = (struct crm_seal){.field = FIELD};
    if (!object)
        return FAIL;
    out->object = arena_strdup(arena, object->name);
    const struct crm_field *field = crm_object_field(object, FIELD);
    if (field && usable(field)) {
        out->there = true;
        return OK;
    }
    if (text_eq(object->name, "Task") || text_eq(object->name, "Event"))
        return err_set(err, "seal.activity",
                       "%s takes no key field: its fields belong to Activity, which has no unique "
                       "External IDs. A column with transport: bulk is ticketed instead",
                       object->name);
    if (!object->createable)
        return err_set(err, "seal.not_createable", "records of %s cannot be created by %s",
                       object->name,
                       s.sf->connection.username ? s.sf->connection.username : "this user");
    if (field && field->createable) {
        mend_clicks(&s, field);
        return OK;
    }
    if (field_made(&s) != OK)
        return FAIL;
    return out->click_count ? OK : permission_given(&s);
}
