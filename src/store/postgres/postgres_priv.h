/* postgres_priv.h - the PostgreSQL engine of store/sql.
 *
 * link.c connects, and again after a loss; engine.c runs statements in a pipeline
 * and is the only judge of SQLSTATEs; transaction.c begins, fences and commits;
 * open.c makes and finds workspaces, lineage.c finds out when they were put back; listen.c
 * wakes other processes, together.c has many rows go in one command, news.c tells them what
 * changed; dialect.c and ddl.c rewrite our SQL. */
#ifndef ARGIL_STORE_POSTGRES_PRIV_H
#define ARGIL_STORE_POSTGRES_PRIV_H

#include "base/secret.h"
#include "store/postgres/dialect.h"
#include "store/sql/sql_session.h"

#include <libpq-fe.h>

/* What all handles of a process on one workspace share. */
struct pg_link {
    atomic_int users;
    char **names, **values; /* libpq's settings but the password, NULL at the end */
    struct secret password;
    char *workspace; /* name or id asked for; NULL = the only one */
    char *place;     /* postgresql://host:port/database */
    _Atomic int64_t epoch; /* of this process; 0 while it is no member */
    _Atomic uint64_t seats; /* bits: those of handles that are open */
    atomic_int more_seats;  /* given out when all bits were taken */
    _Atomic int64_t commits; /* numbers them, over all handles */
    struct pg_beat *beat;
    bool spreads; /* the server has NOTIFY, and this process writes */
    struct pg_ear *ear;
};

#define PG_PENDING_MAX 256

struct pg_batch;
struct pg_told;

enum value_kind { VALUE_TEXT, VALUE_INT, VALUE_BYTES };

/* One ? of a statement. */
struct pg_param {
    enum value_kind kind;
    const char *text; /* NULL = null */
    int len;
    char number[24];
    int64_t value; /* of VALUE_INT */
};

struct pg_statement {
    struct sq_stmt stmt; /* first */
    struct postgres *pg;
    char *sql, *id_of;
    char *ours; /* as the nouns wrote it */
    int params; /* without the counted id */
    bool reads;
    bool prepared, stream;
    bool lists;             /* planned each time, for tables as they are now, unless by indexes */
    char name[24];          /* of the prepared statement, or of the cursor while streaming */
    struct pg_param *param; /* params + 1 of them */
    PGresult *result;
    int row, rows;          /* next row to give */
    struct buf shown;       /* what was decoded for the last col_peek */
    bool cursor;            /* open: more rows may come */
    struct pg_batch *batch; /* rows that go together; NULL = there never were any */
};

struct pg_ids {
    const char *table; /* the map's key */
    int64_t next;      /* 0 = not read in this transaction */
    bool changed;
};

struct postgres {
    struct sq sq; /* first */
    struct pg_link *link;
    PGconn *conn;
    int64_t ws; /* number of the workspace; 0 while none is open: schema is of all */
    struct map *statements;
    struct map *ids;                          /* table -> struct pg_ids */
    size_t pending;                           /* commands sent, results not read */
    int64_t *counts[PG_PENDING_MAX + 2];      /* where the n-th pending one's changes go; or NULL */
    struct pg_told *told[PG_PENDING_MAX + 2]; /* of the n-th, where it is a batch */
    struct map *grown;                        /* table -> struct pg_growth: together.c */
    VEC(struct pg_statement *) added;         /* have rows in their batch, in the order they came */
    int64_t changes, last_id, numbered;
    struct arena *sending; /* what one command is sent with */
    int seat;       /* of this handle among those of the process */
    int64_t commit; /* number of the one under way */
    bool in_transaction;
    bool wrote;      /* something in it that stays */
    bool early;      /* it gives its turn on before it is on disk: transaction.c */
    bool committed;  /* a COMMIT was answered so */
    bool by_indexes; /* its plans are to: together.c */
    bool prolongs;   /* the membership, before it ends */
    size_t asked_member; /* the pending command that tells it, counted from one; 0: none */
    bool listens;    /* this connection hears of news: listen.c */
    bool stale;      /* a command failed: what was prepared behind it may not be there */
    bool failed;     /* found by sq_changes, which cannot say so: it is told by `late` */
    struct err late;
    char xid[24]; /* of the present writing transaction */
};

static inline struct postgres *pg_of(struct sq *sq)
{
    return (struct postgres *)sq;
}

/* ---- link.c */
struct pg_link *pg_link_open(const char *url, struct err *err); /* with one user */
struct pg_link *pg_link_join(struct pg_link *link);
void pg_link_leave(struct pg_link *link);
/* Connects the session anew; ERR_STORE_LOST when nobody answers. */
enum status pg_connect(struct postgres *pg, struct err *err);
/* Likewise where the connection was lost; outside of a transaction only. */
enum status pg_be_connected(struct postgres *pg, struct err *err);
void pg_disconnect(struct postgres *pg);

/* A connection as the link says, whatever its state; not in a pipeline. */
PGconn *pg_dial(const struct pg_link *link);
/* A number that no other open handle of the process has, until it is given back. */
int pg_take_seat(struct pg_link *link);
void pg_leave_seat(struct pg_link *link, int seat);

/* ---- beat.c: says that this process is there, until it is stopped */
/* The link has the epoch. NULL: there is none. */
struct pg_beat *pg_beat_start(struct pg_link *link, int64_t ws);
void pg_beat_stop(struct pg_beat *beat);

/* ---- engine.c */
extern const struct sq_engine postgres_engine;
/* A failure of the database as ours. `result` may be NULL: the connection's. Returns FAIL. */
enum status pg_fail(struct postgres *pg, const PGresult *result, const char *doing, struct err *err);
/* Queues a text without parameters. */
enum status pg_send(struct postgres *pg, const char *sql, struct err *err);
/* Reads all results; *last, if asked for, is that of the last command: yours to PQclear. */
enum status pg_drain(struct postgres *pg, PGresult **last, const char *doing, struct err *err);
/* One value of the first row of a query without parameters; NULL = null or no row. On scratch. */
enum status pg_ask(struct postgres *pg, const char *sql, const char **out, struct err *err);
void pg_forget_statements(struct postgres *pg);
/* The connection they were sent on is gone. */
void pg_forget_pending(struct postgres *pg);
/* A command was sent, when `ok`. */
enum status pg_sent(struct postgres *pg, int ok, struct err *err);
/* Makes room for so many commands more, reading results where it must. */
enum status pg_make_room(struct postgres *pg, size_t commands, struct err *err);
struct dialect pg_dialect_of(struct postgres *pg, struct arena *arena);
/* The next id becomes the parameter behind the others. */
enum status pg_give_id(struct pg_statement *s, struct err *err);

/* ---- together.c: many rows of one statement in one command */
enum status pg_add(struct sq *sq, struct sq_stmt *stmt, int64_t *changed, struct err *err);
/* Sends what was added; nothing where nothing was. */
enum status pg_send_added(struct postgres *pg, struct err *err);
void pg_drop_added(struct postgres *pg);
/* Before a commit: tables that grew from nothing are analysed. */
enum status pg_note_growth(struct postgres *pg, struct err *err);
void pg_free_growth(struct postgres *pg);
/* Which rows a batch changed; NULL result: it failed. Frees `told`. */
void pg_told_read(struct pg_told *told, const PGresult *result);
void pg_batch_free(struct pg_batch *batch);

/* ---- transaction.c */
enum status pg_begin(struct sq *sq, bool write, struct err *err);
enum status pg_begin_beside(struct sq *sq, struct err *err);
/* What a transaction that writes asked first. ERR_STORE_LOCKED: others gave this process up. */
enum status pg_is_member(struct postgres *pg, const PGresult *result, struct err *err);
enum status pg_in_line(struct sq *sq, int64_t number, struct err *err);
bool pg_same_members(struct sq *sq, const char *live);
enum status pg_alone(struct sq *sq, struct err *err);
enum status pg_commit(struct sq *sq, struct err *err);
void pg_rollback(struct sq *sq);
/* Of a member that leaves; its epoch 0: of all that are no members any more. */
enum status pg_forget_commits(struct postgres *pg, int64_t epoch, struct err *err);
enum status pg_next_id(struct postgres *pg, const char *table, int64_t *id, struct err *err);
enum status pg_new_line(struct sq *sq, struct err *err);
enum status pg_live_epochs(struct sq *sq, const char **out, struct err *err);
#define PG_NOW_MS "(extract(epoch FROM clock_timestamp())*1000)::bigint"
#define PG_LOCK_OF_WS (INT64_C(1) << 40) /* the lock of a member: ws times this, plus its epoch */
/* A member is gone: not heard of, or its lock is free. After a start of the server all locks
 * are free for a while. */
#define PG_IS_GONE                                                                                 \
    "(until_ms<=" PG_NOW_MS " OR (pg_postmaster_start_time()<clock_timestamp()-interval '60 s'"    \
    " AND pg_try_advisory_xact_lock(ws*1099511627776+epoch)))"
/* A process that was not heard of for so long is gone: 30 s, or $ARGIL_MEMBER_MS. */
int pg_member_ms(void);
#define PG_MEMBER_MS pg_member_ms()

/* ---- listen.c */
void pg_notify(struct sq *sq);
enum status pg_await(struct sq *sq, const struct store_await *wait, bool *look, struct err *err);

/* ---- news.c */
/* In the transaction that made them. */
enum status pg_send_news(struct postgres *pg, struct err *err);
/* What others change is told to it; NULL: no more. By one thread of the process, no two at once. */
void pg_hear(struct sq *sq, const struct store_watch *watch);
/* Outside of a transaction. */
bool pg_can_spread(struct postgres *pg);

/* ---- lineage.c */
/* Inside the transaction that makes the epoch, before it is a member's. */
enum status pg_lineage_check(struct postgres *pg, struct err *err);

/* ---- inventory.c: what there is, for a copy */
enum status pg_list_tables(struct sq *sq, struct arena *arena, const char ***out, size_t *count,
                           struct err *err);
enum status pg_list_columns(struct sq *sq, struct arena *arena, const char *table,
                            struct sq_column **out, size_t *count, struct err *err);
enum status pg_id_of(struct sq *sq, const char *table, int64_t *next, struct err *err);
enum status pg_raise_id(struct sq *sq, const char *table, int64_t next, struct err *err);
enum status pg_rename(struct sq *sq, const char *id, const char *name, struct err *err);
void pg_quote(struct buf *sql, const char *text); /* as '..' */

/* ---- zero.c */
bool zero_needs(const char *text, size_t len); /* before it is stored */
const char *zero_hide(struct arena *arena, const char *text, size_t len, int *hidden_len);
bool zero_is_hidden(const char *text, size_t len); /* after it was read */
void zero_show(struct buf *out, const char *text, size_t len);

/* ---- functions.c */
extern const char *const pg_setup; /* tables and functions that are of no workspace */
char *pg_functions(struct arena *arena);

/* ---- open.c */
void pg_close_store(struct sq *sq);
enum status pg_open_another(struct sq *first, bool read_only, struct store **out, struct err *err);
enum status pg_begin_schema(struct sq *sq, struct err *err);
enum status pg_get_version(struct sq *sq, int64_t *version, struct err *err);
enum status pg_set_version(struct sq *sq, int64_t version, struct err *err);

#endif
