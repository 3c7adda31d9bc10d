/* news_text.h - what a NOTIFY says: the sender's epoch and then, after a blank each,
 * NOUN:TABLE:ID, with :ROW,ROW,.. or :* behind it for rows. */
#ifndef ARGIL_STORE_POSTGRES_NEWS_TEXT_H
#define ARGIL_STORE_POSTGRES_NEWS_TEXT_H

#include "base/arena.h"
#include "store/store.h"

/* Both move *text behind what they took; false: it is no text of ours. */
bool news_sender(const char **text, int64_t *epoch);
/* The next note, its rows on the arena; the text is at its end when **text is 0. */
bool news_next(struct arena *arena, const char **text, struct store_change *change);

#endif
