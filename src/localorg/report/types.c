/* types.c - report types: which object a report reads, and the names its
 * columns have had since before API names.
 *
 * Every object that people see is a report type: standard ones under their own
 * name unless they have an old one (AccountList), custom ones as
 * CustomEntity$Thing__c. A column without an old name is called by its path:
 * "Account.Rating__c", and over a lookup "Owner.Department". The old names are
 * those found in published report definitions; others of Salesforce's exist. */
#include "localorg/report/report_priv.h"

#include <string.h>

static const struct {
    const char *name, *label, *object;
} old_types[] = {
    {"AccountList", "Accounts", "Account"}, {"ContactList", "Contacts & Accounts", "Contact"},
    {"LeadList", "Leads", "Lead"},          {"Opportunity", "Opportunities", "Opportunity"},
    {"CaseList", "Cases", "Case"},
};

/* clang-format off */
const struct old_column old_columns[] = {
    {"AccountList", "ACCOUNT.NAME", "Name", NULL, false},
    {"AccountList", "ACCOUNT_ID", "Id", "Account ID", false},
    {"AccountList", "USERS.NAME", "Owner.Name", "Account Owner", false},
    {"AccountList", "ALIAS", "Owner.Alias", "Account Owner Alias", false},
    {"AccountList", "TYPE", "Type", "Type", false},
    {"AccountList", "INDUSTRY", "Industry", NULL, false},
    {"AccountList", "RATING", "Rating", "Rating", false},
    {"AccountList", "SALES", "AnnualRevenue", NULL, false},
    {"AccountList", "EMPLOYEES", "NumberOfEmployees", NULL, false},
    {"AccountList", "PHONE1", "Phone", "Phone", false},
    {"AccountList", "URL", "Website", NULL, false},
    {"AccountList", "ADDRESS1_CITY", "BillingCity", NULL, false},
    {"AccountList", "ADDRESS1_STATE", "BillingState", NULL, false},
    {"AccountList", "ADDRESS1_ZIP", "BillingPostalCode", NULL, false},
    {"AccountList", "ADDRESS1_COUNTRY", "BillingCountry", NULL, false},
    {"AccountList", "CREATED_DATE", "CreatedDate", NULL, true},
    {"AccountList", "LAST_UPDATE", "LastModifiedDate", "Last Modified Date", true},
    {"AccountList", "DUE_DATE", "LastActivityDate", "Last Activity", false},

    {"ContactList", "FIRST_NAME", "FirstName", NULL, false},
    {"ContactList", "LAST_NAME", "LastName", NULL, false},
    {"ContactList", "NAME", "Name", NULL, false},
    {"ContactList", "CONTACT_ID", "Id", "Contact ID", false},
    {"ContactList", "SALUTATION", "Salutation", NULL, false},
    {"ContactList", "TITLE", "Title", NULL, false},
    {"ContactList", "EMAIL", "Email", NULL, false},
    {"ContactList", "LEAD_SOURCE", "LeadSource", NULL, false},
    {"ContactList", "ACCOUNT.NAME", "Account.Name", NULL, false},
    {"ContactList", "ACCOUNT_ID", "Account.Id", "Account ID", false},
    {"ContactList", "CREATED_DATE", "CreatedDate", NULL, true},

    {"LeadList", "FIRST_NAME", "FirstName", NULL, false},
    {"LeadList", "LAST_NAME", "LastName", NULL, false},
    {"LeadList", "NAME", "Name", NULL, false},
    {"LeadList", "LEAD_ID", "Id", "Lead ID", false},
    {"LeadList", "TITLE", "Title", NULL, false},
    {"LeadList", "COMPANY", "Company", "Company / Account", false},
    {"LeadList", "EMAIL", "Email", NULL, false},
    {"LeadList", "PHONE", "Phone", NULL, false},
    {"LeadList", "LEAD_SOURCE", "LeadSource", NULL, false},
    {"LeadList", "RATING", "Rating", NULL, false},
    {"LeadList", "STREET", "Street", NULL, false},
    {"LeadList", "CITY", "City", NULL, false},
    {"LeadList", "STATE", "State", NULL, false},
    {"LeadList", "ZIP", "PostalCode", NULL, false},
    {"LeadList", "COUNTRY", "Country", NULL, false},
    {"LeadList", "INDUSTRY", "Industry", NULL, false},
    {"LeadList", "OWNER", "Owner.Name", "Lead Owner", false},
    {"LeadList", "STATUS", "Status", "Lead Status", false},
    {"LeadList", "CONVERTED", "IsConverted", NULL, false},
    {"LeadList", "CREATED_DATE", "CreatedDate", NULL, true},
    {"LeadList", "LAST_UPDATE", "LastModifiedDate", "Last Modified", true},
    {"LeadList", "LAST_ACTIVITY", "LastActivityDate", NULL, false},

    {"Opportunity", "OPPORTUNITY_NAME", "Name", "Opportunity Name", false},
    {"Opportunity", "OPPORTUNITY_ID", "Id", "Opportunity ID", false},
    {"Opportunity", "ACCOUNT_NAME", "Account.Name", NULL, false},
    {"Opportunity", "ACCOUNT_ID", "Account.Id", "Account ID", false},
    {"Opportunity", "TYPE", "Type", "Type", false},
    {"Opportunity", "LEAD_SOURCE", "LeadSource", NULL, false},
    {"Opportunity", "AMOUNT", "Amount", NULL, false},
    {"Opportunity", "EXP_AMOUNT", "ExpectedRevenue", "Expected Revenue", false},
    {"Opportunity", "CLOSE_DATE", "CloseDate", NULL, false},
    {"Opportunity", "NEXT_STEP", "NextStep", NULL, false},
    {"Opportunity", "STAGE_NAME", "StageName", NULL, false},
    {"Opportunity", "PROBABILITY", "Probability", NULL, false},
    {"Opportunity", "CLOSED", "IsClosed", NULL, false},
    {"Opportunity", "WON", "IsWon", NULL, false},
    {"Opportunity", "CREATED_DATE", "CreatedDate", NULL, true},
    {"Opportunity", "LAST_UPDATE", "LastModifiedDate", "Last Modified Date", true},
    {"Opportunity", "LAST_ACTIVITY", "LastActivityDate", NULL, false},
    {"Opportunity", "FULL_NAME", "Owner.Name", "Opportunity Owner", false},
    {"Opportunity", "ALIAS", "Owner.Alias", "Opportunity Owner Alias", false},
    {"Opportunity", "ROLLUP_DESCRIPTION", "Owner.UserRole.Name", "Owner Role", false},

    {"CaseList", "CASE_NUMBER", "CaseNumber", NULL, false},
    {"CaseList", "CASE_ID", "Id", "Case ID", false},
    {"CaseList", "SUBJECT", "Subject", NULL, false},
    {"CaseList", "STATUS", "Status", NULL, false},
    {"CaseList", "PRIORITY", "Priority", NULL, false},
    {"CaseList", "ORIGIN", "Origin", NULL, false},
    {"CaseList", "TYPE", "Type", "Type", false},
    {"CaseList", "REASON", "Reason", NULL, false},
    {"CaseList", "OWNER", "Owner.Name", "Case Owner", false},
    {"CaseList", "ACCOUNT.NAME", "Account.Name", NULL, false},
    {"CaseList", "CREATED_DATE", "CreatedDate", "Date/Time Opened", false},
    {"CaseList", "CREATED_DATEONLY", "CreatedDate", "Opened Date", true},
    {"CaseList", "CLOSED_DATE", "ClosedDate", "Date/Time Closed", false},
    {"CaseList", "CLOSED_DATEONLY", "ClosedDate", "Closed Date", true},

    {"CustomEntity", "CUST_NAME", "Name", NULL, false},
    {"CustomEntity", "CUST_ID", "Id", "Record ID", false},
    {"CustomEntity", "CUST_OWNER_NAME", "Owner.Name", "Owner Name", false},
    {"CustomEntity", "CUST_CREATED_DATE", "CreatedDate", NULL, true},
    {"CustomEntity", "CUST_LAST_UPDATE", "LastModifiedDate", NULL, true},
};
/* clang-format on */
const size_t old_column_count = sizeof old_columns / sizeof *old_columns;

#define OLD_TYPES (sizeof old_types / sizeof *old_types)

static bool has_old_type(const struct sobject *object)
{
    for (size_t i = 0; i < OLD_TYPES; i++)
        if (text_eq(old_types[i].object, object->name))
            return true;
    return false;
}

/* Does the object have a report type under its own name? */
static bool is_reported(const struct sobject *object)
{
    return object->queryable && object->key_prefix && !object->custom_setting &&
           !has_old_type(object) &&
           (object->custom || object->layoutable || text_eq(object->name, "User") ||
            text_eq(object->name, "CampaignMember"));
}

static struct report_type type_of(struct arena *arena, const struct sobject *object)
{
    return (struct report_type){.name = object->custom
                                            ? arena_printf(arena, "CustomEntity$%s", object->name)
                                            : object->name,
                                .label = object->label_plural,
                                .object = object};
}

bool type_find(const struct report_context *context, const char *name, struct arena *arena,
               struct report_type *out)
{
    const struct schema *schema = org_schema(context->org);
    const struct sobject *object = NULL;
    for (size_t i = 0; i < OLD_TYPES && !object; i++)
        if (text_eq_nocase(old_types[i].name, name)) {
            object = schema_find(schema, old_types[i].object);
            *out = (struct report_type){old_types[i].name, old_types[i].label, object};
        }
    if (!object && name) {
        bool custom = strncasecmp(name, "CustomEntity$", 13) == 0;
        object = schema_find(schema, custom ? name + 13 : name);
        if (!object || !is_reported(object) || (custom && !object->custom))
            return false;
        *out = type_of(arena, object);
    }
    return object != NULL;
}

/* --- the list --- */

static void type_json(struct arena *arena, const struct report_type *type, const char *base,
                      struct jw *w)
{
    jw_object(w);
    jw_kv_text(w, "describeUrl",
               arena_printf(arena, "%s/analytics/reportTypes/%s", base, type->name));
    jw_kv_bool(w, "isHidden", false);
    jw_kv_bool(w, "isHistorical", false);
    jw_kv_text(w, "label", type->label);
    jw_kv_bool(w, "supportsJoinedFormat", false);
    jw_kv_text(w, "type", type->name);
    jw_end_object(w);
}

static void category_json(struct arena *arena, const struct report_context *context,
                          const char *base, bool custom, struct jw *w)
{
    const struct schema *schema = org_schema(context->org);
    jw_object(w);
    jw_kv_text(w, "label", custom ? "Other Reports" : "Standard Reports");
    jw_key(w, "reportTypes");
    jw_array(w);
    for (size_t i = 0; i < OLD_TYPES && !custom; i++) {
        struct report_type type;
        if (type_find(context, old_types[i].name, arena, &type) &&
            org_may_object(context->org, context->user_id, type.object, ORG_READ))
            type_json(arena, &type, base, w);
    }
    for (size_t i = 0; i < schema_count(schema); i++) {
        const struct sobject *object = schema_at(schema, i);
        struct report_type type = type_of(arena, object);
        if (object->custom == custom && is_reported(object) &&
            org_may_object(context->org, context->user_id, object, ORG_READ))
            type_json(arena, &type, base, w);
    }
    jw_end_array(w);
    jw_end_object(w);
}

void report_types_json(struct arena *arena, const struct report_context *context, const char *base,
                       struct jw *w)
{
    jw_array(w);
    category_json(arena, context, base, false, w);
    category_json(arena, context, base, true, w);
    jw_end_array(w);
}
