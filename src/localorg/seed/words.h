/* words.h - made-up companies, people and places. All names are inventions or
 * plain given names; domains end in .example (RFC 2606), phone numbers come
 * from ranges kept for fiction where a country has one. */
#ifndef LOCALORG_SEED_WORDS_H
#define LOCALORG_SEED_WORDS_H

#include "base/world.h"

#include <stdbool.h>
#include <stddef.h>

struct place {
    const char *city, *state, *country;
    const char *postal, *phone; /* '#' is any digit */
    bool number_last;           /* "Lindenstraße 12" rather than "12 Elm Street" */
    const char *forms[4];       /* legal forms of companies there; "" = none */
};
extern const struct place places[];
extern const size_t place_count;

extern const char *const industries[]; /* Account.Industry of a standard org */
extern const size_t industry_count;

struct company {
    char name[160]; /* with its legal form */
    char stem[140]; /* without */
    char domain[120];
    const struct place *place;
};
/* Company number `index`: all differ in name and domain, whatever the seed. */
void company_make(uint64_t seed, uint64_t index, struct company *out);
/* The same company as somebody else would have typed it. */
void company_misspell(struct rng *rng, const struct company *company, char *out, size_t size);

struct person_name {
    const char *salutation, *first, *last;
    char mailbox[64]; /* "rosa.nunez", ASCII */
};
void person_make(struct rng *rng, struct person_name *out);

const char *pick(struct rng *rng, const char *const *list, size_t count);
#define PICK(rng, list) pick((rng), (list), sizeof(list) / sizeof(list)[0])
bool chance(struct rng *rng, unsigned per_thousand);
/* '#' becomes a digit. */
void fill_digits(struct rng *rng, const char *format, char *out, size_t size);
void street_make(struct rng *rng, const struct place *place, char *out, size_t size);
/* Lower-case ASCII letters and digits of a text; accents folded, the rest dropped. */
void slug(const char *text, char *out, size_t size);

#endif
