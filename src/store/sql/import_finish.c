/* import_finish.c - the unique index on key, after a first load.
 *
 * A first load trusts that keys come once. Should a source have given one twice
 * (a page read again, a report without a unique key), the newest stamp stays. */
#include "store/sql/sql_priv.h"

/* All but the newest of each key. */
#define DOUBLES(what)                                                                              \
    "(SELECT " what " FROM (SELECT rid,deleted,row_number() OVER (PARTITION BY key"                \
    " ORDER BY coalesce(stamp,'') DESC,rid DESC) AS place FROM t%lld) AS placed WHERE place>1"

static enum status merge_doubles(struct sq *sq, int64_t table_id, struct err *err)
{
    long long id = table_id;
    char *sql = arena_printf(
        sq->scratch,
        "UPDATE tables SET row_count=row_count-" DOUBLES("count(*)") " AND deleted=0)"
        " WHERE id=%lld;"
        "DELETE FROM s%lld WHERE rid IN " DOUBLES("rid") ");"
        "DELETE FROM t%lld WHERE rid IN " DOUBLES("rid") ");"
        "UPDATE sources SET row_count="
        "(SELECT count(*) FROM t%lld t WHERE t.deleted=0 AND ((t.src>>CAST(slot AS INT))&1)<>0)"
        " WHERE table_id=%lld;",
        id, id, id, id, id, id, id, id);
    return sq_exec(sq, sql, err);
}

static enum status create_index(struct sq *sq, int64_t table_id, struct err *err)
{
    return sq_exec(sq,
                   arena_printf(sq->scratch, "CREATE UNIQUE INDEX t%lld_key ON t%lld(key)",
                                (long long)table_id, (long long)table_id),
                   err);
}

/* A statement that fails would end the whole transaction: back to before it. */
static enum status merge_and_index(struct sq *sq, int64_t table_id, struct err *err)
{
    if (sq_exec(sq, "ROLLBACK TO SAVEPOINT keyed", err) != OK ||
        merge_doubles(sq, table_id, err) != OK)
        return FAIL;
    return create_index(sq, table_id, err);
}

enum status sq_make_key_index(struct sq *sq, int64_t table_id, struct err *err)
{
    struct err first = {0};
    if (sq_exec(sq, "SAVEPOINT keyed", err) != OK)
        return FAIL;
    if (create_index(sq, table_id, &first) != OK) {
        if (!err_is(&first, ERR_CONFLICT)) {
            if (err)
                *err = first;
            return FAIL;
        }
        if (merge_and_index(sq, table_id, err) != OK)
            return FAIL;
    }
    if (sq_exec(sq, "RELEASE SAVEPOINT keyed", err) != OK)
        return FAIL;
    struct sq_stmt *stmt = sq_stmt(sq, err, "UPDATE tables SET keyed=1 WHERE id=?");
    if (!stmt)
        return FAIL;
    sq_int(stmt, 1, table_id);
    return sq_done(sq, stmt, err);
}

static enum status finish(struct sq *sq, int64_t table_id, struct err *err)
{
    struct sheet_info info;
    if (sq_sheet_info(sq, table_id, &info, err) != OK)
        return FAIL;
    if (!info.keyed && sq_make_key_index(sq, table_id, err) != OK)
        return FAIL;
    return sq->engine->sheet_grew ? sq->engine->sheet_grew(sq, table_id, err) : OK;
}

enum status sq_import_finish(struct store *store, int64_t table_id, struct err *err)
{
    struct sq *sq = sq_of(store);
    if (sq_begin(sq, err) != OK)
        return FAIL;
    return sq_end(sq, finish(sq, table_id, err), err);
}
