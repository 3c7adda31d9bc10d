/* test_formula.c - people's formulas give what they expect, and bad ones hurt
 * their own rows only. */
#include "formula/formula.h"
#include "formula/formula_priv.h"
#include "support/check.h"

#include "base/str.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct formula_engine *engine;
static struct arena *arena;

static void open_engine(void)
{
    engine = formula_engine_new(world_real(), WORKER);
    arena = arena_new();
}

static void close_engine(void)
{
    formula_engine_free(engine);
    arena_free(arena);
}

EACH_TEST(open_engine, close_engine)

static const char *const names[] = {"Website", "Company", "Company name", "Size"};
#define NAMES (sizeof names / sizeof *names)

/* One row; the result as text, "null", or "!message". */
static const char *value_of(const char *formula, const char *row)
{
    struct formula_result result = {0};
    struct err err = {0};
    if (formula_eval(engine, formula, names, NAMES, &row, 1, arena, &result, &err) != OK)
        return arena_printf(arena, "!!%s", err.message);
    if (result.state == FORMULA_OK)
        return result.json;
    return result.state == FORMULA_NULL ? "null" : arena_printf(arena, "!%s", result.message);
}

TEST(formula, reads_columns_and_paths)
{
    const char *row = "[\"https://www.Acme.example/x?a=1\",{\"facts\":[{\"industry\":\"Banking\"}]},\"Acme\",12]";
    CHECK_STR(value_of("new URL({{Website}}).hostname.replace(/^www\\./, '')", row), "\"acme.example\"");
    CHECK_STR(value_of("{{Company.facts[0].industry}}", row), "\"Banking\"");
    CHECK_STR(value_of("{{Company.facts[1].industry}} ?? 'none'", row), "\"none\"");
    CHECK_STR(value_of("{{ Company name }} + ' ' + {{Size}}", row), "\"Acme 12\"");
    CHECK_STR(value_of("{{Size}} > 10 && {{Size}} < 20", row), "true");
    CHECK_STR(value_of("`${{{Company name}}} of ${{{Size}} + 1}`", row), "\"Acme of 13\"");
    CHECK_STR(value_of("({a: {{Size}}, b: [1, 'x']})", row), "{\"a\":12,\"b\":[1,\"x\"]}");
    CHECK_STR(value_of("new URL({{Website}}).searchParams.get('a')", row), "\"1\"");
}

TEST(formula, null_and_undefined_are_null)
{
    const char *row = "[null,null,null,null]";
    CHECK_STR(value_of("{{Website}}?.trim()", row), "null");
    CHECK_STR(value_of("{{Company.a.b.c}}", row), "null");
    CHECK_STR(value_of("Number('x')", row), "null");
    CHECK_STR(value_of("undefined", row), "null");
    CHECK_STR(value_of("''", row), "\"\"");
    CHECK_STR(value_of("0", row), "0");
    CHECK_STR(value_of("false", row), "false");
}

TEST(formula, an_error_is_the_rows_own)
{
    const char *rows[] = {"[\"a\",null,null,1]", "[null,null,null,2]", "[\"c\",null,null,3]"};
    struct formula_result results[3] = {0};
    struct err err = {0};
    CHECK_OK(formula_eval(engine, "{{Website}}.toUpperCase()", names, NAMES, rows, 3, arena, results, &err), &err);
    CHECK_STR(results[0].json, "\"A\"");
    CHECK_INT(results[1].state, FORMULA_ERROR);
    CHECK_CONTAINS(results[1].message, "TypeError");
    CHECK_STR(results[2].json, "\"C\"");
}

TEST(formula, a_loop_hurts_its_own_row_only)
{
    const char *rows[] = {"[null,null,null,1]", "[null,null,null,2]", "[null,null,null,3]"};
    struct formula_result results[3] = {0};
    struct err err = {0};
    CHECK_OK(formula_eval(engine, "(() => { while ({{Size}} === 2); return {{Size}} })()", names, NAMES, rows, 3,
                          arena, results, &err), &err);
    CHECK_STR(results[0].json, "1");
    CHECK_INT(results[1].state, FORMULA_TIMEOUT);
    CHECK_STR(results[2].json, "3");
}

TEST(formula, a_memory_bomb_is_caught_or_costs_the_worker)
{
    const char *row = "[null,null,null,1]";
    CHECK_CONTAINS(value_of("(() => { const a = []; for (;;) a.push(new Array(1e6).fill(1)); })()", row), "!");
    CHECK_STR(value_of("1 + 1", row), "2");
}

/* Each ends in an error of its own row, and the next formula is none the worse. */
TEST(formula, bad_ones_end_in_their_own_error)
{
    const char *row = "[null,null,null,1]";
    static const struct {
        const char *formula, *said;
    } bad[] = {
        {"(function f() { return 1 + f() })()", "RangeError"},
        {"(() => { throw new Error('on purpose') })()", "on purpose"},
        {"(() => { throw null })()", "!"},
        {"(() => { throw {get message() { throw 1 }} })()", "!"},
        {"() => 1", "must give a value, not a function"},
        {"Symbol('x')", "must give a value, not a symbol"},
        {"10n", "!"},
        {"(() => { const a = {}; a.a = a; return a })()", "!"},
        {"({toJSON() { throw new Error('no') }})", "no"},
        {"new ArrayBuffer(10e9)", "!"},
        {"'x'.repeat(2 ** 31)", "!"},
        {"/(a+)+$/.test('a'.repeat(40) + '!')", ""}, /* given up by the engine, or timed out */
        {"'x'.repeat(70e6)", "!"}, /* more than a frame holds */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_CONTAINS(value_of(bad[i].formula, row), bad[i].said);
        CHECK_STR(value_of("{{Size}} + 1", row), "2");
    }
}

TEST(formula, has_no_way_out)
{
    const char *row = "[null,null,null,1]";
    CHECK_CONTAINS(value_of("fetch('http://127.0.0.1/')", row), "ReferenceError");
    CHECK_CONTAINS(value_of("require('fs')", row), "ReferenceError");
    CHECK_CONTAINS(value_of("process.exit()", row), "ReferenceError");
    CHECK_STR(value_of("typeof load + typeof print + typeof XMLHttpRequest", row), "\"undefinedundefinedundefined\"");
}

/* 0 = it came through, else its exit code, or 128 and the signal that ended it. */
static int tried(const char *way)
{
    int status = 0;
    pid_t pid = fork();
    if (pid == 0) {
        execl(SHUT_IN, "shut_in", way, (char *)NULL);
        _exit(4);
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

TEST(sandbox, each_way_out_is_shut)
{
    static const char *const ways[] = {"read a file", "write a file", "open a socket", "fork",
                                       "run a program", "make code", "lift a limit",
                                       "look at another process"};
    CHECK_INT(tried("nothing"), 0);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        int code = tried(ways[i]);
        if (code != 1 && code != 128 + SIGSYS)
            CHECK_STR(ways[i], "shut");
    }
}

TEST(formula, cannot_change_what_the_next_formula_sees)
{
    const char *row = "[\" x \",null,null,1]";
    CHECK_CONTAINS(value_of("(() => { String.prototype.trim = () => 'owned'; })()", row), "!");
    CHECK_CONTAINS(value_of("(() => { globalThis.leak = 1; })()", row), "!");
    CHECK_STR(value_of("{{Website}}.trim() + typeof leak", row), "\"xundefined\"");
}

TEST(formula, syntax_is_checked_before_use)
{
    struct err err = {0};
    CHECK_OK(formula_check(engine, "{{Any column}}?.length ?? 0", &err), &err);
    CHECK_FAIL(formula_check(engine, "1 +", &err), &err, ERR_FORMULA_SYNTAX);
    CHECK_FAIL(formula_check(engine, "", &err), &err, ERR_FORMULA_SYNTAX);
    CHECK_FAIL(formula_check(engine, "{{open", &err), &err, ERR_FORMULA_SYNTAX);
    CHECK_FAIL(formula_check(engine, "1); while (1); (2", &err), &err, ERR_FORMULA_SYNTAX);
    CHECK_FAIL(formula_check(engine, "let x = 1", &err), &err, ERR_FORMULA_SYNTAX);
}

/* Values of all sorts in one batch: nobody moves. */
TEST(formula, values_of_all_sorts_stand_in_one_batch)
{
    const char *rows[] = {"[null,null,null,1]", "[null,null,null,2]", "[null,null,null,3]", "[null,null,null,4]"};
    struct formula_result results[4] = {0};
    struct err err = {0};
    CHECK_OK(formula_eval(engine, "[null, 'a\"b', true, {x: 1}, 1 / 0][{{Size}}]", names, NAMES, rows, 4, arena,
                          results, &err), &err);
    CHECK_STR(results[0].json, "\"a\\\"b\"");
    CHECK_STR(results[1].json, "true");
    CHECK_STR(results[2].json, "{\"x\":1}");
    CHECK_INT(results[3].state, FORMULA_NULL); /* JSON has no infinity */
    CHECK_OK(formula_eval(engine, "{{Size}} === 3 ? null.x : {{Size}} === 2 ? null : -0.5", names, NAMES, rows, 4,
                          arena, results, &err), &err);
    CHECK_STR(results[0].json, "-0.5");
    CHECK_INT(results[1].state, FORMULA_NULL);
    CHECK_INT(results[2].state, FORMULA_ERROR);
    CHECK_STR(results[3].json, "-0.5");
}

TEST(formula, a_thousand_rows_keep_their_order)
{
    size_t count = 3500;
    const char **rows = arena_array(arena, count, sizeof *rows);
    struct formula_result *results = arena_array(arena, count, sizeof *results);
    struct err err = {0};
    for (size_t i = 0; i < count; i++)
        rows[i] = arena_printf(arena, "[null,null,null,%zu]", i);
    CHECK_OK(formula_eval(engine, "{{Size}} * 2", names, NAMES, rows, count, arena, results, &err), &err);
    for (size_t i = 0; i < count; i++)
        CHECK_STR(results[i].json, arena_printf(arena, "%zu", i * 2));
}

static void *ask_and_leave(void *answer)
{
    *(const char **)answer = value_of("{{Size}} + 1", "[null,null,null,1]");
    return NULL;
}

/* The threads of a pool leave when they are idle; the worker that one of them
 * started serves the next. */
TEST(formula, the_worker_outlives_the_thread_that_started_it)
{
    pthread_t thread;
    const char *answer = NULL;
    CHECK(pthread_create(&thread, NULL, ask_and_leave, &answer) == 0);
    pthread_join(thread, NULL);
    CHECK_STR(answer, "2");
    CHECK_STR(value_of("{{Size}} + 2", "[null,null,null,1]"), "3");
}

/* The child of this process; 0 = none. */
static pid_t worker_pid(void)
{
    DIR *proc = opendir("/proc");
    pid_t found = 0;
    for (struct dirent *entry; proc && (entry = readdir(proc));) {
        char path[300];
        int pid, parent;
        snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
        FILE *stat = atoi(entry->d_name) ? fopen(path, "r") : NULL;
        if (stat && fscanf(stat, "%d %*s %*c %d", &pid, &parent) == 2 && parent == getpid())
            found = pid;
        if (stat)
            fclose(stat);
    }
    if (proc)
        closedir(proc);
    return found;
}

TEST(formula, a_worker_that_crashed_between_requests_is_replaced)
{
    const char *row = "[null,null,null,1]";
    CHECK_STR(value_of("{{Size}} + 1", row), "2");
    pid_t first = worker_pid();
    CHECK(first > 0 && kill(first, SIGABRT) == 0);
    CHECK_STR(value_of("{{Size}} + 2", row), "3");
    CHECK(worker_pid() != first);
}

TEST(formula, a_missing_program_is_said)
{
    struct formula_engine *none = formula_engine_new(world_real(), "/nonexistent/argil");
    struct err err = {0};
    CHECK_FAIL(formula_check(none, "1", &err), &err, ERR_FORMULA_WORKER);
    formula_engine_free(none);
}

/* ------------------------------------------------------------ templates */

static const char *lookup(void *ctx, const char *ref)
{
    (void)ctx;
    if (text_eq(ref, "Name"))
        return "\"O'Dell & \\\"Sons\\\"\"";
    if (text_eq(ref, "Size"))
        return "12.50";
    if (text_eq(ref, "Facts"))
        return "{\"a\":1}";
    return NULL;
}

static const char *filled(const char *text, enum formula_slot slot, const char **missing)
{
    char *out = NULL;
    struct err err = {0};
    CHECK_OK(formula_fill(arena, text, slot, lookup, NULL, &out, missing, &err), &err);
    return out;
}

TEST(template, fills_by_slot)
{
    const char *missing = NULL;
    CHECK_STR(filled("{{Name}}: {{Size}}", SLOT_PLAIN, &missing), "O'Dell & \"Sons\": 12.50");
    CHECK_STR(filled("q={{Name}}&n={{ Size }}", SLOT_URL, &missing), "q=O%27Dell%20%26%20%22Sons%22&n=12.50");
    CHECK_STR(filled("{\"n\":\"{{Name}}\"}", SLOT_JSON_STRING, &missing), "{\"n\":\"O'Dell & \\\"Sons\\\"\"}");
    CHECK_STR(filled("{{Facts}}", SLOT_PLAIN, &missing), "{\"a\":1}");
    CHECK(missing == NULL);
    CHECK_STR(filled("a{{Nope}}b{{Neither}}", SLOT_PLAIN, &missing), "ab");
    CHECK_STR(missing, "Nope");
}

TEST(template, lists_references_once)
{
    struct formula_ref *refs = NULL;
    struct err err = {0};
    CHECK_OK(formula_refs(arena, "{{A}} {{ B.c[0] }} {{A}}", &refs, &err), &err);
    CHECK_STR(refs->text, "A");
    CHECK_STR(refs->next->text, "B.c[0]");
    CHECK(refs->next->next == NULL);
    CHECK_FAIL(formula_refs(arena, "{{A}} {{B", &refs, &err), &err, ERR_FORMULA_SYNTAX);
    CHECK_FAIL(formula_refs(arena, "{{ }}", &refs, &err), &err, ERR_FORMULA_SYNTAX);
}

/* --------------------------------------------------------------- libraries */

#define SKIP_WITHOUT_LIBRARIES()                                                                   \
    if (!formula_libraries_len) {                                                                  \
        printf("skipped: this build has no formula libraries\n");                                  \
        return;                                                                                    \
    }

TEST(libraries, are_known_by_their_names)
{
    const char *row = "[\"https://x.example\",[3,1,2],\"Acme Ltd\",12]";
    SKIP_WITHOUT_LIBRARIES();
    CHECK_STR(value_of("_.sortBy({{Company}}).join('-')", row), "\"1-2-3\"");
    CHECK_STR(value_of("lodash.camelCase({{Company name}})", row), "\"acmeLtd\"");
    CHECK_STR(value_of("_.chain({{Company}}).map(n => n * 2).sum().value()", row), "12");
    CHECK_STR(value_of("_.toString([1, 2]) + _.bind(function () { return this.a }, {a: 5})()", row),
              "\"1,25\"");
    CHECK_STR(value_of("dayjs('2026-01-31').add(1, 'month').format('D MMM YYYY')", row),
              "\"28 Feb 2026\"");
    CHECK_STR(value_of("dayjs('31/12/2025', 'DD/MM/YYYY').isoWeek()", row), "1");
    CHECK_STR(value_of("dayjs.tz('2026-07-01 12:00', 'Europe/Berlin').toISOString()", row),
              "\"2026-07-01T10:00:00.000Z\"");
    CHECK_STR(value_of("dayjs('2026-01-01').to(dayjs('2026-01-03'))", row), "\"in 2 days\"");
    CHECK_STR(value_of("dayjs(Date.UTC(2026, 0, 2))", row), "\"2026-01-02T00:00:00.000Z\"");
    CHECK_STR(value_of("SUM({{Company}}) + formulajs.MAX({{Company}})", row), "9");
    CHECK_STR(value_of("IF({{Size}} > 10, PROPER('aNN lee'), 'small')", row), "\"Ann Lee\"");
    CHECK_STR(value_of("VLOOKUP(2, [[1, 'a'], [2, 'b']], 2, false)", row), "\"b\"");
    CHECK_STR(value_of("new URL({{Website}}).hostname", row), "\"x.example\"");
    CHECK_CONTAINS(value_of("moment()", row), "dayjs has the same functions");
    struct err err = {0};
    CHECK_OK(formula_check(engine, "_.get({{Company}}, '[0]')", &err), &err);
}

TEST(libraries, stay_as_they_are)
{
    const char *row = "[null,null,null,null]";
    SKIP_WITHOUT_LIBRARIES();
    CHECK_CONTAINS(value_of("_.sum = () => 7", row), "!");
    CHECK_CONTAINS(value_of("dayjs.prototype.format = () => 'x'", row), "!");
    CHECK_CONTAINS(value_of("_.mixin({x: () => 1})", row), "would change other rows");
    CHECK_CONTAINS(value_of("dayjs.tz.setDefault('Asia/Tokyo')", row), "name the zone");
    CHECK_STR(value_of("dayjs.locale('xx')", row), "\"en\"");
    CHECK_CONTAINS(value_of("SUM = 1", row), "!");
    CHECK_CONTAINS(value_of("Object.prototype.x = 1", row), "!");
    CHECK_STR(value_of("_.sum([1, 2]) + SUM(3)", row), "6");
}

TEST(libraries, come_only_to_who_names_them)
{
    char name[8];
    CHECK(!formula_library_name("{{SUM}} + {{_}}.x + a._ + b.dayjs('x')", name, sizeof name));
    CHECK(!formula_library_name("new URL({{Website}}).hostname + JSON.stringify(x)", name, sizeof name));
    CHECK(!formula_library_name("_x + x_ + dayjsx + $_ + A + 'b' + {{a", name, sizeof name));
    CHECK(formula_library_name("1 + _.x", name, sizeof name));
    CHECK(formula_library_name("[..._.values(x)]", name, sizeof name));
    CHECK(formula_library_name("IF (a, b)", name, sizeof name));
    CHECK_STR(name, "IF");
    CHECK(formula_library_name("T.TEST(a)", name, sizeof name));
    CHECK(formula_library_name("CONCATENATE(a)", name, sizeof name));
    CHECK_STR(name, "CONCATE");
    CHECK(!formula_library_name("", name, sizeof name));
}
