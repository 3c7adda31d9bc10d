/* compile_func.c - functions: aggregates, parts of dates, labels, distance.
 *
 * Each becomes plain SQL, so that rules can use conditions on any connection.
 * Datetimes are cut up in UTC, or inside convertTimezone by the user's clock. */
#include "localorg/soql/compile_priv.h"

#include <string.h>
#include <strings.h>

const char *sql_quote(struct arena *arena, const char *text)
{
    struct buf out = BUF_INIT;
    buf_char(&out, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            buf_char(&out, '\'');
        buf_char(&out, *text);
    }
    buf_char(&out, '\'');
    return buf_to_arena(arena, &out);
}

/* --- compound fields --- */

bool field_is_part(const struct field *part, const struct field *compound, const char *suffix)
{
    if (!part->compound_field || strcasecmp(part->compound_field, compound->name) != 0 ||
        part == compound)
        return false;
    size_t name = strlen(part->name), end = strlen(suffix);
    if (name > 3 && strcasecmp(part->name + name - 3, "__s") == 0)
        name -= 3;
    if (name < end || strncasecmp(part->name + name - end, suffix, end) != 0)
        return false;
    return true;
}

const struct field *compound_part(const struct field *compound, const char *suffix)
{
    const struct sobject *object = compound->owner;
    for (size_t i = 0; i < object->field_count; i++)
        if (object->fields[i]->stored && field_is_part(object->fields[i], compound, suffix))
            return object->fields[i];
    return NULL;
}

/* --- arguments --- */

static enum status wrong_argument(struct compiler *c, const struct ast_expr *call)
{
    return fail_at(c, SOQL_MALFORMED, call->at, call->len,
                   "The function '" STR_FMT "' was used with wrong arguments", STR_ARG(call->name));
}

static bool call_is(const struct ast_expr *expr, const char *name)
{
    return expr && expr->kind == AST_CALL && str_eq_nocase(expr->name, str_of(name));
}

/* The one argument, a path. */
static enum status resolve_argument(struct compiler *c, const struct ast_expr *call,
                                    struct resolved *out)
{
    const struct ast_expr *argument = call->first;
    if (!argument || argument->next || argument->kind != AST_PATH)
        return wrong_argument(c, call);
    return resolve_path(c, argument, out);
}

/* The one argument, whatever it is. */
static enum status resolve_argument_expr(struct compiler *c, const struct ast_expr *call,
                                         struct resolved *out)
{
    if (!call->first || call->first->next)
        return wrong_argument(c, call);
    return resolve_expr(c, call->first, out);
}

/* --- picklists --- */

static const char *picklist_case(struct compiler *c, const struct resolved *value, bool labels)
{
    const struct field *field = value->field;
    struct buf sql = BUF_INIT;
    buf_printf(&sql, "CASE %s", value->sql);
    for (size_t i = 0; i < field->picklist_count; i++) {
        const struct picklist_value *item = &field->picklist[i];
        buf_printf(&sql, " WHEN %s THEN ", sql_quote(c->arena, item->value));
        if (labels)
            buf_str(&sql, sql_quote(c->arena, item->label ? item->label : item->value));
        else
            buf_printf(&sql, "%zu", i);
    }
    if (labels)
        buf_printf(&sql, " ELSE %s END", value->sql);
    else
        buf_printf(&sql, " ELSE CASE WHEN %s IS NOT NULL THEN %zu END END", value->sql,
                   field->picklist_count);
    return buf_to_arena(c->arena, &sql);
}

const char *picklist_order_sql(struct compiler *c, const struct resolved *value)
{
    enum { MOST = 1000 };
    const struct field *field = value->field;
    if (!value->plain || !field || value->type != FT_PICKLIST || !field->picklist_count ||
        field->picklist_count > MOST)
        return NULL;
    return picklist_case(c, value, false);
}

static enum status resolve_label(struct compiler *c, const struct ast_expr *call,
                                 struct resolved *out)
{
    if (resolve_argument(c, call, out) != OK)
        return FAIL;
    if (out->field && out->field->picklist_count && out->type == FT_PICKLIST) {
        out->sql = picklist_case(c, out, true);
        out->plain = false;
        out->type = FT_STRING;
    }
    return OK;
}

/* --- aggregates --- */

enum aggregate { NO_AGGREGATE, COUNT, COUNT_DISTINCT, SUM, AVG, MIN, MAX };

static enum aggregate aggregate_of(const struct ast_expr *expr)
{
    static const char *const names[] = {"COUNT", "COUNT_DISTINCT", "SUM", "AVG", "MIN", "MAX"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (call_is(expr, names[i]))
            return (enum aggregate)(COUNT + i);
    return NO_AGGREGATE;
}

bool is_aggregate_call(const struct ast_expr *expr)
{
    if (call_is(expr, "FORMAT") || call_is(expr, "convertCurrency"))
        return is_aggregate_call(expr->first);
    return aggregate_of(expr) != NO_AGGREGATE || call_is(expr, "GROUPING");
}

static bool type_is_number(enum field_type type)
{
    return type == FT_INT || type == FT_DOUBLE || type == FT_CURRENCY || type == FT_PERCENT;
}

/* Which fields an aggregate may read: describe's word, then the type. */
static bool may_aggregate(const struct resolved *value, enum aggregate function)
{
    if (function == SUM || function == AVG)
        return type_is_number(value->type);
    switch (value->type) {
    case FT_BOOLEAN:
    case FT_BASE64:
    case FT_TIME:
    case FT_ADDRESS:
    case FT_LOCATION:
    case FT_ENCRYPTEDSTRING:
    case FT_MULTIPICKLIST:
    case FT_ANYTYPE:
        return false;
    default:
        return !value->field || value->field->aggregatable || value->type == FT_ID;
    }
}

/* MIN and MAX of a picklist follow its setup order: rank before the value. */
static const char *ranked_sql(struct compiler *c, const struct resolved *value,
                              const char *function)
{
    const char *rank = picklist_order_sql(c, value);
    if (!rank)
        return arena_printf(c->arena, "%s(%s)", function, value->sql);
    return arena_printf(c->arena, "substr(%s(printf('%%05d', %s) || %s), 6)", function, rank,
                        value->sql);
}

static enum status resolve_aggregate(struct compiler *c, const struct ast_expr *call,
                                     enum aggregate function, struct resolved *out)
{
    struct resolved value;
    if (resolve_argument(c, call, &value) != OK)
        return FAIL;
    if (!may_aggregate(&value, function))
        return fail_at(c, SOQL_MALFORMED, call->at, call->len,
                       "field %s does not support aggregate operator " STR_FMT, value.name,
                       STR_ARG(call->name));
    *out = value;
    out->plain = false;
    out->aggregate = out->function = true;
    switch (function) {
    case COUNT:
    case COUNT_DISTINCT:
        out->sql =
            arena_printf(c->arena, "count(%s%s)", function == COUNT ? "" : "DISTINCT ", value.sql);
        out->type = FT_INT;
        out->field = NULL;
        break;
    case AVG:
        out->sql = arena_printf(c->arena, "avg(%s)", value.sql);
        out->type = FT_DOUBLE;
        break;
    case SUM:
        out->sql = arena_printf(c->arena, "sum(%s)", value.sql);
        break;
    default:
        out->sql = ranked_sql(c, &value, function == MIN ? "min" : "max");
        break;
    }
    return OK;
}

/* Replaced by 0 or 1 for each set of groups, see compile_group.c. */
static enum status resolve_grouping(struct compiler *c, const struct ast_expr *call,
                                    struct resolved *out)
{
    struct resolved value;
    if (!c->totals)
        return fail_at(c, SOQL_MALFORMED, call->at, call->len,
                       "GROUPING is only allowed with GROUP BY ROLLUP or CUBE");
    if (resolve_argument_expr(c, call, &value) != OK)
        return FAIL;
    *out =
        (struct resolved){.type = FT_INT, .aggregate = true, .function = true, .name = "GROUPING"};
    out->sql = arena_printf(c->arena, "GROUPING %s", value.sql);
    return OK;
}

/* --- dates --- */

static const struct {
    const char *name, *format;
    int add, divide;
    bool datetime_only, fiscal;
} date_parts[] = {
    {"CALENDAR_MONTH", "%m", 0, 1, false}, {"CALENDAR_QUARTER", "%m", 2, 3, false},
    {"CALENDAR_YEAR", "%Y", 0, 1, false},  {"DAY_IN_MONTH", "%d", 0, 1, false},
    {"DAY_IN_WEEK", "%w", 1, 1, false},    {"DAY_IN_YEAR", "%j", 0, 1, false},
    {"FISCAL_MONTH", "%m", 0, 1, false, true},   {"FISCAL_QUARTER", "%m", 2, 3, false, true},
    {"FISCAL_YEAR", "%Y", 0, 1, false, true},    {"HOUR_IN_DAY", "%H", 0, 1, true},
    {"WEEK_IN_MONTH", "%d", 6, 7, false},  {"WEEK_IN_YEAR", "%j", 6, 7, false},
    {"DAY_ONLY", "%Y-%m-%d", 0, 0, true},
};

static int date_part_of(const struct ast_expr *expr)
{
    for (size_t i = 0; i < sizeof date_parts / sizeof *date_parts; i++)
        if (call_is(expr, date_parts[i].name))
            return (int)i;
    return -1;
}

bool is_grouping_call(const struct ast_expr *expr)
{
    return is_aggregate_call(expr) || date_part_of(expr) >= 0;
}

/* A datetime or date, or convertTimezone(datetime). */
static enum status resolve_date(struct compiler *c, const struct ast_expr *call,
                                struct resolved *out)
{
    if (!call_is(call->first, "convertTimezone"))
        return resolve_argument(c, call, out);
    if (call->first->next || resolve_argument(c, call->first, out) != OK)
        return call->first->next ? wrong_argument(c, call) : FAIL;
    if (out->type != FT_DATETIME)
        return wrong_argument(c, call);
    out->sql = zone_local_sql(c->arena, user_zone(c), out->sql);
    return OK;
}

/* Months and quarters counted from the org's fiscal start; the year is named after the
 * calendar year it ends in, or starts in (Organization.UsesStartDateAsFiscalYearName).
 * False when the fiscal year is the calendar year. */
static bool fiscal_sql(struct compiler *c, int part, const char *time, struct resolved *out)
{
    const struct fiscal *fiscal = org_fiscal(c);
    int skip = fiscal->start_month - 1;
    if (skip == 0)
        return false;
    const char *month = arena_printf(
        c->arena, "((CAST(strftime('%%m', %s) AS INTEGER) + %d) %% 12)", time, 11 - skip);
    out->type = FT_INT;
    if (strcasecmp(date_parts[part].name, "FISCAL_MONTH") == 0)
        out->sql = arena_printf(c->arena, "(%s + 1)", month);
    else if (strcasecmp(date_parts[part].name, "FISCAL_QUARTER") == 0)
        out->sql = arena_printf(c->arena, "(%s / 3 + 1)", month);
    else
        out->sql = arena_printf(
            c->arena,
            "(CAST(strftime('%%Y', %s) AS INTEGER) + (CAST(strftime('%%m', %s) AS INTEGER) > %d) - %d)",
            time, time, skip, fiscal->named_by_start ? 1 : 0);
    return true;
}

static enum status resolve_date_part(struct compiler *c, const struct ast_expr *call, int part,
                                     struct resolved *out)
{
    struct resolved value;
    if (resolve_date(c, call, &value) != OK)
        return FAIL;
    if (value.type != FT_DATETIME && (value.type != FT_DATE || date_parts[part].datetime_only))
        return wrong_argument(c, call);
    const char *time = value.type == FT_DATE
                           ? value.sql
                           : arena_printf(c->arena, "%s / 1000, 'unixepoch'", value.sql);
    *out = value;
    out->plain = false;
    out->function = out->date_part = true;
    out->field = NULL;
    if (date_parts[part].fiscal && fiscal_sql(c, part, time, out))
        return OK;
    if (date_parts[part].divide == 0) {
        out->type = FT_DATE;
        out->sql = arena_printf(c->arena, "strftime('%s', %s)", date_parts[part].format, time);
        return OK;
    }
    out->type = FT_INT;
    out->sql =
        arena_printf(c->arena, "((CAST(strftime('%s', %s) AS INTEGER) + %d) / %d)",
                     date_parts[part].format, time, date_parts[part].add, date_parts[part].divide);
    return OK;
}

/* --- distance --- */

static enum status resolve_distance(struct compiler *c, const struct ast_expr *call,
                                    struct resolved *out)
{
    const struct ast_expr *place = call->first, *point = place ? place->next : NULL;
    const struct ast_expr *unit = point ? point->next : NULL;
    struct resolved value;
    if (!unit || unit->next || place->kind != AST_PATH || !call_is(point, "GEOLOCATION") ||
        unit->kind != AST_TEXT || !point->first || point->first->kind != AST_NUMBER ||
        !point->first->next || point->first->next->kind != AST_NUMBER || point->first->next->next)
        return wrong_argument(c, call);
    bool miles = strcasecmp(unit->string, "mi") == 0;
    if (!miles && strcasecmp(unit->string, "km") != 0)
        return wrong_argument(c, call);
    if (resolve_path(c, place, &value) != OK)
        return FAIL;
    if (value.type != FT_LOCATION && value.type != FT_ADDRESS)
        return wrong_argument(c, call);
    const struct field *latitude = compound_part(value.field, "latitude");
    const struct field *longitude = compound_part(value.field, "longitude");
    if (!latitude || !longitude)
        return wrong_argument(c, call);
    const char *lat = column_sql(c, value.source, latitude->name);
    const char *lon = column_sql(c, value.source, longitude->name);
    double to_lat = point->first->number, to_lon = point->first->next->number;
    *out = (struct resolved){
        .type = FT_DOUBLE, .source = value.source, .function = true, .distance = true,
        .name = "DISTANCE"};
    out->sql =
        arena_printf(c->arena,
                     "(%s * asin(sqrt(pow(sin(radians(%s - %.17g) / 2), 2) + cos(radians(%.17g)) * "
                     "cos(radians(%s)) * pow(sin(radians(%s - %.17g) / 2), 2))))",
                     miles ? "7917.6" : "12742.0", lat, to_lat, to_lat, lat, lon, to_lon);
    return OK;
}

/* --- all of them --- */

static enum status resolve_format(struct compiler *c, const struct ast_expr *call,
                                  struct resolved *out)
{
    if (resolve_argument_expr(c, call, out) != OK)
        return FAIL;
    out->formatted = true;
    return OK;
}

enum status resolve_expr(struct compiler *c, const struct ast_expr *expr, struct resolved *out)
{
    if (expr->kind == AST_PATH)
        return resolve_path(c, expr, out);
    if (expr->kind != AST_CALL)
        return fail_at(c, SOQL_MALFORMED, expr->at, expr->len, "unexpected token: '" STR_FMT "'",
                       STR_ARG(expr->text));
    if (aggregate_of(expr) != NO_AGGREGATE)
        return resolve_aggregate(c, expr, aggregate_of(expr), out);
    if (date_part_of(expr) >= 0)
        return resolve_date_part(c, expr, date_part_of(expr), out);
    if (call_is(expr, "GROUPING"))
        return resolve_grouping(c, expr, out);
    if (call_is(expr, "toLabel"))
        return resolve_label(c, expr, out);
    if (call_is(expr, "convertCurrency"))
        return resolve_argument_expr(c, expr, out);
    if (call_is(expr, "FORMAT"))
        return resolve_format(c, expr, out);
    if (call_is(expr, "DISTANCE"))
        return resolve_distance(c, expr, out);
    return fail_at(c, SOQL_MALFORMED, expr->at, expr->len, "Invalid function: '" STR_FMT "'",
                   STR_ARG(expr->name));
}
