/* zip.h - the files of a zip archive in memory, as deployments come in.
 *
 * Stored and deflated entries; no encryption, no ZIP64, no spanning. Sizes come
 * from the central directory and are checked against the data and the checksum. */
#ifndef LOCALORG_METADATA_ZIP_H
#define LOCALORG_METADATA_ZIP_H

#include "base/arena.h"
#include "base/err.h"

#include <stddef.h>

struct zip_file {
    const char *name; /* "unpackaged/package.xml" */
    const char *data; /* followed by a NUL */
    size_t len;
};

/* Directories are left out. The list and its bytes live on the arena. */
enum status zip_read(struct arena *arena, const void *bytes, size_t len, struct zip_file **files,
                     size_t *count, struct err *err);

#endif
