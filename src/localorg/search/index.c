/* index.c - the words of an object's text fields, in an FTS5 table.
 *
 * A row of it has the rowid of the record's row in the object's table and one
 * column a field, so that scopes and field access are column filters. It is
 * made at the first search of the object; from then on the org notes which
 * records are written (org/touched.h), and the next search indexes those anew.
 * Deleted records stay in it: a search looks at IsDeleted itself.
 *
 * All of this happens under the org's write lock. When the search runs inside
 * somebody's transaction, which may be rolled back, nothing is taken for done. */
#include "localorg/search/search_priv.h"

#include "base/map.h"
#include "base/mem.h"
#include "localorg/org/touched.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct built {
    uint64_t changes; /* org_changes when last brought up to date with nothing left over */
    size_t fields;    /* the object had */
    bool whole;       /* nothing waits for its time */
};

struct search_index {
    struct org *org;
    pthread_mutex_t lock; /* of the map: the write lock is taken first */
    struct map *objects;  /* name to struct built */
};

struct search_index *search_index_new(struct org *org)
{
    struct search_index *index = mem_alloc(sizeof *index);
    index->org = org;
    pthread_mutex_init(&index->lock, NULL);
    index->objects = map_new_nocase();
    return index;
}

void search_index_forget(struct search_index *index)
{
    const char *key;
    void *value;
    pthread_mutex_lock(&index->lock);
    for (size_t at = 0; map_next(index->objects, &at, &key, &value);)
        free(value);
    map_free(index->objects);
    index->objects = map_new_nocase();
    pthread_mutex_unlock(&index->lock);
}

void search_index_free(struct search_index *index)
{
    if (!index)
        return;
    search_index_forget(index);
    map_free(index->objects);
    pthread_mutex_destroy(&index->lock);
    free(index);
}

/* --- names --- */

bool index_has(const struct field *field)
{
    return field->stored && !field->deprecated_hidden &&
           (field->type == FT_STRING || field->type == FT_TEXTAREA || field->type == FT_EMAIL ||
            field->type == FT_PHONE || field->type == FT_URL);
}

const char *index_table(struct arena *arena, const struct sobject *object)
{
    return arena_printf(arena, "localorg_search_%s", object->name);
}

const char *index_column(struct arena *arena, const struct field *field)
{
    return arena_printf(arena, "f_%s", field->name);
}

static enum status sql_fail(sqlite3 *db, const char *doing, struct err *err)
{
    return err_set(err, "UNKNOWN_EXCEPTION", "%s: %s", doing, sqlite3_errmsg(db));
}

static enum status run_sql(sqlite3 *db, const char *sql, struct err *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? OK
               : sql_fail(db, "building the search index", err);
}

/* "f_Name", "f_Phone" or "Name", "Phone" */
static void column_list(struct buf *sql, const struct sobject *object, const char *prefix)
{
    for (size_t i = 0; i < object->field_count; i++)
        if (index_has(object->fields[i]))
            buf_printf(sql, ", \"%s%s\"", prefix, object->fields[i]->name);
}

/* --- making it --- */

/* The rows of records last written before `until_ms`, or all of them. */
static void fill_sql(struct buf *sql, const char *table, const struct sobject *object,
                     const char *condition)
{
    buf_printf(sql, "INSERT INTO \"%s\" (rowid", table);
    column_list(sql, object, "f_");
    buf_str(sql, ") SELECT rowid");
    column_list(sql, object, "");
    buf_printf(sql, " FROM \"%s\" WHERE %s", object->name, condition);
}

/* Records too young to be found wait among those written later. */
static enum status note_young(struct search_index *index, sqlite3 *db, const struct sobject *object,
                              struct arena *arena, int64_t until_ms, struct err *err)
{
    sqlite3_stmt *row = NULL;
    int rc = sqlite3_prepare_v2(db,
                                arena_printf(arena,
                                             "SELECT \"Id\", \"SystemModstamp\" FROM \"%s\" WHERE "
                                             "\"SystemModstamp\" > ?1 ORDER BY \"SystemModstamp\"",
                                             object->name),
                                -1, &row, NULL);
    if (rc == SQLITE_OK)
        sqlite3_bind_int64(row, 1, until_ms);
    while (rc == SQLITE_OK && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        org_touched_note(index->org, object, (const char *)sqlite3_column_text(row, 0),
                         sqlite3_column_int64(row, 1));
        rc = SQLITE_OK;
    }
    sqlite3_finalize(row);
    return rc == SQLITE_DONE ? OK : sql_fail(db, "building the search index", err);
}

static enum status make(struct search_index *index, sqlite3 *db, const struct sobject *object,
                        struct arena *arena, int64_t until_ms, struct err *err)
{
    const char *table = index_table(arena, object);
    bool stamped = sobject_field(object, "SystemModstamp") != NULL;
    struct buf sql = BUF_INIT, columns = BUF_INIT;
    column_list(&columns, object, "f_");
    buf_printf(&sql,
               "DROP TABLE IF EXISTS \"%s_words\"; DROP TABLE IF EXISTS \"%s\";"
               "CREATE VIRTUAL TABLE \"%s\" USING fts5(%s, tokenize = 'unicode61 "
               "remove_diacritics 2', columnsize = 0);"
               "CREATE VIRTUAL TABLE \"%s_words\" USING fts5vocab(\"%s\", 'row');",
               table, table, table, buf_text(&columns) + 2, table, table);
    fill_sql(&sql, table, object,
             stamped ? arena_printf(arena, "\"IsDeleted\" = 0 AND \"SystemModstamp\" <= %lld;",
                                    (long long)until_ms)
                     : "\"IsDeleted\" = 0;");
    enum status rc = run_sql(db, buf_text(&sql), err);
    buf_free(&sql);
    buf_free(&columns);
    if (rc == OK)
        rc = org_touched_start(index->org, object, err);
    return rc == OK && stamped ? note_young(index, db, object, arena, until_ms, err) : rc;
}

/* --- bringing it up to date --- */

static enum status index_record(sqlite3 *db, sqlite3_stmt *drop, sqlite3_stmt *add, const char *id,
                                struct err *err)
{
    sqlite3_stmt *const both[] = {drop, add};
    for (size_t i = 0; i < 2; i++) {
        sqlite3_bind_text(both[i], 1, id, 18, SQLITE_STATIC);
        int rc = sqlite3_step(both[i]);
        sqlite3_reset(both[i]);
        if (rc != SQLITE_DONE)
            return sql_fail(db, "indexing a record", err);
    }
    return OK;
}

static enum status index_records(sqlite3 *db, const struct sobject *object, struct arena *arena,
                                 const struct touched_record *records, size_t count,
                                 struct err *err)
{
    const char *table = index_table(arena, object);
    sqlite3_stmt *drop = NULL, *add = NULL;
    struct buf sql = BUF_INIT;
    fill_sql(&sql, table, object, "\"Id\" = ?1");
    bool good =
        sqlite3_prepare_v2(db,
                           arena_printf(arena,
                                        "DELETE FROM \"%s\" WHERE rowid = (SELECT rowid FROM "
                                        "\"%s\" WHERE \"Id\" = ?1)",
                                        table, object->name),
                           -1, &drop, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(db, buf_text(&sql), -1, &add, NULL) == SQLITE_OK;
    enum status rc = good ? OK : sql_fail(db, "indexing records", err);
    for (size_t i = 0; i < count && rc == OK; i++)
        rc = index_record(db, drop, add, records[i].id, err);
    sqlite3_finalize(drop);
    sqlite3_finalize(add);
    buf_free(&sql);
    return rc;
}

/* Records written before `until_ms`; *left says that younger ones wait. */
static enum status catch_up(struct search_index *index, sqlite3 *db, const struct sobject *object,
                            struct arena *arena, int64_t until_ms, bool keep, bool *left,
                            struct err *err)
{
    size_t count, due = 0;
    bool lost;
    const struct touched_record *records = org_touched(index->org, object, &count, &lost);
    if (lost)
        return make(index, db, object, arena, until_ms, err);
    while (due < count && records[due].at_ms <= until_ms)
        due++;
    *left = due < count;
    enum status rc = index_records(db, object, arena, records, due, err);
    if (rc == OK && keep)
        org_touched_done(index->org, object, due);
    return rc;
}

/* --- the door --- */

static struct built *built_of(struct search_index *index, const struct sobject *object)
{
    struct built *built = map_get(index->objects, object->name);
    return built && built->fields == object->field_count ? built : NULL;
}

static bool is_current(struct search_index *index, const struct sobject *object)
{
    pthread_mutex_lock(&index->lock);
    struct built *built = built_of(index, object);
    bool current = built && built->whole && built->changes == org_changes(index->org, object);
    pthread_mutex_unlock(&index->lock);
    return current;
}

static void note_built(struct search_index *index, const struct sobject *object, uint64_t changes,
                       bool whole)
{
    pthread_mutex_lock(&index->lock);
    struct built *built = map_get(index->objects, object->name);
    if (!built) {
        built = mem_alloc(sizeof *built);
        map_put(index->objects, object->name, built);
    }
    *built = (struct built){.changes = changes, .fields = object->field_count, .whole = whole};
    pthread_mutex_unlock(&index->lock);
}

enum status index_ready(struct search_index *index, const struct sobject *object, int64_t lag_ms,
                        struct err *err)
{
    if (is_current(index, object))
        return OK;
    sqlite3 *db = org_write_begin(index->org);
    if (!db)
        return err_set(err, "UNKNOWN_EXCEPTION", "the org's database cannot be written");
    struct arena *arena = arena_new();
    bool outermost = org_write_depth(index->org) == 1, left = false;
    int64_t until_ms = org_now_ms(index->org) - lag_ms;
    uint64_t changes = org_changes(index->org, object);
    pthread_mutex_lock(&index->lock);
    bool there = built_of(index, object) != NULL;
    pthread_mutex_unlock(&index->lock);
    enum status rc = there ? OK : make(index, db, object, arena, until_ms, err);
    if (rc == OK)
        rc = catch_up(index, db, object, arena, until_ms, outermost, &left, err);
    enum status ended = org_write_end(index->org, rc == OK, rc == OK ? err : NULL);
    if (rc == OK && ended == OK && outermost)
        note_built(index, object, changes, !left);
    arena_free(arena);
    return rc == OK ? ended : rc;
}
