/* test_csv.c - however the windows cut a text, the records are the same.
 *
 * The second opinion is a slow reader written in another way (below). Guards
 * src/base/csv.c. */
#include "base/csv.h"
#include "base/mem.h"
#include "base/world.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

/* --- records as text: <line> then one (quoted) or [plain] a field --- */

static void dump_field(struct buf *out, const char *p, size_t n, bool quoted)
{
    buf_char(out, quoted ? '(' : '[');
    buf_append(out, p, n);
    buf_char(out, quoted ? ')' : ']');
}

static enum status dump_record(void *ctx, const struct str *fields, const bool *quoted,
                               size_t count, uint64_t line, struct err *err)
{
    struct buf *out = ctx;
    buf_printf(out, "%llu", (unsigned long long)line);
    for (size_t i = 0; i < count; i++)
        dump_field(out, fields[i].p, fields[i].n, quoted[i]);
    buf_char(out, '\n');
    return OK;
}

/* Whole text at once, one byte at a time, no state kept between records. */
static void slow_read(const char *p, size_t len, struct buf *out)
{
    const char *end = p + len;
    unsigned long long line = 1;
    if (len >= 3 && memcmp(p, "\xEF\xBB\xBF", 3) == 0)
        p += 3;
    while (p < end) {
        if (*p == '\r' || *p == '\n') { /* a blank line */
            p += *p == '\r' && p + 1 < end && p[1] == '\n' ? 2 : 1;
            line++;
            continue;
        }
        buf_printf(out, "%llu", line);
        for (bool more = true; more;) {
            struct buf field = BUF_INIT;
            bool quoted = p < end && *p == '"', inside = quoted;
            p += quoted;
            while (p < end && (inside || !strchr(",\r\n", *p) || !*p)) {
                if (inside && *p == '"' && p + 1 < end && p[1] == '"')
                    buf_char(&field, *p++);
                else if (inside && *p == '"')
                    inside = false;
                else
                    buf_char(&field, *p);
                line += *p == '\n';
                p++;
            }
            if (inside) {
                buf_free(&field);
                buf_clear(out);
                buf_str(out, "open quote");
                return;
            }
            dump_field(out, buf_text(&field), field.len, quoted);
            buf_free(&field);
            more = p < end && *p == ',';
            p += more;
        }
        buf_char(out, '\n');
        if (p < end) {
            p += *p == '\r' && p + 1 < end && p[1] == '\n' ? 2 : 1;
            line++;
        }
    }
}

/* Feeds the text in windows that lie in memory of their own, so that a reader
 * that leans on an old window is caught by the sanitizer. */
struct feed {
    struct csv_reader *reader;
    struct buf out;
    struct err err;
    enum status rc;
};

static void feed_window(struct feed *f, const char *bytes, size_t len)
{
    char *copy = mem_strndup(bytes, len), *window = mem_alloc(len ? len : 1);
    memcpy(window, copy, len);
    free(copy);
    if (f->rc == OK)
        f->rc = csv_feed(f->reader, window, len, &f->err);
    memset(window, '#', len);
    free(window);
}

static void feed_start(struct feed *f)
{
    *f = (struct feed){0};
    f->reader = csv_reader_new(NULL, dump_record, &f->out);
}

static char *feed_end(struct feed *f)
{
    if (f->rc == OK)
        f->rc = csv_finish(f->reader, &f->err);
    if (f->rc != OK) {
        CHECK_STR(f->err.code, ERR_CSV_OPEN_QUOTE);
        buf_clear(&f->out);
        buf_str(&f->out, "open quote");
    }
    csv_reader_free(f->reader);
    return buf_take(&f->out);
}

static void check_every_split(const char *text, size_t len)
{
    struct buf wanted = BUF_INIT;
    struct feed f;
    slow_read(text, len, &wanted);
    for (size_t cut = 0; cut <= len; cut++) {
        feed_start(&f);
        feed_window(&f, text, cut);
        feed_window(&f, text + cut, len - cut);
        char *got = feed_end(&f);
        CHECK_STR(got, buf_text(&wanted));
        free(got);
    }
    for (size_t step = 1; step <= 3; step++) {
        feed_start(&f);
        for (size_t at = 0; at < len; at += step)
            feed_window(&f, text + at, len - at < step ? len - at : step);
        char *got = feed_end(&f);
        CHECK_STR(got, buf_text(&wanted));
        free(got);
    }
    buf_free(&wanted);
}

static void check_reads(const char *text, const char *wanted)
{
    struct buf slow = BUF_INIT;
    slow_read(text, strlen(text), &slow);
    CHECK_STR(buf_text(&slow), wanted);
    buf_free(&slow);
    check_every_split(text, strlen(text));
}

TEST(csv, reads_plain_records_with_any_line_end)
{
    check_reads("Id,Name\n1,Ann\r\n2,Bob\r3,\n4",
                "1[Id][Name]\n2[1][Ann]\n3[2][Bob]\n4[3][]\n5[4]\n");
}

TEST(csv, reads_quoted_fields_across_lines)
{
    check_reads("\"a,b\",\"c\"\"d\",\"\"\n\"x\ny\r\nz\",1\nlast",
                "1(a,b)(c\"d)()\n2(x\ny\r\nz)[1]\n5[last]\n");
}

TEST(csv, tells_an_empty_text_from_nothing)
{
    check_reads("a,\"\",,\"\"\n", "1[a]()[]()\n");
}

TEST(csv, skips_a_mark_and_blank_lines_but_counts_them)
{
    check_reads("\xEF\xBB\xBF\"Id\"\n\n\r\n\r7\n", "1(Id)\n5[7]\n");
    check_reads("\xEF\xBB", "1[\xEF\xBB]\n");
    check_reads("\xEF\xBBX,1\n", "1[\xEF\xBBX][1]\n");
    check_reads("\xEF\xBB\xBF", "");
    check_reads("", "");
    check_reads("\n\n", "");
}

TEST(csv, takes_the_liberties_people_take)
{
    check_reads("a\"b,\"c\"d\"e,f\n", "1[a\"b](cd\"e)[f]\n");
    check_reads(",\n,,\n", "1[][]\n2[][][]\n");
    check_reads("\"\"\n", "1()\n");
    check_reads("\"\"\"\"\n", "1(\")\n");
}

TEST(csv, an_open_quote_is_an_error_on_the_line_it_began)
{
    check_reads("a\nb,\"c\nd\n", "open quote");
    struct feed f;
    feed_start(&f);
    feed_window(&f, "a\nb,\"c\nd\n", 9);
    CHECK_FAIL(csv_finish(f.reader, &f.err), &f.err, ERR_CSV_OPEN_QUOTE);
    CHECK_STR(f.err.where, "line 2");
    CHECK_FAIL(csv_feed(f.reader, "x", 1, &f.err), &f.err, ERR_INVALID);
    csv_reader_free(f.reader);
    buf_free(&f.out);
}

TEST(csv, random_texts_read_the_same_at_every_split)
{
    static const char bytes[] = "ab,,\"\"\"\r\n\n\xEF\xBB\xBF";
    struct rng rng = {11};
    for (int round = 0; round < 3000; round++) {
        char text[48];
        size_t len = rng_below(&rng, sizeof text);
        for (size_t i = 0; i < len; i++)
            text[i] = bytes[rng_below(&rng, sizeof bytes - 1)];
        check_every_split(text, len);
    }
}

TEST(csv, long_fields_read_the_same_at_every_split)
{
    static const char text[] = "a long plain field that passes sixteen bytes,\"a quoted one, with "
                               "\"\"doubled\"\" quotes\r\nand a second line\",short\r\n"
                               "0123456789abcdef,0123456789abcde,\"0123456789abcdef\"\r\n";
    check_every_split(text, sizeof text - 1);
}

/* --- limits, options, errors --- */

static enum status stop_at_second(void *ctx, const struct str *fields, const bool *quoted,
                                  size_t count, uint64_t line, struct err *err)
{
    return ++*(int *)ctx == 2 ? err_set(err, "mine", "enough") : OK;
}

TEST(csv, a_callback_may_stop_the_reading)
{
    int calls = 0;
    struct err err = {0};
    struct csv_reader *reader = csv_reader_new(NULL, stop_at_second, &calls);
    CHECK_FAIL(csv_feed(reader, "1\n2\n3\n", 6, &err), &err, "mine");
    CHECK_INT(calls, 2);
    CHECK_FAIL(csv_finish(reader, &err), &err, ERR_INVALID);
    csv_reader_free(reader);
}

static void check_refused(struct csv_options options, const char *text, const char *code)
{
    struct err err = {0};
    struct buf out = BUF_INIT;
    struct csv_reader *reader = csv_reader_new(&options, dump_record, &out);
    CHECK_FAIL(csv_feed(reader, text, strlen(text), &err), &err, code);
    csv_reader_free(reader);
    reader = csv_reader_new(&options, dump_record, &out);
    enum status rc = OK;
    for (const char *p = text; *p && rc == OK; p++)
        rc = csv_feed(reader, p, 1, &err);
    CHECK_FAIL(rc, &err, code);
    csv_reader_free(reader);
    buf_free(&out);
}

TEST(csv, what_grows_has_a_ceiling)
{
    check_refused((struct csv_options){.max_field = 4}, "1234,12345,\n", ERR_CSV_FIELD_TOO_LARGE);
    check_refused((struct csv_options){.max_field = 4}, "\"12\"\"45\"\n", ERR_CSV_FIELD_TOO_LARGE);
    check_refused((struct csv_options){.max_fields = 2}, "1,2\n1,2,3\n", ERR_CSV_TOO_MANY_FIELDS);
}

TEST(csv, delimiters_are_chosen_or_guessed)
{
    struct err err = {0};
    struct buf out = BUF_INIT;
    struct csv_options options = {.delimiter = ';'};
    struct csv_reader *reader = csv_reader_new(&options, dump_record, &out);
    CHECK_OK(csv_feed(reader, "a,b;\"c;d\"\n", 10, &err), &err);
    CHECK_STR(buf_text(&out), "1[a,b](c;d)\n");
    csv_reader_free(reader);
    buf_free(&out);
    CHECK_INT(csv_detect_delimiter("a;b;c,d\n,,,,", 12), ';');
    CHECK_INT(csv_detect_delimiter("a\tb", 3), '\t');
    CHECK_INT(csv_detect_delimiter("\"a|b|c\",d", 9), ',');
    CHECK_INT(csv_detect_delimiter("a^b`c^d", 7), '^');
    CHECK_INT(csv_detect_delimiter("", 0), ',');
}

/* --- writing --- */

TEST(csv, writes_quotes_only_where_needed)
{
    struct buf out = BUF_INIT;
    csv_field(&out, "a", 1, true, false);
    csv_field(&out, "b,c", 3, false, false);
    csv_field(&out, "d\"e", 3, false, false);
    csv_field(&out, "f\ng", 3, false, false);
    csv_field(&out, " h", 2, false, false);
    csv_field(&out, "", 0, false, false);
    csv_field(&out, NULL, 0, false, true);
    csv_field(&out, "", 0, false, true);
    csv_end(&out);
    CHECK_STR(buf_text(&out), "a,\"b,c\",\"d\"\"e\",\"f\ng\",\" h\",,,\"\"\n");
    buf_free(&out);
}

TEST(csv, a_record_of_one_empty_field_is_not_lost)
{
    struct buf out = BUF_INIT;
    csv_field(&out, "Name", 4, true, false);
    csv_end(&out);
    csv_field(&out, "", 0, true, false);
    csv_end(&out);
    CHECK_STR(buf_text(&out), "Name\n\"\"\n");
    buf_free(&out);
}

TEST(csv, what_was_written_reads_back)
{
    static const char bytes[] = "ab,\"\r\n ;";
    struct rng rng = {3};
    for (int round = 0; round < 2000; round++) {
        struct buf wanted = BUF_INIT, text = BUF_INIT, got = BUF_INIT;
        struct err err = {0};
        size_t count = 1 + rng_below(&rng, 4);
        for (size_t i = 0; i < count; i++) {
            char field[8];
            size_t len = 1 + rng_below(&rng, sizeof field - 1);
            for (size_t k = 0; k < len; k++)
                field[k] = bytes[rng_below(&rng, sizeof bytes - 1)];
            csv_field(&text, field, len, i == 0, true);
            dump_field(&wanted, field, len, true);
        }
        csv_end(&text);
        struct csv_reader *reader = csv_reader_new(NULL, dump_record, &got);
        CHECK_OK(csv_feed(reader, text.data, text.len, &err), &err);
        CHECK_OK(csv_finish(reader, &err), &err);
        csv_reader_free(reader);
        buf_char(&wanted, '\n');
        CHECK_STR(buf_text(&got) + 1, buf_text(&wanted)); /* + 1: the line number */
        buf_free(&wanted);
        buf_free(&text);
        buf_free(&got);
    }
}

/* --- fields that are too large --- */

struct large {
    struct buf out;
};

static enum status dump_large(void *ctx, const struct str *fields, const bool *quoted, size_t count,
                              uint64_t line, struct err *err)
{
    struct large *large = ctx;
    for (size_t i = 0; i < count; i++)
        if (fields[i].p)
            buf_printf(&large->out, "[" STR_FMT "]", STR_ARG(fields[i]));
        else
            buf_printf(&large->out, "<%zu>", fields[i].n);
    buf_char(&large->out, '\n');
    return OK;
}

TEST(csv, a_field_that_is_too_large_is_counted_and_the_rest_goes_on)
{
    static const char text[] = "a,b,c\n1,0123456789,3\n\"x\"\"y\",\"0123,56\"\"89\nb\",6\n"
                               "0123456789\n7,8,9\n";
    struct csv_options options = {.max_field = 5, .skip_large = true};
    for (size_t step = 1; step < sizeof text; step++) {
        struct large large = {BUF_INIT};
        struct err err = {0};
        struct csv_reader *reader = csv_reader_new(&options, dump_large, &large);
        for (size_t at = 0; at < sizeof text - 1; at += step) {
            size_t n = sizeof text - 1 - at < step ? sizeof text - 1 - at : step;
            char *window = mem_strndup(text + at, n);
            CHECK_OK(csv_feed(reader, window, n, &err), &err);
            free(window);
        }
        CHECK_OK(csv_finish(reader, &err), &err);
        CHECK_STR(buf_text(&large.out), "[a][b][c]\n[1]<10>[3]\n[x\"y]<12>[6]\n<10>\n[7][8][9]\n");
        csv_reader_free(reader);
        buf_free(&large.out);
    }
}
