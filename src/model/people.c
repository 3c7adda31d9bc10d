/* people.c - names of roles. */
#include "model/people.h"

#include "base/str.h"

static const char *const names[] = {[ROLE_NOBODY] = "nobody",
                                    [ROLE_VIEWER] = "viewer",
                                    [ROLE_RUNNER] = "runner",
                                    [ROLE_BUILDER] = "builder",
                                    [ROLE_ADMIN] = "admin"};

const char *role_name(enum role role)
{
    return names[role];
}

bool role_parse(const char *name, enum role *out)
{
    for (int role = ROLE_VIEWER; role <= ROLE_ADMIN; role++) {
        if (!text_eq(names[role], name))
            continue;
        *out = (enum role)role;
        return true;
    }
    return false;
}
