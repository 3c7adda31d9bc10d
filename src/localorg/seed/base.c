/* base.c - what every org has before anyone enters a record. */
#include "localorg/seed/seed_priv.h"

#include "base/mem.h"
#include "base/str.h"
#include "localorg/org/dml.h"
#include "localorg/seed/sheet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(list) (sizeof(list) / sizeof(list)[0])
#define DAY_MS      86400000ll

const struct stage stages[] = {
    {"Prospecting", "Pipeline", "Pipeline", 10, false, false},
    {"Qualification", "Pipeline", "Pipeline", 10, false, false},
    {"Needs Analysis", "Pipeline", "Pipeline", 20, false, false},
    {"Value Proposition", "Pipeline", "Pipeline", 50, false, false},
    {"Id. Decision Makers", "Pipeline", "Pipeline", 60, false, false},
    {"Perception Analysis", "Pipeline", "Pipeline", 70, false, false},
    {"Proposal/Price Quote", "Pipeline", "Pipeline", 75, false, false},
    {"Negotiation/Review", "Pipeline", "Pipeline", 90, false, false},
    {"Closed Won", "Closed", "Closed", 100, true, true},
    {"Closed Lost", "Omitted", "Omitted", 0, true, false},
};
const size_t stage_count = COUNT(stages);

const struct stage *stage_find(const char *name)
{
    for (size_t i = 0; i < stage_count; i++)
        if (text_eq_nocase(stages[i].name, name))
            return &stages[i];
    return NULL;
}

/* --- rows out of tables of text --- */

/* One row: texts in the order of the columns; NULL = null; "#12" = the number 12. */
static enum status add_texts(struct sheet *sheet, const char *const *texts, size_t count,
                             int64_t when_ms, char id[19], struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        if (texts[i] && texts[i][0] == '#')
            sheet_int(sheet, i, atoll(texts[i] + 1));
        else
            sheet_text(sheet, i, texts[i]);
    }
    return sheet_add(sheet, (struct sheet_times){when_ms, when_ms}, id, err);
}

static struct sheet *open_sheet(struct seeding *s, const char *object, const char *const *columns,
                                size_t count, struct err *err)
{
    struct sheet *sheet = sheet_open(s->org, s->db, object, columns, count, err);
    if (sheet)
        sheet_people(sheet, s->people[PERSON_ADMIN], s->people[PERSON_ADMIN]);
    return sheet;
}

static int64_t founded(const struct seeding *s)
{
    return s->now_ms - 900 * DAY_MS; /* the org is two and a half years old */
}

/* --- people --- */

/* Licences of an Enterprise org: people, and five integrations. */
enum { LICENCE_SALESFORCE, LICENCE_INTEGRATION, LICENCE_COUNT };

static const char *const licences[LICENCE_COUNT][2] = {
    [LICENCE_SALESFORCE] = {"SFDC", "Salesforce"},
    [LICENCE_INTEGRATION] = {"SFDC_INTEGRATION", "Salesforce Integration"},
};

/* System permissions of a profile, as words of the columns below. */
struct profile {
    const char *name, *permissions;
    int licence;
};

static const char *const permission_words[][2] = {
    {"api", "PermissionsApiEnabled"},
    {"modify", "PermissionsModifyAllData"},
    {"view", "PermissionsViewAllData"},
    {"setup", "PermissionsViewSetup"},
    {"users", "PermissionsManageUsers"},
    {"assign", "PermissionsAssignPermissionSets"},
    {"sets", "PermissionsManageProfilesPermissionsets"},
    {"customize", "PermissionsCustomizeApplication"},
    {"apionly", "PermissionsApiUserOnly"},
    {"anyapp", "PermissionsCanApproveUninstalledApps"},
    {"transfer", "PermissionsTransferAnyEntity"},
    {"run", "PermissionsRunReports"},
    {"export", "PermissionsExportReport"},
};
#define PERMISSION_WORDS COUNT(permission_words)

static const struct profile profiles[] = {
    {"System Administrator",
     "api modify view setup users assign sets customize anyapp transfer run export",
     LICENCE_SALESFORCE},
    {"Standard User", "api setup run export", LICENCE_SALESFORCE},
    {"Sales User", "api run export", LICENCE_SALESFORCE},
    {"Read Only", "api setup run export", LICENCE_SALESFORCE},
    {"Marketing User", "api setup run export", LICENCE_SALESFORCE},
    {"Minimum Access - Salesforce", "", LICENCE_SALESFORCE},
    {"Minimum Access - API Only Integrations", "api apionly", LICENCE_INTEGRATION},
    {"Salesforce API Only System Integrations", "api apionly", LICENCE_INTEGRATION},
};

struct user {
    const char *username, *first, *last, *alias, *title;
    size_t profile, role;
};

static const struct user users[PERSON_COUNT] = {
    [PERSON_ADMIN] = {SEED_ADMIN_USERNAME, "Ada", "Admin", "admin", "CRM Administrator", 0, 0},
    [PERSON_SALES] = {SEED_SALES_USERNAME, "Sam", "Sales", "sales", "Account Executive", 2, 2},
    [PERSON_STANDARD] = {SEED_STANDARD_USERNAME, "Stella", "Standard", "stand", "Sales Operations",
                         1, 1},
};

static enum status add_licences(struct seeding *s, char ids[LICENCE_COUNT][19], struct err *err)
{
    static const char *const columns[] = {"LicenseDefinitionKey", "TotalLicenses", "Status",
                                          "UsedLicenses",         "Name",          "MasterLabel"};
    static const char *const totals[] = {"#200", "#5"}, *const used[] = {"#3", "#0"};
    struct sheet *sheet = open_sheet(s, "UserLicense", columns, COUNT(columns), err);
    enum status rc = sheet ? OK : FAIL;
    for (size_t i = 0; i < LICENCE_COUNT && rc == OK; i++) {
        const char *row[] = {licences[i][0], totals[i],      "Active",
                             used[i],        licences[i][1], licences[i][1]};
        rc = add_texts(sheet, row, COUNT(row), founded(s), ids[i], err);
    }
    sheet_close(sheet);
    return rc;
}

static bool has_word(const char *words, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = words; (at = strstr(at, word)); at += len)
        if ((at == words || at[-1] == ' ') && (at[len] == ' ' || !at[len]))
            return true;
    return false;
}

static enum status add_profiles(struct seeding *s, char licence_ids[LICENCE_COUNT][19],
                                char ids[COUNT(profiles)][19], struct err *err)
{
    const char *columns[3 + PERMISSION_WORDS] = {"Name", "UserLicenseId", "UserType"};
    for (size_t i = 0; i < PERMISSION_WORDS; i++)
        columns[3 + i] = permission_words[i][1];
    struct sheet *sheet = open_sheet(s, "Profile", columns, COUNT(columns), err);
    enum status rc = sheet ? OK : FAIL;
    for (size_t i = 0; i < COUNT(profiles) && rc == OK; i++) {
        const struct profile *p = &profiles[i];
        const char *row[COUNT(columns)] = {p->name, licence_ids[p->licence], "Standard"};
        for (size_t w = 0; w < PERMISSION_WORDS; w++)
            row[3 + w] = has_word(p->permissions, permission_words[w][0]) ? "#1" : "#0";
        rc = add_texts(sheet, row, COUNT(row), founded(s), ids[i], err);
    }
    sheet_close(sheet);
    return rc;
}

static enum status add_roles(struct seeding *s, char ids[3][19], struct err *err)
{
    static const char *const columns[] = {"Name",
                                          "ParentRoleId",
                                          "RollupDescription",
                                          "OpportunityAccessForAccountOwner",
                                          "CaseAccessForAccountOwner",
                                          "ContactAccessForAccountOwner",
                                          "DeveloperName"};
    static const char *const names[] = {"CEO", "VP, Sales", "Account Executive"};
    static const char *const developer_names[] = {"CEO", "VPSales", "AccountExecutive"};
    struct sheet *sheet = open_sheet(s, "UserRole", columns, COUNT(columns), err);
    enum status rc = sheet ? OK : FAIL;
    for (size_t i = 0; i < 3 && rc == OK; i++) {
        const char *row[] = {names[i], i ? ids[i - 1] : NULL, names[i], "Edit", "Edit",
                             "Edit",   developer_names[i]};
        rc = add_texts(sheet, row, COUNT(row), founded(s), ids[i], err);
    }
    sheet_close(sheet);
    return rc;
}

static enum status enroll(struct seeding *s, size_t i, const char *profile_id, struct err *err)
{
    const struct user *user = &users[i];
    struct org_user account = {.active = true, .system_administrator = user->profile == 0};
    snprintf(account.id, sizeof account.id, "%s", s->people[i]);
    snprintf(account.profile_id, sizeof account.profile_id, "%s", profile_id);
    snprintf(account.username, sizeof account.username, "%s", user->username);
    snprintf(account.name, sizeof account.name, "%s %s", user->first, user->last);
    snprintf(account.email, sizeof account.email, "%s", user->username);
    snprintf(account.timezone, sizeof account.timezone, "America/Los_Angeles");
    if (org_put_user(s->org, &account, err) != OK)
        return FAIL;
    return org_user_set_password(s->org, user->username, SEED_PASSWORD, err);
}

static enum status add_user(struct seeding *s, struct sheet *sheet, size_t i,
                            const char *profile_id, const char *role_id, struct err *err)
{
    const struct user *user = &users[i];
    char name[128], id[19];
    snprintf(name, sizeof name, "%s %s", user->first, user->last);
    const char *row[] = {
        user->username,
        user->last,
        user->first,
        name,
        "Localorg",
        user->title,
        user->username,
        user->alias,
        user->alias,
        "#1",
        "America/Los_Angeles",
        role_id,
        "en_US",
        "UTF-8",
        profile_id,
        "Standard",
        "en_US",
        "#1",
        "#1",
        "#1",
        "N",
        "N",
    };
    sheet_id(sheet, s->people[i]);
    if (add_texts(sheet, row, COUNT(row), founded(s), id, err) != OK)
        return FAIL;
    return enroll(s, i, profile_id, err);
}

static enum status add_users(struct seeding *s, char profile_ids[][19], char role_ids[][19],
                             struct err *err)
{
    static const char *const columns[] = {"Username",
                                          "LastName",
                                          "FirstName",
                                          "Name",
                                          "CompanyName",
                                          "Title",
                                          "Email",
                                          "Alias",
                                          "CommunityNickname",
                                          "IsActive",
                                          "TimeZoneSidKey",
                                          "UserRoleId",
                                          "LocaleSidKey",
                                          "EmailEncodingKey",
                                          "ProfileId",
                                          "UserType",
                                          "LanguageLocaleKey",
                                          "UserPermissionsMarketingUser",
                                          "UserPreferencesLightningExperiencePreferred",
                                          "ForecastEnabled",
                                          "DigestFrequency",
                                          "DefaultGroupNotificationFrequency"};
    struct sheet *sheet = open_sheet(s, "User", columns, COUNT(columns), err);
    enum status rc = sheet ? OK : FAIL;
    for (size_t i = 0; i < PERSON_COUNT && rc == OK; i++)
        rc = add_user(s, sheet, i, profile_ids[users[i].profile], role_ids[users[i].role], err);
    sheet_close(sheet);
    return rc;
}

static enum status add_people(struct seeding *s, struct err *err)
{
    const struct sobject *user = schema_find(org_schema(s->org), "User");
    for (size_t i = 0; i < PERSON_COUNT; i++)
        if (org_next_id(s->org, user, s->people[i], err) != OK)
            return FAIL;
    char licence_ids[LICENCE_COUNT][19], profile_ids[COUNT(profiles)][19], role_ids[3][19];
    if (add_licences(s, licence_ids, err) != OK ||
        add_profiles(s, licence_ids, profile_ids, err) != OK || add_roles(s, role_ids, err) != OK ||
        add_users(s, profile_ids, role_ids, err) != OK)
        return FAIL;
    return org_people_settle(s->org, err);
}

/* --- the org's own row --- */

static enum status add_organization(struct seeding *s, struct err *err)
{
    static const char *const columns[] = {"Name",
                                          "Country",
                                          "PrimaryContact",
                                          "DefaultLocaleSidKey",
                                          "TimeZoneSidKey",
                                          "LanguageLocaleKey",
                                          "ReceivesInfoEmails",
                                          "ReceivesAdminInfoEmails",
                                          "PreferencesConsentManagementEnabled",
                                          "PreferencesLightningLoginEnabled",
                                          "FiscalYearStartMonth",
                                          "DefaultAccountAccess",
                                          "DefaultContactAccess",
                                          "DefaultOpportunityAccess",
                                          "DefaultLeadAccess",
                                          "DefaultCaseAccess",
                                          "DefaultCalendarAccess",
                                          "DefaultPricebookAccess",
                                          "DefaultCampaignAccess",
                                          "UiSkin",
                                          "SignupCountryIsoCode",
                                          "OrganizationType",
                                          "InstanceName",
                                          "WebToCaseDefaultOrigin",
                                          "NumKnowledgeService",
                                          "MonthlyPageViewsUsed",
                                          "MonthlyPageViewsEntitlement"};
    static const char *const row[] = {"Localorg",
                                      "US",
                                      "Ada Admin",
                                      "en_US",
                                      "America/Los_Angeles",
                                      "en_US",
                                      "#1",
                                      "#1",
                                      "#1",
                                      "#1",
                                      "1",
                                      "Edit",
                                      "ControlledByParent",
                                      "Edit",
                                      "ReadEditTransfer",
                                      "ReadEditTransfer",
                                      "HideDetailsInsert",
                                      "ReadSelect",
                                      "All",
                                      "Theme3",
                                      "US",
                                      "Developer Edition",
                                      "LOCAL",
                                      "Web",
                                      "#2",
                                      "#0",
                                      "#0"};
    struct sheet *sheet = open_sheet(s, "Organization", columns, COUNT(columns), err);
    if (!sheet)
        return FAIL;
    char id[19];
    sheet_id(sheet, org_id18(s->org));
    enum status rc = add_texts(sheet, row, COUNT(row), founded(s), id, err);
    sheet_close(sheet);
    return rc;
}

/* --- status tables --- */

struct status_table {
    const char *object, *picklist_object, *picklist_field, *flag;
    const char *flagged[2]; /* values with the flag */
};

static const struct status_table status_tables[] = {
    {"LeadStatus", "Lead", "Status", "IsConverted", {"Closed - Converted"}},
    {"CaseStatus", "Case", "Status", "IsClosed", {"Closed"}},
    {"TaskStatus", "Task", "Status", "IsClosed", {"Completed"}},
    {"TaskPriority", "Task", "Priority", "IsHighPriority", {"High"}},
};

/* All these tables share the prefix 01J, which OpportunityStage counts. */
static enum status status_id(struct seeding *s, struct sheet *sheet, struct err *err)
{
    char id[19];
    const struct sobject *counter = schema_find(org_schema(s->org), "OpportunityStage");
    if (org_next_id(s->org, counter, id, err) != OK)
        return FAIL;
    sheet_id(sheet, id);
    return OK;
}

static enum status add_status_table(struct seeding *s, const struct status_table *table,
                                    struct err *err)
{
    const char *const columns[] = {"MasterLabel", "ApiName", "SortOrder", "IsDefault", table->flag};
    const struct sobject *object = schema_find(org_schema(s->org), table->picklist_object);
    const struct field *field = object ? sobject_field(object, table->picklist_field) : NULL;
    struct sheet *sheet = open_sheet(s, table->object, columns, COUNT(columns), err);
    enum status rc = sheet && field ? OK : FAIL;
    for (size_t i = 0; rc == OK && i < field->picklist_count; i++) {
        const struct picklist_value *value = &field->picklist[i];
        char order[24], id[19];
        snprintf(order, sizeof order, "#%zu", i + 1);
        bool flagged = text_eq(value->value, table->flagged[0]);
        const char *row[] = {value->label, value->value, order, value->is_default ? "#1" : "#0",
                             flagged ? "#1" : "#0"};
        rc = status_id(s, sheet, err);
        if (rc == OK)
            rc = add_texts(sheet, row, COUNT(row), founded(s), id, err);
    }
    sheet_close(sheet);
    return rc;
}

static enum status add_stages(struct seeding *s, struct err *err)
{
    static const char *const columns[] = {
        "MasterLabel",       "ApiName", "IsActive",         "SortOrder",
        "IsClosed",          "IsWon",   "ForecastCategory", "ForecastCategoryName",
        "DefaultProbability"};
    struct sheet *sheet = open_sheet(s, "OpportunityStage", columns, COUNT(columns), err);
    enum status rc = sheet ? OK : FAIL;
    for (size_t i = 0; i < stage_count && rc == OK; i++) {
        const struct stage *stage = &stages[i];
        char order[24], probability[16], id[19];
        snprintf(order, sizeof order, "#%zu", i + 1);
        snprintf(probability, sizeof probability, "#%d", stage->probability);
        const char *row[] = {stage->name,
                             stage->name,
                             "#1",
                             order,
                             stage->closed ? "#1" : "#0",
                             stage->won ? "#1" : "#0",
                             stage->forecast,
                             stage->forecast_name,
                             probability};
        rc = add_texts(sheet, row, COUNT(row), founded(s), id, err);
    }
    sheet_close(sheet);
    return rc;
}

/* --- the rest --- */

static enum status add_one(struct seeding *s, const char *object, const char *const *columns,
                           const char *const *row, size_t count, struct err *err)
{
    char id[19];
    struct sheet *sheet = open_sheet(s, object, columns, count, err);
    enum status rc = sheet ? add_texts(sheet, row, count, founded(s), id, err) : FAIL;
    sheet_close(sheet);
    return rc;
}

static enum status add_singles(struct seeding *s, struct err *err)
{
    static const char *const book_columns[] = {"Name", "IsActive", "IsStandard"};
    static const char *const book[] = {"Standard Price Book", "#1", "#1"};
    static const char *const hours_columns[] = {"Name", "IsActive", "IsDefault", "TimeZoneSidKey"};
    static const char *const hours[] = {"Default", "#1", "#1", "America/Los_Angeles"};
    if (add_one(s, "Pricebook2", book_columns, book, COUNT(book), err) != OK)
        return FAIL;
    return add_one(s, "BusinessHours", hours_columns, hours, COUNT(hours), err);
}

static enum status add_list_views(struct seeding *s, struct err *err)
{
    static const char *const columns[] = {"Name", "DeveloperName", "SobjectType",
                                          "IsSoqlCompatible"};
    static const char *const objects[] = {"Account",     "Contact", "Lead",
                                          "Opportunity", "Case",    "Campaign"};
    static const char *const kinds[][2] = {
        {"All", "All"}, {"My", "My"}, {"Recently Viewed", "RecentlyViewed"}};
    struct sheet *sheet = open_sheet(s, "ListView", columns, COUNT(columns), err);
    enum status rc = sheet ? OK : FAIL;
    for (size_t o = 0; o < COUNT(objects); o++) {
        const char *plural = schema_find(org_schema(s->org), objects[o])->label_plural;
        for (size_t k = 0; k < COUNT(kinds) && rc == OK; k++) {
            char name[80], developer_name[80], id[19];
            snprintf(name, sizeof name, "%s %s", kinds[k][0], plural);
            snprintf(developer_name, sizeof developer_name, "%s%s", kinds[k][1], plural);
            const char *row[] = {name, developer_name, objects[o], "#1"};
            rc = add_texts(sheet, row, COUNT(row), founded(s), id, err);
        }
    }
    sheet_close(sheet);
    return rc;
}

enum status seed_base(struct seeding *s, struct err *err)
{
    if (add_people(s, err) != OK || add_organization(s, err) != OK || add_stages(s, err) != OK)
        return FAIL;
    for (size_t i = 0; i < COUNT(status_tables); i++)
        if (add_status_table(s, &status_tables[i], err) != OK)
            return FAIL;
    if (add_singles(s, err) != OK)
        return FAIL;
    return add_list_views(s, err);
}

/* The three rules a new org has: they warn, and a client may insist. */
enum status seed_rules(struct org *org, struct err *err)
{
    static const char *const rules[] = {
        "{\"name\":\"Standard_Account_Duplicate_Rule\",\"object\":"
        "\"Account\",\"fields\":[\"Name\",\"BillingCity\"],\"action\":\"alert\",\"message\":"
        "\"Use one of these records?\",\"matching_rule\":\"Standard_Account_Match_Rule_v1_0\","
        "\"active\":true}",
        "{\"name\":\"Standard_Contact_Duplicate_Rule\",\"object\":"
        "\"Contact\",\"fields\":[\"Email\"],\"action\":\"alert\",\"message\":"
        "\"Use one of these records?\",\"matching_rule\":\"Standard_Contact_Match_Rule_v1_1\","
        "\"active\":true}",
        "{\"name\":\"Standard_Lead_Duplicate_Rule\",\"object\":\"Lead\","
        "\"fields\":[\"Email\"],\"action\":\"alert\",\"message\":\"Use one of these records?\","
        "\"matching_rule\":\"Standard_Lead_Match_Rule_v1_0\",\"active\":true}",
    };
    struct arena *arena = arena_new();
    enum status rc = OK;
    for (size_t i = 0; i < COUNT(rules) && rc == OK; i++) {
        const struct json *rule = json_parse(arena, rules[i], strlen(rules[i]), err);
        rc = rule ? org_put_rule(org, rule, err) : FAIL;
    }
    arena_free(arena);
    return rc;
}
