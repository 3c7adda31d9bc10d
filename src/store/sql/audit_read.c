/* audit_read.c - pages of the audit, newest first. */
#include "store/store_audit.h"
#include "store/sql/sql_priv.h"

static struct sq_stmt *list_stmt(struct sq *sq, const struct audit_query *q, struct err *err)
{
    struct sq_stmt *stmt =
        sq_stmtf(sq, err,
                 "SELECT id,at_ms,who,what,detail,hash FROM audit WHERE 1%s%s ORDER BY id DESC"
                 " LIMIT ?3",
                 q->who ? " AND who=?1 COLLATE NOCASE" : "", q->before_id ? " AND id<?2" : "");
    if (!stmt)
        return NULL;
    sq_text(stmt, 1, q->who);
    sq_int(stmt, 2, q->before_id);
    sq_int(stmt, 3, q->limit ? (int64_t)q->limit : -1);
    return stmt;
}

static enum status list(struct store *store, struct arena *arena, const struct audit_query *query,
                        struct audit_line **out, size_t *count, struct err *err)
{
    struct sq *sq = sq_of(store);
    VEC(struct audit_line) lines = {0};
    enum status rc = FAIL;
    bool row = true;
    struct sq_stmt *stmt = list_stmt(sq, query, err);
    while (stmt && (rc = sq_row(sq, stmt, &row, err)) == OK && row)
        vec_push(&lines, ((struct audit_line){.id = sq_col_int(stmt, 0),
                                              .at_ms = sq_col_int(stmt, 1),
                                              .who = sq_col_text(stmt, 2, arena),
                                              .what = sq_col_text(stmt, 3, arena),
                                              .detail = sq_col_text(stmt, 4, arena),
                                              .hash = sq_col_text(stmt, 5, arena)}));
    *count = lines.len;
    *out = arena_array(arena, lines.len + 1, sizeof **out);
    for (size_t i = 0; i < lines.len; i++)
        (*out)[i] = lines.at[i];
    vec_free(&lines);
    return rc;
}

const struct store_audit sq_audit = {.list = list};
