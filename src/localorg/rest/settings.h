/* settings.h - one row per setting: its name, type, place in a struct and help.
 *
 * Policies of apps, of the org and of users are structs with such a table
 * beside them. Reading JSON into the struct, printing it, refusing an unknown
 * name with a suggestion, and the help all come from the rows. */
#ifndef LOCALORG_REST_SETTINGS_H
#define LOCALORG_REST_SETTINGS_H

#include "base/err.h"
#include "base/json.h"

enum setting_kind {
    SET_BOOL, /* bool */
    SET_INT,  /* int64_t */
    SET_TEXT, /* char[size] */
    SET_LIST, /* char[size], words with one space between; JSON: an array, or one text */
    SET_WORD  /* char[size], one of `words` */
};

struct setting {
    const char *name;
    enum setting_kind kind;
    size_t offset, size;
    const char *words; /* SET_WORD: "all admin" */
    const char *help;
    bool hidden; /* printed as "***": secrets */
};

#define SETTING(type, member, kind_, words_, help_)                                                \
    {                                                                                              \
        .name = #member, .kind = (kind_), .offset = offsetof(struct type, member),                 \
        .size = sizeof(((struct type *)0)->member), .words = (words_), .help = (help_)             \
    }

/* Every member of `from` must be a row, except those in `skip` (words). All
 * values are checked before the first one is stored. */
enum status settings_read(const struct setting *rows, size_t count, const char *skip, void *object,
                          const struct json *from, struct err *err);
/* Members only: the caller opens and closes the object. */
void settings_write(const struct setting *rows, size_t count, const void *object, struct jw *w);

/* Is `word` in the space-separated `list`? */
bool words_have(const char *list, const char *word);
bool words_have_n(const char *list, const char *word, size_t len);
/* Calls back for each word; false stops. */
const char *words_next(const char **at, size_t *len); /* NULL at the end */

#endif
