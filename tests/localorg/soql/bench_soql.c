/* bench_soql.c - records a second that soql_write_json writes, on one core.
 *
 *     ninja bench_soql && tests/localorg/soql/bench_soql [records]
 *
 * Contacts of twenty fields, as a sync reads them: pages of 2,000 in keyset
 * order, three rounds each, best shown. The floor beside it only steps the
 * statement and looks at each value: what SQLite itself takes. */
#include "fixture.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { PAGE = 2000, ROUNDS = 3 };

static const char describe[] =
    "{\"name\":\"Row__c\",\"keyPrefix\":\"a00\",\"label\":\"Row\",\"queryable\":true,\"custom\":"
    "true,"
    "\"fields\":["
    "{\"name\":\"First__c\",\"type\":\"string\"},{\"name\":\"Last__c\",\"type\":\"string\"},"
    "{\"name\":\"Mail__c\",\"type\":\"email\"},{\"name\":\"Phone__c\",\"type\":\"phone\"},"
    "{\"name\":\"Title__c\",\"type\":\"string\"},{\"name\":\"Street__c\",\"type\":\"textarea\"},"
    "{\"name\":\"City__c\",\"type\":\"string\"},{\"name\":\"Country__c\",\"type\":\"string\"},"
    "{\"name\":\"Site__c\",\"type\":\"url\"},{\"name\":\"Stage__c\",\"type\":\"picklist\"},"
    "{\"name\":\"Amount__c\",\"type\":\"currency\"},{\"name\":\"Score__c\",\"type\":\"double\"},"
    "{\"name\":\"Count__c\",\"type\":\"int\"},{\"name\":\"Active__c\",\"type\":\"boolean\"},"
    "{\"name\":\"Day__c\",\"type\":\"date\"},{\"name\":\"Empty__c\",\"type\":\"string\"}]}";

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fill(struct fixture *f, long records)
{
    const struct json *json = json_parse(f->arena, describe, sizeof describe - 1, &f->err);
    if (!json || org_add_describe(f->org, json, &f->err) != OK) {
        fprintf(stderr, "%s\n", f->err.message);
        exit(1);
    }
    sql_run(
        f,
        arena_printf(
            f->arena,
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %ld) "
            "INSERT INTO Row__c "
            "(Id,IsDeleted,Name,First__c,Last__c,Mail__c,Phone__c,Title__c,Street__c,"
            "City__c,Country__c,Site__c,Stage__c,Amount__c,Score__c,Count__c,Active__c,Day__c,"
            "CreatedDate,"
            "SystemModstamp) SELECT printf('a00%%012dAAA', i), 0, 'Row number ' || i, 'Katherine', "
            "'Johnson-' || i, 'katherine.' || i || '@example.com', '+1 202 555 0123', "
            "'Vice President, Research', '1600 Amphitheatre Parkway', 'Mountain View', 'United "
            "States', "
            "'https://www.example.com/people/' || i, 'Prospecting', i * 10.25, i / 7.0, i %% 1000, "
            "i %% 2, "
            "'2026-11-25', 1795600800000 + i * 1000, 1795600800000 + i * 1000 FROM n",
            records));
}

static double read_all(struct fixture *f, const struct soql_plan *plan, long *records,
                       size_t *bytes)
{
    struct soql_cursor *cursor = soql_open(f->org, plan, &f->err);
    struct buf out = BUF_INIT;
    size_t written = PAGE;
    double start = now_s();
    for (*records = 0, *bytes = 0; written == PAGE; *records += (long)written) {
        buf_clear(&out);
        if (soql_write_json(cursor, "/services/data/v66.0", PAGE, &out, &written, &f->err) != OK)
            exit(1);
        *bytes += out.len;
    }
    double took = now_s() - start;
    soql_close(cursor);
    buf_free(&out);
    return took;
}

static double step_all(struct fixture *f, const struct soql_plan *plan)
{
    sqlite3 *db = org_reader_take(f->org);
    sqlite3_stmt *stmt = NULL;
    volatile int sum = 0;
    sqlite3_prepare_v2(db, plan->sql, -1, &stmt, NULL);
    soql_bind_all(stmt, plan->binds, plan->bind_count, 1);
    double start = now_s();
    while (sqlite3_step(stmt) == SQLITE_ROW)
        for (int i = 0; i < sqlite3_column_count(stmt); i++)
            sum += sqlite3_value_type(sqlite3_column_value(stmt, i));
    double took = now_s() - start;
    sqlite3_finalize(stmt);
    org_reader_give(f->org, db);
    return took;
}

static double count_all(struct fixture *f, const struct soql_plan *plan)
{
    struct soql_cursor *cursor = soql_open(f->org, plan, &f->err);
    double start = now_s();
    soql_total(cursor, &f->err);
    double took = now_s() - start;
    soql_close(cursor);
    return took;
}

static void bench(struct fixture *f, const char *what, const char *soql)
{
    double best = 1e9, floor_s = 1e9;
    long records = 0;
    size_t bytes = 0;
    struct soql_plan *plan = soql_compile(f->arena, &f->context, soql, &f->err);
    if (!plan) {
        fprintf(stderr, "%s\n", f->err.message);
        exit(1);
    }
    for (int round = 0; round < ROUNDS; round++) {
        double took = read_all(f, plan, &records, &bytes), floor_took = step_all(f, plan);
        best = took < best ? took : best;
        floor_s = floor_took < floor_s ? floor_took : floor_s;
    }
    printf("%-28s %8.0f records/s  %6.0f MB/s   (SQLite alone %8.0f; counting them %.0f ms)\n",
           what, (double)records / best, (double)bytes / best / 1e6, (double)records / floor_s,
           count_all(f, plan) * 1000);
}

int main(int argc, char **argv)
{
    struct fixture *f = fixture_new();
    fill(f, argc > 1 ? strtol(argv[1], NULL, 10) : 200000);
#define TWENTY                                                                                     \
    "Id, Name, First__c, Last__c, Mail__c, Phone__c, Title__c, Street__c, City__c, Country__c, "   \
    "Site__c, Stage__c, Amount__c, Score__c, Count__c, Active__c, Day__c, Empty__c, CreatedDate, " \
    "SystemModstamp"
    bench(f, "20 fields", "SELECT " TWENTY " FROM Row__c");
    bench(f, "20 fields, keyset order",
          "SELECT " TWENTY " FROM Row__c WHERE SystemModstamp > 2026-01-01T00:00:00Z ORDER BY "
          "SystemModstamp, Id");
    bench(f, "Id only", "SELECT Id FROM Row__c");
    bench(f, "5 fields and a parent",
          "SELECT Id, Name, Mail__c, Amount__c, Owner.Name FROM Row__c");
    fixture_free(f);
    return 0;
}
