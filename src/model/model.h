/* model.h - the nouns: connection, table, column, row, cell, run, operation.
 *
 * Structs, state names and small checks; no I/O. Text members are lent by the
 * arena that the object came from unless said otherwise. Timestamps are ms
 * since 1970 UTC, 0 = never. Ids of ours are int64, of Salesforce 18 characters. */
#ifndef ARGIL_MODEL_MODEL_H
#define ARGIL_MODEL_MODEL_H

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* ------------------------------------------------------------------ values */

enum value_type {
    TYPE_TEXT, TYPE_URL, TYPE_EMAIL, TYPE_NUMBER, TYPE_CURRENCY, TYPE_DATE, TYPE_DATETIME,
    TYPE_CHECKBOX, TYPE_SELECT, TYPE_MULTISELECT, TYPE_JSON
};
const char *value_type_name(enum value_type type); /* "text", "url", ... */
bool value_type_parse(const char *name, enum value_type *out);
size_t value_type_count(void);

/* A cell's content: text, or null. Numbers are decimal text, checkboxes "true"
 * or "false", structured values (TYPE_JSON) are JSON text. Blank is len 0. */
struct value {
    const char *text; /* NULL = null; not necessarily NUL-terminated */
    uint32_t len;
};
#define VALUE_NULL ((struct value){0})
bool value_equal(struct value a, struct value b); /* bytes; null equals only null */

/* -------------------------------------------------------------- connection */

struct connection {
    int64_t id;
    const char *name;
    const char *connector;   /* "salesforce" */
    const char *environment; /* "production", "sandbox", "local" */
    const char *login_url;   /* https://login.salesforce.com, My Domain, http://127.0.0.1:8460 */
    const char *instance_url;
    const char *client_id;
    const char *org_id, *user_id, *username, *org_name;
    const char *scopes;      /* as granted, space separated */
    const char *status;      /* "connected", "reconnect needed" */
    int64_t connected_ms, last_used_ms;
    int64_t daily_call_budget; /* 0 = half of what the org has left */
};

/* ------------------------------------------------------------ table, column */

struct column {
    int64_t id;
    const char *name;
    enum value_type type;
    const char *kind;         /* "source", or a column kind's name: "formula", "http", ... */
    const char *config;       /* JSON object of the kind's options, canonical */
    const char *only_run_if;  /* formula text, or NULL */
    const char *source_field; /* kind "source": the field path, e.g. "Owner.Name" */
    int slot;                 /* physical column, c<slot> */
    int position;             /* order in the table */
    bool auto_update;
    const char *rules;        /* JSON object: required (names of columns), delay_ms; or NULL */
    int64_t approved_ms;      /* first write was approved; 0 = not yet (write kinds only) */
    int approved_mode;        /* the write mode it was approved with; -1 = none */
    int64_t *depends;         /* ids of the columns it reads */
    size_t depend_count;
};

/* Where rows come from. A row knows the slots of the sources that hold it. */
#define SOURCE_SLOTS 60
#define SOURCE_HEARD_NOTHING (-1)
struct source {
    int64_t id;
    int slot;               /* 0 .. SOURCE_SLOTS - 1; its own for life */
    const char *name;       /* unique in its table */
    const char *kind;       /* "salesforce_object", "csv", ... */
    const char *connection; /* name, or NULL */
    const char *object;     /* SObject whose Ids are its keys, or NULL */
    const char *config;     /* JSON object of the kind's options and the rules, canonical */
    int64_t row_count;      /* live rows that it holds */
    int64_t heard;          /* position of the last change event taken, or SOURCE_HEARD_NOTHING */
    const char *live;       /* JSON: how listening goes, {"state","since_ms","error"}; or NULL */
    const char *drift;      /* JSON: {"recipe_ms","known","gone","retyped","new"}: how the fields differ; or NULL */
};

struct table {
    int64_t id;
    const char *name;
    const char *recipe;       /* YAML text as applied */
    const char *source;       /* config of the first source */
    const char *connection;   /* the first source's connection name, or NULL */
    const char *object;       /* the first source's SObject, or NULL */
    struct source *sources;   /* by position */
    size_t source_count;
    const char *guard;        /* JSON object, "{}" when absent */
    bool auto_update;
    const char *rules;        /* JSON object: keep_results, auto_dedupe; "{}" when absent */
    int64_t row_count;        /* live rows */
    int64_t created_ms, changed_ms, next_sync_ms;
    const char *changed_by, *change_note; /* going into table_apply, for its version; or NULL */
    struct column *columns;   /* by position */
    size_t column_count;
};
const struct source *table_source(const struct table *table, const char *name); /* exact, then nocase */
const struct column *table_column(const struct table *table, const char *name); /* exact, then nocase */
const struct column *table_column_by_id(const struct table *table, int64_t id);

/* ---------------------------------------------------------------- cells */

/* What a person sees. Only CELL_OK and CELL_EMPTY have no stored state row. */
enum cell_state {
    CELL_EMPTY,     /* never computed */
    CELL_DUE,       /* to be computed: new row or changed input */
    CELL_QUEUED,    /* an operation is planned */
    CELL_RUNNING,
    CELL_OK,
    CELL_NO_RESULT, /* computed: nothing found */
    CELL_SKIPPED,   /* only_run_if was not true */
    CELL_WAITING,   /* an input is not ready (queued, error, in doubt) */
    CELL_RETRYING,  /* failed for now; not_before tells when */
    CELL_ERROR,
    CELL_REFUSED,   /* checked locally or by Salesforce and turned down, with the reason */
    CELL_IN_DOUBT,  /* a write whose outcome a person must settle */
    CELL_OUTDATED   /* its result stands, but something that it reads has changed since */
};
#define CELL_STATES (CELL_OUTDATED + 1)
const char *cell_state_name(enum cell_state state); /* "no result", "in doubt", ... */
bool cell_state_parse(const char *name, enum cell_state *out);

/* ---------------------------------------------------------------- runs */

/* Stored as numbers: add at the end. */
enum run_state { RUN_RUNNING, RUN_DONE, RUN_FAILED, RUN_STOPPED, RUN_INTERRUPTED, RUN_QUEUED };
bool run_state_parse(const char *name, enum run_state *out);
const char *run_state_name(enum run_state state);

struct run {
    int64_t id, table_id;
    const char *kind; /* "sync", "run" */
    const char *cause; /* "person", "schedule", "recovery" */
    enum run_state state;
    const char *who;   /* login of who asked, "cli" or NULL */
    const char *scope; /* JSON object: what it was asked to do, or NULL */
    int64_t queued_ms, started_ms, ended_ms;
    const char *report; /* JSON: the counts and, for a sync, its statement */
    const char *error;  /* message, or NULL */
};

/* ---------------------------------------------------------- operations */
/* reliability: the journal. One operation an intended effect on the org. */

/* Stored as numbers: add at the end. */
enum op_kind { OP_CREATE, OP_UPDATE, OP_UPSERT, OP_DELETE, OP_CONVERT /* a lead */ };
const char *op_kind_name(enum op_kind kind);

enum write_mode {
    MODE_SEALED,  /* our own unique External ID field holds op_key */
    MODE_KEYED,   /* the user's key field is unique */
    MODE_TICKETED,
    MODE_FINDABLE, /* a fingerprint query can find what we made */
    MODE_BLIND
};
const char *write_mode_name(enum write_mode mode);    /* "sealed", ... */
const char *write_mode_promise(enum write_mode mode); /* one sentence for people */

/* PLANNED -> SENDING -> {DONE, REJECTED, RETRY_SAFE, UNKNOWN};
 * RETRY_SAFE -> SENDING; UNKNOWN -> RECONCILING -> {DONE, REJECTED, RETRY_SAFE, IN_DOUBT};
 * IN_DOUBT -> {DONE, PLANNED, CANCELLED} by a person. After a restore PLANNED and RETRY_SAFE
 * -> UNKNOWN: what was planned may have been sent since (store_holds.h). Nothing else. */
enum op_state {
    OP_PLANNED,     /* stored and accepted; nothing was sent */
    OP_SENDING,     /* on disk before the first byte left */
    OP_RETRY_SAFE,  /* proved not executed; will be sent again, same bytes */
    OP_UNKNOWN,     /* may or may not have been executed: find out */
    OP_RECONCILING, /* finding out */
    OP_IN_DOUBT,    /* a person must say */
    OP_DONE,        /* executed (or adopted); final */
    OP_REJECTED,    /* definitely not executed, with the reason; final */
    OP_CANCELLED    /* given up by a person; final */
};
const char *op_state_name(enum op_state state);
bool op_state_parse(const char *name, enum op_state *out);
bool op_state_final(enum op_state state);
bool op_move_allowed(enum op_state from, enum op_state to);

struct op {
    int64_t id;
    char key[37];            /* op_key: a UUID, fixed at PLANNED */
    const char *org_id;
    int64_t connection_id, table_id, row_id, column_id, run_id;
    int64_t generation;
    enum op_kind kind;
    const char *object;
    const char *key_field;   /* business or seal key field, or NULL */
    const char *key_value;   /* normalised (lower case where the field ignores case), or NULL */
    const char *target_id;   /* 18 characters, for updates; NULL for creates */
    const char *payload;     /* JSON object, the exact bytes to send */
    char payload_sha256[65];
    const char *before;      /* JSON object: what the fields held when planned (undo); or NULL */
    const char *base_stamp;  /* SystemModstamp of the record as `before` was read, or NULL */
    const char *settings;    /* JSON object: how it is sent (duplicate rule, assignment rules); fixed at
                                PLANNED like the payload; NULL = the defaults */
    int priority;            /* 0 = a person waits for it, 1 = a schedule asked; lower goes first */
    enum write_mode mode;
    enum op_state state;
    int attempt;
    int64_t epoch;           /* of the process that holds it */
    int64_t sent_ms, deadline_ms, not_before_ms;
    const char *ticket;      /* the remote's handle of what was sent: a Bulk job's id; or NULL */
    const char *evidence;    /* JSON: status line, error codes, how far it got */
    const char *result_id;   /* 18 characters */
    const char *result_stamp; /* SystemModstamp when known */
    bool adopted;            /* found rather than answered */
    const char *error_code, *error_message;
    int64_t created_ms, done_ms;
};

#endif
