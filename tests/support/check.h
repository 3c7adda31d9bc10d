/* check.h - tests that read as stories, over cmocka.
 *
 *     TEST(run, outlives_its_worker)
 *     {
 *         CHECK_OK(run_start(&run, &err), &err);
 *         CHECK_STR(run_owner(run), "bob");
 *     }
 *
 * A test registers itself; main() comes with support_dep. `test_x -l` lists the
 * tests, `test_x 'run*'` runs those whose name matches. A failed check ends its
 * test at once, so what it opened is not closed: fine under cmocka, noise under
 * a leak checker only when something failed anyway. Use CHECK in the main
 * thread only (it jumps); threads count what they saw and let the test look. */
#ifndef ARGIL_TESTS_SUPPORT_CHECK_H
#define ARGIL_TESTS_SUPPORT_CHECK_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef void test_fn(void);
void test_register(const char *room, const char *name, test_fn *fn);

#define TEST(room, name)                                                                           \
    static void room##_##name(void);                                                               \
    __attribute__((constructor)) static void register_##room##_##name(void)                        \
    {                                                                                              \
        test_register(#room, #name, room##_##name);                                                \
    }                                                                                              \
    static void room##_##name(void)

/* Runs before and after each test of the executable; either may be NULL. */
void test_each(test_fn *before, test_fn *after);
#define EACH_TEST(before, after)                                                                   \
    __attribute__((constructor)) static void register_each_test(void)                              \
    {                                                                                              \
        test_each(before, after);                                                                  \
    }

#define CHECK(condition)      check_true((condition), #condition, __FILE__, __LINE__)
#define CHECK_INT(is, wanted) check_int((int64_t)(is), (int64_t)(wanted), #is, __FILE__, __LINE__)
#define CHECK_STR(is, wanted) check_str((is), (wanted), #is, __FILE__, __LINE__)
#define CHECK_MEM(is, is_len, wanted, wanted_len)                                                  \
    check_mem((is), (is_len), (wanted), (wanted_len), #is, __FILE__, __LINE__)
#define CHECK_CONTAINS(text, part) check_contains((text), (part), true, #text, __FILE__, __LINE__)
#define CHECK_LACKS(text, part)    check_contains((text), (part), false, #text, __FILE__, __LINE__)
/* The call returned OK; otherwise its error is printed. */
#define CHECK_OK(call, err) check_ok((call), (err), #call, __FILE__, __LINE__)
/* The pointer is not NULL; otherwise the error is printed. */
#define CHECK_GOT(pointer, err) check_got((pointer), (err), #pointer, __FILE__, __LINE__)
/* The call returned FAIL with exactly this code. */
#define CHECK_FAIL(call, err, code) check_fail((call), (err), (code), #call, __FILE__, __LINE__)

/* Ends the test: it was not run, and why. The test runner lists it. */
#define SKIP(why) check_skip((why), __FILE__, __LINE__)

void check_skip(const char *why, const char *file, int line);
void check_true(bool is, const char *what, const char *file, int line);
void check_int(int64_t is, int64_t wanted, const char *what, const char *file, int line);
void check_str(const char *is, const char *wanted, const char *what, const char *file, int line);
void check_mem(const void *is, size_t is_len, const void *wanted, size_t wanted_len,
               const char *what, const char *file, int line);
void check_contains(const char *text, const char *part, bool wanted, const char *what,
                    const char *file, int line);
void check_ok(enum status rc, const struct err *err, const char *what, const char *file, int line);
void check_got(const void *pointer, const struct err *err, const char *what, const char *file,
               int line);
void check_fail(enum status rc, const struct err *err, const char *code, const char *what,
                const char *file, int line);

#endif
