/* pages.h - the few HTML pages a browser meets: login, consent, errors. */
#ifndef LOCALORG_REST_PAGES_H
#define LOCALORG_REST_PAGES_H

#include "localorg/rest/gate.h"

/* Text that may stand in HTML, in an attribute too. */
const char *html_escape(struct arena *arena, const char *text);
/* A whole page around `body`; sets type and a strict content policy. */
void answer_page(struct call *call, int status, const char *title, const char *body);
/* The value of the browser's `sid` cookie, or NULL. */
const char *page_cookie(struct call *call);
/* Who is signed in with this browser. */
bool page_person(struct call *call, struct person *person);

/* Usernames this browser has signed in with before. */
#define HINTS_COOKIE "localorg_hints"
#define HINTS_MAX    8
size_t page_hints(struct call *call, const char *out[HINTS_MAX]);
/* "Choose a Username"; the choice leads to the login form, then to `start`. */
void show_chooser(struct call *call, const char *start, const char *const *names, size_t count);

#endif
