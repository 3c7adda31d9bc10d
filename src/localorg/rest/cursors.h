/* cursors.h - open query locators: a result set kept between pages.
 *
 * A cursor holds a reader connection with its snapshot, so pages of one query
 * agree with each other whatever is written meanwhile. Any page may be read
 * again: the cursor rewinds and skips. What would grow has a ceiling: a user
 * holds `open_cursors` of them, the oldest goes first; one that was read to
 * its end is closed after a minute without use. Lists of children that were cut
 * have cursors, too; they hold no connection until they are asked for a page, and
 * do not count against that number but have a ceiling of their own. Thread-safe. */
#ifndef LOCALORG_REST_CURSORS_H
#define LOCALORG_REST_CURSORS_H

#include "localorg/soql/soql.h"

#include <pthread.h>

struct cursors;
struct dice;

struct cursor {
    char locator[19], user_id[19];
    struct arena *arena; /* the plan lives here */
    struct soql_plan *plan;
    struct soql_cursor *rows; /* NULL: to be opened when a page is asked for */
    int64_t total, at;        /* rows there are; rows consumed */
    int64_t page;             /* records a page */
    const char *soql;         /* the query, on the arena */
    bool all_rows;
    double api_version;
    /* A child list that was cut: which of the query's child queries, under which parent; the
     * plan is made when a page is asked for. 0: a query of its own. */
    int child;
    char parent_id[19];
    /* theirs */
    pthread_mutex_t lock;
    int holders;
    bool gone;
    int64_t made_ms, used_ms, finished_ms;
};

struct cursors *cursors_new(struct dice *dice);
void cursors_free(struct cursors *cursors);
void cursors_clear(struct cursors *cursors); /* closes all that nobody is reading */
/* Takes over rows, plan and arena of `fresh`; fills the locator. */
void cursors_keep(struct cursors *cursors, struct cursor *fresh, int64_t now_ms, int64_t most,
                  char locator[19]);
/* Locked for the caller until cursors_give; NULL when unknown, expired, or
 * somebody else's (*theirs). */
struct cursor *cursors_take(struct cursors *cursors, const char *locator, const char *user_id,
                            int64_t now_ms, int64_t lifetime_ms, bool *theirs);
void cursors_give(struct cursors *cursors, struct cursor *cursor, int64_t now_ms);
size_t cursors_count(struct cursors *cursors);

#endif
