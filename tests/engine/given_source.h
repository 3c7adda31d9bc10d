/* given_source.h - tables made by a recipe, and what their sources gave. */
#ifndef ARGIL_TESTS_ENGINE_GIVEN_SOURCE_H
#define ARGIL_TESTS_ENGINE_GIVEN_SOURCE_H

#include "engine/given.h"

/* Writes a file into given_home(); gives its path. */
const char *given_file(const char *name, const void *bytes, size_t len);
#define GIVEN_FILE(name, text) given_file(name, text, sizeof(text) - 1)
/* Applies the recipe of the table "people"; printf as usual. */
void given_recipe(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* The same for one that is refused: the errors, one a line "WHERE CODE message | hint". */
const char *refused_recipe(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

enum status sync_people(bool full); /* fills g.sync and g.err */
void sync_fine(void);               /* it must succeed and be complete */
/* Rows as "key: value | value", by row id, of the source columns; null is "-". */
const char *rows_now(void);
/* What could not be taken: "at code message", a line each. */
const char *problems(const char *source);
struct table people_now(void);

#endif
