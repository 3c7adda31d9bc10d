/* formula_priv.h - the wire between the parent and the formula worker.
 *
 * Frames both ways: four bytes length (little endian), then JSON.
 *   request  {"f":"<JavaScript over __v>","rows":[[...],...]}   rows absent = check only
 *   reply    [null,{"v":value},{"e":"TypeError: ..."},...]
 *            or {"syntax":"SyntaxError: ..."}, or {"ok":true} */
#ifndef ARGIL_FORMULA_FORMULA_PRIV_H
#define ARGIL_FORMULA_FORMULA_PRIV_H

#include <stdbool.h>
#include <stddef.h>

#define WORKER_FD 3
#define FRAME_MAX (64u * 1024 * 1024)
#define SCRIPT_SECONDS 2.0 /* one batch inside the worker */
#define REPLY_MS 6000      /* then the parent kills it */

/* The worker's JavaScript, run once before it shuts itself in. */
extern const char worker_prelude[];
/* No network, no files, no new processes from here on. False when the kernel refuses. */
bool worker_shut_in(void);

#endif
