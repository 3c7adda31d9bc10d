/* test_migrate.c - a workspace of the first release is brought forward: with operations in
 * every state (row 116 of the fault matrix), and on a disk that dies at each write (row 117). */
#include "store/failing_vfs.h"
#include "store/store.h"
#include "support/check.h"

#include "base/buf.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char data[256];
static struct err err;
static struct arena *arena;

static void remove_all(void)
{
    char command[320];
    snprintf(command, sizeof command, "rm -rf '%s'", data);
    if (system(command) != 0)
        abort();
}

static void before(void)
{
    const char *temp = getenv("TMPDIR");
    snprintf(data, sizeof data, "%s/argil-migrate-%ld", temp ? temp : "/tmp", (long)getpid());
    remove_all();
    arena = arena_new();
}

static void after(void)
{
    arena_free(arena);
    remove_all();
}

EACH_TEST(before, after)

static sqlite3 *file_open(void)
{
    char path[320];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/workspace.db", data);
    CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
    return db;
}

static void file_run(const char *sql)
{
    sqlite3 *db = file_open();
    CHECK_INT(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static int file_version(void)
{
    sqlite3 *db = file_open();
    sqlite3_stmt *stmt;
    CHECK_INT(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &stmt, NULL), SQLITE_OK);
    CHECK_INT(sqlite3_step(stmt), SQLITE_ROW);
    int version = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return version;
}

/* The file that the first release wrote, and `more` SQL. */
static void given_first_release(const char *more)
{
    struct buf sql = BUF_INIT;
    char piece[4096];
    size_t n;
    FILE *file = fopen(SCHEMA_1, "rb");
    CHECK(file != NULL);
    buf_str(&sql, "PRAGMA synchronous=OFF; BEGIN;"); /* made once, in no time */
    while ((n = fread(piece, 1, sizeof piece, file)) > 0)
        buf_append(&sql, piece, n);
    fclose(file);
    buf_str(&sql, more);
    buf_str(&sql, "COMMIT;");
    CHECK_INT(mkdir(data, 0700), 0);
    file_run(buf_text(&sql));
    buf_free(&sql);
}

static enum status try_open(struct store **out)
{
    struct store_open options = {.data = data, .name = "Acme", .world = world_real()};
    err_clear(&err);
    return sqlite_store_open(&options, out, &err);
}

TEST(migrate, row_116_operations_keep_their_states)
{
    struct buf more = BUF_INIT;
    struct store *store;
    struct op *ops;
    size_t count;
    for (int state = OP_PLANNED; state <= OP_CANCELLED; state++)
        buf_printf(&more,
                   "INSERT INTO ops(op_key,org_id,connection_id,table_id,row_id,column_id,generation,"
                   "kind,object,payload,payload_sha256,mode,state,epoch,sent_ms,result_id)"
                   " VALUES('key-%d','00D000000000001EAA',1,1,%d,2,1,0,'Lead','{\"a\":%d}','x',3,%d,4,"
                   "%d,%s);",
                   state, state + 10, state, state, state == OP_SENDING ? 7 : 0,
                   state == OP_DONE ? "'00Q000000000001AAA'" : "NULL");
    given_first_release(buf_text(&more));
    buf_free(&more);
    CHECK_OK(try_open(&store), &err);
    struct op_query all = {.table_id = 1, .limit = 100};
    CHECK_OK(store->does->ops_list(store, arena, &all, &ops, &count, &err), &err);
    CHECK_INT(count, OP_CANCELLED + 1);
    for (size_t i = 0; i < count; i++) {
        int state = (int)ops[i].row_id - 10;
        CHECK_INT(ops[i].state, state);
        CHECK_STR(ops[i].key, arena_printf(arena, "key-%d", state));
        CHECK_STR(ops[i].payload, arena_printf(arena, "{\"a\":%d}", state));
        CHECK_INT(ops[i].sent_ms, state == OP_SENDING ? 7 : 0);
        CHECK_STR(ops[i].result_id, state == OP_DONE ? "00Q000000000001AAA" : NULL);
    }
    struct op_counts counts;
    CHECK_OK(store->does->ops_count(store, 0, &counts, &err), &err);
    CHECK_INT(counts.total, OP_CANCELLED + 1);
    store->does->close(store);
}

/* True when the disk held out. */
static bool brought_forward_with_failure_at(int call)
{
    struct store *store = NULL;
    struct table table;
    given_first_release("");
    failing_vfs_fail_at(call, DISK_ERROR);
    enum status rc = try_open(&store);
    if (rc == OK)
        store->does->close(store);
    bool failed = failing_vfs_failed();
    failing_vfs_heal();
    int left = file_version();
    CHECK(rc != OK || left > 1);
    CHECK_OK(try_open(&store), &err);
    CHECK_OK(store->does->table_get(store, arena, "Accounts", &table, &err), &err);
    CHECK_INT(table.source_count, 1);
    CHECK_STR(table.sources[0].config, "{\"where\":\"x\"}");
    CHECK_INT(table.row_count, 1);
    store->does->close(store);
    int now = file_version();
    CHECK(left == 1 || left == now); /* nothing in between */
    remove_all();
    return !failed;
}

TEST(migrate, row_117_a_migration_that_is_cut_anywhere_is_done_again)
{
    int call = 1, tries = 0;
    failing_vfs_install();
    /* every one of the first, then every seventh: each costs a migration with its syncs */
    for (; !brought_forward_with_failure_at(call); tries++)
        call += call < 16 ? 1 : 7;
    printf("%d of %d writes and syncs failed, one after another\n", tries, call - 1);
    CHECK(tries > 16);
}
