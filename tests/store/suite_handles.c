/* suite_handles.c - several threads of one process on one workspace, and who
 * hears of what they change. */
#include "store/store_suite.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

static struct store *another(bool read_only)
{
    struct store *store = NULL;
    CHECK_OK(suite.does->open_another(suite.store, read_only, &store, &suite.err), &suite.err);
    return store;
}

static void set_auto(struct store *store, bool on)
{
    CHECK_OK(store->does->table_set_auto_update(store, suite.table.id, on, &suite.err), &suite.err);
}

static bool auto_of(struct store *store)
{
    struct table table;
    CHECK_OK(store->does->table_get(store, suite.arena, "Accounts", &table, &suite.err),
             &suite.err);
    return table.auto_update;
}

TEST(handles, share_the_workspace_and_its_epoch)
{
    struct store *second = another(false), *reader = another(true);
    CHECK_INT(second->epoch, suite.store->epoch);
    CHECK_STR(second->workspace_id, suite.store->workspace_id);
    set_auto(second, false);
    CHECK(!auto_of(suite.store));
    CHECK(!auto_of(reader));
    set_auto(suite.store, true);
    CHECK(auto_of(second));
    CHECK_FAIL(reader->does->table_set_auto_update(reader, suite.table.id, false, &suite.err),
               &suite.err, ERR_INVALID);
    reader->does->close(reader);
    second->does->close(second);
}

TEST(handles, the_last_one_lets_the_workspace_go)
{
    struct store *second = another(false), *rival = NULL;
    suite.does->close(suite.store);
    if (!store_factory.shared)
        CHECK_FAIL(store_factory.open(suite.world, false, &rival, &suite.err), &suite.err,
                   ERR_STORE_LOCKED);
    set_auto(second, false);
    suite.store = second;
    suite_reopen();
    CHECK(!auto_of(suite.store));
}

TEST(handles, a_reader_gives_no_writer)
{
    struct store *reader = another(true), *writer = NULL;
    CHECK_FAIL(reader->does->open_another(reader, false, &writer, &suite.err), &suite.err,
               ERR_INVALID);
    CHECK(writer == NULL);
    reader->does->close(reader);
}

TEST(handles, a_table_deleted_by_another_is_not_found_and_no_harm)
{
    struct store *reader = another(true);
    struct row_query query = {.table_id = suite.table.id, .limit = 10};
    struct row *rows;
    size_t count;
    CHECK_OK(suite.does->table_delete(suite.store, "Accounts", &suite.err), &suite.err);
    CHECK_FAIL(reader->does->rows(reader, suite.arena, &query, &rows, &count, &suite.err),
               &suite.err, ERR_NOT_FOUND);
    CHECK_FAIL(suite.does->rows(suite.store, suite.arena, &query, &rows, &count, &suite.err),
               &suite.err, ERR_NOT_FOUND);
    CHECK_OK(suite.does->audit_add(suite.store, "ann", "still writes", NULL, &suite.err),
             &suite.err);
    reader->does->close(reader);
}

/* ------------------------------------------------------------------ turns */

struct importer {
    struct store *store;
    atomic_bool stop;
    atomic_int pages, failed;
};

static void *import_without_pause(void *ctx)
{
    struct importer *im = ctx;
    int slots[] = {column_slot(NAME)};
    struct value value = {"Northwind", 9};
    while (!atomic_load(&im->stop)) {
        char key[32];
        snprintf(key, sizeof key, "k%08d", atomic_load(&im->pages));
        struct row_in row = {.key = key, .values = &value};
        struct import_page page = {.table_id = suite.table.id,
                                   .slots = slots,
                                   .slot_count = 1,
                                   .rows = &row,
                                   .row_count = 1,
                                   .update_existing = true};
        struct err err = {0};
        if (im->store->does->import_page(im->store, &page, NULL, &err) != OK)
            atomic_fetch_add(&im->failed, 1);
        atomic_fetch_add(&im->pages, 1);
    }
    return NULL;
}

/* No edit is kept waiting for more than the page that was under way and one that
 * queued before it, however busy the importer is. */
TEST(handles, an_edit_gets_in_between_the_pages_of_an_import)
{
    struct importer im = {.store = another(false)};
    struct store *editor = another(false);
    pthread_t thread;
    int late = 0;
    CHECK_INT(pthread_create(&thread, NULL, import_without_pause, &im), 0);
    while (atomic_load(&im.pages) < 2)
        sched_yield();
    for (int i = 0; i < 40; i++) {
        struct err err = {0};
        int before = atomic_load(&im.pages);
        enum status rc = editor->does->table_set_auto_update(editor, suite.table.id, i % 2, &err);
        late += rc != OK || atomic_load(&im.pages) - before > 20;
    }
    atomic_store(&im.stop, true);
    pthread_join(thread, NULL);
    CHECK_INT(late, 0);
    CHECK_INT(atomic_load(&im.failed), 0);
    CHECK_INT(row_count(), atomic_load(&im.pages));
    editor->does->close(editor);
    im.store->does->close(im.store);
}

/* ---------------------------------------------------------------- changes */

static struct {
    int rows, tables, runs, connections, operations, calls;
    int64_t last_row, table_id, id;
    bool many;
} heard;

static void hear(void *ctx, const struct store_change *change)
{
    heard.calls++;
    heard.table_id = change->table_id;
    if (change->noun == NOUN_ROWS) {
        heard.rows += (int)change->row_count;
        heard.many |= change->many;
        heard.last_row = change->row_count ? change->rows[change->row_count - 1] : 0;
    }
    heard.tables += change->noun == NOUN_TABLE;
    heard.runs += change->noun == NOUN_RUN;
    heard.connections += change->noun == NOUN_CONNECTION;
    heard.operations += change->noun == NOUN_OPERATION;
    if (change->noun == NOUN_RUN || change->noun == NOUN_CONNECTION)
        heard.id = change->id;
}

static void listen_to(struct store *store)
{
    memset(&heard, 0, sizeof heard);
    store->does->watch(store, &(struct store_watch){.changed = hear});
}

TEST(changes, of_rows_and_cells_name_the_rows)
{
    given_accounts((struct account[]){{"a", "1", "Northwind", "Retail", false}}, 1);
    listen_to(suite.store);
    put_cell("a", DOMAIN, CELL_OK, "nw.com");
    CHECK_INT(heard.calls, 1);
    CHECK_INT(heard.rows, 1);
    CHECK_INT(heard.last_row, row_id_of("a"));
    CHECK_INT(heard.table_id, suite.table.id);
    listen_to(suite.store);
    given_accounts((struct account[]){{"a", "2", "Northwind", "Trade", false},
                                      {"b", "2", "Contoso", NULL, false}},
                   2);
    CHECK_INT(heard.rows, 2);
    listen_to(suite.store);
    given_accounts((struct account[]){{"a", "2", "Northwind", "Trade", false}}, 1);
    CHECK_INT(heard.rows, 0);
}

TEST(changes, of_very_many_rows_are_not_named)
{
    struct account many[600];
    char keys[600][8];
    for (int i = 0; i < 600; i++) {
        snprintf(keys[i], sizeof keys[i], "k%04d", i);
        many[i] = (struct account){keys[i], "1", "N", NULL, false};
    }
    listen_to(suite.store);
    given_accounts(many, 600);
    CHECK(heard.many);
    CHECK_INT(heard.rows, 0);
    listen_to(suite.store);
    int64_t made;
    CHECK_OK(suite.does->cells_make_due(suite.store, suite.table.id, column_id(DOMAIN), 0, NULL, 0,
                                        &made, &suite.err),
             &suite.err);
    CHECK_INT(made, 0);
    CHECK(!heard.many);
}

TEST(changes, of_runs_tables_connections_and_operations_are_told)
{
    given_accounts((struct account[]){{"a", "1", "Northwind", "Retail", false}}, 1);
    listen_to(suite.store);
    struct run run = {.table_id = suite.table.id, .kind = "run", .cause = "person"};
    CHECK_OK(suite.does->run_begin(suite.store, &run, &suite.err), &suite.err);
    CHECK_OK(suite.does->run_end(suite.store, run.id, RUN_DONE, "{}", NULL, &suite.err),
             &suite.err);
    CHECK_INT(heard.runs, 2);
    CHECK_INT(heard.id, run.id);
    CHECK_INT(heard.table_id, suite.table.id);
    set_auto(suite.store, false);
    CHECK_INT(heard.tables, 1);
    CHECK_OK(suite.does->connection_put(suite.store, &suite.connection, &suite.err), &suite.err);
    CHECK_INT(heard.connections, 1);
    struct op op = given_op("a", 1, NULL, NULL);
    plan_op(&op);
    send_op(&op);
    settle_op(&op, OP_DONE, "00Q000000000001AAA");
    CHECK_INT(heard.operations, 2);
}

TEST(changes, that_are_rolled_back_are_not_told)
{
    listen_to(suite.store);
    CHECK_FAIL(suite.does->run_end(suite.store, 99999, RUN_DONE, "{}", NULL, &suite.err),
               &suite.err, ERR_NOT_FOUND);
    struct op_settle bad = {.id = 1, .from = OP_DONE, .to = OP_PLANNED};
    CHECK_FAIL(suite.does->ops_settle(suite.store, &bad, 1, NULL, 0, NULL, &suite.err), &suite.err,
               ERR_INVALID);
    CHECK_INT(heard.calls, 0);
}

TEST(changes, through_any_handle_reach_the_one_who_listens)
{
    listen_to(suite.store);
    struct store *second = another(false);
    set_auto(second, false);
    CHECK_INT(heard.tables, 1);
    second->does->close(second);
    suite.does->watch(suite.store, NULL);
    set_auto(suite.store, true);
    CHECK_INT(heard.tables, 1);
}
