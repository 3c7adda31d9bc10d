/* test_ids.c - the 3 letters that make an id case-safe, on ids of real orgs. */
#include "localorg/org/org_priv.h"
#include "support/check.h"

#include <string.h>

static const char *to18(const char *id15)
{
    static char id[19];
    id_to_18(id15, id);
    return id;
}

TEST(ids, gain_their_three_letters)
{
    CHECK_STR(to18("001D000000IqhSL"), "001D000000IqhSLIAZ");
    CHECK_STR(to18("0034S000005YIzL"), "0034S000005YIzLQAW");
    CHECK_STR(to18("01gRO0000016PIA"), "01gRO0000016PIAYA2");
    CHECK_STR(to18("012000000000000"), "012000000000000AAA");
}

TEST(ids, are_read_in_both_lengths)
{
    char id[19];
    CHECK(id_canonical("001D000000IqhSL", id));
    CHECK_STR(id, "001D000000IqhSLIAZ");
    CHECK(id_canonical("001D000000IqhSLIAZ", id));
    CHECK_STR(id, "001D000000IqhSLIAZ");
}

TEST(ids, with_a_changed_letter_are_malformed)
{
    char id[19];
    CHECK(!id_canonical("001d000000IqhSLIAZ", id)); /* case changed: checksum fails */
    CHECK(!id_canonical("001D000000IqhSLIAA", id));
    CHECK(!id_canonical("001D000000IqhS", id));
    CHECK(!id_canonical("001D000000IqhSLI", id));
    CHECK(!id_canonical("001D000000IqhSLIAZX", id));
    CHECK(!id_canonical("001D-00000IqhSL", id));
    CHECK(!id_canonical("", id));
    CHECK(!id_canonical(NULL, id));
}

TEST(ids, count_upwards_in_ascii_order)
{
    char before[19] = "", id[19];
    for (uint64_t n = 0; n < 62 * 62 * 3; n++) {
        id_make("001", "Ab", n, id);
        CHECK(memcmp(before, id, 15) < 0);
        CHECK(id_canonical(id, before));
        uint64_t back;
        CHECK(id_number(id, "Ab", &back));
        CHECK_INT(back, n);
    }
    uint64_t back;
    CHECK(!id_number(id, "Xx", &back));
}
