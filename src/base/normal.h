/* normal.h - the part of a web address, phone number or e-mail address that says
 * whether two of them are the same. Pure; nothing blocks.
 *
 * Each gives NULL when the text is none of its kind: then it is the same as
 * nothing, and never as another text that is none either. */
#ifndef ARGIL_BASE_NORMAL_H
#define ARGIL_BASE_NORMAL_H

#include "base/arena.h"

#include <stddef.h>

/* "https://www.Acme.com:443/about" and "ann@acme.com" give "acme.com". */
char *normal_domain(struct arena *arena, const char *text, size_t len);
/* Digits without international or trunk prefix, the last nine where there are more:
 * "+44 7911 123456" and "07911 123456 ext. 3" give "911123456". Needs five digits. */
char *normal_phone(struct arena *arena, const char *text, size_t len);
/* "Ann <Ann@Acme.com>" and "mailto:ann@acme.com" give "ann@acme.com". */
char *normal_email(struct arena *arena, const char *text, size_t len);

#endif
