/* formula.h - people's JavaScript, in a process of its own.
 *
 * The parent forks a worker (the same program, hidden command
 * "formula-worker") that loads JavaScriptCore with JIT off, shuts itself in
 * (no network, no files, no new processes, memory and CPU ceilings) and then
 * answers batches over a socket pair. The parent kills it at a deadline and
 * starts another: one bad formula hurts its own rows only. */
#ifndef ARGIL_FORMULA_FORMULA_H
#define ARGIL_FORMULA_FORMULA_H

#include "base/arena.h"
#include "base/err.h"
#include "base/world.h"

#define ERR_FORMULA_SYNTAX "formula.syntax"
#define ERR_FORMULA_LIBRARY "formula.no_library" /* it uses lodash and the like; this build has none */
#define ERR_FORMULA_WORKER "formula.worker"   /* cannot be started */

struct formula_engine;

/* Starts no process yet. `program` is the binary to run as worker: NULL = /proc/self/exe. */
struct formula_engine *formula_engine_new(struct world *world, const char *program);
void formula_engine_free(struct formula_engine *engine);

/* The names between {{ and }} in a formula or template: whole reference
 * ("Company.industry"), in order, without repeats. FAIL on an unclosed {{. */
struct formula_ref {
    const char *text;   /* "Company.industry" */
    size_t offset;      /* of "{{" in the text */
    struct formula_ref *next;
};
enum status formula_refs(struct arena *arena, const char *text, struct formula_ref **refs,
                         struct err *err);

/* A formula is a JavaScript expression in which {{Column}} and {{Column.path[0].x}}
 * stand for values. Checks the syntax (in the worker). */
enum status formula_check(struct formula_engine *engine, const char *formula, struct err *err);

enum formula_result_state { FORMULA_OK, FORMULA_NULL, FORMULA_ERROR, FORMULA_TIMEOUT };
struct formula_result {
    enum formula_result_state state;
    const char *json; /* FORMULA_OK: the value as JSON; NULL and undefined give FORMULA_NULL */
    const char *message; /* FORMULA_ERROR: "TypeError: ..." */
};

/* Evaluates one formula for many rows. Names are column names; each row is a
 * JSON array text with the values in that order. A missing input is null.
 * OK even when single rows failed; FAIL when the engine cannot run at all. */
enum status formula_eval(struct formula_engine *engine, const char *formula,
                         const char *const *names, size_t name_count, const char *const *rows,
                         size_t row_count, struct arena *arena, struct formula_result *results,
                         struct err *err);

/* The command "formula-worker": serves on fd 3 until it closes. Exit code. */
int formula_worker_main(void);

/* Fills {{...}} in a template without JavaScript: names to JSON values, paths
 * followed, text pasted raw (a whole-template single reference keeps its JSON
 * type in *json). `escape` is called for each pasted text: URL, JSON, none.
 * *missing is set to the first reference that was null or absent, if any. */
enum formula_slot { SLOT_PLAIN, SLOT_URL, SLOT_JSON_STRING };
enum status formula_fill(struct arena *arena, const char *text, enum formula_slot slot,
                         const char *(*lookup)(void *ctx, const char *ref /* JSON or NULL */),
                         void *ctx, char **out, const char **missing, struct err *err);

#endif
