/* dml_fill.c - what the org fills in itself: defaults, the owner, Name from
 * its parts, audit fields, and last the id and auto-numbers, so that a refused
 * row uses none. */
#include "localorg/org/dml_priv.h"

#include "base/when.h"

static struct cell *cell_at(struct work *work, struct draft *draft, uint16_t index)
{
    return index == NO_FIELD ? &work->nowhere : &draft->cells[index];
}

static void put_default(struct work *work, struct cell *cell, const struct default_cell *given,
                        enum field_type type)
{
    switch (given->kind) {
    case DEFAULT_TEXT:
        cell_text(cell, given->text);
        break;
    case DEFAULT_INT:
        cell_int(cell, given->integer);
        break;
    case DEFAULT_REAL:
        cell->kind = CELL_REAL;
        cell->real = given->real;
        break;
    case DEFAULT_NOW:
    case DEFAULT_TODAY:
        if (type == FT_DATETIME) {
            cell_int(cell, work->now_ms);
        } else {
            struct date today = when_date(work->now_ms, NULL);
            cell_text(cell, arena_printf(work->scratch, "%04d-%02d-%02d", today.year, today.month,
                                         today.day));
        }
        break;
    }
}

static void fill_defaults(struct work *work, struct draft *draft)
{
    const struct table *table = draft->table;
    for (size_t i = 0; i < table->default_count; i++) {
        const struct default_cell *given = &table->defaults[i];
        const struct field *field = draft->object->fields[given->field];
        struct cell *cell = &draft->cells[given->field];
        /* An explicit null clears an optional default, and is no answer for the others. */
        if (cell->kind == CELL_UNSET || (cell->kind == CELL_NULL && !field->nillable))
            put_default(work, cell, given, field->type);
    }
}

/* --- Name --- */

static bool name_touched(const struct draft *draft)
{
    const struct table *table = draft->table;
    uint16_t parts[] = {table->first_name, table->middle_name, table->last_name, table->suffix};
    for (size_t i = 0; i < 4; i++)
        if (parts[i] != NO_FIELD && draft->cells[parts[i]].kind != CELL_UNSET)
            return true;
    return false;
}

static bool fill_name(struct work *work, struct draft *draft)
{
    const struct table *table = draft->table;
    if (table->last_name == NO_FIELD || !name_touched(draft) ||
        (work->options->system && cell_has(&draft->cells[table->name])))
        return true;
    uint16_t parts[] = {table->first_name, table->middle_name, table->last_name, table->suffix};
    struct buf name = BUF_INIT;
    bool good = true;
    for (size_t i = 0; i < 4 && good; i++) {
        struct cell part;
        if (parts[i] == NO_FIELD)
            continue;
        good = draft_value(work, draft, draft->object->fields[parts[i]], &part);
        if (good && part.kind == CELL_TEXT) {
            if (name.len)
                buf_char(&name, ' ');
            buf_append(&name, part.text, part.len);
        }
    }
    if (good && name.len)
        cell_text(&draft->cells[table->name], arena_strdup(work->scratch, name.data));
    buf_free(&name);
    return good;
}

/* --- audit fields --- */

static void put_audit(struct work *work, struct draft *draft, uint16_t date, uint16_t by)
{
    struct cell *when = cell_at(work, draft, date), *who = cell_at(work, draft, by);
    bool keep = work->options->system; /* a load may bring its own */
    if (!keep || !cell_has(when))
        cell_int(when, work->now_ms);
    if (!keep || !cell_has(who))
        cell_text(who, work->user);
}

bool fill_insert(struct work *work, struct draft *draft)
{
    const struct table *table = draft->table;
    fill_defaults(work, draft);
    struct cell *owner = cell_at(work, draft, table->owner);
    if (!cell_has(owner))
        cell_text(owner, work->user);
    put_audit(work, draft, table->created_date, table->created_by);
    struct cell *created = cell_at(work, draft, table->created_date);
    struct cell *modified = cell_at(work, draft, table->modified_date);
    if (work->options->system && !cell_has(modified) && cell_has(created))
        *modified = *created; /* loaded with a CreatedDate only */
    put_audit(work, draft, table->modified_date, table->modified_by);
    put_audit(work, draft, table->modstamp, NO_FIELD);
    return fill_name(work, draft);
}

bool fill_update(struct work *work, struct draft *draft)
{
    const struct table *table = draft->table;
    put_audit(work, draft, table->modified_date, table->modified_by);
    put_audit(work, draft, table->modstamp, NO_FIELD);
    return fill_name(work, draft);
}

/* --- numbers --- */

/* "INV-{0000}": the digits of the format are the least width. */
static const char *number_text(struct work *work, const struct field *field, int64_t number)
{
    const char *format = field->display_format ? field->display_format : "{00000000}";
    const char *open = strchr(format, '{');
    const char *close = open ? strchr(open, '}') : NULL;
    if (!close)
        return arena_printf(work->scratch, "%s%lld", format, (long long)number);
    int width = (int)(close - open) - 1;
    return arena_printf(work->scratch, "%.*s%0*lld%s", (int)(open - format), format, width,
                        (long long)number, close + 1);
}

/* The number inside a loaded value, so that the next one comes after it. */
static int64_t number_in(const struct cell *cell)
{
    int64_t number = 0;
    for (uint32_t i = 0; cell->kind == CELL_TEXT && i < cell->len; i++)
        if (cell->text[i] >= '0' && cell->text[i] <= '9' && number < INT64_MAX / 100)
            number = number * 10 + (cell->text[i] - '0');
    return number;
}

static void fill_autos(struct work *work, struct draft *draft)
{
    for (size_t i = 0; i < draft->table->auto_count; i++) {
        struct auto_number *number = &draft->table->autos[i];
        struct cell *cell = &draft->cells[number->field];
        draft->table->numbers_dirty = true;
        if (cell_has(cell)) {
            int64_t given = number_in(cell);
            if (given >= number->next)
                number->next = given + 1;
            continue;
        }
        cell_text(cell, number_text(work, draft->object->fields[number->field], number->next++));
    }
}

/* A loaded record keeps its own id; the next one must not run into it. */
static void keep_id(struct work *work, struct draft *draft)
{
    uint64_t number;
    if (id_number(draft->id, work->org->pod, &number) && number >= draft->table->next_number) {
        draft->table->next_number = number + 1;
        draft->table->numbers_dirty = true;
    }
}

bool fill_last(struct work *work, struct draft *draft)
{
    if (*draft->id)
        keep_id(work, draft);
    else if (org_next_id(work->org, draft->object, draft->id, work->err) != OK)
        return work_broke(work);
    fill_autos(work, draft);
    return true;
}
