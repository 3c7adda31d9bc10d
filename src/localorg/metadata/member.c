/* member.c - PlatformEventChannelMember: an object selected for change data
 * capture. Its name may be anything; one that was selected otherwise is called
 * CHANNEL_EVENT, "ChangeEvents_AccountChangeEvent". */
#include "localorg/metadata/metadata_priv.h"
#include "localorg/org/events.h"

#define SELECTED_MAX 5 /* objects, without the add-on */

static const char *const known[] = {"fullName", "eventChannel", "selectedEntity"};

/* "Sales__chn" and "LeadChangeEvent": Sales_chn_LeadChangeEvent. */
static void usual_name(const struct org_member *member, char *out, size_t size)
{
    size_t len = strlen(member->channel);
    bool custom = text_ends(member->channel, "__chn");
    snprintf(out, size, "%.*s%s_%s", (int)(len - (custom ? 5 : 0)), member->channel,
             custom ? "_chn" : "", member->event);
}

/* The channel and event a kept component names. */
static bool kept_member(const struct meta *meta, const char *full_name, struct org_member *out)
{
    const char *text = meta_kept(meta, "PlatformEventChannelMember", full_name);
    const struct json *component = text ? json_parse(meta->arena, text, strlen(text), NULL) : NULL;
    const char *channel = meta_text(component, "eventChannel");
    const char *event = meta_text(component, "selectedEntity");
    if (!channel || !event || !org_member_selected(meta->org, channel, event))
        return false;
    snprintf(out->channel, sizeof out->channel, "%s", channel);
    snprintf(out->event, sizeof out->event, "%s", event);
    return true;
}

static bool find(const struct meta *meta, const char *full_name, struct org_member *out)
{
    char name[200];
    if (kept_member(meta, full_name, out))
        return true;
    for (size_t i = 0; org_member_at(meta->org, i, out); i++) {
        usual_name(out, name, sizeof name);
        if (strcmp(name, full_name) == 0)
            return true;
    }
    return false;
}

static bool exists(const struct meta *meta, const char *full_name)
{
    struct org_member member;
    return find(meta, full_name, &member);
}

/* Objects selected, each counted once. */
static size_t selected(const struct meta *meta)
{
    struct org_member member, before;
    size_t count = 0;
    for (size_t i = 0; org_member_at(meta->org, i, &member); i++) {
        bool again = false;
        for (size_t j = 0; j < i && org_member_at(meta->org, j, &before); j++)
            again |= strcmp(before.event, member.event) == 0;
        count += !again;
    }
    return count;
}

static bool put(struct meta_change *change)
{
    const struct meta *meta = change->meta;
    const char *channel = meta_text(change->component, "eventChannel");
    const char *event = meta_text(change->component, "selectedEntity");
    struct org_member old;
    if (!channel || !event)
        return meta_refuse(change, "REQUIRED_FIELD_MISSING", "Required field is missing: %s",
                           channel ? "selectedEntity" : "eventChannel");
    if (!text_eq(channel, STANDARD_CHANNEL) && !text_ends(channel, "__chn"))
        return meta_refuse(change, "INVALID_CROSS_REFERENCE_KEY",
                           "no PlatformEventChannel named %s found", channel);
    if (!org_change_event_object(meta->org, event))
        return meta_refuse(change, "INVALID_CROSS_REFERENCE_KEY",
                           "%s is not an event of an object that can be selected", event);
    if (change->exists && find(meta, change->full_name, &old) &&
        (strcmp(old.channel, channel) != 0 || strcmp(old.event, event) != 0))
        return meta_refuse(change, "FIELD_INTEGRITY_EXCEPTION",
                           "eventChannel and selectedEntity of a member cannot be changed");
    meta_warn_unknown(change, known, sizeof known / sizeof *known);
    if (org_member_selected(meta->org, channel, event))
        return change->exists ||
               meta_refuse(change, "DUPLICATE_VALUE",
                           "The selected entity %s is already a member of the channel %s", event,
                           channel);
    if (!org_member_selected(meta->org, NULL, event) && selected(meta) >= SELECTED_MAX)
        return meta_refuse(change, "LIMIT_EXCEEDED",
                           "You can select up to %d entities for Change Data Capture", SELECTED_MAX);
    return org_select_member(meta->org, channel, event, change->result->id, change->err) == OK ||
           meta_broke(change);
}

static bool drop(struct meta_change *change)
{
    struct org_member member;
    return find(change->meta, change->full_name, &member) &&
           (org_drop_member(change->meta->org, member.channel, member.event, change->err) == OK ||
            meta_broke(change));
}

static void write(const struct meta *meta, const char *full_name, struct jw *w)
{
    struct org_member member;
    find(meta, full_name, &member);
    jw_object(w);
    jw_kv_text(w, "fullName", full_name);
    jw_kv_text(w, "eventChannel", member.channel);
    jw_kv_text(w, "selectedEntity", member.event);
    jw_end_object(w);
}

static void list(const struct meta *meta, const struct meta_type *type, meta_item_fn *fn, void *ctx)
{
    struct org_member member;
    for (size_t i = 0; org_member_at(meta->org, i, &member); i++) {
        struct meta_item item = {.type = type};
        usual_name(&member, item.full_name, sizeof item.full_name);
        snprintf(item.id, sizeof item.id, "%s", member.id);
        fn(ctx, &item);
    }
}

const struct meta_kind member_kind = {.type = {.name = "PlatformEventChannelMember",
                                               .directory = "platformEventChannelMembers",
                                               .suffix = "platformEventChannelMember",
                                               .prefix = "0v8"},
                                      .exists = exists,
                                      .put = put,
                                      .drop = drop,
                                      .write = write,
                                      .list = list};
