/* test_kinds.c - merge, extract, lookup_rows, waterfall, send_rows and script, by
 * recipes over files. Guards engine/columns/{merge,extract,lookup_rows,waterfall,
 * steps,send_rows,script,script_child}.c and engine/sources/sent.c. */
#include "engine/given_source.h"
#include "http/server.h"

#include "base/str.h"
#include "store/store_matches.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct http_server *server;
static atomic_int asked_a, asked_b;
static char origin[64];

/* /a knows acme only, /b everybody; /down fails, /broken is no JSON. */
static void answer(void *ctx, struct http_in *in, struct http_out *out)
{
    bool acme = in->query && strstr(in->query, "Acme");
    out->status = 200;
    if (strstr(in->path, "/a")) {
        atomic_fetch_add(&asked_a, 1);
        out->status = acme ? 200 : 404;
        buf_str(&out->body, acme ? "{\"size\":40}" : "{}");
    } else if (strstr(in->path, "/b")) {
        atomic_fetch_add(&asked_b, 1);
        buf_str(&out->body, "{\"size\":7}");
    } else {
        out->status = 403;
        buf_str(&out->body, "go away");
    }
}

static void begin(void)
{
    given_begin();
    struct http_server_options options = {.host = "127.0.0.1", .handler = answer};
    server = http_server_start(&options, &g.err);
    CHECK_GOT(server, &g.err);
    snprintf(origin, sizeof origin, "http://127.0.0.1:%d", http_server_port(server));
    atomic_store(&asked_a, 0);
    atomic_store(&asked_b, 0);
    signal(SIGPIPE, SIG_IGN);
    g.engine.http = http_client_new(g.world, "argil-test");
    g.engine.allow_private_http = true;
    g.engine.formula = formula_engine_new(world_real(), WORKER);
}

static void end(void)
{
    http_server_stop(server, 1000);
    given_end();
}
EACH_TEST(begin, end)

/* A table over a CSV of First, Last, Firm, Tags (json) with these columns. */
static void given_people(const char *columns)
{
    const char *path = GIVEN_FILE(
        "people.csv", "Id,First,Last,Firm,Tags\n"
                      "1,Ann,Lee,Acme,\"[{\"\"n\"\":\"\"a\"\"},{\"\"n\"\":\"\"b\"\"}]\"\n"
                      "2,Bo,,Bolt,[]\n3,,,Corn,\"[{\"\"n\"\":\"\"c\"\"}]\"\n");
    given_recipe("table: people\nsource:\n  csv:\n    file: %s\n    fields: [Id, First, Last, "
                 "Firm, {Tags: {type: json}}]\n  unique_by: Id\ncolumns:\n%s",
                 path, columns);
    sync_fine();
}

static void given_firms(void)
{
    const char *path = GIVEN_FILE("firms.csv", "Name,City\nAcme,Rome\nBolt,Bern\nacme,Oslo\n");
    given_recipe("table: firms\nsource:\n  csv:\n    file: %s\n    fields: [Name, City]\n", path);
    CHECK_OK(sync_table(&g.engine, "firms", false, &g.sync, &g.err), &g.err);
}

static void given_script(const char *name, const char *text)
{
    const char *dir = arena_printf(g.arena, "%s/scripts", g.engine.data);
    (void)mkdir(dir, 0700);
    const char *path = arena_printf(g.arena, "%s/%s", dir, name);
    FILE *file = fopen(path, "w");
    CHECK(file != NULL);
    fputs(text, file);
    CHECK_INT(fclose(file), 0);
    CHECK_INT(chmod(path, 0700), 0);
}

static const char *cell_message(const char *column, int row)
{
    struct table table = people_now();
    struct row *rows;
    size_t count;
    struct cell cell;
    struct row_query query = {.table_id = table.id, .limit = (size_t)row};
    CHECK_OK(g.store->does->rows(g.store, g.arena, &query, &rows, &count, &g.err), &g.err);
    CHECK_OK(g.store->does->cells(g.store, g.arena, table.id, column_id(column),
                                  &rows[row - 1].id, 1, &cell, &g.err),
             &g.err);
    return cell.message;
}

/* ------------------------------------------------------------------- merge */

TEST(merge, closes_the_gaps_that_missing_values_leave)
{
    given_people("  - name: Full\n    merge: \"{{First}}  {{Last}}\"\n"
                 "  - name: Strict\n    merge: { text: \"{{First}} {{Last}}\", when_blank: "
                 "no_result }\n"
                 "  - name: As is\n    merge: { text: \"<{{First}}  {{Last}}>\", keep_spaces: "
                 "true }\n"
                 "  - name: Mail\n    type: json\n    merge: \"{{First}}@{{Firm}}\"\n");
    run_ok();
    CHECK_STR(cell_value("Full", 1), "Ann Lee");
    CHECK_STR(cell_value("Full", 2), "Bo");
    CHECK_INT(cell_state("Full", 3), CELL_NO_RESULT);
    CHECK_STR(cell_value("Strict", 1), "Ann Lee");
    CHECK_INT(cell_state("Strict", 2), CELL_NO_RESULT);
    CHECK_STR(cell_value("As is", 2), "<Bo  >");
    CHECK_STR(cell_value("Mail", 1), "\"Ann@Acme\"");
}

/* ----------------------------------------------------------------- extract */

TEST(extract, takes_a_part_a_count_or_all_items)
{
    given_people("  - name: First tag\n    extract: \"{{Tags[0].n}}\"\n"
                 "  - name: Count\n    type: number\n    extract: { from: \"{{Tags}}\", take: "
                 "count }\n"
                 "  - name: Names\n    extract: { from: \"{{Tags}}\", take: joined, separator: "
                 "\" + \" }\n"
                 "  - name: Wrong\n    extract: { from: \"{{Firm}}\", take: count }\n");
    run_ok();
    CHECK_STR(cell_value("First tag", 1), "a");
    CHECK_INT(cell_state("First tag", 2), CELL_NO_RESULT);
    CHECK_STR(cell_value("Count", 1), "2");
    CHECK_STR(cell_value("Count", 2), "0");
    CHECK_STR(cell_value("Names", 1), "{\"n\":\"a\"} + {\"n\":\"b\"}");
    CHECK_STR(cell_code("Wrong", 1), "extract.no_list");
}

TEST(extract, wants_one_reference)
{
    const char *path = GIVEN_FILE("x.csv", "A\n1\n");
    CHECK_CONTAINS(refused_recipe("table: people\nsource:\n  csv: { file: %s, fields: [A] }\n"
                                  "columns:\n  - name: X\n    extract: \"{{A}} {{A}}\"\n",
                                  path),
                   "recipe.extract `from` is one reference");
}

/* ------------------------------------------------------------- lookup_rows */

TEST(lookup_rows, finds_the_row_that_matches)
{
    given_firms();
    given_people("  - name: Firm row\n    lookup_rows: { table: firms, match: { Name: "
                 "\"{{Firm}}\" } }\n"
                 "  - name: City\n    extract: \"{{Firm row.City}}\"\n"
                 "  - name: All\n    lookup_rows: { table: firms, match: { Name: \"{{Firm}}\" }, "
                 "find: many, ignore_case: true, return: City, limit: 1, first: newest }\n"
                 "  - name: Part\n    lookup_rows: { table: firms, match: { Name: \"{{Last}}\" }, "
                 "how: contains }\n");
    run_ok();
    CHECK_STR(cell_value("Firm row", 1), "{\"Name\":\"Acme\",\"City\":\"Rome\"}");
    CHECK_STR(cell_value("City", 2), "Bern");
    CHECK_INT(cell_state("Firm row", 3), CELL_NO_RESULT);
    CHECK_STR(cell_value("All", 1), "{\"count\":1,\"more\":true,\"rows\":[{\"City\":\"Oslo\"}]}");
    CHECK_STR(cell_value("All", 2), "{\"count\":1,\"more\":false,\"rows\":[{\"City\":\"Bern\"}]}");
    CHECK_INT(cell_state("Part", 2), CELL_NO_RESULT); /* blank matches nobody */
    CHECK_CONTAINS(cell_message("Part", 2), "is blank");
}

TEST(lookup_rows, says_what_is_not_there)
{
    given_firms();
    const char *path = GIVEN_FILE("x.csv", "A\n1\n");
    const char *said = refused_recipe(
        "table: people\nsource:\n  csv: { file: %s, fields: [A] }\ncolumns:\n"
        "  - name: X\n    lookup_rows: { table: firms, match: { Nam: \"{{A}}\" }, return: [Cty] }\n"
        "  - name: Y\n    lookup_rows: { table: nobody, match: { Name: \"{{A}}\" } }\n",
        path);
    CHECK_CONTAINS(said, "table \"firms\" has no column `Nam` | did you mean `Name`?");
    CHECK_CONTAINS(said, "table \"firms\" has no column `Cty` | did you mean `City`?");
    CHECK_CONTAINS(said, "no table \"nobody\"");
}

/* --------------------------------------------------------------- waterfall */

TEST(waterfall, asks_until_somebody_answers)
{
    given_people(arena_printf(
        g.arena,
        "  - name: Size\n    waterfall:\n      steps:\n"
        "        - name: A\n          http: { url: \"%s/a?q={{Firm}}\", allow_http: true }\n"
        "        - name: Own\n          formula: \"{{Firm}} == 'Bolt' ? {size: 1} : null\"\n"
        "          accept: \"{{answer.size}} > {{Id}}\"\n"
        "        - name: B\n          http: { url: \"%s/b?q={{Firm}}\", allow_http: true }\n"
        "  - name: Number\n    type: number\n    waterfall:\n      steps:\n"
        "        - formula: \"{{Size.value.size}}\"\n",
        origin, origin));
    run_ok();
    CHECK_STR(cell_value("Size", 1), "{\"by\":\"A\",\"value\":{\"size\":40}}");
    CHECK_STR(cell_value("Size", 2), "{\"by\":\"B\",\"value\":{\"size\":7}}"); /* 1 > 2 is not */
    CHECK_STR(cell_value("Size", 3), "{\"by\":\"B\",\"value\":{\"size\":7}}");
    CHECK_STR(cell_value("Number", 1), "40");
    CHECK_INT(atomic_load(&asked_a), 3);
    CHECK_INT(atomic_load(&asked_b), 2); /* whoever was answered asks nobody else */
}

TEST(waterfall, tells_why_nobody_answered)
{
    given_people(arena_printf(
        g.arena,
        "  - name: None\n    waterfall:\n      steps:\n        - name: Calm\n          formula: "
        "\"null\"\n"
        "  - name: Bad\n    waterfall:\n      steps:\n"
        "        - name: Down\n          http: { url: \"%s/down?q={{Firm}}\", allow_http: true }\n"
        "        - formula: \"''\"\n"
        "  - name: Strict\n    waterfall:\n      on_error: stop\n      steps:\n"
        "        - name: Down\n          http: { url: \"%s/down?q={{Firm}}\", allow_http: true }\n"
        "        - formula: \"1\"\n",
        origin, origin));
    run_ok();
    CHECK_INT(cell_state("None", 1), CELL_NO_RESULT);
    CHECK_STR(cell_message("None", 1), "Calm: no result");
    CHECK_STR(cell_code("Bad", 1), "waterfall.failed");
    CHECK_CONTAINS(cell_message("Bad", 1), "Down: ");
    CHECK_CONTAINS(cell_message("Bad", 1), "step 2: ");
    CHECK_STR(cell_code("Strict", 1), "http.status_403");
}

TEST(waterfall, is_checked_to_the_bottom)
{
    const char *path = GIVEN_FILE("x.csv", "A\n1\n");
    const char *said = refused_recipe(
        "table: people\nsource:\n  csv: { file: %s, fields: [A] }\ncolumns:\n"
        "  - name: X\n    waterfall:\n      steps:\n"
        "        - http: { uri: \"https://x\" }\n"
        "        - salesforce_create: { object: Lead }\n"
        "        - { name: Empty }\n"
        "  - name: Y\n    waterfall: { steps: [] }\n",
        path);
    CHECK_CONTAINS(said, "people.yaml:8:19 recipe.unknown_key http has no option \"uri\"");
    CHECK_CONTAINS(said, "http needs \"url\"");
    CHECK_CONTAINS(said, "`salesforce_create` cannot be a step: it writes");
    CHECK_CONTAINS(said, "this step does not say what it does");
    CHECK_CONTAINS(said, "steps wants a list of 1 to 20 steps");
    said = refused_recipe("table: people\nsource:\n  csv: { file: %s, fields: [A] }\ncolumns:\n"
                          "  - name: X\n    waterfall:\n      steps:\n"
                          "        - { formula: \"{{B}}\", accept: \"{{answer}} >\" }\n",
                          path);
    CHECK_CONTAINS(said, "there is no column `B`");
    CHECK_CONTAINS(said, "accept: ");
}

/* --------------------------------------------------------------- send_rows */

static void given_target(const char *unique)
{
    given_recipe("table: tags\nsource:\n  sent: { fields: [Tag, Person, {n: {column: N, type: "
                 "number}}] }\n%scolumns:\n  - name: Loud\n    formula: "
                 "\"{{Tag}}?.toUpperCase()\"\n",
                 unique);
}

static const char *target_rows(void)
{
    struct table table;
    struct row *rows;
    size_t count;
    struct buf text = BUF_INIT;
    int slots[2];
    CHECK_OK(g.store->does->table_get(g.store, g.arena, "tags", &table, &g.err), &g.err);
    slots[0] = table_column(&table, "Tag")->slot;
    slots[1] = table_column(&table, "Person")->slot;
    struct row_query query = {.table_id = table.id, .slots = slots, .slot_count = 2};
    CHECK_OK(g.store->does->rows(g.store, g.arena, &query, &rows, &count, &g.err), &g.err);
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "%s%s/%s", i ? " " : "",
                   rows[i].values[0].text ? rows[i].values[0].text : "-",
                   rows[i].values[1].text ? rows[i].values[1].text : "-");
    const char *kept = arena_strdup(g.arena, buf_text(&text));
    buf_free(&text);
    return kept;
}

#define SEND_ITEMS                                                                                 \
    "  - name: Out\n    send_rows: { table: tags, list: \"{{Tags}}\", set: { Tag: "                \
    "\"{{item.n}}\", Person: \"{{First}} of {{Firm}}\" } }\n"

TEST(send_rows, gives_a_row_for_each_item_and_no_second_one)
{
    given_target("");
    given_people(SEND_ITEMS);
    run_ok();
    CHECK_STR(target_rows(), "a/Ann of Acme b/Ann of Acme c/ of Corn");
    CHECK_STR(cell_value("Out", 1), "{\"table\":\"tags\",\"rows\":2}");
    CHECK_STR(cell_value("Out", 2), "{\"table\":\"tags\",\"rows\":0}");
    CHECK_INT(g.report.rows_sent, 3);
    CHECK_INT(g.report.sent_to_count, 1);
    CHECK_STR(g.report.sent_to[0], "tags");
    g.options.all = true;
    run_ok();
    CHECK_STR(target_rows(), "a/Ann of Acme b/Ann of Acme c/ of Corn");
    CHECK_INT(g.report.rows_sent, 0);
    GIVEN_FILE("people.csv", "Id,First,Last,Firm,Tags\n1,Ann,Lee,Acme,\"[{\"\"n\"\":\"\"z\"\"}]\"\n");
    g.options.all = false;
    sync_fine();
    run_ok();
    CHECK_CONTAINS(target_rows(), "z/Ann of Acme b/Ann of Acme"); /* what is gone stays there */
    CHECK_OK(run_table(&g.engine, "tags", &g.options, &g.report, &g.err), &g.err);
    CHECK_INT(g.report.cells_computed, 3);
}

TEST(send_rows, goes_by_unique_by_where_there_is_one)
{
    given_target("  unique_by: Tag\n");
    given_people("  - name: Out\n    send_rows: { table: tags, set: { Tag: \"{{Last}}\", Person: "
                 "\"{{First}}\", n: \"{{Id}}\" } }\n"
                 "  - name: Bad\n    send_rows: { table: tags, set: { Tag: \"{{Firm}}\", n: "
                 "\"{{Firm}}\" } }\n");
    run_ok();
    CHECK_STR(target_rows(), "Lee/Ann");
    CHECK_STR(cell_code("Out", 2), "send.blank_key");
    CHECK_STR(cell_code("Bad", 1), "cell.type"); /* Acme is no number */
}

TEST(send_rows, refuses_circles_and_unknown_fields)
{
    given_target("");
    given_people(SEND_ITEMS);
    const char *said =
        refused_recipe("table: tags\nsource:\n  sent: { fields: [Tag, Person, n] }\ncolumns:\n"
                       "  - name: Back\n    send_rows: { table: people, set: { X: \"{{Tag}}\" } }\n");
    CHECK_CONTAINS(said, "recipe.cycle the tables `tags` and `people` would feed each other");
    CHECK_CONTAINS(said, "table \"people\" takes no rows that are sent");
    said = refused_recipe("table: more\nsource:\n  sent: { fields: [A] }\ncolumns:\n"
                          "  - name: X\n    send_rows: { table: tags, set: { Tga: \"{{A}}\" } }\n"
                          "  - name: Y\n    send_rows: { table: more, set: { A: \"{{A}}\" } }\n");
    CHECK_CONTAINS(said, "takes no field `Tga` | did you mean `Tag`?");
    CHECK_CONTAINS(said, "the tables `more` and `more` would feed each other");
}

TEST(send_rows, is_not_doubled_by_a_death_between_the_stores)
{
    given_target("");
    given_people(SEND_ITEMS);
    g.options.dry_run = true;
    run_ok();
    CHECK_STR(target_rows(), "");
    CHECK_INT(g.report.planned, 3);
    g.options.dry_run = false;
    run_ok();
    /* as if the cells had not been stored: everything is sent once more */
    int64_t made;
    CHECK_OK(g.store->does->cells_make_due(g.store, people_now().id, column_id("Out"), 0, NULL, 0,
                                           &made, &g.err),
             &g.err);
    CHECK_INT(made, 3);
    given_reborn();
    run_ok();
    CHECK_STR(target_rows(), "a/Ann of Acme b/Ann of Acme c/ of Corn");
}

/* ------------------------------------------------------------------ script */

#define SCRIPT_COLUMN(options)                                                                     \
    "  - name: S\n    script: { run: it, input: { firm: \"{{Firm}}\", tags: \"{{Tags}}\" }"        \
    options " }\n"

TEST(script, computes_a_batch)
{
    given_script("it", "#!/usr/bin/env python3\nimport sys, json, os\nfor line in sys.stdin:\n"
                       "  r = json.loads(line)\n  i = r['input']\n"
                       "  if i['firm'] == 'Bolt': print(json.dumps({'id': r['id'], 'error': 'no "
                       "bolts'}))\n"
                       "  elif i['firm'] == 'Acme': print(json.dumps({'id': r['id'], 'value': "
                       "{'n': len(i['tags']), 'env': sorted(k for k in os.environ if k not in "
                       "('LC_CTYPE', 'PWD', 'SHLVL', '_')), 'key': os.environ['KEY'], 'args': "
                       "sys.argv[1:]}}))\n"
                       "  else: print(json.dumps({'id': r['id'], 'value': None}))\n");
    struct secret secret = {0};
    secret_set(&secret, "s3cr3t", 6);
    CHECK_OK(engine_secret_put(&g.engine, "key", &secret, &g.err), &g.err);
    secret_wipe(&secret);
    setenv("SECRET_OF_OURS", "x", 1);
    given_people(SCRIPT_COLUMN(", args: [--fast], env: { KEY: \"{{secret:key}}\" }"));
    run_ok();
    CHECK_STR(cell_value("S", 1), "{\"n\":2,\"env\":[\"KEY\",\"LANG\",\"PATH\",\"TZ\"],\"key\":"
                                  "\"******\",\"args\":[\"--fast\"]}");
    CHECK_STR(cell_code("S", 2), "script.error");
    CHECK_STR(cell_message("S", 2), "no bolts");
    CHECK_INT(cell_state("S", 3), CELL_NO_RESULT);
}

TEST(script, rows_without_a_line_are_told)
{
    given_script("it", "#!/bin/sh\necho it went wrong >&2\necho '{\"id\":1,\"value\":5}'\n"
                       "echo nonsense\necho '{\"id\":99,\"value\":5}'\nexit 3\n");
    given_people(SCRIPT_COLUMN(""));
    run_ok();
    CHECK_STR(cell_value("S", 1), "5");
    CHECK_STR(cell_code("S", 2), "script.no_answer");
    CHECK_CONTAINS(cell_message("S", 2), "exit code 3");
    CHECK_CONTAINS(cell_message("S", 2), "it went wrong");
}

TEST(script, has_ends_to_its_time_and_its_words)
{
    given_script("it", "#!/bin/sh\necho '{\"id\":1,\"value\":5}'\nsleep 100 &\nsleep 100\n");
    given_people(SCRIPT_COLUMN(", timeout: 1"));
    run_ok();
    CHECK_STR(cell_value("S", 1), "5"); /* what was said in time stands */
    CHECK_STR(cell_code("S", 2), "script.timeout");
    given_script("it", "#!/bin/sh\nyes\n");
    given_people(SCRIPT_COLUMN(", max_bytes: 1000"));
    g.options.all = true;
    run_ok();
    CHECK_STR(cell_code("S", 2), "script.too_large");
    given_script("it", "#!/bin/sh\nkill -9 $$\n");
    run_ok();
    CHECK_STR(cell_code("S", 2), "script.failed");
    given_script("it", "#!/no/such/shell\n");
    run_ok();
    CHECK_STR(cell_code("S", 2), "script.failed");
}

TEST(script, only_programs_of_the_directory_are_run)
{
    const char *path = GIVEN_FILE("x.csv", "A\n1\n");
    const char *said = refused_recipe(
        "table: people\nsource:\n  csv: { file: %s, fields: [A] }\ncolumns:\n"
        "  - name: X\n    script: { run: ../sh, input: { a: \"{{A}}\" } }\n"
        "  - name: Y\n    script: { run: nobody, input: { a: \"{{A}}\" }, env: { LD_PRELOAD: x, K: "
        "\"{{A}}\" } }\n",
        path);
    CHECK_CONTAINS(said, "script.name \"../sh\" is no plain name");
    CHECK_CONTAINS(said, "script.missing there is no program \"nobody\"");
    CHECK_CONTAINS(said, "`LD_PRELOAD` is no variable");
    CHECK_CONTAINS(said, "{{A}} differs by row");
}

TEST(script, is_not_run_by_a_preview_or_a_plan)
{
    given_script("it", "#!/bin/sh\ntouch \"$0.ran\"\n");
    given_people(SCRIPT_COLUMN(""));
    g.options.dry_run = true;
    run_ok();
    CHECK_INT(access(arena_printf(g.arena, "%s/scripts/it.ran", g.engine.data), F_OK), -1);
    CHECK_INT(cell_state("S", 1), CELL_DUE);
}

/* ------------------------------------------------------------- required, delay */

TEST(required, rows_that_lack_it_wait)
{
    given_people("  - name: Full\n    merge: \"{{First}} {{Firm}}\"\n    required: [Last]\n");
    run_ok();
    CHECK_STR(cell_value("Full", 1), "Ann Acme");
    CHECK_INT(cell_state("Full", 2), CELL_WAITING);
    CHECK_STR(cell_code("Full", 2), "input.missing");
    CHECK_STR(cell_message("Full", 2), "needs \"Last\", which is blank");
    GIVEN_FILE("people.csv", "Id,First,Last,Firm,Tags\n1,Ann,Lee,Acme,[]\n2,Bo,Ray,Bolt,[]\n3,,,Corn,[]\n");
    sync_fine();
    run_ok();
    CHECK_STR(cell_value("Full", 2), "Bo Bolt"); /* though no template reads it */
}

TEST(delay, a_cell_computes_so_long_after_it_became_due)
{
    given_people("  - name: Soon\n    merge: \"{{First}}!\"\n    delay: 10s\n"
                 "  - name: Late\n    merge: \"{{First}}?\"\n    delay: 10m\n");
    int64_t before = g.world->now_ms(g.world);
    run_ok();
    CHECK(g.world->now_ms(g.world) - before >= 9000); /* a run waits for what is soon */
    CHECK_STR(cell_value("Soon", 1), "Ann!");
    CHECK_INT(cell_state("Late", 1), CELL_DUE);
    CHECK_INT(g.report.cells_delayed, 3);
    CHECK(g.report.again_ms > g.world->now_ms(g.world));
    world_fake_advance(g.world, 600000);
    run_ok();
    CHECK_STR(cell_value("Late", 1), "Ann?");
    CHECK_INT(g.report.cells_delayed, 0);
    CHECK_INT(g.report.again_ms, 0);
}

TEST(rules, are_checked_with_the_recipe)
{
    const char *path = GIVEN_FILE("x.csv", "A\n1\n");
    const char *said = refused_recipe(
        "table: people\nsource:\n  csv: { file: %s, fields: [A] }\ncolumns:\n"
        "  - { name: X, merge: \"{{A}}\", required: [B], delay: soon }\n"
        "  - { name: Y, merge: \"{{A}}\", required: A, delay: 25h }\n",
        path);
    CHECK_CONTAINS(said, "there is no column `B`");
    CHECK_CONTAINS(said, "`delay` must be a time from 1s to 24h");
    CHECK_CONTAINS(said, "`required` must be a list");
}

TEST(schedule, of_a_column_is_checked_and_kept_with_the_recipe)
{
    const char *path = GIVEN_FILE("x.csv", "A\n1\n");
    const char *said = refused_recipe(
        "table: people\nsource:\n  csv: { file: %s, fields: [A] }\ncolumns:\n"
        "  - { name: X, merge: \"{{A}}\", schedule: now and then }\n"
        "  - { name: Y, merge: \"{{A}}\", schedule: live }\n"
        "  - { name: Z, merge: \"{{A}}\", schedule: { rows: all } }\n"
        "  - { name: U, merge: \"{{A}}\", schedule: { every: 1h, rows: some, often: yes } }\n"
        "  - { name: V, input: {}, schedule: 1h }\n",
        path);
    CHECK_CONTAINS(said, "`schedule`: `now and then` is not a schedule");
    CHECK_CONTAINS(said, "a column has no schedule `live`");
    CHECK_CONTAINS(said, "`schedule` needs `every`");
    CHECK_CONTAINS(said, "`rows` cannot be `some`");
    CHECK_CONTAINS(said, "unknown key `often`");
    CHECK_CONTAINS(said, "people type this one");
    given_people("  - { name: P, merge: \"{{First}}\", schedule: 24h }\n"
                 "  - { name: Q, merge: \"{{First}}\", schedule: { every: mon at 06:00, rows: errors } }\n");
    struct table table;
    CHECK_OK(g.store->does->table_get(g.store, g.arena, "people", &table, &g.err), &g.err);
    CHECK_STR(table_column(&table, "P")->rules, "{\"schedule\":{\"every\":\"24h\",\"rows\":\"all\"}}");
    CHECK_STR(table_column(&table, "Q")->rules, "{\"schedule\":{\"every\":\"mon at 06:00\",\"rows\":\"errors\"}}");
}
