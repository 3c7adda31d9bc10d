/* row_leaver.c - a source no longer has a row.
 *
 * A row that another source still holds only forgets this one. Otherwise it is
 * marked or removed. One that is marked already can still be removed. */
#include "store/sql/sql_priv.h"

enum status row_leaver_open(struct row_leaver *l, struct sq *sq, int64_t table_id, int slot,
                            enum when_deleted how, struct err *err)
{
    long long id = table_id, keep = ~SQ_SOURCE_BIT(slot);
    *l = (struct row_leaver){.sq = sq, .table_id = table_id, .slot = slot, .how = how};
    l->leave = sq_stmtf(sq, err, "UPDATE t%lld SET src=src&%lld WHERE rid=?", id, keep);
    l->mark = sq_stmtf(sq, err,
                       "UPDATE t%lld SET deleted=?1,stamp=coalesce(?2,stamp),src=src&%lld"
                       " WHERE rid=?3",
                       id, keep);
    if (!l->leave || !l->mark ||
        historian_open(&l->history, sq, table_id, HISTORY_BY_IMPORT, 0, err) != OK)
        return FAIL;
    return deduper_open(&l->dedupe, sq, table_id, err);
}

void row_leaver_close(struct row_leaver *l)
{
    if (l->remover_open)
        row_remover_close(&l->remover);
}

/* Another row may come to light in its place. */
static enum status free_key(struct row_leaver *l, int64_t row_id, struct err *err)
{
    if (deduper_drop(&l->dedupe, row_id, err) != OK)
        return FAIL;
    l->live += l->dedupe.live;
    l->dedupe.live = 0;
    return OK;
}

/* The row before may have brought this one to light. */
static enum status look_again(struct row_leaver *l, int64_t row_id, int *deleted, struct err *err)
{
    int64_t now = *deleted;
    struct sq_stmt *stmt = l->dedupe.on ? sq_stmtf(l->sq, err, "SELECT deleted FROM t%lld WHERE rid=?",
                                                   (long long)l->table_id)
                                        : NULL;
    if (!stmt)
        return l->dedupe.on ? FAIL : OK;
    sq_int(stmt, 1, row_id);
    enum status rc = sq_one_int(l->sq, stmt, now, &now, err);
    *deleted = (int)now;
    return rc;
}

static enum status delete_row(struct row_leaver *l, int64_t row_id, const char *stamp,
                              struct err *err)
{
    sq_int(l->mark, 1, l->how == DELETED_REMOVE ? 2 : 1);
    sq_text(l->mark, 2, stamp);
    sq_int(l->mark, 3, row_id);
    if (sq_done(l->sq, l->mark, err) != OK || free_key(l, row_id, err) != OK)
        return FAIL;
    if (l->how != DELETED_REMOVE)
        return historian_row(&l->history, row_id, HISTORY_DELETED, err);
    if (historian_forget(&l->history, row_id, err) != OK)
        return FAIL;
    if (!l->remover_open && row_remover_open(&l->remover, l->sq, l->table_id, err) != OK)
        return FAIL;
    l->remover_open = true;
    return row_remove(&l->remover, row_id, err);
}

enum status row_leave(struct row_leaver *l, int64_t row_id, int deleted, int64_t src,
                      const char *stamp, bool *left, struct err *err)
{
    bool holds = src & SQ_SOURCE_BIT(l->slot);
    int to = l->how == DELETED_REMOVE ? 2 : 1;
    if (look_again(l, row_id, &deleted, err) != OK)
        return FAIL;
    bool merged = deleted == SQ_MERGED;
    deleted = merged ? 0 : deleted;
    *left = l->how != DELETED_KEEP && deleted < to && (deleted || holds);
    if (!*left)
        return OK;
    l->left++;
    l->held -= holds && !deleted;
    if (!deleted && (src & ~SQ_SOURCE_BIT(l->slot))) {
        sq_int(l->leave, 1, row_id);
        return sq_done(l->sq, l->leave, err);
    }
    l->live -= !deleted && !merged;
    return delete_row(l, row_id, stamp, err);
}
