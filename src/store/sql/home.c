/* home.c - what all handles of one process on one workspace share: the lock of
 * the data directory, whether the disk has failed, whose turn it is to write,
 * and who wants to hear of changes.
 *
 * SQLite lets one handle write at a time and lets the others knock again at
 * random moments, so that a busy importer could keep a person's edit waiting.
 * Here writers queue for their turn in the order they came: an edit gets in
 * behind the page that is being imported, never behind the import.
 *
 * Changes are noted while a transaction runs and told after its commit, by the
 * thread that committed. A transaction that is rolled back tells nothing. */
#include "store/sql/sql_priv.h"

#include "base/mem.h"

#include <stdlib.h>
#include <unistd.h>

#define ROWS_NAMED_MAX 500 /* more rows of one table than this in one transaction are "many" */

struct sq_home *home_new(void)
{
    struct sq_home *home = mem_alloc(sizeof *home);
    pthread_mutex_init(&home->lock, NULL);
    pthread_cond_init(&home->turn, NULL);
    home->lock_fd = -1;
    home->handles = 1;
    return home;
}

struct sq_home *home_join(struct sq_home *home)
{
    pthread_mutex_lock(&home->lock);
    home->handles++;
    pthread_mutex_unlock(&home->lock);
    return home;
}

bool home_is_last(struct sq_home *home)
{
    pthread_mutex_lock(&home->lock);
    bool last = home->handles == 1;
    pthread_mutex_unlock(&home->lock);
    return last;
}

void home_leave(struct sq_home *home)
{
    pthread_mutex_lock(&home->lock);
    bool last = --home->handles == 0;
    pthread_mutex_unlock(&home->lock);
    if (!last)
        return;
    if (home->lock_fd >= 0)
        close(home->lock_fd);
    pthread_mutex_destroy(&home->lock);
    pthread_cond_destroy(&home->turn);
    free(home);
}

void home_take_turn(struct sq_home *home)
{
    pthread_mutex_lock(&home->lock);
    uint64_t ticket = home->tickets++;
    while (home->serving != ticket)
        pthread_cond_wait(&home->turn, &home->lock);
    pthread_mutex_unlock(&home->lock);
}

void home_end_turn(struct sq_home *home)
{
    pthread_mutex_lock(&home->lock);
    home->serving++;
    pthread_cond_broadcast(&home->turn);
    pthread_mutex_unlock(&home->lock);
}

/* ---------------------------------------------------------------- changes */

/* By this process, or others. */
static bool is_heard(const struct sq *sq)
{
    return sq->home->watch.changed || sq->engine->hear;
}

static struct sq_note *note_of(struct sq *sq, enum store_noun noun, int64_t table_id, int64_t id)
{
    for (size_t i = sq->notes.len; i-- > 0;) {
        struct sq_note *note = &sq->notes.at[i];
        if (note->noun == noun && note->table_id == table_id && note->id == id)
            return note;
    }
    vec_push(&sq->notes, ((struct sq_note){.noun = noun, .table_id = table_id, .id = id}));
    return &sq->notes.at[sq->notes.len - 1];
}

void sq_note(struct sq *sq, enum store_noun noun, int64_t table_id, int64_t id)
{
    if (is_heard(sq))
        note_of(sq, noun, table_id, id);
}

void sq_note_row(struct sq *sq, int64_t table_id, int64_t row_id)
{
    if (!is_heard(sq))
        return;
    struct sq_note *note = note_of(sq, NOUN_ROWS, table_id, 0);
    if (note->many || (note->rows.len && note->rows.at[note->rows.len - 1] == row_id))
        return;
    if (note->rows.len == ROWS_NAMED_MAX)
        note->many = true;
    else
        vec_push(&note->rows, row_id);
}

void sq_note_many(struct sq *sq, int64_t table_id)
{
    if (is_heard(sq))
        note_of(sq, NOUN_ROWS, table_id, 0)->many = true;
}

void sq_drop_notes(struct sq *sq)
{
    for (size_t i = 0; i < sq->notes.len; i++)
        vec_free(&sq->notes.at[i].rows);
    vec_clear(&sq->notes);
}

void sq_tell_notes(struct sq *sq)
{
    const struct store_watch *watch = &sq->home->watch;
    for (size_t i = 0; watch->changed && i < sq->notes.len; i++) {
        const struct sq_note *note = &sq->notes.at[i];
        struct store_change change = {.noun = note->noun,
                                      .table_id = note->table_id,
                                      .id = note->id,
                                      .rows = note->rows.at,
                                      .row_count = note->many ? 0 : note->rows.len,
                                      .many = note->many};
        watch->changed(watch->ctx, &change);
    }
    sq_drop_notes(sq);
}

void sq_watch(struct store *store, const struct store_watch *watch)
{
    struct sq *sq = sq_of(store);
    if (!watch && sq->engine->hear)
        sq->engine->hear(sq, NULL);
    sq->home->watch = watch ? *watch : (struct store_watch){0};
    if (watch && sq->engine->hear)
        sq->engine->hear(sq, watch);
}
