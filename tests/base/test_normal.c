/* test_normal.c - which addresses and numbers are the same one. Guards src/base/normal.c. */
#include "base/normal.h"
#include "support/check.h"

#include <string.h>

static struct arena *arena;

static void before(void)
{
    arena = arena_new();
}

static void after(void)
{
    arena_free(arena);
}

EACH_TEST(before, after)

struct row {
    const char *given, *wanted; /* wanted NULL: none of its kind */
};

static void check_all(char *(*normal)(struct arena *, const char *, size_t), const struct row *rows,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *got = normal(arena, rows[i].given, strlen(rows[i].given));
        if (rows[i].wanted)
            CHECK_STR(got, rows[i].wanted);
        else
            CHECK(got == NULL);
    }
}

TEST(normal, a_domain_is_the_host)
{
    static const struct row rows[] = {
        {"acme.com", "acme.com"},
        {" https://www.Acme.com/ ", "acme.com"},
        {"HTTP://WWW.ACME.COM:8080/a?b#c", "acme.com"},
        {"www.acme.com", "acme.com"},
        {"acme.com.", "acme.com"},
        {"ann@acme.com", "acme.com"},
        {"https://user:pw@acme.com/x", "acme.com"},
        {"sub.acme.co.uk", "sub.acme.co.uk"},
        {"https://b\xc3\xbc"
         "cher.example",
         "b\xc3\xbc"
         "cher.example"},
        {"acme", NULL},
        {"", NULL},
        {"   ", NULL},
        {"10.0.0.1", NULL},
        {".com", NULL},
        {"a..com", NULL},
        {"acme.c", NULL},
        {"not a site.com", NULL},
        {"https://", NULL},
        {"n/a", NULL},
    };
    check_all(normal_domain, rows, sizeof rows / sizeof *rows);
}

TEST(normal, a_phone_number_is_its_last_digits)
{
    static const struct row rows[] = {
        {"+1 (415) 555-2671", "155552671"},
        {"(415) 555-2671", "155552671"},
        {"415.555.2671 ext. 12", "155552671"},
        {"415 555 2671 x12", "155552671"},
        {"0044 7911 123456", "911123456"},
        {"07911 123456", "911123456"},
        {"+49 (0) 30 1234567", "301234567"},
        {"030/1234567", "301234567"},
        {"tel:+1-415-555-2671;ext=1", "155552671"},
        {"12345", "12345"},
        {"1234", NULL},
        {"", NULL},
        {"none", NULL},
        {"1-800-FLOWERS", NULL},
        {"000000", NULL},
    };
    check_all(normal_phone, rows, sizeof rows / sizeof *rows);
}

TEST(normal, an_address_is_without_its_name)
{
    static const struct row rows[] = {
        {"Ann@Acme.com", "ann@acme.com"},
        {" ann@acme.com ", "ann@acme.com"},
        {"Ann Lee <Ann.Lee@acme.com>", "ann.lee@acme.com"},
        {"mailto:ann@acme.com?subject=hi", "ann@acme.com"},
        {"ann+news@acme.com", "ann+news@acme.com"},
        {"ann@acme", NULL},
        {"ann at acme.com", NULL},
        {"@acme.com", NULL},
        {"a@b@acme.com", NULL},
        {"", NULL},
    };
    check_all(normal_email, rows, sizeof rows / sizeof *rows);
}

TEST(normal, a_nul_inside_is_no_address)
{
    CHECK(normal_domain(arena, "acme.com\0.evil.com", 18) == NULL);
    CHECK(normal_email(arena, "a@acme.com\0x", 12) == NULL);
}
