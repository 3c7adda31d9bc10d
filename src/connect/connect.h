/* connect.h - what the engine knows of a remote CRM.
 *
 * A connector is one const struct of functions; salesforce_connector is the
 * first. The engine never asks which. Calls block; each is one or more HTTP
 * exchanges, counted in session->calls. Results live on the given arena.
 * Errors carry the remote's own code in err.code ("sf.INVALID_FIELD"), its
 * words in message, what that means in cause, what to do in hint. */
#ifndef ARGIL_CONNECT_CONNECT_H
#define ARGIL_CONNECT_CONNECT_H

#include "base/json.h"
#include "base/secret.h"
#include "base/world.h"
#include "model/model.h"

#define ERR_CRM_RECONNECT                                                                          \
    "connect.reconnect_needed"              /* the grant is gone: a person must sign in            \
                                             */
#define ERR_CRM_LIMIT       "connect.limit" /* daily or concurrent limit: pause, not failure */
#define ERR_CRM_UNREACHABLE "connect.unreachable" /* network, 5xx, maintenance page */
#define ERR_CRM_NOT_ADMITTED                                                                       \
    "connect.not_admitted" /* the whole connection is refused, not this request: queued work waits \
                              for a person (API switched off, session not fit for the API) */
#define ERR_CRM_WRONG_ORG   "connect.wrong_org"
#define ERR_CRM_REFUSED     "connect.refused" /* anything else the remote refused */
#define ERR_CRM_PLACE_LOST  "connect.place_lost" /* read.place is gone: read from the start */
#define ERR_CRM_SHORT       "connect.short" /* a result that is not whole, again and again */

/* ------------------------------------------------------------ describe */

struct crm_choice {
    const char *value, *label;
    bool active;
    const char *valid_for; /* of a dependent picklist: base64 bits, one a value of the controlling
                              field, first bit first; NULL = valid for all */
};

struct crm_field {
    const char *name, *label, *type; /* Salesforce type names: "string", "picklist", ... */
    int length, precision, scale, digits;
    bool createable, updateable, nillable, defaulted_on_create, unique, external_id, id_lookup,
        case_sensitive, restricted_picklist, filterable, sortable, calculated, custom, name_field,
        permissionable,  /* field-level security applies: a permission set may name it */
        master_detail;   /* its parent must be readable, too */
    const char *controller; /* the field a dependent picklist depends on; NULL = on none */
    const char *compound; /* "BillingAddress" for BillingCity; NULL = part of nothing */
    struct crm_choice *choices;
    size_t choice_count;
    const char **reference_to;
    size_t reference_count;
    const char *relationship_name; /* "Owner", or NULL */
};

struct crm_object {
    const char *name, *label, *key_prefix;
    bool queryable, createable, updateable, deletable, custom;
    bool ticketed; /* new records may go as a job whose results are proof (connect_bulk.h) */
    struct crm_field *fields;
    size_t field_count;
    struct crm_record_type {
        const char *id, *name, *developer_name;
        bool available, active; /* to this user; at all */
    } *record_types;
    size_t record_type_count;
};
const struct crm_field *crm_object_field(const struct crm_object *object,
                                         const char *name); /* nocase */
/* From describe JSON in Salesforce's shape; NULL when it has no name or no fields. */
struct crm_object *crm_object_parse(struct arena *arena, const struct json *describe);

/* ---------------------------------------------------------------- read */

/* How records travel. AUTO weighs calls and size; a read that cannot go in bulk
 * (compound fields, an object or a condition the bulk interface refuses) goes by pages. */
enum crm_transport { CRM_TRANSPORT_AUTO, CRM_TRANSPORT_PAGES, CRM_TRANSPORT_BULK };

struct crm_read {
    const char *object;
    const char *const
        *fields; /* paths: "Name", "Owner.Name"; Id and SystemModstamp are always read too */
    size_t field_count;
    const char *where;       /* SOQL condition of the user, or NULL */
    const char *since_stamp; /* keyset: rows after (stamp, id); NULL = from the start */
    const char *since_id;
    int64_t until_ms;  /* SystemModstamp < this; 0 = no bound */
    bool all_rows;     /* deleted rows too (queryAll) */
    bool deleted_only; /* IsDeleted = true, with all_rows */
    bool by_stamp;     /* ORDER BY SystemModstamp, Id (incremental); else ORDER BY Id */
    int64_t expected;  /* how many records a count query said; 0 = not known */
    enum crm_transport transport;
    const char *place; /* page->place of an earlier reader of the very same read: goes on behind
                          that page; ERR_CRM_PLACE_LOST when the remote no longer has it */
};

struct crm_record {
    const char *id;    /* 18 characters */
    const char *stamp; /* SystemModstamp as printed, or NULL */
    bool deleted;
    const char *master_id; /* MasterRecordId of a merged record when read, else NULL */
    struct value *values;  /* field_count of them; compound values as JSON text */
};

/* Records live on the arena given to read_next, or with the reader until the next
 * read_next or read_close. A page may be empty and not the last: the remote is still
 * preparing its answer, ask again. */
struct crm_page {
    struct crm_record *records;
    size_t count;
    int64_t total; /* records in all, as the remote said when it first could, else -1 */
    bool last;
    int64_t missing; /* with last: records the remote announced and did not give (or gave too
                        many: below 0). Deleted meanwhile, or lost: compare before believing */
    /* Where a reader would go on behind this page; to be stored with it. NULL: behind
     * the stamp and id of its last record. Records of a place come in any order. */
    const char *place;
};

/* -------------------------------------------------------------- lookup */

/* What of a text says whether two are the same (base/normal.h): both sides are
 * brought to it before they are compared. */
enum crm_normal { CRM_AS_IS, CRM_DOMAIN, CRM_PHONE, CRM_EMAIL };
/* NULL when the text is none of that kind; CRM_AS_IS gives the trimmed text. */
char *crm_normalise(struct arena *arena, enum crm_normal normal, struct value value);

struct crm_lookup {
    const char *object;
    const char *const *match_fields; /* all must match */
    size_t match_count;
    const char *const *return_fields;
    size_t return_count;
    const struct value *keys; /* row_count x match_count; a null or blank key never matches */
    size_t row_count;
    const enum crm_normal *normals; /* match_count of them; NULL = all CRM_AS_IS */
    bool contains;         /* LIKE %key% instead of = */
    bool all_rows;         /* deleted records too: for reconciliation */
    const char *and_where; /* further SOQL condition, or NULL */
};

struct crm_match {
    const char *id;
    const char *record; /* JSON object: Id and the return fields (and IsDeleted when all_rows) */
    bool deleted;
    struct crm_match *next;
};
/* results[i] = the list of matches of row i, oldest first; NULL = none. */

/* A query of the user's own, in pieces: query text, and values to be put into it. */
struct crm_query_piece {
    const char *text;        /* query text; NULL = a value */
    struct value value;
    enum value_type type;    /* decides how the value is spelled outside quotes */
    struct crm_query_piece *next;
};

/* --------------------------------------------------------------- write */

enum crm_class {
    CRM_EXECUTED,     /* id is set unless the answer was cut */
    CRM_NOT_EXECUTED, /* proved: may be sent again (reliability B.7) */
    CRM_REJECTED,     /* refused: a person must act */
    CRM_UNKNOWN,      /* may have been executed */
    CRM_EXISTS,       /* DUPLICATE_VALUE on our own key field: an earlier attempt or a rival won */
    CRM_SEVERAL,      /* the key matches several records: stop the column */
    CRM_CHANGED,      /* not executed: the record was changed since unmodified_since */
    CRM_PAUSE         /* limit reached or the grant is gone, not executed: pause the connection;
                         outcome.code says which (REQUEST_LIMIT_EXCEEDED, ERR_CRM_RECONNECT, ...) */
};

const char *crm_class_name(enum crm_class class); /* "executed", "not_executed", ... */
bool crm_class_parse(const char *name, enum crm_class *out);

struct crm_write {
    enum op_kind kind;
    const char *object;
    const char *id;        /* OP_UPDATE */
    const char *key_field; /* OP_UPSERT; OP_CREATE: our key field, to tell CRM_EXISTS */
    const char *key_value;
    const char *payload; /* JSON object of fields, exact bytes */
    const char *unmodified_since; /* SystemModstamp: not if the record was changed after it. Only
                                     with options.alone; to the second, and rounded up */
};

struct crm_outcome {
    enum crm_class class;
    const char *id; /* 18 characters */
    bool created;
    const char *code; /* remote error code, e.g. "REQUIRED_FIELD_MISSING" */
    const char *message;
    const char *fields;   /* comma separated, or NULL */
    const char *made;     /* OP_CONVERT: JSON object of what the lead became (contactId, accountId,
                             opportunityId), or NULL */
    const char *other_id; /* the record that DUPLICATE_VALUE or a duplicate rule names */
    const char *evidence; /* JSON: http status, progress, codes; never a token */
    const char *cause;    /* what the code means; NULL when nothing is known of it */
    const char *hint;     /* who must do what; may be NULL */
    bool whole;           /* the exchange was refused as a whole: a smaller one may pass */
    bool busy;            /* the remote wants fewer exchanges at once: locks, too many requests */
};

struct crm_write_options {
    bool duplicate_override; /* Sforce-Duplicate-Rule-Header: allowSave=true */
    bool resend_harmless;    /* sealed, keyed and updates: the connection may be reused */
    bool alone;           /* each write is a request of its own inside the exchange, CRM_ALONE_MOST
                             of them at most: the answers say more, conditions can be set */
    int64_t timeout_ms;
    const char *auto_assign; /* assignment rules: "TRUE", "FALSE", a rule's id; NULL = TRUE for
                                creates only */
};

#define CRM_ALONE_MOST 25
#define CRM_CONVERT_MOST 100 /* leads of one exchange */

/* Several exchanges under way at once. */
struct crm_exchange {
    const struct crm_write *writes; /* of one kind and object, write_batch of them at most */
    size_t count;
    struct crm_write_options options;
    struct arena *arena;
    struct crm_outcome *outcomes; /* one for each write */
};
struct crm_watch {
    void *ctx;
    /* Exchange i is about to leave: what must be on disk before its first byte is put there now;
     * its writes and count may still change. False = it is not sent, and gets no outcomes. */
    bool (*leaving)(void *ctx, size_t i);
    /* Its outcomes are set (not called for what was turned away). */
    void (*landed)(void *ctx, size_t i);
    size_t (*parallel)(void *ctx); /* how many may be under way now */
};

/* One value checked against describe before anything is sent. */
enum crm_check { CRM_CHECK_OK, CRM_CHECK_REPAIRED, CRM_CHECK_REFUSED };

/* -------------------------------------------------- what may be done here */

/* One object as this user may use it. */
struct crm_access {
    const char *name, *label;
    bool queryable, createable, updateable, deletable, custom;
};

/* Who the connection is, as far as the org tells. Texts may be NULL: not told. */
struct crm_identity {
    const char *username, *display_name, *email, *profile, *licence, *org_id, *org_name, *edition;
    const char *const *permission_sets;
    size_t permission_set_count;
    bool permission_sets_known, sandbox, active, integration_user, app_installed;
    const char *scopes_asked, *scopes_missing; /* missing: NULL = none */
};

/* What the tables of a workspace need of an object. */
struct crm_need {
    const char *object;
    bool create, update, remove;
    struct crm_need_field {
        const char *name;
        bool edit;
        const char *because; /* "leads", the table or its column */
    } *fields;
    size_t field_count;
};

/* One step of a diagnosis. */
enum crm_verdict { CRM_PASS, CRM_WARN, CRM_FAILED, CRM_UNSURE };
const char *crm_verdict_name(enum crm_verdict verdict); /* "pass", "warning", "fail", "unknown" */
struct crm_finding {
    const char *check; /* "network", "token", ... */
    enum crm_verdict verdict;
    const char *evidence; /* what was seen */
    const char *cause, *fix, *who; /* NULL where there is nothing to do */
};
struct crm_findings {
    struct crm_finding *items;
    size_t count;
};

/* ---------------------------------------------------------------- a key field */

/* What became of (or would be done for) an object's key field of ours. Texts on the arena. */
struct crm_seal {
    const char *object, *field; /* "Lead", "Argil_Key__c" */
    bool there;                 /* it is there and usable already: nothing to do */
    const char *steps[8];       /* what was done, or with dry_run would be, in order */
    size_t step_count;
    const char *clicks[8];      /* what a person must do instead, click by click; none = all is done */
    size_t click_count;
    const char *why;            /* of the clicks: what the org refused */
};

/* ------------------------------------------------------------- session */

/* Tokens come from and go to the vault: `save` must be durable when it returns. */
/* How a new access token is had. Only the first two need a refresh token. Stored
 * as a number with the sealed tokens: add at the end, never renumber. */
enum crm_grant {
    CRM_GRANT_CODE,               /* browser sign-in */
    CRM_GRANT_REFRESH,            /* a refresh token that somebody already has */
    CRM_GRANT_CLIENT_CREDENTIALS, /* key and secret, runs as the app's own user */
    CRM_GRANT_JWT                 /* an assertion signed with a private key */
};
const char *crm_grant_name(enum crm_grant grant); /* "browser sign-in", ... */

struct crm_tokens {
    struct secret access, refresh, client_secret;
    enum crm_grant grant;
    struct secret private_key; /* CRM_GRANT_JWT: PEM */
    const char *instance_url;  /* lent to save; on the arena from load */
    /* A renewal with this refresh token began and its outcome is not known: the
     * token may be used up. 0 = none. */
    int64_t renewing_ms;
    bool rotates; /* a renewal has replaced the refresh token before */
};
void crm_tokens_wipe(struct crm_tokens *tokens);
void crm_tokens_copy(struct crm_tokens *to, const struct crm_tokens *from); /* instance_url: lent */
/* True when new access tokens need no refresh token: key and secret, or an
 * assertion, make them, and nothing is used up. */
bool crm_grant_mints(enum crm_grant grant);

struct crm_token_store {
    void *ctx;
    enum status (*load)(void *ctx, struct arena *arena, struct crm_tokens *out, struct err *err);
    enum status (*save)(void *ctx, const struct crm_tokens *tokens, struct err *err);
    /* Either may be NULL. Held around a renewal, so that of several threads and processes one
     * asks: with rotating tokens a second request with the old one ends the whole grant.
     * lock waits; FAIL (ERR_CRM_UNREACHABLE) when the holder does not come to an end. */
    enum status (*lock)(void *ctx, struct err *err);
    void (*unlock)(void *ctx);
    /* Asked before each request that may change the remote: FAIL = what is sent could not be
     * remembered, so it is not. May be NULL. Does not block. */
    enum status (*may_send)(void *ctx, struct err *err);
    /* The grant is gone for good: a person must connect again. May be NULL. */
    void (*gone)(void *ctx, const struct err *why);
};

/* What a remote said of its objects, kept between sessions and processes by whoever
 * opens them ("Lead"; "" = the list of all objects): a text, and the moment of its
 * last change as the remote printed it. Failing to keep is no failure. */
struct crm_kept {
    void *ctx;
    /* *text is NULL when nothing is kept; on the arena. */
    void (*get)(void *ctx, struct arena *arena, const char *name, const char **text,
                const char **modified, int64_t *kept_ms);
    void (*put)(void *ctx, const char *name, const char *text, const char *modified);
};

struct crm_session {
    const struct connector *does;
    const struct crm_kept *kept;   /* set by whoever opened it, lent until close; may be NULL */
    uint64_t calls;                /* API calls this session used (counted ones) */
    uint64_t calls_one_each;       /* what one call a record would have used */
    int64_t limit_used, limit_max; /* from Sforce-Limit-Info; -1 = not seen */
    int64_t server_date_ms;        /* Date header of the last answer; 0 = none */
};

/* A sign-in, however it is done. By browser: begin gives the URL to open, finish
 * takes what came back. The environment is part of the wish: the org must say that
 * it is a sandbox when one was asked for, and that it is none otherwise
 * ("connect.wrong_environment"). */
struct crm_signin {
    const char *login_url, *client_id, *redirect_uri;
    bool sandbox;                /* Test Env */
    const char *insecure_host;   /* the loopback host that login_url may name (a localorg); NULL: only
                                    hosts of the remote's own */
    struct secret client_secret; /* may be unset (public client) */
    const char *url;             /* out of begin */
    const char *state;           /* out of begin: compare in constant time */
    const char *nonce;           /* out of begin: the answer must carry it */
    struct secret verifier;      /* PKCE */
    /* For signin_machine only: */
    enum crm_grant grant;
    const char *username;       /* CRM_GRANT_JWT: whom the app acts as */
    struct secret private_key;  /* CRM_GRANT_JWT: PEM */
    struct secret refresh;      /* CRM_GRANT_REFRESH */
    const char *prompt;          /* NULL; "login" = another user, "consent" = a new refresh token */
};

struct crm_views;  /* connect_views.h */
struct crm_events; /* connect_events.h */
struct crm_bulk;   /* connect_bulk.h */

struct connector {
    const char *name;
    const struct crm_views *views; /* list views, reports, queries; NULL = it has none */
    const struct crm_events *events; /* changes as they happen; NULL = it cannot tell */
    const struct crm_bulk *bulk; /* many writes as one job; NULL = it has none */

    enum status (*signin_begin)(struct world *world, struct arena *arena, struct crm_signin *signin,
                                struct err *err);
    /* Exchanges the code, reads the identity; fills *connection and *tokens. */
    enum status (*signin_finish)(struct world *world, struct arena *arena,
                                 const struct crm_signin *signin, const char *code,
                                 struct connection *connection, struct crm_tokens *tokens,
                                 struct err *err);
    /* For scripts: an access token that is already there; login_url is the instance. */
    enum status (*signin_token)(struct world *world, struct arena *arena,
                                const struct crm_signin *signin, const struct secret *access_token,
                                struct connection *connection, struct crm_tokens *tokens,
                                struct err *err);
    /* Without a browser: client credentials, JWT bearer, a refresh token in hand. */
    enum status (*signin_machine)(struct world *world, struct arena *arena,
                                  const struct crm_signin *signin, struct connection *connection,
                                  struct crm_tokens *tokens, struct err *err);
    /* The scopes a way in asks for; and which of them were not granted, NULL = none. */
    const char *(*signin_scopes)(enum crm_grant grant);
    const char *(*signin_missing)(struct arena *arena, enum crm_grant grant, const char *granted);
    /* Cause and hint for an error that the sign-in page sent back. */
    void (*signin_explain)(struct err *err, const char *code, const char *description);
    enum status (*revoke)(struct world *world, const struct connection *connection,
                          const struct crm_tokens *tokens, struct err *err);

    struct crm_session *(*open)(struct world *world, const struct connection *connection,
                                const struct crm_token_store *tokens, struct err *err);
    void (*close)(struct crm_session *session); /* NULL is fine */

    /* Names of all objects the user can see; lent until close. */
    enum status (*objects)(struct crm_session *session, const char *const **names, size_t *count,
                           struct err *err);
    /* Cached in the session; lent until close. ERR_NOT_FOUND with a hint naming the nearest. */
    const struct crm_object *(*describe)(struct crm_session *session, const char *object,
                                         struct err *err);

    /* Every object with what this user may do; on `arena`. */
    enum status (*access)(struct crm_session *session, struct arena *arena,
                          struct crm_access **list, size_t *count, struct err *err);
    enum status (*identity)(struct crm_session *session, struct arena *arena,
                            struct crm_identity *out, struct err *err);

    /* May this user do what the tables need? Appends a finding for each lack. */
    void (*check_needs)(struct crm_session *session, struct arena *arena,
                        const struct crm_need *needs, size_t count, struct crm_findings *out);

    /* Makes a unique External ID field that takes our keys, and the permission to write it, unless
     * both are there. What the user may not do becomes clicks for a person and is no failure.
     * dry_run: only looks. NULL = this remote has no such fields. */
    enum status (*seal)(struct crm_session *session, struct arena *arena, const char *object,
                        bool dry_run, struct crm_seal *out, struct err *err);

    /* Runs every check it can, cheapest first. With tokens NULL only the address
     * is looked at (connection->login_url). Never fails: findings say it all. */
    void (*doctor)(struct world *world, struct arena *arena, const struct connection *connection,
                   const struct crm_token_store *tokens, const struct crm_need *needs,
                   size_t need_count, struct crm_findings *out);
    /* Explains a pasted error, code or address of an error page: causes, most
     * likely first. count 0 = not known. */
    void (*doctor_text)(struct arena *arena, const char *text, struct crm_findings *out);

    /* A reader pages by keyset on its own, so that a lost cursor costs one page, or
     * has the remote prepare a bulk result and streams that. Closing it while the
     * remote still prepares tells the remote to stop. */
    struct crm_reader *(*read_open)(struct crm_session *session, const struct crm_read *read,
                                    struct err *err);
    enum status (*read_next)(struct crm_reader *reader, struct arena *arena, struct crm_page *page,
                             struct err *err);
    void (*read_close)(struct crm_reader *reader);
    enum status (*count)(struct crm_session *session, const char *object, const char *where,
                         int64_t *out, struct err *err);

    enum status (*lookup)(struct crm_session *session, const struct crm_lookup *lookup,
                          struct arena *arena, struct crm_match **results, struct err *err);

    /* The query's text with its values quoted and escaped; NULL with *err set when a value
     * cannot stand there. */
    const char *(*query_text)(struct arena *arena, const struct crm_query_piece *pieces,
                              struct err *err);
    /* One query a row (NULL = none), several in one call; at most `most` records each, in the query's own
     * order. A query that is refused has its errs[i] set (code "" otherwise); FAIL when the
     * remote cannot be asked at all. */
    enum status (*select)(struct crm_session *session, const char *const *queries, size_t count,
                          size_t most, struct arena *arena, struct crm_match **results,
                          struct err *errs, struct err *err);

    /* Checks and repairs one field value for a write; *out is JSON text to put
     * in the payload. CRM_CHECK_REFUSED sets *err (code "refused.too_long" ...). */
    enum crm_check (*check)(struct crm_session *session, const struct crm_object *object,
                            const struct crm_field *field, enum op_kind kind, struct value value,
                            struct arena *arena, const char **out, struct err *err);

    /* One HTTP exchange for up to write_batch writes of one kind and object;
     * every write gets an outcome, also when the exchange failed. */
    size_t write_batch; /* 1,000: five collections of 200 in one composite call */
    void (*write)(struct crm_session *session, const struct crm_write *writes, size_t count,
                  const struct crm_write_options *options, struct arena *arena,
                  struct crm_outcome *outcomes);
    /* Sends exchanges in their order, several at once; each is one request on the wire. */
    void (*write_many)(struct crm_session *session, struct crm_exchange *list, size_t count,
                       const struct crm_watch *watch);
    /* What one exchange would cost in API calls. */
    size_t (*write_cost)(enum op_kind kind, size_t count);
};

extern const struct connector salesforce_connector;

#endif
