/* test_text.c - errors, memory, buffers, slices, maps: the smallest bricks.
 * Guards src/base/{err,arena,buf,str,map,vec}. */
#include "base/arena.h"
#include "base/buf.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"
#include "base/world.h"
#include "support/check.h"

#include <stdint.h>
#include <stdlib.h>
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

/* --- err --- */

TEST(err, each_layer_adds_what_it_knew)
{
    struct err err;
    CHECK_INT(err_set(&err, ERR_NOT_FOUND, "no table \"%s\"", "Leads"), FAIL);
    CHECK_INT(err_wrap(&err, "starting run %d", 7), FAIL);
    err_where(&err, "leads.yaml:%d", 3);
    err_hint(&err, "argil table list");
    CHECK_STR(err.message, "starting run 7: no table \"Leads\"");
    CHECK(err_is(&err, ERR_NOT_FOUND) && !err_is(&err, ERR_IO));
    err_set(&err, ERR_IO, "again");
    CHECK_STR(err.where, "");
    CHECK_STR(err.hint, "");
    err_clear(&err);
    CHECK(err_is(&err, ""));
}

TEST(err, nobody_listening_is_fine)
{
    CHECK_INT(err_set(NULL, ERR_IO, "x"), FAIL);
    CHECK_INT(err_wrap(NULL, "x"), FAIL);
    err_where(NULL, "x");
    err_clear(NULL);
    CHECK(!err_is(NULL, ERR_IO));
}

TEST(err, an_error_may_be_made_from_itself)
{
    struct err err;
    err_set(&err, ERR_IO, "inner");
    err_set(&err, ERR_CONFLICT, "outer, %s", err.message);
    CHECK_STR(err.message, "outer, inner");
    err_wrap(&err, "%s", err.message);
    CHECK_STR(err.message, "outer, inner: outer, inner");
}

TEST(err, long_text_is_cut_between_characters_and_says_so)
{
    struct err err;
    for (size_t shift = 0; shift < 4; shift++) {
        struct buf text = BUF_INIT;
        buf_append(&text, "xxxx", shift);
        for (int i = 0; i < 2000; i++)
            buf_str(&text, "\xE2\x82\xAC");
        err_set(&err, ERR_IO, "%s", buf_text(&text));
        err_where(&err, "%s", buf_text(&text));
        CHECK(strlen(err.message) < sizeof err.message && strlen(err.message) > 2040);
        CHECK(utf8_valid(err.message, strlen(err.message)));
        CHECK(text_ends(err.message, "\xE2\x80\xA6"));
        CHECK(utf8_valid(err.where, strlen(err.where)) && text_ends(err.where, "\xE2\x80\xA6"));
        buf_free(&text);
    }
    for (int i = 0; i < 100; i++)
        err_wrap(&err, "a context of some length, number %d", i);
    CHECK(text_starts(err.message, "a context of some length, number 99: a context"));
}

TEST(err, prints_place_cause_hint_and_code)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    struct err err;
    err_set(&err, "recipe.unknown_key", "no such key");
    err_where(&err, "a.yaml:1:2");
    err_cause(&err, "why");
    err_hint(&err, "do this");
    err_print(out, &err, false);
    err_print(out, NULL, true);
    fclose(out);
    CHECK_STR(text, "a.yaml:1:2: no such key\n  cause: why\n  hint: do this\n"
                    "  code: recipe.unknown_key\n");
    free(text);
}

/* --- arena --- */

TEST(arena, hands_out_aligned_zeroed_memory_that_does_not_overlap)
{
    struct rng rng = {5};
    unsigned char *pieces[500];
    size_t sizes[500];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 500; i++) {
            sizes[i] = rng_below(&rng, i % 50 == 0 ? 300000 : 200);
            pieces[i] = arena_alloc(arena, sizes[i]);
            CHECK((uintptr_t)pieces[i] % 16 == 0);
            for (size_t k = 0; k < sizes[i]; k++)
                CHECK(pieces[i][k] == 0);
            memset(pieces[i], i & 255, sizes[i]);
        }
        for (int i = 0; i < 500; i++)
            for (size_t k = 0; k < sizes[i]; k++)
                CHECK(pieces[i][k] == (i & 255));
        CHECK(arena_used(arena) > 0);
        arena_reset(arena);
        CHECK_INT(arena_used(arena), 0);
    }
}

TEST(arena, prints_short_and_long_text)
{
    char *longer = mem_alloc(5001);
    memset(longer, 'y', 5000);
    CHECK_STR(arena_printf(arena, "%s-%d", "a", 5), "a-5");
    CHECK_STR(arena_printf(arena, "%s", longer), longer);
    CHECK(arena_strdup(arena, NULL) == NULL);
    CHECK_STR(arena_strndup(arena, "abcdef", 3), "abc");
    free(longer);
}

/* --- buf --- */

TEST(buf, grows_and_keeps_a_nul_and_padding_behind)
{
    struct buf buf = BUF_INIT;
    CHECK_STR(buf_text(&buf), "");
    for (int i = 0; i < 10000; i++) {
        buf_char(&buf, 'x');
        CHECK(buf.data[buf.len] == '\0' && buf.cap >= buf.len + 1 + BUF_PADDING);
    }
    buf_clear(&buf);
    buf_printf(&buf, "%s=%d", "n", 3);
    CHECK_STR(buf_text(&buf), "n=3");
    char *taken = buf_take(&buf);
    CHECK_STR(taken, "n=3");
    CHECK(buf.data == NULL && buf.len == 0);
    free(taken);
    taken = buf_take(&buf);
    CHECK_STR(taken, "");
    free(taken);
}

TEST(buf, stops_at_its_ceiling_and_stays_stopped)
{
    struct buf buf = BUF_UP_TO(10);
    buf_str(&buf, "0123456789");
    CHECK(!buf.overflow && buf.len == 10);
    buf_char(&buf, 'x');
    CHECK(buf.overflow && buf.len == 10);
    buf_clear(&buf);
    buf_str(&buf, "0123456");
    buf_str(&buf, "0123456");
    CHECK(buf.overflow);
    buf_str(&buf, "1");
    buf_printf(&buf, "2");
    CHECK(buf_room(&buf, 1) == NULL);
    CHECK_STR(buf_text(&buf), "0123456");
    buf_wipe(&buf);
    CHECK_INT(buf.limit, 10);
}

TEST(buf, lends_room_to_write_into)
{
    struct buf buf = BUF_INIT;
    memcpy(buf_room(&buf, 1000), "abc", 3);
    buf_added(&buf, 3);
    CHECK_STR(buf_text(&buf), "abc");
    buf_free(&buf);
}

/* --- str --- */

TEST(str, compares_trims_and_folds)
{
    CHECK(str_eq_nocase(STR("Account"), STR("aCCOUNT")) && !str_eq(STR("a"), STR("A")));
    CHECK(!str_eq_nocase(STR("\xC3\x84"), STR("\xC3\xA4"))); /* only ASCII folds */
    CHECK(str_eq(str_of(NULL), STR("")));
    CHECK(text_eq(NULL, NULL) && !text_eq(NULL, "") && !text_eq_nocase("", NULL));
    CHECK(text_starts("abc", "ab") && !text_starts("a", "ab") && !text_starts(NULL, "a"));
    CHECK(text_ends("abc", "bc") && !text_ends("c", "bc"));
    CHECK(text_blank(NULL) && text_blank(" \t\r\n") && !text_blank(" x"));
    CHECK(str_eq(str_trim(STR(" \n a b \t")), STR("a b")));
    CHECK_STR(text_trim(arena, "  x "), "x");
    CHECK_STR(text_lower(arena, "ABC\xC3\x84z"), "abc\xC3\x84z");
    CHECK(text_lower(arena, NULL) == NULL);
}

TEST(str, knows_utf8)
{
    static const char *const good[] = {"",
                                       "abc",
                                       "\xC2\x80",
                                       "\xE0\xA0\x80",
                                       "\xED\x9F\xBF",
                                       "\xEE\x80\x80",
                                       "\xF0\x90\x80\x80",
                                       "\xF4\x8F\xBF\xBF",
                                       "0123456\xC3\xA9",
                                       "01234567\xC3\xA9"};
    static const char *const bad[] = {"\x80",
                                      "\xC0\x80",
                                      "\xC1\xBF",
                                      "\xC3",
                                      "\xE0\x9F\xBF",
                                      "\xED\xA0\x80",
                                      "\xF0\x8F\xBF\xBF",
                                      "\xF4\x90\x80\x80",
                                      "\xF5\x80\x80\x80",
                                      "\xE2\x82",
                                      "01234567\xFF",
                                      "\xC3("};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CHECK(utf8_valid(good[i], strlen(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(!utf8_valid(bad[i], strlen(bad[i])));
}

TEST(str, counts_characters_as_people_and_salesforce_do)
{
    static const char text[] = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\xFF";
    CHECK_INT(utf8_length(text, sizeof text - 1), 5);
    CHECK_INT(utf16_length(text, sizeof text - 1), 6);
    CHECK_INT(utf8_cut(text, 11, 11), 11);
    CHECK_INT(utf8_cut(text, 11, 9), 6);
    CHECK_INT(utf8_cut(text, 11, 5), 3);
    CHECK_INT(utf8_cut(text, 11, 2), 1);
    CHECK_INT(utf8_cut(text, 11, 0), 0);
    CHECK_INT(utf8_cut("\x80\x80\x80\x80\x80\x80", 6, 5), 5); /* not UTF-8: anywhere */
}

TEST(str, suggests_the_nearest_name_or_none)
{
    static const char *const keys[] = {"source", "unique_by", "Email", "update_existing", "id"};
    CHECK_STR(text_nearest("sorce", keys, 5), "source");
    CHECK_STR(text_nearest("emial", keys, 5), "Email");
    CHECK_STR(text_nearest("unique", keys, 5), "unique_by");
    CHECK_STR(text_nearest("updateExisting", keys, 5), "update_existing");
    CHECK(text_nearest("colour", keys, 5) == NULL);
    CHECK(text_nearest("x", keys, 5) == NULL);
    CHECK(text_nearest("", keys, 5) == NULL && text_nearest("a", NULL, 0) == NULL);
}

TEST(str, digests_are_the_standard_ones)
{
    char hex[65];
    sha256_hex("abc", 3, hex);
    CHECK_STR(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    sha256_hex("", 0, hex);
    CHECK_STR(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    CHECK(text_hash("a", 1) == 0xaf63dc4c8601ec8c);
}

TEST(str, base64_goes_both_ways)
{
    static const char *const pairs[][2] = {
        {"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
        {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"\xFB\xFF\xFE", "+//+"}};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        size_t len = strlen(pairs[i][0]), got = 99;
        CHECK_STR(base64_encode(arena, pairs[i][0], len), pairs[i][1]);
        void *back = base64_decode(arena, pairs[i][1], strlen(pairs[i][1]), &got);
        CHECK_MEM(back, got, pairs[i][0], len);
        char *url = base64url_encode(arena, pairs[i][0], len);
        CHECK(!strpbrk(url, "+/="));
        back = base64_decode(arena, url, strlen(url), &got);
        CHECK_MEM(back, got, pairs[i][0], len);
    }
    static const char *const bad[] = {
        "Z", "Zg=", "Zg===", "=", "====", "Zm9v!", "Zh==", "Zm 9v", "Z==="};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (base64_decode(arena, bad[i], strlen(bad[i]), NULL))
            CHECK_STR(bad[i], "malformed");
}

/* --- map and vec --- */

TEST(map, keeps_what_was_put_in_its_order)
{
    struct map *map = map_new();
    int values[1000];
    for (int i = 0; i < 1000; i++) {
        char key[16];
        snprintf(key, sizeof key, "key %d", i);
        map_put(map, key, &values[i]);
    }
    for (int i = 0; i < 1000; i += 2) {
        char key[16];
        snprintf(key, sizeof key, "key %d", i);
        CHECK(map_remove(map, key) == &values[i]);
        CHECK(map_remove(map, key) == NULL);
    }
    CHECK_INT(map_count(map), 500);
    map_put(map, "key 0", &values[0]);   /* comes back at the end */
    map_put(map, "key 1", &values[999]); /* is replaced in its place */
    const char *key;
    void *value;
    size_t at = 0;
    CHECK(map_next(map, &at, &key, &value));
    CHECK_STR(key, "key 1");
    CHECK(value == &values[999]);
    int seen = 1;
    while (map_next(map, &at, &key, &value))
        seen++;
    CHECK_INT(seen, 501);
    CHECK_STR(key, "key 0");
    CHECK(map_get(map, "key 2") == NULL && !map_has(map, "key 2") && map_has(map, "key 3"));
    map_free(map);
}

TEST(map, survives_endless_putting_and_removing)
{
    struct map *map = map_new();
    for (int i = 0; i < 100000; i++) {
        char key[16];
        snprintf(key, sizeof key, "%d", i);
        map_put(map, key, map);
        if (i >= 10) {
            snprintf(key, sizeof key, "%d", i - 10);
            CHECK(map_remove(map, key) == map);
        }
    }
    CHECK_INT(map_count(map), 10);
    map_free(map);
}

TEST(map, may_ignore_case_and_hold_null)
{
    struct map *map = map_new_nocase();
    map_put(map, "Account", NULL);
    CHECK(map_has(map, "ACCOUNT") && map_get(map, "account") == NULL);
    map_put(map, "aCCOUNT", map);
    CHECK_INT(map_count(map), 1);
    CHECK(map_get_n(map, "ACCOUNTxyz", 7) == map);
    size_t at = 0;
    const char *key;
    map_next(map, &at, &key, NULL);
    CHECK_STR(key, "Account");
    map_free(map);
    map_free(NULL);
    CHECK(map_get(NULL, "a") == NULL && map_count(NULL) == 0);
}

TEST(vec, grows)
{
    VEC(int) numbers = {0};
    for (int i = 0; i < 100; i++)
        vec_push(&numbers, i);
    CHECK(numbers.len == 100 && numbers.at[99] == 99);
    vec_free(&numbers);
    CHECK(numbers.at == NULL);
}
