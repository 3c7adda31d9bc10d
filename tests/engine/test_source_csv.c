/* test_source_csv.c - files as people have them become rows, and nothing of them
 * is lost without a word. Guards engine/sources/csv*.c, snapshot.c, upload.c. */
#include "engine/given_source.h"

#include "base/csv.h"
#include "base/str.h"
#include "engine/sources/propose.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

EACH_TEST(given_begin, given_end)

/* Recipes name files beside them; this one lies nowhere. */
static void given_csv(const char *text, size_t len)
{
    const char *path = given_file("people.csv", text, len);
    given_recipe("table: people\nsource:\n  csv: { file: %s, fields: [Email, {Name: Who}] }\n"
                 "  unique_by: [Email]\n",
                 path);
}
#define GIVEN_CSV(text) given_csv(text, sizeof(text) - 1)

TEST(csv, rows_come_in_and_only_changes_the_next_time)
{
    GIVEN_CSV("Email,Name,Other\na@x,Ann,1\nb@x,\"Bo, \"\"B\"\"\",2\n");
    sync_fine();
    CHECK_STR(rows_now(), "a@x: a@x | Ann\nb@x: b@x | Bo, \"B\"\n");
    CHECK_CONTAINS(g.sync.statement, "people.csv (utf-8, comma), 2 fields; 2 rows, the file has 2");
    GIVEN_CSV("Name,Email\nAnna,a@x\n\"Bo, \"\"B\"\"\",b@x\nCy,c@x\n");
    sync_fine();
    CHECK_INT(g.sync.counts.added, 1);
    CHECK_INT(g.sync.counts.changed, 1);
    CHECK_INT(g.sync.counts.unchanged, 1);
    CHECK_STR(rows_now(), "a@x: a@x | Anna\nb@x: b@x | Bo, \"B\"\nc@x: c@x | Cy\n");
}

TEST(csv, encodings_and_delimiters_are_found)
{
    GIVEN_CSV("\xEF\xBB\xBF"
              "Email;Name\r\na@x;J\xC3\xBCrgen\r\n");
    sync_fine();
    CHECK_STR(cell_value("Who", 1), "J\xC3\xBCrgen");
    GIVEN_CSV("Email\tName\ra@x\tJ\xFCrgen\r");
    sync_fine();
    CHECK_CONTAINS(g.sync.statement, "(windows-1252, tab)");
    CHECK_STR(cell_value("Who", 1), "J\xC3\xBCrgen");
    GIVEN_CSV("\xFF\xFE"
              "E\0m\0a\0i\0l\0|\0N\0a\0m\0e\0\n\0a\0@\0x\0|\0\xFC\0\n\0");
    sync_fine();
    CHECK_CONTAINS(g.sync.statement, "(utf-16le, bar)");
    CHECK_STR(cell_value("Who", 1), "\xC3\xBC");
}

TEST(csv, nothing_blank_and_null_are_apart)
{
    GIVEN_CSV("Email,Name\na@x,\nb@x,\"\"\nc@x,null\n");
    sync_fine();
    CHECK(cell_value("Who", 1) == NULL);
    CHECK_STR(cell_value("Who", 2), "");
    CHECK_STR(cell_value("Who", 3), "null");
}

TEST(csv, ragged_rows_are_padded_or_refused_by_name)
{
    GIVEN_CSV("Email,Name,Other\na@x\nb@x,Bo,2,,\nc@x,Cy,3,more\n,,\n\nd@x,Di,4\n");
    CHECK_OK(sync_people(false), &g.err);
    CHECK(!g.sync.complete);
    CHECK_STR(rows_now(), "a@x: a@x | -\nb@x: b@x | Bo\nd@x: d@x | Di\n");
    CHECK_CONTAINS(g.sync.statement, "NOT complete");
    CHECK_CONTAINS(g.sync.statement,
                   "fewer fields than the heading, whose missing cells are empty: 1");
    CHECK_CONTAINS(g.sync.statement, "nothing but delimiters, left out: 1");
    CHECK_CONTAINS(g.sync.statement, "problems: 1, see: argil source problems people");
    CHECK_STR(problems("source"),
              "4 csv.long_row 4 fields where the heading has 3: the row was not "
              "taken\n");
    GIVEN_CSV("Email,Name,Other\nc@x,Cy,3\n");
    sync_fine();
    CHECK_STR(problems("source"), ""); /* of the last reading only */
}

TEST(csv, a_key_twice_is_told_and_the_first_stands)
{
    GIVEN_CSV("Email,Name\na@x,Ann\nb@x,Bo\na@x,Another\n,Nobody\n");
    CHECK_OK(sync_people(false), &g.err);
    CHECK(!g.sync.complete);
    CHECK_STR(rows_now(), "a@x: a@x | Ann\nb@x: b@x | Bo\n");
    CHECK_CONTAINS(problems("source"), "4 source.repeated_key its key a@x was there before");
    CHECK_CONTAINS(problems("source"), "5 source.blank_key");
    CHECK_OK(sync_people(false), &g.err);
    CHECK_INT(g.sync.counts.changed, 0); /* not to and fro */
}

TEST(csv, nul_is_no_text)
{
    GIVEN_CSV("Email,Name\na@x,A\0nn\n");
    sync_fine();
    CHECK_STR(cell_value("Who", 1), "A\xEF\xBF\xBDnn");
    CHECK_CONTAINS(g.sync.statement, "NUL characters, now U+FFFD: 1");
}

TEST(csv, an_open_quote_says_where_it_began)
{
    GIVEN_CSV("Email,Name\na@x,Ann\nb@x,\"Bo\nc@x,Cy\n");
    CHECK_FAIL(sync_people(false), &g.err, ERR_CSV_OPEN_QUOTE);
    CHECK_STR(g.err.where, "line 3");
    CHECK(!g.sync.complete);
}

TEST(csv, what_is_no_csv_is_refused_when_applied)
{
    const char *path = GIVEN_FILE("people.xlsx", "PK\x03\x04...");
    CHECK_CONTAINS(
        refused_recipe("table: people\nsource:\n  csv: { file: %s, fields: all }\n", path),
        "people.yaml:3:16 csv.not_text");
    CHECK_CONTAINS(
        refused_recipe("table: people\nsource:\n  csv: { file: /nowhere, fields: all }\n"),
        "there is no file /nowhere");
    path = GIVEN_FILE("people.csv", "Email,Name\na,b\n");
    CHECK_CONTAINS(
        refused_recipe("table: people\nsource:\n  csv:\n    file: %s\n    fields: [Emial]\n", path),
        "people.yaml:5:14 recipe.unknown_field the source has no field `Emial` | did you "
        "mean `Email`?");
    CHECK_CONTAINS(refused_recipe("table: people\nsource:\n  csv:\n    file: %s\n    fields: all\n"
                                  "  unique_by: Mail\n",
                                  path),
                   "people.yaml:6:14 recipe.unknown_field");
    g.engine.local_files = false;
    CHECK_CONTAINS(
        refused_recipe("table: people\nsource:\n  csv: { file: %s, fields: all }\n", path),
        "recipe.no_local_files");
}

TEST(csv, types_are_kept_and_what_does_not_fit_is_told)
{
    const char *path = GIVEN_FILE("people.csv", "Email,Amount,On,Day\na@x,1.50,TRUE,2024-02-29\n"
                                                "b@x,\"1,50\",maybe,2023-02-29\nc@x,,,\n");
    given_recipe(
        "table: people\nsource:\n  csv:\n    file: %s\n    fields: [Email, {Amount: {type: "
        "number}}, {On: {type: checkbox}}, {Day: {column: Since, type: date}}]\n"
        "  unique_by: Email\n",
        path);
    CHECK_OK(sync_people(false), &g.err);
    CHECK_STR(rows_now(), "a@x: a@x | 1.50 | true | 2024-02-29\nb@x: b@x | - | - | -\n"
                          "c@x: c@x | - | - | -\n");
    CHECK_INT(g.sync.refused, 3);
    CHECK_CONTAINS(problems("source"), "3 cell.type column Amount: \"1,50\" is not a number");
}

TEST(csv, without_unique_by_a_row_is_its_line)
{
    const char *path = GIVEN_FILE("people.csv", "Name\nAnn\nAnn\n");
    given_recipe("table: people\nsource:\n  csv: { file: %s, fields: all }\n", path);
    sync_fine();
    CHECK_STR(rows_now(), "1: Ann\n2: Ann\n");
    sync_fine();
    CHECK_INT(g.sync.counts.unchanged, 2);
}

TEST(csv, when_deleted_mirrors_the_file)
{
    const char *path = GIVEN_FILE("people.csv", "Name\nAnn\nBo\nCy\n");
    given_recipe("table: people\nsource:\n  csv: { file: %s, fields: all }\n  unique_by: Name\n"
                 "  when_deleted: mark\n",
                 path);
    sync_fine();
    GIVEN_FILE("people.csv", "Name\nAnn\nDi\n");
    sync_fine();
    CHECK_STR(rows_now(), "Ann: Ann\nDi: Di\n");
    CHECK_INT(g.sync.counts.deleted, 2);
    GIVEN_FILE("people.csv", "Name\nBo\nAnn\nDi\n");
    sync_fine();
    CHECK_INT(g.sync.counts.revived, 1);
}

/* ------------------------------------------------------------ fault matrix */

TEST(csv, row_99_nothing_after_many_is_an_error_and_the_data_stay)
{
    struct buf text = BUF_INIT;
    buf_str(&text, "Name\n");
    for (int i = 0; i < 50; i++)
        buf_printf(&text, "P%d\n", i);
    const char *path = given_file("people.csv", text.data, text.len);
    buf_free(&text);
    given_recipe("table: people\nsource:\n  csv: { file: %s, fields: all }\n  unique_by: Name\n"
                 "  when_deleted: mark\n",
                 path);
    sync_fine();
    GIVEN_FILE("people.csv", "Name\n");
    CHECK_FAIL(sync_people(false), &g.err, "sync.empty");
    CHECK_INT(people_now().row_count, 50);
    GIVEN_FILE("people.csv", "Name\nP1\nP2\n");
    CHECK_FAIL(sync_people(false), &g.err, "sync.too_many_gone");
    CHECK_INT(people_now().row_count, 50);
    CHECK_OK(sync_people(true), &g.err);
    CHECK_INT(people_now().row_count, 2);
}

TEST(csv, row_101_a_column_that_is_gone_freezes_alone_and_is_filled_when_it_returns)
{
    GIVEN_CSV("Email,Name\na@x,Ann\n");
    sync_fine();
    GIVEN_FILE("people.csv", "Email\na@x\nb@x\n");
    sync_fine();
    CHECK_CONTAINS(g.sync.statement, "no longer readable, values kept as they were: Name");
    CHECK_STR(rows_now(), "a@x: a@x | Ann\nb@x: b@x | -\n");
    GIVEN_FILE("people.csv", "Email,Name\na@x,Anna\nb@x,Bo\n");
    sync_fine();
    CHECK_STR(rows_now(), "a@x: a@x | Anna\nb@x: b@x | Bo\n");
    GIVEN_FILE("people.csv", "Name\nAnna\n");
    CHECK_FAIL(sync_people(false), &g.err, "sync.key_gone"); /* what tells rows apart is needed */
    CHECK_STR(rows_now(), "a@x: a@x | Anna\nb@x: b@x | Bo\n");
}

TEST(csv, row_112_a_long_cell_is_stored_whole_or_told)
{
    size_t small = 131072, large = (size_t)11 << 20;
    struct buf text = BUF_INIT;
    buf_str(&text, "Email,Name\na@x,");
    memset(buf_room(&text, small), 'x', small);
    buf_added(&text, small);
    buf_str(&text, "\nb@x,\"");
    memset(buf_room(&text, large), 'y', large);
    buf_added(&text, large);
    buf_str(&text, "\"\nc@x,Cy\n");
    given_csv(text.data, text.len);
    buf_free(&text);
    CHECK_OK(sync_people(false), &g.err);
    CHECK_INT(strlen(cell_value("Who", 1)), small);
    CHECK(cell_value("Who", 2) == NULL);
    CHECK_STR(cell_value("Who", 3), "Cy");
    CHECK_CONTAINS(problems("source"), "3 csv.large_cell column Who: 11534336 bytes");
    CHECK(!g.sync.complete);
}

TEST(csv, a_kill_anywhere_loses_and_doubles_nothing)
{
    struct buf text = BUF_INIT;
    buf_str(&text, "Email,Name\n");
    for (int i = 0; i < 3500; i++)
        buf_printf(&text, "p%d@x,Person %d\n", i, i);
    given_csv(text.data, text.len);
    buf_free(&text);
    for (int at = 1; at <= 4; at++) {
        die_at("K16", at);
        CHECK(sync_people(false) != OK);
        given_reborn();
    }
    sync_fine();
    CHECK_INT(people_now().row_count, 3500);
    CHECK_INT(people_now().sources[0].row_count, 3500);
}

/* ----------------------------------------------------------------- uploads */

struct piece {
    const char *text;
    size_t len, at;
};

static ssize_t give(void *ctx, char *bytes, size_t room, struct err *err)
{
    struct piece *piece = ctx;
    size_t n = piece->len - piece->at < 5 ? piece->len - piece->at : 5;
    memcpy(bytes, piece->text + piece->at, n);
    piece->at += n;
    return (ssize_t)n;
}

static enum status upload(const char *text)
{
    struct piece piece = {text, strlen(text), 0};
    struct upload what = {"list.csv", give, &piece};
    err_clear(&g.err);
    return source_upload(&g.engine, "people", NULL, &what, &g.sync, &g.err);
}

TEST(upload, is_kept_and_read)
{
    given_recipe("table: people\nsource:\n  csv: { fields: [Email, Name] }\n");
    CHECK_FAIL(sync_people(false), &g.err, ERR_NOT_FOUND);
    CHECK_CONTAINS(g.err.hint, "argil source upload people");
    CHECK_OK(upload("Email,Name\na@x,Ann\n"), &g.err);
    CHECK(g.sync.complete);
    CHECK_CONTAINS(g.sync.statement, "for list.csv (utf-8, comma)");
    CHECK_OK(upload("Email,Name\na@x,Ann\n"), &g.err);
    CHECK_STR(rows_now(), "1:1: a@x | Ann\n2:1: a@x | Ann\n"); /* another file, other rows */
    sync_fine();
    CHECK_INT(g.sync.counts.unchanged, 1);
}

TEST(upload, is_all_there_or_not_at_all)
{
    given_recipe("table: people\nsource:\n  csv: { fields: [Email, Name] }\n  unique_by: Email\n");
    CHECK_OK(upload("Email,Name\na@x,Ann\n"), &g.err);
    die_at("U1", 1);
    CHECK(upload("Email,Name\nb@x,Bo\n") != OK);
    given_reborn();
    sync_fine();
    CHECK_STR(rows_now(), "a@x: a@x | Ann\n"); /* the former file still is the upload */
    CHECK_OK(upload("Email,Name\nc@x,Cy\n"), &g.err);
    CHECK_STR(rows_now(), "a@x: a@x | Ann\nc@x: c@x | Cy\n");
}

TEST(upload, that_is_no_csv_leaves_the_former_one)
{
    static const struct {
        const char *text, *code, *words;
    } bad[] = {
        {"", "csv.no_heading", "list.csv is empty"},
        {"\xEF\xBB\xBF\r\n", "csv.no_heading", "list.csv is empty"},
        {"\n<!DOCTYPE HTML>\n<html>", "csv.not_text", "list.csv is an HTML page"},
        {"{\"a\":1}\n", "csv.not_text", "list.csv is JSON"},
        {"<?xml version='1.0'?>", "csv.not_text", "list.csv is XML"},
        {"PK\x03\x04", "csv.not_text", "list.csv is an Excel workbook"},
    };
    given_recipe("table: people\nsource:\n  csv: { fields: [Email, Name] }\n  unique_by: Email\n");
    CHECK_OK(upload("Email,Name\na@x,Ann\n"), &g.err);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CHECK_FAIL(upload(bad[i].text), &g.err, bad[i].code);
        CHECK_CONTAINS(g.err.message, bad[i].words);
        sync_fine();
        CHECK_STR(rows_now(), "a@x: a@x | Ann\n");
    }
}

TEST(upload, to_a_table_without_such_a_source_is_refused)
{
    GIVEN_CSV("Email,Name\na@x,Ann\n");
    CHECK_FAIL(upload("x\n"), &g.err, ERR_NOT_FOUND);
    CHECK_CONTAINS(g.err.hint, "csv without `file`");
}

/* ---------------------------------------------------------------- proposing */

TEST(propose, types_by_every_value)
{
    const char *path = GIVEN_FILE(
        "people.csv", "Mail,Site,Amount,Zip,On,Day,At,Note\n"
                      "a@x.org,https://x.org,1,00123,true,2024-01-02,2024-01-02T03:04:05Z,x\n"
                      "b@x.org,https://y.org,2.5,04000,FALSE,2024-01-03,2024-01-02T03:04:06Z,x\n"
                      "c@x.org,,-3,1,,,,1\n");
    struct proposal proposal;
    CHECK_OK(source_propose(g.arena, path, &proposal, &g.err), &g.err);
    CHECK_INT(proposal.rows, 3);
    CHECK_INT(proposal.count, 8);
    static const enum value_type types[] = {TYPE_EMAIL,    TYPE_URL,  TYPE_NUMBER,   TYPE_TEXT,
                                            TYPE_CHECKBOX, TYPE_DATE, TYPE_DATETIME, TYPE_TEXT};
    for (size_t i = 0; i < 8; i++)
        CHECK_STR(value_type_name(proposal.columns[i].type), value_type_name(types[i]));
    CHECK(proposal.columns[0].unique);
    CHECK(!proposal.columns[1].unique);
    CHECK(!proposal.columns[7].unique);
    const char *recipe = proposal_recipe(g.arena, &proposal, "people", path);
    CHECK_CONTAINS(recipe, "{ \"Mail\": { type: email } }");
    CHECK_CONTAINS(recipe, "unique_by: \"Mail\"");
    given_recipe("%s", recipe); /* and it is a recipe */
    sync_fine();
}
