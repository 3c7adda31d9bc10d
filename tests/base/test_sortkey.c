/* test_sortkey.c - keys compare as the values do: by the table, and at random
 * against arithmetic. Guards src/base/sortkey.c. */
#include "base/sortkey.h"
#include "base/world.h"
#include "support/check.h"

#include <string.h>

static struct buf key_of(enum sort_as as, bool down, const char *text)
{
    struct buf key = BUF_INIT;
    sort_key_add(&key, as, down, text, text ? strlen(text) : 0);
    return key;
}

static int compare(enum sort_as as, bool down, const char *a, const char *b)
{
    struct buf x = key_of(as, down, a), y = key_of(as, down, b);
    size_t shorter = x.len < y.len ? x.len : y.len;
    int order = memcmp(x.data, y.data, shorter);
    if (!order)
        order = (x.len > y.len) - (x.len < y.len);
    buf_free(&x);
    buf_free(&y);
    return (order > 0) - (order < 0);
}

/* Each is less than the next one, both ways round. */
static void check_order(enum sort_as as, const char *const *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < count; k++) {
            int wanted = (i > k) - (i < k);
            if (compare(as, false, values[i], values[k]) != wanted ||
                compare(as, true, values[i], values[k]) != -wanted)
                fprintf(stderr, "%s and %s\n", values[i] ? values[i] : "(null)",
                        values[k] ? values[k] : "(null)");
            CHECK_INT(compare(as, false, values[i], values[k]), wanted);
            CHECK_INT(compare(as, true, values[i], values[k]), -wanted);
        }
}
#define ORDER(as, ...)                                                                             \
    check_order(as, (const char *const[]){__VA_ARGS__},                                            \
                sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

TEST(number, order)
{
    ORDER(SORT_NUMBER, NULL, "-1e30", "-999999999999999999.5", "-999999999999999999.4", "-10",
          "-9.5", "-9.42", "-9.4", "-1", "-0.001", "0", "1e-30", "0.0001", "0.1", "0.11", "0.9",
          "1", "1.5", "9", "9.99999999999999999999", "10", "123", "1e3", "999999999999999998",
          "999999999999999999", "1000000000000000000", "1e400", "n/a", "zebra");
}

TEST(number, spellings_of_the_same_value_are_equal)
{
    static const char *const same[][2] = {{"1", "1.0"},        {"1", "01"},      {"1", "+1"},
                                          {"1000", "1e3"},     {"0", "-0"},      {"0", "0.00"},
                                          {"0.5", ".5"},       {"12", "0.12E2"}, {"100", "100."},
                                          {"-1.50", "-15e-1"}, {" 7 ", "7"}};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        CHECK_INT(compare(SORT_NUMBER, false, same[i][0], same[i][1]), 0);
}

TEST(number, at_random_as_arithmetic_has_it)
{
    struct rng rng = {11};
    for (int i = 0; i < 20000; i++) {
        char a[64], b[64];
        int64_t x = (int64_t)(rng_next(&rng) >> (rng_below(&rng, 63) + 1)),
                y = x + (int64_t)rng_below(&rng, 3) - 1;
        if (i % 2)
            y = (int64_t)(rng_next(&rng) >> (rng_below(&rng, 63) + 1));
        x = rng_below(&rng, 2) ? x : -x;
        y = rng_below(&rng, 2) ? y : -y;
        snprintf(a, sizeof a, "%lld.%02d", (long long)(x / 100),
                 (int)(x % 100 < 0 ? -x % 100 : x % 100));
        snprintf(b, sizeof b, "%llde-2", (long long)y);
        if (x < 0 && x > -100) /* -0.37: the sign is not in the whole part */
            snprintf(a, sizeof a, "-0.%02d", (int)-x);
        CHECK_INT(compare(SORT_NUMBER, false, a, b), (x > y) - (x < y));
    }
}

TEST(text, ignores_case_and_accents)
{
    ORDER(SORT_TEXT, NULL, "Aachen", "Äther", "Bär", "bart", "Éclair", "eclairs", "Łódź", "Zürich",
          "zürichsee", "\xCE\xB1\xCE\xB2", "\xD0\x91\xD0\xB0\xD0\xBA\xD1\x83", "\xE6\x97\xA5");
    CHECK_INT(compare(SORT_TEXT, false, "Ångström", "angstrom"), 0);
    CHECK_INT(compare(SORT_TEXT, false, "e\xCC\x81t\xC3\xA9", "ete"), 0); /* NFD and NFC */
    CHECK_INT(compare(SORT_TEXT, false, "\xD0\x98\xD0\x92\xD0\x90\xD0\x9D",
                      "\xD0\xB8\xD0\xB2\xD0\xB0\xD0\xBD"),
              0);
    CHECK_INT(compare(SORT_TEXT, false, "straße", "STRASSE"), 0);
    CHECK_INT(compare(SORT_TEXT, false, "", NULL), 0);
    CHECK_INT(compare(SORT_TEXT, false, "a\xFF\xC3", "a"), 1); /* not UTF-8: bytes */
}

TEST(text, stops_counting_somewhere)
{
    char a[500], b[500];
    memset(a, 'x', sizeof a);
    memset(b, 'x', sizeof b);
    a[499] = b[499] = '\0';
    a[SORT_TEXT_BYTES + 50] = 'y';
    CHECK_INT(compare(SORT_TEXT, false, a, b), 0);
    a[SORT_TEXT_BYTES - 50] = 'y';
    CHECK_INT(compare(SORT_TEXT, false, a, b), 1);
}

TEST(time, order)
{
    ORDER(SORT_TIME, NULL, "1700-01-01", "1969-12-31T23:59:59.999Z", "1970-01-01",
          "2026-11-23T10:00:00.000+0200", "2026-11-23T08:00:00.001Z", "2026-11-23T09:00:00Z",
          "2026-11-24", "4000-12-31", "0000-00-00", "tomorrow");
    CHECK_INT(compare(SORT_TIME, false, "2026-11-23T10:00:00.000+0200", "2026-11-23T08:00:00Z"), 0);
}

TEST(checkbox, order)
{
    ORDER(SORT_BOOL, NULL, "false", "true", "maybe");
}

/* Parts behind one another: the second decides where the first is equal, whatever its length. */
TEST(parts, compare_one_after_the_other)
{
    static const struct {
        const char *first, *second;
    } rows[] = {{NULL, "9"}, {"a", "10"}, {"a", "9"}, {"ab", "100"}, {"ab", NULL}, {"b", "3"}};
    for (size_t i = 0; i + 1 < sizeof rows / sizeof *rows; i++) {
        struct buf x = BUF_INIT, y = BUF_INIT;
        for (int k = 0; k < 2; k++) {
            struct buf *key = k ? &y : &x;
            const char *first = rows[i + (size_t)k].first, *second = rows[i + (size_t)k].second;
            sort_key_add(key, SORT_TEXT, false, first, first ? strlen(first) : 0);
            sort_key_add(key, SORT_NUMBER, true, second, second ? strlen(second) : 0);
        }
        size_t shorter = x.len < y.len ? x.len : y.len;
        int order = memcmp(x.data, y.data, shorter);
        CHECK(order < 0);
        buf_free(&x);
        buf_free(&y);
    }
}
