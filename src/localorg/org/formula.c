/* formula.c - the tree of a formula to one SQL expression.
 *
 * Parents are read by scalar subqueries, formula fields inside formulas are put
 * in place. Blank text is '' while comparing, blank numbers are 0 or make the
 * result blank, as the field says; a comparison with nothing is false. Percent
 * fields count as fractions. */
#include "localorg/org/formula_priv.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define FORMULAS_MAX 10 /* inside each other */

struct value sql_value(const char *sql, enum formula_type type)
{
    return (struct value){.sql = sql, .raw = sql, .type = type};
}

struct value formula_refuse(struct emitter *e, const char *fmt, ...)
{
    char message[400];
    va_list args;
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    if (!e->broken)
        err_set(e->err, ERR_FORMULA, "%s", message);
    e->broken = true;
    return sql_value("NULL", FORMULA_NULL);
}

const char *type_word(enum formula_type type)
{
    static const char *const words[] = {"Text", "Number", "Boolean", "Date",
                                        "DateTime", "Time", "Null"};
    return words[type];
}

bool value_fits(struct emitter *e, const struct value *value, enum formula_type wanted,
                const char *where)
{
    if (e->broken)
        return false;
    if (value->picklist && wanted == FORMULA_TEXT) {
        formula_refuse(e, "Field is a picklist field. Picklist fields are only supported in certain "
                          "functions (%s).", where);
        return false;
    }
    if (value->type == wanted || value->type == FORMULA_NULL)
        return true;
    formula_refuse(e, "Incorrect parameter type for %s. Expected %s, received %s", where,
                   type_word(wanted), type_word(value->type));
    return false;
}

const char *quote_text(struct arena *arena, const char *text)
{
    struct buf out = BUF_INIT;
    buf_char(&out, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            buf_char(&out, '\'');
        buf_char(&out, *text);
    }
    buf_char(&out, '\'');
    const char *copy = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return copy;
}

const char *text_sql(struct emitter *e, const struct value *value)
{
    return arena_printf(e->arena, "COALESCE(%s,'')", value->sql);
}

const char *blank_sql(struct emitter *e, const struct value *value)
{
    if (value->type == FORMULA_TEXT || value->type == FORMULA_NULL)
        return arena_printf(e->arena, "(COALESCE(%s,'')='')", value->raw);
    return arena_printf(e->arena, "(%s IS NULL)", value->raw);
}

/* --- names --- */

static enum formula_type type_of(const struct field *field)
{
    switch (field->type) {
    case FT_BOOLEAN:
        return FORMULA_BOOLEAN;
    case FT_INT:
    case FT_DOUBLE:
    case FT_CURRENCY:
    case FT_PERCENT:
        return FORMULA_NUMBER;
    case FT_DATE:
        return FORMULA_DATE;
    case FT_DATETIME:
        return FORMULA_DATETIME;
    case FT_TIME:
        return FORMULA_TIME;
    default:
        return FORMULA_TEXT;
    }
}

static const char *computed(struct emitter *e, const struct field *field, const char *alias);

/* The field of the row `alias`, blank being NULL, percents as fractions. */
static const char *column(struct emitter *e, const struct field *field, const char *alias)
{
    struct buf sql = BUF_INIT;
    const char *made = computed(e, field, alias);
    if (made) {
        buf_str(&sql, made);
    } else {
        buf_printf(&sql, "%s.", alias);
        quote_name(&sql, field->name);
    }
    const char *text = field->type == FT_PERCENT
                           ? arena_printf(e->arena, "(%s/100.0)", buf_text(&sql))
                           : arena_strdup(e->arena, buf_text(&sql));
    buf_free(&sql);
    return text;
}

/* "Account.Owner.Name" from the row `alias` of `object`; the last field into *found. */
static const char *path_sql(struct emitter *e, const struct sobject *object, const char *alias,
                            const char *path, const struct field **found)
{
    const char *dot = strchr(path, '.');
    if (!dot) {
        *found = sobject_field(object, path);
        return *found && ((*found)->stored || (*found)->calculated)
                   ? column(e, *found, alias)
                   : NULL;
    }
    const struct field *via = sobject_parent(object, path, (size_t)(dot - path));
    for (size_t i = 0; via && i < via->reference_count; i++) {
        const struct sobject *target = schema_find(e->org->schema, via->reference_to[i]);
        const char *inner = arena_printf(e->arena, "f%d", ++*e->aliases);
        const char *value = target ? path_sql(e, target, inner, dot + 1, found) : NULL;
        if (value)
            return arena_printf(e->arena,
                                "(SELECT %s FROM \"%s\" %s WHERE %s.\"Id\" = %s.\"%s\")", value,
                                target->name, inner, inner, alias, via->name);
    }
    return NULL;
}

struct value field_value(struct emitter *e, const char *path)
{
    const struct field *field = NULL;
    if (*path == '$')
        return formula_refuse(e, "localorg does not evaluate %s", path);
    const char *sql = path_sql(e, e->object, e->alias, path, &field);
    if (!sql || !field)
        return formula_refuse(e, "Field %s does not exist. Check spelling.", path);
    struct value value = sql_value(sql, type_of(field));
    value.picklist = field->type == FT_PICKLIST || field->type == FT_MULTIPICKLIST;
    if (value.type == FORMULA_NUMBER && e->options->blank_as_zero)
        value.sql = arena_printf(e->arena, "COALESCE(%s,0)", sql);
    if (value.type == FORMULA_BOOLEAN)
        value.sql = value.raw = arena_printf(e->arena, "COALESCE(%s,0)", sql);
    return value;
}

/* --- operators --- */

static bool is_date(enum formula_type type)
{
    return type == FORMULA_DATE || type == FORMULA_DATETIME;
}

const char *equal_sql(struct emitter *e, const struct value *a, const struct value *b)
{
    bool text = a->type == FORMULA_TEXT || b->type == FORMULA_TEXT;
    if (text)
        return arena_printf(e->arena, "(%s = %s COLLATE BINARY)", text_sql(e, a), text_sql(e, b));
    if (a->type == FORMULA_NULL || b->type == FORMULA_NULL)
        return blank_sql(e, a->type == FORMULA_NULL ? b : a);
    return arena_printf(e->arena, "COALESCE(%s = %s,0)", a->sql, b->sql);
}

static bool comparable(struct emitter *e, const struct value *a, const struct value *b,
                       const char *word)
{
    if (e->broken)
        return false;
    bool same = a->type == b->type || a->type == FORMULA_NULL || b->type == FORMULA_NULL ||
                (is_date(a->type) && is_date(b->type));
    if (a->picklist || b->picklist)
        return value_fits(e, a->picklist ? a : b, FORMULA_TEXT, word);
    if (same)
        return true;
    formula_refuse(e, "Incorrect parameter type for operator '%s'. Expected %s, received %s", word,
                   type_word(a->type), type_word(b->type));
    return false;
}

static struct value compare(struct emitter *e, const char *word, struct value a, struct value b)
{
    if (!comparable(e, &a, &b, word))
        return sql_value("0", FORMULA_BOOLEAN);
    if (strcmp(word, "=") == 0 || strcmp(word, "==") == 0)
        return sql_value(equal_sql(e, &a, &b), FORMULA_BOOLEAN);
    if (strcmp(word, "<>") == 0 || strcmp(word, "!=") == 0)
        return sql_value(arena_printf(e->arena, "(NOT %s)", equal_sql(e, &a, &b)), FORMULA_BOOLEAN);
    return sql_value(arena_printf(e->arena, "COALESCE(%s %s %s,0)", a.sql, word, b.sql),
                    FORMULA_BOOLEAN);
}

static struct value join_text(struct emitter *e, struct value a, struct value b)
{
    if (!value_fits(e, &a, FORMULA_TEXT, "operator '&'") ||
        !value_fits(e, &b, FORMULA_TEXT, "operator '&'"))
        return sql_value("NULL", FORMULA_TEXT);
    return sql_value(arena_printf(e->arena, "(%s || %s)", text_sql(e, &a), text_sql(e, &b)),
                    FORMULA_TEXT);
}

/* Days more or less, or the days between. */
static struct value date_math(struct emitter *e, const char *word, struct value a, struct value b)
{
    bool minus = *word == '-';
    if (b.type == FORMULA_NUMBER && is_date(a.type))
        return sql_value(a.type == FORMULA_DATE
                            ? arena_printf(e->arena, "sf_date_add(%s,%s(%s))", a.sql,
                                           minus ? "-" : "", b.sql)
                            : arena_printf(e->arena, "CAST(%s %s (%s)*86400000 AS INTEGER)", a.sql,
                                           word, b.sql),
                        a.type);
    if (a.type == FORMULA_NUMBER && !minus)
        return date_math(e, word, b, a);
    if (minus && a.type == b.type && a.type == FORMULA_DATE)
        return sql_value(arena_printf(e->arena, "(sf_days(%s)-sf_days(%s))", a.sql, b.sql),
                        FORMULA_NUMBER);
    if (minus && a.type == b.type && a.type == FORMULA_DATETIME)
        return sql_value(arena_printf(e->arena, "((%s-%s)/86400000.0)", a.sql, b.sql),
                        FORMULA_NUMBER);
    return formula_refuse(e, "Incorrect parameter type for operator '%s'. Expected Number, received "
                             "%s", word, type_word(is_date(b.type) ? b.type : a.type));
}

static struct value arithmetic(struct emitter *e, const char *word, struct value a, struct value b)
{
    if (*word == '&' || (*word == '+' && (a.type == FORMULA_TEXT || b.type == FORMULA_TEXT)))
        return join_text(e, a, b);
    if ((*word == '+' || *word == '-') && (is_date(a.type) || is_date(b.type)))
        return date_math(e, word, a, b);
    const char *where = arena_printf(e->arena, "operator '%s'", word);
    if (!value_fits(e, &a, FORMULA_NUMBER, where) || !value_fits(e, &b, FORMULA_NUMBER, where))
        return sql_value("NULL", FORMULA_NUMBER);
    const char *sql = *word == '/' ? arena_printf(e->arena, "(CAST(%s AS REAL)/NULLIF(%s,0))", a.sql, b.sql)
                      : *word == '^' ? arena_printf(e->arena, "sf_pow(%s,%s)", a.sql, b.sql)
                                     : arena_printf(e->arena, "(%s %s %s)", a.sql, word, b.sql);
    return sql_value(sql, FORMULA_NUMBER);
}

static struct value unary(struct emitter *e, const char *word, struct value a)
{
    if (*word == '!') {
        value_fits(e, &a, FORMULA_BOOLEAN, "operator '!'");
        return sql_value(arena_printf(e->arena, "(NOT %s)", a.sql), FORMULA_BOOLEAN);
    }
    value_fits(e, &a, FORMULA_NUMBER, "operator '-'");
    return sql_value(arena_printf(e->arena, "(%s%s)", strcmp(word, "neg") == 0 ? "-" : "", a.sql),
                    FORMULA_NUMBER);
}

static struct value operator_value(struct emitter *e, const struct formula_node *node)
{
    struct value a = formula_emit(e, node->first);
    if (node->count == 1)
        return unary(e, node->text, a);
    struct value b = formula_emit(e, node->first->next);
    if (strcmp(node->text, "&&") == 0 || strcmp(node->text, "||") == 0) {
        value_fits(e, &a, FORMULA_BOOLEAN, node->text);
        value_fits(e, &b, FORMULA_BOOLEAN, node->text);
        return sql_value(arena_printf(e->arena, "(%s %s %s)", a.sql,
                                     *node->text == '&' ? "AND" : "OR", b.sql),
                        FORMULA_BOOLEAN);
    }
    return strchr("=<>!", *node->text) ? compare(e, node->text, a, b)
                                       : arithmetic(e, node->text, a, b);
}

struct value formula_emit(struct emitter *e, const struct formula_node *node)
{
    if (e->broken)
        return sql_value("NULL", FORMULA_NULL);
    switch (node->kind) {
    case F_NUMBER:
        return sql_value(node->text, FORMULA_NUMBER);
    case F_TEXT:
        return sql_value(quote_text(e->arena, node->text), FORMULA_TEXT);
    case F_TRUTH:
        return sql_value(node->text, FORMULA_BOOLEAN);
    case F_NULL:
        return sql_value("NULL", FORMULA_NULL);
    case F_FIELD:
        return field_value(e, node->text);
    case F_CALL:
        return formula_call(e, node);
    case F_OPERATOR:
        return operator_value(e, node);
    }
    return sql_value("NULL", FORMULA_NULL);
}

/* --- formula fields --- */

static bool type_agrees(const struct field *field, enum formula_type type)
{
    return type == FORMULA_NULL || type == type_of(field);
}

/* The formula's result as the field keeps it. */
static const char *as_field(struct arena *arena, const struct field *field, const struct value *v)
{
    switch (type_of(field)) {
    case FORMULA_TEXT:
        return arena_printf(arena, "NULLIF(%s,'')", v->sql);
    case FORMULA_NUMBER:
        return arena_printf(arena, "sf_round(%s%s,%d)", v->sql,
                            field->type == FT_PERCENT ? "*100" : "",
                            field->scale > 0 ? field->scale : field->precision ? 0 : 2);
    case FORMULA_BOOLEAN:
        return arena_printf(arena, "COALESCE(%s,0)", v->sql);
    default:
        return v->sql;
    }
}

static const char *formula_field(struct emitter *outer, const struct field *field,
                                 const char *alias)
{
    struct formula_options options = {.blank_as_zero = field->formula_null_zero};
    struct formula_sql ignored = {0};
    struct emitter e = *outer;
    e.object = field->owner;
    e.options = &options;
    e.alias = alias;
    e.out = &ignored;
    e.depth++;
    if (e.depth > FORMULAS_MAX) {
        formula_refuse(outer, "The formula of %s refers to itself or is too deep", field->name);
        return "NULL";
    }
    struct formula_node *node = formula_parse(e.arena, field->calculated_formula, e.err);
    struct value value = node ? formula_emit(&e, node) : sql_value("NULL", FORMULA_NULL);
    if (!node || e.broken || !type_agrees(field, value.type)) {
        if (node && !e.broken)
            formula_refuse(&e, "Formula result is data type (%s), incompatible with expected data "
                               "type (%s).", type_word(value.type), type_word(type_of(field)));
        outer->broken = true;
        return "NULL";
    }
    return as_field(e.arena, field, &value);
}

/* --- roll-ups --- */

/* One filter of a roll-up: {"field":"Opportunity.IsWon","operation":"equals","value":"True"}. */
static bool filter_sql(struct emitter *e, const struct sobject *child, const char *alias,
                       const struct json *filter, struct buf *out)
{
    static const char *const words[][2] = {
        {"equals", "="},         {"notEqual", "<>"},      {"lessThan", "<"},
        {"greaterThan", ">"},    {"lessOrEqual", "<="},   {"greaterOrEqual", ">="}};
    const char *path = json_get_text(filter, "field"), *dot = path ? strchr(path, '.') : NULL;
    const char *operation = json_get_text(filter, "operation");
    const char *value = json_get_text(filter, "value"), *word = NULL;
    const struct field *field = sobject_field(child, dot ? dot + 1 : path ? path : "");
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_eq(operation, words[i][0]))
            word = words[i][1];
    if (!field || !word || !value)
        return false;
    const char *wanted = field->type == FT_BOOLEAN
                             ? (text_eq_nocase(value, "true") ? "1" : "0")
                         : type_of(field) == FORMULA_NUMBER
                             ? arena_printf(e->arena, "%.15g", strtod(value, NULL))
                             : quote_text(e->arena, value);
    buf_printf(out, " AND COALESCE(%s,'') %s %s", column(e, field, alias), word, wanted);
    return true;
}

static const char *rollup_sql(struct emitter *e, const struct field *field, const char *alias)
{
    const struct json *rollup =
        json_parse(e->arena, field->rollup, strlen(field->rollup), NULL);
    const char *key = json_get_text(rollup, "summaryForeignKey");
    const char *what = json_get_text(rollup, "summarizedField");
    const char *how = json_get_text(rollup, "summaryOperation");
    const char *dot = key ? strchr(key, '.') : NULL;
    const struct sobject *child =
        dot ? schema_find_n(e->org->schema, key, (size_t)(dot - key)) : NULL;
    const struct field *lookup = child ? sobject_field(child, dot + 1) : NULL;
    const char *name = what ? strchr(what, '.') : NULL;
    const struct field *summed = child && name ? sobject_field(child, name + 1) : NULL;
    bool count = text_eq_nocase(how, "count");
    if (!lookup || ++e->depth > FORMULAS_MAX || (!count && !summed))
        return NULL;
    const char *inner = arena_printf(e->arena, "f%d", ++*e->aliases);
    struct buf sql = BUF_INIT;
    if (count)
        buf_str(&sql, "(SELECT COUNT(*)");
    else if (text_eq_nocase(how, "sum"))
        buf_printf(&sql, "(SELECT COALESCE(SUM(%s),0)", column(e, summed, inner));
    else
        buf_printf(&sql, "(SELECT %s(%s)", text_eq_nocase(how, "min") ? "MIN" : "MAX",
                   column(e, summed, inner));
    buf_printf(&sql, " FROM \"%s\" %s WHERE %s.\"%s\" = %s.\"Id\" AND %s.\"IsDeleted\" = 0",
               child->name, inner, inner, lookup->name, alias, inner);
    bool good = true;
    json_each(filter, json_get(rollup, "summaryFilterItems"))
        good &= filter_sql(e, child, inner, filter, &sql);
    buf_char(&sql, ')');
    const char *text = good ? arena_strdup(e->arena, buf_text(&sql)) : NULL;
    buf_free(&sql);
    e->depth--;
    return text;
}

/* --- doors --- */

static const char *computed(struct emitter *e, const struct field *field, const char *alias)
{
    if (!field->calculated || !field->custom)
        return NULL;
    if (field->rollup)
        return rollup_sql(e, field, alias);
    return field->calculated_formula ? formula_field(e, field, alias) : NULL;
}

const char *field_computed_sql(struct arena *arena, struct org *org, const struct field *field,
                               const char *alias)
{
    struct err err = {{0}};
    struct formula_options options = {0};
    struct formula_sql out = {0};
    int aliases = 0;
    if (!field->calculated || !field->custom)
        return NULL;
    struct emitter e = {.arena = arena,
                        .org = org,
                        .object = field->owner,
                        .options = &options,
                        .alias = alias,
                        .out = &out,
                        .err = &err,
                        .aliases = &aliases};
    const char *sql = computed(&e, field, alias);
    return e.broken ? NULL : sql;
}

enum status field_computed_check(struct org *org, const struct field *field, struct err *err)
{
    struct arena *arena = arena_new();
    struct formula_options options = {0};
    struct formula_sql out = {0};
    int aliases = 0;
    struct emitter e = {.arena = arena,
                        .org = org,
                        .object = field->owner,
                        .options = &options,
                        .alias = "t0",
                        .out = &out,
                        .err = err,
                        .aliases = &aliases};
    const char *sql = computed(&e, field, "t0");
    enum status status = OK;
    if (!sql && !e.broken)
        status = err_set(err, ERR_FORMULA, field->rollup
                         ? "A roll-up needs summaryForeignKey, summaryOperation and, unless it "
                           "counts, summarizedField of one child object"
                         : "The formula is empty");
    else if (e.broken)
        status = FAIL;
    arena_free(arena);
    return status;
}

enum status formula_compile(struct arena *arena, struct org *org, const struct sobject *object,
                            const char *text, const struct formula_options *options,
                            const char *alias, struct formula_sql *out, struct err *err)
{
    struct err local = {{0}};
    int aliases = 0;
    struct emitter e = {.arena = arena,
                        .org = org,
                        .object = object,
                        .options = options,
                        .alias = alias,
                        .out = out,
                        .err = err ? err : &local,
                        .aliases = &aliases};
    *out = (struct formula_sql){0};
    struct formula_node *node = formula_parse(arena, text, e.err);
    if (!node)
        return FAIL;
    struct value value = formula_emit(&e, node);
    out->sql = value.sql;
    out->type = value.type;
    return e.broken ? FAIL : OK;
}
