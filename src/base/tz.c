/* tz.c - zone files: a table of changes, and a rule for all time after them.
 *
 * Layout (RFC 8536): "TZif", version, six counts, then the block with 4-byte
 * times; from version 2 on the same again with 8-byte times, and a line with a
 * POSIX rule ("CET-1CEST,M3.5.0,M10.5.0/3"). Files come from the system, but a
 * damaged one must not hurt: every count is checked against the bytes there are. */
#include "base/tz.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/when.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HEADER    ((size_t)44)
#define MOST_SIZE (1 * MIB)
#define HOUR_S    3600
#define DAY_S     86400

/* When in a year: the week-th (5 = last) weekday of a month, or a day of the year. */
struct change {
    enum { CHANGE_WEEKDAY, CHANGE_JULIAN, CHANGE_DAY } kind; /* JULIAN: 1-365, 29 Feb not counted */
    int month, week, day;
    int seconds; /* after midnight, wall time before the change */
};

struct rule {
    bool known, summer;
    int standard, daylight; /* seconds east */
    struct change start, end;
};

struct tz {
    size_t count;
    int64_t *at;  /* seconds; ascending */
    int *offsets; /* from at[i] on */
    int first;    /* before at[0] */
    struct rule rule;
};

/* ------------------------------------------------------------- the rule */

static bool read_number(const char **p, int most, int *out)
{
    int value = 0;
    const char *start = *p;
    for (; **p >= '0' && **p <= '9'; (*p)++) {
        value = value * 10 + (**p - '0');
        if (value > most)
            return false;
    }
    *out = value;
    return *p > start;
}

/* [+-]hh[:mm[:ss]] */
static bool read_time(const char **p, int most_hours, int *seconds)
{
    int sign = 1, part, units[] = {HOUR_S, 60, 1};
    if (**p == '-' || **p == '+')
        sign = *(*p)++ == '-' ? -1 : 1;
    *seconds = 0;
    for (int i = 0; i < 3; i++) {
        if (i && **p != ':')
            break;
        *p += i > 0;
        if (!read_number(p, i ? 59 : most_hours, &part))
            return false;
        *seconds += part * units[i];
    }
    *seconds *= sign;
    return true;
}

/* CET or <+03>; the name itself is of no use here. */
static bool skip_name(const char **p)
{
    const char *start = *p;
    if (**p == '<') {
        *p += strcspn(*p, ">");
        if (**p != '>')
            return false;
        (*p)++;
        return true;
    }
    while ((**p >= 'a' && **p <= 'z') || (**p >= 'A' && **p <= 'Z'))
        (*p)++;
    return *p - start >= 3;
}

static bool read_change(const char **p, struct change *out)
{
    bool good;
    *out = (struct change){.seconds = 2 * HOUR_S};
    if (*(*p)++ != ',')
        return false;
    if (**p == 'M') {
        (*p)++;
        good = read_number(p, 12, &out->month) && out->month > 0 && *(*p)++ == '.' &&
               read_number(p, 5, &out->week) && out->week > 0 && *(*p)++ == '.' &&
               read_number(p, 6, &out->day);
    } else {
        out->kind = **p == 'J' ? CHANGE_JULIAN : CHANGE_DAY;
        *p += **p == 'J';
        good = read_number(p, 365, &out->day) && (out->kind == CHANGE_DAY || out->day > 0);
    }
    if (!good || **p != '/')
        return good;
    (*p)++;
    return read_time(p, 167, &out->seconds);
}

static bool read_rule(const char *p, struct rule *rule)
{
    int west;
    if (!skip_name(&p) || !read_time(&p, 24, &west))
        return false;
    rule->standard = -west;
    rule->daylight = rule->standard + HOUR_S;
    if (*p) {
        if (!skip_name(&p))
            return false;
        if (*p && *p != ',') {
            if (!read_time(&p, 24, &west))
                return false;
            rule->daylight = -west;
        }
        if (!read_change(&p, &rule->start) || !read_change(&p, &rule->end))
            return false;
        rule->summer = true;
    }
    rule->known = !*p;
    return rule->known;
}

static bool is_leap(int year)
{
    return date_valid((struct date){year, 2, 29});
}

/* Days since 1970 of a change in a year. */
static int64_t change_day(const struct change *change, int year)
{
    int64_t first = date_to_days((struct date){year, 1, 1});
    if (change->kind == CHANGE_DAY)
        return first + change->day;
    if (change->kind == CHANGE_JULIAN)
        return first + change->day - 1 + (is_leap(year) && change->day > 59);
    struct date month = {year, change->month, 1};
    int64_t day = date_to_days(month);
    day += (change->day - date_weekday(month) + 7) % 7 + 7 * (change->week - 1);
    struct date next = {change->month == 12 ? year + 1 : year, change->month % 12 + 1, 1};
    return day >= date_to_days(next) ? day - 7 : day;
}

static int rule_offset(const struct rule *rule, int64_t seconds)
{
    if (!rule->summer)
        return rule->standard;
    int year = when_date((seconds + rule->standard) * 1000, NULL).year;
    int64_t start = change_day(&rule->start, year) * DAY_S + rule->start.seconds - rule->standard;
    int64_t end = change_day(&rule->end, year) * DAY_S + rule->end.seconds - rule->daylight;
    bool summer =
        start < end ? seconds >= start && seconds < end : seconds >= start || seconds < end;
    return summer ? rule->daylight : rule->standard;
}

/* ------------------------------------------------------------- the file */

static int64_t number_at(const unsigned char *p, size_t bytes)
{
    uint64_t value = p[0] & 0x80 ? ~(uint64_t)0 : 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | p[i];
    return (int64_t)value;
}

struct layout {
    size_t is_ut, is_std, leaps, times, types, chars, time_size;
};

static bool read_layout(const unsigned char *p, size_t len, size_t time_size, struct layout *out)
{
    if (len < HEADER || memcmp(p, "TZif", 4) != 0)
        return false;
    const unsigned char *counts = p + 20;
    size_t *to[] = {&out->is_ut, &out->is_std, &out->leaps, &out->times, &out->types, &out->chars};
    for (size_t i = 0; i < 6; i++) {
        int64_t count = number_at(counts + 4 * i, 4);
        if (count < 0 || count > 100000)
            return false;
        *to[i] = (size_t)count;
    }
    out->time_size = time_size;
    return out->types > 0;
}

static size_t block_size(const struct layout *l)
{
    return l->times * (l->time_size + 1) + l->types * 6 + l->chars + l->leaps * (l->time_size + 4) +
           l->is_std + l->is_ut;
}

static bool read_block(struct tz *tz, const unsigned char *p, const struct layout *l)
{
    const unsigned char *kinds = p + l->times * l->time_size, *types = kinds + l->times;
    tz->at = mem_array(l->times + 1, sizeof *tz->at);
    tz->offsets = mem_array(l->times + 1, sizeof *tz->offsets);
    tz->first = (int)number_at(types, 4);
    for (size_t i = 0; i < l->times; i++) {
        tz->at[i] = number_at(p + i * l->time_size, l->time_size);
        if (kinds[i] >= l->types || (i && tz->at[i] <= tz->at[i - 1]))
            return false;
        tz->offsets[i] = (int)number_at(types + 6 * kinds[i], 4);
        if (abs(tz->offsets[i]) > 26 * HOUR_S)
            return false;
    }
    tz->count = l->times;
    return abs(tz->first) <= 26 * HOUR_S;
}

/* The line at the end: "\nRULE\n"; an empty one says nothing. */
static bool read_footer(struct tz *tz, const unsigned char *p, size_t len)
{
    char line[128];
    if (len < 2 || p[0] != '\n')
        return false;
    const unsigned char *end = memchr(p + 1, '\n', len - 1);
    size_t size = end ? (size_t)(end - p - 1) : sizeof line;
    if (size >= sizeof line)
        return false;
    memcpy(line, p + 1, size);
    line[size] = '\0';
    return size == 0 || read_rule(line, &tz->rule);
}

static bool read_file(struct tz *tz, const unsigned char *p, size_t len)
{
    struct layout l;
    if (!read_layout(p, len, 4, &l) || len - HEADER < block_size(&l))
        return false;
    if (p[4] < '2')
        return read_block(tz, p + HEADER, &l);
    size_t skip = HEADER + block_size(&l);
    p += skip;
    len -= skip;
    if (!read_layout(p, len, 8, &l) || len - HEADER < block_size(&l))
        return false;
    return read_block(tz, p + HEADER, &l) &&
           read_footer(tz, p + HEADER + block_size(&l), len - HEADER - block_size(&l));
}

struct tz *tz_parse(const void *bytes, size_t len, struct err *err)
{
    struct tz *tz = mem_alloc(sizeof *tz);
    if (read_file(tz, bytes, len))
        return tz;
    err_set(err, ERR_TZ, "the time zone's file is damaged");
    tz_close(tz);
    return NULL;
}

static bool name_is_safe(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_+-";
    return *name && *name != '/' && strlen(name) < 64 && strspn(name, allowed) == strlen(name);
}

static struct tz *open_file(const char *name, struct err *err)
{
    const char *folder = getenv("TZDIR");
    char path[512];
    struct buf bytes = BUF_UP_TO(MOST_SIZE);
    snprintf(path, sizeof path, "%s/%s", folder && *folder ? folder : "/usr/share/zoneinfo", name);
    FILE *file = fopen(path, "rb");
    if (!file) {
        err_set(err, ERR_TZ, "there is no time zone \"%s\" on this machine", name);
        err_hint(err, "Use an IANA name such as Europe/Berlin or America/New_York. Debian keeps "
                      "them in the package tzdata.");
        return NULL;
    }
    char piece[4096];
    for (size_t got; (got = fread(piece, 1, sizeof piece, file)) > 0;)
        buf_append(&bytes, piece, got);
    fclose(file);
    struct tz *tz = tz_parse(buf_text(&bytes), bytes.len, err);
    if (!tz)
        err_wrap(err, "%s", name);
    buf_free(&bytes);
    return tz;
}

struct tz *tz_open(const char *name, struct err *err)
{
    if (!name || text_eq_nocase(name, "UTC"))
        return mem_alloc(sizeof(struct tz)); /* no change, offset 0 */
    if (!name_is_safe(name)) {
        err_set(err, ERR_TZ, "\"%.40s\" is not the name of a time zone", name);
        err_hint(err, "Use an IANA name such as Europe/Berlin or America/New_York.");
        return NULL;
    }
    return open_file(name, err);
}

void tz_close(struct tz *tz)
{
    if (!tz)
        return;
    free(tz->at);
    free(tz->offsets);
    free(tz);
}

/* --------------------------------------------------------------- asking */

int tz_offset(const struct tz *tz, int64_t ms)
{
    int64_t seconds = ms / 1000 - (ms % 1000 < 0);
    if (tz->rule.known && (!tz->count || seconds >= tz->at[tz->count - 1]))
        return rule_offset(&tz->rule, seconds);
    size_t low = 0, high = tz->count; /* the first change after that instant */
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (tz->at[middle] <= seconds)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? tz->offsets[low - 1] : tz->first;
}

int64_t tz_wall(const struct tz *tz, int64_t ms)
{
    return ms + (int64_t)tz_offset(tz, ms) * 1000;
}

int tz_instants(const struct tz *tz, int64_t wall_ms, int64_t out[2])
{
    /* offsets a day before and after: no zone changes its clocks twice in two days */
    int before = tz_offset(tz, wall_ms - (int64_t)DAY_S * 1000);
    int after = tz_offset(tz, wall_ms + (int64_t)DAY_S * 1000);
    int64_t first = wall_ms - (int64_t)before * 1000, second = wall_ms - (int64_t)after * 1000;
    int count = 0;
    if (tz_wall(tz, first) == wall_ms)
        out[count++] = first;
    if (second != first && tz_wall(tz, second) == wall_ms)
        out[count++] = second;
    if (count == 2 && out[1] < out[0]) {
        int64_t swap = out[0];
        out[0] = out[1];
        out[1] = swap;
    }
    if (count)
        return count;
    /* skipped: the clocks jump somewhere between the two readings */
    int64_t low = second < first ? second : first, high = second < first ? first : second;
    while (high - low > 1000) {
        int64_t middle = low + (high - low) / 2;
        middle -= middle % 1000;
        if (middle <= low)
            break;
        if (tz_offset(tz, middle) == after)
            high = middle;
        else
            low = middle;
    }
    out[0] = high;
    return 0;
}
