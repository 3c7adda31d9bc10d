/* reports.c - the reports of the demo: a folder, a Report record each, and what
 * it says (org/documents.h). One is longer than the 2,000 rows a run returns. */
#include "localorg/seed/seed_priv.h"

#include "localorg/org/documents.h"
#include "localorg/seed/sheet.h"

static const struct {
    const char *name, *developer_name, *format, *metadata;
} reports[] = {
    {"All Accounts", "All_Accounts", "Tabular",
     "\"reportType\":{\"type\":\"AccountList\"},\"reportFormat\":\"TABULAR\",\"detailColumns\":["
     "\"ACCOUNT.NAME\",\"ACCOUNT_ID\",\"TYPE\",\"INDUSTRY\",\"SALES\",\"URL\",\"PHONE1\","
     "\"CREATED_DATE\",\"USERS.NAME\"],\"sortBy\":[{\"sortColumn\":\"ACCOUNT.NAME\",\"sortOrder\":"
     "\"Asc\"}]"},
    {"All Contacts", "All_Contacts", "Tabular",
     "\"reportType\":{\"type\":\"ContactList\"},\"reportFormat\":\"TABULAR\",\"detailColumns\":["
     "\"NAME\",\"CONTACT_ID\",\"EMAIL\",\"TITLE\",\"ACCOUNT.NAME\",\"CREATED_DATE\"],\"sortBy\":[{"
     "\"sortColumn\":\"CONTACT_ID\",\"sortOrder\":\"Asc\"}]"},
    {"Leads without an answer", "Leads_without_an_answer", "Tabular",
     "\"reportType\":{\"type\":\"LeadList\"},\"reportFormat\":\"TABULAR\",\"detailColumns\":["
     "\"FIRST_NAME\",\"LAST_NAME\",\"LEAD_ID\",\"COMPANY\",\"EMAIL\",\"STATUS\",\"OWNER\"],"
     "\"reportFilters\":[{\"column\":\"CONVERTED\",\"operator\":\"equals\",\"value\":\"False\"},{"
     "\"column\":\"STATUS\",\"operator\":\"equals\",\"value\":\"Open - Not Contacted\"}]"},
    {"Accounts by industry", "Accounts_by_industry", "Summary",
     "\"reportType\":{\"type\":\"AccountList\"},\"reportFormat\":\"SUMMARY\",\"detailColumns\":["
     "\"ACCOUNT.NAME\",\"SALES\"],\"groupingsDown\":[{\"name\":\"INDUSTRY\",\"sortOrder\":\"Asc\"}]"
     ",\"aggregates\":[\"s!SALES\",\"RowCount\"]"},
    {"Pipeline by stage and month", "Pipeline_by_stage_and_month", "Matrix",
     "\"reportType\":{\"type\":\"Opportunity\"},\"reportFormat\":\"MATRIX\",\"detailColumns\":["
     "\"OPPORTUNITY_NAME\",\"ACCOUNT_NAME\",\"AMOUNT\"],\"groupingsDown\":[{\"name\":\"STAGE_"
     "NAME\","
     "\"sortOrder\":\"Asc\"}],\"groupingsAcross\":[{\"name\":\"CLOSE_DATE\",\"dateGranularity\":"
     "\"Month\",\"sortOrder\":\"Asc\"}],\"aggregates\":[\"s!AMOUNT\",\"RowCount\"]"},
};

static enum status add_folder(struct seeding *s, char id[19], struct err *err)
{
    static const char *const columns[] = {"Name", "DeveloperName", "AccessType", "Type"};
    static const char *const row[] = {"Sales Reports", "Sales_Reports", "Public", "Report"};
    struct sheet *sheet = sheet_open(s->org, s->db, "Folder", columns, 4, err);
    if (!sheet)
        return FAIL;
    sheet_people(sheet, s->people[PERSON_ADMIN], s->people[PERSON_ADMIN]);
    for (size_t i = 0; i < 4; i++)
        sheet_text(sheet, i, row[i]);
    enum status rc = sheet_add(sheet, (struct sheet_times){s->now_ms, s->now_ms}, id, err);
    sheet_close(sheet);
    return rc;
}

static enum status add_definition(struct seeding *s, size_t i, const char *id, const char *folder,
                                  struct err *err)
{
    struct buf json = BUF_INIT;
    buf_printf(&json,
               "{\"id\":\"%s\",\"name\":\"%s\",\"developerName\":\"%s\",\"folderId\":\"%s\",%s}",
               id, reports[i].name, reports[i].developer_name, folder, reports[i].metadata);
    enum status rc = org_document_put(s->org, "report", id, &json, 0, err);
    buf_free(&json);
    return rc;
}

enum status seed_reports(struct seeding *s, struct err *err)
{
    static const char *const columns[] = {"Name", "DeveloperName", "Format", "FolderName"};
    char folder[19], id[19];
    if (add_folder(s, folder, err) != OK)
        return FAIL;
    struct sheet *sheet = sheet_open(s->org, s->db, "Report", columns, 4, err);
    enum status rc = sheet ? OK : FAIL;
    for (size_t i = 0; i < sizeof reports / sizeof *reports && rc == OK; i++) {
        sheet_people(sheet, s->people[PERSON_ADMIN], folder);
        sheet_text(sheet, 0, reports[i].name);
        sheet_text(sheet, 1, reports[i].developer_name);
        sheet_text(sheet, 2, reports[i].format);
        sheet_text(sheet, 3, "Sales Reports");
        rc = sheet_add(sheet, (struct sheet_times){s->now_ms, s->now_ms}, id, err);
        if (rc == OK)
            rc = add_definition(s, i, id, folder, err);
    }
    sheet_close(sheet);
    return rc;
}
