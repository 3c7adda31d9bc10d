/* sql_session.h - a session on a database that holds a store: what an engine
 * (store/sqlite, store/postgres) does for the nouns, and what both share.
 *
 * session.c is the only one who begins and ends transactions; an engine opens,
 * locks, fences, runs statements, and judges the database's failures.
 *
 * Prepared statements live in a cache by their text; they are lent, and reset by
 * whoever stepped them. Text is bound without copying: it must outlive the step.
 * An engine may run what sq_done was given a little later: a failure of it can be
 * told by a later call of the same transaction, sq_end at the latest. */
#ifndef ARGIL_STORE_SQL_SESSION_H
#define ARGIL_STORE_SQL_SESSION_H

#include "base/buf.h"
#include "base/map.h"
#include "base/vec.h"
#include "store/store.h"
#include "store/store_jobs.h"

#include <pthread.h>
#include <stdatomic.h>

/* ---- home.c: what all handles of this process on one workspace share */
struct sq_home {
    pthread_mutex_t lock; /* everything below but `broken` and `watch` */
    pthread_cond_t turn;
    uint64_t tickets, serving; /* writers, in the order they came */
    int handles;
    int lock_fd; /* -1: only readers */
    atomic_bool broken;
    struct store_watch watch;
};
struct sq_home *home_new(void); /* with one handle */
struct sq_home *home_join(struct sq_home *home);
bool home_is_last(struct sq_home *home); /* one handle is left */
void home_leave(struct sq_home *home); /* the last one frees it */
void home_take_turn(struct sq_home *home);
void home_end_turn(struct sq_home *home);

struct sq_note {
    enum store_noun noun;
    int64_t table_id, id;
    bool many;
    VEC(int64_t) rows;
};

struct sq_move {
    int64_t table_id, count;
};

#define SQ_NEW_LINE 1000000 /* how far the epoch jumps where a history is lost: new_line */

struct sq;
struct sq_engine;

/* A statement; the rest of it is the engine's. */
struct sq_stmt {
    const struct sq_engine *engine;
};

struct sq_column {
    const char *name;
    bool number;
};

/* What a database does for the nouns. The functions below speak to it. */
struct sq_engine {
    bool far; /* a round trip costs more than a row: many rows are asked for at once */
    void (*close)(struct sq *);
    enum status (*open_another)(struct sq *first, bool read_only, struct store **out,
                                struct err *err);
    /* The cached statement of a text, reset, its bindings cleared. */
    struct sq_stmt *(*stmt)(struct sq *, const char *sql, struct err *err);
    /* Lets cached statements go: some, when there are too many; all, before a table is dropped. */
    void (*trim)(struct sq *);
    void (*forget)(struct sq *);
    void (*bind_int)(struct sq_stmt *, int at, int64_t value);
    void (*bind_text)(struct sq_stmt *, int at, const char *text, size_t len); /* NULL = null */
    void (*bind_bytes)(struct sq_stmt *, int at, const char *bytes, size_t len);
    enum status (*done)(struct sq *, struct sq_stmt *, struct err *err);
    /* Likewise; how many rows it changed is told by `flush`, or before. NULL: at once. */
    enum status (*done_later)(struct sq *, struct sq_stmt *, int64_t *changed, struct err *err);
    /* Likewise, together with others of the same statement: sq_add. NULL: one by one. */
    enum status (*add)(struct sq *, struct sq_stmt *, int64_t *changed, struct err *err);
    enum status (*flush)(struct sq *, struct err *err);
    enum status (*row)(struct sq *, struct sq_stmt *, bool *row, struct err *err);
    void (*stream)(struct sq_stmt *);
    void (*reset)(struct sq_stmt *);
    int64_t (*col_int)(struct sq_stmt *, int at);
    const char *(*col_peek)(struct sq_stmt *, int at);
    uint32_t (*col_len)(struct sq_stmt *, int at);
    int64_t (*changes)(struct sq *);
    int64_t (*last_id)(struct sq *);
    /* Of a failure that was found where no error could be given: tells it now. */
    void (*tell_late)(struct sq *, struct err *err);
    /* Several statements without parameters, DDL too. */
    enum status (*exec)(struct sq *, const char *sql, struct err *err);
    /* Begins: reading, or writing, when others wait and a zombie is refused. */
    enum status (*begin)(struct sq *, bool write, struct err *err);
    /* Writing beside other writers, fenced all the same; NULL: they take turns in any case. */
    enum status (*begin_beside)(struct sq *, struct err *err);
    /* Those beside that name the same number go one behind the other; NULL: as above. */
    enum status (*in_line)(struct sq *, int64_t number, struct err *err);
    /* In a turn: waits for those who write beside, and lets none begin before the commit. */
    enum status (*alone)(struct sq *, struct err *err);
    const char *skip_locked; /* at a SELECT's end: locks its rows, passes over those of others */
    enum status (*commit)(struct sq *, struct err *err);
    void (*rollback)(struct sq *); /* also after a commit, and without a transaction */
    /* Tells other processes that there may be work, outside of a transaction; and hears it:
     * store_jobs.h. NULL: nobody else has the store open. */
    void (*notify)(struct sq *);
    enum status (*await)(struct sq *, const struct store_await *, bool *look, struct err *err);
    /* What other processes change is told to the watch, too; their commits say it. NULL: as above. */
    void (*hear)(struct sq *, const struct store_watch *);
    /* Very many rows or cells of a sheet came at once: what plans are made from is looked at anew.
     * In a writing transaction; NULL: this database does not need it. */
    enum status (*sheet_grew)(struct sq *, int64_t table_id, struct err *err);
    /* The epochs of processes that are there, ours too: "3,7", on the scratch arena. */
    /* Are these still the members, none of them to be given up? Asked while reading; NULL: unknown. */
    bool (*same_members)(struct sq *, const char *live);
    enum status (*live_epochs)(struct sq *, const char **out, struct err *err);
    /* What there is, for a copy: tables by name (sheets as t12 and s12), on the arena. */
    enum status (*list_tables)(struct sq *, struct arena *, const char ***out, size_t *count,
                               struct err *err);
    enum status (*list_columns)(struct sq *, struct arena *, const char *table,
                                struct sq_column **out, size_t *count, struct err *err);
    /* The next id of a table that counts them; 0 = it counts none. raise: at least this one. */
    enum status (*next_id)(struct sq *, const char *table, int64_t *next, struct err *err);
    enum status (*raise_id)(struct sq *, const char *table, int64_t next, struct err *err);
    /* Becomes the workspace with this id and name. */
    enum status (*rename)(struct sq *, const char *id, const char *name, struct err *err);
    /* Old sealed texts are to leave no trace: called before (true) and after (false). */
    enum status (*scrub)(struct sq *, bool on, bool log_too, struct err *err);
    /* The store goes on after a history that is lost: the epoch jumps (also this session's), and
     * ids that may have been given out are skipped. In a writing transaction. */
    enum status (*new_line)(struct sq *, struct err *err);
    /* The schema's version; begin_schema keeps other migrations out until sq_end. */
    /* Runs it for each workspace that the schema is of: this one, unless it migrates others too. */
    enum status (*each_workspace)(struct sq *,
                                  enum status (*run)(struct sq *, const char *, struct err *),
                                  const char *sql, struct err *err);
    enum status (*begin_schema)(struct sq *, struct err *err);
    enum status (*get_version)(struct sq *, int64_t *version, struct err *err);
    enum status (*set_version)(struct sq *, int64_t version, struct err *err);
};

struct sq {
    struct store store; /* first: a struct store * of ours is a struct sq * */
    const struct sq_engine *engine;
    struct sq_home *home;
    struct world *world;
    struct arena *scratch; /* emptied by sq_begin; for one transaction */
    struct arena *payload; /* for one parsed payload */
    VEC(struct sq_note) notes; /* of the present transaction */
    VEC(struct sq_move) moves; /* likewise: see sq_moved */
    int schema; /* the step to bring the store to: store_open */
    bool read_only;
    bool writing; /* the present transaction writes */
    bool wakes;   /* and makes work for other processes: they are told when it has committed */
    struct { /* who lived when nothing was found that the dead had left: jobs.c */
        char *live;
        int64_t at_ms;
    } looked;
    struct { /* the end of the audit's chain as the present transaction has it: audit.c */
        bool known, moved;
        int64_t lines;
        char hash[65];
    } audit;
    char *place;  /* where the workspace is, for people: a directory, a host and database */
    char *id, *name;
};
/* Fills what every engine's session has; sq_close_session frees it. */
void sq_open_session(struct sq *sq, const struct store_driver *driver,
                     const struct sq_engine *engine, struct sq_home *home, struct world *world,
                     const char *place, bool read_only);
void sq_close_session(struct sq *sq);

static inline struct sq *sq_of(struct store *store)
{
    return (struct sq *)store;
}

/* Notes a change, told when the transaction commits. */
void sq_note(struct sq *sq, enum store_noun noun, int64_t table_id, int64_t id);
void sq_note_row(struct sq *sq, int64_t table_id, int64_t row_id);
void sq_note_many(struct sq *sq, int64_t table_id);
void sq_tell_notes(struct sq *sq);
void sq_drop_notes(struct sq *sq);

/* ---- session.c */

enum status sq_exec(struct sq *sq, const char *sql, struct err *err);
/* For every sheet: `t@` and `s@` in the text become its tables. */
enum status sq_each_sheet(struct sq *sq, const char *sql, struct err *err);
/* A cached statement, reset, its bindings cleared. NULL with *err set. */
struct sq_stmt *sq_stmt(struct sq *sq, struct err *err, const char *sql);
struct sq_stmt *sq_stmtf(struct sq *sq, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void sq_forget_statements(struct sq *sq);
void sq_int(struct sq_stmt *stmt, int at, int64_t value);
void sq_text(struct sq_stmt *stmt, int at, const char *text); /* NULL binds null */
void sq_value(struct sq_stmt *stmt, int at, struct value value);
void sq_bytes(struct sq_stmt *stmt, int at, struct value bytes); /* of a BLOB */
/* A list, for `json_each(?) l` in FROM: l.key is the position, l.value the item; a number
 * is CAST(l.value AS INTEGER). The text lives as long as the arena. */
void sq_list(struct sq_stmt *stmt, int at, struct arena *arena, const int64_t *items, size_t count);
/* Runs a statement that gives no rows, and resets it. */
enum status sq_done(struct sq *sq, struct sq_stmt *stmt, struct err *err);
/* The same where many follow each other and none needs the outcome of the one before: *changed
 * (on scratch) is the number of rows that it changed, once sq_flush was OK. */
enum status sq_done_later(struct sq *sq, struct sq_stmt *stmt, int64_t *changed, struct err *err);
/* The same for one row of many that go through one statement, in one command where the database is
 * far. What is bound is copied. Rows of a statement keep their order, those of two statements
 * follow each other as the statements first came; anything else that is run, read or committed
 * comes behind them all. No two rows of a statement may be about the same key before sq_flush.
 * `changed` may be NULL: nobody asks. */
enum status sq_add(struct sq *sq, struct sq_stmt *stmt, int64_t *changed, struct err *err);
enum status sq_flush(struct sq *sq, struct err *err);
/* The next row: *row false at the end (and then the statement is reset). */
enum status sq_row(struct sq *sq, struct sq_stmt *stmt, bool *row, struct err *err);
void sq_reset(struct sq_stmt *stmt);
/* One integer from a statement's first row, `otherwise` without one; resets. */
enum status sq_one_int(struct sq *sq, struct sq_stmt *stmt, int64_t otherwise, int64_t *out,
                       struct err *err);
int64_t sq_col_int(struct sq_stmt *stmt, int at); /* 0 for null */
/* As it stands in the row, until the statement's next step or reset; NULL for null. */
const char *sq_col_peek(struct sq_stmt *stmt, int at);
uint32_t sq_col_len(struct sq_stmt *stmt, int at);
const char *sq_col_text(struct sq_stmt *stmt, int at, struct arena *arena); /* NULL for null */
struct value sq_col_value(struct sq_stmt *stmt, int at, struct arena *arena);
int64_t sq_changes(struct sq *sq); /* rows that the last sq_done changed */
int64_t sq_last_id(struct sq *sq); /* the id that the last INSERT gave */
/* Before the first sq_row: very many rows may follow, and not all may be wanted. */
void sq_stream(struct sq_stmt *stmt);

enum status sq_begin(struct sq *sq, struct err *err); /* writing; refuses zombies */
/* Likewise, but waits for no other writer: only for rows that were read with skip_locked, or that
 * nobody changes but this process. What a statement finds may be changed by whoever has the turn,
 * unless they are `alone`. */
enum status sq_begin_beside(struct sq *sq, struct err *err);
/* Likewise, one behind the other: what is shared by those who send over one connection. */
enum status sq_begin_in_line(struct sq *sq, int64_t connection_id, struct err *err);
enum status sq_begin_read(struct sq *sq, struct err *err);
enum status sq_end(struct sq *sq, enum status rc,
                   struct err *err); /* commits OK, else rolls back */
int64_t sq_now(struct sq *sq);
/* `count` rows of a sheet came, went or changed: how far samples of its indexes are
 * from the truth. Stored with the transaction. */
void sq_moved(struct sq *sq, int64_t table_id, int64_t count);
enum status sq_store_moves(struct sq *sq, struct err *err);
/* ---- workspace.c: inside a transaction, or reading */
enum status sq_read_names(struct sq *sq, struct err *err);
/* Names a workspace that has none, and counts its epoch: store.epoch. */
enum status sq_next_epoch(struct sq *sq, const char *name, struct err *err);
/* Frees what processes had that are gone: leases, runs, running cells. */
enum status sq_tidy(struct sq *sq, struct err *err);

/* ---- migrations.c */
enum status sq_migrate(struct sq *sq, struct err *err);
int sq_schema_version(void); /* the newest this program knows */

/* ---- holds.c: what hold_all does, inside a transaction */
enum status sq_hold_all(struct sq *sq, const char *who, const char *why, int64_t from_ms,
                        int64_t *ops, struct err *err);

/* ---- driver.c */
extern const struct store_driver sq_sqlite_driver, sq_postgres_driver;

#endif
