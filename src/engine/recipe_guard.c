/* recipe_guard.c - the recipe's `guard`, checked: each mistake at its place. */
#include "engine/gates.h"
#include "engine/recipe_priv.h"

#include "base/str.h"
#include "base/tz.h"

#include <stdlib.h>
#include <string.h>

static void wrong(struct draft *d, const struct ynode *node, const char *what, const char *hint)
{
    struct err *err = draft_fail(d, node, false, "recipe.wrong_value", "%s", what);
    if (hint)
        err_hint(err, "%s", hint);
}

static bool whole(const struct ynode *node, int64_t least)
{
    char *end = NULL;
    return node->type == Y_SCALAR && strtoll(node->text, &end, 10) >= least && !*end;
}

static void check_numbers(struct draft *d, const struct ynode *guard)
{
    const struct ynode *most = ynode_get(guard, "max_writes_per_run");
    const struct ynode *rate = ynode_get(guard, "stop_at_error_rate");
    char *end;
    if (most && !whole(most, 1))
        wrong(d, most, "`max_writes_per_run` must be a whole number, 1 or more", NULL);
    if (rate && (rate->type != Y_SCALAR || strtod(rate->text, &end) <= 0 || !text_eq(end, "%") ||
                 strtod(rate->text, NULL) > 100))
        wrong(d, rate, "`stop_at_error_rate` must be a percentage", "for example 5%");
}

static void check_lists(struct draft *d, const struct ynode *guard)
{
    const struct ynode *may = ynode_get(guard, "may_write");
    const struct ynode *remove = ynode_get(guard, "may_delete");
    if (may && draft_want(d, may, Y_LIST, "`may_write`"))
        for (const struct ynode *child = may->first; child; child = child->next)
            if (child->type != Y_SCALAR || !strchr(child->text, '.'))
                wrong(d, child, "`may_write` lists fields as Object.Field",
                      "Account.Industry, or Lead.* for every field of Lead");
    if (remove && draft_want(d, remove, Y_LIST, "`may_delete`"))
        for (const struct ynode *child = remove->first; child; child = child->next)
            if (child->type != Y_SCALAR || strchr(child->text, '.'))
                wrong(d, child, "`may_delete` lists objects", "for example [Lead]");
}

static void check_canary(struct draft *d, const struct ynode *canary)
{
    static const char *const keys[] = {"rows", "above"};
    if (!canary || (canary->type == Y_SCALAR && whole(canary, 1)))
        return;
    if (canary->type != Y_MAP) {
        wrong(d, canary, "`canary` must be a whole number, 1 or more", "or { rows: 5, above: 100 }");
        return;
    }
    draft_keys(d, canary, "canary", keys, 2);
    for (const struct ynode *child = canary->first; child; child = child->next)
        if (!whole(child, 1))
            wrong(d, child, "must be a whole number, 1 or more", NULL);
}

static void check_quiet(struct draft *d, const struct ynode *quiet)
{
    static const char *const keys[] = {"from", "to", "zone", "days"};
    static const char *const days[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
    struct err err = {0};
    bool now;
    int64_t until;
    if (!quiet || !draft_want(d, quiet, Y_MAP, "`quiet_hours`"))
        return;
    draft_keys(d, quiet, "quiet_hours", keys, 4);
    const struct ynode *list = ynode_get(quiet, "days");
    if (list && draft_want(d, list, Y_LIST, "`days`"))
        for (const struct ynode *day = list->first; day; day = day->next) {
            bool known = false;
            for (size_t i = 0; i < 7 && day->type == Y_SCALAR; i++)
                known = known || text_eq_nocase(day->text, days[i]);
            if (!known)
                wrong(d, day, "`days` lists days of the week", "mon, tue, wed, thu, fri, sat, sun");
        }
    const char *text = draft_json(d, quiet, NULL);
    const struct json *window = json_parse(d->arena, text, strlen(text), &err);
    if (quiet_now(window, 0, &now, &until, &err) != OK)
        wrong(d, quiet, err.message, "quiet_hours: { from: \"20:00\", to: \"06:00\", zone: Europe/Berlin }");
}

void recipe_guard(struct draft *d)
{
    static const char *const keys[] = {"max_writes_per_run", "stop_at_error_rate", "may_write",
                                       "may_delete", "canary", "quiet_hours"};
    const struct ynode *guard = ynode_get(d->root, "guard");
    d->table.guard = "{}";
    if (!guard || !draft_want(d, guard, Y_MAP, "`guard`"))
        return;
    draft_keys(d, guard, "guard", keys, sizeof keys / sizeof *keys);
    check_numbers(d, guard);
    check_lists(d, guard);
    check_canary(d, ynode_get(guard, "canary"));
    check_quiet(d, ynode_get(guard, "quiet_hours"));
    d->table.guard = draft_json(d, guard, NULL);
}
