/* test_migrations.c - a workspace of each earlier schema is brought forward whole, on both databases.
 *
 * For each step n: a workspace is made by the steps 1 to n alone (store_open.schema), with a table and
 * operations as the first release wrote them, and two rows in every table there is that say something
 * in every column. The steps behind n then run in one transaction. Afterwards each value is where it
 * was, the catalogue is that of a new store, and the store opens and answers. In PostgreSQL two
 * workspaces are in the database, which one of them migrates for both. */
#include "store/sql/sql_priv.h"
#include "store/ask_server.h"
#include "support/check.h"

#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct err err;
static struct arena *arena;
static char data[256];

struct database {
    int workspaces;
    void (*clean)(void);
    enum status (*open)(int schema, int workspace, struct store **out);
    const char *(*catalogue)(void); /* tables, columns, indexes; sheets of the first workspace only */
};

/* What steps take away on purpose, and where it went. A column NULL: the rows. */
static const struct {
    int step;
    const char *table, *column;
} taken[] = {
    {5, "tables", "cursor"}, /* to sources, checked by its answer below */
    {5, "tables", "source"},
    {5, "tables", "connection"},
    {5, "tables", "object"},
    {14, "describes", NULL}, /* asked for again */
    {14, "describes", "checked_ms"},
    {37, "http_answers", NULL}, /* kept under keys that are not made any more */
};

static bool is_taken(int version, const char *table, const char *column)
{
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        if (version < taken[i].step && text_eq(taken[i].table, table) &&
            (column ? taken[i].column && text_eq(taken[i].column, column) : !taken[i].column))
            return true;
    return false;
}

/* Columns of sheets whose default said what is true of the rows that were there; a new row tells its own. */
#define FOR_ROWS_OF_THEN "('src','made')"

/* ------------------------------------------------------------------- SQLite */

static void sqlite_clean(void)
{
    char command[320];
    snprintf(command, sizeof command, "rm -rf '%s'", data);
    CHECK_INT(system(command), 0);
}

static enum status sqlite_open_at(int schema, int workspace, struct store **out)
{
    struct store_open options = {.data = data, .name = "Acme", .create = true, .schema = schema,
                                 .world = world_real()};
    (void)workspace; /* there is one */
    return sqlite_store_open(&options, out, &err);
}

static int add_line(void *ctx, int count, char **values, char **names)
{
    (void)names;
    for (int i = 0; i < count; i++)
        buf_printf(ctx, "%s%s", values[i] ? values[i] : "-", i + 1 < count ? "|" : "\n");
    return 0;
}

static const char *sqlite_catalogue(void)
{
    static const char sql[] =
        "SELECT m.name,c.name,c.type,c.\"notnull\","
        "CASE WHEN c.name NOT IN " FOR_ROWS_OF_THEN " THEN c.dflt_value END,c.pk FROM sqlite_master m,"
        " pragma_table_info(m.name) c WHERE m.type='table' ORDER BY 1,2;"
        "SELECT i.name,i.\"unique\",i.partial,m.name,(SELECT group_concat(x.name) FROM"
        " pragma_index_info(i.name) x) FROM sqlite_master m, pragma_index_list(m.name) i"
        " WHERE m.type='table' ORDER BY 1;"
        "SELECT name,sql FROM sqlite_master WHERE type='index' AND sql IS NOT NULL ORDER BY 1";
    struct buf text = BUF_INIT;
    char path[320];
    sqlite3 *db;
    snprintf(path, sizeof path, "%s/workspace.db", data);
    CHECK_INT(sqlite3_open(path, &db), SQLITE_OK);
    CHECK_INT(sqlite3_exec(db, sql, add_line, &text, NULL), SQLITE_OK);
    sqlite3_close(db);
    const char *out = arena_strdup(arena, buf_text(&text));
    buf_free(&text);
    return out;
}

static const struct database sqlite = {1, sqlite_clean, sqlite_open_at, sqlite_catalogue};

/* --------------------------------------------------------------- PostgreSQL */

static const char *ask(const char *sql)
{
    return ask_server(arena, sql);
}

static void postgres_clean(void)
{
    ask("DROP SCHEMA IF EXISTS argil CASCADE");
}

static enum status postgres_open_at(int schema, int workspace, struct store **out)
{
    struct store_open options = {.create = true, .schema = schema, .world = world_real()};
    return postgres_store_open(arena_printf(arena, "%s&workspace=w%d", server_url(), workspace), &options,
                               out, &err);
}

static const char *postgres_catalogue(void)
{
    return ask("SELECT string_agg(line, E'\\n' ORDER BY line COLLATE \"C\") FROM (SELECT"
               " concat_ws('|',c.relname,a.attname,a.atttypid::regtype,a.attcollation::regcollation,"
               "a.attnotnull,CASE WHEN a.attname NOT IN " FOR_ROWS_OF_THEN
               " THEN pg_get_expr(d.adbin,d.adrelid) END) AS line FROM pg_attribute a"
               " JOIN pg_class c ON c.oid=a.attrelid AND c.relkind='r' AND c.relnamespace='argil'::regnamespace"
               " LEFT JOIN pg_attrdef d ON d.adrelid=c.oid AND d.adnum=a.attnum"
               " WHERE a.attnum>0 AND NOT a.attisdropped"
               " UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname='argil') x"
               " WHERE line !~ '[ts]2_1'");
}

static const struct database postgres = {2, postgres_clean, postgres_open_at, postgres_catalogue};

/* ------------------------------------------------------------ what it holds */

static void before(void)
{
    const char *temp = getenv("TMPDIR"), *memory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NULL;
    /* nothing here is about the disk: syncs would be most of the time */
    snprintf(data, sizeof data, "%s/argil-migrations-%ld", memory ? memory : temp ? temp : "/tmp",
             (long)getpid());
    arena = arena_new();
    err_clear(&err);
}

static void after(void)
{
    sqlite_clean();
    arena_free(arena);
}

EACH_TEST(before, after)

static struct store *open_at(const struct database *db, int schema, int workspace)
{
    struct store *store = NULL;
    CHECK_OK(db->open(schema, workspace, &store), &err);
    return store;
}

static void run(struct store *store, const char *sql)
{
    struct sq *sq = sq_of(store);
    CHECK_OK(sq_begin(sq, &err), &err);
    CHECK_OK(sq_end(sq, sq_exec(sq, sql, &err), &err), &err);
}

/* A table of the first release: a live row, one that is marked, a cell that is due, an operation. */
static const char first_release[] =
    "INSERT INTO connections(id,name,connector,environment,org_id)"
    " VALUES(1,'prod','salesforce','local','00D000000000001EAA');"
    "INSERT INTO tables(id,name,recipe,source,connection,object,guard,auto_update,row_count,created_ms,"
    "changed_ms,cursor,keyed,next_slot,next_rid) VALUES(1,'Accounts','table: Accounts',"
    "'{\"where\":\"x\"}','prod','Account','{}',1,1,5,6,'{\"id\":1}',1,3,3);"
    "INSERT INTO columns(id,table_id,name,type,kind,config,source_field,slot,position,auto_update,depends)"
    " VALUES(1,1,'Name','text','source','{}','Name',1,0,1,''),"
    "(2,1,'Lead','text','salesforce_create','{}',NULL,2,1,1,'1');"
    "CREATE TABLE t1(rid INTEGER PRIMARY KEY, key TEXT NOT NULL, stamp TEXT, deleted INTEGER NOT NULL"
    " DEFAULT 0, run INTEGER, c1 TEXT, c2 TEXT);"
    "CREATE TABLE s1(cid INTEGER NOT NULL, rid INTEGER NOT NULL, state INTEGER NOT NULL, again INTEGER NOT"
    " NULL DEFAULT 0, op_id INTEGER NOT NULL DEFAULT 0, attempt INTEGER NOT NULL DEFAULT 0, not_before"
    " INTEGER NOT NULL DEFAULT 0, changed INTEGER, code TEXT, message TEXT, PRIMARY KEY(cid, rid))"
    " WITHOUT ROWID;"
    "CREATE INDEX s1_running ON s1(rid) WHERE state=3;"
    "CREATE UNIQUE INDEX t1_key ON t1(key);"
    "INSERT INTO t1(rid,key,stamp,deleted,run,c1) VALUES(1,'001A','2026-01-01T10:00:00.000Z',0,1,'Acme'),"
    "(2,'001B',NULL,1,1,'Bolt');"
    "INSERT INTO s1(cid,rid,state) VALUES(2,1,1);"
    "INSERT INTO ops(id,op_key,org_id,connection_id,table_id,row_id,column_id,generation,kind,object,payload,"
    "payload_sha256,mode,state,epoch,sent_ms) VALUES(1,'key-0','00D000000000001EAA',1,1,1,2,1,0,'Lead',"
    "'{\"a\":1}','x',3,0,4,7);";

static int64_t next_value; /* each value of a workspace is another */

static void bind_some(struct sq_stmt *stmt, int at, const char *table, const struct sq_column *column)
{
    int64_t n = ++next_value;
    char *text = arena_printf(arena, "{\"%s.%s\":%lld}", table, column->name, (long long)n);
    if (column->number)
        sq_int(stmt, at, 100000 + n);
    else if (text_eq(table, "view_samples")) /* its one text is bytes */
        sq_bytes(stmt, at, (struct value){text, (uint32_t)strlen(text)});
    else
        sq_text(stmt, at, text);
}

static void add_row(struct sq *sq, const char *table, const struct sq_column *columns, size_t count)
{
    struct buf sql = BUF_INIT;
    buf_printf(&sql, "INSERT INTO %s(", table);
    for (size_t i = 0; i < count; i++)
        buf_printf(&sql, "%s%s", i ? "," : "", columns[i].name);
    buf_str(&sql, ") VALUES(");
    for (size_t i = 0; i < count; i++)
        buf_str(&sql, i ? ",?" : "?");
    buf_char(&sql, ')');
    struct sq_stmt *stmt = sq_stmt(sq, &err, buf_text(&sql));
    buf_free(&sql);
    CHECK_GOT(stmt, &err);
    for (size_t i = 0; i < count; i++)
        bind_some(stmt, (int)i + 1, table, &columns[i]);
    CHECK_OK(sq_done(sq, stmt, &err), &err);
}

/* Rows of `tables` have sheets: the one there is says something in every column, too. */
static void fill_table_row(struct sq *sq, const char *table, const struct sq_column *columns, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct sq_stmt *stmt = sq_stmtf(sq, &err, "UPDATE tables SET %s=?1 WHERE %s IS NULL", columns[i].name,
                                        columns[i].name);
        CHECK_GOT(stmt, &err);
        bind_some(stmt, 1, table, &columns[i]);
        CHECK_OK(sq_done(sq, stmt, &err), &err);
    }
}

static void fill(struct store *store)
{
    struct sq *sq = sq_of(store);
    const char **tables;
    size_t count;
    CHECK_OK(sq->engine->list_tables(sq, arena, &tables, &count, &err), &err);
    CHECK_OK(sq_begin(sq, &err), &err);
    for (size_t i = 0; i < count; i++) {
        struct sq_column *columns;
        size_t n;
        CHECK_OK(sq->engine->list_columns(sq, arena, tables[i], &columns, &n, &err), &err);
        if (text_eq(tables[i], "tables")) {
            fill_table_row(sq, tables[i], columns, n);
            continue;
        }
        add_row(sq, tables[i], columns, n);
        add_row(sq, tables[i], columns, n);
    }
    CHECK_OK(sq_end(sq, OK, &err), &err);
}

struct held {
    const char *table;
    struct sq_column *columns;
    size_t column_count;
    VEC(const char **) rows; /* a text a column; NULL = null */
};

struct contents {
    struct held *tables;
    size_t count;
};

static void read_rows(struct sq *sq, struct held *held)
{
    struct buf sql = BUF_INIT;
    bool row = true;
    buf_str(&sql, "SELECT ");
    for (size_t i = 0; i < held->column_count; i++)
        buf_printf(&sql, "%s%s", i ? "," : "", held->columns[i].name);
    buf_printf(&sql, " FROM %s", held->table);
    if (text_eq(held->table, "meta"))
        buf_str(&sql, " WHERE name<>'epoch'"); /* counts who opened it */
    struct sq_stmt *stmt = sq_stmt(sq, &err, buf_text(&sql));
    buf_free(&sql);
    CHECK_GOT(stmt, &err);
    while (sq_row(sq, stmt, &row, &err) == OK && row) {
        const char **values = arena_array(arena, held->column_count, sizeof *values);
        for (size_t i = 0; i < held->column_count; i++)
            values[i] = sq_col_text(stmt, (int)i, arena);
        vec_push(&held->rows, values);
    }
    CHECK(!row);
}

static struct contents read_contents(struct store *store)
{
    struct sq *sq = sq_of(store);
    struct contents out;
    const char **tables;
    CHECK_OK(sq->engine->list_tables(sq, arena, &tables, &out.count, &err), &err);
    out.tables = arena_array(arena, out.count, sizeof *out.tables);
    for (size_t i = 0; i < out.count; i++) {
        struct held *held = &out.tables[i];
        *held = (struct held){.table = tables[i]};
        CHECK_OK(sq->engine->list_columns(sq, arena, tables[i], &held->columns, &held->column_count, &err),
                 &err);
        read_rows(sq, held);
    }
    return out;
}

static void free_contents(struct contents *c)
{
    for (size_t i = 0; i < c->count; i++)
        vec_free(&c->tables[i].rows);
}

/* ------------------------------------------------------------------ the story */

static const struct held *held_of(const struct contents *c, const char *table)
{
    for (size_t i = 0; i < c->count; i++)
        if (text_eq(c->tables[i].table, table))
            return &c->tables[i];
    return NULL;
}

static ptrdiff_t column_of(const struct held *held, const char *name)
{
    for (size_t i = 0; i < held->column_count; i++)
        if (text_eq(held->columns[i].name, name))
            return (ptrdiff_t)i;
    return -1;
}

static bool same_row(const struct held *was, const char **values, const struct held *is, const char **now)
{
    for (size_t i = 0; i < was->column_count; i++) {
        ptrdiff_t at = column_of(is, was->columns[i].name);
        if (at >= 0 && (values[i] ? !now[at] || strcmp(values[i], now[at]) != 0 : now[at] != NULL))
            return false;
    }
    return true;
}

static bool has_row(const struct held *was, const char **values, const struct held *is)
{
    for (size_t i = 0; i < is->rows.len; i++)
        if (same_row(was, values, is, is->rows.at[i]))
            return true;
    return false;
}

static void check_table_kept(int version, const struct held *was, const struct held *is)
{
    if (!is)
        check_true(is_taken(version, was->table, NULL), was->table, __FILE__, __LINE__);
    for (size_t i = 0; is && i < was->column_count; i++)
        check_true(column_of(is, was->columns[i].name) >= 0 ||
                       is_taken(version, was->table, was->columns[i].name),
                   arena_printf(arena, "schema %d: %s.%s is kept", version, was->table, was->columns[i].name),
                   __FILE__, __LINE__);
    if (!is || is_taken(version, was->table, NULL))
        return;
    check_true(is->rows.len == was->rows.len,
               arena_printf(arena, "schema %d: %s has %zu rows, had %zu", version, was->table, is->rows.len,
                            was->rows.len),
               __FILE__, __LINE__);
    for (size_t i = 0; i < was->rows.len; i++)
        check_true(has_row(was, was->rows.at[i], is),
                   arena_printf(arena, "schema %d: row %zu of %s is as it was", version, i, was->table),
                   __FILE__, __LINE__);
}

static void check_kept(int version, const struct contents *was, const struct contents *is)
{
    for (size_t i = 0; i < was->count; i++)
        check_table_kept(version, &was->tables[i], held_of(is, was->tables[i].table));
}

/* It is a store like any other: what the first release wrote is told by today's operations. */
static void check_answers(struct store *store)
{
    struct table table;
    struct row *rows;
    struct op *ops;
    size_t count;
    CHECK_OK(store->does->table_get(store, arena, "Accounts", &table, &err), &err);
    CHECK_INT(table.column_count, 2);
    CHECK_INT(table.source_count, 1);
    CHECK_STR(table.sources[0].config, "{\"where\":\"x\"}");
    CHECK_STR(table.sources[0].connection, "prod");
    CHECK_STR(table.sources[0].object, "Account");
    struct row_query live = {.table_id = table.id};
    CHECK_OK(store->does->rows(store, arena, &live, &rows, &count, &err), &err);
    CHECK_INT(count, 1);
    CHECK_STR(rows[0].key, "001A");
    struct op_query all = {.table_id = table.id, .limit = 9};
    CHECK_OK(store->does->ops_list(store, arena, &all, &ops, &count, &err), &err);
    CHECK_INT(count, 1);
    CHECK_STR(ops[0].key, "key-0");
    CHECK_INT(ops[0].state, OP_PLANNED);
    CHECK_INT(ops[0].sent_ms, 7);
}

/* Tables, columns and indexes of a new store with a table like that of the first release. */
static const char *new_catalogue(const struct database *db)
{
    struct column columns[] = {{.name = "Name", .kind = "source", .source_field = "Name"},
                               {.name = "Lead", .kind = "salesforce_create", .config = "{}"}};
    struct table table = {.name = "Accounts", .source = "{}", .columns = columns, .column_count = 2};
    db->clean();
    struct store *store = open_at(db, 0, 1);
    CHECK_OK(store->does->table_apply(store, &table, &err), &err);
    CHECK_INT(table.id, 1);
    CHECK_OK(sq_begin(sq_of(store), &err), &err);
    CHECK_OK(sq_end(sq_of(store), sq_make_key_index(sq_of(store), 1, &err), &err), &err);
    store->does->close(store);
    return db->catalogue();
}

static void given_first_release(const struct database *db)
{
    db->clean();
    for (int i = 0; i < db->workspaces; i++) {
        struct store *store = open_at(db, 1, i + 1);
        run(store, first_release);
        store->does->close(store);
    }
}

static void given_schema(const struct database *db, int version, struct contents *held)
{
    given_first_release(db);
    for (int i = 0; i < db->workspaces; i++) {
        struct store *store = open_at(db, version, i + 1);
        fill(store);
        held[i] = read_contents(store);
        store->does->close(store);
    }
}

/* All workspaces, at once: the first that is opened brings the schema forward. */
static void check_forward(const struct database *db, int version, const struct contents *held)
{
    for (int i = 0; i < db->workspaces; i++) {
        struct store *store = open_at(db, sq_schema_version(), i + 1);
        struct contents now = read_contents(store);
        check_kept(version, &held[i], &now);
        free_contents(&now);
        store->does->close(store);
    }
}

static void check_open(const struct database *db)
{
    for (int i = 0; i < db->workspaces; i++) {
        struct store *store = open_at(db, 0, i + 1);
        check_answers(store);
        store->does->close(store);
    }
}

static void check_schema(const struct database *db, int version, const char *wanted)
{
    struct contents held[2];
    struct arena *all = arena;
    arena = arena_new();
    given_schema(db, version, held);
    CHECK(version == 1 || strcmp(db->catalogue(), wanted) != 0);
    check_forward(db, version, held);
    CHECK_STR(db->catalogue(), wanted);
    check_open(db);
    for (int i = 0; i < db->workspaces; i++)
        free_contents(&held[i]);
    arena_free(arena);
    arena = all;
}

/* Every n-th of them in one go to the newest. */
static void check_schemas(const struct database *db, int nth)
{
    const char *wanted = new_catalogue(db);
    CHECK(strstr(wanted, "ops_generation") && strstr(wanted, "t1"));
    for (int version = 1; version < sq_schema_version(); version += nth)
        check_schema(db, version, wanted);
}

TEST(migrations, each_earlier_schema_is_brought_forward_whole_in_sqlite)
{
    check_schemas(&sqlite, 1);
}

TEST(migrations, several_schemas_are_brought_forward_whole_in_postgres)
{
    check_schemas(&postgres, 11);
}

/* Each step finds what the steps before it left and what was written between them. */
TEST(migrations, each_step_keeps_what_was_there_in_postgres)
{
    const char *wanted = new_catalogue(&postgres);
    struct contents was, now;
    given_first_release(&postgres);
    for (int version = 1; version < sq_schema_version(); version++) {
        struct store *store = open_at(&postgres, version, 1);
        fill(store);
        was = read_contents(store);
        store->does->close(store);
        store = open_at(&postgres, version + 1, 1);
        now = read_contents(store);
        check_kept(version, &was, &now);
        free_contents(&was);
        free_contents(&now);
        store->does->close(store);
    }
    CHECK_STR(postgres.catalogue(), wanted);
    check_open(&postgres);
}

static void check_newer_is_refused(const struct database *db)
{
    struct store *store = NULL;
    db->clean();
    store = open_at(db, 0, 1);
    CHECK_OK(sq_begin(sq_of(store), &err), &err);
    CHECK_OK(sq_end(sq_of(store), sq_of(store)->engine->set_version(sq_of(store), sq_schema_version() + 1, &err),
                    &err),
             &err);
    store->does->close(store);
    const char *catalogue = db->catalogue();
    CHECK_FAIL(db->open(0, 1, &store), &err, ERR_STORE_NEWER);
    CHECK(store == NULL);
    CHECK_STR(db->catalogue(), catalogue);
}

TEST(migrations, a_newer_schema_is_refused_by_both)
{
    check_newer_is_refused(&sqlite);
    err_clear(&err);
    check_newer_is_refused(&postgres);
}
