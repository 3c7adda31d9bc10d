/* key_file.h - where the workspace key lies, and who may read it. Private to vault. */
#ifndef ARGIL_VAULT_KEY_FILE_H
#define ARGIL_VAULT_KEY_FILE_H

#include "base/err.h"

#include <stdbool.h>

#define KEY_BYTES 32

/* Reads the key, making the file first when `create` and there is none.
 * *path is yours to free, also on failure. */
enum status key_file_load(const char *workspace_id, bool create, char **path,
                          unsigned char key[KEY_BYTES], struct err *err);

/* The file of the workspace's key, byte for byte, as the new file `to` (0600). */
enum status key_file_copy(const char *workspace_id, const char *to, struct err *err);

/* KEYFILE.next: loads it, or makes it when `create`. ERR_NOT_FOUND when there is none. */
enum status key_file_next(const char *path, bool create, unsigned char key[KEY_BYTES],
                          struct err *err);
/* Puts KEYFILE.next in the place of KEYFILE; durable when it returns OK. */
enum status key_file_replace(const char *path, struct err *err);

#endif
