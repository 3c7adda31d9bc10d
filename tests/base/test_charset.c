/* test_charset.c - files come in many encodings, and out as UTF-8. Guards base/charset.c. */
#include "base/charset.h"
#include "base/mem.h"
#include "base/str.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

static enum charset guess(const char *bytes, size_t len, size_t step)
{
    struct charset_sniffer sniffer = {0};
    for (size_t at = 0; at < len; at += step)
        charset_sniff(&sniffer, bytes + at, len - at < step ? len - at : step);
    return charset_guess(&sniffer);
}
#define GUESS(text) charset_name(guess(text, sizeof(text) - 1, 3))

static char *decode(enum charset charset, const char *bytes, size_t len, size_t step,
                    struct charset_decoder *d)
{
    struct buf out = BUF_INIT;
    *d = (struct charset_decoder){.charset = charset};
    for (size_t at = 0; at < len || at == 0; at += step) {
        size_t n = len - at < step ? len - at : step;
        char *window = mem_strndup(bytes + at, n);
        charset_decode(d, window, n, at + n == len, &out);
        free(window);
    }
    return buf_take(&out);
}

/* Whatever the windows, the text is this. */
static void check_text(enum charset charset, const char *bytes, size_t len, const char *wanted)
{
    struct charset_decoder d;
    for (size_t step = 1; step <= len + 1; step++) {
        char *text = decode(charset, bytes, len, step, &d);
        CHECK_STR(text, wanted);
        free(text);
    }
}
#define CHECK_TEXT(charset, bytes, wanted) check_text(charset, bytes, sizeof(bytes) - 1, wanted)

TEST(charset, is_told_by_the_whole_file)
{
    CHECK_STR(GUESS("plain"), "utf-8");
    CHECK_STR(GUESS("M\xC3\xBCller, \xF0\x9F\x98\x80, \xE2\x82\xAC"), "utf-8");
    CHECK_STR(GUESS("M\xFCller"), "windows-1252");
    CHECK_STR(GUESS("\xEF\xBB\xBFM\xFCller"), "utf-8"); /* the mark decides */
    CHECK_STR(GUESS("\xFF\xFEM\0"), "utf-16le");
    CHECK_STR(GUESS("\xFE\xFF\0M"), "utf-16be");
    CHECK_STR(GUESS("N\0a\0m\0e\0,\0B\0"), "utf-16le");
    CHECK_STR(GUESS("\0N\0a\0m\0e\0,\0B"), "utf-16be");
    CHECK_STR(GUESS("a,b\0c,d"), "utf-8"); /* a NUL alone is no UTF-16 */
    CHECK_STR(GUESS("cut \xE2\x82"), "windows-1252");
    CHECK_STR(GUESS("\xC0\xAF overlong"), "windows-1252");
    CHECK_STR(GUESS("\xED\xA0\x80 surrogate"), "windows-1252");
    CHECK_STR(GUESS(""), "utf-8");
}

TEST(charset, a_late_byte_counts)
{
    size_t len = 200000;
    char *text = mem_alloc(len);
    memset(text, 'a', len);
    CHECK_INT(guess(text, len, 4096), CHARSET_UTF8);
    text[len - 1] = '\xE9';
    CHECK_INT(guess(text, len, 4096), CHARSET_1252);
    free(text);
}

TEST(charset, archives_are_no_text)
{
    struct charset_sniffer s = {0};
    charset_sniff(&s, "P", 1);
    charset_sniff(&s, "K\x03\x04", 3);
    CHECK_CONTAINS(charset_not_text(&s), "Excel");
    s = (struct charset_sniffer){0};
    charset_sniff(&s, "\x1F\x8B\x08", 3);
    CHECK_CONTAINS(charset_not_text(&s), "gzip");
    s = (struct charset_sniffer){0};
    charset_sniff(&s, "Name,Email\n", 11);
    CHECK(charset_not_text(&s) == NULL);
}

TEST(charset, every_window_gives_the_same_text)
{
    CHECK_TEXT(CHARSET_UTF8, "\xEF\xBB\xBFM\xC3\xBC \xF0\x9F\x98\x80.", "Mü 😀.");
    CHECK_TEXT(CHARSET_UTF8,
               "a\xFF"
               "b\xE2\x82",
               "a\xEF\xBF\xBD"
               "b\xEF\xBF\xBD");
    CHECK_TEXT(CHARSET_UTF8, "a\0b",
               "a\xEF\xBF\xBD"
               "b");
    CHECK_TEXT(CHARSET_1252, "M\xFC\x80\x93x\x94\xE9", "Mü€“x”é");
    CHECK_TEXT(CHARSET_UTF16LE, "\xFF\xFEM\0\xFC\0\x3D\xD8\x00\xDE!\0", "Mü😀!");
    CHECK_TEXT(CHARSET_UTF16BE, "\0M\0\xFC\xD8\x3D\xDE\x00\0!", "Mü😀!");
    CHECK_TEXT(CHARSET_UTF16LE, "\x3D\xD8x\0y",
               "\xEF\xBF\xBDx\xEF\xBF\xBD"); /* half a pair, half a unit */
}

TEST(charset, counts_what_has_no_character)
{
    struct charset_decoder d;
    free(decode(CHARSET_UTF8, "a\0\0b\xFF", 5, 2, &d));
    CHECK_INT(d.nuls, 2);
    CHECK_INT(d.bad, 1);
}

TEST(charset, has_names)
{
    enum charset charset;
    CHECK(charset_parse("UTF-8", &charset));
    CHECK_INT(charset, CHARSET_UTF8);
    CHECK(charset_parse("latin-1", &charset));
    CHECK_INT(charset, CHARSET_1252);
    CHECK(!charset_parse("ebcdic", &charset));
}
