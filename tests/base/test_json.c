/* test_json.c - what may be read, what must be refused and where, and that
 * writing gives back what was read. Guards src/base/json*.c, json.cc. */
#include "base/json.h"
#include "base/json_priv.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/world.h"
#include "support/check.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static struct err err;

static void before(void)
{
    arena = arena_new();
    err_clear(&err);
}

static void after(void)
{
    arena_free(arena);
}

EACH_TEST(before, after)

static const struct json *parse(const char *text)
{
    return json_parse(arena, text, strlen(text), &err);
}

static const struct json *given(const char *text)
{
    const struct json *value = parse(text);
    CHECK_GOT(value, &err);
    return value;
}

static const char *written(const struct json *value)
{
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    jw_value(&w, value);
    const char *text = arena_strndup(arena, buf_text(&out), out.len);
    buf_free(&out);
    return text;
}

/* --- reading --- */

TEST(json, reads_a_page_of_records)
{
    const struct json *page =
        given("{\"totalSize\":2,\"done\":true,\"records\":["
              "{\"Id\":\"001A\",\"Amount\":10.50,\"Owner\":{\"Name\":\"Ann\"}},"
              "{\"Id\":\"001B\",\"Amount\":null}]}");
    CHECK_INT(json_get_int(page, "totalSize", -1), 2);
    CHECK(json_get_bool(page, "done", false));
    CHECK_STR(json_text(json_path(page, "records[0].Owner.Name")), "Ann");
    CHECK_STR(json_text(json_path(page, "records[0].Amount")), "10.50");
    CHECK(json_is_null(json_path(page, "records[1].Amount")));
    CHECK(json_path(page, "records[2].Id") == NULL);
    CHECK(json_path(page, "records[x].Id") == NULL);
    CHECK_INT(json_get(page, "records")->len, 2);
}

TEST(json, keeps_number_text_as_it_came)
{
    static const char *const numbers[] = {
        "999999999999999999.99",
        "0",
        "-0",
        "0.10",
        "1e400",
        "-1.5E+10",
        "1E-7",
        "123456789012345678901234567890123456789012345678901234567890",
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const struct json *alone = given(numbers[i]);
        CHECK(json_is(alone, JSON_NUMBER));
        CHECK_STR(alone->text, numbers[i]);
        const struct json *inside = given(arena_printf(arena, "{ \"n\" : [ %s ] }", numbers[i]));
        CHECK_STR(json_text(json_path(inside, "n[0]")), numbers[i]);
        CHECK_INT(json_path(inside, "n[0]")->len, strlen(numbers[i]));
    }
}

TEST(json, unescapes_strings)
{
    const struct json *s = given("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\u20AC\\ud83d\\ude00z\"");
    CHECK_STR(s->text, "a\"\\/\b\f\n\r\t\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80z");
    CHECK_INT(s->len, strlen(s->text));
}

TEST(json, keeps_a_nul_inside_a_string)
{
    const struct json *s = given("[\"a\\u0000b\"]");
    CHECK_MEM(s->first->text, s->first->len, "a\0b", 3);
    CHECK_STR(written(s), "[\"a\\u0000b\"]");
}

TEST(json, strings_of_every_length_survive_the_wide_copy)
{
    for (size_t len = 0; len < 200; len++) {
        char *plain = arena_alloc(arena, len + 1);
        memset(plain, 'x', len);
        if (len > 3)
            plain[len / 2] = 'y';
        const struct json *s =
            given(arena_printf(arena, "{\"%s\":\"%s\\n\",\"after\":1}", plain, plain));
        CHECK_STR(s->first->key, plain);
        CHECK_STR(s->first->text, arena_printf(arena, "%s\n", plain));
        CHECK_STR(json_get_text(s, "after"), "1");
    }
}

TEST(json, skips_a_byte_order_mark)
{
    CHECK_STR(written(given("\xEF\xBB\xBF{\"a\":1}")), "{\"a\":1}");
    CHECK(parse("\xEF\xBB\xBF") == NULL);
}

TEST(json, the_last_of_duplicate_keys_wins_and_all_are_kept)
{
    const struct json *o = given("{\"a\":1,\"b\":2,\"a\":3}");
    CHECK_STR(json_get_text(o, "a"), "3");
    CHECK_INT(o->len, 3);
    CHECK_STR(written(o), "{\"a\":1,\"b\":2,\"a\":3}");
    CHECK_STR(json_text(json_get_nocase(o, "A")), "3");
    CHECK(json_get(o, "A") == NULL);
}

static char *nested(char open, char close, int depth)
{
    struct buf text = BUF_INIT;
    for (int i = 0; i < depth; i++)
        buf_str(&text, open == '[' ? "[" : "{\"k\":");
    if (open == '{')
        buf_str(&text, "1");
    for (int i = 0; i < depth; i++)
        buf_char(&text, close);
    return buf_take(&text);
}

TEST(json, sixty_four_levels_are_read_and_one_more_is_refused)
{
    static const char open[] = "[{", close[] = "]}";
    for (int kind = 0; kind < 2; kind++) {
        char *deep = nested(open[kind], close[kind], 64),
             *deeper = nested(open[kind], close[kind], 65);
        CHECK_STR(written(given(deep)), deep);
        CHECK(parse(deeper) == NULL);
        CHECK_CONTAINS(err.message, "64 levels");
        free(deep);
        free(deeper);
    }
    char *hostile = nested('[', ']', 1000000);
    CHECK(parse(hostile) == NULL);
    free(hostile);
}

TEST(json, what_is_not_json_is_refused_at_its_place)
{
    static const struct {
        const char *text;
        int line, column;
    } bad[] = {
        {"", 1, 1},
        {" \n ", 2, 2},
        {"[1,2", 1, 5},
        {"[[1,2]", 1, 7},
        {"{\"a\":{\"b\":1}", 1, 13},
        {"[1,]", 1, 4},
        {"[,1]", 1, 2},
        {"[1 2]", 1, 4},
        {"[1}", 1, 3},
        {"[}", 1, 2},
        {"{]", 1, 2},
        {"{\"a\":1]", 1, 7},
        {"{\"a\" 1}", 1, 6},
        {"{\"a\":1,}", 1, 8},
        {"{\"a\":}", 1, 6},
        {"{a:1}", 1, 2},
        {"{1:1}", 1, 2},
        {"{'a':1}", 1, 2},
        {"{\"a\":1 \"b\":2}", 1, 8},
        {"\n\n  {\"a\":\n tru}", 4, 2},
        {"[\"\xC3\xA9\", x]", 1, 7},
        {"[nul]", 1, 2},
        {"[nullx]", 1, 6},
        {"[True]", 1, 2},
        {"NaN", 1, 1},
        {"[Infinity]", 1, 2},
        {"[01]", 1, 3},
        {"[-]", 1, 3},
        {"[+1]", 1, 2},
        {"[.5]", 1, 2},
        {"[1.]", 1, 4},
        {"[1e]", 1, 4},
        {"[1e+]", 1, 5},
        {"[0x10]", 1, 3},
        {"[1_000]", 1, 3},
        {"\"abc", 1, 5},
        {"[\"abc]", 1, 7},
        {"[\"a\tb\"]", 1, 4},
        {"[\"a\nb\"]", 1, 4},
        {"[\"\\x\"]", 1, 4},
        {"[\"\\u12g4\"]", 1, 7},
        {"[\"\\ud800\"]", 1, 5},
        {"[\"\\ud800x\"]", 1, 5},
        {"[\"\\ud800\\n\"]", 1, 5},
        {"[\"\\ud800\\u0041\"]", 1, 5},
        {"[\"\\udc00\"]", 1, 5},
        {"{\"\\ud800\":1}", 1, 5},
        {"[1] 2", 1, 5},
        {"[1][2]", 1, 4},
        {"[1]]", 1, 4},
        {"{} {}", 1, 4},
        {"1 2", 1, 3},
        {"1],[2", 1, 2},
        {"1,2", 1, 2},
        {"\"a\"]", 1, 4},
        {"\"a\"b", 1, 4},
        {"[\"a\"b]", 1, 5},
        {"[1]x", 1, 4},
        {"// no\n[1]", 1, 1},
        {"<html>", 1, 1},
        {"[\"\xFF\"]", 1, 3},
        {"[\"\xC0\xAF\"]", 1, 3},
        {"[\"\xED\xA0\x80\"]", 1, 3},
        {"[\"\xF4\x90\x80\x80\"]", 1, 3},
        {"[\"\xE2\x82\"]", 1, 3},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err_clear(&err);
        if (parse(bad[i].text))
            CHECK_STR(bad[i].text, "refused");
        CHECK_STR(err.code, ERR_JSON_SYNTAX);
        char place[64];
        snprintf(place, sizeof place, "line %d column %d", bad[i].line, bad[i].column);
        if (strcmp(err.where, place) != 0)
            CHECK_STR(arena_printf(arena, "%s at %s", bad[i].text, err.where), place);
    }
}

TEST(json, a_nul_byte_in_the_text_is_refused)
{
    CHECK(json_parse(arena, "[1]\0", 4, &err) == NULL);
    CHECK(json_parse(arena, "[\"a\0\"]", 6, &err) == NULL);
    CHECK(json_parse(arena, "\0", 1, &err) == NULL);
    CHECK(json_parse(arena, "[1\0]", 4, &err) == NULL);
}

/* The reader and the plain scanner must accept the same texts: thousands of
 * small damages to good documents, the same ones each time. */
TEST(json, the_quick_reader_and_the_plain_scanner_agree)
{
    static const char *const seeds[] = {
        "{\"a\":[1,2.5e-3,{\"b\":null}],\"c\":\"x\\u00e9\\ud83d\\ude00\",\"d\":true}",
        "[\"\\\"\",\"\\\\\",[],{},[[]],{\"\":\"\"},-0.0,false]",
        " { \"k\" : [ 1 , 2 ] , \"k\" : \"\xE2\x82\xAC\" } ",
    };
    static const char bytes[] = "[]{}\",:\\ux0123456789-+.eE tfn\n\x01\xC3\xED\xA0\x80\xFF";
    struct rng rng = {7};
    for (int round = 0; round < 60000; round++) {
        char text[160];
        const char *seed = seeds[round % 3];
        size_t len = strlen(seed);
        memcpy(text, seed, len);
        for (uint64_t edits = 1 + rng_below(&rng, 3); edits > 0; edits--) {
            size_t at = rng_below(&rng, len);
            char byte = bytes[rng_below(&rng, sizeof bytes - 1)];
            switch (rng_below(&rng, 3)) {
            case 0:
                text[at] = byte;
                break;
            case 1:
                memmove(text + at, text + at + 1, len - at - 1);
                len--;
                break;
            default:
                memmove(text + at + 1, text + at, len - at);
                text[at] = byte;
                len++;
            }
        }
        size_t at;
        const char *why;
        arena_reset(arena);
        bool quick = json_parse(arena, text, len, &err) != NULL;
        if (quick != json_check(text, len, &at, &why))
            CHECK_STR(arena_strndup(arena, text, len), quick ? "refused" : "accepted");
    }
}

TEST(json, reads_from_a_buffer_and_larger_than_any_block)
{
    struct buf page = BUF_INIT;
    buf_str(&page, "{\"records\":[");
    for (int i = 0; i < 30000; i++)
        buf_printf(&page, "%s{\"Id\":\"%06d\",\"Name\":\"Account \\u2116 %d\",\"N\":%d.00}",
                   i ? "," : "", i, i, i);
    buf_str(&page, "]}");
    const struct json *root = json_parse_buf(arena, &page, &err);
    CHECK_GOT(root, &err);
    buf_free(&page); /* the tree does not lean on it */
    int i = 0;
    json_each(record, json_get(root, "records")) {
        if (i % 997 == 0)
            CHECK_STR(json_get_text(record, "N"), arena_printf(arena, "%d.00", i));
        i++;
    }
    CHECK_INT(i, 30000);
    struct buf empty = BUF_INIT;
    CHECK(json_parse_buf(arena, &empty, &err) == NULL);
}

static void *parse_in_thread(void *ok)
{
    struct arena *own = arena_new();
    for (int i = 0; i < 200; i++) {
        char text[64];
        int len = snprintf(text, sizeof text, "{\"a\":[%d,\"%d\"]}", i, i);
        const struct json *root = json_parse(own, text, (size_t)len, NULL);
        if (json_int(json_path(root, "a[1]"), -1) != i)
            *(bool *)ok = false;
        arena_reset(own);
    }
    arena_free(own);
    return NULL;
}

TEST(json, threads_read_side_by_side)
{
    pthread_t threads[4];
    bool ok[4] = {true, true, true, true};
    for (int i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, parse_in_thread, &ok[i]);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    CHECK(ok[0] && ok[1] && ok[2] && ok[3]);
}

/* --- asking --- */

TEST(json, questions_accept_nothing_and_other_types)
{
    const struct json *list = given("[\"12\",\"12x\",5.0,5.5,1e3,9223372036854775807,"
                                    "9223372036854775808,\"\",true,\" 1\",-7]");
    CHECK_INT(json_int(json_at(list, 0), -1), 12);
    CHECK_INT(json_int(json_at(list, 1), -1), -1);
    CHECK_INT(json_int(json_at(list, 2), -1), 5);
    CHECK_INT(json_int(json_at(list, 3), -1), -1);
    CHECK_INT(json_int(json_at(list, 4), -1), 1000);
    CHECK_INT(json_int(json_at(list, 5), -1), INT64_MAX);
    CHECK_INT(json_int(json_at(list, 6), -1), -1);
    CHECK_INT(json_int(json_at(list, 7), -1), -1);
    CHECK_INT(json_int(json_at(list, 8), -1), -1);
    CHECK_INT(json_int(json_at(list, 9), -1), -1);
    CHECK_INT(json_int(json_at(list, 10), -1), -7);
    CHECK(json_double(json_at(list, 3), 0) == 5.5);
    CHECK(json_at(list, 11) == NULL);
    CHECK(json_get(NULL, "a") == NULL && json_get(list, "a") == NULL);
    CHECK(json_path(NULL, "a.b") == NULL && json_text(NULL) == NULL);
    CHECK(json_is_null(NULL) && json_truth(NULL, true) && !json_truth(list, false));
    json_each(child, (const struct json *)NULL)
        CHECK(child == NULL);
}

/* --- writing --- */

static struct buf out;

static const char *finished(void)
{
    const char *text = arena_strndup(arena, buf_text(&out), out.len);
    buf_free(&out);
    return text;
}

TEST(json, the_writer_places_commas_and_colons)
{
    struct jw w;
    jw_init(&w, &out);
    jw_object(&w);
    jw_kv_text(&w, "a", "x\"\\\n\x01");
    jw_kv_int(&w, "b", INT64_MIN);
    jw_key(&w, "c");
    jw_array(&w);
    jw_array(&w);
    jw_end_array(&w);
    jw_bool(&w, true);
    jw_null(&w);
    jw_number(&w, "1.50");
    jw_text(&w, NULL);
    jw_object(&w);
    jw_end_object(&w);
    jw_raw(&w, "[7]", 3);
    jw_end_array(&w);
    jw_kv_bool(&w, "d", false);
    jw_kv_null(&w, "e");
    jw_end_object(&w);
    CHECK_STR(finished(), "{\"a\":\"x\\\"\\\\\\n\\u0001\",\"b\":-9223372036854775808,"
                          "\"c\":[[],true,null,1.50,null,{},[7]],\"d\":false,\"e\":null}");
}

TEST(json, pretty_writing_indents_by_two)
{
    struct jw w;
    jw_init(&w, &out);
    w.pretty = true;
    jw_value(&w, given("{\"a\":[1,{}],\"b\":[]}"));
    CHECK_STR(finished(), "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}");
}

TEST(json, invalid_utf8_is_written_as_replacement_characters)
{
    struct jw w;
    jw_init(&w, &out);
    jw_text(&w, "a\xFFz\xE2\x82");
    const char *text = finished();
    CHECK_STR(text, "\"a\xEF\xBF\xBDz\xEF\xBF\xBD\xEF\xBF\xBD\"");
    CHECK_GOT(parse(text), &err);
}

TEST(json, every_byte_is_escaped_right_at_every_place)
{
    for (int byte = 0; byte < 128; byte++) {
        for (size_t place = 0; place < 20; place++) {
            char text[20];
            memset(text, 'x', sizeof text);
            text[place] = (char)byte;
            struct jw w;
            jw_init(&w, &out);
            jw_text_n(&w, text, sizeof text);
            const struct json *back = json_parse_buf(arena, &out, &err);
            CHECK_GOT(back, &err);
            CHECK_MEM(back->text, back->len, text, sizeof text);
            buf_free(&out);
        }
        arena_reset(arena);
    }
}

TEST(json, doubles_read_back_the_same)
{
    static const double values[] = {0.1, 1.0 / 3, 1e300, -2.5, 5e-324, 123456789012345680.0, 100};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct jw w;
        jw_init(&w, &out);
        jw_double(&w, values[i]);
        const char *text = finished();
        CHECK(strtod(text, NULL) == values[i]);
    }
    struct jw w;
    jw_init(&w, &out);
    jw_array(&w);
    jw_double(&w, 0.1);
    jw_double(&w, (double)NAN);
    jw_double(&w, -(double)INFINITY);
    jw_end_array(&w);
    CHECK_STR(finished(), "[0.1,null,null]");
}

TEST(json, deeper_than_its_bits_the_writer_still_writes_json)
{
    struct jw w;
    jw_init(&w, &out);
    for (int i = 0; i < 100; i++) {
        jw_array(&w);
        jw_int(&w, i);
    }
    for (int i = 0; i < 100; i++) {
        jw_text(&w, "[");
        jw_end_array(&w);
    }
    const char *text = finished();
    CHECK(text_starts(text, "[0,[1,[2,"));
    CHECK_CONTAINS(text, "[98,[99,\"[\"],\"[\"],\"[\"]");
}

TEST(json, writing_and_reading_again_changes_nothing)
{
    static const char *const texts[] = {
        "{\"a\":[1,-2.50,1e5],\"b\":{\"c\":\"\xE2\x82\xAC \\\\ \\\" \\u0000\"},\"\":[[],{}]}",
        "[]",
        "\"\"",
        "-0",
        "null",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        CHECK_STR(written(given(texts[i])), texts[i]);
}
