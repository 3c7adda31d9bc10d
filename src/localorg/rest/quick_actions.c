/* quick_actions.c - the quick actions a new org has, those that create a record:
 * globally (/quickActions) and in front of a record (/sobjects/X/quickActions).
 *
 * In front of a record the new one points to it by the first lookup that fits.
 * Which keys an answer has is told by the SOAP guide's DescribeQuickActionResult
 * and by clients; the actions of Chatter and e-mail are not here. */
#include "localorg/rest/quick_actions.h"

#include "localorg/rest/defaults.h"
#include "localorg/rest/layouts.h"
#include "localorg/rest/records.h"
#include "localorg/rest/resources.h"

#include "base/str.h"
#include "base/when.h"

#include <string.h>

struct action {
    const char *name, *label, *type, *target;
};

static const struct action actions[] = {
    {"NewTask", "New Task", "Create", "Task"},
    {"LogACall", "Log a Call", "LogACall", "Task"},
    {"NewEvent", "New Event", "Create", "Event"},
    {"NewContact", "New Contact", "Create", "Contact"},
    {"NewOpportunity", "New Opportunity", "Create", "Opportunity"},
    {"NewCase", "New Case", "Create", "Case"},
    {"NewLead", "New Lead", "Create", "Lead"},
    {"NewAccount", "New Account", "Create", "Account"},
};

/* An action where it is offered. */
struct offer {
    const struct action *action;
    const struct sobject *target, *context; /* context NULL: globally */
    const struct field *parent;             /* of the target, to the context; may be NULL */
};

static const struct field *parent_field(const struct sobject *target, const struct sobject *context)
{
    for (size_t i = 0; context && i < target->field_count; i++) {
        const struct field *field = target->fields[i];
        for (size_t k = 0; k < field->reference_count && field->createable; k++)
            if (strcmp(field->reference_to[k], context->name) == 0 &&
                strcmp(field->name, "OwnerId") != 0)
                return field;
    }
    return NULL;
}

/* Is the action there for this user and this place? */
static bool offered(struct call *call, const struct action *action, const struct sobject *context,
                    struct offer *out)
{
    const struct sobject *target = schema_find(org_schema(call->site->org), action->target);
    if (!target || target == context ||
        !org_may_object(call->site->org, call->session.user_id, target, ORG_CREATE))
        return false;
    *out = (struct offer){.action = action,
                          .target = target,
                          .context = context,
                          .parent = parent_field(target, context)};
    return !context || out->parent;
}

static const char *path_of(struct call *call, const struct offer *offer)
{
    if (!offer->context)
        return arena_printf(call->arena, "%s/quickActions/%s", call->base, offer->action->name);
    return arena_printf(call->arena, "%s/sobjects/%s/quickActions/%s", call->base,
                        offer->context->name, offer->action->name);
}

/* --- describing --- */

static void write_urls(struct call *call, struct jw *w, const struct offer *offer)
{
    const char *path = path_of(call, offer);
    jw_key(w, "urls");
    jw_object(w);
    jw_kv_text(w, "defaultValues", arena_printf(call->arena, "%s/defaultValues", path));
    jw_kv_text(w, "quickAction", path);
    jw_kv_text(w, "describe", arena_printf(call->arena, "%s/describe", path));
    if (offer->context)
        jw_kv_text(w, "defaultValuesTemplate",
                   arena_printf(call->arena, "%s/defaultValues/{ID}", path));
    jw_end_object(w);
}

static void write_entry(struct call *call, struct jw *w, const struct offer *offer)
{
    jw_object(w);
    jw_kv_text(w, "actionEnumOrId", offer->action->name);
    jw_kv_text(w, "label", offer->action->label);
    jw_kv_text(w, "name", offer->action->name);
    jw_kv_text(w, "type", offer->action->type);
    write_urls(call, w, offer);
    jw_end_object(w);
}

static void write_nulls(struct jw *w, const char *const *keys)
{
    for (; *keys; keys++)
        jw_kv_text(w, *keys, NULL);
}

static void write_detail(struct call *call, struct jw *w, const struct offer *offer)
{
    static const char *const before[] = {"accessLevelRequired", "canvasApplicationId",
                                         "canvasApplicationName", "colors", NULL};
    static const char *const between[] = {"flowDevName", "flowRecordIdVar", "height", "iconName",
                                          "iconUrl",     "icons",           NULL};
    static const char *const after[] = {"lightningComponentBundleId",
                                        "lightningComponentBundleName",
                                        "lightningComponentQualifiedName",
                                        "lightningWebComponentBundleId",
                                        "lightningWebComponentBundleName",
                                        "lightningWebComponentQualifiedName",
                                        "miniIconUrl",
                                        "mobileExtensionId",
                                        NULL};
    static const char *const last[] = {"visualforcePageName", "visualforcePageUrl", "width", NULL};
    jw_object(w);
    jw_kv_text(w, "actionEnumOrId", offer->action->name);
    jw_kv_text(w, "label", offer->action->label);
    jw_kv_text(w, "name", offer->action->name);
    jw_kv_text(w, "type", offer->action->type);
    write_urls(call, w, offer);
    write_nulls(w, before);
    jw_kv_text(w, "contextSobjectType", offer->context ? offer->context->name : NULL);
    jw_key(w, "defaultValues");
    jw_array(w);
    jw_end_array(w);
    write_nulls(w, between);
    jw_key(w, "layout");
    layout_short_section(call, w, offer->target);
    write_nulls(w, after);
    jw_kv_bool(w, "showQuickActionLcHeader", false);
    jw_kv_bool(w, "showQuickActionVfHeader", false);
    jw_kv_text(w, "targetParentField", offer->parent ? offer->parent->name : NULL);
    jw_kv_text(w, "targetRecordTypeId", NULL);
    jw_kv_text(w, "targetSobjectType", offer->target->name);
    write_nulls(w, last);
    jw_end_object(w);
}

void quick_action_items(struct call *call, struct jw *w, const struct sobject *object)
{
    struct offer offer;
    jw_object(w);
    jw_key(w, "quickActionListItems");
    jw_array(w);
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++) {
        if (!offered(call, &actions[i], object, &offer))
            continue;
        jw_object(w);
        jw_kv_text(w, "accessLevelRequired", NULL);
        jw_kv_text(w, "colors", NULL);
        jw_kv_text(w, "iconUrl", NULL);
        jw_kv_text(w, "icons", NULL);
        jw_kv_text(w, "label", offer.action->label);
        jw_kv_text(w, "miniIconUrl", NULL);
        jw_kv_text(w, "quickActionName", offer.action->name);
        jw_kv_text(w, "targetSobjectType", offer.target->name);
        jw_kv_text(w, "type", offer.action->type);
        write_urls(call, w, &offer);
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_end_object(w);
}

/* --- the place and the action a call means --- */

struct asked {
    struct offer offer;
    const char *context_id; /* the :id behind defaultValues */
};

/* The arguments are (:name, :id) or (:object, :name, :id). False after answering. */
static bool read_asked(struct call *call, struct asked *out)
{
    bool global = strstr(call->route->pattern, "/sobjects/") == NULL;
    const char *name = call->args[global ? 0 : 1];
    const struct sobject *context = global ? NULL : call_object(call, call->args[0]);
    if (!global && !context)
        return false;
    *out = (struct asked){.context_id = call->args[global ? 1 : 2]};
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (text_eq_nocase(actions[i].name, name) &&
            offered(call, &actions[i], context, &out->offer))
            return true;
    answer_not_found(call);
    return false;
}

void quick_actions_list(struct call *call)
{
    struct jw w;
    struct offer offer;
    bool global = strstr(call->route->pattern, "/sobjects/") == NULL;
    const struct sobject *context = global ? NULL : call_object(call, call->args[0]);
    if (!global && !context)
        return;
    answer_json(call, 200, &w);
    jw_array(&w);
    for (size_t i = 0; i < sizeof actions / sizeof *actions; i++)
        if (offered(call, &actions[i], context, &offer))
            write_entry(call, &w, &offer);
    jw_end_array(&w);
}

void quick_actions_describe(struct call *call)
{
    struct jw w;
    struct asked asked;
    if (!read_asked(call, &asked))
        return;
    answer_json(call, 200, &w);
    write_detail(call, &w, &asked.offer);
}

/* What such a record starts with, beyond the defaults of its fields. */
static void write_presets(struct call *call, struct jw *w, const struct offer *offer,
                          const char *context_id, const struct json *given)
{
    char today[32];
    when_iso(call_now(call), today);
    today[10] = '\0';
    if (offer->parent && context_id && !json_get_nocase(given, offer->parent->name))
        jw_kv_text(w, offer->parent->name, context_id);
    if (strcmp(offer->action->type, "LogACall") != 0)
        return;
    if (!json_get_nocase(given, "Subject"))
        jw_kv_text(w, "Subject", "Call");
    if (!json_get_nocase(given, "Status"))
        jw_kv_text(w, "Status", "Completed");
    if (!json_get_nocase(given, "ActivityDate"))
        jw_kv_text(w, "ActivityDate", today);
    if (!json_get_nocase(given, "TaskSubtype") && sobject_field(offer->target, "TaskSubtype"))
        jw_kv_text(w, "TaskSubtype", "Call");
}

static const struct json *new_record(struct call *call, const struct offer *offer,
                                     const char *context_id, const struct json *given)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    json_each(member, given) {
        jw_key(&w, member->key);
        jw_value(&w, member);
    }
    write_presets(call, &w, offer, context_id, given);
    jw_end_object(&w);
    const struct json *record = json_parse(call->arena, text.data, text.len, NULL);
    buf_free(&text);
    return record;
}

void quick_actions_defaults(struct call *call)
{
    struct jw w;
    struct asked asked;
    if (!read_asked(call, &asked))
        return;
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_key(&w, "attributes");
    jw_object(&w);
    jw_kv_text(&w, "type", asked.offer.target->name);
    jw_end_object(&w);
    const struct json *presets = new_record(call, &asked.offer, asked.context_id, NULL);
    json_each(preset, presets) {
        jw_key(&w, preset->key);
        jw_value(&w, preset);
    }
    defaults_write(call, &w, asked.offer.target, NULL, presets);
    jw_end_object(&w);
}

/* --- running --- */

static void answer_done(struct call *call, const char *context_id, const char *id)
{
    struct jw w;
    answer_json(call, 201, &w);
    jw_object(&w);
    jw_kv_text(&w, "contextId", context_id);
    jw_kv_bool(&w, "created", true);
    jw_key(&w, "errors");
    jw_array(&w);
    jw_end_array(&w);
    jw_key(&w, "feedItemIds");
    jw_array(&w);
    jw_end_array(&w);
    jw_kv_text(&w, "id", id);
    jw_key(&w, "ids");
    jw_array(&w);
    jw_text(&w, id);
    jw_end_array(&w);
    jw_kv_bool(&w, "success", true);
    jw_kv_text(&w, "successMessage", NULL);
    jw_end_object(&w);
}

void quick_actions_run(struct call *call)
{
    struct asked asked;
    struct dml_result result = {0};
    struct dml_options options = write_options(call, true);
    const struct json *body = read_asked(call, &asked) ? call_json(call) : NULL;
    if (!body)
        return;
    const char *context_id = json_get_text(body, "contextId");
    if (!json_is(json_get(body, "record"), JSON_OBJECT)) {
        answer_error(call, 400, "JSON_PARSER_ERROR", "record is missing in the request body");
        return;
    }
    struct dml_row row = {.object = asked.offer.target,
                          .body =
                              new_record(call, &asked.offer, context_id, json_get(body, "record"))};
    if (!records_write(call, DML_INSERT, &options, &row, 1, &result))
        return;
    if (result.success)
        answer_done(call, context_id, result.id);
    else
        answer_refused(call, asked.offer.target, &result);
}
