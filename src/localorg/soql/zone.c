/* zone.c - offsets of the time zones Salesforce offers (TimeZoneSidKey).
 *
 * No files are read: a zone is its standard offset and one of a few summer-time
 * rules, those in force today, taken for all years. History (the United States
 * before 2007) is not kept. Times of a rule are standard time of the zone,
 * Europe's are UTC. */
#include "localorg/soql/zone.h"

#include "base/buf.h"
#include "base/str.h"
#include "base/when.h"

enum { MINUTE_MS = 60000, DAY_MS = 86400000 };

enum rule_name {
    FIXED,
    AMERICA,
    EUROPE,
    AUSTRALIA,
    LORD_HOWE,
    NEW_ZEALAND,
    CHATHAM,
    CHILE,
    EGYPT,
    ISRAEL,
    LEBANON
};

/* The week-th weekday of a month (5 = the last), and minutes after its midnight. */
struct change {
    int month, week, weekday, minutes;
};

static const struct rule {
    struct change start, end; /* of summer time */
    int shift;                /* minutes */
    bool utc;
} rules[] = {
    [AMERICA] = {{3, 2, 0, 120}, {11, 1, 0, 60}, 60, false},
    [EUROPE] = {{3, 5, 0, 60}, {10, 5, 0, 60}, 60, true},
    [AUSTRALIA] = {{10, 1, 0, 120}, {4, 1, 0, 120}, 60, false},
    [LORD_HOWE] = {{10, 1, 0, 120}, {4, 1, 0, 90}, 30, false},
    [NEW_ZEALAND] = {{9, 5, 0, 120}, {4, 1, 0, 120}, 60, false},
    [CHATHAM] = {{9, 5, 0, 165}, {4, 1, 0, 165}, 60, false},
    [CHILE] = {{9, 1, 6, 1440}, {4, 1, 6, 1380}, 60, false},
    [EGYPT] = {{4, 5, 5, 0}, {10, 5, 4, 1380}, 60, false},
    [ISRAEL] = {{3, 4, 4, 1560}, {10, 5, 0, 60}, 60, false},
    [LEBANON] = {{3, 5, 0, 0}, {10, 5, 0, -60}, 60, false},
};

struct zone {
    const char *name;
    int offset; /* minutes east, standard time */
    enum rule_name rule;
};

static const struct zone utc = {"GMT", 0, FIXED};

/* clang-format off */
static const struct zone zones[] = {
    {"Africa/Algiers", 60, FIXED}, {"Africa/Cairo", 120, EGYPT}, {"Africa/Casablanca", 60, FIXED},
    {"Africa/Johannesburg", 120, FIXED}, {"Africa/Lagos", 60, FIXED},
    {"Africa/Nairobi", 180, FIXED}, {"America/Adak", -600, AMERICA},
    {"America/Anchorage", -540, AMERICA}, {"America/Argentina/Buenos_Aires", -180, FIXED},
    {"America/Bogota", -300, FIXED}, {"America/Caracas", -240, FIXED},
    {"America/Chicago", -360, AMERICA}, {"America/Costa_Rica", -360, FIXED},
    {"America/Denver", -420, AMERICA}, {"America/El_Salvador", -360, FIXED},
    {"America/Halifax", -240, AMERICA}, {"America/Indiana/Indianapolis", -300, AMERICA},
    {"America/Lima", -300, FIXED}, {"America/Los_Angeles", -480, AMERICA},
    {"America/Mazatlan", -420, FIXED}, {"America/Mexico_City", -360, FIXED},
    {"America/Montevideo", -180, FIXED}, {"America/New_York", -300, AMERICA},
    {"America/Panama", -300, FIXED}, {"America/Phoenix", -420, FIXED},
    {"America/Puerto_Rico", -240, FIXED}, {"America/Santiago", -240, CHILE},
    {"America/Sao_Paulo", -180, FIXED}, {"America/Scoresbysund", -120, EUROPE},
    {"America/St_Johns", -210, AMERICA}, {"America/Tijuana", -480, AMERICA},
    {"America/Toronto", -300, AMERICA}, {"Asia/Baghdad", 180, FIXED}, {"Asia/Baku", 240, FIXED},
    {"Asia/Bangkok", 420, FIXED}, {"Asia/Beirut", 120, LEBANON}, {"Asia/Colombo", 330, FIXED},
    {"Asia/Dhaka", 360, FIXED}, {"Asia/Dubai", 240, FIXED}, {"Asia/Ho_Chi_Minh", 420, FIXED},
    {"Asia/Hong_Kong", 480, FIXED}, {"Asia/Jakarta", 420, FIXED}, {"Asia/Jerusalem", 120, ISRAEL},
    {"Asia/Kabul", 270, FIXED}, {"Asia/Kamchatka", 720, FIXED}, {"Asia/Karachi", 300, FIXED},
    {"Asia/Kathmandu", 345, FIXED}, {"Asia/Kolkata", 330, FIXED},
    {"Asia/Kuala_Lumpur", 480, FIXED}, {"Asia/Kuwait", 180, FIXED}, {"Asia/Manila", 480, FIXED},
    {"Asia/Rangoon", 390, FIXED}, {"Asia/Riyadh", 180, FIXED}, {"Asia/Seoul", 540, FIXED},
    {"Asia/Shanghai", 480, FIXED}, {"Asia/Singapore", 480, FIXED}, {"Asia/Taipei", 480, FIXED},
    {"Asia/Tashkent", 300, FIXED}, {"Asia/Tbilisi", 240, FIXED}, {"Asia/Tehran", 210, FIXED},
    {"Asia/Tokyo", 540, FIXED}, {"Asia/Yangon", 390, FIXED}, {"Asia/Yekaterinburg", 300, FIXED},
    {"Asia/Yerevan", 240, FIXED}, {"Atlantic/Azores", -60, EUROPE},
    {"Atlantic/Bermuda", -240, AMERICA}, {"Atlantic/Cape_Verde", -60, FIXED},
    {"Atlantic/South_Georgia", -120, FIXED}, {"Australia/Adelaide", 570, AUSTRALIA},
    {"Australia/Brisbane", 600, FIXED}, {"Australia/Darwin", 570, FIXED},
    {"Australia/Hobart", 600, AUSTRALIA}, {"Australia/Lord_Howe", 630, LORD_HOWE},
    {"Australia/Melbourne", 600, AUSTRALIA}, {"Australia/Perth", 480, FIXED},
    {"Australia/Sydney", 600, AUSTRALIA}, {"Europe/Amsterdam", 60, EUROPE},
    {"Europe/Athens", 120, EUROPE}, {"Europe/Berlin", 60, EUROPE}, {"Europe/Brussels", 60, EUROPE},
    {"Europe/Bucharest", 120, EUROPE}, {"Europe/Budapest", 60, EUROPE},
    {"Europe/Copenhagen", 60, EUROPE}, {"Europe/Dublin", 0, EUROPE},
    {"Europe/Helsinki", 120, EUROPE}, {"Europe/Istanbul", 180, FIXED},
    {"Europe/Kiev", 120, EUROPE}, {"Europe/Kyiv", 120, EUROPE}, {"Europe/Lisbon", 0, EUROPE},
    {"Europe/London", 0, EUROPE}, {"Europe/Madrid", 60, EUROPE}, {"Europe/Minsk", 180, FIXED},
    {"Europe/Moscow", 180, FIXED}, {"Europe/Oslo", 60, EUROPE}, {"Europe/Paris", 60, EUROPE},
    {"Europe/Prague", 60, EUROPE}, {"Europe/Rome", 60, EUROPE}, {"Europe/Stockholm", 60, EUROPE},
    {"Europe/Vienna", 60, EUROPE}, {"Europe/Warsaw", 60, EUROPE}, {"Europe/Zurich", 60, EUROPE},
    {"Pacific/Apia", 780, FIXED}, {"Pacific/Auckland", 720, NEW_ZEALAND},
    {"Pacific/Chatham", 765, CHATHAM}, {"Pacific/Enderbury", 780, FIXED},
    {"Pacific/Fakaofo", 780, FIXED}, {"Pacific/Fiji", 720, FIXED},
    {"Pacific/Gambier", -540, FIXED}, {"Pacific/Guadalcanal", 660, FIXED},
    {"Pacific/Honolulu", -600, FIXED}, {"Pacific/Kiritimati", 840, FIXED},
    {"Pacific/Marquesas", -570, FIXED}, {"Pacific/Niue", -660, FIXED},
    {"Pacific/Norfolk", 660, AUSTRALIA}, {"Pacific/Pago_Pago", -660, FIXED},
    {"Pacific/Pitcairn", -480, FIXED}, {"Pacific/Tongatapu", 780, FIXED},
};
/* clang-format on */

const struct zone *zone_find(const char *name)
{
    for (size_t i = 0; name && i < sizeof zones / sizeof *zones; i++)
        if (text_eq(zones[i].name, name))
            return &zones[i];
    return &utc;
}

/* The instant of a change in a year. */
static int64_t change_ms(const struct zone *zone, const struct change *change, int year)
{
    struct date first = {year, change->month, 1};
    int64_t start = date_to_days(first);
    int64_t day = start + (change->weekday - date_weekday(first) + 7) % 7 + 7 * (change->week - 1);
    int64_t next = date_to_days(
        (struct date){change->month == 12 ? year + 1 : year, change->month % 12 + 1, 1});
    while (day >= next)
        day -= 7;
    int minutes = change->minutes - (rules[zone->rule].utc ? 0 : zone->offset);
    return day * DAY_MS + (int64_t)minutes * MINUTE_MS;
}

int zone_offset(const struct zone *zone, int64_t ms)
{
    if (zone->rule == FIXED)
        return zone->offset;
    const struct rule *rule = &rules[zone->rule];
    int year = when_date(ms + (int64_t)zone->offset * MINUTE_MS, NULL).year;
    int64_t start = change_ms(zone, &rule->start, year), end = change_ms(zone, &rule->end, year);
    bool summer = start < end ? ms >= start && ms < end : ms < end || ms >= start;
    return zone->offset + (summer ? rule->shift : 0);
}

int64_t zone_day(const struct zone *zone, int64_t ms)
{
    int64_t local = ms + (int64_t)zone_offset(zone, ms) * MINUTE_MS;
    return local / DAY_MS - (local % DAY_MS < 0);
}

int64_t zone_day_start(const struct zone *zone, int64_t day)
{
    int64_t midnight = day * DAY_MS;
    int offset = zone_offset(zone, midnight - (int64_t)zone->offset * MINUTE_MS);
    return midnight -
           (int64_t)zone_offset(zone, midnight - (int64_t)offset * MINUTE_MS) * MINUTE_MS;
}

const char *zone_local_sql(struct arena *arena, const struct zone *zone, const char *ms_sql)
{
    enum { FIRST_YEAR = 1995, LAST_YEAR = 2050 };
    struct buf sql = BUF_INIT;
    if (zone->rule == FIXED && zone->offset == 0)
        return ms_sql;
    if (zone->rule == FIXED)
        return arena_printf(arena, "(%s + %d)", ms_sql, zone->offset * MINUTE_MS);
    const struct rule *rule = &rules[zone->rule];
    bool north = rule->start.month < rule->end.month;
    buf_printf(&sql, "(%s + CASE", ms_sql);
    for (int year = FIRST_YEAR; year <= LAST_YEAR; year++) {
        int64_t start = change_ms(zone, &rule->start, year),
                end = change_ms(zone, &rule->end, year);
        int summer = (zone->offset + rule->shift) * MINUTE_MS, winter = zone->offset * MINUTE_MS;
        buf_printf(&sql, " WHEN %s < %lld THEN %d WHEN %s < %lld THEN %d", ms_sql,
                   (long long)(north ? start : end), north ? winter : summer, ms_sql,
                   (long long)(north ? end : start), north ? summer : winter);
    }
    buf_printf(&sql, " ELSE %d END)", zone->offset * MINUTE_MS);
    const char *text = arena_strndup(arena, buf_text(&sql), sql.len);
    buf_free(&sql);
    return text;
}
