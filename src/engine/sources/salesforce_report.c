/* salesforce_report.c - rows of a Salesforce report, as many as it has.
 *
 * The connector reads beyond the 2,000 rows of one run. A report's columns do not
 * say which field of which object they show; a column with a record's id, when
 * there is one, tells our own writes coming back by their values. */
#include "engine/sources/object_fields.h"
#include "engine/sources/rows_pull.h"

#include "base/str.h"

#include <string.h>

static const struct kind_option options[] = {
    {"connection", OPT_CONNECTION, true, "connection to the org", NULL, NULL, 0, 0},
    {"report", OPT_TEXT, true, "id (00O...), API name or name of a report", NULL, NULL, 0, 0},
    {"fields", OPT_SOURCE_FIELDS, false,
     "its columns, by label or name; \"NAME:id\" is the id behind a record's name", "all", NULL, 0,
     0},
};

static void check_report(struct source_check *check)
{
    struct err err = {0};
    struct crm_report report;
    struct crm_session *session = object_session(check);
    const struct crm_views *views = rows_views(session, &err);
    if (!session)
        return;
    if (!views) {
        source_check_add(check, "connection", &err);
        return;
    }
    if (views->report(session, check->arena, json_get_text(check->config, "report"), &report,
                      &err) != OK) {
        source_check_add(check, "report", &err);
        return;
    }
    rows_fields(check, report.columns, report.column_count, true);
    check->own = (void *)report.id;
}

static void peek_report(struct source_check *check, struct crm_rows_read *out)
{
    *out = (struct crm_rows_read){.from = CRM_ROWS_REPORT, .id = check->own};
}

/* The record's id: a column of ids, else the id behind a name when the table has it. */
static const char *id_column(const struct sync *sync, const struct crm_report *report)
{
    const char *behind = NULL;
    for (size_t i = 0; i < report->column_count; i++) {
        const struct crm_view_column *column = &report->columns[i];
        if (!text_eq(column->type, "id"))
            continue;
        if (!text_ends(column->name, ":id"))
            return column->name;
        json_each(field, json_get(sync->source, "fields")) {
            if (!behind && text_eq(json_text(field), column->name))
                behind = column->name;
        }
    }
    return behind;
}

static enum status pull_report(struct sync *sync, struct err *err)
{
    struct rows_pull pull = {.sync = sync, .any_field = true};
    struct crm_report report;
    struct arena *arena = sync->job.arena;
    pull.on = job_session(&sync->job, sync->from->connection, err);
    const struct crm_views *views = pull.on ? rows_views(pull.on->session, err) : NULL;
    if (!views || views->report(pull.on->session, arena, json_get_text(sync->source, "report"),
                                &report, err) != OK)
        return FAIL;
    sync->subject = arena_printf(arena, "report \"%s\"", report.name);
    pull.read = (struct crm_rows_read){.from = CRM_ROWS_REPORT, .id = report.id};
    pull.columns = report.columns;
    pull.column_count = report.column_count;
    pull.id = id_column(sync, &report);
    return rows_pull(&pull, err);
}

const struct source_kind salesforce_report_source = {
    .name = "salesforce_report",
    .key = "salesforce",
    .chosen_by = "report",
    .title = "Rows of a Salesforce report",
    .help = "Tabular, summary and matrix reports; groups become columns. Beyond the 2,000 rows of "
            "one run the report is read in parts, cut by a column that can be sorted.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .key_rule = KEY_NEEDED,
    .every = "24h",
    .when_deleted = "mark",
    .check = check_report,
    .field = rows_field,
    .peek = peek_report,
    .pull = pull_report,
};
