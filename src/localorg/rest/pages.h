/* pages.h - the few HTML pages a browser meets: login, consent, errors. */
#ifndef LOCALORG_REST_PAGES_H
#define LOCALORG_REST_PAGES_H

#include "localorg/rest/call.h"

/* Text that may stand in HTML, in an attribute too. */
const char *html_escape(struct arena *arena, const char *text);
/* A whole page around `body`; sets type and a strict content policy. */
void answer_page(struct call *call, int status, const char *title, const char *body);
/* The value of the browser's `sid` cookie, or NULL. */
const char *page_cookie(struct call *call);
/* Who is signed in with this browser. */
bool page_user(struct call *call, struct org_user *user);

#endif
