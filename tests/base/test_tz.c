/* test_tz.c - wall clocks against libc's own reading of the same zones, and the
 * nights in which clocks change. Guards src/base/tz.c. */
#include "base/mem.h"
#include "base/tz.h"
#include "base/when.h"
#include "base/world.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct err err;

static int64_t at(const char *text)
{
    int64_t ms = 0;
    CHECK(when_parse(text, &ms));
    return ms;
}

static struct tz *zone(const char *name)
{
    struct tz *tz = tz_open(name, &err);
    CHECK_GOT(tz, &err);
    return tz;
}

TEST(zone, agrees_with_libc_from_1970_to_2100)
{
    static const char *const names[] = {"Europe/Berlin",
                                        "Europe/Dublin",
                                        "America/New_York",
                                        "America/St_Johns",
                                        "America/Sao_Paulo",
                                        "Africa/Casablanca",
                                        "Asia/Kolkata",
                                        "Asia/Kathmandu",
                                        "Australia/Sydney",
                                        "Australia/Lord_Howe",
                                        "Pacific/Apia",
                                        "Pacific/Chatham",
                                        "America/Santiago",
                                        "Asia/Gaza",
                                        "Africa/Cairo",
                                        "Antarctica/Troll",
                                        "America/Nuuk",
                                        "Asia/Tokyo",
                                        "UTC"};
    struct rng rng = {7};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct tz *tz = zone(names[i]);
        setenv("TZ", names[i], 1);
        tzset();
        for (int k = 0; k < 4000; k++) {
            time_t seconds = (time_t)rng_below(&rng, 4102444800ULL);
            struct tm tm;
            localtime_r(&seconds, &tm);
            if (tz_offset(tz, (int64_t)seconds * 1000) != tm.tm_gmtoff) {
                fprintf(stderr, "%s at %lld\n", names[i], (long long)seconds);
                CHECK_INT(tz_offset(tz, (int64_t)seconds * 1000), tm.tm_gmtoff);
            }
        }
        tz_close(tz);
    }
    unsetenv("TZ");
    tzset();
}

TEST(wall, shows_one_instant_two_or_none)
{
    struct tz *berlin = zone("Europe/Berlin");
    int64_t out[2];
    CHECK_INT(tz_instants(berlin, at("2026-07-01T06:00:00Z"), out), 1);
    CHECK(out[0] == at("2026-07-01T04:00:00Z"));
    CHECK_INT(tz_instants(berlin, at("2026-10-25T02:30:00Z"), out), 2);
    CHECK(out[0] == at("2026-10-25T00:30:00Z") && out[1] == at("2026-10-25T01:30:00Z"));
    CHECK_INT(tz_instants(berlin, at("2026-03-29T02:30:00Z"), out), 0);
    CHECK(out[0] == at("2026-03-29T01:00:00Z"));
    CHECK(tz_wall(berlin, at("2026-03-29T01:00:00Z")) == at("2026-03-29T03:00:00Z"));
    tz_close(berlin);
}

TEST(wall, of_every_quarter_of_an_hour_comes_back)
{
    static const char *const names[] = {"America/New_York", "Australia/Lord_Howe", "Europe/Dublin"};
    for (size_t i = 0; i < 3; i++) {
        struct tz *tz = zone(names[i]);
        for (int64_t ms = at("2026-01-01T00:00:00Z"); ms < at("2027-01-01T00:00:00Z");
             ms += 900000) {
            int64_t out[2];
            int count = tz_instants(tz, tz_wall(tz, ms), out);
            CHECK(count == 1 ? out[0] == ms : count == 2 && (out[0] == ms || out[1] == ms));
        }
        tz_close(tz);
    }
}

TEST(name, that_is_none_is_refused)
{
    static const char *const bad[] = {"Europe/Nowhere", "../../etc/passwd", "/etc/passwd", "",
                                      "Europe/Berlin\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct tz *tz = tz_open(bad[i], &err);
        CHECK(!tz);
        CHECK_STR(err.code, ERR_TZ);
        CHECK(err.hint[0]);
    }
    struct tz *utc = zone(NULL);
    CHECK_INT(tz_offset(utc, at("2026-07-01T06:00:00Z")), 0);
    tz_close(utc);
}

/* Every prefix of a real file, and every byte of it turned around. */
TEST(file, that_is_damaged_does_no_harm)
{
    char bytes[8192];
    const char *folder = getenv("TZDIR");
    char path[512];
    snprintf(path, sizeof path, "%s/Europe/Berlin", folder ? folder : "/usr/share/zoneinfo");
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    for (size_t cut = 0; cut < len; cut++) {
        char *copy = mem_alloc(cut + 1);
        memcpy(copy, bytes, cut);
        struct tz *tz = tz_parse(copy, cut, NULL);
        if (tz)
            CHECK(abs(tz_offset(tz, 1800000000000)) < 100000);
        tz_close(tz);
        free(copy);
    }
    for (size_t i = 0; i < len; i++) {
        int64_t out[2];
        bytes[i] = (char)~bytes[i];
        struct tz *tz = tz_parse(bytes, len, NULL);
        if (tz)
            tz_instants(tz, 1800000000000, out);
        tz_close(tz);
        bytes[i] = (char)~bytes[i];
    }
}
