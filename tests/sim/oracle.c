/* oracle.c - see sim.h. O1 to O12 of reliability C.1, as far as one process shows them.
 *
 *   O1  no second record for one operation             oracle_leads
 *   O2  every operation is in one state, none vanishes  oracle_journal
 *   O3  done means there, rejected means not there      oracle_outcomes
 *   O4  complete means equal                            oracle_table
 *   O5  nothing is deleted here that lives there        oracle_table
 *   O6  one attempt, one request                        oracle_attempts
 *   O8  when all is quiet everything is settled         oracle_end
 *   O12 the audit chain verifies                        oracle_end */
#include "sim/sim.h"

#include "base/str.h"
#include "base/when.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct op *all_ops(struct sim *sim, size_t *count)
{
    struct op *ops = NULL;
    struct err err = {0};
    struct op_query query = {.limit = 5000};
    *count = 0;
    if (sim->store->does->ops_list(sim->store, sim->arena, &query, &ops, count, &err) != OK)
        sim_fail(sim, "the journal cannot be read: %s", err.message);
    return ops;
}

static const char *payload_text(struct sim *sim, const struct op *op, const char *field)
{
    return json_get_text(json_parse(sim->arena, op->payload, strlen(op->payload), NULL), field);
}

/* ------------------------------------------------------------------ O1 */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Live and deleted leads of one name: one too many is a duplicate. */
static void oracle_leads(struct sim *sim)
{
    const struct json *leads = org_query(sim, true, "SELECT Id, LastName FROM Lead ORDER BY Id");
    size_t count = leads ? leads->len : 0, twice = 0;
    const char **names = arena_array(sim->arena, count + 1, sizeof *names);
    const char *which = "";
    size_t n = 0;
    json_each(lead, leads)
        names[n++] = json_get_text(lead, "LastName");
    qsort(names, n, sizeof *names, compare_names);
    for (size_t i = 1; i < n; i++)
        if (strcmp(names[i], names[i - 1]) == 0) {
            which = names[i];
            twice++;
        }
    int64_t allowed = sim->mode == SIM_FINDABLE && !sim->bulk ? sim->late_beyond_settle : 0;
    if ((int64_t)twice > allowed)
        sim_fail(sim, "O1: \"%s\" was created twice (%zu such, %lld late beyond the settle time)",
                 which, twice, (long long)allowed);
}

/* ------------------------------------------------------------------ O2 */

static void oracle_journal(struct sim *sim, const struct op *ops, size_t count)
{
    struct op_counts counts;
    struct err err = {0};
    int64_t highest = 0;
    if (journal_check(&sim->engine, 0, &counts, &err) != OK)
        sim_fail(sim, "O2: %s", err.message);
    else if (counts.total != (int64_t)count)
        sim_fail(sim, "O2: the journal counts %lld operations and lists %zu",
                 (long long)counts.total, count);
    for (size_t i = 0; i < count; i++)
        highest = ops[i].id > highest ? ops[i].id : highest;
    if (highest < sim->seen_ops)
        sim_fail(sim, "O2: operation %lld has vanished", (long long)sim->seen_ops);
    sim->seen_ops = highest;
}

/* ------------------------------------------------------------------ O3 */

/* The record an operation says it made or wrote, as it is now; NULL = gone. */
static const struct json *record_of(struct sim *sim, const struct op *op)
{
    return json_at(org_query(sim, true,
                             arena_printf(sim->arena, "SELECT Id FROM %s WHERE Id = '%s'",
                                          op->object, op->result_id)),
                   0);
}

static bool lead_exists(struct sim *sim, const char *last_name)
{
    const struct json *found =
        org_query(sim, true, arena_printf(sim->arena, "SELECT Id FROM Lead WHERE LastName = '%s'",
                                          last_name));
    return found && found->len > 0;
}

static void oracle_outcomes(struct sim *sim, const struct op *ops, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct op *op = &ops[i];
        if (op->state == OP_DONE && op->kind != OP_UPDATE && (!op->result_id || !record_of(sim, op)))
            sim_fail(sim, "O3: operation %lld is done, and %s %s does not exist",
                     (long long)op->id, op->object, op->result_id ? op->result_id : "(no id)");
        if (op->state == OP_REJECTED && op->kind == OP_CREATE &&
            lead_exists(sim, payload_text(sim, op, "LastName")))
            sim_fail(sim, "O3: operation %lld was rejected (%s), and its lead exists",
                     (long long)op->id, op->error_code ? op->error_code : "?");
    }
}

/* ------------------------------------------------------------------ O6 */

/* What names the row in a payload: "lead sim3", "ref sim3 v0", "seen sim3 v0". */
static const char *marker_of(struct sim *sim, const struct op *op)
{
    return payload_text(sim, op, op->kind == OP_UPDATE ? "Description" : "LastName");
}

static void oracle_attempts(struct sim *sim, const struct op *ops, size_t count)
{
    for (size_t i = 0; i < sim->sent.len; i++) {
        const struct sent *sent = &sim->sent.at[i];
        int64_t attempts = 0;
        for (size_t k = 0; k < count; k++)
            if (text_eq(marker_of(sim, &ops[k]), sent->marker))
                attempts += ops[k].attempt;
        if (sent->times > attempts)
            sim_fail(sim, "O6: \"%s\" left %lld times in %lld attempts", sent->marker,
                     (long long)sent->times, (long long)attempts);
    }
}

void oracle_step(struct sim *sim)
{
    size_t count = 0;
    struct op *ops = all_ops(sim, &count);
    oracle_leads(sim);
    oracle_journal(sim, ops, count);
    oracle_attempts(sim, ops, count);
}

/* -------------------------------------------------------------- O4, O5 */

static const char *const shown[] = {"Name", "Website", "Site", "Description", "Phone"};
#define SHOWN (sizeof shown / sizeof *shown)

struct held { /* our table in memory */
    struct row *rows;
    size_t count;
};

static struct held held_rows(struct sim *sim)
{
    struct table table;
    struct err err = {0};
    struct held held = {0};
    int slots[SHOWN];
    if (sim->store->does->table_get(sim->store, sim->arena, "accounts", &table, &err) == OK) {
        for (size_t i = 0; i < SHOWN; i++)
            slots[i] = table_column(&table, shown[i])->slot;
        struct row_query query = {
            .table_id = table.id, .slots = slots, .slot_count = SHOWN, .limit = 5000,
            .deleted_too = true};
        if (sim->store->does->rows(sim->store, sim->arena, &query, &held.rows, &held.count,
                                   &err) == OK)
            return held;
    }
    sim_fail(sim, "the table cannot be read: %s", err.message);
    return held;
}

static const struct row *held_row(const struct held *held, const char *id)
{
    for (size_t i = 0; i < held->count; i++)
        if (strcmp(held->rows[i].key, id) == 0)
            return &held->rows[i];
    return NULL;
}

static bool same(struct value value, const char *text)
{
    return text ? value.text && value.len == strlen(text) && !memcmp(value.text, text, value.len)
                : !value.text;
}

static void check_record(struct sim *sim, const struct held *held, const struct json *record,
                         bool deleted)
{
    const char *id = json_get_text(record, "Id");
    const struct row *row = held_row(held, id);
    if (deleted) {
        if (row && !row->deleted)
            sim_fail(sim, "O4: account %s was deleted and still lives here", id);
        return;
    }
    if (!row || row->deleted) {
        sim_fail(sim, row ? "O5: account %s lives and is deleted here" : "O4: account %s is missing",
                 id);
        return;
    }
    for (size_t i = 0; i < SHOWN; i++)
        if (!same(row->values[i], json_get_text(record, shown[i])))
            sim_fail(sim, "O4: %s of account %s is \"%.*s\" here and \"%s\" there", shown[i], id,
                     (int)row->values[i].len, row->values[i].text ? row->values[i].text : "",
                     json_get_text(record, shown[i]) ? json_get_text(record, shown[i]) : "(null)");
}

static void oracle_table(struct sim *sim, int64_t as_of_ms)
{
    struct held held = held_rows(sim);
    const struct json *records = org_query(
        sim, true,
        "SELECT Id, Name, Website, Site, Description, Phone, IsDeleted, SystemModstamp FROM "
        "Account ORDER BY Id");
    json_each(record, records) {
        int64_t stamp = 0;
        if (!when_parse(json_get_text(record, "SystemModstamp"), &stamp) || stamp >= as_of_ms)
            continue;
        check_record(sim, &held, record, json_get_bool(record, "IsDeleted", false));
    }
    if (records && held.count > records->len)
        sim_fail(sim, "O4: %zu rows here, %u accounts ever there", held.count, records->len);
}

void oracle_synced(struct sim *sim, const struct sync_report *report)
{
    if (report->complete)
        oracle_table(sim, report->as_of_ms);
}

/* ------------------------------------------------------------------ end */

static bool may_stay_open(const struct op *op)
{
    return op->state == OP_DONE || op->state == OP_REJECTED || op->state == OP_IN_DOUBT ||
           op->state == OP_CANCELLED;
}

bool oracle_settled(struct sim *sim)
{
    struct op_counts counts;
    struct err err = {0};
    if (sim->late.len ||
        sim->store->does->ops_count(sim->store, 0, &counts, &err) != OK)
        return false;
    return !(counts.by_state[OP_PLANNED] + counts.by_state[OP_SENDING] +
             counts.by_state[OP_RETRY_SAFE] + counts.by_state[OP_UNKNOWN] +
             counts.by_state[OP_RECONCILING]);
}

void oracle_end(struct sim *sim)
{
    size_t count = 0;
    int64_t lines = 0;
    struct err err = {0};
    struct op *ops = all_ops(sim, &count);
    oracle_step(sim);
    oracle_outcomes(sim, ops, count);
    oracle_table(sim, sim->now_ms);
    for (size_t i = 0; i < count; i++)
        if (!may_stay_open(&ops[i]))
            sim_fail(sim, "O8: operation %lld (%s %s) is still %s when all is quiet",
                     (long long)ops[i].id, op_kind_name(ops[i].kind), ops[i].object,
                     op_state_name(ops[i].state));
    if (sim->store->does->audit_verify(sim->store, &lines, &err) != OK)
        sim_fail(sim, "O12: %s", err.message);
}
