/* sync_priv.h - what the files of a sync share. */
#ifndef ARGIL_ENGINE_SYNC_PRIV_H
#define ARGIL_ENGINE_SYNC_PRIV_H

#include "engine/run_priv.h"

enum sync_phase {
    SYNC_NONE,   /* never synced */
    SYNC_LOAD,   /* reading everything, ORDER BY Id */
    SYNC_WINDOW, /* reading what changed, ORDER BY SystemModstamp, Id */
    SYNC_GONE,   /* reading what was deleted in the same window */
    SYNC_IDLE    /* complete up to covered_ms */
};

/* Stored with every page, so that a kill costs one page. */
struct sync_cursor {
    enum sync_phase phase;
    bool first_load;   /* the table was empty when the load began */
    const char *shape; /* hash of org, object, fields and filter: another shape is read anew */
    const char *org_id;
    const char *stamp, *id;    /* last record read in this phase; NULL = from the start */
    int64_t started_ms;        /* server clock when the load began */
    int64_t from_ms, until_ms; /* the window */
    int64_t covered_ms;        /* everything up to here is ours */
};
const char *sync_cursor_write(struct arena *arena, const struct sync_cursor *cursor);
enum status sync_cursor_read(struct arena *arena, const char *json, struct sync_cursor *out,
                             struct err *err);

struct sync {
    struct run_job job;
    struct table_plan *table;
    struct job_session *on;
    const struct crm_object *object;
    const struct json *source;
    struct sync_report *report;
    struct sync_cursor cursor;
    const char **fields; /* to read, and the slots they go to */
    int *slots;
    size_t field_count, frozen_count; /* frozen: gone from describe, old values kept */
    const char *frozen;               /* their names */
    bool full, has_stamp, update_existing, auto_update;
    enum when_deleted when_deleted;
    const char *where;
    int64_t *due_for_new;
    size_t due_for_new_count;
    struct due_rule *due_for_change;
    size_t due_for_change_count;
    int64_t rows_before;
    int64_t lag_ms; /* how far behind the server clock a window ends */
    int64_t newer;  /* records the remote counted that are younger than the window */
    bool swept;
};

/* Stores a page and the cursor in one transaction. */
enum status sync_store_page(struct sync *sync, const struct crm_page *page, struct arena *arena,
                            struct err *err);
/* Asks the count and, where it differs from ours, compares all Ids. */
enum status sync_compare(struct sync *sync, struct err *err);
enum status sync_rows_now(struct sync *sync, int64_t *out, struct err *err);

#endif
