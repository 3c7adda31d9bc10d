/* dml_standard.c - what standard objects work out for themselves.
 *
 * Stages and statuses come from their own tables (OpportunityStage, CaseStatus,
 * TaskStatus, CampaignMemberStatus) when the org has rows in them, and from the
 * values of a new org otherwise. A load (options.system) that brings a value
 * keeps it. Fields an org's schema lacks are passed over. */
#include "localorg/org/dml_priv.h"

#include "base/when.h"
#include "localorg/soql/soql.h"

/* --- small steps --- */

static const struct cell *given(const struct draft *draft, const char *name)
{
    static const struct cell absent;
    const struct field *field = sobject_field(draft->object, name);
    return field ? &draft->cells[field->index] : &absent;
}

/* The cell to fill; NULL when the object lacks the field or a load has filled it. */
static struct cell *target(struct work *work, struct draft *draft, const char *name)
{
    const struct field *field = sobject_field(draft->object, name);
    if (!field || !field->stored)
        return NULL;
    struct cell *cell = &draft->cells[field->index];
    return work->options->system && cell_has(cell) ? NULL : cell;
}

static void put_bool(struct work *work, struct draft *draft, const char *name, bool value)
{
    struct cell *cell = target(work, draft, name);
    if (cell)
        cell_int(cell, value);
}

static void put_text(struct work *work, struct draft *draft, const char *name, const char *value)
{
    struct cell *cell = target(work, draft, name);
    if (cell && value)
        cell_text(cell, value);
    else if (cell)
        cell->kind = CELL_NULL;
}

static void put_now(struct work *work, struct draft *draft, const char *name)
{
    struct cell *cell = target(work, draft, name);
    if (cell)
        cell_int(cell, work->now_ms);
}

static void put_null(struct work *work, struct draft *draft, const char *name)
{
    struct cell *cell = target(work, draft, name);
    if (cell)
        cell->kind = CELL_NULL;
}

static bool value_of(struct work *work, struct draft *draft, const char *name, struct cell *out)
{
    out->kind = CELL_NULL;
    const struct field *field = sobject_field(draft->object, name);
    return field ? draft_value(work, draft, field, out) : true;
}

static double number_of(const struct cell *cell)
{
    return cell->kind == CELL_INT    ? (double)cell->integer
           : cell->kind == CELL_REAL ? cell->real
                                     : 0;
}

static bool truth_of(const struct cell *cell)
{
    return cell->kind == CELL_INT && cell->integer != 0;
}

static const char *today(struct work *work)
{
    struct date date = when_date(work->now_ms, NULL);
    return arena_printf(work->scratch, "%04d-%02d-%02d", date.year, date.month, date.day);
}

/* --- statuses --- */

/* Id of the row of a status table with this MasterLabel; "" when there is none. */
static bool status_row(struct work *work, const char *object_name, const struct cell *label,
                       char id[19])
{
    *id = 0;
    const struct sobject *object = schema_find(work->org->schema, object_name);
    const struct field *field = object ? sobject_field(object, "MasterLabel") : NULL;
    struct table *table;
    if (!field || label->kind != CELL_TEXT)
        return true;
    if (table_ready(work->org, object, &table, work->err) != OK)
        return work_broke(work);
    sqlite3_stmt *find = table_finder(work, table, field);
    if (!find)
        return false;
    bind_cell(find, 1, label);
    if (next_row(work, find))
        snprintf(id, 19, "%s", db_text(find, 0));
    sqlite3_reset(find);
    return !work->broken;
}

/* Whether a status counts as closed: its row in the status table says so, else
 * it is the one named `usual`. */
static bool status_closed(struct work *work, const char *object_name, const struct cell *label,
                          const char *usual, bool *closed)
{
    char id[19];
    struct cell cell;
    *closed = cell_is(label, usual);
    if (!status_row(work, object_name, label, id))
        return false;
    if (!*id)
        return true;
    if (!stored_value(work, schema_find(work->org->schema, object_name), "IsClosed", id, &cell))
        return false;
    *closed = truth_of(&cell);
    return true;
}

/* --- Lead --- */

static bool lead_before(struct work *work, struct draft *draft)
{
    struct cell converted;
    if (draft->insert || work->options->system)
        return true;
    if (!stored_value(work, draft->object, "IsConverted", draft->id, &converted))
        return false;
    if (!truth_of(&converted))
        return true;
    return row_error(work, draft->result, "CANNOT_UPDATE_CONVERTED_LEAD", NULL, 0,
                     "cannot reference converted lead");
}

/* --- Opportunity --- */

struct stage {
    const char *name;
    int probability;
    const char *forecast, *forecast_name;
    bool closed, won;
};

static const struct stage stages[] = {
    {"Prospecting", 10, "Pipeline", "Pipeline", false, false},
    {"Qualification", 10, "Pipeline", "Pipeline", false, false},
    {"Needs Analysis", 20, "Pipeline", "Pipeline", false, false},
    {"Value Proposition", 50, "Pipeline", "Pipeline", false, false},
    {"Id. Decision Makers", 60, "Pipeline", "Pipeline", false, false},
    {"Perception Analysis", 70, "Pipeline", "Pipeline", false, false},
    {"Proposal/Price Quote", 75, "Pipeline", "Pipeline", false, false},
    {"Negotiation/Review", 90, "Pipeline", "Pipeline", false, false},
    {"Closed Won", 100, "Closed", "Closed", true, true},
    {"Closed Lost", 0, "Omitted", "Omitted", true, false},
};

static bool stage_find(struct work *work, const struct cell *name, struct stage *out)
{
    char id[19];
    *out = stages[0];
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++)
        if (cell_is(name, stages[i].name))
            *out = stages[i];
    if (!status_row(work, "OpportunityStage", name, id) || !*id)
        return !work->broken;
    const struct sobject *object = schema_find(work->org->schema, "OpportunityStage");
    struct cell closed, won, probability, forecast, forecast_name;
    if (!stored_value(work, object, "IsClosed", id, &closed) ||
        !stored_value(work, object, "IsWon", id, &won) ||
        !stored_value(work, object, "DefaultProbability", id, &probability) ||
        !stored_value(work, object, "ForecastCategory", id, &forecast) ||
        !stored_value(work, object, "ForecastCategoryName", id, &forecast_name))
        return false;
    out->closed = truth_of(&closed);
    out->won = truth_of(&won);
    if (cell_has(&probability))
        out->probability = (int)number_of(&probability);
    if (cell_has(&forecast))
        out->forecast = cell_string(work, &forecast);
    if (cell_has(&forecast_name))
        out->forecast_name = cell_string(work, &forecast_name);
    return true;
}

static void put_fiscal(struct work *work, struct draft *draft)
{
    struct date date;
    const char *text = cell_string(work, given(draft, "CloseDate"));
    if (!text || !date_parse(text, &date))
        return;
    int quarter = (date.month - 1) / 3 + 1;
    struct cell *year = target(work, draft, "FiscalYear");
    struct cell *in_year = target(work, draft, "FiscalQuarter");
    if (year)
        cell_int(year, date.year);
    if (in_year)
        cell_int(in_year, quarter);
    put_text(work, draft, "Fiscal", arena_printf(work->scratch, "%d %d", date.year, quarter));
}

static bool put_expected(struct work *work, struct draft *draft)
{
    struct cell amount, probability;
    struct cell *expected = target(work, draft, "ExpectedRevenue");
    if (!expected)
        return true;
    if (!value_of(work, draft, "Amount", &amount) ||
        !value_of(work, draft, "Probability", &probability))
        return false;
    if (cell_has(&amount)) {
        expected->kind = CELL_REAL;
        expected->real = number_of(&amount) * number_of(&probability) / 100;
    } else {
        expected->kind = CELL_NULL;
    }
    return true;
}

static bool opportunity_before(struct work *work, struct draft *draft)
{
    const struct cell *name = given(draft, "StageName");
    struct stage stage;
    if (cell_has(name)) {
        if (!stage_find(work, name, &stage))
            return false;
        put_bool(work, draft, "IsClosed", stage.closed);
        put_bool(work, draft, "IsWon", stage.won);
        put_text(work, draft, "ForecastCategory", stage.forecast);
        if (!cell_has(given(draft, "ForecastCategoryName")))
            put_text(work, draft, "ForecastCategoryName", stage.forecast_name);
        struct cell *probability = target(work, draft, "Probability");
        if (probability && !cell_has(probability))
            cell_int(probability, stage.probability);
        put_now(work, draft, "LastStageChangeDate");
    }
    put_fiscal(work, draft);
    if (cell_has(name) || given(draft, "Amount")->kind || given(draft, "Probability")->kind)
        return put_expected(work, draft);
    return true;
}

/* --- Case --- */

static bool case_account(struct work *work, struct draft *draft)
{
    struct cell account;
    const char *contact = cell_string(work, given(draft, "ContactId"));
    struct cell *own = target(work, draft, "AccountId");
    if (!draft->insert || !contact || !own || own->kind != CELL_UNSET)
        return true;
    if (!stored_value(work, schema_find(work->org->schema, "Contact"), "AccountId", contact,
                      &account))
        return false;
    *own = account;
    return true;
}

static bool case_before(struct work *work, struct draft *draft)
{
    bool closed;
    struct cell was = {0};
    const struct cell *status = given(draft, "Status");
    if (!case_account(work, draft))
        return false;
    if (!cell_has(status))
        return true;
    if (!status_closed(work, "CaseStatus", status, "Closed", &closed))
        return false;
    if (!draft->insert && !stored_value(work, draft->object, "IsClosed", draft->id, &was))
        return false;
    put_bool(work, draft, "IsClosed", closed);
    if (draft->insert)
        put_bool(work, draft, "IsClosedOnCreate", closed);
    if (closed && !truth_of(&was))
        put_now(work, draft, "ClosedDate");
    else if (!closed)
        put_null(work, draft, "ClosedDate");
    return true;
}

/* --- Task --- */

static bool related_account(struct work *work, const char *id, struct cell *out)
{
    const struct sobject *object = id ? schema_by_prefix(work->org->schema, id) : NULL;
    out->kind = CELL_NULL;
    if (!object)
        return true;
    if (text_eq(object->name, "Account")) {
        cell_text(out, id);
        return true;
    }
    return stored_value(work, object, "AccountId", id, out);
}

static bool task_account(struct work *work, struct draft *draft)
{
    struct cell what, who, account;
    struct cell *own = target(work, draft, "AccountId");
    if (!own || (!given(draft, "WhatId")->kind && !given(draft, "WhoId")->kind))
        return true;
    if (!value_of(work, draft, "WhatId", &what) || !value_of(work, draft, "WhoId", &who) ||
        !related_account(work, cell_string(work, &what), &account))
        return false;
    if (!cell_has(&account) && !related_account(work, cell_string(work, &who), &account))
        return false;
    *own = account;
    return true;
}

static bool task_before(struct work *work, struct draft *draft)
{
    bool closed;
    struct cell was = {0};
    const struct cell *status = given(draft, "Status");
    if (cell_has(given(draft, "Priority")))
        put_bool(work, draft, "IsHighPriority", cell_is(given(draft, "Priority"), "High"));
    if (!task_account(work, draft))
        return false;
    if (!cell_has(status))
        return true;
    if (!status_closed(work, "TaskStatus", status, "Completed", &closed))
        return false;
    if (!draft->insert && !stored_value(work, draft->object, "IsClosed", draft->id, &was))
        return false;
    put_bool(work, draft, "IsClosed", closed);
    if (closed && !truth_of(&was))
        put_now(work, draft, "CompletedDateTime");
    else if (!closed)
        put_null(work, draft, "CompletedDateTime");
    return true;
}

/* --- CampaignMember --- */

/* Fields a member shows of its lead or contact. */
static bool member_person(struct work *work, struct draft *draft, const char *object_name,
                          const char *id)
{
    static const char *const copied[] = {"Salutation", "FirstName",  "LastName",   "Name",
                                         "Title",      "Email",      "Phone",      "MobilePhone",
                                         "Fax",        "LeadSource", "Description"};
    const struct sobject *person = schema_find(work->org->schema, object_name);
    struct cell value, account;
    for (size_t i = 0; i < sizeof copied / sizeof *copied; i++) {
        struct cell *cell = target(work, draft, copied[i]);
        if (!cell)
            continue;
        if (!stored_value(work, person, copied[i], id, &value))
            return false;
        *cell = value;
    }
    struct cell *company = target(work, draft, "CompanyOrAccount");
    if (!company)
        return true;
    if (!stored_value(work, person, "Company", id, &value) ||
        !stored_value(work, person, "AccountId", id, &account))
        return false;
    if (!cell_has(&value) && cell_has(&account) &&
        !stored_value(work, schema_find(work->org->schema, "Account"), "Name",
                      cell_string(work, &account), &value))
        return false;
    *company = value;
    return true;
}

/* Reads the campaign's status row: by label, or the default one when label is NULL. */
static bool member_status(struct work *work, const char *campaign, const char *label,
                          const char **found, bool *responded)
{
    *found = NULL;
    const struct sobject *object = schema_find(work->org->schema, "CampaignMemberStatus");
    struct table *table;
    if (!object || !sobject_field(object, "Label") || !sobject_field(object, "HasResponded") ||
        !sobject_field(object, "IsDefault") || !sobject_field(object, "CampaignId"))
        return true;
    if (table_ready(work->org, object, &table, work->err) != OK)
        return work_broke(work);
    sqlite3_stmt *get = NULL;
    if (db_prepare(work->org->db, &get,
                   "SELECT \"Label\", \"HasResponded\" FROM \"CampaignMemberStatus\""
                   " WHERE \"CampaignId\" = ?1 AND \"IsDeleted\" = 0"
                   " AND (\"Label\" = ?2 OR (?2 IS NULL AND \"IsDefault\" = 1))",
                   work->err) != OK)
        return work_broke(work);
    sqlite3_bind_text(get, 1, campaign, -1, SQLITE_STATIC);
    sqlite3_bind_text(get, 2, label, -1, SQLITE_STATIC);
    if (next_row(work, get)) {
        *found = arena_strdup(work->scratch, db_text(get, 0));
        *responded = sqlite3_column_int(get, 1);
    }
    sqlite3_finalize(get);
    return !work->broken;
}

static bool member_response(struct work *work, struct draft *draft, const char *campaign)
{
    /* A status nobody sent is only the field's default: the campaign's own comes first. */
    bool sent = !json_is_null(json_get_nocase(draft->row->body, "Status"));
    const char *usual = cell_string(work, given(draft, "Status"));
    const char *label = sent ? usual : NULL;
    const char *found;
    bool responded = text_eq_nocase(label, "Responded");
    struct cell first;
    if (!label && !draft->insert)
        return true;
    if (!member_status(work, campaign, label, &found, &responded))
        return false;
    if (!label)
        put_text(work, draft, "Status", found ? found : usual ? usual : "Sent");
    put_bool(work, draft, "HasResponded", responded);
    if (!value_of(work, draft, "FirstRespondedDate", &first))
        return false;
    if (responded && !cell_has(&first))
        put_text(work, draft, "FirstRespondedDate", today(work));
    return true;
}

static bool member_before(struct work *work, struct draft *draft)
{
    static const char *const either[] = {"LeadId", "ContactId"};
    struct cell campaign;
    if (!value_of(work, draft, "CampaignId", &campaign))
        return false;
    if (campaign.kind != CELL_TEXT)
        return true; /* required: told later */
    if (draft->insert) {
        const char *lead = cell_string(work, given(draft, "LeadId"));
        const char *contact = cell_string(work, given(draft, "ContactId"));
        if (!lead && !contact)
            return row_error(work, draft->result, "REQUIRED_FIELD_MISSING", either, 2,
                             "Required fields are missing: [LeadId, ContactId]");
        put_text(work, draft, "Type", contact ? "Contact" : "Lead");
        put_text(work, draft, "LeadOrContactId", contact ? contact : lead);
        if (!member_person(work, draft, contact ? "Contact" : "Lead", contact ? contact : lead))
            return false;
    }
    return member_response(work, draft, cell_string(work, &campaign));
}

static bool member_unique(struct work *work, struct draft *draft)
{
    const char *campaign = cell_string(work, given(draft, "CampaignId"));
    const char *name = cell_has(given(draft, "ContactId")) ? "ContactId" : "LeadId";
    const struct field *field = sobject_field(draft->object, name);
    if (!draft->insert || !campaign || !field || !cell_has(given(draft, name)))
        return true;
    sqlite3_stmt *find = table_finder(work, draft->table, field);
    if (!find)
        return false;
    bind_cell(find, 1, given(draft, name));
    VEC(const char *) ids = {0};
    while (next_row(work, find))
        if (!sqlite3_column_int(find, 1) && strcmp(db_text(find, 0), draft->id) != 0)
            vec_push(&ids, arena_strdup(work->scratch, db_text(find, 0)));
    sqlite3_reset(find);
    bool good = !work->broken;
    for (size_t i = 0; i < ids.len && good; i++) {
        struct cell other;
        good = stored_value(work, draft->object, "CampaignId", ids.at[i], &other);
        if (good && cell_is(&other, campaign))
            good = row_error(work, draft->result, "DUPLICATE_VALUE", NULL, 0,
                             "Already a campaign member.");
    }
    vec_free(&ids);
    return good;
}

/* --- User --- */

static bool user_before(struct work *work, struct draft *draft)
{
    if (!draft->insert)
        return true;
    struct cell *active = target(work, draft, "IsActive");
    if (active && active->kind == CELL_UNSET)
        cell_int(active, 1);
    return true;
}

static bool user_unique(struct work *work, struct draft *draft)
{
    struct org_user other;
    static const char *const username[] = {"Username"};
    const char *name = cell_string(work, given(draft, "Username"));
    const struct field *field = sobject_field(draft->object, "Username");
    if (!name || !field)
        return true;
    sqlite3_stmt *find = table_finder(work, draft->table, field);
    if (!find)
        return false;
    bool taken = org_user_by_name(work->org, name, &other) && strcmp(other.id, draft->id) != 0;
    bind_cell(find, 1, given(draft, "Username"));
    while (next_row(work, find))
        taken |= strcmp(db_text(find, 0), draft->id) != 0;
    sqlite3_reset(find);
    if (!taken)
        return !work->broken;
    return row_error(work, draft->result, "DUPLICATE_USERNAME", username, 1,
                     "Duplicate Username.The username already exists in this or another "
                     "Salesforce organization. Usernames must be unique across all Salesforce "
                     "organizations. To resolve, use a different username (it doesn't need to "
                     "match the user's email address).");
}

/* --- PushTopic --- */

/* The query has to be one that can be asked of each changed record. */
static bool topic_before(struct work *work, struct draft *draft)
{
    static const char *const query_field[] = {"Query"};
    const char *query = cell_string(work, given(draft, "Query"));
    struct soql_context context = {
        .org = work->org, .all_rows = true, .now_ms = work->now_ms, .api_version = 66.0};
    struct err err = {{0}};
    if (!query || !work->org->soql)
        return true;
    struct soql_plan *plan = work->org->soql(work->scratch, &context, query, &err);
    if (!plan)
        return row_error(work, draft->result, arena_strdup(work->arena, err.code), query_field, 1,
                         "%s", err.message);
    bool has_id = false;
    for (const struct soql_node *node = plan->nodes; node; node = node->next)
        has_id |= node->kind == SOQL_FIELD && text_eq(node->name, "Id");
    if (!has_id || plan->aggregate || plan->count_only || plan->limit >= 0 || plan->offset > 0)
        return row_error(work, draft->result, "INVALID_FIELD", query_field, 1,
                         "The query of a PushTopic selects Id and fields of one object, without "
                         "aggregates, ORDER BY, LIMIT and OFFSET");
    return true;
}

/* --- doors --- */

bool standard_before(struct work *work, struct draft *draft)
{
    switch (draft->table->standard) {
    case STANDARD_LEAD:
        return lead_before(work, draft);
    case STANDARD_OPPORTUNITY:
        return opportunity_before(work, draft);
    case STANDARD_CASE:
        return case_before(work, draft);
    case STANDARD_TASK:
        return task_before(work, draft);
    case STANDARD_CAMPAIGN_MEMBER:
        return member_before(work, draft);
    case STANDARD_USER:
        return user_before(work, draft);
    case STANDARD_PUSH_TOPIC:
        return topic_before(work, draft);
    case STANDARD_ATTACHMENT:
    case STANDARD_DOCUMENT:
    case STANDARD_CONTENT_VERSION:
        return files_before(work, draft);
    case STANDARD_NONE:
        return true;
    default:
        return people_before(work, draft);
    }
}

bool standard_unique(struct work *work, struct draft *draft)
{
    if (draft->table->standard == STANDARD_CAMPAIGN_MEMBER)
        return member_unique(work, draft);
    if (draft->table->standard == STANDARD_USER)
        return user_unique(work, draft);
    return true;
}

bool standard_after(struct work *work, struct draft *draft)
{
    if (draft->table->standard == STANDARD_CONTENT_VERSION)
        return files_after(work, draft);
    if (draft->table->standard != STANDARD_USER)
        return people_after(work, draft);
    return people_from_record(work->org, draft->id, work->err) == OK || work_broke(work);
}
