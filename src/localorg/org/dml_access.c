/* dml_access.c - may this user touch this row: object permission first, then
 * sharing. A user whom sharing does not bound costs one look per object and
 * call; for the others there is one prepared statement per object and level.
 *
 * A record that cannot be read is refused as one that is not there; one that
 * can be read but not changed is INSUFFICIENT_ACCESS_OR_READONLY. (Which of the
 * two a real org says about records it hides is not documented: chosen.) */
#include "localorg/org/dml_priv.h"

#include "localorg/org/access_priv.h"

struct judge {
    const struct sobject *object;
    enum sharing_level level;
    sqlite3_stmt *statement; /* NULL: every record is within reach */
    struct judge *next;
};

static struct judge *judge_of(struct work *work, const struct sobject *object,
                              enum sharing_level level)
{
    for (struct judge *judge = work->judges; judge; judge = judge->next)
        if (judge->object == object && judge->level == level)
            return judge;
    struct judge *judge = arena_alloc(work->call_arena, sizeof *judge);
    struct buf reach = BUF_INIT, sql = BUF_INIT;
    *judge = (struct judge){.object = object, .level = level, .next = work->judges};
    if (reach_sql(work->org, work->access, object, "t", level, &reach)) {
        buf_printf(&sql, "SELECT 1 FROM \"%s\" t WHERE t.\"Id\" = ?1 AND %s", object->name,
                   buf_text(&reach));
        if (db_prepare(work->org->db, &judge->statement, buf_text(&sql), work->err) != OK)
            work_broke(work);
    }
    buf_free(&reach);
    buf_free(&sql);
    work->judges = judge;
    return judge;
}

void judges_free(struct work *work)
{
    for (struct judge *judge = work->judges; judge; judge = judge->next)
        sqlite3_finalize(judge->statement);
    work->judges = NULL;
}

bool row_within(struct work *work, const struct sobject *object, const char *id18,
                enum sharing_level level)
{
    struct judge *judge = work->access ? judge_of(work, object, level) : NULL;
    if (!judge || !judge->statement || work->broken)
        return !work->broken;
    sqlite3_bind_text(judge->statement, 1, id18, 18, SQLITE_STATIC);
    bool within = next_row(work, judge->statement);
    sqlite3_reset(judge->statement);
    return within && !work->broken;
}

/* --- the row itself --- */

static bool refuse_rights(struct work *work, struct draft *draft)
{
    if (work->broken)
        return false;
    return row_error(work, draft->result, "INSUFFICIENT_ACCESS_OR_READONLY", NULL, 0,
                     "insufficient access rights on object id");
}

static bool has_object(struct work *work, const struct draft *draft, int bit)
{
    uint8_t bits = access_object(work->access, draft->object);
    return (bits & ORG_READ) && (bits & bit);
}

bool may_touch(struct work *work, struct draft *draft, int bit, enum sharing_level level)
{
    if (!work->access)
        return true;
    if (!has_object(work, draft, bit))
        return refuse_rights(work, draft);
    if (!row_within(work, draft->object, draft->id, SHARING_READ))
        return work->broken ? false
                            : row_error(work, draft->result, "INVALID_CROSS_REFERENCE_KEY", NULL, 0,
                                        "invalid cross reference id");
    return row_within(work, draft->object, draft->id, level) || refuse_rights(work, draft);
}

bool may_make(struct work *work, const struct draft *draft)
{
    return !work->access || has_object(work, draft, ORG_CREATE);
}

/* --- what it points at --- */

/* Records that follow a parent are made and changed by whom may change the parent. */
static enum sharing_level needed_level(const struct work *work, const struct draft *draft,
                                       const struct field *field)
{
    const struct sobject *object = draft->object;
    if (field->write_master_read || text_eq(object->name, "Task") || text_eq(object->name, "Event"))
        return SHARING_READ;
    return object->ordinal < work->access->object_count &&
                   work->access->reach[object->ordinal].model == MODEL_BY_PARENT &&
                   reach_follows(object, field)
               ? SHARING_EDIT
               : SHARING_READ;
}

bool may_point(struct work *work, struct draft *draft, const struct field *field,
               const struct sobject *target, const char *id18)
{
    if (!work->access || row_within(work, target, id18, needed_level(work, draft, field)))
        return true;
    if (work->broken)
        return false;
    return row_error(work, draft->result, "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY", NULL, 0,
                     "insufficient access rights on cross-reference id: %.15s", id18);
}

/* --- a new owner --- */

static bool owner_may_read(struct work *work, struct draft *draft, const char *owner)
{
    if (!text_starts(owner, "005"))
        return true;
    struct access *theirs;
    if (access_hold(work->org, owner, &theirs, work->err) != OK)
        return work_broke(work);
    bool reads = access_object(theirs, draft->object) & ORG_READ;
    access_drop(theirs);
    if (reads)
        return true;
    return row_error(work, draft->result, "TRANSFER_REQUIRES_READ", NULL, 0,
                     "The new owner must have read permission");
}

/* Shares given by hand end with the ownership they were given under. */
static bool drop_manual_shares(struct work *work, struct draft *draft)
{
    const struct field *record, *level;
    const struct sobject *share = sharing_rows(work->org, draft->object, &record, &level);
    sqlite3_stmt *drop = NULL;
    struct table *table;
    if (!share)
        return true;
    if (table_ready(work->org, share, &table, work->err) != OK ||
        db_prepare(work->org->db, &drop,
                   arena_printf(work->scratch,
                                "DELETE FROM \"%s\" WHERE \"%s\" = ? AND \"RowCause\" = 'Manual'",
                                share->name, record->name),
                   work->err) != OK)
        return work_broke(work);
    sqlite3_bind_text(drop, 1, draft->id, -1, SQLITE_STATIC);
    enum status status = db_run(drop, work->err);
    sqlite3_finalize(drop);
    return status == OK || work_broke(work);
}

bool may_transfer(struct work *work, struct draft *draft)
{
    struct cell before;
    if (draft->table->owner == NO_FIELD || draft->cells[draft->table->owner].kind != CELL_TEXT)
        return true;
    const char *owner = cell_string(work, &draft->cells[draft->table->owner]);
    if (!stored_value(work, draft->object, "OwnerId", draft->id, &before))
        return false;
    if (before.kind == CELL_TEXT && cell_is(&before, owner))
        return true;
    if (work->access) {
        bool open =
            (work->access->permissions & PERMIT_TRANSFER) ||
            (draft->object->ordinal < work->access->object_count &&
             work->access->reach[draft->object->ordinal].model == MODEL_READ_WRITE_TRANSFER);
        if (!open && !row_within(work, draft->object, draft->id, SHARING_FULL))
            return refuse_rights(work, draft);
        if (!owner_may_read(work, draft, owner))
            return false;
    }
    return drop_manual_shares(work, draft);
}
