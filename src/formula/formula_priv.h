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
/* lodash, dayjs and Formula.js (tools/build_libraries.py), run before the prelude by a worker that
 * is asked for them; nothing when they were not at hand at build time. */
extern const char formula_libraries[];
extern const size_t formula_libraries_len;
#define LIBRARIES_VARIABLE "ARGIL_FORMULA_LIBRARIES" /* asks a worker for them */

/* names.c: the first name of a library that a formula uses ("_", "dayjs", "SUM"), at most
 * size - 1 bytes of it in out; false when it uses none. */
bool formula_library_name(const char *formula, char *out, size_t size);

/* No network, no files, no new processes from here on. False when the kernel refuses. */
bool worker_shut_in(void);

#endif
