/* describe.c - what a report says of itself and of its type: columns by
 * section, operators, scopes, and the durations of the standard date filter.
 * Keys and their order are those of recorded answers (API v47). */
#include "localorg/report/report_priv.h"

#include <string.h>

/* --- columns --- */

static void values_json(const struct field *field, bool active, struct jw *w)
{
    jw_array(w);
    for (size_t i = 0; i < field->picklist_count; i++) {
        const struct picklist_value *value = &field->picklist[i];
        if (value->active != active)
            continue;
        jw_object(w);
        jw_kv_text(w, "apiName", value->value);
        jw_kv_text(w, "label", value->label);
        jw_kv_text(w, "name", value->value);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void boolean_values_json(struct jw *w)
{
    static const char *const values[] = {"False", "True"};
    jw_array(w);
    for (size_t i = 0; i < 2; i++) {
        jw_object(w);
        jw_kv_text(w, "apiName", values[i]);
        jw_kv_text(w, "label", values[i]);
        jw_kv_text(w, "name", values[i]);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void filter_values_json(const struct report_column *column, struct jw *w)
{
    jw_key(w, "filterValues");
    if (column->type == COLUMN_BOOLEAN)
        boolean_values_json(w);
    else
        values_json(column->field, true, w);
}

static void entity_json(const struct report_column *column, struct arena *arena, struct jw *w)
{
    jw_kv_text(w, "entityColumnName",
               arena_printf(arena, "%s.%s", column->field->owner->name, column->field->name));
}

static bool is_countable(const struct report_column *column)
{
    return column->type != COLUMN_BOOLEAN && column->type != COLUMN_TEXTAREA &&
           column->type != COLUMN_HTML;
}

/* Of a detail column, or of a grouping (level >= 0). */
static void column_info(const struct report *report, const struct report_column *column, int level,
                        struct jw *w)
{
    jw_key(w, column->name);
    jw_object(w);
    jw_kv_text(w, "dataType", column_type_name(column->type));
    entity_json(column, report->arena, w);
    filter_values_json(column, w);
    jw_kv_bool(w, "filterable", column->field->filterable);
    if (level >= 0)
        jw_kv_int(w, "groupingLevel", level);
    jw_key(w, "inactiveFilterValues");
    values_json(column->field, false, w);
    jw_kv_bool(w, "isLookup", column->lookup);
    jw_kv_text(w, "label", column->label);
    jw_kv_bool(w, "uniqueCountable", is_countable(column));
    jw_end_object(w);
}

static void aggregate_info(const struct report *report, const struct report_aggregate *aggregate,
                           struct jw *w)
{
    static const char *const labels[] = {"",          "Sum of ",  "Average ",
                                         "Smallest ", "Largest ", "Unique Count of "};
    const struct report_column *column = aggregate->column;
    bool counted = aggregate->kind == ROW_COUNT || aggregate->kind == UNIQUE;
    jw_key(w, aggregate->name);
    jw_object(w);
    jw_kv_null(w, "acrossGroupingContext");
    jw_kv_text(w, "dataType", counted ? "int" : column_type_name(column->type));
    jw_kv_null(w, "downGroupingContext");
    jw_kv_text(w, "label",
               column ? arena_printf(report->arena, "%s%s", labels[aggregate->kind], column->label)
                      : "Record Count");
    jw_end_object(w);
}

void extended_metadata_json(const struct report *report, struct jw *w)
{
    jw_object(w);
    jw_key(w, "aggregateColumnInfo");
    jw_object(w);
    for (size_t i = 0; i < report->aggregate_count; i++)
        aggregate_info(report, &report->aggregates[i], w);
    jw_end_object(w);
    jw_kv_null(w, "availableDashboardSettings");
    jw_key(w, "detailColumnInfo");
    jw_object(w);
    for (size_t i = 0; i < report->column_count; i++)
        column_info(report, report->columns[i], -1, w);
    jw_end_object(w);
    jw_key(w, "groupingColumnInfo");
    jw_object(w);
    for (size_t i = 0; i < report->down_count; i++)
        column_info(report, report->down[i].column, (int)i, w);
    for (size_t i = 0; i < report->across_count; i++)
        column_info(report, report->across[i].column, (int)i, w);
    jw_end_object(w);
    jw_end_object(w);
}

/* --- the type --- */

static void type_column_json(const struct report *report, const struct report_column *column,
                             struct jw *w)
{
    const struct field *field = column->field;
    bool text = column->type == COLUMN_STRING || column->type == COLUMN_TEXTAREA ||
                column->type == COLUMN_HTML;
    jw_key(w, column->name);
    jw_object(w);
    jw_kv_bool(w, "allowedInCustomDetailFormula", false);
    jw_kv_bool(w, "bucketable", false);
    jw_kv_text(w, "dataType", column_type_name(column->type));
    entity_json(column, report->arena, w);
    jw_kv_bool(w, "fieldToFieldFilterable", false);
    filter_values_json(column, w);
    jw_kv_bool(w, "filterable", field->filterable);
    jw_key(w, "inactiveFilterValues");
    values_json(field, false, w);
    jw_kv_bool(w, "isCustom", field->custom);
    jw_kv_bool(w, "isLookup", column->lookup);
    jw_kv_text(w, "label", column->label);
    jw_key(w, "maxLength");
    if (text && field->length)
        jw_int(w, field->length);
    else
        jw_null(w);
    jw_kv_bool(w, "uniqueCountable", is_countable(column));
    jw_end_object(w);
}

/* The columns of one object: the report's own (prefix ""), or a parent's ("Account."). */
static void category_json(const struct report *report, const char *label,
                          const struct sobject *object, const char *prefix, struct jw *w)
{
    jw_object(w);
    jw_key(w, "columns");
    jw_object(w);
    for (size_t i = 0; i < object->field_count; i++) {
        const struct report_column *column =
            column_of_path(report->arena, &report->context, &report->type,
                           arena_printf(report->arena, "%s%s", prefix, object->fields[i]->name));
        if (column)
            type_column_json(report, column, w);
    }
    jw_end_object(w);
    jw_kv_text(w, "label", label);
    jw_kv_null(w, "labelSuffix");
    jw_end_object(w);
}

static void old_columns_json(const struct report *report, struct jw *w)
{
    bool any = false;
    for (size_t i = 0; i < old_column_count; i++) {
        const struct report_column *column =
            text_eq(old_columns[i].type, report->type.name) && strchr(old_columns[i].path, '.')
                ? column_find(report->arena, &report->context, &report->type, old_columns[i].name)
                : NULL;
        if (!column)
            continue;
        if (!any) {
            jw_object(w);
            jw_key(w, "columns");
            jw_object(w);
        }
        any = true;
        type_column_json(report, column, w);
    }
    if (!any)
        return;
    jw_end_object(w);
    jw_kv_text(w, "label", "Related Information");
    jw_kv_null(w, "labelSuffix");
    jw_end_object(w);
}

/* "Account: General", of the lookup "Account ID". */
static const char *parent_label(struct arena *arena, const struct field *lookup)
{
    size_t len = strlen(lookup->label);
    return arena_printf(arena, "%.*s: General",
                        (int)(text_ends(lookup->label, " ID") ? len - 3 : len), lookup->label);
}

static void categories_json(const struct report *report, struct jw *w)
{
    const struct sobject *object = report->type.object;
    jw_key(w, "categories");
    jw_array(w);
    category_json(report, arena_printf(report->arena, "%s Information", object->label), object, "",
                  w);
    old_columns_json(report, w);
    for (size_t i = 0; i < object->field_count; i++) {
        const struct field *lookup = object->fields[i];
        const struct sobject *parent =
            lookup->reference_count == 1 && lookup->relationship_name
                ? schema_find(org_schema(report->context.org), lookup->reference_to[0])
                : NULL;
        if (parent && !text_eq(parent->name, "User") && !text_eq(parent->name, "RecordType"))
            category_json(report, parent_label(report->arena, lookup), parent,
                          arena_printf(report->arena, "%s.", lookup->relationship_name), w);
    }
    jw_end_array(w);
}

/* --- the standard date filter --- */

static const struct {
    const char *group;
    const char *const durations[8][2];
} duration_groups[] = {
    {"Fiscal Year",
     {{"THIS_FISCAL_YEAR", "Current FY"},
      {"LAST_FISCAL_YEAR", "Previous FY"},
      {"LAST_N_FISCAL_YEARS:2", "Previous 2 FY"},
      {"N_FISCAL_YEARS_AGO:2", "2 FY Ago"},
      {"NEXT_FISCAL_YEAR", "Next FY"}}},
    {"Fiscal Quarter",
     {{"THIS_FISCAL_QUARTER", "Current FQ"},
      {"NEXT_FISCAL_QUARTER", "Next FQ"},
      {"LAST_FISCAL_QUARTER", "Previous FQ"}}},
    {"Calendar Year",
     {{"THIS_YEAR", "Current CY"},
      {"LAST_YEAR", "Previous CY"},
      {"LAST_N_YEARS:2", "Previous 2 CY"},
      {"N_YEARS_AGO:2", "2 CY Ago"},
      {"NEXT_YEAR", "Next CY"}}},
    {"Calendar Quarter",
     {{"THIS_QUARTER", "Current CQ"},
      {"NEXT_QUARTER", "Next CQ"},
      {"LAST_QUARTER", "Previous CQ"}}},
    {"Calendar Month",
     {{"LAST_MONTH", "Last Month"}, {"THIS_MONTH", "This Month"}, {"NEXT_MONTH", "Next Month"}}},
    {"Calendar Week",
     {{"LAST_WEEK", "Last Week"}, {"THIS_WEEK", "This Week"}, {"NEXT_WEEK", "Next Week"}}},
    {"Day",
     {{"YESTERDAY", "Yesterday"},
      {"TODAY", "Today"},
      {"TOMORROW", "Tomorrow"},
      {"LAST_N_DAYS:7", "Last 7 Days"},
      {"LAST_N_DAYS:30", "Last 30 Days"},
      {"LAST_N_DAYS:60", "Last 60 Days"},
      {"LAST_N_DAYS:90", "Last 90 Days"},
      {"LAST_N_DAYS:120", "Last 120 Days"}}},
    {"Days Ahead",
     {{"NEXT_N_DAYS:7", "Next 7 Days"},
      {"NEXT_N_DAYS:30", "Next 30 Days"},
      {"NEXT_N_DAYS:60", "Next 60 Days"},
      {"NEXT_N_DAYS:90", "Next 90 Days"},
      {"NEXT_N_DAYS:120", "Next 120 Days"}}},
};

static void duration_json(const struct report *report, const char *value, const char *label,
                          struct jw *w)
{
    int64_t start = report->today, end = report->today - 1; /* of CUSTOM, as recorded */
    duration_range(value, report->today, &start, &end);
    jw_object(w);
    jw_kv_text(w, "endDate", day_text(report->arena, end));
    jw_kv_text(w, "label", label);
    jw_kv_text(w, "startDate", day_text(report->arena, start));
    jw_kv_text(w, "value", value);
    jw_end_object(w);
}

static void duration_group_json(const struct report *report, const char *label,
                                const char *const (*durations)[2], size_t count, struct jw *w)
{
    jw_object(w);
    jw_kv_text(w, "label", label);
    jw_key(w, "standardDateFilterDurations");
    jw_array(w);
    for (size_t i = 0; i < count && durations[i][0]; i++)
        duration_json(report, durations[i][0], durations[i][1], w);
    jw_end_array(w);
    jw_end_object(w);
}

static void durations_json(const struct report *report, struct jw *w)
{
    static const char *const custom[1][2] = {{"CUSTOM", "Custom"}};
    jw_key(w, "standardDateFilterDurationGroups");
    jw_array(w);
    duration_group_json(report, "Custom", custom, 1, w);
    for (size_t i = 0; i < sizeof duration_groups / sizeof *duration_groups; i++)
        duration_group_json(report, duration_groups[i].group, duration_groups[i].durations, 8, w);
    jw_end_array(w);
}

/* --- scopes --- */

static void scope_json(const char *label, const char *value, struct jw *w)
{
    jw_object(w);
    jw_kv_bool(w, "allowsDivision", false);
    jw_kv_text(w, "label", label);
    jw_kv_text(w, "value", value);
    jw_end_object(w);
}

static void scopes_json(const struct report *report, struct jw *w)
{
    const struct sobject *object = report->type.object;
    jw_key(w, "scopeInfo");
    jw_object(w);
    jw_kv_text(w, "defaultValue", "organization");
    jw_key(w, "values");
    jw_array(w);
    if (sobject_field(object, "OwnerId"))
        scope_json(arena_printf(report->arena, "My %s", object->label_plural), "user", w);
    scope_json(arena_printf(report->arena, "All %s", object->label_plural), "organization", w);
    jw_end_array(w);
    jw_end_object(w);
}

static void objects_json(const struct report *report, struct jw *w)
{
    jw_key(w, "objects");
    jw_array(w);
    jw_object(w);
    jw_kv_text(w, "apiName", report->type.object->name);
    jw_kv_text(w, "label", report->type.object->label);
    jw_end_object(w);
    jw_end_array(w);
}

static void type_metadata_json(const struct report *report, struct jw *w)
{
    jw_object(w);
    categories_json(report, w);
    jw_key(w, "dataTypeFilterOperatorMap");
    report_operators_json(w);
    jw_kv_null(w, "dateGranularityInfos");
    jw_kv_null(w, "divisionInfo");
    jw_kv_bool(w, "hasOuterJoin", false);
    jw_kv_bool(w, "isExternalObjectReport", false);
    jw_kv_bool(w, "isHistorical", false);
    jw_key(w, "objectRelationships");
    jw_raw(w, "[]", 2);
    if (report->context.api_version >= 54)
        objects_json(report, w);
    scopes_json(report, w);
    durations_json(report, w);
    jw_kv_null(w, "standardFilterInfos");
    jw_kv_bool(w, "supportsJoinedFormat", false);
    jw_end_object(w);
}

void report_describe_json(const struct report *report, const char *attributes, struct jw *w)
{
    jw_object(w);
    if (attributes) {
        jw_key(w, "attributes");
        jw_raw(w, attributes, strlen(attributes));
    }
    jw_key(w, "reportExtendedMetadata");
    extended_metadata_json(report, w);
    jw_key(w, "reportMetadata");
    report_metadata_json(report, w);
    jw_key(w, "reportTypeMetadata");
    type_metadata_json(report, w);
    jw_end_object(w);
}
