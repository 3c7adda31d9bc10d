/* tidy.c - see tidy.h. */
#include "engine/tidy.h"

#include "base/log.h"
#include "base/str.h"
#include "engine/filter.h"
#include "engine/run_priv.h"
#include "store/store_views.h"

#include <string.h>

#define ROWS_AT_ONCE 1000
#define DAY_MS       ((int64_t)24 * 3600 * 1000)
#define HOUR_MS      ((int64_t)3600 * 1000)
#define MINUTE_MS    ((int64_t)60 * 1000)

struct tidying {
    struct engine *engine;
    const struct table *table;
    struct tidy_rule rule;
    struct tidy_query query;
    struct filter filter;
    int64_t kept_from; /* rows from this one on stay */
};

/* ---------------------------------------------------------------- the rule */

static const char *length_text(struct arena *arena, int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *name;
    } units[] = {{DAY_MS, "day"}, {HOUR_MS, "hour"}, {MINUTE_MS, "minute"}};
    for (size_t i = 0; i < 3; i++)
        if (ms % units[i].ms == 0)
            return arena_printf(arena, "%lld %s%s", (long long)(ms / units[i].ms), units[i].name,
                                ms == units[i].ms ? "" : "s");
    return arena_printf(arena, "%lld seconds", (long long)(ms / 1000));
}

const char *tidy_rule_text(struct arena *arena, const struct tidy_rule *rule)
{
    bool finished = text_eq(rule->when, TIDY_FINISHED);
    return arena_printf(arena, "rows go by themselves %s%s%s%s; the newest %lld stay",
                        finished ? "when they are finished" : "when ", finished ? "" : rule->when,
                        rule->after_ms ? ", at the soonest after " : "",
                        rule->after_ms ? length_text(arena, rule->after_ms) : "",
                        (long long)rule->keep);
}

/* ----------------------------------------------------------------- looking */

static void computed_columns(struct tidying *t, struct arena *arena)
{
    const struct table *table = t->table;
    struct column *list = arena_array(arena, table->column_count + 1, sizeof *list);
    for (size_t i = 0; i < table->column_count; i++)
        if (column_is_computed(&table->columns[i]))
            list[t->query.column_count++] = table->columns[i];
    t->query.columns = list;
}

/* Every computed cell is settled. */
static void finished_filter(struct tidying *t, struct arena *arena)
{
    struct filter *kids = arena_array(arena, t->query.column_count + 1, sizeof *kids);
    for (size_t i = 0; i < t->query.column_count; i++)
        kids[i] =
            (struct filter){.kind = FILTER_STATE,
                            .column_id = t->query.columns[i].id,
                            .slot = t->query.columns[i].slot,
                            .type = t->query.columns[i].type,
                            .states = 1u << CELL_OK | 1u << CELL_NO_RESULT | 1u << CELL_SKIPPED};
    t->filter =
        (struct filter){.kind = FILTER_ALL, .kids = kids, .kid_count = t->query.column_count};
}

static enum status tidying_open(struct tidying *t, struct arena *arena, bool dry_run,
                                struct err *err)
{
    struct store *store = t->engine->store;
    computed_columns(t, arena);
    t->query.table_id = t->table->id;
    t->query.finished = text_eq(t->rule.when, TIDY_FINISHED);
    t->query.made_before_ms = engine_now(t->engine) - t->rule.after_ms;
    t->query.dry_run = dry_run;
    t->query.who = "auto-delete";
    if (t->query.finished)
        finished_filter(t, arena);
    else if (filter_read_text(arena, t->table, t->rule.when, &t->filter, err) != OK)
        return err_wrap(err, "auto_delete of \"%s\"", t->table->name);
    return store->does->tidy->kept_from(store, t->table->id, t->rule.keep, &t->kept_from, err);
}

/* One window of rows that pass the filter; *anchor NULL at the end. */
static enum status tidy_window(struct tidying *t, struct arena *arena, const char **anchor,
                               struct tidied *out, struct err *err)
{
    struct store *store = t->engine->store;
    struct window window = {0};
    struct window_query query = {.table_id = t->table->id,
                                 .filter = &t->filter,
                                 .from = *anchor ? WINDOW_AFTER : WINDOW_START,
                                 .anchor = *anchor,
                                 .limit = ROWS_AT_ONCE};
    if (store->does->views->window(store, arena, &query, &window, err) != OK)
        return FAIL;
    int64_t *ids = arena_array(arena, window.count + 1, sizeof *ids);
    size_t count = 0;
    while (count < window.count && window.rows[count].id < t->kept_from) {
        ids[count] = window.rows[count].id;
        count++;
    }
    t->query.row_ids = ids;
    t->query.row_count = count;
    *anchor = count < ROWS_AT_ONCE ? NULL : window.last;
    return count ? store->does->tidy->rows(store, &t->query, out, err) : OK;
}

static enum status tidy(struct tidying *t, struct arena *arena, bool dry_run, struct tidied *out,
                        struct err *err)
{
    char anchor[256] = "";
    if (tidying_open(t, arena, dry_run, err) != OK)
        return FAIL;
    do {
        struct arena *page = arena_new();
        const char *at = *anchor ? anchor : NULL;
        enum status rc = tidy_window(t, page, &at, out, err);
        snprintf(anchor, sizeof anchor, "%s", rc == OK && at ? at : "");
        arena_free(page);
        if (rc != OK)
            return FAIL;
    } while (*anchor && !engine_stopping(t->engine));
    return OK;
}

enum status tidy_table(struct engine *engine, const struct table *table, bool dry_run,
                       struct tidied *out, struct err *err)
{
    struct arena *arena = arena_new();
    struct tidying t = {.engine = engine, .table = table};
    enum status rc = OK;
    *out = (struct tidied){0};
    tidy_rule_read(arena, table, &t.rule);
    if (t.rule.when)
        rc = tidy(&t, arena, dry_run, out, err);
    if (rc == OK && out->removed && !dry_run)
        log_info("%s: auto_delete took %lld rows away", table->name, (long long)out->removed);
    arena_free(arena);
    return rc;
}

enum status tidy_all(struct engine *engine, int64_t *removed, struct err *err)
{
    struct store *store = engine->store;
    struct arena *arena = arena_new();
    struct table *tables;
    size_t count;
    enum status rc = store->does->table_list(store, arena, &tables, &count, err);
    for (size_t i = 0; rc == OK && i < count && !engine_stopping(engine); i++) {
        struct tidied out;
        struct err why = {0};
        if (!tables[i].rules || !strstr(tables[i].rules, "auto_delete"))
            continue;
        if (tidy_table(engine, &tables[i], false, &out, &why) == OK)
            *removed += out.removed;
        else
            log_warn("auto_delete of %s: %s", tables[i].name, why.message);
    }
    arena_free(arena);
    return rc;
}
