/* live.c - the loop of one connection's listener; what a batch of events means for the
 * rows of a source is sources/object_live.c. */
#include "engine/live.h"

#include "base/log.h"
#include "base/str.h"
#include "connect/connect_events.h"
#include "engine/sources/object_live.h"
#include "store/store_runs.h"
#include "store/store_sources.h"

#include <string.h>

#define ASK_AGAIN_MS ((int64_t)60 * 1000) /* for a sync that must catch up */

bool live_wanted(const struct source *source)
{
    struct err ignored = {0};
    struct arena *arena = arena_new();
    const char *text = source->config ? source->config : "{}";
    const struct json *config = json_parse(arena, text, strlen(text), &ignored);
    const struct source_kind *kind = source_kind_of(source, &ignored);
    bool wanted = text_eq_nocase(json_get_text(config, "every"), "live") && kind && kind->live;
    arena_free(arena);
    return wanted;
}

struct live_source {
    const char *table, *source;
    int64_t table_id;
    int slot;
    struct sync sync;
    struct run_report unused;
    struct sync_report part;
    struct object_live *live;
    int64_t missed_ms;    /* since then events may have been missed; 0 = none were */
    int64_t asked_ms;     /* when a sync was asked for last */
};

struct listening {
    struct engine *engine;
    const struct live_watch *watch;
    struct arena *arena;
    struct live_source *sources;
    size_t count;
    struct crm_session *session;
    struct crm_topic *topics; /* an object each */
    size_t topic_count;
    struct crm_listener *listener;
};

/* ------------------------------------------------------------------ setup */

static enum status find_sources(struct listening *l, const char *connection, struct err *err)
{
    struct table *tables;
    size_t count, room = 0;
    struct store *store = l->engine->store;
    if (store->does->table_list(store, l->arena, &tables, &count, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++)
        room += tables[i].source_count;
    l->sources = arena_array(l->arena, room + 1, sizeof *l->sources);
    l->topics = arena_array(l->arena, room + 1, sizeof *l->topics);
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < tables[i].source_count; k++) {
            const struct source *s = &tables[i].sources[k];
            if (text_eq(s->connection, connection) && s->object && live_wanted(s))
                l->sources[l->count++] = (struct live_source){
                    .table = tables[i].name, .source = s->name, .table_id = tables[i].id, .slot = s->slot};
        }
    return OK;
}

static enum status open_source(struct listening *l, struct live_source *s, struct err *err)
{
    if (sync_open(&s->sync, l->engine, s->table, s->source, &s->unused, &s->part, err) != OK)
        return FAIL;
    s->sync.job.use = "live";
    s->sync.job.use_table = s->table_id;
    s->live = object_live_open(&s->sync, err);
    return s->live ? OK : FAIL;
}

static struct crm_topic *topic_of(struct listening *l, const char *object)
{
    for (size_t i = 0; i < l->topic_count; i++)
        if (text_eq_nocase(l->topics[i].object, object))
            return &l->topics[i];
    return NULL;
}

/* Behind the oldest position of the sources of an object: hearing twice does no harm. */
static void choose_topics(struct listening *l)
{
    int64_t now = engine_now(l->engine);
    for (size_t i = 0; i < l->count; i++) {
        const struct source *from = l->sources[i].sync.from;
        struct crm_topic *topic = topic_of(l, from->object);
        if (from->heard == SOURCE_HEARD_NOTHING)
            l->sources[i].missed_ms = now;
        if (!topic)
            l->topics[l->topic_count++] = (struct crm_topic){from->object, from->heard, false};
        else if (from->heard != SOURCE_HEARD_NOTHING &&
                 (topic->position == CRM_POSITION_NEW || from->heard < topic->position))
            topic->position = from->heard;
    }
}

static void missed(struct listening *l, const char *object)
{
    for (size_t i = 0; i < l->count; i++)
        if (text_eq_nocase(l->sources[i].sync.from->object, object)) {
            l->sources[i].missed_ms = engine_now(l->engine);
            l->sources[i].asked_ms = 0;
        }
}

static enum status tell(struct listening *l, const char *state, const struct err *why, struct err *err)
{
    struct store *store = l->engine->store;
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_text(&w, "state", state);
    jw_kv_int(&w, "since_ms", engine_now(l->engine));
    jw_kv_text(&w, "code", why ? why->code : NULL);
    jw_kv_text(&w, "error", why ? why->message : NULL);
    jw_kv_text(&w, "hint", why && *why->hint ? why->hint : NULL);
    jw_end_object(&w);
    enum status rc = OK;
    for (size_t i = 0; i < l->count && rc == OK; i++)
        rc = store->does->sources->live_put(store, l->sources[i].table_id, l->sources[i].slot,
                                            buf_text(&text), 0, err);
    buf_free(&text);
    return rc;
}

static enum status begin(struct listening *l, const char *connection, struct err *err)
{
    for (size_t i = 0; i < l->count; i++)
        if (open_source(l, &l->sources[i], err) != OK)
            return err_wrap(err, "table \"%s\"", l->sources[i].table);
    choose_topics(l);
    l->session = engine_session(l->engine, connection, err);
    if (!l->session)
        return FAIL;
    const struct crm_events *events = l->session->does->events;
    if (!events)
        return err_set(err, ERR_NOT_BUILT, "%s cannot tell of changes", l->session->does->name);
    l->listener = events->open(l->session, l->topics, l->topic_count, l->engine->stop, err);
    if (!l->listener)
        return FAIL;
    for (size_t i = 0; i < l->topic_count; i++)
        if (l->topics[i].lost)
            missed(l, l->topics[i].object);
    return tell(l, "listening", NULL, err);
}

/* --------------------------------------------------------------- catching up */

/* A sync of the table that began after the gap, and is complete, makes it good. */
static enum status look_for_sync(struct listening *l, struct live_source *s, struct err *err)
{
    struct store *store = l->engine->store;
    struct arena *arena = arena_new();
    struct run *runs;
    size_t count;
    struct run_query query = {
        .kind = "sync", .table_id = s->table_id, .states = 1u << RUN_DONE, .limit = 1};
    enum status rc = store->does->runs->find(store, arena, &query, &runs, &count, err);
    if (rc == OK && count && runs[0].started_ms >= s->missed_ms)
        s->missed_ms = 0;
    arena_free(arena);
    return rc;
}

static enum status catch_up(struct listening *l, struct err *err)
{
    int64_t now = engine_now(l->engine);
    for (size_t i = 0; i < l->count; i++) {
        struct live_source *s = &l->sources[i];
        if (s->missed_ms && look_for_sync(l, s, err) != OK)
            return FAIL;
        if (!s->missed_ms || (s->asked_ms && now - s->asked_ms < ASK_AGAIN_MS))
            continue;
        s->asked_ms = now;
        l->watch->catch_up(l->watch->ctx, s->table, s->source);
    }
    return OK;
}

/* ------------------------------------------------------------------ events */

static enum status apply(struct listening *l, struct live_source *s, const struct crm_event *events,
                         size_t count, struct err *err)
{
    const struct import_counts *counts = &s->part.counts;
    int64_t before = counts->made_due + counts->due_again;
    for (size_t i = 0; i < count; i++)
        if (events[i].kind == CRM_EVENT_TOO_MANY &&
            text_eq_nocase(events[i].object, s->sync.from->object)) {
            s->missed_ms = engine_now(l->engine);
            s->asked_ms = 0;
        }
    if (object_live_apply(s->live, events, count, s->missed_ms == 0, err) != OK)
        return err_wrap(err, "table \"%s\"", s->table);
    if (counts->made_due + counts->due_again > before)
        l->watch->made_due(l->watch->ctx, s->table);
    return OK;
}

static enum status listen_on(struct listening *l, struct err *err)
{
    struct arena *arena = arena_new();
    enum status rc = OK;
    while (rc == OK && !engine_stopping(l->engine)) {
        struct crm_event *events = NULL;
        size_t count = 0;
        arena_reset(arena);
        rc = catch_up(l, err);
        if (rc == OK)
            rc = l->session->does->events->next(l->listener, arena, &events, &count, err);
        if (rc == OK && count)
            rc = catch_up(l, err); /* a sync may have ended while we waited */
        for (size_t i = 0; rc == OK && count && i < l->count; i++)
            rc = apply(l, &l->sources[i], events, count, err);
    }
    arena_free(arena);
    return engine_stopping(l->engine) ? OK : rc;
}

static void end(struct listening *l)
{
    if (l->session) {
        if (l->session->does->events)
            l->session->does->events->close(l->listener);
        l->session->does->close(l->session);
    }
    for (size_t i = 0; i < l->count; i++) {
        object_live_close(l->sources[i].live);
        if (l->sources[i].sync.job.arena)
            sync_close(&l->sources[i].sync);
    }
    arena_free(l->arena);
}

enum status live_listen(struct engine *engine, const char *connection,
                        const struct live_watch *watch, struct err *err)
{
    struct listening l = {.engine = engine, .watch = watch, .arena = arena_new()};
    struct err ignored = {0};
    enum status rc = find_sources(&l, connection, err);
    if (rc == OK && l.count)
        rc = begin(&l, connection, err);
    if (rc == OK && l.count)
        rc = listen_on(&l, err);
    if (rc != OK && !engine_stopping(engine) && !store_failed(err))
        tell(&l, "failed", err, &ignored);
    end(&l);
    return rc;
}
