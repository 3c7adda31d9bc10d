/* bench_org.c - records per CPU second through calls of 200, printed and not judged. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define CALLS 250
#define ROWS  200

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void tell(const char *what, double started)
{
    double took = seconds() - started;
    printf("%-44s %8.0f records per CPU second\n", what, CALLS * ROWS / took);
}

static void run(enum dml_kind kind, const char *what, const char *object, const char *key,
                const char *form, char ids[][19])
{
    struct arena *own = arena_new();
    struct dml_row list[ROWS];
    struct dml_result results[ROWS];
    struct err err = {0};
    double parsing = 0, started = seconds();
    for (int call = 0; call < CALLS; call++) {
        double before = seconds();
        for (int i = 0; i < ROWS; i++) {
            int n = call * ROWS + i;
            char *text = arena_printf(own, form, n, n, n, n);
            list[i] =
                (struct dml_row){.object = object_of(object),
                                 .body = json_parse(own, text, strlen(text), &err),
                                 .key = key ? sobject_field(object_of(object), key) : NULL,
                                 .id = kind == DML_UPDATE || kind == DML_DELETE ? ids[n] : NULL};
        }
        parsing += seconds() - before;
        CHECK_OK(org_dml(org, kind, &options, list, ROWS, results, own, &err), &err);
        for (int i = 0; i < ROWS; i++) {
            CHECK_STR(outcome(&results[i]), "done");
            memcpy(ids[call * ROWS + i], results[i].id, 19);
        }
        arena_reset(own);
    }
    tell(what, started + parsing);
    arena_free(own);
}

TEST(bench, collections_of_200)
{
    static char ids[CALLS * ROWS][19], other[CALLS * ROWS][19];
    given_org();
    given_field("Account", "{\"name\":\"Key__c\",\"type\":\"string\",\"externalId\":true,"
                           "\"unique\":true}");
    run(DML_INSERT, "insert Account, 6 fields, one unique", "Account", NULL,
        "{\"Name\":\"Account %d\",\"Key__c\":\"k%d\",\"Phone\":\"+49 228 %d\",\"Website\":"
        "\"www%d.example.com\",\"Industry\":\"Banking\",\"NumberOfEmployees\":17}",
        ids);
    run(DML_UPDATE, "update Account, 3 fields", "Account", NULL,
        "{\"Phone\":\"+49 30 %d\",\"Industry\":\"Energy\",\"Website\":\"w%d.example\"}", ids);
    run(DML_UPSERT, "upsert Account by external id, 3 fields", "Account", "Key__c",
        "{\"Key__c\":\"k%d\",\"Phone\":\"+1 %d\",\"Industry\":\"Media\"}", ids);
    run(DML_INSERT, "insert Contact, 5 fields", "Contact", NULL,
        "{\"FirstName\":\"Ann\",\"LastName\":\"Lee %d\",\"Email\":\"a%d@b.co\",\"Phone\":\"%d\","
        "\"Title\":\"CEO\"}",
        ids);
    given_rule("{\"name\":\"R\",\"object\":\"Lead\",\"fields\":[\"Email\"]}");
    run(DML_INSERT, "insert Lead under a duplicate rule", "Lead", NULL,
        "{\"LastName\":\"Lee %d\",\"Company\":\"C%d\",\"Email\":\"a%d@b.co\"}", other);
    run(DML_DELETE, "delete Contact", "Contact", NULL, "{}", ids);
    org_gone();
}
