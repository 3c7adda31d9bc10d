/* faults.c - the list of fault rules and the matching of requests against it.
 *
 * A rule is a struct with a table of settings, like a policy, so that unknown
 * words are refused with a suggestion and GET prints what POST accepted. */
#include "localorg/rest/faults.h"

#include "base/mem.h"
#include "base/str.h"
#include "base/vec.h"

#include <pthread.h>
#include <regex.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

struct fault {
    char name[64];
    /* which requests */
    char method[64], path[256], path_regex[256], body_has[256], user[128];
    /* which of those */
    int64_t after, nth, every, times;
    char probability[24]; /* number text */
    /* what happens */
    char effect[24];
    int64_t status, delay_ms, delay_after_ms, page_size;
    int64_t rows, bytes, bytes_per_s, skew_ms, lag_ms;
    char body[4096], content_type[96], ids[2048], control[16384];
    bool processed;
    /* counted here */
    int64_t matched, hits;
    regex_t regex;
    bool has_regex;
};

#define EFFECTS                                                                                    \
    "status drop_before drop_after late_commit duplicate partial cut truncate garble chunked "     \
    "slow "                                                                                        \
    "delay html error expire_token limit_exceeded lock_rows small_pages forget_cursors shuffle "   \
    "date_skew stamp_lag control"

static const struct setting rows[] = {
    SETTING(fault, name, SET_TEXT, NULL, "to find it again; made up when missing"),
    SETTING(fault, method, SET_LIST, NULL, "methods, any when missing"),
    SETTING(fault, path, SET_TEXT, NULL, "substring of path?query"),
    SETTING(fault, path_regex, SET_TEXT, NULL, "POSIX extended regular expression over path?query"),
    SETTING(fault, body_has, SET_TEXT, NULL, "substring of the request body"),
    SETTING(fault, user, SET_TEXT, NULL, "username of the session"),
    SETTING(fault, after, SET_INT, NULL, "let so many matching requests pass first"),
    SETTING(fault, nth, SET_INT, NULL, "only the n-th matching request (1 = first)"),
    SETTING(fault, every, SET_INT, NULL, "only each n-th matching request"),
    SETTING(fault, times, SET_INT, NULL, "hit at most so often; 0 = no end"),
    SETTING(fault, probability, SET_TEXT, NULL, "0 to 1, drawn from --rng-seed"),
    SETTING(fault, effect, SET_WORD, EFFECTS, "what happens"),
    SETTING(fault, status, SET_INT, NULL, "effect status, error, html: the HTTP status"),
    SETTING(fault, delay_ms, SET_INT, NULL, "wait before processing (any effect)"),
    SETTING(fault, delay_after_ms, SET_INT, NULL, "wait after processing, before answering"),
    SETTING(fault, page_size, SET_INT, NULL, "effect small_pages: records on a page"),
    SETTING(fault, body, SET_TEXT, NULL,
            "effect status: the body; effect error: errorCode: message"),
    SETTING(fault, content_type, SET_TEXT, NULL, "effect status: of the body"),
    SETTING(fault, ids, SET_LIST, NULL, "effect lock_rows: these records; else by probability"),
    SETTING(fault, rows, SET_INT, NULL, "effect partial: rows that are written before it dies"),
    SETTING(fault, bytes, SET_INT, NULL, "effect garble: wrong bytes in the body (1)"),
    SETTING(fault, bytes_per_s, SET_INT, NULL, "effect slow: bytes of the body a second"),
    SETTING(fault, skew_ms, SET_INT, NULL, "effect date_skew: added to the Date header"),
    SETTING(fault, lag_ms, SET_INT, NULL,
            "effect stamp_lag: what it writes is stamped so much earlier"),
    SETTING(fault, control, SET_JSON, NULL,
            "effect control: [{\"method\",\"path\",\"body\"}], control requests done first"),
    SETTING(fault, processed, SET_BOOL, NULL,
            "effects status, error, html: the request is processed first, its answer thrown away"),
    SETTING(fault, matched, SET_INT, NULL, "requests that matched so far"),
    SETTING(fault, hits, SET_INT, NULL, "requests it hit so far"),
};
#define ROWS (sizeof rows / sizeof *rows)

struct faults {
    pthread_mutex_t lock;
    VEC(struct fault *) rules;
    uint64_t named;
};

struct faults *faults_new(void)
{
    struct faults *faults = mem_alloc(sizeof *faults);
    pthread_mutex_init(&faults->lock, NULL);
    return faults;
}

static void fault_free(struct fault *fault)
{
    if (fault->has_regex)
        regfree(&fault->regex);
    free(fault);
}

void faults_free(struct faults *faults)
{
    if (!faults)
        return;
    faults_remove(faults, NULL);
    vec_free(&faults->rules);
    pthread_mutex_destroy(&faults->lock);
    free(faults);
}

/* {"probability": 0.1} arrives as a number; the settings table knows none with
 * a point, so it is kept as text. */
static enum status read_probability(struct fault *fault, const struct json *rule, struct err *err)
{
    const struct json *value = json_get(rule, "probability");
    if (!value)
        return OK;
    double p = json_double(value, -1);
    if (!(p >= 0 && p <= 1))
        return err_set(err, "localorg.setting", "probability is a number from 0 to 1");
    snprintf(fault->probability, sizeof fault->probability, "%g", p);
    return OK;
}

static enum status check(const struct fault *fault, struct err *err)
{
    if (!fault->effect[0]) {
        err_set(err, "localorg.setting", "a fault needs an \"effect\"");
        err_hint(err, "one of: " EFFECTS);
        return FAIL;
    }
    if (strcmp(fault->effect, "status") == 0 && (fault->status < 100 || fault->status > 599))
        return err_set(err, "localorg.setting", "effect status needs \"status\": 100 to 599");
    if (strcmp(fault->effect, "small_pages") == 0 && fault->page_size < 1)
        return err_set(err, "localorg.setting",
                       "effect small_pages needs \"page_size\": 1 or more");
    if (strcmp(fault->effect, "partial") == 0 && fault->rows < 1)
        return err_set(err, "localorg.setting", "effect partial needs \"rows\": 1 or more");
    if (strcmp(fault->effect, "slow") == 0 && fault->bytes_per_s < 1)
        return err_set(err, "localorg.setting", "effect slow needs \"bytes_per_s\": 1 or more");
    if (strcmp(fault->effect, "control") == 0 && fault->control[0] != '[')
        return err_set(err, "localorg.setting",
                       "effect control needs \"control\": [{\"method\", \"path\", \"body\"}]");
    if (strcmp(fault->effect, "lock_rows") == 0 && !fault->ids[0] && !fault->probability[0])
        return err_set(err, "localorg.setting",
                       "effect lock_rows needs \"ids\" or a \"probability\" per row");
    return OK;
}

static struct fault *fault_read(struct faults *faults, const struct json *rule, struct err *err)
{
    struct fault *fault = mem_alloc(sizeof *fault);
    if (settings_read(rows, ROWS, "probability", fault, rule, err) != OK ||
        read_probability(fault, rule, err) != OK || check(fault, err) != OK)
        goto fail;
    fault->matched = fault->hits = 0;
    if (fault->path_regex[0]) {
        int rc = regcomp(&fault->regex, fault->path_regex, REG_EXTENDED | REG_NOSUB);
        if (rc != 0) {
            char why[128];
            regerror(rc, &fault->regex, why, sizeof why);
            err_set(err, "localorg.setting", "path_regex \"%s\": %s", fault->path_regex, why);
            goto fail;
        }
        fault->has_regex = true;
    }
    if (!fault->name[0])
        snprintf(fault->name, sizeof fault->name, "fault-%llu",
                 (unsigned long long)++faults->named);
    return fault;
fail:
    free(fault);
    return NULL;
}

enum status faults_add(struct faults *faults, const struct json *from, size_t *added,
                       struct err *err)
{
    VEC(struct fault *) fresh = {0};
    const struct json *list = json_get(from, "faults");
    enum status rc = OK;
    if (!list)
        list = from;
    pthread_mutex_lock(&faults->lock);
    if (json_is(list, JSON_ARRAY)) {
        json_each(rule, list) {
            struct fault *fault = fault_read(faults, rule, err);
            if (!fault) {
                rc = FAIL;
                break;
            }
            vec_push(&fresh, fault);
        }
    } else {
        struct fault *fault = fault_read(faults, list, err);
        if (fault)
            vec_push(&fresh, fault);
        else
            rc = FAIL;
    }
    for (size_t i = 0; i < fresh.len; i++) {
        if (rc == OK)
            vec_push(&faults->rules, fresh.at[i]);
        else
            fault_free(fresh.at[i]);
    }
    *added = rc == OK ? fresh.len : 0;
    pthread_mutex_unlock(&faults->lock);
    vec_free(&fresh);
    return rc;
}

size_t faults_remove(struct faults *faults, const char *name)
{
    size_t kept = 0, removed;
    pthread_mutex_lock(&faults->lock);
    for (size_t i = 0; i < faults->rules.len; i++) {
        struct fault *fault = faults->rules.at[i];
        if (name && strcmp(fault->name, name) != 0)
            faults->rules.at[kept++] = fault;
        else
            fault_free(fault);
    }
    removed = faults->rules.len - kept;
    faults->rules.len = kept;
    pthread_mutex_unlock(&faults->lock);
    return removed;
}

void faults_write(struct faults *faults, struct jw *w)
{
    pthread_mutex_lock(&faults->lock);
    jw_array(w);
    for (size_t i = 0; i < faults->rules.len; i++) {
        jw_object(w);
        settings_write(rows, ROWS, faults->rules.at[i], w);
        jw_end_object(w);
    }
    jw_end_array(w);
    pthread_mutex_unlock(&faults->lock);
}

static bool matches(const struct fault *fault, const char *method, const char *target,
                    const struct buf *body, const char *user)
{
    if (fault->method[0] && !words_have(fault->method, method))
        return false;
    if (fault->path[0] && !strstr(target, fault->path))
        return false;
    if (fault->has_regex && regexec(&fault->regex, target, 0, NULL, 0) != 0)
        return false;
    if (fault->user[0] && !text_eq_nocase(fault->user, user))
        return false;
    return !fault->body_has[0] || (body && strstr(buf_text(body), fault->body_has));
}

/* Which of the matching requests. lock_rows draws its dice per row instead. */
static bool hits(struct fault *fault, struct dice *dice)
{
    fault->matched++;
    if (fault->matched <= fault->after)
        return false;
    int64_t n = fault->matched - fault->after;
    if (fault->nth && n != fault->nth)
        return false;
    if (fault->every && n % fault->every != 0)
        return false;
    if (fault->times && fault->hits >= fault->times)
        return false;
    if (fault->probability[0] && strcmp(fault->effect, "lock_rows") != 0 &&
        !dice_chance(dice, atof(fault->probability)))
        return false;
    fault->hits++;
    return true;
}

static void plan_html(const struct fault *fault, struct arena *arena, struct fault_plan *plan)
{
    plan->status = fault->status ? (int)fault->status : 503;
    plan->content_type = "text/html;charset=UTF-8";
    plan->body = arena_printf(
        arena,
        "<html><head><title>%d</title></head><body><h1>%s</h1>"
        "<p>We are down for maintenance. Sorry for the inconvenience. We'll be back shortly.</p>"
        "</body></html>",
        plan->status, plan->status == 502 ? "Bad Gateway" : "Service Unavailable");
}

/* "UNABLE_TO_LOCK_ROW: unable to obtain ..." as a Salesforce error array. */
static void plan_error(const struct fault *fault, struct arena *arena, struct fault_plan *plan)
{
    struct buf out = BUF_INIT;
    struct jw w;
    const char *colon = strstr(fault->body, ": ");
    plan->status = fault->status ? (int)fault->status : 500;
    plan->content_type = "application/json;charset=UTF-8";
    jw_init(&w, &out);
    jw_array(&w);
    jw_object(&w);
    jw_kv_text(&w, "message",
               colon ? colon + 2
                     : "An unexpected error occurred. Please include this ErrorId if you contact "
                       "support: 1234567890-12345 (localorg)");
    jw_key(&w, "errorCode");
    if (colon)
        jw_text_n(&w, fault->body, (size_t)(colon - fault->body));
    else
        jw_text(&w, fault->body[0] ? fault->body : "UNKNOWN_EXCEPTION");
    jw_end_object(&w);
    jw_end_array(&w);
    plan->body = arena_strndup(arena, out.data, out.len);
    buf_free(&out);
}

static void add_control(const struct fault *fault, struct arena *arena, struct fault_plan *plan)
{
    if (strcmp(fault->effect, "control") == 0)
        plan->control = plan->control
                            ? arena_printf(arena, "%.*s,%s]", (int)strlen(plan->control) - 1,
                                           plan->control, fault->control)
                            : arena_printf(arena, "[%s]", fault->control);
}

/* Effects on delivery, bytes and stamps. False when it is another one. */
static bool add_delivery(const struct fault *fault, struct fault_plan *plan)
{
    const char *effect = fault->effect;
    if (strcmp(effect, "late_commit") == 0)
        plan->late_ms = fault->delay_ms;
    else if (strcmp(effect, "duplicate") == 0)
        plan->twice = true;
    else if (strcmp(effect, "partial") == 0)
        plan->partial_rows = fault->rows;
    else if (strcmp(effect, "truncate") == 0)
        plan->truncate = true;
    else if (strcmp(effect, "garble") == 0)
        plan->garble += fault->bytes > 0 ? fault->bytes : 1;
    else if (strcmp(effect, "chunked") == 0)
        plan->chunked = true;
    else if (strcmp(effect, "slow") == 0)
        plan->slow_bytes_per_s = fault->bytes_per_s;
    else if (strcmp(effect, "date_skew") == 0)
        plan->skew_ms += fault->skew_ms;
    else if (strcmp(effect, "stamp_lag") == 0)
        plan->stamp_lag_ms += fault->lag_ms;
    else if (strcmp(effect, "forget_cursors") == 0)
        plan->forget_cursors = true;
    else if (strcmp(effect, "shuffle") == 0)
        plan->shuffle = true;
    else
        return false;
    return true;
}

static void add_to_plan(const struct fault *fault, struct arena *arena, struct fault_plan *plan)
{
    const char *effect = fault->effect;
    plan->names = plan->names[0] ? arena_printf(arena, "%s %s", plan->names, fault->name)
                                 : arena_strdup(arena, fault->name);
    add_control(fault, arena, plan);
    if (strcmp(effect, "late_commit") != 0) /* there it says how late */
        plan->delay_before_ms += fault->delay_ms;
    plan->delay_after_ms += fault->delay_after_ms;
    if (add_delivery(fault, plan))
        return;
    if (strcmp(effect, "drop_before") == 0) {
        plan->drop_before = true;
    } else if (strcmp(effect, "drop_after") == 0) {
        plan->drop_after = true;
    } else if (strcmp(effect, "cut") == 0) {
        plan->cut = true;
    } else if (strcmp(effect, "expire_token") == 0) {
        plan->expire_token = true;
    } else if (strcmp(effect, "limit_exceeded") == 0) {
        plan->limit_exceeded = true;
    } else if (strcmp(effect, "small_pages") == 0) {
        plan->page_size = fault->page_size;
    } else if (strcmp(effect, "lock_rows") == 0) {
        plan->lock_ids = arena_strdup(arena, fault->ids);
        plan->lock_probability = fault->ids[0] ? 0 : atof(fault->probability);
    } else if (strcmp(effect, "html") == 0) {
        plan_html(fault, arena, plan);
        plan->after = fault->processed;
    } else if (strcmp(effect, "error") == 0) {
        plan_error(fault, arena, plan);
        plan->after = fault->processed;
    } else if (strcmp(effect, "status") == 0) {
        plan->status = (int)fault->status;
        plan->body = arena_strdup(arena, fault->body);
        plan->content_type = fault->content_type[0] ? arena_strdup(arena, fault->content_type)
                                                    : "application/json;charset=UTF-8";
        plan->after = fault->processed;
    }
}

int64_t faults_count(struct faults *faults)
{
    pthread_mutex_lock(&faults->lock);
    int64_t count = (int64_t)faults->rules.len;
    pthread_mutex_unlock(&faults->lock);
    return count;
}

void faults_match(struct faults *faults, struct dice *dice, struct arena *arena, const char *method,
                  const char *target, const struct buf *body, const char *user,
                  struct fault_plan *plan)
{
    *plan = (struct fault_plan){.names = "", .late_ms = -1};
    pthread_mutex_lock(&faults->lock);
    for (size_t i = 0; i < faults->rules.len; i++) {
        struct fault *fault = faults->rules.at[i];
        if (matches(fault, method, target, body, user) && hits(fault, dice))
            add_to_plan(fault, arena, plan);
    }
    pthread_mutex_unlock(&faults->lock);
}
