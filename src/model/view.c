/* view.c - the words of filters, and what columns are compared by. */
#include "model/view.h"

#include "base/str.h"

static const struct {
    const char *name;
    int values;
} tests[] = {
    [TEST_IS] = {"is", 1},
    [TEST_ONE_OF] = {"one of", -1},
    [TEST_CONTAINS] = {"contains", 1},
    [TEST_STARTS] = {"starts with", 1},
    [TEST_ENDS] = {"ends with", 1},
    [TEST_EMPTY] = {"empty", 0},
    [TEST_LESS] = {"less than", 1},
    [TEST_AT_MOST] = {"at most", 1},
    [TEST_MORE] = {"more than", 1},
    [TEST_AT_LEAST] = {"at least", 1},
    [TEST_BETWEEN] = {"between", 2},
};

const char *filter_test_name(enum filter_test test)
{
    return tests[test].name;
}

int filter_test_values(enum filter_test test)
{
    return tests[test].values;
}

bool filter_test_parse(const char *name, enum filter_test *out)
{
    /* what people say of dates */
    static const struct {
        const char *name;
        enum filter_test test;
    } others[] = {{"before", TEST_LESS}, {"after", TEST_MORE}, {"greater than", TEST_MORE},
                  {"=", TEST_IS},        {"~", TEST_CONTAINS}, {"<", TEST_LESS},
                  {"<=", TEST_AT_MOST},  {">", TEST_MORE},     {">=", TEST_AT_LEAST},
                  {"equals", TEST_IS}};
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
        if (text_eq_nocase(tests[i].name, name)) {
            *out = (enum filter_test)i;
            return true;
        }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (text_eq_nocase(others[i].name, name)) {
            *out = others[i].test;
            return true;
        }
    return false;
}

enum sort_as value_sort_as(enum value_type type)
{
    switch (type) {
    case TYPE_NUMBER:
    case TYPE_CURRENCY:
        return SORT_NUMBER;
    case TYPE_DATE:
    case TYPE_DATETIME:
        return SORT_TIME;
    case TYPE_CHECKBOX:
        return SORT_BOOL;
    default:
        return SORT_TEXT;
    }
}
