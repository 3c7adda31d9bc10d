/* news_text.c - see news_text.h. Anybody who may use the database can send such a text. */
#include "store/postgres/news_text.h"

#include <stdlib.h>
#include <string.h>

/* A number at *at, which moves behind it and a ':' or ','. Digits alone: strtoll would pass over
 * blanks, and with them over the end of a note. */
static bool take_number(const char **at, int64_t *out)
{
    char *end;
    if (**at < '0' || **at > '9')
        return false;
    *out = strtoll(*at, &end, 10);
    *at = *end == ':' || *end == ',' ? end + 1 : end;
    return true;
}

static bool take_rows(struct arena *arena, const char **at, struct store_change *change)
{
    size_t most = strcspn(*at, " ") + 1;
    int64_t *rows = arena_array(arena, most, sizeof *rows);
    change->many = **at == '*';
    *at += change->many;
    while (**at && **at != ' ')
        if (!take_number(at, &rows[change->row_count++]))
            return false;
    change->rows = rows;
    return true;
}

static bool take_note(struct arena *arena, const char **at, struct store_change *change)
{
    int64_t noun;
    *change = (struct store_change){0};
    if (!take_number(at, &noun) || noun > NOUN_ANY || !take_number(at, &change->table_id) ||
        !take_number(at, &change->id))
        return false;
    change->noun = (enum store_noun)noun;
    return change->noun != NOUN_ROWS || take_rows(arena, at, change);
}

bool news_sender(const char **text, int64_t *epoch)
{
    return take_number(text, epoch);
}

bool news_next(struct arena *arena, const char **text, struct store_change *change)
{
    if (**text != ' ')
        return false;
    ++*text;
    return take_note(arena, text, change);
}
