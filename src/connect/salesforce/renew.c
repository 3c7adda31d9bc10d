/* renew.c - a new access token for an old one, at most once.
 *
 * Call order: sf_refresh after a 401. Inside: take the connection's lock (this
 * process's, then the one of all processes), look whether somebody else already
 * stored a newer token, note durably that a renewal begins, ask Salesforce,
 * store, then use.
 *
 * Invariants. One renewal of a connection in flight. A token that Salesforce gave
 * is on disk before any request carries it, since with rotation the old one is
 * dead by then. A refresh token whose fate is not known (an answer was lost, a
 * process died in between) is never presented again before Salesforce has said
 * that it is alive: a spent one counts as stolen and ends the whole grant
 * (reliability F-01, F-03; salesforce-auth 1.11). Where it cannot be asked, a
 * token of an app that is known to rotate is given up, any other is tried once
 * (K15). A refused grant is not asked for again and again. */
#include "connect/salesforce/sf_priv.h"

#include "base/log.h"
#include "base/str.h"

#include <pthread.h>
#include <string.h>

#define ROUNDS  4
#define WAIT_MS 500 /* doubles each round */
#define LOCKS   16

static pthread_mutex_t locks[LOCKS] = {[0 ... LOCKS - 1] = PTHREAD_MUTEX_INITIALIZER};

static pthread_mutex_t *lock_of(const struct sf *sf)
{
    const char *org = sf->connection.org_id ? sf->connection.org_id : sf->connection.name;
    const char *user = sf->connection.user_id ? sf->connection.user_id : "";
    return &locks[(text_hash(org, strlen(org)) ^ text_hash(user, strlen(user))) % LOCKS];
}

struct renewal {
    struct sf *sf;
    const struct secret *stale; /* the access token that failed */
    struct arena *arena;
    bool unsure;  /* an answer was lost: the refresh token may be used up */
    bool met;     /* somebody else's renewal with it was under way */
    bool blind;   /* it was tried once nevertheless */
    bool refused; /* the endpoint said no: a person must act */
    bool dead;    /* and no to this token for good */
};

/* ---------------------------------------------------------- what is stored */

/* True when the store holds an access token other than the one that failed. */
static bool adopt_stored(struct renewal *r, struct err *err)
{
    struct sf *sf = r->sf;
    struct crm_tokens stored = {0};
    bool adopted = false;
    if (sf->store.load && sf->store.load(sf->store.ctx, r->arena, &stored, err) == OK) {
        if (secret_is_set(&stored.refresh)) {
            secret_copy(&sf->refresh, &stored.refresh);
            r->unsure = stored.renewing_ms != 0;
        }
        sf->rotates = stored.rotates;
        adopted = secret_is_set(&stored.access) && !secret_equal(&stored.access, r->stale) &&
                  sf_use_tokens(sf, &stored, err) == OK;
    }
    crm_tokens_wipe(&stored);
    return adopted;
}

static enum status keep(struct sf *sf, const struct crm_tokens *tokens, struct err *err)
{
    if (!sf->store.save || sf->store.save(sf->store.ctx, tokens, err) == OK)
        return OK;
    return err_wrap(err, "keeping the tokens of connection %s", sf->connection.name);
}

/* What this session holds, secrets lent. */
static struct crm_tokens held(const struct sf *sf)
{
    return (struct crm_tokens){.access = sf->access,
                               .refresh = sf->refresh,
                               .client_secret = sf->client_secret,
                               .private_key = sf->private_key,
                               .grant = sf->grant,
                               .instance_url = sf->instance,
                               .rotates = sf->rotates};
}

/* Durable before the first byte leaves: who comes after a crash must know. */
static enum status note(struct sf *sf, bool renewing, struct err *err)
{
    struct crm_tokens tokens = held(sf);
    if (crm_grant_mints(sf->grant))
        return OK; /* nothing is used up */
    tokens.renewing_ms = renewing ? sf->world->now_ms(sf->world) : 0;
    return keep(sf, &tokens, err);
}

/* ------------------------------------------------------------- the answer */

static bool same_org(struct sf *sf, const char *identity, struct err *err)
{
    const char *at = identity ? strstr(identity, "/id/") : NULL;
    char given[19], ours[19];
    if (!at || !sf->connection.org_id || strlen(at) < 4 + 15)
        return true; /* nothing to compare */
    size_t len = strcspn(at + 4, "/");
    if (!sf_id(at + 4, len, given) ||
        !sf_id(sf->connection.org_id, strlen(sf->connection.org_id), ours) ||
        strcmp(given, ours) == 0)
        return true;
    err_set(err, ERR_CRM_WRONG_ORG, "connection %s now leads to org %s instead of %s",
            sf->connection.name, given, ours);
    err_cause(err, "The sandbox was refreshed, or the login host belongs to another org.");
    err_hint(err, "Connect again; the tables of the old org are kept as they are.");
    return false;
}

static enum status take_answer(struct sf *sf, const struct json *body, struct err *err)
{
    struct crm_tokens tokens = held(sf);
    struct secret access = {0}, refresh = {0};
    const char *text = json_get_text(body, "access_token");
    const char *next = json_get_text(body, "refresh_token");
    enum status rc = FAIL;

    if (!same_org(sf, json_get_text(body, "id"), err))
        return FAIL;
    if (json_get_text(body, "instance_url"))
        tokens.instance_url = json_get_text(body, "instance_url");
    if (sf_host_check(tokens.instance_url, err) == SF_NOWHERE)
        return err_wrap(err, "renewing connection %s", sf->connection.name);
    secret_set(&access, text, strlen(text));
    tokens.access = access;
    if (next) {
        secret_set(&refresh, next, strlen(next));
        tokens.rotates = tokens.rotates || !secret_equal(&refresh, &sf->refresh);
        tokens.refresh = refresh;
    }
    if (keep(sf, &tokens, err) == OK) {
        sf->rotates = tokens.rotates;
        rc = sf_use_tokens(sf, &tokens, err);
    }
    if (rc == OK)
        log_info("connection %s: token renewed, %s", sf->connection.name,
                 secret_hint(&sf->access));
    secret_wipe(&access);
    secret_wipe(&refresh);
    return rc;
}

/* --------------------------------------------------------------- one round */

static enum status answer_was_lost(struct renewal *r, struct err *err)
{
    r->refused = r->dead = true;
    err_set(err, "sf.invalid_grant",
            "Salesforce's answer to an earlier renewal was lost, and with it the new token");
    err_cause(err, "The app rotates refresh tokens: the one kept here is used up. Presenting it "
                   "again would count as theft and end the whole grant, so it was not sent.");
    err_hint(err, "Connect again: argil connect %s", r->sf->connection.name);
    return FAIL;
}

/* OK when the refresh token may be presented. */
static enum status fate_of_token(struct renewal *r, struct err *err)
{
    switch (sf_token_alive(r->sf, &r->sf->refresh, "refresh_token", r->arena)) {
    case SF_ALIVE_YES:
        r->unsure = r->met = false;
        return OK;
    case SF_ALIVE_NO:
        return answer_was_lost(r, err);
    case SF_ALIVE_UNREACHED:
        err_set(err, ERR_CRM_UNREACHABLE, "renewing connection %s: Salesforce does not answer",
                r->sf->connection.name);
        err_cause(err, "An earlier answer was lost; whether the kept token is still good must be "
                       "asked first.");
        err_hint(err, "Try again later; see status.salesforce.com.");
        return FAIL;
    case SF_ALIVE_NOT_TOLD:
        break;
    }
    if (r->sf->rotates || (r->unsure && r->blind))
        return answer_was_lost(r, err);
    r->blind = r->unsure;
    return OK;
}

/* The request for a new access token, by the way this connection came in. */
static enum status ask(struct renewal *r, struct sf_token_call *call, struct err *err)
{
    struct sf *sf = r->sf;
    struct buf form = BUF_INIT;
    struct crm_signin with = {.grant = crm_grant_mints(sf->grant) ? sf->grant : CRM_GRANT_REFRESH,
                              .login_url = sf->connection.login_url ? sf->connection.login_url
                                                                    : sf->instance,
                              .client_id = sf->connection.client_id,
                              .username = sf->connection.username,
                              .client_secret = sf->client_secret,
                              .private_key = sf->private_key,
                              .refresh = sf->refresh}; /* lent: not wiped here */
    enum status rc = sf_grant_form(sf->world, r->arena, &with, &form, err);
    call->login_url = with.login_url;
    call->form = &form;
    if (rc == OK)
        rc = sf_token_post(sf->http, call, r->arena, err);
    buf_wipe(&form);
    return rc;
}

/* Another renewal with the same token is under way, and not by our lock's leave:
 * one of ours whose answer was lost, or a copy of the workspace. Until 2024 the
 * same was worded as an expired code. */
static bool two_met(const struct err *err)
{
    return strstr(err->message, "already being processed") ||
           strstr(err->message, "expired authorization code");
}

/* Refusals that pass or that an administrator lifts: the token itself is not dead. */
static bool may_come_back(const struct err *err)
{
    static const char *const words[] = {"ip restricted", "login hours", "login rate exceeded",
                                        "inactive organization"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcasestr(err->message, words[i]))
            return true;
    return false;
}

/* OK: renewed. FAIL: *again says whether another round may help. */
static enum status one_round(struct renewal *r, bool *again, struct err *err)
{
    struct sf_token_call call = {0};
    bool minted = crm_grant_mints(r->sf->grant);
    *again = false;
    if (!minted && (r->unsure || r->met) && fate_of_token(r, err) != OK) {
        *again = !r->dead;
        return FAIL;
    }
    if (note(r->sf, true, err) != OK)
        return FAIL;
    if (ask(r, &call, err) == OK)
        return take_answer(r->sf, call.answer, err);
    struct err why = *err;
    r->unsure = call.lost;
    r->met = two_met(&why);
    *again = err_is(&why, ERR_CRM_UNREACHABLE) || r->met;
    r->refused = call.code && !*again;
    r->dead = r->refused && text_eq(call.code, "invalid_grant") && !minted && !may_come_back(&why);
    if (!r->unsure && note(r->sf, false, err) != OK)
        return FAIL; /* the store is broken: that is the news */
    *err = why;
    return FAIL;
}

/* ---------------------------------------------------------------- the whole */

static enum status nothing_to_renew_with(struct sf *sf, struct err *err)
{
    err_set(err, ERR_CRM_RECONNECT,
            "the session of connection %s ended and it has no refresh token", sf->connection.name);
    err_hint(err, "Connect again. For a connection that lasts, the app needs the scope \"Perform "
                  "requests at any time (refresh_token)\".");
    return FAIL;
}

/* Whatever was queued stays queued: the connection waits for a person. */
static void ask_for_a_person(struct renewal *r, struct err *err)
{
    struct sf *sf = r->sf;
    struct err why = *err;
    err_set(err, ERR_CRM_RECONNECT, "connection %s must be connected again: %s",
            sf->connection.name, why.message);
    err_cause(err, "%s", why.cause);
    err_hint(err, "%s", why.hint);
    if (r->dead && sf->store.gone)
        sf->store.gone(sf->store.ctx, err);
}

static enum status renew(struct renewal *r, struct err *err)
{
    struct sf *sf = r->sf;
    for (int round = 0; round < ROUNDS; round++) {
        bool again = false;
        if (adopt_stored(r, err)) /* another thread or process was first */
            return OK;
        err_clear(err);
        if (!secret_is_set(&sf->refresh) && !crm_grant_mints(sf->grant))
            return nothing_to_renew_with(sf, err);
        if (one_round(r, &again, err) == OK)
            return OK;
        if (!again)
            break;
        if (round + 1 < ROUNDS)
            sf_backoff(sf->world, round, WAIT_MS);
    }
    struct err why = *err;
    if (r->dead && adopt_stored(r, err)) /* a copy without our lock was first */
        return OK;
    *err = why;
    if (r->refused)
        ask_for_a_person(r, err);
    return FAIL;
}

enum status sf_refresh(struct sf *sf, struct err *err)
{
    struct err local = {0};
    struct secret stale = {0};
    pthread_mutex_t *lock = lock_of(sf);

    err = err ? err : &local;
    secret_copy(&stale, &sf->access);
    pthread_mutex_lock(lock);
    enum status rc = sf->store.lock ? sf->store.lock(sf->store.ctx, err) : OK;
    if (rc == OK) {
        struct renewal r = {.sf = sf, .stale = &stale, .arena = arena_new()};
        rc = renew(&r, err);
        arena_free(r.arena);
        if (sf->store.unlock)
            sf->store.unlock(sf->store.ctx);
    }
    pthread_mutex_unlock(lock);
    secret_wipe(&stale);
    return rc;
}
