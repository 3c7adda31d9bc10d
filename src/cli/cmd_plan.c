/* cmd_plan.c - `argil plan`: writes that wait for a person. */
#include "cli/run_print.h"

#include "base/str.h"
#include "engine/approval.h"

#include <stdlib.h>
#include <string.h>

struct planning {
    struct cli *cli;
    const struct args *args;
    struct cli_engine *open;
    struct arena *arena;
    int64_t id; /* 0 = list */
};

static struct store *store_of(struct planning *p)
{
    return p->open->engine.store;
}

static const char *number(struct planning *p, int64_t n)
{
    return arena_printf(p->arena, "%lld", (long long)n);
}

static const char *table_name(struct planning *p, int64_t table_id)
{
    struct table *tables = NULL;
    size_t count = 0;
    struct err ignored = {0};
    if (store_of(p)->does->table_list(store_of(p), p->arena, &tables, &count, &ignored) != OK)
        return NULL;
    for (size_t i = 0; i < count; i++)
        if (tables[i].id == table_id)
            return tables[i].name;
    return NULL;
}

/* ------------------------------------------------------------------ looking */

static int list(struct planning *p, struct err *err)
{
    static const char *const headings[] = {"plan", "table", "state", "made", "by", "writes",
                                           "rejected", "edited", "blocked", "decided by", "reason", "run"};
    struct write_plan *plans = NULL;
    size_t count = 0;
    if (store_of(p)->does->plans->list(store_of(p), p->arena, 0, 0, 100, &plans, &count, err) != OK)
        return cli_fail(p->cli, err);
    struct grid *grid = grid_new(p->cli, headings, 12);
    for (size_t i = 0; i < count; i++)
        grid_row(grid, (const char *[]){
                           number(p, plans[i].id), table_name(p, plans[i].table_id),
                           plan_state_name(plans[i].state), when_text(plans[i].at_ms), plans[i].who,
                           number(p, plans[i].lines[LINE_PLANNED] + plans[i].lines[LINE_EDITED]),
                           number(p, plans[i].lines[LINE_REJECTED]),
                           number(p, plans[i].lines[LINE_EDITED]),
                           number(p, plans[i].lines[LINE_BLOCKED]), plans[i].decided_by,
                           plans[i].reason,
                           plans[i].applied_run ? number(p, plans[i].applied_run) : NULL});
    grid_print(grid);
    if (count == 100 && !p->cli->json)
        puts("Only the newest 100 are shown.");
    return EXIT_DONE;
}

/* {"Title":"CFO"} beside {"Title":null} as "Title: null -> "CFO"" */
static const char *change_text(struct planning *p, const struct plan_line *line)
{
    struct err ignored = {0};
    const char *set = line->edited ? line->edited : line->payload;
    const struct json *payload = set ? json_parse(p->arena, set, strlen(set), &ignored) : NULL;
    const struct json *before =
        line->before ? json_parse(p->arena, line->before, strlen(line->before), &ignored) : NULL;
    struct buf text = BUF_INIT;
    json_each(member, payload) {
        struct jw w;
        const struct json *old = json_get_nocase(before, member->key);
        buf_printf(&text, "%s%s: ", text.len ? ", " : "", member->key);
        if (old) {
            jw_init(&w, &text);
            jw_value(&w, old);
            buf_str(&text, " -> ");
        }
        jw_init(&w, &text);
        jw_value(&w, member);
    }
    const char *out = arena_strdup(p->arena, buf_text(&text));
    buf_free(&text);
    return out;
}

static void put_line(struct planning *p, struct grid *grid, const struct table *table,
                     const struct plan_line *line)
{
    const struct column *column = table ? table_column_by_id(table, line->column_id) : NULL;
    grid_row(grid, (const char *[]){line->row_key, column ? column->name : NULL,
                                    plan_line_state_name(line->state), op_kind_name(line->kind),
                                    line->object, line->target_id,
                                    line->state == LINE_BLOCKED ? NULL : change_text(p, line),
                                    line->reason});
}

static void print_summary(struct planning *p, const struct write_plan *plan)
{
    printf("Plan %lld is %s: %s writes, %s rejected, %s blocked\n", (long long)plan->id,
           plan_state_name(plan->state),
           thousands(plan->lines[LINE_PLANNED] + plan->lines[LINE_EDITED]),
           thousands(plan->lines[LINE_REJECTED]), thousands(plan->lines[LINE_BLOCKED]));
    if (plan->state == PLAN_WAITING)
        printf("  argil plan approve %lld       then: argil plan apply %lld\n"
               "  argil plan reject %lld --reason TEXT\n",
               (long long)plan->id, (long long)plan->id, (long long)plan->id);
    if (plan->state == PLAN_APPROVED)
        printf("  argil plan apply %lld\n", (long long)plan->id);
}

static int show(struct planning *p, struct err *err)
{
    static const char *const headings[] = {"row", "column", "state", "kind", "object", "record",
                                           "change", "why"};
    struct store *store = store_of(p);
    struct write_plan plan;
    struct table table;
    struct plan_line *lines = NULL;
    size_t count = 0;
    int64_t limit = p->cli->json ? 0 : 100;
    struct err ignored = {0};
    if (!cli_number(p->cli, p->args, "limit", &limit))
        return EXIT_USAGE;
    if (store->does->plans->get(store, p->arena, p->id, &plan, err) != OK ||
        store->does->plans->lines(store, p->arena, p->id, 0, 0, (size_t)limit, &lines, &count, err) != OK)
        return cli_fail(p->cli, err);
    const char *name = table_name(p, plan.table_id);
    bool known = name && store->does->table_get(store, p->arena, name, &table, &ignored) == OK;
    struct grid *grid = grid_new(p->cli, headings, 8);
    for (size_t i = 0; i < count; i++)
        put_line(p, grid, known ? &table : NULL, &lines[i]);
    grid_print(grid);
    if (p->cli->json)
        return EXIT_DONE;
    if (limit && count == (size_t)limit)
        printf("Only the first %s are shown; --limit shows more.\n", thousands(limit));
    print_summary(p, &plan);
    return EXIT_DONE;
}

/* ----------------------------------------------------------------- deciding */

/* The row and column that --row and --column name; the only one of the row without --column. */
static enum status find_line(struct planning *p, struct plan_line *out, struct err *err)
{
    struct store *store = store_of(p);
    struct write_plan plan;
    struct table table;
    struct plan_line *lines = NULL;
    size_t count = 0, found = 0;
    const char *key = args_get(p->args, "row"), *column = args_get(p->args, "column");
    if (store->does->plans->get(store, p->arena, p->id, &plan, err) != OK ||
        store->does->plans->lines(store, p->arena, p->id, 0, 0, 0, &lines, &count, err) != OK)
        return FAIL;
    const char *name = table_name(p, plan.table_id);
    if (!name || store->does->table_get(store, p->arena, name, &table, err) != OK)
        return err_set(err, ERR_NOT_FOUND, "the plan's table is gone");
    for (size_t i = 0; i < count; i++) {
        const struct column *of = table_column_by_id(&table, lines[i].column_id);
        if (!text_eq(lines[i].row_key, key) || (column && !(of && text_eq_nocase(of->name, column))))
            continue;
        *out = lines[i];
        found++;
    }
    if (found > 1)
        return err_set(err, ERR_INVALID, "several columns write in row %s: name one with --column", key);
    return found ? OK : err_set(err, ERR_NOT_FOUND, "the plan has no write in row %s", key);
}

static int decide_line(struct planning *p, const char *set, struct err *err)
{
    struct plan_line line = {0};
    if (find_line(p, &line, err) != OK ||
        plan_decide_line(&p->open->engine, p->id, line.column_id, line.row_id, set,
                         args_get(p->args, "reason"), err) != OK)
        return cli_fail(p->cli, err);
    progress_end(p->cli);
    if (!p->cli->json && !p->cli->quiet)
        printf("The write in row %s is %s.\n", line.row_key, set ? "edited" : "rejected");
    return EXIT_DONE;
}

static int decide(struct planning *p, bool approve, struct err *err)
{
    if (plan_decide(&p->open->engine, p->id, approve, args_get(p->args, "reason"), err) != OK)
        return cli_fail(p->cli, err);
    if (!p->cli->json && !p->cli->quiet)
        printf("Plan %lld is %s.%s\n", (long long)p->id, approve ? "approved" : "rejected",
               approve ? " Nothing is sent before `argil plan apply`." : "");
    return EXIT_DONE;
}

static int approve_plan(struct planning *p, struct err *err)
{
    return decide(p, true, err);
}

static int reject(struct planning *p, struct err *err)
{
    return args_get(p->args, "row") ? decide_line(p, NULL, err) : decide(p, false, err);
}

static int edit(struct planning *p, struct err *err)
{
    if (!args_get(p->args, "row") || !args_get(p->args, "set"))
        return cli_usage(p->cli, &command_plan, "edit wants --row KEY and --set '{\"Field\": value}'");
    return decide_line(p, args_get(p->args, "set"), err);
}

static int apply(struct planning *p, struct err *err)
{
    struct run_report report;
    enum status rc = plan_apply(&p->open->engine, p->id, &report, err);
    progress_end(p->cli);
    if (rc == OK || report.run_id)
        run_print(p->cli, arena_printf(p->arena, "plan %lld", (long long)p->id), &report);
    return rc == OK ? run_exit_code(&report) : cli_fail(p->cli, err);
}

static const struct {
    const char *name;
    bool number, writes;
    int (*run)(struct planning *, struct err *);
} verbs[] = {
    {"list", false, false, list},          {"show", true, false, show},
    {"approve", true, true, approve_plan}, {"reject", true, true, reject},
    {"edit", true, true, edit},            {"apply", true, true, apply},
};

static int run(struct cli *cli, const struct args *args)
{
    struct err err = {0};
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        char *end = "";
        int64_t id = args->word_count > 1 ? strtoll(args->words[1], &end, 10) : 0;
        if (!text_eq(verbs[i].name, args->words[0]) || verbs[i].number != (args->word_count > 1))
            continue;
        if (verbs[i].number && (*end || id <= 0))
            return cli_usage(cli, &command_plan, "%s is no plan's number", args->words[1]);
        struct cli_engine *open = cli_engine_open(cli, verbs[i].writes);
        if (!open)
            return cli->failed;
        struct planning p = {cli, args, open, open->arena, id};
        int code = verbs[i].run(&p, &err);
        cli_engine_close(open);
        return code;
    }
    return cli_usage(cli, &command_plan, "list, or show, approve, reject, edit or apply with a plan's "
                                         "number");
}

static const struct cli_option options[] = {
    {"row", 0, "KEY", "with reject and edit: only the write in this row"},
    {"column", 'c', "NAME", "with --row: of this column"},
    {"set", 0, "JSON", "with edit: the values to write instead, {\"Title\": \"CFO\"}"},
    {"reason", 0, "TEXT", "with reject: why; kept with the plan and in the audit"},
    {"limit", 0, "N", "with show: how many writes (100 on a terminal; 0 = all)"},
    {0},
};

const struct command command_plan = {
    .name = "plan",
    .summary = "writes that wait for a person: look, edit, reject, approve, apply",
    .words = "list | show|approve|reject|edit|apply PLAN",
    .about =
        "`argil run TABLE --plan` finds out against the live org what a run would write and\n"
        "keeps that. After it is approved, `apply` writes exactly that: what changed since is\n"
        "held back and named, what is not in the plan is left due. A plan is applied once.\n\n"
        "  argil run accounts --plan\n"
        "  argil plan show 7\n"
        "  argil plan edit 7 --row 0015e00000ABCdeAAD --set '{\"Industry\": \"Energy\"}'\n"
        "  argil plan reject 7 --row 0015e00000XYZabAAD --reason \"a partner\"\n"
        "  argil plan approve 7 && argil plan apply 7",
    .min_words = 1,
    .max_words = 2,
    .options = options,
    .run = run,
};
