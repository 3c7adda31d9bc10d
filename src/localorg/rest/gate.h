/* gate.h - may this person, from this address, at this hour, come in?
 *
 * One place for everything an administrator can set that keeps people out, in
 * Salesforce's order (salesforce-auth 7): the org, the user, addresses and hours,
 * the app, its install state, permitted users, scopes. Every sign-in, good or bad,
 * leaves a LoginHistory row. */
#ifndef LOCALORG_REST_GATE_H
#define LOCALORG_REST_GATE_H

#include "localorg/rest/call.h"

/* A user with what profile, permission sets and policies say. */
struct person {
    struct org_user user;
    struct user_policy policy;
    struct profile_policy profile;
    char profile_name[80];
};
void gate_person(struct site *site, const struct org_user *user, struct person *out);

/* Where the request comes from, and the host it was sent to. */
const char *call_peer(const struct call *call);
/* Is this one of the hosts that stand for login.salesforce.com? */
bool call_at_generic_host(const struct call *call, const struct org_policy *org);

/* Where the API of the org is: the host the client used, or where the org has moved to. */
const char *call_instance(struct call *call);
/* Has the org moved away from the host of this call? Answers as policy moved_answer says. */
bool gate_moved(struct call *call);

/* How somebody tries to come in. */
enum door {
    DOOR_BROWSER, /* the login form */
    DOOR_CODE,
    DOOR_USER_AGENT,
    DOOR_REFRESH,
    DOOR_JWT,
    DOOR_PASSWORD,
    DOOR_MACHINE, /* client credentials */
    DOOR_SOAP     /* login() of the SOAP API */
};

/* What keeps them out; status NULL: nothing does. */
struct bar {
    const char *status;      /* LoginHistory.Status */
    const char *error;       /* of the token endpoint; NULL = invalid_grant */
    const char *description; /* its words */
};
/* The person, the address, the hour. app NULL: signing in for no app in particular.
 * Does not ask whether the password is right. */
struct bar gate_bar(struct call *call, const struct person *person, const struct app *app,
                    enum door door);

/* Why an app is not let in. delivery: Q to the callback, P to Salesforce's error
 * page (salesforce-auth 2). error is NULL when let in. */
struct refusal {
    const char *error, *description;
    char delivery;
};
/* Everything between "who is it" and consent. */
struct refusal gate_app(struct call *call, const struct person *person, const struct app *app,
                        const char *scopes, bool approved_before);
/* Permitted Users: pre-authorized by name, profile or permission set; true for apps that
 * let people authorize themselves. */
bool gate_permits(struct call *call, const struct app *app, const struct person *person);
/* The app as a sign-in sees it: unknown while its making has not gone round yet. */
bool gate_find_app(struct call *call, const char *client_id, struct app *out);

/* Wrong passwords in a row, and sign-ins in the last hour. */
void gate_failed(struct call *call, const struct org_user *user);
/* Notes a sign-in: its LoginHistory row, User.LastLoginDate on success. status "Success"
 * or a bar's. */
void gate_note(struct call *call, const struct org_user *user, const struct app *app,
               enum door door, const char *status);

/* May a session be used for the API from where this call comes? Answers when not. */
bool gate_session(struct call *call);
/* Seconds a new session lives without use: the app's, the profile's, the org's. */
int64_t gate_timeout_s(struct call *call, const struct person *person, const struct app *app);

#endif
