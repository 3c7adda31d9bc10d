/* grants.c - sessions, refresh tokens, codes and waiting authorizations.
 *
 * Maps from text to heap structs, one lock. Spent refresh tokens stay in the
 * map as pointers to their grant: presenting one is how a stolen or doubly
 * used token is noticed (rotation), and costs the whole grant. */
#include "localorg/rest/grants.h"

#include "base/map.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"
#include "localorg/rest/dice.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#define PENDING_MS  (15 * 60 * 1000)
#define CODE_MS     (15 * 60 * 1000)
#define BROWSER_MS  (2 * 3600 * 1000)
#define SWEEP_EVERY 4096 /* new sessions between two clean-ups */

static const char token_letters[] = DICE_BASE62 "._";

struct spent { /* an old refresh token of a rotated grant */
    char token[128];
    uint64_t grant;
};

struct browser {
    char username[128];
    int64_t used_ms;
};

struct approval {
    char user_id[19], client_id[260], scopes[600];
};

struct grants {
    pthread_mutex_t lock;
    struct dice *dice;
    struct map *sessions;  /* token -> struct session */
    struct map *refreshes; /* token -> struct refresh */
    struct map *spent;     /* token -> struct spent */
    struct map *pendings;  /* source -> struct pending */
    struct map *codes;     /* code -> struct code; asked.source "" once used */
    struct map *browsers;  /* cookie -> struct browser */
    VEC(struct approval) approvals;
    uint64_t next_grant;
    size_t opened;
};

struct grants *grants_new(struct dice *dice)
{
    struct grants *g = mem_alloc(sizeof *g);
    pthread_mutex_init(&g->lock, NULL);
    g->dice = dice;
    g->sessions = map_new();
    g->refreshes = map_new();
    g->spent = map_new();
    g->pendings = map_new();
    g->codes = map_new();
    g->browsers = map_new();
    g->next_grant = 1;
    return g;
}

static void map_drop(struct map **map)
{
    size_t at = 0;
    const char *key;
    void *value;
    while (map_next(*map, &at, &key, &value))
        free(value);
    map_free(*map);
    *map = NULL;
}

static void drop_all(struct grants *g)
{
    struct map **maps[] = {&g->sessions, &g->refreshes, &g->spent,
                           &g->pendings, &g->codes,     &g->browsers};
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
        map_drop(maps[i]);
    vec_free(&g->approvals);
}

void grants_free(struct grants *g)
{
    if (!g)
        return;
    drop_all(g);
    pthread_mutex_destroy(&g->lock);
    free(g);
}

void grants_clear(struct grants *g)
{
    pthread_mutex_lock(&g->lock);
    drop_all(g);
    g->sessions = map_new();
    g->refreshes = map_new();
    g->spent = map_new();
    g->pendings = map_new();
    g->codes = map_new();
    g->browsers = map_new();
    pthread_mutex_unlock(&g->lock);
}

static void *copy_of(const void *from, size_t bytes)
{
    void *to = mem_alloc(bytes);
    memcpy(to, from, bytes);
    return to;
}

/* --- sessions --- */

static bool idle(const struct session *session, int64_t now_ms)
{
    return now_ms - session->used_ms > session->timeout_ms;
}

/* Removing while iterating is not allowed: collect, then remove. */
typedef bool pick_fn(const void *value, const void *wanted);
static size_t remove_where(struct map *map, pick_fn *pick, const void *wanted)
{
    VEC(const char *) keys = {0};
    size_t at = 0, count;
    const char *key;
    void *value;
    while (map_next(map, &at, &key, &value))
        if (pick(value, wanted))
            vec_push(&keys, mem_strdup(key));
    for (size_t i = 0; i < keys.len; i++) {
        free(map_remove(map, keys.at[i]));
        free((char *)keys.at[i]);
    }
    count = keys.len;
    vec_free(&keys);
    return count;
}

static bool session_idle(const void *value, const void *wanted)
{
    return idle(value, *(const int64_t *)wanted);
}

static bool pending_old(const void *value, const void *wanted)
{
    return *(const int64_t *)wanted - ((const struct pending *)value)->created_ms > PENDING_MS;
}

static bool code_old(const void *value, const void *wanted)
{
    return *(const int64_t *)wanted - ((const struct code *)value)->created_ms > 2 * CODE_MS;
}

static void sweep(struct grants *g, int64_t now_ms)
{
    remove_where(g->sessions, session_idle, &now_ms);
    remove_where(g->pendings, pending_old, &now_ms);
    remove_where(g->codes, code_old, &now_ms);
}

void grants_open_session(struct grants *g, const char *org_id15, struct session *session)
{
    char tail[96];
    pthread_mutex_lock(&g->lock);
    if (++g->opened % SWEEP_EVERY == 0)
        sweep(g, session->created_ms);
    dice_text(g->dice, token_letters, 94, tail);
    snprintf(session->token, sizeof session->token, "%s!AQ%s", org_id15, tail);
    session->number = g->opened;
    map_put(g->sessions, session->token, copy_of(session, sizeof *session));
    pthread_mutex_unlock(&g->lock);
}

bool grants_session(struct grants *g, const char *token, int64_t now_ms, bool touch,
                    struct session *out)
{
    pthread_mutex_lock(&g->lock);
    struct session *session = map_get(g->sessions, token);
    if (session && idle(session, now_ms)) {
        free(map_remove(g->sessions, token));
        session = NULL;
    }
    if (session) {
        if (touch && now_ms > session->used_ms)
            session->used_ms = now_ms;
        *out = *session;
    }
    pthread_mutex_unlock(&g->lock);
    return session != NULL;
}

bool grants_close_session(struct grants *g, const char *token)
{
    pthread_mutex_lock(&g->lock);
    struct session *session = map_remove(g->sessions, token);
    pthread_mutex_unlock(&g->lock);
    free(session);
    return session != NULL;
}

struct whose {
    const char *username, *client_id; /* NULL: any */
    uint64_t grant;                   /* 0: any */
};

static bool session_whose(const void *value, const void *wanted)
{
    const struct session *session = value;
    const struct whose *whose = wanted;
    return (!whose->username || text_eq_nocase(session->username, whose->username)) &&
           (!whose->client_id || text_eq(session->client_id, whose->client_id)) &&
           (!whose->grant || session->grant == whose->grant);
}

static bool refresh_whose(const void *value, const void *wanted)
{
    const struct refresh *refresh = value;
    const struct whose *whose = wanted;
    return (!whose->username || text_eq_nocase(refresh->username, whose->username)) &&
           (!whose->client_id || text_eq(refresh->client_id, whose->client_id)) &&
           (!whose->grant || refresh->grant == whose->grant);
}

size_t grants_revoke(struct grants *g, const char *username, const char *client_id)
{
    struct whose whose = {username, client_id, 0};
    pthread_mutex_lock(&g->lock);
    size_t count = remove_where(g->sessions, session_whose, &whose);
    count += remove_where(g->refreshes, refresh_whose, &whose);
    pthread_mutex_unlock(&g->lock);
    return count;
}

size_t grants_expire_sessions(struct grants *g, const char *username)
{
    struct whose whose = {username, NULL, 0};
    pthread_mutex_lock(&g->lock);
    size_t count = remove_where(g->sessions, session_whose, &whose);
    pthread_mutex_unlock(&g->lock);
    return count;
}

void grants_each_session(struct grants *g, int64_t now_ms,
                         void (*each)(void *ctx, const struct session *session), void *ctx)
{
    size_t at = 0;
    const char *key;
    void *value;
    pthread_mutex_lock(&g->lock);
    while (map_next(g->sessions, &at, &key, &value))
        if (!idle(value, now_ms))
            each(ctx, value);
    pthread_mutex_unlock(&g->lock);
}

bool grants_end_session(struct grants *g, uint64_t number, const char *user_id, char owner[19])
{
    size_t at = 0;
    const char *key;
    void *value, *gone = NULL;
    *owner = '\0';
    pthread_mutex_lock(&g->lock);
    while (!*owner && map_next(g->sessions, &at, &key, &value)) {
        const struct session *session = value;
        if (session->number == number)
            memcpy(owner, session->user_id, 19);
        if (session->number == number && (!user_id || strcmp(user_id, owner) == 0))
            gone = map_remove(g->sessions, session->token);
    }
    pthread_mutex_unlock(&g->lock);
    free(gone);
    return gone != NULL;
}

/* --- refresh tokens --- */

static void new_refresh_token(struct grants *g, char out[128])
{
    char tail[96];
    do { /* a repeated --rng-seed repeats tokens that a file may still hold */
        dice_text(g->dice, token_letters, 80, tail);
        snprintf(out, 128, "5Aep861%s", tail);
    } while (map_has(g->refreshes, out) || map_has(g->spent, out));
}

/* The oldest token of this user and app, and how many there are. */
static struct refresh *oldest(struct grants *g, const struct refresh *like, size_t *count)
{
    struct refresh *found = NULL;
    size_t at = 0;
    const char *key;
    void *value;
    *count = 0;
    while (map_next(g->refreshes, &at, &key, &value)) {
        struct refresh *refresh = value;
        if (strcmp(refresh->user_id, like->user_id) != 0 ||
            strcmp(refresh->client_id, like->client_id) != 0)
            continue;
        ++*count;
        if (!found || refresh->grant < found->grant)
            found = refresh;
    }
    return found;
}

static void revoke_grant(struct grants *g, uint64_t grant)
{
    struct whose whose = {.grant = grant};
    remove_where(g->sessions, session_whose, &whose);
    remove_where(g->refreshes, refresh_whose, &whose);
}

void grants_open_refresh(struct grants *g, struct refresh *refresh, int64_t keep)
{
    size_t count;
    pthread_mutex_lock(&g->lock);
    struct refresh *old = oldest(g, refresh, &count);
    if (keep > 0 && old && count >= (size_t)keep)
        revoke_grant(g, old->grant);
    refresh->grant = g->next_grant++;
    new_refresh_token(g, refresh->token);
    map_put(g->refreshes, refresh->token, copy_of(refresh, sizeof *refresh));
    pthread_mutex_unlock(&g->lock);
}

enum refresh_found grants_refresh(struct grants *g, const char *token, int64_t now_ms,
                                  int64_t monotonic_ms, int64_t busy_ms, struct refresh *out)
{
    enum refresh_found found = REFRESH_UNKNOWN;
    pthread_mutex_lock(&g->lock);
    struct refresh *refresh = map_get(g->refreshes, token);
    const struct spent *spent = refresh ? NULL : map_get(g->spent, token);
    if (spent) {
        revoke_grant(g, spent->grant);
        found = REFRESH_ROTATED;
    } else if (refresh && busy_ms > 0 && monotonic_ms < refresh->busy_until_ms) {
        *out = *refresh;
        found = REFRESH_BUSY;
    } else if (refresh) {
        refresh->busy_until_ms = monotonic_ms + busy_ms;
        *out = *refresh; /* used_ms is still the last use: the policy looks at it */
        refresh->used_ms = now_ms;
        refresh->uses++;
        found = REFRESH_OK;
    }
    pthread_mutex_unlock(&g->lock);
    return found;
}

bool grants_refresh_look(struct grants *g, const char *token, struct refresh *out)
{
    pthread_mutex_lock(&g->lock);
    const struct refresh *refresh = map_get(g->refreshes, token);
    if (refresh)
        *out = *refresh;
    pthread_mutex_unlock(&g->lock);
    return refresh != NULL;
}

void grants_rotate(struct grants *g, struct refresh *refresh)
{
    pthread_mutex_lock(&g->lock);
    struct refresh *stored = map_remove(g->refreshes, refresh->token);
    if (stored) {
        struct spent *spent = mem_alloc(sizeof *spent);
        snprintf(spent->token, sizeof spent->token, "%s", refresh->token);
        spent->grant = refresh->grant;
        free(map_remove(g->spent, spent->token));
        map_put(g->spent, spent->token, spent);
        new_refresh_token(g, stored->token);
        map_put(g->refreshes, stored->token, stored);
        memcpy(refresh->token, stored->token, sizeof refresh->token);
    }
    pthread_mutex_unlock(&g->lock);
}

void refresh_delete_word(const struct refresh *refresh, char out[67])
{
    memcpy(out, "dt", 2);
    sha256_hex(refresh->token, strlen(refresh->token), out + 2);
}

/* The refresh token this is, or whose delete word it is. Under the lock. */
static const struct refresh *find_refresh(struct grants *g, const char *token)
{
    const struct refresh *found = map_get(g->refreshes, token);
    size_t at = 0;
    const char *key;
    void *value;
    while (!found && text_starts(token, "dt") && map_next(g->refreshes, &at, &key, &value)) {
        char word[67];
        refresh_delete_word(value, word);
        if (strcmp(word, token) == 0)
            found = value;
    }
    return found;
}

bool grants_revoke_refresh(struct grants *g, const char *token)
{
    pthread_mutex_lock(&g->lock);
    const struct refresh *refresh = find_refresh(g, token);
    bool found = refresh != NULL;
    if (found)
        revoke_grant(g, refresh->grant);
    pthread_mutex_unlock(&g->lock);
    return found;
}

void grants_each_refresh(struct grants *g, void (*each)(void *ctx, const struct refresh *refresh),
                         void *ctx)
{
    size_t at = 0;
    const char *key;
    void *value;
    pthread_mutex_lock(&g->lock);
    while (map_next(g->refreshes, &at, &key, &value))
        each(ctx, value);
    pthread_mutex_unlock(&g->lock);
}

bool grants_end_grant(struct grants *g, uint64_t grant, const char *user_id, char owner[19])
{
    size_t at = 0;
    const char *key;
    void *value;
    *owner = '\0';
    pthread_mutex_lock(&g->lock);
    while (!*owner && map_next(g->refreshes, &at, &key, &value)) {
        const struct refresh *refresh = value;
        if (refresh->grant == grant)
            memcpy(owner, refresh->user_id, 19);
    }
    bool gone = *owner && (!user_id || strcmp(user_id, owner) == 0);
    if (gone)
        revoke_grant(g, grant);
    pthread_mutex_unlock(&g->lock);
    return gone;
}

static struct approval *find_approval(struct grants *g, const char *user_id, const char *client_id)
{
    for (size_t i = 0; i < g->approvals.len; i++)
        if (strcmp(g->approvals.at[i].user_id, user_id) == 0 &&
            strcmp(g->approvals.at[i].client_id, client_id) == 0)
            return &g->approvals.at[i];
    return NULL;
}

bool grants_approved(struct grants *g, const char *user_id, const char *client_id,
                     const char *scopes)
{
    bool all = false;
    size_t len;
    const char *word;
    pthread_mutex_lock(&g->lock);
    const struct approval *approval = find_approval(g, user_id, client_id);
    if (approval) {
        all = true;
        while ((word = words_next(&scopes, &len)))
            all = all && words_have_n(approval->scopes, word, len);
    }
    pthread_mutex_unlock(&g->lock);
    return all;
}

void grants_approve(struct grants *g, const char *user_id, const char *client_id,
                    const char *scopes)
{
    struct approval fresh = {{0}};
    snprintf(fresh.user_id, sizeof fresh.user_id, "%s", user_id);
    snprintf(fresh.client_id, sizeof fresh.client_id, "%s", client_id);
    snprintf(fresh.scopes, sizeof fresh.scopes, "%s", scopes);
    pthread_mutex_lock(&g->lock);
    struct approval *approval = find_approval(g, user_id, client_id);
    if (approval)
        *approval = fresh;
    else
        vec_push(&g->approvals, fresh);
    pthread_mutex_unlock(&g->lock);
}

/* --- the browser's side --- */

void grants_open_pending(struct grants *g, struct pending *pending)
{
    char tail[80];
    pthread_mutex_lock(&g->lock);
    dice_text(g->dice, DICE_BASE62, 64, tail);
    snprintf(pending->source, sizeof pending->source, "CAAAA%s", tail);
    map_put(g->pendings, pending->source, copy_of(pending, sizeof *pending));
    pthread_mutex_unlock(&g->lock);
}

bool grants_pending(struct grants *g, const char *source, struct pending *out)
{
    pthread_mutex_lock(&g->lock);
    const struct pending *pending = source ? map_get(g->pendings, source) : NULL;
    if (pending)
        *out = *pending;
    pthread_mutex_unlock(&g->lock);
    return pending != NULL;
}

void grants_close_pending(struct grants *g, const char *source)
{
    pthread_mutex_lock(&g->lock);
    free(map_remove(g->pendings, source));
    pthread_mutex_unlock(&g->lock);
}

void grants_open_code(struct grants *g, struct code *code)
{
    char head[40], tail[72];
    pthread_mutex_lock(&g->lock);
    dice_text(g->dice, DICE_BASE62, 24, head);
    dice_text(g->dice, DICE_BASE62, 48, tail);
    snprintf(code->code, sizeof code->code, "aPrx%s.%s_%s==", head, tail, "Z");
    map_put(g->codes, code->code, copy_of(code, sizeof *code));
    pthread_mutex_unlock(&g->lock);
}

enum code_found grants_take_code(struct grants *g, const char *text, struct code *out)
{
    enum code_found found = CODE_UNKNOWN;
    pthread_mutex_lock(&g->lock);
    struct code *code = map_get(g->codes, text);
    if (code) {
        found = code->asked.source[0] ? CODE_OK : CODE_USED;
        *out = *code;
        code->asked.source[0] = '\0';
    }
    pthread_mutex_unlock(&g->lock);
    return found;
}

void grants_open_browser(struct grants *g, const char *username, int64_t now_ms, char cookie[128],
                         const char *org_id15)
{
    char tail[96];
    struct browser *browser = mem_alloc(sizeof *browser);
    snprintf(browser->username, sizeof browser->username, "%s", username);
    browser->used_ms = now_ms;
    pthread_mutex_lock(&g->lock);
    dice_text(g->dice, token_letters, 94, tail);
    snprintf(cookie, 128, "%s!AR%s", org_id15, tail);
    map_put(g->browsers, cookie, browser);
    pthread_mutex_unlock(&g->lock);
}

bool grants_browser(struct grants *g, const char *cookie, int64_t now_ms, char username[128])
{
    pthread_mutex_lock(&g->lock);
    struct browser *browser = cookie ? map_get(g->browsers, cookie) : NULL;
    bool ok = browser && now_ms - browser->used_ms <= BROWSER_MS;
    if (ok) {
        browser->used_ms = now_ms;
        memcpy(username, browser->username, sizeof browser->username);
    }
    pthread_mutex_unlock(&g->lock);
    return ok;
}

void grants_close_browser(struct grants *g, const char *cookie)
{
    pthread_mutex_lock(&g->lock);
    free(map_remove(g->browsers, cookie));
    pthread_mutex_unlock(&g->lock);
}

void grants_counts(struct grants *g, struct grants_count *out)
{
    pthread_mutex_lock(&g->lock);
    out->sessions = map_count(g->sessions);
    out->refresh_tokens = map_count(g->refreshes);
    out->codes = map_count(g->codes);
    pthread_mutex_unlock(&g->lock);
}

/* --- kept with --data --- */

void grants_save(struct grants *g, struct jw *w)
{
    size_t at = 0;
    const char *key;
    void *value;
    pthread_mutex_lock(&g->lock);
    jw_object(w);
    jw_kv_int(w, "next", (int64_t)g->next_grant);
    jw_key(w, "refresh");
    jw_array(w);
    while (map_next(g->refreshes, &at, &key, &value)) {
        const struct refresh *r = value;
        jw_object(w);
        jw_kv_int(w, "grant", (int64_t)r->grant);
        jw_kv_text(w, "token", r->token);
        jw_kv_text(w, "user", r->user_id);
        jw_kv_text(w, "username", r->username);
        jw_kv_text(w, "app", r->client_id);
        jw_kv_text(w, "scopes", r->scopes);
        jw_kv_int(w, "created", r->created_ms);
        jw_kv_int(w, "used", r->used_ms);
        jw_kv_int(w, "uses", r->uses);
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_key(w, "approvals");
    jw_array(w);
    for (size_t i = 0; i < g->approvals.len; i++) {
        jw_object(w);
        jw_kv_text(w, "user", g->approvals.at[i].user_id);
        jw_kv_text(w, "app", g->approvals.at[i].client_id);
        jw_kv_text(w, "scopes", g->approvals.at[i].scopes);
        jw_end_object(w);
    }
    jw_end_array(w);
    jw_end_object(w);
    pthread_mutex_unlock(&g->lock);
}

static void keep(char *place, size_t size, const struct json *object, const char *key)
{
    const char *text = json_get_text(object, key);
    snprintf(place, size, "%s", text ? text : "");
}

void grants_load(struct grants *g, const struct json *saved)
{
    pthread_mutex_lock(&g->lock);
    g->next_grant = (uint64_t)json_get_int(saved, "next", 1);
    json_each(one, json_get(saved, "refresh")) {
        struct refresh *r = mem_alloc(sizeof *r);
        r->grant = (uint64_t)json_get_int(one, "grant", 0);
        keep(r->token, sizeof r->token, one, "token");
        keep(r->user_id, sizeof r->user_id, one, "user");
        keep(r->username, sizeof r->username, one, "username");
        keep(r->client_id, sizeof r->client_id, one, "app");
        keep(r->scopes, sizeof r->scopes, one, "scopes");
        r->created_ms = json_get_int(one, "created", 0);
        r->used_ms = json_get_int(one, "used", 0);
        r->uses = json_get_int(one, "uses", 0);
        free(map_remove(g->refreshes, r->token));
        map_put(g->refreshes, r->token, r);
    }
    pthread_mutex_unlock(&g->lock);
    json_each(one, json_get(saved, "approvals"))
        grants_approve(g, json_get_text(one, "user"), json_get_text(one, "app"),
                       json_get_text(one, "scopes"));
}
