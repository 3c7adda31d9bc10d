/* names.c - does a formula use a library? By its words alone: a worker that has the
 * libraries gives the same results for one that does not, only a little later, so a
 * name in a comment does no harm. */
#include "formula/formula_priv.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static bool word_char(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$';
}

static bool is(const char *word, size_t len, const char *name)
{
    return strlen(name) == len && memcmp(word, name, len) == 0;
}

/* SUM( and the like; the language's own words in capitals are no functions of a sheet. */
static bool sheet_function(const char *word, size_t len, const char *after)
{
    bool letter = false;
    for (size_t i = 0; i < len; i++) {
        if (islower((unsigned char)word[i]) || word[i] == '$')
            return false;
        letter |= isupper((unsigned char)word[i]) != 0;
    }
    while (isspace((unsigned char)*after))
        after++;
    return letter && (*after == '(' || *after == '.') && !is(word, len, "URL") &&
           !is(word, len, "JSON");
}

static bool library(const char *word, size_t len, const char *after)
{
    static const char *const names[] = {"_", "lodash", "dayjs", "formulajs", "moment"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (is(word, len, names[i]))
            return true;
    return sheet_function(word, len, after);
}

bool formula_library_name(const char *formula, char *out, size_t size)
{
    char before = 0;
    for (const char *p = formula; *p;) {
        size_t len = 0;
        if (p[0] == '{' && p[1] == '{') { /* a column's name is none of ours */
            const char *end = strstr(p, "}}");
            if (!end)
                return false;
            p = end + 2;
            before = '}';
            continue;
        }
        while (word_char(p[len]))
            len++;
        bool member = before == '.' && !(p - formula >= 3 && !strncmp(p - 3, "...", 3));
        if (len && !member && library(p, len, p + len)) {
            snprintf(out, size, "%.*s", (int)len, p);
            return true;
        }
        before = len ? p[len - 1] : isspace((unsigned char)*p) ? before : *p;
        p += len ? len : 1;
    }
    return false;
}
