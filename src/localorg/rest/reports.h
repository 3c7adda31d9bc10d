/* reports.h - what saved reports (reports.c) and their asynchronous runs
 * (report_instances.c) share. */
#ifndef LOCALORG_REST_REPORTS_H
#define LOCALORG_REST_REPORTS_H

#include "localorg/report/report.h"
#include "localorg/rest/call.h"

struct saved_report {
    char id[19];
    const struct json *metadata;
    const char *attributes; /* finished JSON */
};

struct report_context reports_context(struct call *call);
/* The saved report with this id. False after answering. */
bool reports_load(struct call *call, const char *text, struct saved_report *out);
/* It, with the changes of the request's body. NULL after answering. */
struct report *reports_read(struct call *call, const struct saved_report *saved);
/* ?includeDetails=, or what the body's reportMetadata says. */
bool reports_details(struct call *call);
void reports_refuse(struct call *call, const struct err *err);
/* Sets LastRunDate, and makes it one of the user's recent items. */
void reports_ran(struct call *call, const char *id);
/* Saves a new report as the system: its id, or NULL with *err set. The metadata
 * may name its developerName and folderId. */
const char *reports_save(struct call *call, const struct json *stored, const struct json *changes,
                         struct err *err);

#endif
