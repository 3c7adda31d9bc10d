/* object_live.c - the records that events name, read again.
 *
 * Order: what the filter still finds is stored, what it no longer finds leaves the
 * source, then the position of the last event is stored. A kill in between repeats
 * all of it, which does no harm. */
#include "engine/sources/object_live.h"

#include "base/str.h"
#include "engine/sources/object_pull.h"

#include <stdlib.h>
#include <string.h>

#define IDS_AT_ONCE 200 /* one page of an answer, 4,300 characters of a condition */

struct object_live {
    struct object_pull pull;
    struct map *met; /* of one batch: Ids that were found */
};

struct object_live *object_live_open(struct sync *sync, struct err *err)
{
    struct object_live *live = mem_alloc(sizeof *live);
    const char *where = json_get_text(sync->source, "where");
    live->pull = (struct object_pull){.sync = sync, .where = text_blank(where) ? NULL : where};
    if (object_pull_open(&live->pull, sync->from->object, err) == OK)
        return live;
    free(live);
    return NULL;
}

void object_live_close(struct object_live *live)
{
    if (live)
        map_free(live->met);
    free(live);
}

/* ---------------------------------------------------------------- reading */

/* "(Website != null) AND Id IN ('...', '...')": Ids were checked to be 18 letters and digits. */
static const char *condition_of(struct object_live *live, struct arena *arena,
                                const char *const *ids, size_t count)
{
    struct buf text = BUF_INIT;
    if (live->pull.where)
        buf_printf(&text, "(%s) AND ", live->pull.where);
    buf_str(&text, "Id IN (");
    for (size_t i = 0; i < count; i++)
        buf_printf(&text, "%s'%s'", i ? "," : "", ids[i]);
    buf_str(&text, ")");
    const char *where = arena_strdup(arena, buf_text(&text));
    buf_free(&text);
    return where;
}

static enum status take_page(struct object_live *live, const struct crm_page *page,
                             struct arena *arena, struct err *err)
{
    struct row_in *rows = arena_array(arena, page->count + 1, sizeof *rows);
    for (size_t i = 0; i < page->count; i++) {
        const struct crm_record *r = &page->records[i];
        rows[i] = (struct row_in){r->id, r->stamp, r->deleted, r->values};
        map_put(live->met, r->id, live);
    }
    return page->count ? sync_store(live->pull.sync, rows, page->count, NULL, false, err) : OK;
}

static enum status read_again(struct object_live *live, struct arena *arena,
                              const char *const *ids, size_t count, struct err *err)
{
    struct sync *sync = live->pull.sync;
    struct crm_session *session = live->pull.on->session;
    struct crm_read read = {.object = live->pull.object->name,
                            .fields = sync->fields,
                            .field_count = sync->field_count,
                            .where = condition_of(live, arena, ids, count),
                            .expected = (int64_t)count,
                            .transport = CRM_TRANSPORT_PAGES};
    struct crm_reader *reader = session->does->read_open(session, &read, err);
    struct crm_page page = {0};
    enum status rc = reader ? OK : FAIL;
    while (rc == OK && !page.last) {
        rc = session->does->read_next(reader, arena, &page, err);
        if (rc == OK)
            rc = take_page(live, &page, arena, err);
    }
    session->does->read_close(reader);
    return rc;
}

/* Deleted, hidden, or out of the filter: the source has it no longer. */
static enum status drop_unmet(struct object_live *live, struct arena *arena,
                              const char *const *ids, size_t count, struct err *err)
{
    struct sync *sync = live->pull.sync;
    struct store *store = sync->job.engine->store;
    const char **gone = arena_array(arena, count + 1, sizeof *gone);
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (!map_get(live->met, ids[i]))
            gone[n++] = ids[i];
    return n ? store->does->rows_delete(store, sync->table->table.id, sync->from->slot, gone, n,
                                        sync->when_deleted, err)
             : OK;
}

/* ----------------------------------------------------------------- applying */

static bool is_id(const char *id)
{
    return strlen(id) == 18 &&
           strspn(id, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == 18;
}

/* Each record once, in the order of its last event. */
static size_t collect(const struct object_live *live, const struct crm_event *events, size_t count,
                      struct arena *arena, const char ***out, int64_t *position)
{
    struct map *seen = map_new();
    size_t room = 1, n = 0;
    for (size_t i = 0; i < count; i++)
        room += events[i].id_count;
    *out = arena_array(arena, room, sizeof **out);
    *position = 0;
    for (size_t i = 0; i < count; i++) {
        if (!text_eq_nocase(events[i].object, live->pull.object->name))
            continue;
        *position = events[i].position;
        for (size_t k = 0; k < events[i].id_count; k++) {
            const char *id = events[i].ids[k];
            if (events[i].kind == CRM_EVENT_TOO_MANY || !is_id(id) || map_get(seen, id))
                continue;
            map_put(seen, id, seen);
            (*out)[n++] = id;
        }
    }
    map_free(seen);
    return n;
}

static enum status store_position(struct object_live *live, int64_t position, struct err *err)
{
    struct sync *sync = live->pull.sync;
    if (position <= 0)
        return OK;
    sync->heard = position;
    enum status rc = sync_store(sync, NULL, 0, NULL, false, err);
    sync->heard = 0;
    return rc;
}

enum status object_live_apply(struct object_live *live, const struct crm_event *events,
                              size_t count, bool keep_position, struct err *err)
{
    struct arena *arena = arena_new();
    const char **ids;
    int64_t position;
    size_t n = collect(live, events, count, arena, &ids, &position);
    enum status rc = OK;
    map_free(live->met);
    live->met = map_new();
    for (size_t at = 0; rc == OK && at < n; at += IDS_AT_ONCE) {
        size_t some = n - at < IDS_AT_ONCE ? n - at : IDS_AT_ONCE;
        crash_point(live->pull.sync->job.engine, "K16");
        rc = read_again(live, arena, ids + at, some, err);
        if (rc == OK)
            rc = drop_unmet(live, arena, ids + at, some, err);
    }
    crash_point(live->pull.sync->job.engine, "K18");
    if (rc == OK && keep_position)
        rc = store_position(live, position, err);
    arena_free(arena);
    return rc;
}
