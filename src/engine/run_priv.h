/* run_priv.h - what the files of the engine share: a job, its plan, a batch.
 *
 *   job      one call of run_table, sync_table or journal_recover: sessions,
 *            report, limits. Lives until run_job_close.
 *   plan     one column made ready: kind, config, inputs, dependents.
 *   batch    some rows of one column with their inputs; one arena, then gone.
 *
 * Nothing here is used outside src/engine. */
#ifndef ARGIL_ENGINE_RUN_PRIV_H
#define ARGIL_ENGINE_RUN_PRIV_H

#include "base/map.h"
#include "engine/columns/column_kind.h"
#include "engine/contract.h"
#include "engine/engine.h"
#include "store/store_holds.h"
#include "store/store_parts.h"

#define BIT(state) (1u << (state))

/* Kills the process or calls the test's hook when this point is asked for. */
void crash_point(struct engine *engine, const char *point);
int64_t engine_settle_ms(const struct engine *engine);
int64_t engine_now(const struct engine *engine);
const char *engine_actor(const struct engine *engine);
bool engine_stopping(const struct engine *engine);
/* Sealed texts by label (secrets.c). */
enum status engine_seal(struct engine *engine, const char *label, const struct secret *secret,
                        struct err *err);
enum status engine_unseal(struct engine *engine, const char *label, struct secret *out,
                          struct err *err);
enum status engine_secret_get(struct engine *engine, const char *name, struct secret *out,
                              struct err *err);

/* ----------------------------------------------------------------- job */

struct job_session {
    const char *name;
    int64_t connection_id;
    struct connection connection;
    struct crm_session *session;
    int64_t skew_ms; /* remote clock minus ours, from the first answer */
    bool skew_known;
    struct contract *contract; /* once contract_known; NULL = none */
    bool contract_known;
    struct store_hold hold; /* as restore.c read it last */
    double window;   /* exchanges that may be under way at once; 0 = not begun (journal_send.c) */
    bool braked;     /* rows were locked, or the org asked for less: the window grows slowly now */
    uint64_t budget; /* calls this session may use; 0 = unlimited */
    int64_t used_before, org_left; /* the org's own counter when the budget was made */
    int64_t taken, day;            /* calls of the day's budget that are ours: budget.c */
    int64_t places, asked_ms;      /* exchanges we may have under way; when asked: places.c */
    struct job_session *next;
};

struct column_plan {
    const struct column *column;
    const struct column_kind *kind;
    const struct json *config;
    const struct column **inputs; /* columns it reads, without repeats */
    size_t input_count;
    size_t *required;     /* positions in inputs of those that must not be blank */
    size_t required_count;
    int64_t delay_ms;     /* it computes so long after it became due */
    int64_t *dependents;  /* ids of the columns that read this one */
    bool *dependents_off; /* of each: it has no auto-update */
    size_t dependent_count;
};

/* A table with every computed column's plan, in dependency order. */
struct table_plan {
    struct table table;
    struct column_plan *columns;
    size_t column_count;
    bool keep_results;     /* of the table's rules */
    int64_t connection_id; /* unused by formula and HTTP columns */
    struct table_plan *next;
};

struct run_job {
    struct engine *engine;
    struct arena *arena;
    struct run_report *report;
    const struct run_options *options;
    int64_t run_id;
    bool queued;            /* the run waited in the store: others may know of it */
    bool taken_over;        /* ... and was led by another process before */
    /* run_parts.c: calls that others made for this run; those of ours that are in parts' reports */
    uint64_t calls_elsewhere, one_each_elsewhere, part_calls, part_one_each;
    const char *use;    /* of connections, for the audit: the run's kind; NULL before it begins */
    int64_t use_table;  /* the run's */
    int64_t started_ms; /* monotonic */
    int64_t opened_ms;  /* wall clock */
    struct job_session *sessions;
    struct table_plan *tables;              /* loaded so far */
    struct table_plan *table;               /* the one this run is about; NULL in recovery */
    int64_t max_row_id;                     /* --limit; 0 = no limit */
    int64_t *limit_ids;                     /* the rows up to there; NULL = no limit */
    size_t limit_count;
    bool by_states;                         /* options.rows are all that are in options.states */
    struct store_part part;                 /* the rows that are worked on; number 0 = all */
    int64_t writes_wanted;                  /* contract: approve_above */
    int64_t writes_sent;                    /* guard.max_writes_per_run */
    enum op_kind planned_kind;              /* dry run: of the column's latest planned write */
    enum write_mode planned_mode;
    struct job_session *planned_on;
    int64_t writes_held;                    /* planned, waiting for the column's Bulk job */
    const struct column_plan *holds;        /* the column whose writes are (not) held; journal_bulk.c */
    bool holding;
    const struct column_plan *canary_of;    /* whose canary batch was looked at; gates.c */
    int64_t canary_left;
    bool told_quiet;
    int64_t write_outcomes, write_failures; /* guard.stop_at_error_rate */
    int64_t told_outcomes, told_failures;   /* of those, that the run's other parts know of */
    bool stop_column;                       /* the present column must not go on */
    bool guard_full;                        /* no new operations: the guard's number is reached */
    bool stop_writing;                      /* no column may write any more (guard, pause) */
    int64_t duplicates_asked;      /* rows sent alone to hear which records a rule found */
    int64_t busy_rows;                      /* rows that wait for another write of this run */
    int64_t retry_soonest_ms;      /* earliest not_before among cells left retrying; 0 = none */
    struct {                       /* the pass over a column that is under way, for whoever watches */
        const struct column_plan *plan; /* NULL: there is none */
        uint32_t states;
        int64_t done, total;       /* rows of its batches that are over; total 0 = not known yet */
        int64_t rows, landed;      /* of the batch under way */
        bool last;                 /* no batch comes after it */
        int64_t told_ms;           /* monotonic */
    } pass;
    int64_t delayed_now;           /* cells of this column that the last pass left for later */
    int64_t delayed_soonest_ms;    /* likewise among cells whose column has a delay */
    struct map *names;             /* people, queues by name -> struct name_found; columns/org_names.c */
    struct http_cache *http_cache; /* answers of this run; columns/http_cache.c */
    /* A preview: results are shown here instead of being stored. */
    void (*show)(void *ctx, const struct cell_result *result);
    void *show_ctx;
};

enum status run_job_open(struct run_job *job, struct engine *engine, struct run_report *report,
                         const struct run_options *options, struct err *err);
void run_job_close(struct run_job *job);
/* A run of its own, or the queued one that the engine was given. Sets job->run_id. */
enum status job_begin_run(struct run_job *job, int64_t table_id, const char *kind, struct err *err);
struct job_session *job_session(struct run_job *job, const char *connection, struct err *err);
struct job_session *job_session_by_id(struct run_job *job, int64_t connection_id, struct err *err);
/* Fresh describe of an object; notes the clock skew on the way. */
const struct crm_object *job_describe(struct job_session *on, const char *object,
                                      struct engine *engine, struct err *err);
/* The field contract of the connection, read once a job. *out NULL: it has none. */
enum status job_contract(struct run_job *job, struct job_session *on, struct contract **out,
                         struct err *err);
/* budget.c. True when the session's calls are used up: sets report->paused. */
bool job_over_budget(struct run_job *job, struct job_session *on, size_t under_way);
/* What the session took of the day's budget and did not use, or used without asking. */
void job_settle_budget(struct run_job *job, struct job_session *on);
/* places.c: a share of the exchanges that the connection bears, among all processes. False:
 * the run was stopped while it waited for one. */
bool job_wait_for_place(struct run_job *job, struct job_session *on);
/* How many may be under way now; asks again now and then. INT64_MAX where nobody shares. */
int64_t job_places(struct run_job *job, struct job_session *on, size_t under_way);
void job_give_places_back(struct run_job *job, struct job_session *on);
struct table_plan *job_table(struct run_job *job, const char *name, struct err *err);
struct table_plan *job_table_by_id(struct run_job *job, int64_t table_id, struct err *err);
void job_tick(struct run_job *job, const char *what, int64_t done, int64_t total);
/* run.c: so many more rows of the batch under way have their answer. Cheap: may be called for each. */
void run_landed(struct run_job *job, int64_t rows);
/* Counts a reason once more, most frequent first at the end (report_sort). */
void report_refusal(struct run_report *report, const char *code, const char *message);
/* A value was made fit: `given` is what the row had, `written` the JSON that is sent. */
void report_repair(struct run_report *report, const char *object, const char *field,
                   struct value given, const char *written);
void report_cell(struct run_report *report, enum cell_state state);
/* Sums calls of all sessions into the report. */
void job_sum_calls(struct run_job *job);
const char *run_report_json(struct arena *arena, const struct run_report *report);
/* Adds what such a text says. */
void run_report_add(struct run_report *report, struct arena *arena, const char *json);
/* Wakes for the stop flag; false when stopped. */
bool job_sleep(struct run_job *job, int64_t ms);

/* run_which.c: of a run that asks for cells in certain states, its options get the rows. */
enum status run_choose_rows(struct run_job *job, struct err *err);
/* run.c: does the run compute this column? */
bool run_selects(const struct run_job *job, const struct column_plan *plan);
/* run.c: every column over the rows that the job is about. */
enum status run_columns(struct run_job *job, struct err *err);
/* run_parts.c: does the run in parts, with whoever helps, where that pays; *cut tells. */
enum status run_in_parts(struct run_job *job, bool *cut, struct err *err);
enum status run_is_cut(struct run_job *job, bool *cut, struct err *err);

/* plan.c */
enum status table_plan_make(struct arena *arena, struct table_plan *plan, struct err *err);
struct column_plan *table_plan_column(struct table_plan *plan, int64_t column_id);
/* What a change of the column's cells means for those that read it. */
struct dependents table_plan_dependents(const struct table_plan *table,
                                        const struct column_plan *plan);
/* The same of a column that is not computed: one that people type. */
struct dependents table_plan_readers(struct arena *arena, const struct table_plan *table,
                                     int64_t column_id);
/* One column alone, in the table or a draft: kind, config and inputs, no dependents. */
enum status column_plan_make(struct arena *arena, const struct table *table,
                             const struct column *column, struct column_plan *plan,
                             struct err *err);

/* --------------------------------------------------------------- batch */

struct column_batch {
    struct run_job *job;
    const struct table *table;
    const struct column_plan *plan;
    const struct json *config;
    struct arena *arena;
    struct row *rows;            /* values[i] belongs to plan->inputs[i] */
    struct cell *cells;          /* as stored before */
    struct cell_result *results; /* row, column and slot are set; the kind fills the rest */
    bool *stored;                /* results[i] needs no cells_put any more */
    size_t count;
    const struct json ***trees; /* lazily parsed JSON inputs: [row][input] */
};

/* Sets results[i]; text is lent by the batch's arena or longer. */
void batch_value(struct column_batch *batch, size_t i, struct value value);
void batch_no_result(struct column_batch *batch, size_t i);
void batch_error(struct column_batch *batch, size_t i, enum cell_state state,
                 const struct err *err);
void batch_fail(struct column_batch *batch, size_t i, enum cell_state state, const char *code,
                const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* Retry later with back-off, at least `wait_ms`; CELL_ERROR after `attempts` tries. */
void batch_retry(struct column_batch *batch, size_t i, int64_t wait_ms, int attempts,
                 const struct err *err);
/* One failed call for all rows: retry, pause or error by its code. FAIL when the run cannot go on.
 */
enum status batch_call_failed(struct column_batch *batch, struct err *err);
/* A result as this column's cell: typed, or an error in the cell. */
void batch_json(struct column_batch *batch, size_t i, const struct json *value);

/* inputs.c: values of a row as JSON, templates filled */
int batch_input(const struct column_batch *batch, const char *ref, const char **path);
const struct json *batch_tree(struct column_batch *batch, size_t row, int input);
/* A reference's value as JSON text ("null" when absent). */
const char *batch_ref_json(struct column_batch *batch, size_t row, const char *ref);
/* A reference's value as text; null when absent. */
struct value batch_ref_value(struct column_batch *batch, size_t row, const char *ref);
/* JSON array texts of all inputs, one for each row, for formula_eval. */
const char **batch_formula_rows(struct column_batch *batch);
const char **batch_formula_names(struct column_batch *batch);

struct template
{
    const char *text;
    const char *whole; /* the only reference of a template that is nothing else, or NULL */
    bool constant;     /* no references at all */
    bool null;         /* YAML null: clear the field */
};
enum status template_make(struct arena *arena, const struct json *config, struct template *out,
                          struct err *err);
/* The text of a template for a row; VALUE_NULL when a whole reference is null. */
enum status template_fill(struct column_batch *batch, size_t row, const struct template *t,
                          enum formula_slot slot, struct value *out, struct err *err);

/* convert.c */
void value_to_json(struct jw *w, enum value_type type, struct value value);
/* FAIL: the JSON does not fit the type. Null gives VALUE_NULL. */
enum status value_from_json(struct arena *arena, enum value_type type, const struct json *json,
                            struct value *out, struct err *err);
/* A text that people wrote, as a column's type: "TRUE" is a checkbox, blank is null except
 * for texts. FAIL: it does not fit. */
enum status value_from_text(struct arena *arena, enum value_type type, struct value text,
                            struct value *out, struct err *err);
struct value json_as_text(struct arena *arena, const struct json *json); /* null gives VALUE_NULL */
/* A tree of one string, or one whole number; the text is copied. */
const struct json *json_of_text(struct arena *arena, const char *text, size_t len);
const struct json *json_of_int(struct arena *arena, int64_t number);
/* What JavaScript takes for true, of a result's JSON text. */
bool json_text_true(const char *json);
struct value value_of(const char *text);                                 /* NULL gives VALUE_NULL */

/* run_batch.c: reads a page of rows whose cell is in `states`, computes them.
 * *more = false when there was no further row. */
enum status run_batch(struct run_job *job, struct table_plan *table, struct column_plan *plan,
                      uint32_t states, int64_t *after, bool *more, struct err *err);
/* Computes these rows, at most a batch of them, for job->show; whatever their cells' states. */
enum status run_batch_shown(struct run_job *job, struct table_plan *table,
                            struct column_plan *plan, const int64_t *rows, size_t count,
                            struct err *err);

#endif
