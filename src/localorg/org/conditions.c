/* conditions.c - whether a record, as just written, meets a rule's condition:
 * SOQL ("when"), or a formula. Prepared once for each call, because date
 * literals move with the clock; a formula may also ask what was before. */
#include "localorg/org/dml_priv.h"

#include "localorg/org/formula.h"
#include "localorg/soql/soql.h"

struct asked { /* a condition as a statement */
    const struct condition *condition;
    sqlite3_stmt *statement;
    int id_at, new_at; /* new_at 0: nobody asks */
    struct formula_prior *priors;
    struct asked *next;
};

static struct soql_plan *condition_plan(struct org *org, struct arena *arena,
                                        const struct condition *condition, struct err *err)
{
    struct soql_context context = {
        .org = org, .all_rows = true, .now_ms = org_now_ms(org), .api_version = 66.0};
    if (!org->soql) {
        err_set(err, ERR_NOT_BUILT, "this org has no SOQL, which rules need");
        return NULL;
    }
    const char *query =
        arena_printf(arena, "SELECT Id FROM %s WHERE (%s)", condition->object, condition->when);
    return org->soql(arena, &context, query, err);
}

/* ?1 is the record, ?2 whether it is new, priors from ?3 on. */
static enum status condition_formula(struct org *org, struct arena *arena,
                                     const struct condition *condition, struct formula_sql *out,
                                     struct err *err)
{
    struct formula_options options = {.is_new = 2, .first_prior = 3};
    const struct sobject *object = schema_find(org->schema, condition->object);
    if (formula_compile(arena, org, object, condition->formula, &options, "t0", out, err) != OK)
        return FAIL;
    if (out->type != FORMULA_BOOLEAN)
        return err_set(err, ERR_FORMULA, "Formula result is not a Boolean");
    return OK;
}

enum status condition_check(struct org *org, const struct condition *condition, struct err *err)
{
    struct arena *arena = arena_new();
    struct formula_sql formula;
    enum status status = OK;
    if (condition->formula)
        status = condition_formula(org, arena, condition, &formula, err);
    else if (condition->when && !condition_plan(org, arena, condition, err))
        status = FAIL;
    arena_free(arena);
    return status;
}

/* --- preparing --- */

static bool prepare_formula(struct work *work, struct asked *asked)
{
    struct formula_sql formula;
    struct buf sql = BUF_INIT;
    if (condition_formula(work->org, work->call_arena, asked->condition, &formula, work->err) != OK)
        return work_broke(work);
    buf_printf(&sql, "SELECT 1 FROM \"%s\" t0 WHERE t0.\"Id\" = ?1 AND %s AND ?2 IS NOT NULL",
               asked->condition->object, formula.sql);
    bool good = db_prepare(work->org->db, &asked->statement, buf_text(&sql), work->err) == OK;
    buf_free(&sql);
    asked->id_at = 1;
    asked->new_at = 2;
    asked->priors = formula.priors;
    return good || work_broke(work);
}

static bool prepare_soql(struct work *work, struct asked *asked)
{
    struct soql_plan *plan =
        condition_plan(work->org, work->call_arena, asked->condition, work->err);
    if (!plan)
        return work_broke(work);
    /* The plan may select more than Id: name its columns to find it. */
    sqlite3_stmt *probe = NULL;
    if (db_prepare(work->org->db, &probe, plan->sql, work->err) != OK)
        return work_broke(work);
    int columns = sqlite3_column_count(probe), id = plan->id_column < 0 ? 0 : plan->id_column;
    sqlite3_finalize(probe);
    struct buf sql = BUF_INIT;
    buf_str(&sql, "WITH q(");
    for (int i = 0; i < columns; i++)
        buf_printf(&sql, "%sc%d", i ? ", " : "", i);
    buf_printf(&sql, ") AS (%s) SELECT 1 FROM q WHERE c%d = ?%zu", plan->sql, id,
               plan->bind_count + 1);
    bool good = db_prepare(work->org->db, &asked->statement, buf_text(&sql), work->err) == OK;
    buf_free(&sql);
    if (!good || !plan_bind(asked->statement, plan))
        return work_broke(work);
    asked->id_at = (int)plan->bind_count + 1;
    return true;
}

static struct asked *asked_of(struct work *work, const struct condition *condition)
{
    for (struct asked *asked = work->asked; asked; asked = asked->next)
        if (asked->condition == condition)
            return asked;
    struct asked *asked = arena_alloc(work->call_arena, sizeof *asked);
    asked->condition = condition;
    asked->next = work->asked;
    work->asked = asked;
    bool good = condition->formula ? prepare_formula(work, asked) : prepare_soql(work, asked);
    return good ? asked : NULL;
}

void conditions_forget(struct work *work)
{
    for (struct asked *asked = work->asked; asked; asked = asked->next)
        sqlite3_finalize(asked->statement);
    work->asked = NULL;
}

/* --- asking --- */

bool condition_before(struct work *work, struct draft *draft, const struct condition *condition)
{
    if (!condition->formula)
        return true;
    struct asked *asked = asked_of(work, condition);
    if (!asked)
        return false;
    for (struct formula_prior *prior = asked->priors; prior; prior = prior->next) {
        struct cell was = {.kind = CELL_NULL};
        if (!draft->insert &&
            !stored_value(work, draft->object, prior->field->name, draft->id, &was))
            return false;
        if (was.kind == CELL_TEXT) /* the scratch arena goes before the record is judged */
            sqlite3_bind_text(asked->statement, prior->number, was.text, (int)was.len,
                              SQLITE_TRANSIENT);
        else if (!bind_cell(asked->statement, prior->number, &was))
            return work_broke(work);
    }
    return true;
}

bool condition_met(struct work *work, struct draft *draft, const struct condition *condition,
                   bool *met)
{
    *met = true;
    if (!condition->formula && !condition->when)
        return true;
    struct asked *asked = asked_of(work, condition);
    if (!asked)
        return false;
    sqlite3_bind_text(asked->statement, asked->id_at, draft->id, 18, SQLITE_TRANSIENT);
    if (asked->new_at)
        sqlite3_bind_int(asked->statement, asked->new_at, draft->insert);
    *met = next_row(work, asked->statement);
    sqlite3_reset(asked->statement);
    return !work->broken;
}
