/* labels.c - values as an en_US user reads them in a report, and as programs
 * do: {"label":"$16,000.01","value":{"amount":16000.01,"currency":null}}.
 *
 * Empty is "-" and null. A record's name has the record's id as its value; an
 * id is shown with 15 characters. */
#include "localorg/report/report_priv.h"

#include "base/when.h"
#include "localorg/soql/value.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { DAY_MS = 86400000 };

const char *day_text(struct arena *arena, int64_t day)
{
    struct date date = date_from_days(day);
    return arena_printf(arena, "%04d-%02d-%02d", date.year, date.month, date.day);
}

static const char *day_label(struct arena *arena, int64_t day)
{
    struct date date = date_from_days(day);
    return arena_printf(arena, "%d/%d/%d", date.month, date.day, date.year);
}

static const char *datetime_label(const struct report *report, struct arena *arena, int64_t ms)
{
    int ms_of_day = 0;
    struct date date = when_date(ms + zone_offset(report->zone, ms) * 60000ll, &ms_of_day);
    int hour = ms_of_day / 3600000, minute = ms_of_day / 60000 % 60;
    return arena_printf(arena, "%d/%d/%d %d:%02d %s", date.month, date.day, date.year,
                        hour % 12 ? hour % 12 : 12, minute, hour < 12 ? "AM" : "PM");
}

int64_t cell_day(const struct report *report, const struct report_column *column,
                 sqlite3_value *value)
{
    struct date date = {1970, 1, 1};
    if (column->field->type == FT_DATETIME)
        return zone_day(report->zone, sqlite3_value_int64(value));
    const char *text = (const char *)sqlite3_value_text(value);
    return text && date_parse(text, &date) ? date_to_days(date) : 0;
}

static const char *number_label(struct arena *arena, enum column_type type, int scale,
                                double number)
{
    char text[96];
    value_format_number(number,
                        type == COLUMN_INT        ? 0
                        : scale < 0 || scale > 18 ? 2
                                                  : scale,
                        text, sizeof text);
    if (type == COLUMN_CURRENCY)
        return arena_printf(arena, "%s$%s", *text == '-' ? "-" : "", text + (*text == '-'));
    return arena_printf(arena, "%s%s", text, type == COLUMN_PERCENT ? "%" : "");
}

static const char *picklist_label(const struct field *field, const char *value)
{
    for (size_t i = 0; i < field->picklist_count; i++)
        if (text_eq(field->picklist[i].value, value))
            return field->picklist[i].label ? field->picklist[i].label : value;
    return value;
}

const char *cell_label(const struct report *report, const struct report_column *column,
                       struct arena *arena, sqlite3_value *value)
{
    if (sqlite3_value_type(value) == SQLITE_NULL)
        return "-";
    switch (column->type) {
    case COLUMN_BOOLEAN:
        return sqlite3_value_int(value) ? "true" : "false";
    case COLUMN_INT:
    case COLUMN_DOUBLE:
    case COLUMN_CURRENCY:
    case COLUMN_PERCENT:
        return number_label(arena, column->type, column->field->scale, sqlite3_value_double(value));
    case COLUMN_DATE:
        return day_label(arena, cell_day(report, column, value));
    case COLUMN_DATETIME:
        return datetime_label(report, arena, sqlite3_value_int64(value));
    case COLUMN_ID:
        return arena_strndup(arena, (const char *)sqlite3_value_text(value), 15);
    case COLUMN_PICKLIST:
        return picklist_label(column->field,
                              arena_strdup(arena, (const char *)sqlite3_value_text(value)));
    default:
        return arena_strdup(arena, (const char *)sqlite3_value_text(value));
    }
}

static void number_json(enum column_type type, double number, struct jw *w)
{
    if (type == COLUMN_INT || (fabs(number) < 1e15 && number == floor(number)))
        jw_int(w, (int64_t)number);
    else
        jw_double(w, number);
}

/* What a program reads: the value without its label. */
static void value_json(const struct report *report, const struct report_column *column,
                       struct arena *arena, const struct cell *cell, struct jw *w)
{
    char text[32];
    sqlite3_value *value = cell->id ? cell->id : cell->value;
    if (sqlite3_value_type(cell->value) == SQLITE_NULL ||
        sqlite3_value_type(value) == SQLITE_NULL) {
        jw_null(w);
        return;
    }
    switch (cell->id ? COLUMN_STRING : column->type) {
    case COLUMN_BOOLEAN:
        jw_bool(w, sqlite3_value_int(value));
        break;
    case COLUMN_CURRENCY:
        jw_object(w);
        jw_key(w, "amount");
        number_json(column->type, sqlite3_value_double(value), w);
        jw_kv_null(w, "currency");
        jw_end_object(w);
        break;
    case COLUMN_INT:
    case COLUMN_DOUBLE:
    case COLUMN_PERCENT:
        number_json(column->type, sqlite3_value_double(value), w);
        break;
    case COLUMN_DATE:
        jw_text(w, day_text(arena, cell_day(report, column, value)));
        break;
    case COLUMN_DATETIME:
        when_iso_seconds(sqlite3_value_int64(value), text);
        jw_text(w, text);
        break;
    case COLUMN_ID:
        jw_text_n(w, (const char *)sqlite3_value_text(value), 15);
        break;
    default:
        jw_text(w, (const char *)sqlite3_value_text(value));
    }
}

/* As recorded since API v47: plain text also comes ready for HTML. */
static bool has_escaped_label(const struct report *report, const struct report_column *column,
                              const struct cell *cell)
{
    return report->context.api_version >= 47 && !cell->id &&
           (column->type == COLUMN_STRING || column->type == COLUMN_TEXTAREA);
}

static const char *escaped(struct arena *arena, const char *text)
{
    static const char *const names[] = {
        ['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;", ['\''] = "&#39;"};
    if (!strpbrk(text, "&<>\"'"))
        return text;
    struct buf out = BUF_INIT;
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c < sizeof names / sizeof *names && names[c])
            buf_str(&out, names[c]);
        else
            buf_char(&out, *text);
    }
    const char *kept = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return kept;
}

void cell_json(const struct report *report, const struct report_column *column, struct arena *arena,
               const struct cell *cell, struct jw *w)
{
    const char *label = cell_label(report, column, arena, cell->value);
    jw_object(w);
    if (has_escaped_label(report, column, cell))
        jw_kv_text(w, "escapedLabel", escaped(arena, label));
    jw_kv_text(w, "label", label);
    jw_key(w, "value");
    value_json(report, column, arena, cell, w);
    jw_end_object(w);
}

void total_json(const struct report *report, const struct report_aggregate *aggregate,
                const struct total *total, struct jw *w)
{
    bool is_null;
    double value = total_value(aggregate, total, &is_null);
    bool counted = aggregate->kind == ROW_COUNT || aggregate->kind == UNIQUE;
    enum column_type type = counted ? COLUMN_INT : aggregate->column->type;
    int scale = counted ? 0 : aggregate->column->field->scale;
    if (aggregate->kind == AVERAGE && type == COLUMN_INT)
        type = COLUMN_DOUBLE, scale = 2;
    jw_object(w);
    jw_kv_text(w, "label", is_null ? "-" : number_label(report->arena, type, scale, value));
    jw_key(w, "value");
    if (is_null)
        jw_null(w);
    else
        number_json(type, value, w);
    jw_end_object(w);
}

/* --- groups --- */

static const char *const months[] = {"January",   "February", "March",    "April",
                                     "May",       "June",     "July",     "August",
                                     "September", "October",  "November", "December"};

/* The first day of the stretch that holds `day`; its label. */
static int64_t stretch(struct arena *arena, enum granularity granularity, int64_t day,
                       const char **label)
{
    struct date date = date_from_days(day);
    int quarter = (date.month - 1) / 3;
    switch (granularity) {
    case BY_WEEK:
        day -= date_weekday(date);
        *label = arena_printf(arena, "%s - %s", day_label(arena, day), day_label(arena, day + 6));
        return day;
    case BY_MONTH:
        *label = arena_printf(arena, "%s %d", months[date.month - 1], date.year);
        return date_to_days((struct date){date.year, date.month, 1});
    case BY_QUARTER:
    case BY_FISCAL_QUARTER:
        *label = arena_printf(arena, "%sQ%d-%d", granularity == BY_QUARTER ? "C" : "", quarter + 1,
                              date.year);
        return date_to_days((struct date){date.year, quarter * 3 + 1, 1});
    case BY_YEAR:
    case BY_FISCAL_YEAR:
        *label = arena_printf(arena, granularity == BY_YEAR ? "CY%d" : "FY %d", date.year);
        return date_to_days((struct date){date.year, 1, 1});
    default:
        *label = day_label(arena, day);
        return day;
    }
}

static void date_group(const struct report *report, const struct report_grouping *grouping,
                       struct arena *arena, const struct cell *cell, struct group *group)
{
    int64_t day = cell_day(report, grouping->column, cell->value);
    struct date date = date_from_days(day);
    enum granularity granularity = grouping->granularity;
    if (granularity == BY_MONTH_IN_YEAR || granularity == BY_DAY_IN_MONTH) {
        bool month = granularity == BY_MONTH_IN_YEAR;
        group->order = month ? date.month : date.day;
        group->value = group->id = arena_printf(arena, "\"%d\"", (int)group->order);
        group->label = month ? months[date.month - 1] : arena_printf(arena, "%d", date.day);
        return;
    }
    day = stretch(arena, granularity, day, &group->label);
    group->order = (double)day;
    group->value = group->id = arena_printf(arena, "\"%s\"", day_text(arena, day));
}

static double picklist_place(const struct field *field, const char *value)
{
    for (size_t i = 0; i < field->picklist_count; i++)
        if (text_eq(field->picklist[i].value, value))
            return (double)i;
    return (double)field->picklist_count;
}

void group_describe(const struct report *report, const struct report_grouping *grouping,
                    struct arena *arena, const struct cell *cell, struct group *group)
{
    const struct report_column *column = grouping->column;
    struct buf value = BUF_INIT;
    struct jw w;
    group->order = 0;
    group->text = NULL;
    if (sqlite3_value_type(cell->value) == SQLITE_NULL) {
        *group = (struct group){.label = "-", .value = "null", .id = "null", .order = -INFINITY};
        return;
    }
    if (column_type_is_date(column->type)) {
        date_group(report, grouping, arena, cell, group);
        return;
    }
    group->label = cell_label(report, column, arena, cell->value);
    if (column_type_is_number(column->type) || column->type == COLUMN_BOOLEAN)
        group->order = sqlite3_value_double(cell->value);
    else if (column->type == COLUMN_PICKLIST)
        group->order = picklist_place(column->field, (const char *)sqlite3_value_text(cell->value));
    group->text = group->label;
    jw_init(&w, &value);
    value_json(report, column, arena, cell, &w);
    group->value = group->id = arena_strdup(arena, buf_text(&value));
    buf_free(&value);
}
