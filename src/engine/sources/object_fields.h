/* object_fields.h - fields of a Salesforce object in a recipe; private to sources. */
#ifndef ARGIL_ENGINE_SOURCES_OBJECT_FIELDS_H
#define ARGIL_ENGINE_SOURCES_OBJECT_FIELDS_H

#include "engine/sources/source_kind.h"

/* The session of the config's `connection`; an error is added when there is none. */
struct crm_session *object_session(struct source_check *check);
/* Describes an object by name, with the error at `where`. */
const struct crm_object *object_described(struct source_check *check, struct crm_session *session,
                                          const char *name, const char *where);
/* Every field that a table can import, to check->fields. */
void object_fields_list(struct source_check *check, const struct crm_object *object);
/* Follows "Owner.Name" along its relationships. False when an error was added. */
bool object_field_find(struct source_check *check, struct crm_session *session,
                       const struct crm_object *object, const char *path, const char *where,
                       struct source_field *out);

/* The field at the end of a path, as describe shows it now; NULL when a step of it is gone or
 * hidden. A relationship to several objects leads to the first of them that has the rest. FAIL
 * when an object of the path could not be asked for. Lent by the session. */
enum status object_field_resolve(struct crm_session *session, const struct crm_object *object,
                                 const char *path, const struct crm_field **out, struct err *err);

#endif
