/* setup_rows.h - rows of setup objects that live outside the database: sessions
 * (AuthSession), what apps hold (OauthToken), installed apps (ConnectedApplication). */
#ifndef LOCALORG_REST_SETUP_ROWS_H
#define LOCALORG_REST_SETUP_ROWS_H

#include "localorg/rest/call.h"

/* Registers them with the site's org; after org_open. */
void setup_rows_register(struct site *site);
/* DELETE of such a row: a session ends, a token is revoked. False when the object has
 * a table like the others; else it has been answered. */
bool setup_rows_delete(struct call *call, const struct sobject *object, const char *id18);

#endif
