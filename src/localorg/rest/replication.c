/* replication.c - ids of what changed or was deleted between two instants.
 *
 * Window rules of salesforce-data 2.5: seconds are ignored, start before end,
 * at most 30 days back for updated and 15 for deleted. */
#include "localorg/rest/records.h"
#include "localorg/rest/resources.h"

#include "base/when.h"

#include <string.h>

#define DAY_MS  ((int64_t)24 * 3600 * 1000)
#define IDS_MAX 600000

/* `+` of a time zone that nobody encoded arrives as a space. */
static bool read_instant(struct call *call, const char *name, int64_t *ms)
{
    const char *given = call_param(call, name);
    char *text = given ? arena_strdup(call->arena, given) : NULL;
    for (char *p = text; p && *p; p++)
        if (*p == ' ')
            *p = '+';
    if (!text || !when_parse(text, ms)) {
        answer_error(call, 400, text ? "INVALID_REPLICATION_DATE" : "MISSING_ARGUMENT",
                     text ? "%s date is not a valid datetime" : "missing required parameter: %s",
                     name);
        return false;
    }
    *ms -= *ms % 60000;
    return true;
}

static bool read_window(struct call *call, int64_t days_back, int64_t *start, int64_t *end)
{
    int64_t now = call_now(call);
    if (!read_instant(call, "start", start) || !read_instant(call, "end", end))
        return false;
    if (*end <= *start) {
        answer_error(call, 400, "INVALID_REPLICATION_DATE",
                     "endDate before startDate, or endDate and startDate are within the same "
                     "minute");
        return false;
    }
    if (*start < now - days_back * DAY_MS) {
        answer_error(call, 400, "INVALID_REPLICATION_DATE",
                     "startDate cannot be more than %lld days ago", (long long)days_back);
        return false;
    }
    return true;
}

typedef void replicated_fn(struct jw *w, const char *id, int64_t at_ms);

static void write_id(struct jw *w, const char *id, int64_t at_ms)
{
    jw_text(w, id);
}

static void write_deleted(struct jw *w, const char *id, int64_t at_ms)
{
    char at[32];
    when_salesforce(at_ms, at);
    jw_object(w);
    jw_kv_text(w, "deletedDate", at);
    jw_kv_text(w, "id", id);
    jw_end_object(w);
}

/* Writes the array of rows in the window; returns how many there were. */
static int64_t write_window(struct call *call, const struct sobject *object, bool deleted,
                            int64_t start, int64_t end, replicated_fn *write, struct jw *w)
{
    int64_t count = 0;
    sqlite3_stmt *row = NULL;
    char *sql =
        arena_printf(call->arena,
                     "SELECT \"Id\",\"SystemModstamp\" FROM \"%s\" t WHERE \"IsDeleted\"=%d "
                     "AND \"SystemModstamp\">=?1 AND \"SystemModstamp\"<?2%s ORDER BY \"Id\"",
                     object->name, deleted, records_reach(call, object));
    sqlite3 *db = org_reader_take(call->site->org);
    jw_array(w);
    if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) == SQLITE_OK) {
        sqlite3_bind_int64(row, 1, start);
        sqlite3_bind_int64(row, 2, end);
        for (; count <= IDS_MAX && sqlite3_step(row) == SQLITE_ROW; count++)
            write(w, (const char *)sqlite3_column_text(row, 0), sqlite3_column_int64(row, 1));
    }
    jw_end_array(w);
    sqlite3_finalize(row);
    org_reader_give(call->site->org, db);
    return count;
}

static void write_covered(struct call *call, struct jw *w, int64_t end)
{
    char at[32];
    int64_t now = call_now(call);
    when_salesforce(end < now ? end : now - now % 60000, at);
    jw_kv_text(w, "latestDateCovered", at);
}

static const struct sobject *replicable(struct call *call)
{
    const struct sobject *object = call_object(call, call->args[0]);
    if (object && !sobject_field(object, "SystemModstamp")) {
        answer_error(call, 400, "INVALID_TYPE_FOR_OPERATION", "object type %s is not replicable",
                     object->name);
        return NULL;
    }
    return object;
}

static void too_many(struct call *call)
{
    answer_error(call, 400, "EXCEEDED_ID_LIMIT",
                 "the window holds more than 600,000 ids: make it smaller");
}

void replication_updated(struct call *call)
{
    struct jw w;
    int64_t start, end;
    const struct sobject *object = replicable(call);
    if (!object || !read_window(call, 30, &start, &end))
        return;
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_key(&w, "ids");
    int64_t count = write_window(call, object, false, start, end, write_id, &w);
    write_covered(call, &w, end);
    jw_end_object(&w);
    if (count > IDS_MAX)
        too_many(call);
}

void replication_deleted(struct call *call)
{
    struct jw w;
    int64_t start, end;
    char earliest[32];
    const struct sobject *object = replicable(call);
    if (!object || !read_window(call, 15, &start, &end))
        return;
    answer_json(call, 200, &w);
    jw_object(&w);
    jw_key(&w, "deletedRecords");
    int64_t count = write_window(call, object, true, start, end, write_deleted, &w);
    when_salesforce(call_now(call) - 15 * DAY_MS, earliest);
    jw_kv_text(&w, "earliestDateAvailable", earliest);
    write_covered(call, &w, end);
    jw_end_object(&w);
    if (count > IDS_MAX)
        too_many(call);
}
