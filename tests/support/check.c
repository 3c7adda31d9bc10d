/* check.c - the register of tests, main(), and checks that say what they saw. */
#include "support/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MAX_TESTS 1000

static struct CMUnitTest tests[MAX_TESTS];
static size_t test_count;
static test_fn *before_each, *after_each;

static void run_registered(void **state)
{
    test_fn *fn = *(test_fn **)*state;
    fn();
}

static int run_before(void **state)
{
    if (before_each)
        before_each();
    return 0;
}

static int run_after(void **state)
{
    if (after_each)
        after_each();
    return 0;
}

static int free_test(void)
{
    for (size_t i = 0; i < test_count; i++) {
        free((char *)tests[i].name);
        free(tests[i].initial_state);
    }
    return 0;
}

void test_register(const char *room, const char *name, test_fn *fn)
{
    if (test_count == MAX_TESTS)
        abort();
    char *full = malloc(strlen(room) + strlen(name) + 3), *to = full;
    test_fn **holder = malloc(sizeof *holder);
    if (!full || !holder)
        abort();
    *holder = fn;
    to += sprintf(to, "%s: ", room);
    for (; *name; name++)
        *to++ = *name == '_' ? ' ' : *name;
    *to = '\0';
    tests[test_count++] = (struct CMUnitTest){.name = full,
                                              .test_func = run_registered,
                                              .setup_func = run_before,
                                              .teardown_func = run_after,
                                              .initial_state = holder};
}

void test_each(test_fn *before, test_fn *after)
{
    before_each = before;
    after_each = after;
}

int main(int argc, char **argv)
{
    const char *slash = strrchr(argv[0], '/'), *name = slash ? slash + 1 : argv[0];
    if (argc > 1 && strcmp(argv[1], "-l") == 0) {
        for (size_t i = 0; i < test_count; i++)
            puts(tests[i].name);
        return free_test();
    }
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
    setvbuf(stdout, NULL, _IOLBF, 0);
    int failed = _cmocka_run_group_tests(name, tests, test_count, NULL, NULL);
    free_test();
    return failed ? 1 : 0;
}

/* --- checks --- */

static void __attribute__((noreturn, format(printf, 3, 4)))
stop(const char *file, int line, const char *fmt, ...)
{
    char text[4096];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    print_error("%s\n", text);
    _fail(file, line);
    abort(); /* _fail jumps away */
}

static const char *quoted(const char *text, char *room, size_t size)
{
    if (!text)
        return "NULL";
    snprintf(room, size, "\"%.1500s\"", text);
    return room;
}

static void describe_error(const struct err *err)
{
    if (!err)
        return;
    print_error("%s: %s [%s]\n", err->where[0] ? err->where : "error", err->message, err->code);
    if (err->cause[0])
        print_error("  cause: %s\n", err->cause);
    if (err->hint[0])
        print_error("  hint: %s\n", err->hint);
}

void check_true(bool is, const char *what, const char *file, int line)
{
    if (!is)
        stop(file, line, "not true: %s", what);
}

void check_int(int64_t is, int64_t wanted, const char *what, const char *file, int line)
{
    if (is != wanted)
        stop(file, line, "%s is %lld, not %lld", what, (long long)is, (long long)wanted);
}

void check_str(const char *is, const char *wanted, const char *what, const char *file, int line)
{
    char a[1600], b[1600];
    if (is == wanted || (is && wanted && strcmp(is, wanted) == 0))
        return;
    stop(file, line, "%s is %s, not %s", what, quoted(is, a, sizeof a),
         quoted(wanted, b, sizeof b));
}

void check_mem(const void *is, size_t is_len, const void *wanted, size_t wanted_len,
               const char *what, const char *file, int line)
{
    if (is_len != wanted_len)
        stop(file, line, "%s has %zu bytes, not %zu", what, is_len, wanted_len);
    for (size_t i = 0; i < is_len; i++)
        if (((const unsigned char *)is)[i] != ((const unsigned char *)wanted)[i])
            stop(file, line, "%s differs first at byte %zu of %zu", what, i, is_len);
}

void check_contains(const char *text, const char *part, bool wanted, const char *what,
                    const char *file, int line)
{
    bool has = text && strstr(text, part);
    if (has != wanted)
        stop(file, line, "%s %s \"%.500s\": %.3000s", what, wanted ? "lacks" : "contains", part,
             text ? text : "NULL");
}

void check_ok(enum status rc, const struct err *err, const char *what, const char *file, int line)
{
    if (rc == OK)
        return;
    describe_error(err);
    stop(file, line, "failed: %s", what);
}

void check_got(const void *pointer, const struct err *err, const char *what, const char *file,
               int line)
{
    if (pointer)
        return;
    describe_error(err);
    stop(file, line, "NULL: %s", what);
}

void check_fail(enum status rc, const struct err *err, const char *code, const char *what,
                const char *file, int line)
{
    if (rc == OK)
        stop(file, line, "succeeded, but should fail with %s: %s", code, what);
    if (!err_is(err, code)) {
        describe_error(err);
        stop(file, line, "failed with %s, not %s: %s", err->code, code, what);
    }
}

void check_skip(const char *why, const char *file, int line)
{
    print_message("skipped: %s\n", why);
    _skip(file, line);
}
