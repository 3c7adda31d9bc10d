/* fold.c - simple case folding of the Unicode BMP, one code point to one.
 *
 * The table is filled once from the C library's C.UTF-8 locale, which knows every
 * letter; where there is none, only ASCII folds. Order is that of folded code
 * points, so that an index built on one machine is right on another as long as
 * both know the locale (org_db.c rebuilds indexes that were built without). */
#include "localorg/org/fold.h"

#include <locale.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>
#include <wctype.h>

#define BMP 65536

static uint16_t folded[BMP];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill(void)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", NULL);
    for (unsigned c = 0; c < BMP; c++) {
        folded[c] = (uint16_t)(c >= 65 && c <= 90 ? c + 32 : c);
        if (locale && c >= 128 && (c < 0xD800 || c > 0xDFFF))
            folded[c] = (uint16_t)towlower_l((wint_t)c, locale);
    }
    if (locale)
        freelocale(locale);
}

static inline unsigned fold(unsigned c)
{
    return c < BMP ? folded[c] : c;
}

/* The code point at *at, which moves past it; a stray byte stands for itself. */
static unsigned next(const unsigned char *text, size_t len, size_t *at)
{
    unsigned c = text[(*at)++];
    size_t more = c < 0xC2 ? 0 : c < 0xE0 ? 1 : c < 0xF0 ? 2 : c < 0xF5 ? 3 : 0;
    if (more == 0 || *at + more > len)
        return c;
    unsigned point = c & (0x3Fu >> more);
    for (size_t i = 0; i < more; i++) {
        unsigned byte = text[*at + i];
        if ((byte & 0xC0) != 0x80)
            return c;
        point = point << 6 | (byte & 0x3F);
    }
    *at += more;
    return point;
}

int fold_compare(const char *a_text, size_t a_len, const char *b_text, size_t b_len)
{
    const unsigned char *a = (const unsigned char *)a_text, *b = (const unsigned char *)b_text;
    size_t i = 0, j = 0;
    pthread_once(&once, fill);
    while (i < a_len && j < b_len) {
        unsigned x = a[i], y = b[j];
        if ((x | y) < 0x80) { /* nearly always */
            i++, j++;
        } else {
            x = next(a, a_len, &i);
            y = next(b, b_len, &j);
        }
        if (x != y && (x = fold(x)) != (y = fold(y)))
            return x < y ? -1 : 1;
    }
    return (i < a_len) - (j < b_len);
}

bool fold_like(const char *pattern_text, size_t pattern_len, const char *text_text, size_t text_len,
               char escape)
{
    const unsigned char *pattern = (const unsigned char *)pattern_text;
    const unsigned char *text = (const unsigned char *)text_text;
    size_t p = 0, t = 0, star_p = SIZE_MAX, star_t = 0;
    pthread_once(&once, fill);
    while (t < text_len) {
        size_t p_after = p, t_after = t;
        bool literal = false, matched = false;
        unsigned want = p < pattern_len ? next(pattern, pattern_len, &p_after) : 0;
        if (p < pattern_len && escape && want == (unsigned char)escape && p_after < pattern_len) {
            literal = true;
            want = next(pattern, pattern_len, &p_after);
        }
        if (p < pattern_len && !literal && want == '%') {
            star_p = p_after;
            star_t = t;
            p = p_after;
            continue;
        }
        unsigned have = next(text, text_len, &t_after);
        if (p < pattern_len)
            matched = (!literal && want == '_') || want == have || fold(want) == fold(have);
        if (matched) {
            p = p_after;
            t = t_after;
        } else if (star_p != SIZE_MAX) { /* the last % takes one character more */
            next(text, text_len, &star_t);
            t = star_t;
            p = star_p;
        } else {
            return false;
        }
    }
    while (p < pattern_len && pattern[p] == '%')
        p++;
    return p == pattern_len;
}

/* --- for SQLite --- */

static int collate(void *ctx, int a_len, const void *a, int b_len, const void *b)
{
    return fold_compare(a, (size_t)a_len, b, (size_t)b_len);
}

/* like(pattern, text [, escape]) */
static void like(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    const char *pattern = (const char *)sqlite3_value_text(argv[0]);
    const char *text = (const char *)sqlite3_value_text(argv[1]);
    const char *escape = argc > 2 ? (const char *)sqlite3_value_text(argv[2]) : "";
    if (!pattern || !text || !escape)
        return; /* NULL */
    sqlite3_result_int(ctx, fold_like(pattern, (size_t)sqlite3_value_bytes(argv[0]), text,
                                      (size_t)sqlite3_value_bytes(argv[1]), escape[0]));
}

enum status fold_register(sqlite3 *db, struct err *err)
{
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    if (sqlite3_create_collation(db, "NOCASE", SQLITE_UTF8, NULL, collate) != SQLITE_OK ||
        sqlite3_create_function(db, "like", 2, flags, NULL, like, NULL, NULL) != SQLITE_OK ||
        sqlite3_create_function(db, "like", 3, flags, NULL, like, NULL, NULL) != SQLITE_OK)
        return err_set(err, ERR_IO, "case folding: %s", sqlite3_errmsg(db));
    return OK;
}
