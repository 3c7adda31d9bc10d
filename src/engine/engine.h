/* engine.h - the doors of the engine, as the CLI (and later the API) sees them.
 *
 * An engine binds a store, a vault, connectors and the formula process. Every
 * call here blocks until its work is done or stopped; progress comes through a
 * callback. Reports are plain counts that the caller may print or store. */
#ifndef ARGIL_ENGINE_ENGINE_H
#define ARGIL_ENGINE_ENGINE_H

#include "base/vec.h"
#include "connect/connect.h"
#include "formula/formula.h"
#include "http/client.h"
#include "store/store.h"
#include "vault/vault.h"

#include <stdatomic.h>
#include <sys/types.h>

typedef VEC(struct err) err_list;

#define ERR_RECIPE "recipe.refused"         /* the list of errors says why */
#define ERR_APPROVAL "run.approval_needed"  /* the first write of a column wants --yes */
#define ERR_STOPPED "run.stopped"           /* a signal asked us to stop; all is stored */

struct progress {
    void *ctx;
    /* done of total (0 = unknown), what is happening ("importing Account"), API calls so far */
    void (*tick)(void *ctx, const char *what, int64_t done, int64_t total, uint64_t calls);
};

struct engine {
    struct world *world;
    struct store *store;
    struct vault *vault;
    struct http_client *http; /* for HTTP API columns */
    struct formula_engine *formula;
    const struct connector *const *connectors;
    size_t connector_count;
    struct progress progress;
    atomic_bool *stop;         /* set by a signal; checked between batches */
    const char *actor;         /* who asks, for runs and the audit; NULL = "cli" */
    int64_t queued_run;        /* the next sync or run takes over this queued one; 0 = begins its own */
    bool beside_others;        /* other engines of this process work meanwhile: a run settles the
                                  open operations of its own table only, so that an org that
                                  hangs holds up no other */
    /* Other processes work on the same store: a long run is cut into parts for all of them
     * (run_parts.c), and a connection bears so many exchanges of all together; 0 = alone. */
    int64_t calls_at_once;
    const char *data;          /* data directory, for uploads and the switch of levers.h; NULL =
                                  neither */
    bool local_files;          /* recipes may name files of this machine (who runs argil here) */
    bool allow_private_http;   /* HTTP API columns may call private addresses (demo, tests) */
    int64_t settle_ms;         /* W of reliability B.6; 0 = ARGIL_SETTLE_MS, else 15 minutes */
    /* Crash points (reliability B.8): called with "K2", "K4", ... before and after
     * every durable step. NULL in production; ARGIL_CRASH_AT=K4:2 kills the process
     * at the second K4 whatever this is. */
    void (*crash)(void *ctx, const char *point);
    void *crash_ctx;
    struct token_keeper *keepers; /* private to tokens.c: what open sessions hold on to */
};
/* Frees what the calls below left in the engine. Close the sessions first. */
void engine_release(struct engine *engine);

/* A session on a named connection, tokens from the vault and back to it. */
struct crm_session *engine_session(struct engine *engine, const char *connection, struct err *err);
/* Fills what a wish to sign in leaves open from the connection of that name, so
 * that reconnecting needs no words: address, app, environment, way, secrets. *known
 * says whether there is one. Texts on `arena`; wipe the wish's secrets. */
enum status engine_signin_recall(struct engine *engine, struct arena *arena, const char *name,
                                 struct crm_signin *wish, bool *known, struct err *err);
/* A sign-in by another user of the same org: what the tables need and this one
 * lacks. user_was NULL = a new connection or the same user: nothing changes. */
struct user_change {
    const char *user_was;
    struct crm_findings lacks;
};
enum status engine_user_change(struct engine *engine, struct arena *arena,
                               const struct connection *connection, const struct crm_tokens *tokens,
                               struct user_change *out, struct err *err);
/* Stores the connection and its sealed tokens (connect, reconnect); a browser's
 * grant that takes the place of another ends that one at the remote, and one that
 * is refused here is given back. ERR_CRM_WRONG_ORG: the name belongs to another. */
enum status engine_connect(struct engine *engine, struct connection *connection,
                           const struct crm_tokens *tokens, struct err *err);
/* Revokes the grant at the remote, then forgets it. ERR_CONFLICT while operations are
 * open: *open gets one error for each of the first hundred. */
enum status engine_disconnect(struct engine *engine, const char *name, err_list *open,
                              struct err *err);
/* Gives a grant back that nobody will use; never fails loudly. */
void engine_give_back(struct engine *engine, const struct connection *connection,
                      const struct crm_tokens *tokens);
enum status engine_secret_put(struct engine *engine, const char *name, const struct secret *value, struct err *err);

/* What the tables need of the org behind a connection: objects, fields, edits.
 * names NULL = every table; connection NULL = the one they share (ERR_CONFLICT
 * when they use several). *connection is set to its name. `ask`: the org resolves
 * paths and conditions; else names are as the tables have them. On `arena`. */
enum status engine_needs(struct engine *engine, struct arena *arena, const char *const *names,
                         size_t count, bool ask, const char **connection, struct crm_need **needs,
                         size_t *need_count, struct err *err);
/* A permission set (metadata XML) that allows exactly these; on `arena`. */
const char *permset_xml(struct arena *arena, const char *label, const char *description,
                        struct crm_session *session, const struct crm_need *needs, size_t count);

/* Gives an object our key field and the permission for it (connect.h, struct crm_seal); dry_run:
 * only says what it would do. *sealed: creates on it are sealed now. On `arena`. */
enum status engine_seal_object(struct engine *engine, struct arena *arena, const char *connection,
                               const char *object, bool dry_run, struct crm_seal *out,
                               bool *sealed, struct err *err);

/* Every check the connector can run on a connection (needs of its tables included). */
enum status engine_doctor(struct engine *engine, struct arena *arena, const char *connection,
                          struct crm_findings *out, struct err *err);

/* Seals everything stored under a new key; *count = how many texts. */
enum status engine_rotate(struct engine *engine, size_t *count, struct err *err);

/* ------------------------------------------------------------- recipes */

/* What applying would change, one line each ("+ column Domain (formula)"). */
struct apply_plan {
    VEC(char *) lines;
    bool creates, changes; /* neither: nothing to do */
    char *table_name;
};
void apply_plan_free(struct apply_plan *plan);

/* Reads, checks against the live org and, unless dry_run, applies a recipe as a
 * whole. FAIL with ERR_RECIPE: *errors has every error with file:line:column,
 * what was expected and the nearest right name; nothing was changed. */
enum status recipe_apply(struct engine *engine, const char *path, bool dry_run,
                         struct apply_plan *plan, err_list *errors, struct err *err);
/* The same for a text that is no file; `name` stands for the file in errors. */
enum status recipe_apply_text(struct engine *engine, const char *name, const char *text,
                              bool dry_run, struct apply_plan *plan, err_list *errors,
                              struct err *err);
/* What a table was (store_versions.h), checked against the org and applied as any recipe: that
 * is a version, too. Values stay; a column that comes back has those it had. */
enum status recipe_restore(struct engine *engine, const char *table, int64_t number, bool dry_run,
                           struct apply_plan *plan, err_list *errors, struct err *err);

/* ---------------------------------------------------------------- sync */

struct sync_report {
    int64_t run_id;
    bool full, complete;
    int64_t rows_read, remote_count; /* what the count query said; -1 = not asked */
    struct import_counts counts;
    int64_t refused; /* rows, or parts of rows, that could not be taken: store_sources.h, rejects */
    int64_t rows_now;
    uint64_t calls, calls_one_each;
    int64_t as_of_ms, took_ms;
    char statement[4096]; /* a line a source */
};
/* Brings a table up to date from all its sources, or from the named one. A source
 * that fails does not hold back the others; *err is the first one's. */
enum status sync_table(struct engine *engine, const char *table, bool full,
                       struct sync_report *report, struct err *err);
enum status sync_source(struct engine *engine, const char *table, const char *source, bool full,
                        struct sync_report *report, struct err *err);

/* Takes a file for a CSV source (source NULL: the only one that has no `file`), keeps it
 * durably, then reads it as sync_source does; report NULL: leaves that to the next sync. */
struct upload {
    const char *name; /* what people call it, for statements */
    /* Bytes read, 0 at the end, -1 with *err set. */
    ssize_t (*read)(void *ctx, char *bytes, size_t room, struct err *err);
    void *ctx;
};
enum status source_upload(struct engine *engine, const char *table, const char *source,
                          const struct upload *upload, struct sync_report *report, struct err *err);

/* ------------------------------------------------------------- webhooks */

#define ERR_WEBHOOK_KEY "webhook.key"       /* no such webhook, or not its key: which is not told */
#define ERR_WEBHOOK_RATE "webhook.rate"     /* more than its rate: receipt->retry_after_ms */
#define ERR_WEBHOOK_SHAPE "webhook.shape"   /* no object, or no rows for this table in it */

/* How often each webhook was used lately: one for the process, shared by its threads. */
struct webhook_gate;
struct webhook_gate *webhook_gate_new(struct world *world);
void webhook_gate_free(struct webhook_gate *gate); /* NULL is fine */

struct webhook_post {
    const char *table, *source; /* source NULL: the only webhook of the table */
    struct secret key;          /* as given by the sender; not looked at when `trusted` */
    bool trusted;               /* from who runs argil here */
    const char *idempotency;    /* the sender's key of this delivery, or NULL */
    const char *body;           /* JSON: one object, or a list of them */
    size_t len;
};
struct webhook_receipt {
    int64_t table_id, rows, added, changed, made_due;
    int64_t retry_after_ms; /* with ERR_WEBHOOK_RATE */
};
/* All rows of a delivery are stored, durably, when this is OK; or none. gate NULL: no limit. */
enum status source_webhook_accept(struct engine *engine, struct webhook_gate *gate,
                                  const struct webhook_post *post, struct webhook_receipt *receipt,
                                  struct err *err);
/* A new key for a webhook; the old one ends. Shown once: only what tells it is kept. */
enum status source_webhook_key(struct engine *engine, const char *table, const char *source,
                               struct secret *key, struct err *err);

/* ----------------------------------------------------------------- run */

/* One write as a dry run would make it; lent for the call. */
struct planned_write {
    const char *column, *row_key;
    int64_t column_id, row_id;
    enum op_kind kind;
    enum write_mode mode;
    const char *object, *target_id; /* target NULL for creates */
    const char *payload;            /* JSON object: field -> new value */
    const char *before;             /* JSON object: field -> present value; NULL for creates */
};
struct run_options {
    const char *column;     /* NULL = every column */
    uint32_t states;        /* 0 = due ones; else only rows with a cell in these states, bits of enum
                             * cell_state, which are made due first; EMPTY: those never computed, too */
    bool all;               /* make every row due first */
    int64_t limit;          /* first N rows; 0 = all */
    const int64_t *rows;    /* or only these rows (ids, ascending); NULL = all */
    size_t row_count;
    bool yes;               /* approve first writes */
    bool dry_run;           /* plan only: what would be written, field by field; nothing is sent.
                             * Formulas and lookups are computed, because the plan needs them. */
    bool scheduled;         /* a schedule asked, nobody waits: people's operations go first */
    bool auto_update;       /* a change asked: what is due and nothing else; columns whose first write
                             * nobody has approved are left, due as they are */
    bool fresh;             /* HTTP API columns ask anew, whatever `cache` has kept; what they hear is kept */
    bool force_new;         /* create again although a row has its record (asked twice by the CLI) */
    /* dry_run: called for every planned write; may be NULL */
    void (*planned)(void *ctx, const struct planned_write *write);
    /* dry_run: for every row that may not be written; only object, kind, row and column are set */
    void (*blocked)(void *ctx, const struct planned_write *write, const char *code,
                    const char *message);
    void *planned_ctx;
    int64_t plan_id;        /* only what this approved plan holds is written (approval.h); 0 = none */
};
/* What --rows and a schedule's `rows` ask for: due, empty, errors, refused, skipped, waiting, all;
 * several by comma; NULL = due. Adds to `states` and `all`. False: not such a word. */
bool run_options_rows(struct run_options *options, const char *words);
struct run_report {
    int64_t run_id;
    int64_t cells_computed, cells_skipped, cells_no_result, cells_waiting, cells_error;
    int64_t looked_up, created, adopted, updated, upserted, deleted, converted, unchanged, refused, rejected, in_doubt, retrying;
    int64_t planned;        /* dry run */
    int64_t sent_single, sent_collections, sent_bulk; /* writes by how they travelled; of a dry run:
                               would travel */
    int64_t bulk_jobs;
    int64_t write_calls;    /* dry run: API calls that the writes alone would cost */
    uint64_t calls, calls_one_each;
    int64_t took_ms;
    bool paused;            /* call budget or limit reached; not a failure, not a success */
    struct refusal {        /* most frequent reasons first */
        char code[64], message[640];
        int64_t count;
    } refusals[16];
    size_t refusal_count;
    int64_t repaired;       /* values made fit without doubt: a label for a value, a name for an Id */
    struct repair {         /* an example of each kind, most frequent first */
        char field[128], given[80], written[80]; /* "Lead.Industry" */
        int64_t count;
    } repairs[8];
    size_t repair_count;
    int64_t cells_delayed;  /* due, and left for later by their column's delay */
    int64_t again_ms;       /* when the first of what is left may run; 0 = nothing is */
    int64_t http_requests;  /* of HTTP API columns, further tries included */
    int64_t rows_sent;      /* to other tables: those that are new or changed there */
    int64_t rows_tidied;    /* that auto_delete took away at the end */
    char sent_to[20][256];  /* tables where that made something due */
    size_t sent_to_count;
};
enum status run_table(struct engine *engine, const char *table, const struct run_options *options,
                      struct run_report *report, struct err *err);
/* Does parts of a run that another process leads, until none waits (run_parts.c). `options` are
 * the run's; what it comes to is in the store, and in the leader's report. */
enum status run_help(struct engine *engine, const char *table, const struct run_options *options,
                     int64_t run_id, struct err *err);

/* What a column that is not there yet would give for some rows: nothing is stored,
 * nothing is sent that changes anything. Lookups and GET requests are really made. */
struct preview_row {
    int64_t row_id;
    enum cell_state state;  /* CELL_QUEUED: a write was planned, see `write` */
    struct value value;
    const char *code, *message;
    const char *write; /* JSON object: kind, object, target, set, before; or NULL */
};
struct preview {
    struct preview_row *rows; /* in the order of the ids, those that are there */
    size_t count;
    uint64_t calls;
};
/* draft: name, type, kind, config, only_run_if; type TYPE_TEXT when it is not known.
 * FAIL with ERR_RECIPE: *errors has what is wrong, where = the path in the config. */
enum status column_preview(struct engine *engine, struct arena *arena, const char *table,
                           const struct column *draft, const int64_t *rows, size_t count,
                           struct preview *out, err_list *errors, struct err *err);
/* The first rows of a source that no table has yet; nothing is stored. Values are on the arena,
 * row by row. FAIL with ERR_RECIPE: *errors has what is wrong, where = the option. */
#define SOURCE_PEEK_ROWS 20
struct source_peek_column {
    const char *name;
    enum value_type type;
};
struct source_peek {
    struct source_peek_column *columns;
    struct value *values;
    size_t column_count, row_count;
};
enum status engine_source_peek(struct engine *engine, struct arena *arena, const char *connection,
                               const char *kind, const struct json *config,
                               struct source_peek *out, err_list *errors, struct err *err);

/* What a column's writes promise, from the org's describe as it is now. */
struct column_promise {
    bool writes;             /* false: it writes nothing, and the rest is not set */
    enum write_mode mode, approved_mode;
    bool dropped;            /* less sure than when it was approved: the next run stops and asks */
    const char *object, *connection, *key; /* key: the unique field that guards it, or NULL */
    const char *advice;      /* the command that would make it surer, or NULL */
};
enum status engine_column_promise(struct engine *engine, struct arena *arena, const char *table,
                                  const char *column, struct column_promise *out, struct err *err);

/* Settles what an earlier process left: SENDING -> UNKNOWN -> reconciled, then
 * sends what is proved not executed. Called before every run and by
 * `argil journal recover`. Adds to the counts of *report. */
enum status journal_recover(struct engine *engine, struct run_report *report, struct err *err);
/* The same for one table's operations. */
enum status journal_recover_table(struct engine *engine, int64_t table_id,
                                  struct run_report *report, struct err *err);

/* A person settles an operation in doubt. */
enum journal_verdict {
    VERDICT_THIS_IS_IT, /* record_id is the record: link it. The org is asked whether it is there */
    VERDICT_SEND_AGAIN, /* it does not exist: plan it again */
    VERDICT_GIVE_UP
};
enum status journal_resolve(struct engine *engine, int64_t op_id, enum journal_verdict verdict,
                            const char *record_id, struct err *err);
/* The fourth answer: ask again later. Nothing is settled; the card is out of sight until then. */
enum status journal_ask_later(struct engine *engine, int64_t op_id, int64_t until_ms,
                              struct err *err);

/* An operation in doubt as a person must see it (reliability B.10). */
struct doubt_card {
    struct op op;
    const char *table, *column, *row_key, *connection, *instance_url; /* NULL where it is gone */
    const char *how_far;    /* "the whole request left, no answer came" */
    int status;             /* of the answer; 0 = no status line came */
    bool overdue;           /* nobody looked for a day: an alarm, not a badge */
    int64_t looked_ms;      /* when the org was asked for candidates; 0 = never */
    struct doubt_candidate {
        const char *id, *url;
        const char *record; /* JSON object: the fields we meant to write, as they are there */
        bool deleted;
    } *candidates;
    size_t candidate_count;
    bool more_candidates;
};
/* The card of one operation; `look`: asks the org for candidates now. On `arena`. */
enum status journal_card(struct engine *engine, struct arena *arena, int64_t op_id, bool look,
                         struct doubt_card *out, struct err *err);
/* Operations in doubt that a person can settle now: not put off. table_id 0 = all. */
enum status journal_doubts(struct engine *engine, struct arena *arena, int64_t table_id,
                           struct op **out, size_t *count, struct err *err);

/* Conservation: every accepted operation is in exactly one state. FAIL with
 * ERR_CONFLICT when the sum is not the total. table_id 0 = all tables. */
enum status journal_check(struct engine *engine, int64_t table_id, struct op_counts *counts,
                          struct err *err);

#endif
