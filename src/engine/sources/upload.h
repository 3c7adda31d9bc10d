/* upload.h - files that were uploaded for a CSV source, kept in the data directory.
 * Private to sources; the door is source_upload of engine.h. */
#ifndef ARGIL_ENGINE_SOURCES_UPLOAD_H
#define ARGIL_ENGINE_SOURCES_UPLOAD_H

#include "engine/sync_priv.h"

/* The newest upload of a source: where it is, what people called it, and a prefix for keys
 * that is its own. ERR_NOT_FOUND when there is none. On the job's arena. */
enum status upload_find(struct sync *sync, const char **path, const char **name,
                        const char **prefix, struct err *err);
/* The path alone, by names; NULL when there is none (or no such table yet). */
const char *upload_path(struct engine *engine, struct arena *arena, const char *table,
                        const char *source);

#endif
