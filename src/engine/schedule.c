/* schedule.c - parsing schedules and finding their next time. See schedule.h.
 *
 * Everything that names an hour is one set of bits (SCHEDULE_WALL): "daily at
 * 06:00" is cron "0 6 * * *". The next time is found by walking days in the
 * zone's own calendar, so that a day of 23 or 25 hours is still one day. */
#include "engine/schedule.h"

#include "base/buf.h"
#include "base/str.h"
#include "base/tz.h"
#include "base/when.h"

#include <string.h>

#define MINUTE_MS   INT64_C(60000)
#define HOUR_MS     (60 * MINUTE_MS)
#define DAY_MS      (24 * HOUR_MS)
#define MOST_DAYS   (9 * 366) /* 29 February is eight years away at worst */
#define MOST_MISSED 100000

/* ---------------------------------------------------------------- text */

static enum status refuse(const char *text, const char *why, struct err *err)
{
    err_set(err, ERR_SCHEDULE, "`%.80s` is not a schedule%s%s", text, *why ? ": " : "", why);
    err_hint(err,
             "manual, live, 15m, 1h, 24h, 7d, daily at 06:00 Europe/Berlin, weekdays at 06:00, "
             "mon,thu at 18:30, cron \"0 6 * * 1-5\" Europe/Berlin");
    return FAIL;
}

/* The next word; *at moves behind it and the blanks that follow. */
static struct str take_word(const char **at)
{
    *at += strspn(*at, " \t");
    struct str word = {*at, strcspn(*at, " \t")};
    *at += word.n;
    *at += strspn(*at, " \t");
    return word;
}

static bool number(struct str text, int most, int *out)
{
    *out = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9')
            return false;
        *out = *out * 10 + (text.p[i] - '0');
        if (*out > most)
            return false;
    }
    return text.n > 0;
}

/* "sun".."sat", "jan".."dec": their place in a list of three-letter names. */
static bool name_at(struct str text, const char *names, int *out)
{
    if (text.n != 3)
        return false;
    for (int i = 0; names[3 * i]; i++)
        if (strncasecmp(names + 3 * i, text.p, 3) == 0) {
            *out = i;
            return true;
        }
    return false;
}

#define WEEKDAYS "sunmontuewedthufrisat"
#define MONTHS   "janfebmaraprmayjunjulaugsepoctnovdec"

/* ------------------------------------------------------------ cron fields */

struct field {
    int low, high;
    const char *names; /* of low, low + 1, ...; or NULL */
};

static const struct field fields[] = {
    {0, 59, NULL}, {0, 23, NULL}, {1, 31, NULL}, {1, 12, MONTHS}, {0, 7, WEEKDAYS}};

static bool field_value(const struct field *field, struct str text, int *out)
{
    if (field->names && name_at(text, field->names, out)) {
        *out += field->low;
        return true;
    }
    return number(text, field->high, out) && *out >= field->low;
}

static struct str cut_at(struct str *text, char c)
{
    const char *hit = text->n ? memchr(text->p, c, text->n) : NULL;
    struct str head = {text->p, hit ? (size_t)(hit - text->p) : text->n};
    size_t skip = head.n + (hit != NULL);
    *text = hit ? (struct str){text->p + skip, text->n - skip} : (struct str){NULL, 0};
    return head;
}

/* "*", "5", "1-5", each with "/step". */
static bool field_part(const struct field *field, struct str text, uint64_t *bits)
{
    struct str step_text = text, to;
    struct str range = to = cut_at(&step_text, '/');
    int low = field->low, high = field->high, step = 1;
    if (step_text.p && (!number(step_text, field->high + 1, &step) || step == 0))
        return false;
    if (!str_eq(range, STR("*"))) {
        if (!field_value(field, cut_at(&to, '-'), &low))
            return false;
        if (to.p && !field_value(field, to, &high))
            return false;
        if (!to.p && !step_text.p)
            high = low;
    }
    for (int i = low; i <= high; i += step)
        *bits |= UINT64_C(1) << i;
    return low <= high;
}

static bool field_bits(const struct field *field, struct str text, uint64_t *bits)
{
    *bits = 0;
    if (!text.n)
        return false;
    while (text.p)
        if (!field_part(field, cut_at(&text, ','), bits))
            return false;
    return true;
}

static enum status parse_cron(const char *text, const char *at, struct schedule *out,
                              struct err *err)
{
    static const char *const what[] = {"minute", "hour", "day", "month", "weekday"};
    uint64_t bits[5];
    struct str words[5];
    for (int i = 0; i < 5; i++) {
        char why[80];
        words[i] = take_word(&at);
        if (field_bits(&fields[i], words[i], &bits[i]))
            continue;
        snprintf(why, sizeof why, "\"%.*s\" is no %s (%d to %d, lists, ranges, steps)",
                 (int)(words[i].n < 20 ? words[i].n : 20), words[i].p, what[i], fields[i].low,
                 fields[i].high);
        return refuse(text, why, err);
    }
    if (*at)
        return refuse(text, "cron has five fields: minute hour day month weekday", err);
    out->minutes = bits[0];
    out->hours = (uint32_t)bits[1];
    out->days = (uint32_t)bits[2];
    out->months = (uint32_t)bits[3];
    out->weekdays = (uint32_t)((bits[4] | bits[4] >> 7) & 0x7f); /* 7 is Sunday, too */
    out->any_hour = words[1].p[0] == '*';
    out->days_free = words[2].p[0] == '*';
    out->weekdays_free = words[4].p[0] == '*';
    return OK;
}

/* -------------------------------------------------------------- sentences */

/* "06:00", ":15" (minutes alone when `hourly`) */
static bool clock_time(struct str text, bool hourly, int *hour, int *minute)
{
    struct str minutes = text;
    struct str hours = cut_at(&minutes, ':');
    if (!minutes.p || minutes.n != 2 || !number(minutes, 59, minute))
        return false;
    return hourly ? hours.n == 0 : number(hours, 23, hour);
}

/* "mon" or "monday". */
static bool day_name(struct str text, uint32_t *weekdays)
{
    static const char *const names[] = {"sunday",   "monday", "tuesday", "wednesday",
                                        "thursday", "friday", "saturday"};
    for (int i = 0; i < 7; i++)
        if (str_eq_nocase(text, str_of(names[i])) ||
            str_eq_nocase(text, (struct str){names[i], 3})) {
            *weekdays |= UINT32_C(1) << i;
            return true;
        }
    return false;
}

/* "daily", "weekdays", "weekends", "mon,thu" */
static bool day_words(struct str text, uint32_t *weekdays)
{
    static const struct {
        const char *name;
        uint32_t days;
    } sets[] = {{"hourly", 0x7f}, {"daily", 0x7f}, {"weekdays", 0x3e}, {"weekends", 0x41}};
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
        if (str_eq_nocase(text, str_of(sets[i].name))) {
            *weekdays = sets[i].days;
            return true;
        }
    *weekdays = 0;
    while (text.p)
        if (!day_name(cut_at(&text, ','), weekdays))
            return false;
    return *weekdays != 0;
}

static enum status parse_sentence(const char *text, const char **at, struct schedule *out,
                                  struct err *err)
{
    struct str days = take_word(at), word = take_word(at), clock = take_word(at);
    bool hourly = str_eq_nocase(days, STR("hourly"));
    int hour = 0, minute;
    if (!day_words(days, &out->weekdays))
        return refuse(text, "", err);
    if (!str_eq_nocase(word, STR("at")) || !clock_time(clock, hourly, &hour, &minute))
        return refuse(text, hourly ? "say when: hourly at :15" : "say when: at 06:00", err);
    out->minutes = UINT64_C(1) << minute;
    out->hours = hourly ? 0xffffff : UINT32_C(1) << hour;
    out->any_hour = hourly;
    out->days = ~UINT32_C(0);
    out->months = ~UINT32_C(0);
    out->days_free = true;
    return OK;
}

/* ----------------------------------------------------------------- parse */

/* "15m", "2w" */
static bool parse_period(const char *text, int64_t *ms)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {{'m', MINUTE_MS}, {'h', HOUR_MS}, {'d', DAY_MS}, {'w', 7 * DAY_MS}};
    size_t len = strlen(text);
    int count;
    if (len < 2 || !number((struct str){text, len - 1}, 99999, &count) || count == 0)
        return false;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (text[len - 1] == units[i].unit) {
            *ms = count * units[i].ms;
            return *ms <= 3660 * DAY_MS;
        }
    return false;
}

/* What follows is nothing, or the name of a zone that this machine knows. */
static enum status parse_zone(const char *text, const char *at, struct schedule *out,
                              struct err *err)
{
    struct str name = take_word(&at);
    if (*at || name.n >= sizeof out->zone)
        return refuse(text, "only a time zone may follow", err);
    memcpy(out->zone, name.n ? name.p : "", name.n);
    out->zone[name.n] = '\0';
    struct tz *tz = tz_open(name.n ? out->zone : NULL, err);
    tz_close(tz);
    return tz ? OK : err_wrap(err, "schedule `%.80s`", text);
}

/* cron "0 6 * * 1-5" Europe/Berlin; the quotes may be left out when no zone follows. */
static enum status parse_cron_line(const char *text, const char *at, struct schedule *out,
                                   struct err *err)
{
    char inner[128];
    const char *end = *at == '"' ? strchr(at + 1, '"') : NULL;
    if (*at == '"' && !end)
        return refuse(text, "the quote is not closed", err);
    size_t len = end ? (size_t)(end - at - 1) : strlen(at);
    if (len >= sizeof inner)
        return refuse(text, "", err);
    memcpy(inner, end ? at + 1 : at, len);
    inner[len] = '\0';
    if (parse_cron(text, inner + strspn(inner, " \t"), out, err) != OK)
        return FAIL;
    at = end ? end + 1 : at + len;
    return parse_zone(text, at + strspn(at, " \t"), out, err);
}

enum status schedule_parse(const char *text, struct schedule *out, struct err *err)
{
    const char *at = text + strspn(text, " \t");
    enum status rc;
    *out = (struct schedule){.kind = SCHEDULE_WALL};
    if (text_eq_nocase(at, "manual") || text_eq_nocase(at, "live")) {
        out->kind = text_eq_nocase(at, "live") ? SCHEDULE_LIVE : SCHEDULE_MANUAL;
        return OK;
    }
    if (parse_period(at, &out->period_ms)) {
        out->kind = SCHEDULE_EVERY;
        return OK;
    }
    if (text_starts(at, "cron ")) {
        rc = parse_cron_line(text, at + 5 + strspn(at + 5, " \t"), out, err);
    } else {
        rc = parse_sentence(text, &at, out, err);
        if (rc == OK)
            rc = parse_zone(text, at, out, err);
    }
    int64_t ever = 0;
    return rc == OK ? schedule_next(out, 0, 0, &ever, err) : FAIL;
}

/* ----------------------------------------------------------------- print */

static void print_period(int64_t ms, struct buf *out)
{
    if (ms % (7 * DAY_MS) == 0)
        buf_printf(out, "%lldw", (long long)(ms / (7 * DAY_MS)));
    else if (ms % DAY_MS == 0)
        buf_printf(out, "%lldd", (long long)(ms / DAY_MS));
    else if (ms % HOUR_MS == 0)
        buf_printf(out, "%lldh", (long long)(ms / HOUR_MS));
    else
        buf_printf(out, "%lldm", (long long)(ms / MINUTE_MS));
}

static void print_field(uint64_t bits, const struct field *field, bool star, struct buf *out)
{
    bool any = false;
    buf_char(out, ' ');
    if (star) {
        buf_char(out, '*');
        return;
    }
    for (int i = field->low; i <= field->high && i < 60; i++) {
        if (!(bits >> i & 1))
            continue;
        int last = i;
        while (last < field->high && bits >> (last + 1) & 1)
            last++;
        buf_printf(out, any ? ",%d" : "%d", i);
        if (last > i)
            buf_printf(out, "-%d", last);
        any = true;
        i = last;
    }
}

static bool all_bits(uint64_t bits, int low, int high)
{
    for (int i = low; i <= high; i++)
        if (!(bits >> i & 1))
            return false;
    return true;
}

/* One time of a day on some weekdays, or every hour: a sentence says it. */
static bool print_sentence(const struct schedule *s, struct buf *out)
{
    static const char names[] = WEEKDAYS;
    bool one_minute = (s->minutes & (s->minutes - 1)) == 0;
    bool one_hour = (s->hours & (s->hours - 1)) == 0;
    bool every_hour = s->any_hour && all_bits(s->hours, 0, 23);
    if (!one_minute || !s->days_free || !all_bits(s->days, 1, 31) || !all_bits(s->months, 1, 12) ||
        !(one_hour || every_hour) || (every_hour && s->weekdays != 0x7f))
        return false;
    int minute = __builtin_ctzll(s->minutes);
    if (every_hour) {
        buf_printf(out, "hourly at :%02d", minute);
        return true;
    }
    if (s->weekdays == 0x7f || s->weekdays == 0x3e || s->weekdays == 0x41)
        buf_str(out, s->weekdays == 0x7f ? "daily" : s->weekdays == 0x3e ? "weekdays" : "weekends");
    else
        for (int i = 0, any = 0; i < 7; i++)
            if (s->weekdays >> i & 1)
                buf_printf(out, any++ ? ",%.3s" : "%.3s", names + 3 * i);
    buf_printf(out, " at %02d:%02d", __builtin_ctz(s->hours), minute);
    return true;
}

static void print_cron(const struct schedule *s, struct buf *out)
{
    struct buf line = BUF_INIT;
    print_field(s->minutes, &fields[0], all_bits(s->minutes, 0, 59), &line);
    print_field(s->hours, &fields[1], s->any_hour && all_bits(s->hours, 0, 23), &line);
    print_field(s->days, &fields[2], s->days_free && all_bits(s->days, 1, 31), &line);
    print_field(s->months, &fields[3], all_bits(s->months, 1, 12), &line);
    print_field(s->weekdays, &fields[4], s->weekdays_free && s->weekdays == 0x7f, &line);
    buf_printf(out, "cron \"%s\"", buf_text(&line) + 1);
    buf_free(&line);
}

void schedule_print(const struct schedule *schedule, char out[SCHEDULE_TEXT])
{
    struct buf text = BUF_INIT;
    switch (schedule->kind) {
    case SCHEDULE_MANUAL:
        buf_str(&text, "manual");
        break;
    case SCHEDULE_LIVE:
        buf_str(&text, "live");
        break;
    case SCHEDULE_EVERY:
        print_period(schedule->period_ms, &text);
        break;
    case SCHEDULE_WALL:
        if (!print_sentence(schedule, &text))
            print_cron(schedule, &text);
        if (schedule->zone[0])
            buf_printf(&text, " %s", schedule->zone);
        break;
    }
    snprintf(out, SCHEDULE_TEXT, "%s", buf_text(&text));
    buf_free(&text);
}

/* ------------------------------------------------------------------ next */

static bool day_fits(const struct schedule *s, int64_t day)
{
    struct date date = date_from_days(day);
    bool of_month = s->days >> date.day & 1, of_week = s->weekdays >> date_weekday(date) & 1;
    if (!(s->months >> date.month & 1))
        return false;
    return s->days_free || s->weekdays_free ? of_month && of_week : of_month || of_week;
}

/* The earliest time of that day of the zone's calendar after `after_ms`; 0 = none. */
static int64_t first_of_day(const struct schedule *s, const struct tz *tz, int64_t day,
                            int64_t after_ms)
{
    int64_t first = 0, at[2];
    for (int minute = 0; minute < 24 * 60; minute++) {
        if (!(s->hours >> minute / 60 & 1) || !(s->minutes >> minute % 60 & 1))
            continue;
        int count = tz_instants(tz, day * DAY_MS + minute * MINUTE_MS, at);
        for (int i = 0; i < (count == 2 && s->any_hour ? 2 : 1); i++)
            if (at[i] > after_ms && (!first || at[i] < first))
                first = at[i];
    }
    return first;
}

static enum status next_wall(const struct schedule *s, int64_t after_ms, int64_t *out,
                             struct err *err)
{
    struct tz *tz = tz_open(s->zone[0] ? s->zone : NULL, err);
    if (!tz)
        return FAIL;
    int64_t wall = tz_wall(tz, after_ms), today = wall / DAY_MS - (wall % DAY_MS < 0);
    *out = 0;
    for (int64_t day = today; !*out && day < today + MOST_DAYS; day++)
        if (day_fits(s, day))
            *out = first_of_day(s, tz, day, after_ms);
    tz_close(tz);
    if (*out)
        return OK;
    err_set(err, ERR_SCHEDULE, "the schedule is never due");
    err_hint(err, "No day fits its months, days and weekdays; 30 February is such a day.");
    return FAIL;
}

enum status schedule_next(const struct schedule *schedule, int64_t anchor_ms, int64_t after_ms,
                          int64_t *out, struct err *err)
{
    *out = 0;
    if (schedule->kind == SCHEDULE_WALL)
        return next_wall(schedule, after_ms, out, err);
    if (schedule->kind != SCHEDULE_EVERY)
        return OK;
    int64_t period = schedule->period_ms, since = after_ms - anchor_ms;
    int64_t times = since / period - (since % period < 0);
    *out = anchor_ms + (times + 1) * period;
    return OK;
}

int64_t schedule_period(const struct schedule *schedule)
{
    if (schedule->kind == SCHEDULE_EVERY)
        return schedule->period_ms;
    if (schedule->kind != SCHEDULE_WALL)
        return 0;
    return schedule->any_hour ? HOUR_MS : DAY_MS;
}

/* ------------------------------------------------------------------ step */

enum status schedule_step(const struct schedule *schedule, int64_t anchor_ms, int64_t next_ms,
                          int64_t now_ms, bool running, struct due_step *out, struct err *err)
{
    int64_t soonest;
    *out = (struct due_step){.what = DUE_NOT};
    if (schedule_next(schedule, anchor_ms, now_ms, &soonest, err) != OK)
        return FAIL;
    /* what was stored lies further off than what follows now: the clock went back */
    out->next_ms = next_ms && next_ms < soonest ? next_ms : soonest;
    if (!soonest || !next_ms || next_ms > now_ms)
        return OK;
    out->what = running ? DUE_SKIP : DUE_RUN;
    out->next_ms = soonest;
    for (int64_t at = next_ms; out->missed < MOST_MISSED; out->missed++)
        if (schedule_next(schedule, anchor_ms, at, &at, err) != OK)
            return FAIL;
        else if (at > now_ms)
            return OK;
    return OK;
}
