/* views.c - one list a user, newest first, and a table of names into it. */
#include "localorg/org/views.h"

#include "localorg/org/documents.h"
#include "localorg/org/org_priv.h"

#include <stdlib.h>
#include <string.h>

struct entry {
    struct view view;
    struct entry *newer, *older;
};

struct looker { /* one user */
    char id[19];
    struct map *entries; /* record id to struct entry */
    struct entry *newest, *oldest;
};

struct views {
    pthread_rwlock_t lock;
    struct map *lookers; /* user id to struct looker */
};

struct views *views_new(void)
{
    struct views *views = mem_alloc(sizeof *views);
    pthread_rwlock_init(&views->lock, NULL);
    views->lookers = map_new();
    return views;
}

void views_free(struct views *views)
{
    const char *key;
    void *value;
    if (!views)
        return;
    for (size_t at = 0; map_next(views->lookers, &at, &key, &value);) {
        struct looker *looker = value;
        while (looker->newest) {
            struct entry *entry = looker->newest;
            looker->newest = entry->older;
            free(entry);
        }
        map_free(looker->entries);
        free(looker);
    }
    map_free(views->lookers);
    pthread_rwlock_destroy(&views->lock);
    free(views);
}

/* --- the list --- */

static struct looker *looker_of(struct views *views, const char *user_id)
{
    struct looker *looker = map_get(views->lookers, user_id);
    if (!looker) {
        looker = mem_alloc(sizeof *looker);
        snprintf(looker->id, sizeof looker->id, "%s", user_id);
        looker->entries = map_new();
        map_put(views->lookers, looker->id, looker);
    }
    return looker;
}

static void unlink_entry(struct looker *looker, struct entry *entry)
{
    *(entry->newer ? &entry->newer->older : &looker->newest) = entry->older;
    *(entry->older ? &entry->older->newer : &looker->oldest) = entry->newer;
    entry->newer = entry->older = NULL;
}

static void put_first(struct looker *looker, struct entry *entry)
{
    entry->older = looker->newest;
    *(looker->newest ? &looker->newest->newer : &looker->oldest) = entry;
    looker->newest = entry;
}

/* The oldest of the same object, when there is one too many of them. */
static void forget_surplus(struct looker *looker, const struct entry *like)
{
    struct entry *last = NULL;
    size_t count = 0;
    for (struct entry *entry = looker->newest; entry; entry = entry->older)
        if (memcmp(entry->view.id, like->view.id, 3) == 0) {
            count++;
            last = entry;
        }
    if (count <= VIEWS_PER_OBJECT)
        return;
    unlink_entry(looker, last);
    map_remove(looker->entries, last->view.id);
    free(last);
}

static struct entry *touch(struct looker *looker, const char *id18)
{
    struct entry *entry = map_get(looker->entries, id18);
    bool fresh = !entry;
    if (fresh) {
        entry = mem_alloc(sizeof *entry);
        snprintf(entry->view.id, sizeof entry->view.id, "%s", id18);
        map_put(looker->entries, entry->view.id, entry);
    } else {
        unlink_entry(looker, entry);
    }
    put_first(looker, entry);
    if (fresh)
        forget_surplus(looker, entry);
    return entry;
}

void org_view(struct org *org, const char *user_id, const char *id18, enum view_kind kind)
{
    int64_t now_ms = org_now_ms(org) / 1000 * 1000;
    if (!user_id || !*user_id || strlen(id18) != 18)
        return;
    pthread_rwlock_wrlock(&org->views->lock);
    struct entry *entry = touch(looker_of(org->views, user_id), id18);
    if (kind == VIEW_SEEN)
        entry->view.seen_ms = now_ms;
    entry->view.referenced_ms = now_ms;
    pthread_rwlock_unlock(&org->views->lock);
}

size_t org_views(struct org *org, const char *user_id, const struct sobject *object,
                 struct view *out, size_t max)
{
    size_t count = 0;
    pthread_rwlock_rdlock(&org->views->lock);
    const struct looker *looker = user_id ? map_get(org->views->lookers, user_id) : NULL;
    for (const struct entry *entry = looker ? looker->newest : NULL; entry && count < max;
         entry = entry->older)
        if (!object || (object->key_prefix && memcmp(entry->view.id, object->key_prefix, 3) == 0))
            out[count++] = entry->view;
    pthread_rwlock_unlock(&org->views->lock);
    return count;
}

/* --- as SQL reads it --- */

/* localorg_viewed(record id, user id, kind): milliseconds, or null. */
static void sql_viewed(sqlite3_context *context, int argc, sqlite3_value **argv)
{
    struct views *views = sqlite3_user_data(context);
    const char *id = (const char *)sqlite3_value_text(argv[0]);
    const char *user = (const char *)sqlite3_value_text(argv[1]);
    int64_t ms = 0;
    if (!id || !user)
        return;
    pthread_rwlock_rdlock(&views->lock);
    const struct looker *looker = map_get(views->lookers, user);
    const struct entry *entry = looker ? map_get(looker->entries, id) : NULL;
    if (entry)
        ms = sqlite3_value_int(argv[2]) == VIEW_SEEN ? entry->view.seen_ms
                                                     : entry->view.referenced_ms;
    pthread_rwlock_unlock(&views->lock);
    if (ms)
        sqlite3_result_int64(context, ms);
}

bool views_register(struct views *views, sqlite3 *db)
{
    return sqlite3_create_function(db, "localorg_viewed", 3, SQLITE_UTF8, views, sql_viewed, NULL,
                                   NULL) == SQLITE_OK;
}

/* --- RecentlyViewed --- */

struct found { /* what a row says of its record */
    const char *name, *record_type;
};

/* False when the record is gone, or its object may not be seen. */
static bool find_record(struct org *org, sqlite3 *db, const char *user_id, const char *id,
                        struct arena *arena, const struct sobject **object, struct found *out)
{
    sqlite3_stmt *row = NULL;
    *object = schema_by_prefix(org->schema, id);
    if (!*object || !(*object)->name_field || org_has_rows(org, *object) ||
        !org_may_object(org, user_id, *object, ORG_READ))
        return false;
    bool typed = sobject_field(*object, "RecordTypeId") != NULL, found = false;
    const char *sql = arena_printf(
        arena, "SELECT \"%s\", %s FROM \"%s\" WHERE \"Id\" = ?1 AND \"IsDeleted\" = 0",
        (*object)->name_field->name, typed ? "\"RecordTypeId\"" : "NULL", (*object)->name);
    if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK) {
        sqlite3_bind_text(row, 1, id, 18, SQLITE_STATIC);
        found = sqlite3_step(row) == SQLITE_ROW;
    }
    if (found) {
        out->name = arena_strdup(arena, (const char *)sqlite3_column_text(row, 0));
        out->record_type = arena_strdup(arena, (const char *)sqlite3_column_text(row, 1));
    }
    sqlite3_finalize(row);
    return found;
}

static void row_json(const struct view *view, const struct sobject *object,
                     const struct found *found, struct jw *w)
{
    jw_object(w);
    jw_kv_text(w, "Id", view->id);
    jw_kv_text(w, "Name", found->name);
    jw_kv_text(w, "Type", object->name);
    jw_kv_text(w, "RecordTypeId", found->record_type);
    if (view->seen_ms)
        jw_kv_int(w, "LastViewedDate", view->seen_ms);
    jw_kv_int(w, "LastReferencedDate", view->referenced_ms);
    jw_end_object(w);
}

static void views_rows(void *ctx, const char *user_id, struct buf *json)
{
    enum { MOST = 2000 };
    struct org *org = ctx;
    struct arena *arena = arena_new();
    struct view *views = arena_array(arena, MOST, sizeof *views);
    size_t count = org_views(org, user_id, NULL, views, MOST);
    struct jw w;
    sqlite3 *db = org_reader_take(org);
    jw_init(&w, json);
    jw_array(&w);
    for (size_t i = 0; i < count && db; i++) {
        const struct sobject *object;
        struct found found;
        if (find_record(org, db, user_id, views[i].id, arena, &object, &found))
            row_json(&views[i], object, &found, &w);
    }
    jw_end_array(&w);
    org_reader_give(org, db);
    arena_free(arena);
}

void org_serve_views(struct org *org)
{
    org_set_rows(org, "RecentlyViewed", views_rows, org);
}

/* --- from close to open --- */

#define KIND "views"

enum status views_save(struct org *org, struct err *err)
{
    const char *key;
    void *value;
    enum status status = OK;
    for (size_t at = 0; status == OK && map_next(org->views->lookers, &at, &key, &value);) {
        const struct looker *looker = value;
        struct buf json = BUF_INIT;
        struct jw w;
        jw_init(&w, &json);
        jw_array(&w);
        for (const struct entry *entry = looker->oldest; entry; entry = entry->newer) {
            jw_object(&w);
            jw_kv_text(&w, "id", entry->view.id);
            jw_kv_int(&w, "seen", entry->view.seen_ms);
            jw_kv_int(&w, "referenced", entry->view.referenced_ms);
            jw_end_object(&w);
        }
        jw_end_array(&w);
        status = org_document_put(org, KIND, looker->id, &json, 0, err);
        buf_free(&json);
    }
    return status;
}

static bool load_looker(void *ctx, const char *id, const struct json *json)
{
    struct looker *looker = looker_of(ctx, id);
    json_each(view, json) {
        const char *record = json_get_text(view, "id");
        if (!record || strlen(record) != 18)
            continue;
        struct entry *entry = touch(looker, record);
        entry->view.seen_ms = json_get_int(view, "seen", 0);
        entry->view.referenced_ms = json_get_int(view, "referenced", 0);
    }
    return true;
}

enum status views_load(struct org *org, struct err *err)
{
    struct arena *arena = arena_new();
    enum status status = org_document_each(org, KIND, arena, load_looker, org->views, err);
    arena_free(arena);
    return status;
}
