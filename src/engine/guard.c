/* guard.c - what a table's recipe allows its writes (design 3, `guard`).
 *
 * may_write: fields the columns may touch. may_delete: objects whose records they
 * may delete, none unless named. max_writes_per_run: the rest waits
 * for the next run. stop_at_error_rate: too many refusals stop all writing of
 * this run, because the next thousand would go the same way. */
#include "engine/journal.h"

#include "base/log.h"
#include "base/str.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#define OUTCOMES_BEFORE_RATE 20

static const struct json *guard_of(const struct table *table, struct arena *arena)
{
    struct err ignored = {0};
    return table->guard && *table->guard
               ? json_parse(arena, table->guard, strlen(table->guard), &ignored)
               : NULL;
}

/* "Lead.*", "Account.Industry", "*" */
static bool pattern_covers(const char *pattern, const char *object, const char *field)
{
    if (text_eq(pattern, "*") || text_eq(pattern, "*.*"))
        return true;
    size_t len = strlen(object);
    if (strncasecmp(pattern, object, len) != 0 || pattern[len] != '.')
        return false;
    return text_eq(pattern + len + 1, "*") || text_eq_nocase(pattern + len + 1, field);
}

static bool list_covers(const struct json *list, const char *object, const char *field)
{
    json_each(pattern, list) {
        if (json_text(pattern) && pattern_covers(json_text(pattern), object, field))
            return true;
    }
    return false;
}

enum status guard_may_write(const struct table *table, const char *object, const char *field,
                            struct err *err)
{
    struct arena *arena = arena_new();
    const struct json *list = json_get(guard_of(table, arena), "may_write");
    enum status rc = OK;
    if (list && !list_covers(list, object, field)) {
        rc = err_set(err, "guard.may_write", "the table's guard does not allow writing %s.%s",
                     object, field);
        err_hint(err, "Add %s.%s to guard: may_write in the recipe if it should.", object, field);
    }
    arena_free(arena);
    return rc;
}

bool guard_may_delete(const struct table *table, const char *object)
{
    struct arena *arena = arena_new();
    bool may = false;
    json_each(name, json_get(guard_of(table, arena), "may_delete"))
        may = may || text_eq_nocase(json_text(name), object);
    arena_free(arena);
    return may;
}

int64_t guard_writes_left(const struct run_job *job, const struct table *table)
{
    struct arena *arena = arena_new();
    int64_t most = json_get_int(guard_of(table, arena), "max_writes_per_run", -1);
    arena_free(arena);
    if (most < 0)
        return INT64_MAX;
    int64_t made = job->writes_sent + job->writes_held;
    return most > made ? most - made : 0;
}

/* "5%" or 5 or 0.05 -> 0.05; 0 = no limit */
static double rate_of(const struct json *value)
{
    const char *text = json_text(value);
    if (!text)
        return 0;
    double rate = strtod(text, NULL);
    if (strchr(text, '%') || rate > 1)
        rate /= 100;
    return isfinite(rate) && rate > 0 ? rate : 0;
}

bool guard_has_canary(const struct table *table)
{
    struct arena *arena = arena_new();
    bool has = json_get(guard_of(table, arena), "canary") != NULL;
    arena_free(arena);
    return has;
}

/* What the run's writes came to; of a part, those of the others, too. */
static void outcomes_of(struct run_job *job, int64_t *outcomes, int64_t *failures)
{
    struct store *store = job->engine->store;
    struct err err = {0};
    *outcomes = job->write_outcomes;
    *failures = job->write_failures;
    if (!job->part.number)
        return;
    if (store->does->parts->tally(store, &job->part, *outcomes - job->told_outcomes,
                                  *failures - job->told_failures, outcomes, failures, &err) != OK) {
        log_warn("guard: %s", err.message);
        return;
    }
    job->told_outcomes = job->write_outcomes;
    job->told_failures = job->write_failures;
}

bool guard_error_rate(struct run_job *job, const struct table *table)
{
    int64_t outcomes, failures;
    struct arena *arena = arena_new();
    double limit = rate_of(json_get(guard_of(table, arena), "stop_at_error_rate"));
    arena_free(arena);
    if (!(limit > 0))
        return false;
    outcomes_of(job, &outcomes, &failures);
    if (outcomes < OUTCOMES_BEFORE_RATE || (double)failures <= limit * (double)outcomes)
        return false;
    if (!job->stop_writing)
        report_refusal(job->report, "guard.error_rate",
                       "too many writes were refused: the guard stopped this run's writing");
    job->stop_writing = job->stop_column = true;
    return true;
}
