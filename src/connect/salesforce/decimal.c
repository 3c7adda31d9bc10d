/* decimal.c - numbers as decimal text, without a double on the way. */
#include "connect/salesforce/sf_priv.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MOST_DIGITS 400

const char *sf_decimal(struct arena *arena, const char *text, size_t len)
{
    char digits[MOST_DIGITS];
    size_t count = 0, i = 0;
    long point = 0, exponent = 0; /* value = 0.digits * 10^point */
    bool negative = false, any = false, after_point = false;

    if (i < len && (text[i] == '-' || text[i] == '+'))
        negative = text[i++] == '-';
    for (; i < len && (isdigit((unsigned char)text[i]) || text[i] == '.'); i++) {
        if (text[i] == '.') {
            if (after_point)
                return NULL;
            after_point = true;
            continue;
        }
        any = true;
        if (count == 0 && text[i] == '0') { /* leading zero: no digit of ours */
            point -= after_point;
            continue;
        }
        if (count == MOST_DIGITS)
            return NULL;
        digits[count++] = text[i];
        point += !after_point;
    }
    if (!any)
        return NULL;
    if (i < len && (text[i] == 'e' || text[i] == 'E')) {
        bool down = false;
        if (++i < len && (text[i] == '-' || text[i] == '+'))
            down = text[i++] == '-';
        if (i == len)
            return NULL;
        for (; i < len && isdigit((unsigned char)text[i]); i++)
            if ((exponent = exponent * 10 + (text[i] - '0')) > 10 * MOST_DIGITS)
                return NULL;
        exponent = down ? -exponent : exponent;
    }
    if (i != len)
        return NULL;
    while (count > 0 && digits[count - 1] == '0')
        count--;
    if (count == 0)
        return "0";
    point += exponent;
    if (point > MOST_DIGITS || point < -MOST_DIGITS)
        return NULL;

    char *out = arena_alloc(arena, count + (size_t)labs(point) + 4), *at = out;
    if (negative)
        *at++ = '-';
    if (point <= 0)
        *at++ = '0';
    for (long k = 0; k < point; k++)
        *at++ = k < (long)count ? digits[k] : '0';
    if (point < (long)count) {
        *at++ = '.';
        for (long k = point; k < (long)count; k++)
            *at++ = k < 0 ? '0' : digits[k];
    }
    *at = 0;
    return out;
}
