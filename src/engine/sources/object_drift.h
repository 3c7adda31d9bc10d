/* object_drift.h - fields that are gone, of another type, or new since the recipe. */
#ifndef ARGIL_ENGINE_SOURCES_OBJECT_DRIFT_H
#define ARGIL_ENGINE_SOURCES_OBJECT_DRIFT_H

#include "engine/sources/object_pull.h"

/* Compares describe with what was known, stores and says what differs. pull->object is set. */
enum status object_drift_look(struct object_pull *pull, struct err *err);
/* After it: the field, or path through parents, is there, and of a type that its column fits. */
bool object_drift_readable(const struct object_pull *pull, const char *field);

#endif
