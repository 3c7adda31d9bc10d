/* test_sqlite.c - what only the SQLite driver must do: its lock, its file, death.
 *
 * The killing tests fork a writer, kill -9 it at a random moment and open what is
 * left. The child reports each acknowledged step through a pipe; the parent holds
 * the store to every one of them. The seed is printed: ARGIL_SEED repeats it. */
#include "store/store.h"
#include "support/check.h"
#include "vault/vault.h"

#include "base/buf.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ORG "00D000000000001AAA"

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
    snprintf(data, sizeof data, "%s/argil-sqlite-%ld", temp ? temp : "/tmp", (long)getpid());
    remove_all();
    arena = arena_new();
}

static void after(void)
{
    arena_free(arena);
    remove_all();
}

EACH_TEST(before, after)

static enum status try_open(bool create, bool read_only, struct store **out)
{
    struct store_open options = {.data = data,
                                 .name = "Acme",
                                 .create = create,
                                 .read_only = read_only,
                                 .world = world_real()};
    return sqlite_store_open(&options, out, &err);
}

static struct store *open_store(void)
{
    struct store *store;
    CHECK_OK(try_open(true, false, &store), &err);
    return store;
}

static void close_store(struct store *store)
{
    store->does->close(store);
}

static struct table given_table(struct store *store)
{
    static struct column columns[] = {
        {.name = "Name", .kind = "source", .source_field = "Name"},
        {.name = "Lead", .kind = "salesforce_create"},
    };
    struct table table = {
        .name = "Accounts", .source = "{}", .columns = columns, .column_count = 2};
    CHECK_OK(store->does->table_apply(store, &table, &err), &err);
    CHECK_OK(store->does->table_get(store, arena, "Accounts", &table, &err), &err);
    return table;
}

static void damage(const char *sql)
{
    char path[320];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/workspace.db", data);
    CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* A workspace file made from SQL. */
static void given_file(const char *path)
{
    struct buf sql = BUF_INIT;
    char piece[4096];
    size_t n;
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    while ((n = fread(piece, 1, sizeof piece, file)) > 0)
        buf_append(&sql, piece, n);
    fclose(file);
    CHECK_INT(mkdir(data, 0700), 0);
    damage(buf_text(&sql));
    buf_free(&sql);
}

/* ------------------------------------------------------------ lock and file */

TEST(sqlite, makes_a_private_workspace_once)
{
    struct stat st;
    char path[320];
    struct store *store = open_store();
    char *id = mem_strdup(store->workspace_id);
    CHECK_INT(strlen(id), 36);
    CHECK_STR(store->workspace_name, "Acme");
    CHECK_INT(store->epoch, 1);
    CHECK_INT(stat(data, &st), 0);
    CHECK_INT(st.st_mode & 0777, 0700);
    static const char *const files[] = {"workspace.db", "workspace.db-wal", "lock"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", data, files[i]);
        CHECK_INT(stat(path, &st), 0);
        CHECK_INT(st.st_mode & 077, 0);
    }
    close_store(store);
    store = open_store(); /* init twice: the same workspace */
    CHECK_STR(store->workspace_id, id);
    CHECK_INT(store->epoch, 2);
    close_store(store);
    free(id);
}

TEST(sqlite, says_when_there_is_no_workspace)
{
    struct store *store;
    CHECK_FAIL(try_open(false, false, &store), &err, ERR_STORE_NONE);
    CHECK_CONTAINS(err.hint, "argil init");
    CHECK_FAIL(try_open(false, true, &store), &err, ERR_STORE_NONE);
    CHECK(access(data, F_OK) != 0); /* and makes nothing */
}

TEST(sqlite, a_second_process_is_refused_and_told_who)
{
    struct store *store = open_store(), *second;
    char pid[32];
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    CHECK_FAIL(try_open(false, false, &second), &err, ERR_STORE_LOCKED);
    CHECK_CONTAINS(err.message, pid);
    CHECK_CONTAINS(err.message, "test_store_sqlite_alone");
    CHECK_OK(try_open(false, true, &second), &err); /* reading is welcome */
    CHECK_INT(second->epoch, 0);
    CHECK_FAIL(second->does->audit_add(second, "a", "b", NULL, &err), &err, ERR_INVALID);
    close_store(second);
    close_store(store);
    CHECK_OK(try_open(false, false, &store), &err);
    close_store(store);
}

TEST(sqlite, a_reader_sees_what_is_committed_while_we_write)
{
    struct store *store = open_store(), *reader;
    struct table table = given_table(store);
    CHECK_OK(try_open(false, true, &reader), &err);
    CHECK_OK(reader->does->table_get(reader, arena, "Accounts", &table, &err), &err);
    CHECK_INT(table.column_count, 2);
    close_store(reader);
    close_store(store);
}

static int version_now(void)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    char path[320];
    snprintf(path, sizeof path, "%s/workspace.db", data);
    CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &stmt, NULL), SQLITE_OK);
    CHECK_INT(sqlite3_step(stmt), SQLITE_ROW);
    int version = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    return version;
}

TEST(sqlite, refuses_a_newer_schema_and_leaves_it_alone)
{
    struct store *store = open_store();
    char back[60];
    close_store(store);
    snprintf(back, sizeof back, "PRAGMA user_version=%d", version_now());
    damage("PRAGMA user_version=999");
    CHECK_FAIL(try_open(false, false, &store), &err, ERR_STORE_NEWER);
    CHECK_FAIL(try_open(false, true, &store), &err, ERR_STORE_NEWER);
    damage(back);
    store = open_store();
    CHECK_INT(store->epoch, 2);
    close_store(store);
}

/* A workspace as the first release wrote it: one source, in the table's row. */
TEST(sqlite, takes_over_the_first_release)
{
    struct table table;
    struct row *rows;
    size_t count;
    const char *cursor;
    given_file(SCHEMA_1);
    struct store *store = open_store();
    CHECK_INT(store->epoch, 5);
    CHECK_OK(store->does->table_get(store, arena, "Accounts", &table, &err), &err);
    CHECK_INT(table.source_count, 1);
    CHECK_STR(table.sources[0].kind, "salesforce_object");
    CHECK_STR(table.sources[0].config, "{\"where\":\"x\"}");
    CHECK_STR(table.object, "Account");
    CHECK_INT(table.sources[0].row_count, 1);
    CHECK_OK(store->does->cursor_get(store, arena, table.id, 0, &cursor, &err), &err);
    CHECK_STR(cursor, "{\"id\":1}");
    struct row_query all = {.table_id = table.id, .deleted_too = true};
    CHECK_OK(store->does->rows(store, arena, &all, &rows, &count, &err), &err);
    CHECK_INT(count, 2);
    CHECK_INT(rows[0].sources, 1);
    CHECK_INT(rows[1].sources, 0);
    close_store(store);
}

TEST(sqlite, refuses_what_is_not_its_own)
{
    struct store *store;
    CHECK_INT(mkdir(data, 0700), 0);
    damage("CREATE TABLE something(a)");
    CHECK_FAIL(try_open(false, false, &store), &err, ERR_STORE_BROKEN);
    CHECK_CONTAINS(err.message, "not an argil workspace");
}

TEST(sqlite, says_that_a_damaged_file_is_damaged)
{
    char path[320];
    struct store *store;
    CHECK_INT(mkdir(data, 0700), 0);
    snprintf(path, sizeof path, "%s/workspace.db", data);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < 5000; i++)
        fputs("garbage ", file);
    fclose(file);
    CHECK_FAIL(try_open(false, false, &store), &err, ERR_STORE_BROKEN);
    CHECK_CONTAINS(err.hint, "restore a backup");
}

TEST(sqlite, a_process_that_was_replaced_writes_no_more)
{
    struct store *store = open_store();
    damage("UPDATE meta SET value=value+1 WHERE name='epoch'");
    CHECK_FAIL(store->does->audit_add(store, "a", "b", NULL, &err), &err, ERR_STORE_LOCKED);
    CHECK_CONTAINS(err.message, "took over");
    close_store(store);
}

/* ----------------------------------------------------------------- secrets */

static bool file_holds(const char *name, const char *text)
{
    char path[320];
    struct buf bytes = BUF_INIT;
    snprintf(path, sizeof path, "%s/%s", data, name);
    FILE *file = fopen(path, "rb");
    if (!file)
        return false;
    char chunk[65536];
    size_t got;
    while ((got = fread(chunk, 1, sizeof chunk, file)) > 0)
        buf_append(&bytes, chunk, got);
    fclose(file);
    bool found = bytes.len && memmem(bytes.data, bytes.len, text, strlen(text)) != NULL;
    buf_free(&bytes);
    return found;
}

TEST(sqlite, a_sealed_secret_is_nowhere_in_the_files)
{
    static const char canary[] = "canary-7f3a-do-not-leak";
    char key[320];
    struct store *store = open_store();
    snprintf(key, sizeof key, "%s/key", data);
    setenv("ARGIL_KEY_FILE", key, 1);
    struct vault *vault = vault_open(store->workspace_id, true, &err);
    CHECK_GOT(vault, &err);
    struct secret secret = {0}, back = {0};
    secret_set(&secret, canary, strlen(canary));
    const char *sealed = vault_seal(vault, arena, "token:1", &secret);
    CHECK_OK(store->does->sealed_put(store, "token:1", sealed, &err), &err);
    CHECK_OK(store->does->sealed_get(store, arena, "token:1", &sealed, &err), &err);
    CHECK_OK(vault_unseal(vault, "token:1", sealed, &back, &err), &err);
    CHECK(secret_equal(&secret, &back));
    CHECK(!file_holds("workspace.db-wal", canary));
    char old[64];
    snprintf(old, sizeof old, "%.40s", sealed);
    CHECK_OK(store->does->sealed_delete(store, "token:1", &err), &err);
    close_store(store); /* the log is merged into the file */
    CHECK(!file_holds("workspace.db", canary));
    CHECK(!file_holds("workspace.db", old)); /* nor the ciphertext that was deleted */
    secret_wipe(&secret);
    secret_wipe(&back);
    vault_close(vault);
    unsetenv("ARGIL_KEY_FILE");
}

/* ------------------------------------------------------------------- death */

/* Operations and pages, one step a byte down the pipe. */
struct progress {
    int64_t pages, planned, sending, settled;
};

static void tell(int fd, char step)
{
    if (write(fd, &step, 1) != 1)
        _exit(3);
}

#define PAGE_ROWS 50

static void import_one_page(struct store *store, const struct table *table, int64_t number)
{
    char keys[PAGE_ROWS][24], cursor[32];
    struct row_in rows[PAGE_ROWS];
    struct value values[PAGE_ROWS];
    int slot = table->columns[0].slot;
    struct import_counts counts = {0};
    for (int i = 0; i < PAGE_ROWS; i++) {
        snprintf(keys[i], sizeof keys[i], "001%015lld", (long long)(number * PAGE_ROWS + i));
        values[i] = (struct value){keys[i], (uint32_t)strlen(keys[i])};
        rows[i] = (struct row_in){keys[i], "2026-01-01T10:00:00.000Z", false, &values[i]};
    }
    snprintf(cursor, sizeof cursor, "%lld", (long long)number);
    struct import_page page = {.table_id = table->id,
                               .slots = &slot,
                               .slot_count = 1,
                               .rows = rows,
                               .row_count = PAGE_ROWS,
                               .cursor = cursor,
                               .update_existing = true};
    if (store->does->import_page(store, &page, &counts, &err) != OK)
        _exit(4);
}

static void write_one_op(struct store *store, const struct table *table, int64_t number, int fd)
{
    char id[24];
    enum plan_result result;
    snprintf(id, sizeof id, "00Q%015lld", (long long)number);
    struct op op = {.org_id = ORG,
                    .table_id = table->id,
                    .row_id = number + 1,
                    .column_id = table->columns[1].id,
                    .generation = 1,
                    .object = "Lead",
                    .payload = "{\"LastName\":\"Ng\"}"};
    struct cell_result cell = {.row_id = op.row_id,
                               .column_id = op.column_id,
                               .slot = table->columns[1].slot,
                               .state = CELL_QUEUED};
    if (store->does->ops_plan(store, &op, 1, &result, &cell, NULL, &err) != OK)
        _exit(5);
    tell(fd, 'p');
    if (store->does->ops_sending(store, &op, 1, 1, &err) != OK)
        _exit(6);
    tell(fd, 's');
    struct op_settle settle = {.id = op.id,
                               .epoch = op.epoch,
                               .from = OP_SENDING,
                               .to = OP_DONE,
                               .result_id = id,
                               .audit = "create Lead",
                               .cell = cell};
    settle.cell.state = CELL_OK;
    settle.cell.set_value = true;
    settle.cell.value = (struct value){id, (uint32_t)strlen(id)};
    if (store->does->ops_settle(store, &settle, 1, NULL, 0, NULL, &err) != OK)
        _exit(7);
    tell(fd, 'd');
}

static void write_until_killed(int fd, int64_t page)
{
    struct store *store;
    struct table table;
    if (try_open(false, false, &store) != OK ||
        store->does->table_get(store, arena, "Accounts", &table, &err) != OK)
        _exit(2);
    for (;; page++) {
        import_one_page(store, &table, page);
        tell(fd, 'i');
        for (int64_t i = 0; i < PAGE_ROWS; i += 10)
            write_one_op(store, &table, page * PAGE_ROWS + i, fd);
    }
}

static void count_steps(int fd, struct progress *told)
{
    char step;
    while (read(fd, &step, 1) == 1) {
        told->pages += step == 'i';
        told->planned += step == 'p';
        told->sending += step == 's';
        told->settled += step == 'd';
    }
}

static int64_t cursor_page(struct store *store, int64_t table_id)
{
    const char *cursor;
    CHECK_OK(store->does->cursor_get(store, arena, table_id, 0, &cursor, &err), &err);
    return cursor ? strtoll(cursor, NULL, 10) + 1 : 0;
}

/* An operation is DONE, its cell is filled and its audit line is there, or none is (W6). */
static void check_done_is_whole(struct store *store, const struct table *table, int64_t done)
{
    int64_t by_state[CELL_STATES], lines;
    CHECK_OK(store->does->cells_count(store, table->id, table->columns[1].id, by_state, &err),
             &err);
    CHECK_INT(by_state[CELL_OK], done);
    CHECK_OK(store->does->audit_verify(store, &lines, &err), &err);
    CHECK_INT(lines, done);
}

/* At least what was acknowledged; at most one step more, the one being told. */
static void check_step(int64_t found, int64_t told)
{
    CHECK(found >= told);
    CHECK(found <= told + 1);
}

static void check_what_is_left(struct store *store, const struct progress *told)
{
    struct table table;
    struct op_counts ops;
    CHECK_OK(store->does->table_get(store, arena, "Accounts", &table, &err), &err);
    int64_t pages = cursor_page(store, table.id);
    check_step(pages, told->pages);
    CHECK_INT(table.row_count, pages * PAGE_ROWS);
    CHECK_OK(store->does->ops_count(store, table.id, &ops, &err), &err);
    check_step(ops.total, told->planned);
    CHECK_INT(ops.by_state[OP_PLANNED] + ops.by_state[OP_UNKNOWN] + ops.by_state[OP_SENDING] +
                  ops.by_state[OP_DONE],
              ops.total);
    check_step(ops.by_state[OP_DONE], told->settled);
    check_step(ops.total - ops.by_state[OP_PLANNED], told->sending);
    check_done_is_whole(store, &table, ops.by_state[OP_DONE]);
}

/* Told so far becomes what is there: the next child goes on from it. */
static void tell_again(struct store *store, struct progress *told)
{
    struct table table;
    struct op_counts ops;
    CHECK_OK(store->does->table_get(store, arena, "Accounts", &table, &err), &err);
    CHECK_OK(store->does->ops_count(store, table.id, &ops, &err), &err);
    *told = (struct progress){cursor_page(store, table.id), ops.total,
                              ops.total - ops.by_state[OP_PLANNED], ops.by_state[OP_DONE]};
}

static void one_life(struct rng *dice, struct progress *told)
{
    int ends[2], status;
    CHECK_INT(pipe(ends), 0);
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        close(ends[0]);
        write_until_killed(ends[1], told->pages);
    }
    close(ends[1]);
    struct pollfd first = {.fd = ends[0], .events = POLLIN};
    if (!told->pages) /* on a busy machine: until it got somewhere at all */
        poll(&first, 1, 20000);
    usleep((useconds_t)(2000 + rng_below(dice, 60000)));
    kill(child, SIGKILL);
    count_steps(ends[0], told);
    close(ends[0]);
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status)); /* it died of us, not of an error */
}

TEST(sqlite, kill_9_loses_nothing_that_was_acknowledged)
{
    const char *given = getenv("ARGIL_SEED");
    uint64_t seed = given ? strtoull(given, NULL, 10) : (uint64_t)time(NULL) ^ (uint64_t)getpid();
    struct rng dice = {seed};
    struct progress told = {0};
    struct store *store = open_store();
    given_table(store);
    close_store(store);
    printf("seed %llu\n", (unsigned long long)seed);
    for (int life = 0; life < 25; life++) {
        int64_t moved;
        one_life(&dice, &told);
        CHECK_OK(try_open(false, false, &store), &err);
        check_what_is_left(store, &told);
        CHECK_OK(store->does->ops_recover(store, &moved, &err), &err);
        CHECK(moved <= 1);
        tell_again(store, &told);
        close_store(store);
        arena_reset(arena);
    }
    printf("%lld pages, %lld operations, %lld done\n", (long long)told.pages,
           (long long)told.planned, (long long)told.settled);
    CHECK(told.pages > 0);
}

/* ------------------------------------------------------------- full disk */

static void fill_the_disk(int fd)
{
    struct store *store;
    struct table table;
    struct rlimit limit = {1 << 20, 1 << 20};
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0 || try_open(false, false, &store) != OK ||
        store->does->table_get(store, arena, "Accounts", &table, &err) != OK)
        _exit(2);
    char wide[20000];
    memset(wide, 'x', sizeof wide);
    struct value value = {wide, sizeof wide};
    int slot = table.columns[0].slot;
    for (int64_t n = 0; n < 1000; n++) {
        char key[24];
        snprintf(key, sizeof key, "%018lld", (long long)n);
        struct row_in row = {key, NULL, false, &value};
        struct import_page page = {
            .table_id = table.id, .slots = &slot, .slot_count = 1, .rows = &row, .row_count = 1};
        if (store->does->import_page(store, &page, NULL, &err) == OK) {
            tell(fd, 'i');
            continue;
        }
        bool said = err_is(&err, ERR_STORE_BROKEN) && err.hint[0];
        bool stays = store->does->audit_add(store, "a", "b", NULL, &err) == FAIL &&
                     err_is(&err, ERR_STORE_BROKEN);
        _exit(said && stays ? 0 : 9);
    }
    _exit(8);
}

TEST(sqlite, a_full_disk_ends_writing_and_loses_nothing)
{
    int ends[2], status;
    struct progress told = {0};
    struct table table;
    struct store *store = open_store();
    given_table(store);
    close_store(store);
    CHECK_INT(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0)
        fill_the_disk(ends[1]);
    close(ends[1]);
    count_steps(ends[0], &told);
    close(ends[0]);
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status));
    CHECK_INT(WEXITSTATUS(status), 0);
    CHECK_OK(try_open(false, false, &store), &err);
    CHECK_OK(store->does->table_get(store, arena, "Accounts", &table, &err), &err);
    check_step(table.row_count, told.pages);
    CHECK(told.pages > 10);
    close_store(store);
}
