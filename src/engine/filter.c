/* filter.c - filters: JSON and short text to trees. See filter.h.
 *
 * Denials become FILTER_NOT around the test; days against instants become ranges
 * of instants. What is written back is the tree as it is, which reads as the same. */
#include "engine/filter.h"

#include "base/str.h"
#include "base/when.h"

#include <string.h>

#define MOST_DEPTH  20
#define MOST_VALUES 1000
#define DAY_MS      INT64_C(86400000)

struct reading {
    struct arena *arena;
    const struct table *table;
    struct err *err;
    int depth;
};

static enum status refuse(struct reading *r, const char *where, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static enum status refuse(struct reading *r, const char *where, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    err_set(r->err, ERR_FILTER, "%s", arena_vprintf(r->arena, fmt, args));
    va_end(args);
    err_where(r->err, "%s", where);
    return FAIL;
}

/* ---------------------------------------------------------------- columns */

static const struct column *column_named(struct reading *r, const struct json *name,
                                         const char *where)
{
    const struct table *table = r->table;
    const struct column *column = NULL;
    if (json_is(name, JSON_NUMBER))
        column = table_column_by_id(table, json_int(name, 0));
    else if (json_is(name, JSON_STRING))
        column = table_column(table, name->text);
    if (column)
        return column;
    if (!json_is(name, JSON_STRING)) {
        refuse(r, where, "a column is its name or its id, and the table has no such one");
        return NULL;
    }
    const char **names = arena_array(r->arena, table->column_count + 1, sizeof *names);
    for (size_t i = 0; i < table->column_count; i++)
        names[i] = table->columns[i].name;
    const char *near = text_nearest(name->text, names, table->column_count);
    refuse(r, where, "table \"%s\" has no column \"%s\"", table->name, name->text);
    if (near)
        err_hint(r->err, "Did you mean \"%s\"?", near);
    return NULL;
}

/* ----------------------------------------------------------------- values */

static bool is_date(struct value value, struct date *date)
{
    char copy[16];
    if (value.len != 10)
        return false;
    memcpy(copy, value.text, 10);
    copy[10] = '\0';
    return date_parse(copy, date);
}

/* A value that the column could hold: its key says whether it is of the kind. */
static bool fits(const struct filter *test, struct value value)
{
    struct buf key = BUF_INIT;
    sort_key_add(&key, value_sort_as(test->type), false, value.text, value.len);
    bool good = key.len && key.data[0] == 1;
    buf_free(&key);
    return good;
}

static enum status check_values(struct reading *r, const struct filter *test, const char *where)
{
    int wanted = filter_test_values(test->test);
    if (wanted >= 0 ? test->value_count != (size_t)wanted : test->value_count == 0)
        return refuse(r, where,
                      wanted < 0   ? "\"%s\" needs a list of values"
                      : !wanted    ? "\"%s\" takes no value"
                      : wanted > 1 ? "\"%s\" needs two values, the ends of the range"
                                   : "\"%s\" needs one value",
                      filter_test_name(test->test));
    if (test->test == TEST_CONTAINS || test->test == TEST_STARTS || test->test == TEST_ENDS)
        return OK; /* part of a text, whatever the column holds */
    for (size_t i = 0; i < test->value_count; i++)
        if (!fits(test, test->values[i]))
            return refuse(r, where, "\"%.*s\" is no %s", (int)test->values[i].len,
                          test->values[i].text ? test->values[i].text : "",
                          test->type == TYPE_DATETIME ? "date or time with a zone"
                                                      : value_type_name(test->type));
    return OK;
}

/* ---------------------------------------------------- days against instants */

static struct filter *kids_of(struct arena *arena, const struct filter *test, size_t count)
{
    struct filter *kids = arena_array(arena, count, sizeof *kids);
    for (size_t i = 0; i < count; i++)
        kids[i] = *test;
    return kids;
}

static struct value day_start(struct arena *arena, struct date date, int days_later)
{
    char text[32];
    when_iso((date_to_days(date) + days_later) * DAY_MS, text);
    const char *copy = arena_strdup(arena, text);
    return (struct value){copy, (uint32_t)strlen(copy)};
}

static void set_test(struct arena *arena, struct filter *f, enum filter_test test,
                     struct value value)
{
    f->test = test;
    f->values = arena_array(arena, 1, sizeof *f->values);
    f->values[0] = value;
    f->value_count = 1;
}

/* "is 2026-11-23" of instants: from its midnight to the next one (UTC). */
static void widen_days(struct arena *arena, struct filter *f)
{
    struct date low, high;
    if (f->type != TYPE_DATETIME || !f->value_count || !is_date(f->values[0], &low))
        return;
    bool two = f->value_count == 2 && is_date(f->values[1], &high);
    if (!two)
        high = low;
    switch (f->test) {
    case TEST_IS:
    case TEST_BETWEEN:
        if (f->test == TEST_BETWEEN && !two)
            return;
        f->kids = kids_of(arena, f, 2);
        set_test(arena, &f->kids[0], TEST_AT_LEAST, day_start(arena, low, 0));
        set_test(arena, &f->kids[1], TEST_LESS, day_start(arena, high, 1));
        f->kind = FILTER_ALL;
        f->kid_count = 2;
        return;
    case TEST_AT_MOST:
        set_test(arena, f, TEST_LESS, day_start(arena, low, 1));
        return;
    case TEST_MORE:
        set_test(arena, f, TEST_AT_LEAST, day_start(arena, low, 1));
        return;
    default:
        return;
    }
}

static void deny(struct arena *arena, struct filter *f)
{
    struct filter *kid = arena_array(arena, 1, sizeof *kid);
    *kid = *f;
    *f = (struct filter){.kind = FILTER_NOT, .kids = kid, .kid_count = 1};
}

static enum status finish_test(struct reading *r, struct filter *f, bool denied, const char *where)
{
    if (check_values(r, f, where) != OK)
        return FAIL;
    widen_days(r->arena, f);
    if (denied)
        deny(r->arena, f);
    return OK;
}

static struct filter test_on(const struct column *column)
{
    return (struct filter){
        .kind = FILTER_TEST, .column_id = column->id, .slot = column->slot, .type = column->type};
}

/* "is not", "not empty", "contains not", "does not contain", "none of", "!=" */
static bool read_word(const char *word, enum filter_test *test, bool *denied)
{
    static const struct {
        const char *word;
        enum filter_test test;
    } denials[] = {{"is not", TEST_IS},
                   {"!=", TEST_IS},
                   {"not empty", TEST_EMPTY},
                   {"contains not", TEST_CONTAINS},
                   {"does not contain", TEST_CONTAINS},
                   {"!~", TEST_CONTAINS},
                   {"none of", TEST_ONE_OF},
                   {"not one of", TEST_ONE_OF},
                   {"not between", TEST_BETWEEN}};
    *denied = false;
    if (filter_test_parse(word, test))
        return true;
    for (size_t i = 0; i < sizeof denials / sizeof *denials; i++)
        if (text_eq_nocase(word, denials[i].word)) {
            *test = denials[i].test;
            return *denied = true;
        }
    return false;
}

/* ------------------------------------------------------------------- JSON */

static enum status read_tree(struct reading *r, const struct json *json, const char *where,
                             struct filter *out);

static enum status read_group(struct reading *r, const struct json *list, const char *where,
                              enum filter_kind kind, struct filter *out)
{
    size_t i = 0;
    if (!json_is(list, JSON_ARRAY))
        return refuse(r, where, "a group is a list of filters");
    *out = (struct filter){.kind = kind, .kid_count = list->len};
    out->kids = arena_array(r->arena, list->len + 1, sizeof *out->kids);
    json_each(kid, list) {
        if (read_tree(r, kid, arena_printf(r->arena, "%s/%zu", where, i), &out->kids[i]) != OK)
            return FAIL;
        i++;
    }
    return OK;
}

static struct value value_from(struct reading *r, const struct json *json)
{
    const char *text = json_is(json, JSON_TRUE)    ? "true"
                       : json_is(json, JSON_FALSE) ? "false"
                                                   : json_text(json);
    text = arena_strdup(r->arena, text);
    return (struct value){text, text ? (uint32_t)strlen(text) : 0};
}

static enum status read_values(struct reading *r, const struct json *value, const char *where,
                               struct filter *out)
{
    size_t count = json_is(value, JSON_ARRAY) ? value->len : !json_is_null(value);
    if (count > MOST_VALUES)
        return refuse(r, where, "a filter takes at most %d values", MOST_VALUES);
    out->values = arena_array(r->arena, count + 1, sizeof *out->values);
    if (!json_is(value, JSON_ARRAY)) {
        out->values[0] = value_from(r, value);
        out->value_count = count;
    }
    json_each(one, json_is(value, JSON_ARRAY) ? value : NULL)
        out->values[out->value_count++] = value_from(r, one);
    for (size_t i = 0; i < count; i++)
        if (!out->values[i].text)
            return refuse(r, where, "a value is a text, a number, true or false");
    return OK;
}

static enum status read_states(struct reading *r, const struct json *states, const char *where,
                               struct filter *out)
{
    enum cell_state state;
    out->kind = FILTER_STATE;
    if (json_is(states, JSON_STRING) && cell_state_parse(states->text, &state))
        out->states = 1u << state;
    json_each(one, json_is(states, JSON_ARRAY) ? states : NULL) {
        if (!cell_state_parse(json_text(one) ? json_text(one) : "", &state))
            return refuse(r, where, "there is no state \"%s\"",
                          json_text(one) ? json_text(one) : "?");
        out->states |= 1u << state;
    }
    return out->states ? OK : refuse(r, where, "\"state\" names one or more states of a cell");
}

static enum status read_search(struct reading *r, const struct json *word, const char *where,
                               struct filter *out)
{
    int *slots = arena_array(r->arena, r->table->column_count + 1, sizeof *slots);
    if (!json_is(word, JSON_STRING) || text_blank(word->text))
        return refuse(r, where, "\"search\" is the text to look for");
    *out = (struct filter){.kind = FILTER_SEARCH,
                           .slots = slots,
                           .slot_count = r->table->column_count,
                           .value_count = 1};
    for (size_t i = 0; i < r->table->column_count; i++)
        slots[i] = r->table->columns[i].slot;
    out->values = arena_array(r->arena, 1, sizeof *out->values);
    out->values[0] = value_from(r, word);
    return OK;
}

static enum status read_cell(struct reading *r, const struct json *json, const char *where,
                             struct filter *out)
{
    bool denied;
    const struct column *column =
        column_named(r, json_get(json, "column"), arena_printf(r->arena, "%s/column", where));
    if (!column)
        return FAIL;
    *out = test_on(column);
    if (json_get(json, "state"))
        return read_states(r, json_get(json, "state"), arena_printf(r->arena, "%s/state", where),
                           out);
    const char *word = json_get_text(json, "is");
    if (!word || !read_word(word, &out->test, &denied))
        return refuse(r, arena_printf(r->arena, "%s/is", where),
                      "\"is\" says how: is, one of, contains, starts with, ends with, empty, less "
                      "than, at most, more than, at least, between, or each denied");
    where = arena_printf(r->arena, "%s/value", where);
    return read_values(r, json_get(json, "value"), where, out) == OK
               ? finish_test(r, out, denied, where)
               : FAIL;
}

static enum status read_tree(struct reading *r, const struct json *json, const char *where,
                             struct filter *out)
{
    const struct json *part;
    enum status rc;
    if (!json_is(json, JSON_OBJECT))
        return refuse(r, where, "a filter is an object");
    if (r->depth == MOST_DEPTH)
        return refuse(r, where, "a filter may be %d levels deep", MOST_DEPTH);
    r->depth++;
    if ((part = json_get(json, "all")) || (part = json_get(json, "any"))) {
        bool all = json_get(json, "all") != NULL;
        rc = read_group(r, part,
                        arena_printf(r->arena, "%s%s%s", where, *where ? "/" : "", part->key),
                        all ? FILTER_ALL : FILTER_ANY, out);
    } else if ((part = json_get(json, "not"))) {
        rc = read_tree(r, part, arena_printf(r->arena, "%s%snot", where, *where ? "/" : ""), out);
        if (rc == OK)
            deny(r->arena, out);
    } else if ((part = json_get(json, "search"))) {
        rc = read_search(r, part, where, out);
    } else {
        rc = read_cell(r, json, where, out);
    }
    r->depth--;
    return rc;
}

enum status filter_read(struct arena *arena, const struct table *table, const struct json *json,
                        struct filter *out, struct err *err)
{
    struct err ignored = {0};
    struct reading r = {.arena = arena, .table = table, .err = err ? err : &ignored};
    return read_tree(&r, json, "", out);
}

/* ------------------------------------------------------------- short text */

/* The longest column name that the text begins with, and what follows it. */
static const struct column *leading_column(const struct table *table, const char *text,
                                           const char **rest)
{
    const struct column *best = NULL;
    size_t longest = 0;
    for (size_t i = 0; i < table->column_count; i++) {
        const char *name = table->columns[i].name;
        size_t len = strlen(name);
        if (len > longest && strncasecmp(text, name, len) == 0 &&
            (!text[len] || strchr(" \t=<>~!", text[len]))) {
            best = &table->columns[i];
            longest = len;
        }
    }
    *rest = text + longest + strspn(text + longest, " \t");
    return best;
}

/* The longest word of a test that the text begins with. */
static bool leading_word(const char *text, enum filter_test *test, bool *denied, const char **rest)
{
    char word[24];
    size_t most = strlen(text) < sizeof word - 1 ? strlen(text) : sizeof word - 1;
    if (strncasecmp(text, "is ", 3) == 0) { /* "is empty", "is not empty", "is at least 5" */
        const char *behind = text + 3 + strspn(text + 3, " ");
        if (leading_word(behind, test, denied, rest) && *test != TEST_IS)
            return true;
    }
    for (size_t len = most; len > 0; len--) {
        bool letters = (text[len - 1] >= 'a' && text[len - 1] <= 'z') ||
                       (text[len - 1] >= 'A' && text[len - 1] <= 'Z');
        if (letters && text[len] && text[len] != ' ')
            continue; /* in the middle of a word */
        memcpy(word, text, len);
        word[len] = '\0';
        if (read_word(word, test, denied)) {
            *rest = text + len + strspn(text + len, " \t");
            return true;
        }
    }
    return false;
}

static struct value trimmed(struct arena *arena, const char *text, size_t len)
{
    struct str s = str_trim((struct str){text, len});
    if (s.n >= 2 && (s.p[0] == '"' || s.p[0] == '\'') && s.p[s.n - 1] == s.p[0])
        s = (struct str){s.p + 1, s.n - 2};
    return (struct value){arena_strndup(arena, s.p, s.n), (uint32_t)s.n};
}

/* "a, b, c" or "x and y" */
static void split_values(struct reading *r, const char *text, const char *between,
                         struct filter *out)
{
    out->values = arena_array(r->arena, strlen(text) + 1, sizeof *out->values);
    for (const char *at = text; at;) {
        const char *cut = between ? strcasestr(at, between) : NULL;
        out->values[out->value_count++] =
            trimmed(r->arena, at, cut ? (size_t)(cut - at) : strlen(at));
        at = cut ? cut + strlen(between) : NULL;
    }
}

static enum status read_short_states(struct reading *r, const char *text, struct filter *out)
{
    struct filter names = {0};
    enum cell_state state;
    split_values(r, text, ",", &names);
    out->kind = FILTER_STATE;
    for (size_t i = 0; i < names.value_count; i++) {
        if (!cell_state_parse(names.values[i].text, &state))
            return refuse(r, "", "there is no state \"%s\"", names.values[i].text);
        out->states |= 1u << state;
    }
    return OK;
}

static enum status read_short(struct reading *r, const char *text, struct filter *out)
{
    const char *rest;
    bool denied;
    const struct column *column = leading_column(r->table, text, &rest);
    if (!column) {
        refuse(r, "", "\"%.60s\" does not begin with a column of table \"%s\"", text,
               r->table->name);
        err_hint(r->err, "COLUMN TEST VALUE, such as: Employees >= 100");
        return FAIL;
    }
    *out = test_on(column);
    if (strncasecmp(rest, "state ", 6) == 0)
        return read_short_states(r, rest + 6, out);
    if (!leading_word(rest, &out->test, &denied, &rest)) {
        refuse(r, "", "\"%.60s\" does not say how column \"%s\" is compared", text, column->name);
        err_hint(r->err, "= != < <= > >= ~ (contains), is empty, starts with, one of a, b, between "
                         "a and b, state refused");
        return FAIL;
    }
    if (*rest || out->test == TEST_ONE_OF)
        split_values(r, rest,
                     out->test == TEST_ONE_OF    ? ","
                     : out->test == TEST_BETWEEN ? " and "
                                                 : NULL,
                     out);
    return finish_test(r, out, denied, "");
}

enum status filter_read_text(struct arena *arena, const struct table *table, const char *text,
                             struct filter *out, struct err *err)
{
    struct err ignored = {0};
    struct reading r = {.arena = arena, .table = table, .err = err ? err : &ignored};
    text += strspn(text, " \t\r\n");
    if (*text != '{')
        return read_short(&r, text, out);
    const struct json *json = json_parse(arena, text, strlen(text), r.err);
    return json ? read_tree(&r, json, "", out) : err_wrap(r.err, "reading the filter");
}

/* ------------------------------------------------------------------ sorts */

static enum status add_sort(struct reading *r, const struct json *name, bool descending,
                            const char *where, struct sort *sorts, size_t *count)
{
    const struct column *column = column_named(r, name, where);
    if (!column)
        return FAIL;
    for (size_t i = 0; i < *count; i++)
        if (sorts[i].column_id == column->id)
            return refuse(r, where, "column \"%s\" is sorted by twice", column->name);
    sorts[(*count)++] = (struct sort){column->id, column->slot, column->type, descending};
    return OK;
}

static enum status read_sorts(struct reading *r, const struct json *list, struct sort **out,
                              size_t *count)
{
    *count = 0;
    if (list && !json_is(list, JSON_ARRAY))
        return refuse(r, "sorts", "sorts are a list");
    *out = arena_array(r->arena, (list ? list->len : 0) + 1, sizeof **out);
    json_each(one, list)
        if (add_sort(r, json_get(one, "column"), json_get_bool(one, "descending", false),
                     arena_printf(r->arena, "sorts/%zu", *count), *out, count) != OK)
            return FAIL;
    return OK;
}

enum status sorts_read_text(struct arena *arena, const struct table *table, const char *text,
                            struct sort **out, size_t *count, struct err *err)
{
    struct err ignored = {0};
    struct reading r = {.arena = arena, .table = table, .err = err ? err : &ignored};
    text += strspn(text, " \t");
    if (*text == '[') {
        const struct json *json = json_parse(arena, text, strlen(text), r.err);
        return json ? read_sorts(&r, json, out, count) : err_wrap(r.err, "reading the sorts");
    }
    struct filter names = {0};
    split_values(&r, text, ",", &names);
    *out = arena_array(arena, names.value_count + 1, sizeof **out);
    *count = 0;
    for (size_t i = 0; i < names.value_count; i++) {
        const char *name = names.values[i].text;
        /* a column's own name may begin with a minus */
        bool minus = *name == '-' && !table_column(table, name);
        name += minus;
        struct json word = {.type = JSON_STRING, .text = name, .len = (uint32_t)strlen(name)};
        if (add_sort(&r, &word, minus, name, *out, count) != OK)
            return FAIL;
    }
    return OK;
}

/* ------------------------------------------------------------------- looks */

static enum status read_hidden(struct reading *r, const struct json *list, struct look *out)
{
    out->hidden = arena_array(r->arena, (list ? list->len : 0) + 1, sizeof *out->hidden);
    json_each(one, list) {
        const struct column *column = column_named(r, one, "hidden");
        if (!column)
            return FAIL;
        out->hidden[out->hidden_count++] = column->id;
    }
    return OK;
}

enum status look_read(struct arena *arena, const struct table *table, const char *config,
                      struct look *out, struct err *err)
{
    struct err ignored = {0};
    struct reading r = {.arena = arena, .table = table, .err = err ? err : &ignored};
    *out = (struct look){0};
    const struct json *json = json_parse(arena, config, strlen(config), r.err);
    if (!json)
        return err_wrap(r.err, "reading a view");
    const struct json *filter = json_get(json, "filter");
    if (!json_is_null(filter)) {
        out->filter = arena_array(arena, 1, sizeof *out->filter);
        if (read_tree(&r, filter, "", out->filter) != OK)
            return FAIL;
    }
    if (read_sorts(&r, json_get(json, "sorts"), &out->sorts, &out->sort_count) != OK)
        return FAIL;
    return read_hidden(&r, json_get(json, "hidden"), out);
}

static void write_column(struct jw *w, const struct table *table, int64_t id, bool names)
{
    const struct column *column = names ? table_column_by_id(table, id) : NULL;
    if (column)
        jw_text(w, column->name);
    else
        jw_int(w, id);
}

static void write_test(struct jw *w, const struct table *table, const struct filter *f, bool names)
{
    jw_key(w, "column");
    write_column(w, table, f->column_id, names);
    if (f->kind == FILTER_STATE) {
        jw_key(w, "state");
        jw_array(w);
        for (int state = 0; state < CELL_STATES; state++)
            if (f->states >> state & 1)
                jw_text(w, cell_state_name((enum cell_state)state));
        jw_end_array(w);
        return;
    }
    jw_kv_text(w, "is", filter_test_name(f->test));
    if (!f->value_count)
        return;
    jw_key(w, "value");
    bool list = filter_test_values(f->test) != 1;
    if (list)
        jw_array(w);
    for (size_t i = 0; i < f->value_count; i++)
        jw_text_n(w, f->values[i].text, f->values[i].len);
    if (list)
        jw_end_array(w);
}

void filter_write(struct jw *w, const struct table *table, const struct filter *f, bool names)
{
    jw_object(w);
    switch (f->kind) {
    case FILTER_ALL:
    case FILTER_ANY:
        jw_key(w, f->kind == FILTER_ALL ? "all" : "any");
        jw_array(w);
        for (size_t i = 0; i < f->kid_count; i++)
            filter_write(w, table, &f->kids[i], names);
        jw_end_array(w);
        break;
    case FILTER_NOT:
        jw_key(w, "not");
        filter_write(w, table, &f->kids[0], names);
        break;
    case FILTER_SEARCH:
        jw_key(w, "search");
        jw_text_n(w, f->values[0].text, f->values[0].len);
        break;
    case FILTER_TEST:
    case FILTER_STATE:
        write_test(w, table, f, names);
        break;
    }
    jw_end_object(w);
}

const char *look_write(struct arena *arena, const struct table *table, const struct look *look,
                       bool names)
{
    struct buf out = BUF_INIT;
    struct jw w;
    jw_init(&w, &out);
    jw_object(&w);
    if (look->filter) {
        jw_key(&w, "filter");
        filter_write(&w, table, look->filter, names);
    }
    jw_key(&w, "sorts");
    jw_array(&w);
    for (size_t i = 0; i < look->sort_count; i++) {
        jw_object(&w);
        jw_key(&w, "column");
        write_column(&w, table, look->sorts[i].column_id, names);
        jw_kv_bool(&w, "descending", look->sorts[i].descending);
        jw_end_object(&w);
    }
    jw_end_array(&w);
    jw_key(&w, "hidden");
    jw_array(&w);
    for (size_t i = 0; i < look->hidden_count; i++)
        write_column(&w, table, look->hidden[i], names);
    jw_end_array(&w);
    jw_end_object(&w);
    const char *text = arena_strdup(arena, buf_text(&out));
    buf_free(&out);
    return text;
}
