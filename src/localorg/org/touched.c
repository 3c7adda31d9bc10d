/* touched.c - a list of ids on each table that is watched this way. */
#include "localorg/org/touched.h"

#include "localorg/org/org_priv.h"

#include <stdlib.h>
#include <string.h>

struct touched {
    VEC(struct touched_record) records;
    bool lost;
};

static void note(struct touched *touched, const char *id18, int64_t at_ms)
{
    struct touched_record record = {.at_ms = at_ms};
    if (touched->lost)
        return;
    if (touched->records.len == TOUCHED_MAX) {
        touched->lost = true;
        vec_free(&touched->records);
        return;
    }
    memcpy(record.id, id18, sizeof record.id);
    vec_push(&touched->records, record);
}

void touched_add(struct org *org, struct table *table, const char *id18)
{
    note(table->touched, id18, org_now_ms(org));
    atomic_fetch_add(&table->changes, 1); /* also of writes that are no rows of a call */
}

void touched_free(struct touched *touched)
{
    if (touched)
        vec_free(&touched->records);
    free(touched);
}

static struct touched *find(struct org *org, const struct sobject *object)
{
    struct table *table;
    return table_ready(org, object, &table, NULL) == OK ? table->touched : NULL;
}

enum status org_touched_start(struct org *org, const struct sobject *object, struct err *err)
{
    struct table *table;
    if (table_ready(org, object, &table, err) != OK)
        return FAIL;
    if (!table->touched)
        table->touched = mem_alloc(sizeof *table->touched);
    vec_clear(&table->touched->records);
    table->touched->lost = false;
    return OK;
}

void org_touched_note(struct org *org, const struct sobject *object, const char *id18,
                      int64_t at_ms)
{
    struct touched *touched = find(org, object);
    if (touched)
        note(touched, id18, at_ms);
}

const struct touched_record *org_touched(struct org *org, const struct sobject *object,
                                         size_t *count, bool *lost)
{
    const struct touched *touched = find(org, object);
    *count = touched ? touched->records.len : 0;
    *lost = !touched || touched->lost;
    return *count ? touched->records.at : NULL;
}

void org_touched_done(struct org *org, const struct sobject *object, size_t count)
{
    struct touched *touched = find(org, object);
    if (!touched || !count || count > touched->records.len)
        return;
    touched->records.len -= count;
    memmove(touched->records.at, touched->records.at + count,
            touched->records.len * sizeof *touched->records.at);
}
