/* salesforce_object.c - the records of an object, and a statement that is true.
 *
 *   nothing yet, another shape, --full:  LOAD, ORDER BY Id
 *   otherwise:                            WINDOW [covered - overlap, server now - lag)
 *                                         by (SystemModstamp, Id), then GONE:
 *                                         what was deleted in that window
 *   always:                               count compare, sweep where it differs
 *
 * Invariant: a page and the cursor behind it are one transaction, so a pull may
 * be killed anywhere and goes on at the next page. Memory does not grow with
 * rows: one page lives at a time. */
#include "engine/schedule.h"
#include "engine/sources/object_drift.h"
#include "engine/sources/object_fields.h"
#include "engine/sources/object_pull.h"

#include "base/log.h"
#include "base/str.h"
#include "base/when.h"
#include "connect/connect_views.h"

#include <string.h>

#define OVERLAP_MS     ((int64_t)15 * 60 * 1000)
#define LAG_MS         ((int64_t)5 * 60 * 1000)
#define OPEN_SECOND_MS 1000 /* the remote's Date tells seconds */
#define CATCH_UP_MS    ((int64_t)60 * 1000)
#define MANY_ROWS      10
#define SWEEP_EVERY    "7d"
#define REFRESH_EVERY  "7d"

/* ------------------------------------------------------------------ setup */

/* "7d" in milliseconds; 0 for never. The recipe was checked. */
static int64_t period_of(const struct json *source, const char *option, const char *otherwise)
{
    struct schedule schedule;
    struct err ignored = {0};
    const char *text = json_get_text(source, option);
    if (schedule_parse(text ? text : otherwise, &schedule, &ignored) != OK)
        return 0;
    return schedule.kind == SCHEDULE_EVERY ? schedule.period_ms : 0;
}

static bool field_is_there(void *ctx, const char *field)
{
    return object_drift_readable(ctx, field);
}

enum status object_pull_open(struct object_pull *pull, const char *object, struct err *err)
{
    struct sync *sync = pull->sync;
    const char *transport = json_get_text(sync->source, "transport");
    pull->transport = text_eq(transport, "bulk")   ? CRM_TRANSPORT_BULK
                      : text_eq(transport, "rest") ? CRM_TRANSPORT_PAGES
                                                   : CRM_TRANSPORT_AUTO;
    pull->sweep_every_ms = period_of(sync->source, "sweep", SWEEP_EVERY);
    pull->refresh_every_ms = period_of(sync->source, "refresh", REFRESH_EVERY);
    pull->on = job_session(&sync->job, sync->from->connection, err);
    if (!pull->on)
        return FAIL;
    pull->object = job_describe(pull->on, object, sync->job.engine, err);
    if (!pull->object)
        return FAIL;
    pull->lag_ms = text_eq(pull->on->connection.environment, "local") ? 0 : LAG_MS;
    const struct crm_field *stamp = crm_object_field(pull->object, "SystemModstamp");
    pull->has_stamp = stamp && stamp->filterable;
    if (object_drift_look(pull, err) != OK)
        return FAIL;
    sync_choose_fields(sync, field_is_there, pull);
    return OK;
}

/* What the cursor is good for: the same org, object, fields and filter. */
static const char *shape_of(struct object_pull *pull)
{
    struct buf text = BUF_INIT;
    char hash[65];
    buf_printf(&text, "%s\n%s\n", pull->object->name, pull->where ? pull->where : "");
    for (size_t i = 0; i < pull->sync->field_count; i++)
        buf_printf(&text, "%s=%d\n", pull->sync->fields[i], pull->sync->slots[i]);
    sha256_hex(buf_text(&text), text.len, hash);
    buf_free(&text);
    return arena_strndup(pull->sync->job.arena, hash, 32);
}

static enum status load_cursor(struct object_pull *pull, struct err *err)
{
    const char *json = NULL, *org = pull->on->connection.org_id;
    if (sync_cursor_get(pull->sync, &json, err) != OK ||
        object_cursor_read(pull->sync->job.arena, json, &pull->cursor, err) != OK)
        return FAIL;
    if (pull->cursor.org_id && org && !text_eq(pull->cursor.org_id, org))
        return err_set(err, ERR_CRM_WRONG_ORG,
                       "table \"%s\" was filled from org %s, connection \"%s\" is now org %s",
                       pull->sync->table->table.name, pull->cursor.org_id, pull->on->name, org);
    pull->cursor.org_id = org;
    return OK;
}

/* ------------------------------------------------------------------ phases */

static enum status load(struct object_pull *pull, struct err *err)
{
    struct store *store = pull->sync->job.engine->store;
    char what[128];
    struct crm_read read = {.object = pull->object->name,
                            .fields = pull->sync->fields,
                            .field_count = pull->sync->field_count,
                            .where = pull->where,
                            .since_id = pull->cursor.id,
                            .place = pull->cursor.place,
                            .expected = pull->sync->report->remote_count,
                            .transport = pull->transport};
    snprintf(what, sizeof what, "importing %s", pull->object->name);
    pull->sync->report->full = true;
    if (object_read_pages(pull, &read, what, pull->sync->report->remote_count, err) != OK ||
        store->does->import_finish(store, pull->sync->table->table.id, err) != OK)
        return FAIL;
    pull->cursor.phase = PULL_IDLE;
    pull->cursor.id = pull->cursor.stamp = pull->cursor.place = NULL;
    pull->cursor.covered_ms = pull->cursor.started_ms - pull->lag_ms;
    pull->cursor.formulas_ms = pull->cursor.started_ms;
    /* rows that were there before are not all met by a load: what was deleted since is looked for */
    pull->cursor.swept_ms = pull->cursor.first_load ? pull->cursor.started_ms : 0;
    pull->cursor.user_id = pull->on->connection.user_id;
    return object_store_cursor(pull, err);
}

static enum status begin_load(struct object_pull *pull, struct err *err)
{
    pull->cursor = (struct object_cursor){.phase = PULL_LOAD,
                                          .first_load = pull->sync->table->table.row_count == 0,
                                          .shape = pull->cursor.shape,
                                          .org_id = pull->cursor.org_id,
                                          .user_id = pull->cursor.user_id,
                                          .started_ms = object_server_now(pull)};
    return object_store_cursor(pull, err);
}

enum status object_load_again(struct object_pull *pull, struct err *err)
{
    return begin_load(pull, err) == OK ? object_again(pull, load, err) : FAIL;
}

static enum status read_window(struct object_pull *pull, bool deleted, struct err *err)
{
    struct object_cursor *cursor = &pull->cursor;
    char from[32];
    when_iso(cursor->from_ms, from);
    struct crm_read read = {.object = pull->object->name,
                            .fields = pull->sync->fields,
                            .field_count = pull->sync->field_count,
                            .where = pull->where,
                            .since_stamp = cursor->stamp ? cursor->stamp : from,
                            .since_id = cursor->stamp ? cursor->id : NULL,
                            .until_ms = cursor->until_ms,
                            .place = cursor->place,
                            .transport = pull->transport,
                            .all_rows = deleted,
                            .deleted_only = deleted,
                            .by_stamp = true};
    return object_read_pages(pull, &read,
                             deleted ? "looking for deleted records" : "reading changes", 0, err);
}

/* With no lag a window reaches into the second it was opened in, which is not over:
 * what was read of it is ours, but nobody can say that it is complete. */
static int64_t window_covers(const struct object_pull *pull)
{
    int64_t covers = pull->cursor.until_ms - (pull->lag_ms ? 0 : OPEN_SECOND_MS);
    return covers > pull->cursor.covered_ms ? covers : pull->cursor.covered_ms;
}

static enum status next_phase(struct object_pull *pull, enum object_phase phase, struct err *err)
{
    pull->cursor.phase = phase;
    pull->cursor.id = pull->cursor.stamp = pull->cursor.place = NULL;
    if (phase == PULL_IDLE)
        pull->cursor.covered_ms = window_covers(pull);
    return object_store_cursor(pull, err);
}

static enum status window(struct object_pull *pull, struct err *err)
{
    if (pull->cursor.phase == PULL_IDLE) {
        pull->cursor.from_ms = pull->cursor.covered_ms - OVERLAP_MS;
        pull->cursor.until_ms =
            object_server_now(pull) - pull->lag_ms + (pull->lag_ms ? 0 : OPEN_SECOND_MS);
        if (pull->cursor.until_ms <= pull->cursor.covered_ms)
            pull->cursor.until_ms = pull->cursor.covered_ms;
        if (next_phase(pull, PULL_WINDOW, err) != OK)
            return FAIL;
    }
    if (pull->cursor.phase == PULL_WINDOW) {
        if (read_window(pull, false, err) != OK || next_phase(pull, PULL_GONE, err) != OK)
            return FAIL;
    }
    if (crm_object_field(pull->object, "IsDeleted") && read_window(pull, true, err) != OK)
        return FAIL;
    return next_phase(pull, PULL_IDLE, err);
}

/* ------------------------------------------------------------- the whole */

static enum status check_not_empty(struct object_pull *pull, struct err *err)
{
    const struct connector *crm = pull->on->session->does;
    if (crm->count(pull->on->session, pull->object->name, pull->where,
                   &pull->sync->report->remote_count, err) != OK)
        return FAIL;
    if (pull->sync->report->remote_count > 0 || pull->sync->rows_before < MANY_ROWS ||
        pull->sync->full)
        return OK;
    err_set(err, "sync.empty",
            "%s now has no record that the filter finds; the table has %lld rows",
            pull->object->name, (long long)pull->sync->rows_before);
    err_cause(err, "The connected user may have lost access, or the filter may be wrong.");
    err_hint(err, "If the records are really gone, confirm with --full.");
    return FAIL;
}

static bool must_load(const struct object_pull *pull, const char *shape)
{
    return pull->sync->full || pull->cursor.phase == PULL_NONE || !pull->has_stamp ||
           !text_eq(pull->cursor.shape, shape);
}

/* What changed since, then what changes without leaving a stamp. */
static enum status changes(struct object_pull *pull, struct err *err)
{
    bool halfway = pull->cursor.phase == PULL_REFRESH;
    if (halfway && object_again(pull, object_refresh, err) != OK)
        return FAIL;
    if (object_again(pull, window, err) != OK)
        return FAIL;
    return halfway ? OK : object_again(pull, object_refresh, err);
}

static enum status read_all(struct object_pull *pull, struct err *err)
{
    const char *shape = shape_of(pull);
    bool resume = pull->cursor.phase == PULL_LOAD && text_eq(pull->cursor.shape, shape);
    int64_t began = pull->sync->job.engine->world->monotonic_ms(pull->sync->job.engine->world);
    if (!resume && must_load(pull, shape)) {
        pull->cursor.shape = shape;
        if (begin_load(pull, err) != OK)
            return FAIL;
    }
    if (pull->cursor.phase != PULL_LOAD)
        return changes(pull, err);
    if (object_again(pull, load, err) != OK)
        return FAIL;
    int64_t took =
        pull->sync->job.engine->world->monotonic_ms(pull->sync->job.engine->world) - began;
    /* a long load is followed by what changed meanwhile */
    return pull->has_stamp && (took > CATCH_UP_MS || resume) ? object_again(pull, window, err) : OK;
}

/* ------------------------------------------------------------- statement */

static void state(struct object_pull *pull)
{
    struct sync *sync = pull->sync;
    int64_t covered = pull->cursor.covered_ms;
    char as_of[32];
    sync->report->as_of_ms = covered;
    when_iso_seconds(covered, as_of);
    sync->formula_as_of = "the last full read";
    if (pull->cursor.formulas_ms) {
        when_iso_seconds(pull->cursor.formulas_ms, as_of);
        sync->formula_as_of = arena_strdup(sync->job.arena, as_of);
    }
    if (pull->merged)
        buf_printf(&sync->notes, "; %lld of the deleted were merged into other records",
                   (long long)pull->merged);
    if (pull->refreshed)
        buf_printf(&sync->notes, "; %lld rows had changed without a new time stamp",
                   (long long)pull->refreshed);
    if (pull->swept)
        buf_str(&sync->notes, "; all Ids were compared");
    if (pull->missing)
        buf_printf(&sync->notes, "; the org announced %lld records more than it gave",
                   (long long)pull->missing);
    if (pull->newer)
        buf_printf(&sync->notes, "; %lld of the counted records are newer than that",
                   (long long)pull->newer);
}

static enum status pull_all(struct object_pull *pull, struct err *err)
{
    if (load_cursor(pull, err) != OK || check_not_empty(pull, err) != OK)
        return FAIL;
    if (read_all(pull, err) != OK)
        return FAIL;
    return object_compare(pull, err);
}

enum status object_pull_records(struct sync *sync, const char *object, const char *where,
                                const char *subject, struct err *err)
{
    struct object_pull pull = {.sync = sync, .where = text_blank(where) ? NULL : where};
    if (object_pull_open(&pull, object, err) != OK)
        return FAIL;
    sync->subject = subject;
    enum status rc = pull_all(&pull, err);
    state(&pull);
    return rc;
}

static enum status pull_object(struct sync *sync, struct err *err)
{
    const char *where = json_get_text(sync->source, "where"), *object = sync->from->object;
    if (!sync->from->connection || !object)
        return err_set(err, ERR_NOT_BUILT, "table \"%s\" has no object to import from",
                       sync->table->table.name);
    const char *subject =
        text_blank(where) ? object : arena_printf(sync->job.arena, "%s where %s", object, where);
    return object_pull_records(sync, object, where, subject, err);
}

/* --------------------------------------------------------------- checking */

static const char *const transports[] = {"auto", "rest", "bulk", NULL};

static const struct kind_option options[] = {
    {"connection", OPT_CONNECTION, true, "connection to the org", NULL, NULL, 0, 0},
    {"object", OPT_OBJECT, true, "API name of an object, such as Account or Invoice__c", NULL, NULL,
     0, 0},
    {"fields", OPT_SOURCE_FIELDS, true, "a list such as [Id, Name, Owner.Name], or all", NULL, NULL,
     0, 0},
    {"where", OPT_TEXT, false, "SOQL condition", "every record", NULL, 0, 0},
    {"transport", OPT_ENUM, false,
     "by pages of 2,000 (rest), by a Bulk API 2.0 query job (bulk), or what costs fewer calls",
     "auto", transports, 0, 0},
    {"sweep", OPT_TEXT, false,
     "how often all Ids are compared although the counts agree: 1d, 7d, manual for never",
     SWEEP_EVERY, NULL, 0, 0},
    {"refresh", OPT_TEXT, false,
     "how often fields are read again whose changes leave no time stamp (formulas, roll-ups, "
     "fields of parents): 1d, 7d, manual for never",
     REFRESH_EVERY, NULL, 0, 0},
};

static bool find_field(struct source_check *check, const char *name, const char *where,
                       struct source_field *out)
{
    const struct crm_object *object = check->own;
    struct err err = {0};
    *out = (struct source_field){.name = name, .type = TYPE_TEXT};
    if (!object)
        return true; /* why there is none was said */
    struct crm_session *session = check->session(check->session_ctx, check->connection, &err);
    return object_field_find(check, session, object, name, where, out);
}

/* A condition that Salesforce refuses is found before anything is applied. */
static void check_where(struct source_check *check, struct crm_session *session)
{
    const char *where = json_get_text(check->config, "where");
    struct err err = {0};
    int64_t count;
    if (where && session->does->count(session, check->object, where, &count, &err) != OK)
        source_check_add(check, "where", &err);
}

static void check_period(struct source_check *check, const char *option)
{
    struct schedule schedule;
    struct err err = {0};
    const char *text = json_get_text(check->config, option);
    if (!text)
        return;
    if (schedule_parse(text, &schedule, &err) == OK &&
        (schedule.kind == SCHEDULE_EVERY || schedule.kind == SCHEDULE_MANUAL))
        return;
    err_hint(
        source_check_fail(check, option, "recipe.wrong_value", "`%s` cannot be `%s`", option, text),
        "a period such as 1d or 7d, or manual");
}

static void check_object(struct source_check *check)
{
    check_period(check, "sweep");
    check_period(check, "refresh");
    struct crm_session *session = object_session(check);
    const struct crm_object *object =
        session ? object_described(check, session, json_get_text(check->config, "object"), "object")
                : NULL;
    check->own = (void *)object;
    if (!object)
        return;
    object_fields_list(check, object);
    check_where(check, session);
}

/* As many as a preview shows; the order is Salesforce's own. */
#define PEEK_ROWS 20

static void peek_object(struct source_check *check, struct crm_rows_read *out)
{
    struct buf soql = BUF_INIT;
    const char *where = json_get_text(check->config, "where"), *comma = "";
    buf_str(&soql, "SELECT ");
    for (size_t i = 0; i < check->field_count; i++, comma = ", ")
        buf_printf(&soql, "%s%s", comma, check->fields[i].name);
    buf_printf(&soql, " FROM %s", check->object);
    if (where)
        buf_printf(&soql, " WHERE %s", where);
    buf_printf(&soql, " LIMIT %d", PEEK_ROWS);
    *out = (struct crm_rows_read){.from = CRM_ROWS_QUERY,
                                  .text = arena_strndup(check->arena, soql.data, soql.len)};
    buf_free(&soql);
}

const struct source_kind salesforce_object_source = {
    .name = "salesforce_object",
    .key = "salesforce",
    .chosen_by = "object",
    .title = "Records of a Salesforce object",
    .help = "Imports every record that the condition finds, then only what changed; deleted and "
            "merged records are followed.",
    .options = options,
    .option_count = sizeof options / sizeof *options,
    .key_rule = KEY_RECORD,
    .every = "24h",
    .when_deleted = "mark",
    .check = check_object,
    .field = find_field,
    .peek = peek_object,
    .pull = pull_object,
    .live = true,
};
