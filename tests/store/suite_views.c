/* suite_views.c - windows by any sort and filter are what sorting and filtering
 * everything would give; row numbers say how far off they may be; kept views. */
#include "store/store_suite.h"

#include "base/str.h"
#include "store/store_views.h"

#include <stdlib.h>
#include <string.h>

static const struct store_views *views(void)
{
    return suite.does->views;
}

static struct sort by(int position, enum value_type type, bool descending)
{
    return (struct sort){.column_id = column_id(position),
                         .slot = column_slot(position),
                         .type = type,
                         .descending = descending};
}

/* Rows k1 .. kN; `industry` is what numbers and dates are tried on. */
static void given(const char *const *names, const char *const *industries, size_t count)
{
    struct account *rows = arena_array(suite.arena, count, sizeof *rows);
    for (size_t i = 0; i < count; i++)
        rows[i] = (struct account){.key = arena_printf(suite.arena, "k%05zu", i + 1),
                                   .stamp = "2026-11-22T10:00:00.000+0000",
                                   .name = names ? names[i] : NULL,
                                   .industry = industries ? industries[i] : NULL};
    given_accounts(rows, count);
}

static struct window window(struct window_query query)
{
    static int slots[2];
    struct window out;
    slots[0] = column_slot(NAME);
    slots[1] = column_slot(INDUSTRY);
    query.table_id = suite.table.id;
    query.slots = slots;
    query.slot_count = 2;
    query.limit = query.limit ? query.limit : 100;
    CHECK_OK(views()->window(suite.store, suite.arena, &query, &out, &suite.err), &suite.err);
    return out;
}

/* Values of the given column of the window, "(null)" for null, with | between. */
static const char *values(const struct window *win, int column)
{
    struct buf out = BUF_INIT;
    for (size_t i = 0; i < win->count; i++) {
        struct value v = win->rows[i].values[column];
        buf_printf(&out, "%s%.*s", i ? "|" : "", v.text ? (int)v.len : 6,
                   v.text ? v.text : "(null)");
    }
    const char *text = arena_strdup(suite.arena, buf_text(&out));
    buf_free(&out);
    return text;
}

static const char *sorted(int position, enum value_type type, bool descending)
{
    struct sort sort = by(position, type, descending);
    struct window win = window((struct window_query){.sorts = &sort, .sort_count = 1});
    return values(&win, position == NAME ? 0 : 1);
}

static void make_index(const struct sort *sorts, size_t count)
{
    bool made;
    CHECK_OK(views()->index_make(suite.store, suite.table.id, sorts, count, &made, &suite.err),
             &suite.err);
}

/* ----------------------------------------------------------------- sorting */

TEST(sort, by_the_columns_own_kind)
{
    static const char *const numbers[] = {
        "10", "9", "-1.5", NULL, "1e3", "999999999999999999", "999999999999999998", "n/a", "0.10"};
    given(NULL, numbers, 9);
    CHECK_STR(sorted(INDUSTRY, TYPE_NUMBER, false),
              "(null)|-1.5|0.10|9|10|1e3|999999999999999998|999999999999999999|n/a");
    CHECK_STR(sorted(INDUSTRY, TYPE_CURRENCY, true),
              "n/a|999999999999999999|999999999999999998|1e3|10|9|0.10|-1.5|(null)");
    CHECK_STR(sorted(INDUSTRY, TYPE_TEXT, false),
              "(null)|-1.5|0.10|10|1e3|9|999999999999999998|999999999999999999|n/a");
}

TEST(sort, text_ignores_case_and_times_are_instants)
{
    static const char *const names[] = {"b", "Zebra", "Äpfel", "apple", NULL};
    static const char *const times[] = {"2026-11-23T10:00:00.000+0200", "2026-11-23", NULL,
                                        "2026-11-23T08:30:00Z", "2025-01-01"};
    given(names, times, 5);
    CHECK_STR(sorted(NAME, TYPE_TEXT, false), "(null)|Äpfel|apple|b|Zebra");
    CHECK_STR(sorted(INDUSTRY, TYPE_DATETIME, true),
              "2026-11-23T08:30:00Z|2026-11-23T10:00:00.000+0200|2026-11-23|2025-01-01|(null)");
}

TEST(sort, by_several_columns_each_its_own_way)
{
    static const char *const names[] = {"a", "b", "a", "b", "a"};
    static const char *const numbers[] = {"1", "2", "10", NULL, "9"};
    given(names, numbers, 5);
    struct sort sorts[] = {by(NAME, TYPE_TEXT, true), by(INDUSTRY, TYPE_NUMBER, false)};
    for (int round = 0; round < 2; round++) {
        struct window win = window((struct window_query){.sorts = sorts, .sort_count = 2});
        CHECK_STR(values(&win, 0), "b|b|a|a|a");
        CHECK_STR(values(&win, 1), "(null)|2|1|9|10");
        CHECK(win.indexed == (round == 1));
        make_index(sorts, 2);
    }
}

/* --------------------------------------------------------------- windowing */

#define MANY 20000

/* Names with many ties, numbers without: as large as samples need to be of use. */
static void given_many(void)
{
    const char **names = arena_array(suite.arena, MANY, sizeof *names);
    const char **numbers = arena_array(suite.arena, MANY, sizeof *numbers);
    for (int i = 0; i < MANY; i++) {
        names[i] = arena_printf(suite.arena, "name %d", i * 7919 % 3);
        numbers[i] = arena_printf(suite.arena, "%d.5", i * 7919 % MANY);
    }
    given(names, numbers, MANY);
}

/* All row ids of a view by walking windows of `limit`, forwards or backwards. */
static int64_t *walk(struct window_query query, bool backwards, size_t limit, size_t *count)
{
    int64_t *ids = arena_array(suite.arena, MANY + 1, sizeof *ids);
    struct window win;
    *count = 0;
    query.limit = limit;
    query.from = backwards ? WINDOW_INDEX : WINDOW_START;
    query.index = MANY; /* behind the last one */
    if (backwards) {
        /* the last window, by walking forwards once: its anchor is where to turn round */
        const char *last = NULL;
        struct window_query on = query;
        on.from = WINDOW_START;
        on.limit = MANY;
        win = window(on);
        last = win.last;
        ids[MANY - 1 - (*count)++] = win.rows[win.count - 1].id;
        for (query.from = WINDOW_BEFORE, query.anchor = last;; query.anchor = win.first) {
            win = window(query);
            if (!win.count)
                return ids;
            for (size_t i = win.count; i-- > 0;)
                ids[MANY - 1 - (*count)++] = win.rows[i].id;
        }
    }
    for (;; query.from = WINDOW_AFTER, query.anchor = win.last) {
        win = window(query);
        if (!win.count)
            return ids;
        for (size_t i = 0; i < win.count; i++)
            ids[(*count)++] = win.rows[i].id;
    }
}

static void check_walks(struct sort *sorts, size_t sort_count)
{
    struct window_query query = {.sorts = sorts, .sort_count = sort_count};
    size_t count;
    int64_t *plain = walk(query, false, MANY, &count), *other;
    CHECK_INT(count, MANY);
    make_index(sorts, sort_count);
    other = walk(query, false, 997, &count);
    CHECK_INT(count, MANY);
    CHECK(memcmp(plain, other, MANY * sizeof *plain) == 0);
    other = walk(query, true, 1499, &count);
    CHECK_INT(count, MANY);
    CHECK(memcmp(plain, other, MANY * sizeof *plain) == 0);
    for (int64_t at = 0; at < MANY; at += 1237) { /* and by number */
        query.from = WINDOW_INDEX;
        query.index = at;
        query.limit = 5;
        struct window win = window(query);
        CHECK(win.index == at && win.index_error == 0 && win.total == MANY);
        for (size_t i = 0; i < win.count; i++)
            CHECK(win.rows[i].id == plain[at + (int64_t)i]);
    }
    query.index = MANY + 5;
    CHECK_INT(window(query).count, 0);
}

TEST(window, of_a_sort_is_a_piece_of_the_whole)
{
    given_many();
    struct sort sort = by(INDUSTRY, TYPE_NUMBER, false);
    check_walks(&sort, 1);
    check_walks(NULL, 0);
}

TEST(window, of_a_sort_with_many_equal_keys_too)
{
    given_many();
    struct sort sort = by(NAME, TYPE_TEXT, true);
    check_walks(&sort, 1);
}

TEST(window, row_numbers_say_how_far_they_may_be_off)
{
    given_many();
    struct sort sort = by(INDUSTRY, TYPE_NUMBER, false);
    make_index(&sort, 1);
    const char *gone[40];
    for (int i = 0; i < 40; i++)
        gone[i] = arena_printf(suite.arena, "k%05d", 100 * i + 1);
    CHECK_OK(
        suite.does->rows_delete(suite.store, suite.table.id, 0, gone, 40, DELETED_MARK, &suite.err),
        &suite.err);
    struct window_query query = {
        .sorts = &sort, .sort_count = 1, .from = WINDOW_INDEX, .index = 15000, .limit = 1};
    struct window win = window(query);
    CHECK_INT(win.index_error, 40);
    CHECK_INT(win.total, MANY - 40);
    /* the number of rows before it, by looking at all */
    struct window_query all = {.sorts = &sort, .sort_count = 1, .limit = MANY};
    struct window whole = window(all);
    int64_t truth = -1;
    for (size_t i = 0; i < whole.count; i++)
        if (whole.rows[i].id == win.rows[0].id)
            truth = (int64_t)i;
    CHECK(truth >= 15000 - 40 && truth <= 15000);
    /* in the order of arrival, too */
    query.sort_count = 0;
    win = window(query);
    CHECK_INT(win.index_error, 40);
}

TEST(window, samples_are_taken_again_when_much_has_changed)
{
    struct view_index *list;
    size_t count;
    given_many();
    struct sort sort = by(INDUSTRY, TYPE_NUMBER, false);
    make_index(&sort, 1);
    for (int round = 0; round < 2; round++) {
        struct account *rows = arena_array(suite.arena, 1500, sizeof *rows);
        for (int i = 0; i < 1500; i++)
            rows[i] = (struct account){
                .key = arena_printf(suite.arena, "k%05d", i + 1),
                .stamp = round ? "2026-11-24T10:00:00.000+0000" : "2026-11-23T10:00:00.000+0000",
                .name = "name",
                .industry = arena_printf(suite.arena, "%d", round * 100000 + i)};
        given_accounts(rows, 1500);
        CHECK_OK(views()->index_list(suite.store, suite.arena, &list, &count, &suite.err),
                 &suite.err);
        CHECK(count == 1 && list[0].drift == 1500);
        make_index(&sort, 1);
        CHECK_OK(views()->index_list(suite.store, suite.arena, &list, &count, &suite.err),
                 &suite.err);
        CHECK(list[0].drift == 0);
    }
    struct window_query query = {
        .sorts = &sort, .sort_count = 1, .from = WINDOW_INDEX, .index = MANY - 1, .limit = 1};
    struct window win = window(query);
    CHECK_STR(values(&win, 1), "101499");
    CHECK(win.index_error == 0);
}

TEST(index, that_nobody_uses_is_dropped_and_rows_go_on_changing)
{
    size_t dropped;
    given_many();
    struct sort sort = by(INDUSTRY, TYPE_NUMBER, false);
    make_index(&sort, 1);
    world_fake_advance(suite.world, 1000);
    CHECK_OK(views()->index_drop(suite.store, suite.world->now_ms(suite.world) - 5000, &dropped,
                                 &suite.err),
             &suite.err);
    CHECK_INT(dropped, 0);
    suite_reopen(); /* rows can be written to an indexed table by the next process */
    GIVEN_ACCOUNTS({"k00001", "2026-11-25T10:00:00.000+0000", "x", "-7"});
    CHECK_CONTAINS(sorted(INDUSTRY, TYPE_NUMBER, false), "-7|");
    CHECK_OK(views()->index_drop(suite.store, suite.world->now_ms(suite.world) + 1, &dropped,
                                 &suite.err),
             &suite.err);
    CHECK_INT(dropped, 1);
    struct window win = window((struct window_query){.sorts = &sort, .sort_count = 1, .limit = 2});
    CHECK(!win.indexed && win.count == 2);
    CHECK_OK(suite.does->table_delete(suite.store, "Accounts", &suite.err), &suite.err);
}

TEST(window, with_an_anchor_that_is_none_is_refused)
{
    static const char *const bad[] = {"", "x", ".", ".x", "!!.5", "abc", NULL};
    given((const char *const[]){"a"}, NULL, 1);
    for (int i = 0; i < 7; i++) {
        struct window out;
        struct window_query query = {
            .table_id = suite.table.id, .from = WINDOW_AFTER, .anchor = bad[i], .limit = 1};
        CHECK_FAIL(views()->window(suite.store, suite.arena, &query, &out, &suite.err), &suite.err,
                   ERR_INVALID);
    }
}

/* --------------------------------------------------------------- filtering */

static struct filter test_of(int position, enum value_type type, enum filter_test test,
                             const char *a, const char *b)
{
    struct value *list = arena_array(suite.arena, 2, sizeof *list);
    list[0] = text_value(a);
    list[1] = text_value(b);
    return (struct filter){.kind = FILTER_TEST,
                           .column_id = column_id(position),
                           .slot = column_slot(position),
                           .type = type,
                           .test = test,
                           .values = list,
                           .value_count = b   ? 2
                                          : a ? 1
                                              : 0};
}

static const char *passing(const struct filter *filter)
{
    struct window win = window((struct window_query){.filter = filter});
    int64_t count = 0;
    const char *next;
    struct window_query all = {.table_id = suite.table.id, .filter = filter};
    CHECK_OK(views()->count(suite.store, suite.arena, &all, &count, &next, &suite.err), &suite.err);
    CHECK(count == (int64_t)win.count && !next && win.total == count);
    struct buf keys = BUF_INIT;
    for (size_t i = 0; i < win.count; i++)
        buf_printf(&keys, "%s%d", i ? " " : "", (int)strtol(win.rows[i].key + 1, NULL, 10));
    const char *text = arena_strdup(suite.arena, buf_text(&keys));
    buf_free(&keys);
    return text;
}

static const char *one(int position, enum value_type type, enum filter_test test, const char *a,
                       const char *b)
{
    struct filter filter = test_of(position, type, test, a, b);
    return passing(&filter);
}

TEST(filter, each_test_by_the_columns_own_kind)
{
    static const char *const names[] = {"Acme Ltd", "ACME",      "Größe", NULL,
                                        "",         "50% off_x", "Zürich"};
    static const char *const numbers[] = {"10", "9.50", "-3", NULL, "", "n/a", "1e1"};
    given(names, numbers, 7);
    CHECK_STR(one(NAME, TYPE_TEXT, TEST_IS, "acme", NULL), "2");
    CHECK_STR(one(NAME, TYPE_TEXT, TEST_CONTAINS, "acme", NULL), "1 2");
    CHECK_STR(one(NAME, TYPE_TEXT, TEST_CONTAINS, "grosse", NULL), "3");
    CHECK_STR(one(NAME, TYPE_TEXT, TEST_CONTAINS, "%", NULL), "6"); /* no wildcard */
    CHECK_STR(one(NAME, TYPE_TEXT, TEST_STARTS, "Zur", NULL), "7");
    CHECK_STR(one(NAME, TYPE_TEXT, TEST_ENDS, "LTD", NULL), "1");
    CHECK_STR(one(NAME, TYPE_TEXT, TEST_EMPTY, NULL, NULL), "4 5");
    CHECK_STR(one(NAME, TYPE_TEXT, TEST_ONE_OF, "zurich", "acme"), "2 7");
    CHECK_STR(one(INDUSTRY, TYPE_NUMBER, TEST_IS, "10.0", NULL), "1 7");
    CHECK_STR(one(INDUSTRY, TYPE_NUMBER, TEST_LESS, "10", NULL), "2 3"); /* nothing is not less */
    CHECK_STR(one(INDUSTRY, TYPE_NUMBER, TEST_AT_MOST, "10", NULL), "1 2 3 7");
    CHECK_STR(one(INDUSTRY, TYPE_NUMBER, TEST_MORE, "9.5", NULL), "1 7"); /* n/a is not more */
    CHECK_STR(one(INDUSTRY, TYPE_NUMBER, TEST_AT_LEAST, "9.5", NULL), "1 2 7");
    CHECK_STR(one(INDUSTRY, TYPE_NUMBER, TEST_BETWEEN, "-3", "9.5"), "2 3");
}

TEST(filter, of_times_and_checkboxes)
{
    static const char *const times[] = {"2026-11-23", "2026-11-23T10:00:00.000+0000",
                                        "2026-11-24T00:30:00.000+0200", NULL};
    static const char *const boxes[] = {"true", "false", "true", NULL};
    given(boxes, times, 4);
    CHECK_STR(one(INDUSTRY, TYPE_DATETIME, TEST_LESS, "2026-11-23T12:00:00Z", NULL), "1 2");
    CHECK_STR(one(INDUSTRY, TYPE_DATETIME, TEST_BETWEEN, "2026-11-23T22:00:00Z", "2026-11-24"),
              "3");
    CHECK_STR(one(NAME, TYPE_CHECKBOX, TEST_IS, "true", NULL), "1 3");
}

TEST(filter, groups_and_not)
{
    static const char *const names[] = {"a", "b", "c", NULL};
    static const char *const numbers[] = {"1", "2", "3", "4"};
    given(names, numbers, 4);
    struct filter kids[] = {test_of(NAME, TYPE_TEXT, TEST_ONE_OF, "a", "c"),
                            test_of(INDUSTRY, TYPE_NUMBER, TEST_MORE, "1", NULL)};
    struct filter all = {.kind = FILTER_ALL, .kids = kids, .kid_count = 2};
    struct filter any = {.kind = FILTER_ANY, .kids = kids, .kid_count = 2};
    struct filter not_any = {.kind = FILTER_NOT, .kids = &any, .kid_count = 1};
    struct filter not_first = {.kind = FILTER_NOT, .kids = &kids[0], .kid_count = 1};
    struct filter nothing = {.kind = FILTER_ANY}, anything = {.kind = FILTER_ALL};
    CHECK_STR(passing(&all), "3");
    CHECK_STR(passing(&any), "1 2 3 4");
    CHECK_STR(passing(&not_any), "");
    CHECK_STR(passing(&not_first), "2 4"); /* null is not one of them */
    CHECK_STR(passing(&nothing), "");
    CHECK_STR(passing(&anything), "1 2 3 4");
}

TEST(filter, of_states_and_search)
{
    static const char *const names[] = {"Acme", "Globex", "Initech"};
    static const char *const more[] = {"Banking", NULL, "acme partner"};
    given(names, more, 3);
    put_cell("k00001", DOMAIN, CELL_OK, "acme.com");
    put_cell("k00002", DOMAIN, CELL_ERROR, NULL);
    struct filter state = {.kind = FILTER_STATE,
                           .column_id = column_id(DOMAIN),
                           .slot = column_slot(DOMAIN),
                           .states = 1u << CELL_ERROR | 1u << CELL_REFUSED};
    CHECK_STR(passing(&state), "2");
    state.states = 1u << CELL_OK;
    CHECK_STR(passing(&state), "1");
    int slots[] = {column_slot(NAME), column_slot(INDUSTRY)};
    struct value word = text_value("ACME");
    struct filter search = {
        .kind = FILTER_SEARCH, .slots = slots, .slot_count = 2, .values = &word, .value_count = 1};
    CHECK_STR(passing(&search), "1 3");
    search.slot_count = 0;
    CHECK_STR(passing(&search), "");
}

/* A rare hit in a large table: each call looks at so many rows and says where it stopped. */
TEST(filter, looks_at_so_many_rows_and_goes_on_from_there)
{
    given_many();
    struct sort sort = by(INDUSTRY, TYPE_NUMBER, false);
    make_index(&sort, 1);
    struct filter rare = test_of(INDUSTRY, TYPE_NUMBER, TEST_IS, "17000.5", NULL);
    struct window_query query = {
        .sorts = &sort, .sort_count = 1, .filter = &rare, .look_at = 3000, .limit = 10};
    int calls = 0;
    struct window win;
    size_t hits = 0;
    do {
        win = window(query);
        hits += win.count;
        calls++;
        query.from = WINDOW_AFTER;
        query.anchor = win.last;
    } while (win.cut);
    CHECK_INT(hits, 1);
    CHECK_INT(calls, 7);
    int64_t count = 0;
    const char *next = NULL;
    struct window_query all = {.table_id = suite.table.id, .filter = &rare, .look_at = 3000};
    for (calls = 0; !calls || next; calls++) {
        all.from = next ? WINDOW_AFTER : WINDOW_START;
        all.anchor = next;
        CHECK_OK(views()->count(suite.store, suite.arena, &all, &count, &next, &suite.err),
                 &suite.err);
    }
    CHECK_INT(count, 1);
    CHECK_INT(calls, 7);
}

TEST(filter, and_sort_go_together_backwards_too)
{
    given_many();
    struct sort sort = by(INDUSTRY, TYPE_NUMBER, true);
    struct filter some = test_of(INDUSTRY, TYPE_NUMBER, TEST_LESS, "10", NULL);
    for (int round = 0; round < 2; round++) {
        struct window_query query = {.sorts = &sort, .sort_count = 1, .filter = &some, .limit = 4};
        struct window win = window(query);
        CHECK_STR(values(&win, 1), "9.5|8.5|7.5|6.5");
        query.from = WINDOW_AFTER;
        query.anchor = win.last;
        win = window(query);
        CHECK_STR(values(&win, 1), "5.5|4.5|3.5|2.5");
        query.from = WINDOW_BEFORE;
        query.anchor = win.first;
        win = window(query);
        CHECK_STR(values(&win, 1), "9.5|8.5|7.5|6.5");
        query.from = WINDOW_INDEX;
        query.index = 7;
        win = window(query);
        CHECK_STR(values(&win, 1), "2.5|1.5|0.5");
        make_index(&sort, 1);
    }
}

TEST(window, leaves_deleted_rows_out)
{
    static const char *const names[] = {"a", "b", "c"};
    static const char *const gone[] = {"k00002"};
    given(names, NULL, 3);
    struct sort sort = by(NAME, TYPE_TEXT, false);
    make_index(&sort, 1);
    CHECK_OK(
        suite.does->rows_delete(suite.store, suite.table.id, 0, gone, 1, DELETED_MARK, &suite.err),
        &suite.err);
    struct window win = window((struct window_query){.sorts = &sort, .sort_count = 1});
    CHECK_STR(values(&win, 0), "a|c");
    CHECK_INT(win.total, 2);
    win = window((struct window_query){0});
    CHECK_STR(values(&win, 0), "a|c");
}

/* -------------------------------------------------------------- kept views */

TEST(kept, views_are_stored_changed_and_forgotten)
{
    struct view *list;
    size_t count;
    struct view view = {
        .table_id = suite.table.id, .name = "Banks", .config = "{\"a\":1}", .position = 2};
    struct view other = {.table_id = suite.table.id, .name = "All", .config = "{}", .position = 1};
    CHECK_OK(views()->put(suite.store, &view, &suite.err), &suite.err);
    CHECK_OK(views()->put(suite.store, &other, &suite.err), &suite.err);
    int64_t id = view.id;
    suite_reopen();
    view = (struct view){
        .table_id = suite.table.id, .name = "BANKS", .config = "{\"a\":2}", .position = 2};
    CHECK_OK(views()->put(suite.store, &view, &suite.err), &suite.err);
    CHECK(view.id == id);
    CHECK_OK(views()->list(suite.store, suite.arena, suite.table.id, &list, &count, &suite.err),
             &suite.err);
    CHECK_INT(count, 2);
    CHECK_STR(list[0].name, "All");
    CHECK_STR(list[1].name, "BANKS");
    CHECK_STR(list[1].config, "{\"a\":2}");
    CHECK_OK(views()->forget(suite.store, suite.table.id, "banks", &suite.err), &suite.err);
    CHECK_FAIL(views()->forget(suite.store, suite.table.id, "banks", &suite.err), &suite.err,
               ERR_NOT_FOUND);
    view.name = "";
    CHECK_FAIL(views()->put(suite.store, &view, &suite.err), &suite.err, ERR_INVALID);
}
