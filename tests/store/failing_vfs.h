/* failing_vfs.h - a disk that fails when told to: the n-th write, sync or truncate.
 *
 * Wraps SQLite's own VFS and becomes the default. After the chosen call failed,
 * every later one fails too, as a dying disk's do, until failing_vfs_heal. */
#ifndef ARGIL_TESTS_STORE_FAILING_VFS_H
#define ARGIL_TESTS_STORE_FAILING_VFS_H

#include <stdbool.h>

enum disk_failure { DISK_ERROR, DISK_FULL };

void failing_vfs_install(void);                            /* once */
void failing_vfs_fail_at(int call, enum disk_failure how); /* 1 = the next one */
bool failing_vfs_failed(void);                             /* did it come to that? */
void failing_vfs_heal(void);
int failing_vfs_syncs(void); /* syncs that succeeded, since the start */

#endif
