/* run.c - one run: the query, and its rows into groups.
 *
 * Every row that the filters let through is read once, so sums are those of
 * all rows; the detail rows of the first 2,000 are kept. The order is that of
 * the groups, then the sort column, then the record's id, so that the first
 * 2,000 are the same rows every time. A plain list that asks for nothing but
 * its count is counted by SQL. */
#include "localorg/report/report_priv.h"

#include "base/mem.h"

#include <string.h>

enum { PATHS_MAX = 3 * COLUMNS_MAX };

struct query {
    const struct report *report;
    struct arena *arena;
    const char *paths[PATHS_MAX];
    int at[PATHS_MAX]; /* their SQL columns */
    size_t count;
    struct soql_plan *plan;
    struct soql_cursor *cursor;
};

/* --- the query --- */

static size_t path_index(struct query *q, const char *path)
{
    size_t i = 0;
    while (i < q->count && !text_eq(q->paths[i], path))
        i++;
    if (i == q->count && i < PATHS_MAX)
        q->paths[q->count++] = path;
    return i;
}

static void need(struct query *q, const struct report_column *column)
{
    path_index(q, column->path);
    if (column->id_path)
        path_index(q, column->id_path);
}

static void needed(struct query *q)
{
    const struct report *report = q->report;
    path_index(q, "Id");
    for (size_t i = 0; i < report->column_count; i++)
        need(q, report->columns[i]);
    for (size_t i = 0; i < report->down_count; i++)
        need(q, report->down[i].column);
    for (size_t i = 0; i < report->across_count; i++)
        need(q, report->across[i].column);
    for (size_t i = 0; i < report->aggregate_count; i++)
        if (report->aggregates[i].column)
            need(q, report->aggregates[i].column);
}

static void order_by(struct buf *soql, bool *any, const struct report_column *column,
                     bool descending)
{
    if (!column->field->sortable)
        return;
    buf_printf(soql, "%s%s %s", *any ? ", " : " ORDER BY ", column->path,
               descending ? "DESC NULLS LAST" : "ASC NULLS FIRST");
    *any = true;
}

static enum status query_text(struct query *q, struct buf *soql, struct err *err)
{
    const struct report *report = q->report;
    struct buf condition = BUF_INIT;
    bool any = false;
    needed(q);
    buf_str(soql, "SELECT ");
    for (size_t i = 0; i < q->count; i++)
        buf_printf(soql, "%s%s", i ? ", " : "", q->paths[i]);
    buf_printf(soql, " FROM %s", report->type.object->name);
    enum status rc = filters_write(report, &condition, err);
    if (rc == OK && condition.len)
        buf_printf(soql, " WHERE %s", buf_text(&condition));
    buf_free(&condition);
    for (size_t i = 0; i < report->down_count; i++)
        order_by(soql, &any, report->down[i].column, report->down[i].descending);
    for (size_t i = 0; i < report->across_count; i++)
        order_by(soql, &any, report->across[i].column, report->across[i].descending);
    if (report->sort_column)
        order_by(soql, &any, report->sort_column, report->sort_descending);
    if (!any || !report->sort_column || !text_eq(report->sort_column->path, "Id"))
        buf_str(soql, any ? ", Id" : " ORDER BY Id");
    if (report->row_limit)
        buf_printf(soql, " LIMIT %lld", (long long)report->row_limit);
    return rc;
}

/* The SQL column of a path in the plan's tree; -1 when it is not there. */
static int column_of(const struct soql_node *node, const char *path)
{
    size_t len = strcspn(path, ".");
    for (; node; node = node->next) {
        if (strlen(node->name) != len || strncasecmp(node->name, path, len) != 0)
            continue;
        if (!path[len])
            return node->column;
        return column_of(node->first, path + len + 1);
    }
    return -1;
}

/* What SOQL refuses is a mistake in the definition, unless the org itself failed. */
static enum status query_failed(struct err *err)
{
    struct err cause = *err;
    if (err_is(err, "UNKNOWN_EXCEPTION") || err_is(err, ERR_IO))
        return err_set(err, "UNKNOWN_EXCEPTION",
                       "We ran into an error when running this report. Try to re-submit your "
                       "query. (%s)",
                       cause.message);
    return err_set(err, REPORT_BAD_REQUEST, "The report cannot be run: %s", cause.message);
}

static enum status query_open(struct query *q, struct err *err)
{
    struct soql_context context = {.org = q->report->context.org,
                                   .user_id = q->report->context.user_id,
                                   .now_ms = q->report->context.now_ms,
                                   .api_version = q->report->context.api_version};
    struct buf soql = BUF_INIT;
    enum status rc = query_text(q, &soql, err);
    if (rc == OK) {
        q->plan = soql_compile(q->arena, &context, buf_text(&soql), err);
        q->cursor = q->plan ? soql_open(context.org, q->plan, err) : NULL;
        rc = q->cursor ? OK : query_failed(err);
    }
    buf_free(&soql);
    for (size_t i = 0; i < q->count && rc == OK; i++) {
        q->at[i] = column_of(q->plan->nodes, q->paths[i]);
        if (q->at[i] < 0)
            rc = err_set(err, "UNKNOWN_EXCEPTION", "no column for %s", q->paths[i]);
    }
    return rc;
}

static struct cell cell_of(struct query *q, sqlite3_stmt *row, const struct report_column *column)
{
    struct cell cell = {.value = sqlite3_column_value(row, q->at[path_index(q, column->path)])};
    if (column->id_path)
        cell.id = sqlite3_column_value(row, q->at[path_index(q, column->id_path)]);
    return cell;
}

/* --- one row --- */

/* The row's groups of one side, from the grand total inwards. */
static void row_groups(struct run *run, struct query *q, sqlite3_stmt *row, bool across,
                       struct arena *scratch, struct group *path[GROUPINGS_MAX + 1])
{
    const struct report *report = run->report;
    size_t count = across ? report->across_count : report->down_count;
    path[0] = across ? &run->groups.across : &run->groups.down;
    for (size_t i = 0; i < count; i++) {
        const struct report_grouping *grouping = across ? &report->across[i] : &report->down[i];
        struct cell cell = cell_of(q, row, grouping->column);
        struct group seen = {0};
        bool fresh;
        group_describe(report, grouping, scratch, &cell, &seen);
        struct group *group = groups_child(&run->groups, across, path[i], seen.id, &fresh);
        if (fresh) {
            group->label = arena_strdup(run->arena, seen.label);
            group->value = arena_strdup(run->arena, seen.value);
            group->text = seen.text ? group->label : NULL;
            group->order = seen.order;
        }
        path[i + 1] = group;
    }
}

static void add_totals(struct run *run, struct query *q, sqlite3_stmt *row, struct fact *fact)
{
    const struct report *report = run->report;
    for (size_t i = 0; i < report->aggregate_count; i++) {
        const struct report_aggregate *aggregate = &report->aggregates[i];
        if (!aggregate->column) {
            total_add(&run->groups, fact, report, i, NULL, 0, false);
            continue;
        }
        struct cell cell = cell_of(q, row, aggregate->column);
        sqlite3_value *value = aggregate->kind == UNIQUE && cell.id ? cell.id : cell.value;
        bool text = aggregate->kind == UNIQUE;
        total_add(&run->groups, fact, report, i,
                  text ? (const char *)sqlite3_value_text(value) : NULL,
                  text ? 0 : sqlite3_value_double(value), sqlite3_value_type(value) == SQLITE_NULL);
    }
}

static void add_detail(struct run *run, struct query *q, sqlite3_stmt *row, struct arena *scratch,
                       struct fact *fact)
{
    struct jw w;
    if (fact->rows.len)
        buf_char(&fact->rows, ',');
    jw_init(&w, &fact->rows);
    jw_object(&w);
    jw_key(&w, "dataCells");
    jw_array(&w);
    for (size_t i = 0; i < run->report->column_count; i++) {
        struct cell cell = cell_of(q, row, run->report->columns[i]);
        cell_json(run->report, run->report->columns[i], scratch, &cell, &w);
    }
    jw_end_array(&w);
    jw_end_object(&w);
    run->shown++;
}

static void add_row(struct run *run, struct query *q, sqlite3_stmt *row, struct arena *scratch,
                    bool details)
{
    struct group *down[GROUPINGS_MAX + 1], *across[GROUPINGS_MAX + 1];
    struct fact *innermost = NULL;
    row_groups(run, q, row, false, scratch, down);
    row_groups(run, q, row, true, scratch, across);
    for (size_t d = 0; d <= run->report->down_count; d++)
        for (size_t a = 0; a <= run->report->across_count; a++) {
            innermost = groups_fact(&run->groups, run->report, down[d], across[a], true);
            add_totals(run, q, row, innermost);
        }
    if (details && run->shown < REPORT_ROWS_MAX)
        add_detail(run, q, row, scratch, innermost);
}

/* --- the run --- */

static bool only_counted(const struct report *report)
{
    for (size_t i = 0; i < report->aggregate_count; i++)
        if (report->aggregates[i].column)
            return false;
    return !report->down_count && !report->across_count;
}

/* A list whose rows are not all needed: the first ones, and how many there are. */
static enum status count_rows(struct run *run, struct query *q, struct err *err)
{
    run->rows = soql_total(q->cursor, err);
    if (run->rows < 0)
        return query_failed(err);
    struct fact *fact =
        groups_fact(&run->groups, run->report, &run->groups.down, &run->groups.across, true);
    for (size_t i = 0; i < run->report->aggregate_count; i++)
        fact->totals[i].count = run->rows;
    return OK;
}

static enum status read_rows(struct run *run, struct query *q, bool details, struct err *err)
{
    bool counted = only_counted(run->report);
    struct arena *scratch = arena_new();
    sqlite3_stmt *row = NULL;
    err_clear(err);
    while ((!counted || (details && run->shown < REPORT_ROWS_MAX)) &&
           (row = soql_next(q->cursor, err))) {
        add_row(run, q, row, scratch, details);
        run->rows++;
        arena_reset(scratch);
        if (run->groups.down_count > REPORT_ROWS_MAX + 1 ||
            run->groups.across_count > REPORT_ROWS_MAX + 1)
            break;
    }
    arena_free(scratch);
    if (err->code[0])
        return query_failed(err);
    return counted ? count_rows(run, q, err) : OK;
}

enum status run_rows(struct run *run, bool details, struct err *err)
{
    struct query q = {.report = run->report, .arena = run->arena};
    /* The grand total is there even when no row is. */
    groups_fact(&run->groups, run->report, &run->groups.down, &run->groups.across, true);
    enum status rc = query_open(&q, err);
    if (rc == OK)
        rc = read_rows(run, &q, details, err);
    soql_close(q.cursor);
    if (rc == OK && (run->groups.down_count > REPORT_ROWS_MAX + 1 ||
                     run->groups.across_count > REPORT_ROWS_MAX + 1))
        return err_set(err, REPORT_BAD_REQUEST,
                       "The report has more than %d groups: group by something coarser, or filter.",
                       REPORT_ROWS_MAX);
    run->all_data = run->rows <= REPORT_ROWS_MAX;
    groups_sort(&run->groups, run->report);
    return rc;
}
