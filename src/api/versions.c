/* versions.c - what a table was at each change, and making it that again. */
#include "api/nouns.h"

#include "base/str.h"
#include "store/store_versions.h"

#include <string.h>

#define VERSIONS_MOST  500
#define VERSIONS_USUAL 50

const struct field table_version_list_query[] = {
    {"before", F_INT, 0, "versions older than this number"},
    {"limit", F_INT, 0, "versions at most (50)", .min = 1, .max = VERSIONS_MOST},
    {0},
};
static const struct field version_fields[] = {
    {"number", F_INT, F_REQUIRED, "of its table, from 1"},
    {"at", F_TIME, F_REQUIRED | F_NULL, NULL},
    {"who", F_TEXT, F_REQUIRED | F_NULL, NULL},
    {"note", F_TEXT, F_REQUIRED | F_NULL, "\"version 3 restored\""},
    {"auto_update", F_BOOL, F_REQUIRED, "how the switch stood"},
    {"recipe", F_TEXT, 0, "YAML; not in a list"},
    {0},
};
const struct shape table_version_shape = {"TableVersion", "A table's structure and settings as they were.",
                                    version_fields};
static const struct field version_list_fields[] = {
    {"versions", F_LIST, F_REQUIRED, "newest first: that one is now", .of = &table_version_shape},
    {"next", F_INT, F_REQUIRED | F_NULL, "ask with before = next for more; null = the end"},
    {0},
};
const struct shape table_version_list_shape = {"TableVersions", NULL, version_list_fields};
static const struct field version_restore_fields[] = {
    {"dry_run", F_BOOL, 0, "only say what would change"},
    {0},
};
const struct shape version_restore_body = {"RestoreVersion", NULL, version_restore_fields};

static void write_version(struct jw *w, const struct table_version *v)
{
    jw_object(w);
    jw_kv_int(w, "number", v->number);
    jw_kv_time(w, "at", v->at_ms);
    jw_kv_text(w, "who", v->who);
    jw_kv_text(w, "note", v->note);
    jw_kv_bool(w, "auto_update", v->auto_update);
    if (v->recipe)
        jw_kv_text(w, "recipe", v->recipe);
    jw_end_object(w);
}

enum status api_version_list(struct call *call, struct err *err)
{
    struct table table;
    struct table_version *list;
    size_t count;
    int64_t limit = call_query_int(call, "limit", VERSIONS_USUAL);
    if (call_table(call, &table, err) != OK ||
        call->store->does->versions->list(call->store, call->arena, table.id,
                                          call_query_int(call, "before", 0), (size_t)limit, &list,
                                          &count, err) != OK)
        return FAIL;
    jw_object(&call->w);
    jw_key(&call->w, "versions");
    jw_array(&call->w);
    for (size_t i = 0; i < count; i++)
        write_version(&call->w, &list[i]);
    jw_end_array(&call->w);
    jw_kv_next(&call->w, count == (size_t)limit && list[count - 1].number > 1 ? list[count - 1].number : 0);
    jw_end_object(&call->w);
    return OK;
}

enum status api_version_show(struct call *call, struct err *err)
{
    struct table table;
    struct table_version version;
    int64_t number;
    if (call_id(call, 1, &number, err) != OK || call_table(call, &table, err) != OK ||
        call->store->does->versions->get(call->store, call->arena, table.id, number, &version,
                                         err) != OK)
        return FAIL;
    write_version(&call->w, &version);
    return OK;
}

enum status api_version_restore(struct call *call, struct err *err)
{
    struct apply_plan plan = {0};
    err_list errors = {0};
    int64_t number;
    bool dry_run = json_get_bool(call->body, "dry_run", false);
    if (call_id(call, 1, &number, err) != OK)
        return FAIL;
    enum status rc =
        recipe_restore(call->engine, call->values[0], number, dry_run, &plan, &errors, err);
    if (rc == OK)
        recipe_result_write(&call->w, &plan, dry_run);
    else
        call_keep_errors(call, &errors);
    apply_plan_free(&plan);
    vec_free(&errors);
    return rc;
}
