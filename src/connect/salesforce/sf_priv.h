/* sf_priv.h - what the files of the Salesforce connector share.
 *
 * Who is who: session.c is the one door to the wire, renew.c keeps it open (through token.c),
 * query.c runs SOQL through it. read, lookup, write and describe use those and
 * nothing below. id, host, fold, decimal, soql and explain are pure. */
#ifndef ARGIL_CONNECT_SF_PRIV_H
#define ARGIL_CONNECT_SF_PRIV_H

#include "base/map.h"
#include "connect/connect.h"
#include "http/client.h"

#define SF_VERSION_WANTED 66     /* Spring '26: what our parsing was written against */
#define SF_VERSION_NEWEST 68     /* Winter '27: newest we know of */
#define SF_PAGE           2000   /* records a query page */
#define SF_URL_MAX        16000  /* 16,384 with headers is the limit: 414 or 431 */
#define SF_SOQL_MAX       100000 /* characters of one query */
#define SF_LITERAL_MAX    4000   /* characters of one string literal */
#define SF_ROWS_PER_CALL  200    /* records of one collection */
#define SF_PARTS_PER_CALL 5      /* collections or queries of one composite request */
#define SF_SCOPES         "api refresh_token id openid profile"

/* ------------------------------------------------------------- session.c */

struct sf {
    struct crm_session crm; /* first: a crm_session of ours is an sf */
    struct world *world;
    struct http_client *http;
    struct arena *arena; /* until close: the connection's copy, describes, names */
    struct connection connection;
    struct crm_token_store store; /* load is NULL while signing in */
    struct secret access, refresh, client_secret, private_key;
    enum crm_grant grant; /* how a new access token is had */
    bool rotates;         /* a renewal has replaced the refresh token before */
    char *instance;      /* origin without a slash at the end; host was checked */
    bool local;          /* instance is on this machine */
    char version[8];     /* "v66.0"; "" until the server was asked */
    struct map *objects; /* described so far: name -> struct crm_object */
    const char **names;  /* of all objects, with their key prefixes beside */
    const char **prefixes;
    size_t name_count;
    bool named;
};

static inline struct sf *sf_of(struct crm_session *session)
{
    return (struct sf *)session;
}

struct crm_events;
extern const struct crm_events salesforce_events; /* events.c */

/* One request to the REST API. */
struct sf_call {
    const char *method; /* NULL = GET */
    const char *path;   /* below /services/data/vNN.0, or absolute when it starts "/services/" or "/cometd/" */
    const char *body;
    size_t body_len;
    const struct http_header *headers; /* besides the usual ones; may be NULL */
    bool uncounted;                    /* Salesforce does not meter it */
    bool fresh;                        /* a new TCP connection that nobody uses after: for writes */
    int64_t timeout_ms;                /* 0 = the client's default */
    const char *what;                  /* "reading Lead": put before an error; may be NULL */
    const char *content_type;          /* of the body; NULL = JSON */
    const char *object;                /* for explanations; may be NULL */
    const char *accept;                /* NULL = application/json */
    /* As in http_request: a good answer's body piece by piece. */
    enum status (*take)(void *ctx, const char *bytes, size_t len, struct err *err);
    void *take_ctx;
    int64_t stall_ms;
    const atomic_bool *cancel;
    struct sf_conditional *conditional; /* 304 is an answer, too; may be NULL */
};

/* "If it has changed since": out of the call, when it is a read. */
struct sf_conditional {
    bool unchanged;       /* 304: there is no body */
    const char *modified; /* Last-Modified, on the call's arena; NULL = not told */
    const char *text;     /* the body as it came, likewise */
};

struct sf *sf_new(struct world *world, const struct connection *connection,
                  const struct crm_token_store *store, struct err *err);
void sf_free(struct sf *sf);
struct crm_session *sf_open(struct world *world, const struct connection *connection,
                            const struct crm_token_store *tokens, struct err *err);
void sf_close(struct crm_session *session);
/* Takes over tokens and instance_url after checking its host. */
/* A session beside `sf` for another thread: own HTTP client, no way to refresh. NULL with
 * *err. sf_side_ready, while that thread rests, gives it the present token; sf_side_done
 * adds what it used to sf's counters. */
struct sf *sf_side_new(struct sf *sf, struct err *err);
void sf_side_ready(struct sf *side, struct sf *sf);
void sf_side_done(struct sf *side, struct sf *sf);
enum status sf_use_tokens(struct sf *sf, const struct crm_tokens *tokens, struct err *err);
/* Knows the API version, so that the next request can be sent. */
enum status sf_ready(struct sf *sf, struct err *err);
/* A read: repeated with back-off where that may help, refreshes the token once.
 * OK only with a 2xx status and well-formed JSON (*out, on `arena`; NULL when
 * the body is empty); otherwise an explained error. */
enum status sf_read(struct sf *sf, const struct sf_call *call, struct arena *arena,
                    const struct json **out, struct err *err);
/* Many reads at a time, each tried once: out[i] is its answer (on `arena`), or NULL where it
 * was not had at once - whoever wants it then asks with sf_read, which knows why and how often.
 * The session is ready (sf_ready). */
void sf_read_many(struct sf *sf, const struct sf_call *calls, size_t count, size_t parallel,
                  struct arena *arena, const struct json **out);
/* One request made ready; lives until it was taken. */
struct sf_posted {
    struct arena *arena;
    struct http_header usual[4];
    struct buf bearer;
    char token[32]; /* a hint of the access token that it carries */
};
void sf_prepare(struct sf *sf, const struct sf_call *call, struct sf_posted *posted,
                struct http_request *request);
/* Counts the call, notes limits and clock, frees what sf_prepare made. */
void sf_took(struct sf *sf, const struct sf_call *call, struct sf_posted *posted,
             const struct http_response *response);
/* One request on the wire, never two; no judgement. Free the response always. */
enum status sf_send(struct sf *sf, const struct sf_call *call, struct http_response *response,
                    struct err *err);
bool sf_passing(int status, const struct json *body); /* a read may be asked again */
/* True when a 401 says that a fresh token may help. */
bool sf_token_stale(const struct http_response *response, const struct json *body);
const char *sf_path(struct sf *sf, struct arena *arena,
                    const char *below); /* /services/data/vNN.0... */
void sf_backoff(struct world *world, int attempt, int64_t first_ms);
/* Fills *err from an answer that is not a success. Returns FAIL. */
enum status sf_fail(struct sf *sf, const struct sf_call *call, int status, const struct json *body,
                    const struct buf *raw, struct err *err);

/* ------------------------------------------------------- renew.c token.c */

/* Gets a new access token, saved before it is used. Waiters for the same
 * connection share one renewal; a token that another thread or process stored is
 * taken instead. ERR_CRM_RECONNECT when the grant is gone. */
enum status sf_refresh(struct sf *sf, struct err *err);

/* One POST to a token endpoint. */
struct sf_token_call {
    const char *login_url;
    const struct buf *form;
    /* out: */
    const struct json *answer; /* on success: has an access_token */
    const char *code;          /* the OAuth error, or NULL */
    bool lost;                 /* failed, and may have been acted on nevertheless */
};
enum status sf_token_post(struct http_client *http, struct sf_token_call *call,
                          struct arena *arena, struct err *err);

/* Is a token alive? Asked without using it. `kind`: "access_token", "refresh_token". */
enum sf_alive { SF_ALIVE_YES, SF_ALIVE_NO, SF_ALIVE_NOT_TOLD, SF_ALIVE_UNREACHED };
enum sf_alive sf_token_alive(struct sf *sf, const struct secret *token, const char *kind,
                             struct arena *arena);

/* ---------------------------------------------------------------- host.c */

enum sf_place { SF_NOWHERE, SF_SALESFORCE, SF_LOCAL };
/* Where a URL points: SF_NOWHERE with *err set unless it is https on a host of
 * Salesforce's own, or http(s) on this machine. */
enum sf_place sf_host_check(const char *url, struct err *err);
/* "https://host:port" without path; NULL when the host is not allowed. */
char *sf_host_origin(struct arena *arena, const char *url, struct err *err);
/* May a sign-in go there? A host of Salesforce's own (not the generic one of all
 * sandboxes), or the loopback host that the wish names. */
enum status sf_signin_host(const struct crm_signin *signin, struct err *err);

/* -------------------------------------------------------------- signin.c */

enum status sf_signin_begin(struct world *world, struct arena *arena, struct crm_signin *signin,
                            struct err *err);
enum status sf_signin_finish(struct world *world, struct arena *arena,
                             const struct crm_signin *signin, const char *code,
                             struct connection *connection, struct crm_tokens *tokens,
                             struct err *err);
enum status sf_signin_token(struct world *world, struct arena *arena,
                            const struct crm_signin *signin, const struct secret *access_token,
                            struct connection *connection, struct crm_tokens *tokens,
                            struct err *err);
enum status sf_revoke(struct world *world, const struct connection *connection,
                      const struct crm_tokens *tokens, struct err *err);
/* Takes over a token answer: checks its scopes (all of ours, or only api for a
 * machine), its id_token when there is a nonce, who and where, and the environment;
 * fills *connection and *tokens. `given` brings client secret, grant, private key
 * and a refresh token that the answer lacks. */
enum status sf_signin_settle(struct sf *sf, struct arena *arena, const struct crm_signin *signin,
                             const struct json *body, const struct crm_tokens *given,
                             struct connection *connection, struct crm_tokens *tokens,
                             struct err *err);
/* The id_token of an answer (NULL = none) belongs to this sign-in: RS256 by a key
 * of the org's, our app, our nonce, not expired, the identity of the answer, the
 * access token of the answer. FAIL "connect.id_token". */
enum status sf_id_token_check(struct sf *sf, struct arena *arena, const struct crm_signin *signin,
                              const struct json *body, struct err *err);
/* A GET without a token, at most a megabyte; *out parsed JSON. */
enum status sf_public_read(struct sf *sf, struct arena *arena, const char *url,
                           const struct json **out, struct err *err);
const char *sf_signin_scopes(enum crm_grant grant);
const char *sf_signin_missing(struct arena *arena, enum crm_grant grant, const char *granted);
/* The asked scopes that `granted` does not cover, space separated, or NULL. */
const char *sf_scopes_missing(struct arena *arena, const char *asked, const char *granted);

/* --------------------------------------------------------- machine.c jwt.c */

enum status sf_signin_machine(struct world *world, struct arena *arena,
                              const struct crm_signin *signin, struct connection *connection,
                              struct crm_tokens *tokens, struct err *err);
/* The token request of a grant that needs no browser, ready to post. */
enum status sf_grant_form(struct world *world, struct arena *arena, const struct crm_signin *with,
                          struct buf *form, struct err *err);
/* A compact RS256 JWT of the payload, signed with a PEM key; NULL with *err set. */
char *sf_jwt_sign(struct arena *arena, const struct secret *pem, const char *payload,
                  struct err *err);

/* ------------------------------------ facts.c doctor.c doctor_text.c */

enum status sf_access(struct crm_session *session, struct arena *arena, struct crm_access **list,
                      size_t *count, struct err *err);
enum status sf_identity(struct crm_session *session, struct arena *arena, struct crm_identity *out,
                        struct err *err);
void sf_doctor(struct world *world, struct arena *arena, const struct connection *connection,
               const struct crm_token_store *tokens, const struct crm_need *needs,
               size_t need_count, struct crm_findings *out);
/* check_needs.c: appends a finding for each lack, or one that says all is there. */
void sf_check_needs(struct crm_session *session, struct arena *arena, const struct crm_need *needs,
                    size_t count, struct crm_findings *out);
void sf_doctor_text(struct arena *arena, const char *text, struct crm_findings *out);
/* Appends a finding; cause and hint of `why` (may be NULL) become cause and fix. */
struct crm_finding *sf_finding(struct arena *arena, struct crm_findings *out, const char *check,
                               enum crm_verdict verdict, const struct err *why, const char *fmt,
                               ...) __attribute__((format(printf, 6, 7)));
/* Who can do what a fix says. */
const char *sf_fixer(const char *fix);

/* ---------------------------------------------------------------- seal.c */

enum status sf_seal(struct crm_session *session, struct arena *arena, const char *object,
                    bool dry_run, struct crm_seal *out, struct err *err);

/* ------------------------------------------------------------------ id.c */

/* The 18-character form. False when it is no id: length, alphabet, checksum. */
bool sf_id(const char *text, size_t len, char out[19]);
const char *sf_id_dup(struct arena *arena, const char *text); /* NULL when it is no id */
/* An 18-character id whose letters lost their case, put right by its checksum. */
bool sf_id_unfold(const char *text, size_t len, char out[19]);

/* ------------------------------------------------------------- decimal.c */

/* Plain canonical decimal text: no exponent, no needless zero, no plus, no -0.
 * NULL when `text` is not one number, or one with more than 400 digits. */
const char *sf_decimal(struct arena *arena, const char *text, size_t len);

/* ---------------------------------------------------------------- fold.c */

/* The text as Salesforce compares it when case does not matter. */
char *sf_fold(struct arena *arena, const char *text, size_t len);
/* Folds further: letters outside ASCII become '?'. For a second try only. */
char *sf_fold_loose(struct arena *arena, const char *text, size_t len);

/* ---------------------------------------------------------------- soql.c */

enum sf_kind { SF_TEXT, SF_ID, SF_BOOLEAN, SF_NUMBER, SF_DATE, SF_DATETIME, SF_TIME, SF_COMPOUND };
enum sf_kind sf_field_kind(const struct crm_field *field); /* NULL counts as text */

void soql_quote(struct buf *out, const char *text, size_t len);    /* 'O\'Dell' */
void soql_contains(struct buf *out, const char *text, size_t len); /* '%50\%%' */
void soql_like(struct buf *out, const char *text, size_t len);     /* '50\%' */
/* Without quotes around; `like`: % and _ stand for themselves. */
void soql_escape(struct buf *out, const char *text, size_t len, bool like);
/* A literal of the field's type. False (nothing appended) when the value can
 * never be a value of that type, so that no record can hold it. */
bool soql_literal(struct buf *out, struct arena *arena, const struct crm_field *field,
                  struct value value);
/* Text that compares equal exactly when Salesforce says the values are equal. */
const char *soql_comparable(struct arena *arena, const struct crm_field *field, struct value value);
/* A user's condition may stand in brackets: quotes end, no bracket closes ours. */
enum status soql_condition(const char *condition, struct err *err);
void soql_when(struct buf *out, int64_t ms);
/* An API name or a dotted path of them: may stand in a query unquoted. */
enum status soql_name(const char *name, struct err *err);

/* --------------------------------------------------------------- query.c */

struct sf_query {
    const char *soql;
    bool all_rows;
    const char *locator; /* instead of soql: the next page */
};
struct sf_rows {
    const struct json *records; /* the array */
    const char *locator;        /* of the next page, or NULL at the end */
    int64_t total;
};
enum status sf_query(struct sf *sf, const struct sf_query *query, const char *object,
                     struct arena *arena, struct sf_rows *rows, struct err *err);
/* Up to SF_PARTS_PER_CALL queries in one API call. */
#define SF_READS_AT_ONCE 4 /* calls of one look-up that are under way together */
/* Several such calls under way together: rows of queries[i] to rows[i], and had[i] tells whether
 * they came at once; what did not is left to sf_query_many. */
enum status sf_query_ahead(struct sf *sf, const struct sf_query *queries, size_t count,
                           const char *object, struct arena *arena, struct sf_rows *rows,
                           bool *had, struct err *err);
enum status sf_query_many(struct sf *sf, const struct sf_query *queries, size_t count,
                          const char *object, struct arena *arena, struct sf_rows *rows,
                          struct err *err);
/* The parts of a parsed query result. */
enum status sf_rows_take(const struct json *body, struct arena *arena, struct sf_rows *rows,
                         struct err *err);
bool sf_locator_lost(const struct err *err); /* the cursor is gone: ask again */
enum status sf_count(struct crm_session *session, const char *object, const char *where,
                     int64_t *out, struct err *err);

/* --------------------------------------------------------------- ahead.c */

struct sf_ahead;
struct sf_ahead *sf_ahead_new(struct sf *sf); /* NULL: do without */
void sf_ahead_start(struct sf_ahead *ahead, struct sf *sf, const char *locator);
/* Waits for the page, which is lent until the start after the next. False when it did
 * not come well: ask in the usual way. */
bool sf_ahead_take(struct sf_ahead *ahead, struct sf *sf, struct sf_rows *rows);
void sf_ahead_free(struct sf_ahead *ahead, struct sf *sf); /* waits; NULL is fine */

/* ------------------------------------------------------------ describe.c */

enum status sf_objects(struct crm_session *session, const char *const **names, size_t *count,
                       struct err *err);
const struct crm_object *sf_describe(struct crm_session *session, const char *object,
                                     struct err *err);
/* The field at the end of a path ("Owner.Name"), NULL with *err when there is none. */
const struct crm_field *sf_field_at(struct sf *sf, const struct crm_object *object,
                                    const char *path, struct err *err);
/* Sets *err: no such field, the nearest name, the permission that would show it. */
void sf_field_missing(struct sf *sf, const struct crm_object *object, const char *name,
                      struct err *err);
const char *sf_object_of_prefix(struct sf *sf, const char *id); /* NULL when unknown */

/* ------------------------------------------------- read.c lookup.c write.c */

struct crm_reader *sf_read_open(struct crm_session *session, const struct crm_read *read,
                                struct err *err);
enum status sf_read_next(struct crm_reader *reader, struct arena *arena, struct crm_page *page,
                         struct err *err);
void sf_read_close(struct crm_reader *reader);

enum status sf_lookup(struct crm_session *session, const struct crm_lookup *lookup,
                      struct arena *arena, struct crm_match **results, struct err *err);

/* select.c */
const char *sf_query_text(struct arena *arena, const struct crm_query_piece *pieces,
                          struct err *err);
enum status sf_select(struct crm_session *session, const char *const *soqls, size_t count,
                      size_t most, struct arena *arena, struct crm_match **results,
                      struct err *errs, struct err *err);

void sf_write(struct crm_session *session, const struct crm_write *writes, size_t count,
              const struct crm_write_options *options, struct arena *arena,
              struct crm_outcome *outcomes);
void sf_write_many(struct crm_session *session, struct crm_exchange *list, size_t count,
                   const struct crm_watch *watch);
size_t sf_write_cost(enum op_kind kind, size_t count);

/* ------------------------------------------------------------ classify.c */

/* What one answer (or its lack) means for the rows of one collection. */
struct sf_exchange {
    const struct crm_write *writes;
    struct crm_outcome *outcomes;
    size_t count;
    bool resend_harmless;
    const struct http_response *http; /* the exchange as a whole */
    const char *user;                 /* the connected one, for explanations */
    const char *http_error;           /* code of err when it failed, else NULL */
    int status;                       /* of this collection: the composite's own or the inner one */
    const struct json *body;          /* of this collection; NULL = unreadable */
};
/* Of one write that was a request of its own: `body` is its answer. */
void sf_classify_alone(const struct sf_exchange *exchange, struct arena *arena);
void sf_classify(const struct sf_exchange *exchange, struct arena *arena);
const char *sf_progress_name(enum http_progress progress);
/* Of a row that a Bulk job names among its failed ones: it was not executed. Texts are lent. */
void sf_classify_failed(const struct crm_write *write, const char *user, const char *code,
                        const char *message, const char *fields, struct arena *arena,
                        struct crm_outcome *outcome);

/* --------------------------------------------------------------- check.c */

enum crm_check sf_check(struct crm_session *session, const struct crm_object *object,
                        const struct crm_field *field, enum op_kind kind, struct value value,
                        struct arena *arena, const char **out, struct err *err);
/* check_choice.c, check_number.c, check_time.c: one value of one family. `text`
 * is trimmed and not blank. REFUSED says so through sf_refuse. */
struct sf_checking {
    struct sf *sf;
    const struct crm_object *object;
    const struct crm_field *field;
    struct arena *arena;
    const char *text;
    size_t len;
    struct err *err;
};
enum crm_check sf_refuse(const struct sf_checking *c, const char *code, const char *why,
                         const char *hint) __attribute__((nonnull(1, 2, 3)));
enum crm_check sf_check_choice(const struct sf_checking *c, const char **out);
enum crm_check sf_check_choices(const struct sf_checking *c, const char **out);
enum crm_check sf_check_number(const struct sf_checking *c, const char **out);
enum crm_check sf_check_boolean(const struct sf_checking *c, const char **out);
enum crm_check sf_check_date(const struct sf_checking *c, const char **out);
enum crm_check sf_check_datetime(const struct sf_checking *c, const char **out);
enum crm_check sf_check_time(const struct sf_checking *c, const char **out);
enum crm_check sf_check_id(const struct sf_checking *c, const char **out);
const char *sf_json_text(struct arena *arena, const char *text, size_t len);

/* ------------------------------------------------------------- explain.c */

/* What a Salesforce error code means: for the journal and for people. */
struct sf_code {
    const char *code;
    enum crm_class class; /* of a write that was answered with it */
    const char *cause;    /* {object}, {field}, {user} are filled in */
    const char *hint;
};
const struct sf_code *sf_code_find(const char *code); /* NULL = not in the table */
size_t sf_code_count(void);
const struct sf_code *sf_code_at(size_t index);

/* Adds cause and hint for a code; text in Salesforce's message names the field. */
void sf_explain(struct err *err, const char *code, const char *message, const char *object,
                const char *user);
/* The same for errors of the sign-in endpoints: code and description. */
void sf_explain_oauth(struct err *err, const char *code, const char *description);
size_t sf_oauth_count(void);
const char *sf_oauth_code_at(size_t index);

/* event_read.c: "/data/AccountChangeEvent" for an object; the events among a CometD answer's
 * messages, in their order. Topics move on to the last event of theirs. */
struct crm_topic;
struct crm_event;
const char *sf_event_channel(struct arena *arena, const char *object);
void sf_events_read(const struct json *messages, struct crm_topic *topics, size_t topic_count,
                    struct arena *arena, struct crm_event **out, size_t *count);

#endif
