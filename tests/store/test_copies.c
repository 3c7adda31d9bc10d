/* test_copies.c - copies of a workspace: taken, checked, put back, met by accident; and
 * files that earlier versions wrote. Guards backup.c, lineage.c and migrations.c of the
 * SQLite driver. */
#include "store/store_backup.h"
#include "store/store_holds.h"
#include "support/check.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/str.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char home[200], data[256], seen[256], file[256];
static struct err err;
static struct arena *arena;
static struct world *world;

static void shell(const char *fmt, const char *a, const char *b)
{
    char command[800];
    snprintf(command, sizeof command, fmt, a, b);
    if (system(command) != 0)
        abort();
}

static void before(void)
{
    const char *temp = getenv("TMPDIR");
    snprintf(home, sizeof home, "%s/argil-copies-%ld", temp ? temp : "/tmp", (long)getpid());
    snprintf(data, sizeof data, "%s/data", home);
    snprintf(seen, sizeof seen, "%s/seen", home);
    snprintf(file, sizeof file, "%s/backup.db", home);
    shell("rm -rf '%s' && mkdir -p '%s'", home, home);
    arena = arena_new();
    world = world_fake(1800000000000, 7);
}

static void after(void)
{
    arena_free(arena);
    free(world);
    shell("rm -rf '%s'%s", home, "");
}

EACH_TEST(before, after)

static enum status try_open_at(const char *where, bool create, struct store **out)
{
    struct store_open options = {
        .data = where, .name = "Acme", .create = create, .seen = seen, .world = world};
    return sqlite_store_open(&options, out, &err);
}

static struct store *open_at(const char *where)
{
    struct store *store = NULL;
    CHECK_OK(try_open_at(where, false, &store), &err);
    return store;
}

static void close_store(struct store *store)
{
    store->does->close(store);
}

static void sql_at(const char *where, const char *sql)
{
    char path[320];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/workspace.db", where);
    CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* A workspace with a connection and a table of `rows` rows. */
static struct store *given_workspace(int rows)
{
    static struct column column = {.name = "Name", .kind = "source", .source_field = "Name"};
    struct store *store = NULL;
    struct connection connection = {.name = "prod", .connector = "salesforce", .status = "connected"};
    struct table table = {.name = "Accounts", .source = "{}", .columns = &column, .column_count = 1};
    CHECK_OK(try_open_at(data, true, &store), &err);
    CHECK_OK(store->does->connection_put(store, &connection, &err), &err);
    CHECK_OK(store->does->table_apply(store, &table, &err), &err);
    CHECK_OK(store->does->table_get(store, arena, "Accounts", &table, &err), &err);
    for (int i = 0; i < rows; i++) {
        struct value value = {"Acme", 4};
        struct row_in row = {.key = arena_printf(arena, "001%06d", i), .values = &value};
        struct import_page page = {.table_id = table.id, .slots = &table.columns[0].slot,
                                   .slot_count = 1, .rows = &row, .row_count = 1,
                                   .update_existing = true};
        struct import_counts counts = {0};
        CHECK_OK(store->does->import_page(store, &page, &counts, &err), &err);
    }
    return store;
}

static struct store_backup backup(void)
{
    struct store_backup made;
    CHECK_OK(sqlite_store_backup(data, file, world, arena, &made, &err), &err);
    return made;
}

static enum status restore(const char *where, bool replace, const char **kept)
{
    struct store_backup from;
    return sqlite_store_restore(file, where, replace, world, arena, &from, kept, &err);
}

static struct store_hold hold_of(struct store *store)
{
    struct store_hold *list;
    size_t count;
    CHECK_OK(store->does->holds->list(store, arena, &list, &count, &err), &err);
    return count ? list[0] : (struct store_hold){0};
}

/* ------------------------------------------------------------------ backups */

struct writer {
    struct store *store;
    atomic_bool stop;
    atomic_int written;
};

static void *write_on(void *ctx)
{
    struct writer *w = ctx;
    struct err ignored = {0};
    while (!atomic_load(&w->stop) &&
           w->store->does->audit_add(w->store, "ann", "writes on", "{}", &ignored) == OK)
        atomic_fetch_add(&w->written, 1);
    return NULL;
}

TEST(backup, is_one_moment_of_a_workspace_that_is_written_to)
{
    struct writer w = {0};
    struct store *first = given_workspace(50);
    int64_t lines = 0;
    pthread_t thread;
    CHECK_OK(first->does->open_another(first, false, &w.store, &err), &err);
    CHECK_INT(pthread_create(&thread, NULL, write_on, &w), 0);
    while (atomic_load(&w.written) < 5)
        ;
    struct store_backup made = backup();
    int then = atomic_load(&w.written);
    while (atomic_load(&w.written) < then + 5) /* nobody was stopped by it */
        ;
    atomic_store(&w.stop, true);
    pthread_join(thread, NULL);
    close_store(w.store);
    close_store(first);
    CHECK_INT(made.tables, 1);
    CHECK_INT(made.rows, 50);
    CHECK_INT(made.taken_ms, world->now_ms(world));
    CHECK_OK(restore(home, false, NULL), &err);
    struct store *copy = open_at(home);
    CHECK_OK(copy->does->audit_verify(copy, &lines, &err), &err);
    CHECK(lines >= 5);
    CHECK_STR(copy->workspace_name, "Acme");
    close_store(copy);
}

TEST(backup, can_be_read_by_its_owner_alone_and_overwrites_nothing)
{
    struct stat st;
    struct store_backup again;
    close_store(given_workspace(1));
    struct store_backup made = backup();
    CHECK_INT(stat(made.file, &st), 0);
    CHECK_INT(st.st_mode & 0777, 0600);
    CHECK_INT(stat(made.manifest, &st), 0);
    CHECK_INT(st.st_mode & 0777, 0600);
    CHECK_FAIL(sqlite_store_backup(data, file, world, arena, &again, &err), &err, ERR_BACKUP_THERE);
}

static void check_refused(const char *code)
{
    char there[320];
    CHECK_FAIL(restore(data, false, NULL), &err, code);
    snprintf(there, sizeof there, "%s/workspace.db", data);
    CHECK(access(there, F_OK) != 0);
}

TEST(backup, that_is_damaged_is_refused_and_nothing_is_touched)
{
    close_store(given_workspace(3));
    struct store_backup made = backup();
    shell("rm -rf '%s'%s", data, "");
    shell("printf x | dd of='%s' bs=1 seek=5000 conv=notrunc status=none%s", file, "");
    check_refused(ERR_BACKUP_DAMAGED);
    CHECK_CONTAINS(err.message, "content");
    shell("truncate -s 4096 '%s'%s", file, "");
    check_refused(ERR_BACKUP_DAMAGED);
    CHECK_CONTAINS(err.message, "size");
    shell("echo '{\"sha256\":7}' > '%s'%s", made.manifest, "");
    check_refused(ERR_BACKUP_DAMAGED);
    shell("rm '%s'%s", made.manifest, "");
    check_refused(ERR_BACKUP_DAMAGED);
}

TEST(backup, of_a_newer_argil_is_refused)
{
    close_store(given_workspace(1));
    struct store_backup made = backup();
    shell("rm -rf '%s'%s", data, "");
    shell("sed -i 's/\"schema\":[0-9]*/\"schema\":999/' '%s'%s", made.manifest, "");
    check_refused(ERR_STORE_NEWER);
}

TEST(restore, refuses_what_is_there_or_moves_it_aside)
{
    const char *kept;
    char old[400];
    struct store *store = given_workspace(1);
    backup();
    CHECK_FAIL(restore(data, true, &kept), &err, ERR_STORE_LOCKED);
    close_store(store);
    CHECK_FAIL(restore(data, false, &kept), &err, ERR_BACKUP_THERE);
    CHECK_OK(restore(data, true, &kept), &err);
    snprintf(old, sizeof old, "%s/workspace.db", kept);
    CHECK_INT(access(old, F_OK), 0);
    close_store(open_at(data));
}

TEST(restore, holds_every_connection_from_the_time_of_the_backup)
{
    struct store *store = given_workspace(1);
    int64_t taken = world->now_ms(world), epoch = store->epoch;
    close_store(store);
    backup();
    world_fake_advance(world, 1000000);
    CHECK_OK(restore(data, true, NULL), &err);
    store = open_at(data);
    CHECK_CONTAINS(store->found_copy, "restored from a backup");
    CHECK(store->epoch > epoch + 1000);
    CHECK_INT(hold_of(store).from_ms, taken);
    CHECK_INT(hold_of(store).since_ms, world->now_ms(world));
    close_store(store);
    store = open_at(data); /* the next one finds nothing new */
    CHECK(store->found_copy == NULL);
    CHECK_INT(hold_of(store).released_ms, 0);
    close_store(store);
}

/* The file itself knows; no command of ours put it there, no mark is kept. */
TEST(restore, by_hand_is_noticed_too)
{
    close_store(given_workspace(1));
    backup();
    shell("cp '%s' '%s/workspace.db'", file, data);
    struct store *store = NULL;
    struct store_open options = {.data = data, .world = world};
    CHECK_OK(sqlite_store_open(&options, &store, &err), &err);
    CHECK(store->found_copy != NULL);
    CHECK(hold_of(store).connection_id != 0);
    close_store(store);
}

/* ------------------------------------------------------------------- copies */

static void check_held(const char *where, const char *why)
{
    struct store *store = open_at(where);
    CHECK(store->found_copy != NULL);
    CHECK_CONTAINS(store->found_copy, why);
    CHECK(hold_of(store).connection_id != 0);
    close_store(store);
}

static void check_not_held(const char *where)
{
    struct store *store = open_at(where);
    CHECK(store->found_copy == NULL);
    CHECK_INT(hold_of(store).connection_id, 0);
    close_store(store);
}

TEST(copies, opening_again_and_again_is_no_copy)
{
    close_store(given_workspace(1));
    for (int i = 0; i < 3; i++)
        check_not_held(data);
}

TEST(copies, on_another_machine_is_held)
{
    close_store(given_workspace(1));
    sql_at(data, "UPDATE meta SET value='another'||substr(value,instr(value,' ')) WHERE name='home'");
    check_held(data, "another machine");
}

TEST(copies, beside_the_first_is_held)
{
    char other[300];
    close_store(given_workspace(1));
    snprintf(other, sizeof other, "%s/other", home);
    shell("cp -r '%s' '%s'", data, other);
    check_held(other, "copy");
}

TEST(copies, an_older_state_of_the_same_file_is_held)
{
    char old[300];
    close_store(given_workspace(1));
    snprintf(old, sizeof old, "%s/old.db", home);
    shell("cp '%s/workspace.db' '%s'", data, old);
    check_not_held(data);
    shell("cat '%s' > '%s/workspace.db'", old, data); /* the same file, its number and birth */
    check_held(data, "older");
}

/* Two copies went on from the same epoch: the second to come back is not the last. */
TEST(copies, a_sibling_of_the_same_age_is_held)
{
    char old[300], sibling[300];
    close_store(given_workspace(1));
    snprintf(old, sizeof old, "%s/old.db", home);
    snprintf(sibling, sizeof sibling, "%s/sibling.db", home);
    shell("cp '%s/workspace.db' '%s'", data, old);
    check_not_held(data);
    shell("cp '%s/workspace.db' '%s'", data, sibling);
    sql_at(data, "UPDATE meta SET value='11111111-1111-4111-8111-111111111111' WHERE name='open_number'");
    check_held(data, "another copy");
}

TEST(copies, a_kill_before_the_mark_is_no_copy)
{
    close_store(given_workspace(1));
    char was[300];
    snprintf(was, sizeof was, "%s/seen-before", home);
    shell("cp -r '%s' '%s'", seen, was);
    check_not_held(data);
    shell("rm -r '%s'%s", seen, "");
    shell("mv '%s' '%s'", was, seen);
    check_not_held(data);
}

/* --------------------------------------------------------- earlier versions */

static void given_schema(int version)
{
    struct buf sql = BUF_INIT;
    char path[600], piece[4096];
    size_t n;
    if (version == 1)
        snprintf(path, sizeof path, "%s/schema_1.sql", SCHEMAS);
    else
        snprintf(path, sizeof path, "%s/schemas/schema_%d.sql", SCHEMAS, version);
    FILE *in = fopen(path, "re");
    CHECK(in != NULL);
    while ((n = fread(piece, 1, sizeof piece, in)) > 0)
        buf_append(&sql, piece, n);
    fclose(in);
    shell("rm -rf '%s' '%s'", data, seen);
    shell("mkdir -m 700 '%s'%s", data, "");
    sql_at(data, buf_text(&sql));
    buf_free(&sql);
}

#define SCHEMAS_KEPT 18

TEST(versions, every_earlier_schema_is_taken_over)
{
    for (int version = 1; version <= SCHEMAS_KEPT; version++) {
        struct table table;
        struct row *rows;
        struct op op = {.org_id = "00D000000000001EAA", .connection_id = 1, .row_id = 1,
                        .generation = 1, .kind = OP_CREATE, .object = "Lead", .payload = "{}"};
        enum plan_result result;
        size_t count;
        given_schema(version);
        struct store *store = open_at(data);
        CHECK_STR(store->workspace_id, "6f1c1f5a-4b1e-4c77-9a55-0d2b8a1c9e01");
        CHECK(store->epoch > 4);
        CHECK_OK(store->does->table_get(store, arena, "Accounts", &table, &err), &err);
        CHECK_INT(table.column_count, 2);
        CHECK_INT(table.source_count, 1);
        struct row_query all = {.table_id = table.id, .deleted_too = true};
        CHECK_OK(store->does->rows(store, arena, &all, &rows, &count, &err), &err);
        CHECK_INT(count, 2);
        op.table_id = table.id;
        op.column_id = table.columns[1].id;
        CHECK_OK(store->does->ops_plan(store, &op, 1, &result, NULL, NULL, &err), &err);
        CHECK_INT(result, PLAN_NEW);
        CHECK_INT(hold_of(store).connection_id, 0); /* an upgrade is no restore */
        close_store(store);
    }
}
