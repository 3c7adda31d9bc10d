/* view.h - how a table is looked at: sorted by some columns, rows that pass a
 * filter, some columns hidden. Structs and words; what they mean for a value is
 * base/sortkey.h. */
#ifndef ARGIL_MODEL_VIEW_H
#define ARGIL_MODEL_VIEW_H

#include "base/sortkey.h"
#include "model/model.h"

struct sort {
    int64_t column_id;
    int slot;
    enum value_type type;
    bool descending;
};
/* By what a column of that type is compared. */
enum sort_as value_sort_as(enum value_type type);

enum filter_kind {
    FILTER_ALL,    /* every kid passes; none = always */
    FILTER_ANY,    /* one kid passes; none = never */
    FILTER_NOT,    /* its only kid does not pass */
    FILTER_TEST,   /* a cell against values */
    FILTER_STATE,  /* the cell is in one of `states` */
    FILTER_SEARCH, /* values[0] occurs in a cell of any of `slots` */
};

/* Text is compared without case and accents, numbers as decimals, dates and
 * instants in time. A null or blank cell passes TEST_EMPTY and nothing else. */
enum filter_test {
    TEST_IS,
    TEST_ONE_OF,
    TEST_CONTAINS,
    TEST_STARTS,
    TEST_ENDS,
    TEST_EMPTY,
    TEST_LESS,
    TEST_AT_MOST,
    TEST_MORE,
    TEST_AT_LEAST,
    TEST_BETWEEN, /* both ends count */
};
const char *filter_test_name(enum filter_test test); /* "is", "one of", ... */
bool filter_test_parse(const char *name, enum filter_test *out);
/* How many values a test takes; -1 = one or more. */
int filter_test_values(enum filter_test test);

struct filter {
    enum filter_kind kind;
    struct filter *kids;
    size_t kid_count;
    int64_t column_id; /* TEST, STATE */
    int slot;
    enum value_type type;
    enum filter_test test;
    struct value *values;
    size_t value_count;
    uint32_t states; /* bits 1 << enum cell_state */
    const int *slots;
    size_t slot_count;
};

/* A named way of looking, stored. */
struct view {
    int64_t id, table_id;
    const char *name;   /* unique in its table */
    const char *config; /* JSON: {"filter", "sorts", "hidden"}, columns by id: engine/filter.h */
    int position;
    int64_t changed_ms;
};

#endif
