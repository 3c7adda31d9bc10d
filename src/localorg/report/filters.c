/* filters.c - what a report lets through, as one SOQL condition.
 *
 * A filter's value is a list: "Acme,Globex" matches either, a value with a
 * comma in it stands in double quotes, and nothing at all means empty. Text
 * comes as people type it in the report builder: 100K, 1/31/2026, LAST 7 DAYS.
 * A datetime compared with a day means that day in the user's time zone. */
#include "localorg/report/report_priv.h"

#include "base/when.h"
#include "localorg/soql/dates.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { VALUES_MAX = 2500, LOGIC_DEPTH = 20 };

/* --- operators --- */

static const struct {
    const char *name, *label, *soql;
} operators[] = {
    {"equals", "equals", "="},
    {"notEqual", "not equal to", "!="},
    {"lessThan", "less than", "<"},
    {"greaterThan", "greater than", ">"},
    {"lessOrEqual", "less or equal", "<="},
    {"greaterOrEqual", "greater or equal", ">="},
    {"contains", "contains", NULL},
    {"notContain", "does not contain", NULL},
    {"startsWith", "starts with", NULL},
    {"includes", "includes", NULL},
    {"excludes", "excludes", NULL},
};
#define OPERATORS (sizeof operators / sizeof *operators)

static bool operator_fits(enum column_type type, size_t i)
{
    switch (type) {
    case COLUMN_BOOLEAN:
        return i < 2;
    case COLUMN_MULTIPICKLIST:
        return i < 2 || i > 8;
    case COLUMN_INT:
    case COLUMN_DOUBLE:
    case COLUMN_CURRENCY:
    case COLUMN_PERCENT:
    case COLUMN_DATE:
    case COLUMN_DATETIME:
    case COLUMN_TIME:
    case COLUMN_ID:
        return i < 6;
    default:
        return i < 9;
    }
}

static size_t operator_index(const char *name)
{
    size_t i = 0;
    while (i < OPERATORS && !text_eq_nocase(operators[i].name, name))
        i++;
    return i;
}

bool operator_known(enum column_type type, const char *name)
{
    size_t i = operator_index(name);
    return i < OPERATORS && operator_fits(type, i);
}

void report_operators_json(struct jw *w)
{
    jw_object(w);
    for (int type = COLUMN_STRING; type <= COLUMN_HTML; type++) {
        jw_key(w, column_type_name((enum column_type)type));
        jw_array(w);
        for (size_t i = 0; i < OPERATORS; i++) {
            if (!operator_fits((enum column_type)type, i))
                continue;
            jw_object(w);
            jw_kv_text(w, "label", operators[i].label);
            jw_kv_text(w, "name", operators[i].name);
            jw_end_object(w);
        }
        jw_end_array(w);
    }
    jw_end_object(w);
}

/* --- dates --- */

static const char *upper(struct arena *arena, const char *text)
{
    char *out = arena_strdup(arena, text);
    for (char *p = out; *p; p++)
        *p = *p == ' ' ? '_' : (char)toupper((unsigned char)*p);
    return out;
}

/* "LAST 7 DAYS" is LAST_N_DAYS:7, "3 WEEKS AGO" N_WEEKS_AGO:3. NULL: no literal. */
static const char *date_literal(struct arena *arena, const char *text)
{
    char unit[24], way[8];
    long n = 0;
    int used = 0;
    const char *name = upper(arena, text);
    if (sscanf(name, "%7[A-Z]_%ld_%23[A-Z_]%n", way, &n, unit, &used) == 3 && !name[used] &&
        (text_eq(way, "LAST") || text_eq(way, "NEXT")) && n != 90)
        name = arena_printf(arena, "%s_N_%s:%ld", way, unit, n);
    else if (sscanf(name, "%ld_%23[A-Z_]%n", &n, unit, &used) == 2 && !name[used] &&
             text_ends(unit, "_AGO"))
        name = arena_printf(arena, "N_%s:%ld", unit, n);
    const char *colon = strchr(name, ':');
    struct str word = {name, colon ? (size_t)(colon - name) : strlen(name)};
    bool digits = !colon || (colon[1] && strspn(colon + 1, "0123456789") == strlen(colon + 1));
    return digits && date_literal_known(word, colon != NULL) ? name : NULL;
}

/* 2026-01-31, or 1/31/2026 as an en_US user types it. */
static bool day_of(const char *text, int64_t *day)
{
    struct date date;
    int used = 0;
    bool good = date_parse(text, &date) ||
                (sscanf(text, "%2d/%2d/%4d%n", &date.month, &date.day, &date.year, &used) == 3 &&
                 !text[used] && date_valid(date));
    if (good)
        *day = date_to_days(date);
    return good;
}

bool duration_range(const char *duration, int64_t today, int64_t *start, int64_t *end)
{
    struct date_range range;
    const char *colon = strchr(duration, ':');
    struct str name = {duration, colon ? (size_t)(colon - duration) : strlen(duration)};
    long long n = colon ? strtoll(colon + 1, NULL, 10) : -1;
    /* Here, n days are n days and hold today; of SOQL's literals neither is true. */
    if (str_eq_nocase(name, STR("LAST_N_DAYS")) || str_eq_nocase(name, STR("NEXT_N_DAYS"))) {
        bool last = toupper((unsigned char)*duration) == 'L';
        if (n < 1 || n > 100000)
            return false;
        *start = last ? today - n + 1 : today;
        *end = last ? today : today + n - 1;
        return true;
    }
    if ((colon && n < 0) || !date_literal_range(name, n, today, &range))
        return false;
    *start = range.start;
    *end = range.end - 1;
    return true;
}

/* --- one comparison --- */

struct condition {
    const struct report *report;
    const struct report_filter *filter;
    const char *path;
    size_t operator;
    struct buf *out;
    struct err *err;
};

static enum status bad_value(const struct condition *c, const char *value)
{
    switch (c->filter->column->type) {
    case COLUMN_ID:
        return err_set(c->err, REPORT_BAD_REQUEST,
                       "The filter value for ID %s is incorrect. Specify an ID that is 15 or 18 "
                       "characters long, such as 006D000000CrRLw or 005U0000000Rg2CIAS.",
                       value);
    case COLUMN_DATE:
    case COLUMN_DATETIME:
        return err_set(c->err, REPORT_BAD_REQUEST,
                       "Filter the date in the correct format. Accepted formats are "
                       "yyyy-MM-dd'T'HH:mm:ss'Z' and yyyy-MM-dd.");
    default:
        return err_set(c->err, REPORT_BAD_REQUEST, "The filter value %s for %s is invalid.", value,
                       c->filter->column->name);
    }
}

/* As a SOQL string; for LIKE its wildcards are no wildcards. */
static void put_quoted(struct buf *out, const char *before, const char *text, const char *after)
{
    buf_printf(out, "'%s", before);
    for (; *text; text++) {
        bool special = *text == '\'' || *text == '\\' ||
                       ((*before || *after) && (*text == '%' || *text == '_'));
        if (special)
            buf_char(out, '\\');
        if (*text == '\n' || *text == '\r')
            buf_str(out, *text == '\n' ? "\\n" : "\\r");
        else
            buf_char(out, *text);
    }
    buf_printf(out, "%s'", after);
}

/* 100K, 1.5M, "100,000": digits as SOQL reads them. */
static bool put_number(struct buf *out, const char *text)
{
    char digits[64], *end = NULL;
    size_t n = 0;
    for (; *text && n + 1 < sizeof digits; text++)
        if (*text != ',' && *text != '$' && *text != ' ')
            digits[n++] = *text;
    digits[n] = '\0';
    double value = strtod(digits, &end);
    static const char units[] = "KMB";
    const char *unit = *end ? strchr(units, toupper((unsigned char)*end)) : NULL;
    bool plain = strspn(digits, "0123456789.-+eE") == (size_t)(end - digits);
    if (end == digits || *text || !plain || (*end && (!unit || end[1])))
        return false;
    for (const char *p = units; unit && p <= unit; p++)
        value *= 1000;
    if (unit)
        buf_printf(out, "%.10g", value);
    else
        buf_str(out, digits);
    return true;
}

static bool put_boolean(struct buf *out, const char *text)
{
    bool yes = text_eq_nocase(text, "true") || text_eq(text, "1") || text_eq_nocase(text, "yes");
    bool no = text_eq_nocase(text, "false") || text_eq(text, "0") || text_eq_nocase(text, "no");
    buf_str(out, yes ? "true" : "false");
    return yes || no;
}

static void put_instant(struct buf *out, int64_t ms)
{
    char text[32];
    when_iso_seconds(ms, text);
    buf_str(out, text);
}

/* A day against a datetime: the stretch of it in the user's zone. */
static void put_day_range(const struct condition *c, int64_t day)
{
    int64_t start = zone_day_start(c->report->zone, day);
    int64_t end = zone_day_start(c->report->zone, day + 1);
    static const char *const shapes[][2] = {{">=", "<"},  {"<", ">="}, {"<", NULL},
                                            {NULL, ">="}, {NULL, "<"}, {">=", NULL}};
    const char *from = shapes[c->operator][0], *to = shapes[c->operator][1];
    buf_char(c->out, '(');
    if (from) {
        buf_printf(c->out, "%s %s ", c->path, from);
        put_instant(c->out, start);
    }
    if (from && to)
        buf_str(c->out, c->operator== 1 ? " OR " : " AND ");
    if (to) {
        buf_printf(c->out, "%s %s ", c->path, to);
        put_instant(c->out, end);
    }
    if (c->operator== 1) /* empty is not that day */
        buf_printf(c->out, " OR %s = null", c->path);
    buf_char(c->out, ')');
}

static enum status put_date(const struct condition *c, const char *text)
{
    int64_t day, ms;
    bool stored_datetime = c->filter->column->field->type == FT_DATETIME;
    const char *literal = date_literal(c->report->arena, text);
    if (literal) {
        buf_printf(c->out, "%s %s %s", c->path, operators[c->operator].soql, literal);
    } else if (day_of(text, &day)) {
        if (stored_datetime)
            put_day_range(c, day);
        else
            buf_printf(c->out, "%s %s %s", c->path, operators[c->operator].soql,
                       day_text(c->report->arena, day));
    } else if (when_parse(text, &ms)) {
        if (stored_datetime && !c->filter->column->date_only) {
            buf_printf(c->out, "%s %s ", c->path, operators[c->operator].soql);
            put_instant(c->out, ms);
        } else {
            day = zone_day(c->report->zone, ms);
            if (stored_datetime)
                put_day_range(c, day);
            else
                buf_printf(c->out, "%s %s %s", c->path, operators[c->operator].soql,
                           day_text(c->report->arena, day));
        }
    } else {
        return bad_value(c, text);
    }
    return OK;
}

static enum status put_text(const struct condition *c, const char *text)
{
    const char *name = operators[c->operator].name;
    bool contains = text_eq(name, "contains") || text_eq(name, "notContain");
    if (text_eq(name, "includes") || text_eq(name, "excludes")) {
        buf_printf(c->out, "%s %s (", c->path, text_eq(name, "includes") ? "INCLUDES" : "EXCLUDES");
        put_quoted(c->out, "", text, "");
        buf_char(c->out, ')');
    } else if (operators[c->operator].soql) {
        buf_printf(c->out, "%s %s ", c->path, operators[c->operator].soql);
        put_quoted(c->out, "", text, "");
    } else {
        buf_printf(c->out, "(%s%s LIKE ", text_eq(name, "notContain") ? "NOT " : "", c->path);
        put_quoted(c->out, contains ? "%" : "", text, "%");
        buf_char(c->out, ')');
    }
    return OK;
}

static enum status put_value(const struct condition *c, const char *text)
{
    char id[19];
    enum column_type type = c->filter->column->type;
    const char *soql = operators[c->operator].soql;
    if (!*text) {
        bool negative = c->operator== 1 || (!soql && text_eq(operators[c->operator].name, "excludes"));
        buf_printf(c->out, "%s %s null", c->path, negative ? "!=" : "=");
        return OK;
    }
    if (column_type_is_date(type))
        return put_date(c, text);
    if (column_type_is_number(type)) {
        buf_printf(c->out, "%s %s ", c->path, soql);
        return put_number(c->out, text) ? OK : bad_value(c, text);
    }
    if (type == COLUMN_BOOLEAN) {
        buf_printf(c->out, "%s %s ", c->path, soql);
        return put_boolean(c->out, text) ? OK : bad_value(c, text);
    }
    if (type == COLUMN_TIME) {
        buf_printf(c->out, "%s %s %s", c->path, soql, text);
        return strspn(text, "0123456789:.Z") == strlen(text) ? OK : bad_value(c, text);
    }
    if (type == COLUMN_ID) {
        if (!id_canonical(text, id))
            return bad_value(c, text);
        buf_printf(c->out, "%s %s '%s'", c->path, soql, id);
        return OK;
    }
    return put_text(c, text);
}

/* The next value of a list: past its comma, or NULL after the last. */
static const char *next_value(struct arena *arena, const char *list, const char **value)
{
    struct buf text = BUF_INIT;
    bool quoted = false;
    list += strspn(list, " ");
    for (; *list && (quoted || *list != ','); list++) {
        if (*list == '"')
            quoted = !quoted;
        else
            buf_char(&text, *list);
    }
    *value = text_trim(arena, buf_text(&text));
    buf_free(&text);
    return *list == ',' ? list + 1 : NULL;
}

/* One filter in brackets: any of its values, or none of them. */
static enum status filter_write(const struct report *report, const struct report_filter *filter,
                                struct buf *out, struct err *err)
{
    struct condition c = {.report = report,
                          .filter = filter,
                          .path = filter->column->path,
                          .operator= operator_index(filter->operator),
                          .out = out,
                          .err = err};
    const char *list = filter->value, *value;
    const char *name = operators[c.operator].name;
    bool none =
        text_eq(name, "notEqual") || text_eq(name, "notContain") || text_eq(name, "excludes");
    size_t count = 0;
    buf_char(out, '(');
    do {
        list = next_value(report->arena, list, &value);
        if (count++)
            buf_str(out, none ? " AND " : " OR ");
        if (count > VALUES_MAX)
            return err_set(err, REPORT_BAD_REQUEST, "A filter can have at most %d values.",
                           VALUES_MAX);
        if (put_value(&c, value) != OK)
            return FAIL;
    } while (list);
    buf_char(out, ')');
    return OK;
}

/* --- filter logic: "1 AND (2 OR 3)" --- */

struct logic {
    const struct report *report;
    const char *at;
    int depth;
    bool used[FILTERS_MAX];
    struct buf *out;
    struct err *err;
};

static enum status bad_logic(struct logic *l)
{
    return err_set(l->err, REPORT_BAD_REQUEST, "The filter logic %s is invalid near: %s",
                   l->report->boolean_filter, *l->at ? l->at : "its end");
}

static bool logic_word(struct logic *l, const char *word)
{
    size_t len = strlen(word);
    l->at += strspn(l->at, " \t");
    if (strncasecmp(l->at, word, len) != 0 ||
        (isalpha((unsigned char)*word) && isalnum((unsigned char)l->at[len])))
        return false;
    l->at += len;
    return true;
}

static enum status logic_any(struct logic *l);

static enum status logic_one(struct logic *l)
{
    if (logic_word(l, "NOT")) {
        buf_str(l->out, "(NOT ");
        if (++l->depth > LOGIC_DEPTH || logic_one(l) != OK)
            return l->depth > LOGIC_DEPTH ? bad_logic(l) : FAIL;
        l->depth--;
        buf_char(l->out, ')');
        return OK;
    }
    if (logic_word(l, "(")) {
        if (++l->depth > LOGIC_DEPTH)
            return bad_logic(l);
        if (logic_any(l) != OK)
            return FAIL;
        l->depth--;
        return logic_word(l, ")") ? OK : bad_logic(l);
    }
    char *end = NULL;
    unsigned long n = isdigit((unsigned char)*l->at) ? strtoul(l->at, &end, 10) : 0;
    if (!n)
        return bad_logic(l);
    if (n > l->report->filter_count)
        return err_set(l->err, REPORT_BAD_REQUEST,
                       "The filter logic references an undefined filter: %lu", n);
    l->at = end;
    l->used[n - 1] = true;
    return filter_write(l->report, &l->report->filters[n - 1], l->out, l->err);
}

/* AND binds closer; SOQL wants brackets where both stand together. */
static enum status logic_all(struct logic *l)
{
    buf_char(l->out, '(');
    do {
        if (l->out->data[l->out->len - 1] != '(')
            buf_str(l->out, " AND ");
        if (logic_one(l) != OK)
            return FAIL;
    } while (logic_word(l, "AND"));
    buf_char(l->out, ')');
    return OK;
}

static enum status logic_any(struct logic *l)
{
    bool more = false;
    buf_char(l->out, '(');
    do {
        if (more)
            buf_str(l->out, " OR ");
        if (logic_all(l) != OK)
            return FAIL;
        more = true;
    } while (logic_word(l, "OR"));
    buf_char(l->out, ')');
    return OK;
}

static enum status logic_write(const struct report *report, struct buf *out, struct err *err)
{
    struct logic l = {.report = report, .at = report->boolean_filter, .out = out, .err = err};
    if (logic_any(&l) != OK)
        return FAIL;
    l.at += strspn(l.at, " \t");
    if (*l.at)
        return bad_logic(&l);
    for (size_t i = 0; i < report->filter_count; i++)
        if (!l.used[i])
            return err_set(err, REPORT_BAD_REQUEST,
                           "Some filter conditions are defined but not referenced in the filter "
                           "logic: %zu",
                           i + 1);
    return OK;
}

/* --- the rest of the condition --- */

static void and_if_more(struct buf *out)
{
    if (out->len)
        buf_str(out, " AND ");
}

static void date_write(const struct report *report, struct buf *out)
{
    const struct date_filter *date = &report->date;
    bool datetime = date->column && date->column->field->type == FT_DATETIME;
    for (int side = 0; date->column && side < 2; side++) {
        int64_t day = side ? date->end : date->start;
        if (day == INT64_MIN || day == INT64_MAX)
            continue;
        and_if_more(out);
        buf_printf(out, "%s %s ", date->column->path, !side ? ">=" : datetime ? "<" : "<=");
        if (datetime)
            put_instant(out, zone_day_start(report->zone, day + side));
        else
            buf_str(out, day_text(report->arena, day));
    }
}

/* The drop-down filters over an opportunity report. */
static enum status standard_write(const struct report *report, const struct json *json,
                                  struct buf *out, struct err *err)
{
    static const char *const open[][2] = {
        {"open", "IsClosed = false"}, {"closed", "IsClosed = true"}, {"closedwon", "IsWon = true"}};
    const char *name = json_get_text(json, "name"), *value = json_get_text(json, "value");
    if (!name || !value || !text_eq(report->type.name, "Opportunity") || text_eq(value, "all"))
        return OK;
    for (size_t i = 0; text_eq(name, "open") && i < 3; i++)
        if (text_eq_nocase(value, open[i][0])) {
            and_if_more(out);
            buf_str(out, open[i][1]);
            return OK;
        }
    size_t sign = strspn(value, "<>=");
    if (text_eq(name, "probability") && sign && sign < 3 && value[sign] &&
        strspn(value + sign, "0123456789") == strlen(value + sign)) {
        and_if_more(out);
        buf_printf(out, "Probability %.*s %s", (int)sign, value, value + sign);
        return OK;
    }
    return err_set(err, REPORT_BAD_REQUEST, "The value %s of the standard filter %s is invalid.",
                   value, name);
}

enum status filters_write(const struct report *report, struct buf *soql, struct err *err)
{
    if (report->boolean_filter) {
        if (logic_write(report, soql, err) != OK)
            return FAIL;
    } else {
        for (size_t i = 0; i < report->filter_count; i++) {
            and_if_more(soql);
            if (filter_write(report, &report->filters[i], soql, err) != OK)
                return FAIL;
        }
    }
    date_write(report, soql);
    json_each(json, report_member(report, "standardFilters"))
        if (standard_write(report, json, soql, err) != OK)
            return FAIL;
    if (text_eq(report->scope, "user") && report->context.user_id) {
        and_if_more(soql);
        buf_printf(soql, "OwnerId = '%s'", report->context.user_id);
    }
    return OK;
}
