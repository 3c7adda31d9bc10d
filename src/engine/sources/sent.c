/* sent.c - rows that columns of other tables send here (columns/send_rows.c).
 *
 * Rows come by themselves, a batch of the sending column at a time, in one
 * transaction. Without `unique_by` a row is known by the row it was sent from: sent
 * again, it is updated, not doubled. */
#include "engine/sources/sent.h"
#include "engine/sources/json_rows.h"

#include "base/str.h"

static const struct kind_option options[] = {
    {"fields", OPT_SOURCE_FIELDS, true,
     "names that the sending columns `set`: [Name, {Mail: {column: Email, type: email}}]", NULL,
     NULL, 0, 0},
};

const struct source *sent_source(const struct table *table, const char *name, struct err *err)
{
    const struct source *found = NULL;
    for (size_t i = 0; i < table->source_count; i++) {
        const struct source *s = &table->sources[i];
        if (!text_eq(s->kind, "sent") || (name && !text_eq_nocase(s->name, name)))
            continue;
        if (found) {
            err_set(err, ERR_CONFLICT, "table \"%s\" has several sources for rows that are sent",
                    table->name);
            err_hint(err, "say which: source: NAME");
            return NULL;
        }
        found = s;
    }
    if (!found) {
        err_set(err, ERR_NOT_FOUND, "table \"%s\" takes no rows that are sent%s%s", table->name,
                name ? ": it has no such source " : "", name ? name : "");
        err_hint(err, "give it a source: sent: { fields: [...] }");
    }
    return found;
}

static const char *key_of(struct json_rows *to, const struct sent_row *row,
                          const struct value *values, struct err *err)
{
    if (!to->key_count)
        return row->key;
    const char *key = json_rows_key(to, values);
    if (!key)
        err_set(err, "send.blank_key",
                "a field of unique_by is blank: nothing tells the row apart there");
    return key;
}

static bool take(struct sync *sync, struct json_rows *to, struct sent_row *row, struct row_in *out)
{
    struct value *values = arena_array(sync->job.arena, sync->field_count + 1, sizeof *values);
    if (json_rows_values(to, row->object, values, &row->err) != OK)
        return false;
    const char *key = key_of(to, row, values, &row->err);
    *out = (struct row_in){key, NULL, false, values, NULL};
    return key != NULL;
}

static enum status store_rows(struct sync *sync, struct sent_row *rows, size_t count,
                              struct err *err)
{
    struct json_rows to;
    size_t good = 0;
    if (json_rows_open(&to, sync, err) != OK)
        return FAIL;
    struct row_in *in = arena_array(sync->job.arena, count + 1, sizeof *in);
    for (size_t i = 0; i < count; i++)
        good += take(sync, &to, &rows[i], &in[good]);
    return good ? sync_store(sync, in, good, NULL, false, err) : OK;
}

enum status sent_accept(struct engine *engine, const char *table, const char *source,
                        struct sent_row *rows, size_t count, struct sent_receipt *receipt,
                        struct err *err)
{
    struct sync sync;
    struct run_report unused = {0};
    struct sync_report part = {0};
    enum status rc = sync_open(&sync, engine, table, source, &unused, &part, err);
    if (rc == OK)
        rc = store_rows(&sync, rows, count, err);
    if (rc == OK) {
        receipt->added += part.counts.added + part.counts.revived;
        receipt->changed += part.counts.changed;
        receipt->made_due += part.counts.made_due + part.counts.due_again;
    }
    sync_close(&sync);
    return rc;
}

static void check_sent(struct source_check *check)
{
    check->open = true;
}

const struct source_kind sent_source_kind = {
    .name = "sent",
    .key = "sent",
    .title = "Rows that other tables send",
    .help = "Takes rows that `send_rows` columns of other tables send here. A row that is sent again "
            "is updated.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .key_rule = KEY_CHOICE,
    .every = "manual",
    .when_deleted = "keep",
    .check = check_sent,
};
