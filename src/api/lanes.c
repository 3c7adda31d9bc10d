/* lanes.c - which connection a request is about, where its path names none: that of
 * the plan, run or operation it names. "" when that is gone; the handler says so. */
#include "api/nouns.h"

#include "store/store_plans.h"
#include "store/store_runs.h"

#include <stdlib.h>

/* The id in the path; 0 when it is none. */
static int64_t id_of(const struct call *call)
{
    struct err ignored = {0};
    int64_t id = 0;
    return call_id(call, 0, &id, &ignored) == OK ? id : 0;
}

static const char *of_table(struct call *call, struct store *store, int64_t table_id)
{
    struct err ignored = {0};
    struct table *tables = NULL;
    size_t count = 0;
    if (store->does->table_list(store, call->arena, &tables, &count, &ignored) != OK)
        return "";
    for (size_t i = 0; i < count; i++)
        if (tables[i].id == table_id && tables[i].connection)
            return tables[i].connection;
    return "";
}

static int64_t table_of_plan(struct call *call, struct store *store)
{
    struct err ignored = {0};
    struct write_plan plan;
    return store->does->plans->get(store, call->arena, id_of(call), &plan, &ignored) == OK
               ? plan.table_id
               : 0;
}

static int64_t table_of_run(struct call *call, struct store *store)
{
    struct err ignored = {0};
    struct run run;
    return store->does->runs->get(store, call->arena, id_of(call), &run, &ignored) == OK
               ? run.table_id
               : 0;
}

static int64_t table_of_op(struct call *call, struct store *store)
{
    struct err ignored = {0};
    struct op_query query = {.after_id = id_of(call) - 1, .limit = 1};
    struct op *ops = NULL;
    size_t count = 0;
    return query.after_id >= 0 &&
                   store->does->ops_list(store, call->arena, &query, &ops, &count, &ignored) == OK &&
                   count
               ? ops[0].table_id
               : 0;
}

static const char *lane(struct call *call, int64_t (*table_of)(struct call *, struct store *))
{
    struct err ignored = {0};
    struct store *store = handle_get(call->api->handles, false, &ignored);
    if (!store)
        return "";
    const char *found = of_table(call, store, table_of(call, store));
    handle_give(call->api->handles, store, false);
    return found;
}

const char *lane_of_plan(struct call *call)
{
    return lane(call, table_of_plan);
}

const char *lane_of_run(struct call *call)
{
    return lane(call, table_of_run);
}

const char *lane_of_operation(struct call *call)
{
    return lane(call, table_of_op);
}

const char *lane_of_query(struct call *call)
{
    const char *name = call_query(call, "connection");
    return name ? name : "";
}
