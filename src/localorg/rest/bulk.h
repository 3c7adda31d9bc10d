/* bulk.h - Bulk API jobs: what they are, where their files lie, who works on them.
 *
 * A job is made by a request and done by one worker thread, jobs in the order
 * they were started. Rows never stay in memory: the upload, the results and the
 * rows of a query are files in a directory of this process, gone with it.
 * Bulk API 1 uses the same jobs: its job is a folder without work of its own,
 * its batches are jobs that point to it.
 *
 * Whoever holds a job holds a reference (bulk_take, bulk_give). What a job asks
 * for is set before it is added and never changes; the rest is read and written
 * under the lock, which bulk_lock takes. */
#ifndef LOCALORG_REST_BULK_H
#define LOCALORG_REST_BULK_H

#include "base/vec.h"
#include "localorg/rest/faults.h"
#include "localorg/rest/grants.h"
#include "localorg/rest/site.h"

#include <stdio.h>

enum bulk_kind {
    BULK_INGEST, /* Bulk API 2.0 */
    BULK_QUERY,
    BULK_FOLDER, /* a job of Bulk API 1 */
    BULK_BATCH   /* a batch of one */
};

enum bulk_state {
    BULK_OPEN,     /* waits for data */
    BULK_UPLOADED, /* complete; the worker has it or will get it */
    BULK_RUNNING,
    BULK_DONE,   /* every row has its result */
    BULK_FAILED, /* the job itself stopped: error says why */
    BULK_ABORTED
};

enum bulk_operation {
    BULK_INSERT,
    BULK_UPDATE,
    BULK_UPSERT,
    BULK_DELETE,
    BULK_HARD_DELETE,
    BULK_READ,    /* query */
    BULK_READ_ALL /* queryAll */
};

enum bulk_file {            /* what is kept of a job */
                 BULK_DATA, /* the rows as CSV, or a query */
                 BULK_SENT, /* Bulk API 1: a batch of JSON as it came */
                 BULK_SUCCESSFUL,
                 BULK_FAILED_ROWS,
                 BULK_UNPROCESSED,
                 BULK_ORDERED, /* Bulk API 1: one line a row, in input order */
                 BULK_ROWS,    /* of a query */
                 BULK_FILES
};

#define BULK_PAGE_INDEX 1000 /* rows between two remembered places of a query's file */

struct bulk_job {
    /* what was asked */
    char id[19], parent[19]; /* parent: the Bulk API 1 job of a batch */
    enum bulk_kind kind;
    enum bulk_operation operation;
    char object[81], key[81]; /* key: externalIdFieldName */
    char assignment_rule[19];
    double api_version;
    char delimiter;
    bool crlf;
    bool json;   /* Bulk API 1: batches and results are JSON */
    bool serial; /* Bulk API 1: concurrencyMode, told again */
    char *soql;
    struct session session;
    char origin[300];
    struct fault_plan faults; /* of the request that started it */
    char *lock_ids;
    int64_t fail_after; /* rows, then it fails; 0 = never */
    int64_t hold_polls; /* polls answered before the work starts */
    int64_t created_ms;

    /* how it goes: under the lock */
    enum bulk_state state;
    bool uploaded, deleted, queued, busy;
    int64_t changed_ms, started_ms, took_ms, polls;
    int64_t processed, failed, batches;
    VEC(int64_t) places; /* where row 0, 1000, 2000 ... of a query's file begins */
    char error[600];
    int refs;
};

struct bulk;

struct bulk *bulk_new(struct site *site);
/* Stops the worker and removes every file. NULL is fine. */
void bulk_free(struct bulk *bulk);
/* Forgets all jobs: a reset. The org lock is held for writing. */
void bulk_clear(struct bulk *bulk);

/* --- jobs --- */
/* A job with an id of its own and nothing else; one reference, yours. */
struct bulk_job *bulk_job_new(struct bulk *bulk, enum bulk_kind kind);
/* From here on others see it. */
void bulk_add(struct bulk *bulk, struct bulk_job *job, int64_t now_ms);
/* NULL when unknown, deleted, or of another kind. */
struct bulk_job *bulk_take(struct bulk *bulk, const char *id, enum bulk_kind kind);
void bulk_give(struct bulk *bulk, struct bulk_job *job);
/* Takes a reference on every job of this kind (and parent, unless NULL), oldest first. */
size_t bulk_list(struct bulk *bulk, struct arena *arena, enum bulk_kind kind, const char *parent,
                 struct bulk_job ***out);
void bulk_lock(struct bulk *bulk);
void bulk_unlock(struct bulk *bulk);
/* Batches of 10,000 records and query jobs of the last 24 hours. */
void bulk_used(struct bulk *bulk, int64_t now_ms, int64_t *batches, int64_t *query_jobs);

/* --- moving a job; each is one step from state to state --- */
/* The worker gets it, now or after hold_polls polls. */
void bulk_start(struct bulk *bulk, struct bulk_job *job, int64_t now_ms);
/* A folder takes no more batches. */
void bulk_close(struct bulk *bulk, struct bulk_job *folder, int64_t now_ms);
/* One poll: counts it, and waits a moment for a job that is nearly done. */
void bulk_poll(struct bulk *bulk, struct bulk_job *job, int64_t now_ms);
/* The rows not yet written become unprocessed records. */
void bulk_abort(struct bulk *bulk, struct bulk_job *job, int64_t now_ms);
/* Its files go away. */
void bulk_delete(struct bulk *bulk, struct bulk_job *job);
/* Waits until nobody writes the job's files; false when that takes too long. */
bool bulk_settled(struct bulk *bulk, struct bulk_job *job);

/* --- for the work itself (bulk_load.c, bulk_export.c) --- */
/* Between chunks: true when the job was aborted, deleted or reset. Holding the
 * org lock, so that the org does not change after the answer. */
bool bulk_stopped(struct bulk *bulk, struct bulk_job *job);
void bulk_progress(struct bulk *bulk, struct bulk_job *job, int64_t processed, int64_t failed);
/* Counts batches against the org's allowance. False: ExceededQuota. */
bool bulk_count_batches(struct bulk *bulk, struct bulk_job *job, int64_t batches);
struct site *bulk_site(struct bulk *bulk);
/* Runs one job to its end; the worker calls them. False with job->error to be set from err. */
bool bulk_load_run(struct bulk *bulk, struct bulk_job *job, struct err *err);
/* Every row of the upload becomes an unprocessed record. */
void bulk_load_nothing(struct bulk *bulk, struct bulk_job *job);
bool bulk_export_run(struct bulk *bulk, struct bulk_job *job, struct err *err);

/* --- files --- */
FILE *bulk_open(struct bulk *bulk, const struct bulk_job *job, enum bulk_file which,
                const char *mode);
/* Appends bytes [from, to) of the file; to -1 is its end. A missing file is empty. */
enum status bulk_read(struct bulk *bulk, const struct bulk_job *job, enum bulk_file which,
                      int64_t from, int64_t to, struct buf *out, struct err *err);

/* --- names --- */
const char *bulk_state_name(const struct bulk_job *job);
const char *bulk_operation_name(enum bulk_operation operation);
bool bulk_operation_parse(const char *name, bool query, enum bulk_operation *out);
const char *bulk_delimiter_name(char delimiter);
/* One result line: every cell quoted. */
void bulk_cell(struct buf *out, const struct bulk_job *job, const char *text, size_t len,
               bool first);
void bulk_line_end(struct buf *out, const struct bulk_job *job);

#endif
