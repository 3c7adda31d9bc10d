/* salesforce_convert.c - turns a lead into a contact, an account and, when wanted, an
 * opportunity.
 *
 * A lead is converted once: one that is converted already is the row's result, whoever did
 * it, and a lost answer is settled by looking at the lead. The status must be one that the
 * org counts as converted; usually it is the org's only or first one. It cannot be undone. */
#include "engine/columns/org_target.h"

#include "base/str.h"

#include <string.h>

static const struct kind_option options[] = {
    {"connection", OPT_CONNECTION, true, "connection to write to", NULL, NULL, 0, 0},
    TARGET_ID,
    TARGET_MATCH,
    FIND_NORMALISE,
    FIND_SEVERAL("refuse"),
    FIND_RULE,
    {"status", OPT_TEXT, false, "converted status; left out: the org's first one", NULL, NULL, 0, 0},
    {"account", OPT_TEMPLATE, false, "Id of the account to join; blank: a new one", NULL, NULL, 0, 0},
    {"contact", OPT_TEMPLATE, false, "Id of the contact to join (wants account); blank: a new one",
     NULL, NULL, 0, 0},
    {"opportunity", OPT_TEMPLATE, false, "name of an opportunity to make; left out: none", NULL, NULL,
     0, 0},
    {"owner", OPT_TEMPLATE, false, "Id of the user who gets the new records; blank: the lead's owner",
     NULL, NULL, 0, 0},
    {"overwrite_lead_source", OPT_BOOL, false, "the contact takes the lead's source", "false", NULL,
     0, 0},
    {"notify_owner", OPT_BOOL, false, "Salesforce mails the owner", "false", NULL, 0, 0},
    WRITE_DUPLICATES,
};

static const char *const held[] = {"IsConverted", "ConvertedContactId", "ConvertedAccountId",
                                   "ConvertedOpportunityId", "Status", "SystemModstamp"};

static void validate(struct kind_check *check)
{
    const struct crm_object *object = kind_object(check);
    if (!object)
        return;
    target_check(check, object);
    if (!object->updateable)
        kind_check_fail(check, "", "recipe.not_updateable",
                        "the connected user may not edit leads, so it may not convert them");
    if (json_get(check->config, "contact") && !json_get(check->config, "account"))
        kind_check_fail(check, "contact", "recipe.missing_key",
                        "a contact is joined in its account: give account, too");
}

/* ------------------------------------------------------------------- the status */

/* What the org calls converted: as given, else the first. */
static enum status find_status(struct write_column *w, const char **status, struct err *err)
{
    static const char *const query =
        "SELECT Id, MasterLabel, ApiName FROM LeadStatus WHERE IsConverted = true ORDER BY SortOrder";
    struct crm_session *session = w->on->session;
    const char *wanted = json_get_text(w->batch->config, "status");
    struct crm_match *found = NULL;
    struct err refused = {0}, ignored = {0};
    *status = NULL;
    if (session->does->select(session, &query, 1, 200, w->batch->arena, &found, &refused, err) != OK)
        return FAIL;
    for (const struct crm_match *match = found; match && !*status; match = match->next) {
        const struct json *record =
            json_parse(w->batch->arena, match->record, strlen(match->record), &ignored);
        const char *name = json_get_text(record, "ApiName");
        const char *label = json_get_text(record, "MasterLabel");
        if (!wanted || text_eq_nocase(wanted, name) || text_eq_nocase(wanted, label))
            *status = name ? name : label;
    }
    if (*status)
        return OK;
    err_set(err, "refused.bad_picklist",
            wanted ? "\"%s\" is no status that the org counts as converted"
                   : "the org has no lead status that counts as converted%.0s",
            wanted ? wanted : "");
    err_hint(err, "Setup, Object Manager, Lead, Fields, Lead Status: tick Converted on a value.");
    return FAIL;
}

/* ---------------------------------------------------------------------- the rows */

struct converting {
    struct write_column *w;
    const char *status;
    struct template account, contact, opportunity, owner;
};

static enum status templates(struct converting *c, struct err *err)
{
    struct column_batch *batch = c->w->batch;
    const struct {
        const char *name;
        struct template *to;
    } all[] = {{"account", &c->account}, {"contact", &c->contact},
               {"opportunity", &c->opportunity}, {"owner", &c->owner}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const struct json *given = json_get(batch->config, all[i].name);
        if (given && template_make(batch->arena, given, all[i].to, err) != OK)
            return FAIL;
    }
    return OK;
}

static enum status put(struct converting *c, size_t i, struct jw *w, const char *name,
                       const struct template *template, bool *given, struct err *err)
{
    struct value value = VALUE_NULL;
    *given = false;
    if (!template->text)
        return OK;
    if (template_fill(c->w->batch, i, template, SLOT_PLAIN, &value, err) != OK)
        return FAIL;
    struct str text = str_trim((struct str){value.text ? value.text : "", value.len});
    if (!text.n)
        return OK;
    *given = true;
    jw_key(w, name);
    jw_text_n(w, text.p, text.n);
    return OK;
}

static enum status payload(struct converting *c, size_t i, const char **out, struct err *err)
{
    struct column_batch *batch = c->w->batch;
    struct buf text = BUF_INIT;
    struct jw w;
    bool given, opportunity;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "convertedStatus", c->status);
    enum status rc = put(c, i, &w, "accountId", &c->account, &given, err);
    if (rc == OK)
        rc = put(c, i, &w, "contactId", &c->contact, &given, err);
    if (rc == OK)
        rc = put(c, i, &w, "opportunityName", &c->opportunity, &opportunity, err);
    if (rc == OK)
        rc = put(c, i, &w, "ownerId", &c->owner, &given, err);
    jw_kv_bool(&w, "doNotCreateOpportunity", rc != OK || !opportunity);
    jw_kv_bool(&w, "overwriteLeadSource",
               json_get_bool(batch->config, "overwrite_lead_source", false));
    jw_kv_bool(&w, "sendNotificationEmail", json_get_bool(batch->config, "notify_owner", false));
    jw_end_object(&w);
    *out = arena_strdup(batch->arena, buf_text(&text));
    buf_free(&text);
    return rc;
}

/* Converted already: what it became is the result. */
static bool was_converted(struct write_column *w, size_t i, const struct crm_match *live)
{
    struct err ignored = {0};
    const struct json *record =
        json_parse(w->batch->arena, live->record, strlen(live->record), &ignored);
    if (!json_get_bool(record, "IsConverted", false))
        return false;
    batch_value(w->batch, i, value_of(convert_cell(w->batch->arena, live->id, record)));
    w->batch->job->report->unchanged++;
    return true;
}

static enum status intend(struct converting *c, size_t i, const struct crm_match *live,
                          struct err *err)
{
    struct write_intent *intent = &c->w->intents[i];
    if (payload(c, i, &intent->payload, err) != OK)
        return FAIL;
    intent->target_id = live->id;
    intent->before = live->record;
    intent->wanted = true;
    write_op_key(c->w, i);
    return OK;
}

static enum status execute(struct column_batch *batch, struct err *err)
{
    struct write_column w;
    struct converting c = {.w = &w};
    struct targets targets = {.fields = held, .field_count = sizeof held / sizeof *held};
    bool ready;
    if (write_open_set(&w, batch, OP_CONVERT, NULL, &ready, err) != OK)
        return FAIL;
    if (!ready)
        return OK;
    if (write_history(&w, err) != OK || templates(&c, err) != OK)
        return FAIL;
    if (find_status(&c.w[0], &c.status, err) != OK)
        return batch_call_failed(batch, err);
    if (targets_find(&w, &targets, err) != OK)
        return FAIL;
    for (size_t i = 0; i < batch->count; i++)
        if (targets.records[i] && write_undecided(&w, i) && !was_converted(&w, i, targets.records[i]) &&
            intend(&c, i, targets.records[i], err) != OK)
            return FAIL;
    return write_intents(&w, err);
}

const struct column_kind salesforce_convert_column = {
    .name = "salesforce_convert",
    .title = "Convert a lead",
    .help = "Turns a lead into a contact, an account and, when wanted, an opportunity; once.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .object = "Lead",
    .writes = true,
    .type = TYPE_JSON,
    .mode = mode_by_id,
    .batch_rows = 1000,
    .validate = validate,
    .execute = execute,
};
