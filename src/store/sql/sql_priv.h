/* sql_priv.h - the store in SQL: what its nouns share, whichever database is below.
 *
 * Every file here is a noun of store.h and holds all SQL of it, once, for SQLite
 * and PostgreSQL alike. A `struct sq` is a session on one of them
 * (sql_session.h); an engine (store/sqlite, store/postgres) runs its statements.
 *
 * What both understand, and a new statement keeps to:
 *   - a truth is no number: `x<>0`, not `x`; `(a&b)<>0`; `1=1`, not `1`
 *   - an upsert names its table to speak of the row that is there:
 *     INSERT INTO t AS x(..) .. ON CONFLICT(..) DO UPDATE SET n=x.n+1
 *     (no INSERT OR REPLACE; a failing statement ends the transaction)
 *   - a subquery in FROM has a name; COLLATE NOCASE belongs to the column
 *   - the same ? is of one type everywhere: sq_int for numbers, sq_text for texts
 *   - JSON is taken apart here, not there
 *   - DDL as in migrations.c: INTEGER, TEXT, BLOB; INTEGER PRIMARY KEY
 *     AUTOINCREMENT for ids that sq_last_id or RETURNING tells
 * No statement speaks of the workspace: the PostgreSQL engine confines each one.
 *
 * Shape of a writing call:
 *     if (sq_begin(sq, err) != OK) return FAIL;
 *     return sq_end(sq, do_it(sq, ..., err), err); */
#ifndef ARGIL_STORE_SQL_PRIV_H
#define ARGIL_STORE_SQL_PRIV_H

#include "model/due.h"
#include "store/sql/sql_session.h"
#include "store/store_access.h"
#include "store/store_dedupe.h"
#include "store/store_describes.h"
#include "store/store_history.h"
#include "store/store_leases.h"
#include "store/store_sources.h"
#include "store/store_versions.h"

/* ---- migrations.c: the steps */
extern const char sq_step_push[];        /* step_push.c */
extern const char sq_step_history[];     /* step_history.c */
extern const char sq_step_contracts[];   /* contracts.c */
extern const char sq_step_plans[];       /* plans.c */
extern const char sq_step_holds[];       /* holds.c */
extern const char sq_step_jobs[];        /* jobs.c */
extern const char sq_step_parts[];       /* parts.c */
extern const char sq_step_shares[];      /* shares.c */
extern const char sq_step_people[];      /* step_people.c */
extern const char sq_step_runs[];        /* step_runs.c */
extern const char sq_step_views[];       /* step_views.c */
extern const char sq_step_schedules[];   /* step_schedules.c */
extern const char sq_step_connections[]; /* step_connections.c */
extern const char sq_step_live[];        /* step_live.c */
extern const char sq_step_matches[];     /* matches.c */
extern const char sq_step_alerts[];      /* alerts.c */
extern const char sq_step_columns[];     /* step_columns.c */
extern const char sq_step_laters[];      /* laters.c */
extern const char sq_step_costs[];       /* costs.c */
extern const char sq_step_http[];        /* http.c */
extern const char sq_step_column_schedules[]; /* schedules.c */
extern const char sq_step_http_bound[];  /* http.c */
extern const char sq_step_open_ops[];
extern const char sq_step_settled[];
extern const char sq_step_edits[];       /* edits.c */
extern const char sq_step_pull[];       /* step_drift.c */
extern const char sq_step_rejects[];     /* step_rejects.c */
extern const char sq_step_dedupe[];      /* dedupe.c */
extern const char sq_step_kept_history[]; /* history.c */
extern const char sq_step_versions[];    /* versions.c */
enum status sq_step_sources(struct sq *sq, struct err *err); /* step_sources.c: every sheet, too */
enum status sq_step_epochs(struct sq *sq, struct err *err);  /* step_epochs.c */
enum status sq_step_tidy(struct sq *sq, struct err *err);    /* tidy.c */

/* ---- sources.c: what a source holds */
enum status sq_sound(struct store *store, struct err *err); /* session.c */
#define SQ_SOURCE_BIT(slot) ((long long)1 << (slot))
/* Reads table->sources, and from the first of them source, connection, object. */
enum status sq_read_sources(struct sq *sq, struct arena *arena, struct table *table,
                            struct err *err);
/* Makes the stored sources those of the table (table_apply). */
enum status sq_place_sources(struct sq *sq, struct table *table, struct err *err);
/* Adds to the live rows that a source holds; cursor NULL = unchanged. */
enum status sq_source_note(struct sq *sq, int64_t table_id, int slot, int64_t more,
                           const char *cursor, int64_t heard /* 0 = unchanged */, struct err *err);
extern const struct store_sources sq_sources;
extern const char sq_step_choices[];     /* choices.c */
extern const char sq_step_counters[];    /* counters.c */
extern const char sq_step_modes[];       /* modes.c */
extern const char sq_step_gates[];       /* gates.c */
extern const char sq_step_describes[];   /* step_describes.c */

/* ---- tables.c */
struct sheet_info {
    int64_t next_rid, row_count;
    bool keyed; /* the unique index on key exists */
};
enum status sq_sheet_info(struct sq *sq, int64_t table_id, struct sheet_info *out, struct err *err);
/* ERR_NOT_FOUND when there is no such table. */
enum status sq_column_slot(struct sq *sq, int64_t column_id, int *slot, struct err *err);
/* Adds to the count of live rows. */
enum status sq_count_rows(struct sq *sq, int64_t table_id, int64_t more, struct err *err);

/* ---- table_apply.c: the two tables of a sheet, without columns */
enum status sq_make_sheet(struct sq *sq, int64_t table_id, struct err *err);

/* ---- import_finish.c: the unique index on key; rows that came twice are merged first */
enum status sq_make_key_index(struct sq *sq, int64_t table_id, struct err *err);

/* Rows of a query, inside a transaction: rows.c. */
enum status sq_read_rows(struct sq *sq, struct arena *arena, const struct row_query *query,
                         struct row **out, size_t *count, struct err *err);

/* ---- rows.c: a removed row keeps its id and key, and nothing else */
struct row_remover {
    struct sq *sq;
    int64_t table_id;
    struct sq_stmt *blank, *forget;
    VEC(int64_t) columns;
};
enum status row_remover_open(struct row_remover *r, struct sq *sq, int64_t table_id,
                             struct err *err);
void row_remover_close(struct row_remover *r);
enum status row_remove(struct row_remover *r, int64_t row_id, struct err *err);

/* ---- dedupe.c: each key once among a table's live rows (auto_dedupe) */
#define SQ_MERGED 3       /* deleted: out of sight, part of another row */
#define SQ_TIDIED 4       /* deleted: removed by auto_delete, held by its sources (tidy.c) */
#define SQ_HOLDS  "(0,3,4)" /* deleted IN: rows that their sources hold */
struct deduper {
    struct sq *sq;
    int64_t table_id;
    bool on; /* the table has such a rule; otherwise all of this does nothing */
    int64_t column_id;
    int slot, as;
    bool newest;
    int64_t live;             /* how the number of live rows changes */
    int64_t merged, returned; /* rows */
};
enum status deduper_open(struct deduper *d, struct sq *sq, int64_t table_id, struct err *err);
/* A live or merged row's value in the column is this now. */
enum status deduper_take(struct deduper *d, int64_t row_id, struct value value, struct err *err);
/* A row was deleted: its key is free. */
enum status deduper_drop(struct deduper *d, int64_t row_id, struct err *err);
/* Before the transaction ends: counts the rows, and tells the audit. */
enum status deduper_finish(struct deduper *d, struct err *err);
/* Makes the stored rule that of table->rules (table_apply); columns have ids and slots. */
enum status sq_place_dedupe(struct sq *sq, const struct table *table, struct err *err);
extern const struct store_dedupe sq_dedupe;
/* dedupe_preview.c: store_dedupe.h's preview. */
enum status sq_dedupe_preview(struct store *store, struct arena *arena, int64_t table_id,
                              const struct dedupe_rule *rule, size_t limit,
                              struct same_report *out, struct err *err);

/* ---- history.c: what became of rows and cells, where a table's rules want it kept */
struct historian {
    struct sq *sq;
    int64_t table_id, run_id;
    enum history_by by;
    int64_t keep_ms; /* 0 = the table keeps none, and all of this does nothing */
    int64_t lines;
};
enum status historian_open(struct historian *h, struct sq *sq, int64_t table_id,
                           enum history_by by, int64_t run_id, struct err *err);
enum status historian_row(struct historian *h, int64_t row_id, enum history_what what,
                          struct err *err);
/* Before the cell takes this value: a line when it differs. */
enum status historian_cell(struct historian *h, int64_t row_id, int slot, struct value new,
                           struct err *err);
enum status historian_forget(struct historian *h, int64_t row_id, struct err *err);
/* Before the transaction ends: lets go of lines that are too old. */
enum status historian_finish(struct historian *h, struct err *err);
/* How long is what table->rules says (table_apply). */
enum status sq_place_history(struct sq *sq, const struct table *table, struct err *err);
extern const struct store_history sq_history;

/* ---- versions.c: what a table was, at each change; inside its transaction */
/* Before a table without versions changes: what it has been until now. */
enum status sq_first_version(struct sq *sq, int64_t table_id, struct err *err);
/* After it: nothing when nothing differs. */
enum status sq_add_version(struct sq *sq, int64_t table_id, const char *who, const char *note,
                           struct err *err);
extern const struct store_versions sq_versions;

/* ---- row_leaver.c: a source no longer has a row */
struct row_leaver {
    struct sq *sq;
    int64_t table_id;
    int slot;
    enum when_deleted how; /* MARK or REMOVE */
    struct row_remover remover;
    bool remover_open;
    struct deduper dedupe;
    struct historian history;
    struct sq_stmt *leave, *mark;
    int64_t left, live, held; /* rows that left; how the counts of table and source change */
};
enum status row_leaver_open(struct row_leaver *l, struct sq *sq, int64_t table_id, int slot,
                            enum when_deleted how, struct err *err);
void row_leaver_close(struct row_leaver *l);
/* `deleted` and `src` as stored; *left when that changes anything. stamp NULL: kept. */
enum status row_leave(struct row_leaver *l, int64_t row_id, int deleted, int64_t src,
                      const char *stamp, bool *left, struct err *err);

/* ---- cell_writer.c: the one writer of cell values and states */

/* A cell is held while something is under way for it: making it due then only
 * remembers `again`, and settling it turns it due. The sheet's states are x here. */
#define SQ_HELD                                                                                    \
    "(x.state IN (2,3,11) OR (x.op_id<>0 AND x.state=8))" /* queued, running, in doubt; or         \
                                                             retrying with an operation */
/* What making a cell due sets where it has a state already, and where that is news. */
#define SQ_UNLESS_HELD(column, otherwise)                                                          \
    column "=CASE WHEN " SQ_HELD " THEN x." column " ELSE " otherwise " END"
#define SQ_SET_DUE                                                                                 \
    "again=CASE WHEN " SQ_HELD " THEN 1 ELSE 0 END," SQ_UNLESS_HELD("op_id", "0") ","              \
    SQ_UNLESS_HELD("attempt", "0") "," SQ_UNLESS_HELD("not_before", "0") ","                       \
    SQ_UNLESS_HELD("code", "NULL") "," SQ_UNLESS_HELD("message", "NULL") ","                       \
    SQ_UNLESS_HELD("changed", "?3") "," SQ_UNLESS_HELD("state", "1")
#define SQ_NOT_DUE_YET "x.state<>1 AND x.again<>1"

struct cell_writer {
    struct sq *sq;
    int64_t table_id, now;
    const struct dependents *dependents;
    size_t dependent_count;
    struct sq_stmt *due, *put, *drop, *settle, *wake, *mark, *once_more;
    struct sq_stmt *cost; /* once one is kept */
    struct deduper dedupe;
    struct historian history; /* by results; an importer says otherwise */
    VEC(struct sq_stmt *) by_slot;
    int64_t made_due, due_again;
};
/* Zeroed memory is fine before; statements are the cache's. */
enum status cell_writer_open(struct cell_writer *w, struct sq *sq, int64_t table_id,
                             const struct dependents *dependents, size_t count, struct err *err);
void cell_writer_close(struct cell_writer *w);
/* Before the transaction ends, when all went well. */
enum status cell_writer_finish(struct cell_writer *w, struct err *err);
enum status cell_writer_put(struct cell_writer *w, const struct cell_result *result,
                            struct err *err);
/* Values of all of them first, then their states, then what depends on them: each cell once. */
enum status cell_writer_put_many(struct cell_writer *w, const struct cell_result *results,
                                 size_t count, struct err *err);
enum status cell_writer_due(struct cell_writer *w, int64_t column_id, int64_t row_id,
                            struct err *err);
/* The same for a row that has no states yet: nothing is asked for. */
enum status cell_writer_due_first(struct cell_writer *w, int64_t column_id, int64_t row_id,
                                  struct err *err);

/* Refuses a cell that is not held, without computing it. */
enum status cell_writer_refuse(struct cell_writer *w, int64_t column_id, int64_t row_id,
                               const char *code, const char *message, struct err *err);
/* What a change means for a cell (model/due.h): due, marked, or nothing. Fills c->state. */
enum status cell_writer_decide(struct cell_writer *w, int64_t column_id, int64_t row_id,
                               struct due_case *c, struct err *err);

/* ---- journal.c */
/* PLANNED .. IN_DOUBT, and the others; the indexes know these very words. */
#define SQ_OPEN_OPS    "is_open=1"
#define SQ_SETTLED_OPS "is_open=0"
enum status sq_open_ops(struct sq *sq, const char *column, int64_t id, int64_t *count,
                        struct err *err);
#define SQ_OP_COLUMNS                                                                              \
    "id,op_key,org_id,connection_id,table_id,row_id,column_id,run_id,generation,kind,object,"      \
    "key_field,key_value,target_id,payload,payload_sha256,before,mode,state,attempt,epoch,"        \
    "sent_ms,deadline_ms,not_before_ms,evidence,result_id,result_stamp,adopted,error_code,"        \
    "error_message,created_ms,done_ms,base_stamp,settings,priority,ticket"
#define SQ_OP_COLUMN_COUNT 36
void sq_read_op(struct sq_stmt *stmt, struct arena *arena, struct op *op);

/* ---- loops.c: columns that feed each other over the org */
#define ERR_LOOP "loop.broken"
struct loop_guard {
    struct sq *sq;
    const char *org_id; /* NULL: nothing of ours was ever written there */
    int64_t table_id;
    const char *message; /* for the cell, when broken; on the scratch arena */
};
/* A value of a record changed and it is no echo. *broken: it does so again and again after
 * our own writes. */
enum status loop_guard_look(struct loop_guard *g, int64_t row_id, int slot, const char *record_id,
                            bool *broken, struct err *err);

/* ---- written.c: what we last wrote to a record's field */
enum status written_remember(struct sq *sq, const struct op *op, const char *record_id,
                             const char *stamp, struct err *err);
struct echo {
    struct sq *sq;
    const char *org_id; /* NULL: nothing can be an echo */
    int64_t table_id;
    struct sq_stmt *get, *any, *spend, *made;
};
enum status echo_open(struct echo *echo, struct sq *sq, int64_t table_id, int source,
                      struct err *err);
/* Is this new value of a field what we wrote there and have not seen come back? */
enum status echo_is(struct echo *echo, const char *record_id, const char *field, struct value value,
                    const char *stamp, bool *is, struct err *err);
/* Did an operation of this same table make the record? */
enum status echo_made(struct echo *echo, const char *record_id, bool *made, struct err *err);
/* As strcmp, for SystemModstamp in any of its spellings; NULL is the oldest. */
int stamp_compare(const char *a, const char *b);

/* ---- audit.c */
/* Reads the end of the chain, in a turn, once a transaction: audit_append does it where nobody did,
 * but then rows that wait to go together go at once. */
enum status audit_begin(struct sq *sq, struct err *err);
/* Writes the end of the chain when lines were added: sq_end does, before it commits. */
enum status audit_end(struct sq *sq, struct err *err);
enum status audit_append(struct sq *sq, const char *who, const char *what, const char *detail,
                         struct err *err); /* inside a transaction */

/* ---- evidence.c */
/* The new evidence, with what came late before it. */
enum status evidence_join(struct sq *sq, int64_t id, const char *held, const char *news,
                          struct err *err);
/* A zombie's news: into evidence, and nowhere else. */
enum status evidence_keep_late(struct sq *sq, const struct op_settle *s, struct err *err);

/* ---- groups of operations, one file each */
extern const struct store_leases sq_leases;
extern const struct store_schedules sq_schedules;
extern const struct store_views sq_views;
extern const struct store_access sq_access;
extern const struct store_describes sq_describes;
extern const struct store_people sq_people;
extern const struct store_runs sq_runs;
extern const struct store_audit sq_audit;
extern const struct store_choices sq_choices;
extern const struct store_counters sq_counters;
extern const struct store_modes sq_modes;
extern const struct store_gates sq_gates;
extern const struct store_tidy sq_row_tidy;
extern const struct store_contracts sq_contracts;
extern const struct store_plans sq_plans;
extern const struct store_matches sq_matches;
extern const struct store_alerts sq_alerts;
extern const struct store_holds sq_holds;
extern const struct store_jobs sq_jobs;
extern const struct store_laters sq_laters;
extern const struct store_parts sq_parts;
extern const struct store_shares sq_shares;
/* ---- shares.c: is the switch on, as the present transaction sees it? */
enum status sq_sending_stopped(struct sq *sq, bool *stopped, struct err *err);
extern const struct store_costs sq_costs;
extern const struct store_http sq_http;
/* ---- costs.c: inside the transaction of the result */
struct sq_stmt *sq_cost_stmt(struct sq *sq, struct err *err);
enum status sq_keep_cost(struct sq *sq, struct sq_stmt *stmt, int64_t table_id,
                         const struct cell_result *r, struct err *err);

/* ---- runs.c: inside a transaction; sets run->id */
enum status sq_insert_run(struct sq *sq, struct run *run, enum run_state state, struct err *err);
extern const struct store_edits sq_edits;

/* ---- the driver's functions, in the order of store.h */
void sq_watch(struct store *, const struct store_watch *);
enum status sq_connection_put(struct store *, struct connection *, struct err *);
enum status sq_connection_get(struct store *, struct arena *, const char *, struct connection *,
                              struct err *);
enum status sq_connection_list(struct store *, struct arena *, struct connection **, size_t *,
                               struct err *);
enum status sq_connection_delete(struct store *, const char *, struct err *);
enum status sq_sealed_put(struct store *, const char *, const char *, struct err *);
enum status sq_sealed_get(struct store *, struct arena *, const char *, const char **,
                          struct err *);
enum status sq_sealed_delete(struct store *, const char *, struct err *);
enum status sq_sealed_replace(struct store *, const char *const *, const char *const *, size_t,
                              struct err *);
enum status sq_sealed_list(struct store *, struct arena *, const char *, const char ***, size_t *,
                           struct err *);
enum status sq_table_apply(struct store *, struct table *, struct err *);
enum status sq_table_get(struct store *, struct arena *, const char *, struct table *,
                         struct err *);
enum status sq_table_list(struct store *, struct arena *, struct table **, size_t *, struct err *);
enum status sq_table_set_auto_update(struct store *, int64_t, bool, struct err *);
enum status sq_table_set_next_sync(struct store *, int64_t, int64_t, struct err *);
enum status sq_column_approve(struct store *, int64_t, int64_t, struct err *);
enum status sq_table_delete(struct store *, const char *, struct err *);
enum status sq_import_page(struct store *, const struct import_page *, struct import_counts *,
                           struct err *);
enum status sq_import_finish(struct store *, int64_t, struct err *);
enum status sq_cursor_get(struct store *, struct arena *, int64_t, int, const char **,
                          struct err *);
enum status sq_keys_list(struct store *, struct arena *, int64_t, int, const char *, size_t,
                         const char ***, size_t *, struct err *);
enum status sq_rows_delete(struct store *, int64_t, int, const char *const *, size_t,
                           enum when_deleted, struct err *);
enum status sq_rows(struct store *, struct arena *, const struct row_query *, struct row **,
                    size_t *, struct err *);
enum status sq_cells(struct store *, struct arena *, int64_t, int64_t, const int64_t *, size_t,
                     struct cell *, struct err *);
enum status sq_cells_put(struct store *, int64_t, const struct cell_result *, size_t,
                         const struct dependents *, size_t, struct err *);
enum status sq_cells_make_due(struct store *, int64_t, int64_t, uint32_t, const int64_t *, size_t,
                              int64_t *, struct err *);
enum status sq_cells_count(struct store *, int64_t, int64_t, int64_t[CELL_STATES],
                           struct err *);
enum status sq_cells_in(struct store *, int64_t, int64_t, uint32_t, int64_t *, struct err *);
enum status sq_ops_plan(struct store *, struct op *, size_t, enum plan_result *,
                        const struct cell_result *, const int64_t *, struct err *);
enum status sq_ops_put_off(struct store *, const int64_t *, size_t, int64_t, struct err *);
enum status sq_ops_sending(struct store *, struct op *, size_t, int64_t, struct err *);
enum status sq_ops_settle(struct store *, const struct op_settle *, size_t,
                          const struct dependents *, size_t, size_t *, struct err *);
enum status sq_ops_list(struct store *, struct arena *, const struct op_query *, struct op **,
                        size_t *, struct err *);
enum status sq_ops_last(struct store *, struct arena *, int64_t, int64_t, const int64_t *, size_t,
                        struct op *, struct err *);
enum status sq_ops_count(struct store *, int64_t, struct op_counts *, struct err *);
enum status sq_ops_recover(struct store *, int64_t *, struct err *);
enum status sq_written_get(struct store *, struct arena *, const char *, const char *, const char *,
                           struct value *, bool *, struct err *);
enum status sq_run_begin(struct store *, struct run *, struct err *);
enum status sq_run_report(struct store *, int64_t, const char *, struct err *);
enum status sq_run_end(struct store *, int64_t, enum run_state, const char *, const char *,
                       struct err *);
enum status sq_run_list(struct store *, struct arena *, int64_t, size_t, struct run **, size_t *,
                        struct err *);
enum status sq_audit_add(struct store *, const char *, const char *, const char *, struct err *);
enum status sq_audit_verify(struct store *, int64_t *, struct err *);

#endif
