/* logins.h - LoginHistory: one row for each time somebody tried to come in. */
#ifndef LOCALORG_REST_LOGINS_H
#define LOCALORG_REST_LOGINS_H

#include "localorg/org/org.h"

struct login {
    const char *user_id;
    int64_t at_ms;
    const char *type;     /* LoginType: Application, Remote Access 2.0 */
    const char *sub_type; /* LoginSubType; NULL */
    const char *url, *source_ip, *status, *application, *browser;
};

/* Writes the row, and User.LastLoginDate when the status is Success. A failure is
 * logged: nobody is kept out because a note could not be taken. */
void logins_add(struct org *org, const struct login *login);

#endif
