/* scripted.h - a CRM that plays a script.
 *
 * For tests of the engine, and to keep the seam honest: a second connector
 * that shares nothing with the first. The script is JSON; every part may be
 * left out:
 *
 *     { "org_id": "00D...", "user_id": "005...", "environment": "local",
 *       "page": 2,                        records a page (2,000)
 *       "objects": { "Lead": { "keyPrefix": "00Q", "fields": [ describe fields ],
 *                              "records": [ {"Id": "...", "Email": "a@b.c"}, ... ] } },
 *       "fail": [ {"call": "lookup", "code": "connect.unreachable", "message": "..."}, ... ],
 *       "outcomes": [ {"class": "unknown", "executed": true},
 *                     {"class": "rejected", "code": "REQUIRED_FIELD_MISSING", "message": "..."} ] }
 *
 * Records are kept in memory and writes change them. "fail": the next call of
 * that name ends with the error, once. "outcomes": the next writes get these,
 * one each, in order; "executed": true changes the records all the same (an
 * answer that got lost). A read hands out every record: `where` is not understood. */
#ifndef ARGIL_CONNECT_SCRIPTED_H
#define ARGIL_CONNECT_SCRIPTED_H

#include "connect/connect.h"

struct scripted;

/* NULL with *err set when the script is no JSON object. */
struct scripted *scripted_new(const char *script, struct err *err);
void scripted_free(struct scripted *org);
/* Sessions opened from now on belong to this org; NULL = none can be opened. */
void scripted_use(struct scripted *org);
/* More of "outcomes" and "fail", as one JSON object like the script's. */
enum status scripted_add(struct scripted *org, const char *script, struct err *err);

/* JSON array of what was written, in order: {"kind","object","id","key","payload","class"}. Lent
 * until the next call. */
const char *scripted_writes(struct scripted *org);
size_t scripted_write_count(const struct scripted *org);
size_t scripted_record_count(const struct scripted *org, const char *object); /* live ones */
/* A field of a record as JSON text, or NULL. Lent. */
const char *scripted_field(struct scripted *org, const char *object, const char *id,
                           const char *field);
void scripted_delete(struct scripted *org, const char *object, const char *id);
/* As if somebody else changed it in the CRM; `json` is the new value. */
void scripted_set(struct scripted *org, const char *object, const char *id, const char *field,
                  const char *json);

/* As a formula does: the value moves, the stamp does not. */
void scripted_move(struct scripted *org, const char *object, const char *id, const char *field,
                   const char *json);
/* As sharing does: the record is there, but not for us. */
void scripted_hide(struct scripted *org, const char *object, const char *id, bool hidden);
/* The next read leaves out its last records and says on its last page how many. */
void scripted_short(struct scripted *org, int64_t records);

extern const struct connector scripted_connector;

#endif
