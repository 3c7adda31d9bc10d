/* store_suite.h - what every driver of store.h must do, told once.
 *
 * A driver's test executable links suite_*.c and defines `store_factory`. Each
 * test starts on an empty workspace with the table "Accounts" in it:
 *
 *     Name      source, field Name
 *     Industry  source, field Industry
 *     Domain    formula over Name
 *     Lead      salesforce_create over Domain, Industry
 *
 * under a fake clock. `suite_reopen` closes and opens again, as a new process
 * would (the epoch grows). */
#ifndef ARGIL_TESTS_STORE_SUITE_H
#define ARGIL_TESTS_STORE_SUITE_H

#include "store/store.h"
#include "support/check.h"

struct store_factory {
    const char *name;
    void (*clean)(void); /* forget everything: the next open is of an empty workspace */
    enum status (*open)(struct world *world, bool read_only, struct store **out, struct err *err);
    void (*damage)(const char *sql); /* changes the data behind the driver's back */
    bool shared; /* several processes may have a workspace open to write */
};
extern const struct store_factory store_factory;

enum { NAME, INDUSTRY, DOMAIN, LEAD, COLUMNS }; /* positions in suite.table.columns */

struct suite {
    struct world *world;
    struct store *store;
    const struct store_driver *does;
    struct arena *arena;
    struct table table;
    struct connection connection;
    int64_t run_id;
    bool table_off, column_off, keep_results; /* of the pages that given_page imports */
    struct err err;
};
extern struct suite suite;

#define ORG "00D000000000001AAA"

void suite_begin(void);
void suite_end(void);
void suite_reopen(void);

/* One page of the two source columns. A row: key, stamp, name, industry. */
struct account {
    const char *key, *stamp, *name, *industry;
    bool deleted;
};
struct import_counts given_accounts(const struct account *accounts, size_t count);
struct import_counts given_page(const struct account *accounts, size_t count, bool first_load,
                                const char *cursor, enum when_deleted when_deleted);
#define GIVEN_ACCOUNTS(...)                                                                        \
    given_accounts((struct account[]){__VA_ARGS__},                                                \
                   sizeof((struct account[]){__VA_ARGS__}) / sizeof(struct account))

struct value text_value(const char *text); /* NULL is null */
int64_t column_id(int position);
int column_slot(int position);
int64_t row_id_of(const char *key);                   /* 0 = no such row, or removed */
const char *cell_text(const char *key, int position); /* NULL = null */
struct cell cell_of(const char *key, int position);
#define CHECK_CELL(key, position, wanted)                                                          \
    CHECK_STR(cell_state_name(cell_of((key), (position)).state), cell_state_name(wanted))
void put_cell(const char *key, int position, enum cell_state state, const char *text);
size_t count_due(int position);
int64_t row_count(void);

/* An operation of the Lead column for a row; key_value and target may be NULL. */
struct op given_op(const char *key, int64_t generation, const char *key_value, const char *target);
enum plan_result plan_op(struct op *op); /* with its cell as CELL_QUEUED */
void send_op(struct op *op);
struct op_settle settle_of(const struct op *op, enum op_state to);
size_t settle_op(struct op *op, enum op_state to, const char *result_id); /* how many were fenced */
struct op op_now(int64_t id);
struct op done_op(const char *key, int64_t generation, const char *payload, const char *record);

#endif
