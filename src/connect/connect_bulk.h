/* connect_bulk.h - many writes as one job that the remote works through by itself.
 *
 * A connector without such jobs leaves connector.bulk NULL. Order of calls:
 *
 *   refuses   may these writes go so at all? NULL = yes, else why not
 *   pack      the writes as one upload, as many as fit; nothing leaves
 *   create    the job, empty: its id is proof later, so it is made durable now
 *   upload, start   the rows, then the word to begin
 *   poll      until it is over
 *   results   what became of each write
 *
 * Nothing is executed before `start` was received: a job that is still OPEN and is
 * aborted has done nothing. Each of upload, start and abort is one call (two when a
 * session had ended), results up to three; create and poll are repeated as reads are:
 * an empty job does nothing.
 *
 * Facts [Bulk API 2.0 guide]: upload once; 100 MB of CSV; a job's results are kept
 * seven days; successful + failed + unprocessed rows are the rows that were sent; the
 * result files hold the columns that were sent, in no particular order. */
#ifndef ARGIL_CONNECT_BULK_H
#define ARGIL_CONNECT_BULK_H

#include "connect/connect.h"

enum crm_job_state {
    CRM_JOB_OPEN,    /* waits for data or for the word to begin: nothing was executed */
    CRM_JOB_RUNNING, /* began, or is about to */
    CRM_JOB_DONE,    /* every row has its result; rows may have failed */
    CRM_JOB_FAILED,  /* the job itself stopped; rows may have been executed */
    CRM_JOB_ABORTED,
    CRM_JOB_GONE     /* the remote does not know it (any more) */
};

struct crm_job {
    char id[19];
    enum crm_job_state state;
    int64_t processed, failed; /* rows so far */
    const char *why;           /* CRM_JOB_FAILED: the remote's words; on the arena */
};

/* What all writes of a job share. */
struct crm_job_ask {
    enum op_kind kind;
    const char *object, *key_field; /* key_field: OP_UPSERT */
    const struct crm_write_options *options;
    const char *assignment_rule; /* set by refuses; NULL = none is to run */
};

struct crm_pack {
    struct buf csv;
    size_t taken;         /* the first so many of the writes are in it, but for ... */
    const char **unfit;   /* ... those with a reason here why they cannot travel so; on the arena */
};

/* One write whose result is wanted, or whose result is known already. */
struct crm_job_row {
    struct crm_write write;
    const char *taken;  /* the record that is known to be its result; NULL = not known */
    bool refused;       /* known to have been refused */
};

struct crm_bulk {
    size_t (*rows_most)(void); /* of one job */
    /* Calls that so many writes would need. */
    size_t (*cost)(size_t count);
    /* May ask the remote (an assignment rule's id). Text on `arena`. */
    const char *(*refuses)(struct crm_session *session, struct crm_job_ask *ask,
                           struct arena *arena);
    /* Free pack->csv. */
    enum status (*pack)(struct crm_session *session, const struct crm_job_ask *ask,
                        const struct crm_write *writes, size_t count, struct arena *arena,
                        struct crm_pack *out, struct err *err);
    /* FAIL: there is no job, or one that nobody will start. */
    enum status (*create)(struct crm_session *session, const struct crm_job_ask *ask,
                          struct arena *arena, struct crm_job *job, struct err *err);
    /* FAIL: it may have arrived all the same; poll tells. */
    enum status (*upload)(struct crm_session *session, const struct crm_job *job,
                          const struct buf *csv, struct err *err);
    enum status (*start)(struct crm_session *session, const struct crm_job *job, struct err *err);
    enum status (*abort)(struct crm_session *session, const struct crm_job *job, struct err *err);
    /* By job->id. */
    enum status (*poll)(struct crm_session *session, struct arena *arena, struct crm_job *job,
                        struct err *err);
    /* Of a job that is over. All rows of the job in the order of their operations: those that
     * look alike share their results, each result once, executed ones first. An outcome that
     * nothing was found for is CRM_UNKNOWN; outcomes of rows whose result is known are not set. */
    enum status (*results)(struct crm_session *session, const struct crm_job *job,
                           const struct crm_job_ask *ask, const struct crm_job_row *rows,
                           size_t count, struct arena *arena, struct crm_outcome *outcomes,
                           struct err *err);
};

#endif
