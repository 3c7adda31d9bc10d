/* bulk_answer.h - what ingest and query jobs share over HTTP: the job as JSON,
 * reading the request that makes one, lists, aborting, deleting. */
#ifndef LOCALORG_REST_BULK_ANSWER_H
#define LOCALORG_REST_BULK_ANSWER_H

#include "localorg/rest/bulk.h"
#include "localorg/rest/call.h"

/* How much of a job an answer tells. */
enum bulk_detail {
    BULK_CHANGED, /* PATCH */
    BULK_CREATED, /* POST */
    BULK_LISTED,
    BULK_FULL /* GET */
};
void answer_job(struct call *call, struct bulk_job *job, enum bulk_detail detail);
/* A new job for the caller from the members both kinds have (lineEnding,
 * columnDelimiter, contentType). NULL after answering 400. */
struct bulk_job *bulk_job_asked(struct call *call, const struct json *body, enum bulk_kind kind);
/* Fills what comes from the caller: user, version, faults, policies. */
void bulk_job_caller(struct call *call, struct bulk_job *job);
/* The fault rules that hit the request that starts the job hold for its rows. */
void bulk_job_faults(struct call *call, struct bulk_job *job);
/* The job args[0] names, of this user or seen by an administrator. NULL after 404. */
struct bulk_job *bulk_job_named(struct call *call, enum bulk_kind kind);
bool bulk_job_visible(struct call *call, const struct bulk_job *job);
void answer_job_list(struct call *call, enum bulk_kind kind, const char *job_type);
/* {"state":"Aborted"} and {"state":"UploadComplete"}; true when the answer stands. */
void answer_job_abort(struct call *call, struct bulk_job *job);
void answer_job_delete(struct call *call, struct bulk_job *job);
/* An object the Bulk API takes. NULL after answering 400 INVALIDENTITY. */
const struct sobject *bulk_object(struct call *call, const char *name);
/* A file of the job: CSV, or JSON for a job of that. */
void answer_job_file(struct call *call, struct bulk_job *job, enum bulk_file which);

#endif
