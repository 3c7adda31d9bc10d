/* plans.c - plans of writes, their lines, and what people decided. */
#include "store/sql/sql_priv.h"
#include "store/store_plans.h"

#include "base/json.h"

_Static_assert(PLAN_APPLIED == 4 && LINE_BLOCKED == 3, "these numbers are in the file");

const char sq_step_plans[] =
    "CREATE TABLE plans("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, table_id INTEGER NOT NULL, run_id INTEGER NOT NULL"
    " DEFAULT 0, state INTEGER NOT NULL, at_ms INTEGER NOT NULL, decided_ms INTEGER NOT NULL"
    " DEFAULT 0, applied_run INTEGER NOT NULL DEFAULT 0, who TEXT NOT NULL, decided_by TEXT,"
    " reason TEXT, scope TEXT, report TEXT);"
    "CREATE INDEX plans_table ON plans(table_id, id);"
    "CREATE TABLE plan_lines("
    " plan_id INTEGER NOT NULL, column_id INTEGER NOT NULL, row_id INTEGER NOT NULL,"
    " state INTEGER NOT NULL, kind INTEGER NOT NULL, row_key TEXT, object TEXT, target_id TEXT,"
    " payload TEXT, before TEXT, edited TEXT, reason TEXT, decided_by TEXT,"
    " PRIMARY KEY(plan_id, column_id, row_id)) WITHOUT ROWID;";

#define PLAN_COLUMNS                                                                               \
    "id,table_id,run_id,state,at_ms,decided_ms,applied_run,who,decided_by,reason,scope,report"
#define LINE_COLUMNS                                                                               \
    "column_id,row_id,state,kind,row_key,object,target_id,payload,before,edited,reason,decided_by"

static enum status begin(struct sq *sq, struct write_plan *plan, struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "INSERT INTO plans(table_id,state,at_ms,who,scope,run_id)"
                                 " VALUES(?,?,?,?,?,?) RETURNING id");
    if (!stmt)
        return FAIL;
    plan->at_ms = sq_now(sq);
    plan->state = PLAN_MAKING;
    sq_int(stmt, 1, plan->table_id);
    sq_int(stmt, 2, plan->state);
    sq_int(stmt, 3, plan->at_ms);
    sq_text(stmt, 4, plan->who);
    sq_text(stmt, 5, plan->scope);
    sq_int(stmt, 6, plan->run_id);
    if (sq_one_int(sq, stmt, 0, &plan->id, err) != OK)
        return FAIL;
    sq_note(sq, NOUN_PLAN, plan->table_id, plan->id);
    return OK;
}

static enum status plans_begin(struct store *store, struct write_plan *plan, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, begin(sq, plan, err), err);
}

static enum status add(struct sq *sq, int64_t plan_id, const struct plan_line *lines, size_t count,
                       struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "INSERT INTO plan_lines(plan_id," LINE_COLUMNS
                                 ") VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?)"
                                 " ON CONFLICT(plan_id,column_id,row_id) DO UPDATE SET"
                                 " state=excluded.state,kind=excluded.kind,"
                                 "row_key=excluded.row_key,object=excluded.object,"
                                 "target_id=excluded.target_id,payload=excluded.payload,"
                                 "before=excluded.before,edited=excluded.edited,"
                                 "reason=excluded.reason,decided_by=excluded.decided_by");
    for (size_t i = 0; stmt && i < count; i++) {
        const struct plan_line *l = &lines[i];
        const char *const texts[] = {l->row_key, l->object, l->target_id, l->payload,
                                     l->before,  l->edited, l->reason,    l->decided_by};
        sq_int(stmt, 1, plan_id);
        sq_int(stmt, 2, l->column_id);
        sq_int(stmt, 3, l->row_id);
        sq_int(stmt, 4, l->state);
        sq_int(stmt, 5, l->kind);
        for (int k = 0; k < 8; k++)
            sq_text(stmt, 6 + k, texts[k]);
        if (sq_done(sq, stmt, err) != OK)
            return FAIL;
    }
    return stmt ? OK : FAIL;
}

static enum status plans_add(struct store *store, int64_t plan_id, const struct plan_line *lines,
                             size_t count, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, add(sq, plan_id, lines, count, err), err);
}

static enum status ready(struct sq *sq, int64_t plan_id, int64_t run_id, const char *report,
                         struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(
        sq, err, "UPDATE plans SET state=?2,run_id=?3,report=?4 WHERE id=?1 AND state=?5");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, plan_id);
    sq_int(stmt, 2, PLAN_WAITING);
    sq_int(stmt, 3, run_id);
    sq_text(stmt, 4, report);
    sq_int(stmt, 5, PLAN_MAKING);
    if (sq_done(sq, stmt, err) != OK)
        return FAIL;
    sq_note(sq, NOUN_PLAN, 0, plan_id);
    return sq_changes(sq) ? OK
                          : err_set(err, ERR_CONFLICT, "plan %lld is made already", (long long)plan_id);
}

static enum status plans_ready(struct store *store, int64_t plan_id, int64_t run_id,
                               const char *report, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, ready(sq, plan_id, run_id, report, err), err);
}

/* ------------------------------------------------------------------ reading */

static enum status count_lines(struct sq *sq, struct write_plan *plan, struct err *err)
{
    bool row = true;
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "SELECT state,count(*) FROM plan_lines WHERE plan_id=? GROUP BY state");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, plan->id);
    for (;;) {
        if (sq_row(sq, stmt, &row, err) != OK)
            return FAIL;
        if (!row)
            return OK;
        int state = (int)sq_col_int(stmt, 0);
        if (state >= 0 && state <= LINE_BLOCKED)
            plan->lines[state] = sq_col_int(stmt, 1);
    }
}

static void read_plan(struct sq_stmt *stmt, struct arena *arena, struct write_plan *out)
{
    *out = (struct write_plan){.id = sq_col_int(stmt, 0),
                               .table_id = sq_col_int(stmt, 1),
                               .run_id = sq_col_int(stmt, 2),
                               .state = (enum plan_state)(int)sq_col_int(stmt, 3),
                               .at_ms = sq_col_int(stmt, 4),
                               .decided_ms = sq_col_int(stmt, 5),
                               .applied_run = sq_col_int(stmt, 6),
                               .who = sq_col_text(stmt, 7, arena),
                               .decided_by = sq_col_text(stmt, 8, arena),
                               .reason = sq_col_text(stmt, 9, arena),
                               .scope = sq_col_text(stmt, 10, arena),
                               .report = sq_col_text(stmt, 11, arena)};
}

struct plan_query { /* 0 = any */
    int64_t plan_id, run_id, table_id;
    uint32_t states;
    size_t limit;
};

static enum status find(struct store *store, struct arena *arena, const struct plan_query *query,
                        struct write_plan **out, size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    VEC(struct write_plan) list = {0};
    enum status rc = FAIL;
    bool row = true;
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "SELECT " PLAN_COLUMNS " FROM plans WHERE (?1=0 OR id=?1)"
                                 " AND (?2=0 OR table_id=?2)"
                                 " AND (?3=0 OR ((1<<CAST(state AS INT))&?3)<>0)"
                                 " AND (?5=0 OR run_id=?5) ORDER BY id DESC LIMIT ?4");
    if (stmt) {
        sq_int(stmt, 1, query->plan_id);
        sq_int(stmt, 2, query->table_id);
        sq_int(stmt, 3, query->states);
        sq_int(stmt, 4, query->limit ? (int64_t)query->limit : -1);
        sq_int(stmt, 5, query->run_id);
    }
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row) {
        struct write_plan plan;
        read_plan(stmt, arena, &plan);
        vec_push(&list, plan);
    }
    *count = list.len;
    *out = arena_array(arena, list.len + 1, sizeof **out);
    for (size_t i = 0; rc == OK && i < list.len; i++) {
        rc = count_lines(sq, &list.at[i], err);
        (*out)[i] = list.at[i];
    }
    vec_free(&list);
    return rc;
}

static enum status plans_get(struct store *store, struct arena *arena, int64_t plan_id,
                             struct write_plan *out, struct err *err)
{
    struct plan_query query = {.plan_id = plan_id, .limit = 1};
    struct write_plan *list;
    size_t count;
    if (find(store, arena, &query, &list, &count, err) != OK)
        return FAIL;
    if (!count || !plan_id)
        return err_set(err, ERR_NOT_FOUND, "there is no plan %lld", (long long)plan_id);
    *out = list[0];
    return OK;
}

static enum status plans_of_run(struct store *store, struct arena *arena, int64_t run_id,
                                struct write_plan *out, struct err *err)
{
    struct plan_query query = {.run_id = run_id, .limit = 1};
    struct write_plan *list;
    size_t count;
    if (find(store, arena, &query, &list, &count, err) != OK)
        return FAIL;
    if (!count || !run_id)
        return err_set(err, ERR_NOT_FOUND, "run %lld made no plan", (long long)run_id);
    *out = list[0];
    return OK;
}

static enum status plans_list(struct store *store, struct arena *arena, int64_t table_id,
                              uint32_t states, size_t limit, struct write_plan **out,
                              size_t *count, struct err *err)
{
    struct plan_query query = {.table_id = table_id, .states = states, .limit = limit};
    return find(store, arena, &query, out, count, err);
}

static void read_line(struct sq_stmt *stmt, struct arena *arena, struct plan_line *out)
{
    *out = (struct plan_line){.column_id = sq_col_int(stmt, 0),
                              .row_id = sq_col_int(stmt, 1),
                              .state = (enum plan_line_state)(int)sq_col_int(stmt, 2),
                              .kind = (enum op_kind)(int)sq_col_int(stmt, 3),
                              .row_key = sq_col_text(stmt, 4, arena),
                              .object = sq_col_text(stmt, 5, arena),
                              .target_id = sq_col_text(stmt, 6, arena),
                              .payload = sq_col_text(stmt, 7, arena),
                              .before = sq_col_text(stmt, 8, arena),
                              .edited = sq_col_text(stmt, 9, arena),
                              .reason = sq_col_text(stmt, 10, arena),
                              .decided_by = sq_col_text(stmt, 11, arena)};
}

static enum status plans_lines(struct store *store, struct arena *arena, int64_t plan_id,
                               int64_t after_column, int64_t after_row, size_t limit,
                               struct plan_line **out, size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    VEC(struct plan_line) list = {0};
    enum status rc = FAIL;
    bool row = true;
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "SELECT " LINE_COLUMNS " FROM plan_lines WHERE plan_id=?1"
                                 " AND (column_id,row_id)>(?2,?3) ORDER BY column_id,row_id LIMIT ?4");
    if (stmt) {
        sq_int(stmt, 1, plan_id);
        sq_int(stmt, 2, after_column);
        sq_int(stmt, 3, after_row);
        sq_int(stmt, 4, limit ? (int64_t)limit : -1);
    }
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row) {
        struct plan_line line;
        read_line(stmt, arena, &line);
        vec_push(&list, line);
    }
    *count = list.len;
    *out = arena_array(arena, list.len + 1, sizeof **out);
    for (size_t i = 0; i < list.len; i++)
        (*out)[i] = list.at[i];
    vec_free(&list);
    return rc;
}

static enum status plans_lines_of(struct store *store, struct arena *arena, int64_t plan_id,
                                  int64_t column_id, const int64_t *row_ids, size_t count,
                                  struct plan_line *out, struct err *err)
{
    struct sq *sq = sq_of(store);
    struct sq_stmt *stmt = sq_stmt(sq, err,
                                 "SELECT " LINE_COLUMNS
                                 " FROM plan_lines WHERE plan_id=? AND column_id=? AND row_id=?");
    for (size_t i = 0; stmt && i < count; i++) {
        bool row;
        sq_int(stmt, 1, plan_id);
        sq_int(stmt, 2, column_id);
        sq_int(stmt, 3, row_ids[i]);
        out[i] = (struct plan_line){0};
        if (sq_row(sq, stmt, &row, err) != OK)
            return FAIL;
        if (row)
            read_line(stmt, arena, &out[i]);
        sq_reset(stmt);
    }
    return stmt ? OK : FAIL;
}

/* ----------------------------------------------------------------- deciding */

/* A decision, in the audit and to whoever watches. */
static enum status note(struct sq *sq, const char *who, const char *what, int64_t plan_id,
                        const struct plan_line *line, const char *reason, struct err *err)
{
    struct buf text = BUF_INIT;
    struct jw w;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_int(&w, "plan", plan_id);
    if (line) {
        jw_kv_int(&w, "column_id", line->column_id);
        jw_kv_int(&w, "row_id", line->row_id);
    }
    jw_kv_text(&w, "reason", reason);
    jw_end_object(&w);
    sq_note(sq, NOUN_PLAN, 0, plan_id);
    enum status rc = audit_append(sq, who ? who : "cli", what, buf_text(&text), err);
    buf_free(&text);
    return rc;
}

static enum status decide_line(struct sq *sq, int64_t plan_id, const struct plan_line *line,
                               struct err *err)
{
    struct sq_stmt *stmt = sq_stmt(
        sq, err,
        "UPDATE plan_lines SET state=?4,edited=?5,reason=?6,decided_by=?7 WHERE plan_id=?1 AND"
        " column_id=?2 AND row_id=?3 AND state<>?8 AND (SELECT state FROM plans WHERE id=?1)=?9");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, plan_id);
    sq_int(stmt, 2, line->column_id);
    sq_int(stmt, 3, line->row_id);
    sq_int(stmt, 4, line->state);
    sq_text(stmt, 5, line->edited);
    sq_text(stmt, 6, line->reason);
    sq_text(stmt, 7, line->decided_by);
    sq_int(stmt, 8, LINE_BLOCKED);
    sq_int(stmt, 9, PLAN_WAITING);
    if (sq_done(sq, stmt, err) != OK)
        return FAIL;
    if (!sq_changes(sq))
        return err_set(err, ERR_CONFLICT,
                       "plan %lld does not wait any more, or has no such write to decide on",
                       (long long)plan_id);
    return note(sq, line->decided_by,
                line->state == LINE_REJECTED ? "planned write rejected"
                : line->state == LINE_EDITED ? "planned write edited"
                                             : "planned write restored",
                plan_id, line, line->reason, err);
}

static enum status plans_decide_line(struct store *store, int64_t plan_id,
                                     const struct plan_line *line, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, decide_line(sq, plan_id, line, err), err);
}

static enum status decide(struct sq *sq, int64_t plan_id, enum plan_state to, const char *who,
                          const char *reason, int64_t run_id, struct err *err)
{
    bool applied = to == PLAN_APPLIED;
    struct sq_stmt *stmt =
        applied ? sq_stmt(sq, err,
                          "UPDATE plans SET state=?2,applied_run=?3 WHERE id=?1 AND state=?4")
                : sq_stmt(sq, err,
                          "UPDATE plans SET state=?2,decided_ms=?3,decided_by=?5,reason=?6 WHERE"
                          " id=?1 AND state=?4");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, plan_id);
    sq_int(stmt, 2, to);
    sq_int(stmt, 3, applied ? run_id : sq_now(sq));
    sq_int(stmt, 4, applied ? PLAN_APPROVED : PLAN_WAITING);
    if (!applied) {
        sq_text(stmt, 5, who);
        sq_text(stmt, 6, reason);
    }
    if (sq_done(sq, stmt, err) != OK)
        return FAIL;
    if (!sq_changes(sq))
        return err_set(err, ERR_CONFLICT, applied ? "plan %lld is not approved, or was applied already"
                                                  : "plan %lld does not wait for a decision",
                       (long long)plan_id);
    return note(sq, who,
                applied ? "plan applied" : to == PLAN_APPROVED ? "plan approved" : "plan rejected",
                plan_id, NULL, reason, err);
}

static enum status applied_by(struct sq *sq, int64_t plan_id, int64_t run_id, struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmt(sq, err, "UPDATE plans SET applied_run=?2 WHERE id=?1 AND state=?3");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, plan_id);
    sq_int(stmt, 2, run_id);
    sq_int(stmt, 3, PLAN_APPLIED);
    if (sq_done(sq, stmt, err) != OK)
        return FAIL;
    return sq_changes(sq) ? OK
                          : err_set(err, ERR_CONFLICT, "plan %lld is not being applied",
                                    (long long)plan_id);
}

static enum status plans_applied_by(struct store *store, int64_t plan_id, int64_t run_id,
                                    struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, applied_by(sq, plan_id, run_id, err), err);
}

static enum status plans_decide(struct store *store, int64_t plan_id, enum plan_state to,
                                const char *who, const char *reason, int64_t run_id,
                                struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, decide(sq, plan_id, to, who, reason, run_id, err), err);
}

const struct store_plans sq_plans = {.begin = plans_begin,
                                     .add = plans_add,
                                     .ready = plans_ready,
                                     .get = plans_get,
                                     .of_run = plans_of_run,
                                     .list = plans_list,
                                     .lines = plans_lines,
                                     .lines_of = plans_lines_of,
                                     .decide_line = plans_decide_line,
                                     .decide = plans_decide,
                                     .applied_by = plans_applied_by};
