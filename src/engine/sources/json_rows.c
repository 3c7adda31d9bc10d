/* json_rows.c - see json_rows.h. */
#include "engine/sources/json_rows.h"

#include "base/str.h"
#include "engine/sources/snapshot.h"

static bool always(void *ctx, const char *field)
{
    return true;
}

enum status json_rows_open(struct json_rows *rows, struct sync *sync, struct err *err)
{
    *rows = (struct json_rows){.sync = sync};
    sync_choose_fields(sync, always, NULL);
    return source_key_columns(sync, &rows->key_at, &rows->key_count, err);
}

const struct json *json_rows_at(const struct json *object, const char *field)
{
    if (text_eq(field, "$"))
        return object;
    const struct json *exact = json_get(object, field);
    return exact ? exact : json_path(object, field);
}

enum status json_rows_values(struct json_rows *rows, const struct json *object,
                             struct value *values, struct err *err)
{
    struct sync *sync = rows->sync;
    for (size_t i = 0; i < sync->field_count; i++)
        if (value_from_json(sync->job.arena, sync->columns[i]->type,
                            json_rows_at(object, sync->fields[i]), &values[i], err) != OK)
            return err_wrap(err, "column %s", sync->columns[i]->name);
    return OK;
}

const char *json_rows_key(const struct json_rows *rows, const struct value *values)
{
    return source_key(rows->sync->job.arena, values, rows->key_at, rows->key_count, false);
}
