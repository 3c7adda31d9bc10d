/* formula_sql.c - the SQL functions formulas need: dates by the org's clock,
 * numbers rounded as Salesforce rounds, text that SQLite has no word for. NULL in
 * gives NULL out. */
#include "localorg/org/formula_priv.h"

#include "base/when.h"

#include <ctype.h>
#include <math.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#define DAY_MS 86400000

static const char *text_at(sqlite3_value **arguments, int i)
{
    return (const char *)sqlite3_value_text(arguments[i]);
}

static bool is_null(sqlite3_value **arguments, int i)
{
    return sqlite3_value_type(arguments[i]) == SQLITE_NULL;
}

/* Whole numbers stay integers, as everywhere in this database. */
static void result_number(sqlite3_context *context, double number)
{
    if (!isfinite(number))
        sqlite3_result_null(context);
    else if (number == floor(number) && fabs(number) < 9e15)
        sqlite3_result_int64(context, (sqlite3_int64)number);
    else
        sqlite3_result_double(context, number);
}

static void result_date(sqlite3_context *context, int64_t days)
{
    char text[32];
    struct date date = date_from_days(days);
    snprintf(text, sizeof text, "%04d-%02d-%02d", date.year, date.month, date.day);
    sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

static bool date_at(sqlite3_value **arguments, int i, int64_t *days)
{
    struct date date;
    char text[11];
    if (is_null(arguments, i))
        return false;
    snprintf(text, sizeof text, "%.10s", text_at(arguments, i));
    if (!date_parse(text, &date))
        return false;
    *days = date_to_days(date);
    return true;
}

static int64_t days_of(int64_t ms)
{
    return ms / DAY_MS - (ms % DAY_MS < 0);
}

/* --- the clock --- */

static void sf_now(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    sqlite3_result_int64(context, org_now_ms(sqlite3_user_data(context)) / 1000 * 1000);
}

static void sf_today(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    result_date(context, days_of(org_now_ms(sqlite3_user_data(context))));
}

/* --- dates --- */

static void sf_date(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    struct date date = {sqlite3_value_int(arguments[0]), sqlite3_value_int(arguments[1]),
                        sqlite3_value_int(arguments[2])};
    if (date_valid(date))
        result_date(context, date_to_days(date));
}

static void sf_days(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    int64_t days;
    if (date_at(arguments, 0, &days))
        sqlite3_result_int64(context, days);
}

static void sf_date_add(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    int64_t days;
    if (date_at(arguments, 0, &days) && !is_null(arguments, 1) &&
        fabs(sqlite3_value_double(arguments[1])) < 4e6)
        result_date(context, days + (int64_t)sqlite3_value_double(arguments[1]));
}

static void sf_date_of(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    if (!is_null(arguments, 0))
        result_date(context, days_of(sqlite3_value_int64(arguments[0])));
}

/* The last day of a month stays one. */
static void sf_add_months(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    int64_t days, months = sqlite3_value_int64(arguments[1]);
    if (!date_at(arguments, 0, &days) || is_null(arguments, 1) || months > 100000 || months < -100000)
        return;
    struct date date = date_from_days(days), next = date_from_days(days + 1);
    bool last = next.month != date.month;
    int64_t at = date.year * 12 + date.month - 1 + months;
    struct date to = {(int)(at / 12), (int)(at % 12) + 1, last ? 31 : date.day};
    while (to.day > 28 && !date_valid(to))
        to.day--;
    if (date_valid(to))
        result_date(context, date_to_days(to));
}

static void sf_instant(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    int64_t ms;
    char text[40];
    if (is_null(arguments, 0))
        return;
    snprintf(text, sizeof text, "%.19sZ", text_at(arguments, 0));
    if (strlen(text) == 20 && text[10] == ' ')
        text[10] = 'T';
    if (when_parse(text, &ms))
        sqlite3_result_int64(context, ms);
}

static void sf_instant_text(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    char text[32];
    if (is_null(arguments, 0))
        return;
    when_iso_seconds(sqlite3_value_int64(arguments[0]), text);
    text[10] = ' ';
    sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

/* --- numbers --- */

/* Half away from zero, at the decimal the number is written with. */
static double round_at(double number, int places)
{
    double factor = pow(10, places);
    double scaled = number * factor;
    double nudged = scaled + copysign(fabs(scaled) * 1e-15, scaled);
    return factor > 0 && isfinite(scaled) ? round(nudged) / factor : number;
}

static void sf_round(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    if (!is_null(arguments, 0) && !is_null(arguments, 1))
        result_number(context, round_at(sqlite3_value_double(arguments[0]),
                                        sqlite3_value_int(arguments[1])));
}

static void sf_trunc(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    double factor = pow(10, sqlite3_value_int(arguments[1]));
    if (!is_null(arguments, 0))
        result_number(context, trunc(sqlite3_value_double(arguments[0]) * factor) / factor);
}

static void sf_mod(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    if (!is_null(arguments, 0) && !is_null(arguments, 1))
        result_number(context, fmod(sqlite3_value_double(arguments[0]),
                                    sqlite3_value_double(arguments[1])));
}

static void sf_pow(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    if (!is_null(arguments, 0) && !is_null(arguments, 1))
        result_number(context, pow(sqlite3_value_double(arguments[0]),
                                   sqlite3_value_double(arguments[1])));
}

/* CEILING and FLOOR go away from and to zero, their M forms up and down. */
static void sf_math(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    const char *what = text_at(arguments, 0);
    double x = sqlite3_value_double(arguments[1]);
    if (is_null(arguments, 1))
        return;
    double y = strcmp(what, "ceiling") == 0    ? (x < 0 ? floor(x) : ceil(x))
               : strcmp(what, "floor") == 0    ? trunc(x)
               : strcmp(what, "mceiling") == 0 ? ceil(x)
               : strcmp(what, "mfloor") == 0   ? floor(x)
               : strcmp(what, "exp") == 0      ? exp(x)
               : strcmp(what, "ln") == 0       ? log(x)
               : strcmp(what, "log") == 0      ? log10(x)
                                               : sqrt(x);
    result_number(context, y);
}

static void sf_value(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    const char *text = text_at(arguments, 0);
    char *end = NULL;
    if (!text)
        return;
    text += strspn(text, " \t\n");
    size_t len = strlen(text);
    while (len && isspace((unsigned char)text[len - 1]))
        len--;
    if (!len || strspn(text, "+-0123456789.eE") < len)
        return;
    double number = strtod(text, &end);
    if (end == text + len)
        result_number(context, number);
}

static void sf_number_text(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    char text[64];
    if (is_null(arguments, 0))
        return;
    if (sqlite3_value_type(arguments[0]) == SQLITE_INTEGER)
        snprintf(text, sizeof text, "%lld", (long long)sqlite3_value_int64(arguments[0]));
    else
        snprintf(text, sizeof text, "%.15g", sqlite3_value_double(arguments[0]));
    sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

/* --- text --- */

static void sf_find(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    const char *what = text_at(arguments, 0), *where = text_at(arguments, 1);
    int64_t start = is_null(arguments, 2) ? 1 : sqlite3_value_int64(arguments[2]), at = 1;
    if (!what || !where || start < 1 || !*what) {
        sqlite3_result_int(context, 0);
        return;
    }
    for (; *where; where++) {
        if (((unsigned char)*where & 0xc0) == 0x80)
            continue; /* inside a character */
        if (at >= start && strncmp(where, what, strlen(what)) == 0) {
            sqlite3_result_int64(context, at);
            return;
        }
        at++;
    }
    sqlite3_result_int(context, 0);
}

static void sf_pad(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    const char *text = text_at(arguments, 0), *pad = text_at(arguments, 2);
    int64_t wanted = sqlite3_value_int64(arguments[1]);
    if (!text || wanted > 5000)
        return;
    size_t have = utf8_length(text, strlen(text));
    if (!pad || !*pad)
        pad = " ";
    struct buf out = BUF_INIT, filler = BUF_INIT;
    for (size_t i = 0; (int64_t)(have + i) < wanted; i++)
        buf_char(&filler, pad[i % strlen(pad)]);
    bool left = sqlite3_value_int(arguments[3]);
    size_t keep = 0; /* cut to size: bytes of the first `wanted` characters */
    for (int64_t n = 0; text[keep]; keep++)
        if (((unsigned char)text[keep] & 0xc0) != 0x80 && n++ == wanted)
            break;
    if (left)
        buf_str(&out, buf_text(&filler));
    buf_append(&out, text, keep);
    if (!left)
        buf_str(&out, buf_text(&filler));
    sqlite3_result_text(context, buf_text(&out), -1, SQLITE_TRANSIENT);
    buf_free(&out);
    buf_free(&filler);
}

/* Java's \d \w \s as POSIX has them; the whole text has to match. */
static void posix_pattern(const char *pattern, struct buf *out)
{
    bool inside = false;
    buf_str(out, "^(");
    for (; *pattern; pattern++) {
        if (*pattern == '\\' && pattern[1] && strchr("dws", pattern[1])) {
            const char *set = *++pattern == 'd' ? "0-9" : *pattern == 'w' ? "A-Za-z0-9_" : " \t\r\n";
            buf_printf(out, inside ? "%s" : "[%s]", set);
            continue;
        }
        if (*pattern == '\\' && pattern[1] && inside) {
            buf_char(out, *++pattern); /* no escapes inside brackets */
            continue;
        }
        inside = inside ? *pattern != ']' : *pattern == '[';
        buf_char(out, *pattern);
        if (*pattern == '\\' && pattern[1])
            buf_char(out, *++pattern);
    }
    buf_str(out, ")$");
}

static void sf_regex(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    regex_t regex;
    struct buf pattern = BUF_INIT;
    const char *text = text_at(arguments, 0), *wanted = text_at(arguments, 1);
    if (!text || !wanted)
        return;
    posix_pattern(wanted, &pattern);
    if (regcomp(&regex, buf_text(&pattern), REG_EXTENDED | REG_NOSUB) == 0) {
        sqlite3_result_int(context, regexec(&regex, text, 0, NULL, 0) == 0);
        regfree(&regex);
    }
    buf_free(&pattern);
}

static void sf_id18(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    char id[19];
    const char *text = text_at(arguments, 0);
    if (text && id_canonical(text, id))
        sqlite3_result_text(context, id, -1, SQLITE_TRANSIENT);
    else if (text)
        sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

enum status formula_functions(struct org *org, sqlite3 *db, struct err *err)
{
    static const struct {
        const char *name;
        int count;
        bool clock;
        void (*fn)(sqlite3_context *, int, sqlite3_value **);
    } list[] = {{"sf_now", 0, true, sf_now},
                {"sf_today", 0, true, sf_today},
                {"sf_date", 3, false, sf_date},
                {"sf_days", 1, false, sf_days},
                {"sf_date_add", 2, false, sf_date_add},
                {"sf_date_of", 1, false, sf_date_of},
                {"sf_add_months", 2, false, sf_add_months},
                {"sf_instant", 1, false, sf_instant},
                {"sf_instant_text", 1, false, sf_instant_text},
                {"sf_round", 2, false, sf_round},
                {"sf_trunc", 2, false, sf_trunc},
                {"sf_mod", 2, false, sf_mod},
                {"sf_pow", 2, false, sf_pow},
                {"sf_math", 2, false, sf_math},
                {"sf_value", 1, false, sf_value},
                {"sf_number_text", 1, false, sf_number_text},
                {"sf_find", 3, false, sf_find},
                {"sf_pad", 4, false, sf_pad},
                {"sf_regex", 2, false, sf_regex},
                {"sf_id18", 1, false, sf_id18}};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (sqlite3_create_function(db, list[i].name, list[i].count,
                                    SQLITE_UTF8 | (list[i].clock ? 0 : SQLITE_DETERMINISTIC), org,
                                    list[i].fn, NULL, NULL) != SQLITE_OK)
            return db_fail(db, list[i].name, err);
    return OK;
}
