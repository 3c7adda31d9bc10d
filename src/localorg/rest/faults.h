/* faults.h - failures on order: which requests they meet and what they do.
 *
 * A rule says what it matches (method, path, body, user), which of the matching
 * requests it hits (after, nth, every, times, probability), and its effect.
 * Rules come as JSON (docs/localorg/control.md). Thread-safe. */
#ifndef LOCALORG_REST_FAULTS_H
#define LOCALORG_REST_FAULTS_H

#include "base/buf.h"
#include "localorg/rest/dice.h"
#include "localorg/rest/settings.h"

#include <stdint.h>

struct faults;

/* What the rules that hit one request add up to. */
struct fault_plan {
    bool drop_before;    /* close before anything is processed */
    bool drop_after;     /* process and commit, then close without an answer */
    bool cut;            /* half of the body */
    bool expire_token;   /* 401 INVALID_SESSION_ID, and the session is gone */
    bool limit_exceeded; /* 403 REQUEST_LIMIT_EXCEEDED */
    int status;          /* answer this instead of processing; 0 = no */
    const char *body, *content_type;
    bool after; /* `status` answers after processing instead */
    int64_t delay_before_ms, delay_after_ms;
    int64_t page_size;       /* 0 = as usual */
    const char *lock_ids;    /* words; rows with these ids cannot be locked */
    double lock_probability; /* any row */
    int64_t late_ms;         /* drop_before, then delivered so much later; -1 = no */
    bool twice;              /* delivered twice; the second answer is thrown away */
    int64_t partial_rows;    /* so many rows are written, then it dies; 0 = no */
    int64_t partial_done;    /* of them */
    bool dead;               /* it has */
    bool truncate;           /* a whole answer with half of the body */
    int64_t garble;          /* so many bytes of the body are wrong */
    bool chunked;            /* no Content-Length */
    int64_t slow_bytes_per_s;
    int64_t skew_ms;      /* of the Date header alone */
    int64_t stamp_lag_ms; /* what it writes is stamped so much earlier */
    bool forget_cursors;  /* every query locator is gone */
    bool shuffle;         /* rows whose order nobody asked for come in another */
    const char *control;  /* JSON: an array of arrays of control requests, run before it */
    const char *names;    /* of the rules, for the log; "" when none hit */
};

struct faults *faults_new(void);
void faults_free(struct faults *faults);
/* One rule object, an array of them, or {"faults":[...]}. All or none are added. */
enum status faults_add(struct faults *faults, const struct json *rules, size_t *added,
                       struct err *err);
/* By name, or all with NULL. Returns how many went away. */
size_t faults_remove(struct faults *faults, const char *name);
void faults_write(struct faults *faults, struct jw *w);
/* Texts of the plan live on the arena. `target` is path?query as sent. */
int64_t faults_count(struct faults *faults);
void faults_match(struct faults *faults, struct dice *dice, struct arena *arena, const char *method,
                  const char *target, const struct buf *body, const char *user,
                  struct fault_plan *plan);

#endif
