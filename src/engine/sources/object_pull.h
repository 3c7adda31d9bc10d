/* object_pull.h - one pull of the records of a Salesforce object; private to
 * the object_* and salesforce_object files. */
#ifndef ARGIL_ENGINE_SOURCES_OBJECT_PULL_H
#define ARGIL_ENGINE_SOURCES_OBJECT_PULL_H

#include "engine/sync_priv.h"

enum object_phase {
    PULL_NONE,   /* never synced */
    PULL_LOAD,   /* reading everything, ORDER BY Id */
    PULL_WINDOW, /* reading what changed, ORDER BY SystemModstamp, Id */
    PULL_GONE,   /* reading what was deleted in the same window */
    PULL_IDLE,   /* complete up to covered_ms */
    PULL_REFRESH /* as IDLE, and reading fields again whose changes leave no stamp */
};

/* Stored with every page, so that a kill costs one page. */
struct object_cursor {
    enum object_phase phase;
    bool first_load;   /* the table was empty when the load began */
    const char *shape; /* hash of org, object, fields and filter: another shape is read anew */
    const char *org_id, *user_id; /* user: who compared all Ids last */
    const char *stamp, *id;       /* last record read in this phase; NULL = from the start */
    const char *place;            /* instead, where the connector was in a bulk result; or NULL */
    int64_t started_ms;           /* server clock when the load began */
    int64_t from_ms, until_ms;    /* the window */
    int64_t covered_ms;           /* everything up to here is ours */
    int64_t swept_ms;             /* when all Ids were compared last; 0 = not since all was read again */
    int64_t formulas_ms;          /* when the values of formula fields were all read last */
    int64_t refresh_ms;           /* when the refresh at hand began */
};
const char *object_cursor_write(struct arena *arena, const struct object_cursor *cursor);
enum status object_cursor_read(struct arena *arena, const char *json, struct object_cursor *out,
                               struct err *err);

struct object_pull {
    struct sync *sync;
    struct job_session *on;
    const struct crm_object *object;
    const char *where; /* SOQL condition, or NULL */
    const struct json *known; /* types of the fields when the recipe was applied; NULL = not known */
    const struct crm_field **now; /* by position of the table's column: its field as it is now; NULL = gone */
    bool has_stamp, swept;
    struct object_cursor cursor;
    int64_t lag_ms;    /* how far behind the server clock a window ends */
    int64_t newer;     /* records the remote counted that are younger than the window */
    int64_t missing;   /* records the remote announced and did not give: counts are not enough */
    int64_t merged;    /* of the deleted: merged into another record */
    int64_t refreshed; /* rows whose formula fields had moved without a stamp */
    enum crm_transport transport;
    int64_t sweep_every_ms, refresh_every_ms; /* 0 = never by itself */
};

/* Opens a session, describes the object, chooses the fields. sync and where are set. */
enum status object_pull_open(struct object_pull *pull, const char *object, struct err *err);
/* Brings the source up to date with the records of an object that the condition finds
 * (`where` NULL: all). `subject` for the statement. */
enum status object_pull_records(struct sync *sync, const char *object, const char *where,
                                const char *subject, struct err *err);

int64_t object_server_now(const struct object_pull *pull); /* the remote's clock, whole seconds */
/* Reads pages of a phase; each is stored with the place behind it. */
enum status object_read_pages(struct object_pull *pull, const struct crm_read *read,
                              const char *what, int64_t total, struct err *err);
/* Runs a step; once more from the start when the bulk result it was in is gone. */
enum status object_again(struct object_pull *pull,
                         enum status (*step)(struct object_pull *, struct err *), struct err *err);
/* Stores the cursor alone. */
enum status object_store_cursor(struct object_pull *pull, struct err *err);
/* Reads every record again, into rows that are there. */
enum status object_load_again(struct object_pull *pull, struct err *err);
/* Reads the fields again whose changes leave no stamp, when they are due. */
enum status object_refresh(struct object_pull *pull, struct err *err);
/* Stores a page and the cursor in one transaction. */
enum status object_store_page(struct object_pull *pull, const struct crm_page *page,
                              struct arena *arena, struct err *err);
/* Asks the count and, where it differs from ours, compares all Ids. */
enum status object_compare(struct object_pull *pull, struct err *err);

#endif
