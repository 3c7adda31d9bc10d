/* id.c - Salesforce record ids: 15 case-sensitive characters, or 18 of which
 * the last three say which of the others are capitals.
 *
 * Inside Argil an id always has 18 characters and is compared as bytes: the
 * 15-character form of two records may differ in case only. */
#include "connect/salesforce/sf_priv.h"

#include <ctype.h>
#include <string.h>

static const char checksum_letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

static void checksum(const char *id15, char out[3])
{
    for (int group = 0; group < 3; group++) {
        int bits = 0;
        for (int i = 0; i < 5; i++)
            if (id15[group * 5 + i] >= 'A' && id15[group * 5 + i] <= 'Z')
                bits |= 1 << i;
        out[group] = checksum_letters[bits];
    }
}

bool sf_id(const char *text, size_t len, char out[19])
{
    if (!text || (len != 15 && len != 18))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!isalnum((unsigned char)text[i]) || (unsigned char)text[i] > 127)
            return false;
    memcpy(out, text, 15);
    checksum(text, out + 15);
    out[18] = 0;
    return len == 15 || memcmp(out + 15, text + 15, 3) == 0;
}

const char *sf_id_dup(struct arena *arena, const char *text)
{
    char id[19];
    return text && sf_id(text, strlen(text), id) ? arena_strndup(arena, id, 18) : NULL;
}

bool sf_id_unfold(const char *text, size_t len, char out[19])
{
    bool upper = false, lower = false;
    char given[3], right[3];
    if (!text || len != 18)
        return false;
    for (size_t i = 0; i < 18; i++) {
        if (!isalnum((unsigned char)text[i]) || (unsigned char)text[i] > 127)
            return false;
        upper = upper || isupper((unsigned char)text[i]);
        lower = lower || islower((unsigned char)text[i]);
    }
    if (upper && lower) /* mixed case was kept: a wrong checksum is a typing error */
        return false;
    for (int i = 0; i < 3; i++)
        given[i] = (char)toupper((unsigned char)text[15 + i]);
    for (int i = 0; i < 15; i++) {
        const char *at = strchr(checksum_letters, given[i / 5]);
        bool capital = at && ((at - checksum_letters) >> (i % 5) & 1);
        out[i] =
            (char)(capital ? toupper((unsigned char)text[i]) : tolower((unsigned char)text[i]));
    }
    checksum(out, right);
    memcpy(out + 15, right, 3);
    out[18] = 0;
    return memcmp(given, right, 3) == 0;
}
