/* ranges.c - see ranges.h. An address is 16 bytes; IPv4 stands in its mapped
 * form, so that an office seen as ::ffff:10.1.2.3 is still 10.1.2.3. */
#include "localorg/rest/ranges.h"

#include "localorg/rest/settings.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX 96

struct address {
    unsigned char bytes[16];
    int bits; /* 32 or 128 */
};

static bool address_parse(const char *text, struct address *out)
{
    static const unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    memcpy(out->bytes, mapped, 12);
    out->bits = 32;
    if (inet_pton(AF_INET, text, out->bytes + 12) == 1)
        return true;
    out->bits = 128;
    if (inet_pton(AF_INET6, text, out->bytes) != 1)
        return false;
    if (memcmp(out->bytes, mapped, 12) == 0)
        out->bits = 32;
    return true;
}

/* The first and last address of a word. */
static bool range_parse(const char *word, size_t len, unsigned char first[16],
                        unsigned char last[16])
{
    char text[WORD_MAX];
    struct address from, to;
    if (len == 0 || len >= sizeof text)
        return false;
    memcpy(text, word, len);
    text[len] = '\0';
    char *slash = strchr(text, '/'), *dash = strchr(text, '-'), *end = NULL;
    if (slash)
        *slash = '\0';
    if (dash)
        *dash = '\0';
    if (!address_parse(text, &from) || (slash && dash))
        return false;
    to = from;
    if (dash && (!address_parse(dash + 1, &to) || to.bits != from.bits))
        return false;
    if (slash) {
        long bits = strtol(slash + 1, &end, 10);
        if (end == slash + 1 || *end || bits < 0 || bits > from.bits)
            return false;
        for (int bit = 128 - from.bits + (int)bits; bit < 128; bit++) {
            from.bytes[bit / 8] &= (unsigned char)~(0x80 >> bit % 8);
            to.bytes[bit / 8] |= (unsigned char)(0x80 >> bit % 8);
        }
    }
    memcpy(first, from.bytes, 16);
    memcpy(last, to.bytes, 16);
    return memcmp(first, last, 16) <= 0;
}

bool range_known(const char *word, size_t len)
{
    unsigned char first[16], last[16];
    return range_parse(word, len, first, last);
}

bool ranges_have(const char *list, const char *address)
{
    struct address at;
    size_t len;
    const char *word;
    if (!address || !address_parse(address, &at))
        return false;
    while ((word = words_next(&list, &len))) {
        unsigned char first[16], last[16];
        if (range_parse(word, len, first, last) && memcmp(at.bytes, first, 16) >= 0 &&
            memcmp(at.bytes, last, 16) <= 0)
            return true;
    }
    return false;
}

/* --- hours --- */

static int day_of(const char *text)
{
    static const char *const days[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
    for (int i = 0; i < 7; i++)
        if (strncasecmp(text, days[i], 3) == 0)
            return i;
    return -1;
}

struct hours {
    int first_day, last_day, from, until; /* minutes */
};

static bool hours_parse(const char *word, size_t len, struct hours *out)
{
    char text[WORD_MAX];
    int from_h, from_m, until_h, until_m, used = 0;
    if (len == 0 || len >= sizeof text)
        return false;
    memcpy(text, word, len);
    text[len] = '\0';
    const char *slash = strchr(text, '/');
    size_t days = slash ? (size_t)(slash - text) : 0;
    if (days != 3 && !(days == 7 && text[3] == '-'))
        return false;
    out->first_day = day_of(text);
    out->last_day = days == 7 ? day_of(text + 4) : out->first_day;
    if (out->first_day < 0 || out->last_day < 0 ||
        sscanf(slash + 1, "%2d:%2d-%2d:%2d%n", &from_h, &from_m, &until_h, &until_m, &used) != 4 ||
        slash[1 + used])
        return false;
    out->from = from_h * 60 + from_m;
    out->until = until_h * 60 + until_m;
    return from_h >= 0 && from_m >= 0 && from_m < 60 && until_m >= 0 && until_m < 60 &&
           out->until <= 24 * 60 && out->from < out->until;
}

bool hours_known(const char *word, size_t len)
{
    struct hours hours;
    return hours_parse(word, len, &hours);
}

bool hours_have(const char *list, int weekday, int minute)
{
    size_t len;
    const char *word;
    while ((word = words_next(&list, &len))) {
        struct hours hours;
        if (!hours_parse(word, len, &hours) || minute < hours.from || minute >= hours.until)
            continue;
        int days = (hours.last_day - hours.first_day + 7) % 7;
        if ((weekday - hours.first_day + 7) % 7 <= days)
            return true;
    }
    return false;
}
