/* store.h - what must be remembered, in our words.
 *
 * A driver (sqlite today) implements `struct store_driver`; the engine calls
 * store->does->... and never sees SQL. Every call that changes something is one
 * transaction and durable when it returns OK (SQLite: WAL, synchronous=FULL).
 * Any I/O error is ERR_STORE_BROKEN: stop sending, leave, recover from the
 * journal at the next start (W8). One thread at a time per struct store. */
#ifndef ARGIL_STORE_STORE_H
#define ARGIL_STORE_STORE_H

#include "base/bits.h"
#include "base/str.h"
#include "base/world.h"
#include "model/model.h"

#define ERR_STORE_BROKEN "store.broken" /* disk or database failed: the process must leave */
#define ERR_STORE_LOCKED "store.locked" /* another argil works on this data directory */
#define ERR_STORE_LOST "store.lost"   /* no connection to the database: nothing was done, try again */
/* It failed this process, whatever it was asked for: no cell, source or remote is to blame. */
static inline bool store_failed(const struct err *problem)
{
    return err_is(problem, ERR_STORE_BROKEN) || err_is(problem, ERR_STORE_LOCKED) ||
           err_is(problem, ERR_STORE_LOST);
}
#define ERR_STORE_NEWER "store.newer"   /* written by a newer argil: refused */
#define ERR_STORE_NONE "store.none"     /* no workspace here: argil init */
#define ERR_AUDIT_TAMPERED "audit.tampered" /* the chain of the audit does not hold */

struct store {
    const struct store_driver *does;
    const char *workspace_id; /* UUID */
    const char *workspace_name;
    int64_t epoch;            /* grows with each writing open; 0 when read-only */
    const char *found_copy;   /* this open found that the store is a copy, or older than it was, and
                                 held every connection: why (store_holds.h); else NULL */
};

/* ----------------------------------------------------------- changes */

/* What a committed call has changed. Rows: cells count as their row. */
enum store_noun { NOUN_ROWS, NOUN_TABLE, NOUN_RUN, NOUN_CONNECTION, NOUN_OPERATION, NOUN_PLAN, NOUN_ALERT,
                  NOUN_ACCESS, /* sign-ins of a user ended: `id`, 0 = of everybody; `table_id` is the session's
                                  alone, 0 = any */
                  NOUN_ANY /* what others changed was missed: it may be anything */ };
struct store_change {
    enum store_noun noun;
    int64_t table_id;    /* rows, table, run, operation, plan; 0 = none */
    int64_t id;          /* of the run, connection or plan; 0 = several */
    const int64_t *rows; /* NOUN_ROWS: which ones, lent for the call */
    size_t row_count;
    bool many;           /* NOUN_ROWS: too many to name */
};
/* Called after each commit by the thread that committed, and by several at once; where other
 * processes have the store open (PostgreSQL), also for what they commit, by a thread of the store.
 * It must not call the store and must not block. */
struct store_watch {
    void (*changed)(void *ctx, const struct store_change *change);
    void *ctx;
};

/* ------------------------------------------------------------ import */

struct row_in {
    const char *key;   /* 18-char Id, or the unique_by key */
    const char *stamp; /* SystemModstamp as read, or NULL */
    bool deleted;      /* the remote says it is deleted */
    const struct value *values; /* one for each of page->slots */
    const char *record; /* the record's Id where the key is something else, to tell echoes; or NULL */
};

/* MARK: the row stays, deleted. REMOVE: its values and states go; its id and key
 * stay out of sight, so that a record that comes back is known by the journal.
 * Either way a row that is seen live again is revived. */
enum when_deleted { DELETED_MARK, DELETED_REMOVE, DELETED_KEEP };

struct import_page {
    int64_t table_id, run_id;
    int source;             /* slot of the source that the rows come from */
    const int *slots;       /* physical columns of the values */
    size_t slot_count;
    /* The remote's names of the slots, to tell echoes: NULL = of none; "*" = not told, it may be
     * any field of the record. */
    const char *const *fields;
    const struct row_in *rows;
    size_t row_count;
    int64_t heard;          /* position of the change event that the rows follow from; 0 = none */
    const char *cursor;     /* JSON, stored with the source in the same transaction; NULL = unchanged */
    bool update_existing;   /* false: known rows are left alone */
    bool known_only;        /* only some fields of live rows: others are not added, nor revived */
    bool first_load;        /* the table was empty when this sync began: rows are new, key order */
    enum when_deleted when_deleted;
    /* Columns to make due for a new row; and for a changed one, by changed slot, those that
     * become due or are marked out of date. */
    const int64_t *due_for_new;
    size_t due_for_new_count;
    const struct due_rule {
        int slot;
        int64_t column_id;
        bool off; /* the column's auto-update is off */
    } *due_for_change;
    size_t due_for_change_count;
    bool table_off, keep_results; /* see model/due.h; update_existing is above */
    /* With `seen`, row ids met are put in, and a row that is in already is left alone and
     * counted: of several with one key the first stands. repeated[i] tells which; may be NULL.
     * New rows then go in as they came, and not by their keys. */
    struct bits *seen;
    bool *repeated;
};

/* import_page adds to these. Each row is exactly one of the first six: they sum
 * up to the rows. Deletions of rows we never had, or keep, are unchanged. */
struct import_counts {
    int64_t added, changed, unchanged, deleted, revived, stale /* older than what we hold */;
    int64_t echoes;   /* changes that only were our own writes coming back: nothing made due */
    int64_t repeats;  /* of the unchanged ones: those that were in `seen` before */
    int64_t made_due; /* cells */
    int64_t due_again; /* cells that were due already: a run that has read them must not have the last word */
    int64_t merged;   /* rows that became part of another by auto_dedupe, in this call */
    int64_t loops;    /* rows where two columns feed each other: what reads the value was refused */
};

static inline void import_counts_add(struct import_counts *sum, const struct import_counts *more)
{
    sum->added += more->added;
    sum->changed += more->changed;
    sum->unchanged += more->unchanged;
    sum->deleted += more->deleted;
    sum->revived += more->revived;
    sum->stale += more->stale;
    sum->echoes += more->echoes;
    sum->repeats += more->repeats;
    sum->made_due += more->made_due;
    sum->due_again += more->due_again;
    sum->merged += more->merged;
    sum->loops += more->loops;
}

/* -------------------------------------------------------------- rows */

struct cell;
struct row {
    int64_t id;
    const char *key;
    bool deleted;
    uint64_t sources;     /* bits 1 << slot of the sources that hold it */
    struct value *values; /* of the asked slots, in order */
    int64_t cell_ms;      /* with query.column_id: when its cell's state was set last; 0 = it has none */
    struct cell *cell;    /* with query.with_cells */
};

struct row_query {
    int64_t table_id;
    const int *slots;
    size_t slot_count;
    int64_t after;         /* row id; keyset paging */
    int64_t last;          /* row id: none behind it; 0 = to the end. Without ids */
    size_t limit;
    bool deleted_too;
    /* with column_id: only rows whose cell in that column is in one of these states */
    int64_t column_id;
    uint32_t states;       /* bits 1 << enum cell_state; 0 = any */
    bool with_cells;       /* that cell comes along */
    int64_t due_before_ms; /* CELL_RETRYING rows only when not_before <= this; 0 = all */
    const char *key;       /* or the one row with this key */
    const int64_t *ids;    /* or exactly these rows */
    size_t id_count;
};

/* ------------------------------------------------------------- cells */

/* A cell is held while something is under way for it: QUEUED, RUNNING, IN_DOUBT,
 * or RETRYING with an operation. Making a held cell due keeps its state and is
 * remembered: the result that ends the hold turns it DUE. Mark cells RUNNING
 * before reading their inputs when others may import meanwhile. */
struct cell_cost {
    int64_t run_id;      /* that computed it; 0 = not told, and nothing is kept */
    int64_t at_ms;       /* read back: when */
    int64_t took_us;     /* its own exchange, or its share of what its batch took */
    int64_t calls_milli; /* thousandths of API calls and requests: a batch may share one */
    int attempts;        /* this one included */
};
struct cell_result {
    int64_t row_id, column_id;
    int slot;
    enum cell_state state;
    struct value value;       /* stored when set_value */
    bool set_value;
    const char *code, *message; /* of an error or refusal, with cause and hint folded into message */
    int64_t op_id;            /* the operation it waits for, or 0 */
    int attempt;
    int64_t not_before_ms;
    /* row.cell_ms as it came with the inputs; 0 = not told. A cell that was made due again since
     * then takes the value and stays due: the inputs are old. */
    int64_t read_ms;
    struct cell_cost cost;
};
struct cell {
    int64_t row_id, column_id;
    enum cell_state state;
    const char *code, *message;
    int64_t op_id;
    int attempt;
    int64_t not_before_ms, changed_ms;
};

/* When a cell's value really changes, these of the same row become due, or are
 * marked out of date, as model/due.h decides. When it only becomes ready (OK, EMPTY,
 * NO_RESULT, SKIPPED), those of them that are WAITING become due. */
struct dependents {
    int64_t column_id; /* changed column */
    const int64_t *due;
    size_t due_count;
    const bool *off;   /* of each: its auto-update is off; NULL = all are on */
    bool table_off;    /* the table's auto-update is off */
    bool keep_results;
};

/* ------------------------------------------------------------ journal */

enum plan_result {
    PLAN_NEW,  /* stored as PLANNED */
    PLAN_SAME, /* (row, column, generation) is already there */
    PLAN_BUSY  /* another open operation holds the same cell, business key or record: ops[i].id is ITS id; try later */
};

/* `from` -> `to` must be a move that model.h allows, and not to SENDING, or the
 * whole call is ERR_INVALID. An operation that is not in `from` any more is
 * fenced: its news is kept in its evidence under "late". */
struct op_settle {
    int64_t id;
    int64_t epoch;              /* must match the op's, else the outcome goes to evidence only (W7) */
    enum op_state from, to;
    const char *result_id, *result_stamp, *evidence, *error_code, *error_message;
    const char *base_stamp;     /* the record as it was read now; NULL = unchanged */
    bool adopted;
    int64_t not_before_ms;
    struct cell_result cell;    /* written in the same transaction (W6); row_id 0 = none */
    const char *audit;          /* one line for the audit, or NULL */
};

struct op_query {
    int64_t table_id, column_id, run_id, row_id; /* 0 = any */
    uint32_t states;   /* bits 1 << enum op_state; 0 = any */
    int64_t after_id;
    int64_t before_id; /* newest first, older than this; INT64_MAX = from the newest; 0 = by id, after after_id */
    size_t limit;
    int64_t ready_at_ms; /* 0 = any; else only not_before_ms <= this */
    int most_priority;   /* 0 = any; else only priority < this */
    const char *ticket;  /* NULL = any */
    const char *record;  /* that wrote to, made, or are about to write to this record (15 or 18 characters);
                            NULL = any */
    int64_t done_since_ms; /* ended at this time or later; 0 = any */
    int64_t after_row, last_row; /* after_row < row id <= last_row; last_row 0 = any */
};

struct op_counts {
    int64_t by_state[OP_CANCELLED + 1], total; /* conservation: the sum is the total */
};

/* ------------------------------------------------------------ driver */

struct store_driver {
    const char *name;
    void (*close)(struct store *store);
    /* A further handle on the same workspace, for another thread of this process.
     * It shares lock and epoch; writers of all handles take turns in the order
     * they came. After ERR_STORE_BROKEN on one, all refuse. Handles may be closed
     * in any order; the last one lets the workspace go. */
    enum status (*open_another)(struct store *, bool read_only, struct store **out, struct err *err);
    /* ERR_STORE_BROKEN when an earlier write failed: then nothing may be sent any more
     * (reliability W8). Looks at memory alone. */
    enum status (*sound)(struct store *, struct err *);
    /* Who hears of changes made through any handle of this process; NULL = nobody.
     * Set it before other threads have handles. */
    void (*watch)(struct store *, const struct store_watch *watch);

    /* groups, each in a header of its own */
    const struct store_leases *leases;       /* store_leases.h */
    const struct store_access *access;       /* store_access.h */
    const struct store_counters *counters;   /* store_counters.h */
    const struct store_modes *modes;         /* store_modes.h */
    const struct store_describes *describes; /* store_describes.h */
    const struct store_people *people;       /* store_people.h */
    const struct store_runs *runs;           /* store_runs.h */
    const struct store_audit *audit;         /* store_audit.h */
    const struct store_sources *sources;     /* store_sources.h */
    const struct store_choices *choices;     /* store_choices.h */
    const struct store_schedules *schedules; /* store_schedules.h */
    const struct store_views *views;         /* store_views.h */
    const struct store_contracts *contracts; /* store_contracts.h */
    const struct store_plans *plans;         /* store_plans.h */
    const struct store_matches *matches;     /* store_matches.h */
    const struct store_alerts *alerts;       /* store_alerts.h */
    const struct store_holds *holds;         /* store_holds.h */
    const struct store_jobs *jobs;           /* store_jobs.h */
    const struct store_gates *gates;         /* store_gates.h */
    const struct store_tidy *tidy;           /* store_tidy.h */
    const struct store_edits *edits;         /* store_edits.h */
    const struct store_dedupe *dedupe;       /* store_dedupe.h */
    const struct store_versions *versions;   /* store_versions.h */
    const struct store_history *history;     /* store_history.h */
    const struct store_laters *laters;       /* store_laters.h */
    const struct store_parts *parts;         /* store_parts.h */
    const struct store_shares *shares;       /* store_shares.h */
    const struct store_costs *costs;         /* store_costs.h */
    const struct store_http *http;           /* store_http.h */

    /* connections; names are unique */
    enum status (*connection_put)(struct store *, struct connection *connection, struct err *); /* sets id */
    enum status (*connection_get)(struct store *, struct arena *, const char *name, struct connection *out, struct err *);
    enum status (*connection_list)(struct store *, struct arena *, struct connection **out, size_t *count, struct err *);
    enum status (*connection_delete)(struct store *, const char *name, struct err *); /* ERR_CONFLICT while operations are open */
    /* sealed texts by label: tokens, client secrets, user secrets */
    enum status (*sealed_put)(struct store *, const char *label, const char *sealed, struct err *);
    enum status (*sealed_get)(struct store *, struct arena *, const char *label, const char **out, struct err *); /* ERR_NOT_FOUND */
    enum status (*sealed_delete)(struct store *, const char *label, struct err *);
    /* New texts under known labels, all or none; the old ones are overwritten on disk. */
    enum status (*sealed_replace)(struct store *, const char *const *labels, const char *const *sealed, size_t count, struct err *);
    enum status (*sealed_list)(struct store *, struct arena *, const char *prefix, const char ***labels, size_t *count, struct err *);

    /* tables: apply creates or changes one table and all its columns in one
     * transaction; columns are matched by name, missing ones are hidden (data
     * kept; ERR_CONFLICT while one of them has open operations). Sets ids and slots. Going in, column.depends holds positions in
     * table->columns (ids are not known yet); read back, it holds ids. A column
     * that returns has its old id and data. A column whose kind or config changed
     * loses its approval. Sources are matched by name, too: missing ones are
     * hidden, one of another kind, connection or object loses its cursor. Without
     * sources, table->source is the config of the only one, named "source". */
    enum status (*table_apply)(struct store *, struct table *table, struct err *);
    enum status (*table_get)(struct store *, struct arena *, const char *name, struct table *out, struct err *);
    enum status (*table_list)(struct store *, struct arena *, struct table **out, size_t *count, struct err *);
    enum status (*table_set_auto_update)(struct store *, int64_t table_id, bool on, struct err *);
    enum status (*table_set_next_sync)(struct store *, int64_t table_id, int64_t at_ms, struct err *);
    enum status (*column_approve)(struct store *, int64_t column_id, int64_t at_ms, struct err *);
    enum status (*table_delete)(struct store *, const char *name, struct err *); /* ERR_CONFLICT while operations are open */

    /* import */
    enum status (*import_page)(struct store *, const struct import_page *page, struct import_counts *counts, struct err *);
    enum status (*import_finish)(struct store *, int64_t table_id, struct err *); /* after a first load: unique index */
    enum status (*cursor_get)(struct store *, struct arena *, int64_t table_id, int source, const char **json, struct err *); /* NULL = none */
    /* Live keys that a source holds, for sweeps. */
    enum status (*keys_list)(struct store *, struct arena *, int64_t table_id, int source, const char *after, size_t limit, const char ***keys, size_t *count, struct err *);
    enum status (*rows_delete)(struct store *, int64_t table_id, int source, const char *const *keys, size_t count, enum when_deleted how, struct err *);

    /* rows and cells */
    enum status (*rows)(struct store *, struct arena *, const struct row_query *query, struct row **out, size_t *count, struct err *);
    enum status (*cells)(struct store *, struct arena *, int64_t table_id, int64_t column_id, const int64_t *row_ids, size_t count, struct cell *out, struct err *); /* CELL_OK or CELL_EMPTY where no state is stored */
    enum status (*cells_put)(struct store *, int64_t table_id, const struct cell_result *results, size_t count, const struct dependents *dependents, size_t dependent_count, struct err *);
    /* Make cells due: of a column, for rows in `states` (0 = all rows). Returns how many. */
    enum status (*cells_make_due)(struct store *, int64_t table_id, int64_t column_id, uint32_t states, const int64_t *row_ids, size_t row_count, int64_t *made, struct err *);
    enum status (*cells_count)(struct store *, int64_t table_id, int64_t column_id, int64_t by_state[CELL_STATES], struct err *); /* CELL_OK = rows without a state whose cell has a value; CELL_EMPTY = the rest */

    /* How many cells of a column are in these states, which are not plain; those of deleted rows, too. */
    enum status (*cells_in)(struct store *, int64_t table_id, int64_t column_id, uint32_t states, int64_t *count, struct err *err);

    /* journal (reliability B.4) */
    /* cells[i] goes in with ops[i] when PLAN_NEW. looked_ms (may be NULL): when the remote was
     * asked for the business key; an operation with that key that was DONE since makes it
     * PLAN_BUSY, because the look-up could not see its record. 0 = nobody looked. */
    enum status (*ops_plan)(struct store *, struct op *ops, size_t count, enum plan_result *results, const struct cell_result *cells, const int64_t *looked_ms, struct err *);
    /* PLANNED or RETRY_SAFE -> SENDING, attempt+1, our epoch; synced (W1). Ops that moved
     * meanwhile, or whose connection is held (store_holds.h), get state unchanged; all of them
     * while sending is stopped (store_shares.h). The op's ticket is stored with the attempt (NULL = none),
     * its base_stamp when set. */
    enum status (*ops_sending)(struct store *, struct op *ops, size_t count, int64_t deadline_ms, struct err *);
    enum status (*ops_settle)(struct store *, const struct op_settle *settles, size_t count, const struct dependents *dependents, size_t dependent_count, size_t *fenced, struct err *);
    /* Sets not_before_ms and nothing else: not to be looked at before then. */
    enum status (*ops_put_off)(struct store *, const int64_t *ids, size_t count, int64_t not_before_ms, struct err *);
    enum status (*ops_list)(struct store *, struct arena *, const struct op_query *query, struct op **out, size_t *count, struct err *);
    enum status (*ops_last)(struct store *, struct arena *, int64_t table_id, int64_t column_id, const int64_t *row_ids, size_t count, struct op *out, struct err *); /* newest of each cell; id 0 = none */
    enum status (*ops_count)(struct store *, int64_t table_id /* 0 = all */, struct op_counts *out, struct err *);
    /* At start: SENDING and RECONCILING of other epochs -> UNKNOWN (W4). */
    enum status (*ops_recover)(struct store *, int64_t *moved, struct err *);
    /* What we last wrote to a record's field ("if_ours", echoes, undo); value NULL = never.
     * Remembered for every payload field when an operation is DONE, unless it adopted
     * a record from any state but RECONCILING: that one was found, not written. */
    enum status (*written_get)(struct store *, struct arena *, const char *org_id, const char *record_id, const char *field, struct value *out, bool *found, struct err *);

    /* runs, audit, counters */
    enum status (*run_begin)(struct store *, struct run *run, struct err *); /* sets id */
    enum status (*run_report)(struct store *, int64_t run_id, const char *report, struct err *);
    enum status (*run_end)(struct store *, int64_t run_id, enum run_state state, const char *report, const char *error, struct err *);
    enum status (*run_list)(struct store *, struct arena *, int64_t table_id, size_t limit, struct run **out, size_t *count, struct err *); /* newest first */
    enum status (*audit_add)(struct store *, const char *who, const char *what, const char *detail_json, struct err *); /* hash-chained */
    enum status (*audit_verify)(struct store *, int64_t *lines, struct err *);
};

/* ------------------------------------------------------------ opening */

struct store_open {
    const char *data;  /* data directory; the SQLite file is workspace.db in it */
    const char *name;  /* workspace name, when creating */
    bool create;       /* make the directory (0700) and an empty workspace; one that is there is opened */
    bool read_only;    /* takes no lock, no epoch */
    const char *seen;  /* folder outside of `data` for marks of what was open last, to find copies;
                          NULL = nobody looks */
    int schema; /* 0 = the newest. Brings the schema to this step and no further, as an earlier argil
                   would: what tests of migrations begin with. Operations may be ahead of it. */
    struct world *world;
};
/* Takes the data directory's lock unless read_only: ERR_STORE_LOCKED names the
 * process that holds it. */
enum status sqlite_store_open(const struct store_open *options, struct store **out, struct err *err);
/* A workspace in a PostgreSQL database, by libpq's URL and `workspace=NAME` among its
 * parameters (without it: options->name when creating, else the only one there).
 * options->data is not looked at. Any number of processes may have it open to write;
 * each has an epoch of its own. */
enum status postgres_store_open(const char *url, const struct store_open *options, struct store **out, struct err *err);

#endif
