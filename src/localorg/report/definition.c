/* definition.c - reportMetadata to struct report and back.
 *
 * What a report means is read once, against the schema and the user's access;
 * members that only the user interface needs (chart, presentationOptions ...)
 * are kept as they came. A member that would change the rows and is not built
 * (buckets, formulas) is refused, never ignored. */
#include "localorg/report/report_priv.h"

#include "base/when.h"

#include <stdio.h>
#include <string.h>

const struct json *report_member(const struct report *report, const char *name)
{
    const struct json *changed = json_get(report->changes, name);
    return changed ? changed : json_get(report->stored, name);
}

static const char *member_text(const struct report *report, const char *name)
{
    const struct json *member = report_member(report, name);
    return json_is(member, JSON_STRING) && member->len ? member->text : NULL;
}

const char *report_name(const struct report *report)
{
    return member_text(report, "name");
}

static const struct {
    const char *api, *record;
} formats[] = {{"TABULAR", "Tabular"}, {"SUMMARY", "Summary"}, {"MATRIX", "Matrix"}};

const char *report_format(const struct report *report)
{
    return formats[report->format].record;
}

static enum status bad(struct err *err, const char *fmt, const char *what)
{
    return err_set(err, REPORT_BAD_REQUEST, fmt, what); /* NOLINT: fmt is one of ours */
}

/* --- format and type --- */

static enum status read_format(struct report *report, struct err *err)
{
    const char *text = member_text(report, "reportFormat");
    if (!text)
        text = json_is(report_member(report, "groupingsAcross"), JSON_ARRAY) &&
                       report_member(report, "groupingsAcross")->len
                   ? "MATRIX"
               : json_is(report_member(report, "groupingsDown"), JSON_ARRAY) &&
                       report_member(report, "groupingsDown")->len
                   ? "SUMMARY"
                   : "TABULAR";
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
        if (text_eq_nocase(formats[i].api, text)) {
            report->format = (enum report_format)i;
            return OK;
        }
    return err_set(err, REPORT_NOT_BUILT,
                   "You’re requesting data for an unsupported report format.");
}

static enum status read_type(struct report *report, struct err *err)
{
    const struct json *member = report_member(report, "reportType");
    const char *name = json_is(member, JSON_STRING) ? member->text : json_get_text(member, "type");
    if (!name)
        return bad(err, "The report type can't be null.%s", "");
    if (!type_find(&report->context, name, report->arena, &report->type))
        return bad(err, "Specify a valid report type because %s is invalid.", name);
    if (!org_may_object(report->context.org, report->context.user_id, report->type.object,
                        ORG_READ))
        return err_set(err, REPORT_FORBIDDEN,
                       "You don’t have sufficient privileges to perform this operation.");
    return OK;
}

/* Members that change what a run says and are not built. */
static enum status refuse_unbuilt(struct report *report, struct err *err)
{
    static const char *const unbuilt[] = {"buckets", "customSummaryFormula", "customDetailFormula",
                                          "crossFilters"};
    for (size_t i = 0; i < sizeof unbuilt / sizeof *unbuilt; i++) {
        const struct json *member = report_member(report, unbuilt[i]);
        if (member && member->first)
            return err_set(err, REPORT_NOT_BUILT,
                           "localorg has not built %s of reports. docs/localorg/fidelity.md lists "
                           "what is missing.",
                           unbuilt[i]);
    }
    const struct json *dates = report_member(report, "historicalSnapshotDates");
    if (dates && dates->first)
        return err_set(err, REPORT_BAD_REQUEST,
                       "The request is invalid because reports that are not historical trending "
                       "reports cannot have historical snapshot dates.");
    return OK;
}

/* --- columns --- */

static const struct report_column *find(struct report *report, const char *name)
{
    return name ? column_find(report->arena, &report->context, &report->type, name) : NULL;
}

/* A name nobody could read is a mistake; one this user may not read is left out. */
static bool exists(struct report *report, const char *name)
{
    struct report_context everyone = report->context;
    everyone.user_id = NULL;
    return column_find(report->arena, &everyone, &report->type, name) != NULL;
}

static enum status read_columns(struct report *report, struct err *err)
{
    json_each(member, report_member(report, "detailColumns")) {
        const char *name = json_text(member);
        const struct report_column *column = find(report, name);
        if (!column && (!name || !exists(report, name)))
            return bad(err, "Specify a valid column because %s is invalid.", name ? name : "null");
        if (!column)
            continue;
        if (report->column_count == COLUMNS_MAX - 1)
            return bad(err,
                       "Only a report with fewer than 100 columns can be run. The columns are "
                       "fields specified as detail columns, summaries, or custom summary "
                       "formulas. Remove unneeded columns from the report and try again.%s",
                       "");
        report->columns[report->column_count++] = column;
    }
    return OK;
}

static const char *const granularity_names[] = {
    "None", "Day",           "Week",       "Month",       "Quarter",
    "Year", "FiscalQuarter", "FiscalYear", "MonthInYear", "DayInMonth"};

const char *granularity_name(enum granularity granularity)
{
    return granularity_names[granularity];
}

/* Spaces and a leading "Calendar" are as good as none: "Calendar Month". */
static bool read_granularity(const char *text, enum granularity *out)
{
    char plain[24];
    size_t n = 0;
    if (strncasecmp(text, "Calendar ", 9) == 0)
        text += 9;
    for (; *text && n + 1 < sizeof plain; text++)
        if (*text != ' ' && *text != '_')
            plain[n++] = *text;
    plain[n] = '\0';
    for (size_t i = 0; i < sizeof granularity_names / sizeof *granularity_names; i++)
        if (!*text && text_eq_nocase(plain, granularity_names[i])) {
            *out = (enum granularity)i;
            return true;
        }
    return false;
}

static enum status read_grouping(struct report *report, const struct json *json,
                                 struct report_grouping *out, struct err *err)
{
    const char *name = json_get_text(json, "name");
    const char *order = json_get_text(json, "sortOrder");
    const char *granularity = json_get_text(json, "dateGranularity");
    out->column = find(report, name);
    if (!out->column)
        return bad(err, "Specify a valid grouping column because %s is invalid.",
                   name ? name : "null");
    if (granularity && !read_granularity(granularity, &out->granularity))
        return bad(err, "Specify a valid date granularity because %s is invalid.", granularity);
    if (!column_type_is_date(out->column->type))
        out->granularity = BY_VALUE;
    out->descending = order && text_eq_nocase(order, "desc");
    out->sort_aggregate = -1;
    for (size_t i = 0; i < report->column_count; i++)
        if (text_eq(report->columns[i]->name, out->column->name))
            return bad(err, "You can't include groupings in the selected columns list: %s",
                       out->column->name);
    return OK;
}

static enum status read_groupings(struct report *report, const char *member,
                                  struct report_grouping *list, size_t *count, size_t max,
                                  struct err *err)
{
    json_each(json, report_member(report, member)) {
        if (*count == max)
            return bad(err,
                       max ? "A report has too many groupings in %s."
                           : "Groupings are not supported on a tabular report.%s",
                       max ? member : "");
        if (read_grouping(report, json, &list[*count], err) != OK)
            return FAIL;
        ++*count;
    }
    return OK;
}

/* --- aggregates --- */

static enum status read_aggregate(struct report *report, const char *name, struct err *err)
{
    static const char kinds[] = "-samxu"; /* in the order of enum aggregate_kind */
    struct report_aggregate *out = &report->aggregates[report->aggregate_count];
    out->name = name;
    if (text_eq_nocase(name, "RowCount")) {
        out->name = "RowCount";
        report->aggregate_count++;
        return OK;
    }
    const char *kind = name[0] && name[1] == '!' ? strchr(kinds, name[0]) : NULL;
    out->column = kind && *kind ? find(report, name + 2) : NULL;
    if (kind && *kind && !out->column && exists(report, name + 2))
        return OK; /* of a column the user may not read */
    out->kind = kind ? (enum aggregate_kind)(kind - kinds) : ROW_COUNT;
    if (!out->column || (out->kind != UNIQUE && !column_type_is_number(out->column->type)))
        return bad(err, "Specify a valid aggregate because %s is invalid.", name);
    out->name = arena_printf(report->arena, "%c!%s", name[0], out->column->name);
    report->aggregate_count++;
    return OK;
}

static enum status read_aggregates(struct report *report, struct err *err)
{
    const struct json *list = report_member(report, "aggregates");
    if (!json_is(list, JSON_ARRAY) || !list->len)
        return read_aggregate(report, "RowCount", err);
    json_each(member, list) {
        const char *name = json_is(member, JSON_STRING) ? member->text : NULL;
        if (report->column_count + report->aggregate_count >= COLUMNS_MAX - 1)
            return bad(err,
                       "Only a report with fewer than 100 columns can be run. The columns are "
                       "fields specified as detail columns, summaries, or custom summary "
                       "formulas. Remove unneeded columns from the report and try again.%s",
                       "");
        if (!name)
            return bad(err, "Specify a valid aggregate because %s is invalid.", "null");
        if (read_aggregate(report, name, err) != OK)
            return FAIL;
    }
    return OK;
}

/* Groups ordered by one of their sums. */
static enum status read_sort_aggregates(struct report *report, struct err *err)
{
    const struct json *down = report_member(report, "groupingsDown");
    const struct json *across = report_member(report, "groupingsAcross");
    for (size_t g = 0; g < report->down_count + report->across_count; g++) {
        bool is_down = g < report->down_count;
        struct report_grouping *grouping =
            is_down ? &report->down[g] : &report->across[g - report->down_count];
        const char *name =
            json_get_text(json_at(is_down ? down : across, is_down ? g : g - report->down_count),
                          "sortAggregate");
        for (size_t i = 0; name && i < report->aggregate_count; i++)
            if (text_eq_nocase(report->aggregates[i].name, name))
                grouping->sort_aggregate = (int)i;
        if (name && grouping->sort_aggregate < 0)
            return bad(err, "Specify a valid sort aggregate because %s is invalid.", name);
    }
    return OK;
}

/* --- filters, dates, order --- */

static enum status read_filter(struct report *report, const struct json *json, struct err *err)
{
    struct report_filter *filter = &report->filters[report->filter_count++];
    const char *name = json_get_text(json, "column"), *kind = json_get_text(json, "filterType");
    filter->json = json;
    filter->operator= json_get_text(json, "operator");
    filter->value = json_get_text(json, "value");
    if (!filter->value)
        filter->value = "";
    if (kind && !text_eq_nocase(kind, "fieldValue"))
        return err_set(err, REPORT_NOT_BUILT,
                       "localorg has not built report filters that compare two fields.");
    filter->column = find(report, name);
    if (!filter->column)
        return bad(err, "Specify a valid filterable column because %s is invalid.",
                   name ? name : "null");
    if (!filter->column->field->filterable)
        return bad(err,
                   "Some fields, including description and long text area fields, can't be "
                   "included in filter logic.%s",
                   "");
    if (!filter->operator|| !operator_known(filter->column->type, filter->operator))
        return bad(err, "Specify a valid condition because %s is invalid.",
                   filter->operator? filter->operator: "null");
    return OK;
}

static enum status read_filters(struct report *report, struct err *err)
{
    const struct json *list = report_member(report, "reportFilters");
    if (json_get(report->changes, "reportFilters") && !json_is(list, JSON_ARRAY))
        return bad(err,
                   "The request is invalid because there are no filters. Specify filters or "
                   "set filters as an empty array to omit them.%s",
                   "");
    json_each(json, list) {
        if (report->filter_count == FILTERS_MAX)
            return bad(err, "A report can have at most 20 filters.%s", "");
        if (read_filter(report, json, err) != OK)
            return FAIL;
    }
    report->boolean_filter = member_text(report, "reportBooleanFilter");
    return OK;
}

static enum status read_day(const char *text, int64_t open, const char *fmt, const char *column,
                            int64_t *out, struct err *err)
{
    struct date date;
    char day[11];
    *out = open;
    if (!text)
        return OK;
    snprintf(day, sizeof day, "%.10s", text);
    bool longer = strlen(text) > 10 && text[10] != 'T' && text[10] != ' ';
    if (longer || !date_parse(day, &date))
        return bad(err, fmt, column);
    *out = date_to_days(date);
    return OK;
}

static enum status read_date(struct report *report, struct err *err)
{
    const struct json *json = report_member(report, "standardDateFilter");
    struct date_filter *date = &report->date;
    const char *name = json_get_text(json, "column");
    date->duration = json_get_text(json, "durationValue");
    date->start = INT64_MIN;
    date->end = INT64_MAX;
    if (!date->duration)
        date->duration = "CUSTOM";
    if (!name)
        return OK;
    date->column = find(report, name);
    if (!date->column)
        return bad(err, "The column %s specified for the standard date filter is invalid.", name);
    if (!column_type_is_date(date->column->type))
        return bad(err,
                   "The column %s cannot be a standard date filter because it is not a date "
                   "column.",
                   name);
    if (!text_eq_nocase(date->duration, "CUSTOM"))
        return duration_range(date->duration, report->today, &date->start, &date->end)
                   ? OK
                   : bad(err, "The duration %s specified for the standard date filter is invalid.",
                         date->duration);
    if (read_day(json_get_text(json, "startDate"), INT64_MIN,
                 "The specified start date of %s specified for the standard date filter is "
                 "invalid.",
                 name, &date->start, err) != OK)
        return FAIL;
    return read_day(json_get_text(json, "endDate"), INT64_MAX,
                    "The specified end date of %s specified for the standard date filter is "
                    "invalid.",
                    name, &date->end, err);
}

static bool is_selected(const struct report *report, const struct report_column *column)
{
    for (size_t i = 0; i < report->column_count; i++)
        if (text_eq(report->columns[i]->name, column->name))
            return true;
    return false;
}

static enum status read_sort(struct report *report, struct err *err)
{
    const struct json *list = report_member(report, "sortBy");
    if (!json_is(list, JSON_ARRAY) || !list->len)
        return OK;
    const char *name = json_get_text(list->first, "sortColumn");
    const char *order = json_get_text(list->first, "sortOrder");
    if (list->len > 1)
        return bad(err, "A report can only be sorted by one column.%s", "");
    if (report->format == MATRIX)
        return bad(err, "Column sorting isn’t supported for matrix reports.%s", "");
    if (!name)
        return bad(err, "The sort column name can’t be null.%s", "");
    report->sort_column = find(report, name);
    if (!report->sort_column || !is_selected(report, report->sort_column) ||
        !report->sort_column->field->sortable)
        return bad(err, "The sort column name must be from a selected column.%s", "");
    report->sort_descending = order && text_eq_nocase(order, "desc");
    return OK;
}

static enum status read_rest(struct report *report, struct err *err)
{
    const struct json *top = report_member(report, "topRows");
    report->scope = member_text(report, "scope");
    if (!report->scope)
        report->scope = "organization";
    bool owned = sobject_field(report->type.object, "OwnerId") != NULL;
    if (!text_eq(report->scope, "organization") && !(owned && text_eq(report->scope, "user")))
        return bad(err, "Specify a valid scope because %s is invalid.", report->scope);
    if (json_is(top, JSON_OBJECT)) {
        report->row_limit = json_get_int(top, "rowLimit", 0);
        if (report->format != TABULAR || report->row_limit < 1 || !report->sort_column)
            return bad(err,
                       "A row limit wants a tabular report, a sort column and a rowLimit of 1 "
                       "or more.%s",
                       "");
    }
    return OK;
}

static void place_in_time(struct report *report)
{
    struct org_user user;
    bool known = report->context.user_id &&
                 org_user_by_id(report->context.org, report->context.user_id, &user);
    report->zone = zone_find(known ? user.timezone : NULL);
    report->today = zone_day(report->zone, report->context.now_ms);
}

struct report *report_read(struct arena *arena, const struct report_context *context,
                           const struct json *stored, const struct json *changes, struct err *err)
{
    struct report *report = arena_alloc(arena, sizeof *report);
    report->arena = arena;
    report->context = *context;
    report->stored = stored;
    report->changes = changes;
    place_in_time(report);
    if (read_format(report, err) != OK || read_type(report, err) != OK ||
        refuse_unbuilt(report, err) != OK || read_columns(report, err) != OK)
        return NULL;
    size_t down = report->format == TABULAR ? 0 : report->format == MATRIX ? 2 : GROUPINGS_MAX;
    size_t across = report->format == MATRIX ? 2 : 0;
    if (read_groupings(report, "groupingsDown", report->down, &report->down_count, down, err) !=
            OK ||
        read_groupings(report, "groupingsAcross", report->across, &report->across_count, across,
                       err) != OK ||
        read_aggregates(report, err) != OK || read_sort_aggregates(report, err) != OK ||
        read_filters(report, err) != OK || read_date(report, err) != OK ||
        read_sort(report, err) != OK || read_rest(report, err) != OK)
        return NULL;
    struct buf condition = BUF_INIT; /* a value that cannot be compared is a mistake now */
    enum status rc = filters_write(report, &condition, err);
    buf_free(&condition);
    return rc == OK ? report : NULL;
}

struct report *report_of_type(struct arena *arena, const struct report_context *context,
                              const char *type, struct err *err)
{
    struct report_type found;
    if (!type_find(context, type, arena, &found) ||
        !org_may_object(context->org, context->user_id, found.object, ORG_READ)) {
        err_set(err, REPORT_NOT_FOUND, "The data you’re trying to access is unavailable.");
        return NULL;
    }
    const struct field *name = found.object->name_field;
    const struct report_column *column =
        name ? column_of_path(arena, context, &found, name->name) : NULL;
    const char *text = arena_printf(arena,
                                    "{\"reportType\":{\"type\":\"%s\"},\"reportFormat\":"
                                    "\"TABULAR\",\"detailColumns\":[%s%s%s]}",
                                    found.name, column ? "\"" : "", column ? column->name : "",
                                    column ? "\"" : "");
    return report_read(arena, context, json_parse(arena, text, strlen(text), err), NULL, err);
}

/* --- back to JSON --- */

static void kept(const struct report *report, const char *name, const char *otherwise, struct jw *w)
{
    const struct json *member = report_member(report, name);
    jw_key(w, name);
    if (member)
        jw_value(w, member);
    else
        jw_raw(w, otherwise, strlen(otherwise));
}

static void groupings_json(const char *key, const struct report *report,
                           const struct report_grouping *list, size_t count, struct jw *w)
{
    jw_key(w, key);
    jw_array(w);
    for (size_t i = 0; i < count; i++) {
        int by = list[i].sort_aggregate;
        jw_object(w);
        jw_kv_text(w, "dateGranularity", granularity_name(list[i].granularity));
        jw_kv_text(w, "name", list[i].column->name);
        jw_kv_text(w, "sortAggregate", by < 0 ? NULL : report->aggregates[by].name);
        jw_kv_text(w, "sortOrder", list[i].descending ? "Desc" : "Asc");
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void filters_json(const struct report *report, struct jw *w)
{
    jw_key(w, "reportFilters");
    jw_array(w);
    for (size_t i = 0; i < report->filter_count; i++) {
        const struct report_filter *filter = &report->filters[i];
        jw_object(w);
        jw_kv_text(w, "column", filter->column->name);
        jw_kv_text(w, "filterType", "fieldValue");
        jw_kv_bool(w, "isRunPageEditable", json_get_bool(filter->json, "isRunPageEditable", true));
        jw_kv_text(w, "operator", filter->operator);
        jw_kv_text(w, "value", filter->value);
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void date_json(const struct report *report, struct jw *w)
{
    const struct date_filter *date = &report->date;
    jw_key(w, "standardDateFilter");
    jw_object(w);
    jw_kv_text(w, "column", date->column ? date->column->name : NULL);
    jw_kv_text(w, "durationValue", date->duration);
    jw_kv_text(w, "endDate", date->end == INT64_MAX ? NULL : day_text(report->arena, date->end));
    jw_kv_text(w, "startDate",
               date->start == INT64_MIN ? NULL : day_text(report->arena, date->start));
    jw_end_object(w);
}

static void sort_json(const struct report *report, struct jw *w)
{
    jw_key(w, "sortBy");
    jw_array(w);
    if (report->sort_column) {
        jw_object(w);
        jw_kv_text(w, "sortColumn", report->sort_column->name);
        jw_kv_text(w, "sortOrder", report->sort_descending ? "Desc" : "Asc");
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void columns_json(const struct report *report, struct jw *w)
{
    jw_key(w, "detailColumns");
    jw_array(w);
    for (size_t i = 0; i < report->column_count; i++)
        jw_text(w, report->columns[i]->name);
    jw_end_array(w);
}

static void aggregates_json(const struct report *report, struct jw *w)
{
    jw_key(w, "aggregates");
    jw_array(w);
    for (size_t i = 0; i < report->aggregate_count; i++)
        jw_text(w, report->aggregates[i].name);
    jw_end_array(w);
}

/* In the order of recorded answers, which is that of the alphabet. */
void report_metadata_json(const struct report *report, struct jw *w)
{
    jw_object(w);
    aggregates_json(report, w);
    kept(report, "buckets", "[]", w);
    kept(report, "chart", "null", w);
    kept(report, "crossFilters", "[]", w);
    kept(report, "currency", "null", w);
    kept(report, "customDetailFormula", "{}", w);
    kept(report, "customSummaryFormula", "{}", w);
    kept(report, "dashboardSetting", "null", w);
    kept(report, "description", "null", w);
    columns_json(report, w);
    kept(report, "developerName", "null", w);
    kept(report, "division", "null", w);
    kept(report, "folderId", "null", w);
    groupings_json("groupingsAcross", report, report->across, report->across_count, w);
    groupings_json("groupingsDown", report, report->down, report->down_count, w);
    kept(report, "hasDetailRows", "true", w);
    kept(report, "hasRecordCount", "true", w);
    jw_key(w, "historicalSnapshotDates");
    jw_raw(w, "[]", 2);
    kept(report, "id", "null", w);
    kept(report, "name", "null", w);
    kept(report, "presentationOptions", "{\"hasStackedSummaries\":true}", w);
    jw_kv_text(w, "reportBooleanFilter", report->boolean_filter);
    filters_json(report, w);
    jw_kv_text(w, "reportFormat", formats[report->format].api);
    jw_key(w, "reportType");
    jw_object(w);
    jw_kv_text(w, "label", report->type.label);
    jw_kv_text(w, "type", report->type.name);
    jw_end_object(w);
    jw_kv_text(w, "scope", report->scope);
    kept(report, "showGrandTotal", "true", w);
    kept(report, "showSubtotals", "true", w);
    sort_json(report, w);
    date_json(report, w);
    kept(report, "standardFilters", "[]", w);
    kept(report, "supportsRoleHierarchy", "false", w);
    kept(report, "topRows", "null", w);
    kept(report, "userOrHierarchyFilterId", "null", w);
    jw_end_object(w);
}
