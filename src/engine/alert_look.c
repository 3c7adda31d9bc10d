/* alert_look.c - what is to be said: runs that ended since the last look, tables
 * and connections as they are now.
 *
 * How far runs were looked at is stored, with the numbers that only a rise of is
 * news. A run is known by its end; ends are stored a moment after their time, so the
 * last ten seconds are looked at twice, by the ids that were seen. */
#include "engine/alerts.h"
#include "engine/run_priv.h"
#include "engine/schedule.h"
#include "engine/tokens.h"

#include "base/str.h"
#include "base/when.h"
#include "store/store_runs.h"

#include <inttypes.h>
#include <string.h>

#define MARK       "alerts.look"
#define RUNS_MOST  1000
#define OVERLAP_MS 10000

struct look {
    struct engine *engine;
    struct arena *arena;
    struct alert_settings settings;
    struct alerts_looked *out;
    struct table *tables;
    size_t table_count;
    struct run *runs; /* newest first */
    size_t run_count;
    const struct json *before; /* the mark as stored; NULL = the first look */
    int64_t now_ms, since_ms;
};

static const struct table *table_of(const struct look *l, int64_t id)
{
    for (size_t i = 0; i < l->table_count; i++)
        if (l->tables[i].id == id)
            return &l->tables[i];
    return NULL;
}

static void set_ways(const struct alert_settings *s, struct alert *a)
{
    a->told[WAY_EMAIL].state = alert_settings_email(s) ? TOLD_WAITING : TOLD_NOT_ASKED;
    a->told[WAY_WEBHOOK].state = alert_settings_webhook(s) ? TOLD_WAITING : TOLD_NOT_ASKED;
}

static enum status raise(struct look *l, struct alert *a, int64_t quiet_ms, struct err *err)
{
    struct store *store = l->engine->store;
    bool fresh = false;
    set_ways(&l->settings, a);
    if (store->does->alerts->raise(store, a, quiet_ms, &fresh, err) != OK)
        return FAIL;
    l->out->raised += fresh;
    l->out->repeated += !fresh;
    return OK;
}

/* ------------------------------------------------------------------- rules */

/* What a table's recipe says under `alerts`; 0 = nothing. */
struct rules {
    int64_t failure_rate, rows, inactive_ms;
};

static struct rules rules_of(const struct look *l, const struct table *table)
{
    struct err ignored = {0};
    const char *text = table->rules ? table->rules : "{}";
    const struct json *all = json_parse(l->arena, text, strlen(text), &ignored);
    const struct json *alerts = json_get(all, "alerts");
    return (struct rules){
        .failure_rate = json_get_int(alerts, "failure_rate", l->settings.failure_rate),
        .rows = json_get_int(alerts, "rows", 0),
        .inactive_ms = json_get_int(alerts, "inactive_ms", 0)};
}

/* -------------------------------------------------------------------- runs */

static enum status say_failing(struct look *l, const struct run *run, const struct table *table,
                               const struct json *report, struct err *err)
{
    struct rules rules = rules_of(l, table);
    int64_t bad = json_get_int(report, "error", 0) + json_get_int(report, "refused", 0) +
                  json_get_int(report, "rejected", 0);
    int64_t good = json_get_int(report, "computed", 0) + json_get_int(report, "no_result", 0);
    struct alert a = {.kind = ALERT_FAILURE_RATE, .table_id = table->id, .run_id = run->id};
    if (!rules.failure_rate)
        return OK;
    if (run->state == RUN_FAILED) {
        a.number = 100;
        a.subject = arena_printf(l->arena, "%s: %s %" PRId64 " failed", table->name, run->kind, run->id);
        a.message = run->error;
        return raise(l, &a, ALERT_QUIET_MS, err);
    }
    if (bad + good < ALERT_CELLS_LEAST || bad * 100 < rules.failure_rate * (bad + good))
        return OK;
    const struct json *reason = json_at(json_get(report, "reasons"), 0);
    a.number = bad * 100 / (bad + good);
    a.subject = arena_printf(l->arena, "%s: %" PRId64 " %% of run %" PRId64 " failed", table->name,
                             a.number, run->id);
    a.message = arena_printf(l->arena,
                             "%" PRId64 " of %" PRId64 " cells failed (the limit is %" PRId64
                             " %%).%s%s",
                             bad, bad + good, rules.failure_rate, reason ? " Most often: " : "",
                             reason ? json_get_text(reason, "message") : "");
    return raise(l, &a, ALERT_QUIET_MS, err);
}

static enum status say_paused(struct look *l, const struct run *run, const struct table *table,
                              struct err *err)
{
    struct alert a = {
        .kind = ALERT_BUDGET,
        .table_id = table->id,
        .run_id = run->id,
        .subject = arena_printf(l->arena, "%s: run %" PRId64 " was paused", table->name, run->id),
        .message = "The connection's call budget or a limit of the org was reached. Everything is "
                   "kept; what is left runs when there is room again."};
    return raise(l, &a, ALERT_QUIET_MS, err);
}

static enum status say_doubt(struct look *l, const struct table *table, int64_t number,
                             int64_t run_id, struct err *err)
{
    struct alert a = {
        .kind = ALERT_IN_DOUBT,
        .table_id = table->id,
        .run_id = run_id,
        .number = number,
        .subject = arena_printf(l->arena, "%s: %" PRId64 " in doubt", table->name, number),
        .message = arena_printf(l->arena,
                                "%" PRId64 " write%s may or may not have been carried out, and "
                                "nothing but a person can tell: see `argil journal doubts`.",
                                number, number == 1 ? "" : "s")};
    return raise(l, &a, ALERT_QUIET_MS, err);
}

static bool looked_at(const struct look *l, const struct run *run)
{
    json_each(id, json_get(l->before, "runs"))
        if (json_int(id, 0) == run->id)
            return true;
    return !run->ended_ms || run->ended_ms <= l->since_ms - OVERLAP_MS;
}

static enum status look_at_run(struct look *l, const struct run *run, struct err *err)
{
    struct err ignored = {0};
    const struct table *table = table_of(l, run->table_id);
    const char *text = run->report ? run->report : "{}";
    const struct json *report = json_parse(l->arena, text, strlen(text), &ignored);
    if (!table || looked_at(l, run))
        return OK;
    if (say_failing(l, run, table, report, err) != OK)
        return FAIL;
    if (json_get_bool(report, "paused", false) && say_paused(l, run, table, err) != OK)
        return FAIL;
    int64_t doubt = json_get_int(report, "in_doubt", 0);
    return doubt ? say_doubt(l, table, doubt, run->id, err) : OK;
}

/* ---------------------------------------------------- tables, connections */

/* The newest alert of its kind about the same is less than a day old. */
static enum status said_today(struct look *l, const struct alert *a, bool *said, struct err *err)
{
    struct store *store = l->engine->store;
    struct alert_query query = {.table_id = a->table_id, .limit = 200};
    struct alert *list;
    size_t count;
    *said = false;
    if (store->does->alerts->find(store, l->arena, &query, &list, &count, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++)
        if (list[i].kind == a->kind && list[i].connection_id == a->connection_id)
            *said |= list[i].at_ms > l->now_ms - ALERT_LASTING_MS;
    return OK;
}

static enum status say_lasting(struct look *l, struct alert *a, struct err *err)
{
    bool said;
    if (said_today(l, a, &said, err) != OK)
        return FAIL;
    return said ? OK : raise(l, a, ALERT_QUIET_MS, err);
}

static int64_t last_activity(const struct look *l, const struct table *table)
{
    int64_t last = table->created_ms > table->changed_ms ? table->created_ms : table->changed_ms;
    for (size_t i = 0; i < l->run_count; i++)
        if (l->runs[i].table_id == table->id && l->runs[i].ended_ms > last)
            last = l->runs[i].ended_ms;
    return last;
}

static enum status look_at_table(struct look *l, const struct table *table, struct err *err)
{
    struct rules rules = rules_of(l, table);
    if (rules.rows && table->row_count > rules.rows) {
        struct alert a = {.kind = ALERT_ROWS, .table_id = table->id, .number = table->row_count};
        a.subject = arena_printf(l->arena, "%s: %" PRId64 " rows", table->name, table->row_count);
        a.message = arena_printf(l->arena, "The recipe wants to hear when there are more than %" PRId64
                                           " rows.", rules.rows);
        if (say_lasting(l, &a, err) != OK)
            return FAIL;
    }
    int64_t last = rules.inactive_ms ? last_activity(l, table) : 0;
    if (!rules.inactive_ms || l->now_ms - last < rules.inactive_ms)
        return OK;
    char when[40];
    when_iso(last, when);
    struct alert a = {.kind = ALERT_INACTIVE, .table_id = table->id};
    a.number = (l->now_ms - last) / 3600000;
    a.subject = arena_printf(l->arena, "%s: nothing has run since %s", table->name, when);
    a.message = "No sync and no run of this table has ended since then.";
    return say_lasting(l, &a, err);
}

static enum status look_at_doubt(struct look *l, const struct table *table, int64_t *now,
                                 struct err *err)
{
    struct store *store = l->engine->store;
    struct op_counts counts;
    char id[24];
    snprintf(id, sizeof id, "%" PRId64, table->id);
    if (store->does->ops_count(store, table->id, &counts, err) != OK)
        return FAIL;
    *now = counts.by_state[OP_IN_DOUBT];
    int64_t before = json_get_int(json_get(l->before, "doubt"), id, 0);
    return *now > before ? say_doubt(l, table, *now, 0, err) : OK;
}

static enum status look_at_connections(struct look *l, struct err *err)
{
    struct store *store = l->engine->store;
    struct connection *list;
    size_t count;
    if (store->does->connection_list(store, l->arena, &list, &count, err) != OK)
        return FAIL;
    for (size_t i = 0; i < count; i++) {
        if (!text_eq(list[i].status, STATUS_RECONNECT))
            continue;
        struct alert a = {.kind = ALERT_RECONNECT, .connection_id = list[i].id};
        a.subject = arena_printf(l->arena, "%s: sign in again", list[i].name);
        a.message = arena_printf(l->arena,
                                 "The org no longer accepts the connection \"%s\". Its tables wait "
                                 "until somebody signs in again; `argil doctor %s` says why.",
                                 list[i].name, list[i].name);
        if (say_lasting(l, &a, err) != OK)
            return FAIL;
    }
    return OK;
}

/* -------------------------------------------------------------------- look */

static enum status open_look(struct look *l, struct err *err)
{
    struct store *store = l->engine->store;
    struct run_query query = {.states = 1u << RUN_DONE | 1u << RUN_FAILED | 1u << RUN_STOPPED |
                                        1u << RUN_INTERRUPTED,
                              .limit = RUNS_MOST};
    const char *mark = NULL;
    if (alert_settings_load(store, l->arena, &l->settings, err) != OK ||
        store->does->alerts->settings_get(store, l->arena, MARK, &mark, err) != OK ||
        store->does->table_list(store, l->arena, &l->tables, &l->table_count, err) != OK ||
        store->does->runs->find(store, l->arena, &query, &l->runs, &l->run_count, err) != OK)
        return FAIL;
    l->before = mark ? json_parse(l->arena, mark, strlen(mark), NULL) : NULL;
    l->since_ms = json_get_int(l->before, "since_ms", 0);
    return OK;
}

static enum status look_at_all(struct look *l, struct jw *doubt, struct err *err)
{
    for (size_t i = l->run_count; i-- > 0;)
        if (l->before && look_at_run(l, &l->runs[i], err) != OK)
            return FAIL;
    for (size_t i = 0; i < l->table_count; i++) {
        int64_t now = 0;
        if (look_at_table(l, &l->tables[i], err) != OK ||
            look_at_doubt(l, &l->tables[i], &now, err) != OK)
            return FAIL;
        if (now)
            jw_kv_int(doubt, arena_printf(l->arena, "%" PRId64, l->tables[i].id), now);
    }
    return look_at_connections(l, err);
}

static enum status keep_mark(struct look *l, const struct buf *doubt, struct err *err)
{
    struct store *store = l->engine->store;
    struct buf text = BUF_INIT;
    struct jw w;
    int64_t newest = l->since_ms ? l->since_ms : l->now_ms;
    for (size_t i = 0; i < l->run_count; i++)
        newest = l->runs[i].ended_ms > newest ? l->runs[i].ended_ms : newest;
    jw_init(&w, &text);
    jw_object(&w);
    jw_kv_int(&w, "since_ms", newest);
    jw_key(&w, "runs");
    jw_array(&w);
    for (size_t i = 0; i < l->run_count; i++)
        if (l->runs[i].ended_ms > newest - OVERLAP_MS)
            jw_int(&w, l->runs[i].id);
    jw_end_array(&w);
    jw_key(&w, "doubt");
    jw_raw(&w, buf_text(doubt), doubt->len);
    jw_end_object(&w);
    const char *now = arena_strdup(l->arena, buf_text(&text));
    buf_free(&text);
    struct buf before = BUF_INIT;
    struct jw b;
    jw_init(&b, &before);
    if (l->before)
        jw_value(&b, l->before);
    bool same = l->before && text_eq(buf_text(&before), now);
    buf_free(&before);
    return same ? OK : store->does->alerts->settings_put(store, MARK, now, err);
}

enum status alerts_look(struct engine *engine, struct alerts_looked *out, struct err *err)
{
    struct look l = {.engine = engine,
                     .arena = arena_new(),
                     .out = out,
                     .now_ms = engine->world->now_ms(engine->world)};
    struct buf doubt = BUF_INIT;
    struct jw w;
    *out = (struct alerts_looked){0};
    jw_init(&w, &doubt);
    jw_object(&w);
    enum status rc = open_look(&l, err);
    if (rc == OK)
        rc = look_at_all(&l, &w, err);
    jw_end_object(&w);
    if (rc == OK)
        rc = keep_mark(&l, &doubt, err);
    buf_free(&doubt);
    arena_free(l.arena);
    return rc;
}

enum status alerts_test(struct engine *engine, struct alert *out, struct err *err)
{
    struct alerts_looked looked = {0};
    struct look l = {.engine = engine, .arena = arena_new(), .out = &looked};
    *out = (struct alert){.kind = ALERT_TEST,
                          .subject = "A test of argil's alerts",
                          .message = "Somebody asked for it. Whoever reads this gets alerts."};
    enum status rc = alert_settings_load(engine->store, l.arena, &l.settings, err);
    if (rc == OK && !alert_settings_email(&l.settings) && !alert_settings_webhook(&l.settings)) {
        rc = err_set(err, ERR_INVALID, "no way to send alerts is set up");
        err_hint(err, "argil alert set --email ann@example.com --server smtp://mail.example.com:587 "
                      "--from argil@example.com, or --webhook URL");
    }
    if (rc == OK)
        rc = raise(&l, out, 0, err);
    arena_free(l.arena);
    return rc;
}
