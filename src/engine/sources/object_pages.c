/* object_pages.c - pages of records on their way to the store, each with the place
 * behind it: a kill costs one page. */
#include "engine/sources/object_pull.h"

#include "base/log.h"
#include "base/str.h"

#include <string.h>

int64_t object_server_now(const struct object_pull *pull)
{
    int64_t now = engine_now(pull->sync->job.engine) + pull->on->skew_ms;
    return now - now % 1000; /* the server's Date has no fractions */
}

enum status object_store_page(struct object_pull *pull, const struct crm_page *page,
                              struct arena *arena, struct err *err)
{
    struct sync *sync = pull->sync;
    struct row_in *rows = arena_array(arena, page->count + 1, sizeof *rows);
    for (size_t i = 0; i < page->count; i++)
        rows[i] = (struct row_in){page->records[i].id, page->records[i].stamp,
                                  page->records[i].deleted, page->records[i].values};
    crash_point(sync->job.engine, "K16");
    return sync_store(sync, rows, page->count, object_cursor_write(arena, &pull->cursor),
                      pull->cursor.phase == PULL_LOAD && pull->cursor.first_load, err);
}

/* The place behind the page: what the next process would read from. The texts
 * are lent by the page, and copied when it goes. True when there is something to store. */
static bool move_cursor(struct object_pull *pull, const struct crm_page *page)
{
    struct object_cursor *cursor = &pull->cursor;
    if (page->place) {
        bool moved = !text_eq(cursor->place, page->place);
        cursor->place = page->place;
        return moved || page->count;
    }
    if (!page->count)
        return false;
    const struct crm_record *last = &page->records[page->count - 1];
    cursor->id = last->id;
    cursor->stamp = last->stamp;
    return true;
}

/* Where the texts of a cursor stay while pages come and go. */
struct cursor_texts {
    char id[32], stamp[64], place[400];
};

static const char *keep_text(char *out, size_t size, const char *text)
{
    if (text && text != out)
        snprintf(out, size, "%s", text);
    return text ? out : NULL;
}

static void keep_cursor(struct object_pull *pull, struct cursor_texts *texts)
{
    struct object_cursor *cursor = &pull->cursor;
    cursor->id = keep_text(texts->id, sizeof texts->id, cursor->id);
    cursor->stamp = keep_text(texts->stamp, sizeof texts->stamp, cursor->stamp);
    cursor->place = keep_text(texts->place, sizeof texts->place, cursor->place);
}

/* A cursor lives longer than this call. */
static void own_cursor(struct object_pull *pull)
{
    pull->cursor.id = arena_strdup(pull->sync->job.arena, pull->cursor.id);
    pull->cursor.stamp = arena_strdup(pull->sync->job.arena, pull->cursor.stamp);
    pull->cursor.place = arena_strdup(pull->sync->job.arena, pull->cursor.place);
}

/* The loser of a merge is deleted, and names the record that it became part of. */
static void note_merged(struct object_pull *pull, const struct crm_page *page)
{
    for (size_t i = 0; i < page->count; i++)
        pull->merged += page->records[i].deleted && page->records[i].master_id;
}

static enum status next_page(struct object_pull *pull, struct crm_reader *reader,
                             struct arena *arena, struct crm_page *page, struct err *err)
{
    if (engine_stopping(pull->sync->job.engine))
        return err_set(err, ERR_STOPPED, "stopped; the next sync goes on where this one was");
    return pull->on->session->does->read_next(reader, arena, page, err);
}

enum status object_read_pages(struct object_pull *pull, const struct crm_read *read,
                              const char *what, int64_t total, struct err *err)
{
    const struct connector *crm = pull->on->session->does;
    struct crm_reader *reader = crm->read_open(pull->on->session, read, err);
    struct arena *arena = arena_new();
    struct crm_page page = {0};
    struct cursor_texts texts;
    int64_t done = 0;
    enum status rc = reader ? OK : FAIL;
    while (rc == OK && !page.last) {
        arena_reset(arena);
        rc = next_page(pull, reader, arena, &page, err);
        if (rc != OK)
            break;
        if (page.total > total)
            total = page.total;
        if (move_cursor(pull, &page))
            rc = object_store_page(pull, &page, arena, err);
        keep_cursor(pull, &texts);
        done += (int64_t)page.count;
        note_merged(pull, &page);
        job_tick(&pull->sync->job, what, done, total);
    }
    if (rc == OK)
        pull->missing += page.missing;
    own_cursor(pull);
    crm->read_close(reader);
    arena_free(arena);
    return rc;
}

/* Stores the cursor alone: a phase began or ended. */
enum status object_store_cursor(struct object_pull *pull, struct err *err)
{
    struct arena *arena = arena_new();
    struct crm_page none = {0};
    enum status rc = object_store_page(pull, &none, arena, err);
    arena_free(arena);
    return rc;
}

/* A bulk result that is gone is made anew, once. What was stored of it comes again, in
 * whatever order, so a first load is one no longer unless nothing was stored. */
enum status object_again(struct object_pull *pull,
                         enum status (*step)(struct object_pull *, struct err *), struct err *err)
{
    struct err first = {0};
    int64_t rows = 0;
    if (step(pull, &first) == OK)
        return OK;
    if (!err_is(&first, ERR_CRM_PLACE_LOST)) {
        *err = first;
        return FAIL;
    }
    log_info("%s: %s; reading again", pull->object->name, first.message);
    if (sync_rows_now(pull->sync, &rows, err) != OK)
        return FAIL;
    pull->cursor.place = NULL;
    pull->cursor.first_load = pull->cursor.first_load && rows == 0;
    return step(pull, err);
}
