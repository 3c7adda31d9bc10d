/* fixture.h - an org with the standard objects, one administrator and a custom
 * object, and short ways to write records and read what came of it.
 *
 * Everything lives until the end of the test (EACH_TEST(given_org, org_gone)). */
#ifndef TESTS_LOCALORG_ORG_FIXTURE_H
#define TESTS_LOCALORG_ORG_FIXTURE_H

#include "localorg/org/dml.h"
#include "support/check.h"

extern struct org *org;
extern struct arena *arena;
extern struct world *world;        /* fake: starts at 2026-11-23T10:11:12.345Z */
extern struct dml_options options; /* of the next calls; given_org resets them */
extern char admin[19];

#define STARTED_MS 1795428672345ll

void given_org(void);
void org_gone(void);
/* One database file for the test, to close and open again. */
void given_org_file(const char *path);

const struct json *parsed(const char *text);
void given_object(const char *describe);
void given_field(const char *object, const char *field);
void given_rule(const char *rule);

struct sobject *object_of(const char *name);
/* One call with `count` rows; NULL bodies for delete and undelete. */
struct dml_result *rows(enum dml_kind kind, const char *object, const struct dml_row *rows,
                        size_t count);
struct dml_result *insert_all(const char *object, const char *json_array);
struct dml_result *update_all(const char *object, const char *json_array); /* each with "Id" */
struct dml_result *upsert_all(const char *object, const char *key, const char *json_array);

struct dml_result *inserted(const char *object, const char *body);
struct dml_result *updated(const char *object, const char *id, const char *body);
struct dml_result *upserted(const char *object, const char *key, const char *value,
                            const char *body);
struct dml_result *deleted(const char *object, const char *id);
struct dml_result *undeleted(const char *object, const char *id);

/* The id of a new record; the test fails when it was refused. */
const char *given(const char *object, const char *body);
/* "CODE: message [Field,Field]", errors joined by " / "; "done" for a success. */
const char *outcome(const struct dml_result *result);
/* What one column of the record holds, as text; NULL for null and for no such record. */
const char *stored(const char *object, const char *id, const char *column);
int64_t counted(const char *sql);

#define CHECK_OUTCOME(result, wanted) CHECK_STR(outcome(result), (wanted))

#endif
