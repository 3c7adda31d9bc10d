/* read_priv.h - what the ways of reading records share: by REST pages (read.c),
 * by a Bulk query job (bulk_read.c over bulk_job.c and bulk_rows.c). */
#ifndef ARGIL_CONNECT_SF_READ_PRIV_H
#define ARGIL_CONNECT_SF_READ_PRIV_H

#include "connect/salesforce/sf_priv.h"

/* ---------------------------------------------------------------- read.c */

/* A wanted member of a record: a field, or a parent with wanted members. */
struct want {
    const char *name;
    size_t len;
    struct want *kids, *next;
    size_t *slots; /* places in crm_record.values; more than one when asked twice */
    size_t slot_count;
    enum want_role { WANT_VALUE, WANT_ID, WANT_STAMP, WANT_DELETED, WANT_MASTER } role;
};

struct crm_reader {
    struct sf *sf;
    struct arena *arena;
    struct crm_read read; /* own copies of the texts */
    const struct crm_object *object;
    struct want *wants;
    bool has_stamp, has_deleted, has_master;
    char *last_stamp; /* as printed; NULL = from the start */
    char last_id[19];
    char *locator;
    char first_id[19]; /* of the page before: a page that repeats is not taken */
    bool started, finished;
    int restarts;
    int64_t total, taken; /* announced and handed out since the last query; total -1 = not known */
    struct sf_ahead *ahead; /* NULL until a second page is wanted */
    bool asked_ahead;
    struct bulk_read *bulk; /* NULL: by pages */
};

/* The query of this reader from its last record on; `ordered` by its keyset. */
enum status read_soql(struct crm_reader *reader, bool ordered, struct buf *out, struct err *err);

/* ----------------------------------------------------------- bulk_read.c */

/* Would a Bulk job cost clearly fewer calls than pages? */
bool bulk_pays(int64_t records);
bool bulk_can(const struct crm_reader *reader);
/* Starts (or, with read.place, goes on with) a job; FAIL only for a place that is no place. */
enum status bulk_read_begin(struct crm_reader *reader, struct err *err);
/* As read_next. When the org refuses the job and nothing was read yet, reader->bulk is
 * NULL afterwards and the page is empty: go on by pages. */
enum status bulk_read_next(struct crm_reader *reader, struct arena *arena, struct crm_page *page,
                           struct err *err);
void bulk_read_end(struct crm_reader *reader);

/* ------------------------------------------------------------ bulk_job.c */

enum bulk_state { BULK_RUNNING, BULK_DONE, BULK_FAILED, BULK_GONE };

struct bulk_job {
    char id[19];
    enum bulk_state state;
    int64_t records; /* processed so far; of a done job, all of them */
    const char *why; /* BULK_FAILED: what the org said; on the arena */
};

enum status bulk_job_create(struct sf *sf, const char *soql, bool all_rows, const char *object,
                            struct bulk_job *job, struct err *err);
enum status bulk_job_poll(struct sf *sf, struct arena *arena, struct bulk_job *job,
                          struct err *err);
void bulk_job_abort(struct sf *sf, const struct bulk_job *job); /* as well as it can */

/* ----------------------------------------------------------- bulk_rows.c */

/* Where in a job's results: the page a locator names ("" = the first), and how
 * many of its records were taken. */
struct bulk_place {
    char job[19];
    char locator[256];
    int64_t skip; /* of this page */
    int64_t done; /* of all pages */
};

/* What becomes of a column of the CSV, in the order of the query. */
struct bulk_column {
    const char *name; /* "Owner.Name" */
    const size_t *slots;
    size_t slot_count;
    enum want_role role;
    bool datetime; /* Bulk prints Z where REST prints +0000 */
};

/* Records that came together; lent until the next bulk_rows_next. */
struct bulk_batch {
    struct crm_record *records;
    size_t count;
    struct bulk_place behind;
    bool last;
};

struct bulk_rows;

/* The columns are lent for as long as the rows live; width = values a record. */
struct bulk_rows *bulk_rows_open(struct sf *sf, const struct bulk_column *columns, size_t count,
                                 size_t width, const struct bulk_place *from, struct err *err);
/* Waits up to a second for the next records; the batch is empty when none came. Passing
 * faults and an ended session are dealt with. */
enum status bulk_rows_next(struct bulk_rows *rows, struct bulk_batch *batch, struct err *err);
void bulk_rows_close(struct bulk_rows *rows); /* NULL is fine */

#endif
