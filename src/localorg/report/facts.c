/* facts.c - the answer of a run: groups as trees, and the fact map, where
 * "1_0!T" is the second row group's first child in all columns. */
#include "localorg/report/report_priv.h"

#include <string.h>

enum { FACTS_MAX = 200000 };

static void groupings_json(const struct group *parent, struct jw *w)
{
    jw_key(w, "groupings");
    jw_array(w);
    for (const struct group *group = parent->first; group; group = group->next) {
        jw_object(w);
        groupings_json(group, w);
        jw_kv_text(w, "key", group->key);
        jw_kv_text(w, "label", group->label);
        jw_key(w, "value");
        jw_raw(w, group->value, strlen(group->value));
        jw_end_object(w);
    }
    jw_end_array(w);
}

static void side_json(const char *key, const struct group *root, struct jw *w)
{
    jw_key(w, key);
    jw_object(w);
    groupings_json(root, w);
    jw_end_object(w);
}

static void fact_json(struct run *run, const struct group *down, const struct group *across,
                      bool details, struct jw *w)
{
    static const struct total nothing;
    const struct report *report = run->report;
    const struct fact *fact = groups_fact(&run->groups, report, down, across, false);
    jw_key(w, arena_printf(run->arena, "%s!%s", down->key, across->key));
    jw_object(w);
    jw_key(w, "aggregates");
    jw_array(w);
    for (size_t i = 0; i < report->aggregate_count; i++)
        total_json(report, &report->aggregates[i], fact ? &fact->totals[i] : &nothing, w);
    jw_end_array(w);
    if (details) {
        jw_key(w, "rows");
        jw_raw(w, "[", 1);
        if (fact)
            buf_append(w->out, buf_text(&fact->rows), fact->rows.len);
        buf_char(w->out, ']');
    }
    jw_end_object(w);
}

static void facts_across(struct run *run, const struct group *down, const struct group *across,
                         bool details, struct jw *w)
{
    fact_json(run, down, across, details, w);
    for (const struct group *child = across->first; child; child = child->next)
        facts_across(run, down, child, details, w);
}

static void facts_down(struct run *run, const struct group *down, bool details, struct jw *w)
{
    facts_across(run, down, &run->groups.across, details, w);
    for (const struct group *child = down->first; child; child = child->next)
        facts_down(run, child, details, w);
}

static void answer_json(struct run *run, const struct report_run *options, struct jw *w)
{
    jw_object(w);
    jw_key(w, "attributes");
    jw_raw(w, options->attributes, strlen(options->attributes));
    jw_kv_bool(w, "allData", run->all_data);
    jw_key(w, "factMap");
    jw_object(w);
    facts_down(run, &run->groups.down, options->details, w);
    jw_end_object(w);
    side_json("groupingsAcross", &run->groups.across, w);
    side_json("groupingsDown", &run->groups.down, w);
    jw_kv_bool(w, "hasDetailRows", options->details);
    jw_key(w, "picklistColors");
    jw_raw(w, "{}", 2);
    jw_key(w, "reportExtendedMetadata");
    extended_metadata_json(run->report, w);
    jw_key(w, "reportMetadata");
    report_metadata_json(run->report, w);
    jw_end_object(w);
}

enum status report_run_json(const struct report *report, const struct report_run *options,
                            struct jw *w, struct err *err)
{
    struct err local = {{0}};
    struct run run = {.report = report, .arena = report->arena};
    if (!err)
        err = &local;
    if (options->details && !report->column_count)
        return err_set(err, REPORT_BAD_REQUEST,
                       "Can’t run the report because it doesn’t have any columns selected. Be sure "
                       "to add fields as columns to the report through the user interface.");
    groups_open(&run.groups, report->arena);
    enum status rc = run_rows(&run, options->details, err);
    if (rc == OK && run.groups.down_count * run.groups.across_count > FACTS_MAX)
        rc = err_set(err, REPORT_BAD_REQUEST,
                     "The report has more than %d cells: group by something coarser, or filter.",
                     FACTS_MAX);
    if (rc == OK)
        answer_json(&run, options, w);
    groups_close(&run.groups);
    return rc;
}
