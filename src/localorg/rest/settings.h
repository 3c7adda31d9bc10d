/* settings.h - one row per setting: its name, type, place in a struct and help.
 *
 * Policies of apps, of the org and of users are structs with such a table
 * beside them. Reading JSON into the struct, printing it, refusing an unknown
 * name with a suggestion, and the help all come from the rows. */
#ifndef LOCALORG_REST_SETTINGS_H
#define LOCALORG_REST_SETTINGS_H

#include "base/err.h"
#include "base/json.h"

#include <stdint.h>

enum setting_kind {
    SET_BOOL,  /* bool */
    SET_INT,   /* int64_t */
    SET_TEXT,  /* char[size] */
    SET_LIST,  /* char[size], words with one space between; JSON: an array, or one text */
    SET_NAMES, /* char[size], names (which may hold spaces) with one line end between; JSON as above
                */
    SET_JSON,  /* char[size], any JSON as text */
    SET_WORD   /* char[size], one of `words` */
};

struct setting {
    const char *name;
    enum setting_kind kind;
    size_t offset, size;
    const char *words; /* SET_WORD: "all admin" */
    const char *help;
    bool hidden; /* printed as "***": secrets */
    /* SET_LIST: what every word must be; `words` then says its form */
    bool (*check)(const char *word, size_t len);
};

#define SETTING(type, member, kind_, words_, help_)                                                \
    {                                                                                              \
        .name = #member, .kind = (kind_), .offset = offsetof(struct type, member),                 \
        .size = sizeof(((struct type *)0)->member), .words = (words_), .help = (help_)             \
    }

#define SETTING_OF(type, member, check_, form_, help_)                                             \
    {                                                                                              \
        .name = #member, .kind = SET_LIST, .offset = offsetof(struct type, member),                \
        .size = sizeof(((struct type *)0)->member), .words = (form_), .check = (check_),           \
        .help = (help_)                                                                            \
    }

/* Every member of `from` must be a row, except those in `skip` (words). All
 * values are checked before the first one is stored. */
enum status settings_read(const struct setting *rows, size_t count, const char *skip, void *object,
                          const struct json *from, struct err *err);
/* The same, and the rows given are marked in *given: bit i for row i. Not beyond 64 rows. */
enum status settings_read_given(const struct setting *rows, size_t count, const char *skip,
                                void *object, uint64_t *given, const struct json *from,
                                struct err *err);
/* Copies the rows marked in `given` from one struct to another of its kind. */
void settings_apply(const struct setting *rows, size_t count, uint64_t given, const void *from,
                    void *to);
/* Members only: the caller opens and closes the object. `given`: only those rows. */
void settings_write_given(const struct setting *rows, size_t count, uint64_t given,
                          const void *object, struct jw *w);
/* All rows. */
void settings_write(const struct setting *rows, size_t count, const void *object, struct jw *w);

/* Is `word` in the space-separated `list`? */
bool words_have(const char *list, const char *word);
bool words_have_n(const char *list, const char *word, size_t len);
/* Is `name`, case ignored, in a list of SET_NAMES? */
bool names_have(const char *list, const char *name);
/* Calls back for each word; false stops. */
const char *words_next(const char **at, size_t *len); /* NULL at the end */

#endif
