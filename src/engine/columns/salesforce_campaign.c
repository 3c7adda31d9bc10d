/* salesforce_campaign.c - a lead or contact in a campaign, with a status.
 *
 * One action: the membership is looked for and created, or its status is set.
 * Salesforce refuses a second membership of the same person, so a create is
 * keyed by campaign and person. A campaign may be given by its exact name; a
 * status must be one of those the campaign has. */
#include "engine/columns/org_write.h"

#include "base/str.h"

#include <string.h>

static const struct kind_option options[] = {
    {"connection", OPT_CONNECTION, true, "connection to write to", NULL, NULL, 0, 0},
    {"campaign", OPT_TEMPLATE, true, "the campaign: its Id, or its exact name", NULL, NULL, 0, 0},
    {"member", OPT_TEMPLATE, true, "Id of the lead or contact", NULL, NULL, 0, 0},
    {"status", OPT_TEMPLATE, false, "member status, as the campaign has it; blank: its default",
     NULL, NULL, 0, 0},
    {"set", OPT_FIELD_MAP, false, "further fields of the membership and their values", NULL, NULL,
     0, 0},
    WRITE_OVERWRITE,
    WRITE_BLANKS,
    WRITE_DEPENDENT,
    WRITE_IF_CHANGED,
};

static void validate(struct kind_check *check)
{
    const struct crm_object *object = kind_object(check);
    if (object)
        write_check_fields(check, object, OP_UPSERT);
}

/* --------------------------------------------------------------- the batch */

struct memberships {
    struct write_column *w;
    struct value *campaigns, *members; /* Ids, once resolved */
    const char **person;               /* "LeadId" or "ContactId", or NULL */
    struct map *statuses;              /* campaign -> struct crm_match of its statuses */
};

/* `set` with the status as one more field. */
static const struct json *with_status(struct column_batch *batch)
{
    const struct json *set = json_get(batch->config, "set");
    const struct json *status = json_get(batch->config, "status");
    struct json *all = arena_alloc(batch->arena, sizeof *all);
    struct json **last = &all->first;
    all->type = JSON_OBJECT;
    json_each(member, set) {
        *last = arena_alloc(batch->arena, sizeof **last);
        **last = *member;
        (*last)->next = NULL;
        last = &(*last)->next;
        all->len++;
    }
    if (status) {
        *last = arena_alloc(batch->arena, sizeof **last);
        **last = *status;
        (*last)->key = "Status";
        (*last)->key_len = 6;
        (*last)->next = NULL;
        all->len++;
    }
    return all;
}

static enum status fill(struct memberships *m, const char *option, struct value *out,
                        struct err *err)
{
    struct column_batch *batch = m->w->batch;
    struct template template;
    if (template_make(batch->arena, json_get(batch->config, option), &template, err) != OK)
        return FAIL;
    for (size_t i = 0; i < batch->count; i++) {
        if (!write_undecided(m->w, i))
            continue;
        if (template_fill(batch, i, &template, SLOT_PLAIN, &out[i], err) != OK)
            return FAIL;
        struct str s = str_trim((struct str){out[i].text ? out[i].text : "", out[i].len});
        out[i] = (struct value){s.p, (uint32_t)s.n};
        if (!s.n)
            batch_fail(batch, i, CELL_REFUSED, "refused.required",
                       "CampaignMember: the %s is blank", option);
    }
    return OK;
}

/* The Id as Salesforce spells it; refused when it is none of that field's. */
static void canonical(struct memberships *m, size_t i, const char *name, struct value *id)
{
    struct column_batch *batch = m->w->batch;
    struct crm_session *session = m->w->on->session;
    const struct crm_field *field = crm_object_field(m->w->object, name);
    const char *json = NULL;
    struct err refused = {0}, ignored = {0};
    if (!field || session->does->check(session, m->w->object, field, OP_CREATE, *id, batch->arena,
                                       &json, &refused) == CRM_CHECK_REFUSED) {
        if (!field)
            err_set(&refused, "mode.field_gone", "CampaignMember has no field %s any more", name);
        batch_error(batch, i, CELL_REFUSED, &refused);
        return;
    }
    *id = json_as_text(batch->arena, json_parse(batch->arena, json, strlen(json), &ignored));
}

static bool is_id_of(struct value value, const char *prefix)
{
    return (value.len == 15 || value.len == 18) && memcmp(value.text, prefix, 3) == 0;
}

static void choose_person(struct memberships *m)
{
    for (size_t i = 0; i < m->w->batch->count; i++) {
        if (!write_undecided(m->w, i))
            continue;
        m->person[i] = is_id_of(m->members[i], "00Q")   ? "LeadId"
                       : is_id_of(m->members[i], "003") ? "ContactId"
                                                        : NULL;
        if (!m->person[i])
            batch_fail(m->w->batch, i, CELL_REFUSED, "refused.bad_id",
                       "member is neither the Id of a lead nor of a contact: \"%.*s\". Look the "
                       "person up in a column and use its id.",
                       (int)utf8_cut(m->members[i].text, m->members[i].len, 40),
                       m->members[i].text);
        else
            canonical(m, i, m->person[i], &m->members[i]);
    }
}

static enum status look_up(struct memberships *m, const char *object, const char *const *match,
                           size_t match_count, const struct value *keys,
                           const char *const *fields, size_t field_count,
                           struct crm_match **matches, struct err *err)
{
    struct column_batch *batch = m->w->batch;
    struct crm_session *session = m->w->on->session;
    struct crm_lookup lookup = {.object = object,
                                .match_fields = match,
                                .match_count = match_count,
                                .return_fields = fields,
                                .return_count = field_count,
                                .keys = keys,
                                .row_count = batch->count};
    return session->does->lookup(session, &lookup, batch->arena, matches, err);
}

/* Campaigns given by name become Ids. */
static enum status find_campaigns(struct memberships *m, struct err *err)
{
    static const char *const by_name[] = {"Name"};
    struct column_batch *batch = m->w->batch;
    struct value *names = arena_array(batch->arena, batch->count + 1, sizeof *names);
    struct crm_match **matches = arena_array(batch->arena, batch->count + 1, sizeof *matches);
    size_t count = 0;
    for (size_t i = 0; i < batch->count; i++)
        if (write_undecided(m->w, i) && !is_id_of(m->campaigns[i], "701"))
            names[i] = m->campaigns[i], count++;
    if (count &&
        look_up(m, "Campaign", by_name, 1, names, by_name, 1, matches, err) != OK)
        return FAIL;
    for (size_t i = 0; i < batch->count; i++) {
        if (!names[i].text || !write_undecided(m->w, i))
            continue;
        if (matches[i] && !matches[i]->next)
            m->campaigns[i] = value_of(matches[i]->id);
        else
            batch_fail(batch, i, CELL_REFUSED,
                       matches[i] ? "refused.several" : "refused.no_such_name",
                       "CampaignMember.CampaignId: %s is called \"%.*s\". Give its Id.",
                       matches[i] ? "more than one campaign" : "no campaign",
                       (int)utf8_cut(names[i].text, names[i].len, 80), names[i].text);
    }
    for (size_t i = 0; i < batch->count; i++)
        if (write_undecided(m->w, i))
            canonical(m, i, "CampaignId", &m->campaigns[i]);
    return OK;
}

/* ------------------------------------------------------------------- status */

static int status_place(const struct write_column *w)
{
    for (size_t j = 0; j < w->field_count; j++)
        if (text_eq(w->fields[j].path, "Status"))
            return (int)j;
    return -1;
}

static const char *label_of(struct column_batch *batch, const struct crm_match *match)
{
    struct err ignored = {0};
    const struct json *record =
        json_parse(batch->arena, match->record, strlen(match->record), &ignored);
    return json_get_text(record, "Label");
}

/* The campaign's own spelling of a status; refused when it has no such one. */
static void check_status(struct memberships *m, size_t i, size_t place,
                         const struct crm_match *statuses)
{
    struct column_batch *batch = m->w->batch;
    struct err ignored = {0};
    const char **value = &m->w->intents[i].values[place];
    struct buf labels = BUF_UP_TO(300);
    const struct json *given = json_parse(batch->arena, *value, strlen(*value), &ignored);
    const char *text = json_text(given), *found = NULL;
    for (const struct crm_match *s = statuses; s && text; s = s->next) {
        const char *label = label_of(batch, s);
        if (text_eq_nocase(label, text))
            found = label;
        buf_printf(&labels, "%s%s", labels.len ? ", " : "", label ? label : "");
    }
    if (!text || found) {
        if (found && !text_eq(found, text)) {
            *value = arena_printf(batch->arena, "\"%s\"", found);
            report_repair(batch->job->report, "CampaignMember", "Status", value_of(text), found);
        }
    } else {
        batch_fail(batch, i, CELL_REFUSED, "refused.bad_picklist",
                   "CampaignMember.Status: this campaign has no status \"%s\"; it has: %s. Add it "
                   "to the campaign in Salesforce, or use one of these.",
                   text, labels.len ? buf_text(&labels) : "none");
    }
    buf_free(&labels);
}

static enum status check_statuses(struct memberships *m, struct err *err)
{
    static const char *const by[] = {"CampaignId"}, *const fields[] = {"Label"};
    struct column_batch *batch = m->w->batch;
    int place = status_place(m->w);
    struct value *keys = arena_array(batch->arena, batch->count + 1, sizeof *keys);
    struct crm_match **matches = arena_array(batch->arena, batch->count + 1, sizeof *matches);
    if (place < 0)
        return OK;
    for (size_t i = 0; i < batch->count; i++)
        if (write_undecided(m->w, i) && m->w->intents[i].values[place])
            keys[i] = m->campaigns[i];
    if (look_up(m, "CampaignMemberStatus", by, 1, keys, fields, 1, matches, err) != OK)
        return FAIL;
    for (size_t i = 0; i < batch->count; i++)
        if (keys[i].text)
            check_status(m, i, (size_t)place, matches[i]);
    return OK;
}

/* ------------------------------------------------------------- memberships */

static const struct json *links(struct memberships *m, size_t i)
{
    struct err ignored = {0};
    const char *text = arena_printf(m->w->batch->arena, "{\"CampaignId\":\"%.*s\",\"%s\":\"%.*s\"}",
                                    (int)m->campaigns[i].len, m->campaigns[i].text, m->person[i],
                                    (int)m->members[i].len, m->members[i].text);
    return json_parse(m->w->batch->arena, text, strlen(text), &ignored);
}

static void decide(struct memberships *m, size_t i, const struct crm_match *match)
{
    struct write_intent *intent = &m->w->intents[i];
    intent->kind = match ? OP_UPDATE : OP_CREATE;
    intent->key_field = text_eq(m->person[i], "LeadId") ? "CampaignId+LeadId"
                                                        : "CampaignId+ContactId";
    intent->key_value = arena_printf(m->w->batch->arena, "%.18s\x1f%.18s", m->campaigns[i].text,
                                     m->members[i].text);
    if (match) {
        write_change(m->w, i, match);
        return;
    }
    intent->more = links(m, i);
    write_create(m->w, i);
}

static enum status of_one_sort(struct memberships *m, const char *person, struct err *err)
{
    struct column_batch *batch = m->w->batch;
    const char *by[] = {"CampaignId", person};
    struct value *keys = arena_array(batch->arena, 2 * batch->count + 1, sizeof *keys);
    struct crm_match **matches = arena_array(batch->arena, batch->count + 1, sizeof *matches);
    int64_t looked_ms = engine_now(batch->job->engine);
    size_t count = 0, field_count = 0;
    for (size_t i = 0; i < batch->count; i++)
        if (write_undecided(m->w, i) && text_eq(m->person[i], person)) {
            keys[2 * i] = m->campaigns[i];
            keys[2 * i + 1] = m->members[i];
            count++;
        }
    const char **fields = write_return_fields(m->w, &field_count);
    if (count && look_up(m, "CampaignMember", by, 2, keys, fields, field_count, matches, err) != OK)
        return FAIL;
    for (size_t i = 0; i < batch->count; i++) {
        if (!keys[2 * i].text)
            continue;
        m->w->intents[i].looked_ms = looked_ms;
        decide(m, i, matches[i]);
    }
    return OK;
}

static enum status execute(struct column_batch *batch, struct err *err)
{
    struct write_column w;
    struct memberships m = {.w = &w};
    bool ready;
    if (write_open_set(&w, batch, OP_UPSERT, with_status(batch), &ready, err) != OK)
        return FAIL;
    if (!ready)
        return OK;
    m.campaigns = arena_array(batch->arena, batch->count + 1, sizeof *m.campaigns);
    m.members = arena_array(batch->arena, batch->count + 1, sizeof *m.members);
    m.person = arena_array(batch->arena, batch->count + 1, sizeof *m.person);
    if (write_history(&w, err) != OK || write_fill(&w, err) != OK ||
        fill(&m, "campaign", m.campaigns, err) != OK || fill(&m, "member", m.members, err) != OK)
        return FAIL;
    choose_person(&m);
    if (find_campaigns(&m, err) != OK || check_statuses(&m, err) != OK ||
        of_one_sort(&m, "LeadId", err) != OK || of_one_sort(&m, "ContactId", err) != OK)
        return batch_call_failed(batch, err);
    write_fold(&w);
    return write_intents(&w, err);
}

const struct column_kind salesforce_campaign_column = {
    .name = "salesforce_campaign",
    .title = "Add to a campaign",
    .help = "Makes a lead or contact a member of a campaign, or sets the status of one who is.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .object = "CampaignMember",
    .writes = true,
    .type = TYPE_JSON,
    .mode = mode_by_id,
    .batch_rows = ORG_ROWS,
    .validate = validate,
    .execute = execute,
};
