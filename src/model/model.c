/* model.c - names of the nouns' states, and the checks that need no I/O.
 *
 * Each enum has one table of names, indexed by its value; parsing is a search
 * in the same table, so a name printed is a name understood. The moves an
 * operation may make are one bit set a state: see op_move_allowed. */
#include "model/model.h"

#include "base/str.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *const value_types[] = {
    [TYPE_TEXT] = "text",         [TYPE_URL] = "url",
    [TYPE_EMAIL] = "email",       [TYPE_NUMBER] = "number",
    [TYPE_CURRENCY] = "currency", [TYPE_DATE] = "date",
    [TYPE_DATETIME] = "datetime", [TYPE_CHECKBOX] = "checkbox",
    [TYPE_SELECT] = "select",     [TYPE_MULTISELECT] = "multiselect",
    [TYPE_JSON] = "json",
};

static const char *const cell_states[] = {
    [CELL_EMPTY] = "empty",     [CELL_DUE] = "due",         [CELL_QUEUED] = "queued",
    [CELL_RUNNING] = "running", [CELL_OK] = "ok",           [CELL_NO_RESULT] = "no result",
    [CELL_SKIPPED] = "skipped", [CELL_WAITING] = "waiting", [CELL_RETRYING] = "retrying",
    [CELL_ERROR] = "error",     [CELL_REFUSED] = "refused", [CELL_IN_DOUBT] = "in doubt",
    [CELL_OUTDATED] = "out of date",
};

static const char *const run_states[] = {
    [RUN_RUNNING] = "running",         [RUN_DONE] = "done",
    [RUN_FAILED] = "failed",           [RUN_STOPPED] = "stopped",
    [RUN_INTERRUPTED] = "interrupted",
    [RUN_QUEUED] = "queued",
};

static const char *const op_kinds[] = {
    [OP_CREATE] = "create", [OP_UPDATE] = "update", [OP_UPSERT] = "upsert",
    [OP_DELETE] = "delete", [OP_CONVERT] = "convert"};

static const char *const op_states[] = {
    [OP_PLANNED] = "planned", [OP_SENDING] = "sending",         [OP_RETRY_SAFE] = "retry safe",
    [OP_UNKNOWN] = "unknown", [OP_RECONCILING] = "reconciling", [OP_IN_DOUBT] = "in doubt",
    [OP_DONE] = "done",       [OP_REJECTED] = "rejected",       [OP_CANCELLED] = "cancelled",
};

static const struct {
    const char *name, *promise;
} write_modes[] = {
    [MODE_SEALED] = {"sealed",
                     "Never two records for one row action, even if an answer is lost: the org "
                     "itself refuses the second one by our unique key field."},
    [MODE_KEYED] = {"keyed", "Never two records with the same key: the org itself refuses the "
                             "second one. Rows with the same key share a record."},
    [MODE_TICKETED] = {"ticketed", "Never sent twice by us: the org is asked about the job we "
                                   "started before anything is done again."},
    [MODE_FINDABLE] = {"findable", "No duplicate unless the org finishes a request later than the "
                                   "settle time; after a lost answer we look for the record, and "
                                   "ask you when we cannot be sure."},
    [MODE_BLIND] = {"blind", "Sent at most once; after a lost answer the row is in doubt and we "
                             "ask you rather than guess."},
};

static const char *name_at(const char *const *names, size_t count, size_t index)
{
    return index < count ? names[index] : "?";
}

/* Spaces and underscores are the same, and case does not matter: "in_doubt". */
static bool same_name(const char *name, const char *given)
{
    for (; *name && *given; name++, given++) {
        char g = *given == '_' || *given == '-' ? ' ' : *given;
        if (g >= 'A' && g <= 'Z')
            g = (char)(g + 32);
        if (g != *name)
            return false;
    }
    return *name == *given;
}

static bool name_find(const char *const *names, size_t count, const char *given, size_t *out)
{
    for (size_t i = 0; given && i < count; i++) {
        if (same_name(names[i], given)) {
            *out = i;
            return true;
        }
    }
    return false;
}

const char *value_type_name(enum value_type type)
{
    return name_at(value_types, COUNT(value_types), type);
}

bool value_type_parse(const char *name, enum value_type *out)
{
    size_t at;
    if (!name_find(value_types, COUNT(value_types), name, &at))
        return false;
    *out = (enum value_type)at;
    return true;
}

size_t value_type_count(void)
{
    return COUNT(value_types);
}

bool value_equal(struct value a, struct value b)
{
    if (!a.text || !b.text)
        return !a.text && !b.text;
    return a.len == b.len && memcmp(a.text, b.text, a.len) == 0;
}

const struct source *table_source(const struct table *table, const char *name)
{
    const struct source *near = NULL;
    for (size_t i = 0; i < table->source_count; i++) {
        if (text_eq(table->sources[i].name, name))
            return &table->sources[i];
        if (!near && text_eq_nocase(table->sources[i].name, name))
            near = &table->sources[i];
    }
    return near;
}

const struct column *table_column(const struct table *table, const char *name)
{
    const struct column *near = NULL;
    for (size_t i = 0; name && i < table->column_count; i++) {
        const struct column *column = &table->columns[i];
        if (strcmp(column->name, name) == 0)
            return column;
        if (!near && text_eq_nocase(column->name, name))
            near = column;
    }
    return near;
}

const struct column *table_column_by_id(const struct table *table, int64_t id)
{
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i].id == id)
            return &table->columns[i];
    return NULL;
}

const char *cell_state_name(enum cell_state state)
{
    return name_at(cell_states, COUNT(cell_states), state);
}

bool cell_state_parse(const char *name, enum cell_state *out)
{
    size_t at;
    if (!name_find(cell_states, COUNT(cell_states), name, &at))
        return false;
    *out = (enum cell_state)at;
    return true;
}

const char *run_state_name(enum run_state state)
{
    return name_at(run_states, COUNT(run_states), state);
}

bool run_state_parse(const char *name, enum run_state *out)
{
    size_t at;
    if (!name_find(run_states, COUNT(run_states), name, &at))
        return false;
    *out = (enum run_state)at;
    return true;
}

const char *op_kind_name(enum op_kind kind)
{
    return name_at(op_kinds, COUNT(op_kinds), kind);
}

const char *write_mode_name(enum write_mode mode)
{
    return (size_t)mode < COUNT(write_modes) ? write_modes[mode].name : "?";
}

const char *write_mode_promise(enum write_mode mode)
{
    return (size_t)mode < COUNT(write_modes) ? write_modes[mode].promise : "?";
}

const char *op_state_name(enum op_state state)
{
    return name_at(op_states, COUNT(op_states), state);
}

bool op_state_parse(const char *name, enum op_state *out)
{
    size_t at;
    if (!name_find(op_states, COUNT(op_states), name, &at))
        return false;
    *out = (enum op_state)at;
    return true;
}

bool op_state_final(enum op_state state)
{
    return state == OP_DONE || state == OP_REJECTED || state == OP_CANCELLED;
}

#define TO(state) (1u << (state))

bool op_move_allowed(enum op_state from, enum op_state to)
{
    static const unsigned moves[OP_CANCELLED + 1] = {
        [OP_PLANNED] = TO(OP_SENDING) | TO(OP_UNKNOWN),
        [OP_SENDING] = TO(OP_DONE) | TO(OP_REJECTED) | TO(OP_RETRY_SAFE) | TO(OP_UNKNOWN),
        [OP_RETRY_SAFE] = TO(OP_SENDING) | TO(OP_UNKNOWN),
        [OP_UNKNOWN] = TO(OP_RECONCILING),
        [OP_RECONCILING] = TO(OP_DONE) | TO(OP_REJECTED) | TO(OP_RETRY_SAFE) | TO(OP_IN_DOUBT),
        [OP_IN_DOUBT] = TO(OP_DONE) | TO(OP_PLANNED) | TO(OP_CANCELLED),
    };
    if ((unsigned)from > OP_CANCELLED || (unsigned)to > OP_CANCELLED)
        return false;
    return (moves[from] & TO(to)) != 0;
}
