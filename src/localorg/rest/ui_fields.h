/* ui_fields.h - a record in the User Interface API: each field with its value and
 * with what a person reads. */
#ifndef LOCALORG_REST_UI_FIELDS_H
#define LOCALORG_REST_UI_FIELDS_H

#include "localorg/rest/call.h"

struct ui_path {
    const char *text; /* "Owner.Name", relative to the object */
    const struct field *field;
    const char *shown; /* the query's name for what is displayed; NULL: nothing else */
};

/* Which fields of an object an answer has; sorted once it is complete. */
struct ui_fields {
    const struct sobject *object;
    struct ui_path *paths;
    size_t count, room;
};

/* Adds one path if the user may read it. */
bool ui_fields_add(struct call *call, struct ui_fields *fields, const char *path);
/* All that a page of the object shows, or its highlights. */
void ui_fields_layout(struct call *call, struct ui_fields *fields, bool compact);
/* From ?fields=, optionalFields=, layoutTypes=. False after answering. */
bool ui_fields_asked(struct call *call, struct ui_fields *fields);

/* Appends the record's representation. False when there is no such record. */
bool ui_record_write(struct call *call, struct jw *w, struct ui_fields *fields, const char *id18);
/* One of an id that is not there yet: default values. */
void ui_record_write_new(struct call *call, struct jw *w, const struct sobject *object);
/* A hash as eTag members show it. */
const char *ui_etag(struct call *call, const char *text, size_t len);

#endif
