/* store_suite.c - the stage of the suite: a workspace, a table, small verbs. */
#include "store/store_suite.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct suite suite;

static void open_store(void)
{
    CHECK_OK(store_factory.open(suite.world, false, &suite.store, &suite.err), &suite.err);
    suite.does = suite.store->does;
}

static void given_table(void)
{
    static int64_t name_only[] = {NAME}, both[] = {DOMAIN, INDUSTRY};
    struct column columns[COLUMNS] = {
        [NAME] = {.name = "Name", .kind = "source", .source_field = "Name"},
        [INDUSTRY] = {.name = "Industry", .kind = "source", .source_field = "Industry"},
        [DOMAIN] = {.name = "Domain",
                    .kind = "formula",
                    .config = "{\"formula\":\"f({{Name}})\"}",
                    .auto_update = true,
                    .depends = name_only,
                    .depend_count = 1},
        [LEAD] = {.name = "Lead",
                  .kind = "salesforce_create",
                  .config = "{\"object\":\"Lead\"}",
                  .auto_update = true,
                  .depends = both,
                  .depend_count = 2},
    };
    struct table table = {.name = "Accounts",
                          .recipe = "table: Accounts\n",
                          .source = "{\"connection\":\"prod\"}",
                          .connection = "prod",
                          .object = "Account",
                          .auto_update = true,
                          .columns = columns,
                          .column_count = COLUMNS};
    CHECK_OK(suite.does->table_apply(suite.store, &table, &suite.err), &suite.err);
    CHECK_OK(suite.does->table_get(suite.store, suite.arena, "Accounts", &suite.table, &suite.err),
             &suite.err);
}

void suite_begin(void)
{
    store_factory.clean();
    memset(&suite, 0, sizeof suite);
    suite.world = world_fake(1800000000000, 7);
    suite.arena = arena_new();
    open_store();
    suite.connection = (struct connection){.name = "prod",
                                           .connector = "salesforce",
                                           .environment = "local",
                                           .org_id = ORG,
                                           .status = "connected"};
    CHECK_OK(suite.does->connection_put(suite.store, &suite.connection, &suite.err), &suite.err);
    given_table();
    struct run run = {.table_id = suite.table.id, .kind = "sync", .cause = "person"};
    CHECK_OK(suite.does->run_begin(suite.store, &run, &suite.err), &suite.err);
    suite.run_id = run.id;
}

void suite_end(void)
{
    if (suite.store)
        suite.does->close(suite.store);
    arena_free(suite.arena);
    free(suite.world);
    memset(&suite, 0, sizeof suite);
    store_factory.clean();
}

void suite_reopen(void)
{
    suite.does->close(suite.store);
    suite.store = NULL;
    open_store();
}

EACH_TEST(suite_begin, suite_end)

/* ----------------------------------------------------------------- import */

struct value text_value(const char *text)
{
    return (struct value){text, text ? (uint32_t)strlen(text) : 0};
}

int64_t column_id(int position)
{
    return suite.table.columns[position].id;
}

int column_slot(int position)
{
    return suite.table.columns[position].slot;
}

struct import_counts given_page(const struct account *accounts, size_t count, bool first_load,
                                const char *cursor, enum when_deleted when_deleted)
{
    struct import_counts counts = {0};
    int slots[] = {column_slot(NAME), column_slot(INDUSTRY)};
    int64_t for_new[] = {column_id(DOMAIN), column_id(LEAD)};
    struct due_rule rules[] = {{slots[0], column_id(DOMAIN), suite.column_off},
                               {slots[1], column_id(LEAD), suite.column_off}};
    struct row_in *rows = arena_array(suite.arena, count + 1, sizeof *rows);
    for (size_t i = 0; i < count; i++) {
        struct value *values = arena_array(suite.arena, 2, sizeof *values);
        values[0] = text_value(accounts[i].name);
        values[1] = text_value(accounts[i].industry);
        rows[i] = (struct row_in){accounts[i].key, accounts[i].stamp, accounts[i].deleted, values};
    }
    struct import_page page = {.table_id = suite.table.id,
                               .run_id = suite.run_id,
                               .fields = (const char *const[]){"Name", "Industry"},
                               .slots = slots,
                               .slot_count = 2,
                               .rows = rows,
                               .row_count = count,
                               .cursor = cursor,
                               .update_existing = true,
                               .first_load = first_load,
                               .when_deleted = when_deleted,
                               .due_for_new = for_new,
                               .due_for_new_count = 2,
                               .due_for_change = rules,
                               .due_for_change_count = COUNT(rules),
                               .table_off = suite.table_off,
                               .keep_results = suite.keep_results};
    CHECK_OK(suite.does->import_page(suite.store, &page, &counts, &suite.err), &suite.err);
    return counts;
}

struct import_counts given_accounts(const struct account *accounts, size_t count)
{
    return given_page(accounts, count, false, NULL, DELETED_MARK);
}

/* ---------------------------------------------------------- rows and cells */

static struct row *row_of(const char *key)
{
    int slots[COLUMNS];
    for (int i = 0; i < COLUMNS; i++)
        slots[i] = column_slot(i);
    struct row_query query = {
        .table_id = suite.table.id, .slots = slots, .slot_count = COLUMNS, .deleted_too = true};
    struct row *rows;
    size_t count;
    CHECK_OK(suite.does->rows(suite.store, suite.arena, &query, &rows, &count, &suite.err),
             &suite.err);
    for (size_t i = 0; i < count; i++)
        if (strcmp(rows[i].key, key) == 0)
            return &rows[i];
    return NULL;
}

int64_t row_id_of(const char *key)
{
    const struct row *row = row_of(key);
    return row ? row->id : 0;
}

const char *cell_text(const char *key, int position)
{
    const struct row *row = row_of(key);
    CHECK(row != NULL);
    return row->values[position].text;
}

struct cell cell_of(const char *key, int position)
{
    struct cell cell;
    int64_t id = row_id_of(key);
    CHECK_OK(suite.does->cells(suite.store, suite.arena, suite.table.id, column_id(position), &id,
                               1, &cell, &suite.err),
             &suite.err);
    return cell;
}

void put_cell(const char *key, int position, enum cell_state state, const char *text)
{
    struct cell_result result = {.row_id = row_id_of(key),
                                 .column_id = column_id(position),
                                 .slot = column_slot(position),
                                 .state = state,
                                 .value = text_value(text),
                                 .set_value = true};
    int64_t due[] = {column_id(LEAD)};
    struct dependents dependents = {column_id(DOMAIN), due, 1};
    CHECK_OK(
        suite.does->cells_put(suite.store, suite.table.id, &result, 1, &dependents, 1, &suite.err),
        &suite.err);
}

size_t count_due(int position)
{
    int64_t by_state[CELL_STATES];
    CHECK_OK(suite.does->cells_count(suite.store, suite.table.id, column_id(position), by_state,
                                     &suite.err),
             &suite.err);
    return (size_t)by_state[CELL_DUE];
}

int64_t row_count(void)
{
    struct table table;
    CHECK_OK(suite.does->table_get(suite.store, suite.arena, "Accounts", &table, &suite.err),
             &suite.err);
    return table.row_count;
}

/* ------------------------------------------------------------- operations */

struct op given_op(const char *key, int64_t generation, const char *key_value, const char *target)
{
    return (struct op){.org_id = ORG,
                       .connection_id = suite.connection.id,
                       .table_id = suite.table.id,
                       .row_id = row_id_of(key),
                       .column_id = column_id(LEAD),
                       .run_id = suite.run_id,
                       .generation = generation,
                       .kind = target ? OP_UPDATE : OP_CREATE,
                       .object = "Lead",
                       .key_field = key_value ? "Ext__c" : NULL,
                       .key_value = key_value,
                       .target_id = target,
                       .payload = "{\"LastName\":\"Ng\"}",
                       .mode = MODE_SEALED};
}

enum plan_result plan_op(struct op *op)
{
    enum plan_result result;
    struct cell_result cell = {.row_id = op->row_id,
                               .column_id = op->column_id,
                               .slot = column_slot(LEAD),
                               .state = CELL_QUEUED};
    CHECK_OK(suite.does->ops_plan(suite.store, op, 1, &result, &cell, NULL, &suite.err), &suite.err);
    return result;
}

void send_op(struct op *op)
{
    int64_t deadline = suite.world->now_ms(suite.world) + 60000;
    CHECK_OK(suite.does->ops_sending(suite.store, op, 1, deadline, &suite.err), &suite.err);
}

struct op_settle settle_of(const struct op *op, enum op_state to)
{
    return (struct op_settle){.id = op->id, .epoch = op->epoch, .from = op->state, .to = to};
}

size_t settle_op(struct op *op, enum op_state to, const char *result_id)
{
    struct op_settle settle = settle_of(op, to);
    size_t fenced;
    settle.result_id = result_id;
    settle.evidence = "{\"status\":201}";
    settle.audit = "create Lead";
    settle.cell = (struct cell_result){.row_id = op->row_id,
                                       .column_id = op->column_id,
                                       .slot = column_slot(LEAD),
                                       .state = to == OP_DONE ? CELL_OK : CELL_QUEUED,
                                       .value = text_value(result_id),
                                       .set_value = to == OP_DONE,
                                       .op_id = op->id};
    CHECK_OK(suite.does->ops_settle(suite.store, &settle, 1, NULL, 0, &fenced, &suite.err),
             &suite.err);
    if (!fenced)
        op->state = to;
    return fenced;
}

struct op op_now(int64_t id)
{
    struct op_query query = {.after_id = id - 1, .limit = 1};
    struct op *ops;
    size_t count;
    CHECK_OK(suite.does->ops_list(suite.store, suite.arena, &query, &ops, &count, &suite.err),
             &suite.err);
    CHECK_INT(count, 1);
    CHECK_INT(ops[0].id, id);
    return ops[0];
}

struct op done_op(const char *key, int64_t generation, const char *payload, const char *record)
{
    struct op op = given_op(key, generation, NULL, record);
    op.payload = payload;
    CHECK_INT(plan_op(&op), PLAN_NEW);
    send_op(&op);
    CHECK_INT(settle_op(&op, OP_DONE, record), 0);
    return op;
}
