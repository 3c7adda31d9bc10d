/* storage.c - how much data storage the records take: 2 KB each (campaigns 8), as
 * Salesforce counts it, records in the recycle bin not at all. Counted anew when
 * asked for; between that, writes move the number. Enforced only when a limit was
 * set, so that an org without one pays nothing. */
#include "localorg/org/access_priv.h"

#include "base/str.h"

static int64_t kilobytes_each(const struct sobject *object)
{
    struct governor governor = permits_governor(object);
    bool activity = text_eq(object->name, "Task") || text_eq(object->name, "Event") ||
                    text_eq(object->name, "Note");
    if (text_eq(object->name, "Campaign"))
        return 8;
    return governor.kind == GOVERNED_BY_ROWS || governor.kind == GOVERNED_BY_PARENT || activity ? 2
                                                                                                : 0;
}

static int64_t live_rows(sqlite3 *db, const struct sobject *object)
{
    sqlite3_stmt *row = NULL;
    int64_t count = 0;
    char *sql =
        sqlite3_mprintf("SELECT count(*) FROM \"%w\" WHERE \"IsDeleted\" = 0", object->name);
    if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK && sqlite3_step(row) == SQLITE_ROW)
        count = sqlite3_column_int64(row, 0);
    sqlite3_finalize(row);
    sqlite3_free(sql);
    return count;
}

/* The number of live rows, counted again only when the object has been written since. */
static int64_t rows_of(struct org *org, sqlite3 *db, const struct sobject *object)
{
    uint64_t changes = org_changes(org, object);
    while (org->counts.len <= object->ordinal)
        vec_push(&org->counts, ((struct counted){0}));
    struct counted *counted = &org->counts.at[object->ordinal];
    if (!counted->known || counted->changes != changes)
        *counted = (struct counted){true, changes, live_rows(db, object)};
    return counted->rows;
}

int64_t org_storage_used_kb(struct org *org)
{
    int64_t used = 0;
    sqlite3 *db = org_reader_take(org);
    pthread_mutex_lock(&org->counts_lock);
    for (size_t i = 0; db && i < schema_count(org->schema); i++) {
        const struct sobject *object = schema_at(org->schema, i);
        int64_t each = kilobytes_each(object);
        if (each)
            used += each * rows_of(org, db, object);
    }
    pthread_mutex_unlock(&org->counts_lock);
    org_reader_give(org, db);
    atomic_store(&org->storage_used_kb, used);
    return used;
}

void org_storage_limit(struct org *org, int64_t megabytes)
{
    if (megabytes > 0)
        org_storage_used_kb(org);
    atomic_store(&org->storage_limit_kb, megabytes * 1024);
}

bool storage_has_room(struct org *org, const struct sobject *object)
{
    int64_t limit = atomic_load(&org->storage_limit_kb);
    return limit <= 0 || kilobytes_each(object) == 0 || atomic_load(&org->storage_used_kb) < limit;
}

void storage_moved(struct org *org, const struct sobject *object, int records)
{
    if (atomic_load(&org->storage_limit_kb) > 0)
        atomic_fetch_add(&org->storage_used_kb, records * kilobytes_each(object));
}
