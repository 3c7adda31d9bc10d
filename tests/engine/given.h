/* given.h - an engine over a scripted org, a real SQLite store and a fake clock,
 * that can be killed at any crash point.
 *
 * Dying: from the point on, nothing reaches disk or org any more (the store
 * answers "broken", the org answers nothing). given_reborn opens the same
 * directory again, as the next process would. */
#ifndef ARGIL_TESTS_ENGINE_GIVEN_H
#define ARGIL_TESTS_ENGINE_GIVEN_H

#include "connect/scripted/scripted.h"
#include "engine/engine.h"
#include "support/check.h"

#define SETTLE_MS 2000

struct given {
    struct engine engine;
    struct world *world;
    struct store *store; /* the real one */
    struct store shell;  /* what the engine holds: forwards until dead */
    struct scripted *org;
    struct arena *arena;
    struct err err;
    atomic_bool stop;
    bool dead;
    const char *die_at; /* crash point, or "written" = after the org acted, before the answer */
    int die_after;      /* 1 = the first time */
    int fail_lookups;   /* the next look-ups of the engine do not reach the org */
    int exchanges;      /* writes that went out */
    struct run_report report;
    struct sync_report sync;
    struct run_options options;
};
extern struct given g;

/* For EACH_TEST. */
void given_begin(void);
void given_end(void);
const char *given_home(void); /* a directory of the test's own; the data are in data/ */

/* The usual org: Contact (source), Lead (target; `lead_extra` = further fields as JSON, with a
 * leading comma, or ""). */
void given_org(const char *lead_extra, int contacts);
/* A table "people" over Contact with LastName, Email, Company; then computed columns. */
struct given_column {
    const char *name, *kind, *config, *only_run_if;
    enum value_type type;
};
void given_table(const struct given_column *columns, size_t count, const char *guard);
void given_synced(void);
enum status run(void); /* run_table with g.options */
void run_ok(void);
void die_at(const char *point, int after);
void given_reborn(void);
/* A backup of the data directory, also of a dead process's; and putting it back: the org stays
 * as it is. */
void given_backup(const char *name);
void given_restored(const char *name);

/* Looking. */
int64_t column_id(const char *name);
enum cell_state cell_state(const char *column, int row);
const char *cell_code(const char *column, int row);
const char *cell_value(const char *column, int row); /* row from 1; NULL = null */
struct op_counts ops(void);
struct op op_of(const char *column, int row);
size_t leads(void);
/* The id of the live Lead with this Email; NULL = none. */
const char *lead_with(const char *email);

#endif
