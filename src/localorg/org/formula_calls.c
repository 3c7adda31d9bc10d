/* formula_calls.c - the functions of formulas, one row each.
 *
 * `takes` has a letter an argument: T text, N number, B boolean, D date, M
 * datetime, I date or datetime, X anything; lower case may be left out, a '*'
 * repeats the letter before it. `sql` is the result, %1 the first argument (text
 * never NULL). Functions that a pattern cannot say have a maker. */
#include "localorg/org/formula_priv.h"

#include <ctype.h>
#include <string.h>

#define ARGUMENTS_MAX 80

struct call {
    const struct formula_node *node;
    struct value arguments[ARGUMENTS_MAX];
    size_t count;
};

typedef struct value maker_fn(struct emitter *e, struct call *call);
static maker_fn make_if, make_case, make_and, make_or, make_not, make_is_blank, make_is_null,
    make_blank_value, make_is_pick, make_text, make_date_value, make_extreme, make_prior,
    make_changed, make_new, make_instant;

static const struct function {
    const char *name, *takes;
    enum formula_type type;
    const char *sql;
    maker_fn *make;
} functions[] = {
    /* logic */
    {"IF", "BXX", FORMULA_NULL, NULL, make_if},
    {"CASE", "XXXX*", FORMULA_NULL, NULL, make_case},
    {"AND", "B*", FORMULA_BOOLEAN, NULL, make_and},
    {"OR", "B*", FORMULA_BOOLEAN, NULL, make_or},
    {"NOT", "B", FORMULA_BOOLEAN, NULL, make_not},
    {"ISBLANK", "X", FORMULA_BOOLEAN, NULL, make_is_blank},
    {"ISNULL", "X", FORMULA_BOOLEAN, NULL, make_is_null},
    {"BLANKVALUE", "XX", FORMULA_NULL, NULL, make_blank_value},
    {"NULLVALUE", "XX", FORMULA_NULL, NULL, make_blank_value},
    {"ISNUMBER", "T", FORMULA_BOOLEAN, "(sf_value(%1) IS NOT NULL)", NULL},
    {"ISPICKVAL", "XT", FORMULA_BOOLEAN, NULL, make_is_pick},
    {"INCLUDES", "XT", FORMULA_BOOLEAN, "(instr(';'||COALESCE(%1,'')||';',';'||%2||';')>0)", NULL},
    {"ISNEW", "", FORMULA_BOOLEAN, NULL, make_new},
    {"ISCHANGED", "X", FORMULA_BOOLEAN, NULL, make_changed},
    {"PRIORVALUE", "X", FORMULA_NULL, NULL, make_prior},
    /* text */
    {"TEXT", "X", FORMULA_TEXT, NULL, make_text},
    {"VALUE", "T", FORMULA_NUMBER, "sf_value(%1)", NULL},
    {"LEFT", "TN", FORMULA_TEXT, "substr(%1,1,max(CAST(%2 AS INTEGER),0))", NULL},
    {"RIGHT", "TN", FORMULA_TEXT,
     "substr(%1,max(length(%1)-max(CAST(%2 AS INTEGER),0),0)+1)", NULL},
    {"MID", "TNN", FORMULA_TEXT,
     "substr(%1,max(CAST(%2 AS INTEGER),1),max(CAST(%3 AS INTEGER),0))", NULL},
    {"LEN", "T", FORMULA_NUMBER, "length(%1)", NULL},
    {"FIND", "TTn", FORMULA_NUMBER, "sf_find(%1,%2,%3)", NULL},
    {"SUBSTITUTE", "TTT", FORMULA_TEXT, "replace(%1,%2,%3)", NULL},
    {"TRIM", "T", FORMULA_TEXT, "trim(%1)", NULL},
    {"UPPER", "T", FORMULA_TEXT, "upper(%1)", NULL},
    {"LOWER", "T", FORMULA_TEXT, "lower(%1)", NULL},
    {"CONTAINS", "TT", FORMULA_BOOLEAN, "(instr(%1,%2)>0)", NULL},
    {"BEGINS", "TT", FORMULA_BOOLEAN, "(substr(%1,1,length(%2))=%2 COLLATE BINARY)", NULL},
    {"REGEX", "TT", FORMULA_BOOLEAN, "sf_regex(%1,%2)", NULL},
    {"LPAD", "TNt", FORMULA_TEXT, "sf_pad(%1,%2,%3,1)", NULL},
    {"RPAD", "TNt", FORMULA_TEXT, "sf_pad(%1,%2,%3,0)", NULL},
    {"BR", "", FORMULA_TEXT, "'<br>'", NULL},
    {"CASESAFEID", "T", FORMULA_TEXT, "sf_id18(%1)", NULL},
    {"HYPERLINK", "TTt", FORMULA_TEXT,
     "('<a href=\"'||%1||'\" target=\"'||COALESCE(NULLIF(%3,''),'_blank')||'\">'||%2||'</a>')",
     NULL},
    {"IMAGE", "TTnn", FORMULA_TEXT, "('<img src=\"'||%1||'\" alt=\"'||%2||'\" border=\"0\"/>')",
     NULL},
    /* numbers */
    {"ABS", "N", FORMULA_NUMBER, "abs(%1)", NULL},
    {"CEILING", "N", FORMULA_NUMBER, "sf_math('ceiling',%1)", NULL},
    {"FLOOR", "N", FORMULA_NUMBER, "sf_math('floor',%1)", NULL},
    {"MCEILING", "N", FORMULA_NUMBER, "sf_math('mceiling',%1)", NULL},
    {"MFLOOR", "N", FORMULA_NUMBER, "sf_math('mfloor',%1)", NULL},
    {"EXP", "N", FORMULA_NUMBER, "sf_math('exp',%1)", NULL},
    {"LN", "N", FORMULA_NUMBER, "sf_math('ln',%1)", NULL},
    {"LOG", "N", FORMULA_NUMBER, "sf_math('log',%1)", NULL},
    {"SQRT", "N", FORMULA_NUMBER, "sf_math('sqrt',%1)", NULL},
    {"ROUND", "NN", FORMULA_NUMBER, "sf_round(%1,%2)", NULL},
    {"TRUNC", "Nn", FORMULA_NUMBER, "sf_trunc(%1,%2)", NULL},
    {"MOD", "NN", FORMULA_NUMBER, "sf_mod(%1,%2)", NULL},
    {"MAX", "N*", FORMULA_NUMBER, "max", make_extreme},
    {"MIN", "N*", FORMULA_NUMBER, "min", make_extreme},
    {"PI", "", FORMULA_NUMBER, "3.141592653589793", NULL},
    /* dates */
    {"TODAY", "", FORMULA_DATE, "sf_today()", NULL},
    {"NOW", "", FORMULA_DATETIME, "sf_now()", NULL},
    {"DATE", "NNN", FORMULA_DATE, "sf_date(%1,%2,%3)", NULL},
    {"DATEVALUE", "X", FORMULA_DATE, NULL, make_date_value},
    {"DATETIMEVALUE", "X", FORMULA_DATETIME, NULL, make_instant},
    {"ADDMONTHS", "DN", FORMULA_DATE, "sf_add_months(%1,%2)", NULL},
    {"YEAR", "D", FORMULA_NUMBER, "CAST(substr(%1,1,4) AS INTEGER)", NULL},
    {"MONTH", "D", FORMULA_NUMBER, "CAST(substr(%1,6,2) AS INTEGER)", NULL},
    {"DAY", "D", FORMULA_NUMBER, "CAST(substr(%1,9,2) AS INTEGER)", NULL},
    {"WEEKDAY", "D", FORMULA_NUMBER, "((sf_days(%1)+4)%%7+1)", NULL},
};

static const struct function *function_find(const char *name)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (text_eq_nocase(functions[i].name, name))
            return &functions[i];
    return NULL;
}

/* --- arguments --- */

/* The letter of argument i: '\0' when there may be none. */
static char letter_at(const char *takes, size_t i)
{
    size_t len = strlen(takes);
    if (len && takes[len - 1] == '*')
        return i < len - 1 ? takes[i] : takes[len - 2];
    return i < len ? takes[i] : '\0';
}

static size_t least_of(const char *takes)
{
    size_t count = 0;
    for (; *takes; takes++)
        count += isupper((unsigned char)*takes) != 0;
    return count;
}

static bool letter_fits(struct emitter *e, char letter, const struct value *value,
                        const char *where)
{
    static const struct {
        char letter;
        enum formula_type type;
    } types[] = {{'T', FORMULA_TEXT}, {'N', FORMULA_NUMBER}, {'B', FORMULA_BOOLEAN},
                 {'D', FORMULA_DATE}, {'M', FORMULA_DATETIME}};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].letter == toupper((unsigned char)letter))
            return value_fits(e, value, types[i].type, where);
    return !e->broken;
}

static bool read_arguments(struct emitter *e, const struct function *function, struct call *call)
{
    const char *where = arena_printf(e->arena, "function '%s()'", function->name);
    size_t least = least_of(function->takes), given = call->node->count;
    if (given < least || given > ARGUMENTS_MAX || (given && !letter_at(function->takes, given - 1))) {
        formula_refuse(e, "Incorrect number of parameters for %s. Expected %zu, received %zu", where,
                       least, given);
        return false;
    }
    for (const struct formula_node *a = call->node->first; a; a = a->next) {
        struct value *value = &call->arguments[call->count];
        *value = formula_emit(e, a);
        if (!letter_fits(e, letter_at(function->takes, call->count++), value, where))
            return false;
    }
    return true;
}

/* --- patterns --- */

static const char *argument_sql(struct emitter *e, const struct call *call, size_t i)
{
    if (i >= call->count)
        return "NULL";
    const struct value *value = &call->arguments[i];
    return value->type == FORMULA_TEXT && !value->picklist ? text_sql(e, value) : value->sql;
}

static struct value fill_pattern(struct emitter *e, const struct function *function,
                                 const struct call *call)
{
    struct buf sql = BUF_INIT;
    for (const char *at = function->sql; *at; at++) {
        if (*at == '%' && at[1] == '%')
            buf_char(&sql, *at++);
        else if (*at == '%' && isdigit((unsigned char)at[1]))
            buf_str(&sql, argument_sql(e, call, (size_t)(*++at - '1')));
        else
            buf_char(&sql, *at);
    }
    struct value value = sql_value(arena_strdup(e->arena, buf_text(&sql)), function->type);
    if (function->type == FORMULA_BOOLEAN)
        value.sql = value.raw = arena_printf(e->arena, "COALESCE(%s,0)", value.sql);
    buf_free(&sql);
    return value;
}

struct value formula_call(struct emitter *e, const struct formula_node *node)
{
    const struct function *function = function_find(node->text);
    struct call *call = arena_alloc(e->arena, sizeof *call);
    call->node = node;
    if (!function)
        return formula_refuse(e, "Unknown function %s. Check spelling.", node->text);
    if (!read_arguments(e, function, call))
        return sql_value("NULL", FORMULA_NULL);
    if (function->make == make_extreme) {
        struct buf sql = BUF_INIT;
        for (size_t i = 0; i < call->count; i++)
            buf_printf(&sql, "%s%s", i ? "," : "", call->arguments[i].sql);
        const char *text = call->count == 1 ? call->arguments[0].sql
                                            : arena_printf(e->arena, "%s(%s)", function->sql,
                                                           buf_text(&sql));
        buf_free(&sql);
        return sql_value(text, FORMULA_NUMBER);
    }
    return function->make ? function->make(e, call) : fill_pattern(e, function, call);
}

/* --- makers --- */

static struct value make_extreme(struct emitter *e, struct call *call)
{
    return call->arguments[0]; /* formula_call has done it: it needs the row */
}

/* The type both branches share. */
static enum formula_type common_type(struct emitter *e, const struct value *a,
                                     const struct value *b, const char *where)
{
    enum formula_type type = a->type == FORMULA_NULL ? b->type : a->type;
    if (b->type != FORMULA_NULL)
        value_fits(e, b, type, where);
    return type;
}

static struct value make_if(struct emitter *e, struct call *call)
{
    struct value *a = call->arguments;
    enum formula_type type = common_type(e, &a[1], &a[2], "function 'IF()'");
    return sql_value(arena_printf(e->arena, "(CASE WHEN %s THEN %s ELSE %s END)", a[0].sql, a[1].sql,
                                 a[2].sql),
                    type);
}

static struct value make_case(struct emitter *e, struct call *call)
{
    struct buf sql = BUF_INIT;
    struct value *a = call->arguments;
    if (call->count % 2)
        return formula_refuse(e, "Incorrect number of parameters for function 'CASE()'. Expected "
                                 "%zu, received %zu", call->count + 1, call->count);
    struct value subject = a[0];
    subject.picklist = false;
    enum formula_type type = a[2].type;
    buf_str(&sql, "(CASE");
    for (size_t i = 1; i + 1 < call->count; i += 2) {
        type = common_type(e, &a[2], &a[i + 1], "function 'CASE()'");
        buf_printf(&sql, " WHEN %s THEN %s", equal_sql(e, &subject, &a[i]), a[i + 1].sql);
    }
    buf_printf(&sql, " ELSE %s END)", a[call->count - 1].sql);
    struct value value = sql_value(arena_strdup(e->arena, buf_text(&sql)), type);
    buf_free(&sql);
    return value;
}

static struct value join_truths(struct emitter *e, struct call *call, const char *word)
{
    struct buf sql = BUF_INIT;
    buf_char(&sql, '(');
    for (size_t i = 0; i < call->count; i++)
        buf_printf(&sql, "%s%s", i ? word : "", call->arguments[i].sql);
    buf_char(&sql, ')');
    struct value value = sql_value(arena_strdup(e->arena, buf_text(&sql)), FORMULA_BOOLEAN);
    buf_free(&sql);
    return value;
}

static struct value make_and(struct emitter *e, struct call *call)
{
    return join_truths(e, call, " AND ");
}

static struct value make_or(struct emitter *e, struct call *call)
{
    return join_truths(e, call, " OR ");
}

static struct value make_not(struct emitter *e, struct call *call)
{
    return sql_value(arena_printf(e->arena, "(NOT %s)", call->arguments[0].sql), FORMULA_BOOLEAN);
}

static struct value make_is_blank(struct emitter *e, struct call *call)
{
    return sql_value(blank_sql(e, &call->arguments[0]), FORMULA_BOOLEAN);
}

/* Text is never null (documented), only blank. */
static struct value make_is_null(struct emitter *e, struct call *call)
{
    if (call->arguments[0].type == FORMULA_TEXT)
        return sql_value("0", FORMULA_BOOLEAN);
    return make_is_blank(e, call);
}

static struct value make_blank_value(struct emitter *e, struct call *call)
{
    struct value *a = call->arguments;
    enum formula_type type = common_type(e, &a[0], &a[1], "function 'BLANKVALUE()'");
    return sql_value(arena_printf(e->arena, "(CASE WHEN %s THEN %s ELSE %s END)",
                                 blank_sql(e, &a[0]), a[1].sql, a[0].sql),
                    type);
}

static struct value make_is_pick(struct emitter *e, struct call *call)
{
    struct value field = call->arguments[0];
    if (!field.picklist)
        return formula_refuse(e, "Field is not a picklist field. Function 'ISPICKVAL()' wants one");
    field.picklist = false;
    return sql_value(equal_sql(e, &field, &call->arguments[1]), FORMULA_BOOLEAN);
}

static struct value make_text(struct emitter *e, struct call *call)
{
    const struct value *a = &call->arguments[0];
    const char *sql = a->type == FORMULA_NUMBER     ? "sf_number_text(%s)"
                      : a->type == FORMULA_DATETIME ? "sf_instant_text(%s)"
                                                    : "%s";
    if (a->type == FORMULA_BOOLEAN)
        return formula_refuse(e, "Incorrect parameter type for function 'TEXT()'. Expected Number, "
                                 "Date, DateTime, Picklist, received Boolean");
    return sql_value(strcmp(sql, "%s") == 0
                        ? a->sql
                        : arena_printf(e->arena, "%.*s%s)", (int)strcspn(sql, "%"), sql, a->raw),
                    FORMULA_TEXT);
}

static struct value make_date_value(struct emitter *e, struct call *call)
{
    const struct value *a = &call->arguments[0];
    if (a->type == FORMULA_DATE)
        return *a;
    if (a->type == FORMULA_DATETIME)
        return sql_value(arena_printf(e->arena, "sf_date_of(%s)", a->sql), FORMULA_DATE);
    if (!value_fits(e, a, FORMULA_TEXT, "function 'DATEVALUE()'"))
        return sql_value("NULL", FORMULA_DATE);
    return sql_value(arena_printf(e->arena, "sf_date_add(%s,0)", a->sql), FORMULA_DATE);
}

static struct value make_instant(struct emitter *e, struct call *call)
{
    const struct value *a = &call->arguments[0];
    if (a->type == FORMULA_DATETIME)
        return *a;
    if (a->type == FORMULA_DATE)
        return sql_value(arena_printf(e->arena, "(sf_days(%s)*86400000)", a->sql), FORMULA_DATETIME);
    if (!value_fits(e, a, FORMULA_TEXT, "function 'DATETIMEVALUE()'"))
        return sql_value("NULL", FORMULA_DATETIME);
    return sql_value(arena_printf(e->arena, "sf_instant(%s)", a->sql), FORMULA_DATETIME);
}

/* --- what was before --- */

static struct value make_new(struct emitter *e, struct call *call)
{
    if (!e->options->is_new)
        return formula_refuse(e, "Function ISNEW may not be used in this type of formula");
    return sql_value(arena_printf(e->arena, "?%d", e->options->is_new), FORMULA_BOOLEAN);
}

/* The value of this call's field before the write. */
static struct value prior_value(struct emitter *e, struct call *call, const char *name)
{
    const struct formula_node *argument = call->node->first;
    const struct field *field = argument->kind == F_FIELD && !strchr(argument->text, '.')
                                    ? sobject_field(e->object, argument->text)
                                    : NULL;
    if (!e->options->first_prior)
        return formula_refuse(e, "Function %s may not be used in this type of formula", name);
    if (!field || !field->stored)
        return formula_refuse(e, "Function %s wants a field of the record", name);
    int number = e->options->first_prior;
    struct formula_prior **at = &e->out->priors;
    for (; *at; at = &(*at)->next, number++)
        if ((*at)->field == field)
            break;
    if (!*at) {
        *at = arena_alloc(e->arena, sizeof **at);
        (*at)->field = field;
        (*at)->number = number;
    }
    struct value value = call->arguments[0];
    value.sql = value.raw = arena_printf(e->arena, "?%d", (*at)->number);
    return value;
}

static struct value make_prior(struct emitter *e, struct call *call)
{
    return prior_value(e, call, "PRIORVALUE");
}

/* Never for a new record. */
static struct value make_changed(struct emitter *e, struct call *call)
{
    struct value was = prior_value(e, call, "ISCHANGED");
    if (e->broken)
        return was;
    return sql_value(arena_printf(e->arena, "(NOT ?%d AND %s IS NOT %s COLLATE BINARY)",
                                 e->options->is_new, call->arguments[0].raw, was.raw),
                    FORMULA_BOOLEAN);
}
