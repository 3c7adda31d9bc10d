/* groups.c - the groups of a summary or matrix report, and the sums of each
 * place where a row group meets a column group.
 *
 * Rows arrive in any order: groups and facts are made when first met, and
 * ordered and named at the end (groups_sort). Group 0 of either tree is the
 * grand total, which is there from the start. */
#include "localorg/report/report_priv.h"

#include "base/map.h"
#include "base/mem.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void groups_open(struct groups *groups, struct arena *arena)
{
    *groups = (struct groups){.arena = arena,
                              .down = {.key = "T"},
                              .across = {.key = "T"},
                              .down_count = 1,
                              .across_count = 1,
                              .index = map_new(),
                              .facts = map_new(),
                              .seen = map_new()};
}

void groups_close(struct groups *groups)
{
    for (struct fact *fact = groups->first; fact; fact = fact->next)
        buf_free(&fact->rows);
    map_free(groups->index);
    map_free(groups->facts);
    map_free(groups->seen);
}

struct group *groups_child(struct groups *groups, bool across, struct group *parent, const char *id,
                           bool *fresh)
{
    char *key = mem_printf("%c%zu %s", across ? 'a' : 'd', parent->number, id);
    struct group *group = map_get(groups->index, key);
    *fresh = !group;
    if (!group) {
        group = arena_alloc(groups->arena, sizeof *group);
        group->parent = parent;
        group->depth = parent->depth + 1;
        group->id = arena_strdup(groups->arena, id);
        group->number = across ? groups->across_count++ : groups->down_count++;
        group->next = parent->first;
        parent->first = group;
        map_put(groups->index, key, group);
    }
    free(key);
    return group;
}

struct fact *groups_fact(struct groups *groups, const struct report *report,
                         const struct group *down, const struct group *across, bool make)
{
    char key[48];
    snprintf(key, sizeof key, "%zu %zu", down->number, across->number);
    struct fact *fact = map_get(groups->facts, key);
    if (fact || !make)
        return fact;
    fact = arena_alloc(groups->arena, sizeof *fact);
    fact->down = down->number;
    fact->across = across->number;
    fact->totals = arena_array(groups->arena, report->aggregate_count + 1, sizeof *fact->totals);
    if (groups->last)
        groups->last->next = fact;
    else
        groups->first = fact;
    groups->last = fact;
    map_put(groups->facts, key, fact);
    return fact;
}

/* --- sums --- */

static bool seen_before(struct groups *groups, const struct fact *fact, size_t i, const char *text)
{
    char *key = mem_printf("%zu %zu %zu %s", fact->down, fact->across, i, text);
    bool seen = map_has(groups->seen, key);
    if (!seen)
        map_put(groups->seen, key, groups);
    free(key);
    return seen;
}

void total_add(struct groups *groups, struct fact *fact, const struct report *report, size_t i,
               const char *text, double number, bool is_null)
{
    struct total *total = &fact->totals[i];
    enum aggregate_kind kind = report->aggregates[i].kind;
    if ((is_null && kind != ROW_COUNT) ||
        (kind == UNIQUE && seen_before(groups, fact, i, text ? text : "")))
        return;
    if (!total->count || number < total->min)
        total->min = number;
    if (!total->count || number > total->max)
        total->max = number;
    total->sum += number;
    total->count++;
}

double total_value(const struct report_aggregate *aggregate, const struct total *total,
                   bool *is_null)
{
    *is_null = !total->count && (aggregate->kind == AVERAGE || aggregate->kind == MINIMUM ||
                                 aggregate->kind == MAXIMUM);
    switch (aggregate->kind) {
    case SUM:
        return total->sum;
    case AVERAGE:
        return total->count ? total->sum / (double)total->count : 0;
    case MINIMUM:
        return total->min;
    case MAXIMUM:
        return total->max;
    default:
        return (double)total->count;
    }
}

/* --- order --- */

struct entry { /* a group and what it is ordered by */
    struct group *group;
    double number;
    bool descending;
};

static int compare(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    int order = (a->number > b->number) - (a->number < b->number);
    if (!order && a->group->text && b->group->text)
        order = strcasecmp(a->group->text, b->group->text);
    if (a->descending)
        order = -order;
    return order ? order : (a->group->number > b->group->number ? 1 : -1);
}

static double sort_number(struct groups *groups, const struct report *report, bool across,
                          const struct report_grouping *grouping, const struct group *group)
{
    bool is_null = false;
    int by = grouping->sort_aggregate;
    if (by < 0)
        return group->order;
    const struct fact *fact = groups_fact(groups, report, across ? &groups->down : group,
                                          across ? group : &groups->across, false);
    double value = fact ? total_value(&report->aggregates[by], &fact->totals[by], &is_null) : 0;
    return is_null ? -INFINITY : value;
}

static void sort_children(struct groups *groups, const struct report *report, bool across,
                          struct group *parent)
{
    const struct report_grouping *grouping =
        across ? &report->across[parent->depth] : &report->down[parent->depth];
    size_t count = 0, i = 0;
    for (struct group *child = parent->first; child; child = child->next)
        count++;
    if (!count)
        return;
    struct entry *entries = mem_array(count, sizeof *entries);
    for (struct group *child = parent->first; child; child = child->next)
        entries[i++] = (struct entry){child, sort_number(groups, report, across, grouping, child),
                                      grouping->descending};
    qsort(entries, count, sizeof *entries, compare);
    struct group **tail = &parent->first;
    for (i = 0; i < count; i++) {
        struct group *child = entries[i].group;
        child->key = parent->parent ? arena_printf(groups->arena, "%s_%zu", parent->key, i)
                                    : arena_printf(groups->arena, "%zu", i);
        *tail = child;
        tail = &child->next;
        sort_children(groups, report, across, child);
    }
    *tail = NULL;
    free(entries);
}

void groups_sort(struct groups *groups, const struct report *report)
{
    sort_children(groups, report, false, &groups->down);
    sort_children(groups, report, true, &groups->across);
}
