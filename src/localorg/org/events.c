/* events.c - events kept in the org's database, and which objects' changes
 * become events.
 *
 * localorg_event holds what is kept, one row an event, with the instant until
 * which it is kept; localorg_member the selections. Invariant: replay ids are
 * given out under the write lock only and never twice, also not after a
 * rollback; org->replay_forgotten is the newest id that is no longer kept. */
#include "localorg/org/events_priv.h"

#include <stdio.h>
#include <stdlib.h>

#define HOUR_MS        (3600 * (int64_t)1000)
#define PURGE_EVERY_MS (60 * (int64_t)1000)

static int64_t retention_ms(enum org_event_kind kind)
{
    return kind == EVENT_CHANGE || kind == EVENT_PLATFORM ? 72 * HOUR_MS : 24 * HOUR_MS;
}

/* --- opening --- */

static enum status number_of(struct org *org, const char *key, int64_t otherwise, int64_t *out,
                             struct err *err)
{
    char text[32];
    if (meta_get(org, key, text, sizeof text, err) != OK)
        return FAIL;
    *out = *text ? strtoll(text, NULL, 10) : otherwise;
    return OK;
}

static enum status number_put(struct org *org, const char *key, int64_t value, struct err *err)
{
    char text[32];
    snprintf(text, sizeof text, "%lld", (long long)value);
    return meta_put(org, key, text, err);
}

enum status events_load(struct org *org, struct err *err)
{
    struct rng rng = {org->seed ^ 0x6576656eull};
    int64_t first = 1000000 + (int64_t)rng_below(&rng, 50000000), forgotten;
    if (number_of(org, "replay_last", first, &org->replay_last, err) != OK ||
        number_of(org, "replay_forgotten", first, &forgotten, err) != OK)
        return FAIL;
    atomic_store(&org->replay_forgotten, forgotten);
    org->purge_at_ms = 0;
    return members_load(org, err);
}

void events_free(struct org *org)
{
    sqlite3_finalize(org->put_event);
    vec_free(&org->members);
    capture_free(org->capture);
}

/* --- publishing --- */

/* Mostly the next number; now and then a few are left out. */
static int64_t next_replay(struct org *org)
{
    struct rng rng = {org->seed ^ (uint64_t)org->replay_last};
    int64_t step = rng_below(&rng, 4) == 0 ? 2 + (int64_t)rng_below(&rng, 6) : 1;
    return org->replay_last += step;
}

enum status org_event_publish(struct org *org, enum org_event_kind kind, const char *topic,
                              org_event_writer *write, void *ctx, struct err *err)
{
    if (!org->put_event &&
        db_prepare(org->db, &org->put_event, "INSERT INTO localorg_event VALUES (?, ?, ?, ?, ?)",
                   err) != OK)
        return FAIL;
    int64_t replay = next_replay(org);
    struct buf data = BUF_INIT;
    struct jw w;
    jw_init(&w, &data);
    write(&w, replay, ctx);
    sqlite3_bind_int64(org->put_event, 1, replay);
    sqlite3_bind_int(org->put_event, 2, kind);
    sqlite3_bind_text(org->put_event, 3, topic, -1, SQLITE_STATIC);
    sqlite3_bind_int64(org->put_event, 4, org_now_ms(org) + retention_ms(kind));
    sqlite3_bind_text(org->put_event, 5, buf_text(&data), (int)data.len, SQLITE_STATIC);
    enum status status = db_run(org->put_event, err);
    sqlite3_clear_bindings(org->put_event);
    buf_free(&data);
    org->events_new = true;
    return status;
}

/* Drops what is not kept any more, at most once a minute. */
static enum status purge(struct org *org, int64_t now_ms, struct err *err)
{
    if (now_ms < org->purge_at_ms && now_ms > org->purge_at_ms - 2 * PURGE_EVERY_MS)
        return OK;
    sqlite3_stmt *oldest = NULL;
    int64_t gone = 0;
    enum status status = db_prepare(
        org->db, &oldest, "SELECT MAX(replay) FROM localorg_event WHERE keep_until <= ?", err);
    if (status == OK) {
        sqlite3_bind_int64(oldest, 1, now_ms);
        if (db_next(oldest, &status, err))
            gone = sqlite3_column_int64(oldest, 0);
    }
    sqlite3_finalize(oldest);
    if (status == OK && gone) {
        char sql[100];
        snprintf(sql, sizeof sql, "DELETE FROM localorg_event WHERE replay <= %lld",
                 (long long)gone);
        status = db_exec(org->db, err, sql);
        if (status == OK)
            status = number_put(org, "replay_forgotten", gone, err);
        if (status == OK)
            atomic_store(&org->replay_forgotten, gone);
    }
    org->purge_at_ms = now_ms + PURGE_EVERY_MS;
    return status;
}

enum status events_before_commit(struct org *org, struct err *err)
{
    if (org->members_dirty && members_load(org, err) != OK)
        return FAIL;
    if (!org->events_new)
        return OK;
    if (purge(org, org_now_ms(org), err) != OK)
        return FAIL;
    return number_put(org, "replay_last", org->replay_last, err);
}

void org_on_events(struct org *org, void (*fn)(void *ctx), void *ctx)
{
    org->on_events_ctx = ctx;
    org->on_events = fn;
}

/* --- reading --- */

enum status org_events_span(struct org *org, struct org_event_span *out, struct err *err)
{
    sqlite3 *db = org_reader_take(org);
    sqlite3_stmt *get = NULL;
    int64_t expired = 0;
    out->last = 0;
    out->forgotten = atomic_load(&org->replay_forgotten);
    enum status status =
        !db ? err_set(err, ERR_IO, "cannot read the org")
            : db_prepare(db, &get,
                         "SELECT (SELECT MAX(replay) FROM localorg_event),"
                         " (SELECT MAX(replay) FROM localorg_event WHERE keep_until <= ?)",
                         err);
    if (status == OK) {
        sqlite3_bind_int64(get, 1, org_now_ms(org));
        if (db_next(get, &status, err)) {
            out->last = sqlite3_column_int64(get, 0);
            expired = sqlite3_column_int64(get, 1);
        }
    }
    sqlite3_finalize(get);
    org_reader_give(org, db);
    if (expired > out->forgotten)
        out->forgotten = expired;
    if (out->last < out->forgotten)
        out->last = out->forgotten;
    return status;
}

enum status org_events_read(struct org *org, int64_t after, size_t max, org_event_fn *fn, void *ctx,
                            struct err *err)
{
    sqlite3 *db = org_reader_take(org);
    sqlite3_stmt *rows = NULL;
    enum status status =
        !db ? err_set(err, ERR_IO, "cannot read the org")
            : db_prepare(db, &rows,
                         "SELECT replay, kind, topic, data FROM localorg_event"
                         " WHERE replay > ?1 AND keep_until > ?2 ORDER BY replay LIMIT ?3",
                         err);
    if (status == OK) {
        sqlite3_bind_int64(rows, 1, after);
        sqlite3_bind_int64(rows, 2, org_now_ms(org));
        sqlite3_bind_int64(rows, 3, max < INT64_MAX ? (int64_t)max : INT64_MAX);
        while (db_next(rows, &status, err)) {
            struct org_event event = {.replay_id = sqlite3_column_int64(rows, 0),
                                      .kind = (enum org_event_kind)sqlite3_column_int(rows, 1),
                                      .topic = db_text(rows, 2),
                                      .data = db_text(rows, 3)};
            if (!fn(ctx, &event))
                break;
        }
    }
    sqlite3_finalize(rows);
    org_reader_give(org, db);
    return status;
}

enum status org_events_forget(struct org *org, struct err *err)
{
    if (!org_write_begin(org))
        return err_set(err, ERR_IO, "cannot write to the org");
    enum status status = db_exec(org->db, err, "DELETE FROM localorg_event");
    if (status == OK)
        status = number_put(org, "replay_last", org->replay_last, err);
    if (status == OK)
        status = number_put(org, "replay_forgotten", org->replay_last, err);
    enum status ended = org_write_end(org, status == OK, status == OK ? err : NULL);
    if (status == OK && ended == OK)
        atomic_store(&org->replay_forgotten, org->replay_last);
    return status == OK ? ended : status;
}

/* --- which objects --- */

bool org_is_platform_event(const struct sobject *object)
{
    return text_ends(object->name, "__e");
}

/* The standard objects of ours that the guide lists as supported. */
bool org_can_capture(const struct sobject *object)
{
    static const char *const supported[] = {
        "Account",   "AccountContactRole",   "Asset",
        "Campaign",  "CampaignMember",       "CampaignMemberStatus",
        "Case",      "Contact",              "Contract",
        "Event",     "Individual",           "Lead",
        "Order",     "OrderItem",            "Opportunity",
        "Pricebook2", "OpportunityContactRole", "OpportunityLineItem",
        "Product2",  "PricebookEntry",       "Task",
        "User"};
    if (text_ends(object->name, "__c"))
        return !object->custom_setting;
    for (size_t i = 0; i < sizeof supported / sizeof *supported; i++)
        if (text_eq(object->name, supported[i]))
            return true;
    return false;
}

void org_change_event_name(const struct sobject *object, char out[100])
{
    size_t len = strlen(object->name);
    if (text_ends(object->name, "__c"))
        snprintf(out, 100, "%.*s__ChangeEvent", (int)(len - 3), object->name);
    else
        snprintf(out, 100, "%sChangeEvent", object->name);
}

struct sobject *org_change_event_object(struct org *org, const char *event)
{
    char name[100], spelled[100];
    size_t len = event ? strlen(event) : 0;
    if (len <= 11 || len >= sizeof name - 3 || strcmp(event + len - 11, "ChangeEvent") != 0)
        return NULL;
    bool custom = len > 13 && strncmp(event + len - 13, "__", 2) == 0;
    snprintf(name, sizeof name, "%.*s%s", (int)(len - (custom ? 13 : 11)), event,
             custom ? "__c" : "");
    struct sobject *object = schema_find(org->schema, name);
    if (!object || !org_can_capture(object))
        return NULL;
    org_change_event_name(object, spelled);
    return strcmp(spelled, event) == 0 ? object : NULL; /* channels are case-sensitive */
}

enum status members_load(struct org *org, struct err *err)
{
    sqlite3_stmt *rows = NULL;
    if (db_prepare(org->db, &rows,
                   "SELECT id, channel, event FROM localorg_member ORDER BY channel, event",
                   err) != OK)
        return FAIL;
    enum status status = OK;
    org->generation++; /* the plans of tables know whether they are captured */
    pthread_rwlock_wrlock(&org->people_lock);
    vec_clear(&org->members);
    while (db_next(rows, &status, err)) {
        struct org_member member = {{0}};
        snprintf(member.id, sizeof member.id, "%s", db_text(rows, 0));
        snprintf(member.channel, sizeof member.channel, "%s", db_text(rows, 1));
        snprintf(member.event, sizeof member.event, "%s", db_text(rows, 2));
        vec_push(&org->members, member);
    }
    pthread_rwlock_unlock(&org->people_lock);
    sqlite3_finalize(rows);
    return status;
}

bool org_member_at(struct org *org, size_t index, struct org_member *out)
{
    pthread_rwlock_rdlock(&org->people_lock);
    bool there = index < org->members.len;
    if (there)
        *out = org->members.at[index];
    pthread_rwlock_unlock(&org->people_lock);
    return there;
}

static bool member_is(const struct org_member *member, const char *channel, const char *event)
{
    return (!channel || strcmp(member->channel, channel) == 0) && strcmp(member->event, event) == 0;
}

bool org_member_selected(struct org *org, const char *channel, const char *event)
{
    bool found = false;
    pthread_rwlock_rdlock(&org->people_lock);
    for (size_t i = 0; i < org->members.len && !found; i++)
        found = member_is(&org->members.at[i], channel, event);
    pthread_rwlock_unlock(&org->people_lock);
    return found;
}

/* Runs one statement about a channel and an event; how many rows it changed. */
static enum status member_sql(struct org *org, const char *sql, const char *channel,
                              const char *event, const char *id, int *changed, struct err *err)
{
    sqlite3_stmt *run = NULL;
    enum status status = db_prepare(org->db, &run, sql, err);
    if (status == OK) {
        sqlite3_bind_text(run, 1, channel, -1, SQLITE_STATIC);
        sqlite3_bind_text(run, 2, event, -1, SQLITE_STATIC);
        if (id)
            sqlite3_bind_text(run, 3, id, -1, SQLITE_STATIC);
        status = db_run(run, err);
        *changed = sqlite3_changes(org->db);
    }
    sqlite3_finalize(run);
    org->members_dirty = true;
    return status;
}

static enum status member_insert(struct org *org, const char *channel, const char *event,
                                 char id[19], struct err *err)
{
    int64_t number;
    int changed = 0;
    if (number_of(org, "member_number", 1, &number, err) != OK ||
        number_put(org, "member_number", number + 1, err) != OK)
        return FAIL;
    id_make("0v8", org->pod, 1000000 + (uint64_t)number, id);
    return member_sql(org, "INSERT INTO localorg_member (channel, event, id) VALUES (?, ?, ?)",
                      channel, event, id, &changed, err);
}

enum status org_select_member(struct org *org, const char *channel, const char *event, char id[19],
                              struct err *err)
{
    char own[19];
    if (!org_change_event_object(org, event))
        return err_set(err, ERR_NOT_FOUND, "no object has the change event %s", event);
    if (!org_write_begin(org))
        return err_set(err, ERR_IO, "cannot write to the org");
    enum status status = org_member_selected(org, channel, event)
                             ? err_set(err, ERR_CONFLICT, "%s is selected in %s already", event,
                                       channel)
                             : member_insert(org, channel, event, id ? id : own, err);
    enum status ended = org_write_end(org, status == OK, status == OK ? err : NULL);
    return status == OK ? ended : status;
}

enum status org_drop_member(struct org *org, const char *channel, const char *event,
                            struct err *err)
{
    int changed = 0;
    if (!org_write_begin(org))
        return err_set(err, ERR_IO, "cannot write to the org");
    enum status status = member_sql(
        org, "DELETE FROM localorg_member WHERE channel = ? AND event = ?", channel, event, NULL,
        &changed, err);
    if (status == OK && !changed)
        status = err_set(err, ERR_NOT_FOUND, "%s is not selected in %s", event, channel);
    enum status ended = org_write_end(org, status == OK, status == OK ? err : NULL);
    return status == OK ? ended : status;
}

/* --- what is watched besides --- */

void org_on_change(struct org *org, org_change_fn *fn, void *ctx)
{
    org->on_change_ctx = ctx;
    org->on_change = fn;
}

enum status org_watch(struct org *org, const char *objects, struct err *err)
{
    if (!org_write_begin(org))
        return err_set(err, ERR_IO, "cannot write to the org");
    snprintf(org->watched, sizeof org->watched, " %s ", objects ? objects : "");
    org->generation++;
    return org_write_end(org, true, err);
}

/* --- does a write of this object become an event? --- */

bool events_want(struct org *org, const struct sobject *object, bool *watched)
{
    char event[100], word[100];
    snprintf(word, sizeof word, " %.80s ", object->name);
    *watched = strcasestr(org->watched, word) != NULL;
    if (!org_can_capture(object))
        return false;
    org_change_event_name(object, event);
    return org_member_selected(org, NULL, event);
}
