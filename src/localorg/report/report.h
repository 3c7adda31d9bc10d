/* report.h - reports: what a definition means, and what it says about the org's
 * records. No HTTP here.
 *
 * A definition is the `reportMetadata` of the Reports REST API (Reports and
 * Dashboards REST API Developer Guide; shapes of recorded answers of API v47).
 * It is read against the schema and one user's access, turned into one SOQL
 * query and run through soql.h, so that object, field and record access, date
 * literals and time zones are those of SOQL. Columns the user may not read are
 * left out of a run, as Salesforce does; a filter on one is refused.
 *
 * Errors: err.code is the API's errorCode (BAD_REQUEST, FORBIDDEN, NOT_FOUND,
 * NOT_BUILT, UNKNOWN_EXCEPTION), err.message its text. Nothing here writes to
 * the org. Everything handed out lives on the arena. */
#ifndef LOCALORG_REPORT_REPORT_H
#define LOCALORG_REPORT_REPORT_H

#include "base/json.h"
#include "localorg/org/org.h"

#define REPORT_BAD_REQUEST "BAD_REQUEST"
#define REPORT_FORBIDDEN   "FORBIDDEN"
#define REPORT_NOT_FOUND   "NOT_FOUND"
#define REPORT_NOT_BUILT   "NOT_BUILT"

enum { REPORT_ROWS_MAX = 2000 }; /* detail rows and groups of one run */

struct report_context {
    struct org *org;
    const char *user_id; /* whose access, scope and time zone; NULL: the system */
    int64_t now_ms;
    double api_version;
};

struct report;

/* Reads `stored` with the members of `changes` (NULL: none) in place of its own. */
struct report *report_read(struct arena *arena, const struct report_context *context,
                           const struct json *stored, const struct json *changes, struct err *err);
const char *report_name(const struct report *report);
/* "Tabular", "Summary" or "Matrix", as Report.Format has it. */
const char *report_format(const struct report *report);
/* The whole reportMetadata, every member written out. `id` and `folder_id` may be NULL. */
void report_metadata_json(const struct report *report, struct jw *w);

/* Runs it and writes {"attributes","allData","factMap",..}. `attributes` is a
 * finished JSON object. */
struct report_run {
    bool details;
    const char *attributes;
};
enum status report_run_json(const struct report *report, const struct report_run *run, struct jw *w,
                            struct err *err);

/* {"attributes","reportExtendedMetadata","reportMetadata","reportTypeMetadata"} */
void report_describe_json(const struct report *report, const char *attributes, struct jw *w);
/* The list of report types by category; `base` is "/services/data/v66.0". */
void report_types_json(struct arena *arena, const struct report_context *context, const char *base,
                       struct jw *w);
/* A report of this type with nothing chosen yet, for report_describe_json. */
struct report *report_of_type(struct arena *arena, const struct report_context *context,
                              const char *type, struct err *err);
/* Filter operators by data type. */
void report_operators_json(struct jw *w);

#endif
