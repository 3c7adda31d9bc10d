/* quiet.c - a daily window on the wall clock of a zone: guard.quiet_hours
 * {from: "20:00", to: "06:00", zone: Europe/Berlin, days: [mon, fri]}. A window over
 * midnight belongs to the day it begins on. */
#include "engine/gates.h"

#include "base/str.h"
#include "base/tz.h"

#include <string.h>

#define MINUTE_MS ((int64_t)60 * 1000)
#define DAY_MIN   1440

static bool minutes_of(const char *text, int *out)
{
    int hours, minutes, end = 0;
    if (!text || sscanf(text, "%2d:%2d%n", &hours, &minutes, &end) != 2 || text[end] ||
        hours < 0 || hours > 24 || minutes < 0 || minutes > 59 || hours * 60 + minutes > DAY_MIN)
        return false;
    *out = hours * 60 + minutes;
    return true;
}

static bool day_meant(const struct json *days, int weekday)
{
    static const char *const names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
    if (!days)
        return true;
    json_each(day, days)
        if (text_eq_nocase(json_text(day), names[weekday]))
            return true;
    return false;
}

enum status quiet_now(const struct json *window, int64_t now_ms, bool *quiet, int64_t *until_ms,
                      struct err *err)
{
    int from = 0, to = 0;
    *quiet = false;
    if (!minutes_of(json_get_text(window, "from"), &from) ||
        !minutes_of(json_get_text(window, "to"), &to))
        return err_set(err, "quiet_hours.time", "quiet hours want from and to as \"20:00\"");
    struct tz *tz = tz_open(json_get_text(window, "zone"), err);
    if (!tz)
        return FAIL;
    int64_t wall = tz_wall(tz, now_ms) / MINUTE_MS;
    tz_close(tz);
    int minute = (int)(wall % DAY_MIN), weekday = (int)((wall / DAY_MIN + 4) % 7);
    const struct json *days = json_get(window, "days");
    int left = 0;
    if (from <= to && minute >= from && minute < to && day_meant(days, weekday))
        left = to - minute;
    else if (from > to && minute >= from && day_meant(days, weekday))
        left = DAY_MIN - minute + to;
    else if (from > to && minute < to && day_meant(days, (weekday + 6) % 7))
        left = to - minute;
    *quiet = left > 0;
    *until_ms = now_ms + left * MINUTE_MS;
    return OK;
}
